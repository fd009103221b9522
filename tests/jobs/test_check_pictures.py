"""The pictures in docs/checks.md: every check has one, and none says what its check does not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.check_cases import CASES, WITHOUT
from benchmarks.check_made import Case, Side
from benchmarks.check_pictures import HEIGHT, WIDTH, NotSo, drawn, judged
from quality.checks import CHECKS

DOCS = Path(__file__).resolve().parents[2] / "docs"
BY_CHECK = {case.check: case for case in CASES}


def test_every_check_has_one_case_or_is_said_to_have_none() -> None:
    named = [*BY_CHECK, *WITHOUT]
    assert len(CASES) == len(BY_CHECK)
    assert sorted(named) == sorted(check.name for check in CHECKS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.check)
def test_every_picture_stands_in_its_chapter_and_is_small(case: Case) -> None:
    text = (DOCS / "checks.md").read_text(encoding="utf-8")
    assert case.markdown in text.split(f"## {case.check}\n")[1].split("\n## ")[0]
    assert 0 < (DOCS / "checks" / case.file).stat().st_size < 60_000


def test_there_is_no_other_picture() -> None:
    text = (DOCS / "checks.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(checks/([^)]+)\)", text))
    assert shown == {case.file for case in CASES}
    assert shown == {file.name for file in (DOCS / "checks").iterdir()}
    assert sum(file.stat().st_size for file in (DOCS / "checks").iterdir()) < 1_500_000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.check)
def test_a_hit_is_flagged_and_a_near_miss_is_not(case: Case) -> None:
    hit, near = judged(case)
    assert {flag.check for flag in hit.flags} == {case.check}
    assert near.flags == ()
    assert "not flagged (limit" in near.caption


def test_what_is_written_under_a_near_miss_is_short_of_the_limit() -> None:
    _, near = judged(BY_CHECK["series_gap"])
    assert near.caption == "80 ms: not flagged (limit 100 ms)"
    _, near = judged(BY_CHECK["idle"])
    assert near.caption == "8 s: not flagged (limit 10 s)"


@pytest.mark.parametrize("name", ["series_gap", "too_short"])
def test_a_picture_that_would_not_be_so_is_refused(name: str) -> None:
    case = BY_CHECK[name]
    with pytest.raises(NotSo, match="is not flagged"):
        drawn(replace(case, hit=case.near))
    with pytest.raises(NotSo, match="is flagged"):
        drawn(replace(case, near=case.hit))


@pytest.mark.parametrize("name", ["spike", "steps_missing", "hum", "black_picture"])
def test_both_sides_are_drawn(name: str) -> None:
    content = np.frombuffer(drawn(BY_CHECK[name]), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (HEIGHT, 2 * WIDTH, 3)
    assert all(np.ptp(side) > 100 for side in np.split(picture, 2, axis=1))


def test_words_end_within_their_side() -> None:
    sides: list[Side] = [side for case in CASES for side in (case.hit, case.near)]
    assert all(0 < len(side.words) <= 60 for side in sides)
    assert all(not side.words.endswith(".") for side in sides)
