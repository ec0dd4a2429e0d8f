"""Locations that end with their test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.location.served import Served


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serves a module given as text."""
    started: list[Served] = []

    def start(source: str, *options: str) -> Served:
        served = Served(tmp_path, source, *options)
        started.append(served)
        return served

    yield start
    for served in started:
        served.close()
        sys.stderr.write(served.program.stderr()[-2000:])
