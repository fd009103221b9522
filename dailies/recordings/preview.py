"""A video that a browser plays, of pictures that do not lie in one: carried by a log, or stills."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from dailies.recordings.contract import Camera, Carried, CarriedPicture, StillsFile, VideoFile
from dailies.recordings.files import READ_ERRORS
from dailies.recordings.stills import stills_in
from dailies.recordings.units import unit_decoder
from dailies.words import NS

WIDTH = 640
"""Most pixels in a row of an encoded preview; pictures that are smaller stay as they are."""

OPTIONS = {"preset": "veryfast", "crf": "28"}
TICK = Fraction(1, 90_000)
"""Time base of the video: MPEG's, in which every usual rate is whole."""

PLAYED = ("yuv420p", "yuvj420p")
"""Pixel formats of H.264 that every browser plays."""

_ERRORS = (*READ_ERRORS, av.FFmpegError, cv2.error, RuntimeError)
_KEY = re.compile(rb"\x00\x00\x01[\x05\x25\x45\x65]")  # the head of a NAL unit of type 5 (IDR)
_LOOKED_AT = 300  # units within which a stream of access units must have a key frame

Drawn = tuple[int, VideoFrame]


def preview(camera: Camera, to: Path) -> bool:
    """Write an mp4 (H.264) with a carried or stills camera's pictures, each at its own time.

    H.264 is copied as it is, anything else encoded at most ``WIDTH`` wide; one picture is in memory
    at a time. False where there is none to write, or the pictures are in a video file already;
    nothing is left at ``to`` then. Damaged pictures are left out. Never raises for damage.
    """
    passing = to.with_name(to.name + ".part")
    try:
        if not _write(camera, passing):
            return False
        passing.replace(to)
        return True
    except _ERRORS:
        return False
    finally:
        passing.unlink(missing_ok=True)


def _write(camera: Camera, to: Path) -> bool:
    source = camera.source
    if isinstance(source, StillsFile):
        return _encoded(_stills(source, camera.declared_rate_hz or 30.0), to)
    if source is None or isinstance(source, VideoFile):
        return False
    if source.coding == "h264" and _remuxed(source, to):
        return True
    if source.coding in ("still", "raw"):
        return _encoded(_single(source), to)
    return _encoded(_decoded(source), to)


def _remuxed(source: Carried, to: Path) -> bool:
    """Copy the access units from the first key frame on; False where no browser would play them."""
    pictures = source.pictures()
    skipped = range(_LOOKED_AT)
    first = next((one for one, _ in zip(pictures, skipped, strict=False) if _is_key(one)), None)
    if first is None or not isinstance(first.content, bytes):
        return False
    with contextlib.ExitStack() as opened:
        like = opened.enter_context(av.open(io.BytesIO(first.content * 2), format="h264"))
        if like.streams.video[0].pix_fmt not in PLAYED:
            return False
        out = opened.enter_context(av.open(str(to), "w", format="mp4"))
        stream = out.add_stream_from_template(like.streams.video[0])
        stream.time_base = TICK
        before = -1
        for picture in itertools.chain([first], pictures):
            if isinstance(picture.content, bytes) and picture.content:
                packet = av.Packet(picture.content)
                packet.stream, packet.time_base = stream, TICK
                before = max(_ticks(picture.time_ns), before + 1)
                packet.pts = packet.dts = before
                packet.is_keyframe = _is_key(picture)
                out.mux(packet)
    return True


def _is_key(picture: CarriedPicture) -> bool:
    return isinstance(picture.content, bytes) and _KEY.search(picture.content) is not None


def _encoded(drawn: Iterator[Drawn], to: Path) -> bool:
    first = next(drawn, None)
    if first is None:
        return False
    width = min(first[1].width, WIDTH) // 2 * 2 or 2
    height = max(round(first[1].height * width / first[1].width / 2) * 2, 2)
    with av.open(str(to), "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=30, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = TICK
        stream.codec_context.max_b_frames = 0
        before = -1
        for time_ns, frame in itertools.chain([first], drawn):
            small = frame.reformat(width=width, height=height, format="yuv420p")
            before = max(_ticks(time_ns), before + 1)
            small.pts, small.time_base = before, TICK
            small.pict_type = 0
            out.mux(stream.encode(small))
        out.mux(stream.encode())
    return True


def _single(source: Carried) -> Iterator[Drawn]:
    for picture in source.pictures():
        content = picture.content
        frame = _raw(content) if isinstance(content, np.ndarray) else _still(content)
        if frame is not None:
            yield picture.time_ns, frame


def _stills(source: StillsFile, rate_hz: float) -> Iterator[Drawn]:
    for at, content in enumerate(stills_in(source)):
        frame = _still(content)
        if frame is not None:
            yield round(at * NS / rate_hz), frame


def _decoded(source: Carried) -> Iterator[Drawn]:
    decoder = unit_decoder(source.coding)
    for picture in source.pictures():
        if isinstance(picture.content, bytes) and picture.content:
            packet = av.Packet(picture.content)
            packet.pts, packet.time_base = picture.time_ns, Fraction(1, NS)
            yield from _frames(decoder, packet)
    yield from _frames(decoder, None)


def _frames(decoder: Any, packet: Any) -> Iterator[Drawn]:
    try:
        frames = decoder.decode(packet)
    except (av.FFmpegError, ValueError):
        return
    yield from ((frame.pts or 0, frame) for frame in frames)


def _still(content: bytes | None) -> VideoFrame | None:
    """A JPEG or PNG, drawn at half its size where it is twice as large as needed."""
    if not content:
        return None
    coded = np.frombuffer(content, np.uint8)
    try:
        drawn: Any = cv2.imdecode(coded, cv2.IMREAD_REDUCED_COLOR_2 if _is_large(content) else 1)
    except cv2.error:
        return None
    return VideoFrame.from_ndarray(drawn, format="bgr24") if drawn is not None else None


def _is_large(content: bytes) -> bool:
    """True for a JPEG of 1280 pixels or more in a row, which is drawn at half its size for free."""
    frame = re.search(rb"\xff[\xc0-\xc2]..\x08(..)(..)", content[:65536], re.DOTALL)
    return frame is not None and int.from_bytes(frame[2], "big") >= 2 * WIDTH


def _raw(content: npt.NDArray[np.uint8]) -> VideoFrame:
    whole: npt.NDArray[np.uint8] = np.ascontiguousarray(content)
    return VideoFrame.from_ndarray(whole, format="gray" if content.ndim == 2 else "rgb24")


def _ticks(time_ns: int) -> int:
    return round(max(time_ns, 0) / (NS * TICK))
