"""Limits fitted to good recordings: where they come to lie, and when nothing is fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.calibrate import LEAST, CannotCalibrate, Good, calibrate, fitted_policy, lines
from jobs.calibration_page import page
from quality.policy import Policy
from quality.scores import LADDERS, Score

POLICY = Policy.load()


def good(
    check: str, values: list[float | None], *, rig: str = "r1", camera: str | None = "c920"
) -> list[Good]:
    """Good recordings of a rig that scored these values; None: it came not near."""
    return [
        Good(
            f"{rig}-{at}", "egg", "delft", rig, camera,
            () if value is None else (Score(check, value, value),),
        )
        for at, value in enumerate(values)
    ]  # fmt: skip


def spread(low: float, high: float, count: int = 60) -> list[float | None]:
    return [float(one) for one in np.linspace(low, high, count)]


def curve(found: Any, check: str, group: str = "r1") -> Any:
    (one,) = [one for one in found if (one.check, one.group) == (check, group)]
    return one


def test_a_limit_lies_beyond_nearly_all_that_is_good() -> None:
    found = calibrate(good("action_lag", spread(200, 500)), POLICY, by="rig")
    lag = curve(found, "action_lag")
    assert lag.is_moved
    assert lag.flagged(lag.fitted[0]) == ()
    assert 500 < lag.fitted[0] < 500 * 1.06
    # the fail limit keeps its ratio
    assert lag.fitted[1] == pytest.approx(2 * lag.fitted[0], rel=0.01)
    low, high = sorted(lag.quantile[1:])
    assert low <= lag.quantile[0] <= high <= 500


def test_a_limit_can_become_tighter_where_the_good_are_far_from_it() -> None:
    lag = curve(calibrate(good("action_lag", spread(200, 250)), POLICY, by="rig"), "action_lag")
    assert 250 < lag.fitted[0] < lag.before[0] == 400


def test_where_lower_is_worse_the_limit_lies_below() -> None:
    short = curve(calibrate(good("too_short", spread(1.5, 3.0)), POLICY, by="rig"), "too_short")
    assert 1.4 < short.fitted[0] < 1.5
    assert short.fitted[1] == pytest.approx(short.fitted[0] / 2, rel=0.01)


def test_a_check_that_goes_by_steps_is_put_on_one() -> None:
    blur = curve(calibrate(good("blur", spread(1.6, 2.55)), POLICY, by="rig"), "blur")
    assert blur.fitted[0] in LADDERS["blur"]
    assert 2.55 < blur.fitted[0] <= 2.8


def test_a_limit_is_never_more_than_doubled() -> None:
    lag = curve(calibrate(good("action_lag", spread(3000, 5000)), POLICY, by="rig"), "action_lag")
    assert lag.fitted == (800.0, 1600.0)


def test_too_few_recordings_are_refused() -> None:
    few = good("blur", spread(1.6, 2.0, LEAST - 1))
    with pytest.raises(CannotCalibrate, match=f"{LEAST - 1} good recordings .* {LEAST} are needed"):
        calibrate(few, POLICY, by="rig")


def test_a_group_with_too_few_is_left_out() -> None:
    both = good("blur", spread(1.6, 2.0)) + good("blur", spread(1.6, 2.0, 5), rig="r2")
    assert {one.group for one in calibrate(both, POLICY, by="rig")} == {"r1"}


def test_a_check_that_few_came_near_keeps_its_limits() -> None:
    values: list[float | None] = [2.0, 2.1, *[None] * 58]
    blur = curve(calibrate(good("blur", values), POLICY, by="rig"), "blur")
    assert (blur.is_moved, blur.why_kept) == (False, "2 of 60 came near")


def test_a_check_that_flags_good_ones_and_cannot_be_fitted_is_named() -> None:
    values: list[float | None] = [6.0] * 9 + [None] * 51
    found = list(lines(calibrate(good("dropped_frames", values), POLICY, by="rig")))
    (told,) = [line for line in found if "dropped_frames" in line]
    assert "kept 1 frames, though it flags 9 of these 60: 9 of 60 came near; look at r1-8" in told
    assert told.endswith("and 4 more")
    far = [line for line in found if "nowhere near" in line]
    assert len(far) == 1


@pytest.mark.parametrize(("bad", "count"), [([470.0], 1), ([470.0, 520.0], 0), ([310.0], 0)])
def test_the_few_that_set_a_limit_by_themselves_are_named(bad: list[float], count: int) -> None:
    """Of 60 good recordings one may be bad; two of 60 are how such recordings are."""
    values = [*spread(200, 300, 60 - len(bad)), *bad]
    found = calibrate(good("action_lag", values), POLICY, by="rig")
    names = [f"r1-{60 - len(bad)}"][:count]
    assert list(curve(found, "action_lag").apart) == names
    assert any("set by r1-59, far" in line for line in lines(found)) is bool(count)
    assert ("Set by r1-59" in page(found, "")) is bool(count)


@pytest.mark.parametrize(("check", "values"), [
    ("action_lag", [*spread(200, 500, 1999), 640.0]),  # of so many one sets nothing
    ("action_lag", [*spread(20, 30, 59), 60.0]),  # as tight as can be either way
    ("stuck_joint", [0.3] * 59 + [0.4]),
])  # fmt: skip
def test_one_that_is_far_and_sets_nothing_is_not_named(
    check: str, values: list[float | None]
) -> None:
    found = calibrate(good(check, values), POLICY, by="rig")
    assert curve(found, check).apart == ()


def test_what_lower_values_make_worse_is_named_too() -> None:
    values = [*spread(2.0, 3.0, 59), 1.2]
    found = calibrate(good("too_short", values), POLICY, by="rig")
    assert curve(found, "too_short").apart == ("r1-59",)


def test_a_check_that_could_not_be_asked_is_not_said_to_be_far() -> None:
    blur = curve(calibrate(good("action_lag", spread(200, 300)), POLICY, by="rig"), "blur")
    assert blur.why_kept == "none came near, or none holds what it asks of"


def test_a_camera_models_limits_are_written_for_each_of_its_rigs(tmp_path: Path) -> None:
    both = good("blur", spread(1.6, 2.55)) + good("blur", spread(1.6, 2.55), rig="r2")
    found = calibrate(both, POLICY, by="camera")
    fitted = fitted_policy(POLICY, found, "camera", both)
    (tmp_path / "c920.toml").write_text(fitted.to_toml("c920", "fitted"), encoding="utf-8")
    again = Policy.load(tmp_path / "c920.toml")
    moved = curve(found, "blur", "c920").fitted[0]
    assert again.limits_for(rig="r1")["blur"].suspect == moved
    assert again.limits_for(rig="r2")["blur"].suspect == moved
    assert again.limits_for(rig="r3")["blur"].suspect == 2.3


def test_the_page_needs_nothing_else() -> None:
    found = calibrate(good("blur", spread(1.6, 2.55)), POLICY, by="rig")
    written = page(found, "Calibrated <by hand>")
    assert written.count("plotly.js v") <= 1
    assert 'src="http' not in written
    assert "<link" not in written
    assert "blur · r1" in written
    assert "Calibrated &lt;by hand&gt;" in written
    assert any(line.startswith("  blur") and "n = 60" in line for line in lines(found))


def test_the_command_writes_a_policy_from_good_recordings(
    tmp_path: Path, clip: Callable[..., Path], dailies: Callable[..., Any]
) -> None:
    clip(0, seconds=2.5)
    one = clip(0, seconds=2.5)
    done = dailies("calibrate", one, "--by", "house", "--data", tmp_path, "--out", tmp_path / "p")
    assert done.returncode == 2
    assert "1 good recordings in the largest group, and 30 are needed" in done.stderr
    done = dailies("calibrate", one, "--by", "town", "--data", tmp_path)
    assert "say one of house, task, site, rig, camera" in done.stderr
