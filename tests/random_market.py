"""Markets and accounts at random for tests: far wilder than any that a scenario makes, so that much happens soon."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hand_made import GWEI, Stage, bare_stage, native_price_q, pool_at, token

from simulation.scenario import AccountSpec, Strategy, TradingConfig, TradingMode

if TYPE_CHECKING:
    from random import Random

    from simulation.market.segment import TokenInfo

LANES = ((True, False), (False, True), (True, True))
LEAST_FOR_A_SHARE_USD = 100
"""A poorer account trades all it has, else no trade of its would be worth sending."""

PRICE_SPAN = 10.0
"""Prices stay within this factor of where they began, so that no account outgrows its ledger."""


def random_stage(luck: Random, n_blocks: int, n_tokens: int) -> Stage:
    """Return a market with jumping prices, pools of any size, gas spikes and signals that change their mind."""
    infos = tuple(_token(luck, row) for row in range(n_tokens))
    made = bare_stage(n_blocks, infos)
    for row, info in enumerate(infos):
        _fill_pools(luck, made, row, info)
        _fill_signals(luck, made, row)
    _fill_gas(luck, made)
    return made


def _token(luck: Random, row: int) -> TokenInfo:
    price_usd = 10 ** luck.uniform(-7, 5)
    return token(f"T{row}", luck.randint(0, 18), price_usd, luck.randint(1, 1_000))


def _fill_pools(luck: Random, made: Stage, row: int, info: TokenInfo) -> None:
    first_usd = info.price_usd(2**47)
    volatility = luck.choice((0.0, 0.001, 0.02))
    jump_chance = luck.choice((0.0, 0.02, 0.1))
    liquidity_usd = 10 ** luck.uniform(3, 11)
    ratio = 1.0
    for block in range(len(made.segment.gas)):
        ratio *= math.exp(luck.gauss(0.0, volatility))
        if luck.random() < jump_chance:
            ratio *= luck.uniform(0.5, 2.0)
        ratio = min(max(ratio, 1 / PRICE_SPAN), PRICE_SPAN)
        made.segment.pools[block, row] = pool_at(info, first_usd * ratio, liquidity_usd * luck.uniform(0.99, 1.01))


def _fill_signals(luck: Random, made: Stage, row: int) -> None:
    stays = luck.choice((0.0, 0.5, 0.9))
    opportunity_bp, confidence_bp = 8_000, 9_000
    for block in range(len(made.segment.gas)):
        if luck.random() >= stays:
            opportunity_bp = luck.choice((4_999, 5_000, 5_001, luck.randint(0, 10_000), 8_000, 8_000))
            confidence_bp = luck.choice((luck.randint(0, 10_000), 9_000, 9_500))
        made.signal(opportunity_bp, slice(block, block + 1), confidence_bp, row)


def _fill_gas(luck: Random, made: Stage) -> None:
    spike_chance = luck.choice((0.0, 0.02, 0.1))
    native_usd = 10 ** luck.uniform(0, 4)
    level_gwei = 10 ** luck.uniform(-1, 2)
    spike, left = 1.0, 0
    for gas in made.segment.gas:
        left -= 1
        if left < 0:
            spike, left = (luck.uniform(1.5, 8.0), luck.randint(1, 40)) if luck.random() < spike_chance else (1.0, 0)
        native = native_usd * (luck.uniform(1.0, 40.0) if luck.random() < 0.1 else luck.uniform(0.9, 1.1))
        gas["base_fee_wei"] = int(level_gwei * spike * luck.uniform(0.8, 1.25) * GWEI)
        gas["priority_fee_wei"] = luck.choice((0, GWEI, 3 * GWEI + 7))
        gas["native_price_q"] = native_price_q(native)


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
        simulate_network_issues=luck.random() < 0.5,
        failure_rate_percent=luck.choice((Decimal(0), Decimal(0), Decimal(2), Decimal(20), Decimal(20), Decimal(100))),
    )


def _percent(luck: Random, low_bp: int, high_bp: int) -> Decimal:
    return Decimal(luck.randint(low_bp, high_bp)) / 100
