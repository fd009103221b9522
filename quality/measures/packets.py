"""What a video's packets tell without a picture being decoded: times, sizes, and what looks odd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
TINY_PACKETS = "tiny packets"
REDRAWN, ODD_PICTURE = "a redrawn picture", "an odd picture"
BEFORE_CUT = "before a cut"
LARGE_PACKETS, SMALL_PACKETS = "large packets", "small packets"
AT_ONCE = "a change all at once"
RANKS = {
    TINY_PACKETS: 0, REDRAWN: 1, ODD_PICTURE: 1, BEFORE_CUT: 2, LARGE_PACKETS: 3, SMALL_PACKETS: 3,
    AT_ONCE: 3,
}  # fmt: skip
"""Why something looks odd, and how clearly: 0 the most. The last ones are in any recording."""

SMOOTH_S = 0.3
"""Sizes alternate by the kind of picture; their mean over so long does not."""
LASTING_S = 0.4
"""What is odd for less is not looked into: no check of pictures flags so little."""
BLOCK_S, BLOCKS = 1.0, 7
"""The usual size around a packet: the median of the means of so many blocks of so long."""
TINY = 0.25
"""Share of the usual size under which packets hold hardly a change: frozen, black, or at rest."""
LARGE = 1.7
"""Times the usual size around from which something new comes with every picture."""
RICH = 2.0
"""The same of the median over LONG_S, which a few large packets in between do not hide."""
SMALL = 0.5
"""Share of the usual size around: the picture has lost detail, or what moved in it stopped."""
LONG_S = 0.9
"""How long either of the two must last: after a key picture packets are small for a while."""
LEAP = 3.0
LEAP_BESIDE, LEAP_FAR = 1.4, 1.3
LEAP_REACH_S, LEAP_FAR_S = 0.5, 1.8
LEAP_OF_KEY = 0.4
"""A packet of so many times the usual size, of so many times each other one within LEAP_REACH_S and
LEAP_FAR_S, and of that share of a key picture, redraws the picture: a cut, a covered lens."""
IN_A_ROW, ALSO_LARGE = 4, 2.5
"""Of so many packets in a row most are small, since they hold what is between two pictures. Where
the second smallest is so many times what it is around, something changed that neither picture
helps to draw: the colours, or a torn picture."""
HABIT = 0.5
"""Where such changes and what follows them are more than this share of a camera, it is its way."""
LEAP_S = 1.2
"""How much after such a packet is looked into, and before a key picture that came early."""
USUAL_GROUP = 250
"""Pictures from one key picture to the next at most, as libx264 and libx265 have it unless told."""


@dataclass(frozen=True, eq=False)
class Packets:
    """A camera's packets in the order in which they show, shape (n,) each.

    ``seconds`` from the start of the source, ``sizes`` in bytes, ``is_key`` marks key pictures.
    """

    seconds: Floats
    sizes: npt.NDArray[np.int64]
    is_key: npt.NDArray[np.bool_]

    @property
    def period_s(self) -> float:
        """Median interval, 0 where there are under two packets."""
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else 0.0

    def count_in(self, seconds: float) -> int:
        """How many packets come in so long, at least one."""
        return max(round(seconds / self.period_s), 1) if self.period_s > 0 else 1


@dataclass(frozen=True)
class Odd:
    """Packets [start, stop) that are not as the others; ``why`` says how."""

    start: int
    stop: int
    why: str

    @property
    def rank(self) -> int:
        """How clearly, 0 the most, by the clearest of what ``why`` names."""
        return min(RANKS[word] for word in self.why.split(", "))

    @property
    def is_clear(self) -> bool:
        """Whether it is more than packets that are larger or smaller for a while."""
        return self.rank < RANKS[LARGE_PACKETS]


def odd_stretches(packets: Packets) -> list[Odd]:
    """What of a camera looks odd by its packets' sizes, in order of time; key packets, which are
    large whatever happens, do not count.

    Runs of tiny, of small and of large packets, single ones that redraw the picture, some in a row
    of which none is small, and what came before an early key picture: each against what is usual
    around it; tiny ones against all.
    """
    inner = packets.sizes[~packets.is_key].astype(np.float64)
    if len(inner) < 2 * packets.count_in(LASTING_S):
        return []
    places = np.flatnonzero(~packets.is_key)
    around = _usual_around(inner, packets.count_in(BLOCK_S))
    smooth = _smoothed(inner, packets.count_in(SMOOTH_S))
    tiny = smooth < TINY * np.median(around)
    large, small = smooth > LARGE * around, (smooth < SMALL * around) & ~tiny
    lasting, long = packets.count_in(LASTING_S), packets.count_in(LONG_S)
    rich = _rich(inner, packets.count_in(BLOCK_S), long)
    found = [Odd(*one, TINY_PACKETS) for one in _lasting(tiny, places, lasting)]
    found += [Odd(*one, LARGE_PACKETS) for one in _lasting(large, places, lasting)]
    found += [Odd(*one, LARGE_PACKETS) for one in _lasting(rich, places, long)]
    found += [Odd(*one, SMALL_PACKETS) for one in _lasting(small, places, long)]
    after = packets.count_in(LEAP_S)
    leaps = places[
        (inner > np.maximum(LEAP * around, LEAP_OF_KEY * np.median(packets.sizes[packets.is_key])))
        & (inner > LEAP_BESIDE * _beside(inner, packets.count_in(LEAP_REACH_S)))
        & (inner > LEAP_FAR * _beside(inner, packets.count_in(LEAP_FAR_S)))
    ]
    end = len(packets.sizes)
    found += [Odd(at, min(at + after, end), REDRAWN) for at in leaps.tolist()]
    sudden = _all_large(inner, packets.count_in(BLOCK_S))
    # key pictures put what comes before and after them out of its order
    sudden &= _to_nearest(places, np.flatnonzero(packets.is_key)) > packets.count_in(LEAP_REACH_S)
    changes = [Odd(at, min(at + after, end), AT_ONCE) for at, _ in _lasting(sudden, places, 1)]
    found += changes if covered(changes, end).mean() <= HABIT else []
    cuts = np.flatnonzero(early_keys(packets))
    found += [Odd(max(at - after, 0), at, BEFORE_CUT) for at in cuts.tolist()]
    return sorted(found, key=lambda odd: odd.start)


def covered(stretches: list[Odd], count: int) -> npt.NDArray[np.bool_]:
    """Which of ``count`` packets lie in any of them, shape (count,)."""
    inside = np.zeros(count, np.bool_)
    for odd in stretches:
        inside[odd.start : odd.stop] = True
    return inside


def early_keys(packets: Packets) -> npt.NDArray[np.bool_]:
    """True for each key picture that came before its time, shape (n,): an encoder puts one where
    the picture has changed. The longest distance that comes twice is what it keeps to otherwise.
    """
    keys = np.flatnonzero(packets.is_key)
    early = np.zeros(len(packets.sizes), np.bool_)
    lengths, often = np.unique(np.diff(keys), return_counts=True)
    kept_to = lengths[(often > 1) | (lengths == USUAL_GROUP)].max(initial=0)
    apart = np.diff(keys)
    early[keys[1:][(apart < kept_to) | (kept_to == 0)]] = True
    return early


def _usual_around(sizes: Floats, block: int, statistic: Any = np.mean) -> Floats:
    """The usual size around each packet, shape (n,): steps of a block, which is enough."""
    parts = np.array_split(sizes, max(len(sizes) // block, 1))
    padded = np.pad([statistic(part) for part in parts], BLOCKS // 2, mode="edge")
    usual: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, BLOCKS), axis=1)
    return np.asarray(np.maximum(np.repeat(usual, [len(part) for part in parts]), 1.0))


def _rich(sizes: Floats, block: int, width: int) -> npt.NDArray[np.bool_]:
    """True where the median over ``width`` packets is far above what it is around, shape (n,)."""
    padded = np.pad(sizes, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width // 2 * 2 + 1)
    around = _usual_around(sizes, block, np.median)
    return np.asarray(np.median(windows, axis=1) > RICH * around, dtype=np.bool_)


def _all_large(sizes: Floats, block: int) -> npt.NDArray[np.bool_]:
    """True where of the IN_A_ROW packets from there on hardly one is small, shape (n,)."""
    padded = np.pad(sizes, (0, IN_A_ROW - 1), mode="reflect")
    rows = np.lib.stride_tricks.sliding_window_view(padded, IN_A_ROW)
    second = np.partition(rows, 1, axis=1)[:, 1]
    return np.asarray(second > ALSO_LARGE * _usual_around(second, block, np.median), np.bool_)


def _to_nearest(places: npt.NDArray[np.intp], keys: npt.NDArray[np.intp]) -> Floats:
    """How many packets each is away from the nearest of ``keys``."""
    ends = np.concatenate([[-np.inf], keys, [np.inf]])
    after = np.searchsorted(ends, places)
    return np.asarray(np.minimum(ends[after] - places, places - ends[after - 1]))


def _smoothed(sizes: Floats, width: int) -> Floats:
    """Mean over ``width`` packets around each (made odd), shape (n,)."""
    sums = np.cumsum(np.pad(sizes, (width // 2 + 1, width // 2), mode="edge"))
    width = width // 2 * 2 + 1
    return np.asarray((sums[width:] - sums[:-width]) / width, dtype=np.float64)


def _lasting(
    mask: npt.NDArray[np.bool_], places: npt.NDArray[np.intp], least: int
) -> list[tuple[int, int]]:
    """Runs of True of at least so many, as packets [start, stop)."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    kept = stops - starts >= least
    return [
        (int(places[start]), int(places[stop - 1]) + 1)
        for start, stop in zip(starts[kept], stops[kept], strict=True)
    ]


def _beside(sizes: Floats, reach: int) -> Floats:
    """The largest of the ``reach`` packets on either side of each, shape (n,)."""
    padded = np.pad(sizes, reach, mode="constant")
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach).max(axis=1)
    return np.asarray(np.maximum(windows[: len(sizes)], windows[reach + 1 :]), dtype=np.float64)
