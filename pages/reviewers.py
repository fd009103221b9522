"""Reviewers: how well people judge, who drifts, what is held, and what escapes the machine."""

from __future__ import annotations

import streamlit as st

from dailies.access import Role
from metrics import review as asked
from pages import _charts as charts
from pages import _reviewers as shown
from pages._door import demand
from pages._filters import chosen, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._review import now


def page() -> None:
    """Whether decisions can be trusted."""
    visitor = demand("reviewers")
    filter = chosen()
    heading("Reviewers", f"By the day of the recording · {said(filter)}")
    if nothing_recorded():
        return
    mirrored, at = mirror(), now()
    ones = asked.reviewer_yield(mirrored, filter)
    pairs = asked.agreement_pairs(mirrored, filter)
    open_appeals = asked.appeals(mirrored, at)
    escaped = asked.escapes(mirrored, filter.from_on, filter.to_on, filter.sites)
    shown.tiles(ones, pairs, asked.review_queue(mirrored, at), escaped)
    shown.holds(asked.holds(mirrored), may_release=Role.LEAD in visitor.roles)
    if ones:
        st.subheader("Rejection rate", anchor=False)
        charts.draw(
            charts.reviewer_intervals(ones),
            key="rejections",
            alt="Share of first decisions that reject, by reviewer, with 95 % intervals.",
            height=120 + 34 * len(ones),
        )
        rates = asked.blind_rates(mirrored, filter.from_on, filter.to_on)
        shown.reviewers(ones, rates, shown.drifts(asked.blind_answers(mirrored)))
    else:
        nothing_chosen("reviews")
    shown.drifters(shown.drifts(asked.blind_answers(mirrored)))
    left, right = st.columns(2)
    with left:
        st.subheader("Agreement", anchor=False)
        shown.pairs(pairs)
    with right:
        st.subheader("Appeals", anchor=False)
        shown.appeals(open_appeals)
    st.subheader("Samples of what the machine accepted", anchor=False)
    shown.samples(escaped, asked.lots(mirrored, filter.from_on, filter.to_on, filter.sites))
