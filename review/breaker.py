"""The circuit breaker: who rejects far more than the rest has a lead look before it counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import Hold, Review
from review.intervals import wilson
from review.standing import count, latest, locked, recount

WINDOW = dt.timedelta(days=7)
"""First decisions of the last days are compared."""

LEAST = 20
"""Decisions that a reviewer, and the rest together, must have for a comparison."""


class NotYours(RuntimeError):
    """Somebody may not decide this themselves; the text says why."""


class AlreadyReleased(RuntimeError):
    """The hold was released before; the text says by whom."""


def is_far_above(rejected: int, decided: int, rest_rejected: int, rest_decided: int) -> bool:
    """Whether one reviewer's rejection rate lies above that of the rest, interval by interval.

    Both are Wilson 95 % intervals; they must not touch, and each side needs LEAST decisions.
    """
    mine, rest = wilson(rejected, decided), wilson(rest_rejected, rest_decided)
    if mine is None or rest is None or min(decided, rest_decided) < LEAST:
        return False
    return mine.is_above(rest)


def hold_for(session: Session, reviewer: str, now: dt.datetime) -> int | None:
    """The hold in which a rejection of this reviewer must wait; opens one where it trips now.

    To be asked before the rejection is entered, which is counted in.
    """
    standing = select(Hold.id).where(Hold.reviewer == reviewer, Hold.released_at.is_(None))
    if (open_id := session.scalars(standing).first()) is not None:
        return open_id
    counts = _counts(session, reviewer, now)
    if not is_far_above(*counts):
        return None
    hold = Hold(
        reviewer=reviewer,
        opened_at=now,
        rejected=counts[0],
        decided=counts[1],
        rest_rejected=counts[2],
        rest_decided=counts[3],
    )
    session.add(hold)
    session.flush()
    return hold.id


@dataclass(frozen=True)
class Held:
    """A rejection that waits in a hold."""

    review_id: int
    episode_id: int
    decision: str
    reason: str | None
    note: str | None
    decided_at: dt.datetime


def held_in(record: Record, hold_id: int) -> tuple[Held, ...]:
    """The rejections that ``release_hold`` would let count or drop, oldest first."""
    with record.read() as session:
        rows = session.scalars(
            select(Review)
            .where(Review.hold_id == hold_id, Review.undone_at.is_(None))
            .order_by(Review.decided_at, Review.id)
        )
        return tuple(
            Held(one.id, one.episode_id, one.decision, one.reason, one.note, one.decided_at)
            for one in rows
        )


def release_hold(
    record: Record, hold_id: int, lead: str, *, keep: bool, now: dt.datetime
) -> tuple[int, ...]:
    """Ends a hold: with ``keep`` its rejections count from now, else the clips wait anew.

    The ids of the episodes concerned. Raises NotYours for the reviewer's own, AlreadyReleased.
    """
    with record.begin() as session:
        hold = session.get(Hold, hold_id, with_for_update=True)
        if hold is None:
            raise LookupError(f"no hold {hold_id}")
        if hold.reviewer == lead:
            raise NotYours("a hold is released by somebody else than its reviewer")
        if hold.released_at is not None:
            raise AlreadyReleased(f"{hold.released_by} released this hold already")
        hold.released_at, hold.released_by = now, lead
        hold.outcome = "kept" if keep else "dropped"
        held = select(Review).where(Review.hold_id == hold_id, Review.undone_at.is_(None))
        concerned = []
        for review in list(session.scalars(held)):
            episode = locked(session, review.episode_id)
            concerned.append(episode.id)
            if not keep:
                review.undone_at = now
                recount(session, episode)
            elif latest(session, episode.id) is review:
                count(episode, review.decision, now)
        return tuple(concerned)


def _counts(session: Session, reviewer: str, now: dt.datetime) -> tuple[int, int, int, int]:
    """Rejected and decided, of the reviewer with one rejection more, and of the rest.

    What an earlier hold let pass is forgiven: the reviewer's count begins after its release.
    """
    freed = select(func.max(Hold.released_at)).where(Hold.reviewer == reviewer)
    since = max(now - WINDOW, session.scalar(freed) or now - WINDOW)
    is_mine = case((Review.reviewer == reviewer, 1), else_=0)
    rows = session.execute(
        select(
            is_mine,
            func.sum(case((Review.decision != "accepted", 1), else_=0)),
            func.count(),
        )
        .where(
            Review.kind == "first",
            Review.undone_at.is_(None),
            Review.decided_at > now - WINDOW,
            or_(Review.reviewer != reviewer, Review.decided_at > since),
        )
        .group_by(is_mine)
    ).all()
    found = {mine: (int(rejected), int(decided)) for mine, rejected, decided in rows}
    mine, rest = found.get(1, (0, 0)), found.get(0, (0, 0))
    return mine[0] + 1, mine[1] + 1, *rest
