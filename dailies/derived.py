"""Tables that the mirror makes from its own rows, and keeps by difference as these change.

``sql/derived/<table>/*.sql`` holds one statement a file, run when rows of ``<table>`` change. The
tables that they fill are declared in sql/views, which empties them.

- ``episode``: run after a change, with the affected episodes in the temporary table ``touched``,
  as they were (``sign`` -1) and as they are (+1). An episode is affected by its own change and by
  that of its flags.
- ``flag``: the same, with the flags of these episodes. Where flags change it is run twice: before
  with ``$sign`` -1 and after with +1; otherwise once, with NULL for both.
- any other table: run once, after a change of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

MANY = 20_000
"""Affected episodes from which on everything is added up anew, which is then the quicker way."""

_BEFORE = "CREATE OR REPLACE TEMP TABLE touched AS SELECT -1 AS sign, * FROM touched_of($ids)"
_AFTER = "INSERT INTO touched SELECT 1, * FROM touched_of($ids)"
_WHOLE = "CREATE OR REPLACE TEMP TABLE touched AS SELECT 1 AS sign, * FROM touched_of(NULL)"


class Cursor(Protocol):
    """The part of DuckDB's cursor that is needed here."""

    def execute(self, query: str, parameters: Any = ...) -> Any:
        """Runs one statement."""

    def register(self, view_name: str, python_object: Any) -> Any:
        """Lets SQL read an Arrow table."""

    def unregister(self, view_name: str) -> Any:
        """Forgets it."""


@dataclass(frozen=True)
class Touched:
    """The episodes that a change affects, and whether flags are part of it."""

    ids: list[int]
    flags: bool


@dataclass(frozen=True)
class Derived:
    """The statements, by the table from whose rows they make something."""

    statements: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, folder: Path) -> Derived:
        """The statements in ``folder``; none where it is missing."""
        return cls(
            {
                kind.name: tuple(
                    file.read_text(encoding="utf-8") for file in sorted(kind.glob("*.sql"))
                )
                for kind in sorted(folder.glob("*"))
            }
        )

    def touched(
        self, cursor: Cursor, rows: dict[str, pa.Table], gone: dict[str, pa.Array[Any]]
    ) -> Touched:
        """What changed or deleted rows affect; to be asked before the change.

        ``rows`` are the changed rows and ``gone`` the deleted ids, by table.
        """
        if not self.statements.get("episode"):
            return Touched([], False)
        ids: set[Any] = set()
        if "episode" in rows:
            ids.update(rows["episode"]["id"].to_pylist())
        if "episode" in gone:
            ids.update(gone["episode"].to_pylist())
        flags = [gone["flag"]] if "flag" in gone else []
        if "flag" in rows:
            ids.update(rows["flag"]["episode_id"].to_pylist())
            flags.extend(rows["flag"]["id"].chunks)
        if flags:
            ids.update(_of_flags(cursor, flags))
        return Touched(sorted(ids), bool(flags))

    def before(self, cursor: Cursor, touched: Touched) -> None:
        """Keeps the affected episodes as they are before the change."""
        if touched.ids:
            cursor.execute(_BEFORE, {"ids": touched.ids})
            if touched.flags:
                self._run(cursor, "flag", {"sign": -1})

    def after(self, cursor: Cursor, touched: Touched, tables: Iterable[str]) -> None:
        """Adds up the differences, and makes anew what comes from other changed ``tables``."""
        if touched.ids:
            cursor.execute(_AFTER, {"ids": touched.ids})
            self._run(cursor, "episode")
            self._run(cursor, "flag", {"sign": 1 if touched.flags else None})
        for table in tables:
            if table not in ("episode", "flag"):
                self._run(cursor, table)

    def whole(self, cursor: Cursor) -> None:
        """Adds everything up, into tables that are empty."""
        if self.statements.get("episode"):
            cursor.execute(_WHOLE)
            self._run(cursor, "episode")
            self._run(cursor, "flag", {"sign": 1})

    def _run(self, cursor: Cursor, table: str, given: dict[str, int | None] | None = None) -> None:
        for sql in self.statements.get(table, ()):
            cursor.execute(sql, given or {})


def _of_flags(cursor: Cursor, ids: list[pa.Array[Any]]) -> list[int]:
    """Ids of the episodes whose flags these were until now."""
    cursor.register("changed_flag", pa.table([pa.chunked_array(ids, pa.int64())], names=["id"]))
    found = cursor.execute(
        "SELECT DISTINCT episode_id FROM flag WHERE id IN (SELECT id FROM changed_flag)"
    ).fetchall()
    cursor.unregister("changed_flag")
    return [episode_id for (episode_id,) in found]
