"""People: faces that are in view, for privacy, and hands that are not although the task is theirs.

Both need a detector whose model the user gives. Without one nothing was looked for, and a check
says nothing, or that it cannot tell where the policy demands an answer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Mask, joined, runs
from quality.measures.measurements import Measurements
from quality.measures.people import Looks
from quality.measures.pictures import Pictures

Times = npt.NDArray[np.int64]


def face_in_view(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which a camera's pictures show a face.

    A picture that was looked at stands for the time half-way to the ones before and after it.
    """
    for camera in measurements.cameras:
        looks = camera.faces
        if not len(looks.times_ns):
            continue
        seen = (looks.counts > 0) & (looks.score >= limits["score"])
        seen &= looks.width * 100 >= limits["width"]
        starts_ns, ends_ns = _stands(looks, camera.span)
        for start, stop in joined(runs(seen), limits["join_s"] / looks.every_s):
            span = Span(int(starts_ns[start]), int(ends_ns[stop - 1]))
            seconds = span.duration_ns / NS
            if grade := limits.grade(seconds):
                largest = float(looks.width[start:stop].max() * 100)
                what = f"a face of up to {largest:.0f} % of the width is seen for {seconds:.1f} s"
                yield _FACE.flag(grade, camera.name, span, seconds, limits.limit(grade), what)


def no_hand(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches (s) in which no camera sees a hand.

    Only where the policy says that the task is done by hand: ``require`` 1. Unknown where nobody
    looked. A picture in which there is nothing to be seen counts as if it showed a hand.
    """
    if not limits["require"]:
        return
    looking = [camera for camera in measurements.cameras if len(camera.hands.times_ns)]
    if not looking:
        whole = Span(0, measurements.duration_ns)
        what = "no picture was looked at for hands"
        yield _HAND.flag(Grade.UNKNOWN, None, whole, 0.0, limits.suspect, what, remedy=_NO_MODEL)
        return
    name = looking[0].name if len(looking) == 1 else None
    for span, seconds in _without_hands(looking, limits):
        if grade := limits.grade(seconds):
            what = f"no hand is seen for {seconds:.1f} s"
            yield _HAND.flag(grade, name, span, seconds, limits.limit(grade), what)


def _stands(looks: Looks, span: Span) -> tuple[Times, Times]:
    """From when to when each look stands, (k,) each, in ns: half-way to its neighbours, but no
    further than to where the next one was due.
    """
    far, times = round(looks.every_s * NS), looks.times_ns
    between = times[:-1] + np.diff(times) // 2
    starts = np.maximum(np.concatenate(([span.start_ns], between)), times - far)
    ends = np.minimum(np.concatenate((between, [span.end_ns])), times + far)
    return starts, ends


def _without_hands(looking: list[Pictures], limits: Limits) -> Iterator[tuple[Span, float]]:
    """The stretches between pictures that show a hand, or may: each span, half-way to those, and
    for how many seconds of it pictures were looked at.
    """
    times = np.concatenate([camera.hands.times_ns for camera in looking])
    shows = np.concatenate([_may_show(camera, limits) for camera in looking])
    order = np.argsort(times, kind="stable")
    times, shows = times[order], shows[order]
    first = min(camera.span.start_ns for camera in looking)
    last = max(camera.span.end_ns for camera in looking)
    edges = np.concatenate(([first], times[:-1] + np.diff(times) // 2, [last]))
    # pictures that no camera delivered show neither hand nor table
    most_ns = round(looking[0].hands.every_s * NS)
    for start, stop in runs(~shows).tolist():
        span = Span(int(edges[start]), int(edges[stop]))
        between = np.diff([span.start_ns, *times[start:stop].tolist(), span.end_ns])
        yield span, float(np.minimum(between, most_ns).sum()) / NS


def _may_show(camera: Pictures, limits: Limits) -> Mask:
    looks = camera.hands
    found: Mask = (looks.counts > 0) & (looks.score >= limits["score"])
    return found | (camera.contrast[looks.numbers] < limits["contrast"])


_NO_MODEL = (
    "Name a model that finds hands (--hand-model, DAILIES_HAND_MODEL) and screen again; where "
    "pictures have no colour, look at the clip."
)

FACE_IN_VIEW = Check(
    name="face_in_view",
    says="A face is in the picture.",
    unit="s",
    remedy="Blur the face, or ask whoever it is for consent, before the clip is handed on.",
    needs=("cameras.face_count", "cameras.face_score", "cameras.face_width"),
    function=face_in_view,
    settings=("score", "width", "join_s"),
)
NO_HAND = Check(
    name="no_hand",
    says="No hand is in the picture although the task is done by hand.",
    unit="s",
    remedy="Aim the camera at the hands, and retake.",
    needs=("cameras.hand_count", "cameras.hand_score", "cameras.contrast"),
    function=no_hand,
    settings=("require", "score", "contrast"),
)
_FACE = Finder.of(FACE_IN_VIEW)
_HAND = Finder.of(NO_HAND)
