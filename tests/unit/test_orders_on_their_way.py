"""What an order meets between its decision and its inclusion: gas, delay, lanes.

Blocks are 12 seconds, so that without bad luck an order decided in one block is due in the next.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hand_made import BALANCE_MICRO_USD, GWEI, MICRO_USD, account, native_price_q, only, tempting, unlucky
from twin_arithmetic import most_swap_gas

from simulation.choices import Failure, Lane, TradeStatus
from simulation.trading.rules import DEADLINE_MS


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
    assert trade["block"] == 4 + DEADLINE_MS // 12_000
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
    most_gas_micro_usd = most_swap_gas(1, 0) * 21 * GWEI / 10**18 * 2_000 * MICRO_USD
    assert int(trade["in_lo"]) == pytest.approx(BALANCE_MICRO_USD - 2 * most_gas_micro_usd, abs=4)


@pytest.mark.parametrize(("delay_ms", "block"), [(0, 4), (11_799, 4), (11_800, 5), (25_000, 6), (600_000, 54)])
def test_the_execution_delay_counts_in_whole_blocks(delay_ms: int, block: int) -> None:
    trade = only(tempting(60).run(unlucky(execution_delay_ms=delay_ms)).trades)
    assert trade["delay_ms"] == delay_ms + 200
    assert trade["block"] == block


def test_network_issues_make_a_few_orders_a_few_blocks_late() -> None:
    accounts = [account(f"{row}", trading={"simulate_network_issues": True}) for row in range(500)]
    trades = tempting().run(*accounts).trades
    late_blocks = trades["block"][trades["failure"] != Failure.DROPPED] - 4
    assert set(late_blocks.tolist()) <= set(range(6))
    assert 2 <= np.count_nonzero(late_blocks) <= 30


def test_network_issues_lose_a_few_orders_which_are_given_up_at_their_deadline_and_cost_nothing() -> None:
    accounts = [account(f"{row}", trading={"simulate_network_issues": True}) for row in range(1_000)]
    trades = tempting().run(*accounts).trades
    lost = trades[trades["failure"] == Failure.DROPPED]
    assert 1 <= len(lost) <= 20
    assert set((lost["block"] - 4 - DEADLINE_MS // 12_000).tolist()) <= set(range(6))
    assert (lost["status"] == TradeStatus.CANCELLED).all()
    assert (lost["cash_micro_usd"] == BALANCE_MICRO_USD).all()


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
    trade = only(
        tempting().run(account(use_smart_lane=True, max_trade_size_usd=size_usd, take_profit_percent=100)).trades
    )
    assert trade["lane"] == lane
