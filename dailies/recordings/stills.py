"""Pictures that a table holds one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from dailies.recordings.contract import StillsFile
from dailies.recordings.files import inside


def stills_in(source: StillsFile) -> Iterator[bytes | None]:
    """The bytes of each picture, a batch of rows at a time, wherever they are kept."""
    with pq.ParquetFile(source.path) as file:
        at = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            low, high = max(source.start - at, 0), min(source.stop - at, count)
            at += count
            if low < high:
                for cell in _cells(file, group, source.column, low, high):
                    yield _content(cell, source.path)


def _cells(file: pq.ParquetFile, group: int, column: str, low: int, high: int) -> Iterator[Any]:
    """Rows [low, high) of a row group, a batch in memory at a time."""
    at = 0
    for batch in file.iter_batches(
        batch_size=64, row_groups=[group], columns=[column], use_threads=False
    ):
        for cell in batch.column(0)[max(low - at, 0) : max(high - at, 0)]:
            yield cell.as_py()
        at += batch.num_rows
        if at >= high:
            return


def _content(cell: Any, parquet: Path) -> bytes | None:
    """A picture's bytes: in the cell, or in the file it names, from the table or dataset root."""
    if not isinstance(cell, dict):
        return cell if isinstance(cell, bytes) else None
    if cell.get("bytes"):
        return bytes(cell["bytes"])
    named = PurePosixPath(str(cell.get("path") or "")).parts
    if "images" in named:  # an absolute path is that of the machine it was written on
        named = named[len(named) - 1 - named[::-1].index("images") :]
    for folder in parquet.parents[:3]:  # the dataset's root is two above data/chunk-000
        beside = inside(folder, "/".join(named))
        if beside is not None and beside.is_file():
            return beside.read_bytes()
    return None
