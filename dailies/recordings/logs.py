"""What the containers of robot logs have in common: messages one after the other, as a stream."""

from __future__ import annotations

import bz2
import os
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import lz4.frame  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
import zstandard

from dailies.recordings.files import READ_ERRORS
from dailies.recordings.messages import Topic

Places = npt.NDArray[np.int64]
Message = tuple[Topic, int, int, "bytes | memoryview", int]
"""A message: topic, log time and publish time (ns; the same where a log keeps but one), content,
and the place from which it can be read again."""

ANYWHERE = -1
"""Place of a message that lies in no chunk: the whole file is gone through for it again."""

UNPACK_ERRORS = (*READ_ERRORS, zstandard.ZstdError, zlib.error, RuntimeError, EOFError)
"""What decompressors raise on damaged chunks."""

_MOST = 1 << 31  # a chunk that says it is larger is damaged


@dataclass
class Found:
    """What a first reading finds besides the messages.

    ``topics`` are those that the log lists, ``promised`` how many messages it promises of each,
    ``said`` the texts it keeps about itself by the name of the record, and ``notes`` what is lost
    or damaged, in words that say where and what to do.
    """

    topics: dict[Topic, None] = field(default_factory=dict)
    promised: dict[Topic, int] = field(default_factory=dict)
    said: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Log(Protocol):
    """A log on disk; a frozen dataclass, so that it can go to another process."""

    @property
    def path(self) -> Path: ...

    def messages(
        self,
        found: Found | None = None,
        topics: Collection[Topic] | None = None,
        places: Places | None = None,
    ) -> Iterator[Message]:
        """Every message in the order of the file, one chunk in memory at a time.

        With ``topics``, those of them alone, and with ``places`` (of their messages, ascending)
        without going through the rest. ``found`` takes what is noticed on the way. Damage raises
        nothing: it is noted and stepped over.
        """


def unpacked(
    compression: str, data: bytes | memoryview, size: int, *, is_whole: bool = True
) -> bytes | memoryview:
    """The content of a chunk packed as "zstd", "lz4", "bz2" or "none"; ``size`` is of the content.

    Of a chunk that is not whole, as much as there is. Raises one of UNPACK_ERRORS where it is
    damaged.
    """
    if size > _MOST:
        raise ValueError(f"it says to hold {size} bytes")
    if compression in ("", "none"):
        return data
    if compression == "zstd":
        if is_whole:
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        return _in_parts(zstandard.ZstdDecompressor().decompressobj(), data)
    if compression == "lz4":
        return _in_parts(lz4.frame.LZ4FrameDecompressor(), data, is_whole=is_whole)
    if compression == "bz2":
        return _in_parts(bz2.BZ2Decompressor(), data, is_whole=is_whole)
    raise ValueError(f'its compression is "{compression}", which Dailies does not know')


def _in_parts(decompressor: Any, data: bytes | memoryview, *, is_whole: bool = False) -> bytes:
    if is_whole:
        return bytes(decompressor.decompress(bytes(data)))
    # a part that is damaged must not take those before it along
    done = bytearray()
    for start in range(0, len(data), 4096):
        try:
            done += decompressor.decompress(bytes(data[start : start + 4096]))
        except UNPACK_ERRORS:
            break
    return bytes(done)


class Passage:
    """One passage through a log's file: what readers of logs with chunks of messages share."""

    def __init__(
        self, file: BinaryIO, found: Found | None, topics: Collection[Topic] | None
    ) -> None:
        self._file = file
        self._found = found or Found()
        self._size = os.fstat(file.fileno()).st_size
        self._topics = {topic.id: topic for topic in topics or ()}
        self._is_chosen = topics is not None

    def _note(self, text: str) -> None:
        if text not in self._found.notes:
            self._found.notes.append(text)

    def _note_break(self, at: int, after: int | None, why: str = "") -> None:
        """What was lost at a damaged place; ``after`` is where reading goes on, if it does."""
        self._note(
            f"it breaks off at byte {at:,} of {self._size:,}{why}: what came "
            + (f"up to byte {after:,} is lost" if after else "after it is lost")
            + ", copy it again, or see why its recorder was stopped"
        )

    def _note_packed(self, at: int, error: BaseException) -> None:
        """A chunk that cannot be unpacked."""
        self._note(
            f"the chunk at byte {at:,} cannot be unpacked ({error}): its messages are lost, "
            "copy the file again"
        )

    def _note_damaged(self, at: int, error: BaseException) -> None:
        """A chunk whose messages cannot be told apart."""
        self._note(f"the chunk at byte {at:,} is damaged ({error}): copy the file again")

    def _is_new(self, number: int) -> bool:
        """Whether the topic of this number is wanted and was not met before."""
        return not self._is_chosen and number not in self._topics

    def _meet(self, topic: Topic) -> None:
        self._topics[topic.id] = topic
        self._found.topics[topic] = None


def listed(places: Places | None) -> list[int] | None:
    """The places to go to, each once; None where the whole file is to be gone through."""
    if places is None or not len(places) or ANYWHERE in places:
        return None
    return [int(place) for place in np.unique(places)]


@dataclass(frozen=True)
class Chain:
    """Several files that are one log, in order. A place's upper bits are the number of its file."""

    path: Path
    logs: tuple[Log, ...]

    def messages(
        self,
        found: Found | None = None,
        topics: Collection[Topic] | None = None,
        places: Places | None = None,
    ) -> Iterator[Message]:
        """See Log."""
        for number, log in enumerate(self.logs):
            wanted = None if topics is None else [one for one in topics if one.file == number]
            if wanted is not None and not wanted:
                continue
            there = None
            if places is not None:
                there = places[places >> _FILE_BITS == number] & _IN_FILE
                there = np.where(there == _IN_FILE, ANYWHERE, there)
            for topic, logged, published, data, place in log.messages(found, wanted, there):
                yield topic, logged, published, data, number << _FILE_BITS | place & _IN_FILE


_FILE_BITS = 48
_IN_FILE = (1 << _FILE_BITS) - 1
