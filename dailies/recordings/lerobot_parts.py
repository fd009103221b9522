"""One listed episode of a LeRobot dataset, and the parts of shared videos that episodes have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Problem, VideoFile

REWRITE = "write the dataset's metadata again"

_SLACK_S = 0.015
"""Half a picture at 30 Hz, where nothing says how long a picture shows."""


@dataclass(frozen=True)
class Listed:
    """One episode as the metadata lists it. ``data`` is its table, None where none can be named.

    ``videos`` has a place for every video feature; None, with a Problem, where it cannot be told.
    ``length`` is None where no metadata promises it. ``by`` is the file that lists it, or
    names its files. ``first_index`` is the number, in the whole dataset, that its first row should
    have; None where nothing says.
    """

    index: int
    data: Path | None
    videos: Mapping[str, VideoFile | None]
    by: Path
    length: int | None = None
    tasks: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    first_index: int | None = None

    def files(self) -> tuple[Path, ...]:
        """Every file it should lie in, videos first."""
        videos = tuple(video.path for video in self.videos.values() if video is not None)
        return (*videos, *((self.data,) if self.data is not None else ()))

    def is_here(self) -> bool:
        """True where at least one of its files is there."""
        return any(path.exists() or path.is_symlink() for path in self.files())


def with_last_pictures(episodes: Sequence[Listed], fps: float) -> list[Listed]:
    """The same where a part of a video that ends with its last picture's time lasts as long as that
    picture shows: some writers name that time. Nothing is taken of what another episode begins.
    """
    parts = [part for one in episodes for part in one.videos.values() if part is not None]
    starts: dict[Path, list[float]] = {}
    for part in parts:
        starts.setdefault(part.path, []).append(part.start_s)
    for ascending in starts.values():
        ascending.sort()

    def whole(part: VideoFile | None, length: int | None) -> VideoFile | None:
        if part is None or part.end_s is None or length is None:
            return part
        missing = length - (part.end_s - part.start_s) * fps
        others = starts[part.path]
        after = bisect_right(others, part.start_s)
        following = others[after : after + 1]
        if abs(missing - 1) > 0.1 or any(start < part.end_s + 0.5 / fps for start in following):
            return part
        return replace(part, end_s=part.end_s + 1 / fps)

    return [
        replace(one, videos={key: whole(part, one.length) for key, part in one.videos.items()})
        for one in episodes
    ]


def with_overlaps(episodes: Sequence[Listed], fps: float | None) -> list[Listed]:
    """The same, with a Problem where a part of a video is also another episode's, for half a
    picture or longer: bounds are floats that some writers add up.
    """
    slack_s = 0.5 / fps if fps else _SLACK_S
    sharing: dict[tuple[str, Path], list[tuple[int, VideoFile]]] = {}
    for at, one in enumerate(episodes):
        for key, part in one.videos.items():
            if part is not None and part.end_s is not None:
                sharing.setdefault((key, part.path), []).append((at, part))
    found = list(episodes)
    for (key, path), parts in sharing.items():
        bounds = np.array([(part.start_s, part.end_s) for _, part in parts], np.float64)
        for mine, other in _overlapping(bounds, slack_s):
            at, twin = parts[mine][0], episodes[parts[other][0]]
            told = _overlap(found[at], twin, f"{key}, {path}", bounds[mine], bounds[other])
            problem = Problem("count_mismatch", key, told)
            found[at] = replace(found[at], problems=(*found[at].problems, problem))
    return found


def _overlapping(bounds: npt.NDArray[np.float64], slack_s: float) -> Iterator[tuple[int, int]]:
    """Of parts (n, 2), from and to [s], each that overlaps another, with one that it overlaps."""
    order = np.lexsort((bounds[:, 1], bounds[:, 0]))
    starts, ends = bounds[order].T
    latest = np.maximum.accumulate(ends)
    # the part before that lasts longest, by its place in the order
    holder = np.maximum.accumulate(np.where(ends >= latest, np.arange(len(ends)), 0))
    into_earlier = np.flatnonzero(starts[1:] < latest[:-1] - slack_s) + 1
    into_next = np.flatnonzero(starts[1:] < ends[:-1] - slack_s)
    partners = dict(zip(into_next.tolist(), (into_next + 1).tolist(), strict=True))
    partners |= dict(zip(into_earlier.tolist(), holder[into_earlier - 1].tolist(), strict=True))
    for mine, other in sorted(partners.items()):
        yield int(order[mine]), int(order[other])


def _overlap(
    one: Listed,
    twin: Listed,
    where: str,
    mine: npt.NDArray[np.float64],
    its: npt.NDArray[np.float64],
) -> str:
    shared_s = min(mine[1], its[1]) - max(mine[0], its[0])
    return (
        f"{one.by}, episode {one.index}, {where}: its part, {mine[0]:.3f} to {mine[1]:.3f} s, "
        f"overlaps that of episode {twin.index}, {its[0]:.3f} to {its[1]:.3f} s, by "
        f"{shared_s:.3f} s, so that both show the same pictures: {REWRITE}"
    )
