"""RLDS without TensorFlow: records, their checksums, features, and episodes that are damaged."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import made
import made_arrays
import numpy as np
import pytest

from dailies.recordings import episodes_at, recordings_in
from dailies.recordings.contract import Episode
from dailies.recordings.tfrecord import BadRecord, content_of, features_in, masked_crc, records_of
from quality.measures.decode import measure_camera


def read(path: Path) -> list[Episode]:
    return list(episodes_at(path))


def test_the_checksum_is_that_of_the_format() -> None:
    # CRC-32C of nine digits (RFC 3720's own), rotated by 15 and shifted by the constant
    assert masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % 2**32


def test_an_example_keeps_bytes_floats_and_whole_numbers() -> None:
    said = {"a": [b"x", b""], "b": np.array([1.5, -2.0]), "c": np.array([7, -(2**40)])}
    back = features_in(made_arrays.example(said).SerializeToString())
    assert back["a"].tolist() == [b"x", b""]
    assert back["b"].tolist() == [1.5, -2.0]
    assert back["c"].tolist() == [7, -(2**40)]


def test_a_sequence_example_is_read_alike() -> None:
    whole = made_arrays.example({"context": np.array([3])})
    for row in (0.0, 1.0):
        feature = whole.feature_lists.feature_list["state"].feature.add()
        feature.float_list.value.extend([row, row + 0.5])
    back = features_in(whole.SerializeToString())
    assert back["state"].tolist() == [0.0, 0.5, 1.0, 1.5]
    with pytest.raises(BadRecord):
        features_in(b"\xff" * 40)


def test_a_dataset_gives_its_episodes_over_all_shards(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen")
    assert recordings_in(tmp_path) == [root]
    episodes = read(root)
    assert [episode.index for episode in episodes] == [0, 1, 2]
    assert [episode.cameras[0].declared_count for episode in episodes] == [12, 15, 18]
    for episode in episodes:
        assert episode.problems == ()
        assert [camera.name for camera in episode.cameras] == ["observation/image_0"]
        roles = {one.name: one.role for one in episode.series}
        assert roles == {"action": "action", "observation/state": "state", "is_first": "other"}
        assert episode.metadata.task == made_arrays.INSTRUCTION
    state = next(one for one in episodes[1].series if one.role == "state")
    assert np.allclose(state.values, made.joints(15, 1, 7))
    assert [one.content for one in episodes[2].cameras[0].source.pictures()][3] == made.still(3, 10)


def test_without_features_json_the_widths_are_seen_from_the_steps(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen")
    whole = read(root)
    for name in ("features.json", "dataset_info.json"):
        (root / name).unlink()
    for one, other in zip(read(root), whole, strict=True):
        assert [series.values.shape for series in one.series] == [
            series.values.shape for series in other.series
        ]


def test_a_shard_that_is_not_here_leaves_the_numbers_of_the_others(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen")
    (root / "kitchen-train.tfrecord-00000-of-00002").unlink()
    assert [episode.index for episode in read(root)] == [2]


def test_a_rate_in_dailies_json_makes_a_grid(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen")
    assert {one.clock for one in read(root)[0].series} == {"assumed"}
    made.write_json(
        root / "dailies.json",
        {"rate_hz": 10, "site": "lisbon", "episodes": {"1": {"worker": "w-7"}}},
    )
    episodes = read(root)
    assert episodes[0].series[0].clock == "grid"
    assert episodes[0].series[0].times_ns[5] == 500_000_000
    assert [episode.metadata.worker for episode in episodes] == [None, "w-7", None]
    assert {episode.metadata.site for episode in episodes} == {"lisbon"}


def test_instructions_that_change_are_steps(tmp_path: Path) -> None:
    features = made_arrays.steps(10)
    features["steps/language_instruction"] = [b"grip"] * 4 + [b"lift"] * 6
    path = made_arrays.tfrecord(
        tmp_path / "a.tfrecord", [made_arrays.example(features).SerializeToString()]
    )
    made.write_json(tmp_path / "a.json", {"rate_hz": 10})
    (episode,) = read(path)
    assert episode.metadata.task is None
    assert [(step.label, step.start_ns, step.end_ns) for step in episode.metadata.steps] == [
        ("grip", 0, 400_000_000),
        ("lift", 400_000_000, 900_000_000),
    ]


def test_a_file_that_was_cut_off_gives_the_episodes_before_the_cut(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen", shards=((9, 9, 9),))
    (file,) = (path for path in root.iterdir() if "tfrecord" in path.name)
    last = list(records_of(file))[2]
    os.truncate(file, last.offset + last.length // 2)
    one, two, three = read(root)
    assert one.problems == two.problems == ()
    assert "cut off" in three.problems[0].message
    os.truncate(file, last.offset - 12)
    assert [problem.check for problem in read(root)[-1].problems] == ["count_mismatch"]


def test_a_wrong_checksum_is_told_and_what_can_be_read_is_given(tmp_path: Path) -> None:
    path = made_arrays.records(tmp_path / "a.tfrecord", lengths=(9, 9))
    record = next(iter(records_of(path)))
    with path.open("r+b") as file:
        file.seek(record.offset + record.length)
        file.write(b"\0\0\0\0")
    one, two = read(path)
    assert [problem.check for problem in one.problems] == ["corrupt_stream"]
    assert "checksum" in one.problems[0].message
    assert measure_camera(one.cameras[0]).count == 9
    assert two.problems == ()
    assert content_of(path, record)[1] is False


def test_a_dummy_picture_is_no_camera(tmp_path: Path) -> None:
    features = made_arrays.steps(8) | {
        "steps/observation/image_1": [made.still(0)] * 8,
        "episode_metadata/has_image_0": np.array([0]),
        "episode_metadata/has_image_1": np.array([0]),
    }
    path = made_arrays.tfrecord(
        tmp_path / "a.tfrecord", [made_arrays.example(features).SerializeToString()]
    )
    assert [camera.name for camera in read(path)[0].cameras] == ["observation/image_0"]


def test_real_episodes_of_bridge_are_read(samples: Path) -> None:
    episodes = read(samples / "rlds")
    assert len(episodes) == 25
    for episode in episodes:
        assert episode.problems == ()
        assert all(camera.declared_count == 10 for camera in episode.cameras)
        assert {one.role for one in episode.series} == {"state", "action", "other"}
        assert episode.metadata.task
    measured = measure_camera(episodes[3].cameras[0])
    assert (measured.count, measured.width, measured.height) == (10, 64, 64)


def one_record(root: Path, features: dict[str, Any], said: dict[str, Any] | None = None) -> Path:
    """A dataset of one episode, ``said`` among what describes its steps' observations."""
    path = made_arrays.rlds(root, shards=((12,),))
    content = made_arrays.example(features).SerializeToString()
    made_arrays.tfrecord(path / "kitchen-train.tfrecord-00000-of-00001", [content])
    described = json.loads((path / "features.json").read_text())
    steps = described["featuresDict"]["features"]["steps"]["sequence"]["feature"]
    seen = steps["featuresDict"]["features"]["observation"]["featuresDict"]["features"]
    seen.update(said or {})
    made.write_json(path / "features.json", described)
    return path


def tensor(*sizes: int, dtype: str = "uint8") -> dict[str, Any]:
    return {"tensor": {"shape": {"dimensions": [str(size) for size in sizes]}, "dtype": dtype}}


@pytest.mark.parametrize("is_bytes", [True, False])
def test_pictures_may_be_tensors_of_bytes(tmp_path: Path, is_bytes: bool) -> None:
    shown = made_arrays.pictures(12)
    cells = [one.tobytes() for one in shown] if is_bytes else shown.reshape(-1)
    features = made_arrays.steps(12) | {"steps/observation/image_1": cells}
    path = one_record(tmp_path / "kitchen", features, {"image_1": tensor(64, 96, 3)})
    (episode,) = read(path)
    assert episode.problems == ()
    assert [one.name for one in episode.cameras] == ["observation/image_0", "observation/image_1"]
    seen = [one.content for one in episode.cameras[1].source.pictures()]
    assert np.array_equal(np.stack(seen), shown)


def test_a_size_that_is_not_known_is_told_by_the_steps(tmp_path: Path) -> None:
    path = one_record(
        tmp_path / "kitchen", made_arrays.steps(12), {"state": tensor(-1, dtype="float32")}
    )
    (episode,) = read(path)
    assert {one.name: one.values.shape for one in episode.series}["observation/state"] == (12, 7)


def test_what_the_dataset_describes_and_a_record_lacks_is_told(tmp_path: Path) -> None:
    said = {"gripper": tensor(dtype="float32"), "depth": tensor(64, 96, dtype="uint16")}
    (episode,) = read(one_record(tmp_path / "kitchen", made_arrays.steps(12), said))
    told = [(one.check, one.stream) for one in episode.problems]
    assert told == [
        ("missing_stream", "observation/depth"),
        ("missing_stream", "observation/gripper"),
    ]


@pytest.mark.parametrize(("name", "at"), [("is_first", 6), ("is_last", 5)])
def test_two_episodes_in_one_record_are_told(tmp_path: Path, name: str, at: int) -> None:
    steps = np.arange(12)
    flags = {"steps/is_first": steps == 0, "steps/is_last": steps == 11}
    sound = one_record(tmp_path / "sound", made_arrays.steps(12) | flags)
    assert read(sound)[0].problems == ()
    flags[f"steps/{name}"] = flags[f"steps/{name}"] | (steps == at)
    (problem,) = read(one_record(tmp_path / "kitchen", made_arrays.steps(12) | flags))[0].problems
    assert f"{name} marks step {at} of 12" in problem.message


def test_numbers_that_make_no_whole_steps_are_told(tmp_path: Path) -> None:
    features = made_arrays.steps(12) | {"steps/observation/force": np.arange(40.0)}
    (problem,) = read(one_record(tmp_path / "kitchen", features))[0].problems
    assert (problem.check, problem.stream) == ("count_mismatch", "observation/force")


def test_a_shard_that_is_promised_empty_is_no_episode(tmp_path: Path) -> None:
    root = made_arrays.rlds(tmp_path / "kitchen", shards=((12, 15), ()))
    assert [episode.problems for episode in read(root)] == [(), ()]


def test_pictures_may_be_packed_and_one_that_is_cut_is_lost(tmp_path: Path) -> None:
    shown = made_arrays.pictures(12)
    cells = [zlib.compress(one.tobytes()) for one in shown]
    cells[5] = cells[5][:40]
    said = tensor(64, 96, 3)
    said["tensor"]["encoding"] = "zlib"
    features = made_arrays.steps(12) | {"steps/observation/image_1": cells}
    (episode,) = read(one_record(tmp_path / "kitchen", features, {"image_1": said}))
    seen = [one.content for one in episode.cameras[1].source.pictures()]
    assert [at for at, one in enumerate(seen) if one is None] == [5]
    assert np.array_equal(seen[4], shown[4])


def test_rows_of_any_length_are_no_contradiction(tmp_path: Path) -> None:
    lengths = np.arange(12) % 5
    points = {
        "steps/observation/points/ragged_flat_values": np.arange(float(lengths.sum())),
        "steps/observation/points/ragged_row_lengths_0": lengths,
    }
    (episode,) = read(one_record(tmp_path / "kitchen", made_arrays.steps(12) | points))
    assert episode.problems == ()


def test_texts_that_are_all_empty_are_no_pictures(tmp_path: Path) -> None:
    features = made_arrays.steps(12) | {"steps/observation/image_caption": [b""] * 12}
    path = one_record(tmp_path / "kitchen", features, {"image_caption": {"text": {}}})
    assert read(path)[0].problems == ()
