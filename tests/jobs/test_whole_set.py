"""What all episodes of a rig tell together, at the end of ``dailies screen``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.arm_views import JOINTS, Motion
from dailies.recordings.contract import Clock, Metadata, Series
from dailies.words import NS, Flag, Grade, Verdict
from jobs.screening import Screened
from jobs.whole_set import WholeSet
from quality.measures.together import evidence
from quality.policy import Policy

RATE, LENGTH_S, WIDTH, HEIGHT = 30, 5.0, 96, 72
COUNT = 6


def poses(seed: int, late_s: float = 0.0) -> np.ndarray:
    times_s = np.arange(round(RATE * LENGTH_S)) / RATE
    return Motion.made(seed, length_s=LENGTH_S).at(times_s - late_s)


def recorded(root: Path, seed: int, late_s: float, rig: str | None) -> Path:
    """A recording of a camera that an arm turns before a wall, and that is late."""
    root.mkdir(parents=True)
    wall = np.random.default_rng(3).integers(40, 215, (60, 80)).repeat(8, 0).repeat(8, 1)
    with av.open(str(root / "top.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pose in poses(seed, late_s):
            left, up = (200 + 60 * np.clip(pose[:2], -3, 3)).astype(int)
            view = np.ascontiguousarray(wall[up : up + HEIGHT, left : left + WIDTH], np.uint8)
            frame = av.VideoFrame.from_ndarray(np.repeat(view[..., None], 3, 2), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    rows = [[at / RATE, *pose] for at, pose in enumerate(poses(seed).tolist())]
    lines = [",".join(["t", *JOINTS]), *(",".join(map(str, row)) for row in rows)]
    (root / "joints.csv").write_text("\n".join(lines))
    described = {
        "rig": rig,
        "cameras": [{"name": "top", "file": "top.mp4"}],
        "series": [{"name": "joints", "file": "joints.csv", "role": "state"}],
    }
    (root / "recording.json").write_text(json.dumps(described))
    return root


@pytest.mark.parametrize(("late_s", "is_late"), [(0.2, True), (0.0, False)])
def test_a_rigs_lag_is_told_at_the_end_and_in_the_report(
    dailies: Callable[..., Any], tmp_path: Path, late_s: float, is_late: bool
) -> None:
    for seed in range(COUNT):
        recorded(tmp_path / "set" / f"take-{seed}", seed, late_s, rig="cell-4")
    page = tmp_path / "out.html"
    done = dailies("screen", "--json", "--workers", 1, "--report", page, tmp_path / "set")
    assert len(done.stdout.splitlines()) == COUNT  # the format for machines is as it was
    [said] = done.stderr.splitlines()
    assert said.startswith(f"all {COUNT} episodes of cell-4 together: top is ")
    assert "on average" in said
    assert ("(limit 150 ms): calibrate the delay" in said) == is_late
    assert ("within the limit" in said) != is_late
    late_ms = int(said.split(" is ")[1].split(" ms")[0])
    assert late_ms == pytest.approx(late_s * 1e3, abs=20)
    text = page.read_text()
    assert "All episodes together" in text
    assert said in text
    verdicts = {json.loads(line)["verdict"] for line in done.stdout.splitlines()}
    assert done.returncode == int(is_late or verdicts != {"good"})


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a camera, as far as motions are compared."""

    name: str
    times_ns: np.ndarray
    motion: np.ndarray
    repeat: np.ndarray
    way: np.ndarray
    clock: Clock = "measured"


def screened(path: Path, seed: int, late_s: float, rig: str | None) -> Screened:
    """An episode of which nothing was screened but how it moves."""
    times_ns = np.round(np.arange(round(RATE * LENGTH_S)) / RATE * NS).astype(np.int64)
    seen = np.abs(np.diff(poses(seed, late_s), axis=0, prepend=poses(seed, late_s)[:1])).sum(axis=1)
    still, nowhere = np.zeros(len(seen), np.bool_), np.empty((0, 2), np.float32)
    camera = Seen("top", times_ns, (60 * seen).astype(np.float32), still, nowhere)
    joints = Series("joints", times_ns, poses(seed), JOINTS, "measured", "state")
    return Screened(
        path=path,
        index=seed,
        format="made",
        metadata=Metadata(rig=rig),
        fingerprint=str(seed),
        verdict=Verdict.of("house", ()),
        duration_s=LENGTH_S,
        started_at=dt.datetime.now(dt.UTC),
        evidence=tuple(evidence([camera], [joints])),
    )


def test_rigs_are_told_apart_and_datasets_and_folders_where_none_is_named() -> None:
    whole = WholeSet(Policy.load())
    for seed in range(COUNT):
        left = screened(Path("anywhere") / f"{seed}.mp4", seed, 0.1, rig="left")
        whole.add(left, of_many=False)
        whole.add(screened(Path("sets/one"), seed, 0.2, rig=None), of_many=True)
        take = screened(Path("takes") / f"{seed}.mp4", seed, 0.3, rig=None)
        whole.add(take, of_many=False)
        few = screened(Path("sets/few"), seed, 0.3, rig="new" if seed < 3 else "newer")
        whole.add(few, of_many=True)
    lags = {lag.place: lag for lag in whole.lags()}
    assert set(lags) == {"left", "sets/one", "takes"}
    told = {place: round(lag.sync.offset_ms or 0.0, -1) for place, lag in lags.items()}
    assert told == pytest.approx({"left": 100, "sets/one": 200, "takes": 300}, abs=10)
    grades = [lags[place].flag for place in ("left", "sets/one")]
    assert [flag.grade for flag in grades if isinstance(flag, Flag)] == [Grade.SUSPECT, Grade.FAIL]
    assert {lag.count for lag in lags.values()} == {COUNT}


def test_of_several_series_the_one_that_explains_most_is_told() -> None:
    whole = WholeSet(Policy.load())
    for seed in range(COUNT):
        seen = screened(Path("set"), seed, 0.0, rig="two-armed")
        other = screened(Path("set"), seed, 0.3, rig="two-armed")
        # an arm that the camera does not see makes much the same motion earlier
        strange = screened(Path("set"), seed + 50, 0.0, rig="two-armed").evidence[0]
        late = other.evidence[0] + strange
        both = (*seen.evidence, replace(late, against="other arm", episodes=1))
        whole.add(replace(seen, evidence=both), of_many=True)
    [lag] = whole.lags()
    assert (lag.sync.against, lag.flag) == ("joints", None)
