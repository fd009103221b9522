"""Columns of times among arrays: whose they are, their units, and stamps that are no times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import made
import made_arrays
import numpy as np
import pytest
import zarr

from dailies.recordings import episodes_at
from dailies.recordings.contract import Episode
from dailies.recordings.tables import unit_in, unit_named
from dailies.words import NS

EVEN = np.arange(40) / 30
UNEVEN = EVEN + np.arange(40) % 3 * 0.002
SINCE_1970 = 1_770_000_000.0


def timed(
    tmp_path: Path, columns: dict[str, np.ndarray], attributes: dict[str, Any] | None = None
) -> Episode:
    """An ALOHA episode of 40 rows with columns of times, their attributes all the same."""
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        for name, values in columns.items():
            file[name] = values
            file[name].attrs.update(attributes or {})
    (episode,) = episodes_at(path)
    return episode


def spans(episode: Episode) -> dict[str, tuple[int, int]]:
    """First and last time (ms) of every stream."""
    found = {one.name: one.times_ns for one in episode.series}
    found |= {one.name: one.source.times_ns for one in episode.cameras}
    return {name: (round(at[0] / 1e6), round(at[-1] / 1e6)) for name, at in found.items()}


@pytest.mark.parametrize("name", ["timestamp", "observations/timestamp", "action_timestamp"])
def test_one_column_times_all_arrays_with_its_rows(tmp_path: Path, name: str) -> None:
    episode = timed(tmp_path, {name: SINCE_1970 + UNEVEN})
    assert not episode.problems
    told = {one.name for one in episode.series if one.clock == "measured"}
    whole = {"action", "observations/qpos", "observations/qvel"}
    assert told == ({"action"} if name == "action_timestamp" else whole)
    assert {first for first, _ in spans(episode).values()} == {0}


def test_the_nearest_of_two_columns_counts(tmp_path: Path) -> None:
    late = UNEVEN + 0.2
    episode = timed(tmp_path, {"timestamp": UNEVEN, "observations/timestamp": late})
    found = spans(episode)
    assert (found["action"][0], found["observations/qpos"][0]) == (0, 200)


def test_what_no_column_times_begins_with_what_one_times(tmp_path: Path) -> None:
    """Two columns with the action's rows: neither is its own, neither is above it."""
    columns = {"observations/timestamp": SINCE_1970 + UNEVEN, "other/time": SINCE_1970 + UNEVEN}
    found = spans(timed(tmp_path, columns))
    assert found["action"][0] == found["observations/qpos"][0] == 0


def test_a_clock_that_runs_on_from_episode_to_episode_begins_each_at_zero(tmp_path: Path) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    values = np.arange(19) / 10
    group.create_array("data/timestamp", shape=(19,), dtype="f8", chunks=(19,))[:] = values
    one, two = episodes_at(path)
    assert set(spans(one).values()) == {(0, 700)}
    assert set(spans(two).values()) == {(0, 1000)}


def test_a_column_may_have_one_row_more(tmp_path: Path) -> None:
    episode = timed(tmp_path, {"timestamp": np.r_[UNEVEN, UNEVEN[-1] + 0.03]})
    assert not episode.problems
    assert {one.clock for one in episode.series} == {"measured"}


def test_a_column_with_other_rows_than_all_arrays_is_told(tmp_path: Path) -> None:
    (problem,) = timed(tmp_path, {"timestamp": UNEVEN[:30]}).problems
    assert (problem.check, problem.stream) == ("count_mismatch", "timestamp")
    assert "holds 30 times for 40 rows" in problem.message


@pytest.mark.parametrize(
    ("word", "unit"),
    [
        ("Milliseconds", "ms"),
        ("MS", "ms"),
        ("sec", "s"),
        ("seconds since 1970-01-01", "s"),
        ("µs", "us"),
        ("nanosecond", "ns"),
        ("ticks", None),
        ("", None),
    ],
)
def test_a_unit_goes_by_many_names(word: str, unit: str | None) -> None:
    assert unit_named(word) == unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [("t_ns", "ns"), ("time [ms]", "ms"), ("stamp (s)", "s"), ("t", None), ("turns", None)],
)
def test_a_columns_name_may_hold_its_unit(name: str, unit: str | None) -> None:
    assert unit_in(name) == unit


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (np.rint(UNEVEN * 1e3).astype(int), "milliseconds"),
        ((UNEVEN + 4000) * 1e9, "nanosec"),
        (UNEVEN, "Seconds"),
    ],
)
def test_a_columns_attribute_says_its_unit(tmp_path: Path, values: np.ndarray, unit: str) -> None:
    episode = timed(tmp_path, {"timestamp": values}, {"units": unit})
    assert not episode.problems
    first, last = spans(episode)["observations/qpos"]
    assert (first, last) == (0, pytest.approx(1300, abs=3))


@pytest.mark.parametrize(
    ("values", "unit", "words"),
    [
        (UNEVEN, "ticks", 'its unit is "ticks": write s, ms, us or ns'),
        ((UNEVEN + SINCE_1970) * 1e3, "s", "its numbers are ms since 1970: write ms"),
    ],
)
def test_a_unit_that_cannot_be_is_told(
    tmp_path: Path, values: np.ndarray, unit: str, words: str
) -> None:
    problems = timed(tmp_path, {"timestamp": values}, {"unit": unit}).problems
    assert [(one.check, one.stream) for one in problems] == [("corrupt_stream", "timestamp")]
    assert words in problems[0].message


@pytest.mark.parametrize(
    "values", [EVEN * 1e3 + 0.25, EVEN * 1e9 + 4e12, (EVEN * 1e9 + 4e12).astype(int)]
)
def test_numbers_too_far_apart_are_no_clock(tmp_path: Path, values: np.ndarray) -> None:
    """Nothing says that they are ms or ns: as seconds the episode would last for hours."""
    episode = timed(tmp_path, {"timestamp": values})
    assert {one.clock for one in episode.series} == {"assumed"}


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -1.0])
@pytest.mark.parametrize("rows", [[0], [39], [20, 21, 22]])
def test_a_stamp_that_is_none_lies_between_its_neighbours_and_is_told(
    tmp_path: Path, bad: float, rows: list[int]
) -> None:
    values = SINCE_1970 + UNEVEN
    values[rows] = bad
    episode = timed(tmp_path, {"timestamp": values})
    by_stream = {one.stream: one.message for one in episode.problems}
    assert len(by_stream) == 4
    assert (
        f"{len(rows)} of 40 rows have no time, the first is row {rows[0] + 1}"
        in by_stream["action"]
    )
    for first, last in spans(episode).values():
        assert (first, last) == (0, pytest.approx(1300, abs=8))
    (qpos,) = (one for one in episode.series if one.name == "observations/qpos")
    assert (np.diff(qpos.times_ns) > 0).all()


def test_whole_numbers_beyond_any_time_are_told(tmp_path: Path) -> None:
    values = ((SINCE_1970 + UNEVEN) * 1e9).astype(np.uint64)
    values[7] = np.iinfo(np.uint64).max
    episode = timed(tmp_path, {"timestamp": values})
    assert (
        "the first is row 8, where timestamp is 18446744073709551615" in episode.problems[0].message
    )
    assert spans(episode)["action"][1] < 1400


def test_pictures_keep_their_order_where_the_clock_was_set_back(tmp_path: Path) -> None:
    values = SINCE_1970 + UNEVEN
    values[25:] -= 0.5
    (camera,) = timed(tmp_path, {"timestamp": values}).cameras
    assert (np.diff(camera.source.times_ns) > 0).all()
    assert camera.source.times_ns[-1] < 2 * NS


def test_a_rate_may_be_written_as_text(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file.attrs["fps"] = "30"
    (episode,) = episodes_at(path)
    assert episode.series[0].declared_rate_hz == 30


@pytest.mark.parametrize("rate", [1e12, 1e-9, -1, "20", float("nan")])
def test_a_rate_that_cannot_be_is_told(tmp_path: Path, rate: object) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    made.write_json(tmp_path / "a.hdf5.json", {"rate_hz": rate})
    (episode,) = episodes_at(path)
    (problem,) = episode.problems
    assert problem.message.endswith("write a number above 0: how many a second, as 30")
    assert {one.clock for one in episode.series} == {"assumed"}


@pytest.mark.parametrize("row", [0, 20, 39])
def test_one_stamp_far_ahead_moves_no_other(tmp_path: Path, row: int) -> None:
    values = SINCE_1970 + UNEVEN
    values[row] += 1000.0 if row < 39 else -1000.0
    episode = timed(tmp_path, {"timestamp": values})
    assert {one.check for one in episode.problems} == {"corrupt_stream"}
    assert all("time runs backwards once" in one.message for one in episode.problems)
    for first, last in spans(episode).values():
        assert 0 <= first <= 40
        assert last == pytest.approx(1302, abs=40)


def test_a_clock_that_only_runs_back_is_none(tmp_path: Path) -> None:
    episode = timed(tmp_path, {"timestamp": SINCE_1970 - UNEVEN})
    assert episode.problems
    assert set(spans(episode).values()) == {(0, 780)}  # of ALOHA's 50 a second


@pytest.mark.parametrize(
    ("rows", "array"),
    [
        (20, ("depth/image", np.zeros((20, 32, 32), "u2"))),
        (3, ("subtask/label", np.array([b"reach", b"grasp", b"lift"]))),
        (15, ("lidar/points", np.zeros((15, 5000), "f4"))),
    ],
)
def test_a_clock_of_what_is_no_stream_is_nobody_elses(
    tmp_path: Path, rows: int, array: tuple[str, np.ndarray]
) -> None:
    """Also an action, which has no clock of its own, keeps the others'."""
    name, values = array
    clock = f"{name.split('/', maxsplit=1)[0]}/timestamp"
    apart = np.arange(rows) / 15
    columns = {name: values, clock: apart, "observations/timestamp": SINCE_1970 + UNEVEN}
    episode = timed(tmp_path, columns)
    assert episode.problems == ()
    assert spans(episode)["action"] == spans(episode)["observations/qpos"]


def test_a_sensor_with_a_clock_of_its_own_has_its_own_rows_and_rate(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file.attrs["fps"] = 30
        file["ft/wrench"], file["ft/timestamp"] = np.ones((260, 6)), np.arange(260) / 200
    (episode,) = episodes_at(path)
    (wrench,) = (one for one in episode.series if one.name == "ft/wrench")
    assert (wrench.declared_count, wrench.declared_rate_hz) == (260, None)
    assert {one.declared_rate_hz for one in episode.series if one is not wrench} == {30}


def test_a_unit_in_a_mapping_that_cannot_be_is_told(tmp_path: Path) -> None:
    path = made_arrays.aloha(tmp_path / "a.hdf5")
    with h5py.File(path, "a") as file:
        file["clock"] = (SINCE_1970 * NS + UNEVEN * NS).astype(np.int64)
    said = {"dataset": "observations/qpos", "time": "clock", "unit": "s"}
    made.write_json(tmp_path / "a.hdf5.json", {"series": [said]})
    (episode,) = episodes_at(path)
    (problem,) = episode.problems
    assert 'which is no time in s: say its "unit"' in problem.message


def test_a_column_that_ends_before_the_pictures_is_told_and_they_are_all_shown(
    tmp_path: Path,
) -> None:
    path = made_arrays.replay_buffer(tmp_path / "u.zarr", lengths=(8, 11))
    group = zarr.open_group(str(path), mode="a")
    values = np.arange(15) / 10 + np.arange(15) % 3 * 0.002
    group.create_array("data/timestamp", shape=(15,), dtype="f8", chunks=(15,))[:] = values
    one, two = episodes_at(path)
    assert one.problems == ()
    assert all("4 of 11 rows have no time" in problem.message for problem in two.problems)
    assert len(list(two.cameras[0].source.pictures())) == 11
