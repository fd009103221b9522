"""Killed at any instant and started again, the intake loses nothing and counts nothing twice.

``just torture`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from benchmarks.torture import torture
from dailies.database import open_record
from dailies.record import Episode

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


@pytest.mark.postgres
def test_an_intake_on_postgresql_that_is_killed_in_the_middle_loses_nothing(
    clip: Clip, postgres_url: str
) -> None:
    clips = [clip(seed, seconds=2.0) for seed in range(30, 34)]
    outcome = torture(clips, kills=1, seed=5, record=postgres_url)
    assert outcome.wrong == ()
    record = open_record(postgres_url, create=False)
    with record.read() as session:
        rows = session.execute(select(Episode.verdict, Episode.duplicate_of.is_(None))).all()
    record.close()
    assert len(rows) == outcome.episodes == 7  # four clips, two copies of them, one of a dataset
    assert sum(is_first for _, is_first in rows) == 5
    assert {verdict for verdict, is_first in rows if is_first} <= {"good", "suspect", "unknown"}
