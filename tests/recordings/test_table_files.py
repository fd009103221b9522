"""Files of sensor samples other than CSV: JSON of every shape, and arrays of HDF5 and NumPy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import made
import numpy as np
import pytest

from dailies.recordings import episodes_at
from dailies.recordings.contract import Episode

TIMES = [0.0, 0.5, 1.0]
ROWS = [{"t": at, "gyro": {"x": at * 2, "y": -at}} for at in TIMES]


def read(root: Path, file: str, **said: Any) -> Episode:
    """A recording of one series, in a file that is there already."""
    series = {"name": "imu", "file": file, **said}
    made.write_json(root / "recording.json", {"series": [series]})
    (episode,) = episodes_at(root)
    return episode


def lines(path: Path) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS) + "\n")


def whole(path: Path) -> None:
    path.write_text(json.dumps(ROWS))


def within(path: Path) -> None:
    path.write_text(json.dumps({"samples": ROWS}))


def by_name(path: Path) -> None:
    gyro = {f"gyro.{axis}": [row["gyro"][axis] for row in ROWS] for axis in "xy"}  # type: ignore[index]
    path.write_text(json.dumps({"t": TIMES, **gyro}))


@pytest.mark.parametrize("write", [lines, whole, within, by_name])
def test_json_may_be_written_as_recorders_do(tmp_path: Path, write: Callable[[Path], None]) -> None:
    file = "imu.jsonl" if write is lines else "imu.json"
    write(tmp_path / file)
    episode = read(tmp_path, file)
    assert episode.problems == ()
    (series,) = episode.series
    assert series.columns == ("gyro.x", "gyro.y")
    assert series.times_ns.tolist() == [0, 500_000_000, 1_000_000_000]
    assert series.values.tolist() == [[0.0, 0.0], [1.0, -0.5], [2.0, -1.0]]


def test_one_file_of_many_sensors_is_told_apart_by_a_column(tmp_path: Path) -> None:
    """As a phone's logger writes them: numbers as text, one list of all sensors."""
    start = 1_698_501_144_401_588_700
    rows = [
        {
            "sensor": ("Gyroscope", "Barometer")[at % 2],
            "time": str(start + at * 10**7),
            "z": f"{at}.5",
        }
        for at in range(20)
    ]
    (tmp_path / "phone.json").write_text(json.dumps(rows))
    where = {"sensor": "Gyroscope"}
    episode = read(tmp_path, "phone.json", time="time", unit="ns", where=where, columns=["z"])
    assert episode.problems == ()
    assert episode.series[0].values[:, 0].tolist() == [0.5 + at for at in range(0, 20, 2)]
    assert np.diff(episode.series[0].times_ns).tolist() == [2 * 10**7] * 9
    told = read(tmp_path, "phone.json", time="time", unit="ns", where={"kind": 1}).problems
    assert '"where" names "kind"; the columns are sensor, time, z' in told[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"t": 0, "x": 1}\nno\n{"t": 1, "x": 2}\n[3]\n',
            "2 lines hold no JSON object, the first is line 2",
        ),
        (
            '{"t": 0, "x": 1}\n{"t": 1}\n{"t": 2, "x": "a"}\n{"t": 3, "x": 2}',
            'holds no number in row 3: "a"',
        ),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_with_lines_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "imu.jsonl").write_text(text)
    assert any(words in one.message for one in read(tmp_path, "imu.jsonl").problems)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "cannot be read"),
        ("3", "write a list with one a sample"),
        ('{"t": [0, 1], "x": [1]}', "its lists are not equally long (t 2, x 1)"),
    ],
)
def test_other_json_is_told_what_to_write(tmp_path: Path, said: str, words: str) -> None:
    (tmp_path / "imu.json").write_text(said)
    (problem,) = read(tmp_path, "imu.json").problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "imu")
    assert words in problem.message


def hdf5(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(path, **{name.replace("/", "_"): values for name, values in arrays.items()})


@pytest.mark.parametrize(("write", "file"), [(hdf5, "log.h5"), (npz, "log.npz")])
def test_arrays_with_as_many_rows_as_the_times_are_columns(
    tmp_path: Path, write: Callable[[Path, dict[str, np.ndarray]], None], file: str
) -> None:
    q = made.joints(40, 1, 6)
    stamps = 1_770_000_000.0 + np.arange(40) / 20
    arrays = {"arm/q": q, "arm/t": stamps, "rgb": np.zeros((40, 8, 8, 3), "u1"), "k": np.eye(3)}
    write(tmp_path / file, arrays)
    time, column = ("arm/t", "arm/q") if file == "log.h5" else ("arm_t", "arm_q")
    episode = read(tmp_path, file, time=time, role="state")
    assert episode.problems == ()
    (series,) = episode.series
    assert series.columns == tuple(f"{column}_{at}" for at in range(6))
    assert np.array_equal(series.values, q)
    assert series.times_ns[-1] == pytest.approx(1_950_000_000, abs=1000)
    (problem,) = read(tmp_path, file).problems
    assert '"time" must name the array of its times; there are' in problem.message


def test_a_named_array_of_numpy_has_columns(tmp_path: Path) -> None:
    table = np.zeros(5, [("t", "f8"), ("x", "f4")])
    table["t"], table["x"] = np.arange(5) / 10, np.arange(5)
    np.save(tmp_path / "imu.npy", table)
    assert read(tmp_path, "imu.npy", time="t").series[0].values[:, 0].tolist() == [0, 1, 2, 3, 4]
    np.save(tmp_path / "imu.npy", np.zeros((5, 2)))
    assert "one array has no names" in read(tmp_path, "imu.npy", time="t").problems[0].message


@pytest.mark.parametrize("file", ["log.h5", "log.npz", "log.npy"])
@pytest.mark.parametrize("content", [b"\x00" * 300, b"PK\x03\x04" + b"\xff" * 300])
def test_damaged_arrays_are_told(tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    (problem,) = read(tmp_path, file, time="t").problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "imu")


@pytest.mark.parametrize(
    ("text", "columns", "second"),
    [
        ("t;x;y\n0;0;0\n0,01;1;0,5\n0,02;2;0,7\n", ("x", "y"), [1.0, 0.5]),
        ("t;y\n2026-01-01 10:00:00.000;0,1\n2026-01-01 10:00:00.100;0,2\n", ("y",), [0.2]),
        ("Zeit, s;Kraft, N\n0;0\n0,1;2,5\n0,2;3,5\n", ("Kraft, N",), [2.5]),
    ],
)
def test_commas_for_points_are_told_by_many_rows(
    tmp_path: Path, text: str, columns: tuple[str, ...], second: list[float]
) -> None:
    (tmp_path / "imu.csv").write_text(text)
    time = text.partition(";")[0]
    episode = read(tmp_path, "imu.csv", time=time)
    assert episode.problems == ()
    assert episode.series[0].columns == columns
    assert episode.series[0].values[1].tolist() == second


def test_a_key_for_every_sample_is_told_and_takes_no_memory_of_their_product(
    tmp_path: Path,
) -> None:
    rows = "".join(f'{{"{1_700_000_000 + at}": {{"x": {at}}}}}\n' for at in range(5000))
    (tmp_path / "imu.jsonl").write_text(rows)
    (problem,) = read(tmp_path, "imu.jsonl").problems
    assert "give a value one name in all" in problem.message


def test_a_text_may_hold_other_ends_of_lines(tmp_path: Path) -> None:
    rows = [
        json.dumps({"t": at / 10, "x": at, "n": "a\u2028b"}, ensure_ascii=False) for at in range(4)
    ]
    (tmp_path / "imu.jsonl").write_text("\n".join(rows), encoding="utf-8")
    episode = read(tmp_path, "imu.jsonl")
    assert (episode.problems, episode.series[0].values[:, 0].tolist()) == ((), [0, 1, 2, 3])


def test_members_that_are_no_series_leave_the_others(tmp_path: Path) -> None:
    odd = {"meta": np.array({"a": 1}, object), "none": np.zeros((40, 0))}
    np.savez(tmp_path / "log.npz", t=np.arange(40) / 20, gyro=made.joints(40, 1, 3), **odd)
    episode = read(tmp_path, "log.npz", time="t")
    assert episode.problems == ()
    assert episode.series[0].columns == ("gyro_0", "gyro_1", "gyro_2")


def test_a_damaged_link_in_hdf5_leaves_the_rest_of_the_recording(tmp_path: Path) -> None:
    hdf5(tmp_path / "log.h5", {"a/t": np.arange(40) / 20, "a/x": np.arange(40.0)})
    content = (tmp_path / "log.h5").read_bytes()
    (tmp_path / "log.h5").write_bytes(content.replace(b"SNOD", b"\0\0\0\0"))
    (problem,) = read(tmp_path, "log.h5", time="a/t").problems
    assert (problem.check, problem.stream) == ("corrupt_stream", "imu")
