"""The grid of a display's pixels in a picture, told by the spectrum of the full luma plane.

A display is a square grid: where its pixels are resolved, the spectrum has two narrow peaks at one
frequency, at right angles to each other, all over the picture; what it shows comes and goes, the
grid stays. Fabrics and grilles lie over a part of a view, or coarser; the grid of a codec's blocks,
and of a picture that was made larger, is upright or the same everywhere; a display before a camera
that is held by hand is neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from quality.measures.planes import Plane

EVERY_S = 2.0
NONE_SEEN, SELDOM_S = 3, 4.0
"""After so many looks that saw no grid at all the next comes after so long: a grid's sight quickens
them again."""
SIDE = 256
"""Pixels of a tile's side."""
ONE_ODD_OF = 4
"""Of so many tiles that agree the oddest one does not count for how far the grid differs."""
LEAST = 360
"""Pixels either way that a picture has at least; the tiles of a smaller one are nearly the same."""
PLACES = ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2), (0, 1), (1, 0), (1, 2), (2, 1))
"""The tiles, thirds of the picture down and across. The second four only where one of the first
five has a grid: most pictures have none."""
FIRST = 5
COARSEST = 0.15
"""Cycles a pixel of the coarsest grid: of 6.7 pixels. Cloth, keys and tiles are mostly coarser."""
COARSER = 0.03
"""From here on a coarser grid in the same direction is looked for, of which a fine one would be an
overtone: keys and tiles have sharp edges."""
INSIDE, OUTSIDE = 3, 8
"""Bins around a peak that are the peak's own, and those against which it is held."""
UPRIGHT = 1.6
"""Bins from an axis at least: blocks, lines, and rows made larger lie upon it."""
LATTICE = 2.5
"""Bins from a multiple of 1/8 cycles a pixel both ways at least: blocks, and the cells that a
sensor's colours are put together from."""
SKEWS, SKEW_DEG = (26.565, 45.0, 63.435), 1.2
"""Directions of such cells where a picture was made larger or smaller."""
STRONG = 20.0
"""Times the mean of what is around it that a peak has."""
ALONE = 2.8
"""Times the most of what is around it: an edge is a ridge, not a peak."""
MOST = 16
"""Peaks of a tile that are looked at, the strongest."""
LENGTHS, SQUARE_DEG = 0.08, 5.0
"""Shares and degrees by which both directions may differ, seen askew."""
ALIKE, ALIKE_DEG = 0.12, 8.0
"""The same from tile to tile."""

Floats = npt.NDArray[np.float32]


class Grid(NamedTuple):
    """The grid of a display, with the meaning of ``Pictures``."""

    share: float
    pitch_px: float
    spread: float


NO_GRID = Grid(0.0, float("nan"), 0.0)


def grid_of(luma: Plane) -> Grid | None:
    """The grid that lies over a picture, from its luma plane; None where it is too small."""
    height, width = luma.shape
    if min(height, width) < LEAST:
        return None
    downs, acrosses = ((size - SIDE) // 2 * np.arange(3) for size in (height, width))

    def peaks(places: tuple[tuple[int, int], ...]) -> list[complex]:
        corners = ((int(downs[down]), int(acrosses[across])) for down, across in places)
        tiles = (luma[top : top + SIDE, left : left + SIDE] for top, left in corners)
        return [peak for tile in tiles for peak in [square_peak(tile)] if peak is not None]

    found = peaks(PLACES[:FIRST])
    if not found:
        return NO_GRID
    return _alike(np.array(found + peaks(PLACES[FIRST:])))


def longer_wait_s(latest: Sequence[Grid]) -> float:
    """How much longer than ``EVERY_S`` the next look may wait, after the latest ``NONE_SEEN``."""
    none_seen = len(latest) == NONE_SEEN and not any(grid.share for grid in latest)
    return SELDOM_S - EVERY_S if none_seen else 0.0


def square_peak(tile: Plane) -> complex | None:
    """The frequency (cycles a pixel, across and down as one number) at which a tile has a lone
    peak, and another one at right angles; None where there is no such pair."""
    ratio, power = _spectrum(tile)
    downs, acrosses = np.nonzero((ratio >= STRONG) & (ratio == cv2.dilate(ratio, np.ones((3, 3)))))
    if len(downs) < 2:
        return None
    strongest = np.argsort(-ratio[downs, acrosses])[:MOST]
    downs, acrosses = downs[strongest], acrosses[strongest]
    ring_down, ring_across = _ring()
    around = power[(downs[:, None] + ring_down) % SIDE, acrosses[:, None] + OUTSIDE + ring_across]
    strength = power[downs, acrosses + OUTSIDE]
    alone = strength / (around.max(axis=1) + 1.0)
    lone = alone >= ALONE
    at = ((acrosses - SIDE // 2) + 1j * (downs - SIDE // 2))[lone] / SIDE
    strength, alone = strength[lone], alone[lone]
    length, turn = np.abs(at), _degrees(at[:, None] * at[None, :].conj())
    coarse = length < COARSEST
    over = coarse[None, :] & (strength[None, :] > strength[:, None])
    over &= np.abs(_quarter(turn)) < SQUARE_DEG
    fine = np.where(coarse | over.any(axis=1), 0, alone)
    both = np.minimum(fine[:, None], fine[None, :])
    unlike = np.abs(length[:, None] - length[None, :]) > LENGTHS * length[:, None]
    both[unlike | (np.abs(np.abs(turn) - 90) > SQUARE_DEG)] = 0
    if not both.any():
        return None
    one, other = np.unravel_index(int(both.argmax()), both.shape)
    return complex(at[one] / length[one] * (length[one] + length[other]) / 2)


def _spectrum(tile: Plane) -> tuple[Floats, Floats]:
    """The power at each frequency in shares of what is around it, 0 where none is looked for; and
    the power itself.

    Of the frequencies across only those up to 0 are there, as the others mirror them; the power has
    ``OUTSIDE`` more on either side. Frequency 0 down is in the middle.
    """
    power = _power(cv2.multiply(tile, _window(), dtype=cv2.CV_32F))
    inner, outer = 2 * INSIDE + 1, 2 * OUTSIDE + 1
    around: Any = cv2.boxFilter(power, -1, (outer, outer), normalize=False)
    around -= cv2.boxFilter(power, -1, (inner, inner), normalize=False)
    mean = np.maximum(around, 0) / (outer**2 - inner**2)
    ratio = power / (mean + 1.0)
    return ratio[:, OUTSIDE:-OUTSIDE] * _looked_at(), power


def _power(windowed: Any) -> Floats:
    """See ``_spectrum``. Packed as OpenCV can, a transform takes a fifth of the time: columns 0 and
    SIDE / 2 are packed down themselves, the others lie beside one another, real and imaginary.
    """
    packed: Any = cv2.dft(windowed)
    half = np.empty((SIDE, SIDE // 2 + 1), np.float32)
    half[:, 1:-1] = packed[:, 1:-1:2] ** 2 + packed[:, 2:-1:2] ** 2
    ends = packed[:, [0, -1]] ** 2
    half[[0, SIDE // 2], :: SIDE // 2] = ends[[0, -1]]
    pairs = ends[1:-1:2] + ends[2:-1:2]
    half[1 : SIDE // 2, :: SIDE // 2] = pairs
    half[SIDE // 2 + 1 :, :: SIDE // 2] = pairs[::-1]
    mirrored = half[-np.arange(SIDE) % SIDE]
    before, after = mirrored[:, OUTSIDE:0:-1], mirrored[:, -2 : -2 - OUTSIDE : -1]
    return np.hstack([before, half, after])


@cache
def _window() -> Floats:
    """A Hann window whose signs alternate, which puts frequency 0 in the middle."""
    hann = np.hanning(SIDE) * np.resize([1.0, -1.0], SIDE)
    return np.outer(hann, hann).astype(np.float32)


@cache
def _looked_at() -> Floats:
    """1 at the frequencies at which a grid is looked for, else 0, as ``_spectrum`` has them."""
    bins = np.arange(SIDE) - SIDE // 2
    down, across = np.meshgrid(bins, bins[bins <= 0], indexing="ij")
    radius, degrees = np.hypot(down, across), np.rad2deg(np.arctan2(down, across)) % 90
    eighths = [SIDE / 8 * np.rint(one / (SIDE / 8)) for one in (down, across)]
    crossing = (eighths[0] != 0) & (eighths[1] != 0)
    crossing &= np.abs(down - eighths[0]) < LATTICE
    crossing &= np.abs(across - eighths[1]) < LATTICE
    fits = (radius >= COARSER * SIDE) & (radius <= SIDE / 2)
    fits &= (np.abs(down) >= UPRIGHT) & (np.abs(across) >= UPRIGHT)
    fits &= ~crossing
    for skew in SKEWS:
        fits &= np.abs(degrees - skew) >= SKEW_DEG
    return fits.astype(np.float32)


@cache
def _ring() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Offsets, down and across, of what is around a peak."""
    bins = np.arange(-OUTSIDE, OUTSIDE + 1)
    down, across = (one.ravel() for one in np.meshgrid(bins, bins, indexing="ij"))
    around = np.maximum(np.abs(down), np.abs(across)) > INSIDE
    return down[around], across[around]


def _alike(peaks: npt.NDArray[np.complex128]) -> Grid:
    """What the tiles agree on: the most of them that have a grid like that of one of them."""
    length = np.abs(peaks)
    turn = _quarter(_degrees(peaks[:, None] * peaks[None, :].conj()))  # [tile, of the one]
    like = np.abs(length[:, None] - length[None, :]) <= ALIKE * length[None, :]
    like &= np.abs(turn) <= ALIKE_DEG
    one = int(like.sum(axis=0).argmax())
    chosen = like[:, one]
    placed = length[chosen] * np.exp(1j * np.deg2rad(turn[chosen, one]))
    # of an even pattern one tile may show another overtone than the others
    middle = np.median(placed.real) + 1j * np.median(placed.imag)
    left = len(placed) - len(placed) // ONE_ODD_OF
    kept = placed[np.argsort(np.abs(placed - middle))[:left]]
    spread = np.abs(kept[:, None] - kept[None, :]).max() * SIDE
    share = 100 * int(chosen.sum()) / len(PLACES)
    return Grid(share, 1 / float(np.median(length[chosen])), float(spread))


def _degrees(numbers: Any) -> Any:
    return np.rad2deg(np.angle(numbers))


def _quarter(degrees: Any) -> Any:
    """Turns by a right angle leave a square grid as it is."""
    return (degrees + 45) % 90 - 45
