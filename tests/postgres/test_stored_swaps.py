"""Swaps, raised positions and slices as rows: what is stored follows from the trades, and is found when it does not."""

from __future__ import annotations

import pytest

from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy, TradingConfig


def crowded(number, **changes):
    """Return an account with room for one token of the two that it wants, in positions larger than one trade."""
    fields = {
        "name": f"crowded {number}",
        "confidence_threshold": 5,
        "decision_interval_blocks": 5,
        "max_position_size_percent": 20,
        "max_trade_size_usd": 600 + 800 * number,
        "max_concurrent_positions": 1,
        "max_daily_trades": 1_000,
        "max_slippage_percent": 5,
        "stop_loss_percent": 20,
        "take_profit_percent": 50,
        "max_hold_hours": 1,
    }
    return AccountSpec(name=f"trader {number}", strategy=Strategy(**fields | changes))


@pytest.fixture
def live(begin):
    """Return a finished run of accounts that swap, raise and slice."""
    live = begin(accounts=tuple(crowded(number) for number in range(3)))
    live.run()
    return live


def test_the_check_finds_nothing_in_swaps_raised_and_sliced_positions(live, store, sql):
    assert store.check(live.ids.run_id) == []
    swaps = sql("SELECT count(*) FROM paper_trades WHERE trade_type = 'swap' AND status = 'completed'")
    raised = sql(
        "SELECT count(*) FROM (SELECT position_id FROM paper_trades WHERE trade_type = 'buy' AND status = 'completed'"
        " GROUP BY position_id HAVING count(*) > 1) AS raised"
    )
    sliced = sql(
        "SELECT count(*) FROM (SELECT position_id FROM paper_trades WHERE trade_type = 'sell' AND status = 'completed'"
        " GROUP BY position_id HAVING count(*) > 1) AS sliced"
    )
    assert min(swaps[0][0], raised[0][0], sliced[0][0]) > 0


def test_a_swap_pays_with_the_token_of_the_position_it_gives_up(live, sql):
    assert live.next_block
    wrong = sql(
        "SELECT count(*) FROM paper_trades AS trades JOIN paper_positions AS sold"
        " ON sold.position_id = trades.sold_position_id"
        " WHERE trades.token_in_address <> sold.token_address OR trades.token_out_address = sold.token_address"
    )
    assert wrong == [(0,)]


def test_a_swap_says_its_way_through_the_pools_of_both_tokens(live, sql):
    assert live.next_block
    routes = {route for (route,) in sql("SELECT route FROM paper_trades WHERE trade_type = 'swap'")}
    assert routes <= {
        "PEPE/USDC uniswap_v3 30 bp, then WETH/USDC uniswap_v3 30 bp",
        "WETH/USDC uniswap_v3 30 bp, then PEPE/USDC uniswap_v3 30 bp",
    }


def test_a_thought_of_a_swap_names_the_token_given_up(live, sql):
    assert live.next_block
    told = sql(
        "SELECT primary_reasoning, token_symbol, decision_type FROM paper_ai_thought_logs"
        " WHERE reason = 'BETTER_CANDIDATE'"
    )
    assert told
    for reasoning, symbol, kind in told:
        other = {"WETH": "PEPE", "PEPE": "WETH"}[symbol]
        assert reasoning.startswith(f"Swapping {other} for {symbol} at ")
        assert kind == "BUY"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [("cost_basis_usd = cost_basis_usd + 1", "swap"), ("net_pnl_usd = net_pnl_usd + 0.000001", "sell")],
)
def test_an_altered_swap_or_slice_is_found(live, store, sql, changed, kind):
    sql(
        f"UPDATE paper_trades SET {changed} WHERE trade_id = (SELECT trade_id FROM paper_trades"
        f" WHERE trade_type = '{kind}' AND status = 'completed' ORDER BY trade_id LIMIT 1)"
    )
    findings = store.check(live.ids.run_id)
    assert {finding.column for finding in findings} & {"net_pnl_usd", "realized_pnl_usd", "cost_basis_usd"}


def test_an_order_whose_block_has_come_is_executing_until_a_block_has_a_place_for_it(begin, sql):
    bidding_low = AccountSpec(
        name="low", strategy=crowded(0).strategy, trading=TradingConfig(gas_price_multiplier="0.4")
    )
    live = begin(accounts=(bidding_low,))
    seen = set()
    while live.next_block < live.scenario.blocks:
        live.store.commit(live.batches(10))
        seen |= {status for (status,) in sql("SELECT DISTINCT status FROM paper_trades")}
    assert "executing" in seen
