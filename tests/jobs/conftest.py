"""Made recordings, small enough to be screened in a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # for benchmarks, which are no part of the installed program

from benchmarks.clips import make_clip  # noqa: E402

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
