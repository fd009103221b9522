"""The example's recordings, really encoded and really screened, held against the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dailies.recordings import episodes_at, fingerprint, recordings_in
from dailies.recordings.contract import Episode
from dailies.words import NS, Flag, Verdict
from jobs.example.catalogue import RESUBMITTER
from jobs.example.clips import FIRST, planned
from jobs.example.manifest import Defect, Planted
from jobs.example.recordings import encode_recordings, land, landings
from quality.judge import judge
from quality.measures import measure
from quality.policy import Policy

SEED = 7
CHOSEN = (1, 2, 3, 4, 6, 7, 10, 11, 13, 15, 16, 17, 20, 22, 23, 26, 29, 31)
"""One clip or more of every defect, and of every format."""
CLIPS = tuple(planned(SEED)[number] for number in CHOSEN)
CASES = [(clip.number, index) for clip in CLIPS for index in range(len(clip.takes))]


@dataclass(frozen=True)
class Case:
    """What was planted in an episode, and what was found."""

    planted: Planted
    episode: Episode
    verdict: Verdict


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chosen clips, encoded."""
    folder = tmp_path_factory.mktemp("example") / "recordings"
    encode_recordings(folder, seed=SEED, clips=CLIPS)
    return folder


@pytest.fixture(scope="module")
def cases(folder: Path) -> dict[tuple[int, int], Case]:
    """Every episode of them, screened."""
    policy = Policy.load()
    found = {}
    planted = iter(encode_recordings(folder, seed=SEED, clips=CLIPS))
    for clip in CLIPS:
        for episode in episodes_at(folder / clip.name):
            verdict = judge(measure(episode), policy, episode.metadata)
            found[clip.number, episode.index] = Case(next(planted), episode, verdict)
    return found


def finds(flag: Flag, defect: Defect) -> bool:
    """Whether a flag is of the planted defect: its check, its stream, and at its time."""
    if flag.check != defect.check or defect.stream not in (flag.stream, None):
        return False
    start_s, end_s = flag.span.start_ns / NS, flag.span.end_ns / NS
    return start_s < defect.end_s and (end_s > defect.start_s or end_s == defect.start_s == 0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_verdict_is_what_the_manifest_says(
    cases: dict[tuple[int, int], Case], case: tuple[int, int]
) -> None:
    planted, verdict = cases[case].planted, cases[case].verdict
    flags = [f"{flag.check} {flag.grade}: {flag.message}" for flag in verdict.flags]
    assert verdict.grade in planted.verdicts, (planted.name, flags)
    missed = [
        defect for defect in planted.defects if not any(finds(f, defect) for f in verdict.flags)
    ]
    assert not missed, (planted.name, flags)


def test_every_check_is_planted_somewhere_and_put_to_the_test() -> None:
    checks = {
        "blur", "dropped_frames", "sync_drift", "frozen_picture", "black_picture", "overexposed",
        "underexposed", "count_mismatch", "missing_stream", "corrupt_stream", "too_short",
    }  # fmt: skip
    assert {d.check for clip in CLIPS for take in clip.takes for d in take.defects} == checks
    assert {"phone", "robot", "lerobot-v2.1", "lerobot-v3.0"} == {clip.form for clip in CLIPS}
    assert sum(not take.defects for clip in planned(SEED) for take in clip.takes) > 15


def test_lag_is_measured_to_a_hundredth_of_a_second(cases: dict[tuple[int, int], Case]) -> None:
    for case in ((2, 0), (23, 1)):
        lag = [flag for flag in cases[case].verdict.flags if flag.check == "sync_drift"]
        assert lag[0].measured == pytest.approx(150, abs=10)


def test_a_clip_handed_in_again_has_the_same_content_and_another_time(
    cases: dict[tuple[int, int], Case],
) -> None:
    first, second = cases[3, 0], cases[16, 0]
    assert second.planted.duplicate_of == first.planted.path
    assert fingerprint(first.episode) == fingerprint(second.episode)
    assert first.episode.metadata.worker == second.episode.metadata.worker == RESUBMITTER
    prints = [fingerprint(case.episode) for case in cases.values()]
    assert len(set(prints)) == len(prints) - 1


def test_recordings_name_who_and_what_the_history_knows(
    cases: dict[tuple[int, int], Case],
) -> None:
    for case in cases.values():
        said = case.episode.metadata
        assert None not in (said.worker, said.site, said.rig, said.task, said.program)
        assert said.shift == f"s-now-{said.worker}"
        assert said.started_at is not None
        if case.episode.format == "folder":
            assert len(said.steps) >= 4


def test_further_recordings_land_whole(folder: Path) -> None:
    before = set(recordings_in(folder))
    missing = [c.name for c in planned(SEED)[FIRST:] if not (folder / c.name).exists()]
    landed = [planted for (planted,) in landings(folder, seed=SEED, every_s=0.0, rounds=2)]
    assert [planted.path for planted in landed] == missing[:2]
    assert set(recordings_in(folder)) - before == {folder / name for name in missing[:2]}
    assert not list(folder.parent.glob(".making-*"))


def test_a_killed_landing_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = next(clip for clip in planned(SEED) if clip.take.label == "too short")

    def refuse(*_: object) -> Iterator[None]:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", refuse)
    folder = tmp_path / "recordings"
    with pytest.raises(OSError, match="no space"):
        land(clip, folder, SEED)
    assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["recordings"]


def test_the_same_seed_plans_the_same_recordings() -> None:
    assert planned(SEED) == planned(SEED)
    assert [clip.name for clip in planned(SEED)] != [clip.name for clip in planned(SEED + 1)]
    names = [clip.name for clip in planned(SEED)]
    assert len(set(names)) == len(names) == 36
