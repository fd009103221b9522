"""The record: what nobody may lose, in a relational database reached through SQLAlchemy.

SQLite (WAL) by default, PostgreSQL when one machine is not enough. Decisions go in here, in
transactions; questions are asked of the mirror. Every row carries a change number, kept by
triggers of the database itself (see ``dailies.changes``), so that no writer can forget it.
"""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Dialect, ForeignKey, Index, Integer, Numeric, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


class Instant(TypeDecorator[dt.datetime]):
    """An instant, stored as whole microseconds since 1970 in UTC; given and taken with its zone."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> int | None:
        """Raises ValueError for a time without a zone, which would be ambiguous."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: an instant needs one")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> dt.datetime | None:
        """The instant, in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND


class Money(TypeDecorator[decimal.Decimal]):
    """An exact amount with four decimal places; SQLite keeps it as text, so no float touches it."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC(18, 4) where the database has exact numbers."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(Numeric(18, 4))

    def process_bind_param(self, value: decimal.Decimal | None, dialect: Dialect) -> Any:
        """Text on SQLite, the Decimal itself elsewhere."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> decimal.Decimal | None:
        """The Decimal."""
        return None if value is None else decimal.Decimal(value)


class Row(DeclarativeBase):
    """A table of the record. ``change`` is set by the database's triggers, never by us."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: Instant,
        decimal.Decimal: Money,
        int: BigInteger().with_variant(Integer, "sqlite"),
        dict[str, Any]: JSON,
        list[str]: JSON,
    }

    change: Mapped[int] = mapped_column(default=0, server_default="0", index=True, sort_order=999)


class Site(Row):
    """A place where people record; ``zone`` is its IANA time zone, which defines its days."""

    __tablename__ = "site"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]  # facility, home, gig
    zone: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    minimum_wage: Mapped[decimal.Decimal | None]  # per paid hour, in the site's currency


class Rig(Row):
    """A robot, station or head camera with its cameras."""

    __tablename__ = "rig"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    camera_model: Mapped[str | None]


class Worker(Row):
    """A person who records, known by a pseudonymous id only."""

    __tablename__ = "worker"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    joined_on: Mapped[dt.date | None]


class Task(Row):
    """A chore, with the steps and the length that are expected of it."""

    __tablename__ = "task"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    steps: Mapped[list[str]]
    expected_s: Mapped[float | None]


class Program(Row):
    """What a customer ordered."""

    __tablename__ = "program"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str]
    name: Mapped[str]


class Target(Row):
    """Accepted hours promised between two days (both included), of one task and site or of all."""

    __tablename__ = "target"
    id: Mapped[int] = mapped_column(primary_key=True)
    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    task_id: Mapped[str | None] = mapped_column(ForeignKey("task.id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"))
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    hours: Mapped[float]


class Rate(Row):
    """A dated price of an hour. The latest that started and is most specific applies.

    ``basis`` is ``paid`` (per hour on shift) or ``accepted`` (per accepted hour).
    """

    __tablename__ = "rate"
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    task_id: Mapped[str | None] = mapped_column(ForeignKey("task.id"))  # only for basis accepted
    basis: Mapped[str]
    amount: Mapped[decimal.Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    starts_on: Mapped[dt.date]


class Shift(Row):
    """A stretch of paid work of one worker. ``worked_on`` is the site's day on which it began."""

    __tablename__ = "shift"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    worker_id: Mapped[str] = mapped_column(ForeignKey("worker.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    rig_id: Mapped[str | None] = mapped_column(ForeignKey("rig.id"))
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    worked_on: Mapped[dt.date]
    paid_s: Mapped[float]


class Landing(Row):
    """A path that the intake has seen: ``state`` is waiting, screening, done or failed."""

    __tablename__ = "landing"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text, unique=True)
    fingerprint: Mapped[str | None]  # of the content last screened; None until known
    state: Mapped[str]
    seen_at: Mapped[dt.datetime]
    landed_at: Mapped[dt.datetime | None]  # when it was whole
    done_at: Mapped[dt.datetime | None]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[dt.datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class Episode(Row):
    """One task attempt. Who and where are as the recording says, so they may be unknown here.

    ``worked_on`` is the site's day on which it began. ``decision`` is what stands: ``accepted`` or
    ``rejected``, by the machine's verdict or by the last review; None while it waits for review.
    ``duplicate_of`` is the id of the episode with the same content that came first; a duplicate
    counts no hours.
    """

    __tablename__ = "episode"
    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(String(64), index=True)  # hash of what was recorded
    path: Mapped[str] = mapped_column(Text)
    index: Mapped[int] = mapped_column("episode_index", default=0)
    format: Mapped[str] = mapped_column(String(32))
    program_id: Mapped[str | None] = mapped_column(String(64))
    task_id: Mapped[str | None] = mapped_column(String(64))
    worker_id: Mapped[str | None] = mapped_column(String(64))
    site_id: Mapped[str | None] = mapped_column(String(64))
    rig_id: Mapped[str | None] = mapped_column(String(64))
    shift_id: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[dt.datetime]
    worked_on: Mapped[dt.date]
    landed_at: Mapped[dt.datetime]
    judged_at: Mapped[dt.datetime]
    duration_s: Mapped[float]
    verdict: Mapped[str] = mapped_column(String(8))
    policy: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str | None] = mapped_column(String(8))
    decided_at: Mapped[dt.datetime | None]
    duplicate_of: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    measurements: Mapped[str | None] = mapped_column(
        Text
    )  # where the curves lie, under the data dir
    is_example: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("episode_path_index", "path", "episode_index"),)


class Stream(Row):
    """One signal of an episode. ``file`` and its span say where the player finds the pictures."""

    __tablename__ = "stream"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(
        ForeignKey("episode.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(String(8))  # video, series, audio
    count: Mapped[int] = mapped_column("sample_count")
    rate_hz: Mapped[float | None]
    file: Mapped[str | None] = mapped_column(Text)
    file_start_s: Mapped[float | None]
    file_end_s: Mapped[float | None]


class Measurement(Row):
    """A stored number that sums a stream up. Its name says its unit."""

    __tablename__ = "measurement"
    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("stream.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    value: Mapped[float | None]  # None: not measurable


class Finding(Row):
    """A flag of the verdict that stands, in the record. Called flag in SQL and on the pages."""

    __tablename__ = "flag"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(
        ForeignKey("episode.id", ondelete="CASCADE"), index=True
    )
    check: Mapped[str] = mapped_column("check_name", String(32))
    grade: Mapped[str] = mapped_column(String(8))
    stream: Mapped[str | None]
    start_s: Mapped[float]
    end_s: Mapped[float]
    measured: Mapped[float | None]
    limit: Mapped[float | None] = mapped_column("limit_value")
    unit: Mapped[str]
    message: Mapped[str] = mapped_column(Text)


class Review(Row):
    """A person's decision on an episode: accepted or rejected. It overrides and never erases."""

    __tablename__ = "review"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    reviewer: Mapped[str]
    decision: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(String(64))  # the one the verdict stood under
    decided_at: Mapped[dt.datetime]
