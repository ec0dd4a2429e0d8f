"""`rivers doctor` finds what is wrong and nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from rivers.storage import stamp
from tests.postgresql import Cluster, on_sqlite
from tests.stack import RIVERS, Stack


def doctor(directory: Path, *options: str, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and what was found by check."""
    arguments = [RIVERS, "doctor", "--json", *options]
    done = subprocess.run(
        arguments, cwd=directory, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.returncode, {finding["check"]: finding for finding in json.loads(done.stdout)}


def address(stack: Stack) -> tuple[str, ...]:
    """The options that name its scheduler and directory."""
    return ("--scheduler", f"127.0.0.1:{stack.port}", "--storage-path", "scheduler")


@on_sqlite
def test_a_set_up_that_works_has_nothing_wrong_with_it(stack: Stack) -> None:
    stack.start_scheduler("--beat-interval", "0.2")
    stack.start_location("team")
    code, found = doctor(stack.directory, *address(stack))
    assert code == 0
    assert {finding["level"] for finding in found.values()} == {"ok"}, found
    assert stack.scheduler is not None
    assert str(stack.scheduler.process.pid) in found["storage owner"]["message"]
    assert "2 workers" in found["location team"]["message"]
    assert f"schema {stamp.VERSION}" in found["storage schema"]["message"]
    assert found["clock"]["message"] == "agrees with the scheduler's"


@pytest.mark.postgres
@pytest.mark.parametrize("stack", ["postgres"], indirect=True)
def test_a_database_server_is_looked_into_too(stack: Stack, cluster: Cluster) -> None:
    stack.start_scheduler("--beat-interval", "0.2")
    stack.start_location("team")
    where = ("--scheduler", f"127.0.0.1:{stack.port}")
    assert stack.database_url is not None
    code, found = doctor(stack.directory, *where, RIVERS_DATABASE_URL=stack.database_url)
    assert code == 0
    assert {finding["level"] for finding in found.values()} == {"ok"}, found
    assert f"schema {stamp.VERSION}" in found["database"]["message"]
    empty = cluster.new_database()
    assert doctor(stack.directory, *where, RIVERS_DATABASE_URL=empty)[1]["database"]["level"] == "ok"
    gone = empty.replace("/test", "/gone")
    code, found = doctor(stack.directory, *where, RIVERS_DATABASE_URL=gone)
    assert (code, found["database"]["level"]) == (1, "error")
    assert "does not exist" in found["database"]["message"]


def test_it_is_a_line_for_each_check(stack: Stack) -> None:
    stack.start_scheduler()
    arguments = [RIVERS, "doctor", *address(stack)]
    done = subprocess.run(arguments, cwd=stack.directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["ok", "python"]
    (locations,) = [line for line in lines if "locations" in line]
    assert locations.startswith("warning")
    assert "rivers serve" in locations


def test_where_nothing_is_it_finds_nothing_wrong_and_makes_nothing(tmp_path: Path) -> None:
    code, found = doctor(tmp_path, "--storage-path", "nowhere/at/all")
    assert code == 0
    assert found["python"]["level"] == found["packages"]["level"] == found["storage"]["level"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_was_named_and_is_not_there_is_wrong(tmp_path: Path) -> None:
    code, found = doctor(tmp_path, "--scheduler", "127.0.0.1:1")
    assert code == 1
    assert found["scheduler"]["level"] == "error"
    assert "127.0.0.1:1" in found["scheduler"]["message"]
    assert "rivers scheduler" in found["scheduler"]["remedy"]


def test_a_module_that_cannot_be_loaded_and_a_location_that_is_gone_are_told(stack: Stack) -> None:
    stack.start_scheduler("--beat-interval", "0.2")
    stack.write_module("bad", "raise ValueError('half written')")
    stack.start_location("bad", await_ready=False)
    stack.await_location("bad", "LOAD_FAILED")
    stack.start_location("team").kill()
    stack.await_location("team", "CONNECTING")
    code, found = doctor(stack.directory, *address(stack))
    assert code == 1
    assert found["location bad"]["level"] == "error"
    assert "half written" in found["location bad"]["message"]
    assert found["location team"]["level"] == "warning"


@on_sqlite
def test_an_owner_that_has_ended_is_no_owner(stack: Stack) -> None:
    stack.start_scheduler()
    assert stack.scheduler is not None
    pid = stack.scheduler.process.pid
    stack.kill_scheduler()
    code, found = doctor(stack.directory, "--storage-path", "scheduler")
    assert code == 0
    assert found["storage owner"]["message"].startswith("free")
    assert str(pid) in found["storage owner"]["message"]


@on_sqlite
def test_a_schema_of_another_version_is_told_with_what_to_do(stack: Stack) -> None:
    stack.start_scheduler()
    assert stack.scheduler is not None
    assert stack.scheduler.stop() == 0
    with sqlite3.connect(stack.directory / "scheduler" / "rivers.db") as database:
        database.execute("UPDATE schema_stamp SET version = 99, min_reader = 1, min_writer = 99")
    database.close()
    code, found = doctor(stack.directory, "--storage-path", "scheduler")
    assert code == 1
    assert "upgrade rivers" in found["storage schema"]["message"]


def test_a_database_server_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    environment = {"RIVERS_DATABASE_URL": "postgresql+psycopg://someone:secret@127.0.0.1:1/rivers", "PATH": "/usr/bin"}
    done = subprocess.run([RIVERS, "doctor"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert "127.0.0.1:1" in line
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "options",
    [("--scheduler", "somewhere"), ("--scheduler", "host:0"), ("--database-url", "postgresql://a:secret@h/d")],
)
def test_bad_usage_is_one_line_and_2(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = subprocess.run([RIVERS, "doctor", *options], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert options[0] in done.stderr
    assert "secret" not in done.stderr
