"""A folder with a recording.json: one recording, whose streams that file names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from dailies.recordings.contract import Audio, Camera, Episode, Metadata, Problem, Series
from dailies.recordings.described import Said, load_json, metadata_of
from dailies.recordings.files import inside
from dailies.recordings.streams import frame_times, new_name, on_one_clock, series_of
from dailies.recordings.video import Contents, camera_of
from dailies.words import NS

FILE = "recording.json"
"""The file that makes a folder a recording."""


class RecordingFolder:
    """Reads folders with a recording.json."""

    name = "folder"
    suffixes: frozenset[str] = frozenset()

    def recognises(self, path: Path) -> bool:
        """True for a folder that holds a recording.json, whatever is in it."""
        return (path / FILE).exists() and path.is_dir()

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of the folder."""
        if indexes is None or 0 in indexes:
            yield _episode(path)


def _episode(root: Path) -> Episode:
    problems: list[Problem] = []
    file = root / FILE
    said = load_json(file, problems)
    if said is None:
        files = (file,) if file.is_file() else ()
        return Episode(root, 0, "folder", problems=tuple(problems), files=files)
    taken: set[str] = set()
    cameras: list[Camera] = []
    held: list[Contents] = []
    streams: list[Path] = []
    for one in said.objects("cameras"):
        camera, found, in_it = _camera(root, one, taken)
        cameras.append(camera)
        streams += found
        held.append(in_it)
    series, series_files = series_of(root, said, taken)
    embedded, audio = _embedded(cameras, held, taken, problems)
    if not cameras and not series and not problems:
        problems.append(
            Problem("missing_stream", None, f'{file} names no stream: list "cameras" or "series"')
        )
    cameras_there, series_there = on_one_clock(cameras, series)
    series_there += embedded
    duration = said.seconds("duration_s", above=0)
    if duration is None and len(held) == 1:
        duration = held[0].header.end_s
    created_at = min((one.created_at for one in held if one.created_at), default=None)
    return Episode(
        path=root,
        index=0,
        format="folder",
        cameras=cameras_there,
        series=series_there,
        audio=audio,
        metadata=replace(metadata_of(said) if said else Metadata(), created_at=created_at),
        problems=tuple(problems),
        files=tuple(dict.fromkeys((*streams, *series_files))),
        declared_duration_s=duration,
    )


def _embedded(
    cameras: list[Camera], held: list[Contents], taken: set[str], problems: list[Problem]
) -> tuple[tuple[Series, ...], tuple[Audio, ...]]:
    """The telemetry and the sound in the cameras' files, as ``<camera>.gyro``, ``<camera>.audio``.

    None of a camera with times of its own: nothing says when its file begins.
    """
    series: list[Series] = []
    audio: list[Audio] = []
    for camera, others in zip(cameras, held, strict=True):
        if camera.source is None or camera.times_ns is not None:
            continue
        problems += others.telemetry.problems
        for one in others.telemetry.series:
            name = f"{camera.name}.{one.name}"
            moved = replace(one, name=name, times_ns=one.times_ns + camera.offset_ns)
            series += [] if name in taken else [moved]
            taken.add(name)
        for sound in others.audio:
            name = f"{camera.name}.{sound.name}"
            heard = replace(sound, name=name, offset_ns=sound.offset_ns + camera.offset_ns)
            audio += [] if name in taken else [heard]
            taken.add(name)
    return tuple(series), tuple(audio)


def _camera(root: Path, said: Said, taken: set[str]) -> tuple[Camera, list[Path], Contents]:
    """A camera of the recording, the files it lies in, and what its container holds."""
    path = inside(root, said.raw("file"))
    name = new_name(said, path.stem if path else "camera", taken)
    if path is None:
        said.note('"file" is no path inside the recording\'s folder: name a file in it', name)
        return Camera(name, None), [], Contents()
    camera, held = camera_of(name, path, said, said.problems)
    times, times_file = frame_times(root, said, name)
    offset = said.seconds("offset_s") or 0.0
    if offset < 0 and times is None:
        said.note('"offset_s" is below 0: the recording starts with its first stream', name)
        offset = 0.0
    camera = replace(camera, times_ns=times, offset_ns=round(offset * NS))
    files = [one for one in (path, times_file) if one is not None and one.is_file()]
    return camera, files, held
