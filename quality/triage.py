"""The verdict of a triage: what its sample of pictures and all else can tell, and no more.

Checks of times, counts, series, sound and task are asked as ever. Checks of single pictures are
asked with each looked-at picture standing for its surroundings. Checks of what happens from picture
to picture are asked of each stretch that was decoded whole, as if it were a recording of its own.
What looks odd and was not looked into is unknown. Good means that nothing odd was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dailies.recordings.contract import Metadata
from dailies.words import Flag, Grade, Span, Verdict
from quality.checks import BY_NAME, CHECKS
from quality.judge import judge, merged
from quality.measures.measurements import Measurements
from quality.measures.pictures import CURVES, Pictures
from quality.measures.triage import Look, Triage
from quality.policy import Policy

ODD_PACKETS = "odd_packets"
"""Name of the flag on a stretch that looks odd by its packets and was not looked into."""
ALONG = ("frozen_picture", "flicker", "motion_blur")
"""Checks that need every picture: asked of the stretches that were decoded whole."""
SINGLE = (
    "blur", "black_picture", "overexposed", "underexposed", "torn_picture", "colour_cast",
    "no_colour", "noise", "blockiness",
)  # fmt: skip
"""Checks of pictures one by one: their spans are told to within the sampling."""
NOT_LOOKED_AT = (
    "copied_clip", "dirty_lens", "face_in_view", "filmed_screen", "flicker", "frozen_picture",
    "hidden_drops", "motion_blur", "no_hand", "sound_offset", "sync_by_content",
    "unlike_others",
)  # fmt: skip
"""What a triage does not look for. Frozen, flickering and motion-blurred pictures are found all the
same in the stretches that were decoded whole; hidden drops are not, for a stretch is too little to
tell them from what the camera does all the time."""
HOLD_S = 1.0
"""So far a looked-at picture stands for what is around it; beyond is the camera's usual."""


def judge_triage(triage: Triage, policy: Policy, metadata: Metadata | None = None) -> Verdict:
    """The verdict on an episode by its triage; never to be taken for that of a full screening."""
    measured = triage.measurements
    whole = tuple(check for check in CHECKS if check.name not in (*NOT_LOOKED_AT, *SINGLE))
    still = replace(measured, cameras=tuple(_timed(look.camera) for look in triage.looks))
    flags = list(judge(still, policy, metadata, whole).flags)
    for look in triage.looks:
        flags += _singly(look, measured, policy, metadata)
        for start, stop in look.runs:
            flags += _along(part(look.camera, start, stop), measured, policy, metadata)
        flags += _left(look)
    named = [check.name for check in CHECKS] + [ODD_PACKETS]
    found = [
        flag for name in named for flag in merged(flag for flag in flags if flag.check == name)
    ]
    return Verdict.of(policy.id, tuple(found))


def seen_count(triage: Triage) -> tuple[int, int]:
    """How many pictures were looked at, and how many there are."""
    seen = sum(int(look.seen.sum()) for look in triage.looks)
    return seen, sum(look.camera.count for look in triage.looks)


def part(camera: Pictures, start: int, stop: int) -> Pictures:
    """Pictures [start, stop) of a camera, as a camera of its own that promises nothing."""
    curves: dict[str, Any] = {
        name: getattr(camera, name)[start:stop]
        for name in (*CURVES, "repeat", "times_ns")
        if len(getattr(camera, name)) == camera.count
    }
    two = np.nan_to_num(camera.motion_two[start:stop])
    keys = camera.keys[(camera.keys >= start) & (camera.keys < stop)] - start
    return Pictures(
        name=camera.name,
        clock=camera.clock,
        declared_rate_hz=camera.declared_rate_hz,
        motion_two=two,
        keys=keys,
        **curves,
    )


_NONE = np.empty(0, np.float32)
_UNFOLLOWED: dict[str, Any] = {
    "motion_two": _NONE,
    "step_share": _NONE,
    "step_error": _NONE,
    "loss_odds": _NONE,
    "loss_blocks": _NONE,
    "loss_amount": _NONE,
    "way": np.empty((0, 2), np.float32),
}
"""What pictures that do not follow one another cannot show."""


def held(look: Look) -> Pictures:
    """The camera with each looked-at picture standing for what is around it.

    Up to HOLD_S, but not back over a cut, and not beyond the ends of what was decoded whole. What
    is left takes the median of the looked-at pictures. Where all were looked at in turn, as where
    a container carries them one by one, it is the camera as a full screening sees it.
    """
    camera, at = look.camera, np.flatnonzero(look.seen)
    if not len(at) or look.runs == ((0, camera.count),):
        return camera
    near = _nearest(look, at)
    curves: dict[str, Any] = {}
    for name in CURVES:
        values = getattr(camera, name)
        known = values[at]
        told = np.isfinite(known)
        usual = np.float32(np.median(known[told])) if told.any() else np.float32(np.nan)
        curves[name] = np.where(near >= 0, values[np.maximum(near, 0)], usual)
    curves["motion"] = np.full(camera.count, np.nan, np.float32)
    return replace(camera, **_UNFOLLOWED, **curves)


def _nearest(look: Look, at: Any) -> Any:
    """For each picture the looked-at one that stands for it, -1 where none does, shape (n,)."""
    times = look.camera.times_ns
    numbers = np.arange(look.camera.count)
    after = np.searchsorted(at, numbers)
    later = at[np.minimum(after, len(at) - 1)]
    earlier = at[np.maximum(np.searchsorted(at, numbers, side="right") - 1, 0)]
    back = np.where(earlier <= numbers, times - times[earlier], np.iinfo(np.int64).max)
    ahead = np.where(later >= numbers, times[later] - times, np.iinfo(np.int64).max)
    ends = np.zeros((2, look.camera.count), np.bool_)
    for start, stop in look.runs:
        ends[0, start], ends[1, max(stop - 1, start)] = True, True
    ahead[(look.cuts[later] | ends[0, later]) & (later > numbers)] = np.iinfo(np.int64).max
    back[ends[1, earlier] & (earlier < numbers)] = np.iinfo(np.int64).max
    nearest = np.where(back <= ahead, earlier, later)
    return np.where(np.minimum(back, ahead) <= HOLD_S * 1e9, nearest, -1)


def _timed(camera: Pictures) -> Pictures:
    """A camera whose times count and whose pictures say nothing."""
    unknown = np.full(camera.count, np.nan, np.float32)
    return replace(camera, motion=unknown, changed_share=unknown, **_UNFOLLOWED)


def _singly(
    look: Look, measured: Measurements, policy: Policy, metadata: Metadata | None
) -> Iterator[Flag]:
    alone = Measurements(cameras=(held(look),), task=measured.task)
    checks = [BY_NAME[name] for name in SINGLE]
    times = look.camera.times_ns
    for flag in judge(alone, policy, metadata, checks).flags if look.seen.any() else ():
        inside = (times >= flag.span.start_ns) & (times < flag.span.end_ns)
        seen, count = int(look.seen[inside].sum()), int(inside.sum())
        # one picture alone does not say how long it lasts
        grade = Grade.SUSPECT if flag.grade is Grade.FAIL and seen < 2 else flag.grade
        note = "" if seen == count else f" ({seen} of {count} pictures there were looked at)"
        yield replace(flag, grade=grade, message=flag.message + note)


def _along(
    camera: Pictures, measured: Measurements, policy: Policy, metadata: Metadata | None
) -> Iterator[Flag]:
    alone = Measurements(cameras=(camera,), series=measured.series, task=measured.task)
    found = judge(alone, policy, metadata, [BY_NAME[name] for name in ALONG]).flags
    return (flag for flag in found if flag.grade is not Grade.UNKNOWN)


def _left(look: Look) -> Iterator[Flag]:
    times, name = look.camera.times_ns, look.camera.name
    for odd in look.left:
        span = Span(int(times[odd.start]), max(int(times[odd.stop - 1]), int(times[odd.start])))
        count = odd.stop - odd.start
        message = (
            f"{name}: {odd.why} at {span.start_ns / 1e9:.1f} s, {count} pictures that the triage "
            "did not look into: screen the recording in full"
        )
        yield Flag(ODD_PACKETS, Grade.UNKNOWN, name, span, count, 0, "pictures", message)
