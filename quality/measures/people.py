"""Faces and hands seen in a camera's pictures, each kind looked for now and then.

Whoever looks is a detector whose model the user gives; without one nobody looks and nothing is
kept. What is kept are numbers: how many were found, how large, how sure. No picture is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from quality.measures.detectors import PIXELS, Boxes, Detector, Models, Picture
from quality.measures.pace import Pace

FACE_EVERY_S = 2.0
HAND_EVERY_S = 4.0
"""Looking for a hand takes three times as long as for a face. Neither may take over a twentieth of
the pass."""

Shown = Callable[[], Picture | None]
"""A picture as a person would see it, of about PIXELS at most; None where it cannot be drawn."""
UNDRAWN = (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError, cv2.error)
"""What a picture that was decoded and cannot be drawn raises."""


def unshown() -> None:
    """Of a picture that nobody is to look at."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What one kind of detector saw: all arrays (k,), one entry a picture that it looked at.

    ``times_ns`` are on the recording's clock, ascending, ``numbers`` those of the pictures.
    ``counts`` says how many it found, ``width`` the largest one's width in shares of the picture's,
    ``score`` how sure it was of the surest (0 to 1); both are 0 where it found none. It looked
    every ``every_s``.
    """

    times_ns: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    width: npt.NDArray[np.float32]
    score: npt.NDArray[np.float32]
    every_s: float


@dataclass
class Search:
    """A detector at work on one camera, and what it found in each picture that it was shown."""

    kind: str  # the fields of ``Pictures`` begin with it
    detector: Detector
    model: str
    pace: Pace
    failed: int = 0
    looked: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def see(self, number: int, picture: Picture) -> None:
        """Look at a picture; one over which the detector fails was not looked at."""
        try:
            boxes = self.detector(picture)
        except cv2.error:
            self.failed += 1
            return
        self.looked.append(number)
        self.counts.append(len(boxes))
        self.widths.append(_largest(boxes, picture.shape[1]))
        self.scores.append(float(boxes[:, 4].max(initial=0.0)))

    def numbers(self, rank: npt.NDArray[np.intp]) -> dict[str, Any]:
        """The fields of ``Pictures`` about it; ``rank`` says where each picture stands in time."""
        looked = rank[np.array(self.looked, np.intp)].astype(np.int32)
        by_time = np.argsort(looked, kind="stable")
        return {
            # of a detector that failed over every picture, nobody is to think that it looked
            f"{self.kind}_model": self.model if self.looked or not self.failed else "",
            f"{self.kind}_looked": looked[by_time],
            f"{self.kind}_count": np.array(self.counts, np.int32)[by_time],
            f"{self.kind}_width": np.array(self.widths, np.float32)[by_time],
            f"{self.kind}_score": np.array(self.scores, np.float32)[by_time],
        }


def searches(models: Models) -> tuple[Search, ...]:
    """One for each model that is given."""
    kinds = (("face", models.face, FACE_EVERY_S), ("hand", models.hand, HAND_EVERY_S))
    return tuple(
        Search(kind, model.opened(), model.identity, Pace(every_s, 0.0))
        for kind, model, every_s in kinds
        if model is not None
    )


def search_all(some: Iterable[Search], number: int, at_s: float, shown: Shown) -> None:
    """Show a picture to those whose turn it is; it is drawn once for all of them."""
    due = [one for one in some if one.pace.is_due(at_s)]
    if not due:
        return
    try:
        picture = shown()
    except UNDRAWN:
        return  # its numbers say what is wrong with it
    if picture is not None:
        for one in due:
            one.see(number, picture)


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Width and height (even, at least 16) at which a picture is shown: about PIXELS at most."""
    scale = min(math.sqrt(PIXELS / max(width * height, 1)), 1.0)
    return max(round(width * scale / 2) * 2, 16), max(round(height * scale / 2) * 2, 16)


def _largest(boxes: Boxes, across: int) -> float:
    """The width of the widest box, as far as it lies in the picture, in shares of ``across``."""
    rights = np.minimum(boxes[:, 0] + boxes[:, 2], across)
    widths = rights - np.maximum(boxes[:, 0], 0)
    return max(float(widths.max(initial=0.0)), 0.0) / across
