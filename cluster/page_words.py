"""Numbers and times as a reader of a report wants them: signs, separators, units, UTC."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from decimal import Decimal

MINUS = "\u2212"
"""As wide as a plus sign, so that columns of signed numbers align."""

THIN_SPACE = "\u202f"
"""Keeps a unit on the line of its number."""

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS

_SPANS = (("a day", "days", DAY_SECONDS), ("an hour", "hours", HOUR_SECONDS), ("a minute", "minutes", 60))


def percent(value: Decimal | float, places: int = 2) -> str:
    """Return a percentage without a plus sign: 1.25 %."""
    return f"{value:,.{places}f}{THIN_SPACE}%".replace("-", MINUS)


def signed_percent(value: Decimal | float) -> str:
    """Return a percentage with its sign; what rounds to zero has none."""
    return _signed(f"{value:+,.2f}") + f"{THIN_SPACE}%"


def ratio(value: float) -> str:
    """Return a plain number with two decimals."""
    return f"{value:,.2f}".replace("-", MINUS)


def usd(value: Decimal | float, places: int = 2) -> str:
    """Return an amount of USD without its unit."""
    return f"{value:z,.{places}f}".replace("-", MINUS)


def signed_usd(value: Decimal) -> str:
    """Return an amount of USD with its sign and unit."""
    return _signed(f"{value:+,.2f}") + f"{THIN_SPACE}USD"


def significant(value: float) -> str:
    """Return a number with three significant digits, whatever its size: 4.76, 0.0123, 12,300."""
    if not value:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}".replace("-", MINUS)
    return text.rstrip("0").rstrip(".") if places else text


def short(value: float) -> str:
    """Return a large number with three significant digits and k, M or G: 1.5 M."""
    rounded = float(f"{value:.3g}")
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= size:
            return f"{significant(rounded / size)}{THIN_SPACE}{unit}"
    return significant(rounded)


def span(time: timedelta) -> str:
    """Return a length of time with its article or number: an hour, 6 hours, 2.5 days."""
    seconds = time.total_seconds()
    for one, many, unit_seconds in _SPANS:
        if seconds >= unit_seconds:
            return one if seconds == unit_seconds else f"{significant(seconds / unit_seconds)} {many}"
    return f"{significant(seconds)} seconds"


def plain(value: Decimal) -> str:
    """Return a stored number without the zeros that its column appends."""
    return f"{value.normalize():f}"


def clock(at: datetime) -> str:
    """Return a simulated time of day with its date: 2 Jan 14:30."""
    return f"{at.day} {at:%b %H:%M}"


def day(at: datetime) -> str:
    """Return a date: 2 January 2026."""
    return f"{at.day} {at:%B %Y}"


def length(span: timedelta) -> str:
    """Return how long a run was: in days, hours or minutes, whichever says it best."""
    seconds = span.total_seconds()
    for unit, unit_seconds in (("day", DAY_SECONDS), ("hour", HOUR_SECONDS)):
        if seconds >= unit_seconds:
            number = f"{seconds / unit_seconds:,.1f}".removesuffix(".0")
            return f"{number} simulated {unit}{'' if number == '1' else 's'}"
    return f"{seconds / 60:,.0f} simulated minutes"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: 1 account, 2 accounts."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _signed(number: str) -> str:
    if not any(digit in number for digit in "123456789"):
        return number[1:]
    return number.replace("-", MINUS)
