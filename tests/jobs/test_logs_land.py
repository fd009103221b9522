"""Robot logs land: taken when they are whole, shown by a preview, with what lies beside them."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from sqlalchemy import select

from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Episode, Finding, Stream
from jobs.arrival import Quiet, quiet_needed
from jobs.intake import Intake

sys.path.append(str(Path(__file__).parents[1] / "recordings"))
import made_logs

QUIET = Quiet(whole=0.1, usual=0.3, growing=0.6, patience=1.5)
STEPS = Quiet(whole=1, usual=2, growing=3, patience=4)


@pytest.mark.parametrize(
    ("name", "make", "needed"),
    [
        ("a.mcap", made_logs.mcap_ros2, 1),
        ("a.bag", made_logs.ros1_bag, 2),
        ("a.db3", made_logs.lone_db3, 3),
    ],
)
def test_a_log_says_by_its_end_or_head_whether_it_is_whole(
    tmp_path: Path, name: str, make: Callable[[Path], Path], needed: float
) -> None:
    path = make(tmp_path / name)
    assert quiet_needed(path, STEPS) == needed
    content = path.read_bytes()
    for share in (0, 0.001, 0.3, 0.7):
        path.write_bytes(content[: int(len(content) * share)])
        assert quiet_needed(path, STEPS) == 4, share


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Record]]:
    base = tmp_path_factory.mktemp("logs")
    folder = base / "recordings"
    folder.mkdir()
    config = Config.of(base / "data", recordings=(folder,))
    config.data.mkdir()
    stop = threading.Event()
    intake = Intake(config, workers=1, quiet=QUIET, say=lambda _: None)
    thread = threading.Thread(target=intake.run, args=(stop,))
    thread.start()
    record = open_record(config.record)
    yield folder, record
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    record.close()


def episodes_below(record: Record, path: Path) -> list[Episode]:
    with record.read() as session:
        found = session.scalars(select(Episode).where(Episode.path.startswith(str(path))))
        return list(found)


def wait(record: Record, path: Path, until: Callable[[Episode], bool] = lambda _: True) -> Episode:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        here = [one for one in episodes_below(record, path) if until(one)]
        if here:
            return here[0]
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come: {episodes_below(record, path)}")


def test_a_log_lands_with_its_streams_and_a_preview_that_plays(
    landing: tuple[Path, Record], tmp_path: Path
) -> None:
    folder, record = landing
    path = made_logs.mcap_ros2(tmp_path / "take.mcap", seed=1).rename(folder / "take.mcap")
    episode = wait(record, path)
    assert episode.format == "mcap"
    assert episode.error is None
    with record.read() as session:
        streams = session.scalars(select(Stream).where(Stream.episode_id == episode.id)).all()
    counts = {one.name: one.count for one in streams}
    assert counts == {
        "/camera/compressed": 30, "/arm/command": 50, "/imu": 100, "/joint_states": 50,
        "/wrist/wrench": 100,
    }  # fmt: skip
    (camera,) = [one for one in streams if one.kind == "video"]
    assert camera.file is not None
    with av.open(camera.file) as shown:
        assert sum(1 for _ in shown.decode(video=0)) == 30


def test_metadata_that_lands_after_a_bag_is_taken_on(
    landing: tuple[Path, Record], tmp_path: Path
) -> None:
    folder, record = landing
    path = made_logs.ros1_bag(tmp_path / "late.bag", seed=2).rename(folder / "late.bag")
    wait(record, path)
    path.with_name("late.bag.json").write_text('{"worker": "w-9"}')
    assert wait(record, path, lambda one: one.worker_id == "w-9").index == 0


def test_a_bag_whose_files_come_before_its_metadata_is_one_recording(
    landing: tuple[Path, Record], tmp_path: Path
) -> None:
    folder, record = landing
    made = made_logs.ros2_bag(tmp_path / "bag", seed=3)
    there = folder / "bag"
    there.mkdir()
    shutil.copy(made / "bag.db3", there)
    time.sleep(0.2)
    shutil.copy(made / "metadata.yaml", there)
    episode = wait(record, there)
    time.sleep(1.0)
    assert [one.path for one in episodes_below(record, there)] == [str(there)]
    with record.read() as session:
        checks = session.scalars(select(Finding.check).where(Finding.episode_id == episode.id))
        assert not {"corrupt_stream", "missing_stream"} & set(checks)
