"""Closed sets that may grow: a member that only a newer server knows keeps its number."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

E = TypeVar("E", bound=IntEnum)


class LocationState(IntEnum):
    """How a location is."""

    CONNECTING = 1
    LOADING = 2
    READY = 3
    LOAD_FAILED = 4
    REFUSED = 5


def member(kind: type[E], number: int) -> E:
    """The member of that number; for one that this version does not know, a member named after the number."""
    try:
        return kind(number)
    except ValueError:
        unknown = int.__new__(kind, number)
        unknown._name_, unknown._value_ = f"UNKNOWN_{number}", number
        return unknown
