"""No two reviewers ever hold the same clip, and every clip's turn comes."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from queue_rows import DAY, MINUTE, NOON, clip, enter, reviews
from sqlalchemy import func, select

from dailies.database import Record
from dailies.record import Claim as ClaimRow
from dailies.record import Episode, Review
from review import queue
from review.decisions import decide
from review.queue import ClaimLost, Filters, HoldsEnough

NOW = NOON + DAY


def take(record: Record, reviewer: str, now: dt.datetime = NOW, **other: object) -> int | None:
    """The next clip's id for a reviewer."""
    claim = queue.claim_next(record, reviewer, now=now, **other)  # type: ignore[arg-type]
    return claim.episode_id if claim else None


def test_the_riskiest_comes_first_and_then_who_waited_longest(record: Record) -> None:
    enter(record, clip(1, "unknown"), clip(3), clip(2), clip(4, "good"), clip(5, "fail"))
    assert queue.waiting(record, now=NOW, limit=5) == (2, 3, 1)
    assert [take(record, who) for who in ("a", "b", "c", "d")] == [2, 3, 1, None]
    assert queue.waiting(record, now=NOW, limit=5) == ()


def test_a_claim_expires_and_goes_to_the_next(record: Record) -> None:
    enter(record, clip(1))
    mine = queue.claim_next(record, "a", now=NOW)
    assert mine is not None
    assert take(record, "b", NOW + 9 * MINUTE) is None
    mine = queue.renew(record, mine, now=NOW + 9 * MINUTE)
    assert take(record, "b", NOW + 18 * MINUTE) is None
    assert take(record, "b", NOW + 19 * MINUTE) == 1
    with pytest.raises(ClaimLost, match="b has it now"):
        queue.renew(record, mine, now=NOW + 20 * MINUTE)
    with pytest.raises(ClaimLost, match="b has it now"):
        decide(record, mine, "accepted", now=NOW + 20 * MINUTE)
    assert reviews(record, 1) == []


def test_a_released_clip_is_free_at_once(record: Record) -> None:
    enter(record, clip(1))
    claim = queue.claim_next(record, "a", now=NOW)
    assert claim is not None
    assert queue.held(record, "a", now=NOW) == (claim,)
    queue.release(record, claim)
    assert queue.held(record, "a", now=NOW) == ()
    assert take(record, "b") == 1


def test_nobody_holds_more_than_three(record: Record) -> None:
    enter(record, *(clip(id) for id in range(1, 6)))
    assert [take(record, "a") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(HoldsEnough, match="3 clips"):
        take(record, "a")
    assert take(record, "a", NOW + 11 * MINUTE) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), 1),
        (Filters(sites=("kobe",)), 2),
        (Filters(tasks=("pan",)), 3),
        (Filters(rigs=("r9",)), 4),
        (Filters(workers=("bo", "chi")), 5),
        (Filters(checks=("blur",)), 1),
        (Filters(checks=("too_short",)), None),
    ],
)
def test_filters_choose_what_one_sees(record: Record, filters: Filters, found: int | None) -> None:
    enter(
        record,
        clip(1),
        clip(2, site_id="kobe"),
        clip(3, task_id="pan"),
        clip(4, rig_id="r9"),
        clip(5, worker_id="bo"),
    )
    assert take(record, "a", filters=filters) == found


def test_copies_and_decided_clips_do_not_wait(record: Record) -> None:
    enter(record, clip(1, duplicate_of=9), clip(2))
    claim = queue.claim_next(record, "a", now=NOW)
    assert claim is not None
    decide(record, claim, "accepted", now=NOW)
    assert take(record, "b") is None


def test_thirty_reviewers_decide_every_clip_once(record: Record) -> None:
    count = 90
    enter(record, *(clip(id) for id in range(1, count + 1)))

    def work(reviewer: str) -> int:
        done, now = 0, NOW
        while claim := queue.claim_next(record, reviewer, now=now):
            decide(record, claim, "accepted", now=now, share=0.0)
            time.sleep(0.02)  # so that it is not SQLite's lock alone that chooses who is next
            done, now = done + 1, now + MINUTE / 60
        return done

    with ThreadPoolExecutor(30) as many:
        shares = list(many.map(work, (f"r{n}" for n in range(30))))
    assert sum(shares) == count
    with record.read() as session:
        each = session.execute(
            select(Review.episode_id, func.count()).group_by(Review.episode_id)
        ).all()
        left = session.scalar(
            select(func.count()).select_from(Episode).where(Episode.decision.is_(None))
        )
        claims = session.scalar(select(func.count()).select_from(ClaimRow))
    assert Counter(n for _, n in each) == {1: count}
    assert (left, claims) == (0, 0)
    assert max(shares) < count / 3  # nobody takes it all
