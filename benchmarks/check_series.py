"""The cases of the checks that look at series: how they move, their clocks, and what they touch.

See ``check_made`` for what a case is, and ``check_pictures`` for what is done with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.arm_views import Motion
from benchmarks.check_made import Case, Curve, Floats, Made, Maker, Side, both_limits
from dailies.recordings.contract import Series
from dailies.words import NS
from quality.measures import Measurements
from quality.measures.series import measure_series

JOINTS = ("joint_1", "joint_2", "joint_3", "joint_4", "joint_5", "joint_6", "gripper")
GRIPPER = 6
FORCES = ("force_x", "force_y", "force_z")

Spoil = Callable[[Floats, Floats], None]
"""Changes values, (n, d), in place; it is told their seconds, (n,)."""


def _between(at_s: Floats, start_s: float, end_s: float) -> npt.NDArray[np.intp]:
    return np.flatnonzero((at_s >= start_s) & (at_s < end_s))


def _nothing(_: Floats, __: Floats) -> None:
    """Leaves the values as they are."""


def _series(name: str, values: Floats, rate_hz: float, **said: object) -> Series:
    """A series of even times."""
    at_ns = np.rint(np.arange(len(values)) * NS / rate_hz).astype(np.int64)
    series = Series(name, at_ns, values, JOINTS, declared_rate_hz=rate_hz)
    return replace(series, **said)  # type: ignore[arg-type]


def robot(
    *,
    seconds: float = 20.0,
    lag_s: float = 0.1,
    rest_s: tuple[float, float] | None = None,
    rate_hz: float = 50.0,
) -> tuple[Series, Series]:
    """State and command of a made arm that follows ``lag_s`` later, with an encoder's noise."""
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    motion = Motion.made(21, length_s=seconds)
    motion = motion.rested(*rest_s) if rest_s else motion
    done, told = motion.at(at_s - lag_s), motion.at(at_s)
    done += np.random.default_rng(2).normal(0, 2e-4, done.shape)
    state = _series("observation.state", done, rate_hz, role="state")
    return state, _series("action", told, rate_hz, role="action")


def moved(
    spoil: Spoil = _nothing,
    columns: tuple[int, ...] = (1,),
    window_s: tuple[float, float] | None = None,
    *,
    command: Spoil | None = None,
    seconds: float = 20.0,
    lag_s: float = 0.1,
    rest_s: tuple[float, float] | None = None,
) -> Maker:
    """A robot whose state is spoilt, some of its columns drawn; with ``command``, that too."""

    def make(_: Path) -> Made:
        state, action = robot(seconds=seconds, lag_s=lag_s, rest_s=rest_s)
        spoil(state.values, state.times_ns / NS)
        curves = [_column(state, at, JOINTS[at]) for at in columns]
        if command:
            command(action.values, action.times_ns / NS)
            told = (replace(_column(action, at, "command"), is_pale=True) for at in columns)
            curves = [*told, *curves]
        return Made(_measured(state, action), tuple(curves), window_s=window_s, least=1.0)

    return make


def _measured(*series: Series) -> Measurements:
    return Measurements(series=tuple(measure_series(one) for one in series))


def _column(series: Series, at: int, name: str) -> Curve:
    return Curve(name, series.times_ns / NS, series.values[:, at])


def _stuck(joints: list[int], start_s: float, end_s: float) -> Spoil:
    def spoil(values: Floats, at_s: Floats) -> None:
        rows = _between(at_s, start_s, end_s)
        values[np.ix_(rows, np.array(joints))] = values[rows[0], joints]

    return spoil


def _written(value: float, joint: int, start_s: float, end_s: float) -> Spoil:
    def spoil(values: Floats, at_s: Floats) -> None:
        values[_between(at_s, start_s, end_s), joint] = value

    return spoil


def _still(joint: int) -> Spoil:
    def spoil(values: Floats, _: Floats) -> None:
        values[:, joint] = values[0, joint]

    return spoil


def _negated(until_s: float) -> Spoil:
    """A joint that goes the other way at first."""

    def spoil(values: Floats, at_s: Floats) -> None:
        values[at_s < until_s, 1] *= -1

    return spoil


def _capped(quantile: float) -> Spoil:
    """A joint that gets no further than a share of its values reach."""

    def spoil(values: Floats, _: Floats) -> None:
        values[:, 1] = np.minimum(values[:, 1], np.quantile(values[:, 1], quantile))

    return spoil


def _added(size: float, start_s: float, end_s: float = math.inf) -> Spoil:
    def spoil(values: Floats, at_s: Floats) -> None:
        values[_between(at_s, start_s, end_s), 1] += size

    return spoil


def _trembling(size: float) -> Spoil:
    def spoil(values: Floats, at_s: Floats) -> None:
        rows = _between(at_s, 6, 11)
        values[rows, :6] += size * np.sin(2 * np.pi * 6 * at_s[rows, None] + np.arange(6))

    return spoil


def _chattering(hertz: float) -> Spoil:
    def spoil(values: Floats, at_s: Floats) -> None:
        values[:, GRIPPER] = 0
        rows = _between(at_s, 7, 9.5)
        values[rows, GRIPPER] = np.sin(2 * np.pi * hertz * at_s[rows]) > 0

    return spoil


def _scaled(factor: float) -> Spoil:
    def spoil(values: Floats, _: Floats) -> None:
        values[:, :GRIPPER] *= factor

    return spoil


def ticking(
    times_s: Floats, declared_hz: float = 50.0, window_s: tuple[float, float] | None = None
) -> Maker:
    """A sensor that says at which sample it is; drawn are the intervals between its times."""

    def make(_: Path) -> Made:
        count = np.arange(len(times_s), dtype=np.float64)[:, None]
        at_ns = np.rint(times_s * NS).astype(np.int64)
        imu = _series("imu", count, declared_hz, times_ns=at_ns, columns=("sample",))
        curve = Curve("between samples", times_s[1:], np.diff(times_s) * 1000)
        return Made(_measured(imu), (curve,), window_s=window_s)

    return make


EVEN = np.arange(500) / 50


def _jittered(share: float) -> Floats:
    """Times that lie beside even ones by a share of the interval on average."""
    return np.sort(EVEN + np.random.default_rng(4).normal(0, share / 50 / np.sqrt(2), len(EVEN)))


def numbered(at: int, time_s: float) -> Maker:
    """One sample of another time than its number says; drawn are the numbers over the times."""

    def make(folder: Path) -> Made:
        times_s = _restamped(at, time_s)
        made = ticking(times_s, window_s=(4.7, 5.3))(folder)
        return replace(made, curves=(Curve("by their times", times_s, np.arange(500.0)),))

    return make


def _restamped(at: int, time_s: float) -> Floats:
    times_s = EVEN.copy()
    times_s[at] = time_s
    return times_s


def _counting(rate_hz: float) -> Maker:
    """A sensor of 50 Hz by its own account that runs at another rate."""

    def make(folder: Path) -> Made:
        times_s = np.arange(round(10 * rate_hz)) / rate_hz
        made = ticking(times_s)(folder)
        count = np.arange(1.0, len(times_s) + 1)
        declared = Curve("as declared", EVEN, np.arange(1.0, len(EVEN) + 1), is_pale=True)
        return replace(made, curves=(declared, Curve("samples", times_s, count)))

    return make


def pressed(spoil: Spoil, window_s: tuple[float, float] | None = None) -> Maker:
    """A wrist's forces (N) with two contacts, on an arm that comes back to where it started."""

    def make(_: Path) -> Made:
        wrench, state = _wrench(), _there_and_back()
        spoil(wrench.values, wrench.times_ns / NS)
        curves = (_column(wrench, 2, "force_z"),)
        return Made(_measured(wrench, state), curves, window_s=window_s)

    return make


def _wrench() -> Series:
    at_s = np.arange(2000) / 100
    press = np.zeros(len(at_s))
    for start_s, end_s in ((5, 8), (12, 14)):
        rows = _between(at_s, start_s, end_s)
        press[rows] = np.sin(np.pi * (at_s[rows] - start_s) / (end_s - start_s)) ** 0.5
    peaks = np.array([3.0, -2.0, 18.0])
    noise = np.random.default_rng(1).normal(0, 0.01, (len(at_s), 3)) * abs(peaks)
    values = np.array([0.5, -0.2, 1.2]) + press[:, None] * peaks + noise
    return _series("wrist_wrench", values, 100.0, columns=FORCES)


def _there_and_back() -> Series:
    turn = 2 * np.pi * np.arange(1000) / 1000
    values = np.column_stack((np.sin(turn), 1 - np.cos(turn)))
    return _series("observation.state", values, 50.0, columns=("a", "b"), role="state")


def _clipped(level: float) -> Spoil:
    def spoil(values: Floats, _: Floats) -> None:
        values[:, 2] = np.minimum(values[:, 2], level)

    return spoil


def _drifting(size: float) -> Spoil:
    def spoil(values: Floats, _: Floats) -> None:
        values[:, 2] += np.linspace(0, size, len(values))

    return spoil


def _flat(digit: float) -> Spoil:
    """One value all along, but for a digit that it changes by half way."""

    def spoil(values: Floats, _: Floats) -> None:
        values[:] = 0.25
        values[len(values) // 2 :, 2] += digit

    return spoil


def _touching(share: float) -> Spoil:
    """The contacts are a share of what they were; the noise is the same."""

    def spoil(values: Floats, at_s: Floats) -> None:
        rows = np.concatenate((_between(at_s, 5, 8), _between(at_s, 12, 14)))
        noise = np.random.default_rng(9).normal(0, 0.01, (len(rows), 3)) * (3.0, 2.0, 18.0)
        rest = np.median(values[:100], axis=0)
        values[rows] = rest + share * (values[rows] - rest) + noise

    return spoil


MOVING: tuple[Case, ...] = (
    Case(
        "not_a_number",
        Side("0.3 s without numbers", moved(_written(np.nan, 1, 8, 8.3), (1,), (6, 10))),
        Side("0.3 s of zeros: wrong, but numbers", moved(_written(0, 1, 8, 8.3), (1,), (6, 10))),
        "rad",
    ),
    Case(
        "stuck_joint",
        Side(
            "joint_2 stands for 2 s",
            moved(_stuck([1], 7.4, 9.4), (1,), (5, 11), command=_nothing),
        ),
        Side(
            "joint_2 stands for 0.3 s",
            moved(_stuck([1], 7.4, 7.7), (1,), (5, 11), command=_nothing),
        ),
        "rad",
    ),
    Case(
        "flat_series",
        Side("all joints stand for 1.5 s", moved(_stuck([*range(7)], 6, 7.5), (0, 1, 2), (4, 10))),
        Side("all joints stand for 0.2 s", moved(_stuck([*range(7)], 6, 6.2), (0, 1, 2), (4, 10))),
        "rad",
    ),
    Case(
        "dead_dimension",
        Side("joint_2 never moves though it is told to", moved(_still(1), command=_nothing)),
        Side("joint_2 never moves and is not told to", moved(_still(1), command=_still(1))),
        "rad",
    ),
    Case(
        "joint_limit",
        Side("cut short by its end stop", moved(_capped(0.8), command=_nothing)),
        Side("cut short for a moment", moved(_capped(0.977), command=_nothing)),
        "rad",
    ),
    Case(
        "spike",
        Side("one sample stands out", moved(_added(0.8, 7.0, 7.02), (1,), (5, 9))),
        Side("one sample stands out a little", moved(_added(0.1, 7.0, 7.02), (1,), (5, 9))),
        "rad",
    ),
    Case(
        "unreachable_jump",
        Side("a leap from one sample to the next", moved(_added(1.0, 7.0), (1,), (5, 9))),
        Side("a leap of less than a tenth of its range", moved(_added(0.12, 7.0), (1,), (5, 9))),
        "rad",
    ),
    Case(
        "jerky_motion",
        Side("a tremor for five seconds", moved(_trembling(0.1), (0, 1), (4, 13))),
        Side("a slighter tremor", moved(_trembling(0.012), (0, 1), (4, 13))),
        "rad",
    ),
    Case(
        "gripper_chatter",
        Side("opens and closes 6 times a second", moved(_chattering(6), (GRIPPER,), (5, 12))),
        Side(
            "opens and closes 3 times in two seconds", moved(_chattering(1.5), (GRIPPER,), (5, 12))
        ),
        "opening",
    ),
    Case(
        "idle",
        Side("stands for 13 s", moved(columns=(0, 1, 2), seconds=40, rest_s=(14, 27.5))),
        Side("stands for 8 s", moved(columns=(0, 1, 2), seconds=40, rest_s=(14, 22))),
        "rad",
        bound="stretch_suspect_s",
        unit="s",
    ),
    Case(
        "action_lag",
        Side("0.5 s behind", moved(window_s=(4, 10), command=_nothing, lag_s=0.5)),
        Side("0.3 s behind", moved(window_s=(4, 10), command=_nothing, lag_s=0.3)),
        "rad",
    ),
    Case(
        "action_offset",
        Side("beside its command by 0.8 rad", moved(_added(0.8, 0), command=_nothing)),
        Side("beside its command by 0.2 rad", moved(_added(0.2, 0), command=_nothing)),
        "rad",
    ),
    Case(
        "wrong_units",
        Side("degrees, told in radians", moved(_scaled(57.3), command=_nothing)),
        Side("three times the command", moved(_scaled(3), command=_nothing)),
        "as recorded",
    ),
    Case(
        "crossed_joints",
        Side("the opposite of its command", moved(_negated(20), command=_nothing)),
        Side("another way for a while", moved(_negated(5), command=_nothing)),
        "rad",
    ),
)

CLOCKS: tuple[Case, ...] = (
    Case(
        "series_gap",
        Side("nothing for 0.3 s", ticking(np.delete(EVEN, slice(250, 264)), window_s=(4, 7))),
        Side("nothing for 80 ms", ticking(np.delete(EVEN, slice(250, 253)), window_s=(4, 7))),
        "ms",
        both_limits,
    ),
    Case(
        "bad_times",
        Side("one stamp runs back", numbered(250, 4.8)),
        Side("two stamps 1 ms apart", numbered(250, 4.981)),
        "samples",
    ),
    Case(
        "uneven_samples",
        Side("samples come very unevenly", ticking(_jittered(1.3), window_s=(4, 7))),
        Side("samples come a little unevenly", ticking(_jittered(0.3), window_s=(4, 7))),
        "ms",
    ),
    Case(
        "wrong_rate",
        Side("62 a second, 50 are declared", _counting(62)),
        Side("51.5 a second, 50 are declared", _counting(51.5)),
        "samples",
    ),
)

TOUCH: tuple[Case, ...] = (
    Case(
        "force_saturation",
        Side("cut off at the end of the range", pressed(_clipped(17), (3, 16))),
        Side("just within the range", pressed(_clipped(30), (3, 16))),
        "N",
    ),
    Case(
        "force_drift",
        Side("rests 8 N higher in the end", pressed(_drifting(8))),
        Side("rests 2 N higher in the end", pressed(_drifting(2))),
        "N",
    ),
    Case(
        "force_flat",
        Side("one value from start to end", pressed(_flat(0.0))),
        Side("only its last digit ever changes", pressed(_flat(0.001))),
        "N",
    ),
    Case(
        "no_contact",
        Side("nothing but noise", pressed(_touching(0.0))),
        Side("a light touch", pressed(_touching(0.12))),
        "N",
        asks={"require": 1},
    ),
)
