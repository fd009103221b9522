"""Whether what is seen moves on as if a frame were lost: the odds of it, from all that moves.

What moves keeps its velocity for a while. So a block's velocity is taken for a Gaussian process
whose covariance falls off with time as exp(-t^2 / 2 T^2) (Rasmussen and Williams, Gaussian
Processes for Machine Learning, 2006), and its steps from picture to picture are what that makes in
an interval each. Where a frame is lost, one step takes two intervals: the steps around it then have
another covariance. Under either one, C, the log-likelihood of a block's motion v over n steps, of
which only the size is unknown, is -log(v' C^-1 v / n) - log|C| / n a step, but for a constant. By
how much that of a loss is above that of none is summed over the blocks, each at the best T and
noise. No neighbour is held against another: a motion that starts, stops or turns is one, too.

What passes from block to block begins and ends at once in each of them. So the same is asked of how
much moves in all: that is doubled by a loss, and goes on as what passes does.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

REACH = 3
"""Steps on either side that are looked at. (With 4 and 5 fewer of the frames lost before made arms
are told: what moves passes on to other blocks.)"""
STEPS = 2 * REACH + 1
KEEPS = (2.0, 3.0, 5.0)
"""For how many pictures a velocity is kept: T."""
NOISE = (0.01, 0.05, 0.3)
"""The variance of what a step is off, in shares of what one step varies by. Half of it is of where
things are seen in either picture, so that the next step makes up for it."""
STILL = 0.1
"""Of a block's squared motion, in squared codes a step: less is none."""
MOVES = 10.0
"""The same at which a block counts by half."""
ALIVE = 1.5
"""How much must move in all in the two steps on either side, in codes (root of all squares). Noise
makes about 1; of 190 frames lost before made arms 1.98 and more moved."""
PARTS = 4
"""Of an interval, in which a velocity is summed up."""


class Odds(NamedTuple):
    """For each step: ``odds``, (n,), by how much likelier it is that a frame was lost there than
    that none was (log-likelihood ratio per step, summed over blocks), ``blocks``, (n,), how many
    blocks move, and ``amount``, (n,), the odds by how much moves in all. NaN where there are too
    few steps on either side, and the last where nothing moves on one of them.
    """

    odds: Floats
    blocks: Floats
    amount: Floats


def odds_of_loss(by: Floats, a: Floats) -> Odds:
    """The odds by how far blocks move, (2, n, blocks), across and down, and the sums of squared
    slopes of each (3, n, blocks: xx, xy, yy).
    """
    count = by.shape[1]
    odds, blocks, amount = np.full((3, count), np.nan, np.float32)
    if count >= STEPS:
        moved = _in_codes(by, a)
        inner = slice(REACH, count - REACH)
        odds[inner], blocks[inner] = _told(_products(moved))
        in_all = np.sqrt(np.square(moved).sum(axis=(0, 2)))
        told, _ = _told(_products(in_all[None, :, None]))
        amount[inner] = np.where(_moves_beside(in_all)[inner], told, np.nan)
    return Odds(odds, blocks, amount)


def _moves_beside(in_all: Floats) -> npt.NDArray[np.bool_]:
    """Whether something moves in the two steps before and after each, (n,): encoders skip the
    first pictures of a motion and catch up, and what stands dead after it is frozen.
    """
    pairs = np.pad((in_all[1:] + in_all[:-1]) / 2, 2, constant_values=0.0)
    return np.asarray(np.minimum(pairs[:-3], pairs[3:]) > ALIVE, np.bool_)


def _told(products: Floats) -> tuple[Floats, Floats]:
    """The odds, and how many blocks move, of steps with enough of them around, (n,)."""
    # the products of steps with themselves: what each block moves in all
    moved = products[_SAME].sum(axis=0) / STEPS
    weights = moved / (moved + MOVES)
    lost, even = (_likelihood(products, weights, forms) for forms in _hypotheses())
    return np.asarray(lost - even), np.asarray(weights.sum(axis=1))


def _in_codes(by: Floats, a: Floats) -> Floats:
    """Motions in units of the change that they make, so that their squares are u' A u."""
    xx, xy, yy = a
    across = np.sqrt(np.maximum(xx, 1e-6))
    slant = xy / across
    down = np.sqrt(np.maximum(yy - slant * slant, 0))
    return np.stack([across * by[0] + slant * by[1], down * by[1]])


def _products(moved: Floats) -> Floats:
    """Of each two of the steps around each that has enough of them, (pairs, steps, blocks)."""
    inner = moved.shape[1] - 2 * REACH
    products = np.empty((len(_PAIRS), inner, moved.shape[2]), np.float32)
    for apart in range(STEPS):
        # alike for all pairs that are so far apart, but for where they begin
        both = (moved[:, : moved.shape[1] - apart] * moved[:, apart:]).sum(axis=0)
        for first in range(STEPS - apart):
            products[_PAIRS.index((first, first + apart))] = both[first : first + inner]
    return products


def _likelihood(products: Floats, weights: Floats, forms: _Forms) -> Floats:
    """The best log-likelihood per step, (n,)."""
    pairs, steps, blocks = products.shape
    squares = (forms.weights @ products.reshape(pairs, -1)).reshape(-1, steps, blocks)
    logs = np.log(np.maximum(squares, 0) / STEPS + STILL) + forms.logs[:, None, None]
    return np.asarray(-(logs * weights).sum(axis=2).min(axis=0))


class _Forms(NamedTuple):
    """One hypothesis at every T and noise: the weights of the pairs' products in v' C^-1 v,
    (forms, pairs), and log|C| / n, (forms,).
    """

    weights: Floats
    logs: Floats


@cache
def _hypotheses() -> tuple[_Forms, _Forms]:
    """One frame lost in the middle step, and none."""
    even = np.arange(STEPS + 1, dtype=np.float64)
    return _forms(even + (even > REACH)), _forms(even)


def _forms(times: npt.NDArray[np.float64]) -> _Forms:
    """Of the steps between so many times, in usual intervals."""
    unit = np.eye(STEPS)
    # white, and of places: each is in the steps before and after it
    noise = unit - (np.eye(STEPS, k=1) + np.eye(STEPS, k=-1)) / 4
    weights, logs = [], []
    for keeps in KEEPS:
        covariance = _covariance(times, keeps)
        for share in NOISE:
            whole = covariance + share * noise
            inverse = np.linalg.inv(whole)
            weights.append([inverse[i, j] * (1 if i == j else 2) for i, j in _PAIRS])
            logs.append(np.linalg.slogdet(whole)[1] / STEPS)
    return _Forms(np.array(weights, np.float32), np.array(logs, np.float32))


def _covariance(times: npt.NDArray[np.float64], keeps: float) -> npt.NDArray[np.float64]:
    """Of the ways that a velocity makes between each two times, (steps, steps)."""
    lengths = np.diff(times)
    parts = (np.arange(PARTS) + 0.5) / PARTS
    at = (times[:-1, None] + parts * lengths[:, None]).ravel()
    velocity = np.exp(-np.square(at[:, None] - at) / (2 * keeps * keeps))
    means = velocity.reshape(STEPS, PARTS, STEPS, PARTS).mean(axis=(1, 3))
    return np.asarray(means * lengths[:, None] * lengths)


_PAIRS = [(i, j) for i in range(STEPS) for j in range(i, STEPS)]
_SAME = [at for at, (i, j) in enumerate(_PAIRS) if i == j]
