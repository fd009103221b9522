"""What stands around every page: the mark of the example, who is there, and empty states."""

from __future__ import annotations

import streamlit as st

from dailies.access import Visitor
from metrics.choices import days
from pages._ground import ground, mirror

CSS = """
.stMainBlockContainer { padding-top: 3.4rem; padding-bottom: 3rem; }
@media (min-width: 900px) { .stMainBlockContainer { padding-left: 2.5rem; padding-right: 2.5rem; } }
"""


def draw_frame(visitor: Visitor) -> None:
    """The mark of the example above the page, and the visitor below the navigation."""
    if visitor.roles and days(mirror()).is_example:
        st.caption(
            ":orange-badge[:material/science: Example] People, sites, rates and most recordings "
            "here are made up by `dailies demo`."
        )
    st.html(f"<style>{CSS}</style>")
    with st.sidebar:
        if ground().sign_in is None:
            st.caption("No sign-in is configured: this server is open to its own machine only.")
        elif visitor.id:
            st.caption(f"{visitor.name} · {', '.join(sorted(visitor.roles))}")
            st.button("Sign out", on_click=st.logout, icon=":material/logout:")


def heading(title: str, under: str) -> None:
    """A page's title and the line under it."""
    st.title(title, anchor=False)
    st.caption(under)


def nothing_recorded() -> bool:
    """Where the record is empty, says how to begin and gives True."""
    if days(mirror()).first_on is not None:
        return False
    folders = " or ".join(f"`{folder}`" for folder in ground().config.recordings)
    drop = f"Drop a recording into {folders}" if folders else "Run `dailies up --recordings DIR`"
    st.info(
        f"**Nothing recorded yet.** {drop}, or run `dailies demo` for an example operation.",
        icon=":material/inbox:",
    )
    return True


def nothing_chosen(what: str) -> None:
    """An empty state for what the filters leave out."""
    st.info(f"No {what} in these days and filters.", icon=":material/filter_alt_off:")
