"""Tables that the mirror keeps by day, and brings up to date when a question needs them.

``sql/settled/*.sql`` holds one statement a file that fills such a table for some days; the tables
are declared in sql/views, which empties them. They cost too much to follow every change and too
much to make for every question, so changes only spoil days, and the next question that names one
of the tables, or a macro that reads one, has these days made anew first.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from dailies.derived import Touched
from dailies.writer import Writer

_TABLE = re.compile(r"INSERT INTO (\w+)")
_MADE = re.compile(r"^CREATE OR REPLACE (?:MACRO|VIEW) (\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Days:
    """Some days; ``on`` None means every day."""

    on: frozenset[dt.date] | None

    def __or__(self, other: Days) -> Days:
        """The days of both."""
        return EVER if self.on is None or other.on is None else Days(self.on | other.on)

    def __bool__(self) -> bool:
        return self.on is None or bool(self.on)


NEVER, EVER = Days(frozenset()), Days(None)


@dataclass(frozen=True)
class Settled:
    """The statements, the tables that they fill, and all names that read one of these.

    ``sources`` are the tables of the record that spoil every day when they change; episodes spoil
    those on which they are counted.
    """

    statements: tuple[str, ...]
    tables: tuple[str, ...]
    names: frozenset[str]
    sources: frozenset[str] = frozenset({"rate", "shift"})

    @classmethod
    def read(cls, folder: Path, views: Iterable[str]) -> Settled:
        """The statements in ``folder``, of which there may be none, and who of ``views`` reads."""
        statements = tuple(file.read_text("utf-8") for file in sorted(folder.glob("*.sql")))
        tables = tuple(name for sql in statements for name in _TABLE.findall(sql))
        names = set(tables)
        for view in views:
            made = [(match[1], match.end()) for match in _MADE.finditer(view)]
            for (name, start), (_, end) in itertools.pairwise([*made, ("", len(view))]):
                if not names.isdisjoint(_words(view[start:end])):
                    names.add(name)
        return cls(statements, tables, frozenset(names))

    def is_named(self, sql: str) -> bool:
        """Whether a question reads one of the tables."""
        return not self.names.isdisjoint(_words(sql))

    def spoiled(self, touched: Touched | None, changed: Iterable[str]) -> Days:
        """The days that a change spoils: of these episodes, and of these tables of the record."""
        if not self.sources.isdisjoint(changed):
            return EVER
        if touched is None:
            return NEVER
        on = (pc.unique(rows["worked_on"]).to_pylist() for rows in (touched.before, touched.after))
        return Days(frozenset(day for day in itertools.chain.from_iterable(on) if day))

    def settle(self, writer: Writer, days: Days) -> int:
        """Makes these days anew; how many rows were there before."""
        given = {"days": None if days.on is None else sorted(days.on)}
        gone = 0
        for table in self.tables:
            removed = f"DELETE FROM {table} WHERE is_on($days, worked_on)"
            gone += writer.count(removed, given)
        for sql in self.statements:
            writer.execute(sql, given)
        return gone


def _words(sql: str) -> list[str]:
    return _WORD.findall(re.sub(r"--.*", "", sql))
