"""Makes small real recordings: encoded pictures, Parquet tables, datasets of every version.

Pictures are 96 x 64 with a bright square that moves two pixels a frame, so that no two neighbours
are alike. Everything is seeded by what it is called with: the same call makes the same content.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apart import encoded

from dailies.recordings.contract import CarriedPicture, Clock, Coding

WIDTH, HEIGHT = 96, 64
LFS_POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)

CODECS = {"h264": "libx264", "av1": "libsvtav1", "hevc": "libx265", "vp9": "libvpx-vp9"}


def has_codec(codec: str) -> bool:
    """True where this PyAV can encode it."""
    return CODECS.get(codec, codec) in av.codecs_available


def picture(frame: int, seed: int = 0) -> np.ndarray:
    """RGB uint8 of shape (64, 96, 3): noise that stays, and a square that moves."""
    ground = np.random.default_rng(seed).integers(40, 120, (HEIGHT, WIDTH, 1), dtype=np.uint8)
    image = np.repeat(ground, 3, axis=2)
    left = WIDTH - 16 - abs(2 * frame % (2 * (WIDTH - 16)) - (WIDTH - 16))  # to and fro
    image[20:36, left : left + 16] = 230
    return image


def video(
    path: Path,
    *,
    frames: int = 30,
    rate: int = 30,
    codec: str = "h264",
    seed: int = 0,
    times: Sequence[int] | None = None,
) -> Path:
    """A video of ``frames`` pictures at ``rate``; ``times`` (in 1/rate s) leave gaps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return encoded(codec, _encode, path, frames, rate, CODECS.get(codec, codec), seed, times)


def _encode(
    path: Path, frames: int, rate: int, name: str, seed: int, times: Sequence[int] | None
) -> Path:
    options = {"libx264": {"preset": "ultrafast"}, "libsvtav1": {"preset": "12"}}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=rate, options=options.get(name, {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for at in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(at, seed), format="rgb24")
            frame.pts = times[at] if times is not None else at
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def sound_only(path: Path) -> Path:
    """An mp4 with half a second of sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8_000), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def still(frame: int, seed: int = 0) -> bytes:
    """One picture as a JPEG."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        container.mux(
            stream.encode(av.VideoFrame.from_ndarray(picture(frame, seed), format="rgb24"))
        )
        container.mux(stream.encode())
    return buffer.getvalue()


def joints(count: int, seed: int = 0, width: int = 3) -> np.ndarray:
    """Smoothly moving joints: float32 of shape (count, width)."""
    phase = np.random.default_rng(seed).uniform(0, 6, width)
    return np.sin(np.arange(count)[:, None] / 9 + phase).astype(np.float32)


def rows(
    index: int,
    count: int,
    *,
    fps: int = 30,
    first: int = 0,
    seed: int = 0,
    stills: str | None = None,
    timestamps: np.ndarray | None = None,
) -> pa.Table:
    """The table of one episode as LeRobot writes it; ``stills`` names a column of pictures."""
    frames = np.arange(count, dtype=np.int64)
    stamps = frames / fps if timestamps is None else timestamps
    columns: dict[str, Any] = {
        "observation.state": fixed(joints(count, seed)),
        "action": fixed(joints(count, seed + 1, width=2)),
        "next.done": pa.array(frames == count - 1),
        "timestamp": pa.array(stamps.astype(np.float32)),
        "frame_index": pa.array(frames),
        "episode_index": pa.array(np.full(count, index)),
        "index": pa.array(frames + first),
        "task_index": pa.array(np.zeros(count, dtype=np.int64)),
    }
    if stills:
        cells = [{"bytes": still(int(at), seed), "path": f"{at}.jpg"} for at in frames]
        columns[stills] = pa.array(
            cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        )
    return pa.table(columns)


def fixed(values: np.ndarray) -> pa.FixedSizeListArray:
    """Rows as LeRobot's lists of a fixed length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def lerobot_v2(
    root: Path,
    *,
    version: str = "v2.1",
    lengths: Sequence[int] = (30, 24),
    cameras: Sequence[str] = ("observation.images.top",),
    stills: str | None = None,
    codec: str = "h264",
    fps: int = 30,
) -> Path:
    """A LeRobot v2.0 or v2.1 dataset: a table and a video a camera for each episode."""
    info = _info(version, lengths, cameras, stills, fps)
    info["data_path"] = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    info["video_path"] = (
        "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
    )
    write_json(root / "meta" / "info.json", info)
    lines(root / "meta" / "tasks.jsonl", [{"task_index": 0, "task": "fold laundry"}])
    episodes = [
        {"episode_index": index, "tasks": ["fold laundry"], "length": length}
        for index, length in enumerate(lengths)
    ]
    lines(root / "meta" / "episodes.jsonl", episodes)
    if version == "v2.1":
        lines(root / "meta" / "episodes_stats.jsonl", [{"episode_index": 0, "stats": {}}])
    else:
        write_json(root / "meta" / "stats.json", {})
    first = 0
    for index, length in enumerate(lengths):
        table = rows(index, length, fps=fps, first=first, seed=index, stills=stills)
        write_table(root / f"data/chunk-000/episode_{index:06d}.parquet", table)
        for at, key in enumerate(cameras):
            path = root / f"videos/chunk-000/{key}/episode_{index:06d}.mp4"
            video(path, frames=length, rate=fps, codec=codec, seed=10 * index + at)
        first += length
    return root


def lerobot_v3(
    root: Path,
    *,
    lengths: Sequence[int] = (30, 24, 36),
    cameras: Sequence[str] = ("observation.images.top",),
    stills: str | None = None,
    codec: str = "h264",
    fps: int = 30,
    is_one_row_group: bool = False,
) -> Path:
    """A LeRobot v3.0 dataset: all its episodes in one table and in one video a camera."""
    info = _info("v3.0", lengths, cameras, stills, fps)
    info["data_path"] = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    info["video_path"] = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    write_json(root / "meta" / "info.json", info)
    write_json(root / "meta" / "stats.json", {})
    tasks = pa.table({"task_index": [0], "__index_level_0__": ["fold laundry"]})
    write_table(root / "meta" / "tasks.parquet", tasks)
    tables, listed, first = [], [], 0
    for index, length in enumerate(lengths):
        tables.append(rows(index, length, fps=fps, first=first, seed=index, stills=stills))
        listed.append(_listed_v3(index, first, length, cameras, fps))
        first += length
    write_table(root / "meta/episodes/chunk-000/file-000.parquet", pa.Table.from_pylist(listed))
    data = root / "data/chunk-000/file-000.parquet"
    data.parent.mkdir(parents=True)
    with pq.ParquetWriter(data, tables[0].schema) as writer:
        for table in [pa.concat_tables(tables)] if is_one_row_group else tables:
            writer.write_table(table)
    for at, key in enumerate(cameras):
        path = root / f"videos/{key}/chunk-000/file-000.mp4"
        video(path, frames=sum(lengths), rate=fps, codec=codec, seed=at)
    return root


def folder(root: Path, **changes: Any) -> Path:
    """A recording.json with two cameras (one with real frame times) and two series (CSV, Parquet).

    The wrist camera lost frames 10 to 14, as its times say. ``changes`` replace keys of the JSON.
    """
    video(root / "top.mp4", frames=30, seed=1)
    video(root / "wrist.mkv", frames=25, seed=2)
    frame_ms = [round(at * 1000 / 30, 3) for at in range(30) if not 10 <= at < 15]
    (root / "wrist_times.csv").write_text("t_ms\n" + "".join(f"{at}\n" for at in frame_ms))
    values = joints(100)
    text = "".join(f"{at / 100},{j0},{j1},{j2}\n" for at, (j0, j1, j2) in enumerate(values))
    (root / "joints.csv").write_text("t,shoulder,elbow,wrist\n" + text)
    imu = pa.table(
        {"stamp": pa.array(np.arange(200) * 5_000_000), "gyro": fixed(joints(200, seed=5))}
    )
    write_table(root / "imu.parquet", imu)
    write_json(root / "recording.json", {**recording_json(), **changes})
    return root


def recording_json() -> dict[str, Any]:
    """What ``folder`` writes into recording.json."""
    return {
        "version": 1,
        "task": "open-jar",
        "worker": "w-017",
        "site": "lisbon",
        "rig": "rig-4",
        "shift": "s-9",
        "program": "kitchen",
        "started_at": "2026-03-02T09:15:00+00:00",
        "duration_s": 1.0,
        "steps": [
            {"label": "grip the lid", "start_s": 0.0, "end_s": 0.4},
            {"label": "turn it", "start_s": 0.4, "end_s": 1.0},
        ],
        "cameras": [
            {"name": "top", "file": "top.mp4", "rate_hz": 30, "frame_count": 30},
            {
                "name": "wrist",
                "file": "wrist.mkv",
                "rate_hz": 30,
                "times": {"file": "wrist_times.csv", "column": "t_ms", "unit": "ms"},
            },
        ],
        "series": [
            {"name": "joints", "file": "joints.csv", "time": "t", "role": "state", "rate_hz": 100},
            {"name": "imu", "file": "imu.parquet", "time": "stamp", "unit": "ns"},
        ],
    }


def write_json(path: Path, values: Any) -> None:
    """A JSON file, its folder with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def lines(path: Path, objects: Sequence[Any]) -> None:
    """A JSON-lines file."""
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))


def write_table(path: Path, table: pa.Table) -> None:
    """A Parquet file, its folder with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _info(
    version: str, lengths: Sequence[int], cameras: Sequence[str], stills: str | None, fps: int
) -> dict[str, Any]:
    features: dict[str, Any] = {
        "observation.state": {
            "dtype": "float32",
            "shape": [3],
            "names": ["shoulder", "elbow", "wrist"],
        },
        "action": {"dtype": "float32", "shape": [2], "names": {"motors": ["left", "right"]}},
        "next.done": {"dtype": "bool", "shape": [1], "names": None},
    }
    for key in cameras:
        features[key] = {
            "dtype": "video",
            "shape": [HEIGHT, WIDTH, 3],
            "names": ["height", "width", "channels"],
            "info": {"video.fps": fps, "video.codec": "h264"},
        }
    if stills:
        features[stills] = {"dtype": "image", "shape": [HEIGHT, WIDTH, 3]}
    for name in ("timestamp", "frame_index", "episode_index", "index", "task_index"):
        dtype = "float32" if name == "timestamp" else "int64"
        features[name] = {"dtype": dtype, "shape": [1], "names": None}
    return {
        "codebase_version": version,
        "robot_type": "so101",
        "total_episodes": len(lengths),
        "total_frames": sum(lengths),
        "chunks_size": 1000,
        "fps": fps,
        "features": features,
    }


def _listed_v3(
    index: int, first: int, length: int, cameras: Sequence[str], fps: int
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": ["fold laundry"],
        "length": length,
        "data/chunk_index": 0,
        "data/file_index": 0,
        "dataset_from_index": first,
        "dataset_to_index": first + length,
        "stats/action/mean": [0.0, 0.0],
    }
    for key in cameras:
        row |= {
            f"videos/{key}/chunk_index": 0,
            f"videos/{key}/file_index": 0,
            f"videos/{key}/from_timestamp": first / fps,
            f"videos/{key}/to_timestamp": (first + length) / fps,
        }
    return row


@dataclass(frozen=True, eq=False)
class Shelf:
    """Pictures at hand, carried."""

    held: tuple[CarriedPicture, ...]
    coding: Coding
    path: Path = Path("held")
    clock: Clock = "measured"

    def pictures(self) -> Iterator[CarriedPicture]:
        return iter(self.held)
