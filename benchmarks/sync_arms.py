"""How exactly lags and drifts are told of a made arm, by a fixed camera and by one on the wrist.

Every arm is filmed once by each camera, in step with its joints. What is late, and what drifts, is
the joints' clock: they are given as they were at other instants, so that one film serves for every
offset and every part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt

from benchmarks.arm_views import HEIGHT, JOINTS, WIDTH, Grain, Motion, Place
from dailies.recordings.contract import Camera, Clock, Series, VideoFile
from dailies.words import NS
from quality.measures.decode import measure_camera
from quality.measures.sync import SyncMeasures, measure_sync
from quality.measures.together import evidence, lag_of

RATE_HZ, LENGTH_S = 30, 60.0
LENGTHS_S = (8.0, 20.0, 60.0)
PARTS = 3
"""Parts that are taken of a film at most, spread evenly over it."""
LATE_S = (0.0, 0.133)
EPISODE_S, EPISODES = 8.0, 7
"""Of one arm, which tell its lag together."""
PPM = (0, 300, 600, 1_000, 2_000, 3_000, 6_000, 10_000)
CODECS = (
    ("libx264", {"crf": "23", "preset": "veryfast"}),
    ("libsvtav1", {"crf": "30", "g": "2", "preset": "12"}),
)
BARE_EVERY = 4
"""One arm in so many stands before a bare wall."""
View = Literal["wrist", "fixed"]


@dataclass(frozen=True, eq=False)
class Filmed:
    """What is measured of a camera that sees an arm; arrays of shape (n,)."""

    name: str
    times_ns: npt.NDArray[np.int64]
    motion: npt.NDArray[np.float32]
    repeat: npt.NDArray[np.bool_]
    way: npt.NDArray[np.float32]
    clock: Clock = "grid"

    def part(self, start_s: float, length_s: float) -> Filmed:
        """So much of it from there on, as a recording of its own."""
        kept = (self.times_ns >= start_s * NS) & (self.times_ns < (start_s + length_s) * NS)
        motion = self.motion[kept].copy()
        motion[:1] = 0
        way = self.way[kept].copy()
        way[:1] = 0
        times_ns = self.times_ns[kept] - round(start_s * NS)
        return Filmed(self.name, times_ns, motion, self.repeat[kept], way)


def arms(folder: Path, count: int, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Errors of lags by length of the recording, and of drifts over a minute, for each camera."""
    motions = [Motion.made(1_000 + arm, length_s=LENGTH_S) for arm in range(count)]
    for view in ("wrist", "fixed"):
        films = []
        for arm, motion in enumerate(motions):
            tell(f"  {view} camera, arm {arm + 1} of {count}")
            films.append(_film(folder / "arm.mp4", motion, arm, view))
        for length_s in LENGTHS_S:
            yield _lags(films, motions, view, length_s)
        yield _together(films, motions, view)
        for ppm in PPM:
            yield _drifts(films, motions, view, ppm)


def _film(path: Path, motion: Motion, arm: int, view: View) -> Filmed:
    place = Place.bare() if arm % BARE_EVERY == BARE_EVERY - 1 else Place.furnished(arm)
    seen_by = place.wrist if view == "wrist" else place.fixed
    encoder, options = CODECS[arm % 2 if CODECS[1][0] in av.codecs_available else 0]
    grain = Grain(arm, 1 + 1.5 * (arm % 3))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=RATE_HZ, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pose in motion.at(np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ):
            picture = av.VideoFrame.from_ndarray(grain.on(seen_by(pose)), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    camera = measure_camera(Camera(view, VideoFile(path)))
    return Filmed(view, camera.times_ns, camera.motion, camera.repeat, camera.way)


def _joints(
    motion: Motion, start_s: float, length_s: float, late_s: float, ppm: float = 0.0
) -> Series:
    """The joints from there on, of which the camera is so late, and later by ``ppm``."""
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    at_s = start_s + times_s + late_s + ppm / 1e6 * (times_s - length_s / 2)
    times_ns = np.round(times_s * NS).astype(np.int64)
    return Series("joints", times_ns, motion.at(at_s), JOINTS, "measured", "state")


def _lags(
    films: list[Filmed], motions: list[Motion], view: View, length_s: float
) -> dict[str, Any]:
    errors_ms, asked = [], 0
    starts_s = np.unique(np.linspace(0, LENGTH_S - length_s, PARTS).astype(int)).tolist()
    for arm, (film, motion) in enumerate(zip(films, motions, strict=True)):
        for number, start_s in enumerate(starts_s):
            late_s = LATE_S[(arm + number) % len(LATE_S)]
            joints = _joints(motion, start_s, length_s, late_s)
            found = _compared(film.part(start_s, length_s), joints)
            asked += 1
            if found.offset_ms is not None:
                errors_ms.append(abs(found.offset_ms - late_s * 1e3))
    return {
        "name": f"lag of a {view} camera, {length_s:.0f} s",
        "value": round(float(np.median(errors_ms)), 1) if errors_ms else None,
        "unit": "ms off (median)",
        "p90_ms": round(float(np.quantile(errors_ms, 0.9)), 1) if errors_ms else None,
        "largest_ms": round(max(errors_ms), 1) if errors_ms else None,
        "told": len(errors_ms),
        "of": asked,
    }


def _together(films: list[Filmed], motions: list[Motion], view: View) -> dict[str, Any]:
    """Errors of the lag that all episodes of an arm tell together."""
    errors_ms, sigmas = [], []
    for arm, (film, motion) in enumerate(zip(films, motions, strict=True)):
        late_s = LATE_S[arm % len(LATE_S)]
        found = lag_of(
            [
                one
                for start_s in np.arange(EPISODES) * EPISODE_S
                for one in evidence(
                    [film.part(start_s, EPISODE_S)], [_joints(motion, start_s, EPISODE_S, late_s)]
                )
            ]
        )
        if found.offset_ms is not None:
            errors_ms.append(abs(found.offset_ms - late_s * 1e3))
            sigmas.append(errors_ms[-1] / (found.offset_error_ms or 1.0))
    return {
        "name": f"lag of a {view} camera, {EPISODES} episodes of {EPISODE_S:.0f} s together",
        "value": round(float(np.median(errors_ms)), 1) if errors_ms else None,
        "unit": "ms off (median)",
        "largest_ms": round(max(errors_ms), 1) if errors_ms else None,
        "largest_in_errors": round(max(sigmas), 1) if sigmas else None,
        "told": len(errors_ms),
        "of": len(films),
    }


def _drifts(films: list[Filmed], motions: list[Motion], view: View, ppm: int) -> dict[str, Any]:
    errors = []
    for film, motion in zip(films, motions, strict=True):
        found = _compared(film, _joints(motion, 0.0, LENGTH_S, 0.05, ppm))
        if found.drift_ppm:
            errors.append(abs(found.drift_ppm - ppm))
    within = sum(error <= 0.1 * ppm for error in errors)
    return {
        "name": f"drift of {ppm} ppm, {view} camera",
        "value": len(errors),
        "unit": "told",
        "of": len(films),
        "within_10_percent": within,
        "largest_ppm": round(max(errors)) if errors else None,
    }


def _compared(film: Filmed, joints: Series) -> SyncMeasures:
    return measure_sync([film], [joints])[0]
