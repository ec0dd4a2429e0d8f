"""Claims on pools, and why queued runs wait, of runs that are executed in process.

Revises 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To schema 2."""
    op.create_table(
        "pool_claims",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step_key", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("since", NUMBER, nullable=False),
        sa.Column("claimed_at", NUMBER, nullable=True),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step_key", "pool", name="pk_pool_claims"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pool_claims_pool", "pool_claims", ["pool"])
    op.create_table(
        "queue_blocks",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_queue_blocks_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_queue_blocks"),
        sqlite_with_rowid=False,
    )
