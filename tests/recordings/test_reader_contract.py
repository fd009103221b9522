"""One contract, held against every reader: every made recording, every sample, and their ruins."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import made
import made_arrays
import made_logs
import made_phone
import numpy as np
import pytest

from dailies.recordings import READERS, episodes_at, fingerprint, recordings_in
from dailies.recordings.contract import Episode, StillsFile, VideoFile
from dailies.recordings.files import is_video

TWO = ("observation.images.top", "observation.images.wrist")

MAKERS: dict[str, Callable[[Path], Path]] = {
    "clip.mp4": lambda path: made.video(path),
    "clip.m4v": lambda path: made.video(path),
    "clip.mov": lambda path: made.video(path),
    "clip.mkv": lambda path: made.video(path),
    "clip.avi": lambda path: made.video(path, codec="mpeg4"),
    "clip.webm": lambda path: made.video(path, codec="vp9"),
    "av1.mp4": lambda path: made.video(path, codec="av1"),
    "v2.0": lambda path: made.lerobot_v2(path, version="v2.0"),
    "v2.1": lambda path: made.lerobot_v2(path, cameras=TWO),
    "v2.1-stills": lambda path: made.lerobot_v2(path, cameras=(), stills="observation.images.eye"),
    "v3.0": lambda path: made.lerobot_v3(path, cameras=TWO),
    "v3.0-av1": lambda path: made.lerobot_v3(path, codec="av1", is_one_row_group=True),
    "v3.0-stills": lambda path: made.lerobot_v3(path, cameras=(), stills="observation.images.eye"),
    "folder": lambda path: made.folder(path),
    "ros2.mcap": lambda path: made_logs.mcap_ros2(path, seed=21),
    "json.mcap": lambda path: made_logs.foxglove_json(path, seed=22),
    "protobuf.mcap": lambda path: made_logs.foxglove_protobuf(path, seed=23),
    "ros1.bag": lambda path: made_logs.ros1_bag(path, seed=24),
    "ros1-bz2.bag": lambda path: made_logs.ros1_bag(path, seed=25, compression="bz2"),
    "ros1-lz4.bag": lambda path: made_logs.ros1_bag(path, seed=26, compression="lz4"),
    "ros2": lambda path: made_logs.ros2_bag(path, seed=27),
    "ros2-mcap": lambda path: made_logs.ros2_bag(path, seed=28, storage="mcap"),
    "ros2-packed": lambda path: made_logs.ros2_bag(path, seed=29, compression="message"),
    "ros2.db3": lambda path: made_logs.lone_db3(path, seed=30),
    "phone.mp4": lambda path: made_phone.phone(path, frames=36, videos=2),
    "aloha.hdf5": lambda path: made_arrays.aloha(path, cameras=("high", "wrist")),
    "aloha-jpeg.h5": lambda path: made_arrays.aloha(path, is_jpeg=True),
    "robomimic.hdf5": lambda path: made_arrays.robomimic(path),
    "umi.zarr": lambda path: made_arrays.replay_buffer(path),
    "umi3.zarr": lambda path: made_arrays.replay_buffer(path, version=3, lengths=(9, 12)),
    "umi.zarr.zip": lambda path: made_arrays.replay_buffer(path, lengths=(6, 7)),
    "rlds": lambda path: made_arrays.rlds(path),
    "steps.tfrecord": lambda path: made_arrays.records(path, lengths=(9, 10), first=40),
}

SAMPLES = Path(os.environ.get("DAILIES_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every made recording in it."""
    root = tmp_path_factory.mktemp("shelf")
    for name, make in MAKERS.items():
        if "av1" not in name or made.has_codec("av1"):
            make(root / name)
    return root


@pytest.fixture(params=MAKERS)
def recording(request: pytest.FixtureRequest, shelf: Path) -> Path:
    """Each made recording in turn."""
    path = shelf / request.param
    if not path.exists():
        pytest.skip("this PyAV has no AV1 encoder")
    return path


def hold(episodes: list[Episode]) -> None:
    """Everything that the contract promises of a recording's episodes."""
    assert episodes, "at least one, be it only a problem"
    indexes = [episode.index for episode in episodes]
    assert indexes == sorted(set(indexes))
    for episode in episodes:
        hold_episode(episode)


def hold_episode(episode: Episode) -> None:
    assert episode.format
    assert episode.cameras or episode.series or episode.problems
    streams = (*episode.cameras, *episode.series, *episode.audio)
    names = [stream.name for stream in streams]
    assert len(set(names)) == len(names)
    assert len(set(episode.files)) == len(episode.files)
    assert all(path.is_file() for path in episode.files)
    told = {problem.stream for problem in episode.problems}
    for camera in episode.cameras:
        assert camera.declared_count is None or camera.declared_count >= 0
        assert camera.declared_rate_hz is None or camera.declared_rate_hz > 0
        assert camera.offset_ns >= 0
        if camera.source is None:
            assert camera.name in told or None in told
        else:
            assert camera.source.path in episode.files
        if isinstance(camera.source, VideoFile):
            assert camera.source.start_s >= 0
            assert camera.source.end_s is None or camera.source.end_s > camera.source.start_s
        if isinstance(camera.source, StillsFile):
            assert 0 <= camera.source.start <= camera.source.stop
        if camera.times_ns is not None:
            hold_times(camera.times_ns)
    for series in episode.series:
        hold_times(series.times_ns)
        assert series.values.dtype == np.float64
        assert series.values.shape == (len(series.times_ns), len(series.columns))
        assert series.values.flags.c_contiguous
        assert len(set(series.columns)) == len(series.columns)
    for sound in episode.audio:
        assert sound.path in episode.files
        assert sound.track >= 0
        assert sound.offset_ns >= 0
        assert sound.declared_count is None or sound.declared_count >= 0
    for problem in episode.problems:
        assert problem.check in {"corrupt_stream", "missing_stream", "count_mismatch"}
        assert ": " in problem.message, "says where, what, and the remedy"
    started = episode.metadata.started_at
    assert started is None or started.utcoffset() is not None
    assert all(0 <= step.start_ns <= step.end_ns for step in episode.metadata.steps)
    assert len(fingerprint(episode)) == 32


def hold_times(times_ns: np.ndarray) -> None:
    assert times_ns.dtype == np.int64
    assert times_ns.ndim == 1
    assert (np.diff(times_ns) >= 0).all()
    assert len(times_ns) == 0 or times_ns[0] >= 0


def same(one: Episode, other: Episode) -> bool:
    """True where two episodes hold the same, arrays included."""
    return pickle.dumps(one) == pickle.dumps(other)


def test_a_made_recording_reads_whole_and_without_a_problem(recording: Path) -> None:
    episodes = list(episodes_at(recording))
    hold(episodes)
    for episode in episodes:
        assert episode.problems == ()
        assert episode.cameras
        assert all(camera.source is not None for camera in episode.cameras)


def test_each_recording_is_recognised_by_one_reader_only(recording: Path) -> None:
    assert sum(reader.recognises(recording) for reader in READERS) == 1


def test_reading_again_gives_the_same(recording: Path) -> None:
    first, second = list(episodes_at(recording)), list(episodes_at(recording))
    assert all(same(one, other) for one, other in zip(first, second, strict=True))
    assert [fingerprint(one) for one in first] == [fingerprint(one) for one in second]


def test_an_episode_survives_going_to_another_process(recording: Path) -> None:
    for episode in episodes_at(recording):
        back = pickle.loads(pickle.dumps(episode))
        assert [field.name for field in fields(back)] == [field.name for field in fields(episode)]
        assert fingerprint(back) == fingerprint(episode)


def test_one_chosen_episode_is_the_one_of_the_whole_reading(recording: Path) -> None:
    last = list(episodes_at(recording))[-1]
    chosen = list(episodes_at(recording, [last.index]))
    assert [one.index for one in chosen] == [last.index]
    assert same(chosen[0], last)


def test_a_copy_under_another_name_has_the_same_fingerprints(
    recording: Path, tmp_path: Path
) -> None:
    copy = tmp_path / ("another" + recording.suffix if recording.is_file() else "another")
    shutil.copy(recording, copy) if recording.is_file() else shutil.copytree(recording, copy)
    assert [fingerprint(one) for one in episodes_at(copy)] == [
        fingerprint(one) for one in episodes_at(recording)
    ]


def test_no_two_made_recordings_share_a_fingerprint(shelf: Path) -> None:
    """But for the same stills in v2.1 and v3.0, and one clip as mp4 and as m4v."""
    prints = [
        fingerprint(episode)
        for path in recordings_in(shelf)
        if path.name not in {"v3.0-stills", "clip.m4v"}
        for episode in episodes_at(path)
    ]
    assert len(set(prints)) == len(prints)


def test_the_same_episodes_in_two_versions_of_the_format_are_the_same(shelf: Path) -> None:
    old = [fingerprint(episode) for episode in episodes_at(shelf / "v2.1-stills")]
    new = [fingerprint(episode) for episode in episodes_at(shelf / "v3.0-stills")]
    assert old == new[: len(old)]


def test_everything_on_the_shelf_is_found(shelf: Path) -> None:
    assert recordings_in(shelf) == sorted(path for path in shelf.iterdir())


def ruin_each_file(recording: Path, tmp_path: Path, ruin: Callable[[Path], None]) -> None:
    """Ruin one file after the other of a copy, and hold the contract each time."""
    files = [recording] if recording.is_file() else sorted(recording.rglob("*"))
    for at, file in enumerate(path for path in files if path.is_file()):
        copy = tmp_path / str(at) / recording.name
        copy.parent.mkdir()
        if recording.is_file():
            shutil.copy(recording, copy)
            ruin(copy)
        else:
            shutil.copytree(recording, copy)
            ruin(copy / file.relative_to(recording))
        if recordings_in(copy.parent) and (copy.is_dir() or copy.exists()):
            for found in recordings_in(copy.parent):
                hold(list(episodes_at(found)))
        shutil.rmtree(copy.parent)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_a_truncated_file_becomes_no_exception(
    recording: Path, tmp_path: Path, share: float
) -> None:
    def cut(path: Path) -> None:
        os.truncate(path, int(path.stat().st_size * share))

    ruin_each_file(recording, tmp_path, cut)


def test_an_empty_file_becomes_no_exception(recording: Path, tmp_path: Path) -> None:
    ruin_each_file(recording, tmp_path, lambda path: path.write_bytes(b""))


def test_garbage_becomes_no_exception(recording: Path, tmp_path: Path) -> None:
    garbage = np.random.default_rng(3).bytes(5000)
    ruin_each_file(recording, tmp_path, lambda path: path.write_bytes(garbage))


def test_garbage_in_the_middle_becomes_no_exception(recording: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(4).bytes(64)

    def overwrite(path: Path) -> None:
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + noise + content[middle + len(noise) :])

    ruin_each_file(recording, tmp_path, overwrite)


def test_a_git_lfs_pointer_becomes_no_exception(recording: Path, tmp_path: Path) -> None:
    ruin_each_file(recording, tmp_path, lambda path: path.write_text(made.LFS_POINTER) and None)


def test_a_missing_file_becomes_no_exception(recording: Path, tmp_path: Path) -> None:
    ruin_each_file(recording, tmp_path, lambda path: path.unlink())


def test_a_folder_in_the_place_of_a_file_becomes_no_exception(
    recording: Path, tmp_path: Path
) -> None:
    if recording.is_file():
        pytest.skip("a folder named like a video is looked into as a folder")

    def replace_by_folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    ruin_each_file(recording, tmp_path, replace_by_folder)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{}", b"null", b"{", b'{"fps": "x", "features": 3}', b"\xff\xfe\x00", b"[" * 5000],
)
def test_any_json_becomes_no_exception(recording: Path, tmp_path: Path, content: bytes) -> None:
    if recording.is_file():
        copy = shutil.copy(recording, tmp_path / recording.name)
        Path(copy).with_suffix(".json").write_bytes(content)
        hold(list(episodes_at(Path(copy))))
        return
    copied = shutil.copytree(recording, tmp_path / "copy")
    for path in [*copied.rglob("*.json"), *copied.rglob("*.jsonl")]:
        path.write_bytes(content)
    hold(list(episodes_at(copied)))


def samples() -> list[Path]:
    return recordings_in(SAMPLES) if SAMPLES.is_dir() else []


@pytest.mark.skipif(not samples(), reason="no samples here")
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_a_real_recording_holds_the_contract(path: Path) -> None:
    hold(list(episodes_at(path)))


@pytest.mark.skipif(not samples(), reason="no samples here")
def test_every_video_among_the_samples_is_found() -> None:
    found = recordings_in(SAMPLES)
    loose = [
        path
        for path in SAMPLES.rglob("*")
        if is_video(path.name) and not any(part.startswith("lerobot") for part in path.parts)
    ]
    assert set(loose) <= set(found)
