"""What tests of several folders share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.postgresql import Cluster, binaries

# A suite that was started in the background inherits that Ctrl-C is ignored, and so would every program that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server, started for the first test that needs it. A test that stops it starts it again."""
    found = binaries()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql-15")
        pytest.skip("PostgreSQL is not installed")
    cluster = Cluster(found)
    yield cluster
    cluster.remove()
