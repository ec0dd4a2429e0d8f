"""Pools and who has claimed their slots."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from rivers.storage.schema.columns import Number, key, metadata, required

pools = Table(
    "pools",
    metadata,
    key("pool", Text()),
    required("slot_limit", Integer()),
    required("lease_seconds", Integer()),
    sqlite_with_rowid=False,
)

#: Claims of steps that run in process: held from `claimed_at` until `expires_at`, or waiting since `since`.
pool_claims = Table(
    "pool_claims",
    metadata,
    key("run_id", Text()),
    key("step_key", Text()),
    key("pool", Text()),
    required("slots", Integer()),
    required("priority", Integer()),
    required("since", Number),
    Column("claimed_at", Number),
    required("expires_at", Number),
    Index(None, "pool"),
    sqlite_with_rowid=False,
)
