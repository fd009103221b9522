"""Made robot series: joints that move from pose to pose and rest, with sensor noise or without."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Series
from dailies.words import NS

Floats = npt.NDArray[np.float64]
NAMES = ("joint_1", "joint_2", "joint_3", "joint_4", "joint_5", "joint_6", "gripper")


def times(seconds: float, rate_hz: float) -> Floats:
    """Seconds of even samples."""
    return np.arange(round(seconds * rate_hz)) / rate_hz


def moves(rng: np.random.Generator, at_s: Floats, joints: int = 6) -> Floats:
    """Minimum-jerk moves of 0.8 to 2.5 s between random poses (rad), with rests; shape (n, d)."""
    values = np.zeros((len(at_s), joints))
    pose = rng.uniform(-1, 1, joints)
    start = rng.uniform(0.0, 1.5)
    values[:] = pose
    while start < at_s[-1]:
        length = rng.uniform(0.8, 2.5)
        # not every joint takes part in every move
        goal = pose + rng.uniform(-1.2, 1.2, joints) * (rng.random(joints) < 0.7)
        part = np.clip((at_s - start) / length, 0, 1)
        shape = 10 * part**3 - 15 * part**4 + 6 * part**5
        after = at_s >= start
        values[after] = pose + shape[after, None] * (goal - pose)
        pose, start = goal, start + length + (rng.uniform(0.1, 1.0) if rng.random() < 0.5 else 0)
    return values


def gripper(rng: np.random.Generator, at_s: Floats) -> Floats:
    """A gripper that opens and closes now and then, in 0.3 s; shape (n,)."""
    values = np.zeros(len(at_s))
    closed, start = 0.0, rng.uniform(1, 3)
    while start < at_s[-1]:
        part = np.clip((at_s - start) / 0.3, 0, 1)
        values[at_s >= start] = closed + part[at_s >= start] * (1 - 2 * closed)
        closed, start = 1 - closed, start + rng.uniform(1.2, 5)
    return values


def robot(
    seed: int = 1,
    *,
    seconds: float = 20.0,
    rate_hz: float = 50.0,
    noise: float = 2e-4,
    lag_s: float = 0.1,
) -> tuple[Series, Series]:
    """State and action of one robot: the state follows ``lag_s`` later, with noise (rad)."""
    rng = np.random.default_rng(seed)
    at_s = times(seconds, rate_hz)
    fine_s = times(seconds + 1, 200)
    path = np.column_stack((moves(rng, fine_s), gripper(rng, fine_s)))
    done = np.column_stack([np.interp(at_s - lag_s, fine_s, one) for one in path.T])
    told = np.column_stack([np.interp(at_s, fine_s, one) for one in path.T])
    state = done + rng.normal(0, noise, done.shape) if noise else done
    return series("observation.state", state, rate_hz, "state"), series(
        "action", told, rate_hz, "action"
    )


def series(
    name: str,
    values: Floats,
    rate_hz: float,
    role: str = "other",
    columns: tuple[str, ...] = NAMES,
) -> Series:
    """A series of even times from 0."""
    at_ns = np.round(np.arange(len(values)) * NS / rate_hz).astype(np.int64)
    return Series(name, at_ns, values, columns, "measured", role, None, rate_hz)  # type: ignore[arg-type]


def wrench(seed: int = 1, *, seconds: float = 20.0, rate_hz: float = 100.0) -> Series:
    """Force and torque (N, Nm) of a wrist: noise around a bias, and two contacts."""
    rng = np.random.default_rng(seed)
    at_s = times(seconds, rate_hz)
    press = np.zeros(len(at_s))
    for start, end in ((0.25, 0.4), (0.6, 0.7)):
        inside = (at_s > start * seconds) & (at_s < end * seconds)
        press[inside] = 1 + 0.2 * np.sin(5 * at_s[inside])
    peaks = np.array([3.0, -2.0, 18.0, 0.3, 0.5, 0.1])
    bias = np.array([0.5, -0.2, 1.2, 0.01, 0.02, 0.0])
    values = bias + press[:, None] * peaks + rng.normal(0, 0.01, (len(at_s), 6)) * abs(peaks)
    columns = ("force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z")
    return series("wrist_wrench", values, rate_hz, columns=columns)
