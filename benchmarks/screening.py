"""Screening speed, as a ratio to bare decoding of the same file with the same threads in one run.

Bare decoding is PyAV's, of every frame, thrown away. Screening is all that ``dailies screen`` does:
open, fingerprint, decode and measure every frame, and judge under the house policy. Each round
decodes, screens and decodes again, and the ratio is the median of the rounds' own: a machine that
is quicker or slower for a while is so for both.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

from benchmarks.clips import make_clip
from jobs.screening import screen
from quality.policy import Policy

ROUNDS = 9
OTHERS = {
    "1080p": ("libx264", "veryfast", 1920, 1080),
    "720p_hevc": ("libx265", "ultrafast", 1280, 720),
    "1080p_hevc": ("libx265", "ultrafast", 1920, 1080),
    "720p_av1": ("libsvtav1", "10", 1280, 720),
    "1080p_av1": ("libsvtav1", "10", 1920, 1080),
}
"""What else recordings come as: encoder, preset, width and height."""
OTHERS_S = 20
CAMERA = {"b": "8M", "maxrate": "10M", "bufsize": "8M", "bf": "0"}
"""A camera's own encoder at 720p: 8 Mbit/s, no picture that waits for a later one."""
FILTERS = "blurdetect,freezedetect=n=0.001:d=2,blackdetect=d=2:pic_th=0.98:pix_th=0.1"


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Ratios for one thread and for as many as the decoder likes, at 720p and at 480p; with
    ``full`` also at 1080p and of other codecs.
    """
    seconds = 60 if full else 20
    policy = Policy.load()
    with tempfile.TemporaryDirectory() as folder:
        for name, width, height in (("720p", 1280, 720), ("480p", 640, 480)):
            tell(f"  encoding {seconds} s of {name}")
            clip = Path(folder) / f"{name}.mp4"
            make_clip(clip, seconds=seconds, width=width, height=height)
            for threads in (1, 0):
                yield _against_decoding(name, clip, threads, policy)
        tell(f"  encoding {seconds} s of 720p as a camera does")
        clip = Path(folder) / "720p_camera.mp4"
        make_clip(
            clip, seconds=seconds, width=1280, height=720, noise=2.5, group=30, options=CAMERA
        )
        for threads in (1, 0):
            yield _against_decoding("720p_camera", clip, threads, policy)
        for name, (codec, preset, width, height) in OTHERS.items() if full else ():
            if codec not in av.codecs_available:
                continue
            tell(f"  encoding {OTHERS_S} s of {name}")
            clip = Path(folder) / f"{name}.mp4"
            make_clip(
                clip, seconds=OTHERS_S, width=width, height=height, codec=codec, preset=preset
            )
            yield _against_decoding(name, clip, 0, policy)
        if shutil.which("ffmpeg"):
            yield _against_filters(Path(folder) / "720p.mp4", policy)


def decode(clip: Path, threads: int) -> int:
    """Decode a file's pictures and nothing else; how many there are."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        return sum(1 for _ in container.decode(stream))


def _screen(clip: Path, policy: Policy, threads: int) -> None:
    for screened in screen(clip, policy, threads=threads):
        assert screened.error is None, screened.error


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _against_decoding(name: str, clip: Path, threads: int, policy: Policy) -> dict[str, Any]:
    frames = decode(clip, threads)
    _screen(clip, policy, threads)
    rounds = [_round(clip, threads, policy) for _ in range(ROUNDS)]
    decoded_s, screened_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratios = sorted(decoding_s / screening_s for decoding_s, screening_s in rounds)
    return {
        "name": f"screening_{name}_{'auto' if threads == 0 else threads}_threads",
        "ratio": round(statistics.median(ratios), 3),
        "lowest": round(ratios[0], 3),
        "highest": round(ratios[-1], 3),
        "unit": "of bare decoding speed",
        "decoding_fps": round(frames / decoded_s),
        "screening_fps": round(frames / screened_s),
        "frames": frames,
        "rounds": ROUNDS,
    }


def _round(clip: Path, threads: int, policy: Policy) -> tuple[float, float]:
    """Seconds that decoding takes, the mean of before and after, and screening."""
    before_s = _timed(lambda: decode(clip, threads))
    screened_s = _timed(lambda: _screen(clip, policy, threads))
    return (before_s + _timed(lambda: decode(clip, threads))) / 2, screened_s


def _against_filters(clip: Path, policy: Policy) -> dict[str, Any]:
    command = ["ffmpeg", "-v", "error", "-i", str(clip), "-vf", FILTERS, "-f", "null", "-"]

    def filters() -> None:
        subprocess.run(command, check=True, capture_output=True)

    filters_s = _timed(filters)
    screened_s = statistics.median(_timed(lambda: _screen(clip, policy, 0)) for _ in range(3))
    return {
        "name": "screening_720p_against_ffmpeg",
        "ratio": round(filters_s / screened_s, 2),
        "unit": "times as fast",
        "filters": FILTERS,
    }
