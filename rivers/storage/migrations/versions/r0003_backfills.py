"""Backfills: their rows, what is pinned for each, and their units.

Revises 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To schema 3."""
    op.create_table(
        "backfills",
        sa.Column("backfill_id", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("nodes", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("total_partitions", NUMBER, nullable=False),
        sa.Column("total_units", NUMBER, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("max_concurrency", sa.Integer(), nullable=False),
        sa.Column("failure_policy", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.SmallInteger(), nullable=False),
        sa.Column("cause_name", sa.Text(), nullable=False),
        sa.Column("rerun_of", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("intent", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("accepted_digest", sa.Text(), nullable=False),
        sa.Column("started_at", NUMBER, nullable=True),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("drawn", NUMBER, nullable=False),
        sa.Column("completed", NUMBER, nullable=False),
        sa.Column("failed", NUMBER, nullable=False),
        sa.Column("canceled", NUMBER, nullable=False),
        sa.Column("runs", NUMBER, nullable=False),
        sa.Column("segments", sa.LargeBinary(), nullable=False),
        sa.Column("owner_expires_at", NUMBER, nullable=True),
        sa.Column("version", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("backfill_id", name="pk_backfills"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_backfills_created_at_backfill_id", "backfills", ["created_at", "backfill_id"])
    op.create_index("ix_backfills_status_created_at_backfill_id", "backfills", ["status", "created_at", "backfill_id"])
    op.create_index(
        "ix_backfills_request_id",
        "backfills",
        ["request_id"],
        unique=True,
        sqlite_where=sa.text("request_id IS NOT NULL"),
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "backfill_plans",
        sa.Column("backfill_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _backfill("backfill_plans"),
        sa.PrimaryKeyConstraint("backfill_id", name="pk_backfill_plans"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backfill_keys",
        sa.Column("backfill_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        _backfill("backfill_keys"),
        sa.PrimaryKeyConstraint("backfill_id", "name", "chunk", name="pk_backfill_keys"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backfill_units",
        sa.Column("backfill_id", sa.Text(), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("unit", NUMBER, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("remaining", NUMBER, nullable=False),
        sa.Column("failed", NUMBER, nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("marked", sa.LargeBinary(), nullable=True),
        _backfill("backfill_units"),
        sa.PrimaryKeyConstraint("backfill_id", "segment", "unit", name="pk_backfill_units"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_backfill_units_open",
        "backfill_units",
        ["backfill_id"],
        sqlite_where=sa.text("state < 5"),
        postgresql_where=sa.text("state < 5"),
    )


def _backfill(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["backfill_id"], ["backfills.backfill_id"], name=f"fk_{table}_backfill_id", ondelete="CASCADE"
    )
