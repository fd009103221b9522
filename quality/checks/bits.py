"""Pictures of which a codec was left too few bits to keep what they show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dailies.words import Flag
from quality.checks.check import Check, Finder, Limits
from quality.checks.remembered import once
from quality.checks.stretches import Floats, rolling_median, stretches
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.planes import REFERENCE_WIDTH

EFFICIENCY: Mapping[str, float] = {
    "h264": 1.0, "mpeg4": 1.0, "vp8": 1.0, "hevc": 1.6, "av1": 1.6, "vp9": 1.6,
}  # fmt: skip
"""What a bit of a key picture says in each codec, in bits of H.264; others are not judged."""
GOOD = 0.02
"""Bits a pixel that a level of texture takes in a key picture at 640 wide, in H.264 at crf 23 (18
clips: 0.018 and more). crf 30 leaves 0.010 to 0.016, 35 0.006 to 0.010, 40 0.004 to 0.0065."""
WIDER, NARROWER = 0.75, 0.4
"""The same scene has fewer details a pixel in a picture wider than 640, and more in a narrower one:
by these powers of the width (two clips encoded 320, 640 and 1280 wide, at crf 30 to 40)."""
SAID_BYTES: Mapping[str, int] = {"h264": 700, "hevc": 2000}
"""What an encoder may say of itself in the first packet (libx264, libx265)."""
FLAT = 2.0
"""Levels of texture under which a picture says nothing: the dark, a cap, a bare wall."""
DARK_SHARE = 0.9
DRAWN_CONTRAST = 75.0
"""Of a picture that is drawn (a test pattern, a title): that takes few bits at any quality. Those
of cameras, 49 clips at crf 45, have 67 at most."""


def too_few_bits(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which key pictures lack so much (%) of the bits that pictures of such
    texture take at good quality. Each stands for those up to the next one. Cameras of other codecs
    or whose size changes, and those measured before, are not judged.
    """
    for camera in measurements.cameras:
        missing = missing_bits(camera)
        for stretch in stretches(camera, np.nan_to_num(missing) >= limits.suspect):
            measured = float(np.nanmedian(missing[stretch.pictures]))
            grade = limits.grade(measured)
            if grade and stretch.seconds >= limits["min_s"]:
                said = (
                    f"{measured:.0f} % of the bits that such pictures take are missing for "
                    f"{stretch.seconds:.1f} s"
                )
                limit = limits.limit(grade)
                yield _FINDER.flag(grade, camera.name, stretch.span, measured, limit, said)


@once
def missing_bits(camera: Pictures) -> Floats:
    """What share (%) of the bits is missing at each picture, (n,); NaN where nothing tells."""
    efficiency = EFFICIENCY.get(_family(camera.codec))
    keys = camera.keys
    unknown = np.full(camera.count, np.nan)
    size = camera.coded_size
    if efficiency is None or size is None or not len(keys) or len(camera.key_bytes) != len(keys):
        return unknown
    coded = camera.key_bytes.astype(np.float64)
    coded[0] = max(coded[0] - SAID_BYTES.get(_family(camera.codec), 0), 1)
    texture = camera.texture[keys].astype(np.float64)
    wider = size[0] / REFERENCE_WIDTH
    details = wider ** (WIDER if wider > 1 else NARROWER)
    taken = 8 * coded / (size[0] * size[1]) / np.maximum(texture, FLAT) * details
    missing = 100 * np.clip(1 - efficiency * taken / GOOD, 0, 1)
    is_dark = camera.dark_share[keys] > DARK_SHARE
    missing[is_dark | (texture < FLAT) | (camera.contrast[keys] > DRAWN_CONTRAST)] = np.nan
    # a lone key picture may be of a moment that moves, and blurs
    missing = rolling_median(missing, 3) if len(missing) > 2 else missing
    shown = np.searchsorted(keys, np.arange(camera.count), side="right") - 1
    return np.where(shown >= 0, missing[np.maximum(shown, 0)], np.nan)


def _family(codec: str) -> str:
    """The codec that a decoder decodes: ``libdav1d`` is one of AV1."""
    return {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9"}.get(codec, codec)


TOO_FEW_BITS = Check(
    name="too_few_bits",
    says="The picture was compressed to too few bits: detail is smeared or falls into blocks.",
    unit="%",
    remedy="Raise the bit rate or the quality in the recorder's settings, and retake.",
    needs=("cameras.key_bytes", "cameras.texture", "cameras.contrast", "cameras.dark_share"),
    function=too_few_bits,
    settings=("min_s",),
)
_FINDER = Finder.of(TOO_FEW_BITS)
