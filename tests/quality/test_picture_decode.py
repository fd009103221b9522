"""The decode pass: counts, times, levels and damage, on files written by a real encoder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import clips
import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.recordings.contract import Camera, Episode, Series, StillsFile, VideoFile
from dailies.words import NS
from quality.measures import Measurements, measure
from quality.measures.decode import is_turned, measure_camera, shown_of
from quality.measures.pictures import CURVES, Pictures


def camera(path: Path, **more: object) -> Camera:
    return Camera("front", VideoFile(path), **more)  # type: ignore[arg-type]


def test_every_picture_is_measured_at_its_own_time(tmp_path: Path) -> None:
    seconds = [0.0, 0.033, 0.07, 0.1, 0.2, 0.233]
    path = clips.write(tmp_path / "a.mp4", clips.scene(6), seconds=seconds)
    pictures = measure_camera(camera(path))
    assert pictures.count == pictures.packet_count == pictures.container_count == 6
    np.testing.assert_allclose(pictures.times_ns / NS, seconds, atol=1e-4)
    assert pictures.clock == "measured"
    assert all(len(getattr(pictures, curve)) == 6 for curve in CURVES)


def test_times_made_by_counting_are_a_grid(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.scene(12))
    assert measure_camera(camera(path)).clock == "grid"


def test_only_the_span_of_an_episode_in_a_shared_file_is_measured(tmp_path: Path) -> None:
    frames = [np.full((120, 160), 60 + at, np.uint8) for at in range(90)]
    path = clips.write(tmp_path / "a.mp4", frames, options={"crf": "10", "g": "20"})
    source = VideoFile(path, start_s=1.0 + 1e-9, end_s=2.0)
    pictures = measure_camera(Camera("front", source))
    assert pictures.count == pictures.packet_count == 30
    assert pictures.times_ns[0] == pytest.approx(0, abs=1000)
    np.testing.assert_allclose(pictures.luma, np.arange(90, 120), atol=1.5)


@pytest.mark.parametrize("bframes", [0, 3])
def test_decoding_ends_with_an_episode_and_loses_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bframes: int
) -> None:
    from quality.measures import decode

    options = {"crf": "10", "g": "60", "bf": str(bframes)}
    path = clips.write(tmp_path / "a.mp4", clips.scene(240), options=options)
    came: list[int] = []
    decoded = decode.decoded

    def counted(*given: Any) -> Any:
        frames = decoded(*given)
        came.append(len(frames))
        return frames

    monkeypatch.setattr(decode, "decoded", counted)
    pictures = measure_camera(Camera("front", VideoFile(path, start_s=2.0, end_s=4.0)), threads=1)
    assert pictures.count == pictures.packet_count == 60
    assert pictures.error is None
    assert 60 <= sum(came) <= 60 + decode.BEYOND + 1
    whole = measure_camera(camera(path), threads=1)
    np.testing.assert_array_equal(pictures.luma, whole.luma[60:120])


def test_capture_times_from_beside_the_video_replace_the_containers(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.scene(5))
    real = np.array([0, 33, 66, 140, 173], np.int64) * 1_000_000
    pictures = measure_camera(camera(path, times_ns=real))
    assert pictures.times_ns.tolist() == real.tolist()
    assert pictures.clock == "measured"


def test_an_offset_moves_the_containers_times_to_the_recordings_clock(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.scene(5))
    assert measure_camera(camera(path, offset_ns=25_000_000)).times_ns[0] == 25_000_000


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [("libx264", "yuv420p"), ("libx264", "yuv420p10le"), ("ffv1", "gray"), ("ffv1", "bgr0")],
)
def test_levels_mean_the_same_in_every_pixel_format(
    tmp_path: Path, codec: str, pixels: str
) -> None:
    frames = [np.full((120, 160), level, np.uint8) for level in (0, 128, 255)]
    path = clips.write(tmp_path / "a.mkv", frames, codec=codec, pixels=pixels, options={"g": "1"})
    pictures = measure_camera(camera(path))
    np.testing.assert_allclose(pictures.luma, [0, 128, 255], atol=3)
    assert pictures.dark_share.tolist() == [1, 0, 0]
    assert pictures.bright_share.tolist() == [0, 0, 1]


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0, 4.0])
def test_the_width_of_edges_is_the_sigma_of_the_blur(tmp_path: Path, sigma: float) -> None:
    frames = [clips.blurred(frame, sigma) for frame in clips.scene(6, width=640, height=480)]
    path = clips.write(tmp_path / "a.mp4", frames, options={"crf": "18"})
    assert np.median(measure_camera(camera(path)).edge_px) == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.4, 2.0, 3.0])
@pytest.mark.parametrize("width", [176, 224, 320])
def test_a_narrow_picture_shows_as_little_as_half_a_pixel_of_blur(
    tmp_path: Path, width: int, sigma: float
) -> None:
    frames = [clips.blurred(f, sigma) for f in clips.scene(6, width=width, height=width * 3 // 4)]
    path = clips.write(tmp_path / "a.mp4", frames, options={"crf": "18"})
    assert np.median(measure_camera(camera(path)).edge_px) == pytest.approx(sigma, rel=0.2)


def test_a_wall_without_edges_has_no_edge_width(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", [np.full((240, 320), 120, np.uint8)] * 5)
    assert np.isnan(measure_camera(camera(path)).edge_px).all()


def test_a_repeated_picture_is_a_repeat_and_a_noisy_one_is_not(tmp_path: Path) -> None:
    frames = clips.scene(4)
    frames = [frames[0], frames[1], frames[1], frames[2]]
    path = clips.write(tmp_path / "a.mkv", frames, codec="ffv1", options={}, pixels="gray")
    assert measure_camera(camera(path)).repeat.tolist() == [False, False, True, False]


def test_damage_in_the_middle_is_counted_and_named_with_its_time(tmp_path: Path) -> None:
    options = {"crf": "20", "g": "15"}
    path = clips.write(tmp_path / "a.mp4", clips.scene(90), options=options)
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 4000] = bytes(4000)
    path.write_bytes(content)
    pictures = measure_camera(camera(path))
    assert pictures.error
    assert pictures.lost_from_ns is not None
    assert 0.8 < pictures.lost_from_ns / NS < 2.2
    assert pictures.count > 45


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0" * 5000])
def test_what_is_no_video_becomes_an_error_and_no_exception(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    pictures = measure_camera(camera(path))
    assert pictures.count == 0
    assert "a.mp4" in (pictures.error or "")


def test_a_missing_file_becomes_an_error(tmp_path: Path) -> None:
    assert measure_camera(camera(tmp_path / "gone.mp4")).error_count == 1


def test_stills_in_a_table_are_pictures_too(tmp_path: Path) -> None:
    cells = []
    for level in (40, 90, 140, 190):
        picture = np.full((48, 64, 3), level, np.uint8)
        cells.append({"bytes": cv2.imencode(".png", picture)[1].tobytes(), "path": None})
    cells[2] = {"bytes": b"broken", "path": None}
    table = pa.table({"observation.images.top": pa.array(cells)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    source = StillsFile(tmp_path / "t.parquet", "observation.images.top", 1, 4)
    pictures = measure_camera(Camera("top", source, declared_rate_hz=10))
    np.testing.assert_allclose(pictures.luma, [90, 190], atol=1)
    assert (pictures.times_ns / NS).tolist() == [0.0, 0.2]
    assert pictures.error == "picture 2 cannot be decoded"
    assert pictures.lost_from_ns == 100_000_000


@pytest.mark.parametrize(
    "named",
    [
        "images/eye/episode_000000/frame_{:06d}.png",
        "/elsewhere/images/old/images/eye/episode_000000/frame_{:06d}.png",
    ],
    ids=["from the root", "as on the machine that wrote it"],
)
def test_stills_named_by_their_path_are_found_in_the_dataset(tmp_path: Path, named: str) -> None:
    folder = tmp_path / "images/eye/episode_000000"
    folder.mkdir(parents=True)
    for at, level in enumerate((40, 90, 140)):
        cv2.imwrite(str(folder / f"frame_{at:06d}.png"), np.full((48, 64, 3), level, np.uint8))
    cells = [{"bytes": None, "path": named.format(at)} for at in range(3)]
    (tmp_path / "data/chunk-000").mkdir(parents=True)
    parquet = tmp_path / "data/chunk-000/episode_000000.parquet"
    pq.write_table(pa.table({"eye": pa.array(cells)}), parquet)
    pictures = measure_camera(Camera("eye", StillsFile(parquet, "eye", 0, 3), declared_rate_hz=10))
    np.testing.assert_allclose(pictures.luma, [40, 90, 140], atol=1)
    assert pictures.error is None


def test_a_still_outside_its_dataset_is_not_opened(tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    cv2.imwrite(str(outside), np.full((48, 64, 3), 90, np.uint8))
    (tmp_path / "set/data/chunk-000").mkdir(parents=True)
    parquet = tmp_path / "set/data/chunk-000/episode_000000.parquet"
    cells = [{"bytes": None, "path": str(outside)}, {"bytes": None, "path": "../../../outside.png"}]
    pq.write_table(pa.table({"eye": pa.array(cells)}), parquet)
    pictures = measure_camera(Camera("eye", StillsFile(parquet, "eye", 0, 2), declared_rate_hz=10))
    assert (pictures.count, pictures.error_count) == (0, 2)


def test_measurements_come_back_from_their_folder_as_they_were(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", clips.scene(20))
    times = np.arange(20, dtype=np.int64) * 33_333_333
    series = Series("state", times, np.arange(40.0).reshape(20, 2), ("a", "b"), role="state")
    measured = measure(Episode(path, 0, "video", (camera(path),), (series,)))
    measured.save(tmp_path / "m")
    loaded = Measurements.load(tmp_path / "m")
    assert loaded.summary() == measured.summary()
    assert loaded.duration_ns == measured.duration_ns
    assert loaded.sync == measured.sync
    for stream in ("front", "state"):
        for name, curve in measured.curves(stream).items():
            np.testing.assert_array_equal(loaded.curves(stream)[name], curve)
    picture = cv2.imdecode(np.frombuffer((tmp_path / "m" / "front.jpg").read_bytes(), np.uint8), 1)
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert loaded.cameras[0].thumbnail == measured.cameras[0].thumbnail


def test_a_camera_without_pictures_can_be_summed_up_and_stored(tmp_path: Path) -> None:
    measured = Measurements(cameras=(Pictures.none("front", error="gone"),))
    measured.save(tmp_path / "m")
    assert Measurements.load(tmp_path / "m").summary()["front"]["sharpness_median"] is None


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda one: one[:, ::-1]),
        ((1, 0, 0, -1), lambda one: one[::-1]),
        ((0, 1, 1, 0), lambda one: one.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda one: one.transpose(1, 0, 2)[::-1, ::-1]),
        ((0, 1, -1, 0), lambda one: np.rot90(one, -1)),
    ],
    ids=["mirrored", "upside down", "transposed", "transposed and turned", "turned"],
)
def test_a_picture_is_shown_as_its_display_matrix_says(
    tmp_path: Path,
    matrix: tuple[int, int, int, int],
    shown: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]],
) -> None:
    """As a phone's front camera writes it, whose owner wants to see a mirror's picture."""
    path = clips.write(tmp_path / "clip.mp4", clips.scene(2))
    with av.open(str(path)) as film:
        first = next(film.decode(video=0))
        plain = shown_of(first)
        assert not is_turned(first)
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * one for one in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    with av.open(str(path)) as film:
        first = next(film.decode(video=0))
        assert is_turned(first)
        np.testing.assert_array_equal(shown_of(first), shown(plain))
