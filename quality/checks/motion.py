"""How the robot moves: spikes, jumps, jerk, chatter of the gripper, and standing idle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import (
    Floats,
    column_name,
    columns_of,
    is_noise,
    least_scale,
    motion_series,
    moves,
    names_of,
    scale_of,
)
from quality.checks.remembered import once
from quality.checks.rotations import TURNS, unturned
from quality.checks.stretches import joined, runs
from quality.checks.stuck import sample_span
from quality.measures.align import STEPS_MAX
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures

Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float32]
REACH = 5
"""Samples on either side that a spike or a jump is held against."""
GRID_S = 0.05
"""Smoothness is judged at this interval, whatever the rate: more would judge the sensor's noise."""
BIN_S = 0.25
"""Whether the robot moves is asked of stretches of this length."""
SCENE_STILL = 1e-3
"""A camera sees nothing move where hardly a picture changes by more than this share of itself."""


def not_a_number(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags samples that hold a value which is not a number; those near each other are one flag."""
    for series in measurements.series:
        if not series.bad_count:
            continue
        if series.values.shape[0] != series.count:
            yield from _nan(series, series.span, series.bad_count, "", limits)
            continue
        bad = np.logical_not(np.isfinite(series.values))
        rows = np.asarray(bad.any(axis=1), np.bool_)
        gap = limits["join_s"] * NS / max(series.period_ns, 1)
        for start, stop in joined(runs(rows), gap):
            columns = np.flatnonzero(bad[start:stop].any(axis=0))
            names = names_of(series, columns)
            count = int(rows[start:stop].sum())
            span = sample_span(series, int(start), int(stop))
            yield from _nan(series, span, count, f" ({names})", limits)


def _nan(
    series: SeriesMeasures, span: Span, count: int, where: str, limits: Limits
) -> Iterator[Flag]:
    grade = limits.grade(count)
    if grade:
        what = f"{count} {'sample holds' if count == 1 else 'samples hold'} no number{where}"
        yield _NAN.flag(grade, series.name, span, count, limits.limit(grade), what)


def spike(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags lone samples of a robot's state far from those on both sides (% of the range).

    The height is against the median of five samples around, so one or two in a row are found. It
    must be above ``sigmas`` of what that is otherwise (robust) and ``ratio`` times each step near.
    Those within ``join_s`` of one another are one flag.
    """
    for series in motion_series(measurements):
        joints = columns_of(series, "joint")
        if len(joints) and (series.rate_hz or 0.0) >= limits["rate_hz"]:
            told = [one for one in _spikes(series, joints, limits) if limits.grade(one[2])]
            at = np.unique([sample for sample, _, _ in told]).astype(np.intp)
            gap = limits["join_s"] * NS / max(series.period_ns, 1)
            for start, stop in joined(np.stack((at, at + 1), axis=1), gap):
                yield _spiked(series, [one for one in told if start <= one[0] < stop], limits)


def _spiked(series: SeriesMeasures, spikes: list[tuple[int, int, float]], limits: Limits) -> Flag:
    """One flag for spikes near one another: sample, column and height of each."""
    height = max(height for _, _, height in spikes)
    grade = limits.grade(height) or Grade.SUSPECT
    names = names_of(series, sorted({at for _, at, _ in spikes}), "stand")
    count = len({sample for sample, _, _ in spikes})
    often = "in one sample" if count == 1 else f"at most, {count} times"
    what = f"{names} out by {height:.0f} % of the range {often}"
    span = sample_span(series, min(spikes)[0], max(spikes)[0] + 1)
    return _SPIKE.flag(grade, series.name, span, height, limits.limit(grade), what)


def _spikes(
    series: SeriesMeasures, joints: npt.NDArray[np.intp], limits: Limits
) -> Iterator[tuple[int, int, float]]:
    """Sample, column, and height in % of the column's range without its spikes."""
    for column in joints:
        least = float(least_scale(series)[column])
        values = np.ascontiguousarray(unturned(series)[:, column])
        heights = np.abs(values - _median_of_five(np.pad(values, 2, mode="edge")))
        largest = float(heights.max())
        # what is no spike by far needs no percentile
        if largest < 0.01 * limits.suspect * max(float(series.extent[column]) - largest, 1e-9):
            continue
        low, high = np.percentile(values, (0.5, 99.5))
        scale = max(float(high - low), least, 1e-9)
        usual = float(np.percentile(heights, 90)) / 1.645
        enough = np.maximum(limits["sigmas"] * usual, 0.01 * limits.suspect * scale)
        for start, stop in runs(heights >= enough):
            at = int(start + heights[start:stop].argmax())
            tall = float(heights[at])
            if stop - start <= 2 and not _is_turn(tall):
                near = _near_steps(values, int(start), int(stop))
                if tall >= limits["ratio"] * near:
                    yield at, int(column), min(100 * tall / scale, 1e4)


def _median_of_five(values: Column) -> Column:
    """Median of five samples around each but the first and last two; shape (n - 4,).

    By comparisons, which is many times faster than sorting windows.
    """
    a, b, c, d, e = (values[at : len(values) - 4 + at] for at in range(5))
    low, high = np.minimum(a, b), np.maximum(a, b)
    lower, higher = np.minimum(d, e), np.maximum(d, e)
    floor, ceiling = np.maximum(low, lower), np.minimum(high, higher)
    # median of the three that are left
    return np.maximum(np.minimum(floor, ceiling), np.minimum(np.maximum(floor, ceiling), c))


def _near_steps(values: Column, start: int, stop: int) -> float:
    """The largest step within REACH of samples [start, stop), but for those in and out of them."""
    before = values[max(start - REACH, 0) : start]
    after = values[stop : stop + REACH]
    steps = np.abs(np.concatenate((np.diff(before), np.diff(after))))
    return float(steps.max()) if len(steps) else 0.0


def _is_turn(size: float) -> bool:
    return any(abs(size - turn) < 0.03 * turn for turn in TURNS)


def unreachable_jump(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a step of a joint that it could not have made: out of rest or slow motion, and back.

    The step is in times the joint's fast steps elsewhere; it must be ``share`` of the range, and
    ``ratio`` times every step near it, for a joint that moves fast gathers speed first.
    """
    for series in motion_series(measurements):
        joints = columns_of(series, "joint")
        if not len(joints) or (series.rate_hz or 0.0) < limits["rate_hz"]:
            continue
        step, pace = moves(series).step[:, joints], moves(series).pace[joints]
        large = step >= limits["share"] * np.maximum(scale_of(series, joints), 1e-12)
        large &= step >= limits.suspect * pace
        interval = np.diff(series.times_ns)
        large &= (interval <= limits["gap_periods"] * max(series.period_ns, 1))[:, None]
        found: dict[int, list[int]] = {}
        for at, column in np.argwhere(large):
            found.setdefault(int(at), []).append(int(column))
        for at, columns in found.items():
            yield from _jumps(series, joints, at, columns, limits)


def _jumps(
    series: SeriesMeasures,
    joints: npt.NDArray[np.intp],
    at: int,
    columns: list[int],
    limits: Limits,
) -> Iterator[Flag]:
    """One flag for the joints that jump after sample ``at``."""
    step, pace = moves(series).step[:, joints], moves(series).pace[joints]
    jumped = []
    for column in columns:
        size = float(step[at, column])
        # the samples on either side: a spike goes back at once
        levels = unturned(series)[max(at - 2, 0) : at + 4, joints[column]]
        alone = size >= limits["ratio"] * _near_steps_of(unturned(series)[:, joints[column]], at)
        goes_back = len(levels) >= 4 and abs(float(levels[-1] - levels[0])) < 0.5 * size
        if alone and not goes_back and not _is_turn(size):
            jumped.append((size / max(float(pace[column]), 1e-9), column))
    if jumped:
        times = min(max(jumped)[0], 1e4)
        names = names_of(series, joints[[column for _, column in jumped]], "jump")
        grade = limits.grade(times)
        if grade:
            what = f"{names} at {times:.0f} times the usual pace"
            span = sample_span(series, at, at + 2)
            yield _JUMP.flag(grade, series.name, span, times, limits.limit(grade), what)


def _near_steps_of(values: Column, at: int) -> float:
    """The largest step within REACH of that after sample ``at``, but for one that goes back.

    A dropout of a few samples leaps there and back again.
    """
    steps = np.diff(values[max(at - REACH, 0) : at + REACH + 2])
    own = min(at, REACH)
    size, near = float(steps[own]), np.delete(steps, own)
    back = np.flatnonzero(np.abs(near + size) < 0.5 * abs(size))
    near = np.delete(near, back[:1]) if len(back) == 1 else near
    return float(np.abs(near).max(initial=0.0))


def jerky_motion(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches of motion whose log dimensionless jerk is low: trembling, jolting, hunting.

    LDLJ = -ln(T^3 / v^2 * integral of |jerk|^2 dt) over windows of ``window_s`` T, with v the
    greatest speed in it (Hogan & Sternad 2009; Balasubramanian et al. 2012). All joints together,
    each in shares of its range.
    """
    for series in motion_series(measurements):
        if only_noise([series]):  # noise is as jerky as can be
            continue
        smooth, starts = smoothness(series, limits["window_s"], limits["pace"])
        if not len(smooth):
            continue
        half = round(0.5 * limits["window_s"] * NS)
        for start, stop in runs(np.nan_to_num(smooth, nan=0.0) <= limits.suspect):
            if stop - start < limits["windows"]:
                continue
            worst = float(np.nanmedian(smooth[start:stop]))
            grade = limits.grade(worst)
            if grade:
                # a window that is half jerky is jerky: the span is that of the middles
                span = Span(int(starts[start]) + half, int(starts[stop - 1]) + half)
                what = f"jerky, log dimensionless jerk {worst:.1f}"
                yield _JERK.flag(grade, series.name, span, worst, limits.limit(grade), what)


@once
def smoothness(
    series: SeriesMeasures, window_s: float, pace: float
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Log dimensionless jerk of windows half a window apart, NaN where little moves; their starts.

    ``pace`` is the share of the greatest usual speed that must be reached in a window.
    """
    nothing = np.empty(0), np.empty(0, np.int64)
    joints = columns_of(series, "joint")
    joints = joints[series.extent[joints] > 0] if len(joints) else joints
    period_s = max(GRID_S, series.period_ns / NS)
    width = round(window_s / period_s)
    span_s = series.span.duration_ns / NS
    if (
        not len(joints)
        or width < 8
        or span_s < 2 * window_s
        or span_s > STEPS_MAX * period_s
        or (np.diff(series.times_ns) < 0).any()
    ):
        return nothing
    # a joint that hardly moves at all says nothing of how the robot moves
    joints = joints[series.extent[joints] >= least_scale(series)[joints]]
    grid = np.arange(int(span_s / period_s))
    edges = series.times_ns[0] + np.round(np.append(grid, len(grid)) * period_s * NS)
    first = np.minimum(np.searchsorted(series.times_ns, edges), series.count)
    held = np.diff(first)
    full = np.flatnonzero(held)
    means = np.zeros((len(grid), len(joints)))
    for row, column in enumerate(joints):
        sums = np.add.reduceat(unturned(series)[:, column], first[full]) / series.extent[column]
        # a bin without a sample lies on the line between its neighbours
        means[:, row] = np.interp(grid, full, sums / held[full])
    velocity = np.diff(means, axis=0) / period_s
    jerk = (np.diff(velocity, 2, axis=0) ** 2).sum(axis=1) / period_s**4
    speed = np.sqrt((velocity**2).sum(axis=1))
    at = np.arange(0, len(jerk) - width + 1, max(width // 2, 1))
    if not len(at):
        return nothing
    total = np.concatenate(([0.0], np.cumsum(jerk)))
    peak = np.lib.stride_tricks.sliding_window_view(speed, width)[at].max(axis=1)
    moving = peak >= pace * np.percentile(speed, 95)
    ratio = (
        (window_s**3) * (total[at + width] - total[at]) * period_s / np.maximum(peak, 1e-12) ** 2
    )
    smooth = np.where(moving & (ratio > 0), -np.log(np.maximum(ratio, 1e-12)), np.nan)
    return smooth, (edges[at]).astype(np.int64)


def gripper_chatter(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a gripper that turns round again and again within a second (reversals a second).

    A swing counts from ``swing`` of the range of the gripper, of the widest of several fingers, or
    of ``unused`` of the widest joint's where that is more.
    """
    states = motion_series(measurements)
    if states and only_noise(states):
        return
    joints = [one.extent[columns_of(one, "joint")] for one in states]
    robot = max((float(one.max(initial=0)) for one in joints), default=0.0)
    for series in measurements.series:
        if series.role == "other" or len(series.values) != series.count or series.count < 8:
            continue
        grippers = columns_of(series, "gripper")
        # of several fingers, one that hardly moves only trembles; so does a gripper not in use
        widest = max(float(series.extent[grippers].max(initial=0)), limits["unused"] * robot)
        for column in grippers:
            if series.extent[column] > 0:
                yield from _chatter(series, int(column), limits["swing"] * widest, limits)


def _chatter(series: SeriesMeasures, column: int, swing: float, limits: Limits) -> Iterator[Flag]:
    turns = _turns(series.filled[:, column], swing)
    if len(turns) < limits.suspect:
        return
    times = series.times_ns[turns]
    # turns within a second from each one on
    counts = np.searchsorted(times, times + NS) - np.arange(len(times))
    busy = np.flatnonzero(counts >= limits.suspect)
    if not len(busy):
        return
    part = np.zeros(len(times) + 1, np.int64)
    np.add.at(part, busy, 1)
    np.add.at(part, busy + counts[busy], -1)
    for start, stop in runs(np.cumsum(part)[:-1] > 0):
        rate = float(counts[start:stop].max())
        grade = limits.grade(rate)
        if grade:
            # an ordinary move just before or after is no part of it
            apart = np.diff(times[start:stop])
            close = np.flatnonzero(apart <= 3 * np.median(apart)) + start
            span = Span(int(times[close[0]]), int(times[close[-1] + 1]))
            what = f"{column_name(series, column)} turns round {rate:.0f} times in a second"
            yield _CHATTER.flag(grade, series.name, span, rate, limits.limit(grade), what)


def _turns(values: Column, swing: float) -> npt.NDArray[np.intp]:
    """Samples at which a column turns round by ``swing`` or more on both sides, ascending."""
    # steps of a quarter swing: what is less is noise
    coarse = np.round(values / (0.25 * swing))
    changed = np.flatnonzero(np.diff(coarse)) + 1
    levels = coarse[np.concatenate(([0], changed))]
    at = np.concatenate(([0], changed))
    for _ in range(4):  # taking small swings out may make others of the same direction neighbours
        ways = np.sign(np.diff(levels))
        ends = np.flatnonzero(np.append(ways[1:] != ways[:-1], True)) + 1 if len(ways) else ways
        keep = np.concatenate(([0], ends)).astype(np.intp)
        levels, at = levels[keep], at[keep]
        small = np.abs(np.diff(levels)) < 4
        if not small.any():
            break
        # a small swing goes with its way back: both its ends are dropped
        drop = np.zeros(len(levels), np.bool_)
        first = np.flatnonzero(small & ~np.insert(small[:-1], 0, False))
        drop[first] = drop[np.minimum(first + 1, len(levels) - 1)] = True
        drop[[0, -1]] = False
        if not drop.any():
            break
        levels, at = levels[~drop], at[~drop]
    large = np.abs(np.diff(levels)) >= 4
    return at[1:-1][large[1:] & large[:-1]] if len(large) > 1 else np.empty(0, np.intp)


def idle(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording in which the robot stands still for much of the time (%), or for long.

    Still: within ``still`` of the range of each joint and gripper, noise allowed for. Head, tail
    and stalls are told apart; one alone is flagged from ``stretch_suspect_s``. Where no joint moves
    at all, the cameras must agree, since a state may be a placeholder.
    """
    series = [one for one in motion_series(measurements) if (one.rate_hz or 0.0) * BIN_S >= 1]
    series = [one for one in series if (np.diff(one.times_ns) >= 0).all()]
    if not series:
        return
    still, start_ns = _still(series, limits["still"])
    if not len(still):
        return
    if still.all() or only_noise(series):
        if not _scene_stands(measurements):  # it may be no robot's state
            return
        still = np.ones_like(still)
    bin_ns = round(BIN_S * NS)
    found = runs(still)
    share = 100 * float(still.mean())
    whole = Span(start_ns, start_ns + len(still) * bin_ns)
    grade = limits.grade(share)
    if grade:
        what = f"stands still for {share:.0f} % of the time"
        yield _IDLE.flag(grade, None, whole, share, limits.limit(grade), what)
    lengths = Limits(limits["stretch_suspect_s"], limits["stretch_fail_s"])
    for start, stop in found:
        seconds = (stop - start) * BIN_S
        grade = lengths.grade(seconds)
        if grade:
            part = (
                "at the start"
                if start == 0
                else "at the end"
                if stop == len(still)
                else "in between"
            )
            span = Span(start_ns + int(start) * bin_ns, start_ns + int(stop) * bin_ns)
            what = f"stands still {part} for {seconds:.1f} s"
            yield _IDLE_S.flag(grade, None, span, seconds, lengths.limit(grade), what)


def _still(series: list[SeriesMeasures], share: float) -> tuple[Mask, int]:
    """Whether all of the robot stands still in each stretch of BIN_S, and when the first starts;
    of none where the clock is broken."""
    bin_ns = round(BIN_S * NS)
    start_ns = min(int(one.times_ns[0]) for one in series)
    count = max(int((one.times_ns[-1] - start_ns) // bin_ns) for one in series)
    if count > STEPS_MAX:
        return np.zeros(0, np.bool_), start_ns
    moving = np.zeros(max(count, 0), np.bool_)
    for one in series:
        columns = columns_of(one, "joint", "gripper")
        if not len(columns) or count < 2:
            continue
        values = unturned(one)[:, columns]
        noise = _noise(values)
        extent = np.ptp(values, axis=0).astype(np.float64)
        allowed = np.maximum(share * np.maximum(extent, least_scale(one)[columns]), 6 * noise)
        edges = start_ns + np.arange(count) * bin_ns
        at = np.minimum(np.searchsorted(one.times_ns, edges), one.count - 1)
        # up to the first sample of the next stretch, so that no step falls between two
        most = np.maximum(np.maximum.reduceat(values, at), values[np.append(at[1:], at[-1])])
        least = np.minimum(np.minimum.reduceat(values, at), values[np.append(at[1:], at[-1])])
        moving |= (most - least > allowed).any(axis=1)
    return ~moving, start_ns


def only_noise(series: list[SeriesMeasures]) -> bool:
    """True where no joint and no gripper of any series moves by more than its own noise does."""
    return all(is_noise(one.filled[:, columns_of(one, "joint", "gripper")]).all() for one in series)


def _scene_stands(measurements: Measurements) -> bool:
    """True where there are cameras, and none of them sees anything move."""
    seen = [one.changed_share for one in measurements.cameras if one.count > 1]
    return bool(seen) and all(np.quantile(one, 0.95) <= SCENE_STILL for one in seen)


def _noise(values: npt.NDArray[np.float32]) -> Floats:
    """Standard deviation of the noise of each column, by its second differences; shape (k,)."""
    every = max(len(values) // 5000, 1)
    before, at, after = (values[on : len(values) - 2 + on : every] for on in (0, 1, 2))
    bend = np.abs(before - 2 * at + after)
    return np.asarray(np.median(bend, axis=0) / (0.6745 * np.sqrt(6)), np.float64)


NOT_A_NUMBER = Check(
    name="not_a_number",
    says="A sensor's samples hold values that are not numbers.",
    unit="samples",
    remedy="Mend the recorder or the sensor's driver, and retake.",
    needs=("series.values", "series.bad_count"),
    function=not_a_number,
    settings=("join_s",),
)
SPIKE = Check(
    name="spike",
    says="A joint's value leaps away for a sample or two and comes back.",
    unit="%",
    remedy="Check the encoder's cable and its shield, and retake.",
    needs=("series.values",),
    function=spike,
    settings=("sigmas", "ratio", "rate_hz", "join_s"),
)
UNREACHABLE_JUMP = Check(
    name="unreachable_jump",
    says="A joint is elsewhere from one sample to the next, faster than it can move.",
    unit="times",
    remedy="Look for lost samples or a driver that was started again, and retake.",
    needs=("series.values",),
    function=unreachable_jump,
    settings=("share", "ratio", "rate_hz", "gap_periods"),
)
JERKY_MOTION = Check(
    name="jerky_motion",
    says="The robot trembles or jolts instead of moving smoothly.",
    unit="LDLJ",
    remedy="Tune the controller or slow down the teleoperation, and retake.",
    needs=("series.values",),
    function=jerky_motion,
    worse="lower",
    settings=("window_s", "windows", "pace"),
)
GRIPPER_CHATTER = Check(
    name="gripper_chatter",
    says="The gripper opens and closes again and again within a second.",
    unit="reversals/s",
    remedy="Check the gripper's trigger and its debouncing, and retake.",
    needs=("series.values",),
    function=gripper_chatter,
    settings=("swing", "unused"),
)
IDLE = Check(
    name="idle",
    says="The robot stands still for long at the start, at the end or in between.",
    unit="%",
    remedy="Cut the idle part, or retake and keep going.",
    needs=("series.values",),
    function=idle,
    settings=("still", "stretch_suspect_s", "stretch_fail_s"),
)
_NAN = Finder.of(NOT_A_NUMBER)
_SPIKE = Finder.of(SPIKE)
_JUMP = Finder.of(UNREACHABLE_JUMP)
_JERK = Finder.of(JERKY_MOTION)
_CHATTER = Finder.of(GRIPPER_CHATTER)
_IDLE = Finder.of(IDLE)
_IDLE_S = Finder(IDLE.name, "s", IDLE.remedy)
