"""A private, throw-away PostgreSQL cluster for the tests of one session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

#: The parameters of a fixture whose tests run on both kinds of database.
BOTH_DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
#: For a test that is about the file itself.
on_sqlite = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


def database_url(request: pytest.FixtureRequest) -> str | None:
    """A new database of the kind that a fixture's parameter names; `None` leaves the scheduler its file."""
    return request.getfixturevalue("cluster").new_database() if request.param == "postgres" else None


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """A server on a Unix socket in a folder of its own. It keeps what it acknowledged, however it is stopped."""

    def __init__(self, bin: Path) -> None:
        self.folder = tempfile.mkdtemp(prefix="pg")  # short: a socket's path has a limit of 107 bytes
        self._bin = bin
        self._numbers = count(1)
        self._prefix: list[str] = []
        if os.geteuid() == 0:  # the server refuses root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [*self._prefix, bin / "initdb", "-D", self._data, *options],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )
        self._log = open(f"{self.folder}/log", "wb")  # noqa: SIM115  # open as long as the server may run
        self._engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self.start()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = {"unix_socket_directories": self.folder, "listen_addresses": ""}
        self._process = subprocess.Popen(
            [
                *[*self._prefix, self._bin / "postgres", "-D", self._data],
                *(f"-c{name}={value}" for name, value in options.items()),
            ],
            stdout=self._log,
            stderr=self._log,
            cwd=self.folder,
        )
        deadline = time.monotonic() + 30
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", self.folder]).returncode:
            assert self._process.poll() is None, Path(f"{self.folder}/log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not start"

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """Stops the server: SIGQUIT at once, as a crash does; SIGINT after it has thrown everybody out."""
        self._process.send_signal(number)
        self._process.wait(30)

    @property
    def is_running(self) -> bool:
        """Whether the server runs."""
        return self._process.poll() is None

    def new_schema(self) -> str:
        """The URL of what looks like a new, empty database: a schema of its own, made in a hundredth of the time."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE SCHEMA {name}")
        return f"{self._url('postgres')}&options=-csearch_path%3D{name}"

    def new_database(self, options: str = "") -> str:
        """The URL of a new, empty database."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} {options}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Removes a database."""
        self.run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def give(self, directory: Path) -> None:
        """Lets the server have a directory."""
        if self._prefix:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)

    def run(self, statement: str) -> None:
        """Runs a statement as the superuser, outside a transaction."""
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def set(self, name: str, value: str) -> None:
        """Changes a setting of the server, and waits until new connections have it."""
        self.run(f"ALTER SYSTEM SET {name} = '{value}'")
        self.run("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 30
        while self._show(name) != value:
            assert time.monotonic() < deadline, f"{name} did not become {value}"

    def ask(self, question: str) -> Any:
        """The answer to a query for one value."""
        with self._engine.connect() as connection:
            return connection.execute(text(question)).scalar_one()

    def _show(self, name: str) -> Any:
        self._engine.dispose()
        return self.ask(f"SHOW {name}")

    def remove(self) -> None:
        """Ends it and removes its folder."""
        self._engine.dispose()
        if self.is_running:
            self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return f"{self.folder}/data"

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"
