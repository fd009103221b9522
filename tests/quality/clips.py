"""Clips with a defect that can be seen, encoded by a real encoder."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from apart import encoded

Frame = npt.NDArray[np.uint8]
TICK = Fraction(1, 90_000)


def scene(count: int, *, width: int = 320, height: int = 240, speed: float = 3.0) -> list[Frame]:
    """A camera panning over a wall of sharp triangles, with a sensor's noise; grey, (h, w) each."""
    random = np.random.default_rng(7)
    wall = _wall(random, width + int(count * speed) + 2, height)
    return [_shot(wall, round(at * speed), width, height, random) for at in range(count)]


def still_scene(count: int, *, noise: float = 2.0) -> list[Frame]:
    """The same wall from a camera on a stand: only the sensor's noise changes."""
    random = np.random.default_rng(7)
    wall = _wall(random, 320, 240)
    return [_shot(wall, 0, 320, 240, random, noise) for _ in range(count)]


def _wall(random: np.random.Generator, width: int, height: int) -> npt.NDArray[np.float32]:
    """Sharp triangles of every size and direction, drawn at four times the size."""
    wall = np.full((height * 4, width * 4), 120, np.uint8)
    for _ in range(width * height // 1500):
        centre = random.uniform([0, 0], [width * 4, height * 4])
        corners = (centre + random.normal(0, 120, (3, 2))).astype(np.int32)
        cv2.fillPoly(wall, [corners], int(random.integers(40, 215)))
    small = cv2.resize(wall, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def _shot(
    wall: npt.NDArray[np.float32],
    left: int,
    width: int,
    height: int,
    random: np.random.Generator,
    noise: float = 2.0,
) -> Frame:
    view = wall[:height, left : left + width]
    return np.clip(view + random.normal(0, noise, view.shape), 0, 255).astype(np.uint8)


def blurred(frame: Frame, sigma: float) -> Frame:
    """The picture out of focus."""
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), dtype=np.uint8)


def write(
    path: Path,
    frames: Sequence[Frame],
    *,
    rate_hz: int = 30,
    seconds: Sequence[float] | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
) -> Path:
    """Encode grey frames at ``seconds`` (default: a grid of ``rate_hz``); gives ``path`` back."""
    stamps = [at / rate_hz for at in range(len(frames))] if seconds is None else seconds
    return encoded(codec, _encode, path, frames, rate_hz, stamps, codec, options, pixels)


def _encode(
    path: Path,
    frames: Sequence[Frame],
    rate_hz: int,
    stamps: Sequence[float],
    codec: str,
    options: dict[str, str] | None,
    pixels: str,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape
        stream.pix_fmt = pixels
        stream.codec_context.time_base = TICK
        stream.options = options or {"crf": "23", "preset": "veryfast"}
        for picture, at_s in zip(frames, stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format=pixels)
            frame.pts, frame.time_base = round(at_s / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
