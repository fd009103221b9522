"""Cost: what is due, from dated rates. Amounts are Decimal, each in its own currency.

A pay line is one worker, site, day, basis and, for basis accepted, task. Its amount is computed
exactly and rounded once, half up, to the currency's smallest unit (sql/views/40_pay_line.sql).
Where a line is cut by task, program or rig, its parts are rounded so that they add up to it
exactly. So every total is the sum of what it is made of.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from metrics.asking import Filter, ask, columns

if TYPE_CHECKING:
    import pyarrow as pa

    from dailies.mirror import Mirror


@dataclass(frozen=True)
class CostTotal:
    """What is due in one currency, and the hours that it bought.

    ``currency`` None holds the hours that no rate prices: ``due`` is then None, never zero.
    ``per_accepted_hour`` is due / accepted hours, rounded to 4 places; None without any.
    """

    currency: str | None
    due: Decimal | None
    paid_h: float
    accepted_h: float
    per_accepted_hour: Decimal | None
    workers: int


@dataclass(frozen=True)
class WorkerCost:
    """What is due to one worker at one site, by basis; see ``CostTotal`` for ``currency`` None."""

    worker_id: str | None
    site_id: str | None
    currency: str | None
    due_paid: Decimal | None  # by paid hours
    due_accepted: Decimal | None  # by accepted hours
    due: Decimal | None
    paid_h: float
    accepted_h: float
    days: int  # with any of it
    lines: int
    per_accepted_hour: Decimal | None


@dataclass(frozen=True)
class CostLine:
    """A pay line or, where it spans several, its part of one task, program and rig.

    ``basis`` is paid, accepted, or none where no rate prices the hours. ``hours`` are paid hours
    for basis paid, accepted for basis accepted; for none, ``unpriced`` says which. The exact
    ``milliseconds`` are what an amount is computed from.
    """

    worker_id: str | None
    site_id: str | None
    worked_on: dt.date
    basis: str
    unpriced: str | None
    task_id: str | None
    program_id: str | None
    rig_id: str | None
    milliseconds: int
    hours: float
    rate: Decimal | None
    currency: str | None
    amount: Decimal | None


@dataclass(frozen=True)
class GroupCost:
    """Cost of an accepted hour, of one site or task, in one currency."""

    id: str | None
    name: str | None
    currency: str | None
    due: Decimal | None
    paid_h: float
    accepted_h: float
    per_accepted_hour: Decimal | None


@dataclass(frozen=True)
class DayCost:
    """What is due for one day in one currency."""

    worked_on: dt.date
    currency: str
    due: Decimal
    accepted_h: float


def cost_total(mirror: Mirror, filter: Filter) -> tuple[CostTotal, ...]:
    """What is due, one row a currency (never added up), and one for hours without a rate."""
    return ask(mirror, "cost_total", CostTotal, filter.parameters())


def cost_by_worker(mirror: Mirror, filter: Filter) -> tuple[WorkerCost, ...]:
    """What is due by worker, site and currency, ordered by worker."""
    return ask(mirror, "cost_by_worker", WorkerCost, filter.parameters())


def cost_lines(mirror: Mirror, filter: Filter) -> pa.Table:
    """The lines behind every amount (columns as in ``CostLine``), for export; long."""
    return columns(mirror, "cost_lines", CostLine, filter.parameters())


def cost_per_accepted_hour_by_site(mirror: Mirror, filter: Filter) -> tuple[GroupCost, ...]:
    """Cost of an accepted hour by site and currency."""
    return ask(mirror, "cost_by_site", GroupCost, filter.parameters())


def cost_per_accepted_hour_by_task(mirror: Mirror, filter: Filter) -> tuple[GroupCost, ...]:
    """Cost of an accepted hour by task and currency."""
    return ask(mirror, "cost_by_task", GroupCost, filter.parameters())


def cost_by_day(mirror: Mirror, filter: Filter) -> tuple[DayCost, ...]:
    """What is due by day and currency, oldest first."""
    return ask(mirror, "cost_by_day", DayCost, filter.parameters())
