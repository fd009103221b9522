"""A picture's numbers do not hang on how many pixels are left over where it is halved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from quality.measures.planes import FULL_RANGE, Numbers, numbers, shrink


def polygons(width: int, height: int) -> np.ndarray:
    """Sharp edges in all directions, drawn larger and shrunk as a lens would."""
    rng = np.random.default_rng(4)
    large = np.full((4 * 480, 4 * 960), 90, np.uint8)
    for _ in range(500):
        at = rng.integers(0, (4 * 960, 4 * 480))
        corners = at + rng.integers(-200, 200, (4, 2))
        cv2.fillConvexPoly(large, corners.astype(np.int32), int(rng.integers(20, 235)))
    # a fixed scale, so that sizes differ in what they show at the edges alone
    part = large[: 4 * height, : 4 * width]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA))


def measured(width: int, height: int) -> Numbers:
    luma = polygons(width, height)
    return numbers(shrink(luma), None, FULL_RANGE, width)


@pytest.mark.parametrize(
    ("odd", "even"),
    [((225, 225), (224, 224)), ((161, 91), (160, 88)), ((397, 301), (400, 304)),
     ((645, 363), (640, 360)), ((854, 480), (848, 480)), ((927, 457), (928, 456))],
)  # fmt: skip
def test_odd_sizes_measure_as_even_ones(odd: tuple[int, int], even: tuple[int, int]) -> None:
    one, other = measured(*odd), measured(*even)
    assert one.edge_px == pytest.approx(other.edge_px, abs=0.12)
    assert one.smear_px == pytest.approx(other.smear_px, abs=0.12)
    assert one.sharpness == pytest.approx(other.sharpness, rel=0.06)
    assert one.luma == pytest.approx(other.luma, abs=3)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 2), (801, 3), (1023, 9)])
def test_the_smallest_pictures_are_measured(size: tuple[int, int]) -> None:
    height, width = size
    luma = np.arange(height * width, dtype=np.uint8).reshape(size)
    assert numbers(shrink(luma), None, FULL_RANGE, width).luma > 0 or height * width == 1
