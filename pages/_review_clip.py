"""What the Review page shows of one clip; of a blind look nothing that would betray it.

Neither the verdict nor the worker stands there, and flags that fail look like those that are
suspect: a clip that the machine accepted or failed comes to a reviewer only as a second look, a
sample, a blind check or an appeal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dailies.access import Role, Visitor
from dailies.mirror import Mirror
from metrics import blame, episodes
from metrics import review as asked
from pages import _facts
from pages._player import shown
from pages._words import check_words, seconds
from review.queue import Claim
from review.reasons import CHECKS, PEOPLE, USABLE

BLAMED_DAYS = 28
"""Days up to the clip's own from which the likely cause of a flag is told."""

BLAMED_CHECKS = 3

Reason = dict[str, Any]
"""One reason to choose: its name, its words, what it means, and whether a key takes it unchosen."""


def clip_data(
    mirror: Mirror, claim: Claim, visitor: Visitor, now: dt.datetime
) -> dict[str, Any] | None:
    """The clip for the browser; None where its episode is not there any more."""
    facts = episodes.episode(mirror, claim.episode_id)
    if facts is None:
        mirror.refresh()  # it landed within the last second
        facts = episodes.episode(mirror, claim.episode_id)
    if facts is None:
        return None
    found = episodes.episode_flags(mirror, facts.episode_id)
    flags = [replace(flag, grade="suspect") if flag.grade == "fail" else flag for flag in found]
    streams = episodes.episode_streams(mirror, facts.episode_id)
    measured = _facts.measured(facts.measurements)
    checks = [flag.check_name for flag in flags if flag.grade == "suspect"]
    expected = f", expected {seconds(facts.expected_s)}" if facts.expected_s else ""
    return shown(facts, streams, flags, measured, visitor) | {
        "claim": claim.id,
        "title": facts.task or facts.task_id or Path(facts.path).name,
        "under": " · ".join(
            filter(None, (f"{seconds(facts.duration_s)}{expected}", facts.rig_id, facts.site))
        ),
        "facts": f"{facts.camera_model or ''} {facts.format}".strip(),
        "reasons": {
            "rejected": rejecting(checks),
            # of any clip that was flagged, so that the question itself tells nothing
            "accepted": accepting(checks) if checks or facts.verdict == "fail" else [],
        },
        "causes": _causes(mirror, facts, list(dict.fromkeys(checks))),
        "appeal": _appeal(mirror, claim, now) if claim.purpose == "appeal" else None,
        "past": _past(mirror, facts) if _may_look_back(claim, visitor) else [],
    }


def rejecting(flagged: Sequence[str]) -> list[Reason]:
    """Reasons to reject, those that the checks propose first.

    A key takes the first without its being chosen, so only what a check proposes is ``usual``.
    """
    checks = dict.fromkeys([*flagged])
    others = [check for check in CHECKS if check not in checks]
    return [
        *(
            {"reason": one, "words": check_words(one), "means": "flagged here", "usual": True}
            for one in checks
        ),
        *_people(PEOPLE),
        *({"reason": one, "words": check_words(one), "means": ""} for one in others),
    ]


def accepting(flagged: Sequence[str]) -> list[Reason]:
    """Reasons to accept what was flagged; the first is usual where a check says what it flagged."""
    first, *others = _people(USABLE)
    return [first | {"usual": bool(flagged)}, *others]


def _people(reasons: dict[str, str]) -> list[Reason]:
    return [
        {"reason": one, "words": one.replace("_", " "), "means": means}
        for one, means in reasons.items()
    ]


def _causes(mirror: Mirror, facts: episodes.EpisodeFacts, checks: Sequence[str]) -> list[str]:
    from_on = facts.worked_on - dt.timedelta(days=BLAMED_DAYS - 1)
    found = []
    for check in checks[:BLAMED_CHECKS]:
        causes = blame.likely_cause(
            mirror,
            check,
            from_on,
            facts.worked_on,
            rig=facts.rig_id,
            site=facts.site_id,
            task=facts.task_id,
            worker=facts.worker_id,
        )
        text = blame.blame(check, causes).text
        found.append(text.replace(check, check_words(check), 1))
    return found


def _appeal(mirror: Mirror, claim: Claim, now: dt.datetime) -> dict[str, Any] | None:
    mine = (one for one in asked.appeals(mirror, now) if one.appeal_id == claim.subject_id)
    one = next(mine, None)
    if one is None:
        return None
    what = one.against_decision or "the machine's verdict"
    by = "a second look" if one.brought_in_by == "second look" else one.brought_in_by
    return {
        "reason": one.reason,
        "left_s": (one.due_at.replace(tzinfo=dt.UTC) - now).total_seconds(),
        "under": f"against {what}; brought in by {by} on {one.brought_at:%-d %b %H:%M} UTC",
    }


def _may_look_back(claim: Claim, visitor: Visitor) -> bool:
    return Role.LEAD in visitor.roles and not claim.is_blind


def _past(mirror: Mirror, facts: episodes.EpisodeFacts) -> list[str]:
    """Verdict and decisions, oldest first; nothing where nobody decided yet, as in a blind look."""
    reviews = episodes.episode_reviews(mirror, facts.episode_id)
    if not reviews:
        return []
    lines = [f"verdict {facts.verdict} under {facts.policy}"]
    for one in reviews:
        why = f": {one.reason.replace('_', ' ')}" if one.reason else ""
        state = ", taken back" if one.undone_at else ", waits for a lead" if one.is_held else ""
        when = f"{one.decided_at:%-d %b %H:%M} UTC"
        lines.append(f"{one.kind} · {one.reviewer} {one.decision}{why}{state} · {when}")
    return lines
