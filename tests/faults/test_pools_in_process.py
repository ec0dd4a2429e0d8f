"""Pools that several programs share without a scheduler: limits hold, and nothing is lost with a program that dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import pytest

import rivers as rs

PROGRAM = """
import asyncio, os, sys, time
import rivers as rs
kind, where, marks, name, act = sys.argv[1:]
storage = rs.Storage.embedded(where) if kind == "embedded" else rs.Storage.connect(where)
log = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
async def short():
    os.write(log, b"+")
    await asyncio.sleep(0.01)
    os.write(log, b"-")
async def endless():
    os.write(log, b"+")
    await asyncio.sleep(600)
body = short if act == "short" else endless
steps = [rs.Asset(name=f"{name}{n}", pool="db")(body) for n in range(8 if act == "short" else 1)]
repo = rs.CodeRepository(steps, default_executor=rs.Executor.parallel())
repo.resolve(storage=storage)
print("ready", flush=True)
sys.stdin.readline()
print(repo.materialize(run_id_override=name).success, flush=True)
"""

Kind = tuple[str, str, rs.Storage]


@pytest.fixture(params=["embedded", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """A storage that several programs open."""
    if request.param == "embedded":
        where = str(tmp_path / "store")
        return "embedded", where, rs.Storage.embedded(where)
    where = request.getfixturevalue("cluster").new_schema()
    return "postgres", where, rs.Storage.connect(where)


@pytest.fixture
def start(shared: Kind, tmp_path: Path) -> Iterator[object]:
    """Starts programs that wait for a line before they run their steps; what is left of them is killed."""
    programs: list[subprocess.Popen[str]] = []

    def begin(name: str, act: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "RIVERS_CLAIM_POLL_INTERVAL": "20ms", "RIVERS_CLAIM_POLL_JITTER": "5ms"}
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *shared[:2], str(tmp_path / "marks"), name, act],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        programs.append(program)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        return program

    yield begin
    for program in programs:
        program.kill()
        program.communicate()


def go(program: subprocess.Popen[str]) -> None:
    assert program.stdin is not None
    program.stdin.write("go\n")
    program.stdin.flush()


def until(is_so: Callable[[], bool]) -> None:
    """Waits for what another program does."""
    pause = threading.Event()
    for _ in range(3000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")


def test_the_limit_holds_over_programs(shared: Kind, start, tmp_path: Path) -> None:
    storage = shared[2]
    storage.set_pool_limit("db", 2)
    programs = [start(name, "short") for name in "abc"]
    for program in programs:
        go(program)
    assert [program.communicate(timeout=120)[0] for program in programs] == ["True\n"] * 3
    running = list(accumulate({"+": 1, "-": -1}[mark] for mark in (tmp_path / "marks").read_text()))
    assert (len(running), running[-1]) == (48, 0)
    assert max(running) <= 2
    info = storage.get_pool_info("db")
    assert (info.claimed_count, info.pending_count) == (0, 0)


def test_slots_of_a_program_that_was_killed_come_back_with_its_lease(shared: Kind, start, tmp_path: Path) -> None:
    storage = shared[2]
    storage.set_pool_limit("db", 1, "2s")
    dying = start("dying", "endless")
    go(dying)
    marks = tmp_path / "marks"
    until(lambda: marks.exists() and marks.read_text() == "+")
    next_one = start("next", "short")
    go(next_one)
    until(lambda: "StepSlotWaiting" in [event.event_type for event in storage.get_events_for_run("next")])
    dying.kill()
    assert next_one.communicate(timeout=60)[0] == "True\n"
    assert [one.run_id for one in storage.get_pool_slot_holders("db")] == []
