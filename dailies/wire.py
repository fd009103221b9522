"""How a table of the record travels to the mirror: raw rows to Arrow, without the ORM.

Values travel in the simplest type that holds them exactly (an instant as whole microseconds, money
and dates as text) and are converted by DuckDB on arrival.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy import Column, Connection, Table, types

from dailies.record import Instant, Money

PIECE_ROWS = 10_000  # larger pieces keep the garbage collector busy
PIECE_BYTES = 8 << 20

CHANGE = "change"


@dataclass(frozen=True)
class _Kind:
    """A kind of column: its Arrow type on the way, its DuckDB type, and how to get there."""

    arrow: pa.DataType
    duck: str
    convert: str = "{}"


_INSTANT = _Kind(pa.int64(), "TIMESTAMP", "make_timestamp({})")
_MONEY = _Kind(pa.string(), "DECIMAL(18, 4)", "CAST({} AS DECIMAL(18, 4))")
_DATE = _Kind(pa.string(), "DATE", "CAST({} AS DATE)")
_TRUTH = _Kind(pa.int64(), "BOOLEAN", "CAST({} AS BOOLEAN)")
_WHOLE = _Kind(pa.int64(), "BIGINT")
_FLOAT = _Kind(pa.float64(), "DOUBLE")
_TEXT = _Kind(pa.string(), "VARCHAR")

_KINDS: tuple[tuple[type[types.TypeEngine[Any]], _Kind], ...] = (
    (Instant, _INSTANT),
    (Money, _MONEY),
    (types.Date, _DATE),
    (types.Boolean, _TRUTH),
    (types.Integer, _WHOLE),
    (types.Float, _FLOAT),
    (types.JSON, _TEXT),
    (types.String, _TEXT),
)


@dataclass(frozen=True)
class Copied:
    """One table as the mirror copies it: its statements for DuckDB, its columns on the way."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[_Kind, ...]

    @property
    def quoted(self) -> str:
        """Its name, quoted for SQL."""
        return f'"{self.name}"'

    @property
    def create(self) -> str:
        """DuckDB's CREATE TABLE. No key: DuckDB would check it before a replaced row is gone."""
        columns = ", ".join(
            f'"{name}" {kind.duck}' for name, kind in zip(self.columns, self.kinds, strict=True)
        )
        return f"CREATE TABLE {self.quoted} ({columns})"

    @property
    def insert(self) -> str:
        """DuckDB's INSERT of the rows under the name ``arrived_<table>``."""
        values = ", ".join(
            kind.convert.format(f'"{name}"')
            for name, kind in zip(self.columns, self.kinds, strict=True)
        )
        return f"INSERT INTO {self.quoted} SELECT {values} FROM arrived_{self.name}"

    @property
    def delete(self) -> str:
        """DuckDB's DELETE of the rows whose ids are under the name ``stale_<table>``."""
        return f"DELETE FROM {self.quoted} WHERE id IN (SELECT id FROM stale_{self.name})"

    @property
    def schema(self) -> pa.Schema:
        """Its columns on the way."""
        return pa.schema(
            [(n, kind.arrow) for n, kind in zip(self.columns, self.kinds, strict=True)]
        )

    @property
    def id_type(self) -> pa.DataType:
        """Arrow type of its ids: int64 or string."""
        return self.kinds[self.columns.index("id")].arrow

    def top(self, rows: pa.Table) -> int:
        """The greatest of the rows' ids; 0 where ids are text or there are no rows."""
        if not pa.types.is_integer(self.id_type):
            return 0
        return int(pc.max(rows["id"]).as_py() or 0)

    def stale(self, rows: pa.Table | None, gone: pa.Array[Any] | None, top: int) -> pa.Table:
        """Ids to delete before ``rows`` are inserted: all that may be there in an older version.

        Whole-number ids above ``top``, the greatest ever copied, cannot be; so that new episodes
        cost no search.
        """
        named = pa.schema([("id", self.id_type)])
        parts = [] if gone is None else [pa.Table.from_arrays([gone], schema=named)]
        parts += [] if rows is None else [rows.select(["id"])]
        ids = pa.concat_tables(parts)
        if not pa.types.is_integer(self.id_type):
            return ids
        return ids.filter(pc.less_equal(ids["id"], pa.scalar(top, self.id_type)))

    def select(self, dialect: str, since: int | None) -> str:
        """The record's SELECT of all its rows, or of those changed at ``since`` or later."""
        columns = ", ".join(
            f'"{name}"::int' if kind is _TRUTH and dialect == "postgresql" else f'"{name}"'
            for name, kind in zip(self.columns, self.kinds, strict=True)
        )
        where = "" if since is None else f' WHERE "{CHANGE}" >= {since:d}'
        return f"SELECT {columns} FROM {self.quoted}{where}"


def copied(table: Table) -> Copied:
    """How to copy a table of the record. Raises TypeError for a column of an unknown type."""
    columns = [column for column in table.columns if column.name != CHANGE]
    return Copied(
        table.name,
        tuple(column.name for column in columns),
        tuple(_kind(table, column) for column in columns),
    )


def _kind(table: Table, column: Column[Any]) -> _Kind:
    for type_, kind in _KINDS:
        if isinstance(column.type, type_):
            return kind
    raise TypeError(f"the mirror knows no {column.type!r}, of {table.name}.{column.name}")


def read(connection: Connection, table: Copied, since: int | None = None) -> Iterator[pa.Table]:
    """The table's rows (all, or those changed at ``since`` or later) in pieces, none if none."""
    sql = table.select(connection.dialect.name, since)
    if connection.dialect.name == "postgresql":
        return _from_postgres(connection, table, sql)
    return _from_sqlite(connection, table, sql)


def _from_sqlite(connection: Connection, table: Copied, sql: str) -> Iterator[pa.Table]:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        while rows := cursor.fetchmany(PIECE_ROWS):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(column, kind.arrow)
                for column, kind in zip(columns, table.kinds, strict=True)
            ]
            yield pa.Table.from_arrays(arrays, schema=table.schema)
    finally:
        cursor.close()


class _Blocks(io.RawIOBase):
    """PostgreSQL's COPY as a file to read from."""

    def __init__(self, blocks: Iterator[Any], first: bytes) -> None:
        self._blocks = blocks
        self._left = memoryview(first)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills some of the buffer; 0 at the end."""
        if not self._left:
            self._left = memoryview(next(self._blocks, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _from_postgres(connection: Connection, table: Copied, sql: str) -> Iterator[pa.Table]:
    """By COPY as CSV, in which NULL is nothing and an empty text is ``""``."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.execute("SET LOCAL datestyle = 'ISO'")
        with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')") as blocks:
            found = iter(blocks)
            first = bytes(next(found, b""))
            if not first:
                return
            reader = csv.open_csv(
                io.BufferedReader(_Blocks(found, first), PIECE_BYTES),
                read_options=csv.ReadOptions(
                    use_threads=False, block_size=PIECE_BYTES, column_names=list(table.columns)
                ),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types=table.schema,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            for batch in reader:
                yield pa.Table.from_batches([batch])
