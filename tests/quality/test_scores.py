"""A verdict told from scores is the one that judging again gives, whatever the limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import robot_made as made

from dailies.words import NS, Grade, worst
from quality.checks import BY_NAME, CHECKS
from quality.measures import Measurements, Pictures
from quality.measures.pictures import CURVES
from quality.measures.series import measure_series
from quality.measures.sync import SyncMeasures
from quality.policy import Policy
from quality.scores import BY_STEPS, IMMOVABLE, LADDERS, Score, grade_at, scores, tightest

POLICY = Policy.load()
LIMITS = POLICY.limits_for()
MOVABLE = [check.name for check in CHECKS if check.name not in IMMOVABLE]
RATE = 30


def camera(rng: np.random.Generator, name: str = "front") -> Pictures:
    """Some 10 s in which anything may go wrong, for any time and by any amount."""
    count = int(rng.integers(60, 330))
    curves: dict[str, Any] = {
        "luma": rng.normal(120, 3, count),
        "contrast": np.full(count, 50.0),
        "dark_share": np.zeros(count),
        "bright_share": np.zeros(count),
        "sharpness": rng.normal(20, 0.2, count),
        "texture": np.full(count, 20.0),
        "edge_px": rng.normal(1.1, 0.05, count),
        "motion": rng.uniform(1.5, 2.5, count),
        "changed_share": np.full(count, 0.1),
    }
    repeat = np.zeros(count, np.bool_)
    for _ in range(int(rng.integers(0, 6))):
        start = int(rng.integers(0, count - 5))
        part = slice(start, start + int(rng.integers(1, 90)))
        kind = rng.integers(0, 5)
        if kind == 0:
            curves["edge_px"][part] += rng.uniform(0, 3)
            curves["sharpness"][part] *= 0.6
        elif kind == 1:
            curves["dark_share"][part], curves["contrast"][part] = 1.0, 1.0
            curves["luma"][part] = 5.0
        elif kind == 2:
            curves["bright_share"][part] = 0.9
        elif kind == 3:
            repeat[part], curves["motion"][part] = True, 0.0
            curves["changed_share"][part] = 0.0
        else:
            curves["dark_share"][part], curves["luma"][part] = 0.8, 12.0
    times = np.arange(count, dtype=np.int64) * NS // RATE
    for at in rng.integers(1, count, int(rng.integers(0, 4))):
        times[at:] += int(rng.integers(1, 12)) * NS // RATE
    promised = count + int(rng.integers(0, 8)) * int(rng.random() < 0.4)
    looked = np.arange(0, count, RATE, dtype=np.int32)
    faces = (rng.random(len(looked)) < 0.4).astype(np.int32)
    return Pictures(
        name, times, repeat=repeat, container_count=promised, face_looked=looked,
        face_count=faces, face_width=faces * np.float32(0.2), face_score=faces * np.float32(0.9),
        **curves,
    )  # fmt: skip


def robot(rng: np.random.Generator) -> list[Any]:
    """State and action with a joint stuck, spikes, gaps and trembling here and there."""
    state, action = made.robot(int(rng.integers(1, 1000)), seconds=12.0)
    values, times = state.values.copy(), state.times_ns.copy()
    for _ in range(int(rng.integers(0, 5))):
        at = int(rng.integers(5, len(values) - 130))
        kind = rng.integers(0, 6)
        if kind == 0:
            values[at : at + int(rng.integers(5, 120)), 2] = values[at, 2]
        elif kind == 1:
            values[at, 1] += rng.uniform(0.05, 2)
        elif kind == 2:
            times[at:] += int(rng.uniform(0.02, 0.7) * NS)
        elif kind == 3:
            values[at : at + 120, :6] += rng.normal(0, rng.uniform(0, 0.05), (120, 6))
        elif kind == 4:
            values[at : at + int(rng.integers(5, 120))] = values[at]
        else:
            values[at:, 3] += rng.uniform(0, 1.5)
    return [replace(state, values=values, times_ns=times), replace(action, times_ns=times)]


def sync(rng: np.random.Generator, stream: str, against: str) -> SyncMeasures:
    return SyncMeasures(
        stream,
        against,
        "clock" if rng.random() < 0.3 else "content",
        tells=True,
        reason="",
        reference="state" if against == "state" else "camera",
        offset_ms=float(rng.normal(0, 90)),
        offset_error_ms=float(rng.uniform(0, 20)),
        drift_ppm=float(rng.choice([0.0, rng.normal(0, 4000)])),
        drift_error_ppm=float(rng.uniform(0, 100)),
        start_ns=0,
        end_ns=10 * NS,
    )


def made_up(seed: int) -> Measurements:
    rng = np.random.default_rng(seed)
    series = robot(rng) if rng.random() < 0.5 else []
    if rng.random() < 0.3:
        series.append(made.wrench(seed, seconds=8.0))
    return Measurements(
        cameras=tuple(camera(rng, name) for name in ("front", "wrist")[: rng.integers(1, 3)]),
        series=tuple(measure_series(one) for one in series),
        sync=(sync(rng, "front", "state"), sync(rng, "wrist", "state"), sync(rng, "wrist", "front"))
        if rng.random() < 0.6
        else (),
    )


def moved(rng: np.random.Generator, name: str) -> tuple[float, float]:
    """Limits that the workbench can move a check to: steps where it goes by steps."""
    sign = 1.0 if BY_NAME[name].worse == "higher" else -1.0
    limits = LIMITS[name]
    if name in LADDERS:
        suspect = float(rng.choice([*LADDERS[name], limits.suspect]))
    else:
        near = abs(limits.suspect)
        suspect = tightest(name) + sign * rng.uniform(0, 2) * near
    steps = [step for step in LADDERS.get(name, ()) if sign * step >= sign * suspect]
    far = abs(limits.fail) if limits.fail < 1e9 else 3.0
    beyond = suspect + sign * float(rng.uniform(0, 2)) * far
    return suspect, float(rng.choice(steps)) if name in BY_STEPS else beyond


@pytest.mark.parametrize("seed", range(16))
def test_scores_say_what_judging_again_says(seed: int) -> None:
    measured = made_up(seed)
    found = scores(measured, POLICY)
    rng = np.random.default_rng([seed, 1])
    wrong = []
    for name in MOVABLE:
        mine = tuple(one for one in found if one.check == name)
        for at in range(6):
            suspect, fail = moved(rng, name) if at else (LIMITS[name].suspect, LIMITS[name].fail)
            limits = replace(LIMITS[name], suspect=suspect, fail=fail)
            judged = worst([f.grade for f in BY_NAME[name].function(measured, limits)])
            if grade_at(mine, limits) is not judged:
                wrong.append((name, suspect, fail, judged, mine))
    assert wrong == []


def test_the_made_up_measurements_meet_the_limits() -> None:
    """So that the test above could fail."""
    found = [scores(made_up(seed), POLICY) for seed in range(16)]
    graded = {(one.check, grade_at((one,), LIMITS[one.check])) for each in found for one in each}
    for name in ("blur", "dropped_frames", "sync_drift", "frozen_picture", "black_picture"):
        assert graded & {(name, Grade.SUSPECT), (name, Grade.FAIL)}, name


def test_a_blurred_stretch_has_a_score_a_step() -> None:
    count = 300
    clean = camera(np.random.default_rng(0))
    edge = np.full(count, 0.9)
    edge[90:180] = 2.5
    wide = Pictures(
        "front",
        np.arange(count, dtype=np.int64) * NS // RATE,
        edge_px=edge,
        sharpness=np.where(edge > 1, 10.0, 20.0),
        repeat=np.zeros(count, np.bool_),
        **{
            name: np.full(count, getattr(clean, name)[0])
            for name in (
                "luma", "contrast", "dark_share", "bright_share", "texture", "motion",
                "changed_share",
            )
        },
    )  # fmt: skip
    found = [one for one in scores(Measurements(cameras=(wide,)), POLICY) if one.check == "blur"]
    # as softer than usual up to a limit of which it is still seven tenths
    assert found == [Score("blur", 2.5, 2.5), Score("blur", 3.5, None)]


def after_a_slow_approach(low: float, near: float, leap: float) -> Any:
    """A curve that rises slowly, leaps for two seconds and falls back slowly."""
    curve = np.full(300, low)
    curve[60:120] = np.linspace(low, near, 60)
    curve[120:180] = leap
    curve[180:240] = np.linspace(near, low, 60)
    return curve


@pytest.mark.parametrize("moved", [1.7, 2.0, 2.3, 2.7, 3.5, 4.25])
def test_scores_say_what_judging_says_of_a_blur_after_a_slow_approach(moved: float) -> None:
    clean = camera(np.random.default_rng(0))
    rest = {
        name: np.full(300, getattr(clean, name)[0])
        for name in CURVES
        if len(getattr(clean, name)) and name not in ("edge_px", "smear_px", "tint")
    }
    blurred = after_a_slow_approach(1.25, 1.75, 3.0)
    times_ns, repeat = np.arange(300, dtype=np.int64) * NS // RATE, np.zeros(300, np.bool_)
    wide = Pictures("front", times_ns, edge_px=blurred, repeat=repeat, **rest)
    tinted = after_a_slow_approach(3.0, 10.0, 26.0)
    colours = {"colour": np.full(300, 20.0), "edge_px": np.full(300, 1.0), "tint": tinted}
    cast = Pictures("front", times_ns, repeat=repeat, **(rest | colours))
    for name, filmed, limit in (("blur", wide, moved), ("colour_cast", cast, 10 * moved)):
        measured = Measurements(cameras=(filmed,))
        mine = tuple(one for one in scores(measured, POLICY) if one.check == name)
        step = min(LADDERS[name], key=lambda step: abs(step - limit))
        limits = replace(LIMITS[name], suspect=step, fail=max(LIMITS[name].fail, step))
        judged = worst([f.grade for f in BY_NAME[name].function(measured, limits)])
        assert grade_at(mine, limits) is judged, (name, step, mine)


def test_a_check_without_limits_to_move_has_no_score() -> None:
    found = scores(Measurements(), POLICY)
    assert not {one.check for one in found} & IMMOVABLE


def test_the_house_limits_are_steps() -> None:
    for name, ladder in LADDERS.items():
        assert LIMITS[name].suspect in ladder
        if name in BY_STEPS:
            assert LIMITS[name].fail in ladder
