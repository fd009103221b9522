"""Policy: what moved limits would change, how checks agree with reviews, and limits fitted to them.

Everything is told from stored scores (see quality/scores.py); no video is decoded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from metrics.asking import ask, ask_one

if TYPE_CHECKING:
    from dailies.mirror import Mirror

Floats = npt.NDArray[np.float64]
Side = Literal["before", "after"]


@dataclass(frozen=True)
class Limit:
    """The two limits of a check for all (scope house) or for one task, site or rig.

    ``owner`` is that task, site or rig; None for the house. A limit that a scope leaves as it is
    for others is None. ``worse`` is higher or lower.
    """

    check: str
    worse: str
    suspect: float | None
    fail: float | None
    scope: str = "house"
    owner: str | None = None


Limits = Sequence[Limit]


@dataclass(frozen=True)
class VerdictChange:
    """Episodes that go from one verdict to another; a review stands on ``reviewed`` of them."""

    before: str
    after: str
    episodes: int
    hours: float
    reviewed: int
    reviewed_h: float


@dataclass(frozen=True)
class OwnerChange:
    """A worker's or a rig's (``kind``) episodes whose verdict changes, ``worse`` for the worse."""

    kind: str
    id: str | None
    episodes: int
    worse: int
    better_h: float
    worse_h: float
    recorded_h: float


@dataclass(frozen=True)
class ChangedEpisode:
    """An episode whose verdict changes."""

    episode_id: int
    before: str
    after: str
    is_reviewed: bool
    worked_on: dt.date
    task_id: str | None
    site_id: str | None
    rig_id: str | None
    worker_id: str | None
    duration_s: float


@dataclass(frozen=True)
class Agreement:
    """A check against the reviews that stand; ``side`` before or after. None: nothing to divide."""

    side: str
    check_name: str
    hits: int
    false_alarms: int
    misses: int
    passes: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None


@dataclass(frozen=True)
class ReviewedScore:
    """A score of a check on a reviewed clip; ``grade`` None where the check was not near."""

    episode_id: int
    is_rejected: bool
    rig_id: str | None
    suspect_to: float | None
    fail_to: float | None
    grade: str | None


@dataclass(frozen=True)
class Standing:
    """How many episodes there are, scored, and judged under another policy than the one in force.

    ``to_judge`` of them `dailies judge` would judge again.
    """

    episodes: int
    scored: int
    under_another: int
    to_judge: int


@dataclass(frozen=True)
class SavedPolicy:
    """A saved policy version; ``began_at`` None where it was never in force."""

    version: str
    note: str
    made_by: str
    made_at: dt.datetime
    began_at: dt.datetime | None
    begun_by: str | None
    is_in_force: bool


def policy_change(mirror: Mirror, before: Limits, after: Limits) -> tuple[VerdictChange, ...]:
    """Verdicts that would change from the limits ``before`` to those ``after``, most hours first.

    Both name the same checks: those whose limits are moved.
    """
    return ask(mirror, "policy_change", VerdictChange, _sides(before, after))


def policy_change_by_owner(
    mirror: Mirror, before: Limits, after: Limits
) -> tuple[OwnerChange, ...]:
    """The workers, then the rigs, whose verdicts would change, of each kind most hours first."""
    return ask(mirror, "policy_change_by_owner", OwnerChange, _sides(before, after))


def policy_changed_episodes(
    mirror: Mirror, before: Limits, after: Limits, *, limit: int = 200
) -> tuple[ChangedEpisode, ...]:
    """The newest episodes whose verdict would change."""
    parameters = _sides(before, after) | {"limit": limit}
    return ask(mirror, "policy_changed_episodes", ChangedEpisode, parameters)


def check_agreement(mirror: Mirror, before: Limits, after: Limits) -> tuple[Agreement, ...]:
    """How each of the checks agrees with the reviews, before and after."""
    return ask(mirror, "check_agreement", Agreement, _sides(before, after))


def reviewed_scores(mirror: Mirror, check: str) -> tuple[ReviewedScore, ...]:
    """What a check scored on the clips that reviews speak of."""
    return ask(mirror, "reviewed_scores", ReviewedScore, {"check": check})


def policy_standing(mirror: Mirror, version: str) -> Standing:
    """How far the record is judged and scored under a policy."""
    row = ask_one(mirror, "policy_standing", Standing, {"version": version})
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def policies(mirror: Mirror) -> tuple[SavedPolicy, ...]:
    """The saved policies, the newest first."""
    return ask(mirror, "policies", SavedPolicy, {})


def _sides(before: Limits, after: Limits) -> dict[str, Any]:
    if {one.check for one in before} != {one.check for one in after}:
        raise ValueError("the limits before and after must be of the same checks")
    sides = [{(one.check, one.scope, one.owner): one for one in side} for side in (before, after)]
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    worse = {one.check: one.worse for one in before}
    parameters: dict[str, Any] = {
        "checks": [check for check, _, _ in keys],
        "signs": [1.0 if worse[check] == "higher" else -1.0 for check, _, _ in keys],
        "scopes": [scope for _, scope, _ in keys],
        "owners": [owner for _, _, owner in keys],
    }
    for name, side in zip(("before", "after"), sides, strict=True):
        found = [side.get(key) for key in keys]
        parameters[f"suspects_{name}"] = [one.suspect if one else None for one in found]
        parameters[f"fails_{name}"] = [one.fail if one else None for one in found]
    return parameters


FOLDS = 5
NEEDED = 20
"""Confirmed and denied clips that a fit needs of each: with fewer the interval says nothing."""


class TooFewReviews(ValueError):
    """A fit that would be a guess; says how many reviews there are and are needed."""


@dataclass(frozen=True)
class Fit:
    """A suspect limit fitted to reviews, and what to expect of it on clips not yet seen.

    ``precision`` and ``recall`` are cross-validated: each clip is judged by a limit that was fitted
    without it. ``confirmed`` and ``denied`` count the reviews that it was fitted to.
    """

    check: str
    suspect: float
    precision: float | None
    recall: float
    confirmed: int
    denied: int


def fit_suspect(
    check: str,
    scored: Sequence[ReviewedScore],
    *,
    worse: str,
    steps: Sequence[float] = (),
    tightest: float,
    within: float,
) -> Fit:
    """The suspect limit whose flags agree best with the reviews, by F1 (van Rijsbergen 1979).

    Candidates are the ``steps``, or values half-way between two that were measured, from
    ``tightest`` up to ``within`` (the fail limit); of equals, the one that flags less. Expected
    precision and recall are by ``FOLDS``-fold cross-validation. Raises TooFewReviews.
    """
    sign = 1.0 if worse == "higher" else -1.0
    values, rejected = _worst_scores(scored, sign)
    confirmed, denied = int(rejected.sum()), int((~rejected).sum())
    if min(confirmed, denied) < NEEDED:
        raise TooFewReviews(
            f"{confirmed} clips were rejected for {check} and {denied} accepted: a fit needs "
            f"{NEEDED} of each"
        )
    inside = [sign * one for one in steps] or _between(values)
    lowest, highest = sign * tightest, sign * within
    candidates = np.array([one for one in inside if lowest <= one <= highest] or [lowest])
    folds = np.arange(len(values)) % FOLDS
    flagged = np.zeros(len(values), np.bool_)
    for fold in range(FOLDS):
        kept = folds != fold
        flagged[~kept] = values[~kept] >= _best(values[kept], rejected[kept], candidates)
    hits = int((flagged & rejected).sum())
    return Fit(
        check,
        float(sign * _best(values, rejected, candidates)),
        hits / int(flagged.sum()) if flagged.any() else None,
        hits / confirmed,
        confirmed,
        denied,
    )


def _worst_scores(
    scored: Sequence[ReviewedScore], sign: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Up to which suspect limit each clip is flagged (signed; -inf: never), and if rejected.

    Clips are in the order of their ids.
    """
    worst: dict[int, float] = {}
    truth: dict[int, bool] = {}
    for one in scored:
        truth[one.episode_id] = one.is_rejected
        is_flag = one.grade == "suspect" and one.suspect_to is not None
        value = sign * (one.suspect_to or 0.0) if is_flag else -np.inf
        worst[one.episode_id] = max(worst.get(one.episode_id, -np.inf), value)
    ids = sorted(worst)
    return np.array([worst[id] for id in ids]), np.array([truth[id] for id in ids], np.bool_)


def _between(values: Floats) -> list[float]:
    found = np.unique(values[np.isfinite(values)])
    return [float(one) for one in (found[1:] + found[:-1]) / 2]


def _best(values: Floats, rejected: npt.NDArray[np.bool_], candidates: Floats) -> float:
    """The candidate of the greatest F1 = 2 hits / (flagged + confirmed); of equals, the loosest."""
    bad, every = np.sort(values[rejected]), np.sort(values)
    hits = len(bad) - np.searchsorted(bad, candidates, side="left")
    flagged = len(every) - np.searchsorted(every, candidates, side="left")
    f1 = 2 * hits / np.maximum(flagged + len(bad), 1)
    at = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(candidates[at].max())
