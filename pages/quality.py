"""Quality: which defects, on which rig, since when, and the episodes that have them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dailies.access import Visitor
from metrics import defects
from pages import _charts as charts
from pages import _tables as tables
from pages._door import demand
from pages._filters import chosen, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._pictures import link
from pages._tiles import Tile, strip
from pages._words import CHECKS, check_words, count, hours, interval, share, verdict_words

LISTED = 100


def page() -> None:
    """What goes wrong, and where."""
    visitor = demand("quality")
    filter = chosen()
    heading("Quality", said(filter, compared=True))
    if nothing_recorded():
        return
    mirrored = mirror()
    tiles = defects.quality_tiles(mirrored, filter)
    _tiles(tiles, defects.quality_tiles(mirrored, filter.before()))
    if not tiles.episodes:
        nothing_chosen("episodes")
        return
    found = defects.defects(mirrored, filter)
    left, right = st.columns(2)
    with left:
        st.subheader("Defects, most frequent first", anchor=False)
        height = 90 + 34 * max(len(found), 3)
        charts.draw(
            charts.pareto(found), key="pareto", alt="Episodes flagged by check.", height=height
        )
        st.subheader("Over time", anchor=False)
        over = defects.defects_over_time(mirrored, filter)
        top = [one.check_name for one in found[:5]]
        charts.draw(
            charts.defects_over_time(over, top), key="over", alt="Share flagged a day by check."
        )
    with right:
        st.subheader("Rigs, worst first", anchor=False)
        rigs = defects.defects_by_rig(mirrored, filter)[:20]
        alt = "Share of flagged episodes by rig, with intervals."
        charts.draw(charts.rig_intervals(rigs), key="rigs", alt=alt, height=height + 374)
    st.subheader("Flagged episodes", anchor=False)
    checks = st.pills(
        "With a flag of",
        [one.check_name for one in found] or list(CHECKS),
        selection_mode="multi",
        format_func=check_words,
        key="check",
        bind="query-params",
    )
    listed = defects.flagged_episodes(mirrored, filter, checks=tuple(checks), limit=LISTED)
    _episodes(listed, visitor)


def _tiles(now: defects.QualityTiles, before: defects.QualityTiles) -> None:
    n = f"n = {count(now.episodes)} episodes, duplicates left out"
    good = f"Verdict good, of all; {n}. {interval(now.good_low, now.good_high)}."
    accepted = interval(now.acceptance_low, now.acceptance_high)
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
            Tile(
                "Accepted",
                share(now.acceptance),
                f"Accepted of {count(now.decided)} decided episodes. {accepted}.",
                now.acceptance,
                before.acceptance,
                "points",
            ),
            Tile("In review", count(now.waiting), f"Suspect or unknown, not decided yet; {n}."),
            Tile("Flagged hours", hours(now.flagged_h), "Of episodes with a suspect or fail flag."),
            Tile("Duplicates", count(now.duplicates), "Same content as an earlier episode."),
        ]
    )


def _episodes(ones: Sequence[defects.FlaggedEpisode], visitor: Visitor) -> None:
    if not ones:
        nothing_chosen("flagged episodes")
        return
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
        },
        {
            "picture": tables.picture("Picture"),
            "verdict": tables.text("Verdict"),
            "check": tables.text("Worst flag"),
            "message": tables.text("What and what to do", width="large"),
            "task_id": tables.text("Task"),
            "site_id": tables.text("Site"),
            "rig_id": tables.text("Rig"),
            "worker_id": tables.text("Worker"),
            "worked_on": st.column_config.DateColumn("Day", format="D MMM"),
            "duration_s": tables.number("Length (s)", 1),
        },
        key="flagged",
        height=560,
        opens=True,
        row_height=56,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)
    if len(ones) == LISTED:
        st.caption(f"The {LISTED} worst are listed; narrow the filters to see others.")
