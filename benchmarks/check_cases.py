"""The cases of the checks that look at sound and at what is said of a recording; and all cases.

See ``check_made`` for what a case is, and ``check_pictures`` for what is done with it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from benchmarks.check_claps import CLAPPED
from benchmarks.check_films import FILMED, RATE_HZ, film, scene
from benchmarks.check_made import Bar, Case, Curve, Floats, Made, Maker, Side, both_limits
from benchmarks.check_people import PEOPLE
from benchmarks.check_series import CLOCKS, MOVING, TOUCH
from dailies.recordings.contract import Audio, Step
from dailies.words import NS
from quality.measures import Measurements, Pictures, SeriesMeasures
from quality.measures.decode import measure_camera
from quality.measures.sound import MAINS_HZ, SPECTRUM_HZ, measure_sound

SOUND_HZ = 16_000


def heard(samples: Floats, drawn: str) -> Maker:
    """A stream of sound really encoded (PCM) and measured, and its level, clipping or spectrum."""

    def make(folder: Path) -> Made:
        sound = measure_sound(_encoded(folder / "sound.mkv", samples))
        at_s = sound.times_ns / NS
        level_db = 20 * np.log10(np.maximum(sound.rms, 1e-6))
        curves = {
            "level": Curve("level", at_s, level_db.astype(np.float64)),
            "clipped": Curve(
                "samples at full scale", at_s, 100 * sound.clipped_share.astype(float)
            ),
            "spectrum": _spectrum(samples),
        }
        across = "Hz" if drawn == "spectrum" else "s"
        return Made(Measurements(sounds=(sound,)), (curves[drawn],), across=across)

    return make


def _encoded(path: Path, samples: Floats) -> Audio:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=SOUND_HZ, layout="mono")
        whole = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SOUND_HZ, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Audio("audio", path)


def _spectrum(samples: Floats) -> Curve:
    """The median second's power at each hertz, in dB; it is drawn over Hz in place of seconds."""
    seconds = samples[: len(samples) // SOUND_HZ * SOUND_HZ].reshape(-1, SOUND_HZ)
    power = np.abs(np.fft.rfft(seconds * np.hanning(SOUND_HZ), axis=1)[:, :SPECTRUM_HZ]) ** 2
    level_db = 10 * np.log10(np.median(power, axis=0) / (SOUND_HZ / 4) ** 2 + 1e-12)
    return Curve("power at each Hz", np.arange(SPECTRUM_HZ, dtype=np.float64), level_db)


def _room(level: float = 0.02) -> Floats:
    """Somebody at work: noise that swells and falls for 8 s."""
    noise = np.random.default_rng(4).normal(0, level, 8 * SOUND_HZ)
    return noise * (0.3 + np.abs(np.sin(1.7 * np.arange(len(noise)) / SOUND_HZ)))


def _muted(seconds: float) -> Floats:
    samples = _room()
    samples[3 * SOUND_HZ : round((3 + seconds) * SOUND_HZ)] = 0
    return samples


def _shouted(gain: float) -> Floats:
    samples = _room()
    at_s = np.arange(2 * SOUND_HZ) / SOUND_HZ
    samples[3 * SOUND_HZ : 5 * SOUND_HZ] += gain * np.sin(2 * np.pi * 220 * at_s)
    return samples


def _humming(gain: float) -> Floats:
    at_s = np.arange(8 * SOUND_HZ) / SOUND_HZ
    tones = (np.sin(2 * np.pi * MAINS_HZ[0] * times * at_s) / times for times in (1, 2, 3))
    return _room(0.01) + gain * sum(tones, np.zeros(len(at_s)))


def lasting(seconds: float) -> Maker:
    """A recording of so many seconds."""

    def make(_: Path) -> Made:
        return Made(_clocked(seconds), bars=(Bar("recording", 0, seconds, f"{seconds:g} s"),))

    return make


def _clocked(seconds: float, **said: object) -> Measurements:
    """Nothing but a clock that ticks for so long."""
    rate_hz = 50.0 if seconds < 100 else 1.0
    count = np.arange(round(seconds * rate_hz))
    times_ns = np.rint(count * NS / rate_hz).astype(np.int64)
    series = SeriesMeasures("clock", times_ns, np.zeros(len(count), np.float32))
    return Measurements(series=(series,), **said)  # type: ignore[arg-type]


def named(task: str) -> Maker:
    """A recording that says that it is of a task, or says nothing."""

    def make(_: Path) -> Made:
        words = f"task: {task}" if task else "names no task"
        return Made(_clocked(8, task=task or None), bars=(Bar("recording", 0, 8, words),))

    return make


def stepped(*steps: tuple[str, float, float]) -> Maker:
    """A recording of 8 s with labelled steps."""

    def make(_: Path) -> Made:
        labelled = tuple(Step(name, round(a * NS), round(b * NS)) for name, a, b in steps)
        bars = [Bar(name, a, b) for name, a, b in steps]
        return Made(_clocked(8, steps=labelled), bars=(Bar("recording", 0, 8), *bars))

    return make


def outlasted(seconds: float) -> Maker:
    """A film of 3 s beside a sensor that goes on for so long after its end."""

    def make(folder: Path) -> Made:
        camera = measure_camera(film(folder, scene("arm")[:90]))
        measured = replace(_clocked(3 + seconds), cameras=(camera,))
        bars = (Bar("pictures", 0, 3, "90"), Bar("sensor", 0, 3 + seconds, "50 a second"))
        return Made(measured, bars=bars)

    return make


def beside(pictures: int) -> Maker:
    """Two cameras are promised; the second one's film holds so few pictures."""

    def make(folder: Path) -> Made:
        front = measure_camera(film(folder, scene("arm")[:90]))
        wrist = Pictures.none("wrist")
        if pictures:
            wrist = replace(measure_camera(film(folder, scene("sweep")[:pictures])), name="wrist")
        bars = [Bar("front", 0, 3, "90 pictures")]
        length_s = pictures / RATE_HZ or 3
        bars += [Bar("wrist", 0, length_s, f"{pictures} pictures", is_empty=not pictures)]
        return Made(Measurements(cameras=(front, wrist)), bars=tuple(bars))

    return make


SAID: tuple[Case, ...] = (
    Case(
        "count_mismatch",
        Side("a sensor goes on for 2.4 s after the pictures", outlasted(2.4)),
        Side("a sensor goes on for 0.3 s after the pictures", outlasted(0.3)),
        bound="length_suspect_s",
        unit="s",
    ),
    Case(
        "missing_stream",
        Side("the wrist camera holds no picture", beside(0)),
        Side("the wrist camera holds few pictures", beside(30)),
    ),
    Case(
        "too_short",
        Side("over after 0.8 s", lasting(0.8)),
        Side("over after 2.3 s", lasting(2.3)),
        lines=both_limits,
    ),
    Case(
        "too_long",
        Side("left running for over an hour", lasting(4200)),
        Side("almost an hour", lasting(3300)),
        lines=both_limits,
    ),
    Case(
        "label_missing",
        Side("no task is named", named("")),
        Side("a task is named, however short", named("t1")),
        asks={"require": 1},
    ),
    Case(
        "steps_missing",
        Side("one of three steps is labelled", stepped(("reach", 0.5, 2))),
        Side(
            "all three are labelled, one is short",
            stepped(("reach", 0.5, 2), ("grasp", 2.2, 2.4), ("place", 3, 7)),
        ),
        asks={"expected": 3},
    ),
    Case(
        "steps_out_of_order",
        Side(
            "two steps overlap by 0.8 s",
            stepped(("reach", 0.5, 3), ("grasp", 2.2, 4.5), ("place", 4.6, 7)),
        ),
        Side(
            "two steps overlap by 0.1 s",
            stepped(("reach", 0.5, 3), ("grasp", 2.9, 4.5), ("place", 4.6, 7)),
        ),
    ),
)

HEARD: tuple[Case, ...] = (
    Case(
        "silent_sound",
        Side("muted for 3 s", heard(_muted(3), "level")),
        Side("muted for 1.5 s", heard(_muted(1.5), "level")),
        "dB",
        lambda limits: {"level": 20 * math.log10(limits["level"])},
    ),
    Case(
        "clipped_sound",
        Side("a shout beyond full scale", heard(_shouted(1.6), "clipped")),
        Side("a shout that just reaches it", heard(_shouted(0.94), "clipped")),
        "%",
        both_limits,
    ),
    Case(
        "hum",
        Side("the mains drowns the room", heard(_humming(0.04), "spectrum")),
        Side("the mains is heard in the room", heard(_humming(0.005), "spectrum")),
        "dB",
    ),
)

CASES = (*FILMED, *PEOPLE, *MOVING, *CLOCKS, *TOUCH, *SAID, *HEARD, *CLAPPED)
WITHOUT: tuple[str, ...] = ()
"""Checks of which there is no picture."""
