"""How far what is seen moves from picture to picture, against its steps before and after.

Where a frame is lost, everything that moves goes twice as far in one step, and on as before. How
much a picture changes does not say so: the change levels off once edges have passed by their own
width, and grows with what comes into view. So the motion itself is measured, block by block, by the
least squares of Lucas and Kanade (IJCAI 1981) in pictures an eighth and a sixteenth of the small
plane wide, where steps are short enough for them. With u the mean of a block's motion one step
before and one step after, and A, c the normal equations of the step between (A v = c at the best
v), the step is as many times u as sum(u c) / sum(u A u) says, over all blocks: what moves most
clearly counts most, whichever way it goes. How likely it is that a frame was lost is told from the
same motions, see ``quality/measures/losses.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from quality.measures import losses
from quality.measures.losses import odds_of_loss
from quality.measures.planes import Plane

Floats = npt.NDArray[np.float32]

BLOCK = 8
"""Pixels across and down of a block, in pictures of an eighth; half as many in the coarser ones."""
SHORT_PX = 0.4
"""Steps of up to so much are told in the finer pictures; twice of it is about what they can show.
(Of made arms, fixed camera, 0.25 to 0.6 found the same lost frames but for one.)"""
STIFFNESS = 20.0
"""Added to the sums of squared slopes of a block: one of no texture shows no motion."""
CLEAR = 150.0
"""Least sum(u A u) [codes squared] by which anything is told: less is noise's motion."""
ALIKE = 0.5
"""Share of the step's own motion that must go the way of those beside it."""
EVEN = 0.8
"""By how much, in shares of their mean, the steps before and after may differ from it."""
STEADY = 0.4
"""Share of those beside it that the steps two away must be, along them: else it starts or stops."""
FEW = 0.1
"""What must be left beside the weight of the blocks that count most, in squares: one alone would
always agree with itself."""
AT_ONCE = 64
"""Steps that are looked at together."""
REACH = 2
"""Steps on either side by which one is judged."""
NEEDED = REACH + losses.REACH
"""Steps on either side on which one's numbers depend."""


@dataclass
class Room:
    """Memory that is used again: asking for it anew takes as long as what is done in it."""

    flat: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    def arrays(self, count: int, shape: tuple[int, ...]) -> Floats:
        """So many arrays of one shape, of any content; those given before are gone."""
        size = count * int(np.prod(shape))
        if self.flat.size < size:
            self.flat = np.empty(size, np.float32)
        return self.flat[:size].reshape(count, *shape)


class Step(NamedTuple):
    """Steps into pictures: ``share``, (n,), is how many times as long as those beside it lead one
    to expect each is, ``error``, (n,), the standard error of that; both NaN where nothing tells.

    ``way``, (n, 2), is about how far all that is seen moves together, across and down, in pixels of
    an eighth of the small plane; NaN into the first, and where pictures are too small to tell.
    ``odds``, ``blocks`` and ``amount``, (n,), are those of a frame lost there, see ``losses``.
    """

    share: Floats
    error: Floats
    way: Floats
    odds: Floats
    blocks: Floats
    amount: Floats

    def part(self, which: slice) -> Step:
        """Some of them."""
        return Step._make(one[which] for one in self)


class _Motion(NamedTuple):
    """What each block does in each step, in pixels of one scale: the normal equations' matrix
    ``a`` (3, n, blocks: xx, xy, yy) and right side ``c``, (2, n, blocks), and their solution.
    """

    a: Floats
    c: Floats
    by: Floats


class Motions(NamedTuple):
    """What each block does, in pictures of an eighth and of a sixteenth, block for block."""

    fine: _Motion
    coarse: _Motion

    @property
    def steps(self) -> int:
        """How many there are."""
        return int(self.fine.by.shape[1])

    def since(self, first: int) -> Motions:
        """Those from a step on."""
        return Motions._make(_Motion._make(one[:, first:] for one in scale) for scale in self)

    def then(self, others: Motions) -> Motions:
        """These and those that follow."""
        return Motions._make(map(_joined, self, others))


def _joined(first: _Motion, then: _Motion) -> _Motion:
    both = zip(first, then, strict=True)
    return _Motion._make(np.concatenate(one, axis=1) for one in both)


@dataclass
class Steps:
    """Takes a camera's pictures one after another."""

    planes: list[Floats] = field(default_factory=list)
    motions: Motions | None = None
    settled: int = 0  # of the motions, those whose steps are told
    parts: list[Step] = field(default_factory=list)
    room: Room = field(default_factory=Room)

    def see(self, eighth: Floats) -> None:
        """Take the next picture, of ``eighth_of``; it is kept for a while."""
        if self.planes and eighth.shape != self.planes[-1].shape:
            self.begin()
        if not self.planes:
            self.parts.append(_untold(1))
        self.planes.append(eighth)
        if len(self.planes) > AT_ONCE:
            self._follow()

    def begin(self) -> None:
        """What comes next does not follow what came before."""
        self._follow(ends=True)
        self.planes.clear()
        self.motions, self.settled = None, 0

    def told(self) -> Step:
        """Every step into a picture so far, (n,); nothing comes before the first."""
        self.begin()
        return Step(*map(np.concatenate, zip(_untold(0), *self.parts, strict=True)))

    def _follow(self, ends: bool = False) -> None:
        """Settle the steps into the pictures that wait, but for those that need what comes."""
        if len(self.planes) > 1:
            try:
                new = motions_between(np.stack(self.planes), self.room)
            except (MemoryError, cv2.error):
                # the other numbers of these pictures count all the same
                self._settle()
                self.motions, self.settled = None, 0
                self.parts.append(_untold(len(self.planes) - 1))
            else:
                self.motions = self.motions.then(new) if self.motions else new
            del self.planes[:-1]
        self._settle(0 if ends else NEEDED)

    def _settle(self, kept: int = 0) -> None:
        if self.motions is None:
            return
        until = max(self.motions.steps - kept, self.settled)
        self.parts.append(steps_of(self.motions).part(slice(self.settled, until)))
        # a step needs those beside it
        first = max(until - NEEDED, 0)
        self.motions, self.settled = self.motions.since(first), until - first


def eighth_of(quarter: Plane) -> Floats:
    """Half of a plane with its fractions: what rounds to whole codes once more moves less clearly.

    (Of 36 frames lost before a made arm whole codes found 3 fewer, and one too many.)
    """
    rows, columns = (max(size // 2, 1) for size in quarter.shape)
    whole = quarter.astype(np.float32)
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))


def motions_between(planes: Floats, room: Room | None = None) -> Motions:
    """What blocks do from one to the next of some pictures, (n, rows, columns), an eighth of the
    small plane; of pictures smaller than a block, and of one alone, there are none.
    """
    _, rows, columns = planes.shape
    room = room or Room()
    fine = planes[:, : rows // BLOCK * BLOCK, : columns // BLOCK * BLOCK]
    if len(planes) < 2 or not fine[0].size:
        nothing = np.zeros((3, len(planes) - 1, 0), np.float32)
        none = _Motion(nothing, nothing[:2], nothing[:2])
        return Motions(none, none)
    return Motions(_motion(fine, BLOCK, room), _motion(_shrunk(fine, 2), BLOCK // 2, room))


def steps_of(motions: Motions) -> Step:
    """The steps, (n,), of what blocks do."""
    step = _untold(motions.steps)
    if motions.fine.by.shape[2]:
        step.way[:] = _together(motions.coarse)
        if motions.steps > 2 * REACH:
            step.share[:], step.error[:] = _against_beside(motions)
        step.odds[:], step.blocks[:], step.amount[:] = odds_of_loss(*_best_seen(motions))
    return step


def _untold(count: int) -> Step:
    """As many steps of which nothing is known."""
    share, error, odds, blocks, amount = np.full((5, count), np.nan, np.float32)
    return Step(share, error, np.full((count, 2), np.nan, np.float32), odds, blocks, amount)


def _motion(planes: Floats, block: int, room: Room) -> _Motion:
    mean, across, down, product = room.arrays(4, (len(planes) - 1, *planes.shape[1:]))
    np.add(planes[1:], planes[:-1], out=mean)
    # of all pictures as one row: what it makes of their edges does not count
    np.subtract(mean.ravel()[2:], mean.ravel()[:-2], out=across.ravel()[1:-1])
    across[:, :, 0] = across[:, :, -1] = 0
    np.subtract(mean[:, 2:], mean[:, :-2], out=down[:, 1:-1])
    down[:, 0] = down[:, -1] = 0
    back = np.subtract(planes[:-1], planes[1:], out=mean)
    # slopes stand in four parts each: of two pictures, over two pixels
    slopes, ways = (across, down), ((across, across), (across, down), (down, down))
    sums = [_summed(np.multiply(one, other, out=product), block, 16) for one, other in ways]
    sums += [_summed(np.multiply(slope, back, out=product), block, 4) for slope in slopes]
    a, c = np.stack(sums[:3]), np.stack(sums[3:])
    xx, xy, yy = a[0] + STIFFNESS, a[1], a[2] + STIFFNESS
    by = np.stack([yy * c[0] - xy * c[1], xx * c[1] - xy * c[0]]) / (xx * yy - xy * xy)
    return _Motion(a, c, by)


def _summed(values: Floats, block: int, parts: int) -> Floats:
    """Sums over blocks, (n, blocks), of values that stand in so many parts."""
    sums = _shrunk(values, block) * np.float32(block * block / parts)
    return np.asarray(sums.reshape(len(values), -1))


def _shrunk(values: Floats, by: int) -> Floats:
    """Means of squares of pixels; all pictures as one tall one, since their rows divide evenly."""
    count, rows, columns = values.shape
    tall = values.reshape(count * rows, columns)
    size = (columns // by, count * rows // by)
    small: Any = cv2.resize(tall, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small).reshape(count, rows // by, columns // by)


def _together(coarse: _Motion) -> Floats:
    """How far all blocks move as one, in pixels of the fine pictures, (n, 2)."""
    blocks = coarse.a.shape[2]
    (xx, xy, yy), (x, y) = coarse.a.sum(axis=2), coarse.c.sum(axis=2)
    xx, yy = xx + STIFFNESS * blocks, yy + STIFFNESS * blocks
    best = np.stack([yy * x - xy * y, xx * y - xy * x]) / (xx * yy - xy * xy)
    return np.asarray(2 * best.T)


def _best_seen(motions: Motions) -> tuple[Floats, Floats]:
    """How far blocks move in pixels of the fine pictures, (2, n, blocks), by these where they move
    slowly all the while, and the sums of squared slopes there, (3, n, blocks).
    """
    coarse = 2 * motions.coarse.by
    length = np.hypot(*coarse)
    longest = np.max([_shifted(length[None], by)[0] for by in range(-REACH, REACH + 1)], axis=0)
    by = np.where(longest < SHORT_PX, motions.fine.by, coarse)
    return by, np.asarray(motions.coarse.a / 4, np.float32)


def _against_beside(motions: Motions) -> tuple[Floats, Floats]:
    """Shares and errors of the steps."""
    fine, coarse = (_Beside.of(scale) for scale in motions)
    is_short = 2 * coarse.length < SHORT_PX
    along, beside, own, tilt, outer = (
        np.where(is_short, one, other) for one, other in zip(fine.sums, coarse.sums, strict=True)
    )
    total = beside.sum(axis=1)
    least = np.maximum(total, 1e-6)
    share = along.sum(axis=1) / least
    # of few blocks that count, what is left over says little: the rest of them must say more
    heavy = np.square(beside).sum(axis=1) / np.square(least)
    off = np.square(along - share[:, None] * beside).sum(axis=1) ** 0.5 / least
    off /= np.sqrt(np.maximum(1 - heavy, FEW))
    alike = share * along.sum(axis=1) / np.maximum(own.sum(axis=1), 1e-6)
    uneven, around = tilt.sum(axis=1) / least, outer.sum(axis=1) / least
    # at the top of a motion a step is longer by right, and so it is between two short ones
    expected = np.maximum(np.maximum((4 - around) / 3, around), 1)
    tells = (total > CLEAR) & (share > 0) & (alike > ALIKE) & (heavy < 1 - FEW)
    tells &= (np.abs(uneven) < EVEN) & (around > STEADY)
    tells[:REACH] = tells[-REACH:] = False
    return (
        np.where(tells, share / expected, np.nan).astype(np.float32),
        np.where(tells, off / expected, np.nan).astype(np.float32),
    )


class _Beside(NamedTuple):
    """Steps against those beside them, in each block, (n, blocks).

    ``length`` is that of those beside, in pixels of their scale. The sums are u c, u A u, the
    step's own v c, and, against u, half of what the step before is longer than that after, and the
    mean of the steps two away.
    """

    length: Floats
    sums: tuple[Floats, Floats, Floats, Floats, Floats]

    @classmethod
    def of(cls, motion: _Motion) -> _Beside:
        a, c, by = motion
        before, after = _shifted(by, -1), _shifted(by, 1)
        u = (before + after) / 2
        weighed = np.stack([a[0] * u[0] + a[1] * u[1], a[1] * u[0] + a[2] * u[1]])
        outer = (_shifted(by, -REACH) + _shifted(by, REACH)) / 2
        others = (c * u, weighed * u, c * by, weighed * (before - after) / 2, weighed * outer)
        length = np.hypot(u[0], u[1])
        return cls(length, tuple(other.sum(axis=0) for other in others))


def _shifted(values: Floats, by: int) -> Floats:
    """What stands ``by`` steps further on, the ends repeated; (2, n, blocks)."""
    at = np.clip(np.arange(values.shape[1]) + by, 0, values.shape[1] - 1)
    return values[:, at]
