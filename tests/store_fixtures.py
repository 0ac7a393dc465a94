"""Stores for the tests of `tesserae.store`: an SQLite file, and a PostgreSQL server that lives as long as the tests.

A test module takes part with `pytest_plugins = "store_fixtures"`. On machines with PostgreSQL's programs (Debian:
apt-get install postgresql) every test that asks for `store` runs on both databases; elsewhere the second half is skipped.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg
import pytest
from conftest import PATIENCE_S

from tesserae.settings import Settings
from tesserae.store import open_store


@pytest.fixture(scope="session")
def postgres_url():
    """Address of a PostgreSQL server without its last part, the database; it listens on a socket in its own folder only."""
    programs = postgres_programs()
    if programs is None or os.name == "nt":
        pytest.skip("needs PostgreSQL's programs initdb and postgres (Debian: apt-get install postgresql), and a system with Unix sockets")
    # not below pytest's folder, which only its owner may enter; and short, for a socket's path ends after 107 characters
    folder = Path(tempfile.mkdtemp(prefix="tesserae-pg-"))
    user = {} if os.geteuid() else unprivileged_user(folder)
    server = None
    try:
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **user)
        options = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "max_connections": 50}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *arguments], stderr=log, stdout=log, cwd=folder, **user
            )
        wait_for(server, folder)
        yield f"postgresql://tester@/{{}}?host={folder}"
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # at once: nothing here is worth keeping
            server.wait()
        shutil.rmtree(folder)


def postgres_programs():
    """Folder of initdb and postgres, None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def unprivileged_user(folder):
    """PostgreSQL refuses to run as root: give the folder to another user, and return how to start programs as that one."""
    import pwd  # not on Windows, where the tests of SQLite run too

    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def wait_for(server, folder):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(f"user=tester dbname=postgres host={folder}").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    """Settings of an empty collection, on each database."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        return Settings(home=home, database_url=None)
    url = request.getfixturevalue("postgres_url")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Settings(home=home, database_url=url.format(name))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path):
    """For what does not depend on the database."""
    with open_store(Settings(home=tmp_path / "home", database_url=None)) as store:
        yield store
