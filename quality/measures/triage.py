"""Triage: every packet of a video, but only some of its pictures.

Packets are read without decoding. Of the key pictures some are decoded, evenly and where one came
early or is of an odd size. Then what looks odd is decoded whole, from the key picture before it on,
as far as the budget goes. Everything that needs no picture is measured as ever.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dailies.recordings.contract import Camera, Episode, VideoFile
from dailies.recordings.files import undecoded
from dailies.words import NS
from quality.measures import decode
from quality.measures.decode import measure_camera
from quality.measures.measurements import Measurements
from quality.measures.packets import (
    ODD_PICTURE,
    Odd,
    Packets,
    covered,
    early_keys,
    odd_stretches,
)
from quality.measures.pictures import CURVES, Pictures
from quality.measures.series import measure_series
from quality.measures.sound import beside, measure_sound
from quality.measures.sync import measure_clocks
from quality.measures.take import Take, words_of
from quality.measures.timed import delays_ms

EVERY_S = 4.0
"""Time between key pictures that are looked at in any case, where there are so many."""
FEWEST, EVEN_SHARE = 5, 0.1
"""So many of them, or as many as hold this share of all bytes: large ones take long to decode."""
ODD_KEY, ODD_KEY_S = 1.2, 0.5
"""A key picture so many times larger or smaller than is usual around it is looked at, too: of those
that follow each other, one in so long."""
AROUND_S = 8.0
SHORT_S = 1.1
"""Where key pictures come as often, they answer for packets that are large or small for a while;
where they come every ODD_KEY_S, for all but tiny packets, which may be a frozen camera's."""
MOST, MOST_SHARE = 300, 0.05
"""Pictures decoded for what looks odd: so many, or that share of a long camera's."""
CLOSER_S = 1.2
"""How much is decoded after a picture that looks odd by itself."""
AFTER_S, LONGEST_S = 0.4, 4.0
"""How much after what looks odd is decoded, so that its end is seen, and before tiny packets, so
that their start is; and how much at most."""
TICKS = 1e6
"""Pictures and packets are matched by their times in microseconds."""
KEYS_AT_ONCE, PIXELS_AT_ONCE = 16, 16 << 20
"""Key pictures that are decoded before they are measured: so many, or fewer where they are large.
"""
ALONE = {"h264", "hevc", "libdav1d", "av1", "vp9"}
"""Decoders that need no more of a file than its codec's header, so that there can be several."""

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Look:
    """What triage saw of a camera.

    ``seen``, (n,), marks the pictures that were decoded; ``runs`` are the stretches [start, stop)
    of them that were decoded whole, ``left`` what looks odd and was not looked into.
    """

    camera: Pictures
    seen: npt.NDArray[np.bool_]
    cuts: npt.NDArray[np.bool_]
    runs: tuple[tuple[int, int], ...] = ()
    left: tuple[Odd, ...] = ()


@dataclass(frozen=True, eq=False)
class Triage:
    """The measurements of a triage: curves are NaN where no picture was looked at."""

    measurements: Measurements
    looks: tuple[Look, ...]


def measure_triage(episode: Episode, *, threads: int = 0) -> Triage:
    """Measure an episode by its packets and a sample of its pictures; sensors and sound in full.

    Cameras that are no video file, or whose packets have no times, are decoded whole. Never raises
    for a damaged recording.
    """
    at_once = max(1, min(len(episode.cameras), (os.cpu_count() or 1) if threads == 0 else 1))
    with ThreadPoolExecutor(at_once) as pool:
        looks = tuple(pool.map(lambda camera: look_at(camera, threads=threads), episode.cameras))
    cameras = tuple(look.camera for look in looks)
    sounds = tuple(measure_sound(audio) for audio in episode.audio)
    measurements = Measurements(
        cameras=cameras,
        series=tuple(measure_series(series) for series in episode.series),
        sync=measure_clocks(cameras, episode.series, beside(episode, cameras, sounds)),
        problems=episode.problems,
        declared_duration_s=episode.declared_duration_s,
        task=episode.metadata.task,
        steps=episode.metadata.steps,
        sounds=sounds,
    )
    return Triage(measurements, looks)


def look_at(camera: Camera, *, threads: int = 0) -> Look:
    """Triage of one camera."""
    cv2.setNumThreads(1)
    if isinstance(camera.source, VideoFile):
        sample = _Sample(camera.source, threads)
        try:
            sample.take()
        except (av.FFmpegError, OSError, LookupError, ValueError, OverflowError, MemoryError):
            sample.is_usable = False
        if sample.is_usable:
            return _look(camera, sample)
    whole = measure_camera(camera, threads=threads)
    seen = np.ones(whole.count, np.bool_)
    return Look(whole, seen, np.zeros_like(seen), ((0, whole.count),) if whole.count else ())


@dataclass
class _Film:
    """A video that is open, and decoders beside its own, for key pictures by themselves."""

    container: InputContainer
    stream: VideoStream
    clock: decode.StreamClock
    others: tuple[Any, ...] = ()

    @classmethod
    def of(cls, container: InputContainer, source: VideoFile, take: Take, threads: int) -> _Film:
        """The source's stream of a container that was just opened."""
        stream = container.streams.video[source.track]
        clock = decode.set_up(container, stream, source, take, threads)
        count = (threads or os.cpu_count() or 1) - 1
        named = stream.codec_context.name
        return cls(
            container,
            stream,
            clock,
            tuple(_decoder_like(stream) for _ in range(count)) if named in ALONE else (),
        )

    def packets_from(self, stamp: int) -> Iterator[Any]:
        """Packets from the key picture of that time on; none where it cannot be come to."""
        self.container.seek(stamp, stream=self.stream)
        is_on = False
        for packet in self.container.demux(self.stream):
            if not is_on:
                if not packet.size or (packet.is_keyframe and (packet.pts or 0) > stamp):
                    return
                is_on = packet.pts == stamp
            if is_on:
                yield packet

    def alone(self, packets: list[Any]) -> list[tuple[list[VideoFrame], list[str]]]:
        """What key packets decode to, each by itself, and the errors; on all cores."""
        decoders = (self.stream.codec_context, *self.others)
        shares = [packets[at :: len(decoders)] for at in range(len(decoders))]
        with ThreadPoolExecutor(len(decoders)) as pool:
            parts = list(pool.map(_decoded_alone, decoders, shares))
        own = [frame for frames, _ in parts[0] for frame in frames]
        if self.others and (not own or any(map(decode.is_turned, own))):
            self.others = ()  # that a picture is turned only the file's own decoder tells
            return self.alone(packets)
        return [parts[at % len(parts)][at // len(parts)] for at in range(len(packets))]


def _decoder_like(stream: VideoStream) -> Any:
    decoder: Any = av.CodecContext.create(stream.codec_context.name, "r")
    decoder.extradata = stream.codec_context.extradata
    decoder.color_range = stream.codec_context.color_range
    decoder.thread_count = 1
    return decoder


def _decoded_alone(decoder: Any, packets: list[Any]) -> list[tuple[list[VideoFrame], list[str]]]:
    found = []
    for packet in packets:
        lost = Take()
        decoder.flush_buffers()
        frames = decode.decoded(decoder, packet, lost)
        # the picture is there without those that follow
        frames += decode.decoded(decoder, None, lost)
        found.append((frames, lost.errors))
    decoder.flush_buffers()
    return found


@dataclass
class _Sample:
    """The packets of a video, and what was measured of some of its pictures."""

    source: VideoFile
    threads: int
    take_: Take = field(default_factory=Take)
    packets: Packets = field(
        default_factory=lambda: Packets(np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_))
    )
    runs: list[tuple[int, int]] = field(default_factory=list)
    left: list[Odd] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    is_usable: bool = True
    _stamps: list[int] = field(default_factory=list)

    def take(self) -> None:
        """Read all packets and decode the sample."""
        path = self.source.path
        with av.open(str(path), metadata_errors="replace", options=undecoded(path)) as container:
            film = _Film.of(container, self.source, self.take_, self.threads)
            # what a triage does not tell of
            for pace in (self.take_.sketches, self.take_.views, self.take_.grids):
                pace.due_s = math.inf
            self._read(film)
            if self.is_usable:
                self._see_keys(film, keys_to_see(self.packets))
                self._look_closer(film)

    def _read(self, film: _Film) -> None:
        """All packets in the source's span."""
        clock = film.clock
        seconds: list[float] = []
        sizes: list[int] = []
        keys: list[bool] = []
        for packet in self._demuxed(film):
            if packet.pts is None:
                self.is_usable = False
                return
            at_s = clock.seconds(packet.pts, 0)
            if clock.is_over(at_s):
                break
            if not clock.holds(at_s):
                continue
            seconds.append(at_s)
            sizes.append(packet.size)
            keys.append(packet.is_keyframe)
            self._stamps.append(packet.pts)
        order = np.argsort(seconds, kind="stable")
        self.packets = Packets(
            np.array(seconds, np.float64)[order],
            np.array(sizes, np.int64)[order],
            np.array(keys, np.bool_)[order],
        )
        self._stamps = np.array(self._stamps, np.int64)[order].tolist()
        ended_s = max(seconds, default=0.0) + clock.period_s
        self.lost_s = [min(lost_s, ended_s) for lost_s in self.lost_s]
        self.is_usable = bool(self.packets.is_key.any())

    def _demuxed(self, film: _Film) -> Iterator[Any]:
        decode.to_start(film.container, film.stream, film.clock)
        packets = film.container.demux(film.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as error:
                self.take_.fault(words_of(error))
                self.lost_s.append(math.inf)  # put right when all times are known
                return
            if packet.size:
                yield packet

    def _see(self, frame: VideoFrame, clock: decode.StreamClock) -> None:
        at_s = clock.seconds(frame.pts, self.take_.count)
        if not clock.holds(at_s):
            return
        decode.take_frame(self.take_, at_s, frame, clock)
        if frame.is_corrupt:
            self.lost_s.append(at_s)

    def _see_keys(self, film: _Film, keys: npt.NDArray[np.intp]) -> None:
        """Look at key pictures by themselves."""
        pixels = max(film.stream.codec_context.width * film.stream.codec_context.height, 1)
        count = min(max(PIXELS_AT_ONCE // pixels, 1 + len(film.others)), KEYS_AT_ONCE)
        for some in np.split(keys, range(count, len(keys), count)):
            firsts = (
                (key, next(film.packets_from(self._stamps[key]), None)) for key in some.tolist()
            )
            found = [(key, packet) for key, packet in firsts if packet is not None]
            alone = film.alone([packet for _, packet in found])
            for (key, _), (frames, errors) in zip(found, alone, strict=True):
                self.take_.begin()
                key_s = float(self.packets.seconds[key])
                for frame in frames:
                    if film.clock.seconds(frame.pts, 0) == key_s:  # others hang on those before
                        self._see(frame, film.clock)
                for error in errors:
                    self.take_.fault(error)
                if errors:
                    self.lost_s.append(key_s)

    def _look_closer(self, film: _Film) -> None:
        """Decode what looks odd, the clear and the near first, until the budget is spent.

        What is left counts where it is clear: packets are larger and smaller in any recording.
        """
        budget = max(MOST, round(MOST_SHARE * len(self.packets.sizes)))
        keys = np.flatnonzero(self.packets.is_key)
        stretches = odd_stretches(self.packets)
        spaced_s = float(np.median(np.diff(self.packets.seconds[keys]))) if len(keys) > 1 else 0.0
        closer = [*self._odd_pictures()]
        if 0 < spaced_s <= SHORT_S:
            before = self.packets.count_in(CLOSER_S)
            around = [replace(odd, start=max(odd.start - before, 0)) for odd in closer]
            self._see_keys(film, keys_within(self.packets, stretches + around))
            few = spaced_s > ODD_KEY_S  # too few to tell of a cut what was before it
            stretches = [odd for odd in stretches if odd.is_clear and (few or not odd.rank)]
            closer = closer if few else []
        stretches += closer
        after, end = self.packets.count_in(AFTER_S), len(self.packets.sizes)
        longest = self.packets.count_in(LONGEST_S)
        stretches = [
            Odd(
                max(odd.start - (after if odd.rank == 0 else 0), 0),
                min(odd.stop + after, odd.start + longest, end),
                odd.why,
            )
            for odd in stretches
        ]
        for odd in _together(stretches, keys):
            start = int(keys[_group(odd, keys)])
            if odd.stop - start > budget or not self._run(film, start, odd.stop):
                self.left += [odd] if odd.is_clear else []
                continue
            budget -= odd.stop - start
            self.runs.append((start, odd.stop))

    def _odd_pictures(self) -> Iterator[Odd]:
        """What follows each picture that looks odd by itself, unless all do."""
        take = self.take_
        table = take.table()
        odd = odd_looking({name: table[:, at] for at, name in enumerate(CURVES)})
        # where most are so, the camera is, and there are looks enough to tell
        if not len(odd) or odd.mean() > 0.5:
            return
        closer = self.packets.count_in(CLOSER_S)
        places = self._places(np.array(take.seconds)[odd])
        for at in places[places >= 0].tolist():
            yield Odd(at, min(at + closer, len(self.packets.sizes)), ODD_PICTURE)

    def _run(self, film: _Film, start: int, stop: int) -> bool:
        """Decode packets [start, stop); False where the key picture could not be come to."""
        wanted, clock = self._stamps[start], film.clock
        first_s, last_s = (float(self.packets.seconds[at]) for at in (start, stop - 1))
        decoder, errors = film.stream.codec_context, self.take_.error_count
        decoder.flush_buffers()
        self.take_.begin()
        packet = None
        for packet in film.packets_from(wanted):
            for frame in decode.decoded(decoder, packet, self.take_):
                at_s = clock.seconds(frame.pts, 0)
                if at_s > last_s:
                    decoder.flush_buffers()
                    return True
                if at_s >= first_s:  # others hang on the group before
                    self._see(frame, clock)
            if self.take_.error_count > errors:
                self.lost_s.append(clock.seconds(packet.pts, 0))
                errors = self.take_.error_count
        return packet is not None

    def _places(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Numbers of the packets of those times, -1 where there is none."""
        known = np.round(self.packets.seconds * TICKS).astype(np.int64)
        wanted = np.round(seconds * TICKS).astype(np.int64)
        at = np.clip(np.searchsorted(known, wanted), 0, max(len(known) - 1, 0))
        return np.where(known[at] == wanted, at, -1) if len(known) else np.full(len(wanted), -1)


def keys_to_see(packets: Packets) -> npt.NDArray[np.intp]:
    """Numbers of the key pictures to look at, in order."""
    keys = np.flatnonzero(packets.is_key)
    sizes, seconds = packets.sizes[keys], packets.seconds[keys]
    length_s = float(packets.seconds[-1] - packets.seconds[0])
    fit = EVEN_SHARE * float(packets.sizes.sum()) / max(float(sizes.mean()), 1.0)
    count = int(np.clip(fit, FEWEST, max(length_s / EVERY_S, FEWEST)))
    even = np.unique(np.linspace(0, len(keys) - 1, min(count, len(keys))).round().astype(np.intp))
    spaced = float(np.median(np.diff(seconds))) if len(keys) > 1 else 0.0
    reach = max(round(AROUND_S / 2 / spaced), 2) if spaced > 0 else 2
    padded = np.pad(sizes.astype(np.float64), reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    usual = np.maximum(np.median(windows, axis=1), 1.0)
    odd = np.abs(np.log(np.maximum(sizes, 1) / usual)) > np.log(ODD_KEY)
    odd |= early_keys(packets)[keys]
    return np.union1d(keys[even], _thinned(packets, keys[odd]))


def keys_within(packets: Packets, stretches: list[Odd]) -> npt.NDArray[np.intp]:
    """Numbers of key pictures in some stretches, one in ODD_KEY_S."""
    inside = covered(stretches, len(packets.sizes))
    return _thinned(packets, np.flatnonzero(packets.is_key & inside))


def _thinned(packets: Packets, keys: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The first of the key pictures in each ODD_KEY_S."""
    slots = np.floor(packets.seconds[keys] / ODD_KEY_S).astype(np.int64)
    return keys[np.unique(slots, return_index=True)[1]]


def odd_looking(curves: dict[str, Numbers]) -> npt.NDArray[np.bool_]:
    """True for each picture that is dark, bright, soft, flat, torn or colourless, shape (n,).

    Wider than any limit: it says only what is worth another look.
    """
    usual = {name: np.nanmedian(values) if np.isfinite(values).any() else np.nan
             for name, values in curves.items()}  # fmt: skip
    luma, edge = curves["luma"], curves["edge_px"]
    odd = (luma < 35) | (luma > 225) | (curves["dark_share"] > 0.6) | (curves["bright_share"] > 0.5)
    odd |= (edge > 2.0) | (curves["smear_px"] > 2.6)
    odd |= (curves["undrawn_share"] > 0.03) | (curves["tint"] > 20)
    if len(luma) > 2:  # of two nobody knows which is the odd one
        odd |= (np.abs(luma - usual["luma"]) > 40) | (edge > 1.5 * usual["edge_px"])
        odd |= curves["contrast"] < 0.4 * usual["contrast"]
        odd |= curves["colour"] < 0.3 * usual["colour"]
    return np.asarray(odd, dtype=np.bool_)


def _together(stretches: list[Odd], keys: npt.NDArray[np.intp]) -> list[Odd]:
    """Odd stretches of one group of pictures made one, the clearest first, then the nearest to its
    key picture."""
    joined: dict[int, Odd] = {}
    for odd in sorted(stretches, key=lambda one: one.start):
        at = _group(odd, keys)
        if odd.stop <= odd.start or at < 0:
            continue
        one = joined.get(at, odd)
        why = one.why if odd.why in one.why else f"{one.why}, {odd.why}"
        joined[at] = Odd(one.start, max(one.stop, odd.stop), why)

    def place(odd: Odd) -> tuple[int, int]:
        return odd.rank, odd.stop - int(keys[_group(odd, keys)])

    return sorted(joined.values(), key=place)


def _group(odd: Odd, keys: npt.NDArray[np.intp]) -> int:
    """The number of the key picture from which an odd stretch can be decoded; -1 where none is."""
    return int(np.searchsorted(keys, odd.start, side="right")) - 1


def _look(camera: Camera, sample: _Sample) -> Look:
    take, packets = sample.take_, sample.packets
    table = take.table()
    places = sample._places(np.array(take.seconds, np.float64))
    known, count = places >= 0, len(packets.seconds)
    seen = np.zeros(count, np.bool_)
    seen[places[known]] = True
    # of a picture that was decoded twice the later look counts: there it has one before it
    curves = np.full((count, table.shape[1]), np.nan, np.float32)
    curves[places[known]] = table[known]
    two = np.full(count, np.nan, np.float32)
    two[places[known]] = np.array(take.two, np.float32)[known]
    runs = _merged(sample.runs)
    moves = np.zeros(count, np.bool_)
    for start, stop in runs:
        moves[start:stop] = seen[start:stop]
    curves[~moves, CURVES.index("motion")] = np.nan
    curves[~moves, CURVES.index("changed_share")] = np.nan
    two[~moves] = np.nan
    container_ns = np.round(packets.seconds * NS).astype(np.int64) + camera.offset_ns
    times_ns, clock = decode.times_of(camera, container_ns)
    delay_median_ms, delay_max_ms = delays_ms(camera.delays_ns)
    sizes, resized = _sizes(take, places)
    named: dict[str, Any] = {name: curves[:, at] for at, name in enumerate(CURVES)}
    pictures = Pictures(
        name=camera.name,
        times_ns=times_ns,
        repeat=(curves[:, len(CURVES)] == 1) & moves,
        motion_two=two,
        keys=np.flatnonzero(packets.is_key).astype(np.int32),
        width=take.width,
        height=take.height,
        codec=take.codec,
        clock=clock,
        packet_count=count or None,
        container_count=take.container_count,
        declared_count=camera.declared_count,
        declared_rate_hz=camera.declared_rate_hz,
        broken_count=len(take.corrupt_seconds),
        error_count=take.error_count,
        error=decode.error_of(take),
        lost_from_ns=round(min(sample.lost_s) * NS) + camera.offset_ns if sample.lost_s else None,
        thumbnail=take.thumbnail,
        delay_median_ms=delay_median_ms,
        delay_max_ms=delay_max_ms,
        sizes=sizes,
        resized_ns=tuple(int(times_ns[at]) for at in resized),
        **named,
    )
    return Look(pictures, seen, early_keys(packets), runs, tuple(sample.left))


def _merged(runs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(runs):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return tuple(merged)


def _sizes(take: Take, places: npt.NDArray[np.intp]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The sizes that the pictures had in turn, and the places at which each but the first began."""
    firsts = [number for number, _, _ in take.sizes] + [len(places)]
    words = [f"{width}x{height}" for _, width, height in take.sizes]
    size_of = np.repeat(np.arange(len(words)), np.diff(firsts)) if words else np.empty(0, np.intp)
    known = [(int(places[at]), words[size_of[at]]) for at in np.argsort(places, kind="stable")]
    turns = [
        (place, word)
        for (_, before), (place, word) in zip([(0, ""), *known], known, strict=False)
        if word != before
    ]
    return tuple(word for _, word in turns), tuple(place for place, _ in turns[1:])
