"""What pages say of targets and workers, told from numbers that a reader can check."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from metrics import Filter
from metrics.cost import DayCost
from metrics.throughput import DayHours, TargetProgress
from metrics.workers import WorkerYield
from pages import _charts as charts
from pages._hours import _standing, targets
from pages._words import recording_words
from pages._yields import _place

TARGET = TargetProgress(
    target_id=1,
    program_id="atlas",
    customer="Acme",
    program="Atlas",
    task_id=None,
    task=None,
    site_id=None,
    starts_on=dt.date(2026, 3, 1),
    ends_on=dt.date(2026, 3, 31),
    promised_h=100.0,
    accepted_h=50.0,
    expected_h=50.0,
    pace_h=3.0,
    days_left=15,
    needed_h=3.3,
    forecast_h=95.0,
    forecast_low_h=90.0,
    forecast_high_h=99.0,
    done_on=None,
)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "✕ behind"),
        ({"forecast_high_h": 100.0}, "? open"),
        ({"forecast_low_h": 99.9, "forecast_high_h": 110.0}, "? open"),
        ({"forecast_low_h": 100.0, "forecast_high_h": 110.0}, "✓ on track"),
        ({"accepted_h": 100.0}, "✓ kept"),
        ({"forecast_h": None, "forecast_low_h": None, "forecast_high_h": None}, "… too few days"),
    ],
)
def test_a_target_is_on_track_or_behind_only_where_its_interval_says_so(
    changed: dict[str, float | None], said: str
) -> None:
    assert _standing(replace(TARGET, **changed)) == said  # type: ignore[arg-type]


def test_targets_are_told_apart_and_dated_where_a_narrow_screen_cuts_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By their widths in pixels: 33 for the box of a row, 340 fit on a phone, 1040 on a desk."""
    drawn: list[Any] = []
    monkeypatch.setattr("pages._tables.table", lambda *given, **_: drawn.extend(given))
    targets([replace(TARGET, task_id="egg", site_id="delft")])
    values, columns = drawn
    widths = {name: column["width"] for name, column in columns.items()}
    names = list(widths)
    reach = {
        name: 33 + sum(widths[one] for one in names[: at + 1]) for at, name in enumerate(names)
    }
    assert max(reach[name] for name in ("task", "standing", "ends")) <= 340
    assert max(reach[name] for name in ("expected", "accepted", "program", "forecast")) <= 1040
    assert values["task"] == ["egg"]
    assert values["program"] == ["Acme: Atlas (delft)"]


def worker(name: str, standing: str, low: float, high: float) -> WorkerYield:
    return WorkerYield(
        name, None, 1.0, 1.0, 1.0, 1.0, 1.0, 9, 9, 5, 0.5, low, high, 0.6, standing, None
    )


def test_workers_clearly_below_come_first_the_worst_of_them_before_all() -> None:
    ones = [
        worker("unsure", "not distinguishable", 0.5, 0.9),
        worker("good", "above", 0.7, 0.9),
        worker("bad", "below", 0.3, 0.5),
        worker("better", "above", 0.8, 0.9),
        worker("worse", "below", 0.1, 0.2),
    ]
    assert [one.worker_id for one in sorted(ones, key=_place)] == [
        *("worse", "bad"),
        *("better", "good"),
        "unsure",
    ]


@pytest.mark.parametrize(("last", "a_day"), [(7, True), (8, False)])
def test_between_the_days_of_a_week_no_hours_are_written(last: int, a_day: bool) -> None:
    days = [DayCost(dt.date(2026, 3, day), "EUR", Decimal(9), 1.0) for day in (1, last)]
    span = Filter(dt.date(2026, 3, 1), dt.date(2026, 3, last))
    ticks = charts.due_by_day(days, span).layout.xaxis.dtick
    assert ticks == (24 * 3600 * 1000 if a_day else None)


def test_a_bar_is_a_day_wide_and_the_axis_has_all_days_that_are_asked_for() -> None:
    """Two days with pay of a month: bars would be weeks wide, and the axis two days long."""
    days = [DayCost(dt.date(2026, 3, day), "EUR", Decimal(9), 1.0) for day in (10, 20)]
    figure = charts.due_by_day(days, Filter(dt.date(2026, 3, 1), dt.date(2026, 3, 28)))
    assert {bar.width for bar in figure.data} == {0.75 * 24 * 3600 * 1000}
    ends = (dt.datetime(2026, 2, 28, 12), dt.datetime(2026, 3, 28, 12))
    assert figure.layout.xaxis.range == ends


def test_a_single_day_has_points_on_its_lines() -> None:
    day = dt.date(2026, 3, 1)
    figure = charts.hours_by_day([DayHours(day, 1, 1.0, 1.0, 1.0, 1.0)], 2.0, Filter(day, day))
    lines = [one.mode for one in figure.data if one.type == "scatter"]
    assert lines == ["lines+markers"] * 3 + ["lines"]
    needed = figure.data[-1]
    assert needed.x[0] < np.datetime64(day) < needed.x[1]


@pytest.mark.parametrize(
    ("path", "index", "words"),
    [
        ("/data/monday/clip.mp4", 0, "monday/clip.mp4"),
        ("/data/two_tracks.mp4", 1, "data/two_tracks.mp4 #1"),
        ("/data/monday/fold-towels", 0, "monday/fold-towels"),
        ("/data/monday/lerobot", 12, "monday/lerobot #12"),
        ("/take.mcap", 0, "take.mcap"),
    ],
)
def test_a_recording_is_named_with_its_folder_and_its_number_among_several(
    path: str, index: int, words: str
) -> None:
    assert recording_words(path, index) == words
