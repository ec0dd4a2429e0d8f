"""Partitions: the keys of dynamic definitions, and which partitions of an asset have been materialized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, collate, delete, func, select

from rivers.partitions.dynamic_key import check_dynamic_key
from rivers.partitions.key import PartitionKey
from rivers.storage.images import key_bytes, key_of
from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import MaterializationRow
from rivers.storage.schema import dynamic_partitions as dynamic
from rivers.storage.schema import materialized_partitions as materialized_table

_CHANGING = ["key", "run_id", "seq", "at", "data_version", "token"]

UPSERT = Insert(materialized_table, ["asset_key", "partition", *_CHANGING], update=_CHANGING)

_OF_ASSET = materialized_table.c.asset_key == bindparam("asset_key")
_MATERIALIZED = select(materialized_table.c.key).where(_OF_ASSET).order_by(materialized_table.c.partition)
_RECORDS = select(
    *(materialized_table.c[name] for name in ("key", "run_id", "at", "data_version")),
).where(_OF_ASSET)
_COUNT = select(func.count()).select_from(materialized_table).where(_OF_ASSET)

INSERT = Insert(dynamic, ["name", "key"], ignore=True)
_KEYS = select(dynamic.c.key).where(dynamic.c.name == bindparam("name")).order_by(dynamic.c.key)
_ONE = (dynamic.c.name == bindparam("name_"), dynamic.c.key == bindparam("key_"))
_HAS = select(dynamic.c.key).where(*_ONE)
_DELETE = delete(dynamic).where(*_ONE)

_AMONG = select(dynamic.c.key).where(
    dynamic.c.name == bindparam("name"), dynamic.c.key.in_(bindparam("keys", expanding=True))
)

_STORED_AMONG = select(
    materialized_table.c.partition,
    materialized_table.c.run_id,
    materialized_table.c.at,
    materialized_table.c.data_version,
).where(_OF_ASSET, materialized_table.c.partition.in_(bindparam("texts", expanding=True)))

#: So many keys are looked for in one statement.
_AT_ONCE = 500


def images(row: MaterializationRow) -> Iterator[Values]:
    """The rows of the partitions that a materialization covers, one for each concrete key."""
    if row.partition_key is not None:
        for key in row.partition_key.expand():
            yield row.asset_key, str(key), key_bytes(key), row.run_id, row.seq, row.at, row.data_version, row.token


def materialized(connection: Connection, asset_key: str) -> list[PartitionKey]:
    """The concrete keys of an asset that have been materialized."""
    keys = [key_of(image) for image in connection.execute(_MATERIALIZED, {"asset_key": asset_key}).scalars()]
    return [key for key in keys if key is not None]


def records(connection: Connection, asset_key: str) -> list[tuple[PartitionKey, str, int, str]]:
    """Of each concrete key that has been materialized: the key, the last run, when, and the data version."""
    found = connection.execute(_RECORDS, {"asset_key": asset_key})
    return [(key, run_id, at, version) for image, run_id, at, version in found if (key := key_of(image)) is not None]


def count_materialized(connection: Connection, asset_key: str) -> int:
    """How many there are."""
    return connection.execute(_COUNT, {"asset_key": asset_key}).scalar_one()


def add(connection: Connection, name: str, keys: Sequence[str]) -> None:
    """Adds keys to a dynamic definition; those that are there are ignored. One that is refused refuses them all."""
    for key in keys:
        check_dynamic_key(key)
    INSERT.run(connection, [(name, key) for key in dict.fromkeys(keys)])


def delete_key(connection: Connection, name: str, key: str) -> None:
    """Removes a key; its materializations stay. A key that is not there is no error."""
    connection.execute(_DELETE, {"name_": name, "key_": key})


def keys(connection: Connection, name: str) -> list[str]:
    """The keys of a dynamic definition, sorted; none of an unknown one."""
    return sorted(connection.execute(_KEYS, {"name": name}).scalars())


def has(connection: Connection, name: str, key: str) -> bool:
    """Whether a dynamic definition has the key."""
    return connection.execute(_HAS, {"name_": name, "key_": key}).first() is not None


def registered(connection: Connection, name: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a dynamic definition has."""
    found: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        found |= set(connection.execute(_AMONG, {"name": name, "keys": keys[start : start + _AT_ONCE]}).scalars())
    return found


def keys_after(connection: Connection, name: str, after: str, limit: int) -> list[str]:
    """Keys of a dynamic definition that sort after one, at most so many."""
    # by code points, as Python sorts, whatever language the server sorts by
    key = collate(dynamic.c.key, "C") if connection.dialect.name == "postgresql" else dynamic.c.key
    page = select(dynamic.c.key).where(dynamic.c.name == name, key > after).order_by(key).limit(limit)
    return list(connection.execute(page).scalars())


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """What was last stored of a partition."""

    run_id: str
    at: int
    data_version: str


def stored_among(connection: Connection, asset_key: str, texts: Sequence[str]) -> dict[str, StoredPartition]:
    """What is stored of partitions, by their display text."""
    found: dict[str, StoredPartition] = {}
    for start in range(0, len(texts), _AT_ONCE):
        some = {"asset_key": asset_key, "texts": texts[start : start + _AT_ONCE]}
        for partition, run_id, at, data_version in connection.execute(_STORED_AMONG, some):
            found[partition] = StoredPartition(run_id, at, data_version or "")
    return found
