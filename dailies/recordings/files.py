"""The state of a file before anything reads it: there, whole, the thing itself?"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pyarrow as pa

from dailies.recordings.contract import Problem

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".3gp", ".mts", ".m2ts"}
)
"""File name endings taken for videos, whatever their case."""

UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", "~")
"""Endings that copying programs give to what they have not finished."""

READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    pa.ArrowException,
)
"""What the libraries below raise on damaged files; all of it becomes a Problem."""

_TIMED_SUFFIXES = frozenset({".mp4", ".m4v", ".mov"})

_POINTER = b"version https://git-lfs.github.com/spec/"


def is_unfinished(name: str) -> bool:
    """True for hidden files and for those that a copying program has not finished."""
    return name.startswith((".", "~")) or name.lower().endswith(UNFINISHED_SUFFIXES)


def undecoded(path: Path) -> dict[str, str]:
    """PyAV options to open a video without decoding its first picture, which takes longer than all
    else of it.

    Only where the container states every packet's times itself: in others FFmpeg guesses from
    pictures how long they are held back.
    """
    return {"skip_frame": "all"} if path.suffix.lower() in _TIMED_SUFFIXES else {}


def is_video(name: str) -> bool:
    """True where a file's name is that of a finished video."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES and not is_unfinished(name)


def is_named(path: Path, suffixes: frozenset[str]) -> bool:
    """True for a finished file with one of these endings, in lower case."""
    return path.suffix.lower() in suffixes and not is_unfinished(path.name) and path.is_file()


def inside(root: Path, name: object) -> Path | None:
    """The path that ``name`` gives relative to ``root``; None where it would lie outside it.

    Judged by the names alone, so that a dataset made of links (a Hugging Face cache) is still
    inside itself.
    """
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return None
    path = _normal(name)
    return None if path is None else root / path


@functools.lru_cache(maxsize=4096)
def _normal(name: str) -> Path | None:
    """Thousands of episodes name the same few files."""
    path = Path(os.path.normpath(name))
    is_outside = path.is_absolute() or path.parts[:1] in {(), ("..",)}
    return None if is_outside else path


def trouble(path: Path, stream: str | None, promised_by: str) -> Problem | None:
    """What keeps ``path`` from being read at all, None where nothing can be seen from outside."""
    try:
        if not path.exists():
            if path.is_symlink():
                return Problem(
                    "missing_stream",
                    stream,
                    f"{path} is a link to a file that is not there, though {promised_by} names it: "
                    "copy the file itself",
                )
            return Problem(
                "missing_stream",
                stream,
                f"{path} is not there, though {promised_by} names it: copy it again",
            )
        if not path.is_file():
            return Problem(
                "corrupt_stream",
                stream,
                f"{path} is no file, though {promised_by} names it as one: copy it again",
            )
        with path.open("rb") as file:
            head = file.read(len(_POINTER))
    except READ_ERRORS as error:
        return unreadable(path, stream, error)
    if not head:
        return Problem(
            "corrupt_stream", stream, f"{path} is empty (0 bytes): copy it again from the recorder"
        )
    if head == _POINTER:
        return Problem(
            "corrupt_stream",
            stream,
            f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull` and copy again",
        )
    if head == bytes(len(head)):
        message = f"{path} begins with nothing but zeros: copy it again from the recorder"
        return Problem("corrupt_stream", stream, message)
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        message = f"{path} is a web page, not the file itself: download it again"
        return Problem("corrupt_stream", stream, message)
    return None


class Unfit(ValueError):
    """A file that is whole but not written as it should be; the words say what to write."""


def unreadable(path: Path, stream: str | None, error: BaseException) -> Problem:
    """A file that its library refused, with the library's own words on one line."""
    if isinstance(error, Unfit):
        return Problem("corrupt_stream", stream, f"{path}: {error}")
    words = getattr(error, "strerror", None) or str(error)  # the former has no number and no path
    said = " ".join(words.split()) or type(error).__name__
    return Problem(
        "corrupt_stream",
        stream,
        f"{path} cannot be read ({said[:300]}): copy it again from the recorder",
    )
