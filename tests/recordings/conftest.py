"""LeRobot datasets of three episodes, in either layout."""

from __future__ import annotations

from pathlib import Path

import made
import pytest


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return made.lerobot_v2(tmp_path / "old", lengths=(30, 24, 27))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return made.lerobot_v3(tmp_path / "new", lengths=(30, 24, 36))


@pytest.fixture(params=["old", "new"])
def dataset(request: pytest.FixtureRequest) -> Path:
    root: Path = request.getfixturevalue(request.param)
    return root
