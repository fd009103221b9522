"""Repeats that come in crowds: lost frames that others stand in for, and what is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from test_picture_checks import flags, pictures

from dailies.words import NS
from quality.checks.crowds import crowded, crowded_over_two
from quality.checks.hidden import leaps

Floats = npt.NDArray[np.float64]


def alternating(seed: int = 3) -> Floats:
    """The change of 300 pictures whose source has a key picture every second one: unevenly fast,
    and so little that a single leap proves nothing."""
    random = np.random.default_rng(seed)
    pace = np.convolve(random.uniform(0.3, 1.0, 320), np.ones(21) / 21, "valid")
    return pace * np.where(np.arange(300) % 2, 0.6, 1.2) * random.uniform(0.8, 1.25, 300)


def standing_in(motion: Floats, at: list[int], left: float = 0.15, more: float = 1.6) -> Floats:
    """Pictures that repeat the one before but for an encoder's touch; the next makes up for it."""
    changed = motion.copy()
    for one in at:
        changed[one] *= left
        changed[one + 1] *= more
    return changed


EVERY_FOURTH = list(range(120, 180, 4))


def test_repeats_in_a_crowd_stand_in_for_lost_frames() -> None:
    at = crowded(pictures(motion=standing_in(alternating(), EVERY_FOURTH)))
    assert set(at) <= set(EVERY_FOURTH)
    assert len(at) > len(EVERY_FOURTH) * 0.7


def test_they_are_flagged_where_they_are() -> None:
    camera = pictures(motion=standing_in(alternating(), EVERY_FOURTH))
    (flag,) = flags("dropped_frames", camera)
    assert "repeats as if frames were lost" in flag.message
    assert flag.span.start_ns / NS == pytest.approx(4.0, abs=0.3)
    assert flag.span.end_ns / NS == pytest.approx(6.0, abs=0.3)


def test_a_clip_as_it_is_has_none() -> None:
    for seed in range(20):
        assert not len(crowded(pictures(motion=alternating(seed))))


def test_what_turns_round_is_as_slow_after_it_as_before() -> None:
    """A hand that scrubs for two seconds, its strokes five pictures long."""
    motion = alternating()
    motion[120:180] = 1.2 * np.abs(np.sin(np.pi * np.arange(60) / 5)) + 0.05
    assert not len(crowded(pictures(motion=motion)))


def test_a_camera_that_repeats_all_along_does_so_by_itself() -> None:
    motion = 2 * standing_in(alternating(), list(range(4, 296, 4)), left=0.1)
    assert flags("dropped_frames", pictures(motion=motion)) == []


@pytest.mark.parametrize("at", [EVERY_FOURTH[:3], list(range(20, 290, 60))])
def test_a_few_repeats_are_no_crowd(at: list[int]) -> None:
    assert not len(crowded(pictures(motion=standing_in(alternating(), at))))


def over_two(at: list[int], seed: int = 4) -> Floats:
    """The changes over two pictures of steady motion in which these are repeats."""
    shown = np.arange(300.0)
    for one in at:
        shown[one] = shown[one - 1]
    steps = np.abs(shown - np.roll(shown, 2))
    random = np.random.default_rng(seed)
    pace = np.convolve(random.uniform(0.6, 1.4, 320), np.ones(21) / 21, "valid")
    two = 1.0 + 1.5 * pace * steps * random.uniform(0.95, 1.05, 300)
    two[:20] = 1.0  # what a codec draws anew where nothing moves
    return two


@pytest.mark.parametrize("every", [3, 4, 5])
def test_repeats_of_pictures_drawn_in_pairs_are_seen_over_two(every: int) -> None:
    at = list(range(120, 180, every))
    camera = pictures(motion_two=over_two(at), keys=np.arange(0, 300, 2))
    found = leaps(camera)
    assert found
    assert found.in_pairs
    told = crowded_over_two(found, 30.0)
    assert len(told) > len(at) * 0.6
    assert set(told.tolist()) <= set(at)


@pytest.mark.parametrize("at", [[], EVERY_FOURTH[:4], list(range(4, 292, 4))])
def test_of_a_few_and_of_all_nothing_is_said(at: list[int]) -> None:
    found = leaps(pictures(motion_two=over_two(at), keys=np.arange(0, 300, 2)))
    assert found
    assert not len(crowded_over_two(found, 30.0))


def test_where_hardly_anything_moves_encoders_skip() -> None:
    motion = 0.2 * standing_in(alternating(), EVERY_FOURTH)
    assert not len(crowded(pictures(motion=motion)))


def test_of_a_short_clip_there_is_no_rest_to_compare_with() -> None:
    motion = standing_in(alternating(), list(range(4, 24, 4)))
    assert len(crowded(pictures(count=60, motion=motion[:60])))
    assert not len(crowded(pictures(count=36, motion=motion[:36])))


def test_a_source_that_alternates_strongly_is_evened_out() -> None:
    """Every second picture of a source changes by a quarter of the others, and none is a repeat;
    those that are, among the others, change by as little."""
    even = np.random.default_rng(5).uniform(0.9, 1.1, 300)
    motion = even * np.where(np.arange(300) % 2, 0.25, 1.0)
    assert not len(crowded(pictures(motion=motion)))
    at = crowded(pictures(motion=standing_in(motion, EVERY_FOURTH, left=0.2, more=1.8)))
    assert set(at) <= set(EVERY_FOURTH)
    assert len(at) > len(EVERY_FOURTH) / 2


def test_where_such_repeats_are_not_rare_elsewhere_a_crowd_is_chance() -> None:
    rest = [one for one in range(8, 290, 9) if not 110 < one < 190]
    motion = standing_in(alternating(), EVERY_FOURTH + rest)
    assert not len(crowded(pictures(motion=motion)))


def test_what_is_sure_is_not_lost_to_fainter_ones_beside_it() -> None:
    motion = np.full(107, 0.42)
    motion[8:56] = [0.186, 0.666, 2.899, 2.286, 1.548, 0.322, 0.52, 0.492] * 6
    assert len(crowded(pictures(count=107, motion=motion)))


@pytest.mark.parametrize(("rate", "found"), [(30, True), (10, False)])
def test_a_slow_camera_leaps_by_itself(rate: int, found: bool) -> None:
    times_ns = np.arange(300, dtype=np.int64) * NS // rate
    camera = pictures(motion=standing_in(alternating(), EVERY_FOURTH), times_ns=times_ns)
    assert bool(flags("dropped_frames", camera)) is found
