"""Review: claims, second looks, appeals, blind checks, lots, holds and marked spans.

An episode remembers its first decision and what it does over; a review says what it was for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dailies.migrations.tables import INSTANT, WHOLE, followed_table

revision = "0002"
down_revision = "0001"


FIRST_DECISIONS = """
UPDATE episode SET first_decision = CASE
    WHEN duplicate_of IS NOT NULL OR verdict = 'fail' THEN 'rejected'
    WHEN verdict = 'good' THEN 'accepted'
    ELSE (
        SELECT review.decision FROM review WHERE review.episode_id = episode.id
        ORDER BY review.decided_at, review.id LIMIT 1)
END
WHERE decision IS NOT NULL"""
"""Of a record made before: what the machine decided, else the first review."""


def upgrade() -> None:
    """Makes the tables, and the new columns of episode and review."""
    op.add_column("episode", sa.Column("first_decision", sa.String(length=8), nullable=True))
    op.add_column("episode", sa.Column("retake_of", WHOLE, nullable=True))
    op.create_index("episode_day_index", "episode", ["worked_on", "site_id"])
    op.create_index("episode_worker_index", "episode", ["worker_id", "task_id"])
    op.create_index(
        "episode_waiting_index",
        "episode",
        ["verdict", "landed_at"],
        sqlite_where=sa.text("decision IS NULL"),
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.add_column(
        "review", sa.Column("kind", sa.String(length=8), server_default="first", nullable=False)
    )
    for name in ("subject_id", "supersedes", "hold_id"):
        op.add_column("review", sa.Column(name, WHOLE, nullable=True))
    for name in ("started_at", "undone_at"):
        op.add_column("review", sa.Column(name, INSTANT, nullable=True))
    op.create_index("review_reviewer_index", "review", ["reviewer", "decided_at"])
    op.execute(FIRST_DECISIONS)

    followed_table(
        "claim",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("subject_id", WHOLE, nullable=True),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("key"),
        indexed=("episode_id",),
    )
    followed_table(
        "second_look",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("review_id", WHOLE, nullable=False),
        sa.Column("second_id", WHOLE, nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"]),
        sa.ForeignKeyConstraint(["second_id"], ["review.id"]),
        sa.UniqueConstraint("review_id"),
        indexed=("episode_id", "done_at"),
    )
    followed_table(
        "appeal",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("brought_in_by", sa.String(), nullable=False),
        sa.Column("brought_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("against_id", WHOLE, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("review_id", WHOLE, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        indexed=("episode_id", "state"),
    )
    followed_table(
        "blind_check",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("truth", sa.String(length=8), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        sa.UniqueConstraint("episode_id"),
    )
    followed_table(
        "lot",
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("aql", sa.Double(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("letter", sa.String(length=1), nullable=False),
        sa.Column("sample_size", WHOLE, nullable=False),
        sa.Column("accept", WHOLE, nullable=False),
        sa.Column("reject", WHOLE, nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("found", WHOLE, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.UniqueConstraint("site_id", "worked_on"),
    )
    followed_table(
        "lot_item",
        sa.Column("lot_id", WHOLE, nullable=False),
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("review_id", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"]),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        sa.UniqueConstraint("episode_id"),
        indexed=("lot_id", "review_id"),
    )
    followed_table(
        "hold",
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("rejected", WHOLE, nullable=False),
        sa.Column("decided", WHOLE, nullable=False),
        sa.Column("rest_rejected", WHOLE, nullable=False),
        sa.Column("rest_decided", WHOLE, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        indexed=("reviewer",),
    )
    followed_table(
        "mark",
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("review_id", WHOLE, nullable=True),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.String(), nullable=True),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("marked_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"]),
        indexed=("episode_id",),
    )
