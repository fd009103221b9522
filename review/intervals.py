"""The interval of a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float

    def is_above(self, other: Interval) -> bool:
        """Whether it lies wholly above another."""
        return self.low > other.high


def wilson(k: int, n: int) -> Interval | None:
    """Rate k of n with the Wilson score interval (Wilson 1927); None of n = 0.

    The same as wilson_low and wilson_high of sql/views.
    """
    if n <= 0:
        return None
    middle = (k + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(k * (n - k) / n + Z * Z / 4)
    return Interval(k / n, max(0.0, middle - half), min(1.0, middle + half))
