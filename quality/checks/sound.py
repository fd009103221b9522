"""Sound that is silent, clipped, or full of the mains' hum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dailies.words import NS, Flag, Span
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Mask, joined, runs
from quality.measures.measurements import Measurements
from quality.measures.sound import BLOCKS_A_SECOND, SoundMeasures

MIN_S = 0.5
"""Of less sound than this nothing is said."""


def silent_sound(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches of sound (s) that are digitally silent, while even a quiet room is not."""
    for sound in _heard(measurements):
        for start, stop in _stretches(sound.rms < limits["level"], limits["join_s"]):
            span = _span(sound, start, stop)
            silent_s = span.duration_ns / NS
            if grade := limits.grade(silent_s):
                what = f"silent for {silent_s:.1f} s"
                yield _SILENT.flag(grade, sound.name, span, silent_s, limits.limit(grade), what)


def clipped_sound(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags stretches in which the sound is cut off at full scale: % of the samples in them."""
    for sound in _heard(measurements):
        clipped = sound.clipped_share * 100 >= limits["block_share"]
        for start, stop in _stretches(clipped, limits["join_s"]):
            if (stop - start) / BLOCKS_A_SECOND < limits["min_s"]:
                continue
            share = float(sound.clipped_share[start:stop].mean() * 100)
            if grade := limits.grade(share):
                what = f"cut off at full scale in {share:.1f} % of the samples"
                span = _span(sound, start, stop)
                yield _CLIPPED.flag(grade, sound.name, span, share, limits.limit(grade), what)


def hum(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags sound whose power is the mains' tone and its harmonics in large part (%)."""
    for sound in _heard(measurements):
        share = sound.hum_share * 100
        grade = limits.grade(share)
        if grade and sound.hum_hz and sound.hum_level >= limits["level"]:
            level_db = 20 * np.log10(sound.hum_level)
            what = f"{share:.0f} % of it is a hum of {sound.hum_hz:.0f} Hz at {level_db:.0f} dB"
            yield _HUM.flag(grade, sound.name, sound.span, share, limits.limit(grade), what)


def _heard(measurements: Measurements) -> Iterator[SoundMeasures]:
    for sound in measurements.sounds:
        if len(sound.rms) >= MIN_S * BLOCKS_A_SECOND:
            yield sound


def _stretches(mask: Mask, join_s: float) -> Iterator[tuple[int, int]]:
    """Blocks [start, stop) for which a mask holds; those up to ``join_s`` apart are one."""
    for start, stop in joined(runs(mask), join_s * BLOCKS_A_SECOND):
        yield int(start), int(stop)


def _span(sound: SoundMeasures, start: int, stop: int) -> Span:
    begins = int(sound.times_ns[start])
    ends = begins + (stop - start) * (NS // BLOCKS_A_SECOND)
    return Span(begins, max(begins, min(ends, sound.span.end_ns)))


SILENT_SOUND = Check(
    name="silent_sound",
    says="The sound is digitally silent for a while.",
    unit="s",
    remedy="Unmute or reconnect the microphone, and retake where sound is needed.",
    needs=("sounds.rms",),
    function=silent_sound,
    settings=("level", "join_s"),
)
CLIPPED_SOUND = Check(
    name="clipped_sound",
    says="The sound is louder than the recorder can take.",
    unit="%",
    remedy="Lower the microphone's gain or move it away, and retake where sound is needed.",
    needs=("sounds.clipped_share",),
    function=clipped_sound,
    settings=("block_share", "min_s", "join_s"),
)
HUM = Check(
    name="hum",
    says="The sound is in large part the mains' hum.",
    unit="%",
    remedy="Use a shielded cable, or power the recorder from its battery.",
    needs=("sounds.hum_share", "sounds.hum_level"),
    function=hum,
    settings=("level",),
)
_SILENT = Finder.of(SILENT_SOUND)
_CLIPPED = Finder.of(CLIPPED_SOUND)
_HUM = Finder.of(HUM)
