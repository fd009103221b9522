"""Opening the record: connections, transactions, and the schema brought up to date."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.orm import Session

HEAD = "0004"
"""The newest migration in dailies/migrations; a test holds it to that."""

ANSWER_S = 10
"""How long a database may take to answer at all."""
BUSY_S = 30.0
"""How long a writer of SQLite waits for its turn."""

_LOCK = 0x6461696C  # PostgreSQL's advisory lock that is held while migrating


class RecordUnusable(RuntimeError):
    """The record is missing, from a newer Dailies, or of a kind that cannot be used; says which."""


@dataclass(frozen=True)
class Record:
    """An open record: safe to share between threads, not to be carried into a forked process."""

    engine: Engine

    @contextlib.contextmanager
    def begin(self) -> Iterator[Session]:
        """A write transaction: commits at the end, rolls back on any error.

        On SQLite it takes the write lock at once, so it never fails half-way because another
        process wrote in between; it waits up to 30 s for its turn.
        """
        with (
            Session(self.engine.execution_options(dailies_begin="write")) as session,
            session.begin(),
        ):
            session.connection()  # takes the lock now, and not at the first statement
            yield session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A read transaction: every query in it sees one and the same state."""
        with Session(self.engine.execution_options(**_reading(self.engine))) as session:
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As ``read``, without the ORM: a connection for reading much and fast."""
        with self.engine.execution_options(**_reading(self.engine)).connect() as connection:
            yield connection

    def close(self) -> None:
        """Lets all connections go."""
        self.engine.dispose()


def open_record(url: str, *, create: bool = True) -> Record:
    """The record at an SQLAlchemy ``url`` (a file of SQLite, or PostgreSQL), its schema up to date.

    Any number of processes may do so at once. With ``create`` False a missing SQLite file is
    refused. Raises RecordUnusable.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        engine = _sqlite(target, create=create)
    elif target.get_backend_name() == "postgresql":
        engine = create_engine(
            target.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            max_overflow=32,
            connect_args={} if "connect_timeout" in target.query else {"connect_timeout": ANSWER_S},
        )
    else:
        raise RecordUnusable(
            f"{target.get_backend_name()} cannot hold a record: use sqlite:///FILE or postgresql://"
        )
    try:
        _reach(engine)
        _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return Record(engine)


def _reach(engine: Engine) -> None:
    """Raises RecordUnusable where nobody answers at a database's address."""
    if engine.dialect.name != "postgresql":
        return
    try:
        engine.connect().close()
    except exc.OperationalError as error:
        why = " ".join(str(error.orig).split())
        place = engine.url.render_as_string(hide_password=True)
        raise RecordUnusable(
            f"no record can be reached at {place} ({why}): start the database, or check --record"
        ) from error


def _sqlite(url: URL, *, create: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RecordUnusable(
            "a record in memory is shared with nobody: give a file, sqlite:///FILE"
        )
    path = Path(url.database)
    if not create and not path.exists():
        raise RecordUnusable(f"no record at {path}: make one with dailies intake or dailies up")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordUnusable(f"cannot make the folder of the record {path}: {error}") from error
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": BUSY_S}, max_overflow=32
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkout", _refuse_replaced)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare(connection: sqlite3.Connection, entry: Any) -> None:
    """Sets a new SQLite connection up, and leaves transactions to ``_begin_sqlite``."""
    connection.isolation_level = None
    # triggers make SQLite keep a journal of each statement: in memory it costs half the time
    pragmas = ("foreign_keys = ON", "recursive_triggers = ON", "synchronous = NORMAL")
    for pragma in (*pragmas, "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)
    entry.info["dailies_file"] = _file_of(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns WAL on. SQLite does not wait for its turn when changing the mode: we do."""
    give_up = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _file_of(connection: sqlite3.Connection) -> tuple[str, int, int]:
    """Path, device and inode of the file that lies there now."""
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    return _present(path)


def _present(path: str) -> tuple[str, int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return path, 0, 0
    return path, stat.st_dev, stat.st_ino


def _refuse_replaced(_connection: sqlite3.Connection, entry: Any, _proxy: Any) -> None:
    """Reconnects where the file was replaced, e.g. by a backup: the old one is out of sight."""
    opened = entry.info["dailies_file"]
    if _present(opened[0]) != opened:
        raise exc.DisconnectionError("the record's file was replaced")


def _begin_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    if connection.get_execution_options().get("dailies_begin") != "write":
        driver.execute("BEGIN")
        return
    try:
        _take_turn(driver)
    except sqlite3.OperationalError as error:
        raise exc.OperationalError("BEGIN IMMEDIATE", None, error) from error


def _take_turn(connection: sqlite3.Connection) -> None:
    """Takes the write lock, waiting up to BUSY_S for it.

    SQLite itself would wait ever longer between its tries, up to a tenth of a second, so that of
    many writers the one who waited longest is the least likely to be next.
    """
    give_up = time.monotonic() + BUSY_S
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0.001, 0.008))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")


def _reading(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {"dailies_begin": "read"}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _bring_up_to_date(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            if _version(connection) == HEAD:
                return
        with engine.execution_options(dailies_begin="write").begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if _version(connection) != HEAD:
                from dailies.migrations import upgrade  # slow to import, and rarely needed

                upgrade(connection)
    except (exc.OperationalError, exc.DatabaseError) as error:
        where = engine.url.render_as_string(hide_password=True)
        raise RecordUnusable(f"cannot open the record {where}: {error.orig}") from error


def _version(connection: Connection) -> str | None:
    """The migration that the record stands at, None where it has no tables yet."""
    catalogue = (
        "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.dialect.name == "sqlite"
        else "SELECT count(*) FROM pg_class WHERE oid = to_regclass('alembic_version')"
    )
    if not connection.execute(text(catalogue)).scalar_one():
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
