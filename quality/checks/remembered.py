"""What several checks ask, or one again and again under other limits, is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

_Key = TypeVar("_Key")
_More = ParamSpec("_More")
_Found = TypeVar("_Found")


def once(
    function: Callable[Concatenate[_Key, _More], _Found],
) -> Callable[Concatenate[_Key, _More], _Found]:
    """Remember what ``function`` gave for as long as its first argument lives.

    The others must be hashable, or mappings of what is. What it gives is shared by all who ask:
    they must not change it.
    """
    known: WeakKeyDictionary[_Key, dict[Hashable, _Found]] = WeakKeyDictionary()

    @wraps(function)
    def remembered(key: _Key, /, *more: _More.args, **named: _More.kwargs) -> _Found:
        kept = known.setdefault(key, {})
        asked = (*map(_hashable, more), _hashable(named))
        if asked not in kept:
            kept[asked] = function(key, *more, **named)
        return kept[asked]

    return remembered


def _hashable(argument: Any) -> Hashable:
    if isinstance(argument, Mapping):
        return tuple(sorted((name, _hashable(value)) for name, value in argument.items()))
    return cast(Hashable, argument)
