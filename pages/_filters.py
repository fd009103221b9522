"""The filters: in the sidebar, the same on every page, and in the address of the page."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from metrics import Filter
from metrics.choices import Choice, Days, days, options
from pages._ground import mirror

PERIODS = {"7 days": 7, "14 days": 14, "28 days": 28, "90 days": 90}
LAST_WEEK, LAST_MONTH = "Last week", "Last month"
ALL, CHOSEN = "All days", "Chosen days"
KINDS = ("site", "task", "worker", "rig")


def draw_filters() -> None:
    """Draw them, and keep what they choose for ``chosen``."""
    mirrored = mirror()
    known = days(mirrored)
    offered = options(mirrored)
    periods = (*PERIODS, LAST_WEEK, LAST_MONTH, ALL, CHOSEN)
    _spell("period", periods)
    with st.sidebar:
        period = st.selectbox(
            "Days",
            periods,
            index=list(PERIODS).index("28 days"),
            key="period",
            bind="query-params",
            help="Days are each site's own; the last is the newest day with anything in it. Last "
            "week (Monday to Sunday) and last month are the whole ones before today. A take of a "
            "night shift counts for the day on which its shift began.",
        )
        start, end = span(str(period), known, dt.datetime.now(dt.UTC).date())
        if period == CHOSEN:
            start, end = _chosen_days(start, end)
        picked = {
            kind: _pick(kind, choices)
            for kind, choices in zip(
                KINDS, (offered.sites, offered.tasks, offered.workers, offered.rigs), strict=True
            )
        }
        program = _program(offered.programs)
    st.session_state["filter"] = Filter(
        start, end, picked["site"], picked["task"], picked["worker"], picked["rig"], program
    )


def _spell(key: str, known: Sequence[str]) -> None:
    """Choose one of ``known`` that the address gives in another case, before a widget drops it."""
    given = st.query_params.get(key, "")
    if given not in known and key not in st.session_state:
        found = [one for one in known if one.casefold() == given.casefold()]
        st.session_state.update({key: found[0]} if found else {})


def narrow(kind: str, one: str | None) -> None:
    """Have the filters choose only ``one`` site, task, worker or rig; for callbacks of widgets."""
    if one is not None:
        st.session_state[kind] = [one]


def chosen() -> Filter:
    """What the filters choose now."""
    found = st.session_state["filter"]
    assert isinstance(found, Filter)
    return found


def said(filter: Filter, *, compared: bool = False) -> str:
    """The days in words, and what the tiles' changes compare them with."""
    start, end = filter.from_on, filter.to_on
    days = f"{start:%-d %b %Y} to {end:%-d %b %Y}, days in each site's own time zone"
    return f"{days} · changes against the {versus(filter)}" if compared else days


def versus(filter: Filter) -> str:
    """What tiles compare with, in words."""
    weeks = -(-filter.days // 7)
    return "same days last week" if weeks == 1 else f"same days {weeks} weeks before"


def span(period: str, known: Days, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and last day of a period.

    Last week and last month are counted from ``today``: on the first of a month, before anything is
    recorded, last month must not be the one before it.
    """
    # one recording with a clock in the future must not move everybody's days
    end = min(known.last_on or today, today + dt.timedelta(days=1))
    if period in PERIODS:
        return end - dt.timedelta(days=PERIODS[period] - 1), end
    if period == LAST_WEEK:
        monday = today - dt.timedelta(days=today.weekday() + 7)
        return monday, monday + dt.timedelta(days=6)
    if period == LAST_MONTH:
        last = today.replace(day=1) - dt.timedelta(days=1)
        return last.replace(day=1), last
    return min(known.first_on or end, end), end


def _chosen_days(start: dt.date, end: dt.date) -> tuple[dt.date, dt.date]:
    picked = st.date_input("From and to", (start, end), key="days", bind="query-params")
    if isinstance(picked, tuple) and len(picked) == 2:
        return picked
    return start, end


def _pick(kind: str, choices: Sequence[Choice]) -> tuple[str, ...]:
    names = _names(choices)
    picked = st.multiselect(
        kind.capitalize() + "s",
        list(names),
        format_func=_named(names),
        key=kind,
        bind="query-params",
        placeholder="All",
    )
    return tuple(picked)


def _program(choices: Sequence[Choice]) -> str | None:
    names = _names(choices)
    if not names:
        return None
    return st.selectbox(
        "Program",
        list(names),
        index=None,
        format_func=_named(names),
        key="program",
        bind="query-params",
        placeholder="All",
    )


def _names(choices: Sequence[Choice]) -> dict[str, str]:
    """What each id is called, in the filter and in the address: its name, unless two share it."""
    often = Counter(choice.name for choice in choices)
    return {
        one.id: one.name if often[one.name] == 1 else f"{one.name} ({one.id})" for one in choices
    }


def _named(names: dict[str, str]) -> Callable[[str], str]:
    return lambda one: names.get(one, one)
