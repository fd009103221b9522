"""How far two reviewers agree: observed, Cohen's kappa and Gwet's AC1, each with its interval.

Kappa falls towards 0 where nearly all clips are of one kind, however well people agree (Feinstein
and Cicchetti 1990), so it is never given alone.

- kappa: Cohen 1960; its standard error Fleiss, Cohen and Everitt 1969 (Psychological Bulletin 72).
- AC1 and its variance for two raters: Gwet 2008 (British Journal of Mathematical and Statistical
  Psychology 61), without finite-population correction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from review.intervals import Interval, Z, wilson


@dataclass(frozen=True)
class Agreement:
    """Agreement of two reviewers on ``n`` clips.

    ``kappa`` is None where it is undefined: both put every clip into the same one category.
    """

    n: int
    observed: Interval
    kappa: Interval | None
    ac1: Interval


def agreement(table: Sequence[Sequence[int]] | npt.NDArray[np.int64]) -> Agreement | None:
    """Of a square table of counts: rows the first reviewer's categories, columns the second's.

    None of an empty table. Raises ValueError for a table that is not square, has fewer than two
    categories, or a negative count.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.shape[0] < 2:
        raise ValueError(f"a table of agreement is square, of two categories at least: {table}")
    if (counts < 0).any():
        raise ValueError(f"a count is negative: {table}")
    n = int(counts.sum())
    if n == 0:
        return None
    share = counts / n
    observed = wilson(int(np.trace(counts)), n)
    assert observed is not None  # n is above 0
    return Agreement(n, observed, _kappa(share, n), _ac1(share, n))


def of_two(
    both_rejected: int, first_only: int, second_only: int, both_accepted: int
) -> Agreement | None:
    """Agreement on accepted or rejected, from the four counts of a pair."""
    return agreement([[both_rejected, first_only], [second_only, both_accepted]])


def _kappa(share: npt.NDArray[np.float64], n: int) -> Interval | None:
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, chance = float(np.trace(share)), float(rows @ columns)
    if math.isclose(chance, 1.0):
        return None
    kappa = (observed - chance) / (1 - chance)
    diagonal = float(np.diag(share) @ (1 - (rows + columns) * (1 - kappa)) ** 2)
    beside = share * (columns[:, None] + rows[None, :]) ** 2
    apart = (1 - kappa) ** 2 * float(beside.sum() - np.trace(beside))
    spread = diagonal + apart - (kappa - chance * (1 - kappa)) ** 2
    return _around(kappa, max(spread, 0.0) / (n * (1 - chance) ** 2))


def _ac1(share: npt.NDArray[np.float64], n: int) -> Interval:
    categories = len(share)
    mean = (share.sum(axis=1) + share.sum(axis=0)) / 2
    observed = float(np.trace(share))
    chance = float((mean * (1 - mean)).sum()) / (categories - 1)
    ac1 = (observed - chance) / (1 - chance)
    linear = float(np.diag(share) @ (1 - mean)) / (categories - 1) - observed * chance
    pairs = (1 - (mean[:, None] + mean[None, :]) / 2) ** 2
    square = float((share * pairs).sum()) / (categories - 1) ** 2 - chance**2
    spread = observed * (1 - observed) - 4 * (1 - ac1) * linear + 4 * (1 - ac1) ** 2 * square
    return _around(ac1, max(spread, 0.0) / (n * (1 - chance) ** 2))


def _around(value: float, variance: float) -> Interval:
    half = Z * math.sqrt(variance)
    return Interval(value, max(-1.0, value - half), min(1.0, value + half))
