"""The points of a sweep: any one by its number, in time that grows with the fields and not with the points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def at(self, unit: float) -> Value:
        """Return the value at a place in [0, 1): each has an equal share."""
        return self.values[min(int(unit * self.size), self.size - 1)]


@dataclass(frozen=True, slots=True)
class Continuous:
    """A dimension of numbers between two bounds, both included, rounded to what the field takes."""

    path: str
    low: float
    high: float
    is_log: bool
    places: int | None
    """Decimals of the field; None for any number."""

    def at(self, unit: float) -> Value:
        """Return the value at a place in [0, 1): even in the numbers, or in their logarithms."""
        if self.is_log:
            return self.rounded(math.exp(math.log(self.low) + unit * math.log(self.high / self.low)))
        return self.rounded(self.low + unit * (self.high - self.low))

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

    def grid_point(self, number: int) -> Point:
        """Return point ``number`` of the grid; the last dimension changes with every number."""
        assert self.size is not None, "a grid has no continuous dimension"
        assert 0 <= number < self.size, "a number beyond the grid has no point"
        point: Point = {}
        for dimension in reversed(self.dimensions):
            assert isinstance(dimension, Listed), "as above"
            number, index = divmod(number, dimension.size)
            point[dimension.path] = dimension.values[index]
        return dict(reversed(point.items()))

    def unit_point(self, units: Sequence[float]) -> Point:
        """Return the point at a place in the unit cube, one coordinate in [0, 1) for each dimension."""
        return {dimension.path: dimension.at(unit) for dimension, unit in zip(self.dimensions, units, strict=True)}

    def allows(self, point: Point) -> bool:
        """Return whether a point keeps to all constraints.

        One that does not keeps its number and its place in the budget; it is skipped and counted as skipped.
        """
        return all(constraint.holds(point) for constraint in self.constraints)
