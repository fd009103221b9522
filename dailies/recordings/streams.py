"""Sensor series and frame times that a JSON file names, and the one clock they lie on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dailies.recordings.contract import Camera, Series
from dailies.recordings.described import Said
from dailies.recordings.files import READ_ERRORS, Unfit, inside, trouble, unreadable
from dailies.recordings.table_files import read_table
from dailies.recordings.tables import (
    MAX_WIDTH,
    UNITS,
    Times,
    column_names,
    holds_numbers,
    in_order,
    nanoseconds,
    numbers,
    unit_in,
)
from dailies.words import NS

ROLES = ("other", "state", "action")

DAY_NS = 86_400 * NS
"""A first time of a day or more, or below 0, is of a clock that ran before the recording."""


def named_file(root: Path, said: Said, stream: str | None) -> Path | None:
    """The file that ``said`` names, in ``root`` or below; None, with a Problem, if none."""
    path = inside(root, said.raw("file"))
    if path is None:
        said.note('"file" is no path inside the recording\'s folder: name a file in it', stream)
        return None
    problem = trouble(path, stream, said.where)
    if problem is not None:
        said.problems.append(problem)
        return None
    return path


def new_name(said: Said, default: str, taken: set[str]) -> str:
    """The stream's name, made unique (with a Problem) where another has it; put into ``taken``."""
    given = said.text("name") or default
    name, number = given, 2
    while name in taken:
        name, number = f"{given}-{number}", number + 1
    if name != given:
        said.note(f'"name" is "{given}", which another stream has: give each its own', name)
    taken.add(name)
    return name


def series_of(root: Path, said: Said, taken: set[str]) -> tuple[tuple[Series, ...], list[Path]]:
    """The series under ``said``'s key "series", on their own clocks, and the files they lie in.

    Every part that cannot be read is left out and noted among ``said``'s problems.
    """
    found, files = [], []
    for one in said.objects("series"):
        file = one.raw("file")
        stem = Path(file).stem if isinstance(file, str) else ""
        name = new_name(one, stem or "series", taken)
        path = named_file(root, one, name)
        if path is None:
            continue
        files.append(path)
        try:
            series = _series(name, path, one)
        except READ_ERRORS as error:
            said.problems.append(unreadable(path, name, error))
            continue
        if series is not None:
            found.append(series)
    return tuple(found), files


def frame_times(root: Path, said: Said, camera: str) -> tuple[Times | None, Path | None]:
    """The capture times under a camera's key "times", and their file; None where there are none."""
    times = said.object("times")
    path = named_file(root, times, camera) if times else None
    if times is None or path is None:
        return None, path
    try:
        table, notes = read_table(path, times.text("column"))
        column = _time_column(times, table, "column", camera)
        if column is None:
            return None, path
        stamps, is_time = _times(times, table, column)
        stamps, _, mended = in_order(stamps, np.zeros((len(stamps), 0)), is_time)
    except READ_ERRORS as error:
        said.problems.append(unreadable(path, camera, error))
        return None, path
    for note in (*notes, *mended):
        times.note(f"{path}: {note}: look at the recorder's clock", camera)
    return stamps + _offset_ns(said), path


def on_one_clock(
    cameras: Iterable[Camera], series: Iterable[Series]
) -> tuple[tuple[Camera, ...], tuple[Series, ...]]:
    """Streams with their times counted from the recording's start.

    Where the earliest of all written times is below 0, or a day or more, they are of a clock that
    ran before the recording (Unix time, time since boot), and the earliest becomes 0.
    """
    cameras, series = tuple(cameras), tuple(series)
    written = [camera.times_ns for camera in cameras if camera.times_ns is not None]
    firsts = [int(times[0]) for times in (*written, *(s.times_ns for s in series)) if len(times)]
    zero = min(firsts, default=0)
    if 0 <= zero < DAY_NS:
        return cameras, series
    return (
        tuple(
            camera if camera.times_ns is None else replace(camera, times_ns=camera.times_ns - zero)
            for camera in cameras
        ),
        tuple(replace(one, times_ns=one.times_ns - zero) for one in series),
    )


def _series(name: str, path: Path, said: Said) -> Series | None:
    table, notes = read_table(path, said.text("time"))
    table = _where(said, table, name)
    time = _time_column(said, table, "time", name)
    if time is None:
        return None
    times, is_time = _times(said, table, time)
    names: list[str] = []
    blocks = []
    for column in _value_columns(said, table, time, name):
        values, bad = numbers(table.column(column), column)
        if values.shape[1] > MAX_WIDTH:
            bad = [*bad, f'column "{column}" has {values.shape[1]} numbers a row: left out']
        else:
            names.extend(column_names(column, values.shape[1]))
            blocks.append(values)
        notes.extend(bad)
    values = np.concatenate(blocks, axis=1) if blocks else np.zeros((len(times), 0))
    if not values.shape[1]:
        said.note(f'{path} has no column of numbers besides "{time}": name "columns"', name)
        return None
    times, values, mended = in_order(times, values, is_time)
    if len(times) < 2:
        notes.append(f"{len(times)} rows are no series")
    for note in (*notes, *mended):
        said.note(f"{path}: {note}: mend the file, or look at the recorder", name)
    return Series(
        name=name,
        times_ns=times + _offset_ns(said),
        values=np.ascontiguousarray(values),
        columns=tuple(names),
        role=cast(Literal["state", "action", "other"], said.choice("role", ROLES)),
        declared_count=said.count("sample_count"),
        declared_rate_hz=said.rate(),
    )


def _where(said: Said, table: pa.Table, stream: str) -> pa.Table:
    """The rows in which each column that "where" names holds what it says; of one table for all."""
    asked = said.object("where")
    for column, value in asked.items() if asked else ():
        if table.column_names.count(column) != 1:
            said.note(
                f'"where" names "{column}"; the columns are {_listed(table.column_names)}', stream
            )
            continue
        cells = table.column(column).to_pylist()
        table = table.filter(pa.array([cell == value for cell in cells], pa.bool_()))
    return table


def _time_column(said: Said, table: pa.Table, key: str, stream: str) -> str | None:
    """The column that ``key`` names, by default the first."""
    if not table.num_columns:
        said.note("its file has no column: copy it again", stream)
        return None
    name = said.text(key) or str(table.column_names[0])
    if table.column_names.count(name) == 1:
        return name
    said.note(f'"{key}" names "{name}"; the columns are {_listed(table.column_names)}', stream)
    return None


def _times(said: Said, table: pa.Table, column: str) -> tuple[Times, npt.NDArray[np.bool_]]:
    """A table's times in the unit that is said, else in that of the column's name, else seconds.

    Raises Unfit where no row can be a time in it, and TypeError where none holds a number.
    """
    named = None if said.raw("unit") is not None else unit_in(column)
    unit = named or said.choice("unit", tuple(UNITS))
    try:
        times, is_time = nanoseconds(table.column(column), unit)
    except TypeError as error:
        raise TypeError(f'column "{column}": {error}') from error
    if len(times) and not is_time.any():
        first = table.column(column)[0].as_py()
        raise Unfit(f'"{column}" begins with {first}, which is no time in {unit}: say its "unit"')
    return times, is_time


def _value_columns(said: Said, table: pa.Table, time: str, stream: str) -> list[str]:
    """The columns named, or all that hold numbers; what is named and not there is noted."""
    named = said.texts("columns")
    if named is None:
        return [
            field.name
            for field in table.schema
            if field.name != time and holds_numbers(table, field)
        ]
    there = [name for name in named if table.column_names.count(name) == 1]
    missing = [name for name in named if name not in there]
    if missing:
        said.note(
            f'"columns" names {_listed(missing)}; the columns are {_listed(table.column_names)}',
            stream,
        )
    return there


def _offset_ns(said: Said) -> int:
    return round((said.seconds("offset_s") or 0.0) * NS)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
