"""What accumulates of a camera: whoever measures the pictures, and whatever cannot be drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import clips
import numpy as np
import pytest

from dailies.recordings.contract import Camera, VideoFile
from quality.measures.decode import measure_camera
from quality.measures.pictures import CURVES
from quality.measures.planes import FULL_RANGE, Levels, Plane
from quality.measures.take import MOST_AT_ONCE, PIXELS_AT_ONCE, Take


def planes(count: int, *, width: int = 320) -> list[Plane]:
    return [np.ascontiguousarray(frame[:180]) for frame in clips.scene(count, width=width)]


def seen_by(take: Take, pictures: list[Plane], undrawn: tuple[int, ...] = ()) -> Take:
    def luma(number: int) -> tuple[Plane, Levels]:
        if number in undrawn:
            raise ValueError("it is of no known shape")
        return pictures[number], FULL_RANGE

    for number in range(len(pictures)):
        take.see(number / 30, partial(luma, number), lambda: None, is_key=number % 10 == 0)
    return take


@pytest.mark.parametrize("width", [640, 1280])
def test_the_numbers_are_the_same_whoever_measures(tmp_path: Path, width: int) -> None:
    frames = clips.scene(50, width=width)
    path = clips.write(tmp_path / "clip.mp4", frames)
    camera = Camera("top", VideoFile(path))
    alone, beside = measure_camera(camera, threads=1), measure_camera(camera, threads=3)
    for name in (
        *CURVES,
        "repeat",
        "times_ns",
        "motion_two",
        "step_share",
        "step_error",
        "loss_odds",
        "loss_blocks",
        "loss_amount",
        "way",
        "keys",
        "sketched",
        "cells",
    ):
        np.testing.assert_array_equal(getattr(alone, name), getattr(beside, name), err_msg=name)


@pytest.mark.parametrize("is_beside", [False, True])
def test_a_picture_that_cannot_be_drawn_is_a_fault_and_the_others_are_measured(
    is_beside: bool,
) -> None:
    pictures = planes(40)
    with ThreadPoolExecutor(1) as pool:
        take = seen_by(Take(pool if is_beside else None), pictures, undrawn=(5, 39))
        table = take.table()
    whole = seen_by(Take(), [one for at, one in enumerate(pictures) if at not in (5, 39)]).table()
    assert (take.count, len(take.seconds), len(table)) == (40, 38, 38)
    assert (take.error_count, take.errors) == (2, ["it is of no known shape"])
    assert take.keys == [0, 9, 19, 29]  # one picture before them was not drawn
    np.testing.assert_array_equal(table[:, 0], whole[:, 0])


def test_large_pictures_do_not_wait_for_many_others() -> None:
    take = seen_by(Take(), [np.zeros((2160, 3840), np.uint8)] * 3)
    assert take.at_once == PIXELS_AT_ONCE // (2160 * 3840) < MOST_AT_ONCE
    assert len(take.waiting) < take.at_once


def test_what_begins_anew_has_no_picture_before_it() -> None:
    take = Take()
    seen_by(take, planes(3))
    take.begin()
    table = seen_by(take, planes(6)[3:]).table()
    motion = table[:, CURVES.index("motion")]
    assert (motion[[0, 3]] == 0).all()
    assert (motion[[1, 2, 4, 5]] > 0).all()
    assert [number for number, _, _ in take.sizes] == [0, 3]
