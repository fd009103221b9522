"""Zarr stores, v2 and v3, folders and zips: replay buffers of UMI and diffusion policy."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dailies.recordings import arrays
from dailies.recordings.array_episodes import Sheet, episode_of, is_needed, rate_in, usual_count
from dailies.recordings.arrays import Rows, pictures_in
from dailies.recordings.contract import CarriedPicture, Clock, Episode, Problem
from dailies.recordings.files import is_unfinished, trouble, unreadable
from dailies.recordings.hdf5 import described
from dailies.recordings.tables import Times

if TYPE_CHECKING:
    import zarr

ASSUMED_HZ = 10.0
"""The rate of diffusion policy's own sets; a buffer states none."""
MARKS = ("zarr.json", ".zgroup", ".zmetadata")
"""Files that make a folder a Zarr group."""
ERRORS = (*arrays.ERRORS, zipfile.BadZipFile, AttributeError)
"""Damaged stores make zarr 3.1 trip over its own attributes."""


@dataclass(frozen=True, eq=False)
class ZarrPictures:
    """Pictures in the rows of an array of the store at ``root``; see ``Carried``.

    ``path`` is the file that describes the array, or the zip.
    """

    path: Path
    root: Path
    key: str
    start: int
    there: int
    times_ns: Times
    coding: Literal["still", "raw"]
    clock: Clock

    def pictures(self) -> Iterator[CarriedPicture]:
        """Every picture in order, a block of rows in memory at a time."""
        try:
            with _opened(self.root) as group:
                array = _checked(group[self.key], self.root / self.key)
                yield from pictures_in(array, self.start, self.there, self.times_ns, self.coding)
        except ERRORS as error:
            raise ValueError(str(error)) from error


class Zarr:
    """Reads folders of Zarr, and .zarr.zip files."""

    name = "zarr"
    suffixes = frozenset({".zip"})

    def recognises(self, path: Path) -> bool:
        """True for a folder that is a Zarr group, or is called one, and for a zip of one."""
        if is_unfinished(path.name):
            return False
        if path.is_file():
            name = path.name.lower()
            return name.endswith(".zarr.zip") or (name.endswith(".zip") and _is_zipped(path))
        is_marked = any((path / mark).exists() for mark in MARKS)
        return path.is_dir() and (is_marked or path.suffix.lower() == ".zarr")

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The episodes that ``meta/episode_ends`` tells apart; one, where nothing does."""
        problems: list[Problem] = []
        said = described(path, problems)
        problem, after = trouble(path, None, str(path)) if path.is_file() else None, 0
        if problem is None:
            try:
                with _opened(path) as group:
                    for episode in _episodes(path, group, said, problems, indexes):
                        after = episode.index + 1
                        yield episode
                return
            except ERRORS as error:
                problem = unreadable(path, None, error)
        if indexes is None or after in indexes:
            files = (path,) if path.is_file() else ()
            yield Episode(path, after, self.name, problems=(*problems, problem), files=files)


def _is_zipped(path: Path) -> bool:
    """True for a zip with a Zarr group at its root, or in the only folder there."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _within(archive.namelist()) is not None
    except ERRORS:
        return False


def _within(names: list[str]) -> str | None:
    """The folder of a zip's names that is the group, "" for its root, None where neither is one."""
    roots = {name.split("/", 1)[0] + "/" for name in names}
    folders = ["", *(roots if len(roots) == 1 else ())]
    marked = (one for one in folders if any(one + mark in names for mark in MARKS))
    return next(marked, None)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zarr.Group]:
    """The root group. Raises what zarr raises."""
    import zarr  # takes a while, and few recordings need it
    import zarr.storage

    with contextlib.suppress(ImportError):
        # where imagecodecs is installed, its codecs are known only once it is asked
        importlib.import_module("imagecodecs.numcodecs").register_codecs(verbose=False)
    if path.is_dir():
        yield zarr.open_group(str(path), mode="r")
        return
    with zipfile.ZipFile(path) as archive:  # raises what is wrong with it, which zarr does not
        folder = _within(archive.namelist())
    store = zarr.storage.ZipStore(path, mode="r")
    try:
        yield zarr.open_group(store, mode="r", path=(folder or "").rstrip("/"))
    finally:
        store.close()


def _episodes(
    path: Path,
    group: zarr.Group,
    said: Any,
    problems: list[Problem],
    indexes: Collection[int] | None,
) -> Iterator[Episode]:
    every = dict(_arrays(path, group, problems))
    ends = _ends(path, every, problems)
    held = {name.removeprefix("data/"): one for name, one in every.items() if name[:5] == "data/"}
    held = held or {name: one for name, one in every.items() if name[:5] != "meta/"}
    files = tuple(dict.fromkeys(one.path for one in held.values()))
    attributes: dict[str, Any] = dict(group.attrs)
    with contextlib.suppress(*ERRORS):
        attributes |= dict(group["meta"].attrs) | dict(group["data"].attrs)
    longest = usual_count(one.count for one in held.values())
    bounds = list(itertools.pairwise([0, *ends])) or [(0, longest)]
    if ends:  # what is far shorter than the episodes' arrays holds constants
        held = {
            name: one
            for name, one in held.items()
            if 2 * one.count >= longest or _is_cut_off(name, one)
        }
    for index, (start, end) in enumerate(bounds):
        if indexes is not None and index not in indexes:
            continue
        noted = _beyond(path, index, bounds, longest) if ends else []
        stop = max(min(end, longest), start)
        rows = {
            name: one.rows(name, start, stop if ends else one.count) for name, one in held.items()
        }
        yield episode_of(
            Sheet(
                path=path,
                index=index,
                format="zarr",
                where=f"{path}, episode {index}" if ends else str(path),
                rows={name: one for name, one in rows.items() if one is not None},
                rate_hz=rate_in(attributes),
                assumed_hz=ASSUMED_HZ,
                said=said,
                carry=lambda rows, times, coding, clock: ZarrPictures(
                    _description(path, rows.key),
                    path,
                    rows.key,
                    rows.start,
                    rows.there,
                    times,
                    coding,
                    clock,
                ),
                files=files or ((path,) if path.is_file() else ()),
                problems=(*problems, *noted),
            )
        )


def _is_cut_off(name: str, one: _Held) -> bool:
    """Whether a short array is a camera, a state or an action, of which the rest is missing."""
    rows = one.rows(name, 0, one.count)
    return rows is not None and is_needed(rows)


def _beyond(path: Path, index: int, bounds: list[tuple[int, int]], longest: int) -> list[Problem]:
    """An episode that goes on behind the arrays' last row, and rows behind the last episode."""
    end, is_last = bounds[index][1], index == len(bounds) - 1
    if end > longest:
        what = f"ends episode {index} at row {end}, the arrays have {longest}"
    elif is_last and end < longest:
        what = f"ends the last episode at row {end}, {longest - end} rows behind it are of none"
    else:
        return []
    message = f"{path}: meta/episode_ends {what}: write it again, or copy the arrays again"
    return [Problem("count_mismatch", None, message)]


@dataclass(frozen=True)
class _Held:
    """An array of the store, and the file that describes it."""

    key: str
    array: Any
    path: Path
    attributes: Mapping[str, Any]

    @property
    def count(self) -> int:
        """How many rows it has."""
        return int(self.array.shape[0]) if self.array.shape else 0

    def rows(self, name: str, start: int, stop: int) -> Rows | None:
        """The rows [start, stop) of an episode."""
        if not self.array.shape:
            return None
        there = max(min(stop, self.count) - start, 0)
        return Rows(name, self.key, self.array, start, stop, there, self.attributes)


def _arrays(path: Path, group: zarr.Group, problems: list[Problem]) -> Iterator[tuple[str, _Held]]:
    """Every array of the store that can be opened, by its path."""
    for key in _keys(path):
        try:
            array = group[key]
            if hasattr(array, "chunks"):  # an array, and no group
                _codec_is_there(array)
                array = _checked(array, path / key)
                yield key, _Held(key, array, _description(path, key), dict(array.attrs))
        except ERRORS as error:
            problems.append(_unopened(path, key, error))


def _keys(path: Path) -> list[str]:
    """Paths of the arrays; by the files themselves, so that a damaged one hides no other."""
    ends = ("/.zarray", "/zarr.json")
    if path.is_dir():
        names = [
            file.relative_to(path).as_posix()
            for pattern in (".zarray", "zarr.json")
            for file in path.rglob(pattern)
        ]
    else:
        with zipfile.ZipFile(path) as archive:
            folder = _within(archive.namelist()) or ""
            names = [name.removeprefix(folder) for name in archive.namelist()]
    return sorted({name.rsplit("/", 1)[0] for name in names if name.endswith(ends)})


def _description(path: Path, key: str) -> Path:
    if path.is_file():
        return path
    old = path / key / ".zarray"
    return old if old.is_file() else path / key / "zarr.json"


def _codec_is_there(array: Any) -> None:
    """Raises what is raised where a codec of the array is not installed."""
    _ = array.compressors, array.filters


def _unopened(path: Path, key: str, error: BaseException) -> Problem:
    """An array that cannot be opened, and what to install where it is a codec that is missing."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    remedy = "copy it again from the recorder"
    if "codec" in said.lower():
        package = "imagecodecs" if "imagecodecs" in said or "jpeg" in said.lower() else "its codec"
        remedy = f"install the Python package {package} where Dailies runs"
        remedy = remedy if package == "imagecodecs" else "install the codec's Python package"
    name = key.removeprefix("data/")
    return Problem("corrupt_stream", name, f"{path}, {key} cannot be read ({said}): {remedy}")


def _ends(path: Path, every: dict[str, _Held], problems: list[Problem]) -> list[int]:
    """Where each episode ends; none where nothing, or nothing that can be, tells."""
    held = every.get("meta/episode_ends")
    if held is None:
        return []
    try:
        values = np.asarray(held.array[:]).reshape(-1).astype(np.float64)
    except ERRORS as error:
        problems.append(_unopened(path, held.key, error))
        return []
    steps = np.diff(values, prepend=0.0)
    wrong = np.flatnonzero(~((steps >= 0) & (values == np.rint(values))))
    if len(values) and not len(wrong):
        return [int(end) for end in values]
    at = int(wrong[0]) if len(wrong) else 0
    what = f"is {values[at]:g} for episode {at}" if len(values) else "names no episode"
    message = f"{path}: meta/episode_ends {what}: write the row behind each episode's last there"
    problems.append(Problem("count_mismatch", None, message))
    return []


def _checked(array: Any, folder: Path) -> Any:
    """An array of which chunks that were cut off are not read: blosc unpacks them to anything."""
    # what another codec adds behind it, no head of blosc's knows
    last = type(array.compressors[-1]).__name__ if array.compressors else ""
    is_packed = last in ("Blosc", "BloscCodec") and getattr(array, "shards", None) is None
    return _Checked(array, folder) if is_packed and folder.is_dir() else array


class _Checked:
    """A ``zarr.Array`` in a folder, whose chunks of blosc are as long as they say."""

    def __init__(self, array: Any, folder: Path) -> None:
        self._array, self._folder = array, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._array, name)

    def __getitem__(self, rows: Any) -> Any:
        shape, chunks = self._array.shape, self._array.chunks
        if shape:
            low, high, _ = (rows if isinstance(rows, slice) else slice(rows, rows + 1)).indices(
                shape[0]
            )
            grid = [range(low // chunks[0], -(-high // chunks[0]))]
            grid += [
                range(-(-size // chunk)) for size, chunk in zip(shape[1:], chunks[1:], strict=True)
            ]
            for coordinates in itertools.product(*grid):
                self._look(self._array.metadata.encode_chunk_key(coordinates))
        return self._array[rows]

    def _look(self, key: str) -> None:
        """Raises ValueError where a chunk is not as long as its head says (bytes 12 to 16)."""
        try:
            with (self._folder / key).open("rb") as file:
                head = file.read(16)
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return  # nothing but the fill value is not written
        said = int.from_bytes(head[12:16], "little")
        if said != size:
            raise ValueError(f"chunk {key} has {size} bytes of {said}")
