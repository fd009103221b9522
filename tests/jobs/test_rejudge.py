"""``dailies judge``: other limits, the same measurements, and no video opened."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Episode, Finding, Review
from jobs.entry import enter
from jobs.rejudge import Rejudged, rejudge
from jobs.screening import screen
from quality.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "jobs.cli")
Clip = Callable[..., Path]
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
STRICT = '[policy]\nname = "strict"\n[limits.too_short]\nsuspect = 60.0\nfail = 30.0\n'


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.of(tmp_path / "data", recordings=(tmp_path / "recordings",))


@pytest.fixture
def screened(config: Config, clip: Clip) -> Record:
    """A record of five screened clips, whose videos are deleted afterwards."""
    (folder,) = config.recordings
    folder.mkdir()
    config.data.mkdir()
    record = open_record(config.record)
    for seed in range(5):
        path = folder / f"{seed}.mp4"
        shutil.copy(clip(seed, seconds=2.5), path)
        for one in screen(path, Policy.load(), store=config.measurements):
            with record.begin() as session:
                enter(session, one, site_zones={}, landed_at=NOW)
    shutil.rmtree(folder)
    return record


def strict(tmp_path: Path) -> Policy:
    path = tmp_path / "strict.toml"
    path.write_text(STRICT)
    return Policy.load(path)


def standing(record: Record) -> list[tuple[str, str | None, str]]:
    with record.read() as session:
        rows = session.scalars(select(Episode).order_by(Episode.id))
        return [(row.verdict, row.decision, row.policy.split("@")[0]) for row in rows]


def test_stricter_limits_change_verdicts_flags_and_decisions(
    screened: Record, config: Config, tmp_path: Path
) -> None:
    policy = strict(tmp_path)
    assert rejudge(screened, config, policy) == Rejudged(judged=5, changed=5)
    assert standing(screened) == [("fail", "rejected", "strict")] * 5
    with screened.read() as session:
        flags = session.execute(select(Finding.check, Finding.grade)).all()
    assert [tuple(flag) for flag in flags] == [("too_short", "fail")] * 5


def test_going_back_gives_the_first_verdicts_again(
    screened: Record, config: Config, tmp_path: Path
) -> None:
    before = standing(screened)
    rejudge(screened, config, strict(tmp_path))
    rejudge(screened, config, Policy.load())
    assert standing(screened) == before


def test_a_review_stands_whatever_the_verdict(
    screened: Record, config: Config, tmp_path: Path
) -> None:
    with screened.begin() as session:
        episode = session.get_one(Episode, 3)
        episode.decision = "accepted"
        review = Review(
            episode_id=3, reviewer="qa", decision="accepted", policy=episode.policy, decided_at=NOW
        )
        session.add(review)
    rejudge(screened, config, strict(tmp_path))
    assert [one[1] for one in standing(screened)] == [
        "rejected",
        "rejected",
        "accepted",
        "rejected",
        "rejected",
    ]


def test_ended_in_the_middle_it_goes_on_where_it_was(
    screened: Record, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.rejudge.EPISODES_AT_ONCE", 2)
    policy = strict(tmp_path)

    def stop(done: int, _total: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rejudge(screened, config, policy, progress=stop)
    assert [one[2] for one in standing(screened)] == ["strict"] * 2 + ["house"] * 3
    assert rejudge(screened, config, policy) == Rejudged(judged=3, changed=3, current=2)
    assert rejudge(screened, config, policy) == Rejudged(current=5)
    assert rejudge(screened, config, policy, everything=True) == Rejudged(judged=5)


def test_an_episode_whose_measurements_are_gone_keeps_its_verdict(
    screened: Record, config: Config, tmp_path: Path
) -> None:
    with screened.read() as session:
        kept = session.get_one(Episode, 2).measurements
    shutil.rmtree(config.data / str(kept))
    done = rejudge(screened, config, strict(tmp_path))
    assert done == Rejudged(judged=4, changed=4, unmeasured=1)
    assert standing(screened)[1] == ("good", "accepted", "house")


@pytest.mark.usefixtures("screened")
def test_without_any_measurements_nothing_is_judged_and_that_is_said(
    config: Config, tmp_path: Path
) -> None:
    strict(tmp_path)
    shutil.rmtree(config.measurements)
    done = subprocess.run(
        [*COMMAND, "judge", "--data", str(config.data), "--policy", str(tmp_path / "strict.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "none of 5 episodes has measurements that can be read" in done.stderr


def test_the_command_says_what_it_did(screened: Record, config: Config, tmp_path: Path) -> None:
    strict(tmp_path)
    done = subprocess.run(
        [*COMMAND, "judge", "--data", str(config.data), "--policy", str(tmp_path / "strict.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout.startswith("5 episodes judged under strict@")
    assert standing(screened) == [("fail", "rejected", "strict")] * 5
