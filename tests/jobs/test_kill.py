"""Killed at any instant and started again, the intake loses nothing and counts nothing twice.

``just torture`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.torture import torture

Clip = Callable[..., Path]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("intakes", [1, 2], ids=["one intake", "two intakes at once"])
def test_intakes_that_are_killed_lose_nothing_and_count_nothing_twice(
    clip: Clip, intakes: int
) -> None:
    clips = [clip(seed, seconds=2.0) for seed in range(20, 26)]
    outcome = torture(clips, kills=4, seed=intakes, intakes=intakes)
    assert outcome.wrong == ()
    assert outcome.kills == 4
