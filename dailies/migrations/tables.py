"""What migrations make tables with. A change here must leave those that were made as they are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from dailies import changes

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()
"""Microseconds since 1970, UTC."""


def followed_table(
    name: str, *parts: sa.Column[Any] | sa.Constraint, indexed: tuple[str, ...] = ()
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
