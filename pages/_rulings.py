"""What a manager or a lead does from an episode's page: appeal, overrule, make a blind check."""

from __future__ import annotations

import streamlit as st

from dailies.access import Role, Visitor
from metrics.episodes import EpisodeFacts
from pages._door import demand
from pages._ground import ground
from pages._review import now
from pages._words import check_words
from review.appeals import CannotAppeal, appeal
from review.blind import set_blind_check
from review.breaker import NotYours
from review.decisions import override
from review.reasons import CHECKS, PEOPLE, USABLE, NoReason

TOLD = "ruling"
DECISIONS = {"Accept": "accepted", "Reject": "rejected", "Retake": "retake"}
TRUTHS = {"Known good": "accepted", "Known bad": "rejected"}


def rulings(facts: EpisodeFacts, visitor: Visitor) -> None:
    """The forms that the visitor's roles open, and what came of the last one."""
    if text := st.session_state.pop(TOLD, None):
        st.info(text, icon=":material/gavel:")
    if visitor.roles & {Role.MANAGER, Role.LEAD} and facts.decision is not None:
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
