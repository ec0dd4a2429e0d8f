"""Cron expressions: five fields, or six with leading seconds, as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rivers.errors import PartitionDefinitionError

_RANDOM = re.compile(r"(?<![a-z])r(?![a-z])")


@dataclass(frozen=True, slots=True)
class Cron:
    """What an expression stands for. A field that restricts nothing is `None`; weekdays count from Sunday, 0 to 6.

    `last_day` is the last day of the month; `nth` holds (weekday, n), with 0 for the last one of the month; `nearest`
    holds the days of month whose nearest working day is meant.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    last_day: bool
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    nth: tuple[tuple[int, int], ...]
    nearest: tuple[int, ...]

    @property
    def every_day(self) -> bool:
        """Whether no day is left out."""
        return (
            self.days is None
            and self.months is None
            and self.weekdays is None
            and not self.last_day
            and not self.nth
            and not self.nearest
        )

    @property
    def every_hour(self) -> bool:
        """Whether no hour is left out."""
        return len(self.hours) == 24


@lru_cache(maxsize=4096)
def parse(expression: str) -> Cron:
    """The expression as numbers; `PartitionDefinitionError` for one that is none."""
    from croniter import croniter  # type: ignore[import-untyped]  # the day arithmetic is ours, the dialect is the library's

    try:
        fields = expression.split()
        if len(fields) > 6:
            raise ValueError(f"it has 5 fields, or 6 with leading seconds, got {len(fields)}")
        if _RANDOM.search(expression.lower()):
            raise ValueError("random fields would differ between processes")
        found: Any = croniter(expression, second_at_beginning=True)
    except (ValueError, KeyError, AttributeError) as error:  # the library's errors are ValueErrors
        raise PartitionDefinitionError(f"Invalid cron expression '{expression}': {error}") from None
    minutes, hours, days, months, weekdays, *rest = found.expanded
    nth = found.nth_weekday_of_month
    return Cron(
        seconds=_numbers(rest[0], range(60)) if rest else (0,),
        minutes=_numbers(minutes, range(60)),
        hours=_numbers(hours, range(24)),
        days=None if days == ["*"] else frozenset(day for day in days if day != "l"),
        last_day="l" in days,
        months=None if months == ["*"] else frozenset(months),
        weekdays=None if weekdays == ["*"] else frozenset(weekdays),
        nth=tuple(sorted(_nth(nth))),
        nearest=tuple(sorted(found.nearest_weekday)),
    )


def _numbers(field: list[Any], all_of_them: Iterable[int]) -> tuple[int, ...]:
    return tuple(all_of_them) if field == ["*"] else tuple(sorted(field))


def _nth(found: dict[Any, set[Any]]) -> Iterable[tuple[int, int]]:
    for weekday, places in found.items():
        for place in places:
            for one in range(7) if weekday == "*" else (weekday,):
                yield one, 0 if place == "l" else place
