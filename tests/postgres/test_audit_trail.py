"""What is stored of a run is enough to audit it, is what happened, and stays."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from simulation.intelligence.explanations import confidence_level
from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.wei import join
from storage.models import Base
from storage.store import Store

WHO_TRADED = ("account_id", "session_id", "strategy_config_id")
OF_A_SESSION = ("paper_trades", "paper_positions", "paper_ai_thought_logs")
HISTORY = (
    "paper_trading_accounts",
    "paper_trades",
    "paper_positions",
    "paper_ai_thought_logs",
    "paper_trading_sessions",
    "paper_performance_metrics",
    "autopilot_logs",
    "autopilot_performance_snapshots",
)


# Amounts and results.


def test_amounts_beyond_sixty_four_bits_are_stored_to_the_wei(begin, store, sql):
    strategy = Strategy(
        name="large",
        confidence_threshold=5,
        decision_interval_blocks=5,
        max_position_size_percent=100,
        max_trade_size_usd=100_000,
    )
    live = begin(accounts=(AccountSpec(name="rich", initial_balance_usd=10_000_000, strategy=strategy),))
    held = []
    while not held:
        store.commit(live.batches(5))
        held = sql("SELECT quantity FROM paper_positions WHERE is_open AND token_symbol = 'WETH'")
    holding = live.cohort.holdings[0, 0]
    assert held == [(Decimal(join(holding["quantity_hi"], holding["quantity_lo"])),)]
    assert held[0][0] > 2**64
    assert store.check() == []


def test_a_position_whose_sale_was_filled_is_closed_and_holds_nothing(stored):
    ((sold, closed),) = stored(
        "SELECT count(*), count(*) FILTER (WHERE NOT is_open AND quantity = 0 AND positions.cost_basis_usd = 0 "
        "AND unrealized_pnl_usd = 0 AND closed_block = mock_block_number AND positions.realized_pnl_usd = "
        "trades.realized_pnl_usd) FROM paper_trades AS trades JOIN paper_positions AS positions USING (position_id) "
        "WHERE trade_type = 'sell' AND trades.status = 'completed'"
    )
    assert sold == closed > 20


def test_a_position_that_no_sale_closed_is_open(stored):
    assert stored(
        "SELECT count(*) FROM paper_positions AS positions WHERE is_open = EXISTS (SELECT 1 FROM paper_trades AS trades "
        "WHERE trades.position_id = positions.position_id AND trade_type = 'sell' AND status = 'completed')"
    ) == [(0,)]


def test_an_account_closes_positions_of_one_token_again_and_again(stored):
    assert stored(
        "SELECT 1 FROM paper_positions WHERE NOT is_open GROUP BY account_id, token_symbol HAVING count(*) > 2"
    )


def test_the_result_of_an_account_is_that_of_its_sales_less_all_gas(stored):
    rows = stored(
        "SELECT total_profit_loss_usd, (SELECT sum(realized_pnl_usd - simulated_gas_cost_usd) FROM paper_trades AS "
        "trades WHERE trades.account_id = accounts.account_id) FROM paper_trading_accounts AS accounts"
    )
    assert len(rows) == 3
    assert all(result == of_trades != 0 for result, of_trades in rows)


def test_wins_and_losses_are_the_closed_positions_and_no_other_trades(stored):
    rows = stored(
        "SELECT winning_trades + losing_trades, (SELECT count(*) FROM paper_positions AS positions "
        "WHERE positions.account_id = accounts.account_id AND NOT is_open), total_trades "
        "FROM paper_trading_accounts AS accounts"
    )
    assert all(scored == closed < trades for scored, closed, trades in rows)


def test_a_session_ends_with_the_balance_that_it_began_with_and_what_it_made(finished, store):
    for result in store.leaderboard(finished.ids.run_id):
        assert result.initial_balance_usd == 10_000
        made_percent = 100 * (result.final_equity_usd / result.initial_balance_usd - 1)
        assert result.return_percent == round(made_percent, 6) != 0


# One transaction, counted once.


def test_two_writers_of_the_same_batches_at_once_count_every_trade_once(begin, store, url, sql):
    live = begin()
    batches = live.batches(300)
    stores = [Store(url) for _ in range(3)]
    writers = [threading.Thread(target=one.commit, args=(batches,)) for one in stores]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for one in stores:
        one.close()
    assert store.check() == []
    ((counted,),) = sql("SELECT sum(total_trades) FROM paper_trading_accounts")
    assert counted == (live.cohort.sessions["completed_trades"] + live.cohort.sessions["failed_trades"]).sum() > 0


# Who, by which strategy, on what grounds.


@pytest.mark.parametrize("table", OF_A_SESSION)
def test_every_row_names_account_session_and_strategy_by_key(table):
    columns = Base.metadata.tables[table].columns
    for name in WHO_TRADED:
        assert columns[name].foreign_keys, name
        assert not columns[name].nullable, name


@pytest.mark.parametrize("table", OF_A_SESSION)
def test_what_sessions_do_at_the_same_time_can_be_told_apart(finished, stored, table):
    rows = stored(f"SELECT {', '.join(f'{name}::text' for name in WHO_TRADED)} FROM {table} GROUP BY 1, 2, 3")
    assert sorted(rows) == sorted(
        (context.account_key, context.session_key, context.strategy_key) for context in finished.contexts
    )


def test_an_order_has_one_thought(stored):
    assert stored(
        "SELECT count(*) FROM paper_trades WHERE (SELECT count(*) FROM paper_ai_thought_logs AS thoughts "
        "WHERE thoughts.paper_trade_id = paper_trades.trade_id) <> 1"
    ) == [(0,)]


@pytest.mark.parametrize("decisions", [("BUY",), ("SELL", "STOP_LOSS", "TAKE_PROFIT")])
def test_a_thought_of_an_order_shows_the_market_of_its_block(finished, stored, decisions):
    rows = stored(
        "SELECT block, token_symbol, (market_data ->> 'price_usd')::float, (market_data ->> 'base_fee_gwei')::float "
        "FROM paper_ai_thought_logs WHERE decision_type = ANY(%s)",
        list(decisions),
    )
    mids, _, gas = finished.blocks
    tokens = finished.source.tokens
    place = {info.symbol: row for row, info in enumerate(tokens)}
    for block, symbol, price_usd, base_fee_gwei in rows:
        row = place[symbol]
        assert price_usd == pytest.approx(tokens[row].price_usd(mids["price_q"][block, row]), rel=1e-12)
        assert base_fee_gwei == pytest.approx(gas["base_fee_wei"][block] / 1e9, rel=1e-12)
    assert len({price_usd for *_, price_usd, _ in rows}) > 10


def test_stored_confidence_has_the_one_scale_of_names(stored):
    rows = stored("SELECT DISTINCT confidence_percent, confidence_level FROM paper_ai_thought_logs")
    assert len({level for _, level in rows}) > 1
    assert all(confidence_level(int(percent * 100)) == level for percent, level in rows)


def test_the_wins_and_the_returns_of_every_period_are_stored(stored):
    ((periods, told),) = stored(
        "SELECT count(*), count(*) FILTER (WHERE equity_usd > 0 AND total_trades > 0) FROM paper_performance_metrics"
    )
    assert periods == told == 9


# What stays.


def test_another_run_leaves_the_history_of_an_earlier_one_as_it_was(finished, begin, store, sql):
    def written():
        return [sql(f"SELECT * FROM {table} ORDER BY 1") for table in HISTORY]

    before, digest = written(), store.run(finished.ids.run_id)
    begin(seed=8).run()
    after = written()
    for table, earlier, now in zip(HISTORY, before, after, strict=True):
        assert earlier, table
        assert {str(row) for row in earlier} <= {str(row) for row in now}, table
    assert store.run(finished.ids.run_id) == digest


@pytest.mark.parametrize("table", HISTORY[:-2])
def test_no_part_of_the_history_is_deleted_with_a_trade_or_a_session(table):
    rules = {key.ondelete for column in Base.metadata.tables[table].columns for key in column.foreign_keys}
    assert rules == {"RESTRICT"}


# Every default is stated once.


DEFAULTS = [
    pytest.param(table, model, name, id=f"{model.__name__}.{name}")
    for table, model in (("paper_strategy_configs", Strategy), ("paper_trading_configs", TradingConfig))
    for name in model.model_fields
    if Base.metadata.tables[table].columns[name].server_default is not None
]


@pytest.mark.parametrize(("table", "model", "name"), DEFAULTS)
def test_a_default_of_the_database_is_that_of_the_scenario(table, model, name):
    stated = model().model_dump(mode="python")[name]
    of_server = str(Base.metadata.tables[table].columns[name].server_default.arg).removesuffix("::jsonb").strip("'")
    if isinstance(stated, bool):
        assert of_server == str(stated).lower()
    elif isinstance(stated, str):
        assert of_server == str(stated)
    elif isinstance(stated, dict):
        assert (of_server, stated) == ("{}", {})
    elif isinstance(stated, tuple):
        assert (of_server, stated) == ("[]", ())
    else:
        assert Decimal(of_server) == stated
