"""Positions that take more than one order: raised, sold in slices, and swapped for a better token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hand_made import MICRO_USD, Played, Stage, account, only, stage, tempting, token

from simulation.choices import DecisionType, Failure, Reason, Side, TradeStatus
from simulation.wei import join

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.scenario import AccountSpec

HALF_A_POSITION: dict[str, Any] = {"max_position_size_percent": 10, "max_trade_size_usd": 500}
"""Of 10,000 USD, a position of 1,000 and trades of 500."""


def of_side(played: Played, side: Side) -> NDArray[np.void]:
    """Return the orders of one side."""
    chosen: NDArray[np.void] = played.trades[played.trades["side"] == side]
    return chosen


def net_worth(played: Played) -> int:
    """Return the cash after all that has been realized and paid, by the books, for an account that holds nothing."""
    session = played.session
    return int(session["initial_micro_usd"] + session["realized_micro_usd"] - session["gas_paid_micro_usd"])


def wanted(n_blocks: int = 40) -> Stage:
    """Return a calm market whose token is wanted in every block."""
    made = stage(n_blocks)
    made.signal(8_000, slice(None))
    return made


def test_a_position_larger_than_a_trade_is_bought_in_slices() -> None:
    played = wanted().run(account(**HALF_A_POSITION))
    bought = of_side(played, Side.BUY)
    assert bought["position"].tolist() == [0, 0]
    assert bought["cost_micro_usd"][0] == 500 * MICRO_USD
    assert 490 * MICRO_USD < bought["cost_micro_usd"][1] <= 500 * MICRO_USD  # a tenth of what is left after gas
    assert played.session["open_positions"] == 1


def test_a_position_is_not_raised_for_less_than_a_quarter_of_its_largest_piece() -> None:
    room_for_a_fifth = account(max_position_size_percent=6, max_trade_size_usd=500)
    assert len(wanted().run(room_for_a_fifth).trades) == 1
    room_for_a_third = account(max_position_size_percent="6.7", max_trade_size_usd=500)
    assert len(wanted().run(room_for_a_third).trades) == 2


def test_the_cost_of_a_position_is_the_average_of_its_purchases() -> None:
    made = wanted(8)
    made.price(2.1, since=3)
    played = made.run(account(**HALF_A_POSITION))
    holding, bought = played.cohort.holdings[0, 0], of_side(played, Side.BUY)
    assert len(bought) == 2
    assert holding["cost_micro_usd"] == holding["invested_micro_usd"] == bought["cost_micro_usd"].sum()
    assert join(holding["quantity_hi"], holding["quantity_lo"]) == sum(
        join(row["out_hi"], row["out_lo"]) for row in bought
    )
    assert holding["gas_micro_usd"] == bought["gas_micro_usd"].sum()
    assert holding["stop_micro_usd"] == holding["cost_micro_usd"] * 95 // 100


def test_a_raised_position_stays_open_since_its_first_purchase() -> None:
    played = wanted(12).run(account(**HALF_A_POSITION))
    first, second = of_side(played, Side.BUY)
    assert second["opened_block"] == first["block"] < second["block"]


def sold_in_slices(**strategy: Any) -> Played:
    """Return what becomes of a position of two trades when its token is no longer wanted."""
    made = wanted(40)
    made.signal(2_000, slice(20, None))
    return made.run(account(**HALF_A_POSITION, **strategy))


def test_a_position_larger_than_a_trade_is_sold_in_slices_whose_costs_add_up_to_its_own() -> None:
    played = sold_in_slices()
    bought, sold = of_side(played, Side.BUY), of_side(played, Side.SELL)
    assert sold["closes"].tolist() == [0, 1]
    assert sold["cost_micro_usd"].sum() == bought["cost_micro_usd"].sum()
    assert sold["earned_micro_usd"].tolist() == np.cumsum(sold["realized_micro_usd"]).tolist()
    assert sold["invested_micro_usd"].tolist() == [bought["cost_micro_usd"].sum()] * 2


def test_a_position_sold_in_slices_is_one_result_with_all_its_gas() -> None:
    played = sold_in_slices()
    session, sold = played.session, of_side(played, Side.SELL)
    assert session["winning_trades"] + session["losing_trades"] == session["closed_trades"] == 1
    assert session["won_micro_usd"] - session["lost_micro_usd"] == sold["net_micro_usd"].sum()
    assert sold["net_micro_usd"].sum() == sold["realized_micro_usd"].sum() - played.trades["gas_micro_usd"].sum()
    assert session["cash_micro_usd"] == net_worth(played)


def test_the_first_slice_is_worth_the_largest_trade() -> None:
    played = sold_in_slices()
    first, _ = of_side(played, Side.SELL)
    assert abs(int(first["value_micro_usd"]) - 500 * MICRO_USD) <= 1


def test_a_rest_of_less_than_a_quarter_is_sold_with_the_slice() -> None:
    made = wanted(40)
    made.price(2.19, since=10)  # worth a fifth more than it was bought for, less fees
    made.signal(2_000, slice(20, None))
    played = made.run(account(max_trade_size_usd=500, take_profit_percent=50))
    sale = only(of_side(played, Side.SELL))
    assert sale["value_micro_usd"] > 500 * MICRO_USD
    assert sale["closes"] == 1


def test_an_exit_at_the_stop_sells_all_at_once() -> None:
    made = wanted(40)
    made.price(1.8, since=20)
    made.signal(5_000, slice(19, None))
    sale = only(of_side(made.run(account(**HALF_A_POSITION)), Side.SELL))
    assert (sale["reason"], sale["closes"]) == (Reason.STOP_LOSS, 1)
    assert sale["value_micro_usd"] > 800 * MICRO_USD


def rivals(lead_bp: int = 2_000, n_blocks: int = 30) -> Stage:
    """Return a market in which one token is wanted first, and later another one more."""
    made = stage(n_blocks, token("AAA"), token("BBB"))
    made.signal(6_000, slice(3, None), token_row=0)
    made.signal(6_000 + lead_bp, slice(10, None), token_row=1)
    return made


def one_place(**changes: Any) -> AccountSpec:
    """Return an account that may hold one token."""
    return account(**{"max_concurrent_positions": 1, **changes})


def test_a_full_book_gives_up_its_weakest_token_for_a_better_one() -> None:
    played = rivals().run(one_place())
    bought, swapped = played.trades
    assert (swapped["side"], swapped["status"], swapped["reason"]) == (
        Side.SWAP,
        TradeStatus.COMPLETED,
        Reason.BETTER_CANDIDATE,
    )
    assert (swapped["from_token"], swapped["token"]) == (0, 1)
    assert (swapped["from_position"], swapped["position"]) == (0, 1)
    assert (swapped["in_hi"], swapped["in_lo"]) == (bought["out_hi"], bought["out_lo"])
    given_up, held = played.cohort.holdings[0]
    assert join(given_up["quantity_hi"], given_up["quantity_lo"]) == 0
    assert join(held["quantity_hi"], held["quantity_lo"]) == join(swapped["out_hi"], swapped["out_lo"])
    assert played.session["open_positions"] == 1


def test_a_swap_costs_the_account_no_cash_but_its_gas() -> None:
    played = rivals().run(one_place())
    bought, swapped = played.trades
    assert swapped["cash_micro_usd"] == bought["cash_micro_usd"] - swapped["gas_micro_usd"]


def test_what_one_token_was_sold_for_is_what_the_other_has_cost() -> None:
    played = rivals().run(one_place())
    bought, swapped = played.trades
    assert swapped["realized_micro_usd"] == swapped["cost_micro_usd"] - bought["cost_micro_usd"]
    assert swapped["net_micro_usd"] == swapped["realized_micro_usd"] - bought["gas_micro_usd"]
    held = played.cohort.holdings[0, 1]
    assert (held["cost_micro_usd"], held["gas_micro_usd"]) == (swapped["cost_micro_usd"], swapped["gas_micro_usd"])


def test_a_swap_pays_both_pools_and_the_gas_of_two_hops() -> None:
    bought, swapped = rivals().run(one_place()).trades
    assert swapped["fee_micro_usd"] == pytest.approx(2 * 0.003 * swapped["value_micro_usd"], rel=0.01)
    assert swapped["gas_used"] > bought["gas_used"] + 20_000


def test_a_lead_that_is_too_small_is_no_reason_to_swap() -> None:
    assert len(rivals(lead_bp=999).run(one_place()).trades) == 1
    assert len(rivals(lead_bp=1_000).run(one_place()).trades) == 2


def test_there_is_no_swap_while_a_place_is_free() -> None:
    played = rivals().run(one_place(max_concurrent_positions=2))
    assert set(played.trades["side"]) == {Side.BUY}


def test_a_position_that_has_outgrown_the_limits_is_not_swapped() -> None:
    made = rivals()
    made.price(2.1, since=8, token_row=0)
    played = made.run(one_place())
    assert len(played.trades) == 1
    weighed = played.decided(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS)
    assert len(weighed) > 0


def test_a_swap_that_reverts_leaves_both_tokens_as_they_were() -> None:
    made = rivals(n_blocks=12)
    made.price(2.4, since=11, token_row=1)
    played = made.run(one_place(max_slippage_percent=1, min_liquidity_usd=0))
    failed = of_side(played, Side.SWAP)[0]
    assert (failed["status"], failed["failure"], failed["position"]) == (TradeStatus.FAILED, Failure.SLIPPAGE, -1)
    assert failed["from_position"] == 0
    (bought,) = of_side(played, Side.BUY)
    given_up, wanted_one = played.cohort.holdings[0]
    assert (given_up["quantity_hi"], given_up["quantity_lo"]) == (bought["out_hi"], bought["out_lo"])
    assert given_up["cost_micro_usd"] == bought["cost_micro_usd"]
    assert join(wanted_one["quantity_hi"], wanted_one["quantity_lo"]) == 0
    assert failed["realized_micro_usd"] == 0


def test_a_raise_on_its_way_takes_no_second_place() -> None:
    made = stage(30, token("AAA"), token("BBB"))
    made.signal(8_000, slice(3, None), token_row=0)
    made.signal(8_000, slice(8, None), token_row=1)
    slow = {"execution_delay_ms": 40_000}
    played = made.run(account(max_concurrent_positions=2, trading=slow, **HALF_A_POSITION))
    raise_sent = of_side(played, Side.BUY)[1]
    first_of_other = played.trades[played.trades["token"] == 1][0]
    assert (raise_sent["token"], raise_sent["decided_block"]) == (0, 7)
    assert first_of_other["decided_block"] == 8 < raise_sent["block"]


def test_a_token_that_is_being_swapped_away_is_neither_sold_nor_stopped() -> None:
    made = rivals()
    made.price(1.5, since=11, token_row=0)  # a stop, had it not been promised to the swap
    played = made.run(account(max_concurrent_positions=1, trading={"execution_delay_ms": 60_000}))
    swapped = only(of_side(played, Side.SWAP))
    assert (swapped["decided_block"], swapped["block"]) == (10, 16)
    assert min(of_side(played, Side.SELL)["decided_block"]) == 16  # of what the failed swap did not take


def test_the_smart_lane_swaps_nothing_for_less_than_it_costs() -> None:
    dear = {"use_fast_lane": False, "use_smart_lane": True}
    made = rivals()
    bought_first = one_place(**dear)
    assert len(made.run(bought_first).trades) == 2
    made.base_fee(400, slice(9, None))
    played = made.run(bought_first)
    assert len(of_side(played, Side.SWAP)) == 0
    assert len(played.decided(DecisionType.SKIP, Reason.TOO_COSTLY)) > 0


def test_selling_and_buying_leave_the_account_where_its_books_say() -> None:
    made = rivals(n_blocks=60)
    made.signal(2_000, slice(30, None), token_row=0)
    made.signal(2_000, slice(30, None), token_row=1)
    played = made.run(one_place())
    assert played.trades["side"].tolist() == [Side.BUY, Side.SWAP, Side.SELL]
    assert played.session["cash_micro_usd"] == net_worth(played)


def test_a_first_purchase_beyond_every_limit_is_as_large_as_they_allow() -> None:
    trade = only(tempting().run(account(max_position_size_percent=10, max_trade_size_usd=200)).trades)
    assert trade["cost_micro_usd"] == 200 * MICRO_USD
