"""Opens the collection's database, SQLite or PostgreSQL, brings its tables up to date, and gives out short transactions."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from tesserae.errors import StoreError
from tesserae.settings import Settings
from tesserae.store.files import disk_errors

DATABASE_FILE = "tesserae.db"

_MIGRATIONS = Path(__file__).parent / "migrations"
_PATIENCE_S = 30.0  # how long a writer waits for another one
_ALONE_KEY, _UPGRADE_KEY = 0x7E55E7A0, 0x7E55E7A1  # numbers of PostgreSQL's advisory locks; any will do
_upgrade_lock = threading.Lock()  # Alembic keeps the running migration in module globals


@dataclass(frozen=True, eq=False)
class Store:
    """An open collection; may be shared by threads, and several processes may each open it.

    Attributes:
        engine: connections to the database.
        home: folder of the files, absolute.
    """

    engine: Engine
    home: Path

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; it waits for no writer.

        Raises StoreError when the database fails.
        """
        with _database_errors(self.engine), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[Session]:
        """A transaction that is committed at the end of the block, and rolled back on an exception; keep it short.

        Args:
            alone: no other `alone` transaction runs meanwhile, in any process, so that what was looked up stays so.
                Adding and removing files takes this. SQLite has one writer at a time anyway.

        Raises StoreError when the database fails.
        """
        engine = self.engine.execution_options(writes=True)
        with _database_errors(self.engine), Session(engine, expire_on_commit=False) as session, session.begin():
            if alone:
                _lock(session.connection(), _ALONE_KEY)
            yield session

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_store(settings: Settings) -> Store:
    """Open the collection of these settings; creates folder and database, and migrates an older database.

    Raises:
        StoreError: the database cannot be reached, or is newer than this program.
        OutputError: the folder cannot be made.
    """
    url = _database_url(settings)
    home = settings.home.absolute()
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
    engine = _make_engine(url)
    try:
        with _database_errors(engine):
            _upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, home)


def _database_url(settings: Settings) -> URL:
    """The address from the settings, with the driver that Tesserae ships with."""
    if settings.database_url is None:
        return URL.create("sqlite", database=str(settings.home.absolute() / DATABASE_FILE))
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(_address_advice("an address that cannot be read")) from error
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise StoreError(_address_advice(url.render_as_string(hide_password=True)))


def _address_advice(found: str) -> str:
    return (
        "TESSERAE_DATABASE_URL names the database, as in postgresql://user:password@host/name or "
        f"sqlite:////folder/file.db; found {found}. Correct it, or leave it out: a file in TESSERAE_HOME is used then."
    )


def _make_engine(url: URL) -> Engine:
    is_file = url.drivername == "sqlite"
    arguments: dict[str, Any] = {"timeout": _PATIENCE_S} if is_file else {"connect_timeout": 10}
    # NaN is no JSON, and PostgreSQL refuses it: better here than on the other database only
    to_json = partial(json.dumps, allow_nan=False)
    engine = create_engine(url, connect_args=arguments, json_serializer=to_json, pool_pre_ping=True)
    if is_file:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's place at once: a reader that becomes a writer later would fail instead of waiting."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _lock(connection: Connection, key: int) -> None:
    """Wait until no other transaction holds the lock `key`; held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction; the first of several processes does it, the others wait."""
    script = ScriptDirectory(str(_MIGRATIONS))
    known = {revision.revision for revision in script.walk_revisions()}
    with engine.connect() as connection:
        if _revision(connection, known) == script.get_current_head():
            return
    with _upgrade_lock, engine.execution_options(writes=True).begin() as connection:
        _lock(connection, _UPGRADE_KEY)
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")


def _revision(connection: Connection, known: set[str]) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in known:
        raise StoreError(
            f"The collection was last opened by a newer Tesserae: expected a database of revision {max(known)} or older, "
            f"found {revision}. Update this program, or name another folder in TESSERAE_HOME."
        )
    return revision


@contextmanager
def _database_errors(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into a sentence; the address is named without its password."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        where = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string(hide_password=True)
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
        raise StoreError(
            f"Expected the collection's database {where} to answer, but it refused: {reason[0] if reason else 'no reason given'}. "
            "Check that the disk has room and that the server runs, then try again."
        ) from error
