"""``dailies screen``: its output for machines, and its exit status."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dailies.recordings.contract import Metadata
from dailies.words import Flag, Grade, Span, Verdict
from jobs.printing import csv_line, json_line, table_lines
from jobs.screening import Screened, ScreenedStream, failed
from quality.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
Clip = Callable[..., Path]
Dailies = Callable[..., Any]


def lines(done: Any) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


SCREENED = Screened(
    path=Path("/in/lerobot"),
    index=3,
    format="lerobot-v2.1",
    metadata=Metadata(),
    fingerprint="c1",
    verdict=Verdict.of(
        "house@12345678",
        (
            Flag(
                "blur", Grade.SUSPECT, "wrist", Span.of_seconds(1.5, 4), 0.2, 0.25, "x", "blurred"
            ),
            Flag("sync_drift", Grade.UNKNOWN, None, Span(0, 0), math.nan, 50.0, "ms", "unclear"),
        ),
    ),
    duration_s=17.4,
    started_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    streams=(
        ScreenedStream("wrist", "video", 522, 30.0, {"edge_px_median": math.nan}),
        ScreenedStream("state", "series", 870, None, {"rate_hz": math.inf}),
    ),
)


def test_the_json_of_an_episode_is_this() -> None:
    assert json.loads(json_line(SCREENED)) == {
        "version": 1,
        "path": "/in/lerobot",
        "index": 3,
        "format": "lerobot-v2.1",
        "duration_s": 17.4,
        "verdict": "suspect",
        "policy": "house@12345678",
        "error": None,
        "triage": None,
        "streams": [
            {
                "name": "wrist",
                "kind": "video",
                "count": 522,
                "rate_hz": 30.0,
                "measurements": {"edge_px_median": None},
            },
            {
                "name": "state",
                "kind": "series",
                "count": 870,
                "rate_hz": None,
                "measurements": {"rate_hz": None},
            },
        ],
        "flags": [
            {
                "check": "blur",
                "grade": "suspect",
                "stream": "wrist",
                "start_s": 1.5,
                "end_s": 4.0,
                "measured": 0.2,
                "limit": 0.25,
                "unit": "x",
                "message": "blurred",
            },
            {
                "check": "sync_drift",
                "grade": "unknown",
                "stream": None,
                "start_s": 0.0,
                "end_s": 0.0,
                "measured": None,
                "limit": 50.0,
                "unit": "ms",
                "message": "unclear",
            },
        ],
    }


def test_a_name_over_two_lines_stays_one_row_of_csv() -> None:
    odd = replace(SCREENED, path=Path("/in/new\nline.mp4"))
    rows = list(csv.DictReader(io.StringIO("\n".join([csv_line(None), csv_line(odd)]), newline="")))
    assert [row["path"] for row in rows] == ["/in/new\nline.mp4"]


def test_a_csv_row_has_the_headers_columns() -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join([csv_line(None), csv_line(SCREENED)]))))
    assert rows == [
        {
            "path": "/in/lerobot",
            "index": "3",
            "format": "lerobot-v2.1",
            "duration_s": "17.4",
            "verdict": "suspect",
            "policy": "house@12345678",
            "error": "",
            "flags": "suspect blur; unknown sync_drift",
            "triage": "",
        }
    ]


def test_the_table_says_why() -> None:
    assert table_lines(SCREENED).splitlines() == [
        "suspect        17.4  /in/lerobot, episode 3",
        f"{'':21}blurred",
        f"{'':21}unclear",
    ]


def test_a_recording_nobody_can_read_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "take.mp4"
    path.write_bytes(b"nothing")
    one = json.loads(json_line(failed(path, 0, Policy.load(), "take.mp4: cut: copy it again")))
    assert (one["verdict"], one["error"]) == ("fail", "take.mp4: cut: copy it again")
    assert [flag["check"] for flag in one["flags"]] == ["corrupt_stream"]


def test_status_0_when_all_are_good(dailies: Dailies, clip: Clip) -> None:
    done = dailies("screen", "--json", clip(0), clip(1))
    assert (done.returncode, done.stderr) == (0, "")
    printed = lines(done)
    assert {one["path"] for one in printed} == {str(clip(0)), str(clip(1))}
    assert {one["verdict"] for one in printed} == {"good"}
    assert {one["version"] for one in printed} == {1}


def test_the_table_ends_with_what_all_come_to(dailies: Dailies, clip: Clip, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip(0).read_bytes()[:2000])
    done = dailies("screen", clip(0), clip(1), cut)
    assert done.stderr == "3 episodes: 2 good (6 s), 1 fail (0 s)\n"


def test_status_1_when_one_is_flagged(dailies: Dailies, clip: Clip, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip(0).read_bytes()[:2000])
    done = dailies("screen", "--json", clip(0), cut)
    assert done.returncode == 1
    verdicts = {Path(str(one["path"])).name: one for one in lines(done)}
    assert verdicts["cut.mp4"]["verdict"] == "fail"
    assert "cut.mp4" in str(verdicts["cut.mp4"]["error"])
    assert verdicts[clip(0).name]["verdict"] == "good"


def test_status_2_when_a_path_is_not_there_and_the_rest_is_screened(
    dailies: Dailies, clip: Clip, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no recording")
    done = dailies("screen", "--json", tmp_path / "absent.mp4", notes, clip(0))
    assert done.returncode == 2
    assert [one["path"] for one in lines(done)] == [str(clip(0))]
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert "absent.mp4 is not there: check the path" in said[0]
    assert "notes.txt" in said[1]
    assert "Traceback" not in done.stderr


def test_a_folder_of_loose_videos_is_screened_video_by_video(
    dailies: Dailies, clip: Clip, tmp_path: Path
) -> None:
    for seed in range(2):
        shutil.copy(clip(seed), tmp_path / f"{seed}.mp4")
    done = dailies("screen", "--csv", tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert sorted(Path(row["path"]).name for row in rows) == ["0.mp4", "1.mp4"]
    assert done.returncode == 0


def test_the_episodes_of_a_dataset_are_screened_by_all_workers(
    dailies: Dailies, tmp_path: Path
) -> None:
    from benchmarks.datasets import add_episode

    for index in range(5):
        add_episode(tmp_path / "dataset", index)
    done = dailies("screen", "--json", "--workers", 2, tmp_path / "dataset")
    printed = lines(done)
    assert sorted(int(str(one["index"])) for one in printed) == [0, 1, 2, 3, 4]
    assert {one["format"] for one in printed} == {"lerobot-v2.1"}
    assert {one["path"] for one in printed} == {str(tmp_path / "dataset")}


@pytest.mark.parametrize(("kept", "said"), [(1, "2 listed episodes are"), (2, "1 listed episode")])
def test_episodes_that_a_dataset_lists_and_that_were_not_copied_are_counted(
    dailies: Dailies, tmp_path: Path, kept: int, said: str
) -> None:
    from benchmarks.datasets import add_episode

    dataset = tmp_path / "dataset"
    for index in range(3):
        add_episode(dataset, index)
    for index in range(kept, 3):
        for file in dataset.rglob(f"episode_{index:06d}.*"):
            file.unlink()
    done = dailies("screen", "--json", dataset)
    assert {one["index"] for one in lines(done)} == set(range(kept))
    assert f"{dataset}: {said}" in done.stderr
    assert f"not in this copy ({', '.join(map(str, range(kept, 3)))})" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [("not = [toml", "policy"), (None, "is not there: check the path")],
)
def test_a_policy_that_cannot_be_used_is_one_line(
    dailies: Dailies, clip: Clip, tmp_path: Path, content: str | None, words: str
) -> None:
    policy = tmp_path / "policy.toml"
    if content is not None:
        policy.write_text(content)
    done = dailies("screen", "--policy", policy, clip(0))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_policy_named_in_the_environment_is_screened_under(
    dailies: Dailies, clip: Clip, tmp_path: Path
) -> None:
    policy = tmp_path / "long.toml"
    policy.write_text('[policy]\nname = "long"\n[limits.too_short]\nsuspect = 60\nfail = 30\n')
    done = dailies("screen", "--json", clip(0), DAILIES_POLICY=str(policy))
    assert [one["verdict"] for one in lines(done)] == ["fail"]
    assert str(lines(done)[0]["policy"]).startswith("long@")
