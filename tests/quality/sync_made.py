"""Made motion: an arm that moves between random poses with rests, and cameras that see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.arm_views import Motion
from dailies.recordings.contract import Clock, Series

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Arm(Motion):
    """Joints that move smoothly (minimum jerk) from pose to pose, each on its own, with rests."""

    @classmethod
    def moving(cls, seed: int, *, joints: int = 6, length_s: float = 70.0) -> Arm:
        rng = np.random.default_rng(seed)
        count = int(length_s)  # moves last 1.1 s on average, and start 3 s before the recording
        lengths = rng.uniform(0.4, 1.8, (joints, count + 8))
        starts = np.cumsum(lengths, axis=1) - lengths - 3.0
        steps = rng.normal(0, 0.4, lengths.shape) * (rng.random(lengths.shape) > 0.3)
        return cls(starts, lengths, np.cumsum(steps, axis=1))


@dataclass(frozen=True, eq=False)
class Seen:
    """What measuring keeps of a camera, as far as comparing motions asks for it."""

    name: str
    times_ns: npt.NDArray[np.int64]
    motion: npt.NDArray[np.float32]
    repeat: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    clock: Clock = "measured"
    way: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))


def frame_times(length_s: float, rate_hz: float = 30.0) -> Floats:
    return np.arange(round(length_s * rate_hz)) / rate_hz


def ns(times_s: Floats) -> npt.NDArray[np.int64]:
    return np.round(times_s * 1e9).astype(np.int64)


def camera(
    arm: Arm,
    length_s: float,
    *,
    late_s: float = 0.0,
    drift: float = 0.0,
    name: str = "top",
    seed: int = 0,
    rate_hz: float = 30.0,
    clock: Clock = "measured",
    on_the_wrist: bool = False,
    shows_way: bool = False,
) -> Seen:
    """A camera whose pictures show what the arm did ``late_s`` before their time stamps.

    The lag is that at the middle and grows by ``drift`` seconds a second. The change between
    pictures is the joints' way between them, each seen more or less, and the sensor's noise.
    ``on_the_wrist``, joints turn the view together: what one adds another may take back. It
    ``shows_way`` where whither it goes was measured as well, which turns a little with the pose.
    """
    times_s = frame_times(length_s, rate_hz)
    poses = arm.at(times_s - late_s - drift * (times_s - length_s / 2))
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.2, 1.0, poses.shape[1])
    ways = np.diff(poses, axis=0, prepend=poses[:1])
    if on_the_wrist:
        view = rng.normal(0, 1, (2, poses.shape[1]))
        # where all of a view moves, its noise adds in squares; where parts of it do, as it is
        change = np.hypot(np.hypot(*(view @ ways.T)) * 60, 1.5)
    else:
        change = np.abs(ways) @ share * 60 + 1.5
    change += rng.normal(0, 0.05, len(change))
    whither = np.empty((0, 2))
    if shows_way:
        view = rng.normal(0, 1, (2, poses.shape[1])) if not on_the_wrist else view
        turned = 0.2 * np.sin(poses[:, 0])
        across, down = 20 * (view @ ways.T)
        whither = np.stack([across - turned * down, down + turned * across], axis=1)
        whither += rng.normal(0, 0.01, whither.shape)
    still = np.zeros(len(change), bool)
    seen = change.astype(np.float32), still, clock, whither.astype(np.float32)
    return Seen(name, ns(times_s), *seen)


def joints(
    arm: Arm,
    length_s: float,
    *,
    role: Literal["state", "action", "other"] = "state",
    rate_hz: float = 30.0,
    clock: Clock = "measured",
) -> Series:
    """The arm's joint positions with an encoder's noise."""
    times_s = frame_times(length_s, rate_hz)
    poses = arm.at(times_s)
    poses += np.random.default_rng(9).normal(0, 2e-4, poses.shape)
    names = tuple(f"joint_{at}" for at in range(poses.shape[1]))
    return Series(f"observation.{role}", ns(times_s), poses, names, clock, role)
