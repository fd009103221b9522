"""What the workbench says of moved limits is what judging everything again gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session
from test_scores import MOVABLE, made_up, moved

from dailies.database import open_record
from dailies.mirror import Mirror
from dailies.record import Episode, Finding, Score
from dailies.recordings.contract import Metadata
from dailies.words import Verdict
from jobs.policies import limits_of, moved_checks
from metrics import policy as metrics
from quality.judge import judge
from quality.measures import Measurements
from quality.policy import Policy
from quality.scores import scores

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
EPISODES = 24
HOUSE = Policy.load()
OVERRIDDEN = HOUSE.moved("blur", {"suspect": 1.8}, "site", "s1").moved(
    "too_short", {"suspect": 5.0, "fail": 3.0}, "rig", "r2"
)


def who(id: int) -> Metadata:
    return Metadata(task=f"t{id % 2}", site=f"s{id % 3}", rig=f"r{id % 4}")


@pytest.fixture(scope="module")
def measured() -> dict[int, Measurements]:
    return {id: made_up(100 + id) for id in range(1, EPISODES + 1)}


@pytest.fixture(scope="module")
def mirror(
    tmp_path_factory: pytest.TempPathFactory, measured: dict[int, Measurements]
) -> Iterator[Mirror]:
    """A mirror of a record in which all are judged under OVERRIDDEN, and scored."""
    record = open_record(f"sqlite:///{tmp_path_factory.mktemp('moved') / 'record.sqlite'}")
    with record.begin() as session:
        for id, one in measured.items():
            _enter(session, id, one)
    mirror = Mirror(record, max_age_s=3600.0, threads=1)
    yield mirror
    mirror.close()
    record.close()


def _enter(session: Session, id: int, measured: Measurements) -> None:
    verdict: Verdict = judge(measured, OVERRIDDEN, who(id))
    place = who(id)
    session.add(
        Episode(
            id=id, content=str(id), path=f"/{id}.mp4", format="video", started_at=NOON,
            task_id=place.task, site_id=place.site, rig_id=place.rig, worker_id="w",
            worked_on=NOON.date(), landed_at=NOON, judged_at=NOON, duration_s=3600.0,
            verdict=verdict.grade.value, policy=verdict.policy, is_scored=True,
        )
    )  # fmt: skip
    session.flush()
    session.add_all(
        Finding(
            episode_id=id, check=flag.check, grade=flag.grade.value, stream=flag.stream,
            start_s=0.0, end_s=1.0, measured=0.0, limit=0.0, unit=flag.unit, message="",
        )
        for flag in verdict.flags
    )  # fmt: skip
    session.add_all(
        Score(
            episode_id=id, check=one.check, grade=one.grade, suspect_to=one.suspect_to,
            fail_to=one.fail_to,
        )
        for one in scores(measured, OVERRIDDEN, who(id))
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_moved_limits_are_answered_as_if_all_were_judged_again(
    mirror: Mirror, measured: dict[int, Measurements], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    draft = OVERRIDDEN
    for name in rng.choice(MOVABLE, int(rng.integers(1, 5)), replace=False):
        suspect, fail = moved(rng, str(name))
        scope = str(rng.choice(["house", "task", "site", "rig"]))
        owner = {"house": None, "task": "t1", "site": "s1", "rig": "r2"}[scope]
        draft = draft.moved(str(name), {"suspect": suspect, "fail": fail}, scope, owner)
    checks = moved_checks(OVERRIDDEN, draft)
    before, after = limits_of(OVERRIDDEN, *checks), limits_of(draft, *checks)
    told = {
        one.episode_id: (one.before, one.after)
        for one in metrics.policy_changed_episodes(mirror, before, after)
    }
    again = {}
    for id, one in measured.items():
        was = judge(one, OVERRIDDEN, who(id)).grade.value
        now = judge(one, draft, who(id)).grade.value
        if was != now:
            again[id] = (was, now)
    assert told == again


def test_a_moved_limit_changes_something_here(mirror: Mirror) -> None:
    """So that the test above could fail."""
    names = ("dropped_frames", "sync_drift", "frozen_picture", "count_mismatch")
    draft = OVERRIDDEN
    for name in names:  # so loose that hardly anything is beyond them
        limits = HOUSE.house[name]
        wide = {"suspect": limits["suspect"] * 10, "fail": limits["fail"] * 10}
        draft = draft.moved(name, wide)
    sides = limits_of(OVERRIDDEN, *names), limits_of(draft, *names)
    changes = metrics.policy_change(mirror, *sides)
    assert sum(one.episodes for one in changes) > 3
    assert sum(one.hours for one in changes) == sum(one.episodes for one in changes)
    worker, *rigs = metrics.policy_change_by_owner(mirror, *sides)
    assert {one.kind for one in rigs} == {"rig"}
    assert sum(one.episodes for one in rigs) == sum(one.episodes for one in changes)
    assert (worker.kind, worker.id, worker.worse, worker.worse_h) == ("worker", "w", 0, 0.0)
    assert worker.recorded_h == EPISODES


def test_a_policy_reads_back_what_it_writes(tmp_path: Path) -> None:
    text = OVERRIDDEN.to_toml("strict", 'what "was" changed\nand why')
    (tmp_path / "strict.toml").write_text(text, encoding="utf-8")
    again = Policy.load(tmp_path / "strict.toml")
    assert again.id.startswith("strict@")
    assert (again.house, again.overrides) == (OVERRIDDEN.house, OVERRIDDEN.overrides)
    assert again.id.split("@")[1] == OVERRIDDEN.id.split("@")[1]
