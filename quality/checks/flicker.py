"""Flicker: the whole picture brightens and darkens in a steady beat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dailies.words import Flag
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Floats, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

FEWEST = 24
"""Pictures in a window at least, in which a beat can be told from chance; a slow camera's windows
are the longer for it."""
PARTS, LEAST = 3, 0.4
"""Parts of a window, and by how much of the most it must swing in each."""
STEPS = 8
"""Windows follow each other by this part of their length."""


def flicker(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which luma swings by more than the limit (% of its mean, peak to peak) in
    one frequency, and does so all over the picture.

    What moves before the camera brightens here and darkens there; where the light beats, every
    pixel changes the same way, so that the change of the mean is nearly the mean change.
    """
    for camera in measurements.cameras:
        swing = _swing(camera, limits)
        found = stretches(camera, swing >= limits.suspect, join_s=limits["window_s"] / 2)
        for stretch in found:
            measured = float(swing[stretch.pictures].max())
            grade = limits.grade(measured)
            if grade:
                what = f"flickers by {measured:.0f} % for {stretch.seconds:.1f} s"
                limit = limits.limit(grade)
                yield _FINDER.flag(grade, camera.name, stretch.span, measured, limit, what)


def _swing(camera: Pictures, limits: Limits) -> Floats:
    """By how much luma beats around each picture (% peak to peak), 0 where it does not beat."""
    swing = np.zeros(camera.count)
    rate_hz = camera.rate_hz or 0.0
    width = max(round(limits["window_s"] * rate_hz), FEWEST)
    # beats faster than every other picture cannot be told from slow ones
    if camera.count <= width or rate_hz <= 2 * limits["lowest_hz"]:
        return swing
    starts = np.arange(0, camera.count - width, max(width // STEPS, 1))
    luma = camera.luma.astype(np.float64)
    # steps from picture to picture: what brightens slowly as the view moves hardly shows in them
    steps, mean, motion = (
        np.lib.stride_tricks.sliding_window_view(curve, width)[starts]
        for curve in (np.diff(luma), luma[1:], camera.motion[1:])
    )
    common = np.abs(steps).sum(axis=1) / np.maximum(motion.sum(axis=1), 1e-9)
    share, rms = _beat(steps, width / rate_hz, limits)
    levels = 2 * np.sqrt(2) * rms
    size = levels / np.maximum(mean.mean(axis=1), 1.0) * 100
    beats = (share >= limits["beat_share"]) & (common >= limits["common"])
    beats &= _goes_on(steps)
    size[~beats | (levels < limits["levels"])] = 0.0
    # a window speaks for its middle, the first and last ones for the clip's ends too
    third = width // 3
    for offset in range(third, width - third):
        at = starts + offset
        swing[at] = np.maximum(swing[at], size)
    swing[:third] = size[0]
    swing[starts[-1] + width - third :] = size[-1]
    return swing


def _goes_on(steps: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether luma swings in every part of each window, (k,): what comes into view once does not.

    The part in which it swings least has LEAST of that in which it swings most.
    """
    parts = np.array_split(np.square(steps), PARTS, axis=1)
    power = np.stack([part.mean(axis=1) for part in parts])
    return np.asarray(power.min(axis=0) >= LEAST**2 * power.max(axis=0))


def _beat(steps: npt.NDArray[Any], window_s: float, limits: Limits) -> tuple[Floats, Floats]:
    """The strongest frequency of each window of steps: its share of their power, and the RMS of the
    luma that swings in it; each shape (k,).
    """
    width = steps.shape[1]
    taper = np.hanning(width)
    power = np.abs(np.fft.rfft((steps - steps.mean(axis=1, keepdims=True)) * taper, axis=1)) ** 2
    lowest = max(round(limits["lowest_hz"] * window_s), 1)
    peak = lowest + np.argmax(power[:, lowest:], axis=1)
    padded = np.pad(power, ((0, 0), (1, 1)))
    rows = np.arange(len(power))
    beside = padded[rows, peak] + padded[rows, peak + 1] + padded[rows, peak + 2]
    # Parseval's theorem for a tapered window; a step is 2 sin(pi f) of the swing at f per picture
    rms = np.sqrt(2 * beside / (width * (taper @ taper))) / (2 * np.sin(np.pi * peak / width))
    return beside / np.maximum(power.sum(axis=1), 1e-12), rms


FLICKER = Check(
    name="flicker",
    says="The whole picture brightens and darkens in a steady beat: the mains' light, a bad lamp.",
    unit="%",
    remedy="Set the shutter to a multiple of the mains' half period (10 ms at 50 Hz), or use "
    "flicker-free lamps.",
    needs=("cameras.luma", "cameras.motion"),
    function=flicker,
    settings=("window_s", "lowest_hz", "beat_share", "common", "levels"),
)
_FINDER = Finder.of(FLICKER)
