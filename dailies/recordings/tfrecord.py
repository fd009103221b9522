"""TFRecord files and the Example messages in them, read without TensorFlow.

A record is its length (uint64), a checksum of the length, the content, and a checksum of that
(tensorflow/core/lib/io/record_writer.h); the checksums are CRC-32C, rotated and shifted. The
content is a tf.train.Example or SequenceExample (tensorflow/core/example/*.proto).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt

HEAD = 12
"""Bytes before a record's content."""
TAIL = 4


class BadRecord(ValueError):
    """A record that is cut off, or whose checksum or content is not what it should be."""


@dataclass(frozen=True)
class Record:
    """Where a record's content lies in its file; ``is_whole`` is False where the file ends in it.

    A record whose length is damaged has length 0 and is the last that can be found.
    """

    offset: int
    length: int
    is_whole: bool = True


def records_of(path: Path) -> Iterator[Record]:
    """Every record of a file in order, without reading its content. Raises OSError."""
    size = path.stat().st_size
    at = 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            length = _length(file.read(HEAD))
            if length is None:
                yield Record(at, 0, is_whole=False)
                return
            end = at + HEAD + length + TAIL
            yield Record(at + HEAD, length, is_whole=end <= size)
            at = end


def content_of(path: Path, record: Record) -> tuple[bytes, bool]:
    """A record's content, and whether it is what was written. Raises OSError and BadRecord."""
    if not record.is_whole:
        raise BadRecord("the record is cut off, or its length is damaged")
    with path.open("rb") as file:
        return _content(file, record)


def features_in(content: bytes) -> Mapping[str, npt.NDArray[Any]]:
    """An Example's lists by name: bytes (as objects), float32 or int64, all of one dimension.

    A SequenceExample's feature lists are joined, row after row. Raises BadRecord.
    """
    # takes a while, and few recordings need it
    from google.protobuf import message  # type: ignore[import-untyped, unused-ignore]

    example = _example()()
    try:
        example.ParseFromString(content)
    except message.DecodeError as error:
        raise BadRecord(f"it is no tf.train.Example ({error})") from error
    found = {name: _array(feature) for name, feature in example.features.feature.items()}
    for name, rows in example.feature_lists.feature_list.items():
        lists = [_array(feature) for feature in rows.feature]
        found[name] = np.concatenate(lists) if lists else np.zeros(0)
    return found


def masked_crc(content: bytes) -> int:
    """The checksum as TFRecord keeps it."""
    crc = int(google_crc32c.value(content))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _length(head: bytes) -> int | None:
    is_whole = len(head) == HEAD and masked_crc(head[:8]) == int.from_bytes(head[8:], "little")
    return int.from_bytes(head[:8], "little") if is_whole else None


def _content(file: BinaryIO, record: Record) -> tuple[bytes, bool]:
    file.seek(record.offset)
    content, tail = file.read(record.length), file.read(TAIL)
    if len(content) < record.length:
        raise BadRecord("the file ends within the record")
    return content, masked_crc(content) == int.from_bytes(tail, "little")


def _array(feature: Any) -> npt.NDArray[Any]:
    kind = feature.WhichOneof("kind")
    if kind == "bytes_list":
        cells = np.empty(len(feature.bytes_list.value), object)
        cells[:] = list(feature.bytes_list.value)
        return cells
    if kind == "float_list":
        return np.array(feature.float_list.value, np.float32)
    return np.array(feature.int64_list.value if kind else [], np.int64)


@functools.cache
def _example() -> type[Any]:
    """The class of a message that reads an Example and a SequenceExample alike.

    Both have a map of features in field 1; the latter has lists of features in field 2.
    """
    from google.protobuf import (  # type: ignore[import-untyped, unused-ignore]
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    file = descriptor_pb2.FileDescriptorProto(
        name="dailies/example.proto", package="dailies", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for number, (field, kind, label) in enumerate(fields, start=1):
            added = described.field.add(name=field, number=number, label=label)
            added.type = _SCALARS.get(kind, _MESSAGE)
            if kind not in _SCALARS:
                added.type_name = f".dailies.{kind}"
        described.options.map_entry = name.endswith("Entry")
    feature = next(one for one in file.message_type if one.name == "Feature")
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    _nest(file, "FeatureEntry", "Features")
    _nest(file, "FeatureListEntry", "FeatureLists")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    example: type[Any] = message_factory.GetMessageClass(
        pool.FindMessageTypeByName("dailies.Example")
    )
    return example


def _nest(file: Any, entry: str, holder: str) -> None:
    """Move the entry of a map into the message that has the map, where it has to stand."""
    at = next(at for at, one in enumerate(file.message_type) if one.name == entry)
    within = next(one for one in file.message_type if one.name == holder)
    within.nested_type.add().CopyFrom(file.message_type[at])
    del file.message_type[at]


_ONE, _MANY = 1, 3
"""Labels of a field: optional, repeated."""
_MESSAGE = 11
_SCALARS = {"bytes": 12, "float": 2, "int64": 3, "string": 9}
"""Types of a field (google/protobuf/descriptor.proto)."""
_MESSAGES = {
    "BytesList": [("value", "bytes", _MANY)],
    "FloatList": [("value", "float", _MANY)],
    "Int64List": [("value", "int64", _MANY)],
    "Feature": [
        ("bytes_list", "BytesList", _ONE),
        ("float_list", "FloatList", _ONE),
        ("int64_list", "Int64List", _ONE),
    ],
    "FeatureList": [("feature", "Feature", _MANY)],
    "FeatureEntry": [("key", "string", _ONE), ("value", "Feature", _ONE)],
    "Features": [("feature", "Features.FeatureEntry", _MANY)],
    "FeatureListEntry": [("key", "string", _ONE), ("value", "FeatureList", _ONE)],
    "FeatureLists": [("feature_list", "FeatureLists.FeatureListEntry", _MANY)],
    "Example": [("features", "Features", _ONE), ("feature_lists", "FeatureLists", _ONE)],
}
"""The messages, their fields in order of number: name, type, label."""
