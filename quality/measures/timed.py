"""What a camera and a sensor series share: times, and the rate that they show."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from dailies.words import NS

NEAR = 0.1
"""Intervals within so much of their median are usual."""
ALONG, BURSTS = 32, 3.0
"""Where so many intervals usually take so many times as long as their median says, they come in
bursts. (A laser's log: 712 messages in 17.7 s, most of them 0.1 ms after the one before, takes 270
times as long; a sensor that loses 40 % of its samples 1.7 times.)"""
MILLISECOND_NS = 1_000_000


def delays_ms(delays_ns: npt.NDArray[np.int64] | None) -> tuple[float | None, float | None]:
    """Median and longest time on the way to the log, in ms; None where the log does not say."""
    if delays_ns is None or not len(delays_ns):
        return None, None
    return float(np.median(delays_ns)) / 1e6, float(delays_ns.max()) / 1e6


class Timed:
    """Something measured at ``times_ns``, shape (n,), with the rate that its metadata promises."""

    times_ns: npt.NDArray[np.int64]
    declared_rate_hz: float | None
    delay_median_ms: float | None
    delay_max_ms: float | None

    @property
    def delays(self) -> dict[str, float | None]:
        """How long pictures or samples were on their way to the log; empty where it does not say.

        A clock of its own, or a log written late, shows here.
        """
        if self.delay_median_ms is None:
            return {}
        return {"delay_median_ms": self.delay_median_ms, "delay_max_ms": self.delay_max_ms}

    @property
    def count(self) -> int:
        """Number of decoded pictures, or of samples."""
        return len(self.times_ns)

    @cached_property
    def period_ns(self) -> int:
        """The usual interval in ns (``usual_interval``); the declared one where there are under two
        times.
        """
        if self.count > 1:
            return round(usual_interval(self.times_ns))
        return round(NS / self.declared_rate_hz) if self.declared_rate_hz else 0

    @property
    def rate_hz(self) -> float | None:
        """How many a second by the usual interval, None where it cannot be told."""
        return NS / self.period_ns if self.period_ns > 0 else None


def usual_interval(times_ns: npt.NDArray[np.int64]) -> float:
    """The usual interval of two times or more, as they come: the mean of those near their median.

    A clock of whole milliseconds gives 16 and 17 for 60 a second, of which the median is one: there
    all within one are near. What comes in bursts has no usual interval, but it has a usual time for
    ALONG of them.
    """
    intervals = np.diff(times_ns).astype(np.float64)
    median = float(np.median(intervals))
    slack = 0 if (times_ns % MILLISECOND_NS).any() else MILLISECOND_NS
    near = np.abs(intervals - median) <= max(NEAR * abs(median), slack)
    usual = float(intervals[near].mean()) if near.any() else median
    along = min(ALONG, len(intervals) // 4)
    if along < 2:
        return usual
    spans = (times_ns[along:] - times_ns[:-along]).astype(np.float64)
    typical = float(np.median(spans))
    if typical <= max(BURSTS * usual * along, 0):
        return usual
    # a pause is no part of it
    return float(spans[spans <= 2 * typical].mean()) / along
