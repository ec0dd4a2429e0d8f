"""A backfill told event by event, with rows beside it, from which it is now and then made again."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from rivers.lifecycle.backfill.counters import Counters, status
from rivers.lifecycle.backfill.progress import BackfillProgress
from rivers.lifecycle.backfill.segment import BackfillPlan
from rivers.lifecycle.backfill.states import UnitState
from rivers.lifecycle.backfill.unit import UnitProgress


@dataclass(frozen=True)
class Shift:
    """Partition n is made from partition n + offset."""

    offset: int
    upstream: int

    def needs(self, index: int) -> Iterable[int]:
        return [index + self.offset] if 0 <= index + self.offset < self.upstream else []

    def feeds(self, index: int) -> Iterable[int]:
        return [index - self.offset] if index >= self.offset else []


@dataclass(frozen=True)
class Blocks:
    """Partition n is made from the n-th block of so many, as a month is from its days."""

    size: int
    upstream: int

    def needs(self, index: int) -> Iterable[int]:
        return range(index * self.size, min((index + 1) * self.size, self.upstream))

    def feeds(self, index: int) -> Iterable[int]:
        return [index // self.size]


@dataclass(frozen=True)
class Fan:
    """Partitions n * size and following are all made from partition n."""

    size: int
    downstream: int

    def needs(self, index: int) -> Iterable[int]:
        return [index // self.size]

    def feeds(self, index: int) -> Iterable[int]:
        return range(index * self.size, min((index + 1) * self.size, self.downstream))


@dataclass
class Story:
    """One backfill, its rows and what was ever drawn."""

    plan: BackfillPlan
    rows: dict[tuple[int, int], UnitProgress] = field(default_factory=dict)
    drawn: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.backfill = BackfillProgress(self.plan)
        self.commit()

    def draw(self) -> None:
        """Draws what there is place for."""
        for one in self.backfill.draw():
            key = one.segment, one.unit
            assert key not in self.drawn, f"{key} is drawn a second time"
            self.drawn.add(key)
            self.check_upstream(*key)
        self.commit()

    def end(self, pick: int, how: str, marks: int = 0) -> None:
        """One of the live runs ends."""
        live = sorted((unit.segment, unit.unit) for unit in self.backfill.live_units())
        if live:
            segment, unit = live[pick % len(live)]
            size = self.plan.segments[segment].units.size(unit)
            match how:
                case "complete":
                    self.backfill.complete(segment, unit, [place for place in range(size) if marks >> place & 1])
                case "fail":
                    self.backfill.fail(segment, unit)
                case "cancel":
                    self.backfill.cancel_unit(segment, unit)
            self.commit()

    def ask(self, what: str) -> None:
        """Somebody wants it to be otherwise."""
        getattr(self.backfill, what)()
        self.commit()

    def crash(self) -> None:
        """All that is left are rows."""
        old, new = self.backfill, BackfillProgress(self.plan)
        new.restore(
            intent=self.stored.intent,
            reason=self.stored.reason,
            error=self.stored.error,
            counters=deepcopy(self.stored.counters),
            segments=deepcopy(self.stored.segments),
            units=[deepcopy(row) for row in self.rows.values() if not row.state.is_terminal],
        )
        assert new.status == old.status
        self.backfill = new

    def commit(self) -> None:
        """Writes the rows that were touched, and checks what must hold at every commit."""
        for key, row in self.backfill.touched.items():
            stored = self.rows.get(key)
            assert stored is None or not stored.state.is_terminal, f"{key} turns back"
            self.rows[key] = deepcopy(row)
        self.backfill.touched.clear()
        self.stored = deepcopy(self.backfill)
        self.check()

    def check(self) -> None:
        """Counters are sums over rows; the window holds; the status is a function of what is stored."""
        backfill, plan = self.backfill, self.plan
        summed = Counters(runs=backfill.counters.runs)
        for row in self.rows.values():
            if row.state >= UnitState.DRAWN:
                summed.drawn += row.size
            summed.failed += row.failed
            if row.state == UnitState.COMPLETED:
                summed.completed += row.size - row.failed
            if row.state == UnitState.CANCELED:
                summed.canceled += row.size
        assert backfill.counters == summed
        live = sum(row.state == UnitState.DRAWN for row in self.rows.values())
        assert backfill.live == live <= plan.max_concurrency
        assert len(self.drawn) == backfill.counters.runs
        assert {key: row.state for key, row in self.rows.items() if not row.state.is_terminal} == {
            key: row.state for key, row in backfill.open.items()
        }
        assert backfill.status == status(plan.partitions, summed, backfill.intent, error=backfill.error)
        for number, segment in enumerate(backfill.segments):
            ended = [row for key, row in self.rows.items() if key[0] == number and row.state.is_terminal]
            assert segment.ended == len(ended)
            assert segment.failed == sum(bool(row.failed) for row in ended)
        if backfill.status.is_terminal:
            assert summed.completed + summed.failed + backfill.canceled == plan.partitions

    def check_upstream(self, segment: int, unit: int) -> None:
        """What the unit is made from, as far as it is in the backfill, is there."""
        for link in self.plan.segments[segment].links:
            upstream = self.plan.segments[link.upstream].units
            wanted = (
                set(range(upstream.count))
                if link.mapping is None
                else {
                    upstream.unit_of(needed)
                    for index in self.plan.segments[segment].units.indexes(unit)
                    for needed in link.mapping.needs(index)
                }
                - {None}
            )
            for one in wanted:
                assert one is not None
                assert self.rows[link.upstream, one].state == UnitState.COMPLETED

    def finish(self) -> None:
        """Everything that is left is drawn and ends well."""
        if self.backfill.status.is_terminal:
            return
        self.ask("resume")
        for _ in range(10 * self.plan.units + 10):
            self.draw()
            if self.backfill.status.is_terminal:
                return
            self.end(0, "complete")
        raise AssertionError(f"it does not end: {self.backfill.status.name}")
