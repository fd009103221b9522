"""From a decision to the next clip's first picture, in a real browser at the running server.

Each clip is a file of 200 MB whose index lies at its end, as recorders write it, and whose flag
lies past its middle. The time runs from the key that decides to the first picture that the browser
presents of the next clip (requestVideoFrameCallback), both read from the browser's own clock. The
file is one and the same for all clips, so it comes from the system's file cache; the browser's
cache cannot help, since every clip has an address of its own.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from dailies.config import Config
from dailies.database import open_record
from dailies.record import Episode, Finding, Stream
from jobs.serve import ROOT, command, free_port

BYTES = 200_000_000
RATE = 30
LOOKS_S = 2.0
HURRIES_S = 0.5
LANDED = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

WATCH = """
window.addEventListener("keydown", (event) => {
  if (event.key !== "1") return;
  const began = performance.now();
  const find = () => {
    const hosts = [...document.querySelectorAll("*")].filter((one) => one.shadowRoot);
    return hosts.map((one) => one.shadowRoot.querySelector(".review")).find(Boolean);
  };
  const was = find().dataset.claim;
  const wait = () => {
    const review = find();
    const video = review.querySelector(".stage:not(.ahead) video");
    if (review.dataset.claim === was || !video || review.dataset.claim === undefined) {
      requestAnimationFrame(wait);
      return;
    }
    video.requestVideoFrameCallback((now, frame) => {
      window.firstFrames.push({ ms: performance.now() - began, at: frame.mediaTime });
    });
  };
  requestAnimationFrame(wait);
}, true);
window.firstFrames = [];
"""


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Decisions after a look of 2 s and after one of 0.5 s; 12 of each with ``full``, else 5."""
    count = 12 if full else 5
    with tempfile.TemporaryDirectory() as folder:
        tell("  making a clip of 200 MB")
        clip = Path(folder) / "recordings" / "long.mp4"
        clip.parent.mkdir()
        seconds = long_clip(clip)
        config = Config.of(Path(folder) / "data", recordings=(clip.parent,))
        config.data.mkdir()
        fill(config, clip, seconds, 2 * count + 4)
        tell("  deciding on clips in a browser")
        yield from _in_browser(config, count, clip.stat().st_size)


def long_clip(path: Path, size: int = BYTES) -> float:
    """Writes a clip of ``size`` bytes at least: ten seconds of moving grain, over and over.

    1280 x 720 at 30 pictures a second, a key picture every 2 s; the index lies at the end. Its
    length in seconds.
    """
    once = path.with_suffix(".once.mp4")
    rng = np.random.default_rng(1)
    grain = rng.integers(0, 255, (360, 640), np.uint8).repeat(2, 0).repeat(2, 1)
    options = {"preset": "ultrafast", "g": str(2 * RATE), "b": "20M", "bf": "0"}
    with av.open(str(once), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate = 20_000_000
        for at in range(10 * RATE):
            picture = np.roll(grain, (4 * at, 7 * at), axis=(0, 1))
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    seconds = _repeat(once, path, size)
    once.unlink()
    return seconds


def _repeat(once: Path, path: Path, size: int) -> float:
    """The packets of a clip, again and again, until the file is large enough; its seconds."""
    written, shift = 0, 0
    with av.open(str(path), "w") as target:
        with av.open(str(once)) as source:
            stream = target.add_stream_from_template(source.streams.video[0])
        while written < size:
            with av.open(str(once)) as source:
                video = source.streams.video[0]
                assert video.time_base is not None
                assert video.duration is not None
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    written += packet.size
                    target.mux(packet)
                shift += video.duration
                seconds = float(shift * Fraction(video.time_base))
    return seconds


def fill(config: Config, clip: Path, seconds: float, count: int) -> None:
    """Enters ``count`` waiting episodes of the clip, each flagged past its middle."""
    record = open_record(config.record)
    with record.begin() as session:
        for number in range(1, count + 1):
            session.add(
                Episode(
                    id=number,
                    content=f"c-{number}",
                    path=str(clip),
                    format="mp4",
                    started_at=LANDED,
                    worked_on=LANDED.date(),
                    landed_at=LANDED,
                    judged_at=LANDED,
                    duration_s=seconds,
                    verdict="suspect",
                    policy="house@00000000",
                    decision=None,
                )
            )
            session.flush()
            session.add(
                Stream(
                    episode_id=number,
                    name="observation.images.head",
                    kind="video",
                    count=round(seconds * RATE),
                    rate_hz=float(RATE),
                    file=str(clip),
                    file_start_s=0.0,
                    file_end_s=seconds,
                )
            )
            session.add(
                Finding(
                    episode_id=number,
                    check="blur",
                    grade="suspect",
                    stream="observation.images.head",
                    start_s=round(seconds * 0.6 + number * 0.7, 2),
                    end_s=round(seconds * 0.6 + number * 0.7 + 3, 2),
                    measured=3.0,
                    limit=1.0,
                    unit="s",
                    message="head: out of focus for 3.0 s (limit 1 s): clean the lens",
                )
            )
    record.close()


def _in_browser(config: Config, count: int, size: int) -> Iterator[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    port = free_port()
    env = os.environ | config.to_environment()
    with (config.data / "server.log").open("wb") as log:
        server = subprocess.Popen(command(port), cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/healthz", server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("DAILIES_TEST_CHROMIUM") or "/usr/bin/chromium",
                args=["--no-sandbox", "--disable-gpu"],
            )
            page = browser.new_page(viewport={"width": 1600, "height": 1000})
            page.add_init_script(WATCH)
            page.goto(f"http://127.0.0.1:{port}/review")
            page.locator(".idle").wait_for(timeout=60_000)
            before = _memory_mb(server.pid)
            began = time.monotonic()
            page.keyboard.press("j")
            ready = ".stage:not(.ahead) video"
            page.locator(ready).wait_for(timeout=60_000)
            while page.locator(ready).evaluate("video => video.readyState < 2 || video.seeking"):
                page.wait_for_timeout(10)
            first_ms = round((time.monotonic() - began) * 1000)
            page.keyboard.press(" ")
            times = {}
            for name, looks_s in (("look of 2 s", LOOKS_S), ("look of 0.5 s", HURRIES_S)):
                page.wait_for_timeout(3000)
                page.evaluate("window.firstFrames = []")
                for done in range(1, count + 1):
                    page.wait_for_timeout(looks_s * 1000)
                    page.keyboard.press("a")
                    page.keyboard.press("1")
                    page.wait_for_function(f"window.firstFrames.length >= {done}", timeout=30_000)
                times[name] = [one["ms"] for one in page.evaluate("window.firstFrames")]
            after, peak = _memory_mb(server.pid), _memory_mb(server.pid, "VmHWM")
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
    megabytes = round(size / 1e6)
    for name, ms in times.items():
        yield {
            "name": f"first frame, {name}",
            "value": round(max(ms)),
            "unit": "ms at most",
            "median": round(statistics.median(ms)),
            "decisions": len(ms),
            "clip MB": megabytes,
        }
    yield {"name": "first frame, nothing ahead", "value": first_ms, "unit": "ms"}
    yield {
        "name": "server memory, growth",
        "value": round(after - before),
        "unit": "MB",
        "before": round(before),
        "after": round(after),
        "peak": round(peak),
        "clips": 2 * count + 2,
    }


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not answer (status {server.poll()})")


def _memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Memory of a process in MB, or its highest so far (VmHWM); from Linux's /proc."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (one for one in lines if one.startswith(f"{what}:"))
    return int(line.split()[1]) / 1024
