"""How late one motion is against another, by how much of it the other explains.

One is regressed on the speeds of the other with weights that cannot be negative, at every lag; the
best lag is refined by Gauss-Newton steps together with a linear drift, which is kept only where it
explains clearly more. Errors are a jackknife over stretches of the recording, because what a camera
sees of a motion changes with the pose, so that neighbouring frames err alike.

What moves a view at once adds up or cancels out: turned left by one joint and right by another it
rests. Where the recording is long enough for as many weights, the square of what is seen is
therefore regressed on the products of the velocities, pair by pair, whose signs tell.

Where it is known whither the view goes, that is regressed on the velocities themselves, across and
down with weights of their own; what both say counts by their errors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from quality.measures.tracks import Floats, Track

STEP_S = 1 / 30
"""Grid on which two streams are compared; motion of arms has little above 5 Hz."""
TREND_S = 1.5
"""Slower changes than this say little about time, and are taken out."""
LAG_MAX_S = 2.0
DRIFT_MAX_S = 0.8
"""The most that the offset may change from start to end."""
OVERLAP_MIN_S = 4.0
STEPS_MAX = 2_000_000
"""Over 18 hours: a broken clock, not a recording."""
RIDGE = 0.05
NEAR_S = 0.35
"""Lags this close to the best one belong to the same peak."""
LAG_COST = 0.03
"""Explained share that one second of lag must bring: of two like peaks, the nearer one counts."""
RIVAL_MAX = 0.85
"""Explained share of the best other lag against that of the best, above which none can be told."""
INDEPENDENT_HZ = 2.0
"""Independent values of a motion a second, about."""
DRIFT_EVIDENCE = 12.0
DRIFT_SIGMAS = 2.0
DRIFT_CERTAIN_SIGMAS = 4.0
"""Standard errors by which a drift is believed that explains little more than none, in recordings
of LONG_S or more. In step, 12 arms filmed twice came to 2.1 at most; shorter ones to 3.0.
"""
LONG_S = 30.0
MOST_TURNING = 8
"""Columns whose products are taken: those with the greatest weights. 8 make 36 products."""
PAIRS_SHARE = 2 / 3
"""Products for each independent value at most."""
WAYS_SHARE = 0.75
"""Velocities for each independent value at most."""
WAYS_RIVAL_MAX = 0.7
"""In place of RIVAL_MAX where whither what is seen goes tells alone. (Of 504 made recordings with
joints of another arm 4 were told as before and none more, of 16 that nothing else told 8.)"""
APART_S = 0.1
"""Fits further apart than this do not tell of one lag: the better one counts."""
FAR_MORE = 1.5
"""Times as much as another fit that one may leave unexplained which tells a drift."""
JACKKNIFE_S = 0.004
"""Added in squares to what a jackknife says, where two fits count by their errors."""
PAIRS_MAX_S = 600.0
"""Longer recordings tell as much by speeds alone, in a third of the time."""
PAIR_RIDGE = 1e-3
REST_SHARE = 0.15
"""Of the usual change, under which what is seen counts as noise: there it weighs no more."""
ERROR_MAX_S = 0.06
VIEWS_ERROR_S = 0.015
"""Two cameras see different parts of a motion, which no jackknife over one recording shows."""
VIEW_ERROR_S, VIEW_LENGTH_S = 0.01, 8.0
"""What one point of view adds to the error over so long, less by the root of a longer time: a
jackknife over the few motions of a short episode misses it."""
FAR_S = 0.5
"""A lag that is beyond this, or drifts there, must show twice as clearly: chance has that much more
room there."""
BLOCKS = 12
PAIR_ROUNDS = 3
STEPS = 20
"""Of Gauss and Newton at most: few where the start is near."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """How late a stream is against another over [start_s, end_s).

    ``offset_s`` is that at the middle, ``drift`` its growth in seconds a second; errors are one
    standard error. ``doubt`` says why it cannot be believed, and is empty where it can.
    """

    start_s: float
    end_s: float
    offset_s: float
    drift: float
    offset_error_s: float
    drift_error: float
    correlation: float
    window_times_s: Floats
    window_offsets_s: Floats
    doubt: str


def align(stream: Track, against: Track) -> Alignment | str:
    """How late ``stream`` is against another by what both show; or why they cannot be compared."""
    motion = _motion(stream, against)
    if isinstance(motion, str):
        return motion
    start = _search(motion)
    fit = _chosen(motion, start)
    doubt = _doubt(fit, start, motion)
    if not doubt and motion.length_s <= PAIRS_MAX_S:
        by_pairs, by_ways = _by_pairs(motion, fit), _by_ways(motion, fit.offset_s, fit.drift)
        fit = by_pairs if by_pairs and not _doubt(by_pairs, start, motion) else fit
        fit = _both(fit, by_ways) if by_ways and not _doubt(by_ways, start, motion) else fit
    elif motion.length_s <= PAIRS_MAX_S and (alone := _by_ways_alone(motion)):
        fit, doubt = alone, ""
    at_least_s = VIEW_ERROR_S * math.sqrt(VIEW_LENGTH_S / motion.length_s)
    if stream.reference == against.reference == "camera":
        at_least_s = VIEWS_ERROR_S
    return Alignment(
        float(motion.grid_s[0]),
        float(motion.grid_s[-1]) + STEP_S,
        fit.offset_s,
        fit.drift,
        math.hypot(fit.offset_error_s, at_least_s),
        fit.drift_error,
        fit.correlation,
        fit.window_times_s,
        fit.window_offsets_s,
        doubt,
    )


@dataclass(frozen=True, eq=False)
class _Motion:
    """A stream's motion ``seen`` (n,) on a grid, and the track that should explain it.

    Both without their slow trend and of unit size; ``whole`` is what is seen with its trend.
    ``ways`` is whither all of it goes, likewise, across and then down, (2 n,); empty where that is
    not known, or where it is not known of the track.
    """

    grid_s: Floats
    width_s: float
    seen: Floats
    whole: Floats
    track: Track
    scale: Floats
    ways: Floats

    @property
    def from_middle_s(self) -> Floats:
        centred: Floats = self.grid_s - (self.grid_s[0] + self.grid_s[-1]) / 2
        return centred

    @property
    def length_s(self) -> float:
        return len(self.grid_s) * STEP_S

    def shifted(self, offset_s: float, drift: float, extra: int = 0) -> Floats:
        """The explaining speeds under an offset and drift, (n + 2 extra, d)."""
        at_s = self._explaining_s(offset_s, drift, extra)
        return detrended(self.track.speed(at_s, self.width_s)) / self.scale

    def velocities(self, offset_s: float, drift: float, extra: int = 0) -> Floats:
        """The explaining velocities under an offset and drift, (n + 2 extra, p)."""
        at_s = self._explaining_s(offset_s, drift, extra)
        scale = self.scale[: self.track.place.shape[1]]
        return detrended(self.track.velocity(at_s, self.width_s)) / scale

    def pairs(self, columns: npt.NDArray[np.intp], offset_s: float, drift: float) -> Floats:
        """Products of the velocities of each two of ``columns``, and ones, (n, pairs + 1)."""
        at_s = self._explaining_s(offset_s, drift)
        one, other = np.triu_indices(len(columns))
        steps = [
            velocities[:, columns] / self.scale[columns]
            for velocities in self.track.velocities(at_s, self.width_s)
        ]
        products = [step[:, one] * step[:, other] for step in steps]
        summed = (products[0] + 2 * products[1] + products[2]) / 4
        return np.column_stack([summed, np.ones(len(at_s))])

    def is_told(self, offset_s: float, drift: float) -> npt.NDArray[np.bool_]:
        """Whether the track goes on all around each of these instants, (n,)."""
        at_s, reach_s = self._explaining_s(offset_s, drift), 1.5 * self.width_s
        first_s, last_s = self.track.times_s[[0, -1]]
        return np.asarray((at_s - reach_s >= first_s) & (at_s + reach_s <= last_s), np.bool_)

    def _explaining_s(self, offset_s: float, drift: float, extra: int = 0) -> Floats:
        """The track's times that an offset and drift put beside those of the grid."""
        around = np.arange(-extra, len(self.grid_s) + extra) * STEP_S + self.grid_s[0]
        middle_s = (self.grid_s[0] + self.grid_s[-1]) / 2
        at_s: Floats = around - offset_s - drift * (around - middle_s)
        return at_s


def common_grid(stream: Track, against: Track) -> tuple[Floats, float] | str:
    """Instants STEP_S apart that both tracks have in common, and the width at which their speeds
    are looked at [s]; or why they cannot be compared.
    """
    if len(stream.times_s) < 2 or len(against.times_s) < 2:
        return "too short"
    start_s = max(stream.times_s[0], against.times_s[0])
    steps = int((min(stream.times_s[-1], against.times_s[-1]) - start_s) / STEP_S)
    if steps * STEP_S < OVERLAP_MIN_S:
        return "too short"
    if steps > STEPS_MAX:
        return "clock not usable"
    width_s = max(stream.period_s, against.period_s, STEP_S)
    if width_s > 0.25:
        return "too few samples a second"
    return start_s + STEP_S * np.arange(steps), width_s


def _motion(stream: Track, against: Track) -> _Motion | str:
    """The two on one grid, or why they cannot be compared."""
    common = common_grid(stream, against)
    if isinstance(common, str):
        return common
    grid_s, width_s = common
    whole = stream.speed(grid_s, width_s)
    seen = detrended(whole)[:, 0]
    scale = detrended(against.speed(grid_s, width_s)).std(axis=0)
    moving = scale > 1e-9 * np.maximum(against.path[-1] / max(len(grid_s) * STEP_S, 1), 1e-9)
    if not moving.any() or seen.std() < 1e-3:
        return "nothing moves"
    place = against.place[:, moving[: against.place.shape[1]]]
    track = replace(against, path=against.path[:, moving], place=place)
    size, ways = seen.std(), np.empty(0)
    if stream.way.size and track.place.shape[1]:
        ways = detrended(stream.heading(grid_s, width_s)).T.ravel()
        ways = ways / ways.std() if ways.std() > 0 else np.empty(0)
    return _Motion(grid_s, width_s, seen / size, whole[:, 0] / size, track, scale[moving], ways)


def detrended(speeds: Floats) -> Floats:
    """Speeds (n, d) less their moving mean over TREND_S."""
    reach = min(round(TREND_S / STEP_S) // 2, len(speeds) - 1)
    padded = np.pad(speeds, ((reach, reach), (0, 0)), mode="reflect")
    summed = np.vstack([np.zeros((1, speeds.shape[1])), np.cumsum(padded, axis=0)])
    width = 2 * reach + 1
    less: Floats = speeds - (summed[width:] - summed[:-width]) / width
    return less


def _weights(gram: Floats, products: Floats, rounds: int = 40) -> Floats:
    """Least-squares weights >= 0, one row for each row of ``products`` (m, d).

    By accelerated projected gradients (Beck and Teboulle, 2009).
    """
    slope = float(np.linalg.eigvalsh(gram)[-1])
    weights = np.maximum(products / slope, 0)
    ahead, pace = weights, 1.0
    for _ in range(rounds):
        stepped = np.maximum(ahead - (ahead @ gram - products) / slope, 0)
        faster = (1 + math.sqrt(1 + 4 * pace * pace)) / 2
        ahead = stepped + (pace - 1) / faster * (stepped - weights)
        weights, pace = stepped, faster
    return weights


def explained_by(gram: Floats, products: Floats) -> tuple[Floats, Floats]:
    """Share of the motion that the best weights explain, (m,), and the weights, (m, d)."""
    weights = _weights(gram, products)
    share = 2 * (weights * products).sum(axis=1) - ((weights @ gram) * weights).sum(axis=1)
    return share, weights


@dataclass(frozen=True)
class _Start:
    """Where the search found the best lag (s), without drift and with one.

    ``gain`` is the explained share that the drift adds, ``rival`` that of the best other lag
    relative to the best.
    """

    lag_s: float
    drifting_lag_s: float
    drift: float
    gain: float
    rival: float


def _search(motion: _Motion) -> _Start:
    """The best lag on the grid within LAG_MAX_S, and the best line through windows' lags."""
    reach, count = round(LAG_MAX_S / STEP_S), len(motion.grid_s)
    speeds = motion.shifted(0.0, 0.0, extra=reach).astype(np.float32)
    gram = _gram(speeds[reach : reach + count].astype(np.float64))
    by_window, middles_s = lagged_products(motion.seen.astype(np.float32), speeds, reach)
    lags_s = np.arange(-reach, reach + 1, dtype=np.float64) * STEP_S
    share, weights = explained_by(gram, by_window.sum(axis=0).T)
    best, other = best_lag(lags_s, share)
    lag_s, drift, drifting_share = float(lags_s[best]), 0.0, float(share[best])
    row = weights[best]
    for _ in range(2):
        lag_s, drift = _line(np.einsum("wdl,d->wl", by_window, row), middles_s, lags_s, best)
        products = _along(by_window, (lag_s + drift * middles_s) / STEP_S + reach)
        drifting, rows = explained_by(gram, products[None])
        drifting_share, row = float(drifting[0]), rows[0]
    top = max(float(share[best]), drifting_share, 1e-9)
    return _Start(
        float(lags_s[best]),
        lag_s,
        drift,
        (drifting_share - float(share[best])) / max(1 - drifting_share, 1e-9),
        other / top,
    )


def best_lag(lags_s: Floats, share: Floats) -> tuple[int, float]:
    """The place of the lag that explains the most, and what the best other one explains."""
    best = int(np.argmax(share - LAG_COST * np.abs(lags_s)))
    return best, float(share[np.abs(lags_s - lags_s[best]) > NEAR_S].max())


def _gram(speeds: Floats) -> Floats:
    gram: Floats = speeds.T @ speeds / len(speeds) + RIDGE * np.eye(speeds.shape[1])
    return gram


def lagged_products(
    seen: npt.NDArray[np.float32], speeds: npt.NDArray[np.float32], reach: int
) -> tuple[Floats, Floats]:
    """Products of motion and speeds by window and lag, (w, d, 2 reach + 1), and windows' middles.

    Middles are in seconds from the middle of the recording.
    """
    count = len(seen)
    edges = np.linspace(0, count, max(1, round(count * STEP_S / TREND_S)) + 1).astype(int)
    lagged = np.lib.stride_tricks.sliding_window_view(speeds, 2 * reach + 1, axis=0)
    windows = [
        np.tensordot(seen[start:stop], lagged[start:stop], 1)
        for start, stop in itertools.pairwise(edges)
    ]
    # a window of the view reads forward in time, so its last entry is the earliest lag
    products = np.stack(windows)[:, :, ::-1].astype(np.float64) / count
    return products, ((edges[:-1] + edges[1:] - 1) / 2 - (count - 1) / 2) * STEP_S


def _along(by_window: Floats, at: Floats) -> Floats:
    """Sum over windows of what stands at lag position ``at`` (w,) of each; (d,)."""
    before = np.clip(np.floor(at).astype(int), 0, by_window.shape[2] - 2)
    share, rows = (at - before)[:, None], np.arange(len(at))
    summed: Floats = (
        by_window[rows, :, before] * (1 - share) + by_window[rows, :, before + 1] * share
    ).sum(axis=0)
    return summed


def _line(stack: Floats, middles_s: Floats, lags_s: Floats, best: int) -> tuple[float, float]:
    """Lag and drift of the straight line that gathers most from windows' products (w, l)."""
    half_s = max(float(np.abs(middles_s).max()), STEP_S)
    near = np.flatnonzero(np.abs(lags_s - lags_s[best]) <= 2 * NEAR_S)
    found = (-math.inf, 0.0, 0.0)
    for end_s in np.linspace(-DRIFT_MAX_S / 2, DRIFT_MAX_S / 2, 41):
        at = near[None, :] + (end_s / half_s * middles_s / STEP_S)[:, None]
        before = np.clip(np.floor(at).astype(int), 0, stack.shape[1] - 2)
        share = np.clip(at - before, 0, 1)
        gathered = (
            np.take_along_axis(stack, before, 1) * (1 - share)
            + np.take_along_axis(stack, before + 1, 1) * share
        ).sum(axis=0)
        top = int(np.argmax(gathered))
        found = max(found, (float(gathered[top]), float(lags_s[near[top]]), end_s / half_s))
    return found[1], float(found[2])


@dataclass(frozen=True, eq=False)
class _Fit:
    """A refined offset (s) and drift with their errors, and how well they explain."""

    offset_s: float
    drift: float
    offset_error_s: float
    drift_error: float
    correlation: float
    unexplained: float
    window_times_s: Floats
    window_offsets_s: Floats


def _refine(
    motion: _Motion, offset_s: float, drift: float, *, drifting: bool, explain: _Explain
) -> _Fit:
    """Gauss-Newton steps on offset, drift and weights together, then a jackknife over blocks."""
    half_s = motion.length_s / 2
    for _ in range(STEPS):
        blocks, _ = explain(motion, offset_s, drift, drifting)
        step = blocks.solve()
        moved_s = float(np.clip(step[0], -0.1, 0.1))
        turned = float(np.clip(step[1], -0.1 / half_s, 0.1 / half_s)) if drifting else 0.0
        offset_s, drift = offset_s + moved_s, drift + turned
        if abs(moved_s) < 2e-4 and abs(turned) * half_s < 3e-4:
            break
    errors = blocks.errors()
    blocks, explained = explain(motion, offset_s, drift, drifting)
    local = blocks.products[:, 0] / np.maximum(blocks.grams[:, 0, 0], 1e-9)
    telling = blocks.grams[:, 0, 0] > 0.1 * blocks.grams[:, 0, 0].max()
    middles_s = blocks.middles_s[telling]
    return _Fit(
        offset_s,
        drift,
        float(errors[0]),
        float(errors[1]) if drifting else 0.0,
        float(np.corrcoef(explained, motion.seen)[0, 1]) if explained.std() > 0 else 0.0,
        float(np.mean((motion.seen - explained) ** 2)),
        motion.grid_s[0] + half_s + middles_s,
        offset_s + drift * middles_s + local[telling],
    )


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Normal equations by block of time: ``grams`` (b, p, p), ``products`` (b, p), ``prior`` (p,).

    The first parameters are offset and, where it is free, drift; the others are weights.
    """

    grams: Floats
    products: Floats
    prior: Floats
    middles_s: Floats

    def solve(self, without: int | None = None) -> Floats:
        """The step that all blocks ask for, or all but one."""
        gram, product = self.grams.sum(axis=0), self.products.sum(axis=0)
        floor = 1e-9 * (1 + np.trace(gram)) * np.eye(len(gram))
        if without is not None:
            gram, product = gram - self.grams[without], product - self.products[without]
        step: Floats = np.linalg.solve(gram + np.diag(self.prior) + floor, product)
        return step

    def errors(self) -> Floats:
        """Standard errors by leaving out one block at a time (Efron's jackknife)."""
        count = len(self.grams)
        left = np.stack([self.solve(without) for without in range(count)])
        errors: Floats = np.sqrt(
            (count - 1) / count * ((left - left.mean(axis=0)) ** 2).sum(axis=0)
        )
        return errors


_Explain = Callable[[_Motion, float, float, bool], tuple[_Blocks, Floats]]
"""Explains what is seen of a motion under an offset [s] and a drift, of which the last says whether
it is free: the problem made linear there, and what is explained, (n,)."""


def _by_speeds(
    motion: _Motion, offset_s: float, drift: float, drifting: bool
) -> tuple[_Blocks, Floats]:
    """What is seen, by the sum of the speeds with weights that are not negative."""
    speeds = motion.shifted(offset_s, drift)
    weights = _speed_weights(motion, speeds)
    explained = speeds @ weights
    # one step later in time is one entry further: the derivative by the offset is minus that
    slope = -np.gradient(explained, STEP_S)
    columns = speeds[:, weights > 1e-3 * weights.max()]
    told = motion.is_told(offset_s, drift).astype(np.float64)
    blocks = _blocks(motion, slope, columns, motion.seen - explained, told, RIDGE, drifting)
    return blocks, explained


def _speed_weights(motion: _Motion, speeds: Floats) -> Floats:
    products = (speeds.T @ motion.seen / len(speeds))[None]
    weights: Floats = _weights(_gram(speeds), products, 60)[0]
    return weights


def _blocks(
    motion: _Motion,
    slope: Floats,
    columns: Floats,
    missed: Floats,
    weight: Floats,
    ridge: float,
    drifting: bool,
) -> _Blocks:
    """The normal equations of what is ``missed`` (n,), by the offset's ``slope`` and ``columns``;
    each row counts by the square of its ``weight``."""
    clock = [slope, slope * motion.from_middle_s][: 1 + drifting]
    rows, missed = np.column_stack([*clock, columns]) * weight[:, None], missed * weight
    count = len(rows)
    size = max(round(1 / STEP_S), math.ceil(count / BLOCKS))
    parts = [slice(start, start + size) for start in range(0, count, size)]
    prior = np.full(rows.shape[1], ridge * count)
    prior[: len(clock)] = 0
    return _Blocks(
        np.stack([rows[part].T @ rows[part] for part in parts]),
        np.stack([rows[part].T @ missed[part] for part in parts]),
        prior,
        np.array([motion.from_middle_s[part].mean() for part in parts]),
    )


def _by_pairs(motion: _Motion, by_speeds: _Fit) -> _Fit | None:
    """The fit by the products of velocities, from where that by speeds has come to; None where it
    does not explain more, with so many more weights.

    A lens that turns with the arm sees what its joints make together, one that looks on from
    afar sees each move by itself.
    """
    speeds = _speed_weights(motion, motion.shifted(by_speeds.offset_s, by_speeds.drift))
    with_place = speeds[: motion.track.place.shape[1]]
    independent = INDEPENDENT_HZ * motion.length_s
    most = min(int(math.sqrt(2 * PAIRS_SHARE * independent + 0.25) - 0.5), MOST_TURNING)
    columns = np.sort(np.argsort(-with_place, kind="stable")[:most])
    pairs = len(columns) * (len(columns) + 1) // 2
    if not pairs:
        return None

    start = (by_speeds.offset_s, by_speeds.drift)
    fit = _drifting_or_not(motion, by_speeds.offset_s, [start], partial(_squares, columns))
    fit = _by_what_is_left(fit, motion, pairs)
    taken = min(int(np.count_nonzero(speeds)), pairs)
    less = fit.unexplained < _by_what_is_left(by_speeds, motion, taken).unexplained
    return fit if less else None


def _squares(
    columns: npt.NDArray[np.intp], motion: _Motion, offset_s: float, drift: float, drifting: bool
) -> tuple[_Blocks, Floats]:
    """The square of what is seen, by the products of the velocities of ``columns``.

    A square's own scatter grows with what is seen: it is weighted by that, as it is explained.
    """
    pairs = motion.pairs(columns, offset_s, drift)
    size = pairs.std(axis=0)
    size[size == 0] = 1.0
    pairs = pairs / size
    squares = motion.whole**2
    explained = squares
    # where the track has ended it seems to rest, and what is seen there would count the most
    told = motion.is_told(offset_s, drift)
    for _ in range(PAIR_ROUNDS):
        weight = _weight_of(explained) * told
        rows = pairs * weight[:, None]
        gram = rows.T @ rows
        ridge = PAIR_RIDGE * np.trace(gram) / len(gram)
        weights = np.linalg.solve(gram + ridge * np.eye(len(gram)), rows.T @ (squares * weight))
        explained = pairs @ weights
    weight = _weight_of(explained) * told
    share = ridge / len(pairs)
    slope = -np.gradient(explained, STEP_S)
    blocks = _blocks(motion, slope, pairs, squares - explained, weight, share, drifting)
    return blocks, detrended(np.sqrt(np.maximum(explained, 0))[:, None])[:, 0]


def _by_ways(motion: _Motion, offset_s: float, drift: float) -> _Fit | None:
    """The fit by whither what is seen goes, from where another has come to; None where it is not
    known, or the recording is too short for as many velocities.
    """
    if not _shows_ways(motion):
        return None
    ways = replace(motion, seen=motion.ways)
    fit = _drifting_or_not(ways, offset_s, [(offset_s, drift)], _headings)
    return _by_what_is_left(fit, motion, motion.track.place.shape[1])


def _by_what_is_left(fit: _Fit, motion: _Motion, taken: int) -> _Fit:
    """The fit with what it leaves unexplained by what is left to explain it (adjusted R squared),
    so that fits with more and fewer weights can be compared.
    """
    independent = INDEPENDENT_HZ * motion.length_s
    return replace(fit, unexplained=fit.unexplained * independent / (independent - taken))


def _by_ways_alone(motion: _Motion) -> _Fit | None:
    """The same where how much is seen to move tells nothing; None where this does not either."""
    if not _shows_ways(motion):
        return None
    start = _search_ways(motion)
    fit = _by_ways(motion, start.lag_s, 0.0)
    told = fit and start.rival < WAYS_RIVAL_MAX and not _doubt(fit, start, motion, alone=True)
    return fit if told else None


def _shows_ways(motion: _Motion) -> bool:
    columns = motion.track.place.shape[1]
    most = WAYS_SHARE * INDEPENDENT_HZ * motion.length_s
    return bool(len(motion.ways)) and 0 < columns < most


def _search_ways(motion: _Motion) -> _Start:
    """The lag at which the velocities explain the most of whither what is seen goes."""
    reach, count = round(LAG_MAX_S / STEP_S), len(motion.grid_s)
    velocities = motion.velocities(0.0, 0.0, extra=reach)
    now = velocities[reach : reach + count]
    gram = now.T @ now / count
    gram = _firm(gram, PAIR_RIDGE)
    share = np.zeros(2 * reach + 1)
    for seen in motion.ways.reshape(2, -1):
        by_window, _ = lagged_products(
            seen.astype(np.float32), velocities.astype(np.float32), reach
        )
        products = by_window.sum(axis=0)
        share += (products * np.linalg.solve(gram, products)).sum(axis=0) / 2
    lags_s = np.arange(-reach, reach + 1, dtype=np.float64) * STEP_S
    best, other = best_lag(lags_s, share)
    rival = other / max(float(share[best]), 1e-9)
    return _Start(float(lags_s[best]), float(lags_s[best]), 0.0, 0.0, rival)


def _both(how_much: _Fit, whither: _Fit) -> _Fit:
    """What two fits say together: how much is seen to move, and whither.

    They err by different things, one by what adds up or cancels out, the other by how the view
    turns with the pose; each counts by its own error. Where but one of them tells a drift, which
    it does on evidence, the other counts only where it explains far more.
    """
    better = min(how_much, whither, key=lambda fit: fit.unexplained)
    if bool(how_much.drift) != bool(whither.drift):
        drifting = how_much if how_much.drift else whither
        return drifting if drifting.unexplained < FAR_MORE * better.unexplained else better
    apart = abs(how_much.offset_s - whither.offset_s)
    if apart > APART_S:
        return better
    shares = _shares(how_much.offset_error_s, whither.offset_error_s, JACKKNIFE_S)
    offset_error_s = math.hypot(
        shares[0] * how_much.offset_error_s, shares[1] * whither.offset_error_s, apart / 2
    )
    fit = replace(
        better,
        offset_s=shares[0] * how_much.offset_s + shares[1] * whither.offset_s,
        offset_error_s=offset_error_s,
    )
    if better.drift:
        shares = _shares(how_much.drift_error, whither.drift_error, 1e-9)
        drift_error = math.hypot(shares[0] * how_much.drift_error, shares[1] * whither.drift_error)
        drift = shares[0] * how_much.drift + shares[1] * whither.drift
        fit = replace(fit, drift=drift, drift_error=drift_error)
    # windows are looked at around the line of theirs
    middle_s = (fit.window_times_s[0] + fit.window_times_s[-1]) / 2
    turned = (fit.drift - better.drift) * (fit.window_times_s - middle_s)
    moved = better.window_offsets_s + fit.offset_s - better.offset_s + turned
    return replace(fit, window_offsets_s=moved)


def _shares(one: float, other: float, floor: float) -> tuple[float, float]:
    """What two errors count for, by their inverse squares, each with a floor added in squares."""
    first = other * other + floor * floor
    second = one * one + floor * floor
    return first / (first + second), second / (first + second)


def _firm(gram: Floats, ridge: float) -> Floats:
    """Products that can be solved by, whatever they are of: with a ridge, of its mean size."""
    size = ridge * np.trace(gram) / len(gram)
    firm: Floats = gram + (size + 1e-9 * (1 + np.trace(gram))) * np.eye(len(gram))
    return firm


def _headings(
    motion: _Motion, offset_s: float, drift: float, drifting: bool
) -> tuple[_Blocks, Floats]:
    """Whither what is seen goes, by the velocities, across and down with weights of their own."""
    velocities = motion.velocities(offset_s, drift)
    told = motion.is_told(offset_s, drift).astype(np.float64)
    rows = velocities * told[:, None]
    gram = rows.T @ rows
    share = PAIR_RIDGE * np.trace(gram) / len(gram) / len(rows)
    seen = motion.seen.reshape(2, -1)
    solved = np.linalg.solve(_firm(gram, PAIR_RIDGE), rows.T @ (seen * told).T)
    explained = (velocities @ solved).T
    slope = -np.gradient(explained, STEP_S, axis=1)
    both = [
        _blocks(motion, slope[one], velocities, seen[one] - explained[one], told, share, drifting)
        for one in range(2)
    ]
    return _side_by_side(both[0], both[1], 1 + drifting), explained.ravel()


def _side_by_side(one: _Blocks, other: _Blocks, shared: int) -> _Blocks:
    """The equations of two things seen at once: the first ``shared`` parameters are the same."""
    count, size = one.products.shape
    own = size - shared
    places = (np.arange(size), np.r_[:shared, size : size + own])
    grams = np.zeros((count, size + own, size + own))
    products = np.zeros((count, size + own))
    prior = np.zeros(size + own)
    for blocks, at in zip((one, other), places, strict=True):
        grams[:, at[:, None], at] += blocks.grams
        products[:, at] += blocks.products
        prior[at] = blocks.prior
    return _Blocks(grams, products, prior, one.middles_s)


def _weight_of(squares: Floats) -> Floats:
    """One over twice the root, by which an error of a square is one of what is seen."""
    weight: Floats = 0.5 / np.sqrt(np.maximum(squares, REST_SHARE**2))
    return weight


def _chosen(motion: _Motion, start: _Start) -> _Fit:
    """The fit by speeds, with a drift where that is believed.

    Both the search's line and the steady fit are tried as its start: a small drift is near the
    latter.
    """
    is_long = motion.length_s >= LONG_S
    if not is_long and start.gain * INDEPENDENT_HZ * motion.length_s < DRIFT_EVIDENCE / 4:
        return _refine(motion, start.lag_s, 0.0, drifting=False, explain=_by_speeds)
    starts = [(start.drifting_lag_s, start.drift)]
    return _drifting_or_not(motion, start.lag_s, starts, _by_speeds)


def _drifting_or_not(
    motion: _Motion, lag_s: float, starts: list[tuple[float, float]], explain: _Explain
) -> _Fit:
    """The fit with a drift where it explains clearly more than the one without, else that.

    In long recordings a drift too small to explain much more is believed by its own error. The
    steady fit is one more start there.
    """
    steady = _refine(motion, lag_s, 0.0, drifting=False, explain=explain)
    is_long = motion.length_s >= LONG_S
    drifting = min(
        (
            _refine(motion, lag_s, drift, drifting=True, explain=explain)
            for lag_s, drift in [*starts, *[(steady.offset_s, 0.0)] * is_long]
        ),
        key=lambda fit: fit.unexplained,
    )
    # an F test against one parameter fewer
    gain = (steady.unexplained - drifting.unexplained) / max(drifting.unexplained, 1e-9)
    sigmas = abs(drifting.drift) / max(drifting.drift_error, 1e-9)
    explains = gain * INDEPENDENT_HZ * motion.length_s > DRIFT_EVIDENCE and sigmas > DRIFT_SIGMAS
    certain = is_long and gain > 0 and sigmas > DRIFT_CERTAIN_SIGMAS
    within = abs(drifting.drift) * motion.length_s < 1.25 * DRIFT_MAX_S
    return drifting if within and (explains or certain) else steady


def between(values: Floats, at: int, reach: float) -> float:
    """How far from place ``at`` the top of a parabola through it and its neighbours lies, ``reach``
    at most; 0 at the ends and where it has no top.
    """
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -reach, reach)) if bend < 0 else 0.0


def chance(columns: int) -> float:
    """Explained / unexplained x seconds that so many columns seldom reach by chance."""
    return 8 + 0.8 * columns


def _doubt(fit: _Fit, start: _Start, motion: _Motion, *, alone: bool = False) -> str:
    """Why an offset cannot be believed; empty where it can.

    By chance alone the best of all lags explains the more, the shorter the overlap and the more
    columns there are: over unrelated arms, explained / unexplained x seconds stayed mostly under
    8 + 0.8 a column. Weights of any sign, of which nothing else knows, must show twice as clearly.
    """
    explained = max(fit.correlation, 0) ** 2
    clearness = explained / max(1 - explained, 1e-9) * motion.length_s
    farthest_s = abs(fit.offset_s) + abs(fit.drift) * motion.length_s / 2
    needed = chance(len(motion.scale)) * (1 + alone) * (2 if farthest_s > FAR_S else 1)
    if not clearness >= needed:
        return "no correlation"
    if start.rival > RIVAL_MAX:
        return "several offsets fit alike"
    if not fit.offset_error_s < ERROR_MAX_S or abs(fit.offset_s) > LAG_MAX_S:
        return "too uncertain"
    return ""
