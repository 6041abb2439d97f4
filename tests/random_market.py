"""Markets and accounts at random for tests: far wilder than any that a scenario makes, so that much happens soon."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hand_made import GWEI, Stage, bare_stage, mid_at, native_price_q, pool_at

from simulation.market.segment import PoolInfo, TokenInfo, all_pools, price_shift_for
from simulation.scenario import AccountSpec
from simulation.settings.market import V3_FEES_BP
from simulation.settings.strategy import Strategy, TradingConfig, TradingMode

if TYPE_CHECKING:
    from random import Random


LANES = ((True, False), (False, True), (True, True))
LEAST_FOR_A_SHARE_USD = 100
"""A poorer account trades all it has, else no trade of its would be worth sending."""

PRICE_SPAN = 10.0
"""Prices stay within this factor of where they began, so that no account outgrows its ledger."""


def random_stage(luck: Random, n_blocks: int, n_tokens: int, depths: tuple[int, int] = (3, 11)) -> Stage:
    """Return a market with jumping prices, pools of any size, gas spikes and signals that change their mind.

    ``depths`` are the decades of USD between which pools are deep.
    """
    infos = tuple(_token(luck, row) for row in range(n_tokens))
    made = bare_stage(n_blocks, infos, n_analysts=2)
    prices_usd = [_prices(luck, info, n_blocks) for info in infos]
    for column, (row, pool) in enumerate(all_pools(infos)):
        _fill_pool(luck, made, column, row, pool, prices_usd, 10 ** luck.uniform(*depths))
    for row, info in enumerate(infos):
        _fill_mids(luck, made, row, info, prices_usd[row])
        for analyst in range(len(made.segment.signals)):
            _fill_signals(luck, made, row, analyst)
    _fill_gas(luck, made)
    return made


def _token(luck: Random, row: int) -> TokenInfo:
    price_usd, decimals = 10 ** luck.uniform(-7, 5), luck.randint(0, 18)
    others = ["USDC"] if row == 0 else ["USDC", "T0", "T0"]
    pools = tuple(_pool(luck, luck.choice(others)) for _ in range(luck.choice((1, 1, 2, 3))))
    return TokenInfo(f"T{row}", f"T{row}", decimals, price_shift_for(price_usd, decimals), pools)


def _pool(luck: Random, against: str) -> PoolInfo:
    if luck.random() < 0.4:
        return PoolInfo("uniswap_v3", luck.choice(V3_FEES_BP), against)
    return PoolInfo(luck.choice(("uniswap_v2", "sushiswap")), luck.randint(1, 1_000), against)


def _prices(luck: Random, info: TokenInfo, n_blocks: int) -> list[float]:
    first_usd = info.price_usd(2**47)
    volatility = luck.choice((0.0, 0.001, 0.02))
    jump_chance = luck.choice((0.0, 0.02, 0.1))
    ratio, prices_usd = 1.0, []
    for _ in range(n_blocks):
        ratio *= math.exp(luck.gauss(0.0, volatility))
        if luck.random() < jump_chance:
            ratio *= luck.uniform(0.5, 2.0)
        ratio = min(max(ratio, 1 / PRICE_SPAN), PRICE_SPAN)
        prices_usd.append(first_usd * ratio)
    return prices_usd


def _fill_pool(
    luck: Random,
    made: Stage,
    column: int,
    row: int,
    pool: PoolInfo,
    prices_usd: list[list[float]],
    liquidity_usd: float,
) -> None:
    """Fill a pool that may stray by up to three percent from the prices, and may be empty now and then."""
    drained_chance, stray = luck.choice((0.0, 0.0, 0.05)), luck.choice((0.0, 0.0, 0.03))
    for block in range(len(made.segment.gas)):
        other = (prices_usd[0][block], made.infos[0].decimals) if pool.against == "T0" else (1.0, 6)
        price_usd = prices_usd[row][block] * luck.uniform(1 - stray, 1 + stray)
        depth_usd = liquidity_usd * luck.uniform(0.99, 1.01)
        if luck.random() >= drained_chance:
            made.segment.pools[block, column] = pool_at(
                made.infos[row], price_usd, depth_usd, *other, against=pool.against
            )


def _fill_mids(luck: Random, made: Stage, row: int, info: TokenInfo, prices_usd: list[float]) -> None:
    depth_usd = 10 ** luck.uniform(3, 11)
    for block, price_usd in enumerate(prices_usd):
        made.segment.mids[block, row] = mid_at(info, price_usd, depth_usd * luck.uniform(0.99, 1.01))


def _fill_signals(luck: Random, made: Stage, row: int, analyst: int) -> None:
    stays = luck.choice((0.0, 0.5, 0.9))
    opportunity_bp, confidence_bp = 8_000, 9_000
    for block in range(len(made.segment.gas)):
        if luck.random() >= stays:
            opportunity_bp = luck.choice((4_999, 5_000, 5_001, luck.randint(0, 10_000), 8_000, 8_000))
            confidence_bp = luck.choice((luck.randint(0, 10_000), 9_000, 9_500))
        made.signal(opportunity_bp, slice(block, block + 1), confidence_bp, row, analyst)


def _fill_gas(luck: Random, made: Stage) -> None:
    spike_chance = luck.choice((0.0, 0.02, 0.1))
    native_usd = 10 ** luck.uniform(0, 4)
    level_gwei = 10 ** luck.uniform(-1, 2)
    missed_chance, l1_fee_wei = luck.choice((0.0, 0.1)), luck.choice((0, 10**12))
    spike, left = 1.0, 0
    for gas in made.segment.gas:
        left -= 1
        if left < 0:
            spike, left = (luck.uniform(1.5, 8.0), luck.randint(1, 40)) if luck.random() < spike_chance else (1.0, 0)
        native = native_usd * (luck.uniform(1.0, 40.0) if luck.random() < 0.1 else luck.uniform(0.9, 1.1))
        gas["base_fee_wei"] = int(level_gwei * spike * luck.uniform(0.8, 1.25) * GWEI)
        gas["priority_fee_wei"] = luck.choice((0, GWEI, 3 * GWEI + 7))
        gas["native_price_q"] = native_price_q(native)
        gas["is_missed"] = luck.random() < missed_chance
        gas["marginal_tip_wei"] = luck.choice((0, 0, 0, GWEI))
        gas["l1_fee_wei"] = l1_fee_wei


def random_account(luck: Random, name: str, symbols: list[str]) -> AccountSpec:
    """Return an account with settings from the whole range of each, the busy end preferred."""
    fast, smart = luck.choice(LANES)
    fields: dict[str, Any] = {
        "trading_mode": luck.choice(list(TradingMode)),
        "decision_interval_blocks": luck.choice((1, 1, 2, 5, 40)),
        "use_fast_lane": fast,
        "use_smart_lane": smart,
        "fast_lane_threshold_usd": luck.choice((0, 50, 100, 1_000)),
        "max_trade_size_usd": luck.choice((10, 100, 1_000, 100_000)),
        "max_hold_hours": luck.choice((1, 1, 2, 72)),
        "min_liquidity_usd": luck.choice((0, 10_000, 1_000_000)),
        "blocked_tokens": tuple(symbol for symbol in symbols if luck.random() < 0.1),
    }
    if luck.random() < 0.7:
        fields |= _limits(luck)
    balance = luck.choice((15, 40, 1_000, 10_000, 1_000_000))
    if balance < LEAST_FOR_A_SHARE_USD:
        fields["max_position_size_percent"] = 100
    return AccountSpec(
        name=name, initial_balance_usd=Decimal(balance), strategy=Strategy(**fields), trading=_trading(luck)
    )


def prey(name: str) -> AccountSpec:
    """Return an account that sends large orders with a wide tolerance through the public mempool."""
    strategy = Strategy(
        decision_interval_blocks=1,
        max_trade_size_usd=Decimal(100_000),
        max_slippage_percent=Decimal(10),
        min_liquidity_usd=Decimal(0),
        confidence_threshold=Decimal(0),
        stop_loss_percent=Decimal(50),
        max_hold_hours=1,
        max_daily_trades=1_000,
    )
    return AccountSpec(name=name, initial_balance_usd=Decimal(1_000_000), strategy=strategy)


def crowded(luck: Random, name: str) -> AccountSpec:
    """Return an account with room for fewer tokens than it wants, in positions larger than one trade may be."""
    fast, smart = luck.choice(LANES)
    strategy = Strategy(
        decision_interval_blocks=luck.choice((1, 3)),
        use_fast_lane=fast,
        use_smart_lane=smart,
        fast_lane_threshold_usd=luck.choice((0, 2_000, 100_000)),
        max_position_size_percent=Decimal(40),
        max_trade_size_usd=luck.choice((Decimal(1_500), Decimal(4_000), Decimal(100_000))),
        max_concurrent_positions=luck.choice((1, 2)),
        max_slippage_percent=Decimal(10),
        min_liquidity_usd=Decimal(0),
        confidence_threshold=Decimal(0),
        stop_loss_percent=Decimal(50),
        take_profit_percent=Decimal(100),
        max_daily_trades=1_000,
    )
    return AccountSpec(name=name, initial_balance_usd=Decimal(luck.choice((10_000, 200_000))), strategy=strategy)


def _limits(luck: Random) -> dict[str, Any]:
    return {
        "max_position_size_percent": _percent(luck, 10, 10_000),
        "stop_loss_percent": _percent(luck, 10, 1_500),
        "take_profit_percent": _percent(luck, 10, 3_000),
        "max_daily_trades": luck.choice((1, 3, 20, 1_000)),
        "max_concurrent_positions": luck.choice((1, 2, 100)),
        "max_slippage_percent": luck.choice((Decimal("0.01"), Decimal("0.3"), Decimal(2), Decimal(10))),
        "confidence_threshold": luck.choice((0, 60, 90)),
    }


def _trading(luck: Random) -> TradingConfig:
    return TradingConfig(
        base_slippage_percent=luck.choice((Decimal(0), Decimal("0.5"), Decimal(10))),
        gas_price_multiplier=luck.choice((Decimal("0.1"), Decimal("0.55"), Decimal(1), Decimal("2.5"), Decimal(10))),
        execution_delay_ms=luck.choice((0, 500, 13_000, 60_000)),
        max_position_size_percent=luck.choice((Decimal(100), Decimal(100), Decimal(4))),
        max_daily_trades=luck.choice((1_000, 1_000, 1_000, 5)),
        stop_loss_percent=luck.choice((Decimal(50), Decimal(50), Decimal("1.5"))),
        simulate_network_issues=luck.random() < 0.5,
        simulate_mev=luck.random() < 0.7,
        failure_rate_percent=luck.choice((Decimal(0), Decimal(0), Decimal(2), Decimal(20), Decimal(20), Decimal(100))),
    )


def _percent(luck: Random, low_bp: int, high_bp: int) -> Decimal:
    return Decimal(luck.randint(low_bp, high_bp)) / 100
