"""Policy: move a limit and see at once what it would change; save it; put a version in force."""

from __future__ import annotations

import streamlit as st

from metrics import policy as metrics
from pages import _policy as shown
from pages._door import demand
from pages._frame import heading, nothing_recorded
from pages._ground import ground, mirror


def page() -> None:
    """The workbench of limits, told from stored scores of the whole history."""
    visitor = demand("policy")
    current = shown.in_force()
    standing = metrics.policy_standing(mirror(), current.id)
    heading("Policy", shown.said(current, standing))
    if nothing_recorded():
        return
    shown.what_is_not_scored(standing, ground().config)
    left, right = st.columns([2, 3], gap="large")
    with left:
        check = shown.choose_check()
        scope, owner = shown.choose_scope(current)
        shown.move(check, scope, owner, current)
        shown.proposal(check, current)
    draft = shown.draft(current)
    with right:
        shown.consequences(current, draft)
    if shown.is_moved(current, draft):
        shown.who_changes(current, draft)
        shown.save(current, draft, visitor)
    st.subheader("Versions", anchor=False)
    shown.versions(current, standing, visitor)
