"""The benchmarks by name, and how their results are printed: one line each."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.pool import SERVER

BLAS = "OPENBLAS_NUM_THREADS"
ROOT = Path(__file__).resolve().parents[1]

BENCHMARKS = {
    "screening": "benchmarks.screening",
    "profile": "benchmarks.profile",
    "memory": "benchmarks.memory",
    "landing": "benchmarks.landing",
    "questions": "benchmarks.questions",
    "reviewing": "benchmarks.reviewing",
    "review": "benchmarks.first_frame",
    "copies": "benchmarks.copies",
    "policy": "benchmarks.policy",
    "sync": "benchmarks.sync",
    "claps": "benchmarks.claps",
    "planted": "benchmarks.planted",
    "screens": "benchmarks.screens",
    "triage": "benchmarks.triage",
    "defects": "benchmarks.defect_set",
}
"""Each is a module with ``measure(*, full, tell)``, which yields its results as dicts."""


class NoBenchmark(ValueError):
    """A name that no benchmark has, or benchmarks that are not there; the message says which."""


def run(
    names: Sequence[str], *, full: bool, is_json: bool, tell: Callable[[str], None]
) -> Iterator[str]:
    """Lines to print, as the benchmarks give them; all benchmarks where no name is given."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise NoBenchmark(f"no benchmark {unknown[0]!r}: there are {', '.join(BENCHMARKS)}")
    if not (ROOT / "benchmarks").is_dir():
        raise NoBenchmark(f"no folder benchmarks in {ROOT}: run this from a checkout")
    # NumPy, which is imported only now, has as many threads as in the processes that screen
    os.environ[BLAS] = SERVER[BLAS]
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    show = json.dumps if is_json else plain
    yield show(machine())
    for name in names or BENCHMARKS:
        tell(f"measuring {name} ...")
        for result in importlib.import_module(BENCHMARKS[name]).measure(full=full, tell=tell):
            yield show(result)


def machine() -> dict[str, Any]:
    """What it runs on: a result without it says little."""
    return {
        "name": "machine",
        "value": os.cpu_count(),
        "unit": "cores",
        "processor": processor(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def processor() -> str:
    """The processor's name, where the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")


def plain(result: dict[str, Any]) -> str:
    """A result for people: its name, the number and the rest."""
    rest = dict(result)
    name, unit = rest.pop("name"), rest.pop("unit")
    number = rest.pop("ratio", None) if "ratio" in rest else rest.pop("value", None)
    tail = ", ".join(f"{key} {value}" for key, value in rest.items())
    return f"{name:28} {number!s:>12} {unit:10} {tail}"
