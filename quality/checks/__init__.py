"""The checks: pure functions from measurements and limits to flags. All of them stand in CHECKS."""

from __future__ import annotations

from quality.checks import control, motion, people, sound, stuck, sync, task, timing, touch
from quality.checks.bits import TOO_FEW_BITS
from quality.checks.blur import BLUR, MOTION_BLUR
from quality.checks.check import Check, Finder, Limits
from quality.checks.colour import COLOUR_CAST, NO_COLOUR, TORN_PICTURE
from quality.checks.copied import COPIED_CLIP
from quality.checks.counts import COUNT_MISMATCH, TOO_SHORT
from quality.checks.drops import DROPPED_FRAMES
from quality.checks.exposure import BLACK_PICTURE, OVEREXPOSED, UNDEREXPOSED
from quality.checks.flicker import FLICKER
from quality.checks.frozen import FROZEN_PICTURE
from quality.checks.grain import BLOCKINESS, NOISE
from quality.checks.lens import DIRTY_LENS
from quality.checks.problems import CORRUPT_STREAM, MISSING_STREAM
from quality.checks.screens import FILMED_SCREEN
from quality.checks.shift import OUTSIDE_SHIFT
from quality.checks.size import PICTURE_SIZE_CHANGED
from quality.checks.unlike import UNLIKE_OTHERS

__all__ = ["BY_NAME", "CHECKS", "Check", "Finder", "Limits", "by_name"]

CHECKS: tuple[Check, ...] = (
    BLUR,
    DROPPED_FRAMES,
    sync.CHECK,
    FROZEN_PICTURE,
    BLACK_PICTURE,
    OVEREXPOSED,
    UNDEREXPOSED,
    COUNT_MISMATCH,
    MISSING_STREAM,
    CORRUPT_STREAM,
    TOO_SHORT,
    # pictures: light, colour, size, noise, lens
    MOTION_BLUR,
    FLICKER,
    TORN_PICTURE,
    COLOUR_CAST,
    NO_COLOUR,
    PICTURE_SIZE_CHANGED,
    NOISE,
    BLOCKINESS,
    TOO_FEW_BITS,
    DIRTY_LENS,
    FILMED_SCREEN,
    # series: values, motion, times, touch; then the task
    motion.NOT_A_NUMBER,
    stuck.STUCK_JOINT,
    stuck.FLAT_SERIES,
    stuck.DEAD_DIMENSION,
    stuck.JOINT_LIMIT,
    motion.SPIKE,
    motion.UNREACHABLE_JUMP,
    motion.JERKY_MOTION,
    motion.GRIPPER_CHATTER,
    motion.IDLE,
    control.ACTION_LAG,
    control.ACTION_OFFSET,
    control.WRONG_UNITS,
    control.CROSSED_JOINTS,
    timing.SERIES_GAP,
    timing.BAD_TIMES,
    timing.UNEVEN_SAMPLES,
    timing.WRONG_RATE,
    touch.FORCE_SATURATION,
    touch.FORCE_DRIFT,
    touch.FORCE_FLAT,
    touch.NO_CONTACT,
    task.TOO_LONG,
    task.LABEL_MISSING,
    task.STEPS_MISSING,
    task.STEPS_OUT_OF_ORDER,
    sound.SILENT_SOUND,
    sound.CLIPPED_SOUND,
    sound.HUM,
    people.FACE_IN_VIEW,
    people.NO_HAND,
    sync.SOUND_OFFSET,
    # what was there before
    COPIED_CLIP,
    UNLIKE_OTHERS,
    # in the record
    OUTSIDE_SHIFT,
)


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    """The checks by name. Raises ValueError where two have the same one."""
    named = {check.name: check for check in checks}
    if len(named) < len(checks):
        names = [check.name for check in checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two checks are called {', '.join(twice)}: give one another name")
    return named


BY_NAME = by_name(CHECKS)
