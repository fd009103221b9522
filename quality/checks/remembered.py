"""What several checks ask, or one again and again under other limits, is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

_Key = TypeVar("_Key")
_More = ParamSpec("_More")
_Found = TypeVar("_Found")


def once(
    function: Callable[Concatenate[_Key, _More], _Found],
) -> Callable[Concatenate[_Key, _More], _Found]:
    """Remember what ``function`` gave for as long as its first argument lives.

    Of the others there are few, and they compare by ``==``. What it gives is shared by all who ask:
    they must not change it.
    """
    known: WeakKeyDictionary[_Key, list[tuple[object, _Found]]] = WeakKeyDictionary()

    @wraps(function)
    def remembered(key: _Key, /, *more: _More.args, **named: _More.kwargs) -> _Found:
        kept = known.setdefault(key, [])
        asked = (more, named)
        for given, found in kept:
            if given == asked:
                return found
        found = function(key, *more, **named)
        kept.append((asked, found))
        return found

    return remembered
