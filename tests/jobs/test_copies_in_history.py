"""Copies are told at the intake against all of the record, and by ``screen`` within its run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from dailies.database import Record, open_record
from jobs.clip_history import LOG_ROW, History
from jobs.entry import enter
from jobs.screening import Screened, screen
from quality.measures import Measurements
from quality.policy import Policy

Clip = Callable[..., Path]
POLICY = Policy.load()


def again(clip: Path, path: Path, crf: int = 33) -> Path:
    """The same pictures, encoded anew."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=30)
        shown = source.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast"}
        for frame in source.decode(video=0):
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")


def land(record: Record, history: History, data: Path, path: Path) -> Screened:
    (screened,) = screen(path, POLICY, store=data / "measurements", threads=1)
    screened = history.judged(screened, POLICY)
    with record.begin() as session:
        enter(session, screened, site_zones={}, landed_at=dt.datetime.now(dt.UTC))
    return screened


def checks(screened: Screened) -> list[str]:
    return [flag.check for flag in screened.verdict.flags]


def test_a_copy_waits_for_a_person_and_says_of_which_episode(
    record: Record, clip: Clip, tmp_path: Path
) -> None:
    history = History(record, tmp_path)
    first = land(record, history, tmp_path, clip(0, seconds=8))
    assert checks(first) == []
    assert checks(land(record, history, tmp_path, clip(1, seconds=8))) == []
    copy = land(record, history, tmp_path, again(clip(0, seconds=8), tmp_path / "copy.mp4"))
    assert checks(copy) == ["copied_clip"]
    assert copy.verdict.grade.value == "suspect"
    assert "episode 1 of the record" in copy.verdict.flags[0].message
    kept = Measurements.load(tmp_path / "measurements" / copy.fingerprint)
    assert [one.of_stream for one in kept.copies] == ["video"]
    # what was there first stays what it is, when it is seen again
    assert checks(land(record, history, tmp_path, clip(0, seconds=8))) == []


def test_history_is_the_same_after_a_kill_and_a_half_written_end(
    record: Record, clip: Clip, tmp_path: Path
) -> None:
    history = History(record, tmp_path)
    land(record, history, tmp_path, clip(0, seconds=8))
    land(record, history, tmp_path, clip(1, seconds=8))
    history.close()  # the second is in the record, but not yet in the file
    log = tmp_path / "landmarks.bin"
    whole = log.read_bytes()
    assert len(whole) > LOG_ROW.itemsize
    for left in (whole, whole[:-5], whole[: LOG_ROW.itemsize + 3], b""):
        log.write_bytes(left)
        again_opened = History(record, tmp_path)
        for seed in (0, 1):
            path = again(clip(seed, seconds=8), tmp_path / f"again-{seed}.mp4", crf=31)
            (screened,) = screen(path, POLICY, threads=1)
            (flag,) = again_opened.judged(screened, POLICY).verdict.flags
            assert f"episode {seed + 1} of the record" in flag.message
        again_opened.close()
        assert len(log.read_bytes()) % LOG_ROW.itemsize == 0


def test_the_file_of_another_record_is_left_behind(
    record: Record, clip: Clip, tmp_path: Path
) -> None:
    history = History(record, tmp_path)
    land(record, history, tmp_path, clip(0, seconds=8))
    history.catch_up(5)
    history.close()
    other = open_record(f"sqlite:///{tmp_path / 'other.sqlite'}")
    history = History(other, tmp_path)
    path = again(clip(0, seconds=8), tmp_path / "copy.mp4")
    assert checks(land(other, history, tmp_path, path)) == []


def test_screen_tells_copies_within_what_it_is_given(
    dailies: Callable[..., Any], clip: Clip, tmp_path: Path
) -> None:
    copy = again(clip(0, seconds=8), tmp_path / "copy.mp4")
    done = dailies("screen", "--json", "--workers", 1, clip(0, seconds=8), copy)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["verdict"], second["verdict"]) == ("good", "suspect")
    (flag,) = second["flags"]
    assert flag["check"] == "copied_clip"
    assert clip(0, seconds=8).name in flag["message"]
