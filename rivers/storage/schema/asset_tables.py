"""What there is of assets and their partitions."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table, Text

from rivers.storage.schema.columns import Number, key, metadata, required

#: An asset as it was last defined, and what its last materialization left.
assets = Table(
    "assets",
    metadata,
    key("asset_key", Text()),
    required("location", Text(), server_default=""),
    required("tags", Text(), server_default="[]"),
    required("kinds", Text(), server_default="[]"),
    Column("group_name", Text()),
    Column("code_version", Text()),
    required("pools", Text(), server_default="[]"),
    Column("last_run_id", Text()),
    Column("last_seq", Number),
    Column("last_at", Number),
    Column("last_data_version", Text()),
    Column("last_token", Number),
    Column("last_code_version", Text()),
    required("last_inputs", Text(), server_default="[]"),
    sqlite_with_rowid=False,
)

#: One row for each concrete key; `partition` is its display form, `key` a serialized `rivers.v1.PartitionKey`.
materialized_partitions = Table(
    "materialized_partitions",
    metadata,
    key("asset_key", Text()),
    key("partition", Text()),
    required("key", LargeBinary()),
    required("run_id", Text()),
    required("seq", Number),
    required("at", Number),
    required("data_version", Text()),
    required("token", Number),
    sqlite_with_rowid=False,
)

dynamic_partitions = Table(
    "dynamic_partitions",
    metadata,
    key("name", Text()),
    key("key", Text()),
    sqlite_with_rowid=False,
)
