"""Durations as people write them: `250ms`, `30s`, `5m`, `1h30m`."""

from __future__ import annotations

import re

_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
    "nsec": 1e-9, "usec": 1e-6, "msec": 1e-3, "sec": 1.0, "min": 60.0, "hr": 3600.0, "day": 86400.0, "week": 604800.0,
    "secs": 1.0, "mins": 60.0, "hrs": 3600.0, "days": 86400.0, "weeks": 604800.0, "second": 1.0, "seconds": 1.0,
    "minute": 60.0, "minutes": 60.0, "hour": 3600.0, "hours": 3600.0, "millis": 1e-3,
}  # fmt: skip
_PART = re.compile(r"(\d+)([a-z]+)\s*")


def seconds(text: str, field: str) -> float:
    """The seconds of a duration; `field` names what it is of, for the message about one that is none."""
    if not isinstance(text, str):
        raise TypeError(f"{field} must be a str such as '5m', not {type(text).__name__}")
    total, place, stripped = 0.0, 0, text.strip()
    while place < len(stripped):
        part = _PART.match(stripped, place)
        if part is None or part[2] not in _SECONDS:
            break
        total += int(part[1]) * _SECONDS[part[2]]
        place = part.end()
    if not stripped or place < len(stripped):
        raise ValueError(
            f"invalid duration for '{field}': \"{text}\" — write a number with its unit, such as 250ms, 30s or 1h30m"
        )
    return total
