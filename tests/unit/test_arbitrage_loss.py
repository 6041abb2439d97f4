"""What arbitrage takes from a pool: trade by trade, and in theory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.market import arbitrage_loss as loss

BAND = -math.log1p(-0.003)
DEVIATION = 0.05 / math.sqrt(7_200)
"""Of a block of 12 seconds, at 5 % a day."""


def earned(pool: float, reference: float, after: float) -> float:
    """Return what a trade that leaves the pool at the price ``after`` earns, as a share of the pool's value."""
    roots = math.exp(pool / 2), math.exp(after / 2)
    other, tokens = roots[0] - roots[1], 1 / roots[0] - 1 / roots[1]  # out of the pool
    other, tokens = (amount / 0.997 if amount < 0 else amount for amount in (other, tokens))
    return (other + math.exp(reference) * tokens) / (roots[0] + math.exp(reference) / roots[0])


@given(pool=st.floats(-1, 1), move=st.floats(-0.05, 0.05), share=st.floats(-0.5, 1.5))
def test_no_other_trade_earns_more_than_the_arbitrage(pool: float, move: float, share: float) -> None:
    reference = pool + move
    best = float(loss.arbitrage_gain(np.array([pool]), np.array([reference]), BAND)[0])
    assert earned(pool, reference, pool + share * move) <= best + 1e-12


@pytest.mark.parametrize("distance", [-1.0, -0.5, 0.0, 0.99])
def test_a_pool_within_its_fee_loses_nothing(distance: float) -> None:
    assert loss.arbitrage_gain(np.zeros(1), np.array([distance * BAND]), BAND)[0] == 0.0


@pytest.mark.parametrize("side", [-1, 1])
def test_a_pool_loses_an_eighth_of_the_square_of_what_is_beyond_its_fee(side: int) -> None:
    beyond = 0.001
    gain = loss.arbitrage_gain(np.zeros(1), np.array([side * (BAND + beyond)]), BAND)[0]
    assert gain == pytest.approx(beyond**2 / 8, rel=0.01)


@pytest.mark.parametrize(("fee", "share"), [(0.003, 0.1027), (0.0005, 0.407), (1e-12, 1.0)])
def test_a_fee_leaves_the_published_share_of_what_a_pool_without_one_loses(fee: float, share: float) -> None:
    """Nezlobin and Tassy, arXiv 2505.05113 (2025), at 5 % a day and blocks of 12 s; without a fee it is s^2 / 8."""
    expected = loss.expected_loss(np.array([DEVIATION**2]), fee)[0]
    assert expected / (DEVIATION**2 / 8) == pytest.approx(share, abs=0.0005)


@pytest.mark.parametrize("fee", [0.003, 0.0005])
def test_a_pool_beside_a_gaussian_walk_loses_what_the_theory_says(fee: float) -> None:
    n_blocks, band = 200_000, -math.log1p(-fee)
    reference = np.cumsum(DEVIATION * np.random.default_rng(3).standard_normal(n_blocks))
    pool = np.zeros(n_blocks)
    for at in range(1, n_blocks):
        pool[at] = min(max(pool[at - 1], reference[at] - band), reference[at] + band)
    losses = loss.block_losses(pool, reference, np.full(n_blocks, DEVIATION**2), band)
    assert loss.loss_ratio(losses) == pytest.approx(1.0, abs=0.04)


def test_blocks_without_a_variance_are_left_out() -> None:
    variance = np.array([1.0, np.nan, 1e-6, np.nan])
    losses = loss.block_losses(np.zeros(4), np.array([0.0, 0.0, 0.01, 0.5]), variance, BAND)
    assert losses.shape == (1, 2)
    assert losses[0] == pytest.approx([(0.01 - BAND) ** 2 / 8, loss.expected_loss(np.array([1e-6]), BAND)[0]], rel=0.01)
