"""Other programs' reports are read in their own shapes, and what counts of them is counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.defect_episodes import KINDS
from benchmarks.peers import (
    CHECKS,
    PEERS,
    PEERS_KNOWN,
    Finding,
    NoReport,
    Peer,
    ask,
    compared,
    program,
    read_calibra,
    read_deepen,
    read_embodied_sync,
    read_forge,
    read_kalanos,
    read_lerobot_doctor,
    read_physlint,
    read_rda,
    read_rdq,
    read_robovet,
    read_robovet_score,
)

KINDS_OF_SIX = {0: None, 1: "black", 2: None, 3: "frozen", 4: "copy", 5: "idle"}
"""Four of six have a defect; that of one is to be a copy of the first."""
FOUND_BY = {"black": ("dark",), "frozen": ("freeze",), "copy": ("twin",)}


def test_each_kind_belongs_to_one_check() -> None:
    assert sorted(kind for kinds in CHECKS.values() for kind in kinds) == sorted(KINDS)


@pytest.mark.parametrize("peer", PEERS_KNOWN, ids=lambda peer: peer.name)
def test_what_a_program_claims_is_planted(peer: Peer) -> None:
    assert peer.found_by.keys() <= set(KINDS)
    assert all(isinstance(names, tuple) and names for names in peer.found_by.values())


def test_a_kind_counts_by_any_grade_and_the_right_name_on_its_episode() -> None:
    findings = [
        Finding(1, "dark", False),
        Finding(3, "dark", True),
        Finding(5, "freeze", True),
    ]
    counted = compared(findings, FOUND_BY, KINDS_OF_SIX)
    assert (counted["found"], counted["of"]) == (["black"], 4)
    assert (counted["of_these_raised"], counted["raised_whatever_for"]) == (0, 2)


def test_of_clean_episodes_those_named_and_those_raised_are_told_apart() -> None:
    findings = [Finding(0, "dark", False), Finding(2, "something else", True)]
    counted = compared(findings, FOUND_BY, KINDS_OF_SIX)
    assert (counted["clean_named"], counted["clean_raised"]) == ([0], [2])


def test_the_original_of_a_copy_is_not_made_up() -> None:
    counted = compared([Finding(0, "twin", True)], FOUND_BY, KINDS_OF_SIX)
    assert (counted["clean_named"], counted["clean_raised"]) == ([], [])


def test_recall_and_precision_are_of_all_findings_of_a_check_and_of_those_raised() -> None:
    findings = [Finding(4, "twin", True), Finding(2, "twin", False)]
    assert compared(findings, FOUND_BY, KINDS_OF_SIX)["checks"]["copy"] == {
        "recall": 1.0,
        "precision": 0.5,
        "raised_recall": 1.0,
        "raised_precision": 1.0,
    }


def test_a_check_that_a_program_lacks_has_no_figures_and_one_that_says_nothing_no_precision() -> (
    None
):
    checks = compared([], FOUND_BY, KINDS_OF_SIX)["checks"]
    assert "idle" not in checks
    assert (checks["frozen"]["recall"], checks["frozen"]["precision"]) == (0.0, None)


def finding(number: int, name: str, is_raised: bool = True) -> Finding:
    return Finding(number, name, is_raised)


KALANOS = {
    "episodes": [
        {
            "id": "set::episode_000003",
            "eligibility": {
                "status": "review",
                "reasons": [{"id": "extero.wrist_rgb.vision.blur_vs_camera", "status": "review"}],
            },
            "streams": [
                {
                    "metrics": {
                        "dark_frame_pct": {"value": 37.5, "status": "report_only"},
                        "video_control_lag_ms": {"value": 107.8, "status": "report_only"},
                        "sharpness_score": {"value": None, "status": "not_applicable"},
                    },
                    "channels": [
                        {
                            "metrics": {
                                "missing_pct": {"value": 10.4, "status": "critical"},
                                "flatline_pct": {"value": 44.8, "status": "good"},
                            }
                        }
                    ],
                }
            ],
        }
    ]
}
RDA = {
    "episodes": [
        {
            "episode_index": 2,
            "verdict": "EXCLUDE",
            "metrics": {
                "video_freeze": {"has_finding": True},
                "coverage": {"has_finding": False},
            },
        },
        {"episode_index": 5, "verdict": "PASS", "metrics": {"idle_ratio": {"has_finding": True}}},
    ]
}
CALIBRA = {
    "critical": [
        {
            "metric": "camera_freeze_events",
            "interpretation": "2 of 5 sampled episodes contain a run of >=5 repeated frames"
            " (episodes [1, 4]; decoded 5 of 5 episodes).",
        },
        {"metric": "jerk_spike_rate", "interpretation": "7.0% of steps have jerk > 5.0"},
        {
            "metric": "duplicate_episode_fraction",
            "interpretation": "1 of 30 episodes are exact copies of another episode"
            " (actions and observations byte-identical): 26 = 0.",
        },
    ],
    "warnings": [],
    "video_affected_episodes": {"video_missing_rate": [3]},
}
DOCTOR = {
    "checks": [
        {
            "name": "Temporal Consistency",
            "messages": [
                {"severity": "WARN", "message": "Episode 25: 1 dropped frame gaps"},
                {"severity": "PASS", "message": "Episode 2 is fine"},
            ],
        },
        {
            "name": "Anomaly Detection",
            "messages": [
                {
                    "severity": "WARN",
                    "message": "1 near-duplicate episode pair(s) detected: [(0, 26)]",
                }
            ],
        },
    ]
}
DEEPEN = {
    "episodes": [
        {
            "episode_id": "episode_000025",
            "checks": [
                {
                    "check_id": "hygiene.topic_frequency",
                    "severity": "fail",
                    "claim_type": "defect",
                },
                {
                    "check_id": "episode_quality.idle_stall",
                    "severity": "warn",
                    "claim_type": "proxy",
                },
                {
                    "check_id": "hygiene.tf_tree_integrity",
                    "severity": "n/a",
                    "claim_type": "not_assessed",
                },
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("read", "report", "findings"),
    [
        (
            read_rdq,
            {
                "findings": [
                    {"check": "video.black_span", "severity": "warning", "episodes": [1, 2]},
                    {"check": "video.idle_span", "severity": "info", "episodes": [5]},
                ]
            },
            [
                finding(1, "video.black_span"),
                finding(2, "video.black_span"),
                finding(5, "video.idle_span", False),
            ],
        ),
        (
            read_kalanos,
            KALANOS,
            [
                finding(3, "blur_vs_camera"),
                finding(3, "dark_frame_pct", False),
                finding(3, "missing_pct"),
            ],
        ),
        (
            read_physlint,
            {
                "results": [
                    {
                        "rule_id": "video.black_frames",
                        "findings": [
                            {"severity": "error", "location": {"episode": "episode_000012"}},
                            {"severity": "error", "location": {"episode": None}},
                        ],
                    }
                ]
            },
            [finding(12, "video.black_frames")],
        ),
        (
            read_rda,
            RDA,
            [
                finding(2, "video_freeze"),
                finding(5, "idle_ratio", False),
            ],
        ),
        (
            read_calibra,
            CALIBRA,
            [
                finding(1, "camera_freeze_events"),
                finding(4, "camera_freeze_events"),
                finding(26, "duplicate_episode_fraction"),
                finding(0, "duplicate_episode_fraction"),
                finding(3, "video_missing_rate"),
            ],
        ),
        (
            read_lerobot_doctor,
            DOCTOR,
            [
                finding(25, "Temporal Consistency"),
                finding(0, "near-duplicate"),
                finding(26, "near-duplicate"),
            ],
        ),
        (
            read_deepen,
            DEEPEN,
            [
                finding(25, "hygiene.topic_frequency"),
                finding(25, "episode_quality.idle_stall", False),
            ],
        ),
        (
            read_robovet,
            {
                "results": [
                    {"check_id": "DATA-107", "severity": "FAIL", "episodes": [17]},
                    {"check_id": "DATA-108", "severity": "PASS", "episodes": []},
                ]
            },
            [finding(17, "DATA-107")],
        ),
        (
            read_forge,
            {"per_episode": [{"episode_id": "episode_000017", "flags": ["nan_in_states"]}]},
            [finding(17, "nan_in_states")],
        ),
        (
            read_embodied_sync,
            {
                "videos": [
                    {
                        "episode_trend": [
                            {"episode_index": 25, "violation_count": 110},
                            {"episode_index": 26, "violation_count": 0},
                        ]
                    }
                ]
            },
            [finding(25, "pts")],
        ),
    ],
)
def test_a_report_is_read(read: Any, report: dict[str, Any], findings: list[Finding]) -> None:
    assert list(read(json.dumps(report))) == findings


def test_a_table_of_scores_is_read() -> None:
    table = "episode_index,score,flags\n0,100.0,\n26,80.0,mostly_idle|duplicate_of_ep0\n"
    assert list(read_robovet_score(table)) == [
        finding(26, "mostly_idle"),
        finding(26, "duplicate_of_ep"),
    ]


def script(*lines: str) -> Peer:
    """A program of a few lines of Python, run by the interpreter that runs this."""
    return Peer("made", "made", "made", ("-c", "\n".join(lines), "{set}", "{report}"), read_rdq, {})


def test_a_program_works_in_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    peer = script(
        "import json, os, pathlib, sys",
        "here = pathlib.Path.cwd()",
        "assert not list(here.iterdir()) and pathlib.Path(os.environ['HOME']) == here",
        "(here / 'cache').touch()",
        "named = {'check': sys.argv[1], 'severity': 'info', 'episodes': [7]}",
        "pathlib.Path(sys.argv[2]).write_text(json.dumps({'findings': [named]}))",
        "sys.exit(1)",
    )
    for _ in range(2):
        found, took = ask(peer, Path(sys.executable), tmp_path)
        assert found == [finding(7, str(tmp_path), False)]
        assert took.processor_s > 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("raise SystemExit('no such codec')",), "no such codec"),
        (("print('{}')",), "KeyError"),
    ],
)
def test_a_program_without_a_report_is_said_to_have_none(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(NoReport, match=message):
        ask(script(*lines), Path(sys.executable), tmp_path)


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.LIMIT_S", 0.5)
    with pytest.raises(NoReport, match="not done after"):
        ask(script("import time", "time.sleep(60)"), Path(sys.executable), tmp_path)


def test_a_program_is_found_in_its_environment_and_skipped_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    physlint = next(peer for peer in PEERS_KNOWN if peer.name == "physlint")
    monkeypatch.delenv(PEERS, raising=False)
    assert program(physlint) is None
    monkeypatch.setenv(PEERS, str(tmp_path))
    assert program(physlint) is None
    file = tmp_path / "physlint" / "bin" / "physlint"
    file.parent.mkdir(parents=True)
    file.touch()
    assert program(physlint) == file
