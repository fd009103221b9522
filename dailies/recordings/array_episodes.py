"""An episode out of arrays with one row a step: which are cameras, which series, and when.

The names that the common layouts use (ALOHA, RoboMIND, robomimic, LIBERO, diffusion policy, RLDS)
say what an array is; a JSON file beside the recording says it for any other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from dailies.recordings.array_clocks import (
    TimeColumn,
    column,
    column_for,
    evened,
    is_of_no_array,
    rising,
    time_columns,
)
from dailies.recordings.arrays import Rows, is_bytes, kind_of, numbers_in, plain, texts_in
from dailies.recordings.contract import (
    Camera,
    Carried,
    Clock,
    Episode,
    Metadata,
    Problem,
    Series,
    Step,
)
from dailies.recordings.described import Said, is_rate, metadata_of
from dailies.recordings.lerobot import LATEST_FIRST_NS, is_on_grid
from dailies.recordings.streams import ROLES
from dailies.recordings.tables import UNITS, Times, backwards, column_names, fitting, in_order
from dailies.words import NS

Role = Literal["state", "action", "other"]
Carry = Callable[[Rows, Times, Literal["still", "raw"], Clock], Carried]
"""Makes the source of a camera out of its rows, their times, how they are coded, and the clock."""

STATES = (
    re.compile(r"(^|[_/])(qpos|joint_?(pos|positions?|states?|angles?))$"),
    re.compile(r"(^|[_/])(eef|ee|tcp|agent)_?(pos|pose|states?)$|cartesian_position$"),
    re.compile(r"(^|/)(state|states|proprio)$"),
)
"""Names of what a robot measures of its own pose; only those of the first that any fits count."""
ACTIONS = (
    re.compile(r"^actions?$"),
    re.compile(r"^master/joint_position$"),
    re.compile(r"^actions?/"),
)
COMMANDED = re.compile(r"action|master/")
"""What is below these was commanded, whatever it is called."""
INSTRUCTIONS = re.compile(
    r"(^|/)(language_instructions?|language_raw|natural_language_instruction|instruction"
    r"|task|task_description|language)$"
)
LEFT_OUT = re.compile(
    r"depth|mask|segm|embedding"
    r"|(^|/)(next_obs|compress_len|intrinsic|extrinsic|initial_state/)"
)
"""Arrays that are no pictures of light, no sensor, or a copy of another array."""
PICTURES = re.compile(
    r"(^|[_/])(images?|imgs?|rgb|colou?r|cam(era)?\d*|frames?|video|view)($|[_/])"
)
"""Names of what ought to be pictures."""
SEEN_ACTIONS = re.compile(r"(^|/)obs/actions?$")
"""A simulator's copy of the actions among what is observed."""
RATES = (
    *("fps", "rate_hz", "rate", "hz", "frequency", "frequency_hz", "frame_rate", "sample_rate"),
    *("control_freq", "control_frequency"),
)
"""Attributes that give a rate, in 1/s."""


@dataclass(frozen=True)
class Sheet:
    """The arrays of one episode and what is said of them.

    ``where`` names the episode in messages. ``rate_hz`` is the rate that the file states, None
    where it states none; rows then lie at ``assumed_hz``. ``said`` is the JSON beside it, and
    ``task`` what the file itself calls the task.
    """

    path: Path
    index: int
    format: str
    where: str
    rows: Mapping[str, Rows]
    rate_hz: float | None
    assumed_hz: float
    said: Said
    carry: Carry
    files: tuple[Path, ...]
    task: str | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, eq=False)
class _Stream:
    """One stream before it is read; ``stamps`` is the column that gives its times, ``unit`` theirs
    where the mapping says it. One that ``is_apart`` has other rows than most, and their times.
    """

    rows: Rows
    name: str
    kind: Literal["still", "raw", "series"]
    role: Role = "other"
    stamps: TimeColumn | None = None
    unit: str | None = None
    times: Times = field(default_factory=lambda: np.zeros(0, np.int64))
    clock: Clock = "measured"
    rate_hz: float | None = None
    columns: tuple[str, ...] = ()
    is_apart: bool = False
    offset_ns: int = 0
    declared_count: int | None = None


def episode_of(sheet: Sheet) -> Episode:
    """The episode; whatever of it cannot be read becomes a Problem."""
    problems = list(sheet.problems)
    said = sheet.said.noting_in(problems)
    is_mapped = said.raw("cameras") is not None or said.raw("series") is not None
    streams = _mapped(sheet, said) if is_mapped else _seen(sheet, problems)
    if not streams and not problems:
        problems.append(
            Problem(
                "missing_stream",
                None,
                f"{sheet.where} holds no picture and no series: name the arrays in "
                f"{sheet.path.name}.json, or export the recording again",
            )
        )
    rate_hz = said.rate()
    streams = _on_one_clock([_timed(sheet, stream, rate_hz, problems) for stream in streams])
    problems.extend(_cut_off(sheet, stream) for stream in streams if _is_cut(stream.rows))
    cameras = tuple(_camera(sheet, one) for one in streams if one.kind != "series")
    series = tuple(_series(sheet, one, problems) for one in streams if one.kind == "series")
    return Episode(
        path=sheet.path,
        index=sheet.index,
        format=sheet.format,
        cameras=cameras,
        series=series,
        metadata=_metadata(sheet, said, streams),
        problems=tuple(problems),
        files=sheet.files,
        declared_duration_s=said.seconds("duration_s", above=0),
    )


def is_needed(rows: Rows) -> bool:
    """True for a camera, a state or an action, by its name and what it holds: what a model is
    taught by.
    """
    if LEFT_OUT.search(rows.name):
        return False
    kind = kind_of(rows)
    patterns = {"still": (PICTURES,), "raw": (PICTURES,), "series": (*STATES, *ACTIONS)}
    return any(one.search(rows.name) for one in patterns.get(kind or "", ()))


def rate_in(attributes: Mapping[str, object]) -> float | None:
    """The rate that attributes state (1/s), None where they state none that can be."""
    for name in RATES:
        try:
            rate = float(cast(Any, plain(attributes.get(name))))
        except (TypeError, ValueError):
            continue
        if is_rate(rate):
            return rate
    return None


def steps_of(labels: Iterable[str], times_ns: Times, end_ns: int) -> tuple[Step, ...]:
    """Equal labels in a row as one step each, the last up to ``end_ns``; empty ones are none."""
    named = list(labels)[: len(times_ns)]
    starts = [at for at, one in enumerate(named) if at == 0 or one != named[at - 1]]
    bounds = [int(times_ns[at]) for at in starts] + [max(end_ns, 0)]
    return tuple(
        Step(named[at].strip(), low, max(low, high))
        for at, low, high in zip(starts, bounds, bounds[1:], strict=False)
        if named[at].strip()
    )


def _seen(sheet: Sheet, problems: list[Problem]) -> list[_Stream]:
    """The streams that the arrays' names and shapes show."""
    columns = time_columns(sheet.rows)
    found: list[_Stream] = []
    used: set[str] = set()  # also by depth, text, and whatever else is no stream
    for name, rows in sheet.rows.items():
        kind = None if LEFT_OUT.search(name) else kind_of(rows)
        stamps = column_for(columns, rows)
        if stamps is not None and name not in columns:
            used.add(stamps.name)
        if kind in ("still", "raw", "series") and (stamps is None or stamps.name != name):
            found.append(_Stream(rows, name, kind, stamps=stamps))
    usual = usual_count(one.rows.count for one in found)
    problems.extend(_clock_troubles(sheet, columns, used, usual))
    problems.extend(_not_understood(sheet, found))
    names = [one.name for one in found if one.kind == "series"]
    states = fitting([name for name in names if not COMMANDED.match(name)], STATES)
    actions = fitting(names, ACTIONS)
    streams = []
    for one in found:
        role: Role = "state" if one.name in states else "other"
        role = "action" if one.name in actions else role
        if actions and role != "action" and SEEN_ACTIONS.search(one.name):
            continue
        # a table far shorter than the episode holds constants
        if one.kind == "series" and role == "other" and 2 * one.rows.count < usual:
            continue
        # one row more than actions is the rule in some simulators
        is_usual = abs(one.rows.count - usual) <= 1
        # a sensor with a clock of its own has a rate of its own
        is_apart = not is_usual and one.stamps is not None
        declared = one.rows.count if is_usual or is_apart else usual
        streams.append(replace(one, role=role, declared_count=declared, is_apart=is_apart))
    return streams


def usual_count(rows: Iterable[int]) -> int:
    """How many rows most arrays have, the longer ones where as many have either; a table of
    something else may have more or fewer.
    """
    counts = Counter(rows)
    return max(counts, key=lambda count: (counts[count], count)) if counts else 0


def _not_understood(sheet: Sheet, streams: list[_Stream]) -> Iterator[Problem]:
    """Arrays of bytes that are called pictures, and in which no picture can be seen."""
    known = {one.name for one in streams}
    for name, rows in sheet.rows.items():
        is_called_so = PICTURES.search(name) and not LEFT_OUT.search(name)
        if name in known or not is_called_so or not rows.there or not is_bytes(rows.array):
            continue
        if kind_of(rows) is None:
            message = (
                f"{sheet.where}, {name}: no row that was looked at, of {rows.count}, begins as a "
                "JPEG, PNG, WebP or BMP does: copy it again, or export its pictures so"
            )
            yield Problem("corrupt_stream", name, message)


def _clock_troubles(
    sheet: Sheet, columns: Mapping[str, TimeColumn], used: set[str], usual: int
) -> Iterator[Problem]:
    for one in columns.values():
        where = f"{sheet.where}, {one.name}"
        trouble = one.trouble()
        if trouble:
            yield Problem("corrupt_stream", one.name, f"{where}: {trouble}")
        elif is_of_no_array(one, used) and one.count != usual:
            message = f"{where} holds {one.count} times for {usual} rows: export it again"
            yield Problem("count_mismatch", one.name, message)


def _mapped(sheet: Sheet, said: Said) -> list[_Stream]:
    """The streams that the JSON beside the recording names."""
    streams: list[_Stream] = []
    columns = time_columns(sheet.rows)
    for kind in ("cameras", "series"):
        for one in said.objects(kind):
            stream = _named(sheet, one, columns, is_camera=kind == "cameras")
            if stream is None:
                continue
            if stream.name in {other.name for other in streams}:
                one.note(f'"name" is "{stream.name}", which another stream has: give each its own')
                continue
            streams.append(stream)
    return streams


def _named(
    sheet: Sheet, said: Said, clocks: Mapping[str, TimeColumn], *, is_camera: bool
) -> _Stream | None:
    dataset = said.text("dataset") or ""
    name = said.text("name") or dataset or "?"
    rows = sheet.rows.get(dataset.strip("/"))
    if rows is None:
        there = ", ".join(list(sheet.rows)[:8]) or "none"
        message = f'{said.where}: "dataset" is "{dataset}", the arrays of {sheet.where} are {there}'
        said.problems.append(Problem("missing_stream", name, message))
        return None
    kind = kind_of(rows)
    if kind not in (("still", "raw") if is_camera else ("series",)):
        what = "pictures" if is_camera else "numbers"
        said.note(f'"dataset" is "{dataset}", which does not hold {what}: name another', name)
        return None
    columns = said.texts("columns") or ()
    width = math.prod(rows.array.shape[1:])
    if columns and not is_camera and len(set(columns)) != width:
        message = f'"columns" are {len(set(columns))} names for {width} numbers a row: name each'
        said.note(message, name)
    stream = _Stream(
        rows,
        name,
        cast(Literal["still", "raw", "series"], kind),
        role=cast(Role, said.choice("role", ROLES)),
        rate_hz=said.rate(),
        columns=columns,
        offset_ns=round((said.seconds("offset_s", low=0) or 0.0) * NS),
        declared_count=said.count("sample_count") or rows.count,
    )
    time = said.text("time")
    if time is None:
        if said.raw("rate_hz") is not None:
            return stream
        return replace(stream, stamps=column_for(clocks, rows))
    clock = sheet.rows.get(time.strip("/"))
    if clock is None or clock.count != rows.count or clock.array.dtype.kind not in "iuf":
        said.note(f'"time" is "{time}", which is no column of {rows.count} times', name)
        return stream
    unit = said.choice("unit", tuple(UNITS)) if said.raw("unit") is not None else None
    return replace(stream, stamps=column(clock), unit=unit)


def _timed(
    sheet: Sheet, stream: _Stream, rate_hz: float | None, problems: list[Problem]
) -> _Stream:
    """The stream with a time for each row that is there."""
    rate = stream.rate_hz or rate_in(stream.rows.attributes)
    if not stream.is_apart:
        rate = stream.rate_hz or rate_hz or rate or sheet.rate_hz
    stamps = stream.stamps
    times, is_time = stream.times, np.zeros(0, np.bool_)
    if stamps is not None:
        times, is_time = stamps.stamps(stream.unit or stamps.unit or "s")
    times, is_time = (_as_long(one, stream.rows.there) for one in (times, is_time))
    if stamps is not None and is_time.sum() < 2 <= len(is_time):
        problems.append(_no_times(sheet, stream, stamps))
    if stamps is None or is_time.sum() < 2:
        return replace(_on_grid(stream, rate, sheet.assumed_hz), stamps=None)
    if not is_time.all():
        problems.append(_untimed(sheet, stream, stamps, is_time))
        times = evened(times, is_time)
    steps = np.diff(times)
    typical = float(np.median(steps)) if len(steps) else 0.0
    if typical > 0 and is_on_grid(times - times[0], np.arange(len(times)), NS / typical):
        return replace(stream, times=times, clock="grid", rate_hz=rate)
    if said := backwards(times):
        message = f"{sheet.where}, {stream.name}: {said}: look at the recorder's clock"
        problems.append(Problem("corrupt_stream", stream.name, message))
        is_right = rising(times)
        if is_right.sum() < 2:
            return replace(_on_grid(stream, rate, sheet.assumed_hz), stamps=None)
        times = evened(times, is_right)
    return replace(stream, times=times, clock="measured", rate_hz=rate)


def _on_grid(stream: _Stream, rate_hz: float | None, assumed_hz: float) -> _Stream:
    step_ns = NS / (rate_hz or assumed_hz)
    times: Times = np.rint(np.arange(stream.rows.there) * step_ns).astype(np.int64)
    clock: Clock = "grid" if rate_hz else "assumed"
    return replace(stream, times=times, clock=clock, rate_hz=rate_hz)


def _as_long(one: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """So many rows of times, or of whether they are any: 0, and none, where they end before."""
    return np.pad(one[:rows], (0, max(rows - len(one), 0)))


def _no_times(sheet: Sheet, stream: _Stream, stamps: TimeColumn) -> Problem:
    unit = stream.unit or stamps.unit or "s"
    return Problem(
        "corrupt_stream",
        stream.name,
        f"{sheet.where}, {stream.name}: {stamps.name} begins with {stamps.values[0]}, which is no "
        f'time in {unit}: say its "unit"',
    )


def _untimed(
    sheet: Sheet, stream: _Stream, stamps: TimeColumn, is_time: npt.NDArray[np.bool_]
) -> Problem:
    first = int(np.argmin(is_time))
    value = stamps.values[first] if first < len(stamps.values) else "at its end"
    return Problem(
        "corrupt_stream",
        stream.name,
        f"{sheet.where}, {stream.name}: {int((~is_time).sum())} of {len(is_time)} rows have no "
        f"time, the first is row {first + 1}, where {stamps.name} is {value}: look at the "
        "recorder's clock",
    )


def _on_one_clock(streams: list[_Stream]) -> list[_Stream]:
    """All times from the recording's start: its first row is its first step.

    Beside streams that no column times, and that so begin at 0, a first time of a few seconds is
    kept.
    """
    firsts = [int(one.times.min()) for one in streams if one.stamps and len(one.times)]
    zero = min(firsts, default=0)
    is_kept = 0 <= zero < LATEST_FIRST_NS and any(one.stamps is None for one in streams)
    zero = 0 if is_kept else zero
    return [
        replace(one, times=one.times - (zero if one.stamps else 0) + one.offset_ns)
        for one in streams
    ]


def _is_cut(rows: Rows) -> bool:
    return rows.there < rows.count


def _cut_off(sheet: Sheet, stream: _Stream) -> Problem:
    return Problem(
        "corrupt_stream",
        stream.name,
        f"{sheet.where}, {stream.name}: {stream.rows.there} of {stream.rows.count} rows are in the "
        "file, the rest is cut off or damaged: copy it again from the recorder",
    )


def _camera(sheet: Sheet, stream: _Stream) -> Camera:
    coding: Literal["still", "raw"] = "still" if stream.kind == "still" else "raw"
    source = sheet.carry(stream.rows, stream.times, coding, stream.clock)
    return Camera(stream.name, source, stream.declared_count, stream.rate_hz)


def _series(sheet: Sheet, stream: _Stream, problems: list[Problem]) -> Series:
    values, lost = numbers_in(stream.rows)
    times, values, notes = in_order(
        stream.times, values[: len(stream.times)], np.ones(len(stream.times), np.bool_)
    )
    if lost:
        notes.append(f"{lost} of {len(values)} rows cannot be read")
    problems.extend(
        Problem(
            "corrupt_stream",
            stream.name,
            f"{sheet.where}, {stream.name}: {note}: copy it again, or look at the recorder",
        )
        for note in notes
    )
    return Series(
        name=stream.name,
        times_ns=times,
        values=np.ascontiguousarray(values),
        columns=column_names(stream.name, values.shape[1], stream.columns),
        clock=stream.clock,
        role=stream.role,
        declared_count=stream.declared_count,
        declared_rate_hz=stream.rate_hz,
    )


def _metadata(sheet: Sheet, said: Said, streams: list[_Stream]) -> Metadata:
    """Who and where by the JSON; the task by it, by the file, or by an instruction in words."""
    each = None if isinstance(said.raw("episodes"), str) else said.object("episodes")
    own = each.object(str(sheet.index)) if each else None
    told = next((one for name, one in sheet.rows.items() if INSTRUCTIONS.search(name)), None)
    labels = texts_in(told) if told is not None and kind_of(told) == "text" else []
    named = sorted({label.strip() for label in labels} - {""})
    metadata = metadata_of(
        said.merged(own), task=sheet.task or (named[0] if len(named) == 1 else None)
    )
    if metadata.steps or len(named) < 2 or not streams:
        return metadata
    times = max((one.times for one in streams), key=len)
    return replace(metadata, steps=steps_of(labels, times, int(times[-1]) if len(times) else 0))
