"""The days on which a cron expression ticks, counted by arithmetic.

The calendar repeats every 400 years, and there are only fourteen kinds of years: leap or not, by the weekday of the
first of January. The days of each kind are worked out once; counting and finding are binary searches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import isleap, monthrange
from datetime import date
from functools import cached_property
from typing import Protocol

from rivers.partitions.cron import Cron

_CYCLE = 400


class Days(Protocol):
    """Days in order. An ordinal is `date.toordinal()`; a place counts the days from the first of year 1."""

    def before(self, ordinal: int) -> int:
        """How many days are before this one."""

    def at(self, place: int) -> int:
        """The ordinal of the day with this many before it; `OverflowError` when the calendar ends before."""

    def has(self, ordinal: int) -> bool:
        """Whether the day is one of them."""


class EveryDay:
    """All days."""

    __slots__ = ()

    def before(self, ordinal: int) -> int:
        return ordinal - 1

    def at(self, place: int) -> int:
        return place + 1

    def has(self, ordinal: int) -> bool:
        return True


class SomeDays:
    """The days that the day, month and weekday fields of an expression let through."""

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        self._kinds: dict[tuple[bool, int], tuple[int, ...]] = {}

    def before(self, ordinal: int) -> int:
        day = date.fromordinal(ordinal)
        cycle, year = divmod(day.year - 1, _CYCLE)
        days = self._of_year(day.year)
        return cycle * self._sums[-1] + self._sums[year] + bisect_left(days, day.timetuple().tm_yday)

    def at(self, place: int) -> int:
        if not self._sums[-1]:
            raise OverflowError("the expression ticks on no day")
        cycle, place = divmod(place, self._sums[-1])
        year = bisect_right(self._sums, place) - 1
        number = cycle * _CYCLE + year + 1
        if number > 9999:
            raise OverflowError("the calendar ends with year 9999")
        return date(number, 1, 1).toordinal() + self._of_year(number)[place - self._sums[year]] - 1

    def has(self, ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        days, number = self._of_year(day.year), day.timetuple().tm_yday
        place = bisect_left(days, number)
        return place < len(days) and days[place] == number

    @cached_property
    def _sums(self) -> list[int]:
        """For each year of a cycle the days before it, and at the end those of the whole cycle."""
        sums = [0]
        for year in range(1, _CYCLE + 1):
            sums.append(sums[-1] + len(self._of_year(year)))
        return sums

    def _of_year(self, year: int) -> tuple[int, ...]:
        """Days of a year, counted from 1."""
        kind = isleap(year), date(year, 1, 1).weekday()
        days = self._kinds.get(kind)
        if days is None:
            days = self._kinds[kind] = tuple(self._find(year))
        return days

    def _find(self, year: int) -> list[int]:
        found, passed = [], 0
        for month in range(1, 13):
            first, length = monthrange(year, month)
            if self._cron.months is None or month in self._cron.months:
                first_weekday = (first + 1) % 7  # from Sunday
                found += [passed + day for day in range(1, length + 1) if self._takes(day, first_weekday, length)]
            passed += length
        return found

    def _takes(self, day: int, first_weekday: int, length: int) -> bool:
        """Days of month and weekdays are alternatives when both are restricted."""
        cron, weekday = self._cron, (first_weekday + day - 1) % 7
        in_days = cron.days is not None and (day in cron.days or (cron.last_day and day == length))
        in_weekdays = cron.weekdays is not None and weekday in cron.weekdays
        # The nth weekdays and nearest working days hold for either alternative.
        nearest = _is_nearest(cron, day, first_weekday, length) if cron.nearest else None
        nth = _is_nth(cron, day, weekday, length) if cron.nth else None
        if cron.days is None:
            in_days = True
        if cron.weekdays is None:
            in_weekdays = True
        in_days = in_days if nearest is None else nearest
        in_weekdays = in_weekdays if nth is None else nth
        if cron.days is None or cron.weekdays is None:
            return in_days and in_weekdays
        return (in_days and nth is not False) or (in_weekdays and nearest is not False)


def days_of(cron: Cron) -> Days:
    """The days of an expression."""
    return EveryDay() if cron.every_day else SomeDays(cron)


def _is_nth(cron: Cron, day: int, weekday: int, length: int) -> bool:
    place = (day - 1) // 7 + 1
    return any(
        weekday == wanted and (place == number or (number == 0 and day + 7 > length)) for wanted, number in cron.nth
    )


def _is_nearest(cron: Cron, day: int, first_weekday: int, length: int) -> bool:
    for given in cron.nearest:
        wanted = min(given, length)
        weekday = (first_weekday + wanted - 1) % 7
        if weekday == 6:
            wanted += -1 if wanted > 1 else 2
        elif weekday == 0:
            wanted += 1 if wanted < length else -2
        if wanted == day:
            return True
    return False
