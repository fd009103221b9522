"""The cases of the checks that look at pictures: films of the made arm, encoded and measured.

See ``check_made`` for what a case is, and ``check_pictures`` for what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.arm_views import HEIGHT, WIDTH, Grain, Motion, Place
from benchmarks.check_made import (
    Case,
    Curve,
    Floats,
    Made,
    Maker,
    Picture,
    Side,
    both_limits,
    setting,
)
from benchmarks.filmed_screens import Shooting
from benchmarks.filmed_screens import film as film_of_display
from benchmarks.filmed_screens import write as write_film
from benchmarks.planted import Frame, Shot, write
from dailies.recordings.contract import (
    Camera,
    CarriedPicture,
    Clock,
    Coding,
    Episode,
    Series,
    VideoFile,
)
from dailies.words import NS
from quality.checks.bits import missing_bits
from quality.checks.colour import GREYEST
from quality.measures import Measurements, Pictures, measure
from quality.measures.decode import measure_camera
from quality.measures.sketch import Copy
from quality.moves import Moves
from quality.same_motion import copy_of

RATE_HZ = 30
COUNT = 150
SPAN_S = (1.5, 3.5)
"""What is spoilt of a film of COUNT pictures, unless a case says otherwise."""


Change = Callable[[Frame, int], Frame]
"""Spoils a picture (I420), told its number among those that are spoilt."""
Drawn = Callable[[Pictures], tuple[Curve, ...]]


@cache
def _place() -> Place:
    """The furnished room, and an arm that can be told from it at the size of a thumbnail."""
    skin = np.full((48, 180, 3), (40, 115, 235), np.uint8)
    skin[:4], skin[-4:], skin[:, ::30] = (15, 45, 110), (15, 45, 110), (25, 70, 150)
    return replace(Place.furnished(), skin=skin)


@cache
def scene(kind: Literal["arm", "sweep"], count: int = COUNT, seed: int = 3) -> tuple[Frame, ...]:
    """A film of the arm by a camera in the room, or of the room by one that circles; 320 by 240."""
    motion, grain = Motion.made(seed, length_s=count / RATE_HZ), Grain(seed)
    times_s = np.arange(count) / RATE_HZ
    views = map(_place().fixed, motion.at(times_s)) if kind == "arm" else map(_swept, 0.9 * times_s)
    return tuple(_packed(grain.on(view)) for view in views)


def _swept(angle: float) -> Picture:
    left, top = round(320 + 300 * np.cos(angle)), round(240 + 220 * np.sin(1.3 * angle))
    return _place().room[top : top + HEIGHT, left : left + WIDTH]


def _packed(picture: Picture) -> Frame:
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(half, cv2.COLOR_BGR2YUV_I420), np.uint8)


def unpacked(frame: Frame) -> Picture:
    """An I420 picture as blue, green and red."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420), np.uint8)


def film(folder: Path, frames: tuple[Frame, ...], seconds: Floats | None = None) -> Camera:
    """A film encoded with libx264, its pictures at ``seconds`` or at even times."""
    stamps = np.arange(len(frames)) / RATE_HZ if seconds is None else seconds
    shot = Shot(list(frames), stamps.tolist())
    return Camera("front", VideoFile(write(folder / "film.mp4", shot, RATE_HZ)))


def seen(camera: Pictures) -> Measurements:
    """Of one camera alone."""
    return Measurements(cameras=(camera,))


def of(name: str, label: str, scale: float = 1.0) -> Drawn:
    """One of the per-picture numbers of a camera."""

    def drawn(camera: Pictures) -> tuple[Curve, ...]:
        values = np.asarray(getattr(camera, name), np.float64) * scale
        return (Curve(label, camera.times_ns / NS, values),)

    return drawn


def filmed(
    change: Change,
    drawn: Drawn,
    kind: Literal["arm", "sweep"] = "arm",
    span_s: tuple[float, float] = SPAN_S,
) -> Maker:
    """A film whose pictures are spoilt in a span, each alone."""

    def make(folder: Path) -> Made:
        start, stop = (round(at * RATE_HZ) for at in span_s)
        frames = tuple(
            change(frame.copy(), at - start) if start <= at < stop else frame
            for at, frame in enumerate(scene(kind))
        )
        camera = measure_camera(film(folder, frames))
        middle_s = (span_s[0] + span_s[1]) / 2
        return Made(seen(camera), drawn(camera), frames=frames, middle_s=middle_s)

    return make


def luma_of(frame: Frame) -> Frame:
    """The luma plane, to be written to."""
    return frame[: len(frame) * 2 // 3]


def _chroma_of(frame: Frame) -> Frame:
    """Both chroma planes, to be written to."""
    return frame[len(frame) * 2 // 3 :]


def _planes(frame: Frame) -> tuple[Frame, Frame, Frame]:
    luma = luma_of(frame)
    blue, red = _chroma_of(frame).reshape(2, len(luma) // 2, luma.shape[1] // 2)
    return luma, blue, red


def filtered(change: Callable[[Frame], npt.ArrayLike]) -> Change:
    """Spoils the luma plane alone."""

    def spoil(frame: Frame, _: int) -> Frame:
        luma = luma_of(frame)
        luma[:] = np.clip(change(luma), 0, 255)
        return frame

    return spoil


def _defocused(sigma: float) -> Change:
    return filtered(lambda luma: cv2.GaussianBlur(luma, (0, 0), sigma))


def _smeared(length: int) -> Change:
    return filtered(lambda luma: cv2.blur(luma, (length, 1)))


def _lit(gain: float, offset: float = 0.0) -> Change:
    """More light or less; chroma fades with it, as it does in a camera."""

    def spoil(frame: Frame, _: int) -> Frame:
        luma, chroma = luma_of(frame), _chroma_of(frame)
        chroma[:] = np.clip(128 + (chroma - 128.0) * min(gain, 1.0), 0, 255)
        luma[:] = np.clip(16 + (luma - 16.0) * gain + offset, 16, 235)
        return frame

    return spoil


def _beating(share: float) -> Change:
    """Light that beats at a third of the pictures' rate, by a share of itself from peak to peak."""

    def spoil(frame: Frame, at: int) -> Frame:
        light = 1 + share / np.sqrt(3) * np.sin(2 * np.pi * at / 3)
        return filtered(lambda luma: 16 + (luma - 16.0) * light)(frame, at)

    return spoil


def _undrawn(height: int, width: int) -> Change:
    """Green blocks where data was lost, so many pixels high and wide."""

    def spoil(frame: Frame, _: int) -> Frame:
        for plane, scale in zip(_planes(frame), (1, 2, 2), strict=True):
            plane[80 // scale : (80 + height) // scale, 96 // scale : (96 + width) // scale] = 0
        return frame

    return spoil


def _tinted(amount: int) -> Change:
    def spoil(frame: Frame, _: int) -> Frame:
        blue, red = _planes(frame)[1:]
        blue[:] = np.clip(blue.astype(np.int16) - amount, 16, 240)
        red[:] = np.clip(red.astype(np.int16) + amount * 2 // 3, 16, 240)
        return frame

    return spoil


def _faded(share: float) -> Change:
    def spoil(frame: Frame, _: int) -> Frame:
        chroma = _chroma_of(frame)
        chroma[:] = np.rint(128 + (chroma - 128.0) * share)
        return frame

    return spoil


def _noisy(sigma: float) -> Change:
    rng = np.random.default_rng(5)
    return filtered(lambda luma: luma + rng.normal(0, sigma * 219 / 255, luma.shape))


def _blocky(quality: int) -> Change:
    """As from a camera whose JPEG quality is so low."""

    def packed(luma: Frame) -> npt.ArrayLike:
        content = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))

    return filtered(packed)


def _encoded(crf: int) -> Maker:
    """A film compressed so hard, as it is decoded again."""

    def make(folder: Path) -> Made:
        shot = Shot(list(scene("arm")), (np.arange(COUNT) / RATE_HZ).tolist())
        path = write(folder / "film.mp4", shot, RATE_HZ, group=RATE_HZ, crf=crf)
        camera = measure_camera(Camera("front", VideoFile(path)))
        missing = missing_bits(camera).astype(np.float64)
        curve = Curve("bits that are missing", camera.times_ns / NS, missing)
        with av.open(str(path)) as container:
            frames = tuple(
                np.asarray(one.to_ndarray(format="yuv420p"), np.uint8)
                for one in container.decode(video=0)
            )
        return Made(seen(camera), (curve,), frames=frames, middle_s=COUNT / RATE_HZ / 2)

    return make


def _held(pictures: int) -> Maker:
    """The camera hands out one picture for so long, out of motion."""

    def make(folder: Path) -> Made:
        frames = list(scene("sweep"))
        frames[60 : 60 + pictures] = [frames[60]] * pictures
        camera = measure_camera(film(folder, tuple(frames)))
        curves = of("motion", "change between pictures")(camera)
        return Made(seen(camera), curves, frames=tuple(frames), middle_s=2 + pictures / 60)

    return make


def _stamped(change: Callable[[Floats], Floats]) -> Maker:
    """Pictures left out or late, as their times say."""

    def make(folder: Path) -> Made:
        seconds = change(np.arange(COUNT) / RATE_HZ)
        # a stamp that is late has the picture of its turn
        at = np.floor(seconds * RATE_HZ + 1e-6).astype(int)
        frames = tuple(scene("sweep")[number] for number in at)
        camera = measure_camera(film(folder, frames, seconds))
        interval = np.diff(camera.times_ns) / 1e6
        curves = (Curve("between pictures", camera.times_ns[1:] / NS, interval),)
        return Made(seen(camera), curves, frames=frames, middle_s=2.5, window_s=(1.5, 3.5))

    return make


def _lost(seconds: Floats) -> Floats:
    return np.delete(seconds, slice(74, 77))


def _late(seconds: Floats) -> Floats:
    """One picture comes 20 ms late, so that the next one seems to come early."""
    return np.where(np.arange(len(seconds)) == 75, seconds + 0.02, seconds)


def _out_of_step(late_s: float) -> Maker:
    """The camera shows what the joints did so long ago."""

    def make(folder: Path) -> Made:
        length_s = 10.0
        times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
        motion, grain = Motion.made(8, length_s=length_s), Grain(8)
        shown = motion.at(times_s - late_s)
        frames = tuple(_packed(grain.on(_place().fixed(pose))) for pose in shown)
        names = tuple(f"joint_{at}" for at in range(shown.shape[1]))
        at_ns = np.rint(times_s * NS).astype(np.int64)
        joints = motion.at(times_s) + np.random.default_rng(8).normal(0, 2e-4, shown.shape)
        state = Series("observation.state", at_ns, joints, names, "measured", "state")
        camera = film(folder, frames)
        measured = measure(Episode(folder, 0, "made", (camera,), (state,)), threads=1)
        return Made(measured, _compared(measured), window_s=(3.0, 6.0))

    return make


def _compared(measured: Measurements) -> tuple[Curve, ...]:
    """How fast the joints move and the pictures change, both in shares of their most."""
    camera, state = measured.cameras[0], measured.series[0]
    kernel = np.ones(5) / 5
    curves = []
    for name, times_ns, values in (
        ("joints", state.times_ns, state.speed),
        ("pictures", camera.times_ns, camera.motion),
    ):
        smooth = np.convolve(values, kernel, "same")
        smooth -= np.quantile(smooth, 0.05)
        curves.append(Curve(name, times_ns / NS, smooth / np.quantile(smooth, 0.99)))
    return (replace(curves[0], is_pale=True), curves[1])


def _spotted(strength: float) -> Maker:
    """A soft grey spot stays in the view of a camera that sweeps about for 17 s."""

    def make(folder: Path) -> Made:
        down, across = np.mgrid[:240, :320]
        away = np.hypot(across - 190, down - 100) / 320
        spot = strength * np.clip((0.09 - away) / 0.04 + 0.5, 0, 1)
        soil = filtered(lambda luma: luma * (1 - spot) + 130 * spot)
        frames = tuple(soil(frame.copy(), 0) for frame in scene("sweep", 500))
        camera = measure_camera(film(folder, frames))
        return Made(seen(camera), shown=(unpacked(frames[250]), _liveliness(camera)))

    return make


_BY_HAND = Shooting(pixel_px=3.0, width=640, height=480, mbit_s=6.0, rate_hz=5.0)


def _gridded(look: Callable[[list[Picture]], Iterator[Picture]]) -> Maker:
    """What a hand-held camera sees of a sweep in 7 s, and a small part of it enlarged."""

    def make(folder: Path) -> Made:
        swept = [unpacked(frame) for frame in scene("sweep", 210)[::6]]
        frames = list(look(swept))
        path = write_film(folder / "film.mp4", iter(frames), _BY_HAND)
        camera = measure_camera(Camera("front", VideoFile(path)))
        return Made(seen(camera), shown=_near(frames[17]))

    return make


def _near(picture: Picture) -> tuple[Picture, Picture]:
    """A picture of 640 by 480 at half its size, and a part of it that is ten times as large."""
    part = picture[330:378, 288:352]
    half = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA)
    large = cv2.resize(part, (320, 240), interpolation=cv2.INTER_NEAREST)
    return np.asarray(half, np.uint8), np.asarray(large, np.uint8)


def _woven(swept: list[Picture]) -> Iterator[Picture]:
    """A cloth of threads 4 pixels apart, in folds, that is moved about over half of the view."""
    down, across = np.mgrid[:480, :640].astype(np.float64)
    for at, picture in enumerate(swept):
        fold = 9 * np.sin(across / 47 + down / 71 + at / 6)
        threads = [
            np.cos(2 * np.pi / 4.1 * (place + fold)) for place in (across, down - across / 9)
        ]
        cloth = np.clip(0.8 + 0.1 * (threads[0] + threads[1]), 0, 1)
        cloth[down + 60 * np.sin(across / 90 + at / 9) < 220] = 1
        large = cv2.resize(picture, (640, 480)).astype(np.float64)
        yield np.clip(large * cloth[:, :, None], 0, 255).astype(np.uint8)


def _liveliness(camera: Pictures) -> Picture:
    """How much each cell of the view changes: bright is lively, dark stays soft."""
    cells = camera.view_change.reshape(-1, camera.view_columns)
    levels = np.clip(cells / (1.6 * np.median(cells)) * 255, 0, 255).astype(np.uint8)
    grown = cv2.resize(levels, (320, 240), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(grown, cv2.COLORMAP_VIRIDIS), np.uint8)


@dataclass(frozen=True, eq=False)
class Carried:
    """Pictures as a log carries them, one by one: red, green, blue, or grey."""

    drawn: tuple[Picture, ...]
    path: Path = Path("log")
    coding: Coding = "raw"
    clock: Clock = "measured"
    rate_hz: int = RATE_HZ

    def pictures(self) -> Iterator[CarriedPicture]:
        for at, picture in enumerate(self.drawn):
            content = picture[..., ::-1] if picture.ndim == 3 else picture
            yield CarriedPicture(at * NS // self.rate_hz, content)


def _resized(width: int, height: int, *, is_zoom: bool = False) -> Maker:
    """From the middle on pictures of another size, or a part of them at the size they had."""

    def make(_: Path) -> Made:
        drawn = [unpacked(frame) for frame in scene("arm")]
        top, left = (240 - height) // 2, (320 - width) // 2
        for at in range(COUNT // 2, COUNT):
            part = np.ascontiguousarray(drawn[at][top : top + height, left : left + width])
            drawn[at] = np.asarray(cv2.resize(part, (320, 240)), np.uint8) if is_zoom else part
        camera = measure_camera(Camera("front", Carried(tuple(drawn))))
        widths = np.array([picture.shape[1] for picture in drawn], np.float64)
        curve = Curve("width of the pictures", camera.times_ns / NS, widths)
        return Made(seen(camera), (curve,), shown=(drawn[0], drawn[-1]))

    return make


def _damaged(length: int) -> Maker:
    """So many bytes are lost amid the file; with 0, its header counts two pictures too many."""

    def make(folder: Path) -> Made:
        frames = scene("sweep")
        source = film(folder, frames)
        assert isinstance(source.source, VideoFile)
        content = bytearray(source.source.path.read_bytes())
        at = len(content) * 2 // 5
        content[at : at + length] = bytes(length)
        source.source.path.write_bytes(content)
        camera = measure_camera(source)
        if not length:
            camera = replace(camera, container_count=COUNT + 2)
        whole = np.isin(np.arange(COUNT), np.rint(camera.times_ns / NS * RATE_HZ))
        curve = Curve("decoded", np.arange(COUNT) / RATE_HZ, np.cumsum(whole, dtype=np.float64))
        promised = Curve("promised", curve.times_s, np.arange(1.0, COUNT + 1), is_pale=True)
        return Made(seen(camera), (promised, curve))

    return make


def _again(seed: int) -> Maker:
    """A clip beside an earlier one: the same mirrored and encoded anew, or another take."""

    def make(folder: Path) -> Made:
        earlier = scene("arm", 300, 3)
        later = tuple(_turned(frame) for frame in scene("arm", 300, seed))
        first, second = (measure_camera(film(folder, one)) for one in (earlier, later))
        moves, other = Moves.of(second.sketch), Moves.of(first.sketch)
        copy = copy_of(moves, "front", other, "front", "take 12", mirrored=True)
        copies: tuple[Copy, ...] = (copy,) if copy else ()
        curves = (
            Curve(
                "earlier",
                np.arange(other.count) / 10,
                other.level().astype(np.float64),
                is_pale=True,
            ),
            Curve("this clip", np.arange(moves.count) / 10, moves.level().astype(np.float64)),
        )
        shown = (unpacked(earlier[150]), unpacked(later[150]))
        return Made(Measurements(cameras=(second,), copies=copies), curves, shown=shown)

    return make


def _turned(frame: Frame) -> Frame:
    mirrored = np.ascontiguousarray(unpacked(frame)[:, ::-1])
    return np.asarray(cv2.cvtColor(mirrored, cv2.COLOR_BGR2YUV_I420), np.uint8)


_Filmed = partial(Case, ending="jpg")
_BLACK = of("dark_share", "dark share of the picture")
_BRIGHT = of("bright_share", "clipped share of the picture")
_DIM = of("luma", "mean brightness")
_EDGES = of("edge_px", "width of the edges")
_SMEAR = of("smear_px", "width along the motion")
_TINT = of("tint", "from grey")
_TORN = of("undrawn_share", "not drawn", 100)
_COLOUR = of("colour", "mean from grey")
_NOISE = of("noise", "noise")
_BLOCKS = of("blockiness", "steps at block edges", 100)
WHOLE_S = (0.0, COUNT / RATE_HZ)

FILMED: tuple[Case, ...] = (
    _Filmed(
        "blur",
        Side("two seconds out of focus", filmed(_defocused(3.5), _EDGES)),
        Side("two seconds a little soft", filmed(_defocused(1.2), _EDGES)),
        "px",
        both_limits,
    ),
    _Filmed(
        "dropped_frames",
        Side("three pictures are missing", _stamped(_lost)),
        Side("one picture comes 20 ms late, none is lost", _stamped(_late)),
        "ms",
        lambda limits: {"1.5 intervals": limits["gap_periods"] * 1000 / RATE_HZ},
    ),
    Case(
        "sync_drift",
        Side("pictures 150 ms late for the joints", _out_of_step(0.15)),
        Side("pictures 40 ms late for the joints", _out_of_step(0.04)),
        "speed, of its most",
    ),
    _Filmed(
        "frozen_picture",
        Side("the picture stands for over a second", _held(46)),
        Side("the picture stands for a moment", _held(13)),
        "levels",
        setting("motion"),
    ),
    _Filmed(
        "black_picture",
        Side("black for two seconds", filmed(_lit(0.0), _BLACK)),
        Side("black for 0.4 s", filmed(_lit(0.0), _BLACK, span_s=(2.3, 2.7))),
        "share",
        setting("dark_share"),
    ),
    _Filmed(
        "overexposed",
        Side("most of the picture clipped for two seconds", filmed(_lit(2.6, 60), _BRIGHT)),
        Side("three tenths of the picture clipped for two seconds", filmed(_lit(1.8, 20), _BRIGHT)),
        "share",
        setting("bright_share"),
    ),
    _Filmed(
        "underexposed",
        Side("two seconds in the dark", filmed(_lit(0.2), _DIM)),
        Side("two seconds in dim light", filmed(_lit(0.3), _DIM)),
        "level",
        setting("luma"),
    ),
    _Filmed(
        "corrupt_stream",
        Side("part of the file is lost", _damaged(20_000)),
        Side("the header counts two pictures too many", _damaged(0)),
        "pictures",
        bound="fail",
    ),
    _Filmed(
        "motion_blur",
        Side("smeared along the motion for two seconds", filmed(_smeared(17), _SMEAR, "sweep")),
        Side("smeared an eighth as far", filmed(_smeared(2), _SMEAR, "sweep")),
        "px",
        setting("smear_px"),
    ),
    _Filmed(
        "flicker",
        Side("light that beats by 12 %", filmed(_beating(0.12), _DIM)),
        Side("light that beats by 2 %", filmed(_beating(0.02), _DIM)),
        "level",
    ),
    _Filmed(
        "torn_picture",
        Side("a third of the picture was never drawn", filmed(_undrawn(128, 208), _TORN)),
        Side("a small block was never drawn", filmed(_undrawn(48, 64), _TORN)),
        "% of the picture",
        both_limits,
    ),
    _Filmed(
        "colour_cast",
        Side("white balance far off", filmed(_tinted(26), _TINT, span_s=WHOLE_S)),
        Side("warm light", filmed(_tinted(13), _TINT, span_s=WHOLE_S)),
        "codes",
        both_limits,
    ),
    _Filmed(
        "no_colour",
        Side("no colour for two seconds", filmed(_faded(0.0), _COLOUR, "sweep")),
        Side("faded colour for two seconds", filmed(_faded(0.3), _COLOUR, "sweep")),
        "codes",
        lambda _: {"without colour": GREYEST},
    ),
    _Filmed(
        "picture_size_changed",
        Side("pictures of 320 by 240 become 200 by 150", _resized(200, 150)),
        Side("the camera zooms in, the size stays", _resized(200, 150, is_zoom=True)),
        "px",
    ),
    _Filmed(
        "noise",
        Side("two seconds of strong noise", filmed(_noisy(14), _NOISE)),
        Side("two seconds of some noise", filmed(_noisy(6), _NOISE)),
        "levels",
        both_limits,
    ),
    _Filmed(
        "blockiness",
        Side("three seconds at JPEG quality 8", filmed(_blocky(8), _BLOCKS, span_s=(1.0, 4.0))),
        Side("three seconds at JPEG quality 30", filmed(_blocky(30), _BLOCKS, span_s=(1.0, 4.0))),
        "%",
        both_limits,
    ),
    _Filmed(
        "too_few_bits",
        Side("encoded at crf 45", _encoded(45)),
        Side("encoded at crf 30", _encoded(30)),
        "%",
        lambda limits: {"suspect": limits.suspect},
    ),
    _Filmed(
        "dirty_lens",
        Side("a spot on the lens; beside it, how lively each part is", _spotted(0.9)),
        Side("a fainter spot, through which one sees", _spotted(0.4)),
    ),
    _Filmed(
        "filmed_screen",
        Side(
            "a display fills the view; beside it, a part enlarged",
            _gridded(lambda swept: film_of_display(swept, _BY_HAND)),
        ),
        Side("a cloth of fine threads lies in folds over half of the view", _gridded(_woven)),
    ),
    _Filmed(
        "copied_clip",
        Side("an earlier clip, mirrored and encoded anew", _again(3)),
        Side("another take of the same chore", _again(4)),
        "levels of change",
    ),
)
