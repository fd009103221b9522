"""Handing on what is good: a list of the good episodes, and of LeRobot datasets a v3.0 subset.

A subset has one video file an episode and camera, which v3.0 allows, so that pictures are copied
as they were encoded: an episode's packets are taken where they begin with a key frame, and the copy
counts only if every picture decodes to the very same luma. Where it does not (an episode that
starts between key frames, or whose last pictures need a later one) it is encoded anew.
"""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dailies.recordings.contract import VideoFile
from dailies.recordings.lerobot_info import Info, read_info
from dailies.recordings.lerobot_listing import list_episodes
from dailies.recordings.lerobot_parts import Listed
from dailies.words import Grade
from jobs.screening import Screened

LIST = "good.json"
CHUNK = 1000
"""Files in a folder at most, as LeRobot has them."""
DATA_MB = 100
"""Rows of a file at most, as LeRobot has them."""
LOOKED_AT = 16
"""Pictures of an episode and camera that go into the statistics."""
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


class ExportRefused(ValueError):
    """The folder cannot be exported to; the message says why."""


@dataclass(frozen=True)
class Exported:
    """What was written: good episodes in the list, and datasets with how many of them each."""

    episodes: int
    datasets: dict[Path, int]
    encoded_anew: int


def export_clean(screened: Sequence[Screened], folder: Path) -> Exported:
    """Write the good ones of some screened episodes into a new or empty folder.

    Raises ExportRefused where the folder holds anything, or where a dataset lacks what its subset
    is made of; then nothing was written.
    """
    refuse_full(folder)
    good = [one for one in screened if one.verdict.grade is Grade.GOOD]
    sets: dict[Path, list[int]] = {}
    for one in good:
        if one.format.startswith("lerobot"):
            sets.setdefault(one.path, []).append(one.index)
    sources = {path: _source(path, sorted(indexes)) for path, indexes in sets.items()}
    folder.mkdir(parents=True, exist_ok=True)
    datasets, anew = {}, 0
    for path, source in sources.items():
        root = _free(folder / path.name)
        anew += _written(source, root)
        datasets[root] = len(source.listed)
    listed = [
        {
            "path": str(one.path),
            "index": one.index,
            "format": one.format,
            "content": one.fingerprint,
            "duration_s": round(one.duration_s, 6),
            "policy": one.verdict.policy,
        }
        for one in good
    ]
    # written last: with it, the export is whole
    (folder / LIST).write_text(json.dumps({"version": 1, "episodes": listed}, indent=1) + "\n")
    return Exported(len(good), datasets, anew)


def refuse_full(folder: Path) -> None:
    """Raises ExportRefused unless the folder is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportRefused(f"{folder} is not empty: name a folder that is new")


def write_subset(source: Path, indexes: Sequence[int], root: Path) -> int:
    """Write episodes of a LeRobot dataset (v2.x or v3.0) as a v3.0 dataset, numbered from 0.

    Gives how many videos had to be encoded anew. The statistics are made anew: of all rows, and of
    some pictures of each episode. Raises ExportRefused, before anything is written, where the
    dataset lacks what a subset is made of.
    """
    return _written(_source(source, indexes), root)


@dataclass(frozen=True)
class _Source:
    """What a subset is made of: a dataset, what its info.json says, and some of its episodes."""

    info: Info
    said: dict[str, Any]
    listed: tuple[Listed, ...]


def _source(path: Path, indexes: Sequence[int]) -> _Source:
    info = read_info(path)
    said = _described(info)
    listed = {one.index: one for one in list_episodes(info, indexes)}
    for index in indexes:
        if index not in listed:
            raise ExportRefused(f"{path} has no episode {index} any more: screen it again")
        _refuse_incomplete(path, listed[index])
    return _Source(info, said, tuple(listed[index] for index in indexes))


def _described(info: Info) -> dict[str, Any]:
    """What info.json says. Raises ExportRefused unless it describes every feature there is."""
    try:
        said = json.loads(info.file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ExportRefused(f"{info.file} cannot be read ({error}): copy it again") from error
    features = said.get("features") if isinstance(said, dict) else None
    described = features if isinstance(features, dict) else {}
    lacking = [one.name for one in info.features if not isinstance(described.get(one.name), dict)]
    if lacking:
        raise ExportRefused(
            f'{info.file}: "features" does not describe {", ".join(lacking)}: '
            "write the dataset's metadata again"
        )
    return dict(said)


def _refuse_incomplete(path: Path, listed: Listed) -> None:
    lacking = [f"pictures of {key}" for key, video in listed.videos.items() if video is None]
    lacking += [] if listed.data is not None else ["rows"]
    if lacking:
        what = " and no ".join(lacking)
        raise ExportRefused(
            f"{path}, episode {listed.index}, has no {what}: copy the dataset again"
        )


def _written(source: _Source, root: Path) -> int:
    subset = _Subset(root, source.info, source.said)
    for one in source.listed:
        subset.add(one)
    subset.finish()
    return subset.encoded_anew


@dataclass
class _Subset:
    root: Path
    info: Info
    said: dict[str, Any]
    encoded_anew: int = 0
    _tables: list[pa.Table] = field(default_factory=list)
    _bytes: int = 0
    _file: int = 0
    _rows: int = 0
    _episodes: list[dict[str, Any]] = field(default_factory=list)
    _tasks: dict[str, int] = field(default_factory=dict)
    _sums: dict[str, _Sums] = field(default_factory=dict)
    _streams: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, listed: Listed) -> None:
        number = len(self._episodes)
        table = _rows_of(listed)
        tasks = self._numbered_tasks(table, listed)
        count = table.num_rows
        table = _replaced(table, "episode_index", np.full(count, number))
        table = _replaced(table, "index", np.arange(self._rows, self._rows + count))
        table = _replaced(table, "task_index", tasks)
        if self._bytes and self._bytes + table.nbytes > DATA_MB * 1_000_000:
            self._write_rows()
        self._tables.append(table)
        self._bytes += table.nbytes
        names = {number: name for name, number in self._tasks.items()}
        row = {
            "episode_index": number,
            "tasks": [names[task] for task in dict.fromkeys(tasks.tolist())],
            "length": count,
            "data/chunk_index": self._file // CHUNK,
            "data/file_index": self._file % CHUNK,
            "dataset_from_index": self._rows,
            "dataset_to_index": self._rows + count,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        for key, video in listed.videos.items():
            if video is not None:
                row |= self._video(key, video, number, count)
        self._episodes.append(row)
        self._rows += count

    def finish(self) -> None:
        self._write_rows()
        meta = self.root / "meta"
        (meta / "episodes/chunk-000").mkdir(parents=True, exist_ok=True)
        episodes = pa.Table.from_pylist(self._episodes)
        pq.write_table(episodes, meta / "episodes/chunk-000/file-000.parquet")
        tasks = pd.DataFrame({"task_index": list(self._tasks.values())}, index=list(self._tasks))
        tasks.index.name = "task"
        tasks.to_parquet(meta / "tasks.parquet")
        stats = {name: sums.stats() for name, sums in self._sums.items()}
        (meta / "stats.json").write_text(json.dumps(stats, indent=1))
        (meta / "info.json").write_text(json.dumps(self._described(), indent=1))

    def _numbered_tasks(self, table: pa.Table, listed: Listed) -> Any:
        """The subset's task number of each row."""
        if "task_index" in table.column_names:
            old = table["task_index"].to_numpy()
        else:
            old = np.zeros(table.num_rows, np.int64)
        names = {
            int(task): self.info.tasks.get(int(task)) or next(iter(listed.tasks), "")
            for task in np.unique(old)
        }
        new = {task: self._tasks.setdefault(n, len(self._tasks)) for task, n in names.items()}
        return np.array([new[int(task)] for task in old], np.int64)

    def _write_rows(self) -> None:
        if not self._tables:
            return
        path = DATA_PATH.format(chunk_index=self._file // CHUNK, file_index=self._file % CHUNK)
        table = pa.concat_tables(self._tables, promote_options="permissive")
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, self.root / path, compression="snappy")
        for column in table.column_names:
            values = _numbers(table[column])
            if values is not None:
                self._sums.setdefault(column, _Sums()).add(values)
        self._tables, self._bytes, self._file = [], 0, self._file + 1

    def _video(self, key: str, video: VideoFile, number: int, count: int) -> dict[str, Any]:
        chunk, file = divmod(number, CHUNK)
        path = VIDEO_PATH.format(video_key=key, chunk_index=chunk, file_index=file)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        sums = self._sums.setdefault(key, _Sums(is_picture=True))
        exact, codec = cut(video, self.root / path, count, sums)
        self.encoded_anew += not exact
        self._streams.setdefault(key, {"video.codec": codec})
        fps = self.info.fps or 30.0
        return {
            f"videos/{key}/chunk_index": chunk,
            f"videos/{key}/file_index": file,
            f"videos/{key}/from_timestamp": 0.0,
            f"videos/{key}/to_timestamp": count / fps,
        }

    def _described(self) -> dict[str, Any]:
        said = copy.deepcopy(self.said)
        for old in ("total_videos", "total_chunks"):
            said.pop(old, None)
        for key, stream in self._streams.items():
            feature = said["features"][key]
            feature["info"] = (
                feature.pop("video_info", None) or feature.get("info") or {}
            ) | stream
        count = len(self._episodes)
        return said | {
            "codebase_version": "v3.0",
            "total_episodes": count,
            "total_frames": self._rows,
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK,
            "data_files_size_in_mb": DATA_MB,
            "video_files_size_in_mb": 200,
            "splits": {"train": f"0:{count}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH if self._streams else None,
        }


@dataclass
class _Sums:
    """What statistics are made of; pictures count by channel, scaled to 1."""

    is_picture: bool = False
    _parts: list[tuple[Any, Any, Any, Any, int]] = field(default_factory=list)

    def add(self, values: Any) -> None:
        """Take in (n, d) numbers."""
        if len(values):
            low, high = values.min(axis=0), values.max(axis=0)
            mean = values.mean(axis=0)
            self._parts.append((low, high, mean, np.square(values - mean).sum(axis=0), len(values)))

    def stats(self) -> dict[str, Any]:
        """min, max, mean, std and count, shaped as LeRobot has them."""
        low, high, means, squares, counts = (
            np.array(part) for part in zip(*self._parts, strict=True)
        )
        count = counts.sum()
        mean = (means * counts[:, None]).sum(axis=0) / count
        spread = squares.sum(axis=0) + (counts[:, None] * np.square(means - mean)).sum(axis=0)
        numbers = {
            "min": low.min(axis=0),
            "max": high.max(axis=0),
            "mean": mean,
            "std": np.sqrt(spread / count),
        }
        shape = (-1, 1, 1) if self.is_picture else (-1,)
        shaped = {name: value.reshape(shape).tolist() for name, value in numbers.items()}
        return shaped | {"count": [int(count)]}


def cut(video: VideoFile, path: Path, count: int, sums: _Sums | None = None) -> tuple[bool, str]:
    """Write a stretch of a video into a file of its own; whether it is exact, and its codec.

    ``count`` pictures are taken at most. ``sums`` takes in some of them.
    """
    wanted = [zlib.crc32(_luma(frame)) for frame in _seen(video, count, sums)]
    codec = _copied(video, path)
    if codec is not None:
        made = [zlib.crc32(_luma(frame)) for frame in _seen(VideoFile(path), len(wanted) + 1, None)]
        if made == wanted:
            return True, codec
    return False, _encoded(video, path, count)


def _copied(video: VideoFile, path: Path) -> str | None:
    """Copy the packets of a stretch; None where it does not begin with a key frame."""
    with av.open(str(video.path)) as source, av.open(str(path), "w") as made:
        stream = source.streams.video[video.track]
        # opaque: a decoder such as libdav1d has no encoder of its name to look up
        copied = made.add_stream_from_template(stream, opaque=True)
        begun = None
        for packet, at_s in _packets(source, stream, video):
            if begun is None:
                if not packet.is_keyframe:
                    return None
                begun = packet.pts
            if packet.pts < begun or at_s < 0:
                return None
            packet.pts -= begun
            packet.dts = None if packet.dts is None else packet.dts - begun
            packet.stream = copied
            made.mux(packet)
        return stream.codec_context.codec.canonical_name if begun is not None else None


def _packets(source: Any, stream: Any, video: VideoFile) -> Iterator[tuple[Any, float]]:
    """The packets shown within a stretch, with their seconds from its start."""
    unit = float(stream.time_base)
    first = (source.start_time or 0) / av.time_base
    half_s = 0.5 / float(stream.average_rate or 30)
    end_s = np.inf if video.end_s is None else video.end_s
    source.seek(max(round((video.start_s - half_s + first) / unit), 0), stream=stream)
    for packet in source.demux(stream):
        if packet.pts is None:
            continue
        at_s = packet.pts * unit - first
        if video.start_s - half_s <= at_s < end_s - half_s:
            yield packet, at_s - video.start_s + half_s
        elif at_s > end_s + 1:
            return


def _seen(video: VideoFile, count: int, sums: _Sums | None) -> Iterator[Any]:
    """The pictures of a stretch, ``count`` at most."""
    with av.open(str(video.path)) as source:
        stream = source.streams.video[video.track]
        stream.thread_type = "AUTO"
        first = (source.start_time or 0) / av.time_base
        half_s = 0.5 / float(stream.average_rate or 30)
        unit = float(stream.time_base or 0)
        source.seek(max(round((video.start_s - half_s + first) / unit), 0), stream=stream)
        number = 0
        for frame in source.decode(stream):
            at_s = (frame.pts or 0) * unit - first
            if at_s < video.start_s - half_s:
                continue
            if number >= count or (video.end_s is not None and at_s >= video.end_s - half_s):
                return
            if sums is not None and number % max(count // LOOKED_AT, 1) == 0:
                small = frame.reformat(width=160, height=120, format="rgb24").to_ndarray()
                sums.add(small.reshape(-1, 3) / 255)
            number += 1
            yield frame


def _encoded(video: VideoFile, path: Path, count: int) -> str:
    """Encode a stretch anew; gives the codec."""
    name = "h264"
    with av.open(str(path), "w") as made:
        stream: Any = None
        for number, frame in enumerate(_seen(video, count, None)):
            if stream is None:
                rate = _rate(video)
                codec, pixels, options = _coding(frame.format)
                stream = made.add_stream(codec, rate=rate, options=options)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = number, 1 / rate
            frame.pict_type = 0
            made.mux(stream.encode(frame))
        if stream is not None:
            made.mux(stream.encode(None))
            name = stream.codec.canonical_name
    return name


def _coding(kind: Any) -> tuple[str, str, dict[str, str]]:
    """Encoder, pixel format and options for pictures of a format.

    Those of one channel with more than 8 bits are depth, whose every bit counts. (Formats with more
    bits than HEVC takes have only key pictures, and are copied.)
    """
    if len(kind.components) == 1 and kind.components[0].bits > 8:
        return "libx265", kind.name, {"x265-params": "lossless=1:keyint=2:log-level=none"}
    return "libx264", "yuv420p", {"crf": "12", "g": "2"}


def _rate(video: VideoFile) -> Any:
    with av.open(str(video.path)) as source:
        return source.streams.video[video.track].average_rate or 30


def _luma(frame: Any) -> bytes:
    plane = frame.planes[0]
    width = frame.width * (1 + (frame.format.components[0].bits > 8))
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, :width].tobytes()


def _rows_of(listed: Listed) -> pa.Table:
    if listed.data is None:
        raise ExportRefused(f"episode {listed.index} has no rows: it cannot be exported")
    table = pq.read_table(listed.data)
    if "episode_index" in table.column_names and len(pc.unique(table["episode_index"])) > 1:
        table = table.filter(pc.field("episode_index") == listed.index)
    return table


def _replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    column = pa.array(values, pa.int64())
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def _numbers(column: pa.ChunkedArray[Any]) -> Any:
    """A column as (n, d) numbers; None where it holds others."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        rows: list[Any] = column.to_pylist()
        if not rows or any(row is None or len(row) != len(rows[0]) for row in rows):
            return None
        values = np.array(rows)
        return values.astype(float) if values.ndim == 2 and values.dtype.kind in "fiub" else None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column.to_numpy().astype(float)[:, None]
    return None


def _free(path: Path) -> Path:
    """The path, or with a number where two datasets have the same name."""
    number = 2
    free = path
    while free.exists():
        free, number = path.with_name(f"{path.name}-{number}"), number + 1
    return free
