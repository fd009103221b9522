"""The mirror's writing connection: names that tables are put under, and transactions."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from dailies.writer import Writer


@pytest.fixture
def root() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE kept (id BIGINT)")
        yield connection


@pytest.fixture
def writer(root: duckdb.DuckDBPyConnection) -> Iterator[Writer]:
    writer = Writer(root)
    yield writer
    writer.close()


def ids(*numbers: int) -> pa.Table:
    return pa.table({"id": pa.array(numbers, pa.int64())})


def kept(root: duckdb.DuckDBPyConnection) -> list[int]:
    return [row[0] for row in root.execute("SELECT id FROM kept ORDER BY id").fetchall()]


COPY = "INSERT INTO kept SELECT id FROM arrived"


def test_a_statement_reads_what_is_under_the_name_now(
    writer: Writer, root: duckdb.DuckDBPyConnection
) -> None:
    for rows in (ids(1, 2), ids(3), ids()):
        with writer.transaction(), writer.reading("arrived", rows):
            assert writer.count(COPY) == rows.num_rows
    assert kept(root) == [1, 2, 3]


def test_a_name_holds_nothing_afterwards(writer: Writer) -> None:
    with writer.transaction(), writer.reading("arrived", ids(1)):
        writer.execute(COPY)
    assert writer.execute("SELECT count(*) FROM arrived").fetchall() == [(0,)]


def test_a_name_may_hold_another_kind_of_rows(
    writer: Writer, root: duckdb.DuckDBPyConnection
) -> None:
    with writer.transaction():
        with writer.reading("arrived", pa.table({"id": ["4", "5"], "more": [0, 0]})):
            writer.execute(COPY)
        with writer.reading("arrived", ids(6)):
            writer.execute(COPY)
    assert kept(root) == [4, 5, 6]


def test_what_fails_is_taken_back_and_the_name_can_be_used_again(
    writer: Writer, root: duckdb.DuckDBPyConnection
) -> None:
    def fails() -> None:
        with writer.transaction(), writer.reading("arrived", ids(1)):
            writer.execute(COPY)
            writer.execute("SELECT error('enough')").fetchall()

    with pytest.raises(duckdb.Error):
        fails()
    assert kept(root) == []
    with writer.transaction(), writer.reading("arrived", ids(2)):
        writer.execute(COPY)
    assert kept(root) == [2]


def test_a_select_can_stand_under_a_name_that_a_table_had(
    writer: Writer, root: duckdb.DuckDBPyConnection
) -> None:
    with writer.transaction():
        with writer.reading("arrived", ids(1)):
            writer.execute(COPY)
        with writer.viewing("arrived", "SELECT id + 10 AS id FROM kept"):
            writer.execute(COPY)
        with writer.reading("arrived", ids(2)):
            writer.execute(COPY)
    assert kept(root) == [1, 2, 11]


def test_several_statements_run_as_one_text(
    writer: Writer, root: duckdb.DuckDBPyConnection
) -> None:
    writer.execute("INSERT INTO kept VALUES (7); INSERT INTO kept VALUES (8)")
    assert kept(root) == [7, 8]
