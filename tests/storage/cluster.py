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

from sqlalchemy import create_engine, text


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """A server on a Unix socket in a folder of its own, without fsync."""

    def __init__(self, bin: Path) -> None:
        self.folder = tempfile.mkdtemp(prefix="pg")  # short: a socket's path has a limit of 107 bytes
        self._numbers = count(1)
        prefix = []
        if os.geteuid() == 0:  # the server refuses root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = f"{self.folder}/data"
        subprocess.run(
            [
                *prefix,
                bin / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )
        options = {"unix_socket_directories": self.folder, "listen_addresses": "", "fsync": "off"}
        options |= {"synchronous_commit": "off", "full_page_writes": "off"}
        self._log = open(f"{self.folder}/log", "wb")  # noqa: SIM115  # open as long as the server runs
        self._process = subprocess.Popen(
            [*prefix, bin / "postgres", "-D", data, *(f"-c{name}={value}" for name, value in options.items())],
            stdout=self._log,
            stderr=self._log,
            cwd=self.folder,
        )
        deadline = time.monotonic() + 30
        while subprocess.run([bin / "pg_isready", "-q", "-h", self.folder]).returncode:
            assert self._process.poll() is None, Path(f"{self.folder}/log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not start"

        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    @property
    def _url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def new_database(self) -> str:
        """The URL of what looks like a new, empty database: a schema of its own, made in a hundredth of the time."""
        name = f"test{next(self._numbers)}"
        with self._engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        return f"{self._url}&options=-csearch_path%3D{name}"

    def stop(self) -> None:
        """Ends it and removes its folder."""
        self._engine.dispose()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
