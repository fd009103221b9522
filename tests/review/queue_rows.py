"""Clips that wait, and reviewers who take them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import insert, select

from dailies.database import Record
from dailies.record import Episode, Finding, Review

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)


def clip(id: int, verdict: str = "suspect", **other: Any) -> dict[str, Any]:
    """A clip of 30 s that landed ``id`` minutes after noon; suspect ones wait."""
    machine = {"good": "accepted", "fail": "rejected"}.get(verdict)
    landed = NOON + id * MINUTE
    return {
        "id": id,
        "content": f"content-{id}",
        "path": f"/recordings/{id}.mp4",
        "index": 0,
        "format": "video",
        "site_id": "delft",
        "task_id": "egg",
        "worker_id": "ann",
        "rig_id": "r1",
        "started_at": landed - MINUTE,
        "worked_on": NOON.date(),
        "landed_at": landed,
        "judged_at": landed,
        "duration_s": 30.0,
        "verdict": verdict,
        "policy": "house@00000000",
        "decision": machine,
        "decided_at": landed if machine else None,
    } | other


def enter(record: Record, *clips: dict[str, Any]) -> None:
    """Enters clips, each suspect one with a flag for blur."""
    with record.begin() as session:
        session.execute(insert(Episode), list(clips))
        session.add_all(
            Finding(
                episode_id=one["id"],
                check="blur",
                grade=one["verdict"],
                stream="wrist",
                start_s=1.0,
                end_s=2.0,
                unit="1",
                message="wrist blurred",
            )
            for one in clips
            if one["verdict"] in ("suspect", "fail")
        )


def stands(record: Record, id: int) -> tuple[str | None, str | None]:
    """The decision that counts on a clip, and the first that ever did."""
    with record.read() as session:
        return session.execute(
            select(Episode.decision, Episode.first_decision).where(Episode.id == id)
        ).one()  # type: ignore[return-value]


def reviews(record: Record, id: int) -> list[tuple[str, str, str]]:
    """Kind, reviewer and decision of a clip's reviews, oldest first."""
    with record.read() as session:
        rows = session.scalars(select(Review).where(Review.episode_id == id).order_by(Review.id))
        return [(row.kind, row.reviewer, row.decision) for row in rows]
