"""``dailies screen --report``: one page that holds all it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

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
    assert "2 episodes" in text
    assert "1 good, 1 suspect" in text
    assert "<td>too_short</td><td class=n>1</td><td class=n>50.0</td>" in text


def test_names_are_escaped(dailies: Callable[..., Any], clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / "<b>&.mp4"
    odd.write_bytes(clip(0, seconds=1.2).read_bytes())
    dailies("screen", "--json", "--workers", 1, "--report", tmp_path / "out.html", odd)
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.mp4" in text
    assert "<b>&" not in text
