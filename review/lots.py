"""Lots: the machine-accepted clips of a site and day, of which a sample goes to reviewers."""

from __future__ import annotations

import datetime as dt
import zlib
from typing import cast

import numpy as np
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import COUNTING, Episode, Lot, LotItem, Review
from review.plans import LARGEST, LotResult, Plan, Severity, Standing, plan_for, standing

AQL = 2.5
"""Percent of nonconforming clips that is taken for tolerable, unless another is asked for."""


def draw_lots(
    record: Record, worked_on: dt.date, *, now: dt.datetime, aql: float = AQL
) -> tuple[int, ...]:
    """Draws a sample of each site's machine-accepted clips of a day; ids of the new lots.

    A clip counts as machine-accepted where the verdict alone accepted it. A site that has a lot of
    that day already, fewer than two such clips, or whose inspection is stopped, gets none. The same
    record and day always give the same sample. Raises NoPlan for an AQL without plans.
    """
    plan_for(2, aql)
    made = []
    with record.begin() as session:
        for site in session.scalars(_sites_without(worked_on)).all():
            ids = list(session.scalars(_machine_accepted(str(site), worked_on)))[: LARGEST[-1]]
            how = site_standing(session, str(site))
            if len(ids) >= 2 and not how.is_stopped:
                made.append(_draw(session, str(site), worked_on, ids, aql, how.severity, now))
    return tuple(made)


def site_standing(session: Session, site: str) -> Standing:
    """How a site's next lot is inspected, from its closed lots, by day."""
    closed = (
        select(Lot).where(Lot.site_id == site, Lot.state != "open").order_by(Lot.worked_on, Lot.id)
    )
    return standing(_result(lot) for lot in session.scalars(closed))


def chosen(ids: list[int], count: int, site: str, worked_on: dt.date) -> list[int]:
    """``count`` of the ids (all, where there are no more), drawn at random from a fixed seed."""
    if count >= len(ids):
        return ids
    seed = zlib.crc32(f"{site} {worked_on}".encode())
    drawn = np.random.default_rng(seed).choice(np.asarray(ids), count, replace=False)
    return cast("list[int]", np.sort(drawn).tolist())


def _draw(
    session: Session,
    site: str,
    worked_on: dt.date,
    ids: list[int],
    aql: float,
    severity: Severity,
    now: dt.datetime,
) -> int:
    plan = plan_for(len(ids), aql, severity)
    sample = chosen(ids, plan.size, site, worked_on)
    lot = Lot(
        site_id=site,
        worked_on=worked_on,
        size=len(ids),
        aql=aql,
        severity=severity,
        letter=plan.letter,
        sample_size=len(sample),
        accept=plan.accept,
        reject=plan.reject,
        drawn_at=now,
        state="open",
    )
    session.add(lot)
    session.flush()
    session.add_all(LotItem(lot_id=lot.id, episode_id=id_) for id_ in sample)
    return lot.id


def _sites_without(worked_on: dt.date) -> Select[str | None]:
    drawn = exists().where(Lot.site_id == Episode.site_id, Lot.worked_on == worked_on)
    return (
        select(Episode.site_id)
        .where(Episode.worked_on == worked_on, Episode.site_id.is_not(None), ~drawn)
        .distinct()
        .order_by(Episode.site_id)
    )


def _machine_accepted(site: str, worked_on: dt.date) -> Select[int]:
    reviewed = exists().where(Review.episode_id == Episode.id, Review.kind.in_(COUNTING))
    return (
        select(Episode.id)
        .where(
            Episode.worked_on == worked_on,
            Episode.site_id == site,
            Episode.verdict == "good",
            Episode.decision == "accepted",
            Episode.duplicate_of.is_(None),
            ~reviewed,
        )
        .order_by(Episode.id)
    )


def _result(lot: Lot) -> LotResult:
    severity = cast("Severity", lot.severity)
    plan = Plan(severity, lot.letter, lot.sample_size, lot.accept, lot.reject)
    return LotResult(plan, lot.found or 0)
