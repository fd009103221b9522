"""A camera that hands out one and the same picture while the world goes on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import NS, Flag, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Mask, Stretch, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.series import SeriesMeasures


def frozen_picture(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) of repeated pictures where there is proof that the camera stood.

    An encoder makes a still scene repeat exactly, so a repeat alone proves nothing. Proof is, in
    this order: the robot moved meanwhile; the picture jumped on at the end, or stopped dead out of
    motion; or this camera's pictures never repeat otherwise, not even when the robot is still.
    """
    moving = [one for one in measurements.series if one.role == "state" and one.count > 1]
    moving = moving or [one for one in measurements.series if one.role == "action"]
    for camera in measurements.cameras:
        still = is_still(camera, limits)
        for stretch in stretches(camera, still):
            seconds = round(stretch.seconds, 3)
            grade = limits.grade(seconds)
            proof = _proof(camera, stretch, still, moving, limits) if grade else None
            if grade and proof:
                what = f"frozen for {seconds:.1f} s ({proof})"
                limit = limits.limit(grade)
                yield _FINDER.flag(grade, camera.name, stretch.span, seconds, limit, what)


def is_still(camera: Pictures, limits: Limits) -> Mask:
    """True for each picture that equals the one before, exactly or but for the encoder's touch."""
    near = (camera.changed_share <= limits["changed_share"]) & (camera.motion < limits["motion"])
    near[:1] = False
    return np.asarray(camera.repeat | near, dtype=np.bool_)


def _proof(
    camera: Pictures,
    stretch: Stretch,
    still: Mask,
    moving: list[SeriesMeasures],
    limits: Limits,
) -> str | None:
    """Why this is a frozen camera and no still scene; None where nothing says so."""
    travel = max((_travel(series, stretch.span) for series in moving), default=0.0)
    if travel >= limits["travel"]:
        return "the robot moved meanwhile"
    usual = _usual_motion(camera, still)
    if usual is None:
        return None
    before = camera.motion[max(stretch.start - 3, 1) : stretch.start]
    after = camera.motion[stretch.stop : stretch.stop + 1]
    jumped = len(after) > 0 and after[0] >= limits["jump"] * usual
    stopped = len(before) > 2 and before.min() >= 0.5 * usual
    if jumped and stopped:
        return "it stopped dead and jumped on"
    elsewhere = np.ones(camera.count, np.bool_)
    elsewhere[stretch.pictures] = False
    elsewhere[:1] = False
    elsewhere &= ~_robot_moves(camera, moving, limits)
    if elsewhere.sum() >= 10 and still[elsewhere].mean() < limits["still_share"]:
        # a stop at the end of a clip or a soft one is weaker proof than a noisy sensor gone quiet
        quiet = np.quantile(camera.motion[elsewhere], 0.1)
        if jumped or stopped or quiet >= limits["quiet"] * max(limits["motion"], 1e-6):
            return "its pictures never repeat otherwise"
    return None


def _usual_motion(camera: Pictures, still: Mask) -> float | None:
    moved = camera.motion[1:][~still[1:]]
    return float(np.median(moved)) if len(moved) >= 5 else None


def _travel(series: SeriesMeasures, span: Span) -> float:
    """How far the series moved in a span, in shares of its range summed over time."""
    inside = (series.times_ns >= span.start_ns) & (series.times_ns < span.end_ns)
    return float(series.speed[inside].sum() * series.period_ns / NS)


def _robot_moves(camera: Pictures, moving: list[SeriesMeasures], limits: Limits) -> Mask:
    """True for each picture taken while a series moved; all False where there is none."""
    moves = np.zeros(camera.count, np.bool_)
    for series in moving:
        speed = np.interp(camera.times_ns, series.times_ns, series.speed)
        moves |= speed > limits["still_speed"]
    return moves


FROZEN_PICTURE = Check(
    name="frozen_picture",
    says="The camera hands out one and the same picture while the world goes on.",
    unit="s",
    remedy="Reseat the camera's cable and retake.",
    needs=("cameras.repeat", "cameras.motion", "cameras.changed_share", "series.speed"),
    function=frozen_picture,
    settings=(
        "changed_share",
        "motion",
        "travel",
        "still_speed",
        "jump",
        "still_share",
        "quiet",
    ),
)
_FINDER = Finder.of(FROZEN_PICTURE)
