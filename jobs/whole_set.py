"""What all episodes of a rig, or of a dataset, tell together in one run of ``dailies screen``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dailies.recordings.contract import Metadata
from dailies.words import Flag
from jobs.screening import Screened
from quality.checks import BY_NAME
from quality.measures import Measurements, SyncMeasures
from quality.measures.together import Evidence, lag_of
from quality.policy import Policy


@dataclass(frozen=True)
class SetLag:
    """How late a camera is by ``count`` episodes of a rig or dataset, and the flag where that is
    too much.
    """

    place: str
    count: int
    sync: SyncMeasures
    flag: Flag | None

    @property
    def said(self) -> str:
        """It in words, with what to do."""
        offset_ms = self.sync.offset_ms or 0.0
        lag = (
            f"all {self.count} episodes of {self.place} together: {self.sync.stream} is "
            f"{abs(offset_ms):.0f} ms {'late' if offset_ms >= 0 else 'early'} against "
            f"{self.sync.against} (± {self.sync.offset_error_ms or 0:.0f} ms)"
        )
        if self.flag is None:
            return f"{lag}, within the limit"
        return f"{lag} (limit {self.flag.limit:g} ms): {BY_NAME['sync_drift'].remedy}"


@dataclass
class WholeSet:
    """Gathers a run's episodes: some 0.03 MB for each camera that a robot of 26 joints explains."""

    policy: Policy
    _of: dict[tuple[str, str, str, int], list[tuple[Evidence, Metadata, Path]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, screened: Screened) -> None:
        """Take in one episode."""
        for one in screened.evidence:
            columns = len(one.gram)
            # of recordings that name no rig, those of one dataset or folder were made by one
            rig = screened.metadata.rig or ""
            self._of[(rig, one.camera, one.against, columns)].append(
                (one, screened.metadata, screened.path)
            )

    def lags(self) -> Iterator[SetLag]:
        """Of each camera that all its episodes together tell of."""
        for (rig, *_), found in self._of.items():
            groups: dict[str, list[tuple[Evidence, Metadata]]] = defaultdict(list)
            times = Counter(path for _, _, path in found)
            for one, metadata, path in found:
                place = rig or str(path.parent if times[path] == 1 else path)
                groups[place].append((one, metadata))
            for place, together in groups.items():
                sync = lag_of([one for one, _ in together])
                if sync.tells:
                    flag = self._flag(sync, together[0][1])
                    yield SetLag(place, len(together), sync, flag)

    def _flag(self, sync: SyncMeasures, who: Metadata) -> Flag | None:
        check = BY_NAME["sync_drift"]
        limits = self.policy.limits_for(who.task, who.site, who.rig)[check.name]
        return next(iter(check.function(Measurements(sync=(sync,)), limits)), None)
