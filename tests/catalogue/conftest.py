"""What the programs of the catalogue need of their surroundings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue.outcome import SCRATCH


@pytest.fixture(scope="session", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where programs note what happened to them, in every process."""
    directory = tmp_path_factory.mktemp("scratch")
    before, os.environ[SCRATCH] = os.environ.get(SCRATCH), str(directory)
    yield directory
    os.environ.pop(SCRATCH)
    if before is not None:
        os.environ[SCRATCH] = before
