"""Blur: the sharpest edges of the picture are wide, in all directions or along motion only."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dailies.words import Flag, Grade
from quality.checks.check import Check, Finder, Limits
from quality.checks.remembered import once
from quality.checks.stretches import Floats, Mask, Stretch, rolling_median, stay, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.planes import REFERENCE_WIDTH

USUAL = 60
"""Percentile of the edge widths of a clip that is its usual one: a blur of up to a third of it does
not reach there, and a camera that often comes close to things has it wide."""
SAME = 0.1, 0.3
"""Shares by which luma and contrast may change at the start or end of a stretch that is softer than
usual: what comes near the lens and is soft changes both, blur only the contrast of fine texture."""
ALIKE = 0.2, 0.35
"""The same of a scene that hardly changes."""
ONE_WAY = 0.6
"""Share of the width along the motion that edges across it have at most where they smear at once:
defocus, which widens both, has 0.8 and more."""
REST = 0.25
"""Share of the clip that must be sharp for a blurred stretch's detail to be held against it."""
BESIDE_S, REACH_S = 0.2, 0.4
"""Times on either side whose medians are compared, and how far around the start or end of a stretch
that is done: edges widen at once where the focus is lost, slowly where a camera comes near."""


def blur(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches of ``min_s`` or more whose sharpest edges are wider than the limit (sigma, px
    at 640 wide), or, as suspect, wider by ``soft_ratio`` than this camera's usual ones and than
    ``soft_share`` of the limit, from one moment to the next in a scene that stays. Pictures without
    edges (a bare wall, the dark) are not judged; a camera that shows nothing else is unknown.
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
    width = _smooth(camera, "edge_px", limits["smooth_s"])
    shortest_s = min(limits["min_s"], camera.span.duration_ns / 1e9)
    how = {"at_least_s": shortest_s, "join_s": limits["join_s"]}

    def wider_than(px: float) -> Iterator[tuple[Stretch, float]]:
        wide = judged & (np.nan_to_num(width) >= px)
        for stretch in stretches(camera, wide, **how):
            yield stretch, float(np.nanmedian(width[stretch.pictures]))

    blurred = [one for one in wider_than(limits.suspect) if limits.grade(one[1])]
    ratio, sharp = _width_ratio(camera), judged & (width < limits.suspect)
    usual_ratio = float(np.median(ratio[sharp])) if sharp.any() else 1.0
    usual = _usual_width(camera, limits["smooth_s"])
    soft_px = max(
        limits["soft_share"] * limits.suspect * _narrow(camera), limits["soft_ratio"] * usual
    )
    for stretch, measured in wider_than(min(soft_px, limits.suspect)):
        inside = [one for one in blurred if stretch.start <= one[0].start < stretch.stop]
        ends = [at for at in (stretch.start, stretch.stop) if _is_scene(camera, at, SAME)]
        at_once = any(_leap(camera, "edge_px", at) >= limits["leap"] for at in ends)
        if inside:
            # where the scene stays it is blurred for as long as it is softer than usual
            whole = [(stretch, max(px for _, px in inside))] if ends else inside
            for one, px in whole:
                is_round = _is_round(ratio, one, usual_ratio, limits["round"])
                left = limits["detail_at_once"] if at_once else limits["detail"]
                if (at_once or is_round) and _detail(camera, one, sharp) <= left:
                    yield _blurred(camera, limits, one, px)
        elif at_once and _detail(camera, stretch, sharp) <= limits["detail_at_once"]:
            what = (
                f"softer than usual for {stretch.seconds:.1f} s, edges {measured:.1f} px wide "
                f"against {usual:.1f}"
            )
            yield _FINDER.flag(Grade.SUSPECT, camera.name, stretch.span, measured, soft_px, what)


def _narrow(camera: Pictures) -> float:
    """By how much the pictures are narrower than those for which limits are given: a blur that
    spoils a wide picture is as much less wide in pixels of a narrow one.
    """
    return min(camera.coded_size[0] / REFERENCE_WIDTH, 1.0) if camera.coded_size else 1.0


@once
def _smooth(camera: Pictures, curve: str, smooth_s: float) -> Floats:
    """A curve of a camera's, as its median over so long."""
    width = round(smooth_s * (camera.rate_hz or 0.0))
    return rolling_median(getattr(camera, curve), width)


@once
def _usual_width(camera: Pictures, smooth_s: float) -> float:
    judged = np.isfinite(camera.edge_px)
    width = _smooth(camera, "edge_px", smooth_s)[judged]
    return float(np.percentile(width, USUAL)) if len(width) else math.inf


@once
def _width_ratio(camera: Pictures) -> Floats:
    """By how much edges are wider in one direction than in the other; 1 where that was not kept."""
    if len(camera.smear_px) != camera.count:
        return np.ones(camera.count)
    return np.asarray(camera.smear_px / camera.edge_px, np.float64)


def _is_round(ratio: Floats, stretch: Stretch, usual: float, limit: float) -> bool:
    """Whether edges are about as wide in both directions, or as alike as elsewhere in the clip, as
    those of a lens out of focus are; of the few soft edges of a close-up, of shadows and
    highlights, most lie one way.
    """
    return float(np.nanmedian(ratio[stretch.pictures])) <= max(limit, usual)


def _detail(camera: Pictures, stretch: Stretch, sharp: Mask) -> float:
    """How much fine detail there is for the coarse, in shares of what there is in the clip's
    ``sharp`` pictures outside. A lens out of focus takes the fine first; a close-up shows few
    edges, and soft ones, but the grain of what it shows is as fine as ever. 0 where too little of
    the clip is sharp to tell.
    """
    rest = sharp.copy()
    rest[stretch.pictures] = False
    if rest.mean() < REST:
        return 0.0
    fineness = camera.sharpness / np.maximum(camera.texture, 0.1)
    inside, usual = (float(np.median(fineness[some])) for some in (stretch.pictures, rest))
    return inside / max(usual, 1e-3)


@once
def _is_scene(camera: Pictures, at: int, shares: tuple[float, float]) -> bool:
    """Whether luma and contrast are the same around picture ``at``, each but for its share."""
    luma, contrast = shares
    return stay(camera, (camera.luma,), at, luma) and stay(camera, (camera.contrast,), at, contrast)


@once
def _leap(camera: Pictures, curve: str, at: int) -> float:
    """By how much edges whose width is ``curve`` widen and sharpness falls at once around picture
    ``at``, or the other way round: the product of both ratios, 1 where nothing is known.
    """
    rate_hz = camera.rate_hz or 0.0
    width, reach = max(round(BESIDE_S * rate_hz), 1), round(REACH_S * rate_hz)
    places = np.arange(max(at - reach, width), min(at + reach, camera.count - width) + 1)
    if not len(places):
        return 1.0
    near = slice(int(places[0]) - width, int(places[-1]) + width)
    curves = getattr(camera, curve), camera.sharpness
    widths, sharpness = (np.maximum(one[near], 1e-3) for one in curves)
    logs = np.log(np.stack([widths, 1 / sharpness], axis=1))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(logs, width, axis=0), axis=2)
    change = medians[width:] - medians[:-width]
    alike = (change[:, 0] * change[:, 1] >= 0) & np.isfinite(change).all(axis=1)
    return float(np.exp(np.abs(change[alike].sum(axis=1)).max(initial=0.0)))


def _blurred(camera: Pictures, limits: Limits, stretch: Stretch, measured: float) -> Flag:
    grade = limits.grade(measured)
    assert grade is not None  # of others no flag is made
    what = f"blurred for {stretch.seconds:.1f} s, edges {measured:.1f} px wide"
    return _FINDER.flag(grade, camera.name, stretch.span, measured, limits.limit(grade), what)


def motion_blur(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which edges are wide along one direction and sharp along the other,
    while the picture moves, or get so from one moment to the next in a scene that stays. Motion at
    45 degrees widens both, and is left to ``blur``.
    """
    for camera in measurements.cameras:
        if len(camera.smear_px) != camera.count:
            continue
        smear, sharp, motion, texture = (
            np.nan_to_num(_smooth(camera, curve, limits["smooth_s"]))
            for curve in ("smear_px", "edge_px", "motion", "texture")
        )
        one_way = sharp < limits["sharp_share"] * smear
        smeared = one_way & (smear >= limits["smear_px"])
        smeared &= (sharp < limits["sharp_px"]) & (motion >= limits["motion"])
        # of a few edges all may be soft ones that lie one way: shadows, highlights
        smeared &= texture >= limits["texture"]
        smeared |= _smeared_at_once(camera, smear, sharp, limits)
        for stretch in stretches(camera, smeared, join_s=limits["join_s"]):
            seconds = round(stretch.seconds, 3)
            grade = limits.grade(seconds)
            if grade:
                wide = float(np.median(smear[stretch.pictures]))
                what = f"smeared by motion for {seconds:.1f} s, edges {wide:.1f} px along it"
                limit = limits.limit(grade)
                yield _MOTION.flag(grade, camera.name, stretch.span, seconds, limit, what)


def _smeared_at_once(camera: Pictures, smear: Floats, sharp: Floats, limits: Limits) -> Mask:
    """True where edges are wider one way than usual, and got so at once while all else stays, or
    got so and sharp again at once, both in hardly another scene: a moving camera's view changes.
    """
    shown = smear[smear > 0]
    usual = float(np.percentile(shown, USUAL)) if len(shown) else np.inf
    wide = smear >= max(limits["soft_px"] * _narrow(camera), limits["soft_ratio"] * usual)
    wide &= sharp < limits["sharp_share"] * smear
    for stretch in stretches(camera, wide, join_s=limits["join_s"]):
        ends = stretch.start, stretch.stop
        leaps = [_leap(camera, "smear_px", at) for at in ends]
        pairs = zip(ends, leaps, strict=True)
        at_once = any(_is_scene(camera, at, SAME) for at, leap in pairs if leap >= limits["leap"])
        both = leaps[0] * leaps[1] >= limits["both_leaps"]
        across = np.median(sharp[stretch.pictures] / np.maximum(smear[stretch.pictures], 1e-3))
        wide[stretch.pictures] &= across < ONE_WAY and (
            at_once or (both and all(_is_scene(camera, at, ALIKE) for at in ends))
        )
    return wide


BLUR = Check(
    name="blur",
    says="The sharpest edges of the picture are wide for a while: defocus, dirt, haze.",
    unit="px",
    remedy="Clean the lens, set the focus and retake.",
    needs=(
        "cameras.edge_px",
        "cameras.smear_px",
        "cameras.sharpness",
        "cameras.texture",
        "cameras.luma",
        "cameras.contrast",
    ),
    function=blur,
    settings=(
        "min_s",
        "smooth_s",
        "join_s",
        "judged_share",
        "soft_share",
        "soft_ratio",
        "leap",
        "round",
        "detail",
        "detail_at_once",
    ),
)
_FINDER = Finder.of(BLUR)
MOTION_BLUR = Check(
    name="motion_blur",
    says="Edges are wide along one direction while the picture moves: the shutter is too slow.",
    unit="s",
    remedy="Use a shorter exposure and more light, or move slower, and retake.",
    needs=(
        "cameras.smear_px",
        "cameras.edge_px",
        "cameras.sharpness",
        "cameras.motion",
        "cameras.texture",
        "cameras.luma",
        "cameras.contrast",
    ),
    function=motion_blur,
    settings=(
        "smooth_s",
        "join_s",
        "smear_px",
        "sharp_share",
        "sharp_px",
        "motion",
        "texture",
        "soft_px",
        "soft_ratio",
        "leap",
        "both_leaps",
    ),
)
_MOTION = Finder.of(MOTION_BLUR)
