"""Both example repositories under one scheduler, started as the README says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stack import Stack

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Teams:
    """The running servers and where they serve."""

    stack: Stack
    scheduler: str
    weather: str
    markets: str


@contextmanager
def running(directory: Path) -> Iterator[Teams]:
    """A scheduler, the weather team and the markets team."""
    (directory / "examples").symlink_to(ROOT / "examples")
    with Stack(directory) as stack:
        scheduler = stack.start_scheduler()
        addresses = {}
        for name in ("weather", "markets"):
            program = stack.start_location(f"examples.{name}", options=("--name", name), await_ready=False)
            addresses[name] = program.line_with("serving ").split()[-1]
        for name in addresses:
            stack.await_location(name)
        yield Teams(stack, scheduler, **addresses)
