"""A tiny model with the inputs and outputs of MediaPipe's palm detector, written as ONNX.

It finds red: a cell of 8 x 8 pixels that is red becomes a palm of 32 x 32 around its middle. The
file format is protobuf (onnx.proto, which numbers the fields): a message is a list of fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

FLOAT, INT64 = 1, 7
IS_INT, IS_INTS = 2, 7
SIDE, PALM = 192, 32.0
Field = tuple[int, "int | str | bytes"]


def message(*fields: Field) -> bytes:
    """Fields, each by its number, as protobuf writes them."""
    content = b""
    for number, value in fields:
        if isinstance(value, int):
            content += _varint(number << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            content += _varint(number << 3 | 2) + _varint(len(data)) + data
    return content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def node(kind: str, inputs: Sequence[str], output: str, **numbers: Sequence[int]) -> bytes:
    """An operator with attributes of whole numbers."""
    attributes = [
        message((1, name), *((8, number) for number in some), (20, IS_INTS))
        for name, some in numbers.items()
    ]
    parts: list[Field] = [(1, name) for name in inputs]
    parts += [(2, output), (3, output), (4, kind)]
    return message(*parts, *((5, attribute) for attribute in attributes))


def tensor(name: str, values: np.ndarray) -> bytes:
    """A constant of the model."""
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims: list[Field] = [(1, size) for size in values.shape]
    return message(*dims, (2, kind), (8, name), (9, values.tobytes()))


def value(name: str, shape: Sequence[int]) -> bytes:
    """What an input or output is called, and its shape."""
    sizes = message(*((1, message((1, size))) for size in shape))
    return message((1, name), (2, message((1, message((1, FLOAT), (2, sizes))))))


def red_palms(path: Path, *, side: int = SIDE, logits_first: bool = False) -> Path:
    """Write the model; ``side`` other than 192 makes it one that Dailies cannot use."""
    nodes = [node("Transpose", ["picture"], "planes", perm=(0, 3, 1, 2))]
    constants: list[bytes] = []
    count = 0
    for cell, many in ((8, 2), (16, 6)):
        across = side // cell
        pooled = f"pooled{cell}"
        size = (cell, cell)
        nodes.append(node("AveragePool", ["planes"], pooled, kernel_shape=size, strides=size))
        redness = np.zeros((many, 3, 1, 1), np.float32)
        surely_not = np.full(many, -20.0, np.float32)
        if cell == 8:  # only the first anchor of a small cell ever finds something
            redness[0, :, 0, 0] = 40, -20, -20
            surely_not[0] = -10
        place = np.zeros(18, np.float32)
        place[2:4] = PALM
        for name, width, weights, bias in (
            ("logits", 1, redness, surely_not),
            ("places", 18, np.zeros((18 * many, 3, 1, 1), np.float32), np.tile(place, many)),
        ):
            one = f"{name}{cell}"
            shape = np.array([1, across * across * many, width], np.int64)
            constants += [tensor(f"{one}w", weights), tensor(f"{one}b", bias)]
            constants.append(tensor(f"{one}s", shape))
            nodes += [
                node("Conv", [pooled, f"{one}w", f"{one}b"], f"{one}c", kernel_shape=(1, 1)),
                node("Transpose", [f"{one}c"], f"{one}t", perm=(0, 2, 3, 1)),
                node("Reshape", [f"{one}t", f"{one}s"], one),
            ]
        count += across * across * many
    axis = message((1, "axis"), (3, 1), (20, IS_INT))
    for name in ("logits", "places"):
        joined = node("Concat", [f"{name}8", f"{name}16"], name)
        nodes.append(joined + message((5, axis)))
    outputs = [value("places", (1, count, 18)), value("logits", (1, count, 1))]
    graph = message(
        *((1, one) for one in nodes),
        (2, "red palms"),
        *((5, one) for one in constants),
        (11, value("picture", (1, side, side, 3))),
        *((12, one) for one in (reversed(outputs) if logits_first else outputs)),
    )
    path.write_bytes(message((1, 8), (7, graph), (8, message((1, ""), (2, 13)))))
    return path
