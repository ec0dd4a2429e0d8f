"""The supervisor is frozen or killed while a body runs: the watchdog ends what its lease no longer covers (A4, A5)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rivers.v1 import step_service_pb2 as pb
from tests.services.location.served import Served
from tests.stack import Stack, children, frozen, is_alive

FAMILY = """
    def mark(name, text):
        with open(os.path.join(os.environ["MARKS"], name), "a") as file:
            file.write(f"{text}\\n")

    # A body that listens to nobody, with a child and a grandchild.
    CHILD = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"

    @rs.Asset
    def family():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
        for pid in (os.getpid(), child.pid, int(child.stdout.readline())):
            mark("family", pid)
        print("begins", flush=True)
        child.wait()

    @rs.Asset
    def other():
        mark("other", os.getpid())

    repo = rs.CodeRepository([family, other])
"""


@pytest.fixture
def location(tmp_path: Path) -> Iterator[Served]:
    """A location whose scheduler is the test."""
    served = Served(tmp_path, FAMILY)
    yield served
    served.close()


def watchdogs(pid: int) -> list[int]:
    """The watchdog among the children of a supervisor."""
    comms = {child: Path(f"/proc/{child}/comm") for child in children(pid)}
    return [child for child, comm in comms.items() if comm.exists() and comm.read_text() == "rivers-watchdog\n"]


async def until(condition: Callable[[], object], what: str) -> None:
    """Waits until a condition about other processes holds, while the scheduler acknowledges beats."""
    try:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within 20 s: {what}") from None


async def test_A5_a_frozen_supervisor_has_its_bodies_killed_at_the_deadline(location: Served) -> None:
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "family", lease=1.5)
        await scheduler.event(1, "log")
        await scheduler.beats(2)
        family = [int(pid) for pid in location.mark("family")]
        began = time.monotonic()
        with frozen(location.program.process.pid):
            await scheduler.assign(2, "other", lease=1.5)  # waits in the buffer of a socket
            await until(lambda: not any(map(is_alive, family)), "the body and its children dead")
            assert 1.0 < time.monotonic() - began < 2.5
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_STOPPED
        assert "lease of 1.5 s passed" in ended.failure.message
        # A3: thawed, it starts nothing that was said to it before.
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert location.mark("other") == []
        await scheduler.beats(1)
        await scheduler.assign(3, "other")
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_A5_a_killed_supervisor_leaves_nothing_behind(location: Served) -> None:
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "family", lease=900.0)
        await scheduler.event(1, "log")
        below = children(location.program.process.pid)
        assert {int(pid) for pid in location.mark("family")} <= set(below)
        assert watchdogs(location.program.process.pid)
        location.program.kill()
        await until(lambda: not any(map(is_alive, below)), "nothing left")


async def test_A5_a_killed_watchdog_is_replaced_and_knows_all(location: Served) -> None:
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "family", lease=2.0)
        await scheduler.event(1, "log")
        supervisor = location.program.process.pid
        (first,) = watchdogs(supervisor)
        await scheduler.kill(first)
        await until(lambda: [pid for pid in watchdogs(supervisor) if pid != first], "another watchdog")
        await scheduler.beats(2)
        with frozen(supervisor):
            await until(lambda: not any(is_alive(int(pid)) for pid in location.mark("family")), "the body dead")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_STOPPED


async def test_A5_the_watchdog_sleeps_while_nothing_runs(location: Served) -> None:
    await location.loaded()
    async with location.scheduler(beat=0.05) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "other", lease=30.0)
        await scheduler.end(1)
        (watchdog,) = watchdogs(location.program.process.pid)
        await scheduler.beats(40)  # for a second after an attempt it still hears of beats
        before = _wakes(watchdog)
        await scheduler.beats(20)
        assert _wakes(watchdog) == before


def test_A5_a_frozen_location_runs_a_step_again_and_never_two_at_once(stack: Stack) -> None:
    location = stack.start_location(
        "team",
        """
        @rs.Asset
        def body() -> int:
            mark(f"start {os.getpid()}")
            while not os.path.exists("go"):
                mark(f"alive {os.getpid()}"); time.sleep(0.02)
            return 1
        repo = rs.CodeRepository(assets=[body], jobs=[rs.Job("all", [body])])
        """,
        options=("--step-lease", "2"),
    )
    run = stack.client.runs.submit(location="team", job="all")
    first = int(stack.until(lambda: stack.marks("team"), "the body")[0].split()[1])
    with frozen(location.process.pid):
        stack.until(lambda: not is_alive(first), "the body dead")
        assert {line.split()[1] for line in stack.marks("team")} == {str(first)}
    (stack.directory / "go").touch()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    starts = [line for line in stack.marks("team") if line.startswith("start")]
    assert len(starts) == 2
    assert all(line.endswith(f" {first}") for line in stack.marks("team")[: stack.marks("team").index(starts[1])])
    assert location.process.poll() is None
    location.signal(signal.SIGTERM)
    assert location.stop() == 0


def _wakes(pid: int) -> str:
    """How often a process has slept so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
