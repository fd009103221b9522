"""Bringing sites, rigs, workers, tasks, programs, targets, rates and shifts in from CSV files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dailies.database import Record


@dataclass(frozen=True)
class Imported:
    """What an import did: the ``kind`` of rows, how many were new, and how many were changed."""

    kind: str
    inserted: int
    updated: int


@dataclass(frozen=True)
class BadCell:
    """One thing wrong in a CSV file: where (line from 1, the header's), what, and the remedy."""

    line: int
    column: str
    value: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.value!r} {self.wrong}: {self.remedy}"


class ImportRefused(ValueError):
    """A file that was not imported, and every reason why (``bad``)."""

    def __init__(self, path: Path, bad: tuple[BadCell, ...]) -> None:
        self.path = path
        self.bad = bad
        super().__init__("\n".join([f"{path}: nothing was imported", *map(str, bad)]))


def import_csv(record: Record, path: Path, kind: str | None = None) -> Imported:
    """Brings one CSV file in, whole or not at all; importing it again changes nothing.

    ``kind`` is site, rig, worker, task, program, target, rate or shift; None tells it from the
    header. Raises ImportRefused.
    """
    raise NotImplementedError
