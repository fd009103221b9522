"""What the example planted, as values that can be saved and read back."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Defect:
    """One planted defect: the check that ought to find it, in which stream, and when.

    ``stream`` is None where the finding may be about the whole episode. Times are in seconds from
    the recording's start.
    """

    check: str
    stream: str | None
    start_s: float
    end_s: float
    note: str


@dataclass(frozen=True)
class Planted:
    """One episode of the example's recordings: ``path`` is relative to the recordings' folder.

    ``defects`` is empty for a clean episode, which ought to be judged good. ``duplicate_of`` is
    the path of the recording of which this one is a copy. ``verdicts`` are the right grades.
    """

    path: str
    index: int
    name: str
    duration_s: float
    defects: tuple[Defect, ...] = ()
    verdicts: tuple[str, ...] = ("good",)
    duplicate_of: str | None = None


@dataclass(frozen=True)
class History:
    """What was written into the record, and the stories planted in it. Dates are ISO 8601."""

    episodes: int
    shifts: int
    workers: int
    rigs: int
    first_on: str
    last_on: str
    bad_rig: str
    bad_from_on: str
    resubmitting_worker: str
    duplicates: int
    night_shift: str | None
    night_shift_zone: str | None
    night_shift_s: float | None


@dataclass(frozen=True)
class Manifest:
    """The example as it was made: its seed, its history, and its recordings in order of landing."""

    seed: int
    made_at: str
    folder: str
    history: History
    recordings: tuple[Planted, ...]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read what ``save`` wrote."""
        read: dict[str, Any] = json.loads(path.read_text())
        return cls(
            seed=read["seed"],
            made_at=read["made_at"],
            folder=read["folder"],
            history=History(**read["history"]),
            recordings=tuple(_planted(row) for row in read["recordings"]),
        )


def _planted(row: dict[str, Any]) -> Planted:
    defects = tuple(Defect(**defect) for defect in row["defects"])
    return Planted(**(row | {"defects": defects, "verdicts": tuple(row["verdicts"])}))
