"""The first schema: who and where, what was ordered, what was recorded and what was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dailies import changes
from dailies.migrations.tables import INSTANT, WHOLE

revision = "0001"
down_revision = None

MONEY = sa.Numeric(18, 4).with_variant(sa.String(32), "sqlite")

FOLLOWED = (
    "episode",
    "landing",
    "program",
    "site",
    "task",
    "flag",
    "rate",
    "review",
    "rig",
    "stream",
    "target",
    "worker",
    "measurement",
    "shift",
)


def _change() -> sa.Column[int]:
    return sa.Column("change", WHOLE, server_default="0", nullable=False)


def upgrade() -> None:
    """Makes every table; ids of SQLite are never given twice (AUTOINCREMENT)."""
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(length=36), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "tombstone",
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("row_id", sa.String(length=64), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_tombstone_change", "tombstone", ["change"])
    op.create_table(
        "episode",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("episode_index", WHOLE, nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("program_id", sa.String(length=64), nullable=True),
        sa.Column("task_id", sa.String(length=64), nullable=True),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("site_id", sa.String(length=64), nullable=True),
        sa.Column("rig_id", sa.String(length=64), nullable=True),
        sa.Column("shift_id", sa.String(length=64), nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("landed_at", INSTANT, nullable=False),
        sa.Column("judged_at", INSTANT, nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("duplicate_of", WHOLE, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=True),
        sa.Column("measurements", sa.Text(), nullable=True),
        sa.Column("is_example", sa.Boolean(), nullable=False),
        _change(),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("episode_path_index", "episode", ["path", "episode_index"])
    op.create_index("ix_episode_change", "episode", ["change"])
    op.create_index("ix_episode_content", "episode", ["content"])
    op.create_table(
        "landing",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("landed_at", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _change(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_landing_change", "landing", ["change"])
    op.create_table(
        "program",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        _change(),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_program_change", "program", ["change"])
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("minimum_wage", MONEY, nullable=True),
        _change(),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_site_change", "site", ["change"])
    op.create_table(
        "task",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("expected_s", sa.Double(), nullable=True),
        _change(),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_task_change", "task", ["change"])
    op.create_table(
        "flag",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("check_name", sa.String(length=32), nullable=False),
        sa.Column("grade", sa.String(length=8), nullable=False),
        sa.Column("stream", sa.String(), nullable=True),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("measured", sa.Double(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        _change(),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_flag_change", "flag", ["change"])
    op.create_index("ix_flag_episode_id", "flag", ["episode_id"])
    op.create_table(
        "rate",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        _change(),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rate_change", "rate", ["change"])
    op.create_table(
        "review",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        _change(),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_change", "review", ["change"])
    op.create_index("ix_review_episode_id", "review", ["episode_id"])
    op.create_table(
        "rig",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("camera_model", sa.String(), nullable=True),
        _change(),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_rig_change", "rig", ["change"])
    op.create_table(
        "stream",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("episode_id", WHOLE, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sample_count", WHOLE, nullable=False),
        sa.Column("rate_hz", sa.Double(), nullable=True),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("file_start_s", sa.Double(), nullable=True),
        sa.Column("file_end_s", sa.Double(), nullable=True),
        _change(),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stream_change", "stream", ["change"])
    op.create_index("ix_stream_episode_id", "stream", ["episode_id"])
    op.create_table(
        "target",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("program_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=True),
        sa.Column("site_id", sa.String(length=64), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("hours", sa.Double(), nullable=False),
        _change(),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"]),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_target_change", "target", ["change"])
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        _change(),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_worker_change", "worker", ["change"])
    op.create_table(
        "measurement",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("stream_id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        _change(),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_measurement_change", "measurement", ["change"])
    op.create_index("ix_measurement_stream_id", "measurement", ["stream_id"])
    op.create_table(
        "shift",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("rig_id", sa.String(length=64), nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("paid_s", sa.Double(), nullable=False),
        _change(),
        sa.ForeignKeyConstraint(["rig_id"], ["rig.id"]),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_shift_change", "shift", ["change"])

    connection = op.get_bind()
    changes.start(connection)
    for table in FOLLOWED:
        changes.follow(connection, table)
