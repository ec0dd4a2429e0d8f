"""A stack of real processes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A running scheduler without locations."""
    with Stack(tmp_path) as running:
        running.start_scheduler("--beat-interval", "0.2")
        yield running
