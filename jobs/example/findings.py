"""Flags and measurements for the history: numbers of the kind that screening would have given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.example.catalogue import LATE_MS
from jobs.example.episodes import FAIL, GOOD, SUSPECT, UNKNOWN, Floats, Takes

PERSON_STREAM = "video"
TOLD_SHARE = 0.7
"""Of robots' episodes, those of which it can be told how late their wrist camera is."""


@dataclass(frozen=True)
class Ailment:
    """What a kind of defect looks like: how often it happens and what its flag says.

    ``robot`` and ``person`` are relative frequencies. ``suspect`` and ``fail`` are limits in
    ``unit``; a defect above them is drawn between the limit and ``worst``. ``lasts_s`` is None
    where the flag spans the whole episode. ``stream`` is the robot's; a person's camera is
    ``video``. ``what`` has the measured value in it.
    """

    check: str
    robot: float
    person: float
    stream: str | None
    unit: str
    suspect: float
    fail: float
    worst: float
    lasts_s: float | None
    what: str
    remedy: str


AILMENTS = (
    Ailment("blur", 2.0, 4.0, "wrist", "px", 2.3, 2.8, 6.0, 3.0,
            "blurred, edges {:.1f} px wide", "clean the lens, refocus and retake"),
    Ailment("dropped_frames", 3.0, 1.5, "top", "frames", 1.0, 5.0, 40.0, 1.0,
            "{:.0f} frames lost", "free the disk or the bus and retake"),
    Ailment("sync_drift", 2.2, 0.0, "wrist", "ms", 70.0, 150.0, 400.0, None,
            "camera lags the joints by {:.0f} ms", "restart the recorder so that its clocks agree"),
    Ailment("frozen_picture", 1.4, 0.5, "top", "s", 0.5, 1.0, 5.0, 2.5,
            "frozen for {:.1f} s", "reseat the cable and retake"),
    Ailment("black_picture", 0.4, 0.6, "wrist", "s", 0.5, 2.0, 5.0, 2.0,
            "black for {:.1f} s", "take the cover off the lens and retake"),
    Ailment("overexposed", 0.5, 1.2, "top", "s", 0.5, 2.0, 6.0, 3.0,
            "blown out for {:.1f} s", "turn away from the window and retake"),
    Ailment("underexposed", 0.4, 2.4, "top", "s", 0.5, 2.0, 8.0, 4.0,
            "too dark for {:.1f} s", "switch the light on and retake"),
    Ailment("count_mismatch", 1.0, 0.2, "joints", "frames", 1.0, 5.0, 60.0, None,
            "{:.0f} of the promised samples missing", "update the recorder and retake"),
    Ailment("missing_stream", 0.5, 0.0, "wrist", "streams", 1.0, 1.0, 1.0, None,
            "{:.0f} stream missing", "check the cable and the recorder's settings"),
    Ailment("corrupt_stream", 0.5, 0.6, "top", "%", 0.1, 2.0, 80.0, None,
            "{:.1f} % of the pictures are lost", "upload the recording again"),
)  # fmt: skip
"""With the house's own limits and units, so that what is invented can be judged by them."""

WHOLE = ("frames", "streams")
"""Units that are counted."""

MOVABLE = {
    one.check: one for one in AILMENTS if one.check not in ("missing_stream", "corrupt_stream")
}
"""Those whose limits can be moved, by check: see quality/scores.py."""

NEAR_SHARE = 0.08
"""Good episodes that came near a limit."""

NEAR_CHECKS = ("blur", "sync_drift", "frozen_picture", "overexposed", "underexposed")

TOO_SHORT = Ailment("too_short", 0.0, 0.0, None, "s", 5.0, 3.0, 1.0, None,
                    "only {:.1f} s long", "retake, and stop when the task is done")  # fmt: skip
UNSURE = Ailment("sync_drift", 0.0, 0.0, "wrist", "", 0.0, 0.0, 0.0, None,
                 "lag not measurable: too little motion", "look at it")  # fmt: skip
UNSURE_PERSON = Ailment("blur", 0.0, 0.0, "wrist", "", 0.0, 0.0, 0.0, None,
                        "sharpness not measurable: too little texture", "look at it")  # fmt: skip

GRADES = ("good", "unknown", "suspect", "fail")


@dataclass(frozen=True)
class Found:
    """One flag of one episode of the history, as the record keeps it."""

    episode: int
    check: str
    grade: str
    stream: str | None
    start_s: float
    end_s: float
    measured: float
    limit: float
    unit: str
    message: str


def find_flags(rng: np.random.Generator, takes: Takes) -> list[Found]:
    """Flags for every episode that is not good: one that made its verdict, sometimes a second."""
    flagged = np.flatnonzero(takes.verdict != GOOD)
    of_robot = np.array([ailment.robot for ailment in AILMENTS])
    of_person = np.array([ailment.person for ailment in AILMENTS])
    first = np.where(
        takes.robot[flagged],
        rng.choice(len(AILMENTS), len(flagged), p=of_robot / of_robot.sum()),
        rng.choice(len(AILMENTS), len(flagged), p=of_person / of_person.sum()),
    )
    blurred = rng.random(len(flagged)) < takes.blurred[flagged] * 1.6
    first = np.where(blurred, 0, first)
    luck = rng.random((len(flagged), 3))
    found: list[Found] = []
    for row, at in enumerate(flagged.tolist()):
        ailment = _ailment(takes, at, int(first[row]))
        rank = int(takes.verdict[at])
        found.append(_flag(takes, at, ailment, rank, luck[row]))
        if rank == FAIL and luck[row][2] < 0.18:
            other = AILMENTS[(int(first[row]) + 1) % 7]
            if takes.robot[at] or other.person:
                found.append(_flag(takes, at, other, SUSPECT, luck[row][::-1]))
    return found


def error_of(flag: Found) -> str | None:
    """The error that stands on the episode where a flag says that it cannot be read whole."""
    if flag.check != "corrupt_stream" or flag.grade != "fail":
        return None
    return f"{flag.stream}: moov atom not found or data cut off: upload the recording again"


def _ailment(takes: Takes, at: int, first: int) -> Ailment:
    robot = bool(takes.robot[at])
    if takes.verdict[at] == UNKNOWN:
        return UNSURE if robot else UNSURE_PERSON
    if takes.duration_s[at] < 3.0:
        return TOO_SHORT
    ailment = AILMENTS[first]
    # these know no half-measures
    if takes.verdict[at] == SUSPECT and ailment.check in ("missing_stream", "corrupt_stream"):
        return AILMENTS[0]
    return ailment


def _flag(
    takes: Takes, at: int, ailment: Ailment, rank: int, luck: npt.NDArray[np.float64]
) -> Found:
    length = float(takes.duration_s[at])
    if ailment is TOO_SHORT:
        measured, limit = length, ailment.fail
    elif rank == FAIL:
        measured = ailment.fail + (ailment.worst - ailment.fail) * float(luck[0]) ** 2
        limit = ailment.fail
    else:
        measured = ailment.suspect + (ailment.fail - ailment.suspect) * float(luck[0]) * 0.98
        limit = ailment.suspect
    start, end = 0.0, length
    if ailment.lasts_s is not None:
        lasts = measured if ailment.unit == "s" else ailment.lasts_s * (0.5 + float(luck[0]))
        lasts = min(lasts, length * 0.9)
        start = (length - lasts) * float(luck[1])
        end = start + lasts
    if ailment.unit == "s":
        measured = min(measured, length)
    if ailment.unit in WHOLE:
        measured = float(round(measured))
    stream = None
    if ailment.stream is not None:
        stream = ailment.stream if takes.robot[at] else PERSON_STREAM
    what = ailment.what.format(measured)
    said = f" (limit {limit:g} {ailment.unit})" if ailment.unit else ""
    message = f"{stream or 'recording'}: {what} at {start:.1f} s{said}: {ailment.remedy}"
    return Found(
        episode=at,
        check=ailment.check,
        grade=GRADES[rank],
        stream=stream,
        start_s=round(start, 3),
        end_s=round(end, 3),
        measured=round(measured, 3),
        limit=limit,
        unit=ailment.unit,
        message=message,
    )


SCORE_COLUMNS = ("episode_id", "check_name", "grade", "suspect_to", "fail_to")


def score_rows(
    rng: np.random.Generator, takes: Takes, found: list[Found], first: int
) -> Iterator[tuple[int, str, str, float | None, float | None]]:
    """Rows of SCORE_COLUMNS: what the flags measured, and near misses of good episodes."""
    for flag in found:
        if flag.grade == "unknown":
            yield first + flag.episode, flag.check, "unknown", None, None
        elif flag.check in MOVABLE:
            value = max(flag.measured, flag.limit)
            yield first + flag.episode, flag.check, "suspect", value, value
    good = np.flatnonzero((takes.verdict == GOOD) & (rng.random(len(takes)) < NEAR_SHARE))
    checks = rng.choice(len(NEAR_CHECKS), len(good), p=(0.4, 0.3, 0.1, 0.1, 0.1))
    shares = 1.0 - 0.35 * np.sqrt(rng.random(len(good)))
    for at, check, share in zip(good.tolist(), checks.tolist(), shares.tolist(), strict=True):
        ailment = MOVABLE[NEAR_CHECKS[check]]
        if takes.robot[at] or ailment.person:
            value = round(ailment.suspect * min(share, 0.99), 3)
            yield first + at, ailment.check, "suspect", value, value


STREAM_COLUMNS = ("id", "episode_id", "name", "kind", "sample_count", "rate_hz", "late_ms")
MEASUREMENT_COLUMNS = ("stream_id", "name", "value")


def wrist_lags(rng: np.random.Generator, takes: Takes, late: npt.NDArray[np.bool_]) -> Floats:
    """How late each take's wrist camera shows the robot (ms), NaN where that cannot be told;
    ``late`` marks takes by the rig whose camera is.
    """
    lags = rng.normal(4.0, 5.0, len(takes)) + np.where(late, LATE_MS - 4.0, 0.0)
    return np.where(takes.robot & (rng.random(len(takes)) < TOLD_SHARE), np.round(lags, 2), np.nan)


def stream_rows(
    takes: Takes, lags_ms: Floats, first_episode: int, first_stream: int
) -> Iterator[tuple[int, int, str, str, int, float, float | None]]:
    """Rows of STREAM_COLUMNS: three streams for a robot's episode, one for a person's."""
    stream = first_stream
    known = (None if math.isnan(one) else one for one in lags_ms.tolist())
    columns = zip(takes.robot.tolist(), takes.duration_s.tolist(), known, strict=True)
    for episode, (robot, duration, late_ms) in enumerate(columns, first_episode):
        if robot:
            pictures = round(duration * 30.0)
            yield stream, episode, "top", "video", pictures, 30.0, None
            yield stream + 1, episode, "wrist", "video", pictures, 30.0, late_ms
            yield stream + 2, episode, "joints", "series", round(duration * 50.0), 50.0, None
            stream += 3
        else:
            yield stream, episode, "video", "video", round(duration * 30.0), 30.0, None
            stream += 1


def measurement_rows(
    rng: np.random.Generator, takes: Takes, lags_ms: Floats, first_stream: int
) -> Iterator[tuple[int, str, float]]:
    """Rows of MEASUREMENT_COLUMNS: what summed each stream up."""
    n = len(takes)
    # the wrist camera of the bad rig loses sharpness as it goes out of focus
    wrist = rng.normal(21.0, 1.8, n) * (1.0 - 0.68 * takes.blurred)
    edge = rng.normal(1.05, 0.07, n) * (1.0 + 1.9 * takes.blurred)
    top, person = rng.normal(24.0, 1.5, n), rng.normal(17.0, 3.0, n)
    luma = rng.normal(118.0, 9.0, n)
    gap = 1.0 / 30.0 + rng.exponential(0.004, n)
    columns = (takes.robot, top, wrist, person, edge, luma, lags_ms, gap)
    rounded = (c if c.dtype == np.bool_ else np.round(c, 4) for c in columns)
    stream = first_stream
    for row in zip(*(column.tolist() for column in rounded), strict=True):
        robot, top_at, wrist_at, person_at, edge_at, luma_at, lag_at, gap_at = row
        if robot:
            yield stream, "sharpness_median", top_at
            yield stream, "luma_median", luma_at
            yield stream, "gap_max_s", gap_at
            yield stream + 1, "sharpness_median", wrist_at
            yield stream + 1, "edge_px_median", edge_at
            if not math.isnan(lag_at):
                yield stream + 1, "offset_ms", lag_at
            stream += 3
        else:
            yield stream, "sharpness_median", person_at
            yield stream, "luma_median", luma_at
            yield stream, "gap_max_s", gap_at
            stream += 1
