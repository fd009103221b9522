"""LeRobot datasets v2.0, v2.1 and v3.0."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dailies.recordings.contract import (
    Camera,
    Clock,
    Episode,
    Metadata,
    Problem,
    Series,
    StillsFile,
    VideoFile,
)
from dailies.recordings.described import metadata_of
from dailies.recordings.files import READ_ERRORS, trouble, unreadable
from dailies.recordings.lerobot_claims import (
    belied_index,
    belied_size,
    belied_width,
    late_start,
    missing_columns,
    unknown_tasks,
)
from dailies.recordings.lerobot_depth import (
    VIDEO_ERRORS,
    is_deep_still,
    is_deep_video,
    may_be_deep,
    times_of,
)
from dailies.recordings.lerobot_info import Feature, Info, is_dataset, read_info
from dailies.recordings.lerobot_listing import list_episodes, list_troubles
from dailies.recordings.lerobot_parts import Listed
from dailies.recordings.lerobot_rows import TableFile
from dailies.recordings.tables import (
    MAX_WIDTH,
    Times,
    column_names,
    fitting,
    in_order,
    matrix,
    nanoseconds,
)
from dailies.words import NS

LATEST_FIRST_NS = 10 * NS
"""A table's first row is its first frame: a first time later than this is of another clock."""


def _named(*names: str) -> tuple[re.Pattern[str], ...]:
    """Of each name in turn, the feature named so, then those below it (action.arm, ...)."""
    return tuple(
        re.compile(r"\A" + re.escape(name) + end) for name in names for end in (r"\Z", r"\.")
    )


STATES = _named(
    "observation.state", "observation.states", "state", "states", "observation.qpos", "qpos"
)
ACTIONS = _named("action", "actions")
"""Features by their role, LeRobot's own names first: converters of others' data keep theirs."""


class LeRobot:
    """Reads LeRobot datasets: folders with meta/, data/ and videos/."""

    name = "lerobot"
    suffixes: frozenset[str] = frozenset()

    def recognises(self, path: Path) -> bool:
        """True for a folder laid out as a dataset, whole or not."""
        return path.is_dir() and is_dataset(path)

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The episodes that are here; those of ``indexes`` alone where it is given.

        An episode of which no file is here was not copied, and is left out (see ``absent``). Where
        no episode is here at all, one says so.
        """
        info = read_info(path)
        listed = list_episodes(info, indexes)
        here = [one for one in listed if one.is_here()]
        if not here:
            if indexes is None or 0 in indexes:
                yield _nothing_here(info, listed)
            return
        opened = _Opened()
        try:
            for one in here:
                if indexes is None or one.index in indexes:
                    yield _episode(info, one, opened)
        finally:
            opened.close()

    def absent(self, path: Path) -> tuple[int, ...]:
        """Indexes of the episodes that are listed, but of which no file is here."""
        listed = list_episodes(read_info(path), ())  # what no list has is here
        return tuple(one.index for one in listed if not one.is_here())


class _Opened:
    """The table that is open now: shared files come in runs, so one is enough."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._table: TableFile | None = None
        self._error: Exception | None = None

    def table(self, path: Path) -> TableFile:
        """The file, open. Raises what opening it raised, without opening it again."""
        if path != self._path:
            self.close()
            self._path, self._error = path, None
            try:
                self._table = TableFile(path)
            except READ_ERRORS as error:
                self._error = error
        if self._error is not None or self._table is None:
            raise self._error or ValueError("it is closed")
        return self._table

    def close(self) -> None:
        """Let go of it."""
        if self._table is not None:
            self._table.close()
        self._path, self._table = None, None


@dataclass(frozen=True)
class _Rows:
    """An episode's rows: where they lie in the file, and their numbers by column."""

    start: int
    stop: int
    table: pa.Table
    file: TableFile


@dataclass(frozen=True)
class _Clock:
    """Times of an episode's rows, and where they come from; ``keep`` puts other columns in step."""

    times_ns: Times
    clock: Clock
    is_time: npt.NDArray[np.bool_] = field(repr=False)


def _nothing_here(info: Info, listed: Sequence[Listed]) -> Episode:
    count = len(listed)
    said = f"lists {count} episodes, of which no file is here" if count else "has no episode in it"
    if not count and info.promised:
        said = f"shows no episode, though {info.file} promises {info.promised}"
    problem = Problem("missing_stream", None, f"{info.root} {said}: copy the dataset again")
    files = (info.file,) if info.file.is_file() else ()
    of_lists = [one for one in list_troubles(info) if one.check == "corrupt_stream"]
    of_first = listed[0].problems if listed else ()
    told = dict.fromkeys((*info.problems, *of_lists, *of_first, problem))
    return Episode(info.root, 0, info.format, problems=tuple(told), files=files)


def _episode(info: Info, listed: Listed, opened: _Opened) -> Episode:
    problems = [*info.problems, *listed.problems]
    rows = _rows(info, listed, opened, problems)
    clock = _clock(info, listed, rows, problems) if rows else None
    series = _series(info, listed, rows, clock, problems) if rows and clock else ()
    rate = info.fps or _rate_seen(clock)
    pictures = [
        *(_video(info, listed, feature, rate, problems) for feature in info.of_kind("video")),
        *(
            _stills(info, listed, feature, rows, clock, problems)
            for feature in info.of_kind("image")
        ),
    ]
    cameras = tuple(one for one in pictures if isinstance(one, Camera))
    depths = tuple(one for one in pictures if isinstance(one, Series))
    files = _files_shown(listed, depths)
    return Episode(
        path=info.root,
        index=listed.index,
        format=info.format,
        cameras=cameras,
        series=(*series, *depths),
        metadata=_metadata(info, listed, rows, problems),
        problems=tuple(problems),
        files=files,
        declared_duration_s=listed.length / rate if listed.length and rate else None,
    )


def _files_shown(listed: Listed, depths: Sequence[Series]) -> tuple[Path, ...]:
    """The files that the episode's content lives in.

    Not a video of depth that was read: it would count in the fingerprint as a whole, with all
    episodes that share it. One that is missing or cannot be read is waited for.
    """
    videos = {one.name: listed.videos.get(one.name) for one in depths}
    read = {one.name for one in depths if len(one.times_ns)}
    known = {video.path for key, video in videos.items() if video is not None and key in read}
    awaited = {video.path for video in videos.values() if video is not None} - known
    there = (
        path for path in listed.files() if path in awaited or (path not in known and path.is_file())
    )
    return tuple(dict.fromkeys(there))


def _rows(info: Info, listed: Listed, opened: _Opened, problems: list[Problem]) -> _Rows | None:
    """The episode's rows; None, with a Problem, where they cannot be had."""
    path = listed.data
    if path is None:
        return None
    problem = trouble(path, None, _lister(info, listed))
    if problem is not None:
        problems.append(problem)
        return None
    try:
        table = opened.table(path)
        start, stop = _where(info, listed, table, problems)
        kept = ("timestamp", "frame_index", "task_index", *(("index",) if info.layout == 3 else ()))
        wanted = (*kept, *_names(info.of_kind("series")))
        columns = [name for name in dict.fromkeys(wanted) if name in table.schema.names]
        rows = _Rows(start, stop, table.rows(start, stop, columns), table)
        problems.extend(missing_columns(info, listed, table.schema))
        problems.extend(unknown_tasks(info, listed, rows.table))
        return rows
    except READ_ERRORS as error:
        problems.append(unreadable(path, None, error))
        return None


def _where(
    info: Info, listed: Listed, table: TableFile, problems: list[Problem]
) -> tuple[int, int]:
    """Rows [start, stop) of the episode in its file. Raises ValueError where none are its own."""
    runs = table.runs_of(listed.index)
    if runs is None:
        if info.layout == 3:
            raise ValueError("it has no column episode_index to tell the episodes apart")
        runs = [(0, table.row_count)]
    if not runs:
        others = ", ".join(map(str, table.episodes[:3])) or "no episode"
        if info.layout == 3 or table.row_count == 0:
            raise ValueError(f"it has no row of episode {listed.index}, but of {others}")
        problems.append(
            Problem(
                "count_mismatch",
                None,
                f"{table.path} should hold episode {listed.index}, but its rows say {others}: "
                "check that the file was not renamed",
            )
        )
        runs = [(0, table.row_count)]
    start, stop = max(runs, key=lambda run: run[1] - run[0])
    if len(runs) > 1:
        problems.append(
            Problem(
                "corrupt_stream",
                None,
                f"{table.path}: the rows of episode {listed.index} lie in {len(runs)} places; the "
                f"longest, rows {start} to {stop}, is taken: write the dataset again",
            )
        )
    return start, stop


def _clock(info: Info, listed: Listed, rows: _Rows, problems: list[Problem]) -> _Clock:
    """The times of the rows: those written, unless they are nothing but frame_index / fps."""
    count = rows.table.num_rows
    told = len(problems)
    frames = _frames(rows, listed, problems)
    if len(problems) == told:
        problems.extend(belied_index(listed, rows.table, frames))
    written, is_time = _written(rows, problems, listed)
    if written is None:
        grid = _grid(frames, info.fps)
        return _Clock(grid, "grid", np.ones(count, dtype=np.bool_))
    rate = info.fps or _typical_rate(written)
    is_grid = rate is not None and bool(is_time.all()) and is_on_grid(written, frames, rate)
    first = int(written[is_time].min()) if is_time.any() else 0
    problems.extend(late_start(info, listed, first, rate, is_grid=is_grid))
    if is_grid:
        return _Clock(_grid(frames, rate), "grid", is_time)
    is_other_clock = not 0 <= first < LATEST_FIRST_NS
    return _Clock(written - first if is_other_clock else written, "measured", is_time)


def is_on_grid(times_ns: Times, frames: npt.NDArray[np.int64], rate_hz: float) -> bool:
    """True where times are frame / rate and a constant, as exactly as float32 seconds can say.

    float32 has 24 significant bits, so seconds near t are off by up to t / 2**24; four times that
    and 10 us leave room for sums of rounded steps. No clock that ran is so even.
    """
    if not len(times_ns):
        return True
    seconds = times_ns / NS
    off = seconds - frames / rate_hz
    return bool((np.abs(off - off[0]) <= 1e-5 + np.abs(seconds) * 2.0**-22).all())


def _frames(rows: _Rows, listed: Listed, problems: list[Problem]) -> npt.NDArray[np.int64]:
    """frame_index from 0, with a Problem where rows are missing in between."""
    counted = np.arange(rows.table.num_rows, dtype=np.int64)
    if "frame_index" not in rows.table.column_names or not len(counted):
        return counted
    try:
        frames = matrix(rows.table.column("frame_index"))[:, 0]
    except READ_ERRORS:
        frames = np.full(len(counted), np.nan)
    if not np.isfinite(frames).all() or (np.abs(frames) > 1e12).any():
        problems.append(_bad_column(listed, "frame_index", "it does not hold whole numbers"))
        return counted
    indexes: npt.NDArray[np.int64] = np.rint(frames - frames[0]).astype(np.int64)
    steps = np.diff(indexes)
    if (steps == 1).all():
        return indexes
    problems.append(_disordered(listed, indexes, steps))
    return indexes if (steps > 0).all() else counted


def _disordered(
    listed: Listed, indexes: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]
) -> Problem:
    """What is so of rows whose frame_index does not go on one by one."""
    known = np.unique(indexes)
    lost = int(known[-1] - known[0]) + 1 - len(known)
    doubled = len(indexes) - len(known)
    what = [
        *([f"rows with the number of an earlier one: {doubled}"] if doubled else []),
        *(["rows are out of order"] if (steps < 0).any() else []),
        *([f"rows were lost: {lost}"] if lost else []),
    ]
    at = int(np.argmax(steps != 1))
    remedy = "copy the file again or retake" if lost else "write the dataset again"
    return Problem(
        "count_mismatch",
        None,
        f"{listed.data}: frame_index goes from {indexes[at]} to {indexes[at + 1]} at row "
        f"{at + 1} of the episode ({int((steps != 1).sum())} such steps): {', '.join(what)}; "
        f"{remedy}",
    )


def _written(
    rows: _Rows, problems: list[Problem], listed: Listed
) -> tuple[Times | None, npt.NDArray[np.bool_]]:
    none = np.ones(rows.table.num_rows, dtype=np.bool_)
    if "timestamp" not in rows.table.column_names:
        return None, none
    try:
        times, is_time = nanoseconds(rows.table.column("timestamp"), "s")
    except READ_ERRORS as error:
        problems.append(_bad_column(listed, "timestamp", str(error)))
        return None, none
    return times, is_time


def _series(
    info: Info, listed: Listed, rows: _Rows, clock: _Clock, problems: list[Problem]
) -> tuple[Series, ...]:
    found = []
    features = info.of_kind("series")
    states, actions = (fitting(_names(features), patterns) for patterns in (STATES, ACTIONS))
    notes: list[str] = []
    for feature in features:
        if feature.name not in rows.table.column_names:
            problems.append(
                Problem(
                    "missing_stream",
                    feature.name,
                    f"{listed.data} has no column {feature.name}, though {info.file} names it: "
                    "write the dataset again",
                )
            )
            continue
        try:
            values = matrix(rows.table.column(feature.name))
        except READ_ERRORS as error:
            problems.append(_bad_column(listed, feature.name, str(error)))
            continue
        problems.extend(belied_width(info, listed, feature, values))
        if values.shape[1] > MAX_WIDTH:
            continue
        times, values, notes = in_order(clock.times_ns, values, clock.is_time)
        role: Literal["state", "action", "other"] = "other"
        if feature.name in states | actions:
            role = "state" if feature.name in states else "action"
        found.append(
            Series(
                name=feature.name,
                times_ns=times,
                values=np.ascontiguousarray(values),
                columns=column_names(feature.name, values.shape[1], feature.names),
                clock=clock.clock,
                role=role,
                declared_count=listed.length,
                declared_rate_hz=info.fps,
            )
        )
    problems.extend(_bad_column(listed, "timestamp", note) for note in notes)
    return tuple(found)


def _video(
    info: Info, listed: Listed, feature: Feature, rate: float | None, problems: list[Problem]
) -> Camera | Series:
    """A camera, or the series that depth is; without a source or empty where it cannot be had."""
    source: VideoFile | None = listed.videos.get(feature.name)
    if source is not None:
        problem = trouble(source.path, feature.name, _lister(info, listed))
        if problem is not None:
            problems.append(problem)
            source = None
        else:
            problems.extend(belied_size(info, feature, source.path))
    rate = info.fps or feature.rate_hz or rate
    if not is_deep_video(feature, source):
        return Camera(feature.name, source, listed.length, rate)
    times = np.zeros(0, np.int64)
    try:
        times = times if source is None else times_of(source)
    except VIDEO_ERRORS as error:
        problems.append(unreadable(source.path if source else info.root, feature.name, error))
    even = rate is None or is_on_grid(times, np.arange(len(times)), rate)
    return _depth(feature, times, "grid" if even else "measured", listed.length, rate)


def _depth(
    feature: Feature, times: Times, clock: Clock, length: int | None, rate: float | None
) -> Series:
    """A series without values: counted and timed."""
    return Series(
        name=feature.name,
        times_ns=times,
        values=np.zeros((len(times), 0)),
        columns=(),
        clock=clock,
        declared_count=length,
        declared_rate_hz=rate,
    )


def _stills(
    info: Info,
    listed: Listed,
    feature: Feature,
    rows: _Rows | None,
    clock: _Clock | None,
    problems: list[Problem],
) -> Camera | Series:
    """A camera, or the series that depth is; without a source where its pictures are not there."""
    source = None
    rate = info.fps or _rate_seen(clock)
    if rows is not None and listed.data is not None:
        told = _no_stills(listed, feature, rows)
        if told is None:
            source = StillsFile(listed.data, feature.name, rows.start, rows.stop)
        else:
            problems.append(Problem("missing_stream", feature.name, told))
    if not (feature.is_depth or _are_deep(feature, rows, source)):
        return Camera(feature.name, source, listed.length, rate)
    times = np.zeros(0, np.int64) if source is None or clock is None else clock.times_ns
    return _depth(feature, times, clock.clock if clock else "grid", listed.length, rate)


def _no_stills(listed: Listed, feature: Feature, rows: _Rows) -> str | None:
    """Why there are no pictures in the table, None where there are."""
    schema = rows.file.schema
    kind = schema.field(feature.name).type if feature.name in schema.names else None
    if kind is None or not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return (
            f"{listed.data} has no column {feature.name} of encoded pictures (struct of "
            "bytes and path): write the dataset again"
        )
    if rows.file.lacks(f"{feature.name}.bytes", rows.start, rows.stop):
        return (
            f"{listed.data}: column {feature.name} holds only the paths of pictures, and not the "
            "pictures themselves: write the dataset again with the pictures in its tables"
        )
    return None


def _are_deep(feature: Feature, rows: _Rows | None, source: StillsFile | None) -> bool:
    """Whether stills are distances, by the first one in the table."""
    if rows is None or source is None or not may_be_deep(feature):
        return False
    try:
        return is_deep_still(rows.file.first_cell(feature.name))
    except READ_ERRORS:
        return False


def _metadata(info: Info, listed: Listed, rows: _Rows | None, problems: list[Problem]) -> Metadata:
    """The dataset's own task, and what meta/dailies.json says of all episodes and of this one."""
    task = listed.tasks[0] if listed.tasks else _task_of(info, rows)
    said = info.said.noting_in(problems)
    each = said.object("episodes")
    own = each.object(str(listed.index)) if each else None
    return metadata_of(said.merged(own), task=task)


def _task_of(info: Info, rows: _Rows | None) -> str | None:
    if rows is None or not rows.table.num_rows or "task_index" not in rows.table.column_names:
        return None
    index = rows.table.column("task_index")[0].as_py()
    return info.tasks.get(index) if isinstance(index, int) else None


def _lister(info: Info, listed: Listed) -> str:
    return f"{listed.by.relative_to(info.root)} (episode {listed.index})"


def _bad_column(listed: Listed, column: str, said: str) -> Problem:
    stream = None if column in {"timestamp", "frame_index"} else column
    return Problem(
        "corrupt_stream",
        stream,
        f"{listed.data}, episode {listed.index}, column {column}: {said}: "
        "look at the recorder, or copy the file again",
    )


def _grid(frames: npt.NDArray[np.int64], rate_hz: float | None) -> Times:
    times: Times = np.rint(frames * (NS / rate_hz if rate_hz else NS)).astype(np.int64)
    return times


def _typical_rate(times_ns: Times) -> float | None:
    steps = np.diff(times_ns)
    typical = float(np.median(steps)) if len(steps) else 0.0
    return NS / typical if typical > 0 else None


def _rate_seen(clock: _Clock | None) -> float | None:
    return _typical_rate(clock.times_ns) if clock else None


def _names(features: Iterable[Feature]) -> tuple[str, ...]:
    return tuple(feature.name for feature in features)
