"""The first tables.

Revises nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To schema 1."""
    op.create_table(
        "assets",
        sa.Column("asset_key", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("kinds", sa.Text(), server_default="[]", nullable=False),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.Column("code_version", sa.Text(), nullable=True),
        sa.Column("pools", sa.Text(), server_default="[]", nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=True),
        sa.Column("last_seq", NUMBER, nullable=True),
        sa.Column("last_at", NUMBER, nullable=True),
        sa.Column("last_data_version", sa.Text(), nullable=True),
        sa.Column("last_token", NUMBER, nullable=True),
        sa.Column("last_code_version", sa.Text(), nullable=True),
        sa.Column("last_inputs", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("asset_key", name="pk_assets"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cancellations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("requested_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_cancellations"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dynamic_partitions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name="pk_dynamic_partitions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("run_id", "seq", name="uq_events_run_id_seq"),
    )
    op.create_index(
        "ix_events_node_position",
        "events",
        ["node", "position"],
        unique=False,
        sqlite_where=sa.text("node IS NOT NULL"),
        postgresql_where=sa.text("node IS NOT NULL"),
    )
    op.create_table(
        "kv",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_kv"),
    )
    op.create_table(
        "locations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("home_id", sa.Text(), nullable=False),
        sa.Column("boot", NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("registered_at", NUMBER, nullable=False),
        sa.Column("heard_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_locations"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "materialized_partitions",
        sa.Column("asset_key", sa.Text(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("data_version", sa.Text(), nullable=False),
        sa.Column("token", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("asset_key", "partition", name="pk_materialized_partitions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pools",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("slot_limit", sa.Integer(), nullable=False),
        sa.Column("lease_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pool", name="pk_pools"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_logs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("step_key", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("stream", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_logs"),
    )
    op.create_table(
        "run_outcomes",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completed_steps", sa.Integer(), nullable=False),
        sa.Column("total_steps", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("reported_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_outcomes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("submitted_at", NUMBER, nullable=False),
        sa.Column("owner", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.SmallInteger(), nullable=False),
        sa.Column("cause_name", sa.Text(), nullable=False),
        sa.Column("root_run_id", sa.Text(), nullable=False),
        sa.Column("parent_run_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("total_steps", sa.Integer(), nullable=False),
        sa.Column("partition_key", sa.LargeBinary(), nullable=True),
        sa.Column("queue_number", NUMBER, nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("queued_at", NUMBER, nullable=False),
        sa.Column("started_at", NUMBER, nullable=True),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("failure", sa.LargeBinary(), nullable=True),
        sa.Column("last_seq", NUMBER, nullable=False),
        sa.Column("last_log_seq", NUMBER, nullable=False),
        sa.Column("completed_steps", sa.Integer(), nullable=False),
        sa.Column("owner_expires_at", NUMBER, nullable=True),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("nodes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_runs_job_submitted_at_run_id",
        "runs",
        ["job", "submitted_at", "run_id"],
        unique=False,
        sqlite_where=sa.text("job IS NOT NULL"),
        postgresql_where=sa.text("job IS NOT NULL"),
    )
    op.create_index(
        "ix_runs_location_submitted_at_run_id", "runs", ["location", "submitted_at", "run_id"], unique=False
    )
    op.create_index(
        "ix_runs_request_id",
        "runs",
        ["request_id"],
        unique=True,
        sqlite_where=sa.text("request_id IS NOT NULL"),
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_index("ix_runs_state_submitted_at_run_id", "runs", ["state", "submitted_at", "run_id"], unique=False)
    op.create_table(
        "schema_stamp",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("min_reader", sa.Integer(), nullable=False),
        sa.Column("min_writer", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_schema_stamp_only_row")),
        sa.PrimaryKeyConstraint("id", name="pk_schema_stamp"),
    )
    op.create_table(
        "writer",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("term", NUMBER, nullable=False),
        sa.Column("batch", NUMBER, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("backend_pid", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_token", NUMBER, nullable=False),
        sa.Column("next_position", NUMBER, nullable=False),
        sa.Column("next_queue_number", NUMBER, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_writer_only_row")),
        sa.PrimaryKeyConstraint("id", name="pk_writer"),
    )
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("token", NUMBER, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("home_id", sa.Text(), nullable=False),
        sa.Column("boot", NUMBER, nullable=False),
        sa.Column("lease", sa.Float(), nullable=False),
        sa.Column("is_home", sa.Boolean(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=True),
        sa.Column("ingested", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_attempts_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "token", name="pk_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempts_live",
        "attempts",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state < 3"),
        postgresql_where=sa.text("state < 3"),
    )
    op.create_table(
        "plans",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_plans_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_plans"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_nodes",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("nodes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_run_nodes_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_nodes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "steps",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("failure", sa.LargeBinary(), nullable=True),
        sa.Column("produced", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_steps_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "ordinal", name="pk_steps"),
        sqlite_with_rowid=False,
    )
