"""Turning drawn pictures into the files that a recorder would have written, spoiled or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from jobs.example.scene import Floats, Picture

RATE_HZ = 30
TICKS = 90_000
"""The container's clock, in ticks a second."""

Yuv = npt.NDArray[np.uint8]
"""A picture as planar YUV 4:2:0, of shape (height * 3 / 2, width)."""

Pictures = Iterator[Yuv]


@dataclass(frozen=True)
class Spoil:
    """What is wrong with one camera. Spans are (start, end) in seconds of the recording's clock.

    ``lag_s`` is how late the pictures are against the clock, ``drift_s`` how late they have become
    by the end. ``dropped`` pictures leave a gap in the times; ``hidden`` ones do not, as the
    recorder stamps what is left at a constant rate. ``soft_px`` is the sigma of the defocus.
    """

    blurred: tuple[float, float] | None = None
    soft_px: float = 3.6
    frozen: tuple[float, float] | None = None
    black: tuple[float, float] | None = None
    bright: tuple[float, float] | None = None
    dark: tuple[float, float] | None = None
    dropped: tuple[tuple[float, float], ...] = ()
    hidden: tuple[tuple[float, float], ...] = ()
    lag_s: float = 0.0
    drift_s: float = 0.0


CLEAN = Spoil()


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera's pictures to be: ``seen_s`` is when each is taken, ``shown_s`` its time stamp."""

    seen_s: Floats
    shown_s: Floats
    clock_s: Floats  # where each stands on the recording's clock, for spans

    @classmethod
    def of(cls, duration_s: float, spoil: Spoil) -> Shot:
        """The pictures of a clip under what is wrong with its camera."""
        clock = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
        seen = clock - spoil.lag_s - spoil.drift_s * clock / duration_s
        kept = ~_within(clock, (*spoil.dropped, *spoil.hidden))
        hidden = ~_within(clock, spoil.hidden)
        # counting only what a hidden drop has left stamps the rest at a constant rate
        shown = (np.cumsum(hidden) - 1) / RATE_HZ
        return cls(seen[kept], shown[kept], clock[kept])


def encode(
    path: Path,
    shown_s: Floats,
    pictures: Pictures,
    *,
    whole_first: bool = True,
    key_every: int = 250,
) -> None:
    """Write pictures with their time stamps as H.264 in mp4.

    With ``whole_first`` the index of the file lies at its beginning, so that a file that breaks
    off can be played up to there. ``key_every`` is how many pictures a key frame is good for;
    250 is what recorders get that leave it to the encoder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "+faststart"} if whole_first else {}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = None
        for shown, picture in zip(shown_s.tolist(), pictures, strict=True):
            if stream is None:
                stream = container.add_stream(
                    "libx264",
                    rate=RATE_HZ,
                    options={
                        "preset": "ultrafast",
                        "crf": "24",
                        "threads": "1",
                        "g": str(key_every),
                    },
                )
                rows, stream.width = picture.shape
                stream.height = rows * 2 // 3
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = Fraction(1, TICKS)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = round(shown * TICKS)
            frame.time_base = Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def break_off(path: Path, share: float) -> None:
    """Cut a file off after a share of its bytes, as an upload does that was interrupted."""
    whole = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(round(whole * share))


def developed(
    shot: Shot, draw: Callable[[int], Picture], rng: np.random.Generator, spoil: Spoil
) -> Pictures:
    """A shot's pictures as the sensor gives them: exposure, focus, noise, and what went wrong.

    ``draw`` gives the picture of an index into the shot.
    """
    noise: list[npt.NDArray[np.int8]] = []
    last: Yuv | None = None
    for index, clock in enumerate(shot.clock_s.tolist()):
        if last is not None and _inside(clock, spoil.frozen):
            yield last
            continue
        picture = draw(index)
        if _inside(clock, spoil.blurred):
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), spoil.soft_px), np.uint8)
        yuv: Yuv = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        yuv = _exposed(yuv, clock, spoil)
        if not noise:
            noise = [_grain(rng, yuv.shape) for _ in range(6)]
        last = np.asarray(cv2.add(yuv, noise[int(rng.integers(6))], dtype=cv2.CV_8U), np.uint8)
        yield last


def _exposed(yuv: Yuv, clock: float, spoil: Spoil) -> Yuv:
    """Too much or too little light, or none; colour goes with it."""
    luma_rows = yuv.shape[0] * 2 // 3
    if _inside(clock, spoil.black):
        gain, lift = 0.0, 16.0
    elif _inside(clock, spoil.bright):
        gain, lift = 1.9, 105.0
    elif _inside(clock, spoil.dark):
        gain, lift = 0.13, 18.0
    else:
        return yuv
    changed = yuv.copy()
    luma = yuv[:luma_rows]
    changed[:luma_rows] = cv2.addWeighted(luma, gain, luma, 0.0, lift)
    changed[luma_rows:] = 128 + ((yuv[luma_rows:].astype(np.int16) - 128) * min(gain, 0.2)).astype(
        np.int16
    )
    return changed


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """A sensor's noise: two levels in luma, less in colour."""
    grain = rng.normal(0, 2.0, shape)
    grain[shape[0] * 2 // 3 :] *= 0.4
    return np.clip(np.round(grain), -12, 12).astype(np.int8)


def _inside(clock: float, span: tuple[float, float] | None) -> bool:
    return span is not None and span[0] <= clock < span[1]


def _within(clock: Floats, spans: tuple[tuple[float, float], ...]) -> npt.NDArray[np.bool_]:
    hit = np.zeros(len(clock), np.bool_)
    for start, end in spans:
        hit |= (clock >= start) & (clock < end)
    return hit
