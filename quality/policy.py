"""The limits under which recordings are judged: a TOML file, overridden by task, site and rig."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from quality.checks import CHECKS, Check, Limits

HOUSE = Path(__file__).with_name("policy.toml")
SCOPES = ("task", "site", "rig")
"""From the weakest override to the strongest."""

Table = Mapping[str, float]


class PolicyError(ValueError):
    """A policy that cannot be used: the message names file, key and remedy."""


@dataclass(frozen=True)
class Policy:
    """A named set of limits. ``id`` is ``<name>@<8 hex digits of its content>``.

    ``house`` holds the limits by check; ``overrides`` those by (scope, id) and check.
    """

    id: str
    house: Mapping[str, Table]
    overrides: Mapping[tuple[str, str], Mapping[str, Table]]

    @classmethod
    def load(cls, path: Path | None = None) -> Policy:
        """Read a policy file; what it leaves out is as in the house policy (which None reads), and
        without a name it has its file's.

        Raises PolicyError.
        """
        file = path or HOUSE
        try:
            return cls.parse(file.read_text(encoding="utf-8-sig"), file)
        except FileNotFoundError:
            raise PolicyError(f"{file}: no such policy file: name one that exists") from None
        except UnicodeDecodeError as error:
            raise PolicyError(f"{file}: not valid TOML ({error}): correct that line") from None

    @classmethod
    def parse(cls, text: str, source: Path = Path("policy")) -> Policy:
        """The policy that a TOML ``text`` is. Raises PolicyError, which names ``source``."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"{source}: not valid TOML ({error}): correct that line") from None
        _known(source, "", tables, ("policy", "limits", *SCOPES))
        return _policy(source, tables)

    @property
    def name(self) -> str:
        """Its name, without the hash."""
        return self.id.rpartition("@")[0]

    def moved(
        self, check: str, limits: Table, scope: str = "house", owner: str | None = None
    ) -> Policy:
        """The same policy with other numbers for a check, for all or one task, site or rig.

        Raises PolicyError where they cannot be.
        """
        house = {name: dict(table) for name, table in self.house.items()}
        overrides = {key: {**tables} for key, tables in self.overrides.items()}
        if scope == "house":
            house[check] |= limits
        else:
            tables = overrides.setdefault((scope, str(owner)), {})
            tables[check] = {**tables.get(check, {}), **limits}
        return Policy.parse(Policy(self.id, house, overrides).to_toml())

    def to_toml(self, name: str | None = None, note: str = "") -> str:
        """All its limits as a TOML that ``parse`` reads, under this name, with a note on it."""
        lines = ["[policy]", f"name = {_quoted(name or self.name)}"]
        lines += [f"note = {_quoted(note)}"] if note else []
        tables: list[tuple[tuple[str, ...], Table]]
        tables = [(("limits", check), table) for check, table in self.house.items()]
        for key, checks in self.overrides.items():
            tables += [((*key, check), table) for check, table in checks.items()]
        for keys, table in tables:
            lines += ["", f"[{'.'.join(map(_quoted_key, keys))}]"]
            lines += [f"{setting} = {value!r}" for setting, value in table.items()]
        return "\n".join(lines) + "\n"

    def limits_for(
        self, task: str | None = None, site: str | None = None, rig: str | None = None
    ) -> dict[str, Limits]:
        """The limits by check that hold here: rig over site over task over house."""
        layers = [
            self.overrides.get((scope, name), {})
            for scope, name in zip(SCOPES, (task, site, rig), strict=True)
            if name is not None
        ]
        return {
            check.name: _limits(check, _merged(self.house[check.name], check.name, layers))
            for check in CHECKS
        }


def _quoted(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does."""
    return orjson.dumps(text).decode().replace("\x7f", "\\u007f")


def _quoted_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _policy(file: Path, tables: dict[str, Any]) -> Policy:
    about = _table(file, "policy", tables.get("policy", {}))
    _known(file, "policy", about, ("name", "note"))
    name = about.get("name", file.stem.strip() or "policy")
    if not isinstance(name, str) or not name.strip():
        raise PolicyError(f"{file}: [policy] name is {name!r}: give a text, or leave it out")
    own = _checked(file, "limits", tables.get("limits", {}))
    base = {} if file == HOUSE else Policy.load().house
    house = {
        check.name: {**base.get(check.name, {}), **own.get(check.name, {})} for check in CHECKS
    }
    _complete(file, house)
    overrides = {
        (scope, str(owner)): _checked(file, f"{scope}.{owner}", checks)
        for scope in SCOPES
        for owner, checks in _table(file, scope, tables.get(scope, {})).items()
    }
    for (scope, owner), checks in overrides.items():
        for check in CHECKS:
            if check.name in checks:
                merged = {**house[check.name], **checks[check.name]}
                _inside(file, f"{scope}.{owner}.{check.name}", check, merged)
    content = orjson.dumps(
        [house, {".".join(key): value for key, value in overrides.items()}],
        option=orjson.OPT_SORT_KEYS,
    )
    return Policy(f"{name}@{hashlib.sha256(content).hexdigest()[:8]}", house, overrides)


def _merged(house: Table, check: str, layers: list[Mapping[str, Table]]) -> dict[str, float]:
    merged = dict(house)
    for layer in layers:
        merged.update(layer.get(check, {}))
    return merged


def _limits(check: Check, table: Table) -> Limits:
    suspect, fail = table["suspect"], table["fail"]
    # overrides of two scopes can meet that were each in order: the suspect range stays the wider
    suspect = min(suspect, fail) if check.worse == "higher" else max(suspect, fail)
    settings = {name: value for name, value in table.items() if name not in ("suspect", "fail")}
    return Limits(suspect, fail, check.worse, settings)


def _checked(file: Path, key: str, checks: Any) -> dict[str, dict[str, float]]:
    """The tables of limits under ``key``, every name and number of which is good."""
    tables = _table(file, key, checks)
    _known(file, key, tables, tuple(check.name for check in CHECKS))
    by_name = {check.name: check for check in CHECKS}
    return {
        name: _numbers(file, f"{key}.{name}", limits, by_name[name])
        for name, limits in tables.items()
    }


def _numbers(file: Path, key: str, limits: Any, check: Check) -> dict[str, float]:
    table = _table(file, key, limits)
    _known(file, key, table, ("suspect", "fail", *check.settings))
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise PolicyError(f"{file}: {key}.{name} is {value!r}: give a number")
    return {name: float(value) for name, value in table.items()}


def _table(file: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PolicyError(f"{file}: {key} is {value!r}: make it a table, [{key}]")
    return value


def _known(file: Path, key: str, table: Iterable[str], names: tuple[str, ...]) -> None:
    for name in table:
        if name not in names:
            where = f"{key}.{name}" if key else name
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
            raise PolicyError(f"{file}: {where} is not known: {hint}")


def _complete(file: Path, house: Mapping[str, Table]) -> None:
    for check in CHECKS:
        for name in ("suspect", "fail", *check.settings):
            if name not in house[check.name]:
                raise PolicyError(f"{file}: limits.{check.name}.{name} is missing: add it")
        _inside(file, f"limits.{check.name}", check, house[check.name])


def _inside(file: Path, key: str, check: Check, table: Table) -> None:
    suspect, fail = table["suspect"], table["fail"]
    if check.worse == "higher" and suspect < 0:
        raise PolicyError(
            f"{file}: {key}: suspect {suspect:g} {check.unit} is below 0, where nothing is: "
            "write 0 or more, or inf to leave the check out"
        )
    if suspect > fail if check.worse == "higher" else suspect < fail:
        raise PolicyError(
            f"{file}: {key}: suspect {suspect:g} lies beyond fail {fail:g} {check.unit}: the "
            f"suspect limit must be reached first ({check.worse} is worse)"
        )
