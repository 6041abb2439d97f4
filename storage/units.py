"""Exact numbers as text: integers in, decimal digits out, no float in between."""

from __future__ import annotations

USD_PLACES = 6
PRICE_PLACES = 18
MICRO_USD = 10**USD_PLACES


def fixed(value: int, places: int) -> str:
    """Return ``value`` / 10**``places`` as text."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 10**places)
    return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"


def usd(micro_usd: int) -> str:
    """Return micro-USD as USD."""
    return fixed(micro_usd, USD_PLACES)


def percent(bp: int) -> str:
    """Return hundredths of a percent as percent."""
    return fixed(bp, 2)


def gwei(wei: int) -> str:
    """Return wei as gwei."""
    return fixed(wei, 9)


def price(micro_usd: int, units: int, decimals: int) -> int:
    """Return the price of one whole token when ``units`` base units cost ``micro_usd``, in 1e-18 USD, rounded down."""
    scale: int = 10 ** (decimals + PRICE_PLACES - USD_PLACES)
    return micro_usd * scale // units


def pool_price(price_q: int, price_shift: int, decimals: int) -> int:
    """Return the price of one whole token at ``price_q`` * 2**-``price_shift`` micro-USD a base unit: see ``price``."""
    return price(price_q, 1 << price_shift, decimals)


def value_micro_usd(quantity: int, price_q: int, price_shift: int) -> int:
    """Return what ``quantity`` base units are worth, rounded down as the kernel does."""
    return quantity * price_q >> price_shift
