"""Policies: what is read, what is refused and with which words."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import quality.checks
from quality.checks import BY_NAME, CHECKS, Check
from quality.policy import Policy, PolicyError

DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def policy(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "strict.toml"
    path.write_text('[policy]\nname = "strict"\n' + text)
    return Policy.load(path)


def test_the_house_policy_is_whole() -> None:
    house = Policy.load()
    assert house.id.startswith("house@")
    assert len(house.id) == len("house@") + 8
    assert set(house.limits_for()) == set(BY_NAME)


def test_what_a_policy_leaves_out_is_as_in_the_house(tmp_path: Path) -> None:
    mine = policy(tmp_path, "[limits.too_short]\nsuspect = 5\nfail = 3\n").limits_for()
    assert (mine["too_short"].suspect, mine["too_short"].fail) == (5, 3)
    assert mine["blur"] == Policy.load().limits_for()["blur"]


def test_the_rig_comes_before_the_site_before_the_task(tmp_path: Path) -> None:
    mine = policy(
        tmp_path,
        "[task.fold.blur]\nsuspect = 1.1\nmin_s = 2\n"
        "[site.lisbon.blur]\nsuspect = 1.2\n"
        "[rig.r1.blur]\nsuspect = 1.3\n",
    )
    assert mine.limits_for("fold")["blur"].suspect == 1.1
    assert mine.limits_for("fold", "lisbon")["blur"].suspect == 1.2
    assert mine.limits_for("fold", "lisbon", "r1")["blur"].suspect == 1.3
    assert mine.limits_for("fold", "lisbon", "r1")["blur"]["min_s"] == 2
    assert mine.limits_for("other", "other", "other") == Policy.load().limits_for()


def test_the_id_follows_the_limits_and_nothing_else(tmp_path: Path) -> None:
    one = policy(tmp_path, "[limits.blur]\nfail = 4.0\n").id
    same = policy(tmp_path, "# a remark\n[limits.blur]\nfail = 4\n").id
    other = policy(tmp_path, "[limits.blur]\nfail = 4.5\n").id
    assert one == same != other


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limits.blurr]\nfail = 1\n", r"limits.blurr is not known: did you mean blur\?"),
        ("[limits.blur]\nfial = 1\n", r"limits.blur.fial is not known: did you mean fail\?"),
        ("[sites.x.blur]\nfail = 1\n", r"sites is not known: did you mean site\?"),
        ("[rig.r1.blur]\nsuspct = 1\n", r"rig.r1.blur.suspct is not known: did you mean suspect\?"),
        ('[limits.blur]\nfail = "4"\n', "limits.blur.fail is '4': give a number"),
        ("[limits.blur]\nfail = true\n", "limits.blur.fail is True: give a number"),
        ("[limits.blur]\nsuspect = 9\n", "limits.blur: suspect 9 lies beyond fail"),
        ("[limits.too_short]\nsuspect = 0.1\n", "limits.too_short: suspect 0.1 lies beyond fail"),
        ("[rig.r1.blur]\nsuspect = 9\n", "rig.r1.blur: suspect 9 lies beyond fail"),
        ("limits = 3\n", "not valid TOML|limits"),
        ("[limits\n", "not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_file_key_and_remedy(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(PolicyError, match=words) as refused:
        policy(tmp_path, text)
    assert "strict.toml" in str(refused.value)


def test_a_limit_below_nothing_is_refused_and_a_mark_of_utf_8_is_not(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="suspect -1 px is below 0"):
        policy(tmp_path, "[limits.blur]\nsuspect = -1\n")
    marked = tmp_path / "marked.toml"
    marked.write_text('\ufeff[policy]\nname = "marked"\n', encoding="utf-8")
    assert Policy.load(marked).name == "marked"


def test_a_policy_without_a_name_has_its_files(tmp_path: Path) -> None:
    strict = tmp_path / "strict.toml"
    strict.write_text("[limits.blur]\nfail = 4\n")
    assert Policy.load(strict).name == "strict"
    for text, words in (('[policy]\nname = " "\n', "name is ' '"), ("policy = 3", "a table")):
        strict.write_text(text)
        with pytest.raises(PolicyError, match=words):
            Policy.load(strict)


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such policy file"):
        Policy.load(tmp_path / "none.toml")


def test_no_check_is_forgotten_in_the_tuple() -> None:
    modules = pkgutil.iter_modules(quality.checks.__path__, "quality.checks.")
    written = {
        value.name
        for module in modules
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Check)
    }
    assert written == {check.name for check in CHECKS}


def test_the_public_check_names_are_those_of_the_format() -> None:
    assert set(BY_NAME) == {
        "blur", "dropped_frames", "sync_drift", "frozen_picture", "black_picture", "overexposed",
        "underexposed", "count_mismatch", "missing_stream", "corrupt_stream", "too_short",
        "motion_blur", "flicker", "torn_picture", "colour_cast", "no_colour",
        "picture_size_changed", "noise", "blockiness", "too_few_bits", "dirty_lens",
        "filmed_screen", "not_a_number", "stuck_joint", "flat_series", "dead_dimension",
        "joint_limit", "spike", "unreachable_jump", "jerky_motion", "gripper_chatter", "idle",
        "action_lag", "action_offset", "wrong_units", "crossed_joints", "series_gap", "bad_times",
        "uneven_samples", "wrong_rate",
        "force_saturation", "force_drift", "force_flat", "no_contact", "too_long",
        "label_missing", "steps_missing", "steps_out_of_order", "silent_sound", "clipped_sound",
        "hum", "sound_offset", "copied_clip", "unlike_others", "outside_shift", "face_in_view",
        "no_hand",
    }  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_and_setting_is_documented(check: Check) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert f"## {check.name}" in text
    chapter = text.split(f"## {check.name}\n")[1].split("\n## ")[0]
    assert all(f"`{setting}`" in chapter for setting in check.settings)
