"""Live: what is landing now, by site and rig, and the verdicts as they come."""

from __future__ import annotations

import streamlit as st

from metrics import live
from pages import _charts as charts
from pages import _landing as shown
from pages._door import demand
from pages._filters import chosen
from pages._frame import heading, nothing_recorded
from pages._ground import mirror

DAY = 1440


def page() -> None:
    """The screen for the wall."""
    demand("live")
    heading("Live", "The last 24 hours · times in UTC · within the filters, whatever their days")
    still = st.toggle("Hold still", key="still", help="Stop refreshing, to read in peace.")
    st.fragment(_now, run_every=None if still else 2)()


def _now() -> None:
    visitor = demand("live")
    shown.go_on()
    mirrored, filter = mirror(), chosen()
    coming = live.landing_now(mirrored)
    latest = live.latest_episodes(mirrored, filter=filter)
    if not (coming or latest) and nothing_recorded():
        return
    minutes = live.intake_pulse(mirrored, filter=filter)
    shown.intake_tiles(live.intake(mirrored, minutes=DAY, filter=filter), minutes)
    charts.draw(
        charts.pulse(minutes),
        key="pulse",
        alt="Episodes judged in each of the last 60 minutes, good ones and others.",
        height=210,
    )
    feed, places = st.columns([3, 2])
    with feed:
        st.subheader("Verdicts as they come", anchor=False)
        shown.verdicts(latest)
    with places:
        st.subheader("Landing", anchor=False)
        shown.on_their_way(coming)
        st.subheader("By site and rig, 24 h", anchor=False)
        opens = "quality" if visitor.may_see("quality") else "throughput"
        shown.places("site", live.live_by_site(mirrored, minutes=DAY, filter=filter), opens)
        shown.places("rig", live.live_by_rig(mirrored, minutes=DAY, filter=filter), opens)
        st.caption(f"A chosen site or rig opens {opens.capitalize()} narrowed to it.")
