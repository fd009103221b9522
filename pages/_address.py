"""The filters in a page's address: written by id, read with a word on what is not known.

Not by Streamlit's own binding: that writes what a widget shows, where tables and CSVs have ids, and
drops without a word what it does not know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import streamlit as st

from metrics.choices import Choice

KINDS = ("site", "task", "worker", "rig", "program")
EARLIEST, LATEST = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
"""Days that can be chosen; a year that was mistyped is none of them."""

LISTED = 5
"""What there is instead of an unknown one: so many are named, those that look like it first."""

Address = Mapping[str, list[str]]


@dataclass(frozen=True)
class Read:
    """What an address chooses, by the widgets' keys, and a sentence on each thing it does not."""

    chosen: Mapping[str, object]
    dropped: Sequence[str]


def given() -> dict[str, list[str]]:
    """The part of the address that names filters, in its order."""
    keys = ("period", "days", *KINDS)
    return {key: st.query_params.get_all(key) for key in st.query_params if key in keys}


def write(filters: Address) -> None:
    """Have the address name these filters; what else stands there stays.

    At once and only where it differs: each writing is a step for the browser's Back.
    """
    for key in given().keys() - filters.keys():
        del st.query_params[key]
    new = {key: values for key, values in filters.items() if values != given().get(key)}
    if new:
        st.query_params.update(new)


def read(
    said: Address, offered: Mapping[str, Sequence[Choice]], periods: Sequence[str], custom: str
) -> Read:
    """What an address chooses; ``custom`` is the period whose days it names itself."""
    chosen: dict[str, object] = {}
    dropped: list[str] = []
    _read_days(said, periods, custom, chosen, dropped)
    for kind, choices in offered.items():
        ids = []
        for value in filter(None, said.get(kind, ())):
            found = _known(value, choices)
            if found is None:
                dropped.append(_unknown(kind, value, choices))
            elif found not in ids:
                ids.append(found)
        chosen[kind] = ids
    return Read(chosen, dropped)


def _read_days(
    said: Address,
    periods: Sequence[str],
    custom: str,
    chosen: dict[str, object],
    dropped: list[str],
) -> None:
    named = [value for value in said.get("period", ()) if value][-1:]
    is_written = [part for value in said.get("days", ()) for part in value.split(",") if part]
    period = next((one for value in named for one in periods if _alike(one, value)), None)
    if named and period is None:
        offers = ", ".join(periods)
        dropped.append(f"There are no days called {quoted(named[0])}. There are: {offers}.")
    if is_written and period in (None, custom):
        span = _span(is_written)
        if span is None:
            dropped.append(
                f"The days {quoted(', '.join(is_written))} are not two days, the first first. "
                "Write them as days=2026-03-01,2026-03-31."
            )
            period = None
        else:
            period = custom
            chosen["from_on"], chosen["to_on"] = span
    elif is_written:
        dropped.append(f"The days in the address count only with period={custom}.")
    if period is not None:
        chosen["period"] = period


def _span(written: Sequence[str]) -> tuple[dt.date, dt.date] | None:
    try:
        start, end = (dt.date.fromisoformat(one) for one in written)
    except ValueError:
        return None
    return (start, end) if EARLIEST <= start <= end <= LATEST else None


def _known(value: str, choices: Sequence[Choice]) -> str | None:
    """The id of what a link means: its id, or as older links have it its name or its label."""
    ways: tuple[Callable[[Choice], str], ...] = (
        lambda one: one.id,
        lambda one: f"{one.name} ({one.id})",
        lambda one: one.name,
    )
    for says in ways:
        found = [one.id for one in choices if _alike(says(one), value)]
        exact = [one.id for one in choices if says(one) == value]
        for ids in (exact, found):
            if len(ids) == 1:
                return ids[0]
    return None


def _alike(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _unknown(kind: str, value: str, choices: Sequence[Choice]) -> str:
    ids = [one.id for one in choices]
    near = get_close_matches(value, ids, n=LISTED, cutoff=0.4)
    first = list(dict.fromkeys([*near, *ids]))[:LISTED]
    more = f" and {len(ids) - len(first):,} more" if len(ids) > len(first) else ""
    there = f" There are: {', '.join(map(quoted, first))}{more}." if first else ""
    return f"There is no {kind} {quoted(value)}.{there}"


def quoted(value: str) -> str:
    """As it was written: short, and no Markdown."""
    return f"`{' '.join(value.replace('`', ' ').split())[:80]}`"
