"""The cases of the checks that hold a clip's sound against its pictures, and a clip against others
and its shift.

See ``check_made`` for what a case is, and ``check_pictures`` for what is done with it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from benchmarks.check_made import Bar, Case, Curve, Floats, Made, Maker, Side
from benchmarks.clap_films import Plan, make_film
from dailies.recordings import episodes_at
from dailies.words import NS
from quality.measures import Measurements, SeriesMeasures, measure
from quality.measures.others import Others, length_among
from quality.measures.shift import Worked

CLAPS_S = (2.013, 5.2, 7.97, 11.4)


def clapped(late_s: float) -> Maker:
    """A film with four claps, whose sound comes so much later than its pictures."""

    def make(folder: Path) -> Made:
        clicks = tuple(at + late_s for at in CLAPS_S)
        plan = Plan(length_s=13, claps=CLAPS_S, clicks=clicks)
        (episode,) = episodes_at(make_film(folder / "film.mp4", plan))
        measured = measure(episode, threads=1)
        camera, sound = measured.cameras[0], measured.sounds[0]
        curves = (
            Curve("pictures", camera.times_ns / NS, _of_most(camera.motion), is_pale=True),
            Curve("sound", sound.times_ns / NS, _of_most(sound.rms)),
        )
        return Made(measured, curves, window_s=(4.7, 6.0))

    return make


def _of_most(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Floats:
    """Shares of the most, from the least on."""
    above = values.astype(np.float64) - float(values.min())
    return np.asarray(above / above.max())


def filmed_at(hour: float) -> Maker:
    """A clip of 20 minutes that began at this hour, of a shift from 9 to 17."""

    def make(_: Path) -> Made:
        day = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
        start, end, at = (day + dt.timedelta(hours=time) for time in (9, 17, hour))
        worked = Worked("s-1", start, end, "UTC", at)
        bars = (
            Bar("shift", 9, 17, "9:00 to 17:00"),
            Bar("clip", hour, hour + 0.35),
        )
        return Made(Measurements(worked=(worked,)), bars=bars, across="h")

    return make


def among_others(seconds: float) -> Maker:
    """An episode of this length among 24 others of its task, of 10 to 14.5 s."""

    def make(_: Path) -> Made:
        lengths = [10 + at * 4.5 / 23 for at in range(24)]
        series = SeriesMeasures(
            "state",
            np.arange(round(seconds * 10)) * (NS // 10),
            np.zeros(round(seconds * 10), "f4"),
        )
        others = Others(length=length_among(seconds, lengths))
        bars = (
            Bar("others end", lengths[0], lengths[-1]),
            Bar("episode", 0, seconds),
        )
        return Made(Measurements(series=(series,), others=others), bars=bars)

    return make


CLAPPED: tuple[Case, ...] = (
    Case(
        "sound_offset",
        Side("claps are heard 150 ms after they are seen", clapped(0.15)),
        Side("claps are heard 40 ms after they are seen", clapped(0.04)),
        "share of the most",
    ),
    Case(
        "unlike_others",
        Side("41 s, where 24 others last about 12 s", among_others(41)),
        Side("19 s, where 24 others last about 12 s", among_others(19)),
    ),
    Case(
        "outside_shift",
        Side("filmed two and a half hours before the shift", filmed_at(6.5)),
        Side("filmed half an hour before the shift", filmed_at(8.5)),
    ),
)
