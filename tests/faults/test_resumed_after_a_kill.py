"""A run in process whose process is killed at any event is resumed: what had committed its success is not run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rivers as rs
from rivers.lifecycle.states import EventType
from rivers.storage import events
from rivers.storage.database import Database

#: A chain with a branch; the process dies at a place in a step. Values are files, so whoever resumes finds them.
PROGRAM = """
import os, pickle, signal, sys
from pathlib import Path
import rivers as rs

HERE = Path(sys.argv[1])
WHERE, WHEN, EXECUTOR = (sys.argv[2:] + ["", "", "in_process"])[:3]

def reach(where, step):
    if (where, step) == (WHERE, WHEN):
        os.kill(int((HERE / "pid").read_text()), signal.SIGKILL)

class Files(rs.BaseIOHandler):
    def handle_output(self, context, obj):
        reach("storing", context.asset_name)
        (HERE / context.asset_name).write_bytes(pickle.dumps(obj))
        reach("stored", context.asset_name)
    def load_input(self, context):
        reach("loading", context.downstream_asset)
        return pickle.loads((HERE / context.asset_name).read_bytes())

def run(step, value):
    with open(HERE / "marks", "a") as file:
        file.write(step + "\\n")
    reach("body", step)
    return value

@rs.Asset(io_handler=Files())
def a(): return run("a", 1)
@rs.Asset(io_handler=Files())
def b(a): return run("b", a + 1)
@rs.Asset(io_handler=Files())
def c(a): return run("c", a + 2)
@rs.Asset(io_handler=Files())
def d(b, c): return run("d", b + c)

repo = rs.CodeRepository([a, b, c, d], default_executor=getattr(rs.Executor, EXECUTOR)())

if __name__ == "__main__":
    (HERE / "pid").write_text(str(os.getpid()))
    repo.resolve(storage=rs.Storage.embedded(HERE / "store"))
    result = repo.materialize(run_id_override="run", resume=True)
    print(result.success, *result.materialized_assets)
    repo.shutdown()
"""
STEPS = [("loading", step) for step in "bcd"] + [
    (where, step) for step in "abcd" for where in ("body", "storing", "stored")
]


def start(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a process of its own."""
    command = [sys.executable, str(directory / "program.py"), str(directory), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize("executor", ["in_process", "parallel"])
@pytest.mark.parametrize(("where", "step"), STEPS)
def test_a_run_that_was_killed_is_resumed_after_what_is_committed(
    tmp_path: Path, where: str, step: str, executor: str
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    killed = start(tmp_path, where, step, executor)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    marks = tmp_path / "marks"
    before = marks.read_text().split()
    database = Database.embedded(tmp_path / "store")
    with database.read() as connection:
        committed = {
            event.step_key for event in events.of_run(connection, "run") if event.type == EventType.STEP_SUCCEEDED
        }
    database.close()
    assert committed <= set(before)
    resumed = start(tmp_path, "", "", executor)
    assert resumed.stdout.split() == ["True", "a", "b", "c", "d"], resumed.stderr
    again = marks.read_text().split()[len(before) :]
    assert sorted(again) == sorted(set("abcd") - committed)
    with rs.Storage.embedded(tmp_path / "store").database.read() as connection:
        told = events.of_run(connection, "run")
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert {event.step_key for event in told if event.type == EventType.STEP_SUCCEEDED} == set("abcd")
