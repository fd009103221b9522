"""A site's days: the date that a clock on the wall shows where the work is done."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo


class UnknownZone(ValueError):
    """A time zone that is not in the IANA list."""


@functools.lru_cache(maxsize=1024)
def zone_info(zone: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone of that name. Raises UnknownZone, saying what a zone looks like."""
    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(
            f"{zone!r} is no IANA time zone: write it as in Europe/Berlin or America/Chicago"
        ) from error


def local_day(instant: dt.datetime, zone: str) -> dt.date:
    """The date at ``instant`` (which must carry its zone) on the clocks of the IANA ``zone``.

    Raises ValueError for an instant without a zone, UnknownZone for a zone that there is not.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone: an instant needs one")
    return instant.astimezone(zone_info(zone)).date()
