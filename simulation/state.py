"""The records that the kernel reads and writes.

State is struct arrays and nothing else: ``sessions``, one record each, shape ``(n_sessions,)``, and ``holdings``, one a
session and token, shape ``(n_sessions, n_tokens)``; ``simulation.tuning`` has what Auto Pilot remembers.
It can be copied, stored, stacked and hashed.

Units: ``_micro_usd`` are millionths of a USD (and base units of USDC, which has six decimals); ``_bp`` are
hundredths of a percent; ``_hi`` and ``_lo`` are the two 64-bit limbs of an unsigned token amount in base
units ("wei"); ``price_q`` is a price in micro-USD per base unit, as a multiple of 2**-price_shift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RECENT_TRADES = 100
"""How many closed trades a session remembers: the upper bound of ``performance_window_trades``."""

SESSION = np.dtype(
    [
        # who and when
        ("stream", np.uint64),  # random stream; the session's ordinal in the run
        ("analyst", np.int64),  # row of the segment's signals that it listens to
        ("next_block", np.int64),
        ("next_decision_block", np.int64),
        ("next_mark_block", np.int64),
        ("day_end_block", np.int64),  # first block of the next simulated UTC day
        # marks
        ("equity_micro_usd", np.int64),
        ("peak_equity_micro_usd", np.int64),
        ("max_drawdown_bp", np.int64),
        ("drawdown_floor_micro_usd", np.int64),  # equity at or below this deepens the drawdown
        # Auto Pilot, whose review reads them with the marks
        ("last_adjustment_block", np.int64),  # -1 before the first
        ("closed_at_adjustment", np.int64),  # closed trades when it was made
        ("adjustments_today", np.int64),
        ("adjustment_day", np.int64),
        ("closed_trades", np.int64),
        ("paused", np.int64),  # adjustable too
        ("paused_by_operator", np.int64),  # each lets go of its own pause alone
        # strategy, adjustable while running
        ("decision_interval_blocks", np.int64),
        ("use_fast_lane", np.int64),
        ("use_smart_lane", np.int64),
        ("fast_lane_threshold_micro_usd", np.int64),
        ("max_position_size_bp", np.int64),
        ("max_trade_size_micro_usd", np.int64),
        ("stop_loss_bp", np.int64),
        ("take_profit_bp", np.int64),
        ("max_hold_blocks", np.int64),
        ("max_daily_trades", np.int64),
        ("max_concurrent_positions", np.int64),
        ("min_liquidity_micro_usd", np.int64),
        ("max_slippage_bp", np.int64),
        ("confidence_threshold_bp", np.int64),
        ("gas_bid_bp", np.int64),  # scales the bid; 10000 leaves it to the account
        # limits of the account, which hold for every strategy; never adjusted
        ("account_max_position_size_bp", np.int64),
        ("account_max_daily_trades", np.int64),
        ("account_stop_loss_bp", np.int64),
        # realism of the account
        ("base_slippage_bp", np.int64),
        ("gas_price_multiplier_bp", np.int64),  # 10000 is 1.0
        ("execution_delay_ms", np.int64),
        ("simulate_network_issues", np.int64),
        ("failure_rate_bp", np.int64),
        ("simulate_mev", np.int64),
        # ledger
        ("initial_micro_usd", np.int64),
        ("cash_micro_usd", np.int64),
        ("reserved_micro_usd", np.int64),  # of the cash, promised to orders in flight
        ("gas_paid_micro_usd", np.int64),
        ("realized_micro_usd", np.int64),  # sale proceeds minus cost basis, before gas
        # what trading has cost against the mids of the decision blocks; gas of orders that filled is in none of these
        ("fees_micro_usd", np.int64),
        ("impact_micro_usd", np.int64),
        ("drift_micro_usd", np.int64),
        ("sandwich_micro_usd", np.int64),
        ("failure_micro_usd", np.int64),
        # activity
        ("open_positions", np.int64),
        ("orders_in_flight", np.int64),
        ("buys_in_flight", np.int64),  # those that are to open a position
        ("trades_today", np.int64),
        ("completed_trades", np.int64),
        ("failed_trades", np.int64),  # failed or cancelled
        ("winning_trades", np.int64),  # closed positions with a net profit (TRADE.net_micro_usd)
        ("losing_trades", np.int64),
        ("won_micro_usd", np.int64),
        ("lost_micro_usd", np.int64),  # as a positive number
        ("largest_win_micro_usd", np.int64),
        ("largest_loss_micro_usd", np.int64),  # as a positive number
        # numbering of what this session writes
        ("next_trade", np.int64),
        ("next_decision", np.int64),
        ("next_position", np.int64),
        ("next_mark", np.int64),
        ("next_adjustment", np.int64),
        # as they stood at the previous mark, and the largest results since
        ("mark_equity_micro_usd", np.int64),
        ("mark_completed_trades", np.int64),
        ("mark_failed_trades", np.int64),
        ("mark_winning_trades", np.int64),
        ("mark_losing_trades", np.int64),
        ("mark_won_micro_usd", np.int64),
        ("mark_lost_micro_usd", np.int64),
        ("mark_gas_paid_micro_usd", np.int64),
        ("period_largest_win_micro_usd", np.int64),
        ("period_largest_loss_micro_usd", np.int64),
        # streaming Sharpe ratio over returns from mark to mark (Welford)
        ("return_count", np.int64),
        ("return_mean", np.float64),
        ("return_m2", np.float64),
        # ring of the latest closed trades, newest at (closed_trades - 1) % RECENT_TRADES
        ("recent_pnl_micro_usd", np.int64, (RECENT_TRADES,)),
    ],
    align=True,
)

HOLDING = np.dtype(
    [
        ("tradable", np.int64),
        # position, open while the quantity is not zero
        ("quantity_hi", np.uint64),
        ("quantity_lo", np.uint64),
        ("cost_micro_usd", np.int64),  # cost basis of the quantity held, gas not included
        ("gas_micro_usd", np.int64),  # gas of the purchases of the quantity held
        # of the position as a whole, what has been sold of it included
        ("invested_micro_usd", np.int64),
        ("earned_micro_usd", np.int64),  # proceeds of its sales minus their cost basis, before gas
        ("net_micro_usd", np.int64),  # that minus the gas of those sales and of the purchases of what they sold
        ("stop_micro_usd", np.int64),  # leave when the position is worth this or less
        ("target_micro_usd", np.int64),  # leave when it is worth this or more
        ("opened_block", np.int64),
        ("position", np.int64),  # ordinal of the position, -1 before the first
        # latest HOLD or SKIP that was written down, type and reason in one number; 0 after an order and at the start
        ("said", np.int64),
        ("said_block", np.int64),
        # order in flight, while the side is neither NONE nor AWAY
        ("order_side", np.int64),
        ("order_opens", np.int64),  # 1: it is to open a position
        ("order_lane", np.int64),
        ("order_reason", np.int64),
        ("order_trade", np.int64),
        ("order_decision", np.int64),
        ("order_decided_block", np.int64),
        ("order_due_block", np.int64),
        ("order_deadline_block", np.int64),
        ("order_delay_ms", np.int64),
        ("order_route", np.int64),  # row of ROUTE
        ("order_from", np.int64),  # of a swap, the row of the token paid with; else -1
        ("order_from_route", np.int64),  # of a swap, the row of ROUTE by which that is sold; else -1
        ("order_price_q", np.uint64),  # mid of the token at the decision block
        ("order_value_micro_usd", np.int64),  # what is paid with, at that mid
        ("order_fee_micro_usd", np.int64),  # what the pools of the route keep of it
        ("order_dropped", np.int64),  # lost on its way: never included
        ("order_in_hi", np.uint64),
        ("order_in_lo", np.uint64),
        ("order_quote_hi", np.uint64),
        ("order_quote_lo", np.uint64),
        ("order_min_hi", np.uint64),
        ("order_min_lo", np.uint64),
        ("order_max_fee_wei", np.int64),  # per gas
        ("order_tip_wei", np.int64),  # per gas
        ("order_reserved_micro_usd", np.int64),
        ("watch", np.int64),  # these are watched for Auto Pilot after a segment, not by the kernel
        ("watched_block", np.int64),  # first block that was not looked at yet
        ("watch_start_q", np.uint64),  # mid at which it began to be held, or at which it was left
        ("watch_best_q", np.uint64),  # highest mid since
        ("watch_exit", np.int64),  # which of the session's exits that was
        ("watch_until_block", np.int64),  # first block that no longer counts for that exit
        ("watch_cost_micro_usd", np.int64),  # execution costs of the position
    ],
    align=True,
)

TOKEN = np.dtype(
    [
        ("price_shift", np.int64),
        ("decimals", np.int64),
        ("first_route", np.int64),  # its rows of ROUTE
        ("n_routes", np.int64),
        ("max_swap_gas", np.int64),  # the most that a swap through any of them burns
    ],
    align=True,
)
"""What the kernel must know of a token; shape ``(n_tokens,)``."""

PAIR = np.dtype(
    [
        ("kind", np.int64),  # PoolKind
        ("swap_kind", np.int64),  # SwapKind of its venue
        ("fee_pips", np.int64),  # of the input, in millionths
        ("tick_spacing", np.int64),
        ("token_is_zero", np.int64),  # whether the traded token is the contract's token0
        ("against", np.int64),  # row of the token on the other side, -1 for USDC
    ],
    align=True,
)
"""The terms of a pool, which never change; shape ``(n_pools,)``."""

ROUTE = np.dtype([("pool", np.int64), ("usd_pool", np.int64)], align=True)
"""How a token is traded: in ``pool``, and on to USDC in ``usd_pool`` where it must be (else -1); ``(n_routes,)``."""

MID = np.dtype([("price_q", np.uint64), ("depth_micro_usd", np.uint64)], align=True)
"""A token at one block: the mid price of its first pool and the USD side of all its pools; shape
``(n_blocks, n_tokens)``."""

POOL = np.dtype(
    [
        ("other_hi", np.uint64),  # reserve of USDC, or of the token it is traded against
        ("other_lo", np.uint64),
        ("reserve_hi", np.uint64),  # reserve of the traded token
        ("reserve_lo", np.uint64),
        ("sqrt_2", np.uint64),  # sqrtPriceX96 of a concentrated pool
        ("sqrt_1", np.uint64),
        ("sqrt_0", np.uint64),
        ("liquidity_hi", np.uint64),
        ("liquidity_lo", np.uint64),
    ],
    align=True,
)
"""A pool at one block, the reserves of a concentrated one being the virtual ones; shape ``(n_blocks, n_pools)``."""

GAS = np.dtype(
    [
        ("base_fee_wei", np.int64),
        ("priority_fee_wei", np.int64),  # what the block's transactions typically tip
        ("marginal_tip_wei", np.int64),  # least tip that a full block includes; 0 where there is room
        ("l1_fee_wei", np.int64),  # of one swap transaction's data; 0 on a layer 1
        ("gas_used", np.int64),
        ("is_missed", np.int64),  # 1: nobody proposed a block in this slot, and nothing is included
        ("native_price_q", np.uint64),  # micro-USD per wei of the chain's own coin, times 2**NATIVE_SHIFT
    ],
    align=True,
)
"""The chain at one block; shape ``(n_blocks,)``."""

SIGNAL = np.dtype(
    [
        ("trend_bp", np.int32),  # factors: -10000 (against buying) to 10000 (for it)
        ("momentum_bp", np.int32),
        ("volatility_bp", np.int32),
        ("depth_bp", np.int32),
        ("gas_bp", np.int32),
        ("opportunity_bp", np.int32),  # 0 to 10000, neutral at 5000
        ("risk_bp", np.int32),  # 0 to 10000
        ("confidence_bp", np.int32),  # 0 to 10000
    ],
    align=True,
)
"""What an analyst says of a token at one block; shape ``(n_blocks, n_tokens)``."""

TRADE = np.dtype(
    [
        ("session", np.int64),  # row of the cohort
        ("trade", np.int64),  # ordinal within the session
        ("token", np.int64),
        ("side", np.int64),
        ("lane", np.int64),
        ("reason", np.int64),
        ("status", np.int64),
        ("failure", np.int64),
        ("decision", np.int64),  # ordinal of the decision behind it
        ("position", np.int64),  # ordinal of the position of its token, -1 for a purchase or swap that did not fill
        ("opened_block", np.int64),  # of that position, -1 where there is none
        # a swap's other position, that of the token paid with; -1 for all other orders
        ("from_token", np.int64),
        ("from_route", np.int64),
        ("from_position", np.int64),
        ("from_opened_block", np.int64),
        ("decided_block", np.int64),
        ("block", np.int64),  # of inclusion or of giving up
        ("delay_ms", np.int64),
        ("route", np.int64),  # row of ROUTE
        ("in_hi", np.uint64),  # base units of the token paid with: micro-USD for a buy
        ("in_lo", np.uint64),
        ("value_micro_usd", np.int64),  # the same at the mid of the decision block
        ("quote_hi", np.uint64),  # base units promised at the decision block
        ("quote_lo", np.uint64),
        ("min_hi", np.uint64),
        ("min_lo", np.uint64),
        ("out_hi", np.uint64),  # base units received; zero unless completed
        ("out_lo", np.uint64),
        ("gas_price_wei", np.int64),
        ("gas_used", np.int64),  # zero when cancelled
        ("gas_micro_usd", np.int64),
        ("cost_micro_usd", np.int64),  # cost basis added by a buy or swap, removed by a sale
        ("realized_micro_usd", np.int64),  # proceeds of what was sold minus its cost basis
        ("net_micro_usd", np.int64),  # that minus the gas of the sale and of the purchases of what was sold
        ("closes", np.int64),  # 1: nothing is left of the position that was sold from
        ("invested_micro_usd", np.int64),  # in all, in the position that was sold from
        ("earned_micro_usd", np.int64),  # in all, by sales of it
        ("cash_micro_usd", np.int64),  # after the trade
        # what it cost against the mid of the decision block; the parts and the gas add up to the whole
        ("execution_cost_micro_usd", np.int64),
        ("fee_micro_usd", np.int64),  # kept by the pools
        ("impact_micro_usd", np.int64),  # the rest of mid against quote
        ("drift_micro_usd", np.int64),  # quote against what the pools would have given at inclusion
        ("sandwich_micro_usd", np.int64),  # that against what they gave
        ("failure_micro_usd", np.int64),  # gas of an order that did not fill
    ],
    align=True,
)

UNASKED = -1
"""Stands for the promise of pools that were not asked."""


class Case(NamedTuple):
    """What a session knows of one token when it decides: integers only, in the units that their names end with."""

    is_held: int
    opportunity_bp: int
    confidence_bp: int
    confidence_threshold_bp: int
    paused: int  # 1 by Auto Pilot, 2 by an operator, 3 by both
    liquidity_micro_usd: int
    min_liquidity_micro_usd: int
    orders_today: int
    max_daily_trades: int
    positions: int  # open or being opened
    max_concurrent_positions: int
    size_micro_usd: int  # of the purchase that every limit allows; where a swap is weighed, worth of what it would sell
    least_size_micro_usd: int  # below which it is not worth it
    most_size_micro_usd: int  # the limits of position and trade alone, without regard to cash
    use_fast_lane: int
    use_smart_lane: int
    fast_lane_threshold_micro_usd: int
    promised_micro_usd: int  # worth of what the best route promises for the order; UNASKED where there is none
    round_trip_micro_usd: int  # what going in and out again would cost at that promise; 0 where nobody asked
    max_round_trip_micro_usd: int
    free_micro_usd: int  # cash that no order in flight has been promised
    exit_gas_micro_usd: int  # the most that the gas of a sale, or of the swap that is weighed, can cost
    held_blocks: int
    max_hold_blocks: int
    value_micro_usd: int  # of what is held
    sale_micro_usd: int  # of the part of it that one sale may sell
    stop_micro_usd: int
    target_micro_usd: int
    rival_token: int  # row of the weakest token held, if the book is full and a swap is weighed; else -1
    rival_opportunity_bp: int


DECISION = np.dtype(
    [
        ("session", np.int64),
        ("decision", np.int64),  # ordinal within the session
        ("block", np.int64),
        ("token", np.int64),
        ("type", np.int64),
        ("reason", np.int64),
        ("lane", np.int64),
        ("trade", np.int64),  # ordinal of the order it sent, -1 for none
        ("observed", np.int64),  # what was seen, in the unit of the reason
        ("limit", np.int64),  # what it was held against
        ("case", [(name, np.int64) for name in Case._fields]),  # all that the rule looked at
    ],
    align=True,
)

MARK = np.dtype(
    [
        ("session", np.int64),
        ("mark", np.int64),  # ordinal within the session
        ("block", np.int64),  # the last block of the period
        ("equity_micro_usd", np.int64),
        ("cash_micro_usd", np.int64),
        ("max_drawdown_bp", np.int64),
        # all since the start of the session
        ("completed_trades", np.int64),
        ("failed_trades", np.int64),
        ("winning_trades", np.int64),
        ("losing_trades", np.int64),
        ("won_micro_usd", np.int64),
        ("lost_micro_usd", np.int64),
        ("largest_win_micro_usd", np.int64),
        ("largest_loss_micro_usd", np.int64),
        ("gas_paid_micro_usd", np.int64),
        ("realized_micro_usd", np.int64),
        ("return_count", np.int64),
        ("return_mean", np.float64),
        ("return_m2", np.float64),
        # of the period alone
        ("before_micro_usd", np.int64),  # equity at its start
        ("period_completed_trades", np.int64),
        ("period_failed_trades", np.int64),
        ("period_winning_trades", np.int64),
        ("period_losing_trades", np.int64),
        ("period_won_micro_usd", np.int64),
        ("period_lost_micro_usd", np.int64),
        ("period_largest_win_micro_usd", np.int64),
        ("period_largest_loss_micro_usd", np.int64),
        ("period_gas_paid_micro_usd", np.int64),
    ],
    align=True,
)
"""A session's figures at the end of a review period: equity curve, metrics and snapshots come from these."""
