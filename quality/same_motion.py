"""Whether two clips show the same motion: the second opinion on what the landmarks suggest.

First the whole: at each speed, the offset at which the motion of the two correlates best over all
cells. Then window by window: where near that place each window correlates best, a line through
these places, and how well each window agrees where the line says. Two takes of one chore at one
station move the same things, but not at the same moments; a copy does, to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Span
from quality.measures.sketch import Copy
from quality.moves import QUIET, STEP_S, Floats, Moves, resampled, strength, waves

SPEEDS = 1.02 ** np.arange(-35, 36)
"""Half to twice as fast, in steps by which a minute's ends are out by less than a window."""
WAVES = 12
"""Coarsest waves, by which the place is sought."""
WINDOW_S = 2.0
NEAR_S = 1.0
"""How far from the place sought each window is tried."""
AGREES = 0.75
"""Correlation from which a window shows the same motion."""
SPOTS = 2
"""Windows that must agree at least: four seconds."""

_WINDOW = round(WINDOW_S / STEP_S)
_NEAR = round(NEAR_S / STEP_S)


@dataclass(frozen=True)
class Same:
    """What two clips share: ``share`` of the first one's moving windows, on ``rows`` of its grid.

    Row ``r`` of the first is row ``start + speed * r`` of the other; ``speed`` over 1 says that the
    first is the faster one.
    """

    share: float
    correlation: float
    rows: tuple[int, int]
    start: float
    speed: float


def same_motion(moves: Moves, other: Moves) -> Same | None:
    """What of ``moves`` is found in ``other``; None where nothing is."""
    if min(moves.count, other.count) < 2 * _WINDOW:
        return None
    windows = _windows(moves.motion)
    if len(windows) < SPOTS:
        return None
    start, speed = _placed(moves.motion, other.motion)
    for _ in range(2):
        at, lag, how = _tried(moves.motion, other.motion, windows, start, speed, _NEAR)
        good = how >= AGREES
        if good.sum() < SPOTS:
            return None
        middle = at[good] + _WINDOW / 2
        place = start + speed * middle + lag[good]
        start, speed = _line(middle, place, speed)
    at, lag, how = _tried(moves.motion, other.motion, windows, start, speed, 2)
    good = how >= AGREES
    if good.sum() < SPOTS:
        return None
    return Same(
        share=float(good.mean()),
        correlation=float(np.median(how[good])),
        rows=(int(at[good].min()), int(at[good].max()) + _WINDOW),
        start=start,
        speed=speed,
    )


def copy_of(
    moves: Moves, stream: str, other: Moves, other_stream: str, of: str, *, mirrored: bool
) -> Copy | None:
    """What ``moves`` shares with another clip (a mirrored one or not), in the clips' own times."""
    same = same_motion(moves.mirrored() if mirrored else moves, other)
    if same is None:
        return None
    first, last = same.rows
    there = [same.start + same.speed * row for row in same.rows]
    return Copy(
        stream=stream,
        span=_span(moves.start_s + first * STEP_S, moves.start_s + last * STEP_S),
        of=of,
        of_stream=other_stream,
        of_span=_span(*(other.start_s + row * STEP_S for row in there)),
        share=same.share,
        correlation=same.correlation,
        speed=same.speed,
        mirrored=mirrored,
    )


def _span(start_s: float, end_s: float) -> Span:
    start_ns = max(round(start_s * NS), 0)
    return Span(start_ns, max(round(end_s * NS), start_ns))


def _windows(motion: Floats) -> npt.NDArray[np.intp]:
    """First rows of the windows, half over one another, in which anything moves."""
    starts = np.arange(0, len(motion) - _WINDOW + 1, _WINDOW // 2)
    moving = [strength(motion[start : start + _WINDOW]) >= QUIET for start in starts]
    return starts[np.array(moving, np.bool_)] if len(starts) else starts


def _placed(motion: Floats, other: Floats) -> tuple[float, float]:
    """The start and the speed at which the whole agrees best, by its coarse waves."""
    first = motion @ waves()[0][:, :WAVES]
    second = other @ waves()[0][:, :WAVES]
    best = (-np.inf, 0.0, 1.0)
    for speed in SPEEDS:
        rows = np.arange(0, len(second) - 1, speed)
        drawn = resampled(second, rows)
        how, lag = _best_lag(first, drawn)
        best = max(best, (how, lag * speed, float(speed)))
    return best[1], best[2]


def _best_lag(first: Floats, second: Floats) -> tuple[float, float]:
    """Correlation, and the row of ``second`` at which ``first`` starts, where they agree best.

    Each lag counts by the correlation of what overlaps there and by the root of how much it is.
    """
    size = 1 << (len(first) + len(second) - 1).bit_length()
    one, two = np.fft.rfft(first, size, axis=0), np.fft.rfft(second, size, axis=0)
    met = np.fft.irfft((two * one.conj()).sum(axis=1), size)
    own = _overlaps(np.square(first).sum(axis=1), len(second), size, is_first=True)
    theirs = _overlaps(np.square(second).sum(axis=1), len(first), size, is_first=False)
    both = _overlaps(np.ones(len(first)), len(second), size, is_first=True)
    enough = both > 2 * _WINDOW - 0.5
    how = np.where(enough, met / np.sqrt(np.maximum(own * theirs, 1e-6)), 0.0)
    how *= np.sqrt(np.clip(both, 0, None) / min(len(first), len(second)))
    at = int(np.argmax(how))
    return float(how[at]), float(at if at < len(second) else at - size)


def _overlaps(
    weights: npt.NDArray[np.floating], length: int, size: int, *, is_first: bool
) -> npt.NDArray[np.float64]:
    """For each lag, the sum of ``weights`` over what a row of ``length`` overlaps."""
    own = np.fft.rfft(weights, size)
    box = np.fft.rfft(np.ones(length), size)
    product = box * own.conj() if is_first else own * box.conj()
    return np.asarray(np.fft.irfft(product, size), np.float64)


def _tried(
    motion: Floats,
    other: Floats,
    windows: npt.NDArray[np.intp],
    start: float,
    speed: float,
    near: int,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each window its first row, the lag within ``near`` that is best, and how it agrees."""
    lags = np.arange(-near, near + 1)
    rows = start + speed * np.arange(len(motion))
    inside = np.arange(_WINDOW)
    best, how = np.zeros(len(windows)), np.zeros(len(windows))
    for number, first in enumerate(windows):
        own = motion[first : first + _WINDOW]
        places = rows[first + inside][None, :] + lags[:, None]
        whole = (places[:, 0] >= 0) & (places[:, -1] <= len(other) - 1)
        if not whole.any():
            continue
        drawn = resampled(other, places[whole].ravel()).reshape(whole.sum(), *own.shape)
        agreed = _correlation(own, drawn)
        at = int(np.argmax(agreed))
        best[number], how[number] = lags[whole][at], agreed[at]
    return windows, best, how


def _correlation(own: Floats, drawn: Floats) -> Floats:
    """Of (rows, cells) with each of (k, rows, cells), each less its mean in time: (k,)."""
    own = own - own.mean(axis=0)
    drawn = drawn - drawn.mean(axis=1, keepdims=True)
    met = np.einsum("rc,krc->k", own, drawn)
    power = np.square(own).sum() * np.square(drawn).sum(axis=(1, 2))
    # where the other one is still, its noise must not agree by chance
    still = np.square(drawn).mean(axis=(1, 2)) < (QUIET / 2) ** 2
    return np.asarray(np.where(still, 0, met / np.sqrt(np.maximum(power, 1e-6))), np.float32)


def _line(
    middle: npt.NDArray[np.floating], place: npt.NDArray[np.floating], speed: float
) -> tuple[float, float]:
    """Start and speed of the line through windows' places, by the median of all slopes."""
    apart = np.subtract.outer(middle, middle)
    far = apart > _WINDOW
    if far.sum() >= 3:
        slope = float(np.median(np.subtract.outer(place, place)[far] / apart[far]))
        if SPEEDS[0] <= slope <= SPEEDS[-1]:
            speed = slope
    return float(np.median(place - speed * middle)), speed
