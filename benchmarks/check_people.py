"""The cases of the checks that look for people, who are drawn into films of the made arm.

They are found by detectors of drawings (``people_drawn``), since no model comes with Dailies. See
``check_made`` for what a case is, and ``check_pictures`` for what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.check_films import RATE_HZ, film, scene, seen, unpacked
from benchmarks.check_made import Case, Curve, Made, Maker, Side
from benchmarks.people_drawn import DRAWN, with_back, with_face, with_hand
from benchmarks.planted import Frame
from dailies.words import NS
from quality.measures.decode import measure_camera
from quality.measures.detectors import Picture
from quality.measures.people import Looks
from quality.measures.pictures import Pictures

Who = Callable[[Picture, int, int, int], Picture]
Within = Callable[[float], bool]
"""Whether somebody is in the picture, at a time in seconds."""
PLACE = (24, 96, 120)
"""Left, top and size of who is drawn, in pixels."""


def _with(who: Who, seconds: int, is_there: Within, kind: str, middle_s: float) -> Maker:
    """A film in which somebody is there at some times, and what the detectors saw in it."""

    def make(folder: Path) -> Made:
        frames = tuple(
            _drawn(who, frame) if is_there(at / RATE_HZ) else frame
            for at, frame in enumerate(scene("arm", seconds * RATE_HZ))
        )
        camera = measure_camera(film(folder, frames), models=DRAWN)
        curve = _curve(camera, kind)
        return Made(seen(camera), (curve,), frames=frames, middle_s=middle_s, least=30.0)

    return make


def _drawn(who: Who, frame: Frame) -> Frame:
    picture = who(unpacked(frame), *PLACE)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def _curve(camera: Pictures, kind: str) -> Curve:
    """The largest one's width in % of the picture's, half-way to the looks before and after."""
    looks: Looks = getattr(camera, kind)
    times_s = looks.times_ns / NS
    between = (times_s[:-1] + times_s[1:]) / 2
    at_s = np.repeat(np.concatenate(([0.0], between, [camera.span.end_ns / NS])), 2)[1:-1]
    return Curve(f"width of the {kind}", at_s, np.repeat(looks.width * 100.0, 2))


_Filmed = partial(Case, ending="jpg")

PEOPLE: tuple[Case, ...] = (
    _Filmed(
        "face_in_view",
        Side("a face is seen for 3 s", _with(with_face, 8, lambda s: 3 <= s < 6, "faces", 4)),
        Side("a head from behind", _with(with_back, 8, lambda s: 3 <= s < 6, "faces", 4)),
        "% of the width",
        lambda limits: {"least": limits["width"]},
    ),
    _Filmed(
        "no_hand",
        Side("the hand is gone for 13 s", _with(with_hand, 20, lambda s: s < 7, "hands", 14)),
        Side(
            "the hand is gone for 6 s",
            _with(with_hand, 20, lambda s: not 7 <= s < 13, "hands", 16),
        ),
        "% of the width",
        asks={"require": 1},
    ),
)
