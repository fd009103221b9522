"""Repeated pictures that come in crowds.

That a picture changes far less than those around it may be chance: an arm sticks, a codec skips
one. Many of them within seconds, where the rest of the recording has next to none, are frames that
the recorder lost and stood others in for, if the pictures after them make up for it: what turns
round, as a hand that scrubs, stands for a moment too, but is as slow after it as before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quality.checks.hidden import Leaps
from quality.checks.stretches import Floats, Mask, joined, rolling_median, runs
from quality.measures.pictures import Pictures

SHORTEST = 40
"""Of fewer pictures there is no rest to compare with."""
DIP = 0.3
"""Share of the usual change up to which a picture may repeat the one before."""
FAINT = 0.45
"""The same beside others that surely do: encoders touch a repeat up."""
SHARP = 0.5
"""Share of it that both pictures beside such a one show at least."""
LONGEST = 2
"""Repeats in a row at most: more are a frozen picture's."""
MOVES = 0.25
"""Levels of change around, under which encoders skip pictures."""
NEAR_S, NEAR = 0.5, 8
"""Those of a crowd are so near to one another, or by so many pictures."""
FEWEST = 5
RARER, LONGEST_SHARE = 4, 0.6
"""Elsewhere they are so many times as rare at least, and elsewhere is not next to nowhere: a crowd
lasts for so much of the recording at most."""
MORE, CLEARLY, MOSTLY = 1.28, 1.16, 0.7
"""How much more the picture after a repeat changes than that before it: by their median, and in
this share of them. (Half of 14 real takes whose source codec alternates have 2.5 in planted
repeats, all 1.39 at least; clean crowds 0.9 to 1.2.)"""
BEHIND, TOO_FAR = 0.5, 2.5
"""By so much of two steps, at least and at most, the change over two pictures is larger two
pictures after a repeat than into it (a single one in even motion: 1; more where others follow)."""
LEAST_STEPS, ALIKE = 0.5, 0.5
"""Levels of two steps that are told from what a codec draws anew, and share of the change over two
pictures before a repeat and after it that the lesser has of the greater."""
FEWEST_OVER_TWO, DENSE = 7, 0.16
"""Repeats in a crowd that is seen over two pictures, and their share of its pictures. (Of 34 clips
with repeats that were encoded as LeRobot does 24 are found; of some 300 clean ones none is.)"""
WIDTH = 61
"""Pictures of one parity over which their usual change is told: two seconds on either side."""


def crowded(camera: Pictures) -> npt.NDArray[np.intp]:
    """Pictures that repeat the one before in a crowd of such, shape (k,)."""
    if camera.count < SHORTEST:
        return np.empty(0, np.intp)
    motion = camera.motion.astype(np.float64)
    even = _evened(motion)
    usual = np.asarray(rolling_median(even, 11), np.float64)
    moves = rolling_median(motion, 11) > MOVES
    starts, stops = _repeats((even < DIP * usual) & moves, even, usual)
    clear = [
        slice(first, last)
        for first, last in _crowds(starts, camera.rate_hz or 0.0, FEWEST)
        if _is_rare(last - first, int(stops[last - 1] - starts[first]), len(starts), camera.count)
        and _makes_up(_after(even, starts, stops)[first:last])
    ]
    if not clear:
        return np.empty(0, np.intp)
    proven = [(int(starts[one][0]), int(starts[one][-1])) for one in clear]
    sure = np.concatenate([stops[one] for one in clear])
    # beside those that are clear, fainter ones are of the crowd, too
    starts, stops = _repeats((even < FAINT * usual) & moves, even, usual)
    found = [
        stops[first:last][_after(even, starts, stops)[first:last] > CLEARLY]
        for first, last in _crowds(starts, camera.rate_hz or 0.0, 1)
        if any(starts[first] <= end and start <= starts[last - 1] for start, end in proven)
    ]
    return np.unique(np.concatenate([sure, *found])) - 1


def crowded_over_two(found: Leaps, rate_hz: float) -> npt.NDArray[np.intp]:
    """The same where every second picture is drawn anew, which hides a repeat, shape (k,).

    Over two pictures a repeat changes by one step, the next one by two, as usual, and the one after
    by three.
    """
    count = len(found.two)
    if count < SHORTEST:
        return np.empty(0, np.intp)
    at = np.arange(2, count - 4)
    moved = found.two - found.at_rest
    before, after = moved[at - 1], moved[at + 1]
    steps = (before + after) / 2
    behind = moved[at + 2] - moved[at] - (moved[at + 3] - moved[at - 1]) / 2
    share = np.zeros(count)
    share[at] = np.where(steps > LEAST_STEPS, behind / np.maximum(steps, LEAST_STEPS), 0.0)
    share[at] *= np.minimum(before, after) > ALIKE * np.maximum(before, after)
    tops = (share >= np.roll(share, 1)) & (share >= np.roll(share, -1))
    repeats = np.flatnonzero(tops & (share > BEHIND) & (share < TOO_FAR))
    proven = [
        repeats[first:last]
        for first, last in _crowds(repeats, rate_hz, FEWEST_OVER_TWO)
        if _is_rare(last - first, _length(repeats[first:last]), len(repeats), count)
        and last - first >= DENSE * _length(repeats[first:last])
    ]
    return np.concatenate(proven) if proven else np.empty(0, np.intp)


def _length(repeats: npt.NDArray[np.intp]) -> int:
    """Pictures from the first to the last of these."""
    return int(repeats[-1] - repeats[0]) + 1


def _repeats(
    dips: Mask, even: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and last + 1 of the runs of pictures that hardly change in the midst of change."""
    dips[:2] = dips[-2:] = False
    starts, stops = runs(dips).T
    sharp = np.minimum(even[starts - 1], even[stops]) > SHARP * usual[starts]
    sharp &= stops - starts <= LONGEST
    return starts[sharp], stops[sharp]


def _after(
    even: npt.NDArray[np.float64], starts: npt.NDArray[np.intp], stops: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """How many times as much the picture after each run changes as that before it."""
    return np.asarray(even[stops] / np.maximum(even[starts - 1], 1e-9), np.float64)


def _evened(motion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The change of each picture as if even and odd ones changed alike.

    A source with a key picture every second picture (LeRobot's AV1) changes more in one of two, in
    whatever it is encoded again.
    """
    usual = np.empty_like(motion)
    for parity in (slice(0, None, 2), slice(1, None, 2)):
        part = motion[parity]
        usual[parity] = rolling_median(part, min(WIDTH, (len(part) - 1) | 1))
    both = (usual + (np.roll(usual, 1) + np.roll(usual, -1)) / 2) / 2
    return np.asarray(motion * both / np.maximum(usual, 1e-9), np.float64)


def _crowds(starts: npt.NDArray[np.intp], rate_hz: float, fewest: int) -> list[tuple[int, int]]:
    """First and last + 1 of each crowd among the repeats that begin at these pictures."""
    if not len(starts):
        return []
    each = np.stack([starts, starts + 1], axis=1)
    groups = joined(each, max(NEAR_S * rate_hz, NEAR))
    edges = np.stack([np.searchsorted(starts, groups[:, 0]), np.searchsorted(starts, groups[:, 1])])
    return [(int(first), int(last)) for first, last in edges.T if last - first >= fewest]


def _is_rare(many: int, length: int, all_of_them: int, count: int) -> bool:
    """Whether repeats are rarer by far outside a crowd of so many over so many pictures."""
    elsewhere = (all_of_them - many + 1) / (count - length + 1)
    return length <= LONGEST_SHARE * count and many / length >= RARER * elsewhere


def _makes_up(ratios: Floats) -> bool:
    """Whether the pictures after the repeats make up for what they stand for."""
    return bool(np.median(ratios) >= MORE and (ratios > CLEARLY).mean() >= MOSTLY)
