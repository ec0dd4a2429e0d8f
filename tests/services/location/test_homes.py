"""Home processes: what shares memory shares a process, and what is lost with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from rivers.v1 import step_service_pb2 as pb
from rivers.v1.failure_pb2 import FAILURE_REASON_HOME_LOST
from tests.services.location.served import Served

SOURCE = """
    memory = rs.InMemoryIOHandler()

    @rs.Asset(io_handler=memory)
    def numbers():
        return {"pid": os.getpid()}

    @rs.Asset(io_handler=memory)
    def same(numbers):
        assert numbers["pid"] == os.getpid()

    @rs.Asset(io_handler=memory)
    def patient():
        print("begins", flush=True)
        time.sleep(1000)

    repo = rs.CodeRepository([numbers, same, patient])
"""


async def test_values_in_memory_reach_the_next_step(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "numbers", home=True)
        home = (await scheduler.event(1, "started")).started.pid
        await scheduler.end(1)
        await scheduler.assign(2, "numbers", home=True, run_id="other")
        assert (await scheduler.event(2, "started")).started.pid != home
        await scheduler.assign(3, "same", home=True, home_required=True, inputs=[("numbers", 1)])
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        await scheduler.hang_up()
        inventory = await scheduler.attach()
        assert sorted(inventory.homes) == ["other", "run"]
        await scheduler.send(pb.Command(release_home=pb.ReleaseHome(run_id="run")))
        await scheduler.gone(home)
        await scheduler.hang_up()
        assert list((await scheduler.attach()).homes) == ["other"]


async def test_A18_a_home_that_dies_is_said_to_be_lost(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "numbers", home=True)
        await scheduler.end(1)
        await scheduler.assign(2, "patient", home=True, home_required=True)
        await scheduler.event(2, "log")
        await scheduler.assign(3, "same", home=True, home_required=True, inputs=[("numbers", 1)])
        os.kill((await scheduler.event(2, "started")).started.pid, signal.SIGKILL)
        ended = await scheduler.end(2)
        assert (ended.outcome, ended.home_lost) == (pb.ATTEMPT_OUTCOME_CRASHED, True)
        ended = await scheduler.end(3)
        assert (ended.outcome, ended.home_lost) == (pb.ATTEMPT_OUTCOME_NOT_STARTED, True)
        assert ended.failure.reason == FAILURE_REASON_HOME_LOST
        await scheduler.assign(4, "same", home=True, home_required=True, inputs=[("numbers", 1)])
        ended = await scheduler.end(4)
        assert (ended.outcome, ended.home_lost) == (pb.ATTEMPT_OUTCOME_NOT_STARTED, True)
        await scheduler.assign(5, "numbers", home=True)
        assert (await scheduler.end(5)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
