"""Recordings: one reader a format. A new format is one file here and one line in READERS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dailies.recordings.contract import Episode, Reader

READERS: tuple[Reader, ...] = ()
"""Every reader, in the order in which a path is offered to them."""


class UnknownFormat(ValueError):
    """Raised for a path that no reader recognises; the message carries the remedy."""


def episodes_at(path: Path) -> Iterator[Episode]:
    """Every episode of the recording at ``path``, in order of index.

    Raises UnknownFormat, at the call and not at the first episode, where no reader recognises it.
    """
    raise UnknownFormat(f"{path}: not written yet")


def recordings_in(folder: Path) -> list[Path]:
    """The recordings below ``folder``, sorted: datasets, recording.json folders, loose videos.

    A recording is not looked into. Hidden and unfinished files (.part, .tmp, ...) are left out.
    A ``folder`` that is itself a recording, or a file, gives itself alone.
    """
    return []


def fingerprint(episode: Episode) -> str:
    """32 hex digits that are the same for the same content, whatever it is called."""
    raise NotImplementedError
