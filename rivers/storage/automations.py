"""Automations: ticks of schedules, sensors and conditions, and what each of them remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from rivers.automation.ticks import AutomationKind, TickStatus
from rivers.storage.images import names_of, names_text
from rivers.storage.multirow import Insert
from rivers.storage.schema import automations as table
from rivers.storage.schema import condition_states, ticks

_FIELDS = ["name", "kind", "status", "at", "run_ids", "backfill_ids", "skip_reason", "error", "cursor"]
_INSERT = insert(ticks)
_WHOLE = select(*(ticks.c[name] for name in ["tick_id", *_FIELDS])).order_by(ticks.c.tick_id.desc())
_PAGE = _WHOLE.where(ticks.c.name == bindparam("name")).limit(bindparam("limit"))
_ONE = (ticks.c.name == bindparam("name_"), ticks.c.kind == bindparam("kind_"))
_LATEST = _WHOLE.where(*_ONE).limit(1)
_OLDEST_KEPT = select(ticks.c.tick_id).where(*_ONE).order_by(ticks.c.tick_id.desc()).limit(1).offset(bindparam("kept"))
_FORGET = delete(ticks).where(*_ONE, ticks.c.tick_id <= bindparam("tick_id_"))

_SET_STATUS = Insert(table, ["kind", "name", "is_running"], update=["is_running"])
_STATUSES = select(table.c.kind, table.c.name, table.c.is_running)

_SAVE_STATE = Insert(condition_states, ["asset_key", "body"], update=["body"])
_STATES = select(condition_states.c.asset_key, condition_states.c.body)
_COUNT = select(func.count()).select_from(ticks).where(*_ONE)


@dataclass(frozen=True, slots=True)
class TickRow:
    """One evaluation. `at` in nanoseconds since the epoch; `tick_id` is given when it is written."""

    name: str
    kind: AutomationKind
    status: TickStatus
    at: int
    run_ids: tuple[str, ...] = ()
    backfill_ids: tuple[str, ...] = ()
    skip_reason: str | None = None
    error: str | None = None
    cursor: str | None = None
    tick_id: int = 0


def record(connection: Connection, row: TickRow, *, kept: int | None = None) -> None:
    """Adds a tick; of its automation only the newest `kept` stay, `None` for all of them."""
    connection.execute(
        _INSERT,
        {
            "name": row.name,
            "kind": int(row.kind),
            "status": int(row.status),
            "at": row.at,
            "run_ids": names_text(row.run_ids),
            "backfill_ids": names_text(row.backfill_ids),
            "skip_reason": row.skip_reason,
            "error": row.error,
            "cursor": row.cursor,
        },
    )
    if kept is not None:
        which = {"name_": row.name, "kind_": int(row.kind)}
        last = connection.execute(_OLDEST_KEPT, {**which, "kept": kept}).scalar_one_or_none()
        if last is not None:
            connection.execute(_FORGET, {**which, "tick_id_": last})


def page(connection: Connection, name: str, *, limit: int = 100) -> list[TickRow]:
    """The ticks of every automation of that name, newest first."""
    return [_row(found) for found in connection.execute(_PAGE, {"name": name, "limit": limit})]


def latest(connection: Connection, kind: AutomationKind, name: str) -> TickRow | None:
    """The newest tick of an automation."""
    found = connection.execute(_LATEST, {"name_": name, "kind_": int(kind)}).one_or_none()
    return None if found is None else _row(found)


def count(connection: Connection, kind: AutomationKind, name: str) -> int:
    """How many ticks of an automation are kept."""
    return connection.execute(_COUNT, {"name_": name, "kind_": int(kind)}).scalar_one()


def set_running(connection: Connection, kind: AutomationKind, name: str, is_running: bool) -> None:
    """Starts or stops an automation, whatever its definition says."""
    _SET_STATUS.run(connection, [(int(kind), name, is_running)])


def running(connection: Connection) -> dict[tuple[AutomationKind, str], bool]:
    """Automations that were started or stopped by somebody."""
    return {(AutomationKind(kind), name): bool(is_on) for kind, name, is_on in connection.execute(_STATUSES)}


def save_states(connection: Connection, states: Mapping[str, bytes]) -> None:
    """What conditions remember, by asset: serialized `rivers.v1.ConditionState`."""
    _SAVE_STATE.run(connection, list(states.items()))


def states(connection: Connection, assets: Sequence[str]) -> dict[str, bytes]:
    """What the conditions of these assets remember."""
    wanted = set(assets)
    return {asset: body for asset, body in connection.execute(_STATES) if asset in wanted}


def _row(found: Row[*tuple[Any, ...]]) -> TickRow:
    tick_id, name, kind, status, at, run_ids, backfill_ids, skip_reason, error, cursor = found
    return TickRow(
        name=name,
        kind=AutomationKind(kind),
        status=TickStatus(status),
        at=at,
        run_ids=names_of(run_ids),
        backfill_ids=names_of(backfill_ids),
        skip_reason=skip_reason,
        error=error,
        cursor=cursor,
        tick_id=tick_id,
    )
