"""Telling whether a recording has landed whole, from its files alone."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dailies.recordings import matroska, mp4, sidecar_of
from dailies.recordings.files import READ_ERRORS, inside


@dataclass(frozen=True)
class Quiet:
    """How long (s) a recording must lie unchanged before it counts as whole.

    ``whole`` where its container says that nothing is missing, ``usual`` where it cannot say,
    ``growing`` for a file that is written fragment by fragment, and ``patience`` where something
    is known to be missing: after that it is screened as it is.
    """

    whole: float = 0.2
    usual: float = 1.0
    growing: float = 5.0
    patience: float = 10.0


@dataclass(frozen=True)
class State:
    """The files of a recording at one moment: a hash of their names, sizes and times of change.

    ``changed_s`` is the newest time of change, in seconds since 1970.
    """

    text: str
    changed_s: float
    count: int


def state_of(path: Path) -> State | None:
    """The present state of a folder or file, None if gone; a file's with what lies beside it.

    That is its metadata file, and the series that this names.
    """
    digest = hashlib.blake2b(digest_size=20)
    newest, count = 0.0, 0
    for name, stat in sorted(_files(path)):
        digest.update(f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}\n".encode())
        newest, count = max(newest, stat.st_mtime), count + 1
    return State(digest.hexdigest(), newest, count) if count else None


def named_by(video: Path) -> tuple[Path, ...]:
    """The files with series that the metadata beside a video names, there or not."""
    beside = sidecar_of(video)
    if beside is None:
        return ()
    try:
        stat = beside.stat()
    except FileNotFoundError:
        return ()
    return _named_in(beside, stat.st_size, stat.st_mtime_ns)


def quiet_needed(path: Path, quiet: Quiet) -> float:
    """How long ``path`` must have been quiet to be taken for whole, in seconds."""
    tell = _TELLERS.get(path.suffix.lower())
    if tell is None or not path.is_file():
        return quiet.usual
    return {
        "whole": quiet.whole,
        "usual": quiet.usual,
        "growing": quiet.growing,
        "part": quiet.patience,
    }[tell(path)]


def _files(path: Path) -> list[tuple[str, os.stat_result]]:
    try:
        if not path.is_dir():
            beside = path.with_suffix(".json"), path.with_name(path.name + ".json")
            found = [(path.name, path.stat())]
            found += [(one.name, one.stat()) for one in beside if one.exists()]
            return found + [(str(one), one.stat()) for one in named_by(path) if one.is_file()]
        return list(_below(path, ""))
    except FileNotFoundError:
        return []


@functools.lru_cache(maxsize=50_000)
def _named_in(beside: Path, size: int, mtime_ns: int) -> tuple[Path, ...]:  # noqa: ARG001
    """As ``named_by``; read again only when the metadata file is another."""
    try:
        listed = json.loads(beside.read_bytes())["series"]
        named = [inside(beside.parent, one["file"]) for one in listed]
    except READ_ERRORS:
        return ()  # what is wrong with it, its reader says
    return tuple(path for path in named if path is not None)


def _below(folder: Path, prefix: str) -> list[tuple[str, os.stat_result]]:
    found: list[tuple[str, os.stat_result]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                found += _below(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                found.append((prefix + entry.name, entry.stat()))
    return found


def _mp4(path: Path) -> str:
    """Whether an ISO base media file is whole, still growing, or a part: it is whole when its boxes
    end where it ends and the index (moov) and the pictures (mdat) are among them.
    """
    try:
        boxes = mp4.boxes_of(path)
    except OSError:
        return "part"
    kinds = boxes.kinds
    if boxes.is_open:
        return "growing" if b"mdat" in kinds else "part"
    if not boxes.is_whole or not {b"moov", b"mdat"} <= kinds:
        return "part"
    return "growing" if b"moof" in kinds and b"mfra" not in kinds else "whole"


def _matroska(path: Path) -> str:
    """A Matroska file's elements say how long they are, but for those of a recorder at work."""
    try:
        return "part" if matroska.missing_bytes(path) else "usual"
    except OSError:
        return "part"


def _mcap(path: Path) -> str:
    """An MCAP ends with the eight bytes with which it begins, once its recorder has closed it."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_MCAP_MARK), os.SEEK_END)
            return "whole" if file.read() == _MCAP_MARK else "part"
    except OSError:
        return "part"


def _bag(path: Path) -> str:
    """A ROS 1 bag's first record says where its index begins: 0 until its recorder closes it."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        at = head.find(b"index_pos=")
        index_at = struct.unpack("<Q", head[at + 10 : at + 18])[0] if at >= 0 else 0
        return "usual" if 0 < index_at <= path.stat().st_size else "part"
    except (OSError, struct.error):
        return "part"


def _db3(path: Path) -> str:
    """An SQLite file's header counts its pages; a recorder adds more from time to time."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
        page, count = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
        size = count * (65536 if page == 1 else page)
        return "growing" if 0 < size <= path.stat().st_size else "part"
    except (OSError, struct.error):
        return "part"


_MCAP_MARK = b"\x89MCAP0\r\n"
_TELLERS: dict[str, Callable[[Path], str]] = {
    **dict.fromkeys(mp4.SUFFIXES, _mp4),
    **dict.fromkeys(matroska.SUFFIXES, _matroska),
    ".mcap": _mcap,
    ".bag": _bag,
    ".db3": _db3,
}
"""What tells from a file with an ending whether it is whole, may grow, or lacks a part."""
