"""CSV files come in whole or not at all, and each thing wrong is named with its remedy."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import pytest
from record_rows import enter
from sqlalchemy import select

from dailies.database import Record
from dailies.importing import KINDS, BadCell, Imported, ImportRefused, import_csv
from dailies.record import Appeal, Episode, Rate, Rig, Shift, Site, Target, Task, Worker

ROOT = Path(__file__).parent.parent.parent

SITES = """\
id,name,kind,zone,currency,minimum_wage
b1,Berlin,facility,Europe/Berlin,EUR,12.82
c1,Chicago,home,America/Chicago,USD,
"""
TASKS = """\
id,name,steps,expected_s
fold,Fold laundry,pick | fold | stack,90
egg,Flip an egg,,
"""
PROGRAMS = "id,customer,name\nspring,acme,Spring\n"


def put(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def bring(record: Record, folder: Path, *texts: str) -> list[Imported]:
    return [import_csv(record, put(folder, text)) for text in texts]


def refused(record: Record, path: Path, kind: str | None = None) -> list[str]:
    with pytest.raises(ImportRefused) as caught:
        import_csv(record, path, kind)
    assert str(path) in str(caught.value)
    return [str(bad) for bad in caught.value.bad]


def test_each_kind_is_known_by_its_header(record: Record, tmp_path: Path) -> None:
    files = [
        SITES,
        TASKS,
        PROGRAMS,
        "id,site_id,kind,camera_model\nr1,b1,robot,\n",
        "id,site_id,joined_on\nw1,b1,2026-01-02\n",
        "program_id,task_id,site_id,starts_on,ends_on,hours\nspring,,b1,2026-03-01,2026-03-31,7.5\n",
        "site_id,task_id,basis,amount,currency,starts_on\nb1,fold,accepted,25.5,EUR,2026-01-01\n",
        "id,worker_id,site_id,started_at,ended_at\ns1,w1,b1,2026-03-02T08:00,2026-03-02T16:30\n",
    ]
    done = bring(record, tmp_path, *files)
    assert [(one.kind, one.inserted) for one in done] == [
        ("site", 2),
        ("task", 2),
        ("program", 1),
        ("rig", 1),
        ("worker", 1),
        ("target", 1),
        ("rate", 1),
        ("shift", 1),
    ]
    again = bring(record, tmp_path, *files)
    assert [(one.inserted, one.updated) for one in again] == [(0, 0)] * 8
    with record.read() as session:
        assert session.get_one(Site, "b1").minimum_wage == decimal.Decimal("12.82")
        assert session.get_one(Site, "c1").minimum_wage is None
        assert session.get_one(Task, "fold").steps == ["pick", "fold", "stack"]
        assert session.get_one(Task, "egg").steps == []
        assert session.get_one(Worker, "w1").joined_on == dt.date(2026, 1, 2)
        assert session.scalars(select(Target)).one().hours == 7.5
        assert session.scalars(select(Rate)).one().amount == decimal.Decimal("25.5")


def test_a_changed_row_is_updated_and_the_rest_left(record: Record, tmp_path: Path) -> None:
    bring(record, tmp_path, SITES, "id,site_id,kind,camera_model\nr1,b1,robot,D435\n")
    changed = bring(record, tmp_path, SITES.replace("Berlin,fac", "Berlin Mitte,fac"))
    assert changed == [Imported("site", 0, 1)]
    assert bring(record, tmp_path, "id,site_id,kind\nr1,c1,robot\n") == [Imported("rig", 0, 1)]
    with record.read() as session:
        assert session.get_one(Site, "b1").name == "Berlin Mitte"
        rig = session.get_one(Rig, "r1")
        assert (rig.site_id, rig.camera_model) == ("c1", "D435")


def test_a_new_price_from_the_same_day_replaces_the_old(record: Record, tmp_path: Path) -> None:
    header = "site_id,basis,amount,currency,starts_on\n"
    bring(record, tmp_path, SITES, f"{header}b1,paid,15,EUR,2026-01-01\n")
    both = f"{header}b1,paid,16,EUR,2026-01-01\nb1,paid,17,EUR,2026-02-01\n"
    assert bring(record, tmp_path, both) == [Imported("rate", 1, 1)]
    with record.read() as session:
        amounts = session.scalars(select(Rate.amount).order_by(Rate.starts_on)).all()
    assert amounts == [16, 17]


def test_a_shift_has_the_day_of_its_site_and_is_paid_in_full(
    record: Record, tmp_path: Path
) -> None:
    bring(record, tmp_path, SITES, "id,site_id\nw1,c1\nw2,c1\n")
    shifts = """\
id,worker_id,site_id,started_at,ended_at,paid_s
late,w1,c1,2026-03-03T04:00Z,2026-03-03T06:00Z,
local,w2,c1,2026-03-02 22:00,2026-03-03 00:00,3600
night,w1,c1,2026-03-07T23:00,2026-03-08T07:00,
"""
    bring(record, tmp_path, shifts)
    with record.read() as session:
        late, local, night = (session.get_one(Shift, name) for name in ("late", "local", "night"))
    assert (late.worked_on, late.paid_s) == (dt.date(2026, 3, 2), 7200)
    assert (local.started_at, local.paid_s) == (late.started_at, 3600)
    assert night.paid_s == 7 * 3600  # clocks were put forward in that night


def test_a_changed_zone_moves_the_days_of_what_was_recorded(record: Record, tmp_path: Path) -> None:
    bring(record, tmp_path, SITES, "id,site_id\nw1,b1\n")
    bring(
        record,
        tmp_path,
        "id,worker_id,site_id,started_at,ended_at\ns1,w1,b1,2026-03-02T03:00Z,2026-03-02T04:00Z\n",
    )
    early, noon = (dt.datetime(2026, 3, 2, hour, tzinfo=dt.UTC) for hour in (3, 20))
    with record.begin() as session:
        enter(session, "early", site_id="b1", started_at=early)
        enter(session, "noon", site_id="b1", started_at=noon)
        enter(session, "elsewhere", site_id="c1", started_at=early)
    bring(record, tmp_path, SITES.replace("Europe/Berlin", "America/New_York"))
    with record.read() as session:
        days = dict(session.execute(select(Episode.content, Episode.worked_on)).all())
        assert session.get_one(Shift, "s1").worked_on == dt.date(2026, 3, 1)
    assert days == {
        "early": dt.date(2026, 3, 1),
        "noon": dt.date(2026, 3, 2),
        "elsewhere": dt.date(2026, 3, 2),
    }


def test_every_bad_row_is_told_and_nothing_is_imported(record: Record, tmp_path: Path) -> None:
    bad = """\
id,name,kind,zone,currency,minimum_wage
b1,Berlin,facility,Europe/Berlin,EUR,12.82
b2,,facility,Europe/Berlim,EUR,"12,82"
b3,Lyon,factory,Europe/Paris,EURO,-1
b1,Twice,home,UTC,EUR,
short,row
"""
    assert refused(record, put(tmp_path, bad)) == [
        "line 3, name: is empty: fill it in",
        "line 3, zone: 'Europe/Berlim' is no IANA time zone: did you mean 'Europe/Berlin'?",
        "line 3, minimum_wage: '12,82' is no amount: write 12.82",
        "line 4, kind: 'factory' is not a known word: did you mean 'facility'?",
        "line 4, currency: 'EURO' is no ISO 4217 currency: did you mean 'EUR'?",
        "line 4, minimum_wage: '-1' is negative: an amount is 0 or more",
        "line 5, id: 'b1' stands in line 2 already: keep one of the two",
        "line 6: has 2 cells, the header 6: quote cells that hold a separator",
    ]
    with record.read() as session:
        assert session.scalars(select(Site)).all() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "id,site_id\nw1,b2\n",
            "line 2, site_id: 'b2' is no site in the record: did you mean 'b1'?",
        ),
        ("id,site_id\nw1,zz\n", "line 2, site_id: 'zz' is no site in the record: import the site"),
        ("id,site_id\na@b.example,b1\n", "'a@b.example' looks like an e-mail address: use an id"),
        ("id,site_id,joined_on\nw1,b1,2/3/2026\n", "'2/3/2026' is no date: write year-month-day"),
        ("id,site_id,joined_on\nw1,b1,2026-02-30\n", "'2026-02-30' is no day of the calendar"),
        ("id,name,expected_s\nt,T,0\n", "line 2, expected_s: '0' is too small: it is above 0"),
        ("id,name,expected_s\nt,T,nan\n", "line 2, expected_s: 'nan' is no number"),
        (
            "site_id,basis,amount,currency,starts_on\nb1,paid,12,USD,2026-01-01\n",
            "line 2, currency: 'USD' is not the currency of b1: give the amount in EUR",
        ),
        (
            "site_id,basis,amount,currency,starts_on\nb1,paid,12.34567,EUR,2026-01-01\n",
            "'12.34567' has more than four decimal places: round it yourself, e.g. to 12.3457",
        ),
        (
            "site_id,basis,amount,currency,starts_on\nb1,paid,100000000.01,EUR,2026-01-01\n",
            "line 2, amount: '100000000.01' is too much: an hour costs 100,000,000 at most: check",
        ),
        (
            f"site_id,basis,amount,currency,starts_on\nb1,paid,{'9' * 40},EUR,2026-01-01\n",
            "' is too much: an hour costs 100,000,000 at most",
        ),
        (
            "site_id,task_id,basis,amount,currency,starts_on\nb1,fold,paid,12,EUR,2026-01-01\n",
            "line 2, task_id: 'fold' is priced for paid hours",
        ),
        (
            "program_id,starts_on,ends_on,hours\nspring,2026-03-31,2026-03-01,9\n",
            "line 2, ends_on: '2026-03-01' is before 2026-03-31, its start: swap them",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    record: Record, tmp_path: Path, text: str, told: str
) -> None:
    bring(record, tmp_path, SITES, TASKS, PROGRAMS)
    (only,) = refused(record, put(tmp_path, text))
    assert told in only


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ("2026-03-29T02:30,2026-03-29T09:00", "started_at: '2026-03-29T02:30' never was in Europe"),
        ("2026-10-25T02:30,2026-10-25T09:00", "started_at: '2026-10-25T02:30' was twice in Europe"),
        ("2026-03-02T08:00,2026-03-02T08:00", "ended_at: '2026-03-02T08:00' is not after started"),
        ("2 March 8:00,2026-03-02T08:00", "started_at: '2 March 8:00' is no time: write it as in"),
    ],
)
def test_a_shift_with_impossible_times_is_refused(
    record: Record, tmp_path: Path, times: str, told: str
) -> None:
    bring(record, tmp_path, SITES, "id,site_id\nw1,b1\n")
    text = f"id,worker_id,site_id,started_at,ended_at\ns1,w1,b1,{times}\n"
    (only,) = refused(record, put(tmp_path, text))
    assert told in only


SHIFTS = "id,worker_id,site_id,started_at,ended_at,paid_s\n"
NIGHT = "night,w1,b1,2026-03-02T22:00,2026-03-03T06:00,\n"


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ("a,w1,b1,2026-03-03T05:59,2026-03-03T07:00,\n", ["line 2"]),
        ("a,w1,c1,2026-03-02T15:59,2026-03-02T16:30,\n", ["line 2"]),  # 22:59 in Berlin
        ("a,w1,b1,2026-03-03T06:00,2026-03-03T07:00,\n", []),
        ("a,w1,b1,2026-03-03T05:00,2026-03-03T07:00,0\n", []),
        ("a,w2,b1,2026-03-02T22:00,2026-03-03T06:00,\n", []),
        ("night,w1,b1,2026-03-02T23:00,2026-03-03T06:00,\n", []),
        (
            "a,w2,b1,2026-03-02T08:00,2026-03-02T16:00,\n"
            "b,w2,b1,2026-03-02T09:00,2026-03-02T10:00,\n"
            "c,w2,b1,2026-03-02T15:00,2026-03-02T17:00,\n",
            ["line 3", "line 4"],
        ),
    ],
)
def test_shifts_of_one_worker_at_one_time_are_not_paid_twice(
    record: Record, tmp_path: Path, others: str, told: list[str]
) -> None:
    bring(record, tmp_path, SITES, "id,site_id\nw1,b1\nw2,b1\n", SHIFTS + NIGHT)
    path = put(tmp_path, SHIFTS + others)
    if told:
        bad = refused(record, path)
        assert [one.split(",")[0] for one in bad] == told
        assert all("at the same time as shift" in one and "paid_s 0" in one for one in bad)
    else:
        import_csv(record, path)


def test_no_more_than_the_shift_is_paid(record: Record, tmp_path: Path) -> None:
    bring(record, tmp_path, SITES, "id,site_id\nw1,b1\n")
    eight_hours = NIGHT.rstrip("\n") + "28800\n"
    (only,) = refused(record, put(tmp_path, SHIFTS + eight_hours.replace("28800", "28801")))
    assert only.startswith("line 2, paid_s: ")
    assert "longer than the shift, which has 28800 s" in only
    bring(record, tmp_path, SHIFTS + eight_hours)


def test_a_file_that_is_named_after_a_kind_is_of_no_other(record: Record, tmp_path: Path) -> None:
    """With its other columns forgotten, a list of sites has the header of one of tasks."""
    path = tmp_path / "Sites.csv"
    path.write_text("id,name\nb1,Berlin\n")
    with pytest.raises(ImportRefused) as refused:
        import_csv(record, path)
    assert {bad.column for bad in refused.value.bad} == {"", "kind", "zone", "currency"}
    assert "taken for a site file by its name: rename it, or say --kind" in str(refused.value)
    assert import_csv(record, path, "task").inserted == 1


def test_a_header_like_no_kinds_is_not_guessed_at(record: Record, tmp_path: Path) -> None:
    (only,) = refused(record, put(tmp_path, "foo,bar\n1,2\n"))
    assert only.startswith("line 1: 'foo, bar' is the header of no kind of file")


def test_a_site_with_rates_keeps_its_currency(record: Record, tmp_path: Path) -> None:
    rate = "site_id,basis,amount,currency,starts_on\nb1,paid,15,EUR,2026-01-01\n"
    bring(record, tmp_path, SITES, rate)
    (only,) = refused(record, put(tmp_path, SITES.replace("EUR", "CHF")))
    assert "'CHF' differs from its rates, in EUR" in only


@pytest.mark.parametrize(
    "content",
    [
        SITES.encode("utf-8-sig"),
        SITES.replace(",", ";").encode(),
        SITES.replace(",", "\t").encode(),
        SITES.replace("\n", "\r\n").encode(),
        (SITES + "\n,,,,,\n").encode(),
    ],
    ids=["byte order mark", "semicolons", "tabs", "Windows lines", "blank lines"],
)
def test_what_spreadsheets_write_is_read(record: Record, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sites.csv"
    path.write_bytes(content)
    assert import_csv(record, path) == Imported("site", 2, 0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file: is empty: its first line names the columns"),
        (b"\xef\xbb\xbf\r\n", "the file: is empty: its first line names the columns"),
        (b"id,site_id\n", "the file: has no rows below its header: add them"),
        (SITES.encode("utf-16"), "line 1: is not written in UTF-8: save it as CSV UTF-8"),
        ("id,name\na,A\nb,Küche\n".encode("latin-1"), "line 3: is not written in UTF-8"),
        (b'id,name\na,"A\n', "is no CSV"),
        (b"id,name\na,A\0\n", "line 2: holds a NUL character"),
    ],
)
def test_a_file_that_is_no_csv_is_refused(
    record: Record, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    (only,) = refused(record, path)
    assert told in only


def test_a_file_that_is_not_there_is_refused(record: Record, tmp_path: Path) -> None:
    (only,) = refused(record, tmp_path / "none.csv")
    assert only.startswith("the file: cannot be read (No such file")


def test_an_unknown_column_is_told(record: Record, tmp_path: Path) -> None:
    assert refused(record, put(tmp_path, SITES.replace("zone", "timezone"))) == [
        "line 1, timezone: 'timezone' is no column of a site file: did you mean 'zone'?",
        "line 1, zone: is missing: a site file needs currency, id, kind, name, zone",
    ]


def test_the_kind_can_be_said(record: Record, tmp_path: Path) -> None:
    assert import_csv(record, put(tmp_path, SITES), "site").kind == "site"
    assert refused(record, put(tmp_path, SITES), "sites") == [
        "the file: 'sites' is no kind of file: did you mean 'site'?"
    ]
    assert "is no column of a task file" in refused(record, put(tmp_path, SITES), "task")[0]


def test_lines_are_counted_as_an_editor_does(record: Record, tmp_path: Path) -> None:
    text = 'id,name\na,"two\nlines"\nb,\n'
    assert refused(record, put(tmp_path, text)) == ["line 4, name: is empty: fill it in"]


def test_a_bad_cell_says_where_what_and_the_remedy() -> None:
    assert str(BadCell(3, "zone", "Berlin", "is no zone", "write Europe/Berlin")) == (
        "line 3, zone: 'Berlin' is no zone: write Europe/Berlin"
    )


def test_the_guide_shows_every_column_of_every_kind() -> None:
    guide = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    for kind in KINDS:
        section = guide.split(f"## {kind.name}\n")[1].split("\n## ")[0]
        for column in kind.columns:
            assert f"| `{column.name}` | {'yes' if column.required else 'no'} |" in section


def appeals(*lines: str) -> str:
    return "\n".join(["path,episode_id,worker_id,reason,brought_in_by,brought_at", *lines, ""])


def test_appeals_come_in_by_path_or_id_and_their_clock_runs(record: Record, tmp_path: Path) -> None:
    bring(record, tmp_path, SITES)
    with record.begin() as session:
        first = enter(session, "a", site_id="b1", worker_id="w1", decision="rejected")
        second = enter(session, "b", worker_id="w2")
    text = appeals(
        "/recordings/a.mp4,,w1,the egg was flipped,boss,2026-03-02T14:00",
        f",{second},,not blurred,boss,2026-03-02T14:00Z",
    )
    assert bring(record, tmp_path, text) == [Imported("appeal", 2, 0)]
    with record.begin() as session:
        rows = session.scalars(select(Appeal).order_by(Appeal.id)).all()
        assert [(row.episode_id, row.worker_id, row.state) for row in rows] == [
            (first, "w1", "open"),
            (second, "w2", "open"),
        ]
        berlin = dt.datetime(2026, 3, 2, 13, tzinfo=dt.UTC)
        assert (rows[0].brought_at, rows[0].due_at) == (berlin, berlin + dt.timedelta(days=2))
        rows[0].state = "upheld"
    assert bring(record, tmp_path, text) == [Imported("appeal", 0, 0)]
    again = appeals("/recordings/a.mp4,,w1,I insist,boss,2026-03-09T14:00")
    assert bring(record, tmp_path, again) == [Imported("appeal", 1, 0)]


def test_appeals_that_cannot_be_are_named(record: Record, tmp_path: Path) -> None:
    bring(record, tmp_path, SITES)
    with record.begin() as session:
        enter(session, "a", worker_id="w1", decision="rejected")
        enter(session, "waits", decision=None)
        enter(session, "two", index=0)
        enter(session, "three", path="/recordings/two.mp4", index=1)
    when = "why,boss,2026-03-02T14:00"
    lines = [
        f"/recordings/none.mp4,,,{when}",
        f",,,{when}",
        f"/recordings/a.mp4,1,,{when}",
        f"/recordings/a.mp4,,w9,{when}",
        f"/recordings/waits.mp4,,,{when}",
        f"/recordings/two.mp4,,,{when}",
        "/recordings/a.mp4,,w1,again,boss,2026-03-02T15:00",
        ",x,,why,boss,2026-03-02T15:00",
    ]
    assert refused(record, put(tmp_path, appeals(*lines))) == [
        "line 2, path: '/recordings/none.mp4' is no episode in the record: check it, as the "
        "Episode page says it",
        "line 3, path: is told twice or not at all: give episode_id or path",
        "line 4, episode_id: '1' is told twice or not at all: give episode_id or path",
        "line 5, worker_id: 'w9' did not record this episode: it is of w1",
        "line 6, path: '/recordings/waits.mp4' is not decided yet: it waits for review: leave it "
        "out",
        "line 7, path: '/recordings/two.mp4' holds several episodes: give episode_index too",
        "line 8, path: '/recordings/a.mp4' is appealed already, since 2026-03-02 14:00 UTC: leave "
        "it out until that is answered",
        "line 9, episode_id: 'x' is no whole number: write digits only, as 42",
    ]
    with record.read() as session:
        assert session.scalars(select(Appeal)).all() == []
