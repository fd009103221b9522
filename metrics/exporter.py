"""What Prometheus scrapes, collected from the mirror at each scrape. No worker is ever a label.

What can go down again (an episode re-judged, a review that overrides) is a gauge, though it counts:
a counter that fell would look like a restart. Lags only ever come in addition: a histogram.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from metrics.asking import ask, instant

if TYPE_CHECKING:
    from dailies.mirror import Mirror


@dataclass(frozen=True)
class StageHours:
    """Hours of one stage (paid, recorded, delivered, accepted) at one site."""

    stage: str
    site_id: str | None
    hours: float


@dataclass(frozen=True)
class VerdictCount:
    """Episodes of one verdict at one site."""

    verdict: str
    site_id: str | None
    episodes: int


@dataclass(frozen=True)
class FlagCount:
    """Flags of one check and grade."""

    check_name: str
    grade: str
    flags: int


@dataclass(frozen=True)
class StateCount:
    """Paths of the intake in one state."""

    state: str
    paths: int


@dataclass(frozen=True)
class Duplicates:
    """Episodes whose content was there before."""

    duplicates: int


@dataclass(frozen=True)
class LagBucket:
    """Episodes judged within ``bound_s`` (None: any) of landing, and the sum of their lags."""

    bound_s: float | None
    episodes: int
    sum_s: float


class MirrorCollector(Collector):
    """Collects everything from a mirror, which is followed first."""

    def __init__(self, mirror: Mirror) -> None:
        """Asks nothing yet."""
        self.mirror = mirror

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield self._hours()
        yield self._episodes()
        yield self._duplicates()
        yield self._flags()
        yield self._landings()
        yield self._lag()
        yield GaugeMetricFamily(
            "dailies_mirror_age_seconds",
            "Seconds since this process's mirror last matched the record.",
            value=self.mirror.age_s,
        )

    def describe(self) -> list[Metric]:
        """Nothing, so that registering asks no question."""
        return []

    def _hours(self) -> Metric:
        family = GaugeMetricFamily(
            "dailies_stage_seconds",
            "Time paid, recorded, delivered and accepted since the record began.",
            labels=["stage", "site"],
        )
        for row in ask(self.mirror, "exported_hours", StageHours, {"now": instant()}):
            family.add_metric([row.stage, row.site_id or ""], row.hours * 3600)
        return family

    def _episodes(self) -> Metric:
        family = GaugeMetricFamily(
            "dailies_episodes",
            "Episodes by the verdict that stands, without duplicates.",
            labels=["verdict", "site"],
        )
        for row in ask(self.mirror, "exported_episodes", VerdictCount, {}):
            family.add_metric([row.verdict, row.site_id or ""], row.episodes)
        return family

    def _duplicates(self) -> Metric:
        (row,) = ask(self.mirror, "exported_duplicates", Duplicates, {})
        return GaugeMetricFamily(
            "dailies_duplicate_episodes",
            "Episodes whose content was there before.",
            value=row.duplicates,
        )

    def _flags(self) -> Metric:
        family = GaugeMetricFamily(
            "dailies_flags",
            "Flags of the verdicts that stand.",
            labels=["check", "grade"],
        )
        for row in ask(self.mirror, "exported_flags", FlagCount, {}):
            family.add_metric([row.check_name, row.grade], row.flags)
        return family

    def _landings(self) -> Metric:
        family = GaugeMetricFamily(
            "dailies_landings",
            "Paths that the intake has seen, by state; failed is what it could not take in.",
            labels=["state"],
        )
        for row in ask(self.mirror, "exported_intake", StateCount, {}):
            family.add_metric([row.state], row.paths)
        return family

    def _lag(self) -> Metric:
        rows = ask(self.mirror, "exported_lag", LagBucket, {})
        return HistogramMetricFamily(
            "dailies_intake_lag_seconds",
            "Seconds from a recording landed whole to its verdict.",
            buckets=[
                ("+Inf" if row.bound_s is None else str(row.bound_s), row.episodes) for row in rows
            ],
            sum_value=rows[-1].sum_s,
        )


def exposition(mirror: Mirror, accept_header: str) -> tuple[bytes, str]:
    """The exposition and its content type, in the format that ``accept_header`` asks for.

    Blocks while it queries: call it from a plain ``def`` route.
    """
    registry = CollectorRegistry()
    registry.register(MirrorCollector(mirror))
    encode, content_type = choose_encoder(accept_header)
    return encode(registry), content_type
