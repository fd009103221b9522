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
    at = 0
    with pq.ParquetFile(source.path) as file:
        for batch in file.iter_batches(batch_size=64, columns=[source.column]):
            for cell in batch.column(0)[max(source.start - at, 0) : max(source.stop - at, 0)]:
                yield _content(cell.as_py(), source.path)
            at += len(batch)
            if at >= source.stop:
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
