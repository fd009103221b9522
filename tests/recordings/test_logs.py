"""MCAP files and ROS bags: what is taken from them, on which clock, and what damage leaves."""

from __future__ import annotations

import base64
import json
import math
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made
import made_logs
import numpy as np
import pytest
from made_logs import DELAY_NS, ROS1, ROS2, START_NS, header
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter

from dailies.recordings import episodes_at, fingerprint, topics
from dailies.recordings.contract import Carried, CarriedPicture, Episode
from dailies.recordings.topics import LoggedPictures, times_of

SAMPLES = Path(os.environ.get("DAILIES_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
BAGS = SAMPLES / "bags"
MAKERS: dict[str, Callable[..., Path]] = {
    "a.mcap": made_logs.mcap_ros2,
    "a.bag": made_logs.ros1_bag,
    "a": made_logs.ros2_bag,
    "a.db3": made_logs.lone_db3,
}


def opened(path: Path) -> Episode:
    (episode,) = episodes_at(path)
    return episode


def pictures(episode: Episode, camera: int = 0) -> list[CarriedPicture]:
    source = episode.cameras[camera].source
    assert isinstance(source, LoggedPictures)
    return list(source.pictures())


def one_topic(path: Path, *messages: Any, topic: str = "/x", **options: Any) -> Episode:
    """An MCAP with these messages 0.1 s apart on one topic, opened."""
    listed = [(topic, at * 10**8, message) for at, message in enumerate(messages)]
    return opened(made_logs.mcap_ros2(path / "one.mcap", messages=listed, **options))


def test_one_recording_is_the_same_in_every_container(tmp_path: Path) -> None:
    episodes = [opened(make(tmp_path / name, seed=3)) for name, make in MAKERS.items()]
    first = episodes[0]
    assert [len(pictures(one)) for one in episodes] == [30] * 4
    assert [one.cameras[0].name for one in episodes] == ["/camera/compressed"] * 4
    for other in episodes[1:]:
        assert [one.time_ns for one in pictures(other)] == [one.time_ns for one in pictures(first)]
        assert pictures(other)[7].content == pictures(first)[7].content
        for one, another in zip(first.series, other.series, strict=True):
            assert (one.name, one.role, one.columns) == (
                another.name,
                another.role,
                another.columns,
            )
            np.testing.assert_array_equal(one.times_ns, another.times_ns)
            np.testing.assert_array_equal(one.values, another.values)
        assert other.metadata == first.metadata
        assert fingerprint(other) == fingerprint(first)


def test_joints_are_the_state_and_commands_the_action_and_each_sensor_has_its_columns(
    tmp_path: Path,
) -> None:
    series = {one.name: one for one in opened(made_logs.mcap_ros2(tmp_path / "a.mcap")).series}
    assert {name: (one.role, one.columns) for name, one in series.items()} == {
        "/joint_states": ("state", ("shoulder", "elbow", "wrist")),
        "/arm/command": ("action", ("data_0", "data_1", "data_2")),
        "/imu": (
            "other",
            tuple(f"{kind}_{axis}" for kind in ("angular_velocity", "linear_acceleration")
                  for axis in "xyz"),
        ),
        "/wrist/wrench": (
            "other",
            ("force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z"),
        ),
    }  # fmt: skip
    np.testing.assert_allclose(series["/joint_states"].values, made.joints(50))
    assert series["/wrist/wrench"].values[30].tolist() == [1.0, 2.0, 3.0, 0.1, 0.2, 0.3]


def test_velocity_and_effort_are_series_of_their_own_where_a_driver_fills_them(
    tmp_path: Path,
) -> None:
    state = ROS2.types["sensor_msgs/msg/JointState"]
    ones, none = np.ones(2), np.empty(0)
    moving = [state(header(ROS2, at), ["a", "b"], ones * at, ones * 7, none) for at in range(3)]
    series = one_topic(tmp_path, *moving, topic="/arm").series
    assert [(one.name, one.role) for one in series] == [
        ("/arm", "state"),
        ("/arm.velocity", "other"),
    ]
    assert series[1].values.tolist() == [[7.0, 7.0]] * 3


def test_what_is_never_a_number_is_left_out_and_what_is_once_is_kept(tmp_path: Path) -> None:
    types, none = ROS2.types, np.empty(0)
    state, twist = types["sensor_msgs/msg/JointState"], types["geometry_msgs/msg/Twist"]
    vector = types["geometry_msgs/msg/Vector3"]
    unknown = np.full(2, np.nan)
    arm = [state(header(ROS2, at), ["a", "b"], np.ones(2) * at, none, unknown) for at in range(3)]
    assert [one.name for one in one_topic(tmp_path, *arm, topic="/arm").series] == ["/arm"]
    lost = [state(header(ROS2, at), ["a", "b"], unknown, none, none) for at in range(3)]
    (series,) = one_topic(tmp_path, *lost, topic="/arm").series
    assert (series.role, series.columns) == ("state", ("a", "b"))  # a robot has a pose
    still, drift = vector(0.0, 0.0, math.inf), vector(math.nan, 1.0, math.nan)
    flown = [twist(drift if at else still, still) for at in range(3)]
    (series,) = one_topic(tmp_path, *flown, topic="/speed").series
    assert series.columns == ("linear_x", "linear_y", "angular_x", "angular_y")
    assert np.isnan(series.values).sum() == 2
    dead = [twist(vector(*3 * [math.nan]), vector(*3 * [math.nan])) for _ in range(3)]
    (series,) = one_topic(tmp_path, *dead, topic="/speed").series
    assert len(series.columns) == 6


def test_a_driver_that_gives_speeds_alone_is_not_missing(tmp_path: Path) -> None:
    state = ROS2.types["sensor_msgs/msg/JointState"]
    none = np.empty(0)
    wheels = [state(header(ROS2, at), ["l", "r"], none, np.ones(2), none) for at in range(3)]
    episode = one_topic(tmp_path, *wheels, topic="/wheels")
    assert [one.name for one in episode.series] == ["/wheels.velocity"]
    assert episode.problems == ()


def test_two_arms_on_one_topic_are_two_series(tmp_path: Path) -> None:
    state = ROS2.types["sensor_msgs/msg/JointState"]
    none = np.empty(0)
    both = [
        state(header(ROS2, at), [f"{side}_1"], np.array([float(at)]), none, none)
        for at in range(4)
        for side in ("left", "right")
    ]
    series = one_topic(tmp_path, *both, topic="/joint_states").series
    assert [(one.name, one.columns) for one in series] == [
        ("/joint_states", ("left_1",)),
        ("/joint_states-2", ("right_1",)),
    ]
    assert [one.values.ravel().tolist() for one in series] == [[0.0, 1.0, 2.0, 3.0]] * 2


def test_poses_speeds_and_the_goal_of_a_trajectory_are_series(tmp_path: Path) -> None:
    types = ROS2.types
    point, turn = types["geometry_msgs/msg/Point"], types["geometry_msgs/msg/Quaternion"]
    pose = types["geometry_msgs/msg/Pose"](point(1.0, 2.0, 3.0), turn(0.0, 0.0, 0.0, 1.0))
    vector = types["geometry_msgs/msg/Vector3"]
    twist = types["geometry_msgs/msg/Twist"](vector(4.0, 0.0, 0.0), vector(0.0, 0.0, 5.0))
    zeros = np.zeros(36)
    odometry = types["nav_msgs/msg/Odometry"](
        header(ROS2, 0), "base",
        types["geometry_msgs/msg/PoseWithCovariance"](pose, zeros),
        types["geometry_msgs/msg/TwistWithCovariance"](twist, zeros),
    )  # fmt: skip
    none, duration = np.empty(0), types["builtin_interfaces/msg/Duration"](1, 0)
    goals = [
        types["trajectory_msgs/msg/JointTrajectoryPoint"](
            np.full(2, at), none, none, none, duration
        )
        for at in (1.0, 9.0)
    ]
    trajectory = types["trajectory_msgs/msg/JointTrajectory"](header(ROS2, 0), ["a", "b"], goals)
    stamped = types["geometry_msgs/msg/PoseStamped"](header(ROS2, 0), pose)
    messages = [("/odom", 0, odometry), ("/goal", 0, trajectory), ("/tool", 0, stamped)]
    series = {
        one.name: one
        for one in opened(made_logs.mcap_ros2(tmp_path / "a.mcap", messages=messages)).series
    }
    assert series["/goal"].role == "action"
    assert dict(zip(series["/goal"].columns, series["/goal"].values[0], strict=True)) == {
        "a": 9.0, "b": 9.0,
    }  # fmt: skip
    assert series["/tool"].columns[:4] == (
        "position_x",
        "position_y",
        "position_z",
        "orientation_x",
    )
    assert series["/odom"].columns[7:] == (
        "linear_x", "linear_y", "linear_z", "angular_x", "angular_y", "angular_z",
    )  # fmt: skip
    assert series["/odom"].values[0].tolist() == [1, 2, 3, 0, 0, 0, 1, 4, 0, 0, 0, 0, 5]


def test_stamps_are_the_times_and_the_way_to_the_log_is_kept(tmp_path: Path) -> None:
    episode = opened(made_logs.mcap_ros2(tmp_path / "a.mcap"))
    joints = next(one for one in episode.series if one.name == "/joint_states")
    assert joints.times_ns[:2].tolist() == [0, 20_000_000]
    assert joints.delays_ns is not None
    assert set(joints.delays_ns.tolist()) == {DELAY_NS}
    assert episode.cameras[0].delays_ns is not None
    assert set(episode.cameras[0].delays_ns.tolist()) == {DELAY_NS}
    assert episode.metadata.started_at is not None
    assert episode.metadata.started_at.timestamp() * 1e9 == START_NS


@pytest.mark.parametrize(
    ("stamps", "logged", "times", "is_stamped"),
    [
        ([10, 20, 30], [11, 21, 31], [10, 20, 30], True),
        ([0, 0, 0], [11, 21, 31], [11, 21, 31], False),
        ([5, 5, 5], [11, 21, 31], [11, 21, 31], False),
        ([1010, 1020, 1030], [11, 21, 31], [11, 21, 31], False),
        ([10, 20, 30], [0, 0, 0], [10, 20, 30], True),
        ([10, 0, 30], [11, 21, 31], [10, 21, 30], True),
        ([10, 20, 30], [11, 0, 31], [10, 20, 30], True),
    ],
    ids=["both", "no stamps", "stuck stamps", "another clock", "no log time", "a stamp of 0",
         "a log time of 0"],
)  # fmt: skip
def test_a_stamp_is_believed_where_it_agrees_with_the_log_and_goes_on(
    stamps: list[int], logged: list[int], times: list[int], is_stamped: bool
) -> None:
    """All in seconds since 2025."""
    year = 1_735_689_600

    def nanoseconds(seconds: list[int]) -> np.ndarray:
        return np.array([(year + one) * 10**9 if one else 0 for one in seconds], np.int64)

    chosen, used, _ = times_of(nanoseconds(stamps), nanoseconds(logged))
    assert chosen.tolist() == nanoseconds(times).tolist()
    assert used is is_stamped


def test_a_message_stamped_0_makes_no_episode_of_50_years(tmp_path: Path) -> None:
    layout = ROS2.types["std_msgs/msg/MultiArrayLayout"]([], 0)
    array = ROS2.types["std_msgs/msg/Float64MultiArray"]
    rows = [array(layout, np.array([float(at)])) for at in range(5)]
    episode = one_topic(tmp_path, *rows, log_times={0: 0, 3: START_NS + 40 * 365 * 86_400 * 10**9})
    (series,) = episode.series
    assert series.times_ns.tolist() == [0, 100_000_000, 300_000_000]
    assert series.values.ravel().tolist() == [1.0, 2.0, 4.0]
    (problem,) = episode.problems
    assert problem.stream == "/x"
    assert "2 of 5 messages carry a time that cannot be" in problem.message
    assert series.declared_count == 3


def plane(encoding: str, rgb: np.ndarray) -> tuple[np.ndarray, int]:
    """The rows of a raw message that show ``rgb``, and bytes a row, 4 of them padding."""
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    made_as = {
        "mono8": lambda: grey,
        "rgb8": lambda: rgb,
        "bgr8": lambda: rgb[:, :, ::-1],
        "bgra8": lambda: cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA),
        "yuv422": lambda: cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_UYVY),
        "yuv422_yuy2": lambda: cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_YUY2),
        "nv21": lambda: nv21(rgb),
    }
    rows = made_as[encoding]()
    rows = np.ascontiguousarray(rows).reshape(rows.shape[0], -1)
    return np.pad(rows, ((0, 0), (0, 4))), rows.shape[1] + 4


def nv21(rgb: np.ndarray) -> np.ndarray:
    import cv2

    planar = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    u, v = planar[height:].reshape(2, -1)
    return np.concatenate([planar[:height], np.stack([v, u], axis=1).reshape(-1, width)])


@pytest.mark.parametrize(
    "encoding", ["mono8", "rgb8", "bgr8", "bgra8", "yuv422", "yuv422_yuy2", "nv21"]
)
def test_raw_pictures_are_read_in_every_usual_order_of_bytes(tmp_path: Path, encoding: str) -> None:
    rgb = made.picture(3)
    rows, step = plane(encoding, rgb)
    image = made_logs.image_bytes(ROS2, 0, encoding, rows, step)
    episode = one_topic(tmp_path, image, image, image, topic="/camera/image_raw")
    shown = pictures(episode)[1].content
    assert isinstance(shown, np.ndarray)
    if encoding == "mono8":
        assert shown.shape == (made.HEIGHT, made.WIDTH)
        shown = np.repeat(shown[:, :, None], 3, axis=2)
    assert shown.shape == rgb.shape
    assert np.abs(shown.astype(int) - rgb).mean() < 3


def test_depth_is_a_stream_that_is_counted_and_timed_but_not_looked_at(tmp_path: Path) -> None:
    depth = made_logs.image_bytes(ROS2, 0, "16UC1", np.zeros((64, 192), np.uint8), 192)
    episode = one_topic(tmp_path, depth, depth, depth, topic="/camera/depth")
    assert (episode.cameras, episode.problems) == ((), ())
    assert [(one.name, one.columns, one.values.shape) for one in episode.series] == [
        ("/camera/depth", (), (3, 0))
    ]


def test_a_topic_nobody_can_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "odd.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        schema = writer.register_schema("acme/msg/Secret", "ros2msg", b"")
        secret = writer.register_channel("/secret", "cdr", schema)
        odd = writer.register_channel("/odd", "flatbuffer", 0)
        plain = writer.register_schema("acme.Force", "jsonschema", b"{}")
        force = writer.register_channel("/force", "json", plain)
        for at in range(4):
            when = START_NS + at * 10**8
            writer.add_message(secret, when, b"\0\1\0\0abc", when)
            writer.add_message(odd, when, b"abc", when)
            writer.add_message(force, when, json.dumps({"n": at, "who": "left"}).encode(), when)
        writer.finish()
    episode = opened(path)
    assert {one.name: one.columns for one in episode.series} == {
        "/force": ("n",), "/odd": (), "/secret": (),
    }  # fmt: skip
    assert episode.problems == ()


def test_a_camera_nobody_can_read_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "odd.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        schema = writer.register_schema("sensor_msgs/msg/CompressedImage", "ros2msg", b"garbage (")
        camera = writer.register_channel("/camera", "cdr", schema)
        writer.add_message(camera, START_NS, b"abc", START_NS)
        writer.finish()
    (problem,) = opened(path).problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "/camera")


def test_a_damaged_first_message_does_not_cost_the_others(tmp_path: Path) -> None:
    path = tmp_path / "odd.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        plain = writer.register_schema("acme.Force", "jsonschema", b"{}")
        force = writer.register_channel("/force", "json", plain)
        image = writer.register_schema("foxglove.CompressedImage", "jsonschema", b"{}")
        eye = writer.register_channel("/eye", "json", image)
        for at in range(4):
            when = START_NS + at * 10**8
            shown = {"data": base64.b64encode(made.still(at)).decode(), "format": "jpeg"}
            for channel, told in ((force, {"n": at}), (eye, shown)):
                content = json.dumps(told).encode() if at else b"{damaged"
                writer.add_message(channel, when, content, when)
        writer.finish()
    episode = opened(path)
    assert [one.content for one in pictures(episode)] == [
        None, made.still(1), made.still(2), made.still(3),
    ]  # fmt: skip
    assert episode.series[0].values.ravel().tolist() == [1.0, 2.0, 3.0]
    (problem,) = episode.problems  # of the picture, measuring tells
    assert problem.stream == "/force"
    assert "1 messages cannot be decoded" in problem.message


def test_a_camera_that_is_listed_and_never_came_is_missing(tmp_path: Path) -> None:
    path = made_logs.mcap_ros2(tmp_path / "a.mcap")
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        text, _ = ROS2.generate_msgdef("sensor_msgs/msg/CompressedImage", ros_version=2)
        schema = writer.register_schema("sensor_msgs/msg/CompressedImage", "ros2msg", text.encode())
        writer.register_channel("/camera/wrist", "cdr", schema)
        writer.finish()
    (problem,) = opened(path).problems
    assert (problem.check, problem.stream) == ("missing_stream", "/camera/wrist")


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_truncated_mcap_gives_what_it_holds_and_says_what_is_lost(
    tmp_path: Path, compression: CompressionType
) -> None:
    path = made_logs.mcap_ros2(tmp_path / "a.mcap", compression=compression)
    os.truncate(path, path.stat().st_size * 6 // 10)
    episode = opened(path)
    (problem,) = episode.problems
    assert problem.check == "corrupt_stream"
    assert "breaks off at byte" in problem.message
    count = len(pictures(episode))
    assert 12 <= count <= 22
    assert all(picture.content for picture in pictures(episode))
    assert all(len(series.times_ns) > 10 for series in episode.series)


@pytest.mark.parametrize("compression", [None, "bz2", "lz4"])
def test_a_truncated_bag_gives_what_it_holds_and_says_what_is_lost(
    tmp_path: Path, compression: str | None
) -> None:
    path = made_logs.ros1_bag(tmp_path / "a.bag", compression=compression)
    os.truncate(path, path.stat().st_size * 6 // 10)
    episode = opened(path)
    assert {problem.check for problem in episode.problems} == {"corrupt_stream"}
    assert "breaks off at byte" in episode.problems[0].message
    # bz2 packs 900 kB at a time: none of this chunk's only block can be had
    assert len(episode.series) == (0 if compression == "bz2" else 4)


def test_a_bag_without_its_index_is_read_and_the_crash_is_told(tmp_path: Path) -> None:
    path = made_logs.ros1_bag(tmp_path / "a.bag")
    whole = opened(path)
    content = path.read_bytes()
    index_at = int.from_bytes(content[content.index(b"index_pos=") + 10 :][:8], "little")
    blank = content.replace(
        b"index_pos=" + index_at.to_bytes(8, "little"), b"index_pos=" + bytes(8)
    )
    path.write_bytes(blank[:index_at])
    episode = opened(path)
    assert [problem.message for problem in episode.problems if "no index" in problem.message]
    assert fingerprint(replace(episode, problems=())) == fingerprint(whole)


def test_zeros_before_the_index_of_a_bag_are_no_loss(tmp_path: Path) -> None:
    path = made_logs.ros1_bag(tmp_path / "a.bag")
    whole, content = opened(path), path.read_bytes()
    index_at = int.from_bytes(content[content.index(b"index_pos=") + 10 :][:8], "little")

    def with_gap(gap: bytes) -> Episode:
        named = b"index_pos=" + index_at.to_bytes(8, "little")
        moved = b"index_pos=" + (index_at + len(gap)).to_bytes(8, "little")
        changed = content.replace(named, moved)
        path.write_bytes(changed[:index_at] + gap + changed[index_at:])
        return opened(path)

    assert with_gap(bytes(49)).problems == ()
    assert fingerprint(with_gap(bytes(49))) == fingerprint(whole)
    for gap in (bytes(512), bytes(40) + b"\1" + bytes(8)):
        assert "breaks off at byte" in with_gap(gap).problems[0].message


def test_an_mcap_without_an_index_is_whole(tmp_path: Path) -> None:
    from mcap.writer import IndexType

    whole = opened(made_logs.mcap_ros2(tmp_path / "a.mcap"))
    for name, options in {
        "b.mcap": {"index_types": IndexType.NONE, "use_statistics": False,
                   "use_summary_offsets": False, "repeat_channels": False, "repeat_schemas": False},
        "c.mcap": {"use_chunking": False},
    }.items():  # fmt: skip
        bare = opened(made_logs.mcap_ros2(tmp_path / name, **options))
        assert bare.problems == ()
        assert fingerprint(bare) == fingerprint(whole)
        assert len(pictures(bare)) == 30


def test_an_mcap_whose_recorder_died_says_so(tmp_path: Path) -> None:
    path = made_logs.mcap_ros2(tmp_path / "a.mcap", use_chunking=False)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\x0f" + (4).to_bytes(8, "little"))])  # DataEnd
    episode = opened(path)
    assert ["no end mark" in problem.message for problem in episode.problems] == [True]
    assert len(pictures(episode)) == 30


def test_a_damaged_chunk_costs_its_own_messages_only(tmp_path: Path) -> None:
    path = made_logs.mcap_ros2(tmp_path / "a.mcap", compression=CompressionType.NONE)
    content = bytearray(path.read_bytes())
    whole = opened(path)
    at = len(content) // 2
    content[at] ^= 0xFF
    path.write_bytes(content)
    assert any("checksum differs" in problem.message for problem in opened(path).problems)
    content[at - 40 : at + 40] = bytes(80)
    path.write_bytes(content)
    damaged = opened(path)
    assert damaged.problems
    assert len(damaged.series) == len(whole.series)
    assert 70 < len(damaged.series[1].times_ns) <= 100
    assert damaged.series[1].times_ns[-1] == whole.series[1].times_ns[-1]


def test_metadata_in_an_mcap_says_whose_it_is_and_a_file_beside_it_stands_over_it(
    tmp_path: Path,
) -> None:
    told = {
        "task": "open-jar", "worker": "w-1", "site": "lisbon",
        "started_at": "2026-03-02T10:00:00+01:00",
        "steps": '[{"label": "grip", "start_s": 0.0, "end_s": 0.5}]',
    }  # fmt: skip
    path = made_logs.mcap_ros2(tmp_path / "a.mcap", metadata=told)
    metadata = opened(path).metadata
    assert (metadata.task, metadata.worker, metadata.site) == ("open-jar", "w-1", "lisbon")
    assert metadata.started_at is not None
    assert metadata.started_at.isoformat() == "2026-03-02T10:00:00+01:00"
    assert [step.label for step in metadata.steps] == ["grip"]
    made.write_json(tmp_path / "a.mcap.json", {"worker": "w-2", "rig": "r-1"})
    metadata = opened(path).metadata
    assert (metadata.task, metadata.worker, metadata.rig) == ("open-jar", "w-2", "r-1")
    assert opened(path).problems == ()


def test_a_bag_and_a_bags_folder_have_their_json_too(tmp_path: Path) -> None:
    bag, folder = made_logs.ros1_bag(tmp_path / "a.bag"), made_logs.ros2_bag(tmp_path / "b")
    made.write_json(tmp_path / "a.json", {"worker": "w-3"})
    made.write_json(folder / "dailies.json", {"worker": "w-4", "duration_s": 1})
    assert opened(bag).metadata.worker == "w-3"
    assert opened(folder).metadata.worker == "w-4"
    assert opened(folder).declared_duration_s == 1.0


def test_a_ros2_bag_whose_file_was_renamed_is_read_and_told_of(tmp_path: Path) -> None:
    folder = made_logs.ros2_bag(tmp_path / "bag")
    whole = opened(folder)
    [file] = folder.glob("*.db3")
    file.rename(folder / "take.db3")
    found = opened(folder)
    assert [problem.check for problem in found.problems] == ["count_mismatch"]
    assert f"names {file.name}, but take.db3 is there" in found.problems[0].message
    text = (folder / "metadata.yaml").read_text()
    (folder / "metadata.yaml").write_text(text.replace(file.name, "take.db3.zstd"))
    assert opened(folder).problems == ()  # it was unpacked
    (folder / "metadata.yaml").write_text(text)
    assert [one.name for one in found.series] == [one.name for one in whole.series]
    (folder / "take.db3").rename(tmp_path / "gone.db3")
    assert [problem.check for problem in opened(folder).problems] == ["missing_stream"]


def test_a_bag_of_several_files_is_one_recording(tmp_path: Path) -> None:
    messages = made_logs.ros_messages(ROS2, seed=4)
    whole = opened(made_logs.ros2_bag(tmp_path / "whole", messages=messages))
    half = len(messages) // 2
    folder = made_logs.ros2_bag(tmp_path / "split", messages=messages[:half])
    rest = made_logs.ros2_bag(tmp_path / "rest", messages=messages[half:])
    (rest / "rest.db3").rename(folder / "split_1.db3")
    text = (folder / "metadata.yaml").read_text()
    text = text.replace("  - split.db3\n", "  - split.db3\n  - split_1.db3\n")
    (folder / "metadata.yaml").write_text(text)
    split = opened(folder)
    assert len(pictures(split)) == 30
    assert [one.time_ns for one in pictures(split)] == [one.time_ns for one in pictures(whole)]
    assert [len(one.times_ns) for one in split.series] == [
        len(one.times_ns) for one in whole.series
    ]
    (folder / "split_1.db3").unlink()
    assert any(
        problem.check == "missing_stream" and "split_1.db3" in problem.message
        for problem in opened(folder).problems
    )


def test_a_file_much_larger_than_memory_would_be_read_in_pieces(tmp_path: Path) -> None:
    """48 MB of pictures in chunks of 1 MB: never more than a few of them in memory."""
    noise = np.random.default_rng(1)
    compressed = ROS1.types["sensor_msgs/msg/CompressedImage"]
    messages = [
        ("/camera", at * 10**7, compressed(header(ROS1, at * 10**7), "jpeg",
                                           noise.integers(0, 255, 240_000, np.uint8)))
        for at in range(200)
    ]  # fmt: skip
    made_logs.ros1_bag(tmp_path / "a.bag", messages=messages)
    compressed = ROS2.types["sensor_msgs/msg/CompressedImage"]
    messages = [
        (topic, at, compressed(header(ROS2, at), "jpeg", message.data))
        for topic, at, message in messages
    ]
    made_logs.mcap_ros2(tmp_path / "a.mcap", messages=messages, chunk_size=1 << 20)
    made_logs.ros2_bag(tmp_path / "a", messages=messages)
    for name in ("a.mcap", "a.bag", "a"):
        tracemalloc.start()
        source = opened(tmp_path / name).cameras[0].source
        assert isinstance(source, LoggedPictures)
        carried: Carried = source
        assert sum(1 for _ in carried.pictures()) == 200
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8_000_000, name


@pytest.mark.skipif(not BAGS.is_dir(), reason="no samples here")
def test_the_deepen_sample_is_the_same_in_its_three_containers() -> None:
    names = ("deepen_sample.mcap", "deepen_sample_ros1.bag", "deepen_sample_ros2")
    episodes = [opened(BAGS / name) for name in names]
    for episode in episodes:
        assert episode.problems == ()
        assert [(one.name, one.role, len(one.times_ns)) for one in episode.series] == [
            ("/gripper/joint_states", "state", 200),
            ("/joint_command", "action", 200),
            ("/joint_states", "state", 200),
        ]
        for one, other in zip(episode.series, episodes[0].series, strict=True):
            assert np.abs(one.times_ns - other.times_ns).max() < 1_000_000
            np.testing.assert_array_equal(one.values, other.values)
    shown = [pictures(episode) for episode in episodes[:2]]
    assert [len(one) for one in shown] == [100, 100]
    assert abs(shown[0][0].time_ns - 25_000_000) < 1_000_000
    assert fingerprint(episodes[0]) == fingerprint(episodes[1])


@pytest.mark.skipif(not BAGS.is_dir(), reason="no samples here")
@pytest.mark.parametrize("path", sorted(BAGS.glob("trajectory_*.mcap")), ids=lambda path: path.name)
def test_a_trajectory_whose_log_begins_in_1970_lasts_seconds(path: Path) -> None:
    episode = opened(path)
    assert max(int(one.times_ns[-1]) for one in episode.series) < 3e9
    assert episode.metadata.started_at is not None
    assert episode.metadata.started_at.year == 2025
    assert {one.name: one.role for one in episode.series}["/joint_states"] == "state"


@pytest.mark.skipif(not BAGS.is_dir(), reason="no samples here")
def test_the_same_messages_packed_in_two_ways_are_the_same_recording() -> None:
    bags = [opened(BAGS / name) for name in ("example-bz2.bag", "example-lz4.bag")]
    assert [one.problems for one in bags] == [(), ()]
    assert fingerprint(bags[0]) == fingerprint(bags[1])


def test_two_channels_of_one_topic_promise_their_messages_together(tmp_path: Path) -> None:
    path = tmp_path / "two.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        schema = writer.register_schema("acme.Force", "jsonschema", b"{}")
        for channel in [writer.register_channel("/force", "json", schema) for _ in range(2)]:
            for at in range(4):
                when = START_NS + (channel * 4 + at) * 10**8
                writer.add_message(channel, when, json.dumps({"n": at}).encode(), when)
        writer.finish()
    (series,) = opened(path).series
    assert (len(series.times_ns), series.declared_count) == (8, 8)


def json_topic(path: Path, *told: Any, name: str = "/force", kind: str = "acme.Force") -> Episode:
    """An MCAP with one topic of JSON, a message every 0.1 s."""
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start()
        schema = writer.register_schema(kind, "jsonschema", b"{}")
        channel = writer.register_channel(name, "json", schema)
        for at, one in enumerate(told):
            when = START_NS + at * 10**8
            writer.add_message(channel, when, json.dumps(one).encode(), when)
        writer.finish()
    return opened(path)


def test_a_field_that_comes_now_and_then_is_a_series_of_its_own(tmp_path: Path) -> None:
    told = ({"x": at, "y": -at} if at % 3 else {"x": at, "y": None} for at in range(6))
    both = json_topic(tmp_path / "a.mcap", *told)
    assert both.problems == ()
    assert [(one.columns, one.values.ravel().tolist()) for one in both.series] == [
        (("x",), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        (("y",), [-1.0, -2.0, -4.0, -5.0]),
    ]
    assert [one.declared_count for one in both.series] == [6, None]


def test_a_field_that_always_comes_stays_whole_whatever_comes_with_it(tmp_path: Path) -> None:
    ways = [{}, {"b": 1}, {"c": 2}, {"d": 3}, {"b": 4, "c": 5}, {"b": 6, "c": 7, "d": 8}]
    told = [{"a": at, **ways[at % len(ways)]} for at in range(12)]
    series = json_topic(tmp_path / "a.mcap", *told).series
    columns = {one.columns: one.values.ravel().tolist() for one in series}
    assert columns[("a",)] == [float(at) for at in range(12)]
    assert columns[("b",)] == [1.0, 4.0, 6.0] * 2
    assert columns[("c",)] == [2.0, 5.0, 7.0] * 2
    assert columns[("d",)] == [3.0, 8.0] * 2


def test_fields_of_other_names_are_no_one_column(tmp_path: Path) -> None:
    told = ({"x": at} if at % 2 else {"y": at} for at in range(6))
    series = json_topic(tmp_path / "a.mcap", *told).series
    assert {one.columns: one.values.ravel().tolist() for one in series} == {
        ("y",): [0.0, 2.0, 4.0],
        ("x",): [1.0, 3.0, 5.0],
    }


def arms(names: list[list[str]], *, speeds: Callable[[int], bool] = lambda _: False) -> list[Any]:
    """Joint states whose joints are called so; each value is its name's last digit."""
    state, none = ROS2.types["sensor_msgs/msg/JointState"], np.empty(0)
    return [
        state(
            header(ROS2, at * 10**8),
            called,
            np.array([float(name[-1]) for name in called]),
            np.full(len(called), 7.0) if speeds(at) else none,
            none,
        )
        for at, called in enumerate(names)
    ]


def test_joints_keep_their_columns_in_whatever_order_they_are_named(tmp_path: Path) -> None:
    orders = [["j1", "j2", "j3"], ["j3", "j1", "j2"], ["j2", "j3", "j1"]] * 5
    orders += [["j1", "j3", "j2"], ["j2", "j1", "j3"], ["j3", "j2", "j1"]]
    (series,) = one_topic(tmp_path, *arms(orders), topic="/joint_states").series
    assert (series.role, series.columns) == ("state", ("j1", "j2", "j3"))
    assert series.values.tolist() == [[1.0, 2.0, 3.0]] * len(orders)
    assert series.declared_count == len(orders)


def test_speeds_given_now_and_then_split_no_positions(tmp_path: Path) -> None:
    named = arms([["j1", "j2"]] * 8, speeds=lambda at: at % 4 == 0)
    position, speed = one_topic(tmp_path, *named, topic="/joint_states").series
    assert (position.name, len(position.times_ns)) == ("/joint_states", 8)
    assert (speed.name, len(speed.times_ns), speed.declared_count) == (
        "/joint_states.velocity",
        2,
        None,
    )


def test_too_many_sets_of_joints_are_told_of(tmp_path: Path) -> None:
    episode = one_topic(tmp_path, *arms([[f"j{at}"] for at in range(6)]), topic="/joint_states")
    assert [(one.columns, len(one.times_ns)) for one in episode.series] == [((), 6)]
    (problem,) = episode.problems
    assert "publish all joints in every message" in problem.message


def test_what_was_told_once_before_counts_when_it_was_logged(tmp_path: Path) -> None:
    state = ROS2.types["sensor_msgs/msg/JointState"]
    none = np.empty(0)
    base = state(header(ROS2, -9 * 10**9), ["base"], np.ones(1), none, none)
    moving = [
        ("/arm", at * 10**8, state(header(ROS2, at * 10**8), ["a"], np.ones(1) * at, none, none))
        for at in range(10)
    ]
    path = made_logs.mcap_ros2(tmp_path / "a.mcap", messages=[("/base", 0, base), *moving])
    latched = next(one for one in opened(path).series if one.name == "/base")
    assert 0 <= latched.times_ns[0] <= DELAY_NS


@pytest.mark.parametrize("mixed", ["neighbours", "halves"])
def test_messages_that_do_not_lie_in_the_order_of_their_times_are_put_so(
    tmp_path: Path, mixed: str
) -> None:
    messages = made_logs.ros_messages(ROS2)
    whole = opened(made_logs.mcap_ros2(tmp_path / "whole.mcap", messages=messages))
    order = np.arange(len(messages))
    if mixed == "halves":
        order = np.roll(order, len(order) // 2)
    else:
        order[: len(order) // 2 * 2] = order[: len(order) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    turned = [messages[at] for at in order]
    turned_path = made_logs.mcap_ros2(tmp_path / "turned.mcap", messages=turned, chunk_size=4096)
    other = opened(turned_path)
    assert other.problems == ()
    assert [one.time_ns for one in pictures(other)] == [one.time_ns for one in pictures(whole)]
    assert [one.content for one in pictures(other)] == [one.content for one in pictures(whole)]
    for one, another in zip(whole.series, other.series, strict=True):
        np.testing.assert_array_equal(one.times_ns, another.times_ns)
        np.testing.assert_array_equal(one.values, another.values)


def test_of_pictures_far_from_their_place_only_so_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [one for one in made_logs.ros_messages(ROS2) if one[0] == "/camera/compressed"]
    turned = [*messages[15:], *messages[:15]]
    episode = opened(made_logs.mcap_ros2(tmp_path / "a.mcap", messages=turned))
    monkeypatch.setattr(topics, "HELD", 1)
    times_ns = [one.time_ns for one in pictures(episode)]
    assert times_ns == [*sorted(times_ns)[15:], *sorted(times_ns)[:15]]


@pytest.mark.parametrize("coding", ["16UC1; png compressed ", "16UC1; compressedDepth png"])
def test_depth_in_stills_is_no_camera(tmp_path: Path, coding: str) -> None:
    compressed = ROS2.types["sensor_msgs/msg/CompressedImage"]
    depth = [compressed(header(ROS2, at), coding, np.ones(8, np.uint8)) for at in range(3)]
    episode = one_topic(tmp_path, *depth, topic="/depth")
    assert (episode.cameras, episode.problems) == ((), ())
    assert [(one.name, one.columns) for one in episode.series] == [("/depth", ())]


def test_video_in_an_unknown_coding_is_told_of(tmp_path: Path) -> None:
    told = {"data": base64.b64encode(b"abc").decode(), "format": "h269"}
    odd = json_topic(tmp_path / "odd.mcap", told, name="/wrist", kind="foxglove.CompressedVideo")
    (problem,) = odd.problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "/wrist")
    assert '"h269"' in problem.message
