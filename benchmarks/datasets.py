"""A LeRobot v2.1 dataset that grows episode by episode, in the order in which LeRobot writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.clips import make_clip

RATE = 10
CAMERA = "observation.images.wrist"


def add_episode(folder: Path, index: int, *, seconds: float = 2.0, seed: int = 0) -> None:
    """Write one more episode: its samples, its pictures, then the lines that name it."""
    count = round(seconds * RATE)
    times = np.arange(count) / RATE
    state = np.stack([np.sin(times + joint + seed) for joint in range(3)], axis=1)
    data = folder / f"data/chunk-000/episode_{index:06d}.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, Any] = {
        "observation.state": list(state.astype(np.float32)),
        "timestamp": times.astype(np.float32),
        "frame_index": np.arange(count),
        "episode_index": np.full(count, index),
        "index": np.arange(count) + index * count,
        "task_index": np.zeros(count, np.int64),
    }
    pq.write_table(pa.table(columns), data)
    video = folder / f"videos/chunk-000/{CAMERA}/episode_{index:06d}.mp4"
    video.parent.mkdir(parents=True, exist_ok=True)
    make_clip(video, seconds=seconds, width=160, height=120, rate=RATE, seed=seed + index)
    meta = folder / "meta"
    meta.mkdir(exist_ok=True)
    (meta / "tasks.jsonl").write_text(json.dumps({"task_index": 0, "task": "open a jar"}) + "\n")
    with (meta / "episodes.jsonl").open("a") as lines:
        line = {"episode_index": index, "tasks": ["open a jar"], "length": count}
        lines.write(json.dumps(line) + "\n")
    (meta / "info.json").write_text(json.dumps(_info(index + 1, count)))


def _info(episodes: int, count: int) -> dict[str, Any]:
    video = {"dtype": "video", "shape": [120, 160, 3], "names": ["height", "width", "channels"]}
    return {
        "codebase_version": "v2.1",
        "robot_type": "made",
        "total_episodes": episodes,
        "total_frames": episodes * count,
        "total_tasks": 1,
        "total_chunks": 1,
        "chunks_size": 1000,
        "fps": RATE,
        "splits": {"train": f"0:{episodes}"},
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/"
        "episode_{episode_index:06d}.mp4",
        "features": {
            "observation.state": {"dtype": "float32", "shape": [3], "names": ["a", "b", "c"]},
            CAMERA: video,
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
            "frame_index": {"dtype": "int64", "shape": [1], "names": None},
            "episode_index": {"dtype": "int64", "shape": [1], "names": None},
            "index": {"dtype": "int64", "shape": [1], "names": None},
            "task_index": {"dtype": "int64", "shape": [1], "names": None},
        },
    }
