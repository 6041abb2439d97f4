"""The points of a sweep: any of them by their numbers, in time that grows with the fields and not with the points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.sweeping.columns import Column, coded, picked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.sweeping.constraints import Constraint
    from simulation.sweeping.fields import Value

Point = dict[str, "Value"]
"""Values by the path of their field, in the order of the sweep file."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A dimension of values that are listed, or could be."""

    path: str
    values: Sequence[Value]
    ordered: bool
    """Whether values near one another in the list are alike; a choice's are not."""

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.values)

    @property
    def ends(self) -> tuple[Value, Value]:
        """Its first value and its last."""
        return self.values[0], self.values[-1]

    def at(self, units: NDArray[np.float64]) -> Column:
        """Return the values at places in [0, 1), (n_points,): each has an equal share."""
        return self.listed(np.minimum((units * self.size).astype(np.int64), self.size - 1))

    def listed(self, places: NDArray[np.int64]) -> Column:
        """Return the values at places in the list, (n_points,)."""
        return picked(self.path, self.values, places)


@dataclass(frozen=True, slots=True)
class Continuous:
    """A dimension of numbers between two bounds, both included, rounded to what the field takes."""

    path: str
    low: float
    high: float
    is_log: bool
    places: int | None
    """Decimals of the field; None for any number."""

    @property
    def ends(self) -> tuple[Value, Value]:
        """Its bounds, as the field takes them."""
        return self.rounded(self.low), self.rounded(self.high)

    def at(self, units: NDArray[np.float64]) -> Column:
        """Return the values at places in [0, 1), (n_points,): even in the numbers, or in their logarithms.

        Python rounds and exponentiates them one by one: numpy has another last digit now and then.
        """
        if self.is_log:
            exponents = math.log(self.low) + units * math.log(self.high / self.low)
            numbers = [math.exp(exponent) for exponent in exponents.tolist()]
        else:
            numbers = (self.low + units * (self.high - self.low)).tolist()
        return coded(self.path, [self.rounded(number) for number in numbers])

    def rounded(self, number: float) -> Value:
        """Return a number as the field takes it, within the bounds."""
        within = min(max(number, self.low), self.high)
        if self.places is None:
            return within
        return round(within, self.places) if self.places else round(within)


Dimension = Listed | Continuous


@dataclass(frozen=True, slots=True)
class Space:
    """What a sweep searches: its dimensions in the order of the file, and what must hold between them."""

    dimensions: tuple[Dimension, ...]
    constraints: tuple[Constraint, ...] = ()

    @property
    def size(self) -> int | None:
        """The number of points of the grid; None where a dimension is continuous."""
        sizes = [dimension.size for dimension in self.dimensions if isinstance(dimension, Listed)]
        return math.prod(sizes) if len(sizes) == len(self.dimensions) else None

    def grid(self, numbers: NDArray[np.int64]) -> list[Column]:
        """Return these points of the grid; the last dimension changes with every number."""
        assert self.size is not None, "a grid has no continuous dimension"
        columns = []
        for dimension in reversed(self.dimensions):
            assert isinstance(dimension, Listed), "as above"
            numbers, places = np.divmod(numbers, dimension.size)
            columns.append(dimension.listed(places))
        assert not numbers.any(), "a number beyond the grid, or below 0, has no point"
        return columns[::-1]

    def at(self, units: NDArray[np.float64]) -> list[Column]:
        """Return the points at places in the unit cube: coordinates in [0, 1), (n_points, n_dimensions)."""
        return [dimension.at(places) for dimension, places in zip(self.dimensions, units.T, strict=True)]

    def allows(self, point: Point) -> bool:
        """Return whether a point keeps to all constraints.

        One that does not keeps its number and its place in the budget; it is skipped and counted as skipped.
        """
        return all(constraint.holds(point) for constraint in self.constraints)

    def allowed(self, columns: Sequence[Column]) -> NDArray[np.bool_]:
        """Return which of the points of these columns keep to all constraints, (n_points,)."""
        by_path = {column.path: column for column in columns}
        keep = np.ones(len(columns[0].codes), np.bool_)
        for constraint in self.constraints:
            keep &= constraint.holding(by_path)
        return keep
