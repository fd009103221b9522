"""The filters: in the sidebar, the same on every page, and in the address of the page."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from metrics import Filter
from metrics.choices import Choice, Days, Options, days, options
from pages import _address as address
from pages._ground import mirror

PERIODS = {"7 days": 7, "14 days": 14, "28 days": 28, "90 days": 90}
TODAY, THIS_WEEK, THIS_MONTH = "Today", "This week", "This month"
LAST_WEEK, LAST_MONTH = "Last week", "Last month"
ALL, CHOSEN = "All days", "Chosen days"
USUAL = "28 days"
KINDS = ("site", "task", "worker", "rig")
WRITTEN, WRITTEN_AT, DROPPED = "address_written", "address_written_at", "address_dropped"
BEHIND_S = 1.0
"""So long the browser may still have the address from before; it is sent to it at once."""

ENTER = """
if (!window.dailiesEnter) {
  window.dailiesEnter = true;
  document.addEventListener("keydown", (event) => {
    const part = event.target;
    if (event.key !== "Enter" || part.getAttribute?.("role") !== "spinbutton") return;
    if (!part.closest("[data-testid=stDateInput]")) return;
    part.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    part.blur();
  }, true);
}
"""
_PERIODS = (
    *(TODAY, *PERIODS),
    *(THIS_WEEK, LAST_WEEK, THIS_MONTH, LAST_MONTH),
    *(ALL, CHOSEN),
)


def draw_filters() -> None:
    """Draw them, and keep what they choose for ``chosen``."""
    mirrored = mirror()
    known = days(mirrored)
    offered = _offered(options(mirrored))
    _follow_address(offered)
    with st.sidebar:
        period = st.selectbox(
            "Days",
            _PERIODS,
            index=_PERIODS.index(USUAL),
            key="period",
            help="Days are each site's own; the last is the newest day with anything in it. Weeks "
            "begin on Monday; last week and last month are the whole ones before today. A take of "
            "a night shift counts for the day on which its shift began.",
        )
        start, end = span(str(period), known, dt.datetime.now(dt.UTC).date())
        if period == CHOSEN:
            start, end = _chosen_days(start, end)
        picked = {kind: _pick(kind, offered[kind]) for kind in KINDS}
        program = _program(offered["program"])
    st.session_state["filter"] = Filter(
        start, end, picked["site"], picked["task"], picked["worker"], picked["rig"], program
    )
    written = {kind: list(ids) for kind, ids in picked.items() if ids}
    written |= {"program": [program]} if program else {}
    written |= {"period": [str(period)]} if period != USUAL else {}
    written |= {"days": [f"{start},{end}"]} if period == CHOSEN else {}
    _keep_address(written)


def _offered(options: Options) -> dict[str, Sequence[Choice]]:
    every = (options.sites, options.tasks, options.workers, options.rigs, options.programs)
    return dict(zip(address.KINDS, every, strict=True))


def _follow_address(offered: Mapping[str, Sequence[Choice]]) -> None:
    """Choose what the address names, where that is not what was written there: a link, or Back.

    An address without any filter says nothing: what was chosen stays, and is written into it.
    """
    said, before = address.given(), st.session_state.get(WRITTEN)
    if not said or said == before or (before is not None and _is_ahead(before)):
        return
    read = address.read(said, offered, _PERIODS, CHOSEN)
    st.session_state.update({"period": USUAL, **read.chosen})
    st.session_state["program"] = next(iter(st.session_state["program"]), None)
    st.session_state[WRITTEN], st.session_state[DROPPED] = None, read.dropped


def _is_ahead(written: Mapping[str, list[str]]) -> bool:
    """Whether the browser's address may be behind: something was chosen just now, or a moment ago.

    Who chooses three sites quickly must not have the second taken back by the address of the first.
    """
    state = st.session_state
    held = {kind: list(state.get(kind, ())) for kind in KINDS}
    held["program"] = [state["program"]] if state.get("program") else []
    held["period"] = [state.get("period", USUAL)]
    if held["period"] == [CHOSEN] and "days" in written:
        held["days"] = [",".join(str(state.get(key)) for key in ("from_on", "to_on"))]
    then = {"period": [USUAL], **written}
    has_chosen = any(then.get(key, []) != values for key, values in held.items())
    return has_chosen or time.monotonic() - state[WRITTEN_AT] < BEHIND_S


def _keep_address(filters: dict[str, list[str]]) -> None:
    """Write the filters into the address, and warn of what a link named in vain.

    The warning stays until something else is chosen: what is shown is not what the link meant.
    """
    before = st.session_state.get(WRITTEN)
    order = dict.fromkeys([*address.given(), *(before or ()), *filters])
    filters = {key: filters[key] for key in order if key in filters}  # in the order they have there
    address.write(filters)
    if before not in (None, filters):
        st.session_state[DROPPED] = ()
    if before != filters:
        st.session_state[WRITTEN_AT] = time.monotonic()
    st.session_state[WRITTEN] = filters
    if dropped := st.session_state.get(DROPPED):
        lines = "\n".join(f"- {one}" for one in dropped)
        st.warning(
            f"**Part of the link was left out: this is not all that it meant.**\n{lines}",
            icon=":material/filter_alt_off:",
        )


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
    start, end = (f"{day:%-d %b %Y}" for day in (filter.from_on, filter.to_on))
    days = f"{start} to {end}, days" if start != end else f"{start}, the day"
    days = f"{days} in each site's own time zone"
    return f"{days} · changes against the {versus(filter)}" if compared else days


def versus(filter: Filter) -> str:
    """What tiles compare with, in words."""
    weeks = -(-filter.days // 7)
    return "same days the week before" if weeks == 1 else f"same days {weeks} weeks before"


def span(period: str, known: Days, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and last day of a period.

    Last week and last month are counted from ``today``: on the first of a month, before anything is
    recorded, last month must not be the one before it.
    """
    # one recording with a clock in the future must not move everybody's days
    end = min(known.last_on or today, today + dt.timedelta(days=1))
    if period in PERIODS:
        return end - dt.timedelta(days=PERIODS[period] - 1), end
    newest = max(today, end)  # some sites are a day ahead
    if period == TODAY:
        return newest, newest
    if period == THIS_WEEK:
        return newest - dt.timedelta(days=newest.weekday()), newest
    if period == THIS_MONTH:
        return newest.replace(day=1), newest
    if period == LAST_WEEK:
        monday = today - dt.timedelta(days=today.weekday() + 7)
        return monday, monday + dt.timedelta(days=6)
    if period == LAST_MONTH:
        last = today.replace(day=1) - dt.timedelta(days=1)
        return last.replace(day=1), last
    return min(known.first_on or end, end), end


def _chosen_days(start: dt.date, end: dt.date) -> tuple[dt.date, dt.date]:
    """Two fields: one of a range shows its first day long before it sends both.

    A field sends what was typed only when it is left, so Enter leaves it.
    """
    st.html(f"<script>{ENTER}</script>", unsafe_allow_javascript=True)
    st.session_state.setdefault("from_on", start)
    st.session_state.setdefault("to_on", end)
    # one below the other: side by side they would not fit into the sidebar
    first, last = (
        st.date_input(
            label,
            key=key,
            format="YYYY-MM-DD",
            min_value=address.EARLIEST,
            max_value=address.LATEST,
        )
        for label, key in (("From", "from_on"), ("To", "to_on"))
    )
    if first <= last:
        return first, last
    st.warning(f"From is after To: shown is {last} to {first}.")
    return last, first


def _pick(kind: str, choices: Sequence[Choice]) -> tuple[str, ...]:
    names = _names(choices)
    picked = st.multiselect(
        kind.capitalize() + "s",
        list(names),
        format_func=_named(names),
        key=kind,
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
        placeholder="All",
    )


def _names(choices: Sequence[Choice]) -> dict[str, str]:
    """What each id is called in the filter: its name, unless two share it."""
    often = Counter(choice.name for choice in choices)
    return {
        one.id: one.name if often[one.name] == 1 else f"{one.name} ({one.id})" for one in choices
    }


def _named(names: dict[str, str]) -> Callable[[str], str]:
    return lambda one: names.get(one, one)
