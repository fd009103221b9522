"""The pool of processes: one recording that kills or hangs its process fails alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.pool import (
    HELD,
    SERVER,
    Broken,
    Dataset,
    Done,
    Finished,
    Job,
    Listed,
    Pool,
    Report,
    parts,
    screen_all,
)
from jobs.screening import failed
from quality.policy import Policy

POLICY = Policy.load()
Clip = Callable[..., Path]


@contextlib.contextmanager
def pool(workers: int, **options: float) -> Iterator[Pool]:
    made = Pool(Policy.load(), workers=workers, **options)
    try:
        yield made
    finally:
        made.close()


def reports(pool: Pool, *, disturb: Callable[[], None] = lambda: None) -> list[Report]:
    until = time.monotonic() + 60
    heard: list[Report] = []
    while not pool.is_idle:
        assert time.monotonic() < until, "the pool does not come to an end"
        disturb()
        heard += pool.reports(0.02)
    return heard


def verdicts(heard: list[Report]) -> dict[str, str]:
    done = [one.screened for one in heard if isinstance(one, Done)]
    return {one.path.name: one.verdict.grade.value for one in done}


def is_at(pid: int, path: Path) -> bool:
    """True where a process has the file open, so is busy decoding it."""
    with contextlib.suppress(OSError):
        return any(link.resolve() == path for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def signal_whoever_is_at(path: Path, pool: Pool, number: int, times: int) -> Callable[[], None]:
    """Sends a signal to the processes that have the file open, so many times in all."""
    hit: list[int] = []

    def disturb() -> None:
        for pid in pool.at_work:
            if len(hit) < times and pid not in hit and is_at(pid, path):
                os.kill(pid, number)
                hit.append(pid)

    return disturb


def test_recordings_are_screened_by_several_processes(clip: Clip) -> None:
    paths = [clip(seed, seconds=1.0) for seed in range(4)]
    with pool(2) as two:
        for path in paths:
            two.submit(Job(path))
        heard = reports(two)
        assert len(two.at_work) == 2
    assert verdicts(heard).keys() == {path.name for path in paths}
    assert sum(isinstance(one, Finished) for one in heard) == 4


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_recording_whose_process_was_killed_once_is_screened_after_all(clip: Clip) -> None:
    long, short = clip(1, seconds=45.0, width=640, height=480), clip(2, seconds=1.0)
    with pool(1) as one:
        one.submit(Job(long))
        one.submit(Job(short))
        heard = reports(one, disturb=signal_whoever_is_at(long, one, signal.SIGKILL, 1))
    assert verdicts(heard).keys() == {long.name, short.name}
    assert not [report for report in heard if isinstance(report, Broken)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_recording_that_kills_its_process_twice_is_broken_and_the_rest_goes_on(
    clip: Clip,
) -> None:
    long, short = clip(1, seconds=45.0, width=640, height=480), clip(2, seconds=1.0)
    with pool(1) as one:
        one.submit(Job(long))
        one.submit(Job(short))
        heard = reports(one, disturb=signal_whoever_is_at(long, one, signal.SIGSEGV, 2))
    (broken,) = [report for report in heard if isinstance(report, Broken)]
    assert broken.job.path == long
    assert "was ended by SIGSEGV twice: check the file" in broken.message
    assert verdicts(heard).keys() == {short.name}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_death_before_an_episode_is_begun_and_one_in_it_are_two_of_the_same_recording(
    clip: Clip,
) -> None:
    # so long that it is still decoded when the second blow falls, on a quick machine too
    long = clip(1, seconds=90.0, width=640, height=480)
    with pool(1) as one:
        one.submit(Job(long))
        (first,) = one.at_work
        os.kill(first, signal.SIGKILL)  # it has not begun anything yet
        second = signal_whoever_is_at(long, one, signal.SIGKILL, 1)
        seen: list[float] = []

        def disturb() -> None:  # well into decoding, when the episode has been announced
            if any(is_at(pid, long) for pid in one.at_work):
                seen.append(time.monotonic())
            if seen and time.monotonic() - seen[0] > 0.5:
                second()

        heard = reports(one, disturb=disturb)
    (broken,) = [report for report in heard if isinstance(report, Broken)]
    assert broken.job.path == long
    assert not verdicts(heard)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_recording_that_hangs_is_broken_after_its_time(clip: Clip) -> None:
    long, short = clip(1, seconds=45.0, width=640, height=480), clip(2, seconds=1.0)
    with pool(1, timeout_s=8.0) as one:
        one.submit(Job(long))
        one.submit(Job(short))
        heard = reports(one, disturb=signal_whoever_is_at(long, one, signal.SIGSTOP, 1))
    (broken,) = [report for report in heard if isinstance(report, Broken)]
    assert broken.job.path == long
    assert "took longer than" in broken.message
    assert verdicts(heard).keys() == {short.name}


def test_what_is_no_recording_is_said_so(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no recording")
    with pool(1) as one:
        one.submit(Job(text))
        one.submit(Job(tmp_path / "absent.mp4"))
        heard = reports(one)
    broken = [report for report in heard if isinstance(report, Broken)]
    assert [report.is_format for report in broken] == [True, True]
    assert "absent.mp4 is not there" in broken[1].message


def test_the_processes_end_when_the_one_that_started_them_is_killed(
    clip: Clip, tmp_path: Path
) -> None:
    import subprocess
    import sys

    script = tmp_path / "start_a_pool.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from jobs.pool import Job, Pool\n"
        "from quality.policy import Policy\n"
        "if __name__ == '__main__':\n"
        "    pool = Pool(Policy.load(), workers=2)\n"
        "    pool.warm_up()\n"
        "    pool.submit(Job(Path(sys.argv[1])))\n"
        "    print(*pool.at_work, flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script), str(clip(1, seconds=45.0, width=640, height=480))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    until = time.monotonic() + 15
    while any(runs(pid) for pid in pids):
        assert time.monotonic() < until, "a process was left behind"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_parts_hold_every_index_once(count: int) -> None:
    indexes = list(range(count))
    assert [index for part in parts(indexes) for index in part] == indexes


@pytest.mark.skipif(sys.platform != "linux", reason="others spawn their processes")
def test_processes_that_are_done_end_by_themselves(clip: Clip) -> None:
    """One that is terminated leaves what libraries made of the system behind, with a warning."""
    with pool(2) as made:
        made.submit(Job(clip(1, seconds=1.0)))
        reports(made)
        (process,) = multiprocessing.active_children()
    assert process.exitcode == 0


def test_processes_have_an_environment_of_their_own() -> None:
    # in a process of its own: whoever starts the server first decides
    program = """
import os
from pathlib import Path
from jobs.pool import SERVER, Pool, prepare
from quality.policy import Policy

before = dict(os.environ)
prepare()
pool = Pool(Policy.load(), workers=1)
pool.warm_up()
(pid,) = pool.at_work
theirs = Path(f"/proc/{pid}/environ").read_text().split("\\0")
assert {f"{name}={value}" for name, value in SERVER.items()} <= set(theirs), theirs
assert dict(os.environ) == before
pool.close()
"""
    # nothing of it may come from here
    kept = {name: value for name, value in os.environ.items() if name not in SERVER}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], env={**kept, "PYTHONPATH": root}, timeout=60, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class Scripted:
    """A pool whose reports come in a given order."""

    def __init__(self, *reports: Report) -> None:
        self.left = list(reports)
        self.jobs: list[Job] = []

    @property
    def is_idle(self) -> bool:
        return not self.left

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def reports(self, _: float) -> list[Report]:
        return [self.left.pop(0)]


def done(path: str, index: int = 0) -> Done:
    job = Job(Path(path))
    return Done(job, failed(job.path, index, POLICY, "no matter", key="k"), "", is_settled=True)


def dataset(path: str, *indexes: int) -> Dataset:
    return Dataset(
        Job(Path(path)), tuple(Listed(index, "", 0.0, is_whole=True) for index in indexes)
    )


def told(*reports: Report, paths: tuple[str, ...]) -> list[tuple[str, int]]:
    pool: Any = Scripted(*reports)
    given = screen_all(pool, [Path(path) for path in paths])
    return [
        (one.job.path.name, one.screened.index if isinstance(one, Done) else -1) for one in given
    ]


def finished(path: str) -> Finished:
    return Finished(Job(Path(path)))


def test_reports_come_in_the_order_of_the_recordings() -> None:
    quick = (done("b"), finished("b"), done("c"), finished("c"), done("a"), finished("a"))
    assert told(*quick, paths=("a", "b", "c")) == [("a", 0), ("b", 0), ("c", 0)]


def test_episodes_of_a_dataset_come_in_its_own_order() -> None:
    reports = (
        *(done("z"), finished("z"), dataset("set", 4, 7, 9), finished("set")),
        *(done("set", 9), finished("set"), done("set", 4), finished("set")),
        *(done("set", 7), finished("set")),
    )
    assert told(*reports, paths=("set", "z")) == [
        *(("set", -1), ("set", 4), ("set", 7), ("set", 9), ("z", 0)),
    ]


def test_what_broke_takes_its_turn_and_nothing_waits_for_ever() -> None:
    broken = Broken(Job(Path("a")), None, "gone")
    reports = (done("b"), finished("b"), broken, finished("a"))
    assert told(*reports, paths=("a", "b")) == [("a", -1), ("b", 0)]


def test_what_is_held_is_told_before_a_run_that_is_ended_by_hand_ends() -> None:
    class Ended(Scripted):
        def reports(self, wait_s: float) -> list[Report]:
            if len(self.left) == 1:
                raise KeyboardInterrupt
            return super().reports(wait_s)

    pool: Any = Ended(done("b"), finished("b"), done("a"))
    given = screen_all(pool, [Path("a"), Path("b")])
    assert next(given).job.path == Path("b")
    with pytest.raises(KeyboardInterrupt):
        next(given)


def test_more_than_is_worth_its_memory_goes_before_its_turn() -> None:
    names = [f"q{number:04}" for number in range(HELD + 5)]
    quick = [one for name in names for one in (done(name), finished(name))]
    found = told(*quick, done("slow"), finished("slow"), paths=("slow", *names))
    assert len(found) == len(names) + 1
    assert found[:5] == [(name, 0) for name in names[:5]]
    assert found[5] == ("slow", 0)
