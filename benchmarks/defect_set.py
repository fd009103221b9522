"""The made defect set: what ``dailies screen`` finds of it, how fast, and others beside it.

A second set of nothing but single lost frames says what share of those is found.

The set is written beforehand, by ``uv run benchmarks/write_defect_set.py FOLDER``, with LeRobot's
own writer (see there), and is found by ``DAILIES_DEFECT_SET=FOLDER``. A kind counts as found where
an episode has a flag of one of its checks, on its stream, whose span overlaps with the planted one
by half (intersection over union). What is shorter than a second leaves no span of its own: there
the flag must meet it and be at most ``SLACK_S`` longer. Of single moments the share counts that
such flags meet, all within the planted span. A clean episode counts as flagged by any flag of
suspect or fail.

Speed is that of the whole command, from start to exit, beside bare decoding. With ``--full``, the
other programs that are installed (``benchmarks/peers.py``) look at the same set in the same run,
and what we find is counted once more in the way that is kind to them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers import PEERS, PEERS_KNOWN, Finding, NoReport, ask, compared, program
from benchmarks.screening import decode
from benchmarks.timed import Took, timed

ROOT = Path(__file__).resolve().parents[1]
SET = "DAILIES_DEFECT_SET"
SHORT_S = 1.0
SLACK_S = 1.0
HALF = 0.5
FRAME_S = 1.5 / 30
"""How far a moment may lie from a flag that meets it."""

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


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A result for each kind, for clean episodes, speed and single drops; with ``full`` also
    one for each other program."""
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
    if full:
        kinds = {label.episode: label.kind for label in labels}
        yield ours_alike(said, kinds, frames, took)
        yield from beside(folder / "set", kinds, frames, took, tell)


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
    done, took = timed(command, ROOT)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"dailies screen ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = (json.loads(line) for line in done.stdout.splitlines())
    return {line["index"]: line for line in lines}, took


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


def beside(
    dataset: Path,
    kinds: Mapping[int, str | None],
    frames: int,
    ours: Took,
    tell: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """A result for each other program that is installed, asked about the same set."""
    for peer in PEERS_KNOWN:
        file = program(peer)
        if file is None:
            tell(f"  {peer.name}: not installed ({PEERS}=FOLDER, {peer.home}/bin/{peer.command})")
            continue
        tell(f"  {peer.name}, as much as it looks at; this may take minutes")
        result = {"name": _by(peer.name)}
        try:
            findings, took = ask(peer, file, dataset)
        except NoReport as wrong:
            yield result | {"value": None, "unit": "kinds found", "failed": str(wrong)}
            continue
        unread = {one.episode for one in findings if one.name in peer.unread}
        yield (
            result
            | compared(findings, peer.found_by, kinds)
            | _speed(took, frames if peer.decodes else None, ours)
            | ({"could_not_decode": len(unread)} if unread else {})
        )


def _by(name: str) -> str:
    return f"defects_by_{name.replace('-', '_').replace(' ', '_')}"


def _speed(took: Took, frames: int | None, ours: Took) -> dict[str, Any]:
    speed: dict[str, Any] = {
        "seconds": round(took.seconds, 1),
        "processor_s": round(took.processor_s, 1),
    }
    if frames:
        speed |= {
            "camera_frames_a_processor_second": round(frames / took.processor_s),
            "ours_times_as_fast": round(took.seconds / ours.seconds, 1),
            "ours_times_as_fast_by_processor": round(took.processor_s / ours.processor_s, 1),
        }
    return speed


def ours_alike(
    said: Mapping[int, Said], kinds: Mapping[int, str | None], frames: int, took: Took
) -> dict[str, Any]:
    """What we find, counted as it is for the others: by the episode, whatever span a flag has."""
    findings = [
        Finding(episode, flag["check"], one["verdict"] in ("suspect", "fail"))
        for episode, one in said.items()
        for flag in one["flags"]
    ]
    counted = compared(findings, FOUND_BY, kinds)
    return {"name": _by("dailies")} | counted | _speed(took, frames, took)
