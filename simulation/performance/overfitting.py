"""The probability of backtest overfitting, by combinatorially symmetric cross-validation.

Bailey, Borwein, López de Prado and Zhu, The Probability of Backtest Overfitting, J. Computational Finance 20(4), 2017.
Time is cut into S blocks; for each half of the blocks the best trial there is looked up in the other half. Of each
trial only the sums of its returns in each block are kept, so that 10^5 trials fit into memory whatever their length,
and a split costs O(N).

Conventions: the Sharpe ratio is mean over deviation (ddof 1), 0.0 where nothing moves; the relative rank is rank/(N+1)
as in the paper (the R package pbo has rank/N). Trials that are equal in the test half share the mean of their ranks;
where several are best in the training half, the mean of their ranks and Sharpe ratios counts. So the order of trials
changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NOISE = 1e-13
"""A variance of this share of the mean square is what rounding leaves of returns that never differ."""


@dataclass(frozen=True, slots=True)
class BlockSums:
    """What the Sharpe ratio of any set of blocks is made of, for N trials and S blocks of ``rows`` returns each."""

    rows: int
    center: Array
    """(N,): taken off each trial's returns before they were summed: their mean, so that small variances keep their
    digits. Zeros for sums of the returns themselves."""
    first: Array
    """(S, N): sums of centred returns."""
    second: Array
    """(S, N): sums of their squares."""


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What became, out of sample, of the trials that were best in sample; arrays have one entry a split."""

    probability: float
    """PBO: the share of splits in which the best in sample was at the median or below out of sample."""
    logits: Array
    """``ln(w / (1 - w))`` of the relative rank w out of sample."""
    in_sample: Array
    """Sharpe ratio, per period, of the best in sample."""
    out_of_sample: Array
    """That of the same trial in the other half."""

    @property
    def loss_probability(self) -> float:
        """The share of splits in which the best in sample lost money out of sample."""
        return float((self.out_of_sample < 0.0).mean())

    @property
    def slope(self) -> float:
        """By how much the Sharpe ratio out of sample changes with that in sample, by least squares.

        0.0 where all are the same in sample.
        """
        centered = self.in_sample - self.in_sample.mean()
        spread = float(centered @ centered)
        return float(centered @ self.out_of_sample) / spread if spread > 0.0 else 0.0


def block_sums(returns: Array, n_blocks: int) -> BlockSums:
    """Return the sums of ``returns``, shape (T, N), in ``n_blocks`` equal blocks of consecutive rows.

    ``n_blocks`` is even and at least 2. Where it does not divide T, the oldest rows are left out.
    """
    if n_blocks < 2 or n_blocks % 2:
        raise ValueError(f"n_blocks {n_blocks} is not an even number from 2 on")
    rows = len(returns) // n_blocks
    if rows < 2:
        raise ValueError(f"{len(returns)} returns are too few for {n_blocks} blocks of 2 or more")
    # Each trial's returns side by side: numpy adds in another order elsewhere, and equal trials must have equal sums.
    kept = np.ascontiguousarray(returns[len(returns) - rows * n_blocks :].T)
    center = kept.mean(axis=1)
    blocks = (kept - center[:, None]).reshape(-1, n_blocks, rows)
    first, second = blocks.sum(axis=2), (blocks**2).sum(axis=2)
    return BlockSums(rows, center, np.ascontiguousarray(first.T), np.ascontiguousarray(second.T))


def joined(parts: Sequence[BlockSums]) -> BlockSums:
    """Return the sums of the trials of all ``parts``, in their order; their blocks have the same number and length."""
    (rows,) = {part.rows for part in parts}
    return BlockSums(
        rows,
        np.concatenate([part.center for part in parts]),
        np.concatenate([part.first for part in parts], axis=1),
        np.concatenate([part.second for part in parts], axis=1),
    )


def overfitting(sums: BlockSums) -> Overfitting:
    """Return how the best of each half of the blocks does in the other half, over all C(S, S/2) splits.

    Needs two trials or more: one alone was not selected. O(S N) time a split and O(S N) memory.
    """
    if len(sums.center) < 2:
        raise ValueError("one trial is no selection; the probability of overfitting needs two or more")
    found = np.array([selected(train, test) for train, test in _halves(sums)])
    ranks, in_sample, out_of_sample = found.T
    relative = ranks / (len(sums.center) + 1)
    logits = np.log(relative / (1.0 - relative))
    return Overfitting(float((logits <= 0.0).mean()), logits, in_sample, out_of_sample)


def selected(train: Array, test: Array) -> tuple[float, float, float]:
    """Return (rank in test, figure in train, figure in test) of the best in train; ranks begin with 1 for the worst."""
    best = train.max()
    winners = np.flatnonzero(train == best)
    ranks = [np.count_nonzero(test < test[w]) + (np.count_nonzero(test == test[w]) + 1) / 2 for w in winners]
    return math.fsum(ranks) / len(winners), float(best), math.fsum(test[winners]) / len(winners)


def _halves(sums: BlockSums) -> Iterator[tuple[Array, Array]]:
    """Yield the Sharpe ratios (N,) of each half of the blocks and of its complement, each pair in both roles."""
    n_blocks = len(sums.first)
    for others in combinations(range(1, n_blocks), n_blocks // 2):
        one = [block for block in range(n_blocks) if block not in others]
        here, there = sharpes(sums, one), sharpes(sums, list(others))
        yield here, there
        yield there, here


def sharpes(sums: BlockSums, blocks: list[int]) -> Array:
    """Return the Sharpe ratio per period, (N,), of each trial over ``blocks`` taken together.

    Blocks are added one after another: equal trials have equal sums, wherever they stand.
    """
    n_rows = sums.rows * len(blocks)
    mean = sums.first[blocks].sum(axis=0) / n_rows
    square = sums.second[blocks].sum(axis=0) / n_rows
    variance = square - mean**2
    moves = variance > _NOISE * (square + sums.center**2)
    ratio: Array = np.zeros_like(mean)
    deviation = np.sqrt(variance * (n_rows / (n_rows - 1)), where=moves, out=np.ones_like(mean))
    np.divide(sums.center + mean, deviation, where=moves, out=ratio)
    return ratio
