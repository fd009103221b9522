"""Quality: which defects, on which rig, since when, and the episodes that have them."""

from __future__ import annotations

import streamlit as st

from metrics import defects, review
from pages import _charts as charts
from pages import _flagged as shown
from pages._door import demand
from pages._filters import chosen, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._words import CHECKS


def page() -> None:
    """What goes wrong, and where."""
    visitor = demand("quality")
    filter = chosen()
    heading("Quality", said(filter, compared=True))
    if nothing_recorded():
        return
    mirrored = mirror()
    tiles = defects.quality_tiles(mirrored, filter)
    past = filter.before()
    passed = (review.first_pass(mirrored, one) for one in (filter, past))
    shown.quality_tiles(tiles, defects.quality_tiles(mirrored, past), *passed)
    if not tiles.episodes:
        nothing_chosen("episodes")
        return
    found = defects.defects(mirrored, filter)
    left, right = st.columns(2)
    with left:
        st.subheader("Defects, most frequent first", anchor=False)
        height = 90 + 34 * max(len(found), 3)
        alt = "Episodes flagged by check; a chosen bar lists its episodes below."
        charts.draw(
            charts.pareto(found), key="pareto", alt=alt, height=height, picks=shown.only_check
        )
        st.subheader("Over time", anchor=False)
        over = defects.defects_over_time(mirrored, filter)
        top = [one.check_name for one in found[:5]]
        charts.draw(
            charts.defects_over_time(over, top, filter),
            key="over",
            alt="Share flagged a day by check.",
        )
    with right:
        st.subheader("Rigs, worst first", anchor=False)
        shown.rigs(filter, height=height + 374)
    st.caption(
        "Choose a bar or a rig to see its episodes below; what is chosen stands in the filters. A "
        "rig marked ✕ has its whole 95 % interval above the dashed line, the share of all rigs."
    )
    shown.lags(filter)
    st.subheader("Flagged episodes", anchor=False)
    offered = [one.check_name for one in found] or list(CHECKS)
    checks = shown.pick_checks(offered, "in these days and filters")
    shown.flagged(filter, visitor, checks=checks)
