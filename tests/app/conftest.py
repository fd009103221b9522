"""A small house: a record with two screened recordings, one of them frozen in its middle."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from films import NOW, film

from dailies.access import SignIn
from dailies.config import Config
from dailies.database import open_record
from dailies.record import Rate, Rig, Shift, Site, Task, Worker
from jobs.entry import enter
from jobs.screening import screen
from pages import _ground
from quality.policy import Policy

SIGN_IN = SignIn("http://127.0.0.1:9/none", "dailies", "s", "c" * 32, "http://127.0.0.1:8501")


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran as ``__main__``, which a spawned process imports first."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Where the house lies; episode 1 is frozen, episode 2 is not."""
    root = tmp_path_factory.mktemp("house")
    recordings = root / "recordings"
    recordings.mkdir()
    config = Config.of(root / "data", recordings=(recordings,))
    config.data.mkdir()
    record = open_record(config.record)
    with record.begin() as session:
        session.add(
            Site(id="delft", name="Delft", kind="home", zone="Europe/Amsterdam", currency="EUR")
        )
        session.add(Task(id="egg", name="flip an egg", steps=["flip"], expected_s=6.0))
        session.flush()
        session.add(Rig(id="r1", site_id="delft", kind="bimanual"))
        session.add(Worker(id="w-1", site_id="delft"))
        session.add(
            Rate(
                site_id="delft",
                basis="paid",
                amount=Decimal("15.00"),
                currency="EUR",
                starts_on=NOW.date(),
            )
        )
        session.flush()
        session.add(
            Shift(
                id="s-1",
                worker_id="w-1",
                site_id="delft",
                rig_id="r1",
                started_at=NOW,
                ended_at=NOW + dt.timedelta(hours=2),
                worked_on=NOW.date(),
                paid_s=7200.0,
            )
        )
        for name, frozen in (("frozen", True), ("fine", False)):
            film(recordings / f"{name}.mp4", frozen=frozen)
            for one in screen(
                recordings / f"{name}.mp4", Policy.load(), store=config.measurements, threads=1
            ):
                enter(session, one, site_zones={"delft": "Europe/Amsterdam"}, landed_at=NOW)
    record.close()
    return config


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A house in which nothing is recorded."""
    return Config.of(tmp_path_factory.mktemp("bare"), recordings=(Path("/rec"),))


def stand_on(ground: _ground.Ground) -> None:
    """Let this process's pages stand on a house."""
    _ground.leave()
    _ground._standing.append(ground)


@pytest.fixture
def on_house(house: Config) -> Iterator[Config]:
    """Pages stand on the house, open to all."""
    stand_on(_ground.Ground.open(house, None))
    yield house
    _ground.leave()


@pytest.fixture(scope="session")
def guarded(house: Config) -> Iterator[_ground.Ground]:
    """The house with sign-in configured, for tests that change nothing."""
    opened = _ground.Ground.open(house, SIGN_IN)
    yield opened
    opened.mirror.close()
    opened.record.close()


@pytest.fixture
def on_guarded_house(house: Config, guarded: _ground.Ground) -> Iterator[Config]:
    """Pages stand on the house, with sign-in configured."""
    stand_on(guarded)
    yield house
    _ground._standing.clear()


@pytest.fixture
def on_bare_house(bare: Config) -> Iterator[Config]:
    """Pages stand on a record in which nothing is."""
    stand_on(_ground.Ground.open(bare, None))
    yield bare
    _ground.leave()
