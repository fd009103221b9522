"""HDF5 and Zarr: the layouts that are in use, rates, times, mapping files, and what was cut off."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import h5py
import made
import made_arrays
import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs

from dailies.recordings import episodes_at
from dailies.recordings.contract import Camera, Episode, Series
from quality.measures.decode import measure_camera


def only(path: Path) -> Episode:
    (episode,) = episodes_at(path)
    return episode


def series(episode: Episode) -> dict[str, Series]:
    return {one.name: one for one in episode.series}


def pictures(camera: Camera) -> list[np.ndarray]:
    return [one.content for one in camera.source.pictures()]


def test_aloha_gives_its_cameras_joints_and_actions(tmp_path: Path) -> None:
    episode = only(made_arrays.aloha(tmp_path / "a.hdf5", cameras=("high", "wrist")))
    assert [camera.name for camera in episode.cameras] == [
        "observations/images/high",
        "observations/images/wrist",
    ]
    assert {name: one.role for name, one in series(episode).items()} == {
        "action": "action",
        "observations/qpos": "state",
        "observations/qvel": "other",
    }
    assert series(episode)["observations/qpos"].values.shape == (40, 14)
    assert np.array_equal(pictures(episode.cameras[0])[7], made.picture(7, 0))


def test_padded_jpegs_are_pictures_and_their_lengths_no_series(tmp_path: Path) -> None:
    episode = only(made_arrays.aloha(tmp_path / "a.h5", is_jpeg=True))
    (camera,) = episode.cameras
    assert camera.source.coding == "still"
    assert pictures(camera)[3] == made.still(3, 0)
    assert "compress_len" not in series(episode)
    measured = measure_camera(camera)
    assert (measured.count, measured.width, measured.height) == (40, 96, 64)
    assert measured.error is None


@pytest.mark.parametrize("to", ["/", "/observations"])
def test_a_link_that_leads_back_is_not_followed_for_ever(tmp_path: Path, to: str) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    without = only(path)
    with h5py.File(path, "a") as file:
        file["observations/self"] = file[to]
    episode = only(path)
    assert series(episode).keys() == series(without).keys()
    assert [one.name for one in episode.cameras] == [one.name for one in without.cameras]


def test_demonstrations_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    episodes = list(episodes_at(made_arrays.robomimic(tmp_path / "r.hdf5")))
    assert [episode.index for episode in episodes] == [2, 10]
    assert [episode.cameras[0].declared_count for episode in episodes] == [24, 30]
    assert series(episodes[0])["obs/robot0_joint_pos"].role == "state"
    assert series(episodes[0])["actions"].role == "action"
    assert episodes[0].metadata.task == made_arrays.INSTRUCTION


def test_a_rate_among_the_attributes_makes_a_grid(tmp_path: Path) -> None:
    episode = next(episodes_at(made_arrays.robomimic(tmp_path / "r.hdf5", hz=25)))
    actions = series(episode)["actions"]
    assert actions.clock == "grid"
    assert actions.declared_rate_hz == 25
    assert actions.times_ns[10] == 400_000_000
    assert next(episode.cameras[0].source.pictures()).time_ns == 0


def test_what_is_said_once_of_an_episode_is_no_series(tmp_path: Path) -> None:
    path = made_arrays.robomimic(tmp_path / "isaac.hdf5", lengths={"demo_0": 24})
    with h5py.File(path, "a") as file:
        demo = file["data/demo_0"]
        demo["initial_state/articulation/robot/joint_position"] = made.joints(1, 0, 9)
        demo["obs/actions"] = demo["actions"][:]
        demo["obs/object"] = made.joints(24, 3, 7)
    (episode,) = episodes_at(path)
    names = {one.name: one.role for one in episode.series}
    assert not {"initial_state/articulation/robot/joint_position", "obs/actions"} & names.keys()
    assert (names["obs/robot0_joint_pos"], names["actions"]) == ("state", "action")
    assert episode.problems == ()


def test_without_times_and_rate_the_clock_is_assumed(tmp_path: Path) -> None:
    for episode in (
        only(made_arrays.aloha(tmp_path / "a.hdf5")),
        next(episodes_at(made_arrays.robomimic(tmp_path / "r.hdf5", hz=None))),
        next(episodes_at(made_arrays.replay_buffer(tmp_path / "u.zarr"))),
    ):
        assert {one.clock for one in episode.series} == {"assumed"}
        assert episode.cameras[0].source.clock == "assumed"
        assert episode.series[0].declared_rate_hz is None


def test_a_rate_beside_the_file_is_believed(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    made.write_json(tmp_path / "a.hdf5.json", {"rate_hz": 30, "worker": "w-1", "rig": "aloha-2"})
    episode = only(path)
    assert episode.series[0].clock == "grid"
    assert episode.series[0].times_ns[30] == 1_000_000_000
    assert episode.metadata.worker == "w-1"


@pytest.mark.parametrize(
    ("stamps", "clock"),
    [
        (np.arange(40) / 30, "grid"),
        (np.arange(40) / 30 + np.random.default_rng(1).uniform(0, 0.01, 40), "measured"),
        (1_770_000_000 + np.arange(40) / 30 + np.arange(40) % 3 * 0.002, "measured"),
        (
            ((1_770_000_000 + np.arange(40) / 30) * 1e9 + np.arange(40) % 3 * 2e6).astype(int),
            "measured",
        ),
        (
            ((np.arange(40) / 30 + 1_770_000_000) * 1e3 + np.arange(40) % 3 * 2).astype(int),
            "measured",
        ),
    ],
    ids=["even", "seconds", "since 1970", "nanoseconds since 1970", "milliseconds since 1970"],
)
def test_a_column_of_times_is_the_clock(tmp_path: Path, stamps: np.ndarray, clock: str) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file["timestamps"] = stamps
    episode = only(path)
    qpos = series(episode)["observations/qpos"]
    assert "timestamps" not in series(episode)
    assert qpos.clock == clock == episode.cameras[0].source.clock
    assert qpos.times_ns[0] in range(11_000_000)
    assert qpos.times_ns[-1] == pytest.approx(1.3e9, abs=12e6)


def test_robomind_tells_the_leader_from_the_follower(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.hdf5"
    with h5py.File(path, "w") as file:
        file["puppet/joint_position"] = made.joints(30, 1, 7)
        file["master/joint_position"] = made.joints(30, 2, 7)
        cells = file.create_dataset(
            "observations/rgb_images/camera_top", (30,), h5py.vlen_dtype(np.uint8)
        )
        for at in range(30):
            cells[at] = np.frombuffer(made.still(at), np.uint8)
        file["observations/depth_images/camera_top"] = np.zeros((30, 64, 96), np.uint16)
        file["language_raw"] = np.array([b"open the drawer"], object)
    episode = only(path)
    assert [camera.name for camera in episode.cameras] == ["observations/rgb_images/camera_top"]
    assert pictures(episode.cameras[0])[4] == made.still(4)
    roles = {name: one.role for name, one in series(episode).items()}
    assert roles == {"puppet/joint_position": "state", "master/joint_position": "action"}
    assert episode.metadata.task == "open the drawer"


def test_a_camera_that_lost_pictures_is_short_of_what_the_rows_promise(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file["observations/images/wrist"] = made_arrays.pictures(30)
    wrist = next(one for one in only(path).cameras if one.name.endswith("wrist"))
    assert wrist.declared_count == 40
    assert measure_camera(wrist).count == 30


MAPPED = {
    "rate_hz": 20,
    "episodes": "runs/*",
    "cameras": [{"name": "top", "dataset": "cam/rgb"}],
    "series": [
        {"name": "arm", "dataset": "arm/q", "time": "arm/stamp", "unit": "us", "role": "state"},
        {"dataset": "grip", "rate_hz": 50},
    ],
}


def unusual(path: Path) -> Path:
    """A layout that no rule of names knows."""
    with h5py.File(path, "w") as file:
        for run in ("b", "a"):
            group = file.create_group(f"runs/{run}")
            group["cam/rgb"] = made_arrays.pictures(20)
            group["arm/q"] = made.joints(100, 1, 6)
            group["arm/stamp"] = 5_000_000 + np.arange(100) * 10_000 + np.arange(100) % 2 * 700
            group["grip"] = made.joints(50, 2, 1)
    return path


@pytest.mark.parametrize("file", ["lab.h5.json", "lab.json", "mapping.json"])
def test_a_mapping_file_says_what_is_what(tmp_path: Path, file: str) -> None:
    path = unusual(tmp_path / "lab.h5")
    made.write_json(tmp_path / file, MAPPED)
    episodes = list(episodes_at(path))
    assert [episode.index for episode in episodes] == [0, 1]
    for episode in episodes:
        assert episode.problems == ()
        assert [camera.name for camera in episode.cameras] == ["top"]
        arm, grip = series(episode)["arm"], series(episode)["grip"]
        assert (arm.role, arm.clock, arm.values.shape) == ("state", "measured", (100, 6))
        assert arm.times_ns[2] == 5_020_000_000
        assert (grip.clock, grip.times_ns[-1]) == ("grid", 980_000_000)


@pytest.mark.parametrize(("said", "last_s"), [({}, 0.99), ({"unit": "ms"}, 990.0)])
def test_a_mapping_need_not_repeat_the_unit(
    tmp_path: Path, said: dict[str, str], last_s: float
) -> None:
    path = unusual(tmp_path / "lab.h5")
    with h5py.File(path, "a") as file:
        for run in file["runs"].values():
            run["arm/stamp"].attrs["unit"] = "us"
    arm = {"name": "arm", "dataset": "arm/q", "time": "arm/stamp", **said}
    made.write_json(tmp_path / "lab.json", {"episodes": "runs/*", "series": [arm]})
    times_ns = series(next(episodes_at(path)))["arm"].times_ns
    assert times_ns[-1] - times_ns[0] == pytest.approx(last_s * 1e9, rel=1e-3)


def test_a_mapping_that_names_what_is_not_there_is_told_so(tmp_path: Path) -> None:
    path = unusual(tmp_path / "lab.h5")
    wrong = {**MAPPED, "cameras": [{"dataset": "cam/depth"}, {"name": "q", "dataset": "arm/q"}]}
    made.write_json(tmp_path / "lab.json", wrong)
    problems = next(episodes_at(path)).problems
    assert [problem.check for problem in problems] == ["missing_stream", "corrupt_stream"]
    assert "the arrays of" in problems[0].message
    assert "does not hold pictures" in problems[1].message


def test_a_file_that_was_cut_off_gives_what_lies_before_the_cut(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path) as file:
        chunk = file["observations/images/top"].id.get_chunk_info(25)
    os.truncate(path, chunk.byte_offset + 100)
    episode = only(path)
    assert any("is cut off" in problem.message for problem in episode.problems)
    camera = episode.cameras[0]
    assert camera.source.there == 25
    assert np.array_equal(pictures(camera)[24], made.picture(24, 0))
    measured = measure_camera(camera)
    assert (measured.count, measured.declared_count) == (25, 40)


@pytest.mark.parametrize(
    ("chunks", "least"),
    [
        ({}, 10),
        ({"chunks": (7,), "compression": "gzip"}, 10),
        ({"chunks": (7,), "compression": "gzip", "shuffle": True}, 10),
    ],
    ids=["plain", "gzip", "shuffled"],
)
@pytest.mark.parametrize("damage", ["cut", "zeros", "size"])
def test_rows_of_any_length_end_where_what_they_refer_to_is_gone(
    tmp_path: Path, damage: str, chunks: dict[str, Any], least: int
) -> None:
    """HDF5's own library looks for ever for what follows an object of length 0."""
    path = tmp_path / "trajectory.hdf5"
    coded = [np.frombuffer(made.still(at), np.uint8) for at in range(40)]
    with h5py.File(path, "w") as file:
        file["observations/qpos"] = made.joints(40)
        rows = file.create_dataset(
            "observations/images/top", (40,), h5py.vlen_dtype(np.uint8), **chunks
        )
        rows[:] = coded
    assert measure_camera(only(path).cameras[0]).count == 40
    # what the row holds lies behind its head of 16 bytes
    at = path.read_bytes().index(coded[25].tobytes()) - 16
    if damage == "cut":
        os.truncate(path, at + 40)
    else:
        with path.open("r+b") as raw:
            begins = path.read_bytes().rindex(b"GCOL", 0, at)
            raw.seek(at if damage == "zeros" else begins + 8)
            raw.write(bytes(512) if damage == "zeros" else b"\x7f" * 8)
    episode = only(path)
    measured = measure_camera(episode.cameras[0])
    # of those before it some share its collection, none after it is read
    assert least < measured.count <= 25
    assert measured.declared_count == 40


def test_of_a_damaged_file_no_rows_are_read_that_hide_what_they_refer_to(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.hdf5"
    with h5py.File(path, "w") as file:
        file["observations/qpos"] = made.joints(40)
        rows = file.create_dataset(
            "observations/images/top", (40,), h5py.vlen_dtype(np.uint8), chunks=(7,),
            compression="lzf",
        )  # fmt: skip
        rows[:] = [np.frombuffer(made.still(at), np.uint8) for at in range(40)]
    assert measure_camera(only(path).cameras[0]).count == 40
    at = path.read_bytes().index(made.still(25)) - 16
    with path.open("r+b") as raw:
        raw.seek(at)
        raw.write(bytes(512))
    (problem,) = only(path).problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "observations/images/top")
    assert "none of the 40 rows of observations/images/top can be read" in problem.message


def test_a_file_with_addresses_of_four_bytes_is_read(tmp_path: Path) -> None:
    created = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    created.set_sizes(4, 4)
    path = tmp_path / "small.hdf5"
    with h5py.File(h5py.h5f.create(str(path).encode(), fcpl=created)) as file:
        file["observations/qpos"] = made.joints(40)
        rows = file.create_dataset("observations/images/top", (40,), h5py.vlen_dtype(np.uint8))
        rows[:] = [np.frombuffer(made.still(at), np.uint8) for at in range(40)]
    assert measure_camera(only(path).cameras[0]).count == 40


def test_texts_in_a_heap_that_is_cut_off_are_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["observations/qpos"] = made.joints(40)
        file.attrs["task"] = "fold the towel " * 20
    at = path.read_bytes().rindex(b"GCOL")
    os.truncate(path, at + 40)
    episode = only(path)
    assert any("is cut off" in problem.message for problem in episode.problems)
    assert len(episode.series[0].values) == 40


def test_a_chunk_that_cannot_be_unpacked_costs_its_own_pictures_only(tmp_path: Path) -> None:
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["action"] = made.joints(20)
        data = made_arrays.pictures(20)
        file.create_dataset("rgb", data=data, chunks=(4, 64, 96, 3), compression="gzip")
        chunk = file["rgb"].id.get_chunk_info(2)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * 64)
    camera = only(path).cameras[0]
    assert [one is None for one in pictures(camera)] == [8 <= at < 12 for at in range(20)]
    measured = measure_camera(camera)
    assert (measured.count, measured.error_count) == (16, 4)
    assert measured.lost_from_ns is not None


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", ["u.zarr", "u.zarr.zip", "u.zip"])
def test_a_replay_buffer_gives_its_episodes(tmp_path: Path, version: int, name: str) -> None:
    path = made_arrays.replay_buffer(tmp_path / name, lengths=(8, 11), version=version)
    one, two = episodes_at(path)
    assert [camera.name for camera in two.cameras] == ["camera0_rgb"]
    assert (one.cameras[0].declared_count, two.cameras[0].declared_count) == (8, 11)
    assert np.array_equal(pictures(two.cameras[0])[2], made.picture(10))
    roles = {name: one.role for name, one in series(two).items()}
    assert roles["robot0_eef_pos"] == "state"
    assert roles["action"] == "action"
    assert np.allclose(series(two)["action"].values, made.joints(19, 4, 7)[8:])


def test_pictures_kept_as_floats_are_drawn_as_they_look(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", names="pusht")
    camera = next(episodes_at(path)).cameras[0]
    assert camera.name == "img"
    assert np.array_equal(pictures(camera)[1], made.picture(1))


def test_a_codec_that_is_not_installed_is_named_with_its_package(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr")
    described = path / "data" / "camera0_rgb" / ".zarray"
    said = json.loads(described.read_text())
    described.write_text(json.dumps({**said, "compressor": {"id": "imagecodecs_jpegxl"}}))
    episodes = list(episodes_at(path))
    assert [episode.index for episode in episodes] == [0, 1]
    for episode in episodes:
        (problem,) = episode.problems
        assert (problem.check, problem.stream) == ("corrupt_stream", "camera0_rgb")
        assert "install the Python package imagecodecs" in problem.message
        assert len(episode.series) == 3


def test_an_array_shorter_than_its_episodes_is_told(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    group["data/action"].resize((15, 7))
    two = list(episodes_at(path))[1]
    (problem,) = two.problems
    assert "7 of 11 rows are in the file" in problem.message
    assert len(series(two)["action"].times_ns) == 7


FLOATS = made_arrays.pictures(20).astype(np.float32)


@pytest.mark.parametrize(
    "stored",
    [
        FLOATS / 255,
        FLOATS / 127.5 - 1,
        np.concatenate([np.zeros_like(FLOATS[:1]), FLOATS[1:]]),
        (FLOATS / 255).astype(np.float16),
    ],
    ids=["to 1", "from -1", "to 255 from black", "halves"],
)
def test_pictures_of_floats_go_by_what_all_of_them_hold(tmp_path: Path, stored: np.ndarray) -> None:
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["rgb"] = stored
    seen = pictures(only(path).cameras[0])
    assert np.allclose(seen[7], made.picture(7), atol=1)
    assert seen[0].mean() == pytest.approx(float(FLOATS[0].mean()) if stored[0].any() else 0, abs=1)


def vlen(path: Path, rows: list[bytes], name: str = "observations/images/top") -> Path:
    """An episode whose camera is rows of bytes."""
    with h5py.File(path, "w") as file:
        file["observations/qpos"] = made.joints(len(rows))
        cells = file.create_dataset(name, (len(rows),), h5py.vlen_dtype(np.uint8))
        for at, row in enumerate(rows):
            cells[at] = np.frombuffer(row, np.uint8)
    return path


def test_a_camera_whose_first_pictures_are_damaged_is_one(tmp_path: Path) -> None:
    rows = [b"\xff" * 40 if at < 10 else made.still(at) for at in range(40)]
    (camera,) = only(vlen(tmp_path / "a.hdf5", rows)).cameras
    assert measure_camera(camera).count == 30


@pytest.mark.parametrize("row", [b"\x80\x01" * 40, b""], ids=["noise", "nothing"])
def test_rows_called_pictures_that_are_none_are_told(tmp_path: Path, row: bytes) -> None:
    episode = only(vlen(tmp_path / "a.hdf5", [row] * 40))
    (problem,) = episode.problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "observations/images/top")
    assert "begins as a JPEG" in problem.message
    assert only(vlen(tmp_path / "b.hdf5", [row] * 40, "observations/cloud")).problems == ()


@pytest.mark.parametrize("name", ["observations/qpos", "action", "observations/images/top"])
def test_an_array_without_rows_is_a_stream_that_holds_nothing(tmp_path: Path, name: str) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        shape, kind = file[name].shape, file[name].dtype
        del file[name]
        file.create_dataset(name, (0, *shape[1:]), kind)
    episode = only(path)
    streams: list[Any] = [*episode.cameras, *episode.series]
    assert {one.name: one.declared_count for one in streams}[name] == 40


def test_a_demonstration_without_what_the_others_have_is_told(tmp_path: Path) -> None:
    lengths = {f"demo_{at}": 20 for at in range(5)}
    path = made_arrays.robomimic(tmp_path / "r.hdf5", lengths=lengths)
    with h5py.File(path, "a") as file:
        del file["data/demo_1/actions"]
        del file["data/demo_3/rewards"]
        file["data/demo_2/obs/extra_rgb"] = made_arrays.pictures(20)
    problems = {one.index: [said.stream for said in one.problems] for one in episodes_at(path)}
    assert problems == {0: [], 1: ["actions"], 2: [], 3: [], 4: []}


def test_num_samples_is_a_promise(tmp_path: Path) -> None:
    path = made_arrays.robomimic(tmp_path / "r.hdf5")
    with h5py.File(path, "a") as file:
        file["data/demo_2"].attrs["num_samples"] = 24
        file["data/demo_10"].attrs["num_samples"] = 50
    two, ten = episodes_at(path)
    assert two.problems == ()
    assert [one.check for one in ten.problems] == ["count_mismatch"]
    assert "has 30 rows, its num_samples promises 50" in ten.problems[0].message


@pytest.mark.parametrize("names", [("Demo_0", "Demo_1"), ("demo-0", "demo-1")])
def test_groups_of_episodes_may_be_written_otherwise(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    path = made_arrays.robomimic(tmp_path / "r.hdf5", lengths=dict.fromkeys(names, 20))
    assert [episode.index for episode in episodes_at(path)] == [0, 1]


def test_demonstrations_in_data_hide_none_beside_it(tmp_path: Path) -> None:
    path = made_arrays.robomimic(tmp_path / "r.hdf5", lengths={"demo_0": 20, "demo_1": 20})
    with h5py.File(path, "a") as file:
        file.move("data/demo_1", "demo_1")
    assert [episode.index for episode in episodes_at(path)] == [0, 1]


def test_a_pattern_that_no_group_fits_is_told(tmp_path: Path) -> None:
    path = unusual(tmp_path / "lab.h5")
    made.write_json(tmp_path / "lab.json", {"rate_hz": 20, "episodes": "takes/*"})
    (problem,) = only(path).problems
    assert problem.check == "missing_stream"
    assert '"episodes" is "takes/*", which no group' in problem.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"series": [{"dataset": "arm/q", "columns": ["a", "b"]}]}, "2 names for 6 numbers a row"),
        ({"series": [{"dataset": "arm/q", "offset_s": 1e300}]}, '"offset_s" is 1e+300: write sec'),
        ({"episodes": 5}, '"episodes" is 5: write an object'),
    ],
)
def test_a_mapping_that_says_what_cannot_be_is_told(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with h5py.File(tmp_path / "lab.h5", "w") as file:
        file["cam/rgb"], file["arm/q"] = made_arrays.pictures(20), made.joints(20, 1, 6)
    said = {"rate_hz": 20, "cameras": [{"dataset": "cam/rgb"}], **change}
    made.write_json(tmp_path / "lab.json", said)
    (problem,) = only(tmp_path / "lab.h5").problems
    assert words in problem.message


@pytest.mark.parametrize(
    ("ends", "episode", "words"),
    [
        ([8, 15], 1, "ends the last episode at row 15, 4 rows behind it are of none"),
        ([8, 25], 1, "ends episode 1 at row 25, the arrays have 19"),
        ([12, 8, 19], 0, "is 8 for episode 1"),
        ([], 0, "names no episode"),
        ([8.5, 19], 0, "is 8.5 for episode 0"),
        ([np.nan, 19], 0, "is nan for episode 0"),
    ],
)
def test_ends_that_do_not_fit_the_arrays_are_told(
    tmp_path: Path, ends: list[float], episode: int, words: str
) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    del group["meta/episode_ends"]
    values = np.array(ends)
    group.create_array("meta/episode_ends", shape=values.shape, dtype=values.dtype)[:] = values
    found = {one.index: [said.message for said in one.problems] for one in episodes_at(path)}
    assert [index for index, messages in found.items() if messages] == [episode]
    (message,) = found[episode]
    assert f"meta/episode_ends {words}" in message


def test_an_episode_of_no_rows_costs_no_other(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 0, 11))
    episodes = list(episodes_at(path))
    assert [one.cameras[0].source.there for one in episodes] == [8, 0, 11]
    assert np.array_equal(pictures(episodes[2].cameras[0])[2], made.picture(10))


@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_of_blosc_that_was_cut_off_is_lost(tmp_path: Path, version: int) -> None:
    """Blosc unpacks it, to whatever lay in memory."""
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(21,), version=version)
    array = zarr.open_group(str(path), mode="r")["data/camera0_rgb"]
    values = array[:]
    group = zarr.open_group(str(path), mode="a")
    del group["data/camera0_rgb"]
    codec = numcodecs.Blosc() if version == 2 else zarr.codecs.BloscCodec(cname="lz4")
    made_array = group.create_array(
        "data/camera0_rgb", shape=values.shape, dtype="u1", chunks=(7, 64, 96, 3), compressors=codec
    )
    made_array[:] = values
    chunk = path / "data/camera0_rgb" / ("1.0.0.0" if version == 2 else "c/1/0/0/0")
    os.truncate(chunk, chunk.stat().st_size // 2)
    (camera,) = only(path).cameras
    assert [one is None for one in pictures(camera)] == [7 <= at < 14 for at in range(21)]


def test_a_zip_may_hold_the_folder_of_the_store(tmp_path: Path) -> None:
    folder = made_arrays.replay_buffer(tmp_path / "u.zarr")
    with zipfile.ZipFile(tmp_path / "whole.zarr.zip", "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(tmp_path))
    _, two = episodes_at(tmp_path / "whole.zarr.zip")
    assert np.array_equal(pictures(two.cameras[0])[2], made.picture(10))


def test_a_real_file_of_robosuite_is_read(samples: Path) -> None:
    episode = only(samples / "hdf5" / "robosuite_wipe.hdf5")
    assert episode.index == 1
    assert {name: one.values.shape for name, one in series(episode).items()} == {
        "actions": (174, 6),
        "joint_torques": (174, 7),
        "states": (174, 15),
    }


def test_the_example_of_a_mapping_in_the_docs_is_read(tmp_path: Path) -> None:
    doc = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    said = next(text for text in doc.split("```json\n")[1:] if '"dataset"' in text)
    path = unusual(tmp_path / "lab.h5")
    with h5py.File(path, "a") as file:
        for run in file["runs"].values():
            run["gripper"] = made.joints(50, 2, 1)
            run["cam/stamp"] = np.arange(20) * 50_000 + np.arange(20) % 2 * 3000
    (tmp_path / "lab.h5.json").write_text(said.split("```")[0])
    for episode in episodes_at(path):
        assert episode.problems == ()
        assert series(episode)["grip"].columns == ("width",)
        assert episode.cameras[0].source.clock == "measured"


def test_a_checksum_behind_blosc_is_no_damage(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", version=3)
    group = zarr.open_group(str(path), mode="a")
    values = group["data/action"][:]
    packed = [zarr.codecs.BloscCodec(cname="lz4"), zarr.codecs.Crc32cCodec()]
    made_again = group.create_array(
        "data/action", shape=values.shape, dtype=values.dtype, compressors=packed, overwrite=True
    )
    made_again[:] = values
    assert [episode.problems for episode in episodes_at(path)] == [(), ()]


@pytest.mark.parametrize("rows", [3, 60])
def test_a_table_beside_the_steps_of_a_store_is_no_part_of_them(tmp_path: Path, rows: int) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    group.create_array("data/limits", shape=(rows, 2), dtype="f4")[:] = 1.0
    one, two = episodes_at(path)
    assert (one.problems, two.problems) == ((), ())
    assert len(two.series[0].times_ns) == 11


def test_a_camera_of_which_most_is_missing_is_no_table(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    pictures = group["data/camera0_rgb"][:5]
    short = group.create_array(
        "data/camera0_rgb", shape=pictures.shape, dtype=pictures.dtype, overwrite=True
    )
    short[:] = pictures
    one, two = episodes_at(path)
    assert "5 of 8 rows are in the file" in one.problems[0].message
    assert "0 of 11 rows are in the file" in two.problems[0].message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("wrist_image_compressed_size", np.arange(24)),
        ("image_caption", [""] * 24),
    ],
)
def test_a_helper_of_one_demonstration_is_no_camera_of_the_others(
    tmp_path: Path, name: str, values: Any
) -> None:
    path = made_arrays.robomimic(tmp_path / "r.hdf5")
    with h5py.File(path, "a") as file:
        kind = h5py.string_dtype() if isinstance(values, list) else None
        file["data/demo_2/obs"].create_dataset(name, data=values, dtype=kind)
    assert [episode.problems for episode in episodes_at(path)] == [(), ()]


def test_an_array_that_is_called_an_episode_is_none(tmp_path: Path) -> None:
    path = made_arrays.robomimic(tmp_path / "r.hdf5")
    with h5py.File(path, "a") as file:
        file["episode_0"] = np.arange(10.0)
    assert len(list(episodes_at(path))) == 2
