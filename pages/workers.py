"""Workers: what becomes of a paid hour, compared fairly. Pseudonymous ids only."""

from __future__ import annotations

import streamlit as st

from metrics import throughput, workers
from pages import _charts as charts
from pages import _yields as shown
from pages._door import demand
from pages._filters import chosen, narrow, said
from pages._frame import heading, nothing_chosen, nothing_recorded
from pages._ground import mirror


def page() -> None:
    """Yield and acceptance by worker."""
    demand("workers")
    filter = chosen()
    heading("Workers", said(filter, compared=True))
    if nothing_recorded():
        return
    mirrored = mirror()
    ones = workers.worker_yield(mirrored, filter)
    if not ones:
        nothing_chosen("workers")
        return
    total = throughput.hours_total(mirrored, filter)
    days = throughput.hours_by_day(mirrored, filter)
    shown.yield_tiles(ones, total, days)
    charts.draw(
        charts.funnel(ones),
        key="funnel",
        alt="Acceptance of each worker over decided episodes, with the limits of chance.",
        height=360,
        picks=lambda worker: narrow("worker", worker),
    )
    ranked = sum(one.rank is not None for one in ones)
    st.caption(
        f"A rank is given where a worker's 95 % interval overlaps with nobody else's: {ranked} of "
        f"{len(ones)} here. The others cannot honestly be put in an order; ‘standing’ says whether "
        "a worker's interval lies wholly above or below the rate of all together."
    )
    shown.yields(ones, shown.rather_the_rig_s(ones, filter))
