"""Cost: dated rates, rounding once a line, sums that hold, currencies apart."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from operation import DAY, FIRST, SECOND, episode, rate, shift
from sqlalchemy import delete

from dailies.cells import MOST_AN_HOUR
from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Rate
from metrics import Filter
from metrics.cost import (
    CostLine,
    CostTotal,
    DayCost,
    GroupCost,
    WorkerCost,
    cost_by_day,
    cost_by_worker,
    cost_lines,
    cost_per_accepted_hour_by_site,
    cost_per_accepted_hour_by_task,
    cost_total,
)

D = Decimal
H = 3_600_000  # milliseconds of an hour


def lines(mirror: Mirror, filter: Filter) -> list[CostLine]:
    """The lines as rows."""
    return [CostLine(**row) for row in cost_lines(mirror, filter).to_pylist()]


def test_one_total_a_currency(mirror: Mirror, both_days: Filter) -> None:
    """60 + 32 + 64 EUR on shift; 1,500 JPY for an hour of eggs and a third of 1,000 for pans."""
    assert cost_total(mirror, both_days) == (
        CostTotal("EUR", D("156.0000"), 10.0, 1.0, D("156.0000"), 2),
        CostTotal("JPY", D("1833.0000"), 0.0, 1.333333, D("1374.7500"), 1),
    )


def test_what_is_due_by_worker(mirror: Mirror, both_days: Filter) -> None:
    assert cost_by_worker(mirror, both_days) == (
        WorkerCost("ann", "delft", "EUR", D(92), None, D(92), 6.0, 1.0, 2, 2, D(92)),
        WorkerCost("bo", "delft", "EUR", D(64), None, D(64), 4.0, 0.0, 1, 1, None),
        WorkerCost(
            "chi", "kobe", "JPY", None, D(1833), D(1833), 0.0, 1.333333, 2, 2, D("1374.7500")
        ),
    )


def test_the_lines_behind_it(mirror: Mirror, both_days: Filter) -> None:
    assert lines(mirror, both_days) == [
        CostLine(
            "ann", "delft", FIRST, "paid", None, None, None, "r1", 4 * H, 4.0, D(15), "EUR", D(60)
        ),
        CostLine(
            "chi",
            "kobe",
            FIRST,
            "accepted",
            None,
            "egg",
            None,
            None,
            H,
            1.0,
            D(1500),
            "JPY",
            D(1500),
        ),
        CostLine(
            "ann", "delft", SECOND, "paid", None, None, None, "r1", 2 * H, 2.0, D(16), "EUR", D(32)
        ),
        CostLine(
            "bo", "delft", SECOND, "paid", None, None, None, "r2", 4 * H, 4.0, D(16), "EUR", D(64)
        ),
        CostLine(
            "chi",
            "kobe",
            SECOND,
            "accepted",
            None,
            "pan",
            None,
            None,
            H // 3,
            0.333333,
            D(1000),
            "JPY",
            D(333),
        ),
    ]


def test_an_accepted_hour_by_site(mirror: Mirror, both_days: Filter) -> None:
    assert cost_per_accepted_hour_by_site(mirror, both_days) == (
        GroupCost("delft", "Delft", "EUR", D(156), 10.0, 1.0, D(156)),
        GroupCost("kobe", "Kobe", "JPY", D(1833), 0.0, 1.333333, D("1374.7500")),
    )


def test_an_accepted_hour_by_task(mirror: Mirror, both_days: Filter) -> None:
    """Ann's 60 EUR are spread 2 to 1 over an hour of eggs and half an hour of pans."""
    assert cost_per_accepted_hour_by_task(mirror, both_days) == (
        GroupCost("egg", "flip an egg", "EUR", D(104), pytest.approx(6.666667), 1.0, D(104)),
        GroupCost("egg", "flip an egg", "JPY", D(1500), 0.0, 1.0, D(1500)),
        GroupCost("pan", "scrape a pan", "EUR", D(20), pytest.approx(1.333333), 0.0, None),
        GroupCost("pan", "scrape a pan", "JPY", D(333), 0.0, 0.333333, D("999.0000")),
        GroupCost(None, None, "EUR", D(32), 2.0, 0.0, None),
    )


def test_what_is_due_by_day(mirror: Mirror, both_days: Filter) -> None:
    assert cost_by_day(mirror, both_days) == (
        DayCost(FIRST, "EUR", D(60), 1.0),
        DayCost(FIRST, "JPY", D(1500), 1.0),
        DayCost(SECOND, "EUR", D(96), 0.0),
        DayCost(SECOND, "JPY", D(333), 0.333333),
    )


@pytest.mark.parametrize(
    ("seconds", "due"),
    [(1, "0.01"), (2, "0.01"), (3, "0.02"), (3601, "18.01"), (3603, "18.02")],
)
def test_a_line_is_rounded_once_half_up(own: tuple[Record, Mirror], seconds: int, due: str) -> None:
    """At 18 EUR an hour a second is half a cent."""
    record, mirror = own
    day = SECOND + DAY
    with record.begin() as session:
        session.add(rate("delft", "paid", "18", "EUR", day))
        session.add(shift("s9", "ann", "delft", "r1", day, seconds / 3600))
    (total,) = cost_total(mirror, Filter(day, day))
    assert total.due == D(due)


def test_a_million_hours_at_the_dearest_rate_that_can_be_imported_add_up(
    own: tuple[Record, Mirror],
) -> None:
    record, mirror = own
    day = SECOND + DAY
    with record.begin() as session:
        session.add(rate("delft", "paid", str(MOST_AN_HOUR), "EUR", day))
        session.add_all(
            shift(f"long-{number}", "ann", "delft", "r1", day + number * DAY, 9999.9)
            for number in range(100)
        )
    (total,) = cost_total(mirror, Filter(day, day + 99 * DAY))
    assert total.due == D("99999000000000")


def test_the_later_entered_of_two_rates_of_a_day_applies(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        session.add(rate("delft", "paid", "20", "EUR", SECOND))
    assert cost_by_day(mirror, Filter(SECOND, SECOND, sites=("delft",))) == (
        DayCost(SECOND, "EUR", D(120), 0.0),
    )


def test_hours_that_no_rate_prices_are_shown(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        session.execute(delete(Rate))
    span = Filter(FIRST, SECOND)
    assert cost_total(mirror, span) == (
        CostTotal(None, None, 18.0, pytest.approx(2.333333), None, 3),
    )
    assert {(line.basis, line.unpriced) for line in lines(mirror, span)} == {
        ("none", "paid"),
        ("none", "accepted"),
    }
    by_task = cost_per_accepted_hour_by_task(mirror, span)
    assert sum(row.paid_h for row in by_task) == pytest.approx(18.0)
    assert sum(row.accepted_h for row in by_task) == pytest.approx(2.333333)


def test_accepted_time_beside_a_paid_shift_is_not_unpriced(own: tuple[Record, Mirror]) -> None:
    """Bo recorded an accepted hour without a shift: hours that nothing pays."""
    record, mirror = own
    with record.begin() as session:
        session.add(episode(8, "bo", "r2", "egg", FIRST, 60, "good", "accepted"))
    unpaid = [line for line in lines(mirror, Filter(FIRST, FIRST)) if line.basis == "none"]
    assert [(line.worker_id, line.unpriced, line.hours) for line in unpaid] == [
        ("bo", "accepted", 1.0)
    ]


@pytest.mark.parametrize("amount", ["15.37", "0.01", "9.9999"])
def test_parts_add_up_to_the_line_exactly(own: tuple[Record, Mirror], amount: str) -> None:
    """Seven tasks of odd lengths share one paid line: no cent is lost or made."""
    record, mirror = own
    day = SECOND + DAY
    with record.begin() as session:
        session.add(rate("delft", "paid", amount, "EUR", day))
        session.add(shift("s9", "ann", "delft", "r1", day, 7.7))
        for number in range(7):
            session.add(
                episode(
                    20 + number, "ann", f"r{number % 2}", f"task-{number}", day, 1.7 + number / 7,
                    "good", "accepted", program_id=("x", "y", None)[number % 3],
                )
            )  # fmt: skip
    whole = cost_total(mirror, Filter(day, day))
    by_task = cost_per_accepted_hour_by_task(mirror, Filter(day, day))
    by_rig = [cost_total(mirror, Filter(day, day, rigs=(rig,)))[0] for rig in ("r0", "r1")]
    assert sum((row.due or D(0) for row in by_task), D(0)) == whole[0].due
    assert sum((row.due or D(0) for row in by_rig), D(0)) == whole[0].due
    assert all(row.due == round(row.due, 2) for row in by_task if row.due is not None)
    assert sum(row.paid_h for row in by_task) == pytest.approx(7.7)


@pytest.mark.parametrize(
    "cut",
    [{}, {"tasks": ("egg",)}, {"rigs": ("r1", "r3")}, {"program": "atlas"}, {"workers": ("chi",)}],
)
def test_the_lines_add_up_to_the_page(mirror: Mirror, cut: dict[str, tuple[str]]) -> None:
    span = Filter(FIRST, SECOND, **cut)  # type: ignore[arg-type]
    sums: dict[str | None, Decimal] = {}
    for line in lines(mirror, span):
        sums[line.currency] = sums.get(line.currency, D(0)) + (line.amount or D(0))
    assert sums == {row.currency: row.due for row in cost_total(mirror, span)}
    by_worker: dict[str | None, Decimal] = {}
    for row in cost_by_worker(mirror, span):
        by_worker[row.currency] = by_worker.get(row.currency, D(0)) + (row.due or D(0))
    assert sums == by_worker


PLACES = {"EUR": D("0.01"), "JPY": D(1)}


def test_every_amount_can_be_computed_again_from_its_line(own: tuple[Record, Mirror]) -> None:
    """At 18 EUR an hour three seconds are 1.5 cent, which hours to six places would not show."""
    record, mirror = own
    day = SECOND + DAY
    with record.begin() as session:
        session.add(rate("delft", "paid", "18", "EUR", day))
        session.add_all(
            shift(f"odd-{worker}", worker, "delft", "r1", day, seconds / 3600)
            for worker, seconds in (("ann", 3), ("bo", 10_001))
        )
    found = lines(mirror, Filter(FIRST, day))
    assert len(found) == 7
    for line in found:
        assert line.rate is not None
        exact = line.milliseconds * line.rate / H
        assert line.amount == exact.quantize(PLACES[str(line.currency)], "ROUND_HALF_UP")


def test_a_currency_of_three_places(own: tuple[Record, Mirror], tmp_path: Path) -> None:
    record, mirror = own
    day = SECOND + DAY
    with record.begin() as session:
        session.add(rate("delft", "paid", "1.2345", "KWD", day))
        session.add(shift("s9", "ann", "delft", "r1", day, 1))
    assert cost_total(mirror, Filter(day, day))[0].due == D("1.235")
    assert tmp_path.exists()


def test_an_empty_record_costs_nothing(empty: Mirror, both_days: Filter) -> None:
    assert cost_total(empty, both_days) == ()
    assert cost_by_worker(empty, both_days) == ()
    assert lines(empty, both_days) == []
