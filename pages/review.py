"""Review: one clip after the other, decided by keys."""

from __future__ import annotations

import streamlit as st

from pages import _review as shown
from pages._door import demand
from pages._frame import heading, nothing_recorded


def page() -> None:
    """The desk of a reviewer."""
    demand("review")
    heading("Review", "By keys alone: a accepts, r rejects, t asks for a retake, ? shows all")
    if nothing_recorded():
        return
    st.fragment(shown.console)()
