"""A made robot arm and two cameras that see it: one fixed in the room, one on the wrist.

Both views and the joints follow from one motion, so that what a camera shows and what the robot
says agree exactly, unless somebody shifts one of them. Needs numpy and OpenCV alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 480
JOINTS = ("waist", "shoulder", "elbow", "forearm", "wrist", "hand", "gripper")
LINKS = ((0, 150, 70), (1, 125, 54), (2, 90, 42), (4, 60, 30))
"""Of the arm as the fixed camera sees it: which joint turns each, its length and breadth, px."""
FOOT = (320.0, 470.0)
STEP_RAD = 0.4
"""Standard deviation of a joint's way from one pose to the next."""
NOISE = 2.0
"""The sensor's, standard deviation in codes."""
MARGIN = 64

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]
"""Blue, green, red; shape (HEIGHT, WIDTH, 3)."""


@dataclass(frozen=True, eq=False)
class Motion:
    """Joints that go from pose to pose, each at its own times; arrays of shape (joints, moves)."""

    starts_s: Floats
    lengths_s: Floats
    poses: Floats

    @classmethod
    def made(cls, seed: int, *, length_s: float, rest: float = 0.25, still: bool = False) -> Motion:
        """Moves of 0.4 to 1.8 s, beginning before the recording does; a share of them rests."""
        rng = np.random.default_rng(seed)
        shape = (len(JOINTS), round(length_s / 0.4) + 12)
        lengths = rng.uniform(0.4, 1.8, shape)
        steps = rng.normal(0, STEP_RAD, shape) * (rng.random(shape) >= rest)
        # back towards the middle, so that the arm stays in view
        poses = np.zeros(shape)
        for move in range(1, shape[1]):
            poses[:, move] = 0.7 * poses[:, move - 1] + steps[:, move] * (not still)
        return cls(np.cumsum(lengths, axis=1) - lengths - 3.0, lengths, poses)

    def at(self, times_s: Floats) -> Floats:
        """Positions in rad, shape (n, joints): minimum jerk within a move."""
        columns = []
        for starts, lengths, poses in zip(self.starts_s, self.lengths_s, self.poses, strict=True):
            move = np.clip(np.searchsorted(starts, times_s, "right") - 1, 1, len(starts) - 1)
            share = np.clip((times_s - starts[move]) / lengths[move], 0, 1)
            eased = share**3 * (10 - 15 * share + 6 * share**2)
            columns.append(poses[move - 1] + (poses[move] - poses[move - 1]) * eased)
        return np.column_stack(columns)

    def rested(self, start_s: float, stop_s: float) -> Motion:
        """The same with all joints at rest from ``start_s`` to ``stop_s``, going on where they
        were."""
        return _Rested(self.starts_s, self.lengths_s, self.poses, start_s, stop_s)


@dataclass(frozen=True, eq=False)
class _Rested(Motion):
    start_s: float = 0.0
    stop_s: float = 0.0

    def at(self, times_s: Floats) -> Floats:
        """Time goes slower, then stands, then goes on: no joint stops dead."""
        grid = np.arange(-2.0, float(np.max(times_s, initial=0.0)) + 2.0, 0.01)
        from_rest = np.maximum(np.maximum(self.start_s - grid, grid - self.stop_s), 0.0)
        pace = np.clip(from_rest / 0.3, 0, 1)
        own = grid[0] + np.cumsum(pace) * 0.01
        return super().at(np.interp(times_s, grid, own))


@dataclass(frozen=True, eq=False)
class Place:
    """What stands around the arm, twice as wide and high as a picture, and what clothes the arm."""

    room: Picture
    skin: Picture

    @classmethod
    def furnished(cls, seed: int = 0) -> Place:
        """Surfaces with large and small structure, and things with sharp edges."""
        rng = np.random.default_rng(seed)
        room = _surface(rng, 2 * HEIGHT, 2 * WIDTH)
        for _ in range(60):
            x, y = int(rng.integers(0, 2 * WIDTH)), int(rng.integers(0, 2 * HEIGHT))
            size = rng.integers(20, 110, 2)
            colour = tuple(int(code) for code in rng.integers(30, 220, 3))
            cv2.rectangle(room, (x, y), (x + int(size[0]), y + int(size[1])), colour, -1)
            cv2.rectangle(room, (x, y), (x + int(size[0]), y + int(size[1])), (25, 25, 25), 2)
        skin = _surface(rng, 48, 180)
        skin[:, ::30] = (20, 60, 200)
        return cls(room, skin)

    @classmethod
    def bare(cls) -> Place:
        """A painted wall and a plain arm: hardly any structure."""
        rng = np.random.default_rng(1)
        rows, columns = np.mgrid[0 : 2 * HEIGHT, 0 : 2 * WIDTH].astype(np.float32)
        grain = cv2.GaussianBlur(rng.normal(0, 6, rows.shape).astype(np.float32), (0, 0), 3)
        wall = 168 - 10 * rows / (2 * HEIGHT) + 6 * columns / (2 * WIDTH) + grain
        room = np.stack([wall - 14, wall - 4, wall], axis=2)
        skin = np.full((48, 180, 3), (96, 100, 104), np.uint8)
        return cls(np.asarray(np.clip(room, 0, 255), np.uint8), skin)

    def fixed(self, pose: Floats) -> Picture:
        """A camera on the wall: the links of the arm move in front of the room."""
        picture = self.room[:HEIGHT, :WIDTH].copy()
        source = np.array([[0, 0], [self.skin.shape[1], 0], [0, self.skin.shape[0]]])
        points = _points(pose)
        for start, end, (_, length, breadth) in zip(points, points[1:], LINKS, strict=False):
            along = (end - start) / length
            across = np.array([-along[1], along[0]]) * breadth / 2
            corners = np.array([start - across, end - across, start + across])
            placed = cv2.getAffineTransform(source.astype(np.float32), corners.astype(np.float32))
            cv2.warpAffine(
                self.skin, placed, (WIDTH, HEIGHT), dst=picture, borderMode=cv2.BORDER_TRANSPARENT
            )
        return picture

    def wrist(self, pose: Floats) -> Picture:
        """A camera on the hand: the whole view moves, the fingers stay in it and open."""
        turn = cv2.getRotationMatrix2D((WIDTH, HEIGHT), 25 * (pose[3] + pose[5]), 1.0)
        turned = np.asarray(turn, np.float64)
        turned[:, 2] += _seen_from(pose)
        picture = cv2.warpAffine(self.room, turned, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        wide = 70 + 40 * float(np.tanh(pose[6]))
        for side in (-1, 1):
            inner = WIDTH / 2 + side * wide
            finger = np.array(
                [[inner, 380], [inner + side * 45, 395], [inner + side * 80, 479], [inner, 479]]
            )
            cv2.fillConvexPoly(picture, finger.astype(np.int32), (40, 42, 44))
        return np.asarray(picture, np.uint8)


def wrist_speed(poses: Floats) -> Floats:
    """How far the middle of the wrist's view moves from picture to picture, px, shape (n - 1,)."""
    return np.asarray(np.hypot(*np.diff(_seen_from(poses.T), axis=1)))


def hand_speed(poses: Floats) -> Floats:
    """How far the hand moves in the fixed view from picture to picture, px, shape (n - 1,)."""
    ends = np.array([_points(pose)[-1] for pose in poses])
    return np.asarray(np.hypot(*np.diff(ends, axis=0).T))


def _points(pose: Floats) -> Floats:
    """The foot of the arm and the ends of its links in the fixed view, px, (links + 1, 2)."""
    angles = -np.pi / 2 + np.cumsum([pose[joint] for joint, _, _ in LINKS])
    lengths = np.array([length for _, length, _ in LINKS])[:, None]
    steps = lengths * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.asarray(np.cumsum(np.vstack([FOOT, steps]), axis=0))


def wrist_direction(before: Floats, after: Floats) -> float:
    """The direction in which the wrist's view moves between two poses, rad."""
    x, y = _seen_from(after) - _seen_from(before)
    return float(np.arctan2(y, x))


def _seen_from(pose: Floats) -> Floats:
    """Where the room's middle lies for the wrist's camera, px, for joints along the first axis."""
    return np.array(
        [120 * (pose[0] + 0.5 * pose[4]) - WIDTH / 2, 100 * (pose[1] + pose[2]) - HEIGHT / 2]
    )


class Grain:
    """A sensor's noise: a crop of one large field, elsewhere in it for each picture."""

    def __init__(self, seed: int, strength: float = NOISE) -> None:
        rng = np.random.default_rng(seed)
        shape = (HEIGHT + MARGIN, WIDTH + MARGIN, 3)
        common = rng.normal(0, strength, (*shape[:2], 1))
        own = rng.normal(0, strength / 2, shape)
        self._field = np.rint(common + own).astype(np.int16)
        self._rng = rng

    def on(self, picture: Picture) -> Picture:
        """The picture with noise of its own."""
        top, left = (int(at) for at in self._rng.integers(0, MARGIN, 2))
        noise = self._field[top : top + HEIGHT, left : left + WIDTH]
        if self._rng.random() < 0.5:
            noise = -noise
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)


def _surface(rng: np.random.Generator, height: int, width: int) -> Picture:
    planes = []
    for _ in range(3):
        plane = np.full((height, width), 120, np.float32)
        for size, depth in ((4, 6), (16, 9), (64, 22)):
            rough = rng.normal(size=(height // size + 2, width // size + 2)).astype(np.float32)
            plane += depth * cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
        planes.append(plane)
    grey = np.mean(planes, axis=0)
    # rooms are mostly grey
    mixed = np.stack([0.65 * grey + 0.35 * plane for plane in planes], axis=2)
    return np.asarray(np.clip(mixed, 10, 245), np.uint8)
