"""Depth in a LeRobot dataset: pictures of distances, which nobody should judge as a camera's.

As in a robot's log, such a stream is a series without values: counted and timed, and no more.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import VideoFile
from dailies.recordings.files import READ_ERRORS, undecoded
from dailies.recordings.lerobot_info import Feature
from dailies.recordings.tables import Times
from dailies.words import NS

VIDEO_ERRORS = (*READ_ERRORS, av.FFmpegError)
_DEEP_PIXELS = re.compile(r"gray(?:9|1[0-6]|f16|f32)(?:le|be)?\Z")
_PNG = b"\x89PNG\r\n\x1a\n"


def is_deep_video(feature: Feature, video: VideoFile | None) -> bool:
    """True where a video's pictures are distances: its feature says so, or its pixels do.

    A file is opened only where the feature's shape leaves room for distances.
    """
    if feature.is_depth or video is None or not may_be_deep(feature):
        return feature.is_depth
    try:
        state = video.path.stat()
        pixels = _pixels(video.path, state.st_size, state.st_mtime_ns)
    except VIDEO_ERRORS:
        return False  # decoding will tell
    return bool(_DEEP_PIXELS.match(pixels or ""))


def may_be_deep(feature: Feature) -> bool:
    """True unless a feature's shape says that its pictures have colours."""
    shape = feature.shape
    return shape is None or len(shape) != 3 or 1 in (shape[0], shape[-1])


def is_deep_still(cell: object) -> bool:
    """True for the cell of a PNG of one channel with 16 bits a pixel."""
    coded = cell.get("bytes") if isinstance(cell, dict) else None
    # after the signature and the first chunk's length, name, width and height
    return isinstance(coded, bytes) and coded[:8] == _PNG and coded[24:26] == b"\x10\x00"


def times_of(video: VideoFile) -> Times:
    """When the pictures of a part of a video are shown, from the part's start, in order, by the
    container's index. Raises what PyAV raises."""
    state = video.path.stat()
    seconds, half_s = _shown(video.path, state.st_size, state.st_mtime_ns)
    end_s = np.inf if video.end_s is None else video.end_s
    first, last = np.searchsorted(seconds, [video.start_s - half_s, end_s - half_s])
    times: Times = np.rint((seconds[first:last] - video.start_s) * NS).astype(np.int64)
    return np.maximum(times, 0)


@functools.lru_cache(maxsize=256)
def _pixels(path: Path, size: int, mtime_ns: int) -> str | None:  # noqa: ARG001 - the cache's key
    with av.open(str(path), metadata_errors="replace", options=undecoded(path)) as container:
        return container.streams.video[0].pix_fmt


@functools.lru_cache(maxsize=8)
def _shown(
    path: Path,
    size: int,
    mtime_ns: int,  # noqa: ARG001 - the cache's key
) -> tuple[npt.NDArray[np.float64], float]:
    """Seconds of a file's pictures from the first on, ascending, and half a picture's.

    A file that was cut off still has the index of all; those beyond its end are not counted.
    """
    with av.open(str(path), metadata_errors="replace", options=undecoded(path)) as container:
        stream = container.streams.video[0]
        index = [(one.timestamp, one.pos + one.size) for one in stream.index_entries]
        unit, rate = float(stream.time_base or 0), stream.average_rate
    stamps = np.array([stamp for stamp, end in index if end <= size], np.float64)
    stamps.sort()
    # the index has decoding times: of pictures that are reordered, all are as much too early
    first = min((stamp for stamp, _ in index), default=0)
    return (stamps - first) * unit, 0.5 / float(rate) if rate else 0.0
