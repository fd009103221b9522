"""What all episodes of a rig, or of a dataset, tell together in one run of ``dailies screen``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from dailies.recordings.contract import Metadata
from dailies.words import Flag
from jobs.screening import Screened
from quality.checks import BY_NAME
from quality.measures import Measurements, SyncMeasures
from quality.measures.together import Gathered
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
            f"{abs(offset_ms):.0f} ms {'late' if offset_ms >= 0 else 'early'} on average "
            f"against {self.sync.against} (± {self.sync.offset_error_ms or 0:.0f} ms)"
        )
        if self.flag is None:
            return f"{lag}, within the limit"
        return f"{lag} (limit {self.flag.limit:g} ms): {BY_NAME['sync_drift'].remedy}"


@dataclass
class WholeSet:
    """Gathers a run's episodes, as sums: 0.4 MB for each camera that a robot of 26 joints explains,
    however many there are.
    """

    policy: Policy
    _gathered: dict[tuple[str, str, str, int], Gathered] = field(
        default_factory=lambda: defaultdict(Gathered)
    )
    _who: dict[str, Metadata] = field(default_factory=dict)

    def add(self, screened: Screened, *, of_many: bool) -> None:
        """Take in one episode. Where none names its rig, those of a dataset (``of_many``) belong
        together, or those of recordings in one folder.
        """
        path = screened.path if of_many else screened.path.parent
        place = screened.metadata.rig or str(path)
        for one in screened.evidence:
            self._who.setdefault(place, screened.metadata)
            self._gathered[(place, one.camera, one.against, len(one.gram))].add(one)

    def lags(self) -> Iterator[SetLag]:
        """Of each camera that all its episodes together tell of, by the series that explains most
        of what it sees.
        """
        clearest: dict[tuple[str, str], tuple[Gathered, SyncMeasures]] = {}
        for (place, camera, *_), gathered in self._gathered.items():
            sync = gathered.lag
            _, best = clearest.get((place, camera), (None, None))
            if sync.tells and (best is None or (sync.correlation or 0) > (best.correlation or 0)):
                clearest[place, camera] = gathered, sync
        for (place, _), (gathered, sync) in clearest.items():
            flag = self._flag(sync, self._who[place])
            yield SetLag(place, gathered.episodes, sync, flag)

    def _flag(self, sync: SyncMeasures, who: Metadata) -> Flag | None:
        check = BY_NAME["sync_drift"]
        limits = self.policy.limits_for(who.task, who.site, who.rig)[check.name]
        return next(iter(check.function(Measurements(sync=(sync,)), limits)), None)
