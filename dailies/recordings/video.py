"""Plain videos: a file is a recording, and a JSON file beside it says whose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from dailies.recordings import matroska, mp4
from dailies.recordings.contract import (
    Audio,
    Camera,
    Episode,
    Metadata,
    Problem,
    Series,
    VideoFile,
)
from dailies.recordings.described import Said, load_json, metadata_of
from dailies.recordings.files import (
    READ_ERRORS,
    VIDEO_SUFFIXES,
    is_video,
    trouble,
    undecoded,
    unreadable,
)
from dailies.recordings.gpmf import Telemetry, telemetry_of
from dailies.recordings.streams import on_one_clock, series_of
from dailies.words import NS

RATE_RATIO = 1.2
"""Farther apart a promised rate and the container's are not the same one."""
STREAM = "video"
"""Name of the camera of a plain video; a second video stream in it is ``video_2``."""
SOUND = "audio"
"""Name of the sound of a plain video; a second stream of it is ``audio_2``."""

UNSET_YEAR = 2000
_NO_PICTURES = "hand in the file with the video, or record with the camera on"
_STEADY = 1e-3  # two rates within a thousandth are one: containers round them


@dataclass(frozen=True)
class Header:
    """What a container promises of its pictures; None where it promises nothing.

    ``rate_hz`` is given only where the container's mean rate and its finest step agree: a file
    whose frames came at uneven times promises no rate. ``end_s`` is when the last of its video
    streams ends, from the start of the container.
    """

    rate_hz: float | None = None
    end_s: float | None = None
    track: int = 0


@dataclass(frozen=True)
class Contents:
    """What a container holds: its first video stream, further ones, sound and telemetry.

    ``header`` promises nothing where there is no video stream. ``created_at`` is when it was made,
    by its own word.
    """

    header: Header = Header()
    has_pictures: bool = True
    cameras: tuple[Camera, ...] = ()
    audio: tuple[Audio, ...] = ()
    telemetry: Telemetry = field(default_factory=Telemetry)
    created_at: dt.datetime | None = None


class PlainVideo:
    """Reads mp4, m4v, mov, mkv, avi, webm, 3gp, mts and m2ts files."""

    name = "video"
    suffixes = VIDEO_SUFFIXES

    def recognises(self, path: Path) -> bool:
        """True for a finished file with a video's ending."""
        return is_video(path.name) and path.is_file()

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of a video file."""
        if indexes is None or 0 in indexes:
            yield _episode(path)


def _without_index(path: Path, stream: str) -> Problem | None:
    """An mp4 whose index is not there, which recorders write last."""
    try:
        if not mp4.lacks_index(path):
            return None
    except OSError:
        return None
    message = f"{path} has no index (moov): it was cut off or is still written: copy it again"
    return Problem("corrupt_stream", stream, message)


def sidecar_of(video: Path) -> Path | None:
    """The JSON file that gives a video's metadata: clip.mp4.json, else clip.json, else None."""
    beside = (video.with_name(video.name + ".json"), video.with_suffix(".json"))
    return next((path for path in beside if path.is_file()), None)


def contents(path: Path) -> Contents:
    """What a file holds, from one look at its container; no picture is decoded.

    Raises what PyAV raises for a damaged file. Of what is beside the first video stream it gives as
    much as can be read.
    """
    with av.open(str(path), metadata_errors="replace", options=undecoded(path)) as container:
        tracks = _tracks(container)
        seen = Contents(has_pictures=bool(tracks), created_at=_created_at(container))
        if tracks:
            seen = replace(seen, header=_header(container, tracks))
        try:
            return _with_others(path, container, seen, tracks[1:])
        except (*READ_ERRORS, av.error.FFmpegError):
            return seen


def _with_others(
    path: Path, container: InputContainer, seen: Contents, further: list[int]
) -> Contents:
    cameras = [_further(path, container, at) for at in enumerate(further, 2)]
    audio = [_audio(path, container, one) for one in enumerate(container.streams.audio)]
    telemetry = telemetry_of(container, str(path))
    return replace(seen, cameras=tuple(cameras), audio=tuple(audio), telemetry=telemetry)


def _created_at(container: InputContainer) -> dt.datetime | None:
    """When the container says it was made; phones by Apple say it with their zone.

    A clock that was never set says 1904 or 1970.
    """
    for key in ("com.apple.quicktime.creationdate", "creation_time"):
        try:
            said = dt.datetime.fromisoformat(container.metadata.get(key, ""))
        except ValueError:
            continue
        if said.tzinfo is not None and said.year > UNSET_YEAR:
            return said
    return None


def _header(container: InputContainer, tracks: list[int]) -> Header:
    streams = [container.streams.video[track] for track in tracks]
    ends_s = [_end_s(container, stream) for stream in streams]
    known = [end_s for end_s in ends_s if end_s is not None]
    return Header(
        rate_hz=_rate_hz(streams[0]),
        end_s=max(known) if len(known) == len(ends_s) else None,
        track=tracks[0],
    )


def _rate_hz(stream: VideoStream) -> float | None:
    mean, finest = stream.average_rate, stream.base_rate
    is_steady = mean and finest and abs(float(mean / finest) - 1) < _STEADY
    return float(mean) if mean and is_steady else None


def _tracks(container: InputContainer) -> list[int]:
    """Numbers of the video streams that are no cover picture."""
    return [at for at, one in enumerate(container.streams.video) if not _is_cover(one)]


def _further(path: Path, container: InputContainer, numbered: tuple[int, int]) -> Camera:
    number, track = numbered
    rate_hz = _rate_hz(container.streams.video[track])
    source = VideoFile(path, track=track)
    return Camera(f"{STREAM}_{number}", source, declared_rate_hz=rate_hz)


def _audio(path: Path, container: InputContainer, numbered: tuple[int, AudioStream]) -> Audio:
    track, stream = numbered
    unit = float(stream.time_base or 0)
    first_s = (container.start_time or 0) / av.time_base
    offset_s = (stream.start_time or 0) * unit - first_s if stream.start_time is not None else 0.0
    known = stream.codec_context
    rate = int(known.sample_rate) if known is not None and known.sample_rate else None
    length_s = (stream.duration or 0) * unit
    return Audio(
        name=SOUND if track == 0 else f"{SOUND}_{track + 1}",
        path=path,
        track=track,
        rate_hz=rate,
        channels=int(known.channels) if known is not None else None,
        declared_count=round(length_s * rate) if rate and length_s > 0 else None,
        offset_ns=max(round(offset_s * NS), 0),
    )


def _cut_off(path: Path, name: str) -> list[Problem]:
    """What is wrong with a Matroska file of which the end is missing; the rest is still read."""
    missing = matroska.missing_bytes(path) if path.suffix.lower() in matroska.SUFFIXES else 0
    message = f"{path} is cut off: {missing} bytes or more of it are missing: copy it again"
    return [Problem("corrupt_stream", name, message)] if missing else []


def camera_of(
    name: str, path: Path, said: Said, problems: list[Problem]
) -> tuple[Camera, Contents]:
    """The camera in a video file, and what else the file holds.

    ``said`` may promise ``frame_count`` and ``rate_hz``; what it leaves open the container says:
    the count is told with the pictures, since a trimmed file's header counts what is not shown.
    """
    count, rate = said.count("frame_count"), said.rate()
    problem = trouble(path, name, said.where)
    held = Contents()
    if problem is None:
        try:
            held = contents(path)
            problems += _cut_off(path, name)
        except (*READ_ERRORS, av.error.FFmpegError) as error:
            problem = _without_index(path, name) or unreadable(path, name, error)
    if problem is None and not held.has_pictures:
        message = f"{path} holds no pictures{', only sound' if held.audio else ''}: {_NO_PICTURES}"
        problem = Problem("missing_stream", name, message)
    if problem is not None:
        problems.append(problem)
    seen = held.header
    if rate and seen.rate_hz and said.raw("times") is None and not _is_near(rate, seen.rate_hz):
        message = f"{said.where}: rate_hz promises {rate:g}, {path} runs at {seen.rate_hz:g}"
        problems.append(Problem("count_mismatch", name, f"{message}: correct one of them"))
    camera = Camera(
        name,
        None if problem else VideoFile(path, track=seen.track),
        declared_count=count,
        declared_rate_hz=seen.rate_hz if rate is None else rate,
    )
    return camera, held


def _episode(path: Path) -> Episode:
    problems: list[Problem] = []
    beside = sidecar_of(path)
    said = load_json(beside, problems) if beside else None
    said = said or Said({}, str(path), problems)
    camera, held = camera_of(STREAM, path, said, problems)
    taken = {STREAM, *(camera.name for camera in held.cameras)}
    taken |= {one.name for one in held.audio}
    series, files = series_of(path.parent, said, taken)
    cameras, series = on_one_clock((camera, *held.cameras), series)
    problems += held.telemetry.problems
    metadata = metadata_of(said) if beside else Metadata()
    if metadata.started_at is None:
        metadata = replace(metadata, started_at=held.telemetry.started_at)
    metadata = replace(metadata, created_at=held.created_at)
    promised = said.seconds("duration_s", above=0)
    return Episode(
        path=path,
        index=0,
        format=path.suffix.lower().lstrip("."),
        cameras=cameras,
        series=(*series, *_named_apart(held.telemetry.series, taken)),
        audio=held.audio,
        metadata=metadata,
        problems=tuple(problems),
        files=tuple(one for one in (path, *files) if one.is_file()),
        declared_duration_s=held.header.end_s if promised is None else promised,
    )


def _named_apart(series: tuple[Series, ...], taken: set[str]) -> Iterator[Series]:
    """Telemetry under names that no other stream has: a sidecar's gyro stands beside it."""
    for one in series:
        yield replace(one, name=f"{one.name}_embedded") if one.name in taken else one


def _is_near(rate_hz: float, other_hz: float) -> bool:
    return max(rate_hz, other_hz) <= RATE_RATIO * min(rate_hz, other_hz)


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _end_s(container: InputContainer, stream: VideoStream) -> float | None:
    """When a stream of pictures ends, from the start of the container: not when the container does,
    where sound may be what makes it longer.
    """
    first_s = (container.start_time or 0) / av.time_base
    if stream.duration and stream.time_base:
        starts_s = float((stream.start_time or 0) * stream.time_base)
        return starts_s - first_s + float(stream.duration * stream.time_base)
    # Matroska counts both of these from 0, whenever its first picture comes
    tagged = _clock_time(stream.metadata.get("DURATION", ""))
    if tagged:
        return tagged - first_s
    alone = len(container.streams.video) + len(container.streams.audio) == 1
    if not (alone and container.duration):
        return None
    is_from_0 = "matroska" in container.format.name
    return container.duration / av.time_base - (first_s if is_from_0 else 0.0)


def _clock_time(text: str) -> float | None:
    """Seconds of Matroska's "00:00:05.000000000", None where it is none."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
