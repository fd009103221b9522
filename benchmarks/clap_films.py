"""Films with sound in which something claps, flashes or beeps; made, and encoded as H.264 and AAC.

A film is a bench at which two hands move on their own. What happens in it is planned: times at
which they clap, flashes with their lengths, and the sounds. Sound and pictures are planned apart,
so that each can hold what the other does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 320, 240
SOUND_HZ = 48_000
CLAP_S, SHUT_S = 0.25, 0.15
"""How long hands come together, and stay so."""


@dataclass(frozen=True)
class Plan:
    """What happens in a film of ``length_s``; all times in seconds.

    ``flashes`` are (start, length) in the pictures and ``beeps`` in the sound; ``claps`` are times
    at which hands meet, ``clicks`` those of sharp sounds. ``talk`` is the level of speech-like
    noise and ``music`` that of notes and drums.
    """

    length_s: float = 20.0
    claps: tuple[float, ...] = ()
    flashes: tuple[tuple[float, float], ...] = ()
    clicks: tuple[float, ...] = ()
    beeps: tuple[tuple[float, float], ...] = ()
    talk: float = 0.0
    music: float = 0.0
    room: float = 0.002
    rate_hz: float = 30.0
    seed: int = 0
    jumps: float = field(default=0.7)
    """Moves of each hand in a second."""


def make_film(path: Path, plan: Plan, codec: str = "aac") -> Path:
    """Encode a plan as H.264 with sound."""
    return mux(path, pictures(plan), sound(plan), plan.rate_hz, codec)


def mux(
    path: Path, frames: list[Picture], samples: Floats, rate_hz: float = 30.0, codec: str = "aac"
) -> Path:
    """Encode pictures of luma (h, w) and mono samples (n,) in turn, as a recorder does."""
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=round(rate_hz))
        film.height, film.width = frames[0].shape
        film.pix_fmt, film.options = "yuv420p", {"preset": "veryfast"}
        stream = container.add_stream(codec, rate=SOUND_HZ, layout="mono")
        assert isinstance(stream, AudioStream)
        size = stream.codec_context.frame_size or 1024
        done = 0
        whole = np.clip(samples, -1, 1).astype(np.float32)[None]
        resampler = av.AudioResampler(stream.format.name, "mono", SOUND_HZ)
        for at, luma in enumerate(frames):
            chroma = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, chroma]), format="yuv420p")
            frame.pts = at
            container.mux(film.encode(frame))
            until_s = (at + 1) / rate_hz if at + 1 < len(frames) else np.inf
            while done < whole.shape[1] and done / SOUND_HZ < until_s:
                block = np.ascontiguousarray(whole[:, done : done + size])
                heard = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                heard.sample_rate, heard.pts = SOUND_HZ, done
                for one in resampler.resample(heard):
                    container.mux(stream.encode(one))
                done += size
        container.mux(film.encode())
        container.mux(stream.encode())
    return path


def pictures(plan: Plan) -> list[Picture]:
    """The film's pictures, luma of shape (HEIGHT, WIDTH)."""
    rng = np.random.default_rng(plan.seed)
    bench = cv2.GaussianBlur(rng.normal(110, 60, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 3)
    bench = np.clip(110 + (bench - 110) * 4, 10, 200)
    times_s = np.arange(round(plan.length_s * plan.rate_hz)) / plan.rate_hz
    ways = [_hand(plan, rng, times_s, side) for side in (-1, 1)]
    light = sum(
        (
            70.0 * ((times_s >= start) & (times_s < start + length))
            for start, length in plan.flashes
        ),
        np.zeros(len(times_s)),
    )
    frames = []
    for at in range(len(times_s)):
        picture = bench.copy()
        for way, grey in zip(ways, (225.0, 30.0), strict=True):
            centre = (round(16 * way[at, 0]), round(16 * way[at, 1]))
            cv2.circle(picture, centre, 22 * 16, grey, -1, cv2.LINE_AA, 4)
        picture += light[at] + rng.normal(0, 2, picture.shape).astype(np.float32)
        frames.append(np.clip(picture, 0, 255).astype(np.uint8))
    return frames


def _hand(plan: Plan, rng: np.random.Generator, times_s: Floats, side: int) -> Floats:
    """Where a hand is, (n, 2) in pixels: smooth moves with rests, and its share in the claps."""
    count = max(int(plan.length_s * plan.jumps) + 2, 2)
    starts = np.sort(rng.uniform(-1, plan.length_s, count))
    stops = rng.uniform([30, 30], [130, HEIGHT - 30], (count, 2))
    stops[:, 0] += 160 if side > 0 else 0
    lengths = rng.uniform(0.4, 1.2, count)
    way = np.repeat(stops[:1], len(times_s), axis=0)
    for start, length, before, after in zip(
        starts[1:], lengths[1:], stops[:-1], stops[1:], strict=True
    ):
        u = np.clip((times_s - start) / length, 0, 1)[:, None]
        way += (after - before) * (u * u * u * (10 - 15 * u + 6 * u * u))
    for meet_s in plan.claps:
        # they speed up until they meet, stay so, and open slowly
        u = np.clip((times_s - meet_s + CLAP_S) / CLAP_S, 0, 1)
        opened = np.clip((times_s - meet_s - SHUT_S) / 0.5, 0, 1)
        share = (u**1.5 * (1 - opened**2 * (3 - 2 * opened)))[:, None]
        raised = np.clip((times_s - meet_s + 0.9) / 0.6, 0, 1)[:, None]
        lowered = np.clip((times_s - meet_s - SHUT_S - 0.5) / 0.6, 0, 1)[:, None]
        raised = raised**2 * (3 - 2 * raised) * (1 - lowered**2 * (3 - 2 * lowered))
        apart = np.array([WIDTH / 2 + side * 95, HEIGHT / 2])
        together = np.array([WIDTH / 2 + side * 22, HEIGHT / 2])
        at = apart * (1 - share) + together * share
        way = way * (1 - raised) + at * raised
    return way


def sound(plan: Plan) -> Floats:
    """The film's sound, mono samples at SOUND_HZ."""
    rng = np.random.default_rng(plan.seed + 1000)
    count = round(plan.length_s * SOUND_HZ)
    samples = rng.normal(0, plan.room, count)
    for at_s in plan.clicks:
        _add(samples, at_s, _click(rng))
    for start_s, length_s in plan.beeps:
        t = np.arange(round(length_s * SOUND_HZ)) / SOUND_HZ
        _add(samples, start_s, 0.2 * np.sin(2 * np.pi * 1000 * t))
    samples += plan.talk * _talk(rng, count) + plan.music * _music(rng, count)
    return samples


def _add(samples: Floats, at_s: float, what: Floats) -> None:
    start = round(at_s * SOUND_HZ)
    if 0 <= start < len(samples):
        part = samples[start : start + len(what)]
        part += what[: len(part)]


def _click(rng: np.random.Generator) -> Floats:
    """A clap: noise that dies away within 30 ms, and its echo in the room."""
    t = np.arange(round(0.25 * SOUND_HZ)) / SOUND_HZ
    decay = np.exp(-t / 0.012) + 0.08 * np.exp(-t / 0.08)
    return np.asarray(0.35 * rng.uniform(0.6, 1.4) * rng.normal(0, 0.5, len(t)) * decay)


def _talk(rng: np.random.Generator, count: int) -> Floats:
    """Noise in syllables of 0.1 to 0.3 s, in phrases with pauses; some begin as hard as a t."""
    samples = np.zeros(count)
    at_s = 0.0
    while at_s < count / SOUND_HZ:
        length_s = rng.uniform(0.1, 0.3)
        t = np.arange(round(length_s * SOUND_HZ)) / SOUND_HZ
        rise = rng.choice([0.002, 0.02, 0.05])
        shape = np.minimum(t / rise, 1) * np.sin(np.pi * np.minimum(t / length_s, 1)) ** 0.5
        pitch = rng.uniform(100, 220)
        voice = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 12))
        _add(samples, at_s, rng.uniform(0.3, 1) * shape * (voice + rng.normal(0, 0.5, len(t))))
        at_s += length_s + rng.choice([0.02, 0.08, 0.8], p=[0.5, 0.35, 0.15])
    return samples


def _music(rng: np.random.Generator, count: int) -> Floats:
    """Drums on the beat, and notes."""
    samples = np.zeros(count)
    beat_s = 60 / rng.uniform(90, 140)
    for beat in range(int(count / SOUND_HZ / beat_s)):
        _add(samples, beat * beat_s, 2 * _click(rng))
        t = np.arange(round(beat_s * SOUND_HZ)) / SOUND_HZ
        note = np.sin(2 * np.pi * 220 * 2 ** (rng.integers(0, 12) / 12) * t) * np.exp(-t / 0.4)
        _add(samples, beat * beat_s, note)
    return samples
