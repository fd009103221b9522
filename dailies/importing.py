"""Bringing sites, rigs, workers, tasks, programs, targets, rates, shifts and appeals in from CSV.

A file is checked whole before anything is written, and is written in one transaction: either
every row is in, or none is, and each thing wrong is reported by line and column. Rows are known by
a natural key, so that importing a file again changes nothing. docs/import.md shows the columns.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from dailies import cells
from dailies.cells import Parser, Wrong, did_you_mean
from dailies.database import Record
from dailies.days import local_day
from dailies.record import (
    APPEAL_DUE,
    COUNTING,
    Appeal,
    Episode,
    Program,
    Rate,
    Review,
    Rig,
    Row,
    Shift,
    Site,
    Target,
    Task,
    Worker,
)
from dailies.shifts import follow_shifts


@dataclass(frozen=True)
class Imported:
    """What an import did: the ``kind`` of rows, how many were new, and how many were changed."""

    kind: str
    inserted: int
    updated: int


@dataclass(frozen=True)
class BadCell:
    """One thing wrong in a CSV file: where (line from 1, the header's), what, and the remedy.

    ``column`` is empty where it is about the whole line, ``line`` is 0 where about the whole file.
    """

    line: int
    column: str
    value: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        value = f"{self.value!r} " if self.value else ""
        return f"{where if self.line else 'the file'}: {value}{self.wrong}: {self.remedy}"


class ImportRefused(ValueError):
    """A file that was not imported, and every reason why (``bad``)."""

    def __init__(self, path: Path, bad: tuple[BadCell, ...]) -> None:
        self.path = path
        self.bad = bad
        super().__init__("\n".join([f"{path}: nothing was imported", *map(str, bad)]))


@dataclass(frozen=True)
class _Column:
    name: str
    parse: Parser
    required: bool = True
    refers_to: type[Row] | None = None


@dataclass(frozen=True)
class _Kind:
    """A kind of file: its table, its columns, and those that tell one row from another."""

    name: str
    table: type[Row]
    key: tuple[str, ...]
    columns: tuple[_Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.required)


def _reference(table: type[Row], *, required: bool = True) -> _Column:
    return _Column(f"{table.__tablename__}_id", cells.identifier, required, refers_to=table)


_ID = _Column("id", cells.identifier)
_NAME = _Column("name", cells.words)

KINDS = (
    _Kind(
        "site",
        Site,
        ("id",),
        (
            _ID,
            _NAME,
            _Column("kind", cells.choice("facility", "home", "gig")),
            _Column("zone", cells.zone),
            _Column("currency", cells.currency),
            _Column("minimum_wage", cells.money, required=False),
        ),
    ),
    _Kind(
        "rig",
        Rig,
        ("id",),
        (
            _ID,
            _reference(Site),
            _Column("kind", cells.words),
            _Column("camera_model", cells.words, required=False),
        ),
    ),
    _Kind(
        "worker",
        Worker,
        ("id",),
        (_ID, _reference(Site), _Column("joined_on", cells.date, required=False)),
    ),
    _Kind(
        "task",
        Task,
        ("id",),
        (
            _ID,
            _NAME,
            _Column("steps", cells.steps, required=False),
            _Column("expected_s", cells.number(0, above=True), required=False),
        ),
    ),
    _Kind("program", Program, ("id",), (_ID, _Column("customer", cells.words), _NAME)),
    _Kind(
        "target",
        Target,
        ("program_id", "task_id", "site_id", "starts_on"),
        (
            _reference(Program),
            _reference(Task, required=False),
            _reference(Site, required=False),
            _Column("starts_on", cells.date),
            _Column("ends_on", cells.date),
            _Column("hours", cells.number(0, above=True)),
        ),
    ),
    _Kind(
        "rate",
        Rate,
        ("site_id", "task_id", "basis", "starts_on"),
        (
            _reference(Site),
            _reference(Task, required=False),
            _Column("basis", cells.choice("paid", "accepted")),
            _Column("amount", cells.money),
            _Column("currency", cells.currency),
            _Column("starts_on", cells.date),
        ),
    ),
    _Kind(
        "shift",
        Shift,
        ("id",),
        (
            _ID,
            _reference(Worker),
            _reference(Site),
            _reference(Rig, required=False),
            _Column("started_at", cells.time),
            _Column("ended_at", cells.time),
            _Column("paid_s", cells.number(0), required=False),
        ),
    ),
    _Kind(
        "appeal",
        Appeal,
        ("episode_id", "brought_at"),
        (
            _Column("episode_id", cells.whole, required=False),
            _Column("path", cells.words, required=False),
            _Column("episode_index", cells.whole, required=False),
            _Column("worker_id", cells.identifier, required=False),
            _Column("reason", cells.words),
            _Column("brought_in_by", cells.identifier),
            _Column("brought_at", cells.time),
        ),
    ),
)


@dataclass(frozen=True)
class _Line:
    """A line of the file: its number, and its cells' text by column."""

    number: int
    cells: Mapping[str, str]

    def bad(self, column: str, wrong: Wrong) -> BadCell:
        return BadCell(self.number, column, self.cells.get(column, ""), wrong.wrong, wrong.remedy)


@dataclass(frozen=True)
class _Sheet:
    header: tuple[str, ...]
    lines: tuple[_Line, ...]
    bad: tuple[BadCell, ...]


def import_csv(record: Record, path: Path, kind: str | None = None) -> Imported:
    """Brings one CSV file in, whole or not at all; importing it again changes nothing.

    ``kind`` is site, rig, worker, task, program, target, rate, shift or appeal; None tells it from
    the file's name, where that is one of these words, else from the header. Commas, semicolons or
    tabs may stand between the cells. A column that the file lacks keeps what the record has, an
    empty cell of an optional column clears it. Raises ImportRefused.
    """
    sheet = _read(path)
    by_name = None if kind else _kind_by_name(path)
    found, bad = _kind_of(sheet.header, kind or by_name)
    if bad and by_name:
        taken = f"is taken for a {by_name} file by its name"
        bad.insert(0, BadCell(0, "", path.name, taken, "rename it, or say --kind"))
    if found is None or bad:
        raise ImportRefused(path, (*bad, *sheet.bad))
    with record.begin() as session:
        rows, wrong = _parse(session, found, sheet)
        if sheet.bad or wrong:
            raise ImportRefused(path, tuple(sorted((*sheet.bad, *wrong), key=lambda b: b.line)))
        return _write(session, found, rows)


def _read(path: Path) -> _Sheet:
    """The file's cells as text. Raises ImportRefused where it is no CSV file at all."""
    reader = csv.reader(io.StringIO(text := _text(path), newline=""), _dialect(text), strict=True)
    try:
        header = tuple(name.strip() for name in next(reader))
        lines, bad = [], []
        start = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) == len(header):
                    texts = dict(zip(header, map(str.strip, row), strict=True))
                    lines.append(_Line(start, texts))
                else:
                    wrong = f"has {len(row)} cells, the header {len(header)}"
                    bad.append(BadCell(start, "", "", wrong, "quote cells that hold a separator"))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _refused(path, reader.line_num, f"is no CSV ({error})", "close its quotes") from error
    if not lines and not bad:
        raise _refused(path, 0, "has no rows below its header", "add them")
    return _Sheet(header, tuple(lines), tuple(bad))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(path, 0, f"cannot be read ({error.strerror})", "check the path") from error
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise _refused(path, 0, "is empty", "its first line names the columns")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "save it as CSV UTF-8"
        raise _refused(path, line, "is not written in UTF-8", remedy) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _refused(path, line, "holds a NUL character", "save it as CSV UTF-8")
    return text


def _dialect(text: str) -> type[csv.Dialect]:
    header = text.split("\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(",;\t", key=header.count)

    return Found


def _refused(path: Path, line: int, wrong: str, remedy: str) -> ImportRefused:
    return ImportRefused(path, (BadCell(line, "", "", wrong, remedy),))


def _kind_by_name(path: Path) -> str | None:
    """The kind that a file is named after (sites.csv): a header may lack what it must have, and
    then look like that of another kind, as which it would come in.
    """
    word = path.stem.lower().removesuffix("s")
    return word if any(kind.name == word for kind in KINDS) else None


def _kind_of(header: tuple[str, ...], name: str | None) -> tuple[_Kind | None, list[BadCell]]:
    """The kind of a file with this header, and what is wrong with the header."""
    if name is None:
        if not any(_likeness(kind, header)[1] for kind in KINDS):
            wrong, remedy = "is the header of no kind of file", "see docs/import.md for the columns"
            return None, [BadCell(1, "", ", ".join(header), wrong, remedy)]
        fits = [k for k in KINDS if k.required <= set(header) <= set(k.names)]
        kind = fits[0] if len(fits) == 1 else max(KINDS, key=lambda k: _likeness(k, header))
    else:
        named = {kind.name: kind for kind in KINDS}
        if name not in named:
            remedy = did_you_mean(name, named, f"use {', '.join(named)}")
            return None, [BadCell(0, "", name, "is no kind of file", remedy)]
        kind = named[name]
    bad = [
        BadCell(
            1,
            column,
            column,
            f"is no column of a {kind.name} file",
            did_you_mean(column, kind.names, f"it has {', '.join(kind.names)}"),
        )
        for column in header
        if column not in kind.names
    ]
    for column in kind.names:
        if column in kind.required and column not in header:
            remedy = f"a {kind.name} file needs {', '.join(sorted(kind.required))}"
            bad.append(BadCell(1, column, "", "is missing", remedy))
        if header.count(column) > 1:
            bad.append(BadCell(1, column, column, "stands there twice", "keep one"))
    return kind, bad


def _likeness(kind: _Kind, header: tuple[str, ...]) -> tuple[float, int]:
    shared = len(set(header) & set(kind.names))
    return shared / len(set(header) | set(kind.names)), shared


@dataclass(frozen=True)
class _Known:
    """What the record holds already, as far as a file may refer to it."""

    ids: Mapping[type[Row], frozenset[str]]
    zones: Mapping[str, str]
    currencies: Mapping[str, str]
    rated: Mapping[str, frozenset[str]]  # by site, the currencies of its rates
    session: Session  # to look an appeal's episode up
    appealed: dict[int, dt.datetime]  # by episode, since when an appeal is open, in record and file

    @classmethod
    def of(cls, session: Session, kind: _Kind) -> _Known:
        tables = {column.refers_to for column in kind.columns if column.refers_to}
        sites = session.execute(select(Site.id, Site.zone, Site.currency)).all()
        rated: dict[str, frozenset[str]] = {}
        for site, currency in session.execute(select(Rate.site_id, Rate.currency).distinct()):
            rated[site] = rated.get(site, frozenset()) | {currency}
        return cls(
            ids={
                table: frozenset(session.scalars(select(table.__table__.c.id))) for table in tables
            },
            zones={site.id: site.zone for site in sites},
            currencies={site.id: site.currency for site in sites},
            rated=rated,
            session=session,
            appealed={
                row.episode_id: row.brought_at
                for row in session.scalars(select(Appeal).where(Appeal.state == "open"))
            },
        )


def _parse(
    session: Session, kind: _Kind, sheet: _Sheet
) -> tuple[list[dict[str, Any]], list[BadCell]]:
    """The rows to be written, and everything that is wrong in the file."""
    known = _Known.of(session, kind)
    rows: list[dict[str, Any]] = []
    bad: list[BadCell] = []
    first: dict[tuple[Any, ...], int] = {}
    for line in sheet.lines:
        row, wrong = _parse_line(kind, line, known)
        wrong += [] if wrong else list(_contradictions(kind, line, row, known))
        if not wrong:
            key = tuple(row.get(name) for name in kind.key)
            if key in first:
                again = Wrong(f"stands in line {first[key]} already", "keep one of the two")
                wrong.append(line.bad(kind.key[0], again))
            first.setdefault(key, line.number)
        bad += wrong
        rows.append(row)
    if kind.table is Shift and not bad:
        bad += _paid_twice(session, sheet, rows)
    return rows, bad


def _paid_twice(session: Session, sheet: _Sheet, rows: list[dict[str, Any]]) -> Iterator[BadCell]:
    """Shifts of the file that begin or go on while another paid one of their worker runs."""
    table = cast("Table", Shift.__table__)
    names = ("id", "worker_id", "started_at", "ended_at", "paid_s")
    standing = {
        row.id: (dict(zip(names, row, strict=True)), None)
        for row in session.execute(select(*(table.c[name] for name in names)))
    }
    there = standing | {row["id"]: (row, line) for row, line in zip(rows, sheet.lines, strict=True)}
    paid = [(row, line) for row, line in there.values() if row["paid_s"] > 0]
    paid.sort(key=lambda one: (one[0]["worker_id"], one[0]["started_at"]))
    latest: tuple[dict[str, Any], _Line | None] | None = None
    for row, line in paid:
        if latest is None or latest[0]["worker_id"] != row["worker_id"]:
            latest = (row, line)
            continue
        before, line_before = latest
        if row["started_at"] < before["ended_at"]:
            told, other = (line, before) if line else (line_before, row)
            if told:
                wrong = f"is at the same time as shift {other['id']!r} of {row['worker_id']}"
                yield told.bad("started_at", Wrong(wrong, "correct one, or give it paid_s 0"))
        if row["ended_at"] > before["ended_at"]:
            latest = (row, line)


def _parse_line(kind: _Kind, line: _Line, known: _Known) -> tuple[dict[str, Any], list[BadCell]]:
    row: dict[str, Any] = {}
    bad = []
    for column in kind.columns:
        text = line.cells.get(column.name)
        if text is None:
            continue
        try:
            row[column.name] = _parse_cell(column, text, known)
        except Wrong as wrong:
            bad.append(line.bad(column.name, wrong))
    return row, bad


def _parse_cell(column: _Column, text: str, known: _Known) -> object:
    if not text:
        if column.required:
            raise Wrong("is empty", "fill it in")
        return [] if column.parse is cells.steps else None
    value = column.parse(text)
    if column.refers_to is not None and value not in known.ids[column.refers_to]:
        what = column.refers_to.__tablename__
        near = did_you_mean(text, known.ids[column.refers_to], f"import the {what} first")
        raise Wrong(f"is no {what} in the record", near)
    return value


def _contradictions(
    kind: _Kind, line: _Line, row: dict[str, Any], known: _Known
) -> Iterator[BadCell]:
    """What is wrong with a line as a whole. Completes a shift's and an appeal's instants."""
    if kind.table is Shift:
        yield from _complete_shift(line, row, known)
    if kind.table is Appeal:
        yield from _complete_appeal(line, row, known)
    if kind.table is Target and row["ends_on"] < row["starts_on"]:
        yield line.bad("ends_on", Wrong(f"is before {row['starts_on']}, its start", "swap them"))
    if kind.table is Rate:
        expected = known.currencies[row["site_id"]]
        if row["currency"] != expected:
            other = f"is not the currency of {row['site_id']}"
            yield line.bad("currency", Wrong(other, f"give the amount in {expected}"))
        if row.get("task_id") and row["basis"] != "accepted":
            remedy = "only accepted hours have a price by task"
            yield line.bad("task_id", Wrong("is priced for paid hours", remedy))
    if kind.table is Site:
        others = known.rated.get(row["id"], frozenset()) - {row["currency"]}
        if others:
            priced = f"differs from its rates, in {', '.join(sorted(others))}"
            yield line.bad("currency", Wrong(priced, "make a new site"))


def _complete_shift(line: _Line, row: dict[str, Any], known: _Known) -> Iterator[BadCell]:
    zone = known.zones[row["site_id"]]
    bad = []
    for name in ("started_at", "ended_at"):
        try:
            row[name] = cells.instant(row[name], zone)
        except Wrong as wrong:
            bad.append(line.bad(name, wrong))
    if not bad and row["ended_at"] <= row["started_at"]:
        bad.append(line.bad("ended_at", Wrong("is not after started_at", "check both")))
    yield from bad
    if not bad:
        row["worked_on"] = local_day(row["started_at"], zone)
        whole_s = (row["ended_at"] - row["started_at"]).total_seconds()
        if row.get("paid_s") is None:
            row["paid_s"] = whole_s
        elif row["paid_s"] > whole_s:
            longer = f"is longer than the shift, which has {whole_s:g} s"
            yield line.bad("paid_s", Wrong(longer, "check it, or the shift's times"))


def _complete_appeal(line: _Line, row: dict[str, Any], known: _Known) -> Iterator[BadCell]:
    """Finds the episode, by its id or by where it lies, and the instant on its site's clocks."""
    id_, path, index = (row.pop(name, None) for name in ("episode_id", "path", "episode_index"))
    where = "path" if id_ is None else "episode_id"
    if (id_ is None) == (path is None):
        yield line.bad(where, Wrong("is told twice or not at all", "give episode_id or path"))
        return
    at = Episode.id == id_ if path is None else Episode.path == path
    chosen = select(Episode).where(at, *([Episode.index == index] if index is not None else []))
    found = known.session.scalars(chosen.limit(2)).all()
    if len(found) != 1:
        wrong = "is no episode in the record" if not found else "holds several episodes"
        remedy = "check it, as the Episode page says it" if not found else "give episode_index too"
        yield line.bad(where, Wrong(wrong, remedy))
        return
    episode = found[0]
    row["episode_id"] = episode.id
    worker = row.setdefault("worker_id", None) or episode.worker_id
    try:
        row["brought_at"] = cells.instant(
            row["brought_at"], known.zones.get(episode.site_id or "", "UTC")
        )
    except Wrong as wrong_time:
        yield line.bad("brought_at", wrong_time)
        return
    row["worker_id"] = worker
    if episode.worker_id not in (None, worker):
        remedy = f"it is of {episode.worker_id}"
        yield line.bad("worker_id", Wrong("did not record this episode", remedy))
    if episode.decision is None:
        yield line.bad(where, Wrong("is not decided yet", "it waits for review: leave it out"))
    since = known.appealed.setdefault(episode.id, row["brought_at"])
    if since != row["brought_at"]:
        wrong = f"is appealed already, since {since:%Y-%m-%d %H:%M} UTC"
        yield line.bad(where, Wrong(wrong, "leave it out until that is answered"))


def _begun(session: Session, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a new appeal has besides what its line says: what it is against, and its clock."""
    against = (
        select(Review.id)
        .where(
            Review.episode_id == row["episode_id"],
            Review.kind.in_(COUNTING),
            Review.undone_at.is_(None),
        )
        .order_by(Review.decided_at.desc(), Review.id.desc())
    )
    return {
        "due_at": row["brought_at"] + APPEAL_DUE,
        "state": "open",
        "against_id": session.scalars(against.limit(1)).first(),
    }


def _write(session: Session, kind: _Kind, rows: list[dict[str, Any]]) -> Imported:
    table = kind.table.__table__
    names = [column.name for column in table.columns if column.name != "change"]
    standing = {
        tuple(row[name] for name in kind.key): row
        for row in session.execute(select(*(table.c[name] for name in names))).mappings()
    }
    new, changed = [], []
    for row in rows:
        old = standing.get(tuple(row.get(name) for name in kind.key))
        if old is None:
            empty: dict[str, Any] = {
                column.name: [] if column.name == "steps" else None
                for column in kind.columns
                if column.name in names
            }
            begun = _begun(session, row) if kind.table is Appeal else {}
            new.append(empty | row | begun)
        elif fresh := {name: value for name, value in row.items() if value != old[name]}:
            changed.append((old, fresh))
    if new:
        session.execute(insert(kind.table), new)
    for old, fresh in changed:
        session.execute(update(kind.table).where(table.c.id == old["id"]).values(fresh))
        if kind.table is Site and "zone" in fresh:
            rederive_days(session, old["id"], fresh["zone"])
    if kind.table in (Site, Shift) and (new or changed):
        follow_shifts(session)
    return Imported(kind.name, len(new), len(changed))


def rederive_days(session: Session, site: str, zone: str) -> int:
    """Sets ``worked_on`` of a site's episodes and shifts to the days of ``zone``; how many changed.

    For a site whose zone was put right, in the same transaction.
    """
    count = 0
    for timed in (Episode, Shift):
        table = cast("Table", timed.__table__)
        rows = session.execute(
            select(table.c.id, table.c.started_at, table.c.worked_on).where(table.c.site_id == site)
        )
        moved = [
            {"key": row_id, "day": day}
            for row_id, started_at, worked_on in rows
            if (day := local_day(started_at, zone)) != worked_on
        ]
        if moved:
            session.connection().execute(
                update(table)
                .where(table.c.id == bindparam("key"))
                .values(worked_on=bindparam("day")),
                moved,
            )
        count += len(moved)
    return count
