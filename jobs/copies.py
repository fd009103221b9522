"""What of a clip was seen in others: in those of one run (``screen``), or in all history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from jobs.printing import place_of
from jobs.screening import Screened, asked
from quality.checks.copied import COPIED_CLIP
from quality.landmarks import Candidate, Index, landmarks
from quality.measures.measurements import Measurements
from quality.measures.sketch import Copy, Sketch
from quality.moves import Moves
from quality.policy import Policy
from quality.same_motion import copy_of

ENCODED = 0.97
"""Correlation beyond which copies differ by how they were encoded: closer says no more."""
Earlier = tuple[str, Sketch]
"""A clip that was there before: its recording in words, and its sketch."""


def told(screened: Screened, copies: tuple[Copy, ...], policy: Policy) -> Screened:
    """The same with what was found of it in earlier recordings, in verdict and flags."""
    return asked(screened, COPIED_CLIP, Measurements(copies=copies), policy)


def copies_in(
    sketches: Iterable[Sketch], index: Index, earlier: Callable[[Candidate], Earlier | None]
) -> tuple[Copy, ...]:
    """For each camera the earlier clip that shares most with it, if any does."""
    found = []
    for sketch in sketches:
        moves = Moves.of(sketch)
        shared = [
            copy_of(moves, sketch.stream, Moves.of(clip), clip.stream, label, mirrored=one.mirrored)
            for one in index.look_up(moves)
            for label, clip in [earlier(one) or (None, None)]
            if label is not None and clip is not None
        ]
        best = max(filter(None, shared), key=_likeness, default=None)
        if best is not None:
            found.append(best)
    return tuple(found)


@dataclass
class Run:
    """The clips of one run of ``dailies screen``, in memory: some 0.04 MB a minute of a camera."""

    policy: Policy
    _index: Index = field(default_factory=Index)
    _clips: list[Earlier] = field(default_factory=list)

    def judged(self, screened: Screened) -> Screened:
        """The episode with what came before it in the run; it is one of those from now on."""
        copies = copies_in(screened.sketches, self._index, lambda one: self._clips[one.clip])
        place = place_of(screened, screened.path.absolute().parent)
        for sketch in screened.sketches:
            self._index.add(landmarks(Moves.of(sketch), len(self._clips)))
            self._clips.append((place, sketch))
        return told(screened, copies, self.policy)


def _likeness(copy: Copy) -> float:
    """How much one clip tells of the other, per value (nats; as for normal variables), in all that
    moves: another take of the chore may agree in more places, a copy agrees more closely."""
    return -copy.share * math.log(1 - min(copy.correlation, ENCODED) ** 2)
