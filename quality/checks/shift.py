"""Footage that is older than the shift for which it was handed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from dailies.days import zone_info
from dailies.words import Flag, Span
from quality.checks.check import Check, Finder, Limits
from quality.measures.measurements import Measurements
from quality.measures.shift import Worked


def outside_shift(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a clip that began well before its shift or after it (min).

    Needs ``worked``, which is looked up in the record; without a shift, or where nothing says when
    the clip began, nothing is said.
    """
    worst = max(measurements.worked, key=lambda worked: worked.outside_min, default=None)
    if worst is None:
        return
    measured = round(worst.outside_min, 1)
    if grade := limits.grade(measured):
        span = Span(0, measurements.duration_ns)
        yield _FINDER.flag(grade, None, span, measured, limits.limit(grade), _what(worst))


def _what(worked: Worked) -> str:
    began, started, ended = (
        at.astimezone(zone_info(worked.zone))
        for at in (worked.began_at, worked.started_at, worked.ended_at)
    )
    clock = "by the recording's clock" if worked.by == "recording" else "by its file's clock"
    return (
        f"filmed on {began:%Y-%m-%d} at {began:%H:%M} {clock}, while shift {worked.shift} was from "
        f"{started:%Y-%m-%d} {started:%H:%M} to {_until(started, ended)} ({worked.zone})"
    )


def _until(started: dt.datetime, ended: dt.datetime) -> str:
    is_one_day = started.date() == ended.date()
    return f"{ended:%H:%M}" if is_one_day else f"{ended:%Y-%m-%d} {ended:%H:%M}"


OUTSIDE_SHIFT = Check(
    name="outside_shift",
    says="The clip was not filmed in the shift for which it was handed in.",
    unit="min",
    remedy="Ask the worker, and set the clock of the camera where it is wrong.",
    needs=("worked",),
    function=outside_shift,
)
_FINDER = Finder.of(OUTSIDE_SHIFT)
