"""An episode among the others of its task and rig: lengths, and cameras that hang otherwise."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from dailies.words import NS, Grade, Span
from quality.checks import BY_NAME
from quality.measures import Measurements
from quality.measures.measurements import keep_others
from quality.measures.others import (
    SIDE,
    WAYS,
    Length,
    Others,
    Picture,
    Seen,
    Turned,
    length_among,
    seen_of,
    turned_of,
    view_of,
)
from quality.measures.sketch import STEPS, Sketch
from quality.policy import Policy

LIMITS = Policy.load().limits_for()["unlike_others"]
TASK = [10 + at / 5 for at in range(25)]


def flags(others: Others | None) -> list[tuple[Grade, str | None, str]]:
    found = BY_NAME["unlike_others"].function(Measurements(others=others), LIMITS)
    return [(flag.grade, flag.stream, flag.message) for flag in found]


def bench(seed: int, noise: float = 3.0) -> Picture:
    """One bench in the light of another day."""
    scene = np.random.default_rng(3).uniform(30, 200, SIDE * SIDE)
    random = np.random.default_rng(100 + seed)
    light = random.uniform(0.8, 1.1) * scene + random.uniform(-10, 10)
    return np.asarray(light + random.normal(0, noise, len(scene)), np.float32)


EARLIER = [bench(seed) for seed in range(8)]


@pytest.mark.parametrize(
    ("seconds", "is_flagged"), [(12, False), (19, False), (6.5, False), (41, True), (3, True)]
)
def test_a_length_far_from_the_tasks_others_is_suspect(seconds: float, is_flagged: bool) -> None:
    found = flags(Others(length=length_among(seconds, TASK)))
    assert [grade for grade, _, _ in found] == ([Grade.SUSPECT] if is_flagged else [])
    words = f"lasts {seconds:.1f} s, where 25 others of its task last 12.4 s in the median"
    assert all(words in message for _, _, message in found)


def test_a_length_is_told_in_the_others_own_spread() -> None:
    """Logarithms of 8 to 12.5 around 10, whose deviations have a median of 0.1178."""
    others = [10 * math.exp(at * 0.02) for at in range(-12, 13)]
    length = length_among(20, others)
    assert length is not None
    assert (length.count, length.usual_s) == (25, pytest.approx(10))
    assert length.sigmas == pytest.approx(math.log(2) / (1.4826 * 0.12))
    same = length_among(11, [10.0] * 30)
    assert same is not None
    assert same.sigmas == pytest.approx(1.0)


@pytest.mark.parametrize("others", [[], TASK[:19], [0.0] * 40])
def test_too_few_others_tell_nothing(others: list[float]) -> None:
    assert length_among(100, others) is None
    assert flags(None) == []


@pytest.mark.parametrize("way", [way for way, _ in WAYS])
def test_a_camera_that_hangs_otherwise_is_suspect(way: str) -> None:
    turned = dict(WAYS)[way](bench(50).reshape(SIDE, SIDE)).ravel()
    found = turned_of("top", turned, EARLIER)
    assert found is not None
    assert (found.way, found.count) == (way, 8)
    ((grade, stream, message),) = flags(Others((found,)))
    assert (grade, stream) == (Grade.SUSPECT, "top")
    assert f"is {way} against 8 earlier recordings of its rig" in message


def test_a_camera_that_hangs_as_before_is_not() -> None:
    found = turned_of("top", bench(50), EARLIER)
    assert found is None or flags(Others((found,))) == []
    assert turned_of("top", bench(50)[::-1], EARLIER[:4]) is None


@pytest.mark.parametrize(
    ("light", "words"),
    [(0.15, "is darker than 8 earlier recordings of its rig"), (0.5, ""), (1.0, "")],
)
def test_a_recording_far_darker_than_its_rigs_others_is_suspect(light: float, words: str) -> None:
    seen = seen_of("top", np.float32(light) * bench(50), EARLIER)
    assert seen is not None
    found = flags(Others(seen=(seen,)))
    assert [(grade, stream) for grade, stream, _ in found] == [(Grade.SUSPECT, "top")] * bool(words)
    assert all(words in message for _, _, message in found)


def test_light_is_told_in_the_others_own_spread() -> None:
    """Means of 50, 100 and 200, whose logarithms deviate by ln 2 in the median."""
    others = [np.full(SIDE * SIDE, mean, np.float32) for mean in (50, 50, 100, 200, 200)]
    seen = seen_of("top", np.full(SIDE * SIDE, 25, np.float32), others)
    assert seen is not None
    assert (seen.as_is, seen.luma, seen.count) == (None, 25, 5)
    assert seen.usual_luma == pytest.approx(100)
    assert seen.sigmas == pytest.approx(-math.log(4) / (1.4826 * math.log(2)))
    assert seen_of("top", others[0], others[:4]) is None


def test_a_camera_that_looks_elsewhere_is_suspect() -> None:
    elsewhere = np.random.default_rng(8).uniform(30, 200, SIDE * SIDE).astype(np.float32)
    seen = seen_of("top", elsewhere, EARLIER)
    assert seen is not None
    ((grade, stream, message),) = flags(Others(seen=(seen,)))
    assert (grade, stream) == (Grade.SUSPECT, "top")
    assert "shows another view than 8 earlier recordings of its rig" in message
    as_before = seen_of("top", bench(51), EARLIER)
    assert as_before is not None
    assert flags(Others(seen=(as_before,))) == []
    wandering = [np.random.default_rng(at).uniform(0, 255, SIDE * SIDE) for at in range(9)]
    moved = seen_of("wrist", elsewhere, [one.astype(np.float32) for one in wandering])
    assert moved is not None
    assert flags(Others(seen=(moved,))) == []


def test_a_camera_that_hangs_upside_down_is_told_once() -> None:
    turned = dict(WAYS)["upside down"](bench(50).reshape(SIDE, SIDE)).ravel()
    found, seen = turned_of("top", turned, EARLIER), seen_of("top", turned, EARLIER)
    assert found is not None
    assert seen is not None
    ((_, _, message),) = flags(Others((found,), seen=(seen,)))
    assert "is upside down" in message


def test_a_scene_that_looks_the_same_both_ways_is_not() -> None:
    half = np.random.default_rng(4).uniform(30, 200, (SIDE, SIDE // 2))
    scene = np.concatenate((half, half[:, ::-1]), axis=1).ravel()
    earlier = [scene + np.random.default_rng(at).normal(0, 2, len(scene)) for at in range(8)]
    found = turned_of("top", earlier[0].astype(np.float32), earlier[1:])
    assert found is None or flags(Others((found,))) == []


def test_a_camera_that_moves_about_tells_nothing() -> None:
    views = [np.random.default_rng(at).uniform(0, 255, SIDE * SIDE) for at in range(9)]
    assert turned_of("wrist", views[0][::-1], [*views[1:], views[0]]) is None


def test_a_view_is_the_mean_of_what_was_sketched() -> None:
    cells = np.full((12, SIDE * SIDE), 10 * STEPS, np.uint16)
    cells[6:] = 20 * STEPS
    times_ns = np.arange(12) * (NS // 10)
    view = view_of(Sketch("top", times_ns, cells))
    assert view is not None
    assert np.allclose(view, 15)
    assert view_of(Sketch("top", times_ns[:9], cells[:9])) is None


def test_what_the_others_say_is_kept_with_the_measurements(tmp_path: Path) -> None:
    others = Others(
        (Turned("top", "upside down", -0.2, 0.97, 8),),
        Length(41, 12, 9.5, 30),
        (Seen("top", 0.2, 60.0, 120.0, -2.5, 8), Seen("wrist", None, 60.0, 120.0, -2.5, 8)),
    )
    Measurements().save(tmp_path)
    assert Measurements.load(tmp_path).others is None
    keep_others(tmp_path, others)
    assert Measurements.load(tmp_path).others == others
    keep_others(tmp_path, Others())
    assert Measurements.load(tmp_path).others is None


def test_a_task_that_often_runs_into_its_time_limit_may_be_shorter() -> None:
    short = np.random.default_rng(0).uniform(12, 58, 45).tolist()
    lengths = [60.0] * 55 + short
    assert all(flags(Others(length=length_among(one, lengths))) == [] for one in short)
    assert flags(Others(length=length_among(1.0, lengths))) != []


def test_what_is_asked_beside_the_others_alone_spans_the_whole_recording() -> None:
    others = Others(length=length_among(41, TASK), seconds=41.0)
    (flag,) = BY_NAME["unlike_others"].function(Measurements(others=others), LIMITS)
    assert flag.span == Span(0, 41 * NS)
