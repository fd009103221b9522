"""Cost: what is due, from dated rates, in each site's own currency; pseudonymous ids only."""

from __future__ import annotations

import streamlit as st

from metrics import cost, throughput
from pages import _charts as charts
from pages import _due as shown
from pages._door import demand
from pages._filters import chosen, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror
from pages._hours import open_shifts

GROUPS = {
    "site": cost.cost_per_accepted_hour_by_site,
    "task": cost.cost_per_accepted_hour_by_task,
}


def page() -> None:
    """What is owed and why."""
    demand("cost")
    filter = chosen()
    heading("Cost", f"{said(filter)} · a night shift's on the day it began")
    if nothing_recorded():
        return
    mirrored = mirror()
    totals = cost.cost_total(mirrored, filter)
    if not totals:
        nothing_chosen("paid or accepted hours")
        return
    days = cost.cost_by_day(mirrored, filter)
    shown.due_tiles(totals, days, filter)
    open_shifts(throughput.open_shifts(mirrored, filter))
    if days:
        charts.draw(
            charts.due_by_day(days, filter),
            key="due",
            alt="What is due a day, a panel for each currency.",
            height=110 + 95 * len({day.currency for day in days}),
        )
    heads, button = st.columns([3, 1], vertical_alignment="bottom")
    heads.subheader("Due by worker", anchor=False)
    button.download_button(
        "Every line as CSV",
        lambda: shown.export(filter),
        file_name=f"dailies-due-{filter.from_on}-{filter.to_on}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="One line a worker, day, site, task and basis; its sums equal this page's. Amount is "
        "milliseconds × rate / 3,600,000, rounded once, half up. With a task, rig or program "
        "chosen the lines are parts of such lines, which add up to them.",
        on_click="ignore",
    )
    shown.workers(cost.cost_by_worker(mirrored, filter))
    by = st.segmented_control(
        "Cost of an accepted hour by",
        list(GROUPS),
        default="site",
        required=True,
        key="cost_by",
        bind="query-params",
    )
    shown.groups(str(by), GROUPS[str(by)](mirrored, filter))
