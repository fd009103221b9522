"""What accumulates of a camera during the pass: the numbers of its pictures.

A picture that comes from the decoder is measured when a few have come. Decoding turns over all that
the processor has at hand, so that measuring one picture begins from cold memory, measuring the next
ones does not.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quality.measures.grain import grain_of
from quality.measures.lens import EVERY_S as VIEW_EVERY_S
from quality.measures.lens import View
from quality.measures.pace import Pace
from quality.measures.people import UNDRAWN, Search, Shown, search_all, unshown
from quality.measures.pictures import CURVES
from quality.measures.planes import (
    NO_GRAIN,
    NO_TINT,
    Chroma,
    Grain,
    Levels,
    Plane,
    Shrunk,
    Tint,
    mean_change,
    numbers,
    shrink,
    tint_of,
)
from quality.measures.screens import EVERY_S as GRID_EVERY_S
from quality.measures.screens import NONE_SEEN, Grid, grid_of, longer_wait_s
from quality.measures.sketch import EVERY_S as SKETCH_EVERY_S
from quality.measures.sketch import cells_of
from quality.measures.steps import Steps, eighth_of

COLOUR_EVERY_S = 0.2
GRAIN_EVERY_S = 0.5
MOST_AT_ONCE, PIXELS_AT_ONCE = 16, 16 << 20
"""Pictures that wait to be measured together: so many, or fewer where they are large."""
PACKED_AT_ONCE = 1024
ERRORS_KEPT = 3


class Waiting(NamedTuple):
    """A picture that is not measured yet: its time [s], and how to come at its planes."""

    at_s: float
    luma: Callable[[], tuple[Plane, Levels]]
    colours: Callable[[], Chroma | None]
    is_key: bool
    shown: Shown


@dataclass
class Take:
    """What accumulates during the pass. ``seconds`` are counted from the source's start.

    With ``beside``, which must run one call at a time, pictures are measured by its thread.
    """

    beside: Executor | None = None
    running: Future[None] | None = None
    count: int = 0  # pictures taken, of which some may wait
    waiting: list[Waiting] = field(default_factory=list)
    at_once: int = 1  # until the first one told how large they are
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    blocks: list[npt.NDArray[np.float32]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    packet_seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    error_count: int = 0
    corrupt_seconds: list[float] = field(default_factory=list)
    container_count: int | None = None
    width: int = 0
    height: int = 0
    codec: str = ""
    period_s: float = 0.0
    thumbnail: bytes | None = None
    is_at_middle: bool = False  # whether the thumbnail shows the middle
    before: Shrunk | None = None
    earlier: Plane | None = None
    two: array[float] = field(default_factory=lambda: array("f"))  # changes over two pictures
    steps: Steps = field(default_factory=Steps)
    keys: list[int] = field(default_factory=list)  # numbers of the key pictures
    key_bytes: list[int] = field(default_factory=list)  # sizes of their packets
    cells: bytearray = field(default_factory=bytearray)
    sketched: list[int] = field(default_factory=list)  # numbers of the pictures in ``cells``
    sketches: Pace = field(default_factory=lambda: Pace(SKETCH_EVERY_S))
    tint: Tint = NO_TINT
    tints: Pace = field(default_factory=lambda: Pace(COLOUR_EVERY_S))
    grain: Grain = NO_GRAIN
    grains: Pace = field(default_factory=lambda: Pace(GRAIN_EVERY_S))
    view: View = field(default_factory=View)
    views: Pace = field(default_factory=lambda: Pace(VIEW_EVERY_S))
    grids: Pace = field(default_factory=lambda: Pace(GRID_EVERY_S))
    gridded: list[tuple[int, Grid]] = field(default_factory=list)  # number, grid
    searches: tuple[Search, ...] = ()  # for people
    sizes: list[tuple[int, int, int]] = field(default_factory=list)  # number, width, height
    shape: tuple[int, ...] = ()
    stopped: bool = False

    def see(
        self,
        at_s: float,
        luma: Callable[[], tuple[Plane, Levels]],
        colours: Callable[[], Chroma | None],
        *,
        is_key: bool = False,
        shown: Shown = unshown,
    ) -> None:
        """Take one picture: ``luma`` gives its plane and how its codes are spread, ``colours``
        points of its chroma planes, ``shown`` a small one as a person would see it. They are asked
        later, perhaps by another thread.
        """
        self.count += 1
        self.waiting.append(Waiting(at_s, luma, colours, is_key, shown))
        if len(self.waiting) >= self.at_once:
            self.measure()

    def begin(self) -> None:
        """What comes next has no picture before it."""
        self.measure()
        self._wait()
        self.before = self.earlier = None
        self.steps.begin()
        self.shape = ()
        self.tints.due_s = self.grains.due_s = -math.inf

    def measure(self) -> None:
        """Measure the pictures that wait, or have them measured beside those that come next."""
        batch, self.waiting = self.waiting, []
        if self.beside is None:
            self._measure_all(batch)
        else:
            self._wait()
            self.running = self.beside.submit(self._measure_all, batch)

    def _wait(self) -> None:
        running, self.running = self.running, None
        if running is not None:
            running.result()

    def _measure_all(self, batch: list[Waiting]) -> None:
        for picture in batch:
            try:
                self._measure(picture)
            except UNDRAWN as error:
                self.fault(words_of(error))
        if len(self.rows) >= PACKED_AT_ONCE:
            self._pack()

    def _measure(self, picture: Waiting) -> None:
        at_s, number = picture.at_s, len(self.seconds)
        luma, levels = picture.luma()
        height, width = luma.shape
        if luma.shape != self.shape:
            self.sizes.append((number, width, height))
            self.shape = luma.shape
            self.at_once = min(max(PIXELS_AT_ONCE // luma.size, 1), MOST_AT_ONCE)
        now = shrink(luma)
        if self.tints.is_due(at_s):
            self.tint = tint_of(now.eighth, picture.colours())
        if self.grains.is_due(at_s):
            self.grain = grain_of(luma)
        if self.views.is_due(at_s):
            self.view.see(now)
        if self.grids.is_due(at_s):
            grid = grid_of(luma)
            if grid is not None:
                self.gridded.append((number, grid))
                self.grids.put_off(longer_wait_s([grid for _, grid in self.gridded[-NONE_SEEN:]]))
        row = numbers(now, self.before, levels, width, self.tint, self.grain)
        two, eighth = mean_change(now.half, self.earlier) * levels.scale, eighth_of(now.quarter)
        # from here on nothing fails, so that all numbers are of the same pictures
        self.rows.append(row)
        self.two.append(two)
        self.steps.see(eighth)
        if picture.is_key:
            self.keys.append(number)
        if self.sketches.is_due(at_s):
            self.cells += cells_of(now.eighth)
            self.sketched.append(number)
        # only the shrunk plane is kept longer: it is small, and nobody else's memory
        self.earlier = self.before.half if self.before else None
        # a plane that was not shrunk is the decoder's own memory, which its frame keeps from reuse
        self.before = now
        self.seconds.append(at_s)
        search_all(self.searches, number, at_s, picture.shown)

    def table(self) -> npt.NDArray[np.float32]:
        """The numbers of all pictures so far, (n, curves and ``repeat``)."""
        self.measure()
        self._wait()
        self._pack()
        return np.concatenate(self.blocks) if self.blocks else np.empty((0, len(CURVES) + 1), "f4")

    def _pack(self) -> None:
        """Turn the rows gathered so far into one array, a tenth of their size."""
        if self.rows:
            self.blocks.append(np.array(self.rows, dtype=np.float32))
            self.rows.clear()

    def fault(self, error: object) -> None:
        """Count an error, and keep the words of the first few different ones."""
        self.error_count += 1
        text = str(error)
        if text not in self.errors and len(self.errors) < ERRORS_KEPT:
            self.errors.append(text)


def words_of(error: BaseException) -> str:
    """An error's own words, without its number and the address of the call."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
