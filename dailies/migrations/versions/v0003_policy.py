"""Policies: scores that tell verdicts under moved limits, saved versions, and what was in force.

Episodes of before have no scores until they are judged again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dailies.migrations.tables import INSTANT, WHOLE, followed_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the tables, and the column that says whether an episode is scored."""
    op.add_column(
        "episode",
        sa.Column("is_scored", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    followed_table(
        "score",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("check_name", sa.String(length=32), nullable=False),
        sa.Column("grade", sa.String(length=8), nullable=False),
        sa.Column("suspect_to", sa.Double(), nullable=True),
        sa.Column("fail_to", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], ondelete="CASCADE"),
        indexed=("episode_id",),
    )
    followed_table(
        "policy",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.UniqueConstraint("version"),
    )
    followed_table(
        "policy_use",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
    )
