"""Sound against the pictures of the same file, by claps, knocks and beeps that both hold.

Onsets of the sound are matched with stops of the motion, or with flashes, at every offset. Most
recordings hold no such events, or hold them by chance; so an offset is told only where chance alone
would hardly ever make so many agree: the binomial tail for as many onsets falling on moments that
cover that share of the time, times the number of offsets, drifts and choices of events tried. One
flash with a beep of the same length tells by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dailies.words import NS
from quality.measures.moments import Filmed, Moments, flashes_of, stops_of
from quality.measures.onsets import Onsets, onsets_of
from quality.measures.sound import Envelope
from quality.measures.sync import SyncMeasures

Floats = npt.NDArray[np.float64]

OFFSET_MAX_S = 1.0
SLACK_S = 0.008
"""A moment is known to half a picture's interval, and an onset to this."""
SLOWEST_S = 0.07
"""Longest interval between pictures at which moments are told: 15 a second."""
CHANCE = 3e-4
"""How often chance may make as many agree in a recording that holds events of its own."""
LEAST = 3
"""Events that must agree."""
RIVAL = 0.7
"""Share of them that may agree at another offset."""
DRIFT_LEAST, DRIFT_LENGTH_S, DRIFT_MAX_S = 5, 20.0, 0.4
"""Events, the time between the first and the last, and the most that either end may move."""
DRIFT_SIGMAS = 4.0
AT_LEAST_S = 0.004
"""What the way of the sound (3 ms a metre) and the exposure add to the error."""
FEW_ONSETS = (3, 5, 10, 60)
FEW_MOMENTS = (1, 2, 4)
"""The strongest so many onsets are asked, and so many times as many moments, and all of them."""
ALONE = 3
"""Of more flashes, or of more beeps, none is unmistakable by its length."""


def claps(envelope: Envelope, camera: Filmed, name: str) -> SyncMeasures:
    """How much later a sound called ``name`` is than the pictures of its file; never raises."""
    blank = SyncMeasures(name, camera.name, "heard", False, "", 0, 0, "camera")
    times_s = np.asarray(camera.times_ns) / NS
    if len(times_s) < 8 or not len(envelope.level):
        return replace(blank, reason="too short")
    if not (np.median(np.diff(times_s)) <= SLOWEST_S and (np.diff(times_s) > 0).all()):
        return replace(blank, reason="too few pictures a second")
    start_s, end_s = max(times_s[0], envelope.start_s), min(times_s[-1], envelope.end_s)
    if end_s <= start_s:
        return replace(blank, reason="too short")
    blank = replace(blank, start_ns=round(start_s * NS), end_ns=round(end_s * NS))
    onsets = onsets_of(envelope)
    if not len(onsets.times_s):
        return replace(blank, reason="nothing stands out in the sound")
    asked = _Asked(onsets, float(np.median(np.diff(times_s))), (start_s, end_s))
    flashes = flashes_of(camera)
    alone = _flash_and_beep(asked, flashes)
    if alone is not None:
        return _told(blank, asked, alone)
    found = [_found(asked, moments) for moments in (flashes, stops_of(camera))]
    best = min(found, key=lambda one: one.chance)
    if best.chance > CHANCE:
        return replace(blank, reason="no events that both show")
    if best.is_rivalled:
        return replace(blank, reason="several offsets fit alike")
    return _told(blank, asked, best.pairs)


def same_onsets(one: Envelope, other: Envelope) -> tuple[Floats, Floats] | None:
    """The onsets that two sounds share: their times in the other one, and how much later they are
    in the one [s], (k,) each. None where they share none beyond chance.
    """
    span_s = max(one.start_s, other.start_s), min(one.end_s, other.end_s)
    there = onsets_of(other)
    moments = Moments(there.times_s, there.strength, there.lengths_s)
    found = _found(_Asked(onsets_of(one), 0.0, span_s), moments)
    if found.chance > CHANCE or found.is_rivalled:
        return None
    return found.pairs.times_s, found.pairs.late_s


@dataclass(frozen=True, eq=False)
class _Asked:
    """The onsets of a sound, the interval between pictures, and from when to when both are."""

    onsets: Onsets
    period_s: float
    span_s: tuple[float, float]

    @property
    def slack_s(self) -> float:
        """So far apart an onset and its moment may be, the offset taken off."""
        return self.period_s / 2 + SLACK_S

    @property
    def length_s(self) -> float:
        return self.span_s[1] - self.span_s[0]

    @property
    def middle_s(self) -> float:
        return (self.span_s[0] + self.span_s[1]) / 2

    def strongest(self, count: int) -> Floats:
        """Times of the strongest onsets, in order of time."""
        kept = np.argsort(-self.onsets.strength, kind="stable")[:count]
        return np.sort(self.onsets.times_s[kept])


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Times of moments and how much later the onsets are that belong to them, (k,) [s]."""

    times_s: Floats
    late_s: Floats
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class _Found:
    """The offset at which most agrees by least chance."""

    chance: float
    pairs: _Pairs
    is_rivalled: bool = False


_NOTHING = _Found(1.0, _Pairs(np.empty(0), np.empty(0), 0.0))


def _found(asked: _Asked, moments: Moments) -> _Found:
    """The best over the strongest onsets and moments, few and many of them."""
    choices = list(_choices(asked, moments))
    return min(
        (_best(asked, onsets_s, moments_s, 2 * len(choices)) for onsets_s, moments_s in choices),
        key=lambda one: one.chance,
        default=_NOTHING,
    )


def _choices(asked: _Asked, moments: Moments) -> Iterator[tuple[Floats, Floats]]:
    order = np.argsort(-moments.strength, kind="stable")
    for few in sorted({min(count, len(asked.onsets.times_s)) for count in FEW_ONSETS}):
        counts = {min(few * times, len(order)) for times in FEW_MOMENTS} | {len(order)}
        for count in sorted(counts):
            if few >= LEAST and count >= LEAST:
                yield asked.strongest(few), np.sort(moments.times_s[order[:count]])


def _best(asked: _Asked, onsets_s: Floats, moments_s: Floats, tries: int) -> _Found:
    """The offset, and drift, at which most onsets fall on moments."""
    slack_s = asked.slack_s
    covered = min(len(moments_s) * 2 * slack_s / max(asked.length_s, slack_s), 0.9)
    drifts = _drifts(asked, onsets_s)
    best = _NOTHING
    for drift in drifts:
        counts = _agreeing(asked, onsets_s, moments_s, drift)
        at = int(np.argmax(counts))
        lags = len(counts) / 2 * tries * (1 if drift == 0 else len(drifts))
        chance = lags * _tail(int(counts[at]), len(onsets_s), covered)
        if counts[at] < LEAST or chance >= best.chance:
            continue
        lag_s = (at + 1) * slack_s - OFFSET_MAX_S - slack_s
        near = np.abs(np.arange(len(counts)) - at) <= 4
        is_rivalled = bool(counts[~near].max(initial=0) > RIVAL * counts[at])
        pairs = _paired(asked, onsets_s, moments_s, lag_s, drift)
        best = _Found(chance, pairs, is_rivalled) if len(pairs.late_s) >= LEAST else best
    return best


def _drifts(asked: _Asked, onsets_s: Floats) -> Floats:
    """Drifts to try: one step moves the ends by what a pair may be apart."""
    if len(onsets_s) < DRIFT_LEAST or np.ptp(onsets_s) < DRIFT_LENGTH_S:
        return np.zeros(1)
    steps = int(DRIFT_MAX_S / asked.slack_s)
    tried = np.arange(-steps, steps + 1, dtype=np.float64) * (2 * asked.slack_s / asked.length_s)
    return np.asarray(tried[np.argsort(np.abs(tried), kind="stable")], np.float64)


def _agreeing(asked: _Asked, onsets_s: Floats, moments_s: Floats, drift: float) -> Floats:
    """How many onsets have a moment within the slack of each offset, one a slack."""
    late_s = onsets_s[:, None] - moments_s - drift * (moments_s - asked.middle_s)
    bins = np.floor((late_s + OFFSET_MAX_S + asked.slack_s) / asked.slack_s).astype(np.intp)
    count = int(2 * OFFSET_MAX_S / asked.slack_s) + 3
    onset, _ = np.nonzero((bins >= 0) & (bins < count))
    hit = np.zeros((len(onsets_s), count), np.bool_)
    hit[onset, bins[(bins >= 0) & (bins < count)]] = True
    agreeing: Floats = (hit[:, 1:] | hit[:, :-1]).sum(axis=0).astype(np.float64)
    return agreeing


def _paired(
    asked: _Asked, onsets_s: Floats, moments_s: Floats, lag_s: float, drift: float
) -> _Pairs:
    """Each onset with its nearest moment under an offset and drift, where they are within 2 slacks.

    Of two onsets at one moment the nearer one counts, and a pair far from the others does not.
    """
    late_s = onsets_s[:, None] - moments_s
    beside_s = late_s - lag_s - drift * (moments_s - asked.middle_s)
    nearest = np.argmin(np.abs(beside_s), axis=1)
    rows = np.arange(len(onsets_s))
    off_s = beside_s[rows, nearest]
    order = np.lexsort((np.abs(off_s), nearest))
    kept = order[np.diff(nearest[order], prepend=-1) > 0]
    kept = kept[np.abs(off_s[kept]) <= 2 * asked.slack_s]
    if len(kept):
        kept = kept[np.abs(off_s[kept] - np.median(off_s[kept])) <= asked.slack_s]
    return _Pairs(
        moments_s[nearest[kept]], late_s[kept, nearest[kept]], len(kept) / max(len(onsets_s), 1)
    )


def _tail(hits: int, count: int, share: float) -> float:
    """The chance of so many hits or more of ``count``, each of which hits with ``share``."""
    return sum(
        math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(hits, count + 1)
    )


def _flash_and_beep(asked: _Asked, flashes: Moments) -> _Pairs | None:
    """Flashes and beeps of the same lengths, all within one offset; None where there is a doubt."""
    beeps = np.flatnonzero(np.isfinite(asked.onsets.lengths_s))
    if not (0 < len(beeps) <= ALONE and 0 < len(flashes.times_s) <= ALONE):
        return None
    late_s = asked.onsets.times_s[beeps][:, None] - flashes.times_s
    longer_s = asked.onsets.lengths_s[beeps][:, None] - flashes.lengths_s
    is_alike = np.abs(longer_s) <= asked.period_s + 2 * SLACK_S
    beep, flash = np.nonzero(is_alike & (np.abs(late_s) <= OFFSET_MAX_S))
    if not len(beep) == len(flashes.times_s) == len(beeps) == len(np.unique(flash)):
        return None
    by_ends_s = late_s[beep, flash] + longer_s[beep, flash] / 2
    if np.ptp(by_ends_s) > 2 * asked.slack_s or len(np.unique(beep)) < len(beep):
        return None
    return _Pairs(flashes.times_s[flash], by_ends_s)


def _told(blank: SyncMeasures, asked: _Asked, pairs: _Pairs) -> SyncMeasures:
    """The offset at the middle of the overlap, with a drift where the pairs show one."""
    from_middle_s = pairs.times_s - asked.middle_s
    count = len(pairs.late_s)
    offset_s, drift, error_s, drift_error = _fit(from_middle_s, pairs.late_s, asked.period_s)
    line_s = offset_s + drift * from_middle_s
    order = np.argsort(pairs.times_s)
    return replace(
        blank,
        tells=True,
        offset_ms=offset_s * 1e3,
        drift_ppm=drift * 1e6,
        offset_error_ms=math.hypot(error_s, AT_LEAST_S) * 1e3,
        drift_error_ppm=drift_error * 1e6,
        correlation=pairs.share,
        residual_ms=1e3 * float(np.sqrt(np.square(pairs.late_s - line_s).sum() / count)),
        window_times_s=tuple(pairs.times_s[order].tolist()),
        window_offsets_ms=tuple((pairs.late_s[order] * 1e3).tolist()),
    )


def _fit(at_s: Floats, late_s: Floats, period_s: float) -> tuple[float, float, float, float]:
    """Offset at 0 and drift, each with its standard error; the drift is 0 where none is sure."""
    # within an interval a moment is anywhere
    known_s = period_s / math.sqrt(12)
    steady_s = float(late_s.mean())
    spread_s = max(float(late_s.std()), known_s)
    if len(late_s) >= DRIFT_LEAST and np.ptp(at_s) >= DRIFT_LENGTH_S:
        centred = at_s - at_s.mean()
        drift = float(centred @ late_s / (centred @ centred))
        beside_s = late_s - steady_s - drift * centred
        left_s = max(math.sqrt(float(beside_s @ beside_s) / (len(late_s) - 2)), known_s)
        drift_error = left_s / math.sqrt(float(centred @ centred))
        if abs(drift) > DRIFT_SIGMAS * drift_error:
            offset_s = steady_s - drift * float(at_s.mean())
            error_s = math.hypot(left_s / math.sqrt(len(late_s)), drift_error * at_s.mean())
            return offset_s, drift, error_s, drift_error
    return steady_s, 0.0, spread_s / math.sqrt(len(late_s)), 0.0
