"""Series of any length in a bounded number of bins, filled chunk by chunk: what a chart keeps of a market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BINS_MAX = 600
"""Points of a line, or pairs of points, whatever the number of blocks."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal bins over some blocks; the last may be shorter."""

    blocks: int

    @property
    def bin_blocks(self) -> int:
        """Blocks of a bin."""
        return -(-self.blocks // BINS_MAX)

    @property
    def bins(self) -> int:
        """How many bins there are, ``BINS_MAX`` at most."""
        return -(-self.blocks // self.bin_blocks)

    def pieces(self, first_block: int, n_blocks: int) -> Iterator[tuple[int, slice]]:
        """Yield (bin, rows of the chunk that lie in it) of a chunk of blocks."""
        block, end_block = first_block, first_block + n_blocks
        while block < end_block:
            place = block // self.bin_blocks
            end = min((place + 1) * self.bin_blocks, end_block)
            yield place, slice(block - first_block, end - first_block)
            block = end


@dataclass(frozen=True, slots=True)
class Line:
    """A line of equidistant points; None where there is nothing to draw."""

    first_block: float
    step_blocks: float
    values: tuple[float | None, ...]


class Extremes:
    """The lowest and the highest value of each bin and column, in the order in which they came."""

    def __init__(self, grid: Grid, columns: int) -> None:
        self._grid = grid
        shape = grid.bins, columns
        self._low, self._high = np.full(shape, np.inf), np.full(shape, np.inf)  # the highest with its sign turned
        self._low_at, self._high_at = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def add(self, first_block: int, values: Array) -> None:
        """Take in a chunk, ``(n_blocks, columns)``."""
        for place, rows in self._grid.pieces(first_block, len(values)):
            block = first_block + rows.start
            _lower(self._low[place], self._low_at[place], values[rows], block)
            _lower(self._high[place], self._high_at[place], -values[rows], block)

    def line(self, column: int) -> Line:
        """Return two points of each bin; one where a bin is a single block."""
        low, high = self._low[:, column], -self._high[:, column]
        if self._grid.bin_blocks == 1:
            return Line(0.0, 1.0, _rounded(low))
        falls = self._low_at[:, column] > self._high_at[:, column]
        pairs = np.stack([np.where(falls, high, low), np.where(falls, low, high)], axis=1)
        half = self._grid.bin_blocks / 2
        return Line(half / 2, half, _rounded(pairs.ravel()))

    def bounds(self, column: int) -> tuple[float, float]:
        """Return the lowest and the highest value of all."""
        return float(self._low[:, column].min()), float(-self._high[:, column].min())


class Means:
    """The mean of each bin and column, and of everything, over the rows that were taken in."""

    def __init__(self, grid: Grid, columns: int) -> None:
        self._grid = grid
        self.sums = np.zeros((grid.bins, columns))
        self.counts = np.zeros(grid.bins, np.int64)

    def add(self, first_block: int, values: Array) -> None:
        """Take in a chunk, ``(n_blocks, columns)``."""
        for place, rows in self._grid.pieces(first_block, len(values)):
            self.sums[place] += values[rows].sum(axis=0)
            self.counts[place] += rows.stop - rows.start

    def line(self, column: int) -> Line:
        """Return the mean of each bin, in its middle."""
        return self._drawn(self.sums[:, column] / np.maximum(self.counts, 1))

    def rolling_roots(self, column: int, window_bins: int, scale: float) -> Line:
        """Return, of each bin, ``scale`` times the root of the mean over the bins of a window that ends with it.

        None before half of the window has something in it.
        """
        sums, counts = (_windowed(self.sums[:, column], window_bins), _windowed(self.counts, window_bins))
        roots = scale * np.sqrt(sums / np.maximum(counts, 1))
        roots[counts < window_bins * self._grid.bin_blocks / 2] = np.nan
        return self._drawn(roots)

    def _drawn(self, values: Array) -> Line:
        return Line((self._grid.bin_blocks - 1) / 2, float(self._grid.bin_blocks), _rounded(values))


def _lower(best: Array, at: NDArray[np.int64], values: Array, first_block: int) -> None:
    rows = values.argmin(axis=0)
    found = values[rows, np.arange(len(best))]
    better = found < best
    best[better], at[better] = found[better], first_block + rows[better]


def _windowed(values: NDArray[np.generic], window: int) -> Array:
    """Return the sum of each value and those before it, ``window`` in all."""
    sums = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
    ends = np.arange(1, len(sums))
    return np.asarray(sums[ends] - sums[np.maximum(ends - window, 0)])


def _rounded(values: Array) -> tuple[float | None, ...]:
    """Return values with the six digits that a chart can show."""
    return tuple(float(f"{value:.6g}") if np.isfinite(value) else None for value in values)
