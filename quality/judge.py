"""Measurements and a policy make a verdict, in milliseconds and without opening a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dailies.recordings.contract import Metadata
from dailies.words import Flag, Span, Verdict, worst
from quality.checks import CHECKS, Check
from quality.measures.measurements import Measurements
from quality.policy import Policy


def judge(
    measurements: Measurements,
    policy: Policy,
    metadata: Metadata | None = None,
    checks: Iterable[Check] = CHECKS,
) -> Verdict:
    """The verdict on an episode: every check's flags under the limits that apply to it.

    ``checks`` are those to be asked, all unless told. The flags come in the order of the checks,
    then of streams and time.
    """
    who = metadata or Metadata()
    measurements = replace(  # what is known now comes before what was said when it was measured
        measurements,
        task=who.task or measurements.task,
        steps=who.steps or measurements.steps,
    )
    limits = policy.limits_for(who.task, who.site, who.rig)
    flags = [
        flag
        for check in checks
        for flag in merged(check.function(measurements, limits[check.name]))
    ]
    return Verdict.of(policy.id, tuple(flags))


def _place(flag: Flag) -> tuple[str, str, Span]:
    return flag.stream or "", flag.unit, flag.span


def merged(flags: Iterable[Flag]) -> Iterator[Flag]:
    """Flags of one check on one stream whose spans overlap made one: the worse one's words."""
    pending: Flag | None = None
    for flag in sorted(flags, key=_place):
        if pending is not None and _place(pending)[:2] == _place(flag)[:2] and _meet(pending, flag):
            pending = _joined(pending, flag)
            continue
        if pending is not None:
            yield pending
        pending = flag
    if pending is not None:
        yield pending


def _meet(one: Flag, other: Flag) -> bool:
    """Whether they overlap and measured the same thing: two problems of a stream stay two."""
    return one.unit != "problems" and other.span.start_ns < one.span.end_ns


def _joined(one: Flag, other: Flag) -> Flag:
    worse = one if worst([one.grade, other.grade]) is one.grade else other
    span = Span(one.span.start_ns, max(one.span.end_ns, other.span.end_ns))
    return Flag(
        worse.check, worse.grade, worse.stream, span, worse.measured, worse.limit, worse.unit,
        worse.message,
    )  # fmt: skip
