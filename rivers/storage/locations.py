"""Locations: who has registered, to be dialled after a restart."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select

from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import LocationRow
from rivers.storage.schema import locations as table

_CHANGING = ["address", "home_id", "boot", "digest", "module", "registered_at", "heard_at"]

UPSERT = Insert(table, ["name", *_CHANGING], update=_CHANGING)

_ALL = select(*(table.c[name] for name in ["name", *_CHANGING])).order_by(table.c.name)
_FORGET = delete(table).where(table.c.name.in_(bindparam("names", expanding=True)))


def image(row: LocationRow) -> Values:
    """A location's row."""
    return row.name, row.address, row.home_id, row.boot, row.digest, row.module, row.registered_at, row.heard_at


def all(connection: Connection) -> list[LocationRow]:
    """Every location, by name."""
    return [LocationRow(*row) for row in connection.execute(_ALL)]


def forget(connection: Connection, names: list[str]) -> None:
    """Forgets locations."""
    connection.execute(_FORGET, {"names": names})
