"""How many defects of each kind are found that are planted into real clips, and how well.

Each kind is planted for two seconds into the middle of a clip, which is encoded anew with libx264,
and screened under the house policy; dirt on the lens all along it, into clips whose camera moves.
The same clip without a defect is its near miss. Printed for a kind are the share found (a flag of
the right check that meets the planted span), the share of those whose span overlaps by half
(intersection over union), and the clean clips that the check flags.
Clips are those of ``DAILIES_SAMPLES`` (default ../shared/samples beside the checkout), else made.

With ``--full``, where ``rdq`` is on the path or ``DAILIES_RDQ`` names it, its ``check-video`` is
asked about the same files, of the kinds that it claims to find; a finding of any severity counts.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
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
CRFS = (23, 30, 35, 40, 45)
"""Of libx264, which leaves the fewer bits the higher."""
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


@dataclass(frozen=True)
class Found:
    """What was found in a planted clip: the checks, with the span of each, in seconds."""

    spans: tuple[tuple[str, float, float], ...]

    def of(self, checks: Sequence[str]) -> list[tuple[float, float]]:
        """The spans of these checks."""
        return [(start_s, end_s) for check, start_s, end_s in self.spans if check in checks]


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A result for each kind of defect; of all clips if ``full``, else of a few."""
    policy = Policy.load()
    rdq = (os.environ.get("DAILIES_RDQ") or shutil.which("rdq")) if full else None
    with tempfile.TemporaryDirectory() as folder:
        clips = _clips(Path(folder), full=full)
        spans = [_span(clip) for clip in clips]
        tell(f"  {len(clips)} clips, {len(KINDS)} kinds of defect")
        here = Path(folder) / "nothing"
        clean = [_screened(kept(clip), clip, here, policy) for clip in clips]
        clean_to_rdq = _by_rdq(rdq, here) if rdq else {}
        for kind, (checks, plant) in KINDS.items():
            tell(f"  planting {kind}")
            here = Path(folder) / kind
            here.mkdir()
            chosen = [at for at in range(len(clips)) if kind not in DIRT or _moves(clips[at])]
            spoilt = [_spoilt(clips[at], spans[at], kind) for at in chosen]
            found = [_screened(plant(*one), one[0], here, policy) for one in spoilt]
            false = [clips[at].name for at, one in enumerate(clean) if one.of(checks)]
            yield _result(f"planted_{kind}", spoilt, found, checks, false)
            if rdq and kind in CLAIMED_BY_RDQ:
                told = _by_rdq(rdq, here)
                named = [told.get(_file(here, clips[at]).name, Found(())) for at in chosen]
                theirs = CLAIMED_BY_RDQ[kind]
                false = [name for name, one in clean_to_rdq.items() if one.of(theirs)]
                yield _result(f"planted_{kind}_by_rdq", spoilt, named, theirs, false)
            shutil.rmtree(here)
        yield from _starved(Path(folder) / "starved", clips, policy)
        flagged = [clip.name for clip, one in zip(clips, clean, strict=True) if one.spans]
        yield {
            "name": "planted_nothing",
            "value": len(flagged),
            "unit": "clean clips flagged by any check",
            "clips": len(clips),
            "flagged": flagged,
        }


def _starved(folder: Path, clips: Sequence[Clip], policy: Policy) -> Iterator[dict[str, Any]]:
    """How many whole clips are said to have too few bits, by how hard they are compressed."""
    for crf in CRFS:
        told = (_screened(kept(clip), clip, folder, policy, crf=crf) for clip in clips)
        found = [bool(one.of(("too_few_bits",))) for one in told]
        yield {
            "name": f"planted_crf_{crf}",
            "ratio": round(statistics.fmean(found), 3),
            "unit": "flagged",
            "clips": len(clips),
        }


Spoilt = tuple["Clip", int, int]
"""A clip, and the pictures [start, stop) of it that are spoilt."""


def _spoilt(clip: Clip, span: tuple[int, int], kind: str) -> Spoilt:
    if kind not in DIRT:
        return clip, *span
    whole = _read(clip.file, WHOLE_S)  # a view takes its time to pass by every part of the lens
    return whole, 0, len(whole.frames)


def _result(
    name: str,
    spoilt: Sequence[Spoilt],
    found: Sequence[Found],
    checks: Sequence[str],
    false: list[str],
) -> dict[str, Any]:
    overlaps = [
        _overlap(one.of(checks), start / clip.rate_hz, stop / clip.rate_hz)
        for (clip, start, stop), one in zip(spoilt, found, strict=True)
    ]
    met = [overlap for overlap in overlaps if overlap is not None]
    pairs = zip(spoilt, overlaps, strict=True)
    return {
        "name": name,
        "ratio": round(len(met) / len(spoilt), 3) if spoilt else None,
        "unit": "found",
        "clips": len(spoilt),
        "overlap_by_half": round(statistics.fmean(o >= 0.5 for o in met), 3) if met else None,
        "false": false,
        "missed": [clip.name for (clip, _, _), overlap in pairs if overlap is None],
    }


def _by_rdq(rdq: str, folder: Path) -> dict[str, Found]:
    """What rdq says of each video in a folder, by the file's name."""
    report = folder / "rdq.json"
    command = [rdq, "check-video", str(folder), "--json", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not report.is_file():
        raise RuntimeError(f"rdq ended with {done.returncode}: {done.stderr[-1000:]}")
    return {
        Path(file["path"]).name: Found(
            tuple(
                (issue["check"], float(start_s), float(end_s))
                for issue in file["issues"]
                for start_s, end_s in issue.get("spans", [])
            )
        )
        for file in json.loads(report.read_text())["files"]
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


def _screened(shot: Shot, clip: Clip, folder: Path, policy: Policy, *, crf: int = 20) -> Found:
    folder.mkdir(exist_ok=True)
    path = write(_file(folder, clip), shot, clip.rate_hz, crf=crf)
    return found_in([flag for one in screen(path, policy) for flag in one.verdict.flags])


def _file(folder: Path, clip: Clip) -> Path:
    return folder / f"{clip.name.replace('/', '-').rpartition('.')[0]}.mp4"


def found_in(flags: Sequence[Flag]) -> Found:
    """The same by flags."""
    return Found(
        tuple((flag.check, flag.span.start_ns / NS, flag.span.end_ns / NS) for flag in flags)
    )


def write(path: Path, shot: Shot, rate_hz: float, *, group: int = 250, crf: int = 20) -> Path:
    """Encode a shot with a key picture every ``group`` pictures at most; gives ``path`` back."""
    rows, width = shot.frames[0].shape
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, rows * 2 // 3, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.options = {"preset": "veryfast", "crf": str(crf), "g": str(group)}
        for picture, at_s in zip(shot.frames, shot.seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts, frame.time_base = round(at_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _overlap(spans: Sequence[tuple[float, float]], start_s: float, end_s: float) -> float | None:
    """The best intersection over union of a span with the planted one; None if none meets it."""
    best = None
    for begins_s, ends_s in spans:
        # a picture that is lost leaves no span of its own
        common = min(ends_s, end_s) - max(begins_s, start_s)
        if common > 0:
            best = max(best or 0.0, common / (max(ends_s, end_s) - min(begins_s, start_s)))
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
CLAIMED_BY_RDQ: dict[str, tuple[str, ...]] = {
    "blur_2px": ("video.blur",),
    "blur_3px": ("video.blur",),
    "blur_4px": ("video.blur",),
    "motion_blur": ("video.blur",),
    "black": ("video.black",),
    "covered": ("video.covered", "video.black"),
    "over": ("video.overexposed",),
    "under": ("video.black", "video.low_light"),
    "frozen": ("video.frozen",),
    "repeats": ("video.frozen", "video.dropped_frames"),
    "drops_visible": ("video.dropped_frames", "video.recording_gap"),
    "drops_hidden": ("video.dropped_frames",),
    "dirt_opaque": ("video.blur",),
    "dirt_haze": ("video.blur",),
    "dirt_smudge": ("video.blur",),
}
"""The kinds that rdq 0.3.4 checks for, by what it says, and the names of its findings."""
