"""Makes small recordings in HDF5, Zarr and RLDS, with the real writers; pictures as in ``made``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
import zarr.storage
from google.protobuf import message
from made import HEIGHT, WIDTH, joints, picture, still, write_json

from dailies.recordings.tfrecord import _example, masked_crc

INSTRUCTION = "put the cup into the sink"


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """RGB uint8 of shape (count, 64, 96, 3)."""
    return np.stack([picture(at, seed) for at in range(count)])


def padded(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """JPEGs as ALOHA keeps them: rows of bytes filled up with zeros, and their lengths."""
    stills = [still(at, seed) for at in range(count)]
    lengths = np.array([len(one) for one in stills])
    rows = np.zeros((count, lengths.max() + 7), np.uint8)
    for row, one in zip(rows, stills, strict=True):
        row[: len(one)] = np.frombuffer(one, np.uint8)
    return rows, lengths


def aloha(
    path: Path, *, count: int = 40, cameras: Sequence[str] = ("top",), is_jpeg: bool = False
) -> Path:
    """One episode as ALOHA writes it."""
    with h5py.File(path, "w", rdcc_nbytes=1 << 20) as file:
        file.attrs["sim"] = False
        seen = file.create_group("observations")
        images = seen.create_group("images")
        lengths = []
        for seed, camera in enumerate(cameras):
            rows, length = padded(count, seed) if is_jpeg else (pictures(count, seed), None)
            images.create_dataset(camera, data=rows, chunks=(1, *rows.shape[1:]))
            lengths.append(length)
        seen["qpos"], seen["qvel"] = joints(count, 1, 14), joints(count, 2, 14)
        file["action"] = joints(count, 3, 14)
        if is_jpeg:
            file["compress_len"] = np.stack(lengths)
    return path


def robomimic(path: Path, *, lengths: Mapping[str, int] | None = None, hz: int | None = 20) -> Path:
    """A file of demonstrations as robomimic writes it; ``hz`` None states no rate."""
    lengths = {"demo_2": 24, "demo_10": 30} if lengths is None else lengths
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        kwargs = {"control_freq": hz} if hz else {}
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "env_kwargs": kwargs})
        data.attrs["problem_info"] = json.dumps({"language_instruction": INSTRUCTION})
        for seed, (name, count) in enumerate(lengths.items()):
            demo = data.create_group(name)
            demo["actions"] = joints(count, seed, 7)
            demo["obs/agentview_rgb"] = pictures(count, seed)
            demo["obs/robot0_joint_pos"] = joints(count, seed + 5, 7)
            demo["next_obs/agentview_rgb"] = pictures(count, seed)
            demo["rewards"] = np.zeros(count)
    return path


def replay_buffer(
    path: Path, *, lengths: Sequence[int] = (8, 11), version: int = 2, names: str = "umi"
) -> Path:
    """A replay buffer of diffusion policy, as a folder or, where ``path`` ends so, as a zip."""
    count = sum(lengths)
    arrays = {
        "data/camera0_rgb": pictures(count),
        "data/robot0_eef_pos": joints(count, 1, 3),
        "data/robot0_gripper_width": joints(count, 3, 1),
        "data/action": joints(count, 4, 7),
        "meta/episode_ends": np.cumsum(lengths),
    }
    if names == "pusht":
        arrays["data/img"] = arrays.pop("data/camera0_rgb").astype(np.float32)
    store = (
        zarr.storage.ZipStore(path, mode="w")
        if path.suffix == ".zip"
        else zarr.storage.LocalStore(path)
    )
    group = zarr.create_group(store, zarr_format=version)
    for name, values in arrays.items():
        chunks = (7 if values.ndim == 4 else 32, *values.shape[1:])
        made = group.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks)
        made[:] = values
    store.close()
    return path


def steps(count: int, seed: int = 0, instruction: str = INSTRUCTION) -> dict[str, Any]:
    """One episode's features as RLDS has them in a record."""
    return {
        "steps/observation/image_0": [still(at, seed) for at in range(count)],
        "steps/observation/state": joints(count, seed, 7).reshape(-1),
        "steps/action": joints(count, seed + 1, 7).reshape(-1),
        "steps/is_first": np.arange(count) == 0,
        "steps/language_instruction": [instruction.encode()] * count,
        "episode_metadata/file_path": [b"/somewhere/else"],
    }


def example(features: Mapping[str, Any]) -> message.Message:
    """A tf.train.Example of lists of bytes, floats or whole numbers."""
    made = _example()()
    for name, values in features.items():
        feature = made.features.feature[name]
        if isinstance(values, list):
            feature.bytes_list.value.extend(values)
        elif values.dtype.kind == "f":
            feature.float_list.value.extend(values.tolist())
        else:
            feature.int64_list.value.extend(values.astype(int).tolist())
    return made


def tfrecord(path: Path, contents: Sequence[bytes]) -> Path:
    """A TFRecord file."""
    with path.open("wb") as file:
        for content in contents:
            length = len(content).to_bytes(8, "little")
            file.write(length + masked_crc(length).to_bytes(4, "little"))
            file.write(content + masked_crc(content).to_bytes(4, "little"))
    return path


def records(path: Path, *, lengths: Sequence[int] = (12, 15), first: int = 0) -> Path:
    """A TFRecord file of RLDS episodes."""
    made = [example(steps(count, first + at)) for at, count in enumerate(lengths)]
    return tfrecord(path, [one.SerializeToString() for one in made])


def rlds(path: Path, *, shards: Sequence[Sequence[int]] = ((12, 15), (18,))) -> Path:
    """A dataset as TensorFlow Datasets lays it out."""
    path.mkdir(parents=True)
    for number, lengths in enumerate(shards):
        name = f"kitchen-train.tfrecord-{number:05d}-of-{len(shards):05d}"
        records(path / name, lengths=lengths, first=10 * number)
    split = {"name": "train", "shardLengths": [str(len(one)) for one in shards]}
    write_json(path / "dataset_info.json", {"name": "kitchen", "splits": [split]})
    write_json(path / "features.json", _features())
    return path


def _features() -> dict[str, Any]:
    def tensor(*sizes: int, dtype: str = "float32") -> dict[str, Any]:
        return {"tensor": {"shape": {"dimensions": [str(s) for s in sizes]}, "dtype": dtype}}

    image = {"shape": {"dimensions": [str(HEIGHT), str(WIDTH), "3"]}, "dtype": "uint8"}
    seen = {"image_0": {"image": image | {"encodingFormat": "jpeg"}}, "state": tensor(7)}
    step = {
        "observation": {"featuresDict": {"features": seen}},
        "action": tensor(7),
        "is_first": tensor(dtype="bool"),
        "language_instruction": {"text": {}},
    }
    inner = {"featuresDict": {"features": step}}
    metadata = {"featuresDict": {"features": {"file_path": {"text": {}}}}}
    whole = {"steps": {"sequence": {"feature": inner}}, "episode_metadata": metadata}
    return {"featuresDict": {"features": whole}}
