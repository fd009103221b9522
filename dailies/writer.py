"""The connection by which the mirror writes: statements parsed once, Arrow tables put under names.

To register a table under a name, DuckDB makes a view, and drops it again after; to parse a long
statement takes it longer than to run it on a few rows. Both are done once here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa


class _Place:
    """What SQL reads under a name: whichever table is in it, all of one schema.

    DuckDB asks for its stream each time it scans (the Arrow PyCapsule interface).
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = schema.empty_table()

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]


class Writer:
    """A connection for one thread at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._cursor = connection.cursor()
        self._places: dict[str, _Place] = {}
        self._parsed: dict[str, list[duckdb.Statement]] = {}

    def close(self) -> None:
        """Lets go of the database."""
        self._cursor.close()

    def execute(self, sql: str, given: Any = None) -> duckdb.DuckDBPyConnection:
        """Runs SQL, which may be several statements where nothing is ``given``."""
        if sql not in self._parsed:
            self._parsed[sql] = duckdb.extract_statements(sql)
        for statement in self._parsed[sql]:
            self._cursor.execute(statement, given)
        return self._cursor

    def count(self, sql: str, given: Any = None) -> int:
        """Runs a statement that changes rows; how many they were."""
        found = self.execute(sql, given).fetchone()
        return int(found[0]) if found else 0

    @contextlib.contextmanager
    def reading(self, name: str, rows: pa.Table) -> Iterator[None]:
        """Lets SQL read a table under a name, for as long as it lasts."""
        place = self._places.get(name)
        if place is None or not place.schema.equals(rows.schema):
            place = self._places[name] = _Place(rows.schema)
            self._cursor.register(name, place)
        place.rows = rows
        try:
            yield
        finally:
            place.rows = place.schema.empty_table()

    @contextlib.contextmanager
    def viewing(self, name: str, select: str) -> Iterator[None]:
        """Lets SQL read what a SELECT gives under a name, for as long as it lasts."""
        self._places.pop(name, None)
        self._cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")
        yield
        self._cursor.execute(f"DROP VIEW {name}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One of DuckDB: all that is written in it shows at once, or not at all."""
        self._cursor.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK")
            self._places.clear()  # a name that was made in it is gone
            raise
        self._cursor.execute("COMMIT")
