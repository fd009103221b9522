"""Pictures of a robot arm and of a person's hands doing chores in a kitchen, drawn frame by frame.

The arm's two links stand at the joint angles that are recorded, and the wrist camera rides on the
arm: so what the cameras see really follows the joints, and lag can be measured. Pictures are BGR,
uint8, of shape (height, width, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

JOINTS = ("shoulder_rad", "elbow_rad", "wrist_rad", "gripper_m")
STEP_S = 0.001
"""Resolution of a stored motion."""
SUBPIXEL = 4
"""Bits of a pixel's fraction in drawn coordinates, so that slow motion does not jump."""
LINKS = (0.44, 0.36)
"""Lengths of the arm's links, as shares of the picture's height."""


@dataclass(frozen=True, eq=False)
class Motion:
    """The joints over time: ``values`` of shape (n, 4) every STEP_S seconds, columns JOINTS."""

    values: Floats

    def at(self, times_s: Floats) -> Floats:
        """Joints at some instants, shape (len(times_s), 4); held still before and after."""
        place = np.clip(times_s / STEP_S, 0, len(self.values) - 1.001)
        low = place.astype(np.int64)
        share = (place - low)[:, None]
        mixed: Floats = self.values[low] * (1 - share) + self.values[low + 1] * share
        return mixed


def move(rng: np.random.Generator, duration_s: float) -> Motion:
    """Reaching, working and coming back: smooth moves between poses, with short rests."""
    length = round((duration_s + 1.0) / STEP_S)
    values = np.empty((length, len(JOINTS)))
    pose = np.array([-1.1, 0.9, 0.0, 0.04])
    at = 0
    while at < length:
        target = np.array(
            [rng.uniform(-1.9, -0.5), rng.uniform(0.3, 1.9), rng.uniform(-0.6, 0.6),
             rng.choice([0.01, 0.07])]
        )  # fmt: skip
        steps = round(rng.uniform(0.45, 1.1) / STEP_S)
        rest = round(rng.uniform(0.05, 0.3) / STEP_S)
        s = np.linspace(0.0, 1.0, steps)[:, None]
        smooth = 10 * s**3 - 15 * s**4 + 6 * s**5  # minimum jerk (Flash and Hogan 1985)
        path = np.vstack([pose + (target - pose) * smooth, np.repeat(target[None], rest, axis=0)])
        count = min(len(path), length - at)
        values[at : at + count] = path[:count]
        at += count
        pose = target
    return Motion(values)


@dataclass(frozen=True, eq=False)
class Kitchen:
    """The still things of one scene: a fixed view, and a large counter seen from close by."""

    wide: Picture
    counter: Picture

    @classmethod
    def of(cls, rng: np.random.Generator, width: int, height: int) -> Kitchen:
        """A kitchen of its own, with tiles, a wooden counter and things lying on it."""
        return cls(_wide(rng, width, height), _counter(rng))


def draw_arm(kitchen: Kitchen, joints: Floats) -> Picture:
    """The fixed camera's view of the arm in the kitchen at one instant's joints."""
    picture = kitchen.wide.copy()
    height, width = picture.shape[:2]
    shoulder = np.array([width * 0.52, height * 0.97])
    elbow, hand, angle = _reach(shoulder, joints, height)
    thick = height / 240
    shade = np.array([6.0, 9.0]) * thick
    _line(picture, elbow + shade, hand + shade, (70, 78, 84), round(15 * thick))
    for start, end, colour, width_px in (
        (shoulder, elbow, (176, 182, 190), round(25 * thick)),
        (elbow, hand, (204, 208, 214), round(19 * thick)),
    ):
        _line(picture, start, end, (58, 60, 64), width_px + round(4 * thick))
        _line(picture, start, end, colour, width_px)
        _line(picture, start, end, (36, 110, 226), max(round(3 * thick), 1))
    for at, radius in ((shoulder, 17), (elbow, 13), (hand, 9)):
        _disc(picture, at, radius * thick, (44, 46, 50))
        _disc(picture, at, radius * thick * 0.55, (40, 130, 240))
    side = np.array([-np.sin(angle), np.cos(angle)])
    ahead = np.array([np.cos(angle), np.sin(angle)])
    open_px = (5 + 190 * joints[3]) * thick
    for sign in (-1, 1):
        root = hand + side * sign * open_px
        _line(picture, hand, root, (40, 42, 46), round(6 * thick))
        _line(picture, root, root + ahead * 19 * thick, (40, 42, 46), round(6 * thick))
    return picture


def draw_wrist(kitchen: Kitchen, joints: Floats, width: int, height: int) -> Picture:
    """What the camera on the arm sees: the counter below it, and the gripper's fingers."""
    _, hand, angle = _reach(np.zeros(2), joints, 1.0)
    rows, columns = kitchen.counter.shape[:2]
    centre = np.array([columns / 2, rows * 0.72]) + hand * 520
    picture = _view(kitchen.counter, centre, angle + np.pi / 2 + joints[2] * 0.4, width, height)
    reach_px = (0.1 + 3.4 * joints[3]) * height
    for sign in (-1, 1):
        root = np.array([width / 2 + sign * reach_px, height * 1.02])
        tip = np.array([width / 2 + sign * reach_px * 0.8, height * 0.68])
        _line(picture, root, tip, (30, 32, 36), round(height * 0.1))
        _line(picture, root, tip, (92, 98, 108), round(height * 0.055))
    return picture


def draw_hands(kitchen: Kitchen, time_s: float, phase: float, width: int, height: int) -> Picture:
    """What a phone on the forehead sees: the counter, swaying, and two hands at work."""
    rows, columns = kitchen.counter.shape[:2]
    t = time_s + phase
    sway = np.array([np.sin(0.7 * t) + 0.4 * np.sin(1.9 * t), np.sin(0.9 * t + 1)])
    centre = np.array([columns / 2, rows / 2]) + sway * np.array([70, 36])
    picture = _view(kitchen.counter, centre, 0.09 * np.sin(0.8 * t), width, height)
    for sign, speed in ((-1, 2.3), (1, 2.9)):
        hand = np.array(
            [
                width * (0.5 + sign * (0.17 + 0.07 * np.sin(speed * t))),
                height * (0.6 + 0.11 * np.sin(speed * 0.8 * t + sign)),
            ]
        )
        arm = np.array([width * (0.5 + sign * 0.36), height * 1.1])
        _line(picture, arm, hand, (96, 124, 168), round(height * 0.2))
        _line(picture, arm, hand, (122, 152, 200), round(height * 0.16))
        _disc(picture, hand, height * 0.11, (118, 148, 198))
        for finger in range(4):
            lean = sign * -0.5 + (finger - 1.5) * 0.32 + 0.12 * np.sin(speed * 2 * t)
            tip = hand + np.array([np.sin(lean), -np.cos(lean)]) * height * 0.2
            _line(picture, hand, tip, (84, 112, 158), round(height * 0.06))
            _line(picture, hand, tip, (126, 156, 204), round(height * 0.04))
    return picture


def _reach(shoulder: Floats, joints: Floats, height: float) -> tuple[Floats, Floats, float]:
    """Elbow, hand, and the second link's direction (rad) of the two-link arm."""
    first = float(joints[0])
    second = float(joints[0] + joints[1] - 0.9)
    elbow = shoulder + LINKS[0] * height * np.array([np.cos(first), np.sin(first)])
    hand = elbow + LINKS[1] * height * np.array([np.cos(second), np.sin(second)])
    return elbow, hand, second


def _view(scene: Picture, centre: Floats, angle: float, width: int, height: int) -> Picture:
    """The part of a scene around ``centre``, turned by ``angle``; the scene repeats at its edge."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = centre - turn @ np.array([width / 2, height / 2])
    matrix = np.hstack([turn, shift[:, None]])
    seen = cv2.warpAffine(
        scene,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(seen, np.uint8)


def _wide(rng: np.random.Generator, width: int, height: int) -> Picture:
    tint = rng.uniform(-14, 14, 3)
    picture = _wood(rng, width, height, np.array([96, 136, 172]) + tint)
    wall = round(height * 0.42)
    tile = round(height * rng.uniform(0.11, 0.15))
    picture[:wall] = _speckle(rng, width, wall, np.array([196, 204, 206]) + tint, 5.0)
    for x in range(tile // 2, width, tile):
        cv2.line(picture, (x, 0), (x, wall), (140, 146, 150), 2)
    for y in range(wall, -1, -tile):
        cv2.line(picture, (0, y), (width, y), (140, 146, 150), 2)
    cv2.rectangle(picture, (0, wall), (width, wall + 5), (70, 84, 96), -1)
    left = round(width * rng.uniform(0.05, 0.2))
    cv2.rectangle(picture, (left, 0), (left + round(width * 0.18), wall - tile), (58, 66, 92), -1)
    cv2.rectangle(picture, (left, 0), (left + round(width * 0.18), wall - tile), (30, 34, 48), 2)
    for _ in range(7):
        at = (round(rng.uniform(0, width)), round(rng.uniform(wall + 22, height)))
        _thing(rng, picture, at, height * rng.uniform(0.06, 0.12))
    return picture


def _counter(rng: np.random.Generator) -> Picture:
    width, height = 900, 640
    picture = _wood(rng, width, height, np.array([104, 142, 176]) + rng.uniform(-20, 20, 3))
    for y in range(60, height, 130):
        cv2.line(picture, (0, y), (width, y), (58, 84, 108), 3)
    for _ in range(34):
        at = (round(rng.uniform(0, width)), round(rng.uniform(0, height)))
        _thing(rng, picture, at, rng.uniform(22, 60))
    return picture


def _thing(rng: np.random.Generator, picture: Picture, at: tuple[int, int], size: float) -> None:
    """A plate, a pan, a jar or a cloth."""
    radius = max(round(size), 3)
    kind = int(rng.integers(4))
    if kind == 0:
        cv2.circle(picture, at, radius, (226, 230, 232), -1, cv2.LINE_AA)
        cv2.circle(picture, at, radius, (120, 126, 130), 1, cv2.LINE_AA)
        cv2.circle(picture, at, round(radius * 0.66), (186, 192, 196), 2, cv2.LINE_AA)
    elif kind == 1:
        cv2.circle(picture, at, radius, (44, 46, 50), -1, cv2.LINE_AA)
        cv2.circle(picture, at, round(radius * 0.8), (74, 78, 84), -1, cv2.LINE_AA)
        end = (at[0] + round(radius * 1.9), at[1] - round(radius * 0.6))
        cv2.line(picture, at, end, (34, 36, 40), max(radius // 4, 2), cv2.LINE_AA)
    elif kind == 2:
        low, high = (
            (at[0] - radius // 2, at[1] - radius),
            (at[0] + radius // 2, at[1] + radius // 2),
        )
        colour = [int(part) for part in rng.integers(50, 220, 3)]
        cv2.rectangle(picture, low, high, colour, -1)
        cv2.rectangle(picture, low, (high[0], low[1] + radius // 3), (40, 44, 150), -1)
        for row in range(3):
            y = at[1] - radius // 3 + row * max(radius // 5, 2)
            cv2.line(picture, (low[0] + 3, y), (high[0] - 3, y), (20, 20, 24), 1)
    else:
        low, high = (at[0] - radius, at[1] - radius // 2), (at[0] + radius, at[1] + radius // 2)
        cv2.rectangle(picture, low, high, (206, 190, 120), -1)
        for x in range(low[0], high[0], max(radius // 4, 4)):
            cv2.line(picture, (x, low[1]), (x, high[1]), (150, 96, 60), 2)


def _wood(rng: np.random.Generator, width: int, height: int, colour: Floats) -> Picture:
    """Long grain: noise stretched along the width, coarse and fine."""
    grain = np.zeros((height, width), np.float32)
    for rows, columns, strength in (
        (height // 2, 6, 9.0),
        (height, 14, 7.0),
        (height, width // 3, 4.0),
    ):
        noise = rng.normal(0, strength, (rows, columns)).astype(np.float32)
        grain += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    grain += rng.normal(0, 3, (height, width)).astype(np.float32)
    return np.clip(grain[..., None] + colour, 0, 255).astype(np.uint8)


def _speckle(
    rng: np.random.Generator, width: int, height: int, colour: Floats, strength: float
) -> Picture:
    noise = rng.normal(0, strength, (height, width, 1))
    return np.clip(noise + colour, 0, 255).astype(np.uint8)


def _line(
    picture: Picture, start: Floats, end: Floats, colour: tuple[int, int, int], width: int
) -> None:
    cv2.line(picture, _fine(start), _fine(end), colour, max(width, 1), cv2.LINE_AA, SUBPIXEL)


def _disc(picture: Picture, at: Floats, radius: float, colour: tuple[int, int, int]) -> None:
    scaled = round(radius * 2**SUBPIXEL)
    cv2.circle(picture, _fine(at), scaled, colour, -1, cv2.LINE_AA, SUBPIXEL)


def _fine(at: Floats) -> tuple[int, int]:
    return round(float(at[0]) * 2**SUBPIXEL), round(float(at[1]) * 2**SUBPIXEL)
