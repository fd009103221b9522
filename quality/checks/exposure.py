"""Black, blown-out and too dark pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import Flag
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Mask, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures

LIT = 200.0
"""Levels of mean luma from which most of a picture is bright."""


def black_picture(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which nearly all pixels are dark, or the lens is covered."""
    for camera in measurements.cameras:
        yield from _lasting(camera, _is_black(camera, limits), limits, _BLACK, "black")


def overexposed(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which so many pixels are clipped, or all is white, that it is lost."""
    for camera in measurements.cameras:
        white = (camera.luma > limits["luma"]) & (camera.contrast < limits["contrast"])
        blown = white | (camera.bright_share >= limits["bright_share"])
        # what is coloured clips in one colour first, and leaves luma below its top
        usual = float(np.median(camera.luma)) if camera.count else 0.0
        far = camera.luma > max(usual + limits["brighter"], LIT)
        blown |= far & (camera.bright_share >= limits["brighter_share"])
        yield from _lasting(camera, blown, limits, _OVER, "blown out")


def underexposed(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) that are too dark to see, but not black."""
    for camera in measurements.cameras:
        dim = (camera.luma < limits["luma"]) & (camera.dark_share >= limits["dark_share"])
        # where it is black, black_picture says so
        dim &= camera.contrast >= limits["black_contrast"]
        yield from _lasting(camera, dim, limits, _UNDER, "too dark")


def _is_black(camera: Pictures, limits: Limits) -> Mask:
    black = (camera.dark_share >= limits["dark_share"]) & (camera.contrast < limits["contrast"])
    if not camera.count:
        return black
    dimmed = camera.luma < limits["covered_luma_share"] * max(float(np.median(camera.luma)), 1.0)
    # light that comes in at the side of a hand leaves a shade, but nothing with an edge
    plain = max(
        limits["covered_contrast"],
        limits["covered_contrast_share"] * float(np.median(camera.contrast)),
    )
    flat = (camera.contrast < plain) & (camera.sharpness < limits["covered_sharpness"])
    return black | (flat & dimmed)


def _lasting(
    camera: Pictures, mask: Mask, limits: Limits, finder: Finder, word: str
) -> Iterator[Flag]:
    for stretch in stretches(camera, mask, join_s=limits["join_s"]):
        # rounded to 1 ms: half a second at 30 Hz is 15 pictures
        seconds = round(stretch.seconds, 3)
        grade = limits.grade(seconds)
        if grade:
            limit = limits.limit(grade)
            what = f"{word} for {seconds:.1f} s"
            yield finder.flag(grade, camera.name, stretch.span, seconds, limit, what)


BLACK_PICTURE = Check(
    name="black_picture",
    says="Nearly all of the picture is black, or the lens is covered.",
    unit="s",
    remedy="Uncover the lens or reconnect the camera, and retake.",
    needs=("cameras.dark_share", "cameras.luma", "cameras.contrast", "cameras.sharpness"),
    function=black_picture,
    settings=(
        "dark_share",
        "contrast",
        "covered_contrast",
        "covered_contrast_share",
        "covered_luma_share",
        "covered_sharpness",
        "join_s",
    ),
)
OVEREXPOSED = Check(
    name="overexposed",
    says="Most of the picture is clipped to white.",
    unit="s",
    remedy="Lower the exposure or turn from the light, and retake.",
    needs=("cameras.bright_share", "cameras.luma", "cameras.contrast"),
    function=overexposed,
    settings=("luma", "contrast", "bright_share", "brighter", "brighter_share", "join_s"),
)
UNDEREXPOSED = Check(
    name="underexposed",
    says="The picture is too dark to see what is done, though not black.",
    unit="s",
    remedy="Turn the light on or raise the exposure, and retake.",
    needs=("cameras.dark_share", "cameras.luma", "cameras.contrast"),
    function=underexposed,
    settings=("luma", "dark_share", "black_contrast", "join_s"),
)
_BLACK = Finder.of(BLACK_PICTURE)
_OVER = Finder.of(OVEREXPOSED)
_UNDER = Finder.of(UNDEREXPOSED)
