"""A measured figure beside its target, as one JSON line."""

from __future__ import annotations

import json
import math
import os
import platform
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version


@dataclass(frozen=True)
class Figure:
    """`value` is what is held against `target`; `detail` holds spreads and where the time went."""

    name: str
    value: float
    unit: str
    target: float
    better: str = "lower"
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether the value is at least as good as the target."""
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


def report(name: str, *figures: Figure) -> None:
    """Prints the figures of one program as one JSON line."""
    line = {
        "name": name,
        "figures": [{**asdict(figure), "met": figure.is_met} for figure in figures],
        "machine": machine(),
    }
    print(json.dumps(line), flush=True)


def spread(samples: Sequence[float], digits: int = 2) -> dict[str, float]:
    """Least, median and greatest."""
    return {
        "min": round(min(samples), digits),
        "median": round(statistics.median(samples), digits),
        "max": round(max(samples), digits),
        "samples": len(samples),
    }


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that so many percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def machine() -> dict[str, object]:
    """What the figures depend on, and nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "sqlalchemy": version("sqlalchemy"),
        "sqlite": sqlite3.sqlite_version,
    }
