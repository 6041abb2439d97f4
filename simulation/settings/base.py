"""What all parts of a scenario have in common: their manner, and the types of their fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    """The manner of every part of a scenario: frozen, and no unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_truth_for_numbers(cls, data: Any) -> Any:
        """Refuse true and false, which Python counts as 1 and 0, where a number is meant."""
        for name, value in data.items() if isinstance(data, dict) else ():
            field = cls.model_fields.get(name)
            if isinstance(value, bool) and field is not None and field.annotation is not bool:
                raise ValueError(f"{name} is {str(value).lower()}, which is no number or text")
        return data


def _two_places(value: Decimal) -> Decimal:
    if value != round(value, 2):
        raise ValueError("has more than two decimals")
    return value


def _six_places(value: Decimal) -> Decimal:
    if value != round(value, 6):
        raise ValueError("has more than six decimals")
    return value


Percent = Annotated[Decimal, AfterValidator(_two_places)]
Usd = Annotated[Decimal, AfterValidator(_six_places)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Text of one line without control characters."""

Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9.]{1,20}$")]
