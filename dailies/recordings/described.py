"""What a JSON file says of a recording: who, where, when, which steps."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from dailies.recordings.contract import Metadata, Problem, Step
from dailies.recordings.files import READ_ERRORS, unreadable
from dailies.words import NS

IDS = ("task", "worker", "site", "rig", "shift", "program")
"""The keys that hold an id of the record."""

RATES_HZ = (0.01, 1e5)
"""No camera and no sensor of a robot is slower, or as fast."""
SECONDS_MAX = 4e9
"""What int64 can hold in nanoseconds, a running clock since 1970 included."""


class Said:
    """A JSON object being read: ``get_*`` give a value or None and note what is not as it should.

    ``problems`` collects the notes. ``where`` names the file, and the place in it, in messages.
    """

    def __init__(self, values: Mapping[str, Any], where: str, problems: list[Problem]) -> None:
        self._values = values
        self.where = where
        self.problems = problems

    def note(self, message: str, stream: str | None = None) -> None:
        """Add a Problem about this object."""
        self.problems.append(Problem("corrupt_stream", stream, f"{self.where}: {message}"))

    def text(self, key: str) -> str | None:
        """A string (or a whole number, written as one) that is not empty."""
        value = self._values.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        self.note(f'"{key}" is {_short(value)}: write a string')
        return None

    def number(self, key: str, *, low: float = -math.inf, above: float = -math.inf) -> float | None:
        """A finite number, at least ``low`` and greater than ``above``."""
        value = self._values.get(key)
        if value is None:
            return None
        if is_number(value) and value >= low and value > above:
            return float(value)
        bound = f" above {above:g}" if above > -math.inf else f" of {low:g} or more"
        self.note(f'"{key}" is {_short(value)}: write a number{bound if bound[-1] != "f" else ""}')
        return None

    def seconds(
        self, key: str, *, low: float = -SECONDS_MAX, above: float = -math.inf
    ) -> float | None:
        """A number of seconds, as ``number``, at most SECONDS_MAX."""
        value = self.number(key, low=low, above=above)
        if value is not None and value > SECONDS_MAX:
            self.note(f'"{key}" is {value:g}: write seconds')
            return None
        return value

    def rate(self, key: str = "rate_hz") -> float | None:
        """A rate in 1/s, within RATES_HZ."""
        value = self._values.get(key)
        if value is None or (is_number(value) and is_rate(value)):
            return None if value is None else float(value)
        self.note(f'"{key}" is {_short(value)}: write a number above 0: how many a second, as 30')
        return None

    def count(self, key: str) -> int | None:
        """A whole number of 0 or more."""
        value = self.number(key, low=0)
        if value is None:
            return None
        if value != int(value):
            self.note(f'"{key}" is {value:g}: write a whole number')
            return None
        return int(value)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``, the first where the key is not there."""
        value = self._values.get(key)
        if value is None:
            return allowed[0]
        if value in allowed:
            return str(value)
        self.note(f'"{key}" is {_short(value)}: write one of {", ".join(allowed)}')
        return allowed[0]

    def objects(self, key: str) -> list[Said]:
        """A list of JSON objects; what is none is noted and left out."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.note(f'"{key}" is {_short(value)}: write a list of objects')
            return []
        found = []
        for at, one in enumerate(value):
            if isinstance(one, dict):
                found.append(Said(one, f"{self.where}, {key}[{at}]", self.problems))
            else:
                self.note(f'"{key}"[{at}] is {_short(one)}: write an object')
        return found

    def object(self, key: str) -> Said | None:
        """A JSON object, None where the key is not there or holds something else (noted)."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Said(value, f"{self.where}, {key}", self.problems)
        self.note(f'"{key}" is {_short(value)}: write an object')
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, None where the key is not there."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        self.note(f'"{key}" is {_short(value)}: write a list of strings')
        return None

    def items(self) -> list[tuple[str, Any]]:
        """Every key with its value as it stands."""
        return list(self._values.items())

    def raw(self, key: str) -> Any:
        """The value as it stands."""
        return self._values.get(key)

    def noting_in(self, problems: list[Problem]) -> Said:
        """The same object, whose notes go to another list."""
        return Said(self._values, self.where, problems)

    def merged(self, other: Said | None) -> Said:
        """This object with what ``other`` says put over it."""
        return Said(
            {**self._values, **(other._values if other else {})},
            other.where if other else self.where,
            self.problems,
        )


def load_json(path: Path, problems: list[Problem]) -> Said | None:
    """The JSON object in a file; None, with a Problem, where there is none in it.

    A file that is not there is None without a Problem: whether it must be is the caller's to know.
    """
    if not path.exists():
        return None
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if not text.strip():
            raise ValueError("it is empty")
        values = json.loads(text)
    except READ_ERRORS as error:
        problem = unreadable(path, None, error)
        problems.append(
            Problem(problem.check, None, problem.message.replace("copy it", "mend it, or copy it"))
        )
        return None
    if not isinstance(values, dict):
        problems.append(
            Problem("corrupt_stream", None, f"{path} holds {_short(values)}: write a JSON object")
        )
        return None
    return Said(values, str(path), problems)


def metadata_of(said: Said, *, task: str | None = None) -> Metadata:
    """The metadata that an object gives; ``task`` where it names none. Notes go to its problems."""
    ids = {key: said.text(key) for key in IDS}
    ids["task"] = ids["task"] or task
    return Metadata(**ids, started_at=_instant(said), steps=tuple(_steps(said)), created_at=None)


def is_rate(value: float) -> bool:
    """True for what can be a rate in 1/s."""
    return RATES_HZ[0] <= value < RATES_HZ[1]


def is_number(value: object) -> TypeGuard[int | float]:
    """True for a finite int or float; a truth value is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _instant(said: Said) -> dt.datetime | None:
    text = said.raw("started_at")
    if text is None:
        return None
    remedy = 'write it as "2026-11-25T14:05:00+01:00"'
    try:
        at = dt.datetime.fromisoformat(text)
    except (ValueError, TypeError):
        said.note(f'"started_at" is {_short(text)}, not an ISO 8601 time: {remedy}')
        return None
    if at.tzinfo is None:
        said.note(f'"started_at" is {_short(text)}, which has no offset from UTC: {remedy}')
        return None
    try:
        at.astimezone(dt.UTC)
    except OverflowError:
        said.note(f'"started_at" is {_short(text)}, which is no time in UTC: {remedy}')
        return None
    return at


def _steps(said: Said) -> list[Step]:
    steps = []
    for one in said.objects("steps"):
        label = one.text("label")
        start, end = one.seconds("start_s", low=0), one.seconds("end_s", low=0)
        if label is None or start is None or end is None or end < start:
            one.note('a step needs "label", and "start_s" up to a later "end_s", from the start')
        else:
            steps.append(Step(label, round(start * NS), round(end * NS)))
    return steps


def _short(value: object) -> str:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
