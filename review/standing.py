"""What counts on an episode, and how a review makes it count."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session

from dailies.record import COUNTING, Episode, Hold, Review

MACHINE = {"good": "accepted", "fail": "rejected"}


class NoEpisode(LookupError):
    """There is no episode of that id."""


class AlreadyDecided(RuntimeError):
    """Somebody else decided on it first: ``reviewer`` at ``decided_at``, with ``decision``."""

    def __init__(self, reviewer: str, decided_at: dt.datetime, decision: str) -> None:
        self.reviewer, self.decided_at, self.decision = reviewer, decided_at, decision
        super().__init__(
            f"{reviewer} decided {decision} at {decided_at:%H:%M:%S} UTC, before you: "
            "your decision was not entered; take the next clip, or bring in an appeal"
        )


def said(decision: str) -> str:
    """What a decision counts as: a retake is a rejection."""
    return "accepted" if decision == "accepted" else "rejected"


def locked(session: Session, episode_id: int) -> Episode:
    """The episode, which no other transaction can decide on until this one ends.

    Raises NoEpisode. SQLite has one writer at a time anyhow.
    """
    found = session.get(Episode, episode_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NoEpisode(f"no episode {episode_id}: it was deleted, or the number is wrong")
    return found


def reviews_of(episode_id: int) -> Select[Review]:
    """Reviews of an episode that decide and were not taken back, latest first; held ones too."""
    return (
        select(Review)
        .where(
            Review.episode_id == episode_id,
            Review.kind.in_(COUNTING),
            Review.undone_at.is_(None),
        )
        .order_by(Review.decided_at.desc(), Review.id.desc())
    )


def has_decided(reviewer: str, episode_id: Any) -> ColumnElement[bool]:
    """Whether a decision of this reviewer's is on an episode. One that they took back is none; one
    that a lead dropped with its hold is.
    """
    own = (Review.episode_id == episode_id, Review.reviewer == reviewer)
    return exists().where(*own, or_(Review.undone_at.is_(None), Review.hold_id.is_not(None)))


def latest(session: Session, episode_id: int) -> Review | None:
    """The review that stands on an episode, or waits in a hold; None where the machine decides."""
    return session.scalars(reviews_of(episode_id).limit(1)).first()


def count(episode: Episode, decision: str, now: dt.datetime) -> None:
    """Lets a decision stand on an episode; hours, cost and pay follow it from there."""
    value = said(decision)
    if episode.decision != value:
        episode.decision, episode.decided_at = value, now
    episode.first_decision = episode.first_decision or value


def recount(session: Session, episode: Episode) -> None:
    """Lets what is left stand on an episode after a review was taken back."""
    session.flush()
    standing = next(
        (one for one in session.scalars(reviews_of(episode.id)) if not _waits(session, one)), None
    )
    if standing is not None:
        episode.decision, episode.decided_at = said(standing.decision), standing.decided_at
        return
    is_copy = episode.duplicate_of is not None
    episode.decision = "rejected" if is_copy else MACHINE.get(episode.verdict)
    episode.decided_at = episode.judged_at if episode.decision else None
    if episode.decision is None:
        episode.first_decision = None


def _waits(session: Session, review: Review) -> bool:
    if review.hold_id is None:
        return False
    hold = session.get(Hold, review.hold_id)
    return hold is None or hold.released_at is None
