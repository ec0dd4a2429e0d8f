"""Runs, and what is recorded of them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from rivers.lifecycle.states import AttemptState
from rivers.storage.schema.columns import Number, key, metadata, partial_index, required


def of_run() -> ForeignKey:
    """The run that a row belongs to, and goes with."""
    return ForeignKey("runs.run_id", ondelete="CASCADE")


runs = Table(
    "runs",
    metadata,
    key("run_id", Text()),
    required("kind", SmallInteger()),
    required("location", Text()),
    Column("job", Text()),
    required("tags", Text()),
    required("submitted_at", Number),
    required("owner", SmallInteger()),
    required("cause", SmallInteger()),
    required("cause_name", Text()),
    required("root_run_id", Text()),
    required("parent_run_id", Text()),
    Column("request_id", Text()),
    required("digest", Text()),
    required("total_steps", Integer()),
    Column("partition_key", LargeBinary()),
    required("queue_number", Number),
    required("owner_id", Text()),
    required("state", SmallInteger()),
    required("priority", Integer()),
    required("queued_at", Number),
    Column("started_at", Number),
    Column("ended_at", Number),
    Column("failure", LargeBinary()),
    required("last_seq", Number),
    required("last_log_seq", Number),
    required("completed_steps", Integer()),
    Column("owner_expires_at", Number),
    required("version", Number),
    Column("nodes", Text()),
    Index(None, "state", "submitted_at", "run_id"),
    Index(None, "location", "submitted_at", "run_id"),
    partial_index(None, "job", "submitted_at", "run_id", where="job IS NOT NULL"),
    partial_index(None, "request_id", where="request_id IS NOT NULL", unique=True),
    sqlite_with_rowid=False,
)

#: The nodes of a run that has too many for a row that changes often.
run_nodes = Table(
    "run_nodes",
    metadata,
    key("run_id", Text(), of_run()),
    required("nodes", Text()),
    sqlite_with_rowid=False,
)

plans = Table(
    "plans",
    metadata,
    key("run_id", Text(), of_run()),
    required("body", LargeBinary()),
    sqlite_with_rowid=False,
)

#: A step's row appears at its first transition.
steps = Table(
    "steps",
    metadata,
    key("run_id", Text(), of_run()),
    key("ordinal", Integer()),
    required("state", SmallInteger()),
    required("attempt", Integer()),
    required("token", Number),
    required("failures", Integer()),
    required("lost", Integer()),
    required("returns", Integer()),
    Column("failure", LargeBinary()),
    required("produced", LargeBinary()),
    Column("expansion", Text()),
    sqlite_with_rowid=False,
)

#: An attempt is live until its end is proven.
LIVE = f"state < {int(AttemptState.ENDED)}"

#: The run leads the key, so that its attempts lie together; tokens are unique because the writer gives each once.
attempts = Table(
    "attempts",
    metadata,
    key("run_id", Text(), of_run()),
    key("token", Number),
    required("ordinal", Integer()),
    required("number", Integer()),
    required("location", Text()),
    required("home_id", Text()),
    required("boot", Number),
    required("lease", Float()),
    required("is_home", Boolean()),
    required("state", SmallInteger()),
    Column("outcome", SmallInteger()),
    required("ingested", Number),
    partial_index("ix_attempts_live", "state", where=LIVE),
    sqlite_with_rowid=False,
)

#: `position` grows in the order of commits; `body` is a serialized `rivers.v1.RunEvent` without it.
events = Table(
    "events",
    metadata,
    key("position", Number),
    required("run_id", Text()),
    required("seq", Number),
    required("at", Number),
    required("type", SmallInteger()),
    Column("node", Text()),
    required("body", LargeBinary()),
    UniqueConstraint("run_id", "seq"),
    partial_index(None, "node", "position", where="node IS NOT NULL"),
)

#: `text` is UTF-8; captured output may hold what a text column cannot.
run_logs = Table(
    "run_logs",
    metadata,
    key("run_id", Text()),
    key("seq", Number),
    required("at", Number),
    required("step_key", Text()),
    required("attempt", Integer()),
    required("stream", SmallInteger()),
    required("text", LargeBinary()),
)

cancellations = Table(
    "cancellations",
    metadata,
    key("run_id", Text()),
    required("requested_at", Number),
    sqlite_with_rowid=False,
)

#: What a detached executor said of a run; its state is not touched by it.
run_outcomes = Table(
    "run_outcomes",
    metadata,
    key("run_id", Text()),
    required("status", Text()),
    required("completed_steps", Integer()),
    required("total_steps", Integer()),
    Column("message", Text()),
    required("reported_at", Number),
    sqlite_with_rowid=False,
)

#: Why a run that is queued in process was not admitted when it was last looked at.
queue_blocks = Table(
    "queue_blocks",
    metadata,
    key("run_id", Text(), of_run()),
    required("reason", Text()),
    sqlite_with_rowid=False,
)
