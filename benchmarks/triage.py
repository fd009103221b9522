"""Triage: how much faster than decoding it is, and how much it sees of what full screening finds.

Speed is a ratio to bare decoding of the same file with the same threads, rounds of the two in turn.
Recall is of the defects of ``planted`` that full screening finds: a triage finds one where any of
its flags meets the planted span, and names it where a flag of the right check does. The clips are
encoded with a key picture every 250 pictures at most, as encoders do unless told, and every 30, as
cameras do. Their speed is given too: a clip of ten seconds with a defect of two is not what triage
is quick at, for what looks odd is decoded.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import planted
from benchmarks.clips import make_clip
from benchmarks.screening import decode
from dailies.recordings import episodes_at
from dailies.words import Flag
from jobs.screening import screen, triage_episode
from quality.policy import Policy

ROUNDS = 3
SECONDS = 60
GROUPS = (250, 30)
LEFT_OUT = ("flicker", "repeats", "drops_hidden")
"""Kinds that a triage says it does not look for."""


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Ratios of speed, then of recall; with the sample videos and of all clips if ``full``, else of
    two clips."""
    policy = Policy.load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for group in GROUPS:
            tell(f"  encoding {SECONDS} s of 720p, a key picture every {group}")
            clip = folder / f"720p-{group}.mp4"
            make_clip(clip, seconds=SECONDS, width=1280, height=720, group=group)
            for threads in (1, 0) if full else (0,):
                named = f"triage_720p_group_{group}_{threads or 'auto'}_threads"
                yield _speed(named, [clip], threads, policy)
        samples = _samples() if full else []
        if samples:
            yield _speed("triage_samples", samples, 0, policy)
        clips = planted._clips(folder, full=full)
        clips = clips if full else clips[:2]
        for group in GROUPS:
            tell(f"  planting into {len(clips)} clips, a key picture every {group}")
            yield from _recall(clips, group, folder, policy)


def _samples() -> list[Path]:
    """The sample videos of robots, one file an episode, and those of cameras that are there."""
    here = Path(__file__).resolve().parents[1]
    samples = Path(os.environ.get("DAILIES_SAMPLES", here.parent / "shared" / "samples"))
    parts = ("videos", "gopro", "lerobot_unitree_g1_v2.1", "lerobot_dobot_cr5_v2.1")
    return [file for part in parts for file in sorted((samples / part).rglob("*.m[pk][4v]"))]


def _speed(name: str, files: list[Path], threads: int, policy: Policy) -> dict[str, Any]:
    looked = [_triage(file, policy, threads)[1] for file in files]
    frames = sum(decode(file, threads) for file in files)
    rounds = [
        (
            _timed(lambda: [decode(file, threads) for file in files]),
            _timed(lambda: [_triage(file, policy, threads) for file in files]),
        )
        for _ in range(ROUNDS)
    ]
    decoded_s, triaged_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "name": name,
        "ratio": round(decoded_s / triaged_s, 1),
        "unit": "times as fast as bare decoding",
        "files": len(files),
        "pictures": frames,
        "looked_at": sum(looked),
        "rounds": ROUNDS,
    }


def _triage(file: Path, policy: Policy, threads: int = 0) -> tuple[list[Flag], int]:
    """Flags of a triage, and at how many pictures it looked."""
    flags: list[Flag] = []
    looked = 0
    for episode in episodes_at(file):
        screened = triage_episode(episode, policy, threads=threads)
        flags += screened.verdict.flags
        looked += screened.triage.looked_at if screened.triage else 0
    return flags, looked


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


@dataclass
class _Tally:
    """What was found of the defects that full screening finds."""

    fully: int = 0
    found: int = 0
    named: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, what: str, *, found: bool, named: bool) -> None:
        self.fully += 1
        self.found += found
        self.named += named
        if not found:
            self.missed.append(what)


def _recall(
    clips: list[planted.Clip], group: int, folder: Path, policy: Policy
) -> Iterator[dict[str, Any]]:
    looked_for, left_out = _Tally(), _Tally()
    decoded_s = triaged_s = 0.0
    path, flagged = folder / "planted.mp4", []
    for clip in clips:
        start, stop = planted._span(clip)
        span = start / clip.rate_hz, stop / clip.rate_hz
        planted.write(path, planted.kept(clip), clip.rate_hz, group=group)
        if _triage(path, policy)[0] and not _screened(path, policy):
            flagged.append(clip.name)
        for kind, (checks, plant) in planted.KINDS.items():
            planted.write(path, plant(clip, start, stop), clip.rate_hz, group=group)
            decoded_s += _timed(lambda: decode(path, 0))
            before = time.perf_counter()
            flags, _ = _triage(path, policy)
            triaged_s += time.perf_counter() - before
            fully = planted.found_in(_screened(path, policy))
            if planted._overlap(fully.of(checks), *span) is None:
                continue
            every, told = tuple({flag.check for flag in flags}), planted.found_in(flags)
            tally = left_out if kind in LEFT_OUT else looked_for
            tally.add(
                f"{kind} in {clip.name}",
                found=planted._overlap(told.of(every), *span) is not None,
                named=planted._overlap(told.of(checks), *span) is not None,
            )
    for name, tally in (("recall", looked_for), ("recall_of_what_it_leaves", left_out)):
        yield {
            "name": f"triage_{name}_group_{group}",
            "ratio": round(tally.found / max(tally.fully, 1), 3),
            "unit": "of what full screening finds",
            "named": round(tally.named / max(tally.fully, 1), 3),
            "defects": tally.fully,
            "missed": tally.missed,
        }
    yield {
        "name": f"triage_clean_group_{group}",
        "value": len(flagged),
        "unit": "clean clips flagged by triage alone",
        "clips": len(clips),
        "flagged": flagged,
    }
    yield {
        "name": f"triage_planted_speed_group_{group}",
        "ratio": round(decoded_s / triaged_s, 1),
        "unit": "times as fast as bare decoding, where a fifth of each clip is spoilt",
    }


def _screened(path: Path, policy: Policy) -> list[Flag]:
    return [flag for screened in screen(path, policy) for flag in screened.verdict.flags]
