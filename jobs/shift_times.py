"""Holding a clip against its shift: when it was filmed, and when the worker was on shift.

When it was filmed is kept beside the measurements, so that judging again can ask once more: shifts
are often imported after the clips that belong to them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from dailies.days import UnknownZone, local_day, zone_info
from dailies.record import Shift, Site
from dailies.recordings.contract import Metadata
from jobs.screening import Screened, asked
from quality.checks.shift import OUTSIDE_SHIFT
from quality.measures import Measurements
from quality.measures.measurements import keep_beside
from quality.measures.shift import Worked
from quality.policy import Policy

FILE = "recorded.json"
A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Recorded:
    """When a clip was filmed: by the recording itself, and by its file's creation time."""

    started_at: dt.datetime | None = None
    created_at: dt.datetime | None = None

    @classmethod
    def of(cls, said: Metadata) -> Recorded:
        """What a recording says of it; a time without a zone says nothing."""
        times = (said.started_at, said.created_at)
        return cls(*(at if at is not None and at.tzinfo is not None else None for at in times))

    def keep(self, folder: Path) -> None:
        """Write it beside the measurements."""
        keep_beside(folder / FILE, self)

    @classmethod
    def kept(cls, folder: Path) -> Recorded:
        """What ``keep`` wrote there; nothing where nothing can be read."""
        try:
            plain = orjson.loads((folder / FILE).read_bytes())
            return cls(**{k: dt.datetime.fromisoformat(v) for k, v in plain.items() if v})
        except (OSError, ValueError, TypeError, AttributeError):
            return cls()


def held_against_shift(
    session: Session, screened: Screened, policy: Policy, measurements: Path
) -> Screened:
    """The same with what its shift says of it, in verdict and flags.

    ``measurements`` is the folder of all measurements, where the clip's times are kept.
    """
    who, recorded = screened.metadata, Recorded.of(screened.metadata)
    folder = measurements / screened.fingerprint
    if screened.stored and folder.is_dir():
        recorded.keep(folder)
    worked = worked_of(session, recorded, who.shift, who.worker)
    return asked(screened, OUTSIDE_SHIFT, Measurements(worked=worked), policy)


def worked_of(
    session: Session, recorded: Recorded, shift: str | None, worker: str | None
) -> tuple[Worked, ...]:
    """The clip's shift beside each time that says when it was filmed.

    It is the shift that the recording names, where that is in the record and its worker's; else
    the nearest of those that the worker had on that day, on the site's clocks. A night shift is one
    of both days.
    """
    found = []
    clocks: tuple[tuple[dt.datetime | None, Literal["recording", "file"]], ...]
    clocks = ((recorded.started_at, "recording"), (recorded.created_at, "file"))
    for at, by in clocks:
        if at is None:
            continue
        named = list(_named(session, shift, worker)) if shift else []
        possible = named or _that_day(session, at, worker)
        times = [
            Worked(one.id, one.started_at, one.ended_at, zone, at, by) for one, zone in possible
        ]
        found += [min(times, key=lambda one: one.outside_min)] if times else []
    return tuple(found)


def _named(session: Session, shift: str, worker: str | None) -> Iterator[tuple[Shift, str]]:
    one = session.get(Shift, shift)
    if one is not None and worker in (None, one.worker_id):
        yield one, _zone(session, one)


def _that_day(session: Session, at: dt.datetime, worker: str | None) -> Iterator[tuple[Shift, str]]:
    if worker is None:
        return
    near = select(Shift).where(
        Shift.worker_id == worker, Shift.started_at < at + A_DAY, Shift.ended_at > at - A_DAY
    )
    for one in session.scalars(near.order_by(Shift.started_at, Shift.id)):
        zone = _zone(session, one)
        days = [local_day(time, zone) for time in (one.started_at, at, one.ended_at)]
        if days == sorted(days):
            yield one, zone


def _zone(session: Session, shift: Shift) -> str:
    """The zone of a shift's site; UTC where there is none of that name."""
    site = session.get(Site, shift.site_id)
    try:
        zone_info(site.zone if site else "UTC")
    except UnknownZone:
        return "UTC"
    return site.zone if site else "UTC"
