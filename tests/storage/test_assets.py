"""Assets and their partitions: what was declared, and what the last materialization left, in one transaction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rivers.errors import StorageError
from rivers.lifecycle.states import EventType
from rivers.partitions.key import PartitionKey
from rivers.storage import assets, events, partitions
from rivers.storage.assets import AssetRow
from rivers.storage.database import Database
from rivers.storage.rows import WriteSet
from tests.storage import samples

A = AssetRow("a", "weather", ("daily", "ü", "100%"), ("csv",), "raw", code_version="1", pools=(("db", 2), ("api", 1)))
B = AssetRow("b", group="raw", tags=("daily_",))


def define(database: Database, *rows: AssetRow) -> None:
    with database.transaction() as connection:
        assets.define(connection, rows)


def materialize(database: Database, run_id: str, seq: int = 1, **fields: object) -> None:
    """Stores an asset: its event and its record."""
    row = samples.materialization(run_id, seq, **fields)
    event = samples.event(
        run_id,
        seq,
        EventType.MATERIALIZED,
        row.asset_key,
        data_version=row.data_version,
        partition_key=row.partition_key,
    )
    database.write(samples.writes(event, row))


def test_definitions(database: Database) -> None:
    define(database, B, A)
    with database.read() as connection:
        assert assets.get(connection, "a") == A
        assert assets.all(connection) == [A, B]
        assert assets.some(connection, ["b", "none"]) == {"b": B}
        assert assets.some(connection, []) == {}
        assert assets.by_tag(connection, "daily") == assets.by_tag(connection, "ü") == [A]
        assert assets.by_tag(connection, "daily_") == [B]
        assert assets.by_tag(connection, "dail") == []
        assert assets.by_kind(connection, "csv") == [A]
        assert assets.by_group(connection, "raw") == [A, B]
        assert assets.by_group(connection, "none") == []
        assert assets.get(connection, "none") is None


def test_a_new_definition_leaves_the_materialization_and_other_assets_alone(database: Database) -> None:
    define(database, A, B)
    inputs = (("u", "v1"), ("w", "v2"))
    materialize(database, "run-1", 5, token=7, input_data_versions=inputs)
    stored = replace(
        A,
        last_run_id="run-1",
        last_seq=5,
        last_at=1_005,
        last_data_version="v5",
        last_token=7,
        last_input_data_versions=inputs,
        last_code_version="1",
    )
    with database.read() as connection:
        assert assets.all(connection) == [stored, B]
    newer = replace(A, code_version="2", tags=(), pools=())
    define(database, newer)
    with database.read() as connection:
        assert assets.all(connection) == [replace(stored, code_version="2", tags=(), pools=()), B]


def test_a_definition_that_is_the_same_writes_nothing(database: Database) -> None:
    define(database, A, B)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE assets SET last_seq = 9")
        assets.define(connection, [A, B])
        assert {row.last_seq for row in assets.all(connection)} == {9}


def test_an_asset_that_was_never_defined(database: Database) -> None:
    materialize(database, "run-1")
    with database.read() as connection:
        found = assets.get(connection, "a")
    assert found is not None
    assert (found.tags, found.last_data_version, found.last_code_version) == ((), "v1", None)


def test_of_several_materializations_the_last_one_counts(database: Database) -> None:
    database.write(WriteSet(materializations=[samples.materialization("run-1", seq) for seq in (1, 2, 3)]))
    materialize(database, "run-2", 2)
    with database.read() as connection:
        found = assets.get(connection, "a")
        event = events.latest_materialization(connection, "a")
        assert events.latest_materialization(connection, "none") is None
    assert found is not None
    assert event is not None
    assert (found.last_run_id, found.last_seq) == (event.run_id, event.seq) == ("run-2", 2)


def test_partitions(database: Database) -> None:
    monday, tuesday = PartitionKey.single("mon"), PartitionKey.single("tue")
    materialize(database, "run-1", 1, partition_key=tuesday)
    materialize(database, "run-1", 2, partition_key=monday)
    materialize(database, "run-2", 1, partition_key=monday)
    with database.read() as connection:
        assert partitions.materialized(connection, "a") == [monday, tuesday]
        assert partitions.count_materialized(connection, "a") == 2
        latest = [events.latest_materialization(connection, "a", text) for text in ("mon", "tue", "wed")]
        assert [(event.run_id, event.seq) if event else None for event in latest] == [
            ("run-2", 1),
            ("run-1", 1),
            None,
        ]
        assert partitions.materialized(connection, "none") == []
        assert partitions.count_materialized(connection, "none") == 0


@pytest.mark.parametrize(
    ("key", "concrete"),
    [
        (PartitionKey.single(["x", "y"]), [PartitionKey.single("x"), PartitionKey.single("y")]),
        (
            PartitionKey.multi({"date": "d", "region": ["eu", "us"]}),
            [PartitionKey.multi({"date": "d", "region": region}) for region in ("eu", "us")],
        ),
    ],
)
def test_a_key_of_several_partitions_materializes_each(
    database: Database, key: PartitionKey, concrete: list[PartitionKey]
) -> None:
    materialize(database, "run-1", 1, partition_key=key)
    with database.read() as connection:
        assert partitions.materialized(connection, "a") == concrete
        assert events.latest_materialization(connection, "a", str(concrete[1])) is not None


def test_dynamic_keys(database: Database) -> None:
    with database.transaction() as connection:
        partitions.add(connection, "tenants", ["b", "acme", "b"])
        partitions.add(connection, "tenants", ["acme", "c"])
        partitions.add(connection, "other", [])
        partitions.delete_key(connection, "tenants", "c")
        partitions.delete_key(connection, "tenants", "none")
    with database.read() as connection:
        assert partitions.keys(connection, "tenants") == ["acme", "b"]
        assert partitions.keys(connection, "other") == []
        assert partitions.has(connection, "tenants", "acme")
        assert not partitions.has(connection, "tenants", "c")
        assert not partitions.has(connection, "none", "acme")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "dynamic partition keys must not be empty"),
        ("a|b", r"partition key 'a\|b' contains reserved character '\|' \(used by the canonical display form\)"),
        ("a,b", "partition key 'a,b' contains reserved character ','"),
    ],
)
def test_dynamic_keys_that_are_refused(database: Database, key: str, message: str) -> None:
    def add() -> None:
        with database.transaction() as connection:
            partitions.add(connection, "tenants", ["good", key])

    with pytest.raises(StorageError, match=message):
        add()
    with database.read() as connection:
        assert partitions.keys(connection, "tenants") == []
