"""What the Queue page shows: its tiles, the clips that wait, and who holds some."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dailies.access import Visitor
from metrics import defects
from metrics import review as asked
from pages import _tables as tables
from pages._filters import chosen
from pages._flagged import pick_checks
from pages._frame import nothing_chosen
from pages._ground import ground, mirror
from pages._pictures import link
from pages._review import desk_of, now, wanted
from pages._review_desk import take
from pages._tiles import Tile, strip
from pages._words import CHECKS, check_words, count, hours, seconds, verdict_words

LISTED = 100
"""Clips that are listed: the next ones."""


def checks() -> None:
    """Which flags to look for; kept for the Review page, which takes the next clip by them."""
    found = [one.check_name for one in defects.defects(mirror(), chosen())]
    offered = list(dict.fromkeys([*found, *CHECKS]))
    st.session_state["queue_checks"] = pick_checks(offered, "of that name")


def tiles(queue: asked.ReviewQueue, pace: asked.ReviewPace) -> None:
    """How much waits, how long, and how fast it goes."""
    per_hour = "" if pace.per_hour is None else f"{pace.per_hour:.0f} an hour"
    strip(
        [
            Tile(
                "Waiting clips",
                count(queue.waiting),
                "Without a decision, within the filters; what a lead holds back is not among them.",
                aside=f"{count(queue.risky)} suspect",
            ),
            Tile("Waiting hours", hours(queue.waiting_h), "Of recording, of the waiting clips."),
            Tile("Oldest wait", seconds(queue.oldest_s), "Since the clip landed."),
            Tile(
                "Decided today",
                count(pace.decided),
                "Decisions of all reviewers since midnight UTC; those taken back left out.",
                aside=f"{count(pace.mine)} by you",
            ),
            Tile(
                "My pace",
                seconds(pace.median_s),
                "Median time from a clip's coming on your screen to your decision, today.",
                aside=per_hour or None,
            ),
        ]
    )


def take_next(visitor: Visitor) -> None:
    """The way to Review, with the next clip claimed."""

    def claim() -> None:
        take(desk_of(visitor), ground().record, wanted(), now())

    if st.button(
        "Take the next",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="j",
        on_click=claim,
        help="Claims the next clip for you and opens Review.",
    ):
        tables.open_page("review")


def waiting(what: asked.Waiting, every: int, visitor: Visitor) -> None:
    """The clips that are taken next."""
    ones = asked.review_waiting(mirror(), now(), what, limit=LISTED)
    if not ones:
        nothing_chosen("waiting clips")
        return
    names = ("task_id", "site_id", "rig_id", "worker_id", "duration_s", "message")
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {
            "picture": [
                link("still", one.episode_id, 0, visitor) if one.measurements else None
                for one in ones
            ],
            "verdict": [verdict_words(one.verdict) for one in ones],
            "check": [check_words(one.check_name) for one in ones],
            "waited": [seconds(one.waited_s) for one in ones],
            "held": [_holder(one) for one in ones],
        },
        {
            "picture": tables.picture("Picture"),
            "verdict": tables.text("Verdict"),
            "waited": tables.text("Waits for"),
            "check": tables.text("Worst flag"),
            "message": tables.text("What was found", width="large"),
            "task_id": tables.text("Task"),
            "site_id": tables.text("Site"),
            "rig_id": tables.text("Rig"),
            "worker_id": tables.text("Worker"),
            "duration_s": tables.number("Length (s)", 1),
            "held": tables.text("Held by"),
        },
        key="waiting",
        height=560,
        row_height=56,
    )
    st.caption(f"The next {len(ones):,} of {every:,}. A clip that is held comes back when it ends.")


def _holder(one: asked.WaitingEpisode) -> str | None:
    if one.held_by is None or one.held_until is None:
        return None
    return f"{one.held_by} until {one.held_until:%H:%M:%S}"


def held(ones: Sequence[asked.Held]) -> None:
    """Who holds clips, and until when."""
    if not ones:
        st.caption("Nobody holds a clip.")
        return
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in ("reviewer", "clips")}
        | {
            "since": [f"{one.since_at:%H:%M:%S}" for one in ones],
            "until": [f"{one.until_at:%H:%M:%S}" for one in ones],
        },
        {
            "reviewer": tables.text("Reviewer"),
            "clips": tables.number("Clips"),
            "since": tables.text("Since"),
            "until": tables.text("Until", help="A claim that is not renewed ends then."),
        },
        key="held",
    )


def others(queue: asked.ReviewQueue) -> None:
    """What else is mixed into the queue, of the whole record."""
    st.subheader("Besides", anchor=False)
    overdue = f", {count(queue.overdue)} overdue" if queue.overdue else ""
    st.markdown(
        f"- Appeals open, which come first: {count(queue.appeals)}{overdue}\n"
        f"- Rejections that wait for a lead: {count(queue.held_rejections)}"
    )
