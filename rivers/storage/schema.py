"""The tables, the same on SQLite and PostgreSQL. Times are nanoseconds since the epoch, enumerations their numbers.

Immutable and large things (`plans`, `run_nodes`, `events`, `run_logs`) have tables of their own, so that what changes
often (`runs`, `steps`, `attempts`) stays small. Events and logs have no foreign key: they are append-only, and a check
for each would cost more than the row. A commit costs about 10 microseconds for each page that it touches, so a table
has no index that another one can stand in for, and what has a natural key is kept in that key's order.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from rivers.lifecycle.backfill.states import UnitState
from rivers.lifecycle.states import AttemptState

#: 64 bits; on SQLite the type whose primary key is the row id itself.
Number: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _required(name: str, kind: TypeEngine[Any], **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _key(name: str, kind: TypeEngine[Any], *of: Any) -> Column[Any]:
    return Column(name, kind, *of, primary_key=True, autoincrement=False)


def _run() -> ForeignKey:
    return ForeignKey("runs.run_id", ondelete="CASCADE")


def _partial_index(name: str | None, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some rows. PostgreSQL is told when it is used: naming it here would load all of its dialects."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def _only_row() -> list[Any]:
    return [_key("id", SmallInteger()), CheckConstraint("id = 1", name="only_row")]


#: What the schema of this database is, and who may use it (`rivers.storage.stamp`).
schema_stamp = Table(
    "schema_stamp",
    metadata,
    *_only_row(),
    _required("version", Integer()),
    _required("min_reader", Integer()),
    _required("min_writer", Integer()),
)

#: The fence (protocol W5, T1) and the counters whose numbers are given once. In-process writers use the counters only.
writer = Table(
    "writer",
    metadata,
    *_only_row(),
    _required("store_id", Text()),
    _required("term", Number),
    _required("batch", Number),
    _required("holder", Text()),
    _required("address", Text()),
    Column("backend_pid", Integer()),
    Column("expires_at", DateTime(timezone=True)),
    _required("next_token", Number),
    _required("next_position", Number),
    _required("next_queue_number", Number),
)

runs = Table(
    "runs",
    metadata,
    _key("run_id", Text()),
    _required("kind", SmallInteger()),
    _required("location", Text()),
    Column("job", Text()),
    _required("tags", Text()),
    _required("submitted_at", Number),
    _required("owner", SmallInteger()),
    _required("cause", SmallInteger()),
    _required("cause_name", Text()),
    _required("root_run_id", Text()),
    _required("parent_run_id", Text()),
    Column("request_id", Text()),
    _required("digest", Text()),
    _required("total_steps", Integer()),
    Column("partition_key", LargeBinary()),
    _required("queue_number", Number),
    _required("owner_id", Text()),
    _required("state", SmallInteger()),
    _required("priority", Integer()),
    _required("queued_at", Number),
    Column("started_at", Number),
    Column("ended_at", Number),
    Column("failure", LargeBinary()),
    _required("last_seq", Number),
    _required("last_log_seq", Number),
    _required("completed_steps", Integer()),
    Column("owner_expires_at", Number),
    _required("version", Number),
    Column("nodes", Text()),
    Index(None, "state", "submitted_at", "run_id"),
    Index(None, "location", "submitted_at", "run_id"),
    _partial_index(None, "job", "submitted_at", "run_id", where="job IS NOT NULL"),
    _partial_index(None, "request_id", where="request_id IS NOT NULL", unique=True),
    sqlite_with_rowid=False,
)

#: The nodes of a run that has too many for a row that changes often.
run_nodes = Table(
    "run_nodes",
    metadata,
    _key("run_id", Text(), _run()),
    _required("nodes", Text()),
    sqlite_with_rowid=False,
)

plans = Table(
    "plans",
    metadata,
    _key("run_id", Text(), _run()),
    _required("body", LargeBinary()),
    sqlite_with_rowid=False,
)

#: A step's row appears at its first transition.
steps = Table(
    "steps",
    metadata,
    _key("run_id", Text(), _run()),
    _key("ordinal", Integer()),
    _required("state", SmallInteger()),
    _required("attempt", Integer()),
    _required("token", Number),
    _required("failures", Integer()),
    _required("lost", Integer()),
    _required("returns", Integer()),
    Column("failure", LargeBinary()),
    _required("produced", LargeBinary()),
    Column("expansion", Text()),
    sqlite_with_rowid=False,
)

#: An attempt is live until its end is proven.
LIVE = f"state < {int(AttemptState.ENDED)}"

#: The run leads the key, so that its attempts lie together; tokens are unique because the writer gives each once.
attempts = Table(
    "attempts",
    metadata,
    _key("run_id", Text(), _run()),
    _key("token", Number),
    _required("ordinal", Integer()),
    _required("number", Integer()),
    _required("location", Text()),
    _required("home_id", Text()),
    _required("boot", Number),
    _required("lease", Float()),
    _required("is_home", Boolean()),
    _required("state", SmallInteger()),
    Column("outcome", SmallInteger()),
    _required("ingested", Number),
    _partial_index("ix_attempts_live", "state", where=LIVE),
    sqlite_with_rowid=False,
)

#: `position` grows in the order of commits; `body` is a serialized `rivers.v1.RunEvent` without it.
events = Table(
    "events",
    metadata,
    _key("position", Number),
    _required("run_id", Text()),
    _required("seq", Number),
    _required("at", Number),
    _required("type", SmallInteger()),
    Column("node", Text()),
    _required("body", LargeBinary()),
    UniqueConstraint("run_id", "seq"),
    _partial_index(None, "node", "position", where="node IS NOT NULL"),
)

#: `text` is UTF-8; captured output may hold what a text column cannot.
run_logs = Table(
    "run_logs",
    metadata,
    _key("run_id", Text()),
    _key("seq", Number),
    _required("at", Number),
    _required("step_key", Text()),
    _required("attempt", Integer()),
    _required("stream", SmallInteger()),
    _required("text", LargeBinary()),
)

#: An asset as it was last defined, and what its last materialization left.
assets = Table(
    "assets",
    metadata,
    _key("asset_key", Text()),
    _required("location", Text(), server_default=""),
    _required("tags", Text(), server_default="[]"),
    _required("kinds", Text(), server_default="[]"),
    Column("group_name", Text()),
    Column("code_version", Text()),
    _required("pools", Text(), server_default="[]"),
    Column("last_run_id", Text()),
    Column("last_seq", Number),
    Column("last_at", Number),
    Column("last_data_version", Text()),
    Column("last_token", Number),
    Column("last_code_version", Text()),
    _required("last_inputs", Text(), server_default="[]"),
    sqlite_with_rowid=False,
)

#: One row for each concrete key; `partition` is its display form, `key` a serialized `rivers.v1.PartitionKey`.
materialized_partitions = Table(
    "materialized_partitions",
    metadata,
    _key("asset_key", Text()),
    _key("partition", Text()),
    _required("key", LargeBinary()),
    _required("run_id", Text()),
    _required("seq", Number),
    _required("at", Number),
    _required("data_version", Text()),
    _required("token", Number),
    sqlite_with_rowid=False,
)

locations = Table(
    "locations",
    metadata,
    _key("name", Text()),
    _required("address", Text()),
    _required("home_id", Text()),
    _required("boot", Number),
    _required("digest", Text()),
    _required("module", Text()),
    _required("registered_at", Number),
    _required("heard_at", Number),
    sqlite_with_rowid=False,
)

kv = Table("kv", metadata, _key("key", Text()), _required("value", LargeBinary()))

dynamic_partitions = Table(
    "dynamic_partitions",
    metadata,
    _key("name", Text()),
    _key("key", Text()),
    sqlite_with_rowid=False,
)

cancellations = Table(
    "cancellations",
    metadata,
    _key("run_id", Text()),
    _required("requested_at", Number),
    sqlite_with_rowid=False,
)

#: What a detached executor said of a run; its state is not touched by it.
run_outcomes = Table(
    "run_outcomes",
    metadata,
    _key("run_id", Text()),
    _required("status", Text()),
    _required("completed_steps", Integer()),
    _required("total_steps", Integer()),
    Column("message", Text()),
    _required("reported_at", Number),
    sqlite_with_rowid=False,
)

#: Why a run that is queued in process was not admitted when it was last looked at.
queue_blocks = Table(
    "queue_blocks",
    metadata,
    _key("run_id", Text(), _run()),
    _required("reason", Text()),
    sqlite_with_rowid=False,
)

pools = Table(
    "pools",
    metadata,
    _key("pool", Text()),
    _required("slot_limit", Integer()),
    _required("lease_seconds", Integer()),
    sqlite_with_rowid=False,
)

#: Claims of steps that run in process: held from `claimed_at` until `expires_at`, or waiting since `since`.
pool_claims = Table(
    "pool_claims",
    metadata,
    _key("run_id", Text()),
    _key("step_key", Text()),
    _key("pool", Text()),
    _required("slots", Integer()),
    _required("priority", Integer()),
    _required("since", Number),
    Column("claimed_at", Number),
    _required("expires_at", Number),
    Index(None, "pool"),
    sqlite_with_rowid=False,
)

#: A status follows from counters and intent; it is stored so that a listing can look for it.
backfills = Table(
    "backfills",
    metadata,
    _key("backfill_id", Text()),
    _required("location", Text()),
    _required("nodes", Text()),
    _required("tags", Text()),
    _required("created_at", Number),
    _required("total_partitions", Number),
    _required("total_units", Number),
    _required("priority", Integer()),
    _required("max_concurrency", Integer()),
    _required("failure_policy", SmallInteger()),
    _required("owner", SmallInteger()),
    _required("owner_id", Text()),
    _required("cause", SmallInteger()),
    _required("cause_name", Text()),
    _required("rerun_of", Text()),
    Column("request_id", Text()),
    _required("digest", Text()),
    Column("action", Text()),
    _required("intent", SmallInteger()),
    _required("status", SmallInteger()),
    _required("reason", Text()),
    _required("error", Text()),
    _required("accepted_digest", Text()),
    Column("started_at", Number),
    Column("ended_at", Number),
    _required("drawn", Number),
    _required("completed", Number),
    _required("failed", Number),
    _required("canceled", Number),
    _required("runs", Number),
    _required("segments", LargeBinary()),
    Column("owner_expires_at", Number),
    _required("version", Number),
    Index(None, "created_at", "backfill_id"),
    Index(None, "status", "created_at", "backfill_id"),
    _partial_index(None, "request_id", where="request_id IS NOT NULL", unique=True),
    sqlite_with_rowid=False,
)


def _backfill() -> ForeignKey:
    return ForeignKey("backfills.backfill_id", ondelete="CASCADE")


#: What is pinned for a backfill: a serialized `rivers.v1.BackfillPlan`.
backfill_plans = Table(
    "backfill_plans",
    metadata,
    _key("backfill_id", Text(), _backfill()),
    _required("body", LargeBinary()),
    sqlite_with_rowid=False,
)

#: The keys of dynamic definitions as they were when a backfill was made: compressed JSON lists.
backfill_keys = Table(
    "backfill_keys",
    metadata,
    _key("backfill_id", Text(), _backfill()),
    _key("name", Text()),
    _key("chunk", Integer()),
    _required("keys", LargeBinary()),
    sqlite_with_rowid=False,
)

#: A unit is open until it has ended.
OPEN_UNIT = f"state < {int(UnitState.COMPLETED)}"

#: The key is what keeps a unit from being drawn twice. A unit that nothing happened to has no row.
backfill_units = Table(
    "backfill_units",
    metadata,
    _key("backfill_id", Text(), _backfill()),
    _key("segment", Integer()),
    _key("unit", Number),
    _required("size", Number),
    Column("run_id", Text()),
    _required("state", SmallInteger()),
    _required("remaining", Number),
    _required("failed", Number),
    _required("reason", SmallInteger()),
    Column("marked", LargeBinary()),
    _partial_index("ix_backfill_units_open", "backfill_id", where=OPEN_UNIT),
    sqlite_with_rowid=False,
)

#: One row for each evaluation that is kept; names are lists in text. Of a sensor the newest row holds its cursor.
ticks = Table(
    "ticks",
    metadata,
    Column("tick_id", Number, primary_key=True),
    _required("name", Text()),
    _required("kind", SmallInteger()),
    _required("status", SmallInteger()),
    _required("at", Number),
    _required("run_ids", Text()),
    _required("backfill_ids", Text()),
    Column("skip_reason", Text()),
    Column("error", Text()),
    Column("cursor", Text()),
    Index(None, "name", "kind", "tick_id"),
)

#: Automations that somebody has started or stopped, whatever their definition says.
automations = Table(
    "automations",
    metadata,
    _key("kind", SmallInteger()),
    _key("name", Text()),
    _required("is_running", Boolean()),
    sqlite_with_rowid=False,
)

#: What the condition of an asset remembers: a serialized `rivers.v1.ConditionState`.
condition_states = Table(
    "condition_states",
    metadata,
    _key("asset_key", Text()),
    _required("body", LargeBinary()),
    sqlite_with_rowid=False,
)
