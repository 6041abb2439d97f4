"""What must hold between two varied fields, such as ``strategy.stop_loss_percent <= strategy.take_profit_percent``."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def parsed(text: str) -> Constraint:
    """Return the constraint that a text writes; a ValueError says how it should be written."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no comparison of two fields; write FIELD <= FIELD, or with <, >= or >")
    return Constraint(*written.groups())
