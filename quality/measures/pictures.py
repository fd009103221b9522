"""What one decode pass keeps of a camera: a few numbers for each picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock
from dailies.words import Span
from quality.measures.people import FACE_EVERY_S, HAND_EVERY_S, Looks
from quality.measures.sketch import CELLS, Cells, Sketch
from quality.measures.timed import Timed

Floats = npt.NDArray[np.float32]
CURVES = (
    "luma",
    "contrast",
    "dark_share",
    "bright_share",
    "sharpness",
    "texture",
    "edge_px",
    "motion",
    "changed_share",
    "smear_px",
    "tint",
    "colour",
    "undrawn_share",
    "noise",
    "blockiness",
)
"""Names of the per-picture numbers, in the order in which they are stored."""


@dataclass(frozen=True, eq=False)
class Pictures(Timed):
    """The measures of one camera; every array has shape (n,), one entry per decoded picture.

    All are of the half of the *small plane*, the luma plane shrunk to at most 800 pixels in width.
    ``times_ns`` are on the recording's clock, from its start, ascending. ``luma`` is the mean
    (0-255) and ``contrast`` the standard deviation; ``dark_share`` and ``bright_share`` are the
    shares of pixels under 26 and over 250. ``sharpness`` is the standard deviation of the
    Laplacian, ``texture`` that of the gradient at half that size; ``edge_px`` is the width (sigma,
    pixels of the small plane) of the picture's sharpest edges, NaN where it has none. ``motion`` is
    the mean absolute change of luma from the picture before (0 for the first), ``changed_share``
    the share of pixels that changed by more than 8 levels, and ``repeat`` says that the picture, or
    every other row of a wide one at half its width, equals the one before bit for bit.
    ``motion_two`` is the change from the picture before that one (0 for the first two), or empty
    where it was not measured. ``step_share`` is how many times as far what is seen moves from the
    picture before as the steps before and after lead one to expect, and ``step_error`` the standard
    error of that; NaN where nothing tells, see ``quality/measures/steps.py``. ``loss_odds`` is by
    how much likelier it is by all that moves that a frame was lost before the picture than that
    none was (log-likelihood ratio, mean of seven steps, summed over the blocks that move), and
    ``loss_blocks`` how many of these there are; ``loss_amount`` are the odds by how much moves in
    all; NaN for the first four and the last three, and this where nothing moves just before or
    after, see ``quality/measures/losses.py``. These five are empty where they were not measured, as
    in a triage. ``way``, (n, 2), is about how far all that is
    seen moves together from the picture before, across and down, in pixels of an eighth of the
    small plane of then; NaN for the first and where nothing tells, (0, 2) where it was not
    measured. ``keys`` are the numbers of the key pictures, (k,),
    and ``key_bytes`` the sizes of their packets, in their order; empty where these are not known.

    ``smear_px`` is the width of the edges in that of the directions x and y in which they are wider
    (``edge_px``: sharper). Colour is measured five times a second and holds until then: ``tint``
    is how far from grey (codes of both chroma planes together) the greyest tenth of the points is,
    or all of them together where that is less; ``colour`` is how far they are on average, and
    ``undrawn_share`` the share that shows a decoder's empty memory (green, or rows of grey). They
    are NaN where the format holds no colour. Twice a second the whole luma plane is looked at:
    ``noise`` is the standard deviation of what differs from pixel to pixel in its quietest part (0
    where that is detail), and ``blockiness`` how much greater the steps at the edges of blocks of 8
    are than the others, in shares of them (NaN where they cannot be told). These six are empty in
    measurements of before they were kept.

    ``sizes`` are the sizes that the pictures had in turn, as "1280x720", and ``resized_ns`` the
    times at which each but the first began.

    ``view_*`` tell what stays while the view moves: ``view_seen`` pictures were looked at (five a
    second), during ``view_moved`` of which half of the view or more changed. Of these,
    ``view_change`` is how much the fine detail of each cell changes in 0.2 s (root mean square of
    the absolute Laplacian's change, luma codes) and ``view_stays`` how much of it is in the mean
    of all; both (k,), rows of ``view_columns`` cells. ``view_rest`` is what share of the coarse
    detail is in the mean picture: 1 where the camera rests. Empty where nothing moved.

    ``grid_*`` tell of a fine even square grid, as a display has, each (k,): every two seconds
    (four, once three looks have seen none) the picture numbered ``grid_looked`` was looked at,
    ``grid_share`` is the share (%) of nine places in it over which one lies, ``grid_px`` how many
    pixels it is wide (NaN where there is none), and ``grid_spread`` how far it differs from place
    to place, in 1/256 cycles a pixel.
    Empty where pictures are smaller than 360 pixels, and in measurements of before.

    ``face_*`` and ``hand_*`` tell of people, see ``faces`` and ``hands``: ``*_model`` names the
    model that looked (its file and the start of its hash), empty where none did, and ``*_looked``
    are the numbers of the pictures that it looked at, (k,).

    ``packet_count`` counts the container's packets in the span, ``declared_*`` is what the
    metadata promises and ``container_count`` what the container's header does. ``broken_count``
    counts pictures that came out damaged, ``error_count`` what the decoder refused.
    ``lost_from_ns`` is the time from which pictures are lost, None where nothing is lost.
    ``thumbnail`` is a JPEG from the middle. ``cells`` are those of the pictures numbered
    ``sketched``, (k,), one after another, (64 k,): see ``sketch``.
    """

    name: str
    times_ns: npt.NDArray[np.int64]
    luma: Floats
    contrast: Floats
    dark_share: Floats
    bright_share: Floats
    sharpness: Floats
    texture: Floats
    edge_px: Floats
    motion: Floats
    changed_share: Floats
    repeat: npt.NDArray[np.bool_]
    width: int = 0
    height: int = 0
    codec: str = ""
    clock: Clock = "measured"
    packet_count: int | None = None
    container_count: int | None = None
    declared_count: int | None = None
    declared_rate_hz: float | None = None
    broken_count: int = 0
    error_count: int = 0
    error: str | None = None
    lost_from_ns: int | None = None
    thumbnail: bytes | None = None
    delay_median_ms: float | None = None
    delay_max_ms: float | None = None
    smear_px: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    tint: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    colour: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    undrawn_share: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    noise: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    blockiness: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    sizes: tuple[str, ...] = ()
    resized_ns: tuple[int, ...] = ()
    motion_two: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    step_share: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    step_error: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    loss_odds: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    loss_blocks: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    loss_amount: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    way: Floats = field(default_factory=lambda: np.empty((0, 2), np.float32))
    view_seen: int = 0
    view_moved: int = 0
    view_columns: int = 0
    view_rest: float = 1.0
    view_change: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    view_stays: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    keys: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    key_bytes: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    sketched: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    cells: Cells = field(default_factory=lambda: np.empty(0, np.uint16))
    grid_looked: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    grid_share: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    grid_px: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    grid_spread: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    face_model: str = ""
    face_looked: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    face_count: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    face_width: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    face_score: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    hand_model: str = ""
    hand_looked: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    hand_count: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    hand_width: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    hand_score: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    @classmethod
    def none(
        cls,
        name: str,
        *,
        declared_count: int | None = None,
        declared_rate_hz: float | None = None,
        error: str | None = None,
    ) -> Pictures:
        """A camera of which no picture could be had; ``error`` says why."""
        curves: dict[str, Any] = {curve: np.empty(0, np.float32) for curve in CURVES}
        return cls(
            name=name,
            times_ns=np.empty(0, np.int64),
            repeat=np.empty(0, np.bool_),
            declared_count=declared_count,
            declared_rate_hz=declared_rate_hz,
            error=error,
            error_count=1 if error else 0,
            **curves,
        )

    @property
    def span(self) -> Span:
        """From the first picture to the end of the last one's showing."""
        if not self.count:
            return Span(0, 0)
        return Span(int(self.times_ns[0]), int(self.times_ns[-1]) + self.period_ns)

    @property
    def coded_size(self) -> tuple[int, int] | None:
        """Width and height of the pictures as they are coded, which may be shown turned; None where
        they change, or are not known.
        """
        if len(self.sizes) != 1:
            return None
        width, height = map(int, self.sizes[0].split("x"))
        return width, height

    @property
    def sketch(self) -> Sketch:
        """What the camera's clip is known again by; empty where it was measured without."""
        kept = self.sketched[self.sketched < self.count]
        cells = self.cells.reshape(-1, CELLS)[: len(kept)]
        return Sketch(self.name, self.times_ns[kept], cells)

    @property
    def faces(self) -> Looks:
        """What a detector of faces saw, every 2 s; empty where none looked."""
        return self._looks("face", FACE_EVERY_S)

    @property
    def hands(self) -> Looks:
        """What a detector of hands saw, every 4 s; empty where none looked."""
        return self._looks("hand", HAND_EVERY_S)

    def _looks(self, kind: str, every_s: float) -> Looks:
        looked = getattr(self, f"{kind}_looked")
        # times are the metadata's, and may be fewer than the pictures
        numbers = looked[looked < self.count]
        names = (f"{kind}_count", f"{kind}_width", f"{kind}_score")
        counts, width, score = (getattr(self, name)[: len(numbers)] for name in names)
        return Looks(self.times_ns[numbers], numbers, counts, width, score, every_s)
