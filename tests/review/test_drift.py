"""A reviewer who becomes worse is found, and since when."""

from __future__ import annotations

import numpy as np

from review.blind import Drift, drift


def wrong(*runs: tuple[int, bool]) -> np.ndarray:
    return np.concatenate([np.full(count, value) for count, value in runs])


def test_a_rise_is_found_from_its_first_mistake() -> None:
    answers = wrong((30, False), (6, True))
    # a mistake weighs ln(0.1818 / 0.1) = 0.598, so five stay just below the alarm at 3
    assert drift(answers, usual=0.1) == Drift(since=30, alarm=35)
    assert drift(answers[:-1], usual=0.1) is None


def test_the_usual_mistakes_are_no_drift() -> None:
    answers = np.tile(wrong((9, False), (1, True)), 20)
    assert drift(answers, usual=0.1) is None
    assert drift(np.zeros(0, bool), usual=0.1) is None


def test_who_recovered_drifts_no_more() -> None:
    assert drift(wrong((6, True), (200, False)), usual=0.1) is None


def test_false_alarms_are_rare() -> None:
    chance = np.random.default_rng(4)
    alarms = [drift(chance.random(60) < 0.1, usual=0.1) is not None for _ in range(500)]
    found = [drift(chance.random(60) < 0.3, usual=0.1) is not None for _ in range(500)]
    assert np.mean(alarms) < 0.06
    assert np.mean(found) > 0.9
