"""Plain videos, the JSON beside them, and finding recordings in folders."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import made
import pytest

from dailies.recordings import (
    UnknownFormat,
    episodes_at,
    fingerprint,
    recordings_in,
    sidecar_of,
)
from dailies.recordings.contract import Episode
from dailies.recordings.files import undecoded
from dailies.recordings.fingerprint import file_hash
from dailies.words import NS
from quality.checks import BY_NAME
from quality.judge import judge
from quality.measures import measure
from quality.measures.decode import measure_camera
from quality.policy import Policy


def read(path: Path) -> Episode:
    (episode,) = episodes_at(path)
    return episode


@pytest.mark.parametrize(
    "ending", ["mp4", "m4v", "mov", "mkv", "avi", "webm", "3gp", "mts", "m2ts", "MP4"]
)
def test_each_kind_of_container_is_one_recording_of_one_camera(tmp_path: Path, ending: str) -> None:
    codec = {"avi": "mpeg4", "webm": "vp9"}.get(ending, "h264")
    path = made.video(tmp_path / f"clip.{ending.lower()}", frames=45, codec=codec)
    path = path.rename(tmp_path / f"clip.{ending}")
    episode = read(path)
    (camera,) = episode.cameras
    assert (episode.format, camera.name, episode.index) == (ending.lower(), "video", 0)
    assert camera.declared_rate_hz == 30.0
    assert camera.declared_count is None  # nobody says so but the header, which decoding asks
    promised = measure_camera(camera).container_count
    assert promised == (None if ending in {"mkv", "webm", "mts", "m2ts"} else 45)
    assert episode.declared_duration_s == pytest.approx(1.5, abs=0.05)
    assert episode.files == (path,)


def test_frames_at_uneven_times_promise_no_rate(tmp_path: Path) -> None:
    """Ten frames are lost in the middle: the container's mean rate is nobody's promise."""
    times = [at if at < 20 else at + 10 for at in range(40)]
    (camera,) = read(made.video(tmp_path / "clip.mp4", frames=40, times=times)).cameras
    assert camera.declared_rate_hz is None
    assert measure_camera(camera).container_count == 40


@pytest.mark.parametrize("name", ["clip.json", "clip.mp4.json"])
def test_the_json_beside_a_video_says_whose_it_is(tmp_path: Path, name: str) -> None:
    path = made.video(tmp_path / "clip.mp4")
    said = {"worker": "w-3", "task": "flip-egg", "started_at": "2026-03-02T23:30:00-05:00"}
    made.write_json(tmp_path / name, said)
    episode = read(path)
    assert sidecar_of(path) == tmp_path / name
    assert (episode.metadata.worker, episode.metadata.task) == ("w-3", "flip-egg")
    assert episode.metadata.started_at == dt.datetime(2026, 3, 3, 4, 30, tzinfo=dt.UTC)


def test_of_two_json_files_the_one_with_the_whole_name_counts(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    made.write_json(tmp_path / "clip.json", {"worker": "w-1"})
    made.write_json(tmp_path / "clip.mp4.json", {"worker": "w-2"})
    assert read(path).metadata.worker == "w-2"


def test_the_json_beside_a_video_may_name_series(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    (tmp_path / "gyro.csv").write_text("t,x,y,z\n0,1,2,3\n0.5,1,2,3\n")
    made.write_json(tmp_path / "clip.json", {"series": [{"name": "gyro", "file": "gyro.csv"}]})
    episode = read(path)
    assert episode.problems == ()
    assert episode.series[0].values.shape == (2, 3)
    assert episode.files == (path, tmp_path / "gyro.csv")


def test_a_json_that_promises_more_frames_than_there_are_is_believed_as_a_promise(
    tmp_path: Path,
) -> None:
    path = made.video(tmp_path / "clip.mp4", frames=30)
    made.write_json(tmp_path / "clip.json", {"frame_count": 33, "rate_hz": 25, "duration_s": 2})
    episode = read(path)
    assert episode.cameras[0].declared_count == 33
    assert episode.cameras[0].declared_rate_hz == 25.0
    assert episode.declared_duration_s == 2.0


def test_a_broken_json_is_told_of_and_the_video_is_kept(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    (tmp_path / "clip.json").write_text('{"worker": ')
    episode = read(path)
    (problem,) = episode.problems
    assert (problem.check, problem.stream) == ("corrupt_stream", None)
    assert "clip.json cannot be read" in problem.message
    assert episode.cameras[0].source is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b"no video at all", "cannot be read (Invalid data found when processing input)"),
        (made.LFS_POINTER.encode(), "is a Git LFS pointer"),
    ],
)
def test_a_video_that_is_none_is_an_episode_that_says_so(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    episode = read(path)
    (problem,) = episode.problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "video")
    assert str(path) in problem.message
    assert words in problem.message
    assert episode.cameras[0].source is None


def test_a_video_cut_off_before_its_index_is_told_of(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    os.truncate(path, path.stat().st_size // 2)
    assert [problem.check for problem in read(path).problems] == ["corrupt_stream"]


def recorded_live(path: Path) -> Path:
    """A Matroska file whose recorder could not go back to write how long it is."""
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = made.WIDTH, made.HEIGHT, "yuv420p"
        for at in range(90):
            frame = av.VideoFrame.from_ndarray(made.picture(at), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("make", [recorded_live, made.video])
def test_a_matroska_file_that_is_cut_off_is_told_of_and_read_as_far_as_it_goes(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / "clip.mkv")
    assert not read(path).problems
    whole = measure_camera(read(path).cameras[0]).count
    os.truncate(path, path.stat().st_size * 7 // 10)
    episode = read(path)
    (problem,) = episode.problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "video")
    assert "is cut off: " in problem.message
    assert 0 < measure_camera(episode.cameras[0]).count < whole


@pytest.mark.parametrize("tail", [b"\0", bytes(4096), b"written by hand", b"\x1a\x45\xdf\xa3"])
def test_what_stands_after_a_whole_matroska_film_is_no_part_of_it(
    tmp_path: Path, tail: bytes
) -> None:
    path = made.video(tmp_path / "clip.mkv")
    path.write_bytes(path.read_bytes() + tail)
    assert not read(path).problems


def remuxed(source: Path, path: Path, *, drop: int = 0, shift: int = 0, **options: str) -> Path:
    """A copy of a film without its first packets, all times so many pictures later."""
    with av.open(str(source)) as film, av.open(str(path), "w", options=options) as copy:
        stream = film.streams.video[0]
        into = copy.add_stream_from_template(stream)
        step = round(1 / 30 / stream.time_base)
        for number, packet in enumerate(film.demux(stream)):
            if packet.size and number >= drop:
                packet.pts, packet.dts = packet.pts + shift * step, packet.dts + shift * step
                packet.stream = into
                copy.mux(packet)
    return path


def test_what_a_trimmed_file_does_not_show_is_not_lost(tmp_path: Path) -> None:
    """Trimmed without encoding anew, a film keeps the pictures before the cut, to start from the
    key picture; they are marked, and no player shows them.
    """
    film = made.video(tmp_path / "whole.mp4", frames=60)
    path = remuxed(film, tmp_path / "trimmed.mp4", shift=-20, avoid_negative_ts="disabled")
    episode = read(path)
    measured = measure_camera(episode.cameras[0])
    assert (measured.count, measured.packet_count, measured.container_count) == (40, 40, 40)
    assert episode.declared_duration_s == pytest.approx(measured.span.end_ns / NS, abs=0.05)
    assert not flagged(episode)


@pytest.mark.parametrize("ending", ["mkv", "webm", "mp4"])
def test_times_that_begin_late_make_no_recording_longer(tmp_path: Path, ending: str) -> None:
    codec = "vp9" if ending == "webm" else "h264"
    film = made.video(tmp_path / f"whole.{ending}", frames=90, codec=codec)
    path = remuxed(film, tmp_path / f"late.{ending}", shift=90)
    assert read(path).declared_duration_s == pytest.approx(3.0, abs=0.05)
    assert not flagged(read(path))


def test_pictures_that_wait_for_a_key_picture_are_lost_where_they_are(tmp_path: Path) -> None:
    film = made.video(tmp_path / "whole.mp4", frames=60)
    path = tmp_path / "headless.mp4"
    with av.open(str(film)) as one:
        keys = [at for at, packet in enumerate(one.demux(video=0)) if packet.is_keyframe]
    assert keys[0] == 0
    remuxed(film, path, drop=1)
    measured = measure_camera(read(path).cameras[0])
    assert measured.count < measured.packet_count
    assert measured.lost_from_ns == 0


def flagged(episode: Episode) -> list[str]:
    """What the checks of counts and lengths say of it."""
    checks = [BY_NAME[name] for name in ("count_mismatch", "corrupt_stream")]
    return [flag.message for flag in judge(measure(episode), Policy.load(), checks=checks).flags]


def test_sound_without_pictures_is_told_of(tmp_path: Path) -> None:
    episode = read(made.sound_only(tmp_path / "clip.mp4"))
    (problem,) = episode.problems
    assert (problem.check, problem.stream) == ("missing_stream", "video")
    assert "holds no pictures, only sound: hand in the file with the video" in problem.message
    assert [sound.name for sound in episode.audio] == ["audio"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notes.txt", "give a file"),
        ("clip.mp4.part", "not finished"),
        (".clip.mp4", "hidden or not finished"),
        ("recording.json", "give its folder"),
        ("gone.mp4", "is not there"),
    ],
)
def test_a_path_that_is_no_recording_is_refused_at_once_with_the_remedy(
    tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / name
    if name != "gone.mp4":
        path.write_text("x")
    with pytest.raises(UnknownFormat, match=words):
        episodes_at(path)


def test_recordings_are_found_below_a_folder_and_not_looked_into(tmp_path: Path) -> None:
    made.video(tmp_path / "a" / "deep" / "clip.MOV".lower())
    made.lerobot_v2(tmp_path / "b" / "set", lengths=(8,))
    made.folder(tmp_path / "c")
    made.video(tmp_path / "z.mp4")
    for name in ("copying.mp4.part", "x.mp4.tmp", "x.mp4.crdownload", "x.mp4~", ".x.mp4", "x.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".trash").mkdir()
    shutil.copy(tmp_path / "z.mp4", tmp_path / ".trash" / "old.mp4")
    assert [path.relative_to(tmp_path).as_posix() for path in recordings_in(tmp_path)] == [
        "a/deep/clip.mov", "b/set", "c", "z.mp4"
    ]  # fmt: skip


def test_a_recording_gives_itself_alone(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    assert recordings_in(path) == [path]
    root = made.folder(tmp_path / "jar")
    assert recordings_in(root) == [root]


def test_a_link_that_leads_back_up_is_followed_once(tmp_path: Path) -> None:
    made.video(tmp_path / "a" / "clip.mp4")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert recordings_in(tmp_path) == [tmp_path / "a" / "clip.mp4"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: content.index(b"moov") - 4], "has no index (moov): it was cut"),
        (lambda content: bytes(len(content)), "begins with nothing but zeros"),
        (lambda _: b"<!DOCTYPE html><html>Not found</html>", "is a web page"),
        (lambda _: b"this is no video, and nothing else either", "cannot be read"),
    ],
)
def test_a_file_nobody_can_read_says_what_it_is(
    tmp_path: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    path = made.video(tmp_path / "clip.mp4")
    path.write_bytes(damage(path.read_bytes()))
    (problem,) = read(path).problems
    assert problem.check == "corrupt_stream"
    assert words in problem.message


def test_a_link_to_nowhere_is_a_recording_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "annexed.mp4").symlink_to("/nowhere/there.mp4")
    (tmp_path / "notes.txt").symlink_to("/nowhere/notes.txt")
    assert recordings_in(tmp_path) == [tmp_path / "annexed.mp4"]


def test_the_same_clip_under_another_worker_has_the_same_fingerprint(tmp_path: Path) -> None:
    one = made.video(tmp_path / "one.mp4")
    two = shutil.copy(one, tmp_path / "two.mp4")
    made.write_json(tmp_path / "one.json", {"worker": "w-1"})
    made.write_json(tmp_path / "two.json", {"worker": "w-2"})
    assert fingerprint(read(one)) == fingerprint(read(Path(two)))


def test_another_clip_has_another_fingerprint(tmp_path: Path) -> None:
    one, two = (made.video(tmp_path / f"{seed}.mp4", seed=seed) for seed in (1, 2))
    assert fingerprint(read(one)) != fingerprint(read(two))


def test_two_empty_videos_are_not_the_same_recording(tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).write_bytes(b"")
    assert fingerprint(read(tmp_path / "one.mp4")) != fingerprint(read(tmp_path / "two.mp4"))


def test_a_file_that_changes_is_hashed_anew(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    first = file_hash(path)
    path.write_bytes(b"two!")
    assert file_hash(path) not in {first, None}


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "h264"), ("a.mov", "libx265"), ("a.mkv", "h264"), ("a.webm", "vp9")],
)
def test_a_video_opened_without_its_first_picture_is_the_same_video(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = made.video(tmp_path / name, codec=codec)
    assert bool(undecoded(path)) == name.endswith(("mp4", "mov"))
    seen = []
    for options in ({}, undecoded(path)):
        with av.open(str(path), options=options) as container:
            stream = container.streams.video[0]
            about = (stream.average_rate, stream.base_rate, stream.frames, container.duration)
            starts = (container.start_time, stream.start_time)
            packets = [(one.pts, one.dts, one.size) for one in container.demux(stream)]
            container.seek(0)
            shown = [frame.pts for frame in container.decode(stream)]
            seen.append((about, starts, packets, shown))
    assert seen[0] == seen[1]
    assert len(seen[0][3]) == 30
