"""The landing rows: what has been seen, who is at it, what came of it.

A claim is one UPDATE whose condition only one of several intakes can meet. It names its process,
so that on the same machine a dead claimant is known at once; elsewhere a claim that is not renewed
runs out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from dailies.record import Landing

CLAIM_LASTS = dt.timedelta(seconds=60)
RENEW_S = 10.0
ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Seen:
    """A landing row as it stood: its state, and the state of its files when last screened."""

    path: Path
    state: str
    fingerprint: str | None
    claimed_by: str | None
    claimed_at: dt.datetime | None
    seen_at: dt.datetime


def claimant() -> str:
    """This process's name on its claims: machine, process id, and when the process started."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(name: str | None) -> bool:
    """True where a claimant was a process of this machine that does not run any more."""
    parts = (name or "").split("/")
    if len(parts) != 3 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return False
    pid = int(parts[1])
    with contextlib.suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
    return _started(pid) != parts[2]


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "0" where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def see(session: Session, paths: Sequence[Path], now: dt.datetime) -> list[Seen]:
    """Note paths that are new as waiting, and give the rows of all of them."""
    insert = (
        postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    )(Landing).on_conflict_do_nothing(index_elements=["path"])
    rows: list[Seen] = []
    for start in range(0, len(paths), ROWS_AT_ONCE):
        some = [str(path) for path in paths[start : start + ROWS_AT_ONCE]]
        here = _rows(session, Landing.path.in_(some))
        known = {str(row.path) for row in here}
        new = [path for path in some if path not in known]
        if new:
            session.execute(
                insert, [{"path": path, "state": "waiting", "seen_at": now} for path in new]
            )
            here += [Seen(Path(path), "waiting", None, None, None, now) for path in new]
        rows += here
    return rows


def claim(session: Session, path: Path, state: str, me: str, landed_at: dt.datetime) -> bool:
    """Take a landing for this process: False where another has it, or it is screened already.

    ``state`` is that of its files.
    """
    now = dt.datetime.now(dt.UTC)
    row = next(iter(_rows(session, Landing.path == str(path))), None)
    if row is None or (row.state in ("done", "failed") and row.fingerprint == state):
        return False
    if row.state == "screening" and not _is_free(row, now) and row.claimed_by != me:
        return False
    as_seen = and_(
        Landing.path == str(path),
        Landing.state == row.state,
        Landing.claimed_by.is_(None)
        if row.claimed_by is None
        else Landing.claimed_by == row.claimed_by,
    )
    taken = session.execute(
        update(Landing)
        .where(as_seen)
        .values(
            state="screening",
            claimed_by=me,
            claimed_at=now,
            landed_at=landed_at,
            done_at=None,
            error=None,
        )
        .returning(Landing.id)
    )
    return taken.first() is not None


def renew(session: Session, me: str) -> None:
    """Keep this process's claims from running out."""
    mine = and_(Landing.state == "screening", Landing.claimed_by == me)
    session.execute(update(Landing).where(mine).values(claimed_at=dt.datetime.now(dt.UTC)))


def finish(session: Session, path: Path, state: str, *, error: str | None, me: str) -> None:
    """A landing is screened: done, or failed where ``error`` says why.

    ``state`` is that of its files when they were screened.
    """
    session.execute(
        update(Landing)
        .where(Landing.path == str(path), Landing.claimed_by == me)
        .values(
            state="failed" if error else "done",
            fingerprint=state,
            done_at=dt.datetime.now(dt.UTC),
            claimed_by=None,
            claimed_at=None,
            error=error,
        )
    )


def release(session: Session, me: str, path: Path | None = None) -> None:
    """Let one claim of this process go, or all of them."""
    mine = Landing.claimed_by == me
    if path is not None:
        mine = and_(mine, Landing.path == str(path))
    waiting = {"state": "waiting", "claimed_by": None, "claimed_at": None}
    session.execute(update(Landing).where(mine).values(waiting))


def forget(session: Session, path: Path) -> None:
    """Drop a landing that went away before it was screened, and had not been screened before."""
    unscreened = and_(Landing.path == str(path), Landing.fingerprint.is_(None))
    session.execute(delete(Landing).where(unscreened, Landing.state != "screening"))


def unfinished(session: Session, folders: Sequence[Path], me: str) -> list[Path]:
    """Landings below some folders that wait, or whose claimant is gone or silent."""
    now = dt.datetime.now(dt.UTC)
    below = or_(
        *(Landing.path == str(folder) for folder in folders),
        *(Landing.path.startswith(f"{folder}{os.sep}", autoescape=True) for folder in folders),
    )
    rows = _rows(session, and_(below, Landing.state.in_(["waiting", "screening"])))
    return [
        row.path
        for row in rows
        if row.state == "waiting" or (row.claimed_by != me and _is_free(row, now))
    ]


def _is_free(row: Seen, now: dt.datetime) -> bool:
    is_late = row.claimed_at is None or now - row.claimed_at > CLAIM_LASTS
    return is_late or is_gone(row.claimed_by)


def _rows(session: Session, condition: ColumnElement[bool]) -> list[Seen]:
    columns = (
        Landing.path,
        Landing.state,
        Landing.fingerprint,
        Landing.claimed_by,
        Landing.claimed_at,
        Landing.seen_at,
    )
    found = session.execute(select(*columns).where(condition))
    return [
        Seen(Path(path), state, fingerprint, claimed_by, claimed_at, seen_at)
        for path, state, fingerprint, claimed_by, claimed_at, seen_at in found
    ]
