"""A pool of processes that screen: a recording that kills or hangs its process fails alone.

The standard library's executor gives up as a whole when one process dies, and cannot say over
which job. Here each process has a pipe of its own and reports episode by episode, so that it is
known what it was at. A process that dies is replaced, and what it was at is tried once more.

Processes are forked from one that has loaded what screening takes and does nothing else: loading
takes longer than screening a short clip, and what is loaded is in memory once.
"""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import connection, forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.screening import Screened
    from quality.measures.detectors import Models
    from quality.policy import Policy

TIMEOUT_S = 300.0
TIMEOUT_S_PER_BYTE = 2e-6
"""How long an episode may take: longer than any that is not hung, at two cores' decoding speed."""

SERVER = {
    # it would import from whatever folder this one was started in
    "PYTHONSAFEPATH": "1",
    # every core has a process already: NumPy's own threads would wait for one another (8 % of all
    # processor time that screening the made defect set takes)
    "OPENBLAS_NUM_THREADS": "1",
}
"""Environment of the process that others are forked from."""

HELD = 500
"""So many reports are kept for those before them: one recording may take very long."""


@dataclass(frozen=True)
class Job:
    """What a process is to do: screen the episodes ``indexes`` at ``path``.

    With ``indexes`` None it screens a single recording, and lists a dataset's episodes. ``deaths``
    says what a process was at that died over this job, None where it had begun no episode yet.
    ``policy`` is another one than the pool's, where that has changed since it was started.
    """

    path: Path
    indexes: tuple[int, ...] | None = None
    deaths: tuple[int | None, ...] = ()
    policy: Policy | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Listed:
    """An episode of a dataset, opened but not screened.

    ``state`` changes when its files do, last at ``changed_s`` (seconds since 1970); ``is_whole`` is
    False while a file that it names is absent.
    """

    index: int
    state: str
    changed_s: float
    is_whole: bool


@dataclass(frozen=True)
class Dataset:
    """Report: ``job.path`` holds these episodes."""

    job: Job
    episodes: tuple[Listed, ...]


@dataclass(frozen=True)
class Done:
    """Report: one episode is screened.

    ``state`` is that of its files, as in Listed; ``is_settled`` is False where they changed
    meanwhile.
    """

    job: Job
    screened: Screened
    state: str
    is_settled: bool


@dataclass(frozen=True)
class Broken:
    """Report: ``index`` (None: whatever is at the path) could not be screened; ``message`` why."""

    job: Job
    index: int | None
    message: str
    is_format: bool = False


@dataclass(frozen=True)
class Finished:
    """Report: the last of a job."""

    job: Job


Report = Dataset | Done | Broken | Finished


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    at: int | None = None
    heard_s: float = 0.0
    allowed_s: float = TIMEOUT_S
    left: list[int] = field(default_factory=list)


class Pool:
    """Up to ``workers`` processes that screen under ``policy``, started when first needed.

    ``store`` is the folder of measurements. A job that is alone gets the whole machine; of several
    each gets its share of the cores. With ``triage`` a sample of the pictures is looked at, and the
    store must be one of its own. ``models``, which must have been checked, look for people. Not
    safe for threads. Its processes end with ``close``, and by themselves when this process is gone.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        workers: int,
        store: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        triage: bool = False,
        models: Models | None = None,
    ) -> None:
        self._forks = _forks()
        self._settings = (policy, store, triage, models)
        self._limit = max(1, workers)
        self._timeout_s = timeout_s
        self._workers: list[_Worker] = []
        self._queue: collections.deque[Job] = collections.deque()

    @property
    def spare(self) -> int:
        """How many more jobs can begin at once."""
        return self._limit - len(self._queue) - sum(w.job is not None for w in self._workers)

    @property
    def is_idle(self) -> bool:
        """True where nothing is under way."""
        return not self._queue and all(worker.job is None for worker in self._workers)

    @property
    def at_work(self) -> tuple[int, ...]:
        """Ids of the processes, for tests and for the curious."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def warm_up(self) -> None:
        """Start all processes now, so that the first recording need not wait for them."""
        while len(self._workers) < self._limit:
            self._start()

    def submit(self, job: Job, *, first: bool = False) -> None:
        """Queue a job; ``first`` puts it before the others."""
        if first:
            self._queue.appendleft(job)
        else:
            self._queue.append(job)
        self._hand_out()

    def reports(self, wait_s: float) -> Iterator[Report]:
        """What the processes have to say within ``wait_s``; returns early when something came."""
        self._hand_out()
        for heard in connection.wait([w.pipe for w in self._workers], wait_s):
            worker = next(w for w in self._workers if w.pipe is heard)
            yield from self._hear(worker)
        yield from self._overdue()
        self._hand_out()

    def close(self) -> None:
        """End all processes, whatever they are at."""
        for worker in self._workers:
            worker.pipe.close()  # an idle one ends by itself then, and cleans up
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(2)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        ours, theirs = self._forks.Pipe()
        process = self._forks.Process(target=_work, args=(theirs, *self._settings), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _hand_out(self) -> None:
        while self._queue:
            idle = next((w for w in self._workers if w.job is None), None)
            if idle is None:
                if len(self._workers) >= self._limit:
                    return
                idle = self._start()
            job = self._queue.popleft()
            idle.job, idle.at, idle.left = job, None, list(job.indexes or ())
            idle.allowed_s = self._timeout_s + TIMEOUT_S_PER_BYTE * _size(job.path)
            idle.heard_s = time.monotonic()
            is_alone = not self._queue and all(w.job in (None, job) for w in self._workers)
            share = max(1, (os.cpu_count() or 1) // self._limit)
            with contextlib.suppress(OSError):  # it has died: its end of the pipe will say so
                idle.pipe.send((job, 0 if is_alone else share))

    def _hear(self, worker: _Worker) -> Iterator[Report]:
        try:
            message: Any = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(2)
            yield from self._lost(worker, _death(worker.process.exitcode), again=True)
            return
        worker.heard_s = time.monotonic()
        if isinstance(message, int):
            worker.at = message
            return
        if isinstance(message, Done) and worker.at in worker.left:
            worker.left.remove(worker.at)
        if isinstance(message, Finished):
            worker.job = None
        yield message

    def _overdue(self) -> Iterator[Report]:
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.job is not None and now - worker.heard_s > worker.allowed_s:
                worker.process.kill()
                worker.process.join()
                reason = f"took longer than {worker.allowed_s:.0f} s"
                yield from self._lost(worker, reason, again=False)

    def _lost(self, worker: _Worker, reason: str, *, again: bool) -> Iterator[Report]:
        """A process is gone: try what it was at once more, or report it as broken and go on."""
        self._workers.remove(worker)
        worker.pipe.close()
        job = worker.job
        if job is None:
            return
        rest = tuple(worker.left) if job.indexes is not None else None
        deaths = job.deaths if rest == job.indexes else ()  # what came through starts anew
        if again and not deaths:
            self.submit(Job(job.path, rest, (worker.at,), job.policy), first=True)
            return
        # it may die the second time before it says what it is at: then it is what it was at before
        at = worker.at if worker.at is not None or not deaths else deaths[-1]
        message = f"{job.path}: the process screening it {reason}: check the file, or copy it again"
        yield Broken(job, at, message)
        rest = tuple(index for index in worker.left if index != at)
        if job.indexes is not None and at is not None and rest:
            self.submit(Job(job.path, rest, policy=job.policy), first=True)
        else:
            yield Finished(job)


def screen_all(pool: Pool, paths: Sequence[Path]) -> Iterator[Done | Dataset | Broken]:
    """Screen recordings with a pool: what its processes report, in the order of the recordings and
    of their episodes, so that of two copies the same one is the first in every run.

    What comes before its turn is held; beyond HELD reports the first that came goes first, and at
    a KeyboardInterrupt all that is held goes before it.
    """
    import jobs.screening  # noqa: F401  (what reports are made of, loaded while the pool loads it)

    turns, held = {path: _Turn() for path in paths}, 0
    for path in turns:
        pool.submit(Job(path))
    waiting = collections.deque(turns)
    try:
        while not pool.is_idle:
            for report in pool.reports(0.5):
                turn = turns[report.job.path]
                if isinstance(report, Dataset):
                    indexes = [episode.index for episode in report.episodes]
                    turn.order = {index: at for at, index in enumerate(indexes)}
                    for some in parts(indexes):
                        turn.jobs += 1
                        pool.submit(Job(report.job.path, some))
                if isinstance(report, Finished):
                    turn.jobs -= 1
                else:
                    turn.held.append(report)
                    held += 1
            due: list[Done | Dataset | Broken] = []
            while waiting and not turns[waiting[0]].jobs:
                due += turns[waiting.popleft()].rest()
            if waiting:
                due += turns[waiting[0]].ready()
            if held - len(due) > HELD:
                due += next(turns[path] for path in waiting if turns[path].held).rest()
            held -= len(due)
            yield from due
    except KeyboardInterrupt:
        # what was screened before its turn belongs to what is said of the run
        for path in waiting:
            yield from turns[path].rest()
        raise
    for path in waiting:
        yield from turns[path].rest()


@dataclass
class _Turn:
    """What was reported of a recording and not handed on; ``jobs`` of it are still to finish.

    ``order`` is that of a dataset's episodes, of which ``given`` were handed on.
    """

    jobs: int = 1
    order: dict[int, int] = field(default_factory=dict)
    given: int = 0
    held: list[Done | Dataset | Broken] = field(default_factory=list)

    def ready(self) -> Iterator[Done | Dataset | Broken]:
        """What follows on what was handed on."""
        self.held.sort(key=self._place)
        while self.held and self._place(self.held[0]) <= self.given:
            self.given += not isinstance(self.held[0], Dataset)
            yield self.held.pop(0)

    def rest(self) -> Iterator[Done | Dataset | Broken]:
        """All that is held, in order."""
        self.held.sort(key=self._place)
        self.given += sum(not isinstance(one, Dataset) for one in self.held)
        while self.held:
            yield self.held.pop(0)

    def _place(self, report: Done | Dataset | Broken) -> int:
        if isinstance(report, Dataset):
            return -1
        index = report.screened.index if isinstance(report, Done) else report.index
        return self.order.get(index or 0, 0)


def _forks() -> Any:
    """Where processes come from: on Linux from a server that loads what they need from now on."""
    if sys.platform != "linux":  # others' libraries do not stand being forked
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.screening"])
    with _environment(SERVER):
        forkserver.ensure_running()
    return context


def prepare() -> None:
    """Begin to load what processes need, beside what this one has yet to load itself."""
    _forks()


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """These variables set for as long as it lasts."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def parts(indexes: Sequence[int], most: int = 8) -> list[tuple[int, ...]]:
    """Indexes in runs short enough to keep every process busy until the end."""
    size = max(1, min(most, len(indexes) // (2 * (os.cpu_count() or 1))))
    return [tuple(indexes[at : at + size]) for at in range(0, len(indexes), size)]


def files_state(files: Collection[Path]) -> str:
    """A short text that changes when any of the files does, by size and time of change."""
    parts = []
    for file in files:
        try:
            stat = file.stat()
            parts.append(f"{file.name}:{stat.st_size}:{stat.st_mtime_ns}")
        except OSError:
            parts.append(f"{file.name}:absent")
    return "|".join(parts)


def changed_s(files: Collection[Path]) -> float:
    """When the newest of the files was changed, in seconds since 1970; 0 where none is there."""
    times = [0.0]
    for file in files:
        with contextlib.suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        if path.is_file():
            return path.stat().st_size
        return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return 0


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name} twice"
    return f"ended with status {code} twice"


def _work(
    pipe: Connection, policy: Policy, store: Path | None, triage: bool, models: Models | None
) -> None:
    """A process of the pool: jobs in, reports out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    import jobs.screening  # noqa: F401  (heavy: loaded before the first job comes)

    while True:
        try:
            job, threads = pipe.recv()
            for message in _reports(job, policy, store, threads, triage, models):
                pipe.send(message)
            pipe.send(Finished(job))
        except (EOFError, OSError):
            return


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _reports(
    job: Job,
    policy: Policy,
    store: Path | None,
    threads: int,
    triage: bool,
    models: Models | None,
) -> Iterator[int | Report]:
    """An episode's index before it is begun, then the report on it."""
    from dailies.recordings import UnknownFormat, episodes_at
    from dailies.recordings.contract import Episode
    from jobs.screening import screen_episode, triage_episode
    from quality.measures import NO_MODELS

    # a triage sees too few pictures to tell who is in them
    look = triage_episode if triage else partial(screen_episode, models=models or NO_MODELS)

    def one(episode: Episode) -> Report:
        state = files_state(episode.files)
        screened = look(episode, job.policy or policy, store=store, threads=threads)
        is_settled = files_state(episode.files) == state
        return Done(job, replace(screened, measurements=None), state, is_settled)

    if not job.path.exists():
        yield Broken(job, None, f"{job.path} is not there: check the path", is_format=True)
        return
    try:
        if job.indexes is None:
            episodes = episodes_at(job.path)
            opened = [episode for _, episode in zip(range(2), episodes, strict=False)]
            if len(opened) == 1:
                yield opened[0].index
                yield one(opened[0])
            else:
                listed = map(_listed, (*opened, *episodes))
                yield Dataset(job, tuple(listed))
            return
        for episode in episodes_at(job.path, job.indexes):
            yield episode.index
            yield one(episode)
    except UnknownFormat as error:
        yield Broken(job, None, str(error), is_format=True)
    except Exception as error:  # a reader's own mistake must not stop the others
        message = (
            f"{job.path}: could not be opened ({type(error).__name__}: {error}): "
            "check the files, or copy them again"
        )
        yield Broken(job, None, message)


def _listed(episode: Any) -> Listed:
    missing = any(problem.check == "missing_stream" for problem in episode.problems)
    return Listed(
        episode.index, files_state(episode.files), changed_s(episode.files), is_whole=not missing
    )
