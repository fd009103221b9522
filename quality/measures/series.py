"""What is kept of a sensor series: its times, its values, and how fast it moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock, Series
from dailies.words import NS, Span
from quality.measures.timed import Timed, delays_ms

KEPT = 64_000_000
"""Numbers kept of one series: an hour of 14 columns at 1 kHz, 256 MB. Of a wider or longer one the
first columns that fit are kept whole: no sample is ever left out, or a spike could hide there."""
BLOCK = 1 << 20
"""Numbers worked on at a time, so that the length of a recording does not show in memory."""

RARE_NS = NS * 3 // 4
"""Usual interval above which samples come too rarely to show how long was recorded."""
SECONDS_SHARE = 0.8
"""Share of the seconds from the first to the last sample that have one at least, where it goes on;
one that fell out for a while has samples for half of the time. What speaks only when something
happens (a key pressed) starts and ends when it likes."""

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SeriesMeasures(Timed):
    """The measures of one sensor series; the arrays have one entry, or row, per sample.

    ``speed``, shape (n,), is how fast the values change: the mean over the moving columns of the
    absolute change per second, each relative to the column's own range (1/s; 0 for the first
    sample). ``bad_count`` counts samples that hold a value which is not a number.
    ``values``, shape (n, k), are the values themselves, each column counted from its ``origin`` so
    that a large offset costs no precision; k is the number of columns but for very large series
    (see KEPT), and 0 in measurements of before values were kept.
    """

    name: str
    times_ns: npt.NDArray[np.int64]
    speed: npt.NDArray[np.float32]
    columns: tuple[str, ...] = ()
    role: Literal["state", "action", "other"] = "other"
    clock: Clock = "measured"
    declared_count: int | None = None
    declared_rate_hz: float | None = None
    bad_count: int = 0
    values: Values = field(default_factory=lambda: np.empty((0, 0), np.float32))
    origin: tuple[float, ...] = ()
    delay_median_ms: float | None = None
    delay_max_ms: float | None = None

    @property
    def span(self) -> Span:
        """From the first sample to one interval after the last, where it is sampled."""
        if not self.count:
            return Span(0, 0)
        start, end = int(self.times_ns.min()), int(self.times_ns.max())
        return Span(start, max(start, end + (self.period_ns if self.is_sampled else 0)))

    @property
    def is_sampled(self) -> bool:
        """Whether it goes on all the while, and so shows how long was recorded: it is no event now
        and then, and no temperature every few seconds.
        """
        if self.count < 2 or self.period_ns > RARE_NS:
            return False
        second = np.asarray(self.times_ns) // NS
        seconds = int(second.max() - second.min()) + 1
        covered_s = self.count * self.period_ns / NS
        return len(np.unique(second)) >= SECONDS_SHARE * seconds or covered_s >= seconds / 2

    @cached_property
    def filled(self) -> Values:
        """The values, those that are no numbers on the line between their neighbours in order."""
        good = np.isfinite(self.values)
        if good.all():
            return self.values
        filled = np.where(good, self.values, 0)
        rows = np.arange(len(good))
        for column in np.flatnonzero(~good.all(axis=0) & good.any(axis=0)):
            known = np.flatnonzero(good[:, column])
            filled[:, column] = np.interp(rows, known, self.values[known, column])
        return filled

    @cached_property
    def extent(self) -> npt.NDArray[np.float64]:
        """Range of each column kept, shape (k,)."""
        if not len(self.filled):
            return np.zeros(self.values.shape[1])
        return np.asarray(np.ptp(self.filled, axis=0), np.float64)


def measure_series(series: Series) -> SeriesMeasures:
    """The measures of a series; never raises for odd values."""
    values = np.asarray(series.values, dtype=np.float64)
    values = values.reshape(len(values), -1) if values.size else np.zeros((len(values), 0))
    times_ns = np.asarray(series.times_ns, dtype=np.int64)
    delay_median_ms, delay_max_ms = delays_ms(series.delays_ns)
    kept, origin = _kept(values) if len(times_ns) == len(values) else (values[:0, :0], ())
    return SeriesMeasures(
        name=series.name,
        times_ns=times_ns,
        speed=_speed(times_ns, values),
        columns=series.columns,
        role=series.role,
        clock=series.clock,
        declared_count=series.declared_count,
        declared_rate_hz=series.declared_rate_hz,
        bad_count=sum(
            int((~np.isfinite(values[rows]).all(axis=1)).sum()) for rows in _blocks(values)
        ),
        values=kept.astype(np.float32, copy=False),
        origin=origin,
        delay_median_ms=delay_median_ms,
        delay_max_ms=delay_max_ms,
    )


def _blocks(values: npt.NDArray[np.float64]) -> Iterator[slice]:
    """Slices of rows of BLOCK numbers or fewer."""
    rows = max(BLOCK // max(values.shape[1], 1), 1)
    return (slice(start, start + rows) for start in range(0, len(values), rows))


def _kept(values: npt.NDArray[np.float64]) -> tuple[Values, tuple[float, ...]]:
    """The values in single precision from each column's first finite one, and those."""
    count, width = values.shape
    width = min(width, KEPT // max(count, 1))
    origin = np.zeros(width)
    if count:
        head = np.isfinite(values[:, :width])
        first = head.argmax(axis=0)
        origin = np.nan_to_num(values[first, np.arange(width)], posinf=0, neginf=0)
    kept = np.empty((count, width), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(values):
            kept[rows] = values[rows, :width] - origin
    return kept, tuple(origin.tolist())


def _speed(
    times_ns: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Mean relative speed of the moving columns, see SeriesMeasures; shape (n,)."""
    speed = np.zeros(len(values), np.float32)
    if len(values) < 2 or len(times_ns) != len(values) or not values.size:
        return speed
    least, most = np.full((2, values.shape[1]), np.nan)
    for rows in _blocks(values):
        finite = np.where(np.isfinite(values[rows]), values[rows], np.nan)
        least = np.fmin(least, np.fmin.reduce(finite, axis=0))
        most = np.fmax(most, np.fmax.reduce(finite, axis=0))
    moving = most - least > 1e-9
    if not moving.any():
        return speed
    extent = (most - least)[moving]
    intervals_s = np.maximum(np.diff(times_ns) / NS, 1e-6)
    for rows in _blocks(values):
        block = values[max(rows.start - 1, 0) : rows.stop][:, moving]
        steps = np.nan_to_num(np.abs(np.diff(block, axis=0)), posinf=0) / extent
        at = slice(max(rows.start, 1), max(rows.start, 1) + len(steps))
        speed[at] = steps.mean(axis=1) / intervals_s[at.start - 1 : at.stop - 1]
    return speed
