"""How fast every page's questions are answered with a million episodes in the record.

A made-up operation of 90 days, 400 workers and 60 rigs is written into a new SQLite record, and a
mirror brought up from it. Then every question of every page is asked over the last 28 days, over
all 90, and over the latter cut by task and by rig, and last the mirror follows 1,000 changed
episodes, newest and scattered. Printed are the median and the 95th percentile in ms.
"""

from __future__ import annotations

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import text

from dailies.database import Record, open_record
from dailies.mirror import Mirror
from metrics import Filter, choices, cost, defects, episodes, live, throughput, workers
from metrics.exporter import exposition

FIRST_DAY = dt.date(2026, 1, 5)
SITES = ("lisbon", "warsaw", "manila", "nairobi", "home-1", "home-2")
CURRENCIES = ("EUR", "PLN", "PHP", "KES", "EUR", "EUR")
ZONES = (
    "Europe/Lisbon",
    "Europe/Warsaw",
    "Asia/Manila",
    "Africa/Nairobi",
    "Europe/Lisbon",
    "Europe/Lisbon",
)
RATES = ("9.5000", "31.4000", "95.0000", "240.0000", "12.0000", "12.5000")
TASKS = ("scrub-toilet", "fold-laundry", "scrape-pan", "flip-egg", "open-jar", "load-dishwasher")
CHECKS = (
    "blur",
    "dropped_frames",
    "sync_drift",
    "frozen_picture",
    "black_picture",
    "overexposed",
    "count_mismatch",
    "too_short",
)
PROGRAMS = ("atlas", "hearth", "scullery")
TASKS_A_DAY = 3


@dataclass(frozen=True)
class Size:
    """How big a record to make."""

    episodes: int = 1_000_000
    days: int = 90
    workers: int = 400
    rigs: int = 60


Question = Callable[[], object]


def measure(
    *, full: bool = True, tell: Callable[[str], None] = print, folder: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Every question's time, the worst of them, and the mirror's; a million episodes if ``full``.

    Otherwise a tenth of it. ``folder`` keeps the record, and uses the one that is there.
    """
    size = Size() if full else Size(episodes=100_000)
    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / f"{size.episodes}.sqlite"
        is_there = path.exists()
        record = open_record(f"sqlite:///{path}")
        if not is_there:
            tell(f"  writing {size.episodes:,} episodes")
            fill(record, history(size))
        yield from _asked(record, size, rounds=20 if full else 5, tell=tell)
        record.close()


def fill(record: Record, tables: dict[str, pa.Table]) -> None:
    """Writes the tables into an empty SQLite record, in one transaction.

    The triggers that number changes are set aside meanwhile, and the rows numbered as these would:
    three million rows come in one minute and not in ten.
    """
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    change = 0
    with record.begin() as session:
        connection = session.connection()
        kept = connection.exec_driver_sql(triggers).all()
        for name, _ in kept:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        for name, table in tables.items():
            columns = ", ".join(f'"{column}"' for column in (*table.column_names, "change"))
            marks = ", ".join("?" * (table.num_columns + 1))
            insert = f'INSERT INTO "{name}" ({columns}) VALUES ({marks})'
            for piece in table.to_batches(max_chunksize=20_000):
                numbers = range(change + 1, change + piece.num_rows + 1)
                values = (*(_stored(column) for column in piece.columns), numbers)
                connection.exec_driver_sql(insert, list(zip(*values, strict=True)))
                change += piece.num_rows
        connection.exec_driver_sql("UPDATE change_counter SET change = ?", (change,))
        for _, sql in kept:
            connection.exec_driver_sql(sql)


def _stored(column: pa.Array[Any]) -> list[Any]:
    """The values as the record's SQLite keeps them."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int64())
    return column.to_pylist()


def _asked(
    record: Record, size: Size, *, rounds: int, tell: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    start = time.perf_counter()
    mirror = Mirror(record, max_age_s=3600.0)
    yield _result("mirror_first_copy", [time.perf_counter() - start], size)
    worst: dict[str, Any] = {"value": -1.0}
    tell("  asking every question of every page")
    for name, question in questions(mirror, size):
        question()
        result = _result(f"question {name}", [_seconds(question) for _ in range(rounds)], size)
        worst = max(worst, result, key=lambda one: float(one["value"]))
        yield result
    yield worst | {"name": "slowest question", "question": worst["name"]}
    tell("  following changes")
    for name, scattered in (("newest", False), ("scattered", True)):
        times = [_follow(record, mirror, size, scattered, seed) for seed in range(rounds)]
        yield _result(f"mirror follows 1,000 {name}", times, size)
    mirror.close()


def questions(mirror: Mirror, size: Size) -> Iterator[tuple[str, Question]]:
    """Every question of every page by name, over several filters."""
    last = FIRST_DAY + dt.timedelta(days=size.days - 1)
    now = dt.datetime.combine(last, dt.time(15, 59), dt.UTC)
    for ask in (live.landing_now, live.live_by_site, live.live_by_rig, live.intake_pulse):
        yield ask.__name__, partial(ask, mirror, now=now)
    yield "intake", partial(live.intake, mirror, now=now)
    yield "latest_episodes", partial(live.latest_episodes, mirror)
    yield "options", partial(choices.options, mirror)
    yield "days", partial(choices.days, mirror)
    yield "target_progress", partial(throughput.target_progress, mirror, last)
    yield "exposition", partial(exposition, mirror, "text/plain")
    for of_episode in (
        episodes.episode,
        episodes.episode_streams,
        episodes.episode_measurements,
        episodes.episode_flags,
        episodes.episode_reviews,
    ):
        yield of_episode.__name__, partial(of_episode, mirror, size.episodes - 50)
    month, all_days = last - dt.timedelta(days=27), FIRST_DAY
    for label, filter in {
        "28 days": Filter(month, last),
        "90 days": Filter(all_days, last),
        "90 days, two tasks": Filter(all_days, last, tasks=TASKS[:2]),
        "90 days, a site's rigs": Filter(
            all_days, last, sites=SITES[:1], rigs=("rig000", "rig006")
        ),
    }.items():
        yield f"neighbours, {label}", partial(episodes.neighbours, mirror, size.episodes, filter)
        for of_filter in FILTERED:
            yield f"{of_filter.__name__}, {label}", partial(of_filter, mirror, filter)


FILTERED: tuple[Callable[[Mirror, Filter], object], ...] = (
    throughput.hours_total,
    throughput.hours_by_day,
    throughput.hours_by_site,
    throughput.hours_by_rig,
    throughput.hours_by_task,
    throughput.hours_by_worker,
    workers.worker_yield,
    cost.cost_total,
    cost.cost_by_worker,
    cost.cost_per_accepted_hour_by_site,
    cost.cost_per_accepted_hour_by_task,
    cost.cost_by_day,
    cost.cost_lines,
    defects.quality_tiles,
    defects.defects,
    defects.defects_by_rig,
    defects.camera_lags,
    defects.defects_over_time,
    defects.verdicts_by_day,
    defects.flagged_episodes,
)


def _follow(record: Record, mirror: Mirror, size: Size, scattered: bool, seed: int) -> float:
    """Seconds that the mirror takes to follow 1,000 episodes that reviews have just decided."""
    ids = (
        random.Random(seed).sample(range(1, size.episodes + 1), 1000)
        if scattered
        else range(size.episodes - 999, size.episodes + 1)
    )
    decision = ("accepted", "rejected")[seed % 2]
    with record.begin() as session:
        session.connection().execute(
            text("UPDATE episode SET decision = :decision WHERE id = :id"),
            [{"decision": decision, "id": id} for id in ids],
        )
    start = time.perf_counter()
    refreshed = mirror.refresh()
    assert refreshed.changed["episode"] == 1000, refreshed
    return time.perf_counter() - start


def _seconds(question: Question) -> float:
    start = time.perf_counter()
    question()
    return time.perf_counter() - start


def _result(name: str, seconds: list[float], size: Size) -> dict[str, Any]:
    """A line to print: ``value`` is the 95th percentile."""
    ordered = sorted(seconds)
    p95 = ordered[max(0, -(-95 * len(ordered) // 100) - 1)]
    return {
        "name": name,
        "value": round(p95 * 1000, 1),
        "unit": "ms p95",
        "p50": round(statistics.median(ordered) * 1000, 1),
        "rounds": len(ordered),
        "episodes": size.episodes,
    }


def history(size: Size, seed: int = 1) -> dict[str, pa.Table]:
    """Tables of a made-up operation, with the mirror's columns (but ``change``) and types.

    Per 5 episodes about 1.5 flags; two streams an episode; measurements for the last 5,000.
    """
    rng = np.random.default_rng(seed)
    episode = _episodes(size, rng)
    return _registry(size) | {
        "shift": _shifts(size),
        "episode": episode,
        "flag": _flags(episode, rng),
        "stream": _streams(size),
        "measurement": _measurements(size, rng),
        "landing": _landings(),
    }


def _registry(size: Size) -> dict[str, pa.Table]:
    site = np.arange(len(SITES))
    days = [FIRST_DAY, FIRST_DAY + dt.timedelta(days=size.days // 2)]
    rates = [
        (SITES[s], None, "paid", RATES[s], CURRENCIES[s], day) for s in (0, 1, 4) for day in days
    ] + [
        (SITES[s], task, "accepted", RATES[s], CURRENCIES[s], day)
        for s in (2, 3, 5)
        for task in (None, "flip-egg")
        for day in days
    ]
    sites, tasks, basis, amounts, currencies, starts = zip(*rates, strict=True)
    money = pa.decimal128(18, 4)
    return {
        "site": _table(
            {
                "id": SITES,
                "name": [name.title() for name in SITES],
                "kind": ["facility", "facility", "gig", "facility", "home", "home"],
                "zone": ZONES,
                "currency": CURRENCIES,
                "minimum_wage": pa.nulls(len(SITES), money),
            }
        ),
        "rig": _table(
            {
                "id": _names("rig", np.arange(size.rigs), 3),
                "site_id": pa.array(SITES).take(np.arange(size.rigs) % len(site)),
                "kind": ["bimanual"] * size.rigs,
                "camera_model": ["uvc-720"] * size.rigs,
            }
        ),
        "worker": _table(
            {
                "id": _names("w", np.arange(size.workers), 4),
                "site_id": pa.array(SITES).take(np.arange(size.workers) % len(site)),
                "joined_on": [FIRST_DAY] * size.workers,
            }
        ),
        "task": _table(
            {
                "id": TASKS,
                "name": [task.replace("-", " ") for task in TASKS],
                "steps": ["[]"] * len(TASKS),
                "expected_s": [40.0] * len(TASKS),
            }
        ),
        "program": _table(
            {
                "id": PROGRAMS,
                "customer": ["Example"] * len(PROGRAMS),
                "name": [name.title() for name in PROGRAMS],
            }
        ),
        "target": _table(
            {
                "id": np.arange(1, 7),
                "program_id": [PROGRAMS[i % 3] for i in range(6)],
                "task_id": pa.array([None, None, None, *TASKS[:3]], pa.string()),
                "site_id": pa.array([None] * 6, pa.string()),
                "starts_on": [FIRST_DAY] * 6,
                "ends_on": [FIRST_DAY + dt.timedelta(days=size.days + 10)] * 6,
                "hours": [5000.0, 4000.0, 3000.0, 900.0, 800.0, 700.0],
            }
        ),
        "rate": _table(
            {
                "id": np.arange(1, len(rates) + 1),
                "site_id": sites,
                "task_id": pa.array(tasks, pa.string()),
                "basis": basis,
                "amount": pa.array(amounts).cast(money),
                "currency": currencies,
                "starts_on": starts,
            }
        ),
    }


def _shifts(size: Size) -> pa.Table:
    day, worker = np.divmod(np.arange(size.days * size.workers), size.workers)
    site, rig = worker % len(SITES), _rig_of(worker, day, size)
    start = _micros(day, np.full(len(day), 8 * 3600.0))
    return _table(
        {
            "id": _names("s", np.arange(len(day)), 6),
            "worker_id": _names("w", worker, 4),
            "site_id": pa.array(SITES).take(site),
            "rig_id": _names("rig", rig, 3),
            "started_at": start,
            "ended_at": _micros(day, np.full(len(day), 16 * 3600.0)),
            "worked_on": _dates(day),
            "paid_s": np.full(len(day), 7.5 * 3600),
        }
    )


def _episodes(size: Size, rng: np.random.Generator) -> pa.Table:
    n = size.episodes
    order = np.arange(n)
    day = order * size.days // n
    worker = rng.integers(0, size.workers, n)
    site, rig = worker % len(SITES), _rig_of(worker, day, size)
    task = (worker + day + rng.integers(0, TASKS_A_DAY, n)) % len(TASKS)
    second = 8 * 3600 + 8 * 3600 * ((order * size.days) % n) / n
    duration = np.round(np.where(site == 2, rng.uniform(60, 360, n), rng.uniform(10, 60, n)), 3)
    verdict = rng.choice(4, n, p=[0.80, 0.02, 0.08, 0.10])
    waits = (verdict == 1) | ((verdict == 2) & (rng.random(n) < 0.3))
    decision = np.where(waits, 2, np.where(verdict == 3, 1, 0))
    duplicate = rng.random(n) < 0.002
    broken = rng.random(n) < 0.003
    error = np.where(broken, "stream ends early: copy it again", "")
    text = pa.string()
    return _table(
        {
            "id": order + 1,
            "content": _names("c", order, 12),
            "path": _names("rec/", order, 7),
            "episode_index": np.zeros(n, np.int64),
            "format": _named(("lerobot-v2.1",), np.zeros(n, np.int64)),
            "program_id": _named(PROGRAMS, task % len(PROGRAMS)),
            "task_id": _named(TASKS, task),
            "worker_id": _names("w", worker, 4),
            "site_id": _named(SITES, site),
            "rig_id": _names("rig", rig, 3),
            "shift_id": _names("s", day * size.workers + worker, 6),
            "started_at": _micros(day, second),
            "worked_on": _dates(day),
            "landed_at": _micros(day, second + 120),
            "judged_at": _micros(day, second + 120 + rng.uniform(1, 6, n)),
            "duration_s": duration,
            "verdict": _named(("good", "unknown", "suspect", "fail"), verdict),
            "policy": _named(("house@12345678",), np.zeros(n, np.int64)),
            "decision": _named(("accepted", "rejected", None), decision),
            "decided_at": _micros(day, second + 130),
            "duplicate_of": pa.array(np.maximum(order, 1), mask=~duplicate),
            "error": pa.array(error, text, mask=~broken),
            "steps": pa.nulls(n, text),
            "measurements": _names("m/", order, 12),
            "is_example": np.zeros(n, bool),
        }
    )


def _flags(episode: pa.Table, rng: np.random.Generator) -> pa.Table:
    verdict = episode["verdict"].to_numpy(zero_copy_only=False)
    bad = np.flatnonzero(verdict != "good")
    at = np.sort(np.concatenate([bad, rng.choice(bad, len(bad) // 2)]))
    n = len(at)
    grade = pa.array(verdict[at], pa.string())
    check = rng.choice(len(CHECKS), n, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])
    start = np.round(rng.uniform(0, 8, n), 3)
    return _table(
        {
            "id": np.arange(1, n + 1),
            "episode_id": at + 1,
            "check_name": _named(CHECKS, check),
            "grade": grade,
            "stream": _named(("observation.images.wrist",), np.zeros(n, np.int64)),
            "start_s": start,
            "end_s": start + 2.0,
            "measured": np.round(rng.uniform(2, 8, n), 2),
            "limit_value": np.full(n, 2.0),
            "unit": _named(("s",), np.zeros(n, np.int64)),
            "message": _named(("wrist camera frozen 4.2 s: reseat the cable",), np.zeros(n, int)),
        }
    )


def _streams(size: Size) -> pa.Table:
    n = 2 * size.episodes
    which = np.arange(n) % 2
    return _table(
        {
            "id": np.arange(1, n + 1),
            "episode_id": np.arange(n) // 2 + 1,
            "name": _named(("observation.images.wrist", "observation.state"), which),
            "kind": _named(("video", "series"), which),
            "sample_count": np.full(n, 900),
            "rate_hz": np.full(n, 30.0),
            "file": _named(("videos/wrist.mp4", None), which),
            "file_start_s": pa.array(np.zeros(n), mask=which == 1),
            "file_end_s": pa.array(np.full(n, 30.0), mask=which == 1),
            "late_ms": pa.array(np.arange(n) % 97 - 48.0, mask=which == 1),
        }
    )


def _measurements(size: Size, rng: np.random.Generator) -> pa.Table:
    names = ("rate_hz", "gap_max_s", "black_share", "sharpness_median", "offset_ms")
    streams = min(10_000, 2 * size.episodes)
    n = streams * len(names)
    stream = 2 * size.episodes - streams + np.arange(n) // len(names) + 1
    return _table(
        {
            "id": np.arange(1, n + 1),
            "stream_id": stream,
            "name": _named(names, np.arange(n) % len(names)),
            "value": np.round(rng.uniform(0, 30, n), 3),
        }
    )


def _landings() -> pa.Table:
    n = 40
    states = ("waiting", "screening", "failed", "done")
    when = _micros(np.full(n, 89), 57_000 + np.arange(n, dtype=float))
    text = pa.string()
    return _table(
        {
            "id": np.arange(1, n + 1),
            "path": _names("in/", np.arange(n), 4),
            "fingerprint": pa.nulls(n, text),
            "state": _named(states, np.arange(n) % 4),
            "seen_at": when,
            "landed_at": when,
            "done_at": pa.nulls(n, pa.timestamp("us")),
            "claimed_by": pa.nulls(n, text),
            "claimed_at": pa.nulls(n, pa.timestamp("us")),
            "error": pa.nulls(n, text),
        }
    )


def _rig_of(
    worker: npt.NDArray[np.int64], day: npt.NDArray[np.int64], size: Size
) -> npt.NDArray[np.int64]:
    """A rig of the worker's own site, another one each day."""
    here = size.rigs // len(SITES)
    return worker % len(SITES) + len(SITES) * ((worker // len(SITES) + day) % here)


def _table(columns: dict[str, Any]) -> pa.Table:
    """Columns of numpy, Arrow or plain lists, all of one length."""
    return pa.table(columns)


def _named(names: tuple[str | None, ...], index: npt.NDArray[np.int64]) -> pa.Array[Any]:
    return pa.array(names, pa.string()).take(index)


def _names(prefix: str, number: npt.NDArray[np.int64], digits: int) -> pa.Array[Any]:
    return pa.array(np.char.add(prefix, np.char.zfill(number.astype(str), digits)))


def _micros(day: npt.NDArray[np.int64], second: npt.NDArray[np.float64]) -> pa.Array[Any]:
    start = (FIRST_DAY - dt.date(1970, 1, 1)).days * 86_400_000_000
    micros = start + day * 86_400_000_000 + np.round(second * 1e6).astype(np.int64)
    return pa.array(micros, pa.timestamp("us"))


def _dates(day: npt.NDArray[np.int64]) -> pa.Array[Any]:
    days = (FIRST_DAY - dt.date(1970, 1, 1)).days + day
    return pa.array(days.astype(np.int32)).cast(pa.date32())
