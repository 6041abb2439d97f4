"""What the Store answers about a run."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from uuid import UUID

import pytest

from cluster.report import collect
from cluster.report_page import render
from simulation.scenario import Record


def test_the_leaderboard_is_sorted_and_adds_up(finished, store):
    results = store.leaderboard(finished.ids.run_id)
    returns = [result.return_percent for result in results]
    assert returns == sorted(returns, reverse=True)
    for result in results:
        session = finished.cohort.sessions[int(result.name.split()[1])]
        assert result.final_equity_usd == Decimal(int(session["equity_micro_usd"])) / 10**6
        assert result.gas_usd == Decimal(int(session["gas_paid_micro_usd"])) / 10**6
        assert result.trades == session["completed_trades"] + session["failed_trades"]
        assert result.strategy == f"eager {result.name.split()[1]}"


def test_the_equity_begins_with_the_initial_balance_and_has_every_mark(finished, store):
    curves = store.equity(finished.ids.run_id)
    assert list(curves) == ["trader 0", "trader 1", "trader 2"]
    for curve in curves.values():
        assert curve[0] == (finished.scenario.start_at, Decimal(10_000))
        assert len(curve) == 1 + finished.scenario.blocks // finished.scenario.review_blocks
        assert curve == sorted(curve)


COSTS = "fee_usd + price_impact_usd + drift_usd + sandwich_usd + failure_usd"
PARTS = ("fee_usd", "impact_usd", "drift_usd", "sandwich_usd", "gas_usd", "failure_usd")


def test_the_parts_of_what_a_trade_cost_add_up_to_the_micro_usd(stored):
    ((trades, wrong),) = stored(
        "SELECT count(*), count(*) FILTER (WHERE execution_cost_usd <> "
        f"{COSTS} + CASE status WHEN 'completed' THEN simulated_gas_cost_usd ELSE 0 END) FROM paper_trades"
    )
    assert trades > 50
    assert wrong == 0


def test_the_costs_of_an_account_are_those_that_its_session_counted(finished, store):
    results = {result.name: result for result in store.leaderboard(finished.ids.run_id)}
    costs = store.costs(finished.ids.run_id)
    assert [row.name for row in costs] == ["trader 0", "trader 1", "trader 2"]
    for row, session in zip(costs, finished.cohort.sessions, strict=True):
        counted = {
            f"{part}_usd": Decimal(int(session[name])) / 10**6
            for part, name in (
                ("fee", "fees_micro_usd"),
                ("impact", "impact_micro_usd"),
                ("drift", "drift_micro_usd"),
                ("sandwich", "sandwich_micro_usd"),
                ("failure", "failure_micro_usd"),
            )
        }
        assert {name: getattr(row, name) for name in counted} == counted
        assert row.gas_usd + row.failure_usd == Decimal(int(session["gas_paid_micro_usd"])) / 10**6
        assert sum(getattr(row, part) for part in PARTS) == row.total_usd == results[row.name].cost_usd


def test_the_slippage_of_an_account_is_what_its_orders_lost_from_quote_to_fill(finished, store, sql):
    lost = dict(
        sql(
            "SELECT accounts.name, sum(drift_usd + sandwich_usd) FROM paper_trades JOIN paper_trading_accounts AS accounts "
            "USING (account_id) GROUP BY accounts.name"
        )
    )
    assert {row.name: row.slippage_usd for row in store.leaderboard(finished.ids.run_id)} == lost
    assert all(lost.values())


def test_a_run_of_which_no_trade_is_written_has_its_costs_all_the_same(begin, finished, store):
    silent = begin(record=Record.NONE, adjust_at=finished.adjust_at).run()
    assert store.costs(silent) == store.costs(finished.ids.run_id)
    assert store.counts(silent).trades == 0


def test_the_costs_in_the_report_are_those_of_the_trades(finished, store, stored):
    section = render(collect(store, finished.ids.run_id)).split("<h2>Costs</h2>")[1].split("</section>")[0]
    amounts = [Decimal(amount) for amount in re.findall(r'<data value="([-0-9.]+)"', section)]
    rows = [amounts[at : at + len(PARTS) + 1] for at in range(0, len(amounts), len(PARTS) + 1)]
    assert len(rows) == 4  # three accounts, and all of them
    assert all(sum(parts) == total for *parts, total in rows)
    assert [sum(column) for column in zip(*rows[:3], strict=True)] == rows[3]
    ((paid,),) = stored("SELECT sum(execution_cost_usd) FROM paper_trades")
    assert rows[3][-1] == paid > 0


def test_an_account_that_never_traded_has_cost_nothing(begin, store):
    live = begin()
    assert [row.total_usd for row in store.costs(live.ids.run_id)] == [0, 0, 0]


def test_counts_are_those_of_the_kernel(finished, store):
    counts = store.counts(finished.ids.run_id)
    sessions = finished.cohort.sessions
    assert counts.accounts == 3
    assert counts.trades == sessions["next_trade"].sum()
    assert counts.decisions == sessions["next_decision"].sum()
    assert counts.positions == sessions["next_position"].sum()
    assert counts.marks == sessions["next_mark"].sum()
    assert counts.adjustments == 1


COUNTED = {
    "trades": "paper_trades",
    "decisions": "paper_ai_thought_logs",
    "positions": "paper_positions",
    "adjustments": "autopilot_logs",
    "marks": "paper_performance_metrics",
}


@pytest.mark.parametrize("record", list(Record))
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_counts_are_those_of_the_rows_at_any_moment(begin, store, sql, record, segments):
    live = begin(record=record, adjust_at=600)
    for _ in range(segments):
        store.commit(live.batches(300))
    counts = store.counts(live.ids.run_id)
    assert {name: getattr(counts, name) for name in COUNTED} == {
        name: sql(f"SELECT count(*) FROM {table}")[0][0] for name, table in COUNTED.items()
    }


def test_a_run_that_is_not_there_has_counted_nothing(store):
    assert store.counts(UUID(int=1)).trades == store.counts(UUID(int=1)).accounts == 0


WHOLE = """
    SELECT thought_id FROM (
        SELECT thoughts.*, abs(coalesce(net_pnl_usd, 0)) AS result, row_number() OVER (
            PARTITION BY decision_type, thoughts.reason
            ORDER BY abs(coalesce(net_pnl_usd, 0)) DESC, confidence_percent DESC, thoughts.ordinal DESC, account_id
        ) AS place
        FROM paper_ai_thought_logs AS thoughts LEFT JOIN (
            SELECT trade_id, net_pnl_usd FROM paper_trades WHERE trade_type <> 'buy' AND status = 'completed'
        ) AS sales ON trade_id = paper_trade_id
    ) AS ranked
    ORDER BY place, result DESC, reason, decision_type LIMIT %s
"""
"""The definition of the notable decisions, which reads all of a run."""


@pytest.mark.parametrize("limit", [1, 4, 10, 50, 1000])
def test_the_notable_decisions_are_those_of_the_whole_run(finished, store, stored, limit):
    told = [decision.thought_id for decision in store.notable_decisions(finished.ids.run_id, limit)]
    assert [str(thought_id) for thought_id in told] == [row[0] for row in stored(WHOLE, limit)]


def test_what_a_sale_came_to_is_found_by_the_reason_of_its_decision(stored):
    assert stored(
        "SELECT count(*) FROM paper_ai_thought_logs AS thoughts JOIN paper_trades AS trades ON trade_id = paper_trade_id "
        "WHERE thoughts.reason <> trades.reason"
    ) == [(0,)]


def test_notable_decisions_are_of_different_kinds_and_reasons_first(finished, store):
    decisions = store.notable_decisions(finished.ids.run_id, limit=4)
    assert len({(decision.decision, decision.reason) for decision in decisions}) == 4
    assert all(decision.reasoning.endswith(".") for decision in decisions)


def test_the_history_of_the_auto_pilot_tells_its_adjustment(finished, store):
    (adjustment,) = store.autopilot_history(finished.ids.run_id)
    assert (adjustment.account, adjustment.strategy, adjustment.block) == ("trader 0", "eager 0", 600)
    assert (adjustment.old_value, adjustment.new_value) == (Decimal(10), Decimal("11.5"))
    assert adjustment.change_percent == Decimal(15)
    assert adjustment.at == finished.contexts[0].clock.at(600)


def test_snapshots_name_the_last_adjustment(finished, sql):
    rows = sql(
        "SELECT block, adjustments_made_count, last_adjustment_type, autopilot_active, "
        "current_parameters -> 'confidence_threshold_bp' FROM autopilot_performance_snapshots "
        "WHERE session_id = %s ORDER BY ordinal",
        str(finished.ids.sessions[0]),
    )
    assert rows == [
        (299, 0, "", True, 1000),
        (599, 0, "", True, 1000),
        (899, 1, "CONFIDENCE_INCREASE", True, 1150),
    ]


def test_an_adjusted_strategy_counts_its_adjustments(finished, sql):
    rows = sql("SELECT autopilot_adjustments_count, autopilot_last_adjustment FROM paper_strategy_configs ORDER BY 1")
    assert rows == [(0, None), (0, None), (1, finished.contexts[0].clock.at(600))]


def test_a_thought_belongs_to_the_order_that_it_sent(stored):
    wrong = stored(
        "SELECT count(*) FROM paper_ai_thought_logs JOIN paper_trades ON trade_id = paper_trade_id "
        "WHERE paper_trades.decision_ordinal <> paper_ai_thought_logs.ordinal "
        "OR paper_trades.session_id <> paper_ai_thought_logs.session_id"
    )
    sent = stored("SELECT count(*) FROM paper_ai_thought_logs WHERE paper_trade_id IS NOT NULL")
    assert wrong == [(0,)]
    assert sent == stored("SELECT count(*) FROM paper_trades")


def test_amounts_are_base_units_of_tokens_of_any_decimals(stored):
    rows = stored(
        "SELECT DISTINCT trade_type, token_in_symbol, token_in_decimals, token_out_symbol, token_out_decimals "
        "FROM paper_trades ORDER BY 1, 2, 4"
    )
    assert rows == [
        ("buy", "USDC", 6, "PEPE", 9),
        ("buy", "USDC", 6, "WETH", 18),
        ("sell", "PEPE", 9, "USDC", 6),
        ("sell", "WETH", 18, "USDC", 6),
    ]
    assert stored(
        "SELECT count(*) FROM paper_trades WHERE trade_type = 'buy' AND amount_in <> amount_in_usd * 1000000"
    ) == [(0,)]


def test_a_transaction_hash_is_a_function_of_the_scenario_not_of_the_run(begin, sql):
    begin().run()
    begin().run()
    assert sql("SELECT count(DISTINCT mock_tx_hash) * 2 = count(*) FROM paper_trades") == [(True,)]


def test_a_run_lists_what_it_was_begun_with(finished, store, sql):
    (run,) = store.runs()
    assert store.run(finished.ids.run_id).tokens[0]["symbol"] == "WETH"
    assert (run.run_id, run.name, run.seed, run.status) == (str(finished.ids.run_id), "busy", 7, "COMPLETED")
    ((scenario,),) = sql("SELECT scenario FROM runs")
    assert type(finished.scenario).model_validate(scenario) == finished.scenario


def test_a_stopped_run_says_so_and_frees_its_accounts(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    assert sql("SELECT DISTINCT status, status_reason FROM paper_trading_sessions") == [
        ("STOPPED", "Stopped by the user.")
    ]
    assert store.runs()[0].error_message == "Stopped by the user."


HOT_QUERIES = [
    ("SELECT * FROM paper_trades WHERE session_id = %s ORDER BY ordinal", "session"),
    ("SELECT * FROM paper_ai_thought_logs WHERE session_id = %s AND ordinal < 10", "session"),
    ("SELECT * FROM paper_performance_metrics WHERE session_id = %s ORDER BY period_end DESC LIMIT 1", "session"),
    ("SELECT * FROM paper_ai_thought_logs WHERE paper_trade_id = %s", "trade"),
    ("SELECT * FROM paper_trades WHERE trade_id = %s", "trade"),
    ("SELECT * FROM paper_positions WHERE account_id = %s AND is_open", "account"),
]


@pytest.mark.parametrize(("query", "of"), HOT_QUERIES)
def test_a_hot_query_touches_only_rows_it_returns(finished, sql, query, of):
    context = finished.contexts[1]
    ((trade,),) = sql("SELECT trade_id::text FROM paper_trades WHERE session_id = %s LIMIT 1", context.session_key)
    sql("ANALYZE")
    sql("SET enable_seqscan = off")  # the tables are small: what is asked is whether an index serves the query
    keys = {"session": context.session_key, "account": context.account_key, "trade": trade}
    ((plan,),) = sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", keys[of])
    text = json.dumps(plan)
    assert "Seq Scan" not in text
    assert removed_rows(plan[0]["Plan"]) == 0


def removed_rows(node):
    own = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return own + sum(removed_rows(child) for child in node.get("Plans", []))
