"""One run of ``dailies screen``: takes in what the pool reports, and sums it up at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dailies.words import Grade, listed
from jobs.copies import Run
from jobs.others import RunOthers
from jobs.pool import Broken, Dataset, Done
from jobs.printing import Tally
from jobs.report import Report
from jobs.screening import Screened, Triaged, failed
from jobs.whole_set import SetLag, WholeSet
from quality.policy import Policy

Show = Callable[[Screened], None]


@dataclass
class ScreenRun:
    """Gathers the verdicts of a run, tells each as it comes, and says what they come to.

    ``show`` prints a verdict, ``tell`` a line for people. ``report`` is given each episode, and
    those to export are kept only where ``keeps``.
    """

    policy: Policy
    show: Show
    tell: Callable[[str], None]
    triage: bool = False
    report: Report | None = None
    keeps: bool = False
    kept: list[Screened] = field(default_factory=list)
    is_broken: bool = False
    finished: int = 0
    """Recordings, or episodes of a dataset, that are done with: judged, or told to be none."""
    tally: Tally = field(default_factory=Tally)
    _datasets: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._copies, self._whole = Run(self.policy), WholeSet(self.policy)
        self._others = RunOthers(self.policy)

    def take(self, said: object) -> int:
        """Take in what the pool reports; gives by how many episodes the run is longer for it."""
        if isinstance(said, Dataset):
            self._datasets.add(said.job.path)
            return len(said.episodes) - 1
        if isinstance(said, Done):
            screened, of_many = said.screened, said.screened.path in self._datasets
            if not self.triage:
                screened = self._others.judged(self._copies.judged(screened), of_many=of_many)
            self._whole.add(screened, of_many=of_many)
            self._add(replace(screened, evidence=()))
        elif isinstance(said, Broken):
            self.tell(said.message)
            self.is_broken |= said.is_format
            if said.is_format:
                self.finished += 1
            else:
                lost = failed(said.job.path, said.index or 0, self.policy, said.message)
                self._add(replace(lost, triage=Triaged(0, 0)) if self.triage else lost)
        return 0

    def _add(self, screened: Screened) -> None:
        screened = replace(screened, of_many=screened.path in self._datasets)
        if self.report is not None:
            self.report.add(screened)
        if self.keeps:
            self.kept.append(screened)
        self.finished += 1
        self.tally.add(screened)
        self.show(screened)  # last, so that whoever ends the run after it finds it in the report

    @property
    def together(self) -> tuple[SetLag, ...]:
        """What all episodes of a rig or dataset tell together."""
        return tuple(self._whole.lags())

    @property
    def are_good(self) -> bool:
        """Whether every episode is good."""
        return self.tally.total == self.tally.counts[Grade.GOOD]


def title_of(paths: Iterable[Path], *, triage: bool) -> str:
    """What a report is of, by the paths that were given."""
    some = listed([str(path) for path in paths], 3)
    return f"{'Triage' if triage else 'Screening'} of {some}"
