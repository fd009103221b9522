"""Video clips to measure with: a textured scene that a camera pans over, really encoded."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

GREY = 110
SPREAD = 45.0


def make_clip(
    path: Path,
    *,
    seconds: float,
    width: int = 640,
    height: int = 480,
    rate: int = 30,
    seed: int = 0,
    preset: str = "veryfast",
    group: int = 250,
    codec: str = "libx264",
    noise: float = 0.0,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Encode ``seconds`` of H.264, or by another ``codec``, at ``path``, other for each ``seed``.

    A key picture comes every ``group`` pictures at most. ``preset`` is one of the codec's.
    ``noise`` is a sensor's, the standard deviation of each pixel in codes; ``options`` are more of
    the codec's.
    """
    scene = _scene(width, height, seed)
    grain = _grain(width, height, noise, seed) if noise else []
    count = round(seconds * rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": preset, "crf": "23", "g": str(group), **(options or {})}
        for index in range(count):
            view = _view(scene, width, height, index / rate)
            if grain:  # another part of it each time: so few would be seen to come again
                part = np.roll(grain[index % len(grain)], 97 * index, axis=1)
                view = np.asarray(cv2.add(view, part, dtype=cv2.CV_8U), np.uint8)
            frame = av.VideoFrame.from_ndarray(view, "gray8")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def repeat_clip(clip: Path, path: Path, times: int) -> Path:
    """Write ``clip`` ``times`` times after one another, without encoding it anew."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        stream = source.streams.video[0]
        length = _length(clip)
        copied = container.add_stream_from_template(stream)
        for round_ in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.dts += round_ * length
                packet.pts += round_ * length
                packet.stream = copied
                container.mux(packet)
    return path


def _length(clip: Path) -> int:
    """How many ticks of its time base a clip lasts."""
    with av.open(str(clip)) as source:
        stream = source.streams.video[0]
        rate = stream.average_rate or Fraction(30)
        return round(stream.frames / rate / (stream.time_base or Fraction(1, 90000)))


def _grain(width: int, height: int, noise: float, seed: int) -> list[npt.NDArray[np.int16]]:
    rng = np.random.default_rng(1000 + seed)
    drawn = (rng.normal(0, noise, (height, width)) for _ in range(16))
    return [np.rint(one).astype(np.int16) for one in drawn]


def _scene(width: int, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """A picture larger than the view: blots of several sizes, as a cluttered table gives."""
    rng = np.random.default_rng(seed)
    shape = (height + 160, width + 160)
    layers = [
        cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), sigma) * sigma
        for sigma in (1.0, 4.0, 16.0)
    ]
    scene = np.sum(layers, axis=0)
    scaled = np.clip(GREY + SPREAD * scene / scene.std(), 0, 255)
    return np.asarray(scaled, dtype=np.uint8)


def _view(
    scene: npt.NDArray[np.uint8], width: int, height: int, at_s: float
) -> npt.NDArray[np.uint8]:
    """What the camera sees at a time: it circles over the scene at an even speed."""
    angle = 0.9 * at_s
    x = 80 + 70 * np.cos(angle) + (width - 1) / 2
    y = 80 + 70 * np.sin(angle) + (height - 1) / 2
    view = cv2.getRectSubPix(scene, (width, height), (float(x), float(y)))
    return np.asarray(view, dtype=np.uint8)
