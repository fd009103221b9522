"""The mirror's tables of differences stay equal to what the episodes add up to."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from operation import DAY, FIRST, episode, flag, rate, shift
from sqlalchemy import delete

from dailies import derived
from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Episode, Finding, Shift
from metrics import Filter, cost

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


@pytest.mark.parametrize("many", [derived.MANY, 5], ids=["by difference", "anew"])
@pytest.mark.parametrize("seed", [3, 4])
def test_pay_follows_any_change(
    own: tuple[Record, Mirror], monkeypatch: pytest.MonkeyPatch, seed: int, many: int
) -> None:
    monkeypatch.setattr("dailies.mirror.MANY", many)
    record, mirror = own
    dice = random.Random(seed)
    cut = Filter(FIRST, FIRST + 5 * DAY, tasks=("egg",))
    seen = set()
    for _ in range(6):
        dice.choice([_change, _change, _change_pay])(record, dice)
        fresh = Mirror(record, threads=1)
        for filter in (replace(cut, tasks=()), cut, replace(cut, rigs=("r1", "r2"))):
            lines = cost.cost_lines(mirror, filter)
            assert lines.equals(cost.cost_lines(fresh, filter))
            seen.add(lines.num_rows)
        fresh.close()
    assert len(seen) > 3  # it did change


def test_only_days_that_changed_are_settled_anew(
    own: tuple[Record, Mirror], both_days: Filter
) -> None:
    record, mirror = own
    before = cost.cost_lines(mirror, both_days)
    settled = mirror.rows("SELECT worked_on, rowid FROM pay_line ORDER BY ALL")
    with record.begin() as session:
        session.get_one(Episode, 7).decision = "rejected"  # on the second day
    assert cost.cost_lines(mirror, both_days).num_rows == before.num_rows - 1
    again = mirror.rows("SELECT worked_on, rowid FROM pay_line ORDER BY ALL")
    assert [row for row in again if row[0] == FIRST] == [row for row in settled if row[0] == FIRST]
    assert {row for row in again if row[0] != FIRST}.isdisjoint(settled)


def _change_pay(record: Record, dice: random.Random) -> None:
    """A shift comes and one goes, one is paid otherwise, and a price changes."""
    with record.begin() as session:
        ids = [row.id for row in session.query(Shift)]
        on = FIRST + dice.randint(0, 3) * DAY
        session.add(shift(f"s{len(ids)}-{dice.random()}", "bo", "delft", "r2", on, 5))
        session.delete(session.get_one(Shift, ids.pop(dice.randrange(len(ids)))))
        session.get_one(Shift, dice.choice(ids)).paid_s = dice.choice([0, 1234.5])
        site, basis, currency = dice.choice([("delft", "paid", "EUR"), ("kobe", "accepted", "JPY")])
        session.add(rate(site, basis, str(dice.randint(900, 1900)), currency, on))


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
