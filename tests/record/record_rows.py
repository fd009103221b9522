"""Plain rows to fill a record with, writers at random, and a mirror compared row by row."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import random
import time
from threading import Barrier
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Table, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dailies.database import Record, open_record
from dailies.record import Episode, Finding, Measurement, Row, Site, Stream, Task

if TYPE_CHECKING:  # writing processes start faster without the mirror
    from dailies.mirror import Mirror

PROCESSES = multiprocessing.get_context("forkserver")  # real ones, that import but once
PROCESSES.set_forkserver_preload(["dailies.database", "dailies.migrations", "dailies.record"])

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def episode(content: str, **other: Any) -> dict[str, Any]:
    """A good episode of 30 s, recorded at noon."""
    return {
        "content": content,
        "path": f"/recordings/{content}.mp4",
        "format": "video",
        "started_at": NOON,
        "worked_on": NOON.date(),
        "landed_at": NOON,
        "judged_at": NOON,
        "duration_s": 30.0,
        "verdict": "good",
        "policy": "house@00000000",
        "decision": "accepted",
    } | other


def flag(episode_id: int) -> dict[str, Any]:
    """A blurred wrist camera."""
    return {
        "episode_id": episode_id,
        "check": "blur",
        "grade": "fail",
        "start_s": 0.0,
        "end_s": 1.5,
        "unit": "1",
        "message": "wrist blurred",
    }


def enter(session: Session, content: str, **other: Any) -> int:
    """An episode with a stream, a measurement and a flag; its id."""
    row = Episode(**episode(content, **other))
    session.add(row)
    session.flush()
    stream = Stream(episode_id=row.id, name="wrist", kind="video", count=900, rate_hz=30.0)
    session.add(stream)
    session.flush()
    session.add(Measurement(stream_id=stream.id, name="sharpness_median", value=0.1))
    session.execute(insert(Finding), [flag(row.id)])
    return row.id


def differing(record: Record, mirror: Mirror) -> dict[str, Any]:
    """By table: rows that only the record has, and rows that only the mirror has."""
    found = {}
    with record.read() as session:
        for table in Row.metadata.sorted_tables:
            told = _told(session, table)
            held = _held(mirror, table)
            if told != held:
                found[table.name] = (
                    [row for row in told if row not in held],
                    [row for row in held if row not in told],
                )
    return found


def _told(session: Session, table: Table) -> list[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name != "change"]
    rows = session.execute(select(*columns)).all()
    return sorted((tuple(map(_naive, row)) for row in rows), key=repr)


def _held(mirror: Mirror, table: Table) -> list[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name != "change"]
    names = ", ".join(f'"{column.name}"' for column in columns)
    rows = mirror.rows(f'SELECT {names} FROM "{table.name}"')
    return sorted(
        (
            tuple(
                json.loads(value) if isinstance(c.type, JSON) and value is not None else value
                for value, c in zip(row, columns, strict=True)
            )
            for row in rows
        ),
        key=repr,
    )


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


def write_at_random(
    url: str, seed: int, rounds: int, writes: int, barrier: Barrier, every: int
) -> None:
    """A writing process: ``writes`` random transactions in each round, then waits for the others.

    ``every`` so many transactions one stays open for a while, so that others overtake it.
    """
    chance = random.Random(seed)
    record = open_record(url)
    for _ in range(rounds):
        for number in range(writes):
            try:
                with record.begin() as session:
                    _write(session, chance)
                    if number % every == 0:
                        time.sleep(0.02)
                    if chance.random() < 0.1:
                        raise _ThinkAgain
            except (_ThinkAgain, SQLAlchemyError):
                pass  # rolled back: by choice, or because another process was in the way
        barrier.wait(150)  # all have written
        barrier.wait(150)  # all was compared
    record.close()


class _ThinkAgain(Exception):
    pass


def _write(session: Session, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        chance.choice(_WRITES)(session, chance)


def _some(session: Session, chance: random.Random, table: str, most: int = 3) -> list[int]:
    ids = session.execute(text(f"SELECT id FROM {table}")).scalars().all()
    return chance.sample(ids, min(len(ids), chance.randint(1, most)))


def _enter_some(session: Session, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        enter(session, f"{chance.getrandbits(64):016x}", steps=["open", "pour"])


def _enter_in_bulk(session: Session, chance: random.Random) -> None:
    rows = [episode(f"{chance.getrandbits(64):016x}", error="") for _ in range(20)]
    session.execute(insert(Episode), rows)


def _enter_under_an_old_id(session: Session, chance: random.Random) -> None:
    gone = (
        session.execute(text("SELECT row_id FROM tombstone WHERE table_name = 'episode'"))
        .scalars()
        .all()
    )
    if gone:
        row_id = int(chance.choice(gone))
        if session.get(Episode, row_id) is None:
            session.execute(insert(Episode), [episode("again", id=row_id)])


def _decide(session: Session, chance: random.Random) -> None:
    ids = _some(session, chance, "episode", 10)
    decision = chance.choice(["accepted", "rejected", None])
    session.execute(update(Episode).where(Episode.id.in_(ids)).values(decision=decision))


def _decide_in_plain_sql(session: Session, chance: random.Random) -> None:
    session.execute(
        text("UPDATE episode SET error = :error, change = 0 WHERE id % 7 = :rest"),
        {"error": chance.choice(["a, \"b\"\n'c'", "", None]), "rest": chance.randrange(7)},
    )


def _rejudge(session: Session, chance: random.Random) -> None:
    for row_id in _some(session, chance, "episode"):
        session.execute(delete(Finding).where(Finding.episode_id == row_id))
        session.execute(insert(Finding), [flag(row_id), flag(row_id)])


def _delete_with_all_that_hangs_on_it(session: Session, chance: random.Random) -> None:
    for row_id in _some(session, chance, "episode"):
        session.delete(session.get_one(Episode, row_id))


def _delete_streams(session: Session, chance: random.Random) -> None:
    ids = _some(session, chance, "stream")
    session.execute(delete(Stream).where(Stream.id.in_(ids)))


def _merge_a_task(session: Session, chance: random.Random) -> None:
    name = f"task-{chance.randrange(6)}"
    session.merge(Task(id=name, name=name, steps=[name], expected_s=chance.random()))


def _rename_a_task(session: Session, chance: random.Random) -> None:
    session.execute(
        text("UPDATE task SET id = :new WHERE id = :old"),
        {"new": f"task-{chance.randrange(6)}", "old": f"task-{chance.randrange(6)}"},
    )


def _drop_a_task(session: Session, chance: random.Random) -> None:
    session.execute(delete(Task).where(Task.id == f"task-{chance.randrange(6)}"))


_WRITES = (
    _enter_some,
    _enter_in_bulk,
    _enter_under_an_old_id,
    _decide,
    _decide_in_plain_sql,
    _rejudge,
    _delete_with_all_that_hangs_on_it,
    _delete_streams,
    _merge_a_task,
    _rename_a_task,
    _drop_a_task,
)


def site(**other: Any) -> Site:
    """A site in Berlin."""
    given = {"id": "b1", "name": "B", "kind": "facility", "zone": "Europe/Berlin"}
    return Site(**given | {"currency": "EUR"} | other)


def open_and_write(url: str, number: int) -> None:
    """A process that opens a record, new or not, and writes one site."""
    opened = open_record(url)
    with opened.begin() as session:
        session.add(site(id=f"site-{number}"))
    opened.close()
