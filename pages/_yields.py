"""What the Workers page shows: its tiles and the table of yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from metrics import Filter, blame, throughput, workers
from pages import _tables as tables
from pages._filters import narrow
from pages._ground import mirror
from pages._tiles import Tile, strip
from pages._words import check_words, count, hours, share

SHARES = ("acceptance", "acceptance_low", "acceptance_high", "yield_share")
ASKED = 12
"""Workers for whom a likely cause is looked for, those with most flags."""

FEW = 20
"""Decided episodes under which a worker's interval says next to nothing."""


def yield_tiles(
    ones: Sequence[workers.WorkerYield],
    total: throughput.HoursTotal,
    days: Sequence[throughput.DayHours],
) -> None:
    """How many people, and what became of their hours."""
    decided = sum(one.decided for one in ones)
    accepted = sum(one.accepted for one in ones)
    below = sum(one.standing == "below" for one in ones)
    few = sum(one.decided < FEW for one in ones)
    strip(
        [
            Tile("Workers", count(len(ones)), "With a shift or a recording in these days."),
            Tile(
                "Paid",
                hours(total.paid_h),
                "Hours on shift.",
                now=total.paid_h,
                before=total.before_paid_h,
                good_when="neither",
                trend=[day.paid_h for day in days],
            ),
            Tile(
                "Accepted",
                hours(total.accepted_h),
                f"Out of {hours(total.paid_h)} paid.",
                now=total.accepted_h,
                before=total.before_accepted_h,
                trend=[day.accepted_h for day in days],
            ),
            Tile(
                "Acceptance",
                share(accepted / decided if decided else None),
                f"{accepted:,} accepted of {decided:,} decided episodes; duplicates left out.",
            ),
            Tile("Clearly below all", count(below), "Whole 95 % interval under the common rate."),
            Tile("Too few to tell", count(few), f"Under {FEW} decided episodes."),
        ]
    )


def rather_the_rig_s(every: Sequence[workers.WorkerYield], filter: Filter) -> dict[str, str]:
    """Of workers clearly below all: what says that their flags are likely not theirs."""
    below = {one.worker_id for one in every if one.standing == "below"}
    checks = [one for one in workers.worker_checks(mirror(), filter) if one.worker_id in below]
    found = {}
    for one in checks[:ASKED]:
        causes = blame.likely_cause(
            mirror(),
            one.check_name,
            filter.from_on,
            filter.to_on,
            rig=one.rig_id,
            site=None,
            task=None,
            worker=one.worker_id,
        )
        cause = blame.blame(one.check_name, causes)
        if cause.kind == "rig":
            often = f"{one.on_rig} of {one.flagged} on this rig"
            found[one.worker_id] = f"{check_words(one.check_name)}: rig {one.rig_id} ({often})"
    return found


def yields(every: Sequence[workers.WorkerYield], causes: Mapping[str, str]) -> None:
    """Every worker, with the interval of their acceptance: those clearly below first, then above.

    Within each, the furthest from the rate of all first.
    """
    ones = sorted(every, key=_place)
    names = (
        "worker_id",
        "site_id",
        "standing",
        "rank",
        "decided",
        "accepted_h",
        "delivered_h",
        "recorded_h",
        "paid_h",
    )
    tables.table(
        {name: [getattr(one, name) for one in ones] for name in names}
        | {name: tables.percent(getattr(one, name) for one in ones) for name in SHARES}
        | {"cause": [causes.get(one.worker_id) for one in ones]},
        {
            "worker_id": tables.text("Worker"),
            "site_id": tables.text("Site"),
            "standing": tables.text("Standing"),
            "cause": tables.text(
                "Likely not theirs",
                help="The check that flags most of their clips flags those of others on the same "
                "rig as often, and less elsewhere. Asked for workers clearly below all.",
            ),
            "rank": tables.number("Rank", help="Only where no other interval overlaps."),
            "acceptance": tables.rate("Acceptance", help="Accepted of decided episodes."),
            "acceptance_low": tables.rate("From", help="Wilson 95 % interval."),
            "acceptance_high": tables.rate("To", help="Wilson 95 % interval."),
            "decided": tables.number("Decided (n)"),
            "accepted_h": tables.number("Accepted (h)", 1),
            "delivered_h": tables.number("Delivered (h)", 1),
            "recorded_h": tables.number("Recorded (h)", 1),
            "paid_h": tables.number("Paid (h)", 1),
            "yield_share": tables.rate("Accepted of paid"),
        },
        key="workers",
        height=460,
        narrows=lambda row: narrow("worker", ones[row].worker_id),
    )
    st.caption(
        "Clearly below first, then clearly above, then the others. A chosen row narrows the "
        "filters to that worker; Quality then lists the episodes. Sites, tasks and rigs differ: "
        "choose one in the filters to compare like with like."
    )


def _place(one: workers.WorkerYield) -> tuple[int, float]:
    if one.standing == "below":
        return 0, one.acceptance_high or 0.0
    return (1 if one.standing == "above" else 2), -(one.acceptance_low or 0.0)
