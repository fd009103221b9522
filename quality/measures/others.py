"""An episode among the others of its task and its rig: its length, where its cameras look and how
they hang, and its light."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quality.measures.sketch import SIDE, Sketch

Picture = npt.NDArray[np.float32]
"""What a camera shows on average: its sketch's mean, shape (64,)."""

ROWS = 10
"""Sketched pictures of which a mean is worth anything: one second."""
EARLIER = 5
"""Earlier recordings that a camera's view is held against, at least."""
AGREE = 0.9
"""Correlation that four in five of them must have with their median: a camera that moves about
shows no view that could be turned."""
LIKE = 0.8
"""Correlation from which the view is that of the others, turned."""
LENGTHS = 20
"""Other episodes of the task by which a length is judged, at least."""
NARROWEST = math.log(1.1)
"""Lengths of a task spread by a tenth at least: robots that repeat a program may not."""
DIMMEST = math.log(1.25)
"""The light of a rig's recordings spreads by a quarter at least: so much a cloud changes."""
MAD = 1.4826
"""What a median absolute deviation is times, to be a normal variable's standard deviation."""
NINETY = 3.29
"""Standard deviations of a normal variable from its 5th to its 95th percentile."""

WAYS: tuple[tuple[str, Callable[[Picture], Picture]], ...] = (
    ("upside down", lambda square: square[::-1, ::-1]),
    ("mirrored left to right", lambda square: square[:, ::-1]),
    ("mirrored top to bottom", lambda square: square[::-1]),
    ("a quarter turn to the left", lambda square: np.rot90(square)),
    ("a quarter turn to the right", lambda square: np.rot90(square, -1)),
)
"""How a camera may hang that hung otherwise before, and what its picture becomes."""


@dataclass(frozen=True)
class Turned:
    """A camera whose picture agrees with ``count`` earlier ones of its rig when it is turned back.

    ``as_is`` and ``turned`` are the correlations with their median, of cells.
    """

    stream: str
    way: str
    as_is: float
    turned: float
    count: int


@dataclass(frozen=True)
class Seen:
    """What a camera sees against ``count`` earlier recordings of its rig.

    ``as_is`` is the correlation with their median, of cells; None where they do not agree among
    themselves. ``luma`` is the mean (codes), ``usual_luma`` the median of theirs, and ``sigmas``
    how far from it, in their own spread (of logarithms; below 0: darker).
    """

    stream: str
    as_is: float | None
    luma: float
    usual_luma: float
    sigmas: float
    count: int


@dataclass(frozen=True)
class Length:
    """A length (s) against those of ``count`` other episodes of the task: their median, and how far
    from it, in their own spread (of logarithms; below 0: shorter).
    """

    seconds: float
    usual_s: float
    sigmas: float
    count: int


@dataclass(frozen=True)
class Others:
    """What the others say of an episode that lasts ``seconds``; nothing, where they are too few."""

    turned: tuple[Turned, ...] = ()
    length: Length | None = None
    seen: tuple[Seen, ...] = ()
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.turned or self.length or self.seen)


def view_of(sketch: Sketch) -> Picture | None:
    """What a camera shows on average; None where too little was sketched."""
    levels = sketch.levels
    return np.asarray(levels.mean(axis=0), np.float32) if len(levels) >= ROWS else None


def turned_of(stream: str, view: Picture, earlier: Sequence[Picture]) -> Turned | None:
    """Whether a view is that of the earlier ones of its rig, turned; None where nothing tells."""
    usual = _usual(earlier)
    if usual is None:
        return None
    square = view.reshape(SIDE, SIDE)
    found = [(_alike(back(square).ravel(), usual), way) for way, back in _BACK]
    turned, way = max(found)
    if turned < LIKE:
        return None
    return Turned(stream, way, _alike(view, usual), turned, len(earlier))


def seen_of(stream: str, view: Picture, earlier: Sequence[Picture]) -> Seen | None:
    """A view and its light against the earlier ones of its rig; None where they are too few."""
    if len(earlier) < EARLIER:
        return None
    usual, luma = _usual(earlier), float(view.mean())
    as_is = None if usual is None else _alike(view, usual)
    median, sigmas = _among(luma, [float(one.mean()) for one in earlier], DIMMEST)
    return Seen(stream, as_is, luma, median, sigmas, len(earlier))


def _usual(earlier: Sequence[Picture]) -> Picture | None:
    """The median of earlier views; None where they are too few, or do not agree."""
    if len(earlier) < EARLIER:
        return None
    usual = np.asarray(np.median(np.stack(earlier), axis=0), np.float32)
    agree = np.quantile([_alike(one, usual) for one in earlier], 0.2)
    return usual if agree >= AGREE else None


def _among(value: float, others: Sequence[float], narrowest: float) -> tuple[float, float]:
    """The median of others, and how far a value is from it in their spread (of logarithms)."""
    known = np.log(np.maximum(others, 1e-3))
    usual = float(np.median(known))
    # where most are alike, as all that run into a time limit, the rest tells how far others go
    low, high = np.quantile(known, (0.05, 0.95))
    deviation = MAD * float(np.median(np.abs(known - usual)))
    spread = max(deviation, float(high - low) / NINETY, narrowest)
    return math.exp(usual), (math.log(max(value, 1e-3)) - usual) / spread


def length_among(seconds: float, others_s: Sequence[float]) -> Length | None:
    """A length among others of its task; None where they are too few."""
    known = [one for one in others_s if one > 0]
    if len(known) < LENGTHS or seconds <= 0:
        return None
    usual_s, sigmas = _among(seconds, known, NARROWEST)
    return Length(seconds, usual_s, sigmas, len(known))


def _alike(one: Picture, other: Picture) -> float:
    one, other = one - one.mean(), other - other.mean()
    power = float(one @ one) * float(other @ other)
    return float(one @ other) / math.sqrt(power) if power > 0 else 0.0


_UNDONE = {
    "a quarter turn to the left": "a quarter turn to the right",
    "a quarter turn to the right": "a quarter turn to the left",
}
_BACK = tuple((way, dict(WAYS)[_UNDONE.get(way, way)]) for way, _ in WAYS)
"""What turns a picture back that hangs so."""
