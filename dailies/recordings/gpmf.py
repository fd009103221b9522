"""GoPro's telemetry (GPMF) in a video file: gyroscope, accelerometer, GPS and its clock.

A payload is a tree of entries: a key of four letters, a type, the size of a sample, their number,
and the samples, big-endian, padded to four bytes; type 0 nests (github.com/gopro/gpmf-parser). A
payload covers the time of its packet, and its samples lie evenly in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Discard

from dailies.recordings.contract import Problem, Series
from dailies.recordings.files import READ_ERRORS
from dailies.recordings.tables import Values, column_names
from dailies.words import NS

PLACE = ("latitude", "longitude", "altitude", "speed_2d", "speed_3d")
SENSORS = {
    "GYRO": ("gyro", ()),
    "ACCL": ("accelerometer", ()),
    "MAGN": ("magnetometer", ()),
    "GRAV": ("gravity", ()),
    "GPS5": ("gps", PLACE),
    "GPS9": ("gps", (*PLACE, "days", "seconds", "dop", "fix")),
}
"""Keys of the sensors that are read, their names here, and those of their columns (deg, m, m/s)."""
TYPES = {
    "b": "i1", "B": "u1", "s": ">i2", "S": ">u2", "l": ">i4", "L": ">u4", "j": ">i8", "J": ">u8",
    "f": ">f4", "d": ">f8", "q": ">i4", "Q": ">i8",
}  # fmt: skip
"""Number formats of GPMF and numpy; q and Q are fixed-point numbers of 16 and 32 bits' fraction."""
FRACTIONS = {"q": 2.0**-16, "Q": 2.0**-32}
FIX_LEAST = 2
"""GPSF of a position in two dimensions; below, the GPS does not know the time."""
DAYS_FROM = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""GPS9 counts days from here."""


@dataclass(frozen=True)
class Telemetry:
    """The sensors of a file, and the instant of its first picture by the GPS's clock."""

    series: tuple[Series, ...] = ()
    started_at: dt.datetime | None = None
    problems: tuple[Problem, ...] = ()


@dataclass
class _Gathered:
    """What the payloads gave of one sensor: when each starts, a sample's time in it, samples."""

    starts_ns: list[int] = field(default_factory=list)
    steps_ns: list[float] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)


def telemetry_of(container: InputContainer, where: str) -> Telemetry:
    """Everything known in the file's telemetry; nothing where it has none.

    Reads no picture. What is damaged is left out, with a Problem.
    """
    gathered: dict[str, _Gathered] = {}
    started_at: dt.datetime | None = None
    bad = 0
    for start_ns, length_ns, payload in _payloads(container):
        try:
            for key, samples, entries in _sensors(payload):
                one = gathered.setdefault(key, _Gathered())
                one.starts_ns.append(start_ns)
                one.steps_ns.append(length_ns / len(samples))
                one.values.append(samples)
                started_at = started_at or _clock(key, samples, entries, start_ns)
        except READ_ERRORS:
            bad += 1
    problems = []
    if bad:
        message = f"{where}: {bad} payloads of telemetry cannot be read: copy it again"
        problems.append(Problem("corrupt_stream", None, message))
    series = {SENSORS[key][0]: _series(key, one) for key, one in gathered.items()}
    return Telemetry(tuple(series.values()), started_at, tuple(problems))


def _series(key: str, gathered: _Gathered) -> Series:
    name, columns = SENSORS[key]
    width = gathered.values[0].shape[1]
    steps = np.array(gathered.steps_ns)
    # the last packet holds what was left to record, and may say that it lasts as long as the others
    steps[-1] = min(steps[-1], float(np.median(steps)))
    times = [
        start + np.arange(len(values)) * step
        for start, step, values in zip(gathered.starts_ns, steps, gathered.values, strict=True)
        if values.shape[1] == width
    ]
    values = np.concatenate([one for one in gathered.values if one.shape[1] == width])
    stamps = np.maximum.accumulate(np.rint(np.concatenate(times)).astype(np.int64))
    names = column_names(name, width, columns)
    return Series(name, stamps, np.ascontiguousarray(values), names)


def _payloads(container: InputContainer) -> Iterator[tuple[int, int, bytes]]:
    """Start and length (ns from the start of the file) and content of each packet of telemetry."""
    first = (container.start_time or 0) / av.time_base
    for stream in container.streams.data:
        if "GoPro MET" not in stream.metadata.get("handler_name", ""):
            continue
        for other in container.streams:
            other.discard = Discard.default if other is stream else Discard.all
        unit = float(stream.time_base or 0)
        try:
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    at_ns = max(round((packet.pts * unit - first) * NS), 0)
                    yield at_ns, round((packet.duration or 0) * unit * NS), bytes(packet)
        except (av.FFmpegError, *READ_ERRORS):
            return
        return


Entries = dict[str, tuple[str, int, bytes]]
"""By key: type, size of a sample, and the samples."""


def _sensors(payload: bytes) -> Iterator[tuple[str, Values, Entries]]:
    """Each known sensor of a payload, its samples (n, d) scaled, and the entries beside it."""
    for key, kind, _, device in _entries(payload):
        if key != "DEVC" or kind != "\0":
            continue
        for inner, inner_kind, _, stream in _entries(device):
            if inner != "STRM" or inner_kind != "\0":
                continue
            entries = {one: (kind, size, body) for one, kind, size, body in _entries(stream)}
            for known in SENSORS.keys() & entries.keys():
                samples = _samples(entries, known)
                if len(samples):
                    yield known, samples, entries


def _entries(block: bytes) -> Iterator[tuple[str, str, int, bytes]]:
    """Key, type, size of a sample and content of each entry. Raises ValueError where one is cut."""
    at = 0
    while at + 8 <= len(block):
        key, kind, size = block[at : at + 4], chr(block[at + 4]), block[at + 5]
        length = size * int.from_bytes(block[at + 6 : at + 8], "big")
        if key == b"\0\0\0\0":
            return
        if at + 8 + length > len(block):
            raise ValueError(f"the entry {key!r} ends after the payload")
        yield key.decode("latin-1"), kind, size, block[at + 8 : at + 8 + length]
        at += 8 + (length + 3) // 4 * 4


def _samples(entries: Entries, key: str) -> Values:
    """The numbers of an entry, divided by its SCAL, as float64 of shape (n, d)."""
    kind, size, body = entries[key]
    described = entries["TYPE"][2].decode("latin-1").rstrip("\0") if "TYPE" in entries else ""
    letters = described if kind == "?" else kind * (size // np.dtype(TYPES[kind]).itemsize)
    row = np.dtype([(f"f{at}", TYPES[letter]) for at, letter in enumerate(letters)])
    if not row.itemsize or row.itemsize != size:
        raise ValueError(f"the samples of {key} are not of the size that they are said to be")
    table = np.frombuffer(body, row)
    columns = [
        table[f"f{at}"].astype(np.float64) * FRACTIONS.get(letter, 1.0)
        for at, letter in enumerate(letters)
    ]
    values: Values = np.column_stack(columns) / _scale(entries)
    return values


def _scale(entries: Entries) -> npt.NDArray[np.float64]:
    """What the samples are multiplied by: one number, or one a column."""
    if "SCAL" not in entries:
        return np.ones(1)
    kind, _, body = entries["SCAL"]
    scale = np.frombuffer(body, TYPES[kind]).astype(np.float64)
    return np.where(scale == 0, 1.0, scale)


def _clock(key: str, samples: Values, entries: Entries, start_ns: int) -> dt.datetime | None:
    """The instant of the file's start by the GPS, None where it had no fix."""
    at: Any = None
    if key == "GPS9" and samples[0, 8] >= FIX_LEAST:
        at = DAYS_FROM + dt.timedelta(days=samples[0, 5], seconds=samples[0, 6])
    elif key == "GPS5" and "GPSU" in entries and _fix(entries) >= FIX_LEAST:
        text = entries["GPSU"][2].decode("ascii").rstrip("\0")
        at = dt.datetime.strptime(text, "%y%m%d%H%M%S.%f").replace(tzinfo=dt.UTC)
    return at - dt.timedelta(microseconds=start_ns / 1000) if at else None


def _fix(entries: Entries) -> int:
    return int.from_bytes(entries["GPSF"][2], "big") if "GPSF" in entries else 0
