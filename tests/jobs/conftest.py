"""Made recordings, small enough to be screened in a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # for benchmarks, which are no part of the installed program

from benchmarks.clips import make_clip  # noqa: E402
from jobs.cli import main  # noqa: E402

Clip = Callable[..., Path]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Makes a clean clip that differs by ``seed``; the same one is encoded only once."""
    folder = tmp_path_factory.mktemp("clips")

    def make(seed: int = 0, *, seconds: float = 3.0, width: int = 320, height: int = 240) -> Path:
        path = folder / f"{seed}-{seconds}-{width}.mp4"
        if not path.exists():
            make_clip(path, seconds=seconds, width=width, height=height, seed=seed)
        return path

    return make


@dataclass(frozen=True)
class Run:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


Dailies = Callable[..., Run]


@pytest.fixture
def dailies(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Dailies:
    """Runs the command ``dailies`` in this process, which spares its start."""

    def run(*arguments: object, **environment: str) -> Run:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["dailies", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return Run(int(ended.value.code or 0), printed.out, printed.err)

    return run
