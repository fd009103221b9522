"""How well lost frames and drifts are told by content, on made scenes with what is true known.

Run ``dailies bench sync``. A camera sweeps past a textured wall, as one on a wrist does, driven by
two made joints that move with rests. Frames are taken out before encoding, so that the times,
which are made by counting, show nothing. ``sync_arms`` adds arms of seven joints.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.sync_arms import arms
from dailies.recordings.contract import Camera, Episode, Series, VideoFile
from dailies.words import NS
from quality.checks import BY_NAME
from quality.measures import Measurements
from quality.measures import measure as measured_of
from quality.policy import Policy

WIDTH, HEIGHT, RATE_HZ = 320, 240, 30
CODECS = {
    "H.264": ("libx264", {"crf": "23", "preset": "veryfast"}),
    "AV1": ("libsvtav1", {"crf": "30", "g": "2", "preset": "12"}),
}
LOST = (1, 1, 2, 1, 3, 1, 5, 1, 1, 8)
"""Frames taken out at one place after another, over a second apart."""
MOVES_PX = 1.5
"""Slower than this, in pixels a picture, the scene is taken to rest."""
PPM = (0, 300, 1_000, 3_000, 10_000)

Floats = npt.NDArray[np.float64]
Planes = npt.NDArray[np.uint8]


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Recall of lost frames by codec and count, whole clips flagged, and errors of drifts."""
    seeds = range(6 if full else 2)
    with tempfile.TemporaryDirectory() as folder:
        for codec, (encoder, _) in CODECS.items():
            if encoder not in av.codecs_available:
                tell(f"no encoder {encoder}")
                continue
            yield from _drops(Path(folder) / "drops.mp4", codec, seeds)
        yield from _drifts(Path(folder) / "drift.mp4", seeds)
        yield from arms(Path(folder), 12 if full else 2, tell)


def _drops(path: Path, codec: str, seeds: range) -> Iterator[dict[str, Any]]:
    found: dict[str, list[bool]] = {"1": [], "2 and 3": [], "5 and 8": []}
    flagged = 0
    for seed in seeds:
        poses = _poses(seed, 20.0)
        kept, places = _thinned(np.random.default_rng(seed), len(poses))
        flagged += bool(_flagged(_film(path, poses, seed, codec)))
        at = _flagged(_film(path, poses[kept], seed, codec))
        speeds = np.abs(np.diff(poses, axis=0)).max(axis=1)
        for place, count in places:
            before = int(kept[place - 1])
            if min(speeds[before - 1], speeds[before + count + 1]) < MOVES_PX:
                continue
            kind = "1" if count == 1 else "2 and 3" if count < 4 else "5 and 8"
            found[kind].append(any(abs(place - one) <= 1 for one in at))
    for kind, hits in found.items():
        yield {
            "name": f"lost frames found, {kind}",
            "ratio": round(float(np.mean(hits)), 2) if hits else None,
            "unit": "of places",
            "codec": codec,
            "places": len(hits),
        }
    name = "whole clips flagged"
    yield {"name": name, "value": flagged, "unit": "clips", "codec": codec, "of": len(seeds)}


def _drifts(path: Path, seeds: range) -> Iterator[dict[str, Any]]:
    for ppm in PPM:
        told, errors = 0, []
        for seed in seeds:
            times_s = np.arange(60 * RATE_HZ) / RATE_HZ
            late_s = 0.08 + ppm / 1e6 * (times_s - 30)
            poses = _poses(seed, 60.0)
            shown = np.column_stack([np.interp(times_s - late_s, times_s, one) for one in poses.T])
            sync = _film(path, shown, seed, "H.264", poses).sync[0]
            told += bool(sync.drift_ppm)
            errors.append(abs((sync.drift_ppm or 0.0) - ppm))
        yield {
            "name": f"drift of {ppm} ppm in a minute",
            "value": round(float(np.max(errors))),
            "unit": "ppm off at most",
            "told": told,
            "of": len(seeds),
        }


def _poses(seed: int, length_s: float) -> Floats:
    """Two joints that move from place to place with rests, in pixels of the wall; (n, 2)."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    columns = []
    for reach in (WIDTH / 3, HEIGHT / 3):
        ends_s = np.cumsum(rng.uniform(0.4, 1.8, round(length_s / 0.4) + 2))
        places = rng.uniform(0, reach, len(ends_s))
        rests = rng.random(len(ends_s)) < 0.3
        places[1:] = np.where(rests[1:], places[:-1], places[1:])
        at = np.searchsorted(ends_s, times_s, "right")
        starts_s = np.concatenate([[0.0], ends_s])
        share = (times_s - starts_s[at]) / (starts_s[at + 1] - starts_s[at])
        eased = share**3 * (10 - 15 * share + 6 * share**2)
        before = np.concatenate([places[:1], places])
        columns.append(before[at] + (before[at + 1] - before[at]) * eased)
    return np.column_stack(columns)


def _thinned(
    rng: np.random.Generator, count: int
) -> tuple[npt.NDArray[np.intp], list[tuple[int, int]]]:
    """Numbers of the pictures kept, and where in them how many are missing."""
    kept, places, at = np.ones(count, np.bool_), [], 30
    for lost in LOST:
        at += int(rng.integers(32, 50))
        if at + lost > count - 20:
            break
        kept[at : at + lost] = False
        places.append((int(kept[:at].sum()), lost))
        at += lost
    return np.flatnonzero(kept), places


def _film(
    path: Path, shown: Floats, seed: int, codec: str, poses: Floats | None = None
) -> Measurements:
    """What is measured of a camera at ``shown``, beside joints at ``poses`` where given."""
    encoder, options = CODECS[codec]
    rng = np.random.default_rng(seed)
    wall = _wall(rng)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=RATE_HZ, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for x, y in shown:
            # between pixels, as a lens does: whole ones would make slow motion jerk
            moved = np.array([[1, 0, x], [0, 1, y]], np.float32)
            seen = cv2.warpAffine(
                wall, moved, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            )
            planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            planes[:HEIGHT] = np.clip(seen + rng.normal(0, 2, seen.shape), 0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    series = () if poses is None else (_joints(poses),)
    return measured_of(Episode(path, 0, "made", (Camera("wrist", VideoFile(path)),), series))


def _wall(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A surface with large and small structure, (2 HEIGHT, 2 WIDTH)."""
    wall = np.full((2 * HEIGHT, 2 * WIDTH), 120, np.float32)
    for size, depth in ((4, 12), (16, 25), (64, 35)):
        rough = rng.normal(0, depth, (wall.shape[0] // size + 2, wall.shape[1] // size + 2))
        wall += cv2.resize(
            rough.astype(np.float32), wall.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
    return wall


def _joints(poses: Floats) -> Series:
    times_ns = np.round(np.arange(len(poses)) * NS / RATE_HZ).astype(np.int64)
    return Series("joints", times_ns, poses, ("pan", "tilt"), "measured", "state")


def _flagged(measured: Measurements) -> list[int]:
    """The pictures before which frames are said to be missing."""
    limits = Policy.load().limits_for()["dropped_frames"]
    flags = list(BY_NAME["dropped_frames"].function(measured, limits))
    spans = [(round(f.span.start_ns * RATE_HZ / NS), f.span.end_ns * RATE_HZ / NS) for f in flags]
    return [at for start, end in spans for at in range(start + 1, round(end) + 1)]
