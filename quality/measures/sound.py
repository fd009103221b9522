"""One decode pass over a stream of sound: its level every 10 ms, and how much of it is hum.

For as long as an episode is measured, the pass also gives the level of every millisecond, placed by
the container's time stamps: what claps and two sounds are told by.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from dailies.recordings.contract import Audio, Episode, VideoFile
from dailies.recordings.files import READ_ERRORS
from dailies.words import NS, Span
from quality.measures.pictures import Pictures

Floats = npt.NDArray[np.float32]
BLOCKS_A_SECOND = 100
FULL = 0.985
"""Share of full scale from which a sample counts as clipped: a lossy codec rounds the flat top."""
MAINS_HZ = (50.0, 60.0)
HARMONICS = 8
SPECTRUM_HZ = 512
"""Up to where the spectrum is kept: eight harmonics of 60 Hz, and their surroundings."""
SPECTRA_KEPT = 1200
"""When there are more seconds than this, every other spectrum is let go of."""
NEAR_HZ, AROUND_HZ = 1, 6
"""A mains tone lies within the one, and what else sounds near it within the other."""
TONE_RATIO = 4.0
"""Power that a harmonic must have against the median around it, to be one."""
SILENT = 1e-7
ERRORS_KEPT = 3
FINE_A_SECOND = 1000
FINE_KEPT_S = 3 * 3600
"""Of longer sound the beginning is kept in milliseconds: 4 MB a thousand seconds."""
STRAY_S = 60.0
"""Time stamps that disagree with the samples counted by more than this are not believed."""


@dataclass(frozen=True, eq=False)
class SoundMeasures:
    """The measures of one stream of sound; the arrays have shape (n,), one entry every 10 ms.

    ``rms`` and ``peak`` are of full scale (1.0), of the loudest channel; ``clipped_share`` is the
    share of samples at full scale. ``hum_level`` is the RMS of the mains tone and its harmonics (of
    full scale) and ``hum_share`` their part of the sound's power, both in the median second, so
    that speech and blows do not count; ``hum_hz`` is the mains' frequency that fits best, None
    where no two harmonics stand out. ``sample_count`` are the samples decoded in each channel,
    ``rate_hz`` their rate.
    """

    name: str
    times_ns: npt.NDArray[np.int64]
    rms: Floats
    peak: Floats
    clipped_share: Floats
    rate_hz: int = 0
    channels: int = 0
    sample_count: int = 0
    declared_count: int | None = None
    hum_hz: float | None = None
    hum_level: float = 0.0
    hum_share: float = 0.0
    error: str | None = None
    error_count: int = 0

    @property
    def count(self) -> int:
        """Samples decoded in each channel."""
        return self.sample_count

    @property
    def span(self) -> Span:
        """From the first sample to the end of the last one."""
        if not self.rate_hz or not len(self.times_ns):
            return Span(0, 0)
        start = int(self.times_ns[0])
        return Span(start, start + round(self.sample_count / self.rate_hz * NS))


@dataclass(frozen=True, eq=False)
class Envelope:
    """The level of a sound in each millisecond, shape (n,), from ``start_s`` of the recording on.

    ``level`` is the RMS of the difference from sample to sample, over all channels, so that sharp
    sounds count for more than rumble; 0 where the time stamps leave a gap.
    """

    start_s: float
    level: Floats

    @property
    def end_s(self) -> float:
        """End of the last millisecond."""
        return self.start_s + len(self.level) / FINE_A_SECOND


@dataclass
class _Heard:
    """What accumulates during the pass."""

    rms: list[Floats] = field(default_factory=list)
    peak: list[Floats] = field(default_factory=list)
    clipped: list[Floats] = field(default_factory=list)
    spectra: list[Floats] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    fine: list[Floats] = field(default_factory=list)
    placed: list[tuple[int, float]] = field(default_factory=list)  # sample, and its time stamp [s]
    stride: int = 1
    seconds: int = 0
    rate_hz: int = 0
    channels: int = 0
    count: int = 0
    error_count: int = 0
    errors: list[str] = field(default_factory=list)

    def fault(self, error: BaseException) -> None:
        """Count an error, and keep the words of the first few different ones."""
        self.error_count += 1
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if words not in self.errors and len(self.errors) < ERRORS_KEPT:
            self.errors.append(words)


def beside(
    episode: Episode, cameras: Sequence[Pictures], sounds: Sequence[SoundMeasures]
) -> list[tuple[SoundMeasures, Pictures]]:
    """Each sound with the pictures of its own file, where both could be decoded to their end and
    the pictures' times are the file's.

    ``cameras`` and ``sounds`` are the measures of the episode's, in its order.
    """
    seen: dict[Path, Pictures] = {}
    for camera, pictures in zip(episode.cameras, cameras, strict=True):
        is_file = isinstance(camera.source, VideoFile) and camera.times_ns is None
        if is_file and camera.source and pictures.count > 2 and not pictures.error:
            seen.setdefault(camera.source.path, pictures)
    return [
        (sound, seen[audio.path])
        for audio, sound in zip(episode.audio, sounds, strict=True)
        if audio.path in seen and sound.span.duration_ns and not sound.error
    ]


def measure_sound(audio: Audio) -> SoundMeasures:
    """The measures of a stream of sound; see ``hear``."""
    return hear(audio)[0]


def hear(audio: Audio) -> tuple[SoundMeasures, Envelope]:
    """Decode a stream of sound once; a second of it is in memory at a time.

    Never raises for a damaged file: ``error`` says what could not be decoded.
    """
    heard = _Heard()
    from_start_s = 0.0
    try:
        with av.open(str(audio.path), metadata_errors="replace") as container:
            stream = container.streams.audio[audio.track]
            if stream.codec_context is None:
                raise ValueError("its sound is of a codec that FFmpeg does not know")
            from_start_s = _from_start_s(container, stream, audio)
            for second in _seconds(container, stream, heard):
                _hear(second, heard)
    except (av.FFmpegError, *READ_ERRORS) as error:
        heard.fault(error)
    rms = np.concatenate(heard.rms) if heard.rms else np.empty(0, np.float32)
    hum_hz, level, share = _hum(heard)
    measured = SoundMeasures(
        name=audio.name,
        times_ns=audio.offset_ns + np.arange(len(rms), dtype=np.int64) * (NS // BLOCKS_A_SECOND),
        rms=rms,
        peak=np.concatenate(heard.peak) if heard.peak else np.empty(0, np.float32),
        clipped_share=np.concatenate(heard.clipped) if heard.clipped else np.empty(0, np.float32),
        rate_hz=heard.rate_hz,
        channels=heard.channels,
        sample_count=heard.count,
        declared_count=audio.declared_count,
        hum_hz=hum_hz,
        hum_level=level,
        hum_share=share,
        error="; ".join(heard.errors) or None,
        error_count=heard.error_count,
    )
    return measured, _envelope(heard, audio, from_start_s)


def _from_start_s(container: InputContainer, stream: AudioStream, audio: Audio) -> float:
    """What a time stamp of the stream needs added, to be on the recording's clock [s]."""
    first_s = (container.start_time or 0) / av.time_base
    own_s = float((stream.start_time or 0) * (stream.time_base or 0)) - first_s
    return audio.offset_ns / NS - max(own_s, 0.0) - first_s


def _envelope(heard: _Heard, audio: Audio, from_start_s: float) -> Envelope:
    """The milliseconds on an even grid: by their time stamps, or counted where these are odd."""
    level = np.concatenate(heard.fine) if heard.fine else np.empty(0, np.float32)
    counted = Envelope(audio.offset_ns / NS, level)
    if not len(level) or not heard.placed:
        return counted
    samples, stamps_s = np.array(heard.placed).T
    by_count_s = stamps_s[0] + (samples - samples[0]) / heard.rate_hz
    if (np.diff(stamps_s) <= 0).any() or np.abs(stamps_s - by_count_s).max() > STRAY_S:
        return counted
    # the time of a sample lies as far from its frame's stamp as it is counted from it
    numbers = np.arange(len(level)) * heard.rate_hz / FINE_A_SECOND
    frame = np.clip(np.searchsorted(samples, numbers, side="right") - 1, 0, None)
    at_s = stamps_s[frame] + (numbers - samples[frame]) / heard.rate_hz
    grid_s = np.arange(at_s[0], at_s[-1] + 0.5 / FINE_A_SECOND, 1 / FINE_A_SECOND)
    nearest = np.clip(np.searchsorted(at_s, grid_s + 0.5 / FINE_A_SECOND) - 1, 0, None)
    is_there = np.abs(at_s[nearest] - grid_s) <= 2 / FINE_A_SECOND
    placed = np.where(is_there, level[nearest], 0).astype(np.float32)
    return Envelope(float(at_s[0]) + from_start_s, placed)


def _seconds(container: InputContainer, stream: AudioStream, heard: _Heard) -> Iterator[Floats]:
    """The sound second by second, float32 of shape (channels, rate); the last may be shorter."""
    for other in container.streams:
        other.discard = Discard.default if other is stream else Discard.all
    resampler = av.AudioResampler(format="fltp")
    waiting: list[Floats] = []
    length = 0
    for frame in _frames(container, stream, heard):
        if heard.rate_hz and frame.sample_rate != heard.rate_hz:
            resampler = av.AudioResampler(format="fltp", rate=heard.rate_hz)
        heard.rate_hz = heard.rate_hz or frame.sample_rate
        if frame.time is not None:
            heard.placed.append((heard.count + length, frame.time))
        for plain in resampler.resample(frame):
            samples = np.asarray(plain.to_ndarray(), np.float32)
            heard.channels = heard.channels or len(samples)
            if len(samples) != heard.channels:
                continue
            waiting.append(samples)
            length += samples.shape[1]
        while heard.rate_hz and length >= heard.rate_hz:
            joined = np.concatenate(waiting, axis=1)
            yield joined[:, : heard.rate_hz]
            waiting = [joined[:, heard.rate_hz :]]
            length -= heard.rate_hz
    if length:
        yield np.concatenate(waiting, axis=1)


def _frames(
    container: InputContainer, stream: AudioStream, heard: _Heard
) -> Iterator[av.AudioFrame]:
    """Every frame that can be decoded; decoding goes on after an error."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as error:
            heard.fault(error)
            return
        try:
            yield from stream.decode(packet)
        except av.EOFError:
            continue  # a flushed decoder was flushed again
        except (av.FFmpegError, OSError, ValueError) as error:
            heard.fault(error)


def _hear(samples: Floats, heard: _Heard) -> None:
    """Measure up to a second of sound."""
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, posinf=1.0, neginf=-1.0)
    length = samples.shape[1]
    block = max(heard.rate_hz // BLOCKS_A_SECOND, 1)
    starts = np.arange(0, length, block)
    sizes = np.diff(np.append(starts, length)).astype(np.float32)
    squares = np.add.reduceat(np.square(samples), starts, axis=1) / sizes
    level = np.abs(samples)
    heard.rms.append(np.sqrt(squares.max(axis=0)).astype(np.float32))
    heard.peak.append(np.maximum.reduceat(level, starts, axis=1).max(axis=0).astype(np.float32))
    clipped = np.add.reduceat((level >= FULL).astype(np.float32), starts, axis=1) / sizes
    heard.clipped.append(clipped.max(axis=0).astype(np.float32))
    heard.fine += _milliseconds(samples, heard)
    heard.count += length
    if length == heard.rate_hz:
        _take_spectrum(samples.mean(axis=0), heard)


def _milliseconds(samples: Floats, heard: _Heard) -> list[Floats]:
    """The level of each whole millisecond; none of what is beyond FINE_KEPT_S."""
    count = samples.shape[1] * FINE_A_SECOND // max(heard.rate_hz, 1)
    if not count or heard.rate_hz < 2 * FINE_A_SECOND or heard.count >= FINE_KEPT_S * heard.rate_hz:
        return []
    edges = np.arange(count + 1) * heard.rate_hz // FINE_A_SECOND
    steps = np.square(np.diff(samples, axis=1, prepend=samples[:, :1])).sum(axis=0)
    powers = np.add.reduceat(steps[: edges[-1]], edges[:-1]) / np.diff(edges)
    return [np.sqrt(powers).astype(np.float32)]


def _take_spectrum(second: Floats, heard: _Heard) -> None:
    """Keep the power of each hertz of a whole second, of full scale squared."""
    heard.seconds += 1
    if (heard.seconds - 1) % heard.stride:
        return
    window = _window(len(second))
    # so scaled, the powers of all hertz add up to the mean square
    power = (
        2
        * np.square(np.abs(np.fft.rfft(second * window)))
        / (len(second) * float(np.square(window).sum()))
    )
    heard.powers.append(float(power[1:].sum()))
    kept = np.zeros(SPECTRUM_HZ, np.float32)
    kept[: min(SPECTRUM_HZ, len(power))] = power[:SPECTRUM_HZ]
    heard.spectra.append(kept)
    if len(heard.spectra) > SPECTRA_KEPT:
        heard.spectra, heard.powers = heard.spectra[::2], heard.powers[::2]
        heard.stride *= 2


@functools.lru_cache(maxsize=8)
def _window(length: int) -> Floats:
    return np.hanning(length).astype(np.float32)


def _hum(heard: _Heard) -> tuple[float | None, float, float]:
    """The mains' frequency, the level of its tones and their share of the sound's power."""
    if not heard.spectra:
        return None, 0.0, 0.0
    spectrum = np.median(np.stack(heard.spectra), axis=0).astype(np.float64)
    whole = float(np.median(heard.powers))
    found = max((_tones(spectrum, mains), mains) for mains in MAINS_HZ)
    (power, count), mains = found
    if count < 2 or whole < SILENT**2:
        return None, 0.0, 0.0
    return mains, float(np.sqrt(power)), min(power / whole, 1.0)


def _tones(spectrum: npt.NDArray[np.float64], mains_hz: float) -> tuple[float, int]:
    """Power of the harmonics that stand out of what is around them, and how many do."""
    power, count = 0.0, 0
    for number in range(1, HARMONICS + 1):
        at = round(mains_hz * number)
        tone = float(spectrum[at - NEAR_HZ : at + NEAR_HZ + 1].sum())
        beside = np.r_[at - AROUND_HZ : at - NEAR_HZ - 1, at + NEAR_HZ + 2 : at + AROUND_HZ + 1]
        floor = float(np.median(spectrum[beside])) * (2 * NEAR_HZ + 1)
        if tone > TONE_RATIO * max(floor, SILENT**2):
            power += tone - floor
            count += 1
    return power, count
