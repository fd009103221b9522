"""Live and the Episode page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from operation import DAY, FIRST, NOON, NOON_NAIVE, SECOND

from dailies.mirror import Mirror
from metrics import Filter
from metrics.episodes import (
    EpisodeFlag,
    EpisodeMeasurement,
    EpisodeReview,
    EpisodeStream,
    Neighbours,
    episode,
    episode_flags,
    episode_measurements,
    episode_reviews,
    episode_streams,
    neighbours,
)
from metrics.live import (
    IntakeTiles,
    LandingNow,
    LivePlace,
    intake,
    intake_pulse,
    landing_now,
    latest_episodes,
    live_by_rig,
    live_by_site,
)

MINUTE = dt.timedelta(minutes=1)
EVENING = NOON + dt.timedelta(days=1, hours=2)


def test_what_is_on_its_way_in(mirror: Mirror) -> None:
    assert landing_now(mirror, now=NOON) == (
        LandingNow("b.mp4", "screening", NOON_NAIVE - 3 * MINUTE, 180.0, None, None),
        LandingNow("a.mp4", "waiting", NOON_NAIVE - 5 * MINUTE, 300.0, None, None),
        LandingNow("c.mp4", "failed", NOON_NAIVE - 9 * MINUTE, 540.0, None, "no video in it"),
    )


def test_the_newest_episode_comes_first(mirror: Mirror) -> None:
    rows = latest_episodes(mirror, 4)
    assert [row.episode_id for row in rows] == [7, 5, 4, 6]
    assert [row.lag_s for row in rows] == [7.0, 5.0, 4.0, 6.0]
    assert [row.flag_check for row in rows] == [None, "corrupt_stream", "blur", None]
    assert rows[1].flag_message == "corrupt_stream: fail"


def test_a_duplicate_says_so(mirror: Mirror) -> None:
    assert {row.episode_id for row in latest_episodes(mirror, 9) if row.is_duplicate} == {3}


def test_what_landed_lately_by_site_and_rig(mirror: Mirror) -> None:
    last = NOON_NAIVE + dt.timedelta(days=1, hours=1)
    kobe = LivePlace("kobe", 1, 1, 0, 0, 0, 0, 0.333333, last + 7 * MINUTE)
    delft = LivePlace("delft", 2, 0, 0, 1, 1, 0, 2.5, last + 5 * MINUTE)
    assert live_by_site(mirror, now=EVENING) == (delft, kobe)
    assert [(row.place_id, row.landed) for row in live_by_rig(mirror, now=EVENING)] == [
        ("r2", 2),
        ("r3", 1),
    ]
    assert live_by_site(mirror, minutes=60, now=NOON) == ()


def test_a_duplicate_counts_in_no_verdict_of_its_place(mirror: Mirror) -> None:
    (delft, *_) = live_by_site(mirror, minutes=4 * 1440, now=EVENING)
    verdicts = (delft.good, delft.unknown, delft.suspect, delft.fail)
    assert (delft.landed, sum(verdicts), delft.duplicates) == (5, 4, 1)
    rigs = live_by_rig(mirror, minutes=4 * 1440, now=EVENING)
    assert {rig.place_id: rig.duplicates for rig in rigs} == {"r1": 1, "r2": 0, "r3": 0}


@pytest.mark.parametrize(
    ("cut", "episodes"),
    [
        ({"sites": ("kobe",)}, [7, 6]),
        ({"rigs": ("r2",)}, [5, 4]),
        ({"workers": ("ann",), "tasks": ("pan",)}, [2]),
        ({"program": "none"}, []),
    ],
)
def test_live_follows_the_filter_for_places_and_not_its_days(
    mirror: Mirror, cut: dict[str, Any], episodes: list[int]
) -> None:
    filter = Filter(FIRST - 9 * DAY, FIRST - 9 * DAY, **cut)
    minutes = 4 * 1440
    assert [row.episode_id for row in latest_episodes(mirror, filter=filter)] == episodes
    pulse = intake_pulse(mirror, minutes=minutes, now=EVENING, filter=filter)
    by_site = live_by_site(mirror, minutes=minutes, now=EVENING, filter=filter)
    by_rig = live_by_rig(mirror, minutes=minutes, now=EVENING, filter=filter)
    tiles = intake(mirror, minutes=minutes, now=EVENING, filter=filter)
    assert sum(row.episodes for row in pulse) == len(episodes)
    assert sum(row.landed for row in by_site) == sum(row.landed for row in by_rig) == len(episodes)
    assert (tiles.judged, tiles.waiting, tiles.failed) == (len(episodes), 1, 1)


def test_every_minute_has_a_pulse(mirror: Mirror) -> None:
    pulse = intake_pulse(mirror, minutes=60, now=EVENING)
    assert len(pulse) == 60
    busy = [(row.minute_at.minute, row.episodes, row.not_good) for row in pulse if row.episodes]
    assert busy == [(4, 1, 1), (5, 1, 1), (7, 1, 0)]


def test_lag_and_queue(mirror: Mirror) -> None:
    assert intake(mirror, now=EVENING) == IntakeTiles(
        judged=3,
        lag_p50_s=5.0,
        lag_p95_s=pytest.approx(6.8),
        waiting=1,
        screening=1,
        failed=1,
        oldest_waiting_s=(26 * 60 + 5) * 60.0,
    )


def test_an_empty_intake_has_no_lag(empty: Mirror) -> None:
    assert intake(empty, now=NOON) == IntakeTiles(0, None, None, 0, 0, 0, None)
    assert latest_episodes(empty) == ()


def test_an_episode_with_its_task_and_site(mirror: Mirror) -> None:
    found = episode(mirror, 2)
    assert found is not None
    assert (found.path, found.task, found.site, found.zone) == (
        "/rec/2.mp4",
        "scrape a pan",
        "Delft",
        "Europe/Amsterdam",
    )
    assert (found.camera_model, found.duration_s, found.verdict) == ("c920", 1800.0, "fail")
    assert episode(mirror, 99) is None


def test_streams_measurements_flags_and_reviews(mirror: Mirror) -> None:
    assert episode_streams(mirror, 2) == (
        EpisodeStream(2, "wrist", "video", 54_000, 30.0, "w.mp4", None, None),
        EpisodeStream(1, "joints", "series", 90_000, 50.0, None, None, None),
    )
    assert episode_measurements(mirror, 2) == (
        EpisodeMeasurement("wrist", "offset_ms", None),
        EpisodeMeasurement("wrist", "sharpness_median", 0.25),
    )
    assert episode_flags(mirror, 2) == (
        EpisodeFlag(3, "blur", "fail", "wrist", 9.0, 10.0, 4.2, 2.0, "s", "blur: fail"),
        EpisodeFlag(
            2, "frozen_picture", "suspect", "wrist", 1.0, 2.0, 4.2, 2.0, "s",
            "frozen_picture: suspect",
        ),
        EpisodeFlag(1, "blur", "suspect", "wrist", 5.0, 6.0, 4.2, 2.0, "s", "blur: suspect"),
    )  # fmt: skip
    assert episode_reviews(mirror, 2) == (
        EpisodeReview(
            1,
            "qa-1",
            "rejected",
            "blur",
            None,
            "house@00000000",
            NOON_NAIVE + MINUTE,
            "first",
            None,
            False,
        ),
    )


def test_the_flagged_episodes_beside_one(mirror: Mirror) -> None:
    span = Filter(FIRST, SECOND)
    assert neighbours(mirror, 4, span) == Neighbours(2, 5)
    assert neighbours(mirror, 2, span) == Neighbours(None, 4)
    assert neighbours(mirror, 7, Filter(FIRST, SECOND, rigs=("r2",))) == Neighbours(5, None)
    assert neighbours(mirror, 99, span) == Neighbours(None, None)
