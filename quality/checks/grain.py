"""Pictures spoilt in taking or in packing: a sensor's noise, and the grid of too few bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import Flag, Grade
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Floats, Mask, rolling_median, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.planes import halved

SHORTEST_USUAL = 0.8
"""Of the time over which the median is taken: what is only more than usual must last so long."""


def noise(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which even the quietest part of the picture is noisy (standard deviation,
    levels), and from picture to picture anew: what stays is fine detail. Cameras that were measured
    before noise was are not judged.
    """
    for camera in measurements.cameras:
        if len(camera.noise) == camera.count:
            anew = np.where(_changes(camera, limits), camera.noise, 0)
            what = "noise of {:.1f} levels"
            yield from _above(camera, anew, limits.suspect, limits, _NOISE, what)


def _changes(camera: Pictures, limits: Limits) -> Mask:
    """True where the picture changes as much as its noise alone would make it (see
    ``change_share``), of which shrinking leaves so much.
    """
    # a camera that hands out each picture twice changes with every second one
    motion = np.maximum(camera.motion, np.roll(camera.motion, -1))
    steady = rolling_median(motion, round(limits["steady_s"] * (camera.rate_hz or 0.0)))
    expected = 2 / np.sqrt(np.pi) * np.nan_to_num(camera.noise) / halved(camera.width)
    # a triage does not know what changes
    return np.asarray(~(steady < limits["change_share"] * expected), dtype=np.bool_)


def blockiness(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which the steps at the edges of the blocks are greater (%) than those
    beside them, or, as suspect, by ``usual_ratio`` times as much as is usual with this camera and
    by ``usual_share`` of the limit or more. Cameras that were measured before blockiness was are
    not judged.
    """
    for camera in measurements.cameras:
        told = camera.blockiness[np.isfinite(camera.blockiness)]
        if len(told) and len(camera.blockiness) == camera.count:
            percent = camera.blockiness * 100
            usual = 100 * float(np.median(told))
            least = max(limits["usual_share"] * limits.suspect, limits["usual_ratio"] * usual)
            what = "block edges stand out by {:.0f} %"
            yield from _above(camera, percent, min(least, limits.suspect), limits, _BLOCKS, what)


def _above(
    camera: Pictures, curve: Floats, least: float, limits: Limits, finder: Finder, what: str
) -> Iterator[Flag]:
    """Flags stretches in which a curve's median is ``least`` or more, which may be under the limit
    for suspect."""
    width = round(limits["steady_s"] * (camera.rate_hz or 0.0))
    steady = np.nan_to_num(rolling_median(curve, width))
    for stretch in stretches(camera, steady >= least, join_s=limits["join_s"]):
        measured = float(steady[stretch.pictures].max())
        graded = limits.grade(measured)
        if graded is None and stretch.seconds < SHORTEST_USUAL * limits["steady_s"]:
            continue  # what a cut or a blink of light leaves of a median
        limit = limits.limit(graded) if graded else least
        said = f"{what.format(measured)} for {stretch.seconds:.1f} s"
        grade = graded or Grade.SUSPECT
        yield finder.flag(grade, camera.name, stretch.span, measured, limit, said)


NOISE = Check(
    name="noise",
    says="The whole picture is noisy, and fine detail is lost: too little light, or a bad lead.",
    unit="levels",
    remedy="Turn the light on, lower the camera's gain, and retake.",
    needs=("cameras.noise", "cameras.motion"),
    function=noise,
    settings=("steady_s", "change_share", "join_s"),
)
BLOCKINESS = Check(
    name="blockiness",
    says="The picture falls into blocks: it was compressed to too few bits.",
    unit="%",
    remedy="Raise the bit rate or the quality in the camera's settings, and retake.",
    needs=("cameras.blockiness",),
    function=blockiness,
    settings=("steady_s", "join_s", "usual_ratio", "usual_share"),
)
_NOISE = Finder.of(NOISE)
_BLOCKS = Finder.of(BLOCKINESS)
