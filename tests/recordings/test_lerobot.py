"""LeRobot datasets: what their metadata says, against what lies there."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path
from typing import Any

import made
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.recordings import UnknownFormat, absent_at, episodes_at, fingerprint
from dailies.recordings.contract import Episode, StillsFile, VideoFile
from dailies.recordings.lerobot import is_on_grid

TOP = "observation.images.top"
SAMPLES = Path(os.environ.get("DAILIES_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))


def told(episode: Episode) -> list[tuple[str, str | None]]:
    """The problems of an episode, as check and stream."""
    return [(problem.check, problem.stream) for problem in episode.problems]


def change_info(root: Path, **changes: Any) -> None:
    """Replace keys of meta/info.json."""
    path = root / "meta" / "info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_v2_has_a_file_an_episode(old: Path) -> None:
    first, second, _ = episodes_at(old)
    assert first.format == "lerobot-v2.1"
    assert first.metadata.task == "fold laundry"
    assert first.declared_duration_s == 1.0
    assert first.cameras[0].source == VideoFile(
        old / f"videos/chunk-000/{TOP}/episode_000000.mp4", 0.0, None
    )
    assert (second.cameras[0].declared_count, second.cameras[0].declared_rate_hz) == (24, 30.0)


def test_v2_0_is_told_from_v2_1(tmp_path: Path) -> None:
    (episode,) = episodes_at(made.lerobot_v2(tmp_path / "x", version="v2.0", lengths=(12,)))
    assert episode.format == "lerobot-v2.0"


def test_v3_shares_a_video_by_stretches(new: Path) -> None:
    video = new / f"videos/{TOP}/chunk-000/file-000.mp4"
    sources = [episode.cameras[0].source for episode in episodes_at(new)]
    assert sources == [
        VideoFile(video, 0.0, 1.0), VideoFile(video, 1.0, 1.8), VideoFile(video, 1.8, 3.0)
    ]  # fmt: skip


@pytest.mark.parametrize("is_one_row_group", [True, False])
def test_v3_gives_each_episode_its_own_rows(tmp_path: Path, is_one_row_group: bool) -> None:
    root = made.lerobot_v3(tmp_path / "x", cameras=(), is_one_row_group=is_one_row_group)
    for episode, count in zip(episodes_at(root), (30, 24, 36), strict=True):
        state = episode.series[0]
        assert state.name == "observation.state"
        np.testing.assert_array_equal(state.values, made.joints(count, seed=episode.index))
        assert state.times_ns[-1] == round((count - 1) * 1e9 / 30)


def test_series_have_their_roles_and_the_names_of_their_joints(dataset: Path) -> None:
    state, action, done = next(episodes_at(dataset)).series
    assert (state.role, state.columns) == ("state", ("shoulder", "elbow", "wrist"))
    assert (action.role, action.columns) == ("action", ("left", "right"))
    assert (done.name, done.role, done.values[-1, 0]) == ("next.done", "other", 1.0)
    assert (state.declared_count, state.declared_rate_hz) == (30, 30.0)


@pytest.mark.parametrize(
    ("state", "action"),
    [("state", "actions"), ("observation.states", "action"), ("qpos", "actions")],
)
def test_roles_are_known_by_the_names_that_others_give(
    tmp_path: Path, state: str, action: str
) -> None:
    root = made.lerobot_v2(tmp_path / "other", lengths=(30,))
    names = {"observation.state": state, "action": action}
    for path in root.glob("data/*/*.parquet"):
        table = pq.read_table(path)
        table = table.rename_columns([names.get(name, name) for name in table.column_names])
        pq.write_table(table, path)
    features = json.loads((root / "meta" / "info.json").read_text())["features"]
    change_info(root, features={names.get(name, name): one for name, one in features.items()})
    (episode,) = episodes_at(root)
    assert {one.name: one.role for one in episode.series} == {
        state: "state",
        action: "action",
        "next.done": "other",
    }


def test_a_list_of_tasks_that_is_damaged_is_told_of(tmp_path: Path) -> None:
    root = made.lerobot_v2(tmp_path / "x", lengths=(12,))
    list_of_tasks = root / "meta" / "tasks.jsonl"
    list_of_tasks.write_bytes(list_of_tasks.read_bytes()[:-9])
    (episode,) = episodes_at(root)
    (problem,) = episode.problems
    assert problem.check == "corrupt_stream"
    assert f"{list_of_tasks}, line 1: names no task" in problem.message
    list_of_tasks.write_text(made.LFS_POINTER)
    (episode,) = episodes_at(root)
    (problem,) = episode.problems
    assert "git lfs pull" in problem.message


def test_stills_of_a_shared_table_are_named_by_row(tmp_path: Path) -> None:
    root = made.lerobot_v3(tmp_path / "x", cameras=(), stills="observation.images.eye")
    second = list(episodes_at(root))[1]
    data = root / "data/chunk-000/file-000.parquet"
    assert second.cameras[0].source == StillsFile(data, "observation.images.eye", 30, 54)
    cell = pq.read_table(data).column("observation.images.eye")[30].as_py()
    assert cell["bytes"] == made.still(0, seed=1)


def write_timestamps(root: Path, seconds: np.ndarray) -> None:
    path = root / "data/chunk-000/episode_000000.parquet"
    made.write_table(path, made.rows(0, len(seconds), timestamps=seconds))


def test_timestamps_made_from_the_frame_index_are_a_grid(old: Path) -> None:
    assert {series.clock for series in next(episodes_at(old)).series} == {"grid"}


def test_timestamps_of_a_clock_that_ran_are_measured_and_kept(old: Path) -> None:
    """A clock that starts 31 ms after the first picture and loses 200 ms in the middle."""
    seconds = np.arange(30) / 30 + 0.031 + np.where(np.arange(30) < 15, 0, 0.2)
    write_timestamps(old, seconds)
    state = next(episodes_at(old)).series[0]
    assert state.clock == "measured"
    np.testing.assert_allclose(state.times_ns, seconds * 1e9, atol=200)


def test_a_half_millisecond_of_jitter_is_no_grid() -> None:
    frames = np.arange(300)
    even = np.round(frames / 30 * 1e9).astype(np.int64)
    jitter = np.random.default_rng(1).integers(-500_000, 500_000, 300)
    assert is_on_grid(even, frames, 30)
    assert not is_on_grid(even + jitter, frames, 30)


def test_an_hour_of_float32_timestamps_is_still_a_grid() -> None:
    frames = np.arange(108_000)
    seconds = (frames / 30).astype(np.float32)
    assert is_on_grid(np.rint(seconds.astype(np.float64) * 1e9).astype(np.int64), frames, 30)


def test_timestamps_since_1970_start_at_zero(old: Path) -> None:
    seconds = 1_700_000_000.0 + np.arange(30) / 30 + np.where(np.arange(30) < 15, 0, 0.2)
    path = old / "data/chunk-000/episode_000000.parquet"
    table = made.rows(0, 30)
    at = table.schema.get_field_index("timestamp")
    made.write_table(path, table.set_column(at, "timestamp", pa.array(seconds)))
    assert next(episodes_at(old)).series[0].times_ns[0] == 0


def test_time_that_runs_backwards_is_told_of_once_and_put_in_order(old: Path) -> None:
    seconds = np.arange(30) / 30 + np.where(np.arange(30) == 20, -0.5, 0)
    write_timestamps(old, seconds)
    episode = next(episodes_at(old))
    assert told(episode) == [("corrupt_stream", None)]
    assert "backwards once, first by 0.466667 s at row 21" in episode.problems[0].message
    assert (np.diff(episode.series[0].times_ns) >= 0).all()


def test_lost_rows_are_told_of(old: Path) -> None:
    """Rows 10 to 12 are cut out of the table: frame_index goes from 9 to 13."""
    path = old / "data/chunk-000/episode_000000.parquet"
    whole = made.rows(0, 30)
    made.write_table(path, pa.concat_tables([whole.slice(0, 10), whole.slice(13)]))
    episode = next(episodes_at(old))
    assert told(episode) == [("count_mismatch", None)]
    assert "frame_index goes from 9 to 13" in episode.problems[0].message


def test_a_missing_video_is_told_of_and_the_series_are_read(old: Path) -> None:
    (old / f"videos/chunk-000/{TOP}/episode_000001.mp4").unlink()
    first, second, third = episodes_at(old)
    assert (told(first), told(third)) == ([], [])
    assert told(second) == [("missing_stream", TOP)]
    assert second.cameras[0].source is None
    assert len(second.series) == 3
    message = second.problems[0].message
    assert "episode_000001.mp4 is not there" in message
    assert "meta/episodes.jsonl (episode 1)" in message


@pytest.mark.parametrize("folder", ["videos", "data"])
def test_files_in_a_folder_of_another_name_are_read_and_told_of(dataset: Path, folder: str) -> None:
    lying = dataset / f"{folder}_of_march"
    (dataset / folder).rename(lying)
    whole = list(episodes_at(dataset))
    for episode in whole:
        assert told(episode) == [("count_mismatch", None)]
        assert episode.cameras[0].source is not None
        assert len(episode.series) == 3
        (problem,) = episode.problems
        assert f"there is no folder {folder}; such files lie in {lying.name}" in problem.message
        assert "rename that folder" in problem.message
    known = [fingerprint(one) for one in whole]
    lying.rename(dataset / folder)
    assert [fingerprint(one) for one in episodes_at(dataset)] == known


def test_of_two_folders_that_could_be_meant_none_is_taken(old: Path) -> None:
    shutil.copytree(old / "videos", old / "videos_1")
    (old / "videos").rename(old / "videos_2")
    episode = next(episodes_at(old))
    assert told(episode) == [("missing_stream", TOP)]
    assert episode.cameras[0].source is None


def test_a_file_that_is_missing_is_not_looked_for_in_folders_beside_its_own(old: Path) -> None:
    shutil.copytree(old / "videos", old / "videos_small")
    (old / f"videos/chunk-000/{TOP}/episode_000001.mp4").unlink()
    assert [told(one) for one in episodes_at(old)] == [[], [("missing_stream", TOP)], []]


def test_a_missing_table_is_told_of_and_the_video_is_kept(old: Path) -> None:
    (old / "data/chunk-000/episode_000001.parquet").unlink()
    second = list(episodes_at(old))[1]
    assert told(second) == [("missing_stream", None)]
    assert second.cameras[0].source is not None
    assert second.series == ()


def test_an_episode_that_was_not_copied_at_all_is_left_out_and_can_be_asked_for(old: Path) -> None:
    (old / "data/chunk-000/episode_000001.parquet").unlink()
    (old / f"videos/chunk-000/{TOP}/episode_000001.mp4").unlink()
    assert [episode.index for episode in episodes_at(old)] == [0, 2]
    assert absent_at(old) == (1,)


def test_a_dataset_of_which_only_the_metadata_was_copied_says_so(dataset: Path) -> None:
    shutil.rmtree(dataset / "data")
    shutil.rmtree(dataset / "videos")
    (episode,) = episodes_at(dataset)
    assert told(episode) == [("missing_stream", None)]
    assert "lists 3 episodes, of which no file is here" in episode.problems[0].message


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (made.LFS_POINTER.encode(), "Git LFS pointer")],
)
def test_a_video_that_is_none_is_told_of(old: Path, content: bytes, words: str) -> None:
    (old / f"videos/chunk-000/{TOP}/episode_000000.mp4").write_bytes(content)
    episode = next(episodes_at(old))
    assert told(episode) == [("corrupt_stream", TOP)]
    assert words in episode.problems[0].message


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", made.LFS_POINTER.encode()])
def test_without_info_json_the_files_are_read_by_what_they_show(
    dataset: Path, content: bytes | None
) -> None:
    path = dataset / "meta" / "info.json"
    path.unlink() if content is None else path.write_bytes(content)
    episodes = list(episodes_at(dataset))
    assert [episode.index for episode in episodes] == [0, 1, 2]
    for episode in episodes:
        assert [check for check, _ in told(episode)] == [
            "missing_stream" if content is None else "corrupt_stream"
        ]
        assert [camera.name for camera in episode.cameras] == [TOP]
        assert "observation.state" in {series.name for series in episode.series}
        assert episode.cameras[0].declared_rate_hz == pytest.approx(30, rel=1e-4)


def test_a_version_that_nobody_knows_is_told_of_and_read_by_its_files(dataset: Path) -> None:
    change_info(dataset, codebase_version="v7.3")
    for episode in episodes_at(dataset):
        assert told(episode) == [("corrupt_stream", None)]
        assert '"codebase_version" is "v7.3"' in episode.problems[0].message
        assert episode.series


def test_a_version_that_the_files_belie_is_told_of(old: Path) -> None:
    change_info(old, codebase_version="v3.0")
    episode = next(episodes_at(old))
    assert episode.format == "lerobot-v2.1"
    assert "the files lie as in v2.1" in episode.problems[0].message


@pytest.mark.parametrize("fps", [0, -30, "thirty", None, True, [30], 1e400])
def test_an_impossible_fps_is_told_of_and_seen_from_the_times(old: Path, fps: object) -> None:
    change_info(old, fps=fps)
    episode = next(episodes_at(old))
    assert told(episode) == [("corrupt_stream", None)]
    assert episode.declared_duration_s == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("template", ["../../{episode_index}.parquet", "/etc/{x}", "{", "{a.b}", 5])
def test_a_path_that_leads_out_of_the_dataset_is_refused(old: Path, template: object) -> None:
    change_info(old, data_path=template)
    episode = next(episodes_at(old))
    if template == 5:  # written as a string: a file named 5, which is not there
        assert told(episode) == [("count_mismatch", None)]
    else:
        assert told(episode) == [("corrupt_stream", None)]
        assert "gives no file inside the dataset" in episode.problems[0].message


def test_a_path_of_fields_that_its_version_does_not_know_is_told_of_and_read(old: Path) -> None:
    video_path = "videos/chunk-{chunk_index:03d}/{video_key}/episode_{episode_index:06d}.mp4"
    change_info(old, video_path=video_path)
    for episode in episodes_at(old):
        assert told(episode) == [("corrupt_stream", None)]
        assert '"video_path" is "videos/chunk-{chunk_index' in episode.problems[0].message
        assert episode.series
        assert episode.cameras[0].source is not None


def test_files_in_another_chunk_than_is_said_are_told_of_and_read(old: Path) -> None:
    change_info(old, chunks_size=2)
    first, second, third = episodes_at(old)
    assert (told(first), told(second)) == ([], [])
    assert told(third) == [("count_mismatch", None), ("count_mismatch", TOP)]
    assert "chunk-001" in third.problems[0].message
    assert third.series[0].times_ns.size == 27
    source = third.cameras[0].source
    assert isinstance(source, VideoFile)
    assert source.path.parts[-3] == "chunk-000"


def test_where_no_file_is_found_the_reason_is_told(old: Path) -> None:
    shutil.rmtree(old / "videos")
    shutil.rmtree(old / "data")
    change_info(old, data_path="data/{chunk}.parquet")
    episode = next(episodes_at(old))
    assert told(episode) == [("corrupt_stream", None), ("missing_stream", None)]


def test_an_episode_that_is_listed_twice_is_told_of(old: Path) -> None:
    path = old / "meta" / "episodes.jsonl"
    path.write_text(path.read_text() * 2)
    assert [told(episode) for episode in episodes_at(old)] == [[("count_mismatch", None)]] * 3


def test_a_line_that_cannot_be_read_leaves_its_episode_unlisted_but_read(old: Path) -> None:
    path = old / "meta" / "episodes.jsonl"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], rows[1][:12], rows[2]]))
    first, second, third = episodes_at(old)
    assert (told(first), told(third)) == ([], [])
    assert told(second) == [("corrupt_stream", None), ("count_mismatch", None)]
    assert "line 2" in second.problems[0].message
    assert second.series[0].declared_count is None


@pytest.mark.parametrize("text", ["", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])
def test_a_list_that_is_no_list_is_told_of_and_its_episodes_read(old: Path, text: str) -> None:
    (old / "meta" / "episodes.jsonl").write_text(text)
    for episode in episodes_at(old):
        assert told(episode) == [("corrupt_stream", None)]
        assert ("is empty" if not text else "Git LFS pointer") in episode.problems[0].message
        assert episode.series
    shutil.rmtree(old / "videos")
    shutil.rmtree(old / "data")
    assert told(next(episodes_at(old))) == [("corrupt_stream", None), ("missing_stream", None)]


def test_a_clone_without_its_large_files_says_so(new: Path) -> None:
    for path in (*new.rglob("*.parquet"), *new.rglob("*.mp4")):
        path.write_bytes(made.LFS_POINTER.encode())
    (episode,) = episodes_at(new)
    assert told(episode) == [("corrupt_stream", None), ("missing_stream", None)]
    assert "Git LFS pointer" in episode.problems[0].message
    assert "shows no episode, though" in episode.problems[1].message
    assert "info.json promises 3" in episode.problems[1].message


def test_an_episode_that_no_list_has_is_not_said_to_be_listed(old: Path) -> None:
    listed = old / "meta" / "episodes.jsonl"
    listed.write_text("".join(listed.read_text().splitlines(keepends=True)[:2]))
    (old / "data/chunk-000/episode_000002.parquet").unlink()
    *_, third = episodes_at(old)
    assert told(third) == [("count_mismatch", None), ("missing_stream", None)]
    assert "episodes.jsonl does not list this episode" in third.problems[0].message
    assert "though meta/info.json (episode 2) names it" in third.problems[1].message


def test_a_table_of_another_episode_is_told_of(old: Path) -> None:
    data = old / "data/chunk-000"
    shutil.copy(data / "episode_000002.parquet", data / "episode_000000.parquet")
    first = next(episodes_at(old))
    assert told(first) == [("count_mismatch", None)]
    assert "should hold episode 0, but its rows say 2" in first.problems[0].message


def test_lists_of_different_length_are_told_of_by_row(old: Path) -> None:
    path = old / "data/chunk-000/episode_000000.parquet"
    table = made.rows(0, 30)
    ragged = [[0.0, 0.0, 0.0]] * 7 + [[0.0]] + [[0.0, 0.0, 0.0]] * 22
    at = table.schema.get_field_index("observation.state")
    made.write_table(path, table.set_column(at, "observation.state", pa.array(ragged)))
    episode = next(episodes_at(old))
    assert told(episode) == [("corrupt_stream", "observation.state")]
    assert "row 8 holds 1 numbers" in episode.problems[0].message


def test_a_column_that_is_promised_and_missing_is_told_of(old: Path) -> None:
    path = old / "data/chunk-000/episode_000000.parquet"
    made.write_table(path, made.rows(0, 30).drop_columns(["action"]))
    assert told(next(episodes_at(old))) == [("missing_stream", "action")]


def change_listed(root: Path, index: int, **changes: Any) -> None:
    """Replace values of one row of a v3 dataset's list of episodes."""
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    listed = pq.read_table(path).to_pylist()
    listed[index] |= changes
    made.write_table(path, pa.Table.from_pylist(listed))


def test_v3_a_length_that_the_rows_belie_is_told_of(new: Path) -> None:
    change_listed(new, 1, length=44)
    assert told(list(episodes_at(new))[1]) == [("count_mismatch", TOP), ("count_mismatch", None)]


def stretch(root: Path, index: int) -> tuple[float, float | None]:
    """The part of its shared video that is an episode's [s]."""
    source = list(episodes_at(root))[index].cameras[0].source
    assert isinstance(source, VideoFile)
    return source.start_s, source.end_s


@pytest.mark.parametrize("index", [0, 1, 2])
def test_v3_a_stretch_that_ends_with_its_last_pictures_time_shows_that_picture(
    new: Path, index: int
) -> None:
    start_s, end_s = stretch(new, index)
    assert end_s is not None
    change_listed(new, index, **{f"videos/{TOP}/to_timestamp": end_s - 1 / 30})
    assert stretch(new, index) == pytest.approx((start_s, end_s))
    assert told(list(episodes_at(new))[index]) == []


def test_v3_no_stretch_takes_the_picture_with_which_the_next_one_begins(new: Path) -> None:
    change_listed(new, 0, **{f"videos/{TOP}/to_timestamp": 29 / 30})
    change_listed(new, 1, **{f"videos/{TOP}/from_timestamp": 29 / 30})
    assert stretch(new, 0) == pytest.approx((0, 29 / 30))


def test_v3_a_stretch_that_is_none_is_told_of(new: Path) -> None:
    change_listed(new, 1, **{f"videos/{TOP}/to_timestamp": 0.5})
    second = list(episodes_at(new))[1]
    assert told(second) == [("corrupt_stream", TOP)]
    assert second.cameras[0].source is None


def test_v3_a_video_that_no_row_names_is_told_of(new: Path) -> None:
    change_listed(new, 1, **{f"videos/{TOP}/file_index": None})
    assert told(list(episodes_at(new))[1]) == [("missing_stream", TOP)]


def test_v3_without_its_list_the_tables_show_the_episodes(new: Path) -> None:
    (new / "meta/episodes/chunk-000/file-000.parquet").write_bytes(b"PAR1 nothing")
    episodes = list(episodes_at(new))
    assert [episode.index for episode in episodes] == [0, 1, 2]
    for episode in episodes:
        assert told(episode) == [("corrupt_stream", None), ("missing_stream", TOP)]
        assert len(episode.series) == 3
    assert len({fingerprint(episode) for episode in episodes}) == 3


def test_dailies_json_says_who_for_all_and_for_one(dataset: Path) -> None:
    made.write_json(
        dataset / "meta" / "dailies.json",
        {
            "worker": "w-1",
            "site": "lisbon",
            "episodes": {
                "1": {
                    "worker": "w-2",
                    "started_at": "2026-03-02T09:15:00+01:00",
                    "steps": [{"label": "fold", "start_s": 0.1, "end_s": 0.5}],
                }
            },
        },
    )
    first, second, _ = (episode.metadata for episode in episodes_at(dataset))
    assert (first.worker, first.site, first.task) == ("w-1", "lisbon", "fold laundry")
    assert (second.worker, second.site) == ("w-2", "lisbon")
    assert second.started_at == dt.datetime(2026, 3, 2, 8, 15, tzinfo=dt.UTC)
    assert second.steps[0].end_ns == 500_000_000


def test_a_wrong_worker_is_told_of_in_its_own_episode_only(dataset: Path) -> None:
    path = dataset / "meta" / "dailies.json"
    made.write_json(path, {"episodes": {"1": {"worker": ["w-2"]}}})
    assert [told(episode) for episode in episodes_at(dataset)] == [
        [], [("corrupt_stream", None)], []
    ]  # fmt: skip


def test_who_recorded_an_episode_does_not_change_its_fingerprint(dataset: Path) -> None:
    before = [fingerprint(episode) for episode in episodes_at(dataset)]
    made.write_json(dataset / "meta" / "dailies.json", {"worker": "w-9"})
    assert [fingerprint(episode) for episode in episodes_at(dataset)] == before


def test_a_folder_that_holds_no_dataset_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    with pytest.raises(UnknownFormat, match="is no recording"):
        episodes_at(tmp_path)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples here")
def test_the_real_arm_has_clocks_that_ran() -> None:
    episodes = list(episodes_at(SAMPLES / "lerobot_dobot_cr5_v2.1"))
    assert [told(episode) for episode in episodes] == [[]] * 12
    assert {series.clock for episode in episodes for series in episode.series} == {"measured"}
    gaps = [np.diff(episode.series[0].times_ns).max() / 1e6 for episode in episodes]
    assert max(gaps) > 250


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples here")
def test_the_real_humanoid_lacks_two_videos() -> None:
    episodes = list(episodes_at(SAMPLES / "lerobot_unitree_g1_v2.1"))
    lacking = [episode.index for episode in episodes if told(episode)]
    assert lacking == [0, 3]
    assert {series.clock for episode in episodes for series in episode.series} == {"grid"}
