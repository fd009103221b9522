"""Plain videos: a file is a recording, and a JSON file beside it says whose."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.video.stream import VideoStream

from dailies.recordings.contract import Camera, Episode, Metadata, Problem, VideoFile
from dailies.recordings.described import Said, load_json, metadata_of
from dailies.recordings.files import READ_ERRORS, VIDEO_SUFFIXES, is_video, trouble, unreadable
from dailies.recordings.streams import on_one_clock, series_of

STREAM = "video"
"""Name of the one camera of a plain video."""

_STEADY = 1e-3  # two rates within a thousandth are one: containers round them


@dataclass(frozen=True)
class Header:
    """What a container promises of its pictures; None where it promises nothing.

    ``rate_hz`` is given only where the container's mean rate and its finest step agree: a file
    whose frames came at uneven times promises no rate.
    """

    count: int | None
    rate_hz: float | None
    duration_s: float | None


class PlainVideo:
    """Reads mp4, m4v, mov, mkv, avi and webm files."""

    name = "video"
    suffixes = VIDEO_SUFFIXES

    def recognises(self, path: Path) -> bool:
        """True for a finished file with a video's ending."""
        return is_video(path.name) and path.is_file()

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of a video file."""
        if indexes is None or 0 in indexes:
            yield _episode(path)


def sidecar_of(video: Path) -> Path | None:
    """The JSON file that gives a video's metadata: clip.mp4.json, else clip.json, else None."""
    beside = (video.with_name(video.name + ".json"), video.with_suffix(".json"))
    return next((path for path in beside if path.is_file()), None)


def header(path: Path) -> Header:
    """What the container says of its first video stream; no picture is decoded.

    Raises ValueError where there is none, and what PyAV raises for a damaged file.
    """
    with av.open(str(path), metadata_errors="replace") as container:
        stream = next((one for one in container.streams.video if not _is_cover(one)), None)
        if stream is None:
            raise ValueError("there is no video stream in it")
        mean, finest = stream.average_rate, stream.base_rate
        is_steady = mean and finest and abs(float(mean / finest) - 1) < _STEADY
        return Header(
            count=stream.frames or None,
            rate_hz=float(mean) if mean and is_steady else None,
            duration_s=_duration_s(container, stream),
        )


def camera_of(
    name: str, path: Path, said: Said, problems: list[Problem]
) -> tuple[Camera, float | None]:
    """The camera in a video file, and the duration that the container promises.

    ``said`` may promise ``frame_count`` and ``rate_hz``; what it leaves open the container says.
    """
    count, rate = said.count("frame_count"), said.number("rate_hz", above=0)
    problem = trouble(path, name, said.where)
    seen = Header(None, None, None)
    if problem is None:
        try:
            seen = header(path)
        except (*READ_ERRORS, av.error.FFmpegError) as error:
            problem = unreadable(path, name, error)
    if problem is not None:
        problems.append(problem)
    camera = Camera(
        name,
        None if problem else VideoFile(path),
        declared_count=seen.count if count is None else count,
        declared_rate_hz=seen.rate_hz if rate is None else rate,
    )
    return camera, seen.duration_s


def _episode(path: Path) -> Episode:
    problems: list[Problem] = []
    beside = sidecar_of(path)
    said = load_json(beside, problems) if beside else None
    said = said or Said({}, str(path), problems)
    camera, duration_s = camera_of(STREAM, path, said, problems)
    series, files = series_of(path.parent, said, taken={STREAM})
    cameras, series = on_one_clock((camera,), series)
    promised = said.number("duration_s", above=0)
    return Episode(
        path=path,
        index=0,
        format=path.suffix.lower().lstrip("."),
        cameras=cameras,
        series=series,
        metadata=metadata_of(said) if beside else Metadata(),
        problems=tuple(problems),
        files=tuple(one for one in (path, *files) if one.is_file()),
        declared_duration_s=duration_s if promised is None else promised,
    )


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _duration_s(container: av.container.InputContainer, stream: VideoStream) -> float | None:
    """The pictures' duration: not the container's where sound may be what makes it longer."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tagged = _clock_time(stream.metadata.get("DURATION", ""))
    if tagged:
        return tagged
    alone = len(container.streams.video) + len(container.streams.audio) == 1
    return container.duration / av.time_base if alone and container.duration else None


def _clock_time(text: str) -> float | None:
    """Seconds of Matroska's "00:00:05.000000000", None where it is none."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
