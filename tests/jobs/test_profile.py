"""What the profile prints adds up, and no check's cost is left out of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks import profile
from benchmarks.clips import make_clip
from quality.checks import BY_NAME, CHECKS
from quality.measures import lens, planes, take
from quality.policy import Policy

PLAIN = {
    "cameras", "series", "sounds", "count", "times_ns", "sizes", "resized_ns", "error",
    "lost_from_ns",
}  # fmt: skip
"""Parts of the checks' needs that no step of the pass gives by itself."""


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_step_is_charged_with_its_own_time_and_not_with_that_of_steps_inside() -> None:
    meter = profile.Meter()
    inner = meter.wrapped("inner", lambda: busy(0.03))

    def work() -> None:
        busy(0.01)
        inner()
        inner()

    meter.wrapped("outer", work)()
    assert meter.calls == {"inner": 2, "outer": 1}
    assert meter.seconds["inner"] == pytest.approx(0.06, abs=0.005)
    assert meter.seconds["outer"] == pytest.approx(0.01, abs=0.005)


def test_a_step_that_raises_is_charged_and_the_next_one_rightly() -> None:
    meter = profile.Meter()

    def breaks() -> None:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        meter.wrapped("breaks", breaks)()
    assert meter.calls == {"breaks": 1}
    assert meter.inner == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_field_of_a_camera_that_a_check_needs_has_its_step(check: profile.Check) -> None:
    given = {field for step in profile.MEASURES for field in step.gives}
    needed = {need.removeprefix("cameras.") for need in check.needs if need.startswith("cameras.")}
    assert needed <= given | PLAIN


def test_a_pass_charges_every_step_and_leaves_the_program_as_it_was(tmp_path: Path) -> None:
    before = take.shrink, planes._gradients, lens.View.see
    path = make_clip(tmp_path / "clip.mp4", seconds=3, width=320, height=240)
    episode, policy = profile._episode(path, 3), Policy.load()
    taken = profile._pass(episode, policy)
    assert (take.shrink, planes._gradients, lens.View.see) == before
    assert set(taken.calls) == {step.name for step in profile.MEASURES}
    assert (taken.calls["shrink"], taken.calls["edges"]) == (90, 360)
    assert 0 < sum(taken.steps.values()) < 100
    assert set(taken.rules) == set(BY_NAME)
    shared = sum(profile._cost(check, taken) for check in CHECKS)
    needed = sum(
        taken.steps[step.name]
        for step in profile.MEASURES
        if any(profile._needs(check, step) for check in CHECKS)
    )
    assert shared == pytest.approx(needed + sum(taken.rules.values()))
