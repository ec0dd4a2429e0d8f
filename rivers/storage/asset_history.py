"""What the event log says of assets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from rivers.lifecycle.states import EventType
from rivers.storage.schema import events as table
from rivers.v1.run_pb2 import RunEvent

_BODY = select(table.c.position, table.c.body)
_OF_TYPES = table.c.type.in_(bindparam("types", expanding=True))
_AFTER = _BODY.where(table.c.position > bindparam("after"), _OF_TYPES).order_by(table.c.position)
_LAST = (
    _BODY.where(table.c.node == bindparam("node"), table.c.position < bindparam("before"), _OF_TYPES)
    .order_by(table.c.position.desc())
    .limit(1)
)
_END = (1 << 63) - 1
_ABOUT = _BODY.where(table.c.node == bindparam("node"), _OF_TYPES).order_by(table.c.position)


def after(connection: Connection, position: int, types: Sequence[EventType]) -> list[RunEvent]:
    """Events of these types after a position, oldest first."""
    values = {"after": position, "types": [int(type) for type in types]}
    return [_event(place, body) for place, body in connection.execute(_AFTER, values)]


def about(connection: Connection, node: str, types: Sequence[EventType]) -> list[RunEvent]:
    """Every event of these types about a node, oldest first."""
    values = {"node": node, "types": [int(type) for type in types]}
    return [_event(place, body) for place, body in connection.execute(_ABOUT, values)]


def last(connection: Connection, node: str, types: Sequence[EventType], *, before: int = _END) -> RunEvent | None:
    """The last event of these types about a node, before a position."""
    values: dict[str, Any] = {"node": node, "types": [int(type) for type in types], "before": before}
    found = connection.execute(_LAST, values).one_or_none()
    return None if found is None else _event(*found)


def _event(position: int, body: bytes) -> RunEvent:
    event = RunEvent.FromString(body)
    event.position = position
    return event
