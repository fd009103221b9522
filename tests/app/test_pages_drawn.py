"""Every page over a small house: what it draws, what it says when empty, whom it refuses."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from dailies.access import PAGES
from metrics import Filter, cost
from pages import _due
from pages._ground import mirror

SCRIPT = """
import importlib, streamlit as st
from pages._door import present
from pages._filters import draw_filters
if present().roles:
    draw_filters()
importlib.import_module("pages.{page}").page()
"""
ROLES = {"reviewer": {"live", "quality", "episode"}, "finance": {"workers", "cost", "throughput"}}


def drawn(page: str, claims: dict | None = None, **query: str) -> AppTest:
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
