"""Appeals: a decision looked at again by somebody who did not take it, with a clock on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import APPEAL_DUE, Appeal, Episode, Review
from review.standing import latest, locked


@dataclass(frozen=True)
class Standing:
    """How an appeal stands: open until ``due_at``, or upheld, overturned or withdrawn.

    ``answered_by`` gave the ``answer``; None where open or withdrawn.
    """

    reason: str
    brought_in_by: str
    brought_at: dt.datetime
    due_at: dt.datetime
    state: str
    closed_at: dt.datetime | None
    answered_by: str | None
    answer: str | None


class CannotAppeal(RuntimeError):
    """There is nothing to appeal against; the text says why."""


def appeal(
    record: Record,
    episode_id: int,
    *,
    reason: str,
    brought_in_by: str,
    now: dt.datetime,
    worker_id: str | None = None,
    due: dt.timedelta = APPEAL_DUE,
) -> int:
    """Brings in an appeal against what stands on an episode; its id.

    ``worker_id`` is who appeals, by default the episode's worker. Raises CannotAppeal where
    nothing is decided, or where an appeal is open already, and ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("an appeal needs a reason: say what is wrong with the decision")
    with record.begin() as session:
        episode = locked(session, episode_id)
        if episode.decision is None:
            raise CannotAppeal("nothing is decided on this clip yet: it waits for review")
        standing = select(Appeal.id).where(Appeal.episode_id == episode_id, Appeal.state == "open")
        if session.scalars(standing).first() is not None:
            raise CannotAppeal("an appeal on this clip is open already")
        who = worker_id or episode.worker_id
        row = bring_in(session, episode, reason, brought_in_by, now, worker_id=who, due=due)
        return row.id


def of_episode(record: Record, episode_id: int) -> tuple[Standing, ...]:
    """The appeals on an episode, the latest first."""
    with record.read() as session:
        rows = session.execute(
            select(Appeal, Review.reviewer, Review.decision)
            .outerjoin(Review, Review.id == Appeal.review_id)
            .where(Appeal.episode_id == episode_id)
            .order_by(Appeal.brought_at.desc(), Appeal.id.desc())
        ).all()
        return tuple(
            Standing(
                one.reason,
                one.brought_in_by,
                one.brought_at,
                one.due_at,
                one.state,
                one.closed_at,
                reviewer,
                answer,
            )
            for one, reviewer, answer in rows
        )


def bring_in(
    session: Session,
    episode: Episode,
    reason: str,
    brought_in_by: str,
    now: dt.datetime,
    *,
    worker_id: str | None,
    due: dt.timedelta = APPEAL_DUE,
) -> Appeal:
    """Enters an appeal against what stands, in the caller's transaction."""
    against = latest(session, episode.id)
    row = Appeal(
        episode_id=episode.id,
        worker_id=worker_id,
        reason=reason,
        brought_in_by=brought_in_by,
        brought_at=now,
        due_at=now + due,
        against_id=against.id if against else None,
        state="open",
    )
    session.add(row)
    session.flush()
    return row
