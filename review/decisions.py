"""Deciding on a clip, taking it back, and overruling: everything stays on the record.

A decision is a row of ``review``; what counts stands on the episode. Two who decide on the same
work at the same instant are put in order by the episode's row: the first wins, the other is told.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import Appeal, Episode, Finding, Lot, LotItem, Mark, Review, SecondLook
from review.appeals import bring_in
from review.breaker import NotYours, hold_for
from review.queue import Claim, ClaimLost, end, holder, key_of
from review.reasons import CHECKS, PEOPLE, NoReason, require_reason
from review.standing import (
    AlreadyDecided,
    count,
    has_decided,
    latest,
    locked,
    recount,
    said,
)

DECISIONS = ("accepted", "rejected", "retake")

SECOND_LOOK_SHARE = 0.05
"""Share of first decisions that another reviewer takes again, without seeing them."""

UNDO_WITHIN = dt.timedelta(minutes=15)


class TooLate(RuntimeError):
    """A decision that can no longer be taken back; the text says why, and what to do."""


@dataclass(frozen=True)
class Marked:
    """A span that the reviewer marked: seconds on the recording's clock, and a reason."""

    start_s: float
    end_s: float
    reason: str
    stream: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a span that ends before it starts."""
        if not 0 <= self.start_s <= self.end_s:
            raise ValueError(f"a span from {self.start_s} s to {self.end_s} s is none")


@dataclass(frozen=True)
class Decided:
    """What came of a decision: the review's id, and whether it counts already.

    ``hold_id`` is the hold in which a rejection waits for a lead; ``second_look`` tells the program
    (never the reviewer) that another will look again.
    """

    review_id: int
    episode_id: int
    decision: str
    counts: bool
    hold_id: int | None = None
    second_look: bool = False


@dataclass(frozen=True)
class _Said:
    """A decision as it was given, by whom and when."""

    claim: Claim
    decision: str
    reason: str | None
    note: str | None
    now: dt.datetime
    share: float = field(default=SECOND_LOOK_SHARE)


def decide(
    record: Record,
    claim: Claim,
    decision: str,
    *,
    now: dt.datetime,
    reason: str | None = None,
    note: str | None = None,
    marks: Sequence[Marked] = (),
    share: float = SECOND_LOOK_SHARE,
) -> Decided:
    """Decide on a claimed clip: accepted, rejected or retake, with the reason it needs.

    A claim that expired and that nobody took is still good. ``share`` is that of second looks.
    Raises NoReason, ClaimLost where another holds the clip now, AlreadyDecided where another
    decided first, and ValueError for a decision that is none.
    """
    if decision not in DECISIONS:
        raise ValueError(f"{decision!r} is no decision: {', '.join(DECISIONS)}")
    given = _Said(claim, decision, reason, note, now, share)
    with record.begin() as session:
        episode = locked(session, claim.episode_id)
        done = _DECIDE[claim.purpose](session, episode, given)
        _require_reason(session, episode, given)
        _keep_marks(session, episode, marks, done.review_id, given)
        end(session, claim)
        return done


def override(
    record: Record,
    episode_id: int,
    lead: str,
    decision: str,
    *,
    now: dt.datetime,
    reason: str | None = None,
    note: str | None = None,
) -> Decided:
    """A lead's decision over whatever stands; a span in a hold is decided by it too.

    Raises NoReason, and NotYours where the lead's own decision stands.
    """
    if decision not in DECISIONS:
        raise ValueError(f"{decision!r} is no decision: {', '.join(DECISIONS)}")
    with record.begin() as session:
        episode = locked(session, episode_id)
        standing = latest(session, episode_id)
        if standing is not None and standing.reviewer == lead and standing.kind != "lead":
            raise NotYours("your own decision stands on this clip: another has to overrule it")
        claim = Claim(0, "", episode_id, "lead", None, lead, now, now)
        given = _Said(claim, decision, reason, note, now)
        _require_reason(session, episode, given)
        review = _review(session, episode, given, "lead", standing)
        count(episode, decision, now)
        return Decided(review.id, episode_id, decision, counts=True)


def undo(record: Record, review_id: int, reviewer: str, *, now: dt.datetime) -> int:
    """Takes one's own decision back within UNDO_WITHIN; what stood before stands again.

    The row stays, with ``undone_at``. The episode's id. Raises TooLate where time is up, or where
    something was built on the decision since, and NotYours.
    """
    with record.begin() as session:
        review = session.get(Review, review_id)
        if review is None or review.reviewer != reviewer:
            raise NotYours("only who took a decision can take it back")
        episode = locked(session, review.episode_id)
        session.refresh(review)
        _refuse_late(session, review, now)
        review.undone_at = now
        _UNDO.get(review.kind, _nothing)(session, review, now)
        if review.kind in ("first", "appeal", "sample"):
            recount(session, episode)
        return episode.id


def recent(record: Record, reviewer: str, *, now: dt.datetime) -> tuple[tuple[int, Claim], ...]:
    """What a reviewer decided within UNDO_WITHIN and did not take back, the last one last.

    Each review's id with its claim as it was, for ``queue.take_again`` after ``undo``.
    """
    mine = (
        Review.reviewer == reviewer,
        Review.decided_at >= now - UNDO_WITHIN,
        Review.undone_at.is_(None),
        Review.kind.in_(_PURPOSES),
    )
    with record.read() as session:
        rows = session.scalars(select(Review).where(*mine).order_by(Review.decided_at, Review.id))
        return tuple((row.id, _claim_of(row)) for row in rows)


_PURPOSES = {"first": "review"} | {kind: kind for kind in ("second", "appeal", "sample", "blind")}
"""What a claim was for, by the kind of the review that came of it; a lead's came of none."""


def _claim_of(row: Review) -> Claim:
    purpose = _PURPOSES[row.kind]
    subject = row.episode_id if purpose == "review" else row.subject_id
    began = row.started_at or row.decided_at
    return Claim(
        0,
        key_of(purpose, subject, row.reviewer),
        row.episode_id,
        purpose,
        row.subject_id,
        row.reviewer,
        began,
        row.decided_at,
    )


def is_drawn(episode_id: int, review_id: int, share: float) -> bool:
    """Whether a decision goes to a second look: by the hash of its numbers, so for good."""
    digest = hashlib.blake2b(f"{episode_id}:{review_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2.0**64


def _review(
    session: Session,
    episode: Episode,
    given: _Said,
    kind: str,
    over: Review | None = None,
    hold_id: int | None = None,
) -> Review:
    row = Review(
        episode_id=episode.id,
        reviewer=given.claim.reviewer,
        decision=given.decision,
        reason=given.reason,
        note=given.note,
        policy=episode.policy,
        decided_at=given.now,
        kind=kind,
        subject_id=given.claim.subject_id,
        supersedes=over.id if over else None,
        started_at=given.claim.claimed_at if given.claim.id else None,
        hold_id=hold_id,
    )
    session.add(row)
    session.flush()
    return row


def _first(session: Session, episode: Episode, given: _Said) -> Decided:
    other = latest(session, episode.id)
    if other is not None:
        raise AlreadyDecided(other.reviewer, other.decided_at, other.decision)
    now_held_by = holder(session, given.claim.key, given.now)
    if now_held_by not in (None, given.claim.reviewer):
        raise ClaimLost(now_held_by)
    hold_id = None
    if given.decision != "accepted":
        hold_id = hold_for(session, given.claim.reviewer, given.now)
    review = _review(session, episode, given, "first", hold_id=hold_id)
    drawn = hold_id is None and is_drawn(episode.id, review.id, given.share)
    if hold_id is None:
        count(episode, given.decision, given.now)
    if drawn:
        session.add(SecondLook(episode_id=episode.id, review_id=review.id, asked_at=given.now))
    return Decided(review.id, episode.id, given.decision, hold_id is None, hold_id, drawn)


def _second(session: Session, episode: Episode, given: _Said) -> Decided:
    look = session.get_one(SecondLook, given.claim.subject_id, populate_existing=True)
    if look.second_id is not None or look.done_at is not None:
        _refuse_second(session, look.second_id)
    first = session.get_one(Review, look.review_id)
    _refuse_own(session, episode, given)
    review = _review(session, episode, given, "second")
    look.second_id, look.done_at = review.id, given.now
    if said(first.decision) != said(given.decision) and latest(session, episode.id) is first:
        why = f"second look: {given.decision}, not {first.decision}"
        bring_in(session, episode, why, "second look", given.now, worker_id=None)
    return Decided(review.id, episode.id, given.decision, counts=False)


def _appeal(session: Session, episode: Episode, given: _Said) -> Decided:
    appeal = session.get_one(Appeal, given.claim.subject_id, populate_existing=True)
    if appeal.state != "open":
        _refuse_second(session, appeal.review_id)
    _refuse_own(session, episode, given)
    stood = episode.decision
    review = _review(session, episode, given, "appeal", latest(session, episode.id))
    count(episode, given.decision, given.now)
    appeal.state = "upheld" if stood == said(given.decision) else "overturned"
    appeal.review_id, appeal.closed_at = review.id, given.now
    return Decided(review.id, episode.id, given.decision, counts=True)


def _sample(session: Session, episode: Episode, given: _Said) -> Decided:
    item = session.get_one(LotItem, given.claim.subject_id, populate_existing=True)
    if item.review_id is not None:
        _refuse_second(session, item.review_id)
    review = _review(session, episode, given, "sample", latest(session, episode.id))
    count(episode, given.decision, given.now)
    item.review_id = review.id
    session.flush()
    _close_lot(session, item.lot_id, given.now)
    return Decided(review.id, episode.id, given.decision, counts=True)


def _blind(session: Session, episode: Episode, given: _Said) -> Decided:
    again = select(Review).where(
        Review.kind == "blind",
        Review.subject_id == given.claim.subject_id,
        Review.reviewer == given.claim.reviewer,
        Review.undone_at.is_(None),
    )
    if (before := session.scalars(again).first()) is not None:
        raise AlreadyDecided(before.reviewer, before.decided_at, before.decision)
    review = _review(session, episode, given, "blind")
    return Decided(review.id, episode.id, given.decision, counts=False)


_DECIDE: dict[str, Callable[[Session, Episode, _Said], Decided]] = {
    "review": _first,
    "second": _second,
    "appeal": _appeal,
    "sample": _sample,
    "blind": _blind,
}


def _refuse_second(session: Session, review_id: int | None) -> None:
    other = session.get(Review, review_id) if review_id is not None else None
    if other is None:
        raise ClaimLost(None)
    raise AlreadyDecided(other.reviewer, other.decided_at, other.decision)


def _refuse_own(session: Session, episode: Episode, given: _Said) -> None:
    if session.scalar(select(has_decided(given.claim.reviewer, episode.id))):
        raise NotYours("you decided on this clip before: another has to look now")


def _close_lot(session: Session, lot_id: int, now: dt.datetime) -> None:
    """Closes a lot whose sample is inspected: more than ``accept`` found, and it is not accepted.

    Of reduced plans, whose numbers leave a gap, a lot in the gap is accepted too.
    """
    of_lot = LotItem.lot_id == lot_id
    left = select(func.count()).select_from(LotItem).where(of_lot, LotItem.review_id.is_(None))
    if session.scalar(left):
        return
    lot = session.get_one(Lot, lot_id)
    bad = (
        select(func.count())
        .select_from(LotItem)
        .join(Review, Review.id == LotItem.review_id)
        .where(of_lot, Review.decision != "accepted")
    )
    lot.found = session.scalar(bad) or 0
    lot.state = "accepted" if lot.found < lot.reject else "not_accepted"
    lot.closed_at = now


def _require_reason(session: Session, episode: Episode, given: _Said) -> None:
    flagged: set[str] = set()
    reason = given.reason
    if given.decision != "accepted" and reason and reason not in PEOPLE and reason not in CHECKS:
        known = select(Finding.check).where(Finding.check == reason).limit(1)
        flagged = set(session.scalars(known))
    require_reason(given.decision, reason, given.note, verdict=episode.verdict, flagged=flagged)


def _keep_marks(
    session: Session, episode: Episode, marks: Sequence[Marked], review_id: int, given: _Said
) -> None:
    for mark in marks:
        if mark.end_s > episode.duration_s + 0.001:
            raise ValueError(
                f"a span ends at {mark.end_s} s, the clip at {episode.duration_s} s: mark it anew"
            )
    session.add_all(
        Mark(
            episode_id=episode.id,
            review_id=review_id,
            reviewer=given.claim.reviewer,
            reason=mark.reason,
            stream=mark.stream,
            start_s=mark.start_s,
            end_s=mark.end_s,
            marked_at=given.now,
        )
        for mark in marks
    )


def _refuse_late(session: Session, review: Review, now: dt.datetime) -> None:
    if review.undone_at is not None:
        raise TooLate("this decision was taken back already")
    if now - review.decided_at > UNDO_WITHIN:
        minutes = UNDO_WITHIN.total_seconds() / 60
        raise TooLate(f"{minutes:g} minutes have passed: bring in an appeal instead")
    if review.kind == "lead":
        raise TooLate("a lead's decision is not taken back but overruled: decide again")
    newer = latest(session, review.episode_id)
    if review.kind in ("first", "appeal", "sample") and newer is not None and newer.id != review.id:
        raise TooLate(f"{newer.reviewer} decided on this clip since: bring in an appeal instead")
    looked = select(SecondLook.id).where(
        SecondLook.review_id == review.id, SecondLook.second_id.is_not(None)
    )
    appealed = select(Appeal.id).where(
        Appeal.episode_id == review.episode_id, Appeal.against_id == review.id
    )
    if session.scalar(looked) is not None or session.scalar(appealed) is not None:
        raise TooLate("another has looked at this clip since: bring in an appeal instead")


def _nothing(_session: Session, _review: Review, _now: dt.datetime) -> None:
    return None


def _undo_first(session: Session, review: Review, now: dt.datetime) -> None:
    """A second look at a decision that is no more is not needed."""
    looks = select(SecondLook).where(SecondLook.review_id == review.id)
    for look in session.scalars(looks):
        look.done_at = now


def _undo_second(session: Session, review: Review, now: dt.datetime) -> None:
    look = session.get_one(SecondLook, review.subject_id)
    look.second_id = look.done_at = None
    raised = select(Appeal).where(
        Appeal.episode_id == review.episode_id,
        Appeal.brought_in_by == "second look",
        Appeal.brought_at == review.decided_at,
    )
    for appeal in session.scalars(raised):
        if appeal.state != "open":
            raise TooLate("the appeal that came of it is decided")
        appeal.state, appeal.closed_at = "withdrawn", now


def _undo_appeal(session: Session, review: Review, _now: dt.datetime) -> None:
    appeal = session.get_one(Appeal, review.subject_id)
    appeal.state, appeal.review_id, appeal.closed_at = "open", None, None


def _undo_sample(session: Session, review: Review, _now: dt.datetime) -> None:
    item = session.get_one(LotItem, review.subject_id)
    item.review_id = None
    lot = session.get_one(Lot, item.lot_id)
    lot.state, lot.found, lot.closed_at = "open", None, None


_UNDO: dict[str, Callable[[Session, Review, dt.datetime], None]] = {
    "first": _undo_first,
    "second": _undo_second,
    "appeal": _undo_appeal,
    "sample": _undo_sample,
}

__all__ = [
    "DECISIONS",
    "SECOND_LOOK_SHARE",
    "UNDO_WITHIN",
    "Decided",
    "Marked",
    "NoReason",
    "TooLate",
    "decide",
    "is_drawn",
    "override",
    "recent",
    "undo",
]
