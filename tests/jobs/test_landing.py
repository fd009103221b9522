"""Claims on landings: one process has each, and the claims of the dead are free."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select, update

from dailies.database import Record
from dailies.record import Landing
from jobs import landing

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TAKE = Path("/in/take.mp4")
ELSEWHERE = "another-machine/1/0"


def see(record: Record, *paths: Path) -> list[landing.Seen]:
    with record.begin() as session:
        return landing.see(session, paths, NOW)


def claim(record: Record, me: str, state: str = "s1", path: Path = TAKE) -> bool:
    with record.begin() as session:
        return landing.claim(session, path, state, me, NOW)


def finish(record: Record, me: str, state: str = "s1", error: str | None = None) -> None:
    with record.begin() as session:
        landing.finish(session, TAKE, state, error=error, me=me)


def states(record: Record) -> list[tuple[str, str, str | None, str | None]]:
    with record.read() as session:
        rows = session.scalars(select(Landing).order_by(Landing.path))
        return [(row.path, row.state, row.fingerprint, row.claimed_by) for row in rows]


def test_a_path_seen_twice_is_one_landing(record: Record) -> None:
    see(record, TAKE)
    (again,) = see(record, TAKE)
    assert again == landing.Seen(TAKE, "waiting", None, None, None, NOW)
    assert states(record) == [("/in/take.mp4", "waiting", None, None)]


def test_many_paths_are_seen_at_once(record: Record) -> None:
    paths = [Path(f"/in/{n:04}.mp4") for n in range(1201)]
    assert len(see(record, *paths)) == 1201
    assert len(states(record)) == 1201


def test_only_one_of_two_processes_gets_a_landing(record: Record) -> None:
    see(record, TAKE)
    assert claim(record, ELSEWHERE)
    assert not claim(record, landing.claimant())
    assert states(record) == [("/in/take.mp4", "screening", None, ELSEWHERE)]


def test_what_is_screened_is_not_claimed_again_until_its_files_change(record: Record) -> None:
    me = landing.claimant()
    see(record, TAKE)
    assert claim(record, me, "s1")
    finish(record, me, "s1")
    assert not claim(record, me, "s1")
    assert claim(record, me, "s2")
    finish(record, me, "s2", error="cannot be read: copy it again")
    assert states(record) == [("/in/take.mp4", "failed", "s2", None)]
    assert not claim(record, me, "s2")


def test_a_claim_of_a_process_that_died_here_is_free_at_once(record: Record) -> None:
    see(record, TAKE)
    child = subprocess.run(
        [sys.executable, "-c", "from jobs.landing import claimant; print(claimant())"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert claim(record, child.stdout.strip())
    with record.read() as session:
        assert landing.unfinished(session, [Path("/in")], "me") == [TAKE]
    assert claim(record, landing.claimant())


def test_a_process_id_used_again_is_not_taken_for_the_claimant() -> None:
    host, pid, started = landing.claimant().split("/")
    assert not landing.is_gone(f"{host}/{pid}/{started}")
    assert landing.is_gone(f"{host}/{pid}/{int(started) - 1}")
    assert host == socket.gethostname()


def test_a_claim_elsewhere_runs_out_when_it_is_not_renewed(record: Record) -> None:
    see(record, TAKE)
    claim(record, ELSEWHERE)
    old = dt.datetime.now(dt.UTC) - landing.CLAIM_LASTS - dt.timedelta(seconds=1)
    with record.begin() as session:
        session.execute(update(Landing).values(claimed_at=old))
    with record.begin() as session:
        landing.renew(session, ELSEWHERE)
    assert not claim(record, "b/1/0")
    with record.begin() as session:
        session.execute(update(Landing).values(claimed_at=old))
    assert claim(record, "b/1/0")


def test_one_who_lost_a_claim_cannot_finish_it(record: Record) -> None:
    see(record, TAKE)
    claim(record, "b/1/0")
    finish(record, ELSEWHERE)
    assert states(record) == [("/in/take.mp4", "screening", None, "b/1/0")]


def test_released_claims_wait_for_anybody(record: Record) -> None:
    see(record, TAKE)
    claim(record, ELSEWHERE)
    with record.begin() as session:
        landing.release(session, ELSEWHERE)
    with record.read() as session:
        assert landing.unfinished(session, [Path("/in")], "me") == [TAKE]
        assert landing.unfinished(session, [Path("/i")], "me") == []
    assert claim(record, "b/1/0")


def test_a_landing_that_went_away_unscreened_is_forgotten(record: Record) -> None:
    see(record, TAKE)
    with record.begin() as session:
        landing.forget(session, TAKE)
    assert states(record) == []


def test_a_landing_that_was_screened_is_not_forgotten(record: Record) -> None:
    see(record, TAKE)
    claim(record, ELSEWHERE)
    finish(record, ELSEWHERE)
    with record.begin() as session:
        landing.forget(session, TAKE)
    assert len(states(record)) == 1
