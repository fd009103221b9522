"""Dirt on the lens: a part of the view that shows nothing sharp while all around it moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from dailies.words import Flag
from quality.checks.check import Check, Finder, Limits
from quality.checks.stretches import Floats, Mask
from quality.measures.measurements import Measurements
from quality.measures.pictures import Pictures


def dirty_lens(measurements: Measurements, limits: Limits) -> Iterator[Flag]:
    """Flags a camera a part of whose view (%) stays soft for the whole recording while the view
    moves. Says nothing of a camera that rests, and of parts that reach the picture's edge: a
    gripper or a sky is always there.
    """
    for camera in measurements.cameras:
        if not _is_told(camera, limits):
            continue
        soft = _soft(camera, limits)
        measured = round(float(soft.mean()) * 100, 3)
        grade = limits.grade(measured)
        if grade and soft.any():
            down, across = (round(float(at.mean() + 0.5) / size * 100) for at, size in _at(soft))
            what = (
                f"{measured:.1f} % of the picture stays soft while the view moves "
                f"({across} % from the left, {down} % from the top)"
            )
            limit = limits.limit(grade)
            yield _FINDER.flag(grade, camera.name, camera.span, measured, limit, what)


def _is_told(camera: Pictures, limits: Limits) -> bool:
    """Whether the view moved for so long, and so far, that every part of it saw something."""
    return (
        camera.view_columns > 0
        and camera.view_moved >= limits["pictures"]
        and camera.view_moved >= limits["moving"] * camera.view_seen
        and camera.view_rest <= limits["rest"]
    )


def _soft(camera: Pictures, limits: Limits) -> Mask:
    """The cells that stay soft, (rows, columns): islands of them, whole."""
    change, stays = (
        cells.reshape(-1, camera.view_columns) for cells in (camera.view_change, camera.view_stays)
    )
    usual = float(np.median(change))
    found = np.zeros(change.shape, np.bool_)
    if (change < limits["around"] * usual).mean() >= limits["bland"]:
        return found  # so much sky or wall that an island of it tells nothing
    low = (change < limits["share"] * usual).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(low, connectivity=4)
    for label in range(1, count):
        island = labels == label
        left, top, width, height, area = (int(number) for number in boxes[label])
        inside = left > 0 and top > 0
        inside &= left + width < change.shape[1] and top + height < change.shape[0]
        # what is printed over the picture stays as well, but sharp
        is_soft = float(stays[island].mean()) < limits["sharp"] * usual
        if not inside or area < limits["cells"] or not is_soft:
            continue
        around = _around(island, change)
        stands_out = float(change[island].mean()) <= limits["ratio"] * around
        if stands_out and around >= limits["around"] * usual:
            found |= island
    return found


def _around(island: Mask, change: Floats) -> float:
    """The change of the quietest quarter of the cells two and three away from an island: of a sky
    some side is as quiet as its middle."""
    near, far = (
        cv2.dilate(island.astype(np.uint8), np.ones((size, size), np.uint8)) > 0 for size in (3, 7)
    )
    ring = far & ~near
    return float(np.quantile(change[ring], 0.25)) if ring.any() else 0.0


def _at(mask: Mask) -> Iterator[tuple[Any, int]]:
    return zip(np.nonzero(mask), mask.shape, strict=True)


DIRTY_LENS = Check(
    name="dirty_lens",
    says="A part of the view stays soft while all around it moves: dirt or a drop on the lens.",
    unit="%",
    remedy="Clean the lens and retake.",
    needs=("cameras.view_change", "cameras.view_stays"),
    function=dirty_lens,
    settings=("share", "sharp", "around", "ratio", "bland", "cells", "pictures", "moving", "rest"),
)
_FINDER = Finder.of(DIRTY_LENS)
