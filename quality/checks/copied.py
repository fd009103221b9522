"""A clip that was handed in before: encoded anew, cut, mirrored, or made faster or slower."""

from __future__ import annotations

from collections.abc import Iterator

from dailies.words import NS, Flag
from quality.checks.check import Check, Finder, Limits
from quality.measures.measurements import Measurements
from quality.measures.sketch import Copy

AS_FAST = 0.03
"""A speed within this of 1 is the same speed."""
RETIMED = 60.0
"""Share (%) of what moves in a copy at another speed, at least: who makes a clip faster does so to
all of it, and the next repetition of a chore is a little faster or slower in parts."""


def copied_clip(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags each camera of which a share (%) of what moves was seen in an earlier recording.

    Needs ``copies``, which are looked up among all that was screened before; without them nothing
    is said. ``correlation`` is how well the moves must agree.
    """
    for copy in measurements.copies:
        share = round(100 * copy.share, 1)
        grade = limits.grade(share)
        if _is_retimed(copy) and share < RETIMED:
            continue
        if grade and copy.correlation >= limits["correlation"]:
            limit = limits.limit(grade)
            yield _FINDER.flag(grade, copy.stream, copy.span, share, limit, _what(copy))


def _is_retimed(copy: Copy) -> bool:
    return abs(copy.speed - 1) > AS_FAST


def _what(copy: Copy) -> str:
    start_s, end_s = copy.of_span.start_ns / NS, copy.of_span.end_ns / NS
    how = ", mirrored" if copy.mirrored else ""
    if _is_retimed(copy):
        how += f", at {copy.speed:.2f} times its speed"
    return (
        f"{100 * copy.share:.0f} % of what moves was seen before, in {copy.of}, {copy.of_stream} "
        f"from {start_s:.1f} to {end_s:.1f} s{how} (correlation {copy.correlation:.2f})"
    )


COPIED_CLIP = Check(
    name="copied_clip",
    says="The clip was handed in before: encoded anew, cut, mirrored, or at another speed.",
    unit="%",
    remedy="Compare the two, and reject the later one.",
    needs=("copies",),
    function=copied_clip,
    settings=("correlation",),
)
_FINDER = Finder.of(COPIED_CLIP)
