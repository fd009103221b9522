"""How much a stream moves: the way of its values, or what its pictures change.

Both are kept as they add up from the start, so that the speed around any instant, at any width,
is a difference of two looks at them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock, Series
from dailies.words import NS

Floats = npt.NDArray[np.float64]
Reference = Literal["state", "action", "other", "camera"]

VALUE_MAX = 1e12
"""Larger values are a recorder's mark for "none", or garbage."""
WAY_MAX = 1e3
"""Pixels of an eighth by which no picture moves: more is garbage."""
RATES = re.compile(r"gyro|angular|veloc|omega|twist|(^|[._/ ])(vel|w[xyz]|speed)", re.IGNORECASE)
"""Names of values that are speeds themselves, so that their size counts and not their change."""


class Moving(Protocol):
    """What is needed of a camera's measurements; ``Pictures`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def times_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def motion(self) -> npt.NDArray[np.float32]: ...
    @property
    def way(self) -> npt.NDArray[np.float32]: ...
    @property
    def repeat(self) -> npt.NDArray[np.bool_]: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, eq=False)
class Track:
    """How much a stream has moved up to each of its times: ``path`` (n, d), never falling.

    ``place`` (n, p) is where the first p of its columns have come to, forth and back; p is 0 for a
    camera. ``way`` (n, 2) is where all that a camera sees has come to, across and down; empty where
    that was not measured. ``numbers`` says which of the stream's columns each of the path's is,
    (d,); one that turns them all into one has the number after the last.
    """

    name: str
    reference: Reference
    times_s: Floats
    path: Floats
    place: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    numbers: tuple[int, ...] = (0,)
    way: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def period_s(self) -> float:
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0

    def speed(self, at_s: Floats, width_s: float) -> Floats:
        """Speed around given times, shape (m, d), as [1, 2, 1] / 4 over three steps of ``width_s``.

        That filter removes the alternation of a codec with a key frame every second picture, and
        being centred it shifts nothing: a difference between two samples counts halfway.
        """
        return self._rate(self.path, at_s, width_s)

    def velocity(self, at_s: Floats, width_s: float) -> Floats:
        """How fast ``place`` goes, and whither, looked at as in ``speed``: (m, p)."""
        return self._rate(self.place, at_s, width_s)

    def heading(self, at_s: Floats, width_s: float) -> Floats:
        """How fast ``way`` goes, and whither, likewise: (m, 2)."""
        return self._rate(self.way, at_s, width_s)

    def _rate(self, added: Floats, at_s: Floats, width_s: float) -> Floats:
        half = width_s / 2
        ends = [self._at(added, at_s + reach) for reach in (3 * half, half, -half, -3 * half)]
        rate: Floats = (ends[0] + ends[1] - ends[2] - ends[3]) / (4 * width_s)
        return rate

    def velocities(self, at_s: Floats, width_s: float) -> tuple[Floats, Floats, Floats]:
        """How fast ``place`` goes, and whither, in each of the three steps of ``speed``: (m, p)."""
        half = width_s / 2
        ends = [self._at(self.place, at_s + reach) for reach in (3 * half, half, -half, -3 * half)]
        first, second, third = (
            (ends[step] - ends[step + 1]) / width_s for step in range(len(ends) - 1)
        )
        return first, second, third

    def _at(self, added: Floats, until_s: Floats) -> Floats:
        """What has added up by any times, shape (m, columns); beyond its ends it stands still."""
        after = np.clip(np.searchsorted(self.times_s, until_s), 1, len(self.times_s) - 1)
        before_s, after_s = self.times_s[after - 1], self.times_s[after]
        share = np.clip((until_s - before_s) / (after_s - before_s), 0, 1)[:, None]
        at: Floats = added[after - 1] * (1 - share) + added[after] * share
        return at


def camera_track(camera: Moving) -> Track:
    motion = np.clip(np.nan_to_num(np.asarray(camera.motion, np.float64)), 0, 255)
    way = np.clip(np.nan_to_num(np.asarray(camera.way, np.float64)), -WAY_MAX, WAY_MAX)
    way = way if len(way) == len(motion) else np.zeros((len(motion), 0))
    times_s, kept = np.unique(np.asarray(camera.times_ns) / NS, return_index=True)
    motion, way = motion[kept], way[kept]
    repeat = np.asarray(camera.repeat, np.bool_)[kept]
    # a picture that repeats the one before leaves its motion to the next: share it evenly
    run = np.concatenate([np.zeros(1, np.intp), np.cumsum(~repeat)])[: len(motion)]
    if len(motion):
        long = np.maximum(np.bincount(run), 1)
        motion = (np.bincount(run, motion) / long)[run]
        for column in way.T:
            column[:] = (np.bincount(run, column) / long)[run]
        motion[0] = way[:1] = 0
    path = np.cumsum(_capped(motion[:, None]), axis=0)
    way = np.cumsum(np.sign(way) * _capped(np.abs(way)), axis=0)
    return Track(camera.name, "camera", times_s, path, way=way)


def series_track(series: Series) -> Track:
    count = min(len(series.times_ns), len(series.values))
    values = np.asarray(series.values, np.float64)[:count]
    values = np.where(np.abs(values) < VALUE_MAX, values, np.nan)
    values = values.reshape(count, -1) if values.size else np.zeros((count, 0))
    finite = np.isfinite(values).mean(axis=0) > 0.5 if count else np.ones(0, np.bool_)
    whole = np.isfinite(values[:, finite]).all(axis=1) if count else np.ones(0, np.bool_)
    times_s, kept = np.unique(np.asarray(series.times_ns)[:count][whole] / NS, return_index=True)
    values = values[whole][:, finite][kept] if count else np.zeros((0, 0))
    if len(values) < 2:
        return Track(series.name, series.role, times_s, np.zeros((len(times_s), 0)), numbers=())
    names = [name for name, good in zip(series.columns, finite, strict=False) if good]
    rates = np.array([bool(RATES.search(f"{series.name}.{name}")) for name in names], np.bool_)
    rates = rates if len(rates) == values.shape[1] else np.zeros(values.shape[1], np.bool_)
    turning = values[:, rates] - np.median(values[:, rates], axis=0)
    steps = np.column_stack([np.diff(values[:, ~rates], axis=0), _swept(turning, times_s)])
    length = _capped(np.abs(steps))
    place = np.sign(steps) * length
    known = np.flatnonzero(finite)
    numbers = np.concatenate([known[~rates], known[rates]])
    if rates.any():
        numbers = np.append(numbers, len(finite))
        whole_turn = np.hypot.reduce(turning, axis=1)[:, None]
        length = np.column_stack([length, _capped(_swept(whole_turn, times_s))])
    path = _added_up(length)
    moves = path[-1] > 1e-9
    place = _added_up(place)[:, moves[: place.shape[1]]]
    kept_numbers = tuple(numbers[moves].tolist())
    return Track(series.name, series.role, times_s, path[:, moves], place, kept_numbers)


def _swept(rates: Floats, times_s: Floats) -> Floats:
    """What values that are speeds make from each sample to the next; (n - 1, d)."""
    swept: Floats = (rates[1:] + rates[:-1]) / 2 * np.diff(times_s)[:, None]
    return swept


def _added_up(steps: Floats) -> Floats:
    """From the first sample, where it is 0; (n + 1, d)."""
    return np.vstack([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])


def _capped(steps: Floats) -> Floats:
    """Steps without the leaps of a wrapping angle, a reset or a scene cut; (n, d)."""
    if not len(steps):
        return steps
    cap = 8 * np.quantile(steps, 0.95, axis=0)
    capped: Floats = np.where(cap > 0, np.minimum(steps, cap), steps)
    return capped
