"""Two cameras against each other by the sounds of their files, to a few milliseconds.

Both microphones hear the same room. Window by window the logarithms of the two envelopes are
correlated at every lag; each window votes for its best one, and a lag, or a straight line of lags,
counts where far more windows agree on it than chance would have. Sound takes 3 ms for each metre by
which one microphone is further away.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dailies.words import NS
from quality.measures.align import between
from quality.measures.claps import LEAST, same_onsets
from quality.measures.sound import FINE_A_SECOND, Envelope
from quality.measures.sync import SyncMeasures

Floats = npt.NDArray[np.float64]

OFFSET_MAX_S = 2.0
WINDOWS, WINDOW_S = 8, (2.0, 10.0)
"""A recording is cut into so many windows, or more, of a length between these."""
MOST = 60
"""Windows asked, evenly spread over a longer recording."""
SMOOTH_MS, TREND_MS = 4, 400
QUIET = 1e-5
AGREES = 0.3
"""Correlation from which a window has a vote."""
RIVAL, RIVAL_MS = 0.85, 30
"""Share of its correlation that may be had at a lag further away than this."""
NEAR_S = 0.005
VOTES, VOTE_SHARE = 4, 0.5
"""Windows that must agree, and their share of those with a vote. By chance 4 of 8 agree to 5 ms
within 4 s once in a million."""
SAME = 0.995
"""Correlation of one sound that was put into both files: it says nothing of the two cameras."""
DRIFT_LENGTH_S, DRIFT_MAX_S, DRIFT_SIGMAS = 20.0, 0.8, 4.0
AT_LEAST_S = 0.001


def by_sound(heard: Sequence[tuple[str, Envelope]]) -> Iterator[SyncMeasures]:
    """Every camera with sound against the first one: their names and envelopes. Never raises."""
    for one in heard[1:]:
        yield compared(one, heard[0])


def compared(stream: tuple[str, Envelope], against: tuple[str, Envelope]) -> SyncMeasures:
    """How much later a camera is than another, by name and envelope of each."""
    (name, one), (other_name, other) = stream, against
    start_s, end_s = max(one.start_s, other.start_s), min(one.end_s, other.end_s)
    blank = SyncMeasures(name, other_name, "heard", False, "too short", 0, 0, "camera")
    if end_s - start_s < WINDOWS * WINDOW_S[0] / 2:
        return blank
    blank = replace(blank, start_ns=round(start_s * NS), end_ns=round(end_s * NS))
    votes = _votes(one, other, (start_s, end_s))
    if len(votes.at_s) and np.median(votes.correlation) > SAME:
        return replace(blank, reason="one sound is in both files")
    told = _told(blank, votes, (start_s + end_s) / 2, VOTES)
    if told.tells:
        return told
    # a quiet room with a few claps in it has few windows that vote
    shared = same_onsets(one, other)
    if shared is None:
        return told
    alike = _Votes(shared[0], shared[1], np.full(len(shared[0]), np.nan))
    return replace(_told(blank, alike, (start_s + end_s) / 2, LEAST), correlation=None)


def without_own(
    sync: SyncMeasures, own: SyncMeasures | None, others: SyncMeasures | None
) -> SyncMeasures:
    """A camera against another by their sounds, less how late each sound is in its own file, where
    that is known: what is left is how late the pictures are.
    """
    if not sync.tells or (own is None and others is None):
        return sync
    offset_ms, drift_ppm = sync.offset_ms or 0.0, sync.drift_ppm or 0.0
    middle_ns = (sync.start_ns + sync.end_ns) // 2
    errors_ms, drift_errors = [sync.offset_error_ms or 0.0], [sync.drift_error_ppm or 0.0]
    for one, sign in ((own, -1), (others, 1)):
        if one is not None:
            offset_ms += sign * one.offset_at(middle_ns)
            drift_ppm += sign * (one.drift_ppm or 0.0)
            errors_ms.append(one.offset_error_ms or 0.0)
            drift_errors.append(one.drift_error_ppm or 0.0)
    return replace(
        sync,
        offset_ms=offset_ms,
        drift_ppm=drift_ppm,
        offset_error_ms=float(np.hypot.reduce(errors_ms)),
        drift_error_ppm=float(np.hypot.reduce(drift_errors)),
        window_times_s=(),
        window_offsets_ms=(),
    )


@dataclass(frozen=True, eq=False)
class _Votes:
    """Middles of the windows that have a vote, the lag each found [s] and how well it agrees."""

    at_s: Floats
    late_s: Floats
    correlation: Floats


def _votes(one: Envelope, other: Envelope, span_s: tuple[float, float]) -> _Votes:
    length_s = span_s[1] - span_s[0]
    size = round(np.clip(length_s / WINDOWS, *WINDOW_S) * FINE_A_SECOND)
    reach = round(OFFSET_MAX_S * FINE_A_SECOND)
    late, early = _plain(one), _plain(other)
    begin = round((span_s[0] - other.start_s) * FINE_A_SECOND)
    end = round((span_s[1] - other.start_s) * FINE_A_SECOND)
    starts = np.arange(begin, end - size + 1, size)
    starts = starts[np.unique(np.linspace(0, len(starts) - 1, min(len(starts), MOST)).astype(int))]
    # sample k of `other` is sample k + shift of `one`
    shift_s = (other.start_s - one.start_s) * FINE_A_SECOND
    shift = round(shift_s)
    padded = np.pad(late, reach + size)
    found = []
    for start in starts.tolist():
        low = start + shift + size  # a lag of -reach, in the padded one
        around = padded[max(low, 0) : max(low, 0) + size + 2 * reach]
        vote = _vote(early[start : start + size], around)
        if vote is not None and low >= 0 and len(around) == size + 2 * reach:
            lag = vote[0] - reach + shift - shift_s
            at_s = other.start_s + (start + size / 2) / FINE_A_SECOND
            found.append((at_s, lag / FINE_A_SECOND, vote[1]))
    rows = np.array(found).reshape(-1, 3)
    return _Votes(rows[:, 0], rows[:, 1], rows[:, 2])


def _plain(envelope: Envelope) -> Floats:
    """The logarithm of the level, smoothed, less its trend."""
    level = np.convolve(np.square(envelope.level), np.full(SMOOTH_MS, 1 / SMOOTH_MS), mode="same")
    logs = np.log(level.astype(np.float64) + QUIET**2)
    reach = min(TREND_MS // 2, len(logs) - 1)
    summed = np.concatenate([[0.0], np.cumsum(np.pad(logs, reach, mode="edge"))])
    width = 2 * reach + 1
    plain: Floats = logs - (summed[width:] - summed[:-width]) / width
    return plain


def _vote(piece: Floats, around: Floats) -> tuple[float, float] | None:
    """The lag [ms, from the first] at which a piece agrees best, and its correlation.

    None where it does not agree, or as well at another lag.
    """
    piece = piece - piece.mean()
    size = len(piece)
    if len(around) <= size or not piece.any():
        return None
    fast = 1 << (len(around) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(around, fast) * np.conj(np.fft.rfft(piece, fast)), fast)
    products = products[: len(around) - size + 1]
    sums = np.concatenate([[0.0], np.cumsum(around)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(around))])
    spread = squares[size:] - squares[:-size] - np.square(sums[size:] - sums[:-size]) / size
    scale = np.sqrt(np.maximum(spread, 1e-6 * size) * float(piece @ piece))
    agrees = products / scale
    best = int(np.argmax(agrees))
    beside = np.abs(np.arange(len(agrees)) - best) > RIVAL_MS
    rival = float(agrees[beside].max(initial=-1))
    if agrees[best] < AGREES or rival > RIVAL * agrees[best]:
        return None
    return best + between(agrees, best, 0.5), float(agrees[best])


def _told(blank: SyncMeasures, votes: _Votes, middle_s: float, least: int) -> SyncMeasures:
    if len(votes.at_s) < least:
        return replace(blank, reason="the sounds have nothing in common")
    from_middle_s = votes.at_s - middle_s
    drift, drift_error, near = _line(from_middle_s, votes.late_s)
    if near.sum() < max(least, VOTE_SHARE * len(near)):
        return replace(blank, reason="the sounds agree at no offset")
    at_s, late_s = from_middle_s[near], votes.late_s[near]
    offset_s = float(late_s.mean() - drift * at_s.mean())
    beside_s = late_s - offset_s - drift * at_s
    spread_s = float(np.std(beside_s))
    return replace(
        blank,
        tells=True,
        reason="",
        offset_ms=offset_s * 1e3,
        drift_ppm=drift * 1e6,
        offset_error_ms=float(np.hypot(spread_s / np.sqrt(len(late_s)), AT_LEAST_S)) * 1e3,
        drift_error_ppm=drift_error * 1e6,
        correlation=float(np.median(votes.correlation[near])),
        residual_ms=spread_s * 1e3,
        window_times_s=tuple(votes.at_s[near].tolist()),
        window_offsets_ms=tuple((late_s * 1e3).tolist()),
    )


def _line(at_s: Floats, late_s: Floats) -> tuple[float, float, npt.NDArray[np.bool_]]:
    """The drift on which most windows agree, 0 unless it is sure, its error, and which ones do."""
    steady = np.abs(late_s[:, None] - late_s) <= NEAR_S
    near = steady[int(np.argmax(steady.sum(axis=1)))]
    length_s = float(np.ptp(at_s))
    if length_s < DRIFT_LENGTH_S:
        return 0.0, 0.0, near
    first, second = np.array(list(itertools.combinations(range(len(at_s)), 2))).T
    slopes = (late_s[second] - late_s[first]) / (at_s[second] - at_s[first])
    is_slow = np.abs(slopes) * length_s <= DRIFT_MAX_S
    if not is_slow.any():
        return 0.0, 0.0, near
    first, slopes = first[is_slow], slopes[is_slow]
    line_s = late_s[first][:, None] + slopes[:, None] * (at_s - at_s[first][:, None])
    on_line = np.abs(late_s - line_s) <= NEAR_S
    sloped = on_line[int(np.argmax(on_line.sum(axis=1)))]
    centred = at_s[sloped] - at_s[sloped].mean()
    if sloped.sum() < VOTES or not centred.any():
        return 0.0, 0.0, near
    drift = float(centred @ late_s[sloped] / (centred @ centred))
    beside_s = late_s[sloped] - late_s[sloped].mean() - drift * centred
    error = max(float(beside_s.std()), 1 / FINE_A_SECOND) / float(np.sqrt(centred @ centred))
    if abs(drift) > DRIFT_SIGMAS * error and sloped.sum() >= near.sum():
        return drift, error, sloped
    return 0.0, 0.0, near
