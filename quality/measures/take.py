"""What accumulates of a camera during the pass: the numbers of its pictures.

Of a picture that comes from the decoder only what is needed is taken out at once; it is measured
when a few have come. Decoding turns over all that the processor has at hand, so that measuring one
picture begins from cold memory, measuring the next ones does not.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from quality.measures.grain import bands_of, grain_of
from quality.measures.lens import EVERY_S as VIEW_EVERY_S
from quality.measures.lens import View
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
    is_wide,
    mean_change,
    numbers,
    seen_of,
    shrink,
    tint_of,
)
from quality.measures.sketch import EVERY_S as SKETCH_EVERY_S
from quality.measures.sketch import cells_of

COLOUR_EVERY_S = 0.2
GRAIN_EVERY_S = 0.5
MEASURED_AT_ONCE = 8
"""Pictures that wait to be measured: with 8 and 32 the pass took as long or longer."""
PACKED_AT_ONCE = 1024
ERRORS_KEPT = 3


@dataclass
class Pace:
    """When something that is done every ``every_s`` seconds of the recording is due."""

    every_s: float
    due_s: float = -math.inf

    def is_due(self, at_s: float) -> bool:
        """Whether it is, at a picture's time; if so, it next will be after ``every_s``."""
        if at_s < self.due_s:
            return False
        self.due_s = max(self.due_s + self.every_s, at_s + self.every_s / 2)
        return True


@dataclass(frozen=True, eq=False)
class Waiting:
    """A picture that is not measured yet: what was taken of it, and what is due."""

    seen: Plane
    width: int
    levels: Levels
    is_tinted: bool
    chroma: Chroma | None
    is_grained: bool
    bands: Plane | None
    is_viewed: bool
    is_sketched: bool


@dataclass
class Take:
    """What accumulates during the pass. ``seconds`` are counted from the source's start.

    With ``beside``, which must run one call at a time, pictures are measured by its thread.
    """

    beside: Executor | None = None
    running: Future[None] | None = None
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
    waiting: list[Waiting] = field(default_factory=list)
    before: Shrunk | None = None
    earlier: Plane | None = None
    two: array[float] = field(default_factory=lambda: array("f"))  # changes over two pictures
    keys: list[int] = field(default_factory=list)  # numbers of the key pictures
    cells: bytearray = field(default_factory=bytearray)
    sketched: list[int] = field(default_factory=list)  # numbers of the pictures in ``cells``
    sketches: Pace = field(default_factory=lambda: Pace(SKETCH_EVERY_S))
    tint: Tint = NO_TINT
    tints: Pace = field(default_factory=lambda: Pace(COLOUR_EVERY_S))
    grain: Grain = NO_GRAIN
    grains: Pace = field(default_factory=lambda: Pace(GRAIN_EVERY_S))
    view: View = field(default_factory=View)
    views: Pace = field(default_factory=lambda: Pace(VIEW_EVERY_S))
    sizes: list[tuple[int, int, int]] = field(default_factory=list)  # number, width, height
    shape: tuple[int, ...] = ()
    stopped: bool = False

    def see(
        self,
        luma: Plane,
        levels: Levels,
        at_s: float,
        colours: Callable[[], Chroma | None] | None = None,
    ) -> None:
        """Take one picture; ``colours`` gives points of its chroma planes, when they are due."""
        if luma.shape != self.shape:
            self.sizes.append((len(self.seconds), luma.shape[1], luma.shape[0]))
            self.shape = luma.shape
        is_tinted, is_grained = self.tints.is_due(at_s), self.grains.is_due(at_s)
        is_sketched = self.sketches.is_due(at_s)
        self.waiting.append(
            Waiting(
                seen=seen_of(luma),
                width=luma.shape[1],
                levels=levels,
                is_tinted=is_tinted,
                chroma=colours() if colours and is_tinted else None,
                is_grained=is_grained,
                bands=bands_of(luma) if is_grained else None,
                is_viewed=self.views.is_due(at_s),
                is_sketched=is_sketched,
            )
        )
        if is_sketched:
            self.sketched.append(len(self.seconds))
        self.seconds.append(at_s)
        if len(self.waiting) >= MEASURED_AT_ONCE:
            self.measure()

    def begin(self) -> None:
        """What comes next has no picture before it."""
        self.measure()
        self._wait()
        self.before = self.earlier = None
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
        if self.running is not None:
            self.running.result()

    def _measure_all(self, batch: list[Waiting]) -> None:
        for picture in batch:
            self._measure(picture)
        if len(self.rows) >= PACKED_AT_ONCE:
            self._pack()

    def _measure(self, picture: Waiting) -> None:
        now = shrink(picture.seen, halved=is_wide(picture.width))
        if picture.is_tinted:
            self.tint = tint_of(now.eighth, picture.chroma)
        if picture.is_grained:
            self.grain = grain_of(picture.bands)
        if picture.is_viewed:
            self.view.see(now)
        if picture.is_sketched:
            self.cells += cells_of(now.eighth)
        levels = picture.levels
        self.rows.append(numbers(now, self.before, levels, picture.width, self.tint, self.grain))
        self.two.append(mean_change(now.half, self.earlier) * levels.scale)
        # only the shrunk plane is kept longer: it is small, and nobody else's memory
        self.earlier = self.before.half if self.before else None
        # a plane that was not shrunk is the decoder's own memory, which its frame keeps from reuse
        self.before = now

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
