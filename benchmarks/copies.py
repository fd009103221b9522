"""How long it takes to look a clip up among a million, and how much memory the index takes.

The million clips' landmarks are random hashes, made by numpy, of which a tenth crowd a few thousand
poses, as they do where stations are few; the clips that are looked up are a minute long and move.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from quality.landmarks import MOST, ROW, Index, Rows, landmarks
from quality.measures.sketch import CELLS, Sketch
from quality.moves import Moves

LANDMARKS = 16
"""Of each clip: half a minute's."""
POSES = 4_000
KNOWN = 20


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """p50 and p95 of a look-up in ms, and megabytes, with a million clips."""
    clips, looked_up = 1_000_000, 500 if full else 100
    rng = np.random.default_rng(1)
    tell(f"  making the landmarks of {clips:,} clips")
    asked = [_clip(rng) for _ in range(looked_up)]
    index = Index()
    index.add(_landmarks(rng, clips))
    known = range(0, looked_up, looked_up // KNOWN)
    for number in known:
        index.add(landmarks(asked[number], clips + number))
    taken_ms, own_ms, met = [], [], 0
    for number, moves in enumerate(asked):
        start, own_start = time.perf_counter(), time.thread_time()
        found = index.look_up(moves)
        own_ms.append(1000 * (time.thread_time() - own_start))
        taken_ms.append(1000 * (time.perf_counter() - start))
        met += number in known and bool(found) and found[0].clip == clips + number
    yield {
        "name": "copies_look_up",
        "value": round(float(np.quantile(taken_ms, 0.95)), 1),
        "unit": "ms (p95)",
        "p50_ms": round(float(np.median(taken_ms)), 1),
        "processor_p95_ms": round(float(np.quantile(own_ms, 0.95)), 1),
        "clips": clips,
        "landmarks": index.count,
        "looked_up": looked_up,
        "known_found_first": f"{met} of {len(known)}",
    }
    yield {
        "name": "copies_memory",
        "value": round(index.nbytes / 1e6),
        "unit": "MB of index",
        "process_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def _landmarks(rng: np.random.Generator, clips: int) -> Rows:
    rows = np.zeros(clips * LANDMARKS, ROW)
    hashes = rng.integers(0, 1 << 40, len(rows), dtype=np.uint64)
    poses = rng.integers(0, 1 << 40, POSES, dtype=np.uint64)
    usual = rng.random(len(rows)) < 0.1
    hashes[usual] = poses[rng.integers(0, POSES, int(usual.sum()))]
    rows["hash"] = hashes
    rows["clip"] = np.repeat(np.arange(clips), LANDMARKS)
    rows["at"] = np.tile(np.arange(LANDMARKS) * 20, clips)
    return rows


def _clip(rng: np.random.Generator, seconds: int = 2 * MOST) -> Moves:
    """A minute of blots that wander over the cells."""
    count = 10 * seconds
    y, x = np.divmod(np.arange(CELLS), 8)
    seen = np.full((count, CELLS), 90.0)
    for _ in range(4):
        step = np.cumsum(rng.normal(0, 0.25, (count, 2)), axis=0) + rng.uniform(0, 8, 2)
        place = np.abs((step % 16) - 8)
        far = (y - place[:, :1]) ** 2 + (x - place[:, 1:]) ** 2
        seen += rng.uniform(-60, 60) * np.exp(-far / 3)
    times = np.arange(count) * 100_000_000
    cells = np.clip(seen + rng.normal(0, 0.5, seen.shape), 0, 255).astype(np.uint8)
    return Moves.of(Sketch("made", times, cells))
