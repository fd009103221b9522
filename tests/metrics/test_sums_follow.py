"""The mirror's tables of differences stay equal to what the episodes add up to."""

from __future__ import annotations

import random
from typing import Any

import pytest
from operation import DAY, FIRST, episode, flag
from sqlalchemy import delete

from dailies import derived
from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Episode, Finding

KEYS = "worked_on, site_id, worker_id, rig_id, task_id, program_id"
CELL = "landed episodes good unknown suspect fail decided accepted"
TIMES = "recorded_ms delivered_ms accepted_ms"
SUMS = {
    "cell": (KEYS, [*CELL.split(), *TIMES.split()]),
    "defect": (f"{KEYS}, check_name, is_first", ["episodes", "failed", "recorded_ms"]),
}


def summed(mirror: Mirror, table: str) -> list[tuple[Any, ...]]:
    """A table of differences added up, without groups that nothing is left of."""
    keys, values = SUMS[table]
    sums = ", ".join(f"CAST(sum({value}) AS BIGINT)" for value in values)
    return mirror.rows(
        f"SELECT {keys}, {sums} FROM {table} GROUP BY {keys} HAVING sum({values[0]}) <> 0"
        " ORDER BY ALL"
    )


@pytest.mark.parametrize("many", [derived.MANY, 5], ids=["by difference", "anew"])
@pytest.mark.parametrize("seed", [1, 2])
def test_sums_follow_any_change(
    own: tuple[Record, Mirror], monkeypatch: pytest.MonkeyPatch, seed: int, many: int
) -> None:
    monkeypatch.setattr("dailies.mirror.MANY", many)
    record, mirror = own
    dice = random.Random(seed)
    for _ in range(12):
        _change(record, dice)
        mirror.refresh()
    fresh = Mirror(record, threads=1)
    try:
        for table in SUMS:
            assert summed(mirror, table) == summed(fresh, table) != []
    finally:
        fresh.close()


def _change(record: Record, dice: random.Random) -> None:
    """Some episodes come, go, move and are judged anew, flags with and without them."""
    with record.begin() as session:
        ids = [row.id for row in session.query(Episode)]
        for _ in range(dice.randint(1, 4)):
            new = max(ids) + 1
            ids.append(new)
            on = FIRST + dice.randint(0, 3) * DAY
            session.add(
                episode(new, dice.choice(["ann", "bo", "chi"]), "r1", "egg", on, 1, "good", None)
            )
        session.flush()
        for id in dice.sample(ids, 3):
            row = session.get_one(Episode, id)
            row.verdict = dice.choice(["good", "unknown", "suspect", "fail"])
            row.decision = dice.choice(["accepted", "rejected", None])
            row.duplicate_of = dice.choice([None, None, 1])
            row.rig_id = dice.choice(["r1", "r2", None])
        for id in dice.sample(ids, 3):
            grade = dice.choice(["unknown", "suspect", "fail"])
            session.add(flag(id, dice.choice(["blur", "frozen_picture"]), grade, 0.0))
        session.flush()
        session.execute(delete(Finding).where(Finding.episode_id == dice.choice(ids)))
        gone = dice.choice([id for id in ids if id != 2])  # 2 has a review, which keeps it
        session.execute(delete(Episode).where(Episode.id == gone))
