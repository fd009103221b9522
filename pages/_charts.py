"""The charts: plain figures made from arrays, in the theme's colours, one axis each way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import groupby

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from metrics import Filter
from metrics.cost import DayCost
from metrics.defects import Defect, DefectDay, RigDefects
from metrics.live import PulseMinute
from metrics.review import ReviewerYield
from metrics.throughput import DayHours
from metrics.workers import WorkerYield
from pages._words import check_colour, check_words, colour, stage_colour, verdict_colour

CONFIG = {"displayModeBar": False, "showSendToCloud": False, "responsive": True}
DAY_MS = 86_400_000
"""A day as plotly's axes of time count it."""
FEW_DAYS = 7
"""So few days have a tick each, and points on their lines."""
Z95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


def draw(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    height: int = 320,
    picks: Callable[[str], None] | None = None,
) -> None:
    """Show a figure; ``alt`` says in words what it shows, for those who cannot see it.

    ``picks`` is called with the ``customdata`` of a point that was chosen, before the page runs
    again; a point without any stands for nothing that could be chosen.
    """

    def pick() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points and points[0].get("customdata") and picks:
            picks(str(points[0]["customdata"][0]))

    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "title": None},
        hovermode="x unified" if figure.layout.hovermode is None else figure.layout.hovermode,
        dragmode=False,
    )
    st.plotly_chart(
        figure,
        key=key,
        config=CONFIG,
        alt=alt,
        on_select=pick if picks else "ignore",
        selection_mode="points",
    )


def _by_day(figure: go.Figure, filter: Filter) -> None:
    """Have bars a day wide, and the axis from the first to the last day that is asked for."""
    half = dt.timedelta(hours=12)
    first, last = (dt.datetime.combine(day, dt.time()) for day in (filter.from_on, filter.to_on))
    figure.update_xaxes(range=[first - half, last + half])
    figure.update_traces(width=0.75 * DAY_MS, selector={"type": "bar"})
    if filter.days <= FEW_DAYS:  # else hours are written between days
        figure.update_xaxes(dtick=DAY_MS)


def hours_by_day(days: Sequence[DayHours], needed_h: float | None, filter: Filter) -> go.Figure:
    """Accepted hours as bars, delivered and recorded as lines above, the needed pace dashed."""
    on = np.array([day.worked_on for day in days], dtype="datetime64[D]")
    figure = go.Figure(
        go.Bar(
            x=on,
            y=np.array([day.accepted_h for day in days]),
            name="accepted",
            marker={"color": stage_colour("accepted")},
            hovertemplate="%{y:.1f} h",
        )
    )
    for stage, dash in (("delivered", "solid"), ("recorded", "solid"), ("paid", "dot")):
        figure.add_scatter(
            x=on,
            y=np.array([getattr(day, f"{stage}_h") for day in days]),
            name=stage,
            mode="lines+markers" if filter.days <= FEW_DAYS else "lines",
            line={"color": stage_colour(stage), "width": 2, "dash": dash},
            hovertemplate="%{y:.1f} h",
            visible="legendonly" if stage == "paid" else True,
        )
    if needed_h:
        figure.add_scatter(
            x=on[[0, -1]] + np.array([-12, 12], "timedelta64[h]"),
            y=np.array([needed_h, needed_h]),
            mode="lines",
            name=f"needed to keep the targets: {needed_h:.1f} h a day",
            line={"dash": "dash", "width": 1.5, "color": colour(9)},
            hoverinfo="skip",
        )
    figure.update_yaxes(title="hours a day", rangemode="tozero")
    _by_day(figure, filter)
    return figure


def pulse(minutes: Sequence[PulseMinute]) -> go.Figure:
    """Episodes judged per minute of the last hour: good ones, and the others on top."""
    at = np.array([minute.minute_at for minute in minutes], dtype="datetime64[us]")
    every = np.array([minute.episodes for minute in minutes])
    others = np.array([minute.not_good for minute in minutes])
    figure = go.Figure()
    figure.add_bar(x=at, y=every - others, name="good", marker={"color": verdict_colour("good")})
    figure.add_bar(
        x=at, y=others, name="flagged or unknown", marker={"color": verdict_colour("suspect")}
    )
    figure.update_layout(barmode="stack", bargap=0.15)
    figure.update_yaxes(title="episodes a minute", rangemode="tozero")
    figure.update_xaxes(title="UTC, the last 60 minutes")
    return figure


def funnel(workers: Sequence[WorkerYield]) -> go.Figure:
    """Acceptance over decided episodes, with the limits within which chance alone explains it."""
    known = [one for one in workers if one.decided and one.acceptance is not None]
    figure = go.Figure()
    overall = next((one.overall for one in known if one.overall is not None), None)
    if overall is not None:
        n = np.geomspace(1, max(one.decided for one in known) * 1.05, 80)
        spread = Z95 * np.sqrt(overall * (1 - overall) / n)
        for sign, fill in ((-1, None), (1, "tonexty")):
            figure.add_scatter(
                x=n,
                y=np.clip(overall + sign * spread, 0, 1),
                mode="lines",
                line={"width": 0},
                fill=fill,
                fillcolor="rgba(127,138,148,0.18)",
                hoverinfo="skip",
                name="what chance explains (95 %)",
                showlegend=sign == 1,
            )
        figure.add_hline(y=overall, line={"width": 1, "dash": "dash", "color": colour(6)})
    looks = {"above": (2, "triangle-up"), "not distinguishable": (6, "circle"), "below": (5, "x")}
    for standing, (place, symbol) in looks.items():
        ones = [one for one in known if one.standing == standing]
        figure.add_scatter(
            x=np.array([one.decided for one in ones]),
            y=np.array([one.acceptance for one in ones], dtype=float),
            text=[one.worker_id for one in ones],
            mode="markers",
            marker={"color": colour(place), "symbol": symbol, "size": 7, "opacity": 0.85},
            name=f"{standing} ({len(ones)})",
            customdata=[[one.worker_id] for one in ones],
            hovertemplate="%{text}: %{y:.1%} of %{x} decided<extra></extra>",
        )
    most = max((one.decided for one in known), default=1)
    ticks = [10**power * step for power in range(7) for step in (1, 2, 5)]
    figure.update_xaxes(
        title="decided episodes", type="log", tickvals=ticks, range=[0, np.log10(most * 1.2)]
    )
    figure.update_yaxes(title="accepted", tickformat=".0%", range=None if known else [0, 1])
    figure.update_layout(hovermode="closest")
    return figure


def pareto(found: Sequence[Defect]) -> go.Figure:
    """Checks by episodes they flagged; the cumulative share stands in words at the bar."""
    ones = list(found)[::-1]
    most = max((one.episodes for one in ones), default=0)
    figure = go.Figure(
        go.Bar(
            y=[check_words(one.check_name) for one in ones],
            x=np.array([one.episodes for one in ones]),
            orientation="h",
            marker={"color": [check_colour(one.check_name) for one in ones]},
            text=[
                f"{one.episodes:,} · {one.share:.1%} (together {one.cumulative_share:.0%})"
                for one in ones
            ],
            textposition="outside",
            cliponaxis=False,
            customdata=[[one.check_name] for one in ones],
            hovertemplate="%{y}<extra></extra>",
        )
    )
    figure.update_xaxes(title="episodes", range=[0, most * 1.9 or 1])
    figure.update_layout(hovermode="closest", bargap=0.3)
    return figure


def rig_intervals(rigs: Sequence[RigDefects], chosen: Sequence[str]) -> go.Figure:
    """Share of flagged episodes by rig with its Wilson interval; the line is all rigs together.

    Names of ``chosen`` rigs stand out.
    """
    ones = list(rigs)[::-1]
    names = [one.rig_id or "unknown rig" for one in ones]
    at = np.array([one.share for one in ones])
    figure = go.Figure(
        go.Scatter(
            y=[f"<b>▸ {name}</b>" if name in chosen else name for name in names],
            x=at,
            mode="markers",
            marker={
                "size": 8,
                "color": [colour(5 if one.standing == "above" else 6) for one in ones],
                "symbol": ["x" if one.standing == "above" else "circle" for one in ones],
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": np.array([one.share_high for one in ones]) - at,
                "arrayminus": at - np.array([one.share_low for one in ones]),
                "thickness": 1.5,
                "width": 0,
                "color": colour(6),
            },
            text=[
                f"{one.flagged} of {one.episodes}, most {check_words(one.top_check)}"
                for one in ones
            ],
            hovertemplate="%{y}: %{x:.1%} (%{text})<extra></extra>",
            customdata=[[one.rig_id] if one.rig_id else None for one in ones],
            showlegend=False,
        )
    )
    if ones:
        figure.add_vline(x=ones[0].overall, line={"width": 1, "dash": "dash", "color": colour(6)})
    figure.update_xaxes(title="flagged episodes", tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(type="category")
    figure.update_layout(hovermode="closest")
    return figure


def reviewer_intervals(reviewers: Sequence[ReviewerYield]) -> go.Figure:
    """Share of first decisions that reject, with its Wilson interval; the line is all together."""
    ones = [one for one in reviewers if one.rejection is not None][::-1]
    at = np.array([one.rejection for one in ones], dtype=float)
    is_apart = [one.standing in ("above", "below") for one in ones]
    figure = go.Figure(
        go.Scatter(
            y=[one.reviewer for one in ones],
            x=at,
            mode="markers",
            marker={
                "size": 8,
                "color": [colour(5 if apart else 6) for apart in is_apart],
                "symbol": ["x" if apart else "circle" for apart in is_apart],
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": np.array([one.rejection_high for one in ones], dtype=float) - at,
                "arrayminus": at - np.array([one.rejection_low for one in ones], dtype=float),
                "thickness": 1.5,
                "width": 0,
                "color": colour(6),
            },
            text=[f"{one.rejected} of {one.first_decisions}" for one in ones],
            hovertemplate="%{y}: %{x:.1%} (%{text})<extra></extra>",
            showlegend=False,
        )
    )
    if ones:
        figure.add_vline(x=ones[0].overall, line={"width": 1, "dash": "dash", "color": colour(6)})
    figure.update_xaxes(title="first decisions that reject", tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(type="category")
    figure.update_layout(hovermode="closest")
    return figure


def defects_over_time(days: Sequence[DefectDay], top: Sequence[str], filter: Filter) -> go.Figure:
    """Share of each day's episodes that the most frequent checks flagged."""
    figure = go.Figure()
    for check in top:
        ones = [day for day in days if day.check_name == check]
        figure.add_scatter(
            x=np.array([day.worked_on for day in ones], dtype="datetime64[D]"),
            y=np.array([day.share for day in ones]),
            name=check_words(check),
            mode="lines+markers",
            line={"color": check_colour(check), "width": 2},
            marker={"size": 4},
            hovertemplate="%{y:.1%}",
        )
    figure.update_yaxes(title="of the day's episodes", tickformat=".0%", rangemode="tozero")
    _by_day(figure, filter)
    return figure


def due_by_day(days: Sequence[DayCost], filter: Filter) -> go.Figure:
    """What is due a day, each currency in a panel of its own, since they are never added."""
    panels = {
        currency: list(ones)
        for currency, ones in groupby(
            sorted(days, key=lambda day: (day.currency, day.worked_on)), lambda day: day.currency
        )
    }
    figure = make_subplots(rows=max(len(panels), 1), cols=1, shared_xaxes=True)
    for row, (currency, ones) in enumerate(panels.items(), start=1):
        figure.add_bar(
            x=np.array([day.worked_on for day in ones], dtype="datetime64[D]"),
            y=np.array([float(day.due) for day in ones]),
            name=currency,
            marker={"color": colour(0)},
            hovertemplate="%{y:,.2f} " + currency + "<extra></extra>",
            showlegend=False,
            row=row,
            col=1,
        )
        figure.update_yaxes(title=currency, rangemode="tozero", row=row, col=1)
    _by_day(figure, filter)
    return figure


def amounts(values: Sequence[Decimal | None], places: int = 2) -> list[str]:
    """Amounts as text: exact, thousands apart; a dash where there is none."""
    return ["–" if value is None else f"{value:,.{places}f}" for value in values]
