"""How many defects of each kind are found that are planted into real clips, and how well.

Each kind is planted for two seconds into the middle of a clip, which is encoded anew with libx264,
and screened under the house policy; dirt on the lens all along it, into clips whose camera moves.
The same clip without a defect is its near miss. Printed for a kind are the share found (a flag of
the right check that meets the planted span), the share of those whose span overlaps by half
(intersection over union), and the clean clips that the check flags.
Clips are those of ``DAILIES_SAMPLES`` (default ../shared/samples beside the checkout), else made.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.clips import make_clip
from dailies.words import NS, Flag
from jobs.screening import screen
from quality.policy import Policy

Frame = npt.NDArray[np.uint8]
"""A picture as I420: the luma rows, then those of the two chroma planes, (3 h / 2, w)."""
DEFECT_S = 2.0
WIDEST = 640
LONGEST_S = 10.0
SHORTEST_S = 4.0
WHOLE_S = 30.0
FEW = ("bikes.mp4", "karma.mp4", "flipping_a_pancake.mkv", "episode_000001.mp4")
"""Clips that are taken unless all are asked for."""


@dataclass(frozen=True)
class Clip:
    """The pictures of a clip and its rate."""

    file: Path
    name: str
    frames: list[Frame]
    rate_hz: float


@dataclass(frozen=True)
class Shot:
    """Pictures to encode, with their times, and the pictures in [start, stop) that are spoilt."""

    frames: list[Frame]
    seconds: list[float]


Planter = Callable[[Clip, int, int], Shot]


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A result for each kind of defect; of all clips if ``full``, else of a few."""
    policy = Policy.load()
    with tempfile.TemporaryDirectory() as folder:
        clips = _clips(Path(folder), full=full)
        spans = [_span(clip) for clip in clips]
        tell(f"  {len(clips)} clips, {len(KINDS)} kinds of defect")
        clean = [_flags(kept(clip), clip, Path(folder), policy) for clip in clips]
        for kind, (checks, plant) in KINDS.items():
            tell(f"  planting {kind}")
            overlaps = []
            chosen = [at for at, clip in enumerate(clips) if kind not in DIRT or _moves(clip)]
            for clip, (start, stop) in ((clips[at], spans[at]) for at in chosen):
                if kind in DIRT:  # a view takes its time to pass by every part of the lens
                    clip = _read(clip.file, WHOLE_S)
                    start, stop = 0, len(clip.frames)
                flags = _flags(plant(clip, start, stop), clip, Path(folder), policy)
                overlaps.append(_overlap(flags, checks, start / clip.rate_hz, stop / clip.rate_hz))
            false = [clips[at].name for at, flags in enumerate(clean) if _of(flags, checks)]
            yield _result(kind, [clips[at] for at in chosen], overlaps, false)
        flagged = [clip.name for clip, flags in zip(clips, clean, strict=True) if flags]
        yield {
            "name": "planted_nothing",
            "value": len(flagged),
            "unit": "clean clips flagged by any check",
            "clips": len(clips),
            "flagged": flagged,
        }


def _result(
    kind: str, clips: Sequence[Clip], overlaps: list[float | None], false: list[str]
) -> dict[str, Any]:
    found = [overlap for overlap in overlaps if overlap is not None]
    return {
        "name": f"planted_{kind}",
        "ratio": round(len(found) / len(clips), 3) if clips else None,
        "unit": "found",
        "clips": len(clips),
        "overlap_by_half": round(statistics.fmean(o >= 0.5 for o in found), 3) if found else None,
        "false": false,
        "missed": [c.name for c, overlap in zip(clips, overlaps, strict=True) if overlap is None],
    }


def _clips(folder: Path, *, full: bool) -> list[Clip]:
    here = Path(__file__).resolve().parents[1]
    samples = Path(os.environ.get("DAILIES_SAMPLES", here.parent / "shared" / "samples"))
    parts = ("videos", "gopro", "lerobot_unitree_g1_v2.1", "lerobot_dobot_cr5_v2.1")
    files = [
        file
        for part in parts
        for file in sorted((samples / part).rglob("*.m[pk][4v]"))
        if file.name != "carphone_distorted.mp4"  # spoilt from the start
    ]
    if not full:
        files = list({file.name: file for file in reversed(files) if file.name in FEW}.values())
    if not files:
        files = [make_clip(folder / f"made-{seed}.mp4", seconds=6, seed=seed) for seed in range(3)]
    clips = (_read(file) for file in files)
    return [clip for clip in clips if len(clip.frames) >= SHORTEST_S * clip.rate_hz]


def _read(file: Path, longest_s: float = LONGEST_S) -> Clip:
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        rate_hz = float(stream.average_rate or 30)
        width = min(stream.width, WIDEST) // 4 * 4
        height = round(stream.height * width / stream.width / 4) * 4
        frames = [
            frame.reformat(width=width, height=height, format="yuv420p").to_ndarray()
            for frame in islice(container.decode(stream), int(longest_s * rate_hz))
        ]
    dataset = file.parents[3].name.split("_")[1] + "/" if file.name.startswith("episode") else ""
    return Clip(
        file, dataset + file.name, [np.asarray(frame, np.uint8) for frame in frames], rate_hz
    )


def _moves(clip: Clip) -> bool:
    """Whether the camera itself moves all the time, and shows no sky: told by eye."""
    return clip.name.startswith(("bikes", "dobot/", "made-"))


def _span(clip: Clip) -> tuple[int, int]:
    """The pictures in the middle that are spoilt."""
    length = round(DEFECT_S * clip.rate_hz)
    start = (len(clip.frames) - length) // 2
    return start, start + length


def _flags(shot: Shot, clip: Clip, folder: Path, policy: Policy) -> list[Flag]:
    path = write(folder / "planted.mp4", shot, clip.rate_hz)
    return [flag for screened in screen(path, policy) for flag in screened.verdict.flags]


def write(path: Path, shot: Shot, rate_hz: float, *, group: int = 250) -> Path:
    """Encode a shot with a key picture every ``group`` pictures at most; gives ``path`` back."""
    rows, width = shot.frames[0].shape
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, rows * 2 // 3, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.options = {"preset": "veryfast", "crf": "20", "g": str(group)}
        for picture, at_s in zip(shot.frames, shot.seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts, frame.time_base = round(at_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _of(flags: Sequence[Flag], checks: Sequence[str]) -> list[Flag]:
    return [flag for flag in flags if flag.check in checks and flag.span is not None]


def _overlap(
    flags: Sequence[Flag], checks: Sequence[str], start_s: float, end_s: float
) -> float | None:
    """The best intersection over union of a right flag with the planted span; None if none meets
    it."""
    best = None
    for flag in _of(flags, checks):
        begins, ends = flag.span.start_ns / NS, flag.span.end_ns / NS
        # a picture that is lost leaves no span of its own
        common = min(ends, end_s) - max(begins, start_s)
        if common > 0:
            best = max(best or 0.0, common / (max(ends, end_s) - min(begins, start_s)))
    return best


def kept(clip: Clip) -> Shot:
    return _evenly(clip, clip.frames)


def _evenly(clip: Clip, frames: list[Frame]) -> Shot:
    return Shot(frames, [at / clip.rate_hz for at in range(len(frames))])


def _each(change: Callable[[Frame, int], Frame]) -> Planter:
    """Spoils every picture of the span alone; ``change`` is told its number in the span."""

    def plant(clip: Clip, start: int, stop: int) -> Shot:
        spoilt = [
            change(frame.copy(), at - start) if start <= at < stop else frame
            for at, frame in enumerate(clip.frames)
        ]
        return _evenly(clip, spoilt)

    return plant


def _luma(frame: Frame) -> Frame:
    """The luma plane, to be written to."""
    return frame[: len(frame) * 2 // 3]


def _filtered(change: Callable[[Frame], Any]) -> Planter:
    def spoil(frame: Frame, _: int) -> Frame:
        luma = _luma(frame)
        luma[:] = np.clip(change(luma), 0, 255)
        return frame

    return _each(spoil)


def _defocused(sigma: float) -> Planter:
    """A Gaussian of ``sigma`` px at 640 wide."""
    return _filtered(lambda luma: cv2.GaussianBlur(luma, (0, 0), sigma * luma.shape[1] / WIDEST))


def _smeared(luma: Frame) -> Any:
    return cv2.blur(luma, (max(round(17 * luma.shape[1] / WIDEST), 3), 1))


def _noisy(sigma: float) -> Planter:
    """A sensor's noise of ``sigma`` levels, in each picture anew."""
    random = np.random.default_rng(3)
    return _filtered(lambda luma: luma + random.normal(0, sigma * 219 / 255, luma.shape))


def _blocky(luma: Frame) -> Any:
    """As a camera gives it whose JPEG quality is set far too low."""
    packed = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, 8])[1]
    return cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)


def _dirty(soil: Callable[[Frame], Any]) -> Planter:
    """A spot with soft edges, 18 % of the width across, somewhere near the middle."""

    def spoil(luma: Frame) -> Any:
        height, width = luma.shape
        down, across = np.mgrid[:height, :width]
        away = np.hypot(across - 0.6 * width, down - 0.42 * height) / width
        spot = np.clip((0.09 - away) / 0.04 + 0.5, 0, 1)
        return luma * (1 - spot) + soil(luma) * spot

    return _filtered(spoil)


def _smudged(luma: Frame) -> Any:
    return cv2.GaussianBlur(luma, (0, 0), 8 * luma.shape[1] / WIDEST)


def _flickering(frame: Frame, at: int) -> Frame:
    """Light that beats at a third of the pictures' rate, by 12 % from peak to peak."""
    luma = _luma(frame)
    luma[:] = np.clip(16 + (luma - 16.0) * (1 + 0.06 * np.sin(2 * np.pi * at / 3)), 0, 255)
    return frame


def _tinted(frame: Frame, _: int) -> Frame:
    chroma = frame[len(frame) * 2 // 3 :].astype(np.int16)
    half = len(chroma) // 2
    chroma[:half] -= 24
    chroma[half:] += 16
    frame[len(frame) * 2 // 3 :] = np.clip(chroma, 16, 240)
    return frame


def _colourless(frame: Frame, _: int) -> Frame:
    frame[len(frame) * 2 // 3 :] = 128
    return frame


def _planes(frame: Frame) -> tuple[Frame, Frame, Frame]:
    luma = _luma(frame)
    shape = (2, len(luma) // 2, luma.shape[1] // 2)
    blue, red = frame[len(luma) :].reshape(shape)
    return luma, blue, red


def _half_grey(frame: Frame, at: int) -> Frame:
    """The lower part of six pictures in ten never came."""
    if at * 7 % 10 < 6:
        for plane in _planes(frame):
            plane[len(plane) * 6 // 10 :] = 128
    return frame


def _green_blocks(frame: Frame, at: int) -> Frame:
    """A band of green macroblocks that wanders."""
    top = at % 3 * 3 * 16
    for plane, scale in zip(_planes(frame), (1, 2, 2), strict=True):
        plane[top // scale : (top + 48) // scale, plane.shape[1] // 3 :] = 0
    return frame


def _frozen(clip: Clip, start: int, stop: int) -> Shot:
    held = [clip.frames[start]] * (stop - start)
    return _evenly(clip, clip.frames[:start] + held + clip.frames[stop:])


def _repeated(clip: Clip, start: int, stop: int) -> Shot:
    """Every fourth picture of the span is the one before once more, in place of its own."""
    frames = [
        clip.frames[at - 1] if start <= at < stop and at % 4 == 0 else frame
        for at, frame in enumerate(clip.frames)
    ]
    return _evenly(clip, frames)


def _dropped(clip: Clip, start: int, stop: int) -> list[int]:
    """The pictures left: two are lost after every eight of the span."""
    return [at for at in range(len(clip.frames)) if not (start <= at < stop and at % 10 >= 8)]


def _gaps(clip: Clip, start: int, stop: int) -> Shot:
    left = _dropped(clip, start, stop)
    return Shot([clip.frames[at] for at in left], [at / clip.rate_hz for at in left])


def _hidden_drops(clip: Clip, start: int, stop: int) -> Shot:
    return _evenly(clip, [clip.frames[at] for at in _dropped(clip, start, stop)])


KINDS: dict[str, tuple[tuple[str, ...], Planter]] = {
    "blur_2px": (("blur",), _defocused(2)),
    "blur_3px": (("blur",), _defocused(3)),
    "blur_4px": (("blur",), _defocused(4)),
    "motion_blur": (("motion_blur", "blur"), _filtered(_smeared)),
    "black": (("black_picture",), _filtered(lambda luma: np.full_like(luma, 16))),
    "covered": (
        ("black_picture",),
        _filtered(lambda luma: cv2.GaussianBlur(luma * 0.3 + 16, (0, 0), 40)),
    ),
    "over": (("overexposed",), _filtered(lambda luma: luma * 2.2 + 90)),
    "under": (("underexposed",), _filtered(lambda luma: 16 + (luma - 16.0) * 0.08)),
    "frozen": (("frozen_picture",), _frozen),
    "repeats": (("dropped_frames", "frozen_picture"), _repeated),
    "drops_visible": (("dropped_frames",), _gaps),
    "drops_hidden": (("dropped_frames",), _hidden_drops),
    "flicker": (("flicker",), _each(_flickering)),
    "cast": (("colour_cast",), _each(_tinted)),
    "no_colour": (("no_colour",), _each(_colourless)),
    "torn_grey": (("torn_picture",), _each(_half_grey)),
    "noise": (("noise",), _noisy(10)),
    "blocks": (("blockiness",), _filtered(_blocky)),
    "torn_green": (("torn_picture",), _each(_green_blocks)),
    "dirt_opaque": (("dirty_lens",), _dirty(lambda luma: np.full_like(luma, 60))),
    "dirt_haze": (("dirty_lens",), _dirty(lambda luma: 0.15 * luma + 120)),
    "dirt_smudge": (("dirty_lens",), _dirty(_smudged)),
}
"""The kinds of defect: the checks that are to find each, and how it is planted."""
DIRT = ("dirt_opaque", "dirt_haze", "dirt_smudge")
"""Those that are planted all along a clip whose camera moves."""
