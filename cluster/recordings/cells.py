"""Parsers of single cells; each raises ValueError or ArithmeticError for text that it does not accept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cluster.recordings.ticks import MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE

MIN_PRICE_USD, MAX_PRICE_USD = 1e-9, 1e9
MAX_LIQUIDITY = 1 << 128
"""Of Uniswap V3, exclusive."""

MAX_BASE_FEE_WEI = 10**15
"""A million gwei; the highest base fee of mainnet, in June 2022, was 0.8 % of it."""

MAX_UNIX_MS = 1e14
"""In the year 5138."""

_UNIX_SCALES = ((1e11, 1e3), (1e14, 1.0), (1e17, 1e-3))
"""Unix times below these are in seconds, milliseconds and microseconds: the factor that makes them milliseconds."""

_DATE = re.compile(r"(19|2\d)\d{6}")
"""A day in the basic form of ISO 8601, which looks like a number."""

_YEAR = re.compile(r"(19|2\d)\d\d(\.0*)?")

_MAX_DIGITS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIME = "a time: ISO 8601, such as 2024-01-05 00:00:00, or Unix seconds, milliseconds or microseconds"
PRICE = f"a price in USD between {MIN_PRICE_USD:g} and {MAX_PRICE_USD:g}"
TICK = f"a tick, a whole number within {MAX_TICK:,} of zero"
LIQUIDITY = "a liquidity, a whole number above zero and below 2**128"
CHANGE = "a change of liquidity, a whole number from zero to below 2**128"
SQRT_PRICE = "a sqrtPriceX96, a whole number within the bounds of Uniswap V3"
ORDINAL = "a whole number from zero to below 2**63"
BASE_FEE = f"a base fee between 0 and {MAX_BASE_FEE_WEI:.0e} wei"


def parse_time(cell: str) -> int:
    """Return Unix milliseconds."""
    unix = None if _DATE.fullmatch(cell) else _number(cell)
    if unix is None:
        moment = datetime.fromisoformat(cell)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        milliseconds = (moment - _EPOCH) / timedelta(milliseconds=1)
    else:
        milliseconds = unix * next((scale for end, scale in _UNIX_SCALES if unix < end), 1.0)
    if not 0 <= milliseconds < MAX_UNIX_MS:
        raise ValueError(cell)
    return round(milliseconds)


def is_year(cell: str) -> bool:
    """Tell whether a cell holds a year alone; as a Unix time it would be of the first hour of 1970."""
    return _YEAR.fullmatch(cell) is not None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def parse_tick(cell: str) -> int:
    """Return a tick, which some recordings write as 199045.0."""
    return _within(whole(cell), -MAX_TICK, MAX_TICK)


def parse_liquidity(cell: str) -> int:
    """Return a liquidity above zero."""
    return _within(whole(cell), 1, MAX_LIQUIDITY - 1)


def parse_change(cell: str) -> int:
    """Return by how much a position grows or shrinks."""
    return _within(whole(cell), 0, MAX_LIQUIDITY - 1)


def parse_sqrt_price(cell: str) -> int:
    """Return a square root price, as a multiple of 2**-96."""
    return _within(whole(cell), MIN_SQRT_PRICE, MAX_SQRT_PRICE - 1)


def parse_ordinal(cell: str) -> int:
    """Return the number of a block or a log."""
    return _within(whole(cell), 0, (1 << 63) - 1)


def parse_price(cell: str) -> float:
    """Return a price in USD."""
    price = float(cell)
    if not MIN_PRICE_USD <= price <= MAX_PRICE_USD:
        raise ValueError(cell)
    return price


def parse_wei(cell: str) -> int:
    """Return a base fee that is given in wei."""
    return _within(whole(cell), 0, MAX_BASE_FEE_WEI)


def parse_gwei(cell: str) -> int:
    """Return the wei of a base fee that is given in gwei."""
    return _within(int(_bounded(cell) * 10**9), 0, MAX_BASE_FEE_WEI)


def whole(cell: str) -> int:
    """Return an integer, exactly, also of 1.5e18; of 1.5 none."""
    try:
        return int(cell)
    except ValueError:
        number = _bounded(cell)
        if number != int(number):
            raise
        return int(number)


def iso(unix_ms: int) -> str:
    """Return a time as it stands in messages."""
    return (_EPOCH + timedelta(milliseconds=int(unix_ms))).strftime("%Y-%m-%d %H:%M:%S")


def _bounded(cell: str) -> Decimal:
    """Return a decimal number that an integer may be made of: 1e999999999 would take all memory."""
    number = Decimal(cell)
    if not number.is_finite() or number.adjusted() > _MAX_DIGITS or len(cell) > 200:
        raise ValueError(cell)
    return number


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError(value)
    return value
