"""The task that was recorded: too long for it, without a label, steps missing or out of order."""

from __future__ import annotations

from collections.abc import Iterator

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.measures.measurements import Measurements


def too_long(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording that lasts as long (s) as the limit, or longer; give a task its own."""
    duration_s = measurements.duration_ns / NS
    grade = limits.grade(duration_s)
    if grade:
        span = Span(round(limits.suspect * NS), measurements.duration_ns)
        what = f"lasts {duration_s:.1f} s"
        yield _LONG.flag(grade, None, span, duration_s, limits.limit(grade), what)


def label_missing(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording that names no task, where the policy asks for one (``require`` 1)."""
    if limits["require"] and not (measurements.task or "").strip():
        grade = limits.grade(1) or Grade.SUSPECT
        whole = Span(0, measurements.duration_ns)
        yield _LABEL.flag(grade, None, whole, 1, limits.limit(grade), "names no task")


def steps_missing(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a recording with fewer labelled steps than its task has (steps missing).

    ``expected`` is how many the task has, 0 where that is not known. A step labelled twice counts
    once.
    """
    if not limits["expected"]:
        return
    missing = limits["expected"] - len({step.label for step in measurements.steps})
    grade = limits.grade(missing) if missing > 0 else None
    if grade:
        found = ", ".join(dict.fromkeys(step.label for step in measurements.steps)) or "none"
        whole = Span(0, measurements.duration_ns)
        what = f"{missing:.0f} of {limits['expected']:.0f} steps missing (there: {found})"
        yield _MISSING.flag(grade, None, whole, missing, limits.limit(grade), what)


def steps_out_of_order(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags labelled steps that overlap, end before they start, or lie outside the recording.

    ``slack_s`` is allowed, for labels are set by hand.
    """
    slack_ns = limits["slack_s"] * NS
    ends_ns = measurements.duration_ns
    wrong = []
    for at, step in enumerate(measurements.steps):
        before = measurements.steps[at - 1] if at else None
        if step.end_ns < step.start_ns:
            wrong.append((step, "ends before it starts"))
        elif before is not None and step.start_ns < before.end_ns - slack_ns:
            wrong.append((step, f'starts before "{before.label}" has ended'))
        elif step.start_ns < -slack_ns or (ends_ns and step.end_ns > ends_ns + slack_ns):
            wrong.append((step, "lies outside the recording"))
    grade = limits.grade(len(wrong)) if wrong else None
    if grade:
        step, why = wrong[0]
        start = min(max(step.start_ns, 0), max(ends_ns, 0))
        span = Span(start, max(start, min(step.end_ns, ends_ns)))
        what = f'step "{step.label}" {why}'
        yield _ORDER.flag(grade, None, span, len(wrong), limits.limit(grade), what)


TOO_LONG = Check(
    name="too_long",
    says="The recording is too long for its task.",
    unit="s",
    remedy="Stop the recording when the task is done, or cut it.",
    needs=("duration_ns",),
    function=too_long,
)
LABEL_MISSING = Check(
    name="label_missing",
    says="The recording does not say which task it is of.",
    unit="labels",
    remedy="Name the task in the recording's metadata.",
    needs=("task",),
    function=label_missing,
    settings=("require",),
)
STEPS_MISSING = Check(
    name="steps_missing",
    says="Fewer steps are labelled than the task has.",
    unit="steps",
    remedy="Label the missing steps, or retake the whole task.",
    needs=("steps",),
    function=steps_missing,
    settings=("expected",),
)
STEPS_OUT_OF_ORDER = Check(
    name="steps_out_of_order",
    says="Labelled steps overlap, end before they start, or lie outside the recording.",
    unit="steps",
    remedy="Correct the labels' times.",
    needs=("steps",),
    function=steps_out_of_order,
    settings=("slack_s",),
)
_LONG = Finder.of(TOO_LONG)
_LABEL = Finder.of(LABEL_MISSING)
_MISSING = Finder.of(STEPS_MISSING)
_ORDER = Finder.of(STEPS_OUT_OF_ORDER)
