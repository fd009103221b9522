"""A clip older than its shift waits for a person; what cannot be known is not held against it.

Ann works in Manila (UTC+8) on 2 March 2026 from 9:00 to 17:00, and from 22:00 to 6:00 in the night
of the 5th.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import pytest
from sqlalchemy import select

from dailies.config import Config
from dailies.database import Record
from dailies.record import Episode, Finding, Shift, Site, Worker
from dailies.recordings import episodes_at
from dailies.recordings.contract import Metadata
from dailies.words import Verdict
from jobs.entry import enter
from jobs.rejudge import rejudge
from jobs.screening import Screened, screen
from jobs.shift_times import Recorded, held_against_shift
from quality.policy import Policy

MANILA = ZoneInfo("Asia/Manila")
NOW = dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
POLICY = Policy.load()
SAID = Metadata(worker="ann", site="manila", shift="day")


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=MANILA)


def fill(record: Record, *, shifts: bool = True) -> None:
    with record.begin() as session:
        if session.get(Site, "manila") is None:
            session.add(
                Site(id="manila", name="Manila", kind="gig", zone="Asia/Manila", currency="PHP")
            )
            session.flush()
            session.add_all(Worker(id=name, site_id="manila") for name in ("ann", "bo"))
            session.flush()
        if shifts:
            session.add_all(
                [shift("day", at(2, 9), at(2, 17)), shift("night", at(5, 22), at(6, 6))]
            )


def shift(id_: str, started_at: dt.datetime, ended_at: dt.datetime) -> Shift:
    return Shift(
        id=id_, worker_id="ann", site_id="manila", started_at=started_at, ended_at=ended_at,
        worked_on=started_at.date(), paid_s=(ended_at - started_at).total_seconds(),
    )  # fmt: skip


def clip_of(said: Metadata) -> Screened:
    return Screened(
        Path("/in/a.mp4"), 0, "mp4", said, "c1", Verdict.of(POLICY.id, ()), 60.0,
        said.started_at or NOW,
    )  # fmt: skip


def held(record: Record, said: Metadata, folder: Path) -> list[str]:
    """What is said of a clip of which this is known."""
    with record.read() as session:
        found = held_against_shift(session, clip_of(said), POLICY, folder)
    assert found.verdict.grade.value == ("suspect" if found.verdict.flags else "good")
    return [flag.message for flag in found.verdict.flags]


@pytest.mark.parametrize(
    ("began", "is_flagged"),
    [
        (at(2, 9, 5), False),
        (at(2, 16, 59), False),
        (at(2, 8, 1), False),  # the camera was tried out before
        (at(2, 7, 59), True),
        (at(2, 17, 59), False),
        (at(2, 18, 1), True),
        (at(1, 12), True),
    ],
)
def test_a_clip_that_began_over_an_hour_outside_its_shift_is_suspect(
    record: Record, tmp_path: Path, began: dt.datetime, is_flagged: bool
) -> None:
    fill(record)
    assert bool(held(record, replace(SAID, started_at=began), tmp_path)) == is_flagged


def test_the_message_says_both_times_on_the_clocks_of_the_site(
    record: Record, tmp_path: Path
) -> None:
    fill(record)
    began = dt.datetime(2026, 3, 1, 3, 30, tzinfo=dt.UTC)
    (message,) = held(record, replace(SAID, started_at=began), tmp_path)
    assert (
        "filmed on 2026-03-01 at 11:30 by the recording's clock, while shift day was from "
        "2026-03-02 09:00 to 17:00 (Asia/Manila) (limit 60 min)"
    ) in message


@pytest.mark.parametrize(
    "said",
    [
        SAID,  # nothing says when it was filmed
        replace(SAID, started_at=at(1, 3).replace(tzinfo=None)),
        replace(SAID, started_at=at(1, 3), shift="unknown"),
        replace(SAID, started_at=at(1, 3), worker="bo"),  # whose shift it is not
        Metadata(site="manila", started_at=at(1, 3)),
        Metadata(worker="ann", site="manila", started_at=at(1, 3)),  # off that day
        replace(SAID, created_at=at(4, 3)),  # exported later
        replace(SAID, created_at=dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)),
    ],
)
def test_what_cannot_be_known_is_not_held_against_a_clip(
    record: Record, tmp_path: Path, said: Metadata
) -> None:
    fill(record)
    assert held(record, said, tmp_path) == []


def test_a_camera_that_calls_its_local_time_utc_is_not_flagged(
    record: Record, tmp_path: Path
) -> None:
    fill(record)
    in_vain = replace(SAID, shift="night", created_at=dt.datetime(2026, 3, 5, 22, 9, tzinfo=dt.UTC))
    assert held(record, in_vain, tmp_path) == []
    older = replace(SAID, shift="night", created_at=dt.datetime(2026, 3, 5, 9, 0, tzinfo=dt.UTC))
    assert "by its file's clock" in held(record, older, tmp_path)[0]


def test_a_clip_that_names_a_shift_nobody_knows_is_held_against_that_day_s(
    record: Record, tmp_path: Path
) -> None:
    fill(record)
    misspelt = replace(SAID, shift="nihgt", started_at=at(2, 3))
    assert held(record, misspelt, tmp_path) == held(
        record, Metadata(worker="ann", site="manila", started_at=at(2, 3)), tmp_path
    )
    assert held(record, misspelt, tmp_path) != []


def test_a_clip_that_names_no_shift_is_held_against_that_day_s(
    record: Record, tmp_path: Path
) -> None:
    fill(record)
    ann = Metadata(worker="ann", site="manila")
    assert held(record, replace(ann, started_at=at(2, 12)), tmp_path) == []
    assert held(record, replace(ann, started_at=at(6, 3)), tmp_path) == []
    assert "shift night" in held(record, replace(ann, started_at=at(6, 8)), tmp_path)[0]
    assert "shift day" in held(record, replace(ann, started_at=at(2, 3)), tmp_path)[0]


def test_both_clocks_count_and_the_worse_one_is_told(record: Record, tmp_path: Path) -> None:
    fill(record)
    said = replace(SAID, started_at=at(2, 12), created_at=at(1, 4))
    (message,) = held(record, said, tmp_path)
    assert "filmed on 2026-03-01 at 04:00 by its file's clock" in message


def test_times_are_kept_and_read_again(tmp_path: Path) -> None:
    recorded = Recorded(at(2, 12), None)
    recorded.keep(tmp_path)
    assert Recorded.kept(tmp_path) == recorded
    assert Recorded.kept(tmp_path / "none") == Recorded()
    (tmp_path / "recorded.json").write_text('{"started_at": 3}')
    assert Recorded.kept(tmp_path) == Recorded()


def test_the_container_says_when_it_was_made(
    record: Record, clip: Callable[..., Path], tmp_path: Path
) -> None:
    fill(record, shifts=False)
    path = tmp_path / "a.mp4"
    with av.open(str(clip(0))) as source, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(source.streams.video[0])
        made.metadata["creation_time"] = "2026-03-01T01:00:00.000000Z"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    (episode,) = episodes_at(path)
    assert episode.metadata.created_at == dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)
    assert episode.metadata.started_at is None
    path.with_suffix(".json").write_text('{"worker": "ann", "site": "manila", "shift": "day"}')
    config = Config.of(tmp_path / "data", recordings=(tmp_path,))
    (screened,) = screen(path, POLICY, store=config.measurements)
    with record.read() as session:
        screened = held_against_shift(session, screened, POLICY, config.measurements)
    assert screened.verdict.flags == ()
    with record.begin() as session:
        enter(session, screened, site_zones={"manila": "Asia/Manila"}, landed_at=NOW)
    # the shift is imported a day later, and everything judged again
    fill(record)
    for _ in range(2):
        rejudge(record, config, POLICY, everything=True)
        with record.read() as session:
            assert session.scalars(select(Finding.check)).all() == ["outside_shift"]
            assert session.scalars(select(Episode.verdict)).all() == ["suspect"]
