"""Key-values, limits of pools, requests to cancel, reported outcomes."""

from __future__ import annotations

import pytest

from rivers.errors import StorageError
from rivers.storage import cancellation, kv, outcomes, pools
from rivers.storage.database import Database
from rivers.storage.outcomes import OutcomeRow
from rivers.storage.pools import PoolRow


def test_key_values(database: Database) -> None:
    with database.transaction() as connection:
        kv.set(connection, "rivers/topology", b"\x00\xff")
        kv.set(connection, "empty", b"")
        kv.set(connection, "rivers/topology", b"again")
    with database.read() as connection:
        assert kv.get(connection, "rivers/topology") == b"again"
        assert kv.get(connection, "empty") == b""
        assert kv.get(connection, "none") is None


def test_values_are_bytes(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(TypeError, match="expected bytes"):
        kv.set(connection, "key", "text")  # type: ignore[arg-type]


def test_limits_of_pools(database: Database) -> None:
    with database.transaction() as connection:
        pools.set_limit(connection, PoolRow("db", 4, 60))
        pools.register(connection, ["db", "api", "api"])
        pools.register(connection, [])
        pools.set_limit(connection, PoolRow("none_at_all", 0))
    with database.read() as connection:
        assert pools.limits(connection) == [PoolRow("api", -1, 300), PoolRow("db", 4, 60), PoolRow("none_at_all", 0)]
        assert pools.limit(connection, "db") == PoolRow("db", 4, 60)
        with pytest.raises(StorageError, match="pool 'other' not configured"):
            pools.limit(connection, "other")


def test_requests_to_cancel(database: Database) -> None:
    with database.transaction() as connection:
        cancellation.request(connection, "zz", now=1)
        cancellation.request(connection, "zz", now=2)
    with database.read() as connection:
        assert cancellation.is_requested(connection, "zz")
        assert not cancellation.is_requested(connection, "none")


def test_outcomes(database: Database) -> None:
    first, second = OutcomeRow("zz", "Failure", 1, 3, "lost", 5), OutcomeRow("zz", "Cancelled", 2, 3, None, 6)
    with database.transaction() as connection:
        outcomes.report(connection, first)
        outcomes.report(connection, second)
        with pytest.raises(ValueError, match=r"Invalid outcome status: 'Canceled'\. Expected 'Success', 'Failure', or"):
            outcomes.report(connection, OutcomeRow("zz", "Canceled", 1, 1, None, 7))
    with database.read() as connection:
        assert outcomes.get(connection, "zz") == second
        assert outcomes.get(connection, "none") is None


def test_tokens_of_programs_that_run_in_process(database: Database) -> None:
    assert [database.take_tokens(count) for count in (2, 3, 1)] == [1, 3, 6]
