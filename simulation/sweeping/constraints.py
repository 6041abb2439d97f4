"""What must hold between two varied fields, such as ``strategy.stop_loss_percent <= strategy.take_profit_percent``."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from simulation.sweeping.columns import Column
    from simulation.sweeping.fields import Value

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_WRITTEN = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=|<|>)\s*([A-Za-z_][\w.]*)\s*")


@dataclass(frozen=True, slots=True)
class Constraint:
    """A comparison of two fields by their paths."""

    left: str
    comparison: str
    right: str

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Return whether a point keeps to it."""
        return _COMPARISONS[self.comparison](point[self.left], point[self.right])

    def holding(self, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
        """Return which of many points keep to it, (n_points,), from their columns by path."""
        left, right = columns[self.left].each(), columns[self.right].each()
        return np.fromiter(map(_COMPARISONS[self.comparison], left, right), np.bool_, len(left))


def parsed(text: str) -> Constraint:
    """Return the constraint that a text writes; a ValueError says how it should be written."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no comparison of two fields; write FIELD <= FIELD, or with <, >= or >")
    return Constraint(*written.groups())
