"""Schedules, sensors and conditions: what they did, and what they remember."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, SmallInteger, Table, Text

from rivers.storage.schema.columns import Number, key, metadata, required

#: One row for each evaluation that is kept; names are lists in text. Of a sensor the newest row holds its cursor.
ticks = Table(
    "ticks",
    metadata,
    Column("tick_id", Number, primary_key=True),
    required("name", Text()),
    required("kind", SmallInteger()),
    required("status", SmallInteger()),
    required("at", Number),
    required("run_ids", Text()),
    required("backfill_ids", Text()),
    Column("skip_reason", Text()),
    Column("error", Text()),
    Column("cursor", Text()),
    Index(None, "name", "kind", "tick_id"),
)

#: Automations that somebody has started or stopped, whatever their definition says.
automations = Table(
    "automations",
    metadata,
    key("kind", SmallInteger()),
    key("name", Text()),
    required("is_running", Boolean()),
    sqlite_with_rowid=False,
)

#: What the condition of an asset remembers: a serialized `rivers.v1.ConditionState`.
condition_states = Table(
    "condition_states",
    metadata,
    key("asset_key", Text()),
    required("body", LargeBinary()),
    sqlite_with_rowid=False,
)
