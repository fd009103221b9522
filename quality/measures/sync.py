"""How far apart two streams' clocks are, by what they show and by their time stamps.

By content: a camera's frame-to-frame change follows the speeds of the joints it sees. The change is
regressed on the joint speeds with weights that cannot be negative, at every lag; the best lag is
refined by Gauss-Newton steps together with a linear drift, which is kept only where it explains
clearly more. Errors are a jackknife over stretches of the recording, because what a camera sees of
a motion changes with the pose, so that neighbouring frames err alike.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock, Series
from dailies.words import NS
from quality.measures.sound import SoundMeasures

Floats = npt.NDArray[np.float64]
Reference = Literal["state", "action", "other", "camera"]

STEP_S = 1 / 30
"""Grid on which two streams are compared; motion of arms has little above 5 Hz."""
TREND_S = 1.5
"""Slower changes than this say little about time, and are taken out."""
LAG_MAX_S = 2.0
DRIFT_MAX_S = 0.8
"""The most that the offset may change from start to end."""
OVERLAP_MIN_S = 4.0
VALUE_MAX = 1e12
"""Larger values are a recorder's mark for "none", or garbage."""
STEPS_MAX = 2_000_000
"""Over 18 hours: a broken clock, not a recording."""
RIDGE = 0.05
NEAR_S = 0.35
"""Lags this close to the best one belong to the same peak."""
LAG_COST = 0.03
"""Explained share that one second of lag must bring: of two like peaks, the nearer one counts."""
RIVAL_MAX = 0.85
"""Explained share of the best other lag against that of the best, above which none can be told."""
DRIFT_EVIDENCE = 12.0
DRIFT_SIGMAS = 2.0
DRIFT_CERTAIN_SIGMAS = 3.5
"""Standard errors by which a drift is believed that explains little more than none, in recordings
of DRIFT_LENGTH_S or more. In step, 12 arms filmed twice came to 2.1 at most; shorter ones to 3.0.
"""
DRIFT_LENGTH_S = 30.0
ERROR_MAX_S = 0.06
VIEWS_ERROR_S = 0.015
"""Two cameras see different parts of a motion, which no jackknife over one recording shows."""
VIEW_ERROR_S, VIEW_LENGTH_S = 0.01, 8.0
"""What one point of view adds to the error over so long, less by the root of a longer time: a
jackknife over the few motions of a short episode misses it."""
FAR_S = 0.5
"""A lag beyond this must show twice as clearly: chance has that much more room there."""
BLOCKS = 12
RATES = re.compile(r"gyro|angular|veloc|omega|twist|(^|[._/ ])(vel|w[xyz]|speed)", re.IGNORECASE)
"""Names of values that are speeds themselves, so that their size counts and not their change."""


class Moving(Protocol):
    """What is needed of a camera's measurements; ``Pictures`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def times_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def motion(self) -> npt.NDArray[np.float32]: ...
    @property
    def repeat(self) -> npt.NDArray[np.bool_]: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True)
class SyncMeasures:
    """How ``stream`` lies in time against ``against``: positive is late, negative is early.

    ``method``: "content" compares what the two show, "through" is the difference of two cameras'
    offsets against the same series, "heard" goes by sounds (a sound against the pictures of its
    file, or two cameras by their sounds), "clock" compares time stamps alone: how much later the
    stream starts and ends. ``offset_ms`` is at the middle of [start_ns, end_ns); ``drift_ppm`` is
    its growth in microseconds a second, 0 where none could be shown; ``*_error_*`` are one standard
    error. ``correlation`` is that of the two motions once aligned, ``residual_ms`` the spread of
    ``window_offsets_ms`` about the line. Where ``tells`` is False, ``reason`` says why, and what
    could not be measured is None.
    """

    stream: str
    against: str
    method: Literal["content", "through", "heard", "clock"]
    tells: bool
    reason: str
    start_ns: int
    end_ns: int
    reference: Reference
    offset_ms: float | None = None
    drift_ppm: float | None = None
    offset_error_ms: float | None = None
    drift_error_ppm: float | None = None
    correlation: float | None = None
    residual_ms: float | None = None
    window_times_s: tuple[float, ...] = ()
    window_offsets_ms: tuple[float, ...] = ()

    def offset_at(self, time_ns: int) -> float:
        """The offset in ms at an instant of the recording; NaN where it does not tell."""
        if self.offset_ms is None or self.drift_ppm is None:
            return math.nan
        from_middle_s = (time_ns - (self.start_ns + self.end_ns) / 2) / NS
        return self.offset_ms + self.drift_ppm * from_middle_s / 1e3

    @property
    def start_offset_ms(self) -> float:
        """Offset at the start of the overlap [ms]."""
        return self.offset_at(self.start_ns)

    @property
    def end_offset_ms(self) -> float:
        """Offset at the end of the overlap [ms]."""
        return self.offset_at(self.end_ns)


def measure_sync(
    pictures: Sequence[Moving],
    series: Sequence[Series],
    heard: Sequence[tuple[SoundMeasures, Moving]] = (),
    by_sound: Sequence[SyncMeasures] = (),
) -> tuple[SyncMeasures, ...]:
    """Every camera against the robot, cameras against each other, and all streams' ends; those of
    sound, ``heard``, against the camera of the same file.

    ``by_sound`` is what sounds have told already. A camera of which they tell is held against the
    first one by the robot where that tells, which needs no sound to be in step with its pictures;
    else by them, for they are more exact than motion. Those that tell nothing are left out.

    The reference is the series of role "state"; without one "action", and without that the others.
    Cameras go through the robot where both of them can be told against the same series, else they
    are compared with the first camera directly. Never raises for odd values.
    """
    cameras = {camera.name: _camera_track(camera) for camera in pictures}
    robot = [_series_track(one) for one in _references(series)]
    against_robot = [
        max((_compare(camera, one) for one in robot), key=_clarity)
        for camera in cameras.values()
        if robot
    ]
    pairs = {
        (pair.stream, pair.against): pair for pair in _pairs(list(cameras.values()), against_robot)
    }
    by_robot = {key for key, pair in pairs.items() if pair.method == "through"}
    told = [one for one in by_sound if one.tells and (one.stream, one.against) not in by_robot]
    known = {(one.stream, one.against) for one in told}
    by_picture = [pair for key, pair in pairs.items() if key not in known]
    clocks = (*_clocks(pictures, series), *map(_ends_of_sound, heard))
    return (*against_robot, *told, *by_picture, *clocks)


@dataclass(frozen=True, eq=False)
class _Track:
    """How much a stream has moved up to each of its times: ``path`` (n, d), never falling."""

    name: str
    reference: Reference
    times_s: Floats
    path: Floats

    @property
    def period_s(self) -> float:
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0

    def moved(self, until_s: Floats) -> Floats:
        """The path at any times, shape (m, d); beyond its ends it stands still."""
        after = np.clip(np.searchsorted(self.times_s, until_s), 1, len(self.times_s) - 1)
        before_s, after_s = self.times_s[after - 1], self.times_s[after]
        share = np.clip((until_s - before_s) / (after_s - before_s), 0, 1)[:, None]
        moved: Floats = self.path[after - 1] * (1 - share) + self.path[after] * share
        return moved

    def speed(self, at_s: Floats, width_s: float) -> Floats:
        """Speed around given times, shape (m, d), as [1, 2, 1] / 4 over three steps of ``width_s``.

        That filter removes the alternation of a codec with a key frame every second picture, and
        being centred it shifts nothing: a difference between two samples counts halfway.
        """
        half = width_s / 2
        ends = [self.moved(at_s + reach) for reach in (3 * half, half, -half, -3 * half)]
        speed: Floats = (ends[0] + ends[1] - ends[2] - ends[3]) / (4 * width_s)
        return speed


def _camera_track(camera: Moving) -> _Track:
    motion = np.clip(np.nan_to_num(np.asarray(camera.motion, np.float64)), 0, 255)
    times_s, kept = np.unique(np.asarray(camera.times_ns) / NS, return_index=True)
    motion, repeat = motion[kept], np.asarray(camera.repeat, np.bool_)[kept]
    # a picture that repeats the one before leaves its motion to the next: share it evenly
    run = np.concatenate([np.zeros(1, np.intp), np.cumsum(~repeat)])[: len(motion)]
    if len(motion):
        motion = (np.bincount(run, motion) / np.maximum(np.bincount(run), 1))[run]
        motion[0] = 0
    return _Track(camera.name, "camera", times_s, np.cumsum(_capped(motion[:, None]), axis=0))


def _series_track(series: Series) -> _Track:
    count = min(len(series.times_ns), len(series.values))
    values = np.asarray(series.values, np.float64)[:count]
    values = np.where(np.abs(values) < VALUE_MAX, values, np.nan)
    values = values.reshape(count, -1) if values.size else np.zeros((count, 0))
    finite = np.isfinite(values).mean(axis=0) > 0.5 if count else np.ones(0, np.bool_)
    whole = np.isfinite(values[:, finite]).all(axis=1) if count else np.ones(0, np.bool_)
    times_s, kept = np.unique(np.asarray(series.times_ns)[:count][whole] / NS, return_index=True)
    values = values[whole][:, finite][kept] if count else np.zeros((0, 0))
    if len(values) < 2:
        return _Track(series.name, series.role, times_s, np.zeros((len(times_s), 0)))
    names = [name for name, good in zip(series.columns, finite, strict=False) if good]
    rates = np.array([bool(RATES.search(f"{series.name}.{name}")) for name in names], np.bool_)
    rates = rates if len(rates) == values.shape[1] else np.zeros(values.shape[1], np.bool_)
    steps = np.abs(np.diff(values[:, ~rates], axis=0))
    size = np.abs(values[:, rates] - np.median(values[:, rates], axis=0))
    size = np.column_stack([size, np.hypot.reduce(size, axis=1)] if rates.any() else [size])
    swept = (size[1:] + size[:-1]) / 2 * np.diff(times_s)[:, None]
    path = np.cumsum(_capped(np.column_stack([steps, swept])), axis=0)
    path = np.vstack([np.zeros((1, path.shape[1])), path])
    return _Track(series.name, series.role, times_s, path[:, path[-1] > 1e-9])


def _capped(steps: Floats) -> Floats:
    """Steps without the leaps of a wrapping angle, a reset or a scene cut; (n, d)."""
    if not len(steps):
        return steps
    cap = 8 * np.quantile(steps, 0.95, axis=0)
    capped: Floats = np.where(cap > 0, np.minimum(steps, cap), steps)
    return capped


def _references(series: Sequence[Series]) -> list[Series]:
    for role in ("state", "action", "other"):
        found = [one for one in series if one.role == role]
        if found:
            return found
    return []


def _clarity(sync: SyncMeasures) -> tuple[bool, float]:
    return sync.tells, sync.correlation or 0.0


def _pairs(cameras: list[_Track], against_robot: list[SyncMeasures]) -> Iterator[SyncMeasures]:
    """Each camera against the first one."""
    for at in range(1, len(cameras)):
        if against_robot and (through := _through(against_robot[at], against_robot[0])):
            yield through
        else:
            yield _compare(cameras[at], cameras[0])


def _through(one: SyncMeasures, other: SyncMeasures) -> SyncMeasures | None:
    """A camera against another by way of the series that both were compared with."""
    if not (one.tells and other.tells and one.against == other.against):
        return None
    start, end = max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns)
    if end <= start:
        return None
    at_start = one.offset_at(start) - other.offset_at(start)
    at_end = one.offset_at(end) - other.offset_at(end)
    return SyncMeasures(
        one.stream,
        other.stream,
        "through",
        True,
        "",
        start,
        end,
        "camera",
        offset_ms=(at_start + at_end) / 2,
        drift_ppm=(at_end - at_start) * 1e3 / ((end - start) / NS),
        offset_error_ms=math.hypot(one.offset_error_ms or 0, other.offset_error_ms or 0),
        drift_error_ppm=math.hypot(one.drift_error_ppm or 0, other.drift_error_ppm or 0),
        correlation=min(one.correlation or 0, other.correlation or 0),
    )


@dataclass(frozen=True, eq=False)
class _Motion:
    """A stream's motion ``seen`` (n,) on a grid, and the track that should explain it.

    Both without their slow trend and of unit size.
    """

    grid_s: Floats
    width_s: float
    seen: Floats
    track: _Track
    scale: Floats

    @property
    def from_middle_s(self) -> Floats:
        centred: Floats = self.grid_s - (self.grid_s[0] + self.grid_s[-1]) / 2
        return centred

    @property
    def length_s(self) -> float:
        return len(self.grid_s) * STEP_S

    def shifted(self, offset_s: float, drift: float, extra: int = 0) -> Floats:
        """The explaining speeds under an offset and drift, (n + 2 extra, d)."""
        around = np.arange(-extra, len(self.grid_s) + extra) * STEP_S + self.grid_s[0]
        middle_s = (self.grid_s[0] + self.grid_s[-1]) / 2
        at_s = around - offset_s - drift * (around - middle_s)
        return _detrended(self.track.speed(at_s, self.width_s)) / self.scale


def _motion(stream: _Track, against: _Track) -> _Motion | str:
    """The two on one grid, or why they cannot be compared."""
    if len(stream.times_s) < 2 or len(against.times_s) < 2:
        return "too short"
    start_s = max(stream.times_s[0], against.times_s[0])
    steps = int((min(stream.times_s[-1], against.times_s[-1]) - start_s) / STEP_S)
    if steps * STEP_S < OVERLAP_MIN_S:
        return "too short"
    if steps > STEPS_MAX:
        return "clock not usable"
    grid_s = start_s + STEP_S * np.arange(steps)
    width_s = max(stream.period_s, against.period_s, STEP_S)
    if width_s > 0.25:
        return "too few samples a second"
    seen = _detrended(stream.speed(grid_s, width_s))[:, 0]
    scale = _detrended(against.speed(grid_s, width_s)).std(axis=0)
    moving = scale > 1e-9 * np.maximum(against.path[-1] / max(steps * STEP_S, 1), 1e-9)
    if not moving.any() or seen.std() < 1e-3:
        return "nothing moves"
    track = replace(against, path=against.path[:, moving])
    return _Motion(grid_s, width_s, seen / seen.std(), track, scale[moving])


def _detrended(speeds: Floats) -> Floats:
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


def _explained(gram: Floats, products: Floats) -> tuple[Floats, Floats]:
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
    by_window, middles_s = _products(motion.seen.astype(np.float32), speeds, reach)
    lags_s = np.arange(-reach, reach + 1, dtype=np.float64) * STEP_S
    share, weights = _explained(gram, by_window.sum(axis=0).T)
    best = int(np.argmax(share - LAG_COST * np.abs(lags_s)))
    other = np.abs(lags_s - lags_s[best]) > NEAR_S
    lag_s, drift, drifting_share = float(lags_s[best]), 0.0, float(share[best])
    row = weights[best]
    for _ in range(2):
        lag_s, drift = _line(np.einsum("wdl,d->wl", by_window, row), middles_s, lags_s, best)
        products = _along(by_window, (lag_s + drift * middles_s) / STEP_S + reach)
        drifting, rows = _explained(gram, products[None])
        drifting_share, row = float(drifting[0]), rows[0]
    top = max(float(share[best]), drifting_share, 1e-9)
    return _Start(
        float(lags_s[best]),
        lag_s,
        drift,
        (drifting_share - float(share[best])) / max(1 - drifting_share, 1e-9),
        float(share[other].max()) / top,
    )


def _gram(speeds: Floats) -> Floats:
    gram: Floats = speeds.T @ speeds / len(speeds) + RIDGE * np.eye(speeds.shape[1])
    return gram


def _products(
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


def _refine(motion: _Motion, offset_s: float, drift: float, *, drifting: bool) -> _Fit:
    """Gauss-Newton steps on offset, drift and weights together, then a jackknife over blocks."""
    half_s = motion.length_s / 2
    for _ in range(6):
        blocks, _ = _linear(motion, offset_s, drift, drifting=drifting)
        step = blocks.solve()
        moved_s = float(np.clip(step[0], -0.1, 0.1))
        turned = float(np.clip(step[1], -0.1 / half_s, 0.1 / half_s)) if drifting else 0.0
        offset_s, drift = offset_s + moved_s, drift + turned
        if abs(moved_s) < 2e-4 and abs(turned) * half_s < 3e-4:
            break
    errors = blocks.errors()
    blocks, explained = _linear(motion, offset_s, drift, drifting=drifting)
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


def _linear(
    motion: _Motion, offset_s: float, drift: float, *, drifting: bool
) -> tuple[_Blocks, Floats]:
    """The problem made linear at an offset and drift: blocks, and the explained (n,)."""
    speeds, count = motion.shifted(offset_s, drift), len(motion.grid_s)
    weights = _weights(_gram(speeds), (speeds.T @ motion.seen / count)[None], 60)[0]
    explained = speeds @ weights
    # one step later in time is one entry further: the derivative by the offset is minus that
    slope = -np.gradient(explained, STEP_S)
    clock = [slope, slope * motion.from_middle_s][: 1 + drifting]
    active = weights > 1e-3 * weights.max()
    columns = np.column_stack([*clock, speeds[:, active]])
    missed = motion.seen - explained
    size = max(round(1 / STEP_S), math.ceil(count / BLOCKS))
    parts = [slice(start, start + size) for start in range(0, count, size)]
    prior = np.full(columns.shape[1], RIDGE * count)
    prior[: len(clock)] = 0
    blocks = _Blocks(
        np.stack([columns[part].T @ columns[part] for part in parts]),
        np.stack([columns[part].T @ missed[part] for part in parts]),
        prior,
        np.array([motion.from_middle_s[part].mean() for part in parts]),
    )
    return blocks, explained


def _compare(stream: _Track, against: _Track) -> SyncMeasures:
    """A stream against another by what they show."""
    motion = _motion(stream, against)
    blank = SyncMeasures(stream.name, against.name, "content", False, "", 0, 0, against.reference)
    if isinstance(motion, str):
        return replace(blank, reason=motion)
    start = _search(motion)
    fit = _chosen(motion, start)
    reason = _doubt(fit, start, motion)
    first_s, last_s = motion.grid_s[0], motion.grid_s[-1] + STEP_S
    line_s = fit.offset_s + fit.drift * (fit.window_times_s - (first_s + last_s) / 2)
    known = replace(
        blank,
        reason=reason,
        start_ns=round(first_s * NS),
        end_ns=round(last_s * NS),
        correlation=fit.correlation,
    )
    if reason:
        return known
    at_least_s = VIEW_ERROR_S * math.sqrt(VIEW_LENGTH_S / motion.length_s)
    if stream.reference == against.reference == "camera":
        at_least_s = VIEWS_ERROR_S
    return replace(
        known,
        tells=True,
        offset_ms=fit.offset_s * 1e3,
        drift_ppm=fit.drift * 1e6,
        offset_error_ms=math.hypot(fit.offset_error_s, at_least_s) * 1e3,
        drift_error_ppm=fit.drift_error * 1e6,
        residual_ms=1.4826e3 * float(np.median(np.abs(fit.window_offsets_s - line_s))),
        window_times_s=tuple(fit.window_times_s.tolist()),
        window_offsets_ms=tuple((fit.window_offsets_s * 1e3).tolist()),
    )


def _chosen(motion: _Motion, start: _Start) -> _Fit:
    """The fit with a drift where it explains clearly more than the one without, else that.

    In long recordings a drift too small to explain much more is believed by its own error. Both
    the search's line and the steady fit are tried as its start: a small drift is near the latter.
    """
    steady = _refine(motion, start.lag_s, 0.0, drifting=False)
    is_long = motion.length_s >= DRIFT_LENGTH_S
    if not is_long and start.gain * 2 * motion.length_s < DRIFT_EVIDENCE / 4:
        return steady
    starts = [(start.drifting_lag_s, start.drift)] + [(steady.offset_s, 0.0)] * is_long
    drifting = min(
        (_refine(motion, lag_s, drift, drifting=True) for lag_s, drift in starts),
        key=lambda fit: fit.unexplained,
    )
    # about two independent values a second: an F test against one parameter fewer
    gain = (steady.unexplained - drifting.unexplained) / max(drifting.unexplained, 1e-9)
    sigmas = abs(drifting.drift) / max(drifting.drift_error, 1e-9)
    explains = gain * 2 * motion.length_s > DRIFT_EVIDENCE and sigmas > DRIFT_SIGMAS
    certain = is_long and gain > 0 and sigmas > DRIFT_CERTAIN_SIGMAS
    within = abs(drifting.drift) * motion.length_s < 1.25 * DRIFT_MAX_S
    return drifting if within and (explains or certain) else steady


def _doubt(fit: _Fit, start: _Start, motion: _Motion) -> str:
    """Why an offset cannot be believed; empty where it can.

    By chance alone the best of all lags explains the more, the shorter the overlap and the more
    columns there are: over unrelated arms, explained / unexplained x seconds stayed mostly under
    8 + 0.8 a column.
    """
    explained = max(fit.correlation, 0) ** 2
    clearness = explained / max(1 - explained, 1e-9) * motion.length_s
    needed = (8 + 0.8 * len(motion.scale)) * (2 if abs(fit.offset_s) > FAR_S else 1)
    if not clearness >= needed:
        return "no correlation"
    if start.rival > RIVAL_MAX:
        return "several offsets fit alike"
    if not fit.offset_error_s < ERROR_MAX_S or abs(fit.offset_s) > LAG_MAX_S:
        return "too uncertain"
    return ""


@dataclass(frozen=True, eq=False)
class _Clocked:
    """A stream's time stamps, in order, in seconds, each the start of a period."""

    name: str
    reference: Reference
    clock: Clock
    times_s: Floats
    period_s: float

    @property
    def end_s(self) -> float:
        return float(self.times_s[-1] + self.period_s)


def _clocks(pictures: Sequence[Moving], series: Sequence[Series]) -> Iterator[SyncMeasures]:
    """Every stream's time stamps against those of the first camera, or of the first series."""
    cameras = [_clocked(one.name, "camera", one.clock, one.times_ns) for one in pictures]
    others = [_clocked(one.name, one.role, one.clock, one.times_ns) for one in series]
    clocked = [stream for stream in cameras if len(stream.times_s) > 1]
    clocked += [stream for stream in others if _is_steady(stream.times_s)]
    for stream in clocked[1:]:
        yield _apart(stream, clocked[0])


def _ends_of_sound(together: tuple[SoundMeasures, Moving]) -> SyncMeasures:
    """How much later a sound starts and ends than the pictures of its file.

    A sound's samples are counted, so that pictures lost behind even time stamps show at its end.
    """
    sound, camera = together
    ends_s = np.array([sound.span.start_ns, sound.span.end_ns]) / NS
    return _apart(
        _Clocked(sound.name, "other", "measured", ends_s, period_s=0.0),
        _clocked(camera.name, "camera", camera.clock, camera.times_ns),
    )


def _is_steady(times_s: Floats) -> bool:
    """Whether samples come at a rate for four fifths of the time from the first to the last.

    One that speaks only when something happens (a key pressed) starts and ends when it likes.
    """
    if len(times_s) < 3:
        return False
    intervals = np.diff(times_s)
    usual = intervals <= 1.5 * np.median(intervals)
    return bool(intervals[usual].sum() >= 0.8 * intervals.sum())


def _clocked(
    name: str, reference: Reference, clock: Clock, times_ns: npt.NDArray[np.int64]
) -> _Clocked:
    times_s = np.sort(np.asarray(times_ns, np.int64)) / NS
    period_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    return _Clocked(name, reference, clock, times_s, period_s)


def _apart(stream: _Clocked, against: _Clocked) -> SyncMeasures:
    """How much later a stream starts and ends than another by time stamps.

    Where both have equally many samples they belong together one by one, and the windows follow
    the run-away of the clocks.
    """
    starts_ms = float(stream.times_s[0] - against.times_s[0]) * 1e3
    ends_ms = (stream.end_s - against.end_s) * 1e3
    start_s = float(min(stream.times_s[0], against.times_s[0]))
    end_s = max(stream.end_s, against.end_s)
    paired = len(stream.times_s) == len(against.times_s)
    known = SyncMeasures(
        stream.name,
        against.name,
        "clock",
        False,
        "",
        round(start_s * NS),
        round(end_s * NS),
        against.reference,
    )
    if stream.clock == against.clock == "grid":
        return replace(known, reason="times made from a frame index")
    shown = np.linspace(0, len(stream.times_s) - 1, min(len(stream.times_s), 64)).astype(int)
    return replace(
        known,
        tells=True,
        offset_ms=(starts_ms + ends_ms) / 2,
        drift_ppm=(ends_ms - starts_ms) * 1e3 / max(end_s - start_s, 1e-9),
        window_times_s=tuple(stream.times_s[shown].tolist()) if paired else (),
        window_offsets_ms=tuple(
            ((stream.times_s - against.times_s)[shown] * 1e3).tolist() if paired else []
        ),
    )
