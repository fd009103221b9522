"""Cost: what is due, from dated rates, in each site's own currency; pseudonymous ids only."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow.csv as csv
import streamlit as st

from metrics import Filter, cost
from pages import _charts as charts
from pages import _tables as tables
from pages._door import demand
from pages._filters import chosen, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._tiles import Tile, strip
from pages._words import count, hours

GROUPS = {
    "site": cost.cost_per_accepted_hour_by_site,
    "task": cost.cost_per_accepted_hour_by_task,
}


def page() -> None:
    """What is owed and why."""
    demand("cost")
    filter = chosen()
    heading("Cost", f"{said(filter)} · currencies are never added")
    if nothing_recorded():
        return
    mirrored = mirror()
    totals = cost.cost_total(mirrored, filter)
    if not totals:
        nothing_chosen("paid or accepted hours")
        return
    days = cost.cost_by_day(mirrored, filter)
    _tiles(totals, days)
    if days:
        charts.draw(
            charts.due_by_day(days),
            key="due",
            alt="What is due a day, a panel for each currency.",
            height=110 + 95 * len({day.currency for day in days}),
        )
    heads, button = st.columns([3, 1], vertical_alignment="bottom")
    heads.subheader("Due by worker", anchor=False)
    button.download_button(
        "Every line as CSV",
        lambda: export(filter),
        file_name=f"dailies-due-{filter.from_on}-{filter.to_on}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="One line a worker, day, site, task and basis. Its sums equal this page's.",
        on_click="ignore",
    )
    _workers(cost.cost_by_worker(mirrored, filter))
    by = st.segmented_control(
        "Cost of an accepted hour by",
        list(GROUPS),
        default="site",
        required=True,
        key="cost_by",
        bind="query-params",
    )
    _groups(str(by), GROUPS[str(by)](mirrored, filter))


def export(filter: Filter) -> bytes:
    """The lines behind every amount, as CSV: exact decimals, ids only."""
    demand("cost")
    out = io.BytesIO()
    csv.write_csv(cost.cost_lines(mirror(), filter), out)
    return out.getvalue()


def _tiles(totals: Sequence[cost.CostTotal], days: Sequence[cost.DayCost]) -> None:
    tiles = []
    for one in totals:
        if one.currency is None:
            without = one.paid_h + one.accepted_h
            tiles.append(Tile("Without a rate", hours(without), "Hours that no rate prices."))
            continue
        (due,) = charts.amounts([one.due])
        (hourly,) = charts.amounts([one.per_accepted_hour])
        bought = f"{hours(one.paid_h)} paid, {hours(one.accepted_h)} accepted"
        tiles.append(
            Tile(
                f"Due, {one.currency}",
                due,
                f"To {count(one.workers)} workers for {bought}; each line rounded once. Below it "
                "what is due divided by accepted hours.",
                aside=f"{hourly} an accepted hour",
                trend=[float(day.due) for day in days if day.currency == one.currency],
            )
        )
    strip(tiles)


def _workers(ones: Sequence[cost.WorkerCost]) -> None:
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
            "paid_h": tables.number("Paid (h)", 2),
            "accepted_h": tables.number("Accepted (h)", 2),
            "per_accepted_hour": tables.number("Per accepted hour", 2),
            "days": tables.number("Days"),
            "lines": tables.number("Lines"),
        },
        key="cost_by_worker",
        height=420,
    )


def _groups(kind: str, ones: Sequence[cost.GroupCost]) -> None:
    names = ("currency", "per_accepted_hour", "due", "paid_h", "accepted_h")
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {"name": [one.name or one.id or "unknown" for one in ones]},
        {
            "name": tables.text(kind.capitalize()),
            "currency": tables.text("Currency"),
            "per_accepted_hour": tables.number("Per accepted hour", 2),
            "due": tables.number("Due", 2),
            "paid_h": tables.number("Paid (h)", 1),
            "accepted_h": tables.number("Accepted (h)", 1),
        },
        key=f"cost_by_{kind}",
    )
