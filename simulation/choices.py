"""The choices that records hold as numbers: sides, lanes, kinds of decision, their reasons, endings and failures."""

from __future__ import annotations

from enum import IntEnum


class Side(IntEnum):
    """Direction of an order."""

    NONE = 0
    BUY = 1
    SELL = 2
    SWAP = 3
    """One token for another; the order is kept with the token that is bought."""
    AWAY = 4
    """No order of its own: what is held has been promised to a swap into another token."""


class Lane(IntEnum):
    """FAST: quick rule, small trades, public mempool. SMART: full analysis, slower, private routing."""

    FAST = 0
    SMART = 1


class TradeStatus(IntEnum):
    """How an order ended."""

    COMPLETED = 1
    FAILED = 2
    CANCELLED = 3


class Failure(IntEnum):
    """Why an order did not fill."""

    NONE = 0
    SLIPPAGE = 1
    """The pool would have given less than the minimum output; the swap reverted and paid gas."""
    REVERTED = 2
    """The transaction reverted for a reason of its own and paid gas."""
    EXPIRED = 3
    """No block had a place for the order's fee cap and tip until its deadline; no gas was paid."""
    UNAFFORDABLE = 4
    """The account could not pay the gas at inclusion; nothing was sent."""
    DROPPED = 5
    """The transaction was lost on its way and never reached a block; no gas was paid."""
    NO_LIQUIDITY = 6
    """A pool on the route had nothing left to give; the swap reverted and paid gas."""
    SESSION_ENDED = 7
    """The account went on with another session; the order was taken back before it was included, and paid no gas."""


class PoolKind(IntEnum):
    """The curve of a pool."""

    CONSTANT_PRODUCT = 0
    """x * y = k, as in Uniswap V2 and SushiSwap."""
    CONCENTRATED = 1
    """Liquidity within price ranges, as in Uniswap V3."""


class DecisionType(IntEnum):
    """What a session decided about a token."""

    BUY = 1
    SELL = 2
    HOLD = 3
    SKIP = 4
    STOP_LOSS = 5
    TAKE_PROFIT = 6


class Reason(IntEnum):
    """Why a session decided so; ``observed`` and ``limit`` of the decision are in the unit named."""

    SIGNAL = 1
    """Confidence against its threshold (bp)."""
    STOP_LOSS = 2
    """Value against the stop value of the position (micro-USD)."""
    TAKE_PROFIT = 3
    """Value against the target value of the position (micro-USD)."""
    HOLD_TIME = 4
    """Blocks held against the most allowed."""
    NO_OPPORTUNITY = 5
    """Opportunity against the neutral 5000 (bp)."""
    LOW_CONFIDENCE = 6
    """Confidence against its threshold (bp)."""
    LOW_LIQUIDITY = 7
    """USD reserve of the token's pools together against the floor (micro-USD)."""
    DAILY_TRADES = 8
    """Orders today against the most allowed."""
    CONCURRENT_POSITIONS = 9
    """Positions open or being opened against the most allowed."""
    INSUFFICIENT_CASH = 10
    """Affordable trade size against the smallest worth sending (micro-USD)."""
    GAS_UNAFFORDABLE = 11
    """Free cash against the gas an exit may need (micro-USD)."""
    PAUSED = 12
    """Buying is paused: 1 by an operator, 0 by Auto Pilot alone."""
    TOO_COSTLY = 13
    """What going in and out again would cost against the most that the SMART lane accepts (micro-USD)."""
    NO_LIQUIDITY = 14
    """Worth of what the pools promise, which is nothing, against the least that is worth asking for (micro-USD)."""
    BETTER_CANDIDATE = 15
    """How far the opportunity is ahead of the weakest token held, against the least lead worth a swap (bp)."""
