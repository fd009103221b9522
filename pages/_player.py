"""The player: every camera of an episode in step, over its curves and flagged spans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st
import streamlit.components.v2 as components

from dailies.access import Visitor
from dailies.clips import playable
from metrics.episodes import EpisodeFacts, EpisodeFlag, EpisodeStream
from pages._ground import ground, mirror
from pages._pictures import link, still_of
from pages._words import VERDICT_SIGNS, check_words, colour, is_dark, verdict_colour
from quality.measures.measurements import Measurements

CURVES = {
    "sharpness": ("sharpness", ""),
    "edge_px": ("edge width", "px"),
    "luma": ("brightness", "of 255"),
    "motion": ("motion", "of 255"),
    "speed": ("speed", "per s"),
    "interval_ms": ("interval", "ms"),
}
"""The curves that are drawn, of those that were measured: their words and unit."""

POINTS = 800
HERE = Path(__file__).resolve().parent


def player(
    facts: EpisodeFacts,
    streams: Sequence[EpisodeStream],
    flags: Sequence[EpisodeFlag],
    measured: Measurements | None,
    visitor: Visitor,
) -> None:
    """Draw the player of an episode; without measurements it has no curves."""
    data = shown(facts, streams, flags, measured, visitor)
    _component()(data=data, key=f"player-{facts.episode_id}")


def shown(
    facts: EpisodeFacts,
    streams: Sequence[EpisodeStream],
    flags: Sequence[EpisodeFlag],
    measured: Measurements | None,
    visitor: Visitor,
) -> dict[str, Any]:
    """What the player is given of an episode."""
    cameras = [one for one in streams if one.kind == "video"]
    rates = [one.rate_hz for one in cameras if one.rate_hz]
    duration_s = max(facts.duration_s, *(flag.end_s for flag in flags), 0.001)
    curves = [_curves(measured, one.name) for one in streams] if measured else []
    return {
        "episode": facts.episode_id,
        "duration_s": duration_s,
        "rate_hz": max(rates, default=30.0),
        "cameras": [_camera(facts, one, visitor, duration_s) for one in cameras],
        "flags": [_flag(flag) for flag in flags],
        "curves": [one for one in curves if one],
        "chosen": next((flag.stream for flag in flags if flag.stream), None),
        "at_s": min((flag.start_s for flag in flags if flag.end_s < duration_s), default=0.0),
        "colour": colour(0),
        "dark": is_dark(),
    }


@st.cache_resource
def _component() -> Any:
    html, css, js = (text_of(f"_player.{kind}") for kind in ("html", "css", "js"))
    js = f"{js}\nexport default player;\n"
    return components.component("dailies_player", html=html, css=css, js=js)


def text_of(name: str) -> str:
    """The text of a file beside this one."""
    return (HERE / name).read_text("utf-8")


def _camera(
    facts: EpisodeFacts, stream: EpisodeStream, visitor: Visitor, duration_s: float
) -> dict[str, Any]:
    start_s = stream.file_start_s or 0.0
    still = still_of(mirror(), ground().config, facts.episode_id, stream.name)
    poster = link("still", facts.episode_id, stream.stream_id, visitor)
    return {
        "name": stream.name,
        "url": link("video", facts.episode_id, stream.stream_id, visitor),
        "poster": poster if still and still.is_file() else None,
        "start_s": start_s,
        "end_s": stream.file_end_s or start_s + duration_s,
        "why": _why_not(stream.file),
    }


def _why_not(file: str | None) -> str | None:
    """Why a browser cannot play the file, None where it can."""
    if file is None:
        return "There is no video file of this camera."
    if playable(file):
        return None
    kind = Path(file).suffix.lstrip(".") or "such"
    return f"Browsers do not play {kind} files; the picture from the middle is shown."


def _flag(flag: EpisodeFlag) -> dict[str, Any]:
    return {
        "words": check_words(flag.check_name),
        "sign": VERDICT_SIGNS.get(flag.grade, ""),
        "stream": flag.stream,
        "start_s": flag.start_s,
        "end_s": flag.end_s,
        "message": flag.message,
        "colour": verdict_colour(flag.grade),
    }


def _curves(measured: Measurements, stream: str) -> dict[str, Any] | None:
    try:
        found = measured.curves(stream)
    except KeyError:
        return None
    times = np.asarray(found["time_s"], dtype=np.float64)
    drawn = [_curve(name, found[name]) for name in CURVES if name in found and len(times)]
    kept = [one for one in drawn if one is not None]
    return {"stream": stream, "times": _thin(times).tolist(), "curves": kept} if kept else None


def _curve(name: str, values: npt.NDArray[Any]) -> dict[str, Any] | None:
    numbers = np.array(values, dtype=np.float64)
    if name == "interval_ms":
        numbers[:1] = np.nan  # nothing came before the first
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return None
    words, unit = CURVES[name]
    thin = [None if np.isnan(one) else float(f"{one:.4g}") for one in _thin(numbers, extremes=True)]
    low, high = float(finite.min()), float(finite.max())
    return {"words": words, "unit": unit, "values": thin, "low": low, "high": high}


def _thin(values: npt.NDArray[np.float64], *, extremes: bool = False) -> npt.NDArray[np.float64]:
    """At most POINTS of the values: of each run of them the first or, in turn, lowest and highest.

    So a spike of one frame stays visible in a recording of an hour.
    """
    if len(values) <= POINTS:
        return np.where(np.isfinite(values), values, np.nan)
    width = -(-len(values) // POINTS)
    padded = np.pad(values, (0, -len(values) % width), constant_values=np.nan)
    runs = padded.reshape(-1, width)
    if not extremes:
        return runs[:, 0]
    some = np.isfinite(runs).any(axis=1)
    low = np.where(np.isfinite(runs), runs, np.inf).min(axis=1)
    high = np.where(np.isfinite(runs), runs, -np.inf).max(axis=1)
    turns = np.where(np.arange(len(runs)) % 2 == 0, low, high)
    return np.where(some, turns, np.nan)
