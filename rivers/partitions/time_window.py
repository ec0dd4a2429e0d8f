"""Time window partitions: windows between the ticks of a grid."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rivers.errors import PartitionDefinitionError
from rivers.partitions.cron import parse
from rivers.partitions.definition import PartitionsDefinition, Registered, variant
from rivers.partitions.grid import Grid
from rivers.partitions.key_format import KeyFormat
from rivers.partitions.ticks import IntervalTicks, Ticks, cron_ticks
from rivers.partitions.time_axis import TimeAxis
from rivers.partitions.zoned_ticks import ZonedCronTicks, ZonedIntervalTicks

_FMT = "%Y-%m-%dT%H:%M:%S"
_MICROSECOND = timedelta(microseconds=1)
#: How much of a grid is looked at to find out whether a format can tell its windows apart.
_LOOKED_AT = 1024
_YEARS_LOOKED_AT = 4


class TimeWindowPartitions(PartitionsDefinition):
    """Windows from tick to tick, end exclusive."""

    __slots__ = ("cron_schedule", "end", "end_offset", "fmt", "interval_seconds", "start", "timezone")
    __match_args__ = ("cron_schedule", "interval_seconds", "start", "end", "fmt", "timezone", "end_offset")
    cron_schedule: str | None
    interval_seconds: float | None
    start: datetime
    end: datetime | None
    fmt: str
    timezone: str | None
    end_offset: int

    def __init__(
        self,
        cron_schedule: str | None,
        interval_seconds: float | None,
        start: datetime,
        end: datetime | None = None,
        fmt: str | None = None,
        timezone: str | ZoneInfo | None = None,
        end_offset: int = 0,
    ) -> None:
        if cron_schedule is not None and not isinstance(cron_schedule, str):
            raise TypeError(f"cron_schedule must be a str or None, not {type(cron_schedule).__name__}")
        if interval_seconds is not None and (
            isinstance(interval_seconds, bool) or not isinstance(interval_seconds, (int, float))
        ):
            raise TypeError(f"interval_seconds must be a number or None, not {type(interval_seconds).__name__}")
        if fmt is not None and not isinstance(fmt, str):
            raise TypeError(f"fmt must be a str or None, not {type(fmt).__name__}")
        if isinstance(end_offset, bool) or not isinstance(end_offset, int):
            raise TypeError(f"end_offset must be an int, not {type(end_offset).__name__}")
        for name, value in (
            ("cron_schedule", cron_schedule),
            ("interval_seconds", interval_seconds),
            ("start", _wall_clock(start)),
            ("end", None if end is None else _wall_clock(end)),
            ("fmt", _FMT if fmt is None else fmt),
            ("timezone", _zone_name(timezone)),
            ("end_offset", end_offset),
        ):
            object.__setattr__(self, name, value)

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone; `None` for keys of no zone in particular."""
        return None if self.timezone is None else _zone(self.timezone)

    def grid(self, now: datetime, registered: Registered | None = None) -> Grid:
        return Grid((self.axis(now),))

    def axis(self, now: datetime) -> TimeAxis:
        """The windows at this moment."""
        ticks, first, label = self._fixed()
        if self.end is not None:
            last = ticks.before(self._aware(self.end))
        elif self.timezone is None:
            last = ticks.before(now.replace(tzinfo=None) + _MICROSECOND) + self.end_offset
        else:
            last = ticks.before(now + _MICROSECOND) + self.end_offset
        return TimeAxis(ticks, first, max(last - first, 0), label)

    def window_of(self, value: str) -> tuple[datetime, datetime] | None:
        ticks, first, label = self._fixed()
        return TimeAxis(ticks, first, 0, label).window(value)

    def check(self) -> None:
        if self.cron_schedule is None and self.interval_seconds is None:
            raise PartitionDefinitionError("time_window requires either cron_schedule or interval_seconds")
        if self.cron_schedule is not None and self.interval_seconds is not None:
            raise PartitionDefinitionError("time_window accepts cron_schedule or interval_seconds, not both")
        if self.interval_seconds is not None and not _nanoseconds(self.interval_seconds):
            raise PartitionDefinitionError(
                f"interval_seconds must be positive and at least 1 nanosecond, got {self.interval_seconds}"
            )
        if self.cron_schedule is not None:
            parse(self.cron_schedule)
            if self.start.microsecond:
                raise PartitionDefinitionError(
                    f"cron-gridded time windows require a start on a whole second, got {self.start.isoformat()}"
                )
        if self.timezone is not None and _zone(self.timezone) is None:
            raise PartitionDefinitionError(
                f"unknown timezone '{self.timezone}'; names are those of the IANA database, such as 'Europe/Madrid'"
            )
        if self.end is not None and self.end_offset:
            raise PartitionDefinitionError("end_offset counts from now, so it goes with no end")
        _check_format(self.cron_schedule, self.interval_seconds, self.start, self.end, self.fmt, self.timezone)

    def _fixed(self) -> tuple[Ticks, int, KeyFormat]:
        return _fixed(self.cron_schedule, self.interval_seconds, self.start, self.fmt, self.timezone)

    def _aware(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=self.zone)

    def _content(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __reduce__(self) -> tuple[object, ...]:
        return TimeWindowPartitions, self._content()

    def __repr__(self) -> str:
        given = [f"start={self.start!r}"]
        given += [
            f"{name}={value!r}"
            for name in ("cron_schedule", "interval_seconds", "end", "fmt", "timezone")
            if (value := getattr(self, name)) is not None
        ]
        if self.end_offset:
            given.append(f"end_offset={self.end_offset}")
        return f"PartitionsDefinition.time_window({', '.join(given)})"


variant("TimeWindow")(TimeWindowPartitions)


@lru_cache(maxsize=1024)
def _fixed(
    cron: str | None, interval: float | None, start: datetime, fmt: str, timezone: str | None
) -> tuple[Ticks, int, KeyFormat]:
    """What does not depend on the end: ticks, the number of the first one, and the format of keys."""
    ticks: Ticks
    zone = None if timezone is None else _zone(timezone)
    if zone is None:
        if cron is not None:
            ticks = cron_ticks(cron)
            return ticks, ticks.before(start), KeyFormat(fmt)
        return IntervalTicks(start, _nanoseconds(interval or 0)), 0, KeyFormat(fmt)
    begin = start.replace(tzinfo=zone)
    if cron is not None:
        ticks = ZonedCronTicks(cron_ticks(cron), zone, begin, repeats=parse(cron).every_hour)
    else:
        ticks = ZonedIntervalTicks(zone, begin, _nanoseconds(interval or 0))
    return ticks, 0, KeyFormat(fmt, zone)


@lru_cache(maxsize=1024)
def _check_format(
    cron: str | None,
    interval: float | None,
    start: datetime,
    end: datetime | None,
    fmt: str,
    timezone: str | None,
) -> None:
    """Raises for a format that cannot be read back to the windows it was written for."""
    ticks, first, label = _fixed(cron, interval, start, fmt, timezone)
    if (
        start.year >= 1000
        and not (interval and _nanoseconds(interval) < 1000)
        and label.tells_apart(_precision(cron, interval, start))
    ):
        label.check(fmt)
        return
    zone = None if timezone is None else _zone(timezone)
    until = datetime.max if start.year + _YEARS_LOOKED_AT > 9999 else _years_later(start)
    until = min(until, until if end is None else end).replace(tzinfo=zone)
    for number in range(first, min(first + _LOOKED_AT, ticks.before(until))):
        window = ticks.at(number)
        try:
            key = label.key(window)
        except ValueError as error:
            raise PartitionDefinitionError(f"fmt {fmt!r} cannot be used: {error}") from None
        label.check(key)
        read = label.start(key)
        if read is None or read != window or ticks.before(read) != number:
            story = "which cannot be read back" if read is None else f"which parses back to {_iso(read)}"
            raise PartitionDefinitionError(
                f"fmt '{fmt}' cannot represent the partition grid: window start {_iso(window)} formats to '{key}', "
                f"{story}; use a format at least as fine as the grid"
            )


def _precision(cron: str | None, interval: float | None, start: datetime) -> set[str]:
    """What of a time of day the ticks of a grid differ in, as directives of a format."""
    if cron is not None:
        fields = parse(cron)
        parts = (("H", fields.hours), ("M", fields.minutes), ("S", fields.seconds))
        return {directive for directive, values in parts if values != (0,)}
    if start.microsecond or _nanoseconds(interval or 0) % 1_000_000_000:
        return set("HMSf")
    return set("HMS")


def _years_later(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + _YEARS_LOOKED_AT)
    except ValueError:  # the 29th of February
        return moment.replace(year=moment.year + _YEARS_LOOKED_AT, day=28)


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _wall_clock(moment: object) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        raise TypeError("expected a datetime without tzinfo")
    return moment.replace(fold=0)


def _nanoseconds(seconds: float) -> int:
    """An interval, 0 for one that is none."""
    if not math.isfinite(seconds):
        return 0
    return max(round(seconds * 1_000_000_000), 0)


def _zone_name(timezone: object) -> str | None:
    if timezone is None or isinstance(timezone, str):
        return timezone
    if isinstance(timezone, ZoneInfo) and timezone.key:
        return timezone.key
    raise TypeError(f"timezone must be the name of a time zone, a ZoneInfo or None, not {type(timezone).__name__}")


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name may also be a path that is none
        return None
