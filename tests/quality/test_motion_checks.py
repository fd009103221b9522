"""Defects planted in made robot series are found where they are, and near misses are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import robot_made as made
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.recordings.contract import Series
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME
from quality.measures import Measurements
from quality.measures.pictures import Pictures
from quality.measures.series import measure_series
from quality.policy import Policy

LIMITS = Policy.load().limits_for()
SERIES_CHECKS = [
    "not_a_number", "stuck_joint", "flat_series", "dead_dimension", "joint_limit", "spike",
    "unreachable_jump", "jerky_motion", "gripper_chatter", "idle", "action_lag", "action_offset",
    "wrong_units", "crossed_joints", "series_gap", "bad_times", "uneven_samples", "wrong_rate",
    "force_saturation", "force_drift", "force_flat", "no_contact",
]  # fmt: skip
Spoil = Callable[[made.Floats, made.Floats], None]


def found(*series: Series, checks: list[str] | None = None) -> list[Flag]:
    """The flags of the series checks, or of some, on some series."""
    measured = Measurements(series=tuple(measure_series(one) for one in series))
    return [
        flag
        for name in checks or SERIES_CHECKS
        for flag in BY_NAME[name].function(measured, LIMITS[name])
    ]


def spoiled(series: Series, spoil: Spoil) -> Series:
    """A series whose values ``spoil(values, seconds)`` has changed in place."""
    values = series.values.copy()
    spoil(values, series.times_ns / NS)
    return replace(series, values=values)


def between(at_s: made.Floats, start_s: float, end_s: float) -> np.ndarray[Any, Any]:
    return (at_s >= start_s) & (at_s < end_s)


def stuck(*joints: int, start_s: float = 6.0, end_s: float = 8.0) -> Spoil:
    def spoil(values: made.Floats, at_s: made.Floats) -> None:
        rows = np.flatnonzero(between(at_s, start_s, end_s))
        values[np.ix_(rows, np.array(joints))] = values[rows[0], list(joints)]

    return spoil


def spike(values: made.Floats, at_s: made.Floats) -> None:
    values[np.searchsorted(at_s, 7.0), 1] += 0.8


def jump(values: made.Floats, at_s: made.Floats) -> None:
    values[at_s >= 7.0, 1] += 0.9


def tremble(values: made.Floats, at_s: made.Floats) -> None:
    rows = between(at_s, 5, 10)
    values[rows, :6] += 0.08 * np.sin(2 * np.pi * 6 * at_s[rows, None] + np.arange(6))


def chatter(values: made.Floats, at_s: made.Floats) -> None:
    rows = between(at_s, 7, 8.5)
    values[rows, 6] = np.sin(2 * np.pi * 8 * at_s[rows]) > 0


def lost(values: made.Floats, at_s: made.Floats) -> None:
    values[between(at_s, 7.0, 7.3), 2] = np.nan


def late(values: made.Floats, at_s: made.Floats) -> None:
    rows = np.searchsorted(at_s, 0.5)
    values[rows:] = values[:-rows].copy()


def early(values: made.Floats, at_s: made.Floats) -> None:
    rows = np.searchsorted(at_s, 0.5)
    values[:-rows] = values[rows:].copy()


def beside(values: made.Floats, _: made.Floats) -> None:
    values[:, 2] += 1.2


def in_degrees(values: made.Floats, _: made.Floats) -> None:
    values[:, :6] = np.degrees(values[:, :6])


def opposite(values: made.Floats, _: made.Floats) -> None:
    values[:, 2] = -values[:, 2]


def swapped(values: made.Floats, _: made.Floats) -> None:
    values[:, [1, 4]] = values[:, [4, 1]]


def dead(values: made.Floats, _: made.Floats) -> None:
    values[:, 3] = values[0, 3]


def unpowered(values: made.Floats, at_s: made.Floats) -> None:
    values[:, 3] = values[0, 3] + np.random.default_rng(5).normal(0, 2e-4, len(at_s))


def dropped_out(values: made.Floats, at_s: made.Floats) -> None:
    values[between(at_s, 7.0, 7.08), :6] = 9.0


def limited(values: made.Floats, _: made.Floats) -> None:
    top = np.quantile(values[:, 0], 0.6)
    values[:, 0] = np.minimum(values[:, 0], top)


PLANTED: dict[str, tuple[str, Spoil, tuple[float, float]]] = {
    "one joint stuck": ("stuck_joint", stuck(1), (6, 8)),
    "three joints stuck": ("stuck_joint", stuck(0, 1, 2), (6, 8)),
    "all of the state stuck": ("flat_series", stuck(*range(7)), (6, 8)),
    "a spike": ("spike", spike, (7, 7.02)),
    "a jump": ("unreachable_jump", jump, (6.98, 7.02)),
    "trembling": ("jerky_motion", tremble, (5, 10)),
    "chatter": ("gripper_chatter", chatter, (7, 8.5)),
    "no numbers": ("not_a_number", lost, (7, 7.3)),
    "half a second late": ("action_lag", late, (0, 20)),
    "ahead of its commands": ("action_lag", early, (0, 20)),
    "beside its commands": ("action_offset", beside, (0, 20)),
    "in degrees": ("wrong_units", in_degrees, (0, 20)),
    "the opposite": ("crossed_joints", opposite, (0, 20)),
    "two joints swapped": ("crossed_joints", swapped, (0, 20)),
    "a dead joint": ("dead_dimension", dead, (0, 20)),
    "a joint that only trembles": ("dead_dimension", unpowered, (0, 20)),
    "another value for four samples": ("unreachable_jump", dropped_out, (6.98, 7.02)),
    "at its limit": ("joint_limit", limited, (0, 20)),
}


@pytest.mark.parametrize("noise", [0.0, 2e-4], ids=["without noise", "with noise"])
@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_is_found_where_it_is(defect: str, noise: float) -> None:
    check, spoil, (start_s, end_s) = PLANTED[defect]
    state, action = made.robot(9, noise=noise)
    flags = found(spoiled(state, spoil), action, checks=[check])
    assert flags, defect
    span = flags[0].span
    assert span.start_ns / NS < end_s
    assert span.end_ns / NS > start_s
    if end_s - start_s < 5:
        assert span.start_ns / NS == pytest.approx(start_s, abs=0.15)
        assert span.end_ns / NS == pytest.approx(end_s, abs=0.15)


@pytest.mark.parametrize("rate_hz", [10, 30, 100])
@pytest.mark.parametrize("seed", range(6))
def test_a_clean_robot_raises_no_flag(seed: int, rate_hz: float) -> None:
    noise = (0.0, 2e-4, 1e-3)[seed % 3]
    state, action = made.robot(seed, rate_hz=rate_hz, noise=noise)
    if seed % 2:  # encoder counts of 12 bits
        state = replace(state, values=np.round(state.values / 1.5e-3) * 1.5e-3)
    assert found(state, action, made.wrench(seed)) == []


def test_spikes_near_one_another_are_one_flag() -> None:
    state, action = made.robot(9)

    def loose(values: made.Floats, at_s: made.Floats) -> None:
        for second in (5.0, 5.5, 6.1, 12.0):
            values[np.searchsorted(at_s, second), 1] += 0.8
        values[np.searchsorted(at_s, 5.5), 2] += 1.2

    many, one = found(spoiled(state, loose), action, checks=["spike"])
    assert "joint_2, joint_3 stand out by" in many.message
    assert "at most, 3 times" in many.message
    assert (many.span.start_ns / NS, many.span.end_ns / NS) == pytest.approx((5.0, 6.12))
    assert one.span.start_ns / NS == pytest.approx(12.0)


@pytest.mark.parametrize("name", ["frame_index", "joint_9", "timestamp"])
def test_a_counter_among_the_joints_is_no_joint(name: str) -> None:
    state, action = made.robot(4, noise=2e-4)
    at_s = state.times_ns / NS
    if name == "timestamp":  # a clock of its own, which is not even
        at_s = at_s + np.random.default_rng(1).normal(0, 2e-3, len(at_s))
    counted = at_s[:, None] * (1 if name == "timestamp" else 50) + 1.7e9
    both = [
        replace(one, values=np.hstack((one.values, counted)), columns=(*one.columns, name))
        for one in (state, action)
    ]
    assert found(*both) == []
    assert found(spoiled(both[0], stuck(1)), both[1], checks=["stuck_joint"]) != []
    resting = [spoiled(one, stuck(*range(7), start_s=2, end_s=18)) for one in both]
    assert found(*resting, checks=["idle"]) != []


@pytest.mark.parametrize(("row", "seconds"), [(0, 0), (300, 0), (-1, 3_400_000_000)])
def test_one_stamp_years_away_is_told_and_takes_no_memory_of_years(row: int, seconds: int) -> None:
    state, _ = made.robot(3)
    times_ns = state.times_ns + 1_700_000_000 * NS
    times_ns[row] = seconds * NS
    assert "series_gap" in {flag.check for flag in found(replace(state, times_ns=times_ns))}


def test_positions_and_speeds_in_one_state_raise_no_flag() -> None:
    state, _ = made.robot(3)
    joints = state.values[:, :6]
    both = np.column_stack((joints, np.gradient(joints, 1 / 50, axis=0)))
    names = tuple(f"state_{at}" for at in range(12))
    assert found(made.series("state", both, 50, "state", names)) == []


def rests(values: made.Floats, at_s: made.Floats) -> None:
    """A joint that moves, slows down and rests while others go on: no defect."""
    part = np.clip(at_s / 6, 0, 1)
    values[:, 1] = 10 * part**3 - 15 * part**4 + 6 * part**5


def test_a_joint_that_comes_to_rest_is_not_stuck() -> None:
    state, action = made.robot(9, noise=0.0)
    both = spoiled(state, rests), spoiled(action, rests)
    assert found(*both, checks=["stuck_joint", "joint_limit", "dead_dimension"]) == []
    assert found(both[0], checks=["stuck_joint", "joint_limit"]) == []


def test_joints_stuck_together_are_one_flag_that_names_them() -> None:
    state, action = made.robot(9)
    flags = found(spoiled(state, stuck(0, 1, 2)), action, checks=["stuck_joint"])
    assert len(flags) == 1
    assert flags[0].grade is Grade.FAIL
    assert flags[0].measured == pytest.approx(2.0, abs=0.1)
    assert flags[0].message.startswith("observation.state: joint_1, joint_2, joint_3 stuck for 2.0")


def test_a_joint_stuck_without_any_command_is_told_by_its_noise() -> None:
    state, _ = made.robot(9)
    flags = found(spoiled(state, stuck(1)), checks=["stuck_joint"])
    assert ["never repeat otherwise" in flag.message for flag in flags] == [True]


def test_a_quarter_of_a_second_stuck_is_not_flagged() -> None:
    state, action = made.robot(9)
    short = spoiled(state, stuck(1, start_s=6, end_s=6.25))
    assert found(short, action, checks=["stuck_joint"]) == []


def test_a_fast_move_is_no_spike_and_no_jump() -> None:
    at_s = made.times(10, 50)
    there = np.clip((at_s - 4) / 0.25, 0, 1)
    back = np.clip((at_s - 4.4) / 0.25, 0, 1)
    pulse = there**2 * (3 - 2 * there) - back**2 * (3 - 2 * back)
    values = np.column_stack((pulse, np.sin(at_s)))
    state = made.series("state", values, 50, "state", ("a", "b"))
    assert found(state, checks=["spike", "unreachable_jump"]) == []


def test_an_angle_written_another_way_is_no_jump() -> None:
    at_s = made.times(10, 50)
    angle = np.mod(0.9 * at_s + np.pi, 2 * np.pi) - np.pi
    state = made.series("state", np.column_stack((angle, np.sin(at_s))), 50, "state", ("a", "b"))
    assert found(state, checks=["spike", "unreachable_jump"]) == []


def turning(rate_hz: float = 30) -> tuple[made.Floats, made.Floats]:
    """Seconds, and an angle that swings about half a turn, crossing it again and again."""
    at_s = made.times(20, rate_hz)
    return at_s, np.pi + 0.5 * np.sin(2 * np.pi * 0.3 * at_s)


def as_quaternion(angle: made.Floats, tilt: made.Floats) -> made.Floats:
    """Turns about x, tilted about y, with the fourth number never below 0; shape (n, 4)."""
    x, w = np.sin(angle / 2), np.cos(angle / 2)
    whole = np.column_stack(
        (x * np.cos(tilt), w * np.sin(tilt), x * np.sin(tilt), w * np.cos(tilt))
    )
    return np.where(whole[:, 3:] < 0, -whole, whole)


def as_vector(angle: made.Floats, tilt: made.Floats) -> made.Floats:
    """Turns about a wavering axis, written as half a turn at most; shape (n, 3)."""
    axis = np.column_stack((np.ones_like(tilt), 0.2 * np.sin(tilt), 0.2 * np.cos(tilt)))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    return axis * np.where(angle > np.pi, angle - 2 * np.pi, angle)[:, None]


@pytest.mark.parametrize("write", [as_quaternion, as_vector])
@pytest.mark.parametrize("moved", [False, True], ids=["whole", "with a jump"])
def test_a_turn_written_another_way_is_no_jump(
    write: Callable[[made.Floats, made.Floats], made.Floats], moved: bool
) -> None:
    """Beside places, whose numbers make no turn; a real jump of the turn is one still."""
    at_s, angle = turning()
    tilt = 0.3 * np.sin(at_s) + moved * 0.8 * (at_s >= 11)
    turn = write(angle, tilt)
    place = np.column_stack([0.4 + 0.2 * np.sin(at_s + at) for at in range(3)])
    leaps = np.abs(np.diff(turn, axis=0)).max(axis=1) > 1
    assert leaps.sum() >= 10
    columns = ("x", "y", "z", *(f"turn_{at}" for at in range(turn.shape[1])))
    state = made.series("state", np.column_stack((place, turn)), 30, "state", columns)
    state = replace(
        state, values=state.values + np.random.default_rng(2).normal(0, 1e-4, state.values.shape)
    )
    flags = found(state, checks=["spike", "unreachable_jump", "jerky_motion"])
    assert {flag.check for flag in flags} == ({"unreachable_jump"} if moved else set())
    assert all(abs(flag.span.start_ns / NS - 11) < 0.1 for flag in flags)


def test_four_numbers_that_are_no_turn_keep_their_leaps() -> None:
    at_s = made.times(20, 30)
    values = np.column_stack([0.5 * np.sin(0.5 * at_s + at) for at in range(4)])
    values[at_s >= 9] *= -1
    state = made.series("state", values, 30, "state", ("a", "b", "c", "d"))
    assert {flag.check for flag in found(state, checks=["unreachable_jump"])} == {
        "unreachable_jump"
    }


@pytest.mark.parametrize("wide", [6.28, 4096.0], ids=["radians", "ticks"])
def test_an_angle_that_starts_again_beside_places_is_no_jump(wide: float) -> None:
    """A tool that points down: its roll swings about half a turn, beside places and two angles."""
    at_s, angle = turning()
    roll = (
        np.mod(angle + np.pi, 2 * np.pi) - np.pi
        if wide < 7
        else np.mod(angle / 6.2832 + 0.5, 1) * wide
    )
    roll = np.round(roll) if wide > 7 else roll
    others = [0.3 + 0.2 * np.sin(at_s * (1 + at / 5)) for at in range(5)]
    whole = np.column_stack((*others[:3], roll, *others[3:]))
    assert np.abs(np.diff(roll)).max() > 0.8 * wide
    state = made.series("pose", whole, 30, "state", ("x", "y", "z", "roll", "pitch", "yaw"))
    assert found(state, checks=["spike", "unreachable_jump", "jerky_motion", "idle"]) == []


def numbered(series: Series, name: str) -> Series:
    """The same, its columns called after it, as those of HDF5 are."""
    columns = tuple(f"{name}_{at}" for at in range(series.values.shape[1]))
    return replace(series, name=name, columns=columns)


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (late, "action_lag"),
        (beside, "action_offset"),
        (in_degrees, "wrong_units"),
        (dead, "dead_dimension"),
        (None, None),
    ],
)
def test_columns_without_names_pair_up_by_number(spoil: Spoil | None, check: str | None) -> None:
    state, action = made.robot(4)
    state = spoiled(state, spoil) if spoil else state
    flags = found(numbered(state, "observations/qpos"), numbered(action, "action"))
    assert check in {flag.check for flag in flags} if check else flags == []


@pytest.mark.parametrize("defect", ["a spike", "a jump", "trembling"])
def test_a_counter_among_joints_hides_no_defect(defect: str) -> None:
    check, spoil, _ = PLANTED[defect]
    state, _ = made.robot(1)
    state = spoiled(state, spoil)
    counted = np.column_stack((state.values, np.arange(len(state.values))))
    state = replace(state, values=counted, columns=(*state.columns, "frame_index"))
    assert check in {flag.check for flag in found(state)}


def test_a_gripper_in_metres_that_never_moves_is_told_beside_joints_in_radians() -> None:
    state, action = made.robot(1)
    action = spoiled(
        action, lambda values, _: values.__setitem__((slice(None), 6), values[:, 6] / 12)
    )
    state = spoiled(state, lambda values, _: values.__setitem__((slice(None), 6), 0.04))
    (flag,) = found(state, action, checks=["dead_dimension"])
    assert "gripper never moves" in flag.message


def aloha(seed: int) -> tuple[Series, Series]:
    """State and command of two arms, whose columns have no names."""
    arms = [made.robot(seed + more, rate_hz=(15, 50)[seed % 2], noise=0) for more in (0, 100)]
    state, action = (
        replace(
            arms[0][side],
            values=np.hstack([arm[side].values for arm in arms]),
            columns=tuple(f"{name}_{at}" for at in range(14)),
            name=name,
        )
        for side, name in enumerate(("observations/qpos", "action"))
    )
    return state, action


def test_commands_that_are_normalized_are_not_beside() -> None:
    state, action = made.robot(9)

    def normalized(values: made.Floats, _: made.Floats) -> None:
        low, high = values[:, :6].min(axis=0) - 0.7, values[:, :6].max(axis=0)
        values[:, :6] = 2 * (values[:, :6] - low) / (high - low) - 1

    assert found(state, spoiled(action, normalized), checks=["action_offset"]) == []
    assert found(spoiled(state, beside), action, checks=["action_offset"]) != []


@pytest.mark.parametrize("seed", range(6))
def test_two_arms_without_names_have_grippers(seed: int) -> None:
    """One that stops dead at its end is at no limit."""
    assert found(*aloha(seed)) == []


def test_joints_without_names_are_stuck() -> None:
    state, action = aloha(3)
    (flag,) = found(spoiled(state, stuck(1)), action, checks=["stuck_joint"])
    assert "qpos_1 stuck" in flag.message


def test_a_place_in_metres_beside_joints_in_degrees_spikes_on_its_own_scale() -> None:
    state, _ = made.robot(3, noise=2e-4)
    place = 0.3 * made.robot(12, noise=5e-4)[0].values[:, :3]
    values = np.hstack((np.degrees(state.values[:, :6]), place))
    names = (*(f"joint_{at}" for at in range(6)), "x", "y", "z")
    pose = replace(state, values=values, columns=names)
    assert found(pose) == []
    values[600, 7] += 0.3
    (flag,) = found(pose, checks=["spike"])
    assert "y stands out" in flag.message


@pytest.mark.parametrize("travelling", [1, 3])
def test_joints_that_only_give_under_the_weight_of_others_do_not_spike(travelling: int) -> None:
    """Encoders of 12 bits, whose ticks are much of what the resting joints do."""
    state, _ = made.robot(3, noise=2e-4)
    at_s = state.times_ns / NS
    sag = 2e-3 * np.sin(2 * np.pi * 0.05 * at_s[:, None] + np.arange(10))
    values = np.column_stack((state.values[:, :travelling], sag))
    values += np.random.default_rng(0).normal(0, 2e-4, values.shape)
    ticks = np.round(values / (2 * np.pi / 4096)) * 2 * np.pi / 4096
    names = tuple(f"joint_{at}" for at in range(values.shape[1]))
    for one in (ticks, values):
        one[500, 5] += 4e-3
        assert found(replace(state, values=one, columns=names), checks=["spike"]) == []


@pytest.mark.parametrize("height", [0.05, 0.15])
def test_a_place_beside_a_quaternion_is_no_part_of_it(height: float) -> None:
    """A gripper that points down: x of the quaternion is about 1, and w changes its sign."""
    at_s = made.times(20, 50)
    swing = 0.05 * np.sin(2 * np.pi * 0.3 * at_s)
    turn = np.stack([np.ones(1000), 0.02 + 0 * at_s, 0.01 + 0 * at_s, swing], axis=1)
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    turn *= np.where(turn[:, 3:] < 0, -1, 1)
    place = np.stack([0.45 + swing, height + 0.3 * swing, 0.03 + 0.1 * swing], axis=1)
    names = ("x", "y", "z", "qx", "qy", "qz", "qw")
    values = np.hstack((place, turn))
    assert (
        found(Series("ee", np.rint(at_s * NS).astype(np.int64), values, names, role="state")) == []
    )


def test_the_last_of_a_quaternion_is_no_grippers_partner() -> None:
    """State is place and quaternion, action place, turn and gripper; neither has names."""
    state, action = made.robot(6, noise=2e-4)
    rows = len(state.values)
    held = np.tile([1.0, 0, 0, 0], (rows, 1)) + np.random.default_rng(0).normal(0, 5e-4, (rows, 4))
    numbers = tuple(f"ee_{at}" for at in range(7))
    pose = replace(state, values=np.hstack((state.values[:, :3], held)), columns=numbers)
    turn = np.tile([3.14, 0.0, 0.0], (rows, 1))
    told = np.hstack((action.values[:, :3], turn, action.values[:, 6:]))
    command = replace(action, values=told, columns=tuple(f"action_{at}" for at in range(7)))
    assert found(pose, command, checks=["dead_dimension"]) == []


@pytest.mark.parametrize("row", [1, 2, -3, -2])
def test_a_spike_near_either_end_is_told(row: int) -> None:
    state, _ = made.robot(2)

    def spoil(values: made.Floats, _: made.Floats) -> None:
        values[row, 1] += 0.9

    assert [flag.check for flag in found(spoiled(state, spoil), checks=["spike"])] == ["spike"]


def test_a_joint_that_jumps_half_way_is_not_called_beside_its_command() -> None:
    state, action = made.robot(1)
    half = spoiled(
        state, lambda values, at_s: values.__setitem__((at_s >= 9, 2), 1.2 + values[at_s >= 9, 2])
    )
    assert found(half, action, checks=["action_offset"]) == []
    assert found(spoiled(state, beside), action, checks=["action_offset"]) != []


def test_opening_and_closing_twice_a_second_apart_is_no_chatter() -> None:
    state, _ = made.robot(9)

    def twice(values: made.Floats, at_s: made.Floats) -> None:
        values[:, 6] = (np.sin(2 * np.pi * 0.9 * at_s) > 0) & between(at_s, 5, 9)

    assert found(spoiled(state, twice), checks=["gripper_chatter"]) == []


def test_a_gripper_not_in_use_has_noise_and_no_chatter() -> None:
    state, _ = made.robot(9)

    def closed(values: made.Floats, at_s: made.Floats) -> None:
        values[:, 6] = np.random.default_rng(1).normal(0, 1e-4, len(at_s))

    assert found(spoiled(state, closed), checks=["gripper_chatter"]) == []


def test_standing_still_for_12_s_is_idle_and_for_6_s_is_not() -> None:
    state, _ = made.robot(9, seconds=40)
    (flag,) = found(spoiled(state, stuck(*range(7), start_s=20, end_s=32)), checks=["idle"])
    assert (flag.unit, flag.grade) == ("s", Grade.SUSPECT)
    assert "in between" in flag.message
    assert flag.span.start_ns / NS == pytest.approx(20, abs=0.5)
    assert found(spoiled(state, stuck(*range(7), start_s=20, end_s=26)), checks=["idle"]) == []


def test_lag_is_measured_to_some_milliseconds() -> None:
    for lag_s in (0.45, 0.52, 0.9):
        (flag,) = found(*made.robot(5, lag_s=lag_s), checks=["action_lag"])
        assert flag.measured == pytest.approx(1000 * lag_s, abs=5)
    assert found(*made.robot(5, lag_s=0.3), checks=["action_lag"]) == []


def with_hand(series: Series, late_s: float) -> Series:
    """An arm that has a hand of four fingers, which count to 255, follow in its own time."""
    at_s = series.times_ns / NS - late_s
    fingers = [125 + 125 * np.sign(np.sin(at_s * pace)) for pace in (1.1, 1.7, 2.3, 2.9)]
    names = tuple(f"hand.finger_{number}" for number in range(1, 5))
    return replace(
        series,
        values=np.column_stack((series.values[:, :6], *fingers)),
        columns=(*series.columns[:6], *names),
    )


def test_an_arm_that_follows_late_is_told_beside_a_hand_that_follows_at_once() -> None:
    state, action = made.robot(5, lag_s=0.9)
    arm_and_hand = with_hand(state, 0.02), with_hand(action, 0)
    (flag,) = found(*arm_and_hand, checks=["action_lag"])
    assert flag.measured == pytest.approx(900, abs=10)
    prompt = made.robot(5, lag_s=0.1)
    assert found(with_hand(prompt[0], 0.9), with_hand(prompt[1], 0), checks=["action_lag"]) == []


def test_a_late_hand_makes_no_resting_arm_flat() -> None:
    state, action = made.robot(9, noise=0)
    rests: Spoil = lambda values, _: values[:, :6].__imul__(0.05)  # noqa: E731
    arm_and_hand = with_hand(spoiled(state, rests), 0.9), with_hand(spoiled(action, rests), 0)
    still = spoiled(arm_and_hand[0], stuck(*range(6), start_s=0, end_s=20))
    quiet = spoiled(arm_and_hand[1], stuck(*range(6), start_s=0, end_s=20))
    moved = np.arange(6) * 1e-3 * (still.times_ns[:, None] > 19 * NS)
    still.values[:, :6] += moved
    quiet.values[:, :6] += moved
    assert found(still, quiet, checks=["flat_series", "stuck_joint"]) == []


@pytest.mark.parametrize(
    ("fades", "at_rest", "role", "flagged"),
    [
        (True, 1e-3, "other", False),
        (False, 1e-3, "other", True),
        (False, 1e-5, "other", True),
        (False, 1e-7, "other", False),
        (True, 1e-3, "state", True),
    ],
    ids=["laid down", "cut off in its noise", "cut off at rest", "it trembled", "a robot"],
)
def test_what_comes_to_rest_in_a_simulator_is_no_dead_sensor(
    fades: bool, at_rest: float, role: Literal["state", "other"], flagged: bool
) -> None:
    rng = np.random.default_rng(2)
    pose = np.cumsum(rng.normal(0, 1e-3, (600, 3)), axis=0)
    fading = np.exp(-np.arange(40) / 6)[:, None] if fades else 1.0
    pose[100:140] = pose[99] + rng.normal(0, at_rest, (40, 3)) * fading
    pose[140:400] = pose[139]
    at_ns = (np.arange(600) * 20_000_000).astype(np.int64)
    flags = found(Series("cube", at_ns, pose, ("x", "y", "z"), role=role), checks=["flat_series"])
    assert [flag.check for flag in flags] == ["flat_series"] * flagged


def test_what_waits_for_its_late_command_is_not_stuck() -> None:
    state, action = made.robot(9, lag_s=0.9, noise=0)
    arm_and_hand = with_hand(state, 0.02), with_hand(action, 0)
    assert found(*arm_and_hand, checks=["stuck_joint", "joint_limit", "dead_dimension"]) == []
    held = spoiled(arm_and_hand[0], stuck(0, start_s=6, end_s=12))
    (flag,) = found(held, arm_and_hand[1], checks=["stuck_joint"])
    assert flag.measured == pytest.approx(6, abs=0.1)


def test_a_wrist_that_turns_once_and_stays_is_not_at_its_limit() -> None:
    at_s = made.times(20, 10)
    # as a real arm did at ten samples a second: it rests to a millionth, and slows down in three
    slowing = [0.039, 0.044, 0.075, 0.122, 0.183, 0.243, 0.291, 0.317, 0.322]
    turn = np.interp(at_s, 2.6 + 0.1 * np.arange(len(slowing)), slowing)
    turn += np.random.default_rng(1).normal(0, 1e-8, len(at_s))
    turn[:20] += np.linspace(0, 2e-4, 20) ** 2 * 1e3 - 4e-5
    turn[150:] += 1e-5 * np.sin(np.arange(50))
    others = np.column_stack([np.sin(at_s * pace) for pace in (0.5, 0.7)])
    names = ("wrist", "shoulder", "elbow")

    def state(values: made.Floats) -> Series:
        return made.series("state", np.column_stack((values, others)), 10, "state", names)

    assert found(state(turn), checks=["joint_limit"]) == []
    dead = np.where(at_s > 3.15, turn[31], turn)
    assert len(found(state(dead), checks=["joint_limit"])) == 1


def test_a_small_offset_and_another_unit_on_both_sides_are_no_defects() -> None:
    state, action = made.robot(9)
    near = spoiled(state, lambda values, _: values.__iadd__(0.1))
    assert found(near, action, checks=["action_offset"]) == []
    both = spoiled(state, in_degrees), spoiled(action, in_degrees)
    assert found(*both, checks=["wrong_units", "action_offset", "action_lag"]) == []


def test_a_name_that_says_radians_is_taken_at_its_word() -> None:
    state, _ = made.robot(9)
    names = (*(f"arm_{at}_rad" for at in range(6)), "gripper")
    degrees = replace(spoiled(state, in_degrees), columns=names)
    assert {flag.check for flag in found(degrees, checks=["wrong_units"])} == {"wrong_units"}
    assert found(replace(state, columns=names), checks=["wrong_units"]) == []
    assert found(spoiled(state, in_degrees), checks=["wrong_units"]) == []


def test_one_sample_without_a_number_is_suspect() -> None:
    state, action = made.robot(9)

    def one(values: made.Floats, _: made.Floats) -> None:
        values[100, 3] = np.inf

    (flag,) = found(spoiled(state, one), action)
    assert (flag.check, flag.grade, flag.measured) == ("not_a_number", Grade.SUSPECT, 1)
    assert "joint_4" in flag.message


def test_a_series_of_nothing_but_holes_is_told_and_harms_no_check() -> None:
    state, action = made.robot(9)
    flags = found(spoiled(state, lambda values, _: values.fill(np.nan)), action)
    assert {flag.check for flag in flags} == {"not_a_number"}
    assert flags[0].grade is Grade.FAIL


@pytest.mark.parametrize("count", [0, 1, 2, 5, 19, 20, 21])
def test_short_series_harm_no_check(count: int) -> None:
    state, action = made.robot(9)
    cut = [
        replace(one, times_ns=one.times_ns[:count], values=one.values[:count])
        for one in (state, action, made.wrench())
    ]
    found(*cut)


@settings(max_examples=12, deadline=None)
@given(shift_s=st.floats(0, 5000), defect=st.sampled_from(sorted(PLANTED)))
def test_shifting_time_shifts_spans(shift_s: float, defect: str) -> None:
    check, spoil, _ = PLANTED[defect]
    state, action = made.robot(9)
    state, shift_ns = spoiled(state, spoil), round(shift_s * NS)
    later = [replace(one, times_ns=one.times_ns + shift_ns) for one in (state, action)]
    before, after = found(state, action, checks=[check]), found(*later, checks=[check])
    assert [(f.grade, f.span.start_ns + shift_ns, f.span.end_ns + shift_ns) for f in before] == [
        (f.grade, f.span.start_ns, f.span.end_ns) for f in after
    ]


@settings(max_examples=12, deadline=None)
@given(
    factor=st.sampled_from([1e-3, 0.25, 57.29578, 1000.0]),
    offset=st.sampled_from([0.0, -3.0, 1e4]),
    defect=st.sampled_from(sorted(PLANTED)),
)
def test_units_do_not_matter(factor: float, offset: float, defect: str) -> None:
    check, spoil, _ = PLANTED[defect]
    state, action = made.robot(9)
    state = spoiled(state, spoil)
    scaled = [replace(one, values=one.values * factor + offset) for one in (state, action)]
    assert [(f.grade, f.span) for f in found(state, action, checks=[check])] == [
        (f.grade, f.span) for f in found(*scaled, checks=[check])
    ]


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 20),
    defect=st.sampled_from(
        ["a spike", "a jump", "chatter", "no numbers", "three joints stuck", "trembling"]
    ),
)
def test_a_defect_stays_flagged_when_more_is_recorded_after_it(seed: int, defect: str) -> None:
    check, spoil, _ = PLANTED[defect]
    state, action = made.robot(9)
    more, told = made.robot(100 + seed)

    def with_more(one: Series, other: Series) -> Series:
        # the robot goes on from where it was
        values = np.vstack((one.values, other.values - other.values[0] + one.values[-1]))
        times = np.concatenate((one.times_ns, one.times_ns[-1] + 20_000_000 + other.times_ns))
        return replace(one, values=values, times_ns=times)

    alone = found(spoiled(state, spoil), action, checks=[check])
    longer = found(with_more(spoiled(state, spoil), more), with_more(action, told), checks=[check])
    assert alone
    assert all(
        any(f.span.start_ns < g.span.end_ns and g.span.start_ns < f.span.end_ns for g in longer)
        for f in alone
    )


def idle_robot(noise: Callable[[np.random.Generator, tuple[int, ...]], Any]) -> Series:
    """A robot that never moves: its joints and gripper hold nothing but this noise."""
    state, _ = made.robot(9)
    values = np.arange(state.values.shape[1]) + noise(np.random.default_rng(3), state.values.shape)
    return replace(state, values=values)


@pytest.mark.parametrize(
    "noise",
    [
        lambda rng, shape: rng.normal(0, 2e-4, shape),
        lambda rng, shape: 0.0015 * (rng.random(shape) < 0.03),
    ],
    ids=["white", "an encoder's least step"],
)
def test_the_noise_of_a_robot_at_rest_is_neither_jerk_nor_chatter(
    noise: Callable[[np.random.Generator, tuple[int, ...]], Any],
) -> None:
    assert found(idle_robot(noise), checks=["jerky_motion", "gripper_chatter"]) == []


def camera_that_sees(changed_share: float) -> Pictures:
    """20 s of pictures each of which changes by this share of itself."""
    times_ns = np.arange(600) * (NS // 30)
    changed = np.full(600, changed_share, np.float32)
    return replace(Pictures.none("front"), times_ns=times_ns, changed_share=changed)


@pytest.mark.parametrize(("changed_share", "flags"), [(0.0, 1), (0.02, 0)])
def test_a_robot_that_never_moves_is_idle_if_the_cameras_agree(
    changed_share: float, flags: int
) -> None:
    series = measure_series(idle_robot(lambda rng, shape: rng.normal(0, 2e-4, shape)))
    measured = Measurements(cameras=(camera_that_sees(changed_share),), series=(series,))
    idle = list(BY_NAME["idle"].function(measured, LIMITS["idle"]))
    assert [flag.measured for flag in idle if flag.unit == "%"] == [100.0] * flags
    assert list(BY_NAME["idle"].function(Measurements(series=(series,)), LIMITS["idle"])) == []
