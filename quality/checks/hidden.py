"""Frames lost behind times made by counting, told by how far the picture moves at once.

Where a frame is missing, one picture differs from the one before by what two steps of the motion
make, while its neighbours differ by one step each. How much two steps make is known on the spot:
it is the change over two pictures beside it, with the same texture, noise and codec. What moves
clearly is also followed itself, see ``quality/measures/steps.py``: it goes two steps in one.
Where it moves smoothly, all of it tells together how likely a loss is (``losses.py`` there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quality.checks.remembered import once
from quality.checks.stretches import Mask, rolling_median
from quality.measures.pictures import Pictures

Floats = npt.NDArray[np.float64]

TOLD = 0.2
"""Share of the pictures around one whose steps must be told. (Real clips of two hands that stop and
go had up to five false leaps each without it.)"""
LONGER = 0.5
"""Steps that a stride is longer at least where a frame was lost, of which it makes one more."""
USUAL = (0.7, 1.3)
"""What the steps into every second picture may usually be, in those that are expected."""

MOVING = 1.0
"""Blocks that must move for a picture to tell what is usual."""
AROUND_ODDS = 121
"""Pictures around each by which it is told how clearly what moves tells that none was lost."""
MOVING_SHARE = 0.7
"""Share of these in which something moves: elsewhere motions come and go, as hands at a table do.
(Of 290 frames lost before made arms 0.73 and more.)"""

STEADY = 0.3
"""How clearly each block must tell, in the median around, that none was lost. (Of 66 frames lost
before made arms 0.35 and more; of hands, and of heads that walk, 0.2 to 0.29.)"""
AGAINST = 0.2
"""From so clearly on each block tells of one picture that none was lost before it."""

WINDOW = 61
"""Pictures around each by whose scatter a leap is judged."""
FLOOR = 0.01
"""The least scatter [levels]: still scenes are encoded with none at all."""
ALTERNATING = 0.3
"""With more of the pictures being key pictures, the change alternates from picture to picture."""
STANDING = 0.35
"""Share of the usual change under which a picture stands: then the next one leaps by right."""
CUT = 1.5
"""Change into a picture against that over two beside it, above which it shows something else. (Of
the same lost frames up to 1.06.)"""
AROUND = 10
"""Pictures on either side by which it is told whether a camera hands out every second one."""
QUIET = 0.05
"""Quantile of the change over two pictures that noise and codec make where nothing moves."""


@dataclass(frozen=True, eq=False)
class Leaps:
    """How much each picture looks as if frames were lost before it; arrays of shape (n,).

    ``share`` is the excess of its change in units of what one lost frame would add there, and
    ``sigmas`` the same in units of its usual scatter. ``once`` and ``two`` are the changes from the
    picture before and from that before it, ``scatter`` that of ``once`` and ``at_rest`` what
    ``two`` is where nothing moves [levels]. ``in_pairs`` says that the excess is that of ``two``;
    else ``drawn`` marks key pictures, which change whatever moves.
    """

    share: Floats
    sigmas: Floats
    scatter: Floats
    once: Floats
    two: Floats
    at_rest: float
    drawn: Mask
    in_pairs: bool

    @property
    def is_cut(self) -> Mask:
        """True where more changes than over two pictures beside it: another thing is seen, (n,)."""
        beside = np.maximum(_shifted(self.two, -1), _shifted(self.two, 2))
        return np.asarray(self.once > CUT * beside, dtype=np.bool_)

    def scatter_without(self, repeats: Mask) -> Floats:
        """The scatter of ``once`` where neither ``repeats`` nor the leaps after them count."""
        at = np.arange(len(self.once))
        kept = ~(repeats | np.roll(repeats, 1))
        once = np.interp(at, at[kept], self.once[kept]) if kept.any() else self.once
        return _scatter(once - (_shifted(once, -1) + _shifted(once, 1)) / 2)


@once
def leaps(camera: Pictures) -> Leaps | None:
    """The leaps of a camera; None where changes over two pictures were not measured."""
    if camera.count < 12 or len(camera.motion_two) != camera.count:
        return None
    once = np.concatenate([camera.motion[1:2], camera.motion[1:]]).astype(np.float64)
    two = camera.motion_two.astype(np.float64)
    two = np.concatenate([two[2:3], two[2:3], two[2:]])
    is_key = key_pictures(camera)
    in_pairs = _alternate(is_key)
    drawn = is_key & (is_key[1:].mean() <= ALTERNATING)
    at_rest = float(np.quantile(two, QUIET))
    share, excess, scatter = _pairwise(two, at_rest) if in_pairs else _single(once, two, drawn)
    single = _scatter(once - (_shifted(once, -1) + _shifted(once, 1)) / 2)
    return Leaps(share, excess / scatter, single, once, two, at_rest, drawn, in_pairs)


def _single(once: Floats, two: Floats, drawn: Mask) -> tuple[Floats, Floats, Floats]:
    """Share, excess and scatter by the change from the picture before."""
    before, after = _shifted(once, -1), _shifted(once, 1)
    near = (before + after) / 2
    # a curve through two pictures on either side follows the top of a motion
    curved = (8 * near - _shifted(once, -2) - _shifted(once, 2)) / 6
    usual = np.maximum(np.maximum(near, curved), _beside(once, (-2, -1, 1, 2)))
    twice = (_shifted(two, -1) + _shifted(two, 2)) / 2
    alone = _tops(once, before, after, usual) & ~drawn
    excess = np.where(alone, once - usual, 0.0)
    return excess / np.maximum(twice - usual, FLOOR), excess, _scatter(once - near)


def _pairwise(two: Floats, at_rest: float) -> tuple[Floats, Floats, Floats]:
    """The same by the change over two: key pictures against key pictures, others against others.

    A lost frame lengthens two such changes, of both of which it makes three steps.
    """
    before, following, after = _shifted(two, -1), _shifted(two, 1), _shifted(two, 2)
    near, least = (before + after) / 2, np.minimum(two, following)
    usual = np.maximum(near, _beside(two, (-2, -1, 2, 3)))
    excess = np.where(_tops(least, before, after, usual), least - usual, 0.0)
    share = excess / np.maximum((usual - at_rest) / 2, FLOOR)
    return share, excess, _scatter((two + following) / 2 - near)


@dataclass(frozen=True, eq=False)
class Strides:
    """How much further what is seen moves into each picture than the steps beside it lead one to
    expect, in steps; arrays of shape (n,).

    ``error`` is the standard error of that, infinite where nothing tells. ``rise`` is by how much
    it is above that of the steps beside it, for which a long one is too much to expect, and
    ``scatter`` what that usually is around it. ``in_pairs`` as in ``Leaps``.
    """

    excess: Floats
    error: Floats
    rise: Floats
    scatter: Floats
    in_pairs: bool

    @property
    def even(self) -> Mask:
        """True where a step is surely less than ``LONGER`` off, whatever the change says, (n,)."""
        return np.asarray(np.abs(self.excess) + 2 * self.error < LONGER, dtype=np.bool_)


def strides(camera: Pictures) -> Strides | None:
    """The strides of a camera; None where steps were not measured.

    With many key pictures, the steps into these and into the others err in turn: each kind is held
    against the usual of its own. Where little of what is around tells, what moves goes by fits and
    starts, and nothing does.
    """
    lengths = {len(camera.step_share), len(camera.step_error), camera.count}
    if len(lengths) > 1 or camera.count < WINDOW:
        return None
    share, error = camera.step_share.astype(np.float64), camera.step_error.astype(np.float64)
    is_key = key_pictures(camera)
    in_pairs = _alternate(is_key)
    if in_pairs:
        for kind in (is_key, ~is_key):
            usual = _usual(share[kind])
            share[kind], error[kind] = share[kind] / usual, error[kind] / usual
    tells = np.isfinite(share)
    tells &= _share_around(tells) > TOLD
    excess = np.where(tells, share - 1, 0.0)
    rise = excess - (_shifted(excess, -1) + _shifted(excess, 1)) / 2
    sizes = rolling_median(np.where(tells, np.abs(rise), np.nan), WINDOW)
    scatter = 1.4826 * np.nan_to_num(np.asarray(sizes, np.float64))
    return Strides(excess, np.where(tells, error, np.inf), rise, scatter, in_pairs)


@dataclass(frozen=True, eq=False)
class Odds:
    """By how much likelier it is that a frame was lost before each picture than that none was;
    arrays of shape (n,).

    ``odds`` is that by all that moves, ``blocks`` how many blocks that are, ``each`` the odds by
    each of them, and ``usual`` the median of that around it: how clearly it is told that none was,
    where it is negative; ``amount`` the odds by how much moves in all. 0 where nothing moves.
    ``is_unsteady`` says that what moves around it, be it now and then, does so by fits and starts:
    that none was lost is hardly told. ``is_against`` says that it is told of this picture.
    """

    odds: Floats
    amount: Floats
    blocks: Floats
    each: Floats
    usual: Floats
    is_unsteady: Mask
    is_against: Mask


@once
def odds_of_loss(camera: Pictures) -> Odds | None:
    """The odds of a camera; None where they were not measured."""
    kept = (camera.loss_odds, camera.loss_amount, camera.loss_blocks)
    if {*map(len, kept)} != {camera.count} or not camera.count:
        return None
    odds, amount, blocks = (one.astype(np.float64) for one in kept)
    moves = blocks > MOVING
    tells = moves & (_share_around(moves, AROUND_ODDS) > MOVING_SHARE)
    each = np.where(moves, odds / np.where(moves, blocks, 1.0), np.nan)
    usual = rolling_median(each, AROUND_ODDS)
    return Odds(
        odds=np.where(tells, odds, 0.0),
        amount=np.where(tells, amount, 0.0),
        blocks=np.where(tells, blocks, 0.0),
        each=np.where(tells, each, 0.0),
        usual=np.where(tells, usual, 0.0),
        is_unsteady=usual > -STEADY,
        is_against=moves & (each < -AGAINST),
    )


def _usual(share: Floats) -> Floats:
    """The median around each share, which is known to be near 1."""
    # what does not tell counts as even, so that a few pictures do not make a median
    return np.clip(rolling_median(np.nan_to_num(share, nan=1.0), WINDOW // 2), *USUAL)


def _share_around(holds: Mask, width: int = WINDOW) -> Floats:
    """For how much of ``width`` pictures around each it holds, (n,)."""
    mode: Any = "reflect" if len(holds) > width // 2 else "edge"
    padded = np.pad(holds.astype(np.float64), width // 2, mode=mode)
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def key_pictures(camera: Pictures) -> Mask:
    """True for each key picture of the stream, shape (n,)."""
    is_key = np.zeros(camera.count, np.bool_)
    is_key[camera.keys[camera.keys < camera.count]] = True
    return is_key


def _alternate(is_key: Mask) -> bool:
    """Whether so many pictures are key pictures that the change alternates with them."""
    return bool(ALTERNATING < is_key[1:].mean() < 1)


def in_twos(two: Floats) -> Floats:
    """How alike the steps of the change over two pictures are from even and from odd pictures on,
    around each picture, (n,): near 0 where every second picture shows what the one before did, so
    that the camera hands out half as many as there are; else up to 1.
    """
    steps = np.pad(np.abs(np.diff(two)), (AROUND, AROUND + 1), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(steps, 2 * AROUND + 1)
    offsets = np.arange(-AROUND, AROUND + 1)
    # the steps to a leap and away from it are no part of what is usual
    ways = [windows[:, (np.abs(offsets) > 2) & (offsets % 2 == odd)] for odd in (0, 1)]
    even, odd = (np.median(way, axis=1) for way in ways)
    # where nothing changes, neither differs
    least = FLOOR / 10
    return np.asarray((np.minimum(even, odd) + least) / (np.maximum(even, odd) + least))


def _shifted(values: Floats, by: int) -> Floats:
    """What stands ``by`` places further on, the ends repeated."""
    return np.asarray(values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)])


def _tops(values: Floats, before: Floats, after: Floats, usual: Floats) -> Mask:
    """True where a value is above both neighbours, and neither of them is of a standing picture."""
    stands = np.minimum(before, after) < STANDING * usual
    return np.asarray((values > np.maximum(before, after)) & ~stands, dtype=np.bool_)


def _beside(values: Floats, places: tuple[int, ...]) -> Floats:
    """Median of what stands at ``places`` from each: a repeat beside a picture makes no leap."""
    return np.asarray(np.median([_shifted(values, place) for place in places], axis=0))


def _scatter(values: Floats) -> Floats:
    """Standard deviation around each entry by the median of sizes."""
    return np.asarray(1.4826 * rolling_median(np.abs(values), WINDOW) + FLOOR)
