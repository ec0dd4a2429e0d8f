"""`rivers scheduler`: what it refuses, and how it ends."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.postgresql import Cluster
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


@pytest.mark.parametrize(
    "query", ["someone:secret@127.0.0.1:1/rivers", "127.0.0.1:1/rivers?password=secret", "/rivers?sslpassword=secret"]
)
def test_a_password_anywhere_in_the_url_is_refused(tmp_path: Path, query: str) -> None:
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--database-url", f"postgresql://{query}"))
    assert "RIVERS_DATABASE_URL" in line
    assert "secret" not in line


def test_a_url_with_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://someone:secret@127.0.0.1:1/rivers\n")
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--database-url-file", "url"))
    assert "someone:***@127.0.0.1:1/rivers" in line
    assert "secret" not in line
    with Stack(tmp_path) as stack:
        (tmp_path / "url").write_text(f"sqlite:///{tmp_path}/other.db")
        stack.start_scheduler("--database-url-file", "url")
        assert (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (b"sqlite://", ["--database-url", "sqlite://"], "not both"),
        (None, [], "No such file"),
        (b"\n", [], "one line"),
        (b"sqlite://\nsqlite://", [], "one line"),
        (b"\xff\xfe", [], "no text"),
    ],
)
def test_a_file_without_one_url_is_refused(
    tmp_path: Path, content: bytes | None, options: list[str], expected: str
) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--database-url-file", "url", *options))
    assert expected in line


@pytest.mark.postgres
def test_T6_a_server_that_may_forget_what_it_acknowledged_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    url = f"{cluster.new_database()}&options=-csynchronous_commit%3Doff"
    line = refused(rivers(tmp_path, "scheduler", "--port", "0", "--database-url", url))
    assert "synchronous_commit" in line


def test_it_ends_cleanly_and_starts_again_in_its_directory(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        for _ in range(2):
            stack.start_scheduler()
            assert stack.scheduler is not None
            assert stack.scheduler.stop() == 0
            assert stack.scheduler.stderr() == ""
