"""Ninety invented days, written into the record."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Table, func, insert, select, text

from dailies import record as tables
from dailies.database import Record
from jobs.example.catalogue import (
    BAD_DAYS,
    BAD_RIG,
    CHORES,
    LATE_RIG,
    PACE,
    PLACES,
    PROGRAMS,
    RATES,
    RESUBMITTER,
    program_of,
    rig_ids,
    worker_ids,
)
from jobs.example.episodes import Floats, Takes, record_takes
from jobs.example.findings import (
    GRADES,
    MEASUREMENT_COLUMNS,
    SCORE_COLUMNS,
    STREAM_COLUMNS,
    Found,
    error_of,
    find_flags,
    measurement_rows,
    score_rows,
    stream_rows,
    wrist_lags,
)
from jobs.example.manifest import History
from jobs.example.reviewing import TABLES, Reviewed, review_takes, rows_of
from jobs.example.shifts import Stint, days_up_to, joined_on, plan_shifts

BATCH = 20_000
LANDINGS_DAYS = 3

T = TypeVar("T")
Progress = Callable[[str, int, int], None]


def build_history(
    record: Record,
    *,
    seed: int,
    scale: float = 1.0,
    policy: str = "example",
    now: dt.datetime | None = None,
    progress: Progress | None = None,
) -> History:
    """Write sites, people, rigs, targets, rates, shifts and judged episodes up to ``now``.

    One transaction: it is all there or not at all. ``policy`` is the id under which the history's
    verdicts are said to stand.
    """
    now = now or dt.datetime.now(dt.UTC)
    rng = np.random.default_rng(seed)
    stints, night = plan_shifts(rng, now, scale)
    takes = record_takes(rng, stints, now)
    found = find_flags(rng, takes)
    # all but the reviews is drawn before the transaction begins, which holds the record up
    with record.begin() as session:
        connection = session.connection()
        _make_room(connection)
        first = _next_id(connection, tables.Episode)
        reviewed = review_takes(
            np.random.default_rng([seed, 4]),
            stints,
            takes,
            found,
            policy=policy,
            first=first,
            next_ids={table: _next_id(connection, table) for table in TABLES},
            now_us=_micros(now),
        )
        takes = reviewed.takes
        _write_places(connection, now)
        _write_plan(connection, stints, takes, now)
        _write(connection, tables.Shift, map(_shift_row, stints))
        contents = [f"{seed:08x}{value}" for value in _hashes(rng, len(takes))]
        rows = _episode_rows(stints, reviewed, found, contents, policy, first)
        late = np.array([one.rig == LATE_RIG for one in stints])[takes.shift]
        lags_ms = wrist_lags(np.random.default_rng([seed, 6]), takes, late)
        total = _row_count(takes, found, reviewed, lags_ms)
        tally = _Tally("writing the history", total, progress)
        _write(connection, tables.Episode, tally.over(rows))
        _write(connection, tables.Finding, tally.over(_flag_row(flag, first) for flag in found))
        near = score_rows(np.random.default_rng([seed, 5]), takes, found, first)
        _pour(connection, tables.Score, SCORE_COLUMNS, near)
        for kind, made in rows_of(reviewed):
            _write(connection, kind, tally.over(made))
        stream = _next_id(connection, tables.Stream)
        streams = tally.over(stream_rows(takes, lags_ms, first, stream))
        _pour(connection, tables.Stream, STREAM_COLUMNS, streams)
        numbers = tally.over(measurement_rows(rng, takes, lags_ms, stream))
        _pour(connection, tables.Measurement, MEASUREMENT_COLUMNS, numbers)
        _write(connection, tables.Landing, _landing_rows(stints, takes, contents, now))
        numbered: tuple[type[tables.Row], ...] = (tables.Episode, tables.Stream, *TABLES)
        for table in numbered:
            _advance_sequence(connection, table)
    return _summary(stints, takes, night, now)


def _make_room(connection: Connection) -> None:
    """Lets SQLite keep the changed pages of this one large transaction in memory."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -262144")


def _write_places(connection: Connection, now: dt.datetime) -> None:
    """Sites, rigs, workers, tasks and programs."""
    workers = worker_ids()
    _write(
        connection,
        tables.Site,
        (
            {
                "id": place.id,
                "name": place.name,
                "kind": place.kind,
                "zone": place.zone,
                "currency": place.currency,
                "minimum_wage": Decimal(place.minimum_wage),
            }
            for place in PLACES
        ),
    )
    _write(
        connection,
        tables.Rig,
        (
            {
                "id": rig,
                "site_id": place.id,
                "kind": kind,
                "camera_model": _camera(place.kind, kind),
            }
            for place in PLACES
            for rig, kind in rig_ids(place)
        ),
    )
    _write(
        connection,
        tables.Worker,
        (
            {"id": worker, "site_id": place.id, "joined_on": day}
            for place in PLACES
            for worker, day in zip(workers[place.id], joined_on(place, now), strict=True)
        ),
    )
    _write(
        connection,
        tables.Task,
        (
            {
                "id": chore.id,
                "name": chore.name,
                "steps": list(chore.steps),
                "expected_s": chore.expected_s,
            }
            for chore in CHORES
        ),
    )
    _write(
        connection,
        tables.Program,
        ({"id": one, "customer": customer, "name": name} for one, customer, name in PROGRAMS),
    )


def _camera(site_kind: str, rig_kind: str) -> str:
    if site_kind == "gig":
        return "Example phone"
    return "Example stereo pair" if rig_kind == "robot" else "Example head camera"


def _write_plan(
    connection: Connection, stints: list[Stint], takes: Takes, now: dt.datetime
) -> None:
    """Dated rates, which change once in the window, and targets beside what was accepted."""
    changed_on = _rate_change(now)
    before = now.date() - dt.timedelta(days=400)
    currencies = {place.id: place.currency for place in PLACES}
    _write(
        connection,
        tables.Rate,
        (
            {
                "site_id": site,
                "task_id": task,
                "basis": basis,
                "amount": Decimal(amount),
                "currency": currencies[site],
                "starts_on": day,
            }
            for site, task, basis, old, new in RATES
            for amount, day in ((old, before), (new, changed_on))
        ),
    )
    starts = now.date() - dt.timedelta(days=89)
    ends = now.date() + dt.timedelta(days=30)
    accepted = _accepted_hours(stints, takes)
    _write(
        connection,
        tables.Target,
        (
            {
                "program_id": program,
                "task_id": task,
                "site_id": None,
                "starts_on": starts,
                "ends_on": ends,
                "hours": _target(accepted, program, task) * pace,
            }
            for (program, task), pace in PACE.items()
        ),
    )


def _rate_change(now: dt.datetime) -> dt.date:
    """The first of a month, in the middle of the window or a little before."""
    return (now.date() - dt.timedelta(days=35)).replace(day=1)


def _accepted_hours(stints: list[Stint], takes: Takes) -> dict[tuple[str, str], float]:
    hours: dict[tuple[str, str], float] = {}
    sums = np.zeros((len(PLACES), len(CHORES)))
    place = np.array([PLACES.index(stint.place) for stint in stints])[takes.shift]
    took = np.where(takes.decision == 1, takes.duration_s / 3600.0, 0.0)
    np.add.at(sums, (place, takes.chore), took)
    for (p, c), value in np.ndenumerate(sums):
        key = program_of(PLACES[p].id, CHORES[c]), CHORES[c].id
        hours[key] = hours.get(key, 0.0) + float(value)
    return hours


def _target(accepted: dict[tuple[str, str], float], program: str, task: str | None) -> float:
    """The hours to which the pace so far would lead by the end of the target's 120 days."""
    so_far = sum(h for (p, t), h in accepted.items() if p == program and task in (t, None))
    return round(so_far * 120 / 90, 1)


def _shift_row(stint: Stint) -> dict[str, Any]:
    return {
        "id": stint.id,
        "worker_id": stint.worker,
        "site_id": stint.place.id,
        "rig_id": stint.rig,
        "started_at": stint.started_at,
        "ended_at": stint.ended_at,
        "worked_on": stint.worked_on,
        "paid_s": stint.paid_s,
    }


def _episode_rows(
    stints: list[Stint],
    reviewed: Reviewed,
    found: list[Found],
    contents: list[str],
    policy: str,
    first: int,
) -> Iterator[dict[str, Any]]:
    takes = reviewed.takes
    errors = {flag.episode: error for flag in found if (error := error_of(flag))}
    decisions = {1: "accepted", 0: "rejected", -1: None}
    columns = zip(
        takes.shift.tolist(),
        takes.chore.tolist(),
        takes.robot.tolist(),
        takes.started_us.tolist(),
        takes.duration_s.tolist(),
        takes.landed_us.tolist(),
        takes.judged_us.tolist(),
        takes.decided_us.tolist(),
        takes.verdict.tolist(),
        takes.decision.tolist(),
        takes.original.tolist(),
        reviewed.first.tolist(),
        strict=True,
    )
    for at, row in enumerate(columns):
        shift, chore, robot, started, duration, landed, judged, decided = row[:8]
        verdict, decision, original, begun = row[8:]
        stint = stints[shift]
        yield {
            "id": first + at,
            "content": contents[original if original >= 0 else at],
            "path": _path(stint, at),
            "episode_index": 0,
            "format": "folder" if robot else "video",
            "program_id": program_of(stint.place.id, CHORES[chore]),
            "task_id": CHORES[chore].id,
            "worker_id": stint.worker,
            "site_id": stint.place.id,
            "rig_id": stint.rig,
            "shift_id": stint.id,
            "started_at": _instant(started),
            "worked_on": stint.worked_on,
            "landed_at": _instant(landed),
            "judged_at": _instant(judged),
            "duration_s": duration,
            "verdict": GRADES[verdict],
            "policy": policy,
            "decision": decisions[decision],
            "decided_at": _instant(decided) if decided >= 0 else None,
            "first_decision": decisions[begun],
            "duplicate_of": first + original if original >= 0 else None,
            "retake_of": first + reviewed.retake_of[at] if at in reviewed.retake_of else None,
            "error": errors.get(at),
            "steps": None,
            "measurements": None,
            "is_example": True,
            "is_scored": True,
        }


def _path(stint: Stint, at: int) -> str:
    """Where it is said to have lain: the history has no files, and the path says so."""
    return f"example-history/{stint.place.id}/{stint.worked_on}/{stint.rig}/take-{at:06d}"


def _flag_row(flag: Found, first: int) -> dict[str, Any]:
    return {
        "episode_id": first + flag.episode,
        "check_name": flag.check,
        "grade": flag.grade,
        "stream": flag.stream,
        "start_s": flag.start_s,
        "end_s": flag.end_s,
        "measured": flag.measured,
        "limit_value": flag.limit,
        "unit": flag.unit,
        "message": flag.message,
    }


def _landing_rows(
    stints: list[Stint], takes: Takes, contents: list[str], now: dt.datetime
) -> Iterator[dict[str, Any]]:
    """What the intake saw in the last days, all of it done."""
    since = _micros(now - dt.timedelta(days=LANDINGS_DAYS))
    for at in np.flatnonzero(takes.landed_us > since).tolist():
        original = int(takes.original[at])
        landed = int(takes.landed_us[at])
        yield {
            "path": _path(stints[int(takes.shift[at])], at),
            "fingerprint": contents[original if original >= 0 else at],
            "state": "done",
            "seen_at": _instant(landed - 2_000_000),
            "landed_at": _instant(landed),
            "done_at": _instant(int(takes.judged_us[at])),
            "claimed_by": None,
            "claimed_at": None,
            "error": None,
        }


def _summary(stints: list[Stint], takes: Takes, night: Stint | None, now: dt.datetime) -> History:
    days = days_up_to(now, "UTC")
    return History(
        episodes=len(takes),
        shifts=len(stints),
        workers=sum(place.workers for place in PLACES),
        rigs=sum(len(rig_ids(place)) for place in PLACES),
        first_on=str(days[0]),
        last_on=str(days[-1]),
        bad_rig=BAD_RIG,
        bad_from_on=str(days[-1] - dt.timedelta(days=BAD_DAYS)),
        resubmitting_worker=RESUBMITTER,
        duplicates=int((takes.original >= 0).sum()),
        night_shift=night.id if night else None,
        night_shift_zone=night.place.zone if night else None,
        night_shift_s=night.paid_s if night else None,
    )


class _Tally:
    """Counts rows on their way into the record and tells how far it has come."""

    def __init__(self, what: str, total: int, progress: Progress | None) -> None:
        self.what, self.total, self.progress, self.done = what, total, progress, 0

    def over(self, rows: Iterable[T]) -> Iterator[T]:
        """The same rows."""
        for row in rows:
            self.done += 1
            if self.progress and (self.done % BATCH == 0 or self.done == self.total):
                self.progress(self.what, self.done, self.total)
            yield row


def _row_count(takes: Takes, found: list[Found], reviewed: Reviewed, lags_ms: Floats) -> int:
    robots, told = int(takes.robot.sum()), int(np.isfinite(lags_ms).sum())
    people = len(takes) - robots
    streams, measurements = 3 * robots + people, 5 * robots + told + 3 * people
    reviews = sum(len(made) for made in reviewed.rows.values())
    return len(takes) + len(found) + reviews + streams + measurements


def _write(connection: Connection, table: type[tables.Row], rows: Iterable[dict[str, Any]]) -> None:
    """Inserts rows in bulk, a batch at a time."""
    into = _table(table)
    pending = iter(rows)
    while batch := list(itertools.islice(pending, BATCH)):
        connection.execute(insert(into), batch)


def _pour(
    connection: Connection,
    table: type[tables.Row],
    columns: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Inserts rows of plain numbers and text as the driver takes them: twice as fast."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    into = f"INSERT INTO {_table(table).name} ({', '.join(columns)})"
    statement = f"{into} VALUES ({', '.join([mark] * len(columns))})"
    pending = iter(rows)
    while batch := list(itertools.islice(pending, BATCH)):
        connection.exec_driver_sql(statement, batch)


def _table(table: type[tables.Row]) -> Table:
    found = table.__table__
    assert isinstance(found, Table)  # every row class of the record is a table
    return found


def _next_id(connection: Connection, table: type[tables.Row]) -> int:
    highest: int | None = connection.execute(select(func.max(_table(table).c.id))).scalar_one()
    return (highest or 0) + 1


def _advance_sequence(connection: Connection, table: type[tables.Row]) -> None:
    """PostgreSQL's sequences do not notice ids that were given: tell them."""
    if connection.dialect.name == "postgresql":
        name = _table(table).name
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")
        )


def _hashes(rng: np.random.Generator, count: int) -> list[str]:
    raw = rng.bytes(16 * count)
    return [raw[at : at + 16].hex() for at in range(0, len(raw), 16)]


def _instant(us: int) -> dt.datetime:
    return tables.EPOCH + us * tables.MICROSECOND


def _micros(instant: dt.datetime) -> int:
    return (instant - tables.EPOCH) // tables.MICROSECOND
