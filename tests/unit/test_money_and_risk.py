"""What trading may never do to an account: invent money, forget a cost, count a win that was none, ignore a limit."""

from __future__ import annotations

import ast
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from busy import busy_scenario
from hand_made import (
    BALANCE_MICRO_USD,
    MICRO_USD,
    RULES,
    Played,
    account,
    bare_stage,
    cut,
    only,
    stage,
    tempting,
    token,
    unlucky,
)
from random_market import random_account, random_stage
from repository import modules

from actors.market import Market
from simulation import cohort as cohorts
from simulation.choices import DecisionType, Failure, Reason, Side, TradeStatus
from simulation.cohort import Cohort
from simulation.market.segment import Segment, TokenInfo, terms_of
from simulation.settings.strategy import MODE_PRESETS, Strategy, TradingMode
from simulation.wei import join


def amount(row: np.void, name: str) -> int:
    return join(row[f"{name}_hi"], row[f"{name}_lo"])


def bought_and_sold(price_usd: float, n_blocks: int = 40, **fields: Any) -> Played:
    """Return a purchase at 2 USD, and a sale by a signal at another price."""
    made = tempting(n_blocks)
    made.price(price_usd, since=10)
    made.signal(2_000, slice(12, 13))
    return made.run(account(stop_loss_percent=50, take_profit_percent=1000, **fields))


# Amounts.


@pytest.mark.parametrize("size_usd", [10, 100, 301, 1_000, 100_000])
@pytest.mark.parametrize(("decimals", "price_usd"), [(18, 3_000.0), (18, 1.0), (18, 1e-5), (6, 1.0), (9, 1e-5)])
def test_a_purchase_of_any_usual_size_of_any_token_is_filled_with_the_amount_that_it_pays_for(
    size_usd: int, decimals: int, price_usd: float
) -> None:
    made = bare_stage(10, (token("AAA", decimals, price_usd),))
    made.segment.gas[:] = tempting(10).segment.gas
    made.price(price_usd, since=0, liquidity_usd=1e10)
    made.signal(8_000, slice(3, 4))
    played = made.run(account(balance_usd=1_000_000, max_position_size_percent=100, max_trade_size_usd=size_usd))
    trade = only(played.trades)
    assert (trade["status"], trade["in_lo"]) == (TradeStatus.COMPLETED, size_usd * MICRO_USD)
    expected = size_usd * 0.997 / price_usd * 10**decimals
    assert amount(trade, "out") == pytest.approx(expected, rel=1e-3, abs=1)
    assert amount(played.cohort.holdings[0, 0], "quantity") == amount(trade, "out")


# Purchases and cash.


def poorer_while_an_order_is_on_its_way(cash_micro_usd: int) -> tuple[Cohort, Played]:
    """Return an account with an order in flight whose cash was taken away, and what became of it."""
    made = tempting()
    begun = cohorts.begin([account()], [0], made.infos, RULES)
    before, _ = cohorts.advance(begun, cut(made.segment, 0, 4), terms_of(made.infos), RULES)
    assert before.sessions["orders_in_flight"].tolist() == [1]
    before.sessions["cash_micro_usd"] = cash_micro_usd
    return before, Played(*cohorts.advance(before, cut(made.segment, 4, 40), terms_of(made.infos), RULES))


@pytest.mark.parametrize("cash_micro_usd", [0, 499 * MICRO_USD, 500 * MICRO_USD])
def test_a_purchase_that_the_cash_does_not_cover_opens_no_position_and_takes_nothing(cash_micro_usd: int) -> None:
    _, played = poorer_while_an_order_is_on_its_way(cash_micro_usd)
    trade = played.trades[0]
    assert (trade["status"], trade["failure"]) == (TradeStatus.CANCELLED, Failure.UNAFFORDABLE)
    assert (amount(trade, "out"), trade["position"], trade["cost_micro_usd"]) == (0, -1, 0)
    assert amount(played.cohort.holdings[0, 0], "quantity") == 0
    assert played.session["open_positions"] == played.session["completed_trades"] == 0
    assert played.session["cash_micro_usd"] == cash_micro_usd


def test_no_purchase_is_sent_that_the_free_cash_does_not_cover() -> None:
    made = stage(3, *(token(name) for name in ("AAA", "BBB", "CCC")))
    for row in range(3):
        made.signal(8_000, slice(0, 1), token_row=row)
    played = made.run(account(balance_usd=1_000, max_position_size_percent=60))
    paid = [int(row["in_lo"]) for row in played.trades]
    assert paid[0] == 600 * MICRO_USD
    assert sum(paid) < 1_000 * MICRO_USD
    assert played.session["cash_micro_usd"] >= 0


# Sales.


@pytest.mark.parametrize("price_usd", [1.9, 2.0, 2.1, 3.0])
def test_a_sale_at_any_price_sells_all_that_is_held_and_leaves_no_dust(price_usd: float) -> None:
    played = bought_and_sold(price_usd)
    bought, sold = played.trades
    assert amount(sold, "in") == amount(bought, "out")
    holding = played.cohort.holdings[0, 0]
    assert (amount(holding, "quantity"), holding["cost_micro_usd"]) == (0, 0)
    assert played.session["open_positions"] == 0


@pytest.mark.parametrize("price_usd", [1.9, 2.0, 2.2])
def test_the_result_of_a_sale_is_its_proceeds_less_what_was_paid_to_the_micro_usd(price_usd: float) -> None:
    played = bought_and_sold(price_usd)
    bought, sold = played.trades
    realized = amount(sold, "out") - int(bought["in_lo"])
    assert sold["realized_micro_usd"] == played.session["realized_micro_usd"] == realized
    assert sold["net_micro_usd"] == realized - bought["gas_micro_usd"] - sold["gas_micro_usd"]
    assert played.session["cash_micro_usd"] == BALANCE_MICRO_USD + sold["net_micro_usd"]


def test_a_token_can_be_bought_and_sold_again_and_again() -> None:
    made = stage(60)
    for at in range(0, 60, 10):
        made.signal(8_000, slice(at, at + 1))
        made.signal(2_000, slice(at + 5, at + 6))
    played = made.run(account())
    assert played.trades["side"].tolist() == [Side.BUY, Side.SELL] * 6
    assert set(played.trades["status"].tolist()) == {TradeStatus.COMPLETED}
    assert played.trades["position"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


# Wins and losses.


def test_a_purchase_that_was_filled_is_no_win() -> None:
    session = tempting().run(account()).session
    assert session["completed_trades"] == 1
    assert session["winning_trades"] == session["losing_trades"] == session["won_micro_usd"] == 0


@pytest.mark.parametrize(("price_usd", "wins"), [(1.9, 0), (2.0, 0), (2.2, 1)])
def test_only_a_sale_that_earned_more_than_its_costs_is_a_win(price_usd: float, wins: int) -> None:
    session = bought_and_sold(price_usd).session
    assert (session["winning_trades"], session["losing_trades"]) == (wins, 1 - wins)


def test_a_gain_that_gas_eats_is_a_loss() -> None:
    made = tempting()
    made.price(2.03, since=10)
    made.base_fee(60, slice(10, None))
    made.signal(2_000, slice(12, 13))
    played = made.run(account(take_profit_percent=50))
    sold = played.trades[1]
    assert sold["realized_micro_usd"] > 0 > sold["net_micro_usd"]
    assert (played.session["winning_trades"], played.session["losing_trades"]) == (0, 1)


# Costs.


@pytest.mark.parametrize("trading", [{}, {"base_slippage_percent": 2}, {"failure_rate_percent": 100}])
def test_in_a_market_that_stands_still_an_account_loses_exactly_what_its_orders_cost(trading: dict[str, Any]) -> None:
    made = stage(60)
    for at in range(0, 60, 10):
        made.signal(8_000, slice(at, at + 1))
        made.signal(2_000, slice(at + 5, at + 6))
    played = made.run(unlucky(**trading))
    lost = BALANCE_MICRO_USD - int(played.session["cash_micro_usd"])
    assert played.session["open_positions"] == 0
    assert lost == pytest.approx(int(played.trades["execution_cost_micro_usd"].sum()), abs=len(played.trades))
    assert lost > 0


@pytest.mark.parametrize("status", [TradeStatus.COMPLETED, TradeStatus.FAILED])
def test_the_gas_of_an_order_in_a_block_is_taken_from_the_cash(status: TradeStatus) -> None:
    rate = 0 if status == TradeStatus.COMPLETED else 100
    played = tempting().run(unlucky(failure_rate_percent=rate))
    trade = only(played.trades)
    assert trade["status"] == status
    assert trade["gas_micro_usd"] > 0
    spent = BALANCE_MICRO_USD - int(played.session["cash_micro_usd"])
    assert spent == trade["gas_micro_usd"] + trade["cost_micro_usd"]


def test_slippage_makes_the_account_poorer_by_what_it_cost() -> None:
    calm, pushed = (tempting().run(unlucky(base_slippage_percent=percent)) for percent in (0, 5))
    poorer = int(calm.session["equity_micro_usd"]) - int(pushed.session["equity_micro_usd"])
    assert poorer == pytest.approx(int(only(pushed.trades)["drift_micro_usd"]), abs=2)
    assert poorer > 0


# Nothing is made up.


def test_an_order_that_did_not_fill_has_no_amount_no_result_and_no_position() -> None:
    trade = only(tempting().run(unlucky(failure_rate_percent=100)).trades)
    nothing = ("out_hi", "out_lo", "cost_micro_usd", "realized_micro_usd", "net_micro_usd")
    assert [int(trade[name]) for name in nothing] == [0] * len(nothing)
    assert trade["position"] == -1


def test_a_token_without_a_price_is_worth_nothing_and_is_not_bought() -> None:
    made = tempting()
    made.segment.mids[:] = (0, 0)
    made.segment.pools[:] = np.zeros(1, made.segment.pools.dtype)[0]
    played = made.run(account(min_liquidity_usd=0))
    assert not (played.trades["status"] == TradeStatus.COMPLETED).any()
    assert played.session["open_positions"] == 0


def test_the_simulation_answers_no_exception_with_a_number() -> None:
    returning = [
        f"{module.name}:{handler.lineno}"
        for module in modules("simulation")
        for handler in ast.walk(module.tree)
        if isinstance(handler, ast.ExceptHandler) and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))
        if any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(handler))
        # The first says whether the cache can be written, the others in a sentence why a setting cannot be.
        and module.name not in {"simulation/jit.py", "simulation/trials.py", "simulation/sweeping/fields.py"}
    ]
    assert returning == []


# Limits.


def test_a_paused_session_buys_nothing_says_so_and_still_sells() -> None:
    made = tempting(30)
    made.signal(8_000, slice(3, 10))
    made.signal(2_000, slice(15, 16))
    made.signal(8_000, slice(20, 25))
    begun = cohorts.begin([account()], [0], made.infos, RULES)
    before, _ = cohorts.advance(begun, cut(made.segment, 0, 12), terms_of(made.infos), RULES)
    paused = cohorts.set_field(before, 0, "paused", 1)
    played = Played(*cohorts.advance(paused, cut(made.segment, 12, 30), terms_of(made.infos), RULES))
    assert only(played.trades)["side"] == Side.SELL
    assert played.decided(DecisionType.SKIP, Reason.PAUSED)["block"].tolist() == [20, 21, 22, 23, 24]


def test_each_session_leaves_by_its_own_stop_target_and_hold_time() -> None:
    made = tempting(60)
    for at, price_usd in ((10, 1.9), (20, 1.7), (30, 1.2), (40, 2.5)):
        made.price(price_usd, since=at)
    patient = {"max_hold_hours": 720, "take_profit_percent": 1000, "stop_loss_percent": 50}
    played = made.run(
        account("tight", **{**patient, "stop_loss_percent": 3}),
        account("loose", **{**patient, "stop_loss_percent": 12}),
        account("greedy", **{**patient, "take_profit_percent": 20}),
        account("patient", **patient),
    )
    sales = played.trades[played.trades["side"] == Side.SELL]
    left = [(int(row["session"]), int(row["decided_block"]), Reason(int(row["reason"]))) for row in sales]
    assert left == [(0, 10, Reason.STOP_LOSS), (1, 20, Reason.STOP_LOSS), (2, 40, Reason.TAKE_PROFIT)]


def test_purchases_of_one_block_are_counted_before_the_next_of_them() -> None:
    made = stage(2, *(token(name) for name in ("AAA", "BBB", "CCC", "DDD")))
    for row in range(4):
        made.signal(8_000, slice(0, 1), token_row=row)
    played = made.run(account(max_concurrent_positions=2, max_daily_trades=3))
    assert len(played.decided(DecisionType.BUY)) == 2
    assert len(played.decided(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS)) == 2


def test_the_trades_of_the_day_are_remembered_over_a_restart() -> None:
    made = stage(20, token("AAA"), token("BBB"))
    for row in range(2):
        made.signal(8_000, slice(None), token_row=row)
    begun = cohorts.begin([account(max_daily_trades=1)], [0], made.infos, RULES)
    before, first = cohorts.advance(begun, cut(made.segment, 0, 10), terms_of(made.infos), RULES)
    restarted = Cohort.from_bytes(before.to_bytes())
    _, second = cohorts.advance(restarted, cut(made.segment, 10, 20), terms_of(made.infos), RULES)
    assert (len(first.trades), len(second.trades)) == (1, 0)
    assert set(second.decisions["reason"][second.decisions["type"] == DecisionType.SKIP].tolist()) == {
        Reason.DAILY_TRADES
    }


# Decisions and what they are made of.


@cache
def market() -> tuple[tuple[TokenInfo, ...], Segment]:
    """Return the tokens and a stretch of the busy market."""
    source = Market(busy_scenario())
    return source.tokens, source.segment(source.begin(), 400)[1]


@pytest.mark.parametrize("factor", ["trend_bp", "momentum_bp", "volatility_bp", "depth_bp", "gas_bp"])
def test_every_factor_of_a_decision_follows_the_market(factor: str) -> None:
    _, segment = market()
    assert len(np.unique(segment.signals[factor])) > 20


def test_a_session_decides_about_a_token_at_most_once_a_block() -> None:
    luck = Random(5)
    made = random_stage(luck, 200, 3)
    symbols = [info.symbol for info in made.infos]
    decisions = made.run(*(random_account(luck, f"{row}", symbols) for row in range(8))).outcome.decisions
    keys = list(zip(*(decisions[name].tolist() for name in ("session", "block", "token")), strict=True))
    assert len(keys) > 500
    assert len(keys) == len(set(keys))


def test_a_trade_has_one_decision() -> None:
    decisions = bought_and_sold(1.9).outcome.decisions
    sent = decisions["trade"][decisions["trade"] >= 0].tolist()
    assert sent == [0, 1]


# Tables that everybody shares.


def test_making_and_adjusting_strategies_leaves_the_modes_as_they_were() -> None:
    before = deepcopy(MODE_PRESETS)
    strategies = [Strategy(trading_mode=mode, max_daily_trades=3) for mode in TradingMode]
    made = tempting()
    begun = cohorts.begin([account("a"), account("b")], [0, 1], made.infos, RULES)
    adjusted = cohorts.set_field(begun, 0, "max_position_size_bp", 900)
    assert before == MODE_PRESETS
    assert {strategy.max_daily_trades for strategy in strategies} == {3}
    assert adjusted.sessions["max_position_size_bp"].tolist() == [900, 500]


def test_what_one_session_does_is_nothing_to_another() -> None:
    made = tempting()
    quiet, wild = account("quiet", max_daily_trades=1), account("wild", max_position_size_percent=100)
    alone = made.run(quiet)
    together = made.run(quiet, wild)
    assert together.cohort.sessions[0].tobytes() == alone.cohort.sessions[0].tobytes()
    assert alone.cohort.holdings[0].tobytes() == together.cohort.holdings[0].tobytes()
