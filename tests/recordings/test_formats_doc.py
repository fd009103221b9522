"""docs/formats.md against the code: what it names exists, and its examples are read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import made

from dailies.recordings import episodes_at
from dailies.recordings.described import IDS
from dailies.recordings.files import UNFINISHED_SUFFIXES, VIDEO_SUFFIXES
from dailies.recordings.lerobot_info import VERSIONS
from dailies.recordings.message_pictures import TYPES
from dailies.recordings.messages import COMMANDS, MAX_COLUMNS
from dailies.recordings.streams import ROLES
from dailies.recordings.tables import UNITS
from dailies.recordings.topics import APART_NS
from dailies.words import NS

DOC = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]


def test_every_ending_id_unit_role_and_version_is_documented() -> None:
    named = (*VIDEO_SUFFIXES, *UNFINISHED_SUFFIXES, *IDS, *UNITS, *ROLES)
    assert [name for name in named if f"`{name}`" not in DOC] == []
    assert [version for version in VERSIONS if f"`lerobot-{version}`" not in DOC] == []


def test_every_kind_of_message_that_is_taken_is_documented() -> None:
    for name in (*TYPES, "JointState", "JointTrajectory", "Imu", "Odometry"):
        assert f"`{name}`" in DOC, name
    for word in COMMANDS - {"actions", "commands", "targets"}:
        assert f" {word}," in DOC or f" {word} " in DOC, word
    assert f"more than {MAX_COLUMNS} numbers" in DOC
    assert f"within {APART_NS // NS} s" in DOC


def test_the_example_beside_a_video_is_read_without_a_problem(tmp_path: Path) -> None:
    path = made.video(tmp_path / "clip.mp4")
    (tmp_path / "clip_gyro.csv").write_text("t_s,x\n0,1\n1,2\n")
    made.write_json(tmp_path / "clip.json", EXAMPLES[0])
    (episode,) = episodes_at(path)
    assert episode.problems == ()
    assert episode.metadata.rig == "phone-3"
    assert episode.series[0].name == "gyro"


def test_the_example_of_a_recording_json_is_read_without_a_problem(tmp_path: Path) -> None:
    root = made.folder(tmp_path / "jar")
    made.video(root / "head.mp4", frames=3)
    (root / "head_times.csv").write_text("t_ns\n0\n33000000\n67000000\n")
    made.write_json(root / "recording.json", EXAMPLES[1])
    (episode,) = episodes_at(root)
    assert episode.problems == ()
    assert [camera.name for camera in episode.cameras] == ["top", "wrist", "head"]
    assert episode.cameras[1].offset_ns == 12_000_000
    assert [series.name for series in episode.series] == ["joints", "imu"]


def test_the_example_of_a_dailies_json_is_read_without_a_problem(tmp_path: Path) -> None:
    root = made.lerobot_v2(tmp_path / "set", lengths=(8, 8, 8, 8))
    made.write_json(root / "meta" / "dailies.json", EXAMPLES[2])
    episodes = list(episodes_at(root))
    assert all(episode.problems == () for episode in episodes)
    assert [episode.metadata.worker for episode in episodes] == ["w-017"] * 3 + ["w-018"]
