"""What a camera and a sensor series share: times, and the rate that they show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dailies.words import NS


class Timed:
    """Something measured at ``times_ns``, shape (n,), with the rate that its metadata promises."""

    times_ns: npt.NDArray[np.int64]
    declared_rate_hz: float | None

    @property
    def count(self) -> int:
        """Number of decoded pictures, or of samples."""
        return len(self.times_ns)

    @property
    def period_ns(self) -> int:
        """Median interval in ns; the declared one where there are under two times."""
        if self.count > 1:
            return int(np.median(np.diff(self.times_ns)))
        return round(NS / self.declared_rate_hz) if self.declared_rate_hz else 0

    @property
    def rate_hz(self) -> float | None:
        """How many a second by the median interval, None where it cannot be told."""
        return NS / self.period_ns if self.period_ns > 0 else None
