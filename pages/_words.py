"""The words, signs and colours of stages, verdicts, decisions and checks: the same on every page.

A colour is a place in the theme's ten chart colours (.streamlit/config.toml), so that it fits light
and dark; a sign goes with it, since colour must not be the only one.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

import streamlit as st

from dailies.words import Grade

STAGES: Final = {"paid": 6, "recorded": 4, "delivered": 0, "accepted": 2}
STAGE_MEANS: Final = {
    "paid": "hours on shift",
    "recorded": "hours of every recording, each counted once however many cameras saw it",
    "delivered": "recorded hours that landed whole and are no duplicate",
    "accepted": "delivered hours that the verdict or a review accepted",
}
VERDICTS: Final = {Grade.GOOD: 2, Grade.UNKNOWN: 6, Grade.SUSPECT: 1, Grade.FAIL: 5}
VERDICT_SIGNS: Final = {"good": "✓", "unknown": "?", "suspect": "▲", "fail": "✕"}
VERDICT_MEANS: Final = {
    "good": "no check found anything",
    "unknown": "a check could not be evaluated; goes to review",
    "suspect": "something may be wrong; goes to review",
    "fail": "something is wrong; rejected",
}
DECISION_SIGNS: Final = {"accepted": "✓ accepted", "rejected": "✕ rejected", None: "… in review"}
CHECKS: Final = {
    "blur": ("blur", 8),
    "dropped_frames": ("dropped frames", 0),
    "sync_drift": ("sync drift", 3),
    "frozen_picture": ("frozen picture", 4),
    "black_picture": ("black picture", 6),
    "overexposed": ("overexposed", 7),
    "underexposed": ("underexposed", 9),
    "count_mismatch": ("count mismatch", 1),
    "missing_stream": ("missing stream", 5),
    "corrupt_stream": ("corrupt stream", 5),
    "too_short": ("too short", 2),
}
DUPLICATE: Final = "= duplicate"
NOTHING: Final = "–"


def recording_words(path: str, index: int) -> str:
    """The recording with the folder it is in, and the number of the episode from the second on."""
    place = PurePath(path)
    number = f" #{index}" if index else ""
    return "/".join(part for part in place.parts[-2:] if part != place.anchor) + number


def is_dark() -> bool:
    """True where the visitor's theme is dark."""
    return st.context.theme.type == "dark"


def colour(place: int) -> str:
    """The chart colour at a place (0-9), in the visitor's theme."""
    palette: list[str] = st.get_option(
        f"theme.{'dark' if is_dark() else 'light'}.chartCategoricalColors"
    )
    return palette[place]


def stage_colour(stage: str) -> str:
    """The colour of paid, recorded, delivered or accepted."""
    return colour(STAGES[stage])


def verdict_colour(verdict: str) -> str:
    """The colour of a verdict or grade."""
    return colour(VERDICTS[Grade(verdict)])


def check_colour(check: str) -> str:
    """The colour of a check; grey for one that is not known here."""
    return colour(CHECKS.get(check, ("", 6))[1])


def verdict_words(verdict: str) -> str:
    """Sign and word: "▲ suspect"."""
    return f"{VERDICT_SIGNS.get(verdict, '')} {verdict}".strip()


def check_words(check: str | None) -> str:
    """The check's name as people say it; a dash where there is none."""
    return CHECKS.get(check, (check.replace("_", " "), 6))[0] if check else NOTHING


def hours(value: float | None) -> str:
    """Hours as a tile shows them: fewer places the more there are."""
    if value is None:
        return NOTHING
    return (
        f"{value:,.0f} h" if value >= 100 else f"{value:.1f} h" if value >= 1 else f"{value:.2f} h"
    )


def share(value: float | None) -> str:
    """A share of one as a percentage."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """A stretch of time: seconds below two minutes, else minutes, hours or days."""
    if value is None:
        return NOTHING
    if value < 120:
        return f"{value:.1f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h" if value < 172_800 else f"{value / 86_400:.0f} days"


def count(value: int | None) -> str:
    """A number of things, thousands apart."""
    return NOTHING if value is None else f"{value:,}"


def interval(low: float | None, high: float | None) -> str:
    """A Wilson interval in words, empty where there is none."""
    return "" if low is None or high is None else f"95 % interval {share(low)} to {share(high)}"
