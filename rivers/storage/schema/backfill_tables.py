"""Backfills and their units."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rivers.lifecycle.backfill.states import UnitState
from rivers.storage.schema.columns import Number, key, metadata, partial_index, required

#: A status follows from counters and intent; it is stored so that a listing can look for it.
backfills = Table(
    "backfills",
    metadata,
    key("backfill_id", Text()),
    required("location", Text()),
    required("nodes", Text()),
    required("tags", Text()),
    required("created_at", Number),
    required("total_partitions", Number),
    required("total_units", Number),
    required("priority", Integer()),
    required("max_concurrency", Integer()),
    required("failure_policy", SmallInteger()),
    required("owner", SmallInteger()),
    required("owner_id", Text()),
    required("cause", SmallInteger()),
    required("cause_name", Text()),
    required("rerun_of", Text()),
    Column("request_id", Text()),
    required("digest", Text()),
    Column("action", Text()),
    required("intent", SmallInteger()),
    required("status", SmallInteger()),
    required("reason", Text()),
    required("error", Text()),
    required("accepted_digest", Text()),
    Column("started_at", Number),
    Column("ended_at", Number),
    required("drawn", Number),
    required("completed", Number),
    required("failed", Number),
    required("canceled", Number),
    required("runs", Number),
    required("segments", LargeBinary()),
    Column("owner_expires_at", Number),
    required("version", Number),
    Index(None, "created_at", "backfill_id"),
    Index(None, "status", "created_at", "backfill_id"),
    partial_index(None, "request_id", where="request_id IS NOT NULL", unique=True),
    sqlite_with_rowid=False,
)


def _backfill() -> ForeignKey:
    return ForeignKey("backfills.backfill_id", ondelete="CASCADE")


#: What is pinned for a backfill: a serialized `rivers.v1.BackfillPlan`.
backfill_plans = Table(
    "backfill_plans",
    metadata,
    key("backfill_id", Text(), _backfill()),
    required("body", LargeBinary()),
    sqlite_with_rowid=False,
)

#: The keys of dynamic definitions as they were when a backfill was made: compressed JSON lists.
backfill_keys = Table(
    "backfill_keys",
    metadata,
    key("backfill_id", Text(), _backfill()),
    key("name", Text()),
    key("chunk", Integer()),
    required("keys", LargeBinary()),
    sqlite_with_rowid=False,
)

#: A unit is open until it has ended.
OPEN_UNIT = f"state < {int(UnitState.COMPLETED)}"

#: The key is what keeps a unit from being drawn twice. A unit that nothing happened to has no row.
backfill_units = Table(
    "backfill_units",
    metadata,
    key("backfill_id", Text(), _backfill()),
    key("segment", Integer()),
    key("unit", Number),
    required("size", Number),
    Column("run_id", Text()),
    required("state", SmallInteger()),
    required("remaining", Number),
    required("failed", Number),
    required("reason", SmallInteger()),
    Column("marked", LargeBinary()),
    partial_index("ix_backfill_units_open", "backfill_id", where=OPEN_UNIT),
    sqlite_with_rowid=False,
)
