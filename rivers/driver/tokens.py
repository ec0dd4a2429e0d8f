"""Fencing tokens of a run's attempts, taken from the store in advance: the first ones together with its first rows."""

from __future__ import annotations

from rivers.storage.database import Database
from rivers.storage.rows import TokenBlock


class Tokens:
    """Grows over the whole store, so a later attempt of a step has a greater token, whoever ran the earlier one.

    `first` is the block for the run's first write; until that is written, others are taken.
    """

    __slots__ = ("_database", "_end", "_next", "_size", "first")

    def __init__(self, database: Database, count: int) -> None:
        self.first = TokenBlock(count)
        self._database = database
        self._next = self._end = 0
        self._size = 8

    def next(self) -> int:
        """A token that nobody else has."""
        if self._next == self._end:
            self._take()
        token = self._next
        self._next += 1
        return token

    def _take(self) -> None:
        if self.first.first:
            self._next, count = self.first.first, self.first.count
            self.first = TokenBlock(0)
        else:
            count = self._size
            self._next = self._database.take_tokens(count)
            self._size = min(2 * self._size, 1024)
        self._end = self._next + count
