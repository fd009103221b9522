"""Sampling plans and their switching rules, against ISO 2859-1."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from queue_rows import DAY, NOON, clip, enter, stands
from sqlalchemy import select

from dailies.database import Record
from dailies.record import Lot, LotItem
from review import queue
from review.decisions import decide, undo
from review.lots import draw_lots, site_standing
from review.plans import (
    AQLS,
    LARGEST,
    LETTERS,
    SIZES,
    LotResult,
    NoPlan,
    Plan,
    Severity,
    letter_of,
    one_step_tighter,
    plan_for,
    standing,
)

NOW = NOON + DAY
SEVERITIES: tuple[Severity, ...] = ("normal", "tightened", "reduced")


def test_letters_and_sizes_of_level_two() -> None:
    assert "".join(letter_of(lot) for lot in LARGEST) == LETTERS
    assert "".join(letter_of(most + 1) for most in LARGEST[:-1]) == LETTERS[1:]
    assert dict(zip(LETTERS, SIZES, strict=True)) == {
        "A": 2, "B": 3, "C": 5, "D": 8, "E": 13, "F": 20, "G": 32, "H": 50, "J": 80, "K": 125,
        "L": 200, "M": 315,
    }  # fmt: skip
    for lot in (0, 1, 35_001):
        with pytest.raises(NoPlan, match="2 to 35,000"):
            letter_of(lot)


def test_letter_j_under_each_severity() -> None:
    """Rejection numbers of Table 2-A; acceptance numbers of 2-B and II-C."""
    assert [plan_for(1000, aql).reject for aql in AQLS] == [2, 3, 4, 6, 8, 11, 15, 22]
    assert {plan_for(1000, aql).size for aql in AQLS} == {80}
    tight = [plan_for(1000, aql, "tightened") for aql in AQLS]
    assert [(plan.size, plan.accept) for plan in tight] == [
        (125, 1), (80, 1), (80, 2), (80, 3), (80, 5), (80, 8), (80, 12), (80, 18)
    ]  # fmt: skip
    light = [plan_for(1000, aql, "reduced") for aql in AQLS]
    assert [(plan.accept, plan.reject) for plan in light] == [
        (0, 2), (1, 3), (1, 4), (2, 5), (3, 6), (5, 8), (7, 10), (10, 13)
    ]  # fmt: skip
    assert {plan.size for plan in light} == {32}


@pytest.mark.parametrize(
    ("lot", "aql", "severity", "plan"),
    [
        (5, 0.65, "normal", ("F", 20, 0)),  # down, all the way
        (200, 0.65, "normal", ("F", 20, 0)),  # up
        (400, 0.65, "normal", ("J", 80, 1)),  # down past the gap
        (5, 10, "normal", ("C", 5, 1)),
        (20_000, 15, "normal", ("J", 80, 21)),  # up from where the numbers end
        (5, 10, "tightened", ("D", 8, 1)),
        (20_000, 15, "tightened", ("J", 80, 18)),
        (20, 6.5, "reduced", ("D", 3, 0)),
        (20_000, 6.5, "reduced", ("L", 80, 10)),
    ],
)
def test_arrows_lead_to_another_letter_and_its_size(
    lot: int, aql: float, severity: Severity, plan: tuple[str, int, int]
) -> None:
    found = plan_for(lot, aql, severity)
    assert (found.letter, found.size, found.accept) == plan


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_lot_has_a_plan_and_larger_ones_accept_no_fewer(severity: Severity) -> None:
    for aql in AQLS:
        plans = [plan_for(lot, aql, severity) for lot in LARGEST]
        sizes, accepts = [plan.size for plan in plans], [plan.accept for plan in plans]
        assert (sizes, accepts) == (sorted(sizes), sorted(accepts))
        assert all(plan.reject > plan.accept for plan in plans)
    for lot in LARGEST:
        accepts = [plan_for(lot, aql, severity).accept for aql in AQLS]
        assert accepts == sorted(accepts)
    with pytest.raises(NoPlan, match=r"AQL of 3 %"):
        plan_for(100, 3.0, severity)


def lots(severity: Severity, *found: int, size: int = 1000, aql: float = 2.5) -> list[LotResult]:
    plan = plan_for(size, aql, severity)
    return [LotResult(plan, one) for one in found]


GOOD, BAD = 0, 99


def test_two_bad_lots_of_five_tighten() -> None:
    assert standing([]).severity == "normal"
    assert standing(lots("normal", GOOD, BAD, GOOD, GOOD, GOOD)).severity == "normal"
    assert standing(lots("normal", BAD, GOOD, GOOD, GOOD, BAD)).severity == "tightened"
    assert standing(lots("normal", BAD, GOOD, GOOD, GOOD, GOOD, BAD)).severity == "normal"
    assert standing(lots("normal", BAD, BAD)).severity == "tightened"


def test_five_good_lots_return_to_normal_and_five_bad_ones_stop() -> None:
    begun = lots("normal", BAD, BAD)
    four = begun + lots("tightened", GOOD, GOOD, GOOD, GOOD)
    assert standing(four).severity == "tightened"
    assert standing(four + lots("tightened", GOOD)).severity == "normal"
    broken = begun + lots("tightened", GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD)
    assert standing(broken).severity == "tightened"
    assert standing(broken + lots("tightened", GOOD)).severity == "normal"
    stopped = standing(begun + lots("tightened", BAD, GOOD, BAD, BAD, GOOD, BAD, BAD))
    assert stopped.is_stopped
    assert "mend the cause" in stopped.why


def test_a_score_of_thirty_reduces() -> None:
    # J at 2.5 accepts 5, one step tighter 3: each lot with 3 or fewer adds 3
    assert standing(lots("normal", *[3] * 9)) == standing(lots("normal", *[3] * 9))
    assert standing(lots("normal", *[3] * 9)).score == 27
    assert standing(lots("normal", *[3] * 10)).severity == "reduced"
    assert standing(lots("normal", *[3] * 9, 4)).score == 0  # passed, but not one step tighter
    small = lots("normal", *[1] * 14, size=400, aql=1.0)  # H at 1.0 accepts 1: 2 a lot
    assert standing(small).score == 28
    assert standing([*small, small[0]]).severity == "reduced"


def test_reduced_ends_with_a_bad_lot_or_one_in_the_gap() -> None:
    begun = lots("normal", *[GOOD] * 10)
    assert standing(begun + lots("reduced", 2)).severity == "reduced"
    gap = lots("reduced", 3)[0]
    assert (gap.plan.accept, gap.plan.reject, gap.is_accepted) == (2, 5, True)
    assert standing([*begun, gap]).severity == "normal"
    assert standing(begun + lots("reduced", 5)).severity == "normal"
    assert standing(begun + lots("reduced", 5)).score == 0


def test_one_step_tighter_is_the_number_before() -> None:
    plans = [plan_for(1000, aql) for aql in AQLS]
    assert [one_step_tighter(plan) for plan in plans if plan.accept >= 2] == [
        before.accept for before, plan in itertools.pairwise(plans) if plan.accept >= 2
    ]


def test_a_lot_is_a_sites_machine_accepted_clips_of_a_day(record: Record) -> None:
    day = NOON.date()
    enter(
        record,
        *(clip(id, "good") for id in range(1, 101)),
        clip(201, "suspect"),
        clip(202, "good", duplicate_of=1),
        clip(203, "good", worked_on=day + DAY),
        *(clip(id, "good", site_id="kobe") for id in range(301, 304)),
        clip(401, "good", site_id="lone"),
    )
    claim = queue.claim_episode(record, "a", 100, now=NOW)
    decide(record, claim, "accepted", now=NOW)
    drawn = draw_lots(record, day, now=NOW)
    assert draw_lots(record, day, now=NOW) == ()
    with record.read() as session:
        made = [session.get_one(Lot, id) for id in drawn]
        assert [(lot.site_id, lot.size, lot.letter, lot.sample_size) for lot in made] == [
            ("delft", 99, "F", 20),
            ("kobe", 3, "C", 3),  # 5 asked for, of a lot of 3: all of it
        ]
        assert (made[0].accept, made[0].reject) == (1, 2)
        ids = set(session.scalars(select(LotItem.episode_id)))
    assert len(ids) == made[0].sample_size + 3
    assert not ids & {100, 201, 202, 203, 401}


def inspect(record: Record, bad: int, now: dt.datetime) -> int:
    """Decides on all samples that wait, the first ``bad`` of them badly; the last review."""
    last = 0
    while claim := queue.claim_next(record, "qa", now=now, purposes=("sample",)):
        assert claim.is_blind
        decision, reason = ("rejected", "idle") if bad > 0 else ("accepted", None)
        last = decide(record, claim, decision, now=now, reason=reason).review_id
        bad -= 1
    return last


def test_an_inspected_lot_is_closed_and_what_escaped_is_rejected(record: Record) -> None:
    day = NOON.date()
    for number in range(3):
        first = 1 + number * 100
        on = day + number * DAY
        enter(record, *(clip(id, "good", worked_on=on) for id in range(first, first + 95)))
        draw_lots(record, on, now=NOW)
        last = inspect(record, bad=3 if number < 2 else 0, now=NOW)
    with record.read() as session:
        lots_ = session.scalars(select(Lot).order_by(Lot.worked_on)).all()
        assert [(lot.state, lot.found, lot.severity) for lot in lots_] == [
            ("not_accepted", 3, "normal"),
            ("not_accepted", 3, "normal"),
            ("accepted", 0, "tightened"),
        ]
        assert site_standing(session, "delft").severity == "tightened"
        bad = session.scalars(
            select(LotItem.episode_id).where(LotItem.lot_id == lots_[0].id).order_by(LotItem.id)
        ).first()
    assert bad is not None
    assert stands(record, bad) == ("rejected", "accepted")
    undo(record, last, "qa", now=NOW)
    with record.read() as session:
        assert session.get_one(Lot, lots_[2].id).state == "open"


def test_a_plan_says_what_it_is() -> None:
    assert plan_for(1000, 2.5) == Plan("normal", "J", 80, 5, 6)
