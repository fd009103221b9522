"""What moves tells how likely a lost frame is, whether it starts, stops or turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.measures.losses import REACH, Floats, odds_of_loss

BLOCKS, COUNT, AT = 12, 60, 30


def blocks(places: Floats, *, noise: float = 0.02, moving: int = BLOCKS) -> tuple[Floats, Floats]:
    """Blocks that move from place to place, (2, n, BLOCKS), of which some rest; and their slopes.

    Where things are seen is off by ``noise`` pixels in each picture.
    """
    rng = np.random.default_rng(2)
    ways = rng.normal(0, 1, (2, 1, BLOCKS)) * (np.arange(BLOCKS) < moving)
    seen = ways * places[None, :, None] + rng.normal(0, noise, (2, len(places), BLOCKS))
    slopes = np.stack([np.full((len(places) - 1, BLOCKS), size) for size in (400.0, 50.0, 300.0)])
    return np.diff(seen, axis=1).astype(np.float32), slopes.astype(np.float32)


def motion(kind: str) -> Floats:
    """Where a thing is in each of COUNT + 1 pictures, about the middle of which it does that."""
    at = np.arange(COUNT + 1) - AT
    return {
        "goes on": 0.5 * at,
        "starts": 0.05 * np.maximum(at + 2, 0) ** 2,
        "stops": -0.05 * np.minimum(at - 2, 0) ** 2,
        "turns": 4 * np.cos(at / 6),
        "sways": 6 * np.sin(at / 5),
    }[kind]


@pytest.mark.parametrize("kind", ["goes on", "starts", "stops", "turns", "sways"])
def test_a_lost_frame_is_likelier_than_none_however_it_moves(kind: str) -> None:
    whole = odds_of_loss(*blocks(motion(kind)))
    assert np.nanmax(whole.odds) < 0.3
    lost = odds_of_loss(*blocks(np.delete(motion(kind), AT + 1)))
    assert int(np.nanargmax(lost.odds)) == AT
    assert lost.odds[AT] > 0.5


def test_nothing_is_told_at_the_ends_nor_of_too_few_steps() -> None:
    told = odds_of_loss(*blocks(motion("goes on")))
    assert np.isnan(told.odds[:REACH]).all()
    assert np.isnan(told.odds[-REACH:]).all()
    assert np.isfinite(told.odds[REACH:-REACH]).all()
    few = odds_of_loss(*blocks(motion("goes on")[: 2 * REACH + 1]))
    assert np.isnan(few.odds).all()
    assert len(few.odds) == 2 * REACH


def test_only_what_moves_counts() -> None:
    at_rest = odds_of_loss(*blocks(np.zeros(COUNT + 1), noise=0.0))
    assert not np.nansum(np.abs(at_rest.odds))
    assert not np.nansum(at_rest.blocks)
    some = odds_of_loss(*blocks(motion("goes on"), moving=4))
    assert some.blocks[AT] == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_by_fits_and_starts_tells_neither(seed: int) -> None:
    """A loss would not be clearly less likely than none there."""
    rng = np.random.default_rng(seed)
    jerky = odds_of_loss(*blocks(np.cumsum(rng.exponential(1, COUNT + 1))))
    smooth = odds_of_loss(*blocks(motion("sways")))
    each = [np.nanmedian(told.odds / told.blocks) for told in (jerky, smooth)]
    assert each[1] < -0.25 < each[0]


@given(st.floats(0.3, 3.0), st.integers(8, COUNT - 8))
@settings(max_examples=25, deadline=None)
def test_it_goes_with_the_motion(pace: float, lost: int) -> None:
    places = pace * motion("goes on")
    told = odds_of_loss(*blocks(np.delete(places, lost + 1)))
    assert int(np.nanargmax(told.odds)) == lost
    backward, slopes = blocks(np.delete(places, lost + 1))
    turned = odds_of_loss(-backward[:, ::-1].copy(), slopes)
    np.testing.assert_allclose(turned.odds[::-1], told.odds, rtol=1e-3, atol=1e-3)
