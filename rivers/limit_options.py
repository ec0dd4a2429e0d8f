"""Limits of a server, as both servers take them: `--limit NAME=NUMBER`, any number of times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from rivers.definitions.suggestion import nearest
from rivers.errors import ConfigurationError

T = TypeVar("T")


def parse(kind: type[T], given: Iterable[str]) -> T:
    """Limits of this dataclass with those changed that are given; `ConfigurationError` for what is none."""
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    changed = {}
    for text in given:
        name, _, number = text.partition("=")
        if name not in known:
            raise ConfigurationError(
                f"--limit {text!r}: there is no limit '{name}'; limits are {', '.join(known)}",
                field="limit",
                remedy=nearest(name, known),
            )
        if not number.isascii() or not number.isdecimal():
            raise ConfigurationError(f"--limit {text!r}: give a whole number, as in {name}=100", field="limit")
        changed[name] = int(number)
    return kind(**changed)


def check_positive(limits: Any) -> None:
    """Raises `ConfigurationError` for a limit that would let nothing through."""
    for field in fields(limits):
        value = getattr(limits, field.name)
        if value < 1:
            raise ConfigurationError(f"limit {field.name} must be at least 1, got {value}", field=field.name)
