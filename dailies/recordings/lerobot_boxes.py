"""How large the pictures of an MP4 are, by its index alone: opening it would take far longer."""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import BinaryIO

from dailies.recordings.files import READ_ERRORS

_MOST_BYTES = 256 << 20
"""No index of a dataset's video is larger: what says so is damaged."""


def size_of(path: Path) -> tuple[int, int] | None:
    """Height and width, kept while the file is unchanged; None where it is no MP4 or damaged."""
    try:
        state = path.stat()
        return _size(path, state.st_size, state.st_mtime_ns)
    except (*READ_ERRORS, struct.error):
        return None


@functools.lru_cache(maxsize=256)
def _size(path: Path, size: int, mtime_ns: int) -> tuple[int, int] | None:  # noqa: ARG001 - the key
    with path.open("rb") as file:
        index = _index(file, size)
    # a track's video header stands before the description of its samples
    at = index.find(b"vmhd")
    at = index.find(b"stsd", at) if at >= 0 else -1
    if at < 0:
        return None
    width, height = struct.unpack_from(">HH", index, at + 44)
    return (height, width) if height and width else None


def _index(file: BinaryIO, size: int) -> bytes:
    """The content of the box "moov"; empty where there is none."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, name = struct.unpack_from(">I4s", head)
        if length == 1:
            (length,) = struct.unpack_from(">Q", head, 8)
        if name == b"moov":
            file.seek(at)
            return file.read(min(length, _MOST_BYTES))
        if length < 8:  # to the file's end, or damaged
            break
        at += length
    return b""
