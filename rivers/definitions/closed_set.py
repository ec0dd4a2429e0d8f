"""Closed sets of the public API: members equal their number, without being numbers."""

from __future__ import annotations

from enum import Enum


class ClosedSet(Enum):
    """A member compares equal to its integer value, converts with `int()` and reads `Class.Member`."""

    def __int__(self) -> int:
        number: int = self.value
        return number

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ClosedSet):
            return self is other
        if isinstance(other, int) and not isinstance(other, bool):
            return bool(self.value == other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"
