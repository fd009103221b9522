"""What a LeRobot dataset says of an episode's rows and pictures, held against them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dailies.recordings.contract import Problem
from dailies.recordings.files import READ_ERRORS
from dailies.recordings.lerobot_boxes import size_of
from dailies.recordings.lerobot_info import Feature, Info
from dailies.recordings.lerobot_parts import REWRITE, Listed
from dailies.recordings.tables import matrix
from dailies.words import NS

LATE_CLOCK_S = 1.0
"""A clock that ran may start before or after the first picture, but not by so much."""


def missing_columns(info: Info, listed: Listed, schema: pa.Schema) -> Iterator[Problem]:
    """The columns of LeRobot's own that it needs or that are named, and that the table lacks."""
    there = frozenset(schema.names)
    for name in sorted((info.kept | {"timestamp"}) - there):
        why = f"{info.file} names it" if name in info.kept else "LeRobot goes by it"
        told = f"{listed.data} has no column {name}, though {why}: write the dataset again"
        yield Problem("missing_stream", None, told)


def belied_index(
    listed: Listed, table: pa.Table, frames: npt.NDArray[np.int64]
) -> Iterator[Problem]:
    """Where ``index``, by which LeRobot v3.0 finds a row's neighbours, does not count on from the
    number that the list gives the episode's first row. ``frames`` count its rows from 0.
    """
    numbers = _numbers(table, "index")
    if numbers is None or not len(numbers):
        return
    first = numbers[0] if listed.first_index is None else listed.first_index
    if not (numbers == first + frames).all():
        by = "counted row by row" if listed.first_index is None else f"by {listed.by}"
        told = (
            f"{listed.data}, episode {listed.index}: index goes from {numbers[0]:.15g} to "
            f"{numbers[-1]:.15g}, where it should go from {first:.15g} to "
            f"{first + frames[-1]:.15g} {by}: {REWRITE}"
        )
        yield Problem("count_mismatch", None, told)


def unknown_tasks(info: Info, listed: Listed, table: pa.Table) -> Iterator[Problem]:
    """Where rows name a task that no list of tasks has."""
    numbers = _numbers(table, "task_index")
    if numbers is None or not info.tasks:
        return
    # none at all, and -1 as some write it, name none
    named = np.unique(numbers[np.isfinite(numbers) & (numbers >= 0)])
    unknown = [one for one in named.tolist() if one not in info.tasks]
    if unknown:
        told = (
            f"{listed.data}, episode {listed.index}: task_index {unknown[0]:.15g} is none of the "
            f"{len(info.tasks)} tasks in {info.root / 'meta'}: {REWRITE}"
        )
        yield Problem("count_mismatch", None, told)


def belied_width(
    info: Info, listed: Listed, feature: Feature, values: npt.NDArray[np.float64]
) -> Iterator[Problem]:
    """Where a feature's rows, ``values`` (n, d), hold other numbers than its shape says."""
    if feature.shape is None or not len(values) or math.prod(feature.shape) == values.shape[1]:
        return
    told = (
        f'{listed.data}, column {feature.name}: a row holds {values.shape[1]} numbers, but "shape" '
        f"in {info.file} is {list(feature.shape)}: {REWRITE}"
    )
    yield Problem("count_mismatch", feature.name, told)


def late_start(
    info: Info, listed: Listed, first_ns: int, rate_hz: float | None, *, is_grid: bool
) -> Iterator[Problem]:
    """Where timestamps do not start at 0, so that LeRobot shows each row another row's picture.

    It looks for a row's picture at the start of the episode's video and the row's timestamp. Times
    that count frames are off from half a picture on, those of a clock that ran from a second on.
    """
    first_s = first_ns / NS
    limit_s = 0.5 / rate_hz if is_grid and rate_hz else LATE_CLOCK_S
    if abs(first_s) < limit_s or not info.of_kind("video"):
        return
    told = (
        f"{listed.data}, episode {listed.index}, column timestamp: it starts at {first_s:.3f} s "
        "and not at 0, so that LeRobot shows the rows pictures of another time: write the times "
        "from the start of the episode"
    )
    yield Problem("corrupt_stream", None, told)


def belied_size(info: Info, feature: Feature, path: Path) -> Iterator[Problem]:
    """Where a video's pictures have another size than the feature's shape has, in whatever order
    and with however many channels."""
    shape = feature.shape or ()
    size = size_of(path) if len(shape) in (2, 3) else None
    if size is not None and set(size) - set(shape):
        told = (
            f'{info.file}: "shape" of {feature.name} is {list(shape)}, but the pictures in {path} '
            f"are {size[1]} wide and {size[0]} high: {REWRITE}"
        )
        yield Problem("count_mismatch", feature.name, told)


def _numbers(table: pa.Table, column: str) -> npt.NDArray[np.float64] | None:
    """A column of one number a row; None where it is not there or holds something else."""
    if column not in table.column_names:
        return None
    try:
        values = matrix(table.column(column))
    except READ_ERRORS:
        return None
    return values[:, 0] if values.shape[1] == 1 else None
