"""What a LeRobot dataset says of its rows, parts and totals, where rows and files say otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_lerobot import change_info, change_listed, told

from dailies.recordings import episodes_at
from dailies.recordings.lerobot_info import read_info
from dailies.recordings.lerobot_listing import list_episodes

TOP = "observation.images.top"
FROM, TO = f"videos/{TOP}/from_timestamp", f"videos/{TOP}/to_timestamp"
SHARED = "data/chunk-000/file-000.parquet"
LIST = "meta/episodes/chunk-000/file-000.parquet"


def change_rows(root: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write every table of a dataset anew."""
    for path in root.glob("data/*/*.parquet"):
        made.write_table(path, change(pq.read_table(path)))


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def late(seconds: float) -> Callable[[pa.Table], pa.Table]:
    """Timestamps that start so much later, in float64."""
    return lambda table: with_column(
        table, "timestamp", table["timestamp"].to_numpy().astype(float) + seconds
    )


def messages(root: Path) -> list[str]:
    """What is wrong with the first episode."""
    return [problem.message for problem in next(episodes_at(root)).problems]


@pytest.mark.parametrize("seconds", [1.0, -0.5, 1.7e9, 0.02])
def test_timestamps_that_do_not_start_at_0_are_told_of(dataset: Path, seconds: float) -> None:
    change_rows(dataset, late(seconds))
    for episode in episodes_at(dataset):
        assert told(episode) == [("corrupt_stream", None)]
        assert f"starts at {seconds:.3f} s and not at 0" in episode.problems[0].message
        assert episode.series[0].times_ns[0] == 0


def test_timestamps_that_run_on_through_a_shared_file_are_told_of(new: Path) -> None:
    change_rows(new, lambda table: with_column(table, "timestamp", np.arange(90) / 30))
    assert [told(one) for one in episodes_at(new)] == [
        [], [("corrupt_stream", None)], [("corrupt_stream", None)]
    ]  # fmt: skip


def test_timestamps_less_than_half_a_picture_late_are_no_fault(dataset: Path) -> None:
    change_rows(dataset, late(0.016))
    assert [told(one) for one in episodes_at(dataset)] == [[]] * 3


def test_timestamps_that_start_late_harm_no_dataset_without_videos(tmp_path: Path) -> None:
    root = made.lerobot_v3(tmp_path / "x", cameras=())
    change_rows(root, late(4.0))
    assert [told(one) for one in episodes_at(root)] == [[]] * 3


@pytest.mark.parametrize(("seconds", "is_told"), [(0.06, False), (0.9, False), (1.5, True)])
def test_a_clock_that_ran_may_start_a_little_late(old: Path, seconds: float, is_told: bool) -> None:
    jitter = np.random.default_rng(1).uniform(0, 0.004, 30)
    path = old / "data/chunk-000/episode_000000.parquet"
    made.write_table(path, made.rows(0, 30, timestamps=np.arange(30) / 30 + jitter + seconds))
    episode = next(episodes_at(old))
    assert episode.series[0].clock == "measured"
    assert told(episode) == [("corrupt_stream", None)] * is_told


def test_v3_parts_of_a_video_that_overlap_are_told_of(new: Path) -> None:
    """Episode 1 lies from 1.0 to 1.8 s; episode 2 is said to begin at 1.5 s."""
    change_listed(new, 2, **{FROM: 1.5, TO: 2.7})
    first, second, third = episodes_at(new)
    assert told(first) == []
    assert told(second) == told(third) == [("count_mismatch", TOP)]
    message = third.problems[0].message
    assert f"episode 2, {TOP}" in message
    assert "overlaps that of episode 1, 1.000 to 1.800 s, by 0.300 s" in message
    assert "overlaps that of episode 2, 1.500 to 2.700 s" in second.problems[0].message


def test_v3_parts_that_are_the_same_are_told_of(new: Path) -> None:
    for index, length in enumerate((30, 24, 36)):
        change_listed(new, index, **{FROM: 0.0, TO: length / 30})
    assert [told(one) for one in episodes_at(new)] == [[("count_mismatch", TOP)]] * 3


def test_v3_parts_of_different_videos_may_lie_at_the_same_time(new: Path) -> None:
    folder = new / f"videos/{TOP}/chunk-000"
    for index in (1, 2):
        shutil.copy(folder / "file-000.mp4", folder / f"file-00{index}.mp4")
        changes = {f"videos/{TOP}/file_index": index, FROM: 0.0, TO: (0, 24, 36)[index] / 30}
        change_listed(new, index, **changes)
    assert [told(one) for one in episodes_at(new)] == [[]] * 3


def test_v3_bounds_that_were_added_up_may_be_off_by_less_than_half_a_picture(new: Path) -> None:
    change_listed(new, 1, **{FROM: 1 - 0.012, TO: 1.8 + 0.004})
    assert [told(one) for one in episodes_at(new)] == [[]] * 3


@pytest.mark.parametrize("features", [None, {}, [1, 2]])
def test_features_that_are_not_described_are_told_of_and_seen(
    dataset: Path, features: object
) -> None:
    change_info(dataset, features=features)
    for episode in episodes_at(dataset):
        assert told(episode) == [("corrupt_stream", None)]
        assert '"features" is ' in episode.problems[0].message
        assert [camera.name for camera in episode.cameras] == [TOP]


@pytest.mark.parametrize("entry", [None, {"dtype": ["float32"], "shape": [3]}, "float32"])
def test_a_feature_of_which_nothing_can_be_made_is_told_of(dataset: Path, entry: object) -> None:
    features = json.loads((dataset / "meta/info.json").read_text())["features"]
    change_info(dataset, features=features | {"action": entry})
    for episode in episodes_at(dataset):
        assert told(episode) == [("corrupt_stream", None)]
        assert '"features", action: nothing says what it holds' in episode.problems[0].message


def change_shape(root: Path, name: str, shape: object) -> None:
    features = json.loads((root / "meta/info.json").read_text())["features"]
    features[name]["shape"] = shape
    change_info(root, features=features)


def test_a_shape_that_the_rows_belie_is_told_of(dataset: Path) -> None:
    change_shape(dataset, "action", [7])
    assert told(next(episodes_at(dataset))) == [("count_mismatch", "action")]
    assert 'a row holds 2 numbers, but "shape"' in messages(dataset)[0]
    assert "is [7]" in messages(dataset)[0]


def test_a_shape_that_is_none_is_told_of(dataset: Path) -> None:
    change_shape(dataset, "action", "wide")
    assert told(next(episodes_at(dataset))) == [("corrupt_stream", None)]


@pytest.mark.parametrize("shape", [[64, 96, 3], [3, 64, 96], [96, 64, 3]])
def test_a_size_that_the_video_has_is_no_fault(dataset: Path, shape: list[int]) -> None:
    change_shape(dataset, TOP, shape)
    assert messages(dataset) == []


def test_a_size_that_the_video_does_not_have_is_told_of(dataset: Path) -> None:
    change_shape(dataset, TOP, [480, 640, 3])
    assert told(next(episodes_at(dataset))) == [("count_mismatch", TOP)]
    assert "are 96 wide and 64 high" in messages(dataset)[0]


@pytest.mark.parametrize("column", ["timestamp", "frame_index", "index", "task_index"])
def test_a_column_of_lerobots_own_that_is_missing_is_told_of(dataset: Path, column: str) -> None:
    change_rows(dataset, lambda table: table.drop_columns([column]))
    for episode in episodes_at(dataset):
        assert told(episode) == [("missing_stream", None)]
        assert f"has no column {column}" in episode.problems[0].message


def test_a_column_that_nothing_names_need_not_be_there(dataset: Path) -> None:
    features = json.loads((dataset / "meta/info.json").read_text())["features"]
    change_info(dataset, features={key: features[key] for key in ("observation.state", TOP)})
    change_rows(dataset, lambda table: table.drop_columns(["index", "frame_index"]))
    assert messages(dataset) == []


def test_v3_rows_of_an_episode_that_is_not_listed_are_told_of(new: Path) -> None:
    made.write_table(new / LIST, pq.read_table(new / LIST).take([0, 2]))
    first, second, third = episodes_at(new)
    assert told(first) == told(third) == []
    assert told(second) == [("count_mismatch", None), ("missing_stream", TOP)]
    assert "does not list this episode, though its rows are in" in second.problems[0].message
    assert len(second.series) == 3
    assert [told(one) for one in episodes_at(new, [1])] == [told(second)]


def test_v3_a_table_that_no_list_names_is_told_of(new: Path) -> None:
    path = new / "data/chunk-000/file-001.parquet"
    made.write_table(path, made.rows(3, 12, first=90, seed=3))
    *_, fourth = episodes_at(new)
    assert (fourth.index, told(fourth)[0]) == (3, ("count_mismatch", None))


def test_v3_no_table_is_read_to_list_a_dataset_that_agrees(
    new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("dailies.recordings.lerobot_listing.TableFile", opened.append)
    assert len(list_episodes(read_info(new))) == 3
    assert opened == []


@pytest.mark.parametrize("total", [2, 5])
def test_a_total_of_episodes_that_the_list_belies_is_told_of(dataset: Path, total: int) -> None:
    change_info(dataset, total_episodes=total)
    for episode in episodes_at(dataset):
        assert told(episode) == [("count_mismatch", None)]
        assert f'"total_episodes" is {total}, but' in episode.problems[0].message
        assert "lists 3" in episode.problems[0].message


def test_v3_a_total_of_rows_that_the_list_belies_is_told_of(new: Path) -> None:
    change_info(new, total_frames=999)
    assert '"total_frames" is 999, but' in messages(new)[0]
    assert "lists 90 rows" in messages(new)[0]


@pytest.mark.parametrize("length", [-5, None, 2.5, [24]])
def test_a_length_that_is_none_is_told_of(old: Path, length: object) -> None:
    path = old / "meta" / "episodes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["length"] = length
    made.lines(path, rows)
    first, second, third = episodes_at(old)
    assert (told(first), told(second), told(third)) == ([], [("corrupt_stream", None)], [])
    assert f"its length is {length}, which is no number of rows" in second.problems[0].message


@pytest.mark.parametrize("length", [-5, None])
def test_v3_a_length_that_is_none_is_told_of(new: Path, length: object) -> None:
    change_listed(new, 1, length=length)
    assert [told(one) for one in episodes_at(new)] == [[], [("corrupt_stream", None)], []]


def test_v3_an_episode_of_which_nothing_says_where_its_rows_are_is_told_of(new: Path) -> None:
    change_listed(new, 1, dataset_from_index=None)
    assert [told(one) for one in episodes_at(new)] == [[], [("corrupt_stream", None)], []]


def test_v3_rows_that_are_listed_elsewhere_are_told_of(new: Path) -> None:
    for index, (start, stop) in enumerate(((5, 35), (35, 59), (59, 95))):
        change_listed(new, index, dataset_from_index=start, dataset_to_index=stop)
    assert [told(one) for one in episodes_at(new)] == [[("count_mismatch", None)]] * 3
    assert "index goes from 0 to 29, where it should go from 5 to 34" in messages(new)[0]


def test_v3_an_index_that_does_not_count_is_told_of(new: Path) -> None:
    change_rows(new, lambda table: with_column(table, "index", [0] * 90))
    assert [told(one) for one in episodes_at(new)] == [[("count_mismatch", None)]] * 3


def test_v2_finds_rows_by_their_files_so_that_index_does_not_matter(old: Path) -> None:
    change_rows(old, lambda table: with_column(table, "index", [0] * table.num_rows))
    assert messages(old) == []


def test_a_task_that_no_list_has_is_told_of(dataset: Path) -> None:
    change_rows(dataset, lambda table: with_column(table, "task_index", [7] * table.num_rows))
    assert told(next(episodes_at(dataset))) == [("count_mismatch", None)]
    assert "task_index 7 is none of the 1 tasks" in messages(dataset)[0]


def test_a_dataset_without_a_list_of_tasks_is_told_of(dataset: Path) -> None:
    for path in dataset.glob("meta/tasks.*"):
        path.unlink()
    assert told(next(episodes_at(dataset))) == [("missing_stream", None)]
    change_info(dataset, codebase_version=None)  # written by another program than LeRobot
    assert messages(dataset) == []


def test_an_impossible_rate_is_told_of_in_few_digits(new: Path) -> None:
    change_info(new, fps=1e300)
    assert told(next(episodes_at(new))) == [("corrupt_stream", None)]
    assert '"fps" is 1e+300' in messages(new)[0]
    assert len(messages(new)[0]) < 300


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ([*range(10), 9, *range(10, 30)], "rows with the number of an earlier one: 1; write"),
        ([*range(10), *range(12, 30)], "rows were lost: 2; copy"),
        ([*range(10), 12, 11, 10, *range(13, 30)], "rows are out of order; write"),
    ],
)
def test_what_is_so_of_rows_that_do_not_count_on(old: Path, order: list[int], words: str) -> None:
    path = old / "data/chunk-000/episode_000000.parquet"
    made.write_table(path, made.rows(0, 30).take(order))
    first, *_ = [text for text in messages(old) if "frame_index" in text]
    assert words in first
