"""Live: what is landing now. Instants are naive and in UTC, as the mirror gives them.

``now`` is an instant with its zone; None means this moment. Of a ``filter`` the sites, tasks,
workers, rigs and program count, and not its days; None leaves everything.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrics.asking import Filter, ask, ask_one, instant

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class LandingNow:
    """A path on its way in. ``age_s``: since it was seen."""

    path: str
    state: str  # waiting, screening, failed
    seen_at: dt.datetime
    age_s: float
    claimed_by: str | None
    error: str | None


@dataclass(frozen=True)
class LatestEpisode:
    """One episode of the feed, newest judged first. ``lag_s``: from landed whole to its verdict."""

    episode_id: int
    path: str
    episode_index: int
    site_id: str | None
    rig_id: str | None
    worker_id: str | None
    task_id: str | None
    verdict: str
    decision: str | None
    duration_s: float
    landed_at: dt.datetime
    judged_at: dt.datetime
    lag_s: float
    flag_check: str | None  # of the worst flag
    flag_message: str | None
    measurements: str | None
    is_duplicate: bool
    is_example: bool


@dataclass(frozen=True)
class LivePlace:
    """What landed of a site or rig lately. ``place_id`` None: unknown.

    Verdicts are counted of what is no duplicate.
    """

    place_id: str | None
    landed: int
    good: int
    unknown: int
    suspect: int
    fail: int
    duplicates: int
    recorded_h: float
    last_landed_at: dt.datetime


@dataclass(frozen=True)
class PulseMinute:
    """Episodes judged in the minute that starts at ``minute_at``; 60 minutes, none left out."""

    minute_at: dt.datetime
    episodes: int
    not_good: int


@dataclass(frozen=True)
class IntakeTiles:
    """The intake in one row. Lags (s) are from landed whole to verdict, in the span asked for."""

    judged: int
    lag_p50_s: float | None
    lag_p95_s: float | None
    waiting: int
    screening: int
    failed: int
    oldest_waiting_s: float | None


def landing_now(
    mirror: Mirror, *, now: dt.datetime | None = None, limit: int = 200
) -> tuple[LandingNow, ...]:
    """Paths waiting, being screened or failed: screening first, then waiting, then failed."""
    return ask(mirror, "landing_now", LandingNow, {"now": instant(now), "limit": limit})


def latest_episodes(
    mirror: Mirror, n: int = 50, *, filter: Filter | None = None
) -> tuple[LatestEpisode, ...]:
    """The ``n`` episodes judged last, newest first."""
    return ask(mirror, "latest_episodes", LatestEpisode, {"limit": n} | _places(filter))


def live_by_site(
    mirror: Mirror,
    *,
    minutes: int = 1440,
    now: dt.datetime | None = None,
    filter: Filter | None = None,
) -> tuple[LivePlace, ...]:
    """What landed in the last ``minutes``, by site, most first."""
    return ask(mirror, "live_by_site", LivePlace, _span(minutes, now) | _places(filter))


def live_by_rig(
    mirror: Mirror,
    *,
    minutes: int = 1440,
    now: dt.datetime | None = None,
    filter: Filter | None = None,
) -> tuple[LivePlace, ...]:
    """What landed in the last ``minutes``, by rig, most first."""
    return ask(mirror, "live_by_rig", LivePlace, _span(minutes, now) | _places(filter))


def intake_pulse(
    mirror: Mirror,
    *,
    minutes: int = 60,
    now: dt.datetime | None = None,
    filter: Filter | None = None,
) -> tuple[PulseMinute, ...]:
    """Episodes judged per minute in the last ``minutes`` minutes, oldest first."""
    return ask(mirror, "intake_pulse", PulseMinute, _span(minutes, now) | _places(filter))


def intake(
    mirror: Mirror,
    *,
    minutes: int = 1440,
    now: dt.datetime | None = None,
    filter: Filter | None = None,
) -> IntakeTiles:
    """Lag over the last ``minutes``, and the queue as it stands (of all places)."""
    row = ask_one(mirror, "intake", IntakeTiles, _span(minutes, now) | _places(filter))
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def _places(filter: Filter | None) -> dict[str, Any]:
    if filter is None:
        return dict.fromkeys(("sites", "tasks", "workers", "rigs", "program"))
    return filter.parameters()


def _span(minutes: int, now: dt.datetime | None) -> dict[str, Any]:
    return {"now": instant(now), "minutes": minutes}
