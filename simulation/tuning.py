"""What Auto Pilot may change of a session, and what it remembers of it; the kernel reads none of this."""

from __future__ import annotations

import numpy as np

from simulation.state import RECENT_TRADES

PARAMETERS = (
    "max_position_size_bp",
    "confidence_threshold_bp",
    "stop_loss_bp",
    "take_profit_bp",
    "decision_interval_blocks",
    "gas_bid_bp",
    "max_slippage_bp",
    "max_concurrent_positions",
    "paused",
)
"""Fields of SESSION that Auto Pilot may change; their places here number them."""

TUNING = np.dtype(
    [
        ("is_watched", np.int64),  # 1: Auto Pilot is on for the session
        # the adjustment that is being judged; every review asks these, so they stand together
        ("disabled", np.int64),  # 1: Auto Pilot has switched itself off
        ("failures", np.int64),  # adjustments judged NEGATIVE without another judgement between them
        ("pending_log", np.int64),  # its ordinal in the session's log; -1 for none
        ("pending_parameter", np.int64),
        # closed since, by it or its twin, whichever closed more: one of them may be paused
        ("pending_trades", np.int64),
        ("twin", np.int64),  # row of its twin; -1 for none
        # paired differences of their returns from review to review (Welford)
        ("difference_count", np.int64),
        ("difference_mean", np.float64),
        ("difference_m2", np.float64),
        ("equity_micro_usd", np.int64),  # of the session and of its twin at the latest review
        ("twin_equity_micro_usd", np.int64),
        ("pending_closed", np.int64),  # closed trades when it was made
        ("pending_type", np.int64),
        ("pending_old", np.int64),
        ("pending_block", np.int64),
        ("pending_regime", np.int64),
        ("changed_block", np.int64, (len(PARAMETERS),)),  # of each parameter's latest change; -1 before the first
        ("closed_then", np.int64, (len(PARAMETERS),)),  # closed trades at that change
        # orders that have ended since the latest change of bid or slippage tolerance
        ("orders", np.int64),
        ("slipped_orders", np.int64),  # beyond the slippage tolerance
        ("late_orders", np.int64),  # expired, or included later than they were due
        # rings beside SESSION.recent_pnl_micro_usd: one place a closed trade
        ("watched_trades", np.int64),
        ("exit_reason", np.int32, (RECENT_TRADES,)),  # like all here without gaps between them: bytes are compared
        ("peak_bp", np.int32, (RECENT_TRADES,)),  # highest mid while held against the first
        ("given_back_bp", np.int32, (RECENT_TRADES,)),  # of that, gone at the exit
        ("after_bp", np.int32, (RECENT_TRADES,)),  # highest mid soon after the exit against that at the exit
        ("cost_micro_usd", np.int64, (RECENT_TRADES,)),
    ],
    align=True,
)
"""What Auto Pilot remembers of a session; shape ``(n_sessions,)``."""
