"""Entering a screened episode in the record: with its streams, numbers and flags, in one go."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, or_, select, text
from sqlalchemy.orm import Session

from dailies.record import Episode, Finding, Landing, Measurement, Review, Stream
from dailies.record import Score as ScoreRow
from dailies.shifts import day_of
from dailies.words import NS, Flag, Grade, Verdict
from jobs.screening import Screened, error_of
from quality.scores import Score
from review import rework
from review.standing import latest

DECISIONS = {Grade.GOOD: "accepted", Grade.FAIL: "rejected"}
"""What a verdict decides by itself; suspect and unknown wait for a person."""
AGAIN = dt.timedelta(days=1)
"""A file that could not be read whole and changes within so long was still being copied; later its
name may have been given to another recording."""


@dataclass(frozen=True)
class Entered:
    """What came of it: the episode's id, whether it is new, and of which episode it is a copy.

    ``moved_from`` is where it lay before, where it is an episode that was moved.
    """

    episode_id: int
    is_new: bool
    duplicate_of: int | None = None
    moved_from: str | None = None


def enter(
    session: Session,
    screened: Screened,
    *,
    site_zones: Mapping[str, str],
    landed_at: dt.datetime,
    judged_at: dt.datetime | None = None,
    folders: Collection[Path] = (),
    is_example: bool = False,
) -> Entered:
    """Enter one episode in the caller's transaction; the same path, index and content only once.

    Content that stands in the record under another path or index makes a duplicate, unless it was
    moved: that is, it was below ``folders`` (which this process sees) and is not there any more.
    An episode that lacked a stream, was a video before its series came, or could not be read whole
    and landed again within ``AGAIN``, is completed: by other content under its path and index. An
    episode that is entered already takes on metadata that the
    recording says now, and the verdict that this makes. ``site_zones`` maps a site's id to its
    IANA zone. Raises ValueError for a triage, which is no screening.
    """
    if screened.triage is not None:
        raise ValueError(
            f"{screened.path}: a triage is never entered: screen the recording in full"
        )
    _wait_for_others(session, screened.fingerprint)
    same = select(Episode).where(Episode.content == screened.fingerprint).order_by(Episode.id)
    twins = list(session.scalars(same))
    for twin in twins:
        if (twin.path, twin.index) == (str(screened.path), screened.index):
            _amend(session, twin, screened, site_zones)
            return Entered(twin.id, is_new=False, duplicate_of=twin.duplicate_of)
    gone = next((twin for twin in twins if _is_moved(twin, screened, folders)), None)
    if gone is not None:
        before = _move(session, gone, screened, site_zones)
        return Entered(gone.id, is_new=False, duplicate_of=gone.duplicate_of, moved_from=before)
    first = next((twin.id for twin in twins if twin.duplicate_of is None), None)
    episode = _episode(screened, landed_at, judged_at or dt.datetime.now(dt.UTC), first)
    episode.worked_on = _worked_on(session, episode, site_zones)
    episode.is_example = is_example
    lacking = _lacking(session, screened, landed_at)
    if lacking is not None:
        session.execute(delete(Stream).where(Stream.episode_id == lacking))
        session.execute(delete(Finding).where(Finding.episode_id == lacking))
        episode.id = lacking
        episode.first_decision = episode.decision  # what was decided then was about a part of it
        episode = session.merge(episode)
    session.add(episode)
    session.flush()
    _add_streams(session, episode.id, screened)
    _add_flags(session, episode.id, screened.verdict)
    _put_scores(session, episode, screened.scores)
    rework.match(session, episode)
    return Entered(episode.id, is_new=True, duplicate_of=first)


def _is_moved(episode: Episode, screened: Screened, folders: Collection[Path]) -> bool:
    """Whether ``screened`` is this episode at another place, since nothing is at its own now."""
    path = Path(episode.path)
    is_seen = any(path.is_relative_to(folder) and folder.is_dir() for folder in folders)
    return is_seen and episode.index == screened.index and not path.exists()


def _move(
    session: Session, episode: Episode, screened: Screened, site_zones: Mapping[str, str]
) -> str:
    """Take on another path; the one before."""
    before, episode.path = episode.path, str(screened.path)
    # should it ever be moved back, it is new there
    session.execute(delete(Landing).where(Landing.path == before))
    session.execute(delete(Stream).where(Stream.episode_id == episode.id))
    _add_streams(session, episode.id, screened)
    _amend(session, episode, screened, site_zones)
    return before


def _lacking(session: Session, screened: Screened, landed_at: dt.datetime) -> int | None:
    """The unreviewed episode at this place that was entered without all of this one, if any."""
    missing = exists().where(
        Finding.episode_id == Episode.id, Finding.check == "missing_stream", Finding.grade == "fail"
    )
    in_part = Episode.error.is_not(None) & (Episode.landed_at >= landed_at - AGAIN)
    return session.scalar(
        select(Episode.id)
        .where(Episode.path == str(screened.path), Episode.index == screened.index)
        .where(or_(missing, in_part, Episode.content == screened.alone))
        .where(~exists().where(Review.episode_id == Episode.id))
        .order_by(Episode.id.desc())
        .limit(1)
    )


def restate(
    session: Session,
    episode: Episode,
    verdict: Verdict,
    scores: tuple[Score, ...],
    *,
    now: dt.datetime,
) -> None:
    """Put another verdict on an episode; the decision follows where no review stands on it."""
    _put_scores(session, episode, scores)
    session.execute(delete(Finding).where(Finding.episode_id == episode.id))
    _add_flags(session, episode.id, verdict)
    episode.verdict = verdict.grade.value
    episode.policy = verdict.policy
    episode.error = error_of(verdict)
    reviewed = latest(session, episode.id) is not None
    decision = decided(verdict.grade, is_duplicate=episode.duplicate_of is not None)
    if not reviewed and decision != episode.decision:
        episode.decision = decision
        episode.decided_at = now if decision else None
        episode.first_decision = episode.first_decision or decision


def decided(grade: Grade, *, is_duplicate: bool) -> str | None:
    """What a verdict decides: ``accepted``, ``rejected``, or None where it waits for review."""
    return "rejected" if is_duplicate else DECISIONS.get(grade)


def _wait_for_others(session: Session, content: str) -> None:
    """Of two transactions with the same content, let the second see what the first entered.

    SQLite admits one writer at a time anyhow.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:content, 0))")
        session.execute(lock, {"content": content})


def _episode(
    screened: Screened, landed_at: dt.datetime, judged_at: dt.datetime, first: int | None
) -> Episode:
    decision = decided(screened.verdict.grade, is_duplicate=first is not None)
    return Episode(
        content=screened.fingerprint,
        path=str(screened.path),
        index=screened.index,
        format=screened.format,
        started_at=screened.started_at,
        landed_at=landed_at,
        judged_at=judged_at,
        duration_s=screened.duration_s,
        verdict=screened.verdict.grade.value,
        policy=screened.verdict.policy,
        decision=decision,
        decided_at=judged_at if decision else None,
        duplicate_of=first,
        error=screened.error,
        measurements=f"measurements/{screened.fingerprint}" if screened.stored else None,
        **_said(screened),
    )


def _said(screened: Screened) -> dict[str, Any]:
    """The columns that the recording's metadata fills, where it says anything."""
    said = screened.metadata
    steps = [
        {"label": step.label, "start_s": step.start_ns / NS, "end_s": step.end_ns / NS}
        for step in said.steps
    ]
    columns = {
        "program_id": said.program,
        "task_id": said.task,
        "worker_id": said.worker,
        "site_id": said.site,
        "rig_id": said.rig,
        "shift_id": said.shift,
        "steps": steps or None,
    }
    return {name: value for name, value in columns.items() if value is not None}


def _worked_on(session: Session, episode: Episode, site_zones: Mapping[str, str]) -> dt.date:
    return day_of(session, episode, site_zones.get(episode.site_id or "", "UTC"))


def _amend(
    session: Session, episode: Episode, screened: Screened, site_zones: Mapping[str, str]
) -> None:
    """Take on what the recording says of itself now, such as a metadata file that came later."""
    changed = {k: v for k, v in _said(screened).items() if getattr(episode, k) != v}
    said_start = screened.metadata.started_at
    if said_start is not None and said_start.tzinfo and said_start != episode.started_at:
        changed["started_at"] = said_start
    if not changed:
        return
    for name, value in changed.items():
        setattr(episode, name, value)
    episode.worked_on = _worked_on(session, episode, site_zones)
    restate(session, episode, screened.verdict, screened.scores, now=dt.datetime.now(dt.UTC))


def _add_streams(session: Session, episode_id: int, screened: Screened) -> None:
    rows = [
        Stream(
            episode_id=episode_id,
            name=stream.name,
            kind=stream.kind,
            count=stream.count,
            rate_hz=number(stream.rate_hz),
            file=str(stream.file) if stream.file else None,
            file_start_s=stream.file_start_s,
            file_end_s=stream.file_end_s,
            late_ms=number(stream.late_ms),
        )
        for stream in screened.streams
    ]
    session.add_all(rows)
    session.flush()
    session.add_all(
        Measurement(stream_id=row.id, name=name, value=number(value))
        for row, stream in zip(rows, screened.streams, strict=True)
        for name, value in stream.measurements.items()
    )


def _add_flags(session: Session, episode_id: int, verdict: Verdict) -> None:
    session.add_all(_finding(episode_id, flag) for flag in verdict.flags)


def _put_scores(session: Session, episode: Episode, scores: tuple[Score, ...]) -> None:
    """Have an episode's scores be these; those that are the same already are left alone."""
    columns = (ScoreRow.check, ScoreRow.suspect_to, ScoreRow.fail_to, ScoreRow.grade)
    there = select(*columns).where(ScoreRow.episode_id == episode.id).order_by(ScoreRow.id)
    if [Score(*row) for row in session.execute(there)] != list(scores):  # type: ignore[arg-type]
        session.execute(delete(ScoreRow).where(ScoreRow.episode_id == episode.id))
        session.add_all(
            ScoreRow(
                episode_id=episode.id,
                check=one.check,
                grade=one.grade,
                suspect_to=one.suspect_to,
                fail_to=one.fail_to,
            )
            for one in scores
        )
    episode.is_scored = True


def _finding(episode_id: int, flag: Flag) -> Finding:
    return Finding(
        episode_id=episode_id,
        check=flag.check,
        grade=flag.grade.value,
        stream=flag.stream,
        start_s=flag.span.start_ns / NS,
        end_s=flag.span.end_ns / NS,
        measured=number(flag.measured),
        limit=number(flag.limit),
        unit=flag.unit,
        message=flag.message,
    )


def number(value: float | None) -> float | None:
    """A number that databases and JSON know: None for NaN and the infinities."""
    return float(value) if value is not None and math.isfinite(value) else None
