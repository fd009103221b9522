"""Workers: what becomes of a paid hour, fairly compared. Pseudonymous ids only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.asking import Filter, ask

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class WorkerYield:
    """One worker in a span. Hours in hours; rates between 0 and 1, None where undefined.

    ``acceptance`` is accepted of decided episodes (duplicates apart) with its Wilson 95 % interval.
    ``standing`` compares that interval with the rate of all workers together, chosen or not:
    ``above`` or ``below`` where it lies wholly beside it, else ``not distinguishable``.
    ``rank`` (1 is best) is given only where the interval overlaps with no other worker's.
    """

    worker_id: str
    site_id: str | None  # where most was recorded
    paid_h: float
    recorded_h: float
    delivered_h: float
    accepted_h: float
    yield_share: float | None  # accepted per paid hour
    episodes: int
    decided: int
    accepted: int
    acceptance: float | None
    acceptance_low: float | None
    acceptance_high: float | None
    overall: float | None  # acceptance of all workers, chosen or not
    standing: str
    rank: int | None


def worker_yield(mirror: Mirror, filter: Filter) -> tuple[WorkerYield, ...]:
    """Every worker with a shift or an episode in the span, by acceptance, best first."""
    return ask(mirror, "worker_yield", WorkerYield, filter.parameters())


@dataclass(frozen=True)
class WorkerCheck:
    """What most flags a worker's clips, and on which rig most of those were recorded."""

    worker_id: str
    check_name: str
    rig_id: str | None
    flagged: int
    on_rig: int  # of them


def worker_checks(mirror: Mirror, filter: Filter) -> tuple[WorkerCheck, ...]:
    """The most frequent check of every worker with a flagged clip, most flagged first."""
    return ask(mirror, "worker_checks", WorkerCheck, filter.parameters())
