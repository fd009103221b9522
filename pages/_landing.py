"""What the Live page shows: its tiles, the verdicts as they come, and what is on its way in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from metrics import live
from pages import _tables as tables
from pages._filters import narrow
from pages._tiles import Tile, strip
from pages._words import (
    DUPLICATE,
    VERDICTS,
    check_words,
    count,
    recording_words,
    seconds,
    verdict_words,
)

NOTE = "Of the last 24 hours, within the filters; read anew every two seconds."
QUEUE = "Of all places: a recording says whose it is once it is read. Read anew every 2 seconds."
DAMAGED = (
    "Recordings that are damaged or cannot be read; see Landing for how. Each has failed its "
    "screening too, and is among the judged of its time; here it stands until a whole one comes."
)
STATES = {"failed": "damaged"}
"""States of a path for which the page has a word of its own."""


def intake_tiles(intake: live.IntakeTiles, pulse: Sequence[live.PulseMinute]) -> None:
    """How the intake is doing."""
    minutes = [float(minute.episodes) for minute in pulse]
    strip(
        [
            Tile("Judged", count(intake.judged), f"Episodes with a verdict. {NOTE}", trend=minutes),
            Tile(
                "Time to verdict",
                seconds(intake.lag_p50_s),
                f"Median from landed whole to the verdict, n = {intake.judged}. {NOTE}",
            ),
            Tile(
                "Slowest 5 %",
                seconds(intake.lag_p95_s),
                f"95th percentile from landed whole to the verdict, n = {intake.judged}. {NOTE}",
            ),
            Tile("Screening", count(intake.screening), f"Being measured at this moment. {QUEUE}"),
            Tile(
                "Waiting",
                count(intake.waiting),
                f"Seen and not begun; the oldest since {seconds(intake.oldest_waiting_s)}. {QUEUE}",
            ),
            Tile("Damaged", count(intake.failed), f"{DAMAGED} {QUEUE}"),
        ]
    )


def verdicts(ones: Sequence[live.LatestEpisode]) -> None:
    """The feed of verdicts, whose rows open their episodes."""
    if not ones:
        st.info("No verdicts within these filters yet.", icon=":material/filter_alt_off:")
        return
    row = tables.table(
        {
            "at": [one.judged_at for one in ones],
            "verdict": [_verdict(one) for one in ones],
            "flag": [None if one.is_duplicate else check_words(one.flag_check) for one in ones],
            "recording": [recording_words(one.path, one.episode_index) for one in ones],
            "task": [one.task_id for one in ones],
            "site": [one.site_id for one in ones],
            "rig": [one.rig_id for one in ones],
            "length": [one.duration_s for one in ones],
            "lag": [one.lag_s for one in ones],
        },
        {
            "at": st.column_config.DatetimeColumn("Judged (UTC)", format="D MMM HH:mm:ss"),
            "verdict": tables.text("Verdict", width=100),
            "flag": tables.text("Worst flag", width=130),
            "recording": tables.text("Recording"),
            "task": tables.text("Task"),
            "site": tables.text("Site"),
            "rig": tables.text("Rig"),
            "length": tables.number("Length (s)", 1),
            "lag": tables.number("To verdict (s)", 1, help="From landed whole to the verdict."),
        },
        key="verdicts",
        height=620,
        opens=True,
    )
    if row is not None and row < len(ones):
        tables.open_episode(ones[row].episode_id)


def _verdict(one: live.LatestEpisode) -> str:
    """A duplicate counts as rejected, whatever its pictures are like."""
    return DUPLICATE if one.is_duplicate else verdict_words(one.verdict)


def on_their_way(ones: Sequence[live.LandingNow]) -> None:
    """Paths that wait, are being screened, or are damaged."""
    if not ones:
        st.caption("Nothing is on its way in: all that has landed has its verdict.")
        return
    tables.table(
        {
            "state": [STATES.get(one.state, one.state) for one in ones],
            "path": [one.path.rsplit("/", 1)[-1] for one in ones],
            "age": [one.age_s for one in ones],
            "error": [_within(one.path, one.error) for one in ones],
        },
        {
            "state": tables.text("State"),
            "path": tables.text("File"),
            "age": tables.number("Since (s)", help="Since the file was first seen."),
            "error": tables.text("What is wrong", width="medium"),
        },
        key="landing",
        height=180,
    )


def _within(path: str, error: str | None) -> str | None:
    """What is wrong, without the folder that the file's own column leaves out too."""
    folder = path.rpartition("/")[0]
    return error.replace(f"{folder}/", "") if error and folder else error


def places(kind: str, ones: Sequence[live.LivePlace], opens: str) -> None:
    """Verdicts by site or rig; a chosen row goes to the page ``opens``, narrowed to the place."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    grades = [grade.value for grade in VERDICTS]

    def choose(row: int) -> None:
        if ones[row].place_id is not None:
            narrow(kind, ones[row].place_id)
            st.session_state["going"] = opens

    tables.table(
        {"place": [one.place_id or "unknown" for one in ones]}
        | {grade: [getattr(one, grade) for one in ones] for grade in grades}
        | {"duplicates": [one.duplicates for one in ones]}
        | {"ago": [max((now - one.last_landed_at).total_seconds() / 60, 0) for one in ones]},
        {"place": tables.text(kind.capitalize())}
        | {grade: tables.number(verdict_words(grade)) for grade in grades}
        | {"duplicates": tables.number(DUPLICATE, help="Same content as an earlier episode.")}
        | {"ago": tables.number("Last (min)", help="Minutes since something last landed.")},
        key=f"by_{kind}",
        height=188,
        narrows=choose,
    )


def go_on() -> None:
    """Go where the row leads that was just chosen among the places, if one was."""
    going = st.session_state.pop("going", None)
    if going:
        tables.open_page(going)
