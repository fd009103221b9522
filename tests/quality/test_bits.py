"""Pictures that were compressed to too few bits are told by what their key pictures took."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import clips
import numpy as np
import pytest

from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME
from quality.checks.bits import missing_bits
from quality.measures import Measurements, Pictures
from quality.measures.decode import measure_camera
from quality.policy import Policy

LIMITS = Policy.load().limits_for()["too_few_bits"]


def judged(camera: Pictures) -> list[Flag]:
    return list(BY_NAME["too_few_bits"].function(Measurements(cameras=(camera,)), LIMITS))


def encoded(
    path: Path, crf: int, codec: str = "libx264", width: int = 640, **options: str
) -> Pictures:
    """Two seconds of a wall of triangles, with a key picture every second."""
    if codec not in av.codecs_available:
        pytest.skip(f"no encoder {codec}")
    wall = clips.scene(60, width=width, height=width * 3 // 4)
    frames = [clips.blurred(frame, width / 640) for frame in wall]  # as a lens sees it
    how = {"crf": str(crf), "g": "30", **options}
    clips.write(path / "a.mp4", frames, codec=codec, options=how, pixels="yuv420p")
    return measure_camera(Camera("front", VideoFile(path / "a.mp4")))


@pytest.mark.parametrize("width", [224, 640, 1280])
@pytest.mark.parametrize(("crf", "count"), [(23, 0), (48, 1)])
def test_how_hard_a_film_is_compressed_tells(
    tmp_path: Path, width: int, crf: int, count: int
) -> None:
    found = judged(encoded(tmp_path, crf, width=width, preset="veryfast"))
    assert [flag.grade for flag in found] == [Grade.SUSPECT] * count
    for flag in found:
        assert (flag.span.start_ns, flag.span.end_ns) == (0, 2 * NS)
        assert "of the bits that such pictures take are missing for 2.0 s" in flag.message


@pytest.mark.parametrize(
    ("codec", "crf", "count"),
    [("libx265", 28, 0), ("libx265", 50, 1), ("libsvtav1", 30, 0), ("libvpx-vp9", 30, 0)],
)
def test_other_codecs_need_fewer_bits(tmp_path: Path, codec: str, crf: int, count: int) -> None:
    options = {
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=0"},
        "libsvtav1": {"preset": "12"},
        "libvpx-vp9": {"b": "0", "cpu-used": "8", "deadline": "realtime"},
    }
    camera = encoded(tmp_path, crf, codec, **options[codec])
    assert np.isfinite(missing_bits(camera)).all()
    assert len(judged(camera)) == count


def test_a_stretch_of_a_recording_is_told_alone(tmp_path: Path) -> None:
    camera = encoded(tmp_path, 23, preset="veryfast")
    keys = np.arange(0, 60, 6, dtype=np.int32)
    sizes = np.full(len(keys), camera.key_bytes[0], np.int32)
    sizes[3:9] //= 20
    [found] = judged(replace(camera, keys=keys, key_bytes=sizes))
    assert found.span.start_ns / NS == pytest.approx(0.6, abs=0.05)
    assert found.span.end_ns / NS == pytest.approx(1.8, abs=0.25)
    sizes[5:] = camera.key_bytes[0]  # which leaves 0.4 s
    assert judged(replace(camera, keys=keys, key_bytes=sizes)) == []


def test_what_cannot_be_told_is_not_judged(tmp_path: Path) -> None:
    camera = encoded(tmp_path, 48, preset="veryfast")
    assert judged(replace(camera, codec="mjpeg")) == []
    assert judged(replace(camera, key_bytes=np.empty(0, np.int32))) == []
    assert judged(replace(camera, key_bytes=camera.key_bytes[:1])) == []
    assert judged(replace(camera, texture=np.ones(camera.count, np.float32))) == []
    assert judged(replace(camera, dark_share=np.full(camera.count, 0.95, np.float32))) == []
    assert judged(replace(camera, contrast=np.full(camera.count, 80, np.float32))) == []
    assert judged(Pictures.none("front")) == []
