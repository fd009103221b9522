"""Lists of flagged episodes, and the tiles of the Quality page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dailies.access import Visitor
from metrics import defects
from pages import _tables as tables
from pages._frame import nothing_chosen
from pages._pictures import link
from pages._tiles import Tile, strip
from pages._words import check_words, count, hours, interval, share, verdict_words

LISTED = 100


def quality_tiles(now: defects.QualityTiles, before: defects.QualityTiles) -> None:
    """How good what came in is."""
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


def flagged(ones: Sequence[defects.FlaggedEpisode], visitor: Visitor, *, key: str) -> None:
    """The list of flagged episodes with their pictures, whose rows open them."""
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
        key=key,
        height=560,
        opens=True,
        row_height=56,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)
    if len(ones) == LISTED:
        st.caption(f"The {LISTED} worst are listed; narrow the filters to see others.")
