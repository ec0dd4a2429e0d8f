"""Fencing tokens of a run's attempts, taken from the store in advance."""

from __future__ import annotations

from rivers.storage.database import Database


class Tokens:
    """Grows over the whole store, so a later attempt of a step has a greater token, whoever ran the earlier one."""

    __slots__ = ("_database", "_end", "_next", "_size")

    def __init__(self, database: Database, count: int) -> None:
        self._database = database
        self._next = self._end = 0
        self._size = 8
        self._take(count)

    def next(self) -> int:
        """A token that nobody else has."""
        if self._next == self._end:
            self._take(self._size)
        token = self._next
        self._next += 1
        return token

    def _take(self, count: int) -> None:
        if count:
            self._next = self._database.take_tokens(count)
            self._end = self._next + count
            self._size = min(2 * self._size, 1024)
