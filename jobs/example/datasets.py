"""Small LeRobot datasets of versions 2.1 and 3.0, laid out as LeRobot writes them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.example.clips import Clip
from jobs.example.encoding import RATE_HZ, encode
from jobs.example.filming import CLOSE, ROBOT_CAMERAS, WIDE, Staged
from jobs.example.scene import JOINTS

SIZES = {"top": WIDE, "wrist": CLOSE}


def _key(camera: str) -> str:
    return f"observation.images.{camera}"


def write_v21(path: Path, clip: Clip, staged: list[Staged]) -> None:
    """Version 2.1: a Parquet file and a video per camera for every episode."""
    _write_info(
        path,
        staged,
        version="v2.1",
        data_path="data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        video_path=("videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"),
    )
    meta = path / "meta"
    _write_lines(meta / "tasks.jsonl", [{"task_index": 0, "task": clip.chore.name}])
    first = 0
    episodes = []
    for index, one in enumerate(staged):
        rows = _rows(one, index, first)
        first += len(rows)
        file = f"episode_{index:06d}"
        _write_table(path / "data/chunk-000" / f"{file}.parquet", rows)
        for camera in ROBOT_CAMERAS:
            one.film(camera, path / "videos/chunk-000" / _key(camera) / f"{file}.mp4")
        episodes.append({"episode_index": index, "tasks": [clip.chore.name], "length": len(rows)})
    _write_lines(meta / "episodes.jsonl", episodes)
    stats = [{"episode_index": n, "stats": _stats(one)} for n, one in enumerate(staged)]
    _write_lines(meta / "episodes_stats.jsonl", stats)


def write_v30(path: Path, clip: Clip, staged: list[Staged]) -> None:
    """Version 3.0: all episodes in one Parquet file, and in one video per camera."""
    _write_info(
        path,
        staged,
        version="v3.0",
        data_path="data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        video_path="videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    )
    lengths = [_length(one) for one in staged]
    starts = [0, *itertools.accumulate(lengths)]
    tables = [_rows(one, n, starts[n]) for n, one in enumerate(staged)]
    _write_table(path / "data/chunk-000/file-000.parquet", pa.concat_tables(tables))
    for camera in ROBOT_CAMERAS:
        shown = np.arange(starts[-1]) / RATE_HZ
        pictures = itertools.chain.from_iterable(one.pictures(camera) for one in staged)
        encode(path / "videos" / _key(camera) / "chunk-000/file-000.mp4", shown, pictures)
    rows = [_episode_row(n, clip.chore.name, starts[n], starts[n + 1]) for n in range(len(staged))]
    _write_table(path / "meta/episodes/chunk-000/file-000.parquet", pa.Table.from_pylist(rows))
    tasks = pa.table({"task_index": [0], "task": [clip.chore.name]})
    _write_table(path / "meta/tasks.parquet", tasks)


def _length(one: Staged) -> int:
    return round(one.take.duration_s * RATE_HZ)


def _rows(one: Staged, index: int, first: int) -> pa.Table:
    """The episode's rows: the arm's joints at every frame, times made from the frame's number."""
    count = _length(one)
    frames = np.arange(count)
    times = frames / RATE_HZ
    state = one.motion.at(times).astype(np.float32)
    action = one.motion.at(times + 0.05).astype(np.float32)
    width = len(JOINTS)
    vectors = pa.list_(pa.float32(), width)
    return pa.table(
        {
            "observation.state": pa.array(list(state), vectors),
            "action": pa.array(list(action), vectors),
            "timestamp": pa.array(times, pa.float32()),
            "frame_index": pa.array(frames, pa.int64()),
            "episode_index": pa.array(np.full(count, index), pa.int64()),
            "index": pa.array(first + frames, pa.int64()),
            "task_index": pa.array(np.zeros(count), pa.int64()),
        }
    )


def _episode_row(index: int, task: str, start: int, stop: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [task],
        "length": stop - start,
        "data/chunk_index": 0,
        "data/file_index": 0,
        "dataset_from_index": start,
        "dataset_to_index": stop,
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }
    for camera in ROBOT_CAMERAS:
        row |= {
            f"videos/{_key(camera)}/chunk_index": 0,
            f"videos/{_key(camera)}/file_index": 0,
            f"videos/{_key(camera)}/from_timestamp": start / RATE_HZ,
            f"videos/{_key(camera)}/to_timestamp": stop / RATE_HZ,
        }
    return row


def _write_info(
    path: Path, staged: list[Staged], *, version: str, data_path: str, video_path: str
) -> None:
    episodes, frames = len(staged), sum(map(_length, staged))
    joints = {"dtype": "float32", "shape": [len(JOINTS)], "names": list(JOINTS)}
    number = {"dtype": "int64", "shape": [1], "names": None}
    info = {
        "codebase_version": version,
        "robot_type": "example_two_link_arm",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": 1,
        "chunks_size": 1000,
        "fps": RATE_HZ,
        "splits": {"train": f"0:{episodes}"},
        "data_path": data_path,
        "video_path": video_path,
        "features": {
            **{_key(camera): _video_feature(camera) for camera in ROBOT_CAMERAS},
            "observation.state": joints,
            "action": joints,
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
            **dict.fromkeys(("frame_index", "episode_index", "index", "task_index"), number),
        },
    }
    if version == "v2.1":
        info |= {"total_videos": episodes * len(ROBOT_CAMERAS), "total_chunks": 1}
    (path / "meta").mkdir(parents=True, exist_ok=True)
    (path / "meta/info.json").write_text(json.dumps(info, indent=2))


def _video_feature(camera: str) -> dict[str, Any]:
    width, height = SIZES[camera]
    return {
        "dtype": "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": height,
            "video.width": width,
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": RATE_HZ,
            "video.channels": 3,
            "has_audio": False,
        },
    }


def _stats(one: Staged) -> dict[str, Any]:
    values = one.motion.at(np.arange(_length(one)) / RATE_HZ)
    return {
        "observation.state": {
            "min": values.min(axis=0).tolist(),
            "max": values.max(axis=0).tolist(),
            "mean": values.mean(axis=0).tolist(),
            "std": values.std(axis=0).tolist(),
            "count": [len(values)],
        }
    }


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_table(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
