"""A camera that films a display, and what looks like one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.filmed_screens import PHONE, Shooting, film, write
from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Flag, Grade, Span
from quality.judge import judge
from quality.measures import Measurements, Pictures
from quality.measures.decode import measure_camera
from quality.measures.screens import LEAST, grid_of
from quality.policy import Policy

Picture = npt.NDArray[np.uint8]
POLICY = Policy.load()
BY_HAND = Shooting(PHONE, pixel_px=3.0, width=640, height=480, rate_hz=5.0, mbit_s=6.0)
COUNT = 26


@cache
def scene() -> Picture:
    """A room of blots with edges, larger than the view."""
    random = np.random.default_rng(5)
    blots = [
        cv2.GaussianBlur(random.standard_normal((720, 960, 3)), (0, 0), sigma) * sigma
        for sigma in (1, 4, 16, 48)
    ]
    drawn = np.clip(120 + 45 * np.sum(blots, axis=0) / np.std(blots), 0, 255).astype(np.uint8)
    for left, top in random.integers(0, 600, (12, 2)):
        colour = tuple(int(one) for one in random.integers(20, 235, 3))
        cv2.rectangle(drawn, (int(left), int(top)), (int(left) + 150, int(top) + 90), colour, -1)
    return drawn


def views(count: int = COUNT) -> list[Picture]:
    """What a camera sees that is moved about before it."""
    corners = [
        (round(100 + 90 * np.sin(at / 5)), round(100 + 90 * np.cos(at / 7))) for at in range(count)
    ]
    return [scene()[top : top + 480, left : left + 640] for left, top in corners]


def measured(path: Path, pictures: Iterator[Picture], how: Shooting = BY_HAND) -> Pictures:
    return measure_camera(Camera("front", VideoFile(write(path / "film.mp4", pictures, how))))


def flags(*cameras: Pictures) -> list[Flag]:
    found = judge(Measurements(cameras=cameras), POLICY).flags
    return [flag for flag in found if flag.check == "filmed_screen"]


@pytest.fixture(scope="module")
def of_display(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return measured(tmp_path_factory.mktemp("display"), film(views(), BY_HAND))


def test_a_filmed_display_is_suspect_for_as_long_as_it_is_filmed(of_display: Pictures) -> None:
    (flag,) = flags(of_display)
    assert flag.grade is Grade.SUSPECT
    assert flag.span == of_display.span
    assert flag.measured >= 50
    pitch = re.search(r"grid, (\d\.\d) px wide", flag.message)
    assert pitch is not None
    assert float(pitch[1]) == pytest.approx(3.0, abs=0.2)


def test_what_is_played_is_no_display_by_itself(tmp_path: Path) -> None:
    camera = measured(tmp_path, iter(views()))
    assert camera.grid_looked.tolist() == [0, 5, 15]
    assert flags(camera) == []


def test_a_display_out_of_focus_has_no_grid_and_is_not_told(tmp_path: Path) -> None:
    soft = replace(BY_HAND, blur_px=2.5)
    assert flags(measured(tmp_path, film(views(), soft), soft)) == []


def test_a_display_in_the_middle_is_flagged_there(tmp_path: Path) -> None:
    seen = views(80)
    shown = list(film(seen[25:55], BY_HAND))
    camera = measured(tmp_path, iter([*seen[:25], *shown, *seen[55:]]))
    (flag,) = flags(camera)
    # every 4 s while nothing is seen, every 2 s from the first sight to three looks after the last
    assert camera.grid_looked.tolist() == [0, 5, 15, 35, 45, 55, 65, 75]
    assert abs(flag.span.start_ns - 5 * NS) <= 2 * NS
    assert abs(flag.span.end_ns - 11 * NS) <= 2 * NS


def upscaled(view: Picture) -> Picture:
    small = cv2.resize(view, (427, 320), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (640, 480), interpolation=cv2.INTER_LINEAR), np.uint8)


def from_blocks(view: Picture) -> Picture:
    """As after a JPEG of low quality, made larger."""
    small = cv2.resize(view, (427, 320), interpolation=cv2.INTER_AREA)
    packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    again = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.asarray(cv2.resize(again, (640, 480)), np.uint8)


def interlaced(view: Picture) -> Picture:
    other = view.copy()
    other[1::2] = np.roll(view, 7, axis=1)[1::2]
    return other


def textured(
    pattern: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], object],
) -> object:
    down, across = np.mgrid[:480, :640].astype(np.float64)

    def change(view: Picture) -> Picture:
        shade = np.asarray(pattern(across, down), np.float64)
        return np.clip(view * shade[:, :, None], 0, 255).astype(np.uint8)

    return change


def stripes(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> object:
    """Fine slats, seen a little askew."""
    return 0.75 + 0.25 * np.cos(2 * np.pi * (across * (0.31 + across / 20_000) + down / 30))


def holes(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> object:
    """Perforated steel: holes in threes."""
    turns = [np.deg2rad(7 + turn) for turn in (0, 60, 120)]
    waves = [np.cos(2 * np.pi / 4.3 * (across * np.cos(a) + down * np.sin(a))) for a in turns]
    return 0.8 + 0.2 * np.sum(waves, axis=0) / 3


def keys(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> object:
    """A keyboard, whose keys are 24 pixels wide."""
    turned = across + down / 12, down - across / 12
    return 0.5 + 0.5 * (np.minimum(turned[0] % 24, turned[1] % 24) > 3)


def mitten(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> object:
    """A knitted glove in a quarter of the view."""
    knit = np.cos(2 * np.pi / 4.5 * (across + down / 9)) + np.cos(
        2 * np.pi / 4.5 * (down - across / 9)
    )
    return np.where(np.hypot(across - 500, down - 360) < 130, 0.8 + 0.1 * knit, 1.0)


@pytest.mark.parametrize(
    "change",
    [upscaled, from_blocks, interlaced, *map(textured, (stripes, holes, keys, mitten))],
    ids=["upscaled", "from_blocks", "interlaced", "stripes", "holes", "keys", "mitten"],
)
def test_other_patterns_are_not_taken_for_a_display(tmp_path: Path, change: object) -> None:
    assert callable(change)
    assert flags(measured(tmp_path, map(change, views()))) == []


def test_times_shift_spans(of_display: Pictures) -> None:
    later = replace(of_display, times_ns=of_display.times_ns + 5 * NS)
    (before,), (after,) = flags(of_display), flags(later)
    assert after.span == Span(before.span.start_ns + 5 * NS, before.span.end_ns + 5 * NS)


def test_encoding_anew_keeps_the_flag(tmp_path: Path) -> None:
    small = replace(BY_HAND, mbit_s=3.0)
    (flag,) = flags(measured(tmp_path, film(views(), BY_HAND), small))
    assert flag.measured >= 30


def test_a_few_looks_are_not_enough(of_display: Pictures) -> None:
    names = ("grid_looked", "grid_share", "grid_px", "grid_spread")
    two = replace(of_display, **{name: getattr(of_display, name)[:2] for name in names})
    assert flags(two) == []


def test_a_grid_that_is_the_same_everywhere_is_the_recorders(of_display: Pictures) -> None:
    same = replace(of_display, grid_spread=np.full_like(of_display.grid_spread, 0.5))
    assert flags(same) == []


def test_kept_measurements_have_the_same_flags(tmp_path: Path, of_display: Pictures) -> None:
    Measurements(cameras=(of_display,)).save(tmp_path)
    (kept,) = Measurements.load(tmp_path).cameras
    assert flags(kept) == flags(of_display)


def test_old_measurements_say_nothing(of_display: Pictures) -> None:
    none = {name: np.empty(0, np.float32) for name in ("grid_share", "grid_px", "grid_spread")}
    old = replace(of_display, grid_looked=np.empty(0, np.int32), **none)
    assert flags(old) == []


def test_a_picture_smaller_than_a_tile_is_not_looked_at() -> None:
    assert grid_of(np.zeros((LEAST - 1, 640), np.uint8)) is None


def test_the_pitch_of_a_drawn_grid_is_measured() -> None:
    down, across = np.mgrid[:480, :640].astype(np.float64)
    far = 1 + across / 640 * 0.05  # seen askew
    turned = (across + 0.06 * down) * far / 3.2, (down - 0.06 * across) * far / 3.2
    waves = np.cos(2 * np.pi * turned[0]) + np.cos(2 * np.pi * turned[1])
    noise = np.random.default_rng(2).normal(0, 4, waves.shape)
    grid = grid_of(np.clip(120 + 8 * waves + noise, 0, 255).astype(np.uint8))
    assert grid is not None
    assert grid.share == 100
    assert grid.pitch_px == pytest.approx(3.0, abs=0.2)
    assert grid.spread > 2
