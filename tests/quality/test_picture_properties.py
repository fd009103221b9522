"""What must hold of every check of pictures, whatever the defect and wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import clips
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.recordings.contract import Camera, VideoFile
from dailies.words import NS, Flag
from quality.judge import judge
from quality.measures import Measurements, Pictures
from quality.measures.decode import measure_camera
from quality.measures.pictures import CURVES
from quality.policy import Policy

POLICY = Policy.load()
RATE, COUNT = 30, 360
PERIOD_NS = round(NS / RATE)
QUICK = settings(max_examples=25, deadline=None)
Curves = dict[str, Any]


def clean(seed: int) -> Curves:
    """Twelve seconds of a hand-held camera's numbers."""
    random = np.random.default_rng(seed)

    def about(mean: float, spread: float) -> Any:
        return mean + random.normal(0, spread, COUNT)

    return {
        "luma": about(120, 1),
        "contrast": about(50, 0.5),
        "dark_share": np.full(COUNT, 0.02),
        "bright_share": np.full(COUNT, 0.01),
        "sharpness": about(20, 0.3),
        "texture": about(20, 0.3),
        "edge_px": about(1.0, 0.02),
        "smear_px": about(1.2, 0.02),
        "motion": random.uniform(1.5, 2.5, COUNT),
        "changed_share": random.uniform(0.08, 0.12, COUNT),
        "tint": np.full(COUNT, 3.0),
        "colour": np.full(COUNT, 12.0),
        "undrawn_share": np.zeros(COUNT),
        "noise": about(1.5, 0.05),
        "blockiness": about(0.1, 0.01),
    }


def black(curves: Curves, part: slice) -> None:
    curves["luma"][part], curves["contrast"][part], curves["dark_share"][part] = 2, 0.5, 1
    curves["sharpness"][part] = curves["texture"][part] = 0.1
    curves["edge_px"][part] = curves["smear_px"][part] = np.nan


def frozen(curves: Curves, part: slice) -> None:
    curves["motion"][part] = curves["changed_share"][part] = 0
    curves["repeat"][part] = True
    curves["motion"][part.stop] = 9  # the world went on meanwhile


def out_of_focus(curves: Curves, part: slice) -> None:
    curves["edge_px"][part], curves["smear_px"][part] = 4, 4
    curves["sharpness"][part] = 5


def too_bright(curves: Curves, part: slice) -> None:
    curves["bright_share"][part], curves["luma"][part] = 0.9, 245


def undrawn(curves: Curves, part: slice) -> None:
    curves["undrawn_share"][part] = 0.6


def noisy(curves: Curves, part: slice) -> None:
    curves["noise"][part], curves["motion"][part] = 25, 14


def in_blocks(curves: Curves, part: slice) -> None:
    curves["blockiness"][part] = 2


SPOILS = (black, frozen, out_of_focus, too_bright, undrawn, noisy, in_blocks)
spoils = st.sampled_from(SPOILS)
starts, lengths = st.integers(60, 200), st.integers(60, 110)


def filmed(seed: int, spoil: Callable[[Curves, slice], None], start: int, length: int) -> Pictures:
    curves = clean(seed) | {"repeat": np.zeros(COUNT, np.bool_)}
    spoil(curves, slice(start, start + length))
    given: Curves = {name: np.asarray(curves[name], np.float32) for name in CURVES}
    return Pictures(
        name="front",
        times_ns=np.arange(COUNT, dtype=np.int64) * PERIOD_NS,
        repeat=curves["repeat"],
        packet_count=COUNT,
        **given,
    )


def found(*cameras: Pictures) -> list[Flag]:
    return list(judge(Measurements(cameras=cameras), POLICY).flags)


def told(flags: list[Flag], later_ns: int = 0) -> list[tuple[object, ...]]:
    return [(f.check, f.grade, f.span.start_ns + later_ns, f.span.end_ns + later_ns) for f in flags]


def joined(first: Pictures, second: Pictures) -> Pictures:
    """One camera that filmed both, one after the other."""
    later = second.times_ns + first.span.end_ns
    curves: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in (*CURVES, "repeat")
    }
    count = first.count + second.count
    times_ns = np.concatenate([first.times_ns, later])
    return replace(first, times_ns=times_ns, packet_count=count, **curves)


def share_of(flag: Flag, flags: list[Flag], later_ns: int = 0) -> float:
    """The largest share of a flag's span, and of theirs, that it has in common with one of them."""
    start, end = flag.span.start_ns + later_ns, flag.span.end_ns + later_ns
    shares = [
        (min(end, one.span.end_ns) - max(start, one.span.start_ns))
        / max(end - start, one.span.end_ns - one.span.start_ns)
        for one in flags
        if (one.check, one.grade) == (flag.check, flag.grade)
    ]
    return max(shares, default=0.0)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: str(spoil.__name__))
def test_every_one_of_these_defects_is_flagged_where_it_lies(spoil: Any) -> None:
    flags = found(filmed(1, spoil, 120, 90))
    span = (120 * PERIOD_NS, 210 * PERIOD_NS)
    assert any(
        abs(f.span.start_ns - span[0]) < NS / 2 and abs(f.span.end_ns - span[1]) < NS / 2
        for f in flags
    ), told(flags)


@QUICK
@given(st.integers(0, 9), spoils, starts, lengths, st.integers(0, 1000 * NS))
def test_shifting_time_shifts_spans(
    seed: int, spoil: Any, start: int, length: int, later_ns: int
) -> None:
    camera = filmed(seed, spoil, start, length)
    later = replace(camera, times_ns=camera.times_ns + later_ns)
    assert told(found(later)) == told(found(camera), later_ns)


@QUICK
@given(st.integers(0, 9), spoils, spoils, starts, starts, lengths)
def test_clips_one_after_the_other_have_the_flags_of_both(
    seed: int, one: Any, other: Any, start: int, second_start: int, length: int
) -> None:
    first, second = filmed(seed, one, start, length), filmed(seed + 1, other, second_start, length)
    both = found(joined(first, second))
    for flag in found(first):
        assert share_of(flag, both) > 0.9, (flag, told(both))
    for flag in found(second):
        assert share_of(flag, both, first.span.end_ns) > 0.9, (flag, told(both))
    apart = [*found(first), *found(second)]
    assert {(f.check, f.grade) for f in both} == {(f.check, f.grade) for f in apart}


@QUICK
@given(st.integers(0, 9), spoils, starts, lengths)
def test_cameras_are_judged_one_by_one(seed: int, spoil: Any, start: int, length: int) -> None:
    camera = filmed(seed, spoil, start, length)
    beside = replace(camera, name="wrist")
    together = found(camera, beside)
    for name in ("front", "wrist"):
        assert told([f for f in together if f.stream == name]) == told(found(camera))


def dark(frame: clips.Frame) -> clips.Frame:
    return np.full_like(frame, 16)


def soft(frame: clips.Frame) -> clips.Frame:
    return clips.blurred(frame, 6)


def grainy(frame: clips.Frame) -> clips.Frame:
    random = np.random.default_rng(int(frame.sum()))
    return np.clip(frame + random.normal(0, 25, frame.shape), 0, 255).astype(np.uint8)


def glaring(frame: clips.Frame) -> clips.Frame:
    return np.full_like(frame, 254)


def stuck(_: clips.Frame) -> clips.Frame:
    return _stuck()


@cache
def _stuck() -> clips.Frame:
    return clips.scene(61)[60]


@pytest.fixture(scope="module")
def scene() -> list[clips.Frame]:
    return clips.scene(200)


@pytest.mark.parametrize("spoil", [dark, soft, grainy, glaring, stuck])
def test_encoding_anew_at_high_quality_keeps_the_verdict(
    tmp_path: Path, scene: list[clips.Frame], spoil: Any
) -> None:
    frames = [spoil(frame) if 60 <= at < 140 else frame for at, frame in enumerate(scene)]
    good = {"crf": "14", "preset": "ultrafast"}
    once = clips.write(tmp_path / "once.mp4", frames, options=good)
    again = clips.write(tmp_path / "again.mp4", frames, codec="libx265", options=good)
    before, after = (
        found(measure_camera(Camera("front", VideoFile(path)))) for path in (once, again)
    )
    assert before
    assert {(f.check, f.grade) for f in after} == {(f.check, f.grade) for f in before}
    assert all(share_of(flag, after) > 0.9 for flag in before)


def test_the_made_numbers_are_all_that_a_camera_has() -> None:
    assert set(clean(1)) == set(CURVES) <= {field.name for field in fields(Pictures)}
