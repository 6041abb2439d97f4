"""The fields of an account by their path, and what each accepts: its own type, bounds and decimals."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy, TradingConfig

Value = int | float | str | bool
"""What a sweep file may give a field."""

MOST_PLACES = 8
"""A field that takes so many decimals takes any number."""

ROOTS: dict[str, type[BaseModel]] = {"strategy": Strategy, "trading": TradingConfig}
"""The parts of an account whose fields may vary."""

BALANCE = "initial_balance_usd"

ANALYST = "strategy.analyst"

PARAMETER = "strategy.custom_parameters."
"""How the path of a field begins that is a parameter of the analyst."""


def is_heard(path: str) -> bool:
    """Tell whether a field says which analyst is listened to, or what that is told."""
    return path == ANALYST or path.startswith(PARAMETER)


@dataclass(frozen=True, slots=True)
class AccountField:
    """One field of an account, such as ``strategy.stop_loss_percent``."""

    path: str
    adapter: TypeAdapter[Any]
    is_truth: bool
    """Whether it is true or false, which no other field may be given."""

    def taken(self, value: Value) -> Any:
        """Return what the field makes of a value: 2 of '2.0'; a ValueError says why it does not take it."""
        if isinstance(value, bool) and not self.is_truth:
            raise ValueError("is no number or text")
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise ValueError(message[0].lower() + message[1:]) from error

    def takes(self, value: Value) -> bool:
        """Tell whether the field takes a value."""
        try:
            self.taken(value)
        except ValueError:
            return False
        return True

    def places(self, low: float, high: float) -> int | None:
        """Return how many decimals the field takes between two values that it takes; None for any number.

        Found by asking it, so that no second list of units stands beside the fields.
        """
        if self.takes(_between(low, high, MOST_PLACES)):
            return None
        return max((places for places in range(1, MOST_PLACES) if self.takes(_between(low, high, places))), default=0)


def _between(low: float, high: float, places: int) -> float:
    """Return a value of exactly so many decimals just above ``low``, or below ``high`` where that is too far."""
    step = 10.0**-places
    return round(low + step if low + step <= high else high - step, places)


@lru_cache  # what asks pydantic is made in a millisecond, and asked in a microsecond
def field_at(path: str) -> AccountField:
    """Return the field at a dotted path within an account; a ValueError says what is wrong with any other."""
    root, _, rest = path.partition(".")
    if path == BALANCE:
        return _field(path, AccountSpec)
    if root not in ROOTS or not rest:
        raise ValueError(f"is no field that can vary; name one of strategy, one of trading or {BALANCE}")
    name, _, key = rest.partition(".")
    if name not in ROOTS[root].model_fields:
        close = get_close_matches(name, ROOTS[root].model_fields, 1)
        raise ValueError("is not a known field" + (f"; did you mean {root}.{close[0]}?" if close else ""))
    annotation = ROOTS[root].model_fields[name].annotation
    if get_origin(annotation) is dict and key:
        return AccountField(path, TypeAdapter(get_args(annotation)[1]), is_truth=True)
    if key or get_origin(annotation) in (dict, tuple):
        raise ValueError("is no single value; only such fields and those of custom_parameters can vary")
    return _field(path, ROOTS[root])


def _field(path: str, model: type[BaseModel]) -> AccountField:
    info = model.model_fields[path.rpartition(".")[2]]
    checked: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return AccountField(path, TypeAdapter(checked), is_truth=info.annotation is bool)
