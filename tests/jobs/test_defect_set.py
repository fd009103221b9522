"""The made defect set says where its defects are, and the score counts what a flag must hit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.arm_views import Motion
from benchmarks.defect_episodes import (
    CAMERAS,
    FIXED,
    KINDS,
    ORDER,
    RATE_HZ,
    WRIST,
    Made,
    drop_episodes,
    episodes,
)
from benchmarks.defect_set import FOUND_BY, Label, best_overlap, results, single_drops


@pytest.fixture(scope="module")
def made() -> dict[str, Made]:
    """The episodes by what they are; of the clean ones the last."""
    return dict(zip(ORDER, episodes(), strict=True))


def flag(check: str, start_s: float, end_s: float, stream: str = FIXED) -> dict[str, Any]:
    return {
        "check": check,
        "start_s": start_s,
        "end_s": end_s,
        "stream": stream,
        "measured": 1,
    }


def label(kind: str | None, start_s: float, end_s: float, *at_s: float) -> Label:
    return Label(0, kind, FIXED if kind else None, start_s, end_s, at_s, "")


def test_thirty_episodes_hold_seventeen_kinds_of_defect_and_thirteen_are_clean() -> None:
    assert len(ORDER) == 30
    assert sorted(KINDS) == sorted(FOUND_BY)
    assert len(KINDS) == len(set(KINDS)) == 17


def test_every_defect_has_a_label_and_nothing_else_has(made: dict[str, Made]) -> None:
    for kind, one in made.items():
        assert (one.label.kind if one.label else None) == (kind if kind in KINDS else None)


def test_a_frozen_camera_shows_one_picture_to_the_last_bit(made: dict[str, Made]) -> None:
    pictures = list(made["frozen"].pictures(FIXED))
    assert all(np.array_equal(pictures[75], picture) for picture in pictures[75:135])
    assert not np.array_equal(pictures[134], pictures[135])


def test_single_frames_are_lost_amid_motion_and_the_rest_follows_on(
    made: dict[str, Made],
) -> None:
    steps = np.diff(made["single_drops"].shots[WRIST].shown_s) * RATE_HZ
    lost = [round(at * RATE_HZ) for at in made["single_drops"].label.at_s]  # type: ignore[union-attr]
    assert np.flatnonzero(steps > 1.5).tolist() == lost
    assert len(lost) >= 4
    assert np.delete(steps, lost) == pytest.approx(1.0)


def test_either_camera_loses_single_frames_often_enough_to_count_shares() -> None:
    lost = dict.fromkeys(CAMERAS, 0)
    for one in drop_episodes():
        assert one.label is not None
        assert one.label.stream is not None
        lost[one.label.stream] += len(one.label.at_s)
    assert min(lost.values()) >= 20


def test_a_rested_motion_stands_and_goes_on_from_there() -> None:
    motion = Motion.made(1, length_s=8.0)
    before, during, late, after = motion.rested(2.0, 4.0).at(np.array([2.1, 3.0, 3.9, 6.0]))
    assert np.allclose([before, late], during)
    assert not np.allclose(late, after)


@pytest.mark.parametrize(
    ("flagged", "overlap"),
    [
        (flag("black_picture", 2.0, 4.0), 1.0),
        (flag("black_picture", 3.0, 4.0), 0.5),
        (flag("black_picture", 3.0, 5.0), 1 / 3),
        (flag("black_picture", 5.0, 6.0), 0.0),
        (flag("blur", 2.0, 4.0), None),
        (flag("black_picture", 2.0, 4.0, WRIST), None),
    ],
)
def test_a_span_counts_by_intersection_over_union(
    flagged: dict[str, Any], overlap: float | None
) -> None:
    found = best_overlap(label("black", 2.0, 4.0), [flagged])
    assert found == (None if overlap is None else pytest.approx(overlap))


@pytest.mark.parametrize(("end_s", "overlap"), [(3.1, 1.0), (5.0, 0.0)])
def test_a_moment_is_hit_by_a_flag_that_is_hardly_longer(end_s: float, overlap: float) -> None:
    planted = label("dropped_chunk", 3.0, 3.033)
    assert best_overlap(planted, [flag("dropped_frames", 2.9, end_s)]) == overlap


def test_of_single_moments_the_share_that_is_met_counts() -> None:
    planted = label("single_drops", 1.0, 5.0, 1.0, 2.0, 4.0, 5.0)
    flags = [flag("dropped_frames", 1.0, 2.03), flag("dropped_frames", 4.97, 5.03)]
    assert best_overlap(planted, flags) == 0.75
    assert best_overlap(planted, [flag("dropped_frames", 0.0, 8.0)]) == 0.0


def test_single_drops_are_counted_over_episodes_by_camera() -> None:
    labels = [
        Label(0, "single_drops", FIXED, 1.0, 5.0, (1.0, 5.0), ""),
        Label(1, "single_drops", FIXED, 1.0, 5.0, (1.0, 3.0), ""),
    ]
    said = {
        0: {"flags": [flag("dropped_frames", 1.0, 1.03), flag("dropped_frames", 5.0, 5.03)]},
        1: {"flags": [flag("dropped_frames", 1.0, 1.03), flag("blur", 3.0, 3.03)]},
    }
    (result,) = single_drops(labels, said)
    assert (result["ratio"], result["places"], result["counted"]) == (0.75, 4, 3)


def test_the_score_names_what_was_missed_and_which_clean_ones_were_flagged() -> None:
    labels = [
        Label(0, "black", FIXED, 2.0, 4.0, (), ""),
        Label(1, "idle", None, 0.0, 8.0, (), ""),
        Label(2, None, None, 0.0, 0.0, (), ""),
        Label(3, None, None, 0.0, 0.0, (), "bare wall"),
    ]
    said = {
        0: {"verdict": "fail", "flags": [flag("black_picture", 2.0, 4.0)]},
        1: {"verdict": "good", "flags": []},
        2: {"verdict": "suspect", "flags": [flag("blur", 0.0, 8.0)]},
        3: {"verdict": "unknown", "flags": [flag("blur", 0.0, 8.0)]},
    }
    found = {one["name"]: one for one in results(labels, said)}
    assert found["defects_found"]["missed"] == ["idle"]
    assert found["defects_clean_flagged"]["flagged"] == {2: ["blur"]}
    assert found["defects_clean_flagged"]["unknown"] == [3]
