"""A running intake: what lands is in the record soon after, once, and nothing stops it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from benchmarks.datasets import CAMERA, add_episode
from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Episode, Finding, Landing, Stream
from jobs.arrival import Quiet
from jobs.intake import Intake, recordings_of

Clip = Callable[..., Path]
QUIET = Quiet(whole=0.2, usual=0.5, growing=1.0, patience=3.0)


@dataclass(frozen=True)
class Watched:
    """A folder that a running intake watches, its data and its record."""

    folder: Path
    config: Config
    record: Record
    said: list[str]

    def episodes(self, path: Path) -> list[Episode]:
        with self.record.read() as session:
            rows = select(Episode).where(Episode.path == str(path)).order_by(Episode.id)
            return list(session.scalars(rows))

    def landing(self, path: Path) -> Landing | None:
        with self.record.read() as session:
            return session.scalar(select(Landing).where(Landing.path == str(path)))

    def checks(self, episode: Episode) -> set[tuple[str, str]]:
        with self.record.read() as session:
            rows = select(Finding.check, Finding.grade).where(Finding.episode_id == episode.id)
            return {(check, grade) for check, grade in session.execute(rows)}

    def wait(self, path: Path, count: int = 1) -> list[Episode]:
        """The episodes at a path, once there are so many and its landing is closed."""
        until = time.monotonic() + 40
        while time.monotonic() < until:
            episodes, landing = self.episodes(path), self.landing(path)
            if len(episodes) >= count and landing and landing.state in ("done", "failed"):
                assert len(episodes) == count
                return episodes
            time.sleep(0.05)
        raise AssertionError(f"{len(self.episodes(path))} of {count}: {self.landing(path)}")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, clip: Clip) -> Iterator[Watched]:
    base = tmp_path_factory.mktemp("intake")
    folder = base / "recordings"
    folder.mkdir()
    shutil.copy(clip(90), folder / "there-before.mp4")
    config = Config.of(base / "data", recordings=(folder,))
    config.data.mkdir()
    said: list[str] = []
    stop = threading.Event()
    intake = Intake(config, workers=2, quiet=QUIET, say=said.append)
    thread = threading.Thread(target=intake.run, args=(stop,))
    thread.start()
    record = open_record(config.record)
    yield Watched(folder, config, record, said)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    record.close()


def test_what_was_there_before_is_screened(watched: Watched) -> None:
    (episode,) = watched.wait(watched.folder / "there-before.mp4")
    assert (episode.verdict, episode.decision, episode.error) == ("good", "accepted", None)
    assert (watched.config.data / str(episode.measurements) / "measurements.json").is_file()
    assert (watched.config.data / str(episode.measurements) / "video.jpg").is_file()
    with watched.record.read() as session:
        (stream,) = session.scalars(select(Stream).where(Stream.episode_id == episode.id))
    assert (stream.name, stream.count, stream.file) == ("video", 90, episode.path)


def test_what_lands_later_is_screened_also_deep_down(watched: Watched, clip: Clip) -> None:
    path = watched.folder / "site" / "rig" / "take.mp4"
    path.parent.mkdir(parents=True)
    shutil.copy(clip(1), path)
    (episode,) = watched.wait(path)
    assert episode.verdict == "good"
    assert episode.judged_at > episode.landed_at


def test_a_folder_moved_in_is_screened_whatever_its_age(watched: Watched, clip: Clip) -> None:
    made = watched.folder.parent / "made"
    made.mkdir()
    shutil.copy(clip(2), made / "take.mp4")
    os.utime(made / "take.mp4", (10**9, 10**9))
    before = time.time()
    made.rename(watched.folder / "moved-in")
    (episode,) = watched.wait(watched.folder / "moved-in" / "take.mp4")
    assert episode.landed_at.timestamp() >= before - 0.1
    assert episode.started_at.timestamp() == pytest.approx(10**9 - 3, abs=0.1)


def test_the_same_file_twice_is_one_recording_and_said_to_be(watched: Watched, clip: Clip) -> None:
    first = watched.folder / "first.mp4"
    shutil.copy(clip(3), first)
    (original,) = watched.wait(first)
    again = watched.folder / "again.mp4"
    shutil.copy(clip(3), again)
    (copy,) = watched.wait(again)
    assert (copy.duplicate_of, copy.decision) == (original.id, "rejected")
    assert any(f"the same recording as episode {original.id}" in line for line in watched.said)


def test_a_file_that_comes_in_pieces_is_screened_once_and_whole(
    watched: Watched, clip: Clip
) -> None:
    content = clip(4).read_bytes()
    path = watched.folder / "slow.mp4"
    with path.open("wb") as file:
        for at in range(0, len(content), len(content) // 4 + 1):
            file.write(content[at : at + len(content) // 4 + 1])
            file.flush()
            time.sleep(1.0)  # longer than the usual quiet, shorter than patience
    (episode,) = watched.wait(path)
    assert (episode.verdict, episode.error) == ("good", None)


def test_other_content_at_the_same_path_is_another_episode(watched: Watched, clip: Clip) -> None:
    path = watched.folder / "overwritten.mp4"
    shutil.copy(clip(5), path)
    watched.wait(path)
    passing = watched.folder / ".overwritten.mp4.new"
    shutil.copy(clip(6), passing)
    passing.rename(path)
    until = time.monotonic() + 30
    while len(watched.episodes(path)) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    first, second = watched.wait(path, 2)
    assert first.content != second.content
    assert second.duplicate_of is None


def test_a_touched_file_is_not_entered_again(watched: Watched, clip: Clip) -> None:
    path = watched.folder / "touched.mp4"
    shutil.copy(clip(7), path)
    watched.wait(path)
    before = watched.landing(path)
    os.utime(path)
    until = time.monotonic() + 20
    while watched.landing(path).fingerprint == before.fingerprint:  # type: ignore[union-attr]
        assert time.monotonic() < until
        time.sleep(0.05)
    watched.wait(path, 1)


def test_metadata_that_lands_after_its_video_is_taken_on(watched: Watched, clip: Clip) -> None:
    path = watched.folder / "late.mp4"
    shutil.copy(clip(8), path)
    (episode,) = watched.wait(path)
    assert episode.task_id is None
    path.with_name("late.mp4.json").write_text(json.dumps({"task": "open-jar", "worker": "w-7"}))
    until = time.monotonic() + 20
    while watched.episodes(path)[0].task_id is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    (episode,) = watched.wait(path)
    assert (episode.task_id, episode.worker_id) == ("open-jar", "w-7")


def test_a_series_that_lands_long_after_the_metadata_that_names_it_is_read(
    watched: Watched, clip: Clip
) -> None:
    path = watched.folder / "lacking.mp4"
    series = [{"name": "gyro", "file": "gyro/lacking.csv", "time": "t"}]
    path.with_name("lacking.json").write_text(json.dumps({"series": series}))
    shutil.copy(clip(14), path)
    (episode,) = watched.wait(path)
    assert ("missing_stream", "fail") in watched.checks(episode)
    (path.parent / "gyro").mkdir()
    rows = "".join(f"{at / 50},{at}\n" for at in range(150))
    (path.parent / "gyro/lacking.csv").write_text("t,x\n" + rows)
    until = time.monotonic() + 20
    while watched.checks(episode):
        assert time.monotonic() < until
        time.sleep(0.05)
    (episode,) = watched.wait(path)
    assert (episode.verdict, episode.error) == ("good", None)
    with watched.record.read() as session:
        names = session.scalars(select(Stream.name).where(Stream.episode_id == episode.id))
        assert set(names) == {"video", "gyro"}


def test_a_series_that_lands_after_its_video_makes_no_second_episode(
    watched: Watched, clip: Clip
) -> None:
    path = watched.folder / "alone.mp4"
    shutil.copy(clip(16), path)
    (before,) = watched.wait(path)
    path.with_name("alone.csv").write_text("t,x\n" + "".join(f"{at / 50},1\n" for at in range(150)))
    path.with_name("alone.json").write_text('{"task": "egg", "series": [{"file": "alone.csv"}]}')
    until = time.monotonic() + 20
    while watched.episodes(path)[0].task_id is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    (after,) = watched.wait(path)
    assert after.id == before.id
    assert after.content != before.content


def test_a_recording_that_is_renamed_is_the_same_episode(watched: Watched, clip: Clip) -> None:
    old, new = watched.folder / "old-name.mp4", watched.folder / "sorted" / "new-name.mp4"
    shutil.copy(clip(15), old)
    (before,) = watched.wait(old)
    new.parent.mkdir()
    old.rename(new)
    (after,) = watched.wait(new)
    assert (after.id, after.duplicate_of, after.decision) == (before.id, None, "accepted")
    assert watched.episodes(old) == []
    new.rename(old)
    (back,) = watched.wait(old)
    assert back.id == before.id


def test_a_file_whose_copy_stopped_half_way_leaves_no_failure_behind_when_it_is_whole(
    watched: Watched, clip: Clip
) -> None:
    whole, path = clip(17).read_bytes(), watched.folder / "halting.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    (before,) = watched.wait(path)
    assert (before.verdict, before.decision) == ("fail", "rejected")
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    until = time.monotonic() + 20
    while watched.episodes(path)[0].error is not None:
        assert time.monotonic() < until
        time.sleep(0.05)
    (after,) = watched.wait(path)
    assert (after.id, after.verdict, after.decision) == (before.id, "good", "accepted")


@pytest.mark.parametrize("name", ["empty.mp4", "garbage.mp4", "cut.mkv", "text.webm"])
def test_a_file_nobody_can_read_is_a_failure_that_says_which(
    watched: Watched, clip: Clip, name: str
) -> None:
    content = {
        "empty.mp4": b"",
        "garbage.mp4": bytes(range(256)) * 20,
        "cut.mkv": clip(9).read_bytes()[:5000],
        "text.webm": b"this is no video",
    }[name]
    path = watched.folder / name
    path.write_bytes(content)
    (episode,) = watched.wait(path)
    assert (episode.verdict, episode.decision) == ("fail", "rejected")
    assert name in str(episode.error)
    assert ("corrupt_stream", "fail") in watched.checks(episode)
    landing = watched.landing(path)
    assert landing is not None
    assert (landing.state, landing.error) == ("failed", episode.error)


def test_a_dataset_that_grows_has_each_episode_once(watched: Watched) -> None:
    dataset = watched.folder / "dataset"
    for count in (1, 2, 4):
        for index in range(count // 2, count):
            add_episode(dataset, index, seconds=1.5, seed=500)
        until = time.monotonic() + 40
        while len(watched.episodes(dataset)) < count:
            assert time.monotonic() < until
            time.sleep(0.05)
    episodes = watched.wait(dataset, 4)
    assert sorted(episode.index for episode in episodes) == [0, 1, 2, 3]
    assert len({episode.content for episode in episodes}) == 4
    assert {episode.duplicate_of for episode in episodes} == {None}


def test_an_episode_waits_for_its_video_and_then_is_reported(watched: Watched) -> None:
    made = watched.folder.parent / "halves"
    for index in range(2):
        add_episode(made, index, seconds=1.5, seed=700)
    video = made / f"videos/chunk-000/{CAMERA}/episode_000001.mp4"
    video.rename(watched.folder.parent / "kept.mp4")
    landed = time.monotonic()
    made.rename(watched.folder / "halves")
    whole, lacking = watched.wait(watched.folder / "halves", 2)
    assert time.monotonic() - landed > QUIET.patience - 1
    assert (whole.index, whole.error) == (0, None)
    assert (lacking.index, lacking.verdict) == (1, "fail")
    assert ("missing_stream", "fail") in watched.checks(lacking)


def test_a_recording_folder_waits_for_the_streams_it_names(watched: Watched, clip: Clip) -> None:
    folder = watched.folder / "take-1"
    folder.mkdir()
    named = {
        "cameras": [{"name": "head", "file": "head.mp4"}, {"name": "hand", "file": "hand.mp4"}]
    }
    (folder / "recording.json").write_text(json.dumps(named))
    shutil.copy(clip(10), folder / "head.mp4")
    time.sleep(1.5)
    assert watched.episodes(folder) == []
    shutil.copy(clip(11), folder / "hand.mp4")
    (episode,) = watched.wait(folder)
    assert episode.error is None
    assert not {check for check, _ in watched.checks(episode)} & {"missing_stream"}


def test_files_on_their_way_are_left_alone(watched: Watched, clip: Clip) -> None:
    for name in (".take.mp4.x7", "take.mp4.part"):
        shutil.copy(clip(12), watched.folder / name)
    time.sleep(1.5)
    with watched.record.read() as session:
        paths = set(session.scalars(select(Landing.path)))
    assert not {path for path in paths if "x7" in path or path.endswith(".part")}


def test_a_file_removed_before_it_was_whole_leaves_no_landing(watched: Watched, clip: Clip) -> None:
    path = watched.folder / "withdrawn.mp4"
    path.write_bytes(clip(13).read_bytes()[:3000])
    until = time.monotonic() + 10
    while watched.landing(path) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    path.unlink()
    while watched.landing(path) is not None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_changed_path_belongs_to_the_recording_that_holds_it(tmp_path: Path, clip: Clip) -> None:
    add_episode(tmp_path / "set", 0)
    video = tmp_path / "one" / "take.mp4"
    video.parent.mkdir()
    shutil.copy(clip(0), video)
    video.with_name("take.json").write_text("{}")
    folders = (tmp_path,)
    assert recordings_of(tmp_path / "set" / "meta" / "info.json", folders) == [tmp_path / "set"]
    assert recordings_of(tmp_path / "set", folders) == [tmp_path / "set"]
    assert recordings_of(video, folders) == [video]
    assert recordings_of(video.with_name("take.json"), folders) == [video]
    assert recordings_of(video.parent, folders) == [video]
    assert recordings_of(tmp_path / "one" / "gone.mp4", folders) == []
    assert recordings_of(tmp_path / "gone" / "take.json", folders) == []
    assert recordings_of(tmp_path / ".hidden" / "take.mp4", folders) == []
    assert recordings_of(Path("/elsewhere/take.mp4"), folders) == []
