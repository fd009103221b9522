"""Appeals: a decision looked at again by somebody who did not take it, with a clock on it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import APPEAL_DUE, Appeal, Episode
from review.standing import latest, locked


class CannotAppeal(RuntimeError):
    """There is nothing to appeal against; the text says why."""


def appeal(
    record: Record,
    episode_id: int,
    *,
    reason: str,
    brought_in_by: str,
    now: dt.datetime,
    worker_id: str | None = None,
    due: dt.timedelta = APPEAL_DUE,
) -> int:
    """Brings in an appeal against what stands on an episode; its id.

    ``worker_id`` is who appeals, by default the episode's worker. Raises CannotAppeal where
    nothing is decided, or where an appeal is open already, and ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("an appeal needs a reason: say what is wrong with the decision")
    with record.begin() as session:
        episode = locked(session, episode_id)
        if episode.decision is None:
            raise CannotAppeal("nothing is decided on this clip yet: it waits for review")
        standing = select(Appeal.id).where(Appeal.episode_id == episode_id, Appeal.state == "open")
        if session.scalars(standing).first() is not None:
            raise CannotAppeal("an appeal on this clip is open already")
        who = worker_id or episode.worker_id
        row = bring_in(session, episode, reason, brought_in_by, now, worker_id=who, due=due)
        return row.id


def bring_in(
    session: Session,
    episode: Episode,
    reason: str,
    brought_in_by: str,
    now: dt.datetime,
    *,
    worker_id: str | None,
    due: dt.timedelta = APPEAL_DUE,
) -> Appeal:
    """Enters an appeal against what stands, in the caller's transaction."""
    against = latest(session, episode.id)
    row = Appeal(
        episode_id=episode.id,
        worker_id=worker_id,
        reason=reason,
        brought_in_by=brought_in_by,
        brought_at=now,
        due_at=now + due,
        against_id=against.id if against else None,
        state="open",
    )
    session.add(row)
    session.flush()
    return row
