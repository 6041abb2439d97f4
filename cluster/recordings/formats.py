"""The formats of recorded markets, told apart by their columns, and what each is read into: a row of pool states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cluster.recordings import cells
from cluster.recordings.assets import pool_asset, priced_asset, token_side
from cluster.recordings.events import EVENT_COLUMNS, pool_events
from cluster.recordings.tables import shorten
from cluster.recordings.ticks import sqrt_price_at_tick
from simulation import wei
from simulation.market.replay import concentrated
from simulation.market.segment import USD_DECIMALS, PoolInfo
from simulation.settings.market import V3_FEES_BP, Venue
from simulation.state import POOL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cluster.recordings.assets import Asset
    from cluster.recordings.tables import Table
    from simulation.settings.market import Recorded

POOL_BAR_COLUMNS = ("timestamp", "closeTick", "currentLiquidity")
TIME_COLUMNS = ("unix", "open_time", "timestamp", "time", "date", "datetime")
"""Where bars of prices keep their opening time, the first one present."""

CLOSE_COLUMN = "close"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What one file records of one pool, oldest first; the arrays have shape ``(n_states,)``."""

    table: Table
    asset: Asset
    terms: PoolInfo
    since_ms: NDArray[np.int64]
    """From when on each state was known: the end of its bar, or the time of its event; rising."""
    bar_ms: int
    """Length of a bar; 0 for events."""
    states: NDArray[np.void]  # POOL
    newest_first: bool
    """Whether the file ran so, and was turned round."""


class Format(NamedTuple):
    """A format, known by columns that no other has all of."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[Table, Recorded], Series]


def read_series(table: Table, entry: Recorded) -> Series:
    """Return what a table records; RecordingError for one of no known format."""
    for known in FORMATS:
        if all(table.has(name) for name in known.columns):
            return known.read(table, entry)
    if table.has(CLOSE_COLUMN) and _time_column(table) is not None:
        return _read_prices(table, entry)
    accepted = "; ".join(f"{known.name} with {', '.join(known.columns)}" for known in FORMATS)
    raise table.error(
        f"the columns {shorten(', '.join(table.columns))} are of no known format; accepted are {accepted}; and prices "
        f"with {CLOSE_COLUMN} and one of {', '.join(TIME_COLUMNS)}"
    )


def _read_events(table: Table, entry: Recorded) -> Series:
    side, terms = _pool(table, entry)
    asset = pool_asset(table, entry, side)
    events = pool_events(table)
    states = _concentrated(events.sqrt_prices, events.liquidities, side)
    return Series(table, asset, terms, np.array(events.times_ms, np.int64), 0, states, events.newest_first)


def _read_pool_bars(table: Table, entry: Recorded) -> Series:
    """Read bars as a pool that stands at the lower edge of its last tick when a bar ends."""
    side, terms = _pool(table, entry)
    asset = pool_asset(table, entry, side)
    opens_ms, newest_first = _opens(table, "timestamp")
    ticks = table.parse("closeTick", cells.parse_tick, cells.TICK)
    liquidities = table.parse("currentLiquidity", cells.parse_liquidity, cells.LIQUIDITY)
    sqrt_prices = {tick: sqrt_price_at_tick(tick) for tick in set(ticks)}
    states = _concentrated([sqrt_prices[tick] for tick in ticks], liquidities, side)
    return _bars(table, asset, terms, opens_ms, states, newest_first=newest_first)


def _read_prices(table: Table, entry: Recorded) -> Series:
    """Read bars of prices as a constant product pool whose USD side is ``liquidity_usd`` at every price."""
    venue = entry.venue or Venue.UNISWAP_V2
    if venue is Venue.UNISWAP_V3:
        raise table.error("records prices, of which a constant product pool is made; its venue can't be uniswap_v3")
    asset = priced_asset(table, entry)
    opens_ms, newest_first = _opens(table, _time_column(table) or "")
    closes = table.parse(CLOSE_COLUMN, cells.parse_price, cells.PRICE)
    states = np.zeros(len(closes), POOL)
    states["other_lo"] = round(entry.liquidity_usd * 10**USD_DECIMALS)
    units = [wei.split(int(entry.liquidity_usd / close * 10.0**asset.decimals)) for close in closes]
    states["reserve_hi"], states["reserve_lo"] = zip(*units, strict=True)
    terms = PoolInfo(str(venue), entry.fee_bp, entry.against)
    return _bars(table, asset, terms, opens_ms, states, newest_first=newest_first)


def _pool(table: Table, entry: Recorded) -> tuple[int, PoolInfo]:
    """Return which side of a recorded pool the token is on, and the pool's terms."""
    if entry.venue not in (None, Venue.UNISWAP_V3):
        raise table.error(f"records a concentrated pool; its venue is uniswap_v3, not {entry.venue}")
    if entry.fee_bp not in V3_FEES_BP:
        raise table.error(f"fee_bp {entry.fee_bp} is no tier of uniswap_v3; the tiers are 1, 5, 30 and 100")
    side = token_side(table, entry)
    return side, PoolInfo(str(Venue.UNISWAP_V3), entry.fee_bp, entry.against, token_is_zero=side == 0)


def _concentrated(sqrt_prices: Sequence[int], liquidities: Sequence[int], side: int) -> NDArray[np.void]:
    pairs = list(zip(sqrt_prices, liquidities, strict=True))
    known = {pair: concentrated(*pair, token_is_zero=side == 0) for pair in set(pairs)}
    return np.array([known[pair] for pair in pairs], POOL)


def _opens(table: Table, time_column: str) -> tuple[NDArray[np.int64], bool]:
    """Return when each bar opens, in the file's order, and whether that is newest first.

    Bars may run in either direction, but neither repeat a time nor mix directions.
    """
    if len(table) < 2:
        raise table.error(f"holds {len(table)} bars; at least two are needed to tell how long a bar is")
    opens_ms = np.array(table.times(time_column), np.int64)
    newest_first = bool(opens_ms[0] > opens_ms[-1])
    steps = -np.diff(opens_ms) if newest_first else np.diff(opens_ms)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        raise table.row_error(
            at,
            f": the time {cells.iso(opens_ms[at])} comes after {cells.iso(opens_ms[at - 1])} in a file that runs "
            f"{'newest' if newest_first else 'oldest'} first; times must be all different and in one order",
        )
    return opens_ms, newest_first


def _bars(
    table: Table,
    asset: Asset,
    terms: PoolInfo,
    opens_ms: NDArray[np.int64],
    states: NDArray[np.void],
    *,
    newest_first: bool,
) -> Series:
    """Put bars in order; a bar is as long as the commonest step from one to the next, and is known when it ends.

    A shorter step is refused: such a bar would be shown before it was over.
    """
    order = slice(None, None, -1 if newest_first else 1)
    opens_ms, states = opens_ms[order], states[order].copy()
    lengths_ms, counts = np.unique(np.diff(opens_ms), return_counts=True)
    bar_ms = int(lengths_ms[np.argmax(counts)])
    if lengths_ms[0] < bar_ms:
        raise table.error(
            f"two bars begin {lengths_ms[0] / 60_000:,g} minutes apart where most are {bar_ms / 60_000:,g}; "
            "all bars of a file are equally long"
        )
    return Series(table, asset, terms, opens_ms + bar_ms, bar_ms, states, newest_first)


def _time_column(table: Table) -> str | None:
    return next(filter(table.has, TIME_COLUMNS), None)


FORMATS = (
    Format("pool events", EVENT_COLUMNS, _read_events),
    Format("pool bars", POOL_BAR_COLUMNS, _read_pool_bars),
)
"""Beside bars of prices, whose time goes by several names."""
