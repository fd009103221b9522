"""What the example's reviewers did: decisions, second looks, appeals, blind checks and samples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dailies import record as tables
from jobs.example.catalogue import REVIEWERS
from jobs.example.episodes import FAIL, GOOD, HOUR_US, US, Ints, Takes
from jobs.example.findings import Found
from jobs.example.shifts import Stint
from review.breaker import is_far_above
from review.decisions import is_drawn
from review.lots import AQL
from review.plans import LotResult, plan_for, standing

SLOW_S = {"r-01": 24.0, "r-02": 31.0, "r-03": 19.0, "r-04": 12.0, "r-05": 45.0}
"""Median seconds a clip, by reviewer."""

SLIPS = {"r-01": 0.05, "r-02": 0.07, "r-03": 0.06, "r-04": 0.10, "r-05": 0.04}
"""Share of clips on which a reviewer errs; r-04, the hasty one, errs four times as often lately."""

DRIFTER, DRIFT_DAYS = "r-04", 21
HARSH, HARSH_DAYS = "r-05", 9

SEEN = ("wrong_task", "incomplete", "hands_out_of_view", "idle", "privacy", "failed_attempt")
PLEAS = (
    "The task was finished; the cut is at the very end.",
    "The picture is sharp, the light changed for a second only.",
    "I was told to do it this way.",
    "The camera was replaced the same day.",
)
SAMPLED_DAYS = 12
EPOCH_DAY = dt.date(1970, 1, 1)
BLIND_CHECKS = 30


@dataclass
class _Book:
    """Rows as they are made, by table; ids are given here, since rows refer to each other."""

    policy: str
    first: int  # the id of the episode at index 0
    next_id: dict[type[tables.Row], int]
    rows: dict[type[tables.Row], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: type[tables.Row], **row: Any) -> int:
        """Puts a row down; its id."""
        id_ = self.next_id[table]
        self.next_id[table] += 1
        self.rows.setdefault(table, []).append({"id": id_} | row)
        return id_

    def review(
        self, at: int, who: str, decision: str, us: int, kind: str, took_s: float, **other: Any
    ) -> int:
        """A review of the episode at an index; its id."""
        empty = dict.fromkeys(("reason", "note", "subject_id", "supersedes", "hold_id"))
        return self.add(
            tables.Review,
            episode_id=self.first + at,
            reviewer=who,
            decision=decision,
            policy=self.policy,
            decided_at=instant(us),
            started_at=instant(us - round(took_s * US)),
            kind=kind,
            undone_at=None,
            **(empty | other),
        )


@dataclass(frozen=True)
class Reviewed:
    """The takes with the decisions that stand in the end, and the rows that led there.

    ``first`` is each take's first decision (1 accepted, 0 rejected, -1 none); ``retake_of`` maps a
    rework's index to that of the take it does over.
    """

    takes: Takes
    first: Ints
    retake_of: dict[int, int]
    rows: dict[type[tables.Row], list[dict[str, Any]]]


TABLES: tuple[type[tables.Row], ...] = (
    tables.Hold,
    tables.Review,
    tables.SecondLook,
    tables.Appeal,
    tables.BlindCheck,
    tables.Lot,
    tables.LotItem,
    tables.Mark,
)
"""In the order in which their rows are written, since some refer to others."""


def instant(us: int) -> dt.datetime:
    """The instant of microseconds since 1970."""
    return tables.EPOCH + us * tables.MICROSECOND


def review_takes(
    rng: np.random.Generator,
    stints: Sequence[Stint],
    takes: Takes,
    found: Sequence[Found],
    *,
    policy: str,
    first: int,
    next_ids: dict[type[tables.Row], int],
    now_us: int,
) -> Reviewed:
    """Review what ``takes`` says was reviewed, and look again at some of it."""
    book = _Book(policy, first, next_ids)
    decision, decided = takes.decision.copy(), takes.decided_us.copy()
    is_overruled = takes.reviewed & ((takes.verdict == GOOD) | (takes.verdict == FAIL))
    begun = np.where(is_overruled, 1 - decision, decision)
    flags = {flag.episode: flag for flag in found if flag.grade in ("suspect", "fail")}
    reviewers = _assigned(rng, takes, now_us)
    retakes: list[int] = []
    reviews: dict[int, int] = {}
    for at in np.flatnonzero(takes.reviewed).tolist():
        who = reviewers[at]
        said = "accepted" if decision[at] == 1 else "rejected"
        if said == "rejected" and rng.random() < 0.15:
            said = "retake"
            retakes.append(at)
        reason = _reason(rng, said, int(takes.verdict[at]), flags.get(at))
        took = SLOW_S[who] * float(rng.lognormal(0.0, 0.5))
        us = int(decided[at])
        reviews[at] = book.review(at, who, said, us, "first", took, reason=reason)
        if said != "accepted" and at in flags and rng.random() < 0.2:
            _mark(book, at, reviews[at], who, us, flags[at])
    _hold(book, takes, reviewers, reviews, decision, decided, begun, now_us)
    _second_looks(rng, book, reviewers, reviews, decision, decided, now_us)
    _worker_appeals(rng, book, stints, takes, reviewers, reviews, decision, decided, now_us)
    _samples(rng, book, stints, takes, decision, decided, now_us)
    _blind_checks(rng, book, takes, now_us)
    done = replace(takes, decision=decision, decided_us=decided)
    return Reviewed(done, begun, _reworks(stints, takes, retakes), book.rows)


def _assigned(rng: np.random.Generator, takes: Takes, now_us: int) -> list[str]:
    """Who reviews each take; lately the harsh one rejects far more than the others."""
    drawn = rng.choice(len(REVIEWERS), len(takes), p=(0.24, 0.24, 0.22, 0.2, 0.1))
    lately = takes.decided_us > now_us - HARSH_DAYS * 24 * HOUR_US
    harsh = lately & (takes.decision == 0) & (rng.random(len(takes)) < 0.3)
    names = np.array(REVIEWERS)[drawn]
    return [str(name) for name in np.where(harsh, HARSH, names)]


def _reason(rng: np.random.Generator, said: str, verdict: int, flag: Found | None) -> str | None:
    if said == "accepted":
        return "false_alarm" if verdict == FAIL else None
    if flag is not None and rng.random() < 0.7:
        return flag.check
    return str(rng.choice(SEEN))


def _mark(book: _Book, at: int, review: int, who: str, us: int, flag: Found) -> None:
    book.add(
        tables.Mark,
        episode_id=book.first + at,
        review_id=review,
        reviewer=who,
        reason=flag.check,
        stream=flag.stream,
        start_s=flag.start_s,
        end_s=flag.end_s,
        marked_at=instant(us),
    )


def _hold(
    book: _Book,
    takes: Takes,
    reviewers: list[str],
    reviews: dict[int, int],
    decision: Ints,
    decided: Ints,
    begun: Ints,
    now_us: int,
) -> None:
    """The harsh reviewer's last rejections wait for a lead, where the breaker would trip."""
    opened = now_us - 40 * HOUR_US
    week = takes.reviewed & (decided <= opened) & (decided > opened - 7 * 24 * HOUR_US)
    is_harsh = np.array([who == HARSH for who in reviewers])
    tripped = [int(np.sum(week & side & kind)) for side in (is_harsh, ~is_harsh)
               for kind in (decision == 0, decision >= 0)]  # fmt: skip
    between = (takes.verdict != GOOD) & (takes.verdict != FAIL)
    late = takes.reviewed & between & is_harsh & (decision == 0) & (decided > opened)
    if not is_far_above(*tripped) or not late.any():
        return
    hold = book.add(
        tables.Hold,
        reviewer=HARSH,
        opened_at=instant(opened),
        rejected=tripped[0],
        decided=tripped[1],
        rest_rejected=tripped[2],
        rest_decided=tripped[3],
        released_at=None,
        released_by=None,
        outcome=None,
    )
    rows = {row["id"]: row for row in book.rows[tables.Review]}
    for at in np.flatnonzero(late).tolist():
        rows[reviews[at]]["hold_id"] = hold
    decision[late], decided[late], begun[late] = -1, -1, -1


def _errs(rng: np.random.Generator, who: str, us: int, now_us: int) -> bool:
    is_late = who == DRIFTER and us > now_us - DRIFT_DAYS * 24 * HOUR_US
    return bool(rng.random() < SLIPS[who] * (4 if is_late else 1))


def _other(rng: np.random.Generator, *not_these: str) -> str:
    return str(rng.choice([who for who in REVIEWERS if who not in not_these]))


def _flipped(value: int) -> tuple[str, str | None]:
    """The other decision, with a reason."""
    return ("rejected", "incomplete") if value == 1 else ("accepted", "harmless")


def _same(value: int) -> tuple[str, str | None]:
    return ("accepted", "harmless") if value == 1 else ("rejected", "incomplete")


def _second_looks(
    rng: np.random.Generator,
    book: _Book,
    reviewers: list[str],
    reviews: dict[int, int],
    decision: Ints,
    decided: Ints,
    now_us: int,
) -> None:
    """One decision in twenty is taken again; where the two differ, a third one decides."""
    for at, review in reviews.items():
        if decision[at] < 0 or not is_drawn(book.first + at, review, 0.08):
            continue
        asked = int(decided[at])
        us = asked + round(float(rng.uniform(1, 30)) * HOUR_US)
        look = book.next_id[tables.SecondLook]
        second = None
        who = _other(rng, reviewers[at])
        if us < now_us:
            value = int(decision[at])
            differs = _errs(rng, who, us, now_us) or _errs(rng, reviewers[at], asked, now_us)
            said, reason = _flipped(value) if differs else _same(value)
            took = SLOW_S[who] * float(rng.lognormal(0.0, 0.5))
            given = {"reason": reason, "subject_id": look}
            second = book.review(at, who, said, us, "second", took, **given)
            if differs:
                why = f"second look: {said}"
                two = (reviewers[at], who)
                _appeal(
                    rng, book, at, why, "second look", us, review, two, decision, decided, now_us
                )
        book.add(
            tables.SecondLook,
            episode_id=book.first + at,
            review_id=review,
            second_id=second,
            asked_at=instant(asked),
            done_at=instant(us) if second else None,
        )


def _worker_appeals(
    rng: np.random.Generator,
    book: _Book,
    stints: Sequence[Stint],
    takes: Takes,
    reviewers: list[str],
    reviews: dict[int, int],
    decision: Ints,
    decided: Ints,
    now_us: int,
) -> None:
    """Some rejections are not accepted by who recorded them."""
    taken = {row["episode_id"] for row in book.rows.get(tables.Appeal, [])}
    late = (decision == 0) & (takes.original < 0) & (decided > now_us - 35 * 24 * HOUR_US)
    chosen = np.flatnonzero(late & (rng.random(len(takes)) < 0.012)).tolist()
    for at in chosen:
        us = int(decided[at]) + round(float(rng.uniform(2, 60)) * HOUR_US)
        if us >= now_us or book.first + at in taken:
            continue
        worker = stints[int(takes.shift[at])].worker
        who = (reviewers[at],) if at in reviews else ()
        plea = str(rng.choice(PLEAS))
        _appeal(
            rng, book, at, plea, "manager", us, reviews.get(at), who, decision, decided, now_us,
            worker=worker,
        )  # fmt: skip


def _appeal(
    rng: np.random.Generator,
    book: _Book,
    at: int,
    why: str,
    by: str,
    us: int,
    against: int | None,
    not_these: tuple[str, ...],
    decision: Ints,
    decided: Ints,
    now_us: int,
    worker: str | None = None,
) -> None:
    """An appeal, with its answer where there was time for one."""
    answered = us + round(float(rng.gamma(2.0, 14.0)) * HOUR_US)
    is_open = answered >= now_us or (answered > now_us - 60 * HOUR_US and rng.random() < 0.5)
    state, review = "open", None
    number = book.next_id[tables.Appeal]
    if not is_open:
        who = _other(rng, *not_these)
        is_overturned = rng.random() < 0.38
        said, reason = (_flipped if is_overturned else _same)(int(decision[at]))
        given = {"reason": reason, "subject_id": number, "supersedes": against}
        review = book.review(at, who, said, answered, "appeal", SLOW_S[who] * 1.6, **given)
        state = "overturned" if is_overturned else "upheld"
        if is_overturned:
            decision[at], decided[at] = 1 - decision[at], answered
    book.add(
        tables.Appeal,
        episode_id=book.first + at,
        worker_id=worker,
        reason=why,
        brought_in_by=by,
        brought_at=instant(us),
        due_at=instant(us) + tables.APPEAL_DUE,
        against_id=against,
        state=state,
        review_id=review,
        closed_at=None if is_open else instant(answered),
    )


def _samples(
    rng: np.random.Generator,
    book: _Book,
    stints: Sequence[Stint],
    takes: Takes,
    decision: Ints,
    decided: Ints,
    now_us: int,
) -> None:
    """Samples of machine-accepted clips; those of the last two days are still being inspected."""
    sites = np.array([stint.place.id for stint in stints])[takes.shift]
    machine = (takes.verdict == GOOD) & ~takes.reviewed & (takes.original < 0) & (decision == 1)
    machine &= ~np.isin(np.arange(len(takes)), _indices(book, tables.Appeal))
    shift_days = np.array([(stint.worked_on - EPOCH_DAY).days for stint in stints])
    days = shift_days[takes.shift]
    today = int(days.max())
    for site in np.unique(sites).tolist():
        results: list[LotResult] = []
        for day in range(today - SAMPLED_DAYS, today):
            ids = np.flatnonzero(machine & (sites == site) & (days == day))
            how = standing(results)
            if len(ids) < 2 or how.is_stopped:
                continue
            plan = plan_for(len(ids), AQL, how.severity)
            sample = np.sort(rng.choice(ids, min(plan.size, len(ids)), replace=False)).tolist()
            bad = rng.random(len(sample)) < (0.05 if site == "facility-porto" else 0.012)
            drawn = int(takes.judged_us[ids].max()) + HOUR_US
            is_done = day < today - 2 and drawn < now_us
            found = int(bad.sum())
            lot = book.add(
                tables.Lot,
                site_id=site,
                worked_on=EPOCH_DAY + dt.timedelta(days=day),
                size=len(ids),
                aql=AQL,
                severity=plan.severity,
                letter=plan.letter,
                sample_size=len(sample),
                accept=plan.accept,
                reject=plan.reject,
                drawn_at=instant(min(drawn, now_us)),
                state=_state(found, plan.reject) if is_done else "open",
                found=found if is_done else None,
                closed_at=instant(drawn + 9 * HOUR_US) if is_done else None,
            )
            if is_done:
                results.append(LotResult(plan, found))
            for place, (at, is_bad) in enumerate(zip(sample, bad.tolist(), strict=True)):
                review = None
                if is_done:
                    us = drawn + round(9 * HOUR_US * (place + 1) / len(sample))
                    review = _inspect(rng, book, at, us, is_bad=is_bad)
                    if is_bad:
                        decision[at], decided[at] = 0, us
                book.add(tables.LotItem, lot_id=lot, episode_id=book.first + at, review_id=review)


def _state(found: int, reject: int) -> str:
    return "accepted" if found < reject else "not_accepted"


def _inspect(rng: np.random.Generator, book: _Book, at: int, us: int, *, is_bad: bool) -> int:
    who = str(rng.choice(REVIEWERS))
    reason = str(rng.choice(SEEN)) if is_bad else None
    item = book.next_id[tables.LotItem]
    said = "rejected" if is_bad else "accepted"
    took = SLOW_S[who] * float(rng.lognormal(0.0, 0.4))
    return book.review(at, who, said, us, "sample", took, reason=reason, subject_id=item)


def _blind_checks(rng: np.random.Generator, book: _Book, takes: Takes, now_us: int) -> None:
    """Clips of the first month whose truth is known; each reviewer meets one every day or two."""
    old = (takes.original < 0) & (takes.judged_us < now_us - 55 * 24 * HOUR_US)
    good = np.flatnonzero(old & (takes.verdict == GOOD) & ~takes.reviewed)
    bad = np.flatnonzero(old & (takes.verdict == FAIL) & ~takes.reviewed)
    count = min(BLIND_CHECKS // 2, len(good), len(bad))
    clips = [(int(at), "accepted") for at in rng.choice(good, count, replace=False)]
    clips += [(int(at), "rejected") for at in rng.choice(bad, count, replace=False)]
    set_at = now_us - 50 * 24 * HOUR_US
    numbers = [
        book.add(
            tables.BlindCheck,
            episode_id=book.first + at,
            truth=truth,
            note=None,
            set_by="lead",
            set_at=instant(set_at),
            retired_at=None,
        )
        for at, truth in clips
    ]
    for who in REVIEWERS:
        order = rng.permutation(len(clips)).tolist()
        for turn, which in enumerate(order[: len(order) - 2]):
            at, truth = clips[which]
            us = set_at + round((turn + float(rng.uniform(0.1, 0.9))) * 1.7 * 24 * HOUR_US)
            if us >= now_us:
                break
            said = _truth(truth, is_wrong=_errs(rng, who, us, now_us))
            reason = None if said == "accepted" and truth == "accepted" else "other"
            given = {"reason": reason, "subject_id": numbers[which]}
            took = SLOW_S[who] * float(rng.lognormal(0.0, 0.5))
            book.review(at, who, said, us, "blind", took, **given)


def _truth(truth: str, *, is_wrong: bool) -> str:
    if not is_wrong:
        return truth
    return "rejected" if truth == "accepted" else "accepted"


def _reworks(stints: Sequence[Stint], takes: Takes, retakes: list[int]) -> dict[int, int]:
    """The next take of the same worker and chore answers a retake, each answers one."""
    _, who = np.unique([stint.worker for stint in stints], return_inverse=True)
    group = who[takes.shift] * 1000 + takes.chore
    order = np.lexsort((takes.started_us, group))
    ordered = group[order]
    links: dict[int, int] = {}
    for at in sorted(retakes, key=lambda one: int(takes.decided_us[one])):
        start, end = np.searchsorted(ordered, [group[at], group[at] + 1])
        asked = int(takes.decided_us[at])
        place = int(start + np.searchsorted(takes.started_us[order[start:end]], asked))
        while place < len(order) and group[order[place]] == group[at]:
            later = int(order[place])
            if later not in links and takes.original[later] < 0:
                links[later] = at
                break
            place += 1
    return links


def _indices(book: _Book, table: type[tables.Row]) -> npt.NDArray[np.int64]:
    rows = book.rows.get(table, [])
    return np.array([row["episode_id"] - book.first for row in rows], np.int64)


def rows_of(reviewed: Reviewed) -> Iterator[tuple[type[tables.Row], list[dict[str, Any]]]]:
    """The rows by table, in the order in which they are to be written."""
    for table in TABLES:
        if rows := reviewed.rows.get(table):
            yield table, rows
