"""A server cuts a run's connections: the run goes on over new ones."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from rivers.definitions.asset import Asset
from rivers.driver.cancellation import CancellationWatch, request
from rivers.errors import StorageError, StorageUnavailableError
from rivers.storage import cancellation
from rivers.storage.database import Database
from tests.postgresql import Cluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def name(cluster: Cluster) -> str:
    """The URL of a database of its own."""
    return cluster.new_database()


@pytest.fixture
def cut(cluster: Cluster, name):
    """Cuts every connection to the database, and waits until they are."""
    of_it = f"datname = '{make_url(name).database}'"
    statement = f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE {of_it}"
    return lambda: cluster.run(statement)


@pytest.fixture
def database(name):
    database = Database.connect(name)
    yield database
    database.close()


def test_a_run_whose_connections_are_cut_goes_on(here, database, cut):
    here.database = database
    first = Asset(name="first")(cut)
    second = Asset(name="second")(lambda first: cut())
    assert here.run(first, second).success
    assert here.story()[-1] == "STEP_SUCCEEDED second"


def test_a_connection_that_is_cut_in_mid_read_is_an_unavailable_storage(database, cut):
    def look(meanwhile):
        with database.read() as connection:
            assert cancellation.is_requested(connection, "r")
            meanwhile()
            return cancellation.is_requested(connection, "r")

    request(database, "r", now=1)
    with pytest.raises(StorageUnavailableError):
        look(meanwhile=cut)
    assert look(meanwhile=dict)


def test_a_watch_looks_again_when_the_database_is_back(database, cluster):
    request(database, "r", now=1)
    watch = CancellationWatch(database, "r")
    cluster.stop()
    try:
        assert not watch.is_requested()
    finally:
        cluster.start()
    assert watch.is_requested()


def test_what_the_driver_refuses_is_a_storage_error(database):
    with pytest.raises(StorageError, match="0x00"), database.read() as connection:
        cancellation.is_requested(connection, "\0")
