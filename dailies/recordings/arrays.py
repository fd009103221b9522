"""Arrays of HDF5 and Zarr, read a block of rows at a time, and what an array holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import CarriedPicture
from dailies.recordings.files import READ_ERRORS
from dailies.recordings.tables import MAX_WIDTH, Times, Values

Kind = Literal["still", "raw", "series", "text"]

ERRORS = (*READ_ERRORS, RuntimeError)
"""What h5py and zarr raise on damaged files."""
BLOCK_BYTES = 16 << 20
"""Rows are read in blocks of about this many bytes, or of one chunk where that is more."""
ROWS_UNSIZED = 64
"""Rows in a block where a row's size is not known beforehand."""
UNIT_MAX = 1.5
"""Floats go up to 1, give or take what resizing adds, where none is larger."""
LOOKED_AT = 8
"""Rows by which it is told what an array holds, at its beginning and all along it."""
SIDE_MIN = 16
"""Fewer rows or columns make a matrix, not a picture."""
HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM")
"""How JPEG, PNG, WebP and BMP begin."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows [start, stop) of an array, one a step of an episode.

    ``name`` is the array's path below the episode, ``key`` that in the file. ``array`` is a
    ``h5py.Dataset``, a ``zarr.Array`` or an array of numpy. ``there`` is how many of the rows the
    file really holds.
    """

    name: str
    key: str
    array: Any
    start: int
    stop: int
    there: int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows there should be."""
        return self.stop - self.start


def kind_of(rows: Rows) -> Kind | None:
    """What an array holds: coded pictures, raw ones, numbers, text; None for anything else."""
    array = rows.array
    shape, dtype = tuple(array.shape), array.dtype
    if not shape:
        return None
    if (dtype.metadata or {}).get("vlen") is str:  # so HDF5 says it, also where all are empty
        return "text"
    if is_bytes(array):
        return _kind_of_bytes(rows)
    if dtype.kind not in "biuf":
        return "text" if dtype.kind in "USTO" else None
    if _is_pictures(shape, dtype):
        return "raw"
    return "series" if math.prod(shape[1:]) <= MAX_WIDTH and len(shape) <= 3 else None


def pictures_in(
    array: Any, start: int, there: int, times_ns: Times, coding: Literal["still", "raw"]
) -> Iterator[CarriedPicture]:
    """The pictures in rows from ``start``, of which ``there`` can be read, at ``times_ns``.

    A block that cannot be read gives its pictures without content, and reading goes on after it.
    """
    draw = _drawing(array, start, there) if coding == "raw" else None
    for low, high, block in _blocks(array, start, start + there):
        stamps = times_ns[low - start : high - start].tolist()
        if block is None:
            yield from (CarriedPicture(at, None) for at in stamps)
            continue
        for at, row in zip(stamps, block, strict=True):
            yield CarriedPicture(at, _coded(row) if draw is None else draw(row))


def numbers_in(rows: Rows) -> tuple[Values, int]:
    """The numbers that are there, float64 of shape (there, d), and in how many rows they are lost.

    Rows of a block that cannot be read are NaN.
    """
    width = math.prod(rows.array.shape[1:])
    values = np.empty((rows.there, width), np.float64)
    lost = 0
    for low, high, block in _blocks(rows.array, rows.start, rows.start + rows.there):
        into = values[low - rows.start : high - rows.start]
        if block is None:
            into[:] = np.nan
            lost += high - low
        else:
            into[:] = np.asarray(block, np.float64).reshape(high - low, width)
    return values, lost


def plain(value: object) -> object:
    """An attribute as a plain value: h5py gives numpy scalars, arrays of one, and bytes."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, np.generic):
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def texts_in(rows: Rows) -> list[str]:
    """The text of each row, as far as it can be read."""
    try:
        cells = np.asarray(rows.array[rows.start : rows.start + rows.there]).reshape(-1)
    except ERRORS:
        return []
    return [
        cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
        for cell in cells.tolist()
    ]


def _blocks(array: Any, start: int, stop: int) -> Iterator[tuple[int, int, Any]]:
    """Rows [low, high) and what is in them, None where it cannot be read.

    Bounds lie on those of chunks, so that no chunk is unpacked twice. Of a block that cannot be
    read whole, each chunk is read by itself.
    """
    chunk, rows = _sizes(array)
    for low, high in _bounds(start, stop, rows):
        block = _read(array, low, high)
        if block is not None:
            yield low, high, block
            continue
        for first, last in _bounds(low, high, chunk):
            yield first, last, _read(array, first, last)


def _read(array: Any, low: int, high: int) -> Any:
    try:
        return array[low:high]
    except ERRORS:
        return None


def _sizes(array: Any) -> tuple[int, int]:
    """Rows of a chunk and of a block."""
    width = array.dtype.itemsize * math.prod(array.shape[1:])
    rows = ROWS_UNSIZED if array.dtype.kind == "O" else max(BLOCK_BYTES // max(width, 1), 1)
    chunks = getattr(array, "chunks", None)
    chunk = int(chunks[0]) if chunks else 1
    return chunk, max(rows // chunk, 1) * chunk


def _bounds(start: int, stop: int, rows: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < stop:
        high = min((at // rows + 1) * rows, stop)
        yield at, high
        at = high


def is_bytes(array: Any) -> bool:
    """True where each row is a run of bytes: of any length, of fixed size, or padded."""
    shape, dtype = array.shape, array.dtype
    if len(shape) == 1:
        return dtype.kind in "OSV" and dtype.names is None
    return len(shape) == 2 and dtype == np.uint8 and shape[1] > MAX_WIDTH // 32


def _kind_of_bytes(rows: Rows) -> Kind | None:
    """By the first row of some that is a picture or a text: the first ones may be damaged."""
    found: Kind | None = None
    for at in _spread(rows):
        try:
            row = rows.array[at]
        except ERRORS:
            found = found or ("still" if rows.array.dtype.kind != "S" else None)
            continue
        if isinstance(row, str):
            return "text"
        content = _coded(row)
        if content is not None and content.startswith(HEADS):
            return "still"
        if content is not None and isinstance(row, bytes) and _is_text(content):
            found = "text"
    return found


def _is_text(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


def _spread(rows: Rows) -> list[int]:
    """The first few rows that are there, and some all along them."""
    spread = np.linspace(0, max(rows.there - 1, 0), LOOKED_AT).astype(int).tolist()
    few = [*range(min(LOOKED_AT, rows.there)), *(spread if rows.there else [])]
    return [rows.start + at for at in dict.fromkeys(few)]


def _is_pictures(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """True for (n, h, w), (n, h, w, c) and (n, c, h, w) of what can be a brightness."""
    if len(shape) == 3:
        return bool(dtype == np.uint8) and min(shape[1:]) >= SIDE_MIN
    if len(shape) != 4 or not (dtype == np.uint8 or dtype.kind == "f"):
        return False
    channels = {1, 3, 4} if dtype == np.uint8 else {3}
    if shape[3] in channels:
        return min(shape[1:3]) >= SIDE_MIN
    return shape[1] in channels and min(shape[2:]) >= SIDE_MIN


def _coded(row: Any) -> bytes | None:
    """A picture's bytes without the zeros that pad it: no coded picture ends in one."""
    content = row.tobytes() if isinstance(row, np.ndarray | np.void) else row
    return (content.rstrip(b"\0") or None) if isinstance(content, bytes) else None


def _drawing(array: Any, start: int, there: int) -> Callable[[Any], npt.NDArray[np.uint8]]:
    """What makes a raw picture one of uint8: floats go from 0 or -1 to 1, or from 0 to 255."""
    if array.dtype == np.uint8:
        return _shaped
    rows = Rows("", "", array, start, start + there, there)
    seen = [row for at in _spread(rows) if (row := _read(array, at, at + 1)) is not None]
    high = max((float(np.nanmax(row, initial=0)) for row in seen), default=0.0)
    low = min((float(np.nanmin(row, initial=0)) for row in seen), default=0.0)
    is_unit = high <= UNIT_MAX
    scale, offset = (127.5, 127.5) if is_unit and low < -0.5 else (255.0 if is_unit else 1.0, 0.0)

    def draw(row: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        numbers = np.nan_to_num(_shaped(row).astype(np.float32), nan=-offset / scale)
        drawn: npt.NDArray[Any] = cv2.convertScaleAbs(numbers, alpha=scale, beta=offset)
        return drawn.astype(np.uint8, copy=False)

    return draw


def _shaped(row: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One raw picture of shape (h, w) or (h, w, 3)."""
    if row.ndim == 3 and row.shape[2] not in (1, 3, 4):
        row = np.moveaxis(row, 0, 2)
    if row.ndim == 3:
        row = row[:, :, 0] if row.shape[2] == 1 else row[:, :, :3]
    return np.ascontiguousarray(row)
