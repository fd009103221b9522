# /// script
# requires-python = ">=3.10"
# dependencies = ["lerobot>=0.4.3,<0.5", "numpy", "opencv-python-headless"]
# ///
"""Writes the made defect set with the ``lerobot`` package's own writer, and its labels beside it.

Run ``uv run benchmarks/write_defect_set.py FOLDER`` from a checkout, or with a Python that has
``lerobot``: it is large (torch) and no dependency of this project. Made are ``FOLDER/set`` and
``FOLDER/drops``, LeRobotDatasets v3.0 as LeRobot writes them (AV1 by SVT, a key frame every second
picture, crf 30, preset 12), and beside them ``set.json`` and ``drops.json`` with the labels. What
LeRobot's writer will not write is put into the table afterwards: times with a gap, and values that
are no numbers. What is there already is left as it is.

SVT-AV1 can wait for ever for its own threads, so the writing is done in a process of its own with
a time limit, and begun anew where that runs out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # and not this folder, whose datasets.py would stand for another package

from benchmarks.arm_views import HEIGHT, JOINTS, WIDTH  # noqa: E402
from benchmarks.defect_episodes import (  # noqa: E402
    CAMERAS,
    COUNT,
    RATE_HZ,
    STATE,
    Made,
    drop_episodes,
    episodes,
)

SETS = {"set": episodes, "drops": drop_episodes}
LIMIT_S = 2400
TRIES = 3


def main() -> int:
    """Write what is not there yet; status 1 where no try ended in time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--once", choices=SETS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        write(given.folder, given.once, SETS[given.once]())
        return 0
    for name in SETS:
        if not (given.folder / f"{name}.json").exists() and not _written(given.folder, name):
            return 1
    return 0


def _written(folder: Path, name: str) -> bool:
    """Have a set written by another process; False where that failed or was stuck each time."""
    for _ in range(TRIES):
        shutil.rmtree(folder / name, ignore_errors=True)  # of a try that did not end
        command = [sys.executable, __file__, str(folder), "--once", name]
        try:
            return subprocess.run(command, check=False, timeout=LIMIT_S).returncode == 0
        except subprocess.TimeoutExpired:
            continue
    print(f"the encoder was stuck {TRIES} times, {LIMIT_S} s each: try again", file=sys.stderr)
    return False


def write(folder: Path, name: str, made: tuple[Made, ...]) -> None:
    """Make the pictures of all episodes, hand them to LeRobot, and write the labels last."""
    # the package is in an environment of its own
    from lerobot.datasets.lerobot_dataset import (  # type: ignore[import-not-found,unused-ignore]
        LeRobotDataset,
    )

    folder.mkdir(parents=True, exist_ok=True)
    dataset = LeRobotDataset.create(
        f"made/{name}",
        RATE_HZ,
        _features(),
        root=folder / name,
        robot_type="made_arm",
        streaming_encoding=True,
        encoder_queue_maxsize=COUNT + 1,  # a full queue loses pictures
    )
    for number, one in enumerate(made):
        _add(dataset, one)
        said = one.label.kind if one.label else one.note or "clean"
        print(f"{name}, episode {number}: {said}", file=sys.stderr, flush=True)
    dataset.finalize()
    _put_in_what_was_refused(folder / name, made)
    labels = list(starmap(_labelled, enumerate(made)))
    (folder / f"{name}.json").write_text(json.dumps({"episodes": labels}, indent=1) + "\n")


def _add(dataset: Any, made: Made) -> None:
    """Hand in one episode row by row; picture by picture in red, green, blue."""
    rows = zip(made.state, made.action, *map(made.pictures, CAMERAS), strict=True)
    for state, action, *pictures in rows:
        seen = {
            camera: np.ascontiguousarray(picture[:, :, ::-1])
            for camera, picture in zip(CAMERAS, pictures, strict=True)
        }
        finite = np.nan_to_num(state)
        dataset.add_frame({STATE: finite, "action": action, **seen, "task": "put it away"})
    lost = sum(dataset._streaming_encoder._dropped_frames.values())
    if lost:
        raise RuntimeError(f"LeRobot's encoder queue lost {lost} pictures: lengthen it")
    dataset.save_episode()


def _features() -> dict[str, Any]:
    picture = {
        "dtype": "video",
        "shape": (HEIGHT, WIDTH, 3),
        "names": ["height", "width", "channels"],
    }
    joints = {
        "dtype": "float32",
        "shape": (len(JOINTS),),
        "names": [f"{one}.pos" for one in JOINTS],
    }
    return {STATE: joints, "action": joints, **dict.fromkeys(CAMERAS, picture)}


def _put_in_what_was_refused(root: Path, made: tuple[Made, ...]) -> None:
    """The times and joints as they were made, in place of the even and finite ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (file,) = (root / "data").rglob("*.parquet")
    table = pq.read_table(file)
    # as one array: the rows stand in the order of the episodes
    times = np.concatenate([one.times_s for one in made]).astype(np.float32)
    state = np.concatenate([one.state for one in made])
    for name, values in (("timestamp", pa.array(times)), (STATE, pa.array(list(state)))):
        at = table.schema.get_field_index(name)
        table = table.set_column(
            at, table.schema.field(at), values.cast(table.schema.field(at).type)
        )
    pq.write_table(table, file, compression="snappy")


def _labelled(number: int, made: Made) -> dict[str, Any]:
    label = asdict(made.label) if made.label else None
    return {"episode": number, "label": label, "note": made.note}


if __name__ == "__main__":
    raise SystemExit(main())
