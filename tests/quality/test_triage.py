"""Triage: all packets, a sample of the pictures, and a verdict that says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import clips
import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from dailies.recordings import episodes_at
from dailies.words import NS, Flag
from jobs.cli import app
from jobs.entry import enter
from jobs.printing import csv_line, json_line, table_lines
from jobs.report import Report
from jobs.screening import Screened, screen_episode, triage_episode
from quality.checks import BY_NAME
from quality.measures.packets import Packets, early_keys, odd_stretches
from quality.measures.triage import Triage, keys_to_see, measure_triage
from quality.policy import Policy
from quality.triage import ALONG, SINGLE, held, judge_triage, part

RATE = 30
POLICY = Policy.load()
SHORT_GROUPS = {"crf": "23", "preset": "veryfast", "g": "30"}


def packets(sizes: Sequence[float], keys: list[int]) -> Packets:
    is_key = np.zeros(len(sizes), np.bool_)
    is_key[keys] = True
    return Packets(np.arange(len(sizes)) / RATE, np.array(sizes, np.int64), is_key)


def triaged(path: Path, frames: list[clips.Frame], **more: object) -> Screened:
    clips.write(path, frames, **more)  # type: ignore[arg-type]
    (episode,) = episodes_at(path)
    return triage_episode(episode, POLICY)


def measured(path: Path) -> Triage:
    (episode,) = episodes_at(path)
    return measure_triage(episode)


def seconds(flag: Flag) -> tuple[float, float]:
    return flag.span.start_ns / NS, flag.span.end_ns / NS


@pytest.fixture(scope="module")
def scene() -> list[clips.Frame]:
    return clips.scene(300, speed=2.0)


def spoilt(scene: list[clips.Frame], start: int, stop: int, value: int) -> list[clips.Frame]:
    black = np.full_like(scene[0], value)
    return scene[:start] + [black] * (stop - start) + scene[stop:]


def test_a_run_of_tiny_packets_is_odd() -> None:
    sizes = [20_000] + [1000] * 299
    sizes[120:180] = [40] * 60
    (odd,) = odd_stretches(packets(sizes, [0]))
    assert odd.why == "tiny packets"
    assert abs(odd.start - 120) <= 5
    assert abs(odd.stop - 180) <= 5


def test_even_packets_are_not_odd_whatever_their_kinds() -> None:
    sizes = [20_000] + [3000, 100, 400, 100] * 75
    assert odd_stretches(packets(sizes[:300], [0])) == []


def test_a_packet_as_large_as_a_key_picture_redraws_it() -> None:
    sizes = [20_000] + [1000] * 299
    sizes[150] = 12_000
    (odd,) = odd_stretches(packets(sizes, [0]))
    assert (odd.start, odd.why) == (150, "a redrawn picture")


def test_packets_in_a_row_of_which_none_is_small_change_all_at_once() -> None:
    sizes = ([20_000] + [3000, 500, 1000, 500] * 75)[:300]
    sizes[150:153] = [3500, 2500, 2400]
    (odd,) = odd_stretches(packets(sizes, [0]))
    assert odd.why == "a change all at once"
    assert 147 <= odd.start <= 150
    beside_a_key = odd_stretches(packets(sizes, [0, 140]))
    assert [one.why for one in beside_a_key] == ["before a cut"]


def test_a_camera_that_changes_all_at_once_all_along_is_so() -> None:
    sizes = ([20_000] + ([3000, 500, 1000, 500] * 6 + [3500, 2500, 2400, 2400]) * 11)[:300]
    assert all(odd.why != "a change all at once" for odd in odd_stretches(packets(sizes, [0])))


def test_a_key_picture_out_of_step_came_early() -> None:
    keys = [0, 60, 120, 147, 207, 267]
    assert np.flatnonzero(early_keys(packets([1000] * 300, keys))).tolist() == [147]


def test_a_key_picture_of_another_size_is_looked_at() -> None:
    keys = list(range(0, 1800, 30))
    sizes = [1000] * 1800
    for key in keys:
        sizes[key] = 10_000
    sizes[600] = 5000
    chosen = keys_to_see(packets(sizes, keys)).tolist()
    assert 600 in chosen
    assert len(chosen) < len(keys) / 3


def test_few_pictures_of_a_clean_clip_are_looked_at_and_nothing_is_found(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    found = triaged(tmp_path / "a.mp4", scene, options=SHORT_GROUPS)
    assert found.verdict.flags == ()
    assert found.triage is not None
    assert found.triage.pictures == 300
    assert found.triage.looked_at < 30
    assert found.streams[0].count == 300


@pytest.mark.parametrize(("value", "check"), [(0, "black_picture"), (255, "overexposed")])
@pytest.mark.parametrize("group", ["30", "250"])
def test_two_seconds_of_a_spoilt_picture_are_found_in_their_place(
    tmp_path: Path, scene: list[clips.Frame], value: int, check: str, group: str
) -> None:
    frames = spoilt(scene, 120, 180, value)
    found = triaged(tmp_path / "a.mp4", frames, options=SHORT_GROUPS | {"g": group})
    flag = next(one for one in found.verdict.flags if one.check == check)
    start_s, end_s = seconds(flag)
    assert 3.4 < start_s < 4.6
    assert 5.4 < end_s < 6.6


def test_a_frozen_camera_is_found_by_its_tiny_packets(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    frames = scene[:120] + [scene[120]] * 60 + scene[180:]
    found = triaged(tmp_path / "a.mp4", frames)
    assert "frozen_picture" in {flag.check for flag in found.verdict.flags}


def test_a_camera_that_freezes_on_a_key_picture_is_found(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    frames = scene[:120] + [scene[120]] * 60 + scene[180:]
    found = triaged(tmp_path / "a.mp4", frames, options=SHORT_GROUPS)
    assert "frozen_picture" in {flag.check for flag in found.verdict.flags}


def test_a_gap_in_the_times_is_found_without_a_picture(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    times = [at / RATE + (0.4 if at >= 150 else 0.0) for at in range(300)]
    found = triaged(tmp_path / "a.mp4", scene, seconds=times)
    (flag,) = (one for one in found.verdict.flags if one.check == "dropped_frames")
    assert flag.measured == 12
    assert seconds(flag)[0] == pytest.approx(149 / RATE, abs=0.01)


def test_what_was_not_looked_at_is_no_number(tmp_path: Path, scene: list[clips.Frame]) -> None:
    clips.write(tmp_path / "a.mp4", scene, options=SHORT_GROUPS)
    (look,) = measured(tmp_path / "a.mp4").looks
    assert look.camera.count == 300
    assert np.array_equal(np.isfinite(look.camera.luma), look.seen)
    assert np.isfinite(held(look).luma).all()
    assert not look.camera.repeat.any()


def test_the_numbers_of_a_looked_at_picture_are_those_of_full_measuring(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    from quality.measures import measure

    frames = spoilt(scene, 120, 180, 0)
    path = clips.write(tmp_path / "a.mp4", frames)
    (look,) = measured(path).looks
    (whole,) = measure(next(iter(episodes_at(path)))).cameras
    np.testing.assert_array_equal(look.camera.times_ns, whole.times_ns)
    for curve in ("luma", "contrast", "sharpness", "edge_px"):
        seen = getattr(look.camera, curve)[look.seen]
        np.testing.assert_array_equal(seen, getattr(whole, curve)[look.seen])
    ((start, stop), *_) = look.runs
    inside = part(look.camera, start, stop)
    np.testing.assert_array_equal(inside.motion[1:], whole.motion[start + 1 : stop])


def test_pictures_that_are_carried_one_by_one_are_judged_as_by_full_screening(
    tmp_path: Path,
) -> None:
    # fine detail that stays: noise only for who does not see that it stays
    wall = np.random.default_rng(0).normal(120, 20, (120, 160, 1)).clip(0, 255).astype(np.uint8)
    with h5py.File(tmp_path / "take.hdf5", "w") as file:
        file["observations/images/top"] = np.repeat(wall[None], 90, axis=0).repeat(3, axis=3)
        file["observations/qpos"] = np.linspace(0, 1, 90 * 7).reshape(90, 7)
    (episode,) = episodes_at(tmp_path / "take.hdf5")
    (look,) = measure_triage(episode).looks
    assert look.camera.noise.min() > POLICY.limits_for()["noise"].suspect
    by_full = {flag.check for flag in screen_episode(episode, POLICY).verdict.flags}
    by_triage = {flag.check for flag in triage_episode(episode, POLICY).verdict.flags}
    assert by_triage <= by_full
    assert "noise" not in by_triage


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"preset": "ultrafast"}),
        ("libx265", {"preset": "ultrafast"}),
        ("libsvtav1", {"preset": "12"}),
        ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_key_pictures_decoded_at_once_are_those_decoded_in_turn(
    tmp_path: Path, scene: list[clips.Frame], codec: str, options: dict[str, str]
) -> None:
    options = options | {"g": "20"}
    path = clips.write(tmp_path / "a.mp4", scene[:150], codec=codec, options=options)
    (episode,) = episodes_at(path)
    (alone,) = measure_triage(episode, threads=1).looks
    (at_once,) = measure_triage(episode, threads=0).looks
    assert at_once.seen.sum() >= 5
    np.testing.assert_array_equal(at_once.seen, alone.seen)
    for curve in ("luma", "contrast", "sharpness"):
        np.testing.assert_array_equal(getattr(at_once.camera, curve), getattr(alone.camera, curve))


def test_what_looks_odd_and_cannot_be_looked_into_is_unknown(
    tmp_path: Path, scene: list[clips.Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quality.measures.triage.MOST", 0)
    frames = scene[:120] + [scene[120]] * 60 + scene[180:]
    path = clips.write(tmp_path / "a.mp4", frames)
    flags = judge_triage(measured(path), POLICY).flags
    odd = [flag for flag in flags if flag.check == "odd_packets"]
    assert odd
    assert {flag.grade.value for flag in odd} == {"unknown"}
    assert "screen the recording in full" in odd[0].message


def test_a_cut_off_file_is_told_as_by_full_screening(
    tmp_path: Path, scene: list[clips.Frame]
) -> None:
    path = clips.write(tmp_path / "a.mp4", scene, options=SHORT_GROUPS | {"movflags": "+faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    (episode,) = episodes_at(path)
    found = triage_episode(episode, POLICY)
    assert found.verdict.grade.value == "fail"


def test_the_verdict_says_that_it_is_a_triage(tmp_path: Path, scene: list[clips.Frame]) -> None:
    found = triaged(tmp_path / "a.mp4", scene, options=SHORT_GROUPS)
    said = json.loads(json_line(found))
    assert said["version"] == 1
    assert set(said["triage"]) == {"looked_at", "pictures", "not_looked_at"}
    assert "copied_clip" in said["triage"]["not_looked_at"]
    assert csv_line(found).endswith(",triage")
    assert "triage" in table_lines(None, triage=True)
    assert "nothing odd seen" in table_lines(found)
    report = Report(tmp_path)
    report.add(found)
    assert "This is a triage" in report.page("a")
    assert "triage: good" in report.page("a")


def test_a_triage_is_never_entered(tmp_path: Path, scene: list[clips.Frame]) -> None:
    found = triaged(tmp_path / "a.mp4", scene[:90], options=SHORT_GROUPS)
    with pytest.raises(ValueError, match="never entered"):
        enter(None, found, site_zones={}, landed_at=found.started_at)  # type: ignore[arg-type]


def test_the_checks_that_triage_names_exist() -> None:
    assert {*ALONG, *SINGLE} <= set(BY_NAME)


def test_a_triage_exports_nothing(tmp_path: Path, scene: list[clips.Frame]) -> None:
    path = clips.write(tmp_path / "a.mp4", scene[:90], options=SHORT_GROUPS)
    folder = tmp_path / "out"
    done = CliRunner().invoke(app, ["screen", "--triage", "--export-clean", str(folder), str(path)])
    assert "leave --triage out" in str(done.exception)
    assert not folder.exists()
