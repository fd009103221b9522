"""Messages of robot logs (ROS 1, ROS 2, Foxglove): decoded, their stamp found, their numbers taken.

A message's type is known by the last part of its name (``sensor_msgs/msg/JointState`` and
``foxglove.JointStates`` alike carry joints); its layout comes from the schema in the log itself,
and only where there is none from the stock definitions of ROS 2.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from mcap.exceptions import McapError
from mcap.records import Schema
from mcap_protobuf.decoder import DecoderFactory
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.base import TypesysError
from rosbags.typesys.msg import normalize_msgtype
from rosbags.typesys.store import Typestore

from dailies.recordings.files import READ_ERRORS
from dailies.words import NS

Decode = Callable[[bytes | memoryview], Any]
Role = Literal["state", "action", "other"]
Step = Callable[[Any], Any]

MAX_COLUMNS = 256
"""Numbers in a message above which it is taken for a scan or a map, not a row of a series."""

SHORT = 64
"""Longest array of single bytes that is taken for numbers and not for content."""

DECODE_ERRORS = (
    *READ_ERRORS,
    SerdeError,
    TypesysError,
    McapError,
    DecodeError,
    AssertionError,
    AttributeError,
)
"""What the decoders raise on a schema or a message that is not what it says it is."""

IGNORED = frozenset(
    {
        "String", "Log", "tfMessage", "TFMessage", "CameraInfo", "CameraCalibration",
        "Marker", "MarkerArray", "DiagnosticArray", "DiagnosticStatus", "ParameterEvent",
        "ParameterDescriptions", "Clock", "Config", "ConfigDescription",
        "InteractiveMarkerInit", "InteractiveMarkerUpdate", "SceneUpdate", "Bond",
        "GoalStatusArray", "GoalID",
    }
)  # fmt: skip
"""Types that describe, draw or tell what went on: no signal of a sensor, so no stream."""

COMMANDS = frozenset(
    {
        "action", "actions", "command", "commands", "cmd", "target", "targets", "desired",
        "goal", "leader", "master", "reference", "setpoint",
    }
)  # fmt: skip
"""Words in a topic's name that make its numbers commands."""

ROOTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Imu": (
        ("angular_velocity", "angular_velocity"),
        ("linear_acceleration", "linear_acceleration"),
    ),
    "WrenchStamped": (("wrench", ""),),
    "TwistStamped": (("twist", ""),),
    "TwistWithCovariance": (("twist", ""),),
    "TwistWithCovarianceStamped": (("twist.twist", ""),),
    "AccelStamped": (("accel", ""),),
    "PoseStamped": (("pose", ""),),
    "PoseInFrame": (("pose", ""),),
    "PoseWithCovariance": (("pose", ""),),
    "PoseWithCovarianceStamped": (("pose.pose", ""),),
    "Odometry": (("pose.pose", ""), ("twist.twist", "")),
    "TransformStamped": (("transform", ""),),
}
"""Where in a message of a well-known type its numbers lie, and what their names begin with."""

_STATE = re.compile(r"(joint|robot|arm)s?_?(state|position)s?\b|qpos|proprio", re.IGNORECASE)
_SKIPPED = re.compile(r"header|stamp|timestamp|seq|.*covariance.*|__msgtype__")
_SECONDS, _PARTS = ("sec", "secs", "seconds"), ("nanosec", "nsec", "nsecs", "nanos")


class UnknownSchema(ValueError):
    """Raised where nothing tells how the messages of a topic are laid out."""


@dataclass(frozen=True, eq=False)
class Topic:
    """One channel of a log: ``kind`` is the name of its messages' type, ``id`` its number in
    file ``file`` of the log. ``encoding`` and ``schema_encoding`` are MCAP's words."""

    name: str
    kind: str
    encoding: str
    schema: bytes = b""
    schema_encoding: str = ""
    id: int = 0
    file: int = 0

    @property
    def type(self) -> str:
        """The last part of the type's name: "JointState"."""
        return re.split(r"[/.:]", self.kind)[-1]


@dataclass(frozen=True)
class Block:
    """Numbers of a message that make one series: what follows the topic's name, role, columns."""

    suffix: str
    role: Role
    columns: tuple[str, ...]


Numbers = Any  # a list or array of numbers
Taken = tuple[Any, tuple[Numbers, ...]]
"""Key of a message's layout, and its numbers, block by block."""


def decoder_of(topic: Topic) -> Decode:
    """What turns the bytes of a topic's messages into objects or dicts.

    Raises UnknownSchema where that cannot be known, and any of DECODE_ERRORS where the schema is
    damaged.
    """
    if topic.encoding == "json":
        return orjson.loads
    if topic.encoding == "protobuf":
        schema = Schema(1, topic.schema, topic.schema_encoding, topic.kind)
        decode = DecoderFactory().decoder_for(topic.encoding, schema)
        if decode is not None:
            return lambda data: decode(bytes(data))
    if topic.encoding in ("cdr", "ros1"):
        return _ros_decoder(topic)
    raise UnknownSchema(f"its messages are in {topic.encoding or 'no'} encoding")


def _ros_decoder(topic: Topic) -> Decode:
    name = normalize_msgtype(topic.kind)
    stores = [_store_of(topic.kind, topic.schema, topic.schema_encoding)] if topic.schema else []
    if topic.encoding == "cdr" and not stores:
        stores = [_stock(one) for one in (Stores.ROS2_JAZZY, Stores.ROS2_FOXY)]
        stores = [store for store in stores if name in store.fielddefs]
    if not stores:
        raise UnknownSchema(f"nothing says how {topic.kind} is laid out")
    for store in stores:
        store.get_msgdef(name)  # compiled here, so that a type that is missing is told now
    if topic.encoding == "ros1":
        return lambda data: stores[0].deserialize_ros1(data, name)
    return functools.partial(_deserialize, stores, name)


def _deserialize(stores: list[Typestore], name: str, data: bytes | memoryview) -> Any:
    """The message by the first definition that fits it."""
    for store in stores[:-1]:
        try:
            return store.deserialize_cdr(data, name)
        except DECODE_ERRORS:
            continue
    return stores[-1].deserialize_cdr(data, name)


@functools.cache
def _stock(store: Stores) -> Typestore:
    return get_typestore(store)


@functools.lru_cache(maxsize=256)
def _store_of(kind: str, schema: bytes, encoding: str) -> Typestore:
    """The types that a schema defines; those it only names are the stock ones."""
    parse = get_types_from_idl if encoding == "ros2idl" else None
    text = schema.decode()
    types = parse(text) if parse else get_types_from_msg(text, kind)
    store = get_typestore(Stores.EMPTY)
    fresh = {name: one for name, one in types.items() if name not in store.fielddefs}
    store.register(fresh)
    stock = _stock(Stores.ROS2_JAZZY)
    for name, fields in stock.fielddefs.items():
        if name not in store.fielddefs:
            store.fielddefs[name], store.types[name] = fields, stock.types[name]
    return store


def stamp_of(message: Any) -> int:
    """When a message was captured by its own stamp, in ns since 1970; 0 where it has none."""
    header = _field(message, "header")
    for holder, name in ((header, "stamp"), (message, "stamp"), (message, "timestamp")):
        found = _field(holder, name) if holder is not None else None
        if found is not None:
            return _time(found)
    return 0


def _time(value: Any) -> int:
    if isinstance(value, str):
        try:
            at = dt.datetime.fromisoformat(value)
        except ValueError:
            return 0
        return round(at.timestamp() * NS) if at.tzinfo else 0
    seconds = next((one for name in _SECONDS if (one := _field(value, name)) is not None), None)
    parts = next((one for name in _PARTS if (one := _field(value, name)) is not None), 0)
    if not isinstance(seconds, int) or not isinstance(parts, int):
        return 0
    at_ns = seconds * NS + parts
    return at_ns if 0 < at_ns < 1 << 62 else 0


def _field(holder: Any, name: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(name)
    return getattr(holder, name, None)


def role_of(topic: Topic) -> Role:
    """What the numbers of a topic are: commands by a word in its name, joints by its type."""
    if COMMANDS & set(re.split(r"[^a-z0-9]+", topic.name.lower())):
        return "action"
    if topic.type == "JointTrajectory":
        return "action"
    is_state = topic.type.startswith("JointState") or _STATE.search(topic.name)
    return "state" if is_state else "other"


def taker_of(topic: Topic) -> Callable[[Any], Taken]:
    """What takes the numbers out of a topic's messages; messages laid out alike share a key."""
    named: Mapping[str, Callable[[Any], Taken]] = {
        "JointState": _joint_state,
        "JointStates": _joint_states,
        "JointTrajectory": _trajectory,
    }
    if topic.type in named:
        return named[topic.type]
    return functools.partial(_flat, roots_of(topic))


def blocks_of(topic: Topic, message: Any) -> tuple[Block, ...]:
    """The series that messages laid out as ``message`` make, in the order of their numbers."""
    role = role_of(topic)
    if topic.type in ("JointState", "JointStates", "JointTrajectory"):
        names, counts = _joint_layout(topic.type, message)
        parts = zip(("position", "velocity", "effort"), counts, strict=True)
        return tuple(
            Block(
                f".{part}" if part != "position" else "",
                role if part == "position" else "other",
                _joint_columns(names, count, part),
            )
            for part, count in parts
        )
    columns: list[str] = []
    for root, prefix in roots_of(topic):
        columns += _names(_at(message, root), prefix)
    return (Block("", role, _unique(columns)),)


def roots_of(topic: Topic) -> tuple[tuple[str, str], ...]:
    """Where the numbers of a message lie, see ROOTS; all of it for types that are not known."""
    if topic.type.endswith("MultiArray"):
        return (("data", "data"),)
    return ROOTS.get(topic.type, (("", ""),))


def _joint_state(message: Any) -> Taken:
    names = tuple(_field(message, "name") or ())
    blocks = tuple(_list(_field(message, part)) for part in ("position", "velocity", "effort"))
    return (names, *map(len, blocks)), blocks


def _joint_states(message: Any) -> Taken:
    joints = list(_field(message, "joints") or ())
    blocks = tuple(
        [float(_field(one, part)) for one in joints if _field(one, part) is not None]
        for part in ("position", "velocity", "effort")
    )
    return (tuple(str(_field(one, "name")) for one in joints), *map(len, blocks)), blocks


def _trajectory(message: Any) -> Taken:
    """The last point: where the joints are told to go."""
    names = tuple(_field(message, "joint_names") or ())
    points = list(_field(message, "points") or ())
    goal = points[-1] if points else None
    parts = ("positions", "velocities", "effort")
    blocks = tuple(_list(_field(goal, part)) for part in parts)
    return (names, *map(len, blocks)), blocks


def _joint_layout(kind: str, message: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    takers = {"JointState": _joint_state, "JointStates": _joint_states}
    (names, *counts), _ = takers.get(kind, _trajectory)(message)
    return names, tuple(counts)


def _joint_columns(names: tuple[str, ...], count: int, part: str) -> tuple[str, ...]:
    if len(names) == count and len(set(names)) == count:
        return names
    return tuple(f"{part}_{at}" for at in range(count))


def _list(value: Any) -> Numbers:
    return () if value is None else value


def _flat(roots: tuple[tuple[str, str], ...], message: Any) -> Taken:
    numbers: list[float] = []
    layout: list[Any] = []
    for path, _ in roots:
        _take(_at(message, path), numbers, layout)
    return tuple(layout), (numbers,)


def _at(message: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        message = _field(message, name)
    return message


def _take(value: Any, numbers: list[float], layout: list[Any]) -> None:
    """Append every number in ``value``, and what else may differ from message to message: the
    lengths of what may be long or short, and the names of JSON's fields.
    """
    if isinstance(value, int | float):
        numbers.append(value)
    elif isinstance(value, np.ndarray | list | tuple) or _is_repeated(value):
        found = _row(value)
        layout.append(len(found))
        numbers.extend(found)
    elif value is None or isinstance(value, str | bytes):
        layout.append(-1)
    elif isinstance(value, np.number | np.bool_):
        numbers.append(float(value))
    else:
        if isinstance(value, dict):
            layout.append(tuple(value))
        for _, one in _parts(value):
            _take(one, numbers, layout)


def _row(value: Any) -> Sequence[float]:
    """The numbers of an array; none where it holds anything else, or is content."""
    if isinstance(value, np.ndarray):
        is_content = value.dtype.itemsize == 1 and value.size > SHORT
        if is_content or value.dtype.kind not in "biuf":
            return ()
        return value.ravel().tolist()
    row = list(value)
    return row if all(isinstance(one, int | float) for one in row) else ()


def _names(value: Any, prefix: str) -> list[str]:
    """Names of what ``_take`` takes, in the same order."""
    if isinstance(value, int | float | np.number | np.bool_):
        return [prefix or "value"]
    if isinstance(value, np.ndarray | list | tuple) or _is_repeated(value):
        return [f"{prefix}_{at}" for at in range(len(_row(value)))]
    if value is None or isinstance(value, str | bytes):
        return []
    return [
        name
        for field, one in _parts(value)
        for name in _names(one, f"{prefix}_{field}" if prefix else field)
    ]


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of an object that may hold numbers of the signal: no header, no time."""
    if isinstance(value, dict):
        if set(value) <= {*_SECONDS, *_PARTS}:
            return
        yield from ((k, one) for k, one in value.items() if not _SKIPPED.fullmatch(k))
    else:
        kind: Any = type(value)
        for name in _fields(kind):
            yield name, getattr(value, name)


@functools.lru_cache(maxsize=4096)
def _fields(kind: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        # what has a default is a constant of the type
        missing = dataclasses.MISSING
        names = [field.name for field in dataclasses.fields(kind) if field.default is missing]
    elif hasattr(kind, "DESCRIPTOR"):
        names = [field.name for field in kind.DESCRIPTOR.fields]
    else:
        return ()
    if names and set(names) <= {*_SECONDS, *_PARTS}:
        return ()
    return tuple(name for name in names if not _SKIPPED.fullmatch(name))


def _is_repeated(value: Any) -> bool:
    """True for a list of protobuf's, which is none of Python's."""
    return hasattr(value, "__len__") and hasattr(value, "extend")


def _unique(columns: Sequence[str]) -> tuple[str, ...]:
    """The names, with a number behind those that another has already."""
    seen: set[str] = set()
    names = []
    for column in columns:
        name, number = column, 2
        while name in seen:
            name, number = f"{column}-{number}", number + 1
        seen.add(name)
        names.append(name)
    return tuple(names)
