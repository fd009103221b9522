"""Makes small real robot logs: MCAP, ROS 1 bags and ROS 2 bags with encoded pictures and joints.

One second: a camera at 30 Hz, joints at 50 Hz, commands, an IMU at 100 Hz and a wrist's forces.
Every message is stamped, and logged ``DELAY_NS`` after its stamp. Seeded like ``made``.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import made
import numpy as np
from apart import encoded
from google.protobuf import descriptor_pb2, timestamp_pb2
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from mcap_protobuf.schema import build_file_descriptor_set
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

START_NS = 1_772_442_900_000_000_000  # 2026-03-02T09:15:00Z
DELAY_NS = 4_000_000
ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_JAZZY)
ENCODERS = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "annexb=1"}),
    "h265": (
        "libx265",
        {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "log-level=1"},
    ),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "av1": ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1"}),
}

Message = tuple[str, int, Any]
"""Topic, stamp in ns since START_NS, message."""


def units(codec: str, frames: int = 30, seed: int = 0) -> list[bytes]:
    """The access units of a clip, one a picture, none of them reordered."""
    return encoded(codec, _units, codec, frames, seed)


def _units(codec: str, frames: int, seed: int) -> list[bytes]:
    name, options = ENCODERS[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = made.WIDTH, made.HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30, 1)
    encoder.gop_size, encoder.max_b_frames, encoder.options = 10, 0, options
    packets = []
    for at in range(frames):
        frame = av.VideoFrame.from_ndarray(made.picture(at, seed), format="rgb24")
        frame.pts, frame.time_base = at, Fraction(1, 30)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [bytes(packet) for packet in packets if packet.size]


def header(store: Any, stamp_ns: int, seq: int = 0) -> Any:
    """A std_msgs/Header of ROS 1 or ROS 2."""
    at = START_NS + stamp_ns
    time = store.types["builtin_interfaces/msg/Time"](at // 10**9, at % 10**9)
    kind = store.types["std_msgs/msg/Header"]
    return kind(seq, time, "base") if store is ROS1 else kind(time, "base")


def ros_messages(store: Any, *, seed: int = 0, frames: int = 30) -> list[Message]:
    """The second of recording, as ROS messages in order of their stamps."""
    types = store.types
    joints = made.joints(50, seed).astype(np.float64)
    names = ["shoulder", "elbow", "wrist"]
    messages: list[Message] = []
    for at in range(frames):
        stamp = at * 10**9 // 30 + 2_000_000
        picture = np.frombuffer(made.still(at, seed), np.uint8)
        compressed = types["sensor_msgs/msg/CompressedImage"]
        messages.append(
            ("/camera/compressed", stamp, compressed(header(store, stamp), "jpeg", picture))
        )
    for at in range(50):
        stamp = at * 20_000_000
        state = types["sensor_msgs/msg/JointState"]
        zeros = np.zeros(3)
        messages.append(
            ("/joint_states", stamp, state(header(store, stamp), names, joints[at], zeros, zeros))
        )
        command = types["std_msgs/msg/Float64MultiArray"]
        layout = types["std_msgs/msg/MultiArrayLayout"]([], 0)
        messages.append(("/arm/command", stamp, command(layout, joints[at] + 0.01)))
    vector, zeros9 = types["geometry_msgs/msg/Vector3"], np.zeros(9)
    for at in range(100):
        stamp = at * 10_000_000
        still = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        turn = vector(float(np.sin(at / 9)), 0.0, 0.1)
        imu = types["sensor_msgs/msg/Imu"]
        gravity = vector(0.0, 0.0, 9.81)
        messages.append(
            ("/imu", stamp, imu(header(store, stamp), still, zeros9, turn, zeros9, gravity, zeros9))
        )
        wrench = types["geometry_msgs/msg/Wrench"](vector(1.0, 2.0, at / 10), vector(0.1, 0.2, 0.3))
        stamped = types["geometry_msgs/msg/WrenchStamped"](header(store, stamp), wrench)
        messages.append(("/wrist/wrench", stamp, stamped))
    text = types["std_msgs/msg/String"]
    messages.append(("/note", 500_000_000, text("no signal")))
    return sorted(messages, key=lambda one: one[1])


def mcap_ros2(
    path: Path,
    *,
    seed: int = 0,
    compression: CompressionType = CompressionType.ZSTD,
    chunk_size: int = 32_768,
    metadata: dict[str, str] | None = None,
    log_times: dict[int, int] | None = None,
    messages: list[Message] | None = None,
    **options: Any,
) -> Path:
    """An MCAP of ROS 2 messages (CDR). ``log_times`` replaces the log time of single messages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = McapWriter(file, compression=compression, chunk_size=chunk_size, **options)
        writer.start(profile="ros2", library="made")
        if metadata is not None:
            writer.add_metadata("dailies", metadata)
        channels: dict[str, int] = {}
        for at, (topic, stamp, message) in enumerate(messages or ros_messages(ROS2, seed=seed)):
            kind = message.__msgtype__
            if topic not in channels:
                text, _ = ROS2.generate_msgdef(kind, ros_version=2)
                schema = writer.register_schema(kind, "ros2msg", text.encode())
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            sent = START_NS + stamp
            writer.add_message(
                channels[topic],
                (log_times or {}).get(at, sent + DELAY_NS),
                bytes(ROS2.serialize_cdr(message, kind)),
                sent,
            )
        writer.finish()
    return path


def foxglove_json(path: Path, *, seed: int = 0, codec: str = "h264") -> Path:
    """An MCAP as Foxglove's JSON: a CompressedVideo and a custom topic of numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.LZ4, chunk_size=8192)
        writer.start(profile="", library="made")
        plain = json.dumps({"type": "object"}).encode()
        video = writer.register_schema("foxglove.CompressedVideo", "jsonschema", plain)
        state = writer.register_schema("acme.ArmState", "jsonschema", plain)
        camera = writer.register_channel("/camera", "json", video)
        arm = writer.register_channel("/robot_state", "json", state)
        for at, unit in enumerate(units(codec, seed=seed)):
            stamp = START_NS + at * 10**9 // 30
            when = {"sec": stamp // 10**9, "nsec": stamp % 10**9}
            shown = {"timestamp": when, "frame_id": "eye", "format": codec}
            shown["data"] = base64.b64encode(unit).decode()
            writer.add_message(camera, stamp + DELAY_NS, json.dumps(shown).encode(), stamp)
            joints = made.joints(30, seed)[at].tolist()
            told = {"timestamp": when, "joint_positions": joints, "gripper": {"width": at / 30}}
            writer.add_message(arm, stamp + DELAY_NS, json.dumps(told).encode(), stamp)
        writer.finish()
    return path


def compressed_video_class() -> Any:
    """foxglove.CompressedVideo, as its public .proto file lays it out."""
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = descriptor_pb2.FileDescriptorProto(
        name="foxglove/CompressedVideo.proto",
        package="foxglove",
        syntax="proto3",
        dependency=["google/protobuf/timestamp.proto"],
    )
    kind = file.message_type.add(name="CompressedVideo")
    field = descriptor_pb2.FieldDescriptorProto
    for number, (name, of) in enumerate(
        [("timestamp", field.TYPE_MESSAGE), ("frame_id", field.TYPE_STRING),
         ("data", field.TYPE_BYTES), ("format", field.TYPE_STRING)], start=1
    ):  # fmt: skip
        added = kind.field.add(name=name, number=number, type=of, label=field.LABEL_OPTIONAL)
        if of == field.TYPE_MESSAGE:
            added.type_name = ".google.protobuf.Timestamp"
    pool = DescriptorPool()
    timestamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(timestamp)
    pool.Add(timestamp)
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("foxglove.CompressedVideo"))


def foxglove_protobuf(path: Path, *, seed: int = 0, codec: str = "h264", frames: int = 30) -> Path:
    """An MCAP as Foxglove's protobuf: one CompressedVideo topic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = compressed_video_class()
    with path.open("wb") as file:
        writer = McapWriter(file, compression=CompressionType.NONE, chunk_size=8192)
        writer.start(profile="", library="made")
        layout = build_file_descriptor_set(kind).SerializeToString()
        schema = writer.register_schema("foxglove.CompressedVideo", "protobuf", layout)
        channel = writer.register_channel("/camera", "protobuf", schema)
        for at, unit in enumerate(units(codec, frames, seed)):
            stamp = START_NS + at * 10**9 // 30
            message = kind(frame_id="eye", data=unit, format=codec)
            message.timestamp.seconds, message.timestamp.nanos = divmod(stamp, 10**9)
            writer.add_message(channel, stamp + DELAY_NS, message.SerializeToString(), stamp)
        writer.finish()
    return path


def ros1_bag(
    path: Path,
    *,
    seed: int = 0,
    compression: str | None = None,
    messages: Iterable[Message] | None = None,
) -> Path:
    """A ROS 1 bag, its chunks packed with bz2 or lz4 where asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = Ros1Writer(path)
    if compression:
        writer.set_compression(Ros1Writer.CompressionFormat[compression.upper()])
    with writer:
        connections: dict[str, Any] = {}
        for topic, stamp, message in messages or ros_messages(ROS1, seed=seed):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS1)
            data = bytes(ROS1.serialize_ros1(message, kind))
            writer.write(connections[topic], START_NS + stamp + DELAY_NS, data)
    return path


def ros2_bag(
    path: Path,
    *,
    seed: int = 0,
    storage: str = "sqlite3",
    messages: Iterable[Message] | None = None,
    compression: str | None = None,
) -> Path:
    """A ROS 2 bag's folder: metadata.yaml and a .db3 or .mcap file."""
    plugin = StoragePlugin.SQLITE3 if storage == "sqlite3" else StoragePlugin.MCAP
    writer = Ros2Writer(path, version=9, storage_plugin=plugin)
    if compression:
        mode = CompressionMode[compression.upper()]
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, stamp, message in messages or ros_messages(ROS2, seed=seed):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS2)
            data = bytes(ROS2.serialize_cdr(message, kind))
            writer.write(connections[topic], START_NS + stamp + DELAY_NS, data)
    return path


def lone_db3(path: Path, *, seed: int = 0) -> Path:
    """The .db3 of a ROS 2 bag without its folder and metadata.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        bag = ros2_bag(Path(folder) / "bag", seed=seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bag / "bag.db3", path)
    return path


def image_bytes(store: Any, stamp: int, encoding: str, plane: np.ndarray, step: int) -> Any:
    """A sensor_msgs/Image; ``plane`` has a picture's bytes row after row."""
    image = store.types["sensor_msgs/msg/Image"]
    height, width = made.HEIGHT, made.WIDTH
    data = np.frombuffer(io.BytesIO(plane.tobytes()).getvalue(), np.uint8)
    return image(header(store, stamp), height, width, encoding, 0, step, data)
