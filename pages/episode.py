"""Episode: one recording with its cameras, curves, verdict and the reasons for it."""

from __future__ import annotations

import streamlit as st

from dailies.access import Visitor
from metrics import episodes
from pages import _facts as shown
from pages._door import demand
from pages._filters import chosen
from pages._find import NUMBER, box, found
from pages._flagged import flagged
from pages._frame import heading, nothing_recorded
from pages._ground import mirror
from pages._player import player
from pages._rulings import rulings, sealed


def page() -> None:
    """The episode that the address names, else a list to choose from."""
    visitor = demand("episode")
    wanted = st.query_params.get("id", "")
    facts = episodes.episode(mirror(), int(wanted)) if NUMBER.fullmatch(wanted) else None
    if facts is None:
        _choose(wanted, visitor)
        return
    number = facts.episode_id
    if sealed(number, visitor):
        return
    people = episodes.episode_reviews(mirror(), number)
    flags = episodes.episode_flags(mirror(), number)
    streams = episodes.episode_streams(mirror(), number)
    measured = shown.measured(facts.measurements)
    shown.heading(facts)
    left, right = st.columns([7, 3])
    with left:
        player(facts, streams, flags, measured, visitor)
        if measured is None:
            st.caption("There are no curves of this episode: only its summary was kept.")
    with right:
        shown.verdict(facts, flags, people)
        rulings(facts, visitor)
        shown.metadata(facts)
    shown.measurements(episodes.episode_measurements(mirror(), number))
    shown.reviews(people)


def _choose(wanted: str, visitor: Visitor) -> None:
    heading("Episode", "One recording, its verdict and why")
    if nothing_recorded():
        return
    box()
    if text := st.query_params.get("find", ""):
        found(text)
        return
    if wanted:
        st.warning(f"There is no episode {wanted}. Choose one of these.", icon=":material/search:")
    st.subheader("Flagged episodes, worst first", anchor=False)
    flagged(chosen(), visitor, key="choose")
