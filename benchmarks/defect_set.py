"""The made defect set: what ``dailies screen`` finds of it, how fast, and rdq beside it.

A second set of nothing but single lost frames says what share of those is found.

The set is written beforehand, by ``uv run benchmarks/write_defect_set.py FOLDER``, with LeRobot's
own writer (see there), and is found by ``DAILIES_DEFECT_SET=FOLDER``. A kind counts as found where
an episode has a flag of one of its checks, on its stream, whose span overlaps with the planted one
by half (intersection over union). What is shorter than a second leaves no span of its own: there
the flag must meet it and be at most ``SLACK_S`` longer. Of single moments the share counts that
such flags meet, all within the planted span. A clean episode counts as flagged by any flag of
suspect or fail.

Speed is that of the whole command, from start to exit, beside bare decoding. With ``--full``, where
``rdq`` is on the path or ``DAILIES_RDQ`` names it, it checks every frame of the same set in the
same run.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.screening import decode

ROOT = Path(__file__).resolve().parents[1]
SET, RDQ = "DAILIES_DEFECT_SET", "DAILIES_RDQ"
SHORT_S = 1.0
SLACK_S = 1.0
HALF = 0.5
FRAME_S = 1.5 / 30
"""How far a moment may lie from a flag that meets it."""
LIMIT_S = 3600
PR_SET_CHILD_SUBREAPER = 36
"""Of Linux's prctl: what a command leaves behind becomes this process's child."""

FOUND_BY: dict[str, tuple[str, ...]] = {
    "black": ("black_picture",),
    "covered": ("black_picture",),
    "overexposed": ("overexposed",),
    "frozen": ("frozen_picture",),
    "hanging": ("frozen_picture",),
    "defocus": ("blur",),
    "motion_blur": ("motion_blur", "blur"),
    "single_drops": ("dropped_frames",),
    "dropped_chunk": ("dropped_frames",),
    "time_gap": ("series_gap", "dropped_frames"),
    "camera_lag": ("sync_drift",),
    "camera_drift": ("sync_drift",),
    "cameras_apart": ("sync_drift",),
    "joints_stuck": ("stuck_joint", "flat_series"),
    "not_a_number": ("not_a_number",),
    "idle": ("idle",),
    "copy": ("copied_clip",),
}
"""The checks that are to find each kind."""

Said = dict[str, Any]
"""An episode as ``dailies screen --json`` has it."""


@dataclass(frozen=True)
class Label:
    """What is planted in an episode; ``kind`` is None in a clean one, which ``note`` describes."""

    episode: int
    kind: str | None
    stream: str | None
    start_s: float
    end_s: float
    at_s: tuple[float, ...]
    note: str


@dataclass(frozen=True)
class Took:
    """How long something took [s]: by the clock, and of processors' time, whoever else had them."""

    seconds: float
    processor_s: float


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A result for each kind, for clean episodes, speed and single drops; rdq's too if ``full``."""
    named = os.environ.get(SET)
    if not named or not (Path(named) / "set.json").is_file():
        tell(f"  no set: write it with benchmarks/write_defect_set.py FOLDER and give {SET}=FOLDER")
        return
    folder = Path(named)
    labels = read_labels(folder / "set.json")
    said, took = screened(folder / "set")
    yield from results(labels, said)
    frames = camera_frames(folder / "set")
    decoded = decoding(folder / "set")
    yield {
        "name": "defects_speed",
        "value": round(frames / took.seconds),
        "unit": "camera-frames a second",
        "seconds": round(took.seconds, 1),
        "processor_s": round(took.processor_s, 1),
        "camera_frames": frames,
        "bare_decoding": round(frames / decoded.seconds),
        "bare_decoding_processor_s": round(decoded.processor_s, 1),
    }
    if (folder / "drops.json").is_file():
        yield from single_drops(read_labels(folder / "drops.json"), screened(folder / "drops")[0])
    rdq = os.environ.get(RDQ) or shutil.which("rdq")
    if rdq and full:
        tell("  rdq, every frame; this takes minutes")
        yield _against_rdq(rdq, folder / "set", labels, frames, took)


def read_labels(file: Path) -> list[Label]:
    """The labels as the script that writes the set wrote them."""
    found = []
    for one in json.loads(file.read_text())["episodes"]:
        label = one["label"] or {}
        found.append(
            Label(
                one["episode"],
                label.get("kind"),
                label.get("stream"),
                label.get("start_s", 0.0),
                label.get("end_s", 0.0),
                tuple(label.get("at_s", ())),
                one["note"],
            )
        )
    return found


def screened(dataset: Path) -> tuple[dict[int, Said], Took]:
    """What the command says of each episode, and how long it takes from start to exit.

    Raises RuntimeError where it could not screen.
    """
    command = [sys.executable, "-m", "jobs.cli", "screen", str(dataset), "--json"]
    done, took = _timed(command)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"dailies screen ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = (json.loads(line) for line in done.stdout.splitlines())
    return {line["index"]: line for line in lines}, took


def _timed(command: list[str]) -> tuple[subprocess.CompletedProcess[str], Took]:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    seconds = time.perf_counter() - start
    # the time of processes that it leaves behind counts when they are waited for
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = os.times()
    used = after.children_user + after.children_system
    return done, Took(seconds, used - before.children_user - before.children_system)


def results(labels: Sequence[Label], said: dict[int, Said]) -> Iterator[dict[str, Any]]:
    """The score: each kind, all kinds, and the clean episodes that are flagged."""
    planted = [label for label in labels if label.kind]
    found = {label.kind: best_overlap(label, said[label.episode]["flags"]) for label in planted}
    for kind, overlap in found.items():
        yield {
            "name": f"defect_{kind}",
            "value": int(overlap is not None and overlap >= HALF),
            "unit": "found",
            "overlap": None if overlap is None else round(overlap, 2),
        }
    hits = [kind for kind, overlap in found.items() if overlap is not None and overlap >= HALF]
    yield {
        "name": "defects_found",
        "value": len(hits),
        "unit": "kinds",
        "of": len(found),
        "missed": [kind for kind in found if kind not in hits],
    }
    clean = [label for label in labels if not label.kind]
    flagged = {
        label.episode: sorted({flag["check"] for flag in said[label.episode]["flags"]})
        for label in clean
        if said[label.episode]["verdict"] in ("suspect", "fail")
    }
    unknown = [one.episode for one in clean if said[one.episode]["verdict"] == "unknown"]
    yield {
        "name": "defects_clean_flagged",
        "value": len(flagged),
        "unit": "clean episodes flagged",
        "of": len(clean),
        "flagged": flagged,
        "unknown": unknown,
    }


def best_overlap(label: Label, flags: Sequence[dict[str, Any]]) -> float | None:
    """Of the right flags the best intersection over union with what is planted; None without any.

    For what is shorter than SHORT_S it is 1 where a flag meets it and is hardly longer, else 0. For
    single moments it is the share of them that is met by a flag inside the planted span.
    """
    right = right_flags(label, flags)
    if not right:
        return None
    if label.at_s:
        near = [flag for flag in right if _is_within(flag, label)]
        return sum(any(_meets(flag, at) for flag in near) for at in label.at_s) / len(label.at_s)
    return max(_overlap(label, flag) for flag in right)


def _overlap(label: Label, flag: dict[str, Any]) -> float:
    start, end = flag["start_s"], flag["end_s"]
    common = min(end, label.end_s) - max(start, label.start_s)
    if label.end_s - label.start_s < SHORT_S:
        is_short = end - start <= label.end_s - label.start_s + SLACK_S
        return float(common >= 0 and is_short)
    return float(max(common, 0.0) / (max(end, label.end_s) - min(start, label.start_s)))


def _is_within(flag: dict[str, Any], label: Label) -> bool:
    slack = SLACK_S / 2
    return bool(flag["start_s"] >= label.start_s - slack and flag["end_s"] <= label.end_s + slack)


def _meets(flag: dict[str, Any], at_s: float) -> bool:
    return bool(flag["start_s"] - FRAME_S <= at_s <= flag["end_s"] + FRAME_S)


def right_flags(label: Label, flags: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The flags of a check that is to find this kind, on its stream."""
    checks = FOUND_BY[label.kind or ""]
    return [
        flag for flag in flags if flag["check"] in checks and label.stream in (None, flag["stream"])
    ]


def single_drops(labels: Sequence[Label], said: dict[int, Said]) -> Iterator[dict[str, Any]]:
    """Of the single lost frames of each camera, the share that is found, and what was made up."""
    for camera in sorted({label.stream or "" for label in labels}):
        chosen = [label for label in labels if label.stream == camera]
        places = sum(len(label.at_s) for label in chosen)
        met, counted = 0.0, 0.0
        for label in chosen:
            flags = said[label.episode]["flags"]
            met += (best_overlap(label, flags) or 0.0) * len(label.at_s)
            counted += sum(flag["measured"] for flag in right_flags(label, flags))
        yield {
            "name": f"single_drops_{camera.rpartition('.')[2]}",
            "ratio": round(met / places, 3),
            "unit": "of places",
            "places": places,
            "counted": counted,
            "episodes": len(chosen),
        }


def camera_frames(dataset: Path) -> int:
    """Frames of all cameras together, as the dataset says."""
    info = json.loads((dataset / "meta" / "info.json").read_text())
    cameras = sum(one["dtype"] == "video" for one in info["features"].values())
    (file,) = (dataset / "meta" / "episodes").rglob("*.parquet")
    rows = pc.sum(pq.read_table(file, columns=["length"])["length"]).as_py()
    return int(rows * cameras)


def decoding(dataset: Path) -> Took:
    """How long it takes to decode the same pictures on all cores and do nothing with them."""
    start, before = time.perf_counter(), time.process_time()
    for file in sorted((dataset / "videos").rglob("*.mp4")):
        decode(file, 0)
    return Took(time.perf_counter() - start, time.process_time() - before)


def _against_rdq(
    rdq: str, dataset: Path, labels: Sequence[Label], frames: int, ours: Took
) -> dict[str, Any]:
    """How long rdq takes for the same, and which episodes it warns of."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _, took = _timed([rdq, "check", str(dataset), "--video-full", "--json", str(report)])
        named = _named_by_rdq(json.loads(report.read_text()))
    kinds = {label.episode: label.kind for label in labels}
    return {
        "name": "defects_against_rdq",
        "ratio": round(took.seconds / ours.seconds, 1),
        "unit": "times as fast",
        "ratio_by_processor": round(took.processor_s / ours.processor_s, 1),
        "rdq_camera_frames_a_second": round(frames / took.seconds),
        "rdq_processor_s": round(took.processor_s, 1),
        "rdq_names_defects": sorted(kinds[one] or "" for one in named if kinds.get(one)),
        "rdq_names_clean": sorted(one for one in named if one in kinds and not kinds[one]),
    }


def _named_by_rdq(report: dict[str, Any]) -> set[int]:
    """Episodes that a finding of rdq above plain information names, whatever it says of them."""
    return {
        int(episode)
        for finding in report.get("findings", [])
        if finding.get("severity") in ("warning", "critical")
        for episode in finding.get("episodes", [])
    }
