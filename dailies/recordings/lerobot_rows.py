"""An episode's rows in a LeRobot table: only the columns and row groups that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dailies.recordings.tables import matrix

_A_PAGE = 1 << 16
"""Bytes at a time: without it, a whole row group's pictures are read for one of them."""


def row_count(path: Path) -> int:
    """Rows in a table by its footer alone. Raises what pyarrow raises for a damaged file."""
    return int(pq.read_metadata(path).num_rows)


class TableFile:
    """One Parquet file of a dataset, open. Keeps the columns of the last row group that was read.

    So that going through the episodes of a shared file in order reads each row group once.
    Raises what pyarrow raises for a damaged file. Close it, or use it in a with statement.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = pq.ParquetFile(path)
        self.schema: pa.Schema = self._file.schema_arrow
        counts = [
            self._file.metadata.row_group(at).num_rows
            for at in range(self._file.metadata.num_row_groups)
        ]
        self._edges = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        self._kept: tuple[int, tuple[str, ...], pa.Table] | None = None
        self._first_cells: dict[str, object] = {}
        self._runs = self._find_runs()

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._kept = None
        self._file.close()

    @property
    def row_count(self) -> int:
        """Rows in the whole file."""
        return int(self._edges[-1])

    @property
    def episodes(self) -> tuple[int, ...]:
        """Indexes of the episodes in the file, in order of their rows; none without that column."""
        return tuple(self._runs or ())

    def runs_of(self, index: int) -> list[tuple[int, int]] | None:
        """The stretches of rows [start, stop) of an episode, ideally one.

        None where the file has no column that would tell.
        """
        return None if self._runs is None else self._runs.get(index, [])

    def rows(self, start: int, stop: int, columns: Sequence[str]) -> pa.Table:
        """Some columns of rows [start, stop)."""
        spread = self._groups(start, stop)
        if not spread:
            return self.schema.empty_table().select(list(columns))
        groups = [self._group(at, tuple(columns)) for at in spread]
        return pa.concat_tables(groups).slice(start - int(self._edges[spread[0]]), stop - start)

    def first_cell(self, column: str) -> object:
        """The column's first cell, read once and with little beside it; None without a row."""
        if column not in self._first_cells:
            with pq.ParquetFile(self.path, buffer_size=_A_PAGE) as file:
                cells = file.iter_batches(1, columns=[column], use_threads=False)
                first = (one.column(0)[0].as_py() for one in cells if one.num_rows)
                self._first_cells[column] = next(first, None)
        return self._first_cells[column]

    def lacks(self, leaf: str, start: int, stop: int) -> bool:
        """True where the footer says that a column ("picture.bytes") is empty in rows [start, stop)
        and all that lie in a row group with them; False where it does not say."""
        groups = self._groups(start, stop)
        return bool(groups) and all(self._is_empty(at, leaf) for at in groups)

    def _is_empty(self, group: int, leaf: str) -> bool:
        described = self._file.metadata.row_group(group)
        for at in range(described.num_columns):
            column = described.column(at)
            if column.path_in_schema == leaf:
                known = column.statistics
                return known is not None and bool(known.null_count == column.num_values)
        return False

    def _groups(self, start: int, stop: int) -> range:
        """The row groups in which rows [start, stop) lie."""
        first = int(np.searchsorted(self._edges, start, side="right")) - 1
        last = int(np.searchsorted(self._edges, stop, side="left"))
        return range(first, last if stop > start else first)

    def _group(self, at: int, columns: tuple[str, ...]) -> pa.Table:
        if self._kept is None or self._kept[:2] != (at, columns):
            table = self._file.read_row_group(at, columns=list(columns), use_threads=False)
            self._kept = (at, columns, table)
        return self._kept[2]

    def _find_runs(self) -> dict[int, list[tuple[int, int]]] | None:
        if "episode_index" not in self.schema.names:
            return None
        column = self._file.read(columns=["episode_index"], use_threads=False).column(0)
        indexes = matrix(column).reshape(-1)
        indexes = np.where(np.isfinite(indexes), indexes, -1).astype(np.int64)
        if not len(indexes):
            return {}
        starts = np.flatnonzero(np.diff(indexes, prepend=indexes[0] - 1))
        stops = np.append(starts[1:], len(indexes))
        runs: dict[int, list[tuple[int, int]]] = {}
        for index, start, stop in zip(indexes[starts], starts, stops, strict=True):
            runs.setdefault(int(index), []).append((int(start), int(stop)))
        return runs
