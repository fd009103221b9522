"""A record from before there was a room for review learns its first decisions."""

from __future__ import annotations

from alembic import command
from sqlalchemy import create_engine, make_url, text

from dailies import migrations
from dailies.database import open_record

OLD_EPISODE = """
INSERT INTO episode (id, content, path, episode_index, format, started_at, worked_on, landed_at,
    judged_at, duration_s, verdict, policy, decision, duplicate_of, is_example)
VALUES (:id, 'c', 'p', 0, 'video', 0, '2026-03-02', 0, 0, 30.0, :verdict, 'house', :decision,
    :copy, :example)"""
OLD_REVIEW = """
INSERT INTO review (episode_id, reviewer, decision, policy, decided_at)
VALUES (:id, 'qa', :decision, 'house', :at)"""


def test_the_first_decision_is_the_machines_else_the_first_review(new_record_url: str) -> None:
    engine = create_engine(make_url(new_record_url))
    with engine.begin() as connection:
        config = migrations.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with engine.begin() as connection:
        for id, verdict, decision, copy in (
            (1, "good", "rejected", None),  # a review overruled the machine
            (2, "suspect", "accepted", None),  # rejected first, then accepted
            (3, "suspect", None, None),
            (4, "good", "rejected", 1),
        ):
            given = {"id": id, "verdict": verdict, "decision": decision, "copy": copy}
            connection.execute(text(OLD_EPISODE), given | {"example": False})
        for id, decision, at in ((1, "rejected", 5), (2, "rejected", 6), (2, "accepted", 7)):
            connection.execute(text(OLD_REVIEW), {"id": id, "decision": decision, "at": at})
    engine.dispose()
    record = open_record(new_record_url, create=False)
    with record.read() as session:
        rows = session.execute(
            text("SELECT id, first_decision, decision, retake_of FROM episode ORDER BY id")
        ).all()
        kinds = session.execute(text("SELECT DISTINCT kind, undone_at FROM review")).all()
    record.close()
    assert [tuple(row) for row in rows] == [
        (1, "accepted", "rejected", None),
        (2, "rejected", "accepted", None),
        (3, None, None, None),
        (4, "rejected", "rejected", None),
    ]
    assert [tuple(kind) for kind in kinds] == [("first", None)]
