"""Units of backfills that something happened to. What nothing happened to has no row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text, tuple_

from rivers.lifecycle.backfill.states import UnitReason, UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.states import RunOwner
from rivers.storage.backfill_rows import UnitRow
from rivers.storage.images import token_bytes, tokens_of
from rivers.storage.multirow import Insert, Values
from rivers.storage.schema import OPEN_UNIT, backfills
from rivers.storage.schema import backfill_units as table

_FIXED = ["backfill_id", "segment", "unit", "size"]
_CHANGING = ["run_id", "state", "remaining", "failed", "reason", "marked"]

UPSERT = Insert(table, [*_FIXED, *_CHANGING], update=_CHANGING)

_COLUMNS = [table.c[name] for name in [*_FIXED, *_CHANGING]]
_OPEN = (
    select(*_COLUMNS)
    .join(backfills, backfills.c.backfill_id == table.c.backfill_id)
    .where(text(f"{table.name}.{OPEN_UNIT}"), backfills.c.owner == bindparam("owner"))
)
_OF_BACKFILL = table.c.backfill_id == bindparam("id")
_AFTER = tuple_(table.c.segment, table.c.unit) > tuple_(bindparam("after_segment"), bindparam("after_unit"))
_PAGE = select(*_COLUMNS).where(_OF_BACKFILL, _AFTER).order_by(table.c.segment, table.c.unit).limit(bindparam("limit"))
_OF_SEGMENT = (
    select(*_COLUMNS)
    .where(_OF_BACKFILL, table.c.segment == bindparam("segment_"), table.c.unit >= bindparam("first"))
    .where(table.c.unit < bindparam("last"))
    .order_by(table.c.unit)
)
_RUN_IDS = (
    select(table.c.run_id)
    .where(_OF_BACKFILL, table.c.run_id.is_not(None))
    .order_by(table.c.segment, table.c.unit)
    .limit(bindparam("limit"))
)


def image(row: UnitRow) -> Values:
    """A unit's row."""
    unit = row.progress
    return (
        row.backfill_id,
        unit.segment,
        unit.unit,
        unit.size,
        row.run_id,
        int(unit.state),
        unit.remaining,
        unit.failed,
        int(unit.reason),
        token_bytes(unit.marked) if unit.marked else None,
    )


def _row(image: Row[*tuple[Any, ...]]) -> UnitRow:
    backfill_id, segment, unit, size, run_id, state, remaining, failed, reason, marked = image
    progress = UnitProgress(
        segment,
        unit,
        size,
        UnitState(state),
        remaining,
        failed,
        UnitReason(reason),
        tuple(tokens_of(marked)) if marked else (),
        run_id is not None,
    )
    return UnitRow(backfill_id, progress, run_id)


def open_units(connection: Connection, owner: RunOwner) -> list[UnitRow]:
    """Units that have not ended, of all backfills of this owner."""
    return [_row(found) for found in connection.execute(_OPEN, {"owner": int(owner)})]


def page(
    connection: Connection,
    backfill_id: str,
    *,
    states: Collection[UnitState] = (),
    after: tuple[int, int] = (-1, -1),
    limit: int = 100,
) -> list[UnitRow]:
    """Units in their order, after this segment and unit; of these states, or of all."""
    statement = _PAGE if not states else _PAGE.where(table.c.state.in_([int(state) for state in states]))
    values = {"id": backfill_id, "after_segment": after[0], "after_unit": after[1], "limit": limit}
    return [_row(found) for found in connection.execute(statement, values)]


def between(connection: Connection, backfill_id: str, segment: int, first: int, last: int) -> list[UnitRow]:
    """The units of a segment from one number to before another that have a row."""
    values = {"id": backfill_id, "segment_": segment, "first": first, "last": last}
    return [_row(found) for found in connection.execute(_OF_SEGMENT, values)]


def all_of(connection: Connection, backfill_id: str, segment: int) -> Iterator[UnitRow]:
    """Every unit of a segment that has a row, in its order."""
    values = {"id": backfill_id, "segment_": segment, "first": 0, "last": 1 << 62}
    for found in connection.execute(_OF_SEGMENT, values):
        yield _row(found)


def run_ids(connection: Connection, backfill_id: str, *, limit: int = 1 << 31) -> list[str]:
    """The runs of a backfill, in the order of its units."""
    return list(connection.execute(_RUN_IDS, {"id": backfill_id, "limit": limit}).scalars())
