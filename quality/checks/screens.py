"""A camera that films a display instead of the work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dailies.words import Flag, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Floats, joined, runs
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

LOOKS = 3
"""Looks in a row of which the middle one's share counts, and the fewest that tell anything."""


def filmed_screen(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches over which an even square grid, as of a display's pixels, lies over a share
    (%) of the nine places looked at. Says nothing of small pictures and of old measurements.
    """
    for camera in measurements.cameras:
        looked = camera.grid_looked[camera.grid_looked < camera.count]
        shares, lasting = _shares(camera, len(looked), limits["spread"])
        beyond = (lasting >= limits.suspect) & (lasting > 0)
        beside = np.pad(beyond, 1)
        seen = beyond | ((beside[:-2] | beside[2:]) & (shares >= limits.suspect))
        for start, stop in joined(runs(seen), limits["join"]):
            measured = round(float(lasting[start:stop].max()), 3)
            grade = limits.grade(measured)
            if grade:
                pitch = float(np.nanmedian(camera.grid_px[start:stop]))
                what = (
                    f"a fine even grid, {pitch:.1f} px wide, lies over {measured:.0f} % of the "
                    "places looked at, as of the pixels of a display that is filmed"
                )
                limit = limits.limit(grade)
                span = _span(camera, looked, start, stop)
                yield _FINDER.flag(grade, camera.name, span, measured, limit, what)


def _shares(camera: Pictures, count: int, spread: float) -> tuple[Floats, Floats]:
    """The share at each look, and the middle one of three in a row, by which one look says nothing
    and one that misses the grid ends nothing; both empty where fewer were made."""
    if count < LOOKS:
        return np.empty(0), np.empty(0)
    alike = camera.grid_spread[:count] < spread
    shares = np.where(alike, np.float32(0), camera.grid_share[:count])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(shares, LOOKS // 2), LOOKS)
    return shares, np.asarray(np.median(windows, axis=1))


def _span(camera: Pictures, looked: npt.NDArray[np.int32], start: int, stop: int) -> Span:
    """From the first look to the one after the last; a picture stands until the next look."""
    ends = camera.times_ns[looked[stop]] if stop < len(looked) else camera.span.end_ns
    return Span(int(camera.times_ns[looked[start]]), int(ends))


FILMED_SCREEN = Check(
    name="filmed_screen",
    says="The camera films a display: the grid of its pixels lies over the picture.",
    unit="% of the places",
    remedy="Watch it; if it is a screen, reject it and ask the worker to do the task.",
    needs=("cameras.grid_share", "cameras.grid_spread"),
    function=filmed_screen,
    settings=("spread", "join"),
)
_FINDER = Finder.of(FILMED_SCREEN)
