"""Sharp beginnings in a sound: a clap, a knock, the start of a beep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quality.measures.sound import FINE_A_SECOND, Envelope

Floats = npt.NDArray[np.float64]

AFTER_MS, BEFORE_MS, APART_MS = 8, 60, 4
"""An onset is where the power of the first, against that of the second long until the third before,
rises so many times:"""
RISE = 20.0
LOUD = 25.0
"""Power of an onset against the sound's usual (the median): speech in a quiet room has as much."""
BESIDE = 0.01
"""Power against that of the sound's loudest onset, under which one is nothing beside it."""
QUIET = 1e-5
"""Level that counts as silence, so that no onset is made of rounding."""
ONE_MS = 100
"""Rises nearer than this are one onset, and its echoes."""
REACHED = 0.25
"""Share of the first peak's power at which the onset is timed: AAC spreads less than that ahead."""
MOST = 200
STEADY_MS = (80, 2000)
"""How long a tone is that a beep may be."""
STEADY_SPREAD, STEADY_END = 0.2, 0.4
"""Standard deviation of a beep's level, and the share of it under which it has ended."""


@dataclass(frozen=True, eq=False)
class Onsets:
    """The onsets of a sound in order of time, each array of shape (k,).

    ``strength`` is the power just after; ``lengths_s`` how long a steady tone it begins lasts, NaN
    where it begins none.
    """

    times_s: Floats
    strength: Floats
    lengths_s: Floats


def onsets_of(envelope: Envelope) -> Onsets:
    """The onsets of a sound, of which the MOST strongest."""
    power = np.square(envelope.level.astype(np.float64))
    if len(power) < 2 * (BEFORE_MS + AFTER_MS):
        return Onsets(np.empty(0), np.empty(0), np.empty(0))
    summed = np.concatenate([[0.0], np.cumsum(power)])
    at = np.arange(BEFORE_MS, len(power) - AFTER_MS)
    after = (summed[at + AFTER_MS] - summed[at]) / AFTER_MS
    before = (summed[at - APART_MS] - summed[at - BEFORE_MS]) / (BEFORE_MS - APART_MS)
    usual = max(float(np.median(power)), QUIET**2)
    rises = (after > RISE * np.maximum(before, QUIET**2)) & (after > LOUD * usual)
    rising = at[rises]
    if not len(rising):
        return Onsets(np.empty(0), np.empty(0), np.empty(0))
    first = rising[np.diff(rising, prepend=rising[0] - ONE_MS - 1) > ONE_MS]
    around = np.clip(first[:, None] + np.arange(-2, 3 * AFTER_MS), 0, len(power) - 1)
    peaks = power[around]
    reached = around[:, 0] + np.argmax(peaks >= REACHED * peaks.max(axis=1, keepdims=True), axis=1)
    strength = np.maximum(summed[np.minimum(reached + AFTER_MS, len(power))] - summed[reached], 0)
    kept = np.sort(np.argsort(-strength, kind="stable")[:MOST])
    kept = kept[strength[kept] >= BESIDE * strength.max()]
    reached = reached[kept]
    return Onsets(
        envelope.start_s + reached / FINE_A_SECOND,
        strength[kept] / AFTER_MS,
        _steady_lengths(power, reached),
    )


def _steady_lengths(power: Floats, onsets: npt.NDArray[np.intp]) -> Floats:
    """How long the tones last that begin at some onsets [s], NaN where none does."""
    smooth = np.sqrt(np.convolve(power, np.full(10, 0.1), mode="same"))
    longest = STEADY_MS[1] + 50
    around = onsets[:, None] + np.arange(longest)
    levels = np.where(around < len(smooth), smooth[np.minimum(around, len(smooth) - 1)], 0)
    usual = np.median(levels[:, 10 : STEADY_MS[0] - 10], axis=1, keepdims=True)
    over = levels < STEADY_END * usual
    over[:, :20] = False
    ends = np.where(over.any(axis=1), np.argmax(over, axis=1), 0)
    within = (np.arange(longest) >= 10) & (np.arange(longest) < ends[:, None] - 10)
    count = np.maximum(within.sum(axis=1), 1)
    mean = (levels * within).sum(axis=1) / count
    spread = np.sqrt((np.square(levels - mean[:, None]) * within).sum(axis=1) / count)
    is_steady = (ends >= STEADY_MS[0]) & (ends <= STEADY_MS[1]) & (spread < STEADY_SPREAD * mean)
    return np.where(is_steady, ends / FINE_A_SECOND, np.nan)
