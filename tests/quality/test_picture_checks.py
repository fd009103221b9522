"""Each check on numbers whose defect can be seen, one thing varied at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dailies.recordings.contract import Problem, Series
from dailies.words import NS, Flag, Grade
from quality.checks import BY_NAME, CHECKS, by_name
from quality.checks.drops import lost_frames
from quality.measures import Measurements, Pictures, SeriesMeasures
from quality.measures.series import measure_series
from quality.policy import Policy

POLICY = Policy.load()
RATE = 30


def pictures(count: int = 300, **given: Any) -> Pictures:
    """Ten seconds of a clean camera at 30 Hz, but for what is given."""
    random = np.random.default_rng(1)
    clean: dict[str, Any] = {
        "name": "front",
        "times_ns": np.arange(count, dtype=np.int64) * NS // RATE,
        "luma": np.full(count, 120.0),
        "contrast": np.full(count, 50.0),
        "dark_share": np.zeros(count),
        "bright_share": np.zeros(count),
        "sharpness": np.full(count, 20.0),
        "texture": np.full(count, 20.0),
        "edge_px": np.full(count, 1.0),
        "motion": random.uniform(1.5, 2.5, count),
        "changed_share": np.full(count, 0.1),
        "repeat": np.zeros(count, np.bool_),
        "packet_count": count,
    }
    given = {k: np.asarray(v) if isinstance(v, list) else v for k, v in given.items()}
    return Pictures(**(clean | given))


def within(value: float, start: int, stop: int, base: float, count: int = 300) -> Any:
    """``base`` everywhere but in [start, stop)."""
    curve = np.full(count, float(base))
    curve[start:stop] = value
    return curve


def defocused(edges: Any) -> dict[str, Any]:
    """Such edges, and the fine detail that goes with them."""
    return {"edge_px": edges, "sharpness": np.where(edges > 1.4, 8.0, 20.0)}


def flags(name: str, *cameras: Pictures, **more: Any) -> list[Flag]:
    measured = Measurements(cameras=cameras, **more)
    return list(BY_NAME[name].function(measured, POLICY.limits_for()[name]))


def only(found: list[Flag]) -> Flag:
    assert len(found) == 1, [flag.message for flag in found]
    return found[0]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_clean_camera_is_flagged_by_no_check(check: Any) -> None:
    assert flags(check.name, pictures()) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_no_check_raises_for_next_to_no_pictures(check: Any, count: int) -> None:
    flags(check.name, pictures(count))


@pytest.mark.parametrize(("width", "grade"), [(1.5, None), (2.4, Grade.SUSPECT), (3.0, Grade.FAIL)])
def test_two_seconds_of_wide_edges_are_blur(width: float, grade: Grade | None) -> None:
    found = flags("blur", pictures(**defocused(within(width, 90, 150, 1.0))))
    assert [flag.grade for flag in found] == ([grade] if grade else [])
    if grade:
        assert found[0].span.start_ns == pytest.approx(3 * NS, abs=0.2 * NS)
        assert found[0].span.end_ns == pytest.approx(5 * NS, abs=0.2 * NS)
        assert found[0].measured == pytest.approx(width)


def test_a_sharp_camera_that_is_soft_for_two_seconds_is_suspect() -> None:
    found = only(flags("blur", pictures(**defocused(within(2.0, 90, 150, 0.6)))))
    assert found.grade is Grade.SUSPECT
    assert found.limit == pytest.approx(0.7 * 2.3)
    assert "softer than usual" in found.message
    assert found.span.start_ns == pytest.approx(3 * NS, abs=0.2 * NS)
    assert found.span.end_ns == pytest.approx(5 * NS, abs=0.2 * NS)


@pytest.mark.parametrize(("width", "count"), [(224, 1), (640, 0), (1920, 0)])
def test_what_is_soft_in_a_narrow_picture_is_not_in_a_wide_one(width: int, count: int) -> None:
    edges = within(0.8, 90, 150, 0.3)
    softer = np.where(edges > 0.5, 8.0, 20.0)
    soft = pictures(edge_px=edges, sharpness=softer, sizes=(f"{width}x{width}",))
    assert len(flags("blur", soft)) == count
    smeared = pictures(
        edge_px=np.full(300, 0.3), smear_px=edges, sharpness=softer, sizes=(f"{width}x{width}",)
    )
    assert len(flags("motion_blur", smeared)) == count


def test_what_comes_close_and_is_soft_is_no_blur() -> None:
    soft = defocused(within(2.0, 90, 150, 0.6))
    for curve, value in (("luma", 80.0), ("contrast", 30.0)):
        usual = 120.0 if curve == "luma" else 50.0
        near = within(value, 90, 150, usual)
        assert flags("blur", pictures(**soft, **{curve: near})) == []


def test_a_camera_that_comes_near_slowly_is_no_blur() -> None:
    near = np.interp(np.arange(300), [60, 120, 180, 240], [0.6, 2.0, 2.0, 0.6])
    assert flags("blur", pictures(edge_px=near)) == []


@pytest.mark.parametrize(
    ("sharpness", "at_once", "count"),
    [(20.0, True, 0), (18.8, True, 1), (18.8, False, 0), (16.0, True, 1), (16.0, False, 1)],
)
def test_a_close_up_with_few_soft_edges_and_fine_grain_is_no_blur(
    sharpness: float, at_once: bool, count: int
) -> None:
    edges = within(2.6, 90, 150, 0.6)
    if not at_once:
        edges = np.interp(np.arange(300), [60, 120, 180, 240], [0.6, 2.6, 2.6, 0.6])
    detail = np.where(edges > 2.3, sharpness, 20.0)
    assert len(flags("blur", pictures(edge_px=edges, sharpness=detail))) == count
    # where all of the clip is soft there is nothing to hold it against
    always = pictures(edge_px=np.full(300, 2.6), sharpness=np.full(300, sharpness))
    assert len(flags("blur", always)) == 1


def test_a_clip_that_is_blurred_again_and_again_is_held_against_what_is_sharp() -> None:
    edges = np.full(300, 0.8)
    edges[:120] = edges[150:270] = 2.9
    assert [flag.grade for flag in flags("blur", pictures(**defocused(edges)))] == [Grade.FAIL] * 2


def test_a_blur_is_not_held_against_the_dark() -> None:
    edges = within(2.9, 200, 260, 0.8)
    edges[:150] = np.nan
    dark = {"sharpness": within(0.02, 0, 150, 20.0), "texture": within(0.3, 0, 150, 20.0)}
    dark["sharpness"][200:260] = 8.0
    found = [f for f in flags("blur", pictures(edge_px=edges, **dark)) if f.grade is Grade.FAIL]
    assert len(found) == 1


def test_few_soft_edges_that_lie_one_way_are_no_blur() -> None:
    shadows = pictures(edge_px=np.full(300, 2.5), smear_px=np.full(300, 4.5))
    assert flags("blur", shadows) == []
    out_of_focus = pictures(edge_px=np.full(300, 2.5), smear_px=np.full(300, 2.9))
    assert only(flags("blur", out_of_focus)).grade is Grade.SUSPECT


def test_a_lens_that_defocuses_where_edges_lie_one_way_is_blurred() -> None:
    lines = defocused(within(2.5, 90, 150, 0.6)) | {"smear_px": within(5.0, 90, 150, 1.2)}
    assert only(flags("blur", pictures(**lines))).grade is Grade.SUSPECT


def test_edges_that_smear_at_once_in_a_scene_that_rests_are_motion_blur() -> None:
    still = {"motion": np.full(300, 0.1), "texture": np.full(300, 6.0)}
    smeared = pictures(smear_px=within(2.6, 90, 150, 0.5), **still)
    found = only(flags("motion_blur", smeared))
    assert found.span.start_ns == pytest.approx(3 * NS, abs=0.2 * NS)
    assert found.span.end_ns == pytest.approx(5 * NS, abs=0.2 * NS)
    slowly = np.interp(np.arange(300), [60, 120, 180, 240], [0.5, 2.6, 2.6, 0.5])
    assert flags("motion_blur", pictures(smear_px=slowly, **still)) == []


def test_edges_that_smear_and_sharpen_at_once_while_the_view_changes_are_motion_blur() -> None:
    brighter = np.linspace(60, 200, 300)
    moving = {"luma": brighter, "contrast": np.full(300, 50.0), "texture": np.full(300, 6.0)}
    assert only(flags("motion_blur", pictures(smear_px=within(3.6, 90, 150, 1.1), **moving)))
    moving["contrast"] = within(120, 90, 150, 50.0)  # another scene
    assert flags("motion_blur", pictures(smear_px=within(3.6, 90, 150, 1.1), **moving)) == []


def test_a_camera_that_is_often_soft_has_no_usual_sharpness() -> None:
    often = np.tile(np.repeat([0.7, 2.0], 50), 3)
    assert flags("blur", pictures(**defocused(often))) == []


def test_a_camera_that_is_soft_and_then_blurred_is_told_once() -> None:
    edges = within(2.0, 90, 200, 0.6)
    edges[120:170] = 3.0
    found = only(flags("blur", pictures(**defocused(edges))))
    assert found.grade is Grade.FAIL
    assert found.measured == pytest.approx(3.0)
    assert found.span.start_ns == pytest.approx(3 * NS, abs=0.2 * NS)
    assert found.span.end_ns == pytest.approx(200 / 30 * NS, abs=0.2 * NS)


def test_a_blurred_moment_is_not_blur() -> None:
    assert flags("blur", pictures(edge_px=within(4.0, 90, 105, 1.0))) == []


def test_a_bare_wall_is_not_blurred_and_not_good_either() -> None:
    found = only(flags("blur", pictures(edge_px=np.full(300, np.nan))))
    assert found.grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("pictures_black", "grade"), [(14, None), (15, Grade.SUSPECT), (60, Grade.FAIL)]
)
def test_black_counts_from_half_a_second(pictures_black: int, grade: Grade | None) -> None:
    stop = 30 + pictures_black
    dark = pictures(dark_share=within(1.0, 30, stop, 0), contrast=within(1.0, 30, stop, 50))
    assert [flag.grade for flag in flags("black_picture", dark)] == ([grade] if grade else [])


def test_a_covered_lens_counts_as_black() -> None:
    covered = pictures(
        luma=within(30, 60, 120, 120),
        contrast=within(4, 60, 120, 50),
        sharpness=within(0.3, 60, 120, 20),
    )
    assert only(flags("black_picture", covered)).measured == pytest.approx(2.0)


@pytest.mark.parametrize(("sharpness", "flagged"), [(0.7, 1), (6.0, 0)])
def test_a_hand_over_the_lens_with_light_from_its_side_counts_as_black(
    sharpness: float, flagged: int
) -> None:
    shaded = {
        "luma": within(45, 90, 150, 120),
        "contrast": within(15, 90, 150, 50),
        "sharpness": within(sharpness, 90, 150, 20),
    }
    assert len(flags("black_picture", pictures(**shaded))) == flagged


def test_a_dark_room_is_too_dark_and_not_black() -> None:
    dim = pictures(luma=np.full(300, 18.0), dark_share=np.full(300, 0.99))
    assert only(flags("underexposed", dim)).grade is Grade.FAIL
    assert flags("black_picture", dim) == []


def test_clipped_pictures_are_overexposed() -> None:
    blown = pictures(bright_share=within(0.8, 0, 30, 0.01))
    assert only(flags("overexposed", blown)).span.end_ns == pytest.approx(NS)


@pytest.mark.parametrize(("luma", "share", "found"), [
    (230.0, 0.5, True),  # a red table: its red is clipped, its luma is not
    (230.0, 0.2, False),
    (165.0, 0.5, False),  # a window beside which all is as before
])  # fmt: skip
def test_what_is_coloured_and_far_brighter_than_usual_is_overexposed(
    luma: float, share: float, found: bool
) -> None:
    blown = pictures(luma=within(luma, 60, 135, 80), bright_share=within(share, 60, 135, 0.01))
    assert bool(flags("overexposed", blown)) is found
    # one that is always so bright is as it is meant
    assert flags("overexposed", pictures(luma=[luma] * 300, bright_share=[share] * 300)) == []


def frozen(start: int, stop: int, **more: Any) -> Pictures:
    """Repeats in [start, stop) out of motion, with a jump after them."""
    random = np.random.default_rng(2)
    motion = random.uniform(1.5, 2.5, 300)
    motion[start:stop] = 0
    if stop < 300:
        motion[stop] = 8
    repeat = np.zeros(300, np.bool_)
    repeat[start:stop] = True
    changed = np.where(repeat, 0, 0.1)
    return pictures(**({"motion": motion, "repeat": repeat, "changed_share": changed} | more))


@pytest.mark.parametrize(
    ("stop", "grade"), [(104, None), (116, Grade.SUSPECT), (140, Grade.FAIL), (300, Grade.FAIL)]
)
def test_a_camera_that_stands_out_of_motion_is_frozen(stop: int, grade: Grade | None) -> None:
    found = flags("frozen_picture", frozen(100, stop))
    assert [flag.grade for flag in found] == ([grade] if grade else [])


@pytest.mark.parametrize(("rate", "found"), [(30, True), (60, True), (120, False), (240, False)])
def test_slow_motion_changes_a_picture_the_less_the_more_there_are(rate: int, found: bool) -> None:
    """0.07 levels for 1.3 s: an encoder's touch, or at 120 a second as much as 0.28 at 30."""
    count = 10 * rate
    slow = slice(3 * rate, 3 * rate + 4 * rate // 3)
    motion, changed = np.full(count, 2.0), np.full(count, 0.1)
    motion[slow], changed[slow] = 0.07, 0
    motion[slow.stop] = 3
    times_ns = np.arange(count, dtype=np.int64) * NS // rate
    camera = pictures(count, times_ns=times_ns, motion=motion, changed_share=changed)
    assert bool(flags("frozen_picture", camera)) is found


def test_a_noisy_still_scene_is_not_frozen() -> None:
    noise = np.random.default_rng(3).uniform(0.3, 0.5, 300)
    still = pictures(motion=noise, changed_share=np.zeros(300))
    assert flags("frozen_picture", still) == []


def test_a_still_scene_that_the_encoder_skips_is_not_frozen() -> None:
    """A robot that slows down, waits and goes on: the codec repeats the picture meanwhile."""
    motion = np.concatenate([
        np.full(90, 2.0), np.linspace(2, 0, 20), np.zeros(60), np.linspace(0.1, 2, 20),
        np.full(20, 2.0), np.linspace(2, 0, 20), np.zeros(50), np.linspace(0.1, 2, 20),
    ])  # fmt: skip
    skipped = pictures(motion=motion, repeat=motion == 0, changed_share=(motion > 0) * 0.05)
    assert flags("frozen_picture", skipped) == []


@pytest.mark.parametrize(("leap", "found"), [(20.0, True), (6.0, False)])
def test_a_moving_camera_that_stands_is_frozen_though_the_encoder_goes_on(
    leap: float, found: bool
) -> None:
    """VP9 and low-latency H.264 refine a frozen picture for as long as it stands: by more than a
    rest is allowed, and far less than this camera's way. It is a leap that proves it."""
    motion = np.random.default_rng(2).uniform(6.0, 8.0, 300)
    motion[100:145] = np.random.default_rng(4).choice((0.01, 0.05, 0.15, 0.3, 1.1), 45)
    motion[145] = leap
    changed = np.where(motion < 2, 0, 0.25)
    camera = pictures(motion=motion, changed_share=changed)
    found_there = flags("frozen_picture", camera)
    assert bool(found_there) is found
    if found:
        span = only(found_there).span
        assert (span.start_ns / NS, span.end_ns / NS) == pytest.approx((3.333, 4.833), abs=0.04)


def test_a_head_that_is_held_still_now_and_then_is_not_frozen() -> None:
    motion = np.random.default_rng(9).uniform(6.0, 8.0, 300)
    for start in (30, 90, 150, 210, 260):
        motion[start : start + 25] = np.random.default_rng(start).uniform(0.2, 1.2, 25)
        motion[start + 25] = 20
    camera = pictures(motion=motion, changed_share=np.where(motion < 2, 0, 0.25))
    assert flags("frozen_picture", camera) == []


def test_a_motion_that_sets_in_fast_and_goes_on_is_no_leap() -> None:
    motion = np.random.default_rng(2).uniform(6.0, 8.0, 300)
    motion[100:145] = 0.5
    motion[145:152] = (16, 15, 16, 14, 13, 12, 10)
    camera = pictures(motion=motion, changed_share=np.where(motion < 2, 0, 0.25))
    assert flags("frozen_picture", camera) == []


@pytest.mark.parametrize(("count", "changed", "found"), [
    (300, 0.0, True),
    (110, 0.0, False),  # hardly two seconds of noise elsewhere
    (300, 0.1, False),  # so much changes by over 8 levels that it is no noise
])  # fmt: skip
def test_noise_is_told_where_there_is_enough_of_it(count: int, changed: float, found: bool) -> None:
    motion = np.random.default_rng(5).uniform(0.6, 0.8, count)
    motion[50:56] = np.linspace(0.4, 0.09, 6)
    motion[56:100] = 0.005
    shares = np.where(motion > 0.5, changed, 0.0)
    camera = pictures(count, motion=motion, changed_share=shares)
    assert bool(flags("frozen_picture", camera)) is found


@pytest.mark.parametrize(("noise", "rest", "found"), [
    ((0.6, 0.8), 0.005, True),  # a sensor's noise is gone
    ((0.6, 0.8), 0.05, False),  # and here only fainter
    ((0.05, 1.4), 0.005, False),  # what comes and goes is no noise
])  # fmt: skip
def test_a_still_camera_without_its_noise_is_suspect(
    noise: tuple[float, float], rest: float, found: bool
) -> None:
    motion = np.random.default_rng(5).uniform(*noise, 300)
    motion[100:106] = np.linspace(0.4, 0.09, 6)  # an encoder fades it out
    motion[106:150] = rest
    camera = pictures(motion=motion, changed_share=np.zeros(300))
    assert [one.grade for one in flags("frozen_picture", camera)] == [Grade.SUSPECT] * found


def test_what_sets_in_little_by_little_had_been_at_rest() -> None:
    """An arm that stops at once and starts slowly, its rest drawn without an exact repeat."""
    motion = np.random.default_rng(6).uniform(0.4, 0.7, 300)
    motion[100:126] = 0.02
    arm = motion.copy()
    arm[126:140] = np.linspace(0.1, 0.6, 14)
    for curve, found in ((motion, True), (arm, False)):
        camera = pictures(motion=curve, changed_share=np.where(curve < 0.1, 0, 0.05))
        assert bool(flags("frozen_picture", camera)) is found


@pytest.mark.parametrize(("leap", "shown", "lit", "found"), [
    (14.0, 0.2, 0.0, True),
    (14.0, 0.2, 12.0, False),  # a lamp is switched on
    (14.0, 0.01, 0.0, False),  # drawn anew
    (5.0, 0.2, 0.0, False),
])  # fmt: skip
def test_a_camera_that_freezes_at_rest_and_leaps_on_is_suspect(
    leap: float, shown: float, lit: float, found: bool
) -> None:
    """An arm that rests now and then, its rests drawn without a change, and froze in one."""
    random = np.random.default_rng(7)
    motion = random.uniform(1.0, 4.0, 300)
    changed = np.full(300, 0.05)
    for start, stop in ((40, 52), (100, 160), (220, 232)):
        motion[start - 6 : start] = 0.2
        motion[start:stop], changed[start:stop] = 0, 0
        motion[stop : stop + 6] = np.linspace(0.3, 2.5, 6)
    motion[160:163], changed[160] = (leap, 1.2, 2.2), shown
    luma = np.where(np.arange(300) < 160, 120.0, 120.0 + lit)
    camera = pictures(motion=motion, changed_share=changed, luma=luma)
    assert [one.grade for one in flags("frozen_picture", camera)] == [Grade.SUSPECT] * found


@pytest.mark.parametrize(
    ("amount", "rate", "found"), [(0.0, 100, False), (0.3, 100, True), (0.3, 10, True)]
)
def test_a_robot_that_only_trembles_proves_nothing(amount: float, rate: int, found: bool) -> None:
    at_s = np.arange(10 * rate) / rate
    noise = np.random.default_rng(8).normal(0, 2e-4, (10 * rate, 4))
    joints = amount * np.sin(2 * np.pi * 1.5 * at_s)[:, None] + noise
    times_ns = np.rint(at_s * NS).astype(np.int64)
    state = measure_series(Series("state", times_ns, joints, ("a", "b", "c", "d"), role="state"))
    stands = pictures(
        motion=np.zeros(300), repeat=np.ones(300, np.bool_), changed_share=np.zeros(300)
    )
    assert bool(flags("frozen_picture", stands, series=(state,))) is found


def moving_from(start_s: float, stop_s: float) -> SeriesMeasures:
    times = np.arange(1000, dtype=np.int64) * (NS // 100)
    speed = np.where((times >= start_s * NS) & (times < stop_s * NS), 0.3, 0.0)
    return SeriesMeasures("state", times, speed.astype(np.float32), role="state")


@pytest.mark.parametrize(("moves", "found"), [((0.0, 10.0), True), ((0.0, 2.9), False)])
def test_a_repeat_is_frozen_where_the_robot_moves_and_not_where_it_rests(
    moves: tuple[float, float], found: bool
) -> None:
    motion = np.concatenate([np.full(60, 2.0), np.linspace(2, 0, 30), np.zeros(210)])
    camera = pictures(motion=motion, repeat=motion == 0, changed_share=(motion > 0) * 0.05)
    series = (moving_from(*moves),)
    assert bool(flags("frozen_picture", camera, series=series)) is found


@pytest.mark.parametrize(("seen", "found"), [((0,), False), ((1,), True), ((0, 1), True)])
def test_an_arm_that_the_camera_does_not_see_proves_nothing(
    seen: tuple[int, ...], found: bool
) -> None:
    """The left arm rests from 3 to 7 s, the right one swings all the time; the picture slows down
    and stands from 3 s to 7 s in any case."""
    at_s = np.arange(1000) / 100
    rests = (at_s >= 3) & (at_s < 7)
    warped = np.cumsum(np.where(rests, 0.0, np.clip(np.abs(at_s - 5) - 2, 0, 1))) / 100
    arms = np.stack([np.sin(3 * warped), np.sin(2 * at_s)], axis=1)
    arms += np.random.default_rng(0).normal(0, 2e-4, arms.shape)
    times_ns = np.rint(at_s * NS).astype(np.int64)
    state = measure_series(Series("state", times_ns, arms, ("left", "right"), role="state"))
    frames_s = np.arange(300) / 30
    shown = np.abs(np.gradient(arms, axis=0))[:, list(seen)].sum(axis=1) * 100
    motion = np.interp(frames_s, at_s, shown)
    motion[(frames_s >= 3) & (frames_s < 7)] = 0
    motion[motion < 0.1] = 0
    camera = pictures(motion=motion, repeat=motion == 0, changed_share=(motion > 0) * 0.05)
    assert bool(flags("frozen_picture", camera, series=(state,))) is found


def test_single_repeats_of_a_codec_are_neither_frozen_nor_dropped() -> None:
    """One picture in four equals the one before, never two in a row: as a humanoid's AV1 does."""
    repeat = np.arange(300) % 4 == 2
    motion = np.where(repeat, 0.0, 2.0)
    camera = pictures(repeat=repeat, motion=motion, changed_share=np.where(repeat, 0, 0.1))
    assert flags("frozen_picture", camera) == []
    assert flags("dropped_frames", camera) == []


@pytest.mark.parametrize(
    ("intervals_ms", "lost"),
    [
        ([33] * 10, 0),
        ([33, 33, 33, 66, 33, 33, 33], 1),
        ([33, 33, 33, 133, 33, 33, 33], 3),
        ([33, 33, 33, 50, 17, 33, 33], 0),  # late, not lost
        ([33, 33, 17, 50, 33, 33, 33], 0),  # early, not lost
        ([31, 35, 30, 37, 33, 34, 32], 0),
        ([33] * 70 + [50] * 70, 0),  # a phone slows down in the dark
    ],
)
def test_lost_frames_are_gaps_that_no_neighbour_makes_up(
    intervals_ms: list[int], lost: int
) -> None:
    times = np.concatenate([[0], np.cumsum(intervals_ms)]).astype(np.int64) * 1_000_000
    assert int(lost_frames(times, 1.5).sum()) == lost


@pytest.mark.parametrize(
    ("gone", "grade"), [([100], Grade.SUSPECT), ([100, 103, 106, 107, 120], Grade.FAIL)]
)
def test_gaps_are_graded_by_the_frames_lost(gone: list[int], grade: Grade) -> None:
    kept = np.setdiff1d(np.arange(300), gone)
    camera = pictures(len(kept), times_ns=kept * NS // RATE)
    found = only(flags("dropped_frames", camera))
    assert (found.measured, found.grade) == (len(gone), grade)
    assert found.span.start_ns == 99 * NS // RATE


def test_half_a_second_without_frames_fails() -> None:
    kept = np.setdiff1d(np.arange(300), np.arange(100, 103))
    slow = pictures(len(kept), times_ns=kept * NS // 6)
    assert only(flags("dropped_frames", slow)).grade is Grade.FAIL


def test_a_jump_out_of_steady_motion_is_a_hidden_drop() -> None:
    motion = np.random.default_rng(1).uniform(1.8, 2.2, 300)
    motion[150] = 7.0
    assert only(flags("dropped_frames", pictures(motion=motion))).grade is Grade.SUSPECT


@pytest.mark.parametrize("around", [[2.0, 60.0, 2.0], [5.0, 7.0, 5.0]], ids=["a cut", "a knock"])
def test_a_cut_or_a_knock_is_no_hidden_drop(around: list[float]) -> None:
    motion = np.random.default_rng(1).uniform(1.8, 2.2, 300)
    motion[149:152] = around
    assert flags("dropped_frames", pictures(motion=motion)) == []


def test_repeats_in_place_of_frames_are_found_by_the_leap_after_them() -> None:
    motion = np.random.default_rng(1).uniform(1.8, 2.2, 300)
    motion[150:152], motion[152] = 0.0, 5.0
    assert only(flags("dropped_frames", pictures(motion=motion))).grade is Grade.SUSPECT


def repeating(every: int, start: int, stop: int) -> tuple[Any, Any]:
    """Motion, and that over two pictures, of a camera of which one in ``every`` pictures of a part
    is the one before once more; what follows it makes two steps."""
    steps = np.random.default_rng(2).uniform(3.6, 4.4, 300)
    repeats = np.flatnonzero(np.arange(start, stop) % every == 0) + start
    steps[repeats] = 0.01
    steps[repeats[repeats < 299] + 1] *= 1.6
    return steps, np.minimum(steps + np.roll(steps, 1), 7.0)


def test_repeats_of_every_fourth_picture_for_two_seconds_stand_in_for_lost_ones() -> None:
    motion, two = repeating(4, 120, 180)
    found = only(flags("dropped_frames", pictures(motion=motion, motion_two=two)))
    assert found.grade is Grade.SUSPECT
    assert found.measured == 15
    assert found.span.start_ns == pytest.approx(4 * NS, abs=0.1 * NS)
    assert found.span.end_ns == pytest.approx(5.9 * NS, abs=0.1 * NS)


def test_a_clock_that_leaps_by_decades_costs_no_memory() -> None:
    motion, two = repeating(4, 5, 300)
    times_ns = np.arange(300, dtype=np.int64) * NS // RATE
    times_ns[5:] += 1_700_000_000 * NS
    leapt = pictures(motion=motion, motion_two=two, times_ns=times_ns)
    assert all(flag.check == "dropped_frames" for flag in flags("dropped_frames", leapt))


def test_a_camera_of_24_pictures_recorded_at_30_repeats_by_habit() -> None:
    motion, two = repeating(5, 5, 300)
    motion[6::5] = 4.0
    assert flags("dropped_frames", pictures(motion=motion, motion_two=two)) == []


def test_repeats_out_of_a_cameras_habit_stand_in_for_lost_ones() -> None:
    motion, two = repeating(5, 5, 300)
    motion[6::5] = 4.0
    motion[[123, 128, 133]] = 0.01
    motion[[124, 129, 134]] = 6.5
    found = only(flags("dropped_frames", pictures(motion=motion, motion_two=two)))
    assert found.measured == 3


@pytest.mark.parametrize(("twice", "flagged"), [(2, 0), (8, 1)])
def test_a_camera_whose_pictures_stand_for_two_may_do_so_for_four_now_and_then(
    twice: int, flagged: int
) -> None:
    odd, even = np.tile([0.1, 3.0], 50), np.tile([3.0, 0.1], 50)
    motion, two = np.concatenate([odd, even, odd]), np.full(300, 3.1)
    at = 110 + 6 * np.arange(twice)
    motion[at] = motion[at + 1] = 0.1
    two[at] = 0.2
    found = flags("dropped_frames", pictures(motion=motion, motion_two=two))
    assert len(found) == flagged


@pytest.mark.parametrize(
    ("declared", "grade"), [(300, None), (301, Grade.SUSPECT), (290, Grade.FAIL)]
)
def test_counts_are_held_against_the_metadata(declared: int, grade: Grade | None) -> None:
    found = flags("count_mismatch", pictures(declared_count=declared))
    assert [flag.grade for flag in found] == ([grade] if grade else [])


def test_sensors_that_outlast_the_pictures_are_a_mismatch() -> None:
    times = np.arange(1200, dtype=np.int64) * (NS // 100)
    series = SeriesMeasures("state", times, np.zeros(1200, np.float32))
    found = only(flags("count_mismatch", pictures(), series=(series,)))
    assert (found.unit, round(found.measured), found.grade) == ("s", 2, Grade.FAIL)
    assert found.span.start_ns == pictures().span.end_ns


@pytest.mark.parametrize(
    "seconds",
    [(0.7, 3.9), (2.0, 2.1, 2.2, 12.0), (0, 5), tuple(range(9))],
    ids=["two events", "a burst and an event", "every 5 s", "every second"],
)
def test_what_comes_now_and_then_tells_no_length(seconds: tuple[float, ...]) -> None:
    times = np.round(np.array(seconds) * NS).astype(np.int64)
    series = SeriesMeasures("gripper", times, np.zeros(len(times), np.float32))
    assert series.span.end_ns == times[-1]
    assert not flags("count_mismatch", pictures(), series=(series,))


def test_a_sensor_that_fell_out_for_a_while_tells_how_long_it_was_recorded() -> None:
    times = np.delete(np.arange(600), slice(180, 400)) * (NS // 50)
    series = SeriesMeasures("state", times, np.zeros(len(times), np.float32))
    assert only(flags("count_mismatch", pictures(), series=(series,))).grade is Grade.FAIL


def test_a_sensor_that_sends_in_bursts_tells_how_long_it_was_recorded() -> None:
    times = (np.arange(12)[:, None] * NS + np.arange(40) * (NS // 10_000)).ravel()
    series = SeriesMeasures("laser", times, np.zeros(len(times), np.float32))
    assert only(flags("count_mismatch", pictures(), series=(series,))).grade is Grade.SUSPECT


@pytest.mark.parametrize(("count", "grade"), [(290, None), (270, Grade.SUSPECT), (15, Grade.FAIL)])
def test_a_camera_that_ends_before_another_is_a_mismatch(count: int, grade: Grade | None) -> None:
    wrist = pictures(count, name="wrist", clock="grid")
    found = flags("count_mismatch", pictures(clock="grid"), wrist)
    assert [flag.grade for flag in found] == ([grade] if grade else [])
    for flag in found:
        assert (flag.stream, flag.span.start_ns) == ("wrist", wrist.span.end_ns)
        assert "another camera 10.00 s" in flag.message


def test_ends_by_measured_clocks_are_left_to_sync() -> None:
    wrist = pictures(15, name="wrist", clock="measured")
    assert not flags("count_mismatch", pictures(clock="measured"), wrist)


@pytest.mark.parametrize(("count", "grade"), [(90, None), (45, Grade.SUSPECT), (15, Grade.FAIL)])
def test_a_short_recording_is_too_short(count: int, grade: Grade | None) -> None:
    found = flags("too_short", pictures(count))
    assert [flag.grade for flag in found] == ([grade] if grade else [])


def test_pictures_that_cannot_be_decoded_are_flagged_from_their_time_on() -> None:
    broken = pictures(297, packet_count=300, error="bad data", error_count=1, lost_from_ns=3 * NS)
    found = only(flags("corrupt_stream", broken))
    assert found.grade is Grade.SUSPECT
    assert found.span.start_ns == 3 * NS
    assert "bad data" in found.message


def test_a_file_of_which_nothing_decodes_fails() -> None:
    found = only(flags("corrupt_stream", Pictures.none("front", error="no data")))
    assert (found.grade, found.measured) == (Grade.FAIL, 100.0)


def test_a_readers_problem_is_flagged_in_its_own_words() -> None:
    problem = Problem("missing_stream", "wrist", "wrist.mp4 is not there: copy it again")
    found = only(flags("missing_stream", Pictures.none("wrist"), problems=(problem,)))
    assert (found.stream, found.message) == ("wrist", problem.message)


def test_a_recording_without_a_camera_is_unknown() -> None:
    series = SeriesMeasures("state", np.arange(9, dtype=np.int64), np.zeros(9, np.float32))
    assert only(flags("missing_stream", series=(series,))).grade is Grade.UNKNOWN


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cameras": 1, "states": 1}, None),
        ({"cameras": 2}, "has 1 cameras, 2 must be there"),
        ({"states": 2, "actions": 0}, "has 1 states, 2 must be there"),
        ({"actions": 1}, "has 0 actions, 1 must be there"),
        ({"forces": 1}, "has 0 forces, 1 must be there"),
        ({"sounds": 1}, "has 0 sounds, 1 must be there"),
    ],
)
def test_a_policy_says_what_every_recording_must_have(
    asked: dict[str, float], words: str | None
) -> None:
    series = SeriesMeasures(
        "arm", np.arange(9, dtype=np.int64), np.zeros(9, np.float32), role="state"
    )
    measured = Measurements(cameras=(pictures(),), series=(series,))
    limits = POLICY.limits_for()["missing_stream"]
    limits = replace(limits, settings={**limits.settings, **asked})
    found = list(BY_NAME["missing_stream"].function(measured, limits))
    assert [flag.grade for flag in found] == ([Grade.FAIL] if words else [])
    assert all(words in flag.message for flag in found if words)


def test_every_message_says_where_what_limit_and_remedy() -> None:
    found = only(
        flags(
            "black_picture", pictures(dark_share=within(1, 0, 60, 0), contrast=within(1, 0, 60, 50))
        )
    )
    assert found.message == (
        "front: black for 2.0 s at 0.0 s (limit 2 s): "
        "Uncover the lens or reconnect the camera, and retake."
    )


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="blur"):
        by_name((*CHECKS, CHECKS[0]))
