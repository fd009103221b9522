"""What a page's filters offer, and the days there are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.asking import ask, ask_one, instant

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class Choice:
    """Something to filter by. ``kind`` is site, task, worker, rig or program."""

    kind: str
    id: str
    name: str  # to show; the id where it has no name


@dataclass(frozen=True)
class Options:
    """All that can be chosen, each sorted by name: what is registered or seen in an episode."""

    sites: tuple[Choice, ...]
    tasks: tuple[Choice, ...]
    workers: tuple[Choice, ...]
    rigs: tuple[Choice, ...]
    programs: tuple[Choice, ...]


@dataclass(frozen=True)
class Days:
    """The first and last day with an episode or a shift that has begun, and how much there is."""

    first_on: dt.date | None
    last_on: dt.date | None
    episodes: int
    is_example: bool  # whether any episode belongs to the example operation


def options(mirror: Mirror) -> Options:
    """Everything to filter by."""
    rows = ask(mirror, "options", Choice, {})
    site, task, worker, rig, program = (
        tuple(row for row in rows if row.kind == kind)
        for kind in ("site", "task", "worker", "rig", "program")
    )
    return Options(site, task, worker, rig, program)


def days(mirror: Mirror) -> Days:
    """What the record spans; both days None and 0 episodes where it is empty."""
    return ask_one(mirror, "days", Days, {"now": instant()}) or Days(None, None, 0, False)


def latest_day(mirror: Mirror) -> dt.date | None:
    """The last day with an episode or a shift that has begun, None where there is none."""
    return days(mirror).last_on
