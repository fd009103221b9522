"""Every metric is defined once, in words, and gives what its row type promises."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from dailies.mirror import Mirror
from metrics import (
    MetricError,
    blame,
    choices,
    cost,
    defects,
    episodes,
    exporter,
    live,
    policy,
    review,
    throughput,
    workers,
)
from metrics.asking import SQL, ask
from metrics.exporter import exposition

MODULES = (
    blame,
    choices,
    cost,
    defects,
    episodes,
    exporter,
    live,
    policy,
    review,
    throughput,
    workers,
)
FILES = sorted(SQL.glob("*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_definition_says_what_unit_grain_and_parameters(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    head = re.match(r"(--[^\n]*\n)+", text)
    assert head is not None
    kinds = re.findall(r"^-- (\w+):", head[0], re.MULTILINE)
    assert kinds == ["Definition", "Unit", "Grain", "Parameters"]
    assert "one row per" in head[0]
    used = set(re.findall(r"\$(\w+)", text[head.end() :]))
    assert used == set(re.findall(r"\$(\w+)", head[0]))


def test_every_definition_is_asked_by_one_function() -> None:
    asked = re.findall(
        r"(?:ask|ask_one|columns)\(\s*(?:self\.)?mirror,\s*\"(\w+)\"",
        "".join(inspect.getsource(module) for module in MODULES),
    )
    assert sorted(asked) == [file.stem for file in FILES]


def test_the_list_of_metrics_names_them_all() -> None:
    page = (SQL.parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [file.stem for file in FILES]
    for file in FILES:
        definition = " ".join(
            line.removeprefix("--").strip()
            for line in file.read_text(encoding="utf-8").split("-- Unit:")[0].splitlines()
        )
        assert definition.removeprefix("Definition: ") in page


@dataclass(frozen=True)
class WrongName:
    """``days`` under another name."""

    first_on: str
    last: str


@dataclass(frozen=True)
class WrongType:
    """A state's count, as text."""

    state: str
    paths: str


def test_other_columns_are_refused(mirror: Mirror) -> None:
    with pytest.raises(MetricError, match="gives first_on, last_on"):
        ask(mirror, "days", WrongName, {"now": dt.datetime(2026, 3, 9)})
    with pytest.raises(MetricError, match="paths as int64, but WrongType"):
        ask(mirror, "exported_intake", WrongType, {})


def test_prometheus_reads_hours_episodes_flags_lag_and_queue(mirror: Mirror) -> None:
    text, content_type = exposition(mirror, "text/plain")
    lines = text.decode().splitlines()
    assert content_type.startswith("text/plain")
    for line in (
        'dailies_stage_seconds{site="delft",stage="paid"} 36000.0',
        'dailies_stage_seconds{site="delft",stage="recorded"} 14400.0',
        'dailies_stage_seconds{site="delft",stage="delivered"} 12600.0',
        'dailies_stage_seconds{site="delft",stage="accepted"} 3600.0',
        'dailies_episodes{site="kobe",verdict="good"} 2.0',
        'dailies_episodes{site="delft",verdict="fail"} 2.0',
        "dailies_duplicate_episodes 1.0",
        'dailies_flags{check="blur",grade="suspect"} 2.0',
        'dailies_landings{state="failed"} 1.0',
        'dailies_intake_lag_seconds_bucket{le="5.0"} 5.0',
        'dailies_intake_lag_seconds_bucket{le="+Inf"} 7.0',
        "dailies_intake_lag_seconds_sum 28.0",
    ):
        assert line in lines
    assert any(line.startswith("dailies_mirror_age_seconds ") for line in lines)
    assert not [word for word in ("ann", "bo", "chi") if f'"{word}"' in text.decode()]


def test_prometheus_reads_an_empty_record(empty: Mirror) -> None:
    text, content_type = exposition(empty, "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_promtool_finds_nothing_wrong(mirror: Mirror) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool")
    text, _ = exposition(mirror, "text/plain")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
