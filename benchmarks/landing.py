"""From a recording landing whole to its verdict: in the record, the server, and on the Live page.

Starts ``dailies up`` on an empty folder, drops recordings of 60 s (640x480, H.264) into it one by
one, and waits for each. "In the server" is when its /metrics, which ask the server's own mirror,
count it; "on the page" is when a browser that looks at Live shows it, where Chromium and playwright
are there. Every time counts from the moment at which the last byte was written.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.clips import make_clip
from dailies.database import Record, open_record
from dailies.record import Episode
from jobs.serve import ROOT, free_port
from jobs.up import answers

SECONDS = 60
PATIENCE_S = 60.0


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Medians over several recordings, in seconds."""
    count = 11 if full else 5
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        base = Path(folder)
        watched, made = base / "recordings", base / "made"
        watched.mkdir()
        made.mkdir()
        tell(f"  encoding {count} recordings of {SECONDS} s")
        clips = [make_clip(made / f"{n}.mp4", seconds=SECONDS, seed=n) for n in range(count)]
        address = stack.enter_context(_up(watched, base / "data"))
        record = open_record(f"sqlite:///{base / 'data' / 'record.sqlite'}")
        page = stack.enter_context(_live_page(address))
        time.sleep(3)  # until the processes that screen are warm, as they are in use
        times = [_land(clip, watched, n, record, address, page) for n, clip in enumerate(clips)]
    for key, name in (
        ("record", "in the record"),
        ("server", "in the server"),
        ("page", "on Live"),
    ):
        seconds = [one[key] for one in times if key in one]
        if seconds:
            yield {
                "name": f"landing_to_{key}",
                "value": round(statistics.median(seconds), 2),
                "unit": f"s, median, {name}",
                "worst": round(max(seconds), 2),
                "recordings": len(seconds),
                "recording_s": SECONDS,
            }


def _land(
    clip: Path,
    watched: Path,
    number: int,
    record: Record,
    address: str,
    page: Callable[[], int] | None,
) -> dict[str, float]:
    """Copy a recording into the folder; how long until its verdict is to be had, by place."""
    shutil.copyfile(clip, watched / clip.name)
    landed = time.perf_counter()
    places: dict[str, Callable[[], int]] = {"record": lambda: _in_record(record)}
    if answers(f"{address}/metrics"):
        places["server"] = lambda: _in_server(address)
    if page is not None:
        places["page"] = page
    seen: dict[str, float] = {}
    while len(seen) < len(places):
        if time.perf_counter() - landed > PATIENCE_S:
            raise TimeoutError(f"no verdict on {clip.name} within {PATIENCE_S:.0f} s")
        for key, count in places.items():
            if key not in seen and count() > number:
                seen[key] = time.perf_counter() - landed
        time.sleep(0.1)  # looking more often would take from what is measured
    return seen


def _in_record(record: Record) -> int:
    with record.read() as session:
        return session.scalar(select(func.count()).select_from(Episode)) or 0


def _in_server(address: str) -> int:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as response:
        text = response.read().decode()
    samples = re.findall(r"^dailies_episodes\w*\{[^}]*\} ([0-9.e+]+)$", text, re.M)
    return round(sum(map(float, samples)))


@contextlib.contextmanager
def _up(watched: Path, data: Path) -> Iterator[str]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jobs.cli", "up", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--recordings", str(watched), "--data", str(data)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while not answers(f"{address}/healthz"):
            if time.monotonic() > until or process.poll() is not None:
                raise TimeoutError("the app did not start")
            time.sleep(0.2)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextlib.contextmanager
def _live_page(address: str) -> Iterator[Callable[[], int] | None]:
    """How many episodes the Live page says are judged, as a browser sees it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{address}/live")

        def judged() -> int:
            tile = page.locator('[data-testid="stMetric"]', has_text="Judged").first
            if not tile.count():
                return 0
            value = tile.locator('[data-testid="stMetricValue"]').inner_text()
            digits = re.sub(r"[^0-9]", "", value)
            return int(digits) if digits else 0

        yield judged
        browser.close()
