"""Stretches of pictures for which something holds, as spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Span
from quality.measures.pictures import Pictures

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]
AROUND_S = 0.25
"""Time before and after an instant over which a picture is compared."""
AT_ONCE = 8192
"""Windows whose medians are taken together: of an hour of pictures all of them are 100 MB."""


@dataclass(frozen=True)
class Stretch:
    """Pictures [start, stop) of a camera and the span for which they show."""

    start: int
    stop: int
    span: Span

    @property
    def seconds(self) -> float:
        """Length of the span."""
        return self.span.duration_ns / NS

    @property
    def pictures(self) -> slice:
        """To index the camera's arrays with."""
        return slice(self.start, self.stop)


def runs(mask: Mask) -> npt.NDArray[np.intp]:
    """The runs of True as rows [start, stop), shape (k, 2)."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def joined(spans: npt.NDArray[np.intp], gap: float) -> npt.NDArray[np.intp]:
    """Neighbouring runs at most ``gap`` entries apart made one, shape (j, 2)."""
    if len(spans) < 2:
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] > gap
    starts = np.concatenate(([True], apart))
    stops = np.concatenate((apart, [True]))
    return np.stack([spans[starts, 0], spans[stops, 1]], axis=1)


def stretches(
    camera: Pictures, mask: Mask, *, at_least_s: float = 0.0, join_s: float = 0.0
) -> Iterator[Stretch]:
    """The stretches for which ``mask`` holds: those up to ``join_s`` apart count as one."""
    period_ns = camera.period_ns
    gap = join_s * NS / period_ns if period_ns else 0.0
    for start, stop in joined(runs(mask), gap):
        begins = int(camera.times_ns[start])
        ends = int(camera.times_ns[stop - 1]) + period_ns
        if stop < camera.count:
            ends = min(ends, int(camera.times_ns[stop]))
        span = Span(begins, max(begins, ends))
        if span.duration_ns >= at_least_s * NS:
            yield Stretch(int(start), int(stop), span)


def rolling_median(values: Floats, width: int) -> Floats:
    """Median over ``width`` entries around each (odd; NaN ignored), same shape as ``values``."""
    width = max(width | 1, 1)
    if len(values) < 2 or width == 1:
        return values
    padded = np.pad(values, width // 2, mode="reflect" if len(values) > width // 2 else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    parts = (windows[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
    return np.concatenate([_medians(part) for part in parts])


def _medians(windows: Floats) -> Floats:
    """Of each row; NaN ignored."""
    if not np.isnan(windows).any():
        return np.asarray(np.median(windows, axis=1))
    known = np.isfinite(windows).any(axis=1)
    medians = np.full(len(windows), np.nan, dtype=np.float64)
    medians[known] = np.nanmedian(windows[known], axis=1)
    return medians


def stay(camera: Pictures, curves: Sequence[Floats], at: int, share: float) -> bool:
    """Whether each of the ``curves`` is the same, but for a ``share`` of it, just after picture
    ``at`` as it was before; False too near the ends to tell.

    What is compared lies up to AROUND_S before, for some measures are taken a few times a second.
    """
    width = max(round(AROUND_S * (camera.rate_hz or 0.0)), 1)
    if at < 2 * width or at + width > camera.count:
        return False
    return all(
        abs(float(np.median(curve[at : at + width])) - was) <= share * was
        for curve in curves
        for was in [float(np.median(curve[at - 2 * width : at - width]))]
    )
