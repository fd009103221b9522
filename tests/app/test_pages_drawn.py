"""Every page over a small house: what it draws, what it says when empty, whom it refuses."""

from __future__ import annotations

import csv
import datetime as dt
import io
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from films import NOW
from sqlalchemy import delete, select
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dailies.access import PAGES
from dailies.config import Config
from dailies.database import open_record
from dailies.record import Appeal, Episode, Stream
from metrics import Filter, cost
from metrics.choices import Days
from pages import _due, _flagged, _ground
from pages._filters import span
from pages._ground import mirror

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
def test_an_appeal_is_brought_in_on_the_episode_s_page() -> None:
    shown = drawn("episode", id="3")
    for said in (" ", "it is sharp", "again"):
        shown.text_input(key="appeal_reason").set_value(said)
        next(one for one in shown.button if one.label == "Bring it in").click().run()
        assert not shown.exception
        told = shown.info[0].value
        assert told.startswith({" ": "An appeal needs", "again": "An appeal on"}.get(said, "The"))
    with _ground.ground().record.read() as session:
        (appeal,) = session.scalars(select(Appeal))
    assert (appeal.episode_id, appeal.reason, appeal.worker_id) == (3, "it is sharp", "w-3")


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
    ],
)
def test_last_week_and_month_are_over_although_nothing_came_today(
    period: str, from_on: dt.date, to_on: dt.date
) -> None:
    known = Days(dt.date(2026, 1, 1), dt.date(2026, 2, 28), episodes=7, is_example=False)
    assert span(period, known, dt.date(2026, 3, 2)) == (from_on, to_on)
