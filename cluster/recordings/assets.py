"""Which token a file records: its symbol, name and decimals, from the scenario, the file, or what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.settings.market import USD_SYMBOL

if TYPE_CHECKING:
    from cluster.recordings.tables import Table
    from simulation.settings.market import Recorded

DEFAULT_POOL_SYMBOL = "WETH"
DEFAULT_TOKEN_SIDE = 1
"""USDC is token0 of its pools with WETH on mainnet and on Polygon."""

PRICED_DECIMALS = 18
"""Of a token of which only prices were recorded: nothing depends on them."""

SYMBOL_COLUMN = "symbol"

_QUOTES = "USDT|USDC|BUSD|USD"
_PAIR = re.compile(rf"^([A-Z0-9.]{{1,20}}?)[/_-]?(?:{_QUOTES})$")
_FILE_PAIR = re.compile(rf"^([A-Z0-9]{{1,20}}?)[_-]?(?:{_QUOTES})(?![A-Z0-9])")
_SYMBOL = re.compile(r"^[A-Z0-9.]{1,20}$")
_ON_CHAIN = {
    "ETH": ("WETH", "Wrapped Ether", 18),
    "WETH": ("WETH", "Wrapped Ether", 18),
    "BTC": ("WBTC", "Wrapped BTC", 8),
    "WBTC": ("WBTC", "Wrapped BTC", 8),
}
"""Symbol, name and decimals of the token that stands for a coin."""


@dataclass(frozen=True, slots=True)
class Asset:
    """The recorded token."""

    symbol: str
    name: str
    decimals: int


def token_side(table: Table, entry: Recorded) -> int:
    """Return whether the token is token0 or token1 of a recorded pool; the columns tell by the symbol of the other."""
    if entry.token_side is not None:
        return entry.token_side
    for side in (0, 1):
        if (table.single(f"token{1 - side}_symbol") or "").upper() == entry.against:
            return side
    return DEFAULT_TOKEN_SIDE


def pool_asset(table: Table, entry: Recorded, side: int) -> Asset:
    """Return the token of a recorded pool; one that nobody knows the decimals of is refused."""
    written = table.single(f"token{side}_symbol")
    symbol = entry.symbol or (_valid(table, written) if written else DEFAULT_POOL_SYMBOL)
    return _asset(table, entry, symbol, _written_decimals(table, side))


def priced_asset(table: Table, entry: Recorded) -> Asset:
    """Return the token of recorded prices, from the traded pair in its column or in the file's name."""
    symbol = entry.symbol or _find_symbol(table)
    return _asset(table, entry, symbol, _ON_CHAIN.get(symbol, ("", "", PRICED_DECIMALS))[2])


def _asset(table: Table, entry: Recorded, coin: str, written: int | None) -> Asset:
    symbol, name, known = _ON_CHAIN.get(coin, (coin, coin, None))
    if symbol == USD_SYMBOL:
        raise table.error(f"records {USD_SYMBOL}, which tokens are traded against; name the token with symbol")
    decimals = next((given for given in (entry.decimals, written, known) if given is not None), None)
    if decimals is None:
        raise table.error(f"does not tell how many decimals {symbol} has; set decimals of this recording")
    return Asset(symbol, name, decimals)


def _written_decimals(table: Table, side: int) -> int | None:
    name = f"token{side}_decimals"
    written = table.single(name)
    if written is None:
        return None
    if not written.isdecimal() or int(written) > 18:
        raise table.error(f"column {name} has {written}; accepted are 0 to 18")
    return int(written)


def _find_symbol(table: Table) -> str:
    """Return the base of the traded pair, from the symbol column or from the file's name."""
    if table.has(SYMBOL_COLUMN):
        found = _PAIR.match((table.single(SYMBOL_COLUMN) or "").upper())
    else:
        found = _FILE_PAIR.match(table.path.stem.upper())
    if found is None:
        raise table.error(
            "does not tell which token it records; set symbol of this recording, or give the file a name like "
            "ethusdt_1d.csv"
        )
    return found[1]


def _valid(table: Table, symbol: str) -> str:
    if not _SYMBOL.match(symbol.upper()):
        raise table.error(f"names a token {symbol[:60]!r}; a symbol has up to 20 letters and digits")
    return symbol.upper()
