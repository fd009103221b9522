"""Blur: the sharpest edges of the picture are wide, in all directions or along motion only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import Flag, Grade
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Stretch, rolling_median, stay, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

USUAL = 70
"""Percentile of the edge widths of a clip that is its usual one: a blur of up to a third of it does
not reach there, and a camera that often comes close to things has it wide."""
SAME_LUMA, SAME_CONTRAST = 0.1, 0.3
"""Shares by which luma and contrast may change at the start or end of a stretch that is softer than
usual: what comes near the lens and is soft changes both, blur only the contrast of fine texture."""


def blur(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches of ``min_s`` or more whose sharpest edges are wider than the limit (sigma, px
    at 640 wide), or, as suspect, wider by ``soft_ratio`` than this camera's usual ones and than
    ``soft_share`` of the limit, in a scene that stays. Pictures without edges (a bare wall, the
    dark) are not judged; a camera that shows nothing else is unknown.
    """
    for camera in measurements.cameras:
        if camera.count:
            yield from _of_camera(camera, limits)


def _of_camera(camera: Pictures, limits: Limits) -> Iterator[Flag]:
    judged = np.isfinite(camera.edge_px)
    if judged.mean() < limits["judged_share"] and (camera.dark_share < 0.5).any():
        yield _FINDER.flag(
            Grade.UNKNOWN,
            camera.name,
            camera.span,
            float(judged.mean()),
            limits.suspect,
            "shows no edges by which focus could be judged",
            remedy="Look at the clip.",
        )
        return
    width = rolling_median(camera.edge_px, round(limits["smooth_s"] * (camera.rate_hz or 0.0)))
    shortest_s = min(limits["min_s"], camera.span.duration_ns / 1e9)
    how = {"at_least_s": shortest_s, "join_s": limits["join_s"]}

    def wider_than(px: float) -> Iterator[tuple[Stretch, float]]:
        wide = judged & (np.nan_to_num(width) >= px)
        for stretch in stretches(camera, wide, **how):
            yield stretch, float(np.nanmedian(width[stretch.pictures]))

    blurred = [one for one in wider_than(limits.suspect) if limits.grade(one[1])]
    rest = judged.copy()
    for stretch, _ in blurred:
        rest[stretch.pictures] = False
    usual = float(np.percentile(width[rest], USUAL)) if rest.any() else np.inf
    soft_px = max(limits["soft_share"] * limits.suspect, limits["soft_ratio"] * usual)
    for stretch, measured in wider_than(min(soft_px, limits.suspect)):
        inside = [one for one in blurred if stretch.start <= one[0].start < stretch.stop]
        if not any(_is_same_scene(camera, at) for at in (stretch.start, stretch.stop)):
            yield from (_blurred(camera, limits, *one) for one in inside)
        elif inside:  # it is blurred for as long as it is softer than usual
            yield _blurred(camera, limits, stretch, max(px for _, px in inside))
        else:
            what = (
                f"softer than usual for {stretch.seconds:.1f} s, edges {measured:.1f} px wide "
                f"against {usual:.1f}"
            )
            yield _FINDER.flag(Grade.SUSPECT, camera.name, stretch.span, measured, soft_px, what)


def _is_same_scene(camera: Pictures, at: int) -> bool:
    is_lit_alike = stay(camera, (camera.luma,), at, SAME_LUMA)
    return is_lit_alike and stay(camera, (camera.contrast,), at, SAME_CONTRAST)


def _blurred(camera: Pictures, limits: Limits, stretch: Stretch, measured: float) -> Flag:
    grade = limits.grade(measured)
    assert grade is not None  # of others no flag is made
    what = f"blurred for {stretch.seconds:.1f} s, edges {measured:.1f} px wide"
    return _FINDER.flag(grade, camera.name, stretch.span, measured, limits.limit(grade), what)


def motion_blur(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which edges are wide along one direction and sharp along the other,
    while the picture moves. Motion at 45 degrees widens both, and is left to ``blur``.
    """
    for camera in measurements.cameras:
        if len(camera.smear_px) != camera.count:
            continue
        width = round(limits["smooth_s"] * (camera.rate_hz or 0.0))
        smear, sharp, motion, texture = (
            np.nan_to_num(rolling_median(curve, width))
            for curve in (camera.smear_px, camera.edge_px, camera.motion, camera.texture)
        )
        smeared = (smear >= limits["smear_px"]) & (sharp < limits["sharp_share"] * smear)
        smeared &= (sharp < limits["sharp_px"]) & (motion >= limits["motion"])
        # of a few edges all may be soft ones that lie one way: shadows, highlights
        smeared &= texture >= limits["texture"]
        for stretch in stretches(camera, smeared, join_s=limits["join_s"]):
            seconds = round(stretch.seconds, 3)
            grade = limits.grade(seconds)
            if grade:
                wide = float(np.median(smear[stretch.pictures]))
                what = f"smeared by motion for {seconds:.1f} s, edges {wide:.1f} px along it"
                limit = limits.limit(grade)
                yield _MOTION.flag(grade, camera.name, stretch.span, seconds, limit, what)


BLUR = Check(
    name="blur",
    says="The sharpest edges of the picture are wide for a while: defocus, dirt, haze.",
    unit="px",
    remedy="Clean the lens, set the focus and retake.",
    needs=("cameras.edge_px", "cameras.luma", "cameras.contrast"),
    function=blur,
    settings=("min_s", "smooth_s", "join_s", "judged_share", "soft_share", "soft_ratio"),
)
_FINDER = Finder.of(BLUR)
MOTION_BLUR = Check(
    name="motion_blur",
    says="Edges are wide along one direction while the picture moves: the shutter is too slow.",
    unit="s",
    remedy="Use a shorter exposure and more light, or move slower, and retake.",
    needs=("cameras.smear_px", "cameras.edge_px", "cameras.motion", "cameras.texture"),
    function=motion_blur,
    settings=("smooth_s", "join_s", "smear_px", "sharp_share", "sharp_px", "motion", "texture"),
)
_MOTION = Finder.of(MOTION_BLUR)
