"""Backfills in the core: drawing, counting, pausing, canceling, and what becomes of them when things die."""

from __future__ import annotations

import pytest

from rivers.definitions.snapshot import Snapshot
from rivers.errors import BackfillNotFoundError
from rivers.lifecycle.backfill.rerun import RerunScope
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.backfill.states import BackfillStatus, FailurePolicy, UnitReason, UnitState
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import AttemptOutcome, FailureReason, LaunchCause, RunKind, RunState
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping
from rivers.storage import runs
from rivers.storage.backfill_reruns import rerun
from rivers.wire.backfill_plans import encode_backfill_plan
from rivers_server.core.inputs import CancelBackfill, CreateBackfill, PauseBackfill, ResumeBackfill, SnapshotRead
from rivers_server.settings import CoreSettings
from tests.unit.server.backfills import DAILY, MONTHLY, NOW, ask, create, read, settle, step, units, work
from tests.unit.server.world import Answer, Location, World

ERROR = Failure(FailureReason.ERROR, "ValueError: boom", ("builtins.ValueError",))
JANUARY = Wanted(range=PartitionKeyRange.single("2024-01-01", "2024-01-31"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def location(world: World) -> Location:
    return world.add_location("weather", Snapshot((step("daily"),)), places=100)


def load_again(world: World, *steps: object) -> None:
    snapshot = Snapshot(steps)  # type: ignore[arg-type]
    world.snapshots["weather"] = snapshot
    world.put(SnapshotRead("weather", snapshot, Answer()))
    world.locations["weather"].cut()
    world.locations["weather"].attach()
    settle(world)


def test_B3_the_window_is_full_and_never_more(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=5)
    assert len(location.held) == 5
    for done in range(1, 27):
        location.start_all()
        location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
        assert len(location.held) == 5, "the refill is in the batch that ended one"
        assert read(world, backfill_id).counters.completed == done
    work(world, location, backfill_id)
    row = read(world, backfill_id)
    assert row.status == BackfillStatus.COMPLETED
    assert (row.counters.completed, row.counters.runs) == (31, 31)
    assert row.started_at is not None
    assert row.ended_at is not None
    assert len(location.bodies) == len(set(location.bodies)) == 31


def test_runs_of_a_backfill_say_so(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, tags=(("team", "x"), ("rivers/priority", "7")), priority=7, max_concurrency=1)
    (unit,) = units(world, backfill_id)
    with world.database.read() as connection:
        run = runs.get(connection, unit.run_id or "")
    assert run is not None
    assert (run.kind, run.cause, run.cause_name) == (RunKind.BACKFILL_UNIT, LaunchCause.BACKFILL_UNIT, backfill_id)
    assert (run.job, run.priority, run.partition_key) == (None, 7, PartitionKey.single("2024-01-01"))
    assert run.tags == (("team", "x"), ("rivers/priority", "7"))


def test_B2_F07_crashes_lose_nothing_and_repeat_nothing(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=3)
    turn = 0
    while not read(world, backfill_id).status.is_terminal:
        if turn % 4 == 1:
            world.crash()
            settle(world)
        location.start_all()
        location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
        turn += 1
    assert len(location.bodies) == len(set(location.bodies)) == 31
    assert read(world, backfill_id).counters.completed == 31


def test_a_commit_that_fails_is_decided_again(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=3)
    location.start_all()
    world.fail_next_commit = RuntimeError("disk trouble")
    location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
    if not location.session:
        location.attach()
    work(world, location, backfill_id)
    assert read(world, backfill_id).status == BackfillStatus.COMPLETED
    assert len(location.bodies) == len(set(location.bodies)) == 31


def test_a_request_makes_one_backfill(world: World, location: Location) -> None:
    first = create(world, JANUARY, request_id="r")
    assert create(world, JANUARY, request_id="r") == first
    work(world, location, first)
    assert create(world, JANUARY, request_id="r") == first


def test_failures_under_continue_and_stop(world: World, location: Location) -> None:
    keys = Wanted([PartitionKey.single(f"2024-01-0{day}") for day in range(1, 5)])
    for policy, expected in (
        (FailurePolicy.CONTINUE, (3, 1, 0, 4)),
        (FailurePolicy.STOP_ON_FAILURE, (1, 1, 2, 2)),
    ):
        backfill_id = create(world, keys, max_concurrency=1, policy=policy)
        for turn in range(4):
            location.start_all()
            for item in list(location.held.values()):
                location.end(item, *((AttemptOutcome.FAILED, ERROR) if turn == 1 else (AttemptOutcome.SUCCEEDED, None)))
        row = read(world, backfill_id)
        canceled = row.total_partitions - row.counters.completed - row.counters.failed
        assert (row.counters.completed, row.counters.failed, canceled, row.counters.runs) == expected
        assert row.status == BackfillStatus.FAILED


def test_stop_on_failure_cancels_what_is_queued_and_lets_the_rest_finish() -> None:
    world = World(CoreSettings(max_concurrent_runs=2))
    location = world.add_location("weather", Snapshot((step("daily"),)), places=100)
    backfill_id = create(world, JANUARY, max_concurrency=6, policy=FailurePolicy.STOP_ON_FAILURE)
    assert len(location.held) == 2
    location.start_all()
    first, second = location.held.values()
    location.end(first, AttemptOutcome.FAILED, ERROR)
    assert read(world, backfill_id).status == BackfillStatus.STOPPING
    location.end(second, AttemptOutcome.SUCCEEDED)
    row = read(world, backfill_id)
    assert row.status == BackfillStatus.FAILED
    assert (row.counters.completed, row.counters.failed, row.counters.canceled) == (1, 1, 4)
    assert not location.held


def test_F08_cancel_reaches_queued_and_running_children() -> None:
    world = World(CoreSettings(max_concurrent_runs=2))
    location = world.add_location("weather", Snapshot((step("daily"),)), places=100)
    backfill_id = create(world, JANUARY, max_concurrency=6)
    location.start_all()
    location.end(next(iter(location.held.values())), AttemptOutcome.SUCCEEDED)
    row = ask(world, CancelBackfill, backfill_id, "enough")
    assert row.status == BackfillStatus.CANCELING
    location.start_all()
    location.end_all(AttemptOutcome.STOPPED)
    row = read(world, backfill_id)
    assert row.status == BackfillStatus.CANCELED
    assert (row.counters.completed, row.counters.failed) == (1, 0)
    assert {unit.progress.state for unit in units(world, backfill_id)} == {UnitState.COMPLETED, UnitState.CANCELED}
    assert not world.core.state.runs
    assert not world.core.state.queue.waiting
    assert ask(world, CancelBackfill, backfill_id, "again").status == BackfillStatus.CANCELED


def test_A14_a_cancel_that_comes_after_the_last_result_changes_nothing(world: World, location: Location) -> None:
    backfill_id = create(world, Wanted([PartitionKey.single("2024-01-01")]))
    work(world, location, backfill_id)
    assert ask(world, CancelBackfill, backfill_id, "").status == BackfillStatus.COMPLETED


def test_B6_pause_holds_queued_runs_and_resume_lets_them_go() -> None:
    world = World(CoreSettings(max_concurrent_runs=2))
    location = world.add_location("weather", Snapshot((step("daily"),)), places=100)
    backfill_id = create(world, JANUARY, max_concurrency=5)
    assert ask(world, PauseBackfill, backfill_id, "lunch").status == BackfillStatus.PAUSED
    location.start_all()
    location.end_all()
    assert not location.held
    world.crash()
    settle(world)
    assert not location.held, "held over a restart"
    row = read(world, backfill_id)
    assert (row.status, row.reason, row.counters.completed) == (BackfillStatus.PAUSED, "lunch", 2)
    ask(world, ResumeBackfill, backfill_id)
    settle(world)
    assert len(location.held) == 2
    work(world, location, backfill_id)
    assert read(world, backfill_id).status == BackfillStatus.COMPLETED


def test_F07_an_outage_of_the_location_fails_nothing(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=3)
    location.start_all()
    location.cut()
    world.pass_time(30)
    assert read(world, backfill_id).counters.runs == 3
    location.end_all()
    location.attach()
    work(world, location, backfill_id)
    row = read(world, backfill_id)
    assert (row.status, row.counters.completed) == (BackfillStatus.COMPLETED, 31)
    assert len(location.bodies) == 31


def test_B5_months_follow_their_days(world: World) -> None:
    snapshot = Snapshot((step("daily"), step("monthly", MONTHLY, daily=PartitionMapping.time_window(0))))
    location = world.add_location("weather", snapshot, places=100)
    backfill_id = create(world, max_concurrency=8)
    work(world, location, backfill_id)
    row = read(world, backfill_id)
    assert (row.status, row.counters.completed) == (BackfillStatus.COMPLETED, 121 + 4)
    bodies = [(step_key, run_id) for run_id, step_key in location.bodies]
    first_month = [key for key, _ in bodies].index("monthly")
    assert 31 <= first_month <= 31 + 8


def test_B5_a_failed_day_fails_its_month_without_a_run(world: World) -> None:
    snapshot = Snapshot((step("daily"), step("monthly", MONTHLY, daily=PartitionMapping.time_window(0))))
    location = world.add_location("weather", snapshot, places=100)
    backfill_id = create(world, max_concurrency=8)
    location.start_all()
    location.end(next(iter(location.held.values())), AttemptOutcome.FAILED, ERROR)
    work(world, location, backfill_id)
    row = read(world, backfill_id)
    assert (row.status, row.counters.failed, row.counters.runs) == (BackfillStatus.FAILED, 2, 121 + 3)
    (month,) = [unit for unit in units(world, backfill_id) if unit.progress.reason == UnitReason.UPSTREAM_FAILED]
    assert (month.progress.segment, month.progress.unit, month.run_id) == (1, 0, None)


def test_B8_another_grid_pauses_and_resume_cancels_what_is_gone(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=3)
    location.start_all()
    location.end_all()
    fewer = PartitionsDefinition.static_([f"2024-01-{day:02}" for day in range(1, 21)])
    load_again(world, step("daily", fewer))
    location.start_all()
    location.end_all()
    row = read(world, backfill_id)
    assert row.status == BackfillStatus.PAUSED
    assert row.reason == "definition_changed: asset 'daily' has other partitions now"
    assert row.counters.runs == 6
    ask(world, ResumeBackfill, backfill_id)
    work(world, location, backfill_id)
    row = read(world, backfill_id)
    assert (row.counters.completed, row.counters.canceled, row.counters.runs) == (20, 11, 20)
    assert row.status == BackfillStatus.CANCELED
    assert {u.progress.reason for u in units(world, backfill_id)} == {UnitReason.NONE, UnitReason.DEFINITION_CHANGED}


def test_B8_an_asset_that_is_gone_pauses(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=1)
    load_again(world, step("hourly"))
    location.start_all()
    location.end_all()
    row = read(world, backfill_id)
    assert row.reason == "definition_changed: asset 'daily' is not defined any more"


def test_B8_a_later_end_changes_nothing(world: World, location: Location) -> None:
    backfill_id = create(world, JANUARY, max_concurrency=2)
    later = PartitionsDefinition.daily(DAILY.start, DAILY.start.replace(year=2025))
    load_again(world, step("daily", later), step("other", None))
    work(world, location, backfill_id)
    assert read(world, backfill_id).status == BackfillStatus.COMPLETED


def test_unknown_backfills(world: World, location: Location) -> None:
    for message, *details in ((CancelBackfill, ""), (PauseBackfill, ""), (ResumeBackfill,)):
        with pytest.raises(BackfillNotFoundError, match="'nothing'"):
            ask(world, message, "nothing", *details)


def test_a_canceled_run_is_a_canceled_partition(world: World, location: Location) -> None:
    backfill_id = create(world, Wanted([PartitionKey.single(f"2024-01-0{day}") for day in (1, 2)]), max_concurrency=2)
    first = units(world, backfill_id)[0].run_id
    assert first is not None
    location.start_all()
    world.cancel(first)
    for item in list(location.held.values()):
        is_first = item.assign.run_id == first
        location.end(item, AttemptOutcome.STOPPED if is_first else AttemptOutcome.SUCCEEDED)
    row = read(world, backfill_id)
    assert (row.counters.completed, row.counters.canceled, row.status) == (1, 1, BackfillStatus.CANCELED)
    with world.database.read() as connection:
        stored = runs.get(connection, first)
    assert stored is not None
    assert stored.state == RunState.CANCELED


@pytest.mark.parametrize("crashes", [False, True])
def test_marked_partitions_fail_while_their_run_succeeds(world: World, location: Location, crashes: bool) -> None:
    keys = [PartitionKey.single("2024-01-01"), PartitionKey.single(["2024-01-02", "2024-01-03", "2024-01-04"])]
    backfill_id = create(world, Wanted(keys), max_concurrency=2)
    location.start_all()
    _, grouped = location.held.values()
    location.mark(grouped, "daily", PartitionKey.single("2024-01-03"))
    if crashes:
        world.crash()
        settle(world)
    location.end_all()
    row = read(world, backfill_id)
    assert (row.status, row.counters.completed, row.counters.failed) == (BackfillStatus.FAILED, 3, 1)
    one, several = units(world, backfill_id)
    assert (one.progress.failed, several.progress.failed, several.progress.marked) == (0, 1, (1,))
    assert world.state_of(several.run_id or "") == RunState.SUCCEEDED


def test_what_is_counted_for_the_metrics(world: World, location: Location) -> None:
    keys = Wanted([PartitionKey.single(f"2024-01-0{day}") for day in range(1, 5)])
    backfill_id = create(world, keys, max_concurrency=1, policy=FailurePolicy.STOP_ON_FAILURE)
    for turn in range(2):
        location.start_all()
        for item in list(location.held.values()):
            location.end(item, *((AttemptOutcome.FAILED, ERROR) if turn else (AttemptOutcome.SUCCEEDED, None)))
    tally = world.core.tally
    assert tally.backfills == 1
    assert dict(tally.ended_backfills) == {read(world, backfill_id).status: 1}
    assert dict(tally.partitions) == {"completed": 1, "failed": 1, "canceled": 2}


def test_F02_a_rerun_of_months_alone_waits_for_no_days(world: World) -> None:
    snapshot = Snapshot((step("daily"), step("monthly", MONTHLY, daily=PartitionMapping.time_window(0))))
    location = world.add_location("weather", snapshot, places=100)
    backfill_id = create(world, max_concurrency=8)
    while not read(world, backfill_id).status.is_terminal:
        location.start_all()
        for item in list(location.held.values()):
            is_month = item.assign.step.key == "monthly"
            location.end(item, *((AttemptOutcome.FAILED, ERROR) if is_month else (AttemptOutcome.SUCCEEDED, None)))
    assert read(world, backfill_id).counters.failed == 4
    with world.database.read() as connection:
        row, pinned = rerun(
            connection,
            read(world, backfill_id),
            RerunScope.FAILED,
            snapshot,
            now=NOW,
            registered={},
            request_id=None,
        )
    answer = Answer()
    world.put(CreateBackfill(row, pinned, encode_backfill_plan(pinned).SerializeToString(), answer))
    again = answer.result[0].backfill_id
    work(world, location, again)
    assert (read(world, again).status, read(world, again).counters.completed) == (BackfillStatus.COMPLETED, 4)
