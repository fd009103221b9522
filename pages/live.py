"""Live: what is landing now, by site and rig, and the verdicts as they come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from metrics import live
from pages import _charts as charts
from pages import _tables as tables
from pages._door import demand
from pages._filters import chosen
from pages._frame import heading, nothing_recorded
from pages._ground import mirror
from pages._tiles import Tile, strip
from pages._words import VERDICTS, check_words, count, seconds, verdict_words

DAY = 1440
NOTE = "Of the last 24 hours, all sites; read anew every two seconds."


def page() -> None:
    """The screen for the wall."""
    demand("live")
    heading("Live", "The last 24 hours · times in UTC · the list follows the filters for places")
    still = st.toggle("Hold still", key="still", help="Stop refreshing, to read in peace.")
    st.fragment(_now, run_every=None if still else 2)()


def _now() -> None:
    demand("live")
    mirrored = mirror()
    landing = live.landing_now(mirrored)
    latest = live.latest_episodes(mirrored, 200)
    if not (landing or latest) and nothing_recorded():
        return
    _tiles(live.intake(mirrored, minutes=DAY), live.intake_pulse(mirrored))
    charts.draw(
        charts.pulse(live.intake_pulse(mirrored)),
        key="pulse",
        alt="Episodes judged in each of the last 60 minutes, good ones and others.",
        height=210,
    )
    feed, places = st.columns([3, 2])
    with feed:
        st.subheader("Verdicts as they come", anchor=False)
        _verdicts([one for one in latest if _fits(one)][:50])
    with places:
        st.subheader("Landing", anchor=False)
        _landing(landing)
        st.subheader("By site and rig, 24 h", anchor=False)
        _places("site", live.live_by_site(mirrored, minutes=DAY))
        _places("rig", live.live_by_rig(mirrored, minutes=DAY))


def _tiles(intake: live.IntakeTiles, pulse: Sequence[live.PulseMinute]) -> None:
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
            Tile("Screening", count(intake.screening), f"Being measured at this moment. {NOTE}"),
            Tile(
                "Waiting",
                count(intake.waiting),
                f"Seen and not begun; the oldest since {seconds(intake.oldest_waiting_s)}. {NOTE}",
            ),
            Tile("Failed", count(intake.failed), f"Could not be taken in; see Landing. {NOTE}"),
        ]
    )


def _fits(one: live.LatestEpisode) -> bool:
    filter = chosen()
    pairs = (
        (filter.sites, one.site_id),
        (filter.tasks, one.task_id),
        (filter.workers, one.worker_id),
        (filter.rigs, one.rig_id),
    )
    return all(not wanted or given in wanted for wanted, given in pairs)


def _verdicts(ones: Sequence[live.LatestEpisode]) -> None:
    if not ones:
        st.info("No verdicts of these places yet.", icon=":material/filter_alt_off:")
        return
    row = tables.table(
        {
            "at": [one.judged_at for one in ones],
            "verdict": [verdict_words(one.verdict) for one in ones],
            "flag": [_why(one) for one in ones],
            "task": [one.task_id for one in ones],
            "site": [one.site_id for one in ones],
            "rig": [one.rig_id for one in ones],
            "length": [one.duration_s for one in ones],
            "lag": [one.lag_s for one in ones],
        },
        {
            "at": st.column_config.DatetimeColumn("Judged (UTC)", format="D MMM HH:mm:ss"),
            "verdict": tables.text("Verdict"),
            "flag": tables.text("Worst flag"),
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


def _why(one: live.LatestEpisode) -> str:
    return "duplicate" if one.is_duplicate else check_words(one.flag_check)


def _landing(ones: Sequence[live.LandingNow]) -> None:
    if not ones:
        st.caption("Nothing is on its way in: all that has landed has its verdict.")
        return
    tables.table(
        {
            "state": [one.state for one in ones],
            "path": [one.path.rsplit("/", 1)[-1] for one in ones],
            "age": [one.age_s for one in ones],
            "error": [one.error for one in ones],
        },
        {
            "state": tables.text("State"),
            "path": tables.text("File"),
            "age": tables.number("Seen since (s)"),
            "error": tables.text("What is wrong", width="medium"),
        },
        key="landing",
        height=180,
    )


def _places(kind: str, ones: Sequence[live.LivePlace]) -> None:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    grades = [grade.value for grade in VERDICTS]
    tables.table(
        {"place": [one.place_id or "unknown" for one in ones]}
        | {grade: [getattr(one, grade) for one in ones] for grade in grades}
        | {"ago": [max((now - one.last_landed_at).total_seconds() / 60, 0) for one in ones]},
        {"place": tables.text(kind.capitalize())}
        | {grade: tables.number(verdict_words(grade)) for grade in grades}
        | {"ago": tables.number("Last (min ago)", help="Minutes since something last landed.")},
        key=f"by_{kind}",
        height=188,
    )
