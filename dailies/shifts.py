"""The day for which a take counts: its shift's, so that pay and what it bought stand on one day.

A take belongs to the shift that it names, where that is its worker's at its site and the take began
within it; it then counts for the day on which the shift began, also after midnight. Any other take
counts for its own day on the site's clocks.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import and_, case, false, func, not_, select
from sqlalchemy.orm import Session

from dailies.days import UnknownZone, local_day
from dailies.record import Episode, Shift, Site

_BELONGS = and_(
    Shift.worker_id == Episode.worker_id,
    Shift.site_id == Episode.site_id,
    Shift.started_at <= Episode.started_at,
    Episode.started_at < Shift.ended_at,
)


def day_of(session: Session, episode: Episode, zone: str) -> dt.date:
    """The day for which a take counts, by the shifts that are known now; ``zone`` is its site's.

    Days of a zone that there is not are those of UTC.
    """
    shift = session.get(Shift, episode.shift_id) if episode.shift_id else None
    if (
        shift is not None
        and (shift.worker_id, shift.site_id) == (episode.worker_id, episode.site_id)
        and shift.started_at <= episode.started_at < shift.ended_at
    ):
        return shift.worked_on
    return _own_day(episode.started_at, zone)


def follow_shifts(session: Session) -> int:
    """Puts the days of takes right after shifts have changed; how many it changed.

    In the transaction that changed them. Reads every take that names a shift once.
    """
    is_right = and_(_BELONGS, Episode.worked_on == Shift.worked_on)
    doubtful = (
        select(Episode, case((_BELONGS, Shift.worked_on)), Site.zone)
        .join(Shift, Shift.id == Episode.shift_id)
        .outerjoin(Site, Site.id == Episode.site_id)
        .where(not_(func.coalesce(is_right, false())))  # worker or site may be unknown
    )
    count = 0
    for episode, day, zone in session.execute(doubtful).all():
        right = day or _own_day(episode.started_at, zone or "UTC")
        if episode.worked_on != right:
            episode.worked_on = right
            count += 1
    session.flush()
    return count


def _own_day(started_at: dt.datetime, zone: str) -> dt.date:
    try:
        return local_day(started_at, zone)
    except UnknownZone:
        return local_day(started_at, "UTC")
