"""The example's ninety days: that they are possible, and that the stories planted are in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from dailies.config import Config
from dailies.database import Record, open_record
from dailies.days import local_day
from jobs.example import Manifest, RecordInUse, build
from jobs.example.history import build_history
from jobs.example.manifest import History
from jobs.example.shifts import last_clock_change

NOW = dt.datetime(2026, 11, 25, 14, 0, tzinfo=dt.UTC)
US = 1_000_000


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """An empty record."""
    opened = open_record(f"sqlite:///{tmp_path_factory.mktemp('history') / 'record.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def history(record: Record) -> History:
    """A third of the history, in it."""
    return build_history(record, seed=7, scale=0.33, now=NOW)


def rows(record: Record, sql: str, **given: Any) -> list[Any]:
    """What a query gives."""
    with record.read() as session:
        return list(session.execute(text(sql), given).all())


def one(record: Record, sql: str, **given: Any) -> Any:
    """The only value that a query gives."""
    return rows(record, sql, **given)[0][0]


def test_six_sites_in_five_zones_and_three_currencies(record: Record, history: History) -> None:
    sites = rows(record, "SELECT kind, zone, currency, name FROM site")
    assert len(sites) == 6
    assert len({zone for _, zone, _, _ in sites}) == 5
    assert {currency for _, _, currency, _ in sites} == {"USD", "EUR", "INR"}
    assert sorted(kind for kind, *_ in sites) == ["facility"] * 3 + ["gig"] + ["home"] * 2
    assert all(name.startswith("Example") for *_, name in sites)
    assert (history.workers, history.rigs) == (400, 60)
    assert one(record, "SELECT count(*) FROM worker") == 400
    assert one(record, "SELECT count(*) FROM rig") == 60
    assert rows(record, "SELECT min(id), max(id) FROM worker")[0] == ("w-0001", "w-0400")


def test_everything_is_marked_as_an_example(record: Record, history: History) -> None:
    assert one(record, "SELECT count(*) FROM episode") == history.episodes > 10_000
    assert one(record, "SELECT count(*) FROM episode WHERE NOT is_example") == 0


def test_nothing_lies_in_the_future(record: Record, history: History) -> None:
    assert one(record, "SELECT max(judged_at) FROM episode") < NOW.timestamp() * US
    assert one(record, "SELECT max(decided_at) FROM review") < NOW.timestamp() * US
    assert one(record, "SELECT max(worked_on) FROM episode") == history.last_on == "2026-11-25"
    assert history.first_on == "2026-08-28"


@pytest.mark.usefixtures("history")
def test_takes_of_a_shift_fit_into_its_paid_time(record: Record) -> None:
    sql = """
        SELECT s.paid_s, sum(e.duration_s), min(e.started_at) - s.started_at,
               s.ended_at - max(e.started_at + e.duration_s * 1000000)
        FROM shift s JOIN episode e ON e.shift_id = s.id
        WHERE e.duplicate_of IS NULL GROUP BY s.id"""
    found = rows(record, sql)
    assert len(found) > 250
    assert all(recorded < paid for paid, recorded, _, _ in found)
    assert all(before >= 0 and after >= 0 for _, _, before, after in found)


def test_a_person_and_a_rig_are_in_one_place_at_a_time(record: Record, history: History) -> None:
    for who in ("worker_id", "rig_id"):
        sql = f"""
            SELECT count(*) FROM shift a JOIN shift b
            ON a.{who} = b.{who} AND a.id < b.id
            AND a.started_at < b.ended_at AND b.started_at < a.ended_at"""
        overlaps = one(record, sql)
        # rigs are handed over during the day; nobody works twice at once
        assert overlaps == 0 if who == "worker_id" else overlaps < history.shifts * 0.1


@pytest.mark.usefixtures("history")
def test_episodes_are_as_long_as_their_kind(record: Record) -> None:
    sql = """
        SELECT r.kind, min(e.duration_s), max(e.duration_s)
        FROM episode e JOIN rig r ON r.id = e.rig_id
        WHERE e.id NOT IN (SELECT episode_id FROM flag WHERE check_name = 'too_short')
        GROUP BY r.kind"""
    lengths = {kind: (low, high) for kind, low, high in rows(record, sql)}
    assert 10 <= lengths["robot"][0] < 15 < 40 < lengths["robot"][1] <= 60
    assert 60 <= lengths["egocentric"][0] < 90 < 240 < lengths["egocentric"][1] <= 360


@pytest.mark.usefixtures("history")
def test_days_are_those_of_the_site_on_which_the_shift_began(record: Record) -> None:
    sql = """
        SELECT e.started_at, e.worked_on, s.started_at, s.ended_at, site.zone FROM episode e
        JOIN shift s ON s.id = e.shift_id JOIN site ON site.id = e.site_id WHERE e.id % 7 = 0"""
    for started, worked_on, began, ended, zone in rows(record, sql):
        assert began <= started < ended
        assert str(local_day(dt.datetime.fromtimestamp(began / US, dt.UTC), zone)) == worked_on


@pytest.mark.usefixtures("history")
def test_decisions_follow_from_verdicts_and_reviews(record: Record) -> None:
    sql = """
        SELECT DISTINCT verdict, decision FROM episode e
        WHERE duplicate_of IS NULL
        AND NOT EXISTS (SELECT 1 FROM review r WHERE r.episode_id = e.id)"""
    found = {(verdict, decision) for verdict, decision in rows(record, sql)}
    assert found == {
        ("good", "accepted"), ("fail", "rejected"), ("suspect", None), ("unknown", None)
    }  # fmt: skip
    disagree = """
        WITH last AS (
            SELECT *, row_number() OVER (
                PARTITION BY episode_id ORDER BY decided_at DESC, id DESC) AS place
            FROM review WHERE kind IN ('first', 'appeal', 'sample', 'lead'))
        SELECT count(*) FROM last r JOIN episode e ON e.id = r.episode_id
        WHERE place = 1 AND CASE WHEN r.hold_id IS NOT NULL THEN e.decision IS NOT NULL
            ELSE (r.decision = 'accepted') <> (e.decision = 'accepted') OR e.decision IS NULL END"""
    assert one(record, disagree) == 0
    assert one(record, "SELECT count(DISTINCT reviewer) FROM review") == 5


@pytest.mark.usefixtures("history")
def test_reviewers_looked_twice_answered_appeals_and_inspected_samples(record: Record) -> None:
    kinds = dict(rows(record, "SELECT kind, count(*) FROM review GROUP BY kind"))
    assert set(kinds) == {"first", "second", "appeal", "sample", "blind"}
    assert min(kinds.values()) > 15
    twice = """
        SELECT count(*) FROM second_look l JOIN review a ON a.id = l.review_id
        JOIN review b ON b.id = l.second_id
        WHERE a.reviewer = b.reviewer OR a.episode_id <> b.episode_id
            OR b.decided_at <= a.decided_at"""
    assert one(record, twice) == 0
    states = {state for (state,) in rows(record, "SELECT DISTINCT state FROM appeal")}
    assert states == {"open", "upheld", "overturned"}
    own = """
        SELECT count(*) FROM appeal JOIN review a ON a.id = review_id
        JOIN review b ON b.episode_id = appeal.episode_id AND b.id <> a.id
        WHERE a.reviewer = b.reviewer AND b.kind IN ('first', 'second')"""
    assert one(record, own) == 0
    lots = rows(record, "SELECT DISTINCT state FROM lot ORDER BY state")
    assert ("accepted",) in lots
    assert ("open",) in lots
    redone = """
        SELECT count(*), sum(o.worker_id = e.worker_id AND o.task_id = e.task_id
            AND o.started_at < e.started_at)
        FROM episode e JOIN episode o ON o.id = e.retake_of"""
    found, right = rows(record, redone)[0]
    assert found == right > 10


@pytest.mark.usefixtures("history")
def test_flags_make_the_verdict(record: Record) -> None:
    ranks = "CASE {} WHEN 'fail' THEN 3 WHEN 'suspect' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END"
    sql = f"""
        SELECT count(*) FROM (
            SELECT {ranks.format("e.verdict")} AS verdict,
                   coalesce(max({ranks.format("f.grade")}), 0) AS worst
            FROM episode e LEFT JOIN flag f ON f.episode_id = e.id
            WHERE e.duplicate_of IS NULL GROUP BY e.id)
        WHERE verdict <> worst"""
    assert one(record, sql) == 0
    outside = """
        SELECT count(*) FROM flag f JOIN episode e ON e.id = f.episode_id
        WHERE f.start_s < 0 OR f.end_s > e.duration_s + 0.001 OR f.start_s > f.end_s"""
    assert one(record, outside) == 0


def test_acceptance_is_75_to_90_percent_by_worker(record: Record, history: History) -> None:
    sql = """
        SELECT avg(decision = 'accepted'), count(*) FROM episode
        WHERE duplicate_of IS NULL AND decision IS NOT NULL AND rig_id <> :bad
        GROUP BY worker_id HAVING count(*) > 60"""
    found = rows(record, sql, bad=history.bad_rig)
    assert len(found) > 50
    # as far as so few takes can tell: three standard deviations beside it
    assert all(
        0.75 - 3 * (0.19 / n) ** 0.5 < rate < 0.9 + 3 * (0.09 / n) ** 0.5 for rate, n in found
    )
    assert 0.78 < sum(rate * n for rate, n in found) / sum(n for _, n in found) < 0.88


def test_the_bad_rig_gets_worse_and_no_other_does(record: Record, history: History) -> None:
    sql = """
        SELECT avg(EXISTS (SELECT 1 FROM flag f WHERE f.episode_id = e.id
                           AND f.check_name = 'blur'))
        FROM episode e JOIN rig r ON r.id = e.rig_id
        WHERE r.kind = 'robot' AND (e.rig_id = :rig) = :bad
        AND e.worked_on >= :first AND e.worked_on < :last"""
    bad_from = dt.date.fromisoformat(history.bad_from_on)
    spans = [
        (history.first_on, str(bad_from)),
        (str(bad_from), str(bad_from + dt.timedelta(days=15))),
        (str(bad_from + dt.timedelta(days=15)), "2026-11-26"),
    ]
    share = {
        bad: [
            one(record, sql, rig=history.bad_rig, bad=bad, first=first, last=last)
            for first, last in spans
        ]
        for bad in (True, False)
    }
    assert share[True][0] < 0.07 < share[True][1] < share[True][2]
    assert share[True][2] > 0.25
    assert max(share[False]) < 0.07


def test_one_worker_resubmits_clips_and_nobody_else(record: Record, history: History) -> None:
    sql = """
        SELECT d.worker_id, o.worker_id, d.content = o.content, d.decision,
               d.duration_s = o.duration_s, o.started_at < d.started_at, o.duplicate_of
        FROM episode d JOIN episode o ON o.id = d.duplicate_of"""
    found = rows(record, sql)
    assert len(found) == history.duplicates > 15
    worker = history.resubmitting_worker
    assert set(found) == {(worker, worker, 1, "rejected", 1, 1, None)}
    singles = "SELECT count(*) - count(DISTINCT content) FROM episode WHERE duplicate_of IS NULL"
    assert one(record, singles) == 0


def test_the_night_shift_over_the_clock_change_is_paid_its_real_hours(
    record: Record, history: History
) -> None:
    sql = "SELECT started_at, ended_at, paid_s, worked_on FROM shift WHERE id = :id"
    started, ended, paid_s, worked_on = rows(record, sql, id=history.night_shift)[0]
    assert history.night_shift_zone is not None
    zone = ZoneInfo(history.night_shift_zone)
    begins, ends = (
        dt.datetime.fromtimestamp(at / US, dt.UTC).astimezone(zone) for at in (started, ended)
    )
    # clocks in the United States went back an hour at 2 o'clock on 1 November 2026
    assert (begins.isoformat(), ends.isoformat()) == (
        "2026-10-31T22:00:00-05:00",
        "2026-11-01T06:00:00-06:00",
    )
    assert paid_s == 9 * 3600 == history.night_shift_s
    assert worked_on == "2026-10-31"
    others = "SELECT DISTINCT paid_s FROM shift WHERE id LIKE '%-night' AND id <> :id"
    assert rows(record, others, id=history.night_shift) == [(8 * 3600.0,)]


@pytest.mark.parametrize(
    ("today", "night", "extra_h"),
    [
        ((2026, 11, 25), (2026, 10, 31), 1),
        ((2026, 10, 28), (2026, 10, 24), 1),  # Portugal's clocks, before those of Texas
        ((2026, 5, 1), (2026, 3, 28), -1),
        ((2026, 9, 1), None, None),
    ],
)
def test_the_last_clock_change_in_the_window_is_found(
    today: tuple[int, int, int], night: tuple[int, int, int] | None, extra_h: int | None
) -> None:
    change = last_clock_change(dt.datetime(*today, 12, tzinfo=dt.UTC))
    if night is None:
        assert change is None
    else:
        assert change is not None
        assert (change.night_on, change.shift_s) == (dt.date(*night), (extra_h or 0) * 3600)


def test_rates_change_once_in_the_window(record: Record, history: History) -> None:
    found = rows(record, "SELECT site_id, task_id, basis, amount, starts_on FROM rate")
    in_window = {day for *_, day in found if day >= history.first_on}
    assert in_window == {"2026-10-01"}
    assert {basis for _, _, basis, _, _ in found} == {"paid", "accepted"}
    assert all(Decimal(amount) > 0 for *_, amount, _ in found)


@pytest.mark.usefixtures("history")
def test_some_targets_are_met_and_some_are_not(record: Record) -> None:
    sql = """
        SELECT t.hours * 90.0 / 120, (
            SELECT sum(e.duration_s) / 3600 FROM episode e
            WHERE e.program_id = t.program_id AND e.decision = 'accepted'
            AND (t.task_id IS NULL OR e.task_id = t.task_id))
        FROM target t"""
    ahead = [done >= due for due, done in rows(record, sql)]
    assert 2 <= sum(ahead) <= len(ahead) - 2


@pytest.mark.usefixtures("history")
def test_the_week_has_a_rhythm_and_the_operation_grows(record: Record) -> None:
    by_day = dict(
        rows(
            record,
            """SELECT CAST(strftime('%w', s.worked_on) AS INTEGER), count(*) FROM shift s
               JOIN site ON site.id = s.site_id WHERE kind = 'facility' GROUP BY 1""",
        )
    )
    assert by_day.get(0, 0) + by_day[6] < 0.5 * by_day[3]
    sql = "SELECT count(*) FROM episode WHERE worked_on >= :first AND worked_on < :last"
    early = one(record, sql, first="2026-08-28", last="2026-09-25")
    late = one(record, sql, first="2026-10-28", last="2026-11-25")
    assert late > 1.4 * early


def test_the_example_is_built_once_and_never_into_a_record_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.example.encode_recordings", lambda *_, **__: ())
    config = Config.of(tmp_path / "data")
    told: list[tuple[str, int, int]] = []
    made = build(
        config, scale=0.02, now=NOW, progress=lambda what, done, of: told.append((what, done, of))
    )
    assert Manifest.load(config.data / "example" / "manifest.json") == made
    assert build(config, scale=0.02, now=NOW) == made
    assert told[-1][1] == told[-1][2]
    (config.data / "example" / "manifest.json").unlink()
    with pytest.raises(RecordInUse, match="--data"):
        build(config, scale=0.02, now=NOW)
