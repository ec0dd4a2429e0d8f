"""Windows of time as an axis: index, start and key are computed, so a billion windows take no memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rivers.partitions.axis import Axis
from rivers.partitions.key_format import KeyFormat
from rivers.partitions.ticks import Ticks

_DAY = timedelta(days=1)


class TimeAxis(Axis):
    """The windows that start at `count` ticks from the number `first` on."""

    def __init__(self, ticks: Ticks, first: int, count: int, label: KeyFormat) -> None:
        self.ticks = ticks
        self.first = first
        self._count = count
        self.label = label

    @property
    def count(self) -> int:
        return self._count

    def value_at(self, index: int) -> str:
        return self.label.key(self.start_at(index))

    def start_at(self, index: int) -> datetime:
        """The start of a window."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self.ticks.at(self.first + index)

    def values(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        stop = self._count if stop is None else min(stop, self._count)
        if start < 0:
            raise IndexError(start)
        yield from map(self.label.key, map(self.ticks.at, range(self.first + start, self.first + stop)))

    def index_of(self, value: str) -> int | None:
        start = self.label.start(value)
        if start is None or not self._is_near(start):
            return None
        number = self.number_of(value)
        if number is None or not self.first <= number < self.first + self._count:
            return None
        return number - self.first

    def number_of(self, value: str) -> int | None:
        """The number of the tick that a key stands for, inside of this axis or not; `None` for what is no key."""
        start = self.label.start(value)
        if start is None:
            return None
        try:
            number = self.ticks.before(start)
            return number if self.label.key(self.ticks.at(number)) == value else None
        except OverflowError:
            return None

    def nearest(self, value: str, limit: int = 3) -> list[str]:
        if not self._count:
            return []
        start = self.label.start(value) or _guess(value, self.ticks.at(self.first))
        if start is None:
            return list(dict.fromkeys([self.value_at(0), self.value_at(self._count - 1)]))
        if self._is_near(start):
            place = self.ticks.before(start) - self.first
        else:
            place = 0 if start < self.ticks.at(self.first) else self._count
        low = min(max(place - limit // 2, 0), max(self._count - limit, 0))
        return list(self.values(low, low + limit))

    def _is_near(self, start: datetime) -> bool:
        """Whether it is within the axis, or hardly outside: what is far away need not be counted to."""
        if not self._count:
            return False
        try:
            return self.ticks.at(self.first) <= start <= self.ticks.at(self.first + self._count - 1) + _DAY
        except OverflowError:
            return True

    def window(self, value: str) -> tuple[datetime, datetime] | None:
        """Start and end of the window of a key, end exclusive; `None` for what is no key."""
        number = self.number_of(value)
        if number is None:
            return None
        start = self.ticks.at(number)
        try:
            return start, self.ticks.at(number + 1)
        except OverflowError:
            return start, datetime.max.replace(tzinfo=start.tzinfo)


def _guess(value: str, like: datetime) -> datetime | None:
    """What a text in another format than ours may say."""
    try:
        guess = datetime.fromisoformat(value)
    except ValueError:
        return None
    if guess.tzinfo is None or like.tzinfo is None:
        return guess.replace(tzinfo=like.tzinfo)
    return guess.astimezone(like.tzinfo)
