"""The SQLite files (.db3) of ROS 2 bags."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard

from dailies.recordings.files import READ_ERRORS
from dailies.recordings.logs import ANYWHERE, Found, Message, Places
from dailies.recordings.messages import Topic

_ERRORS = (*READ_ERRORS, sqlite3.Error, zstandard.ZstdError)


@dataclass(frozen=True)
class Ros2Log:
    """One .db3 file; ``file`` is its number where a bag has several.

    ``is_packed`` where every message is compressed (zstd) by itself.
    """

    path: Path
    file: int = 0
    is_packed: bool = False

    def messages(
        self,
        found: Found | None = None,
        topics: Collection[Topic] | None = None,
        places: Places | None = None,  # noqa: ARG002 - SQLite finds its own way
    ) -> Iterator[Message]:
        """See dailies.recordings.logs.Log."""
        seen = 0
        try:
            with closing(_opened(self.path)) as database:
                known = {one.id: one for one in topics or ()}
                if topics is None:
                    known = self._topics(database)
                    if found is not None:
                        found.topics |= dict.fromkeys(known.values())
                for number, when, data in _rows(database, None if topics is None else known):
                    seen += 1
                    topic = known.get(number)
                    if topic is not None and isinstance(data, bytes) and isinstance(when, int):
                        content = self._unpacked(data)
                        yield topic, when, when, content, ANYWHERE
        except _ERRORS as error:
            if found is not None:
                found.notes.append(
                    f"reading broke off after {seen:,} messages ({error}): copy it again, or see "
                    "why its recorder was stopped"
                )

    def _unpacked(self, data: bytes) -> bytes:
        if not self.is_packed:
            return data
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)

    def _topics(self, database: sqlite3.Connection) -> dict[int, Topic]:
        layouts = _layouts(database)
        rows = database.execute("SELECT id, name, type, serialization_format FROM topics")
        return {
            number: Topic(
                str(name),
                str(kind),
                str(encoding),
                *layouts.get(kind, (b"", "")),
                id=number,
                file=self.file,
            )
            for number, name, kind, encoding in rows
        }


def _opened(path: Path) -> sqlite3.Connection:
    """The file, read only; nothing is written beside it, unless a recorder left its journal."""
    left = path.with_name(path.name + "-wal")
    mode = "mode=ro" if left.exists() and left.stat().st_size else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)


def _rows(
    database: sqlite3.Connection, chosen: Collection[int] | None
) -> Iterator[tuple[int, int, bytes]]:
    """Messages in the order in which they were written: SQLite need not sort them."""
    query = "SELECT topic_id, timestamp, data FROM messages"
    if chosen is not None:
        query += f" WHERE topic_id IN ({', '.join(str(int(one)) for one in chosen)})"
    yield from database.execute(query)


def _layouts(database: sqlite3.Connection) -> dict[str, tuple[bytes, str]]:
    """Definition and its language of every type, where the bag is recent enough to hold them."""
    there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'message_definitions'")
    if there.fetchone() is None:
        return {}
    rows = database.execute(
        "SELECT topic_type, encoded_message_definition, encoding FROM message_definitions"
    )
    return {
        kind: (text.encode(), encoding)
        for kind, text, encoding in rows
        if text and encoding in ("ros2msg", "ros2idl")
    }
