"""What the others of its task and rig say of an episode: those of a run, or of the record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dailies.record import Episode
from dailies.words import Grade
from jobs.screening import Screened, asked
from quality.checks.unlike import UNLIKE_OTHERS
from quality.measures.measurements import Measurements, keep_others, load_sketches
from quality.measures.others import Others, Picture, length_among, seen_of, turned_of, view_of
from quality.measures.sketch import Sketch
from quality.policy import Policy

VIEWS = 12
"""Of so many of a rig's newest episodes the views are looked at: cameras are moved now and then."""
LENGTHS = 500
"""So many of a task's newest episodes tell how long it usually is."""

RECENT = 100_000
"""So many of the record's newest episodes are gone through for them: a rig's first would else be
looked for in all."""

Views = Mapping[str, Sequence[Picture]]
"""Earlier views of a rig's cameras, by stream."""


def told(screened: Screened, others: Others, policy: Policy) -> Screened:
    """The same with what the others say of it, in verdict and flags."""
    return asked(screened, UNLIKE_OTHERS, Measurements(others=others), policy)


def views_of(sketches: Sequence[Sketch]) -> dict[str, Picture]:
    """What each camera shows on average."""
    seen = {sketch.stream: view_of(sketch) for sketch in sketches}
    return {stream: view for stream, view in seen.items() if view is not None}


def among(
    views: Mapping[str, Picture],
    seconds: float,
    earlier: Views,
    lengths: Sequence[float],
    *,
    of_rig: bool = True,
) -> Others:
    """What earlier views of its rig, and lengths of its task's others, say of an episode.

    Where it may be another rig's, not ``of_rig``, only that it hangs otherwise is told.
    """
    turned = (turned_of(name, view, earlier.get(name, ())) for name, view in views.items())
    known = views if of_rig else {}
    seen = (seen_of(name, view, earlier.get(name, ())) for name, view in known.items())
    return Others(
        tuple(one for one in turned if one is not None),
        length_among(seconds, lengths),
        tuple(one for one in seen if one is not None),
        seconds,
    )


@dataclass
class RunOthers:
    """The episodes of one run of ``dailies screen``: 0.3 kB each and camera.

    Where none names its rig, those of a dataset belong together, or those of recordings in one
    folder; where none names its task, those of a dataset.
    """

    policy: Policy
    _views: dict[str, dict[str, list[Picture]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    _lengths: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def judged(self, screened: Screened, *, of_many: bool) -> Screened:
        """The episode with what those before it say; it is one of them from now on."""
        folder = str(screened.path if of_many else screened.path.parent)
        views = views_of(screened.sketches)
        earlier = self._views[screened.metadata.rig or folder]
        task = screened.metadata.task or (folder if of_many else None)
        lengths = self._lengths[task] if task else []
        of_rig = screened.metadata.rig is not None
        others = among(views, screened.duration_s, earlier, lengths, of_rig=of_rig)
        for stream, view in views.items():
            earlier[stream] = [*earlier[stream], view][-VIEWS:]
        if screened.verdict.grade is not Grade.FAIL:
            lengths.append(screened.duration_s)
        return told(screened, others, self.policy)


class RecordOthers:
    """The episodes of a record (the intake). One a process; not safe for threads."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: dict[str, dict[str, Picture]] = {}  # by where measurements lie

    def judged(self, session: Session, screened: Screened, policy: Policy) -> Screened:
        """An episode with what those before it say, which is also kept with its measurements."""
        who = screened.metadata
        last = session.scalar(select(func.max(Episode.id))) or 0
        is_recent = Episode.id > last - RECENT
        is_other = Episode.content.not_in(screened.contents)
        newest = (
            select(Episode.measurements)
            .where(Episode.rig_id == who.rig, Episode.measurements.is_not(None))
            .where(is_recent, is_other)
            .order_by(Episode.id.desc())
            .limit(VIEWS)
        )
        lasting = (
            select(Episode.duration_s)
            .where(Episode.task_id == who.task, Episode.verdict != Grade.FAIL.value)
            .where(is_recent, is_other, Episode.duplicate_of.is_(None))
            .where(Episode.is_example.is_(False))  # what was made up tells nothing of a task
            .order_by(Episode.id.desc())
            .limit(LENGTHS)
        )
        earlier: dict[str, list[Picture]] = defaultdict(list)
        if who.rig is not None and screened.sketches:
            for row in session.execute(newest):
                for stream, view in self._views_of(str(row.measurements)).items():
                    earlier[stream].append(view)
        lengths = session.scalars(lasting).all() if who.task is not None else []
        others = among(views_of(screened.sketches), screened.duration_s, earlier, lengths)
        folder = self._data / "measurements" / screened.fingerprint
        if screened.stored and folder.is_dir():
            keep_others(folder, others)
        return told(screened, others, policy)

    def _views_of(self, measurements: str) -> dict[str, Picture]:
        if measurements not in self._known:
            if len(self._known) > 100 * VIEWS:
                self._known.clear()
            try:
                sketches = load_sketches(self._data / measurements)
            except (OSError, ValueError, KeyError, TypeError):
                sketches = ()  # its measurements are gone: nothing to compare with
            self._known[measurements] = views_of(sketches)
        return self._known[measurements]
