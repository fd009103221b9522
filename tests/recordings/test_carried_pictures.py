"""Pictures that a container carries one by one are measured like those in a video file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import made
import made_logs
import numpy as np
import pytest

from dailies.recordings import episodes_at
from dailies.recordings.contract import Camera, CarriedPicture
from quality.measures.decode import measure_camera
from quality.measures.pictures import CURVES


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
@pytest.mark.parametrize("make", [made_logs.foxglove_protobuf, made_logs.foxglove_json])
def test_every_access_unit_gives_its_picture_at_its_time(
    tmp_path: Path, make: Callable[..., Path], codec: str
) -> None:
    (episode,) = episodes_at(make(tmp_path / "clip.mcap", codec=codec))
    measured = measure_camera(episode.cameras[0], threads=1)
    assert (measured.count, measured.packet_count, measured.error) == (30, 30, None)
    assert (measured.width, measured.height) == (made.WIDTH, made.HEIGHT)
    np.testing.assert_array_equal(measured.times_ns, np.arange(30) * 10**9 // 30)
    assert (measured.motion[1:] > 0.2).all()
    assert measured.thumbnail is not None
    assert measured.delay_median_ms == made_logs.DELAY_NS / 1e6


@pytest.mark.parametrize(
    ("make", "name"),
    [(made_logs.mcap_ros2, "a.mcap"), (made_logs.ros1_bag, "a.bag"), (made_logs.ros2_bag, "a")],
)
def test_stills_in_a_log_are_measured_at_their_stamps(
    tmp_path: Path, make: Callable[..., Path], name: str
) -> None:
    (episode,) = episodes_at(make(tmp_path / name))
    measured = measure_camera(episode.cameras[0])
    assert (measured.count, measured.error, measured.clock) == (30, None, "measured")
    np.testing.assert_array_equal(measured.times_ns, np.arange(30) * 10**9 // 30 + 2_000_000)


def test_measures_do_not_hang_on_how_the_pictures_are_carried() -> None:
    raw = [made.picture(at) for at in range(20)]
    coded = [cv2.imencode(".png", one[:, :, ::-1])[1].tobytes() for one in raw]
    curves = []
    for coding, contents in (("raw", raw), ("still", coded)):
        held = tuple(CarriedPicture(at * 33_000_000, one) for at, one in enumerate(contents))
        curves.append(measure_camera(Camera("eye", made.Shelf(held, coding))))
    for name in CURVES:
        np.testing.assert_array_equal(getattr(curves[0], name), getattr(curves[1], name))
    np.testing.assert_array_equal(curves[0].times_ns, np.arange(20) * 33_000_000)


def test_a_video_whose_key_frame_is_lost_says_what_is_lost(tmp_path: Path) -> None:
    path = made_logs.foxglove_protobuf(tmp_path / "clip.mcap")
    (episode,) = episodes_at(path)
    content = bytearray(path.read_bytes())
    first = made_logs.units("h264")[0]
    at = content.index(first[-400:])
    content[at : at + 400] = bytes(400)
    path.write_bytes(content)
    (episode,) = episodes_at(path)
    measured = measure_camera(episode.cameras[0])
    assert measured.packet_count == 30
    assert measured.error or measured.broken_count or episode.problems
