"""Backfills in the core: any order of ends, requests, cuts and crashes keeps rows, counters and indexes equal."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.definitions.snapshot import Snapshot
from rivers.errors import UnavailableError
from rivers.lifecycle.backfill.counters import Counters, status
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.backfill.states import BackfillStatus, FailurePolicy, UnitState
from rivers.lifecycle.states import AttemptOutcome
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping
from rivers_server.core.inputs import CancelBackfill, PauseBackfill, ResumeBackfill
from rivers_server.settings import CoreSettings
from tests.unit.server.backfills import MONTHLY, ask, create, read, settle, step, units
from tests.unit.server.world import World, failure

EVENTS = st.one_of(
    st.tuples(st.just("start")),
    st.tuples(st.just("end"), st.integers(0, 5), st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "CRASHED"])),
    st.tuples(st.just("end"), st.integers(0, 5), st.just("SUCCEEDED")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("attach")),
    st.tuples(st.just("crash")),
    st.tuples(st.just("fail_commit")),
    st.tuples(st.just("pause")),
    st.tuples(st.just("resume")),
    st.tuples(st.just("cancel_run"), st.integers(0, 5)),
    st.tuples(st.just("cancel")),
)

DAYS = Wanted(range=PartitionKeyRange.single("2024-01-28", "2024-03-02"))


class Scene:
    """One backfill of days and their months, and whoever meddles with it."""

    def __init__(self, limit: int, cap: int, policy: FailurePolicy) -> None:
        self.world = World(CoreSettings(max_concurrent_runs=limit))
        snapshot = Snapshot((step("daily"), step("monthly", MONTHLY, daily=PartitionMapping.time_window(0))))
        self.location = self.world.add_location("weather", snapshot, places=10)
        self.cap = cap
        self.backfill_id = create(self.world, DAYS, max_concurrency=cap, policy=policy)
        self.is_canceled = False

    def start(self) -> None:
        self.location.start_all()

    def end(self, pick: int, outcome: str) -> None:
        running = [item for item in self.location.held.values() if item.is_started and not item.is_ended]
        if running:
            said = failure() if outcome == "FAILED" else None
            self.location.end(running[pick % len(running)], AttemptOutcome[outcome], said)

    def cut(self) -> None:
        if self.location.session:
            self.location.cut()

    def attach(self) -> None:
        if not self.location.session:
            self.location.attach()

    def crash(self) -> None:
        self.world.crash()

    def fail_commit(self) -> None:
        self.world.fail_next_commit = RuntimeError("disk trouble")

    def pause(self) -> None:
        self._ask(PauseBackfill, "")

    def resume(self) -> None:
        self._ask(ResumeBackfill)

    def cancel(self) -> None:
        if self._ask(CancelBackfill, ""):
            self.is_canceled = not read(self.world, self.backfill_id).status.is_terminal or self.is_canceled

    def cancel_run(self, pick: int) -> None:
        live = [unit.run_id for unit in units(self.world, self.backfill_id) if unit.progress.state == UnitState.DRAWN]
        if live:
            try:
                self.world.cancel(live[pick % len(live)] or "")
            except UnavailableError as error:  # what was not stored is said to be so
                _expect_trouble(error)

    def check(self) -> None:
        """Counters equal the sums over rows, the window holds, the status follows."""
        row = read(self.world, self.backfill_id)
        rows = [unit.progress for unit in units(self.world, self.backfill_id)]
        summed = Counters(
            drawn=sum(unit.size for unit in rows if unit.state >= UnitState.DRAWN),
            completed=sum(unit.size - unit.failed for unit in rows if unit.state == UnitState.COMPLETED),
            failed=sum(unit.failed for unit in rows),
            canceled=sum(unit.size for unit in rows if unit.state == UnitState.CANCELED),
            runs=sum(unit.has_run for unit in rows),
        )
        assert row.counters == summed
        assert sum(unit.state == UnitState.DRAWN for unit in rows) <= self.cap
        assert row.status == status(row.total_partitions, summed, row.intent)
        assert len(self.location.bodies) >= summed.completed

    def finish(self) -> None:
        """Whoever paused it resumes it, and everything that runs ends well."""
        self.world.fail_next_commit = None
        for _ in range(400):
            self.attach()
            settle(self.world)
            if read(self.world, self.backfill_id).status == BackfillStatus.PAUSED:
                ask(self.world, ResumeBackfill, self.backfill_id)
                settle(self.world)
            if read(self.world, self.backfill_id).status.is_terminal:
                return
            self.location.start_all()
            self.location.end_all()
            self.location.kill_fenced()
            self.world.pass_time(2)
        raise AssertionError(f"it does not end: {read(self.world, self.backfill_id)}")

    def _ask(self, message: Any, *details: Any) -> bool:
        try:
            ask(self.world, message, self.backfill_id, *details)
        except UnavailableError as error:  # what was not stored is said to be so
            _expect_trouble(error)
            return False
        return True


def _expect_trouble(error: UnavailableError) -> None:
    assert "disk trouble" in str(error)


@settings(deadline=None, max_examples=25)
@given(
    limit=st.integers(1, 6),
    cap=st.integers(1, 5),
    policy=st.sampled_from([FailurePolicy.CONTINUE, FailurePolicy.CONTINUE, FailurePolicy.STOP_ON_FAILURE]),
    events=st.lists(EVENTS, max_size=40),
)
def test_B2_B3_B4_W9_any_story_keeps_rows_counters_and_indexes_equal(
    limit: int, cap: int, policy: FailurePolicy, events: list[tuple[Any, ...]]
) -> None:
    scene = Scene(limit, cap, policy)
    for name, *details in events:
        getattr(scene, name)(*details)
        settle(scene.world)
        scene.check()
    scene.finish()
    scene.check()
    row = read(scene.world, scene.backfill_id)
    ended = [unit.progress.state for unit in units(scene.world, scene.backfill_id)]
    if row.status == BackfillStatus.COMPLETED:
        assert len(ended) == row.total_units
    if not scene.is_canceled and policy == FailurePolicy.CONTINUE:
        assert row.counters.drawn == row.total_partitions
    assert not scene.world.core.state.units
    assert not scene.world.core.state.queue.held
