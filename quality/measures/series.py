"""What is kept of a sensor series: its times, and how fast it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock, Series
from dailies.words import NS, Span
from quality.measures.timed import Timed


@dataclass(frozen=True, eq=False)
class SeriesMeasures(Timed):
    """The measures of one sensor series; the arrays have shape (n,), one entry per sample.

    ``speed`` is how fast the values change: the mean over the moving columns of the absolute
    change per second, each relative to the column's own range (1/s; 0 for the first sample).
    ``bad_count`` counts samples that hold a value which is not a number.
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

    @property
    def span(self) -> Span:
        """From the first sample to one interval after the last."""
        if not self.count:
            return Span(0, 0)
        start = int(self.times_ns.min())
        return Span(start, max(start, int(self.times_ns.max()) + self.period_ns))


def measure_series(series: Series) -> SeriesMeasures:
    """The measures of a series; never raises for odd values."""
    values = np.asarray(series.values, dtype=np.float64)
    values = values.reshape(len(values), -1)
    bad = ~np.isfinite(values).all(axis=1) if values.size else np.zeros(len(values), np.bool_)
    return SeriesMeasures(
        name=series.name,
        times_ns=np.asarray(series.times_ns, dtype=np.int64),
        speed=_speed(np.asarray(series.times_ns, dtype=np.int64), values),
        columns=series.columns,
        role=series.role,
        clock=series.clock,
        declared_count=series.declared_count,
        declared_rate_hz=series.declared_rate_hz,
        bad_count=int(bad.sum()),
    )


def _speed(
    times_ns: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Mean relative speed of the moving columns, see SeriesMeasures; shape (n,)."""
    speed = np.zeros(len(values), np.float32)
    if len(values) < 2 or len(times_ns) != len(values) or not values.size:
        return speed
    filled = np.where(np.isfinite(values), values, np.nan)
    finite = np.isfinite(filled).any(axis=0)
    filled = np.nan_to_num(filled[:, finite])
    extent = np.ptp(filled, axis=0) if filled.size else np.empty(0)
    moving = extent > 1e-9
    if not moving.any():
        return speed
    intervals_s = np.maximum(np.diff(times_ns) / NS, 1e-6)
    steps = np.abs(np.diff(filled[:, moving], axis=0)) / extent[moving]
    speed[1:] = steps.mean(axis=1) / intervals_s
    return speed
