"""Blame before penalty: whose flag it is, from where else the check flags."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.asking import ask

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class Cause:
    """How often a check flags at one rig, site, task or worker, and everywhere else.

    ``apart`` leaves out what the clip's own worker recorded there (for site, task and worker: what
    was recorded on the clip's own rig), so that one does not speak for the other.
    """

    kind: str
    id: str
    episodes: int
    flagged: int
    share: float | None
    share_low: float | None
    share_high: float | None
    apart: int
    apart_flagged: int
    apart_low: float | None
    apart_high: float | None
    rest: int
    rest_flagged: int
    rest_share: float | None
    rest_low: float | None
    rest_high: float | None
    others: int  # other workers there; for the worker, other rigs
    others_flagged: int  # of them, with any flagged clip

    @property
    def is_frequent(self) -> bool:
        """Whether the check flags more often here than elsewhere, interval beside interval."""
        return _is_above(self.share_low, self.rest_high)

    @property
    def is_frequent_apart(self) -> bool:
        """The same without those who might themselves be the cause."""
        return _is_above(self.apart_low, self.rest_high)

    @property
    def evidence(self) -> str:
        """Where else it occurs, in a few words."""
        if self.kind == "worker":
            where, who = f"of worker {self.id}", "other rigs"
        else:
            where, who = f"{_on(self.kind)} {self.id}", "other workers"
        rest = "" if self.rest_share is None else f", {self.rest_share:.0%} elsewhere"
        rate = "" if self.share is None else f" ({self.share:.0%} of clips{rest})"
        if not self.others:
            return f"no {who} {where}{rate}"
        return f"also on {self.others_flagged} of {self.others} {who} {where}{rate}"


@dataclass(frozen=True)
class Blame:
    """The likely cause of a flag: ``kind`` is rig, site, task or worker, None where it is open."""

    kind: str | None
    id: str | None
    text: str


def likely_cause(
    mirror: Mirror,
    check: str,
    from_on: dt.date,
    to_on: dt.date,
    *,
    rig: str | None,
    site: str | None,
    task: str | None,
    worker: str | None,
) -> tuple[Cause, ...]:
    """How often ``check`` flags at the clip's rig, site, task and worker in a span of days."""
    parameters = {"check_name": check, "from_on": from_on, "to_on": to_on}
    named = {"rig": rig, "site": site, "task": task, "worker": worker}
    return ask(mirror, "likely_cause", Cause, parameters | named)


def blame(check: str, causes: tuple[Cause, ...]) -> Blame:
    """What most likely causes a check's flags: the narrowest that stands out by itself.

    A rig stands out where other workers on it are flagged more often than those elsewhere; a site,
    a task or a worker where they are on other rigs. Nothing is blamed on what cannot be told apart.
    """
    found = {cause.kind: cause for cause in causes}
    for kind in ("rig", "site", "task", "worker"):
        cause = found.get(kind)
        if cause is not None and cause.is_frequent and cause.is_frequent_apart:
            return Blame(kind, cause.id, f"{check} is likely {_whose(cause)}: {cause.evidence}")
    rig, worker = found.get("rig"), found.get("worker")
    if rig and worker and rig.is_frequent and worker.is_frequent:
        if not rig.apart and not worker.apart:
            why = f"only {worker.id} works on {rig.id}, and nowhere else"
        else:
            why = f"too few clips of {worker.id} on other rigs, and of others on {rig.id}"
        return Blame(None, None, f"{check}: rig or worker cannot be told apart: {why}")
    often = next((cause for cause in causes if cause.is_frequent), None)
    if often is not None:
        text = (
            f"{check} is frequent {_on(often.kind)} {often.id}, without a cause: {often.evidence}"
        )
        return Blame(None, None, text)
    return Blame(None, None, f"{check} is not more frequent here than elsewhere")


def _whose(cause: Cause) -> str:
    what = {"task": "the task's instruction"}.get(cause.kind, f"the {cause.kind}'s")
    return f"{what} ({cause.id})"


def _on(kind: str) -> str:
    return {"rig": "on rig", "site": "at site", "task": "in task", "worker": "of worker"}[kind]


def _is_above(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low > high
