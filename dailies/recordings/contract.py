"""What every reader of recordings gives, whatever the format.

A reader turns a path into episodes. It reads metadata and sensor series, and says where the
pictures are; it decodes no picture itself: measuring does, once. A reader never raises for a
damaged recording: what is wrong becomes a ``Problem`` on the episode, so that the failure is
recorded and the intake goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Clock = Literal["measured", "grid", "assumed"]
"""Where a stream's times come from: a clock that ran while recording, frame_index / rate, or
frame_index over a rate that nothing in the recording states, so that even its length is a guess."""


@dataclass(frozen=True)
class Problem:
    """What makes a stream, or a whole episode (``stream`` None), unreadable or untrue.

    ``check`` is the name of the check that reports it: ``corrupt_stream``, ``missing_stream`` or
    ``count_mismatch``. ``message`` says where, what, and the remedy.
    """

    check: Literal["corrupt_stream", "missing_stream", "count_mismatch"]
    stream: str | None
    message: str


@dataclass(frozen=True)
class VideoFile:
    """Pictures in a video file: the part from ``start_s`` up to ``end_s`` (None: to its end).

    ``track`` is the number of the video stream among those of the container.
    """

    path: Path
    start_s: float = 0.0
    end_s: float | None = None
    track: int = 0


@dataclass(frozen=True)
class StillsFile:
    """Pictures encoded one by one (JPEG, PNG): rows [start, stop) of a Parquet file's byte column.

    ``column`` is the LeRobot feature, whose cells are structs of ``bytes`` and ``path``.
    """

    path: Path
    column: str
    start: int
    stop: int


Coding = Literal["still", "raw", "h264", "hevc", "av1", "vp9"]
"""How carried pictures are coded: each alone (JPEG, PNG, ...), as planes, or as a video stream."""


class Carried(Protocol):
    """Pictures that a container carries one by one among other things: a bag, an array, a record.

    Implemented by frozen dataclasses of the readers. ``path`` is the file they lie in, ``coding``
    how each is coded, ``clock`` where their times come from. No picture is held in memory for
    longer than its turn, so a file of any size can be read.
    """

    @property
    def path(self) -> Path: ...

    @property
    def coding(self) -> Coding: ...

    @property
    def clock(self) -> Clock: ...

    def pictures(self) -> Iterator[CarriedPicture]:
        """Every picture in order. Raises OSError or ValueError where the container breaks off."""


@dataclass(frozen=True, eq=False)
class CarriedPicture:
    """One picture at ``time_ns``, from the recording's start.

    ``content`` is the coded bytes, or, for the coding "raw", uint8 of shape (h, w) or (h, w, 3) in
    RGB. Of a video stream it is one access unit (Annex B for H.264 and HEVC, a temporal unit for
    AV1). None where the container has the picture's place but not the picture.
    """

    time_ns: int
    content: bytes | npt.NDArray[np.uint8] | None


@dataclass(frozen=True)
class Camera:
    """One stream of pictures. ``declared_*`` is what the metadata promises, None if it does not.

    ``source`` is None where the pictures cannot be had; then a Problem says why.

    ``times_ns``, of shape (n,), are the real capture times of the frames in order, on the
    recording's clock, where a file beside the video carries them; they then stand in place of the
    times in the container, and their clock is measured. None where the container's times are all
    there is. There may be fewer or more of them than frames: that is for a check to report.
    ``offset_ns`` is to be added to the container's times, counted from the start of ``source``, to
    come to the recording's clock; it does not count where ``times_ns`` is given.
    ``delays_ns`` is how long each picture was on its way to the log, where the log says: the time
    of logging less that of publishing, or less the picture's own stamp.
    """

    name: str
    source: VideoFile | StillsFile | Carried | None
    declared_count: int | None = None
    declared_rate_hz: float | None = None
    times_ns: npt.NDArray[np.int64] | None = None
    offset_ns: int = 0
    delays_ns: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Series:
    """One sensor stream: ``values`` of shape (n, d) at ``times_ns`` of shape (n,), int64.

    Times are on the recording's clock, from its start. ``clock`` is "grid" or "assumed" where
    they were made from a row's number, so that they cannot show a gap. ``role`` is what the values
    are where it is known: joint positions, commanded actions, or anything else. ``delays_ns`` as of
    a Camera.
    """

    name: str
    times_ns: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    columns: tuple[str, ...]
    clock: Clock = "measured"
    role: Literal["state", "action", "other"] = "other"
    declared_count: int | None = None
    declared_rate_hz: float | None = None
    delays_ns: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Audio:
    """One stream of sound: number ``track`` among those of the file at ``path``.

    It starts ``offset_ns`` after the recording does. ``rate_hz`` is its samples a second and
    ``declared_count`` how many the container promises in each channel, None where it does not.
    """

    name: str
    path: Path
    track: int = 0
    rate_hz: int | None = None
    channels: int | None = None
    declared_count: int | None = None
    offset_ns: int = 0


@dataclass(frozen=True)
class Step:
    """A labelled step of the task: ``start_ns`` up to ``end_ns`` on the recording's clock."""

    label: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class Metadata:
    """Who, where and when, as far as the recording says; ids are those of the record.

    ``created_at`` is when its file says that it was made, by a clock that nobody has checked and in
    a zone that may be wrong: good enough to doubt a clip, not to say when it was filmed.
    """

    task: str | None = None
    worker: str | None = None
    site: str | None = None
    rig: str | None = None
    shift: str | None = None
    program: str | None = None
    started_at: dt.datetime | None = None  # an instant with its zone
    steps: tuple[Step, ...] = ()
    created_at: dt.datetime | None = None


@dataclass(frozen=True)
class Episode:
    """One task attempt as it lies in its files, before anything is measured.

    ``path`` is the file or dataset folder, ``index`` the episode's number in a dataset (else 0).
    ``files`` are the files its content lives in, in a fixed order. ``declared_duration_s`` is what
    the metadata promises.
    """

    path: Path
    index: int
    format: str
    cameras: tuple[Camera, ...] = ()
    series: tuple[Series, ...] = ()
    audio: tuple[Audio, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    problems: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()
    declared_duration_s: float | None = None


class Reader(Protocol):
    """One format. Registered in ``dailies.recordings.READERS``."""

    name: str
    """Family of formats, for messages: "lerobot", "video", "folder"."""

    suffixes: frozenset[str]
    """Endings, in lower case, of the single files that are recordings of this format; may be none.

    Only files so named are offered to it when a folder is looked through."""

    def recognises(self, path: Path) -> bool:
        """True where ``path`` (file or folder) is a recording of this format, damaged or not."""

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """Every episode at ``path``, in order of index; at least one, be it only a problem.

        With ``indexes``, those alone, without reading the others.
        """
