"""A preview plays: every picture at its own time, H.264 copied and not coded again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import av
import made
import made_logs
import numpy as np
import pytest

from dailies.recordings import episodes_at
from dailies.recordings.contract import (
    Camera,
    CarriedPicture,
    Coding,
    StillsFile,
    VideoFile,
)
from dailies.recordings.preview import preview


def times_s(count: int) -> np.ndarray:
    """At 30 a second from 25 ms on, with a gap of ten pictures after the tenth."""
    at = np.arange(count, dtype=float)
    at[10:] += 10
    return np.asarray(0.025 + at / 30)


def camera(coding: Coding, contents: list[bytes | np.ndarray | None]) -> Camera:
    pictures = tuple(
        CarriedPicture(round(at * 1e9), content)
        for at, content in zip(times_s(len(contents)).tolist(), contents, strict=True)
    )
    return Camera("eye", made.Shelf(pictures, coding))


def played(path: Path) -> tuple[list[float], list[np.ndarray], str]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        at = [float(frame.pts * frame.time_base) for frame in frames]
        shown = [frame.to_ndarray(format="rgb24") for frame in frames]
        return at, shown, f"{stream.codec_context.name} {stream.codec_context.pix_fmt}"


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(one) for one in container.demux(container.streams.video[0]) if one.size]


def test_h264_is_copied_with_its_times(tmp_path: Path) -> None:
    units = made_logs.units("h264")
    assert preview(camera("h264", list(units)), tmp_path / "eye.mp4")
    at, shown, kind = played(tmp_path / "eye.mp4")
    assert kind == "h264 yuv420p"
    np.testing.assert_allclose(at, times_s(30), atol=1e-4)
    assert np.abs(shown[25].astype(int) - made.picture(25)).mean() < 8
    # the slice of a picture is the same bytes: nothing was coded again
    for unit, packet in zip(units, packets(tmp_path / "eye.mp4"), strict=True):
        assert packet[-40:] == unit[-40:]


def test_h264_begins_at_its_first_key_frame(tmp_path: Path) -> None:
    units = made_logs.units("h264")  # a key frame every ten
    assert preview(camera("h264", list(units[4:])), tmp_path / "eye.mp4")
    at, shown, _ = played(tmp_path / "eye.mp4")
    np.testing.assert_allclose(at, times_s(26)[6:], atol=1e-4)
    assert np.abs(shown[0].astype(int) - made.picture(10)).mean() < 8


@pytest.mark.parametrize(("codec", "coding"), [("h265", "hevc"), ("vp9", "vp9"), ("av1", "av1")])
def test_what_not_every_browser_plays_is_coded_anew(
    tmp_path: Path, codec: str, coding: Coding
) -> None:
    units = made_logs.units(codec)
    assert preview(camera(coding, list(units)), tmp_path / "eye.mp4")
    at, shown, kind = played(tmp_path / "eye.mp4")
    assert kind == "h264 yuv420p"
    np.testing.assert_allclose(at, times_s(30), atol=1e-4)
    assert np.abs(shown[25].astype(int) - made.picture(25)).mean() < 10


@pytest.mark.parametrize("coding", ["still", "raw"])
def test_single_pictures_become_a_video(tmp_path: Path, coding: Literal["still", "raw"]) -> None:
    contents: list[bytes | np.ndarray | None] = [
        made.still(at) if coding == "still" else made.picture(at) for at in range(30)
    ]
    assert preview(camera(coding, contents), tmp_path / "eye.mp4")
    at, shown, kind = played(tmp_path / "eye.mp4")
    assert kind == "h264 yuv420p"
    np.testing.assert_allclose(at, times_s(30), atol=1e-4)
    assert np.abs(shown[25].astype(int) - made.picture(25)).mean() < 10


def test_a_large_picture_is_shown_at_most_640_wide(tmp_path: Path) -> None:
    large = [np.full((1080, 1920), 50 * at, np.uint8) for at in range(4)]
    assert preview(camera("raw", list(large)), tmp_path / "eye.mp4")
    _, shown, _ = played(tmp_path / "eye.mp4")
    assert shown[0].shape == (360, 640, 3)


def test_damaged_pictures_are_left_out(tmp_path: Path) -> None:
    contents: list[bytes | np.ndarray | None] = [made.still(at) for at in range(10)]
    contents[3], contents[4] = b"no picture", None
    assert preview(camera("still", contents), tmp_path / "eye.mp4")
    at, _, _ = played(tmp_path / "eye.mp4")
    np.testing.assert_allclose(at, np.delete(times_s(10), [3, 4]), atol=1e-4)


def test_stills_in_a_table_become_a_video(tmp_path: Path) -> None:
    root = made.lerobot_v2(tmp_path / "set", lengths=(12,), cameras=(), stills="images.eye")
    (episode,) = episodes_at(root)
    (eye,) = episode.cameras
    assert isinstance(eye.source, StillsFile)
    assert preview(eye, tmp_path / "eye.mp4")
    at, _, _ = played(tmp_path / "eye.mp4")
    np.testing.assert_allclose(at, np.arange(12) / 30, atol=1e-4)


@pytest.mark.parametrize(
    "source",
    [
        None,
        VideoFile(Path("clip.mp4")),
        StillsFile(Path("gone.parquet"), "eye", 0, 3),
        made.Shelf((), "still"),
        made.Shelf((CarriedPicture(0, b"garbage"),), "h264"),
        made.Shelf((CarriedPicture(0, b"garbage"),), "hevc"),
        made.Shelf((CarriedPicture(0, None),), "raw"),
    ],
    ids=["none", "a video", "lost stills", "no pictures", "no h264", "no hevc", "nothing"],
)
def test_where_there_is_nothing_to_show_nothing_is_left_behind(
    tmp_path: Path, source: object
) -> None:
    nothing = replace(Camera("eye", None), source=source)
    assert not preview(nothing, tmp_path / "eye.mp4")
    assert list(tmp_path.iterdir()) == []
