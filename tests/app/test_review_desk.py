"""A reviewer's desk over a real record: acts done once, refusals in plain words, nothing lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from films import NOW
from sqlalchemy import func, select

from dailies.access import LOCAL, Role, Visitor
from dailies.config import Config
from dailies.database import Record, open_record
from dailies.mirror import Mirror
from dailies.record import Appeal, BlindCheck, Claim, Episode, Finding, Review, SecondLook
from pages import _ground
from pages._review_clip import accepting, clip_data, rejecting
from pages._review_desk import Desk, act, fill, fit, sit_down, take
from review import queue
from review.queue import EVERYTHING, Filters

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
LEAD = Visitor("lea", "Lea", frozenset({Role.LEAD, Role.REVIEWER}))


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with opened.begin() as session:
        session.add_all(clip(number) for number in (1, 2, 3, 4))
    yield opened
    opened.close()


def clip(number: int, **other: Any) -> Episode:
    at = NOW + number * MINUTE
    given = {"verdict": "suspect", "decision": None} | other
    return Episode(
        id=number,
        content=f"c-{number}",
        path=f"/rec/{number}.mp4",
        format="mp4",
        worker_id="w-1",
        started_at=at,
        worked_on=at.date(),
        landed_at=at,
        judged_at=at,
        duration_s=10.0,
        policy="house@00000000",
        **given,
    )


def seated(record: Record, who: str = "ann") -> Desk:
    """A desk with the first clip on the screen and the second loaded ahead."""
    desk = Desk(who)
    take(desk, record, EVERYTHING, NOW)
    fill(desk, record, EVERYTHING, NOW)
    return desk


def shown(desk: Desk) -> list[int]:
    return [claim.episode_id for claim in desk.held]


def does(desk: Desk, record: Record, what: str, number: int = 1, **more: Any) -> None:
    """One act on the clip on the screen, and what the page does after it."""
    given = {"id": f"{what}-{number}", "do": what, "claim": desk.held[0].id} | more
    act(desk, record, [given], EVERYTHING, NOW + MINUTE)
    fill(desk, record, EVERYTHING, NOW + MINUTE)


def count(record: Record) -> int:
    with record.read() as session:
        return session.scalar(select(func.count()).select_from(Review)) or 0


def test_an_act_that_is_sent_again_is_done_once(record: Record) -> None:
    desk = seated(record)
    claim = desk.held[0].id
    for _ in range(3):
        does(desk, record, "decide", claim=claim, decision="accepted")
    assert count(record) == 1
    assert shown(desk) == [2, 3]


def test_a_decision_that_lacks_its_reason_leaves_the_clip_on_the_desk(record: Record) -> None:
    desk = seated(record)
    turn = desk.turn
    does(desk, record, "decide", 1, decision="rejected", reason="other", note=" ")
    assert (shown(desk), count(record)) == ([1, 2], 0)
    assert desk.turn > turn
    assert "write a note" in desk.message


@pytest.mark.parametrize(
    "broken",
    [
        {"decision": "perhaps"},
        {"decision": None},
        {"decision": "rejected", "reason": "blur", "marks": [{"start_s": 3, "end_s": 2}]},
        {"decision": "rejected", "reason": "blur", "marks": ["all"]},
        {"decision": "rejected", "reason": "blur", "marks": [{"start_s": 0, "end_s": 1e9,
                                                              "reason": "blur"}]},
    ],
)  # fmt: skip
def test_what_no_browser_of_ours_would_send_enters_nothing(
    record: Record, broken: dict[str, Any]
) -> None:
    desk = seated(record)
    does(desk, record, "decide", **broken)
    act(desk, record, ["x", {"do": "decide"}, {"id": "y", "do": "drop"}], EVERYTHING, NOW)
    assert (shown(desk), count(record)) == ([1, 2], 0)


def test_nobody_decides_on_a_clip_that_they_do_not_hold(record: Record) -> None:
    desk, other = seated(record), seated(record, "bo")
    does(desk, record, "decide", claim=other.held[0].id, decision="accepted")
    assert count(record) == 0


def test_a_claim_that_another_took_is_told_and_goes(record: Record) -> None:
    desk = seated(record)
    late = NOW + 11 * MINUTE
    assert queue.claim_next(record, "bo", now=late, purposes=("review",)) is not None
    given = {"id": "1", "do": "decide", "claim": desk.held[0].id, "decision": "accepted"}
    act(desk, record, [given], EVERYTHING, late)
    assert "bo has it now" in desk.message
    assert (shown(desk), count(record)) == ([2], 0)


def test_later_and_back_go_round_three_clips(record: Record) -> None:
    desk = seated(record)
    does(desk, record, "later", 1)
    assert shown(desk) == [2, 3, 1]
    does(desk, record, "later", 2)
    does(desk, record, "back", 3)
    assert shown(desk)[0] == 2
    does(desk, record, "give", 4)
    assert shown(desk)[0] == 3


def test_two_decisions_at_once_leave_no_empty_desk(record: Record) -> None:
    """Faster than the answer: both clips are decided before the next one is taken."""
    desk = seated(record)
    both = [
        {"id": str(claim.id), "do": "decide", "claim": claim.id, "decision": "accepted"}
        for claim in desk.held
    ]
    act(desk, record, both, EVERYTHING, NOW)
    fill(desk, record, EVERYTHING, NOW)
    assert (shown(desk), count(record)) == ([3, 4], 2)


def test_taking_back_still_works_after_a_reload(record: Record) -> None:
    does(seated(record), record, "decide", 1, decision="accepted")
    again = Desk("ann")
    sit_down(again, record, NOW + MINUTE)
    does(again, record, "undo", 2)
    assert shown(again)[0] == 1
    assert again.message == "Taken back. Decide again."
    does(again, record, "undo", 3)
    assert "There is nothing to take back" in again.message


def test_a_decision_that_cannot_be_taken_back_does_not_hide_the_one_before(record: Record) -> None:
    desk = seated(record)
    for number in (1, 2):
        does(desk, record, "decide", number, decision="accepted")
    with record.begin() as session:
        session.add(Review(episode_id=2, reviewer="bo", decision="rejected", decided_at=NOW + DAY,
                           policy="house@00000000", kind="lead"))  # fmt: skip
    does(desk, record, "undo", 3)
    assert "decided on this clip since" in desk.message
    does(desk, record, "undo", 4)
    assert shown(desk)[0] == 1


def test_clips_outside_a_new_filter_go_back_to_the_queue(record: Record) -> None:
    with record.begin() as session:
        for number, rig in ((1, "austin-07"), (2, "austin-05"), (3, "hyderabad-04")):
            session.get_one(Episode, number).rig_id = rig
    desk, wanted = seated(record), Filters(rigs=("austin-05",))
    fit(desk, record, EVERYTHING)
    assert shown(desk) == [1, 2]
    fit(desk, record, wanted)
    fill(desk, record, wanted, NOW)
    assert shown(desk) == [2]
    assert desk.message == "1 clip lies outside the filters and went back to the queue."
    assert shown(seated(record, "bo")) == [1, 3]  # so others can take it
    # and those of an earlier sitting, where the page is loaded with a filter
    again = Desk("bo")
    sit_down(again, record, NOW)
    fit(again, record, Filters(rigs=("hyderabad-04",)))
    assert shown(again) == [3]


def test_an_empty_queue_leaves_an_empty_desk_that_says_so(record: Record) -> None:
    desk = seated(record)
    for number in range(4):
        does(desk, record, "decide", number, decision="accepted")
    assert (shown(desk), count(record)) == ([], 4)
    assert "Nothing waits" in desk.idle


def test_time_counts_from_when_the_clip_is_on_the_screen(record: Record) -> None:
    desk = seated(record)
    does(desk, record, "decide", decision="accepted")
    with record.read() as session:
        claimed = session.scalars(select(Claim.claimed_at).where(Claim.episode_id == 2)).one()
    assert claimed == NOW + MINUTE


def test_taking_back_brings_a_second_look_back_as_one(record: Record) -> None:
    with record.begin() as session:
        session.get_one(Episode, 1).decision = "accepted"
        first = Review(episode_id=1, reviewer="bo", decision="accepted", decided_at=NOW,
                       policy="house@00000000", kind="first")  # fmt: skip
        session.add(first)
        session.flush()
        session.add(SecondLook(episode_id=1, review_id=first.id, asked_at=NOW))
    claim = queue.claim_next(record, "ann", now=NOW, purposes=("second",))
    assert claim is not None
    desk = Desk("ann", held=[claim])
    fill(desk, record, EVERYTHING, NOW)
    does(desk, record, "decide", decision="accepted")
    assert shown(desk) == [2, 3]
    does(desk, record, "undo")
    assert (desk.held[0].purpose, desk.held[0].episode_id) == ("second", 1)


def test_without_a_flag_no_reason_is_taken_unless_it_is_chosen() -> None:
    assert not any(one.get("usual") for one in [*rejecting([]), *accepting([])])
    flagged = rejecting(["blur", "idle"])
    assert [one["reason"] for one in flagged if one.get("usual")] == ["blur", "idle"]
    assert accepting(["blur"])[0]["usual"]


@pytest.fixture
def mirror(record: Record, tmp_path: Path) -> Iterator[Mirror]:
    """The mirror that the pages stand on, over the record above."""
    with record.begin() as session:
        session.add_all(
            Finding(episode_id=id, check="blur", grade=grade, stream=None, start_s=1.0, end_s=2.0,
                    measured=2.0, limit=1.0, unit="s", message="blurred for 1 s")
            for id, grade in ((1, "suspect"), (2, "fail"))
        )  # fmt: skip
        known = session.get_one(Episode, 2)
        known.verdict, known.decision, known.landed_at = "fail", "rejected", NOW + MINUTE
        session.add(BlindCheck(episode_id=2, truth="rejected", set_by="lea", set_at=NOW))
        session.add(Review(episode_id=2, reviewer="bo", decision="rejected", decided_at=NOW,
                           policy="house@00000000", kind="first"))  # fmt: skip
    _ground.leave()
    _ground._standing.append(_ground.Ground.open(Config.of(tmp_path), None))
    yield _ground.mirror()
    _ground.leave()


def test_a_blind_check_looks_like_any_other_clip(
    record: Record, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also to a lead, and though it failed and somebody decided on it before."""
    for module in ("pages._player", "pages._words"):
        monkeypatch.setattr(f"{module}.is_dark", lambda: False)
    plain = queue.claim_next(record, "lea", now=NOW, purposes=("review",))
    blind = queue.claim_next(record, "lea", now=NOW, purposes=("blind",))
    assert plain is not None
    assert blind is not None
    one, other = (clip_data(mirror, claim, LEAD, NOW) for claim in (plain, blind))
    assert one is not None
    assert other is not None
    for its_own in ("claim", "episode", "title"):
        del one[its_own], other[its_own]
    assert one == other


def test_an_appeal_shows_its_clock_and_to_a_lead_what_was_decided(
    record: Record, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages._player.is_dark", lambda: False)
    monkeypatch.setattr("pages._words.is_dark", lambda: False)
    with record.begin() as session:
        session.add(Appeal(episode_id=2, reason="it is sharp", brought_in_by="mo", brought_at=NOW,
                           due_at=NOW + 60 * MINUTE, state="open", against_id=1))  # fmt: skip
    mirror.refresh()
    claim = queue.claim_next(record, "lea", now=NOW, purposes=("appeal",))
    assert claim is not None
    seen = clip_data(mirror, claim, LEAD, NOW)
    assert seen is not None
    assert seen["appeal"]["left_s"] == 3600.0
    assert "against rejected" in seen["appeal"]["under"]
    assert len(seen["past"]) == 2
    plain = clip_data(mirror, claim, Visitor("x", "x", frozenset({Role.REVIEWER})), NOW)
    assert plain is not None
    assert plain["past"] == []
    assert LOCAL.may_see("review")
