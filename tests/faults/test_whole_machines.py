"""All of a location at once: its machine freezes, is cut off or burns down, and another one takes its place."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rivers_client import RunHandle
from tests.proxy import Proxy
from tests.stack import RIVERS, Stack, children, is_alive

#: The shortest lease for these beats; patience is 5 s more.
LEASE = ("--step-lease", "2")
BEATS = ("--beat-interval", "0.2")
TEAM = """
    @rs.Asset
    def slow() -> int:
        mark(f"begins {os.getpid()}")
        first = not os.path.exists("begun")
        open("begun", "w").close()
        while first and not os.path.exists("go"):
            time.sleep(0.02)
        mark("ends"); return 1
    repo = rs.CodeRepository(assets=[slow], jobs=[rs.Job("all", [slow])])
"""


def bodies(stack: Stack) -> list[int]:
    """The processes of the bodies that began, in order."""
    return [int(mark.split()[1]) for mark in stack.marks("team") if mark.startswith("begins")]


def everyone(stack: Stack) -> list[int]:
    """All processes of the location."""
    supervisor = stack.locations["team"].process.pid
    return [supervisor, *children(supervisor)]


def await_loss(run: RunHandle) -> None:
    """Waits until patience with the location is over."""
    assert any(event.type.name == "ATTEMPT_LOST" for event in run.events(timeout=30))


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """All of them stand still meanwhile, as with their machine."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGCONT)


def test_A10_a_machine_that_is_frozen_past_patience_has_its_body_killed_and_the_step_run_again(
    tmp_path: Path, database: str | None
) -> None:
    with Stack(tmp_path, database) as stack:
        stack.start_scheduler(*BEATS)
        stack.start_location("team", TEAM, options=LEASE)
        run = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: bodies(stack), "the body")
        with frozen(everyone(stack)):
            await_loss(run)
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        first, second = bodies(stack)
        assert first != second
        stack.until(lambda: not is_alive(first), "the end of the old body")
        assert stack.marks("team").count("ends") == 1
        assert [event.type.name for event in run.events()].count("STEP_SUCCEEDED") == 1


def test_A6_a_machine_that_burned_down_is_lost_after_patience_and_another_takes_the_step(
    tmp_path: Path, database: str | None
) -> None:
    with Stack(tmp_path, database) as stack:
        stack.start_scheduler(*BEATS)
        stack.start_location("team", TEAM, options=LEASE)
        run = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: bodies(stack), "the body")
        pids = everyone(stack)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that nobody acts on the death of another
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(tmp_path / "data-team")
        stack.start_location("team", options=(*LEASE, "--data-dir", "data-elsewhere"), await_ready=False)
        await_loss(run)
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert len(bodies(stack)) == 2
        assert stack.marks("team")[-1] == "ends"


def test_A9_a_machine_that_an_operator_forgets_is_lost_at_once_and_another_takes_the_step(
    tmp_path: Path, database: str | None
) -> None:
    with Stack(tmp_path, database) as stack:
        stack.start_scheduler(*BEATS)
        stack.start_location("team", TEAM)  # with a lease of 900 s
        run = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: bodies(stack), "the body")
        forget = [RIVERS, "locations", "forget", "team", "--scheduler", f"127.0.0.1:{stack.port}", "--reason", "fire"]
        refused = subprocess.run(forget, capture_output=True, text=True, timeout=60)
        assert (refused.returncode, "is connected" in refused.stderr) == (2, True)
        pids = everyone(stack)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        stack.await_location("team", "CONNECTING")
        done = subprocess.run(forget, capture_output=True, text=True, timeout=60)
        assert done.stdout == "location 'team' is forgotten; 1 attempts were lost with it\n", done.stderr
        # Its run waits for whoever serves the location next.
        assert [(one.address, one.attempts_in_flight) for one in stack.client.locations.list()] == [("", 0)]
        lost = next(event for event in run.events(timeout=30) if event.type.name == "ATTEMPT_LOST")
        assert lost.failure is not None
        assert lost.failure.message == "location 'team' was forgotten by a caller without a token: fire"
        shutil.rmtree(tmp_path / "data-team")
        stack.start_location("team", options=("--data-dir", "data-elsewhere"))
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert len(bodies(stack)) == 2


def test_A6_a_partition_longer_than_the_lease_has_another_replica_take_the_step_and_never_two_at_once(
    tmp_path: Path,
    database: str | None,
) -> None:
    port = free_port()
    with Stack(tmp_path, database) as stack, Proxy(("127.0.0.2", port), ("127.0.0.1", port)) as proxy:
        stack.start_scheduler(*BEATS)
        through = ("--grpc-port", str(port), "--advertise", "127.0.0.2")
        away = stack.start_location("team", TEAM, options=(*LEASE, *through))
        run = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: bodies(stack), "the body")
        proxy.stall()
        stack.start_location("team", options=(*LEASE, "--data-dir", "data-elsewhere"), await_ready=False)
        (first,) = bodies(stack)
        stack.until(lambda: len(bodies(stack)) == 2 or not is_alive(first), "the end of the old body, or a second one")
        assert len(bodies(stack)) == 1, "two bodies at once"
        await_loss(run)
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        proxy.flow()
        stack.until(lambda: "needs another name" in away.stderr(), "the old replica is told that it is replaced")
        assert len(bodies(stack)) == 2
        assert [event.type.name for event in run.events()].count("STEP_SUCCEEDED") == 1
