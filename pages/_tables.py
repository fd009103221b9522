"""Tables: numbers to the right with their unit in the header, and rows that open what they mean."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import streamlit as st

Column = st.column_config.Column


def text(label: str, *, help: str | None = None, width: Any = None) -> Any:
    """A column of words."""
    return st.column_config.TextColumn(label, help=help, width=width)


def number(label: str, places: int = 0, *, help: str | None = None, width: Any = None) -> Any:
    """A column of numbers with thousands apart; the unit belongs into ``label``."""
    return st.column_config.NumberColumn(label, format=f"%,.{places}f", help=help, width=width)


def take_columns() -> dict[str, Any]:
    """The columns that say of an episode when, what, where and by whom it was taken."""
    return {
        "worked_on": st.column_config.DateColumn("Day", format="D MMM YYYY"),
        "task_id": text("Task"),
        "site_id": text("Site"),
        "rig_id": text("Rig"),
        "worker_id": text("Worker"),
        "duration_s": number("Length (s)", 1),
    }


def rate(label: str, *, help: str | None = None) -> Any:
    """A column of what ``percent`` gives."""
    return number(f"{label} (%)", 1, help=help)


def percent(shares: Iterable[float | None]) -> list[float | None]:
    """Shares of one as percentages."""
    return [None if one is None else 100 * one for one in shares]


def bar(
    label: str, most: float, *, help: str | None = None, form: str = "%.1f", width: Any = None
) -> Any:
    """A column of numbers drawn as bars up to ``most``."""
    return st.column_config.ProgressColumn(
        label,
        min_value=0.0,
        max_value=max(most, 1e-9),
        format=form,
        help=help,
        color="blue",
        width=width,
    )


def picture(label: str) -> Any:
    """A column of thumbnails."""
    return st.column_config.ImageColumn(label, width="small")


def table(
    values: Mapping[str, Sequence[Any]],
    columns: Mapping[str, Any],
    *,
    key: str,
    height: Any = "auto",
    opens: bool = False,
    narrows: Callable[[int], None] | None = None,
    row_height: int | None = None,
) -> int | None:
    """Draw a table; where its rows open something, the row that was just chosen, else None.

    Where a chosen row narrows the filters instead, ``narrows`` is called with it before the page
    runs again.
    """

    def narrow_now() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and narrows:
            narrows(rows[0])

    shown: Any = st.dataframe(
        pd.DataFrame({name: list(values[name]) for name in columns}),
        column_config=dict(columns),
        hide_index=True,
        key=key,
        height=height,
        row_height=row_height,
        placeholder="–",
        on_select=narrow_now if narrows else "rerun" if opens else "ignore",
        selection_mode="single-row",
    )
    if not opens:
        return None
    rows = shown["selection"]["rows"]
    return int(rows[0]) if rows else None


def as_csv(lines: pa.Table) -> bytes:
    """Columns as a file to download: exact decimals, a header line of their names."""
    out = io.BytesIO()
    csv.write_csv(lines, out)
    return out.getvalue()


def open_episode(episode_id: int) -> None:
    """Go to an episode's page."""
    open_page("episode", id=str(episode_id))


def open_page(name: str, **query: str) -> None:
    """Go to a page, which keeps the filters."""
    draw = importlib.import_module(f"pages.{name}").page
    st.switch_page(st.Page(draw, url_path=name), query_params=query)
