"""How a question is put: a filter, an SQL file, and rows whose types are checked."""

from __future__ import annotations

import datetime as dt
import functools
import types
import typing
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from dailies.mirror import Mirror

    AnyRow = TypeVar("AnyRow", bound=DataclassInstance)
else:
    AnyRow = TypeVar("AnyRow")

SQL = Path(__file__).resolve().parent.parent / "sql" / "metrics"
"""The folder of the metrics' SQL files; ``<name>.sql`` defines the metric ``name``."""


def instant(at: dt.datetime | None = None) -> dt.datetime:
    """An instant, the present one where none is given, as the mirror keeps them: naive UTC."""
    return (at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(tzinfo=None)


class MetricError(TypeError):
    """An SQL file gives other columns than its row type promises."""


@dataclass(frozen=True)
class Filter:
    """What a page looks at: days (both included, each in its site's own zone) and ids.

    An empty tuple means all. An episode whose id is unknown is left out once ids are chosen.
    Raises ValueError where the span ends before it starts.
    """

    from_on: dt.date
    to_on: dt.date
    sites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    rigs: tuple[str, ...] = ()
    program: str | None = None

    def __post_init__(self) -> None:
        if self.to_on < self.from_on:
            raise ValueError(f"the span ends on {self.to_on}, before its start on {self.from_on}")

    @property
    def days(self) -> int:
        """Length of the span in days, at least 1."""
        return (self.to_on - self.from_on).days + 1

    def before(self) -> Filter:
        """The same filter shifted back by whole weeks, so that weekdays match and nothing overlaps.

        A span of up to 7 days moves by one week, of 8 to 14 days by two, and so on.
        """
        shift = dt.timedelta(weeks=-(-self.days // 7))
        return Filter(
            self.from_on - shift,
            self.to_on - shift,
            self.sites,
            self.tasks,
            self.workers,
            self.rigs,
            self.program,
        )

    def parameters(self) -> dict[str, Any]:
        """The named parameters that the SQL files take; None where all are meant."""
        return {
            "from_on": self.from_on,
            "to_on": self.to_on,
            "sites": list(self.sites) or None,
            "tasks": list(self.tasks) or None,
            "workers": list(self.workers) or None,
            "rigs": list(self.rigs) or None,
            "program": self.program,
        }


def columns(mirror: Mirror, name: str, row: type[Any], parameters: dict[str, Any]) -> pa.Table:
    """The answer of metric ``name`` as columns; for what is long.

    ``row`` is the frozen dataclass that a line of it would be. Raises MetricError where names,
    order or types of the columns differ from its fields.
    """
    table = mirror.ask(text(name), parameters)
    _refuse_other_columns(name, row, table.schema)
    return table


def ask(
    mirror: Mirror, name: str, row: type[AnyRow], parameters: dict[str, Any]
) -> tuple[AnyRow, ...]:
    """The answer of metric ``name`` as rows; see ``columns``, also for what it raises."""
    return rows(columns(mirror, name, row, parameters), row)


def rows(table: pa.Table, row: type[AnyRow]) -> tuple[AnyRow, ...]:
    """The lines of an answer that came as columns."""
    values = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return tuple(row(*one) for one in values)


def ask_one(
    mirror: Mirror, name: str, row: type[AnyRow], parameters: dict[str, Any]
) -> AnyRow | None:
    """The only row of metric ``name``, None where there is none."""
    found = ask(mirror, name, row, parameters)
    return found[0] if found else None


@functools.cache
def text(name: str) -> str:
    """The SQL of metric ``name``."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def _refuse_other_columns(name: str, row: type[Any], schema: pa.Schema) -> None:
    expected = _expected(typing.cast(Hashable, row))
    if tuple(schema.names) != tuple(expected):
        raise MetricError(
            f"sql/metrics/{name}.sql gives {', '.join(schema.names)}, "
            f"but {row.__name__} has {', '.join(expected)}"
        )
    for field in schema:
        if not _fits(field.type, expected[field.name]):
            raise MetricError(
                f"sql/metrics/{name}.sql gives {field.name} as {field.type}, "
                f"but {row.__name__}.{field.name} is {expected[field.name]}"
            )


@functools.cache
def _expected(row: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(row)
    return {field.name: _without_none(hints[field.name]) for field in fields(row)}


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (kept,) = (part for part in typing.get_args(hint) if part is not type(None))
        return kept
    return hint


def _fits(arrow: pa.DataType, python: Any) -> bool:
    if pa.types.is_null(arrow):
        return True
    if typing.get_origin(python) is list:
        inner = typing.get_args(python)[0]
        return pa.types.is_list(arrow) and _fits(arrow.value_type, inner)
    return _FITS[python](arrow)


_FITS: dict[type, Callable[[Any], bool]] = {
    str: lambda arrow: pa.types.is_string(arrow) or pa.types.is_large_string(arrow),
    int: pa.types.is_integer,
    float: pa.types.is_float64,
    bool: pa.types.is_boolean,
    dt.date: pa.types.is_date,
    dt.datetime: pa.types.is_timestamp,
    Decimal: pa.types.is_decimal,
}
