"""How well sound is told against pictures, and two cameras by their sounds, on made films.

Run ``dailies bench claps``. Each film is encoded (H.264 and AAC) and read back; the sound is made
for one offset after another, and for what is no clap: talk, music, a single noise, silence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clap_films import SOUND_HZ, Floats, Plan, make_film, mux, sound
from dailies.recordings import episodes_at
from quality.measures.claps import claps
from quality.measures.decode import measure_camera
from quality.measures.pictures import Pictures
from quality.measures.sound import Envelope, hear
from quality.measures.two_sounds import compared

OFFSETS_MS = (-500, -133, -70, -40, 0, 40, 70, 133, 500)
SOUNDS: dict[str, dict[str, Any]] = {
    "in a quiet room": {},
    "in a loud room": {"room": 0.02},
    "under talk": {"talk": 0.04},
}
NO_CLAPS: dict[str, dict[str, Any]] = {
    "talk": {"talk": 0.1},
    "music": {"music": 0.1},
    "talk and music": {"talk": 0.05, "music": 0.05},
    "a single noise": {"clicks": (7.3,)},
    "clicks of another time": {"clicks": (2.1, 5.9, 11.3, 16.8)},
    "silence": {"room": 0.0},
    "a room": {"room": 0.01},
}


def measure(*, full: bool, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Recall, errors and false answers by kind of event and of sound."""
    seeds = range(6 if full else 2)
    with tempfile.TemporaryDirectory() as folder:
        for kind, lasting in (("claps", 4), ("claps", 3), ("flashes", 3), ("flash and beep", 1)):
            cameras = [_filmed(Path(folder), _plan(kind, lasting, seed)) for seed in seeds]
            for words, beside in SOUNDS.items():
                yield _errors(Path(folder), f"{lasting} {kind} {words}", cameras, beside)
            tell(kind)
            yield from _falsehoods(Path(folder), f"{lasting} {kind}", cameras)
        moving = [_filmed(Path(folder), Plan(seed=seed, jumps=1.5)) for seed in seeds]
        yield from _falsehoods(Path(folder), "nothing but moves", moving)
        yield _two_cameras(seeds)


def _plan(kind: str, count: int, seed: int) -> Plan:
    """So many events at times of their own, in the pictures and in the sound."""
    rng = np.random.default_rng(seed)
    at_s = np.sort(2 + 16 * (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count)
    times_s = tuple(at_s.tolist())
    if kind == "claps":
        return Plan(claps=times_s, clicks=times_s, seed=seed)
    lengths_s = rng.uniform(0.1, 0.5, count).tolist()
    both = tuple(zip(times_s, lengths_s, strict=True))
    return Plan(flashes=both, beeps=both, seed=seed)


def _filmed(folder: Path, plan: Plan) -> tuple[Plan, Pictures]:
    path = make_film(folder / "film.mp4", replace(plan, clicks=(), beeps=()))
    (episode,) = episodes_at(path)
    return plan, measure_camera(episode.cameras[0])


def _heard(folder: Path, plan: Plan, late_s: float = 0.0) -> Envelope:
    """A plan's sound, late, encoded beside one dark picture a second."""
    shifted = replace(
        plan,
        clicks=tuple(at + late_s for at in plan.clicks),
        beeps=tuple((at + late_s, length) for at, length in plan.beeps),
    )
    dark = [np.zeros((16, 16), np.uint8)] * round(plan.length_s)
    path = mux(folder / "sound.mp4", dark, sound(shifted), 1.0)
    (episode,) = episodes_at(path)
    return hear(episode.audio[0])[1]


def _errors(
    folder: Path, words: str, films: list[tuple[Plan, Pictures]], beside: dict[str, Any]
) -> dict[str, Any]:
    errors, sigmas = [], []
    for plan, camera in films:
        for late_ms in OFFSETS_MS:
            envelope = _heard(folder, replace(plan, **beside), late_ms / 1e3)
            told = claps(envelope, camera, "audio")
            if told.tells and told.offset_ms is not None and told.offset_error_ms:
                errors.append(abs(told.offset_ms - late_ms))
                sigmas.append(errors[-1] / told.offset_error_ms)
    return {
        "name": words,
        "value": len(errors),
        "unit": "told",
        "of": len(films) * len(OFFSETS_MS),
        "median_ms": _percentile(errors, 50),
        "90_ms": _percentile(errors, 90),
        "most_ms": _percentile(errors, 100),
        "most_sigmas": _percentile(sigmas, 100),
    }


def _percentile(values: list[float], percent: float) -> float | None:
    """None where nothing was told."""
    return round(float(np.percentile(values, percent)), 2) if values else None


def _falsehoods(
    folder: Path, words: str, films: list[tuple[Plan, Pictures]]
) -> Iterator[dict[str, Any]]:
    """Pictures with events beside a sound that has none of them."""
    for name, other in NO_CLAPS.items():
        told = [
            claps(_heard(folder, Plan(seed=plan.seed + 50, **other)), camera, "audio")
            for plan, camera in films
        ]
        flagged = [one for one in told if one.tells and abs(one.offset_ms or 0) >= 70]
        yield {
            "name": f"{words}, but heard is {name}",
            "value": sum(one.tells for one in told),
            "unit": "told",
            "of": len(told),
            "beyond_70_ms": len(flagged),
        }


def _two_cameras(seeds: range) -> dict[str, Any]:
    """Two microphones in one room: echoes and noise of their own."""
    errors, told = [], []
    for seed in seeds:
        for kind in ({"talk": 0.1}, {"talk": 0.02}, {"clicks": _plan("claps", 4, seed).clicks}):
            for late_ms in OFFSETS_MS:
                plain = sound(Plan(seed=seed, length_s=30, **kind))
                pair = [microphone(plain, late, seed + late) for late in (late_ms, 0)]
                found = compared(("right", envelope_of(pair[0])), ("left", envelope_of(pair[1])))
                told.append(found)
                errors += [abs((found.offset_ms or 0) - late_ms)] if found.tells else []
    return {
        "name": "two cameras by their sounds",
        "value": len(errors),
        "unit": "told",
        "of": len(told),
        "median_ms": _percentile(errors, 50),
        "most_ms": _percentile(errors, 100),
    }


def microphone(samples: Floats, late_ms: float, seed: int, noise: float = 0.002) -> Floats:
    """What one microphone hears of a sound: later, with echoes and noise of its own."""
    rng = np.random.default_rng(abs(seed))
    echo = rng.normal(0, 0.15, 4000) * np.exp(-np.arange(4000) / 1200)
    echo[0] = 1.0
    size = 1 << (len(samples) + len(echo)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echo, size), size)
    at = np.arange(len(samples)) - late_ms * SOUND_HZ / 1e3
    late = np.interp(at, np.arange(len(samples)), heard[: len(samples)])
    return np.asarray(late + rng.normal(0, noise, len(samples)))


def envelope_of(samples: Floats, start_s: float = 0.0) -> Envelope:
    """The envelope of samples at SOUND_HZ, as decoding would give it."""
    steps = np.square(np.diff(samples, prepend=samples[:1]))
    whole = len(steps) * 1000 // SOUND_HZ
    powers = steps[: whole * SOUND_HZ // 1000].reshape(whole, -1).mean(axis=1)
    return Envelope(start_s, np.sqrt(powers).astype(np.float32))
