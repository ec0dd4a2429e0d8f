"""Functions that a worker imports by name, as those of a module of assets are."""

from __future__ import annotations

from typing import Any

import rivers as rs

COUNT = 200


def _declare(number: int) -> None:
    def step() -> None:
        pass

    step.__name__ = step.__qualname__ = f"step_{number}"
    globals()[step.__name__] = step


for _number in range(COUNT):
    _declare(_number)


def assets(**options: Any) -> list[Any]:
    """One asset for each, which have nothing to do with one another."""
    return [rs.Asset(name=f"step_{number}", **options)(globals()[f"step_{number}"]) for number in range(COUNT)]
