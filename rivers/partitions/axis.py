"""One dimension of keys at one moment: values in order, found by arithmetic wherever that is possible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import ClassVar

#: Looking for similar texts takes time for each of them.
_COMPARED = 10_000


class Axis(ABC):
    """Values with an index each."""

    #: Whether it is known which values there are.
    is_listed: ClassVar[bool] = True
    #: The name of the dynamic definition whose values these are.
    dynamic: str = ""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many values there are."""

    @abstractmethod
    def value_at(self, index: int) -> str:
        """The value at an index from 0; `IndexError` outside."""

    @abstractmethod
    def index_of(self, value: str) -> int | None:
        """The index of a value, `None` for what is none."""

    def has(self, value: str) -> bool:
        """Whether it is a value."""
        return self.index_of(value) is not None

    @abstractmethod
    def nearest(self, value: str, limit: int = 3) -> list[str]:
        """Values that somebody who gave this one may have meant, the likeliest first."""

    def values(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """The values from one index to before another."""
        for index in range(start, self.count if stop is None else min(stop, self.count)):
            yield self.value_at(index)


class ListedAxis(Axis):
    """Values that are listed, each once."""

    def __init__(self, values: Sequence[str], dynamic: str = "") -> None:
        self._values = values
        self.dynamic = dynamic

    @property
    def count(self) -> int:
        return len(self._values)

    def value_at(self, index: int) -> str:
        if index < 0:
            raise IndexError(index)
        return self._values[index]

    def index_of(self, value: str) -> int | None:
        return self._indexes.get(value)

    def nearest(self, value: str, limit: int = 3) -> list[str]:
        found = get_close_matches(value, self._values[:_COMPARED], n=limit)
        return found or list(self._values[:limit])

    @cached_property
    def _indexes(self) -> dict[str, int]:
        return {value: index for index, value in enumerate(self._values)}


class UnlistedAxis(Axis):
    """Values that somebody else lists: whatever is asked for may be one."""

    is_listed = False

    @property
    def count(self) -> int:
        raise NotImplementedError("Cannot enumerate dynamic partition keys")

    def value_at(self, index: int) -> str:
        raise NotImplementedError("Cannot enumerate dynamic partition keys")

    def index_of(self, value: str) -> int | None:
        raise NotImplementedError("Cannot enumerate dynamic partition keys")

    def has(self, value: str) -> bool:
        return True

    def nearest(self, value: str, limit: int = 3) -> list[str]:
        return []
