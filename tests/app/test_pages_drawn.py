"""Every page over a small house: what it draws, what it says when empty, whom it refuses."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from films import NOW
from sqlalchemy import delete, select, update
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dailies.access import PAGES
from dailies.config import Config
from dailies.database import open_record
from dailies.record import Appeal, Claim, Episode, Hold, Review, Stream
from metrics import Filter, cost
from metrics.choices import Days
from pages import _due, _flagged, _ground
from pages._address import KINDS
from pages._filters import span
from pages._ground import mirror
from review import queue
from review.decisions import decide

SCRIPT = """
import importlib, streamlit as st
from pages._door import present
from pages._filters import draw_filters
if present().roles:
    draw_filters()
importlib.import_module("pages.{page}").page()
"""
ROLES = {
    "reviewer": {"quality", "queue", "review"},
    "lead": {"quality", "queue", "review", "reviewers", "policy"},
    "finance": {"workers", "cost", "throughput"},
}


@pytest.fixture(scope="module", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """AppTest looks through all that is installed for components at every run of a page."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


def drawn(page: str, claims: dict | None = None, /, **query: str) -> AppTest:
    test = AppTest.from_string(SCRIPT.format(page=page), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    if claims is not None:
        test.user = claims
    return test.run()


def anna(*roles: str) -> dict:
    return {"is_logged_in": True, "sub": "anna", "iat": time.time(), "roles": list(roles)}


def address(shown: AppTest) -> dict[str, list[str]]:
    """The filters that the address of the page names."""
    named = {key: shown.query_params[key] for key in ("period", "days", *KINDS)
             if key in shown.query_params}  # fmt: skip
    return {key: one if isinstance(one, list) else [one] for key, one in named.items()}


@pytest.mark.usefixtures("on_house")
@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_draws(page: str) -> None:
    shown = drawn(page)
    assert not shown.exception
    assert not shown.error
    assert shown.title[0].value.endswith(page.capitalize())


@pytest.mark.usefixtures("on_bare_house")
@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_over_nothing_says_how_to_begin(page: str) -> None:
    shown = drawn(page)
    assert not shown.exception
    (info,) = shown.info
    assert "Nothing recorded yet" in info.value
    assert "/rec" in info.value
    assert "dailies demo" in info.value


@pytest.mark.usefixtures("on_guarded_house")
@pytest.mark.parametrize("page", sorted(PAGES))
@pytest.mark.parametrize("claims", [{}, anna(), anna("reviewer") | {"iat": time.time() - 1e6}])
def test_a_page_refuses_a_visitor_without_a_role(page: str, claims: dict) -> None:
    shown = drawn(page, claims)
    assert shown.title[0].value == "This page is closed to you"
    assert not shown.metric
    assert not shown.dataframe


@pytest.mark.usefixtures("on_guarded_house")
@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_role_opens_its_pages_only(role: str, page: str) -> None:
    shown = drawn(page, anna(role))
    open_to = ROLES[role] | {"live", "episode"}
    assert (shown.title[0].value != "This page is closed to you") == (page in open_to)


def test_quality_says_how_late_a_rigs_cameras_are(on_house: Config) -> None:
    heading = "Cameras against their robots"
    assert not [one for one in drawn("quality").subheader if heading in one.value]
    record = open_record(on_house.record)
    late = Stream(episode_id=1, name="side", kind="video", count=9, rate_hz=30.0, late_ms=41.2)
    try:
        with record.begin() as session:
            session.add(late)
        mirror().refresh()
        shown = drawn("quality")
        assert not shown.exception
        assert [one for one in shown.subheader if heading in one.value]
        (table,) = [one.value for one in shown.dataframe if "late_ms" in one.value]
        assert table[["rig_id", "camera", "late_ms", "told"]].values.tolist() == [
            ["r1", "side", 41.0, 1]
        ]
    finally:
        with record.begin() as session:
            session.execute(delete(Stream).where(Stream.name == "side"))
        record.close()


@pytest.mark.usefixtures("on_house")
def test_the_episode_says_what_is_wrong_and_when() -> None:
    shown = drawn("episode", id="1")
    assert not shown.exception
    assert "flip an egg" in shown.title[0].value
    said = " ".join(one.value for one in [*shown.markdown, *shown.caption])
    assert "frozen picture" in said
    assert "2.0" in said


@pytest.mark.usefixtures("on_house")
@pytest.mark.parametrize("wanted", ["99", "x", "-1", "9" * 40, "1; drop table episode"])
def test_an_episode_that_is_not_there_gives_a_list(wanted: str) -> None:
    shown = drawn("episode", id=wanted)
    assert not shown.exception
    assert not shown.error
    assert "Choose one" in shown.warning[0].value


@pytest.mark.usefixtures("on_house")
def test_filters_are_read_from_the_address() -> None:
    shown = drawn("quality", period="7 days", site="Delft")
    assert shown.sidebar.selectbox(key="period").value == "7 days"
    assert shown.sidebar.multiselect(key="site").value == ["delft"]


@pytest.mark.usefixtures("on_house")
@pytest.mark.parametrize(
    ("given", "read"), [("LAST month", "Last month"), ("7 DAYS", "7 days"), ("nonsense", "28 days")]
)
def test_days_in_the_address_are_read_in_any_case(given: str, read: str) -> None:
    shown = drawn("quality", period=given)
    assert not shown.exception
    assert shown.sidebar.selectbox(key="period").value == read


@pytest.mark.usefixtures("on_house")
@pytest.mark.parametrize(
    ("given", "chosen", "said"),
    [
        ({"site": "delft"}, {"site": ["delft"]}, None),
        ({"site": "DELFT", "task": "flip an egg"}, {"site": ["delft"], "task": ["egg"]}, None),
        ({"site": "facility"}, {}, "There is no site `facility`. There are: `delft`."),
        ({"rig": "r1", "task": "fold"}, {"rig": ["r1"]}, "There is no task `fold`."),
        ({"worker": "w-9"}, {}, "There is no worker `w-9`. There are: `w-1`."),
        ({"program": "x`*y*"}, {}, "There is no program `x *y*`."),
        ({"period": "30 days"}, {}, "There are no days called `30 days`. There are: Today, 7 days"),
        ({"days": "2026-03-01,2026-03-09"}, {"days": ["2026-03-01,2026-03-09"]}, None),
        ({"days": "2026-13-01,2026-03-09"}, {}, "are not two days"),
        ({"days": "2026-03-09,2026-03-01"}, {}, "are not two days"),
        ({"days": "2026-03-01", "period": "Chosen days"}, {}, "are not two days"),
        ({"days": "2026-03-01,2026-03-09", "period": "7 days"}, {}, "count only with"),
    ],
)
def test_a_filter_that_is_not_known_is_told_and_others_stand_by_id(
    given: dict[str, str], chosen: dict[str, list[str]], said: str | None
) -> None:
    shown = drawn("quality", **given)
    assert not shown.exception
    assert [said in one.value for one in shown.warning] == ([True] if said else [])
    assert {key: one for key, one in address(shown).items() if key != "period"} == chosen


@pytest.mark.usefixtures("on_house")
@pytest.mark.parametrize("page", ["quality", "queue"])
@pytest.mark.parametrize(
    ("given", "chosen", "said"),
    [
        ("frozen picture", ["frozen_picture"], []),
        ("Frozen_Picture", ["frozen_picture"], []),
        ("frozen_lake", [], ["There is no flag `frozen_lake`"]),
    ],
)
def test_flags_in_the_address_are_known_by_id_and_in_words(
    page: str, given: str, chosen: list[str], said: list[str]
) -> None:
    shown = drawn(page, check=given)
    assert not shown.exception
    assert shown.session_state["check"] == chosen
    assert [one.value.split(" in ")[0].split(" of ")[0] for one in shown.warning] == said


@pytest.mark.usefixtures("on_house")
def test_the_word_on_an_unknown_filter_stays_until_another_is_chosen() -> None:
    shown = drawn("cost", site="nowhere")
    assert len(shown.run().warning) == 1
    shown.sidebar.multiselect(key="rig").set_value(["r1"]).run()
    assert not shown.warning
    assert address(shown) == {"rig": ["r1"]}


@pytest.mark.usefixtures("on_house")
def test_an_address_that_is_behind_takes_back_nothing_and_back_does() -> None:
    shown = drawn("quality", rig="r1")
    shown.sidebar.multiselect(key="site").set_value(["delft"]).run()
    shown.query_params["rig"] = "r1"  # the browser has not heard of the site yet
    del shown.query_params["site"]
    shown.sidebar.multiselect(key="task").set_value(["egg"]).run()
    assert address(shown) == {"rig": ["r1"], "site": ["delft"], "task": ["egg"]}
    for wait, then in ((0.0, ["delft"]), (9.0, [])):
        shown.session_state["address_written_at"] = time.monotonic() - wait
        shown.query_params.pop("site", None)
        shown.query_params.pop("task", None)
        shown.run()
        assert shown.sidebar.multiselect(key="site").value == then


@pytest.mark.usefixtures("on_house")
def test_two_days_are_chosen_one_by_one() -> None:
    shown = drawn("quality", period="Chosen days")
    for field, day in zip(shown.sidebar.date_input, (3, 9), strict=True):
        field.set_value(dt.date(2026, 3, day)).run()
    filter: Filter = shown.session_state["filter"]
    assert (filter.from_on, filter.to_on) == (dt.date(2026, 3, 3), dt.date(2026, 3, 9))
    assert address(shown)["days"] == ["2026-03-03,2026-03-09"]


@pytest.mark.usefixtures("on_house")
def test_the_sums_of_the_csv_equal_the_page_s() -> None:
    shown = drawn("cost")
    (tile,) = (one for one in shown.metric if one.label.startswith("Due"))
    filter: Filter = shown.session_state["filter"]
    lines = list(csv.DictReader(io.TextIOWrapper(io.BytesIO(_due.lines(filter)), "utf-8")))
    total = sum((Decimal(line["amount"]) for line in lines if line["amount"]), Decimal(0))
    assert total == Decimal(tile.value.replace(",", "")) == Decimal("30.00")
    assert {line["worker_id"] for line in lines} == {"w-1"}
    by_worker = cost.cost_by_worker(mirror(), filter)
    assert sum((one.due or Decimal(0) for one in by_worker), Decimal(0)) == total


@pytest.mark.usefixtures("on_seven_failures")
def test_the_list_as_csv_has_every_page_and_says_which_episode_each_is() -> None:
    filter: Filter = drawn("quality").session_state["filter"]
    content = io.TextIOWrapper(io.BytesIO(_flagged.lines(filter, (), 7)), "utf-8")
    lines = [(one["episode_id"], one["path"], one["verdict"]) for one in csv.DictReader(content)]
    assert lines == [(str(number), f"/rec/{number}.mp4", "fail") for number in range(7, 0, -1)]


@pytest.mark.usefixtures("on_guarded_house")
@pytest.mark.parametrize(("role", "is_offered"), [("reviewer", True), ("finance", False)])
def test_the_list_as_csv_is_offered_to_who_may_have_it(role: str, is_offered: bool) -> None:
    shown = drawn("episode", anna(role))
    assert len(shown.dataframe[-1].value)  # both see the list
    assert bool(shown.get("download_button")) is is_offered


@pytest.mark.usefixtures("on_house")
def test_what_goes_wrong_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pages._door import tell_plainly

    said: list[str] = []
    collect: Callable[..., None] = lambda text, **_: said.append(text)  # noqa: E731
    monkeypatch.setattr("pages._door.st.error", collect)
    assert tell_plainly(RuntimeError("secret detail /path"))
    (text,) = said
    assert "secret detail" not in text
    number = text.rsplit("**", 2)[1]
    assert number in caplog.text
    assert "secret detail" in caplog.text


@pytest.fixture
def on_seven_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages stand on seven failed episodes, of workers w-1 to w-7, the later the newer."""
    config = Config.of(tmp_path)
    record = open_record(config.record)
    with record.begin() as session:
        session.add_all(failure(number) for number in range(1, 8))
    record.close()
    monkeypatch.setattr("pages._flagged.LISTED", 3)
    _ground.leave()
    _ground._standing.append(_ground.Ground.open(config, None))
    yield
    _ground.leave()


def failure(number: int) -> Episode:
    at = NOW + dt.timedelta(minutes=number)
    return Episode(
        id=number,
        content=f"c-{number}",
        path=f"/rec/{number}.mp4",
        format="mp4",
        worker_id=f"w-{number}",
        started_at=at,
        worked_on=at.date(),
        landed_at=at,
        judged_at=dt.datetime.now(dt.UTC),
        duration_s=10.0,
        verdict="fail",
        policy="house@00000000",
        decision="rejected",
    )


@pytest.mark.usefixtures("on_seven_failures")
def test_an_appeal_is_brought_in_on_the_episode_s_page_and_stands_there() -> None:
    shown = drawn("episode", id="3")
    for said, answer in ((" ", "An appeal needs"), ("it is sharp", "The appeal is in")):
        shown.text_input(key="appeal_reason").set_value(said)
        next(one for one in shown.button if one.label == "Bring it in").click().run()
        assert not shown.exception
        assert shown.info[0].value.startswith(answer)
    record = _ground.ground().record
    with record.read() as session:
        (appeal,) = session.scalars(select(Appeal))
    assert (appeal.episode_id, appeal.reason, appeal.worker_id) == (3, "it is sharp", "w-3")

    again = drawn("episode", id="3")
    assert again.info[0].value.startswith("**Appeal open**, due in 48.0 h")
    assert f"{appeal.due_at:%-d %b %Y %H:%M} UTC" in again.info[0].value
    assert "it is sharp" in [one.value for one in again.text]
    assert not [one for one in again.button if one.label == "Bring it in"]

    claim = queue.claim_next(record, "bo", now=NOW, purposes=("appeal",))
    assert claim is not None
    decide(record, claim, "accepted", now=dt.datetime.now(dt.UTC), reason="false_alarm")
    mirror().refresh()
    closed = drawn("episode", id="3")
    assert closed.info[0].value.startswith("**Appeal overturned**")
    assert ": bo accepted;" in closed.info[0].value
    assert [one for one in closed.button if one.label == "Bring it in"]
    (said,) = [one.value for one in closed.caption if one.value.startswith("The machine's")]
    assert "verdict is fail: something is wrong; since then accepted by bo (appeal)." in said


@pytest.mark.usefixtures("on_seven_failures")
@pytest.mark.parametrize(
    ("typed", "title", "listed"),
    [
        ("3", "Episode 3", None),
        (" #5 ", "Episode 5", None),
        ("REC/4", "Episode 4", None),
        ("rec/", "Episode", [7, 6, 5, 4, 3, 2, 1]),
        ("99", "Episode", None),
        ("monday`", "Episode", None),
    ],
)
@pytest.mark.parametrize("at", ["", "2"])
def test_an_episode_is_found_by_its_number_or_a_part_of_its_path(
    typed: str, title: str, listed: list[int] | None, at: str
) -> None:
    shown = drawn("episode", id=at)
    shown.text_input(key="find_episode").set_value(typed).run()
    assert not shown.exception
    assert shown.title[0].value.split(" · ")[0] == title
    if listed:
        assert list(shown.dataframe[0].value["episode_id"]) == listed
    missing = {"99": "There is no episode 99", "monday`": "No episode has `monday ` in its path"}
    said = [one.value for one in shown.warning]
    assert [missing[typed] in one for one in said] == ([True] if typed in missing else [])


@pytest.mark.usefixtures("on_guarded_house")
def test_an_episode_is_closed_to_who_reviews_it_until_the_decision_stands() -> None:
    """What others said there would tell a blind look, and it can still be answered otherwise."""
    record, at = _ground.ground().record, dt.datetime.now(dt.UTC)
    closed = "Its page opens to you"

    def is_closed(*roles: str) -> bool:
        shown = drawn("episode", anna(*roles), id="1")
        return [closed in one.value for one in shown.info] == [True]

    with record.begin() as session:
        session.add(
            Review(episode_id=1, reviewer="anna", decision="accepted", policy="p", kind="blind",
                   decided_at=at - dt.timedelta(minutes=14))
        )  # fmt: skip
    try:
        assert is_closed("reviewer")
        assert not is_closed("lead")
        with record.begin() as session:
            session.execute(update(Review).values(decided_at=at - dt.timedelta(minutes=16)))
        assert not is_closed("reviewer")
        assert queue.claim_episode(record, "anna", 1, now=at)
        assert is_closed("reviewer")
    finally:
        with record.begin() as session:
            session.execute(delete(Review))
            session.execute(delete(Claim))


@pytest.mark.usefixtures("on_seven_failures")
def test_held_rejections_are_listed_and_confirmed_before_they_count() -> None:
    record = _ground.ground().record
    with record.begin() as session:
        session.add(
            Hold(id=1, reviewer="bo", opened_at=NOW, rejected=20, decided=25, rest_rejected=5,
                 rest_decided=50)
        )  # fmt: skip
        session.flush()
        session.add_all(held(number) for number in (4, 5))
    mirror().refresh()

    def press(shown: AppTest, label: str) -> None:
        next(one for one in shown.button if one.label == label).click().run()
        assert not shown.exception

    def outcome() -> str | None:
        with record.read() as session:
            return session.get_one(Hold, 1).outcome

    shown = drawn("reviewers")
    assert "The 2 rejections" in [one.label for one in shown.expander]
    tables = [one.value for one in shown.dataframe if "episode_id" in one.value]
    assert [list(one["episode_id"]) for one in tables] == [[4, 5]]
    press(shown, "Let them count …")
    assert "Let 2 rejections of bo count?" in shown.warning[0].value
    assert outcome() is None
    press(shown, "Not yet")
    assert not shown.warning
    press(shown, "Let them count …")
    with record.begin() as session:  # one more came while the lead looked
        session.add(held(6))
    press(shown, "Yes, they count")
    assert "Nothing was done" in " ".join(one.value for one in shown.info)
    assert outcome() is None
    press(shown, "Back to the queue …")
    assert "Drop 3 rejections of bo?" in shown.warning[0].value
    press(shown, "Yes, drop them")
    assert "3 clips wait in the queue again." in [one.value for one in shown.info]
    assert outcome() == "dropped"


def held(number: int) -> Review:
    return Review(
        episode_id=number,
        reviewer="bo",
        decision="rejected",
        reason="blur",
        kind="first",
        policy="house@00000000",
        decided_at=NOW,
        hold_id=1,
    )


def listed(shown: AppTest) -> tuple[str, list[str]]:
    """What is said of the list's page, and the workers on it."""
    assert not shown.exception
    return shown.caption[-1].value.split(",")[0], list(shown.dataframe[-1].value["worker_id"])


@pytest.mark.usefixtures("on_seven_failures")
@pytest.mark.parametrize(
    ("page", "said", "workers"),
    [
        ("1", "1 to 3 of 7", ["w-7", "w-6", "w-5"]),
        ("3", "7 to 7 of 7", ["w-1"]),
        ("99", "1 to 3 of 7", ["w-7", "w-6", "w-5"]),
    ],
)
def test_the_list_of_flagged_episodes_has_pages_that_stand_in_the_address(
    page: str, said: str, workers: list[str]
) -> None:
    shown = drawn("quality", page=page)
    assert listed(shown) == (said, workers)
    assert shown.dataframe[-1].value["recording"][0] == f"rec/{workers[0][2:]}.mp4"
    assert listed(drawn("episode", page=page)) == (said, workers)


@pytest.mark.usefixtures("on_seven_failures")
def test_a_narrowed_list_begins_at_its_first_page() -> None:
    shown = drawn("quality", page="2")
    assert listed(shown) == ("4 to 6 of 7", ["w-4", "w-3", "w-2"])
    four = [f"w-{number}" for number in (1, 2, 3, 4)]
    shown.sidebar.multiselect(key="worker").set_value(four).run()
    assert listed(shown) == ("1 to 3 of 4", ["w-4", "w-3", "w-2"])


@pytest.mark.usefixtures("on_seven_failures")
def test_live_follows_the_filters() -> None:
    every, one = drawn("live"), drawn("live", worker="w-2")
    assert [shown.metric[0].value for shown in (every, one)] == ["7", "1"]


@pytest.mark.usefixtures("on_seven_failures")
def test_days_count_from_the_newest_one() -> None:
    """It is Monday, 2 March 2026."""
    filter: Filter = drawn("quality", period="7 days").session_state["filter"]
    assert (filter.from_on, filter.to_on) == (dt.date(2026, 2, 24), dt.date(2026, 3, 2))


@pytest.mark.parametrize(
    ("period", "from_on", "to_on"),
    [
        ("Last week", dt.date(2026, 2, 23), dt.date(2026, 3, 1)),
        ("Last month", dt.date(2026, 2, 1), dt.date(2026, 2, 28)),
        ("Today", dt.date(2026, 3, 4), dt.date(2026, 3, 4)),
        ("This week", dt.date(2026, 3, 2), dt.date(2026, 3, 4)),
        ("This month", dt.date(2026, 3, 1), dt.date(2026, 3, 4)),
    ],
)
def test_weeks_and_months_go_by_today_although_nothing_came_since(
    period: str, from_on: dt.date, to_on: dt.date
) -> None:
    """It is Wednesday, 4 March 2026."""
    known = Days(dt.date(2026, 1, 1), dt.date(2026, 2, 28), episodes=7, is_example=False)
    assert span(period, known, dt.date(2026, 3, 4)) == (from_on, to_on)


def test_today_is_tomorrow_where_a_site_is_ahead() -> None:
    known = Days(dt.date(2026, 1, 1), dt.date(2026, 3, 5), episodes=7, is_example=False)
    assert span("Today", known, dt.date(2026, 3, 4)) == (dt.date(2026, 3, 5),) * 2
    later = dataclasses.replace(known, last_on=dt.date(2030, 1, 1))
    assert span("Today", later, dt.date(2026, 3, 4)) == (dt.date(2026, 3, 5),) * 2
