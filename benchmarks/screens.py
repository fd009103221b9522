"""How many filmed displays are found, by how fine their grid is in the video, and false alarms.

Clips are played on simulated displays that a hand-held camera films (``filmed_screens``), a film
for each size of the display's pixels, blur of the lens, and size and rate of the video; and the
clips themselves are screened as they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import planted
from benchmarks.filmed_screens import DISPLAYS, Shooting, film, write
from dailies.recordings.contract import Camera, VideoFile
from quality.checks import BY_NAME
from quality.measures import Measurements
from quality.measures.decode import measure_camera
from quality.policy import Policy

CHECK = "filmed_screen"
PIXELS_PX = (0.7, 1.0, 1.4, 2.0, 3.0, 4.0)
BLURS_PX = (0.35, 0.9)
VIDEOS = ((1280, 720, 8.0), (1280, 720, 4.0), (1920, 1080, 12.0))
"""Width, height and megabits a second."""
RATE_HZ = 5.0
COUNT = 26
RESOLVED_PX = 1.9
"""A display's pixels nominally twice the video's, of which a grid can be held."""


@dataclass(frozen=True)
class Case:
    """How one display was filmed, and whether it was found."""

    how: Shooting
    found: bool


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Recall by class; of three films for each class if ``full``, else of a few films."""
    with tempfile.TemporaryDirectory() as folder:
        clips = planted._clips(Path(folder), full=full)
        cases = []
        for how, clip in zip(_shootings(full=full), cycle(clips)):
            cases.append(Case(how, _is_found(Path(folder), clip, how)))
            tell(f"  {how.display.name}, {how.pixel_px:.2f} px: {cases[-1].found}")
        yield from _recalls(cases)
        yield _false(clips)


def _shootings(*, full: bool) -> Iterator[Shooting]:
    random = np.random.default_rng(20)
    classes = product(PIXELS_PX, BLURS_PX, VIDEOS)
    chosen = list(classes) if full else [(2.0, 0.35, VIDEOS[0]), (3.0, 0.9, VIDEOS[1])]
    for (pixel_px, blur_px, (width, height, mbit_s)), display in zip(chosen, cycle(DISPLAYS)):
        yield Shooting(
            display,
            pixel_px=pixel_px * float(random.uniform(0.95, 1.05)),
            blur_px=blur_px,
            width=width,
            height=height,
            mbit_s=mbit_s,
            roll_deg=float(random.uniform(-4, 4)),
            tilts=(float(random.uniform(-0.12, 0.12)), float(random.uniform(-0.1, 0.1))),
            sway_px=float(random.uniform(2, 10)),
            exposure_s=float(random.choice([1 / 120, 1 / 60, 1 / 40])),
            noise=float(random.uniform(1, 4)),
            sharpen=float(random.choice([0.0, 0.5, 1.0])),
            seed=int(random.integers(1 << 30)),
            rate_hz=RATE_HZ,
        )


def _is_found(folder: Path, clip: planted.Clip, how: Shooting) -> bool:
    at = (np.arange(COUNT) * clip.rate_hz / RATE_HZ).astype(int) % len(clip.frames)
    played = [np.asarray(cv2.cvtColor(clip.frames[one], cv2.COLOR_YUV2BGR_I420)) for one in at]
    return _flagged(write(folder / "film.mp4", film(played, how), how))


def _flagged(path: Path) -> bool:
    camera = measure_camera(Camera("front", VideoFile(path)), threads=1)
    limits = Policy.load().limits_for()[CHECK]
    return any(BY_NAME[CHECK].function(Measurements(cameras=(camera,)), limits))


def _recalls(cases: list[Case]) -> Iterator[dict[str, Any]]:
    resolved = [case for case in cases if case.how.pixel_px >= RESOLVED_PX]
    for nominal in PIXELS_PX:
        near = [case for case in cases if abs(case.how.pixel_px / nominal - 1) < 0.06]
        yield _recall(f"screens_{nominal:g}px", near)
    for blur_px in BLURS_PX:
        blurred = [case for case in resolved if case.how.blur_px == blur_px]
        yield _recall(f"screens_resolved_blur_{blur_px:g}px", blurred)
    for width, height, mbit_s in VIDEOS:
        video = [case for case in resolved if (case.how.width, case.how.mbit_s) == (width, mbit_s)]
        yield _recall(f"screens_resolved_{height}p_{mbit_s:g}mbit", video)
    yield _recall("screens_resolved", resolved)


def _recall(name: str, cases: list[Case]) -> dict[str, Any]:
    found = sum(case.found for case in cases)
    ratio = round(found / len(cases), 3) if cases else None
    return {"name": name, "ratio": ratio, "unit": "found", "films": len(cases)}


def _false(clips: list[planted.Clip]) -> dict[str, Any]:
    flagged = [clip.name for clip in clips if _flagged(clip.file)]
    return {
        "name": "screens_nothing",
        "value": len(flagged),
        "unit": "clean clips flagged as filmed screens",
        "clips": len(clips),
        "flagged": flagged,
    }
