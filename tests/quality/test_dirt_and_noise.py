"""Noise, blocks and dirt on the lens, each beside its near miss; clips are really encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import clips
import cv2
import numpy as np
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


def test_noise_is_not_told_of_the_dark_nor_of_a_picture_too_small() -> None:
    assert np.isnan(grain_of(np.full((480, 640), 20, np.uint8)).noise)
    assert np.isnan(grain_of(np.full((48, 48), 120, np.uint8))).all()


def test_a_picture_in_blocks_is_flagged(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), packed(6)))
    found = meets_the_span(judged("blockiness", camera))
    assert found.measured > 100
    assert "block edges" in found.message


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


def test_what_was_measured_before_is_not_judged(tmp_path: Path) -> None:
    camera = filmed(tmp_path, spoilt(clips.scene(COUNT), noisy(20)))
    none = np.empty(0, np.float32)
    old = replace(camera, noise=none, blockiness=none)
    assert judged("noise", old) == judged("blockiness", old) == []
    assert "noise" not in Measurements(cameras=(old,)).curves("front")
    Measurements(cameras=(camera,)).save(tmp_path / "kept")
    kept = Measurements.load(tmp_path / "kept").cameras[0]
    assert judged("noise", kept) == judged("noise", camera)
