"""A small house: a record with two screened recordings, one of them frozen in its middle."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dailies.access import SignIn
from dailies.config import Config
from dailies.database import open_record
from dailies.record import Rate, Rig, Shift, Site, Task, Worker
from jobs.entry import enter
from jobs.screening import screen
from pages import _ground
from quality.policy import Policy

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
FROZEN_S = (2.0, 4.0)
SIGN_IN = SignIn("http://127.0.0.1:9/none", "dailies", "s", "c" * 32, "http://127.0.0.1:8501")


def film(path: Path, *, frozen: bool, seconds: float = 6.0, rate: int = 15) -> None:
    """A noisy square that wanders through the picture and, where ``frozen``, stands still."""
    grain = np.random.default_rng(7).integers(60, 200, (240, 320), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = Fraction(1, rate)
        for at in range(round(seconds * rate)):
            still = frozen and FROZEN_S[0] <= at / rate < FROZEN_S[1]
            where = round(FROZEN_S[0] * rate) if still else at
            frame = av.VideoFrame.from_ndarray(np.roll(grain, 3 * where, axis=1), format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    who = {"task": "egg", "worker": "w-1", "site": "delft", "rig": "r1"}
    path.with_suffix(".json").write_text(json.dumps(who | {"started_at": NOW.isoformat()}))


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


def stand_on(config: Config, sign_in: SignIn | None = None) -> None:
    """Let this process's pages stand on a house."""
    _ground.leave()
    _ground._standing.append(_ground.Ground.open(config, sign_in))


@pytest.fixture
def on_house(house: Config) -> Iterator[Config]:
    """Pages stand on the house, open to all."""
    stand_on(house)
    yield house
    _ground.leave()


@pytest.fixture
def on_guarded_house(house: Config) -> Iterator[Config]:
    """Pages stand on the house, with sign-in configured."""
    stand_on(house, SIGN_IN)
    yield house
    _ground.leave()


@pytest.fixture
def on_bare_house(bare: Config) -> Iterator[Config]:
    """Pages stand on a record in which nothing is."""
    stand_on(bare)
    yield bare
    _ground.leave()
