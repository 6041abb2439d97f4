"""How one field of a sweep varies: values that are listed, or numbers between two bounds."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from simulation.settings.base import Part
from simulation.sweeping.fields import AccountField, Value, field_at
from simulation.sweeping.space import Continuous, Dimension, Listed

VALUES_MAX = 1_000_000
"""Of one field."""


def _scalar(value: Any) -> Any:
    """Refuse what is no single value in one sentence, not in one for each type that it could be."""
    if not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no number, text, true or false")  # noqa: TRY004 -- the kind pydantic reports
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return value


_JSON_SCALAR = {"anyOf": [{"type": kind} for kind in ("integer", "number", "string", "boolean")]}
Scalar = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema(_JSON_SCALAR)]
Values = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=VALUES_MAX)]
Bounds = tuple[float, float]
Whole = tuple[int, int]


class Vary(Part):
    """How one field varies: exactly one of the five ways."""

    grid: Values | None = None
    """These values, in their order."""
    choice: Values | None = None
    """These values, which have no order."""
    integer: Whole | None = None
    """Whole numbers from the first to the second, in steps of ``step``."""
    uniform: Bounds | None = None
    """Any number from the first to the second, rounded to the decimals of the field; with ``step``, a grid."""
    log_uniform: Bounds | None = None
    """As uniform, but even in the logarithms: as many between 1 and 10 as between 10 and 100."""
    step: float | None = Field(None, gt=0)

    @property
    def way(self) -> str:
        """The one that is given."""
        return next(way for way in _WAYS if getattr(self, way) is not None)

    @model_validator(mode="after")
    def _check(self) -> Vary:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'no way'} given; give exactly one of {', '.join(_WAYS)}")
        if self.step is not None and self.way not in ("integer", "uniform"):
            raise ValueError(f"step goes with integer or uniform, not with {self.way}")
        if self.way == "integer" and self.step is not None and self.step != int(self.step):
            raise ValueError(f"step {self.step} of integer is no whole number")
        if self.way in _RANGES:
            self._check_range(*getattr(self, self.way))
        return self

    def _check_range(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError(f"{self.way} from {low} to {high} has no room; give the lower number first")
        if self.way == "log_uniform" and low <= 0:
            raise ValueError(f"log_uniform begins at {low}, which has no logarithm; begin above 0")
        if self.step is not None and (high - low) / self.step >= VALUES_MAX:
            raise ValueError(f"step {self.step} makes more than {VALUES_MAX:,} values")

    def dimension(self, path: str) -> Dimension:
        """Return the dimension of a field; a ValueError says what of it the field does not take."""
        field = field_at(path)
        if self.way in ("grid", "choice"):
            return self._listed(field, getattr(self, self.way))
        low, high = getattr(self, self.way)
        _check_taken(field, (low, high), self.way)
        if self.way == "integer":
            return Listed(path, range(low, high + 1, int(self.step or 1)), ordered=True)
        if self.step is not None:
            n_steps = int((high - low) / self.step + 1e-9)
            places = field.places(low, high)
            steps = [low + self.step * number for number in range(n_steps + 1)]
            return self._listed(field, tuple(steps if places is None else (round(step, places) for step in steps)))
        return Continuous(path, low, high, self.way == "log_uniform", field.places(low, high))

    def _listed(self, field: AccountField, values: tuple[Value, ...]) -> Listed:
        _check_taken(field, values, self.way)
        seen: set[Value] = set()
        for value in values:
            if value in seen:
                raise ValueError(f"{self.way} lists {value!r} twice")
            seen.add(value)
        return Listed(field.path, values, ordered=self.way != "choice")


_WAYS = ("grid", "choice", "integer", "uniform", "log_uniform")
_RANGES = ("integer", "uniform", "log_uniform")


def _check_taken(field: AccountField, values: tuple[Value, ...], way: str) -> None:
    for value in values:
        if refusal := field.refusal(value):
            raise ValueError(f"{way} {value!r} {refusal}")
