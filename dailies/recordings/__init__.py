"""Recordings: one reader a format. A new format is one file here and one line in READERS."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from dailies.recordings.contract import Episode, Problem, Reader
from dailies.recordings.files import READ_ERRORS, is_unfinished
from dailies.recordings.fingerprint import fingerprint
from dailies.recordings.folder import RecordingFolder
from dailies.recordings.hdf5 import Hdf5
from dailies.recordings.lerobot import LeRobot
from dailies.recordings.mcap_log import Mcap
from dailies.recordings.rlds import Rlds
from dailies.recordings.ros1_log import Ros1Bag
from dailies.recordings.ros2_bag import Ros2Bag
from dailies.recordings.video import PlainVideo, sidecar_of
from dailies.recordings.zarr_store import Zarr

__all__ = [
    "READERS",
    "SUFFIXES",
    "UnknownFormat",
    "absent_at",
    "episodes_at",
    "fingerprint",
    "is_loose",
    "recordings_in",
    "sidecar_of",
]

READERS: tuple[Reader, ...] = (
    RecordingFolder(),
    LeRobot(),
    PlainVideo(),
    Hdf5(),
    Zarr(),
    Rlds(),
    Mcap(),
    Ros1Bag(),
    Ros2Bag(),
)
"""Every reader, in the order in which a path is offered to them."""

SUFFIXES = frozenset[str]().union(*(reader.suffixes for reader in READERS))
"""Endings of the single files that some reader takes for a recording."""


class UnknownFormat(ValueError):
    """Raised for a path that no reader recognises; the message carries the remedy."""


def episodes_at(path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
    """Every episode of the recording at ``path``, in order of index.

    With ``indexes``, those alone: the others' tables are not read. An episode of a dataset of which
    no file at all is here is left out (see ``absent_at``). Raises UnknownFormat, at the call and
    not at the first episode, where no reader recognises the path.
    """
    return _guarded(_reader_of(path), path, indexes)


def absent_at(path: Path) -> tuple[int, ...]:
    """Indexes of a dataset's episodes that it lists, but of which no file is here.

    So is a dataset copied in part (LeRobot itself downloads chosen episodes). Raises UnknownFormat.
    """
    reader = _reader_of(path)
    return reader.absent(path) if isinstance(reader, LeRobot) else ()


def recordings_in(folder: Path) -> list[Path]:
    """The recordings below ``folder``, sorted: datasets, recording.json folders, loose videos.

    A recording is not looked into. Hidden and unfinished files (.part, .tmp, ...) are left out. A
    link to nowhere, as a store of large files leaves one, is a recording by its name.
    A ``folder`` that is itself a recording, or a video, gives itself alone.
    """
    if _recognised(folder) is not None:
        return [folder]
    return sorted(_below(folder, set()))


def _below(folder: Path, been: set[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in been:  # a link that leads back up
        return
    been.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = folder / entry.name
        if is_unfinished(entry.name):
            continue
        if not entry.is_dir():
            is_elsewhere = entry.is_symlink() and not path.exists()
            if is_loose(entry.name) and (is_elsewhere or _recognised(path) is not None):
                yield path
        elif _recognised(path) is not None:
            yield path
        else:
            yield from _below(path, been)


def is_loose(name: str) -> bool:
    """True where a file's name alone is that of a finished recording of some format."""
    return Path(name).suffix.lower() in SUFFIXES and not is_unfinished(name)


def _recognised(path: Path) -> Reader | None:
    try:
        return next((reader for reader in READERS if reader.recognises(path)), None)
    except OSError:
        return None


def _reader_of(path: Path) -> Reader:
    reader = _recognised(path)
    if reader is None:
        raise UnknownFormat(f"{path} {_why_unknown(path)}")
    return reader


def _why_unknown(path: Path) -> str:
    if not path.exists():
        return "is not there: check the path"
    if path.is_dir():
        return (
            "is no recording: a dataset has meta/info.json, a recording of several streams a "
            "recording.json; to look for recordings below a folder, watch it or name what is in it"
        )
    if path.name == "recording.json":
        return f"describes a recording: give its folder, {path.parent}"
    if is_unfinished(path.name):
        return "is hidden or not finished: wait until it is copied, and give its final name"
    endings = ", ".join(sorted(SUFFIXES))
    return f"is no recording that Dailies reads: give a file ({endings}) or a folder"


def _guarded(reader: Reader, path: Path, indexes: Collection[int] | None) -> Iterator[Episode]:
    """The reader's episodes; should it fail where it must not, an episode that says so."""
    after = 0
    try:
        for episode in reader.episodes(path, indexes):
            after = episode.index + 1
            yield episode
    except READ_ERRORS as error:
        message = (
            f"{path}: reading broke off before episode {after} ({type(error).__name__}: {error}): "
            "copy it again from the recorder"
        )
        problem = Problem("corrupt_stream", None, message)
        yield Episode(path, after, reader.name, problems=(problem,))
