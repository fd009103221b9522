"""Joints and sensors that hand out one and the same value while the world goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import (
    SMALL,
    Floats,
    Indexes,
    Pair,
    column_name,
    column_runs,
    columns_of,
    is_noise,
    judgeable,
    motion_series,
    moves,
    names_of,
    pairs,
)
from quality.checks.rotations import in_quaternions, unturned
from quality.checks.stretches import runs
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures

SETTLING, BEFORE, SETTLED = 4, 20, 0.1
"""Steps just before a hold, those before these, and the share of the latter's greatest under which
the former are of what comes to rest. (The noise of a sensor goes on up to the hold.)"""
TREMBLE = 1e-3
"""Share of its fast steps by which what a simulator has laid down may tremble for long before it
lies still. (Of 36 simulated objects all but a few 2e-4 or less; a sensor's noise is more.)"""
JUMP = 3.0
"""A stuck value that comes loose leaps by over this many of the column's fast steps."""
ABRUPT = 0.5
"""A joint that is stopped by its driver was at over this share of its usual pace just before."""
STAYS = 0.05
"""A command that moves by no more than this share of its range meanwhile stays, too."""
ROUNDED = 1e-5
"""Share of its range by which a number may differ that was turned over and back."""
UNSLOWED = 0.8
"""Share of the steps before it that the last step to a limit has at least where that is hit."""


@dataclass(frozen=True)
class _Hold:
    """Samples [start, stop) of a column that are all the same, and how sure it is stuck."""

    column: int
    start: int
    stop: int
    sure: bool
    why: str

    def span(self, series: SeriesMeasures) -> Span:
        """From its first sample to the one after its last."""
        return sample_span(series, self.start, self.stop)


def sample_span(series: SeriesMeasures, start: int, stop: int) -> Span:
    """The time for which samples [start, stop) of a series stand."""
    begins, ends = int(series.times_ns[start]), int(series.times_ns[stop - 1])
    ends = int(series.times_ns[stop]) if stop < series.count else ends + series.period_ns
    return Span(begins, max(begins, ends))


def stuck_joint(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags joints that hold one value to the last digit while others of the robot move (s).

    A joint at rest may do that, so there must be proof: its command moves on; or its values never
    repeat otherwise, for a real sensor has noise; or it stops dead and leaps when it comes loose.
    Where it only stops dead, it is suspect at most.
    """
    commands = {id(pair.state): pair for pair in pairs(measurements) if pair.is_followed}
    for series in motion_series(measurements):
        held: dict[tuple[int, int], list[_Hold]] = {}
        for hold in _holds(series, commands.get(id(series)), limits):
            held.setdefault((hold.start, hold.stop), []).append(hold)
        for holds in held.values():
            yield from _stuck(series, holds, limits)


def _stuck(series: SeriesMeasures, holds: list[_Hold], limits: Limits) -> Iterator[Flag]:
    """One flag for the joints that are stuck together."""
    span = holds[0].span(series)
    seconds = span.duration_ns / NS
    grade = limits.grade(seconds)
    if grade is None:
        return
    if not any(hold.sure for hold in holds):
        grade = Grade.SUSPECT
    names = names_of(series, [hold.column for hold in holds])
    what = f"{names} stuck for {seconds:.1f} s ({holds[0].why})"
    yield _STUCK.flag(grade, series.name, span, seconds, limits.limit(grade), what)


def _holds(series: SeriesMeasures, pair: Pair | None, limits: Limits) -> Iterator[_Hold]:
    joints = columns_of(series, "joint")
    # what only changes its sign with its quaternion does nothing but round otherwise
    moved = np.ptp(unturned(series)[:, joints], axis=0)
    joints = joints[moved > ROUNDED * series.extent[joints]]
    if len(joints) < 2:
        return
    step, pace = moves(series).step[:, joints], moves(series).pace[joints]
    same = step == 0
    needed = max(limits.suspect * NS / max(series.period_ns, 1), 5.0)
    found = column_runs(same)
    share = same.mean(axis=0)
    for column, start, stop in found[found[:, 2] - found[:, 1] + 1 >= needed]:
        length = stop - start
        travel = step[start:stop].sum(axis=0) / series.extent[joints]
        if np.sum(np.delete(travel, column) >= limits["travel"]) == 0:
            continue
        hold = (int(joints[column]), int(start), int(stop) + 1)
        if pair is not None and _commanded(pair, hold, limits):
            yield _Hold(*hold, True, "its command moves on")
            continue
        elsewhere = (share[column] * len(step) - length) / max(len(step) - length, 1)
        noisy = _reversals(series, hold[0])
        if elsewhere <= limits["repeat_share"] and noisy >= limits["noisy_share"]:
            yield _Hold(*hold, True, "its values never repeat otherwise")
            continue
        if pair is not None and _told_to_stay(pair, hold):
            continue
        before = step[max(start - 3, 0) : start, column]
        abrupt = len(before) == 3 and before.min() > ABRUPT * pace[column]
        if _leap(series, joints[[column]], int(stop))[0] > JUMP * pace[column]:
            yield _Hold(*hold, abrupt, "it leaps when it comes loose")
        elif abrupt and elsewhere <= limits["repeat_share"]:
            yield _Hold(*hold, False, "it stops dead")


def _commanded(pair: Pair, hold: tuple[int, int, int], limits: Limits) -> bool:
    """Whether the command of a column moves by much while the column holds."""
    column, start, stop = hold
    stop = _before_lag(pair, stop, limits)
    if column not in pair.columns[:, 0] or stop - start < 3:
        return False
    at = int(np.flatnonzero(pair.columns[:, 0] == column)[0])
    asked = float(np.ptp(pair.commanded[start:stop, at]))
    # in the scale of the joint, and of the robot: a small command may not overcome friction
    usual = max(float(pair.state.extent[column]), float(np.ptp(pair.commanded[:, at])))
    widest = pair.widest(pair.state.extent[pair.columns[:, 0]])[at]
    usual = max(usual, limits["moved"] * float(widest))
    return asked >= limits["commanded"] * usual


def _told_to_stay(pair: Pair, hold: tuple[int, int, int]) -> bool:
    """Whether a column that follows its command holds because the command does."""
    column, start, stop = hold
    at = np.flatnonzero((pair.columns[:, 0] == column) & pair.tracks)
    late = round(max(pair.latest_ms, 0) * 1e6 / max(pair.state.period_ns, 1))
    end = stop - late
    if not len(at) or end - start < 3:
        return False
    told = pair.commanded[:, at[0]]
    return bool(np.ptp(told[start:end]) <= STAYS * np.ptp(told))


def _before_lag(pair: Pair, stop: int, limits: Limits) -> int:
    """The end of a hold without the time in which a command may be on before the robot is."""
    lag_s = limits["lag_s"] + max(pair.latest_ms, 0) / 1000
    return stop - round(lag_s * NS / max(pair.state.period_ns, 1))


def _leap(series: SeriesMeasures, columns: Indexes, last: int) -> Floats:
    """How far columns are, just after sample ``last``, from what they held; shape (m,).

    A spike has come back by then, and is 0.
    """
    values = unturned(series)
    after = values[last + 1 : last + 4, columns]
    if len(after) < 3:
        return np.zeros(len(columns))
    away = np.abs(after - values[last, columns])
    return np.asarray(np.minimum(away[0], np.median(away, axis=0)), np.float64)


def _reversals(series: SeriesMeasures, column: int) -> float:
    """Share of samples at which a column turns round: about 2/3 for noise, 0 for smooth motion."""
    step = np.diff(series.filled[:, column])
    step = step[step != 0]
    return float(np.mean(step[1:] * step[:-1] < 0)) if len(step) > 8 else 0.0


def flat_series(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a series all of whose columns repeat to the last digit, though it ought to move (s).

    Ought to: its command moves on; or it leaps out of it; or its samples never repeat otherwise. By
    this alone some columns of a sensor are flagged, too, as one axis, or one of two chips.
    """
    commands = {id(pair.state): pair for pair in pairs(measurements) if pair.is_followed}
    for series in measurements.series:
        if judgeable(series) and series.extent.any() and series.role != "action":
            yield from _flat(series, commands.get(id(series)), limits)
            if series.role == "other":
                yield from _flat_in_part(series, limits)


def _flat(series: SeriesMeasures, pair: Pair | None, limits: Limits) -> Iterator[Flag]:
    moving = series.extent > 0
    step, pace = moves(series).step[:, moving], moves(series).pace[moving]
    same = (step == 0).all(axis=1)
    found = runs(same)
    needed = max(limits.suspect * NS / max(series.period_ns, 1), 5.0)
    for start, stop in found[found[:, 1] - found[:, 0] + 1 >= needed]:
        span = sample_span(series, int(start), int(stop) + 1)
        seconds = span.duration_ns / NS
        grade = limits.grade(seconds)
        why = _why_flat(series, pair, int(start), int(stop), same, pace, limits)
        if grade and why:
            what = f"nothing changes for {seconds:.1f} s ({why})"
            yield _FLAT.flag(grade, series.name, span, seconds, limits.limit(grade), what)


def _flat_in_part(series: SeriesMeasures, limits: Limits) -> Iterator[Flag]:
    """One flag for the columns that stand still together while others go on."""
    moving = np.flatnonzero(series.extent > 0)
    same = moves(series).step[:, moving] == 0
    needed = max(limits.suspect * NS / max(series.period_ns, 1), 5.0)
    found = column_runs(same & ~same.all(axis=1)[:, None])
    length = found[:, 2] - found[:, 1]
    found, length = found[length + 1 >= needed], length[length + 1 >= needed]
    elsewhere = (same.sum(axis=0)[found[:, 0]] - length) / np.maximum(len(same) - length, 1)
    values = series.filled[:, moving]
    held_at = values[found[:, 1], found[:, 0]]
    # what rests at the end of its range is cut off there, and flagged as that
    cut = (held_at == values.max(axis=0)[found[:, 0]]) | (
        held_at == values.min(axis=0)[found[:, 0]]
    )
    found = found[(elsewhere <= limits["repeat_share"]) & ~cut]
    held: dict[tuple[int, int], list[int]] = {}
    for column, start, stop in found.tolist():
        if _reversals(series, int(moving[column])) >= limits["noisy_share"]:
            held.setdefault((start, stop), []).append(int(moving[column]))
    for (start, stop), columns in held.items():
        span = sample_span(series, start, stop + 1)
        seconds = span.duration_ns / NS
        grade = limits.grade(seconds)
        if grade:
            names = names_of(series, columns)
            what = f"{names} unchanged for {seconds:.1f} s while the rest goes on"
            yield _FLAT.flag(grade, series.name, span, seconds, limits.limit(grade), what)


def _why_flat(
    series: SeriesMeasures,
    pair: Pair | None,
    start: int,
    stop: int,
    same: npt.NDArray[np.bool_],
    pace: npt.NDArray[np.float64],
    limits: Limits,
) -> str | None:
    if pair is not None and (end := _before_lag(pair, stop, limits)) - start >= 3:
        asked = np.ptp(pair.commanded[start:end], axis=0)
        usual = series.extent[pair.columns[:, 0]]
        usual = np.maximum(usual, limits["moved"] * pair.widest(usual))
        if (pair.tracks & (asked >= limits["commanded"] * usual)).any():
            return "its command moves on"
    elsewhere = (same.sum() - (stop - start)) / max(len(same) - (stop - start), 1)
    if elsewhere <= limits["repeat_share"] and not _settles(series, start, pace):
        noisy = np.median([_reversals(series, int(at)) for at in np.flatnonzero(series.extent > 0)])
        if noisy >= limits["noisy_share"]:
            return "its samples never repeat otherwise"
    leap = _leap(series, np.flatnonzero(series.extent > 0), stop)
    if series.role == "state" and (leap > JUMP * pace).any():
        return "it leaps when it comes loose"
    return None


def _settles(series: SeriesMeasures, start: int, pace: Floats) -> bool:
    """Whether a series comes to rest just before sample ``start``, and is not cut off in its noise:
    what a simulator lays down then stays where it is to the last digit. A robot has noise at rest.
    """
    if series.role == "state" or start <= SETTLING:
        return False
    first = max(start - SETTLING - BEFORE, 0)
    steps = np.median(moves(series).step[first:start, series.extent > 0] / pace, axis=1)
    last = float(steps[-SETTLING:].max())
    return last < TREMBLE or last < SETTLED * float(steps[:-SETTLING].max())


def dead_dimension(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags columns that never change though their command moves like the others' (columns).

    What does nothing but its own noise does not change: a motor without power. A joint that a task
    does not need stands still rightly, so a column without a command is not judged.
    """
    for pair in pairs(measurements):
        if not pair.is_followed:
            continue
        told = np.ptp(pair.commanded, axis=0)
        places = pair.columns[:, 0]
        # a gripper that chatters from end to end looks like noise
        still = np.where(
            pair.are_joints, is_noise(pair.state.filled[:, places]), pair.state.extent[places] == 0
        )
        asked = (told >= limits["commanded"] * _usually_told(pair, told)) & (told > 0)
        if pair.are_numbered:  # the fourth of a quaternion is no gripper's partner
            asked &= ~in_quaternions(pair.state)[places]
        dead = places[still & ~pair.tracks & asked & ~is_noise(pair.commanded)]
        grade = limits.grade(len(dead))
        if grade and len(dead):
            names = names_of(pair.state, dead, "never move")
            yield _DEAD.flag(
                grade, pair.state.name, pair.state.span, len(dead), limits.limit(grade),
                f"{names} though {pair.action.name} asks for it",
            )  # fmt: skip


def _usually_told(pair: Pair, told: Floats) -> Floats:
    """For each pair the median range of the commands of its kind that are followed; shape (m,)."""
    usual = np.zeros(len(told))
    for some in (pair.are_joints, ~pair.are_joints):
        followed = told[some & pair.tracks]
        usual[some] = np.median(followed) if len(followed) else told[some].max(initial=0.0)
    return usual


def joint_limit(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a joint that runs hard against its extreme and stays there while others move (s).

    Hard: while its command asks for more; by a leap; or without slowing down, twice or more at one
    and the same value. To stop once where it wants to be is what a joint is for.
    """
    commands = {id(pair.state): pair for pair in pairs(measurements) if pair.is_followed}
    for series in motion_series(measurements):
        joints = columns_of(series, "joint")
        joints = joints[series.extent[joints] > 0]
        if len(joints) > 1:
            yield from _at_limit(series, joints, commands.get(id(series)), limits)


def _at_limit(
    series: SeriesMeasures, joints: Indexes, pair: Pair | None, limits: Limits
) -> Iterator[Flag]:
    values, extent = series.filled[:, joints], series.extent[joints]
    near = limits["near"] * extent
    wide = extent >= SMALL * extent.max()
    high, low = values.max(axis=0) - values <= near, values - values.min(axis=0) <= near
    for sign, mask in ((1.0, high & wide), (-1.0, low & wide)):
        found = column_runs(mask)
        # from the very start it is where the robot was put
        found = found[(found[:, 1] >= 3) & (found[:, 2] - found[:, 1] >= 5)]
        abrupt, leaps = _entered(series, joints, found)
        for at, (column, start, stop) in enumerate(found):
            span = sample_span(series, int(start), int(stop))
            seconds = span.duration_ns / NS
            grade = limits.grade(seconds)
            travel = np.ptp(values[start:stop], axis=0) / extent
            if grade is None or np.delete(travel, column).max() < limits["travel"]:
                continue
            again = abrupt[at] and (abrupt & (found[:, 0] == column)).sum() >= 2
            if _beyond(pair, int(joints[column]), slice(start, stop), mask[:, column], sign):
                why = "its command asks for more"
            elif leaps[at]:
                why = "it leaps to it"
            elif again:
                why = "it stops dead at the same value again and again"
            else:
                continue
            way = "upper" if sign > 0 else "lower"
            name = column_name(series, int(joints[column]))
            what = f"{name} at its {way} limit for {seconds:.1f} s ({why})"
            yield _LIMIT.flag(grade, series.name, span, seconds, limits.limit(grade), what)


def _entered(
    series: SeriesMeasures, joints: Indexes, found: Indexes
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each plateau [column, start, stop) was entered at speed, and by a leap."""
    columns, starts = joints[found[:, 0]], found[:, 1]
    step, pace = moves(series).step, moves(series).pace[columns]
    # the last step before may be cut short by the limit
    before = [step[np.maximum(starts - back, 0), columns] for back in (2, 3, 4)]
    inside = [step[np.minimum(starts + on, len(step) - 1), columns] for on in (0, 1, 2)]
    dead = np.max(inside, axis=0) < 0.1 * pace
    last = step[starts - 1, columns]
    # what stops where it wants to slows down first, if only for a sample or two
    leaps = (last > pace) & (last >= UNSLOWED * np.max(before, axis=0))
    return dead & (np.min(before, axis=0) > ABRUPT * pace), dead & leaps


def _beyond(
    pair: Pair | None, column: int, hold: slice, at_end: npt.NDArray[np.bool_], sign: float
) -> bool:
    """Whether the command lies beyond a column's extreme in a hold, and only where it is there."""
    if pair is None or at_end.all() or column not in pair.columns[:, 0]:
        return False
    at = int(np.flatnonzero(pair.columns[:, 0] == column)[0])
    late = round(pair.lag.ms * 1e6 / max(pair.state.period_ns, 1)) if pair.lag.tells else 0
    told = np.clip(np.arange(pair.state.count) - late, 0, pair.state.count - 1)
    error = sign * (pair.commanded[told, at] - pair.state.filled[:, column])
    usual = float(np.percentile(np.abs(error[~at_end]), 90))
    return bool(np.median(error[hold]) > max(2 * usual, 0.05 * float(pair.state.extent[column])))


_REMEDY = "Restart the robot's driver, check its cable, and retake."
STUCK_JOINT = Check(
    name="stuck_joint",
    says="A joint holds one value to the last digit while the others move.",
    unit="s",
    remedy=_REMEDY,
    needs=("series.values",),
    function=stuck_joint,
    settings=("travel", "commanded", "moved", "lag_s", "repeat_share", "noisy_share"),
)
FLAT_SERIES = Check(
    name="flat_series",
    says="A sensor hands out one and the same sample while the world goes on.",
    unit="s",
    remedy="Check the sensor's cable and driver, and retake.",
    needs=("series.values",),
    function=flat_series,
    settings=("commanded", "moved", "lag_s", "repeat_share", "noisy_share"),
)
DEAD_DIMENSION = Check(
    name="dead_dimension",
    says="A column never changes although its command does.",
    unit="columns",
    remedy=_REMEDY,
    needs=("series.values",),
    function=dead_dimension,
    settings=("commanded",),
)
JOINT_LIMIT = Check(
    name="joint_limit",
    says="A joint runs hard against its limit and stays there while the others move.",
    unit="s",
    remedy="Start from a pose with room to move, and retake.",
    needs=("series.values",),
    function=joint_limit,
    settings=("near", "travel"),
)
_STUCK = Finder.of(STUCK_JOINT)
_FLAT = Finder.of(FLAT_SERIES)
_DEAD = Finder.of(DEAD_DIMENSION)
_LIMIT = Finder.of(JOINT_LIMIT)
