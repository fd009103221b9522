"""Pictures in messages: how they are coded, and the coded bytes or planes themselves."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dailies.recordings.contract import Coding
from dailies.recordings.messages import Topic

Picture = bytes | npt.NDArray[np.uint8]

VIDEOS = frozenset({"CompressedVideo", "FFMPEGPacket"})
TYPES = VIDEOS | {"CompressedImage", "Image", "RawImage"}
"""Types of messages that carry one picture each."""

STREAMS: Mapping[str, Coding] = {
    "h264": "h264", "avc": "h264", "libx264": "h264", "h264_nvenc": "h264", "h264_vaapi": "h264",
    "h265": "hevc", "hevc": "hevc", "libx265": "hevc", "hevc_nvenc": "hevc", "hevc_vaapi": "hevc",
    "av1": "av1", "libsvtav1": "av1", "libaom-av1": "av1", "vp9": "vp9", "libvpx-vp9": "vp9",
}  # fmt: skip
"""Names under which messages give the coding of a video stream."""

DEPTHS = frozenset({"16uc1", "16sc1", "32fc1", "mono16"})
"""Encodings of pictures that are no pictures of a camera: distances, or 16 bits of something."""

_YUV: Mapping[str, int] = {
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "yuy2": cv2.COLOR_YUV2RGB_YUY2,
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "nv21": cv2.COLOR_YUV2RGB_NV21,
    "i420": cv2.COLOR_YUV2RGB_I420,
    "yuv420": cv2.COLOR_YUV2RGB_I420,
}
_BAYER: Mapping[str, int] = {  # OpenCV names a pattern by its second row
    "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
}
_CHANNELS: Mapping[str, int] = {
    "mono8": 1, "8uc1": 1, "rgb8": 3, "bgr8": 3, "8uc3": 3, "rgba8": 4, "bgra8": 4, "8uc4": 4,
}  # fmt: skip
_REORDERED: Mapping[str, int] = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "8uc3": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "8uc4": cv2.COLOR_BGRA2RGB,
}


def coding_of(topic: Topic, message: Any) -> Coding | None:
    """How a message's picture is coded, None where it is none of a camera: depth, or unknown."""
    if topic.type in ("Image", "RawImage"):
        encoding = str(_get(message, "encoding") or "").lower()
        return "raw" if encoding in {*_CHANNELS, *_YUV, *_BAYER} else None
    name = _format(message)
    if topic.type in VIDEOS:
        return STREAMS.get(name.split(";")[0].strip())
    if "compresseddepth" in name or name.split(";")[0].strip() in DEPTHS:
        return None
    return STREAMS.get(name, "still")


def unknown_coding(topic: Topic, message: Any) -> str | None:
    """The name that a message gives the coding of its video, where that is not known; else None."""
    if topic.type in VIDEOS and coding_of(topic, message) is None:
        return _format(message)
    return None


def _format(message: Any) -> str:
    return str(_get(message, "format") or _get(message, "encoding") or "").lower()


def content_of(topic: Topic, message: Any) -> Picture | None:
    """The coded bytes of a message's picture, or its planes; None where it holds none.

    Raises ValueError where a raw picture's size and its bytes do not fit each other.
    """
    data = payload_of(message)
    if not len(data):
        return None
    if topic.type in ("Image", "RawImage"):
        return _raw(message, np.frombuffer(data, np.uint8))
    return data.tobytes() if isinstance(data, np.ndarray) else bytes(data)


def payload_of(message: Any) -> Any:
    """The bytes of a message's picture, as bytes or as an array of them; empty where it has none.

    Raises ValueError where JSON holds no Base64.
    """
    data = _get(message, "data")
    if isinstance(data, str):
        return base64.b64decode(data)
    return b"" if data is None else data


def _raw(message: Any, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    encoding = str(_get(message, "encoding")).lower()
    height, width = int(_get(message, "height")), int(_get(message, "width"))
    step = int(_get(message, "step") or 0)
    if encoding in _CHANNELS:
        planes = _rows(data, height, width * _CHANNELS[encoding], step)
        planes = planes.reshape(height, width, -1)
        if _CHANNELS[encoding] == 1:
            return np.ascontiguousarray(planes[:, :, 0])
        if encoding in _REORDERED:
            return cv2.cvtColor(np.ascontiguousarray(planes), _REORDERED[encoding])  # type: ignore[return-value]
        return np.ascontiguousarray(planes)
    if encoding in _BAYER:
        return cv2.cvtColor(_rows(data, height, width, step), _BAYER[encoding])  # type: ignore[return-value]
    if encoding in ("nv12", "nv21", "i420", "yuv420"):
        planes = _rows(data, height * 3 // 2, width, step)
    else:
        planes = _rows(data, height, width * 2, step).reshape(height, width, 2)
    return cv2.cvtColor(np.ascontiguousarray(planes), _YUV[encoding])  # type: ignore[return-value]


def _rows(data: npt.NDArray[np.uint8], height: int, row: int, step: int) -> npt.NDArray[np.uint8]:
    """The picture's rows, shape (height, row), without what pads each of them to ``step`` bytes."""
    step = max(step, row)
    if data.size < step * height:
        raise ValueError(f"it holds {data.size} bytes where its size makes {step * height}")
    return np.ascontiguousarray(data[: step * height].reshape(height, step)[:, :row])


def _get(message: Any, name: str) -> Any:
    return message.get(name) if isinstance(message, dict) else getattr(message, name, None)
