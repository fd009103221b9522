"""Rows of any length in an HDF5 file: whether what they refer to can be read.

Their content lies in the *global heap*, in collections of objects each of which says how long it is
("Disk Format: Level 1E - Global Heap" of the HDF5 file format specification 3.0). Where one says 0,
as in a stretch of zeros, HDF5's own library looks for the next object for ever. So it is asked only
for rows whose collections are whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np
import numpy.typing as npt

REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("object", "<u4")])
"""A row in the table of a dataset, where addresses take eight bytes."""
OBJECT = struct.Struct("<H2x4xQ")
"""Head of an object: its number (0: free space), and how many bytes it has."""
HEAD = 16
"""Bytes before the objects of a collection, and before the content of each object."""


def readable_rows(file: BinaryIO, one: h5py.Dataset, base: int) -> int:
    """How many of the first rows of a dataset of rows of any length refer to what is whole.

    ``file`` is the file's own bytes, and no more of them than there are; addresses count from
    ``base``. Those that cannot be looked into, for a filter that is not known here, count as whole.
    """
    known: dict[int, bool] = {0: True}  # an empty row refers to nothing
    count = int(np.prod(one.shape[1:], dtype=np.int64))
    for first, table in _tables(file, one, base):
        addresses, row = np.unique(table["address"], return_inverse=True)
        for address in addresses.tolist():
            if address not in known:
                known[address] = _is_whole(file, base + address)
        damaged = np.array([not known[address] for address in addresses.tolist()], np.bool_)
        if damaged.any() and (at := np.flatnonzero(damaged[row])).size:
            return min(first + int(at[0]) // max(count, 1), int(one.shape[0]))
    return int(one.shape[0])


def _tables(file: BinaryIO, one: h5py.Dataset, base: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """The table of references in pieces, each with its first row."""
    offset = one.id.get_offset()
    if offset is not None:
        file.seek(int(offset))
        yield 0, _references(file.read(one.size * REFERENCE.itemsize))
        return
    filters = [one.id.get_create_plist().get_filter(at)[0] for at in range(_filters(one))]
    if one.chunks is None or any(code != h5py.h5z.FILTER_DEFLATE for code in filters):
        return
    chunks: list[tuple[int, int, int, int]] = []

    def look(chunk: Any) -> None:
        chunks.append(
            (int(chunk.chunk_offset[0]), chunk.byte_offset, chunk.size, chunk.filter_mask)
        )

    one.id.chunk_iter(look)
    for first, at, size, unfiltered in sorted(chunks):
        file.seek(base + at)
        content = file.read(size)
        if filters and not unfiltered:
            try:
                content = zlib.decompress(content)
            except zlib.error:
                content = b""  # reading it says so
        yield first, _references(content)


def _filters(one: h5py.Dataset) -> int:
    return int(one.id.get_create_plist().get_nfilters())


def _references(content: bytes) -> npt.NDArray[Any]:
    whole = len(content) // REFERENCE.itemsize * REFERENCE.itemsize
    return np.frombuffer(content[:whole], REFERENCE)


def _is_whole(file: BinaryIO, start: int) -> bool:
    """Whether the collection at a place is all there, and its objects fill it one after another."""
    file.seek(start)
    head = file.read(HEAD)
    if len(head) < HEAD or not head.startswith(b"GCOL"):
        return False
    size = int.from_bytes(head[8:16], "little")
    file.seek(start + size - 1)
    if size < HEAD or len(file.read(1)) < 1:
        return False
    at = HEAD
    while at + HEAD <= size:
        file.seek(start + at)
        number, length = OBJECT.unpack(file.read(HEAD))
        if number == 0:  # what is free, its own head with it: to the end
            return bool(length >= HEAD)
        at += HEAD + (length + 7) // 8 * 8
    return True
