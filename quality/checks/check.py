"""What a check is: a pure rule from measurements and limits to flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from dailies.words import NS, Flag, Grade, Span
from quality.measures.measurements import Measurements

Direction = Literal["higher", "lower"]
Settings = Mapping[str, float]
"""What a policy sets of a check besides its two limits: nothing of it moves with them."""


@dataclass(frozen=True)
class Limits:
    """The limits of one check: where it becomes suspect and fail, and its other settings.

    ``worse`` says in which direction a measured value gets worse.
    """

    suspect: float
    fail: float
    worse: Direction = "higher"
    settings: Settings = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, setting: str) -> float:
        """A setting other than the two limits. Raises KeyError where the policy has none."""
        return self.settings[setting]

    def grade(self, measured: float) -> Grade | None:
        """Fail or suspect where ``measured`` reaches that limit, else None."""
        for grade in (Grade.FAIL, Grade.SUSPECT):
            limit = self.limit(grade)
            if measured >= limit if self.worse == "higher" else measured <= limit:
                return grade
        return None

    def limit(self, grade: Grade) -> float:
        """The limit that a grade stands for; for unknown, the suspect one."""
        return self.fail if grade is Grade.FAIL else self.suspect


Function = Callable[[Measurements, Limits], Iterator[Flag]]


@dataclass(frozen=True)
class Check:
    """A rule with its name, what True means, the unit of its numbers and the remedy it advises.

    ``needs`` names the measures it reads; ``settings`` its limits besides suspect and fail.
    """

    name: str
    says: str
    unit: str
    remedy: str
    needs: tuple[str, ...]
    function: Function
    worse: Direction = "higher"
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finder:
    """Writes the flags of one check, so that every message has the same shape."""

    check: str
    unit: str
    remedy: str

    @classmethod
    def of(cls, check: Check) -> Finder:
        """The one that writes a check's flags."""
        return cls(check.name, check.unit, check.remedy)

    def flag(
        self,
        grade: Grade,
        stream: str | None,
        span: Span,
        measured: float,
        limit: float,
        what: str,
        *,
        remedy: str | None = None,
    ) -> Flag:
        """A flag saying "<stream>: <what> at <time> (limit <limit> <unit>): <remedy>"; of a whole
        recording without the time."""
        at = f" at {span.start_ns / NS:.1f} s" if stream or span.start_ns else ""
        is_one = limit == 1 and self.unit.isalpha() and len(self.unit) > 2
        unit = self.unit.removesuffix("s") if is_one else self.unit
        message = (
            f"{stream or 'recording'}: {what}{at} (limit {limit:g} {unit}): {remedy or self.remedy}"
        )
        return Flag(self.check, grade, stream, span, measured, limit, self.unit, message)
