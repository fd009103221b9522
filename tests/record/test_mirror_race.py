"""Several processes write at random while a mirror refreshes: it misses nothing."""

from __future__ import annotations

import time

import pytest
from record_rows import PROCESSES, differing, write_at_random
from sqlalchemy import text

from dailies.database import Record
from dailies.mirror import Mirror

WRITERS = 3
ROUNDS = 4
WRITES = 8


def _sums(mirror: Mirror) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of differences come to: kept all along, they equal those made anew."""
    return {
        table: mirror.rows(
            f"SELECT {kinds}, sum(episodes), sum(recorded_ms) FROM {table}"
            " GROUP BY ALL HAVING sum(episodes) <> 0 ORDER BY ALL"
        )
        for table, kinds in (("cell", "worked_on, site_id"), ("defect", "check_name, is_first"))
    }


@pytest.mark.timeout(400)
def test_a_mirror_misses_nothing_that_several_processes_write(
    record: Record, record_url: str
) -> None:
    mirror = Mirror(record, max_age_s=3600.0, threads=1)
    barrier = PROCESSES.Barrier(WRITERS + 1)
    writers = [
        PROCESSES.Process(
            target=write_at_random, args=(record_url, seed, ROUNDS, WRITES, barrier, 3), daemon=True
        )
        for seed in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    refreshes = 0
    for _ in range(ROUNDS):
        while barrier.n_waiting < WRITERS:
            refreshes += bool(mirror.refresh().count)
            assert all(writer.is_alive() for writer in writers)
            time.sleep(0.005)
        mirror.refresh()
        assert differing(record, mirror) == {}
        assert _sums(mirror) == _sums(Mirror(record, max_age_s=3600.0, threads=1))
        barrier.wait(150)
        barrier.wait(150)
    for writer in writers:
        writer.join(60)
    assert refreshes > ROUNDS  # it did follow while they were writing
    with record.read() as session:
        assert session.execute(text("SELECT count(*) FROM episode")).scalar_one() > 50
        assert session.execute(text("SELECT count(*) FROM tombstone")).scalar_one() > 50
