"""What moves in a clip, told apart from where it was filmed.

Fixed cameras see the same bench all day, so pictures that look alike prove nothing. Everything here
is about the difference between a picture and what the camera sees around that time: the mean over
three seconds is taken off, and so is the mean over the picture, which is how light changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dailies.words import NS
from quality.measures.sketch import CELLS, SIDE, Sketch

STEP_S = 0.1
"""Moves stand on a grid of so many seconds."""
AROUND_S = 3.0
"""What stays in its place for so long does not move."""
QUIET = 0.6
"""Levels (root mean square over the cells) under which nothing moves but noise."""
SHOWN = 1.5
"""Levels by which a picture must differ from those around it for its hash to say anything."""
LONGEST_S = 12 * 3600
"""A shift: what lasts longer has a broken clock, and a grid of its years would fill all memory."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Moves:
    """A clip's moves on an even grid from ``start_s``, one row every ``STEP_S``.

    ``motion``, (n, 64), is by how many levels each cell differs from its mean over ``AROUND_S``, so
    that only what changes within that time is left. (The clip's own median in its place is another
    one when the clip is cut: of copies cut by 30 % it then lost a fifth.)
    """

    start_s: float
    motion: Floats

    @classmethod
    def of(cls, sketch: Sketch) -> Moves:
        """The moves that a sketch shows; none where it has under three pictures, or times that span
        more than ``LONGEST_S``."""
        if len(sketch.times_ns) < 3 or np.ptp(sketch.times_ns) > LONGEST_S * NS:
            return cls(0.0, np.empty((0, CELLS), np.float32))
        seconds = sketch.times_ns / NS
        grid = np.arange(seconds[0], seconds[-1] + STEP_S / 2, STEP_S)
        seen = _at(grid, seconds, sketch.levels)
        seen -= seen.mean(axis=1, keepdims=True)
        # an encoder with a key frame every other picture makes these differ in turn
        seen = _smooth(seen, np.array([0.25, 0.5, 0.25], np.float32))
        wide = round(AROUND_S / STEP_S) | 1
        motion = seen - _smooth(seen, np.full(wide, 1 / wide, np.float32))
        return cls(float(seconds[0]), motion)

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.motion)

    def mirrored(self) -> Moves:
        """As it is seen in a mirror."""
        return Moves(self.start_s, _mirror(self.motion))

    def level(self) -> Floats:
        """By how many levels each picture differs from those around it, (n,)."""
        return np.asarray(np.sqrt(np.square(self.motion).mean(axis=1)), np.float32)


def strength(motion: Floats) -> float:
    """Root mean square of a stretch of motion in levels; 0 of none."""
    return float(np.sqrt(np.square(motion).mean())) if motion.size else 0.0


def resampled(values: Floats, rows: npt.NDArray[np.float64]) -> Floats:
    """Values (n, k) at fractional row numbers within them."""
    below = np.clip(np.floor(rows).astype(np.intp), 0, len(values) - 1)
    above = np.minimum(below + 1, len(values) - 1)
    part = (rows - below).astype(np.float32)[:, None]
    return np.asarray(values[below] * (1 - part) + values[above] * part, np.float32)


@lru_cache(maxsize=1)
def waves() -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The cosine transform's waves (64, 63) from coarse to fine, and which a mirror turns round.

    The even one is left out, as it is the light's. Two-dimensional DCT-II, as in perceptual hashes.
    """
    at = np.arange(SIDE)
    line = np.cos(np.pi * np.outer(at, at + 0.5) / SIDE)
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    down, across = np.divmod(np.arange(1, CELLS), SIDE)
    order = np.lexsort((across, np.maximum(down, across), down + across))
    down, across = down[order], across[order]
    drawn = np.einsum("ky,kx->kyx", line[down], line[across]).reshape(len(order), CELLS)
    return drawn.T.astype(np.float32), across % 2 == 1


def _at(grid: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64], cells: Floats) -> Floats:
    rows = np.interp(grid, seconds, np.arange(len(seconds)))
    return resampled(cells, rows)


def _smooth(values: Floats, weights: Floats) -> Floats:
    """Each column averaged over time; beyond the ends the outermost row goes on."""
    filtered: Any = cv2.sepFilter2D(
        values, cv2.CV_32F, np.ones(1, np.float32), weights, borderType=cv2.BORDER_REPLICATE
    )
    return np.asarray(filtered, np.float32)


def _mirror(values: Floats) -> Floats:
    turned = values.reshape(-1, SIDE, SIDE)[:, :, ::-1]
    return np.ascontiguousarray(turned).reshape(-1, CELLS)
