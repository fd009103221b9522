"""Other programs that screen recordings: how each is run, what it reports, and what counts.

Each is installed in a virtual environment of its own, found as ``FOLDER/<home>/bin/<command>``
where ``DAILIES_PEERS=FOLDER``; rdq also by ``DAILIES_RDQ`` or on the path. Each is asked for its
fullest look, every frame where it can, and for nothing else but its defaults; it runs in an empty
folder that is its home too, so that it takes nothing from an earlier run.

What counts is generous to the peer. It finds a kind where any finding of those listed in
``found_by`` names the episode, whatever its grade and its span. Of the clean episodes are counted
apart those that such a finding names, and those that it *raises*: of which it says anything graded
above plain information, or which it would hold back. In the precision of a check only clean
episodes are false: a defect has side effects, and a black picture also stands still.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timed import Took, timed

PEERS, RDQ = "DAILIES_PEERS", "DAILIES_RDQ"
LIMIT_S = 1800.0

CHECKS: dict[str, tuple[str, ...]] = {
    "black or covered": ("black", "covered"),
    "overexposed": ("overexposed",),
    "frozen": ("frozen", "hanging"),
    "blur": ("defocus", "motion_blur"),
    "dropped frames": ("single_drops", "dropped_chunk", "time_gap"),
    "out of sync": ("camera_lag", "camera_drift", "cameras_apart"),
    "stuck joints": ("joints_stuck",),
    "not a number": ("not_a_number",),
    "idle": ("idle",),
    "copy": ("copy",),
}
"""The kinds that are planted, by what a program would check for."""


class NoReport(ValueError):
    """A peer that crashed, ran for too long or wrote what cannot be read; the message says it."""


@dataclass(frozen=True)
class Finding:
    """What a program says of an episode, by its own name for it."""

    episode: int
    name: str
    is_raised: bool


FoundBy = Mapping[str, Sequence[str]]
"""Names of the findings that count for each kind that is planted."""
Reader = Callable[[str], Iterator[Finding]]


@dataclass(frozen=True)
class Peer:
    """A program: where it is, how it is asked about a set, and how its report is read.

    In ``arguments`` {set} and {report} stand for paths; without {report} it writes its report to
    standard output. ``unread`` names the findings that say that a video could not be decoded.
    """

    name: str
    home: str
    command: str
    arguments: tuple[str, ...]
    read: Reader
    found_by: FoundBy
    decodes: bool = True
    unread: tuple[str, ...] = ()


def program(peer: Peer) -> Path | None:
    """Where the peer is installed, if it is."""
    named = (os.environ.get(RDQ) or shutil.which("rdq")) if peer.name == "rdq" else None
    if named:
        return Path(named).absolute()
    folder = os.environ.get(PEERS)
    file = Path(folder or "", peer.home, "bin", peer.command)
    return file.absolute() if folder and file.is_file() else None


def ask(peer: Peer, file: Path, dataset: Path) -> tuple[list[Finding], Took]:
    """What a peer finds in a set, and how long it takes.

    Raises NoReport.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        home = Path(folder) / "home"
        home.mkdir()
        places = {"{set}": str(dataset.absolute()), "{report}": str(report)}
        command = [str(file), *(places.get(one, one) for one in peer.arguments)]
        environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home)}
        try:
            done, took = timed(command, home, environment=environment, limit_s=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise NoReport(f"not done after {LIMIT_S:.0f} s") from None
        text = report.read_text() if report.is_file() else done.stdout
    try:
        return list(peer.read(text)), took
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        last = done.stderr.strip().rpartition("\n")[2]
        said = f"{type(wrong).__name__} in its report; status {done.returncode}: {last}"
        raise NoReport(said) from wrong


def compared(
    findings: Sequence[Finding], found_by: FoundBy, kinds: Mapping[int, str | None]
) -> dict[str, Any]:
    """What was found of the kinds planted in each episode (None: clean), and what was made up.

    The first clean episode is the original of the copy: that it has a copy is true, and no finding.
    """
    original = min(episode for episode, kind in kinds.items() if not kind)
    copied = found_by.get("copy", ())
    told = [one for one in findings if not (one.episode == original and one.name in copied)]
    counted = _counted(told, found_by, kinds)
    held = {one.episode for one in told if one.is_raised}
    clean = {episode for episode, kind in kinds.items() if not kind}
    found = sorted({one.name for one in counted if one.episode not in clean})
    raised = {one.name for one in counted if one.episode not in clean and one.is_raised}
    return {
        "value": len(found),
        "unit": "kinds found",
        "of": len(kinds) - len(clean),
        "found": found,
        "of_these_raised": len(raised),
        "raised_whatever_for": len(held & (kinds.keys() - clean)),
        "clean": len(clean),
        "clean_named": sorted({one.episode for one in counted} & clean),
        "clean_raised": sorted(held & clean),
        "checks": {
            check: figures
            for check, planted in CHECKS.items()
            if (figures := _check(planted, counted, found_by, kinds))
        },
    }


def _counted(
    findings: Sequence[Finding], found_by: FoundBy, kinds: Mapping[int, str | None]
) -> list[Finding]:
    """The right findings, and those of clean episodes, by kind and not by the program's name."""
    return [
        Finding(one.episode, kind, one.is_raised)
        for one in findings
        for kind, names in found_by.items()
        if one.name in names and one.episode in kinds and kinds[one.episode] in (None, kind)
    ]


def _check(
    planted: Sequence[str],
    counted: Sequence[Finding],
    found_by: FoundBy,
    kinds: Mapping[int, str | None],
) -> dict[str, Any] | None:
    """Recall and precision of one check, by all its findings and by those that are raised.

    None where the program has no such check.
    """
    if not any(kind in found_by for kind in planted):
        return None
    of_it = [one for one in counted if one.name in planted]
    asked = sum(kind in planted for kind in kinds.values())
    by_all = _recall_and_precision({one.episode for one in of_it}, asked, kinds)
    raised = _recall_and_precision({one.episode for one in of_it if one.is_raised}, asked, kinds)
    return by_all | {f"raised_{figure}": value for figure, value in raised.items()}


def _recall_and_precision(
    named: set[int], asked: int, kinds: Mapping[int, str | None]
) -> dict[str, float | None]:
    right = sum(kinds[episode] is not None for episode in named)
    return {
        "recall": round(right / asked, 2) if asked else None,
        "precision": round(right / len(named), 2) if named else None,
    }


def _episode(name: str) -> int:
    """The number at the end of "episode_000012" or "set::episode_000012"."""
    return int(name.rpartition("_")[2])


def read_rdq(text: str) -> Iterator[Finding]:
    """Its findings, each with the episodes it holds for."""
    for finding in json.loads(text)["findings"]:
        is_raised = finding["severity"] in ("warning", "critical")
        for episode in finding["episodes"]:
            yield Finding(int(episode), finding["check"], is_raised)


KALANOS_SMALL = {
    "blank_frame_pct": 0.0,
    "dark_frame_pct": 0.0,
    "bright_frame_pct": 0.0,
    "dropped_chunk_count": 0.0,
    "pts_defect_pct": 0.0,
    "recorded_drop_estimate": 0.01,
    "flatline_pct": 50.0,
}
"""What kalanos counts and does not grade, and what each must exceed to be a finding here: nothing,
or what its policy still calls good where it grades the like (drops, flat sensors)."""


def read_kalanos(text: str) -> Iterator[Finding]:
    """Why it would have an episode reviewed, what it grades as bad, and what it only counts.

    Of what it only measures (the lag of a camera) it says nothing by itself.
    """
    for episode in json.loads(text)["episodes"]:
        number = _episode(episode["id"])
        for reason in episode["eligibility"]["reasons"]:
            yield Finding(number, reason["id"].rpartition(".")[2], True)
        for stream in episode["streams"]:
            for one in (stream, *stream["channels"]):
                yield from _of_kalanos(number, one["metrics"])


def _of_kalanos(episode: int, metrics: Mapping[str, Any]) -> Iterator[Finding]:
    for name, one in metrics.items():
        is_bad = one["status"] in ("warning", "critical")
        is_counted = name in KALANOS_SMALL and (one["value"] or 0.0) > KALANOS_SMALL[name]
        if is_bad or is_counted:
            yield Finding(episode, name, is_bad)


def read_physlint(text: str) -> Iterator[Finding]:
    """The findings of its rules that name an episode."""
    for result in json.loads(text)["results"]:
        for finding in result["findings"]:
            if episode := finding["location"]["episode"]:
                yield Finding(_episode(episode), result["rule_id"], finding["severity"] != "notice")


def read_rda(text: str) -> Iterator[Finding]:
    """The measures with a finding of each episode; raised where its verdict is not to pass it."""
    for episode in json.loads(text)["episodes"]:
        for name, metric in episode["metrics"].items():
            if metric["has_finding"]:
                yield Finding(episode["episode_index"], name, episode["verdict"] != "PASS")


def read_calibra(text: str) -> Iterator[Finding]:
    """Its critical findings and warnings where they name episodes; most are of the whole set."""
    report = json.loads(text)
    for finding in (*report["critical"], *report["warnings"]):
        for named in re.findall(r"episodes \[[\d, ]+\]|\d+ = \d+", finding["interpretation"]):
            for episode in re.findall(r"\d+", named):
                yield Finding(int(episode), finding["metric"], True)
    for metric, episodes in report["video_affected_episodes"].items():
        yield from (Finding(int(episode), metric, True) for episode in episodes)


def read_lerobot_doctor(text: str) -> Iterator[Finding]:
    """Its messages that name an episode, by the check that says them."""
    for check in json.loads(text)["checks"]:
        for message in check["messages"]:
            if message["severity"] != "PASS":
                for episode in re.findall(r"[Ee]pisode (\d+)", message["message"]):
                    yield Finding(int(episode), check["name"], True)
                for pair in re.findall(r"\((\d+), (\d+)\)", message["message"]):
                    yield from (Finding(int(one), "near-duplicate", True) for one in pair)


def read_deepen(text: str) -> Iterator[Finding]:
    """What its checks of an episode do not pass; raised where it is a defect and so graded."""
    for episode in json.loads(text)["episodes"]:
        for check in episode["checks"]:
            if check["severity"] in ("warn", "fail"):
                is_raised = check["claim_type"] == "defect"
                yield Finding(_episode(episode["episode_id"]), check["check_id"], is_raised)


def read_robovet(text: str) -> Iterator[Finding]:
    """The findings of its ``doctor``, with their episodes."""
    for result in json.loads(text)["results"]:
        if result["severity"] != "PASS":
            for episode in result["episodes"]:
                yield Finding(int(episode), result["check_id"], result["severity"] != "INFO")


def read_robovet_score(text: str) -> Iterator[Finding]:
    """The flags of its table of scores."""
    for row in csv.DictReader(io.StringIO(text)):
        for flag in re.findall(r"[a-z_]+", row["flags"]):
            yield Finding(int(row["episode_index"]), flag, True)


def read_forge(text: str) -> Iterator[Finding]:
    """The flags of each episode."""
    for episode in json.loads(text)["per_episode"]:
        for flag in episode["flags"]:
            yield Finding(_episode(episode["episode_id"]), flag, True)


def read_embodied_sync(text: str) -> Iterator[Finding]:
    """Episodes in which a table's time stamps are not those of the video."""
    for video in json.loads(text)["videos"]:
        for episode in video["episode_trend"]:
            if episode["violation_count"]:
                yield Finding(episode["episode_index"], "pts", True)


_RDQ_DROPS = (
    "video.dropped_frames",
    "video.recording_gap",
    "video.bad_timestamps",
    "video.variable_frame_rate",
    "time.dropped_frames",
    "time.non_monotonic",
)
_RDQ_IDLE = ("episodes.idle", "episodes.no_motion", "video.idle", "video.idle_span")
_KALANOS_DARK = (
    "blank_frame_pct",
    "dark_frame_pct",
    "exposure_shift_pct",
    "exposure_vs_camera",
)
_KALANOS_BLUR = ("sharpness_score", "blur_vs_camera")
_KALANOS_DROPS = (
    "dropped_chunk_count",
    "pts_defect_pct",
    "frame_count_vs_timebase",
    "drop_rate",
    "recorded_drop_estimate",
)
_KALANOS_SYNC = ("video_control_lag_ms", "camera_sync_skew_ms")
_PHYSLINT_DROPS = ("temporal.max_gap", "temporal.sampling_interval", "video.decode")
_RDA_DROPS = (
    "missing_dropout",
    "timestamp_validity",
    "sampling_jitter",
    "video_frame_integrity",
    "video_timestamp_alignment",
)
_RDA_SYNC = (
    "sensor_synchronization",
    "video_stream_temporal_offset",
    "video_stream_temporal_drift",
    "video_stream_span_consistency",
)
_CALIBRA_FROZEN = ("camera_freeze_events", "duplicate_frame_rate")
_CALIBRA_DROPS = (
    "timestamp_dropout_rate",
    "timestamp_jitter_cv",
    "timestamp_non_monotonic",
    "video_frame_mismatch_rate",
)
_CALIBRA_SYNC = ("camera_physics_drift", "action_obs_misalignment")


def _all_of(check: str, names: Sequence[str]) -> dict[str, Sequence[str]]:
    """The same names for every kind of a check."""
    return dict.fromkeys(CHECKS[check], names)


PEERS_KNOWN = (
    Peer(
        "rdq",
        "rdq",
        "rdq",
        ("check", "{set}", "--video-full", "--json", "{report}"),
        read_rdq,
        {
            "black": ("video.black", "video.black_span", "video.low_light"),
            "covered": ("video.covered", "video.covered_span", "video.black", "video.black_span"),
            "overexposed": ("video.overexposed", "video.overexposed_span"),
            **_all_of("frozen", ("video.frozen", "video.frozen_span")),
            **_all_of("blur", ("video.blur", "video.blur_span")),
            **_all_of("dropped frames", _RDQ_DROPS),
            "joints_stuck": ("values.dead_dimension", "values.empty_channel"),
            "not_a_number": ("values.non_finite",),
            "idle": _RDQ_IDLE,
            "copy": (
                "episodes.duplicate",
                "video.duplicate_episode",
                "video.near_duplicate",
                "video.possible_duplicate",
                "video.trimmed_copy",
                "video.partial_overlap",
                "video.identical_file",
                "video.same_stream_remuxed",
            ),
        },
        unread=("video.decode_error", "video.unreadable"),
    ),
    Peer(
        "kalanos",
        "kalanos",
        "kalanos",
        ("grade", "{set}", "--profile", "vision-imitation-v1", "--full-frame-scan", "--json"),
        read_kalanos,
        {
            **_all_of("black or covered", _KALANOS_DARK),
            "overexposed": (*_KALANOS_DARK, "bright_frame_pct"),
            **_all_of("frozen", ("frozen_frame_pct",)),
            **_all_of("blur", _KALANOS_BLUR),
            **_all_of("dropped frames", _KALANOS_DROPS),
            **_all_of("out of sync", _KALANOS_SYNC),
            "joints_stuck": ("flatline_pct",),
            "not_a_number": ("missing_pct",),
            "idle": ("flatline_pct",),
            "copy": ("duplicate_episode", "repeated_footage"),
        },
        unread=("camera_stream_present",),
    ),
    Peer(
        "physlint",
        "physlint",
        "physlint",
        ("check", "{set}", "--format", "json"),
        read_physlint,
        {
            **_all_of("black or covered", ("video.black_frames",)),
            **_all_of("frozen", ("video.frozen_frames",)),
            **_all_of("dropped frames", _PHYSLINT_DROPS),
            "not_a_number": ("numeric.finite_values",),
            "copy": ("duplication.exact_episodes",),
        },
        unread=("video.decode",),
    ),
    Peer(
        "rda",
        "robot-data-audit",
        "rda",
        ("audit", "{set}", "--full", "--output", "{report}"),
        read_rda,
        {
            **_all_of("black or covered", ("visual_quality",)),
            "overexposed": ("visual_quality",),
            **_all_of("frozen", ("video_freeze",)),
            **_all_of("blur", ("visual_quality",)),
            **_all_of("dropped frames", _RDA_DROPS),
            **_all_of("out of sync", _RDA_SYNC),
            "not_a_number": ("invalid_values", "numeric_sanity"),
            "idle": ("idle_ratio", "temporal_structure"),
        },
    ),
    Peer(
        "calibra",
        "calibra-robotics",
        "calibra",
        ("integrity", "{set}", "--decode-video", "--video-sample", "1000000", "--json"),
        read_calibra,
        {
            **_all_of("frozen", _CALIBRA_FROZEN),
            **_all_of("dropped frames", _CALIBRA_DROPS),
            **_all_of("out of sync", _CALIBRA_SYNC),
            "copy": ("duplicate_episode_fraction",),
        },
        unread=("video_decode_failure_rate",),
    ),
    Peer(
        "lerobot-doctor",
        "lerobot-doctor",
        "lerobot-doctor",
        ("check", "{set}", "--json", "--verbose"),
        read_lerobot_doctor,
        {
            **_all_of("dropped frames", ("Temporal Consistency", "Video Integrity")),
            "joints_stuck": ("Anomaly Detection",),
            "not_a_number": ("Data Distribution",),
            "idle": ("Action Quality",),
            "copy": ("near-duplicate",),
        },
        decodes=False,
    ),
    Peer(
        "deepen-grade",
        "deepen-grade",
        "deepen",
        ("grade", "{set}", "--json"),
        read_deepen,
        {
            **_all_of("dropped frames", ("hygiene.topic_frequency",)),
            **_all_of("out of sync", ("hygiene.cross_modal_sync",)),
            "idle": ("episode_quality.idle_stall",),
            "copy": ("cross.duplicates",),
        },
        decodes=False,
    ),
    Peer(
        "robovet doctor",
        "robovet",
        "robovet",
        ("doctor", "{set}", "--json", "{report}"),
        read_robovet,
        {
            **_all_of("dropped frames", ("TIME-201", "TIME-202", "TIME-204", "VIDEO-402")),
            "joints_stuck": ("DATA-108",),
            "not_a_number": ("DATA-107",),
        },
        decodes=False,
    ),
    Peer(
        "robovet score",
        "robovet",
        "robovet",
        ("score", "{set}", "--csv", "{report}"),
        read_robovet_score,
        {"idle": ("mostly_idle",), "copy": ("duplicate_of_ep",)},
        decodes=False,
    ),
    Peer(
        "forge",
        "forge-robotics",
        "forge",
        ("quality", "{set}", "--export", "{report}"),
        read_forge,
        {
            **_all_of("dropped frames", ("timestamp_jitter",)),
            "not_a_number": ("nan_in_states", "nan_in_actions"),
            "idle": ("mostly_static", "dead_actions"),
        },
        decodes=False,
    ),
    Peer(
        "embodied-sync",
        "embodied-sync",
        "embsync",
        ("audit-lerobot-pts", "{set}", "--json", "{report}"),
        read_embodied_sync,
        {**_all_of("dropped frames", ("pts",)), **_all_of("out of sync", ("pts",))},
        decodes=False,
    ),
)
"""Those known, with the versions they were read in: rdq 0.3.4, kalanos 0.8.2, physlint 0.4.0,
robot-data-audit 0.11.0, calibra-robotics 0.13.1, lerobot-doctor 0.2.0, deepen-grade 0.4.1,
robovet 0.2.2, forge-robotics 0.2.0, embodied-sync 0.1.3."""
