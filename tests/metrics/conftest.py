"""The operation of operation.py in a real record, and a mirror of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from operation import FIRST, SECOND, fill

from dailies.database import Record, open_record
from dailies.mirror import Mirror
from metrics import Filter


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A mirror of the operation, for questions only."""
    record = open_record(f"sqlite:///{tmp_path_factory.mktemp('metrics') / 'record.sqlite'}")
    with record.begin() as session:
        fill(session)
    mirror = Mirror(record, max_age_s=3600.0, threads=1)
    yield mirror
    mirror.close()
    record.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Mirror]:
    """A mirror of a record in which nothing is."""
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    mirror = Mirror(record, max_age_s=3600.0, threads=1)
    yield mirror
    mirror.close()
    record.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Record, Mirror]]:
    """The operation for a test that changes it."""
    record = open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")
    with record.begin() as session:
        fill(session)
    mirror = Mirror(record, max_age_s=0.0, threads=1)
    yield record, mirror
    mirror.close()
    record.close()


@pytest.fixture
def both_days() -> Filter:
    """The 2nd and 3rd of March."""
    return Filter(FIRST, SECOND)
