"""Phones and GoPros: turned pictures, uneven rates, 10 bits, sound, further tracks, telemetry."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import av
import cv2
import made
import made_phone
import numpy as np
import pytest

from dailies.recordings import episodes_at
from dailies.recordings.contract import Camera, Episode, VideoFile
from dailies.words import NS
from quality.checks.drops import lost_frames
from quality.judge import judge
from quality.measures import measure
from quality.measures.decode import measure_camera
from quality.measures.triage import look_at
from quality.policy import Policy


def only(path: Path) -> Episode:
    (episode,) = episodes_at(path)
    return episode


def thumbnail(path: Path) -> np.ndarray:
    measured = measure_camera(Camera("video", VideoFile(path)))
    return cv2.imdecode(np.frombuffer(measured.thumbnail, np.uint8), cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_picture_is_reported_and_drawn_as_it_is_shown(
    tmp_path: Path, degrees: int
) -> None:
    upright = thumbnail(made.video(tmp_path / "upright.mp4"))
    path = made_phone.turned(made.video(tmp_path / "turned.mp4"), degrees)
    measured = measure_camera(Camera("video", VideoFile(path)))
    across = degrees in (90, 270)
    shown = (made.HEIGHT, made.WIDTH) if across else (made.WIDTH, made.HEIGHT)
    assert (measured.width, measured.height) == shown
    look = look_at(Camera("video", VideoFile(path)))
    assert (look.camera.width, look.camera.height) == shown
    seen = thumbnail(path)
    clockwise = np.rot90(upright, -degrees // 90)
    assert seen.shape == clockwise.shape
    assert np.abs(seen.astype(int) - clockwise).mean() < 4


@pytest.mark.parametrize(
    ("name", "size"), [("video_0", (568, 320)), ("video_90", (320, 568)), ("video_270", (320, 568))]
)
def test_real_phone_clips_are_reported_as_shown(
    samples: Path, name: str, size: tuple[int, int]
) -> None:
    path = samples / "odd" / f"{name}.mov"
    measured = measure_camera(Camera("video", VideoFile(path)))
    assert (measured.width, measured.height) == size


def times(*parts: tuple[float, int]) -> np.ndarray:
    """Times in ns of stretches of (rate, count)."""
    steps = np.concatenate([np.full(count, NS / rate) for rate, count in parts])
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)


@pytest.mark.parametrize(
    "stretches",
    [
        [(30, 200), (15, 100)],
        [(15, 100), (30, 200)],
        [(30, 90), (24, 90), (20, 90), (15, 90), (30, 90)],
        [(60, 300), (24, 100)],
    ],
    ids=str,
)
def test_a_phone_that_changes_its_rate_drops_nothing(stretches: list[tuple[float, int]]) -> None:
    assert not lost_frames(times(*stretches), 1.5).any()


def test_drops_beside_a_change_of_rate_are_counted() -> None:
    stamps = np.delete(times((30, 200), (15, 100)), [100, 101, 250])
    lost = lost_frames(stamps, 1.5)
    assert sorted(lost[lost > 0].tolist()) == [1, 2]


def test_a_second_at_half_the_rate_is_dropped_frames() -> None:
    assert lost_frames(times((30, 200), (15, 15), (30, 200)), 1.5).sum() == 15


def test_frames_dropped_at_random_are_not_taken_for_a_change_of_rate() -> None:
    kept = np.random.default_rng(2).random(1201) > 0.2
    stamps = times((30, 1200))[kept]
    assert lost_frames(stamps, 1.5).sum() == pytest.approx((~kept).sum(), abs=3)


def test_an_uneven_phone_clip_is_not_called_dropped(tmp_path: Path) -> None:
    ticks = (np.round(times((30, 70), (15, 70)) * 600 / NS)).astype(int).tolist()
    path = made.video(tmp_path / "clip.mp4", frames=len(ticks), rate=600, times=ticks)
    measured = measure(only(path))
    flagged = {flag.check for flag in judge(measured, Policy.load()).flags}
    assert "dropped_frames" not in flagged
    assert measured.cameras[0].clock == "measured"


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67", "bt709"])
def test_ten_bits_are_measured_like_eight(tmp_path: Path, transfer: str) -> None:
    if not made.has_codec("hevc"):
        pytest.skip("no encoder libx265")
    plain = measure_camera(Camera("a", VideoFile(made.video(tmp_path / "a.mp4", frames=10))))
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as container:
        options = {
            "preset": "ultrafast",
            "crf": "14",
            "x265-params": f"transfer={transfer}:log-level=0",
        }
        stream = container.add_stream("libx265", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = made.WIDTH, made.HEIGHT, "yuv420p10le"
        for at in range(10):
            frame = av.VideoFrame.from_ndarray(made.picture(at), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        container.mux(stream.encode())
    deep = measure_camera(Camera("b", VideoFile(path)))
    assert deep.count == 10
    assert np.allclose(deep.luma, plain.luma, atol=2)
    assert np.allclose(deep.contrast, plain.contrast, atol=2.5)
    assert np.allclose(deep.dark_share, plain.dark_share, atol=0.02)


def test_sound_is_a_stream_of_its_own(tmp_path: Path) -> None:
    episode = only(made_phone.phone(tmp_path / "clip.mp4", sounds=2))
    assert [one.name for one in episode.audio] == ["audio", "audio_2"]
    assert [(one.rate_hz, one.channels, one.track) for one in episode.audio] == [
        (16_000, 1, 0),
        (16_000, 1, 1),
    ]
    measured = measure(episode)
    for sound in measured.sounds:
        assert sound.count == pytest.approx(16_000, abs=2100)
        assert sound.error is None
    assert [one.name for one in measured.sounds] == ["audio", "audio_2"]


def test_a_second_video_stream_is_a_second_camera(tmp_path: Path) -> None:
    episode = only(made_phone.phone(tmp_path / "clip.mp4", videos=2))
    assert [camera.name for camera in episode.cameras] == ["video", "video_2"]
    one, two = (measure_camera(camera) for camera in episode.cameras)
    assert one.count == two.count == 30
    assert not np.array_equal(one.luma, two.luma)


GYRO = np.arange(600).reshape(200, 3) % 977 - 400


def gopro(path: Path, *, counts: tuple[int, ...] = (100, 100), fix: int = 3) -> Path:
    """A clip with a gyroscope of ``counts`` samples in each second, and a GPS."""
    payloads, at = [], 0
    for second, count in enumerate(counts):
        streams = [made_phone.sensor("GYRO", GYRO[at : at + count])]
        streams.append(made_phone.gps(f"26030209150{second}.250", fix=fix))
        payloads.append(made_phone.device(*streams))
        at += count
    return made_phone.phone(path, frames=60, telemetry=payloads)


def test_the_gyroscope_of_a_gopro_is_a_series_on_the_pictures_clock(tmp_path: Path) -> None:
    episode = only(gopro(tmp_path / "clip.mp4"))
    assert episode.problems == ()
    gyro, place = episode.series
    assert np.allclose(gyro.values, GYRO / 1000)
    assert np.array_equal(gyro.times_ns, np.arange(200) * 10_000_000)
    assert gyro.clock == "measured"
    assert place.columns == ("latitude", "longitude", "altitude", "speed_2d", "speed_3d")
    assert place.values[0].tolist() == pytest.approx([38.714, -9.14, 12.0, 1.5, 25.0])


def test_the_gps_says_when_it_was_recorded_once_it_has_a_fix(tmp_path: Path) -> None:
    begun = dt.datetime(2026, 3, 2, 9, 15, 0, 250_000, tzinfo=dt.UTC)
    assert only(gopro(tmp_path / "a.mp4")).metadata.started_at == begun
    assert only(gopro(tmp_path / "b.mp4", fix=0)).metadata.started_at is None


def test_the_last_payload_holds_what_was_left_to_record(tmp_path: Path) -> None:
    gyro = only(gopro(tmp_path / "clip.mp4", counts=(90, 90, 10))).series[0]
    assert np.diff(gyro.times_ns)[-9:] == pytest.approx(NS / 90, abs=1)


def test_a_damaged_payload_is_told_and_the_others_are_given(tmp_path: Path) -> None:
    whole = made_phone.device(made_phone.sensor("GYRO", GYRO[:100]))
    path = made_phone.phone(tmp_path / "a.mp4", frames=60, telemetry=[whole, whole[:200], whole])
    episode = only(path)
    assert len(episode.series[0].values) == 200
    assert "1 payloads of telemetry" in episode.problems[0].message


def test_a_sidecars_gyro_stands_beside_the_embedded_one(tmp_path: Path) -> None:
    path = gopro(tmp_path / "clip.mp4")
    (tmp_path / "gyro.csv").write_text("t,x\n0,1\n1,2\n")
    made.write_json(tmp_path / "clip.json", {"series": [{"name": "gyro", "file": "gyro.csv"}]})
    assert [one.name for one in only(path).series] == ["gyro", "gyro_embedded", "gps"]


@pytest.mark.parametrize(("sensor", "count"), [("gyro", 4795), ("accelerometer", 2397)])
def test_a_real_gopro_agrees_with_its_table(samples: Path, sensor: str, count: int) -> None:
    file = {"gyro": "karma_GYRO.csv", "accelerometer": "karma_ACCL.csv"}[sensor]
    rows = np.loadtxt(samples / "gopro" / file, delimiter=",", skiprows=1)
    episode = only(samples / "gopro" / "karma.mp4")
    series = {one.name: one for one in episode.series}[sensor]
    assert len(series.values) == len(rows) == count
    assert np.allclose(series.values, rows[:, 1:], atol=1e-6)
    off_ms = np.abs(series.times_ns / 1e6 - rows[:, 0] * 1e3)
    # the table spreads the few samples of the last packet over a whole second that it does not have
    whole = rows[:, 0] < 12.012
    assert off_ms[whole].max() < 1e-3
    assert (~whole).sum() < 30
    assert series.times_ns[-1] / NS < 12.09
    assert episode.problems == ()


def test_a_real_gopros_own_gyroscope_is_in_step_with_its_pictures(samples: Path) -> None:
    measured = measure(only(samples / "gopro" / "karma.mp4"))
    sync = measured.sync[0]
    assert (sync.against, sync.tells) == ("gyro", True)
    assert abs(sync.offset_ms) < 30
    assert judge(measured, Policy.load()).flags == ()


def test_telemetry_and_sound_of_a_folders_cameras_start_with_them(tmp_path: Path) -> None:
    gopro(tmp_path / "head.mp4")
    made.write_json(
        tmp_path / "recording.json",
        {"cameras": [{"name": "head", "file": "head.mp4", "offset_s": 0.5}]},
    )
    episode = only(tmp_path)
    assert episode.problems == ()
    assert [one.name for one in episode.series] == ["head.gyro", "head.gps"]
    assert episode.series[0].times_ns[0] == 500_000_000
    assert [(one.name, one.offset_ns) for one in episode.audio] == [("head.audio", 500_000_000)]


def test_a_codec_that_nobody_knows_is_told(tmp_path: Path) -> None:
    path = made_phone.phone(tmp_path / "clip.mp4")
    content = path.read_bytes()
    at = content.index(b"avc1", content.index(b"stsd"))
    path.write_bytes(content[:at] + b"xyzw" + content[at + 4 :])
    measured = measure(only(path))
    assert measured.cameras[0].count == 0
    assert "codec" in (measured.cameras[0].error or "")
    assert measured.sounds[0].error is None
