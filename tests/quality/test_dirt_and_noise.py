"""Noise, blocks and dirt on the lens, each beside its near miss; clips are really encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import clips
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME
from quality.measures import Measurements, Pictures
from quality.measures.decode import measure_camera
from quality.measures.grain import grain_of
from quality.policy import Policy

LIMITS = Policy.load().limits_for()
COUNT, START, STOP = 150, 30, 120


def judged(name: str, camera: Pictures) -> list[Flag]:
    return list(BY_NAME[name].function(Measurements(cameras=(camera,)), LIMITS[name]))


def filmed(tmp_path: Path, frames: list[clips.Frame], **options: str) -> Pictures:
    how = options or {"crf": "20", "preset": "veryfast"}
    path = clips.write(tmp_path / "clip.mp4", frames, options=how)
    return measure_camera(Camera("front", VideoFile(path)))


def spoilt(frames: list[clips.Frame], change: Callable[[clips.Frame], object]) -> list[clips.Frame]:
    return [
        np.asarray(change(frame), np.uint8) if START <= at < STOP else frame
        for at, frame in enumerate(frames)
    ]


def noisy(sigma: float) -> Callable[[clips.Frame], object]:
    random = np.random.default_rng(5)
    return lambda frame: np.clip(frame + random.normal(0, sigma, frame.shape), 0, 255)


def packed(quality: int) -> Callable[[clips.Frame], object]:
    def change(frame: clips.Frame) -> object:
        content = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)

    return change


def meets_the_span(found: list[Flag]) -> Flag:
    assert len(found) == 1, [flag.message for flag in found]
    assert found[0].span.start_ns / NS == pytest.approx(START / 30, abs=0.8)
    assert found[0].span.end_ns / NS == pytest.approx(STOP / 30, abs=0.8)
    return found[0]


@pytest.mark.parametrize(("sigma", "grade"), [(10, Grade.SUSPECT), (20, Grade.FAIL)])
def test_a_sensor_that_is_noisy_for_a_while_is_flagged(
    tmp_path: Path, sigma: float, grade: Grade
) -> None:
    found = meets_the_span(
        judged("noise", filmed(tmp_path, spoilt(clips.scene(COUNT), noisy(sigma))))
    )
    assert found.grade is grade
    assert found.measured == pytest.approx(sigma, rel=0.3)


def test_a_usual_sensors_noise_is_none(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), noisy(2)))
    assert judged("noise", camera) == []
    assert judged("blockiness", camera) == []


def test_fine_detail_all_over_is_detail_and_no_noise() -> None:
    across, down = np.fft.fftfreq(640)[None, :], np.fft.fftfreq(480)[:, None]
    waves = np.fft.fft2(np.random.default_rng(2).normal(size=(480, 640)))
    gravel = np.fft.ifft2(waves / np.maximum(np.hypot(across, down), 1e-4)).real
    plane = np.clip(125 + 40 * gravel / gravel.std(), 0, 255).astype(np.uint8)
    assert cv2.Laplacian(plane, cv2.CV_32F).std() > 30
    assert grain_of(plane).noise == 0
    assert grain_of(np.asarray(noisy(20)(plane), np.uint8)).noise > 15


def test_fine_texture_that_stays_is_no_noise(tmp_path: Path) -> None:
    texture = noisy(20)(clips.still_scene(1)[0]).astype(np.uint8)
    camera = filmed(tmp_path, [texture] * 120)
    assert np.nanmax(camera.noise) > 10
    assert judged("noise", camera) == []


def test_noise_is_not_told_of_the_dark_nor_of_a_picture_too_small() -> None:
    assert np.isnan(grain_of(np.full((480, 640), 20, np.uint8)).noise)
    assert np.isnan(grain_of(np.full((48, 48), 120, np.uint8))).all()


def test_a_picture_in_blocks_is_flagged(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), packed(6)))
    found = meets_the_span(judged("blockiness", camera))
    assert found.measured > 100
    assert "block edges" in found.message


@pytest.mark.parametrize(
    ("usual", "blocky", "count"), [(0.15, 0.7, 1), (0.15, 0.5, 0), (0.3, 0.7, 0)]
)
def test_a_picture_that_gets_blockier_than_usual_is_suspect(
    tmp_path: Path, usual: float, blocky: float, count: int
) -> None:
    camera = filmed(tmp_path, clips.scene(COUNT))
    curve = np.full(COUNT, usual, np.float32)
    curve[45:105] = blocky
    found = judged("blockiness", replace(camera, blockiness=curve))
    assert [flag.grade for flag in found] == [Grade.SUSPECT] * count
    assert all(flag.measured == pytest.approx(70) and flag.limit == 60 for flag in found)
    off = replace(LIMITS["blockiness"], suspect=np.inf, fail=np.inf)
    made = Measurements(cameras=(replace(camera, blockiness=curve),))
    assert not list(BY_NAME["blockiness"].function(made, off))


def test_blocks_are_found_wherever_they_begin() -> None:
    shifted = packed(6)(clips.scene(1, width=330)[0])
    assert grain_of(np.asarray(shifted, np.uint8)[:, 5:325]).blockiness > 1


def test_a_picture_well_compressed_and_one_of_few_edges_have_no_blocks(tmp_path: Path) -> None:
    assert judged("blockiness", filmed(tmp_path, spoilt(clips.scene(COUNT), packed(80)))) == []
    wall = [np.full((240, 320), 120, np.uint8)] * 60
    assert judged("blockiness", filmed(tmp_path, wall, crf="40", preset="veryfast")) == []


def test_things_that_stand_at_the_grid_are_no_blocks() -> None:
    plane = clips.scene(1)[0].copy()
    for left in range(0, 320, 80):
        plane[:, left : left + 24] //= 2
    assert grain_of(plane).blockiness < 0.3


def softly(radius: float, *, middle: tuple[float, float] = (0.6, 0.4)) -> npt.NDArray[np.float32]:
    """A round spot with soft edges, of radius and place in shares of the width and height."""
    down, across = np.mgrid[:240, :320]
    away = np.hypot(across - middle[0] * 320, down - middle[1] * 240) / 320
    return np.clip((radius - away) / 0.04 + 0.5, 0, 1).astype(np.float32)


def opaque(frame: clips.Frame) -> object:
    spot = softly(0.09)
    return frame * (1 - spot) + 60 * spot


def smeared(frame: clips.Frame) -> object:
    spot = softly(0.09)
    return frame * (1 - spot) + clips.blurred(frame, 6) * spot


def hazy(frame: clips.Frame) -> object:
    spot = softly(0.09)
    return frame * (1 - 0.9 * spot) + 130 * 0.9 * spot


def written_over(frame: clips.Frame) -> object:
    return cv2.putText(frame.copy(), "CAM 01", (100, 100), 0, 1.0, 235, 2)


def gripper(frame: clips.Frame) -> object:
    held = frame.copy()
    held[140:, 130:200] = 70
    held[140:, 160:170] = 110
    return held


def all_along(
    change: Callable[[clips.Frame], object], frames: list[clips.Frame]
) -> list[clips.Frame]:
    return [np.clip(change(frame), 0, 255).astype(np.uint8) for frame in frames]


@pytest.fixture(scope="module")
def panning() -> list[clips.Frame]:
    return clips.scene(500)


@pytest.mark.parametrize("dirt", [opaque, smeared, hazy])
def test_a_spot_that_stays_soft_while_the_view_moves_is_dirt(
    tmp_path: Path, panning: list[clips.Frame], dirt: Callable[[clips.Frame], object]
) -> None:
    camera = filmed(tmp_path, all_along(dirt, panning))
    found = judged("dirty_lens", camera)
    assert len(found) == 1, camera.view_change
    assert found[0].span == camera.span
    assert found[0].grade is Grade.SUSPECT
    assert "% from the left" in found[0].message


@pytest.mark.parametrize("shown", [np.asarray, written_over, gripper])
def test_a_clean_lens_writing_and_a_gripper_are_no_dirt(
    tmp_path: Path, panning: list[clips.Frame], shown: Callable[[clips.Frame], object]
) -> None:
    camera = filmed(tmp_path, all_along(shown, panning))
    assert camera.view_moved >= 75
    assert camera.view_rest < 0.5
    assert judged("dirty_lens", camera) == []


def test_a_view_that_moved_for_a_few_seconds_only_is_not_judged(
    tmp_path: Path, panning: list[clips.Frame]
) -> None:
    assert judged("dirty_lens", filmed(tmp_path, all_along(opaque, panning[:240]))) == []


def test_a_still_view_in_which_an_arm_moves_is_not_judged(tmp_path: Path) -> None:
    frames = all_along(opaque, clips.still_scene(180))
    for at, frame in enumerate(frames):
        left = round(100 + 90 * np.sin(at / 8))
        frame[40:160, left : left + 60] = 200
    camera = filmed(tmp_path, frames)
    assert camera.view_moved < 0.5 * camera.view_seen or camera.view_rest > 0.6
    assert judged("dirty_lens", camera) == []


def test_a_still_view_full_of_noise_is_not_taken_for_a_moving_one(tmp_path: Path) -> None:
    camera = filmed(tmp_path, all_along(opaque, clips.still_scene(120, noise=25.0)))
    assert camera.view_moved > 0
    assert camera.view_rest > 0.6
    assert judged("dirty_lens", camera) == []


def test_a_sky_over_half_the_view_is_no_dirt(tmp_path: Path, panning: list[clips.Frame]) -> None:
    def with_sky(frame: clips.Frame) -> object:
        shown = frame.copy()
        shown[:110] = 190
        return shown

    assert judged("dirty_lens", filmed(tmp_path, all_along(with_sky, panning))) == []


def test_what_the_view_showed_is_kept_whatever_the_length(
    tmp_path: Path, panning: list[clips.Frame]
) -> None:
    short, long = filmed(tmp_path, panning[:90]), filmed(tmp_path, panning[:180])
    assert len(short.view_change) == len(long.view_change) == long.view_columns * 15
    Measurements(cameras=(long,)).save(tmp_path / "kept")
    kept = Measurements.load(tmp_path / "kept").cameras[0]
    np.testing.assert_array_equal(kept.view_change, long.view_change)
    assert (kept.view_moved, kept.view_rest) == (long.view_moved, long.view_rest)


def test_what_was_measured_before_is_not_judged(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), noisy(20)))
    none = np.empty(0, np.float32)
    old = replace(camera, noise=none, blockiness=none, view_columns=0, view_change=none)
    assert all(judged(name, old) == [] for name in ("noise", "blockiness", "dirty_lens"))
    assert "noise" not in Measurements(cameras=(old,)).curves("front")
    Measurements(cameras=(camera,)).save(tmp_path / "kept")
    kept = Measurements.load(tmp_path / "kept").cameras[0]
    assert judged("noise", kept) == judged("noise", camera)
