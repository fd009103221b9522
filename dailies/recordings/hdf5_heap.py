"""The global heap of an HDF5 file, which holds rows and texts of any length: what of it is whole.

It lies in *collections* of objects, each of which says how long it is ("Disk Format: Level 1E -
Global Heap" of the HDF5 file format specification 3.0). Where one says 0, as in a stretch of zeros,
HDF5's own library looks for the next object for ever: it must not be asked for what is damaged.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np
import numpy.typing as npt

REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("object", "<u4")])
"""A row in the table of a dataset, where addresses take eight bytes."""
MARK = b"GCOL\x01\0\0\0"
"""With which a collection begins; its size in eight bytes follows."""
OBJECT = struct.Struct("<H2x4xQ")
"""Head of an object: its number (0: free space), and how many bytes it has."""
HEAD = 16
"""Bytes before the objects of a collection, and before the content of each object."""


@dataclass(frozen=True)
class Heap:
    """Where a file's collections begin that are whole, and whether any other is there.

    Nothing is known, and ``is_known`` False, where the file's addresses are not of eight bytes.
    """

    path: Path
    base: int
    whole: frozenset[int]
    is_damaged: bool
    is_known: bool = True

    @classmethod
    def of(cls, path: Path, file: h5py.File) -> Heap:
        """Look through the bytes of a file, from one end to the other; they are not unpacked."""
        if file.id.get_create_plist().get_sizes() != (8, 8):
            return cls(path, 0, frozenset(), is_damaged=False, is_known=False)
        whole, damaged = [], 0
        with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(MARK)
            while at >= 0:
                if _is_whole(content, at):
                    whole.append(at)
                else:
                    damaged += 1
                at = content.find(MARK, at + len(MARK))
        return cls(path, int(file.userblock_size), frozenset(whole), damaged > 0)

    def readable_rows(self, one: h5py.Dataset, *, is_cut: bool) -> int:
        """How many of the first rows of any length refer to what is whole.

        ``is_cut`` says that the file's end is missing. None counts where a filter that is not known
        here hides what rows refer to.
        """
        count = int(one.shape[0])
        if not self.is_known or not (self.is_damaged or is_cut):
            return count
        tables = self._tables(one)
        if tables is None:
            return 0
        for first, table in tables:
            addresses, row = np.unique(table["address"], return_inverse=True)
            # an empty row refers to nothing
            good = [not at or self.base + at in self.whole for at in addresses.tolist()]
            lost = np.flatnonzero(~np.array(good, np.bool_)[row])
            if len(lost):
                return min(first + int(lost[0]), count)
        return count

    def _tables(self, one: h5py.Dataset) -> Iterator[tuple[int, npt.NDArray[Any]]] | None:
        """The table of references in pieces, each with its first row; None where it is hidden."""
        created = one.id.get_create_plist()
        filters = [created.get_filter(at)[0] for at in range(created.get_nfilters())]
        undone = {h5py.h5z.FILTER_DEFLATE: _inflated, h5py.h5z.FILTER_SHUFFLE: _unshuffled}
        if len(one.shape) != 1 or any(code not in undone for code in filters):
            return None
        offset = one.id.get_offset()
        if offset is not None:
            pieces = [(0, int(offset), one.size * REFERENCE.itemsize, 0)]
        else:
            pieces = []
            one.id.chunk_iter(
                lambda chunk: pieces.append(
                    (int(chunk.chunk_offset[0]), chunk.byte_offset, chunk.size, chunk.filter_mask)
                )
            )

        def read() -> Iterator[tuple[int, npt.NDArray[Any]]]:
            with self.path.open("rb") as raw:
                for first, at, size, left_out in sorted(pieces):
                    raw.seek(at)
                    content = raw.read(size)
                    for number, code in reversed(list(enumerate(filters))):
                        if not left_out >> number & 1:
                            content = undone[code](content)
                    yield first, _references(content)

        return read()


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return b""  # reading it says so


def _unshuffled(content: bytes) -> bytes:
    """Bytes that were put together by their place in a row, put back."""
    width = REFERENCE.itemsize
    whole = len(content) // width * width
    return np.frombuffer(content[:whole], np.uint8).reshape(width, -1).T.tobytes()


def _references(content: bytes) -> npt.NDArray[Any]:
    whole = len(content) // REFERENCE.itemsize * REFERENCE.itemsize
    return np.frombuffer(content[:whole], REFERENCE)


def _is_whole(content: mmap.mmap, start: int) -> bool:
    """Whether the collection at a place is all there, and its objects fill it one after another."""
    size = int.from_bytes(content[start + 8 : start + HEAD], "little")
    if size < HEAD or start + size > len(content):
        return False
    at = HEAD
    while at + HEAD <= size:
        number, length = OBJECT.unpack_from(content, start + at)
        if number == 0:  # what is free, its own head with it: to the end
            return bool(HEAD <= length <= size - at)
        at += HEAD + (length + 7) // 8 * 8
    return at <= size
