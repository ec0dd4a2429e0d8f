"""What a store knows of itself, of its writer and of locations."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, Table, Text

from rivers.storage.schema.columns import Number, key, metadata, only_row, required

#: What the schema of this database is, and who may use it (`rivers.storage.stamp`).
schema_stamp = Table(
    "schema_stamp",
    metadata,
    *only_row(),
    required("version", Integer()),
    required("min_reader", Integer()),
    required("min_writer", Integer()),
)

#: The fence (protocol W5, T1) and the counters whose numbers are given once. In-process writers use the counters only.
writer = Table(
    "writer",
    metadata,
    *only_row(),
    required("store_id", Text()),
    required("term", Number),
    required("batch", Number),
    required("holder", Text()),
    required("address", Text()),
    Column("backend_pid", Integer()),
    Column("expires_at", DateTime(timezone=True)),
    required("next_token", Number),
    required("next_position", Number),
    required("next_queue_number", Number),
)

locations = Table(
    "locations",
    metadata,
    key("name", Text()),
    required("address", Text()),
    required("home_id", Text()),
    required("boot", Number),
    required("digest", Text()),
    required("module", Text()),
    required("registered_at", Number),
    required("heard_at", Number),
    sqlite_with_rowid=False,
)

kv = Table("kv", metadata, key("key", Text()), required("value", LargeBinary()))
