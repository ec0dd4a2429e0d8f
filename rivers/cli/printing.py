"""How listings are printed: aligned columns for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

import typer

from rivers.partitions.key import PartitionKey


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, has_rule: bool = False) -> None:
    """Prints columns under upper-case headers, with a rule below these; numbers to the right.

    `empty` is printed when there are no rows.
    """
    values = list(rows)
    cells = [[_text(value) for value in row] for row in values]
    if not cells:
        typer.echo(empty)
        return
    right = [all(type(row[n]) in (int, float) for row in values) for n in range(len(headers))]
    widths = [max(len(line[n]) for line in [list(headers), *cells]) for n in range(len(headers))]
    rule = [["-" * width for width in widths]] if has_rule else []
    for line in [list(headers), *rule, *cells]:
        aligned = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ]
        typer.echo("  ".join(aligned).rstrip())


def print_json(obj: object) -> None:
    """Prints an object as JSON."""
    typer.echo(json.dumps(plain(obj), indent=2, ensure_ascii=False))


def print_json_line(obj: object) -> None:
    """Prints an object as one line of JSON."""
    typer.echo(json.dumps(plain(obj), ensure_ascii=False))


def plain(obj: object) -> Any:
    """What JSON can hold: enumerations by their lower-case names, times in ISO 8601, durations in seconds."""
    if isinstance(obj, IntEnum):
        return obj.name.lower()
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, datetime):
        return obj.isoformat()
    if isinstance(obj, timedelta):
        return obj.total_seconds()
    if isinstance(obj, PartitionKey):
        return json.loads(obj.to_json())
    if isinstance(obj, bytes):
        return obj.decode("utf-8", "backslashreplace")
    if isinstance(obj, Mapping):
        return {str(key): plain(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [plain(one) for one in obj]
    if dataclasses.is_dataclass(obj):
        return {field.name: plain(getattr(obj, field.name)) for field in dataclasses.fields(obj)}
    return str(obj)


def moment(time: datetime | None) -> str:
    """A point in time, UTC, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S") if time is not None else "-"


def span(seconds: float) -> str:
    """A duration: 0.12 s, 3.4 s, 2 m 05 s, 3 h 20 m."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} m"


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, IntEnum):
        return value.name.lower()
    return " ".join(str(value).split())
