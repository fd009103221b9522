"""The columns of times among an episode's arrays: whose times they are, and in which unit."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dailies.recordings.arrays import ERRORS, Rows, numbers_in, plain
from dailies.recordings.tables import UNITS, Times, nanoseconds, unit_named
from dailies.words import NS

NAMES = re.compile(r"(^|[_/])(timestamps?|times?|stamps?)$")
UNIX = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""From how large on a time since 1970 must be of which unit."""
STEP_MAX_NS = 5 * NS
"""Numbers farther apart are not of that unit: nothing that robots are taught by is so slow."""


@dataclass(frozen=True, eq=False)
class TimeColumn:
    """A column that is named as one of times: its numbers, and what its attribute says they are."""

    name: str
    count: int
    values: npt.NDArray[Any]
    stated_unit: str | None

    @functools.cached_property
    def unit(self) -> str | None:
        """The unit: by the attribute, by the numbers' size since 1970, else seconds.

        None where the attribute names none that is known; for whole numbers that are too small
        for any since 1970, since they may count anything; and for numbers too far apart: then
        these are no times.
        """
        if self.stated_unit is not None:
            stated = unit_named(self.stated_unit)
            return self._unit_by_size if self._is_too_coarse(stated) else stated
        unit = self._unit_by_size or ("s" if self.values.dtype.kind == "f" else None)
        steps = np.abs(np.diff(self._finite))
        is_slow = len(steps) and float(np.median(steps)) * UNITS.get(unit or "", 0) > STEP_MAX_NS
        return None if is_slow or not len(steps) else unit

    def trouble(self) -> str | None:
        """What is wrong with the unit that is stated, None where nothing is."""
        if self.stated_unit is None or unit_named(self.stated_unit) == self.unit is not None:
            return None
        says = f'its unit is "{self.stated_unit[:40]}"'
        if self.unit is None:
            return f"{says}: write s, ms, us or ns"
        return f"{says}, its numbers are {self.unit} since 1970: write {self.unit}"

    def stamps(self, unit: str) -> tuple[Times, npt.NDArray[np.bool_]]:
        """The times (ns) in a unit, and which of them the recorder wrote.

        The others (``nanoseconds``) lie between their neighbours.
        """
        times, is_time = nanoseconds(pa.array(self.values), unit)
        if is_time.sum() > 1 and not is_time.all():
            times = evened(times, is_time)
        return times, is_time

    @functools.cached_property
    def _finite(self) -> npt.NDArray[np.float64]:
        values = self.values.astype(np.float64)
        return values[np.isfinite(values)]

    @functools.cached_property
    def _unit_by_size(self) -> str | None:
        typical = abs(float(np.median(self._finite))) if len(self._finite) else 0.0
        return next((unit for least, unit in UNIX if typical >= least), None)

    def _is_too_coarse(self, unit: str | None) -> bool:
        """Whether numbers so large would lie thousands of years ahead in that unit."""
        order = [one for _, one in UNIX]
        by_size = self._unit_by_size
        return bool(unit and by_size and order.index(unit) > order.index(by_size))


def time_columns(every: Mapping[str, Rows]) -> dict[str, TimeColumn]:
    """The columns that are named as times and hold numbers, by name."""
    return {name: column(rows) for name, rows in every.items() if _is_named_so(rows)}


def column(rows: Rows) -> TimeColumn:
    """The numbers of a column: whole ones exact, those that cannot be read as NaN."""
    try:
        values = np.asarray(rows.array[rows.start : rows.start + rows.there]).reshape(-1)
    except ERRORS:
        values = numbers_in(rows)[0].reshape(-1)
    said = (plain(rows.attributes.get(name)) for name in ("unit", "units"))
    stated = next((text for text in said if isinstance(text, str) and text.strip()), None)
    values = values.astype(values.dtype.newbyteorder("="))
    return TimeColumn(rows.name, rows.count, values, stated)


def column_for(columns: Mapping[str, TimeColumn], rows: Rows) -> TimeColumn | None:
    """The times of an array: its own, else those nearest above it, else the only ones that fit.

    A column of times has its own. One row more than the array's is allowed, as some simulators
    observe once more than they act.
    """
    one = columns.get(rows.name)
    if one is not None and one.unit:
        return one
    for ending in ("_timestamp", "_timestamps", "_time"):
        own = columns.get(f"{rows.name}{ending}")
        if own is not None and _fits(own, rows):
            return own
    shared = [one for one in columns.values() if one.unit and _is_shared(one.name)]
    fitting = sorted((one for one in shared if _fits(one, rows)), key=lambda one: one.count)
    for folder in PurePosixPath(rows.name).parents:
        for one in fitting:
            if PurePosixPath(one.name).parent == folder:
                return one
    return fitting[0] if len(fitting) == 1 else None


def is_of_no_array(one: TimeColumn, used: set[str]) -> bool:
    """Whether a column should be the times of arrays beside or below it, and none has them."""
    return bool(one.unit) and _is_shared(one.name) and one.name not in used


def _is_shared(name: str) -> bool:
    return NAMES.fullmatch(PurePosixPath(name).name) is not None


def _fits(one: TimeColumn, rows: Rows) -> bool:
    return one.unit is not None and one.count - rows.count in (0, 1)


def _is_named_so(rows: Rows) -> bool:
    shape = tuple(rows.array.shape)
    is_column = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    is_numeric = rows.array.dtype.kind in "iuf"
    return is_column and is_numeric and rows.there > 1 and NAMES.search(rows.name) is not None


def rising(times: Times) -> npt.NDArray[np.bool_]:
    """Which of some times, shape (n,), are right if as few as can be are wrong: the longest part
    that rises.

    (Schensted 1961. Row after row, which no array operation does; asked only where time runs back.)
    """
    ends: list[int] = []  # the least time with which a part of each length ends
    rows: list[int] = []
    before = np.full(len(times), -1)
    for row, time in enumerate(times.tolist()):
        at = bisect.bisect_left(ends, time)
        before[row] = rows[at - 1] if at else -1
        ends[at : at + 1], rows[at : at + 1] = [time], [row]
    is_right = np.zeros(len(times), np.bool_)
    row = rows[-1] if rows else -1
    while row >= 0:
        is_right[row] = True
        row = int(before[row])
    return is_right


def evened(times: Times, is_time: npt.NDArray[np.bool_]) -> Times:
    """Times of every row; those that are none lie evenly among the others, two or more."""
    known, rows = np.flatnonzero(is_time), np.arange(len(times))
    first = int(times[known[0]])
    since = (times[known] - first).astype(np.float64)
    step = float(np.median(np.diff(since) / np.diff(known)))
    between = np.interp(rows, known, since)
    between += step * (np.minimum(rows - known[0], 0) + np.maximum(rows - known[-1], 0))
    mended: Times = first + np.rint(between).astype(np.int64)
    return np.where(is_time, times, mended)
