"""The episodes of the made defect set: 17 with one planted defect each, and 13 clean ones.

Beside it there is a set of nothing but single lost frames.

All are 240 rows at 30 Hz with two cameras, of one made arm (see arm_views). What is planted, where
and when is said by each episode's ``Label``. Needs numpy and OpenCV alone, so that the script that
writes the set can run beside the ``lerobot`` package.

The kinds are what the field's tools claim to find, and six that none of ten of them found: single
frames and a run of frames lost behind even times, a camera late for the robot, one that drifts, two
cameras apart, and joints that are stuck while others move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.arm_views import (
    HEIGHT,
    JOINTS,
    WIDTH,
    Floats,
    Grain,
    Motion,
    Picture,
    Place,
    hand_speed,
    wrist_direction,
    wrist_speed,
)

RATE_HZ, COUNT = 30, 240
LENGTH_S = COUNT / RATE_HZ
FIXED, WRIST = "observation.images.fixed", "observation.images.wrist"
CAMERAS = (FIXED, WRIST)
STATE = "observation.state"
COMMAND_S = 0.06
"""How far the command is ahead of the joints."""
ENCODER_RAD = 2e-4
SINGLES = 6
"""Single frames lost in either camera of the episode of that kind."""
APART = 30
"""Frames between two single losses at least."""
MOVES_PX = 1.5
"""A frame is lost where the wrist's view, or the hand in the fixed one, moves by so much a frame:
at rest nothing is lost."""

Spoil = Callable[[Picture, int], Picture]


@dataclass(frozen=True)
class Label:
    """What is planted: its kind, the stream (None for all), and from when to when [s].

    ``at_s`` are the single moments of a kind that has them: the last picture before each loss.
    """

    kind: str
    stream: str | None
    start_s: float
    end_s: float
    at_s: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Shot:
    """What one camera takes: for each row the world's time that it shows, and how it is spoilt.

    A row whose time equals that of the row before shows the same picture, to the last bit.
    """

    shown_s: Floats
    spoil: Spoil | None = None
    on_sensor: bool = False
    """Whether it spoils what the sensor gave, noise and all, and not what reached it."""


@dataclass(frozen=True, eq=False)
class Made:
    """One episode, to be written: rows, pictures, and what is wrong with it, if anything."""

    label: Label | None
    seed: int
    motion: Motion
    place: Place
    shots: dict[str, Shot]
    times_s: Floats
    state: npt.NDArray[np.float32]
    action: npt.NDArray[np.float32]
    quality: int | None = None
    """Of the JPEG through which the pictures went before, if they did."""
    light: float = 1.0
    note: str = ""

    def pictures(self, camera: str) -> Iterator[Picture]:
        """The pictures of one of its cameras, in order."""
        shot = self.shots[camera]
        grain = Grain(1000 * self.seed + CAMERAS.index(camera))
        view = self.place.fixed if camera == FIXED else self.place.wrist
        poses = self.motion.at(shot.shown_s)
        last: Picture | None = None
        for at, pose in enumerate(poses):
            if last is None or shot.shown_s[at] != shot.shown_s[at - 1]:
                lit = cv2.convertScaleAbs(view(pose), alpha=self.light)
                picture = np.asarray(lit, np.uint8)
                if shot.spoil and not shot.on_sensor:
                    picture = shot.spoil(picture, at)
                last = grain.on(picture)
                if shot.spoil and shot.on_sensor:
                    last = shot.spoil(last, at)
                if self.quality is not None:
                    last = _through_jpeg(last, self.quality)
            yield last


def episodes() -> tuple[Made, ...]:
    """All 30, in the order in which they stand in the set."""
    made: list[Made] = []
    for number, kind in enumerate(ORDER):
        made.append(_copied(made) if kind == "copy" else PLANTERS[kind](_clean(number)))
    return tuple(made)


def drop_episodes(count: int = 12) -> tuple[Made, ...]:
    """Other episodes of single lost frames, in either camera in turn: enough to count shares."""
    made = (_clean(200 + number) for number in range(count))
    return tuple(_single_drops(one, CAMERAS[at % 2]) for at, one in enumerate(made))


def _clean(seed: int) -> Made:
    times_s = np.arange(COUNT) / RATE_HZ
    motion = Motion.made(seed + 100, length_s=LENGTH_S)
    shots = {camera: Shot(times_s) for camera in CAMERAS}
    light = 0.94 + 0.12 * np.random.default_rng(seed).random()
    empty = np.zeros((COUNT, len(JOINTS)), np.float32)
    one = Made(None, seed, motion, _FURNISHED, shots, times_s, empty, empty, light=float(light))
    return _driven(one)


def _driven(made: Made) -> Made:
    """The same with joints and command as its motion and times have them."""
    noise = np.random.default_rng(made.seed + 50).normal(0, ENCODER_RAD, (COUNT, len(JOINTS)))
    state = (made.motion.at(made.times_s) + noise).astype(np.float32)
    action = made.motion.at(made.times_s + COMMAND_S).astype(np.float32)
    return replace(made, state=state, action=action)


def _low_texture(made: Made) -> Made:
    return replace(made, place=Place.bare(), note="bare wall")


def _resting(made: Made) -> Made:
    motion = made.motion.rested(2.5, 5.0)
    return _driven(replace(made, motion=motion, note="rests for two seconds and a half"))


def _spoilt(made: Made, label: Label, change: Spoil, *, on_sensor: bool = False) -> Made:
    """The same with the pictures of the label's stream changed in its span."""
    camera = label.stream or FIXED

    def spoil(picture: Picture, at: int) -> Picture:
        return change(picture, at) if label.start_s <= at / RATE_HZ < label.end_s else picture

    shot = replace(made.shots[camera], spoil=spoil, on_sensor=on_sensor)
    return _with(made, label, {camera: shot})


def _with(made: Made, label: Label, shots: dict[str, Shot]) -> Made:
    return replace(made, label=label, shots={**made.shots, **shots})


def _black(made: Made) -> Made:
    label = Label("black", FIXED, 2.0, 5.0)
    return _spoilt(made, label, lambda picture, _: picture // 128)


def _covered(made: Made) -> Made:
    """A hand over the lens: a third of the light, and no shapes."""

    def cover(picture: Picture, _: int) -> Picture:
        small = cv2.resize(picture, (20, 15), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), 3)
        soft = cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        return np.asarray(soft * 0.3, np.uint8)

    return _spoilt(made, Label("covered", WRIST, 3.0, 5.5), cover)


def _overexposed(made: Made) -> Made:
    def expose(picture: Picture, _: int) -> Picture:
        return np.asarray(cv2.convertScaleAbs(picture, alpha=2.4, beta=100), np.uint8)

    return _spoilt(made, Label("overexposed", FIXED, 1.5, 4.0), expose, on_sensor=True)


def _defocused(made: Made) -> Made:
    def blur(picture: Picture, _: int) -> Picture:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.5), np.uint8)

    return _spoilt(made, Label("defocus", FIXED, 3.0, 6.0), blur)


def _motion_blurred(made: Made) -> Made:
    """Edges are drawn out over 17 px along the way that the view goes, as by a slow shutter."""

    def smear(picture: Picture, at: int) -> Picture:
        before, after = made.motion.at(np.array([at - 0.5, at + 0.5]) / RATE_HZ)
        kernel = np.zeros((17, 17), np.float32)
        angle = wrist_direction(before, after)
        reach = 8 * np.array([np.cos(angle), np.sin(angle)])
        start, end = np.rint(8 + np.array([-reach, reach])).astype(int).tolist()
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
        return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)

    return _spoilt(made, Label("motion_blur", WRIST, 2.5, 5.0), smear)


def _frozen(made: Made) -> Made:
    shown_s = made.times_s.copy()
    shown_s[75:135] = shown_s[75]
    return _with(made, Label("frozen", FIXED, 2.5, 4.5), {FIXED: Shot(shown_s)})


def _hanging(made: Made) -> Made:
    shown_s = made.times_s.copy()
    shown_s[160:] = shown_s[160]
    return _with(made, Label("hanging", WRIST, 160 / RATE_HZ, LENGTH_S), {WRIST: Shot(shown_s)})


def _single_drops(made: Made, camera: str = WRIST) -> Made:
    """Single frames lost in one camera, behind times that go on evenly."""
    lost = _places(made, camera)
    label = _lost_label("single_drops", camera, lost, ones=True)
    return _with(made, label, {camera: Shot(_shown_after_losses(lost, 1))})


def _chunk(made: Made) -> Made:
    """Half a second of the fixed camera lost at once, behind times that go on evenly."""
    lost = [110]
    label = _lost_label("dropped_chunk", FIXED, lost, ones=False)
    return _with(made, label, {FIXED: Shot(_shown_after_losses(lost, 15))})


def _places(made: Made, camera: str) -> list[int]:
    """Rows before which a frame is lost: amid motion, far enough from each other."""
    speed_of = wrist_speed if camera == WRIST else hand_speed
    speed = speed_of(made.motion.at(np.arange(-1, COUNT + SINGLES + 2) / RATE_HZ))
    slowest = np.lib.stride_tricks.sliding_window_view(speed, 5).min(axis=1)
    places: list[int] = []
    for at in range(15, COUNT - 12):
        # row ``at`` will show what was len(places) + 1 frames later
        if slowest[at + len(places) - 1] > MOVES_PX and (not places or at - places[-1] >= APART):
            places.append(at)
    return places[:SINGLES]


def _shown_after_losses(lost: list[int], each: int) -> Floats:
    rows = np.arange(COUNT)
    passed = (rows[:, None] >= np.array(lost)).sum(axis=1)
    return np.asarray((rows + each * passed) / RATE_HZ)


def _lost_label(kind: str, camera: str, lost: list[int], *, ones: bool) -> Label:
    before_s = tuple((at - 1) / RATE_HZ for at in lost)
    return Label(kind, camera, before_s[0], lost[-1] / RATE_HZ, before_s if ones else ())


def _gap(made: Made) -> Made:
    """Twelve frames and rows lost, and the times say so."""
    times_s = made.times_s + np.where(np.arange(COUNT) >= 130, 12 / RATE_HZ, 0.0)
    label = Label("time_gap", None, float(times_s[129]), float(times_s[130]))
    shots = dict.fromkeys(CAMERAS, Shot(times_s))
    return _driven(_with(replace(made, times_s=times_s), label, shots))


def _lagging(made: Made) -> Made:
    """Both cameras show what was 133 ms ago: only the joints can tell."""
    late = Shot(made.times_s - 0.133)
    return _with(made, Label("camera_lag", None, 0.0, LENGTH_S), dict.fromkeys(CAMERAS, late))


def _drifting(made: Made) -> Made:
    late_s = np.linspace(0.0, 0.2, COUNT)
    label = Label("camera_drift", WRIST, 0.0, LENGTH_S)
    return _with(made, label, {WRIST: Shot(made.times_s - late_s)})


def _apart(made: Made) -> Made:
    label = Label("cameras_apart", WRIST, 0.0, LENGTH_S)
    return _with(made, label, {WRIST: Shot(made.times_s - 0.1)})


def _stuck(made: Made) -> Made:
    """Three joints are read as what they were; the arm goes on as it is told."""
    state = made.state.copy()
    state[75:180, 1:4] = state[75, 1:4]
    return replace(made, state=state, label=Label("joints_stuck", STATE, 2.5, 6.0))


def _not_numbers(made: Made) -> Made:
    state = made.state.copy()
    state[100:125, 2:4] = np.nan
    label = Label("not_a_number", STATE, 100 / RATE_HZ, 125 / RATE_HZ)
    return replace(made, state=state, label=label)


def _idle(made: Made) -> Made:
    motion = Motion.made(made.seed, length_s=LENGTH_S, still=True)
    label = Label("idle", None, 0.0, LENGTH_S)
    return _driven(replace(made, motion=motion, label=label))


def _copied(made: list[Made]) -> Made:
    """The first clean episode handed in again, its pictures encoded worse."""
    first = next(one for one in made if one.label is None)
    return replace(first, quality=40, label=Label("copy", None, 0.0, LENGTH_S))


def _through_jpeg(picture: Picture, quality: int) -> Picture:
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


_FURNISHED = Place.furnished()

PLANTERS: dict[str, Callable[[Made], Made]] = {
    "clean": lambda made: made,
    "low_texture": _low_texture,
    "resting": _resting,
    "black": _black,
    "covered": _covered,
    "overexposed": _overexposed,
    "frozen": _frozen,
    "hanging": _hanging,
    "defocus": _defocused,
    "motion_blur": _motion_blurred,
    "single_drops": _single_drops,
    "dropped_chunk": _chunk,
    "time_gap": _gap,
    "camera_lag": _lagging,
    "camera_drift": _drifting,
    "cameras_apart": _apart,
    "joints_stuck": _stuck,
    "not_a_number": _not_numbers,
    "idle": _idle,
}
"""How an episode is made what it is; a copy is made of another one."""
ORDER = (
    *("clean", "black", "clean", "single_drops", "covered", "clean", "camera_lag", "resting"),
    *("overexposed", "clean", "joints_stuck", "frozen", "clean", "cameras_apart", "low_texture"),
    *("hanging", "clean", "not_a_number", "defocus", "clean", "camera_drift", "motion_blur"),
    *("clean", "dropped_chunk", "clean", "time_gap", "copy", "clean", "idle", "clean"),
)
KINDS = tuple(kind for kind in ORDER if kind not in ("clean", "low_texture", "resting"))
