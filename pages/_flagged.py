"""Lists of flagged episodes, and the tiles of the Quality page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import streamlit as st

from dailies.access import Visitor
from metrics import Filter, defects
from metrics.review import FirstPass
from pages import _charts as charts
from pages import _tables as tables
from pages._address import quoted
from pages._door import demand
from pages._filters import narrow
from pages._frame import nothing_chosen
from pages._ground import mirror
from pages._pictures import link
from pages._tiles import Tile, pass_tiles, strip
from pages._words import (
    check_words,
    count,
    hours,
    interval,
    recording_words,
    share,
    verdict_words,
)

LISTED = 100
"""Episodes on one page of the list."""

RIGS = 20
"""Rigs shown, the worst; and those that are chosen."""

CAMERAS = 20
"""Cameras shown, those furthest out of step."""


def quality_tiles(
    now: defects.QualityTiles,
    before: defects.QualityTiles,
    passed: FirstPass,
    passed_before: FirstPass,
) -> None:
    """How good what came in is."""
    n = f"n = {count(now.episodes)} episodes, duplicates left out"
    good = f"Verdict good, of all; {n}. {interval(now.good_low, now.good_high)}."
    strip(
        [
            Tile("Episodes", count(now.episodes), n, now.episodes, before.episodes),
            Tile(
                "Good",
                share(now.good_share),
                good,
                now.good_share,
                before.good_share,
                "points",
            ),
            *pass_tiles(passed, passed_before),
            Tile("In review", count(now.waiting), f"Suspect or unknown, not decided yet; {n}."),
            Tile("Flagged hours", hours(now.flagged_h), "Of episodes with a suspect or fail flag."),
            Tile("Duplicates", count(now.duplicates), "Same content as an earlier episode."),
        ]
    )


def rigs(filter: Filter, *, height: int) -> None:
    """Rigs by share of flagged episodes. A chosen one is shown among all, to be compared."""
    every = defects.defects_by_rig(mirror(), replace(filter, rigs=()))
    ones = [one for at, one in enumerate(every) if at < RIGS or one.rig_id in filter.rigs]
    charts.draw(
        charts.rig_intervals(ones, filter.rigs),
        key="rigs",
        alt="Share of flagged episodes by rig, with intervals; a chosen one narrows to that rig.",
        height=height,
        picks=lambda rig: narrow("rig", rig),
    )


def lags(filter: Filter) -> None:
    """How late cameras show their robots; nothing where no episode tells."""
    every = defects.camera_lags(mirror(), filter)
    if not every:
        return
    ones = every[:CAMERAS]
    st.subheader("Cameras against their robots, furthest out of step first", anchor=False)
    tables.table(
        {field.name: [getattr(one, field.name) for one in ones] for field in fields(ones[0])},
        {
            "rig_id": tables.text("Rig"),
            "site_id": tables.text("Site"),
            "camera": tables.text("Camera", width="medium"),
            "late_ms": tables.number("Late (ms)", help="Median of its episodes; below 0 early."),
            "late_low_ms": tables.number("95 % low (ms)", help="Interval of the median."),
            "late_high_ms": tables.number("95 % high (ms)", help="Interval of the median."),
            "quarter_ms": tables.number("25 % (ms)", help="A quarter of them is below."),
            "three_quarters_ms": tables.number("75 % (ms)", help="A quarter is above."),
            "told": tables.number("Told by", help="Episodes in which enough moves to tell."),
            "episodes": tables.number("Episodes", help="Duplicates left out."),
        },
        key="lags",
        narrows=lambda row: narrow("rig", ones[row].rig_id),
    )
    st.caption(
        f"{len(ones)} of {len(every)} cameras. One that is late in every episode, by less than any "
        "is flagged for, shows here: calibrate its delay. Where quarters lie far apart it is now "
        "in step and now not: look at the rig's clocks. Choose a row to see the rig's episodes."
    )


def only_check(check: str) -> None:
    """Have the list hold only what one check flagged; for callbacks of widgets."""
    st.session_state["check"] = [check]


def pick_checks(offered: Sequence[str], among: str) -> tuple[str, ...]:
    """Which flags to look for. A link names them by id or in words; what is not ``among`` is told.

    Streamlit's own binding would drop it without a word, and show everything.
    """
    said = st.query_params.get_all("check")
    ids = {says.casefold(): one for one in offered for says in (one, check_words(one) or "")}
    if said and "check" not in st.session_state:
        known = [ids[one.casefold()] for one in said if one.casefold() in ids]
        st.session_state["check"] = list(dict.fromkeys(known))
    if missing := [one for one in said if one.casefold() not in ids]:
        names = ", ".join(map(quoted, missing))
        st.warning(
            f"There is no flag {names} {among}: it was left out.", icon=":material/filter_alt_off:"
        )
    picked = st.pills(
        "With a flag of",
        list(offered),
        selection_mode="multi",
        format_func=check_words,
        key="check",
        bind="query-params",
    )
    return tuple(picked)


def flagged(
    filter: Filter, visitor: Visitor, *, checks: tuple[str, ...] = (), key: str = "flagged"
) -> None:
    """The list of flagged episodes with their pictures, whose rows open them; page by page."""
    count = defects.flagged_count(mirror(), filter, checks=checks)
    if not count:
        nothing_chosen("flagged episodes")
        return
    table = st.container()
    page = _page(-(-count // LISTED), of=(filter, checks))
    first = (page - 1) * LISTED
    ones = defects.flagged_episodes(mirror(), filter, checks=checks, limit=LISTED, offset=first)
    with table:
        _rows(ones, visitor, key=f"{key}-{page}")
        said, button = st.columns([3, 1], vertical_alignment="center")
        said.caption(
            f"{first + 1:,} to {first + len(ones):,} of {count:,}, worst verdict first, then "
            "newest; "
            "with those whose verdict is unknown, which rates and hours of flagged ones leave out"
        )
        if not visitor.may_see("quality"):
            return
        button.download_button(
            "All of them as CSV",
            lambda: export(filter, checks, count),
            file_name=f"dailies-flagged-{filter.from_on}-{filter.to_on}.csv",
            mime="text/csv",
            icon=":material/download:",
            help="One line an episode of this list, on all its pages: its number, path and number "
            "within it, whose it is, its verdict and decision, and its worst flag.",
            on_click="ignore",
            key=f"{key}-csv",
        )


def export(filter: Filter, checks: tuple[str, ...], count: int) -> bytes:
    """The whole list as CSV, for the visitor whose click it was."""
    demand("quality")
    return lines(filter, checks, count)


def lines(filter: Filter, checks: tuple[str, ...], count: int) -> bytes:
    """Every flagged episode as CSV, with all that tells which it is."""
    return tables.as_csv(defects.flagged_lines(mirror(), filter, checks=checks, limit=count))


def _page(pages: int, *, of: object) -> int:
    """The page chosen, from 1; a list of something else begins at its first."""
    if st.session_state.get("listed", of) != of or st.session_state.get("page", 1) > pages:
        st.session_state["page"] = 1
    st.session_state["listed"] = of
    if pages == 1:
        return 1
    return st.pagination(pages, key="page", bind="query-params")


def _rows(ones: Sequence[defects.FlaggedEpisode], visitor: Visitor, *, key: str) -> None:
    names = ("worked_on", "task_id", "site_id", "rig_id", "worker_id", "duration_s", "message")
    row = tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {
            "picture": [
                link("still", one.episode_id, 0, visitor) if one.measurements else None
                for one in ones
            ],
            "verdict": [verdict_words(one.verdict) for one in ones],
            "check": [check_words(one.check_name) for one in ones],
            "recording": [recording_words(one.path, one.episode_index) for one in ones],
        },
        {
            "picture": tables.picture("Picture"),
            "verdict": tables.text("Verdict"),
            "check": tables.text("Worst flag"),
            "message": tables.text("What and what to do", width="large"),
            "recording": tables.text("Recording", width="medium"),
            "task_id": tables.text("Task"),
            "site_id": tables.text("Site"),
            "rig_id": tables.text("Rig"),
            "worker_id": tables.text("Worker"),
            "worked_on": st.column_config.DateColumn("Day", format="D MMM"),
            "duration_s": tables.number("Length (s)", 1),
        },
        key=key,
        height=560,
        opens=True,
        row_height=56,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)
