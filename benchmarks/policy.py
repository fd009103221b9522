"""How fast moved limits are answered from the scores of a million episodes.

The made-up operation of the benchmark ``questions``, with scores for every flag, as many near
misses, and 50,000 reviews. Blur's suspect limit is moved (which has a score a step), then limits of
three checks at once with overrides for rigs. *Re-judged* is the answer which verdicts change, in
episodes and hours, which may take 2,000 ms; *all the page asks* adds workers, rigs, the episodes
themselves, and agreement with reviews. Printed are the median and the 95th percentile in ms.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import questions
from benchmarks.questions import Size
from dailies.database import open_record
from dailies.mirror import Mirror
from metrics import policy
from metrics.policy import Limit

SUSPECTS = {"blur": 2.3, "dropped_frames": 1.0, "sync_drift": 70.0, "frozen_picture": 0.5}
FAILS = {"blur": 2.8, "dropped_frames": 5.0, "sync_drift": 150.0, "frozen_picture": 1.0}
BLUR_STEPS = 6


def measure(
    *, full: bool = True, tell: Callable[[str], None] = print, folder: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Each answer's time; of a million episodes if ``full``, else of a tenth of it.

    ``folder`` keeps the record, and uses the one that is there.
    """
    size = Size() if full else Size(episodes=100_000)
    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / f"policy-{size.episodes}.sqlite"
        is_there = path.exists()
        record = open_record(f"sqlite:///{path}")
        if not is_there:
            tell(f"  writing {size.episodes:,} episodes")
            questions.fill(record, history(size))
        tell("  copying them into a mirror")
        mirror = Mirror(record, max_age_s=3600.0)
        yield {
            "name": "scores kept",
            "value": mirror.rows("SELECT count(*) FROM score")[0][0],
            "unit": "rows",
            "episodes": size.episodes,
        }
        for name, (before, after) in moves().items():
            yield from _answers(mirror, name, before, after, size, rounds=7 if full else 5)
        mirror.close()
        record.close()


def moves() -> dict[str, tuple[list[Limit], list[Limit]]]:
    """Limits before and after, by what is moved."""
    house = {name: Limit(name, "higher", SUSPECTS[name], FAILS[name]) for name in SUSPECTS}
    rigs = [
        Limit("blur", "higher", 2.6, None, "rig", f"rig{number:03d}") for number in range(0, 60, 6)
    ]
    many = [house["blur"], house["dropped_frames"], house["sync_drift"]]
    return {
        "blur, suspect": ([house["blur"]], [replace(house["blur"], suspect=2.0)]),
        "blur, fail": ([house["blur"]], [replace(house["blur"], fail=3.5)]),
        "three checks, ten rigs": (
            [*many, *rigs],
            [*(replace(one, suspect=(one.suspect or 0) * 2) for one in many), *rigs],
        ),
    }


def _answers(
    mirror: Mirror, name: str, before: list[Limit], after: list[Limit], size: Size, rounds: int
) -> Iterator[dict[str, Any]]:
    first, whole = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        changes = policy.policy_change(mirror, before, after)
        first.append(time.perf_counter() - start)
        policy.policy_change_by_owner(mirror, before, after)
        policy.policy_changed_episodes(mirror, before, after)
        policy.check_agreement(mirror, before, after)
        whole.append(time.perf_counter() - start)
    for what, seconds in (("re-judged", first), ("all the page asks", whole)):
        ordered = sorted(seconds)
        yield {
            "name": f"{what}, {name}",
            "value": round(ordered[max(0, -(-95 * rounds // 100) - 1)] * 1000, 1),
            "unit": "ms p95",
            "p50": round(ordered[rounds // 2] * 1000, 1),
            "rounds": rounds,
            "episodes": size.episodes,
            "changed": sum(one.episodes for one in changes),
        }


def history(size: Size, seed: int = 1) -> dict[str, pa.Table]:
    """The tables of ``questions.history``, and scores and reviews."""
    rng = np.random.default_rng([seed, 3])
    tables = questions.history(size, seed)
    episode = tables["episode"].append_column("is_scored", pa.array(np.ones(size.episodes, bool)))
    return tables | {
        "episode": episode,
        "score": _scores(tables["flag"], size, rng),
        "review": _reviews(tables["flag"], size, rng),
    }


def _scores(flags: pa.Table, size: Size, rng: np.random.Generator) -> pa.Table:
    """For every flag what made it, and for as many other episodes a near miss."""
    names = np.array(flags["check_name"].to_pylist())
    grades = np.array(flags["grade"].to_pylist())
    near = rng.choice(size.episodes, len(names)) + 1
    episode = np.concatenate((np.array(flags["episode_id"]), near))
    check = np.concatenate((names, rng.permutation(names)))
    suspect = np.array([SUSPECTS.get(name, 1.0) for name in check])
    fail = np.array([FAILS.get(name, 2.0) for name in check])
    part = rng.random(len(check))
    worst = np.where(
        np.concatenate((grades == "fail", np.zeros(len(near), np.bool_))),
        fail * (1 + part),
        suspect + (fail - suspect) * part,
    )
    worst[len(names) :] = suspect[len(names) :] * (0.5 + 0.49 * part[len(names) :])
    # a check that goes by steps has several: each nearer to the worst, and failing a little later
    steps = np.where(check == "blur", BLUR_STEPS, 1)
    row = np.repeat(np.arange(len(check)), steps)
    step = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    upto = worst[row] * (1 - 0.06 * (steps[row] - 1 - step))
    columns: dict[str, Any] = {
        "id": np.arange(1, len(row) + 1),
        "episode_id": episode[row],
        "check_name": pa.array(check[row], pa.string()),
        "grade": pa.array(np.full(len(row), "suspect"), pa.string()),
        "suspect_to": np.round(upto, 4),
        "fail_to": np.round(np.maximum(upto, worst[row] * 0.97), 4),
    }
    return pa.table(columns)


def _reviews(flags: pa.Table, size: Size, rng: np.random.Generator) -> pa.Table:
    """Half of them of flagged clips, nine tenths of which are rejected for the flag's check."""
    count = size.episodes // 20
    at = rng.choice(flags.num_rows, count // 2, replace=False)
    episode = np.concatenate(
        (np.array(flags["episode_id"])[at], rng.choice(size.episodes, count // 2) + 1)
    )
    is_rejected = np.concatenate((rng.random(count // 2) < 0.9, np.zeros(count // 2, np.bool_)))
    reason = np.concatenate(
        (np.array(flags["check_name"].to_pylist())[at], np.full(count // 2, ""))
    )
    when = 1_780_000_000_000_000 + np.arange(2 * (count // 2)) * 1_000_000
    columns: dict[str, Any] = {
        "id": np.arange(1, len(episode) + 1),
        "episode_id": episode,
        "reviewer": pa.array(np.full(len(episode), "qa"), pa.string()),
        "decision": pa.array(np.where(is_rejected, "rejected", "accepted"), pa.string()),
        "reason": pa.array(np.where(is_rejected, reason, ""), pa.string()),
        "policy": pa.array(np.full(len(episode), "house@00000000"), pa.string()),
        "decided_at": pa.array(when, pa.timestamp("us")),
        "kind": pa.array(np.full(len(episode), "first"), pa.string()),
    }
    return pa.table(columns)
