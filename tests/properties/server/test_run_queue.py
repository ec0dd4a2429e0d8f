"""Any order of submits, admissions, ends, cancels and outages: what the queue must never do."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rivers.lifecycle.states import RunKind
from rivers.storage.rows import RunRow
from rivers_server.core.queue import RunQueue

LOCATIONS = ("weather", "markets", "billing")
HEAD_START = int(timedelta(minutes=15).total_seconds() * 1e9)


class QueueLife(RuleBasedStateMachine):
    """The queue beside a plain list of who waits and who runs."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = RunQueue(3, HEAD_START)
        self.waiting: dict[str, RunRow] = {}
        self.parked: set[str] = set()
        self.running: list[RunRow] = []
        self.closed: set[str] = set()
        self.number = 0

    @rule(location=st.sampled_from(LOCATIONS), priority=st.integers(-100, 100), at=st.integers(0, 10**13))
    def submit(self, location: str, priority: int, at: int) -> None:
        self.number += 1
        row = RunRow(f"r{self.number}", RunKind.JOB, location, "j", (), (), at, queue_number=self.number)
        row.priority, row.queued_at = priority, at
        self.waiting[row.run_id] = row
        self.queue.add(row)

    @rule()
    def admit(self) -> None:
        ready = [row for row in self.waiting.values() if row.run_id not in self.parked and self.is_open(row)]
        row = self.queue.admit_next(self.is_open)
        if row is None:
            assert len(self.running) >= 3 or not ready, "an admissible run waits while a place is free"
            return
        assert row in ready
        assert row is min((one for one in ready if one.location == row.location), key=self.queue.key)
        in_flight = Counter(one.location for one in self.running)
        assert in_flight[row.location] == min(in_flight[one.location] for one in ready), "another has fewer in flight"
        del self.waiting[row.run_id]
        self.running.append(row)

    @precondition(lambda self: self.running)
    @rule(pick=st.integers(0, 9), park=st.booleans())
    def end(self, pick: int, park: bool) -> None:
        row = self.running.pop(pick % len(self.running))
        if park:
            self.queue.park(row, "its job is gone")
            self.waiting[row.run_id] = row
            self.parked.add(row.run_id)
        else:
            self.queue.release(row.location)

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        run_id = list(self.waiting)[pick % len(self.waiting)]
        assert self.queue.remove(run_id) is self.waiting.pop(run_id)
        self.parked.discard(run_id)

    @rule(location=st.sampled_from(LOCATIONS))
    def redefine(self, location: str) -> None:
        self.queue.unpark(location)
        self.parked -= {run_id for run_id in self.parked if self.waiting[run_id].location == location}

    @rule(location=st.sampled_from(LOCATIONS))
    def come_or_go(self, location: str) -> None:
        self.closed ^= {location}

    @invariant()
    def limits_hold(self) -> None:
        assert self.queue.in_flight == len(self.running) <= 3
        assert set(self.queue.waiting) == set(self.waiting)
        assert set(self.queue.parked) == self.parked
        for name, queue in self.queue.locations.items():
            assert queue.in_flight == sum(row.location == name for row in self.running)

    @invariant()
    def ranks_follow_keys(self) -> None:
        for name in LOCATIONS:
            line = [row for row in self.waiting.values() if row.location == name and row.run_id not in self.parked]
            line.sort(key=self.queue.key)
            assert [self.queue.rank(row) for row in line] == list(range(1, len(line) + 1))

    def is_open(self, row: RunRow) -> bool:
        return row.location not in self.closed


TestQueueLife = QueueLife.TestCase
TestQueueLife.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)


def test_Q04_a_thousand_runs_of_one_team_do_not_hide_ten_of_another() -> None:
    queue = RunQueue(1, HEAD_START)
    for number in range(1010):
        location = "markets" if number < 1000 else "weather"
        row = RunRow(f"r{number:04}", RunKind.JOB, location, "j", (), (), number, queue_number=number)
        row.queued_at = number
        queue.add(row)
    admitted = []
    for _ in range(20):
        row = queue.admit_next(lambda row: True)
        assert row is not None
        admitted.append(row.location)
        queue.release(row.location)
    assert Counter(admitted) == {"markets": 10, "weather": 10}
