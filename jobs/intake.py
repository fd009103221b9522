"""The intake: watches folders, and screens and enters each recording once it has landed whole.

One thread does it all but the watching itself; screening is done by the pool's processes. What has
been seen is in the record's landing rows, so an intake that is killed leaves nothing in its memory
that matters: the next one finds its claims, whose process is gone, and takes them up again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from dailies.changes import prune
from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Site
from dailies.recordings import READERS, recordings_in, sidecar_of
from dailies.recordings.files import is_unfinished
from dailies.recordings.hdf5 import MAPPING
from jobs import landing
from jobs.arrival import Quiet, State, named_by, quiet_needed, state_of
from jobs.clip_history import History
from jobs.daily import draw_due_lots
from jobs.entry import Entered, enter
from jobs.others import RecordOthers
from jobs.policies import in_force, last_put_in_force
from jobs.pool import TIMEOUT_S, Broken, Dataset, Done, Finished, Job, Listed, Pool, Report, parts
from jobs.printing import place_of
from jobs.screening import Screened, failed
from jobs.shift_times import held_against_shift
from quality.measures import Models

SETTLE_S = 2.0
"""After so long the watched folders are surely watched."""
RESCAN_S = 60.0
"""How often the folders are gone through, should the system have missed to tell of a change."""

LOOK_AGAIN_S = 2.0
"""How often landings that another process had are looked at."""

DRAW_EVERY_S = 3600.0
"""How often it is looked whether a day is over of which samples are to be drawn."""

LISTING_SHARE = 0.2
"""Most of the time that goes into listing a dataset again and again while it grows."""

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass
class Pending:
    """A recording that is seen but not begun: its files' state, and since when it is that.

    Times in ``_s`` are monotonic.
    """

    path: Path
    state: State
    since_s: float  # when its files last changed
    seen_at: dt.datetime  # when it was first seen, or seen to be changed
    looked_s: float
    not_before_s: float = 0.0
    is_forced: bool = False  # screened as it is, whatever is missing


@dataclass
class Underway:
    """A recording that is claimed and being screened."""

    path: Path
    state: State
    landed_at: dt.datetime
    since_s: float
    is_forced: bool
    begun_s: float = field(default_factory=time.monotonic)
    listing_s: float = 0.0  # how long it took to list a dataset
    left: int = 1  # jobs still to finish
    entered: int = 0
    postponed: bool = False  # something is missing or changed: to be looked at again
    errors: list[str] = field(default_factory=list)


class Intake:
    """Watches ``config.recordings`` and enters what lands in the record."""

    def __init__(
        self,
        config: Config,
        *,
        workers: int | None = None,
        quiet: Quiet | None = None,
        timeout_s: float = TIMEOUT_S,
        say: Say | None = None,
    ) -> None:
        self._config = config
        self._quiet = quiet or Quiet()
        self._say = say or _say_to_stderr
        self._record: Record = open_record(config.record)
        with self._record.read() as session:
            self._policy = in_force(session, config)
            self._version = last_put_in_force(session)
        models = Models.at(config.face_model, config.hand_model)
        self._pool = Pool(
            self._policy,
            workers=workers or os.cpu_count() or 1,
            store=config.measurements,
            timeout_s=timeout_s,
            models=models,
        )
        self._history = History(self._record, config.data)
        self._others = RecordOthers(config.data)
        self._me = landing.claimant()
        self._changes: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self._pending: dict[Path, Pending] = {}
        self._underway: dict[Path, Underway] = {}
        self._datasets: dict[Path, dict[int, str]] = {}  # states of the episodes entered
        self._named: dict[Path, Path] = {}  # videos by the series that lie beside them
        self._zones: dict[str, str] = {}
        self._renewed_s = self._looked_s = self._rescanned_s = self._drew_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set. Claims are let go at the end, so that others may go on at once."""
        self._pool.warm_up()
        _sweep(self._config.measurements)
        watching = threading.Thread(target=self._watch, args=(stop,), daemon=True)
        watching.start()
        try:
            self._insist(self._release)
            self._insist(lambda session: prune(session.connection()))
            while not stop.is_set():
                self.step()
        finally:
            self._pool.close()
            self._history.close()
            stop.set()
            with contextlib.suppress(OperationalError):
                self._release()
            self._record.close()
            watching.join(2)

    def step(self) -> None:
        """One turn: what changed, what is whole, what the processes report, what others left."""
        now = time.monotonic()
        if now - self._rescanned_s > RESCAN_S or not self._rescanned_s:
            # what lands while the watch is being set up is seen by a second look
            again_s = RESCAN_S - SETTLE_S if not self._rescanned_s else 0.0
            self._rescanned_s = now - again_s
            self._notice(
                path for folder in self._config.recordings for path in recordings_in(folder)
            )
        self._take_changes()
        if now - self._looked_s > LOOK_AGAIN_S:
            self._looked_s = now
            self._follow_policy()
            self._take_up()
        if self.is_idle and (now - self._drew_s > DRAW_EVERY_S or not self._drew_s):
            self._drew_s = now
            self._draw()
        if now - self._renewed_s > landing.RENEW_S:
            self._renewed_s = now
            self._insist(self._renew)
        self._begin_what_is_whole()
        for report in self._pool.reports(0.05 if self._pending else 0.2):
            self._handle(report)

    @property
    def is_idle(self) -> bool:
        """True where everything that was seen is screened."""
        return not self._pending and not self._underway and self._changes.empty()

    def _draw(self) -> None:
        """Samples of the days that are over; where the record is busy, an hour later."""
        with contextlib.suppress(OperationalError):
            lots = draw_due_lots(self._record, now=dt.datetime.now(dt.UTC))
            if lots:
                self._say(f"samples of {len(lots)} lots of machine-accepted clips wait for review")

    def _watch(self, stop: threading.Event) -> None:
        from watchfiles import watch

        while not stop.is_set():
            try:
                for changes in watch(
                    *self._config.recordings,
                    watch_filter=None,
                    debounce=200,
                    step=25,
                    rust_timeout=500,
                    stop_event=stop,
                    raise_interrupt=False,
                    ignore_permission_denied=True,
                ):
                    for _, changed in changes:
                        self._changes.put(Path(changed))
            except (OSError, RuntimeError) as error:  # a folder is away, or too many are watched
                self._say(f"the folders cannot be watched ({error}): they are gone through instead")
                self._rescanned_s = 0.0
                stop.wait(10)

    def _take_changes(self) -> None:
        changed: set[Path] = set()
        with contextlib.suppress(queue.Empty):
            while True:
                changed.add(self._changes.get_nowait())
        found: set[Path] = set()
        for path in changed:
            found.update(recordings_of(path, self._config.recordings))
            if path in self._named:
                found.add(self._named[path])
            elif path.is_dir():  # made and filled at once, it tells of itself alone
                found.update(
                    video for named, video in self._named.items() if named.is_relative_to(path)
                )
        for path in found & self._pending.keys():
            self._pending[path].not_before_s = 0.0  # what it waits for may have come
        self._notice(found)

    def _notice(self, paths: Iterable[Path]) -> None:
        """Put recordings that are new, or changed since they were screened, among the pending."""
        fresh = [path for path in dict.fromkeys(paths) if path not in self._pending]
        if not fresh:
            return

        def note(session: Session) -> list[landing.Seen]:
            return landing.see(session, fresh, dt.datetime.now(dt.UTC))

        for seen in self._insist(note):
            state = self._state_of(seen.path)
            if state is None:
                self._forget(seen.path)
            elif seen.fingerprint != state.text or seen.state not in ("done", "failed"):
                seen_at = dt.datetime.now(dt.UTC) if seen.fingerprint else seen.seen_at
                now = time.monotonic()
                self._pending[seen.path] = Pending(seen.path, state, _since(state), seen_at, now)

    def _state_of(self, path: Path) -> State | None:
        """The state of a recording's files; and what it names is known when it changes later."""
        self._named |= dict.fromkeys(named_by(path), path)
        return state_of(path)

    def _follow_policy(self) -> None:
        """Judge what comes now under the policy that is in force now."""
        if self._config.policy is not None:
            return
        version = self._insist(last_put_in_force)
        if version != self._version:
            self._version = version
            self._policy = self._insist(lambda session: in_force(session, self._config))
            self._say(f"judging under {self._policy.id} from now on")

    def _take_up(self) -> None:
        """Landings that wait in the record, or whose process is gone, are ours to do as well."""

        def unfinished(session: Session) -> list[Path]:
            return landing.unfinished(session, self._config.recordings, self._me)

        self._notice(path for path in self._insist(unfinished) if path not in self._underway)

    def _begin_what_is_whole(self) -> None:
        for pending in sorted(self._pending.values(), key=lambda one: one.since_s):
            if self._pool.spare <= 0:
                return
            if pending.path in self._underway or time.monotonic() < pending.not_before_s:
                continue
            self._look_at(pending)

    def _look_at(self, pending: Pending) -> None:
        """Begin a pending recording where it has been quiet for long enough."""
        now, path = time.monotonic(), pending.path
        state = self._state_of(path)
        if state is None:
            del self._pending[path]
            self._forget(path)
            return
        looked_s, pending.looked_s = pending.looked_s, now
        is_growing_dataset = path.is_dir() and (path / "meta").is_dir()
        if state.text != pending.state.text:
            pending.state, pending.is_forced = state, False
            pending.since_s = max(_since(state), looked_s)
            if not is_growing_dataset:
                # a large folder takes a while to go through: not again before ten times that
                pending.not_before_s = now + max(0.05, 10 * (time.monotonic() - now))
                return
        quiet = self._quiet.usual if path.is_dir() else quiet_needed(path, self._quiet)
        if now - pending.since_s < quiet and not is_growing_dataset:
            pending.not_before_s = min(pending.since_s + quiet, now + 0.1)
            return
        if path not in recordings_of(path, self._config.recordings):  # now a part of another
            del self._pending[path]
            self._forget(path)
            return
        self._begin(pending)

    def _begin(self, pending: Pending) -> None:
        path = pending.path
        changed_at = dt.datetime.fromtimestamp(pending.state.changed_s, dt.UTC)
        # moved in, or there before we were: it landed when we saw it, whatever its time of change
        landed_at = min(max(changed_at, pending.seen_at), dt.datetime.now(dt.UTC))

        def claim(session: Session) -> tuple[bool, landing.Seen]:
            taken = landing.claim(session, path, pending.state.text, self._me, landed_at)
            return taken, landing.see(session, [path], dt.datetime.now(dt.UTC))[0]

        taken, row = self._insist(claim)
        if not taken:
            if row.state == "screening":  # by another process: look again, should it die
                pending.not_before_s = time.monotonic() + LOOK_AGAIN_S
            else:
                del self._pending[path]
            return
        del self._pending[path]
        is_forced = pending.is_forced or (
            time.monotonic() - pending.since_s >= self._quiet.patience
        )
        self._underway[path] = Underway(path, pending.state, landed_at, pending.since_s, is_forced)
        self._pool.submit(Job(path, policy=self._policy))

    def _handle(self, report: Report) -> None:
        underway = self._underway[report.job.path]
        if isinstance(report, Done):
            self._take_in(underway, report)
        elif isinstance(report, Dataset):
            self._hand_out(underway, report.episodes)
        elif isinstance(report, Broken):
            self._give_up(underway, report)
        elif isinstance(report, Finished):
            underway.left -= 1
            if underway.left == 0:
                self._close(underway)

    def _take_in(self, underway: Underway, done: Done) -> None:
        """Enter an episode, unless it is not all there yet and may still come."""
        screened = done.screened
        is_missing = any(flag.check == "missing_stream" for flag in screened.verdict.flags)
        is_readable = screened.error is None or underway.is_forced or not _may_grow(underway.path)
        if not done.is_settled or (is_missing and not underway.is_forced) or not is_readable:
            underway.postponed = True
            return
        entered, screened = self._enter_or_fail(underway, self._looked_up(screened))
        self._datasets.setdefault(underway.path, {})[screened.index] = done.state
        underway.entered += 1
        self._tell(screened, entered, underway.landed_at)
        if screened.error:
            underway.errors.append(screened.error)

    def _looked_up(self, screened: Screened) -> Screened:
        """With what of it was in the record before, and against the others there and its shift. It
        is entered whatever comes of that."""
        try:
            screened = self._history.judged(screened, self._policy)
        except Exception as error:
            self._say(f"{screened.path}: earlier copies could not be looked up ({error})")
        try:
            with self._record.read() as session:
                screened = self._others.judged(session, screened, self._policy)
        except Exception as error:
            self._say(f"{screened.path}: the others could not be looked up ({error})")
        try:
            with self._record.read() as session:
                kept = self._config.measurements
                return held_against_shift(session, screened, self._policy, kept)
        except Exception as error:
            self._say(f"{screened.path}: its shift could not be looked up ({error})")
            return screened

    def _enter_or_fail(self, underway: Underway, screened: Screened) -> tuple[Entered, Screened]:
        """Enter an episode; one that the record does not take is entered as a failure instead."""
        try:
            return self._enter(underway, screened), screened
        except OSError:  # the record is away for good
            raise
        except Exception as error:
            message = (
                f"{screened.path}, episode {screened.index}: could not be entered in the record "
                f"({type(error).__name__}: {error}): report this"
            )
            failure = failed(screened.path, screened.index, self._policy, message)
            return self._enter(underway, failure), failure

    def _enter(self, underway: Underway, screened: Screened) -> Entered:
        zone_of = self._zones_for(screened.metadata.site)

        def put(session: Session) -> Entered:
            return enter(
                session,
                screened,
                site_zones=zone_of,
                landed_at=underway.landed_at,
                folders=self._config.recordings,
                is_example=underway.path.is_relative_to(self._config.data / "example"),
            )

        return self._insist(put)

    def _hand_out(self, underway: Underway, episodes: tuple[Listed, ...]) -> None:
        """Spread a dataset's new episodes over the processes; those not all there yet must wait."""
        underway.listing_s = time.monotonic() - underway.begun_s
        known = self._datasets.setdefault(underway.path, {})
        new = [episode for episode in episodes if known.get(episode.index) != episode.state]
        ready = [
            episode.index
            for episode in new
            if underway.is_forced
            or (episode.is_whole and time.time() - episode.changed_s >= self._quiet.usual)
        ]
        underway.postponed |= len(ready) < len(new)
        for indexes in parts(ready):
            underway.left += 1
            self._pool.submit(Job(underway.path, indexes, policy=self._policy))

    def _give_up(self, underway: Underway, broken: Broken) -> None:
        """A recording that no process could screen is entered as a failure, if it is whole."""
        if not underway.is_forced and _may_grow(underway.path):
            underway.postponed = True
            return
        screened = failed(underway.path, broken.index or 0, self._policy, broken.message)
        entered = self._enter(underway, screened)
        underway.errors.append(broken.message)
        self._tell(screened, entered, underway.landed_at)

    def _close(self, underway: Underway) -> None:
        """All jobs are finished: the landing is done, or to be looked at again."""
        del self._underway[underway.path]
        state = state_of(underway.path)
        if underway.postponed or state is None or state.text != underway.state.text:
            self._insist(lambda session: landing.release(session, self._me, underway.path))
            if state is not None and underway.path not in self._pending:
                self._wait_for(underway, state)
            return
        # a dataset of which some episodes can be read has landed
        only_errors = len(underway.errors) >= max(underway.entered, 1)
        error = underway.errors[0] if underway.errors and only_errors else None

        def finish(session: Session) -> None:
            landing.finish(session, underway.path, underway.state.text, error=error, me=self._me)

        self._insist(finish)

    def _wait_for(self, underway: Underway, state: State) -> None:
        """Look again when it has changed, or when patience is at its end."""
        now = time.monotonic()
        is_same = state.text == underway.state.text
        since_s = underway.since_s if is_same else _since(state)
        pending = Pending(underway.path, state, since_s, underway.landed_at, now)
        wait_s = max(self._quiet.usual, underway.listing_s / LISTING_SHARE)
        if is_same and not underway.listing_s:  # nothing to do but to wait for what is missing
            wait_s = self._quiet.patience - (now - since_s)
        pending.not_before_s = now + wait_s
        self._pending[underway.path] = pending

    def _zones_for(self, site: str | None) -> dict[str, str]:
        """Zones of the sites, read again where a recording names one that is new."""
        if site is not None and site not in self._zones:

            def read(session: Session) -> dict[str, str]:
                return {site.id: site.zone for site in session.scalars(select(Site))}

            self._zones = self._insist(read)
        return self._zones

    def _tell(self, screened: Screened, entered: Entered, landed_at: dt.datetime) -> None:
        if entered.moved_from:
            self._say(f"moved   {screened.path}: was {entered.moved_from}")
        if not entered.is_new:
            return
        seconds = (dt.datetime.now(dt.UTC) - landed_at).total_seconds()
        line = f"{screened.verdict.grade.value:8}{place_of(screened)} "
        line += f"({screened.duration_s:.1f} s long, {seconds:.1f} s after it landed)"
        if entered.duplicate_of is not None:
            line += f": the same recording as episode {entered.duplicate_of} of the record"
        elif screened.error:
            line += f": {screened.error}"
        self._say(line)

    def _release(self, session: Session | None = None) -> None:
        if session is not None:
            landing.release(session, self._me)
            return
        with self._record.begin() as own:
            landing.release(own, self._me)

    def _forget(self, path: Path) -> None:
        self._insist(lambda session: landing.forget(session, path))

    def _renew(self, session: Session) -> None:
        if self._underway:
            landing.renew(session, self._me)

    def _insist(self, act: Callable[[Session], T]) -> T:
        """Do something in one transaction, again and again while the record cannot be reached."""
        waits_s = [0.2, 1.0, 2.0, 5.0, 10.0]
        for attempt in range(60):
            try:
                with self._record.begin() as session:
                    return act(session)
            except OperationalError as error:
                wait_s = waits_s[min(attempt, len(waits_s) - 1)]
                self._say(f"the record cannot be written ({error.orig}): again in {wait_s:g} s")
                time.sleep(wait_s)
        raise OSError(f"the record at {self._config.record} has not answered for ten minutes")


def run_intake(
    config: Config,
    *,
    workers: int | None = None,
    stop: threading.Event | None = None,
    quiet: Quiet | None = None,
) -> None:
    """Watch ``config.recordings`` until ``stop`` is set, entering what lands in the record.

    Any number of intakes may run against the same record and folders.
    """
    Intake(config, workers=workers, quiet=quiet).run(stop or threading.Event())


def recordings_of(path: Path, folders: Iterable[Path]) -> list[Path]:
    """The recordings that a changed path belongs to, or holds, below one of the watched folders."""
    folder = next((one for one in folders if path == one or path.is_relative_to(one)), None)
    if folder is None:
        return []
    inside = path.relative_to(folder).parts
    chain = [folder.joinpath(*inside[:depth]) for depth in range(len(inside) + 1)]
    if any(is_unfinished(one.name) for one in chain[1:]):
        return []
    for one in chain[:-1]:
        if one.is_dir() and any(reader.recognises(one) for reader in READERS):
            return [one]
    if path.suffix.lower() == ".json":  # the metadata of a recording beside it, or of all of them
        try:
            beside = [one for one in path.parent.iterdir() if not is_unfinished(one.name)]
        except OSError:  # taken away since, with its folder
            return []
        said_of = [one for one in beside if path.name == MAPPING or sidecar_of(one) == path]
        return [one for one in said_of if any(reader.recognises(one) for reader in READERS)]
    return recordings_in(path) if path.exists() else []


def _may_grow(path: Path) -> bool:
    """True for a folder, whose files come one by one."""
    return path.is_dir()


def _since(state: State) -> float:
    """The monotonic time of the newest change; now where a clock elsewhere is ahead of ours."""
    return time.monotonic() - max(0.0, time.time() - state.changed_s)


def _sweep(measurements: Path) -> None:
    """Remove what killed processes left half written, once it is an hour old."""
    for left in measurements.glob(".measuring-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True)


def _say_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
