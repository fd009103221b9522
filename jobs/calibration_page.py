"""The curves of a calibration as one web page that needs no other file and no network."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from jobs.calibrate import Curve, named
from quality.checks import BY_NAME

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #1c2733; background: #fff }
h2 { margin: 2rem 0 0 } p { margin: .2rem 0 .6rem; color: #52606d }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
"""
BEFORE, FITTED, GOOD = "#8a94a0", "#c2410c", "#0b6aa8"


def page(curves: Sequence[Curve], note: str) -> str:
    """The page: for each group and fitted check, the good recordings' scores and the limits."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Calibration</title>"
        f"<style>{STYLE}</style></head><body><h1>Calibration</h1><p>{html.escape(note)}</p>"
        "<p>Each curve says which share of the good recordings lies at or below a suspect limit; "
        "the limit is the upper end of the 95 % bootstrap interval of their 99.5 % quantile, and "
        "5 % more.</p>"
    ]
    drawn = [one for one in curves if one.quantile is not None]
    for at, curve in enumerate(drawn):
        figure = _figure(curve)
        unit = BY_NAME[curve.check].unit
        parts.append(
            f"<h2>{html.escape(curve.check)} · {html.escape(curve.group or 'house')}</h2>"
            f"<p>suspect {curve.before[0]:g} → <b>{curve.fitted[0]:g}</b> {html.escape(unit)}, "
            f"fail {curve.before[1]:g} → <b>{curve.fitted[1]:g}</b>; n = {curve.count}, "
            f"{len(curve.values)} came near; flags {len(curve.flagged(curve.before[0]))} → "
            f"{len(curve.flagged(curve.fitted[0]))} of the good ones</p>"
            + _set_by(curve)
            # plotly.js stands in the page once
            + figure.to_html(full_html=False, include_plotlyjs=at == 0, config=_CONFIG)
        )
    kept = [one for one in curves if one.why_kept]
    if kept:
        rows = "".join(
            f"<tr><td>{html.escape(one.check)}</td><td>{html.escape(one.group or 'house')}</td>"
            f"<td>{html.escape(one.why_kept or '')}</td>"
            f"<td>{html.escape(named(one.flagged(one.before[0])))}</td></tr>"
            for one in kept
        )
        parts.append(
            "<h2>Kept as they were</h2><table><tr><th>Check</th><th>Group</th><th>Why</th>"
            "<th>Flagged all the same: look at them</th></tr>"
            f"{rows}</table>"
        )
    return "".join([*parts, "</body></html>"])


def _set_by(curve: Curve) -> str:
    """A word on recordings that set the limit by themselves."""
    if not curve.apart:
        return ""
    names = html.escape(named(curve.apart))
    return f"<p>Set by {names}, far from all others: look, and fit without it if it is bad.</p>"


_CONFIG = {"displayModeBar": False, "showSendToCloud": False, "responsive": True}


def _figure(curve: Curve) -> go.Figure:
    """Share of the good recordings up to each score, with the limits as lines."""
    values = np.sort(curve.values)
    lower = BY_NAME[curve.check].worse == "lower"
    rank = np.arange(1, len(values) + 1)
    beyond = rank if lower else len(values) - rank
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=100 * (1 - beyond / curve.count),
            mode="lines+markers",
            line={"shape": "hv", "color": GOOD},
            marker={"size": 4},
            name="good recordings",
            hovertemplate="%{x:.3g}: %{y:.1f} %<extra></extra>",
        )
    )
    assert curve.quantile is not None
    low, high = sorted(curve.quantile[1:])
    figure.add_vrect(low, high, fillcolor=GOOD, opacity=0.12, line_width=0)
    for value, colour, dash, word in (
        (curve.before[0], BEFORE, "dot", "before"),
        (curve.fitted[0], FITTED, "solid", "fitted"),
    ):
        figure.add_vline(value, line={"color": colour, "dash": dash}, annotation_text=word)
    figure.update_layout(
        template="plotly_white", height=300, margin={"l": 50, "r": 20, "t": 30, "b": 40}
    )
    figure.update_xaxes(title=f"{curve.check} ({BY_NAME[curve.check].unit})")
    figure.update_yaxes(title="of the good, not flagged (%)")
    return figure
