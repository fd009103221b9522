"""Agreement of two reviewers, against published values and against the jackknife."""

from __future__ import annotations

import numpy as np
import pytest

from review.agreement import Agreement, agreement, of_two
from review.intervals import wilson


def found(table: list[list[int]]) -> Agreement:
    answer = agreement(table)
    assert answer is not None
    return answer


def test_kappa_of_a_balanced_table() -> None:
    answer = found([[31, 12], [4, 58]])
    assert answer.n == 105
    assert answer.kappa is not None
    assert answer.kappa.value == pytest.approx(0.6757, abs=5e-5)
    assert answer.observed.value == pytest.approx(89 / 105)


def test_a_rare_kind_lowers_kappa_and_not_ac1() -> None:
    answer = found([[2, 5], [5, 88]])
    assert answer.observed.value == 0.90
    assert answer.kappa is not None
    assert answer.kappa.value == pytest.approx(0.23, abs=5e-3)
    assert answer.ac1.value == pytest.approx(0.885, abs=5e-4)


@pytest.mark.parametrize("table", [[[31, 12], [4, 58]], [[60, 9, 3], [5, 70, 8], [2, 6, 40]]])
def test_intervals_are_as_wide_as_the_jackknifes(table: list[list[int]]) -> None:
    answer = found(table)
    counts = np.array(table)
    for name in ("kappa", "ac1"):
        left_out = []
        for at in np.ndindex(counts.shape):
            fewer = counts.copy()
            fewer[at] -= 1
            left_out.append(getattr(agreement(fewer), name).value)
        weights = counts.ravel() / counts.sum()
        values = np.array(left_out)
        spread = (counts.sum() - 1) * weights @ (values - weights @ values) ** 2
        mine = getattr(answer, name)
        assert mine.high - mine.value == pytest.approx(1.96 * spread**0.5, rel=0.03)


def test_what_cannot_be_said_is_not_said() -> None:
    alike = found([[0, 0], [0, 40]])
    assert (alike.observed.value, alike.kappa, alike.ac1.value) == (1.0, None, 1.0)
    assert agreement([[0, 0], [0, 0]]) is None
    assert of_two(2, 5, 5, 88) == found([[2, 5], [5, 88]])
    for wrong in ([[1, 2]], [[3]], [[1, -1], [0, 2]]):
        with pytest.raises(ValueError, match=r"table of agreement|negative"):
            agreement(wrong)


def test_wilson_is_the_published_interval() -> None:
    # Newcombe 1998 (Statistics in Medicine 17), method 3: 15 of 148 and 0 of 20
    some = wilson(15, 148)
    assert some is not None
    assert (round(some.low, 4), round(some.high, 4)) == (0.0624, 0.1605)
    none = wilson(0, 20)
    assert none is not None
    assert (none.low, round(none.high, 4)) == (0.0, 0.1611)
    assert wilson(0, 0) is None
