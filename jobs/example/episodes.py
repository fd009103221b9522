"""The episodes of the example's shifts: when, how long, how they were judged and decided."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.example.catalogue import BAD_DAYS, BAD_RIG, CHORES, RESUBMITTER, chores_of
from jobs.example.shifts import Stint

US = 1_000_000
HOUR_US = 3600 * US

GOOD, UNKNOWN, SUSPECT, FAIL = 0, 1, 2, 3
"""Ranks of the grades, as in ``dailies.words.Grade``."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Takes:
    """The history's episodes, column by column; every array has one entry an episode.

    ``shift`` and ``chore`` are indices into the stints and into CHORES. Instants are microseconds
    since 1970 in UTC, -1 where there is none. ``verdict`` is a rank (0 good to 3 fail).
    ``decision`` is 1 accepted, 0 rejected, -1 waiting. ``original`` is the index of the episode of
    which this is a copy, -1 for all others. ``blurred`` marks the bad rig's loss of focus (0-1).
    ``reviewed`` marks those whose decision is a person's.
    """

    shift: Ints
    chore: Ints
    robot: npt.NDArray[np.bool_]
    started_us: Ints
    duration_s: Floats
    landed_us: Ints
    judged_us: Ints
    decided_us: Ints
    verdict: Ints
    decision: Ints
    reviewed: npt.NDArray[np.bool_]
    original: Ints
    blurred: Floats
    day: Ints  # of its shift, in days since 1970-01-01 on the site's calendar

    def __len__(self) -> int:
        return len(self.shift)


def record_takes(rng: np.random.Generator, stints: list[Stint], now: dt.datetime) -> Takes:
    """The episodes that have landed by ``now``."""
    now_us = micros(now)
    shift, chore, started, duration = _fill_shifts(rng, stints)
    lag = np.array([stint.place.lag_s for stint in stints])[shift]
    landed = started + _us(duration) + _us(_between(rng, lag[:, 0], lag[:, 1]))
    judged = landed + _us(rng.uniform(1.2, 4.5, len(shift)))
    ready = judged < now_us
    shift, chore, started = shift[ready], chore[ready], started[ready]
    duration, landed, judged = duration[ready], landed[ready], judged[ready]
    blurred = _loss_of_focus(stints, shift, started, now_us)
    verdict = _verdicts(rng, stints, shift, blurred)
    too_short = (verdict == FAIL) & (rng.random(len(shift)) < 0.05) & (blurred == 0)
    duration = np.where(too_short, rng.uniform(1.0, 2.6, len(shift)), duration)
    duration = np.round(duration * 30) / 30
    original = _copies(rng, stints, shift, duration, verdict)
    duration = np.where(original >= 0, duration[original], duration)
    verdict = np.where(original >= 0, verdict[original], verdict)
    decision, decided, reviewed = _decisions(rng, verdict, judged, original >= 0, now_us)
    robot = np.array([stint.kind == "robot" for stint in stints])[shift]
    return Takes(
        shift=shift,
        chore=chore,
        robot=robot,
        started_us=started,
        duration_s=duration,
        landed_us=landed,
        judged_us=judged,
        decided_us=decided,
        verdict=verdict,
        decision=decision,
        reviewed=reviewed,
        original=original,
        blurred=blurred,
        day=_shift_days(stints, shift),
    )


def micros(instant: dt.datetime) -> int:
    """Whole microseconds since 1970 in UTC."""
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _fill_shifts(rng: np.random.Generator, stints: list[Stint]) -> tuple[Ints, Ints, Ints, Floats]:
    """Takes one after the other, with the time between them to set up again."""
    paid = np.array([stint.paid_s for stint in stints])
    robot = np.array([stint.kind == "robot" for stint in stints])
    pace = _pace(rng, stints)
    most = np.ceil(paid / np.where(robot, 45.0, 130.0)).astype(np.int64)
    shift = np.repeat(np.arange(len(stints)), most)
    order = np.arange(len(shift)) - np.repeat(np.cumsum(most) - most, most)
    chore = _chores(rng, robot[shift], shift * 1000 + order // 9)
    expected = np.array([one.expected_s for one in CHORES])[chore]
    low, high = np.where(robot[shift], 10.0, 60.0), np.where(robot[shift], 60.0, 360.0)
    length = expected * pace[shift] * rng.lognormal(0.0, 0.28, len(shift))
    duration = np.clip(length, low, high)
    rest = np.where(
        robot[shift], rng.gamma(3.0, 14.0, len(shift)), rng.gamma(2.5, 26.0, len(shift))
    )
    pause = np.where(rng.random(len(shift)) < 0.02, rng.uniform(240, 900, len(shift)), 0.0)
    cycle = duration + rest + pause + 6.0
    upto = np.cumsum(cycle)
    before = upto - cycle
    begin = before - np.repeat(before[np.cumsum(most) - most], most) + 120.0
    fits = begin + duration < paid[shift] - 60.0
    started = np.array([micros(stint.started_at) for stint in stints])[shift] + _us(begin)
    return shift[fits], chore[fits], started[fits], duration[fits]


def _pace(rng: np.random.Generator, stints: list[Stint]) -> Floats:
    """How slowly each shift's worker goes, 1 being as expected."""
    workers, which = np.unique([stint.worker for stint in stints], return_inverse=True)
    return np.clip(rng.normal(1.0, 0.12, len(workers)), 0.7, 1.4)[which]


def _chores(rng: np.random.Generator, robot: npt.NDArray[np.bool_], block: Ints) -> Ints:
    """One chore for every block of takes: people do several of a kind in a row."""
    _, which = np.unique(block, return_inverse=True)
    chosen = np.empty(len(block), np.int64)
    for kind, mask in (("robot", robot), ("egocentric", ~robot)):
        of_kind = chores_of("robot" if kind == "robot" else "egocentric")
        at = np.array([CHORES.index(one) for one in of_kind])
        share = np.array([one.share for one in of_kind])
        drawn = rng.choice(at, size=int(which.max()) + 1, p=share / share.sum())
        chosen[mask] = drawn[which][mask]
    return chosen


def _loss_of_focus(stints: list[Stint], shift: Ints, started: Ints, now_us: int) -> Floats:
    """How far the bad rig's camera has gone out of focus: 0 at first, 1 today."""
    bad = np.array([stint.rig == BAD_RIG for stint in stints])[shift]
    gone = 1.0 - (now_us - started) / (BAD_DAYS * 24 * HOUR_US)
    return np.where(bad, np.clip(gone, 0.0, 1.0), 0.0)


def _verdicts(rng: np.random.Generator, stints: list[Stint], shift: Ints, blurred: Floats) -> Ints:
    """Verdicts so that a worker's acceptance comes out between 75 and 90 percent."""
    workers, which = np.unique([stint.worker for stint in stints], return_inverse=True)
    good = rng.uniform(0.725, 0.845, len(workers))[which][shift]
    unknown, suspect = 0.012, 0.085
    luck = rng.random(len(shift))
    verdict = np.full(len(shift), FAIL)
    verdict[luck < good + unknown + suspect] = SUSPECT
    verdict[luck < good + unknown] = UNKNOWN
    verdict[luck < good] = GOOD
    spoiled = rng.random(len(shift)) < 0.62 * blurred
    return np.where(spoiled, np.where(rng.random(len(shift)) < 0.7, FAIL, SUSPECT), verdict)


def _copies(
    rng: np.random.Generator, stints: list[Stint], shift: Ints, duration: Floats, verdict: Ints
) -> Ints:
    """One worker hands in good clips of earlier takes again."""
    workers = np.array([stint.worker for stint in stints])[shift]
    original = np.full(len(shift), -1)
    own = np.flatnonzero(workers == RESUBMITTER)
    for at in own[len(own) // 4 :]:
        if rng.random() >= 0.28:
            continue
        earlier = own[(own < at) & (duration[own] <= duration[at]) & (verdict[own] == GOOD)]
        earlier = earlier[original[earlier] < 0]
        if len(earlier):
            original[at] = rng.choice(earlier)
    return original


def _decisions(
    rng: np.random.Generator,
    verdict: Ints,
    judged: Ints,
    copy: npt.NDArray[np.bool_],
    now_us: int,
) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Good is accepted and fail rejected; what lies between waits for a person's review.

    A few of the machine's decisions are overruled by people, too.
    """
    n = len(verdict)
    decision = np.select([verdict == GOOD, verdict == FAIL], [1, 0], -1)
    between = (verdict == SUSPECT) | (verdict == UNKNOWN)
    second_look = ~between & (rng.random(n) < 0.004)
    at = judged + _us(rng.gamma(2.0, 9.0, n) * 3600.0)
    reviewed = ~copy & (between & (rng.random(n) < 0.97) | second_look) & (at < now_us)
    ruling = np.where(between, (rng.random(n) < 0.62).astype(np.int64), 1 - decision)
    decision = np.where(reviewed, ruling, decision)
    decision = np.where(copy, 0, decision)
    decided = np.where(reviewed, at, np.where(decision >= 0, judged, -1))
    return decision, decided, reviewed


def _shift_days(stints: list[Stint], shift: Ints) -> Ints:
    """The local day on which each take's shift began, as days since 1970."""
    days = [(stint.worked_on - dt.date(1970, 1, 1)).days for stint in stints]
    return np.array(days, np.int64)[shift]


def _us(seconds: Floats) -> Ints:
    return np.round(seconds * US).astype(np.int64)


def _between(rng: np.random.Generator, low: Floats, high: Floats) -> Floats:
    """Skewed towards ``low``: most land soon, a few late."""
    return low + (high - low) * rng.beta(1.3, 4.0, len(low))
