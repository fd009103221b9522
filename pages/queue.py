"""Queue: what waits for a reviewer, by risk and age, and who has it now."""

from __future__ import annotations

import streamlit as st

from metrics import review as asked
from pages import _queue as shown
from pages._door import demand
from pages._frame import heading, nothing_recorded
from pages._ground import mirror
from pages._review import now, waiting


def page() -> None:
    """What waits."""
    visitor = demand("queue")
    heading(
        "Queue",
        "What waits for a person, riskiest verdict first, then longest waiting · within the "
        "filters, whatever their days · times in UTC",
    )
    if nothing_recorded():
        return
    mirrored, at = mirror(), now()
    shown.checks()
    chosen = waiting()
    found = asked.review_queue(mirrored, at, chosen)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    shown.tiles(found, asked.review_pace(mirrored, visitor.id or "", midnight))
    if visitor.may_see("review"):
        shown.take_next(visitor)
    left, right = st.columns([7, 3])
    with left:
        st.subheader("Waiting", anchor=False)
        shown.waiting(chosen, found.waiting, visitor)
    with right:
        st.subheader("Held now", anchor=False)
        shown.held(asked.claims(mirrored, at))
        shown.others(found)
