"""A storage directory has one scheduler, or any number of programs that run in process (D2, D3)."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rivers.errors import StorageError
from rivers.storage import lock
from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from tests.storage import samples

PROGRAM = """
import sys
from rivers.storage.database import Database
directory, mode, address = sys.argv[1:]
database = Database.embedded(directory, lock=mode, address=address)
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(directory: Path, mode: str, address: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory), mode, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdin is not None
    try:
        assert program.stdout.readline() == "open\n"
        yield program
    finally:
        program.stdin.close()
        program.wait(30)
        program.stdout.close()


@pytest.mark.parametrize("mode", ["shared", "exclusive"])
def test_D3_a_directory_that_a_scheduler_owns_names_it(tmp_path: Path, mode: lock.LockMode) -> None:
    with other_process(tmp_path, "exclusive", "127.0.0.1:4000") as scheduler:
        with pytest.raises(StorageError, match=rf"owned by the scheduler with pid {scheduler.pid} at 127.0.0.1:4000"):
            Database.embedded(tmp_path, lock=mode)
        with pytest.raises(StorageError, match=f"pid {scheduler.pid}"):
            Database.connect(f"sqlite:///{tmp_path}/rivers.db", lock=mode)
        assert lock.owner(tmp_path) == lock.Owner(scheduler.pid, "127.0.0.1:4000")
    assert lock.owner(tmp_path) is None
    Database.embedded(tmp_path, lock=mode).close()


def test_D3_reading_is_allowed_while_a_scheduler_owns_it(tmp_path: Path) -> None:
    with other_process(tmp_path, "exclusive"):
        database = Database.embedded(tmp_path, read_only=True)
        assert samples.positions(database) == []
        with pytest.raises(StorageError, match="opened for reading only"):
            database.write(samples.writes(samples.run()))
        database.close()


def test_programs_that_run_in_process_share_it_and_keep_a_scheduler_out(tmp_path: Path) -> None:
    with other_process(tmp_path, "shared"):
        database = Database.embedded(tmp_path)
        database.write(samples.writes(samples.run()))
        database.close()
        with pytest.raises(StorageError, match="used by programs that run in process"):
            Database.embedded(tmp_path, lock="exclusive")
        assert lock.owner(tmp_path) is None
    Database.embedded(tmp_path, lock="exclusive").close()


def test_D2_a_killed_scheduler_leaves_the_directory_free(tmp_path: Path) -> None:
    with other_process(tmp_path, "exclusive", "127.0.0.1:4000") as scheduler:
        scheduler.send_signal(signal.SIGKILL)
        scheduler.wait(30)
        assert lock.owner(tmp_path) is None
        database = Database.embedded(tmp_path, lock="exclusive", address="127.0.0.1:5000")
        assert Leadership.take(database, holder="next", address="127.0.0.1:5000").term == 1
        assert lock.owner(tmp_path) == lock.Owner(os.getpid(), "127.0.0.1:5000")
        database.close()


def test_within_one_process_too(tmp_path: Path) -> None:
    first = Database.embedded(tmp_path, lock="exclusive", address="here")
    with pytest.raises(StorageError, match=f"pid {os.getpid()} at here"):
        Database.embedded(tmp_path)
    first.close()
    second, third = Database.embedded(tmp_path), Database.embedded(tmp_path)
    second.close()
    with pytest.raises(StorageError):
        Database.embedded(tmp_path, lock="exclusive")
    third.close()


def test_a_dropped_database_releases_it(tmp_path: Path) -> None:
    database = Database.embedded(tmp_path, lock="exclusive")
    database.write(samples.writes(samples.run()))
    samples.positions(database)
    del database
    gc.collect()
    Database.embedded(tmp_path, lock="exclusive").close()


def test_the_lock_module_needs_no_database_driver() -> None:
    program = "import sys, rivers.storage.lock; assert not {'sqlalchemy', 'sqlite3', 'grpc'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
