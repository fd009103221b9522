"""What a LeRobot dataset says of itself: meta/info.json, the tasks, meta/dailies.json."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from dailies.recordings.contract import Problem
from dailies.recordings.described import Said, is_number, load_json
from dailies.recordings.files import READ_ERRORS, inside, trouble, unreadable
from dailies.recordings.tables import is_numeric

Kind = Literal["video", "image", "series"]

VERSIONS = ("v2.0", "v2.1", "v3.0")

BOOKKEEPING = frozenset({"timestamp", "frame_index", "episode_index", "index", "task_index"})
"""Columns that LeRobot keeps for itself: not streams."""

FASTEST_HZ = 1e6
"""No recorder of anything writes rows faster."""

_DEPTH = ("video.is_depth_map", "is_depth_map")

_PATHS: Mapping[str, Mapping[int, str]] = {
    "data_path": {
        2: "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        3: "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    },
    "video_path": {
        2: "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
        3: "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    },
}
"""LeRobot's own paths, by layout."""

_FILLED: Mapping[int, Mapping[str, object]] = {
    2: {"episode_chunk": 0, "episode_index": 0, "video_key": "camera"},
    3: {"chunk_index": 0, "file_index": 0, "video_key": "camera"},
}
"""What LeRobot fills into its paths, by layout."""


@dataclass(frozen=True)
class Feature:
    """A stream of the dataset: its key, how it is kept, and the names of its numbers.

    ``shape`` is that of one row or picture, None where none is given. ``is_depth`` says that its
    pictures are distances.
    """

    name: str
    kind: Kind
    names: tuple[str, ...] = ()
    rate_hz: float | None = None
    shape: tuple[int, ...] | None = None
    is_depth: bool = False


@dataclass(frozen=True)
class Info:
    """A dataset as its metadata describes it; ``problems`` hold for each of its episodes.

    ``layout`` is 2 (a file an episode) or 3 (shared files). ``fps`` is None where the metadata
    gives none that can be used. ``promised`` is how many episodes, and ``promised_frames`` how many
    rows it promises, None where it promises none. ``kept`` are the columns of LeRobot's own that
    its features name. ``file`` is meta/info.json, for messages.
    """

    root: Path
    format: str
    layout: Literal[2, 3]
    fps: float | None
    features: tuple[Feature, ...]
    data_path: str
    video_path: str
    chunk_size: int
    tasks: Mapping[int, str]
    said: Said
    promised: int | None = None
    promised_frames: int | None = None
    kept: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def file(self) -> Path:
        """Where all this is said."""
        return self.root / "meta" / "info.json"

    def of_kind(self, kind: Kind) -> tuple[Feature, ...]:
        """The features kept that way."""
        return tuple(feature for feature in self.features if feature.kind == kind)


def is_dataset(root: Path) -> bool:
    """True where a folder is laid out as a LeRobot dataset, whole or not."""
    meta = root / "meta"
    if any((meta / name).exists() for name in ("info.json", "episodes.jsonl", "tasks.jsonl")):
        return True
    if (meta / "episodes").is_dir() or (meta / "tasks.parquet").exists():
        return True
    return next(root.glob("data/chunk-*/*.parquet"), None) is not None


def read_info(root: Path) -> Info:
    """What the dataset in ``root`` says of itself; what it leaves open is seen from its files."""
    problems: list[Problem] = []
    file = root / "meta" / "info.json"
    problem = trouble(file, None, "the LeRobot format")
    said = None
    if problem is None:
        said = load_json(file, problems)
    else:
        problems.append(problem)
    is_said = said is not None
    said = said or Said({}, str(file), problems)
    layout = _layout(root, said)
    version = _version(root, said, layout)
    features = (_features(said) if is_said else ()) or _features_seen(root, layout)
    return Info(
        root=root,
        format=f"lerobot-{version}",
        layout=layout,
        fps=_fps(said) if is_said else None,
        features=features,
        data_path=_template(root, said, layout, "data_path"),
        video_path=_template(root, said, layout, "video_path"),
        chunk_size=said.count("chunks_size") or 1000,
        tasks=_tasks(root, said, layout, problems),
        said=load_json(root / "meta" / "dailies.json", problems)
        or Said({}, str(root / "meta" / "dailies.json"), problems),
        promised=said.count("total_episodes"),
        promised_frames=said.count("total_frames"),
        kept=_kept(said),
        problems=tuple(problems),
    )


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The objects of a JSON-lines file, by line number from 1; None for a line that holds none.

    Raises OSError and UnicodeError where the file cannot be read.
    """
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else None


def _layout(root: Path, said: Said) -> Literal[2, 3]:
    """By the files; where these show nothing, by the version that is said."""
    meta = root / "meta"
    if (meta / "episodes.jsonl").exists() or next(
        root.glob("data/chunk-*/episode_*.parquet"), None
    ):
        return 2
    if (meta / "episodes").is_dir() or next(root.glob("data/chunk-*/file-*.parquet"), None):
        return 3
    return 3 if str(said.raw("codebase_version")).startswith("v3") else 2


def _version(root: Path, said: Said, layout: Literal[2, 3]) -> str:
    version = said.text("codebase_version")
    if version in VERSIONS and version.startswith(f"v{layout}"):
        return version
    seen = "v3.0" if layout == 3 else "v2.0"
    if layout == 2 and (root / "meta" / "episodes_stats.jsonl").exists():
        seen = "v2.1"
    if version is None:
        return seen  # nothing untrue was said: other programs write datasets without a version
    if version in VERSIONS:
        said.note(
            f'"codebase_version" is "{version}", but the files lie as in {seen}: '
            "they were read so; convert the dataset again"
        )
    else:
        said.note(
            f'"codebase_version" is "{version}", which Dailies does not know '
            f"({', '.join(VERSIONS)}): the files were read as {seen}; convert the dataset"
        )
    return seen


def _template(root: Path, said: Said, layout: Literal[2, 3], key: str) -> str:
    """The template that is said, and LeRobot's own where that gives no file inside the dataset.

    Where its first folder is not there, the folder in which such files lie is taken, if it is one.
    """
    default = _PATHS[key][layout]
    template = said.text(key) or default
    path = inside(root, template)
    if path is None or not _gives_file(root, template, _FILLED[layout]):
        fields = ", ".join(f"{{{name}}}" for name in _FILLED[layout])
        said.note(
            f'"{key}" is "{template}", which gives no file inside the dataset (of {fields}): files '
            f"were looked for as LeRobot lays them out, {default}; correct the path"
        )
        template = default
        path = root / default
    first, *below = path.relative_to(root).parts
    there = [one for one in root.glob("*") if one.exists()]
    if not below or "{" in first or root / first in there:
        return template
    rest = "/".join(below)
    pattern = "*".join(glob.escape(part) for part in re.split(r"(?:\{[^{}]*\})+", rest))
    found = [
        one.name
        for one in there
        if one.is_dir() and one.name != "meta" and next(one.glob(pattern), None) is not None
    ]
    if len(found) != 1:
        return template
    said.problems.append(
        Problem(
            "count_mismatch",
            None,
            f'{said.where}: "{key}" is "{template}", but there is no folder {first}; such files '
            f"lie in {found[0]}, and were read there: rename that folder, or correct the path",
        )
    )
    return f"{found[0]}/{rest}"


def _gives_file(root: Path, template: str, filled: Mapping[str, object]) -> bool:
    try:
        return inside(root, template.format(**filled)) is not None
    except (*READ_ERRORS, AttributeError):
        return False


def _fps(said: Said) -> float | None:
    fps = said.number("fps", above=0)
    if said.raw("fps") is None:
        said.note('"fps" is not there: it was seen from the files; write the rate of the dataset')
    if fps is not None and fps > FASTEST_HZ:
        said.note(f'"fps" is {fps:g}, which no recorder reaches: write the rate of the dataset')
        return None
    return fps


def _features(said: Said) -> tuple[Feature, ...]:
    described = said.raw("features")
    if not isinstance(described, dict) or not described:
        what = "not there" if not described else "no object"
        said.note(f'"features" is {what}: it was seen from the files; write the dataset again')
        return ()
    found = (_feature(said, name, one) for name, one in described.items())
    return tuple(feature for feature in found if feature is not None)


def _feature(said: Said, name: str, one: object) -> Feature | None:
    """A feature that is a stream; None where it is none, noted where nothing can be made of it."""
    dtype = one.get("dtype") if isinstance(one, dict) else None
    if not isinstance(one, dict) or not isinstance(dtype, str):
        said.note(
            f'"features", {name}: nothing says what it holds ("dtype"), so that it was left out: '
            "write the dataset's metadata again"
        )
        return None
    kind = _kind(name, dtype)
    shape = _shape(one.get("shape"))
    if shape is None and one.get("shape") is not None:
        said.note(
            f'"features", {name}: "shape" is {json.dumps(one["shape"])[:60]}: write a list of '
            "whole numbers"
        )
    if kind is None:
        return None
    info = one.get("info") if isinstance(one.get("info"), dict) else one.get("video_info")
    info = info if isinstance(info, dict) else {}
    rate = info.get("video.fps")
    return Feature(
        name,
        kind,
        tuple(_strings(one.get("names"))),
        float(rate) if is_number(rate) and rate > 0 else None,
        shape,
        is_depth=any(info.get(key) is True for key in _DEPTH),
    )


def _shape(shape: object) -> tuple[int, ...] | None:
    if not isinstance(shape, list) or not all(is_number(one) and one >= 0 for one in shape):
        return None
    return tuple(int(one) for one in shape)


def _kept(said: Said) -> frozenset[str]:
    described = said.raw("features")
    return BOOKKEEPING.intersection(described) if isinstance(described, dict) else frozenset()


def _kind(name: str, dtype: str) -> Kind | None:
    if dtype == "video" or dtype == "image":
        return "video" if dtype == "video" else "image"
    if name in BOOKKEEPING:
        return None
    return "series" if dtype.startswith(("float", "int", "uint", "bool")) else None


def _strings(names: object) -> Iterator[str]:
    """LeRobot's names come as a list, a list in a list, or lists under the name of a group."""
    if isinstance(names, str):
        yield names
    elif isinstance(names, list):
        for one in names:
            yield from _strings(one)
    elif isinstance(names, dict):
        for name, one in names.items():
            if isinstance(one, list | dict):
                yield from _strings(one)
            else:
                yield str(name)


def _features_seen(root: Path, layout: Literal[2, 3]) -> tuple[Feature, ...]:
    """Features as the files show them: columns of the first readable table, folders of videos."""
    found = []
    schema = _first_schema(root)
    for column in schema or ():
        if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
            found.append(Feature(column.name, "image"))
        elif column.name not in BOOKKEEPING and is_numeric(column.type):
            found.append(Feature(column.name, "series"))
    pattern = "videos/chunk-*/*" if layout == 2 else "videos/*"
    keys = {path.name for path in root.glob(pattern) if path.is_dir()}
    return (*found, *(Feature(key, "video") for key in sorted(keys)))


def _first_schema(root: Path) -> pa.Schema | None:
    for path in sorted(root.glob("data/chunk-*/*.parquet"))[:20]:
        try:
            return pq.read_schema(path)
        except READ_ERRORS:
            continue
    return None


def _tasks(
    root: Path, said: Said, layout: Literal[2, 3], problems: list[Problem]
) -> dict[int, str]:
    """Task texts by task_index; those that cannot be read are left out, with a Problem."""
    lines, table = root / "meta" / "tasks.jsonl", root / "meta" / "tasks.parquet"
    file = lines if lines.exists() else table
    if not file.exists():
        if said.raw("codebase_version") is not None:  # other programs write datasets without both
            file = lines if layout == 2 else table
            told = f"{file} is not there, so that no row has a task: copy it again, or write it"
            problems.append(Problem("missing_stream", None, told))
        return {}
    if (problem := trouble(file, None, "the LeRobot format")) is not None:
        # of v3.0 the lists of episodes say so, which a clone without its large files lacks, too
        problems += [problem] if file == lines else []
        return {}
    try:
        if file == lines:
            rows = {number: row or {} for number, row in json_lines(lines)}
            bad = [number for number, row in rows.items() if not {*row} >= {*_TASK}]
            if bad:
                message = f"{lines}, line {bad[0]}: names no task: copy the file again"
                problems.append(Problem("corrupt_stream", None, message))
            good = [row for number, row in rows.items() if number not in bad]
            return {row["task_index"]: str(row["task"]) for row in good}
        columns = pq.read_table(table, use_threads=False).to_pydict()
        texts = next((c for n, c in columns.items() if n != "task_index"), [])
        return dict(zip(columns["task_index"], map(str, texts), strict=True))
    except READ_ERRORS as error:
        problems.append(unreadable(file, None, error))
    return {}


_TASK = ("task_index", "task")
