"""What reads of a storage return: read-only values that only rivers makes."""

from __future__ import annotations

from typing import Any, Self


class Record:
    """A read-only value without a constructor of its own. Subclasses are frozen dataclasses with `init=False`."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(f"{type(self).__name__} has no constructor: it is made by rivers")

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A record with these values."""
        record = object.__new__(cls)
        for name, value in values.items():
            object.__setattr__(record, name, value)
        return record
