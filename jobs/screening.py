"""Screening one recording: open it, measure it, judge it. Needs no record and no other process."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import math
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dailies.recordings import episodes_at, fingerprint
from dailies.recordings.contract import Episode, Metadata, VideoFile
from dailies.recordings.preview import preview
from dailies.words import NS, Flag, Grade, Span, Verdict
from quality.checks import Check
from quality.judge import judge
from quality.measures import NO_MODELS, Measurements, Models, Pictures, measure
from quality.measures.measurements import safe_name
from quality.measures.sketch import Sketch
from quality.measures.together import Evidence, evidence
from quality.measures.triage import measure_triage
from quality.policy import Policy
from quality.scores import Score, scores
from quality.triage import NOT_LOOKED_AT, judge_triage, seen_count

Kind = Literal["video", "series", "audio"]
BROKEN_CHECKS = ("corrupt_stream", "missing_stream")


@dataclass(frozen=True)
class ScreenedStream:
    """One stream of a screened episode, with the numbers that sum it up.

    ``file`` and its span say where its pictures are, where they are in a file of their own.
    ``late_ms`` is how late a camera shows the robot, None where its pictures do not tell.
    """

    name: str
    kind: Kind
    count: int
    rate_hz: float | None
    measurements: dict[str, float | None] = field(default_factory=dict)
    file: Path | None = None
    file_start_s: float | None = None
    file_end_s: float | None = None
    late_ms: float | None = None


@dataclass(frozen=True)
class Triaged:
    """What a triage looked at: ``looked_at`` of ``pictures``; ``not_looked_at`` names what it
    leaves to a full screening.
    """

    looked_at: int
    pictures: int
    not_looked_at: tuple[str, ...] = NOT_LOOKED_AT


@dataclass(frozen=True, eq=False)
class Screened:
    """What screening one episode gave.

    ``fingerprint`` is of the content, ``started_at`` when it was recorded (the file's time less the
    duration where the metadata does not say). ``error`` is set where the recording could not be
    read whole. ``measurements`` is None where nothing could be measured, and in another process
    than the one that measured; ``stored`` says whether they lie in the folder of measurements.
    ``alone`` is the fingerprint of a video without the series beside it, None where there are none.
    ``sketches`` are what the cameras' clips are known again by.
    ``scores`` tell the verdict under moved limits, ``evidence`` is what the episode adds to what
    all of its rig tell together. ``triage`` is set where this is no full screening, so that good
    means no more than that nothing odd was seen. ``of_many`` says that its recording has several
    episodes.
    """

    path: Path
    index: int
    format: str
    metadata: Metadata
    fingerprint: str
    verdict: Verdict
    duration_s: float
    started_at: dt.datetime
    streams: tuple[ScreenedStream, ...] = ()
    error: str | None = None
    measurements: Measurements | None = None
    stored: bool = False
    alone: str | None = None
    scores: tuple[Score, ...] = ()
    sketches: tuple[Sketch, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    triage: Triaged | None = None
    of_many: bool = False

    @property
    def contents(self) -> tuple[str, ...]:
        """The fingerprints by which it may be known already."""
        return (self.fingerprint, self.alone) if self.alone else (self.fingerprint,)


def screen(
    path: Path,
    policy: Policy,
    *,
    indexes: Collection[int] | None = None,
    store: Path | None = None,
    threads: int = 0,
    models: Models = NO_MODELS,
) -> Iterator[Screened]:
    """The verdicts on every episode at ``path`` (or on those of ``indexes``), as they come.

    ``store`` is the folder in which to keep the measurements, one folder a fingerprint; those that
    lie there already are not measured again. ``threads`` are those of one decoder, 0 for its own
    choice. With ``models``, which must have been checked, people are looked for. A bad recording
    does not raise: its verdict is fail and its ``error`` says why. Raises UnknownFormat where
    ``path`` is no recording at all, FileNotFoundError where it is not there.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: check the path")
    for episode in episodes_at(path, indexes):
        yield screen_episode(episode, policy, store=store, threads=threads, models=models)


def screen_episode(
    episode: Episode,
    policy: Policy,
    *,
    store: Path | None = None,
    threads: int = 0,
    models: Models = NO_MODELS,
) -> Screened:
    """The verdict on one opened episode; see ``screen``."""
    key = ""
    try:
        key = fingerprint(episode)
        measurements = _measured(episode, store / key if store else None, threads, models)
        verdict = judge(measurements, policy, episode.metadata)
        near = scores(measurements, policy, episode.metadata)
        adds = tuple(evidence(measurements.cameras, episode.series))
    except Exception as error:  # whatever a damaged file does to us is that file's failure
        message = _unmeasured(episode, error)
        return failed(episode.path, episode.index, policy, message, opened=episode, key=key)
    return replace(
        _screened(episode, key, verdict, measurements, store),
        stored=store is not None,
        alone=_alone(episode),
        sketches=tuple(camera.sketch for camera in measurements.cameras),
        scores=near,
        evidence=adds,
    )


def asked(screened: Screened, check: Check, known: Measurements, policy: Policy) -> Screened:
    """The same with what a check says of what is known by now in place of what it said before; the
    verdict follows.
    """
    who = screened.metadata
    limits = policy.limits_for(who.task, who.site, who.rig)[check.name]
    flags = tuple(check.function(known, limits))
    others = tuple(one for one in screened.verdict.flags if one.check != check.name)
    if not flags and len(others) == len(screened.verdict.flags):
        return screened
    return replace(screened, verdict=Verdict.of(screened.verdict.policy, others + flags))


def failed(
    path: Path,
    index: int,
    policy: Policy,
    message: str,
    *,
    opened: Episode | None = None,
    key: str = "",
) -> Screened:
    """A recording of which nothing could be had: verdict fail, by one flag saying ``message``."""
    flag = Flag("corrupt_stream", Grade.FAIL, None, Span(0, 0), math.nan, math.nan, "", message)
    files = opened.files if opened else ()
    return Screened(
        path=path,
        index=index,
        format=opened.format if opened else "unknown",
        metadata=opened.metadata if opened else Metadata(),
        fingerprint=key or raw_content(path, index),
        verdict=Verdict.of(policy.id, (flag,)),
        duration_s=0.0,
        started_at=(opened.metadata.started_at if opened else None)
        or _changed_at(files or (path,)),
        error=message,
    )


def triage_episode(
    episode: Episode, policy: Policy, *, store: Path | None = None, threads: int = 0
) -> Screened:
    """The verdict of a triage on one opened episode, by its packets and a sample of its pictures.

    ``store`` is a folder for the measurements of this triage alone: never that of the intake, for
    they lack most pictures.
    """
    key = ""
    try:
        key = fingerprint(episode)
        triage = measure_triage(episode, threads=threads)
        verdict = judge_triage(triage, policy, episode.metadata)
        if store is not None:
            _keep(triage.measurements, episode, store / key)
    except Exception as error:  # as in screen_episode
        message = _unmeasured(episode, error)
        lost = failed(episode.path, episode.index, policy, message, opened=episode, key=key)
        return replace(lost, triage=Triaged(0, 0))
    screened = _screened(episode, key, verdict, triage.measurements, store)
    return replace(screened, triage=Triaged(*seen_count(triage)))


def _screened(
    episode: Episode, key: str, verdict: Verdict, measurements: Measurements, store: Path | None
) -> Screened:
    return Screened(
        path=episode.path,
        index=episode.index,
        format=episode.format,
        metadata=episode.metadata,
        fingerprint=key,
        verdict=verdict,
        duration_s=measurements.duration_ns / NS,
        started_at=_started_at(episode, measurements.duration_ns / NS),
        streams=_streams(episode, measurements, store / key if store else None),
        error=error_of(verdict),
        measurements=measurements,
    )


def _unmeasured(episode: Episode, error: Exception) -> str:
    return (
        f"{episode.path}, episode {episode.index}: could not be measured "
        f"({type(error).__name__}: {error}): check the files, or copy them again"
    )


def error_of(verdict: Verdict) -> str | None:
    """Why a recording could not be read whole, None where it could: its first flag that says so."""
    broken = (
        flag.message
        for flag in verdict.flags
        if flag.check in BROKEN_CHECKS and flag.grade is Grade.FAIL
    )
    return next(broken, None)


def raw_content(path: Path, index: int) -> str:
    """A hash of a recording that no reader could open: of its bytes, or of its files' names."""
    digest = hashlib.blake2b(f"unread {index}\n".encode(), digest_size=20)
    if path.is_file():
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        for file_path in sorted(path.rglob("*")) if path.is_dir() else [path]:
            size = file_path.stat().st_size if file_path.is_file() else 0
            digest.update(f"{file_path.relative_to(path)}\t{size}\n".encode())
    return digest.hexdigest()


def _alone(episode: Episode) -> str | None:
    if not episode.series or len(episode.files) < 2 or not episode.path.is_file():
        return None
    return fingerprint(replace(episode, series=(), files=(episode.path,)))


def _measured(episode: Episode, folder: Path | None, threads: int, models: Models) -> Measurements:
    if folder is not None and (stored := _stored(episode, folder, models)) is not None:
        return stored
    measurements = measure(episode, threads=threads, models=models)
    if folder is not None:
        _keep(measurements, episode, folder)
    return measurements


def _stored(episode: Episode, folder: Path, models: Models) -> Measurements | None:
    """Measurements of the same content, with what this recording's metadata declares; None where
    there are none, or none by the models that are given.
    """
    try:
        stored = Measurements.load(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none there, or of another layout: measured anew
    declared = {camera.name: camera for camera in episode.cameras}
    if set(declared) != {camera.name for camera in stored.cameras}:
        return None
    if any(one.count and not one.origin for one in stored.series):
        return None  # of before the values of series were kept
    if any(one.count and not len(one.cells) for one in stored.cameras):
        return None  # of before cameras were sketched
    if any(one.count and not _looked_by(one, models) for one in stored.cameras):
        return None
    cameras = tuple(
        replace(
            camera,
            declared_count=declared[camera.name].declared_count,
            declared_rate_hz=declared[camera.name].declared_rate_hz,
        )
        for camera in stored.cameras
    )
    return replace(
        stored,
        cameras=cameras,
        problems=episode.problems,
        declared_duration_s=episode.declared_duration_s,
        task=episode.metadata.task,
        steps=episode.metadata.steps,
    )


def _looked_by(camera: Pictures, models: Models) -> bool:
    """Whether each model that is given has looked at a camera; others may have."""
    given = ((models.face, camera.face_model), (models.hand, camera.hand_model))
    return all(model is None or model.identity == kept for model, kept in given)


def _keep(measurements: Measurements, episode: Episode, folder: Path) -> None:
    """Store under a passing name, then rename: a folder with its right name is always whole.

    With the numbers goes a preview of pictures that no browser can play where they lie.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    passing = Path(tempfile.mkdtemp(prefix=".measuring-", dir=folder.parent))
    try:
        measurements.save(passing)
        for camera in episode.cameras:
            preview(camera, passing / f"{safe_name(camera.name)}.mp4")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(passing.with_name(passing.name + "-old"))
        with contextlib.suppress(OSError):  # another process was first with the same content
            passing.rename(folder)
    finally:
        shutil.rmtree(passing, ignore_errors=True)
        shutil.rmtree(passing.with_name(passing.name + "-old"), ignore_errors=True)


def _streams(
    episode: Episode, measurements: Measurements, folder: Path | None
) -> tuple[ScreenedStream, ...]:
    summary = measurements.summary()
    sources = {camera.name: camera.source for camera in episode.cameras}
    late_ms = {one.stream: one.offset_ms for one in measurements.sync if one.is_of_robot}
    videos = [
        ScreenedStream(
            camera.name,
            "video",
            camera.count,
            camera.rate_hz,
            summary.get(camera.name, {}),
            *_place(sources.get(camera.name), camera.name, folder),
            late_ms.get(camera.name),
        )
        for camera in measurements.cameras
    ]
    series = [
        ScreenedStream(one.name, "series", one.count, one.rate_hz, summary.get(one.name, {}))
        for one in measurements.series
    ]
    sounds = [
        ScreenedStream(one.name, "audio", one.count, one.rate_hz, summary.get(one.name, {}))
        for one in measurements.sounds
    ]
    return (*videos, *series, *sounds)


def _place(
    source: object, name: str, folder: Path | None
) -> tuple[Path | None, float | None, float | None]:
    """Where a camera's pictures can be played: their video file, or the preview of them."""
    if isinstance(source, VideoFile):
        if source.track:  # a browser plays the first one
            return None, None, None
        return source.path, source.start_s, source.end_s
    shown = folder / f"{safe_name(name)}.mp4" if folder is not None else None
    if shown is not None and shown.is_file():
        return shown.resolve(), None, None
    return None, None, None


def _started_at(episode: Episode, duration_s: float) -> dt.datetime:
    said = episode.metadata.started_at
    if said is not None and said.tzinfo is not None:
        return said
    return _changed_at(episode.files or (episode.path,)) - dt.timedelta(seconds=duration_s)


def _changed_at(files: tuple[Path, ...]) -> dt.datetime:
    """When the newest of some files was last changed; now where none can be asked."""
    times = []
    for file in files:
        with contextlib.suppress(OSError):
            times.append(file.stat().st_mtime)
    if not times:
        return dt.datetime.now(dt.UTC)
    return dt.datetime.fromtimestamp(max(times), dt.UTC)
