"""Killing the intake at random instants while recordings land, and counting what came of it.

Run ``python -m benchmarks.torture --minutes 10``. Each round starts with an empty record and an
empty folder; recordings, copies of them and a growing dataset land while one intake, or two at
once, are killed (SIGKILL) and started again. At the end every recording must stand in the record
exactly once, every copy be a duplicate of it, and no landing be left open.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.clips import make_clip
from benchmarks.datasets import add_episode
from dailies.database import open_record
from dailies.record import Episode, Finding, Landing, Stream

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Outcome:
    """One round: how often an intake was killed, and everything that is wrong afterwards."""

    kills: int
    episodes: int
    wrong: tuple[str, ...]


def torture(
    clips: Sequence[Path],
    *,
    kills: int,
    seed: int,
    intakes: int = 1,
    longest_s: float = 3.0,
    record: str | None = None,
) -> Outcome:
    """Let ``clips`` and copies of them land while intakes are killed ``kills`` times.

    ``record`` is the URL of an empty record, None for an SQLite of its own.
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        watched, data = Path(folder) / "recordings", Path(folder) / "data"
        watched.mkdir()
        url = record or f"sqlite:///{data / 'record.sqlite'}"
        landing = [(clip, watched / clip.name) for clip in clips]
        landing += [(clip, watched / f"copy-of-{clip.name}") for clip in clips[::3]]
        rng.shuffle(landing)
        names = [target for _, target in landing]
        running = [_start(watched, data, url) for _ in range(intakes)]
        episodes = 0
        try:
            for kill in range(kills):
                for source, target in _share(landing, kill, kills):
                    shutil.copyfile(source, target)
                if kill % 3 == 0:
                    add_episode(watched / "dataset", episodes, seed=seed * 100)
                    episodes += 1
                time.sleep(rng.uniform(0.05, longest_s))
                victim = rng.randrange(intakes)
                running[victim].kill()
                running[victim].wait()
                running[victim] = _start(watched, data, url)
            wrong = _settle(url, len(names) + episodes)
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
        wrong += _wrong(url, data, names, watched / "dataset", episodes, len(clips))
        return Outcome(kills, len(names) + episodes, tuple(wrong))


def _share(landing: list[tuple[Path, Path]], turn: int, turns: int) -> list[tuple[Path, Path]]:
    return landing[len(landing) * turn // turns : len(landing) * (turn + 1) // turns]


def _start(watched: Path, data: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "jobs.cli", "intake", "--workers", "2"]
    return subprocess.Popen(
        [*command, "--recordings", str(watched), "--data", str(data), "--record", url],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _settle(url: str, expected: int) -> list[str]:
    """Wait until no landing is open; what is wrong where that takes too long."""
    record = open_record(url)
    until = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < until:
            with record.read() as session:
                count = session.scalar(select(func.count()).select_from(Episode)) or 0
                is_open = Landing.state.in_(["waiting", "screening"])
                left = session.scalar(select(func.count()).select_from(Landing).where(is_open))
            if count >= expected and not left:
                return []
            time.sleep(0.2)
        return [f"after {PATIENCE_S:.0f} s {count} of {expected} episodes, {left} landings open"]
    finally:
        record.close()


def _wrong(
    url: str, data: Path, names: Sequence[Path], dataset: Path, episodes: int, contents: int
) -> list[str]:
    """Everything that the record holds and should not, or does not hold and should."""
    record = open_record(url)
    with record.read() as session:
        rows = list(session.scalars(select(Episode)))
        streams = Counter(session.scalars(select(Stream.episode_id)))
        findings = Counter(session.scalars(select(Finding.episode_id)))
    record.close()
    expected = Counter([(str(name), 0) for name in names])
    expected.update((str(dataset), index) for index in range(episodes))
    counted = Counter((row.path, row.index) for row in rows)
    wrong = [f"lost: {place}" for place in expected - counted]
    wrong += [f"entered more than once, or not there: {place}" for place in counted - expected]
    firsts = Counter(row.content for row in rows if row.duplicate_of is None)
    wrong += [f"counted {n} times: {content}" for content, n in firsts.items() if n != 1]
    if len(firsts) != contents + episodes:
        wrong.append(f"{len(firsts)} contents counted, not {contents + episodes}")
    by_id = {row.id: row for row in rows}
    for row in rows:
        if row.duplicate_of is not None and by_id[row.duplicate_of].content != row.content:
            wrong.append(f"{row.path} is said to be a copy of another content")
        if not streams[row.id] and row.error is None:
            wrong.append(f"{row.path} has no streams")
        if row.verdict != "good" and not findings[row.id]:
            wrong.append(f"{row.path} is {row.verdict} without a flag")
        if row.measurements and not (data / row.measurements / "measurements.json").exists():
            wrong.append(f"{row.path} has no measurements at {row.measurements}")
    return wrong


def main() -> int:
    """Rounds for so many minutes; status 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    until = time.monotonic() + 60 * given.minutes
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        clips = [
            make_clip(Path(folder) / f"{n}.mp4", seconds=2 + n, width=320, height=240, seed=n)
            for n in range(9)
        ]
        while time.monotonic() < until:
            outcome = torture(clips, kills=12, seed=seed, intakes=1 + seed % 2, longest_s=6)
            total += outcome.kills
            print(f"seed {seed}: {outcome.kills} kills, {outcome.episodes} episodes,", end=" ")
            print("; ".join(outcome.wrong) or "all there, each once", flush=True)
            if outcome.wrong:
                return 1
            seed += 1
    print(f"{total} kills, nothing lost and nothing counted twice")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
