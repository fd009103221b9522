"""Throughput: hours recorded, delivered and accepted, against the targets."""

from __future__ import annotations

import streamlit as st

from metrics import review, throughput
from pages import _charts as charts
from pages import _hours as shown
from pages._door import demand
from pages._filters import chosen, said, versus
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._tiles import pass_tiles

GROUPS = {
    "site": throughput.hours_by_site,
    "rig": throughput.hours_by_rig,
    "task": throughput.hours_by_task,
    "worker": throughput.hours_by_worker,
}


def page() -> None:
    """How much, and whether it is enough."""
    demand("throughput")
    filter = chosen()
    heading("Throughput", said(filter, compared=True))
    if nothing_recorded():
        return
    mirrored = mirror()
    total = throughput.hours_total(mirrored, filter)
    days = throughput.hours_by_day(mirrored, filter)
    targets = throughput.target_progress(mirrored, filter.to_on, filter.program)
    passed = pass_tiles(*(review.first_pass(mirrored, one) for one in (filter, filter.before())))
    shown.hours_tiles(total, days, passed, said(filter), versus(filter))
    shown.open_shifts(throughput.open_shifts(mirrored, filter))
    if not total.episodes and not total.paid_h:
        nothing_chosen("hours")
        return
    charts.draw(
        charts.hours_by_day(days, throughput.needed_a_day(targets, filter.to_on, filter), filter),
        key="hours",
        alt="Hours accepted a day as bars, delivered and recorded as lines above.",
        height=340,
    )
    if targets:
        st.subheader("Targets", anchor=False)
        shown.targets(targets)
        program = "the chosen program" if filter.program else "all programs"
        st.caption(f"As of {filter.to_on:%-d %b %Y}, of {program}, whatever else is chosen.")
    by = st.segmented_control(
        "By", list(GROUPS), default="site", required=True, key="by", bind="query-params"
    )
    group = GROUPS[str(by)]
    has_past = total.before_accepted_h is not None
    before = group(mirrored, filter.before()) if has_past else ()
    shown.groups(str(by), group(mirrored, filter), before, versus(filter))
    st.caption(
        "A chosen row, also of a target, narrows the page to it: the chart then shows since when."
    )
