"""No room below a location's data directory: it says so, its workers wait, nothing is dropped, and it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rivers.v1 import run_pb2
from rivers.v1 import step_service_pb2 as pb
from tests.faults.disk import SmallDisk, small_disk
from tests.services.location.served import Served
from tests.stack import Stack

TALKS = """
    MARKS = os.environ["MARKS"]

    @rs.Asset
    def talks():
        print("begins", flush=True)
        while not os.path.exists(f"{MARKS}/full"):
            time.sleep(0.01)
        for number in range(40_000):
            print(f"{number:09}")
        open(f"{MARKS}/said", "w").write("said")

    @rs.Asset
    def quick():
        return 1

    repo = rs.CodeRepository([talks, quick])
"""

TEAM = """
    @rs.Asset
    def large() -> bytes:
        mark("large")
        while not os.path.exists("full"):
            time.sleep(0.01)
        for number in range(1_000):
            print(number)
        return bytes(1_000_000)
    @rs.Asset
    def size(large: bytes) -> int:
        mark(f"size {len(large)}"); return len(large)
    @rs.Asset
    def huge() -> bytes:
        return bytes(9_000_000)
    @rs.Asset
    def floods() -> int:
        for number in range(400_000):
            print(f"{number:059}")
        return 1
    repo = rs.CodeRepository(
        assets=[large, size, huge, floods],
        jobs=[rs.Job("all", [large, size]), rs.Job("huge", [huge]), rs.Job("flood", [floods])],
    )
"""

OTHER = """
    @rs.Asset
    def other() -> int:
        return 1
    repo = rs.CodeRepository(assets=[other], jobs=[rs.Job("all", [other])])
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The data directory of the location in these tests. Unmounted after all processes are gone."""
    with small_disk(tmp_path / "data-team", 8) as mounted:
        yield mounted


@pytest.fixture
def location(disk: SmallDisk, tmp_path: Path) -> Iterator[Served]:
    """A location whose scheduler is the test."""
    served = Served(tmp_path, TALKS, "--data-dir", str(disk.path))
    yield served
    served.close()


async def test_A15_workers_wait_while_the_spool_is_full_and_nothing_is_dropped(
    disk: SmallDisk, location: Served
) -> None:
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "talks")
        await scheduler.event(1, "log")
        disk.fill()
        (location.directory / "full").touch()
        while scheduler.free_places != 0:
            await scheduler.beats(1)
        await scheduler.assign(2, "quick")
        await scheduler.beats(10)  # leases are renewed all the same
        assert not location.mark("said")
        assert not [event for event in scheduler.events(1) if event.HasField("ended")]
        assert not scheduler.events(2)
        disk.clear()
        assert (await scheduler.end(1)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED
        said = scheduler.log(1, run_pb2.LOG_STREAM_STDOUT).split()
        assert said == ["begins", *(f"{number:09}" for number in range(40_000))]
        assert (await scheduler.end(2)).outcome == pb.ATTEMPT_OUTCOME_NOT_STARTED
        await scheduler.beats(2)
        assert scheduler.free_places > 0
        await scheduler.assign(3, "quick")
        assert (await scheduler.end(3)).outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED


def test_A15_a_step_may_say_more_than_the_disk_holds(disk: SmallDisk, stack: Stack) -> None:
    stack.start_location("team", TEAM)
    run = stack.client.runs.submit(location="team", job="flood")
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    lines = "".join(chunk.text for chunk in run.logs()).splitlines()
    assert [int(line) for line in lines] == list(range(400_000))
    assert disk.room > 0


async def test_A11_a_session_is_opened_while_the_disk_is_full(disk: SmallDisk, location: Served) -> None:
    await location.loaded()
    async with location.scheduler(beat=0.1) as scheduler:
        await scheduler.attach()
        await scheduler.assign(1, "quick")
        await scheduler.end(1)
        disk.fill()
        await scheduler.hang_up()
        inventory = await scheduler.attach(adopt=False)
        assert [held.token for held in inventory.attempts] == [1]
        disk.clear()


def test_a_value_waits_for_room_and_other_locations_do_not_notice(disk: SmallDisk, stack: Stack) -> None:
    stack.start_location("team", TEAM)
    stack.start_location("other", OTHER)
    run = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: stack.marks("team"), "the body")
    disk.fill()
    (stack.directory / "full").touch()
    for _ in range(3):
        assert stack.client.runs.submit(location="other", job="all").wait(timeout=10).state.name == "SUCCEEDED"
    assert not run.refresh().is_over
    disk.clear()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["large", "size 1000000"]
    text = "".join(chunk.text for chunk in run.logs())
    assert [line for line in text.split("\n") if line.isdigit()] == [str(number) for number in range(1_000)]


def test_a_location_without_room_is_sent_nothing_and_says_why(disk: SmallDisk, stack: Stack) -> None:
    stack.start_location("team", TEAM)
    first = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: stack.marks("team"), "the body")
    disk.fill()
    (stack.directory / "full").touch()

    def trouble() -> str:
        (team,) = stack.client.locations.list()
        return team.message or ""

    stack.until(lambda: "full" in trouble(), "the location says that it has no room")
    second = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: "full" in (second.refresh().block_reason or ""), "the run that waits says why")
    disk.clear()
    for run in (first, second):
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert not [event for event in run.events() if event.attempt > 1], "nothing was sent in vain"
    assert not trouble()


def test_a_value_that_can_never_fit_fails_its_step(disk: SmallDisk, stack: Stack) -> None:
    stack.start_location("team", TEAM)
    ended = stack.client.runs.submit(location="team", job="huge").wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert "No space left on device" in ended.failure.message


def test_a_location_does_not_start_without_room(disk: SmallDisk, stack: Stack) -> None:
    disk.fill()
    with pytest.raises(AssertionError):
        stack.start_location("team", TEAM, await_ready=False)
    error = stack.locations["team"].stderr()
    assert "cannot be used: No space left on device; make room" in error
    assert "Traceback" not in error
