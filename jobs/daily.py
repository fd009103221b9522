"""What is due once a day: samples of what the machine accepted go to reviewers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.exc import IntegrityError

from dailies.database import Record
from review.lots import draw_lots

OVER_AFTER = dt.timedelta(hours=36)
"""From a day's start in UTC until it is over in every time zone (the last is UTC-12)."""

LOOK_BACK_DAYS = 7
"""Days that are made up for, where nothing ran meanwhile."""


def draw_due_lots(record: Record, *, now: dt.datetime) -> tuple[int, ...]:
    """Draws the lots of the last days that are over everywhere; ids of the new ones.

    A day is drawn once, whoever asks: of two processes that draw at once the second finds it done.
    """
    last = (now.astimezone(dt.UTC) - OVER_AFTER).date()
    days = [last - dt.timedelta(days=back) for back in reversed(range(LOOK_BACK_DAYS))]
    return tuple(lot for day in days for lot in _drawn(record, day, now))


def _drawn(record: Record, day: dt.date, now: dt.datetime) -> tuple[int, ...]:
    try:
        return draw_lots(record, day, now=now)
    except IntegrityError:  # another process has just drawn that day's
        return ()
