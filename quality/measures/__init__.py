"""Measuring: every stream is decoded once and becomes stored numbers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from dailies.recordings.contract import Episode
from quality.measures.claps import claps
from quality.measures.decode import measure_camera
from quality.measures.detectors import NO_MODELS, Models
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures
from quality.measures.series import SeriesMeasures, measure_series
from quality.measures.sound import Envelope, SoundMeasures, beside, hear
from quality.measures.sync import SyncMeasures, measure_sync
from quality.measures.two_sounds import by_sound, without_own

__all__ = [
    "NO_MODELS",
    "Measurements",
    "Models",
    "Pictures",
    "SeriesMeasures",
    "SoundMeasures",
    "SyncMeasures",
    "measure",
]


def measure(episode: Episode, *, threads: int = 0, models: Models = NO_MODELS) -> Measurements:
    """Decode every camera of an episode once, and measure it, the sensor series and the sound.

    ``threads`` are those of each decoder. With 0 the whole machine is used: decoders take as many
    as they like, and cameras are measured side by side. With ``models``, which must have been
    checked, people are looked for in the pictures.
    Never raises for a damaged recording: what cannot be decoded is counted and named in
    ``Pictures.error``.
    """
    at_once = max(1, min(len(episode.cameras), (os.cpu_count() or 1) if threads == 0 else 1))
    with ThreadPoolExecutor(at_once) as pool:  # FFmpeg and OpenCV leave Python's lock alone
        measured = pool.map(
            lambda camera: measure_camera(camera, threads=threads, models=models), episode.cameras
        )
        cameras = tuple(measured)
    listened = [hear(audio) for audio in episode.audio]
    sounds = tuple(sound for sound, _ in listened)
    heard = beside(episode, cameras, sounds)
    envelopes = {sound.name: envelope for sound, envelope in listened}
    return Measurements(
        cameras=cameras,
        series=tuple(measure_series(series) for series in episode.series),
        sync=measure_sync(cameras, episode.series, heard, _by_sound(heard, envelopes)),
        problems=episode.problems,
        declared_duration_s=episode.declared_duration_s,
        task=episode.metadata.task,
        steps=episode.metadata.steps,
        sounds=sounds,
    )


def _by_sound(
    heard: list[tuple[SoundMeasures, Pictures]], envelopes: dict[str, Envelope]
) -> list[SyncMeasures]:
    """Sounds against their pictures by claps, and cameras against each other by their sounds."""
    alone = [claps(envelopes[sound.name], camera, sound.name) for sound, camera in heard]
    cameras = {camera.name: envelopes[sound.name] for sound, camera in reversed(heard)}
    # a sound that is late in its own file is not the camera's delay
    late = {camera.name: sync for (_, camera), sync in zip(heard, alone, strict=True) if sync.tells}
    pairs = [
        without_own(sync, late.get(sync.stream), late.get(sync.against))
        for sync in by_sound(list(reversed(cameras.items())))
    ]
    return [*pairs, *alone]
