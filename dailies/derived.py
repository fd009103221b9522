"""Tables that the mirror makes from its own rows, and keeps by difference as these change.

``sql/derived/<table>/*.sql`` holds one statement a file, run when rows of ``<table>`` change. With
``$sign`` and ``$ids`` a statement is run twice: with -1 for what the affected rows added before,
with +1 for what they add now. Without, once, after the change. An episode is affected by its own
change and by that of its flags. The tables are declared in sql/views, which empties them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

MANY = 20_000
"""Affected episodes from which on everything is added up anew, which is then the quicker way."""


class Cursor(Protocol):
    """The part of DuckDB's cursor that is needed here."""

    def execute(self, query: str, parameters: Any = ...) -> Any:
        """Runs one statement."""

    def register(self, view_name: str, python_object: Any) -> Any:
        """Lets SQL read an Arrow table."""

    def unregister(self, view_name: str) -> Any:
        """Forgets it."""


@dataclass(frozen=True)
class Derived:
    """The statements: of differences, by episode; and made anew, by the table they come from."""

    by_episode: tuple[str, ...]
    anew: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, folder: Path) -> Derived:
        """The statements in ``folder``; none where it is missing."""
        texts = {
            kind.name: tuple(
                file.read_text(encoding="utf-8") for file in sorted(kind.glob("*.sql"))
            )
            for kind in sorted(folder.glob("*"))
        }
        return cls(texts.pop("episode", ()), texts)

    def add(self, cursor: Cursor, sign: int, ids: list[int] | None) -> None:
        """Adds (``sign`` 1) or takes out (-1) what these episodes add up to; None means all."""
        if ids is None or ids:
            for sql in self.by_episode:
                cursor.execute(sql, {"sign": sign, "ids": ids})

    def renew(self, cursor: Cursor, tables: Iterable[str]) -> None:
        """Makes anew what comes from ``tables``."""
        for table in tables:
            for sql in self.anew.get(table, ()):
                cursor.execute(sql)

    def affected(
        self, cursor: Cursor, rows: dict[str, pa.Table], gone: dict[str, pa.Array[Any]]
    ) -> list[int]:
        """Ids of the episodes that changed or deleted rows touch; to ask before the change.

        ``rows`` are the changed rows and ``gone`` the deleted ids, by table.
        """
        if not self.by_episode:
            return []
        touched: set[Any] = set()
        if "episode" in rows:
            touched.update(rows["episode"]["id"].to_pylist())
        if "episode" in gone:
            touched.update(gone["episode"].to_pylist())
        flags = [gone["flag"]] if "flag" in gone else []
        if "flag" in rows:
            touched.update(rows["flag"]["episode_id"].to_pylist())
            flags.extend(rows["flag"]["id"].chunks)
        if flags:
            touched.update(_of_flags(cursor, flags))
        return sorted(touched)


def _of_flags(cursor: Cursor, ids: list[pa.Array[Any]]) -> list[int]:
    """Ids of the episodes whose flags these were until now."""
    cursor.register("touched", pa.table([pa.chunked_array(ids, pa.int64())], names=["id"]))
    found = cursor.execute(
        "SELECT DISTINCT episode_id FROM flag WHERE id IN (SELECT id FROM touched)"
    ).fetchall()
    cursor.unregister("touched")
    return [episode_id for (episode_id,) in found]
