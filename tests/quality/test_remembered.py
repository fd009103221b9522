"""What is worked out once, and when it is worked out anew."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping

from quality.checks.remembered import once


class Clip:
    """Something that things are worked out of."""


def test_it_is_worked_out_once_for_the_same_settings_and_anew_for_others() -> None:
    asked: list[Mapping[str, float]] = []

    @once
    def found(_: Clip, /, settings: Mapping[str, float]) -> int:
        asked.append(settings)
        return len(asked)

    clip, other = Clip(), Clip()
    assert [found(clip, {"share": 1.0}), found(clip, {"share": 1.0})] == [1, 1]
    assert [found(clip, {"share": 2.0}), found(other, {"share": 1.0})] == [2, 3]
    assert [found(clip, {"share": 1.0}), found(clip, settings={"share": 1.0})] == [1, 4]


def test_nothing_found_is_remembered_too() -> None:
    asked = []

    @once
    def found(clip: Clip) -> None:
        asked.append(clip)

    clip = Clip()
    assert found(clip) is found(clip) is None
    assert len(asked) == 1


def test_what_it_was_of_is_not_kept_alive() -> None:
    @once
    def found(_: Clip) -> list[int]:
        return [1]

    clip = Clip()
    found(clip)
    alive = weakref.ref(clip)
    del clip
    gc.collect()
    assert alive() is None
