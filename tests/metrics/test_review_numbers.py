"""What the review pages show, from rows whose sums a reader can do in their head."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from operation import DAY, FIRST, MINUTE, NOON, NOON_NAIVE, episode, flag

from dailies.database import Record, open_record
from dailies.mirror import Mirror
from dailies.record import (
    Appeal,
    BlindCheck,
    Claim,
    Episode,
    Hold,
    Lot,
    LotItem,
    Mark,
    Review,
    SecondLook,
)
from metrics import Filter
from metrics.blame import Cause, blame, likely_cause
from metrics.episodes import episode_reviews
from metrics.review import (
    Escapes,
    Held,
    ReviewPace,
    ReviewQueue,
    Waiting,
    agreement_pairs,
    appeals,
    blind_answers,
    blind_rates,
    claims,
    decisions_since,
    episode_marks,
    escapes,
    first_pass,
    holds,
    lots,
    review_pace,
    review_queue,
    review_waiting,
    reviewer_yield,
)
from metrics.workers import WorkerCheck, worker_checks

SPAN = Filter(FIRST, FIRST + 3 * DAY)
NOW = NOON + DAY


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def mirror(record: Record) -> Iterator[Mirror]:
    mirror = Mirror(record, max_age_s=0.0, threads=1)
    yield mirror
    mirror.close()


def put(record: Record, *rows: Any) -> None:
    with record.begin() as session:
        for row in rows:
            session.add(row)
            session.flush()


def clip(id: int, verdict: str, decision: str | None, **other: Any) -> Episode:
    """Half an hour of ann on rig r1, landed ``id`` minutes after one o'clock."""
    given = {"worker": "ann", "rig": "r1", "task": "egg"} | {
        name: other.pop(name) for name in ("worker", "rig", "task") if name in other
    }
    return episode(id, *given.values(), FIRST, 30, verdict, decision, **other)


def review(id: int, episode_id: int, reviewer: str, decision: str, **other: Any) -> Review:
    """A review ``id`` minutes after noon that took 30 s."""
    at = NOON + id * MINUTE
    return Review(
        id=id,
        episode_id=episode_id,
        reviewer=reviewer,
        decision=decision,
        policy="house@00000000",
        decided_at=at,
        started_at=at - MINUTE / 2,
        **other,
    )


def test_the_queue_counts_clips_hours_and_the_longest_wait(record: Record, mirror: Mirror) -> None:
    assert review_queue(mirror, NOW) == ReviewQueue(0, 0, 0.0, None, 0, 0, 0, 0, 0, 0, 0)
    put(
        record,
        clip(1, "suspect", None),
        clip(2, "unknown", None, worker="bo"),
        clip(3, "good", "accepted"),
        clip(4, "suspect", "rejected", duplicate_of=1),
        clip(5, "suspect", None),
        flag(1, "blur", "suspect", 1.0),
        flag(1, "blur", "suspect", 9.0),
        Hold(id=1, reviewer="cy", opened_at=NOON, rejected=20, decided=25, rest_rejected=5,
             rest_decided=50),
        review(7, 5, "cy", "rejected", hold_id=1),
        Claim(key="review:1", episode_id=1, purpose="review", reviewer="cy", claimed_at=NOW,
              expires_at=NOW + MINUTE),
        Claim(key="review:2", episode_id=2, purpose="review", reviewer="di", claimed_at=NOON,
              expires_at=NOW),
        review(8, 3, "cy", "accepted"),
        SecondLook(episode_id=3, review_id=8, asked_at=NOON),
        Appeal(episode_id=3, reason="no", brought_in_by="m", brought_at=NOON, due_at=NOON + 2 * DAY,
               state="open"),
        Appeal(episode_id=4, reason="late", brought_in_by="m", brought_at=NOON, due_at=NOON,
               state="open", against_id=8),
        Appeal(episode_id=4, reason="done", brought_in_by="m", brought_at=NOON, due_at=NOON,
               state="upheld", closed_at=NOON),
    )  # fmt: skip
    found = review_queue(mirror, NOW)
    assert (found.waiting, found.risky, found.waiting_h) == (2, 1, 1.0)
    assert found.oldest_s == 23 * 3600 - 60  # landed at 13:01 of the day before
    assert (found.claimed, found.reviewers) == (1, 1)
    assert (found.appeals, found.overdue) == (2, 1)
    assert (found.second_looks, found.samples, found.held_rejections) == (1, 0, 1)
    assert review_queue(mirror, NOW, Waiting(workers=("bo",))).waiting == 1
    assert review_queue(mirror, NOW, Waiting(checks=("blur",))).waiting_h == 0.5
    rows = review_waiting(mirror, NOW)
    assert [(row.episode_id, row.flags, row.check_name, row.held_by) for row in rows] == [
        (1, 2, "blur", "cy"),
        (2, 0, None, None),
    ]
    assert [row.episode_id for row in review_waiting(mirror, NOW, offset=1)] == [2]
    assert [(row.reason, row.left_s, row.against) for row in appeals(mirror, NOW)] == [
        ("late", -86_400.0, "cy"),
        ("no", 86_400.0, None),
        ("done", None, None),
    ]
    (hold,) = holds(mirror)
    assert (hold.rejection, hold.rest_rejection, hold.rejections) == (0.8, 0.1, 1)


def test_first_pass_is_fixed_by_the_first_decision(record: Record, mirror: Mirror) -> None:
    """Of three submitted one rejected: 67 % and 33 %; its rework accepted: 67 % and 25 %."""
    put(
        record,
        clip(1, "good", "accepted"),
        clip(2, "good", "accepted"),
        clip(3, "suspect", "rejected"),
        clip(9, "good", "rejected", duplicate_of=1),
        clip(10, "suspect", None),
    )
    before = first_pass(mirror, SPAN)
    assert (before.originals, before.passed, before.reworks) == (3, 2, 0)
    assert before.first_pass == pytest.approx(2 / 3)
    assert before.rejection == pytest.approx(1 / 3)
    put(record, clip(4, "good", "accepted", retake_of=3))
    after = first_pass(mirror, SPAN)
    assert after.first_pass == pytest.approx(2 / 3)
    assert after.rejection == 0.25
    assert (after.originals, after.decided, after.reworks) == (3, 4, 1)
    with record.begin() as session:
        session.get_one(Episode, 3).decision = "accepted"  # an appeal overturned it
    overturned = first_pass(mirror, SPAN)
    assert (overturned.first_pass, overturned.rejection) == (after.first_pass, 0.0)
    assert first_pass(mirror, SPAN.before()).first_pass is None


def test_a_reviewers_line(record: Record, mirror: Mirror) -> None:
    put(
        record,
        *(clip(id, "suspect", "accepted") for id in range(1, 9)),
        review(1, 1, "cy", "rejected"),
        review(2, 2, "cy", "retake"),
        review(3, 3, "cy", "accepted"),
        review(4, 4, "cy", "accepted"),
        review(5, 5, "cy", "rejected", undone_at=NOON),
        review(6, 5, "di", "accepted"),
        review(7, 1, "di", "accepted", kind="appeal", supersedes=1),
        review(8, 2, "ed", "rejected", kind="lead", supersedes=2),
    )
    cy, di, ed = reviewer_yield(mirror, SPAN)
    assert (cy.reviewer, cy.decisions, cy.first_decisions) == ("cy", 4, 4)
    assert (cy.rejected, cy.retakes, cy.rejection, cy.overall) == (2, 1, 0.5, 0.4)
    assert cy.standing == "not distinguishable"
    assert (cy.looked_again, cy.overturned, cy.overturn_share) == (2, 1, 0.25)
    assert (cy.median_s, cy.per_hour, cy.reviewed_h) == (30.0, 120.0, 2.0)
    assert (di.decisions, di.first_decisions) == (2, 1)
    assert (ed.rejection, ed.standing) == (None, None)


def test_pairs_of_reviewers_in_either_order(record: Record, mirror: Mirror) -> None:
    answers = [("retake", "rejected"), ("rejected", "accepted"), ("accepted", "rejected")]
    rows: list[Any] = [clip(id, "suspect", "accepted") for id in (1, 2, 3, 4)]
    for id, (one, two) in enumerate(answers, start=1):
        rows += [review(id, id, "cy", one), review(id + 10, id, "di", two, kind="second")]
        rows.append(SecondLook(episode_id=id, review_id=id, second_id=id + 10, asked_at=NOON,
                               done_at=NOON))  # fmt: skip
    rows += [review(4, 4, "di", "accepted"), review(14, 4, "cy", "accepted", kind="second")]
    rows.append(SecondLook(episode_id=4, review_id=4, second_id=14, asked_at=NOON, done_at=NOON))
    put(record, *rows)
    (pair,) = agreement_pairs(mirror, SPAN)
    assert (pair.one, pair.other) == ("cy", "di")
    counts = (pair.both_rejected, pair.one_only, pair.other_only, pair.both_accepted)
    assert counts == (1, 1, 1, 1)


def test_hits_and_false_alarms_of_blind_checks(record: Record, mirror: Mirror) -> None:
    put(
        record,
        clip(1, "good", "accepted"),
        clip(2, "good", "accepted"),
        BlindCheck(id=1, episode_id=1, truth="rejected", set_by="m", set_at=NOON),
        BlindCheck(id=2, episode_id=2, truth="accepted", set_by="m", set_at=NOON),
        review(1, 1, "cy", "retake", kind="blind", subject_id=1),
        review(2, 2, "cy", "accepted", kind="blind", subject_id=2),
        review(3, 1, "di", "accepted", kind="blind", subject_id=1),
        review(4, 1, "cy", "rejected"),
    )
    cy, di = blind_rates(mirror, FIRST, FIRST)
    assert (cy.bad, cy.hits, cy.hit_rate, cy.good, cy.false_alarms) == (1, 1, 1.0, 1, 0)
    assert (di.hit_rate, di.good, di.false_alarm_rate, di.false_alarm_high) == (0.0, 0, None, None)
    assert cy.hit_low == pytest.approx(0.2065, abs=1e-4)
    assert [(a.reviewer, a.is_wrong) for a in blind_answers(mirror)] == [
        ("cy", False),
        ("cy", False),
        ("di", True),
    ]
    assert blind_rates(mirror, FIRST + DAY, FIRST + DAY) == ()
    assert [row.review_id for row in decisions_since(mirror, "cy", NOON)] == [4]
    assert episode_reviews(mirror, 1)[0].kind == "first"
    assert len(episode_reviews(mirror, 1)) == 1  # who reads this may yet be asked blindly


def lot(id: int, site: str, **other: Any) -> Lot:
    given = {"size": 40, "aql": 2.5, "severity": "normal", "letter": "D", "sample_size": 2}
    given |= {"accept": 0, "reject": 1, "drawn_at": NOON, "state": "accepted"}
    return Lot(id=id, site_id=site, worked_on=FIRST, **(given | other))


def test_what_escaped_the_machine(record: Record, mirror: Mirror) -> None:
    put(
        record,
        *(clip(id, "good", "accepted") for id in range(1, 5)),
        lot(1, "delft", state="not_accepted", found=1, closed_at=NOON),
        lot(2, "kobe", state="open"),
        review(1, 1, "cy", "rejected", kind="sample"),
        review(2, 2, "cy", "accepted", kind="sample"),
        review(3, 3, "di", "accepted", kind="sample"),
        LotItem(lot_id=1, episode_id=1, review_id=1),
        LotItem(lot_id=1, episode_id=2, review_id=2),
        LotItem(lot_id=2, episode_id=3, review_id=3),
        LotItem(lot_id=2, episode_id=4),
    )
    everywhere, delft, kobe = escapes(mirror, FIRST, FIRST)
    assert (everywhere.site_id, everywhere.lots, everywhere.inspected) == (None, 2, 3)
    assert everywhere.escape_rate == pytest.approx(1 / 3)
    assert kobe == Escapes("kobe", 1, 1, 0, 0.0, kobe.escape_low, kobe.escape_high)
    assert (delft.escaped, round(kobe.escape_low, 9)) == (1, 0.0)
    assert [one.site_id for one in escapes(mirror, FIRST, FIRST, ("kobe",))] == [None, "kobe"]
    assert [(one.site_id, one.inspected, one.found, one.state) for one in
            lots(mirror, FIRST, FIRST)] == [
        ("delft", 2, 1, "not_accepted"),
        ("kobe", 1, 0, "open"),
    ]  # fmt: skip
    assert escapes(mirror, FIRST + DAY, FIRST + DAY) == ()
    assert review_queue(mirror, NOW).samples == 1


def test_marks_of_a_decision_that_was_taken_back_are_not_shown(
    record: Record, mirror: Mirror
) -> None:
    spans = {"episode_id": 1, "reviewer": "cy", "marked_at": NOON, "end_s": 9.0}
    put(
        record,
        clip(1, "suspect", "rejected"),
        review(1, 1, "cy", "rejected", undone_at=NOON),
        review(2, 1, "cy", "rejected"),
        Mark(reason="blur", start_s=3.0, review_id=1, **spans),
        Mark(reason="idle", start_s=2.0, review_id=2, **spans),
        Mark(reason="privacy", start_s=1.0, **spans),
    )
    found = episode_marks(mirror, 1)
    assert [(one.reason, one.start_s, one.marked_at) for one in found] == [
        ("privacy", 1.0, NOON_NAIVE),
        ("idle", 2.0, NOON_NAIVE),
    ]
    assert [one.undone_at for one in episode_reviews(mirror, 1)] == [NOON_NAIVE, None]


def causes(record: Record, mirror: Mirror, rows: list[tuple[str, str, str, int, int]]) -> Any:
    """From (worker, rig, task, clips, of them blurred): the causes for ann on r1 at the egg."""
    id = 0
    with record.begin() as session:
        for worker, rig, task, clips, blurred in rows:
            for number in range(clips):
                id += 1
                session.add(clip(id, "good", "accepted", worker=worker, rig=rig, task=task))
                if number < blurred:
                    session.flush()
                    session.add(flag(id, "blur", "suspect", 1.0))
    return likely_cause(
        mirror, "blur", FIRST, FIRST, rig="r1", site="delft", task="egg", worker="ann"
    )


def test_a_camera_that_blurs_for_everybody_is_the_rigs(record: Record, mirror: Mirror) -> None:
    found = causes(
        record,
        mirror,
        [
            ("ann", "r1", "egg", 20, 10),
            ("bo", "r1", "egg", 20, 9),
            ("dee", "r1", "pan", 20, 11),
            ("eli", "r1", "pan", 5, 0),
            ("ann", "r2", "egg", 20, 0),
            ("bo", "r2", "pan", 60, 1),
        ],
    )
    rig, site, task, worker = found
    assert [cause.kind for cause in found] == ["rig", "site", "task", "worker"]
    assert (rig.episodes, rig.flagged, rig.apart, rig.apart_flagged) == (65, 30, 45, 20)
    assert (rig.rest, rig.rest_flagged, rig.others, rig.others_flagged) == (80, 1, 3, 2)
    assert (site.rest, site.rest_share) == (0, None)
    assert not task.is_frequent_apart
    assert (worker.apart, worker.apart_flagged, worker.others) == (20, 0, 1)
    guess = blame("blur", found)
    assert (guess.kind, guess.id) == ("rig", "r1")
    assert guess.text == (
        "blur is likely the rig's (r1): also on 2 of 3 other workers on rig r1 "
        "(46% of clips, 1% elsewhere)"
    )


def test_who_blurs_on_every_rig_is_the_worker(record: Record, mirror: Mirror) -> None:
    found = causes(
        record,
        mirror,
        [("ann", "r1", "egg", 20, 10), ("ann", "r2", "pan", 20, 9), ("bo", "r1", "egg", 60, 1),
         ("bo", "r2", "pan", 60, 1)],
    )  # fmt: skip
    guess = blame("blur", found)
    assert (guess.kind, guess.id) == ("worker", "ann")
    assert guess.text.endswith(
        "also on 1 of 1 other rigs of worker ann (48% of clips, 2% elsewhere)"
    )


def test_what_cannot_be_told_apart_is_blamed_on_nobody(record: Record, mirror: Mirror) -> None:
    found = causes(record, mirror, [("ann", "r1", "egg", 20, 10), ("bo", "r2", "pan", 60, 1)])
    guess = blame("blur", found)
    assert guess.kind is None
    assert "only ann works on r1, and nowhere else" in guess.text


def test_what_nobody_else_does_is_said_to_have_no_others(record: Record, mirror: Mirror) -> None:
    found = causes(record, mirror, [("ann", "r1", "egg", 20, 10), ("ann", "r1", "pan", 60, 1)])
    assert blame("blur", found).text == (
        "blur is frequent in task egg, without a cause: "
        "no other workers in task egg (50% of clips, 2% elsewhere)"
    )


def test_what_happens_everywhere_has_no_cause_here(record: Record, mirror: Mirror) -> None:
    found = causes(record, mirror, [("ann", "r1", "egg", 20, 2), ("bo", "r2", "pan", 60, 6)])
    assert blame("blur", found).text == "blur is not more frequent here than elsewhere"
    unknown = likely_cause(mirror, "blur", FIRST, FIRST, rig=None, site=None, task=None, worker="x")
    assert [(cause.kind, cause.episodes, cause.share) for cause in unknown] == [("worker", 0, None)]
    assert isinstance(unknown[0], Cause)
    assert blame("blur", ()).kind is None


def test_instants_may_come_from_any_zone(mirror: Mirror) -> None:
    tokyo = NOW.astimezone(dt.timezone(dt.timedelta(hours=9)))
    assert review_queue(mirror, tokyo) == review_queue(mirror, NOW)


def test_claims_say_how_many_one_holds_and_until_when(record: Record, mirror: Mirror) -> None:
    """A claim that has ended is held by nobody."""
    put(record, *(clip(id, "suspect", None) for id in (1, 2, 3)))
    put(
        record,
        *(
            Claim(key=f"k{id}", episode_id=id, purpose=purpose, reviewer=who,
                  claimed_at=NOW - id * MINUTE, expires_at=NOW + left * MINUTE)
            for id, purpose, who, left in (
                (1, "review", "cy", 5), (2, "blind", "cy", 9), (3, "review", "di", 0),
            )
        ),
    )  # fmt: skip
    naive = NOW.replace(tzinfo=None)
    assert claims(mirror, NOW) == (Held("cy", 2, naive - 2 * MINUTE, naive + 9 * MINUTE),)
    (first, *_) = review_waiting(mirror, NOW)
    assert (first.held_by, first.held_until) == ("cy", naive + 5 * MINUTE)


def test_pace_is_of_one_s_own_clips_since_an_instant(record: Record, mirror: Mirror) -> None:
    """Each of ``review`` took half a minute: 120 an hour; one taken back counts nowhere."""
    assert review_pace(mirror, "cy", NOON) == ReviewPace(0, 0, None, None)
    put(record, *(clip(id, "suspect", "accepted") for id in (1, 2, 3, 4)))
    put(
        record,
        review(1, 1, "cy", "accepted"),
        review(5, 2, "cy", "accepted"),
        review(6, 3, "di", "rejected"),
        review(7, 4, "cy", "rejected", undone_at=NOON + 8 * MINUTE),
    )
    assert review_pace(mirror, "cy", NOON) == ReviewPace(3, 2, 30.0, 120.0)
    assert review_pace(mirror, "cy", NOON + 3 * MINUTE) == ReviewPace(2, 1, 30.0, 120.0)


def test_a_worker_s_most_frequent_check_stands_with_its_rig(record: Record, mirror: Mirror) -> None:
    """Ann: blur on three clips, two of them on r2; frozen on one. Bo has no flag."""
    put(
        record,
        clip(1, "suspect", None),
        clip(2, "suspect", None, rig="r2"),
        clip(3, "suspect", None, rig="r2"),
        clip(4, "good", "accepted", worker="bo"),
        *(flag(id, "blur", "suspect", 1.0) for id in (1, 2, 3)),
        flag(1, "frozen_picture", "fail", 1.0),
        flag(4, "blur", "unknown", 1.0),
    )
    assert worker_checks(mirror, SPAN) == (WorkerCheck("ann", "blur", "r2", 3, 2),)
