"""The key-value area, as users see it."""

from __future__ import annotations

import asyncio

from rivers.repository.storage.opened import Opened
from rivers.storage import kv


class KeyValues(Opened):
    """Free bytes by text key; keys that start with `rivers/` are the system's own."""

    __slots__ = ()

    def kv_get(self, key: str) -> bytes | None:
        """The value of a key; `None` when unset."""
        _check(key)
        with self.database.read() as connection:
            return kv.get(connection, key)

    def kv_set(self, key: str, value: bytes) -> None:
        """Gives a key a value, whether it had one or not."""
        _check(key)
        if not isinstance(value, bytes):
            raise TypeError(f"value must be bytes, not {type(value).__name__}")
        with self.database.transaction() as connection:
            kv.set(connection, key, value)

    async def async_kv_get(self, key: str) -> bytes | None:
        """`kv_get`, off the event loop."""
        return await asyncio.to_thread(self.kv_get, key)

    async def async_kv_set(self, key: str, value: bytes) -> None:
        """`kv_set`, off the event loop."""
        await asyncio.to_thread(self.kv_set, key, value)


def _check(key: object) -> None:
    if not isinstance(key, str):
        raise TypeError(f"key must be a str, not {type(key).__name__}")
