"""Entering screened episodes in the record."""

from __future__ import annotations

import datetime as dt
import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from dailies.database import Record
from dailies.record import (
    Episode,
    Finding,
    Landing,
    Measurement,
    Review,
    Shift,
    Site,
    Stream,
    Worker,
)
from dailies.recordings.contract import Metadata, Step
from dailies.words import NS, Flag, Grade, Span, Verdict
from jobs.entry import Entered, enter, restate
from jobs.screening import Screened, ScreenedStream

LANDED = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)
JUDGED = LANDED + dt.timedelta(seconds=3)
ZONES = {"manila": "Asia/Manila", "lima": "America/Lima", "nowhere": "Mars/Olympus"}
BLUR = Flag("blur", Grade.SUSPECT, "wrist", Span.of_seconds(1, 2.5), 0.2, 0.25, "x", "blurred")
LOST = Flag("corrupt_stream", Grade.FAIL, "wrist", Span(0, 0), math.nan, 1.0, "", "wrist: cut")


def screened(
    *flags: Flag, content: str = "c1", path: str = "/in/a.mp4", index: int = 0
) -> Screened:
    broken = next((flag.message for flag in flags if flag.check == "corrupt_stream"), None)
    return Screened(
        path=Path(path),
        index=index,
        format="video",
        metadata=Metadata(task="open-jar", site="manila", worker="w-1"),
        fingerprint=content,
        verdict=Verdict.of("house@12345678", flags),
        duration_s=17.4,
        started_at=LANDED - dt.timedelta(minutes=5),
        streams=(
            ScreenedStream(
                "wrist",
                "video",
                522,
                30.0,
                {"sharpness_median": 9.5, "edge": math.nan},
                late_ms=41.5,
            ),
            ScreenedStream("state", "series", 870, 50.0, {"rate_hz": 50.0, "offset_ms": None}),
        ),
        error=broken,
        stored=True,
    )


def put(record: Record, one: Screened, *folders: Path) -> Entered:
    with record.begin() as session:
        return enter(
            session, one, site_zones=ZONES, landed_at=LANDED, judged_at=JUDGED, folders=folders
        )


def episodes(record: Record) -> list[Episode]:
    with record.read() as session:
        return list(session.scalars(select(Episode).order_by(Episode.id)))


def test_an_episode_is_entered_with_streams_numbers_and_flags(record: Record) -> None:
    assert put(record, screened(BLUR)).is_new
    (episode,) = episodes(record)
    assert (episode.path, episode.index, episode.content) == ("/in/a.mp4", 0, "c1")
    assert (episode.task_id, episode.site_id, episode.worker_id) == ("open-jar", "manila", "w-1")
    assert (episode.verdict, episode.decision, episode.decided_at) == ("suspect", None, None)
    assert (episode.landed_at, episode.judged_at) == (LANDED, JUDGED)
    assert episode.measurements == "measurements/c1"
    with record.read() as session:
        streams = list(session.scalars(select(Stream).order_by(Stream.id)))
        numbers = session.execute(select(Measurement.name, Measurement.value)).all()
        (finding,) = session.scalars(select(Finding))
    assert [(one.name, one.kind, one.count, one.rate_hz, one.late_ms) for one in streams] == [
        ("wrist", "video", 522, 30.0, 41.5),
        ("state", "series", 870, 50.0, None),
    ]
    assert {(name, value) for name, value in numbers} == {
        ("sharpness_median", 9.5),
        ("edge", None),
        ("rate_hz", 50.0),
        ("offset_ms", None),
    }
    assert (finding.check, finding.grade, finding.stream) == ("blur", "suspect", "wrist")
    assert (finding.start_s, finding.end_s, finding.measured, finding.limit) == (1, 2.5, 0.2, 0.25)


@pytest.mark.parametrize(
    ("flags", "verdict", "decision"),
    [
        ((), "good", "accepted"),
        ((BLUR,), "suspect", None),
        ((replace(BLUR, grade=Grade.UNKNOWN),), "unknown", None),
        ((BLUR, LOST), "fail", "rejected"),
    ],
)
def test_good_is_accepted_fail_rejected_and_the_rest_waits(
    record: Record, flags: tuple[Flag, ...], verdict: str, decision: str | None
) -> None:
    put(record, screened(*flags))
    (episode,) = episodes(record)
    assert (episode.verdict, episode.decision) == (verdict, decision)
    assert episode.decided_at == (JUDGED if decision else None)


def test_the_same_episode_is_entered_once(record: Record) -> None:
    first = put(record, screened())
    assert put(record, screened()) == Entered(first.episode_id, is_new=False)
    assert len(episodes(record)) == 1


def test_the_same_content_elsewhere_is_a_duplicate_that_is_rejected(record: Record) -> None:
    first = put(record, screened())
    copy = put(record, screened(path="/in/b.mp4"))
    third = put(record, screened(path="/in/c.mp4", index=4))
    assert (copy.duplicate_of, third.duplicate_of) == (first.episode_id, first.episode_id)
    assert [(one.duplicate_of, one.decision) for one in episodes(record)] == [
        (None, "accepted"),
        (first.episode_id, "rejected"),
        (first.episode_id, "rejected"),
    ]


def test_an_episode_whose_file_was_moved_is_the_same_one_elsewhere(
    record: Record, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.mp4", tmp_path / "new.mp4"
    new.touch()
    first = put(record, screened(BLUR, path=str(old)), tmp_path)
    with record.begin() as session:
        session.add(Landing(path=str(old), state="done", seen_at=LANDED))
    moved = put(record, screened(BLUR, path=str(new)), tmp_path)
    assert moved == Entered(first.episode_id, is_new=False, moved_from=str(old))
    (episode,) = episodes(record)
    assert (episode.path, episode.duplicate_of, episode.verdict) == (str(new), None, "suspect")
    with record.read() as session:
        assert len(session.scalars(select(Stream)).all()) == 2
        assert session.scalars(select(Landing)).all() == []


def test_a_file_that_is_still_there_was_not_moved(record: Record, tmp_path: Path) -> None:
    old = tmp_path / "old.mp4"
    old.touch()
    first = put(record, screened(path=str(old)), tmp_path)
    copy = put(record, screened(path=str(tmp_path / "new.mp4")), tmp_path)
    assert copy.duplicate_of == first.episode_id


@pytest.mark.parametrize("folder", [(), ("other",), ("away",)], ids=["none", "another", "gone"])
def test_what_cannot_be_seen_from_here_was_not_moved(
    record: Record, tmp_path: Path, folder: tuple[str, ...]
) -> None:
    (tmp_path / "other").mkdir()
    first = put(record, screened(path=str(tmp_path / "away/old.mp4")))
    folders = [tmp_path / name for name in folder]
    copy = put(record, screened(path=str(tmp_path / "other/new.mp4")), *folders)
    assert copy.duplicate_of == first.episode_id


def test_a_stream_that_comes_later_completes_the_episode_that_lacked_it(record: Record) -> None:
    first = put(record, screened(replace(LOST, check="missing_stream")))
    later = put(record, screened(content="c2"))
    assert later == Entered(first.episode_id, is_new=True)
    (episode,) = episodes(record)
    assert (episode.content, episode.verdict, episode.decision) == ("c2", "good", "accepted")
    with record.read() as session:
        assert len(session.scalars(select(Stream)).all()) == 2
        assert session.scalars(select(Finding)).all() == []


def test_a_series_named_later_completes_the_video_that_was_entered_alone(record: Record) -> None:
    first = put(record, screened())
    put(record, replace(screened(content="c2"), alone="c1"))
    assert [(one.id, one.content) for one in episodes(record)] == [(first.episode_id, "c2")]


def test_a_review_of_an_episode_that_lacked_a_stream_keeps_it(record: Record) -> None:
    first = put(record, screened(replace(LOST, check="missing_stream")))
    with record.begin() as session:
        session.add(
            Review(
                episode_id=first.episode_id,
                reviewer="qa-1",
                decision="rejected",
                policy="house@12345678",
                decided_at=JUDGED,
            )
        )
    put(record, screened(content="c2"))
    assert [one.content for one in episodes(record)] == ["c1", "c2"]


@pytest.mark.parametrize(("hours", "left"), [(23, ["c2"]), (25, ["c1", "c2"])])
def test_a_file_that_lands_again_within_a_day_completes_what_was_read_of_it(
    record: Record, hours: int, left: list[str]
) -> None:
    put(record, screened(LOST))
    later = LANDED + dt.timedelta(hours=hours)
    with record.begin() as session:
        enter(session, screened(content="c2"), site_zones=ZONES, landed_at=later)
    found = episodes(record)
    assert [one.content for one in found] == left
    assert (found[-1].error, found[-1].decision, found[-1].first_decision) == (
        None, "accepted", "accepted",
    )  # fmt: skip


def test_other_content_at_the_same_path_is_another_episode(record: Record) -> None:
    put(record, screened())
    assert put(record, screened(content="c2")).is_new
    assert [one.content for one in episodes(record)] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("site", "day"),
    [("manila", "2026-03-02"), ("lima", "2026-03-01"), ("unheard-of", "2026-03-01")],
)
def test_the_day_is_the_sites_own(record: Record, site: str, day: str) -> None:
    one = screened()
    put(record, replace(one, metadata=replace(one.metadata, site=site)))
    assert str(episodes(record)[0].worked_on) == day


def test_a_take_within_the_shift_that_it_names_counts_for_the_shifts_day(record: Record) -> None:
    """It begins on 2 March at 7:25 in Manila; the shift on the evening before."""
    one = screened()
    began = dt.datetime(2026, 3, 1, 14, tzinfo=dt.UTC)
    with record.begin() as session:
        session.add(
            Site(id="manila", name="M", kind="facility", zone="Asia/Manila", currency="PHP")
        )
        session.flush()
        session.add(Worker(id="w-1", site_id="manila"))
        session.flush()
        session.add(
            Shift(
                id="night",
                worker_id="w-1",
                site_id="manila",
                started_at=began,
                ended_at=began + dt.timedelta(hours=10),
                worked_on=dt.date(2026, 3, 1),
                paid_s=36_000.0,
            )
        )
    put(record, one)
    assert str(episodes(record)[0].worked_on) == "2026-03-02"
    put(record, replace(one, metadata=replace(one.metadata, shift="night")))
    assert str(episodes(record)[0].worked_on) == "2026-03-01"


def test_a_site_with_a_zone_that_there_is_not_has_days_of_utc(record: Record) -> None:
    one = screened()
    put(record, replace(one, metadata=replace(one.metadata, site="nowhere")))
    assert str(episodes(record)[0].worked_on) == "2026-03-01"


def test_metadata_that_comes_later_is_taken_on(record: Record) -> None:
    one = screened()
    put(record, replace(one, metadata=Metadata()))
    step = Step("open", 0, 2 * NS)
    late = replace(one, metadata=Metadata(site="manila", worker="w-9", steps=(step,)))
    late = replace(late, verdict=Verdict.of("house@12345678", (BLUR,)))
    assert not put(record, late).is_new
    (episode,) = episodes(record)
    assert (episode.site_id, episode.worker_id, str(episode.worked_on)) == (
        "manila",
        "w-9",
        "2026-03-02",
    )
    assert episode.steps == [{"label": "open", "start_s": 0.0, "end_s": 2.0}]
    assert (episode.verdict, episode.decision) == ("suspect", None)


def test_a_review_outlasts_another_verdict(record: Record) -> None:
    entered = put(record, screened(BLUR))
    with record.begin() as session:
        episode = session.get_one(Episode, entered.episode_id)
        episode.decision = "accepted"
        session.add(
            Review(
                episode_id=episode.id,
                reviewer="qa-1",
                decision="accepted",
                policy="house@12345678",
                decided_at=JUDGED,
            )
        )
    with record.begin() as session:
        episode = session.get_one(Episode, entered.episode_id)
        restate(session, episode, Verdict.of("strict@1", (LOST,)), (), now=JUDGED)
    (episode,) = episodes(record)
    assert (episode.verdict, episode.policy, episode.decision) == ("fail", "strict@1", "accepted")
    assert episode.error == "wrist: cut"


def test_an_error_in_the_middle_leaves_nothing(record: Record) -> None:
    one = replace(screened(BLUR), streams=(ScreenedStream("x", "video", 1, 1.0, {"y" * 64: 0.0}),))

    def fail_half_way() -> None:
        with record.begin() as session:
            enter(session, one, site_zones=ZONES, landed_at=LANDED)
            raise RuntimeError("the power goes")

    with pytest.raises(RuntimeError, match="power"):
        fail_half_way()
    assert episodes(record) == []


def test_copies_entered_at_the_same_time_are_one_recording(record: Record) -> None:
    ready = threading.Barrier(6)

    def put_copy(number: int) -> None:
        ready.wait()
        put(record, screened(path=f"/in/{number}.mp4"))

    threads = [threading.Thread(target=put_copy, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = episodes(record)
    assert len(rows) == 6
    (first,) = [one.id for one in rows if one.duplicate_of is None]
    assert {one.duplicate_of for one in rows} == {None, first}
