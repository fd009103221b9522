"""An episode out of arrays with one row a step: which are cameras, which series, and when.

The names that the common layouts use (ALOHA, RoboMIND, robomimic, LIBERO, diffusion policy, RLDS)
say what an array is; a JSON file beside the recording says it for any other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, cast

import numpy as np

from dailies.recordings.arrays import Rows, kind_of, numbers_in, texts_in
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
from dailies.recordings.described import Said, is_number, metadata_of
from dailies.recordings.lerobot import LATEST_FIRST_NS, is_on_grid
from dailies.recordings.streams import ROLES
from dailies.recordings.tables import UNITS, Times, column_names, fitting, in_order
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
TIMES = re.compile(r"(^|[_/])(timestamps?|times?|stamps?)$")
INSTRUCTIONS = re.compile(
    r"(^|/)(language_instructions?|language_raw|natural_language_instruction|instruction"
    r"|task|task_description|language)$"
)
LEFT_OUT = re.compile(
    r"depth|mask|segm|embedding"
    r"|(^|/)(next_obs|compress_len|intrinsic|extrinsic|initial_state/)"
)
"""Arrays that are no pictures of light, no sensor, or a copy of another array."""
SEEN_ACTIONS = re.compile(r"(^|/)obs/actions?$")
"""A simulator's copy of the actions among what is observed."""
RATES = (
    *("fps", "rate_hz", "rate", "hz", "frequency", "frequency_hz", "frame_rate", "sample_rate"),
    *("control_freq", "control_frequency"),
)
"""Attributes that give a rate, in 1/s."""
UNIX = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""From how large on a time since 1970 must be of which unit."""


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
    """One stream before it is read; ``times`` None where nothing tells them."""

    rows: Rows
    name: str
    kind: Literal["still", "raw", "series"]
    role: Role = "other"
    times: Times | None = None
    clock: Clock = "measured"
    rate_hz: float | None = None
    columns: tuple[str, ...] = ()
    offset_ns: int = 0
    declared_count: int | None = None


def episode_of(sheet: Sheet) -> Episode:
    """The episode; whatever of it cannot be read becomes a Problem."""
    problems = list(sheet.problems)
    said = sheet.said.noting_in(problems)
    is_mapped = said.raw("cameras") is not None or said.raw("series") is not None
    streams = _mapped(sheet, said) if is_mapped else _seen(sheet)
    if not streams and not problems:
        problems.append(
            Problem(
                "missing_stream",
                None,
                f"{sheet.where} holds no picture and no series: name the arrays in "
                f"{sheet.path.name}.json, or export the recording again",
            )
        )
    streams = _on_one_clock([_timed(sheet, stream, problems) for stream in streams])
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
        declared_duration_s=said.number("duration_s", above=0),
    )


def rate_in(attributes: Mapping[str, object]) -> float | None:
    """The rate that attributes state (1/s), None where they state none that can be."""
    found = (_scalar(attributes[name]) for name in RATES if name in attributes)
    return next((float(rate) for rate in found if is_number(rate) and 0 < rate < 1e5), None)


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


def unit_of(rows: Rows, value: float) -> str | None:
    """The unit of a time column: as its attribute says, by its size since 1970, else seconds.

    None for whole numbers that are too small for any of these: they may count anything.
    """
    for name in ("unit", "units"):
        said = _scalar(rows.attributes.get(name))
        if isinstance(said, str) and said in UNITS:
            return said
    unit = next((unit for least, unit in UNIX if abs(value) >= least), None)
    return unit or ("s" if rows.array.dtype.kind == "f" else None)


def _seen(sheet: Sheet) -> list[_Stream]:
    """The streams that the arrays' names and shapes show."""
    found: list[_Stream] = []
    for name, rows in sheet.rows.items():
        kind = None if LEFT_OUT.search(name) else kind_of(rows)
        if kind in ("still", "raw", "series") and _clock_rows(sheet, rows) is not rows:
            found.append(_Stream(rows, name, kind))
    usual = _usual_count(found)
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
        declared = one.rows.count if is_usual else usual
        streams.append(replace(one, role=role, declared_count=declared))
    return streams


def _usual_count(streams: list[_Stream]) -> int:
    counts = Counter(stream.rows.count for stream in streams)
    return max(counts, key=lambda count: (counts[count], count)) if counts else 0


def _clock_rows(sheet: Sheet, rows: Rows) -> Rows | None:
    """The time column of an array: its own, else the nearest above it; itself if it is one."""
    if _is_clock(rows):
        return rows
    own = (f"{rows.name}_timestamp", f"{rows.name}_timestamps", f"{rows.name}_time")
    for name in own:
        if name in sheet.rows and sheet.rows[name].count == rows.count:
            return sheet.rows[name]
    for folder in PurePosixPath(rows.name).parents:
        for name, other in sheet.rows.items():
            near = PurePosixPath(name).parent == folder and TIMES.fullmatch(
                PurePosixPath(name).name
            )
            if near and other.count == rows.count and _is_clock(other):
                return other
    return None


def _is_clock(rows: Rows) -> bool:
    """True for a column of times whose unit can be told."""
    shape = tuple(rows.array.shape)
    is_column = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    if not (is_column and rows.there > 1 and TIMES.search(rows.name)):
        return False
    if rows.array.dtype.kind not in "iuf":
        return False
    first = numbers_in(replace(rows, there=1))[0]
    return bool(np.isfinite(first).all()) and unit_of(rows, float(first[0, 0])) is not None


def _mapped(sheet: Sheet, said: Said) -> list[_Stream]:
    """The streams that the JSON beside the recording names."""
    streams: list[_Stream] = []
    for kind in ("cameras", "series"):
        for one in said.objects(kind):
            stream = _named(sheet, one, is_camera=kind == "cameras")
            if stream is None:
                continue
            if stream.name in {other.name for other in streams}:
                one.note(f'"name" is "{stream.name}", which another stream has: give each its own')
                continue
            streams.append(stream)
    return streams


def _named(sheet: Sheet, said: Said, *, is_camera: bool) -> _Stream | None:
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
    stream = _Stream(
        rows,
        name,
        cast(Literal["still", "raw", "series"], kind),
        role=cast(Role, said.choice("role", ROLES)),
        rate_hz=said.number("rate_hz", above=0),
        columns=said.texts("columns") or (),
        offset_ns=round((said.number("offset_s", low=0) or 0.0) * NS),
        declared_count=said.count("sample_count") or rows.count,
    )
    column = said.text("time")
    if column is None:
        return stream
    clock = sheet.rows.get(column.strip("/"))
    if clock is None or clock.count != rows.count or clock.array.dtype.kind not in "iuf":
        said.note(f'"time" is "{column}", which is no column of {rows.count} times', name)
        return stream
    return replace(stream, times=_stamps(clock, said.choice("unit", tuple(UNITS))))


def _timed(sheet: Sheet, stream: _Stream, problems: list[Problem]) -> _Stream:
    """The stream with a time for each row that is there."""
    times = stream.times
    is_chosen = stream.rate_hz is not None
    clock = None if times is not None or is_chosen else _clock_rows(sheet, stream.rows)
    if clock is not None:
        first = float(numbers_in(replace(clock, there=1))[0][0, 0])
        times = _stamps(clock, unit_of(clock, first) or "s")
    rate = stream.rate_hz or sheet.said.number("rate_hz", above=0)
    rate = rate or rate_in(stream.rows.attributes) or sheet.rate_hz
    if times is None or len(times) < 2:
        return _on_grid(stream, rate, sheet.assumed_hz)
    times = times[: stream.rows.there]
    steps = np.diff(times)
    typical = float(np.median(steps)) if len(steps) else 0.0
    if typical > 0 and is_on_grid(times - times[0], np.arange(len(times)), NS / typical):
        return replace(stream, times=times, clock="grid", rate_hz=rate)
    backward = int((steps < 0).sum())
    if backward and stream.kind != "series":
        problems.append(
            Problem(
                "corrupt_stream",
                stream.name,
                f"{sheet.where}, {stream.name}: time runs backwards {backward} times: look at the "
                "recorder's clock",
            )
        )
        times = np.maximum.accumulate(times)
    return replace(stream, times=times, clock="measured", rate_hz=rate)


def _on_grid(stream: _Stream, rate_hz: float | None, assumed_hz: float) -> _Stream:
    step_ns = NS / (rate_hz or assumed_hz)
    times: Times = np.rint(np.arange(stream.rows.there) * step_ns).astype(np.int64)
    clock: Clock = "grid" if rate_hz else "assumed"
    return replace(stream, times=times, clock=clock, rate_hz=rate_hz)


def _stamps(clock: Rows, unit: str) -> Times:
    """A time column in ns; whole numbers stay exact."""
    if clock.array.dtype.kind in "iu":
        whole = np.asarray(clock.array[clock.start : clock.start + clock.there]).reshape(-1)
        return whole.astype(np.int64) * UNITS[unit]
    seconds = numbers_in(clock)[0].reshape(-1)
    finite = np.where(np.isfinite(seconds), seconds, 0.0)
    stamps: Times = np.rint(np.clip(finite * UNITS[unit], -(2.0**62), 2.0**62)).astype(np.int64)
    return stamps


def _on_one_clock(streams: list[_Stream]) -> list[_Stream]:
    """All times from the recording's start: its first row is its first step."""
    firsts = [int(one.times.min()) for one in streams if one.times is not None and len(one.times)]
    zero = min(firsts, default=0)
    zero = 0 if 0 <= zero < LATEST_FIRST_NS else zero
    moved = []
    for one in streams:
        times = np.zeros(0, np.int64) if one.times is None else one.times
        of_clock = one.clock == "measured" or (len(times) and times[0] >= LATEST_FIRST_NS)
        moved.append(replace(one, times=times - (zero if of_clock else 0) + one.offset_ns))
    return moved


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
    times = stream.times if stream.times is not None else np.zeros(0, np.int64)
    coding: Literal["still", "raw"] = "still" if stream.kind == "still" else "raw"
    source = sheet.carry(stream.rows, times, coding, stream.clock)
    return Camera(stream.name, source, stream.declared_count, stream.rate_hz)


def _series(sheet: Sheet, stream: _Stream, problems: list[Problem]) -> Series:
    values, lost = numbers_in(stream.rows)
    times = stream.times if stream.times is not None else np.zeros(0, np.int64)
    times, values, notes = in_order(times, values[: len(times)], np.ones(len(times), np.bool_))
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
    each = said.object("episodes") if isinstance(said.raw("episodes"), dict) else None
    own = each.object(str(sheet.index)) if each else None
    told = next((one for name, one in sheet.rows.items() if INSTRUCTIONS.search(name)), None)
    labels = texts_in(told) if told is not None and kind_of(told) == "text" else []
    named = sorted({label.strip() for label in labels} - {""})
    metadata = metadata_of(
        said.merged(own), task=sheet.task or (named[0] if len(named) == 1 else None)
    )
    if metadata.steps or len(named) < 2 or not streams:
        return metadata
    times = max((one.times for one in streams if one.times is not None), key=len)
    return replace(metadata, steps=steps_of(labels, times, int(times[-1]) if len(times) else 0))


def _scalar(value: object) -> object:
    """An attribute as a plain value: h5py gives numpy scalars, arrays of one, and bytes."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, np.generic):
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
