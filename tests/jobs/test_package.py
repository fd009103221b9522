"""The built package: whatever is not Python must be in it too, and it must run by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app.py", "pages", "jobs", "metrics", "quality", "review", "dailies", "sql", ".streamlit")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, and nothing of the project's."""
    folder = tmp_path_factory.mktemp("package")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("dailies-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def test_all_that_the_rooms_hold_is_in_the_package(installed: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *ROOMS], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = listed.stdout.splitlines()
    assert {file.split("/")[0] for file in files} == set(ROOMS)
    assert [file for file in files if not (installed / file).is_file()] == []


def test_it_screens_by_itself(installed: Path, tmp_path: Path, clip: Callable[..., Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "screen", clip()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("good")
