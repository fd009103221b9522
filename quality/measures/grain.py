"""Noise and blockiness of a picture, from bands of its luma plane at full size.

Shrinking a picture averages its noise away and hides the grid of its blocks, so neither can be
told from the small plane. Eight bands of eight rows tell as much as all of them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from quality.measures.planes import MID, NO_GRAIN, Grain, Plane

BANDS, BAND_ROWS = 8, 8
TILE = 16
"""Width of the tiles of a band by which noise is told."""
QUIET_SHARE = 0.25
"""Share of the tiles that are taken for flat: noise lies over all of a picture, detail does not."""
FEWEST = 16
"""Tiles neither dark nor bright that it takes."""
COARSE_RATIO = 1.5
"""Detail is stronger at half the size than at full size, by 2 where it is like nature's (its
amplitude falls as 1/f: Field, J. Opt. Soc. Am. A 4, 1987); white noise is as strong at both."""
GRID = 8
"""Pixels from edge to edge of the blocks of JPEG, MPEG and most codecs after them."""
FEWEST_BLOCKS = 16
"""Blocks across that it takes, lest a line of writing be their median."""
STEP_FLOOR = 0.3
"""Codes added to the steps beside the grid, so that nothing does not become infinitely blocky."""


def grain_of(luma: Plane) -> Grain:
    """The noise and blockiness of a picture from its luma plane."""
    height, width = luma.shape
    if height < BAND_ROWS or width < 4 * TILE:
        return NO_GRAIN
    bands = _bands(luma)
    return Grain(_noise(bands), _blockiness(bands))


def _bands(luma: Plane) -> Plane:
    """Bands of whole rows, spread evenly from top to bottom, one below the other."""
    height, width = luma.shape
    count = min(BANDS, height // BAND_ROWS)
    tops = np.linspace(0, height - BAND_ROWS, count).astype(int)
    bands = [luma[top : top + BAND_ROWS, : width // TILE * TILE] for top in tops]
    return np.concatenate(bands)


def _noise(bands: Plane) -> float:
    """What differs between neighbours across and down at once, in the quietest tiles: edges differ
    one way only. Detail, which is stronger at half the size, is told by that and is not noise.
    """
    tiles = (bands.shape[1] // TILE, len(bands) // BAND_ROWS)
    mean = cv2.resize(bands, tiles, interpolation=cv2.INTER_AREA)
    mid = (mean > MID[0]) & (mean < MID[1])
    if np.count_nonzero(mid) < FEWEST:
        return float("nan")
    halved: Any = cv2.resize(bands, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    fine, coarse = _twofold(bands, tiles)[mid], 4 * _twofold(halved, tiles)[mid]
    quiet = int(len(fine) * QUIET_SHARE)
    noise = float(np.partition(fine, quiet)[quiet])
    detail = float(np.partition(coarse, quiet)[quiet])
    return noise**0.5 if detail < COARSE_RATIO**2 * noise else 0.0


def _twofold(plane: npt.NDArray[np.uint8], tiles: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Mean square of the twofold differences in each tile; of white noise, its variance."""
    signed = plane.astype(np.int16)
    across = signed[:, ::2] - signed[:, 1::2]
    both = (across[::2] - across[1::2]).astype(np.float32)
    return cv2.resize(both * both, tiles, interpolation=cv2.INTER_AREA) / 4  # type: ignore[return-value]


def _blockiness(bands: Plane) -> float:
    """How much greater the step from column to column is at every eighth one, whichever it is that
    the blocks begin at, than at the others.

    The median over the blocks counts, so that an edge that happens to lie on the grid does not.
    """
    steps = cv2.reduce(
        cv2.absdiff(bands[:, 1:], bands[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F
    )
    blocks = steps[0, : steps.shape[1] // GRID * GRID].reshape(-1, GRID)
    if len(blocks) < FEWEST_BLOCKS:
        return float("nan")
    phases = np.median(blocks, axis=0)
    usual = float(np.median(phases))
    return (float(phases.max()) - usual) / (usual + STEP_FLOOR)
