"""The robot against what it is told: how late it follows, how far beside, in which units, and with
which joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import Flag, Grade
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import (
    Floats,
    Indexes,
    Pair,
    column_name,
    columns_of,
    motion_series,
    names_of,
    pairs,
)
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures, Values

SLOPE = 0.2
"""A joint that follows its command goes as far as that, but for this share."""
MOST = 0.7
"""Share of the joints that must, where any is to be beside its command."""
OTHERS_OWN = 0.5
"""A joint whose correlation with its own command is under that may do another one's."""


def action_lag(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a robot that follows its commands late, or runs ahead of them (ms).

    Being ahead has limits of its own, and is allowed one and a half samples: an action may be
    written down with the next state.
    """
    for pair in pairs(measurements):
        if not pair.is_followed:
            continue
        lag = pair.lag
        if not lag.tells:
            continue
        allowed = 1.5 * pair.state.period_ns / 1e6
        ahead = Limits(
            max(limits["ahead_suspect_ms"], allowed), max(limits["ahead_fail_ms"], allowed)
        )
        rule = limits if lag.ms >= 0 else ahead
        grade = rule.grade(abs(lag.ms))
        if grade:
            way = "behind" if lag.ms >= 0 else "ahead of"
            what = f"{abs(lag.ms):.0f} ms {way} {pair.action.name}"
            span = pair.state.span
            yield _LAG.flag(grade, pair.state.name, span, lag.ms, rule.limit(grade), what)


def action_offset(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags joints that stay beside what they are told by a constant amount (% of the range).

    The median difference at the lag found, in shares of the joint's range, or of ``wide`` of the
    widest joint's where that is more.
    """
    for pair in pairs(measurements):
        joints = pair.joints
        if not pair.is_followed or not len(joints):
            continue
        places = pair.columns[joints, 0]
        extent = pair.state.extent[places]
        state, asked = pair.aligned()
        # else its units are wrong; or commands are normalized, which are beside in all they say
        alike = np.abs(_slopes(state[:, joints], asked[:, joints]) - 1) <= SLOPE
        if alike.mean() < MOST:
            continue
        # all along: a joint that jumps half-way is told as that
        thirds = np.array_split(state[:, joints] - asked[:, joints], 3)
        beside = np.array([np.median(one, axis=0) for one in thirds])
        signed = np.median(beside, axis=0)
        offset = np.abs(signed)
        alike &= (beside * np.sign(signed)).min(axis=0) >= 0.5 * offset
        share = 100 * offset / np.maximum(extent, limits["wide"] * extent.max())
        yield from _beside(pair.state, places[alike], share[alike], limits)


def _slopes(values: Values, commanded: Values) -> Floats:
    """By how much each column moves for a step of its command; shape (m,)."""
    done, told = (side - side.mean(axis=0, dtype=np.float64) for side in (values, commanded))
    return np.asarray((done * told).sum(axis=0) / np.maximum((told**2).sum(axis=0), 1e-30))


def _beside(
    series: SeriesMeasures, places: Indexes, share: Floats, limits: Limits
) -> Iterator[Flag]:
    """One flag for the joints beside their commands."""
    if not len(share):
        return
    grade = limits.grade(float(share.max()))
    if grade:
        off = np.flatnonzero(share >= limits.suspect)
        names = names_of(series, places[off], "stay")
        what = f"{names} {share.max():.0f} % of the range beside the command"
        limit = limits.limit(grade)
        yield _OFFSET.flag(grade, series.name, series.span, float(share.max()), limit, what)


def wrong_units(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags joints whose state and command differ in scale (times), as degrees and radians do.

    A joint that must be in radians, because its name or the policy (``radians`` 1) says so, is
    flagged from ``turns`` full turns of range too; measured then is its range in turns.
    """
    for pair in pairs(measurements):
        if len(pair.joints):
            yield from _scales(pair, pair.joints, limits)
    for series in motion_series(measurements):
        for column in columns_of(series, "joint"):
            says = limits["radians"] or "rad" in column_name(series, int(column)).lower()
            turns = float(series.extent[column]) / (2 * np.pi)
            if says and turns >= limits["turns"]:
                what = f"{column_name(series, int(column))} goes over {turns:.0f} turns of radians"
                yield _UNITS.flag(
                    Grade.FAIL, series.name, series.span, turns, limits["turns"], what
                )


def _scales(pair: Pair, joints: Indexes, limits: Limits) -> Iterator[Flag]:
    places = pair.columns[joints, 0]
    spread = np.array([pair.state.filled[:, at].std(dtype=np.float64) for at in places])
    told = np.array([pair.commanded[:, at].std(dtype=np.float64) for at in joints])
    scale = np.maximum(spread / np.maximum(told, 1e-12), told / np.maximum(spread, 1e-12))
    # a gripper that goes by a number like the joints has a unit of its own
    worst = float(np.median(scale) if pair.are_numbered else scale.max())
    grade = limits.grade(worst)
    if grade:
        off = places[scale >= limits.suspect]
        names = names_of(pair.state, off, "differ")
        what = f"{names} from {pair.action.name} by a factor of {worst:.1f}"
        span = pair.state.span
        yield _UNITS.flag(grade, pair.state.name, span, worst, limits.limit(grade), what)


def crossed_joints(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags joints that do the opposite of what they are told, or what another one is told.

    Measured is the correlation with that, where most of the others follow and both move.
    """
    for pair in pairs(measurements):
        wide = np.flatnonzero(pair.moving & pair.are_joints)
        if not pair.is_followed or len(wide) < 2:
            continue
        like = _likeness(*(side[:, wide] for side in pair.aligned()))
        own = np.diag(like).copy()
        np.fill_diagonal(like, 0.0)
        other = like.argmax(axis=1)
        crossed = np.where(own < OTHERS_OWN, like[np.arange(len(wide)), other], 0.0)
        does = np.maximum(-own, crossed)
        grade = limits.grade(float(does.max()))
        if not grade:
            continue
        names = [column_name(pair.state, int(at)) for at in pair.columns[wide, 0]]
        words = [
            f"{names[at]} does "
            + ("the opposite of its command" if -own[at] >= crossed[at] else f"{names[to]}'s")
            for at, to in enumerate(other)
            if does[at] >= limits.suspect
        ]
        what = f"{', '.join(words)}, correlation {does.max():.2f}"
        limit = limits.limit(grade)
        yield _CROSSED.flag(grade, pair.state.name, pair.state.span, float(does.max()), limit, what)


def _likeness(values: Values, commanded: Values) -> Floats:
    """Correlation of each column (rows) with each command (columns); shape (m, m)."""
    sides = (side - side.mean(axis=0, dtype=np.float64) for side in (values, commanded))
    ours, theirs = (side / np.maximum(np.linalg.norm(side, axis=0), 1e-30) for side in sides)
    return np.asarray(ours.T @ theirs, np.float64)


ACTION_LAG = Check(
    name="action_lag",
    says="The robot follows its commands late, or runs ahead of them.",
    unit="ms",
    remedy="Stamp state and action from one clock, or look for load on the controller.",
    needs=("series.values",),
    function=action_lag,
    settings=("ahead_suspect_ms", "ahead_fail_ms"),
)
ACTION_OFFSET = Check(
    name="action_offset",
    says="A joint stays beside what it is told by a constant amount.",
    unit="%",
    remedy="Calibrate leader and follower against each other, and retake.",
    needs=("series.values",),
    function=action_offset,
    settings=("wide",),
)
WRONG_UNITS = Check(
    name="wrong_units",
    says="State and command of a joint differ in scale, as degrees and radians do.",
    unit="times",
    remedy="Correct the units in the recorder, and export the recording again.",
    needs=("series.values",),
    function=wrong_units,
    settings=("radians", "turns"),
)
CROSSED_JOINTS = Check(
    name="crossed_joints",
    says="A joint does the opposite of its command, or what another joint is told.",
    unit="correlation",
    remedy="Correct the order and the signs of the joints in the recorder.",
    needs=("series.values",),
    function=crossed_joints,
)
_LAG = Finder.of(ACTION_LAG)
_OFFSET = Finder.of(ACTION_OFFSET)
_UNITS = Finder.of(WRONG_UNITS)
_CROSSED = Finder.of(CROSSED_JOINTS)
