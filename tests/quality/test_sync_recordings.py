"""Planted lags are found in encoded videos; real recordings say what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from apart import encoded
from sync_made import Arm, frame_times, joints, ns

from dailies.recordings import episodes_at
from dailies.recordings.contract import Camera, Episode, Series, VideoFile
from dailies.words import Flag
from quality.judge import judge
from quality.measures import Measurements, measure
from quality.measures.sync import measure_sync
from quality.policy import Policy

WIDTH, HEIGHT, LENGTH_S = 320, 240, 15
Picture = npt.NDArray[np.uint8]
View = Callable[[Picture, Picture, npt.NDArray[np.float64]], Picture]
CODECS = {
    "h264": ("libx264", {"crf": "23", "preset": "veryfast"}),
    "av1": ("libsvtav1", {"crf": "30", "g": "2", "preset": "12"}),
}


def texture(rng: np.random.Generator, height: int, width: int) -> Picture:
    """A surface with large and small structure."""
    surface = np.full((height, width), 120, np.float32)
    for size, depth in ((4, 12), (16, 25), (64, 35)):
        rough = rng.normal(size=(height // size + 2, width // size + 2)).astype(np.float32)
        surface += depth * cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(surface, 10, 245).astype(np.uint8)


def fixed(room: Picture, skin: Picture, pose: npt.NDArray[np.float64]) -> Picture:
    """A camera on the wall: three links of an arm move in front of the room."""
    picture, at, angle = room[:HEIGHT, :WIDTH].copy(), np.array([150.0, 230.0]), -np.pi / 2
    for link, (length, breadth) in enumerate(((85, 22), (70, 17), (45, 12))):
        angle += pose[link]
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]]) * breadth / 2
        corners = np.array([at - across, at + along * length - across, at + across])
        height, width = skin.shape
        source = np.array([[0, 0], [width, 0], [0, height]], np.float32)
        placed = cv2.getAffineTransform(source, corners.astype(np.float32))
        cv2.warpAffine(
            skin, placed, (WIDTH, HEIGHT), dst=picture, borderMode=cv2.BORDER_TRANSPARENT
        )
        at = at + along * length
    return picture


def wrist(room: Picture, _skin: Picture, pose: npt.NDArray[np.float64]) -> Picture:
    """A camera on the gripper: the whole view moves."""
    turned = cv2.getRotationMatrix2D((WIDTH, HEIGHT), 40 * pose[2], 1.0)
    turned[:, 2] += (60 * pose[0] - WIDTH / 2, 50 * pose[1] - HEIGHT / 2)
    seen = cv2.warpAffine(room, turned, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8)


def film(path: Path, arm: Arm, view: View, codec: str, lag_s: npt.NDArray[np.float64]) -> None:
    """Encode what a camera sees that shows at each time what was ``lag_s`` before."""
    encoder, options = CODECS[codec]
    rng = np.random.default_rng(8)
    room, skin = texture(rng, 2 * HEIGHT, 2 * WIDTH), texture(rng, 24, 90)
    poses = arm.at(frame_times(LENGTH_S) - lag_s)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pose in poses:
            noise = rng.normal(0, 3, (HEIGHT, WIDTH)).astype(np.float32)
            planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            planes[:HEIGHT] = np.clip(view(room, skin, pose) + noise, 0, 255)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def episode(folder: Path, series: Series, *names: str) -> Episode:
    cameras = tuple(Camera(name, VideoFile(folder / f"{name}.mp4")) for name in names)
    return Episode(folder, 0, "made", cameras, (series,))


def drifts(measured: Measurements) -> list[Flag]:
    """What the house policy flags as out of step."""
    verdict = judge(measured, Policy.load())
    return [flag for flag in verdict.flags if flag.check == "sync_drift"]


CLEAN = np.zeros(LENGTH_S * 30)
LATE_133 = CLEAN + 0.133
DRIFT_200 = np.linspace(0, 0.2, LENGTH_S * 30)


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("view", [fixed, wrist])
@pytest.mark.parametrize(
    ("lag_s", "found"),
    [(CLEAN, 0), (LATE_133, 133), (DRIFT_200, 100)],
    ids=["in step", "133 ms late", "drifting to 200 ms"],
)
def test_a_lag_in_an_encoded_video_is_found(
    tmp_path: Path, codec: str, view: View, lag_s: npt.NDArray[np.float64], found: int
) -> None:
    if CODECS[codec][0] not in av.codecs_available:
        pytest.skip(f"no encoder {CODECS[codec][0]}")
    arm = Arm.moving(seed=12, joints=3)
    encoded(codec, film, tmp_path / "top.mp4", arm, view, codec, lag_s)
    measured = measure(episode(tmp_path, joints(arm, LENGTH_S), "top"))
    assert measured.sync[0].offset_ms == pytest.approx(found, abs=20)
    assert len(drifts(measured)) == bool(found)


def test_one_camera_100_ms_behind_the_other_is_found(tmp_path: Path) -> None:
    arm = Arm.moving(seed=13, joints=3)
    film(tmp_path / "top.mp4", arm, fixed, "h264", CLEAN)
    film(tmp_path / "wrist.mp4", arm, wrist, "h264", CLEAN + 0.1)
    measured = measure(episode(tmp_path, joints(arm, LENGTH_S), "top", "wrist"))
    flags = drifts(measured)
    assert [flag.stream for flag in flags] == ["wrist"]
    assert flags[0].measured == pytest.approx(100, abs=15)


def test_the_gyroscope_of_a_real_camera_is_in_step_with_its_pictures(samples: Path) -> None:
    rows = np.loadtxt(samples / "gopro" / "karma_GYRO.csv", delimiter=",", skiprows=1)
    gyro = Series("gyro", ns(rows[:, 0]), rows[:, 1:], ("x", "y", "z"))
    camera = Camera("camera", VideoFile(samples / "gopro" / "karma.mp4"))
    measured = measure(Episode(samples, 0, "made", (camera,), (gyro,)))
    # by optical flow the pictures are 20 ms late
    assert measured.sync[0].offset_ms == pytest.approx(20, abs=30)
    for late_ms in (-150, 150):
        moved = replace(
            measured.cameras[0], times_ns=measured.cameras[0].times_ns + late_ms * 10**6
        )
        found = measure_sync([moved], [gyro])[0]
        assert found.offset_ms == pytest.approx(late_ms + 20, abs=30)


def test_a_real_clock_that_runs_away_by_2_s_is_found(samples: Path) -> None:
    recorded = next(
        one for one in episodes_at(samples / "lerobot_dobot_cr5_v2.1") if one.index == 2
    )
    measured = measure(recorded)
    flags = drifts(measured)
    assert [flag.stream for flag in flags] == ["observation.state"]
    assert flags[0].measured == pytest.approx(2100, abs=100)


def test_real_episodes_of_a_humanoid_in_step_are_not_flagged(samples: Path) -> None:
    for recorded in episodes_at(samples / "lerobot_unitree_g1_v2.1"):
        assert drifts(measure(recorded)) == []
