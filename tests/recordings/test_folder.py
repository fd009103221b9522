"""Folders with a recording.json: the streams it names, on one clock, and what it gets wrong."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import made
import numpy as np
import pyarrow as pa
import pytest

from dailies.recordings import episodes_at, fingerprint, recordings_in
from dailies.recordings.contract import Episode, Step, VideoFile


def read(root: Path) -> Episode:
    (episode,) = episodes_at(root)
    return episode


def told(episode: Episode) -> list[tuple[str, str | None]]:
    return [(problem.check, problem.stream) for problem in episode.problems]


def only(series: dict[str, Any]) -> dict[str, Any]:
    """A recording.json with one series and nothing else."""
    return {"cameras": [], "series": [series], "duration_s": None}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made.folder(tmp_path / "jar")


def change(root: Path, **changes: Any) -> None:
    """Replace keys of a recording.json."""
    path = root / "recording.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_metadata_is_what_the_file_says(root: Path) -> None:
    said = read(root).metadata
    assert (said.task, said.worker, said.site) == ("open-jar", "w-017", "lisbon")
    assert (said.rig, said.shift, said.program) == ("rig-4", "s-9", "kitchen")
    assert said.started_at == dt.datetime(2026, 3, 2, 9, 15, tzinfo=dt.UTC)
    assert said.steps == (
        Step("grip the lid", 0, 400_000_000), Step("turn it", 400_000_000, 1_000_000_000)
    )  # fmt: skip


def test_cameras_are_the_files_named_with_what_is_promised(root: Path) -> None:
    episode = read(root)
    top, wrist = episode.cameras
    assert (top.name, top.source) == ("top", VideoFile(root / "top.mp4"))
    assert (top.declared_count, top.declared_rate_hz) == (30, 30.0)
    assert top.times_ns is None
    assert wrist.declared_count is None
    assert episode.declared_duration_s == 1.0
    assert [path.name for path in episode.files] == [
        "top.mp4", "wrist.mkv", "wrist_times.csv", "joints.csv", "imu.parquet"
    ]  # fmt: skip


def test_frame_times_show_the_gap_that_the_container_hides(root: Path) -> None:
    times = read(root).cameras[1].times_ns
    assert times is not None
    assert len(times) == 25
    assert np.diff(times).max() == 200_000_000


def test_series_come_from_csv_and_parquet_with_their_units(root: Path) -> None:
    joints, imu = read(root).series
    assert (joints.columns, joints.role) == (("shoulder", "elbow", "wrist"), "state")
    np.testing.assert_array_equal(joints.times_ns, np.arange(100) * 10_000_000)
    np.testing.assert_allclose(joints.values, made.joints(100), atol=1e-6)
    assert (imu.columns, imu.role) == (("gyro_0", "gyro_1", "gyro_2"), "other")
    assert imu.times_ns[-1] == 199 * 5_000_000
    assert joints.declared_rate_hz == 100.0


@pytest.mark.parametrize(
    ("unit", "second"), [("s", 1), ("ms", 1_000), ("us", 10**6), ("ns", 10**9)]
)
def test_each_unit_gives_the_same_nanoseconds(tmp_path: Path, unit: str, second: int) -> None:
    text = f"t,x\n0,1\n{second},2\n{3 * second},3\n"
    (tmp_path / "x.csv").write_text(text)
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv", "unit": unit}))
    np.testing.assert_array_equal(read(tmp_path).series[0].times_ns, [0, 10**9, 3 * 10**9])


def test_nanoseconds_since_1970_stay_exact_and_the_earliest_of_all_is_zero(tmp_path: Path) -> None:
    """The camera's first frame is 7 ns after the first sample."""
    start = 1_760_000_000_123_456_789
    made.video(tmp_path / "eye.mp4", frames=3)
    (tmp_path / "x.csv").write_text(f"t,x\n{start},1\n{start + 1},2\n")
    (tmp_path / "eye.csv").write_text("n\n" + "".join(f"{start + 7 + at}\n" for at in range(3)))
    times = {"file": "eye.csv", "unit": "ns"}
    camera = {"name": "eye", "file": "eye.mp4", "times": times}
    said = {"cameras": [camera], "series": [{"file": "x.csv", "unit": "ns"}]}
    made.write_json(tmp_path / "recording.json", said)
    episode = read(tmp_path)
    assert told(episode) == []
    assert episode.series[0].times_ns.tolist() == [0, 1]
    assert episode.cameras[0].times_ns is not None
    assert episode.cameras[0].times_ns.tolist() == [7, 8, 9]


def test_a_timestamp_column_tells_its_own_unit(tmp_path: Path) -> None:
    stamps = pa.array([0, 250_000, 500_000], pa.timestamp("us", "UTC"))
    made.write_table(tmp_path / "x.parquet", pa.table({"at": stamps, "x": [1.0, 2.0, 3.0]}))
    made.write_json(tmp_path / "recording.json", only({"file": "x.parquet"}))
    assert read(tmp_path).series[0].times_ns.tolist() == [0, 250_000_000, 500_000_000]


def test_an_offset_moves_a_stream_on_the_clock(root: Path) -> None:
    change(
        root,
        cameras=[{"name": "top", "file": "top.mp4", "offset_s": 0.25}],
        series=[{"name": "joints", "file": "joints.csv", "offset_s": 0.1}],
    )
    episode = read(root)
    assert told(episode) == []
    assert episode.cameras[0].offset_ns == 250_000_000
    assert episode.series[0].times_ns[0] == 100_000_000


def test_chosen_columns_come_in_the_order_in_which_they_are_named(root: Path) -> None:
    change(root, series=[{"file": "joints.csv", "time": "t", "columns": ["wrist", "shoulder"]}])
    (joints,) = read(root).series
    assert joints.columns == ("wrist", "shoulder")
    np.testing.assert_allclose(joints.values, made.joints(100)[:, [2, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t,x\n0,1\n1,2\n2\n", "1 rows do not have 2 columns, the first is row 4, with 1"),
        ("t,x\n0,1\n1,broken\n2,3\n", 'column "x" holds no number in row 2: "broken"'),
        ("t,x\n0,1\n2,2\n1,3\n", "time runs backwards once, first by 1 s at row 3"),
        ("t,x\n0,1\n,2\n2,3\n", "1 rows have no time, the first is row 2"),
        ("t,name\n0,a\n1,b\n", 'has no column of numbers besides "t"'),
        ("", "is empty (0 bytes)"),
        ("t,x\n0,\xff\n", "not UTF-8 from byte 6 on: write it as UTF-8"),
        (made.LFS_POINTER, "is a Git LFS pointer"),
    ],
)
def test_what_is_wrong_with_a_csv_is_told_by_row(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode("latin-1"))
    made.write_json(tmp_path / "recording.json", only({"name": "x", "file": "x.csv"}))
    episode = read(tmp_path)
    assert told(episode) == [("corrupt_stream", "x")]
    assert words in episode.problems[0].message


@pytest.mark.parametrize(
    "text",
    ["t;x\n0;1.5\n1;2\n", "t;x\n0,0;1,5\n1,0;2\n", "t\tx\n0\t1.5\n1\t2\n", "t,x\n0,1.5\n1,2\n"],
    ids=["semicolon", "comma as point", "tabulator", "comma"],
)
def test_columns_may_be_parted_as_a_spreadsheet_does(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv"}))
    (series,) = read(tmp_path).series
    assert series.values.tolist() == [[1.5], [2.0]]
    assert series.times_ns.tolist() == [0, 1_000_000_000]


@pytest.mark.parametrize("header", ["t_ms", "time [ms]", "stamp (ms)"])
def test_a_unit_in_the_columns_name_counts_where_none_is_said(tmp_path: Path, header: str) -> None:
    (tmp_path / "x.csv").write_text(f"{header},x\n0,1\n20,2\n")
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv"}))
    assert read(tmp_path).series[0].times_ns.tolist() == [0, 20_000_000]
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv", "unit": "us"}))
    assert read(tmp_path).series[0].times_ns.tolist() == [0, 20_000]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,1\n0.01,2\n0.02,3\n", 'its first line is "0,1": write the columns\' names above it'),
        ("t,x\n1764201600250,1\n1764201600260,2\n", 'which is no time in s: say its "unit"'),
        ("t,x\n0,1\n", "1 rows are no series"),
        ("t,x\na,1\nb,2\n", 'column "t": it holds string, not numbers'),
    ],
)
def test_a_table_that_is_written_otherwise_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv"}))
    assert any(words in one.message for one in read(tmp_path).problems)


def test_one_stamp_of_zero_makes_no_recording_of_years(tmp_path: Path) -> None:
    rows = "".join(f"{0 if at == 20 else 1764201600 + at / 100},{at}\n" for at in range(40))
    (tmp_path / "x.csv").write_text(f"t,x\n{rows}")
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv"}))
    episode = read(tmp_path)
    assert len(episode.series[0].times_ns) == 39
    assert episode.series[0].times_ns[-1] == pytest.approx(390_000_000, abs=1000)
    assert any(
        "1 rows have no time, the first is row 21" in one.message for one in episode.problems
    )


def test_a_missing_number_is_nan_and_no_damage(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t,x\n0,1\n1,\n2,nan\n3,4\n")
    made.write_json(tmp_path / "recording.json", only({"file": "x.csv"}))
    episode = read(tmp_path)
    assert told(episode) == []
    np.testing.assert_array_equal(episode.series[0].values[:, 0], [1, np.nan, np.nan, 4])


CAMERA = {"name": "top", "file": "top.mp4"}
JOINTS = {"name": "joints", "file": "joints.csv"}


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"cameras": [CAMERA | {"file": "gone.mp4"}]}, "missing_stream", "gone.mp4 is not there"),
        ({"cameras": [CAMERA | {"file": "../x.mp4"}]}, "corrupt_stream", "no path inside"),
        ({"cameras": [CAMERA | {"file": "/etc/passwd"}]}, "corrupt_stream", "no path inside"),
        ({"cameras": [CAMERA | {"rate_hz": 0}]}, "corrupt_stream", "write a number above 0"),
        ({"cameras": [CAMERA | {"frame_count": 2.5}]}, "corrupt_stream", "a whole number"),
        ({"cameras": [CAMERA | {"offset_s": -1}]}, "corrupt_stream", '"offset_s" is below 0'),
        ({"cameras": [CAMERA | {"times": {"file": "no.csv"}}]}, "missing_stream", "no.csv is not"),
        ({"cameras": [CAMERA | {"times": {"file": "joints.csv", "column": "zz"}}]},
         "corrupt_stream", 'names "zz"; the columns are t, shoulder'),
        ({"cameras": {"top": CAMERA}}, "corrupt_stream", "write a list of objects"),
        ({"cameras": [CAMERA, CAMERA]}, "corrupt_stream", "which another stream has"),
        ({"series": [JOINTS | {"time": "zz"}]}, "corrupt_stream", 'names "zz"'),
        ({"series": [JOINTS | {"unit": "min"}]}, "corrupt_stream", "write one of s, ms, us, ns"),
        ({"series": [JOINTS | {"role": "boss"}]}, "corrupt_stream", "one of other, state, action"),
        ({"series": [JOINTS | {"columns": ["knee"]}]}, "corrupt_stream", "names knee; the columns"),
        ({"series": [JOINTS | {"file": "top.mp4"}]}, "corrupt_stream", "one of .csv, .parquet"),
        ({"started_at": "2026-03-02T09:15:00"}, "corrupt_stream", "no offset from UTC"),
        ({"started_at": "yesterday"}, "corrupt_stream", "not an ISO 8601 time"),
        ({"started_at": 1760000000}, "corrupt_stream", "not an ISO 8601 time"),
        ({"worker": {"id": 7}}, "corrupt_stream", '"worker" is {"id": 7}: write a string'),
        ({"steps": [{"label": "x", "start_s": 2, "end_s": 1}]}, "corrupt_stream", "a step needs"),
        ({"duration_s": "long"}, "corrupt_stream", '"duration_s" is "long": write a number'),
        ({"cameras": [], "series": []}, "missing_stream", "names no stream"),
    ],
)  # fmt: skip
def test_what_the_file_gets_wrong_is_told_with_the_remedy(
    root: Path, changes: dict[str, Any], check: str, words: str
) -> None:
    change(root, **changes)
    problems = read(root).problems
    assert any(one.check == check and words in one.message for one in problems), problems


def test_other_keys_are_nobodys_business(root: Path) -> None:
    change(root, firmware="1.2", weather={"rain": True})
    assert read(root).problems == ()


def test_the_fingerprint_does_not_know_whose_it_is_or_how_streams_are_called(root: Path) -> None:
    before = fingerprint(read(root))
    cameras = made.recording_json()["cameras"]
    change(root, worker="w-018", cameras=[cameras[1] | {"name": "hand"}, cameras[0]])
    assert fingerprint(read(root)) == before


def test_the_fingerprint_knows_one_changed_sample(root: Path) -> None:
    before = fingerprint(read(root))
    path = root / "joints.csv"
    path.write_text(path.read_text() + "1.0,0,0,0\n")
    assert fingerprint(read(root)) != before


def test_videos_of_a_recording_folder_are_no_recordings_of_their_own(root: Path) -> None:
    assert recordings_in(root.parent) == [root]
