"""What moved limits change, and how a check agrees with reviews: by hand-made scores."""

from __future__ import annotations

import pytest
from operation import NOON

from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Review, Score
from metrics import policy
from metrics.policy import Limit, ReviewedScore, TooFewReviews, fit_suspect

BLUR = Limit("blur", "higher", 2.0, 4.0)
LENIENT = Limit("blur", "higher", 5.0, 8.0)


@pytest.fixture
def scored(own: tuple[Record, Mirror]) -> Mirror:
    """The operation with blur scores: 2 fails at 9 (and is frozen too), 4 is suspect at 3."""
    record, mirror = own
    with record.begin() as session:
        session.add_all(
            [
                Score(episode_id=2, check="blur", grade="suspect", suspect_to=9.0, fail_to=9.0),
                Score(episode_id=4, check="blur", grade="suspect", suspect_to=3.0, fail_to=3.0),
                Score(episode_id=6, check="blur", grade="suspect", suspect_to=1.5, fail_to=1.5),
            ]
        )
        session.add(
            Review(
                episode_id=6, reviewer="qa", decision="accepted", policy="x", decided_at=NOON
            )
        )  # fmt: skip
    mirror.refresh()
    return mirror


def test_verdicts_change_where_no_other_check_says_the_same(scored: Mirror) -> None:
    changes = policy.policy_change(scored, [BLUR], [Limit("blur", "higher", 5.0, 20.0)])
    # 2 is frozen, so it stays suspect; bo's two hours of 4 turn good
    assert [(one.before, one.after, one.episodes, one.hours, one.reviewed) for one in changes] == [
        ("suspect", "good", 1, 2.0, 0),
        ("fail", "suspect", 1, 0.5, 1),
    ]
    owners = policy.policy_change_by_owner(scored, [BLUR], [Limit("blur", "higher", 5.0, 20.0)])
    assert [(one.kind, one.id, one.better_h, one.worse_h, one.recorded_h) for one in owners] == [
        ("worker", "bo", 2.0, 0.0, 2.5),
        ("worker", "ann", 0.5, 0.0, 1.5),
        ("rig", "r2", 2.0, 0.0, 2.5),
        ("rig", "r1", 0.5, 0.0, 1.5),
    ]


def test_a_rigs_own_limit_stands_before_the_houses(scored: Mirror) -> None:
    rig = Limit("blur", "higher", 2.0, None, "rig", "r2")
    changes = policy.policy_changed_episodes(scored, [BLUR, rig], [LENIENT, rig])
    assert [one.episode_id for one in changes] == []


def test_a_tighter_limit_finds_what_only_came_near(scored: Mirror) -> None:
    (one,) = policy.policy_changed_episodes(scored, [BLUR], [Limit("blur", "higher", 1.0, 4.0)])
    assert (one.episode_id, one.before, one.after, one.is_reviewed) == (6, "good", "suspect", True)


def test_precision_and_recall_are_against_reviews_for_the_checks_own_reason(
    scored: Mirror,
) -> None:
    tight = Limit("blur", "higher", 1.0, 4.0)
    found = {one.side: one for one in policy.check_agreement(scored, [BLUR], [tight])}
    # 2 was rejected for blur, 6 accepted
    assert (found["before"].precision, found["before"].recall) == (1.0, 1.0)
    assert (found["after"].precision, found["after"].recall) == (0.5, 1.0)
    assert (found["after"].hits, found["after"].false_alarms, found["after"].misses) == (1, 1, 0)


def _reviews(rejected: list[float], accepted: list[float]) -> list[ReviewedScore]:
    values = [(value, True) for value in rejected] + [(value, False) for value in accepted]
    return [
        ReviewedScore(at, is_rejected, None, value, value, "suspect")
        for at, (value, is_rejected) in enumerate(values)
    ]


def test_a_fitted_limit_parts_the_rejected_from_the_accepted() -> None:
    scored = _reviews([3.0 + 0.01 * n for n in range(30)], [1.5 + 0.01 * n for n in range(30)])
    fit = fit_suspect("blur", scored, worse="higher", tightest=1.0, within=4.0)
    assert fit.suspect == pytest.approx((1.79 + 3.0) / 2)
    assert (fit.precision, fit.confirmed, fit.denied) == (1.0, 30, 30)
    # without the lowest of the rejected the limit would lie above it: expected recall says so
    assert fit.recall == pytest.approx(29 / 30)


def test_a_fit_to_few_reviews_is_refused() -> None:
    with pytest.raises(TooFewReviews, match="19 clips were rejected for blur and 30 accepted"):
        fit_suspect(
            "blur", _reviews([3.0] * 19, [1.0] * 30), worse="higher", tightest=1.0, within=4.0
        )
