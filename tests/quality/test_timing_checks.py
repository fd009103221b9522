"""The clocks of series, and what is said of the task: what is found, and near misses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.recordings.contract import Metadata, Series, Step
from dailies.words import NS, Flag, Grade, Span
from quality.checks import BY_NAME
from quality.judge import judge
from quality.measures import Measurements
from quality.measures.series import measure_series
from quality.policy import Policy

HOUSE = Policy.load()
TIMING = ["series_gap", "bad_times", "uneven_samples", "wrong_rate"]


def ticking(times_s: np.ndarray, **other: object) -> Series:
    """A sensor that says at which sample it is, at given times."""
    at_ns = np.round(np.asarray(times_s) * NS).astype(np.int64)
    values = np.arange(len(at_ns), dtype=np.float64)[:, None]
    return replace(Series("imu", at_ns, values, ("x",)), **other)  # type: ignore[arg-type]


def found(*series: Series, checks: list[str] = TIMING) -> list[Flag]:
    measured = Measurements(series=tuple(measure_series(one) for one in series))
    limits = HOUSE.limits_for()
    return [f for name in checks for f in BY_NAME[name].function(measured, limits[name])]


EVEN = np.arange(500) / 50


@pytest.mark.parametrize(
    ("times_s", "rate_hz"),
    [
        (EVEN, 50.0),
        (np.round(np.arange(600) / 60, 3), 60.0),
        (np.round(np.arange(4000) / 400, 3), 400.0),
        (np.delete(EVEN, np.arange(25, 500, 25)), 50.0),
        (EVEN[np.random.default_rng(4).random(500) < 0.7], 50.0),
        (np.repeat(np.arange(50) / 5, 10) + np.tile(np.arange(10) * 1e-4, 50), 50.0),
        (np.concatenate((EVEN, EVEN + 25)), 50.0),
    ],
    ids=[
        "even",
        "whole ms",
        "many in whole ms",
        "one in 25 lost",
        "many lost",
        "bursts",
        "a pause",
    ],
)
def test_the_rate_is_that_at_which_samples_usually_come(
    times_s: np.ndarray, rate_hz: float
) -> None:
    assert measure_series(ticking(times_s)).rate_hz == pytest.approx(rate_hz, rel=0.01)


def test_an_even_clock_raises_no_flag() -> None:
    assert found(ticking(EVEN, declared_rate_hz=50.0)) == []


def test_a_clock_that_runs_backwards_has_a_rate_for_all_that() -> None:
    (flag,) = found(ticking(EVEN[::-1] + 1), checks=["bad_times"])
    assert flag.measured == len(EVEN) - 1


def test_a_clock_with_ordinary_jitter_raises_no_flag() -> None:
    jitter = np.random.default_rng(1).normal(0, 0.002, len(EVEN))
    assert found(ticking(np.sort(EVEN + jitter), declared_rate_hz=50.0)) == []


@pytest.mark.parametrize(
    ("lost", "grade"), [(3, None), (5, Grade.SUSPECT), (23, Grade.SUSPECT), (25, Grade.FAIL)]
)
def test_a_gap_counts_by_its_length(lost: int, grade: Grade | None) -> None:
    times = np.delete(EVEN, slice(200, 200 + lost))
    flags = found(ticking(times))
    assert [flag.grade for flag in flags] == ([grade] if grade else [])
    if flags:
        assert flags[0].span == Span.of_seconds(199 / 50, (200 + lost) / 50)
        assert flags[0].measured == pytest.approx((lost + 1) * 20)


def test_gaps_of_a_slow_sensor_are_told_by_its_own_interval() -> None:
    slow = np.arange(60) / 5
    assert found(ticking(slow)) == []
    (flag,) = found(ticking(np.delete(slow, 30)))
    assert (flag.check, flag.measured) == ("series_gap", pytest.approx(400))


def test_a_sample_that_only_came_late_is_no_gap() -> None:
    late = EVEN.copy()
    late[200:206] = late[206] - 0.001 * np.arange(6, 0, -1)
    assert [f.check for f in found(ticking(late)) if f.grade is Grade.FAIL] == []


def test_commands_that_come_when_there_are_some_have_no_gaps() -> None:
    pressed = np.sort(np.random.default_rng(1).uniform(0, 10, 60))
    assert found(ticking(pressed, role="action"), ticking(pressed + 0.01)) == []
    assert found(ticking(pressed, role="state")) != []


def test_series_of_one_table_are_told_once_and_made_up_times_never() -> None:
    times = np.delete(EVEN, slice(200, 220))
    assert len(found(ticking(times), ticking(times, name="state"))) == 1
    assert found(ticking(times, clock="grid")) == []


@pytest.mark.parametrize("change", ["back", "twice", "zero"])
def test_times_that_run_back_or_repeat_are_found(change: str) -> None:
    times = EVEN.copy()
    times[250] = {"back": times[240], "twice": times[249], "zero": 0.0}[change]
    (flag,) = found(ticking(times), checks=["bad_times"])
    assert (flag.grade, flag.measured) == (Grade.SUSPECT, 1)


def test_samples_in_bursts_are_uneven() -> None:
    bursts = np.repeat(np.arange(50) / 5, 10) + np.tile(np.arange(10) * 1e-4, 50)
    assert [f.check for f in found(ticking(bursts), checks=["uneven_samples"])] == []
    (flag,) = found(ticking(bursts, role="state"), checks=["uneven_samples"])
    assert (flag.grade, flag.measured) == (Grade.FAIL, pytest.approx(90, abs=1))
    mixed = np.sort(np.concatenate((EVEN, EVEN[::2] + 0.001)))
    (flag,) = found(ticking(mixed, role="state"), checks=["uneven_samples"])
    assert flag.unit == "%"


@pytest.mark.parametrize(("rate_hz", "grade"), [(51, None), (54, Grade.SUSPECT), (100, "fail")])
def test_another_rate_than_declared_is_found(rate_hz: float, grade: Grade | None) -> None:
    flags = found(ticking(EVEN, declared_rate_hz=float(rate_hz)), checks=["wrong_rate"])
    assert [flag.grade for flag in flags] == ([grade] if grade else [])


@settings(max_examples=25, deadline=None)
@given(
    shift_s=st.floats(0, 1e5),
    at=st.lists(st.integers(5, 490), max_size=4),
    lost=st.integers(1, 8),
)
def test_shifting_a_clock_shifts_its_gaps(shift_s: float, at: list[int], lost: int) -> None:
    kept = np.setdiff1d(np.arange(500), [start + on for start in at for on in range(lost)])
    series = ticking(EVEN[kept])
    shift_ns = round(shift_s * NS)
    later = replace(series, times_ns=series.times_ns + shift_ns)
    before = [
        (f.grade, f.span.start_ns + shift_ns, f.span.end_ns + shift_ns) for f in found(series)
    ]
    assert before == [(f.grade, f.span.start_ns, f.span.end_ns) for f in found(later)]


def policy(tmp_path, text: str) -> Policy:  # type: ignore[no-untyped-def]
    path = tmp_path / "p.toml"
    path.write_text(f'[policy]\nname = "p"\n{text}')
    return Policy.load(path)


def checks_of(measured: Measurements, rules: Policy, metadata: Metadata | None = None) -> set[str]:
    told = {"too_long", "label_missing", "steps_missing", "steps_out_of_order"}
    return {flag.check for flag in judge(measured, rules, metadata).flags} & told


def recording(seconds: float = 10.0, **said: object) -> Measurements:
    series = measure_series(ticking(np.arange(round(seconds * 50)) / 50))
    return Measurements(series=(series,), **said)  # type: ignore[arg-type]


def steps(*spans: tuple[str, float, float]) -> tuple[Step, ...]:
    return tuple(Step(label, round(a * NS), round(b * NS)) for label, a, b in spans)


def test_too_long_is_the_task_s_own_limit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rules = policy(tmp_path, "[task.fold.too_long]\nsuspect = 8\nfail = 20\n")
    assert checks_of(recording(), rules, Metadata(task="fold")) == {"too_long"}
    assert checks_of(recording(), rules, Metadata(task="wipe")) == set()
    assert checks_of(recording(7.0), rules, Metadata(task="fold")) == set()


def test_a_label_is_asked_for_where_the_policy_requires_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rules = policy(tmp_path, "[limits.label_missing]\nrequire = 1\n")
    assert checks_of(recording(), rules) == {"label_missing"}
    assert checks_of(recording(task=" "), rules) == {"label_missing"}
    assert checks_of(recording(task="fold"), rules) == set()
    assert checks_of(recording(), rules, Metadata(task="fold")) == set()
    assert checks_of(recording(), HOUSE) == set()


def test_missing_steps_are_counted(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rules = policy(tmp_path, "[task.fold.steps_missing]\nexpected = 3\n")
    two = steps(("reach", 0, 2), ("grasp", 2, 4), ("reach", 4, 5))
    three = (*two, *steps(("place", 5, 8)))
    assert checks_of(recording(task="fold", steps=two), rules, Metadata(task="fold")) == {
        "steps_missing"
    }
    assert checks_of(recording(steps=three), rules, Metadata(task="fold")) == set()
    assert checks_of(recording(steps=two), HOUSE, Metadata(task="fold")) == set()


@pytest.mark.parametrize(
    ("labelled", "wrong"),
    [
        ((("reach", 0, 2), ("grasp", 2, 4)), False),
        ((("reach", 0, 2), ("grasp", 1.9, 4)), False),
        ((("reach", 3, 5), ("grasp", 1, 3)), True),
        ((("reach", 0, 3), ("grasp", 2, 4)), True),
        ((("reach", 2, 1),), True),
        ((("reach", 9, 12),), True),
        ((), False),
    ],
)
def test_steps_are_in_order_and_inside(
    labelled: tuple[tuple[str, float, float], ...], wrong: bool
) -> None:
    measured = recording(steps=steps(*labelled))
    assert checks_of(measured, HOUSE) == ({"steps_out_of_order"} if wrong else set())
