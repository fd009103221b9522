"""The day of an instant at a site."""

from __future__ import annotations

import datetime as dt

import pytest

from dailies.days import UnknownZone, local_day

LATE = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", 1), ("Europe/Berlin", 2), ("America/Chicago", 1), ("Asia/Kolkata", 2)],
)
def test_a_day_is_that_of_the_site(zone: str, day: int) -> None:
    assert local_day(LATE, zone) == dt.date(2026, 3, day)


def test_a_night_over_the_clock_change_stays_on_its_dates() -> None:
    before = dt.datetime(2026, 3, 29, 0, 59, tzinfo=dt.UTC)  # 01:59 in Berlin, then it is 03:00
    assert local_day(before, "Europe/Berlin") == dt.date(2026, 3, 29)
    assert local_day(before - dt.timedelta(hours=2), "Europe/Berlin") == dt.date(2026, 3, 28)


def test_an_instant_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        local_day(dt.datetime(2026, 3, 1), "UTC")


@pytest.mark.parametrize("zone", ["Berlin", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UnknownZone, match="Europe/Berlin"):
        local_day(LATE, zone)
