"""A command run to its end, and what it took: by the clock and of processors' time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 3600.0
LEFT_BEHIND_S = 60.0
"""How long what a command leaves behind is waited for."""
PR_SET_CHILD_SUBREAPER = 36
"""Of Linux's prctl: what a command leaves behind becomes this process's child."""


@dataclass(frozen=True)
class Took:
    """How long something took [s]: by the clock, and of processors' time, whoever else had them."""

    seconds: float
    processor_s: float


def timed(
    command: list[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> tuple[subprocess.CompletedProcess[str], Took]:
    """What the command, run in a folder, says, and how long it and all that it starts take.

    Raises subprocess.TimeoutExpired past the limit, when all of it has been ended.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    others = _children()
    start, before = time.perf_counter(), os.times()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            out, err = running.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    seconds = time.perf_counter() - start
    # the time of processes that it leaves behind counts when they are waited for
    until = time.perf_counter() + LEFT_BEHIND_S
    while (left := _children() - others) and time.perf_counter() < until:
        for child in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    after = os.times()
    used = after.children_user + after.children_system
    took = Took(seconds, used - before.children_user - before.children_system)
    return subprocess.CompletedProcess(command, running.returncode, out, err), took


def _children() -> set[int]:
    """The process ids of this process's children, adopted ones too."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for one in lists for child in one.read_text().split()}
