"""What each question costs in a database of a million rows: it touches little more than it returns."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg2
import pytest
from crowd import FORMS, LONG, REPEATED, REPEATS, fill
from questions import questions
from sqlalchemy import event

from simulation.market.segment import token_address
from storage.ids import LOCAL_USER_ID, Kind, derive, key_range
from storage.models import Base
from storage.sessions import LATEST_DECISIONS
from storage.store import Store

LONG_RUN = LONG << 16
SHORT_RUN = (LONG + 1) << 16
"""Prefixes of a run of many rows and of one of few."""

SMALL = 8
"""So many rows may be touched for nothing."""


@dataclass(frozen=True)
class Keys:
    """A run, and what belongs to it as text."""

    run_id: UUID
    account: str
    session: str
    strategy: str
    trade: str
    position: str
    thought: str
    log: str
    token: str
    user: str = str(LOCAL_USER_ID)


def keys_of(prefix):
    """Return the keys of the first account of a run and of what it did first."""
    kinds = (Kind.ACCOUNT, Kind.SESSION, Kind.STRATEGY, Kind.TRADE, Kind.POSITION, Kind.THOUGHT, Kind.LOG)
    token = f"0x{(prefix >> 16) % 250:04x}{token_address('WETH')[6:]}"
    return Keys(derive(prefix, Kind.RUN, 0, 0), *(str(derive(prefix, kind, 0, 0)) for kind in kinds), token)


@pytest.fixture(scope="session")
def crowd_url(server, execute, finished_template):
    """Name a database of more than a million rows, which all tests of this file share."""
    execute(f"CREATE DATABASE crowd TEMPLATE {finished_template[0]}")
    fill(server.url("crowd"))
    yield server.url("crowd")
    execute("DROP DATABASE crowd WITH (FORCE)")


@pytest.fixture(scope="session")
def crowd(crowd_url):
    with questions(crowd_url) as run:
        yield run


@pytest.fixture(scope="session")
def asked(crowd_url):
    """Return the statements that a call of the Store asks, with their values."""
    store = Store(crowd_url)

    def statements(call, keys):
        heard = []

        def hear(_connection, _cursor, statement, values, _context, _many):
            heard.append((statement, values))

        event.listen(store._engine, "before_cursor_execute", hear)
        call(store, keys)
        event.remove(store._engine, "before_cursor_execute", hear)
        return heard

    yield statements
    store.close()


def explained(url, statement, values):
    """Run a statement and return what Postgres did; whatever it changed is forgotten."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
        ((plan,),) = cursor.fetchall()
    connection.close()
    return plan[0]["Plan"]


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def touched(plan):
    """Return how many rows the scans of tables looked at, whether they passed or not."""
    scans = [node for node in nodes(plan) if "Relation Name" in node and "Scan" in node["Node Type"]]
    parts = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(node["Actual Loops"] * sum(node.get(part, 0) for part in parts) for node in scans)


def indexes(plan):
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


CALLS = {
    "the leaderboard": lambda store, keys: store.leaderboard(keys.run_id),
    "the equity curves": lambda store, keys: store.equity(keys.run_id),
    "the costs": lambda store, keys: store.costs(keys.run_id),
    "the failures": lambda store, keys: store.failures(keys.run_id),
    "the history of the Auto Pilot": lambda store, keys: store.autopilot_history(keys.run_id),
    "a run": lambda store, keys: store.run(keys.run_id),
    "the latest runs": lambda store, _keys: store.runs(),
    "the latest run": lambda store, _keys: store.resolve_run("latest"),
    "a run by its beginning": lambda store, keys: store.resolve_run(str(keys.run_id)[:8]),
    "the sessions of a run": lambda store, keys: store.sessions_of(keys.run_id),
    "a session": lambda store, keys: store.session(keys.session),
    "a checkpoint": lambda store, keys: store.checkpoint(UUID(keys.session)),
    "an owner": lambda store, keys: store.claim(UUID(keys.session)),
    "a decision": lambda store, keys: store.thought(keys.thought),
    "a trade": lambda store, keys: store.trade(keys.trade),
    "the counts": lambda store, keys: store.counts(keys.run_id),
    "the notable decisions": lambda store, keys: store.notable_decisions(keys.run_id, NOTABLE),
    "a sweep": lambda store, _keys: store.sweep(SWEEP),
    "the latest sweep": lambda store, _keys: store.resolve_run_or_sweep("latest-sweep"),
    "a sweep by its name": lambda store, _keys: store.resolve_run_or_sweep("search 7"),
    "a run, which could be a sweep": lambda store, keys: store.resolve_run_or_sweep(str(keys.run_id)),
    "how far a sweep is": lambda store, _keys: store.covered(SWEEP),
    "what some trials came to": lambda store, _keys: store.outcomes_between(SWEEP, 100, 120),
    "why a trial failed": lambda store, _keys: store.failure_of_trials(SWEEP),
    "the settings of some points": lambda store, _keys: store.settings_of_points(SWEEP, range(0, 500, 25)),
}
"""What ``paperdex run``, ``show``, ``report`` and ``replay`` ask of the Store, each with rows of many tables in a line."""

SWEEP = UUID("00000000-0000-800c-8000-000000000007")
COHORTS_OF_SWEEP, TRIALS_OF_SWEEP = 20, 1_000

JOINED = 6
"""So many rows of different tables make one row of an answer, at most."""

NOTABLE = 10
ACCOUNTS, KINDS, COUNTED = 3, 10, 5
"""Of a run; of its decisions, as (decision, reason); and tables that are counted."""

ALLOWED = {
    "a session": LATEST_DECISIONS,
    "the counts": ACCOUNTS * (2 + COUNTED),
    "how far a sweep is": COHORTS_OF_SWEEP,
    "the notable decisions": ACCOUNTS * KINDS * NOTABLE * 4,
    "why a trial failed": TRIALS_OF_SWEEP,  # of which none did: it is asked at a sweep's end, where one has
}
"""Rows that may be touched for what is counted, not returned."""

KEYS = {f"pk_{table}" for table in Base.metadata.tables} - {"pk_paper_trading_accounts"}
"""Of these the Store's calls are the question."""

TOLD_BY_ONE_ROW = {"pk_paper_trading_accounts": 3}
"""How many rows make one of an answer that joins tables."""

QUESTIONS = {
    # Screens of the data model.
    "pk_paper_trading_accounts": (
        "SELECT * FROM paper_trading_accounts JOIN paper_trading_configs USING (account_id) "
        "JOIN paper_trading_sessions USING (account_id) WHERE account_id = %(account)s"
    ),
    "uq_paper_trading_configs_account_id": "SELECT * FROM paper_trading_configs WHERE account_id = %(account)s",
    "ix_paper_trading_accounts_user_id_is_active": (
        "SELECT * FROM paper_trading_accounts WHERE user_id = %(user)s AND NOT is_active"
    ),
    "ix_paper_trading_accounts_created_at": "SELECT * FROM paper_trading_accounts ORDER BY created_at DESC LIMIT 50",
    "uq_paper_trading_accounts_run_id_ordinal": (
        "SELECT * FROM paper_trading_accounts WHERE run_id = %(run_id)s ORDER BY ordinal"
    ),
    "uq_paper_trading_accounts_run_id_name": (
        "SELECT * FROM paper_trading_accounts WHERE run_id = %(run_id)s AND name = 'trader 0'"
    ),
    "ix_paper_positions_account_id_is_open": (
        "SELECT * FROM paper_positions WHERE account_id = %(account)s AND NOT is_open LIMIT 50"
    ),
    "unique_open_position_per_token": (
        "SELECT * FROM paper_positions WHERE account_id = %(account)s AND is_open ORDER BY ordinal"
    ),
    "ix_paper_positions_opened_at": "SELECT * FROM paper_positions ORDER BY opened_at DESC LIMIT 50",
    "ix_paper_positions_token_address": "SELECT * FROM paper_positions WHERE token_address = %(token)s LIMIT 50",
    "ix_paper_trades_account_id_status_created_at": (
        "SELECT * FROM paper_trades WHERE account_id = %(account)s AND status = 'completed' AND "
        "created_at > '2026-02-01' ORDER BY created_at DESC LIMIT 50"
    ),
    "ix_paper_trades_created_at": "SELECT * FROM paper_trades ORDER BY created_at DESC LIMIT 50",
    "ix_paper_trades_trade_type": "SELECT * FROM paper_trades WHERE trade_type = 'swap' LIMIT 50",
    "ix_paper_trades_execution_dex": "SELECT * FROM paper_trades WHERE execution_dex = 'curve' LIMIT 50",
    "uq_paper_trades_session_id_ordinal": (
        "SELECT * FROM paper_trades WHERE session_id = %(session)s ORDER BY ordinal LIMIT 50"
    ),
    "uq_paper_trades_session_id_finished_ordinal": (
        "SELECT * FROM paper_trades WHERE session_id = %(session)s AND finished_ordinal IS NOT NULL "
        "ORDER BY finished_ordinal DESC LIMIT 50"
    ),
    "uq_paper_positions_session_id_ordinal": (
        "SELECT * FROM paper_positions WHERE session_id = %(session)s ORDER BY ordinal LIMIT 50"
    ),
    "uq_paper_ai_thought_logs_session_id_ordinal": (
        "SELECT * FROM paper_ai_thought_logs WHERE session_id = %(session)s ORDER BY ordinal DESC LIMIT 50"
    ),
    "ix_paper_ai_thought_logs_account_id_created_at": (
        "SELECT * FROM paper_ai_thought_logs WHERE account_id = %(account)s ORDER BY created_at DESC LIMIT 50"
    ),
    "ix_paper_ai_thought_logs_decision_type": (
        "SELECT * FROM paper_ai_thought_logs WHERE decision_type = 'SELL' LIMIT 50"
    ),
    "ix_paper_ai_thought_logs_surest_of_a_kind": (
        "SELECT * FROM paper_ai_thought_logs WHERE account_id = %(account)s AND decision_type = 'BUY' AND "
        "reason = 'SIGNAL' ORDER BY confidence_percent DESC, ordinal DESC LIMIT 10"
    ),
    "ix_paper_trades_result_of_a_sale": (
        "SELECT * FROM paper_trades WHERE account_id = %(account)s AND reason = 'STOP_LOSS' AND trade_type <> 'buy' "
        "AND status = 'completed' ORDER BY net_pnl_usd LIMIT 10"
    ),
    "ix_paper_ai_thought_logs_confidence_level": (
        "SELECT * FROM paper_ai_thought_logs WHERE confidence_level = 'VERY_HIGH' LIMIT 50"
    ),
    "ix_paper_ai_thought_logs_token_address": (
        "SELECT * FROM paper_ai_thought_logs WHERE token_address = %(token)s LIMIT 50"
    ),
    "ix_paper_strategy_configs_account_id_is_active": (
        "SELECT * FROM paper_strategy_configs WHERE account_id = %(account)s ORDER BY is_active DESC"
    ),
    "ix_paper_strategy_configs_autopilot_enabled": "SELECT * FROM paper_strategy_configs WHERE autopilot_enabled",
    "ix_paper_strategy_configs_created_at": "SELECT * FROM paper_strategy_configs ORDER BY created_at DESC LIMIT 50",
    "ix_paper_strategy_configs_updated_at": "SELECT * FROM paper_strategy_configs ORDER BY updated_at DESC LIMIT 50",
    "uq_paper_strategy_configs_account_id_name": (
        "SELECT * FROM paper_strategy_configs WHERE account_id = %(account)s ORDER BY name"
    ),
    "ix_paper_trading_sessions_account_id_status": (
        "SELECT * FROM paper_trading_sessions WHERE account_id = %(account)s AND status = 'COMPLETED'"
    ),
    "unique_running_session_per_account": "SELECT account_id FROM paper_trading_sessions WHERE status = 'RUNNING'",
    "ix_paper_trading_sessions_started_at": "SELECT * FROM paper_trading_sessions ORDER BY started_at DESC LIMIT 50",
    "ix_paper_trading_sessions_status": "SELECT * FROM paper_trading_sessions WHERE status = 'ERROR'",
    "ix_paper_performance_metrics_session_id_period_end": (
        "SELECT * FROM paper_performance_metrics WHERE session_id = %(session)s ORDER BY period_end DESC LIMIT 1"
    ),
    "ix_paper_performance_metrics_win_rate": "SELECT * FROM paper_performance_metrics ORDER BY win_rate DESC LIMIT 50",
    "ix_paper_performance_metrics_total_pnl_percent": (
        "SELECT * FROM paper_performance_metrics ORDER BY total_pnl_percent DESC LIMIT 50"
    ),
    "uq_paper_performance_metrics_session_id_ordinal": (
        "SELECT * FROM paper_performance_metrics WHERE session_id = %(session)s ORDER BY ordinal LIMIT 50"
    ),
    "ix_autopilot_logs_strategy_config_id_timestamp": (
        "SELECT * FROM autopilot_logs WHERE strategy_config_id = %(strategy)s ORDER BY timestamp DESC LIMIT 50"
    ),
    "ix_autopilot_logs_session_id_timestamp": (
        "SELECT * FROM autopilot_logs WHERE session_id = %(session)s ORDER BY timestamp DESC LIMIT 50"
    ),
    "uq_autopilot_logs_session_id_ordinal": (
        "SELECT * FROM autopilot_logs WHERE session_id = %(session)s ORDER BY ordinal LIMIT 50"
    ),
    "ix_autopilot_logs_timestamp": "SELECT * FROM autopilot_logs ORDER BY timestamp DESC LIMIT 50",
    "ix_autopilot_logs_adjustment_type": (
        "SELECT * FROM autopilot_logs WHERE adjustment_type = 'PAUSE_TRADING' LIMIT 50"
    ),
    "ix_autopilot_logs_outcome": "SELECT * FROM autopilot_logs WHERE outcome = 'POSITIVE' LIMIT 50",
    "ix_autopilot_performance_snapshots_strategy_config_id_timestamp": (
        "SELECT * FROM autopilot_performance_snapshots WHERE strategy_config_id = %(strategy)s "
        "ORDER BY timestamp DESC LIMIT 50"
    ),
    "ix_autopilot_performance_snapshots_session_id_timestamp": (
        "SELECT * FROM autopilot_performance_snapshots WHERE session_id = %(session)s ORDER BY timestamp DESC LIMIT 50"
    ),
    "uq_autopilot_performance_snapshots_session_id_ordinal": (
        "SELECT * FROM autopilot_performance_snapshots WHERE session_id = %(session)s ORDER BY ordinal DESC LIMIT 50"
    ),
    "ix_autopilot_performance_snapshots_timestamp": (
        "SELECT * FROM autopilot_performance_snapshots ORDER BY timestamp DESC LIMIT 50"
    ),
    "ix_autopilot_performance_snapshots_autopilot_active": (
        "SELECT * FROM autopilot_performance_snapshots WHERE autopilot_active LIMIT 50"
    ),
    "ix_autopilot_performance_snapshots_win_rate": (
        "SELECT * FROM autopilot_performance_snapshots ORDER BY win_rate DESC LIMIT 50"
    ),
    "ix_runs_name": "SELECT * FROM runs WHERE name = 'busy 7' ORDER BY started_at DESC",
    "ix_runs_started_at": "SELECT * FROM runs ORDER BY started_at DESC LIMIT 20",
    "ix_runs_status": "SELECT * FROM runs WHERE status = 'RUNNING'",
    "ix_commands_run_id": "SELECT * FROM commands WHERE run_id = %(run_id)s AND (status = 'PENDING' OR block = 300)",
    "ix_commands_sweep_id": "SELECT * FROM commands WHERE sweep_id = '00000000-0000-800c-8000-000000000007'",
    "ix_commands_session_id": "SELECT * FROM commands WHERE session_id = %(session)s",
    "ix_sweeps_name": "SELECT * FROM sweeps WHERE name = 'search 7'",
    "ix_sweeps_started_at": "SELECT sweep_id FROM sweeps ORDER BY started_at DESC, sweep_id DESC LIMIT 1",
    "uq_sweep_cohorts_sweep_id_market_first_point": (
        "SELECT market, first_point FROM sweep_cohorts WHERE sweep_id = '00000000-0000-800c-8000-000000000007' "
        "ORDER BY market, first_point"
    ),
    "uq_trials_sweep_id_point_market": (
        "SELECT * FROM trials WHERE sweep_id = '00000000-0000-800c-8000-000000000007' AND point >= 100 AND point < 120 "
        "ORDER BY point, market"
    ),
    "ix_trials_sweep_id_sharpe_ratio": (
        "SELECT * FROM trials WHERE sweep_id = '00000000-0000-800c-8000-000000000007' ORDER BY sharpe_ratio DESC LIMIT 10"
    ),
    "ix_trials_sweep_id_return_percent": (
        "SELECT * FROM trials WHERE sweep_id = '00000000-0000-800c-8000-000000000007' "
        "ORDER BY return_percent DESC LIMIT 10"
    ),
    # What Postgres itself asks of a table before it lets a row go that the table may refer to.
    "ix_paper_trades_position_id": "SELECT 1 FROM paper_trades WHERE position_id = %(position)s",
    "ix_paper_trades_sold_position_id": "SELECT 1 FROM paper_trades WHERE sold_position_id = %(position)s",
    "ix_paper_trades_strategy_config_id": "SELECT 1 FROM paper_trades WHERE strategy_config_id = %(strategy)s LIMIT 1",
    "ix_paper_positions_strategy_config_id": (
        "SELECT 1 FROM paper_positions WHERE strategy_config_id = %(strategy)s LIMIT 1"
    ),
    "ix_paper_ai_thought_logs_paper_trade_id": "SELECT 1 FROM paper_ai_thought_logs WHERE paper_trade_id = %(trade)s",
    "ix_paper_ai_thought_logs_strategy_config_id": (
        "SELECT 1 FROM paper_ai_thought_logs WHERE strategy_config_id = %(strategy)s LIMIT 1"
    ),
    "ix_paper_trading_sessions_strategy_config_id": (
        "SELECT 1 FROM paper_trading_sessions WHERE strategy_config_id = %(strategy)s"
    ),
    "ix_autopilot_logs_reverses_log_id": "SELECT 1 FROM autopilot_logs WHERE reverses_log_id = %(log)s",
    "ix_autopilot_performance_snapshots_last_adjustment_log_id": (
        "SELECT 1 FROM autopilot_performance_snapshots WHERE last_adjustment_log_id = %(log)s"
    ),
}
"""Of each index a question that it is for."""


OWNED = [
    (table, owner)
    for table in sorted(REPEATED)
    for owner in ("account_id", "session_id", "strategy_config_id")
    if owner in Base.metadata.tables[table].columns
]
"""Tables of what happens in a run, with the keys of whom it belongs to."""


def within(plan, rows_of_a_line, for_nothing=SMALL):
    """Tell whether a plan touched no more than it may for what it returned."""
    return touched(plan) <= rows_of_a_line * plan["Actual Rows"] + for_nothing


def test_there_are_more_than_a_million_rows_under_all_rules_of_the_schema(crowd):
    rows = sum(crowd(f"SELECT count(*) FROM {table}")[0][0] for table in Base.metadata.tables)
    assert rows > 1_000_000
    (unproven,) = crowd(f"SELECT count(*) FROM pg_constraint WHERE NOT convalidated AND NOT ({FORMS})")
    (foreign,) = crowd("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'r'")
    assert (unproven[0], foreign[0]) == (0, sum(len(table.foreign_keys) for table in Base.metadata.tables.values()))


@pytest.mark.parametrize("prefix", [LONG_RUN, SHORT_RUN], ids=["long", "short"])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_asked_of_the_store_touches_little_more_than_it_returns(crowd_url, asked, call, prefix):
    statements = asked(CALLS[call], keys_of(prefix))
    assert statements
    for statement, values in statements:
        plan = explained(crowd_url, statement, values)
        assert within(plan, JOINED, ALLOWED.get(call, SMALL)), (touched(plan), statement)


@pytest.mark.parametrize(("table", "owner"), OWNED)
def test_the_rows_of_a_run_are_found_by_the_range_of_its_keys(crowd_url, table, owner):
    """So a digest, a check of one run and an archive read no other run."""
    low, high = map(str, key_range(SHORT_RUN))
    plan = explained(crowd_url, f"SELECT * FROM {table} WHERE {owner} BETWEEN %s AND %s", (low, high))
    assert plan["Actual Rows"] >= REPEATS
    assert within(plan, 1)


@pytest.mark.parametrize("index", QUESTIONS)
def test_an_index_serves_the_question_that_it_is_for(crowd_url, index):
    plan = explained(crowd_url, QUESTIONS[index], vars(keys_of(LONG_RUN)))
    assert index in indexes(plan)
    assert within(plan, TOLD_BY_ONE_ROW.get(index, 1))


def test_every_index_has_a_question_that_it_is_for(crowd):
    there = {name for (name,) in crowd("SELECT indexrelname FROM pg_stat_user_indexes")}
    assert there - QUESTIONS.keys() == KEYS | {
        "uq_users_name",
        "uq_autopilot_knowledge_from_run",
        "alembic_version_pkc",
    }
    assert len(QUESTIONS) > 25
