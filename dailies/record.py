"""The record: what nobody may lose, in a relational database reached through SQLAlchemy.

SQLite (WAL) by default, PostgreSQL when one machine is not enough. Decisions go in here, in
transactions; questions are asked of the mirror. Every row carries a change number, kept by
triggers of the database itself (see ``dailies.changes``), so that no writer can forget it.
"""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext
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


def _decided_at_once(context: DefaultExecutionContext) -> str | None:
    """The decision that an episode is entered with is its first."""
    given: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return given.get("decision")


class Episode(Row):
    """One task attempt. Who and where are as the recording says, so they may be unknown here.

    ``worked_on`` is the day for which it counts (see ``dailies.shifts``). ``decision`` is what
    stands: ``accepted`` or ``rejected``, by the machine's verdict or by the last review; None while
    it waits for review.
    ``duplicate_of`` is the id of the episode with the same content that came first; a duplicate
    counts no hours. ``first_decision`` is the first that ever counted, and never changes unless it
    was taken back at once: first-pass yield stands on it. ``retake_of`` is the episode that this
    one does over. ``is_scored`` says that all its scores are there, which tell other verdicts.
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
    first_decision: Mapped[str | None] = mapped_column(String(8), default=_decided_at_once)
    duplicate_of: Mapped[int | None]
    retake_of: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    measurements: Mapped[str | None] = mapped_column(
        Text
    )  # where the curves lie, under the data dir
    is_example: Mapped[bool] = mapped_column(default=False)
    is_scored: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        Index("episode_path_index", "path", "episode_index"),
        Index(
            "episode_waiting_index",
            "verdict",
            "landed_at",
            sqlite_where=text("decision IS NULL"),
            postgresql_where=text("decision IS NULL"),
        ),
        Index("episode_day_index", "worked_on", "site_id"),
        Index("episode_worker_index", "worker_id", "task_id"),
    )


class Stream(Row):
    """One signal of an episode. ``file`` and its span say where the player finds the pictures.

    ``late_ms`` is how late a camera shows the robot, below 0 early; None where it cannot be told.
    """

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
    late_ms: Mapped[float | None]


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


class Score(Row):
    """How far a check of an episode is from its limits, as ``quality.scores.Score`` says.

    They stand whatever the limits are, so that a verdict under others can be told from them. An
    episode with ``is_scored`` has all that there are; a check far from its limits has none.
    """

    __tablename__ = "score"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(
        ForeignKey("episode.id", ondelete="CASCADE"), index=True
    )
    check: Mapped[str] = mapped_column("check_name", String(32))
    grade: Mapped[str] = mapped_column(String(8))
    suspect_to: Mapped[float | None]
    fail_to: Mapped[float | None]


class PolicyVersion(Row):
    """A policy that somebody saved: ``version`` is ``<name>@<hash>``, ``text`` its TOML."""

    __tablename__ = "policy"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64), unique=True)
    note: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str]
    made_at: Mapped[dt.datetime]


class PolicyUse(Row):
    """From when on a policy has been in force, and who put it there; the latest one holds."""

    __tablename__ = "policy_use"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[dt.datetime]
    begun_by: Mapped[str]


class Review(Row):
    """A person's decision on an episode: accepted, rejected or retake (rejected, and to be redone).

    It overrides and never erases. ``kind`` is first, appeal, sample or lead, which count, or second
    or blind, which only compare; ``subject_id`` is the second look, appeal, blind check or lot item
    that it answers. ``supersedes`` is the review it overrode, None where that was the machine. One
    with ``undone_at`` was taken back; one with ``hold_id`` counts only after that hold is released.
    """

    __tablename__ = "review"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    reviewer: Mapped[str]
    decision: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(String(64))  # the one the verdict stood under
    decided_at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(String(8), default="first", server_default="first")
    subject_id: Mapped[int | None]
    supersedes: Mapped[int | None]
    started_at: Mapped[dt.datetime | None]  # when the reviewer claimed the clip
    undone_at: Mapped[dt.datetime | None]
    hold_id: Mapped[int | None]

    __table_args__ = (Index("review_reviewer_index", "reviewer", "decided_at"),)


COUNTING = ("first", "appeal", "sample", "lead")
"""Kinds of review that decide; the others, second and blind, only compare."""


class Claim(Row):
    """Work that a reviewer holds until ``expires_at``. Its ``key`` names it, so nobody else can.

    ``purpose`` is review, second, appeal, sample or blind; ``subject_id`` as for a review.
    """

    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    episode_id: Mapped[int] = mapped_column(
        ForeignKey("episode.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(String(8))
    subject_id: Mapped[int | None]
    reviewer: Mapped[str]
    claimed_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class SecondLook(Row):
    """A decision (``review_id``) that another reviewer is to take again, without seeing it."""

    __tablename__ = "second_look"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), unique=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("review.id"))  # the other review
    asked_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None] = mapped_column(index=True)


APPEAL_DUE = dt.timedelta(days=2)
"""How long a reviewer has to answer an appeal."""


class Appeal(Row):
    """A decision that somebody does not accept. ``state`` is open, upheld, overturned or withdrawn.

    ``brought_in_by`` is who entered it: a manager, or ``second look`` where two reviewers differ.
    ``against_id`` is the review appealed against, None where the machine decided.
    """

    __tablename__ = "appeal"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    worker_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    brought_in_by: Mapped[str]
    brought_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    against_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), index=True)
    review_id: Mapped[int | None]
    closed_at: Mapped[dt.datetime | None]


class BlindCheck(Row):
    """A clip whose ``truth`` (accepted or rejected) is known, to be mixed in among the others."""

    __tablename__ = "blind_check"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), unique=True)
    truth: Mapped[str] = mapped_column(String(8))
    note: Mapped[str | None] = mapped_column(Text)
    set_by: Mapped[str]
    set_at: Mapped[dt.datetime]
    retired_at: Mapped[dt.datetime | None]


class Lot(Row):
    """Machine-accepted clips of a site and day, of which a sample is inspected (ISO 2859-1).

    ``state`` is open, accepted or not_accepted; ``severity`` is normal, tightened or reduced.
    """

    __tablename__ = "lot"
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(String(64))
    worked_on: Mapped[dt.date]
    size: Mapped[int]
    aql: Mapped[float]  # percent nonconforming
    severity: Mapped[str] = mapped_column(String(10))
    letter: Mapped[str] = mapped_column(String(1))
    sample_size: Mapped[int]
    accept: Mapped[int]
    reject: Mapped[int]
    drawn_at: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(String(12))
    found: Mapped[int | None]  # nonconforming clips; None while open
    closed_at: Mapped[dt.datetime | None]

    __table_args__ = (UniqueConstraint("site_id", "worked_on"),)


class LotItem(Row):
    """A clip in a lot's sample, and the review that inspected it."""

    __tablename__ = "lot_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), index=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), unique=True)
    review_id: Mapped[int | None] = mapped_column(index=True)


class Hold(Row):
    """The circuit breaker: a reviewer's rejections wait for a lead while it is open.

    The four counts are what tripped it. ``outcome`` is kept (they count) or dropped.
    """

    __tablename__ = "hold"
    id: Mapped[int] = mapped_column(primary_key=True)
    reviewer: Mapped[str] = mapped_column(index=True)
    opened_at: Mapped[dt.datetime]
    rejected: Mapped[int]
    decided: Mapped[int]
    rest_rejected: Mapped[int]
    rest_decided: Mapped[int]
    released_at: Mapped[dt.datetime | None]
    released_by: Mapped[str | None]
    outcome: Mapped[str | None] = mapped_column(String(8))


class Mark(Row):
    """A span that a reviewer marked, in seconds on the recording's clock, and why."""

    __tablename__ = "mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    episode_id: Mapped[int] = mapped_column(ForeignKey("episode.id"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("review.id"))
    reviewer: Mapped[str]
    reason: Mapped[str] = mapped_column(String(32))
    stream: Mapped[str | None]
    start_s: Mapped[float]
    end_s: Mapped[float]
    marked_at: Mapped[dt.datetime]
