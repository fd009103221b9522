"""The clock of a sensor series: gaps, times that run back or repeat, jitter, another rate."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span, often
from quality.checks.check import Check, Finder, Limits
from quality.checks.drops import WINDOW, lost_frames
from quality.checks.stretches import joined, runs
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures

MIN_SAMPLES = 10
"""Fewer samples have no rate to speak of."""
REGULAR = 0.9
"""Share of intervals within half of the median from which a sensor ticks rather than reports."""


def timed_series(
    measurements: Measurements, clocks: Collection[str] = ("measured",)
) -> Iterator[SeriesMeasures]:
    """The series whose times a clock gave, one of each set that shares the same times."""
    told: list[SeriesMeasures] = []
    # a state's clock is that of the action in the same table
    for series in sorted(measurements.series, key=lambda one: one.role != "state"):
        alike = any(np.array_equal(series.times_ns, one.times_ns) for one in told)
        if series.clock in clocks and series.count >= MIN_SAMPLES and not alike:
            told.append(series)
            yield series


def _even_series(measurements: Measurements) -> Iterator[SeriesMeasures]:
    """Those of them that ought to come evenly.

    A command, a button or a fix of the GPS may come when there is one: without a declared rate,
    an action is not judged, and another sensor only where nearly all of its intervals are alike.
    """
    for series in timed_series(measurements):
        if series.role == "state" or series.declared_rate_hz:
            yield series
        elif series.role == "other":
            interval = np.diff(series.times_ns) / max(series.period_ns, 1)
            if np.mean(np.abs(interval - 1) < 0.5) >= REGULAR:
                yield series


def series_gap(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags times without samples: over ``gap_periods`` of the interval around and the limit (ms).

    Gaps up to ``join_s`` apart are one flag, which measures the longest. Where over
    ``lost_share`` % of all samples are missing, they fail.
    """
    for series in _even_series(measurements):
        times = np.sort(series.times_ns)
        interval = np.diff(times)
        long = interval >= limits.suspect * 1e6
        if not long.any():
            continue
        lost = _lost(times, np.flatnonzero(long), limits["gap_periods"])
        gaps = lost > 0
        share = 100 * float(lost[gaps].sum()) / (series.count + float(lost.sum()))
        join = limits["join_s"] * NS / max(series.period_ns, 1)
        for first, last in joined(runs(gaps), join):
            longest_ms = float(interval[first:last].max()) / 1e6
            grade = limits.grade(longest_ms)
            if grade is None:
                continue
            limit = limits.limit(grade)
            span = Span(int(times[first]), int(times[last]))
            count = int(lost[first:last].sum())
            samples = "sample" if count == 1 else "samples"
            what = f"{count} {samples} lost, longest gap {longest_ms:.0f} ms"
            if share >= limits["lost_share"]:
                grade = Grade.FAIL
                what += f" ({share:.0f} % of its samples lost in such gaps)"
            yield _GAP.flag(grade, series.name, span, longest_ms, limit, what)


def _lost(
    times: npt.NDArray[np.int64], at: npt.NDArray[np.intp], factor: float
) -> npt.NDArray[np.int64]:
    """Samples missing in each interval, asked only of those at ``at``; see ``lost_frames``."""
    lost = np.zeros(len(times) - 1, np.int64)
    for first, last in joined(np.stack([at, at + 1], axis=1), WINDOW):
        around = slice(max(first - WINDOW, 0), last + WINDOW + 1)
        found = lost_frames(times[around], factor)
        lost[first:last] = found[first - around.start : last - around.start]
    asked = np.zeros(len(lost), np.bool_)
    asked[at] = True
    return np.where(asked, lost, 0)


def bad_times(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags samples stamped before, or at the same time as, the one before them (samples)."""
    for series in timed_series(measurements):
        interval = np.diff(series.times_ns)
        bad = interval <= 0
        count = int(bad.sum())
        grade = limits.grade(count)
        if grade and count:
            back, same = int((interval < 0).sum()), int((interval == 0).sum())
            at = np.flatnonzero(bad)
            around = series.times_ns[at[0] : at[-1] + 2]
            span = Span(int(around.min()), int(around.max()))
            times = (
                f"{done} {often(count)}"
                for done, count in (("runs back", back), ("repeats", same))
                if count
            )
            what = f"time {' and '.join(times)}"
            yield _TIMES.flag(grade, series.name, span, count, limits.limit(grade), what)


def uneven_samples(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a series whose intervals spread widely around their median (% of it, gaps apart)."""
    for series in _even_series(measurements):
        interval = np.diff(np.sort(series.times_ns)).astype(np.float64)
        # of what comes in bursts the usual interval is no burst's
        period = max(float(np.median(interval)), float(series.period_ns), 1.0)
        # a gap is told by series_gap
        spread = 100 * float(np.std(interval[interval < limits["gap_periods"] * period])) / period
        burst = 100 * float((interval < limits["burst"] * period).mean())
        spread = max(spread, burst)
        grade = limits.grade(spread)
        if grade:
            what = f"intervals spread by {spread:.0f} % around {period / 1e6:.1f} ms"
            yield _UNEVEN.flag(grade, series.name, series.span, spread, limits.limit(grade), what)


def wrong_rate(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a series whose rate, by its usual interval, is not the declared one (%)."""
    for series in timed_series(measurements, ("measured", "grid")):
        if not series.declared_rate_hz or not series.rate_hz:
            continue
        off = 100 * abs(series.rate_hz / series.declared_rate_hz - 1)
        grade = limits.grade(off)
        if grade:
            what = f"runs at {series.rate_hz:.2f} Hz, {series.declared_rate_hz:g} Hz are declared"
            yield _RATE.flag(grade, series.name, series.span, off, limits.limit(grade), what)


SERIES_GAP = Check(
    name="series_gap",
    says="A sensor gave no sample for a time.",
    unit="ms",
    remedy="Lower the load on the recorder or the bus, and retake.",
    needs=("series.times_ns",),
    function=series_gap,
    settings=("gap_periods", "join_s", "lost_share"),
)
BAD_TIMES = Check(
    name="bad_times",
    says="A sensor's time stamps run back or repeat.",
    unit="samples",
    remedy="Stamp each sample once, from a clock that never goes back.",
    needs=("series.times_ns",),
    function=bad_times,
)
UNEVEN_SAMPLES = Check(
    name="uneven_samples",
    says="A sensor's samples come unevenly or in bursts.",
    unit="%",
    remedy="Stamp samples where they are taken, or give the recorder priority.",
    needs=("series.times_ns",),
    function=uneven_samples,
    settings=("gap_periods", "burst"),
)
WRONG_RATE = Check(
    name="wrong_rate",
    says="A sensor runs at another rate than declared.",
    unit="%",
    remedy="Correct the declared rate, or the sensor's settings.",
    needs=("series.times_ns", "series.declared_rate_hz"),
    function=wrong_rate,
)
_GAP = Finder.of(SERIES_GAP)
_TIMES = Finder.of(BAD_TIMES)
_UNEVEN = Finder.of(UNEVEN_SAMPLES)
_RATE = Finder.of(WRONG_RATE)
