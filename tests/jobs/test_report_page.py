"""``dailies screen --report``: one page that holds all it shows."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

Clip = Callable[..., Path]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_shows_verdicts_stills_and_curves_and_fetches_nothing(
    dailies: Callable[..., Any], clip: Clip, tmp_path: Path
) -> None:
    page = tmp_path / "out.html"
    short = clip(0, seconds=1.2)
    done = dailies("screen", "--json", "--workers", 1, "--report", page, clip(1), short)
    assert (done.returncode, done.stderr) == (1, "")
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    sources = [attrs["src"] or "" for tag, attrs in tags.seen if tag == "img"]
    assert len(sources) == 3
    assert all(source.startswith("data:image/jpeg;base64,/9j/") for source in sources)
    assert not re.search(r"https?://|<script|<link", text)
    assert len([tag for tag, _ in tags.seen if tag == "svg"]) >= 3
    links = {(attrs["href"] or "")[1:] for tag, attrs in tags.seen if tag == "a"}
    assert links == {attrs["id"] for tag, attrs in tags.seen if tag == "section"}
    assert "2 episodes: 1 good (3 s), 1 suspect (1 s)" in text
    assert "<b>too_short</b><br>The recording is too short" in text
    # none fails, one is suspect, none unknown: half of all
    numbers = "<td class=n></td><td class=n>1</td><td class=n></td><td class=n>50.0</td>"
    assert numbers in text
    # the worst first, whatever came first
    assert text.index(">▲ suspect</td>") < text.index(">● good</td>")


def test_recordings_of_one_name_are_told_apart(
    dailies: Callable[..., Any], clip: Clip, tmp_path: Path
) -> None:
    for folder in ("monday", "tuesday"):
        (tmp_path / "week" / folder).mkdir(parents=True)
        (tmp_path / "week" / folder / "take.mp4").write_bytes(clip(0, seconds=1.2).read_bytes())
    page = tmp_path / "out.html"
    dailies("screen", "--json", "--workers", 1, "--report", page, tmp_path / "week")
    text = page.read_text(encoding="utf-8")
    assert text.count(">monday/take.mp4</a>") == text.count(">tuesday/take.mp4</a>") == 1
    assert "</span> monday/take.mp4</h3>" in text


@pytest.mark.parametrize(
    ("place", "words"), [(".", "is a folder: name a file in it"), ("gone/x.html", "make it")]
)
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_screened(
    dailies: Callable[..., Any], clip: Clip, tmp_path: Path, place: str, words: str
) -> None:
    done = dailies("screen", "--report", tmp_path / place, clip(1))
    assert (done.returncode, done.stdout) == (2, "")
    assert "--report" in done.stderr
    assert words in done.stderr


def test_a_run_ended_early_leaves_the_page_of_what_was_screened(clip: Clip, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(40):
        (many / f"{number:02}.mp4").symlink_to(clip(1))
    page = tmp_path / "out.html"
    command = [sys.executable, "-m", "jobs.cli", "screen", "--json", "--workers", "1"]
    with subprocess.Popen(
        [*command, "--report", str(page), str(many)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            assert run.stdout is not None
            assert json.loads(run.stdout.readline())["verdict"] == "good"
            run.send_signal(signal.SIGINT)
            _, told = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 130
    text = page.read_text(encoding="utf-8")
    left = re.search(r"The run was ended early:</b> (\d+) or more", text)
    assert left is not None
    screened = text.count("<td class=place>")
    assert 0 < screened < 40
    assert screened + int(left[1]) == 40
    assert told == (
        f"ended early, {left[1]} or more not screened; {screened} "
        + re.search(r"(episodes?: .*?)\. Judged", text)[1]  # type: ignore[index]
        + f"; {page} has these\n"
    )


def test_names_are_escaped(dailies: Callable[..., Any], clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / "<b>&.mp4"
    odd.write_bytes(clip(0, seconds=1.2).read_bytes())
    dailies("screen", "--json", "--workers", 1, "--report", tmp_path / "out.html", odd)
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.mp4" in text
    assert "<b>&" not in text
