"""The size of the pictures, which is to stay what it was."""

from __future__ import annotations

from collections.abc import Iterator

from dailies.words import Flag, Span
from quality.checks.check import Check, Finder, Limits
from quality.measures.measurements import Measurements


def picture_size_changed(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a stream whose pictures change their size (changes), from the first change on."""
    for camera in measurements.cameras:
        changes = len(camera.resized_ns)
        grade = limits.grade(changes) if changes else None
        if grade:
            span = Span(camera.resized_ns[0], max(camera.span.end_ns, camera.resized_ns[0]))
            what = f"pictures of {camera.sizes[0]} become {camera.sizes[1]}"
            if changes > 1:
                what += f" and change {changes} times"
            limit = limits.limit(grade)
            yield _FINDER.flag(grade, camera.name, span, changes, limit, what)


PICTURE_SIZE_CHANGED = Check(
    name="picture_size_changed",
    says="The pictures of one stream are not all of one size.",
    unit="changes",
    remedy="Fix the camera's resolution, and retake.",
    needs=("cameras.sizes", "cameras.resized_ns"),
    function=picture_size_changed,
)
_FINDER = Finder.of(PICTURE_SIZE_CHANGED)
