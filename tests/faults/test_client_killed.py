"""A client is killed or frozen: a repeat of its request finds its run, and nobody else notices that it is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rivers.errors import OverloadedError
from rivers_client import Client, RunHandle
from tests.stack import Stack, frozen

SOURCE = """
    @rs.Asset
    def only() -> int:
        mark("only"); return 1
    repo = rs.CodeRepository(assets=[only], jobs=[rs.Job("all", [only])])
"""
CALLER = """
import sys
from rivers_client import Client
with Client(f"127.0.0.1:{sys.argv[1]}") as client:
    client.locations.list()
    print("connected", flush=True)
    sys.stdin.readline()
    print("submitting", flush=True)
    client.runs.submit(location="team", job="all", request_id="once")
"""
TALKER = """
    @rs.Asset
    def talks() -> int:
        mark("talks")
        for number in range(20_000):
            print(f"{number:059}")
        return 1
    @rs.Asset
    def waits() -> int:
        while not os.path.exists("go"):
            time.sleep(0.01)
        return 1
    repo = rs.CodeRepository(assets=[talks, waits], jobs=[rs.Job("all", [talks]), rs.Job("wait", [waits])])
"""
#: Follows a run to its end, and tells how it saw that.
WATCHER = """
import sys
from rivers_client import Client
with Client(f"127.0.0.1:{sys.argv[1]}") as client:
    run = client.runs.get(sys.argv[2])
    seqs = []
    for event in run.events():
        if not seqs:
            print("watching", flush=True)
        seqs.append(event.seq)
    assert seqs == list(range(1, len(seqs) + 1)), seqs
    lines = "".join(chunk.text for chunk in run.logs()).splitlines()
    print(run.wait(timeout=30).state.name, len(lines), flush=True)
"""


@contextmanager
def watching(stack: Stack, run: RunHandle) -> Iterator[subprocess.Popen[str]]:
    """A client that follows a run, as a process."""
    command = [sys.executable, "-c", WATCHER, str(stack.port), run.run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "watching\n"
        yield client
        client.kill()


def test_a_client_that_is_frozen_past_the_lease_misses_nothing_and_holds_up_nobody(stack: Stack) -> None:
    stack.start_location("team", TALKER, options=("--step-lease", "1"))
    run = stack.client.runs.submit(location="team", job="wait")
    with watching(stack, run) as client:
        with frozen(client.pid):
            began = time.monotonic()
            others = []
            while time.monotonic() - began < 2:
                others.append(stack.client.runs.submit(location="team", job="all").wait(timeout=30))
            (stack.directory / "go").touch()
            assert run.wait(timeout=30).state.name == "SUCCEEDED"
            assert {other.state.name for other in others} == {"SUCCEEDED"}
        assert client.stdout is not None
        assert client.stdout.readline() == "SUCCEEDED 0\n"
    talked = stack.client.runs.submit(location="team", job="all")
    with watching(stack, talked) as client:
        with frozen(client.pid):
            assert talked.wait(timeout=30).state.name == "SUCCEEDED"
        assert client.stdout is not None
        assert client.stdout.readline() == "SUCCEEDED 20000\n"


def test_a_client_that_is_killed_while_it_watches_gives_its_place_back(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler("--beat-interval", "0.2", "--limit", "watchers=1")
        stack.start_location("team", TALKER)
        run = stack.client.runs.submit(location="team", job="wait")
        with watching(stack, run) as client:
            with Client(f"127.0.0.1:{stack.port}", patience=0) as other, pytest.raises(OverloadedError):
                next(other.runs.get(run.run_id).events())
            client.kill()

        def watched() -> bool:
            try:
                return bool(next(stack.client.runs.get(run.run_id).events(timeout=5)))
            except OverloadedError:
                return False

        stack.until(watched, "the place of the killed client")
        (stack.directory / "go").touch()
        assert run.wait(timeout=30).state.name == "SUCCEEDED"


def test_a_client_that_is_killed_in_mid_submit_makes_one_run_at_most(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    assert stack.scheduler is not None
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(stack.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with caller:
        assert caller.stdin is not None
        assert caller.stdout is not None
        assert caller.stdout.readline() == "connected\n"
        with frozen(stack.scheduler.process.pid):
            caller.stdin.write("\n")
            caller.stdin.flush()
            assert caller.stdout.readline() == "submitting\n"
            caller.kill()
            caller.wait()
    run = stack.client.runs.submit(location="team", job="all", request_id="once")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["only"]
    assert [one.run_id for one in stack.client.runs.list()] == [run.run_id]
