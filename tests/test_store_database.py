"""Opening the collection: addresses, migrations, transactions, and several processes at once."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from conftest import PATIENCE_S, PROJECT_DIR
from sqlalchemy import inspect, text
from store_examples import FACTS, add_grey, png_bytes

from tesserae.errors import OutputError, StoreError, TesseraeError
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import claim_next, finish_job, get_job, list_jobs, queue_job
from tesserae.store.photos import add_photo, get_photo, list_photos
from tesserae.store.schema import JobRow, Row, UtcTime, fingerprint, to_json

pytest_plugins = "store_fixtures"

# What another process does with the same collection: adds photos, and works off jobs.
OTHER_PROCESS = """
import sys
from pathlib import Path
from store_examples import FACTS, png_bytes
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import claim_next, finish_job, report_progress
from tesserae.store.photos import add_photo

home, url, worker, first = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3], int(sys.argv[4])
with open_store(Settings(home=home, database_url=url)) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for level in range(first, first + 6):
        add_photo(store, png_bytes(level), f"{worker}.png", FACTS)
    while job := claim_next(store, worker):
        report_progress(store, job, 0.5)
        finish_job(store, job, {"by": worker})
"""


def test_a_new_collection_has_the_tables_of_the_schema(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
        assert inspect(connection).get_check_constraints("jobs")[0]["name"] == "ck_jobs_state"


def test_opening_again_keeps_what_is_there(settings):
    with open_store(settings) as store:
        photo = add_grey(store)
    with open_store(settings) as store:
        assert list_photos(store) == [photo]


def test_a_database_of_the_first_revision_is_brought_up_to_date(settings, monkeypatch):
    with monkeypatch.context() as before:
        upgrade = command.upgrade
        before.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        with open_store(settings) as store, store.engine.connect() as connection:
            photo = add_grey(store)
            assert not {"drafts", "members"} & set(inspect(connection).get_table_names())
    with open_store(settings) as store, store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Row.metadata) == []
        assert list_photos(store) == [photo]


def test_sqlite_is_set_up_for_several_processes(tmp_path):
    with open_store(Settings(home=tmp_path / "new" / "100% home", database_url=None)) as store, store.reading() as session:
        assert (tmp_path / "new" / "100% home" / "tesserae.db").is_file()
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) == 30_000


def test_an_sqlite_file_may_lie_elsewhere(tmp_path):
    settings = Settings(home=tmp_path / "home", database_url=f"sqlite:///{tmp_path / 'other.db'}")
    with open_store(settings) as store:
        add_grey(store)
    assert (tmp_path / "other.db").is_file()
    assert not (tmp_path / "home" / "tesserae.db").exists()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "postgresql://host:port/name"],
    ids=["no-address", "another-database", "memory", "memory-by-name", "port"],
)
def test_an_address_that_cannot_be_used_is_explained(url, tmp_path):
    with pytest.raises(StoreError, match=r"TESSERAE_DATABASE_URL names the database.*found .*Correct it"):
        open_store(Settings(home=tmp_path, database_url=url))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_that_does_not_answer_is_named_without_its_password(scheme, tmp_path):
    settings = Settings(home=tmp_path, database_url=f"{scheme}://me:secret@/name?host={tmp_path}")
    with pytest.raises(StoreError, match=r"me:\*\*\*@/name.*to answer, but it refused.*try again") as caught:
        open_store(settings)
    assert "secret" not in str(caught.value)


def test_a_database_that_cannot_be_opened_is_explained(tmp_path):
    settings = Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'none' / 'file.db'}")
    with pytest.raises(StoreError, match=r"none/file\.db to answer, but it refused: unable to open database file"):
        open_store(settings)


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(OutputError, match=r"home could not be used.*TESSERAE_HOME"):
        open_store(Settings(home=tmp_path / "home", database_url=None))


def test_a_newer_database_is_refused_and_stays_as_it_is(settings):
    with open_store(settings) as store, store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer Tesserae: expected .* 0004 or older, found 9999\. Update"):
        open_store(settings)


def test_an_error_in_the_block_undoes_all_of_it(store):
    def write_and_fail():
        with store.writing() as session:
            session.execute(text("INSERT INTO checkpoints VALUES ('a', 'b', 'c', '{}', '2026-01-01')"))
            raise TesseraeError("enough")

    with pytest.raises(TesseraeError, match="enough"):
        write_and_fail()
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM checkpoints")) == 0


def test_a_constraint_guards_the_states_of_jobs(store):
    with pytest.raises(StoreError, match="refused"), store.writing() as session:
        session.add(JobRow(id="a", kind="k", arguments={}, key="k", state="asleep", created_at=datetime.now(UTC)))


def test_moments_come_back_in_utc(store):
    moment = datetime(2026, 5, 1, 23, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-3)))
    with store.writing() as session:
        session.add(JobRow(id="a", kind="k", arguments={}, key="k", created_at=moment))
    found = get_job(store, "a").created_at
    assert (found, found.tzinfo) == (moment, UTC)


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        UtcTime().process_bind_param(datetime(2026, 5, 1), None)


def test_fingerprints_depend_on_content_not_on_order():
    assert fingerprint({"a": 1, "b": (2, 3)}) == fingerprint({"b": [2, 3], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_what_is_no_json_is_refused_on_every_database():
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_threads_of_one_process_share_a_store(store):
    def work(number):
        for _ in range(5):
            add_grey(store, 1)
            add_grey(store, 10 + number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_photos(store)) == 5


def test_threads_may_open_a_new_collection_at_once(settings):
    stores, errors = [], []

    def work():
        try:
            stores.append(open_store(settings))
        except TesseraeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert (len(stores), errors) == (4, [])


def test_two_processes_and_this_one_write_at_once(settings):
    """All open a collection that is not there yet, add photos of which some are the same, and share the jobs."""
    workers = [start_process(settings, f"worker {number}", first=number * 3) for number in range(2)]
    with open_store(settings) as store:
        jobs = [queue_job(store, "count", {"number": number}) for number in range(9)]
        for worker in workers:
            assert worker.stdout.readline() == "open\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for level in range(2, 8):
            add_photo(store, png_bytes(level), "here.png", FACTS)
        while job := claim_next(store, "here"):
            finish_job(store, job, {"by": "here"})
        outcomes = [worker.communicate(timeout=PATIENCE_S) for worker in workers]
        assert [(worker.returncode, errors) for worker, (_, errors) in zip(workers, outcomes, strict=True)] == [(0, "")] * 2
        assert {get_photo(store, photo.id).version for photo in list_photos(store)} == {1}
        assert len(list_photos(store)) == 9
        assert len(list((store.home / "photos").iterdir())) == 9
        assert {(job.id, job.attempts, job.state) for job in list_jobs(store)} == {(job.id, 1, "done") for job in jobs}


def start_process(settings, worker, *, first):
    arguments = [str(settings.home), settings.database_url or "", worker, str(first)]
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, *arguments],
        cwd=PROJECT_DIR / "tests",
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
