"""Review: what waits, who decides how, how well they agree, and what escapes the machine."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrics.asking import Filter, ask, ask_one

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class Waiting:
    """What a reviewer looks for in the queue; an empty tuple means all."""

    sites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    rigs: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    def parameters(self) -> dict[str, Any]:
        """The named parameters that the SQL files take; None where all are meant."""
        return {
            "sites": list(self.sites) or None,
            "tasks": list(self.tasks) or None,
            "rigs": list(self.rigs) or None,
            "workers": list(self.workers) or None,
            "checks": list(self.checks) or None,
        }


ALL_WAITING = Waiting()


@dataclass(frozen=True)
class ReviewQueue:
    """The queue in one row. ``oldest_s`` is None where nothing waits.

    ``claimed`` clips are held by ``reviewers`` people now; what stands from ``claimed`` on is of
    the whole record, whatever the filter.
    """

    waiting: int
    risky: int  # verdict suspect or fail
    waiting_h: float
    oldest_s: float | None
    claimed: int
    reviewers: int
    appeals: int  # open
    overdue: int  # of them
    second_looks: int  # yet to be taken
    samples: int  # yet to be inspected
    held_rejections: int  # waiting for a lead


@dataclass(frozen=True)
class WaitingEpisode:
    """A clip that waits, with its worst flag; ``held_by`` is who has claimed it."""

    episode_id: int
    path: str
    episode_index: int
    site_id: str | None
    rig_id: str | None
    worker_id: str | None
    task_id: str | None
    duration_s: float
    verdict: str
    landed_at: dt.datetime
    waited_s: float
    flags: int
    check_name: str | None
    stream: str | None
    message: str | None
    held_by: str | None
    held_until: dt.datetime | None
    measurements: str | None


@dataclass(frozen=True)
class Held:
    """How many clips a reviewer holds now, the first since when, the last until when."""

    reviewer: str
    clips: int
    since_at: dt.datetime
    until_at: dt.datetime


@dataclass(frozen=True)
class ReviewPace:
    """Decisions since an instant: of all, and ``mine``; None where I decided nothing."""

    decided: int
    mine: int
    median_s: float | None
    per_hour: float | None


@dataclass(frozen=True)
class AppealLine:
    """An appeal; ``left_s`` seconds until it is due, negative where overdue, None where closed."""

    appeal_id: int
    episode_id: int
    worker_id: str | None
    reason: str
    brought_in_by: str
    brought_at: dt.datetime
    due_at: dt.datetime
    state: str  # open, upheld, overturned or withdrawn
    left_s: float | None
    against: str | None  # whose decision; None: the machine's
    against_decision: str | None
    answered_by: str | None
    answer: str | None
    closed_at: dt.datetime | None


@dataclass(frozen=True)
class ReviewerYield:
    """What one reviewer did. ``standing`` compares the rejection rate's interval with all.

    ``looked_again`` first decisions met an appeal or a lead, ``overturned`` of them fell.
    """

    reviewer: str
    decisions: int
    first_decisions: int
    rejected: int  # of the first decisions
    retakes: int
    held: int  # rejections waiting for a lead
    rejection: float | None
    rejection_low: float | None
    rejection_high: float | None
    overall: float | None
    standing: str | None
    looked_again: int
    overturned: int
    overturn_share: float | None  # of the first decisions
    median_s: float | None
    per_hour: float | None
    reviewed_h: float
    last_at: dt.datetime


@dataclass(frozen=True)
class AgreementPair:
    """On how many clips two reviewers decided alike, or only one of them rejected."""

    one: str
    other: str
    both_rejected: int
    one_only: int
    other_only: int
    both_accepted: int


@dataclass(frozen=True)
class BlindRates:
    """A reviewer's hits among known-bad clips and false alarms among known-good ones."""

    reviewer: str
    bad: int
    hits: int
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    good: int
    false_alarms: int
    false_alarm_rate: float | None
    false_alarm_low: float | None
    false_alarm_high: float | None


@dataclass(frozen=True)
class BlindAnswer:
    """One answer to a blind check."""

    reviewer: str
    decided_at: dt.datetime
    episode_id: int
    truth: str
    decision: str
    is_wrong: bool


@dataclass(frozen=True)
class DecisionSince:
    """A first decision of a reviewer who drifts."""

    review_id: int
    episode_id: int
    decided_at: dt.datetime
    decision: str
    reason: str | None
    verdict: str


@dataclass(frozen=True)
class FirstPass:
    """First-pass yield of originals and rejection rate of all; None without any decision."""

    originals: int
    passed: int
    first_pass: float | None
    first_pass_low: float | None
    first_pass_high: float | None
    decided: int
    rejected: int
    rejection: float | None
    rejection_low: float | None
    rejection_high: float | None
    reworks: int


@dataclass(frozen=True)
class Escapes:
    """Machine-accepted clips that inspection rejected; ``site_id`` None is all sites together."""

    site_id: str | None
    lots: int
    inspected: int
    escaped: int
    escape_rate: float
    escape_low: float
    escape_high: float


@dataclass(frozen=True)
class LotLine:
    """A lot, its plan, and how far its inspection is."""

    lot_id: int
    site_id: str
    worked_on: dt.date
    size: int
    aql: float
    severity: str
    letter: str
    sample_size: int
    accept: int
    reject: int
    inspected: int
    found: int  # nonconforming so far
    state: str  # open, accepted or not_accepted
    closed_at: dt.datetime | None


@dataclass(frozen=True)
class HoldLine:
    """A reviewer whose rejections wait for a lead, or did, and the rates that tripped it."""

    hold_id: int
    reviewer: str
    opened_at: dt.datetime
    rejection: float
    rest_rejection: float
    decided: int
    rest_decided: int
    rejections: int  # in it
    released_at: dt.datetime | None
    released_by: str | None
    outcome: str | None


@dataclass(frozen=True)
class EpisodeMark:
    """A span that a reviewer marked; times in seconds on the recording's clock."""

    mark_id: int
    reviewer: str
    reason: str
    stream: str | None
    start_s: float
    end_s: float
    marked_at: dt.datetime


def review_queue(mirror: Mirror, now: dt.datetime, waiting: Waiting = ALL_WAITING) -> ReviewQueue:
    """What waits now; ``now`` in UTC."""
    parameters = waiting.parameters() | {"now": _naive(now)}
    row = ask_one(mirror, "review_queue", ReviewQueue, parameters)
    assert row is not None  # aggregates without GROUP BY have one row
    return row


def review_waiting(
    mirror: Mirror,
    now: dt.datetime,
    waiting: Waiting = ALL_WAITING,
    *,
    limit: int = 50,
    offset: int = 0,
) -> tuple[WaitingEpisode, ...]:
    """A page of the clips that wait, in the order in which they are taken."""
    parameters = waiting.parameters() | {"now": _naive(now), "limit": limit, "offset": offset}
    return ask(mirror, "review_waiting", WaitingEpisode, parameters)


def claims(mirror: Mirror, now: dt.datetime) -> tuple[Held, ...]:
    """Who holds clips now, first whose claims end first; ``now`` in UTC."""
    return ask(mirror, "claims", Held, {"now": _naive(now)})


def review_pace(mirror: Mirror, reviewer: str, since: dt.datetime) -> ReviewPace:
    """What was decided since an instant in UTC, and how fast this reviewer was."""
    parameters = {"reviewer": reviewer, "since": _naive(since)}
    row = ask_one(mirror, "review_pace", ReviewPace, parameters)
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def appeals(mirror: Mirror, now: dt.datetime, *, limit: int = 100) -> tuple[AppealLine, ...]:
    """Appeals, open ones first by what is due."""
    return ask(mirror, "appeals", AppealLine, {"now": _naive(now), "limit": limit})


def reviewer_yield(mirror: Mirror, filter: Filter) -> tuple[ReviewerYield, ...]:
    """What each reviewer did on clips of the span, most decisions first."""
    return ask(mirror, "reviewer_yield", ReviewerYield, filter.parameters())


def agreement_pairs(mirror: Mirror, filter: Filter) -> tuple[AgreementPair, ...]:
    """Pairs of reviewers by clips that both saw, most first."""
    return ask(mirror, "agreement_pairs", AgreementPair, filter.parameters())


def blind_rates(mirror: Mirror, from_on: dt.date, to_on: dt.date) -> tuple[BlindRates, ...]:
    """How each reviewer answered the blind checks of a span."""
    return ask(mirror, "blind_rates", BlindRates, {"from_on": from_on, "to_on": to_on})


def blind_answers(mirror: Mirror) -> tuple[BlindAnswer, ...]:
    """Every answer to a blind check, oldest first by reviewer: what drift is told from."""
    return ask(mirror, "blind_answers", BlindAnswer, {})


def decisions_since(
    mirror: Mirror, reviewer: str, since: dt.datetime, *, limit: int = 500
) -> tuple[DecisionSince, ...]:
    """A reviewer's first decisions since an instant in UTC, oldest first."""
    parameters = {"reviewer": reviewer, "since": _naive(since), "limit": limit}
    return ask(mirror, "decisions_since", DecisionSince, parameters)


def first_pass(mirror: Mirror, filter: Filter) -> FirstPass:
    """First-pass yield and rejection rate."""
    row = ask_one(mirror, "first_pass", FirstPass, filter.parameters())
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def escapes(
    mirror: Mirror, from_on: dt.date, to_on: dt.date, sites: tuple[str, ...] = ()
) -> tuple[Escapes, ...]:
    """Escape rates: of all sites together, then of each; empty where nothing was inspected."""
    return ask(mirror, "escapes", Escapes, _of_sites(from_on, to_on, sites))


def lots(
    mirror: Mirror, from_on: dt.date, to_on: dt.date, sites: tuple[str, ...] = ()
) -> tuple[LotLine, ...]:
    """Lots of a span of days, latest first."""
    return ask(mirror, "lots", LotLine, _of_sites(from_on, to_on, sites))


def holds(mirror: Mirror, *, limit: int = 50) -> tuple[HoldLine, ...]:
    """Holds of the circuit breaker, open ones first."""
    return ask(mirror, "holds", HoldLine, {"limit": limit})


def episode_marks(mirror: Mirror, episode_id: int) -> tuple[EpisodeMark, ...]:
    """The spans that reviewers marked on an episode."""
    return ask(mirror, "episode_marks", EpisodeMark, {"episode_id": episode_id})


def _of_sites(from_on: dt.date, to_on: dt.date, sites: tuple[str, ...]) -> dict[str, Any]:
    return {"from_on": from_on, "to_on": to_on, "sites": list(sites) or None}


def _naive(instant: dt.datetime) -> dt.datetime:
    """As the mirror holds instants: in UTC, without a zone."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None) if instant.tzinfo else instant
