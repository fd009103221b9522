"""What is out of step is flagged from when it is, and what is merely uncertain is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dailies.words import NS, Flag, Grade, Span
from quality.checks.check import Limits
from quality.checks.sync import CHECK
from quality.measures import Measurements, SoundMeasures
from quality.measures.sync import SyncMeasures
from quality.measures.two_sounds import without_own
from quality.policy import Policy

LIMITS = Limits(
    suspect=70,
    fail=150,
    settings={
        "control_lag_ms": 300,
        "clock_suspect_ms": 250,
        "clock_fail_ms": 1000,
        "ends_suspect_ms": 1000,
        "ends_fail_ms": 2000,
        "sound_suspect_ms": 500,
        "sound_fail_ms": 2000,
        "require": 0,
    },
)


def told(offset_ms: float | None, drift_ppm: float | None = 0.0, **other: Any) -> SyncMeasures:
    """A camera against the robot over 20 s, sure to 5 ms."""
    values: dict[str, Any] = {
        "stream": "wrist",
        "against": "observation.state",
        "method": "content",
        "tells": True,
        "reason": "",
        "start_ns": 0,
        "end_ns": 20 * NS,
        "reference": "state",
        "offset_ms": offset_ms,
        "drift_ppm": drift_ppm,
        "offset_error_ms": 5.0,
        "drift_error_ppm": 0.0,
        "correlation": 0.9,
    }
    return SyncMeasures(**(values | other))


def flags(*sync: SyncMeasures, limits: Limits = LIMITS) -> list[Flag]:
    return list(CHECK.function(Measurements(sync=sync), limits))


@pytest.mark.parametrize(
    ("offset_ms", "grade"),
    [
        (0, None),
        (-72, None),
        (73, Grade.SUSPECT),
        (-133, Grade.SUSPECT),
        (133, Grade.SUSPECT),
        (152, Grade.SUSPECT),
        (153, Grade.FAIL),
        (-500, Grade.FAIL),
    ],
)
def test_an_offset_counts_as_far_as_it_is_certain(offset_ms: float, grade: Grade | None) -> None:
    found = flags(told(offset_ms))
    assert [flag.grade for flag in found] == ([grade] if grade else [])


def test_a_constant_offset_is_flagged_over_the_whole_overlap() -> None:
    assert flags(told(133)) == [
        Flag(
            "sync_drift",
            Grade.SUSPECT,
            "wrist",
            Span(0, 20 * NS),
            133.0,
            70,
            "ms",
            "wrist: 133 ms late against observation.state at 0.0 s (limit 70 ms): "
            "calibrate the delay, or stamp all streams from one clock",
        )
    ]


def test_a_drift_is_flagged_from_where_it_passes_the_limit_to_the_end() -> None:
    (flag,) = flags(told(100, drift_ppm=10_000, offset_error_ms=0.0))
    assert flag.grade is Grade.FAIL
    assert flag.span.start_ns / NS == pytest.approx(7, abs=0.05)
    assert flag.span.end_ns == 20 * NS
    assert flag.measured == pytest.approx(200)
    assert "0 ms late at the start, 200 ms late at the end (drift 10000 ppm)" in flag.message


def test_an_offset_of_much_uncertainty_is_not_flagged() -> None:
    assert flags(told(90, offset_error_ms=45.0)) == []


def test_the_control_lag_of_an_action_is_allowed_for() -> None:
    assert flags(told(250, reference="action")) == []
    assert flags(told(480, reference="action"))[0].grade is Grade.FAIL
    assert flags(told(-100, reference="action"))[0].grade is Grade.SUSPECT


def test_a_camera_that_is_off_against_the_robot_is_not_flagged_once_more_against_others() -> None:
    pair = told(120, stream="wrist", against="top", method="through", reference="camera")
    top = told(0, stream="top")
    assert [flag.message.split(":")[0] for flag in flags(top, told(120), pair)] == ["wrist"]
    assert len(flags(told(-60, stream="top"), told(60), pair)) == 1


def test_streams_that_cannot_be_told_are_not_flagged_unless_the_policy_asks() -> None:
    idle = told(None, None, tells=False, reason="nothing moves")
    assert flags(idle) == []
    strict = Limits(70, 150, settings={**LIMITS.settings, "require": 1})
    (flag,) = flags(idle, limits=strict)
    assert (flag.grade, flag.stream) == (Grade.UNKNOWN, None)
    assert "nothing moves" in flag.message
    assert flags(told(10), limits=strict) == []


def test_sound_in_step_with_its_own_pictures_says_nothing_of_the_cameras() -> None:
    empty = np.empty(0, np.float32)
    sound = SoundMeasures("wrist.audio", np.empty(0, np.int64), empty, empty, empty)
    untold = told(None, tells=False, reason="nothing moves")
    clapped = told(2.0, stream="wrist.audio", against="wrist", method="heard")
    measured = Measurements(sync=(untold, clapped), sounds=(sound,))
    asked = replace(LIMITS, settings={**LIMITS.settings, "require": 1})
    assert [flag.grade for flag in CHECK.function(measured, asked)] == [Grade.UNKNOWN]


def test_sound_is_longer_than_its_pictures_by_its_samples_and_not_by_its_time_stamps() -> None:
    """A time lapse whose sound was kept: 119 s of samples in 12 s."""
    empty = np.empty(0, np.float32)
    sound = SoundMeasures("audio", np.empty(0, np.int64), empty, empty, empty)
    longer = clock(0, 107_400, stream="audio", against="video")
    (found,) = CHECK.function(Measurements(sync=(longer,), sounds=(sound,)), LIMITS)
    assert "by its samples starts 0 ms late and ends 107400 ms late against video" in found.message
    (found,) = flags(longer)
    assert "by its time stamps starts 0 ms late" in found.message


def test_a_camera_that_its_sound_says_is_late_is_told_so() -> None:
    (flag,) = flags(told(133.0, stream="wrist", against="top", method="heard"))
    assert "133 ms late against top, by their sounds" in flag.message


def test_sound_that_is_late_in_its_own_file_is_not_the_cameras_delay() -> None:
    heard = told(133.0, stream="wrist", against="top", method="heard")
    own = told(130.0, stream="wrist.audio", against="wrist", method="heard")
    apart = without_own(heard, own, None)
    assert apart.offset_ms == pytest.approx(3.0)
    assert apart.offset_error_ms == pytest.approx(50**0.5)
    assert without_own(heard, None, own).offset_ms == pytest.approx(263.0)
    assert without_own(heard, None, None) is heard
    assert flags(apart) == []


def clock(start_ms: float, end_ms: float, **other: Any) -> SyncMeasures:
    """A series' time stamps against a camera's over 20 s."""
    return told(
        (start_ms + end_ms) / 2,
        (end_ms - start_ms) / 20e-3,
        **({"stream": "state", "against": "top", "method": "clock"} | other),
    )


def test_a_series_that_ends_2_s_early_is_flagged_where_it_is_missing() -> None:
    (flag,) = flags(clock(0, -2000))
    assert (flag.grade, flag.stream, flag.measured) == (Grade.FAIL, "state", 2000)
    assert flag.span == Span(18 * NS, 20 * NS)
    assert "starts 0 ms late and ends 2000 ms early against top" in flag.message


def test_a_series_that_starts_late_is_flagged_where_it_is_missing() -> None:
    (flag,) = flags(clock(1500, 0))
    assert (flag.grade, flag.span) == (Grade.SUSPECT, Span(0, round(1.5 * NS)))


def test_series_that_start_and_end_a_little_apart_are_not_flagged() -> None:
    assert flags(clock(200, -900)) == []


def test_a_clock_that_runs_away_is_flagged_from_when_it_is_apart() -> None:
    rows = {"window_times_s": (0.0, 5.0, 10.0, 20.0), "window_offsets_ms": (0, 300, 600, 1200)}
    (flag,) = flags(clock(0, 1200, **rows))
    assert (flag.grade, flag.span) == (Grade.FAIL, Span(5 * NS, 20 * NS))


def test_series_of_one_table_share_one_flag() -> None:
    assert len(flags(clock(0, 2500), clock(0, 2500, stream="action"))) == 1


def test_the_house_policy_names_every_limit_of_the_check() -> None:
    limits = Policy.load().limits_for()["sync_drift"]
    assert set(CHECK.settings) == set(limits.settings)
    assert limits.suspect < limits.fail
    assert not limits["require"]
