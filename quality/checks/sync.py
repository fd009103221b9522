"""Streams that do not run on the same clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.remembered import once
from quality.measures.measurements import Measurements
from quality.measures.sync import SyncMeasures

DOUBT = 0.5
"""Standard errors taken off an offset. More would hide a lag of 133 ms in short episodes, and in
step none came near the limit."""
REMEDY = "calibrate the delay, or stamp all streams from one clock"
BY = {"heard": ", by their sounds", "through": ", through the robot", "content": "", "clock": ""}
"""How two streams were compared, as a message says it."""
ENDS_REMEDY = "start and stop all streams together, stamped from one clock"


def sync_drift(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags streams that lie further apart in time than the limits, and says from when.

    An offset counts as far as it is certain: less half its own standard error. An action leads the
    motion by the robot's control lag, which is allowed for. Cameras are held against each other
    only where the robot has not told already which of them is off.
    """
    off: set[str] = set()
    heard = {sound.name for sound in measurements.sounds}
    apart: set[tuple[str, float, float]] = set()
    for sync in measurements.sync:
        if not sync.tells:
            continue
        if sync.method == "clock":
            # series of one table share its clock: one flag says it
            kind = "sound" if sync.stream in heard else "ends"
            ends = (kind, round(sync.start_offset_ms, 3), round(sync.end_offset_ms, 3))
            yield from _apart(sync, limits, kind) if ends not in apart else ()
            apart.add(ends)
        elif sync.stream not in heard and not {sync.stream, sync.against} & off:
            for flag in _misaligned(sync, limits):
                off.add(sync.stream)
                yield flag
    if limits.settings.get("require"):
        yield from _untold(measurements, limits)


CHECK = Check(
    name="sync_drift",
    says="streams of the recording do not show the same moment at the same time",
    unit="ms",
    remedy=REMEDY,
    needs=("sync",),
    function=sync_drift,
    settings=(
        "control_lag_ms",
        "clock_suspect_ms",
        "clock_fail_ms",
        "ends_suspect_ms",
        "ends_fail_ms",
        "sound_suspect_ms",
        "sound_fail_ms",
        "require",
    ),
)

_FINDER = Finder(CHECK.name, CHECK.unit, CHECK.remedy)


def sound_offset(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags sound that is early or late against the pictures of its file (ms, as far as certain),
    by what both hold: claps, knocks, flashes with a beep. Late sound may be ``late_ms`` later.

    Where the two hold no such events, nothing is said.
    """
    names = {sound.name for sound in measurements.sounds}
    for sync in measurements.sync:
        if sync.method != "heard" or not sync.tells or sync.stream not in names:
            continue
        line = _line(sync, limits["late_ms"])
        measured = float(line.certain_ms.max())
        if grade := limits.grade(measured):
            yield _HEARD.flag(
                grade,
                sync.stream,
                line.beyond(limits.limit(Grade.SUSPECT)),
                measured,
                limits.limit(grade),
                f"{_course(sync)} against {sync.against}, by {len(sync.window_times_s)} events "
                f"that are heard and seen (± {sync.offset_error_ms or 0:.0f} ms)",
            )


SOUND_OFFSET = Check(
    name="sound_offset",
    says="The sound comes early or late against the pictures of its file.",
    unit="ms",
    remedy="correct the recorder's sound delay, or stamp both from one clock",
    needs=("sync",),
    function=sound_offset,
    settings=("late_ms",),
)
_HEARD = Finder.of(SOUND_OFFSET)


@dataclass(frozen=True)
class _Line:
    """How far a stream is off over the overlap [ms], and how much of that is certain."""

    times_ns: np.ndarray[tuple[int], np.dtype[np.float64]]
    offsets_ms: np.ndarray[tuple[int], np.dtype[np.float64]]
    certain_ms: np.ndarray[tuple[int], np.dtype[np.float64]]

    def beyond(self, limit_ms: float) -> Span:
        """From the first to the last time at which what is certain exceeds a limit."""
        at = np.flatnonzero(self.certain_ms >= limit_ms)
        return Span(round(self.times_ns[at[0]]), round(self.times_ns[at[-1]]))


@once
def _line(sync: SyncMeasures, allowed_ms: float) -> _Line:
    """The offset over the overlap, less what is allowed of a late stream."""
    times_ns = np.linspace(sync.start_ns, sync.end_ns, 1001)
    from_middle_s = (times_ns - times_ns.mean()) / NS
    offsets_ms = (sync.offset_ms or 0.0) + (sync.drift_ppm or 0.0) * from_middle_s / 1e3
    drift_error_ms = (sync.drift_error_ppm or 0.0) * from_middle_s / 1e3
    error_ms = np.hypot(sync.offset_error_ms or 0.0, drift_error_ms)
    beyond_ms = np.where(offsets_ms > 0, np.maximum(offsets_ms - allowed_ms, 0), -offsets_ms)
    return _Line(times_ns, offsets_ms, beyond_ms - DOUBT * error_ms)


def _misaligned(sync: SyncMeasures, limits: Limits) -> Iterator[Flag]:
    line = _line(sync, limits["control_lag_ms"] if sync.reference == "action" else 0.0)
    worst = int(np.argmax(line.certain_ms))
    grade = limits.grade(float(line.certain_ms[worst]))
    if grade is None:
        return
    yield _FINDER.flag(
        grade,
        sync.stream,
        line.beyond(limits.limit(Grade.SUSPECT)),
        float(np.abs(line.offsets_ms[worst])),
        limits.limit(grade),
        f"{_course(sync)} against {sync.against}{BY[sync.method]}",
    )


def _course(sync: SyncMeasures) -> str:
    """What the offset does, in words: "133 ms late", or its start, end and rate."""
    if not sync.drift_ppm:
        return _late(sync.offset_ms or 0.0)
    return (
        f"{_late(sync.start_offset_ms)} at the start, {_late(sync.end_offset_ms)} at the end "
        f"(drift {sync.drift_ppm:.0f} ppm)"
    )


def _late(offset_ms: float) -> str:
    return f"{abs(offset_ms):.0f} ms {'late' if offset_ms >= 0 else 'early'}"


def _apart(sync: SyncMeasures, limits: Limits, kind: str) -> Iterator[Flag]:
    """Streams whose time stamps start or end apart, or run away from each other row by row."""
    starts, ends = sync.start_offset_ms, sync.end_offset_ms
    measured = max(map(abs, (starts, ends, *sync.window_offsets_ms)))
    kind = "clock" if sync.window_times_s else kind
    grades = Limits(limits[f"{kind}_suspect_ms"], limits[f"{kind}_fail_ms"])
    grade = grades.grade(measured)
    if grade is None:
        return
    yield _FINDER.flag(
        grade,
        sync.stream,
        _where_apart(sync, grades.suspect),
        measured,
        grades.limit(grade),
        f"by {'its samples' if kind == 'sound' else 'its time stamps'} starts {_late(starts)} and "
        f"ends {_late(ends)} against {sync.against}",
        remedy=ENDS_REMEDY,
    )


def _where_apart(sync: SyncMeasures, limit_ms: float) -> Span:
    """From when the clocks are apart; where samples do not pair up, the missing start or end."""
    beyond = np.flatnonzero(np.abs(np.array(sync.window_offsets_ms)) >= limit_ms)
    if len(beyond):
        first_ns = round(sync.window_times_s[int(beyond[0])] * NS)
        return Span(min(first_ns, sync.end_ns), sync.end_ns)
    if abs(sync.start_offset_ms) >= limit_ms and abs(sync.end_offset_ms) >= limit_ms:
        return Span(sync.start_ns, sync.end_ns)
    if abs(sync.end_offset_ms) >= limit_ms:
        return Span(sync.end_ns - round(abs(sync.end_offset_ms) * 1e6), sync.end_ns)
    return Span(sync.start_ns, sync.start_ns + round(abs(sync.start_offset_ms) * 1e6))


def _untold(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Unknown, where the policy requires an answer and none of the streams' content gives one."""
    sounds = {sound.name for sound in measurements.sounds}
    compared = [
        sync
        for sync in measurements.sync
        if sync.method != "clock" and sync.stream not in sounds  # which says nothing of cameras
    ]
    if any(sync.tells for sync in compared):
        return
    why = ", ".join(sorted({sync.reason for sync in compared})) or "nothing to compare with"
    yield _FINDER.flag(
        Grade.UNKNOWN,
        None,
        Span(0, measurements.duration_ns),
        0.0,
        limits.suspect,
        f"cannot tell whether the streams are in step ({why})",
        remedy="look at it, or clap once in view of every camera at the start",
    )
