"""The key-value area: free bytes by text key. Keys that start with `rivers/` are the system's own."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from rivers.storage.multirow import Insert
from rivers.storage.schema import kv as table

_UPSERT = Insert(table, ["key", "value"], update=["value"])
_GET = select(table.c.value).where(table.c.key == bindparam("key"))


def get(connection: Connection, key: str) -> bytes | None:
    """The value of a key."""
    return connection.execute(_GET, {"key": key}).scalar_one_or_none()


def set(connection: Connection, key: str, value: bytes) -> None:
    """Gives a key a value, whether it had one or not."""
    if not isinstance(value, bytes):
        raise TypeError(f"expected bytes for the value of {key!r}, got {type(value).__name__}")
    _UPSERT.run(connection, [(key, value)])
