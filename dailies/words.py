"""The words every room speaks: spans, grades, flags and verdicts."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

NS = 1_000_000_000
"""Nanoseconds in a second."""


def often(count: int) -> str:
    """How often, in words: once, or 3 times."""
    return "once" if count == 1 else f"{count} times"


def listed(names: Sequence[str], most: int) -> str:
    """The first names of many, and how many more there are: "a, b and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


class Grade(enum.StrEnum):
    """How a finding or an episode is graded, from best to worst.

    ``unknown`` means that a check could not be evaluated: such an episode goes to review, and is
    never taken for good.
    """

    GOOD = "good"
    UNKNOWN = "unknown"
    SUSPECT = "suspect"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """0 for good up to 3 for fail."""
        return _RANKS[self]


_RANKS = {grade: rank for rank, grade in enumerate(Grade)}


def worst(grades: list[Grade]) -> Grade:
    """The worst of some grades; of none, good."""
    return max(grades, key=lambda grade: grade.rank, default=Grade.GOOD)


@dataclass(frozen=True, order=True)
class Span:
    """Half-open stretch of time on the recording's own clock, in nanoseconds from its start.

    Raises ValueError where it would end before it starts.
    """

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise ValueError(f"span ends at {self.end_ns} ns, before its start {self.start_ns} ns")

    @property
    def duration_ns(self) -> int:
        """Length in nanoseconds."""
        return self.end_ns - self.start_ns

    @classmethod
    def of_seconds(cls, start_s: float, end_s: float) -> Span:
        """The span between two instants given in seconds."""
        return cls(round(start_s * NS), round(end_s * NS))


@dataclass(frozen=True)
class Flag:
    """One finding of a check: what, how bad, in which stream, when, how much, against which limit.

    ``stream`` is None where the finding is about the whole episode. ``measured`` and ``limit`` are
    in ``unit``. ``message`` says where, what was measured, the limit and the remedy.
    """

    check: str
    grade: Grade
    stream: str | None
    span: Span
    measured: float
    limit: float
    unit: str
    message: str


@dataclass(frozen=True)
class Verdict:
    """The machine's grade of an episode under a policy (``<name>@<hash>``), with its reasons."""

    policy: str
    grade: Grade
    flags: tuple[Flag, ...]

    @classmethod
    def of(cls, policy: str, flags: tuple[Flag, ...]) -> Verdict:
        """The verdict that these flags make: as bad as the worst of them."""
        return cls(policy, worst([flag.grade for flag in flags]), flags)
