"""Force sensors: what is clipped, has drifted, is flat or was never touched; and near misses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import robot_made as made

from dailies.recordings.contract import Series
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME
from quality.measures import Measurements
from quality.measures.series import measure_series
from quality.policy import Policy

LIMITS = Policy.load().limits_for()
TOUCH = ["force_saturation", "force_drift", "force_flat", "no_contact"]


def found(*series: Series, checks: list[str] = TOUCH, **changed: float) -> list[Flag]:
    measured = Measurements(series=tuple(measure_series(one) for one in series))
    flags = []
    for name in checks:
        limits = LIMITS[name]
        mine = {key: value for key, value in changed.items() if key in limits.settings}
        limits = replace(limits, settings={**limits.settings, **mine})
        flags += list(BY_NAME[name].function(measured, limits))
    return flags


def and_back(seconds: float = 20.0) -> Series:
    """A robot that ends where it started."""
    at_s = made.times(seconds, 50)
    turn = 2 * np.pi * at_s / seconds
    return made.series(
        "state", np.column_stack((np.sin(turn), 1 - np.cos(turn))), 50, "state", ("a", "b")
    )


def pressed(force: float, clip: float) -> Series:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[:, 2] = np.clip(values[:, 2] * force, -clip, clip)
    return replace(wrench, values=values)


def test_a_clean_wrench_raises_no_flag() -> None:
    for seed in range(8):
        assert found(made.wrench(seed), and_back()) == []


def test_a_clipped_force_is_saturated_where_it_is_pressed() -> None:
    flags = found(pressed(3, 50), checks=["force_saturation"])
    assert Grade.FAIL in {flag.grade for flag in flags}
    assert all("force_z is clipped" in flag.message for flag in flags)
    assert min(flag.span.start_ns for flag in flags) / NS >= 5.0
    assert max(flag.span.end_ns for flag in flags) / NS <= 14.1


def test_a_strong_force_within_the_range_is_not_saturated() -> None:
    assert found(pressed(3, 90), checks=["force_saturation"]) == []


def test_a_simulated_force_of_exact_zeros_is_not_saturated() -> None:
    wrench = made.wrench()
    values = np.where(np.abs(wrench.values) < 1.5, 0.0, wrench.values)
    assert found(replace(wrench, values=values), checks=["force_saturation"]) == []


@pytest.mark.parametrize(("drift", "grade"), [(2.0, None), (6.0, "suspect"), (40.0, "fail")])
def test_a_bias_that_moves_is_drift(drift: float, grade: str | None) -> None:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[:, 2] += np.linspace(0, drift, len(values))
    flags = found(replace(wrench, values=values), and_back(), checks=["force_drift"])
    assert [flag.grade for flag in flags] == ([Grade(grade)] if grade else [])


def test_a_robot_that_holds_something_or_leans_otherwise_has_not_drifted() -> None:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[len(values) // 2 :, 2] += 6
    held = replace(wrench, values=values)
    elsewhere, _ = made.robot(9)
    assert found(held, elsewhere, checks=["force_drift"]) == []
    assert found(held, checks=["force_drift"]) == []
    assert len(found(held, and_back(), checks=["force_drift"])) == 1


def test_a_force_sensor_that_never_changes_is_flat() -> None:
    wrench = made.wrench()
    flat = replace(wrench, values=np.full_like(wrench.values, 0.25))
    (flag,) = found(flat, checks=["force_flat"])
    assert (flag.grade, flag.measured) == (Grade.FAIL, pytest.approx(20.0))
    assert found(wrench, checks=["force_flat"]) == []


@pytest.mark.parametrize(("value", "grades"), [(0.25, [Grade.SUSPECT]), (0.0, [])])
def test_one_force_that_never_changes_beside_others_is_suspect(
    value: float, grades: list[Grade]
) -> None:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[:, 1] = value
    flags = found(replace(wrench, values=values), checks=["force_flat"])
    assert [flag.grade for flag in flags] == grades
    assert all("force_y never changes" in flag.message for flag in flags)


def test_a_force_sensor_that_stops_in_between_is_a_flat_series() -> None:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[500:650] = values[500]
    (flag,) = found(replace(wrench, values=values), checks=["flat_series"])
    assert flag.grade is Grade.FAIL
    assert flag.span.start_ns / NS == pytest.approx(5.0)
    assert flag.span.end_ns / NS == pytest.approx(6.5)


def test_some_columns_of_a_sensor_that_stop_are_flagged_together() -> None:
    wrench = made.wrench()
    values = wrench.values.copy()
    values[500:650, :2] = values[500, :2]
    values[900:950, 2] = values[:, 2].max()  # cut off, which another check tells
    (flag,) = found(replace(wrench, values=values), checks=["flat_series"])
    assert "force_x, force_y unchanged for 1.5 s" in flag.message
    assert (flag.span.start_ns / NS, flag.span.end_ns / NS) == pytest.approx((5.0, 6.5))
    short = wrench.values.copy()
    short[500:520, :2] = short[500, :2]
    assert found(replace(wrench, values=short), checks=["flat_series"]) == []


def test_contact_is_asked_for_only_where_the_task_needs_it() -> None:
    wrench = made.wrench()
    quiet = replace(wrench, values=wrench.values[:400], times_ns=wrench.times_ns[:400])
    assert found(quiet, checks=["no_contact"]) == []
    assert [f.grade for f in found(quiet, checks=["no_contact"], require=1)] == [Grade.FAIL]
    assert found(wrench, checks=["no_contact"], require=1) == []


def test_contact_that_is_asked_for_and_cannot_be_told_is_unknown() -> None:
    state, _ = made.robot(9)
    assert [f.grade for f in found(state, checks=["no_contact"], require=1)] == [Grade.UNKNOWN]


def test_zeros_are_suspect_in_a_force_sensor_and_nothing_in_a_field_nobody_fills() -> None:
    wrench = made.wrench()
    zeros = replace(wrench, values=np.zeros_like(wrench.values))
    assert [f.grade for f in found(zeros, checks=["force_flat"])] == [Grade.SUSPECT]
    mixed = replace(zeros, name="arm", role="state", columns=("fx", "fy", "fz", "a", "b", "c"))
    assert found(mixed, checks=["force_flat"]) == []


def test_a_place_called_tx_is_no_torque() -> None:
    pose = made.series("pose", np.full((500, 3), 0.3), 50, "state", ("tx", "ty", "tz"))
    assert found(pose) == []
    force = replace(pose, columns=("fx", "fy", "tz"))
    assert [f.check for f in found(force)] == ["force_flat"]
