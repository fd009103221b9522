"""Files of sensor samples as tables: CSV, Parquet, JSON, and arrays of HDF5 and NumPy."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from dailies.recordings.files import Unfit

COLUMNS_MAX = 4096
"""More keys are no columns, but values that were written in their place."""
Arrays = Mapping[str, npt.NDArray[Any]]


def read_table(path: Path, time: str | None = None) -> tuple[pa.Table, list[str]]:
    """A whole file as a table, and what is wrong with its rows.

    CSV (UTF-8, with a header), Parquet, JSON (objects, one a line or in a list, or lists by name),
    or the arrays of an HDF5 or NumPy file that have as many rows as ``time``; what objects hold
    within others, and arrays in groups, have their path for a name ("gyro.x", "imu/gyro").

    Raises ValueError for another ending, Unfit for what is written otherwise, and what the
    libraries raise for a damaged file.
    """
    ending = path.suffix.lower()
    read = _READERS.get(ending)
    if read is None:
        endings = ", ".join(_READERS)
        raise ValueError(f'its name ends in "{ending}": a series is one of {endings}')
    return read(path, time)


def _parquet(path: Path, _: str | None) -> tuple[pa.Table, list[str]]:
    return pq.read_table(path, use_threads=False, partitioning=None), []


def _csv(path: Path, _: str | None) -> tuple[pa.Table, list[str]]:
    notes: list[str] = []
    bad: list[pcsv.InvalidRow] = []

    def leave_out(row: pcsv.InvalidRow) -> Literal["skip"]:
        bad.append(row)
        return "skip"

    content = path.read_bytes()
    text = _text(content)
    delimiter = _delimiter(_header(text), text[:65536].partition("\n")[2])
    table = pcsv.read_csv(
        io.BytesIO(content),
        read_options=pcsv.ReadOptions(use_threads=False),
        parse_options=pcsv.ParseOptions(delimiter=delimiter, invalid_row_handler=leave_out),
        convert_options=pcsv.ConvertOptions(decimal_point=_decimal_point(text[:65536], delimiter)),
    )
    if bad:
        at = f"row {bad[0].number}" if bad[0].number is not None else f'"{bad[0].text[:40]}"'
        notes.append(
            f"{len(bad)} rows do not have {bad[0].expected_columns} columns, the first is {at}, "
            f"with {bad[0].actual_columns}"
        )
    return table, notes


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:  # raised here: in read_csv's handler it would be lost
        raise Unfit(f"not UTF-8 from byte {error.start} on: write it as UTF-8") from error


def _header(text: str) -> str:
    """The first line of a CSV. Raises Unfit where it holds numbers."""
    header = text.partition("\n")[0].strip()
    cells = header.replace(";", ",").replace("\t", ",").split(",")
    if header and all(re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", one.strip()) for one in cells):
        raise Unfit(f'its first line is "{header[:40]}": write the columns\' names above it')
    return header


def _delimiter(header: str, rows: str) -> str:
    """What parts the columns: the tabulator or semicolon of a spreadsheet where the header has as
    many as the first row, else the first of comma and these that the header has.
    """
    row = rows.partition("\n")[0]
    evenly = (one for one in "\t;" if 0 < header.count(one) == row.count(one))
    return next(evenly, next((one for one in ",\t;" if one in header), ","))


def _decimal_point(text: str, delimiter: str) -> str:
    """A comma where columns are not parted by one and more cells have one than a point."""
    cells = re.findall(rf"(?:^|{delimiter})\s*[-+]?\d+([.,])\d+\s*(?={delimiter}|\r?$)", text, re.M)
    return "," if delimiter != "," and cells.count(",") > cells.count(".") else "."


def _json_lines(path: Path, _: str | None) -> tuple[pa.Table, list[str]]:
    rows, bad = [], []
    # by no other ends of lines, which may stand within a text
    for number, line in enumerate(_text(path.read_bytes()).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            bad.append(number)
    notes = [f"{len(bad)} lines hold no JSON object, the first is line {bad[0]}"] if bad else []
    return _of_rows(rows), notes


def _json(path: Path, _: str | None) -> tuple[pa.Table, list[str]]:
    said = json.loads(_text(path.read_bytes()))
    if isinstance(said, dict) and len(said) == 1:
        (inner,) = said.values()
        said = inner if isinstance(inner, list) and inner and isinstance(inner[0], dict) else said
    if isinstance(said, list) and all(isinstance(row, dict) for row in said):
        return _of_rows(said), []
    if isinstance(said, dict) and said and all(isinstance(one, list) for one in said.values()):
        if len({len(one) for one in said.values()}) == 1:
            return pa.table({name: _column(one) for name, one in said.items()}), []
        lengths = ", ".join(f"{name} {len(one)}" for name, one in list(said.items())[:8])
        raise Unfit(f"its lists are not equally long ({lengths}): write one value a sample")
    raise Unfit("it is no list of objects, and no object of lists: write a list with one a sample")


def _of_rows(rows: list[dict[str, Any]]) -> pa.Table:
    """One column for each key that any object has; where one lacks it, nothing."""
    flat = [dict(_flattened(row)) for row in rows]
    names: dict[str, None] = {}
    for row in flat:
        names |= dict.fromkeys(row)
        if len(names) > COLUMNS_MAX:
            raise Unfit("its objects have keys of their own each: give a value one name in all")
    return pa.table({name: _column([row.get(name) for row in flat]) for name in names})


def _flattened(row: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _column(values: list[Any]) -> pa.Array[Any]:
    try:
        column: pa.Array[Any] = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # numbers and texts, mixed
        return pa.array([None if value is None else str(value) for value in values])
    return column


def _hdf5(path: Path, time: str | None) -> tuple[pa.Table, list[str]]:
    import h5py  # type: ignore[import-untyped, unused-ignore]  # few recordings need it

    found: dict[str, npt.NDArray[Any]] = {}

    def look(name: str, one: Any) -> None:
        if isinstance(one, h5py.Dataset):
            found[name] = one

    try:
        with h5py.File(path, "r", locking=False) as file:
            file.visititems(look)
            return _of_arrays(found, time), []
    except RuntimeError as error:  # a damaged link or heap
        raise ValueError(str(error)) from error


def _numpy(path: Path, time: str | None) -> tuple[pa.Table, list[str]]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {name: loaded[name] for name in loaded.dtype.names or ()}
        else:
            with loaded:
                arrays = {name: loaded[name] for name in loaded.files if _is_plain(loaded, name)}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if not arrays:
        raise Unfit("one array has no names: write a .npz with one for the times and others")
    return _of_arrays(arrays, time), []


def _is_plain(loaded: Any, name: str) -> bool:
    """Whether a member is an array of numbers: pickled objects are left where they are."""
    with loaded.zip.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        _, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    return not dtype.hasobject


def _of_arrays(found: Arrays, time: str | None) -> pa.Table:
    """The arrays with one row a sample, that of the times first."""
    names = [
        name
        for name, one in found.items()
        if one.ndim in (1, 2) and one.dtype.kind in "iufb" and 0 not in one.shape[1:]
    ]
    if time is None or time.strip("/") not in names:
        listed = ", ".join(names[:8]) or "none"
        raise Unfit(f'"time" must name the array of its times; there are {listed}')
    time = time.strip("/")
    count = found[time].shape[0]
    kept = [time, *(one for one in names if one != time and found[one].shape[0] == count)]
    return pa.table({name: _array(np.asarray(found[name])) for name in kept})


def _array(values: npt.NDArray[Any]) -> pa.Array[Any]:
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    flat: pa.Array[Any] = pa.array(values.reshape(-1))
    is_list = values.ndim == 2 and values.shape[1] > 1
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]) if is_list else flat


_READERS: dict[str, Callable[[Path, str | None], tuple[pa.Table, list[str]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npy": _numpy,
    ".npz": _numpy,
}
