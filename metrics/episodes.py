"""Episode: one take, with everything known about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.asking import Filter, ask, ask_one

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class EpisodeFacts:
    """An episode's metadata and verdict; instants are UTC, ``zone`` is the site's."""

    episode_id: int
    content: str
    path: str
    episode_index: int
    format: str
    program_id: str | None
    task_id: str | None
    task: str | None
    worker_id: str | None
    site_id: str | None
    site: str | None
    zone: str | None
    rig_id: str | None
    camera_model: str | None
    shift_id: str | None
    started_at: dt.datetime
    worked_on: dt.date
    landed_at: dt.datetime
    judged_at: dt.datetime
    duration_s: float
    expected_s: float | None
    verdict: str
    policy: str
    decision: str | None
    decided_at: dt.datetime | None
    duplicate_of: int | None
    error: str | None
    steps: str | None  # JSON
    expected_steps: str | None  # JSON
    measurements: str | None
    is_example: bool


@dataclass(frozen=True)
class EpisodeStream:
    """One stream of an episode."""

    stream_id: int
    name: str
    kind: str
    sample_count: int
    rate_hz: float | None
    file: str | None
    file_start_s: float | None
    file_end_s: float | None


@dataclass(frozen=True)
class EpisodeMeasurement:
    """One stored number; its name says its unit. ``value`` None: not measurable."""

    stream: str
    name: str
    value: float | None


@dataclass(frozen=True)
class EpisodeFlag:
    """One flag; times in seconds on the recording's clock."""

    flag_id: int
    check_name: str
    grade: str
    stream: str | None
    start_s: float
    end_s: float
    measured: float | None
    limit_value: float | None
    unit: str
    message: str


@dataclass(frozen=True)
class EpisodeReview:
    """One person's decision, oldest first; ``is_held``: waits for a lead before it counts."""

    review_id: int
    reviewer: str
    decision: str
    reason: str | None
    note: str | None
    policy: str
    decided_at: dt.datetime
    kind: str  # first, second, appeal, sample or lead
    undone_at: dt.datetime | None
    is_held: bool


@dataclass(frozen=True)
class EpisodeFound:
    """An episode that was looked for by its path."""

    episode_id: int
    path: str
    episode_index: int
    worked_on: dt.date
    site_id: str | None
    rig_id: str | None
    worker_id: str | None
    task_id: str | None
    duration_s: float


@dataclass(frozen=True)
class Neighbours:
    """The flagged episodes beside one, in order of start; None at the ends."""

    previous_id: int | None
    next_id: int | None


def episode(mirror: Mirror, episode_id: int) -> EpisodeFacts | None:
    """The episode, None where there is none of that id."""
    return ask_one(mirror, "episode", EpisodeFacts, {"episode_id": episode_id})


def episode_streams(mirror: Mirror, episode_id: int) -> tuple[EpisodeStream, ...]:
    """Its streams, videos first."""
    return ask(mirror, "episode_streams", EpisodeStream, {"episode_id": episode_id})


def episode_measurements(mirror: Mirror, episode_id: int) -> tuple[EpisodeMeasurement, ...]:
    """Its summary measurements, by stream and name."""
    return ask(mirror, "episode_measurements", EpisodeMeasurement, {"episode_id": episode_id})


def episode_flags(mirror: Mirror, episode_id: int) -> tuple[EpisodeFlag, ...]:
    """Its flags, worst first, then by time."""
    return ask(mirror, "episode_flags", EpisodeFlag, {"episode_id": episode_id})


def episode_reviews(mirror: Mirror, episode_id: int) -> tuple[EpisodeReview, ...]:
    """The decisions people took on it."""
    return ask(mirror, "episode_reviews", EpisodeReview, {"episode_id": episode_id})


def episodes_found(mirror: Mirror, text: str, *, limit: int = 100) -> tuple[EpisodeFound, ...]:
    """Episodes whose recording's path holds ``text``, newest first."""
    return ask(mirror, "episodes_found", EpisodeFound, {"text": text, "limit": limit})


def neighbours(mirror: Mirror, episode_id: int, filter: Filter) -> Neighbours:
    """The previous and next episode of the filter whose verdict is not good."""
    parameters = filter.parameters() | {"episode_id": episode_id}
    return ask_one(mirror, "neighbours", Neighbours, parameters) or Neighbours(None, None)
