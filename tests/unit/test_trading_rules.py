"""One rule of trading a test, on markets made by hand.

Blocks are 12 seconds, so that without bad luck an order decided in one block is due in the next.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hand_made import GWEI, MICRO_USD, Played, Stage, account, native_price_q, stage, token

from simulation.state import DecisionType, Failure, Lane, Reason, Side, TradeStatus
from simulation.trading.rules import DAY_MS, DEADLINE_BLOCKS

if TYPE_CHECKING:
    from simulation.scenario import AccountSpec

BUY_AT = slice(3, 4)
"""The block at which most of these markets have something to buy."""

BALANCE_MICRO_USD = 10_000 * MICRO_USD


def tempting(n_blocks: int = 40) -> Stage:
    """Return a calm market with one block in which the analyst says to buy."""
    made = stage(n_blocks)
    made.signal(8_000, BUY_AT)
    return made


def only(rows: np.ndarray) -> np.void:
    """Return the one row."""
    assert len(rows) == 1
    row: np.void = rows[0]
    return row


def unlucky(**trading: Any) -> AccountSpec:
    """Return an account whose trading config differs from the certain one."""
    return account(trading=trading)


# -- fills


def test_a_purchase_is_filled_in_the_next_block_as_it_was_quoted() -> None:
    trade = only(tempting().run(account()).trades)
    assert (trade["side"], trade["status"], trade["failure"]) == (Side.BUY, TradeStatus.COMPLETED, Failure.NONE)
    assert (trade["decided_block"], trade["block"]) == (3, 4)
    assert (trade["out_hi"], trade["out_lo"]) == (trade["quote_hi"], trade["quote_lo"])


def test_a_swap_below_its_minimum_output_fails_and_pays_gas() -> None:
    made = tempting()
    made.price(2.1, since=4)
    played = made.run(account(max_slippage_percent=1))
    trade = only(played.trades)
    assert (trade["status"], trade["failure"]) == (TradeStatus.FAILED, Failure.SLIPPAGE)
    assert (trade["out_hi"], trade["out_lo"], trade["position"]) == (0, 0, -1)
    assert trade["gas_micro_usd"] > 0
    assert played.session["cash_micro_usd"] == BALANCE_MICRO_USD - trade["gas_micro_usd"]


def test_a_move_within_the_slippage_tolerance_is_filled_at_the_new_price() -> None:
    made = tempting()
    made.price(2.01, since=4)
    trade = only(made.run(account(max_slippage_percent=1)).trades)
    assert trade["status"] == TradeStatus.COMPLETED
    assert trade["min_hi"] <= trade["out_hi"] <= trade["quote_hi"]
    assert trade["out_lo"] != trade["quote_lo"]


def test_with_a_failure_rate_of_100_percent_every_order_reverts_and_pays_gas() -> None:
    made = stage(40)
    made.signal(8_000, slice(None))
    played = made.run(unlucky(failure_rate_percent=100))
    assert len(played.trades) == 20
    assert set(played.trades["failure"]) == {Failure.REVERTED}
    assert np.all(played.trades["gas_micro_usd"] > 0)
    assert played.session["cash_micro_usd"] == BALANCE_MICRO_USD - played.trades["gas_micro_usd"].sum()


def test_a_reverted_swap_pays_for_less_gas_than_a_filled_one() -> None:
    filled = only(tempting().run(account()).trades)
    reverted = only(tempting().run(unlucky(failure_rate_percent=100)).trades)
    assert reverted["gas_used"] == filled["gas_used"] * 6 // 10


def test_other_swaps_in_the_block_make_a_fill_worse_but_by_no_more_than_the_base_slippage() -> None:
    accounts = [account(f"{row}", trading={"base_slippage_percent": 1}) for row in range(50)]
    trades = tempting().run(*accounts).trades
    share = [float(row["out_hi"]) / float(row["quote_hi"]) for row in trades]
    assert len(trades) == 50
    assert all(0.9 < part <= 1.0 for part in share)
    received = np.array([(int(row["out_hi"]) << 64) + int(row["out_lo"]) for row in trades], dtype=object)
    promised = np.array([(int(row["quote_hi"]) << 64) + int(row["quote_lo"]) for row in trades], dtype=object)
    losses = (promised - received) / promised
    assert 0 <= min(losses) < 0.002
    assert 0.008 < max(losses) <= 0.01


# -- gas and waiting


@pytest.mark.parametrize(("multiplier", "price_gwei"), [(Decimal("0.6"), 10.6), (1, 11), (2, 12), (10, 20)])
def test_the_gas_price_multiplier_scales_the_priority_fee(multiplier: Decimal, price_gwei: float) -> None:
    trade = only(tempting().run(unlucky(gas_price_multiplier=multiplier)).trades)
    assert trade["gas_price_wei"] == int(price_gwei * GWEI)


def test_a_higher_gas_price_multiplier_pays_more_for_the_same_gas() -> None:
    modest, eager = (only(tempting().run(unlucky(gas_price_multiplier=by)).trades) for by in (1, 5))
    assert eager["gas_used"] == modest["gas_used"]
    assert eager["gas_micro_usd"] > modest["gas_micro_usd"]


def test_gas_costs_its_amount_times_its_price_in_the_chains_coin() -> None:
    trade = only(tempting().run(account()).trades)
    exact_micro_usd = int(trade["gas_used"]) * int(trade["gas_price_wei"]) / 10**18 * 2_000 * MICRO_USD
    assert 0 <= trade["gas_micro_usd"] - exact_micro_usd <= 1.001


def test_an_order_waits_until_the_base_fee_is_back_below_its_cap() -> None:
    made = tempting()
    made.base_fee(30, slice(4, 9))
    trade = only(made.run(account()).trades)
    assert (trade["status"], trade["block"]) == (TradeStatus.COMPLETED, 9)


def test_an_order_that_waited_to_its_deadline_is_cancelled_and_pays_nothing() -> None:
    made = tempting(60)
    made.base_fee(30, slice(4, None))
    played = made.run(account())
    trade = only(played.trades)
    assert (trade["status"], trade["failure"]) == (TradeStatus.CANCELLED, Failure.EXPIRED)
    assert trade["block"] == 4 + DEADLINE_BLOCKS
    assert (trade["gas_used"], trade["gas_micro_usd"]) == (0, 0)
    assert played.session["cash_micro_usd"] == BALANCE_MICRO_USD
    assert played.session["reserved_micro_usd"] == 0


def test_an_order_whose_gas_the_account_cannot_pay_is_cancelled_and_pays_nothing() -> None:
    made = tempting()
    made.segment.gas["native_price_q"][4:] = native_price_q(20_000.0)
    played = made.run(account(balance_usd=30, max_position_size_percent=100))
    trade = only(played.trades)
    assert (trade["status"], trade["failure"]) == (TradeStatus.CANCELLED, Failure.UNAFFORDABLE)
    assert played.session["cash_micro_usd"] == 30 * MICRO_USD


def test_a_purchase_keeps_back_the_gas_of_itself_and_of_its_sale() -> None:
    played = tempting().run(account(max_position_size_percent=100, max_trade_size_usd=100_000))
    trade = only(played.trades)
    most_gas_micro_usd = 143_000 * 21 * GWEI / 10**18 * 2_000 * MICRO_USD
    assert int(trade["in_lo"]) == pytest.approx(BALANCE_MICRO_USD - 2 * most_gas_micro_usd, abs=4)


# -- delay and lanes


@pytest.mark.parametrize(("delay_ms", "block"), [(0, 4), (11_799, 4), (11_800, 5), (25_000, 6), (600_000, 54)])
def test_the_execution_delay_counts_in_whole_blocks(delay_ms: int, block: int) -> None:
    trade = only(tempting(60).run(unlucky(execution_delay_ms=delay_ms)).trades)
    assert trade["delay_ms"] == delay_ms + 200
    assert trade["block"] == block


def test_network_issues_make_a_few_orders_a_few_blocks_late() -> None:
    accounts = [account(f"{row}", trading={"simulate_network_issues": True}) for row in range(500)]
    late_blocks = tempting().run(*accounts).trades["block"] - 4
    assert set(late_blocks.tolist()) <= set(range(6))
    assert 2 <= np.count_nonzero(late_blocks) <= 30


def test_the_smart_lane_thinks_longer_before_it_sends() -> None:
    blocks = {}
    for lane in Lane:
        spec = account(use_fast_lane=lane == Lane.FAST, use_smart_lane=lane == Lane.SMART)
        trade = only(tempting(60).run(spec, block_time_ms=1_000).trades)
        assert trade["lane"] == lane
        blocks[lane] = trade["block"]
    assert blocks[Lane.FAST] == 4
    assert blocks[Lane.SMART] >= 3 + 1 + 3


def test_a_private_order_may_miss_a_few_builders() -> None:
    accounts = [account(f"{row}", use_fast_lane=False, use_smart_lane=True) for row in range(500)]
    missed_blocks = tempting().run(*accounts).trades["block"] - 4
    assert set(missed_blocks.tolist()) <= set(range(5))
    assert 60 <= np.count_nonzero(missed_blocks) <= 140


def test_no_other_swaps_come_before_a_private_order() -> None:
    spec = account(use_fast_lane=False, use_smart_lane=True, trading={"base_slippage_percent": 10})
    trade = only(tempting().run(spec).trades)
    assert (trade["out_hi"], trade["out_lo"]) == (trade["quote_hi"], trade["quote_lo"])


@pytest.mark.parametrize(("size_usd", "lane"), [(100, Lane.FAST), (101, Lane.SMART)])
def test_with_both_lanes_open_small_trades_take_the_fast_one(size_usd: int, lane: Lane) -> None:
    trade = only(tempting().run(account(use_smart_lane=True, max_trade_size_usd=size_usd)).trades)
    assert trade["lane"] == lane


# -- exits


def first_sale(played: Played) -> np.void:
    """Return the first sale."""
    sale: np.void = played.trades[played.trades["side"] == Side.SELL][0]
    return sale


@pytest.mark.parametrize(
    ("price_usd", "decision", "reason"),
    [
        (1.8, DecisionType.STOP_LOSS, Reason.STOP_LOSS),
        (2.3, DecisionType.TAKE_PROFIT, Reason.TAKE_PROFIT),
    ],
)
def test_a_position_is_left_at_the_first_block_beyond_its_stop_or_target(
    price_usd: float, decision: DecisionType, reason: Reason
) -> None:
    made = tempting()
    made.price(price_usd, since=10)
    played = made.run(account(decision_interval_blocks=3))
    row = only(played.decided(decision))
    assert (row["block"], row["reason"]) == (10, reason)
    assert (first_sale(played)["decided_block"], first_sale(played)["block"]) == (10, 11)


def test_a_stop_waits_while_the_price_stays_just_above_it() -> None:
    made = tempting()
    made.price(1.92, since=10)
    played = made.run(account())
    assert len(played.trades) == 1
    assert played.session["open_positions"] == 1


def test_a_stop_that_fails_is_tried_again_in_the_same_block() -> None:
    made = tempting(14)
    made.price(1.8, since=10)
    made.price(1.0, since=11)
    made.price(0.5, since=12)
    played = made.run(account(max_slippage_percent=1))
    sales = played.trades[played.trades["side"] == Side.SELL]
    assert sales["decided_block"].tolist() == [10, 11, 12]
    assert sales["failure"].tolist() == [Failure.SLIPPAGE, Failure.SLIPPAGE, Failure.NONE]


def test_a_position_is_sold_when_it_was_held_for_the_longest_time_allowed() -> None:
    played = tempting().run(account(max_hold_hours=1), block_time_ms=600_000)
    row = only(played.decided(DecisionType.SELL))
    assert (row["reason"], row["observed"], row["limit"]) == (Reason.HOLD_TIME, 6, 6)
    assert row["block"] == 4 + 6


def test_a_position_is_sold_when_the_signal_turns_with_confidence() -> None:
    made = tempting()
    made.signal(2_000, slice(10, None), confidence_bp=5_999)
    made.signal(2_000, slice(15, None), confidence_bp=6_000)
    played = made.run(account())
    row = only(played.decided(DecisionType.SELL))
    assert (row["block"], row["reason"]) == (15, Reason.SIGNAL)


def test_a_sale_whose_gas_is_not_there_is_skipped_with_the_numbers() -> None:
    made = tempting()
    made.base_fee(500, slice(10, None))
    made.signal(2_000, slice(10, None))
    played = made.run(account(balance_usd=30, max_position_size_percent=100))
    row = played.decided(DecisionType.SKIP, Reason.GAS_UNAFFORDABLE)[0]
    assert row["block"] == 10
    assert row["observed"] < row["limit"]


# -- limits


def test_a_purchase_is_no_larger_than_its_share_of_the_equity() -> None:
    trade = only(tempting().run(account(max_position_size_percent=3)).trades)
    assert trade["in_lo"] == 300 * MICRO_USD


def test_a_purchase_is_no_larger_than_the_largest_trade() -> None:
    trade = only(tempting().run(account(max_position_size_percent=100, max_trade_size_usd=250)).trades)
    assert trade["in_lo"] == 250 * MICRO_USD


def test_a_purchase_below_ten_usd_is_not_sent() -> None:
    played = tempting().run(account(balance_usd=150))
    row = only(played.decided(DecisionType.SKIP, Reason.INSUFFICIENT_CASH))
    assert (row["observed"], row["limit"]) == (7_500_000, 10_000_000)
    assert len(played.trades) == 0


def two_tokens_wanted() -> Stage:
    made = stage(40, token("AAA"), token("BBB"))
    for row in range(2):
        made.signal(8_000, slice(None), token_row=row)
    return made


@pytest.mark.parametrize("midnight_ms_after_block_9", [1, 6_000, 12_000])
def test_daily_trades_begin_anew_in_the_first_block_after_the_simulated_midnight(
    midnight_ms_after_block_9: int,
) -> None:
    begun_ms = DAY_MS - 9 * 12_000 - midnight_ms_after_block_9
    played = two_tokens_wanted().run(account(max_daily_trades=1), day_offset_ms=begun_ms)
    assert [(int(row["token"]), int(row["block"])) for row in played.decided(DecisionType.BUY)] == [(0, 0), (1, 10)]
    held_back = played.decided(DecisionType.SKIP, Reason.DAILY_TRADES)
    assert held_back["block"].tolist() == list(range(10))


def test_the_daily_limit_never_holds_an_exit_back() -> None:
    made = tempting()
    made.price(1.8, since=10)
    played = made.run(account(max_daily_trades=1))
    assert played.trades["side"].tolist() == [Side.BUY, Side.SELL]


def test_a_purchase_in_flight_counts_as_a_position() -> None:
    made = stage(3, token("AAA"), token("BBB"), token("CCC"))
    for row in range(3):
        made.signal(8_000, slice(0, 1), token_row=row)
    played = made.run(account(max_concurrent_positions=2))
    row = only(played.decided(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS))
    assert (row["token"], row["observed"], row["limit"]) == (2, 2, 2)
    assert played.session["open_positions"] == 2


def test_a_place_that_a_sale_has_freed_is_taken_again() -> None:
    made = two_tokens_wanted()
    made.price(1.8, since=10)
    played = made.run(account(max_concurrent_positions=1))
    bought = played.decided(DecisionType.BUY)
    assert [(int(row["token"]), int(row["block"])) for row in bought[:2]] == [(0, 0), (0, 11)]


@pytest.mark.parametrize(("liquidity_usd", "purchases"), [(9_999.99, 0), (10_000.0, 1)])
def test_a_pool_below_the_liquidity_floor_is_not_bought_from(liquidity_usd: float, purchases: int) -> None:
    made = tempting()
    made.price(2.0, since=0, liquidity_usd=liquidity_usd)
    played = made.run(account(max_trade_size_usd=10))
    assert len(played.decided(DecisionType.BUY)) == purchases
    assert len(played.decided(DecisionType.SKIP, Reason.LOW_LIQUIDITY)) == 1 - purchases


@pytest.mark.parametrize(
    ("lists", "traded"),
    [
        ({}, {0, 1}),
        ({"allowed_tokens": ("BBB",)}, {1}),
        ({"blocked_tokens": ("BBB",)}, {0}),
        ({"allowed_tokens": ("AAA", "BBB"), "blocked_tokens": ("AAA",)}, {1}),
    ],
)
def test_only_allowed_tokens_that_are_not_blocked_are_looked_at(lists: dict[str, Any], traded: set[int]) -> None:
    played = two_tokens_wanted().run(account(**lists))
    assert set(played.outcome.decisions["token"].tolist()) == traded
    assert set(played.trades["token"].tolist()) == traded


@pytest.mark.parametrize(
    ("opportunity_bp", "confidence_bp", "decision", "reason"),
    [
        (5_000, 9_000, DecisionType.SKIP, Reason.NO_OPPORTUNITY),
        (5_001, 5_999, DecisionType.SKIP, Reason.LOW_CONFIDENCE),
        (5_001, 6_000, DecisionType.BUY, Reason.SIGNAL),
    ],
)
def test_a_purchase_needs_an_opportunity_and_enough_confidence(
    opportunity_bp: int, confidence_bp: int, decision: DecisionType, reason: Reason
) -> None:
    made = stage(1)
    made.signal(opportunity_bp, slice(None), confidence_bp)
    row = only(made.run(account(confidence_threshold=60)).outcome.decisions)
    assert (row["type"], row["reason"]) == (decision, reason)


def test_a_session_decides_once_in_its_interval() -> None:
    played = stage(40).run(account(decision_interval_blocks=15))
    assert played.outcome.decisions["block"].tolist() == [0, 15, 30]
