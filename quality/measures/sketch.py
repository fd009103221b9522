"""A camera's sketch: ten times a second the picture as eight by eight grey cells.

It is what a clip is known again by when it was encoded anew, cut, mirrored or made faster: small
enough to be kept for ever, and coarse enough that no encoder changes it by much.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dailies.words import Span

SIDE = 8
CELLS = SIDE * SIDE
STEPS = 256
"""Of a luma code: what moves at the far end of a room changes a cell by less than one."""
Cells = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
EVERY_S = 0.1
"""Time between two sketched pictures; a slower camera has each of its pictures sketched."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """The sketched pictures of one camera: ``cells`` is (n, 64), rows from top to bottom.

    They are uint16 in steps of 1 / STEPS luma codes; uint8, in whole ones, where they were kept
    before that. ``times_ns``, (n,), ascend on the recording's clock.
    """

    stream: str
    times_ns: npt.NDArray[np.int64]
    cells: Cells

    @property
    def levels(self) -> npt.NDArray[np.float32]:
        """The cells in luma codes, (n, 64)."""
        whole = self.cells.dtype == np.uint8
        return np.asarray(self.cells / np.float32(1 if whole else STEPS), np.float32)


@dataclass(frozen=True)
class Copy:
    """What of one camera of an episode was found in a recording that was there before.

    ``span`` shows what ``of_span`` of stream ``of_stream`` of the recording ``of`` (in words) does,
    ``speed`` times as fast, ``mirrored`` or not. ``share`` is the part of the episode's motion that
    is found there (0 to 1), and ``correlation`` how well the two moves agree where it is.
    """

    stream: str
    span: Span
    of: str
    of_stream: str
    of_span: Span
    share: float
    correlation: float
    speed: float
    mirrored: bool


def cells_of(plane: npt.NDArray[np.uint8]) -> bytes:
    """The 64 cells of a luma plane of any size, as the bytes of uint16."""
    finer = np.multiply(plane, STEPS, dtype=np.uint16)
    while min(finer.shape) > 3 * SIDE:
        # halving is far quicker than shrinking by a factor that is no whole number
        half = (finer.shape[1] // 2, finer.shape[0] // 2)
        finer = cv2.resize(finer, half, interpolation=cv2.INTER_AREA)
    return cv2.resize(finer, (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()
