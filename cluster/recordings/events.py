"""Events of a concentrated pool: its price and liquidity after each moment at which something happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.recordings import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.recordings.tables import Table

EVENT_COLUMNS = ("block_timestamp", "tx_type", "sqrtPriceX96", "total_liquidity")
ORDER_COLUMNS = ("block_number", "log_index")
"""Where both are present, they must rise from each event to the next."""

POSITION_COLUMNS = ("tick_lower", "tick_upper", "liquidity", "current_tick")
"""What MINT and BURN are read by."""

SWAP, MINT, BURN, COLLECT = "SWAP", "MINT", "BURN", "COLLECT"
_TYPES = (SWAP, MINT, BURN, COLLECT)
_SIGNS = {MINT: 1, BURN: -1}


class PoolEvents(NamedTuple):
    """A pool after each moment at which something happened, oldest first; times rise."""

    times_ms: list[int]
    sqrt_prices: list[int]
    liquidities: list[int]
    newest_first: bool


class _Rows(NamedTuple):
    """Columns of the file, oldest first."""

    numbers: list[int]  # of the rows in the file
    times_ms: list[int]
    types: list[str]


def pool_events(table: Table) -> PoolEvents:
    """Return a pool after each moment with events.

    A swap tells price and liquidity. A MINT or BURN of a position changes the liquidity if the tick that the last swap
    left is inside the position (UniswapV3Pool._modifyPosition); recordings disagree on what they write beside those.
    Of several events at one time the last one counts. What comes before the first swap tells no price and is left out.
    """
    rows, newest_first = _rows(table)
    swaps = _swaps(table, rows)
    changes = _changes(table, rows)
    times_ms: list[int] = []
    sqrt_prices: list[int] = []
    liquidities: list[int] = []
    tick = sqrt_price = liquidity = 0
    for number, time_ms, kind in zip(*rows, strict=True):
        if kind == SWAP:
            tick, sqrt_price, liquidity = swaps[number]
        elif kind in _SIGNS and sqrt_price:
            liquidity = _changed(table, number, liquidity, tick, changes[number])
        if not sqrt_price:
            continue
        if times_ms and times_ms[-1] == time_ms:
            sqrt_prices[-1], liquidities[-1] = sqrt_price, liquidity
        else:
            times_ms.append(time_ms)
            sqrt_prices.append(sqrt_price)
            liquidities.append(liquidity)
    return PoolEvents(times_ms, sqrt_prices, liquidities, newest_first)


def _rows(table: Table) -> tuple[_Rows, bool]:
    times_ms = table.times("block_timestamp")
    types = table.parse("tx_type", _parse_type, f"one of {', '.join(_TYPES)}")
    if SWAP not in types:
        raise table.error(f"holds {len(types)} events and no {SWAP}, which alone tells the price")
    keys: list[tuple[int, ...]] = [(time_ms,) for time_ms in times_ms]
    if all(table.has(name) for name in ORDER_COLUMNS):
        orders = [table.parse(name, cells.parse_ordinal, cells.ORDINAL) for name in ORDER_COLUMNS]
        keys = list(zip(times_ms, *orders, strict=True))
    newest_first = keys[0] > keys[-1]
    _check_order(table, keys, newest_first=newest_first)
    order = slice(None, None, -1 if newest_first else 1)
    return _Rows(list(range(len(types)))[order], times_ms[order], types[order]), newest_first


def _check_order(table: Table, keys: list[tuple[int, ...]], *, newest_first: bool) -> None:
    ordered = len(keys[0]) > 1
    for at in range(1, len(keys)):
        earlier, later = (keys[at], keys[at - 1]) if newest_first else (keys[at - 1], keys[at])
        if earlier > later or (ordered and (earlier == later or (earlier[1] > later[1]))):
            shown = f"{cells.iso(keys[at][0])}" + "".join(
                f", {name} {value}" for name, value in zip(ORDER_COLUMNS, keys[at][1:], strict=False)
            )
            raise table.row_error(
                at,
                f": the event of {shown} stands after one of {cells.iso(keys[at - 1][0])} in a file that runs "
                f"{'newest' if newest_first else 'oldest'} first; events must be all different and in one order",
            )


def _swaps(table: Table, rows: _Rows) -> dict[int, tuple[int, int, int]]:
    """Return (tick, square root price, liquidity) after each swap, by its row."""
    wanted = [number for number, kind in zip(rows.numbers, rows.types, strict=True) if kind == SWAP]
    prices = _parse_rows(table, "sqrtPriceX96", wanted, cells.parse_sqrt_price, cells.SQRT_PRICE)
    depths = _parse_rows(table, "total_liquidity", wanted, cells.parse_liquidity, cells.LIQUIDITY)
    ticks = dict.fromkeys(wanted, 0)
    if table.has("current_tick"):
        ticks = _parse_rows(table, "current_tick", wanted, cells.parse_tick, cells.TICK)
    return {number: (ticks[number], prices[number], depths[number]) for number in wanted}


def _changes(table: Table, rows: _Rows) -> dict[int, tuple[int, int, int]]:
    """Return (lower tick, upper tick, signed change) of each MINT and BURN, by its row."""
    wanted = [number for number, kind in zip(rows.numbers, rows.types, strict=True) if kind in _SIGNS]
    if not wanted:
        return {}
    for name in POSITION_COLUMNS:
        if not table.has(name):
            raise table.error(f"has MINT or BURN but no column {name}; they are read by {', '.join(POSITION_COLUMNS)}")
    lower = _parse_rows(table, "tick_lower", wanted, cells.parse_tick, cells.TICK)
    upper = _parse_rows(table, "tick_upper", wanted, cells.parse_tick, cells.TICK)
    amount = _parse_rows(table, "liquidity", wanted, cells.parse_change, cells.CHANGE)
    signs = {number: _SIGNS.get(kind, 0) for number, kind in zip(rows.numbers, rows.types, strict=True)}
    return {number: (lower[number], upper[number], signs[number] * amount[number]) for number in wanted}


def _changed(table: Table, row: int, liquidity: int, tick: int, change: tuple[int, int, int]) -> int:
    lower, upper, amount = change
    if not lower <= tick < upper:
        return liquidity
    if not 0 < liquidity + amount < cells.MAX_LIQUIDITY:
        raise table.row_error(row, f": leaves the pool with a liquidity of {liquidity + amount}; it must stay above 0")
    return liquidity + amount


def _parse_rows(
    table: Table, name: str, wanted: list[int], parser: Callable[[str], int], accepted: str
) -> dict[int, int]:
    """Return a column's values in some of its rows; the others may be empty."""
    column, parsed = table.cells(name), {}
    for row in wanted:
        try:
            parsed[row] = parser(column[row])
        except (ArithmeticError, ValueError):
            raise table.cell_error(row, name, column[row], accepted) from None
    return parsed


def _parse_type(cell: str) -> str:
    if cell.upper() not in _TYPES:
        raise ValueError(cell)
    return cell.upper()
