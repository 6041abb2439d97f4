"""A whole replay market: its files read, put together by token and pool, and cut to the time that all of them cover."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cluster.recordings.cells import iso
from cluster.recordings.fees import read_fees
from cluster.recordings.formats import read_series
from cluster.recordings.stitching import HOUR_MS, stitch
from cluster.recordings.tables import ACCEPTED, RecordingError, Table, read_table
from simulation.market.prices import MAX_MOVE
from simulation.market.replay import RecordedToken, Recording, hub_pools, ratio
from simulation.market.segment import USD_DECIMALS, price_shift_for
from simulation.settings.market import USD_SYMBOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.recordings.assets import Asset
    from cluster.recordings.formats import Series
    from simulation.market.replay import RecordedFees, RecordedPool
    from simulation.market.segment import PoolInfo
    from simulation.settings.market import Recorded, ReplayMarket

SUFFIXES = {".csv", ".parquet"}
"""Of the files that a folder is read for."""

MAX_FILES = 10_000


class Read(NamedTuple):
    """A replay market as it was read."""

    market: ReplayMarket
    """As it was given, with one entry for each file and the hash of its data."""
    recording: Recording
    repairs: tuple[str, ...]
    """What was done about gaps and disorder, in clauses."""


class _Fees(NamedTuple):
    table: Table
    fees: RecordedFees


def read_market(market: ReplayMarket) -> Read:
    """Return the recording that a replay market describes; RecordingError says in one sentence what is wrong."""
    entries = [named for entry in market.recordings for named in _files(entry)]
    if len(entries) > MAX_FILES:
        raise RecordingError(f"market.recordings are {len(entries):,} files; accepted are up to {MAX_FILES:,}")
    series = [read_series(_verified(entry.path, entry.sha256), entry) for entry in entries]
    repairs = [f"{part.table.path.name} runs newest first and was turned round" for part in series if part.newest_first]
    tokens = _tokens(series, market, repairs)
    gas = None if market.gas_path is None else _gas(market, market.gas_path, repairs)
    start_ms, end_ms = _window(tokens, gas, repairs)
    fees = None if gas is None else gas.fees
    recording = Recording(tokens, start_ms, end_ms, fees, market.speed, market.repeat)
    _check_growth(recording)
    hashed = tuple(
        entry.model_copy(update={"sha256": part.table.sha256}) for entry, part in zip(entries, series, strict=True)
    )
    named = {"recordings": hashed, "gas_sha256": None if gas is None else gas.table.sha256}
    return Read(market.model_copy(update=named), recording, tuple(repairs))


def _files(entry: Recorded) -> list[Recorded]:
    """Return the entry of each file in the folder that ``entry`` names, or itself."""
    folder = Path(entry.path)
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.casefold() in SUFFIXES)
    except (NotADirectoryError, FileNotFoundError, ValueError):
        return [entry]
    except OSError as error:
        raise RecordingError(f"{folder}: can't be listed ({error.strerror})") from None
    if not found:
        raise RecordingError(f"{folder}: can't be read (a folder without .csv or .parquet files); {ACCEPTED}")
    return [entry.model_copy(update={"path": str(path)}) for path in found]


def _verified(path: str, sha256: str | None) -> Table:
    table = read_table(Path(path))
    if sha256 not in (None, table.sha256):
        raise table.error(f"has the sha256 {table.sha256}, not {sha256} as the scenario says; it is another recording")
    return table


def _tokens(series: Sequence[Series], market: ReplayMarket, repairs: list[str]) -> tuple[RecordedToken, ...]:
    """Return the tokens in the order of their first file, each with its pools in theirs."""
    grouped: dict[str, dict[PoolInfo, list[Series]]] = {}
    for part in series:
        grouped.setdefault(part.asset.symbol, {}).setdefault(part.terms, []).append(part)
    tokens = []
    for symbol, pools in grouped.items():
        assets = {part.asset.decimals: part for parts in pools.values() for part in parts}
        if len(assets) > 1:
            one, other, *_ = assets.values()
            raise other.table.error(
                f"{symbol} has {other.asset.decimals} decimals here and {one.asset.decimals} in {one.table.path.name}; "
                "set decimals of the recordings"
            )
        stitched = []
        for parts in pools.values():
            pool, gaps = stitch(parts, market)
            stitched.append(pool)
            if gaps.number:
                repairs.append(gaps.in_words(symbol, market.max_gap_hours))
        asset = next(iter(assets.values())).asset
        tokens.append((asset, tuple(stitched)))
    _check_hubs(series, {asset.symbol for asset, pools in tokens if _has_usd(pools)})
    hubs = {asset.symbol: _first_usd(pools) for asset, pools in tokens if _has_usd(pools)}
    return tuple(_token(asset, pools, hubs) for asset, pools in tokens)


def _token(asset: Asset, pools: tuple[RecordedPool, ...], hubs: dict[str, RecordedPool]) -> RecordedToken:
    shift = price_shift_for(_price_usd(pools[0], asset.decimals, hubs), asset.decimals)
    return RecordedToken(asset.symbol, asset.name, asset.decimals, shift, pools)


def _has_usd(pools: Sequence[RecordedPool]) -> bool:
    return any(pool.terms.against == USD_SYMBOL for pool in pools)


def _first_usd(pools: Sequence[RecordedPool]) -> RecordedPool:
    return next(pool for pool in pools if pool.terms.against == USD_SYMBOL)


def _check_hubs(series: Sequence[Series], hubs: set[str]) -> None:
    for part in series:
        against = part.terms.against
        if against not in (hubs | {USD_SYMBOL}) - {part.asset.symbol}:
            raise part.table.error(
                f"{part.asset.symbol} is traded against {against}, which is neither {USD_SYMBOL} nor another recorded "
                f"token with a pool against {USD_SYMBOL}"
            )


def _price_usd(pool: RecordedPool, decimals: int, hubs: dict[str, RecordedPool]) -> float:
    """Return the first price of a token of so many decimals."""
    against = hubs.get(pool.terms.against)
    usd = 1.0 if against is None else ratio(against.states[:1], against.terms)[0]
    return float(ratio(pool.states[:1], pool.terms)[0] * usd * 10.0 ** (decimals - USD_DECIMALS))


def _gas(market: ReplayMarket, path: str, repairs: list[str]) -> _Fees:
    table = _verified(path, market.gas_sha256)
    fees, newest_first = read_fees(table)
    steps_ms = np.diff(fees.since_ms, append=fees.since_ms[-1:])
    if steps_ms.max() > market.max_gap_hours * HOUR_MS:
        at = int(np.argmax(steps_ms))
        raise table.error(
            f"nothing is recorded for {steps_ms[at] / 60_000:,g} minutes after {iso(fees.since_ms[at])}; accepted are "
            f"up to {market.max_gap_hours:g} hours (max_gap_hours)"
        )
    if newest_first:
        repairs.append(f"{table.path.name} runs newest first and was turned round")
    return _Fees(table, fees)


def _window(tokens: Sequence[RecordedToken], gas: _Fees | None, repairs: list[str]) -> tuple[int, int]:
    """Return the first and the last moment that every pool, and the gas, are recorded at."""
    spans = [
        (f"{token.symbol} ({pool.terms.venue})", int(pool.since_ms[0]), int(pool.since_ms[-1]))
        for token in tokens
        for pool in token.pools
    ]
    if gas is not None:
        spans.append((f"gas ({gas.table.path.name})", int(gas.fees.since_ms[0]), int(gas.fees.since_ms[-1])))
    latest = max(spans, key=lambda span: span[1])
    earliest = min(spans, key=lambda span: span[2])
    start_ms, end_ms = latest[1], earliest[2]
    if start_ms > end_ms:
        raise RecordingError(
            f"market.recordings don't overlap in time: {earliest[0]} ends at {iso(end_ms)}, before {latest[0]} begins "
            f"at {iso(start_ms)}"
        )
    if any(span[1:] != (start_ms, end_ms) for span in spans):
        repairs.append(f"not all files cover the same time: played from {iso(start_ms)} to {iso(end_ms)}")
    return start_ms, end_ms


def _check_growth(recording: Recording) -> None:
    """Refuse prices that leave what the kernel's integers hold: hub times pool, times every pass."""
    hubs = hub_pools(recording.tokens)
    growths = recording.growth_q96() if recording.repeat > 1 else (1 << 96,) * len(recording.tokens)
    for token, growth in zip(recording.tokens, growths, strict=True):
        farthest = 0.0
        for pool in (token.pools[0], hubs.get(token.pools[0].terms.against)):
            if pool is not None:
                logs = np.log(ratio(pool.states, pool.terms))
                farthest += float(np.abs(logs - logs[0]).max())
        farthest += abs(float(np.log(max(growth, 1) / 2.0**96))) * (recording.repeat - 1)
        if farthest > np.log(MAX_MOVE):
            raise RecordingError(
                f"market.recordings: {token.symbol} moves more than {MAX_MOVE:,.0f} times away from its first price, "
                f"played {recording.repeat} times; repeat it less often"
            )
