"""Rotations whose numbers leap while nothing does: there are two ways or more to write each.

A quaternion and its negative are the same rotation, a turn by nearly half about an axis is one by
nearly half about the opposite axis, and an angle starts again after a full turn.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quality.checks.remembered import once
from quality.measures.series import SeriesMeasures, Values

Floats = npt.NDArray[np.float64]

LEAST = 0.9
"""Where no number steps by as much, none leaps: of a quaternion that changes its sign one is 0.5 or
more, and turns are larger by far."""
UNIT = 0.02
"""By how much the length of a quaternion may differ from 1, and a turn from half of one."""
MOST = 0.99
"""Share of the samples that must be of that length: a spike is none."""
NEARER = 3.0
"""How many times nearer the sample before the other way to write a turn must be."""
FAR = 1.0
"""Radians: nearer to none at all, a turn's axis may be any."""
TURNS = (2 * np.pi, 360.0)
"""A full turn, in radians and in degrees."""
TICKS = (1024.0, 4096.0, 16384.0, 65536.0)
"""A full turn, or a full counter, of encoders."""
WRAPS = 0.8
"""Share of a full turn from which a step within one is a new start."""


@once
def unturned(series: SeriesMeasures) -> Values:
    """The values as ``filled``, shape (n, k), each rotation written as the one before it is."""
    values = series.filled
    if len(values) < 2 or not (np.abs(np.diff(values, axis=0)) > LEAST).any():
        return values
    origin = np.array(series.origin)[: values.shape[1]]
    whole = values + origin
    left = np.ones(values.shape[1], np.bool_)
    for start in _quaternions(whole):
        left[start : start + 4] = False
        _unturn_quaternion(whole[:, start : start + 4])
    for start in _vectors(whole):
        if left[start : start + 3].all():
            left[start : start + 3] = False
            _unturn_vector(whole[:, start : start + 3])
    for column in np.flatnonzero(left):
        _unturn_angle(whole[:, column])
    return np.asarray(whole - origin, np.float32)


def in_quaternions(series: SeriesMeasures) -> npt.NDArray[np.bool_]:
    """Which columns are of a quaternion, shape (k,)."""
    inside = np.zeros(series.values.shape[1], np.bool_)
    for start in _quaternions(series.filled + np.array(series.origin)[: len(inside)]):
        inside[start : start + 4] = True
    return inside


def _quaternions(whole: Floats) -> list[int]:
    """Where four columns are a quaternion; none has a column of another.

    Those that fit best come first: the last of a place near 0 and three of a quaternion whose
    fourth is near 0 are nearly of length 1, too.
    """
    starts = range(whole.shape[1] - 3)
    off = [np.abs(np.linalg.norm(whole[:, at : at + 4], axis=1) - 1) for at in starts]
    found: list[int] = []
    for at in sorted(starts, key=lambda at: float(np.median(off[at]))):
        if (off[at] < UNIT).mean() > MOST and all(abs(at - one) > 3 for one in found):
            found.append(at)
    return found


def _vectors(whole: Floats) -> list[int]:
    """Where three columns are a turn about an axis that leaps, those that fit best first.

    No turn is more than half of one, and it leaps to the other way to write it.
    """
    found = []
    for start in range(whole.shape[1] - 2):
        three = whole[:, start : start + 3]
        leap, apart = _leaps(three)
        is_turn = (np.linalg.norm(three, axis=1) < np.pi * (1 + UNIT)).mean() > MOST
        if is_turn and leap.any():
            found.append((float(apart[leap].mean()), start))
    return [start for _, start in sorted(found)]


def _leaps(whole: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """At which samples, shape (n - 1,), the other way to write a turn is nearer the one before, and
    how far that is.
    """
    before, now = whole[:-1], whole[1:]
    step = now - before
    as_is = np.linalg.norm(step, axis=1)
    other = np.linalg.norm(_other(now) - before, axis=1)
    # three angles of which one starts again are no turn about an axis
    angles = np.linalg.norm(step - TURNS[0] * np.round(step / TURNS[0]), axis=1)
    return (as_is > np.pi) & (as_is > NEARER * other) & (other < angles), other


def _other(whole: Floats) -> Floats:
    """Turns by the rest of a full one, about the opposite axis."""
    size = np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9)
    return np.asarray(whole * (1 - TURNS[0] / size), np.float64)


def _unturn_quaternion(whole: Floats) -> None:
    is_turned = np.einsum("nk,nk->n", whole[1:], whole[:-1]) < 0
    whole[1:] *= np.where(np.cumsum(is_turned) % 2, -1, 1)[:, None]


def _unturn_vector(whole: Floats) -> None:
    is_other = np.concatenate([[False], np.cumsum(_leaps(whole)[0]) % 2 == 1])
    if (np.linalg.norm(whole[is_other], axis=1) > FAR).all():
        whole[is_other] = _other(whole[is_other])


def _unturn_angle(whole: Floats) -> None:
    for turn in (*TURNS, *TICKS):
        slack = UNIT * turn
        is_centred = np.abs(whole).max() < turn / 2 + slack
        is_from_0 = whole.min() > -slack and whole.max() < turn + slack
        if turn in TICKS:  # so wide a range may be anything else's: it must be gone over whole
            is_centred, is_from_0 = False, is_from_0 and np.ptp(whole) > turn - 2 * slack
        if is_centred or is_from_0:
            step = np.diff(whole)
            new = np.where(np.abs(step) > WRAPS * turn, np.sign(step), 0)
            if new.any():
                whole[1:] -= turn * np.cumsum(new)
                return
