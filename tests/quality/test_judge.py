"""Clips with a planted defect go through the real encoder, measuring and judging."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import clips
import numpy as np
import pytest

from dailies.recordings.contract import Camera, Episode, Metadata, VideoFile
from dailies.words import NS, Grade
from quality.judge import judge
from quality.measures import Measurements, measure
from quality.policy import Policy

POLICY = Policy.load()
SAMPLES = Path(os.environ.get("DAILIES_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
Frames = list[clips.Frame]


def episode(path: Path) -> Episode:
    return Episode(path, 0, "video", (Camera("front", VideoFile(path)),))


def _in(
    frames: Frames, start: int, stop: int, spoil: Callable[[clips.Frame], clips.Frame]
) -> Frames:
    return [spoil(one) if start <= at < stop else one for at, one in enumerate(frames)]


DEFECTS: dict[str, tuple[str, Callable[[Frames], Frames]]] = {
    "out of focus": ("blur", lambda f: [clips.blurred(one, 3) for one in f]),
    "out of focus a while": ("blur", lambda f: _in(f, 40, 85, lambda one: clips.blurred(one, 4))),
    "lens cap": ("black_picture", lambda f: _in(f, 40, 80, lambda one: one // 200)),
    "sun": ("overexposed", lambda f: _in(f, 40, 80, lambda one: np.full_like(one, 255))),
    "no lamp": ("underexposed", lambda f: _in(f, 40, 80, lambda one: one // 8)),
    "hangs": ("frozen_picture", lambda f: f[:40] + [f[40]] * 40 + f[80:]),
    "hangs to the end": ("frozen_picture", lambda f: f[:80] + [f[80]] * 40),
    "five lost, re-stamped": ("dropped_frames", lambda f: f[:60] + f[65:]),
    "cut off": ("too_short", lambda f: f[:20]),
}


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_a_clean_clip_is_good(tmp_path: Path, codec: str) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.scene(120), codec=codec, options={"crf": "28"})
    verdict = judge(measure(episode(path)), POLICY)
    assert verdict.flags == ()
    assert verdict.grade is Grade.GOOD
    assert verdict.policy == POLICY.id


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found_and_nothing_else(tmp_path: Path, defect: str) -> None:
    check, spoil = DEFECTS[defect]
    path = clips.write(tmp_path / "a.mp4", spoil(clips.scene(120)))
    verdict = judge(measure(episode(path)), POLICY)
    assert {flag.check for flag in verdict.flags} == {check}
    assert verdict.grade in (Grade.SUSPECT, Grade.FAIL)


def test_the_span_of_a_defect_is_where_it_was_planted(tmp_path: Path) -> None:
    frames = _in(clips.scene(120), 45, 90, lambda one: clips.blurred(one, 4))
    path = clips.write(tmp_path / "a.mp4", frames)
    (flag,) = judge(measure(episode(path)), POLICY).flags
    assert flag.span.start_ns == pytest.approx(1.5 * NS, abs=0.1 * NS)
    assert flag.span.end_ns == pytest.approx(3.0 * NS, abs=0.1 * NS)


def test_frames_left_out_of_the_times_are_dropped_frames(tmp_path: Path) -> None:
    kept = [at for at in range(120) if at not in (50, 51, 70)]
    frames = clips.scene(120)
    seconds = [at / 30 for at in kept]
    path = clips.write(tmp_path / "a.mp4", [frames[at] for at in kept], seconds=seconds)
    (flag,) = judge(measure(episode(path)), POLICY).flags
    assert (flag.check, flag.measured) == ("dropped_frames", 3)


def test_a_still_noisy_scene_is_good(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.still_scene(120), options={"crf": "32"})
    assert judge(measure(episode(path)), POLICY).grade is Grade.GOOD


def test_a_stored_measurement_is_judged_like_a_fresh_one(tmp_path: Path) -> None:
    frames = _in(clips.scene(120), 40, 85, lambda one: clips.blurred(one, 4))
    path = clips.write(tmp_path / "a.mp4", frames)
    measured = measure(episode(path))
    measured.save(tmp_path / "m")
    path.unlink()
    assert judge(Measurements.load(tmp_path / "m"), POLICY) == judge(measured, POLICY)


def test_a_looser_limit_of_the_rig_lets_it_pass(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", [clips.blurred(one, 4) for one in clips.scene(90)])
    loose = tmp_path / "loose.toml"
    loose.write_text('[policy]\nname = "loose"\n[rig.r1.blur]\nsuspect = 5\nfail = 6\n')
    measured, policy = measure(episode(path)), Policy.load(loose)
    assert judge(measured, policy, Metadata(rig="r2")).grade is Grade.FAIL
    assert judge(measured, policy, Metadata(rig="r1")).grade is Grade.GOOD


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="recordings by others are not here")
@pytest.mark.parametrize(
    "name",
    ["videos/bikes.mp4", "videos/flipping_a_pancake.mkv", "videos/carphone_pristine.mp4",
     "odd/av1_video.mkv"],
)  # fmt: skip
def test_an_ordinary_clip_is_good(name: str) -> None:
    verdict = judge(measure(episode(SAMPLES / name)), POLICY)
    assert verdict.flags == ()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="recordings by others are not here")
def test_no_odd_file_raises() -> None:
    for path in sorted((SAMPLES / "odd").iterdir()):
        judge(measure(episode(path)), POLICY)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="recordings by others are not here")
def test_a_file_that_breaks_off_says_from_when(tmp_path: Path) -> None:
    content = (SAMPLES / "videos" / "flipping_a_pancake.mkv").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(content[: len(content) // 2])
    measured = measure(episode(path))
    assert 0 < measured.cameras[0].count < 310
