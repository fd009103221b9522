"""What the Reviewers page shows: rates with intervals, drift, holds, agreement and samples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import streamlit as st

from dailies.access import Role
from metrics import review as asked
from pages import _tables as tables
from pages._door import demand
from pages._ground import ground, mirror
from pages._review import now
from pages._tiles import Tile, strip
from pages._words import NOTHING, count, hours, interval, seconds, share
from review.agreement import Agreement, of_two
from review.blind import drift
from review.breaker import AlreadyReleased, Held, NotYours, held_in, release_hold
from review.intervals import Interval

LISTED_SINCE = 200
ASKED = "hold_asked"


@dataclass(frozen=True)
class _Asked:
    """What a lead chose to do with a hold, of which they were shown these reviews."""

    hold_id: int
    keep: bool
    review_ids: tuple[int, ...]


@dataclass(frozen=True)
class Drifting:
    """A reviewer who errs more than all do, since when, and how many answers that rests on."""

    reviewer: str
    since_at: dt.datetime
    wrong: int
    answers: int


def drifts(answers: Sequence[asked.BlindAnswer]) -> tuple[Drifting, ...]:
    """Reviewers whose answers to blind checks became worse than those of all together."""
    usual = float(np.mean([one.is_wrong for one in answers])) if answers else 0.0
    found = []
    for reviewer, group in groupby(answers, key=lambda one: one.reviewer):
        ones = list(group)
        worse = drift(np.array([one.is_wrong for one in ones], dtype=np.bool_), usual)
        if worse is not None:
            since = ones[worse.since :]
            wrong = sum(one.is_wrong for one in since)
            found.append(Drifting(reviewer, since[0].decided_at, wrong, len(since)))
    return tuple(found)


def overall(pairs: Sequence[asked.AgreementPair]) -> Agreement | None:
    """Agreement of all pairs together."""
    return of_two(
        sum(one.both_rejected for one in pairs),
        sum(one.one_only for one in pairs),
        sum(one.other_only for one in pairs),
        sum(one.both_accepted for one in pairs),
    )


def tiles(
    ones: Sequence[asked.ReviewerYield],
    pairs: Sequence[asked.AgreementPair],
    queue: asked.ReviewQueue,
    escaped: Sequence[asked.Escapes],
) -> None:
    """Decisions, agreement, overturns, and what waits for a lead."""
    agreed = overall(pairs)
    every = next((one for one in escaped if one.site_id is None), None)
    first = sum(one.first_decisions for one in ones)
    fell = sum(one.overturned for one in ones)
    strip(
        [
            Tile(
                "Decisions",
                count(sum(one.decisions for one in ones)),
                f"Of any kind, by {len(ones)} reviewers, on clips of these days.",
                aside=f"{hours(sum(one.reviewed_h for one in ones))} of recording",
            ),
            Tile(
                "Agreement",
                share(agreed.observed.value if agreed else None),
                _agreement_means(agreed),
                aside=f"AC1 {agreed.ac1.value:.2f}" if agreed else None,
            ),
            Tile(
                "Overturned",
                share(fell / first if first else None),
                f"{fell:,} of {first:,} first decisions fell to an appeal or a lead.",
            ),
            Tile(
                "Escapes",
                share(every.escape_rate if every else None),
                "Machine-accepted clips that an inspection rejected, of all inspected. "
                + (interval(every.escape_low, every.escape_high) if every else ""),
                aside=f"{every.escaped:,} of {every.inspected:,}" if every else None,
            ),
            Tile(
                "Appeals open",
                count(queue.appeals),
                "Of the whole record; due two days after they came in.",
                aside=f"{count(queue.overdue)} overdue",
            ),
            Tile("Held", count(queue.held_rejections), "Rejections that wait for a lead."),
        ]
    )


def _agreement_means(agreed: Agreement | None) -> str:
    if agreed is None:
        return "First decisions against second looks; there is none in these days."
    return (
        f"First decisions against second looks at the same {agreed.n:,} clips: "
        f"{interval(agreed.observed.low, agreed.observed.high)}; kappa {_three(agreed.kappa)}; "
        f"AC1 {_three(agreed.ac1)}."
    )


def _three(value: Interval | None) -> str:
    return NOTHING if value is None else f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def reviewers(
    ones: Sequence[asked.ReviewerYield],
    blind: Sequence[asked.BlindRates],
    drifting: Sequence[Drifting],
) -> None:
    """One row a reviewer."""
    rates = {one.reviewer: one for one in blind}
    since = {one.reviewer: one for one in drifting}
    names = ("reviewer", "decisions", "median_s", "per_hour", "first_decisions", "standing")
    hit, alarm = (
        [_rate_words(rates.get(one.reviewer), what) for one in ones] for what in ("hit", "alarm")
    )
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {
            "rejection": tables.percent(one.rejection for one in ones),
            "interval": [_span(one.rejection_low, one.rejection_high) for one in ones],
            "overturned": [f"{one.overturned} of {one.looked_again}" for one in ones],
            "hit": hit,
            "alarm": alarm,
            "drift": [
                f"▲ since {since[one.reviewer].since_at:%-d %b}" if one.reviewer in since else None
                for one in ones
            ],
            "held": [one.held or None for one in ones],
        },
        {
            "reviewer": tables.text("Reviewer"),
            "decisions": tables.number("Decisions", help="Of any kind, that stand."),
            "per_hour": tables.number("Per hour", help="A clip counts 15 minutes at most."),
            "median_s": tables.number("Median (s)", help="From a clip's coming on the screen."),
            "first_decisions": tables.number("First (n)", help="First decisions."),
            "rejection": tables.rate("Rejects", help="Of first decisions; a retake is one."),
            "interval": tables.text("95 % interval"),
            "standing": tables.text("Against all"),
            "overturned": tables.text(
                "Overturned of looked at",
                help="Of first decisions that an appeal or a lead looked at again; the tile above "
                "is of all first decisions.",
            ),
            "hit": tables.text(
                "Hits",
                help="Known-bad clips rejected, with the 95 % interval, by the day of the decision "
                "(UTC); the other columns go by the day of the recording.",
            ),
            "alarm": tables.text(
                "False alarms",
                help="Known-good clips rejected, with the 95 % interval, by the day of the "
                "decision (UTC).",
            ),
            "drift": tables.text("Drift", help="Errs more on blind checks than all do."),
            "held": tables.number("Held"),
        },
        key="reviewers",
    )


def _rate_words(one: asked.BlindRates | None, what: str) -> str | None:
    if one is None:
        return None
    k, n, rate, low, high = (
        (one.hits, one.bad, one.hit_rate, one.hit_low, one.hit_high)
        if what == "hit"
        else (
            one.false_alarms,
            one.good,
            one.false_alarm_rate,
            one.false_alarm_low,
            one.false_alarm_high,
        )
    )
    return None if rate is None else f"{rate:.0%} ({_span(low, high)}) · {k} of {n}"


def _span(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.0%} to {high:.0%}"


def drifters(ones: Sequence[Drifting]) -> None:
    """Who drifts, and the decisions since."""
    for one in ones:
        since = asked.decisions_since(mirror(), one.reviewer, one.since_at, limit=LISTED_SINCE)
        with st.expander(
            f"▲ {one.reviewer} errs more on blind checks since {one.since_at:%-d %b %Y %H:%M} UTC: "
            f"{one.wrong} of {one.answers} wrong · {len(since)} first decisions since"
        ):
            _since(one.reviewer, since)


def _since(reviewer: str, ones: Sequence[asked.DecisionSince]) -> None:
    names = ("decided_at", "decision", "reason", "verdict", "episode_id")
    row = tables.table(
        {name: [getattr(one, name) for one in ones] for name in names},
        {
            "decided_at": st.column_config.DatetimeColumn("At (UTC)"),
            "decision": tables.text("Decision"),
            "reason": tables.text("Reason"),
            "verdict": tables.text("Verdict"),
            "episode_id": st.column_config.NumberColumn("Episode", format="%d"),
        },
        key=f"since_{reviewer}",
        height=280,
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)


def holds(ones: Sequence[asked.HoldLine], *, may_release: bool) -> None:
    """Rejections that wait for a lead, and the lead's answer: chosen once, and then confirmed."""
    for one in ones:
        if one.released_at is not None:
            continue
        with st.container(border=True):
            words, keep, drop = st.columns([6, 2, 2], vertical_alignment="center")
            words.markdown(
                f"**{one.rejections} rejections of {one.reviewer} are held** since "
                f"{one.opened_at:%-d %b %H:%M} UTC: rejected {one.rejection:.0%} of "
                f"{one.decided} first decisions, all others {one.rest_rejection:.0%} of "
                f"{one.rest_decided}. They count only once a lead says so."
            )
            waiting = held_in(ground().record, one.hold_id)
            why = None if may_release else "Only a lead may."
            for column, label, is_kept in (
                (keep, "Let them count …", True),
                (drop, "Back to the queue …", False),
            ):
                column.button(
                    label,
                    key=f"hold_{one.hold_id}_{is_kept}",
                    on_click=_ask,
                    args=(_Asked(one.hold_id, is_kept, tuple(r.review_id for r in waiting)),),
                    disabled=not may_release,
                    help=why,
                    width="stretch",
                )
            asked_now = st.session_state.get(ASKED)
            is_asked = isinstance(asked_now, _Asked) and asked_now.hold_id == one.hold_id
            if isinstance(asked_now, _Asked) and is_asked:
                _confirm(asked_now, one.reviewer)
            with st.expander(f"The {len(waiting)} rejections", expanded=is_asked):
                _held(waiting, one.hold_id)
    if text := st.session_state.pop("released", None):
        st.info(text, icon=":material/gavel:")


def _ask(asked_now: _Asked | None) -> None:
    st.session_state[ASKED] = asked_now


def _confirm(asked_now: _Asked, reviewer: str) -> None:
    many = f"{len(asked_now.review_ids)} rejections of {reviewer}"
    question, yes, label = (
        (f"Let {many} count?", "Yes, they count", "Hours, cost and pay follow at once.")
        if asked_now.keep
        else (f"Drop {many}?", "Yes, drop them", "Their clips wait in the queue again.")
    )
    words, sure, not_yet = st.columns([6, 2, 2], vertical_alignment="center")
    words.warning(f"**{question}** {label} Look through the list below first.")
    sure.button(
        yes,
        key=f"sure_{asked_now.hold_id}",
        type="primary",
        on_click=_release,
        args=(asked_now,),
        width="stretch",
    )
    not_yet.button(
        "Not yet", key=f"not_{asked_now.hold_id}", on_click=_ask, args=(None,), width="stretch"
    )


def _held(ones: Sequence[Held], hold_id: int) -> None:
    """What waits in a hold; a row opens its episode."""
    names = ("episode_id", "decision", "reason", "note")
    row = tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {"decided_at": [one.decided_at.replace(tzinfo=None) for one in ones]},
        {
            "episode_id": st.column_config.NumberColumn("Episode", format="%d"),
            "decision": tables.text("Decision"),
            "reason": tables.text("Reason"),
            "note": tables.text("Note", width="medium"),
            "decided_at": st.column_config.DatetimeColumn("At (UTC)"),
        },
        key=f"held_{hold_id}",
        height=330 if len(ones) > 8 else "auto",
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)


def _release(asked_now: _Asked) -> None:
    """Do it, where it is still about the rejections that the lead was shown."""
    visitor = demand("reviewers")
    st.session_state[ASKED] = None
    if Role.LEAD not in visitor.roles:
        return
    waiting = held_in(ground().record, asked_now.hold_id)
    if tuple(one.review_id for one in waiting) not in ((), asked_now.review_ids):
        st.session_state["released"] = (
            "Nothing was done: the rejections held changed meanwhile. Look through the list again."
        )
        return
    try:
        clips = release_hold(
            ground().record,
            asked_now.hold_id,
            visitor.id or "",
            keep=asked_now.keep,
            now=now(),
        )
    except (NotYours, AlreadyReleased) as refusal:
        st.session_state["released"] = f"{str(refusal).capitalize()}."
        return
    became = "count now" if asked_now.keep else "wait in the queue again"
    st.session_state["released"] = f"{len(clips)} clips {became}."
    ground().mirror.refresh()


def pairs(ones: Sequence[asked.AgreementPair]) -> None:
    """Observed agreement, kappa and AC1 of each pair, never kappa alone."""
    found = [
        (f"{one.one} · {one.other}", of_two(
            one.both_rejected, one.one_only, one.other_only, one.both_accepted
        ))
        for one in ones
    ]  # fmt: skip
    every = overall(ones)
    rows = [("all together", every), *found] if every else []
    known = [(name, one) for name, one in rows if one is not None]
    if not known:
        st.caption("No second looks in these days.")
        return
    tables.table(
        {
            "pair": [name for name, _ in known],
            "n": [one.n for _, one in known],
            "observed": [f"{one.observed.value:.0%} ({_around(one.observed)})" for _, one in known],
            "kappa": [_three(one.kappa) for _, one in known],
            "ac1": [_three(one.ac1) for _, one in known],
        },
        {
            "pair": tables.text("Pair"),
            "n": tables.number("Clips (n)"),
            "observed": tables.text("Agreement"),
            "kappa": tables.text("Kappa", help="Falls where nearly all clips are alike."),
            "ac1": tables.text("AC1", help="Gwet's; holds also where clips are alike."),
        },
        key="pairs",
        height=330 if len(known) > 8 else "auto",
    )


def _around(value: Interval) -> str:
    return f"{value.low:.0%} to {value.high:.0%}"


def appeals(ones: Sequence[asked.AppealLine]) -> None:
    """Appeals, the open ones first by what is due; a row opens its episode."""
    if not ones:
        st.caption("No appeals.")
        return
    row = tables.table(
        {name: [getattr(one, name) for one in ones] for name in ("worker_id", "reason", "against")}
        | {
            "state": [one.state if one.left_s is None else _due(one.left_s) for one in ones],
            "brought": [one.brought_at for one in ones],
            "by": [one.answered_by for one in ones],
        },
        {
            "state": tables.text("Standing"),
            "worker_id": tables.text("Worker"),
            "reason": tables.text("Reason", width="medium"),
            "against": tables.text("Against"),
            "by": tables.text("Answered by"),
            "brought": st.column_config.DatetimeColumn("Brought in (UTC)", format="D MMM HH:mm"),
        },
        key="appeals",
        height=330 if len(ones) > 8 else "auto",
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)


def _due(left_s: float) -> str:
    if left_s < 0:
        return f"✕ overdue {seconds(-left_s)}"
    return f"due in {seconds(left_s)}"


def samples(escaped: Sequence[asked.Escapes], lots: Sequence[asked.LotLine]) -> None:
    """Escape rates by site, and the lots with their plans."""
    if not lots:
        st.caption("No samples of these days.")
        return
    left, right = st.columns([2, 3])
    with left:
        tables.table(
            {
                "site": [one.site_id or "all sites" for one in escaped],
                "inspected": [one.inspected for one in escaped],
                "escaped": [one.escaped for one in escaped],
                "rate": tables.percent(one.escape_rate for one in escaped),
                "interval": [f"{one.escape_low:.1%} to {one.escape_high:.1%}" for one in escaped],
            },
            {
                "site": tables.text("Site"),
                "rate": tables.rate("Escape rate"),
                "interval": tables.text("95 % interval"),
                "escaped": tables.number("Escaped"),
                "inspected": tables.number("Inspected (n)"),
            },
            key="escapes",
        )
    with right:
        _lots(lots)


STATES = {"open": "… open", "accepted": "✓ accepted", "not_accepted": "✕ not accepted"}


def _lots(ones: Sequence[asked.LotLine]) -> None:
    names = ("worked_on", "site_id", "size", "inspected", "found")
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {
            "state": [STATES[one.state] for one in ones],
            "plan": [
                f"{one.letter} {one.severity}, {one.sample_size}: Ac {one.accept}, Re {one.reject}"
                for one in ones
            ],
        },
        {
            "worked_on": st.column_config.DateColumn("Day", format="D MMM"),
            "site_id": tables.text("Site"),
            "state": tables.text("Lot"),
            "size": tables.number("Clips"),
            "plan": tables.text("Plan", help="ISO 2859-1: letter, severity, sample, limits."),
            "inspected": tables.number("Inspected"),
            "found": tables.number("Found"),
        },
        key="lots",
        height=330 if len(ones) > 8 else "auto",
    )
