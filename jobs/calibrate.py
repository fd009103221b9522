"""Fitting limits to what good recordings measure, for each rig, site or task.

Method. Of every good recording and check, the score says up to which suspect limit it would be
flagged. The limit that flags one good recording in 200 is the 99.5 % quantile of these scores;
recordings that did not come near count as lying below. Since a quantile so far out is known badly,
the upper end of its 95 % bootstrap interval is taken (percentile bootstrap, Efron 1979, 1,000
resamples), and 5 % more as margin. The fail limit keeps its ratio to the suspect one. With fewer
than 30 recordings nothing is fitted: the interval would be that of a handful of extremes. A check
that fewer than 20 % of the recordings came near keeps its limits: that they are far is all that is
known. No limit becomes tighter than scores are kept, or looser than twice what it was.

From the record, the good recordings are those whose decision is accepted, by the machine or by a
review: clips that people looked at alone are mostly those that were flagged, and would give limits
that are too loose.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from dailies.record import Episode, Rig
from dailies.record import Score as ScoreRow
from dailies.words import listed
from jobs.screening import Screened
from quality.checks import BY_NAME
from quality.policy import Policy
from quality.scores import BY_STEPS, IMMOVABLE, LADDERS, Score, tightest

Floats = npt.NDArray[np.float64]
By = Literal["house", "task", "site", "rig", "camera"]

GROUPS = ("house", "task", "site", "rig", "camera")

QUANTILE = 0.995
MARGIN = 0.05
RESAMPLES = 1_000
LEAST = 30
NEAR_SHARE = 0.2
LOOSEST = 2.0
APART = 1.25
"""So many times the next worst is apart from it, and so many times another one the limit would be
without: a recording that sets its limit alone."""
APART_SHARE = 0.02
"""Of so many of the good ones at most this is asked: more are how such recordings are."""
NAMED = 5
WHOLE_UNITS = frozenset({"frames", "samples", "columns", "streams", "steps", "labels"})


class CannotCalibrate(ValueError):
    """Too little to fit a limit to; says how much there is, and how much is needed."""


@dataclass(frozen=True)
class Good:
    """A good recording: of which task, site, rig and camera model, and its scores."""

    name: str
    task: str | None
    site: str | None
    rig: str | None
    camera: str | None
    scores: tuple[Score, ...]

    def group(self, by: By) -> str | None:
        """What it belongs to; None where it does not say."""
        return "" if by == "house" else getattr(self, by)


@dataclass(frozen=True, eq=False)
class Curve:
    """A check's limit for one group, and what it was fitted to.

    ``values`` are the scores of the recordings that came near, ascending by how bad, and ``names``
    these recordings; ``count`` is of all. ``quantile`` is the 99.5 % one with its 95 % interval.
    ``before`` and ``fitted`` are the suspect and fail limits; ``why_kept`` says why they were left
    as they are. ``apart`` are the few recordings without which the limit would be another one.
    """

    check: str
    group: str
    values: Floats
    count: int
    before: tuple[float, float]
    fitted: tuple[float, float]
    names: tuple[str, ...] = ()
    quantile: tuple[float, float, float] | None = None
    why_kept: str | None = None
    apart: tuple[str, ...] = ()

    @property
    def is_moved(self) -> bool:
        """Whether the limits are other ones than before."""
        return self.fitted != self.before

    def flagged(self, suspect: float) -> tuple[str, ...]:
        """The good recordings that a suspect limit would flag, the worst one last."""
        sign = _sign(self.check)
        beyond = int((sign * self.values >= sign * suspect).sum())
        return self.names[len(self.names) - beyond :]


def camera_models(session: Session) -> dict[str, str | None]:
    """The camera model of each rig in the record."""
    return {rig.id: rig.camera_model for rig in session.scalars(select(Rig))}


def from_screened(screened: Screened, cameras: Mapping[str, str | None]) -> Good:
    """A recording that somebody calls good, screened just now."""
    said = screened.metadata
    camera = cameras.get(said.rig or "")
    return Good(
        f"{screened.path} {screened.index}", said.task, said.site, said.rig, camera, screened.scores
    )


def from_record(session: Session, cameras: Mapping[str, str | None]) -> Iterator[Good]:
    """The recordings of the record that are accepted and scored."""
    columns_of = (
        Episode.id,
        Episode.path,
        Episode.task_id,
        Episode.site_id,
        Episode.rig_id,
    )
    accepted = select(*columns_of).where(
        Episode.decision == "accepted", Episode.is_scored, Episode.duplicate_of.is_(None)
    )
    scored: dict[int, list[Score]] = defaultdict(list)
    columns = (
        ScoreRow.episode_id,
        ScoreRow.check,
        ScoreRow.suspect_to,
        ScoreRow.fail_to,
        ScoreRow.grade,
    )
    for id_, check, suspect_to, fail_to, grade in session.execute(select(*columns)):
        scored[id_].append(Score(check, suspect_to, fail_to, grade))  # type: ignore[arg-type]
    for id_, path, task, site, rig in session.execute(accepted.order_by(Episode.id)):
        found = tuple(scored.get(id_, ()))
        yield Good(path, task, site, rig, cameras.get(rig or ""), found)


def calibrate(
    recordings: Iterable[Good], policy: Policy, *, by: By, seed: int = 0
) -> tuple[Curve, ...]:
    """The fitted limits of every movable check and group. Raises CannotCalibrate.

    Groups with too few recordings are left out; where all are, it is refused.
    """
    groups: dict[str, list[Good]] = defaultdict(list)
    silent = 0
    for one in recordings:
        group = one.group(by)
        if group is None:
            silent += 1
        else:
            groups[group].append(one)
    enough = {name: found for name, found in groups.items() if len(found) >= LEAST}
    if not enough:
        most = max(map(len, groups.values()), default=0)
        hint = f"; {silent} do not say their {by}" if silent else ""
        raise CannotCalibrate(
            f"{most} good recordings in the largest group, and {LEAST} are needed{hint}: give "
            "more, or fit wider groups with --by"
        )
    rng = np.random.default_rng(seed)
    return tuple(
        _fitted(check, name, found, _before(policy, check, by, name, found), rng)
        for name, found in sorted(enough.items())
        for check in BY_NAME
        if check not in IMMOVABLE
    )


def _before(
    policy: Policy, check: str, by: By, group: str, found: Sequence[Good]
) -> tuple[float, float]:
    where: dict[str, str | None] = {} if by == "house" else {by: group}
    if by == "camera":
        where = {"rig": next((one.rig for one in found if one.rig), None)}
    limits = policy.limits_for(**where)[check]
    return limits.suspect, limits.fail


def _fitted(
    check: str,
    group: str,
    found: Sequence[Good],
    before: tuple[float, float],
    rng: np.random.Generator,
) -> Curve:
    sign = _sign(check)
    signed = np.array([_worst(one.scores, check, sign) for one in found])
    order = np.argsort(signed, kind="stable")[np.isneginf(signed).sum() :]
    near, names = signed[order], tuple(found[at].name for at in order)
    kept = Curve(check, group, sign * near, len(found), before, before, names)
    if not len(near):
        return _because(kept, "none came near, or none holds what it asks of")
    if len(near) < NEAR_SHARE * len(found):
        return _because(kept, f"{len(near)} of {len(found)} came near")
    if (near >= 1e29).any():
        return _because(kept, "some are flagged whatever the limit")
    # what did not come near lies below all that was measured
    filled = np.where(np.isfinite(signed), signed, sign * tightest(check))
    suspect, quantile = _limit(check, filled, before, rng)
    fitted = (suspect, _fail(check, before, suspect))
    far = _far(near, len(found))
    if far:
        others = np.sort(filled)[:-far]
        hangs = abs(math.log(_limit(check, others, before, rng)[0] / suspect)) >= math.log(APART)
        far = far if hangs else 0
    return replace(kept, fitted=fitted, quantile=quantile, apart=names[len(names) - far :])


def _limit(
    check: str, signed: Floats, before: tuple[float, float], rng: np.random.Generator
) -> tuple[float, tuple[float, float, float]]:
    """The suspect limit for these signed scores, and their quantile with its interval."""
    sign = _sign(check)
    resampled = rng.choice(signed, (RESAMPLES, len(signed)))
    low, high = np.quantile(np.quantile(resampled, QUANTILE, axis=1), (0.025, 0.975))
    at = float(np.quantile(signed, QUANTILE))
    limit = high + MARGIN * abs(high)
    suspect = _placed(check, sign * limit, before[0], sign)
    return suspect, (sign * at, sign * float(low), sign * float(high))


def _far(near: Floats, count: int) -> int:
    """How many of the worst are apart from all others, of ascending signed scores."""
    most = min(max(int(APART_SHARE * count), 1), len(near) - 1)
    if most < 1:
        return 0
    # where lower is worse, the next is so many times as much
    logs = np.log(np.maximum(np.abs(near[-most - 1 :]), 1e-12))
    leaps = np.flatnonzero(np.abs(np.diff(logs)) >= math.log(APART))
    return most - int(leaps[0]) if len(leaps) else 0


def _because(kept: Curve, why: str) -> Curve:
    return replace(kept, why_kept=why)


def _worst(scores: tuple[Score, ...], check: str, sign: float) -> float:
    """Up to which signed suspect limit a recording is flagged; -inf where it came not near."""
    return max(
        (
            sign * one.suspect_to
            for one in scores
            if one.check == check and one.grade == "suspect" and one.suspect_to is not None
        ),
        default=-math.inf,
    )


def _placed(check: str, limit: float, before: float, sign: float) -> float:
    """A limit on the check's steps or to three digits, within what calibrating may move it."""
    loosest = before + sign * (LOOSEST - 1) * abs(before)
    bounded = sign * min(max(sign * limit, sign * tightest(check)), sign * loosest)
    if check in LADDERS:
        steps = [one for one in LADDERS[check] if sign * one >= sign * bounded]
        return min(steps or [bounded], key=lambda one: sign * one)
    if BY_NAME[check].unit in WHOLE_UNITS:
        return float(math.ceil(bounded) if sign > 0 else math.floor(bounded))
    return float(f"{bounded:.3g}")


def _fail(check: str, before: tuple[float, float], suspect: float) -> float:
    """The fail limit in its old ratio to the suspect one, on a step where it goes by steps."""
    if before[0] == 0 or not math.isfinite(before[1]):
        return before[1]
    limit = before[1] * suspect / before[0]
    if check in BY_STEPS:
        return min(LADDERS[check], key=lambda step: abs(step - limit))
    return float(f"{limit:.3g}")


def _sign(check: str) -> float:
    return 1.0 if BY_NAME[check].worse == "higher" else -1.0


def fitted_policy(
    policy: Policy, curves: Sequence[Curve], by: By, recordings: Sequence[Good]
) -> Policy:
    """The policy with the fitted limits: of a camera model, on every rig that has it."""
    drafted = policy
    for curve in curves:
        if not curve.is_moved:
            continue
        limits = {"suspect": curve.fitted[0], "fail": curve.fitted[1]}
        if by == "camera":
            rigs = {one.rig for one in recordings if one.camera == curve.group and one.rig}
            for rig in sorted(rigs):
                drafted = drafted.moved(curve.check, limits, "rig", rig)
        else:
            drafted = drafted.moved(curve.check, limits, by, curve.group or None)
    return drafted


def named(recordings: Sequence[str]) -> str:
    """The worst of them, the very worst one first, and how many more there are."""
    return listed(recordings[::-1], NAMED)


def lines(curves: Sequence[Curve]) -> Iterator[str]:
    """What was fitted, in words: moved limits first, then a line of those kept."""
    for group in dict.fromkeys(one.group for one in curves):
        ones = [one for one in curves if one.group == group]
        yield f"{group or 'house'}: {ones[0].count} good recordings"
        for one in ones:
            if one.quantile is None:
                continue
            at, low, high = one.quantile
            unit = BY_NAME[one.check].unit
            word = "suspect" if one.is_moved else "kept"
            yield (
                f"  {one.check:18} {word} {one.before[0]:g} -> {one.fitted[0]:g} {unit}, "
                f"fail {one.before[1]:g} -> {one.fitted[1]:g}; 99.5 % of the good "
                f"{at:.3g} ({min(low, high):.3g} to {max(low, high):.3g}), "
                f"n = {one.count}, {len(one.values)} near; flags "
                f"{len(one.flagged(one.before[0]))} -> {len(one.flagged(one.fitted[0]))} of them"
            )
            if one.apart:
                yield f"    set by {named(one.apart)}, far from all others: look, and fit without"
        kept = [one for one in ones if one.why_kept]
        for one in kept:
            if flagged := one.flagged(one.before[0]):
                yield (
                    f"  {one.check:18} kept {one.before[0]:g} {BY_NAME[one.check].unit}, though it "
                    f"flags {len(flagged)} of these {one.count}: {one.why_kept}; look at "
                    f"{named(flagged)}"
                )
        far = sum(not one.flagged(one.before[0]) for one in kept)
        if far:
            yield f"  limits kept, which these recordings come nowhere near: those of {far} checks"
