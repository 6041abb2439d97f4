"""Series of recorded markets, by the names under which a synthetic market offers its own.

A folder may hold any of the files that ``SOURCES`` lists. Several files of one pattern are several samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cluster.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SQRT_PRICE_BITS = 96
"""A pool's square root price is in 2**-96."""


LEAST_HOURS, LEAST_DAYS, LEAST_MINUTES, LEAST_EVENTS = 90 * 24, 90, 60, 300
"""Rows of a file below which its statistics say nothing."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Recorded samples of one series, and the names of the files that they were read from."""

    arrays: tuple[Array, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Which files hold a series: patterns of their names, and what makes an array of a file for each pattern."""

    series: str
    patterns: tuple[str, ...]
    read: Callable[..., Array]


def read_folder(folder: Path) -> dict[str, Samples]:
    """Return the series that the files of a folder hold; UsageError says what is wrong with it or one of them."""
    if not folder.is_dir():
        raise UsageError(f"--recordings {folder} is not a folder; name one that holds recorded markets.")
    found = {source.series: _samples(source, folder) for source in SOURCES}
    held = {series: samples for series, samples in found.items() if samples.arrays}
    if not held:
        wanted = ", ".join(sorted({pattern for source in SOURCES for pattern in source.patterns}))
        raise UsageError(f"--recordings {folder} holds no recording that is known; looked for {wanted}.")
    return held


def _samples(source: Source, folder: Path) -> Samples:
    """Read every set of files, one for each pattern; with several patterns, the first file of each is taken."""
    matches = [sorted(folder.glob(pattern)) for pattern in source.patterns]
    sets = list(zip(*matches, strict=False))
    arrays = tuple(source.read(*paths) for paths in sets)
    return Samples(arrays, tuple(path.name for paths in sets for path in paths))


def _hours(path: Path) -> Array:
    return _log_prices(path, _table(path, LEAST_HOURS, "unix", "close").sort("unix")["close"])


def _days(path: Path) -> Array:
    return _log_prices(path, _table(path, LEAST_DAYS, "open_time", "close").sort("open_time")["close"])


def _days_of_two(first: Path, second: Path) -> Array:
    """Return the log prices of two coins on the days that both files have, ``(n_days, 2)``."""
    tables = [_table(path, LEAST_DAYS, "open_time", "close") for path in (first, second)]
    both = tables[0].join(tables[1], on="open_time").sort("open_time")
    if len(both) < LEAST_DAYS:
        raise UsageError(
            f"--recordings: {first} and {second} have {len(both)} days in common; at least {LEAST_DAYS} are needed."
        )
    return np.stack([_log_prices(first, both["close"]), _log_prices(second, both["close_right"])], axis=1)


def _minute_ticks(path: Path) -> Array:
    """Return the tick of a pool at the end of each minute; ETH in USDC rises as the tick of USDC/WETH falls."""
    closes: Array = -_table(path, LEAST_MINUTES, "closeTick")["closeTick"].to_numpy()
    return closes


def _blocks(path: Path) -> Array:
    """Return the log price of a pool at the end of each block from its first swap to its last."""
    columns = ("block_number", "log_index", "sqrtPriceX96")
    events = _text(path, LEAST_EVENTS, "tx_type", *columns).filter(pl.col("tx_type") == "SWAP")
    if not len(events):
        raise UsageError(f"--recordings: {path} holds no swap.")
    swaps = _numbers(path, events, columns).sort("block_number", "log_index")
    blocks = swaps["block_number"].to_numpy().astype(np.int64)
    last = np.searchsorted(blocks, np.arange(blocks[0], blocks[-1] + 1), side="right") - 1
    roots = swaps["sqrtPriceX96"].to_numpy() / 2.0**SQRT_PRICE_BITS
    log_prices: Array = -2.0 * np.log(roots[last])
    return log_prices


def _table(path: Path, least: int, *columns: str) -> pl.DataFrame:
    return _numbers(path, _text(path, least, *columns), columns)


def _numbers(path: Path, table: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return columns as floats; the amounts in a recording overflow any integer that polars would guess."""
    try:
        floats = table.select(pl.col(name).cast(pl.Float64) for name in columns)
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"--recordings: {path} holds something else than numbers: {_first_line(error)}.") from error
    if not np.isfinite(floats.to_numpy()).all():
        raise UsageError(f"--recordings: {path} has an empty or infinite cell among {', '.join(columns)}.")
    return floats


def _text(path: Path, least: int, *columns: str) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, columns=list(columns), infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        wanted = ", ".join(columns)
        raise UsageError(f"--recordings: {path} is no CSV with {wanted}: {_first_line(error)}.") from error
    if len(table) < least:
        raise UsageError(f"--recordings: {path} holds {len(table)} rows; at least {least:,} are needed.")
    return table


def _log_prices(path: Path, prices: pl.Series) -> Array:
    values = prices.to_numpy()
    if not (values > 0.0).all():
        raise UsageError(f"--recordings: {path} has a price that is not above zero.")
    if (values == values[0]).all():
        raise UsageError(f"--recordings: {path} has a price that never moves.")
    logs: Array = np.log(values)
    return logs


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


SOURCES = (
    Source("major 1 h", ("btcusd_1h_*.csv",), _hours),
    Source("major 1 d", ("ethusdt_1d_*.csv",), _days),
    Source("mid 1 d", ("solusdt_1d_*.csv",), _days),
    Source("major, major 1 d", ("ethusdt_1d_*.csv", "btcusdt_1d_*.csv"), _days_of_two),
    Source("pool 1 min", ("univ3_*_usdc_weth_005_*.minute.csv",), _minute_ticks),
    Source("pool 1 block", ("univ3_mainnet_usdc_weth_005_*.events.csv",), _blocks),
    Source("pool days", ("univ3_mainnet_usdc_weth_005_*.events.csv",), _blocks),
)
"""What is read from where."""
