"""Judging everything again from stored measurements, opening no recording."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Select, func, or_, select

from dailies.changes import prune
from dailies.config import Config
from dailies.database import Record
from dailies.record import Episode
from dailies.recordings.contract import Metadata
from dailies.words import Verdict
from jobs.entry import restate
from jobs.shift_times import Recorded, worked_of
from quality.judge import judge
from quality.measures import Measurements
from quality.policy import Policy
from quality.scores import Score, scores

EPISODES_AT_ONCE = 100

Progress = Callable[[int, int], None]
"""Called with how many episodes are judged, and of how many."""


@dataclass(frozen=True)
class Rejudged:
    """What came of it: episodes judged, of which so many got another verdict.

    ``unmeasured`` could not be judged, as their measurements are not there or cannot be read; they
    keep their verdict. ``current`` stood under this policy already.
    """

    judged: int = 0
    changed: int = 0
    unmeasured: int = 0
    current: int = 0


def rejudge(
    record: Record,
    config: Config,
    policy: Policy,
    *,
    everything: bool = False,
    progress: Progress | None = None,
) -> Rejudged:
    """Judge every episode that has measurements and stands under another policy, or is not scored.

    Ended in the middle it goes on where it was, for what is done stands under the policy already;
    ``everything`` judges that again too, for when the checks themselves have changed.
    """
    with record.read() as session:
        current = session.scalar(select(func.count()).select_from(_measured().subquery()))
        total = session.scalar(
            select(func.count()).select_from(_due(policy, everything=everything).subquery())
        )
    count, changed, unmeasured = 0, 0, 0
    for ids in _batches(record, policy, everything=everything):
        verdicts = _judged(record, config.data, ids, policy)
        changed += _restate(record, verdicts)
        unmeasured += len(ids) - len(verdicts)
        count += len(ids)
        if progress:
            progress(count, total or 0)
    with record.begin() as session:  # every flag that was replaced left a tombstone
        prune(session.connection())
    return Rejudged(count - unmeasured, changed, unmeasured, (current or 0) - (total or 0))


def _measured() -> Select[int]:
    return select(Episode.id).where(Episode.measurements.is_not(None))


def _due(policy: Policy, *, everything: bool) -> Select[int]:
    if everything:
        return _measured()
    return _measured().where(or_(Episode.policy != policy.id, ~Episode.is_scored))


def _batches(record: Record, policy: Policy, *, everything: bool) -> Iterator[list[int]]:
    last = 0
    while True:
        due = _due(policy, everything=everything).where(Episode.id > last)
        with record.read() as session:
            ids = list(session.scalars(due.order_by(Episode.id).limit(EPISODES_AT_ONCE)))
        if not ids:
            return
        yield ids
        last = ids[-1]


Judged = tuple[Verdict, tuple[Score, ...]]


def _judged(record: Record, data: Path, ids: Sequence[int], policy: Policy) -> dict[int, Judged]:
    with record.read() as session:
        columns = (
            Episode.id,
            Episode.measurements,
            Episode.task_id,
            Episode.site_id,
            Episode.rig_id,
            Episode.shift_id,
            Episode.worker_id,
        )
        rows = session.execute(select(*columns).where(Episode.id.in_(ids))).all()
        worked = {
            row.id: worked_of(
                session,
                Recorded.kept(data / str(row.measurements)),
                row.shift_id,
                row.worker_id,
            )
            for row in rows
        }
    verdicts = {}
    for row in rows:
        measurements = _load(data / str(row.measurements))
        if measurements is not None:
            measurements = replace(measurements, worked=worked[row.id])
            who = Metadata(task=row.task_id, site=row.site_id, rig=row.rig_id)
            verdicts[row.id] = (
                judge(measurements, policy, who),
                scores(measurements, policy, who),
            )
    return verdicts


def _load(folder: Path) -> Measurements | None:
    try:
        return Measurements.load(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _restate(record: Record, verdicts: dict[int, Judged]) -> int:
    """Put verdicts in the record; how many are other ones than before."""
    changed = 0
    now = dt.datetime.now(dt.UTC)
    with record.begin() as session:
        for episode in session.scalars(select(Episode).where(Episode.id.in_(verdicts))):
            verdict, near = verdicts[episode.id]
            changed += episode.verdict != verdict.grade.value
            restate(session, episode, verdict, near, now=now)
    return changed
