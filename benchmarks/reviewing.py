"""Reviewers at once on one queue: no clip decided twice, none lost, everybody gets their share.

Each looks at a clip for THINKS_S on average, a fiftieth of what people take. Without any pause,
SQLite's waiting for its one writer's turn would be measured, which is by luck.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from dailies.database import open_record
from dailies.record import Claim as ClaimRow
from dailies.record import Episode, Review
from review import queue
from review.decisions import decide

START = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
THINKS_S = 0.5
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["benchmarks.reviewing"])


@dataclass(frozen=True)
class Shared:
    """What became of a queue that many reviewers worked on."""

    clips: int
    decided: int  # clips with exactly one decision
    twice: int
    lost: int  # clips without a decision
    claims_left: int
    shares: tuple[int, ...]  # decisions by reviewer
    seconds: float
    worst_ms: float  # 95th percentile of claiming and deciding one clip


def share_queue(url: str, *, clips: int, reviewers: int) -> Shared:
    """Enter ``clips`` that wait into the empty record at ``url``, and let all be decided."""
    record = open_record(url)
    try:
        with record.begin() as session:
            session.execute(insert(Episode), [_waiting(number) for number in range(clips)])
        answers: Any = PROCESSES.SimpleQueue()
        ready = PROCESSES.Barrier(reviewers + 1)
        workers = [
            PROCESSES.Process(target=_work, args=(url, f"r{number:02d}", ready, answers))
            for number in range(reviewers)
        ]
        for worker in workers:
            worker.start()
        ready.wait(300)
        began = time.monotonic()
        took = [answers.get() for _ in workers]
        for worker in workers:
            worker.join()
        seconds = time.monotonic() - began
        with record.read() as session:
            counted = select(Review.episode_id, func.count()).group_by(Review.episode_id)
            times = Counter(count for _, count in session.execute(counted))
            waits = Episode.decision.is_(None)
            lost = session.scalar(select(func.count()).select_from(Episode).where(waits)) or 0
            left = session.scalar(select(func.count()).select_from(ClaimRow)) or 0
    finally:
        record.close()
    return Shared(
        clips,
        times[1],
        sum(count for number, count in times.items() if number > 1),
        lost,
        left,
        tuple(len(one) for one in took),
        seconds,
        float(np.percentile(np.concatenate([np.array(one) for one in took]), 95)) * 1000,
    )


def _work(url: str, reviewer: str, ready: Barrier, answers: Any) -> None:
    record = open_record(url)
    ready.wait(300)
    took = []
    chance = random.Random(reviewer)
    now = START + dt.timedelta(days=1)
    while True:
        began = time.monotonic()
        claim = queue.claim_next(record, reviewer, now=now)
        claimed = time.monotonic()
        if claim is None:
            break
        time.sleep(chance.expovariate(1 / THINKS_S))
        deciding = time.monotonic()
        decide(record, claim, "accepted", now=now, share=0.0)
        took.append(claimed - began + time.monotonic() - deciding)
    record.close()
    answers.put(took)


def _waiting(number: int) -> dict[str, Any]:
    landed = START + dt.timedelta(seconds=number)
    return {
        "content": f"content-{number}",
        "path": f"/recordings/{number}.mp4",
        "index": 0,
        "format": "video",
        "started_at": landed,
        "worked_on": landed.date(),
        "landed_at": landed,
        "judged_at": landed,
        "duration_s": 30.0,
        "verdict": "suspect",
        "policy": "house@00000000",
        "decision": None,
    }


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """30 reviewers on 10,000 clips with ``full``, else on 600, over SQLite."""
    clips = 10_000 if full else 600
    with tempfile.TemporaryDirectory() as folder:
        tell(f"30 reviewers on {clips} clips ...")
        done = share_queue(f"sqlite:///{Path(folder) / 'record.sqlite'}", clips=clips, reviewers=30)
    yield {
        "name": "review queue, 30 at once",
        "value": round(done.clips / done.seconds),
        "unit": "clips/s",
        "clips": done.clips,
        "decided once": done.decided,
        "twice": done.twice,
        "lost": done.lost,
        "fewest and most by one": f"{min(done.shares)}-{max(done.shares)}",
        "p95 ms": round(done.worst_ms),
    }
