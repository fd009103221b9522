"""Whether a Matroska or WebM file is all there: FFmpeg plays one that is cut off without a word.

A file is a tree of elements, each an id, a size and so many bytes (RFC 8794, RFC 9559). A recorder
that could not go back at the end leaves sizes unknown: those elements last until the next of their
kind, and what is in them is looked through instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
KNOWN = {
    EBML, SEGMENT, CLUSTER,
    0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1941A469, 0x1043A770,
    0xE7, 0xA7, 0xAB, 0x5854, 0xA3, 0xA0, 0xAF, 0xEC, 0xBF,
}  # fmt: skip
"""Elements of a segment (index, facts, tracks, cues, tags, attachments, chapters), of a cluster,
and those that may stand anywhere (void, checksum)."""
SUFFIXES = (".mkv", ".webm")


def missing_bytes(path: Path) -> int:
    """How many bytes the file is shorter, at least, than its elements say; 0 where it is whole.

    Nothing is said of a file whose elements make no sense. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            file.seek(at)
            element = _element(file)
            if element is None:
                return 1
            kind, head, length = element
            if kind not in KNOWN or (at == 0) != (kind == EBML):
                return 0
            if length is None:
                if kind not in (SEGMENT, CLUSTER):
                    return 0
                at += head
            elif at + head + length > size:
                return at + head + length - size
            elif kind == SEGMENT:
                return 0  # what comes after it is no part of the film
            else:
                at += head + length
    return 0


def _element(file: BinaryIO) -> tuple[int, int, int | None] | None:
    """Id of the element that begins here, bytes of its head, and of its content, None if unknown;
    None in all where the head is not all there.
    """
    kind, id_bytes = _number(file, with_mark=True)
    length, size_bytes = _number(file, with_mark=False)
    if kind is None or length is None:
        return None
    unknown = length == (1 << 7 * size_bytes) - 1
    return kind, id_bytes + size_bytes, None if unknown else length


def _number(file: BinaryIO, *, with_mark: bool) -> tuple[int | None, int]:
    """A number of one to eight bytes, which the first one's leading zeros count; and how many."""
    first = file.read(1)
    count = 9 - first[0].bit_length() if first else 1
    rest = file.read(count - 1)
    if not first or len(rest) < count - 1:
        return None, 0
    head = first[0] if with_mark else first[0] & ((1 << (8 - count)) - 1 if count <= 8 else 0)
    return int.from_bytes(bytes([head]) + rest, "big"), count
