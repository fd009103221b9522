"""The landmarks of a clip, and an index in which a million clips are looked up by them.

A landmark is the moment of a stretch of time at which the picture differs most from those around
it: its cosine waves' signs are a hash of forty bits. History keeps few landmarks of each clip; a
clip that is looked up asks with a hash of every fifth of a second, so that both need not agree on
the moments, however one was cut or made faster. A mirrored picture turns the waves round that are
odd across: its hash is known without drawing it.

The index is a table sorted by each half of the hash. What is sought are entries of which one half
agrees but for the signs that are least certain, and the whole within ``FAR`` bits: then those of
one clip that keep the order of time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quality.moves import SHOWN, STEP_S, Moves, waves

STRETCH_S = 2.0
MOST = 32
"""Landmarks of a clip at most, one a stretch: of a longer clip, stretches are longer."""
ASKED = 160
"""Hashes with which a clip is looked up at most, spread evenly."""
ASK_EVERY = 2
"""Rows of the moves between them."""
BITS = 20
"""Of each half of a hash."""
UNSURE = 2
"""Signs of each half that may be the other way round: those of the weakest waves."""
FAR = 8
"""Bits of forty in which two hashes of the same moment may differ at most."""
CROWDED = 2_000
"""Entries with the same half from which on it says nothing: the most usual poses of a station."""
BIN_S = 3.0
"""Landmarks of one clip speak for each other where their times differ by as much, within this."""
VOTES = 2
"""Landmarks that must agree at least for a clip to be looked at closely."""

Hashes = npt.NDArray[np.uint64]
Halves = npt.NDArray[np.uint32]
ROW = np.dtype([("hash", "<u8"), ("clip", "<u4"), ("at", "<u2")], align=True)
"""An entry: the hash, the clip's number, and the moment in tenths of a second from its start."""
Rows = npt.NDArray[np.void]

_POWERS = np.uint32(1) << np.arange(BITS, dtype=np.uint32)


def landmarks(moves: Moves, clip: int = 0) -> Rows:
    """The entries of a clip: at most ``MOST``, none where nothing moves."""
    level = moves.level()
    stretch = max(round(STRETCH_S / STEP_S), -(-len(level) // MOST))
    starts = range(0, len(level), stretch)
    at = np.array([start + int(np.argmax(level[start : start + stretch])) for start in starts])
    at = at[level[at] >= SHOWN] if len(at) else np.empty(0, np.intp)
    rows = np.zeros(len(at), ROW)
    rows["hash"] = _hash(_signs(moves, at)) if len(at) else 0
    rows["clip"], rows["at"] = clip, np.minimum(at, 65_535)
    return rows


@dataclass(frozen=True)
class Candidate:
    """A clip that may show the same: how many of its landmarks were met in order."""

    clip: int
    mirrored: bool
    votes: int


@dataclass(frozen=True, eq=False)
class _Segment:
    """Entries, and for each half of the hash the halves in order and whose they are."""

    rows: Rows
    halves: tuple[Halves, Halves]
    order: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]

    @classmethod
    def of(cls, rows: Rows) -> _Segment:
        halves, orders = [], []
        for half in _split(rows["hash"]):
            order = np.argsort(half, kind="stable").astype(np.uint32)
            halves.append(half[order])
            orders.append(order)
        return cls(rows, (halves[0], halves[1]), (orders[0], orders[1]))

    @property
    def nbytes(self) -> int:
        arrays = (self.rows, *self.halves, *self.order)
        return sum(array.nbytes for array in arrays)


@dataclass
class Index:
    """Landmarks of all clips. Grows by ``add``; segments are merged so that there are few.

    Not safe for threads.
    """

    _segments: list[_Segment] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of landmarks."""
        return sum(len(segment.rows) for segment in self._segments)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(segment.nbytes for segment in self._segments)

    def add(self, rows: Rows) -> None:
        """Take in entries; a clip's all at once."""
        while len(rows) and self._segments and len(self._segments[-1].rows) <= 4 * len(rows):
            rows = np.concatenate([self._segments.pop().rows, rows])
        if len(rows):
            self._segments.append(_Segment.of(rows))

    def look_up(self, moves: Moves, most: int = 8) -> list[Candidate]:
        """Clips that may show what moves here, the likeliest first."""
        level = moves.level()
        shown = np.flatnonzero(level >= SHOWN)
        asked = shown[:: max(ASK_EVERY, -(-len(shown) // ASKED))]
        if not len(asked) or not self._segments:
            return []
        plain = _signs(moves, asked)
        found = [
            (segment.rows[entry], asked[question], np.full(len(entry), is_mirrored))
            for is_mirrored in (False, True)
            for segment in self._segments
            for entry, question in [_near(segment, plain * _turned() if is_mirrored else plain)]
        ]
        rows, times, mirrored = (np.concatenate(column) for column in zip(*found, strict=True))
        return _ranked(rows, times * STEP_S, mirrored, most)


def _turned() -> npt.NDArray[np.float32]:
    """By what the waves are multiplied in a mirror, (2 * BITS,)."""
    return np.where(waves()[1][: 2 * BITS], -1, 1).astype(np.float32)


def _signs(moves: Moves, at: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """The first waves' coefficients at some rows, (k, 2 * BITS); their signs make the hash."""
    return np.asarray(moves.motion[at] @ waves()[0][:, : 2 * BITS], np.float32)


def _hash(signs: npt.NDArray[np.float32]) -> Hashes:
    """Every other wave goes to each half, so that both halves hold coarse ones."""
    bits = signs > 0
    first = bits[:, 0::2] @ _POWERS
    second = bits[:, 1::2] @ _POWERS
    return np.asarray(first.astype(np.uint64) | second.astype(np.uint64) << np.uint64(BITS))


def _split(hashes: Hashes) -> tuple[Halves, Halves]:
    low = np.uint64((1 << BITS) - 1)
    return (hashes & low).astype(np.uint32), (hashes >> np.uint64(BITS)).astype(np.uint32)


def _near(
    segment: _Segment, signs: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Entries near the questions (k, 2 * BITS), and by which question each was found."""
    hashes = _hash(signs)
    entries, questions = [], []
    for number, half in enumerate(_split(hashes)):
        tried, question = _probes(half, signs[:, number::2])
        low = np.searchsorted(segment.halves[number], tried, "left")
        high = np.searchsorted(segment.halves[number], tried, "right")
        count = high - low
        count[count > CROWDED] = 0
        place = np.repeat(low - np.concatenate(([0], np.cumsum(count)[:-1])), count)
        entries.append(segment.order[number][place + np.arange(len(place))].astype(np.intp))
        questions.append(np.repeat(question, count))
    entry, question = np.concatenate(entries), np.concatenate(questions)
    apart = np.bitwise_count(segment.rows["hash"][entry] ^ hashes[question])
    near = apart <= FAR
    return entry[near], question[near]


def _probes(half: Halves, signs: npt.NDArray[np.float32]) -> tuple[Halves, npt.NDArray[np.intp]]:
    """Each half with its weakest signs either way, in order, and whose each is."""
    weak = np.argpartition(np.abs(signs), UNSURE, axis=1)[:, :UNSURE]
    flips = np.zeros((len(half), 1), np.uint32)
    for at in range(UNSURE):
        flips = np.concatenate([flips, flips ^ _POWERS[weak[:, at : at + 1]]], axis=1)
    tried = (half[:, None] ^ flips).ravel()
    order = np.argsort(tried)  # neighbours are sought near each other, which memory likes
    return tried[order], np.repeat(np.arange(len(half)), flips.shape[1])[order]


def _ranked(
    rows: Rows,
    asked_s: npt.NDArray[np.float64],
    mirrored: npt.NDArray[np.bool_],
    most: int,
) -> list[Candidate]:
    """The clips with the most different landmarks whose times differ by about the same."""
    if not len(rows):
        return []
    apart = np.floor((asked_s - rows["at"] * STEP_S) / BIN_S).astype(np.int64) + (1 << 12)
    clip = rows["clip"].astype(np.int64) << 1 | mirrored
    votes: dict[int, int] = {}
    for shift in (0, 1):  # bins two wide that overlap by half: what straddles one is whole in one
        bin_ = clip << 13 | (apart + shift) >> 1
        met = np.unique(bin_ << 16 | rows["at"].astype(np.int64)) >> 16
        keys, counts = np.unique(met, return_counts=True)
        for key, count in zip(keys[counts >= VOTES], counts[counts >= VOTES], strict=True):
            votes[int(key) >> 13] = max(votes.get(int(key) >> 13, 0), int(count))
    best = sorted(votes.items(), key=lambda one: (-one[1], one[0]))[:most]
    return [Candidate(key >> 1, bool(key & 1), count) for key, count in best]
