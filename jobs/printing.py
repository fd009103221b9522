"""How verdicts are printed: a table for people; JSON lines and CSV for machines.

The JSON is a public format, see docs/screen-json.md; CSV has one row an episode.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dailies.words import NS, Flag, Grade

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.screening import Screened, ScreenedStream, Triaged

VERSION = 1
"""Of the JSON format; a change that is not an addition makes it one more."""

CSV_COLUMNS = (
    "path", "index", "format", "duration_s", "verdict", "policy", "error", "flags", "triage"
)  # fmt: skip
COLOURS = {"good": "\x1b[32m", "unknown": "\x1b[36m", "suspect": "\x1b[33m", "fail": "\x1b[31m"}
PLAIN = "\x1b[0m"


def json_line(screened: Screened) -> str:
    """One episode as one line of JSON, without the line's end."""
    return json.dumps(as_json(screened), ensure_ascii=False, allow_nan=False)


def as_json(screened: Screened) -> dict[str, Any]:
    """One episode in the public format, version 1; a number that is none is None."""
    return {
        "version": VERSION,
        "path": str(screened.path),
        "index": screened.index,
        "format": screened.format,
        "duration_s": finite(screened.duration_s),
        "verdict": screened.verdict.grade.value,
        "policy": screened.verdict.policy,
        "error": screened.error,
        "triage": _triage(screened.triage) if screened.triage else None,
        "streams": [_stream(stream) for stream in screened.streams],
        "flags": [_flag(flag) for flag in screened.verdict.flags],
    }


def csv_line(screened: Screened | None) -> str:
    """One episode as a CSV row, or the header for None, without the line's end."""
    if screened is None:
        return ",".join(CSV_COLUMNS)
    flags = "; ".join(f"{flag.grade.value} {flag.check}" for flag in screened.verdict.flags)
    triage = "triage" if screened.triage else ""
    row = as_json(screened) | {"flags": flags, "triage": triage}
    out = io.StringIO()
    # told of an end of lines, it quotes a name that holds one
    csv.writer(out, lineterminator="\n").writerow(
        ["" if row[column] is None else row[column] for column in CSV_COLUMNS]
    )
    return out.getvalue().removesuffix("\n")


def table_lines(screened: Screened | None, *, coloured: bool = False, triage: bool = False) -> str:
    """One episode as a line of the table, its reasons below it; the header for None."""
    if screened is None:
        return f"{'triage' if triage else 'verdict':8} {'length [s]':>10}  recording"
    grade = screened.verdict.grade.value
    word = f"{COLOURS[grade]}{grade:8}{PLAIN}" if coloured else f"{grade:8}"
    place = place_of(screened)
    reasons = list(dict.fromkeys(flag.message for flag in screened.verdict.flags))
    if not reasons and screened.error:
        reasons = [screened.error]
    if screened.triage:
        place += f"  (triage: {looked_at(screened.triage)})"
        reasons = reasons or ["nothing odd seen; that does not make it good"]
    first = f"{word} {screened.duration_s:10.1f}  {place}"
    return "\n".join([first, *(f"{'':21}{reason}" for reason in reasons)])


def looked_at(triage: Triaged) -> str:
    """How many of the pictures a triage looked at, in words."""
    return f"{triage.looked_at} of {triage.pictures} pictures looked at"


@dataclass
class Tally:
    """How many episodes there are, and how long, by verdict."""

    counts: dict[Grade, int] = field(default_factory=lambda: dict.fromkeys(Grade, 0))
    seconds: dict[Grade, float] = field(default_factory=lambda: dict.fromkeys(Grade, 0.0))

    def add(self, screened: Screened) -> None:
        """Count one more."""
        self.counts[screened.verdict.grade] += 1
        self.seconds[screened.verdict.grade] += screened.duration_s

    @property
    def total(self) -> int:
        """Of all verdicts."""
        return sum(self.counts.values())

    @property
    def said(self) -> str:
        """In a line, the best first."""
        parts = [
            f"{count} {grade.value} ({_length(self.seconds[grade])})"
            for grade, count in self.counts.items()
            if count
        ]
        many = "1 episode" if self.total == 1 else f"{self.total} episodes"
        return f"{many}: {', '.join(parts) or 'none'}"


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds:.0f} s"


def place_of(screened: Screened, below: Path | None = None) -> str:
    """Where an episode is: its path, from the folder ``below`` on, and its number among several."""
    path = screened.path
    if below is not None and path.absolute().is_relative_to(below):
        path = path.absolute().relative_to(below)
    is_numbered = screened.of_many or screened.index > 0
    return str(path) + (f", episode {screened.index}" if is_numbered else "")


def finite(value: float | None, digits: int = 6) -> float | None:
    """A number fit for JSON, to so many decimal places; None for NaN and the infinities."""
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return None
    return round(float(value), digits)


def _triage(triage: Triaged) -> dict[str, Any]:
    return {
        "looked_at": triage.looked_at,
        "pictures": triage.pictures,
        "not_looked_at": list(triage.not_looked_at),
    }


def _stream(stream: ScreenedStream) -> dict[str, Any]:
    return {
        "name": stream.name,
        "kind": stream.kind,
        "count": stream.count,
        "rate_hz": finite(stream.rate_hz),
        "measurements": {name: finite(value) for name, value in stream.measurements.items()},
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "check": flag.check,
        "grade": flag.grade.value,
        "stream": flag.stream,
        "start_s": finite(flag.span.start_ns / NS),
        "end_s": finite(flag.span.end_ns / NS),
        "measured": finite(flag.measured),
        "limit": finite(flag.limit),
        "unit": flag.unit,
        "message": flag.message,
    }
