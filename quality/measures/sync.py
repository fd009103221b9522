"""How far apart two streams' clocks are, by what they show and by their time stamps.

By content a camera is held against the robot's joints, or against another camera: see ``align``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Clock, Series
from dailies.words import NS
from quality.measures.align import align
from quality.measures.series import RARE_NS
from quality.measures.sound import SoundMeasures
from quality.measures.tracks import Floats, Moving, Reference, Track, camera_track, series_track

MIDST_S, MIDST_SHARE = 1.0, 0.1
"""How long after the first stream's start and before the last one's end a command that is only sent
now and then must lie: in seconds, and as a share of the whole."""


@dataclass(frozen=True)
class SyncMeasures:
    """How ``stream`` lies in time against ``against``: positive is late, negative is early.

    ``method``: "content" compares what the two show, "through" is the difference of two cameras'
    offsets against the same series, "heard" goes by sounds (a sound against the pictures of its
    file, or two cameras by their sounds), "clock" compares time stamps alone: how much later the
    stream starts and ends. ``offset_ms`` is at the middle of [start_ns, end_ns); ``drift_ppm`` is
    its growth in microseconds a second, 0 where none could be shown; ``*_error_*`` are one standard
    error. ``correlation`` is that of the two motions once aligned, ``residual_ms`` the spread of
    ``window_offsets_ms`` about the line. Where ``tells`` is False, ``reason`` says why, and what
    could not be measured is None.
    """

    stream: str
    against: str
    method: Literal["content", "through", "heard", "clock"]
    tells: bool
    reason: str
    start_ns: int
    end_ns: int
    reference: Reference
    offset_ms: float | None = None
    drift_ppm: float | None = None
    offset_error_ms: float | None = None
    drift_error_ppm: float | None = None
    correlation: float | None = None
    residual_ms: float | None = None
    window_times_s: tuple[float, ...] = ()
    window_offsets_ms: tuple[float, ...] = ()

    @property
    def is_of_robot(self) -> bool:
        """Whether it tells of a camera against the robot's state, by what both show."""
        return self.tells and self.method == "content" and self.reference == "state"

    def offset_at(self, time_ns: int) -> float:
        """The offset in ms at an instant of the recording; NaN where it does not tell."""
        if self.offset_ms is None or self.drift_ppm is None:
            return math.nan
        from_middle_s = (time_ns - (self.start_ns + self.end_ns) / 2) / NS
        return self.offset_ms + self.drift_ppm * from_middle_s / 1e3

    @property
    def start_offset_ms(self) -> float:
        """Offset at the start of the overlap [ms]."""
        return self.offset_at(self.start_ns)

    @property
    def end_offset_ms(self) -> float:
        """Offset at the end of the overlap [ms]."""
        return self.offset_at(self.end_ns)


def measure_sync(
    pictures: Sequence[Moving],
    series: Sequence[Series],
    heard: Sequence[tuple[SoundMeasures, Moving]] = (),
    by_sound: Sequence[SyncMeasures] = (),
) -> tuple[SyncMeasures, ...]:
    """Every camera against the robot, cameras against each other, and all streams' ends; those of
    sound, ``heard``, against the camera of the same file.

    ``by_sound`` is what sounds have told already. A camera of which they tell is held against the
    first one by the robot where that tells, which needs no sound to be in step with its pictures;
    else by them, for they are more exact than motion. Those that tell nothing are left out.

    The reference is the series of role "state"; without one "action", and without that the others.
    Cameras go through the robot where both of them can be told against the same series, else they
    are compared with the first camera directly. Never raises for odd values.
    """
    cameras = {camera.name: camera_track(camera) for camera in pictures}
    robot = [series_track(one) for one in references(series)]
    against_robot = [
        max((_compare(camera, one) for one in robot), key=_clarity)
        for camera in cameras.values()
        if robot
    ]
    pairs = {
        (pair.stream, pair.against): pair for pair in _pairs(list(cameras.values()), against_robot)
    }
    by_robot = {key for key, pair in pairs.items() if pair.method == "through"}
    told = [one for one in by_sound if one.tells and (one.stream, one.against) not in by_robot]
    known = {(one.stream, one.against) for one in told}
    by_picture = [pair for key, pair in pairs.items() if key not in known]
    return (*against_robot, *told, *by_picture, *measure_clocks(pictures, series, heard))


def measure_clocks(
    pictures: Sequence[Moving],
    series: Sequence[Series],
    heard: Sequence[tuple[SoundMeasures, Moving]] = (),
) -> tuple[SyncMeasures, ...]:
    """What time stamps alone tell of all streams' ends; see ``measure_sync``."""
    return (*_clocks(pictures, series), *map(_ends_of_sound, heard))


def references(series: Sequence[Series]) -> list[Series]:
    """Those that cameras are held against: of role state, else action, else the others."""
    for role in ("state", "action", "other"):
        found = [one for one in series if one.role == role]
        if found:
            return found
    return []


def _clarity(sync: SyncMeasures) -> tuple[bool, float]:
    return sync.tells, sync.correlation or 0.0


def _pairs(cameras: list[Track], against_robot: list[SyncMeasures]) -> Iterator[SyncMeasures]:
    """Each camera against the first one."""
    for at in range(1, len(cameras)):
        if against_robot and (through := _through(against_robot[at], against_robot[0])):
            yield through
        else:
            yield _compare(cameras[at], cameras[0])


def _through(one: SyncMeasures, other: SyncMeasures) -> SyncMeasures | None:
    """A camera against another by way of the series that both were compared with."""
    if not (one.tells and other.tells and one.against == other.against):
        return None
    start, end = max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns)
    if end <= start:
        return None
    at_start = one.offset_at(start) - other.offset_at(start)
    at_end = one.offset_at(end) - other.offset_at(end)
    return SyncMeasures(
        one.stream,
        other.stream,
        "through",
        True,
        "",
        start,
        end,
        "camera",
        offset_ms=(at_start + at_end) / 2,
        drift_ppm=(at_end - at_start) * 1e3 / ((end - start) / NS),
        offset_error_ms=math.hypot(one.offset_error_ms or 0, other.offset_error_ms or 0),
        drift_error_ppm=math.hypot(one.drift_error_ppm or 0, other.drift_error_ppm or 0),
        correlation=min(one.correlation or 0, other.correlation or 0),
    )


def _compare(stream: Track, against: Track) -> SyncMeasures:
    """A stream against another by what they show."""
    found = align(stream, against)
    blank = SyncMeasures(stream.name, against.name, "content", False, "", 0, 0, against.reference)
    if isinstance(found, str):
        return replace(blank, reason=found)
    known = replace(
        blank,
        reason=found.doubt,
        start_ns=round(found.start_s * NS),
        end_ns=round(found.end_s * NS),
        correlation=found.correlation,
    )
    if found.doubt:
        return known
    from_middle_s = found.window_times_s - (found.start_s + found.end_s) / 2
    line_s = found.offset_s + found.drift * from_middle_s
    return replace(
        known,
        tells=True,
        offset_ms=found.offset_s * 1e3,
        drift_ppm=found.drift * 1e6,
        offset_error_ms=found.offset_error_s * 1e3,
        drift_error_ppm=found.drift_error * 1e6,
        residual_ms=1.4826e3 * float(np.median(np.abs(found.window_offsets_s - line_s))),
        window_times_s=tuple(found.window_times_s.tolist()),
        window_offsets_ms=tuple((found.window_offsets_s * 1e3).tolist()),
    )


@dataclass(frozen=True, eq=False)
class _Clocked:
    """A stream's time stamps, in order, in seconds, each the start of a period."""

    name: str
    reference: Reference
    clock: Clock
    times_s: Floats
    period_s: float

    @property
    def end_s(self) -> float:
        return float(self.times_s[-1] + self.period_s)


def _clocks(pictures: Sequence[Moving], series: Sequence[Series]) -> Iterator[SyncMeasures]:
    """Every stream's time stamps against those of the first camera, or of the first series."""
    cameras = [_clocked(one.name, "camera", one.clock, one.times_ns) for one in pictures]
    others = [_clocked(one.name, one.role, one.clock, one.times_ns) for one in series]
    steady = [stream for stream in others if _is_steady(stream.times_s)]
    # what comes rarely ends somewhere within its interval
    steady = [stream for stream in steady if stream.period_s * NS <= RARE_NS]
    clocked = [stream for stream in cameras if len(stream.times_s) > 1]
    clocked += [stream for stream in steady if not _is_within(stream, [*clocked, *steady])]
    for stream in clocked[1:]:
        yield _apart(stream, clocked[0])


def _ends_of_sound(together: tuple[SoundMeasures, Moving]) -> SyncMeasures:
    """How much later a sound starts and ends than the pictures of its file.

    A sound's samples are counted, so that pictures lost behind even time stamps show at its end.
    """
    sound, camera = together
    ends_s = np.array([sound.span.start_ns, sound.span.end_ns]) / NS
    return _apart(
        _Clocked(sound.name, "other", "measured", ends_s, period_s=0.0),
        _clocked(camera.name, "camera", camera.clock, camera.times_ns),
    )


def _is_steady(times_s: Floats) -> bool:
    """Whether samples come at a rate for four fifths of the time from the first to the last.

    One that speaks only when something happens (a key pressed) starts and ends when it likes.
    """
    if len(times_s) < 3:
        return False
    intervals = np.diff(times_s)
    usual = intervals <= 1.5 * np.median(intervals)
    return bool(intervals[usual].sum() >= 0.8 * intervals.sum())


def _is_within(stream: _Clocked, others: Sequence[_Clocked]) -> bool:
    """Whether a stream is a command that is sent only somewhere in the midst of a recording, while
    somebody drives. What breaks off, or is switched on late, keeps one of its ends.
    """
    if stream.reference != "action":
        return False
    start_s = min(float(one.times_s[0]) for one in others)
    end_s = max(one.end_s for one in others)
    far_s = max(MIDST_S, MIDST_SHARE * (end_s - start_s))
    return float(stream.times_s[0]) - start_s > far_s and end_s - stream.end_s > far_s


def _clocked(
    name: str, reference: Reference, clock: Clock, times_ns: npt.NDArray[np.int64]
) -> _Clocked:
    times_s = np.sort(np.asarray(times_ns, np.int64)) / NS
    period_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    return _Clocked(name, reference, clock, times_s, period_s)


def _apart(stream: _Clocked, against: _Clocked) -> SyncMeasures:
    """How much later a stream starts and ends than another by time stamps.

    Where both have equally many samples they belong together one by one, and the windows follow
    the run-away of the clocks.
    """
    starts_ms = float(stream.times_s[0] - against.times_s[0]) * 1e3
    ends_ms = (stream.end_s - against.end_s) * 1e3
    start_s = float(min(stream.times_s[0], against.times_s[0]))
    end_s = max(stream.end_s, against.end_s)
    paired = len(stream.times_s) == len(against.times_s)
    known = SyncMeasures(
        stream.name,
        against.name,
        "clock",
        False,
        "",
        round(start_s * NS),
        round(end_s * NS),
        against.reference,
    )
    if stream.clock == against.clock == "grid":
        return replace(known, reason="times made from a frame index")
    shown = np.linspace(0, len(stream.times_s) - 1, min(len(stream.times_s), 64)).astype(int)
    return replace(
        known,
        tells=True,
        offset_ms=(starts_ms + ends_ms) / 2,
        drift_ppm=(ends_ms - starts_ms) * 1e3 / max(end_s - start_s, 1e-9),
        window_times_s=tuple(stream.times_s[shown].tolist()) if paired else (),
        window_offsets_ms=tuple(
            ((stream.times_s - against.times_s)[shown] * 1e3).tolist() if paired else []
        ),
    )
