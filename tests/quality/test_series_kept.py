"""What is kept of series comes back as it was, loads from before it was kept, and costs little."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import robot_made as made

from dailies.recordings import episodes_at
from dailies.recordings.contract import Series, Step
from dailies.words import NS, Grade
from quality.checks import BY_NAME
from quality.judge import judge
from quality.measures import Measurements
from quality.measures.series import BLOCK, SeriesMeasures, measure_series
from quality.policy import Policy

POLICY = Policy.load()


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    state, action = made.robot(9)
    holes = state.values.copy()
    holes[3, 2] = np.nan
    step = Step("reach", 0, NS)
    series = (measure_series(replace(state, values=holes)), measure_series(action))
    Measurements(series=series, task="fold", steps=(step,)).save(tmp_path)
    again = Measurements.load(tmp_path)
    assert (again.task, again.steps) == ("fold", (step,))
    for before, after in zip(series, again.series, strict=True):
        np.testing.assert_array_equal(before.values, after.values)
        np.testing.assert_array_equal(before.speed, after.speed)
        assert before.origin == after.origin
    assert judge(Measurements(series=series), POLICY) == judge(
        replace(again, task=None, steps=()), POLICY
    )


def test_measurements_from_before_values_were_kept_still_load(tmp_path: Path) -> None:
    state, _ = made.robot(9)
    old = replace(measure_series(state), values=np.empty((0, 0), np.float32), origin=())
    Measurements(series=(old,)).save(tmp_path)
    plain = orjson.loads((tmp_path / "measurements.json").read_bytes())
    for key in ("task", "steps"):
        del plain[key]
    del plain["series"][0]["origin"]
    (tmp_path / "measurements.json").write_bytes(orjson.dumps(plain))
    loaded = Measurements.load(tmp_path)
    assert loaded.series[0].count == state.times_ns.size
    assert {flag.check for flag in judge(loaded, POLICY).flags} == {"missing_stream"}


def test_a_large_offset_costs_no_precision() -> None:
    fine = np.sin(np.arange(1000) / 50)[:, None] * 1e-3
    at_ns = (np.arange(1000) * 20_000_000).astype(np.int64)
    kept = measure_series(Series("clock", at_ns, fine + 1.7e9, ("t",)))
    np.testing.assert_allclose(kept.values[:, 0], fine[:, 0] - fine[0, 0], atol=3e-7)


def test_what_is_no_number_lies_on_the_line_between_its_neighbours() -> None:
    values = np.array([[np.nan, 1.0], [2.0, np.inf], [np.nan, 3.0], [4.0, np.nan]])
    kept = measure_series(Series("s", np.arange(4) * NS, values, ("a", "b")))
    assert kept.bad_count == 4
    np.testing.assert_array_equal(kept.filled + kept.origin, [[2, 1], [2, 2], [3, 3], [4, 3]])


def test_speed_is_the_same_in_blocks_as_at_once() -> None:
    width = 8
    count = 2 * BLOCK // width + 10
    rng = np.random.default_rng(1)
    values = np.cumsum(rng.normal(0, 1, (count, width)), axis=0)
    at_ns = (np.arange(count) * 5_000_000).astype(np.int64)
    speed = measure_series(Series("s", at_ns, values, ())).speed
    expected = (np.abs(np.diff(values, axis=0)) / np.ptp(values, axis=0)).mean(axis=1) / 0.005
    np.testing.assert_allclose(speed[1:], expected, rtol=1e-5)


def test_an_hour_at_200_hz_is_judged_in_a_few_times_what_is_kept() -> None:
    count, width = 720_000, 6
    values = np.cumsum(np.random.default_rng(1).normal(0, 1e-3, (count, width)), axis=0)
    at_ns = (np.arange(count) * 5_000_000).astype(np.int64)
    names = tuple(f"joint_{at}" for at in range(width))
    series = Series("state", at_ns, values, names, "measured", "state")
    kept_bytes = count * width * 4
    tracemalloc.start()
    measured = Measurements(series=(measure_series(series),))
    measuring = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    limits = POLICY.limits_for()
    for name in ("stuck_joint", "spike", "unreachable_jump", "jerky_motion", "idle", "series_gap"):
        list(BY_NAME[name].function(measured, limits[name]))
    judging = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert measuring < 4 * kept_bytes
    assert judging < 9 * kept_bytes


def measured_at(path: Path) -> list[Measurements]:
    """The series of every episode at a path, measured without its pictures."""
    found = []
    for episode in episodes_at(path):
        series: tuple[SeriesMeasures, ...] = tuple(measure_series(one) for one in episode.series)
        found.append(Measurements(series=series))
    return found


SERIES_CHECKS = [
    name for name, check in BY_NAME.items() if any("series.values" in need for need in check.needs)
]


def flagged(measured: Measurements) -> set[str]:
    limits = POLICY.limits_for()
    return {
        f.check for name in SERIES_CHECKS for f in BY_NAME[name].function(measured, limits[name])
    }


@pytest.mark.parametrize("name", ["lerobot_dobot_cr5_v2.1", "lerobot_unitree_g1_v2.1"])
def test_real_robots_raise_no_flag_of_motion(samples: Path, name: str) -> None:
    episodes = measured_at(samples / name)
    assert len(episodes) >= 5
    assert [flagged(one) for one in episodes] == [set()] * len(episodes)


def test_the_gaps_of_a_real_clock_are_found(samples: Path) -> None:
    limits = POLICY.limits_for()["series_gap"]
    gaps = [
        list(BY_NAME["series_gap"].function(one, limits))
        for one in measured_at(samples / "lerobot_dobot_cr5_v2.1")
    ]
    assert sum(bool(found) for found in gaps) == 11
    assert max(flag.measured for found in gaps for flag in found) == pytest.approx(274, abs=1)
    assert all(flag.grade is not Grade.GOOD for found in gaps for flag in found)


@pytest.mark.parametrize("name", ["hdf5/robosuite_wipe.hdf5", "rlds"])
def test_simulated_and_short_real_episodes_raise_no_flag(samples: Path, name: str) -> None:
    episodes = measured_at(samples / name)
    assert episodes
    assert [flagged(one) for one in episodes] == [set()] * len(episodes)


@pytest.mark.parametrize(
    "name", ["deepen_sample.mcap", "deepen_sample_ros1.bag", "deepen_sample_ros2"]
)
def test_stall_limit_and_chatter_are_found_in_every_container(samples: Path, name: str) -> None:
    (measured,) = measured_at(samples / "bags" / name)
    limits = POLICY.limits_for()
    planted = {
        "flat_series": (5.95, 8.0),
        "joint_limit": (9.0, 10.0),
        "gripper_chatter": (1.9, 3.45),
    }
    for check, (start_s, end_s) in planted.items():
        (flag,) = BY_NAME[check].function(measured, limits[check])
        assert flag.span.start_ns / NS == pytest.approx(start_s, abs=0.01)
        assert flag.span.end_ns / NS == pytest.approx(end_s, abs=0.01)
    assert flagged(measured) == {*planted, "unreachable_jump"}


def test_what_was_planted_in_the_made_episodes_is_found(samples: Path) -> None:
    chatter, stalled = measured_at(samples / "lerobot_deepen")
    assert flagged(chatter) == {"gripper_chatter"}
    assert flagged(stalled) == {"flat_series", "joint_limit", "unreachable_jump"}
