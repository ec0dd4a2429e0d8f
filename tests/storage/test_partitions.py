"""Partitions: keys of dynamic definitions, their pages, and what is stored of an asset's partitions."""

from __future__ import annotations

import pytest

from rivers.errors import StorageError
from rivers.partitions.key import PartitionKey
from rivers.storage import partitions
from rivers.storage.database import Database
from rivers.storage.partitions import StoredPartition
from rivers.storage.rows import MaterializationRow, WriteSet

KEYS = ["B", "a", "a b", "b", "z", "Ä", "ä", "\U0001f600"]


def _change(database: Database, **keys: bool) -> None:
    writes = WriteSet()
    writes.dynamic_partitions = {("names", key): is_added for key, is_added in keys.items()}
    database.write(writes)


def test_a_write_set_adds_and_removes_keys(database: Database) -> None:
    _change(database, a=True, b=True)
    _change(database, a=False, b=True, c=True, none=False)
    with database.read() as connection:
        assert partitions.keys(connection, "names") == ["b", "c"]
        assert partitions.keys(connection, "others") == []


def test_pages_are_in_the_order_of_code_points(database: Database) -> None:
    with database.transaction() as connection:
        partitions.add(connection, "names", KEYS[::-1])
        partitions.add(connection, "others", ["c"])
    with database.read() as connection:
        found, after = [], ""
        while page := partitions.keys_after(connection, "names", after, 3):
            found += page
            after = page[-1]
        assert found == partitions.keys(connection, "names") == sorted(KEYS)


def test_of_many_keys_those_that_are_registered(database: Database) -> None:
    with database.transaction() as connection:
        partitions.add(connection, "names", [f"key {n}" for n in range(0, 1200, 2)])
    with database.read() as connection:
        found = partitions.registered(connection, "names", [f"key {n}" for n in range(1200)])
        assert found == {f"key {n}" for n in range(0, 1200, 2)}
        assert partitions.registered(connection, "names", []) == set()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("", "dynamic partition keys must not be empty"),
        ("a|b", "partition key 'a|b' contains reserved character '|' (used by the canonical display form)"),
        ("a,b", "partition key 'a,b' contains reserved character ',' (used by the canonical display form)"),
    ],
)
def test_one_key_that_is_refused_refuses_them_all(database: Database, key: str, text: str) -> None:
    with pytest.raises(StorageError) as caught, database.transaction() as connection:
        partitions.add(connection, "names", ["good", key])
    assert str(caught.value) == text
    with database.read() as connection:
        assert partitions.keys(connection, "names") == []


def test_what_is_stored_of_some_partitions(database: Database) -> None:
    writes = WriteSet()
    key = PartitionKey.multi({"day": "1", "region": ["eu", "us"]})
    writes.materializations = [
        MaterializationRow("cells", "run-1", 3, 1_000, "v1", key, 7, ()),
        MaterializationRow("cells", "run-2", 4, 2_000, "v2", PartitionKey.multi({"day": "1", "region": "us"}), 8, ()),
    ]
    database.write(writes)
    texts = [f"day={day}|region={region}" for day in "12" for region in ("eu", "us")]
    with database.read() as connection:
        assert partitions.stored_among(connection, "cells", texts) == {
            "day=1|region=eu": StoredPartition("run-1", 1_000, "v1"),
            "day=1|region=us": StoredPartition("run-2", 2_000, "v2"),
        }
        assert partitions.count_materialized(connection, "cells") == 2
