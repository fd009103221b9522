"""Force and torque sensors: saturated, drifting, flat, or never touched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.columns import (
    Indexes,
    column_name,
    column_runs,
    columns_of,
    judgeable,
    moves,
    names_of,
)
from quality.checks.stuck import sample_span
from quality.measures.measurements import Measurements
from quality.measures.series import SeriesMeasures


def wrenches(measurements: Measurements) -> Iterator[tuple[SeriesMeasures, Indexes]]:
    """The series that hold forces or torques, and which of their columns do."""
    for series in measurements.series:
        if judgeable(series) and series.role != "action":
            columns = columns_of(series, "wrench")
            if len(columns):
                yield series, columns


def force_saturation(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a force that stays at its very extreme to the last digit (s): the sensor is clipped.

    A run counts from ``samples``, in a column that does not repeat otherwise (``repeat_share``).
    Exactly 0 is no end of a range: a simulated force is that where nothing touches.
    """
    for series, columns in wrenches(measurements):
        values, extent = series.filled[:, columns], series.extent[columns]
        step = moves(series).step[:, columns]
        top, bottom = values == values.max(axis=0), values == values.min(axis=0)
        zero = values == -np.asarray(series.origin, np.float32)[columns]
        for mask in (top & ~zero & (extent > 0), bottom & ~zero & (extent > 0)):
            found = column_runs(mask)
            for column, start, stop in found[found[:, 2] - found[:, 1] >= limits["samples"]]:
                inside = mask[1:, column] & mask[:-1, column]
                others = (step[:, column] == 0) & ~inside
                if others.mean() > limits["repeat_share"]:
                    continue
                span = sample_span(series, int(start), int(stop))
                seconds = span.duration_ns / NS
                grade = limits.grade(seconds)
                if grade:
                    name = column_name(series, int(columns[column]))
                    what = f"{name} is clipped for {seconds:.2f} s"
                    limit = limits.limit(grade)
                    yield _SATURATED.flag(grade, series.name, span, seconds, limit, what)


def force_drift(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a force whose value at rest is another one at the end than at the start (% of range).

    At rest: it hardly changes in the first and last ``rest_s`` (``quiet`` of its range), and the
    robot, where its state is known, has come back to where it was (``pose`` of each range); what
    it holds or how it leans would change the force too.
    """
    if not _came_back(measurements, limits["pose"]):
        return
    for series, columns in wrenches(measurements):
        width = round(limits["rest_s"] * NS / max(series.period_ns, 1))
        if width < 3 or series.count < 4 * width:
            continue
        values = series.filled[:, columns].astype(np.float64)
        head, tail = values[:width], values[-width:]
        low, high = np.percentile(values, (1, 99), axis=0)
        scale = np.maximum(high - low, 1e-12)
        rests = np.maximum(head.std(axis=0), tail.std(axis=0)) <= limits["quiet"] * scale
        shift = 100 * np.abs(np.median(tail, axis=0) - np.median(head, axis=0)) / scale
        shift = np.where(rests & (series.extent[columns] > 0), shift, 0.0)
        grade = limits.grade(float(shift.max()))
        if grade:
            off = np.flatnonzero(shift >= limits.suspect)
            has = "has" if len(off) == 1 else "have"
            names = names_of(series, columns[off])
            what = f"{names} at rest {has} moved by {shift.max():.0f} % of the range"
            limit = limits.limit(grade)
            yield _DRIFT.flag(grade, series.name, series.span, float(shift.max()), limit, what)


def _came_back(measurements: Measurements, share: float) -> bool:
    """Whether every robot state known ends where it started."""
    states = [one for one in measurements.series if one.role == "state" and judgeable(one)]
    for state in states:
        columns = columns_of(state, "joint", "gripper")
        extent = state.extent[columns]
        apart = np.abs(state.filled[-1, columns] - state.filled[0, columns])
        if len(columns) and (apart > share * np.maximum(extent, 0.1 * extent.max())).any():
            return False
    return bool(states)


def force_flat(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a force sensor that gives one and the same value from start to end (s).

    One beside others that change is suspect at most, a set value perhaps. All zeros are, too, and
    in a series that holds other things as well they are a field that nobody fills.
    """
    for series, columns in wrenches(measurements):
        seconds = series.span.duration_ns / NS
        grade = limits.grade(seconds)
        zero = not np.any(np.asarray(series.origin)[columns])
        if grade is None:
            continue
        if series.extent[columns].any():
            yield from _flat_beside(series, columns, seconds, limits)
            continue
        if zero and len(columns) < series.values.shape[1]:
            continue
        grade = Grade.SUSPECT if zero else grade
        what = f"no force changes in all its {seconds:.1f} s"
        yield _FLAT.flag(grade, series.name, series.span, seconds, limits.limit(grade), what)


def _flat_beside(
    series: SeriesMeasures, columns: Indexes, seconds: float, limits: Limits
) -> Iterator[Flag]:
    """Forces that are stuck beside at least as many that change; 0 may be an axis that is not
    measured."""
    origin = np.asarray(series.origin)[columns]
    flat = columns[(series.extent[columns] == 0) & (origin != 0)]
    if 0 < len(flat) <= np.count_nonzero(series.extent[columns]):
        what = f"{names_of(series, flat, 'never change')} in all {seconds:.1f} s, the others do"
        yield _FLAT.flag(Grade.SUSPECT, series.name, series.span, seconds, limits.suspect, what)


def no_contact(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording in which no force rises above the noise at its start (times the noise).

    Only where the policy says that the task needs a contact: ``require`` 1. Unknown where no force
    is recorded.
    """
    if not limits["require"]:
        return
    best: tuple[float, SeriesMeasures] | None = None
    for series, columns in wrenches(measurements):
        width = max(round(limits["rest_s"] * NS / max(series.period_ns, 1)), 3)
        values = series.filled[:, columns].astype(np.float64)
        bias = np.median(values[:width], axis=0)
        noise = np.median(np.abs(np.diff(values, axis=0)), axis=0) / (0.6745 * np.sqrt(2))
        # the 99th percentile: a single sample is no contact
        strength = np.percentile(np.abs(values - bias), 99, axis=0)
        changes = series.extent[columns] > 0
        times = float((strength / np.maximum(noise, 1e-12))[changes].max(initial=0))
        best = max(best or (0.0, series), (min(times, 1e6), series), key=lambda one: one[0])
    whole = Span(0, measurements.duration_ns)
    if best is None:
        yield _CONTACT.flag(
            Grade.UNKNOWN,
            None,
            whole,
            0.0,
            limits.suspect,
            "has no force that could tell of contact",
        )
        return
    times, series = best
    grade = limits.grade(times)
    if grade:
        what = f"no force rises above {times:.1f} times its noise"
        yield _CONTACT.flag(grade, series.name, whole, times, limits.limit(grade), what)


FORCE_SATURATION = Check(
    name="force_saturation",
    says="A force or torque is clipped at the end of the sensor's range.",
    unit="s",
    remedy="Use a sensor of a wider range, or press less, and retake.",
    needs=("series.values",),
    function=force_saturation,
    settings=("samples", "repeat_share"),
)
FORCE_DRIFT = Check(
    name="force_drift",
    says="A force at rest is another at the end than at the start.",
    unit="%",
    remedy="Let the sensor warm up, zero it, and retake.",
    needs=("series.values",),
    function=force_drift,
    settings=("rest_s", "quiet", "pose"),
)
FORCE_FLAT = Check(
    name="force_flat",
    says="A force sensor gives one and the same value all along.",
    unit="s",
    remedy="Check the sensor's cable and driver, and retake.",
    needs=("series.values",),
    function=force_flat,
)
NO_CONTACT = Check(
    name="no_contact",
    says="No force rises above the noise although the task needs a contact.",
    unit="times",
    remedy="Look whether the task was done, check the sensor, and retake.",
    needs=("series.values",),
    function=no_contact,
    worse="lower",
    settings=("require", "rest_s"),
)
_SATURATED = Finder.of(FORCE_SATURATION)
_DRIFT = Finder.of(FORCE_DRIFT)
_FLAT = Finder.of(FORCE_FLAT)
_CONTACT = Finder.of(NO_CONTACT)
