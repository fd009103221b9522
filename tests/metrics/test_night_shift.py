"""A night shift: what is paid and what was filmed stand on one day, also when clocks change.

Ann works in Delft from Saturday 28 March 2026, 22:00, to Sunday, 06:00. Clocks are put forward from
2:00 to 3:00 that night, so the shift has 7 hours. She films an hour at 22:30, at 0:30 and at 4:00.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from operation import episode, rate
from sqlalchemy import select

from dailies.database import Record
from dailies.importing import import_csv
from dailies.mirror import Mirror
from dailies.record import Episode
from metrics import Filter
from metrics.cost import DayCost, cost_by_day
from metrics.throughput import hours_by_day

SATURDAY, SUNDAY = dt.date(2026, 3, 28), dt.date(2026, 3, 29)
TAKES = {30: (28, 21, 30), 31: (28, 23, 30), 32: (29, 2, 0)}  # in UTC, before and after the change


def film(record: Record, **said: str | None) -> None:
    """Enters Ann's takes as they are before anybody knows of the shift: each on its own day."""
    with record.begin() as session:
        session.add(rate("delft", "paid", "15", "EUR", SATURDAY))
        for number, (day, hour, minute) in TAKES.items():
            at = dt.datetime(2026, 3, day, hour, minute, tzinfo=dt.UTC)
            own_day = SATURDAY if number == 30 else SUNDAY
            fields = {"shift_id": "night", "started_at": at} | said
            session.add(
                episode(number, "ann", "r1", "egg", own_day, 60, "good", "accepted", **fields)
            )


def sheet(folder: Path, start: str = "2026-03-28T22:00", end: str = "2026-03-29T06:00") -> Path:
    path = folder / "shifts.csv"
    path.write_text(
        f"id,worker_id,site_id,started_at,ended_at\nnight,ann,delft,{start},{end}\n", "utf-8"
    )
    return path


def days(record: Record) -> list[int]:
    with record.read() as session:
        rows = select(Episode.worked_on).where(Episode.id.in_(TAKES)).order_by(Episode.id)
        return [day.day for day in session.scalars(rows)]


def test_an_hour_after_midnight_is_accepted_on_the_day_that_pays_it(
    own: tuple[Record, Mirror], tmp_path: Path
) -> None:
    record, mirror = own
    film(record)
    assert days(record) == [28, 29, 29]
    import_csv(record, sheet(tmp_path))
    assert days(record) == [28, 28, 28]
    weekend = Filter(SATURDAY, SUNDAY)
    assert cost_by_day(mirror, weekend) == (DayCost(SATURDAY, "EUR", Decimal(105), 3.0),)
    assert [
        (day.paid_h, day.recorded_h, day.accepted_h) for day in hours_by_day(mirror, weekend)
    ] == [
        (7.0, 3.0, 3.0),
        (0.0, 0.0, 0.0),
    ]


@pytest.mark.parametrize(
    "said", [{"shift_id": None}, {"worker_id": "bo"}, {"site_id": "kobe"}, {"worker_id": None}]
)
def test_a_take_that_names_no_shift_of_its_own_keeps_its_own_day(
    own: tuple[Record, Mirror], tmp_path: Path, said: dict[str, str | None]
) -> None:
    record, _ = own
    film(record, **said)
    before = days(record)
    import_csv(record, sheet(tmp_path))
    if said == {"site_id": "kobe"}:  # whose clocks show another day
        before = [29, 29, 29]
    assert days(record) == before


def test_a_corrected_shift_moves_its_takes_and_leaves_those_outside_of_it(
    own: tuple[Record, Mirror], tmp_path: Path
) -> None:
    record, mirror = own
    film(record)
    import_csv(record, sheet(tmp_path))
    import_csv(record, sheet(tmp_path, end="2026-03-29T01:00"))
    assert days(record) == [28, 28, 29]
    import_csv(record, sheet(tmp_path, start="2026-03-29T00:15"))
    assert days(record) == [28, 29, 29]
    assert [day.accepted_h for day in hours_by_day(mirror, Filter(SATURDAY, SUNDAY))] == [1.0, 2.0]


def test_a_corrected_zone_moves_the_whole_night(own: tuple[Record, Mirror], tmp_path: Path) -> None:
    record, _ = own
    film(record)
    import_csv(record, sheet(tmp_path))
    sites = tmp_path / "sites.csv"
    sites.write_text("id,name,kind,zone,currency\ndelft,Delft,facility,Asia/Tokyo,EUR\n", "utf-8")
    import_csv(record, sites)
    assert days(record) == [29, 29, 29]  # it began at 21:00 UTC
