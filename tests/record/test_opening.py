"""Opening the record, and its schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from record_rows import PROCESSES, enter, open_and_write
from sqlalchemy import text

from dailies import changes, migrations
from dailies.database import HEAD, Record, RecordUnusable, open_record
from dailies.record import Row, Site


def test_the_migrated_schema_is_the_declared_one(record: Record) -> None:
    with record.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, [Row.metadata, changes.METADATA]) == []


def test_the_head_is_the_newest_migration() -> None:
    assert migrations.newest() == HEAD


def test_every_table_is_followed(record: Record) -> None:
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }[record.engine.dialect.name]
    with record.read() as session:
        triggers = set(session.execute(text(catalogue)).scalars())
    for table in Row.metadata.tables:
        assert f"{table}_deleted" in triggers
        assert {f"{table}_changed", f"{table}_inserted"} & triggers


def test_several_processes_open_a_fresh_record_at_once(new_record_url: str) -> None:
    writers = [PROCESSES.Process(target=open_and_write, args=(new_record_url, n)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(90)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    opened = open_record(new_record_url, create=False)
    with opened.read() as session:
        assert session.query(Site).count() == 3
    opened.close()


def test_an_error_takes_the_whole_transaction_back(record: Record) -> None:
    with pytest.raises(ZeroDivisionError), record.begin() as session:
        enter(session, str(1 // enter(session, "a", id=1) // 0))
    with record.read() as session:
        assert session.execute(text("SELECT count(*) FROM episode")).scalar_one() == 0


def test_a_read_sees_one_state(record: Record) -> None:
    with record.read() as reading:
        reading.execute(text("SELECT count(*) FROM episode"))
        with record.begin() as session:
            enter(session, "a")
        assert reading.execute(text("SELECT count(*) FROM episode")).scalar_one() == 0


def test_a_record_of_a_newer_dailies_is_refused(new_record_url: str) -> None:
    opened = open_record(new_record_url)
    with opened.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    with pytest.raises(RecordUnusable, match="newer Dailies"):
        open_record(new_record_url)


def test_a_missing_record_is_refused_unless_it_may_be_made(tmp_path: Path) -> None:
    with pytest.raises(RecordUnusable, match="no record at"):
        open_record(f"sqlite:///{tmp_path / 'none.sqlite'}", create=False)


@pytest.mark.parametrize(
    ("url", "why"), [("sqlite://", "in memory"), ("mysql://h/d", "cannot hold a record")]
)
def test_what_cannot_hold_a_record_is_refused(url: str, why: str) -> None:
    with pytest.raises(RecordUnusable, match=why):
        open_record(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "record.sqlite"
    file.write_text("this is a shopping list, and no database at all\n" * 40)
    with pytest.raises(RecordUnusable, match="cannot open the record"):
        open_record(f"sqlite:///{file}")


def test_sqlite_writes_ahead_and_checks_references(tmp_path: Path) -> None:
    opened = open_record(f"sqlite:///{tmp_path / 'deep' / 'record.sqlite'}")
    with opened.read() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert session.execute(text("PRAGMA synchronous")).scalar_one() == 1
        assert session.execute(text("PRAGMA busy_timeout")).scalar_one() == 30_000
    opened.close()


def test_a_writer_without_our_program_is_followed_too(tmp_path: Path) -> None:
    opened = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with sqlite3.connect(tmp_path / "record.sqlite") as raw:
        raw.execute("INSERT INTO program (id, customer, name) VALUES ('p', 'c', 'n')")
    raw.close()
    with opened.read() as session:
        assert session.execute(text("SELECT change FROM program")).scalar_one() == 1
    opened.close()
