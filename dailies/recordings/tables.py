"""Columns of sensor tables as arrays: times in nanoseconds and values of shape (n, d)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dailies.words import often

if TYPE_CHECKING:
    import pandas as pd

Column: TypeAlias = "pa.ChunkedArray[Any] | pa.Array[Any]"
Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds in each unit that a time column may have."""

_UNIT_NAMES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"),
    "us": ("us", "µs", "μs", "usec", "usecs", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nsec", "nsecs", "nanos", "nanosec", "nanosecond", "nanoseconds"),
}

MAX_WIDTH = 4096
"""Numbers a row above which a column is taken for a picture or a point cloud, not a series."""

FARTHEST_NS = 86_400_000_000_000
"""A stamp farther than a day from the middle one is none: no episode lasts so long."""
_LAST_NS = 1 << 62


def is_numeric(kind: Any) -> bool:
    """True for numbers, truth values, and lists of them to any depth."""
    while _is_list(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def matrix(column: Column) -> Values:
    """A numeric column, each cell a number or an equally long list, as float64 of shape (n, d).

    A missing number is NaN. Raises ValueError, naming the first bad row, where lists differ in
    length or one is missing, and TypeError where the column does not hold numbers.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # of no chunk at all
        array = pa.array([], array.type)
    if not is_numeric(array.type):
        raise TypeError(f"it holds {array.type}, not numbers")
    rows = len(array)
    while _is_list(array.type):
        array = _flat(array)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    elif pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    values = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.ascontiguousarray(values.reshape(rows, -1 if rows else 0))


def nanoseconds(column: Column, unit: str) -> tuple[Times, npt.NDArray[np.bool_]]:
    """A time column in int64 nanoseconds, and which of its rows hold a time at all.

    No time is what is no number, what int64 cannot hold, and what is FARTHEST_NS from the middle
    one: a stamp of 0 among those since 1970. Whole numbers stay exact, also where they are written
    as text. Columns of a timestamp type tell their own unit. Raises TypeError where the column
    holds neither numbers nor timestamps.
    """
    times, is_time = _nanoseconds(column, unit)
    if is_time.any():
        is_time &= np.abs(times - int(np.median(times[is_time]))) <= FARTHEST_NS
    return times, is_time


def _nanoseconds(column: Column, unit: str) -> tuple[Times, npt.NDArray[np.bool_]]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if _is_text(array.type):
        array = _times_in_text(array)
    if pa.types.is_timestamp(array.type):
        array, unit = array.cast(pa.timestamp("ns", array.type.tz)).cast(pa.int64()), "ns"
    factor = UNITS[unit]
    if pa.types.is_integer(array.type):
        whole = array.fill_null(0).to_numpy(zero_copy_only=False)
        is_time = array.is_valid().to_numpy(zero_copy_only=False)
        is_time &= (whole <= _LAST_NS // factor) & (whole >= -(_LAST_NS // factor))
        return np.where(is_time, whole, 0).astype(np.int64) * factor, is_time
    values = matrix(array).reshape(len(array), -1)
    if values.shape[1] != 1 and len(values):
        raise TypeError("it holds lists, not a time a row")
    scaled = values.reshape(-1) * factor
    is_time = np.isfinite(scaled) & (np.abs(scaled) <= _LAST_NS)
    return np.rint(np.where(is_time, scaled, 0.0)).astype(np.int64), is_time


def _times_in_text(array: Any) -> Any:
    """Numbers or instants that are written as text, as they are; the array where few are any."""
    for kind in (pa.int64(), pa.timestamp("ns", "UTC"), pa.timestamp("ns")):
        try:
            return array.cast(kind)
        except pa.ArrowInvalid:
            continue
    parsed = _parsed(array.to_pandas())
    return pa.array(parsed) if len(parsed) and (~np.isnan(parsed)).mean() >= 0.5 else array


def unit_named(text: str) -> str | None:
    """The unit that words name ("Milliseconds", "unix seconds", "seconds since 1970"), the first of
    several; None where none does.
    """
    words = re.findall(r"[a-zµμ]+", text.lower())
    units = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
    return next((units[word] for word in words if word in units), None)


def unit_in(name: str) -> str | None:
    """The unit in a column's name: "t_ns", "time [ms]", "stamp (s)"; None where none is."""
    found = re.search(r"(?:[\[(]\s*(\S+?)\s*[\])]|_([a-zµμ]+))$", name.strip().lower())
    return unit_named(found.group(1) or found.group(2)) if found else None


def backwards(times: Times) -> str | None:
    """How often time runs back, first by how much and where, in words; None where it never does."""
    steps = np.diff(times)
    at = np.flatnonzero(steps < 0)
    if not len(at):
        return None
    first_s = -int(steps[at[0]]) / 1e9
    return f"time runs backwards {often(len(at))}, first by {first_s:.6g} s at row {at[0] + 2}"


def in_order(
    times: Times, values: Values, is_time: npt.NDArray[np.bool_]
) -> tuple[Times, Values, list[str]]:
    """The rows that have a time, in order of time; and what had to be mended, in words."""
    notes = []
    if not is_time.all():
        first = int(np.argmin(is_time))
        notes.append(f"{int((~is_time).sum())} rows have no time, the first is row {first + 1}")
        times, values = times[is_time], values[is_time]
    if said := backwards(times):
        notes.append(said)
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return times, values, notes


def fitting(names: Collection[str], patterns: Iterable[re.Pattern[str]]) -> set[str]:
    """The names that the first pattern fits which fits any."""
    fits = ({name for name in names if pattern.search(name)} for pattern in patterns)
    return next((found for found in fits if found), set())


def column_names(name: str, width: int, given: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the numbers in a row: those given where they fit, else name_0, name_1, ..."""
    if len(given) == width and len(set(given)) == width:
        return tuple(given)
    return (name,) if width == 1 else tuple(f"{name}_{at}" for at in range(width))


def numbers(column: pa.ChunkedArray[Any], name: str) -> tuple[Values, list[str]]:
    """As ``matrix``; text that should be numbers becomes NaN and is told of, with its row."""
    if pa.types.is_null(column.type):
        return np.full((len(column), 1), np.nan), []
    if not _is_text(column.type):
        try:
            return matrix(column), []
        except TypeError as error:
            raise TypeError(f'column "{name}": {error}') from error
    text = column.to_pandas()
    parsed = _parsed(text)
    is_bad = np.isnan(parsed) & text.notna().to_numpy() & (text.astype(str) != "").to_numpy()
    notes = []
    if is_bad.any():
        first = int(np.argmax(is_bad))
        notes.append(f'column "{name}" holds no number in row {first + 1}: "{text.iloc[first]}"')
    return parsed.reshape(-1, 1), notes


def holds_numbers(table: pa.Table, field: pa.Field[Any]) -> bool:
    """True for a column of numbers, or of text of which half or more is numbers.

    The latter is a column with damaged cells: to leave it out would hide the damage.
    """
    if is_numeric(field.type) or pa.types.is_null(field.type):
        return True
    if not _is_text(field.type):
        return False
    parsed = _parsed(table.column(field.name).to_pandas())
    return bool(len(parsed)) and bool((~np.isnan(parsed)).mean() >= 0.5)


def _parsed(text: pd.Series[Any]) -> Values:
    """The numbers that text is, NaN where it is none."""
    # takes longer to import than to screen a short clip, and few recordings hold text
    import pandas as pd

    return np.asarray(pd.to_numeric(text, errors="coerce"), np.float64)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: Any) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _flat(array: Any) -> Any:
    if array.null_count:
        first = int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(f"row {first + 1} of {len(array)} is missing")
    if not pa.types.is_fixed_size_list(array.type) and len(array):
        lengths = pc.list_value_length(array).to_numpy(zero_copy_only=False)
        if (lengths != lengths[0]).any():
            first = int(np.argmax(lengths != lengths[0]))
            raise ValueError(
                f"row {first + 1} holds {lengths[first]} numbers where the first holds {lengths[0]}"
            )
    return array.flatten()
