"""A reviewer's desk: the clips one holds, and what one does with them, each told in plain words.

The browser sends what was done as acts with an id of their own, all that it has no answer to yet;
each is done once. What a refusal leaves undone stays on the desk.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from dailies.database import Record
from review import decisions, queue
from review.breaker import NotYours
from review.decisions import Marked
from review.queue import Claim, ClaimLost, Filters, HoldsEnough
from review.reasons import NoReason
from review.standing import AlreadyDecided, NoEpisode

log = logging.getLogger("dailies.review")

REMEMBERED = 200
"""Acts whose ids are kept, so that none is done twice."""

AHEAD = 1
"""Clips that are loaded ahead of the one on the screen."""

NOTHING_WAITS = "Nothing waits for you within these filters."
BEGIN = "Take a clip, and it is yours for ten minutes, or as long as you look at it."


@dataclass
class Desk:
    """``held`` is a ring: the first is on the screen, then what is loaded ahead or kept for later.

    ``turn`` grows where the browser must follow our order rather than its own.
    """

    reviewer: str
    held: list[Claim] = field(default_factory=list)
    later: set[int] = field(default_factory=set)  # claims passed over
    decided: int = 0  # in this sitting
    past: set[int] = field(default_factory=set)  # reviews that cannot be taken back any more
    filters: Filters | None = None  # those that the held clips were held against
    done: list[str] = field(default_factory=list)
    turn: int = 0
    messages: int = 0
    message: str = ""
    idle: str = BEGIN
    begun: int | None = None  # the claim whose time is counted
    is_sitting: bool = False  # had a clip a moment ago, and wants the next

    def say(self, text: str) -> None:
        """Tell the reviewer something, once."""
        self.messages += 1
        self.message = text


def fit(desk: Desk, record: Record, filters: Filters) -> None:
    """Give back what is held and lies outside the filters, where these are new to the desk."""
    if desk.filters == filters:
        return
    desk.filters = filters
    outside = queue.outside(record, desk.held, filters)
    for claim in outside:
        queue.release(record, claim)
        _let_go(desk, claim)
    if outside:
        desk.turn += 1
        desk.is_sitting = True  # the next one comes by itself
        clips = "clip lies" if len(outside) == 1 else "clips lie"
        desk.say(f"{len(outside)} {clips} outside the filters and went back to the queue.")


def sit_down(desk: Desk, record: Record, now: dt.datetime) -> None:
    """Take up what one still holds, where the desk is empty: the page was loaded again."""
    if not desk.held:
        desk.held = list(queue.held(record, desk.reviewer, now=now))
        desk.turn += 1


def act(
    desk: Desk, record: Record, acts: Sequence[Any], filters: Filters, now: dt.datetime
) -> None:
    """Do what the browser asks, in order, each once."""
    for one in acts:
        if not isinstance(one, Mapping) or not isinstance(one.get("id"), str):
            continue
        if one["id"] in desk.done or (does := _ACTS.get(str(one.get("do")))) is None:
            continue
        desk.done = [*desk.done[-REMEMBERED:], one["id"]]
        try:
            does(desk, record, one, filters, now)
        except SQLAlchemyError:
            log.exception("a reviewer's act could not be entered")
            desk.turn += 1
            desk.say("The record could not be reached: nothing was entered. Press the key again.")


def fill(desk: Desk, record: Record, filters: Filters, now: dt.datetime) -> None:
    """Take the next clip ahead of time, and count the time of the one on the screen."""
    for _ in range(AHEAD + 1):
        if (desk.held or desk.is_sitting) and all(one.id in desk.later for one in desk.held[1:]):
            _claim_ahead(desk, record, filters, now)
    desk.is_sitting = bool(desk.held)
    if desk.held and desk.begun != desk.held[0].id:
        desk.begun = desk.held[0].id
        _keep(desk, record, desk.held[0], now, queue.begin)


def take(desk: Desk, record: Record, filters: Filters, now: dt.datetime) -> None:
    """Take a first clip, where the desk is empty."""
    sit_down(desk, record, now)
    if not desk.held:
        _claim_ahead(desk, record, filters, now)
        desk.turn += 1


def _claim_ahead(desk: Desk, record: Record, filters: Filters, now: dt.datetime) -> None:
    try:
        claim = queue.claim_next(record, desk.reviewer, now=now, filters=filters)
    except HoldsEnough:
        return
    if claim is None:
        desk.idle = NOTHING_WAITS
    elif all(claim.id != other.id for other in desk.held):
        desk.idle = BEGIN
        desk.held.insert(1, claim)


def _held(desk: Desk, one: Mapping[str, Any]) -> Claim | None:
    return next((claim for claim in desk.held if claim.id == one.get("claim")), None)


def _let_go(desk: Desk, claim: Claim) -> None:
    desk.held = [other for other in desk.held if other.id != claim.id]
    desk.later.discard(claim.id)


def _decide(
    desk: Desk, record: Record, one: Mapping[str, Any], _filters: Filters, now: dt.datetime
) -> None:
    claim = _held(desk, one)
    if claim is None:
        return
    note = str(one.get("note") or "")[:2000] or None
    reason = one.get("reason")
    try:
        done = decisions.decide(
            record,
            claim,
            str(one.get("decision")),
            now=now,
            reason=None if reason is None else str(reason),
            note=note,
            marks=[_mark(mark) for mark in one.get("marks") or ()],
        )
    except (AlreadyDecided, ClaimLost, NotYours, NoEpisode, NoResultFound) as gone:
        queue.release(record, claim)
        _let_go(desk, claim)
        desk.turn += 1
        desk.say(_calm(gone))
    except (NoReason, ValueError) as lacking:
        desk.turn += 1  # the clip comes back, with its marks and note
        desk.say(_calm(lacking))
    else:
        _let_go(desk, claim)
        desk.decided += 1
        if done.hold_id is not None:
            desk.say("Entered. It counts once a lead has looked at your rejections.")


def _undo(
    desk: Desk, record: Record, _one: Mapping[str, Any], _filters: Filters, now: dt.datetime
) -> None:
    """Take the last decision back: asked of the record, which knows it after a reload too."""
    desk.turn += 1
    mine = decisions.recent(record, desk.reviewer, now=now)
    left = [one for one in mine if one[0] not in desk.past]
    if not left:
        desk.say("There is nothing to take back: you decided nothing within 15 minutes.")
        return
    review_id, claim = left[-1]
    try:
        decisions.undo(record, review_id, desk.reviewer, now=now)
        desk.decided -= min(desk.decided, 1)
        again = queue.take_again(record, claim, now=now)
    except (decisions.TooLate, NotYours) as refusal:
        desk.past.add(review_id)
        desk.say(_calm(refusal))
    except ClaimLost as lost:
        desk.say(f"Taken back; {lost.reviewer} has the clip now.")
    else:
        desk.held.insert(0, again)
        desk.say("Taken back. Decide again.")


def _later(
    desk: Desk, record: Record, one: Mapping[str, Any], filters: Filters, now: dt.datetime
) -> None:
    claim = _held(desk, one)
    if claim is None or claim is not desk.held[0]:
        return
    desk.later.add(claim.id)
    if len(desk.held) == 1 or all(other.id in desk.later for other in desk.held):
        _claim_ahead(desk, record, filters, now)
        desk.turn += 1
    if len(desk.held) == 1:
        desk.say("No other clip waits for you.")
    elif len(desk.held) == queue.MOST_HELD and all(other.id in desk.later for other in desk.held):
        desk.say(f"You hold {queue.MOST_HELD} clips: decide on one, or give one back (g).")
    desk.held = [*desk.held[1:], claim]
    desk.later.discard(desk.held[0].id)


def _back(
    desk: Desk, _record: Record, _one: Mapping[str, Any], _filters: Filters, _now: dt.datetime
) -> None:
    if len(desk.held) > 1:
        desk.held = [desk.held[-1], *desk.held[:-1]]
        desk.later.discard(desk.held[0].id)


def _give(
    desk: Desk, record: Record, one: Mapping[str, Any], filters: Filters, now: dt.datetime
) -> None:
    claim = _held(desk, one)
    if claim is None:
        return
    if len(desk.held) == 1:  # else the queue would hand out the very same one
        _claim_ahead(desk, record, filters, now)
    queue.release(record, claim)
    _let_go(desk, claim)


def _stay(
    desk: Desk, record: Record, _one: Mapping[str, Any], _filters: Filters, now: dt.datetime
) -> None:
    for claim in list(desk.held):
        _keep(desk, record, claim, now, queue.renew)


def _take(
    desk: Desk, record: Record, _one: Mapping[str, Any], filters: Filters, now: dt.datetime
) -> None:
    take(desk, record, filters, now)


def _keep(
    desk: Desk, record: Record, claim: Claim, now: dt.datetime, how: Callable[..., Claim]
) -> None:
    """The claim renewed in its place; where another has taken it, the clip goes."""
    try:
        kept = how(record, claim, now=now)
    except ClaimLost as lost:
        _let_go(desk, claim)
        desk.turn += 1
        desk.say(_calm(lost))
    else:
        desk.held = [kept if other.id == claim.id else other for other in desk.held]


def _mark(given: Any) -> Marked:
    """Raises ValueError for what is no span."""
    try:
        stream = given.get("stream")
        return Marked(
            float(given["start_s"]),
            float(given["end_s"]),
            str(given["reason"])[:32],
            None if stream is None else str(stream),
        )
    except (AttributeError, KeyError, TypeError):
        raise ValueError("a marked span could not be read: mark it anew") from None


def _calm(refusal: Exception) -> str:
    if isinstance(refusal, NoResultFound):
        return "There is nothing to decide on this clip any more: it was withdrawn."
    text = str(refusal).strip("'\"")
    # who was first is named as they are, also where that is a lower-case letter
    return f"{text}." if isinstance(refusal, AlreadyDecided) else f"{text[:1].upper()}{text[1:]}."


_ACTS: dict[str, Callable[[Desk, Record, Mapping[str, Any], Filters, dt.datetime], None]] = {
    "decide": _decide,
    "undo": _undo,
    "later": _later,
    "back": _back,
    "give": _give,
    "stay": _stay,
    "take": _take,
}
