"""Recordings in CSV files: which format a file has, and the Recording that it holds.

Two formats are told apart by their columns: minute bars of a USDC/token pool, and bars of exchange prices (OHLCV).
Whatever is wrong with a file is one ``RecordingError`` that names the file, the place and what would be accepted.
"""

from __future__ import annotations

import csv
import errno
import io
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulation import wei
from simulation.market.liquidity import MAX_FIRST_UNITS, MIN_FIRST_UNITS
from simulation.market.prices import MAX_MOVE, MAX_RESERVE_MICRO_USD
from simulation.market.replay import Recording
from simulation.market.segment import USD_DECIMALS, price_shift_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.scenario import ReplayMarket

POOL_COLUMNS = ("timestamp", "closeTick", "currentLiquidity")
TIME_COLUMNS = ("unix", "open_time", "timestamp", "time", "date", "datetime")
"""Where bars of prices keep their opening time, the first one present."""

CLOSE_COLUMN = "close"
SYMBOL_COLUMN = "symbol"

DEFAULT_DECIMALS = 18
POOL_DECIMALS = 18
"""Of the token in recorded pools, whose other side is USDC."""

MAX_TICK = 887_272
"""Of Uniswap V3, in either direction."""

MAX_LIQUIDITY = 2.0**128
"""Of Uniswap V3, exclusive."""

MIN_PRICE_USD, MAX_PRICE_USD = 1e-9, 1e9
_QUOTES = "USDT|USDC|BUSD|USD"
_PAIR = re.compile(rf"^([A-Z0-9.]{{1,20}}?)[/_-]?(?:{_QUOTES})$")
_FILE_PAIR = re.compile(rf"^([A-Z0-9]{{1,20}}?)[_-]?(?:{_QUOTES})(?![A-Z0-9])")
_ON_CHAIN = {
    "ETH": ("WETH", "Wrapped Ether", 18),
    "WETH": ("WETH", "Wrapped Ether", 18),
    "BTC": ("WBTC", "Wrapped BTC", 8),
    "WBTC": ("WBTC", "Wrapped BTC", 8),
}
"""Symbol, name and decimals of the token that stands for a coin."""

MAX_UNIX_MS = 1e14
"""In the year 5138."""

_UNIX_SCALES = ((1e11, 1e3), (1e14, 1.0), (1e17, 1e-3))
"""Unix times below these are in seconds, milliseconds and microseconds: the factor that makes them milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordingError(ValueError):
    """A recording can't be read; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Table:
    """The text of a CSV file: its rows and, for messages, the line that each row stands on."""

    path: Path
    columns: tuple[str, ...]  # in lower case
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def has(self, name: str) -> bool:
        """Tell whether there is a column of this name, in upper or lower case."""
        return name.casefold() in self.columns

    def column(self, name: str) -> list[str]:
        """Return the cells of one column."""
        at = self.columns.index(name.casefold())
        return [row[at].strip() for row in self.rows]

    def parse(self, name: str, parser: Callable[[str], float], accepted: str) -> list[float]:
        """Return a column's cells as numbers; the first that ``parser`` refuses is reported with what is accepted."""
        values = []
        for line, cell in zip(self.lines, self.column(name), strict=True):
            try:
                values.append(parser(cell))
            except (ValueError, OverflowError):
                raise self.error(f"line {line}, column {name}: {_shorten(cell)} is not {accepted}") from None
        return values

    def error(self, what: str) -> RecordingError:
        """Return the error that says ``what`` is wrong in this file."""
        return RecordingError(f"{self.path}: {what}")


@dataclass(frozen=True, slots=True)
class Bars:
    """What both formats are read into: opening times, and reserves in base units at the end of each bar."""

    open_ms: list[int]
    reserve_micro_usd: list[int]
    reserve_units: list[int]


@dataclass(frozen=True, slots=True)
class Asset:
    """The recorded token."""

    symbol: str
    name: str
    decimals: int


def read_recording(path: str | Path, market: ReplayMarket) -> Recording:
    """Return the recording in a CSV file; RecordingError says what is wrong with one that can't be read."""
    table = _read_table(Path(path))
    time_column = next(filter(table.has, TIME_COLUMNS), None)
    if all(table.has(name) for name in POOL_COLUMNS):
        _check_shape(table)
        asset = replace(_asset(market.symbol or "WETH"), decimals=POOL_DECIMALS)
        bars = _read_pool_bars(table)
    elif time_column is not None and table.has(CLOSE_COLUMN):
        _check_shape(table)
        asset = _asset(market.symbol or _find_symbol(table))
        bars = _read_price_bars(table, time_column, asset.decimals, market.liquidity_usd)
    else:
        raise table.error(
            f"the columns {_shorten(', '.join(table.columns))} are of no known format; accepted are pool bars with "
            f"{', '.join(POOL_COLUMNS)}, and prices with {CLOSE_COLUMN} and one of {', '.join(TIME_COLUMNS)}"
        )
    return _record(table, asset, _in_order(table, bars), market.fee_bp)


def _read_table(path: Path) -> Table:
    try:
        text = _read_bytes(path).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise RecordingError(_unreadable(path, error)) from None
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        numbered = [(reader.line_num, tuple(row)) for row in reader if row]
    except csv.Error as error:
        raise RecordingError(f"{path}: line {reader.line_num} is not CSV ({error})") from None
    if not numbered:
        raise RecordingError(f"{path}: is empty; a recording is a CSV file with a header and at least two bars")
    (_, columns), *body = numbered
    names = tuple(name.strip().casefold() for name in columns)
    return Table(path, names, tuple(row for _, row in body), tuple(line for line, _ in body))


def _read_bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a device or a pipe might never end
        raise OSError(errno.EINVAL, "not a file")
    return path.read_bytes()


def _unreadable(path: Path, error: OSError | ValueError) -> str:
    """Return the sentence about a file that can't be opened or isn't text."""
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: byte {error.start} is not UTF-8 text; a recording is a CSV file"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: can't be read ({reason}); a recording is a CSV file"


def _check_shape(table: Table) -> None:
    for name in table.columns:
        if name and table.columns.count(name) > 1:
            raise table.error(f"column {_shorten(name)} is there twice; each column needs a name of its own")
    for line, row in zip(table.lines, table.rows, strict=True):
        if len(row) != len(table.columns):
            raise table.error(f"line {line} has {len(row)} cells; the header has {len(table.columns)} columns")
    if len(table.rows) < 2:
        raise table.error(f"holds {len(table.rows)} bars; at least two are needed to tell how long a bar is")


def _read_pool_bars(table: Table) -> Bars:
    """Read bars of a pool of USDC (6 decimals, token 0) and a token of 18 decimals (token 1).

    Reserves are the virtual ones of the range that the price is in: L / s of token 0 and L * s of token 1, where
    s = 1.0001**(tick / 2).
    """
    times = table.parse("timestamp", _parse_time, "a time, such as 2024-01-05 00:00:00")
    ticks = table.parse("closeTick", _parse_tick, f"a tick, a whole number within {MAX_TICK:,} of zero")
    liquidity = table.parse("currentLiquidity", _parse_liquidity, "a liquidity above zero and below 2**128")
    roots = [1.0001 ** (tick / 2) for tick in ticks]
    return Bars(
        [int(time) for time in times],
        [int(depth / root) for depth, root in zip(liquidity, roots, strict=True)],
        [int(depth * root) for depth, root in zip(liquidity, roots, strict=True)],
    )


def _read_price_bars(table: Table, time_column: str, decimals: int, liquidity_usd: float) -> Bars:
    """Read bars of prices as a constant product pool whose USD side is ``liquidity_usd`` at every price."""
    times = table.parse(time_column, _parse_time, "a time: ISO 8601, or Unix seconds or milliseconds")
    accepted = f"a price in USD between {MIN_PRICE_USD:g} and {MAX_PRICE_USD:g}"
    closes = table.parse(CLOSE_COLUMN, _parse_price, accepted)
    micro_usd = round(liquidity_usd * 10**USD_DECIMALS)
    return Bars(
        [int(time) for time in times],
        [micro_usd] * len(closes),
        [int(liquidity_usd / close * 10.0**decimals) for close in closes],
    )


def _in_order(table: Table, bars: Bars) -> Bars:
    """Return the bars oldest first; a file may run newest first, but neither repeat a time nor mix directions."""
    newest_first = bars.open_ms[0] > bars.open_ms[-1]
    for at in range(1, len(bars.open_ms)):
        earlier, later = bars.open_ms[at - 1], bars.open_ms[at]
        if earlier == later or (earlier > later) != newest_first:
            raise table.error(
                f"line {table.lines[at]}: the time {_iso(later)} comes after {_iso(earlier)} in a file that runs "
                f"{'newest' if newest_first else 'oldest'} first; times must be all different and in one order"
            )
    if not newest_first:
        return bars
    return Bars(bars.open_ms[::-1], bars.reserve_micro_usd[::-1], bars.reserve_units[::-1])


def _record(table: Table, asset: Asset, bars: Bars, fee_bp: int) -> Recording:
    """Put bars into a Recording; a bar is as long as the shortest step from one to the next."""
    _check_reserves(table, bars)
    open_ms = np.array(bars.open_ms, np.int64)
    units = [wei.split(value) for value in bars.reserve_units]
    first_price_usd = bars.reserve_micro_usd[0] / bars.reserve_units[0] * 10.0 ** (asset.decimals - USD_DECIMALS)
    return Recording(
        symbol=asset.symbol,
        name=asset.name,
        decimals=asset.decimals,
        fee_bp=fee_bp,
        start_at=_EPOCH + timedelta(milliseconds=bars.open_ms[0] + int(np.diff(open_ms).min())),
        close_ms=open_ms - open_ms[0],
        reserve_micro_usd=np.array(bars.reserve_micro_usd, np.uint64),
        reserve_hi=np.array([hi for hi, _ in units], np.uint64),
        reserve_lo=np.array([lo for _, lo in units], np.uint64),
        price_shift=price_shift_for(first_price_usd, asset.decimals),
    )


def _check_reserves(table: Table, bars: Bars) -> None:
    """Refuse bars that the integers of the kernel can't hold."""
    first = bars.reserve_micro_usd[0] / max(bars.reserve_units[0], 1)
    for at, (micro_usd, units) in enumerate(zip(bars.reserve_micro_usd, bars.reserve_units, strict=True)):
        bar = f"the bar of {_iso(bars.open_ms[at])}"
        if not 0 < micro_usd <= MAX_RESERVE_MICRO_USD:
            raise table.error(
                f"{bar} has {micro_usd / 10**USD_DECIMALS:.3g} USD in the pool; accepted are up to "
                f"{MAX_RESERVE_MICRO_USD / 10**USD_DECIMALS:.3g}, and more than nothing"
            )
        if not MIN_FIRST_UNITS <= units <= MAX_FIRST_UNITS:
            raise table.error(
                f"{bar} has {units:.3g} base units of the token in the pool; accepted are {MIN_FIRST_UNITS:.0e} to "
                f"{MAX_FIRST_UNITS:.0e} (market.liquidity_usd sets them where the file has prices only)"
            )
        if not first / MAX_MOVE <= micro_usd / units <= first * MAX_MOVE:
            raise table.error(f"{bar} has a price more than {MAX_MOVE:,.0f} times away from the first bar's")


def _find_symbol(table: Table) -> str:
    """Return the base of the traded pair, from the symbol column or from the file's name."""
    if table.has(SYMBOL_COLUMN):
        pairs = sorted(set(table.column(SYMBOL_COLUMN)))
        if len(pairs) > 1:
            raise table.error(f"column {SYMBOL_COLUMN} has {pairs[0]} and {pairs[1]}; a recording is of one token")
        found = _PAIR.match(pairs[0].upper())
    else:
        found = _FILE_PAIR.match(table.path.stem.upper())
    if found is None:
        raise table.error(
            "does not tell which token it records; set market.symbol, or give the file a name like ethusdt_1d.csv"
        )
    return found[1]


def _asset(coin: str) -> Asset:
    """Return the token that stands for ``coin`` on chain."""
    return Asset(*_ON_CHAIN.get(coin, (coin, coin, DEFAULT_DECIMALS)))


def _parse_time(cell: str) -> float:
    """Return Unix milliseconds, whole."""
    try:
        number = float(cell)
    except ValueError:
        moment = datetime.fromisoformat(cell)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        number = (moment - _EPOCH) / timedelta(milliseconds=1)
    else:
        number *= next((scale for end, scale in _UNIX_SCALES if number < end), 1.0)
    if not 0 <= number < MAX_UNIX_MS:
        raise ValueError(cell)
    return round(number)


def _parse_tick(cell: str) -> float:
    tick = float(cell)
    if not abs(tick) <= MAX_TICK or tick != math.floor(tick):
        raise ValueError(cell)
    return tick


def _parse_liquidity(cell: str) -> float:
    liquidity = float(cell)
    if not 0 < liquidity < MAX_LIQUIDITY:
        raise ValueError(cell)
    return liquidity


def _parse_price(cell: str) -> float:
    price = float(cell)
    if not MIN_PRICE_USD <= price <= MAX_PRICE_USD:
        raise ValueError(cell)
    return price


def _iso(unix_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=unix_ms)).strftime("%Y-%m-%d %H:%M:%S")


def _shorten(text: str) -> str:
    """Return ``text`` fit for a sentence: quoted, on one line, not longer than 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
