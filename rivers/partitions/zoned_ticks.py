"""Ticks on the wall clock of a time zone.

Between two changes of its offset a zone's wall clock runs evenly, so a stretch between them is a range of ticks of the
plain wall clock. A skipped hour belongs to no stretch. An hour that comes twice belongs to two, and ticks twice if the
expression names every hour; a time of day that it names itself comes once, the first time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rivers.partitions.ticks import CronTicks, IntervalTicks

_LAST_YEAR = 9998
_END = datetime(_LAST_YEAR, 12, 31)
#: Later on, changes are those of a rule: some months apart.
_EVERY_DAY_UNTIL = 2100


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From `start` on (UTC, without tzinfo) the offset stays the same. The wall clock that counts goes from `opens` to
    `closes`; its first tick has the number `low` on the plain wall clock and `first` here."""

    start: datetime
    offset: timedelta
    opens: datetime
    closes: datetime
    low: int
    first: int
    count: int


class ZonedCronTicks:
    """Ticks of a cron expression on a zone's wall clock, from 0 at the first one at or after `start` (aware)."""

    def __init__(self, cron: CronTicks, zone: ZoneInfo, start: datetime, *, repeats: bool) -> None:
        self._cron = cron
        self._zone = zone
        self._repeats = repeats
        self._start = _utc(start)
        self._stretches: list[_Stretch] = []
        self._year = self._start.year

    def before(self, moment: datetime) -> int:
        at = _utc(moment)
        if at <= self._start:
            return 0
        at = min(at, _END)
        self._reach(at)
        stretch = self._stretches[bisect_right(self._stretches, at, key=lambda one: one.start) - 1]
        wall = min(max(at + stretch.offset, stretch.opens), stretch.closes)
        return stretch.first + self._cron.before(wall) - stretch.low

    def at(self, number: int) -> datetime:
        if number < 0:
            raise OverflowError("there are no ticks before the start")
        while not self._stretches or number >= self._stretches[-1].first + self._stretches[-1].count:
            self._extend()
        stretch = self._stretches[bisect_right(self._stretches, number, key=lambda one: one.first) - 1]
        wall = self._cron.at(stretch.low + number - stretch.first)
        return (wall - stretch.offset).replace(tzinfo=UTC).astimezone(self._zone)

    def _reach(self, at: datetime) -> None:
        while not self._stretches or at.year >= self._year:
            self._extend()

    def _extend(self) -> None:
        """Another year. What comes before the first change of a year belongs to the stretch of the year before."""
        if self._year > _LAST_YEAR:
            raise OverflowError("the calendar ends with year 9999")
        changes = [change for change in changes_of(self._zone, self._year) if change[0] > self._start]
        if not self._stretches:
            begin, offset = self._start, _offset(self._zone, self._start)
            opens = begin + offset
        else:
            last = self._stretches.pop()
            begin, offset, opens = last.start, last.offset, last.opens
        for moment, changed in changes:
            self._close(begin, offset, opens, moment + offset)
            begin, opens = moment, moment + changed
            if not self._repeats:
                opens = max(opens, moment + offset)
            offset = changed
        self._year += 1
        self._close(begin, offset, opens, datetime(self._year, 1, 1) + offset)

    def _close(self, begin: datetime, offset: timedelta, opens: datetime, closes: datetime) -> None:
        first = self._stretches[-1].first + self._stretches[-1].count if self._stretches else 0
        closes = max(closes, opens)
        low = self._cron.before(opens)
        self._stretches.append(_Stretch(begin, offset, opens, closes, low, first, self._cron.before(closes) - low))


class ZonedIntervalTicks:
    """Ticks at a fixed distance of elapsed time, shown on a zone's wall clock."""

    def __init__(self, zone: ZoneInfo, start: datetime, nanoseconds: int) -> None:
        self._zone = zone
        self._ticks = IntervalTicks(_utc(start), nanoseconds)

    def before(self, moment: datetime) -> int:
        return self._ticks.before(_utc(moment))

    def at(self, number: int) -> datetime:
        return self._ticks.at(number).replace(tzinfo=UTC).astimezone(self._zone)


@lru_cache(maxsize=8192)
def changes_of(zone: ZoneInfo, year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """The moments of a year (UTC, without tzinfo) from which the zone's offset is another one, and that offset."""
    found: list[tuple[datetime, timedelta]] = []
    if year < 2:
        return ()
    day, last = datetime(year, 1, 1) - timedelta(days=1), datetime(year + 1, 1, 1)
    offset = _offset(zone, day)
    step = timedelta(days=1 if year <= _EVERY_DAY_UNTIL else 7)
    while day < last:
        following = min(day + step, last)
        changed = _offset(zone, following)
        if changed != offset:
            low, high = day, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (low, middle) if _offset(zone, middle) == changed else (middle, high)
            if high.year == year:
                found.append((high, changed))
            offset = changed
        day = following
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
