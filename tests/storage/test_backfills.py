"""Backfills and their units as rows, on every kind of database."""

from __future__ import annotations

from array import array
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rivers.lifecycle.backfill.counters import Counters
from rivers.lifecycle.backfill.pinned import PinnedBackfill, PinnedLink, PinnedSegment
from rivers.lifecycle.backfill.segment import SegmentProgress
from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus, FailurePolicy, UnitReason, UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits
from rivers.lifecycle.states import LaunchCause, RunOwner
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition as P
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.spans import Spans
from rivers.storage import backfill_units, backfills, recovery
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.storage.database import Database
from rivers.storage.faults import StaleWriteError
from rivers.storage.rows import NewBackfill, WriteSet
from rivers.wire.backfill_plans import encode_backfill_plan


def backfill(backfill_id: str = "b-1", **fields: Any) -> BackfillRow:
    given: dict[str, Any] = {
        "location": "weather",
        "nodes": ("daily", "monthly"),
        "tags": (("team", "ünits"),),
        "created_at": 5_000,
        "total_partitions": 1_000_000,
        "total_units": 1_000,
    }
    return BackfillRow(backfill_id, **(given | fields))


NOW = datetime(2024, 6, 15, 12, 30, tzinfo=timezone(timedelta(hours=2)))
DEFINITION = P.multi({"day": P.daily(datetime(2024, 1, 1)), "customer": P.dynamic("customers")})
PINNED = PinnedBackfill(
    (
        PinnedSegment(
            ("daily",),
            DEFINITION,
            ProductUnits((10, 3), (Spans.of([4, 5, 1]), Spans.between(0, 3)), (0,)),
            own=PartitionMapping.time_window(-1),
        ),
        PinnedSegment(
            ("monthly", "yearly"),
            P.static_(["a", "b", "c"]),
            ListedUnits(Spans.of([2, 0, 1]), array("q", [1, 2])),
            (PinnedLink(0, PartitionMapping.multi_to_single("day")), PinnedLink(0)),
        ),
    ),
    NOW,
    BackfillStrategy.per_dimension(["day"], ["customer"]),
    7,
    FailurePolicy.STOP_ON_FAILURE,
    {"assets": {"daily": {"config": {"rows": 3}}}},
)


def new(*rows: BackfillRow, **registered: list[str]) -> WriteSet:
    plan = encode_backfill_plan(PINNED).SerializeToString()
    writes = WriteSet()
    writes.new_backfills = [NewBackfill(row, plan, registered) for row in rows]
    return writes


def units(*rows: UnitRow) -> WriteSet:
    writes = WriteSet()
    writes.units = {(row.backfill_id, row.progress.segment, row.progress.unit): row for row in rows}
    return writes


def changed(row: BackfillRow, **fields: Any) -> WriteSet:
    for name, value in fields.items():
        setattr(row, name, value)
    row.version += 1
    writes = WriteSet()
    writes.changed_backfills[row.backfill_id] = row
    return writes


def stored(database: Database, backfill_id: str = "b-1") -> BackfillRow:
    with database.read() as connection:
        found = backfills.get(connection, backfill_id)
    assert found is not None
    return found


def test_a_backfill_comes_back_as_it_was_written(database: Database) -> None:
    row = backfill(
        priority=5,
        max_concurrency=9,
        failure_policy=FailurePolicy.STOP_ON_FAILURE,
        cause=LaunchCause.SCHEDULE,
        cause_name="nightly",
        rerun_of="b-0",
        request_id="r-1",
        digest="d",
        action="compact",
        segments=[SegmentProgress(3, 2, 1, 0), SegmentProgress()],
    )
    keys = [f"k{number}" for number in range(25_000)]
    database.write(new(row, customers=keys, regions=["eu"]))
    assert stored(database) == row
    with database.read() as connection:
        found = backfills.pinned(connection, "b-1")
        assert found.registered == {"customers": keys, "regions": ["eu"]}
        assert encode_backfill_plan(found) == encode_backfill_plan(PINNED)
        assert found.now.isoformat() == NOW.isoformat()
        assert [[list(s.units.indexes(n)) for n in range(s.units.count)] for s in found.segments] == [
            [[12, 13, 14], [15, 16, 17], [3, 4, 5]],
            [[2], [0, 1]],
        ]
        assert replace(found, segments=(), registered={}) == replace(PINNED, segments=())
        assert backfills.find_request(connection, "r-1") == "b-1"
        assert backfills.find_request(connection, "r-2") is None
        assert backfills.get(connection, "b-2") is None


def test_B2_drawing_is_one_guarded_transaction(database: Database) -> None:
    database.write(new(backfill()))
    mine, theirs = stored(database), stored(database)
    writes = changed(
        mine, counters=Counters(drawn=3, runs=1), status=BackfillStatus.RUNNING, started_at=6, intent=BackfillIntent.RUN
    )
    writes.units = units(UnitRow("b-1", UnitProgress(0, 0, 3, UnitState.DRAWN, has_run=True), "run-1")).units
    database.write(writes)
    assert stored(database) == mine

    late = changed(theirs, counters=Counters(drawn=9))
    late.units = units(UnitRow("b-1", UnitProgress(0, 1, 9, UnitState.DRAWN, has_run=True), "run-2")).units
    with pytest.raises(StaleWriteError, match="a backfill was changed by somebody else"):
        database.write(late)
    with database.read() as connection:
        assert backfill_units.run_ids(connection, "b-1") == ["run-1"]
    assert stored(database).counters.drawn == 3


def test_a_request_makes_one_backfill(database: Database) -> None:
    database.write(new(backfill(request_id="r")))
    with pytest.raises(StaleWriteError, match="same request"):
        database.write(new(backfill("b-2", request_id="r")))
    with database.read() as connection:
        assert [row.backfill_id for row in backfills.page(connection)] == ["b-1"]


def test_units_keep_their_last_image_and_are_paged_in_their_order(database: Database) -> None:
    database.write(new(backfill()))
    rows = [UnitRow("b-1", UnitProgress(segment, unit, 2), None) for segment in (1, 0) for unit in range(150)]
    for row in rows:
        row.progress.state, row.progress.remaining = UnitState.BLOCKED, 3
    database.write(units(*rows))
    done = UnitProgress(0, 7, 2, UnitState.COMPLETED, failed=1, marked=(1,), has_run=True)
    failed = UnitProgress(1, 9, 2, UnitState.FAILED, failed=2, reason=UnitReason.UPSTREAM_FAILED)
    database.write(units(UnitRow("b-1", done, "run-7"), UnitRow("b-1", failed)))
    with database.read() as connection:
        first = backfill_units.page(connection, "b-1", limit=200)
        second = backfill_units.page(connection, "b-1", after=(1, 49), limit=200)
        ended = backfill_units.page(connection, "b-1", states=[UnitState.COMPLETED, UnitState.FAILED])
        some = backfill_units.between(connection, "b-1", 0, 6, 9)
    assert [(row.progress.segment, row.progress.unit) for row in first + second] == [
        (segment, unit) for segment in (0, 1) for unit in range(150)
    ]
    assert [row.progress for row in ended] == [done, failed]
    assert [row.run_id for row in some] == [None, "run-7", None]


@pytest.mark.parametrize("status", BackfillStatus)
def test_F07_recovery_finds_what_is_unfinished(database: Database, status: BackfillStatus) -> None:
    rows = [
        backfill(status=status, segments=[SegmentProgress(4)]),
        backfill("b-2", owner=RunOwner.PROCESS, owner_id="me"),
    ]
    database.write(new(*rows))
    live = UnitRow("b-1", UnitProgress(0, 3, 2, UnitState.DRAWN, has_run=True), "run-3")
    blocked = UnitRow("b-1", UnitProgress(1, 0, 1, UnitState.BLOCKED, remaining=2))
    over = UnitRow("b-1", UnitProgress(0, 2, 2, UnitState.COMPLETED, has_run=True), "run-2")
    foreign = UnitRow("b-2", UnitProgress(0, 0, 2, UnitState.DRAWN, has_run=True), "run-4")
    database.write(units(live, blocked, over, foreign))
    with database.read() as connection:
        found = recovery.load(connection)
    assert found.backfills == ([] if status.is_terminal else [rows[0]])
    assert found.units == [live, blocked]


def test_listings_are_newest_first_and_filtered(database: Database) -> None:
    rows = [
        backfill(
            f"b-{number}",
            created_at=number,
            location=("weather", "markets")[number % 2],
            status=list(BackfillStatus)[number % 3],
        )
        for number in range(12)
    ]
    database.write(new(*rows))
    with database.read() as connection:
        assert backfills.page(connection) == rows[::-1]
        assert backfills.page(connection, limit=3, before=(9, "b-9")) == rows[8:5:-1]
        assert backfills.page(connection, location="markets") == rows[::-2]
        wanted = list(BackfillStatus)[:2]
        assert backfills.page(connection, statuses=wanted, limit=4) == [r for r in rows[::-1] if r.status in wanted][:4]
