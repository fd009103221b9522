"""Why a clip is rejected or accepted: the checks' own names, and what only a person sees."""

from __future__ import annotations

from collections.abc import Collection

CHECKS = (
    "blur",
    "dropped_frames",
    "sync_drift",
    "frozen_picture",
    "black_picture",
    "overexposed",
    "underexposed",
    "count_mismatch",
    "missing_stream",
    "corrupt_stream",
    "too_short",
)
"""Checks whose name is a reason also where they never flagged anything in this record."""

PEOPLE = {
    "wrong_task": "another task than the one named",
    "incomplete": "the task was not finished",
    "failed_attempt": "the task was tried and failed",
    "hands_out_of_view": "hands or gripper cannot be seen",
    "idle": "nothing happens for long",
    "privacy": "shows a face, a screen, a name or a child",
    "unsafe": "somebody could be hurt",
    "staged": "the same thing filmed again, or acted for the camera",
    "other": "something else: say what in the note",
}
"""Reasons that only a person sees, and what each means."""

USABLE = {
    "false_alarm": "what the check flagged is not there",
    "harmless": "it is there and does no harm to this task",
    "other": "something else: say why in the note",
}
"""Reasons for accepting a clip that the machine failed."""


class NoReason(ValueError):
    """A decision whose reason is missing or unknown; the text says what is needed."""


def require_reason(
    decision: str, reason: str | None, note: str | None, *, verdict: str, flagged: Collection[str]
) -> None:
    """Raises NoReason where a decision lacks what it needs.

    Rejected and retake need the name of a check (``flagged`` are those that flagged anything in
    this record) or one of PEOPLE; accepted needs one of USABLE where ``verdict`` is fail, and none
    otherwise. ``other`` needs a note.
    """
    if decision == "accepted":
        if reason is None and verdict != "fail":
            return
        allowed = dict.fromkeys([*USABLE])
        what = "accepting a clip that the machine failed needs a reason"
    else:
        allowed = dict.fromkeys([*flagged, *CHECKS, *PEOPLE])
        what = "a rejection needs a reason"
    if reason is None:
        raise NoReason(f"{what}: {', '.join(allowed)}")
    if reason not in allowed:
        raise NoReason(f"{reason!r} is no reason for {decision}: use {', '.join(allowed)}")
    if reason == "other" and not (note or "").strip():
        raise NoReason("the reason other says nothing by itself: write a note")
