"""When a clip began, held against its shift: looked up in the record, not measured."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from dailies.days import zone_info


@dataclass(frozen=True)
class Worked:
    """A shift and when a clip of it began, all of them instants with their zone.

    ``zone`` is the site's IANA zone. ``by`` says whose clock told the beginning: the "recording"
    (its log, its sensors, what is written beside it) or the "file" (the container's creation time,
    which a program that exports the clip may have set later).
    """

    shift: str
    started_at: dt.datetime
    ended_at: dt.datetime
    zone: str
    began_at: dt.datetime
    by: Literal["recording", "file"] = "recording"

    @property
    def outside_min(self) -> float:
        """Minutes by which the clip began before the shift did, or after it had ended; else 0.

        A file's clock counts only where it is too early. Many cameras write the time on their
        display and call it UTC: such a time is read both ways, and the nearer one counts.
        """
        early = [(self.started_at - at).total_seconds() / 60 for at in self.readings]
        if self.by == "file":
            return max(min(early), 0.0)
        late = (self.began_at - self.ended_at).total_seconds() / 60
        return max(*early, late, 0.0)

    @property
    def readings(self) -> tuple[dt.datetime, ...]:
        """The instants that the beginning may mean."""
        if self.by == "recording":
            return (self.began_at,)
        shown = self.began_at.astimezone(dt.UTC).replace(tzinfo=zone_info(self.zone))
        return self.began_at, shown
