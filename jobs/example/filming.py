"""What happens in front of the cameras in one take: a kitchen, an arm's motion, who sees what."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs.example.clips import Take
from jobs.example.encoding import RATE_HZ, Pictures, Shot, developed, encode
from jobs.example.scene import (
    Floats,
    Kitchen,
    Motion,
    Picture,
    draw_arm,
    draw_hands,
    draw_wrist,
    move,
)

WIDE = (424, 240)
CLOSE = (320, 240)
ROBOT_CAMERAS = ("top", "wrist")


@dataclass(frozen=True, eq=False)
class Staged:
    """One take with all that is needed to film it; ``seed`` is that of its cameras' noise."""

    take: Take
    kitchen: Kitchen
    motion: Motion
    phase: float
    seed: int

    @classmethod
    def of(cls, take: Take, rng: np.random.Generator) -> Staged:
        """A kitchen and a motion of its own for a take."""
        return cls(
            take=take,
            kitchen=Kitchen.of(rng, *WIDE),
            motion=move(rng, take.duration_s),
            phase=float(rng.uniform(0, 60)),
            seed=int(rng.integers(1 << 31)),
        )

    def shot(self, camera: str) -> Shot:
        """The pictures that a camera takes."""
        return Shot.of(self.take.duration_s, self.take.spoil(camera))

    def pictures(self, camera: str) -> Pictures:
        """Those pictures, one by one."""
        shot = self.shot(camera)
        rng = np.random.default_rng([self.seed, len(camera)])
        return developed(shot, self._view(camera, shot), rng, self.take.spoil(camera))

    def film(self, camera: str, path: Path, *, whole_first: bool = True) -> int:
        """Encode what a camera sees, and give the number of its pictures."""
        shown_s = self.shot(camera).shown_s
        encode(
            path,
            shown_s,
            self.pictures(camera),
            whole_first=whole_first,
            key_every=RATE_HZ if camera == "video" else 250,  # a phone makes one a second
        )
        return len(shown_s)

    def _view(self, camera: str, shot: Shot) -> Callable[[int], Picture]:
        if camera == "video":
            return functools.partial(_hands, self.kitchen, shot.seen_s, self.phase)
        joints = self.motion.at(shot.seen_s)
        return functools.partial(_arm if camera == "top" else _wrist, self.kitchen, joints)


def _arm(kitchen: Kitchen, joints: Floats, index: int) -> Picture:
    return draw_arm(kitchen, joints[index])


def _wrist(kitchen: Kitchen, joints: Floats, index: int) -> Picture:
    return draw_wrist(kitchen, joints[index], *CLOSE)


def _hands(kitchen: Kitchen, seen_s: Floats, phase: float, index: int) -> Picture:
    return draw_hands(kitchen, float(seen_s[index]), phase, *WIDE)
