"""HDF5 files: one episode (ALOHA, RoboMIND), or many in groups (robomimic, LIBERO)."""

from __future__ import annotations

import fnmatch
import functools
import io
import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from dailies.recordings.array_episodes import Sheet, episode_of, is_needed, rate_in
from dailies.recordings.arrays import ERRORS, Rows, pictures_in, plain
from dailies.recordings.contract import (
    CarriedPicture,
    Clock,
    Episode,
    Problem,
)
from dailies.recordings.described import Said, is_number, load_json
from dailies.recordings.files import is_named, trouble, unreadable
from dailies.recordings.hdf5_heap import Heap
from dailies.recordings.tables import Times
from dailies.recordings.video import sidecar_of

SUFFIXES = frozenset({".hdf5", ".h5"})
MAPPING = "mapping.json"
"""Says of all files of a folder what the JSON beside one says of it."""
EPISODES = re.compile(r"^(demo|episode|ep|traj|trajectory|rollout)[_-]?(\d+)$", re.IGNORECASE)
"""Names of the groups that are an episode each."""
SIBLINGS = 3
"""Other episodes of the file, evenly among them, that are held against one."""
ASSUMED_HZ = {"observations": 50.0, "obs": 20.0}
"""Rates of ALOHA (DT 0.02 s) and robomimic (control_freq 20), by the group that marks them."""
ASSUMED_ELSE_HZ = 30.0
SIGNATURE = b"\x89HDF\r\n\x1a\n"
ARRAYS_MAX = 2000
"""Arrays of an episode that are looked at."""


@dataclass(frozen=True, eq=False)
class Hdf5Pictures:
    """Pictures in the rows of a dataset; see ``Carried``."""

    path: Path
    key: str
    start: int
    there: int
    times_ns: Times
    coding: Literal["still", "raw"]
    clock: Clock

    def pictures(self) -> Iterator[CarriedPicture]:
        """Every picture in order, a block of rows in memory at a time."""
        try:
            with _open(self.path).file as file:
                array = file[self.key]
                yield from pictures_in(array, self.start, self.there, self.times_ns, self.coding)
        except RuntimeError as error:
            raise ValueError(str(error)) from error


class Hdf5:
    """Reads .hdf5 and .h5 files."""

    name = "hdf5"
    suffixes = SUFFIXES

    def recognises(self, path: Path) -> bool:
        """True for a finished file with an ending of HDF5's."""
        return is_named(path, SUFFIXES)

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The episodes of the file, in the order of the numbers in their groups' names."""
        problems: list[Problem] = []
        said = described(path, problems)
        problem = trouble(path, None, str(path))
        if problem is None:
            try:
                opened = _open(path)
            except ERRORS as error:
                problem = unreadable(path, None, error)
        if problem is not None:
            if indexes is None or 0 in indexes:
                yield Episode(path, 0, self.name, problems=(*problems, problem), files=_file(path))
            return
        with opened.file as file:
            groups = _groups(file, said)
            keys = [key for _, key in groups]
            problems += _unfit_pattern(path, said, keys)
            for at, (index, key) in enumerate(groups):
                if indexes is None or index in indexes:
                    siblings = _siblings(keys, at)
                    yield _episode(opened, index, key, siblings, said, tuple(problems))


def described(path: Path, problems: list[Problem]) -> Said:
    """What the JSON beside a recording says, put over what mapping.json says of its folder."""
    common = load_json(path.parent / MAPPING, problems)
    beside = sidecar_of(path)
    own = load_json(beside, problems) if beside else None
    said = Said({}, str(path), problems).merged(common)
    return said.merged(own)


def _file(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


@dataclass(frozen=True, eq=False)
class _Opened:
    """A file that is open, and at how many bytes it is cut off (None: it is whole)."""

    path: Path
    file: h5py.File
    cut: int | None
    needed: dict[str, frozenset[str]] = field(default_factory=dict)
    """What each episode that was looked at has of ``is_needed``, by its group."""

    @functools.cached_property
    def heap(self) -> Heap:
        """Its global heap, looked through once, where anything asks for it."""
        return Heap.of(self.path, self.file)

    def attributes(self, one: h5py.Dataset | h5py.Group) -> dict[str, Any]:
        """What is said of a dataset or a group: all but texts in a heap that was cut off."""
        names = list(one.attrs)
        if self.cut is not None and self.heap.is_damaged:
            names = [name for name in names if not _is_in_heap(one.attrs.get_id(name).dtype)]
        return {name: one.attrs[name] for name in names}


def _is_in_heap(kind: np.dtype[Any]) -> bool:
    """Whether values of a type lie in the global heap: texts and rows of any length."""
    text = h5py.check_string_dtype(kind)
    return h5py.check_vlen_dtype(kind) is not None or (text is not None and text.length is None)


def _open(path: Path) -> _Opened:
    stored = _stored_size(path)
    size = path.stat().st_size
    if stored is None or stored <= size:
        return _Opened(path, h5py.File(path, "r", locking=False), None)
    return _Opened(path, h5py.File(_Padded(path, stored), "r"), size)


def _stored_size(path: Path) -> int | None:
    """The end of the file as its superblock gives it, None where there is none in place."""
    with path.open("rb") as file:
        head = file.read(112)
    if not head.startswith(SIGNATURE) or len(head) < 48:
        return None
    version = head[8]
    sizes, at = (head[13], 24 if version == 0 else 28) if version < 2 else (head[9], 12)
    if sizes != 8:
        return None
    at += 16  # base address, then that of the free space or of the extension
    return int.from_bytes(head[at : at + 8], "little")


class _Padded(io.RawIOBase):
    """A file that was cut off, as long as it says it is: HDF5 opens no shorter one."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("rb")
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = max(min(len(buffer), self._size - self._at), 0)
        self._file.seek(self._at)
        there = self._file.read(count)
        buffer[:count] = there + bytes(count - len(there))
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _groups(file: h5py.File, said: Said) -> list[tuple[int, str]]:
    """Number and path of each group that is an episode, in order; the whole file where none is."""
    pattern = said.raw("episodes")
    if isinstance(pattern, str):
        keys = _matching(file, pattern.strip("/"))
    else:
        keys = [*_named_so(file, "data"), *_named_so(file, "")]
    if not keys:
        return [(0, "")]
    keys.sort(key=_natural)
    numbers = [_number(key) for key in keys]
    if None in numbers or len(set(numbers)) < len(numbers):
        return list(enumerate(keys))
    return [(number, key) for number, key in zip(numbers, keys, strict=True) if number is not None]


def _named_so(file: h5py.File, parent: str) -> list[str]:
    """The groups below one that are named as episodes are."""
    try:
        group = file[parent] if parent else file
        return [
            f"{parent}/{name}".strip("/")
            for name in group
            if EPISODES.match(name) and group.get(name, getclass=True) is h5py.Group
        ]
    except ERRORS:
        return []


def _siblings(keys: Sequence[str], at: int) -> set[str]:
    """SIBLINGS of the episodes beside the one at ``at``, evenly among them."""
    last = len(keys) - 2
    beside = {int(one) for one in np.linspace(0, last, SIBLINGS)} if last >= 0 else set()
    return {keys[one if one < at else one + 1] for one in beside}


def _unfit_pattern(path: Path, said: Said, keys: list[str]) -> list[Problem]:
    """The pattern for the groups that are episodes, where none fits it."""
    pattern = said.raw("episodes")
    if isinstance(pattern, str) and keys == [""] and pattern.strip("/"):
        message = f'{said.where}: "episodes" is "{pattern}", which no group of {path} fits'
        return [Problem("missing_stream", None, f"{message}: write it as data/*")]
    return []


def _matching(file: h5py.File, pattern: str) -> list[str]:
    """The groups that a pattern like ``data/*`` names."""
    found = [""]
    for part in pattern.split("/"):
        below = []
        for key in found:
            try:
                group = file[key] if key else file
                names = [name for name in group if fnmatch.fnmatchcase(name, part)]
            except ERRORS:
                continue
            below += [f"{key}/{name}".strip("/") for name in names]
        found = below
    return found


def _natural(key: str) -> list[tuple[int, str]]:
    """A sorting key for which demo_2 comes before demo_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", key)]


def _number(key: str) -> int | None:
    digits = re.search(r"(\d{1,9})$", key)
    return int(digits.group(1)) if digits else None


def _episode(
    opened: _Opened,
    index: int,
    key: str,
    siblings: set[str],
    said: Said,
    problems: tuple[Problem, ...],
) -> Episode:
    path, cut = opened.path, opened.cut
    where = f"{path}, {key}" if key else str(path)
    noted = list(problems)
    rows = _rows(opened, key, where, noted)
    if cut is not None:
        stored = _stored_size(path)
        message = f"{path} is cut off: {cut} of {stored} bytes are here: copy it again"
        noted.append(Problem("corrupt_stream", None, message))
    attributes = _attributes(opened, key)
    noted += _promised(where, rows, attributes[0] if attributes and key else {})
    noted += _lacking(opened, where, rows, siblings)
    marks = [mark for mark in ASSUMED_HZ if any(name.startswith(f"{mark}/") for name in rows)]
    return episode_of(
        Sheet(
            path=path,
            index=index,
            format="hdf5",
            where=where,
            rows=rows,
            rate_hz=next((rate for one in attributes if (rate := _rate(one))), None),
            assumed_hz=ASSUMED_HZ[marks[0]] if marks else ASSUMED_ELSE_HZ,
            said=said,
            carry=lambda rows, times, coding, clock: Hdf5Pictures(
                path, rows.key, rows.start, rows.there, times, coding, clock
            ),
            files=(path,),
            task=next((task for one in attributes if (task := _task(one))), None),
            problems=tuple(noted),
        )
    )


def _rows(opened: _Opened, key: str, where: str, problems: list[Problem]) -> dict[str, Rows]:
    """Every dataset of the episode that can be opened, by its path below the episode."""
    found: dict[str, Rows] = {}
    met: set[h5py.Group] = set()  # a link may lead back to one; h5py compares them by address
    waiting = [""]
    while waiting and len(found) < ARRAYS_MAX:
        at = waiting.pop(0)
        full = f"{key}/{at}".strip("/")
        try:
            one = opened.file[full] if full else opened.file
            if isinstance(one, h5py.Dataset):
                rows = _dataset(opened, one, at, full)
                found |= {at: rows} if rows else {}
                if rows and rows.count and not rows.there and _is_in_heap(one.dtype):
                    message = f"{where}: none of the {rows.count} rows of {at} can be read"
                    said = f"{message}: copy it again from the recorder"
                    problems.append(Problem("corrupt_stream", at, said))
                continue
            if one in met:
                continue
            met.add(one)
            names = sorted(one, key=_natural)
        except ERRORS as error:
            said = " ".join(str(error).split())[:200]
            message = f"{where}: {at or 'its content'} cannot be read ({said}): copy it again"
            problems.append(Problem("corrupt_stream", at or None, message))
            continue
        below = [f"{at}/{name}".strip("/") for name in names]
        # a whole file's own groups of episodes are not part of it
        waiting += [name for name in below if key or not EPISODES.match(name)]
    return found


def _promised(
    where: str, rows: Mapping[str, Rows], attributes: Mapping[str, Any]
) -> Iterator[Problem]:
    """robomimic's ``num_samples`` of a demonstration, held against its rows."""
    said = plain(attributes.get("num_samples"))
    counts = Counter(one.count for one in rows.values() if one.count > 1)
    if is_number(said) and counts and all(abs(count - said) > 1 for count in counts):
        count = counts.most_common(1)[0][0]
        message = f"{where} has {count} rows, its num_samples promises {said:g}: export it again"
        yield Problem("count_mismatch", None, message)


def _lacking(
    opened: _Opened, where: str, rows: Mapping[str, Rows], siblings: set[str]
) -> Iterator[Problem]:
    """Arrays that the file's other episodes have and this one lacks: a loader asks for them."""
    if not siblings:
        return
    for key in siblings - opened.needed.keys():
        beside = _rows(opened, key, where, [])
        opened.needed[key] = frozenset(name for name, one in beside.items() if is_needed(one))
    others = [opened.needed[key] for key in siblings]
    for name in sorted(frozenset.intersection(*others) - rows.keys()):
        message = f"{where} has no {name}, which the other episodes have: export it again"
        yield Problem("missing_stream", name, message)


def _dataset(opened: _Opened, one: h5py.Dataset, name: str, key: str) -> Rows | None:
    if not one.shape:
        return None
    cut = opened.cut
    there = one.shape[0] if cut is None else _rows_before(one, cut)
    if _is_in_heap(one.dtype):
        there = min(there, opened.heap.readable_rows(one, is_cut=cut is not None))
    return Rows(name, key, one, 0, one.shape[0], there, opened.attributes(one))


def _rows_before(one: h5py.Dataset, cut: int) -> int:
    """How many of the first rows lie wholly before byte ``cut`` of the file."""
    count = int(one.shape[0])
    offset = one.id.get_offset()
    if offset is not None:
        width = one.dtype.itemsize * int(np.prod(one.shape[1:], dtype=np.int64))
        before: int = max((cut - int(offset)) // max(width, 1), 0)
        return min(before, count)
    if one.chunks is None:
        return count  # compact: it lies in the header that was read
    last: list[int] = [count]

    def look(chunk: Any) -> None:
        if chunk.byte_offset + chunk.size > cut:
            last[0] = min(last[0], int(chunk.chunk_offset[0]))

    one.id.chunk_iter(look)
    return last[0]


def _attributes(opened: _Opened, key: str) -> list[Mapping[str, Any]]:
    """The attributes of the episode's group and of those above it, the nearest first."""
    parts = key.split("/") if key else []
    found: list[Mapping[str, Any]] = []
    for depth in range(len(parts), -1, -1):
        try:
            group = opened.file["/".join(parts[:depth])] if depth else opened.file
            found.append(opened.attributes(group))
        except ERRORS:
            continue
    return found


def _rate(attributes: Mapping[str, Any]) -> float | None:
    """A rate among attributes, or in robomimic's ``env_args`` (JSON, ``control_freq``)."""
    for name in ("env_args", "env_info"):
        said = _json(attributes.get(name))
        inner = said.get("env_kwargs")
        rate = rate_in(inner if isinstance(inner, dict) else said)
        if rate:
            return rate
    return rate_in(attributes)


def _task(attributes: Mapping[str, Any]) -> str | None:
    """The instruction that LIBERO (``problem_info``) and others keep among the attributes."""
    said = {**attributes, **_json(attributes.get("problem_info"))}
    for name in ("language_instruction", "instruction", "task", "language_raw"):
        text = said.get(name)
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if isinstance(text, list):
            text = "".join(map(str, text))
        if isinstance(text, str) and text.strip():
            return text.strip().strip('"')
    return None


def _json(text: Any) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ERRORS:
        return {}
    return said if isinstance(said, dict) else {}
