"""ROS 2 bags: a folder with metadata.yaml and the .db3 or .mcap files it names, or a lone .db3."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dailies.recordings.contract import Episode, Problem
from dailies.recordings.files import READ_ERRORS, is_named, is_unfinished, unreadable
from dailies.recordings.logs import Chain, Log
from dailies.recordings.mcap_log import McapLog
from dailies.recordings.ros2_log import Ros2Log
from dailies.recordings.topics import RECORD, episode_of
from dailies.recordings.video import sidecar_of

FILE = "metadata.yaml"
"""The file that makes a folder a ROS 2 bag."""

SIDECAR = "dailies.json"
"""The file in a bag's folder that says whose recording it is."""

_KEY = "rosbag2_bagfile_information"
_ENDINGS = (".db3", ".mcap")
_NUMBERS = re.compile(r"(\d+)")


class Ros2Bag:
    """Reads ROS 2 bags: folders, and .db3 files that lie alone."""

    name = "ros2"
    suffixes = frozenset({".db3"})

    def recognises(self, path: Path) -> bool:
        """True for a bag's folder, whatever is in it, and for a finished .db3."""
        if not path.is_dir():
            return is_named(path, self.suffixes)
        file = path / FILE
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return _KEY.encode() in opened.read(4096) or bool(_logs_in(path))

    def episodes(self, path: Path, indexes: Collection[int] | None = None) -> Iterator[Episode]:
        """The one episode of the bag."""
        if indexes is None or 0 in indexes:
            yield _folder(path) if path.is_dir() else _alone(path)


def _alone(path: Path) -> Episode:
    return episode_of(Ros2Log(path), path, (path,), kind="ros2", beside=sidecar_of(path))


def _folder(path: Path) -> Episode:
    problems: list[Problem] = []
    told = _told(path / FILE, problems)
    names = told.get("relative_file_paths")
    listed = [PurePosixPath(str(one)).name for one in names] if isinstance(names, list) else []
    files = _renamed(path, listed, problems) or [path / name for name in listed] or _logs_in(path)
    is_packed_whole = str(told.get("compression_mode") or "").lower() == "file"
    if is_packed_whole and not all(file.suffix.lower() in _ENDINGS for file in files):
        problems.append(
            Problem(
                "corrupt_stream",
                None,
                f"{path}: its files are compressed as a whole, so that they cannot be read as a "
                "stream: unpack them (`zstd -d`), or record with compression_mode message",
            )
        )
    is_packed = str(told.get("compression_mode") or "").lower() == "message"
    beside = path / SIDECAR
    if not beside.is_file():
        beside = next((one for file in files if (one := sidecar_of(file))), beside)
    custom = told.get("custom_data")
    return episode_of(
        _log(path, files, is_packed=is_packed),
        path,
        [*files, path / FILE],
        kind="ros2",
        beside=beside if beside.is_file() else None,
        problems=problems,
        said=[(RECORD, custom)] if isinstance(custom, dict) else [],
        promised=_promised(told),
    )


def _renamed(path: Path, listed: list[str], problems: list[Problem]) -> list[Path]:
    """The files that lie there for those listed, with a Problem, where all were given other names;
    else none."""
    lying = sorted(_logs_in(path), key=_in_turn)
    if len(lying) != len(listed) or any((path / name).exists() for name in listed):
        return []
    is_unpacked = [PurePosixPath(name).stem for name in listed] == [file.name for file in lying]
    if lying and not is_unpacked:
        problems.append(
            Problem(
                "count_mismatch",
                None,
                f"{path / FILE} names {listed[0]}, but {lying[0].name} is there, and was read "
                f"({len(lying)} such files): name it so again, or `ros2 bag reindex`",
            )
        )
    return lying


def _in_turn(file: Path) -> list[tuple[int, str]]:
    """By which bag_2 comes before bag_10."""
    return [
        (int(part or -1), "") if part.isdigit() else (-1, part)
        for part in _NUMBERS.split(file.name)
    ]


def _log(path: Path, files: list[Path], *, is_packed: bool) -> Log:
    logs: tuple[Log, ...] = tuple(
        McapLog(file, number)
        if file.suffix.lower() == ".mcap"
        else Ros2Log(file, number, is_packed)
        for number, file in enumerate(files)
        if file.is_file()
    )
    return Chain(path, logs)


def _told(file: Path, problems: list[Problem]) -> Mapping[str, Any]:
    """What metadata.yaml says of the bag; nothing, with a Problem, where it cannot be read."""
    try:
        values = YAML(typ="safe", pure=True).load(file.read_text())
        told = values[_KEY]
        if not isinstance(told, dict):
            raise ValueError(f"{_KEY} holds no mapping")
    except (*READ_ERRORS, YAMLError) as error:
        problems.append(unreadable(file, None, error))
        return {}
    return told


def _promised(told: Mapping[str, Any]) -> dict[str, int]:
    """Messages by topic, as metadata.yaml counts them."""
    counts: dict[str, int] = {}
    topics = told.get("topics_with_message_count")
    for one in topics if isinstance(topics, list) else ():
        about = one.get("topic_metadata") if isinstance(one, dict) else None
        name = about.get("name") if isinstance(about, dict) else None
        count = one.get("message_count") if isinstance(one, dict) else None
        if isinstance(name, str) and isinstance(count, int) and count >= 0:
            counts[name] = counts.get(name, 0) + count
    return counts


def _logs_in(path: Path) -> list[Path]:
    return sorted(
        one
        for one in path.iterdir()
        if one.suffix.lower() in _ENDINGS and not is_unfinished(one.name) and one.is_file()
    )
