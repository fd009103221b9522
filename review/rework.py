"""Reworks: a clip that does another over, as a reviewer asked.

``episode.retake_of`` links them. It is set where a take is entered whose worker did the same task
before and has a retake open for it: a standing decision ``retake`` that no later take answers. The
oldest open one is answered first. Otherwise a manager links them by hand.
"""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from dailies.database import Record
from dailies.record import COUNTING, Episode, Review
from review.standing import locked


class NoRework(ValueError):
    """Two clips of which one cannot do the other over; the text says why."""


def match(session: Session, episode: Episode) -> int | None:
    """Links a newly entered take to the retake it answers; the id of that one, None without any.

    A copy answers nothing.
    """
    if episode.worker_id is None or episode.task_id is None or episode.duplicate_of is not None:
        return None
    if episode.retake_of is not None:
        return episode.retake_of
    later = aliased(Episode)
    asked = (
        select(Episode.id)
        .join(Review, Review.episode_id == Episode.id)
        .where(
            Episode.worker_id == episode.worker_id,
            Episode.task_id == episode.task_id,
            Review.decision == "retake",
            Review.kind.in_(COUNTING),
            Review.undone_at.is_(None),
            Review.decided_at <= episode.started_at,
            Episode.decision == "rejected",
            ~exists().where(later.retake_of == Episode.id),
        )
        .order_by(Review.decided_at, Episode.id)
    )
    episode.retake_of = session.scalars(asked.limit(1)).first()
    return episode.retake_of


def link(record: Record, episode_id: int, retake_of: int | None) -> None:
    """Says by hand which clip this one does over; None unlinks it. Raises NoRework."""
    with record.begin() as session:
        episode = locked(session, episode_id)
        if retake_of is not None:
            original = locked(session, retake_of)
            if original.id == episode.id or original.started_at >= episode.started_at:
                raise NoRework(f"{episode_id} was not recorded after {retake_of}: link another")
        episode.retake_of = retake_of
