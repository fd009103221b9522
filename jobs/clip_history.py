"""All clips of a record, to be looked up by what moves in them (the intake).

The index of landmarks is in memory. What it was made of is appended to a file in the data folder,
so that a start reads sixteen-odd bytes a landmark and not a million folders. The record says what
is history: the file is caught up with it before every look-up, a half-written end is cut off, and
a file that belongs to another record is left behind. Nothing is lost with the file: it is made
again from the stored measurements.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from dailies.database import Record
from dailies.record import Episode
from jobs.copies import Earlier, copies_in, told
from jobs.screening import Screened
from quality.landmarks import ROW, Candidate, Index, Rows, landmarks
from quality.measures.measurements import keep_copies, load_sketches
from quality.measures.sketch import Sketch
from quality.moves import Moves
from quality.policy import Policy

LOG_ROW = np.dtype(
    [("episode", "<u4"), ("content", "<u4"), ("camera", "<u2"), ("at", "<u2"), ("hash", "<u8")]
)
NO_CAMERA = 0xFFFF
"""Camera of the row that ends an episode: without it, a killed process wrote the rest in vain."""
LOOK_BACK = 1_000
"""Ids that may still come after a greater one, where several write to PostgreSQL."""
CATCH_UP_S = 5.0
"""Longest time to catch up before a look-up; the rest comes when the intake has nothing to do."""


class History:
    """All episodes of a record, to be looked up. One a process; not safe for threads."""

    def __init__(self, record: Record, data: Path) -> None:
        self._record, self._data = record, data
        self._index = Index()
        self._clips: list[tuple[int, int]] = []  # the episode's id and the camera's number
        self._recent: set[int] = set()
        self._newest = 0
        self._log = _Log(data / "landmarks.bin")
        self._start()

    def judged(self, screened: Screened, policy: Policy) -> Screened:
        """An episode with what of it was there before, which is also kept with its measurements."""
        if not screened.sketches:
            return screened
        self.catch_up(CATCH_UP_S)
        known = self._earlier_than(screened)
        copies = copies_in(screened.sketches, self._index, known)
        folder = self._data / "measurements" / screened.fingerprint
        if screened.stored and folder.is_dir():
            keep_copies(folder, copies)
        return told(screened, copies, policy)

    def catch_up(self, longest_s: float) -> bool:
        """Take in what came to the record since; True where that is all."""
        until_s = time.monotonic() + longest_s
        columns = (Episode.id, Episode.content, Episode.measurements)
        newer = (
            select(*columns)
            .where(Episode.id > self._newest - LOOK_BACK, Episode.measurements.is_not(None))
            .order_by(Episode.id)
            .limit(2 * LOOK_BACK)
        )
        while True:
            with self._record.read() as session:
                rows = [row for row in session.execute(newer) if row.id not in self._recent]
            for row in rows:
                self._take_in(row)
                if time.monotonic() > until_s:
                    return False
            if not rows:
                return True
            newer = newer.where(Episode.id > self._newest)

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()

    def _start(self) -> None:
        rows = self._log.read()
        if len(rows) and not self._is_ours(rows):
            self._log.start_over()
            rows = rows[:0]
        known = rows[rows["camera"] != NO_CAMERA]
        pairs = np.stack([known["episode"], known["camera"]], axis=1).astype(np.int64)
        clips, numbers = np.unique(pairs, axis=0, return_inverse=True)
        self._clips = [(int(episode), int(camera)) for episode, camera in clips]
        self._index.add(_indexed(known, numbers.ravel()))
        if len(rows):
            self._newest = int(rows["episode"].max())
            late = rows["episode"][rows["episode"] > self._newest - LOOK_BACK]
            self._recent = set(late.tolist())

    def _is_ours(self, rows: Rows) -> bool:
        """Whether the file speaks of this record: most of its newest episodes are there."""
        newest = {int(row["episode"]): int(row["content"]) for row in rows[-10_000:]}
        ids = sorted(newest)[-100:]
        wanted = select(Episode.id, Episode.content).where(Episode.id.in_(ids))
        with self._record.read() as session:
            there = session.execute(wanted).all()
            last = session.scalar(select(func.max(Episode.id))) or 0
        same = sum(_brief(content) == newest[id_] for id_, content in there)
        return last >= ids[-1] and 2 * same > len(ids)

    def _take_in(self, row: Row[int, str, str | None]) -> None:
        sketches: tuple[Sketch, ...] = ()
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            sketches = load_sketches(self._data / str(row.measurements))
        taken = []
        for camera, sketch in enumerate(sketches):
            rows = landmarks(Moves.of(sketch), len(self._clips))
            if len(rows):
                self._index.add(rows)
                self._clips.append((row.id, camera))
                taken.append(_logged(rows, row.id, row.content, camera))
        self._log.append(np.concatenate([*taken, _end(row.id, row.content)]))
        self._newest = max(self._newest, row.id)
        self._recent.add(row.id)
        if len(self._recent) > 4 * LOOK_BACK:
            self._recent = {id_ for id_ in self._recent if id_ > self._newest - LOOK_BACK}

    def _earlier_than(self, screened: Screened) -> Callable[[Candidate], Earlier | None]:
        """Gives a candidate's recording; None for the episode itself and what came after it."""
        own = screened.contents
        place = (str(screened.path), screened.index)

        def at_place(session: Session) -> int | None:
            same = select(Episode.id).where(Episode.path == place[0], Episode.index == place[1])
            return session.scalar(same.where(Episode.content.in_(own)).order_by(Episode.id))

        with self._record.read() as session:
            entered = at_place(session)

        def earlier(candidate: Candidate) -> Earlier | None:
            id_, camera = self._clips[candidate.clip]
            if entered is not None and id_ >= entered:
                return None
            with self._record.read() as session:
                one = session.get(Episode, id_)
                if one is None or one.content in own or (one.path, one.index) == place:
                    return None
                label = f"episode {id_} of the record ({Path(one.path).name})"
                folder = self._data / (one.measurements or "")
            try:
                return label, load_sketches(folder)[camera]
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                return None  # its measurements are gone: nothing to compare with

        return earlier


class _Log:
    """The file of landmarks. Of several processes the first one appends, the others only read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._is_writer = True
        except OSError:
            self._is_writer = False

    def read(self) -> Rows:
        """The rows of whole episodes; what a killed process left half written is cut off."""
        size = self._path.stat().st_size
        rows = np.fromfile(self._path, LOG_ROW, count=size // LOG_ROW.itemsize)
        ends = np.flatnonzero(rows["camera"] == NO_CAMERA)
        rows = rows[: ends[-1] + 1 if len(ends) else 0]
        if self._is_writer:
            self._file.truncate(len(rows) * LOG_ROW.itemsize)
        return rows

    def append(self, rows: Rows) -> None:
        if self._is_writer:
            self._file.write(rows.tobytes())
            self._file.flush()

    def start_over(self) -> None:
        if self._is_writer:
            self._file.truncate(0)

    def close(self) -> None:
        self._file.close()


def _brief(content: str) -> int:
    try:
        return int(content[:8], 16)
    except ValueError:
        return 0


def _end(episode: int, content: str) -> Rows:
    row = np.zeros(1, LOG_ROW)
    row["episode"], row["content"], row["camera"] = episode, _brief(content), NO_CAMERA
    return row


def _logged(rows: Rows, episode: int, content: str, camera: int) -> Rows:
    logged = np.zeros(len(rows), LOG_ROW)
    logged["episode"], logged["content"], logged["camera"] = episode, _brief(content), camera
    logged["at"], logged["hash"] = rows["at"], rows["hash"]
    return logged


def _indexed(logged: Rows, numbers: npt.NDArray[np.integer]) -> Rows:
    rows = np.zeros(len(logged), ROW)
    rows["hash"], rows["at"], rows["clip"] = logged["hash"], logged["at"], numbers
    return rows
