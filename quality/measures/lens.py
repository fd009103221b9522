"""What of a camera's view stays as it is while the view moves: dirt on the lens does.

Five times a second the fine detail of the quarter plane (its Laplacian) is compared with what was
there before. Where the whole view changes, what each cell of 4 by 4 pixels saw is added up: sums
of one picture's size are all that is kept, however long the recording is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from quality.measures.planes import Plane, Shrunk

EVERY_S = 0.2
CELL = 4
"""Pixels of the quarter plane across and down a cell."""
CHANGED = 2.0
"""Codes by which the fine detail of a cell changes at least where something moves."""
MOST = 0.5
"""Share of the cells that must change for the view to count as moving."""

Sums = npt.NDArray[np.float64]


@dataclass
class View:
    """Sums over the pictures during which the view moved; see ``Pictures`` for what they mean."""

    seen: int = 0
    moved: int = 0
    squares: Sums = field(default_factory=lambda: np.zeros((0, 0)))
    details: Sums = field(default_factory=lambda: np.zeros((0, 0)))
    shapes: Sums = field(default_factory=lambda: np.zeros((0, 0)))
    strength: float = 0.0
    before: Any = None

    def see(self, now: Shrunk) -> None:
        """Add a picture; those of another size than the first are left out."""
        if min(now.quarter.shape) < 2 * CELL:
            return
        detail: Any = cv2.Laplacian(now.quarter, cv2.CV_16S)
        before, self.before = self.before, detail
        if before is None or before.shape != detail.shape:
            return
        change = _in_cells(cv2.absdiff(detail, before))
        if not self.seen:
            self.squares = np.zeros(change.shape)
            self.details = np.zeros(detail.shape)
            self.shapes = np.zeros(now.eighth.shape)
        if self.details.shape != detail.shape:
            return
        self.seen += 1
        if np.count_nonzero(change > CHANGED) >= MOST * change.size:
            self.moved += 1
            self.squares += change * change
            self.details += detail
            self.shapes += now.eighth
            self.strength += _strength(now.eighth)

    @property
    def numbers(self) -> dict[str, Any]:
        """The fields of ``Pictures`` that begin with ``view_``; empty where nothing moved."""
        if not self.moved:
            return {"view_seen": self.seen}
        mean = (self.shapes / self.moved).astype(np.float32)
        return {
            "view_seen": self.seen,
            "view_moved": self.moved,
            "view_columns": self.squares.shape[1],
            "view_rest": _strength(mean) / max(self.strength / self.moved, 1e-6),
            "view_change": np.sqrt(self.squares / self.moved).astype(np.float32).ravel(),
            "view_stays": _in_cells(np.abs(self.details / self.moved)).ravel(),
        }


def _in_cells(plane: Any) -> npt.NDArray[np.float32]:
    """The mean over each cell."""
    cells = (plane.shape[1] // CELL, plane.shape[0] // CELL)
    return cv2.resize(plane.astype(np.float32), cells, interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]


def _strength(plane: Plane | npt.NDArray[np.float32]) -> float:
    """Mean absolute Laplacian."""
    detail = cv2.Laplacian(plane, cv2.CV_32F)
    return cv2.norm(detail, cv2.NORM_L1) / detail.size
