"""MCAP files, read record after record, so that one cut off or unindexed gives what it holds.

Layout as in the MCAP specification (mcap.dev/spec); records that are not messages are parsed by
the ``mcap`` package.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Attachment, Channel, Metadata, Schema, Statistics

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

MAGIC = b"\x89MCAP0\r\n"
RECORD_ERRORS = (*READ_ERRORS, McapError, struct.error)

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_CHUNK = struct.Struct("<QQQII")
_SMALL = 16 << 20  # no record but chunks, messages and attachments is larger


@dataclass(frozen=True)
class McapLog:
    """One MCAP file; ``file`` is its number where it is one of several."""

    path: Path
    file: int = 0

    def messages(
        self,
        found: Found | None = None,
        topics: Collection[Topic] | None = None,
        places: Places | None = None,
    ) -> Iterator[Message]:
        """See dailies.recordings.logs.Log."""
        try:
            with self.path.open("rb") as file:
                yield from _Reading(self, file, found, topics).messages(places)
        except RECORD_ERRORS as error:
            if found is not None:
                found.notes.append(f"reading broke off ({type(error).__name__}: {error})")


class Mcap:
    """Reads .mcap files."""

    name = "mcap"
    suffixes = frozenset({".mcap"})

    def recognises(self, path: Path) -> bool:
        """True for a finished file with MCAP's ending."""
        return is_named(path, self.suffixes)

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of the file."""
        if indexes is None or 0 in indexes:
            yield episode_of(McapLog(path), path, (path,), kind="mcap", beside=sidecar_of(path))


class _Reading(Passage):
    """One passage through the file."""

    def __init__(
        self,
        log: McapLog,
        file: BinaryIO,
        found: Found | None,
        topics: Collection[Topic] | None,
    ) -> None:
        super().__init__(file, found, topics)
        self._log = log
        self._checks = found is not None
        self._schemas: dict[int, Schema] = {}
        self._is_ended = False

    def messages(self, places: Places | None) -> Iterator[Message]:
        if (chunks := listed(places)) is not None:
            for place in chunks:
                self._file.seek(place)
                opcode, length = self._head()
                if opcode == Opcode.CHUNK:
                    yield from self._chunk(place, length)
            return
        if self._file.read(len(MAGIC)) != MAGIC:
            self._note("it does not begin as an MCAP file does: copy it again from the recorder")
            return
        at = len(MAGIC)
        while at < self._size:
            self._file.seek(at)
            opcode, length = self._head()
            end = at + _HEAD.size + length
            is_known = opcode in _KNOWN or opcode >= 0x80
            if end > self._size or not is_known:
                if opcode == Opcode.CHUNK and end > self._size:
                    yield from self._chunk(at, length)
                after = self._resumed(at)
                self._note_break(at, after)
                if after is None:
                    return
                at = after
                continue
            yield from self._record(at, opcode, length)
            if self._is_ended:
                return
            at = end
        self._note(
            "it has no end mark: what its recorder had not written yet is lost, copy it again, or "
            "see why the recorder was stopped"
        )

    def _head(self) -> tuple[int, int]:
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return 0, self._size
        opcode, length = _HEAD.unpack(head)
        return opcode, length

    def _record(self, at: int, opcode: int, length: int) -> Iterator[Message]:
        if opcode == Opcode.CHUNK:
            yield from self._chunk(at, length)
        elif opcode == Opcode.MESSAGE:
            yield from self._loose(length)
        elif opcode == Opcode.FOOTER:
            self._is_ended = True
        elif opcode in _PARSED and length <= _SMALL:
            try:
                self._take(opcode, self._file.read(length))
            except RECORD_ERRORS as error:
                self._note(f"the record at byte {at:,} is damaged ({error}): copy it again")

    def _loose(self, length: int) -> Iterator[Message]:
        head = self._file.read(_MESSAGE.size)
        if len(head) < _MESSAGE.size or length < _MESSAGE.size:
            return
        channel, _, logged, published = _MESSAGE.unpack(head)
        topic = self._topics.get(channel)
        if topic is not None:
            data = self._file.read(length - _MESSAGE.size)
            yield topic, logged, published, data, ANYWHERE

    def _chunk(self, at: int, length: int) -> Iterator[Message]:
        try:
            content = self._content(at, length)
        except (*UNPACK_ERRORS, struct.error) as error:
            self._note_packed(at, error)
            return
        try:
            yield from self._messages_in(content, at)
        except RECORD_ERRORS as error:
            self._note_damaged(at, error)

    def _content(self, at: int, length: int) -> memoryview:
        there = min(length, self._size - at - _HEAD.size)
        raw = memoryview(self._file.read(there))
        _, _, size, crc, text = _CHUNK.unpack_from(raw)
        start = _CHUNK.size + text
        compression = bytes(raw[_CHUNK.size : start]).decode()
        is_whole = there == length
        content = unpacked(compression, raw[start + 8 :], size, is_whole=is_whole)
        if self._checks and is_whole and crc and zlib.crc32(content) != crc:
            self._note(
                f"the chunk at byte {at:,} is not what was written (its checksum differs): "
                "copy the file again"
            )
        return memoryview(content)

    def _messages_in(self, content: memoryview, place: int) -> Iterator[Message]:
        at, size = 0, len(content)
        head, message, topics = _HEAD.unpack_from, _MESSAGE.unpack_from, self._topics
        while at + _HEAD.size <= size:
            opcode, length = head(content, at)
            at += _HEAD.size
            if at + length > size:  # the chunk is cut off
                return
            if opcode == Opcode.MESSAGE:
                channel, _, logged, published = message(content, at)
                topic = topics.get(channel)
                if topic is not None:
                    data = content[at + _MESSAGE.size : at + length]
                    yield topic, logged, published, data, place
            elif opcode in (Opcode.CHANNEL, Opcode.SCHEMA):
                self._take(opcode, bytes(content[at : at + length]))
            at += length

    def _take(self, opcode: int, content: bytes) -> None:
        record = _PARSED[Opcode(opcode)](ReadDataStream(io.BytesIO(content)))
        if isinstance(record, Schema):
            self._schemas[record.id] = record
        elif isinstance(record, Channel):
            self._open(record)
        elif isinstance(record, Metadata):
            self._found.said.append((record.name, record.metadata))
        elif isinstance(record, Attachment):
            self._attached(record)
        elif isinstance(record, Statistics):
            counts = record.channel_message_counts
            self._found.promised |= {
                topic: counts[number] for number, topic in self._topics.items() if number in counts
            }

    def _open(self, channel: Channel) -> None:
        if not self._is_new(channel.id):
            return
        schema = self._schemas.get(channel.schema_id)
        self._meet(
            Topic(
                channel.topic,
                schema.name if schema else "",
                channel.message_encoding,
                schema.data if schema else b"",
                schema.encoding if schema else "",
                id=channel.id,
                file=self._log.file,
            )
        )

    def _attached(self, attachment: Attachment) -> None:
        """A JSON attachment may say whose recording it is."""
        if attachment.name.endswith(".json") or attachment.media_type == "application/json":
            try:
                values = orjson.loads(attachment.data)
            except orjson.JSONDecodeError:
                return
            if isinstance(values, dict):
                self._found.said.append((Path(attachment.name).stem, values))

    def _resumed(self, lost_at: int) -> int | None:
        """Where the first chunk after a damaged place begins, by the index at the file's end."""
        try:
            self._file.seek(0)
            summary = SeekingReader(self._file, record_size_limit=_SMALL).get_summary()
        except (*RECORD_ERRORS, RuntimeError):
            return None
        chunks = summary.chunk_indexes if summary else []
        starts = [one.chunk_start_offset for one in chunks]
        return min((one for one in starts if lost_at < one < self._size), default=None)


_PARSED: dict[Opcode, Callable[[ReadDataStream], Any]] = {
    Opcode.SCHEMA: Schema.read,
    Opcode.CHANNEL: Channel.read,
    Opcode.METADATA: Metadata.read,
    Opcode.ATTACHMENT: Attachment.read,
    Opcode.STATISTICS: Statistics.read,
}
_KNOWN = frozenset(int(one) for one in Opcode)
