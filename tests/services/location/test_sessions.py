"""Sessions: which one counts, and which assignments may start."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from rivers.v1 import step_service_pb2 as pb
from tests.services.location.served import Served

SOURCE = """
    def mark(name):
        with open(os.path.join(os.environ["MARKS"], name), "a") as file:
            file.write(f"{os.getpid()}\\n")

    @rs.Asset
    def quick():
        mark("quick")

    @rs.Asset
    def patient():
        mark("patient")
        while not os.path.exists(os.path.join(os.environ["MARKS"], "go")):
            time.sleep(0.01)

    repo = rs.CodeRepository([quick, patient])
"""


async def test_S03_a_duplicate_assignment_starts_nothing(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "patient")
        await scheduler.event(1, "started")
        await scheduler.assign(1, "patient")
        (location.directory / "go").touch()
        await scheduler.end(1)
        await scheduler.assign(1, "patient")  # answered with its state
        await scheduler.report(lambda report: len([e for e in scheduler.events(1) if e.HasField("ended")]) > 1)
        await scheduler.acknowledge(1)
        await scheduler.assign(1, "patient")  # known to be over
        await scheduler.assign(2, "quick")
        await scheduler.end(2)
        assert len(location.mark("patient")) == 1


async def test_A1_another_boot_answers_not_started(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "quick", boot=7)
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert "boot 7" in ended.failure.message
        await scheduler.assign(2, "quick", digest="another generation")
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert location.mark("quick") == []


async def test_A3_a_stale_assignment_is_not_started(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler(beat=0.05) as scheduler:
        await scheduler.attach()
        await scheduler.beats(6)
        await scheduler.assign(1, "quick", last_beat=0, lease=0.4)
        ended = await scheduler.end(1)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert "too late after beat 0" in ended.failure.message
        await scheduler.assign(2, "quick", lease=0.4)
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_a_newer_session_closes_the_older(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as old, location.scheduler() as new:
        await old.attach()
        await old.assign(1, "patient")
        await old.event(1, "started")
        inventory = await new.attach(number=5)
        assert [(held.token, held.phase) for held in inventory.attempts] == [(1, pb.ATTEMPT_PHASE_RUNNING)]
        error = await old.closed()
        assert error.code() == grpc.StatusCode.ABORTED
        assert "session 5 of term 1" in str(error.details())
        (location.directory / "go").touch()
        assert (await new.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        assert [event.seq for event in new.events(1)] == list(range(1, len(new.events(1)) + 1))


@pytest.mark.parametrize(("term", "number"), [(1, 3), (1, 2), (0, 9)])
async def test_a_session_that_is_not_newer_is_refused(serve: Callable[..., Served], term: int, number: int) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as first, location.scheduler() as second:
        await first.attach(number=3)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await second.attach(term=term, number=number)
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert "restored from a backup" in str(refused.value.details())
        await first.assign(1, "quick")
        assert (await first.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


async def test_two_stores_do_not_share_a_location(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as mine:
        await mine.attach()
        async with location.scheduler(store_id="other") as other:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await other.attach()
            assert "store store" in str(refused.value.details())
        await mine.assign(1, "quick")
        await mine.end(1)
        await mine.hang_up()
        async with location.scheduler(store_id="other") as other:
            inventory = await other.attach()
            assert not inventory.attempts  # token 1 of the other store is another attempt
            await other.assign(1, "quick")
            assert (await other.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
            await other.hang_up()
        inventory = await mine.attach()
        assert [(held.token, held.phase) for held in inventory.attempts] == [(1, pb.ATTEMPT_PHASE_ENDED)]


async def test_A11_what_was_not_acknowledged_is_said_again(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "quick")
        await scheduler.assign(2, "quick")
        await scheduler.end(1)
        await scheduler.end(2)
        await scheduler.acknowledge(1)
        await scheduler.beats(1)
        await scheduler.hang_up()
        inventory = await scheduler.attach(adopt=False)
        assert [held.token for held in inventory.attempts] == [2]
        await scheduler.adopt()
        await scheduler.report(lambda report: report.HasField("replayed"))
        assert [event.WhichOneof("body") for event in scheduler.events(2)] == ["started", "materialized", "ended"]
        await scheduler.acknowledge(2)
        await scheduler.beats(1)
        await scheduler.hang_up()
        assert not (await scheduler.attach()).attempts


async def test_what_is_fenced_and_forgotten(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "quick")
        await scheduler.end(1)
        await scheduler.assign(2, "patient")
        await scheduler.event(2, "started")
        await scheduler.hang_up()
        inventory = await scheduler.attach(adopt=False)
        assert {held.token for held in inventory.attempts} == {1, 2}
        await scheduler.adopt(forget=[1], fence=[2])
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_FENCED
        assert scheduler.events(1) == []
        await scheduler.send(pb.Command(fence=pb.Fence(token=3)))  # never arrived: it is refused from here on
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_FENCED


async def test_a_message_of_another_term_ends_the_session(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        scheduler.term = 2
        await scheduler.assign(1, "quick")
        assert (await scheduler.closed()).code() == grpc.StatusCode.ABORTED
        assert location.mark("quick") == []


async def test_waiting_attempts_can_be_stopped(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        for token in (1, 2, 3):
            await scheduler.assign(token, "patient")
        await scheduler.event(2, "started")
        await scheduler.send(pb.Command(stop=pb.Stop(token=3, reason="not needed")))
        ended = await scheduler.end(3)
        assert ended.outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        assert "not needed" in ended.failure.message
        (location.directory / "go").touch()
        await scheduler.end(1)
        await scheduler.end(2)
        assert len(location.mark("patient")) == 2


async def test_beats_say_which_attempts_have_not_ended(serve: Callable[..., Served]) -> None:
    location = serve(SOURCE)
    await location.loaded()
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        await scheduler.holds()
        await scheduler.assign(5, "patient")
        await scheduler.assign(6, "patient")
        await scheduler.holds(5, 6)
        await scheduler.hang_up()
        await scheduler.attach()
        await scheduler.holds(5, 6)
        await scheduler.send(pb.Command(fence=pb.Fence(token=6)))
        await scheduler.holds(5)
        (location.directory / "go").touch()
        await scheduler.end(5)
        await scheduler.holds()  # ended, and not acknowledged yet
