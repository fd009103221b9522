"""The numbers of one picture, from its luma plane. OpenCV does the pixels, so the GIL is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]

SMALL_WIDTH = 800
"""Width of the small plane at most; 1280 becomes 640, 640 stays. Its half is what is measured."""
NARROW_WIDTH = SMALL_WIDTH // 2
"""Pictures up to so wide, as many policies are trained on, show sharp edges by all their pixels."""
COARSE_PX = 1.5
"""Edges of them so wide are told as those of other pictures are: a codec's own edges, which halving
takes away, would make them look sharper."""
REFERENCE_WIDTH = 640
"""Edge widths of larger pictures are given as if they were so many pixels wide."""
DARK, BRIGHT = 26, 250
"""Full-range levels under and above which a pixel counts as dark or bright."""
CHANGE = 8
"""Levels by which a pixel must differ to count as changed."""
ENOUGH_ROWS = 160
"""Planes with so many rows are sampled for gradients."""
EDGE_LEVELS = 10.0
"""A picture whose strongest edges rise by less shows nothing whose focus could be judged."""

TINT_POINTS = 32
"""Colour is sampled at about so many points across and down, where there are so many."""
MID = (40, 220)
"""Codes of luma between which colour can be told: darker and brighter than that, it clips away."""
TINT_SHARE = 0.1
"""Share of the points that must lie between for the tint to be told."""
NEUTRAL_SHARE = 0.1
"""Nearly every scene has so large a share of near-grey points: metal, shadow, paint, paper."""
GREEN = 24
"""Both chroma codes lie under this in no colour there is; a decoder's emptied memory is 0, 0."""

# Pairs (ratio sum, sigma in px), from drawn polygons of random size, contrast and direction,
# blurred by a Gaussian of that sigma: 12 scenes each, the sum spreads by 0.03 (docs/checks.md).
_EDGE_RATIOS = np.array(
    [2.0, 2.08, 2.24, 2.41, 2.71, 2.97, 3.18, 3.33, 3.55, 3.68, 3.75, 3.85, 3.9]
)
_EDGE_SIGMAS = np.array([0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])


@dataclass(frozen=True)
class Levels:
    """How luma codes spread: full range is 0-255, video range 16-235."""

    offset: float
    scale: float

    def code(self, level: float) -> float:
        """The luma code of a full-range level."""
        return level / self.scale + self.offset


FULL_RANGE = Levels(0.0, 1.0)
VIDEO_RANGE = Levels(16.0, 255 / 219)


class Tint(NamedTuple):
    """The colour of a picture, in the order and with the meaning of ``Pictures``."""

    tint: float
    colour: float
    undrawn_share: float


NO_TINT = Tint(float("nan"), float("nan"), float("nan"))
"""Of a picture whose format holds no colour, or none that can be read where it lies."""


class Chroma(NamedTuple):
    """Codes of a picture's chroma planes, blue and red, at points all over it."""

    blues: Plane
    reds: Plane


class Grain(NamedTuple):
    """Noise and blockiness of a picture, with the meaning of ``Pictures``; noise in luma codes."""

    noise: float
    blockiness: float


NO_GRAIN = Grain(float("nan"), float("nan"))
"""Of a picture too small to have a grid."""


class Numbers(NamedTuple):
    """One picture's numbers, in the order and with the meaning of ``Pictures``."""

    luma: float
    contrast: float
    dark_share: float
    bright_share: float
    sharpness: float
    texture: float
    edge_px: float
    motion: float
    changed_share: float
    smear_px: float
    tint: float
    colour: float
    undrawn_share: float
    noise: float
    blockiness: float
    repeat: bool


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A picture as it is measured: ``half``, its halves ``quarter`` and ``eighth``, and ``seen``.

    By ``seen`` repeats are told: it is the luma plane itself, or, of a wide one, every other row of
    it at half its width.
    """

    seen: Plane
    half: Plane
    quarter: Plane
    eighth: Plane

    @property
    def small_width(self) -> int:
        """Width of the small plane, of which ``half`` is the half."""
        return 2 * int(self.half.shape[1])


def shrink(luma: Plane) -> Shrunk:
    """Halve until half the small plane is reached; halving exactly by two is the quickest there is.

    Of a wide plane only every other row is read: reading memory is most of what shrinking costs.
    Rows and columns that are left over at the lower and right edges of ``half`` and ``quarter`` are
    left out: by other ratios than two, edges come out wider.
    """
    pixels = halved(luma.shape[1])
    luma = _evenly_divided(luma, 2 * pixels)
    height, width = luma.shape
    if pixels == 2 or height < 4:
        return _shrunk(luma, _half(luma))
    seen = _as_plane(cv2.resize(luma[::2], (width // 2, height // 4), interpolation=cv2.INTER_AREA))
    # both ways by two is so much quicker than one way that it pays to repeat the rows
    twice = np.repeat(seen, 2, axis=0)
    half = _as_plane(cv2.resize(twice, (width // 4, height // 4), interpolation=cv2.INTER_AREA))
    so_far = 4
    while so_far < pixels and half.shape[0] > 1:
        half, so_far = _half(half), 2 * so_far
    return _shrunk(seen, half)


def halved(width: int) -> int:
    """How many pixels of a picture so wide, across, lie in one of its ``half``."""
    pixels = 2 if width <= SMALL_WIDTH else 4
    while width // pixels * 2 > SMALL_WIDTH:
        pixels *= 2
    return pixels


def _shrunk(seen: Plane, half: Plane) -> Shrunk:
    quarter = _half(half)
    return Shrunk(seen, half, quarter, _half(quarter))


def numbers(
    now: Shrunk,
    before: Shrunk | None,
    levels: Levels,
    width: int,
    tint: Tint = NO_TINT,
    grain: Grain = NO_GRAIN,
) -> Numbers:
    """The numbers of a picture ``width`` pixels wide, and of its change from the one before."""
    mean, deviation = cv2.meanStdDev(now.half)
    quarter = now.quarter
    scales = [_gradients(plane) for plane in (now.half, quarter, now.eighth)]
    texture = scales[1].energy
    widths = np.array(_edges_px(*scales)) * _to_reference(width, now.small_width)
    if width <= NARROW_WIDTH:
        scales.insert(0, _gradients(now.seen))
        finer = np.array(_edges_px(*scales[:3])) / 2
        widths = np.where(widths < COARSE_PX, finer, widths)
    edge_px, smear_px = widths
    motion, changed, repeat = _change(now, before)
    return Numbers(
        luma=(float(mean[0, 0]) - levels.offset) * levels.scale,
        contrast=float(deviation[0, 0]) * levels.scale,
        dark_share=1 - _count_above(quarter, levels.code(DARK) - 1) / quarter.size,
        bright_share=_count_above(quarter, levels.code(BRIGHT)) / quarter.size,
        sharpness=scales[0].energy ** 0.5 * levels.scale,
        texture=texture**0.5 * levels.scale,
        edge_px=float(edge_px),
        motion=motion * levels.scale,
        changed_share=changed,
        smear_px=float(smear_px),
        tint=tint.tint,
        colour=tint.colour,
        undrawn_share=tint.undrawn_share,
        noise=grain.noise * levels.scale,
        blockiness=grain.blockiness,
        repeat=repeat,
    )


def chroma_points(blue: Plane, red: Plane) -> Chroma:
    """The points at which colour is told, from the chroma planes."""
    rows, columns = (max(size // TINT_POINTS, 1) for size in blue.shape)
    blues, reds = (np.ascontiguousarray(plane[::rows, ::columns]) for plane in (blue, red))
    return Chroma(blues, reds)


def tint_of(luma: Plane, chroma: Chroma | None) -> Tint:
    """The colour of a picture, if it has any, by points of it and a luma plane of any size."""
    if chroma is None:
        return NO_TINT
    blues, reds = chroma
    lumas = _as_plane(cv2.resize(luma, blues.shape[::-1], interpolation=cv2.INTER_NEAREST))
    grey = np.full_like(lumas, 128)
    off = _as_plane(cv2.add(cv2.absdiff(blues, grey), cv2.absdiff(reds, grey)))
    mid = off[(lumas > MID[0]) & (lumas < MID[1])]
    told = len(mid) > TINT_SHARE * off.size
    nearest = int(len(mid) * NEUTRAL_SHARE)
    together = abs(cv2.mean(blues)[0] - 128) + abs(cv2.mean(reds)[0] - 128)
    return Tint(
        # colours that are many tint nothing: together they come to grey
        tint=min(float(np.partition(mid, nearest)[nearest]), together) if told else float("nan"),
        colour=cv2.mean(off)[0],
        undrawn_share=_undrawn(lumas, cv2.max(blues, reds), off),
    )


def _undrawn(lumas: Plane, most: Any, off: Plane) -> float:
    """Share of the points that show a decoder's empty memory: green of no colour, or grey rows.

    ``most`` is the greater of the two chroma codes, ``off`` how far both are from grey.
    """
    green = most < GREEN
    grey = (lumas > 124) & (lumas < 132) & (off <= 3)
    if not green.any() and np.count_nonzero(grey) < lumas.shape[1]:
        return 0.0
    # a grey wall is grey here and there; rows of nothing else were never drawn
    rows = grey.mean(axis=1) > 0.95
    return float((green | rows[:, None]).mean())


def _evenly_divided(luma: Plane, pixels: int) -> Plane:
    """The plane without what is left over where it is divided by so many pixels; all of one that is
    too small.
    """
    rows, columns = (size // pixels * pixels or size for size in luma.shape)
    return luma[:rows, :columns]


def _half(plane: Plane) -> Plane:
    height, width = max(plane.shape[0] // 2, 1), max(plane.shape[1] // 2, 1)
    return _as_plane(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def _as_plane(array: Any) -> Plane:
    return array  # type: ignore[no-any-return]


def _count_above(plane: Plane, level: float) -> int:
    return int(cv2.countNonZero(cv2.threshold(plane, level, 255, cv2.THRESH_BINARY)[1]))


def mean_change(now: Plane, before: Plane | None) -> float:
    """Mean absolute difference of two planes [luma codes]; 0 where there are no two alike."""
    if before is None or before.shape != now.shape:
        return 0.0
    return cv2.norm(now, before, cv2.NORM_L1) / now.size


def _change(now: Shrunk, before: Shrunk | None) -> tuple[float, float, bool]:
    """Mean change, share of changed pixels, and whether nothing at all changed."""
    if before is None or before.seen.shape != now.seen.shape:
        return 0.0, 0.0, False
    difference = _as_plane(cv2.absdiff(now.half, before.half))
    motion = cv2.norm(difference, cv2.NORM_L1) / difference.size
    if motion == 0:
        # only then is the larger plane worth its reading
        return 0.0, 0.0, cv2.norm(now.seen, before.seen, cv2.NORM_L1) == 0
    return motion, _count_above(difference, CHANGE) / difference.size, False


class _Gradients(NamedTuple):
    """Strength of a plane's edges along x and y in levels, and mean squared gradient."""

    along: tuple[float, float]
    energy: float


def _gradients(plane: Plane) -> _Gradients:
    if min(plane.shape) < 4:
        return _Gradients((0.0, 0.0), 0.0)
    # of a large plane one row in four tells as much as all of them
    every = 4 if len(plane) >= ENOUGH_ROWS else 1
    above = plane[:-1:every]
    x = _strength(cv2.absdiff(above[:, 1:], above[:, :-1]))
    y = _strength(cv2.absdiff(plane[1::every], above))
    return _Gradients((x[0], y[0]), x[1] + y[1])


def _strength(differences: Any) -> tuple[float, float]:
    """Root mean square of the differences weighted by their own square, so that the strong edges
    count and noise does not; and their mean square."""
    squares = differences.astype(np.uint16)
    np.multiply(squares, squares, out=squares)
    second = cv2.norm(differences, cv2.NORM_L2SQR)
    fourth = cv2.norm(squares, cv2.NORM_L2SQR)
    return (fourth / second) ** 0.5 if second else 0.0, second / differences.size


def _edges_px(fine: _Gradients, coarse: _Gradients, coarser: _Gradients) -> tuple[float, float]:
    """Sigma of the sharpest edges in pixels of the small plane, in the direction in which they are
    sharper and in the other; NaN where there are no edges.

    Halving a picture leaves the step between neighbours at a sharp edge as it is, and doubles it
    where the edge is wide: the ratio of edge strength from scale to scale tells the width,
    whatever the contrast. Defocus widens both directions, motion but one.
    """
    if max(coarser.along) < EDGE_LEVELS or not all(fine.along) or not all(coarse.along):
        return float("nan"), float("nan")
    first = [c / f for c, f in zip(coarse.along, fine.along, strict=True)]
    second = [c / f for c, f in zip(coarser.along, coarse.along, strict=True)]
    widths = np.interp(
        [min(first) + min(second), max(first) + max(second)], _EDGE_RATIOS, _EDGE_SIGMAS
    )
    # what is no more than noise in one direction tells nothing of its width
    told = min(coarser.along) >= EDGE_LEVELS / 2
    return float(widths[0]), float(widths[1]) if told else float(widths[0])


def _to_reference(width: int, small_width: int) -> float:
    # an odd width is halved to one less, and is not a wide one for that
    return REFERENCE_WIDTH / small_width if width > SMALL_WIDTH else 1.0
