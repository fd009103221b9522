"""Samples of what the machine accepted are drawn when a day is over everywhere, and once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from dailies.database import Record, open_record
from dailies.record import Episode, Lot, LotItem
from jobs.daily import draw_due_lots

DAY = dt.date(2026, 3, 2)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    yield record
    record.close()


def accepted(record: Record, day: dt.date, count: int) -> None:
    """Clips of a day that the machine accepted."""
    start = dt.datetime.combine(day, dt.time(9), dt.UTC)
    rows = [
        {
            "content": f"{day}-{number}",
            "path": f"/recordings/{day}-{number}.mp4",
            "index": 0,
            "format": "mp4",
            "site_id": "delft",
            "started_at": start,
            "worked_on": day,
            "landed_at": start,
            "judged_at": start,
            "duration_s": 30.0,
            "verdict": "good",
            "policy": "house@00000000",
            "decision": "accepted",
        }
        for number in range(count)
    ]
    with record.begin() as session:
        session.execute(insert(Episode), rows)


def days(record: Record) -> list[dt.date]:
    with record.read() as session:
        return list(session.scalars(select(Lot.worked_on).order_by(Lot.worked_on)))


def at(hour: int, *, after: int = 1) -> dt.datetime:
    return dt.datetime.combine(DAY + dt.timedelta(days=after), dt.time(hour), dt.UTC)


def test_a_day_is_drawn_when_it_is_over_in_the_last_time_zone(record: Record) -> None:
    accepted(record, DAY, 30)
    assert draw_due_lots(record, now=at(11)) == ()
    assert len(draw_due_lots(record, now=at(12))) == 1
    with record.read() as session:
        # letter D, whose plan at 2.5 % is that of C
        assert len(session.scalars(select(LotItem)).all()) == 5


def test_a_day_is_drawn_once(record: Record) -> None:
    accepted(record, DAY, 30)
    draw_due_lots(record, now=at(12))
    assert draw_due_lots(record, now=at(13)) == ()
    assert days(record) == [DAY]


def test_days_on_which_nothing_ran_are_made_up_for_a_week_back(record: Record) -> None:
    for back in range(9):
        accepted(record, DAY - dt.timedelta(days=back), 30)
    draw_due_lots(record, now=at(12))
    assert days(record) == [DAY - dt.timedelta(days=back) for back in reversed(range(7))]
