"""Blind checks: clips whose truth is known, mixed into the queue to measure who judges them.

Hit rate: known-bad clips that were rejected. False-alarm rate: known-good clips that were. Drift is
found by a cumulative sum of mistakes (CUSUM, Page 1954, Biometrika 41), for proportions as in
Steiner et al. 2000 (Biostatistics 1): S = max(0, S + w), w being the log-likelihood ratio of a
mistake's odds having doubled.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from dailies.database import Record
from dailies.record import BlindCheck
from review.standing import locked

ODDS_RATIO = 2.0
"""How much worse a reviewer has become when it is called drift: the odds of a mistake."""

ALARM = 3.0
"""Height of the sum that is called drift: e^3, twenty times likelier than no change."""


@dataclass(frozen=True)
class Drift:
    """Since when a reviewer drifts: index of the first check of the rise, and of the alarm."""

    since: int
    alarm: int


def set_blind_check(
    record: Record,
    episode_id: int,
    truth: str,
    *,
    set_by: str,
    now: dt.datetime,
    note: str | None = None,
) -> int:
    """Makes a clip a blind check (again, where it was retired); its id.

    Raises ValueError where ``truth`` is neither accepted nor rejected.
    """
    if truth not in ("accepted", "rejected"):
        raise ValueError(f"{truth!r} is no truth: accepted or rejected")
    with record.begin() as session:
        locked(session, episode_id)
        row = session.scalars(select(BlindCheck).where(BlindCheck.episode_id == episode_id)).first()
        if row is None:
            row = BlindCheck(episode_id=episode_id)
            session.add(row)
        row.truth, row.note, row.set_by, row.set_at = truth, note, set_by, now
        row.retired_at = None
        session.flush()
        return row.id


def retire_blind_check(record: Record, blind_id: int, *, now: dt.datetime) -> None:
    """Takes a blind check out of the queue; what was decided on it stays."""
    with record.begin() as session:
        session.get_one(BlindCheck, blind_id).retired_at = now


def drift(
    is_wrong: npt.NDArray[np.bool_],
    usual: float,
    *,
    odds_ratio: float = ODDS_RATIO,
    alarm: float = ALARM,
) -> Drift | None:
    """When a reviewer became worse than ``usual``, None where they did not, or recovered.

    ``is_wrong``: one entry a blind check, oldest first. ``usual`` is the share of mistakes of all,
    between 0 and 1 (kept within 0.01 and 0.5). The rise that stands at the end is reported.
    """
    base = min(max(usual, 0.01), 0.5)
    worse = odds_ratio * base / (1 - base + odds_ratio * base)
    weight = np.where(is_wrong, math.log(worse / base), math.log((1 - worse) / (1 - base)))
    total = np.concatenate([[0.0], np.cumsum(weight)])
    floor = np.minimum.accumulate(total)
    height = total - floor
    if not len(is_wrong) or height[-1] < alarm:
        return None
    since = int(np.flatnonzero(total == floor)[-1])  # the sum was last at zero before this check
    return Drift(since, since + int(np.argmax(height[since:] >= alarm)) - 1)
