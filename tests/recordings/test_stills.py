"""Pictures that a table only names are known by what they show."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.recordings.contract import Camera, Episode, StillsFile
from dailies.recordings.fingerprint import fingerprint
from dailies.recordings.stills import stills_in

FEATURE = "observation.images.top"


def table(root: Path, levels: list[int], *, name: str = "frame", rows_a_group: int = 2) -> Path:
    """A table that names grey pictures in files, one for each level."""
    folder = root / "images" / FEATURE / "episode_000000"
    folder.mkdir(parents=True)
    cells = []
    for number, level in enumerate(levels):
        file = folder / f"{name}_{number:06d}.png"
        file.write_bytes(cv2.imencode(".png", np.full((48, 64), level, np.uint8))[1].tobytes())
        cells.append({"bytes": None, "path": str(file.relative_to(root))})
    path = root / "data" / "chunk-000" / "episode_000000.parquet"
    path.parent.mkdir(parents=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({FEATURE: pa.array(cells, kind)}), path, row_group_size=rows_a_group)
    return path


def known_by(path: Path, start: int = 0, stop: int = 3) -> str:
    camera = Camera("top", StillsFile(path, FEATURE, start, stop))
    return fingerprint(Episode(path, 0, "lerobot-v2.1", cameras=(camera,), files=(path,)))


def test_the_same_pictures_under_other_names_are_one_recording(tmp_path: Path) -> None:
    first, second = (
        table(tmp_path / "a", [10, 20, 30]),
        table(tmp_path / "b", [10, 20, 30], name="x"),
    )
    assert known_by(first) == known_by(second)


def test_other_pictures_under_the_same_names_are_another_recording(tmp_path: Path) -> None:
    first, second = table(tmp_path / "a", [10, 20, 30]), table(tmp_path / "b", [10, 20, 31])
    assert known_by(first) != known_by(second)


@pytest.mark.parametrize("rows_a_group", [1, 2, 5])
def test_a_stretch_is_found_whatever_row_groups_it_lies_in(
    tmp_path: Path, rows_a_group: int
) -> None:
    path = table(tmp_path, [10, 20, 30, 40, 50], rows_a_group=rows_a_group)
    found = stills_in(StillsFile(path, FEATURE, 1, 4))
    levels = [cv2.imdecode(np.frombuffer(one or b"", np.uint8), 0).max() for one in found]
    assert levels == [20, 30, 40]
