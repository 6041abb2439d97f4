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

ROUNDING = 1e-9
"""By so much a quotient of decimal fractions may miss the whole number that it is."""


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
        if self.step is not None and self.step > (high - low) * (1 + ROUNDING):
            raise ValueError(
                f"step {self.step:g} of {self.way} is more than there is from {low:g} to {high:g}; "
                f"give {high - low:g} at most"
            )
        if self.step is not None and (high - low) / self.step >= VALUES_MAX:
            raise ValueError(f"step {self.step} makes more than {VALUES_MAX:,} values")

    def dimension(self, path: str) -> Dimension:
        """Return the dimension of a field; a ValueError says what of it the field does not take."""
        field = field_at(path)
        if self.way in ("grid", "choice"):
            return self._listed(field, getattr(self, self.way))
        low, high = getattr(self, self.way)
        for bound in (low, high):
            _taken(field, bound, self.way)
        if self.way == "integer":
            return Listed(path, range(low, high + 1, int(self.step or 1)), ordered=True)
        if self.step is not None:
            n_steps = int((high - low) / self.step + ROUNDING)
            places = field.places(low, high)
            _check_step(self.step, places)
            steps = [low + self.step * number for number in range(n_steps + 1)]
            return self._listed(field, tuple(steps if places is None else (round(step, places) for step in steps)))
        return Continuous(path, low, high, self.way == "log_uniform", field.places(low, high))

    def _listed(self, field: AccountField, values: tuple[Value, ...]) -> Listed:
        seen: dict[Any, Value] = {}
        for value in values:
            made = _taken(field, value, self.way)
            if made in seen and seen[made] == value:
                raise ValueError(f"{self.way} lists {value!r} twice")
            if made in seen:
                raise ValueError(f"{self.way} lists {seen[made]!r} and {value!r}, which are the same; leave one out")
            seen[made] = value
        return Listed(field.path, values, ordered=self.way != "choice")


_WAYS = ("grid", "choice", "integer", "uniform", "log_uniform")
_RANGES = ("integer", "uniform", "log_uniform")


def _taken(field: AccountField, value: Value, way: str) -> Any:
    """Return what the field makes of a value; a ValueError says which value it does not take, and why."""
    try:
        return field.taken(value)
    except ValueError as error:
        raise ValueError(f"{way} {value!r} {error}") from error


def _check_step(step: float, places: int | None) -> None:
    """Refuse a step that rounding to the decimals of the field makes none."""
    if places is None or step >= (least := float(f"1e-{places}")):
        return
    resolution = "whole numbers only" if places == 0 else f"steps of {least:g}"
    raise ValueError(
        f"step {step:g} of uniform is too fine for the field, which takes {resolution}; give {least:g} or more"
    )
