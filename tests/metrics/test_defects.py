"""Quality: defects by check, rig and day, and the list of flagged episodes."""

from __future__ import annotations

import pytest
from operation import DAY, FIRST, SECOND, flag
from sqlalchemy import delete

from dailies.database import Record
from dailies.mirror import Mirror
from dailies.record import Episode, Finding, Stream
from metrics import Filter
from metrics.defects import (
    CameraLag,
    Defect,
    DefectDay,
    QualityTiles,
    RigDefects,
    VerdictDay,
    camera_lags,
    defects,
    defects_by_rig,
    defects_over_time,
    flagged_count,
    flagged_episodes,
    quality_tiles,
    verdicts_by_day,
)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's interval at 95 %, written as in the textbook."""
    z, p = 1.959964, k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return middle - half, middle + half


def about(value: float) -> float:
    """Equal to 6 places."""
    return pytest.approx(value, abs=1e-6)  # type: ignore[no-any-return]


def test_tiles_count_duplicates_apart(mirror: Mirror, both_days: Filter) -> None:
    good, accepted = wilson(3, 6), wilson(3, 5)
    assert quality_tiles(mirror, both_days) == QualityTiles(
        episodes=6,
        good=3,
        unknown=0,
        suspect=1,
        fail=2,
        duplicates=1,
        decided=5,
        accepted=3,
        waiting=1,
        good_share=0.5,
        good_low=about(good[0]),
        good_high=about(good[1]),
        acceptance=0.6,
        acceptance_low=about(accepted[0]),
        acceptance_high=about(accepted[1]),
        flagged_h=3.0,
    )


def test_tiles_of_nothing_have_no_share(empty: Mirror, both_days: Filter) -> None:
    tiles = quality_tiles(empty, both_days)
    assert (tiles.episodes, tiles.good_share, tiles.good_low, tiles.flagged_h) == (
        0,
        None,
        None,
        0.0,
    )


def test_an_episode_counts_once_a_check(mirror: Mirror, both_days: Filter) -> None:
    assert defects(mirror, both_days) == (
        Defect("blur", 2, 1, 2.5, about(2 / 6), 0.5, 2),
        Defect("corrupt_stream", 1, 1, 0.5, about(1 / 6), 0.75, 1),
        Defect("frozen_picture", 1, 0, 0.5, about(1 / 6), 1.0, 1),
    )


def test_share_of_a_rig_with_its_interval(mirror: Mirror, both_days: Filter) -> None:
    r1, r2, r3 = wilson(1, 2), wilson(2, 2), wilson(0, 2)
    same = "not distinguishable"
    assert defects_by_rig(mirror, both_days) == (
        RigDefects("r2", "delft", 2, 2, 1.0, about(r2[0]), about(1.0), 0.5, same, "corrupt_stream"),
        RigDefects(
            "r1", "delft", 2, 1, 0.5, about(r1[0]), about(r1[1]), 0.5, same, "frozen_picture"
        ),
        RigDefects("r3", "kobe", 2, 0, 0.0, about(0.0), about(r3[1]), 0.5, same, None),
    )  # fmt: skip


def test_how_late_cameras_show_their_robots(own: tuple[Record, Mirror]) -> None:
    """Episodes 1 and 3 (the same), 2 of r1; 4 and 5 of r2; 6 and 7 of r3."""
    record, mirror = own
    late_ms = {1: 50.2, 2: 59.4, 3: 999.0, 4: -80.0, 5: None, 6: None, 7: None}
    with record.begin() as session:
        for at, ms in late_ms.items():
            told = Stream(episode_id=at, name="top", kind="video", count=9, rate_hz=30.0)
            told.late_ms = ms
            other = Stream(episode_id=at, name="joints", kind="series", count=9, rate_hz=50.0)
            session.add_all([told, other])
    assert camera_lags(mirror, Filter(FIRST, SECOND)) == (
        CameraLag("r2", "delft", "top", 2, 1, -80.0, None, None, -80, -80),
        CameraLag("r1", "delft", "top", 2, 2, 54.5, None, None, 50, 59),
    )
    assert camera_lags(mirror, Filter(FIRST, SECOND, rigs=("r3",))) == ()


def test_the_interval_of_a_lag_lies_between_its_ranks(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    with record.begin() as session:
        cameras = [
            Stream(episode_id=1, name=f"{n} told", kind="video", count=9, rate_hz=30.0, late_ms=at)
            for n in (5, 6, 20)
            for at in range(1, n + 1)
        ]
        session.add_all(cameras)
    found = {one.camera: one for one in camera_lags(mirror, Filter(FIRST, SECOND))}
    bounds = {name: (one.late_low_ms, one.late_high_ms) for name, one in found.items()}
    assert [found[name].late_ms for name in ("5 told", "6 told", "20 told")] == [3, 3.5, 10.5]
    quarters = found["20 told"].quarter_ms, found["20 told"].three_quarters_ms
    assert quarters == (5, 15)
    # what is known comes before what is further off, but may be chance
    assert [one.camera for one in found.values()] == ["20 told", "6 told", "5 told"]
    # of 6 all, of 20 the 6th and the 15th hold the median at 97 and 96 % (binomial)
    assert bounds == {"5 told": (None, None), "6 told": (1, 6), "20 told": (6, 15)}


def test_defects_by_day(mirror: Mirror, both_days: Filter) -> None:
    assert defects_over_time(mirror, both_days) == (
        DefectDay(FIRST, "blur", 1, 3, about(1 / 3)),
        DefectDay(FIRST, "corrupt_stream", 0, 3, 0.0),
        DefectDay(FIRST, "frozen_picture", 1, 3, about(1 / 3)),
        DefectDay(SECOND, "blur", 1, 3, about(1 / 3)),
        DefectDay(SECOND, "corrupt_stream", 1, 3, about(1 / 3)),
        DefectDay(SECOND, "frozen_picture", 0, 3, 0.0),
    )


def test_verdicts_of_every_day(mirror: Mirror) -> None:
    assert verdicts_by_day(mirror, Filter(FIRST, SECOND + DAY)) == (
        VerdictDay(FIRST, 2, 0, 0, 1),
        VerdictDay(SECOND, 1, 0, 1, 1),
        VerdictDay(SECOND + DAY, 0, 0, 0, 0),
    )


def test_flagged_episodes_come_worst_first_with_their_worst_flag(
    mirror: Mirror, both_days: Filter
) -> None:
    rows = flagged_episodes(mirror, both_days)
    assert [
        (row.episode_id, row.verdict, row.check_name, row.grade, row.flags) for row in rows
    ] == [
        (5, "fail", "corrupt_stream", "fail", 1),
        (2, "fail", "blur", "fail", 3),
        (4, "suspect", "blur", "suspect", 1),
    ]
    assert (rows[1].start_s, rows[1].end_s, rows[1].measured, rows[1].limit_value) == (
        9.0,
        10.0,
        4.2,
        2.0,
    )


def test_the_list_can_be_narrowed_and_paged(mirror: Mirror, both_days: Filter) -> None:
    blurred = flagged_episodes(mirror, both_days, checks=("blur",))
    assert [row.episode_id for row in blurred] == [2, 4]
    frozen = flagged_episodes(mirror, both_days, checks=("frozen_picture",))
    assert [(row.episode_id, row.check_name) for row in frozen] == [(2, "frozen_picture")]
    assert [row.episode_id for row in flagged_episodes(mirror, both_days, limit=1, offset=1)] == [2]
    suspect = flagged_episodes(mirror, both_days, verdicts=("suspect",))
    assert [row.episode_id for row in suspect] == [4]


@pytest.mark.parametrize(
    "cut",
    [{}, {"checks": ("blur",)}, {"verdicts": ("fail",)}, {"checks": ("blur",), "verdicts": ("x",)}],
)
def test_the_pages_of_the_list_hold_all_of_it_each_once(
    mirror: Mirror, both_days: Filter, cut: dict[str, tuple[str, ...]]
) -> None:
    count = flagged_count(mirror, both_days, **cut)
    pages = [flagged_episodes(mirror, both_days, limit=2, offset=at, **cut) for at in (0, 2, 4)]
    listed = [row.episode_id for page in pages for row in page]
    assert listed == [row.episode_id for row in flagged_episodes(mirror, both_days, **cut)]
    assert len(listed) == count
    assert flagged_count(mirror, Filter(FIRST, SECOND, rigs=("r1",)), **cut) <= count


def test_a_rejudged_episode_moves_in_every_count(own: tuple[Record, Mirror]) -> None:
    """Episode 4 turns good and loses its flag; 6 turns suspect with two flags of one check."""
    record, mirror = own
    span = Filter(FIRST, SECOND)
    with record.begin() as session:
        four, six = session.get_one(Episode, 4), session.get_one(Episode, 6)
        four.verdict, four.decision = "good", "accepted"
        six.verdict, six.decision = "suspect", None
        session.execute(delete(Finding).where(Finding.episode_id == 4))
        session.add_all([flag(6, "blur", "suspect", 1.0), flag(6, "blur", "suspect", 3.0)])
    assert defects(mirror, span)[0] == Defect("blur", 2, 1, 1.5, about(2 / 6), 0.5, 2)
    tiles = quality_tiles(mirror, span)
    assert (tiles.good, tiles.suspect, tiles.accepted, tiles.waiting) == (3, 1, 3, 1)
    assert tiles.flagged_h == 2.0
    assert {row.rig_id: row.flagged for row in defects_by_rig(mirror, span)} == {
        "r1": 1,
        "r2": 1,
        "r3": 1,
    }


def test_a_new_flag_alone_is_counted(own: tuple[Record, Mirror]) -> None:
    record, mirror = own
    defects(mirror, Filter(FIRST, SECOND))
    with record.begin() as session:
        session.add(flag(1, "overexposed", "suspect", 0.0))
    assert defects(mirror, Filter(FIRST, SECOND))[-1].check_name == "overexposed"
