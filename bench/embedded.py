"""Repositories of any size for measurements in this process, and the two storages that they are used with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import rivers as rs
from bench.folder import Folder


def storages() -> Iterator[tuple[str, Callable[[], rs.Storage]]]:
    """By name, how a new one is made."""
    yield "memory", rs.Storage.memory
    yield "SQLite", lambda: rs.Storage.embedded(Folder.get().new())


def independent(count: int, **options: Any) -> list[Any]:
    """Assets that have nothing to do with one another and do nothing."""

    def make(number: int) -> Any:
        def body() -> None:
            pass

        return rs.Asset(name=f"step_{number}", **options)(body)

    return [make(number) for number in range(count)]


def chain(count: int) -> list[Any]:
    """Assets that each take the one before."""
    return linked(count, lambda number: [number - 1] if number else [])


def linked(count: int, upstreams: Callable[[int], list[int]]) -> list[Any]:
    """Assets that take those with these numbers."""
    assets = []
    for number in range(count):
        scope: dict[str, Any] = {}
        parameters = ", ".join(f"link_{upstream}" for upstream in upstreams(number))
        exec(f"def link_{number}({parameters}) -> int: return {number}", scope)
        assets.append(rs.Asset(scope[f"link_{number}"]))
    return assets
