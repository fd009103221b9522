"""Telling whether a recording has landed whole."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from jobs.arrival import Quiet, named_by, quiet_needed, state_of

QUIET = Quiet(whole=1, usual=2, growing=3, patience=4)


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize(
    ("content", "needed"),
    [
        (box(b"ftyp", b"isom") + box(b"moov", b"....") + box(b"mdat", b"pictures"), 1),
        (box(b"ftyp", b"isom") + box(b"mdat", b"pictures") + box(b"moov", b"...."), 1),
        ((box(b"ftyp", b"isom") + box(b"moov", b"....") + box(b"mdat", b"pictures"))[:-1], 4),
        (box(b"ftyp", b"isom") + box(b"mdat", b"pictures"), 4),
        (box(b"ftyp", b"isom") + b"\0\0", 4),
        (box(b"ftyp") + box(b"moov") + box(b"moof") + box(b"mdat", b"pictures"), 3),
        (box(b"ftyp") + box(b"moov") + box(b"moof") + box(b"mdat") + box(b"mfra"), 1),
        (box(b"ftyp") + box(b"moov") + struct.pack(">I4s", 0, b"mdat") + b"pictures", 3),
        (box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 24) + b"pictures", 1),
        (box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 25) + b"pictures", 4),
        (b"", 4),
        (b"\0" * 100, 4),
    ],
    ids=[
        "index first",
        "index last",
        "last byte missing",
        "no index yet",
        "cut inside a box's head",
        "fragments may follow",
        "fragments are closed",
        "last box is open",
        "large box",
        "large box cut",
        "empty",
        "only zeros",
    ],
)
def test_an_mp4_says_by_its_boxes_whether_it_is_whole(
    tmp_path: Path, content: bytes, needed: float
) -> None:
    path = tmp_path / "take.mp4"
    path.write_bytes(content)
    assert quiet_needed(path, QUIET) == needed


def test_a_really_encoded_clip_is_whole_and_any_part_of_it_is_not(
    tmp_path: Path, clip: Callable[..., Path]
) -> None:
    whole = clip(seconds=1.0)
    assert quiet_needed(whole, QUIET) == 1
    content = whole.read_bytes()
    part = tmp_path / "part.mp4"
    for share in (0.01, 0.3, 0.7, 0.99):
        part.write_bytes(content[: int(len(content) * share)])
        assert quiet_needed(part, QUIET) == 4, share


def test_a_matroska_file_that_lacks_its_end_is_waited_for(
    tmp_path: Path, clip: Callable[..., Path]
) -> None:
    path = tmp_path / "take.mkv"
    with av.open(str(clip(seconds=1.0))) as film, av.open(str(path), "w") as copy:
        into = copy.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = into
                copy.mux(packet)
    assert quiet_needed(path, QUIET) == 2
    content = path.read_bytes()
    for share in (0.01, 0.3, 0.7, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        assert quiet_needed(path, QUIET) == 4, share


def test_other_containers_wait_the_usual_time(tmp_path: Path) -> None:
    path = tmp_path / "take.mkv"
    path.write_bytes(b"anything")
    assert quiet_needed(path, QUIET) == 2


def test_state_changes_with_size_time_and_the_metadata_beside(tmp_path: Path) -> None:
    path = tmp_path / "take.mp4"
    path.write_bytes(b"one")
    os.utime(path, (1000, 1000))
    states = [state_of(path)]
    path.write_bytes(b"three")
    os.utime(path, (1000, 1000))
    states.append(state_of(path))
    os.utime(path, (1000, 2000))
    states.append(state_of(path))
    (tmp_path / "take.json").write_text("{}")
    states.append(state_of(path))
    assert len({state.text for state in states if state}) == 4
    assert [state.changed_s for state in states[:3] if state] == [1000, 1000, 2000]


def test_state_of_a_video_changes_with_the_series_that_its_metadata_names(tmp_path: Path) -> None:
    video, named = tmp_path / "take.mp4", tmp_path / "gyro" / "take.csv"
    named.parent.mkdir()
    video.write_bytes(b"1")
    (tmp_path / "take.json").write_text('{"series": [{"file": "gyro/take.csv"}, {"file": "../x"}]}')
    assert named_by(video) == (named,)
    states = [state_of(video)]
    for content in (b"t,x\n", b"t,x\n0,1\n"):
        named.write_bytes(content)
        states.append(state_of(video))
    assert len({state.text for state in states if state}) == 3


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"series": 3}', '{"series": [{"file": 3}, 4]}'])
def test_metadata_that_is_not_as_it_should_names_nothing(tmp_path: Path, said: str) -> None:
    (tmp_path / "take.mp4").touch()
    (tmp_path / "take.mp4.json").write_text(said)
    assert named_by(tmp_path / "take.mp4") == ()


def test_state_of_a_folder_changes_with_a_file_deep_inside(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one").write_bytes(b"1")
    before = state_of(tmp_path)
    (deep / "two").write_bytes(b"2")
    after = state_of(tmp_path)
    assert before is not None
    assert after is not None
    assert (before.count, after.count) == (1, 2)
    assert before.text != after.text


def test_what_is_gone_or_empty_has_no_state(tmp_path: Path) -> None:
    assert state_of(tmp_path / "absent.mp4") is None
    assert state_of(tmp_path) is None
