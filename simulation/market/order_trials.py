"""A day of orders sent through the real trading path, to see how orders end in a market.

Accounts that differ in one thing at a time buy and sell every token by the clock: each decides in the same blocks, on
signals that say buy in one turn and sell in the next. Quote, delay, inclusion, revert, sandwich and fill are the
kernel's own. Bad luck that is no market's (lost orders, failures at random, others' swaps just before an order) is off.

One half waits for 1, 3 or 10 blocks with small orders and sees what the market does meanwhile; the other half sends
large ones into the public mempool and sees who attacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from simulation import cohort as cohorts
from simulation.choices import Failure, PoolKind, Side, TradeStatus
from simulation.market import mev
from simulation.market.segment import Segment, terms_of
from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.state import SIGNAL
from simulation.trading.rules import Rules, deadline_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.market.segment import Blocks, TokenInfo

    Array = NDArray[np.float64]

TURN_BLOCKS = 15
"""From one decision to the next: longer than any order here is on its way."""

RECENT_BLOCKS = 50
"""Over how many blocks before an order its token is called quiet or loud: ten minutes."""

WAIT_BLOCKS = (1, 3, 10)
WAIT_TOLERANCES_BP = (10, 30, 50)
"""Delays and tolerances at which a recorded pool's moves are known."""

SMALL_USD = 100
"""Hardly moves a pool."""

ATTACK_SIZES_USD = (3_000, 30_000)
ATTACK_TOLERANCES_BP = (30, 100, 300)

BALANCE_USD = 10_000_000
PIPS = 1e6

ORDER = np.dtype(
    [
        ("delay_blocks", np.int64),  # that the account asks for
        ("tolerance_bp", np.int64),
        ("size_usd", np.int64),
        ("is_exposed", np.bool_),  # whether attackers look at it
        ("is_loud", np.bool_),  # whether its token had moved more than it mostly does
        ("is_reverted", np.bool_),  # for its slippage
        ("is_filled", np.bool_),
        ("is_attacked", np.bool_),
        ("is_below_minimum", np.bool_),
        ("is_at_minimum", np.bool_),
        ("pays_attackers", np.bool_),  # its input over the reserve it is paid into is above the pool's fee
        ("recovered", np.float64),  # of a victim's loss, what attacker and pool gain; NaN where nobody models it
    ],
    align=True,
)
"""An order that was included, and how it ended."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one account does."""

    symbol: str
    delay_blocks: int
    tolerance_bp: int
    size_usd: int
    is_exposed: bool


def trials(symbols: tuple[str, ...]) -> list[Trial]:
    """Return every account of a day: each token at each delay, tolerance and size."""
    waiting = product(symbols, WAIT_BLOCKS, WAIT_TOLERANCES_BP, (SMALL_USD,), (False,))
    attacked = product(symbols, (1,), ATTACK_TOLERANCES_BP, ATTACK_SIZES_USD, (True,))
    return [Trial(*terms) for terms in (*waiting, *attacked)]


def orders_of(tokens: tuple[TokenInfo, ...], blocks: Blocks, seed: int, block_time_ms: int) -> NDArray[np.void]:
    """Return the orders that all trials send in a market from its first block on, as ORDER records."""
    made = trials(tuple(token.symbol for token in tokens))
    n_blocks = len(blocks.gas)
    rules = Rules(
        np.uint64(seed), block_time_ms, 0, n_blocks, n_blocks, n_blocks, deadline_blocks(block_time_ms),
        write_trades=True, write_decisions=False,
    )  # fmt: skip
    cohort = cohorts.begin([_account(trial, block_time_ms) for trial in made], range(len(made)), tokens, rules)
    segment = Segment(0, blocks.mids, blocks.pools, blocks.gas, _signals(*blocks.mids.shape))
    _, outcome = cohorts.advance(cohort, segment, terms_of(tokens), rules)
    included = np.isin(outcome.trades["failure"], (Failure.NONE, Failure.SLIPPAGE))
    return _described(outcome.trades[included], made, tokens, blocks)


def _account(trial: Trial, block_time_ms: int) -> AccountSpec:
    strategy = Strategy(
        decision_interval_blocks=TURN_BLOCKS,
        allowed_tokens=(trial.symbol,),
        max_trade_size_usd=Decimal(trial.size_usd),
        max_slippage_percent=Decimal(trial.tolerance_bp) / 100,
        max_position_size_percent=Decimal(100),
        max_daily_trades=1000,
        max_hold_hours=720,
        min_liquidity_usd=Decimal(0),
        confidence_threshold=Decimal(0),
        stop_loss_percent=Decimal(50),
        take_profit_percent=Decimal(1000),
    )
    trading = TradingConfig(
        execution_delay_ms=(trial.delay_blocks - 1) * block_time_ms,
        simulate_mev=trial.is_exposed,
        simulate_network_issues=False,
        base_slippage_percent=Decimal(0),
        failure_rate_percent=Decimal(0),
    )
    name = f"{trial.symbol} {trial.delay_blocks} {trial.tolerance_bp} {trial.size_usd}"
    return AccountSpec(name=name, initial_balance_usd=Decimal(BALANCE_USD), strategy=strategy, trading=trading)


def _signals(n_blocks: int, n_tokens: int) -> NDArray[np.void]:
    signals = np.zeros((1, n_blocks, n_tokens), SIGNAL)
    is_sale = np.arange(n_blocks) // TURN_BLOCKS % 2 == 1
    signals["opportunity_bp"] = np.where(is_sale, 2_000, 8_000)[None, :, None]
    signals["confidence_bp"] = 10_000
    return signals


def _described(
    trades: NDArray[np.void], made: list[Trial], tokens: tuple[TokenInfo, ...], blocks: Blocks
) -> NDArray[np.void]:
    """Return the ORDER records of TRADE records whose sessions are the trials."""
    found = np.zeros(len(trades), ORDER)
    for name in ("delay_blocks", "tolerance_bp", "size_usd", "is_exposed"):
        found[name] = np.array([getattr(trial, name) for trial in made])[trades["session"]]
    found["is_loud"] = _loudness(blocks)[trades["decided_block"], trades["token"]]
    _write_endings(found, trades)
    _write_attacks(found, trades, tokens, blocks)
    return found


def _write_endings(found: NDArray[np.void], trades: NDArray[np.void]) -> None:
    out_hi, out_lo, least_hi, least_lo = (trades[name] for name in ("out_hi", "out_lo", "min_hi", "min_lo"))
    found["is_reverted"] = trades["failure"] == Failure.SLIPPAGE
    found["is_filled"] = trades["status"] == TradeStatus.COMPLETED
    found["is_attacked"] = trades["sandwich_micro_usd"] != 0
    found["is_at_minimum"] = (out_hi == least_hi) & (out_lo == least_lo)
    found["is_below_minimum"] = (out_hi < least_hi) | ((out_hi == least_hi) & (out_lo < least_lo))


def _write_attacks(
    found: NDArray[np.void], trades: NDArray[np.void], tokens: tuple[TokenInfo, ...], blocks: Blocks
) -> None:
    """Write what the pools say of an attack; each token has one, which stands where its token does."""
    pools, terms = blocks.pools[trades["block"], trades["token"]], terms_of(tokens).pairs[trades["token"]]
    buys = trades["side"] == Side.BUY
    other, reserve = _float(pools, "other"), _float(pools, "reserve")
    reserve_in, reserve_out = np.where(buys, other, reserve), np.where(buys, reserve, other)
    fee = terms["fee_pips"] / PIPS
    found["pays_attackers"] = _float(trades, "in") / reserve_in > fee
    decided_prices_q = blocks.mids["price_q"][trades["decided_block"], trades["token"]]
    found["recovered"] = np.nan
    for row in np.flatnonzero(found["is_attacked"] & (terms["kind"] == PoolKind.CONSTANT_PRODUCT)).tolist():
        victim, least = float(_float(trades[row], "in")), float(_float(trades[row], "min"))
        lost = _loss(trades[row], tokens[int(trades[row]["token"])], float(decided_prices_q[row]))
        found["recovered"][row] = _recovered(victim, least, reserve_in[row], reserve_out[row], 1.0 - fee[row], lost)


def _loudness(blocks: Blocks) -> NDArray[np.bool_]:
    """Return whether each token, at each block, has moved more in the latest blocks than it mostly does."""
    moves = np.diff(np.log(blocks.mids["price_q"].astype(np.float64)), axis=0, prepend=np.nan) ** 2
    sums = np.nancumsum(moves, axis=0)
    recent = sums - np.concatenate([np.zeros_like(sums[:RECENT_BLOCKS]), sums[:-RECENT_BLOCKS]])
    return np.asarray(recent > np.median(recent[RECENT_BLOCKS:], axis=0))


def _loss(trade: np.void, token: TokenInfo, decided_price_q: float) -> float:
    """Return what a sandwich took from an order by its own ledger, in base units of what it was to get."""
    lost_micro_usd = float(trade["sandwich_micro_usd"])
    if trade["side"] != Side.BUY:
        return lost_micro_usd
    return lost_micro_usd * 2.0**token.price_shift / decided_price_q


def _recovered(victim: float, least: float, reserve_in: float, reserve_out: float, gamma: float, lost: float) -> float:
    """Return what the attacker earns and the pool's fees on his two swaps, as a share of what the victim ``lost``.

    All are valued at the price that the victim's swap alone would have left.
    """
    front = mev.front_run(victim, least, reserve_in, reserve_out, gamma)
    bought = gamma * front * reserve_out / (reserve_in + gamma * front)
    fair = gamma * victim * reserve_out / (reserve_in + gamma * victim)
    price = (reserve_in + victim) / (reserve_out - fair)
    earned = mev.profit(front, victim, least, reserve_in, reserve_out, gamma)
    fees = (1.0 - gamma) * (front + bought * price)
    return float((earned + fees) / (lost * price))


def _float(records: NDArray[np.void] | np.void, name: str) -> Array:
    """Return a wide integer of records as floats."""
    return np.asarray(records[f"{name}_hi"] * 2.0**64 + records[f"{name}_lo"])
