"""What a manager or a lead does from an episode's page: appeal, overrule, make a blind check."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from dailies.access import Role, Visitor
from metrics.episodes import EpisodeFacts
from pages._door import demand
from pages._find import box
from pages._frame import heading
from pages._ground import ground
from pages._review import now
from pages._words import check_words, seconds
from review.appeals import CannotAppeal, Standing, appeal, of_episode
from review.blind import set_blind_check
from review.breaker import NotYours
from review.decisions import UNDO_WITHIN, override, recent
from review.queue import held
from review.reasons import CHECKS, PEOPLE, USABLE, NoReason

TOLD = "ruling"
DECISIONS = {"Accept": "accepted", "Reject": "rejected", "Retake": "retake"}
TRUTHS = {"Known good": "accepted", "Known bad": "rejected"}


def sealed_until(episode_id: int, visitor: Visitor) -> dt.datetime | None:
    """Until when an episode's page is closed to who has it in Review or can take a decision back.

    What others and the machine said there would tell a blind look from a plain one while it can
    still be answered otherwise. To a lead all is open; None where nothing bars the page.
    """
    if Role.LEAD in visitor.roles or not visitor.may_see("review"):
        return None
    who, record, at = visitor.id or "", ground().record, now()
    mine = [one.episode_id for one in held(record, who, now=at)]
    ends = [claim.expires_at + UNDO_WITHIN for _, claim in recent(record, who, now=at)
            if claim.episode_id == episode_id]  # fmt: skip
    if episode_id in mine:
        ends.append(at + UNDO_WITHIN)
    return max(ends, default=None)


def sealed(episode_id: int, visitor: Visitor) -> bool:
    """Whether the page is closed to the visitor; then it says why, and until when."""
    until = sealed_until(episode_id, visitor)
    if until is None:
        return False
    heading(f"Episode {episode_id}", "Yours in Review")
    st.info(
        "You hold this clip in Review, or decided on it a moment ago. Its page opens to you at "
        f"{until:%H:%M} UTC, when your decision stands, so that nothing here bears on it.",
        icon=":material/lock_clock:",
    )
    box()
    return True


def rulings(facts: EpisodeFacts, visitor: Visitor) -> None:
    """How appeals stand, the forms that the visitor's roles open, and what came of the last one."""
    if text := st.session_state.pop(TOLD, None):
        st.info(text, icon=":material/gavel:")
    standing = of_episode(ground().record, facts.episode_id)
    for one in standing:
        _appealed(one)
    is_open = any(one.state == "open" for one in standing)
    may_appeal = bool(visitor.roles & {Role.MANAGER, Role.LEAD}) and not is_open
    if may_appeal and facts.decision is not None:
        with st.expander("Bring in an appeal"), st.form("appeal", border=False):
            st.text_input("What is wrong with the decision", key="appeal_reason", max_chars=500)
            st.form_submit_button("Bring it in", on_click=_appeal, args=(facts.episode_id,))
    if Role.LEAD not in visitor.roles:
        return
    with st.expander("Overrule"), st.form("overrule", border=False):
        st.segmented_control("Decision", list(DECISIONS), default="Accept", key="ruling_decision")
        st.selectbox("Reason", [*USABLE, *PEOPLE, *CHECKS], key="ruling_reason",
                     format_func=check_words)  # fmt: skip
        st.text_input("Note", key="ruling_note", max_chars=1000)
        st.form_submit_button("Overrule", on_click=_overrule, args=(facts.episode_id,))
    with st.expander("Use as a blind check"), st.form("blind", border=False):
        st.segmented_control("What it is", list(TRUTHS), default="Known good", key="blind_truth")
        st.form_submit_button("Mix it in", on_click=_blind, args=(facts.episode_id,))


def _appealed(one: Standing) -> None:
    """An open appeal with its clock, or what came of one."""
    by = "a second look" if one.brought_in_by == "second look" else one.brought_in_by
    brought = f"brought in by {by} on {one.brought_at:%-d %b %Y %H:%M} UTC"
    if one.state == "open":
        left_s = (one.due_at - now()).total_seconds()
        due = f"due in {seconds(left_s)}" if left_s >= 0 else f"overdue by {seconds(-left_s)}"
        text = f"**Appeal open**, {due} ({one.due_at:%-d %b %Y %H:%M} UTC); {brought}:"
        box = st.info if left_s >= 0 else st.warning
    else:
        closed = f" on {one.closed_at:%-d %b %Y %H:%M} UTC" if one.closed_at else ""
        answer = f": {one.answered_by} {one.answer}" if one.answered_by else ""
        text = f"**Appeal {one.state}**{closed}{answer}; {brought}:"
        box = st.info
    box(text, icon=":material/balance:")
    st.text(one.reason)


def _appeal(episode_id: int) -> None:
    visitor = demand("episode")
    if not visitor.roles & {Role.MANAGER, Role.LEAD}:
        return
    reason = str(st.session_state["appeal_reason"])
    try:
        appeal(ground().record, episode_id, reason=reason, brought_in_by=visitor.id or "",
               now=now())  # fmt: skip
    except (CannotAppeal, ValueError) as refusal:
        _tell(refusal)
    else:
        _done("The appeal is in. It goes to a reviewer who never decided on this clip.")


def _overrule(episode_id: int) -> None:
    visitor = demand("episode")
    if Role.LEAD not in visitor.roles:
        return
    decision = DECISIONS[st.session_state["ruling_decision"] or "Accept"]
    reason, note = st.session_state["ruling_reason"], st.session_state["ruling_note"] or None
    try:
        override(ground().record, episode_id, visitor.id or "", decision, reason=reason,
                 note=note, now=now())  # fmt: skip
    except (NoReason, NotYours) as refusal:
        _tell(refusal)
    else:
        _done("Overruled. It counts from now.")


def _blind(episode_id: int) -> None:
    visitor = demand("episode")
    if Role.LEAD not in visitor.roles:
        return
    truth = TRUTHS[st.session_state["blind_truth"] or "Known good"]
    set_blind_check(ground().record, episode_id, truth, set_by=visitor.id or "", now=now())
    _done("Each reviewer meets this clip once, as any other.")


def _tell(refusal: Exception) -> None:
    text = str(refusal)
    st.session_state[TOLD] = f"{text[:1].upper()}{text[1:]}."


def _done(text: str) -> None:
    ground().mirror.refresh()
    st.session_state[TOLD] = text
