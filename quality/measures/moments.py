"""Moments in a camera's pictures that a sound can belong to: a flash, and a motion that stops dead.

Both are told from the numbers that the decode pass keeps; no picture is opened again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FLASH = 6.0
"""Least rise of the mean luma from picture to picture, in codes."""
FLASH_SIGMAS = 8.0
"""And against its usual change (1.48 times the median)."""
FLASH_LONGEST_S = 2.0
BACK = 0.3
"""A flash is over where this share of its rise is left."""
STOP = 0.4
"""Least fall of the motion at a stop, in codes of mean change."""
STOP_LEFT = 0.35
"""Share of the motion that may be left: arms that slow down by themselves take five pictures."""
STOP_NOISES = 4.0
REST_SHARE = 20
"""Percentile of the motion that counts as the sensor's noise."""
MOST = 400


class Filmed(Protocol):
    """What is needed of a camera's measurements; ``Pictures`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def times_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def luma(self) -> npt.NDArray[np.float32]: ...
    @property
    def motion(self) -> npt.NDArray[np.float32]: ...
    @property
    def repeat(self) -> npt.NDArray[np.bool_]: ...


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments in order of time, each array of shape (k,): ``strength`` in codes of luma.

    ``lengths_s`` is how long a flash lasts, NaN where it does not end within FLASH_LONGEST_S, and
    of stops.
    """

    times_s: Floats
    strength: Floats
    lengths_s: Floats


def flashes_of(camera: Filmed) -> Moments:
    """The flashes: the mean luma rises from one picture to the next, by far more than usual.

    The flash lies between the two, and is timed in the middle.
    """
    times_s, luma = camera.times_ns / 1e9, camera.luma.astype(np.float64)
    rises = np.diff(luma)
    if len(rises) < 3 or not np.isfinite(luma).all():
        return _none()
    least = max(FLASH, FLASH_SIGMAS * 1.4826 * float(np.median(np.abs(rises))))
    up = rises >= least
    first = np.flatnonzero(up & ~np.concatenate([[False], up[:-1]]))
    # a shutter that opens during the flash spreads the rise over two pictures
    second = np.minimum(first + 1, len(rises) - 1)
    whole = rises[first] + np.where(up[second] & (second > first), rises[second], 0)
    reach = np.minimum(first[:, None] + 1 + np.arange(_reach(times_s)), len(luma) - 1)
    back = luma[reach] <= (luma[first] + BACK * whole)[:, None]
    back[:, 0] = False
    dark = reach[np.arange(len(first)), np.argmax(back, axis=1)]
    begun_s = (times_s[first] + times_s[first + 1]) / 2
    ended_s = (times_s[dark - 1] + times_s[dark]) / 2
    lasted_s = np.where(back.any(axis=1), ended_s - begun_s, np.nan)
    lasted_s[lasted_s > FLASH_LONGEST_S] = np.nan
    return _strongest(Moments(begun_s, whole, lasted_s))


def stops_of(camera: Filmed) -> Moments:
    """Where a motion stops from one picture to the next, as that of hands which meet.

    The interval in which it stops shows less change by as much as it stood still in it, so that the
    stop is timed within the interval.
    """
    times_s, motion = camera.times_ns / 1e9, _motion(camera)
    if len(motion) < 8:
        return _none()
    rest = float(np.percentile(motion, REST_SHARE))
    noise = 1.4826 * float(np.median(np.abs(motion[motion <= np.median(motion)] - rest)))
    moving = np.maximum(motion - rest, 0)
    at = np.arange(3, len(moving) - 2)  # interval `at` lies between pictures `at - 1` and `at`
    before = np.minimum(moving[at - 1], moving[at - 2])
    after = np.maximum(moving[at + 1], moving[at + 2])
    fall = before - after
    stops = (after <= STOP_LEFT * before) & (fall >= max(STOP, STOP_NOISES * noise))
    at, fall = at[stops], fall[stops]
    if not len(at):
        return _none()
    group = np.cumsum(np.diff(at, prepend=at[0]) > 2)
    order = np.lexsort((-fall, group))
    best = order[np.diff(group[order], prepend=-1) > 0]
    at, fall = at[best], fall[best]
    share = np.clip(moving[at] / np.maximum(moving[at - 1], 1e-9), 0, 1)
    stopped_s = times_s[at - 1] + share * (times_s[at] - times_s[at - 1])
    return _strongest(Moments(stopped_s, fall, np.full(len(at), np.nan)))


def _motion(camera: Filmed) -> Floats:
    """The change of each picture that is no change of the light, (n,); repeats share theirs."""
    if len(camera.motion) < 2 or len(camera.repeat) != len(camera.motion):
        return np.empty(0)
    light = np.abs(np.diff(camera.luma, prepend=camera.luma[:1]))
    motion = np.maximum(np.nan_to_num(camera.motion.astype(np.float64) - light), 0)
    run = np.concatenate([np.zeros(1, np.intp), np.cumsum(~camera.repeat)])[: len(motion)]
    shared: Floats = (np.bincount(run, motion) / np.maximum(np.bincount(run), 1))[run]
    return shared


def _reach(times_s: Floats) -> int:
    """Pictures in FLASH_LONGEST_S."""
    period_s = float(np.median(np.diff(times_s)))
    return int(np.clip(FLASH_LONGEST_S / max(period_s, 1e-3), 2, 500)) + 1


def _strongest(moments: Moments) -> Moments:
    kept = np.sort(np.argsort(-moments.strength, kind="stable")[:MOST])
    return Moments(moments.times_s[kept], moments.strength[kept], moments.lengths_s[kept])


def _none() -> Moments:
    return Moments(np.empty(0), np.empty(0), np.empty(0))
