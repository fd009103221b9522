"""What is known of one episode: its verdict, its metadata, its numbers and reviews."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st

from dailies.record import COUNTING
from metrics import episodes
from pages import _frame as frame
from pages import _tables as tables
from pages._filters import chosen
from pages._find import box
from pages._ground import ground, mirror
from pages._words import (
    DECISION_SIGNS,
    VERDICT_MEANS,
    check_words,
    recording_words,
    seconds,
    verdict_words,
)
from quality.measures.measurements import Measurements, UnknownLayout

FACTS = """
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem .9rem; margin: 0;
  padding: 0 0 0 .5rem; font-size: .875rem; }
dl.facts dt { opacity: .7; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
"""


def heading(facts: episodes.EpisodeFacts) -> None:
    """What it is, and the way to the flagged episodes beside it."""
    title, search, before, after = st.columns([6, 2, 1, 1], vertical_alignment="center")
    with search:
        box()
    beside = episodes.neighbours(mirror(), facts.episode_id, chosen())
    with title:
        where = " · ".join(filter(None, (facts.site or facts.site_id, facts.rig_id)))
        name = facts.task or facts.task_id or Path(facts.path).name
        recording = recording_words(facts.path, facts.episode_index)
        said = " · ".join(filter(None, (where, recording)))
        frame.heading(f"Episode {facts.episode_id} · {name}", said)
    for column, words, number in (
        (before, "← Earlier", beside.previous_id),
        (after, "Later →", beside.next_id),
    ):
        if column.button(words, disabled=number is None, help="Flagged episode", width="stretch"):
            tables.open_episode(int(number or 0))


def measured(stored: str | None) -> Measurements | None:
    """The stored curves, None where there are none that can be read."""
    if not stored:
        return None
    try:
        return Measurements.load(ground().config.data / stored)
    except (FileNotFoundError, UnknownLayout):
        return None


def verdict(
    facts: episodes.EpisodeFacts,
    flags: Sequence[episodes.EpisodeFlag],
    reviews: Sequence[episodes.EpisodeReview],
) -> None:
    """What counts, the machine's verdict, and why."""
    st.subheader(f"{verdict_words(facts.verdict)} · {DECISION_SIGNS[facts.decision]}", anchor=False)
    st.caption(told(facts, reviews))
    if facts.error:
        st.error(facts.error, icon=":material/broken_image:")
    if facts.duplicate_of:
        st.warning(f"Same content as episode {facts.duplicate_of}; counts no hours.")
    for flag in flags[:12]:
        with st.container(border=True):
            where = f"{flag.stream or 'episode'}, {flag.start_s:.2f} to {flag.end_s:.2f} s"
            st.markdown(f"**{verdict_words(flag.grade)} · {check_words(flag.check_name)}**")
            st.text(flag.message)
            st.caption(where)
    if len(flags) > 12:
        st.caption(f"and {len(flags) - 12} more, on the timeline")


def told(facts: episodes.EpisodeFacts, reviews: Sequence[episodes.EpisodeReview]) -> str:
    """The machine's verdict in words, and what became of it: by itself, or since by a person."""
    means, _, becomes = VERDICT_MEANS[facts.verdict].partition("; ")
    people = [one for one in reviews if one.kind in COUNTING and not (one.undone_at or one.is_held)]
    if people:
        last = people[-1]
        becomes = f"since then {last.decision} by {last.reviewer} ({last.kind})"
    after = f"; {becomes}" if becomes else ""
    return f"The machine's verdict is {facts.verdict}: {means}{after}. Policy {facts.policy}."


def metadata(facts: episodes.EpisodeFacts) -> None:
    """Who, where and when; times in the site's own zone."""
    zone = ZoneInfo(facts.zone or "UTC")
    rows = {
        "Task": facts.task or facts.task_id,
        "Worker": facts.worker_id,
        "Site": facts.site or facts.site_id,
        "Rig": " · ".join(filter(None, (facts.rig_id, facts.camera_model))) or None,
        "Program": facts.program_id,
        "Shift": facts.shift_id,
        "Began": _at(facts.started_at, zone),
        "Landed": _at(facts.landed_at, zone),
        "Judged": _at(facts.judged_at, zone),
        "Length": seconds(facts.duration_s)
        + (f", expected {seconds(facts.expected_s)}" if facts.expected_s else ""),
        "Steps": ", ".join(_steps(facts.steps)) or None,
        "Format": facts.format,
        "File": facts.path + (f" #{facts.episode_index}" if facts.episode_index else ""),
    }
    cells = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value
    )
    st.html(f"<style>{FACTS}</style><dl class='facts'>{cells}</dl>")


def _at(instant: dt.datetime, zone: ZoneInfo) -> str:
    local = instant.replace(tzinfo=dt.UTC).astimezone(zone)
    return f"{local:%-d %b %Y %H:%M:%S} {zone.key}"


def _steps(stored: str | None) -> list[str]:
    steps = json.loads(stored) if stored else []
    return [
        str(step.get("label", step) if isinstance(step, dict) else step) for step in steps or []
    ]


def measurements(ones: Sequence[episodes.EpisodeMeasurement]) -> None:
    """The numbers that sum its streams up."""
    if not ones:
        return
    st.subheader("Measurements", anchor=False)
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in ("stream", "name", "value")},
        {
            "stream": tables.text("Stream"),
            "name": tables.text("Measurement", help="The name says the unit."),
            "value": st.column_config.NumberColumn("Value", format="%.4g"),
        },
        key="measurements",
        height=320,
    )


def reviews(ones: Sequence[episodes.EpisodeReview]) -> None:
    """What people decided."""
    if not ones:
        return
    st.subheader("Reviews", anchor=False)
    names = ("decided_at", "kind", "reviewer", "decision", "reason", "note", "policy")
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {"standing": [_standing(one) for one in ones]},
        {
            "decided_at": st.column_config.DatetimeColumn("At (UTC)"),
            "kind": tables.text("Kind", help="First, second look, sample, appeal, or a lead's."),
            "reviewer": tables.text("Reviewer"),
            "decision": tables.text("Decision"),
            "reason": tables.text("Reason"),
            "note": tables.text("Note"),
            "standing": tables.text("Standing"),
            "policy": tables.text("Policy"),
        },
        key="reviews",
    )


def _standing(one: episodes.EpisodeReview) -> str | None:
    if one.undone_at:
        return f"taken back {one.undone_at:%H:%M} UTC"
    return "waits for a lead" if one.is_held else None
