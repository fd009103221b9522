"""Throughput: hours paid, recorded, delivered and accepted, and how far the targets are.

Paid hours of a worker's day at a site are spread over what was recorded in it, by recorded time,
so that the four words mean the same under every filter; see sql/views/20_hours.sql.
"""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.asking import Filter, ask, ask_one, instant

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class HoursTotal:
    """The four hours of a span, in hours, and the same of the span before it.

    ``before_*`` is None where the record begins after the start of the span before: there is then
    nothing fair to compare with.
    """

    episodes: int
    paid_h: float
    recorded_h: float
    delivered_h: float
    accepted_h: float
    before_paid_h: float | None
    before_recorded_h: float | None
    before_delivered_h: float | None
    before_accepted_h: float | None


@dataclass(frozen=True)
class OpenShifts:
    """Shifts that have not ended, and the paid hours that they count for: whole, from the day on
    which they begin. ``to_come_h`` of these are still to be worked.
    """

    shifts: int
    paid_h: float
    to_come_h: float


@dataclass(frozen=True)
class DayHours:
    """One day of the span, in hours; days without anything are there with zeros."""

    worked_on: dt.date
    episodes: int
    paid_h: float
    recorded_h: float
    delivered_h: float
    accepted_h: float


@dataclass(frozen=True)
class GroupHours:
    """The hours of one site, task or worker. ``id`` None: not known, or paid and not recorded."""

    id: str | None
    name: str | None
    episodes: int
    paid_h: float
    recorded_h: float
    delivered_h: float
    accepted_h: float


@dataclass(frozen=True)
class TargetProgress:
    """How far a target is on day ``as_of``. Hours are accepted hours of its program.

    ``expected_h`` is promised pro rata of its days until today. ``pace_h`` is accepted hours a day
    over the last 14 whole days within the target. The forecast goes on at that pace, with a 95 %
    prediction interval of the sum of independent days; None with fewer than 3 such days.
    ``done_on`` is the day on which the promise would be kept at that pace.
    """

    target_id: int
    program_id: str
    customer: str
    program: str
    task_id: str | None
    task: str | None  # its name
    site_id: str | None
    starts_on: dt.date
    ends_on: dt.date
    promised_h: float
    accepted_h: float
    expected_h: float
    pace_h: float
    days_left: int
    needed_h: float | None  # a day, from now to the end, to keep the promise
    forecast_h: float | None  # at the end
    forecast_low_h: float | None
    forecast_high_h: float | None
    done_on: dt.date | None


def hours_total(mirror: Mirror, filter: Filter) -> HoursTotal:
    """The tiles: hours of the span and of the same weekdays before it (``Filter.before``)."""
    before = filter.before()
    row = ask_one(
        mirror,
        "hours_total",
        HoursTotal,
        filter.parameters() | {"before_from_on": before.from_on, "before_to_on": before.to_on},
    )
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def open_shifts(mirror: Mirror, filter: Filter, now: dt.datetime | None = None) -> OpenShifts:
    """What of the paid hours of the span, of its sites and workers, is not over."""
    given = filter.parameters()
    names = ("from_on", "to_on", "sites", "workers")
    asked = {name: given[name] for name in names} | {"now": instant(now)}
    row = ask_one(mirror, "open_shifts", OpenShifts, asked)
    assert row is not None  # likewise
    return row


def hours_by_day(mirror: Mirror, filter: Filter) -> tuple[DayHours, ...]:
    """Hours a day, every day of the span, oldest first; also the tiles' sparklines."""
    return ask(mirror, "hours_by_day", DayHours, filter.parameters())


def hours_by_site(mirror: Mirror, filter: Filter) -> tuple[GroupHours, ...]:
    """Hours by site, most accepted first."""
    return ask(mirror, "hours_by_site", GroupHours, filter.parameters())


def hours_by_rig(mirror: Mirror, filter: Filter) -> tuple[GroupHours, ...]:
    """Hours by rig, most accepted first; a worker's paid time by what was recorded on each."""
    return ask(mirror, "hours_by_rig", GroupHours, filter.parameters())


def hours_by_task(mirror: Mirror, filter: Filter) -> tuple[GroupHours, ...]:
    """Hours by task, most accepted first."""
    return ask(mirror, "hours_by_task", GroupHours, filter.parameters())


def hours_by_worker(mirror: Mirror, filter: Filter) -> tuple[GroupHours, ...]:
    """Hours by worker, most accepted first."""
    return ask(mirror, "hours_by_worker", GroupHours, filter.parameters())


def target_progress(
    mirror: Mirror, as_of: dt.date, program: str | None = None
) -> tuple[TargetProgress, ...]:
    """Targets that have begun by ``as_of``, those furthest behind first."""
    return ask(mirror, "target_progress", TargetProgress, {"as_of": as_of, "program": program})


def needed_a_day(targets: Sequence[TargetProgress], as_of: dt.date, filter: Filter) -> float | None:
    """Accepted hours a day that keep the promises within what the filter leaves.

    None where there is none: for a worker nothing is promised. An hour counts for every promise
    that covers it, so of a promise and those to its parts the greater counts. Targets that have
    ended need nothing.
    """
    if filter.workers or filter.rigs or len(filter.tasks) > 1 or len(filter.sites) > 1:
        return None
    task, site = next(iter(filter.tasks), None), next(iter(filter.sites), None)
    open_ones: dict[str, list[TargetProgress]] = collections.defaultdict(list)
    for one in targets:
        is_within = (task in (None, one.task_id)) and (site in (None, one.site_id))
        if one.ends_on >= as_of and is_within:
            open_ones[one.program_id].append(one)
    if not open_ones:
        return None
    return sum(_needed(some, task, site) for some in open_ones.values())


def _needed(targets: Sequence[TargetProgress], task: str | None, site: str | None) -> float:
    """The same of one program's targets within a task and a site, None for all of them."""
    here = [one for one in targets if (one.task_id, one.site_id) == (task, site)]
    least = max((one.needed_h or 0.0 for one in here), default=0.0)
    if task is None:
        tasks = {one.task_id for one in targets} - {None}
        of = ([one for one in targets if one.task_id == each] for each in tasks)
        least = max(least, sum(_needed(some, some[0].task_id, site) for some in of))
    if site is None:
        sites = {one.site_id for one in targets} - {None}
        of = ([one for one in targets if one.site_id == each] for each in sites)
        least = max(least, sum(_needed(some, task, some[0].site_id) for some in of))
    return least
