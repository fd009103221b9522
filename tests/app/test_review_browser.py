"""A reviewer at a real server, by keys alone, and what becomes of the numbers on other pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from films import NOW, film
from playwright.sync_api import Page, expect
from sqlalchemy import delete, func, select
from test_browser import (
    CHROMIUM,
    PATIENCE_MS,
    SHOTS,
    Opener,
    browser,  # noqa: F401
    open_page,  # noqa: F401
    served,
    settle,
)

from dailies.config import Config
from dailies.database import Record, open_record
from dailies.record import Claim, Episode, Finding, Mark, Review, Site, Stream, Task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium: apt-get install chromium"),
]

CLIPS = 5
LOOK_MS = 700  # as in pages/_review.js


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Config, Record]]:
    """Five waiting clips with two cameras each, blurred from second 2 to 4; the first the oldest.

    And one that the machine accepted.
    """
    (tmp_path / "recordings").mkdir()
    clip = tmp_path / "recordings" / "frozen.mp4"
    film(clip, frozen=True)
    config = Config.of(tmp_path / "data", recordings=(tmp_path / "recordings",))
    config.data.mkdir()
    record = open_record(config.record)
    with record.begin() as session:
        session.add(Site(id="delft", name="Delft", kind="home", zone="UTC", currency="EUR"))
        session.add(Task(id="egg", name="flip an egg", steps=[], expected_s=6.0))
        session.flush()
        for number in range(1, CLIPS + 2):
            session.add(waiting(number, clip) if number <= CLIPS else accepted(number, clip))
            session.flush()
            for at, camera in enumerate(("left", "right")):
                session.add(stream(2 * number + at, number, camera, clip))
            if number <= CLIPS:
                session.add(blurred(number))
    yield config, record
    record.close()


def waiting(number: int, clip: Path, **other: object) -> Episode:
    at = NOW + dt.timedelta(minutes=number)
    given = {"verdict": "suspect", "decision": None} | other
    return Episode(
        id=number,
        content=f"c-{number}",
        path=str(clip),
        format="mp4",
        task_id="egg",
        site_id="delft",
        rig_id="r1",
        worker_id="w-1",
        started_at=at,
        worked_on=at.date(),
        landed_at=at,
        judged_at=at,
        duration_s=6.0,
        policy="house@00000000",
        **given,
    )


def accepted(number: int, clip: Path) -> Episode:
    return waiting(number, clip, verdict="good", decision="accepted", decided_at=NOW)


def stream(id: int, episode: int, name: str, clip: Path) -> Stream:
    return Stream(
        id=id,
        episode_id=episode,
        name=f"observation.images.{name}",
        kind="video",
        count=90,
        rate_hz=15.0,
        file=str(clip),
        file_start_s=0.0,
        file_end_s=6.0,
    )


def blurred(episode: int) -> Finding:
    return Finding(
        episode_id=episode,
        check="blur",
        grade="suspect",
        stream="observation.images.left",
        start_s=2.0,
        end_s=4.0,
        measured=2.0,
        limit=1.0,
        unit="s",
        message="left: out of focus for 2.0 s at 2.0 s (limit 1 s): clean the lens",
    )


def episode_shown(page: Page, number: int) -> None:
    """Waits until an episode is on the screen and every act was answered."""
    there = page.locator(f".review[data-episode='{number}'][data-pending='0']")
    expect(there).to_be_attached(timeout=PATIENCE_MS)


def looked(page: Page) -> None:
    """Waits as long as anybody looks at a clip before they decide."""
    page.wait_for_timeout(LOOK_MS + 100)


def tile(page: Page, label: str) -> str:
    found = page.get_by_test_id("stMetric").filter(has_text=label)
    return found.get_by_test_id("stMetricValue").inner_text()


def times(page: Page) -> list[float]:
    """Where each camera on the screen stands, in seconds."""
    shown: list[float] = page.locator(".stage:not(.ahead) video").evaluate_all(
        "videos => videos.map(video => video.currentTime)"
    )
    return shown


def test_a_reviewer_decides_by_keys_alone_and_the_numbers_move(
    open_page: Opener,  # noqa: F811
    desk: tuple[Config, Record],
) -> None:
    config, record = desk
    with served(config) as url:
        page, errors = open_page("light", "desk")
        page.goto(f"{url}/quality")
        settle(page)
        before = tile(page, "First-pass yield"), tile(page, "Rejection rate")
        assert before == ("100.0 %", "0.0 %")

        page.goto(f"{url}/queue")
        settle(page)
        assert tile(page, "Waiting clips") == str(CLIPS)
        page.keyboard.press("j")  # take the next: claims the oldest, and opens Review
        episode_shown(page, 1)
        with record.read() as session:
            claims = session.scalars(select(Claim.episode_id).order_by(Claim.id)).all()
        assert claims == [1, 2]  # the next one is loaded ahead

        # look: both cameras at the flag, and in step after a picture and at another speed
        assert times(page) == [pytest.approx(2.0, abs=0.1)] * 2
        page.keyboard.press("ArrowRight")
        assert times(page) == [pytest.approx(2.1, abs=0.05)] * 2
        page.keyboard.press("+")
        expect(page.locator(".stage:not(.ahead) .speed")).to_have_value("2")
        page.keyboard.press("l")
        page.wait_for_timeout(1500)
        page.keyboard.press("l")
        page.keyboard.press(" ")
        left, right = times(page)
        assert left == pytest.approx(right, abs=0.1)
        assert 1.9 < left < 4.2

        # mark a span, with the check's own name as the reason
        page.keyboard.press("p")
        page.keyboard.press("i")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("o")
        page.keyboard.press("1")
        expect(page.locator(".stage:not(.ahead) .mine .span")).to_have_count(1)

        # reject with a reason; the next clip is there at once
        page.keyboard.press("r")
        expect(page.locator(".reasons li").first).to_contain_text("blur")
        page.keyboard.press("1")
        episode_shown(page, 2)
        with record.read() as session:
            (review,) = session.scalars(select(Review)).all()
            (mark,) = session.scalars(select(Mark)).all()
        assert (review.episode_id, review.decision, review.reason) == (1, "rejected", "blur")
        assert (mark.start_s, mark.end_s, mark.reason) == (
            pytest.approx(2.0, abs=0.1),
            pytest.approx(3.0, abs=0.1),
            "blur",
        )

        # undo: the clip is back with its mark, and accepted, with a reason since it was flagged
        page.keyboard.press("u")
        episode_shown(page, 1)
        expect(page.locator(".stage:not(.ahead) .mine .span")).to_have_count(1)
        looked(page)
        page.keyboard.press("a")
        page.keyboard.press("1")
        episode_shown(page, 2)

        # a reason of one's own needs a note; letters in it are letters
        looked(page)
        page.keyboard.press("r")
        page.keyboard.press("0")
        page.keyboard.type("raucous cat")
        page.keyboard.press("Enter")
        episode_shown(page, 3)
        page.keyboard.press("?")
        expect(page.locator(".help")).to_be_visible()
        page.keyboard.press("a")  # not while the keys are shown
        page.keyboard.press("Escape")
        page.keyboard.press("j")  # later
        episode_shown(page, 4)
        page.keyboard.press("k")  # and back
        episode_shown(page, 3)
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "review-keys.png")

        with record.read() as session:
            decided = session.execute(
                select(Episode.id, Episode.decision).where(Episode.id <= CLIPS).order_by(Episode.id)
            ).all()
            notes = session.scalars(select(Review.note).where(Review.reason == "other")).all()
            undone = session.scalar(
                select(func.count()).select_from(Review).where(Review.undone_at.is_not(None))
            )
        assert [tuple(row) for row in decided] == [
            *((1, "accepted"), (2, "rejected")),
            *((3, None), (4, None), (5, None)),
        ]
        assert notes == ["raucous cat"]
        assert undone == 1

        # of three decided at once two were accepted
        page.goto(f"{url}/quality")
        settle(page)
        assert (tile(page, "First-pass yield"), tile(page, "Rejection rate")) == (
            "66.7 %",
            "33.3 %",
        )
        page.goto(f"{url}/throughput")
        settle(page)
        assert tile(page, "First-pass yield") == "66.7 %"
        assert errors == []


def test_who_was_second_is_told_calmly_and_goes_on(
    open_page: Opener,  # noqa: F811
    desk: tuple[Config, Record],
) -> None:
    config, record = desk
    with served(config) as url:
        page, _ = open_page("dark", "phone")
        page.goto(f"{url}/review")
        settle(page)
        expect(page.locator(".idle")).to_be_visible(timeout=PATIENCE_MS)
        page.keyboard.press("j")
        episode_shown(page, 1)
        with record.begin() as session:
            session.get_one(Episode, 1).decision = "rejected"
            at = dt.datetime.now(dt.UTC)
            session.add(
                Review(episode_id=1, reviewer="carol", decision="rejected", decided_at=at,
                       policy="house@00000000", kind="first")
            )  # fmt: skip
        looked(page)
        page.keyboard.press("a")
        page.keyboard.press("2")
        expect(page.locator(".message")).to_contain_text("carol decided", timeout=PATIENCE_MS)
        episode_shown(page, 2)
        with record.read() as session:
            assert session.scalars(select(Review.reviewer)).all() == ["carol"]
        page.screenshot(path=SHOTS / "review-phone.png")


def decisions(record: Record) -> list[tuple[int, str, str | None, str | None]]:
    """What was decided and stands, oldest first."""
    with record.read() as session:
        rows = session.scalars(
            select(Review).where(Review.undone_at.is_(None)).order_by(Review.id)
        ).all()
        return [(row.episode_id, row.decision, row.reason, row.note) for row in rows]


def sit(page: Page, url: str, number: int) -> None:
    page.goto(f"{url}/review")
    settle(page)
    page.keyboard.press("j")
    episode_shown(page, number)


def test_a_key_pressed_once_too_often_decides_on_nothing(
    open_page: Opener,  # noqa: F811
    desk: tuple[Config, Record],
) -> None:
    config, record = desk
    with record.begin() as session:
        session.execute(delete(Finding).where(Finding.episode_id.in_((1, 2, 3))))
    with served(config) as url:
        page, errors = open_page("light", "desk")
        sit(page, url, 1)
        looked(page)
        for _ in range(3):  # an unflagged clip is accepted by the first
            page.keyboard.press("a")
        expect(page.locator(".soft")).to_contain_text("only just come")
        episode_shown(page, 2)
        assert decisions(record) == [(1, "accepted", None, None)]
        page.screenshot(path=SHOTS / "review-too-early.png")

        # a key that is held repeats itself, and decides once
        looked(page)
        for _ in range(20):
            page.keyboard.down("a")
            page.wait_for_timeout(60)
        page.keyboard.up("a")
        episode_shown(page, 3)
        assert [one[0] for one in decisions(record)] == [1, 2]

        # another key opens its reasons at once, and takes one when the clip was seen
        looked(page)
        page.keyboard.press("a")
        page.keyboard.press("r")
        page.keyboard.press("2")
        expect(page.locator(".panel")).to_be_visible()
        looked(page)
        page.keyboard.press("1")
        episode_shown(page, 5)
        assert decisions(record)[2:] == [
            (3, "accepted", None, None),
            (4, "rejected", "blur", None),
        ]
        # what was decided can be found again: by its number, in a page of its own
        link = page.locator(".message a")
        expect(link).to_have_text("Episode 4")
        assert link.get_attribute("href") == "episode?id=4"

        # and taken back after a reload
        page.reload()
        settle(page)
        episode_shown(page, 5)
        page.keyboard.press("u")
        episode_shown(page, 4)
        assert len(decisions(record)) == 3
        assert errors == []


def test_a_note_is_only_a_note_and_nothing_is_rejected_for_a_reason_nobody_chose(
    open_page: Opener,  # noqa: F811
    desk: tuple[Config, Record],
) -> None:
    config, record = desk
    with record.begin() as session:
        session.execute(delete(Finding).where(Finding.episode_id == 1))
    with served(config) as url:
        page, errors = open_page("light", "desk")
        sit(page, url, 1)
        looked(page)
        page.keyboard.press("w")
        expect(page.locator(".note")).to_be_focused()
        expect(page.locator(".reasons li")).to_have_count(0)
        page.keyboard.type("rare cat")
        page.screenshot(path=SHOTS / "review-note.png")
        page.keyboard.press("Escape")
        expect(page.locator(".panel")).to_be_hidden()
        expect(page.locator(".kept")).to_contain_text("rare cat")

        # no flag, so no reason is marked: the same key again takes none
        page.keyboard.press("r")
        expect(page.locator(".reasons li.at")).to_have_count(0)
        for key in ("r", "Enter"):
            page.keyboard.press(key)
            expect(page.locator(".soft")).to_contain_text("Choose a reason")
        assert decisions(record) == []
        page.keyboard.press("2")
        episode_shown(page, 2)
        ((number, decision, reason, note),) = decisions(record)
        assert (number, decision, note) == (1, "rejected", "rare cat")
        assert reason is not None
        assert reason != "wrong_task"

        # a flag is the reason marked
        looked(page)
        page.keyboard.press("r")
        expect(page.locator(".reasons li.at")).to_contain_text("blur")
        expect(page.locator(".note")).to_have_value("")
        page.keyboard.press("r")
        episode_shown(page, 3)
        assert decisions(record)[1] == (2, "rejected", "blur", None)
        assert errors == []
