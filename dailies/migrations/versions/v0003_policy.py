"""Policies: scores that tell verdicts under moved limits, saved versions, and what was in force.

Episodes of before have no scores until they are judged again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dailies import changes

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()  # microseconds since 1970, UTC


def upgrade() -> None:
    """Makes the tables, and the column that says whether an episode is scored."""
    op.add_column(
        "episode",
        sa.Column("is_scored", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _table(
        "score",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("check_name", sa.String(length=32), nullable=False),
        sa.Column("grade", sa.String(length=8), nullable=False),
        sa.Column("suspect_to", sa.Double(), nullable=True),
        sa.Column("fail_to", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], ondelete="CASCADE"),
        indexed=("episode_id",),
    )
    _table(
        "policy",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.UniqueConstraint("version"),
    )
    _table(
        "policy_use",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
    )


def _table(
    name: str, *parts: sa.Column[object] | sa.Constraint, indexed: tuple[str, ...] = ()
) -> None:
    """A table with an id and a followed change number, whose SQLite ids are never given twice."""
    op.create_table(
        name,
        sa.Column("id", WHOLE, nullable=False),
        *parts,
        sa.Column("change", WHOLE, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    for column in ("change", *indexed):
        op.create_index(f"ix_{name}_{column}", name, [column])
    changes.follow(op.get_bind(), name)
