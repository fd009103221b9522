"""What the Cost page shows: what is due as tiles and tables, and its export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from metrics import Filter, cost
from pages import _charts as charts
from pages import _tables as tables
from pages._door import demand
from pages._filters import narrow
from pages._ground import mirror
from pages._tiles import Tile, strip
from pages._words import count, hours

BY_TIME = "Paid by time (h)"
TIME = "Hours on shift, but those where accepted hours are paid instead."


def export(filter: Filter) -> bytes:
    """``lines``, for the visitor whose click it was."""
    demand("cost")
    return lines(filter)


def lines(filter: Filter) -> bytes:
    """The lines behind every amount, as CSV: exact decimals, ids only."""
    return tables.as_csv(cost.cost_lines(mirror(), filter))


def due_tiles(
    totals: Sequence[cost.CostTotal], days: Sequence[cost.DayCost], filter: Filter
) -> None:
    """What is due, one tile a currency."""
    tiles = []
    due_on = {(day.currency, day.worked_on): float(day.due) for day in days}
    every = [filter.from_on + dt.timedelta(days=at) for at in range(filter.days)]
    for one in totals:
        if one.currency is None:
            without = one.paid_h + one.accepted_h
            tiles.append(
                Tile(
                    "Without a rate",
                    hours(without),
                    "Hours that no rate prices: lines of basis none in the CSV, and a dash for the "
                    "currency below. `dailies import` brings a rate in.",
                )
            )
            continue
        (due,) = charts.amounts([one.due])
        (hourly,) = charts.amounts([one.per_accepted_hour])
        aside = (
            f"{hourly} an accepted hour"
            if one.per_accepted_hour is not None
            else "no accepted hour"
        )
        bought = f"{hours(one.paid_h)} paid by time, {hours(one.accepted_h)} accepted"
        tiles.append(
            Tile(
                f"Due, {one.currency}",
                due,
                f"To {count(one.workers)} workers for {bought}; each line rounded once. Below it "
                "what is due divided by accepted hours. Currencies are never added.",
                aside=aside,
                trend=[due_on.get((one.currency, day), 0.0) for day in every],
            )
        )
    strip(tiles)


def workers(ones: Sequence[cost.WorkerCost]) -> None:
    """What is due to each worker."""
    names = (
        "worker_id",
        "site_id",
        "currency",
        "due",
        "due_paid",
        "due_accepted",
        "paid_h",
        "accepted_h",
        "per_accepted_hour",
        "days",
        "lines",
    )
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names},
        {
            "worker_id": tables.text("Worker"),
            "site_id": tables.text("Site"),
            "currency": tables.text("Currency"),
            "due": tables.number("Due", 2),
            "due_paid": tables.number("By paid hours", 2),
            "due_accepted": tables.number("By accepted hours", 2),
            "paid_h": tables.number(BY_TIME, 2, help=TIME),
            "accepted_h": tables.number("Accepted (h)", 2),
            "per_accepted_hour": tables.number("Per accepted hour", 2),
            "days": tables.number("Days"),
            "lines": tables.number("Lines"),
        },
        key="cost_by_worker",
        height=420,
        narrows=lambda row: narrow("worker", ones[row].worker_id),
    )
    both = sorted({one.site_id or "no site" for one in ones if one.due_paid and one.due_accepted})
    if both:
        st.caption(
            f"Paid by both rates: {', '.join(both)}. There time on shift is due, and so are hours "
            "accepted."
        )


def groups(kind: str, ones: Sequence[cost.GroupCost]) -> None:
    """What an accepted hour costs, by site or task."""
    names = ("currency", "per_accepted_hour", "due", "paid_h", "accepted_h")
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {"name": [one.name or one.id or "unknown" for one in ones]},
        {
            "name": tables.text(kind.capitalize()),
            "currency": tables.text("Currency"),
            "per_accepted_hour": tables.number("Per accepted hour", 2),
            "due": tables.number("Due", 2),
            "paid_h": tables.number(BY_TIME, 1, help=TIME),
            "accepted_h": tables.number("Accepted (h)", 1),
        },
        key=f"cost_by_{kind}",
    )
