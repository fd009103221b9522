"""How far what is seen moves at once is told against the steps beside it; at rest nothing is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quality.measures import steps as steps_module
from quality.measures.planes import Plane
from quality.measures.steps import (
    AT_ONCE,
    REACH,
    Floats,
    Motions,
    Room,
    Step,
    Steps,
    eighth_of,
    motions_between,
    steps_of,
)

ROWS, COLUMNS = 90, 160
NOISE = 0.5
"""Levels of what a codec leaves in a picture so small."""


def wall(seed: int = 3) -> Plane:
    """Soft spots, larger than the pictures that are cut out of it."""
    rng = np.random.default_rng(seed)
    drawn = cv2.GaussianBlur(rng.normal(0, 1, (400, 800)), (0, 0), 5)
    return np.clip(128 + 600 * drawn, 0, 255).astype(np.uint8)


def seen_from(places: Floats, heights: Floats | None = None) -> Plane:
    """A camera that moves along the wall by so many pixels of an eighth, (n, 90, 160)."""
    rng, drawn = np.random.default_rng(1), wall().astype(np.float32)
    shown = []
    for place, height in zip(
        places, np.zeros(len(places)) if heights is None else heights, strict=True
    ):
        moved = np.float32([[1, 0, -80 - 2 * place], [0, 1, -80 - 2 * height]])
        cut = cv2.warpAffine(drawn, moved, (COLUMNS, ROWS))
        shown.append(cut + rng.normal(0, NOISE, cut.shape))
    return np.clip(np.round(shown), 0, 255).astype(np.uint8)


def eighths(pictures: Plane) -> Floats:
    return np.stack([eighth_of(picture) for picture in pictures])


def told(pictures: Plane) -> Step:
    steps = Steps()
    for picture in pictures:
        steps.see(eighth_of(picture))
    return steps.told()


@pytest.mark.parametrize("pace", [0.15, 0.6, -1.2])
def test_a_step_over_a_lost_picture_is_of_two(pace: float) -> None:
    places = pace * np.delete(np.arange(60), 30)
    step = told(seen_from(places))
    assert step.share[30] == pytest.approx(2.0, abs=0.2)
    assert step.error[30] < 0.15
    # two steps in one lead one to expect more around it
    around = [28, 29, 31, 32]
    assert step.share[around] == pytest.approx(np.full(4, 2 / 3), abs=0.1)
    others = np.delete(step.share, [*around, 30])[REACH + 1 : -REACH]
    assert others == pytest.approx(np.ones(len(others)), abs=0.3)


@pytest.mark.parametrize(("across", "down"), [(0.3, 0.0), (-0.8, 0.4), (1.5, -1.0)])
def test_the_way_of_the_whole_view_is_about_as_long_as_it_is(across: float, down: float) -> None:
    number = np.arange(20)
    way = told(seen_from(across * number, down * number)).way
    assert np.isnan(way[0]).all()
    # what is seen goes the other way than the camera
    assert way[1:, 0] == pytest.approx(np.full(19, -across), rel=0.35, abs=0.05)
    assert way[1:, 1] == pytest.approx(np.full(19, -down), rel=0.35, abs=0.05)


def test_what_goes_to_and_fro_at_once_is_no_long_step_and_no_even_one() -> None:
    places = np.cumsum(np.where(np.arange(60) == 30, -1.0, 0.5))
    share = told(seen_from(places)).share
    assert np.isnan(share[30])


def test_one_block_that_moves_alone_tells_nothing() -> None:
    rng, dots = np.random.default_rng(5), np.zeros((60, ROWS, COLUMNS), np.uint8)
    for number, dot in enumerate(dots):
        x = 40 + 0.1 * number + rng.normal(0, 0.1)
        rows, columns = np.mgrid[:ROWS, :COLUMNS]
        dot[:] = 40 + 150 * np.exp(-((columns - x) ** 2 + (rows - 40) ** 2) / 18)
    step = told(dots)
    assert np.isnan(step.share).all()


def test_motion_that_grows_and_fades_makes_no_long_step() -> None:
    places = 12 * np.sin(np.arange(90) / 8)
    share = told(seen_from(places)).share
    assert np.nanmax(share) < 1.25


def test_nothing_is_told_where_nothing_moves_and_at_the_ends() -> None:
    step = told(seen_from(np.zeros(40)))
    assert np.isnan(step.share).all()
    assert np.isnan(step.error).all()
    moving = told(seen_from(0.5 * np.arange(40)))
    assert np.isnan(moving.share[: REACH + 1]).all()
    assert np.isnan(moving.share[-REACH:]).all()
    assert np.isfinite(moving.share[REACH + 1 : -REACH]).all()


def test_a_small_thing_that_moves_before_a_still_wall_tells_it() -> None:
    still, thing = seen_from(np.zeros(60)), wall(8)[100:132, 100:132]
    places = np.delete(np.arange(61), 30) * 0.3
    for picture, place in zip(still, places, strict=True):
        moved = np.float32([[1, 0, 20 + 2 * place], [0, 1, 30]])
        size = (COLUMNS, ROWS)
        shown = cv2.warpAffine(np.full_like(thing, 255), moved, size) / 255
        drawn = cv2.warpAffine(thing, moved, size)
        picture[:] = np.round(picture * (1 - shown) + drawn * shown)
    step = told(still)
    assert step.share[30] == pytest.approx(2.0, abs=0.35)
    assert int(np.nanargmax(step.share)) == 30


@given(st.integers(0, 3 * AT_ONCE))
@example(1)
@example(AT_ONCE + 1)
@settings(max_examples=12, deadline=None)
def test_it_is_the_same_in_parts_as_all_at_once(count: int) -> None:
    pictures = seen_from(0.4 * np.arange(count) + np.sin(np.arange(count)))
    step = told(pictures.reshape(count, ROWS, COLUMNS))
    assert len(step.share) == len(step.error) == count
    if count:
        whole = steps_of(motions_between(eighths(pictures)))
        for one, other in zip(step, whole, strict=True):
            assert np.isnan(one[0]).all()
            np.testing.assert_allclose(one[1:], other, rtol=1e-4, atol=1e-4)


@given(st.integers(-40, 40))
@settings(max_examples=10, deadline=None)
def test_it_is_the_same_in_other_light(brighter: int) -> None:
    pictures = seen_from(0.5 * np.arange(30)).clip(50, 200)
    lit = (pictures.astype(np.int16) + brighter).astype(np.uint8)
    np.testing.assert_allclose(told(lit).share, told(pictures).share, rtol=1e-3)


def test_what_begins_anew_has_no_step_into_it() -> None:
    pictures = seen_from(0.5 * np.arange(40))
    steps = Steps()
    for number, picture in enumerate(pictures):
        if number == 20:
            steps.begin()
        steps.see(eighth_of(picture))
    step = steps.told()
    both = [told(half) for half in (pictures[:20], pictures[20:])]
    np.testing.assert_array_equal(step.share, np.concatenate([half.share for half in both]))
    np.testing.assert_array_equal(step.odds, np.concatenate([half.odds for half in both]))


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_what_there_is_no_memory_for_is_not_told_and_all_else_is(
    failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def short_of_memory(planes: Floats, room: Room) -> Motions:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise MemoryError
        return motions_between(planes, room)

    monkeypatch.setattr(steps_module, "motions_between", short_of_memory)
    step = told(seen_from(0.5 * np.arange(4 * AT_ONCE)))
    assert [len(one) for one in step] == [4 * AT_ONCE] * len(step)
    lost = slice((failing - 1) * AT_ONCE + 1, failing * AT_ONCE + 1)
    assert np.isnan(step.share[lost]).all()
    assert np.isfinite(step.share).sum() > 2.5 * AT_ONCE


@pytest.mark.parametrize("shape", [(1, 1), (9, 9), (14, 180), (16, 16)])
def test_pictures_too_small_for_a_block_tell_nothing(shape: tuple[int, int]) -> None:
    step = told(np.zeros((12, *shape), np.uint8))
    assert np.isnan(step.share).all()
    assert not np.nansum(step.blocks)
    assert len(step.share) == len(step.odds) == 12


def test_a_picture_of_another_size_begins_anew() -> None:
    steps = Steps()
    for picture in (*seen_from(0.5 * np.arange(12)), *np.zeros((12, 60, 80), np.uint8)):
        steps.see(eighth_of(picture))
    assert len(steps.told().share) == 24
