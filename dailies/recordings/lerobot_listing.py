"""Which episodes a LeRobot dataset has, and in which files each of them lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import pyarrow.parquet as pq

from dailies.recordings.contract import Problem, VideoFile
from dailies.recordings.described import is_number
from dailies.recordings.files import READ_ERRORS, inside, trouble, unreadable
from dailies.recordings.lerobot_info import Info, json_lines
from dailies.recordings.lerobot_parts import (
    REWRITE,
    Listed,
    with_last_pictures,
    with_overlaps,
)
from dailies.recordings.lerobot_rows import TableFile, row_count

_OWN_FILE = re.compile(r"episode_(\d+)\.(?:parquet|mp4)$")


def list_episodes(info: Info, indexes: Collection[int] | None = None) -> list[Listed]:
    """Every episode of the dataset by index: those listed, and those that only lie there.

    With ``indexes``, those that only lie there are sure to be found only where they are among them.
    """
    listed = _own_files(info) if info.layout == 2 else _shared_files(info, indexes)
    episodes: dict[int, Listed] = {}
    for one in listed:
        first = episodes.setdefault(one.index, one)
        if first is not one:
            twice = Problem(
                "count_mismatch",
                None,
                f"{one.by} lists episode {one.index} more than once: the first is taken; "
                "write the dataset again",
            )
            episodes[one.index] = replace(first, problems=(*first.problems, twice))
    found = [episodes[index] for index in sorted(episodes)]
    if info.layout == 3:
        found = with_last_pictures(found, info.fps) if info.fps else found
        found = with_overlaps(found, info.fps)
    belied = _belied_totals(info, found)
    return [replace(one, problems=(*belied, *one.problems)) for one in found] if belied else found


def _belied_totals(info: Info, found: Sequence[Listed]) -> tuple[Problem, ...]:
    """Totals of info.json that the lists of episodes contradict.

    LeRobot looks for as many episodes, and in v3.0 counts on as many rows, as info.json says. An
    episode that only lies there may count or not. Where single episodes contradict themselves, rows
    are theirs to tell of.
    """
    by = info.root / "meta" / ("episodes.jsonl" if info.layout == 2 else "episodes")
    if not found or not by.exists():
        return ()
    listed = [one for one in found if (one.by == by) is (info.layout == 2)]
    problems = []
    if info.promised not in (None, len(listed), len(found)):
        problems.append(_belied(info, by, "total_episodes", info.promised, f"{len(listed)}"))
    rows = sum(one.length or 0 for one in listed)
    is_whole = len(listed) == len(found) and not any(one.problems for one in found)
    if info.layout == 3 and is_whole and info.promised_frames not in (None, rows):
        problems.append(_belied(info, by, "total_frames", info.promised_frames, f"{rows} rows"))
    return tuple(problems)


def _belied(info: Info, by: Path, key: str, promised: int | None, listed: str) -> Problem:
    told = f'{info.file}: "{key}" is {promised:.15g}, but {by} lists {listed}: {REWRITE}'
    return Problem("count_mismatch", None, told)


def _own_files(info: Info) -> Iterator[Listed]:
    """Layout 2: a table and a video a camera for each episode."""
    by = info.root / "meta" / "episodes.jsonl"
    problems = list(list_troubles(info))
    seen: set[int] = set()
    lying = _lying_there(info.root)
    if not problems:
        for index, row in _rows_of_lines(by, problems):
            seen.add(index)
            noted: list[Problem] = []
            length = _length(row, f"{by}, episode {index}", noted)
            own = _own(info, index, by, length, _task_texts(row.get("tasks"), info))
            yield _found(replace(own, problems=(*noted, *own.problems)), lying)
        if by.exists():
            problems.append(
                Problem(
                    "count_mismatch",
                    None,
                    f"{by} does not list this episode, though its files are there: "
                    "the dataset was not finished; write its metadata again",
                )
            )
    for index in sorted({index for _, index in lying} - seen):
        # no list names its files: what does is the path in info.json
        named_by = info.file if info.file.is_file() else by
        own = _found(_own(info, index, named_by, None, ()), lying)
        yield replace(own, problems=(*problems, *own.problems))


def list_troubles(info: Info) -> Iterator[Problem]:
    """What can be seen from outside to keep a list of the dataset's episodes from being read."""
    lists = _lists_of(info) if info.layout == 3 else [info.root / "meta" / "episodes.jsonl"]
    there = (path for path in lists if path.exists() or path.is_symlink())
    yield from filter(None, (trouble(path, None, _FORMAT) for path in there))


_FORMAT = "the LeRobot format"


def _lists_of(info: Info) -> list[Path]:
    """The lists of layout 3."""
    return sorted((info.root / "meta" / "episodes").glob("chunk-*/file-*.parquet"))


def _own(info: Info, index: int, by: Path, length: int | None, tasks: tuple[str, ...]) -> Listed:
    place = {"episode_chunk": index // info.chunk_size, "episode_index": index}
    problems: list[Problem] = []
    data = _path(info, "data_path", place, None, problems)
    videos: dict[str, VideoFile | None] = {}
    for feature in info.of_kind("video"):
        path = _path(
            info, "video_path", {**place, "video_key": feature.name}, feature.name, problems
        )
        videos[feature.name] = VideoFile(path) if path else None
    return Listed(index, data, videos, by, length, tasks, tuple(problems))


def _rows_of_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with an episode index; the first bad line becomes a Problem."""
    if not path.exists():
        return
    bad = []
    try:
        for number, row in json_lines(path):
            index = row.get("episode_index") if row else None
            if row is not None and _is_index(index):
                yield int(index), row
            else:
                bad.append(number)
    except READ_ERRORS as error:
        problems.append(unreadable(path, None, error))
    if bad:
        problems.append(
            Problem(
                "corrupt_stream",
                None,
                f"{path}, line {bad[0]}: no JSON object with an episode_index "
                f"({len(bad)} such lines): write the dataset's metadata again",
            )
        )


def _lying_there(root: Path) -> dict[tuple[str | None, int], Path]:
    """The episodes' files that are there, by their camera (None: the table) and episode; of two the
    one in the earlier chunk."""
    tables = ((None, path) for path in root.glob("data/chunk-*/episode_*.parquet"))
    videos = ((path.parent.name, path) for path in root.glob("videos/chunk-*/*/episode_*.mp4"))
    found: dict[tuple[str | None, int], Path] = {}
    for key, path in chain(tables, videos):
        if match := _OWN_FILE.match(path.name):
            first = found.setdefault((key, int(match[1])), path)
            if first is not path and path < first:
                found[key, int(match[1])] = path
    return found


def _found(one: Listed, lying: Mapping[tuple[str | None, int], Path]) -> Listed:
    """The same with the files that lie in another chunk than the metadata gives, told of."""
    problems = list(one.problems)

    def found(stream: str | None, named: Path | None) -> Path | None:
        elsewhere = lying.get((stream, one.index))
        if named is None or elsewhere is None or elsewhere == named:
            return named
        if named.exists() or named.is_symlink():
            return named
        problems.append(
            Problem(
                "count_mismatch",
                stream,
                f"{named} is not there, but {elsewhere} is, and was read: move the file, or "
                "correct its path or chunks_size in meta/info.json",
            )
        )
        return elsewhere

    data = found(None, one.data)
    videos = {
        key: replace(video, path=found(key, video.path) or video.path) if video else None
        for key, video in one.videos.items()
    }
    return replace(one, data=data, videos=videos, problems=tuple(problems))


def _shared_files(info: Info, indexes: Collection[int] | None) -> Iterator[Listed]:
    """Layout 3: many episodes in a table and in a video."""
    folder = info.root / "meta" / "episodes"
    files = _lists_of(info)
    problems: list[Problem] = []
    seen: set[int] = set()
    rows_of: dict[Path, int] = {}
    for path in files:
        try:
            rows = _rows_of_table(path)
        except READ_ERRORS as error:
            problems.append(trouble(path, None, _FORMAT) or unreadable(path, None, error))
            continue
        for row in rows:
            if _is_index(row.get("episode_index")):
                one = _shared(info, path, row)
                if one.index not in seen and one.data is not None:
                    rows_of[one.data] = rows_of.get(one.data, 0) + (one.length or 0)
                seen.add(one.index)
                yield one
    if not files:
        problems.append(
            Problem(
                "missing_stream",
                None,
                f"{folder} holds no list of episodes: copy meta/episodes of the dataset again",
            )
        )
    if problems:
        yield from _unlisted(info, folder, _tables(info), seen, tuple(problems))
    elif indexes is None or not seen.issuperset(indexes) or info.promised != len(seen):
        yield from _unlisted(info, folder, _with_other_rows(info, rows_of), seen, ())


def _tables(info: Info) -> list[Path]:
    """The tables of layout 3."""
    return sorted(info.root.glob("data/chunk-*/file-*.parquet"))


def _with_other_rows(info: Info, rows_of: Mapping[Path, int]) -> Iterator[Path]:
    """Tables with another number of rows than their listed episodes have, by their footers."""
    for path in sorted({*_tables(info), *rows_of}):
        try:
            if row_count(path) != rows_of.get(path, 0):
                yield path
        except READ_ERRORS:
            continue  # told of by the episodes that are listed there


def _rows_of_table(path: Path) -> list[dict[str, Any]]:
    """Rows of a list of episodes, without the statistics, which make up most of it."""
    with pq.ParquetFile(path) as file:
        wanted = [
            name for name in file.schema_arrow.names if not name.startswith(("stats/", "meta/"))
        ]
        rows: list[dict[str, Any]] = file.read(columns=wanted, use_threads=False).to_pylist()
    return rows


def _shared(info: Info, by: Path, row: Mapping[str, Any]) -> Listed:
    problems: list[Problem] = []
    index = int(row["episode_index"])
    where = f"{by}, episode {index}"
    place = _place(row, "data")
    data = None
    if place is None:
        problems.append(
            Problem("missing_stream", None, f"{where}: no data file is named: {REWRITE}")
        )
    else:
        data = _path(info, "data_path", place, None, problems)
    length = _length(row, where, problems)
    videos = {
        feature.name: _stretch(info, feature.name, row, where, length, problems)
        for feature in info.of_kind("video")
    }
    start, stop = row.get("dataset_from_index"), row.get("dataset_to_index")
    if not (_is_index(start) and _is_index(stop)):
        told = f"{where}: nothing says which rows are its own (dataset_from_index): {REWRITE}"
        problems.append(Problem("corrupt_stream", None, told))
        start = None
    elif length is not None and stop - start != length:
        problems.append(
            Problem(
                "count_mismatch",
                None,
                f"{where}: length is {length}, but its rows {start} to {stop} are {stop - start}: "
                f"{REWRITE}",
            )
        )
    return Listed(
        index,
        data,
        videos,
        by,
        length,
        _task_texts(row.get("tasks"), info),
        (*problems,),
        first_index=None if start is None else int(start),
    )


def _stretch(
    info: Info,
    key: str,
    row: Mapping[str, Any],
    where: str,
    length: int | None,
    problems: list[Problem],
) -> VideoFile | None:
    """The part of a shared video that is this episode's."""
    place = _place(row, f"videos/{key}")
    if place is None:
        problems.append(Problem("missing_stream", key, f"{where}: no video is named: {REWRITE}"))
        return None
    path = _path(info, "video_path", {**place, "video_key": key}, key, problems)
    start, end = (row.get(f"videos/{key}/{edge}_timestamp") for edge in ("from", "to"))
    if not (is_number(start) and is_number(end) and 0 <= start < end):
        problems.append(
            Problem(
                "corrupt_stream",
                key,
                f"{where}: its part of the video is from {start} to {end} s, which is none: "
                f"{REWRITE}",
            )
        )
        return None
    if info.fps and length is not None and abs((end - start) * info.fps - length) > 1.5:
        problems.append(
            Problem(
                "count_mismatch",
                key,
                f"{where}: its part of the video, {start:.3f} to {end:.3f} s, holds "
                f"{(end - start) * info.fps:.10g} frames at {info.fps:g} Hz, but length is "
                f"{length}: {REWRITE}",
            )
        )
    return VideoFile(path, float(start), float(end)) if path else None


def _unlisted(
    info: Info, folder: Path, tables: Iterable[Path], seen: set[int], problems: tuple[Problem, ...]
) -> Iterator[Listed]:
    """Episodes that only the tables show; ``problems`` say why, where a list of them is lost."""
    for path in tables:
        try:
            with TableFile(path) as table:
                indexes = table.episodes
        except READ_ERRORS:
            continue
        for index in indexes:
            if index not in seen:
                seen.add(index)
                nowhere = {feature.name: None for feature in info.of_kind("video")}
                told = (*(problems or (_not_listed(folder, path),)), *_lost(info, folder, index))
                yield Listed(index, path, nowhere, folder, problems=told)


def _not_listed(folder: Path, table: Path) -> Problem:
    return Problem(
        "count_mismatch",
        None,
        f"{folder} does not list this episode, though its rows are in {table}: the dataset was not "
        "finished; write its metadata again",
    )


def _lost(info: Info, folder: Path, index: int) -> Iterator[Problem]:
    for feature in info.of_kind("video"):
        told = (
            f"{folder}: nothing tells which part of which video is episode {index}: "
            "copy meta/episodes of the dataset again"
        )
        yield Problem("missing_stream", feature.name, told)


def _path(
    info: Info,
    key: str,
    place: Mapping[str, object],
    stream: str | None,
    problems: list[Problem],
) -> Path | None:
    """The file that a path template gives, None with a Problem where it gives none inside."""
    template = info.data_path if key == "data_path" else info.video_path
    path: Path | None = None
    try:
        path = inside(info.root, template.format(**place))
    except (*READ_ERRORS, AttributeError):
        path = None
    if path is None:
        problems.append(
            Problem(
                "corrupt_stream",
                stream,
                f'{info.file}: "{key}" is "{template}", which gives no file inside the dataset: '
                f"{REWRITE}",
            )
        )
    return path


def _place(row: Mapping[str, Any], prefix: str) -> dict[str, object] | None:
    chunk, file = row.get(f"{prefix}/chunk_index"), row.get(f"{prefix}/file_index")
    if _is_index(chunk) and _is_index(file):
        return {"chunk_index": int(chunk), "file_index": int(file)}
    return None


def _length(row: Mapping[str, Any], where: str, problems: list[Problem]) -> int | None:
    length = row.get("length")
    if _is_index(length):
        return int(length)
    told = f"{where}: its length is {str(length)[:40]}, which is no number of rows: {REWRITE}"
    problems.append(Problem("corrupt_stream", None, told))
    return None


def _is_index(value: object) -> TypeGuard[float]:
    return is_number(value) and value >= 0 and value == int(value)


def _task_texts(tasks: object, info: Info) -> tuple[str, ...]:
    """Task texts; numbers are looked up."""
    several: Iterable[object] = tasks if isinstance(tasks, list) else [tasks]
    look_up: Callable[[object], str | None] = lambda one: (  # noqa: E731
        one if isinstance(one, str) else info.tasks.get(one) if isinstance(one, int) else None
    )
    return tuple(text for text in map(look_up, several) if text)
