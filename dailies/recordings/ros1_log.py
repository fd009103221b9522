"""ROS 1 bags (format 2.0), read record after record: no index is needed, and none is trusted.

Layout as in wiki.ros.org/Bags/Format/2.0.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dailies.recordings.contract import Episode
from dailies.recordings.files import READ_ERRORS, is_named
from dailies.recordings.logs import (
    ANYWHERE,
    UNPACK_ERRORS,
    Found,
    Message,
    Passage,
    Places,
    listed,
    unpacked,
)
from dailies.recordings.messages import Topic
from dailies.recordings.topics import episode_of
from dailies.recordings.video import sidecar_of
from dailies.words import NS

MAGIC = b"#ROSBAG V2.0\n"

_MESSAGE, _BAG, _INDEX, _CHUNK, _CHUNK_INFO, _CONNECTION = 2, 3, 4, 5, 6, 7
_LENGTH = struct.Struct("<I")
_PAIR = struct.Struct("<II")
_LONG = struct.Struct("<Q")
_HEADER_LIMIT = 1 << 20
_ERRORS = (*READ_ERRORS, struct.error)

Header = dict[bytes, bytes]


@dataclass(frozen=True)
class Ros1Log:
    """One bag."""

    path: Path

    def messages(
        self,
        found: Found | None = None,
        topics: Collection[Topic] | None = None,
        places: Places | None = None,
    ) -> Iterator[Message]:
        """See dailies.recordings.logs.Log."""
        try:
            with self.path.open("rb") as file:
                yield from _Reading(file, found, topics).messages(places)
        except _ERRORS as error:
            if found is not None:
                found.notes.append(f"reading broke off ({type(error).__name__}: {error})")


_PADDING = 512
"""So many zeros before the index, or more, may be a sector that was never written; fewer are no
loss."""


class Ros1Bag:
    """Reads the .bag files of ROS 1."""

    name = "ros1"
    suffixes = frozenset({".bag"})

    def recognises(self, path: Path) -> bool:
        """True for a finished file with a bag's ending."""
        return is_named(path, self.suffixes)

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of the bag."""
        if indexes is None or 0 in indexes:
            yield episode_of(Ros1Log(path), path, (path,), kind="ros1", beside=sidecar_of(path))


class _Reading(Passage):
    """One passage through the file."""

    def __init__(
        self, file: BinaryIO, found: Found | None, topics: Collection[Topic] | None
    ) -> None:
        super().__init__(file, found, topics)
        self._index_at = 0

    def messages(self, places: Places | None) -> Iterator[Message]:
        if (chunks := listed(places)) is not None:
            for place in chunks:
                self._file.seek(place)
                yield from self._record(place)
            return
        if self._file.read(len(MAGIC)) != MAGIC:
            self._note(
                "it does not begin as a ROS 1 bag of format 2.0 does: copy it again from the "
                "recorder"
            )
            return
        at = len(MAGIC)
        while at < self._size:
            self._file.seek(at)
            try:
                yield from self._record(at)
                end = self._end(at)
            except _ERRORS as error:
                after = self._resumed(at)
                if not self._is_padding(at, after):
                    self._note_break(at, after, f" ({error})")
                if after is None:
                    return
                end = after
            at = end

    def _end(self, at: int) -> int:
        """Where the record at ``at`` ends. Raises ValueError where the file ends before it."""
        self._file.seek(at)
        header_length = self._number()
        self._file.seek(at + 4 + header_length)
        end = at + 8 + header_length + self._number()
        if end > self._size:
            raise ValueError("the file ends inside a record")
        return end

    def _record(self, at: int) -> Iterator[Message]:
        header = self._header()
        length = self._number()
        kind = header.get(b"op", b"\0")[0]
        if kind == _CHUNK:
            yield from self._chunk(at, header, length)
        elif kind == _CONNECTION:
            self._open(header, self._file.read(length))
        elif kind == _MESSAGE:
            topic = self._topics.get(_number_in(header, b"conn"))
            if topic is not None and self._file.tell() + length <= self._size:
                when = _time(header)
                yield topic, when, when, self._file.read(length), ANYWHERE
        elif kind == _CHUNK_INFO:
            self._count(self._file.read(length))
        elif kind == _BAG:
            self._begin(header)
        elif kind != _INDEX:
            raise ValueError(f"a record of kind {kind} is unknown")

    def _chunk(self, at: int, header: Header, length: int) -> Iterator[Message]:
        there = min(length, self._size - self._file.tell())
        data = self._file.read(there)
        compression = header.get(b"compression", b"none").decode()
        try:
            size = _number_in(header, b"size")
            content = memoryview(unpacked(compression, data, size, is_whole=there == length))
        except (*UNPACK_ERRORS, struct.error) as error:
            self._note_packed(at, error)
            return
        try:
            yield from self._messages_in(content, at)
        except _ERRORS as error:
            if there == length:
                self._note_damaged(at, error)

    def _messages_in(self, content: memoryview, place: int) -> Iterator[Message]:
        at, size = 0, len(content)
        while at < size:
            (length,) = _LENGTH.unpack_from(content, at)
            header = _fields(bytes(content[at + 4 : at + 4 + length]))
            at += 4 + length
            (length,) = _LENGTH.unpack_from(content, at)
            at += 4
            if at + length > size:
                raise ValueError("it ends inside a message")
            kind = header.get(b"op", b"\0")[0]
            if kind == _MESSAGE:
                topic = self._topics.get(_number_in(header, b"conn"))
                if topic is not None:
                    when = _time(header)
                    yield topic, when, when, content[at : at + length], place
            elif kind == _CONNECTION:
                self._open(header, bytes(content[at : at + length]))
            at += length

    def _open(self, header: Header, content: bytes) -> None:
        number = _number_in(header, b"conn")
        if not self._is_new(number):
            return
        told = _fields(content)
        self._meet(
            Topic(
                told.get(b"topic", header.get(b"topic", b"")).decode(),
                told[b"type"].decode(),
                "ros1",
                told.get(b"message_definition", b""),
                "ros1msg",
                id=number,
            )
        )

    def _count(self, content: bytes) -> None:
        for at in range(0, len(content) - 7, 8):
            number, count = _PAIR.unpack_from(content, at)
            topic = self._topics.get(number)
            if topic is not None:
                promised = self._found.promised
                promised[topic] = promised.get(topic, 0) + count

    def _begin(self, header: Header) -> None:
        self._index_at = _LONG.unpack(header[b"index_pos"])[0]
        if not self._index_at:
            self._note(
                "it has no index, for its recorder did not close it: what was not written yet is "
                "lost, see why the recorder was stopped"
            )

    def _header(self) -> Header:
        length = self._number()
        if length > _HEADER_LIMIT:
            raise ValueError("there is no record")
        return _fields(self._file.read(length))

    def _number(self) -> int:
        content = self._file.read(4)
        if len(content) < 4:
            raise ValueError("the file ends inside a record")
        return int(_LENGTH.unpack(content)[0])

    def _resumed(self, lost_at: int) -> int | None:
        """Where the first chunk after a damaged place begins, by the index at the file's end."""
        starts, at = [], self._index_at
        try:
            while lost_at < at < self._size:
                self._file.seek(at)
                header = self._header()
                if header.get(b"op") == bytes([_CHUNK_INFO]):
                    starts.append(_LONG.unpack(header[b"chunk_pos"])[0])
                at = self._end(at)
        except _ERRORS:
            return None
        later = [one for one in starts if lost_at < one < self._size]
        return min(later, default=self._index_at if self._index_at > lost_at else None)

    def _is_padding(self, at: int, after: int | None) -> bool:
        """Whether nothing but zeros lies between the last record and the index: some writers leave
        room there.
        """
        if after is None or after != self._index_at or after - at >= _PADDING:
            return False
        self._file.seek(at)
        return not any(self._file.read(after - at))


def _fields(content: bytes) -> Header:
    """The fields name=value of a record's header. Raises ValueError or struct.error."""
    fields: Header = {}
    at = 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        name, equals, value = content[at + 4 : at + 4 + length].partition(b"=")
        if not equals or not name:
            raise ValueError("a record's header is damaged")
        fields[name] = value
        at += 4 + length
    return fields


def _number_in(header: Header, name: bytes) -> int:
    return int(_LENGTH.unpack(header[name])[0])


def _time(header: Header) -> int:
    seconds, parts = _PAIR.unpack(header[b"time"])
    return int(seconds * NS + parts)
