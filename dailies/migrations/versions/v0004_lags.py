"""How late each camera shows its robot; recordings of before say nothing of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes the column."""
    op.add_column("stream", sa.Column("late_ms", sa.Double(), nullable=True))
