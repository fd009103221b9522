"""What the metadata, the container, the pictures and the sensors say of their number and length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.problems import reported
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.series import SeriesMeasures

STATE_RATE = (
    'write {"rate_hz": ...} into NAME.json beside the file or store, into dailies.json of an RLDS '
    "folder"
)
REMEDY = "Export the recording again; if it stays, retake."


def count_mismatch(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags streams with other counts than promised (frames), or other lengths (s) than others."""
    yield from reported(measurements, _COUNT)
    for camera in measurements.cameras:
        if camera.count:
            yield from _picture_counts(camera, limits)
    for series in measurements.series:
        if series.declared_count is not None and series.count:
            yield from _counted(series, series.declared_count, "the metadata promises", limits)
    yield from _lengths(measurements, limits)


def _picture_counts(camera: Pictures, limits: Limits) -> Iterator[Flag]:
    if camera.declared_count is not None:
        yield from _counted(camera, camera.declared_count, "the metadata promises", limits)
    elif camera.container_count is not None:
        yield from _counted(camera, camera.container_count, "the container promises", limits)


def _counted(
    stream: Pictures | SeriesMeasures, promised: int, words: str, limits: Limits
) -> Iterator[Flag]:
    difference = abs(stream.count - promised)
    grade = limits.grade(difference)
    if grade:
        what = f"{stream.count} frames, {words} {promised}"
        limit = limits.limit(grade)
        yield _COUNT.flag(grade, stream.name, stream.span, difference, limit, what)


def _lengths(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Pictures must cover what the sensors cover, or without any what the other cameras do where
    no clock tells that; and all of it what the metadata promises.
    """
    sensed = max((one.span.end_ns for one in measurements.series if one.is_sampled), default=None)
    pictured = max((one.span.end_ns for one in measurements.cameras if one.count), default=None)
    for camera in measurements.cameras:
        if camera.count and sensed is not None:
            yield from _ends(camera.name, camera.span, sensed, "the sensors end", limits)
        elif camera.count and pictured is not None and camera.clock == "grid":
            yield from _ends(camera.name, camera.span, pictured, "another camera", limits)
    declared_s = measurements.declared_duration_s
    # where sensors and pictures disagree, that is said already: the pictures are what was promised
    ended = measurements.duration_ns if pictured is None else pictured
    if declared_s is not None and ended:
        whole = Span(0, ended)
        yield from _ends(None, whole, round(declared_s * NS), "the metadata says", limits)


def _ends(
    stream: str | None, span: Span, expected_ns: int, words: str, limits: Limits
) -> Iterator[Flag]:
    difference_s = round(abs(span.end_ns - expected_ns) / NS, 3)
    if difference_s < limits["length_suspect_s"]:
        return
    fails = difference_s >= limits["length_fail_s"]
    grade = Grade.FAIL if fails else Grade.SUSPECT
    limit = limits["length_fail_s"] if fails else limits["length_suspect_s"]
    between = Span(min(span.end_ns, expected_ns), max(span.end_ns, expected_ns))
    what = f"ends after {span.end_ns / NS:.2f} s, {words} {expected_ns / NS:.2f} s"
    yield _LENGTH.flag(grade, stream, between, difference_s, limit, what)


def too_short(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording that lasts no longer (s) than the limit: not a whole attempt at a task.

    Where nothing in it tells how fast it was recorded, its length is unknown.
    """
    duration_s = measurements.duration_ns / NS
    if duration_s > 0 and _is_assumed(measurements):
        what = (
            f"states neither times nor a rate, so that its length, {duration_s:.1f} s, is a guess"
        )
        whole = Span(0, measurements.duration_ns)
        yield _SHORT.flag(
            Grade.UNKNOWN, None, whole, duration_s, limits.suspect, what, remedy=STATE_RATE
        )
        return
    grade = limits.grade(duration_s)
    if grade and duration_s > 0:
        span = Span(0, measurements.duration_ns)
        what = f"lasts {duration_s:.2f} s"
        yield _SHORT.flag(grade, None, span, duration_s, limits.limit(grade), what)


def _is_assumed(measurements: Measurements) -> bool:
    """Whether all times are a row's number over a rate that nothing states."""
    clocks = [one.clock for one in measurements.cameras if one.count]
    clocks += [one.clock for one in measurements.series if one.count]
    return set(clocks) == {"assumed"}


COUNT_MISMATCH = Check(
    name="count_mismatch",
    says="Metadata, container, pictures and sensors disagree on their number or length.",
    unit="frames",
    remedy=REMEDY,
    needs=("cameras.count", "series.count", "problems"),
    function=count_mismatch,
    settings=("length_suspect_s", "length_fail_s"),
)
TOO_SHORT = Check(
    name="too_short",
    says="The recording is too short to be a whole attempt at a task.",
    unit="s",
    remedy="Record the whole task and retake.",
    needs=("duration_ns",),
    function=too_short,
    worse="lower",
)
_COUNT = Finder.of(COUNT_MISMATCH)
_SHORT = Finder.of(TOO_SHORT)
_LENGTH = replace(_COUNT, unit="s")
