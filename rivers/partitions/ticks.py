"""Ticks of a grid: instants in order, numbered by arithmetic."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from rivers.partitions.calendar_days import days_of
from rivers.partitions.cron import parse

_LAST = datetime.max.toordinal()


class Ticks(Protocol):
    """Instants in order. Numbers mean nothing but order: the difference of two is the number of ticks between."""

    def before(self, moment: datetime) -> int:
        """The number of the first tick at or after the moment."""

    def at(self, number: int) -> datetime:
        """The tick of a number; `OverflowError` when the calendar ends before."""


class CronTicks:
    """Ticks of a cron expression on the wall clock: the days on which it ticks, times the ticks of a day."""

    __slots__ = ("_days", "_hours", "_minutes", "_per_day", "_per_hour", "_seconds")

    def __init__(self, expression: str) -> None:
        cron = parse(expression)
        self._days = days_of(cron)
        self._hours = cron.hours
        self._minutes = cron.minutes
        self._seconds = cron.seconds
        self._per_hour = len(cron.minutes) * len(cron.seconds)
        self._per_day = len(cron.hours) * self._per_hour

    def before(self, moment: datetime) -> int:
        ordinal = moment.toordinal()
        number = self._days.before(ordinal) * self._per_day
        return number + self._within(moment) if self._days.has(ordinal) else number

    def at(self, number: int) -> datetime:
        place, rest = divmod(number, self._per_day)
        ordinal = self._days.at(place)
        if ordinal > _LAST:
            raise OverflowError("the calendar ends with year 9999")
        hour, rest = divmod(rest, self._per_hour)
        minute, second = divmod(rest, len(self._seconds))
        return datetime.fromordinal(ordinal).replace(
            hour=self._hours[hour], minute=self._minutes[minute], second=self._seconds[second]
        )

    def _within(self, moment: datetime) -> int:
        """How many ticks of the moment's day are before it."""
        hour = bisect_left(self._hours, moment.hour)
        number = hour * self._per_hour
        if hour == len(self._hours) or self._hours[hour] != moment.hour:
            return number
        minute = bisect_left(self._minutes, moment.minute)
        number += minute * len(self._seconds)
        if minute == len(self._minutes) or self._minutes[minute] != moment.minute:
            return number
        return number + bisect_left(self._seconds, moment.second + (1 if moment.microsecond else 0))


class IntervalTicks:
    """Ticks at a fixed distance, from 0 at the start. Distances are kept in nanoseconds, ticks in microseconds."""

    __slots__ = ("_nanoseconds", "_start")

    def __init__(self, start: datetime, nanoseconds: int) -> None:
        self._start = start
        self._nanoseconds = nanoseconds

    def before(self, moment: datetime) -> int:
        passed = (moment - self._start) // timedelta(microseconds=1) * 1000
        return -(-passed // self._nanoseconds)

    def at(self, number: int) -> datetime:
        return self._start + timedelta(microseconds=number * self._nanoseconds // 1000)


@lru_cache(maxsize=4096)
def cron_ticks(expression: str) -> CronTicks:
    """The ticks of an expression, which keep what they have worked out."""
    return CronTicks(expression)
