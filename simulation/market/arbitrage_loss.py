"""What the providers of a pool's liquidity lose to arbitrage, measured and in theory: loss versus rebalancing, LVR.

A pool keeps its price until somebody trades. When the reference has moved beyond the fee, an arbitrageur buys what has
become too cheap, up to the edge of the fee band. What that earns him at the reference price, after the pool's fee and
before gas, the providers lose. Only the reference's own moves count: what strangers' swaps leave to be arbitraged, they
have paid to the providers before.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation.market.statistics import MEAN_OVERSHOOT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def arbitrage_gain(pool: Array, reference: Array, band: float) -> Array:
    """Return what an arbitrageur earns of a pool, as a share of its value at the reference price.

    ``pool`` and ``reference`` are log prices, ``band`` is ``-ln(1 - fee)``. With liquidity 1 a pool at the price p
    holds ``sqrt(p)`` of the other side and ``1 / sqrt(p)`` tokens; its price goes to the nearer edge of the band around
    the reference, what is paid in goes up by the fee, and a pool inside the band is left alone.
    """
    after = np.clip(pool, reference - band, reference + band)
    root, root_after, price = np.exp(pool / 2.0), np.exp(after / 2.0), np.exp(reference)
    other_out, tokens_out = root - root_after, 1.0 / root - 1.0 / root_after
    paid = math.exp(band)
    earned = _less(other_out, paid) + price * _less(tokens_out, paid)
    gain: Array = earned / (root + price / root)
    return gain


def _less(taken: Array, paid: float) -> Array:
    """Return what is taken; where something is paid in, which counts as negative, more of it."""
    return np.where(taken < 0.0, taken * paid, taken)


def expected_loss(variance: Array, band: float) -> Array:
    """Return the share of its value that a pool loses in a block in which the reference's return has ``variance``.

    ``s**2 / (2 + 2 * band / (s * MEAN_OVERSHOOT)) / 4`` with s the deviation: Nezlobin and Tassy's
    ``s**2 / (2 + 1.7164 * 2f / s)``, arXiv 2505.05113 (2025), is of a pool's value divided by four. Without a fee it is
    ``s**2 / 8``, the LVR of Milionis, Moallemi, Roughgarden and Zhang (2022).
    """
    return variance / (2.0 + 2.0 * band / (np.sqrt(variance) * MEAN_OVERSHOOT)) / 4.0


def block_losses(pool: Array, reference: Array, variance: Array, band: float) -> Array:
    """Return (what a pool lost to arbitrage, what it was expected to lose) of each block but the first, ``(n, 2)``.

    ``pool`` and ``reference`` are log prices at the end of each block; ``variance`` is that of the reference's log
    return in it, NaN in a block that is to be left out, because its move is not that of a diffusion.
    """
    lost = arbitrage_gain(pool[:-1], reference[1:], band)
    losses = np.stack([lost, expected_loss(variance[1:], band)], axis=1)
    return losses[np.isfinite(variance[1:])]


def loss_ratio(losses: Array) -> float:
    """Return how much was lost for each unit that was expected."""
    lost, expected = losses.sum(axis=0)
    return float(lost / expected)
