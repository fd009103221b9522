"""Drawn people, and detectors that find them by their colours.

A face that real detectors take for one, too, the back of the same head, and a hand. The detectors
here know nothing but these drawings: no model comes with Dailies.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from quality.measures.detectors import Boxes, Detector, Models, Picture

Colour = tuple[int, int, int]
"""Blue, green, red."""
SKIN: Colour = (120, 155, 208)
HAND: Colour = (158, 190, 238)
HAIR: Colour = (30, 40, 55)
CREASE: Colour = (110, 140, 195)
WHITE, IRIS, PUPIL = (240, 240, 240), (60, 70, 50), (10, 10, 10)
FINE = 4
"""Drawings are made so many times as large, and shrunk."""
NEAR = 18
"""Codes that a colour may be away from itself, after encoding."""
SURE = 0.9
LEAST = 40
"""Pixels of a colour that are worth a box."""

Ellipse = tuple[float, float, float, float, Colour]
"""Centre and half axes, in shares of the drawing's side, and the colour."""

_HEAD: tuple[Ellipse, ...] = (
    (0.5, 0.40, 0.31, 0.34, HAIR),
    (0.5, 0.93, 0.14, 0.20, (96, 126, 176)),
)
_FACE: tuple[Ellipse, ...] = (
    *_HEAD,
    (0.5, 0.50, 0.27, 0.35, SKIN),
    (0.5, 0.22, 0.24, 0.09, HAIR),
    *(
        (0.5 + side * away, down, wide, high, colour)
        for side in (-1, 1)
        for away, down, wide, high, colour in (
            (0.115, 0.340, 0.075, 0.014, (35, 45, 60)),
            (0.115, 0.420, 0.055, 0.028, WHITE),
            (0.115, 0.420, 0.026, 0.026, IRIS),
            (0.115, 0.420, 0.012, 0.012, PUPIL),
            (0.030, 0.575, 0.018, 0.012, (90, 120, 170)),
            (0.270, 0.470, 0.030, 0.070, (112, 146, 198)),
        )
    ),
    (0.5, 0.52, 0.020, 0.070, (132, 166, 216)),
    (0.5, 0.66, 0.100, 0.026, (90, 90, 190)),
)
_BACK: tuple[Ellipse, ...] = (*_HEAD, (0.5, 0.48, 0.29, 0.36, HAIR))
_HAND: tuple[Ellipse, ...] = (
    (0.50, 0.66, 0.20, 0.24, HAND),
    (0.50, 0.92, 0.13, 0.16, HAND),
    *((0.345 + 0.103 * at, 0.33 - 0.04 * (at in (1, 2)), 0.046, 0.23, HAND) for at in range(4)),
    (0.74, 0.60, 0.13, 0.05, HAND),
    *((0.47, down, 0.12, 0.006, CREASE) for down in (0.58, 0.68)),
    (0.60, 0.72, 0.012, 0.11, CREASE),
)


def with_face(picture: Picture, left: int, top: int, side: int) -> Picture:
    """A copy of a picture with a face drawn on it, ``side`` pixels from hair to neck."""
    return _drawn(picture, _FACE, left, top, side)


def with_back(picture: Picture, left: int, top: int, side: int) -> Picture:
    """The same head from behind."""
    return _drawn(picture, _BACK, left, top, side)


def with_hand(picture: Picture, left: int, top: int, side: int) -> Picture:
    """An open hand."""
    return _drawn(picture, _HAND, left, top, side)


def _drawn(
    picture: Picture, ellipses: tuple[Ellipse, ...], left: int, top: int, side: int
) -> Picture:
    part = picture[top : top + side, left : left + side]
    large = cv2.resize(part, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_NEAREST)
    unit = side * FINE
    for across, down, wide, high, colour in ellipses:
        centre = (round(across * unit), round(down * unit))
        axes = (max(round(wide * unit), 1), max(round(high * unit), 1))
        cv2.ellipse(large, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
    drawn = picture.copy()
    size = (part.shape[1], part.shape[0])
    drawn[top : top + side, left : left + side] = cv2.resize(
        large, size, interpolation=cv2.INTER_AREA
    )
    return drawn


@dataclass(frozen=True)
class Coloured:
    """A detector of patches of one colour, and the model that it is opened from."""

    colour: Colour
    identity: str

    def opened(self) -> Detector:
        """Itself: it has no state."""
        return self

    def __call__(self, picture: Picture) -> Boxes:
        """The boxes of the patches, each with the same score."""
        low, high = (np.clip(np.array(self.colour) + by, 0, 255) for by in (-NEAR, NEAR))
        mask = cv2.inRange(picture, low.astype(np.uint8), high.astype(np.uint8))
        stats: npt.NDArray[np.int32] = cv2.connectedComponentsWithStats(mask)[2]  # type: ignore[assignment]
        found = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= LEAST].astype(np.float32)
        found[:, 4] = SURE
        return found


DRAWN = Models(Coloured(SKIN, "drawn faces"), Coloured(HAND, "drawn hands"))
