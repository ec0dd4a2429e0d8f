"""The example teams, once for all acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.teams import Teams, running


@pytest.fixture(scope="session")
def teams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    """A scheduler, the weather team and the markets team."""
    with running(tmp_path_factory.mktemp("teams")) as started:
        yield started
