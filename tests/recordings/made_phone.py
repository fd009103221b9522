"""Makes what phones and GoPros write: turned, uneven, 10-bit, with sound, tracks and telemetry."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from made import HEIGHT, WIDTH, picture

TURNS = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
"""The matrix of a display that turns a picture clockwise by so many degrees (ISO 14496-12)."""


def turned(path: Path, degrees: int) -> Path:
    """Write into an mp4 that its picture is to be shown turned clockwise."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = TURNS[degrees]
    one = 1 << 16
    content[at : at + 36] = struct.pack(
        ">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(content)
    return path


def phone(
    path: Path,
    *,
    frames: int = 30,
    videos: int = 1,
    sounds: int = 1,
    telemetry: Sequence[bytes] = (),
) -> Path:
    """An mp4 with several streams of pictures and sound, and GoPro's payloads, one a second."""
    with av.open(str(path), "w") as container:
        shown = [container.add_stream("libx264", rate=30) for _ in range(videos)]
        for at, stream in enumerate(shown):
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.options = {"preset": "ultrafast", "crf": str(20 + at)}
        heard = [container.add_stream("aac", rate=16_000, layout="mono") for _ in range(sounds)]
        data = container.add_data_stream("bin_data") if telemetry else None
        if data is not None:
            data.time_base = Fraction(1, 1000)
            data.metadata["handler_name"] = "GoPro MET"
        for at in range(frames):
            for seed, stream in enumerate(shown):
                frame = av.VideoFrame.from_ndarray(picture(at, seed), format="rgb24")
                frame.pts, frame.time_base = at, Fraction(1, 30)
                container.mux(stream.encode(frame))
        noise = np.random.default_rng(1).normal(0, 0.02, frames * 16_000 // 30)
        for stream in heard:
            frame = av.AudioFrame.from_ndarray(
                noise.astype(np.float32)[None], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16_000, 0
            container.mux(stream.encode(frame))
        for stream in (*shown, *heard):
            container.mux(stream.encode())
        for second, payload in enumerate(telemetry):
            packet = av.Packet(payload)
            packet.stream, packet.time_base = data, Fraction(1, 1000)
            packet.pts = packet.dts = 1000 * second
            packet.duration = 1000
            container.mux(packet)
    return path


def entry(key: str, kind: str, size: int, body: bytes) -> bytes:
    """One entry of GPMF: key, type, size of a sample, number of them, samples, padding."""
    count = len(body) // size
    return (
        key.encode() + kind.encode() + bytes([size]) + count.to_bytes(2, "big")
        + body + bytes(-len(body) % 4)
    )  # fmt: skip


def nest(key: str, *entries: bytes) -> bytes:
    """Entries in another."""
    return entry(key, "\0", 1, b"".join(entries))


def sensor(key: str, samples: np.ndarray, scale: int = 1000) -> bytes:
    """A stream of GPMF: whole numbers of 16 bits (n, d) and what they are divided by."""
    return nest(
        "STRM",
        entry("SCAL", "s", 2, scale.to_bytes(2, "big")),
        entry(key, "s", 2 * samples.shape[1], samples.astype(">i2").tobytes()),
    )


def gps(utc: str, *, fix: int = 3) -> bytes:
    """A stream of GPMF with one place, and the time of the GPS."""
    place = struct.pack(">5i", 387_140_000, -91_400_000, 12_000, 1500, 2500)
    return nest(
        "STRM",
        entry("GPSF", "L", 4, fix.to_bytes(4, "big")),
        entry("GPSU", "U", 16, utc.encode()),
        entry("SCAL", "l", 4, struct.pack(">5i", 10**7, 10**7, 1000, 1000, 100)),
        entry("GPS5", "l", 20, place),
    )


def device(*streams: bytes) -> bytes:
    """A payload."""
    return nest("DEVC", entry("DVNM", "c", 1, b"Camera"), *streams)
