"""Offsets and drifts that were planted are measured, and nothing is told where nothing can be."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sync_made import Arm, Seen, camera, frame_times, joints, ns

from dailies.recordings.contract import Series
from dailies.words import NS
from quality.measures import Measurements
from quality.measures.sync import measure_sync


def test_a_command_that_is_sent_now_and_then_neither_starts_late_nor_ends_early() -> None:
    def clocks(
        *spans: tuple[float, float], role: Literal["action", "other"] = "action"
    ) -> dict[str, tuple[float, float]]:
        rows = [ns(np.arange(start_s, end_s, 0.1)) for start_s, end_s in spans]
        series = [
            Series(f"/{at}", one, np.ones((len(one), 1)), ("x",), role=role)
            for at, one in enumerate(rows)
        ]
        found = measure_sync([], series)
        return {one.stream: (one.start_offset_ms, one.end_offset_ms) for one in found}

    assert clocks((0, 40), (5, 14)) == {}
    assert clocks((5, 14), (0, 40)) == {}
    # a sensor is to be there all along
    assert clocks((0, 40), (5, 14), role="other")["/1"] == pytest.approx((5000, -26_000), abs=1)
    # what breaks off, or comes late, keeps one of its ends
    assert clocks((0, 40), (0, 14))["/1"] == pytest.approx((0, -26_000))
    assert clocks((0, 40), (5, 40))["/1"] == pytest.approx((5000, 0), abs=1)


def test_a_camera_behind_commands_is_not_said_to_be_late() -> None:
    arm = Arm.moving(seed=1)
    commands = replace(joints(arm, 20), role="action")
    found = measure_sync([camera(arm, 20, late_s=0.15)], [commands])[0]
    assert (found.tells, found.is_of_robot) == (True, False)


def test_time_stamps_alone_make_no_drift() -> None:
    late, early = ns(np.arange(3, 20, 0.1)), ns(np.arange(0, 20, 0.1))
    both = [
        Series(name, at, np.ones((len(at), 1)), ("x",))
        for name, at in zip("ab", (early, late), strict=True)
    ]
    summed = Measurements(sync=measure_sync([], both)).summary()["b"]
    assert (summed["starts_late_ms"], summed["ends_late_ms"]) == (3000, 0)
    assert not {"offset_ms", "drift_ppm"} & summed.keys()


@pytest.mark.parametrize("late_ms", [-500, -133, -33, -10, 0, 10, 33, 133, 500])
def test_a_camera_that_lags_the_robot_is_measured_within_15_ms(late_ms: int) -> None:
    arm = Arm.moving(seed=1)
    found = measure_sync([camera(arm, 20, late_s=late_ms / 1e3)], [joints(arm, 20)])[0]
    assert (found.stream, found.against, found.method) == ("top", "observation.state", "content")
    assert found.tells
    assert found.is_of_robot
    assert found.offset_ms == pytest.approx(late_ms, abs=15)
    assert found.drift_ppm == 0


def test_over_many_short_episodes_the_median_error_is_under_5_ms() -> None:
    errors = []
    for seed in range(20):
        arm = Arm.moving(seed)
        late_s = np.random.default_rng(seed).uniform(-0.3, 0.3)
        seen = camera(arm, 12, late_s=late_s, seed=seed)
        found = measure_sync([seen], [joints(arm, 12)])[0]
        if found.tells:
            errors.append(abs((found.offset_ms or 0) - late_s * 1e3))
    assert len(errors) >= 17
    assert np.median(errors) < 5


@pytest.mark.parametrize("ppm", [-10_000, -3_000, 3_000, 10_000])
def test_a_drift_is_measured_within_a_tenth_over_a_minute(ppm: int) -> None:
    arm = Arm.moving(seed=2)
    found = measure_sync([camera(arm, 60, drift=ppm / 1e6)], [joints(arm, 60)])[0]
    assert found.drift_ppm == pytest.approx(ppm, rel=0.1)
    assert found.offset_ms == pytest.approx(0, abs=15)
    assert found.end_offset_ms - found.start_offset_ms == pytest.approx(ppm * 0.06, rel=0.1)
    assert found.window_offsets_ms[-1] - found.window_offsets_ms[0] == pytest.approx(
        ppm * 0.055, rel=0.35
    )


@pytest.mark.parametrize("ppm", [-900, 900])
def test_a_drift_of_54_ms_in_a_minute_is_not_taken_for_none(ppm: int) -> None:
    for seed in (3, 21, 22):
        arm = Arm.moving(seed)
        found = measure_sync([camera(arm, 60, drift=ppm / 1e6, seed=seed)], [joints(arm, 60)])[0]
        drift, error = found.drift_ppm or 0.0, found.drift_error_ppm or 0.0
        assert abs(drift) > 3.5 * error > 0
        assert drift == pytest.approx(ppm, abs=3 * error)


@pytest.mark.parametrize("ppm", [-1_000, 300, 1_000])
def test_a_view_that_joints_turn_together_tells_a_drift_within_100_ppm(ppm: int) -> None:
    for seed in (0, 4, 8):
        arm = Arm.moving(seed)
        seen = camera(arm, 60, late_s=0.06, drift=ppm / 1e6, seed=seed, on_the_wrist=True)
        found = measure_sync([seen], [joints(arm, 60)])[0]
        assert found.drift_ppm == pytest.approx(ppm, abs=100)
        assert found.offset_ms == pytest.approx(60, abs=3)


def lag_errors_ms(*, shows_way: bool, length_s: float = 8.0, count: int = 20) -> list[float]:
    """How far off lags are told of a wrist's camera that is late by up to 0.3 s."""
    errors = []
    for seed in range(count):
        arm, late_s = Arm.moving(seed), np.random.default_rng(seed).uniform(-0.3, 0.3)
        seen = camera(
            arm, length_s, late_s=late_s, seed=seed, on_the_wrist=True, shows_way=shows_way
        )
        found = measure_sync([seen], [joints(arm, length_s)])[0]
        if found.tells:
            errors.append(abs((found.offset_ms or 0.0) - late_s * 1e3))
    return errors


def test_a_view_that_shows_whither_it_goes_tells_lags_twice_as_well() -> None:
    blind, seeing = lag_errors_ms(shows_way=False), lag_errors_ms(shows_way=True)
    assert len(seeing) >= len(blind) >= 15
    assert np.median(seeing) < 0.5 * np.median(blind)
    assert max(seeing) < 15


@pytest.mark.parametrize("ppm", [-20_000, 20_000])
def test_such_a_view_tells_a_drift_in_12_s(ppm: int) -> None:
    for seed in (1, 4, 5):
        arm = Arm.moving(seed)
        seen = camera(arm, 12, drift=ppm / 1e6, seed=seed, on_the_wrist=True, shows_way=True)
        found = measure_sync([seen], [joints(arm, 12)])[0]
        assert found.drift_ppm == pytest.approx(ppm, rel=0.1)
        assert found.offset_ms == pytest.approx(0, abs=5)


def test_whither_a_view_goes_is_shared_with_the_pictures_that_repeat() -> None:
    arm = Arm.moving(seed=5)
    seen = camera(arm, 20, late_s=0.1, on_the_wrist=True, shows_way=True)
    way, motion, repeat = seen.way.copy(), seen.motion.copy(), seen.repeat.copy()
    repeat[3::4] = True
    # the next picture makes up for the one that stood
    way[4::4] += way[3:-1:4]
    motion[4::4] += motion[3:-1:4]
    way[3::4], motion[3::4] = 0, 0
    halting = replace(seen, way=way, motion=motion, repeat=repeat)
    found = measure_sync([halting], [joints(arm, 20)])[0]
    assert found.offset_ms == pytest.approx(100, abs=2)


def test_two_views_that_show_whither_they_go_are_compared_by_how_much_they_move() -> None:
    arm = Arm.moving(seed=3)
    cameras = [
        camera(arm, 20, name=name, late_s=late_s, seed=seed, shows_way=True)
        for name, late_s, seed in (("top", 0.0, 1), ("side", 0.1, 2))
    ]
    (found,) = [one for one in measure_sync(cameras, []) if one.method == "content"]
    assert found.offset_ms == pytest.approx(100, abs=25)


def test_whither_a_view_goes_tells_where_how_much_it_moves_does_not() -> None:
    arm = Arm.moving(seed=8)
    seen = camera(arm, 12, late_s=0.1, seed=8, on_the_wrist=True, shows_way=True)
    noise = np.random.default_rng(0).uniform(0, 30, len(seen.motion)).astype(np.float32)
    blind = replace(seen, motion=noise, way=np.empty((0, 2), np.float32))
    assert measure_sync([blind], [joints(arm, 12)])[0].reason == "no correlation"
    found = measure_sync([replace(seen, motion=noise)], [joints(arm, 12)])[0]
    assert found.offset_ms == pytest.approx(100, abs=5)


def test_another_arms_view_tells_nothing_by_whither_it_goes() -> None:
    told = 0
    for seed in range(12):
        seen = camera(Arm.moving(seed + 100), 12, on_the_wrist=True, shows_way=True)
        told += measure_sync([seen], [joints(Arm.moving(seed), 12)])[0].tells
    assert told <= 1


@pytest.mark.parametrize(("columns", "length_s"), [(8, 4.1), (10, 5.05), (14, 7.05)])
def test_as_many_joints_as_a_short_recording_has_values_end_nothing(
    columns: int, length_s: float
) -> None:
    for seed in range(6):
        arm = Arm.moving(seed, joints=columns)
        for more in (0, 1, 2, 3):
            long_s = length_s + more / 30
            assert measure_sync([camera(arm, long_s, seed=seed)], [joints(arm, long_s)])


def test_a_clock_that_keeps_time_for_a_minute_is_not_taken_to_drift() -> None:
    for seed in range(6):
        arm = Arm.moving(seed)
        found = measure_sync([camera(arm, 60, seed=seed)], [joints(arm, 60)])[0]
        assert found.drift_ppm == 0


def test_a_drift_from_0_to_200_ms_over_20_s_shows_at_its_end() -> None:
    arm = Arm.moving(seed=3)
    found = measure_sync([camera(arm, 20, late_s=0.1, drift=0.01)], [joints(arm, 20)])[0]
    assert found.start_offset_ms == pytest.approx(0, abs=30)
    assert found.end_offset_ms == pytest.approx(200, abs=30)


def test_a_codec_that_alternates_between_key_frames_shifts_nothing() -> None:
    arm = Arm.moving(seed=4)
    seen = camera(arm, 20, late_s=0.05)
    pumped = seen.motion * np.where(np.arange(len(seen.motion)) % 2, 3.6, 1).astype(np.float32)
    found = measure_sync([replace(seen, motion=pumped)], [joints(arm, 20)])[0]
    assert found.offset_ms == pytest.approx(50, abs=15)


def test_pictures_that_repeat_the_one_before_shift_nothing() -> None:
    arm = Arm.moving(seed=4)
    seen = camera(arm, 20, late_s=0.05)
    repeat = np.arange(len(seen.motion)) % 4 == 2
    motion = seen.motion.copy()
    motion[np.flatnonzero(repeat) + 1] += motion[repeat]
    motion[repeat] = 0
    found = measure_sync([replace(seen, motion=motion, repeat=repeat)], [joints(arm, 20)])[0]
    assert found.offset_ms == pytest.approx(50, abs=15)


def test_a_series_of_another_rate_shifts_nothing() -> None:
    arm = Arm.moving(seed=5)
    for rate_hz in (10.0, 100.0, 400.0):
        found = measure_sync([camera(arm, 20)], [joints(arm, 20, rate_hz=rate_hz)])[0]
        assert found.offset_ms == pytest.approx(0, abs=15)


def test_a_camera_of_10_pictures_a_second_is_measured_too() -> None:
    arm = Arm.moving(seed=5)
    seen = camera(arm, 30, late_s=0.133, rate_hz=10.0)
    found = measure_sync([seen], [joints(arm, 30, rate_hz=10.0)])[0]
    assert found.offset_ms == pytest.approx(133, abs=20)


def test_a_gyroscope_counts_by_the_size_of_its_values() -> None:
    arm = Arm.moving(seed=6, joints=3)
    times_s = frame_times(20, 400)
    rates = np.gradient(arm.at(times_s), times_s, axis=0)
    gyro = Series("gyro", ns(times_s), rates, ("x", "y", "z"))
    found = measure_sync([camera(arm, 20, late_s=0.08)], [gyro])[0]
    assert found.offset_ms == pytest.approx(80, abs=15)


def test_two_cameras_are_compared_through_the_robot() -> None:
    arm = Arm.moving(seed=7)
    cameras = [camera(arm, 20, name="top"), camera(arm, 20, name="wrist", late_s=0.1, seed=1)]
    found = {(one.stream, one.method): one for one in measure_sync(cameras, [joints(arm, 20)])}
    through = found["wrist", "through"]
    assert through.against == "top"
    assert through.offset_ms == pytest.approx(100, abs=15)
    assert found["top", "content"].offset_ms == pytest.approx(0, abs=15)


def test_two_cameras_without_a_robot_are_compared_directly() -> None:
    arm = Arm.moving(seed=7)
    cameras = [camera(arm, 20, name="top"), camera(arm, 20, name="wrist", late_s=0.1, seed=1)]
    found = measure_sync(cameras, [])[0]
    assert (found.stream, found.against, found.method) == ("wrist", "top", "content")
    assert found.offset_ms == pytest.approx(100, abs=30)
    assert (found.offset_error_ms or 0) >= 15


def test_state_is_the_reference_before_action() -> None:
    arm = Arm.moving(seed=1)
    both = [joints(arm, 20, role="action"), joints(arm, 20, role="state")]
    assert measure_sync([camera(arm, 20)], both)[0].reference == "state"
    assert measure_sync([camera(arm, 20)], both[:1])[0].reference == "action"


def still(seen: Seen, level: float, noise: float) -> Seen:
    motion = np.random.default_rng(5).normal(level, noise, len(seen.motion))
    return replace(seen, motion=motion.astype(np.float32))


def test_a_frozen_or_black_camera_tells_nothing() -> None:
    arm = Arm.moving(seed=1)
    found = measure_sync([still(camera(arm, 20), 0, 0)], [joints(arm, 20)])[0]
    assert (found.tells, found.reason, found.offset_ms) == (False, "nothing moves", None)


def test_an_idle_robot_tells_nothing() -> None:
    arm = Arm.moving(seed=1)
    idle = replace(joints(arm, 20), values=np.random.default_rng(2).normal(0, 2e-4, (600, 6)))
    found = measure_sync([still(camera(arm, 20), 1.5, 0.05)], [idle])[0]
    assert (found.tells, found.reason) == (False, "no correlation")


def test_a_robot_whose_values_never_change_tells_nothing() -> None:
    arm = Arm.moving(seed=1)
    stuck = replace(joints(arm, 20), values=np.ones((600, 6)))
    assert measure_sync([camera(arm, 20)], [stuck])[0].reason == "nothing moves"


def test_three_seconds_are_too_short_to_tell() -> None:
    arm = Arm.moving(seed=1)
    assert measure_sync([camera(arm, 3)], [joints(arm, 3)])[0].reason == "too short"


def test_a_motion_that_repeats_itself_is_not_taken_for_a_late_one() -> None:
    times_s = frame_times(20)
    scrub = Series("state", ns(times_s), np.sin(4 * times_s)[:, None], ("x",), role="state")
    change = 1 + np.abs(np.diff(np.sin(4 * times_s), prepend=0)) * 60
    seen = Seen("top", ns(times_s), change.astype(np.float32), np.zeros(600, bool))
    found = measure_sync([seen], [scrub])[0]
    assert not found.tells or abs(found.offset_ms or 0) < 15


def test_an_arm_that_the_camera_does_not_see_hardly_ever_tells() -> None:
    told = 0
    for seed in range(60):
        seen, other = Arm.moving(seed), Arm.moving(seed + 1000)
        told += measure_sync([camera(seen, 15)], [joints(other, 15)])[0].tells
    assert told <= 3


def test_a_series_that_ends_2_s_early_shows_by_its_time_stamps() -> None:
    arm = Arm.moving(seed=1)
    found = measure_sync([camera(arm, 20)], [joints(arm, 18)])[-1]
    assert (found.stream, found.against, found.method) == ("observation.state", "top", "clock")
    assert found.start_offset_ms == pytest.approx(0, abs=1)
    assert found.end_offset_ms == pytest.approx(-2000, abs=1)


def test_a_clock_that_runs_away_shows_row_by_row() -> None:
    arm = Arm.moving(seed=1)
    slow = replace(joints(arm, 20), times_ns=ns(frame_times(20) * 1.05))
    found = measure_sync([camera(arm, 20, clock="grid")], [slow])[-1]
    assert found.end_offset_ms == pytest.approx(1000, abs=5)
    assert found.window_offsets_ms[-1] == pytest.approx(998, abs=5)
    assert np.all(np.diff(found.window_offsets_ms) > 0)


def test_times_made_from_a_frame_index_tell_nothing_by_themselves() -> None:
    arm = Arm.moving(seed=1)
    found = measure_sync([camera(arm, 20, clock="grid")], [joints(arm, 19, clock="grid")])[-1]
    assert (found.tells, found.reason) == (False, "times made from a frame index")


def test_what_was_measured_is_stored_and_read_back_unchanged(tmp_path: Path) -> None:
    arm = Arm.moving(seed=1)
    sync = measure_sync([camera(arm, 20), still(camera(arm, 20), 0, 0)], [joints(arm, 20)])
    Measurements(sync=sync).save(tmp_path)
    assert Measurements.load(tmp_path).sync == sync


@settings(max_examples=40, deadline=None)
@given(
    times=arrays.arrays(np.int64, st.integers(0, 120), elements=st.integers(-(10**9), 10**10)),
    values=arrays.arrays(np.float64, st.tuples(st.integers(0, 120), st.integers(0, 3))),
    seed=st.integers(0, 5),
)
def test_odd_times_and_values_raise_nothing(
    times: np.ndarray, values: np.ndarray, seed: int
) -> None:
    seen = camera(Arm.moving(seed), 8, on_the_wrist=True, shows_way=True)
    count = min(len(times), len(values))
    odd = Series("state", times[:count], values[:count], ("a", "b", "c"), role="state")
    motion = np.resize(values.ravel(), len(times)) if values.size else np.zeros(len(times))
    with np.errstate(all="ignore"):
        motion = motion.astype(np.float32)
    way = np.resize(motion, (len(times), 2))
    strange = Seen("odd", times, motion, np.zeros(len(times), bool), way=way)
    with np.errstate(all="ignore"):
        assert measure_sync([seen, strange], [odd])


@pytest.mark.parametrize(
    ("moving", "length", "seed", "name"),
    [(3, 204, 126, "vel"), (3, 209, 84, "joint"), (4, 240, 59, "joint")],
)
def test_a_joint_that_moves_only_at_the_very_end_raises_nothing(
    moving: int, length: int, seed: int, name: str
) -> None:
    values = np.zeros((length, 1))
    values[-moving:] = np.random.default_rng(seed).normal(0, 1, (moving, 1))
    series = Series("state", ns(np.arange(length) / 50), values, (f"{name}_0",), role="state")
    arm = Arm.moving(seed % 8)
    seen = camera(arm, length / 50, seed=seed, on_the_wrist=True, shows_way=True)
    assert not measure_sync([seen], [series])[0].tells


def test_an_hour_is_compared_in_seconds() -> None:
    arm = Arm.moving(seed=1, joints=14, length_s=3700)
    seen, series = camera(arm, 3600, late_s=0.1), joints(arm, 3600)
    begun = time.process_time()
    found = measure_sync([seen], [series])[0]
    assert found.offset_ms == pytest.approx(100, abs=5)
    assert time.process_time() - begun < 20


def test_a_series_that_speaks_only_now_and_then_has_no_start_to_hold_it_to() -> None:
    presses_s = np.concatenate([4 + np.arange(20) * 0.05, 9 + np.arange(20) * 0.05])
    keys = Series("keys", (presses_s * NS).astype(np.int64), np.ones((40, 1)), ("x",))
    steady_s = np.arange(600) * 0.02
    joints = Series("joints", (steady_s * NS).astype(np.int64), np.ones((600, 1)), ("j",))
    late = Series("late", ((steady_s + 4) * NS).astype(np.int64), np.ones((600, 1)), ("j",))
    assert [one.stream for one in measure_sync((), (joints, keys, late))] == ["late"]


def test_what_comes_once_a_second_has_no_end_to_hold_it_to() -> None:
    steady_s = np.arange(250) * 0.02
    joints = Series("joints", (steady_s * NS).astype(np.int64), np.ones((250, 1)), ("j",))
    warmth = Series("warmth", np.arange(5, dtype=np.int64) * NS, np.ones((5, 1)), ("c",))
    assert measure_sync((), (joints, warmth)) == ()
