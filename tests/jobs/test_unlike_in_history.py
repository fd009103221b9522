"""What the others of a record, or of a run, say of an episode that is unlike them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dailies.database import Record, open_record
from jobs.entry import enter
from jobs.others import RecordOthers
from jobs.screening import Screened, screen
from quality.measures import Measurements
from quality.policy import Policy

POLICY = Policy.load()
RATE, WIDTH, HEIGHT = 20, 96, 72
SCENE = np.random.default_rng(7).integers(40, 215, (9, 12)).repeat(8, 0).repeat(8, 1)


def take(
    path: Path,
    seed: int,
    *,
    seconds: float = 2.5,
    turned: bool = False,
    scene: np.ndarray[Any, Any] = SCENE,
    said: str = "r-1",
) -> Path:
    """A clip of one bench before a fixed camera of rig r-1, at which something moves."""
    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for at in range(round(seconds * RATE)):
            view = np.clip(scene + random.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
            left = int(35 + 25 * np.sin(seed + at / 7))
            view[30:42, left : left + 12] = 200
            view = np.ascontiguousarray(view[::-1, ::-1] if turned else view)
            frame = av.VideoFrame.from_ndarray(np.repeat(view[..., None], 3, 2), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if said:
        path.with_suffix(".json").write_text(json.dumps({"rig": said, "task": "wipe"}))
    return path


def unlike(flags: Any) -> list[str]:
    return [flag.message for flag in flags if flag.check == "unlike_others"]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return open_record(f"sqlite:///{tmp_path / 'record.sqlite'}")


def land(record: Record, others: RecordOthers, data: Path, path: Path) -> Screened:
    (screened,) = screen(path, POLICY, store=data / "measurements", threads=1)
    with record.read() as session:
        screened = others.judged(session, screened, POLICY)
    with record.begin() as session:
        enter(session, screened, site_zones={}, landed_at=dt.datetime.now(dt.UTC))
    return screened


def test_a_camera_that_was_mounted_upside_down_waits_for_a_person(
    record: Record, tmp_path: Path
) -> None:
    others = RecordOthers(tmp_path)
    for seed in range(6):
        landed = land(record, others, tmp_path, take(tmp_path / f"{seed}.mp4", seed))
        assert unlike(landed.verdict.flags) == []
    turned = land(record, others, tmp_path, take(tmp_path / "t.mp4", 9, turned=True))
    (message,) = unlike(turned.verdict.flags)
    assert "video: is upside down against 6 earlier recordings of its rig" in message
    assert turned.verdict.grade.value == "suspect"
    kept = Measurements.load(tmp_path / "measurements" / turned.fingerprint)
    assert kept.others is not None
    assert [one.way for one in kept.others.turned] == ["upside down"]
    # seen again, it is not held against itself
    assert len(unlike(land(record, others, tmp_path, tmp_path / "t.mp4").verdict.flags)) == 1


def test_a_camera_that_looks_elsewhere_and_one_in_the_dark_wait_for_a_person(
    record: Record, tmp_path: Path
) -> None:
    others = RecordOthers(tmp_path)
    for seed in range(6):
        land(record, others, tmp_path, take(tmp_path / f"{seed}.mp4", seed))
    knocked = take(tmp_path / "knocked.mp4", 8, scene=np.roll(SCENE, (24, 40), (0, 1)))
    (message,) = unlike(land(record, others, tmp_path, knocked).verdict.flags)
    assert "video: shows another view than 6 earlier recordings of its rig" in message
    dark = take(tmp_path / "dark.mp4", 9, scene=SCENE // 12)
    (message,) = unlike(land(record, others, tmp_path, dark).verdict.flags)
    assert "video: is darker than 7 earlier recordings of its rig" in message


def test_clips_that_only_lie_in_one_folder_may_look_anywhere(
    dailies: Callable[..., Any], tmp_path: Path
) -> None:
    paths = [take(tmp_path / "clips" / f"{at}.mp4", at, said="") for at in range(7)]
    paths.append(take(tmp_path / "clips" / "8.mp4", 8, scene=SCENE // 12, said=""))
    done = dailies("screen", "--json", "--workers", 1, *paths)
    assert '"unlike_others"' not in done.stdout


def test_a_length_is_held_against_the_tasks_own_history(record: Record, tmp_path: Path) -> None:
    first = take(tmp_path / "first.mp4", 1)
    (screened,) = screen(first, POLICY, threads=1)
    with record.begin() as session:
        for at in range(25):
            other = replace(screened, fingerprint=f"{at:064x}", duration_s=9 + at / 10)
            enter(session, other, site_zones={}, landed_at=dt.datetime.now(dt.UTC))
    (message,) = unlike(land(record, RecordOthers(tmp_path), tmp_path, first).verdict.flags)
    assert "lasts 2.5 s, where 25 others of its task last 10.2 s in the median" in message


def test_screen_holds_each_against_those_before_it(
    dailies: Callable[..., Any], tmp_path: Path
) -> None:
    paths = [take(tmp_path / "clips" / f"{at}.mp4", at, turned=at == 7) for at in range(9)]
    done = dailies("screen", "--json", "--workers", 1, *paths)
    found = {}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        found[Path(said["path"]).stem] = [
            flag for flag in said["flags"] if flag["check"] == "unlike_others"
        ]
    assert [name for name, flags in found.items() if flags] == ["7"]
    assert "is upside down against 7 earlier" in found["7"][0]["message"]
