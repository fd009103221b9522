"""The strip of tiles at the top of a page: value, change, sparkline, and what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from metrics.review import FirstPass
from pages._words import count, interval, share


@dataclass(frozen=True)
class Tile:
    """``means`` is the tile's help: definition, denominator, n, day rule, freshness.

    ``now`` and ``before`` give the change, in ``unit``; ``before`` None where there is nothing fair
    to compare with. ``good_when`` is the direction that is good. ``aside`` is a second number, in
    words, where there is no change.
    """

    label: str
    value: str
    means: str
    now: float | None = None
    before: float | None = None
    unit: Literal["%", "points", ""] = "%"
    good_when: Literal["up", "down", "neither"] = "up"
    trend: Sequence[float] = ()
    aside: str | None = None

    @property
    def change(self) -> str | None:
        """The change in words: relative in %, or in percentage points; None without a past."""
        if self.now is None or not self.before:
            return None
        if self.unit == "points":
            return f"{100 * (self.now - self.before):+.1f} points"
        return f"{100 * (self.now - self.before) / self.before:+.1f} %"


_COLOURS: dict[str, Literal["normal", "inverse", "off"]] = {
    "up": "normal",
    "down": "inverse",
    "neither": "off",
}


def strip(tiles: Sequence[Tile]) -> None:
    """Draw the tiles beside each other, on a phone two in a row."""
    with st.grid(len(tiles), min_column_width=125, gap="small"):
        for tile in tiles:
            st.metric(
                tile.label,
                tile.value,
                tile.change or tile.aside,
                delta_color=_COLOURS[tile.good_when] if tile.change else "off",
                delta_arrow="auto" if tile.change else "off",
                help=tile.means,
                border=True,
                height="stretch",
                chart_data=list(tile.trend) or None,
                chart_type="area",
            )


def pass_tiles(now: FirstPass, before: FirstPass) -> tuple[Tile, Tile]:
    """First-pass yield and rejection rate."""
    return (
        Tile(
            "First-pass yield",
            share(now.first_pass),
            f"{count(now.passed)} of {count(now.originals)} decided clips, reworks and copies left "
            "out, whose first decision accepted them. "
            f"{interval(now.first_pass_low, now.first_pass_high)}.",
            now.first_pass,
            before.first_pass,
            "points",
        ),
        Tile(
            "Rejection rate",
            share(now.rejection),
            f"{count(now.rejected)} of {count(now.decided)} decided clips, {count(now.reworks)} "
            "reworks with them and copies left out, that stand rejected. "
            f"{interval(now.rejection_low, now.rejection_high)}.",
            now.rejection,
            before.rejection,
            "points",
            "down",
        ),
    )
