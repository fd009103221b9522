"""``dailies up``: a half that dies is started again, and both end with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dailies.database import RecordUnusable, open_record
from dailies.record import Episode
from jobs.serve import PortTaken, check_port, free_port
from jobs.up import Half, Keeper, answers

ROOT = Path(__file__).resolve().parents[2]
Clip = Callable[..., Path]
pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> dict[int, str]:
    """Processes that a process has started, with their command lines."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                line = stat.with_name("cmdline").read_text().replace("\0", " ")
                found[int(stat.parent.name)] = line
    return found


@contextlib.contextmanager
def kept(keeper: Keeper) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=keeper.run)
    thread.start()
    try:
        yield thread
    finally:
        keeper.stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_half_that_ends_is_started_again_after_a_growing_wait(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    code = f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(3)"
    said: list[str] = []
    with kept(Keeper([Half("intake", python(code))], {}, said.append)):
        wait_until(lambda: marks.exists() and len(marks.read_text()) >= 3)
    assert said[:2] == [
        "the intake ended with status 3: starting it again in 1 s",
        "the intake ended with status 3: starting it again in 2 s",
    ]


def test_one_half_dies_and_the_other_goes_on(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    lasting = (
        f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(99)"
    )
    halves = [Half("app", python(lasting)), Half("intake", python("raise SystemExit(1)"))]
    with kept(Keeper(halves, {}, lambda _: None)):
        wait_until(pids.exists)
        time.sleep(2)
    (pid,) = pids.read_text().split()
    assert not runs(int(pid))


def test_a_half_that_does_not_want_to_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.up.STOP_S", 1.0)
    mark = tmp_path / "pid"
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    )
    with kept(Keeper([Half("app", python(code))], {}, lambda _: None)):
        wait_until(lambda: mark.exists() and bool(mark.read_text()))
    assert not runs(int(mark.read_text()))


def test_a_taken_port_is_said_with_another_that_is_free() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .* in use .* --port \d+"):
            check_port(port)
    check_port(free_port())


@pytest.mark.timeout(150)
def test_up_screens_serves_starts_a_killed_intake_again_and_stops_on_ctrl_c(
    tmp_path: Path, clip: Clip
) -> None:
    folder, data, port = tmp_path / "recordings", tmp_path / "data", free_port()
    folder.mkdir()
    shutil.copy(clip(0), folder / "one.mp4")
    log = (tmp_path / "log").open("wb")
    up = subprocess.Popen(
        up_command(folder, data, port),
        cwd=ROOT,
        stderr=log,
        stdout=subprocess.PIPE,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60)
        wait_until(lambda: episodes(data) == 1)
        (intake,) = [pid for pid, line in children(up.pid).items() if "intake" in line]
        workers = children(intake)
        os.kill(intake, signal.SIGKILL)
        shutil.copy(clip(1), folder / "two.mp4")
        wait_until(lambda: episodes(data) == 2, 60)
        halves = children(up.pid)
        assert len(halves) == 2
        assert not any(runs(pid) for pid in workers)
        below = {pid for half in halves for pid in children(half)} | set(halves)
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0
        wait_until(lambda: not any(runs(pid) for pid in below), 10)
    finally:
        up.kill()
        log.close()
    said = (tmp_path / "log").read_text()
    assert f"Dailies is at http://127.0.0.1:{port}" in said
    assert "the intake was ended by SIGKILL: starting it again in 1 s" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "log", "recordings"]


@pytest.mark.timeout(120)
def test_the_halves_end_when_up_itself_is_killed(tmp_path: Path) -> None:
    folder, data, port = tmp_path / "recordings", tmp_path / "data", free_port()
    folder.mkdir()
    up = subprocess.Popen(
        up_command(folder, data, port),
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60)
        halves = children(up.pid)
        assert len(halves) == 2
    finally:
        up.kill()
        up.wait()
    wait_until(lambda: not any(runs(pid) for pid in halves), 20)


def up_command(folder: Path, data: Path, port: int) -> list[str]:
    given = {"--port": port, "--workers": 1, "--recordings": folder, "--data": data}
    options = [str(part) for option in given.items() for part in option]
    return [sys.executable, "-m", "jobs.cli", "up", *options]


def episodes(data: Path) -> int:
    try:
        record = open_record(f"sqlite:///{data / 'record.sqlite'}", create=False)
    except RecordUnusable:
        return 0
    with record.read() as session:
        count = session.scalar(select(func.count()).select_from(Episode)) or 0
    record.close()
    return count
