"""RLDS datasets: TFRecord files in which each record is an episode, with features.json beside."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dailies.recordings.array_episodes import Sheet, episode_of
from dailies.recordings.arrays import HEADS, SIDE_MIN, Rows, pictures_in
from dailies.recordings.contract import CarriedPicture, Clock, Episode, Problem
from dailies.recordings.described import Said, load_json
from dailies.recordings.files import READ_ERRORS, is_named, is_unfinished, trouble, unreadable
from dailies.recordings.hdf5 import described
from dailies.recordings.tables import MAX_WIDTH, Times
from dailies.recordings.tfrecord import BadRecord, Record, content_of, features_in, records_of

SUFFIXES = frozenset({".tfrecord", ".tfrecords"})
SHARD = re.compile(r"^(?P<set>.+)-(?P<split>[^-]+)\.tfrecord-(?P<number>\d{5})-of-\d{5}$")
"""A file of a dataset as TensorFlow Datasets names it."""
FEATURES, INFO, OWN = "features.json", "dataset_info.json", "dailies.json"
ASSUMED_HZ = 5.0
"""The rate of BridgeData; RLDS states none."""
STEPS = "steps/"
RAGGED = re.compile(r"/ragged_(flat_values|row_lengths_\d+)$")
"""How TensorFlow Datasets writes rows of any length: all values, and how many each row has."""
SAYS_WHETHER = "episode_metadata/has_"
"""Flags of BridgeData that pictures are real; some of its copies say 0 of real ones too."""


@dataclass(frozen=True, eq=False)
class RldsPictures:
    """The pictures of one feature of a record; see ``Carried``."""

    path: Path
    record: Record
    feature: str
    times_ns: Times
    coding: Literal["still", "raw"]
    clock: Clock
    shape: tuple[int, ...] = ()
    is_packed: bool = False

    def pictures(self) -> Iterator[CarriedPicture]:
        """Every picture in order; the record they lie in is in memory meanwhile."""
        cells = features_in(content_of(self.path, self.record)[0])[self.feature]
        if self.coding == "raw":
            array, is_whole = _raw(cells, self.shape, self.is_packed)
            drawn = pictures_in(array, 0, len(array), self.times_ns, "raw")
            for one, whole in zip(drawn, is_whole, strict=True):
                yield one if whole else CarriedPicture(one.time_ns, None)
            return
        for at, cell in zip(self.times_ns.tolist(), cells, strict=False):
            yield CarriedPicture(at, cell or None)


class Rlds:
    """Reads folders of RLDS, and single .tfrecord files."""

    name = "rlds"
    suffixes = SUFFIXES

    def recognises(self, path: Path) -> bool:
        """True for a folder with features.json and TFRecord files, or shards, and for such a file.

        A single shard is not offered: its folder is the dataset.
        """
        if path.is_file():
            return is_named(path, SUFFIXES)
        if not path.is_dir():
            return False
        described_by = [(path / name).is_file() for name in (FEATURES, INFO)]
        if all(described_by):
            return True
        files = _files(path)
        return any(SHARD.match(file.name) for file in files) or (any(described_by) and bool(files))

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The episodes that are here, numbered as the dataset's description numbers them."""
        source = _Source.of(path)
        found = False
        for index, file, record, problems in _numbered(source):
            if indexes is None or index in indexes:
                found = True
                yield _episode(source, index, file, record, problems)
        if not found and (indexes is None or 0 in indexes):
            message = f"{path} holds no episode: copy the dataset again"
            problem = Problem("missing_stream", None, message)
            files = source.files[:1]
            yield Episode(path, 0, self.name, problems=(*source.problems, problem), files=files)


@dataclass(frozen=True)
class _Feature:
    """A feature as the dataset describes it: numbers a row, 0 where that is not said.

    ``width`` is None for one that is no picture and no numbers, ``picture`` the shape of a
    picture that is not coded, which may be packed by zlib.
    """

    width: int | None
    picture: tuple[int, ...] = ()
    is_packed: bool = False
    is_text: bool = False


@dataclass(frozen=True)
class _Source:
    """A dataset or a file of its own: the files, what they promise, and what is said of them."""

    path: Path
    files: tuple[Path, ...]
    features: Mapping[str, _Feature]
    lengths: Mapping[tuple[str, int], int]
    said: Said
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, path: Path) -> _Source:
        problems: list[Problem] = []
        if path.is_file():
            said = described(path, problems)
            return cls(path, (path,), {}, {}, said, tuple(problems))
        features = load_json(path / FEATURES, problems)
        info = load_json(path / INFO, problems)
        said = load_json(path / OWN, problems) or Said({}, str(path), problems)
        files = tuple(sorted(_files(path)))
        described_as: dict[str, _Feature] = {}
        try:
            if features:
                described_as = dict(_features(features.raw("featuresDict"), ""))
        except (*READ_ERRORS, AttributeError):
            message = f"{path / FEATURES} describes no features: copy it again"
            problems.append(Problem("corrupt_stream", None, message))
        lengths = _lengths(info) if info else {}
        return cls(path, files, described_as, lengths, said, tuple(problems))


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if ".tfrecord" in path.name and not is_unfinished(path.name) and path.is_file()
    ]


def _features(features: Any, name: str) -> Iterator[tuple[str, _Feature]]:
    """Each feature by name."""
    if not isinstance(features, dict):
        return
    if "features" in features:
        for key, inner in features["features"].items():
            yield from _features(inner, f"{name}/{key}".lstrip("/"))
    elif "featuresDict" in features:
        yield from _features(features["featuresDict"], name)
    elif "sequence" in features:
        yield from _features(features["sequence"].get("feature"), name)
    else:
        kind = next((features[key] for key in ("tensor", "image") if key in features), None)
        yield name, _feature(kind, is_image="image" in features, is_text="text" in features)


def _feature(kind: Any, *, is_image: bool, is_text: bool) -> _Feature:
    if kind is None:
        return _Feature(None, is_text=is_text)
    shape = tuple(int(size) for size in kind.get("shape", {}).get("dimensions", []))
    is_bytes = kind.get("dtype", "uint8") == "uint8"
    if is_image:  # a picture of distances is no picture of light
        return _Feature(1 if is_bytes and shape[2:] != (1,) else None)
    if is_bytes and len(shape) == 3 and min(shape[:2]) >= SIDE_MIN and shape[2] in (1, 3, 4):
        return _Feature(None, shape, is_packed=kind.get("encoding") == "zlib")
    return _Feature(int(np.prod(shape, dtype=np.int64)) if all(one > 0 for one in shape) else 0)


def _lengths(info: Said) -> dict[tuple[str, int], int]:
    """How many episodes each shard of each split is said to hold."""
    lengths = {}
    for split in info.noting_in([]).objects("splits"):
        said = split.raw("shardLengths")
        for number, length in enumerate(said if isinstance(said, list) else []):
            if str(length).isdigit():
                lengths[split.text("name") or "", number] = int(length)
    return lengths


def _numbered(source: _Source) -> Iterator[tuple[int, Path, Record, list[Problem]]]:
    """Every record with its episode's number; what is wrong with a file is told of its last one."""
    after = 0
    for file in source.files:
        shard = SHARD.match(file.name)
        place = (shard["split"], int(shard["number"])) if shard else None
        before = {one for one in source.lengths if place and _is_before(one, place, source)}
        index = max(after, sum(source.lengths[one] for one in before))
        promised = source.lengths.get(place) if place else None
        if promised == 0 and not file.stat().st_size:
            continue
        problem = trouble(file, None, str(source.path))
        records: list[Record] = []
        if problem is None:
            try:
                records = list(records_of(file))
            except READ_ERRORS as error:
                problem = unreadable(file, None, error)
        if problem is not None:
            yield index, file, Record(0, 0, is_whole=False), [problem]
            after = index + 1
            continue
        lost = _lost(file, len(records), promised)
        for at, record in enumerate(records):
            yield index + at, file, record, lost if at == len(records) - 1 else []
        after = index + len(records)


def _is_before(one: tuple[str, int], place: tuple[str, int], source: _Source) -> bool:
    """True for a shard of the same split before this one, or of a split before it by name."""
    here = {match["split"] for file in source.files if (match := SHARD.match(file.name))}
    return one < place and (one[0] == place[0] or one[0] in here)


def _lost(file: Path, count: int, promised: int | None) -> list[Problem]:
    if promised is None or count == promised:
        return []
    message = f"{file} holds {count} episodes, {INFO} promises {promised}: copy it again"
    return [Problem("count_mismatch", None, message)]


def _episode(
    source: _Source, index: int, file: Path, record: Record, problems: list[Problem]
) -> Episode:
    where = f"{file}, episode {index}"
    noted = [*source.problems, *problems]
    rows: dict[str, Rows] = {}
    try:
        content, is_sound = content_of(file, record)
        if not is_sound:
            message = f"{where}: its checksum does not match: copy the file again"
            noted.append(Problem("corrupt_stream", None, message))
        lists = features_in(content)
        rows = _rows(lists, source.features)
        noted += _contradictions(lists, source.features, rows, where)
    except (*READ_ERRORS, BadRecord) as error:
        if not problems or isinstance(error, BadRecord):
            message = f"{where} cannot be read ({error}): copy the file again"
            noted.append(Problem("corrupt_stream", None, message))
    return episode_of(
        Sheet(
            path=source.path,
            index=index,
            format="rlds",
            where=where,
            rows=rows,
            rate_hz=None,
            assumed_hz=ASSUMED_HZ,
            said=source.said,
            carry=lambda rows, times, coding, clock: RldsPictures(
                file,
                record,
                rows.key,
                times,
                coding,
                clock,
                tuple(rows.array.shape[1:]),
                source.features.get(rows.key, _Feature(0)).is_packed,
            ),
            files=(file,),
            problems=tuple(noted),
        )
    )


def _rows(lists: Mapping[str, Any], features: Mapping[str, _Feature]) -> dict[str, Rows]:
    """An episode's lists as arrays with one row a step, by name without ``steps/``."""
    count = _step_count(lists)
    found = {}
    for key, values in sorted(lists.items()):  # a map comes in any order
        name = key.removeprefix(STEPS)
        if key.startswith("episode_metadata/") or _is_dummy(name, values, lists):
            continue
        feature = features.get(key, _Feature(0))
        if feature.is_text and not any(values.tolist()):
            continue
        if feature.picture:
            array, _ = _raw(values, feature.picture, feature.is_packed)
        elif feature.width is None and values.dtype != object:
            continue
        else:
            array = _table(values, count, feature.width or 0, is_said=key in features)
            if array is not None and feature.width is None and _is_picture(array):
                continue
        if array is not None:
            found[name] = Rows(name, key, array, 0, len(array), len(array))
    return found


def _raw(values: Any, shape: tuple[int, ...], is_packed: bool) -> tuple[Any, list[bool]]:
    """Pictures that are not coded, a run of bytes or as many numbers each: uint8 (n, h, w, c), and
    whether each is whole; one that is not is black.
    """
    size = math.prod(shape)
    if values.dtype != object:
        array = values[: len(values) // size * size].astype(np.uint8).reshape(-1, *shape)
        return array, [True] * len(array)
    cells = [_unpacked(cell, size) if is_packed else cell for cell in values.tolist()]
    is_whole = [len(cell) == size for cell in cells]
    whole = b"".join(cell if len(cell) == size else bytes(size) for cell in cells)
    return np.frombuffer(whole, np.uint8).reshape(-1, *shape), is_whole


def _unpacked(cell: bytes, size: int) -> bytes:
    """What zlib packed, to one byte more than it ought to be; nothing where it is damaged."""
    try:
        return zlib.decompressobj().decompress(cell, size + 1)
    except zlib.error:
        return b""


def _contradictions(
    lists: Mapping[str, Any], features: Mapping[str, _Feature], rows: Mapping[str, Rows], where: str
) -> Iterator[Problem]:
    """What a record lacks of what the dataset describes, or says against itself."""
    for key in sorted(features):
        is_there = key in lists or any(one.startswith(f"{key}/") for one in lists)
        if key.startswith(STEPS) and not is_there:
            message = f"{where} has no {key}, which {FEATURES} describes: copy the dataset again"
            yield Problem("missing_stream", key.removeprefix(STEPS), message)
    count = _step_count(lists)
    for key, values in sorted(lists.items()):
        name = key.removeprefix(STEPS)
        is_lost = name not in rows and values.dtype != object and count < len(values)
        is_lost &= RAGGED.search(key) is None  # rows of any length, which others count
        if key.startswith(STEPS) and is_lost and count and len(values) % count:
            message = f"{where}, {name}: {len(values)} numbers for {count} steps: export it again"
            yield Problem("count_mismatch", name, message)
    for name, last in (("is_first", 0), ("is_last", count - 1)):
        marked = np.flatnonzero(lists.get(f"{STEPS}{name}", ()))
        if len(marked) and marked.tolist() != [last]:
            at = next(step for step in marked.tolist() if step != last)
            message = f"{where}: {name} marks step {at} of {count}: one record, one episode"
            yield Problem("count_mismatch", None, message)


def _is_dummy(name: str, values: Any, lists: Mapping[str, Any]) -> bool:
    """True for pictures that a flag calls unreal and that are indeed all one and the same."""
    flag = lists.get(f"{SAYS_WHETHER}{name.rsplit('/', 1)[-1]}")
    if flag is None or not len(flag) or flag[0] or values.dtype != object:
        return False
    return len(set(values.tolist())) == 1


def _table(values: Any, count: int, width: int, *, is_said: bool) -> Any:
    """A list as an array of rows: its width as described, else what makes ``count`` rows of it."""
    if values.dtype == object:
        return values if len(values) > 1 or count == 1 else None
    if not is_said or not width:
        width = len(values) // count if count and len(values) % count == 0 else 0
    if not width or width > MAX_WIDTH:
        return None
    rows = len(values) // width
    return values[: rows * width].reshape((rows,) if width == 1 else (rows, width))


def _is_picture(array: Any) -> bool:
    return bool(len(array)) and bytes(array[0])[:4].startswith(HEADS)


def _step_count(lists: Mapping[str, Any]) -> int:
    """How many steps: as many as flags of the steps say, else the lengths that most lists have."""
    for name in ("is_first", "is_last", "is_terminal", "reward"):
        if len(lists.get(f"{STEPS}{name}", ())):
            return len(lists[f"{STEPS}{name}"])
    pictures = [len(one) for one in lists.values() if one.dtype == object and len(one)]
    counts = Counter(pictures or [len(one) for one in lists.values() if len(one)])
    return max(counts, key=lambda count: (counts[count], -count)) if counts else 0
