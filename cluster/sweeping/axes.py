"""The fields of a sweep as axes of charts: where a value lies, and which bin it falls into."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cluster.page_words import significant
from simulation.sweeping.space import Continuous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.sweeping.fields import Value
    from simulation.sweeping.space import Dimension

VALUES_MAX, BINS = 16, 12
"""A field of so many values has a bin for each; one of more, or of any number, has so many bins of equal width."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One field as an axis."""

    dimension: Dimension

    @property
    def path(self) -> str:
        """The path of the field."""
        return self.dimension.path

    @property
    def n_bins(self) -> int:
        """How many bins it has."""
        if isinstance(self.dimension, Continuous):
            return BINS
        return self.dimension.size if self.dimension.size <= VALUES_MAX else BINS

    @property
    def is_single(self) -> bool:
        """Whether the field has one value only."""
        return not isinstance(self.dimension, Continuous) and self.dimension.size == 1

    def units(self, values: Sequence[Value]) -> NDArray[np.float64]:
        """Return where values lie from the first, 0.0, to the last, 1.0; in logarithms where the field is even so."""
        if isinstance(self.dimension, Continuous):
            low, high = self.dimension.low, self.dimension.high
            given = np.array(values, np.float64)
            if self.dimension.is_log:
                return np.log(given / low) / math.log(high / low)
            return (given - low) / (high - low)
        return self.indices(values) / max(self.dimension.size - 1, 1)

    def indices(self, values: Sequence[Value]) -> NDArray[np.int64]:
        """Return the places of listed values in their list."""
        assert not isinstance(self.dimension, Continuous), "any number has no place in a list"
        listed = self.dimension.values
        if isinstance(listed, range):
            return np.array([listed.index(int(value)) for value in values], np.int64)
        places = {value: place for place, value in enumerate(listed)}
        return np.array([places[value] for value in values], np.int64)

    def bins(self, values: Sequence[Value]) -> NDArray[np.int64]:
        """Return the bin of each value, from 0."""
        if isinstance(self.dimension, Continuous):
            return np.clip((self.units(values) * BINS).astype(np.int64), 0, BINS - 1)
        return self.indices(values) * self.n_bins // self.dimension.size

    def labels(self) -> list[str]:
        """Return what each bin holds: a value, or the first and the last."""
        if isinstance(self.dimension, Continuous):
            edges = [self._number_at(place / BINS) for place in range(BINS + 1)]
            return [f"{edges[place]} to {edges[place + 1]}" for place in range(BINS)]
        listed, size = self.dimension.values, self.dimension.size
        if self.n_bins == size:
            return [str(value) for value in listed]
        starts = [-(-place * size // BINS) for place in range(BINS + 1)]
        return [f"{listed[starts[place]]} to {listed[starts[place + 1] - 1]}" for place in range(BINS)]

    def starts(self) -> list[str]:
        """Return the first value of each bin."""
        if isinstance(self.dimension, Continuous):
            return [self._number_at(place / BINS) for place in range(BINS)]
        listed, size = self.dimension.values, self.dimension.size
        return [str(listed[-(-place * size // self.n_bins)]) for place in range(self.n_bins)]

    def ends(self) -> tuple[str, str]:
        """Return the first and the last value."""
        if isinstance(self.dimension, Continuous):
            return self._number_at(0.0), self._number_at(1.0)
        return str(self.dimension.values[0]), str(self.dimension.values[-1])

    def _number_at(self, unit: float) -> str:
        assert isinstance(self.dimension, Continuous), "a list has no number between two"
        low, high = self.dimension.low, self.dimension.high
        number = low * (high / low) ** unit if self.dimension.is_log else low + unit * (high - low)
        return significant(number)


def axes_of(dimensions: Sequence[Dimension]) -> dict[str, Axis]:
    """Return the axes of the fields that have more than one value, by path."""
    axes = [Axis(dimension) for dimension in dimensions]
    return {axis.path: axis for axis in axes if not axis.is_single}


def medians_by_cell(
    across: NDArray[np.int64], up: NDArray[np.int64], shape: tuple[int, int], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the median of the values in each cell and how many there are: (n_up, n_across) each; nan where none is."""
    n_up, n_across = shape
    cell = up * n_across + across
    order = np.argsort(cell, kind="stable")
    counts = np.bincount(cell, minlength=n_up * n_across)
    medians = np.full(n_up * n_across, np.nan)
    for place, part in enumerate(np.split(values[order], np.cumsum(counts)[:-1])):
        if len(part):
            medians[place] = np.median(part)
    return medians.reshape(shape), counts.reshape(shape)
