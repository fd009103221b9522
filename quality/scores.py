"""How far each check is from its limits: what a verdict under moved limits is told from.

A *score* says up to which suspect limit a check finds something, and up to which fail limit it
fails. With the scores of an episode in the record, its verdict under other limits is a comparison
of numbers: no measurements are loaded, and no video is decoded. Only the two limits of a check can
be moved so; its other settings stay as they were when the score was taken.

Most checks compare one measured value with both limits, and have one score. Some look for
stretches beyond the suspect limit first, so that what they measure depends on it: these are asked
at each *step* of LADDERS, and have a score a step. There the suspect limit may be moved to a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from dailies.recordings.contract import Metadata
from dailies.words import Flag, Grade, worst
from quality.checks import BY_NAME, CHECKS, Check, Limits
from quality.measures.measurements import Measurements
from quality.policy import HOUSE, Policy

EVER = 1e30
"""A limit beyond all that is measured; negative where lower is worse."""

IMMOVABLE = frozenset({
    "missing_stream", "corrupt_stream", "label_missing", "copied_clip", "unlike_others",
    "outside_shift",
})  # fmt: skip
"""Checks whose limits say nothing of what was measured here: what they find is there or not, or
comes from other recordings, or from the record."""

NEAR = 0.5
"""Scores are kept from half the house's suspect limit on: so far can a limit be tightened."""

Key = tuple[str | None, str, int, int, float]


def _steps(*parts: tuple[float, float, float]) -> tuple[float, ...]:
    """Steps from, to (included) and by how much."""
    steps = [np.arange(round((end - start) / by) + 1) * by + start for start, end, by in parts]
    return tuple(float(step) for step in np.round(np.concatenate(steps), 6))


LADDERS: dict[str, tuple[float, ...]] = {
    "blur": _steps((1.5, 4.0, 0.1), (4.25, 6.0, 0.25)),
    "dropped_frames": _steps((1, 10, 1), (12, 20, 2), (25, 50, 5)),
    "sync_drift": _steps((20, 200, 5), (220, 500, 20)),
    "colour_cast": _steps((12, 60, 2)),
    "blockiness": _steps((50, 200, 10), (225, 400, 25)),
    "too_few_bits": _steps((40, 95, 2.5)),
    "stuck_joint": _steps((0.3, 2.0, 0.1), (2.5, 5.0, 0.5)),
    "flat_series": _steps((0.2, 2.0, 0.1), (2.5, 5.0, 0.5)),
    "spike": _steps((5, 15, 1), (20, 50, 5), (60, 100, 20)),
    "jerky_motion": _steps((-11.0, -20.0, -0.25)),
    "series_gap": _steps((50, 200, 10), (250, 1000, 50)),
}
"""The suspect limits at which these checks are asked, from the most lenient find on.

The house's limits are among them. What was in force when the score was taken is asked as well.
"""

UNEVEN = frozenset({"spike", "blur", "colour_cast"})
"""Checks that may find nothing at a tight limit and something at a looser one, at which a stretch
begins with a leap: asked at each step in any case."""

OVERRULED = frozenset({"dropped_frames", "series_gap"})
"""Checks whose flags can fail by another setting, once they are beyond the suspect limit."""

BY_STEPS = frozenset({"sync_drift"})
"""Checks of whose flags ``measured`` is not what was held against the limit: the fail limit, too,
is asked by steps."""


@dataclass(frozen=True)
class Score:
    """What a check says with a suspect limit up to ``suspect_to`` (where lower is worse: down to).

    ``grade`` is suspect where it finds something then, and fails with a fail limit up to
    ``fail_to`` (None: never); good where it finds nothing; unknown, without limits, where it cannot
    be evaluated. Of several scores the one with the nearest ``suspect_to`` beyond the limit holds.
    """

    check: str
    suspect_to: float | None
    fail_to: float | None
    grade: Literal["good", "suspect", "unknown"] = "suspect"


def scores(
    measurements: Measurements, policy: Policy, metadata: Metadata | None = None
) -> tuple[Score, ...]:
    """The scores of an episode's movable checks, of those that are near their limits.

    ``policy`` gives the settings other than the two limits, as for ``judge``.
    """
    who = metadata or Metadata()
    measurements = replace(
        measurements,
        task=who.task or measurements.task,
        steps=who.steps or measurements.steps,
    )
    limits = policy.limits_for(who.task, who.site, who.rig)
    return tuple(
        score
        for check in CHECKS
        if check.name not in IMMOVABLE
        for score in _of(_Asked(check, measurements, limits[check.name]))
    )


def grade_at(found: tuple[Score, ...], limits: Limits) -> Grade:
    """What a check says by its scores under other limits; good where it has none."""
    sign = _sign(limits.worse)
    grades = [Grade.UNKNOWN for one in found if one.grade == "unknown"]
    beyond = [
        one
        for one in found
        if one.suspect_to is not None and sign * one.suspect_to >= sign * limits.suspect
    ]
    if beyond:
        holds = min(beyond, key=lambda one: sign * (one.suspect_to or 0.0))
        if holds.fail_to is not None and sign * holds.fail_to >= sign * limits.fail:
            grades.append(Grade.FAIL)
        grades.append(Grade(holds.grade))
    return worst(grades)


@cache
def tightest(check: str) -> float:
    """The tightest suspect limit that a check can be moved to: below it no scores are kept."""
    if check in LADDERS:
        return LADDERS[check][0]
    suspect = _house().limits_for()[check].suspect
    sign = _sign(BY_NAME[check].worse)
    return suspect - sign * NEAR * abs(suspect)


@cache
def _house() -> Policy:
    return Policy.load(HOUSE)


def _sign(worse: str) -> float:
    return 1.0 if worse == "higher" else -1.0


@dataclass(frozen=True)
class _Asked:
    """A check of one episode, to be asked under other limits than those in force."""

    check: Check
    measurements: Measurements
    limits: Limits

    @property
    def sign(self) -> float:
        """1 where higher is worse, -1 where lower is."""
        return _sign(self.check.worse)

    def flags(self, suspect: float, fail: float) -> list[Flag]:
        """What it flags with these two limits, and the settings in force."""
        limits = replace(self.limits, suspect=suspect, fail=fail)
        return list(self.check.function(self.measurements, limits))

    @property
    def floor(self) -> float:
        """The suspect limit at which it is asked first: the tightest, or that in force."""
        tight = tightest(self.check.name)
        return min(tight, self.limits.suspect, key=lambda limit: self.sign * limit)

    def ladder(self) -> list[float]:
        """The steps to ask at, from the tightest on."""
        steps = {*LADDERS[self.check.name], self.limits.suspect}
        if self.check.name in BY_STEPS:
            steps.add(self.limits.fail)
        return sorted(steps, key=lambda step: self.sign * step)


def _of(asked: _Asked) -> Iterator[Score]:
    near = asked.flags(asked.floor, asked.floor)
    if not near and asked.check.name not in UNEVEN:
        return
    never = asked.sign * EVER
    fixed = asked.flags(never, never)
    name, grade = asked.check.name, worst([flag.grade for flag in fixed])
    if grade is Grade.UNKNOWN:
        yield Score(name, None, None, "unknown")
    elif grade is not Grade.GOOD:
        yield Score(name, never, never if grade is Grade.FAIL else None)
        if grade is Grade.FAIL:
            return
    told = {_key(flag) for flag in fixed}
    if name in LADDERS:
        yield from _climbed(asked, told, Score(name, 0.0, None, _at_least(grade)))
        return
    moved = [flag for flag in near if _key(flag) not in told]
    if moved:
        yield Score(name, _worst_of(asked, moved) or 0.0, _worst_of(asked, _failing(moved)))


def _at_least(grade: Grade) -> Literal["good", "suspect"]:
    return "suspect" if grade is Grade.SUSPECT else "good"


def _climbed(asked: _Asked, told: set[Key], nothing: Score) -> Iterator[Score]:
    """The scores at each step at which anything changes; ``nothing`` where nothing moved."""
    climbed = [_at(asked, told, step, nothing) for step in asked.ladder()]
    alike = replace(nothing, suspect_to=None)
    while climbed and replace(climbed[-1], suspect_to=None) == alike:
        climbed.pop()
    for at, score in enumerate(climbed):
        following = climbed[at + 1] if at + 1 < len(climbed) else None
        if following is None or replace(following, suspect_to=score.suspect_to) != score:
            yield score


def _at(asked: _Asked, told: set[Key], step: float, nothing: Score) -> Score:
    flags = [flag for flag in asked.flags(step, step) if _key(flag) not in told]
    if not flags:
        return replace(nothing, suspect_to=step)
    return Score(asked.check.name, step, _fails_to(asked, told, step, flags))


def _fails_to(asked: _Asked, told: set[Key], step: float, flags: list[Flag]) -> float | None:
    never = asked.sign * EVER
    if asked.check.name in OVERRULED and any(
        _key(flag) not in told for flag in _failing(asked.flags(step, never))
    ):
        return never
    if asked.check.name not in BY_STEPS:
        return _worst_of(asked, _failing(flags))
    fails = [
        limit
        for limit in asked.ladder()
        if asked.sign * limit >= asked.sign * step
        and any(_key(flag) not in told for flag in _failing(asked.flags(step, limit)))
    ]
    return fails[-1] if fails else None


def _failing(flags: list[Flag]) -> list[Flag]:
    return [flag for flag in flags if flag.grade is Grade.FAIL]


def _worst_of(asked: _Asked, flags: list[Flag]) -> float | None:
    measured = [float(flag.measured) for flag in flags]
    return max(measured, key=lambda value: asked.sign * value, default=None)


def _key(flag: Flag) -> Key:
    """What stays the same of a flag that no limit moves."""
    return flag.stream, flag.unit, flag.span.start_ns, flag.span.end_ns, float(flag.measured)
