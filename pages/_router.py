"""Navigation by role: the script that the app runs for every visitor, on every page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dailies.access import Visitor
from pages import (
    cost,
    episode,
    live,
    policy,
    quality,
    queue,
    review,
    reviewers,
    throughput,
    workers,
)
from pages._door import present
from pages._filters import draw_filters
from pages._frame import draw_frame

ICON = Path(__file__).resolve().parent / "_icon.svg"

GROUPS: dict[str, list[tuple[Callable[[], None], str, str, str]]] = {
    "Operations": [
        (live.page, "live", ":material/sensors:", "What is landing now, by site and rig."),
        (throughput.page, "throughput", ":material/stacked_bar_chart:", "Hours against targets."),
        (workers.page, "workers", ":material/badge:", "Accepted hours out of paid ones."),
    ],
    "Quality": [
        (queue.page, "queue", ":material/inbox:", "What waits for a person, and for how long."),
        (review.page, "review", ":material/rate_review:", "Decide on one clip after the other."),
        (quality.page, "quality", ":material/troubleshoot:", "Which defects, where, since when."),
        (episode.page, "episode", ":material/movie:", "One recording, its verdict and why."),
        (reviewers.page, "reviewers", ":material/groups:", "How well people judge, and agree."),
        (policy.page, "policy", ":material/tune:", "Limits: what moving them would change."),
    ],
    "Money": [
        (cost.page, "cost", ":material/payments:", "What is due, and what an accepted hour costs."),
    ],
}


def screens(visitor: Visitor) -> dict[str, list[Any]]:
    """Every page always, hidden where the visitor may not see it, so that its address stands.

    The icon stands in the title: as the page's icon it would be fetched from a public server.
    """

    def one(draw: Callable[[], None], name: str, icon: str, purpose: str) -> Any:
        visibility = "visible" if visitor.may_see(name) else "hidden"
        return st.Page(
            draw,
            title=f"{icon} {name.capitalize()}",
            url_path=name,
            visibility=visibility,  # type: ignore[arg-type]
            help=purpose,
        )

    return {group: [one(*entry) for entry in entries] for group, entries in GROUPS.items()}


def main() -> None:
    """Draw what stands around every page, then the page."""
    visitor = present()
    groups = screens(visitor)

    def home() -> None:
        every = [page for pages in groups.values() for page in pages]
        st.switch_page(next((p for p in every if visitor.may_see(p.url_path)), every[0]))

    start = st.Page(home, title="Start", url_path="start", default=True, visibility="hidden")
    chosen = st.navigation({"": [start], **groups})
    name = chosen.url_path.capitalize()
    st.set_page_config(page_title=f"{name} · Dailies", page_icon=ICON, layout="wide")
    if visitor.roles:
        draw_filters()
    draw_frame(visitor)
    chosen.run()


main()
