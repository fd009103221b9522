"""Access units of a video stream, each handed over by itself."""

from __future__ import annotations

from typing import Any

import av

from dailies.recordings.contract import Coding

_BY_NAME = {"av1": ("libdav1d", "libaom-av1", "av1")}
"""Decoders that go by another name than what they decode; FFmpeg's own for AV1 needs hardware."""


def unit_decoder(coding: Coding, *, threads: int = 0) -> Any:
    """A decoder (av.CodecContext) for access units; ``threads`` 0 means as FFmpeg likes.

    Raises av.FFmpegError, or ValueError, where this FFmpeg has none.
    """
    names = _BY_NAME.get(coding, (coding,))
    name = next((one for one in names if one in av.codecs_available), coding)
    decoder: Any = av.CodecContext.create(name, "r")
    decoder.thread_type, decoder.thread_count = "AUTO", threads
    return decoder
