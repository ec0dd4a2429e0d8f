"""Points in time that a cron expression names, in a time zone's wall clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from rivers.definitions.suggestion import nearest

_RANDOM = re.compile(r"(^|[\s,])[rh]([\s,/(]|$)", re.IGNORECASE)
_START = datetime(1970, 1, 1)
_YEARS = 150  # how far apart two dates of one expression may be: its years end in 2099


def check_cron(expression: object) -> None:
    """Raises `ValueError`, saying why, for what is no cron expression.

    Five fields, six with seconds first, or seven with years last; or a nickname such as `@daily`.
    """
    if not isinstance(expression, str):
        raise TypeError(f"a cron expression is a str such as '0 6 * * *', not {type(expression).__name__}")
    fault = _fault(expression)
    if fault:
        raise ValueError(fault)


def check_timezone(name: object) -> None:
    """Raises `ValueError`, saying why, for what is no IANA time zone."""
    if not isinstance(name, str):
        raise TypeError(f"timezone must be a str such as 'Europe/Madrid' or None, not {type(name).__name__}")
    try:
        zone(name)
    except (KeyError, ValueError, OSError):
        meant = nearest(name, available_timezones())
        raise ValueError(f"no such IANA time zone{'; ' + meant if meant else ''}") from None


@lru_cache(maxsize=64)
def zone(name: str | None) -> ZoneInfo:
    """The time zone; `None` is UTC."""
    return ZoneInfo("UTC" if name is None else name)


def next_time(expression: str, timezone: str | None, after: datetime) -> datetime | None:
    """The first point in time after `after`, which is aware; `None` when the expression names no more.

    A wall time that a change of the clock skips counts at the moment of the change. One that comes twice counts once,
    unless the expression names every hour.
    """
    fields = _expanded(expression)
    local = after.astimezone(zone(timezone))
    while True:
        try:
            found: datetime = _iterator(expression, local).get_next()
        except ValueError:
            return None
        if found.timestamp() <= local.timestamp():  # walls of one zone would be compared otherwise
            return None
        local = found
        if not _is_repeated(found) or _is_every_hour(fields):
            return found.astimezone(UTC)


def latest_time(expression: str, timezone: str | None, since: datetime, until: datetime) -> datetime | None:
    """The last point in time after `since` and not after `until`."""
    fields = _expanded(expression)
    local = (until + timedelta(microseconds=1)).astimezone(zone(timezone))
    while True:
        try:
            local = _iterator(expression, local).get_prev()
        except ValueError:
            return None
        found: datetime = local.astimezone(UTC)
        if found <= since:
            return None
        if not _is_repeated(local) or _is_every_hour(fields):
            return found


def passed(expression: str, timezone: str | None, since: datetime, now: datetime) -> bool:
    """Whether a point in time lies after `since` and not after `now`."""
    following = next_time(expression, timezone, since)
    return following is not None and following <= now


@lru_cache(maxsize=1024)
def _fault(expression: str) -> str:
    """What is wrong with an expression; empty when nothing is."""
    if _RANDOM.search(expression):
        return "fields that are drawn at random are not supported"
    try:
        _expanded(expression)
        _iterator(expression, _START).get_next()
    except (ValueError, KeyError, AttributeError, IndexError) as error:  # those of the library are ValueErrors
        return str(error) or type(error).__name__
    return ""


@lru_cache(maxsize=1024)
def _expanded(expression: str) -> Any:
    # here, so that `import rivers` stays light
    from croniter import croniter  # type: ignore[import-untyped]  # it has no types

    return croniter.expand(expression, second_at_beginning=True)[0]


def _iterator(expression: str, start: datetime) -> Any:
    from croniter import croniter

    return croniter(expression, start, second_at_beginning=True, max_years_between_matches=_YEARS, ret_type=datetime)


def _is_repeated(local: datetime) -> bool:
    """Whether a wall time has come a second time."""
    return bool(local.fold) and local.utcoffset() != local.replace(fold=0).utcoffset()


def _is_every_hour(fields: Any) -> bool:
    return bool(fields[1] == ["*"] or len(fields[1]) == 24)
