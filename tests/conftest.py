"""What every part's tests share: a real record on both databases, and the sample recordings."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from dailies.database import Record, open_record

ROOT = Path(__file__).parent.parent

GRACE_S = 20
"""How long after its time a test that does not stop ends its process."""

_stderr = pytest.StashKey[int]()

LONG = (
    "app/test_browser.py",
    "example/test_example_recordings.py",
    "jobs/test_pool.py",
    "jobs/test_kill.py",
    "app/test_review_browser.py",
    "jobs/test_intake.py",
    "jobs/test_up.py",
)
"""Files of few tests that take long: begun first, so that none is left over at the end."""

# a landing is not held up by what no one changed: a test's examples stay the same until it changes,
# and `just properties` looks for others
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def pytest_configure(config: pytest.Config) -> None:
    """Keeps the true standard error, which is not captured."""
    config.stash[_stderr] = os.dup(2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long files first."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Ends a test that is stuck in native code, and prints where every thread is.

    pytest-timeout interrupts a test with a signal that only Python code takes notice of.
    """
    marker = item.get_closest_marker("timeout")
    limit_s = float(marker.args[0] if marker else item.config.getini("timeout"))
    file = item.config.stash[_stderr]
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=file)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real recordings (DAILIES_SAMPLES); skips where there is none."""
    folder = Path(os.environ.get("DAILIES_SAMPLES") or ROOT.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip("no sample recordings: set DAILIES_SAMPLES")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL: DAILIES_TEST_POSTGRES, or a server of our own where it is installed."""
    given = os.environ.get("DAILIES_TEST_POSTGRES")
    if given:
        yield str(make_url(given).set(drivername="postgresql+psycopg").render_as_string(False))
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no PostgreSQL: set DAILIES_TEST_POSTGRES")
    with tempfile.TemporaryDirectory(prefix="dailies-pg-") as folder:
        yield from _serve(found[-1].parent, Path(folder))


def _serve(binaries: Path, folder: Path) -> Iterator[str]:
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(folder, user)
    place = folder / "cluster"
    subprocess.run(
        [binaries / "initdb", "-D", place, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [
            *(binaries / "postgres", "-D", place, "-k", folder),
            *("-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off"),
        ],
        stdout=log,
        stderr=log,
        user=user,
        cwd=folder,
    )
    try:
        url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown, which does not wait for connections
        server.wait(30)
        log.close()


def _wait_for(url: str) -> None:
    engine = create_engine(url)
    give_up = time.monotonic() + 60
    while True:
        try:
            with engine.connect():
                break
        except OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_model(postgres: str) -> Iterator[str]:
    """Name of a database of PostgreSQL with an empty record, to make others like it fast."""
    with _database(postgres, "template0") as url:
        open_record(url).close()
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with an empty record, to make others like it fast."""
    path = tmp_path_factory.mktemp("record") / "record.sqlite"
    open_record(f"sqlite:///{path}").close()
    return path


@contextlib.contextmanager
def _database(server: str, model: str) -> Iterator[str]:
    """URL of a new database of PostgreSQL like ``model``, dropped afterwards."""
    name = f"dailies_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {model}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture
def postgres_url(postgres: str, postgres_model: str) -> Iterator[str]:
    """URL of an empty record on PostgreSQL."""
    with _database(postgres, postgres_model) as url:
        yield url


@pytest.fixture(params=BOTH)
def new_record_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a record that is not there yet, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'record.sqlite'}"
    else:
        with _database(request.getfixturevalue("postgres"), "template0") as url:
            yield url


@pytest.fixture(params=BOTH)
def record_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty record, once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    path = tmp_path / "record.sqlite"
    shutil.copy(request.getfixturevalue("sqlite_model"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def record(record_url: str) -> Iterator[Record]:
    """An empty record, once on SQLite and once on PostgreSQL."""
    opened = open_record(record_url, create=False)
    yield opened
    opened.close()
