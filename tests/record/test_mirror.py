"""The mirror shows what the record holds, and nothing else can be done with it."""

from __future__ import annotations

import datetime as dt
import decimal
import shutil
import threading
import time
from pathlib import Path

import duckdb
import pytest
from record_rows import NOON, differing, enter, episode, site
from sqlalchemy import insert, text

from dailies.changes import prune
from dailies.database import Record, open_record
from dailies.mirror import Mirror, QueryTimeout
from dailies.record import Episode, Landing, Rate, Task

HOUR_S = 3600.0


@pytest.fixture
def no_views(tmp_path: Path) -> Path:
    folder = tmp_path / "views"
    folder.mkdir()
    return folder


@pytest.fixture
def mirror(record: Record, no_views: Path) -> Mirror:
    return Mirror(record, max_age_s=HOUR_S, threads=1, views=no_views)


def test_types_arrive_exactly(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        session.add(site(minimum_wage=decimal.Decimal("12.8200")))
        session.add(Task(id="t", name='fold "it", then\nagain', steps=["é", "ü"], expected_s=0.1))
        session.flush()
        session.add(
            Rate(
                site_id="b1",
                basis="paid",
                amount=decimal.Decimal("99999999999999.9999"),
                currency="EUR",
                starts_on=dt.date(2026, 3, 29),
            )
        )
        enter(session, "a", started_at=NOON + dt.timedelta(microseconds=1), is_example=True)
    mirror.refresh()
    assert differing(record, mirror) == {}
    assert mirror.rows("SELECT amount, starts_on FROM rate") == [
        (decimal.Decimal("99999999999999.9999"), dt.date(2026, 3, 29))
    ]
    assert mirror.rows("SELECT started_at, is_example FROM episode") == [
        (dt.datetime(2026, 3, 2, 12, 0, 0, 1), True)
    ]
    assert mirror.rows("SELECT name, steps::JSON ->> 1, expected_s FROM task") == [
        ('fold "it", then\nagain', "ü", 0.1)
    ]


def test_nothing_and_empty_text_stay_apart(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        enter(session, "a", error="")
        enter(session, "b", error=None)
        enter(session, "c", error="NULL")
    mirror.refresh()
    assert mirror.rows("SELECT error FROM episode ORDER BY content") == [("",), (None,), ("NULL",)]


def test_an_episode_without_steps_has_none_in_the_record_and_in_the_mirror(
    record: Record, mirror: Mirror
) -> None:
    with record.begin() as session:
        enter(session, "a", steps=None)
        assert session.scalars(text("SELECT id FROM episode WHERE steps IS NULL")).all() == [1]
    mirror.refresh()
    assert mirror.rows("SELECT steps FROM episode") == [(None,)]


def test_a_first_copy_and_an_update_say_what_they_brought(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        enter(session, "a")
    brought = mirror.refresh()
    assert brought.changed == {"episode": 1, "stream": 1, "measurement": 1, "flag": 1}
    assert (brought.deleted, brought.whole, brought.count) == ({}, False, 4)
    assert mirror.refresh().count == 0


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE episode SET verdict = 'fail'",
        "UPDATE episode SET verdict = 'fail', change = 0",
        "DELETE FROM episode",
        "DELETE FROM flag",
        "UPDATE episode SET id = id + 100 WHERE id NOT IN (SELECT episode_id FROM stream)",
    ],
)
def test_plain_sql_reaches_the_mirror(record: Record, mirror: Mirror, write: str) -> None:
    with record.begin() as session:
        enter(session, "a")
        enter(session, "b")
        session.execute(text("DELETE FROM stream WHERE episode_id = 1"))
        session.execute(text("DELETE FROM flag WHERE episode_id = 1"))
    mirror.refresh()
    with record.begin() as session:
        session.execute(text(write))
    assert mirror.refresh().count > 0
    assert differing(record, mirror) == {}


def test_what_hangs_on_a_deleted_episode_goes_with_it(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        enter(session, "a")
    mirror.refresh()
    with record.begin() as session:
        session.execute(text("DELETE FROM episode"))
    gone = {"episode": 1, "stream": 1, "measurement": 1, "flag": 1}
    assert mirror.refresh().deleted == gone
    assert differing(record, mirror) == {}


def test_an_id_given_again_is_the_new_row(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        first = enter(session, "a")
    mirror.refresh()
    with record.begin() as session:
        session.execute(text("DELETE FROM episode"))
        enter(session, "b", id=first)
    mirror.refresh()
    assert mirror.rows("SELECT id, content FROM episode") == [(first, "b")]


def test_tombstones_are_forgotten_once_they_are_many_and_no_mirror_misses_a_deletion(
    record: Record, mirror: Mirror
) -> None:
    with record.begin() as session:
        for content in "abc":
            enter(session, content)
    mirror.refresh()
    with record.begin() as session:
        session.execute(text("DELETE FROM episode WHERE content = 'a'"))
        buried = session.scalar(text("SELECT count(*) FROM tombstone"))
        assert prune(session.connection(), most=buried) == 0
        assert prune(session.connection(), most=buried - 1) == buried
    with record.begin() as session:
        session.execute(text("DELETE FROM episode WHERE content = 'b'"))
    assert mirror.refresh().whole
    assert differing(record, mirror) == {}
    with record.begin() as session:
        session.execute(text("DELETE FROM episode"))
    assert not mirror.refresh().whole
    assert differing(record, mirror) == {}


@pytest.mark.postgres
def test_a_deletion_that_is_under_way_while_tombstones_are_forgotten_is_followed(
    postgres_url: str, no_views: Path
) -> None:
    record = open_record(postgres_url, create=False)
    with record.begin() as session:
        enter(session, "a")
        enter(session, "b")
        session.execute(text("DELETE FROM episode WHERE content = 'b'"))
    mirror = Mirror(record, max_age_s=HOUR_S, threads=1, views=no_views)
    with record.begin() as under_way:
        under_way.execute(text("DELETE FROM episode WHERE content = 'a'"))
        with record.begin() as session:
            assert prune(session.connection(), most=0) > 0
        assert mirror.refresh().whole
        assert mirror.rows("SELECT content FROM episode") == [("a",)]
    mirror.refresh()
    assert mirror.rows("SELECT content FROM episode") == []
    assert differing(record, mirror) == {}
    record.close()


def test_sqlite_gives_no_id_twice(tmp_path: Path) -> None:
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with record.begin() as session:
        first = enter(session, "a")
        session.execute(text("DELETE FROM episode"))
        assert enter(session, "b") > first
    record.close()


def test_a_row_that_replaces_another_by_its_path_buries_it(tmp_path: Path, no_views: Path) -> None:
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with record.begin() as session:
        session.add(Landing(path="/a.mp4", state="done", seen_at=NOON))
    mirror = Mirror(record, max_age_s=HOUR_S, views=no_views)
    with record.begin() as session:
        session.execute(
            text("REPLACE INTO landing (id, path, state, seen_at) VALUES (9, '/a.mp4', 'done', 0)")
        )
    mirror.refresh()
    assert mirror.rows("SELECT id FROM landing") == [(9,)]
    record.close()


def test_what_is_rolled_back_never_shows(record: Record, mirror: Mirror) -> None:
    with pytest.raises(ZeroDivisionError), record.begin() as session:
        enter(session, str(1 // enter(session, "a", id=1) // 0))
    with record.begin() as session:
        enter(session, "b")
    mirror.refresh()
    assert mirror.rows("SELECT content FROM episode") == [("b",)]


@pytest.mark.postgres
def test_a_transaction_that_commits_late_is_not_skipped(postgres_url: str, no_views: Path) -> None:
    record = open_record(postgres_url)
    mirror = Mirror(record, max_age_s=HOUR_S, views=no_views)
    with record.begin() as slow:
        enter(slow, "slow")
        with record.begin() as quick:
            enter(quick, "quick")
        mirror.refresh()
        assert mirror.rows("SELECT content FROM episode") == [("quick",)]
    mirror.refresh()
    assert differing(record, mirror) == {}
    assert mirror.rows("SELECT content FROM episode ORDER BY ALL") == [("quick",), ("slow",)]
    record.close()


@pytest.mark.postgres
def test_an_emptied_table_is_emptied_here(postgres_url: str, no_views: Path) -> None:
    record = open_record(postgres_url)
    with record.begin() as session:
        enter(session, "a")
    mirror = Mirror(record, max_age_s=HOUR_S, views=no_views)
    with record.begin() as session:
        session.execute(text("TRUNCATE episode CASCADE"))
    assert mirror.refresh().whole
    assert differing(record, mirror) == {}
    record.close()


def test_a_replaced_record_is_copied_anew(tmp_path: Path, no_views: Path) -> None:
    for name in ("a", "b"):
        made = open_record(f"sqlite:///{tmp_path / name}")
        with made.begin() as session:
            enter(session, name)
        made.close()
    record = open_record(f"sqlite:///{tmp_path / 'a'}")
    mirror = Mirror(record, max_age_s=HOUR_S, views=no_views)
    shutil.move(tmp_path / "b", tmp_path / "a")
    assert mirror.refresh().whole
    assert mirror.rows("SELECT content FROM episode") == [("b",)]
    record.close()


def test_a_reader_sees_the_state_before_or_after(record: Record, mirror: Mirror) -> None:
    with record.begin() as session:
        for number in range(20):
            enter(session, str(number))
    mirror.refresh()
    seen, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(mirror.rows("SELECT count(*), count(DISTINCT verdict) FROM episode")[0])

    reader = threading.Thread(target=read)
    reader.start()
    for verdict in ("fail", "good", "suspect", "unknown") * 5:
        with record.begin() as session:
            session.execute(text("UPDATE episode SET verdict = :v"), {"v": verdict})
        mirror.refresh()
    stop.set()
    reader.join()
    assert seen == {(20, 1)}


def test_asking_follows_when_the_mirror_is_old(record: Record, no_views: Path) -> None:
    mirror = Mirror(record, max_age_s=0.0, views=no_views)
    with record.begin() as session:
        enter(session, "a")
    assert mirror.ask("SELECT content FROM episode").to_pydict() == {"content": ["a"]}


def test_many_threads_ask_at_once(record: Record, no_views: Path) -> None:
    mirror = Mirror(record, max_age_s=0.0, views=no_views)
    failed = []

    def ask(number: int) -> None:
        try:
            for _ in range(10):
                assert mirror.rows("SELECT $n::BIGINT", {"n": number}) == [(number,)]
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for number in range(5):
        with record.begin() as session:
            enter(session, str(number))
    for thread in threads:
        thread.join()
    assert failed == []
    assert mirror.trouble is None


def test_the_old_state_answers_while_the_record_is_away(tmp_path: Path, no_views: Path) -> None:
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with record.begin() as session:
        enter(session, "a")
    mirror = Mirror(record, max_age_s=0.0, views=no_views)
    record.close()
    (tmp_path / "record.sqlite").rename(tmp_path / "away.sqlite")
    (tmp_path / "record.sqlite").write_text("this is a shopping list, and no database\n" * 40)
    assert mirror.rows("SELECT content FROM episode") == [("a",)]
    assert mirror.trouble is not None
    assert mirror.age_s > 0


def test_views_are_made_in_the_order_of_their_names(record: Record, no_views: Path) -> None:
    (no_views / "02_b.sql").write_text("CREATE VIEW b AS SELECT n + 1 AS n FROM a;")
    (no_views / "01_a.sql").write_text("CREATE VIEW a AS SELECT count(*) AS n FROM episode;")
    mirror = Mirror(record, max_age_s=HOUR_S, views=no_views)
    assert mirror.rows("SELECT n FROM b") == [(1,)]
    assert mirror.columns("SELECT n, n AS m FROM b") == ("n", "m")


@pytest.mark.parametrize(
    "sql", ["DROP TABLE episode", "SELECT 1; SELECT 2", "INSERT INTO task VALUES (1)", "CHECKPOINT"]
)
def test_only_one_select_is_answered(mirror: Mirror, sql: str) -> None:
    with pytest.raises(ValueError, match="one SELECT"):
        mirror.ask(sql)


def test_no_file_can_be_read_by_sql(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(duckdb.PermissionException):
        mirror.ask(f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")


def test_a_query_that_takes_too_long_is_stopped(record: Record, no_views: Path) -> None:
    mirror = Mirror(record, max_age_s=HOUR_S, timeout_s=0.1, views=no_views)
    began = time.monotonic()
    with pytest.raises(QueryTimeout, match="ask for fewer days"):
        mirror.ask("SELECT sum(sqrt(a.i * b.i)) FROM range(1000000) a(i), range(1000000) b(i)")
    assert time.monotonic() - began < 20
    assert mirror.rows("SELECT 1") == [(1,)]


def test_parameters_a_query_does_not_name_are_left_out(mirror: Mirror) -> None:
    assert mirror.rows("SELECT $a", {"a": 1, "b": 2}) == [(1,)]


def test_memory_is_given_back_when_many_rows_were_replaced(
    record: Record, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.mirror.DEAD_LEAST", 1_000)
    with record.begin() as session:
        session.execute(insert(Episode), [episode(str(number)) for number in range(2_000)])
    for verdict in ("fail", "good") * 4:
        with record.begin() as session:
            session.execute(text("UPDATE episode SET verdict = :v"), {"v": verdict})
        mirror.refresh()
    held = mirror.rows(
        "SELECT sum(count) FROM pragma_storage_info('episode')"
        " WHERE column_name = 'id' AND segment_type <> 'VALIDITY'"
    )
    assert held[0][0] < 6_000
    assert differing(record, mirror) == {}
