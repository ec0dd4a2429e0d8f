"""`rivers scheduler`: what it refuses, and how it ends."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

from tests.stack import RIVERS, Stack


def rivers(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run([RIVERS, *arguments], cwd=directory, capture_output=True, text=True, timeout=60)


def refused(outcome: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why."""
    assert outcome.returncode == 2, outcome
    assert outcome.stdout == ""
    lines = outcome.stderr.strip().splitlines()
    assert len(lines) == 1, outcome.stderr
    return lines[0]


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler()
        line = refused(rivers(tmp_path, "scheduler", "--port", str(stack.port), "--storage-path", "other"))
        assert str(stack.port) in line
        assert "--port" in line
        assert not (tmp_path / "other").exists()


def test_a_directory_that_another_scheduler_owns_is_named_with_its_owner(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler()
        line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--storage-path", "scheduler"))
        assert f"127.0.0.1:{stack.port}" in line
        assert stack.scheduler is not None
        assert str(stack.scheduler.process.pid) in line


def test_a_database_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler()
        assert stack.scheduler is not None
        assert stack.scheduler.stop() == 0
    with sqlite3.connect(tmp_path / "scheduler" / "rivers.db") as database:
        database.execute("UPDATE schema_stamp SET version = 99, min_reader = 99, min_writer = 99")
    database.close()
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--storage-path", "scheduler"))
    assert "99" in line
    assert "upgrade" in line


def test_a_host_beyond_loopback_needs_to_be_meant(tmp_path: Path) -> None:
    assert "--insecure" in refused(rivers(tmp_path, "scheduler", "--host", "0.0.0.0", "--port", "0"))


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    line = refused(rivers(tmp_path, "runs", "list", "--scheduler", "127.0.0.1:1"))
    assert "127.0.0.1:1" in line
    assert "rivers scheduler" in line


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    url = "postgresql+psycopg://someone:secret@127.0.0.1:1/rivers"
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--database-url", url))
    assert "RIVERS_DATABASE_URL" in line
    assert "secret" not in line


def test_it_ends_cleanly_and_starts_again_in_its_directory(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        for _ in range(2):
            stack.start_scheduler()
            assert stack.scheduler is not None
            assert stack.scheduler.stop() == 0
            assert stack.scheduler.stderr() == ""
