"""A lag that no episode tells by itself is told by all of a rig, and none is made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sync_made import Arm, camera, joints

from quality.measures.sync import measure_sync
from quality.measures.together import FEWEST, PARTS, Evidence, Gathered, evidence, lag_of

LENGTH_S = 5.0
JOINTS = 14


def episodes(lags_ms: Sequence[float], *, strangers: bool = False) -> list[Evidence]:
    """What episodes of one arm show, of which the camera is so late; of ``strangers``, an arm that
    the camera does not see is given.
    """
    found = []
    for seed, late_ms in enumerate(lags_ms):
        arm = Arm.moving(seed, joints=JOINTS, length_s=10)
        other = Arm.moving(seed + 1_000, joints=JOINTS, length_s=10) if strangers else arm
        seen = camera(arm, LENGTH_S, late_s=late_ms / 1e3)
        found += evidence([seen], [joints(other, LENGTH_S)])
    return found


@pytest.mark.parametrize("late_ms", [-200, 0, 47, 133, 400])
def test_what_all_episodes_tell_is_within_their_error(late_ms: int) -> None:
    together = lag_of(episodes([late_ms] * 12))
    assert together.tells, together.reason
    assert (together.stream, together.against) == ("top", "observation.state")
    assert together.offset_ms == pytest.approx(late_ms, abs=10)
    assert 0 < (together.offset_error_ms or 0) < 10


def test_episodes_that_tell_nothing_alone_tell_together() -> None:
    alone = []
    for seed in range(24):
        arm = Arm.moving(seed, joints=JOINTS, length_s=10)
        seen = camera(arm, LENGTH_S, late_s=0.1)
        noisy = replace(seen, motion=seen.motion + noise(seed, len(seen.motion)))
        alone.append((noisy, joints(arm, LENGTH_S)))
    assert sum(measure_sync([seen], [series])[0].tells for seen, series in alone) < len(alone) / 2
    together = lag_of([one for seen, series in alone for one in evidence([seen], [series])])
    assert together.tells, together.reason
    assert together.offset_ms == pytest.approx(100, abs=3 * (together.offset_error_ms or 0))


def noise(seed: int, count: int) -> np.ndarray:
    """People who walk past: slow changes that no joint explains."""
    steps = np.random.default_rng(seed).normal(0, 4, count // 10 + 2)
    return np.abs(np.interp(np.arange(count) / 10, np.arange(len(steps)), steps)).astype(np.float32)


def test_an_arm_that_the_camera_does_not_see_tells_nothing() -> None:
    assert not lag_of(episodes([0.0] * 20, strangers=True)).tells


def test_lags_that_differ_from_episode_to_episode_are_not_told() -> None:
    assert not lag_of(episodes(np.linspace(-600, 600, 12).tolist())).tells


@pytest.mark.parametrize("lags_ms", [[0] * 12 + [250] * 12, [0, 250] * 12])
def test_what_is_told_of_mixed_lags_is_no_more_certain_than_they_are(lags_ms: list[int]) -> None:
    gathered = Gathered()
    for one in episodes(lags_ms):
        gathered.add(one)
    lag = gathered.lag
    assert not lag.tells or 0 < (lag.offset_ms or 0) < 250


def test_sums_of_episodes_tell_as_much_as_each_of_them() -> None:
    each = episodes([133.0] * 40)
    gathered = Gathered()
    for one in each:
        gathered.add(one)
    assert (gathered.episodes, len(gathered.parts)) == (40, PARTS)
    assert sum(part.episodes for part in gathered.parts) == 40
    found = lag_of(each)
    assert gathered.lag.offset_ms == pytest.approx(found.offset_ms, abs=0.01)
    assert gathered.lag.offset_error_ms == pytest.approx(found.offset_error_ms, rel=0.5)


def test_few_episodes_tell_nothing() -> None:
    found = lag_of(episodes([100.0] * (FEWEST - 1)))
    assert (found.tells, found.reason) == (False, "too few episodes")


def test_joints_that_rest_in_some_episodes_keep_their_place() -> None:
    """Columns that do not move are left out of a track: those that do must not slip into them."""
    found = []
    for seed in range(12):
        arm = Arm.moving(seed, joints=JOINTS, length_s=10)
        rests = np.arange(JOINTS) % 3 == seed % 3
        still = replace(arm, poses=np.where(rests[:, None], arm.poses[:, :1], arm.poses))
        series = joints(still, LENGTH_S)
        values = np.where(rests, series.values[:1], series.values)
        found += evidence([camera(still, LENGTH_S, late_s=0.1)], [replace(series, values=values)])
    assert {one.gram.shape for one in found} == {(JOINTS + 1, JOINTS + 1)}
    assert lag_of(found).offset_ms == pytest.approx(100, abs=10)


def test_nothing_is_added_by_what_is_short_or_rests() -> None:
    arm = Arm.moving(1, joints=3, length_s=10)
    assert not list(evidence([camera(arm, 2.0)], [joints(arm, 2.0)]))
    still = replace(joints(arm, LENGTH_S), values=np.zeros((150, 3)))
    assert not list(evidence([camera(arm, LENGTH_S)], [still]))
    assert not list(evidence([camera(arm, LENGTH_S)], []))
    dark = replace(camera(arm, LENGTH_S), motion=np.zeros(150, np.float32))
    found = list(evidence([dark] * FEWEST, [joints(arm, LENGTH_S)]))
    assert lag_of(found).reason == "nothing moves"
