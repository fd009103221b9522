"""What the Throughput page shows: hours as tiles and tables, and the targets."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from metrics import throughput
from pages import _tables as tables
from pages._filters import narrow
from pages._tiles import Tile, strip
from pages._words import STAGE_MEANS, count, hours, share


def hours_tiles(
    total: throughput.HoursTotal,
    days: Sequence[throughput.DayHours],
    passed: tuple[Tile, Tile],
    said: str,
    versus: str,
) -> None:
    """The four hours, how many of the paid ones were accepted, and how often at once."""
    tiles = [
        Tile(
            stage.capitalize(),
            hours(getattr(total, f"{stage}_h")),
            f"{means.capitalize()}. {said}; n = {count(total.episodes)} episodes; "
            f"compared with the {versus}.",
            now=getattr(total, f"{stage}_h"),
            before=getattr(total, f"before_{stage}_h"),
            good_when="neither" if stage == "paid" else "up",
            trend=[getattr(day, f"{stage}_h") for day in days],
        )
        for stage, means in STAGE_MEANS.items()
    ]
    strip([*tiles, _yield(total), *passed])


def open_shifts(running: throughput.OpenShifts) -> None:
    """What of the paid hours is not over, where anything is."""
    if running.shifts:
        begun = "A shift is not over. It counts for all "
        if running.shifts > 1:
            begun = f"{count(running.shifts)} shifts are not over. They count for all "
        st.caption(
            f"{begun}"
            f"{hours(running.paid_h)} already; {hours(running.to_come_h)} are still to be worked."
        )


def _yield(total: throughput.HoursTotal) -> Tile:
    now = total.accepted_h / total.paid_h if total.paid_h else None
    before = None
    if total.before_paid_h and total.before_accepted_h is not None:
        before = total.before_accepted_h / total.before_paid_h
    return Tile(
        "Accepted of paid",
        share(now),
        f"Accepted hours out of {hours(total.paid_h)} paid ones.",
        now=now,
        before=before,
        unit="points",
    )


def targets(targets: Sequence[throughput.TargetProgress]) -> None:
    """What was promised, and how far it is."""
    tables.table(
        {
            "task": [one.task or one.task_id or "all tasks" for one in targets],
            "program": [_promise(one) for one in targets],
            "standing": [_standing(one) for one in targets],
            "forecast": [_forecast(one) for one in targets],
            "ends": [one.ends_on for one in targets],
            "progress": tables.percent(one.accepted_h / one.promised_h for one in targets),
            "accepted": [one.accepted_h for one in targets],
            "promised": [one.promised_h for one in targets],
            "expected": [one.expected_h for one in targets],
            "pace": [one.pace_h for one in targets],
            "needed": [one.needed_h for one in targets],
        },
        {
            # what tells one from another, when it ends and what is due: seen also on a phone
            "task": tables.text("Task", width=112),
            "standing": tables.text(
                "Standing",
                help="On track or behind where the whole forecast interval is above or below what "
                "is promised; open where the promise lies within it.",
                width=88,
            ),
            "ends": st.column_config.DateColumn("Ends", format="D MMM YY", width=78),
            "expected": tables.number(
                "Due (h)", 1, help="Due by now: what is promised, by days gone.", width=72
            ),
            "accepted": tables.number("Accepted (h)", 1, width=90),
            "program": tables.text("Target", width=245),
            "forecast": tables.text(
                "At the end (h)",
                help="Forecast with its 95 % prediction interval, if the pace goes on.",
                width=128,
            ),
            "needed": tables.number("Needed (h/day)", 1, help="To keep the promise.", width=104),
            "pace": tables.number("Pace (h/day)", 1, help="Over the last 14 whole days.", width=88),
            "promised": tables.number("Promised (h)", 1, width=92),
            "progress": tables.bar("Kept (%)", 100.0, width=110),
        },
        key="targets",
        narrows=lambda row: _narrow_to(targets[row]),
    )


def _narrow_to(one: throughput.TargetProgress) -> None:
    st.session_state["program"] = one.program_id
    narrow("task", one.task_id)
    narrow("site", one.site_id)


def _standing(one: throughput.TargetProgress) -> str:
    """Whether the promise will be kept, as far as that can be told."""
    if one.accepted_h >= one.promised_h:
        return "✓ kept"
    if one.forecast_low_h is None or one.forecast_high_h is None:
        return "… too few days"
    if one.forecast_high_h < one.promised_h:
        return "✕ behind"
    return "✓ on track" if one.forecast_low_h >= one.promised_h else "? open"


def _promise(one: throughput.TargetProgress) -> str:
    return f"{one.customer}: {one.program}" + (f" ({one.site_id})" if one.site_id else "")


def _forecast(one: throughput.TargetProgress) -> str:
    if one.forecast_h is None:
        return "too few days"
    return f"{one.forecast_h:,.0f} ({one.forecast_low_h:,.0f} to {one.forecast_high_h:,.0f})"


def groups(
    kind: str,
    groups: Sequence[throughput.GroupHours],
    before: Sequence[throughput.GroupHours],
    versus: str,
) -> None:
    """Hours by site, task or worker; ``before`` are those of the days that tiles compare with."""
    then = {one.id: one.accepted_h for one in before}
    most = max((one.accepted_h for one in groups), default=0.0)
    tables.table(
        {
            "name": [one.name or one.id or "unknown" for one in groups],
            "accepted": [one.accepted_h for one in groups],
            "change": tables.percent(
                one.accepted_h / then[one.id] - 1 if then.get(one.id) else None for one in groups
            ),
            "delivered": [one.delivered_h for one in groups],
            "recorded": [one.recorded_h for one in groups],
            "paid": [one.paid_h for one in groups],
            "share": tables.percent(
                one.accepted_h / one.paid_h if one.paid_h else None for one in groups
            ),
            "episodes": [one.episodes for one in groups],
        },
        {
            "name": tables.text(kind.capitalize()),
            "accepted": tables.bar("Accepted (h)", most),
            "change": tables.rate("Change", help=f"Of accepted hours, against the {versus}."),
            "delivered": tables.number("Delivered (h)", 1),
            "recorded": tables.number("Recorded (h)", 1),
            "paid": tables.number("Paid (h)", 1),
            "share": tables.rate("Accepted of paid"),
            "episodes": tables.number("Episodes"),
        },
        key=f"hours_by_{kind}",
        height=330 if len(groups) > 8 else "auto",
        narrows=lambda row: narrow(kind, groups[row].id),
    )
