"""Memory of screening: the peak of a process that screens a short video, and one for a long one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.clips import make_clip, repeat_clip

ROOT = Path(__file__).resolve().parents[1]
MINUTE_S = 60
SCREENING = """
import json, resource, sys, threading, time
from pathlib import Path
from jobs.screening import screen
from quality.policy import Policy

start = time.perf_counter()
(screened,) = screen(Path(sys.argv[1]), Policy.load())
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps({"peak": peak, "duration_s": screened.duration_s, "error": screened.error,
                  "seconds": time.perf_counter() - start}))
"""


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Peaks for one minute and for ten (``full``: sixty) of 720p."""
    minutes = 60 if full else 10
    with tempfile.TemporaryDirectory() as folder:
        tell("  encoding a minute of 720p")
        minute = make_clip(Path(folder) / "minute.mp4", seconds=MINUTE_S, width=1280, height=720)
        long = repeat_clip(minute, Path(folder) / "long.mp4", minutes)
        tell(f"  screening {minutes} minutes")
        short_peak, long_peak = _peak(minute), _peak(long)
    yield {
        "name": f"memory_{minutes}_minutes",
        "value": round(long_peak["peak"] / 1e6),
        "unit": "MB at the peak",
        "one_minute": round(short_peak["peak"] / 1e6),
        "video_s": round(long_peak["duration_s"]),
        "screening_s": round(long_peak["seconds"], 1),
    }
    yield {
        "name": "memory_growth",
        "value": round((long_peak["peak"] - short_peak["peak"]) / 1e6 / (minutes - 1), 2),
        "unit": "MB a minute of video",
    }


def _peak(clip: Path) -> dict[str, Any]:
    """What a process of its own needs to screen a clip."""
    done = subprocess.run(
        [sys.executable, "-c", SCREENING, str(clip)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["error"] is None, result["error"]
    return result
