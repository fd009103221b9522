"""Quality: which defects cost how much, on which rig, since when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrics.asking import Filter, ask, ask_one, columns, rows

if TYPE_CHECKING:
    import pyarrow as pa

    from dailies.mirror import Mirror


@dataclass(frozen=True)
class QualityTiles:
    """Quality of a span in one row; duplicates are counted apart and nowhere else.

    ``good_share`` is good of all episodes; ``acceptance`` accepted of decided ones; each with its
    Wilson 95 % interval, None without any episode.
    """

    episodes: int
    good: int
    unknown: int
    suspect: int
    fail: int
    duplicates: int
    decided: int
    accepted: int
    waiting: int  # for review
    good_share: float | None
    good_low: float | None
    good_high: float | None
    acceptance: float | None
    acceptance_low: float | None
    acceptance_high: float | None
    flagged_h: float  # of episodes with a flag of grade suspect or fail


@dataclass(frozen=True)
class Defect:
    """One check's flags of grade suspect or fail, worst first; an episode counts once a check."""

    check_name: str
    episodes: int
    failed: int  # of them, with grade fail
    affected_h: float  # recorded hours of those episodes
    share: float  # of the episodes in the filter
    cumulative_share: float  # of all (episode, check) pairs, up to this check
    rigs: int


@dataclass(frozen=True)
class RigDefects:
    """Share of a rig's episodes with a flag (suspect or fail), with its Wilson 95 % interval.

    ``standing`` as for workers, against all rigs together: ``above`` means more defects.
    """

    rig_id: str | None
    site_id: str | None
    episodes: int
    flagged: int
    share: float
    share_low: float
    share_high: float
    overall: float
    standing: str
    top_check: str | None


@dataclass(frozen=True)
class CameraLag:
    """How late (ms) a rig's camera shows its robot: the median of the episodes that tell it.

    Its 95 % interval is None where under 6 tell; half of them lie between the quarter points.
    """

    rig_id: str
    site_id: str | None
    camera: str
    episodes: int
    told: int
    late_ms: float
    late_low_ms: int | None
    late_high_ms: int | None
    quarter_ms: int
    three_quarters_ms: int


@dataclass(frozen=True)
class DefectDay:
    """Episodes of one day that one check flagged (suspect or fail); ``episodes`` of the day."""

    worked_on: dt.date
    check_name: str
    flagged: int
    episodes: int
    share: float


@dataclass(frozen=True)
class VerdictDay:
    """Verdicts of one day; duplicates left out."""

    worked_on: dt.date
    good: int
    unknown: int
    suspect: int
    fail: int


@dataclass(frozen=True)
class FlaggedEpisode:
    """An episode of the list, with its worst flag (fail, then suspect, then unknown)."""

    episode_id: int
    worked_on: dt.date
    started_at: dt.datetime
    path: str
    episode_index: int
    site_id: str | None
    rig_id: str | None
    worker_id: str | None
    task_id: str | None
    duration_s: float
    verdict: str
    decision: str | None
    flags: int
    check_name: str | None
    grade: str | None
    stream: str | None
    start_s: float | None
    end_s: float | None
    measured: float | None
    limit_value: float | None
    unit: str | None
    message: str | None
    measurements: str | None
    is_example: bool


@dataclass(frozen=True)
class FlaggedCount:
    """How many there are of ``FlaggedEpisode``."""

    episodes: int


def quality_tiles(mirror: Mirror, filter: Filter) -> QualityTiles:
    """The tiles of the Quality page."""
    row = ask_one(mirror, "quality_tiles", QualityTiles, filter.parameters())
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def defects(mirror: Mirror, filter: Filter) -> tuple[Defect, ...]:
    """The Pareto: checks by number of episodes, most first."""
    return ask(mirror, "defects", Defect, filter.parameters())


def defects_by_rig(mirror: Mirror, filter: Filter) -> tuple[RigDefects, ...]:
    """Rigs by share of flagged episodes, worst lower bound first."""
    return ask(mirror, "defects_by_rig", RigDefects, filter.parameters())


def camera_lags(mirror: Mirror, filter: Filter) -> tuple[CameraLag, ...]:
    """How late cameras show their robots, by rig, those surely furthest out of step first."""
    return ask(mirror, "camera_lags", CameraLag, filter.parameters())


def defects_over_time(mirror: Mirror, filter: Filter) -> tuple[DefectDay, ...]:
    """Flagged episodes a day and check, oldest first; days without episodes are left out."""
    return ask(mirror, "defects_over_time", DefectDay, filter.parameters())


def verdicts_by_day(mirror: Mirror, filter: Filter) -> tuple[VerdictDay, ...]:
    """Verdicts a day, every day of the span, oldest first."""
    return ask(mirror, "verdicts_by_day", VerdictDay, filter.parameters())


def flagged_episodes(
    mirror: Mirror,
    filter: Filter,
    *,
    checks: tuple[str, ...] = (),
    verdicts: tuple[str, ...] = (),
    limit: int = 50,
    offset: int = 0,
) -> tuple[FlaggedEpisode, ...]:
    """Episodes whose verdict is not good, worst verdict first, then newest; one page of them.

    ``checks`` leaves only episodes that one of them flagged.
    """
    lines = flagged_lines(
        mirror, filter, checks=checks, verdicts=verdicts, limit=limit, offset=offset
    )
    return rows(lines, FlaggedEpisode)


def flagged_lines(
    mirror: Mirror,
    filter: Filter,
    *,
    checks: tuple[str, ...] = (),
    verdicts: tuple[str, ...] = (),
    limit: int,
    offset: int = 0,
) -> pa.Table:
    """The same as columns, for export."""
    parameters = _listed(filter, checks, verdicts) | {"limit": limit, "offset": offset}
    return columns(mirror, "flagged_episodes", FlaggedEpisode, parameters)


def flagged_count(
    mirror: Mirror,
    filter: Filter,
    *,
    checks: tuple[str, ...] = (),
    verdicts: tuple[str, ...] = (),
) -> int:
    """How many episodes ``flagged_episodes`` lists on all its pages together."""
    parameters = _listed(filter, checks, verdicts)
    row = ask_one(mirror, "flagged_count", FlaggedCount, parameters)
    assert row is not None  # an aggregate without GROUP BY has one row
    return row.episodes


def _listed(filter: Filter, checks: tuple[str, ...], verdicts: tuple[str, ...]) -> dict[str, Any]:
    return filter.parameters() | {
        "checks": list(checks) or None,
        "verdicts": list(verdicts) or None,
    }
