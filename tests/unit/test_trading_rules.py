"""One rule of trading a test, on markets made by hand.

Blocks are 12 seconds, so that without bad luck an order decided in one block is due in the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_made import BALANCE_MICRO_USD, MICRO_USD, RULES, Played, Stage, account, only, stage, tempting, token, unlucky

from simulation import cohort as cohorts
from simulation.choices import DecisionType, Failure, Reason, Side, TradeStatus
from simulation.market.segment import terms_of
from simulation.state import Case
from simulation.trading.judging import judge
from simulation.trading.rules import DAY_MS


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
    assert 25_000 <= reverted["gas_used"] <= 45_000 < filled["gas_used"]


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


@pytest.mark.parametrize(
    ("field", "beyond_micro_usd", "decision"),
    [
        ("stop_micro_usd", 0, DecisionType.STOP_LOSS),
        ("stop_micro_usd", -1, DecisionType.HOLD),
        ("target_micro_usd", 0, DecisionType.TAKE_PROFIT),
        ("target_micro_usd", 1, DecisionType.HOLD),
    ],
)
def test_a_position_is_left_at_exactly_its_stop_or_target(
    field: str, beyond_micro_usd: int, decision: DecisionType
) -> None:
    cohort = tempting(10).run(account()).cohort
    value_micro_usd = int(cohort.sessions["equity_micro_usd"][0] - cohort.sessions["cash_micro_usd"][0])
    cohort.holdings[field] = value_micro_usd + beyond_micro_usd
    made = stage(1)
    _, outcome = cohorts.advance(cohort, replace(made.segment, first_block=10), terms_of(made.infos), RULES)
    assert outcome.decisions["type"].tolist() == [decision]


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
    third = only(played.decided(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS))
    assert (third["token"], third["observed"], third["limit"]) == (2, 2, 2)
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


def test_a_thought_that_only_repeats_the_last_one_is_written_once_in_a_while() -> None:
    played = stage(60).run(account(decision_interval_blocks=1), repeat_blocks=20, change_blocks=5)
    assert played.outcome.decisions["block"].tolist() == [0, 20, 40]


def test_a_thought_that_differs_from_the_last_one_is_written_sooner_but_not_at_once() -> None:
    made = stage(60)
    made.signal(6_000, slice(22, 60), confidence_bp=100)
    rows = made.run(account(decision_interval_blocks=1), repeat_blocks=20, change_blocks=5).outcome.decisions
    assert list(zip(rows["block"].tolist(), rows["reason"].tolist(), strict=True)) == [
        (0, Reason.NO_OPPORTUNITY),
        (20, Reason.NO_OPPORTUNITY),
        (25, Reason.LOW_CONFIDENCE),
        (45, Reason.LOW_CONFIDENCE),
    ]


def test_unwritten_thoughts_change_nothing_but_the_count() -> None:
    often, rarely = (
        tempting().run(account(decision_interval_blocks=1), repeat_blocks=blocks, change_blocks=blocks)
        for blocks in (1, 30)
    )
    assert often.trades["block"].tolist() == rarely.trades["block"].tolist()
    assert len(often.outcome.decisions) > len(rarely.outcome.decisions) > 0


def test_the_smart_lane_refuses_what_costs_more_than_half_of_its_target() -> None:
    terms = {"use_smart_lane": True, "use_fast_lane": False, "max_trade_size_usd": 200}
    (refused,) = tempting().run(account(**terms, take_profit_percent=1)).decided(DecisionType.SKIP, Reason.TOO_COSTLY)
    assert refused["observed"] > refused["limit"] == 200 * 10**6 // 100 // 2
    assert len(tempting().run(account(**terms, take_profit_percent=100)).decided(DecisionType.BUY)) == 1
    assert len(tempting().run(account(max_trade_size_usd=200, take_profit_percent=1)).decided(DecisionType.BUY)) == 1


def test_a_ruling_follows_from_the_case_that_is_stored_with_it() -> None:
    rows = tempting().run(account()).outcome.decisions
    assert {DecisionType.BUY, DecisionType.SKIP} <= set(rows["type"].tolist())
    for row in rows:
        ruling = judge(Case(*row["case"].tolist()))
        assert tuple(ruling) == tuple(row[["type", "reason", "observed", "limit"]].item())


def test_what_no_pool_would_give_anything_for_is_not_bought() -> None:
    made = tempting()
    made.segment.pools["reserve_lo"][:] = made.segment.pools["reserve_hi"][:] = 0
    played = made.run(account())
    assert len(played.trades) == 0
    (skipped,) = played.decided(DecisionType.SKIP, Reason.NO_LIQUIDITY)
    assert (skipped["observed"], skipped["limit"]) == (0, 1)


def test_what_no_pool_would_give_anything_for_is_not_sold_either() -> None:
    made = tempting()
    made.price(1.0, since=8)
    made.segment.pools["other_lo"][8:] = made.segment.pools["other_hi"][8:] = 0
    played = made.run(account(stop_loss_percent=5))
    assert [(int(row["side"]), int(row["status"])) for row in played.trades] == [(Side.BUY, TradeStatus.COMPLETED)]
    assert played.session["open_positions"] == 1


def test_nobody_accepts_nothing() -> None:
    coarse = stage(40, token(decimals=0, price_usd=9.0))
    coarse.price(9.0, since=0)
    coarse.signal(8_000, slice(3, 4))
    trade = coarse.run(account(max_trade_size_usd=10)).trades[0]
    assert (trade["quote_lo"], trade["min_lo"], trade["out_lo"]) == (1, 1, 1)
