"""Automations: their ticks, whether somebody started or stopped them, and what conditions remember.

Revises 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To schema 5."""
    op.create_table(
        "ticks",
        sa.Column("tick_id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("run_ids", sa.Text(), nullable=False),
        sa.Column("backfill_ids", sa.Text(), nullable=False),
        sa.Column("skip_reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tick_id", name="pk_ticks"),
    )
    op.create_index("ix_ticks_name_kind_tick_id", "ticks", ["name", "kind", "tick_id"])
    op.create_table(
        "automations",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_automations"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "condition_states",
        sa.Column("asset_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("asset_key", name="pk_condition_states"),
        sqlite_with_rowid=False,
    )
