"""The tables, the same on SQLite and PostgreSQL. Times are nanoseconds since the epoch, enumerations their numbers.

Immutable and large things (`plans`, `run_nodes`, `events`, `run_logs`) have tables of their own, so that what changes
often (`runs`, `steps`, `attempts`) stays small. Events and logs have no foreign key: they are append-only, and a check
for each would cost more than the row. A commit costs about 10 microseconds for each page that it touches, so a table
has no index that another one can stand in for, and what has a natural key is kept in that key's order.
"""

from __future__ import annotations

from rivers.storage.schema.asset_tables import assets, dynamic_partitions, materialized_partitions
from rivers.storage.schema.automation_tables import automations, condition_states, ticks
from rivers.storage.schema.backfill_tables import OPEN_UNIT, backfill_keys, backfill_plans, backfill_units, backfills
from rivers.storage.schema.columns import Number, metadata
from rivers.storage.schema.pool_tables import pool_claims, pools
from rivers.storage.schema.run_tables import (
    LIVE,
    attempts,
    cancellations,
    events,
    plans,
    queue_blocks,
    run_logs,
    run_nodes,
    run_outcomes,
    runs,
    steps,
)
from rivers.storage.schema.store_tables import kv, locations, schema_stamp, writer

__all__ = [
    "LIVE",
    "OPEN_UNIT",
    "Number",
    "assets",
    "attempts",
    "automations",
    "backfill_keys",
    "backfill_plans",
    "backfill_units",
    "backfills",
    "cancellations",
    "condition_states",
    "dynamic_partitions",
    "events",
    "kv",
    "locations",
    "materialized_partitions",
    "metadata",
    "plans",
    "pool_claims",
    "pools",
    "queue_blocks",
    "run_logs",
    "run_nodes",
    "run_outcomes",
    "runs",
    "schema_stamp",
    "steps",
    "ticks",
    "writer",
]
