"""What must hold of every reader, whatever is recorded: when, how much, and in which container."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import made
import made_arrays
import made_logs
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dailies.recordings import episodes_at
from dailies.recordings.contract import Episode, VideoFile
from dailies.words import NS
from quality.measures.decode import measure_camera

PHASES = (Phase.explicit, Phase.generate)
QUICK = settings(max_examples=12, deadline=None, phases=PHASES)
COSTLY = settings(max_examples=4, deadline=None, phases=PHASES)
ROS = {
    "a.mcap": (made_logs.mcap_ros2, made_logs.ROS2),
    "a.bag": (made_logs.ros1_bag, made_logs.ROS1),
    "db3": (made_logs.ros2_bag, made_logs.ROS2),
    "mcap": (lambda path, **how: made_logs.ros2_bag(path, storage="mcap", **how), made_logs.ROS2),
}
LOGS: dict[str, Callable[[Path], Path]] = {
    "a.mcap": made_logs.mcap_ros2,
    "json.mcap": made_logs.foxglove_json,
    "protobuf.mcap": made_logs.foxglove_protobuf,
    "a.bag": made_logs.ros1_bag,
    "a": made_logs.ros2_bag,
    "a.db3": made_logs.lone_db3,
}
Lengths = Sequence[int]
DATASETS: dict[str, Callable[[Path, Lengths], Path]] = {
    "v2.0": lambda path, lengths: made.lerobot_v2(path, version="v2.0", lengths=lengths),
    "v2.1": lambda path, lengths: made.lerobot_v2(path, lengths=lengths),
    "v3.0": lambda path, lengths: made.lerobot_v3(path, lengths=lengths),
    "robomimic.hdf5": lambda path, lengths: made_arrays.robomimic(
        path, lengths={f"demo_{at}": length for at, length in enumerate(lengths)}
    ),
    "umi.zarr": lambda path, lengths: made_arrays.replay_buffer(path, lengths=tuple(lengths)),
    "rlds": lambda path, lengths: made_arrays.rlds(path, shards=(tuple(lengths),)),
}

steps_ns = st.lists(st.integers(1, 200_000_000), min_size=2, max_size=30)
numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@contextmanager
def place(name: str) -> Iterator[Path]:
    """A path of its own for each example, which a fixture would share among them."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / name


def opened(path: Path) -> list[Episode]:
    return list(episodes_at(path))


def told(episode: Episode) -> list[tuple[Any, ...]]:
    """What an episode holds but for when and where it was recorded."""
    cameras = [
        (camera.name, camera.offset_ns, seen(camera.source), as_list(camera.delays_ns))
        for camera in episode.cameras
    ]
    series = [
        (one.name, one.columns, one.role, one.times_ns.tolist(), one.values.tolist(),
         as_list(one.delays_ns))
        for one in episode.series
    ]  # fmt: skip
    return [*cameras, *series, *episode.problems]


def seen(source: Any) -> Any:
    if isinstance(source, VideoFile):
        return source.start_s, source.end_s
    return [
        (one.time_ns, None if one.content is None else bytes(one.content))
        for one in source.pictures()
    ]


def as_list(numbers: Any) -> list[int] | None:
    return None if numbers is None else numbers.tolist()


def joint_states(store: Any, steps: Sequence[int], values: Sequence[float]) -> list[Any]:
    """Messages of one joint at times so far apart, its values in turn."""
    kind = store.types["sensor_msgs/msg/JointState"]
    listed, at_ns = [], 0
    for number, step in enumerate(steps):
        at_ns += step
        position = np.array([values[number % len(values)]], np.float64)
        message = kind(
            made_logs.header(store, at_ns, number), ["elbow"], position, np.zeros(1), np.zeros(1)
        )
        listed.append(("/joint_states", at_ns, message))
    return listed


@pytest.mark.parametrize("name", LOGS)
@QUICK
@given(days=st.integers(-5000, 200), part_us=st.integers(0, 10**6))
def test_a_log_of_another_day_differs_by_its_start_alone(
    name: str, days: int, part_us: int
) -> None:
    later = dt.timedelta(days=days, microseconds=part_us)
    with place(name) as path:
        (usual,) = opened(LOGS[name](path))
        shown = told(usual)
    started_ns = made_logs.START_NS + days * 86_400 * NS + part_us * 1000
    with patch.object(made_logs, "START_NS", started_ns), place(name) as path:
        (other,) = opened(LOGS[name](path))
        assert told(other) == shown
    assert usual.metadata.started_at is not None
    assert other.metadata == replace(usual.metadata, started_at=usual.metadata.started_at + later)


@QUICK
@given(steps=steps_ns, values=st.lists(numbers, min_size=1, max_size=5))
def test_what_is_recorded_is_read_alike_from_every_container(
    steps: list[int], values: list[float]
) -> None:
    expected = np.cumsum(steps) - steps[0]
    for name, (make, store) in ROS.items():
        with place(name) as path:
            (episode,) = opened(make(path, messages=joint_states(store, steps, values)))
        (series,) = (one for one in episode.series if one.role == "state")
        assert series.times_ns.tolist() == expected.tolist(), name
        assert series.values[:, 0].tolist() == [
            values[at % len(values)] for at in range(len(steps))
        ], name
        assert not episode.problems


@pytest.mark.parametrize("name", ROS)
@QUICK
@given(steps=steps_ns, cut=st.integers(1, 29))
def test_a_log_of_two_is_the_one_after_the_other(name: str, steps: list[int], cut: int) -> None:
    cut = min(cut, len(steps) - 1)
    make, store = ROS[name]
    values = np.sin(np.arange(len(steps))).tolist()
    listed = joint_states(store, steps, values)
    parts = []
    for number, messages in enumerate((listed, listed[:cut], listed[cut:])):
        with place(f"{number}{name}") as path:
            (episode,) = opened(make(path, messages=messages))
            parts.append(episode.series[0])
    whole, first, second = parts
    gone_ns = sum(steps[1 : cut + 1])
    joined = np.concatenate([first.times_ns, second.times_ns + gone_ns])
    assert whole.times_ns.tolist() == joined.tolist()
    assert whole.values.tolist() == [*first.values.tolist(), *second.values.tolist()]


@pytest.mark.parametrize("name", DATASETS)
@COSTLY
@given(lengths=st.lists(st.integers(2, 20), min_size=2, max_size=4))
def test_a_dataset_s_episodes_are_as_long_as_they_were_written_and_each_is_read_alone(
    name: str, lengths: list[int]
) -> None:
    with place(name) as path:
        DATASETS[name](path, lengths)
        episodes = opened(path)
        assert [len(one.series[0].times_ns) for one in episodes] == lengths
        for episode in episodes:
            (alone,) = episodes_at(path, [episode.index])
            assert told(alone) == told(episode)
            for camera in episode.cameras:
                assert measure_camera(camera, threads=1).count == lengths[episode.index]
            times = episode.series[0].times_ns
            assert times[0] == 0
            assert np.ptp(np.diff(times)) <= 1000  # times are kept in single precision


@QUICK
@given(
    start=st.integers(0, 59),
    length=st.integers(1, 30),
    offset_ms=st.integers(0, 5000),
)
def test_the_joints_of_a_folder_stand_where_their_column_says(
    start: int, length: int, offset_ms: int
) -> None:
    with place("folder") as path:
        made.folder(path)
        table = pq.read_table(path / "imu.parquet")
        stamps = np.asarray(table["stamp"])[start : start + length] + offset_ms * 1_000_000
        cut = table.slice(start, length).set_column(0, "stamp", [stamps])
        made.write_table(path / "imu.parquet", cut)
        (episode,) = opened(path)
    imu = next(one for one in episode.series if one.name == "imu")
    assert imu.times_ns.tolist() == stamps.tolist()
    np.testing.assert_allclose(imu.values, made.joints(200, seed=5)[start : start + length])
