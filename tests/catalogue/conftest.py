"""One scheduler and one location for all programs of the catalogue."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue.outcome import SCRATCH
from tests.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where programs note what happened to them, in every process."""
    directory = tmp_path_factory.mktemp("scratch")
    before, os.environ[SCRATCH] = os.environ.get(SCRATCH), str(directory)
    yield directory
    os.environ.pop(SCRATCH)
    if before is not None:
        os.environ[SCRATCH] = before


@pytest.fixture(scope="session")
def stack(scratch: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A scheduler, and a location that serves all programs as one repository."""
    with Stack(tmp_path_factory.mktemp("catalogue")) as running:
        running.start_scheduler("--beat-interval", "0.5", "--max-concurrent-runs", "1000")
        running.start_location(
            "tests.catalogue.everything", libraries=(ROOT,), options=("--name", "catalogue"), await_ready=False
        )
        running.await_location("catalogue")
        yield running
