"""A decision counts once, is never erased, and can be taken back, appealed and overruled."""

from __future__ import annotations

import threading

import pytest
from queue_rows import DAY, MINUTE, NOON, clip, enter, reviews, stands
from sqlalchemy import select

from dailies.database import Record
from dailies.record import Appeal, BlindCheck, Episode, Hold, Lot, LotItem, Mark, Review, SecondLook
from review import queue
from review.appeals import CannotAppeal, appeal
from review.blind import retire_blind_check, set_blind_check
from review.breaker import AlreadyReleased, NotYours, is_far_above, release_hold
from review.decisions import (
    UNDO_WITHIN,
    Decided,
    Marked,
    TooLate,
    decide,
    is_drawn,
    override,
    recent,
    undo,
)
from review.queue import Claim, Filters
from review.reasons import NoReason
from review.rework import NoRework, link, match
from review.standing import AlreadyDecided, NoEpisode

NOW = NOON + DAY


def take(record: Record, reviewer: str, purpose: str = "review") -> Claim:
    claim = queue.claim_next(record, reviewer, now=NOW, purposes=(purpose,))
    assert claim is not None
    return claim


def review(
    record: Record, reviewer: str, decision: str, purpose: str = "review", share: float = 0.0
) -> Decided:
    reason = None if decision == "accepted" else "blur"
    claim = take(record, reviewer, purpose)
    return decide(record, claim, decision, now=NOW, reason=reason, share=share)


def test_a_rejection_counts_with_its_reason_note_and_spans(record: Record) -> None:
    enter(record, clip(1))
    claim = take(record, "a")
    marks = [Marked(1.0, 2.5, "blur", "wrist"), Marked(4.0, 4.0, "idle")]
    done = decide(
        record, claim, "rejected", now=NOW, reason="other", note="cat on the table", marks=marks
    )
    assert (done.counts, done.decision) == (True, "rejected")
    assert stands(record, 1) == ("rejected", "rejected")
    with record.read() as session:
        row = session.get_one(Review, done.review_id)
        assert (row.reason, row.note, row.policy, row.kind, row.started_at) == (
            "other",
            "cat on the table",
            "house@00000000",
            "first",
            NOW,
        )
        spans = session.execute(select(Mark.start_s, Mark.end_s, Mark.reason, Mark.review_id)).all()
    assert [tuple(span) for span in spans] == [
        (1.0, 2.5, "blur", done.review_id),
        (4.0, 4.0, "idle", done.review_id),
    ]


@pytest.mark.parametrize(
    ("decision", "reason", "note", "verdict", "wrong"),
    [
        ("rejected", None, None, "suspect", "a rejection needs a reason: blur"),
        ("retake", "ugly", None, "suspect", "'ugly' is no reason for retake"),
        ("rejected", "other", " ", "suspect", "write a note"),
        ("accepted", None, None, "fail", "that the machine failed needs a reason: false_alarm"),
        ("accepted", "blur", None, "fail", "'blur' is no reason for accepted"),
    ],
)
def test_a_decision_without_what_it_needs_is_refused(
    record: Record, decision: str, reason: str | None, note: str | None, verdict: str, wrong: str
) -> None:
    enter(record, clip(1, verdict))
    claim = queue.claim_episode(record, "a", 1, now=NOW)
    with pytest.raises(NoReason, match=wrong):
        decide(record, claim, decision, now=NOW, reason=reason, note=note)
    assert reviews(record, 1) == []
    assert queue.held(record, "a", now=NOW) == (claim,)


def test_a_check_that_once_flagged_is_a_reason(record: Record) -> None:
    enter(record, clip(1))
    with record.begin() as session:
        session.connection().exec_driver_sql("UPDATE flag SET check_name = 'gripper_stuck'")
    decide(record, take(record, "a"), "rejected", now=NOW, reason="gripper_stuck")


def test_a_span_outside_the_clip_is_refused(record: Record) -> None:
    enter(record, clip(1))
    with pytest.raises(ValueError, match="ends at 31"):
        decide(record, take(record, "a"), "accepted", now=NOW, marks=[Marked(1.0, 31.0, "idle")])
    with pytest.raises(ValueError, match="is none"):
        Marked(3.0, 2.0, "idle")
    assert reviews(record, 1) == []


def test_of_two_at_the_same_instant_one_wins_and_the_other_is_told(record: Record) -> None:
    enter(record, *(clip(id) for id in range(1, 11)))
    lost: list[str] = []
    for id in range(1, 11):
        claim = queue.claim_episode(record, "a", id, now=NOW)
        other = Claim(0, claim.key, id, "review", None, "b", NOW, NOW)
        both = threading.Barrier(2)

        def enter_one(mine: Claim, both: threading.Barrier = both) -> None:
            both.wait()
            try:
                decide(record, mine, "accepted", now=NOW + MINUTE * 11, share=0.0)
            except AlreadyDecided as told:
                lost.append(f"{mine.reviewer}: {told}")

        two = [threading.Thread(target=enter_one, args=(one,)) for one in (claim, other)]
        for one in two:
            one.start()
        for one in two:
            one.join()
        assert len(reviews(record, id)) == 1
    assert len(lost) == 10
    assert all("decided accepted at 12:11:00 UTC, before you" in told for told in lost)


def test_a_person_overrules_the_machine_and_both_stay(record: Record) -> None:
    enter(record, clip(1, "fail"), clip(2, "good"))
    claim = queue.claim_episode(record, "a", 1, now=NOW)
    decide(record, claim, "accepted", now=NOW, reason="false_alarm")
    assert stands(record, 1) == ("accepted", "rejected")
    claim = queue.claim_episode(record, "a", 2, now=NOW)
    decide(record, claim, "retake", now=NOW, reason="wrong_task")
    assert stands(record, 2) == ("rejected", "accepted")
    with record.read() as session:
        assert session.get_one(Episode, 1).verdict == "fail"
        assert session.get_one(Episode, 2).decided_at == NOW


def test_undoing_lets_what_was_before_stand_again(record: Record) -> None:
    enter(record, clip(1), clip(2, "fail"))
    done = review(record, "a", "rejected")
    assert undo(record, done.review_id, "a", now=NOW + MINUTE) == 1
    assert stands(record, 1) == (None, None)
    assert reviews(record, 1) == [("first", "a", "rejected")]
    assert take(record, "b").episode_id == 1
    claim = queue.claim_episode(record, "a", 2, now=NOW)
    done = decide(record, claim, "accepted", now=NOW, reason="harmless")
    undo(record, done.review_id, "a", now=NOW + MINUTE)
    assert stands(record, 2) == ("rejected", "rejected")
    with record.read() as session:
        assert session.get_one(Episode, 2).decided_at == session.get_one(Episode, 2).judged_at


def test_undoing_has_its_limits(record: Record) -> None:
    enter(record, clip(1))
    done = review(record, "a", "rejected", share=1.0)
    with pytest.raises(NotYours):
        undo(record, done.review_id, "b", now=NOW)
    with pytest.raises(TooLate, match="15 minutes have passed"):
        undo(record, done.review_id, "a", now=NOW + 16 * MINUTE)
    review(record, "b", "accepted", "second")
    with pytest.raises(TooLate, match="another has looked"):
        undo(record, done.review_id, "a", now=NOW)
    assert stands(record, 1) == ("rejected", "rejected")


def test_a_lead_overrules_whoever_decided(record: Record) -> None:
    enter(record, clip(1))
    first = review(record, "a", "rejected")
    with pytest.raises(NotYours):
        override(record, 1, "a", "accepted", now=NOW)
    override(record, 1, "lead", "accepted", now=NOW + MINUTE)
    assert stands(record, 1) == ("accepted", "rejected")
    assert reviews(record, 1) == [("first", "a", "rejected"), ("lead", "lead", "accepted")]
    with record.read() as session:
        lead = session.scalars(select(Review).where(Review.kind == "lead")).one()
        assert lead.supersedes == first.review_id
    with pytest.raises(NoEpisode, match="no episode 77"):
        override(record, 77, "lead", "accepted", now=NOW)


def test_a_second_look_goes_blind_to_another_and_a_difference_becomes_an_appeal(
    record: Record,
) -> None:
    enter(record, clip(1), clip(2))
    assert review(record, "a", "rejected", share=1.0).second_look
    assert review(record, "a", "accepted", share=1.0).second_look
    assert queue.claim_next(record, "a", now=NOW, purposes=("second",)) is None
    assert take(record, "b", "second").is_blind
    queue.release(record, queue.held(record, "b", now=NOW)[0])
    review(record, "b", "accepted", "second")
    review(record, "b", "accepted", "second")
    assert stands(record, 1) == ("rejected", "rejected")  # the first stands until the appeal
    with record.read() as session:
        appeals = session.scalars(select(Appeal)).all()
        assert [(one.episode_id, one.brought_in_by) for one in appeals] == [(1, "second look")]
        looks = session.scalars(select(SecondLook)).all()
        assert all(look.done_at == NOW for look in looks)
    for who in ("a", "b"):
        assert queue.claim_next(record, who, now=NOW, purposes=("appeal",)) is None
    review(record, "c", "accepted", "appeal")
    assert stands(record, 1) == ("accepted", "rejected")


def test_a_second_look_taken_back_withdraws_its_appeal(record: Record) -> None:
    enter(record, clip(1))
    review(record, "a", "rejected", share=1.0)
    done = review(record, "b", "accepted", "second")
    undo(record, done.review_id, "b", now=NOW)
    with record.read() as session:
        assert session.scalars(select(Appeal.state)).all() == ["withdrawn"]
    assert take(record, "c", "second").episode_id == 1


def test_the_share_of_second_looks_is_as_asked_and_the_same_every_time() -> None:
    drawn = [is_drawn(id, id * 7, 0.05) for id in range(20_000)]
    assert 0.045 < sum(drawn) / len(drawn) < 0.055
    assert drawn == [is_drawn(id, id * 7, 0.05) for id in range(20_000)]
    assert not any(is_drawn(id, id, 0.0) for id in range(100))
    assert all(is_drawn(id, id, 1.0) for id in range(100))


def test_an_appeal_goes_to_who_did_not_decide_and_changes_what_counts(record: Record) -> None:
    enter(record, clip(1), clip(2), clip(3, "fail"))
    first = review(record, "a", "rejected")
    with pytest.raises(CannotAppeal, match="waits for review"):
        appeal(record, 2, reason="no", brought_in_by="m", now=NOW)
    number = appeal(record, 1, reason="the egg was flipped", brought_in_by="manager", now=NOW)
    with pytest.raises(CannotAppeal, match="open already"):
        appeal(record, 1, reason="again", brought_in_by="manager", now=NOW)
    appeal(record, 3, reason="not blurred", brought_in_by="manager", now=NOW - DAY)
    assert queue.claim_next(record, "z", now=NOW) is not None  # the one due first: 3
    assert queue.held(record, "z", now=NOW)[0].episode_id == 3
    assert queue.claim_next(record, "a", now=NOW, purposes=("appeal",)) is None
    review(record, "b", "accepted", "appeal")
    assert stands(record, 1) == ("accepted", "rejected")
    with record.read() as session:
        row = session.get_one(Appeal, number)
        assert (row.state, row.against_id, row.worker_id) == ("overturned", first.review_id, "ann")
        assert row.due_at - row.brought_at == 2 * DAY
        answer = session.get_one(Review, row.review_id)
        assert (answer.kind, answer.supersedes) == ("appeal", first.review_id)


def test_an_appeal_undone_is_open_again(record: Record) -> None:
    enter(record, clip(1, "fail"))
    number = appeal(record, 1, reason="sharp", brought_in_by="m", now=NOW)
    claim = take(record, "b", "appeal")
    done = decide(record, claim, "accepted", now=NOW, reason="false_alarm")
    undo(record, done.review_id, "b", now=NOW)
    assert stands(record, 1) == ("rejected", "rejected")
    with record.read() as session:
        assert session.get_one(Appeal, number).state == "open"
    again = decide(record, take(record, "b", "appeal"), "accepted", now=NOW, reason="false_alarm")
    with record.read() as session:
        row = session.get_one(Appeal, number)
        assert (row.state, row.review_id) == ("overturned", again.review_id)


def test_a_decision_that_a_lead_dropped_still_keeps_its_reviewer_away(record: Record) -> None:
    enter(record, clip(1, "fail"))
    appeal(record, 1, reason="sharp", brought_in_by="m", now=NOW)
    with record.begin() as session:
        hold = Hold(
            reviewer="harsh", opened_at=NOW, rejected=9, decided=9, rest_rejected=0, rest_decided=9
        )
        session.add(hold)
        session.flush()
        session.add(
            Review(
                episode_id=1, reviewer="harsh", decision="rejected", policy="p", kind="first",
                decided_at=NOW, undone_at=NOW, hold_id=hold.id,
            )
        )  # fmt: skip
    assert queue.claim_next(record, "harsh", now=NOW, purposes=("appeal",)) is None
    assert queue.claim_next(record, "calm", now=NOW, purposes=("appeal",)) is not None


def test_a_blind_check_that_was_answered_and_taken_back_is_not_met_again(record: Record) -> None:
    enter(record, clip(1, "good"))
    set_blind_check(record, 1, "accepted", set_by="lead", now=NOW)
    done = decide(record, take(record, "b", "blind"), "accepted", now=NOW)
    undo(record, done.review_id, "b", now=NOW)
    assert queue.claim_next(record, "b", now=NOW + DAY, purposes=("blind",)) is None


def test_far_above_needs_intervals_apart_and_enough_decisions() -> None:
    assert is_far_above(40, 50, 100, 500)
    assert not is_far_above(14, 50, 100, 500)  # 28 % against 20 %: the intervals touch
    assert not is_far_above(19, 19, 100, 500)
    assert not is_far_above(20, 20, 0, 19)


def calm_and_harsh(record: Record) -> None:
    """Forty acceptances of one reviewer, 18 rejections of another, and ten clips that wait."""
    enter(record, *(clip(id, decision="accepted") for id in range(1, 41)))
    enter(record, *(clip(id, decision="rejected") for id in range(41, 59)))
    enter(record, *(clip(id) for id in range(61, 71)))
    with record.begin() as session:
        session.add_all(
            Review(
                episode_id=id,
                reviewer="calm" if id < 41 else "harsh",
                decision="accepted" if id < 41 else "rejected",
                policy="house@00000000",
                decided_at=NOW,
            )
            for id in range(1, 59)
        )


def test_who_rejects_far_more_than_the_rest_waits_for_a_lead(record: Record) -> None:
    calm_and_harsh(record)
    outcomes = [review(record, "harsh", "rejected") for _ in range(4)]
    assert [one.counts for one in outcomes] == [True, False, False, False]
    held = [one.episode_id for one in outcomes[1:]]
    assert [stands(record, id) for id in held] == [(None, None)] * 3
    assert review(record, "harsh", "accepted").counts
    assert take(record, "calm").episode_id not in held  # nobody else gets it meanwhile
    with record.read() as session:
        hold = session.scalars(select(Hold)).one()
        counts = (hold.rejected, hold.decided, hold.rest_rejected, hold.rest_decided)
        assert counts == (20, 20, 0, 40)
    with pytest.raises(NotYours):
        release_hold(record, hold.id, "harsh", keep=True, now=NOW)
    assert release_hold(record, hold.id, "lead", keep=True, now=NOW + MINUTE) == tuple(held)
    assert [stands(record, id) for id in held] == [("rejected", "rejected")] * 3
    with pytest.raises(AlreadyReleased, match="lead released"):
        release_hold(record, hold.id, "lead", keep=False, now=NOW)


def test_a_dropped_hold_sends_its_clips_back_to_the_queue(record: Record) -> None:
    calm_and_harsh(record)
    last = [review(record, "harsh", "rejected") for _ in range(2)][-1]
    with record.read() as session:
        hold = session.scalars(select(Hold)).one()
    release_hold(record, hold.id, "lead", keep=False, now=NOW)
    assert take(record, "calm").episode_id == last.episode_id
    assert reviews(record, last.episode_id) == [("first", "harsh", "rejected")]
    with record.read() as session:
        assert session.get_one(Review, last.review_id).undone_at == NOW


def test_a_blind_check_is_seen_once_by_each_and_changes_nothing(record: Record) -> None:
    enter(record, clip(1, "good"))
    number = set_blind_check(record, 1, "rejected", set_by="lead", now=NOW, note="cat")
    assert review(record, "a", "accepted", "blind").counts is False
    assert queue.claim_next(record, "a", now=NOW, purposes=("blind",)) is None
    claim = take(record, "b", "blind")
    assert claim.is_blind
    assert queue.claim_next(record, "c", now=NOW, purposes=("blind",)) is not None  # at once
    decide(record, claim, "rejected", now=NOW, reason="privacy")
    with pytest.raises(AlreadyDecided):
        decide(record, claim, "rejected", now=NOW, reason="privacy")
    assert stands(record, 1) == ("accepted", "accepted")
    retire_blind_check(record, number, now=NOW)
    assert queue.claim_next(record, "d", now=NOW, purposes=("blind",)) is None
    assert set_blind_check(record, 1, "accepted", set_by="lead", now=NOW) == number
    with record.read() as session:
        assert session.get_one(BlindCheck, number).retired_at is None
    with pytest.raises(ValueError, match="no truth"):
        set_blind_check(record, 1, "good", set_by="lead", now=NOW)


def test_a_blind_check_under_a_filter_is_of_what_the_filter_shows(record: Record) -> None:
    enter(record, clip(1, "good", rig_id="porto-02"), clip(2, "good", rig_id="austin-05"))
    set_blind_check(record, 1, "accepted", set_by="lead", now=NOW)
    austin = Filters(rigs=("austin-05",))
    asked = {"now": NOW, "filters": austin, "purposes": ("blind",)}
    assert queue.claim_next(record, "a", **asked) is None
    set_blind_check(record, 2, "accepted", set_by="lead", now=NOW)
    claim = queue.claim_next(record, "a", **asked)
    assert claim is not None
    assert claim.episode_id == 2


def test_claims_outside_a_filter_are_told(record: Record) -> None:
    enter(record, clip(1), clip(2, rig_id="r2"))
    first, second = take(record, "a"), take(record, "a")
    assert queue.outside(record, (first, second), Filters(rigs=("r2",))) == (first,)
    assert queue.outside(record, (first, second), Filters(checks=("blur",))) == ()
    assert queue.outside(record, (), Filters(rigs=("r2",))) == ()


@pytest.mark.parametrize("purpose", ["review", "second", "appeal", "sample", "blind"])
def test_what_one_can_take_back_is_known_to_the_record_with_its_claim(
    record: Record, purpose: str
) -> None:
    enter(record, clip(1), clip(2, "good"))
    if purpose != "review":
        review(record, "first", "accepted", share=1.0)
    if purpose == "appeal":
        appeal(record, 1, reason="it is sharp", brought_in_by="mo", now=NOW)
    if purpose == "blind":
        set_blind_check(record, 2, "accepted", set_by="lead", now=NOW)
    if purpose == "sample":
        with record.begin() as session:
            session.add(
                Lot(id=1, site_id="delft", worked_on=NOON.date(), size=9, aql=2.5,
                    severity="normal", letter="A", sample_size=1, accept=0, reject=1,
                    drawn_at=NOW, state="open")
            )  # fmt: skip
            session.flush()
            session.add(LotItem(lot_id=1, episode_id=2))
    claim = take(record, "a", purpose)
    done = decide(record, claim, "accepted", now=NOW, share=0.0)
    ((id_, again),) = recent(record, "a", now=NOW + UNDO_WITHIN)
    assert id_ == done.review_id
    assert (again.key, again.purpose, again.episode_id, again.subject_id) == (
        claim.key,
        claim.purpose,
        claim.episode_id,
        claim.subject_id,
    )
    assert recent(record, "b", now=NOW) == ()
    assert recent(record, "a", now=NOW + UNDO_WITHIN + MINUTE) == ()
    undo(record, id_, "a", now=NOW)
    assert recent(record, "a", now=NOW) == ()
    assert queue.take_again(record, again, now=NOW).purpose == purpose


def test_blind_checks_and_second_looks_are_mixed_in(record: Record) -> None:
    enter(record, *(clip(id) for id in range(1, 51)), *(clip(id, "good") for id in (201, 202)))
    for id in (201, 202):
        set_blind_check(record, id, "accepted", set_by="lead", now=NOW)
    purposes = []
    for second in range(45):
        now = NOW + second * MINUTE / 60
        claim = queue.claim_next(record, "bo", now=now)
        assert claim is not None
        purposes.append(claim.purpose)
        decide(record, claim, "accepted", now=now)
    assert 1 <= purposes.count("blind") <= 2
    assert purposes.count("review") >= 43


def test_a_rework_is_linked_to_the_retake_it_answers(record: Record) -> None:
    later = {"started_at": NOW + MINUTE}
    enter(record, clip(1), clip(2, "good", task_id="pan"))
    decide(record, take(record, "a"), "retake", now=NOW, reason="incomplete")
    enter(
        record,
        clip(11, worker_id="bo", **later),
        clip(12, task_id="pan", **later),
        clip(13, **later),
        clip(14, **later),
    )
    with record.begin() as session:
        found = [match(session, session.get_one(Episode, id)) for id in (11, 12, 13, 14)]
    assert found == [None, None, 1, None]
    link(record, 13, None)
    link(record, 14, 2)
    with pytest.raises(NoRework, match="not recorded after"):
        link(record, 1, 14)
