"""The mirror: each reading process's own columnar copy of the record, in DuckDB in memory.

It is copied once, and then brought up to date from change numbers (see ``dailies.changes``): what
changed is read in one transaction of the record and written in one of DuckDB, so that a reader
sees the state before or after and never one between. It can be thrown away at any time.

Tables and columns are named as in the record; ``change`` itself is left out. Instants are naive
TIMESTAMPs in UTC, money is DECIMAL(18, 4), JSON is text.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, text

from dailies import wire
from dailies.changes import Horizon, horizon
from dailies.database import Record
from dailies.derived import MANY, Derived
from dailies.record import Row
from dailies.settled import EVER, NEVER, Settled
from dailies.wire import Copied
from dailies.writer import Writer

log = logging.getLogger(__name__)

# The copy of an answer costs less than the second planning that a relation would need.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")

VIEWS = Path(__file__).parent.parent / "sql" / "views"

WAIT_S = 0.2
"""How long a reader waits for another thread's refresh before it reads the old state."""

DEAD_SHARE = 0.25
"""Deleted rows, as a share of the living, from which on the memory they hold is given back."""

DEAD_LEAST = 100_000


class QueryTimeout(RuntimeError):
    """A query took longer than the mirror allows."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh brought: rows by table (of the first copy all of them), and how long it took.

    ``changed`` counts rows inserted or updated, ``deleted`` those deleted. ``whole`` is True where
    everything was copied anew.
    """

    changed: dict[str, int]
    deleted: dict[str, int]
    seconds: float
    whole: bool

    @property
    def count(self) -> int:
        """Rows touched in all."""
        return sum(self.changed.values()) + sum(self.deleted.values())


@dataclass(frozen=True)
class _News:
    """What the record has that the mirror lacks: rows by table, and ids that are gone."""

    horizon: Horizon
    rows: dict[str, pa.Table]
    gone: dict[str, pa.Array[Any]]


class Mirror:
    """A copy of the record to ask questions of. Safe for many threads."""

    def __init__(
        self,
        record: Record,
        *,
        max_age_s: float = 1.0,
        memory_limit: str = "4GB",
        threads: int | None = None,
        timeout_s: float = 30.0,
        views: Path | None = None,
    ) -> None:
        """Copies the record and creates the views (``views``: a folder, by default sql/views).

        ``timeout_s`` is the longest that one query may take.
        """
        self.record = record
        self.max_age_s = max_age_s
        self.timeout_s = timeout_s
        self.trouble: str | None = None
        """Why the last attempt to follow failed; None where it did not."""
        self._tables = tuple(wire.copied(table) for table in Row.metadata.sorted_tables)
        self._turn = threading.Lock()
        self._horizon: Horizon | None = None
        self._fresh_at = self._tried_at = float("-inf")
        self._top: dict[str, int] = {}
        self._dead = self._living = 0
        self._root = duckdb.connect(":memory:", config=_locked_down(memory_limit, threads))
        self._root.execute("SET TimeZone = 'UTC'; SET lock_configuration = true")
        self._writer = Writer(self._root)
        for table in self._tables:
            self._root.execute(table.create)
        folder = VIEWS if views is None else views
        self._views = tuple(file.read_text("utf-8") for file in sorted(folder.glob("*.sql")))
        self._derived = Derived.read(folder.parent / "derived")
        self._settled = Settled.read(folder.parent / "settled", self._views)
        self._spoiled = NEVER
        self._summed = 0
        self.refresh()

    def refresh(self) -> Refreshed:
        """Brings the mirror up to the record's present state, now."""
        with self._turn:
            return self._refresh()

    def follow(self) -> None:
        """Refreshes when older than ``max_age_s``, in one thread; others wait 0.2 s at most.

        Where the record cannot be read the mirror keeps its old state, says why in ``trouble`` and
        in the log, and tries again ``max_age_s`` later.
        """
        if self._rests() or not self._turn.acquire(timeout=WAIT_S):
            return
        try:
            if not self._rests():
                self._tried_at = time.monotonic()
                self._refresh()
                self.trouble = None
        except Exception as error:  # whatever the record's trouble is, the old state still answers
            self.trouble = f"{type(error).__name__}: {error}"
            log.exception("the mirror cannot follow the record and shows its state of before")
        finally:
            self._turn.release()

    @property
    def age_s(self) -> float:
        """Seconds since the mirror last matched the record."""
        return time.monotonic() - self._fresh_at

    def ask(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """The answer to one query, after following; ``$name`` in it is ``params["name"]``.

        Parameters that the query does not name are left out. Raises QueryTimeout, ValueError for
        anything but one SELECT, and duckdb.Error for a query that is wrong.
        """
        with self._cursor(sql, params) as (cursor, given):
            table = cursor.execute(sql, given).to_arrow_table()
            assert table is not None  # a SELECT always has one
            return table

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer as Python rows (DECIMAL as Decimal, TIMESTAMP as a naive UTC datetime)."""
        with self._cursor(sql, params) as (cursor, given):
            return cursor.execute(sql, given).fetchall()

    def columns(self, sql: str, params: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Names of the columns that a query gives, without running it."""
        with self._cursor(sql, params) as (cursor, given):
            return tuple(cursor.sql(sql, params=given).columns)

    def close(self) -> None:
        """Lets the memory go."""
        self._writer.close()
        self._root.close()

    @contextlib.contextmanager
    def _cursor(
        self, sql: str, params: Mapping[str, Any] | None
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Any]]]:
        """A cursor of the mirror, brought up to date, that a timer stops; and what ``sql`` names.

        A query is executed on it, not made a relation: that would be planned twice.
        """
        named = _parameters(sql)
        given = {key: value for key, value in (params or {}).items() if key in named}
        self.follow()
        if self._spoiled and self._settled.is_named(sql):
            self._settle()
        with self._root.cursor() as cursor:
            timer = threading.Timer(self.timeout_s, cursor.interrupt)
            timer.daemon = True
            timer.start()
            try:
                yield cursor, given
            except duckdb.InterruptException as error:
                raise QueryTimeout(
                    f"the query took longer than {self.timeout_s:g} s: ask for fewer days"
                ) from error
            finally:
                timer.cancel()

    def _rests(self) -> bool:
        return time.monotonic() - max(self._fresh_at, self._tried_at) < self.max_age_s

    def _refresh(self) -> Refreshed:
        began = time.monotonic()
        with self.record.snapshot() as connection:
            now = horizon(connection)
            done = self._horizon
            if done is None or done.identity != now.identity or now.change < done.change:
                refreshed = self._copy(connection, now, began)
            elif done.snapshot == now.snapshot:
                refreshed = Refreshed({}, {}, time.monotonic() - began, whole=False)
            else:
                news = self._news(connection, done, now)
                refreshed = None
        if refreshed is None:
            refreshed = self._apply(news, began)
        self._fresh_at = began
        return refreshed

    def _copy(self, connection: Connection, now: Horizon, began: float) -> Refreshed:
        """Copies everything anew, in pieces, so that memory holds one piece at a time."""
        counts: dict[str, int] = {}
        tops: dict[str, int] = {}
        writer = self._writer
        with writer.transaction():
            for table in self._tables:
                writer.execute(f"DELETE FROM {table.quoted}")
                counts[table.name] = 0
                for piece in wire.read(connection, table):
                    counts[table.name] += piece.num_rows
                    tops[table.name] = max(tops.get(table.name, 0), table.top(piece))
                    _insert(writer, table, piece)
            self._sum_up()
        self._horizon, self._top, self._spoiled = now, tops, NEVER
        self._living = sum(counts.values())
        self._give_back()
        return Refreshed(counts, {}, time.monotonic() - began, whole=True)

    def _news(self, connection: Connection, done: Horizon, now: Horizon) -> _News:
        rows = {}
        for table in self._tables:
            pieces = list(wire.read(connection, table, since=done.change))
            if pieces:
                rows[table.name] = pa.concat_tables(pieces)
        gone: dict[str, list[str]] = {}
        buried = text("SELECT table_name, row_id FROM tombstone WHERE change >= :since")
        for name, row_id in connection.execute(buried, {"since": done.change}):
            gone.setdefault(name, []).append(row_id)
        ids = {
            table.name: pa.array(gone[table.name], pa.string()).cast(table.id_type)
            for table in self._tables
            if table.name in gone
        }
        return _News(now, rows, ids)

    def _apply(self, news: _News, began: float) -> Refreshed:
        changed, deleted, dead, tops = {}, {}, 0, dict(self._top)
        writer = self._writer
        with writer.transaction():
            touched = self._derived.touched(writer, news.rows, news.gone)
            self._summed += touched.count if touched else 0
            anew = self._summed >= MANY
            if touched and not anew:
                self._derived.before(writer, touched)
            for table in self._tables:
                rows = news.rows.get(table.name)
                gone = news.gone.get(table.name)
                if rows is None and gone is None:
                    continue
                old = table.stale(rows, gone, tops.get(table.name, 0))
                replaced = _delete(writer, table, old)
                if rows is not None:
                    _insert(writer, table, rows)
                    changed[table.name] = rows.num_rows
                    tops[table.name] = max(tops.get(table.name, 0), table.top(rows))
                if gone is not None:
                    deleted[table.name] = len(gone.unique())
                dead += replaced
            if anew:
                self._sum_up()
            else:
                self._derived.after(writer, touched, changed.keys() | deleted.keys())
        spoiled = self._settled.spoiled(touched, changed.keys() | deleted.keys())
        self._spoiled = NEVER if anew else self._spoiled | spoiled
        self._horizon, self._top = news.horizon, tops
        self._living += sum(changed.values()) - dead
        self._dead += dead
        if self._dead > max(DEAD_LEAST, DEAD_SHARE * self._living):
            self._give_back()
        return Refreshed(changed, deleted, time.monotonic() - began, whole=False)

    def _sum_up(self) -> None:
        """Makes the views, and all that is derived, anew."""
        for sql in self._views:
            self._writer.execute(sql)
        self._derived.whole(self._writer)
        self._settled.settle(self._writer, EVER)  # now, for nobody may see it empty
        self._summed = 0

    def _settle(self) -> None:
        """Makes anew what a question is about to read of the days that have changed."""
        with self._turn:
            if self._spoiled:
                with self._writer.transaction():
                    self._dead += self._settled.settle(self._writer, self._spoiled)
                self._spoiled = NEVER

    def _give_back(self) -> None:
        """Has DuckDB compact what deleted rows hold; when a query is in the way, another time."""
        with self._root.cursor() as cursor, contextlib.suppress(duckdb.TransactionException):
            cursor.execute("CHECKPOINT")
            self._dead = 0


def _locked_down(memory_limit: str, threads: int | None) -> dict[str, Any]:
    """No file, network or extension: what reaches SQL can only read what the mirror holds."""
    return {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "",
        "memory_limit": memory_limit,
        "threads": threads or os.cpu_count() or 1,
    }


def _insert(writer: Writer, table: Copied, rows: pa.Table) -> None:
    with writer.reading(f"arrived_{table.name}", rows):
        writer.execute(table.insert)


def _delete(writer: Writer, table: Copied, ids: pa.Table) -> int:
    """Deletes the rows of these ids; how many there were."""
    if not ids.num_rows:
        return 0
    with writer.reading(f"stale_{table.name}", ids):
        return writer.count(table.delete)


@functools.lru_cache(maxsize=1024)
def _parameters(sql: str) -> frozenset[str]:
    """The names of a query's parameters. Raises ValueError for anything but one SELECT."""
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("the mirror answers one SELECT at a time: decisions go in by the record")
    return frozenset(statements[0].named_parameters)
