"""What a body starts dies with its worker, in whatever session it is and whoever its parent is by then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from rivers.v1 import step_service_pb2 as pb
from tests.services.location.served import Served
from tests.services.location.test_deaths import _until
from tests.stack import frozen, is_alive

SOURCE = """
    MARKS = os.environ["MARKS"]

    def mark(name, pid):
        with open(os.path.join(MARKS, name), "a") as file:
            file.write(f"{pid}\\n")

    def daemon(name, environment):
        # Twice forked and in a session of its own: its parent is gone when it begins.
        if (middle := os.fork()) == 0:
            os.setsid()
            if (last := os.fork()) == 0:
                os.execve("/bin/sleep", ["sleep", "1000"], environment)
            mark(name, last)
            os._exit(0)
        os.waitpid(middle, 0)

    if not os.path.exists(os.path.join(MARKS, "modules")):
        daemon("modules", dict(os.environ))

    def family(name):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        mark(name, os.getpid())
        mark(name, child.pid)
        daemon(name, dict(os.environ))
        daemon(f"{name}-bare", {})
        print("begins", flush=True)
        child.wait()

    @rs.Asset
    def first():
        family("first")

    @rs.Asset
    def second():
        family("second")

    @rs.Asset
    def shells():
        for _ in range(100):
            subprocess.run("sleep 0 & true", shell=True)

    @rs.Asset
    def zombies():
        import pathlib
        children = "".join(path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/children")).split()
        print(f"{len(children)} children", flush=True)

    repo = rs.CodeRepository([first, second, shells, zombies])
"""


def members(location: Served, name: str, *, with_bare: bool = True) -> list[int]:
    """The pids of a step's family: worker, child, and daemons with the environment of the worker and with none."""
    found = [int(pid) for pid in location.mark(name)]
    return found + [int(pid) for pid in location.mark(f"{name}-bare")] if with_bare else found


@pytest.mark.parametrize("how", ["fenced", "killed", "lease", "frozen"])
async def test_A4_children_in_other_sessions_die_with_their_worker(serve: Callable[..., Served], how: str) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "first", lease=1.0 if how in ("lease", "frozen") else 60.0)
        await scheduler.assign(2, "second", lease=60.0)
        await scheduler.event(1, "log")
        await scheduler.event(2, "log")
        family, other = members(location, "first"), members(location, "second")
        assert len(family) == len(other) == 4
        assert all(map(is_alive, (*family, *other)))
        match how:
            case "fenced":
                await scheduler.send(pb.Command(fence=pb.Fence(token=1)))
                await scheduler.end(1)
            case "killed":
                os.kill(family[0], signal.SIGKILL)
                await scheduler.end(1)
            case "lease":
                scheduler.acks_beats = False
                await scheduler.end(1)
            case "frozen":
                with frozen(location.program.process.pid):
                    await _until(lambda: not any(map(is_alive, family)))
        await _until(lambda: not any(map(is_alive, family)))
        assert all(map(is_alive, other)), "the sibling's family does not notice"
        (module,) = location.mark("modules")
        assert is_alive(int(module)), "nor does what the module itself has started"
        location.program.signal(signal.SIGTERM)
        await location.said("waiting for 1 running steps")
        location.program.signal(signal.SIGTERM)
        await _until(lambda: not any(map(is_alive, (*other, int(module)))))


async def test_A5_children_in_other_sessions_die_with_the_supervisor(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "first")
        await scheduler.event(1, "log")
        family = members(location, "first", with_bare=False)
        location.program.kill()
        await _until(lambda: not any(map(is_alive, family)))
    for bare in location.mark("first-bare"):  # nothing tells any more whose it was
        os.kill(int(bare), signal.SIGKILL)


async def test_a_worker_buries_what_its_steps_leave_behind(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "shells")
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        await scheduler.assign(2, "zombies")
        said = (await scheduler.event(2, "log")).log.text
        assert int(said.split()[0]) < 64
