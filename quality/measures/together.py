"""How late a camera is against the robot by what all episodes of one rig show together.

An episode of some seconds seldom tells by itself: so many joints explain so few motions by chance
as well. But one camera sees the same joints from the same place in every episode, and runs equally
late. The normal equations of the regression (``align``: what a camera sees, on the speeds of the
joints, with weights that cannot be negative) are therefore added up over the episodes, lag by lag.
What is told is the lag on average: where episodes differ widely, or it drifts far, none is told,
but one of 100 ms that comes and goes is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dailies.recordings.contract import Series
from quality.measures.align import (
    LAG_MAX_S,
    RIDGE,
    RIVAL_MAX,
    STEP_S,
    best_lag,
    between,
    chance,
    common_grid,
    detrended,
    explained_by,
    lagged_products,
)
from quality.measures.sync import SyncMeasures, references
from quality.measures.tracks import Floats, Moving, Reference, Track, camera_track, series_track

FEWEST = 5
"""Episodes that it takes: with fewer no error can be told from how they differ."""
PARTS = 12
"""Parts of the episodes that are left out in turn."""
ERROR_MAX_S = 0.03
SPREAD_MAX_S = 0.06
"""By how much parts of the episodes may differ from one another (standard deviation)."""
COLUMNS_MAX = 128
"""Of a series: joints. Wider ones are pictures of another kind."""
GRID_ERROR_S = 0.004
"""What a parabola over three steps of the grid errs by, which no jackknife shows."""
REACH = round(LAG_MAX_S / STEP_S)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one episode, or several together, add to what all tell of a camera and a series.

    The series has d - 1 columns. ``gram`` (d, d) holds the products of the joints' speeds,
    ``products`` (d, 2 REACH + 1) those with what the camera sees, by lag, and ``energy`` its
    square; sums over ``count`` steps of the grid, of which the joints tell of ``told``
    (2 REACH + 1,) at each lag. The last column is of all turning rates together.
    """

    camera: str
    against: str
    reference: Reference
    gram: Floats
    products: Floats
    told: Floats
    energy: float
    count: int
    episodes: int = 1

    def __add__(self, other: Evidence) -> Evidence:
        """Both together, of the same camera and series."""
        return replace(
            self,
            gram=self.gram + other.gram,
            products=self.products + other.products,
            told=self.told + other.told,
            energy=self.energy + other.energy,
            count=self.count + other.count,
            episodes=self.episodes + other.episodes,
        )


@dataclass
class Gathered:
    """The evidence of any number of episodes, as sums over PARTS parts of them."""

    parts: list[Evidence] = field(default_factory=list)

    @property
    def episodes(self) -> int:
        """How many there are."""
        return sum(part.episodes for part in self.parts)

    def add(self, one: Evidence) -> None:
        """Take in one episode."""
        if len(self.parts) < PARTS:
            self.parts.append(one)
        else:
            self.parts[self.episodes % PARTS] += one

    @property
    def lag(self) -> SyncMeasures:
        """How late the camera is by all of them. Raises IndexError where there are none."""
        return lag_of(self.parts)


def evidence(cameras: Sequence[Moving], series: Sequence[Series]) -> Iterator[Evidence]:
    """What an episode's cameras show of the robot; nothing of those that nothing can be told of."""
    against = [(one, series_track(one)) for one in references(series)]
    for camera in cameras:
        stream = camera_track(camera)
        for one, track in against:
            found = _evidence(stream, track, len(one.columns) + 1)
            if found is not None:
                yield found


def _evidence(stream: Track, against: Track, columns: int) -> Evidence | None:
    common = common_grid(stream, against)
    if isinstance(common, str) or not 0 < against.path.shape[1] <= columns <= COLUMNS_MAX:
        return None
    grid_s, width_s = common
    steps = len(grid_s)
    seen = detrended(stream.speed(grid_s, width_s))[:, 0]
    around_s = grid_s[0] + STEP_S * np.arange(-REACH, steps + REACH)
    # beyond its ends the robot seems to rest: nothing is known of it there
    first_s, last_s = against.times_s[[0, -1]] + np.array([1.5, -1.5]) * width_s
    known = np.flatnonzero((around_s >= first_s) & (around_s <= last_s))
    if not len(known):
        return None
    speeds = np.zeros((len(around_s), columns))
    speeds[np.ix_(known, np.array(against.numbers))] = detrended(
        against.speed(around_s[known], width_s)
    )
    now = speeds[REACH : REACH + steps]
    until = np.searchsorted(known, np.arange(2 * REACH + steps + 1))
    told = (until[steps:] - until[: 2 * REACH + 1])[::-1].astype(np.float64)
    by_window, _ = lagged_products(seen.astype(np.float32), speeds.astype(np.float32), REACH)
    return Evidence(
        stream.name,
        against.name,
        against.reference,
        now.T @ now,
        by_window.sum(axis=0) * steps,
        told,
        float(seen @ seen),
        steps,
    )


def lag_of(parts: Sequence[Evidence]) -> SyncMeasures:
    """How late the camera is on average, by all ``parts`` (of the same camera and series) together.

    The error is a jackknife over the parts. Where ``tells`` is False, ``reason`` says why. Raises
    IndexError where there are none.
    """
    first, steps = parts[0], sum(one.count for one in parts)
    episodes = sum(one.episodes for one in parts)
    blank = SyncMeasures(
        first.camera,
        first.against,
        "content",
        False,
        "",
        0,
        round(1e9 * STEP_S * steps / episodes),
        first.reference,
    )
    if min(episodes, len(parts)) < FEWEST:
        return replace(blank, reason="too few episodes")
    best = _best(parts)
    if best is None:
        return replace(blank, reason="nothing moves")
    left_out = [_best([*parts[:at], *parts[at + 1 :]]) for at in range(len(parts))]
    lags_s = np.array([one.lag_s if one else math.inf for one in left_out])
    varies = (len(parts) - 1) / len(parts) * float(((lags_s - lags_s.mean()) ** 2).sum())
    error_s = math.hypot(math.sqrt(varies), GRID_ERROR_S)
    known = replace(blank, correlation=math.sqrt(best.share))
    # as of one episode that is far off, twice what chance reaches is asked
    needed = 2 * chance(best.columns)
    if not best.share / max(1 - best.share, 1e-9) * STEP_S * steps >= needed:
        return replace(known, reason="no correlation")
    if not best.rival <= RIVAL_MAX:
        return replace(known, reason="several offsets fit alike")
    if not math.sqrt(varies * len(parts)) <= SPREAD_MAX_S:
        return replace(known, reason="episodes differ")
    if not error_s < ERROR_MAX_S or abs(best.lag_s) > LAG_MAX_S - STEP_S:
        return replace(known, reason="too uncertain")
    return replace(
        known,
        tells=True,
        offset_ms=best.lag_s * 1e3,
        drift_ppm=0.0,
        offset_error_ms=error_s * 1e3,
        drift_error_ppm=0.0,
    )


@dataclass(frozen=True)
class _Best:
    """The best lag, what share of the motion it explains, and that of the best other beside it."""

    lag_s: float
    share: float
    rival: float
    columns: int


def _best(parts: Sequence[Evidence]) -> _Best | None:
    """The lag at which the joints explain the most; None where nothing moves."""
    count = sum(one.count for one in parts)
    told = np.sum([one.told for one in parts], axis=0)
    gram = np.sum([one.gram for one in parts], axis=0) / max(float(told[REACH]), 1)
    products = np.sum([one.products for one in parts], axis=0) / np.maximum(told, 1)
    energy = sum(one.energy for one in parts) / count
    size = np.sqrt(np.diag(gram))
    moving = size > 1e-9 * max(float(size.max()), 1e-9)
    if not moving.any() or energy <= 0:
        return None
    size, rows = size[moving], np.flatnonzero(moving)
    gram = gram[np.ix_(rows, rows)] / np.outer(size, size) + RIDGE * np.eye(len(rows))
    share, _ = explained_by(gram, products[rows].T / size / math.sqrt(energy))
    lags_s = np.arange(-REACH, REACH + 1, dtype=np.float64) * STEP_S
    at, other = best_lag(lags_s, share)
    top = max(float(share[at]), 1e-9)
    return _Best(
        float(lags_s[at]) + STEP_S * between(share, at, 1.0),
        min(top, 1.0),
        other / top,
        len(rows),
    )
