"""A small operation by hand: two sites, three workers, two days, every case that counts.

| id | worker | rig | task | day   | length | verdict | decision |                     |
|----|--------|-----|------|-------|--------|---------|----------|---------------------|
| 1  | ann    | r1  | egg  | 2 Mar | 1 h    | good    | accepted |                     |
| 2  | ann    | r1  | pan  | 2 Mar | 30 min | fail    | rejected | blur fail, frozen   |
| 3  | ann    | r1  | egg  | 2 Mar | 1 h    | good    | rejected | the same as 1       |
| 4  | bo     | r2  | egg  | 3 Mar | 2 h    | suspect | waits    | blur suspect        |
| 5  | bo     | r2  | egg  | 3 Mar | 30 min | fail    | rejected | file cut short      |
| 6  | chi    | r3  | egg  | 2 Mar | 1 h    | good    | accepted |                     |
| 7  | chi    | r3  | pan  | 3 Mar | 20 min | good    | accepted |                     |

Paid: ann 4 h on the 2nd and, with nothing recorded, 2 h on the 3rd; bo 3 h + 1 h on the 3rd; chi
8 h on the 2nd. Delft pays 15 EUR an hour on shift, 16 from the 3rd. Kobe pays 1,000 JPY an accepted
hour, 1,500 for the egg.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from dailies.record import (
    Episode,
    Finding,
    Landing,
    Measurement,
    Program,
    Rate,
    Review,
    Rig,
    Shift,
    Site,
    Stream,
    Target,
    Task,
    Worker,
)

FIRST, SECOND = dt.date(2026, 3, 2), dt.date(2026, 3, 3)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
NOON_NAIVE = NOON.replace(tzinfo=None)
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


def fill(session: Session) -> None:
    """Enters the operation."""
    session.add_all(
        [
            Site(
                id="delft", name="Delft", kind="facility", zone="Europe/Amsterdam", currency="EUR"
            ),
            Site(id="kobe", name="Kobe", kind="gig", zone="Asia/Tokyo", currency="JPY"),
            Task(id="egg", name="flip an egg", steps=["crack", "flip"], expected_s=60.0),
            Task(id="pan", name="scrape a pan", steps=[], expected_s=None),
            Program(id="atlas", customer="Acme", name="Atlas"),
        ]
    )
    session.flush()
    session.add_all(
        [
            Rig(id="r1", site_id="delft", kind="bimanual", camera_model="c920"),
            Rig(id="r2", site_id="delft", kind="bimanual"),
            Rig(id="r3", site_id="kobe", kind="head"),
            Worker(id="ann", site_id="delft"),
            Worker(id="bo", site_id="delft"),
            Worker(id="chi", site_id="kobe"),
            Target(program_id="atlas", starts_on=FIRST, ends_on=FIRST + 9 * DAY, hours=10.0),
            rate("delft", "paid", "15", "EUR", FIRST - DAY),
            rate("delft", "paid", "16", "EUR", SECOND),
            rate("kobe", "accepted", "1000", "JPY", FIRST - DAY),
            rate("kobe", "accepted", "1500", "JPY", FIRST, task_id="egg"),
        ]
    )
    session.flush()
    session.add_all(
        [
            shift("s1", "ann", "delft", "r1", FIRST, 4),
            shift("s2", "ann", "delft", "r1", SECOND, 2),
            shift("s3", "bo", "delft", "r2", SECOND, 3),
            shift("s4", "bo", "delft", "r2", SECOND, 1),
            shift("s5", "chi", "kobe", "r3", FIRST, 8),
        ]
    )
    session.add_all(
        [
            episode(1, "ann", "r1", "egg", FIRST, 60, "good", "accepted"),
            episode(2, "ann", "r1", "pan", FIRST, 30, "fail", "rejected"),
            episode(3, "ann", "r1", "egg", FIRST, 60, "good", "rejected", duplicate_of=1),
            episode(4, "bo", "r2", "egg", SECOND, 120, "suspect", None),
            episode(5, "bo", "r2", "egg", SECOND, 30, "fail", "rejected", error="cut short"),
            episode(6, "chi", "r3", "egg", FIRST, 60, "good", "accepted"),
            episode(7, "chi", "r3", "pan", SECOND, 20, "good", "accepted"),
        ]
    )
    session.flush()
    session.add_all(
        [
            flag(2, "blur", "suspect", 5.0),
            flag(2, "frozen_picture", "suspect", 1.0),
            flag(2, "blur", "fail", 9.0),
            flag(4, "blur", "suspect", 2.0),
            flag(5, "corrupt_stream", "fail", 0.0),
        ]
    )
    wrist = Stream(
        episode_id=2, name="wrist", kind="video", count=54_000, rate_hz=30.0, file="w.mp4"
    )
    joints = Stream(episode_id=2, name="joints", kind="series", count=90_000, rate_hz=50.0)
    session.add_all([joints, wrist])
    session.flush()
    session.add_all(
        [
            Measurement(stream_id=wrist.id, name="sharpness_median", value=0.25),
            Measurement(stream_id=wrist.id, name="offset_ms", value=None),
            Review(
                episode_id=2,
                reviewer="qa-1",
                decision="rejected",
                reason="blur",
                policy="house@00000000",
                decided_at=NOON + MINUTE,
            ),
            landing("a.mp4", "waiting", 5),
            landing("b.mp4", "screening", 3),
            landing("c.mp4", "failed", 9, error="no video in it"),
            landing("d.mp4", "done", 9),
        ]
    )


def rate(site: str, basis: str, amount: str, currency: str, on: dt.date, **other: Any) -> Rate:
    """A rate of a site from a day on."""
    return Rate(
        site_id=site, basis=basis, amount=Decimal(amount), currency=currency, starts_on=on, **other
    )


def shift(id: str, worker: str, site: str, rig: str, on: dt.date, hours: float) -> Shift:
    """Paid hours of a day."""
    start = dt.datetime.combine(on, dt.time(8), dt.UTC)
    return Shift(
        id=id,
        worker_id=worker,
        site_id=site,
        rig_id=rig,
        started_at=start,
        ended_at=start + dt.timedelta(hours=hours),
        worked_on=on,
        paid_s=hours * 3600,
    )


def episode(
    id: int,
    worker: str | None,
    rig: str | None,
    task: str | None,
    on: dt.date,
    minutes: float,
    verdict: str,
    decision: str | None,
    **other: Any,
) -> Episode:
    """An episode at noon plus ``id`` minutes; landed an hour later, judged ``id`` s after that."""
    start = dt.datetime.combine(on, dt.time(12), dt.UTC) + id * MINUTE
    landed = start + 60 * MINUTE
    fields: dict[str, Any] = {
        "id": id,
        "content": f"content-{id}",
        "path": f"/rec/{id}.mp4",
        "format": "video",
        "program_id": "atlas",
        "task_id": task,
        "worker_id": worker,
        "site_id": "kobe" if worker == "chi" else "delft",
        "rig_id": rig,
        "started_at": start,
        "worked_on": on,
        "landed_at": landed,
        "judged_at": landed + dt.timedelta(seconds=id),
        "duration_s": minutes * 60.0,
        "verdict": verdict,
        "policy": "house@00000000",
        "decision": decision,
    }
    return Episode(**(fields | other))


def flag(episode_id: int, check: str, grade: str, start_s: float) -> Finding:
    """A flag of a second's length on the wrist camera."""
    return Finding(
        episode_id=episode_id,
        check=check,
        grade=grade,
        stream="wrist",
        start_s=start_s,
        end_s=start_s + 1,
        measured=4.2,
        limit=2.0,
        unit="s",
        message=f"{check}: {grade}",
    )


def landing(path: str, state: str, minutes_ago: int, error: str | None = None) -> Landing:
    """A path seen some minutes before noon of the first day."""
    return Landing(path=path, state=state, seen_at=NOON - minutes_ago * MINUTE, error=error)
