"""The console of the Review page: its component, and the desk of who sits at it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st
import streamlit.components.v2 as components

from dailies.access import Visitor
from metrics import review as asked
from pages._door import demand
from pages._filters import chosen
from pages._ground import ground, mirror
from pages._player import text_of
from pages._review_clip import clip_data
from pages._review_desk import Desk, act, fill, fit, sit_down
from pages._words import count, is_dark, seconds
from review.queue import Claim, Filters

DESK, CLIPS, KEY = "review_desk", "review_clips", "review_console"


def desk_of(visitor: Visitor) -> Desk:
    """The visitor's desk, which lasts as long as they stay."""
    desk = st.session_state.get(DESK)
    if not isinstance(desk, Desk) or desk.reviewer != visitor.id:
        desk = Desk(visitor.id or "")
        st.session_state[DESK] = desk
    return desk


def wanted() -> Filters:
    """What the filters and the Queue page's checks leave of the queue."""
    filter = chosen()
    checks = tuple(st.session_state.get("queue_checks", ()))
    return Filters(filter.sites, filter.tasks, filter.rigs, filter.workers, checks)


def waiting() -> asked.Waiting:
    """The same, for questions."""
    one = wanted()
    return asked.Waiting(one.sites, one.tasks, one.rigs, one.workers, one.checks)


def now() -> dt.datetime:
    """The instant, in UTC."""
    return dt.datetime.now(dt.UTC)


def console() -> None:
    """Draw it, and do what its keys ask."""
    visitor = demand("review")
    desk = desk_of(visitor)
    record, at = ground().record, now()
    sit_down(desk, record, at)
    fit(desk, record, wanted())
    fill(desk, record, wanted(), at)
    mirrored = mirror()
    _console()(
        data={
            "clips": [one for claim in desk.held if (one := _clip(claim, visitor, at))],
            "done": desk.done,
            "turn": desk.turn,
            "message": {"id": desk.messages, "text": desk.message},
            "idle": desk.idle,
            "sitting": _sitting(desk, asked.review_queue(mirrored, at, waiting())),
        },
        key=KEY,
        on_acts_change=_did,
    )


def _did() -> None:
    visitor = demand("review")
    acts = st.session_state[KEY].get("acts")
    if isinstance(acts, list):
        act(desk_of(visitor), ground().record, acts, wanted(), now())


def _clip(claim: Claim, visitor: Visitor, at: dt.datetime) -> dict[str, Any] | None:
    """What is shown of a claim; made once, while it is loaded ahead."""
    kept: dict[Any, dict[str, Any]] = st.session_state.setdefault(CLIPS, {})
    key = (claim.id, is_dark())
    if key not in kept:
        made = clip_data(mirror(), claim, visitor, at)
        if made is None:
            return None
        held = {one.id for one in desk_of(visitor).held}
        for old in [old for old in kept if old[0] not in held]:
            del kept[old]
        kept[key] = made
    return kept[key]


def _sitting(desk: Desk, queue: asked.ReviewQueue) -> str:
    oldest = f" · oldest {seconds(queue.oldest_s)}" if queue.oldest_s else ""
    return f"{count(desk.decided)} decided in this sitting · {count(queue.waiting)} wait{oldest}"


@st.cache_resource
def _console() -> Any:
    player = text_of("_player.html")
    html = text_of("_review.html").rstrip().removesuffix("</div>")
    js = "\n".join((text_of("_player.js"), text_of("_review.js"), "export default review;\n"))
    return components.component(
        "dailies_review",
        html=f"{html}<template>{player}</template></div>",
        css=text_of("_player.css") + text_of("_review.css"),
        js=js,
    )
