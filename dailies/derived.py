"""Tables that the mirror makes from its own rows, and keeps by difference as these change.

``sql/derived/<table>/*.sql`` holds one statement a file, run when rows of ``<table>`` change. The
tables that they fill are declared in sql/views, which empties them.

- ``episode``: run after a change of episodes, with these in the view ``touched``, as they were
  (``sign`` -1) and as they are (+1), in the columns ``SUMMED``.
- ``flag``: the same, with the flags of the touched episodes, when flags change or what they are
  counted by does. Where flags change it is run twice: before with ``$sign`` -1 and after with +1;
  otherwise once, with NULL for both.
- ``whole``: run instead where everything is added up, with all episodes as they are in ``touched``,
  and followed by ``flag``.
- any other table: run once, after a change of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dailies.writer import Writer

MANY = 20_000
"""Affected episodes from which on everything is added up anew, which is then the quicker way."""

PLACED = (
    "id", "worked_on", "site_id", "worker_id", "rig_id", "task_id", "program_id", "duplicate_of",
    "duration_s",
)  # fmt: skip
"""What decides where an episode's flags are counted, and with how many hours."""

SUMMED = (*PLACED, "verdict", "decision", "error")
"""What of an episode the sums need."""

_COLUMNS = ", ".join(SUMMED)
_BEFORE = f"SELECT {_COLUMNS} FROM episode WHERE id IN (SELECT id FROM changed) ORDER BY id"
_WHOLE = f"SELECT 1 AS sign, {_COLUMNS} FROM episode"


@dataclass(frozen=True)
class Touched:
    """The episodes that a change affects, in the columns SUMMED, as they were and as they will be.

    ``flags`` says whether flags are part of the change.
    """

    before: pa.Table
    after: pa.Table
    flags: bool

    @property
    def count(self) -> int:
        """How many they are."""
        return max(self.before.num_rows, self.after.num_rows)

    @property
    def signed(self) -> pa.Table:
        """Both, told apart by the column ``sign``: -1 and +1."""
        return pa.concat_tables([_signed(self.before, -1), _signed(self.after, 1)])

    @property
    def is_moved(self) -> bool:
        """Whether anything has changed by which flags are counted."""
        return not self.before.select(PLACED).equals(self.after.select(PLACED))


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
        self, writer: Writer, rows: dict[str, pa.Table], gone: dict[str, pa.Array[Any]]
    ) -> Touched | None:
        """What changed or deleted rows affect; to be asked before the change. None: no episode.

        ``rows`` are the changed rows, as they travel, and ``gone`` the deleted ids, by table.
        """
        if not self.statements.get("episode"):
            return None
        changed = rows.get("episode")
        dead = {} if "episode" not in gone else dict.fromkeys(gone["episode"].to_pylist())
        flags = [gone["flag"]] if "flag" in gone else []
        flagged: set[Any] = set()
        if "flag" in rows:
            flagged.update(rows["flag"]["episode_id"].to_pylist())
            flags.extend(rows["flag"]["id"].chunks)
        if flags:
            flagged.update(_of_flags(writer, flags))
        own = [] if changed is None else changed["id"].to_pylist()
        ids = sorted({*own, *dead, *flagged})
        if not ids:
            return None
        before = _asked(writer, _BEFORE, pa.array(ids, pa.int64()))
        # a row that is deleted and there again under the same id is among the changed ones
        has_changed = pc.is_in(before["id"], pa.array([*own, *dead], pa.int64()))
        left = before.filter(pc.invert(has_changed))
        arrived = before.slice(0, 0) if changed is None else _as(changed, before.schema)
        after = pa.concat_tables([left, arrived]).sort_by("id")
        return Touched(before, after, bool(flags))

    def before(self, writer: Writer, touched: Touched) -> None:
        """Takes out what the affected episodes' flags added, before these change."""
        if touched.flags:
            self._run_touched(writer, "flag", touched, {"sign": -1})

    def after(self, writer: Writer, touched: Touched | None, tables: Iterable[str]) -> None:
        """Adds up the differences, and makes anew what comes from other changed ``tables``."""
        if touched is not None:
            if not touched.before.equals(touched.after):
                self._run_touched(writer, "episode", touched)
            if touched.flags or touched.is_moved:
                self._run_touched(writer, "flag", touched, {"sign": 1 if touched.flags else None})
        for table in tables:
            if table not in ("episode", "flag"):
                self._run(writer, table)

    def whole(self, writer: Writer) -> None:
        """Adds everything up, into tables that are empty."""
        if self.statements.get("whole"):
            with writer.viewing("touched", _WHOLE):
                self._run(writer, "whole")
                self._run(writer, "flag", {"sign": 1})

    def _run_touched(
        self,
        writer: Writer,
        table: str,
        touched: Touched,
        given: dict[str, int | None] | None = None,
    ) -> None:
        with writer.reading("touched", touched.signed):
            self._run(writer, table, given)

    def _run(self, writer: Writer, table: str, given: dict[str, int | None] | None = None) -> None:
        for sql in self.statements.get(table, ()):
            writer.execute(sql, given)


def _signed(rows: pa.Table, sign: int) -> pa.Table:
    return rows.append_column("sign", pa.array(np.full(rows.num_rows, sign, np.int64)))


def _as(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows as they travel, in the types that the mirror gives them."""
    return rows.select(SUMMED).cast(schema)


def _asked(writer: Writer, sql: str, ids: pa.Array[Any]) -> pa.Table:
    with writer.reading("changed", pa.table({"id": ids})):
        found = writer.execute(sql).to_arrow_table()
        assert found is not None  # a SELECT always has one
        return found


def _of_flags(writer: Writer, ids: list[pa.Array[Any]]) -> list[Any]:
    """Ids of the episodes whose flags these were until now."""
    flags = pa.chunked_array(ids, pa.int64()).combine_chunks()
    sql = "SELECT DISTINCT episode_id AS id FROM flag WHERE id IN (SELECT id FROM changed)"
    return list(_asked(writer, sql, flags)["id"].to_pylist())
