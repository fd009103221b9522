"""Streams that are missing or cannot be read to their end."""

from __future__ import annotations

from collections.abc import Iterator

from dailies.words import Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import kinds
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.sound import SoundMeasures


def reported(measurements: Measurements, finder: Finder) -> Iterator[Flag]:
    """The reader's problems of this check, as flags of grade fail in the reader's own words."""
    whole = Span(0, measurements.duration_ns)
    for problem in measurements.problems:
        if problem.check == finder.check:
            yield Flag(
                finder.check, Grade.FAIL, problem.stream, whole, 1.0, 0.0, "problems",
                problem.message,
            )  # fmt: skip


def missing_stream(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags each stream that the metadata promises and that is not there (streams).

    Settings say how many of a kind every recording must have. One without any camera is unknown:
    there was nothing to look at.
    """
    yield from reported(measurements, _MISSING)
    told = {problem.stream for problem in measurements.problems}
    whole = Span(0, measurements.duration_ns)
    for camera in measurements.cameras:
        promised = camera.container_count or camera.error
        if not camera.count and not promised and camera.name not in told:
            yield _MISSING.flag(Grade.FAIL, camera.name, whole, 1, limits.fail, "holds no picture")
    for series in measurements.series:
        if not series.count and series.name not in told:
            yield _MISSING.flag(Grade.FAIL, series.name, whole, 1, limits.fail, "holds no sample")
    yield from _required(measurements, limits)
    if not measurements.cameras and not measurements.problems:
        what = "has no camera, so no picture could be judged"
        yield _MISSING.flag(
            Grade.UNKNOWN, None, whole, 0, limits.suspect, what, remedy="Look at the recording."
        )


def _required(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    sampled = [series for series in measurements.series if series.count]
    roles = [series.role for series in sampled]
    there = {
        "cameras": sum(bool(camera.count) for camera in measurements.cameras),
        "states": roles.count("state"),
        "actions": roles.count("action"),
        "forces": sum("wrench" in kinds(series) for series in sampled),
        "sounds": sum(bool(sound.sample_count) for sound in measurements.sounds),
    }
    for kind, count in there.items():
        lacking = limits[kind] - count
        grade = limits.grade(lacking) if lacking > 0 else None
        if grade:
            what = f"has {count} {kind}, {limits[kind]:g} must be there"
            whole = Span(0, measurements.duration_ns)
            yield _MISSING.flag(grade, None, whole, lacking, limits.limit(grade), what)


def corrupt_stream(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags streams that cannot be decoded whole: the share (%) of pictures lost."""
    yield from reported(measurements, _CORRUPT)
    told = {one.stream for one in measurements.problems if one.check == "corrupt_stream"}
    for camera in measurements.cameras:
        if camera.name not in told:
            yield from _broken_camera(camera, measurements.duration_ns, limits)
    for sound in measurements.sounds:
        yield from _broken_sound(sound, limits)


def _broken_camera(camera: Pictures, duration_ns: int, limits: Limits) -> Iterator[Flag]:
    promised = max(camera.packet_count or 0, camera.container_count or 0)
    gone = max(promised - camera.count, 0) + camera.broken_count
    lost = min(100 * gone / promised, 100.0) if promised else 0.0
    if not camera.count and camera.error:
        lost = 100.0
    elif camera.lost_from_ns is None and lost < limits.fail:
        return
    grade = limits.grade(lost) or Grade.SUSPECT
    start = camera.lost_from_ns if camera.lost_from_ns is not None else camera.span.end_ns
    start = max(start, 0) if camera.count else 0
    span = Span(start, max(start, duration_ns, camera.span.end_ns))
    why = f" ({camera.error})" if camera.error else ""
    what = f"{lost:.1f} % of the pictures are lost{why}"
    yield _CORRUPT.flag(grade, camera.name, span, lost, limits.limit(grade), what)


def _broken_sound(sound: SoundMeasures, limits: Limits) -> Iterator[Flag]:
    promised = sound.declared_count
    lost = 100 * max(promised - sound.sample_count, 0) / promised if promised else 0.0
    if not sound.sample_count and (promised or sound.error):
        lost = 100.0
    if sound.error or lost >= limits.fail:
        # sound that is lost never fails footage by itself
        why = f" ({sound.error})" if sound.error else ""
        what = f"{lost:.1f} % of the sound is lost{why}"
        limit = limits.limit(Grade.SUSPECT)
        yield _CORRUPT.flag(Grade.SUSPECT, sound.name, sound.span, lost, limit, what)


MISSING_STREAM = Check(
    name="missing_stream",
    says="A stream that the metadata promises is not there.",
    unit="streams",
    remedy="Find the file and land it again, or retake.",
    needs=("problems",),
    function=missing_stream,
    settings=("cameras", "states", "actions", "forces", "sounds"),
)
CORRUPT_STREAM = Check(
    name="corrupt_stream",
    says="A stream cannot be decoded whole.",
    unit="%",
    remedy="Copy the file again from the rig, or retake.",
    needs=("problems", "cameras.error", "cameras.lost_from_ns"),
    function=corrupt_stream,
)
_MISSING = Finder.of(MISSING_STREAM)
_CORRUPT = Finder.of(CORRUPT_STREAM)
