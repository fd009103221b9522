"""Running the halves together: app and intake as two processes, each started anew if it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.serve import PARENT, ROOT

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
HEALTHY_S = 60.0
"""A half that ran for so long before it died is started again without waiting longer each time."""

STOP_S = 10.0


@dataclass(frozen=True)
class Half:
    """A process to keep running: its name for messages, and its command line."""

    name: str
    command: tuple[str, ...]


@dataclass
class _Running:
    half: Half
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    wait_s: float = FIRST_WAIT_S
    again_s: float = 0.0


@dataclass
class Keeper:
    """Keeps its halves running until ``stop`` is set, then ends them."""

    halves: Sequence[Half]
    environment: Mapping[str, str]
    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Returns when stopped, with every half ended."""
        running = [_Running(half) for half in self.halves]
        try:
            while not self.stop.is_set():
                for one in running:
                    self._look_after(one)
                self.stop.wait(0.2)
        finally:
            end([one.process for one in running if one.process is not None])

    def _look_after(self, one: _Running) -> None:
        now = time.monotonic()
        if one.process is None:
            if now >= one.again_s:
                one.process, one.started_s = self._start(one.half), now
            return
        status = one.process.poll()
        if status is None:
            return
        lasted_s = now - one.started_s
        one.wait_s = FIRST_WAIT_S if lasted_s > HEALTHY_S else one.wait_s
        self.say(f"the {one.half.name} {_how(status)}: starting it again in {one.wait_s:.0f} s")
        one.process, one.again_s = None, now + one.wait_s
        one.wait_s = min(2 * one.wait_s, LONGEST_WAIT_S)

    def _start(self, half: Half) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.environment, PARENT: str(os.getpid())}
        return subprocess.Popen(
            half.command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Ctrl-C is for us alone; we end the halves
            start_new_session=True,
        )


def half(name: str, *arguments: str) -> Half:
    """A half that is a command of our own."""
    return Half(name, (sys.executable, "-m", "jobs.cli", *arguments))


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, wait for them, and kill those that do not."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + STOP_S
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop_on_signals(stop: threading.Event) -> None:
    """Set ``stop`` at Ctrl-C and at a request to end; a second Ctrl-C ends at once."""

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        stop.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


def answers(url: str) -> bool:
    """True where a server says at ``url`` that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def announce_when_up(address: str, say: Callable[[str], None], stop: threading.Event) -> None:
    """Say where the app is, once it answers; returns at once."""

    def wait() -> None:
        while not stop.wait(0.2):
            if answers(f"{address}/healthz"):
                say(f"Dailies is at {address} (Ctrl-C stops it)")
                return

    threading.Thread(target=wait, daemon=True).start()


def _how(status: int) -> str:
    if status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            pass
    return f"ended with status {status}"
