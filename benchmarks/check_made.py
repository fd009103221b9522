"""What a case of the checks' pictures is.

A case makes two recordings: one that its check flags (the hit) and one with the same thing wrong
but less of it, which it lets pass (the near miss). See ``check_pictures``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.planted import Frame
from quality.checks import Limits
from quality.measures import Measurements

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]
"""Blue, green, red; shape (h, w, 3)."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Values over time to draw; a pale one stands for what another is held against."""

    name: str
    times_s: Floats
    values: Floats
    is_pale: bool = False


@dataclass(frozen=True)
class Bar:
    """A stretch of time in a row of its own: a stream, a step, a whole recording; an empty one
    is what ought to be there."""

    row: str
    start_s: float
    end_s: float
    text: str = ""
    is_empty: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """A made recording: its measurements, and what of it is drawn.

    Of ``frames``, which are a film, the one at the middle of the flag is drawn, or that at
    ``middle_s`` where there is none; ``shown`` are drawn as they are. ``window_s`` is the part of
    the time that the curves are drawn over, ``least`` the height of their scale at least; a curve
    that is not over seconds says so in ``across``.
    """

    measurements: Measurements
    curves: tuple[Curve, ...] = ()
    bars: tuple[Bar, ...] = ()
    frames: tuple[Frame, ...] = ()
    middle_s: float = 0.0
    shown: tuple[Picture, ...] = ()
    window_s: tuple[float, float] | None = None
    least: float = 0.0
    across: str = "s"


Maker = Callable[[Path], Made]
"""Makes a recording; it is given a folder to encode in."""
Lines = Callable[[Limits], Mapping[str, float]]


@dataclass(frozen=True)
class Side:
    """A hit or a near miss: what was made, in words, and how."""

    words: str
    make: Maker


def no_lines(_: Limits) -> Mapping[str, float]:
    """For curves that are in another unit than the limits."""
    return {}


def both_limits(limits: Limits) -> Mapping[str, float]:
    """The suspect and the fail limit."""
    return {"suspect": limits.suspect, "fail": limits.fail}


def setting(name: str) -> Lines:
    """A setting of the check other than its two limits."""
    return lambda limits: {name: limits[name]}


@dataclass(frozen=True)
class Case:
    """A check's picture: its two sides, what its curves are of, and the limits drawn with them.

    ``asks`` are the limits that differ from the house's, for a check that is off unless asked for.
    ``bound`` is the limit that the near miss keeps within, in ``unit`` where it is not the check's.
    """

    check: str
    hit: Side
    near: Side
    axis: str = ""
    lines: Lines = no_lines
    asks: Mapping[str, float] = field(default_factory=dict)
    bound: str = "suspect"
    unit: str = ""
    ending: Literal["png", "jpg"] = "png"

    @property
    def file(self) -> str:
        """Name of the picture's file: curves are small as PNG, films as JPEG."""
        return f"{self.check}.{self.ending}"

    @property
    def markdown(self) -> str:
        """How docs/checks.md shows it, with a sentence for those who cannot see it."""
        said = (
            f"Flagged, on the left: {self.hit.words}. Not flagged, on the right: {self.near.words}"
        )
        return f"![{said}.](checks/{self.file})"
