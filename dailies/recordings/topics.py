"""The topics of a robot's log as an episode: cameras, series, and the one clock they lie on."""

from __future__ import annotations

import datetime as dt
import hashlib
import heapq
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from dailies.recordings.contract import (
    Camera,
    CarriedPicture,
    Clock,
    Coding,
    Episode,
    Metadata,
    Problem,
    Series,
)
from dailies.recordings.described import IDS, Said, load_json, metadata_of
from dailies.recordings.files import trouble
from dailies.recordings.logs import Found, Log, Places
from dailies.recordings.message_pictures import (
    TYPES,
    coding_of,
    content_of,
    payload_of,
    unknown_coding,
)
from dailies.recordings.messages import (
    DECODE_ERRORS,
    IGNORED,
    MAX_COLUMNS,
    Block,
    Decode,
    Topic,
    blocks_of,
    decoder_of,
    stamp_of,
    taker_of,
)
from dailies.words import NS

Times = npt.NDArray[np.int64]

Add = Callable[[int, int, "bytes | memoryview", int], None]
"""Takes in a message: log time, publish time, content, place."""

DAMAGED = 16
"""Messages at the head of a topic that cannot be decoded, after which it counts as unreadable."""

APART_NS = 10 * NS
"""Stamps that lie farther from the log's clock, by their median, are of a clock of their own."""

FAR_NS = 86_400 * NS
"""Times farther from the recording's median are no times of it: no recording lasts a day."""

BACK_NS = NS
"""A step back in time that is told of; smaller ones are messages that overtook each other."""

HELD = 128 << 20
"""Bytes of pictures that wait at most for an earlier one that lies farther on in the file."""

FEW = 2
"""Messages of a topic that tells something once (a latched one may be stamped long before): the
log's time is when it was told."""

FIELDS = 64
"""The same of JSON, of which each field may come and go."""
LAYOUTS = 4
"""Most layouts in one topic; where there are more, its numbers are lists of no fixed meaning."""

SHAPES = 1000
"""Most orders of a topic's fields that are remembered; others are looked at message by message."""

RECORD = "dailies"
"""Name of the metadata record (or JSON attachment) of a log that says all Dailies wants to know."""

_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_FARTHEST = 1 << 62


@dataclass(frozen=True, eq=False)
class LoggedPictures:
    """The pictures of one topic, as ``dailies.recordings.contract.Carried`` wants them.

    ``times_ns`` and ``kept``, shape (n,), have an entry for every message of the topic; those that
    are not kept carry an impossible time. ``logged_ns``, (n,), is when each was logged, in whose
    order they need not lie in the file; empty where they do. ``digest`` is a hash of the coded
    pictures.
    """

    path: Path
    coding: Coding
    log: Log
    topics: tuple[Topic, ...]
    places: Places
    times_ns: Times
    kept: npt.NDArray[np.bool_]
    digest: str
    logged_ns: Times
    clock: Clock = "measured"

    def pictures(self) -> Iterator[CarriedPicture]:
        """Every picture in the order of the log; None for one that cannot be taken out."""
        pictures = self._as_they_lie()
        return _in_order(pictures, self.logged_ns[self.kept]) if len(self.logged_ns) else pictures

    def _as_they_lie(self) -> Iterator[CarriedPicture]:
        decoders = {topic: decoder_of(topic) for topic in self.topics}
        messages = self.log.messages(None, self.topics, self.places)
        for (topic, _, _, data, _), time_ns, is_kept in zip(
            messages, self.times_ns.tolist(), self.kept.tolist(), strict=False
        ):
            if is_kept:
                yield CarriedPicture(time_ns, self._content(topic, decoders[topic], data))

    def _content(
        self, topic: Topic, decode: Decode, data: bytes | memoryview
    ) -> bytes | npt.NDArray[np.uint8] | None:
        try:
            message = decode(data)
            return content_of(topic, message) if coding_of(topic, message) == self.coding else None
        except DECODE_ERRORS:
            return None


def _in_order(pictures: Iterator[CarriedPicture], logged_ns: Times) -> Iterator[CarriedPicture]:
    """The pictures, (n,), in the order in which they were logged; of HELD bytes that would have to
    wait for an earlier one, the first go on without it.
    """
    waiting: list[tuple[int, CarriedPicture]] = []
    held = next_place = 0
    places = np.argsort(np.argsort(logged_ns, kind="stable"), kind="stable").tolist()
    for place, picture in zip(places, pictures, strict=False):
        heapq.heappush(waiting, (place, picture))
        held += _size(picture)
        while waiting and (waiting[0][0] <= next_place or held > HELD):
            place, picture = heapq.heappop(waiting)
            held -= _size(picture)
            next_place = max(next_place, place + 1)
            yield picture
    yield from (picture for _, picture in sorted(waiting, key=lambda one: one[0]))


def _size(picture: CarriedPicture) -> int:
    content = picture.content
    return content.nbytes if isinstance(content, np.ndarray) else len(content or b"")


def episode_of(
    log: Log,
    path: Path,
    files: Sequence[Path],
    *,
    kind: str,
    beside: Path | None = None,
    problems: Sequence[Problem] = (),
    said: Sequence[tuple[str, Mapping[str, Any]]] = (),
    promised: Mapping[str, int] | None = None,
) -> Episode:
    """The one episode in a log: read through once, message by message.

    ``kind`` names the format, ``files`` are those of the log, ``beside`` a JSON file that says
    whose it is; ``said`` and ``promised`` (messages by topic) is what other metadata tells.
    """
    found_problems = [*problems, *(one for file in files if (one := trouble(file, None, "it")))]
    found = Found(said=list(said))
    streams = _gathered(log, found) if not found_problems or len(files) > 1 else []
    found_problems += [_corrupt(None, f"{path}: {note}") for note in found.notes]
    _fix_times(streams)
    zero = min((first for one in streams if (first := one.first_ns) is not None), default=0)
    cameras, series = [], []
    for stream in sorted(streams, key=lambda one: one.name):
        count = _promised(stream, found, promised or {})
        if isinstance(stream, _Pictures):
            cameras.append(stream.camera(log, files, zero, count))
        elif isinstance(stream, _Numbers):
            series += stream.series(zero, count)
        found_problems += [_corrupt(stream.name, f"{path}: {note}") for note in stream.notes]
    came = {stream.name for stream in streams}
    found_problems += _lacking(path, found, came, is_read=not found_problems)
    metadata, duration_s = _metadata(path, found, beside, found_problems)
    return Episode(
        path=path,
        index=0,
        format=kind,
        cameras=tuple(cameras),
        series=_named(series, {camera.name for camera in cameras}),
        metadata=_started(metadata, zero),
        problems=tuple(found_problems),
        files=tuple(file for file in files if file.is_file()),
        declared_duration_s=duration_s,
    )


def _promised(stream: _Stream, found: Found, told: Mapping[str, int]) -> int | None:
    """How many messages of a stream its files promise together; where one of them does not say,
    how many are ``told`` of elsewhere by the topic's name.
    """
    by_file = [found.promised.get(topic) for topic in stream.topics]
    known = [count for count in by_file if count is not None]
    return sum(known) if known and len(known) == len(by_file) else told.get(stream.name)


def times_of(stamps: Times, logged: Times) -> tuple[Times, bool, int]:
    """The times of a topic's messages, each (n,): when captured, where that can be believed.

    Gives also whether the messages' own stamps are used, and for how many the log's time stands in
    for a stamp that cannot be. Stamps are believed where most messages have one, they go on, and
    they lie within ``APART_NS`` of the log's clock, or the log has none.
    """
    has_stamp, has_log = stamps > 0, logged > 0
    if not len(stamps) or has_stamp.mean() < 0.5:
        return logged, False, 0
    if len(stamps) <= FEW and has_log.all():
        return logged, False, 0
    given = stamps[has_stamp]
    if len(given) > 2 and len(np.unique(given)) <= len(given) / 2:
        return logged, False, 0
    both = has_stamp & has_log
    if has_log.mean() < 0.5:
        return stamps, True, 0
    apart = logged - stamps
    if not both.any() or abs(np.median(apart[both])) > APART_NS:
        return logged, False, 0
    wild = has_log & (~has_stamp | (np.abs(apart - np.median(apart[both])) > APART_NS))
    # a log whose clock was set in the middle is not to be believed more than the stamps
    wild &= ~has_stamp | (np.abs(stamps - np.median(given)) > FAR_NS)
    return np.where(wild, logged, stamps), True, int(wild.sum())


@dataclass
class _Stream:
    """What the first reading keeps of a topic: its times, and (in the kinds below) its content."""

    name: str
    topics: list[Topic]
    stamps: array[int] = field(default_factory=lambda: array("q"))
    logged: array[int] = field(default_factory=lambda: array("q"))
    published: array[int] = field(default_factory=lambda: array("q"))
    notes: list[str] = field(default_factory=list)
    faults: int = 0
    fault: str = ""
    times: Times = field(default_factory=lambda: np.empty(0, np.int64))
    kept: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    delays: Times | None = None

    def note_times(self, stamp: int, logged: int, published: int) -> None:
        self.stamps.append(stamp)
        self.logged.append(logged if logged < _FARTHEST else 0)
        self.published.append(published if published < _FARTHEST else 0)

    def fail(self, error: BaseException) -> None:
        self.faults += 1
        self.fault = self.fault or " ".join(str(error).split())[:200] or type(error).__name__

    def fix_times(self) -> None:
        """Choose the messages' times, and measure how long they were on their way to the log."""
        stamps, logged = _whole(self.stamps), _whole(self.logged)
        self.times, is_stamped, stood_in = times_of(stamps, logged)
        if stood_in:
            self.notes.append(
                f"{self.name}: {stood_in} of {len(stamps)} messages bear a stamp that cannot be; "
                "the time at which they were logged stands in for it: look at the driver's clock"
            )
        published = _whole(self.published)
        sent = published if (published != logged).any() else stamps if is_stamped else logged
        is_told = (sent > 0) & (logged > 0) & (sent != logged)
        self.delays = np.where(is_told, logged - sent, 0) if is_told.any() else None

    def keep_near(self, middle: int) -> None:
        """Leave out times that are none of this recording."""
        self.kept = np.abs(self.times - middle) <= FAR_NS
        out = np.flatnonzero(~self.kept)
        if len(out):
            self.notes.append(
                f"{self.name}: {len(out)} of {len(self.times)} messages carry a time that cannot "
                f"be, the first is message {int(out[0]) + 1} with {_instant(self.times[out[0]])}: "
                "they are left out, look at the recorder's clock"
            )

    @property
    def first_ns(self) -> int | None:
        return int(self.times[self.kept].min()) if self.kept.any() else None

    def note_faults(self) -> None:
        if self.faults:
            self.notes.append(
                f"{self.name}: {self.faults} messages cannot be decoded ({self.fault}): record it "
                "again with the schema of what is published"
            )


class _Pictures(_Stream):
    """A topic of pictures: none is kept, but how to find them again."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [])
        self.coding: Coding | None = None
        self.places = array("q")
        self._hash = hashlib.blake2b(digest_size=16)

    def adder(self, topic: Topic) -> Add:
        decode = decoder_of(topic)
        self.topics.append(topic)

        def add(logged: int, published: int, data: bytes | memoryview, place: int) -> None:
            try:
                message = decode(data)
                stamp = stamp_of(message)
                if self.coding is None:
                    self.coding = coding_of(topic, message)
                self._see(message)
            except DECODE_ERRORS:
                stamp = 0  # measuring says that the picture is lost
            self.note_times(stamp, logged, published)
            if not self.places or self.places[-1] != place:
                self.places.append(place)

        return add

    def _see(self, message: Any) -> None:
        coded = memoryview(payload_of(message)).cast("B")
        self._hash.update(len(coded).to_bytes(8, "little"))
        self._hash.update(coded)

    def camera(self, log: Log, files: Sequence[Path], zero: int, promised: int | None) -> Camera:
        declared = None if promised is None else max(promised - int((~self.kept).sum()), 0)
        if self.coding is None:
            return Camera(self.name, None, declared_count=declared)
        source = LoggedPictures(
            path=files[min(one.file for one in self.topics)],
            coding=self.coding,
            log=log,
            topics=tuple(self.topics),
            places=np.unique(_whole(self.places)),
            times_ns=np.where(self.kept, self.times - zero, 0),
            kept=self.kept,
            digest=self._hash.hexdigest(),
            logged_ns=self._logged_out_of_order(),
        )
        delays = self.delays[self.kept] if self.delays is not None else None
        return Camera(self.name, source, declared_count=declared, delays_ns=delays)

    def _logged_out_of_order(self) -> Times:
        """When each message was logged; empty where that is their order."""
        logged = _whole(self.logged)
        return np.empty(0, np.int64) if (np.diff(logged) >= 0).all() else logged


@dataclass
class _Layout:
    """Messages of one layout: which of the topic's they are, and their numbers block by block."""

    blocks: tuple[Block, ...]
    values: tuple[array[float], ...]
    rows: array[int] = field(default_factory=lambda: array("q"))

    def shape_of(self, blocks: tuple[Block, ...]) -> _Shape | None:
        """How messages of such blocks go into it; None where they hold other numbers than its."""
        if len(blocks) != len(self.blocks):
            return None
        orders: list[list[int] | None] = []
        for mine, other in zip(self.blocks, blocks, strict=True):
            if set(mine.columns) != set(other.columns) or mine.suffix != other.suffix:
                return None
            places = [other.columns.index(name) for name in mine.columns]
            orders.append(None if mine.columns == other.columns else places)
        return _Shape(self, tuple(orders))


@dataclass(frozen=True, eq=False)
class _Shape:
    """Messages laid out alike: the layout that takes their numbers, and from which places of each
    block (None: as they stand). Joints keep their columns in whatever order a message names them.
    """

    layout: _Layout
    orders: tuple[list[int] | None, ...]

    def take(self, row: int, blocks: Sequence[Any]) -> None:
        self.layout.rows.append(row)
        for values, numbers, order in zip(self.layout.values, blocks, self.orders, strict=True):
            _append(values, numbers if order is None else [numbers[at] for at in order])


@dataclass
class _Table:
    """A block's numbers, (n, columns), and which of the topic's messages they are of, (n,)."""

    block: Block
    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def only(self, names: Sequence[str]) -> _Table:
        """Some of its columns."""
        block = replace(self.block, columns=tuple(names))
        return _Table(block, self.rows, self.values[:, [self._at[name] for name in names]])

    def then(self, other: _Table) -> _Table:
        """Those of another one of the same columns, too, in the order of the messages."""
        other = other.only(self.block.columns)
        rows = np.concatenate([self.rows, other.rows])
        order = np.argsort(rows, kind="stable")
        return _Table(self.block, rows[order], np.concatenate([self.values, other.values])[order])

    @property
    def _at(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.block.columns)}


def _put(tables: list[_Table], new: _Table) -> None:
    """A table among others: what columns they share is one series, and of a sensor that leaves
    some out now and then those are another. Joints that come in sets are a series each.
    """
    names = new.block.columns
    for at, table in enumerate(tables):
        if (table.block.suffix, table.block.role) != (new.block.suffix, new.block.role):
            continue
        shared = [name for name in table.block.columns if name in names]
        are_same = len(shared) == len(names) == len(table.block.columns)
        if not shared or (table.block.role != "other" and not are_same):
            continue
        tables[at] = table.only(shared).then(new.only(shared))
        for whole in (table, new):
            rest = [name for name in whole.block.columns if name not in shared]
            if rest:
                _put(tables, whole.only(rest))
        return
    tables.append(new)


class _Numbers(_Stream):
    """A topic of numbers, or of something whose times alone are kept."""

    def __init__(self, name: str, *, is_bare: bool = False) -> None:
        super().__init__(name, [])
        self.is_bare = is_bare
        self.layouts: list[_Layout] = []
        self.shapes: dict[Any, _Shape] = {}

    def adder(self, topic: Topic) -> Add:
        decode, take = decoder_of(topic), taker_of(topic)
        self.topics.append(topic)

        def add(logged: int, published: int, data: bytes | memoryview, place: int) -> None:  # noqa: ARG001
            try:
                message = decode(data)
                key, blocks = take(message)
                stamp = stamp_of(message)
                shape = self.shapes.get(key) or self._new_shape(topic, key, message)
                if shape is not None:
                    shape.take(len(self.stamps), blocks)
            except DECODE_ERRORS as error:
                self.fail(error)
                return
            self.note_times(stamp, logged, published)

        return add

    def bare_adder(self, topic: Topic) -> Add:
        """Keeps times only: of depth pictures, scans, and of what nothing says how to read."""
        self.topics.append(topic)

        def add(logged: int, published: int, data: bytes | memoryview, place: int) -> None:  # noqa: ARG001
            self.note_times(0, logged, published)

        return add

    def _new_shape(self, topic: Topic, key: Any, message: Any) -> _Shape | None:
        if self.is_bare:
            return None
        blocks = blocks_of(topic, message)
        shape = next((one for own in self.layouts if (one := own.shape_of(blocks))), None)
        if shape is None:
            if not self._has_room(topic, blocks):
                self._give_up()
                return None
            layout = _Layout(blocks, tuple(array("d") for _ in blocks))
            self.layouts.append(layout)
            shape = _Shape(layout, (None,) * len(blocks))
        if len(self.shapes) < SHAPES:
            self.shapes[key] = shape
        return shape

    def _has_room(self, topic: Topic, blocks: tuple[Block, ...]) -> bool:
        """Whether one more layout is kept; of joints it is told where not."""
        is_row = sum(len(one.columns) for one in blocks) <= MAX_COLUMNS
        if is_row and len(self.layouts) >= LAYOUTS and topic.type.startswith("JointState"):
            self.notes.append(
                f"{self.name}: its messages name more than {LAYOUTS} sets of joints, so that no "
                "values are kept: publish all joints in every message, or each set in a topic of "
                "its own"
            )
        most = FIELDS if topic.encoding == "json" else LAYOUTS
        return is_row and len(self.layouts) < most

    def _give_up(self) -> None:
        """Keep times only."""
        self.is_bare = True
        self.layouts.clear()
        self.shapes.clear()

    @property
    def is_empty(self) -> bool:
        """True where the messages turned out to hold no number at all: text, lists of objects."""
        columns = (one.columns for layout in self.layouts for one in layout.blocks)
        return not self.is_bare and not any(columns) and not self.faults

    def series(self, zero: int, promised: int | None) -> list[Series]:
        """The series of this topic, their times counted from ``zero``."""
        if not self.layouts or self.is_bare:
            rows = np.arange(len(self.times))
            block = Block("", "other", ())
            return [self._series(block, rows, np.zeros((len(rows), 0)), zero, promised)]
        found = []
        for table in self._tables():
            values = table.values
            if not table.block.suffix or (np.isfinite(values) & (values != 0)).any():
                count = promised if len(table.rows) == len(self.stamps) else None
                found.append(self._series(table.block, table.rows, values, zero, count))
        return found

    def _tables(self) -> list[_Table]:
        """The numbers of all layouts, those together that make one series."""
        tables: list[_Table] = []
        for layout in self.layouts:
            rows = _whole(layout.rows)
            for block, numbers in zip(layout.blocks, layout.values, strict=True):
                if not block.columns:
                    continue
                values = np.frombuffer(numbers, np.float64).reshape(len(rows), -1)
                _put(tables, _Table(block, rows, values))
        return tables

    def _series(
        self,
        block: Block,
        rows: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        zero: int,
        promised: int | None,
    ) -> Series:
        kept = self.kept[rows]
        rows, values = (rows, values) if kept.all() else (rows[kept], values[kept])
        columns = block.columns
        if block.role == "other" and len(values):
            # in messages "not a number" also says that a thing is not known, or not there at all
            given = np.flatnonzero(np.isfinite(values).any(axis=0))
            if len(given):  # else it is the sensor that gives nothing
                columns, values = tuple(columns[at] for at in given), values[:, given]
        times = self.times[rows] - zero
        delays = self.delays[rows] if self.delays is not None else None
        logged = np.argsort(_whole(self.logged)[rows], kind="stable")
        steps = np.diff(times[logged])
        if (np.diff(times) < 0).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
            delays = delays[order] if delays is not None else None
        if not block.suffix and (steps < -BACK_NS).any():
            first = int(np.argmax(steps < -BACK_NS))
            self.notes.append(
                f"{self.name}: time runs backwards by {-int(steps[first]) / NS:.3f} s after "
                f"message {int(logged[first]) + 1}: the messages are put in order, look at the "
                "recorder's clock"
            )
        return Series(
            name=self.name + block.suffix,
            times_ns=times,
            values=np.ascontiguousarray(values),
            columns=columns,
            role=block.role,
            declared_count=None if promised is None else max(promised - int((~kept).sum()), 0),
            delays_ns=delays,
        )


def _gathered(log: Log, found: Found) -> list[_Stream]:
    """Go through the log once; every topic's stream, those that hold nothing left out."""
    streams: dict[tuple[str, str], _Stream] = {}
    adders: dict[Topic, Add | None] = {}
    early: dict[Topic, list[tuple[int, int, bytes, int]]] = {}
    for topic, logged, published, data, place in log.messages(found):
        if topic not in adders:
            try:
                adders[topic] = _adder(topic, streams, data)
            except DECODE_ERRORS as error:  # what kind it is, the next whole message says
                held = early.setdefault(topic, [])
                held.append((logged, published, bytes(data), place))
                if len(held) >= DAMAGED:
                    adders[topic] = _unreadable(topic, streams, error)
                continue
            for one in early.pop(topic, ()):
                _add(adders[topic], *one)
        _add(adders[topic], logged, published, data, place)
    for topic, held in early.items():
        found.notes.append(
            f"{topic.name}: its first {len(held)} messages cannot be decoded: record it again with "
            "the schema of what is published"
        )
    for stream in streams.values():
        stream.note_faults()
    return [
        one
        for one in streams.values()
        if (len(one.stamps) or one.faults) and not (isinstance(one, _Numbers) and one.is_empty)
    ]


def _add(
    add: Add | None, logged: int, published: int, data: bytes | memoryview, place: int
) -> None:
    if add is not None:
        add(logged, published, data, place)


def _adder(
    topic: Topic, streams: dict[tuple[str, str], _Stream], data: bytes | memoryview
) -> Add | None:
    """What takes in a topic's messages, None where they are no signal. ``data`` is the first.

    Raises one of DECODE_ERRORS where that is damaged.
    """
    if topic.type in IGNORED:
        return None
    key = (topic.name, topic.kind)
    known = streams.get(key)
    try:
        decode = decoder_of(topic)
    except DECODE_ERRORS as error:
        return _unreadable(topic, streams, error)
    if known is None:
        is_picture = topic.type in TYPES and coding_of(topic, decode(data)) is not None
        is_bare = topic.type in TYPES and not is_picture
        known = _Pictures(topic.name) if is_picture else _Numbers(topic.name, is_bare=is_bare)
        if is_bare and (unknown := unknown_coding(topic, decode(data))) is not None:
            known.notes.append(
                f'{topic.name}: how its pictures are coded is given as "{unknown}", which Dailies '
                "does not know, so that none was looked at: publish it with the name of its codec"
            )
        streams[key] = known
    if isinstance(known, _Pictures | _Numbers):
        return known.adder(topic)
    return None


def _unreadable(
    topic: Topic, streams: dict[tuple[str, str], _Stream], error: BaseException
) -> Add | None:
    """A topic nobody can decode is a stream of times; where pictures were to be, that is told."""
    stream = streams.setdefault((topic.name, topic.kind), _Numbers(topic.name, is_bare=True))
    if not isinstance(stream, _Numbers):
        return None
    if topic.type in TYPES or topic.type.startswith("JointState"):
        stream.notes.append(
            f"{topic.name}: its messages ({topic.kind}) cannot be decoded ({error}): record it "
            "again with the schema of what is published"
        )
    return stream.bare_adder(topic)


def _fix_times(streams: Sequence[_Stream]) -> None:
    """Choose every stream's times, and leave out those far from the middle of all of them."""
    middles, counts = [], []
    for stream in streams:
        stream.fix_times()
        good = stream.times[stream.times > 0]
        if len(good):
            middles.append(int(np.median(good)))
            counts.append(len(good))
    if not middles:
        middles, counts = [0], [1]
    order = np.argsort(middles, kind="stable")
    passed = np.cumsum(np.array(counts)[order])
    middle = middles[order[int(np.searchsorted(passed, passed[-1] / 2))]]
    for stream in streams:
        stream.keep_near(middle)


def _lacking(path: Path, found: Found, there: set[str], *, is_read: bool) -> list[Problem]:
    """Streams that the log lists and that hold nothing; or that it holds nothing at all."""
    problems = []
    for name in sorted({one.name for one in found.topics if _is_signal(one)} - there):
        problems.append(
            Problem(
                "missing_stream",
                name,
                f"{path}: {name} is listed but holds no message: see whether its driver ran",
            )
        )
    if not there and not problems and is_read:
        listed = ", ".join(sorted({one.name for one in found.topics})[:8])
        held = f"no camera and no series of numbers (its topics: {listed})" if listed else "nothing"
        problems.append(
            Problem(
                "missing_stream",
                None,
                f"{path} holds {held}: see what its recorder was told to record",
            )
        )
    return problems


def _is_signal(topic: Topic) -> bool:
    return topic.type in TYPES or topic.type.startswith("JointState")


def _named(series: list[Series], taken: set[str]) -> tuple[Series, ...]:
    """The series with names of their own: a number behind one that another has already."""
    found = []
    for one in series:
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}-{number}", number + 1
        taken.add(name)
        found.append(one if name == one.name else replace(one, name=name))
    return tuple(found)


def _metadata(
    path: Path, found: Found, beside: Path | None, problems: list[Problem]
) -> tuple[Metadata, float | None]:
    """Who, where and when: what the log says of itself, and over it what lies beside it."""
    values: dict[str, Any] = {}
    for name, told in sorted(found.said, key=lambda one: one[0] == RECORD):
        is_ours = name == RECORD
        for key in (*IDS, "started_at", "steps", "duration_s") if is_ours else IDS:
            value = told.get(key)
            if value is not None and (is_ours or (isinstance(value, str) and value.strip())):
                values[key] = _unquoted(value) if key in ("steps", "duration_s") else value
    said = Said(values, str(path), problems)
    if beside is not None:
        said = said.merged(load_json(beside, problems))
    return metadata_of(said), said.seconds("duration_s", above=0)


def _unquoted(value: Any) -> Any:
    """A value that a record of texts holds as JSON."""
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value


def _started(metadata: Metadata, zero: int) -> Metadata:
    """With the first time of all as the start, where it can be a time of day."""
    if metadata.started_at is not None or not zero:
        return metadata
    try:
        at = dt.datetime.fromtimestamp(zero // 1000 / 1e6, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return metadata
    if not _EARLIEST <= at <= dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        return metadata
    return replace(metadata, started_at=at)


def _append(values: array[float], numbers: Any) -> None:
    if isinstance(numbers, np.ndarray):
        values.frombytes(np.ascontiguousarray(numbers, np.float64).tobytes())
    else:
        values.extend(numbers)


def _whole(values: array[int]) -> Times:
    return np.array(values, dtype=np.int64)


def _instant(at_ns: int) -> str:
    try:
        return dt.datetime.fromtimestamp(int(at_ns) // NS, dt.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{at_ns} ns"


def _corrupt(stream: str | None, message: str) -> Problem:
    return Problem("corrupt_stream", stream, message)
