"""Hours: paid, recorded, delivered, accepted; from a small operation by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from operation import DAY, FIRST, NOON, SECOND, episode, shift

from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Target
from metrics import Filter
from metrics.asking import ask, instant
from metrics.choices import Choice, Days, days, latest_day, options
from metrics.exporter import StageHours
from metrics.throughput import (
    DayHours,
    GroupHours,
    HoursTotal,
    OpenShifts,
    TargetProgress,
    hours_by_day,
    hours_by_rig,
    hours_by_site,
    hours_by_task,
    hours_by_worker,
    hours_total,
    needed_a_day,
    open_shifts,
    target_progress,
)
from metrics.workers import worker_yield

THIRD = 1 / 3


def close(value: float) -> float:
    """Equal to a microhour."""
    return pytest.approx(value, abs=1e-6)  # type: ignore[no-any-return]


def test_options_are_what_is_registered(mirror: Mirror) -> None:
    found = options(mirror)
    assert found.sites == (Choice("site", "delft", "Delft"), Choice("site", "kobe", "Kobe"))
    assert found.tasks == (
        Choice("task", "egg", "flip an egg"),
        Choice("task", "pan", "scrape a pan"),
    )
    assert found.programs == (Choice("program", "atlas", "Atlas"),)
    assert [choice.id for choice in found.workers] == ["ann", "bo", "chi"]
    assert [choice.id for choice in found.rigs] == ["r1", "r2", "r3"]


def test_options_hold_what_only_an_episode_names(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        session.add(episode(8, "stranger", "r9", None, SECOND, 10, "good", "accepted"))
    assert options(mirror).workers[-1] == Choice("worker", "stranger", "stranger")
    assert [choice.id for choice in options(mirror).rigs] == ["r1", "r2", "r3", "r9"]


def test_days_span_episodes_and_shifts(mirror: Mirror, empty: Mirror) -> None:
    assert days(mirror) == Days(FIRST, SECOND, 7, False)
    assert latest_day(mirror) == SECOND
    assert days(empty) == Days(None, None, 0, False)


def test_a_shift_of_tomorrow_moves_nobodys_days(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    today = dt.datetime.now(dt.UTC).date()
    with record.begin() as session:
        session.add(shift("tomorrow", "ann", "delft", "r1", today + 2 * DAY, 8))
    assert days(mirror).last_on == SECOND
    with record.begin() as session:
        session.add(shift("yesterday", "ann", "delft", "r1", today - DAY, 8))
    assert days(mirror).last_on == today - DAY


def test_a_duplicate_counts_no_hours_and_an_error_delivers_none(
    mirror: Mirror, both_days: Filter
) -> None:
    assert hours_total(mirror, both_days) == HoursTotal(
        episodes=6,
        paid_h=18.0,
        recorded_h=close(5 + THIRD),
        delivered_h=close(4.5 + THIRD),
        accepted_h=close(2 + THIRD),
        before_paid_h=None,
        before_recorded_h=None,
        before_delivered_h=None,
        before_accepted_h=None,
    )


def test_the_span_before_has_the_same_weekdays(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    week = Filter(FIRST + 7 * DAY, SECOND + 7 * DAY)
    assert week.before() == Filter(FIRST, SECOND)
    assert Filter(FIRST, FIRST + 27 * DAY).before() == Filter(FIRST - 28 * DAY, FIRST - DAY)
    total = hours_total(mirror, week)
    assert (total.episodes, total.recorded_h, total.before_paid_h) == (0, 0.0, 18.0)
    assert record.engine.dialect.name == "sqlite"


def test_every_day_of_the_span_is_there(mirror: Mirror) -> None:
    assert hours_by_day(mirror, Filter(FIRST, SECOND + DAY, sites=("delft",))) == (
        DayHours(FIRST, 2, 4.0, 1.5, 1.5, 1.0),
        DayHours(SECOND, 2, 6.0, 2.5, 2.0, 0.0),
        DayHours(SECOND + DAY, 0, 0.0, 0.0, 0.0, 0.0),
    )


def test_hours_by_site(mirror: Mirror, both_days: Filter) -> None:
    assert hours_by_site(mirror, both_days) == (
        GroupHours("kobe", "Kobe", 2, 8.0, close(1 + THIRD), close(1 + THIRD), close(1 + THIRD)),
        GroupHours("delft", "Delft", 4, 10.0, 4.0, 3.5, 1.0),
    )


def test_paid_time_is_spread_over_tasks_by_recorded_time(mirror: Mirror, both_days: Filter) -> None:
    assert hours_by_task(mirror, both_days) == (
        GroupHours("egg", "flip an egg", 4, close(4 * 2 / 3 + 4 + 8), 4.5, 4.0, 2.0),
        GroupHours(
            "pan",
            "scrape a pan",
            2,
            close(4 / 3),
            close(0.5 + THIRD),
            close(0.5 + THIRD),
            close(THIRD),
        ),
        GroupHours(None, None, 0, 2.0, 0.0, 0.0, 0.0),
    )


@pytest.mark.parametrize(
    "cut",
    [{"tasks": ("egg", "pan")}, {"rigs": ("r1", "r2", "r3")}, {"program": "atlas"}],
    ids=["task", "rig", "program"],
)
def test_hours_add_up_however_they_are_cut(mirror: Mirror, cut: dict[str, tuple[str]]) -> None:
    whole = hours_total(mirror, Filter(FIRST, SECOND))
    found = hours_total(mirror, Filter(FIRST, SECOND, **cut))  # type: ignore[arg-type]
    unrecorded_h = 0.0 if "rigs" in cut else 2.0
    assert found.paid_h == close(whole.paid_h - unrecorded_h)
    assert (found.episodes, found.recorded_h) == (whole.episodes, close(whole.recorded_h))
    assert (found.delivered_h, found.accepted_h) == (
        close(whole.delivered_h),
        close(whole.accepted_h),
    )


def test_hours_by_worker(mirror: Mirror) -> None:
    assert hours_by_worker(mirror, Filter(FIRST, FIRST)) == (
        GroupHours("ann", "ann", 2, 4.0, 1.5, 1.5, 1.0),
        GroupHours("chi", "chi", 1, 8.0, 1.0, 1.0, 1.0),
    )


def test_a_filter_ends_after_it_starts() -> None:
    with pytest.raises(ValueError, match="before its start"):
        Filter(SECOND, FIRST)


def test_paid_time_is_spread_over_rigs_by_recorded_time(mirror: Mirror, both_days: Filter) -> None:
    """Ann recorded nothing on the second day: her two paid hours are those of her shift's rig."""
    accepted_h = close(1 + THIRD)
    assert hours_by_rig(mirror, both_days) == (
        GroupHours("r3", "r3", 2, 8.0, accepted_h, accepted_h, accepted_h),
        GroupHours("r1", "r1", 2, 6.0, 1.5, 1.5, 1.0),
        GroupHours("r2", "r2", 2, 4.0, 2.5, 2.0, 0.0),
    )


def promise(**of: object) -> TargetProgress:
    """A target that needs so many hours a day, of which nothing else matters."""
    blank = TargetProgress(
        1, "atlas", "Acme", "Atlas", None, None, None, FIRST, SECOND, 9.0, 0.0, 0.0, 0.0, 1, 3.0,
        None, None, None, None,
    )  # fmt: skip
    return replace(blank, **of)  # type: ignore[arg-type]


def test_what_is_needed_a_day_is_that_of_the_promises_to_just_these_places() -> None:
    targets = (
        promise(needed_h=3.0),
        promise(task_id="egg", needed_h=1.0),
        promise(task_id="pan", needed_h=1.5),
        promise(program_id="borealis", task_id="pan", needed_h=2.0),
        promise(program_id="old", ends_on=FIRST - DAY, needed_h=50.0),
    )
    every = Filter(FIRST, SECOND)
    # of atlas the whole (3) covers its tasks (2.5); of borealis only one task is promised
    assert needed_a_day(targets, SECOND, every) == 5.0
    assert needed_a_day(targets, SECOND, replace(every, tasks=("egg",))) == 1.0
    assert needed_a_day(targets, SECOND, replace(every, tasks=("pan",))) == 3.5
    assert needed_a_day(targets, SECOND, replace(every, sites=("delft",))) is None
    # promises to a task and to a site may be kept by the same hours
    crossed = (promise(task_id="egg", needed_h=2.0), promise(site_id="delft", needed_h=2.0))
    assert needed_a_day(crossed, SECOND, every) == 2.0
    apart = tuple(promise(task_id="egg", site_id=one, needed_h=2.0) for one in ("delft", "kobe"))
    assert needed_a_day(apart, SECOND, every) == 4.0
    assert needed_a_day((*apart, *crossed), SECOND, replace(every, tasks=("egg",))) == 4.0
    assert needed_a_day((*apart, *crossed), SECOND, replace(every, sites=("kobe",))) == 2.0
    assert needed_a_day(targets, SECOND, replace(every, tasks=("egg", "pan"))) is None
    assert needed_a_day(targets, SECOND, replace(every, workers=("ann",))) is None


def test_a_target_is_held_against_its_days_gone(mirror: Mirror) -> None:
    assert target_progress(mirror, SECOND) == (
        TargetProgress(
            target_id=1,
            program_id="atlas",
            customer="Acme",
            program="Atlas",
            task_id=None,
            task=None,
            site_id=None,
            starts_on=FIRST,
            ends_on=FIRST + 9 * DAY,
            promised_h=10.0,
            accepted_h=close(2 + THIRD),
            expected_h=2.0,
            pace_h=2.0,
            days_left=9,
            needed_h=close(8 / 9),
            forecast_h=None,
            forecast_low_h=None,
            forecast_high_h=None,
            done_on=None,
        ),
    )


def test_a_forecast_goes_on_at_the_mean_with_its_interval(own: tuple[Record, Mirror]) -> None:
    """Accepted 2, 1/3, 0 and 0 h in four whole days; today is the fifth of ten."""
    _, mirror = own
    (target,) = target_progress(mirror, FIRST + 4 * DAY)
    per_day = [2, THIRD, 0, 0]
    mean = sum(per_day) / 4
    sd = (sum((day - mean) ** 2 for day in per_day) / 3) ** 0.5
    margin = 1.959964 * sd * (6 + 36 / 4) ** 0.5
    assert target.forecast_h == close(sum(per_day) + 6 * mean)
    assert target.forecast_high_h == close(sum(per_day) + 6 * mean + margin)
    assert target.forecast_low_h == close(sum(per_day))  # never below what is accepted already
    assert target.done_on == FIRST + 4 * DAY + 13 * DAY  # 7 2/3 h at 7/12 h a day: 13.1 days
    assert target.days_left == 6
    assert target.pace_h == close(mean)  # so that it is above needed_h where the forecast is kept


def test_a_target_that_has_ended_keeps_its_pace_and_is_never_done(mirror: Mirror) -> None:
    """Of its ten days 2 and 1/3 h were accepted on the first two."""
    (target,) = target_progress(mirror, FIRST + 12 * DAY)
    assert (target.days_left, target.done_on) == (0, None)
    assert target.pace_h == close((2 + THIRD) / 10)


def test_a_target_of_a_task_has_its_name(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        session.get_one(Target, 1).task_id = "egg"
    (target,) = target_progress(mirror, SECOND)
    assert (target.task_id, target.task) == ("egg", "flip an egg")


def test_a_target_of_another_program_or_of_later_is_left_out(mirror: Mirror) -> None:
    assert target_progress(mirror, SECOND, program="other") == ()
    assert target_progress(mirror, FIRST - DAY) == ()


def test_yield_is_accepted_per_paid_hour(mirror: Mirror, both_days: Filter) -> None:
    rows = {row.worker_id: row for row in worker_yield(mirror, both_days)}
    ann = rows["ann"]
    assert (ann.paid_h, ann.recorded_h, ann.accepted_h) == (6.0, 1.5, 1.0)
    assert ann.yield_share == close(1 / 6)
    assert (ann.episodes, ann.decided, ann.accepted, ann.acceptance) == (2, 2, 1, 0.5)
    assert ann.site_id == "delft"
    assert ann.overall == 3 / 5


def test_no_rank_where_intervals_overlap(mirror: Mirror, both_days: Filter) -> None:
    rows = worker_yield(mirror, both_days)
    assert [row.worker_id for row in rows] == ["chi", "ann", "bo"]
    assert {row.rank for row in rows} == {None}
    assert {row.standing for row in rows} == {"not distinguishable"}


def test_a_rank_where_no_interval_overlaps(own: tuple[Record, Mirror]) -> None:
    """Eve has 200 of 200 accepted and Fay none of 200, on a day of their own."""
    record, mirror = own
    later = SECOND + 3 * DAY
    with record.begin() as session:
        for number in range(200):
            for start, worker, decision in ((100, "eve", "accepted"), (400, "fay", "rejected")):
                session.add(
                    episode(start + number, worker, "r1", "egg", later, 1, "good", decision)
                )
    rows = {row.worker_id: row for row in worker_yield(mirror, Filter(later, later))}
    assert (rows["eve"].rank, rows["fay"].rank) == (1, 2)
    assert (rows["eve"].standing, rows["fay"].standing) == ("above", "below")
    assert rows["eve"].acceptance_low == pytest.approx(0.98116, abs=1e-5)
    assert rows["fay"].acceptance_high == pytest.approx(0.01884, abs=1e-5)
    assert rows["eve"].yield_share is None  # nothing was paid
    # whoever is chosen is held against all the same
    (fay,) = worker_yield(mirror, Filter(later, later, workers=("fay",)))
    assert fay == rows["fay"]


def test_an_episode_of_nobody_is_in_the_total_only(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        session.add(episode(8, None, None, None, SECOND, 60, "good", "accepted", site_id=None))
    span = Filter(SECOND, SECOND)
    assert hours_total(mirror, span).recorded_h == close(2.5 + THIRD + 1)
    assert hours_by_site(mirror, span)[0] == GroupHours(None, None, 1, 0.0, 1.0, 1.0, 1.0)
    assert hours_by_task(mirror, Filter(SECOND, SECOND, tasks=("egg",)))[0].recorded_h == 2.5
    assert "None" not in {row.worker_id for row in worker_yield(mirror, span)}


def test_days_are_the_sites_own(own: tuple[Record, Mirror]) -> None:
    """A shift of the night counts on the day on which it began, whatever UTC says."""
    record, mirror = own
    with record.begin() as session:
        night = shift("s9", "chi", "kobe", "r3", SECOND + DAY, 1)
        night.started_at = NOON + dt.timedelta(days=1)
        session.add(night)
    assert hours_by_day(mirror, Filter(SECOND + DAY, SECOND + DAY))[0].paid_h == 1.0


def test_what_of_the_paid_hours_is_still_to_be_worked(own: tuple[Record, Mirror]) -> None:
    """At noon: 8 h since 08:00, 6 of them paid; 2 h that are over; 4 h of the next morning."""
    record, mirror = own
    with record.begin() as session:
        half = shift("half", "ann", "delft", "r1", FIRST + 30 * DAY, 8)
        half.paid_s = 6 * 3600.0
        session.add_all([half, shift("over", "bo", "delft", "r1", FIRST + 30 * DAY, 2)])
        session.add(shift("next", "bo", "delft", "r1", FIRST + 31 * DAY, 4))
    at = dt.datetime.combine(FIRST + 30 * DAY, dt.time(12), dt.UTC)
    month = Filter(FIRST, FIRST + 31 * DAY)
    assert open_shifts(mirror, month, at) == OpenShifts(2, 10.0, close(3 + 4))
    assert open_shifts(mirror, replace(month, to_on=FIRST + 30 * DAY), at) == OpenShifts(1, 6.0, 3)
    assert open_shifts(mirror, replace(month, workers=("bo",)), at) == OpenShifts(1, 4.0, 4.0)
    assert open_shifts(mirror, replace(month, sites=("kobe",)), at) == OpenShifts(0, 0.0, 0.0)
    assert open_shifts(mirror, month, at + dt.timedelta(days=2)) == OpenShifts(0, 0.0, 0.0)


def test_prometheus_counts_no_shift_before_it_begins(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    before = ask(mirror, "exported_hours", StageHours, {"now": instant()})
    with record.begin() as session:
        tomorrow = dt.datetime.now(dt.UTC).date() + DAY
        session.add(shift("rostered", "ann", "delft", "r1", tomorrow + DAY, 8))
    assert ask(mirror, "exported_hours", StageHours, {"now": instant()}) == before
    later = instant(dt.datetime.now(dt.UTC) + 4 * DAY)
    after = ask(mirror, "exported_hours", StageHours, {"now": later})
    (paid,) = (row.hours for row in after if (row.stage, row.site_id) == ("paid", "delft"))
    (was,) = (row.hours for row in before if (row.stage, row.site_id) == ("paid", "delft"))
    assert paid == close(was + 8)
