"""An episode that is unlike the others of its task or its rig."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.measures.measurements import Measurements
from quality.measures.others import Length, Seen, Turned


def unlike_others(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a length far from the task's others, light far from the rig's (sigmas), and cameras
    that hang otherwise or look elsewhere.

    Needs ``others``, which are looked up among what was screened before; without them nothing is
    said. A camera hangs otherwise where its picture, turned back, agrees better by ``turned``, else
    it looks elsewhere where it agrees by ``elsewhere`` or less.
    """
    if measurements.others is None:
        return
    # asked beside the others alone, the streams are not there to tell how long it is
    whole = Span(0, measurements.duration_ns or round(measurements.others.seconds * NS))
    length = measurements.others.length
    grade = limits.grade(abs(length.sigmas)) if length else None
    if length and grade:
        measured = round(abs(length.sigmas), 1)
        yield _LENGTH.flag(grade, None, whole, measured, limits.limit(grade), _lasts(length))
    for one in measurements.others.turned:
        better = round(one.turned - one.as_is, 2)
        if better >= limits["turned"]:
            limit = limits["turned"]
            yield _TURNED.flag(Grade.SUSPECT, one.stream, whole, better, limit, _hangs(one))
    turned = {one.stream for one in measurements.others.turned}
    for seen in measurements.others.seen:
        grade, limit = limits.grade(abs(seen.sigmas)), limits["elsewhere"]
        if grade:
            far = round(abs(seen.sigmas), 1)
            yield _LIGHT.flag(grade, seen.stream, whole, far, limits.limit(grade), _light(seen))
        elif seen.as_is is not None and seen.as_is <= limit and seen.stream not in turned:
            alike = round(seen.as_is, 2)
            yield _MOVED.flag(Grade.SUSPECT, seen.stream, whole, alike, limit, _moved(seen))


def _lasts(length: Length) -> str:
    return (
        f"lasts {length.seconds:.1f} s, where {length.count} others of its task last "
        f"{length.usual_s:.1f} s in the median ({abs(length.sigmas):.1f} times their spread)"
    )


def _hangs(turned: Turned) -> str:
    return (
        f"is {turned.way} against {turned.count} earlier recordings of its rig (correlation "
        f"{turned.turned:.2f} when turned back, {turned.as_is:.2f} as it is)"
    )


def _light(seen: Seen) -> str:
    way = "darker" if seen.sigmas < 0 else "brighter"
    return (
        f"is {way} than {seen.count} earlier recordings of its rig (mean luma {seen.luma:.0f}, "
        f"theirs {seen.usual_luma:.0f} in the median)"
    )


def _moved(seen: Seen) -> str:
    return f"shows another view than {seen.count} earlier recordings of its rig, which agree"


UNLIKE_OTHERS = Check(
    name="unlike_others",
    says="The episode is unlike the others: far longer or shorter, far darker or brighter, or a "
    "camera hangs otherwise or looks elsewhere.",
    unit="sigmas",
    remedy="Look whether the whole task was done, and once.",
    needs=("others",),
    function=unlike_others,
    settings=("turned", "elsewhere"),
)
_LENGTH = Finder.of(UNLIKE_OTHERS)
_LIGHT = replace(_LENGTH, remedy="Look at the lamps, the blinds and the camera's exposure.")
_TURNED = replace(
    _LENGTH, unit="of correlation", remedy="Mount the camera as before, or turn its pictures."
)
_MOVED = replace(_TURNED, remedy="Look whether the camera was knocked, or the rig was moved.")
