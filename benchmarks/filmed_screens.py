"""Clips as they look when a hand-held camera films a display that plays them.

The light of each sub-pixel is laid on a sensor, from the optics on as in a phone: a homography that
sways with the hand, blur of lens and motion, a rolling shutter that meets the backlight's pulses, a
Bayer mosaic and its interpolation, noise, a tone curve and sharpening, H.264 at a phone's rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
Light = npt.NDArray[np.float32]
GAMMA = 2.2
FINE = 2
"""Points of light a pixel of the sensor across and down. Sub-pixels are integrated over each."""
STEPS = 256
"""Steps of a display's pixel in which its profile is kept."""
RATE_HZ = 15
BITS_POWER = 0.75
"""By so much of the rate of pictures the bits fall: fewer pictures differ more from each other."""


@dataclass(frozen=True)
class Display:
    """A display: pixels across and down, and what of a pixel is lit.

    ``lit_across`` is the share of a stripe's width, ``lit_down`` of a pixel's height that is not
    black matrix. ``black`` is the light of black in shares of white (IPS: 1/1000), ``glare`` that
    of the room on the glass. ``pulse_hz`` and ``depth`` tell of the backlight, 0 of a steady one.
    """

    name: str
    width: int
    height: int
    lit_across: float = 0.8
    lit_down: float = 0.75
    black: float = 0.001
    glare: float = 0.01
    pulse_hz: float = 0.0
    depth: float = 0.0


LAPTOP = Display("laptop, 1920 x 1080", 1920, 1080, pulse_hz=240, depth=0.9)
TELEVISION = Display("television, 3840 x 2160", 3840, 2160, lit_across=0.7, lit_down=0.8)
PHONE = Display("phone, 2400 x 1080", 2400, 1080, lit_across=0.6, lit_down=0.6, black=0.0)
DISPLAYS = (LAPTOP, TELEVISION, PHONE)


@dataclass(frozen=True)
class Shooting:
    """How a display is filmed.

    ``pixel_px`` is how many pixels of the video one of the display's takes, ``blur_px`` the sigma
    of the lens's blur, ``roll_deg`` and ``tilts`` (shares by which the far side is smaller, across
    and down) how askew it is held, ``sway_px`` how far the hand moves. ``noise`` is that of a mid
    grey in codes, ``mbit_s`` the rate of bits that 30 pictures a second would have.
    """

    display: Display = LAPTOP
    pixel_px: float = 2.0
    blur_px: float = 0.5
    width: int = 1280
    height: int = 720
    mbit_s: float = 8.0
    roll_deg: float = 1.5
    tilts: tuple[float, float] = (0.05, 0.03)
    sway_px: float = 6.0
    exposure_s: float = 1 / 60
    noise: float = 2.0
    sharpen: float = 0.5
    seed: int = 0
    rate_hz: float = RATE_HZ


@dataclass
class _Camera:
    """What stays the same while one film is shot."""

    how: Shooting
    rng: np.random.Generator = field(init=False)
    tables: tuple[Light, Light] = field(init=False)
    x: Any = field(init=False)
    y: Any = field(init=False)

    def __post_init__(self) -> None:
        how = self.how
        self.rng = np.random.default_rng(how.seed)
        # display pixels from point to point
        self.tables = _profiles(how.display, 1 / (how.pixel_px * FINE))
        across, down = how.width * FINE, how.height * FINE
        self.x = ((np.arange(across, dtype=np.float32) + 0.5) / across - 0.5)[None, :]
        self.y = ((np.arange(down, dtype=np.float32) + 0.5) / down - 0.5)[:, None]


def film(frames: Sequence[Frame], how: Shooting) -> Iterator[Frame]:
    """Pictures (BGR) of a display that plays ``frames`` (BGR, of one size), one each."""
    camera = _Camera(how)
    for index, frame in enumerate(frames):
        yield _shot(camera, _shown(frame, how.display), index / how.rate_hz)


def write(path: Path, pictures: Iterator[Frame], how: Shooting) -> Path:
    """Encode pictures (BGR) as H.264 at the rate of ``how``; gives ``path`` back."""
    bits = round(how.mbit_s * 1e6 * (how.rate_hz / 30) ** BITS_POWER)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(how.rate_hz).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = how.width, how.height, "yuv420p"
        stream.bit_rate = bits
        stream.codec_context.thread_count = 1  # on several, files differ from run to run
        limits = {"maxrate": str(bits), "bufsize": str(bits // 3), "g": "30", "bf": "0"}
        stream.options = {"preset": "veryfast", **limits}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode(None))
    return path


def _shown(frame: Frame, display: Display) -> Light:
    """A picture as light on the whole display, cut to its shape."""
    height, width = frame.shape[:2]
    tall = min(height, round(width * display.height / display.width))
    wide = min(width, round(height * display.width / display.height))
    top, left = (height - tall) // 2, (width - wide) // 2
    part: Any = frame[top : top + tall, left : left + wide].astype(np.float32) / 255
    return np.asarray(display.black + (1 - display.black) * part**GAMMA, np.float32)


def _profiles(display: Display, step: float) -> tuple[Light, Light]:
    """How much of a point ``step`` display pixels wide is lit, by where in a pixel its middle is:
    of the three colours across (STEPS, 3; BGR), and down (STEPS,). White has a mean of 1."""
    at = (np.arange(STEPS) + 0.5) / STEPS
    stripes = [(third / 3, display.lit_across / 3) for third in (2, 1, 0)]
    across = [_lit(at, start, width, step) / width for start, width in stripes]
    down = _lit(at, 0.0, display.lit_down, step) / display.lit_down
    return np.stack(across, axis=1).astype(np.float32), down.astype(np.float32)


def _lit(at: Any, start: float, width: float, step: float) -> Any:
    def until(place: Any) -> Any:
        whole = np.floor(place - start)
        return whole * width + np.minimum(place - start - whole, width)

    return (until(at + step / 2) - until(at - step / 2)) / step


def _shot(camera: _Camera, light: Light, at_s: float) -> Frame:
    how, display = camera.how, camera.how.display
    to_display, speed = _aim(how, at_s)
    u, v = _places(camera, to_display)
    seen = _content(light, display, camera, to_display)
    across, down = camera.tables
    column, row = ((place * STEPS).astype(np.int32).astype(np.uint8) for place in (u, v))
    seen *= cv2.merge([cv2.LUT(column, across[:, one].copy()) for one in range(3)])
    seen *= cv2.LUT(row, down.copy())[:, :, None]
    outside = (u < 0) | (u >= display.width) | (v < 0) | (v >= display.height)
    seen[outside] = 0.006  # the frame and the wall in a dim room
    seen += display.glare
    seen = _through_lens(seen, how, speed)
    seen *= _pulses(how, at_s, len(seen))[:, None, None]
    return _developed(seen, camera)


def _aim(how: Shooting, at_s: float) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Where the camera looks: from -0.5..0.5 across and down to the display's pixels; and how fast
    the view moves, in pixels of the video a second."""
    rng = np.random.default_rng(how.seed + 1)
    rates, phases = rng.uniform(0.3, 1.8, (4, 3)), rng.uniform(0, 2 * np.pi, (4, 3))
    waves = np.sin(2 * np.pi * rates * at_s + phases).sum(axis=1) / 1.7
    speeds = (2 * np.pi * rates * np.cos(2 * np.pi * rates * at_s + phases)).sum(axis=1) / 1.7
    across, down = how.sway_px * waves[0], how.sway_px * waves[1]
    angle = np.deg2rad(how.roll_deg + 0.25 * waves[2])
    scale = (1 + 0.01 * waves[3]) / how.pixel_px
    wide, tall = how.width * scale, how.height * scale
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    aim = np.eye(3)
    aim[:2, :2] = turn @ np.diag([wide, tall])
    aim[:2, 2] = [
        how.display.width / 2 + across / how.pixel_px,
        how.display.height / 2 + down / how.pixel_px,
    ]
    askew = np.eye(3)
    askew[2, :2] = how.tilts
    return aim @ askew, (how.sway_px * speeds[0], how.sway_px * speeds[1])


def _places(camera: _Camera, aim: npt.NDArray[np.float64]) -> tuple[Light, Light]:
    """The display's pixel at every point."""
    m = aim.astype(np.float32)
    x, y = camera.x, camera.y
    below = 1 / (m[2, 0] * x + (m[2, 1] * y + m[2, 2]))
    return (m[0, 0] * x + (m[0, 1] * y + m[0, 2])) * below, (
        m[1, 0] * x + (m[1, 1] * y + m[1, 2])
    ) * below


def _content(light: Light, display: Display, camera: _Camera, aim: Any) -> Light:
    """The light of the picture at every point, smooth from pixel to pixel of the display."""
    down, across = camera.y.size, camera.x.size
    to_unit = np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5]])
    to_picture = np.diag([light.shape[1] / display.width, light.shape[0] / display.height, 1.0])
    whole = to_picture @ aim @ np.vstack([to_unit, [0, 0, 1]])
    return cv2.warpPerspective(  # type: ignore[return-value]
        light,
        whole,
        (across, down),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _through_lens(seen: Light, how: Shooting, speed: tuple[float, float]) -> Light:
    """Blurred by the lens and the hand, one value a pixel of the sensor."""
    seen = cv2.GaussianBlur(seen, (0, 0), how.blur_px * FINE)  # type: ignore[assignment]
    moved = np.array(speed) * how.exposure_s * FINE
    length = float(np.hypot(*moved))
    if length > 0.5:
        seen = cv2.filter2D(seen, -1, _streak(moved))  # type: ignore[assignment]
    return cv2.resize(seen, (how.width, how.height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _streak(moved: npt.NDArray[np.float64]) -> Light:
    """A straight line as a kernel, drawn at a quarter of a pixel."""
    half = int(np.ceil(np.abs(moved).max() / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    along = np.linspace(-0.5, 0.5, 8 * half + 1)[:, None] * moved + half
    low = np.floor(along).astype(int)
    part = (along - low).astype(np.float32)
    for down in (0, 1):
        for across in (0, 1):
            weight = np.abs(1 - across - part[:, 0]) * np.abs(1 - down - part[:, 1])
            np.add.at(kernel, (low[:, 1] + down, low[:, 0] + across), weight)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _pulses(how: Shooting, at_s: float, rows: int) -> Light:
    """The backlight's light over the exposure of each row, of which the last begins 1/40 s late."""
    display = how.display
    begins_s = at_s + np.arange(rows) / rows / 40
    swing = display.depth * abs(np.sinc(display.pulse_hz * how.exposure_s))
    return (1 + swing * np.sin(2 * np.pi * display.pulse_hz * begins_s)).astype(np.float32)


def _developed(light: Light, camera: _Camera) -> Frame:
    """Through the mosaic, with noise, to a picture: the exposure leaves a bright scene at 0.9."""
    how = camera.how
    white = float(np.quantile(light[::8, ::8], 0.98)) / 0.9
    raw = np.empty(light.shape[:2], np.float32)
    for (down, across), one in (((0, 0), 2), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)):
        raw[down::2, across::2] = light[down::2, across::2, one]
    raw /= max(white, 1e-6)
    # shot noise grows with the root of the light; a mid grey has 0.2 of it
    sigma = how.noise / 255 * GAMMA * 0.2 ** (1 - 1 / GAMMA)
    raw += (
        sigma
        * np.sqrt(np.clip(raw, 0.004, 1) / 0.2)
        * camera.rng.standard_normal(raw.shape, np.float32)
    )
    sampled = (np.clip(raw, 0, 1) * 65535).astype(np.uint16)
    colours: Any = cv2.cvtColor(sampled, cv2.COLOR_BayerRG2BGR).astype(np.float32) / 65535
    toned = np.power(colours, 1 / GAMMA) * 255
    if how.sharpen:
        toned += how.sharpen * (toned - cv2.GaussianBlur(toned, (0, 0), 1.2))
    return np.asarray(np.clip(np.rint(toned), 0, 255), np.uint8)
