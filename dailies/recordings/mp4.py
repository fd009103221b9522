"""The boxes of an ISO base media file (mp4, mov, 3gp; ISO/IEC 14496-12), told without decoding."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp")
BOXES_MAX = 64
"""A file of more boxes at its top is none, but for one that was written in fragments."""


@dataclass(frozen=True)
class Boxes:
    """The kinds of the boxes that lie one after the other at the top of a file.

    ``is_open`` says that the last one goes to the end of the file, wherever that will be, and
    ``is_whole`` that they end where the file does.
    """

    kinds: frozenset[bytes]
    is_open: bool
    is_whole: bool


def boxes_of(path: Path) -> Boxes:
    """The boxes, as far as they are any. Raises OSError."""
    kinds: set[bytes] = set()
    end, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                break
            size, kind = struct.unpack(">I4s", head[:8])
            if size == 1 and len(head) == 16:
                size = struct.unpack(">Q", head[8:])[0]
            if size == 0:
                return Boxes(frozenset({*kinds, kind}), is_open=True, is_whole=False)
            if size < 8 or not kind.isascii() or len(kinds) > BOXES_MAX:
                break
            kinds.add(kind)
            at += size
    return Boxes(frozenset(kinds), is_open=False, is_whole=at == end)


def lacks_index(path: Path) -> bool:
    """Whether a file begins as one, and the index (moov) without which nobody can read it is not
    there. Raises OSError.
    """
    kinds = boxes_of(path).kinds
    return b"ftyp" in kinds and b"moov" not in kinds
