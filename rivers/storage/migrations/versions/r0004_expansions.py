"""What a step was expanded into.

Revises 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To schema 4."""
    op.add_column("steps", sa.Column("expansion", sa.Text(), nullable=True))
