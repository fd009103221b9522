"""The queue: which clip a reviewer takes next, so that no two ever hold the same one.

A claim is one row whose key names the work: an INSERT that gives way to a living claim of another,
on SQLite and PostgreSQL alike. A claim ends when it is decided, released, or expires.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from dailies import record as tables
from dailies.database import Record
from dailies.record import (
    COUNTING,
    Appeal,
    BlindCheck,
    Episode,
    Finding,
    LotItem,
    Review,
    SecondLook,
)
from review.standing import has_decided

LASTS = dt.timedelta(minutes=10)
"""How long a claim lasts unless renewed."""

MOST_HELD = 3
"""Clips that one reviewer may hold at once: the one on screen, and what is loaded ahead."""

BLIND_SHARE = 0.04
"""Share of claims that are a blind check, where there is one that the reviewer has not seen."""

MIXED_SHARE = 0.25
"""Share of claims that are a second look or a sample, where any waits."""

RISK = ("fail", "suspect", "unknown", "good")
"""Verdicts in the order in which waiting clips are taken; within one, the longest waiting first."""

AT_ONCE = 30  # candidates looked up together, since others may take the first ones meanwhile


class ClaimLost(RuntimeError):
    """The claim has ended, and ``reviewer`` holds the clip now (None: nobody)."""

    def __init__(self, reviewer: str | None) -> None:
        self.reviewer = reviewer
        who = f"{reviewer} has it now" if reviewer else "it was decided or released"
        super().__init__(f"your claim on this clip has ended and {who}: take the next one")


class HoldsEnough(RuntimeError):
    """The reviewer holds as many clips as one may."""


@dataclass(frozen=True)
class Filters:
    """What a reviewer wants to see; an empty tuple means all."""

    sites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    rigs: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


EVERYTHING = Filters()


@dataclass(frozen=True)
class Claim:
    """A clip that a reviewer holds until ``expires_at``, for a purpose.

    ``purpose`` is review, second, appeal, sample or blind; ``subject_id`` is the second look,
    appeal, lot item or blind check. Where ``is_blind``, nothing on the screen may tell it from a
    plain review, nor what others decided.
    """

    id: int
    key: str
    episode_id: int
    purpose: str
    subject_id: int | None
    reviewer: str
    claimed_at: dt.datetime
    expires_at: dt.datetime

    @property
    def is_blind(self) -> bool:
        """Whether the reviewer must not know what it is for."""
        return self.purpose in ("second", "sample", "blind")


@dataclass(frozen=True)
class _Work:
    """Something to claim, not claimed yet."""

    key: str
    episode_id: int
    purpose: str
    subject_id: int | None


@dataclass(frozen=True)
class _Kind:
    """Rows that are work while ``is_open``; those with the least ``first`` come first."""

    table: type[SecondLook] | type[Appeal] | type[LotItem]
    is_open: ColumnElement[bool]
    first: InstrumentedAttribute[Any]


_KINDS = {
    "second": _Kind(SecondLook, SecondLook.done_at.is_(None), SecondLook.asked_at),
    "appeal": _Kind(Appeal, Appeal.state == "open", Appeal.due_at),
    "sample": _Kind(LotItem, LotItem.review_id.is_(None), LotItem.lot_id),
}


def claim_next(
    record: Record,
    reviewer: str,
    *,
    now: dt.datetime,
    filters: Filters = EVERYTHING,
    lasts: dt.timedelta = LASTS,
    purposes: Sequence[str] | None = None,
) -> Claim | None:
    """The next clip for a reviewer, held from now on; None where nothing waits.

    Appeals come first, by what is due; then by chance a blind check, a second look or a sample;
    else the riskiest clip that has waited longest. ``purposes`` allows only some of these, in this
    order. Raises HoldsEnough.
    """
    order = _order(reviewer, now) if purposes is None else tuple(purposes)
    while works := _next(record, reviewer, filters, now, order):
        with record.begin() as session:
            for work in _free(session, works, now):
                if claim := _take(session, work, reviewer, now, lasts):
                    return claim
    return None


def claim_episode(
    record: Record,
    reviewer: str,
    episode_id: int,
    *,
    now: dt.datetime,
    lasts: dt.timedelta = LASTS,
) -> Claim:
    """The claim on one clip, to review it out of turn or to overrule the machine.

    Raises ClaimLost where another holds it.
    """
    with record.begin() as session:
        work = _Work(key_of("review", episode_id, reviewer), episode_id, "review", None)
        claim = _take(session, work, reviewer, now, lasts, check=False)
        if claim is None:
            raise ClaimLost(holder(session, work.key, now))
        return claim


def renew(record: Record, claim: Claim, *, now: dt.datetime, lasts: dt.timedelta = LASTS) -> Claim:
    """The same claim for longer, also one that expired and that nobody took. Raises ClaimLost."""
    return _lengthen(record, claim, now, expires_at=now + lasts)


def begin(record: Record, claim: Claim, *, now: dt.datetime, lasts: dt.timedelta = LASTS) -> Claim:
    """The same claim from now on: a clip that was loaded ahead comes on the screen.

    The time that its decision takes counts from here. Raises ClaimLost.
    """
    return _lengthen(record, claim, now, expires_at=now + lasts, claimed_at=now)


def _lengthen(record: Record, claim: Claim, now: dt.datetime, **values: dt.datetime) -> Claim:
    with record.begin() as session:
        done = session.execute(
            update(tables.Claim)
            .where(tables.Claim.id == claim.id, tables.Claim.reviewer == claim.reviewer)
            .values(**values)
            .returning(tables.Claim.id)
        ).first()
        if done is None:
            raise ClaimLost(holder(session, claim.key, now))
        return _claim(session.get_one(tables.Claim, claim.id))


def take_again(
    record: Record, claim: Claim, *, now: dt.datetime, lasts: dt.timedelta = LASTS
) -> Claim:
    """A new claim on the work of one that ended, after its decision was taken back.

    Raises ClaimLost where another holds it by now.
    """
    work = _Work(claim.key, claim.episode_id, claim.purpose, claim.subject_id)
    with record.begin() as session:
        taken = _take(session, work, claim.reviewer, now, lasts, check=False)
        if taken is None:
            raise ClaimLost(holder(session, claim.key, now))
        return taken


def release(record: Record, claim: Claim) -> None:
    """Gives a clip back to the queue; nothing happens where the claim has ended."""
    with record.begin() as session:
        end(session, claim)


def held(record: Record, reviewer: str, *, now: dt.datetime) -> tuple[Claim, ...]:
    """What a reviewer holds, oldest first: where to go on after a page was loaded again."""
    living = (tables.Claim.reviewer == reviewer, tables.Claim.expires_at > now)
    with record.read() as session:
        rows = session.scalars(select(tables.Claim).where(*living).order_by(tables.Claim.id))
        return tuple(_claim(row) for row in rows)


def outside(record: Record, claims: Sequence[Claim], filters: Filters) -> tuple[Claim, ...]:
    """Those of the claims whose clips the filters leave out."""
    ids = [claim.episode_id for claim in claims]
    with record.read() as session:
        within = session.scalars(select(Episode.id).where(Episode.id.in_(ids), *_chosen(filters)))
        kept = set(within)
    return tuple(claim for claim in claims if claim.episode_id not in kept)


def waiting(
    record: Record, *, now: dt.datetime, filters: Filters = EVERYTHING, limit: int = 1
) -> tuple[int, ...]:
    """Ids of the clips that would be taken next for plain review, to load them ahead."""
    with record.read() as session:
        found = [
            id_
            for verdict in RISK
            for id_ in session.scalars(_unreviewed(verdict, filters, now).limit(limit))
        ]
    return tuple(found[:limit])


def end(session: Session, claim: Claim) -> None:
    """Ends a claim, where its reviewer still holds it."""
    mine = (tables.Claim.id == claim.id, tables.Claim.reviewer == claim.reviewer)
    session.execute(delete(tables.Claim).where(*mine))


def key_of(purpose: str, subject: int | None, reviewer: str) -> str:
    """The name of the work, which one claim can have; ``subject`` is the episode of a review."""
    return f"{purpose}:{subject}:{reviewer}" if purpose == "blind" else f"{purpose}:{subject}"


def holder(session: Session, key: str, now: dt.datetime) -> str | None:
    """Who holds this work, None where nobody does."""
    living = (tables.Claim.key == key, tables.Claim.expires_at > now)
    return session.scalars(select(tables.Claim.reviewer).where(*living)).first()


def _order(reviewer: str, now: dt.datetime) -> tuple[str, ...]:
    chance = random.Random(f"{reviewer} {now.isoformat()}").random()
    if chance < BLIND_SHARE:
        return ("appeal", "blind", "review", "second", "sample")
    if chance < BLIND_SHARE + MIXED_SHARE:
        return ("appeal", "second", "sample", "review")
    return ("appeal", "review", "second", "sample")


def _next(
    record: Record, reviewer: str, filters: Filters, now: dt.datetime, order: Sequence[str]
) -> tuple[_Work, ...]:
    """What to try to take next, looked up without holding up those who write."""
    with record.read() as session:
        _refuse_more(session, reviewer, now)
        for purpose in order:
            if works := tuple(_CANDIDATES[purpose](session, reviewer, filters, now)):
                return works
    return ()


def _free(session: Session, works: Sequence[_Work], now: dt.datetime) -> list[_Work]:
    """Those that nobody has taken since they were looked up: one question instead of many tries."""
    keys = [work.key for work in works]
    living = (tables.Claim.key.in_(keys), tables.Claim.expires_at > now)
    taken = set(session.scalars(select(tables.Claim.key).where(*living)))
    return [work for work in works if work.key not in taken]


def _refuse_more(session: Session, reviewer: str, now: dt.datetime) -> None:
    living = (tables.Claim.reviewer == reviewer, tables.Claim.expires_at > now)
    count = session.scalar(select(func.count()).select_from(tables.Claim).where(*living)) or 0
    if count >= MOST_HELD:
        raise HoldsEnough(f"you hold {count} clips: decide on them or release them first")


def _take(
    session: Session,
    work: _Work,
    reviewer: str,
    now: dt.datetime,
    lasts: dt.timedelta,
    *,
    check: bool = True,
) -> Claim | None:
    """The claim, None where another's lives or where the work was done meanwhile."""
    values = {
        "key": work.key,
        "episode_id": work.episode_id,
        "purpose": work.purpose,
        "subject_id": work.subject_id,
        "reviewer": reviewer,
        "claimed_at": now,
        "expires_at": now + lasts,
    }
    insert: Any = postgresql.insert if _is_postgres(session) else sqlite.insert
    free = or_(tables.Claim.expires_at <= now, tables.Claim.reviewer == reviewer)
    taken = session.execute(
        insert(tables.Claim)
        .values(values)
        .on_conflict_do_update(index_elements=["key"], set_=values, where=free)
        .returning(tables.Claim.id)
    ).scalar()
    if taken is None:
        return None
    claim = _claim(session.get_one(tables.Claim, taken, populate_existing=True))
    if check and not session.scalar(select(_still(work))):
        end(session, claim)  # decided between our look and our claim
        return None
    return claim


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _still(work: _Work) -> ColumnElement[bool]:
    """Whether the work is still to be done."""
    if kind := _KINDS.get(work.purpose):
        return exists().where(kind.table.id == work.subject_id, kind.is_open)
    if work.purpose == "blind":
        return exists().where(BlindCheck.id == work.subject_id)
    return exists().where(
        Episode.id == work.episode_id, Episode.decision.is_(None), ~_reviewed(work.episode_id)
    )


def _claim(row: tables.Claim) -> Claim:
    return Claim(
        row.id,
        row.key,
        row.episode_id,
        row.purpose,
        row.subject_id,
        row.reviewer,
        row.claimed_at,
        row.expires_at,
    )


def _reviewed(episode_id: Any) -> ColumnElement[bool]:
    """Whether a review stands on the episode, or waits in a hold."""
    return exists().where(
        Review.episode_id == episode_id,
        Review.kind.in_(COUNTING),
        Review.undone_at.is_(None),
    )


def _chosen(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions that the filters put on an episode."""
    columns = (
        (Episode.site_id, filters.sites),
        (Episode.task_id, filters.tasks),
        (Episode.rig_id, filters.rigs),
        (Episode.worker_id, filters.workers),
    )
    found: list[ColumnElement[bool]] = [column.in_(ids) for column, ids in columns if ids]
    if filters.checks:
        flagged = (Finding.episode_id == Episode.id, Finding.check.in_(filters.checks))
        found.append(exists().where(*flagged))
    return found


def _unheld(purpose: str, subject: Any, now: dt.datetime) -> ColumnElement[bool]:
    """Whether nobody holds this work now; ``subject`` None is plain review."""
    living = exists().where(
        tables.Claim.episode_id == Episode.id,
        tables.Claim.purpose == purpose,
        tables.Claim.expires_at > now,
    )
    return ~(living if subject is None else living.where(tables.Claim.subject_id == subject))


def _is_new_to(reviewer: str, purpose: str) -> ColumnElement[bool]:
    """Whether this reviewer is not among those who decided on the episode; a blind check is for who
    never did, not even to take it back.
    """
    if purpose != "blind":
        return ~has_decided(reviewer, Episode.id)
    return ~exists().where(Review.episode_id == Episode.id, Review.reviewer == reviewer)


def _reviews(
    session: Session, reviewer: str, filters: Filters, now: dt.datetime
) -> Iterator[_Work]:
    """Those of the riskiest verdict of which any wait, one verdict after the other."""
    for verdict in RISK:
        found = session.scalars(_unreviewed(verdict, filters, now).limit(AT_ONCE)).all()
        if found:
            for id_ in found:
                yield _Work(key_of("review", id_, reviewer), id_, "review", None)
            return


def _unreviewed(verdict: str, filters: Filters, now: dt.datetime) -> Select[int]:
    """Clips of a verdict that no decision stands on and nobody holds, longest waiting first."""
    return (
        select(Episode.id)
        .where(
            Episode.decision.is_(None),
            Episode.verdict == verdict,
            Episode.duplicate_of.is_(None),
            ~_reviewed(Episode.id),
            _unheld("review", None, now),
            *_chosen(filters),
        )
        .order_by(Episode.landed_at, Episode.id)
    )


def _blinds(session: Session, reviewer: str, filters: Filters, now: dt.datetime) -> Iterator[_Work]:
    """Within the filters, though one can choose them away so: from without, a clip of another rig
    would tell by itself what it is. Several may hold one.
    """
    mine = exists().where(
        tables.Claim.purpose == "blind",
        tables.Claim.subject_id == BlindCheck.id,
        tables.Claim.reviewer == reviewer,
        tables.Claim.expires_at > now,
    )
    found = (
        select(BlindCheck.id, BlindCheck.episode_id)
        .join(Episode, Episode.id == BlindCheck.episode_id)
        .where(BlindCheck.retired_at.is_(None), ~mine)
        .order_by(BlindCheck.id)
    )
    yield from _subjects(session, found, "blind", reviewer, filters)


def _of_kind(purpose: str) -> Callable[[Session, str, Filters, dt.datetime], Iterator[_Work]]:
    """The candidates for second looks, appeals or samples."""
    kind = _KINDS[purpose]
    found = (
        select(kind.table.id, kind.table.episode_id)
        .join(Episode, Episode.id == kind.table.episode_id)
        .where(kind.is_open)
        .order_by(kind.first, kind.table.id)
    )

    def candidates(
        session: Session, reviewer: str, filters: Filters, now: dt.datetime
    ) -> Iterator[_Work]:
        free = found.where(_unheld(purpose, kind.table.id, now))
        return _subjects(session, free, purpose, reviewer, filters)

    return candidates


def _subjects(
    session: Session,
    found: Select[int, int],
    purpose: str,
    reviewer: str,
    filters: Filters,
) -> Iterator[_Work]:
    """Work on clips that are new to this reviewer."""
    mine = found.where(and_(_is_new_to(reviewer, purpose), *_chosen(filters))).limit(AT_ONCE)
    for subject, episode_id in session.execute(mine).all():
        yield _Work(key_of(purpose, subject, reviewer), episode_id, purpose, subject)


_CANDIDATES: dict[str, Callable[[Session, str, Filters, dt.datetime], Iterator[_Work]]] = {
    "review": _reviews,
    **{purpose: _of_kind(purpose) for purpose in _KINDS},
    "blind": _blinds,
}
