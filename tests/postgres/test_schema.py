"""The schema: migrations and models agree, and the database itself refuses what may not be."""

from __future__ import annotations

import threading

import psycopg2
import pytest
from sqlalchemy import create_engine

from storage.ids import LOCAL_USER_ID
from storage.models import Base
from storage.store import Store

TEN_TABLES = {
    "paper_trading_accounts",
    "paper_trades",
    "paper_positions",
    "paper_trading_configs",
    "paper_ai_thought_logs",
    "paper_strategy_configs",
    "paper_trading_sessions",
    "paper_performance_metrics",
    "autopilot_logs",
    "autopilot_performance_snapshots",
}

RULES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass ORDER BY 1, 2
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2
"""
COLUMNS = """
    SELECT table_name, ordinal_position, column_name, data_type, numeric_precision, numeric_scale,
        character_maximum_length, is_nullable, column_default, is_identity,
        col_description(table_name::regclass, ordinal_position), obj_description(table_name::regclass)
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""
FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname, confdeltype,
        EXISTS (
            SELECT 1 FROM pg_index WHERE indrelid = conrelid AND indpred IS NULL AND indkey[0] = conkey[1]
        )
    FROM pg_constraint WHERE contype = 'f' ORDER BY 1, 2
"""
LISTED_INDEXES = [
    ("paper_trading_accounts", "user_id, is_active"),
    ("paper_trading_accounts", "created_at"),
    ("paper_trades", "account_id, status, created_at"),
    ("paper_trades", "created_at"),
    ("paper_trades", "trade_type"),
    ("paper_trades", "execution_dex"),
    ("paper_positions", "account_id, is_open"),
    ("paper_positions", "token_address"),
    ("paper_ai_thought_logs", "account_id, created_at"),
    ("paper_ai_thought_logs", "decision_type"),
    ("paper_ai_thought_logs", "confidence_level"),
    ("paper_ai_thought_logs", "token_address"),
    ("paper_strategy_configs", "account_id, is_active"),
    ("paper_strategy_configs", "autopilot_enabled"),
    ("paper_strategy_configs", "created_at"),
    ("paper_trading_sessions", "account_id, status"),
    ("paper_trading_sessions", "started_at"),
    ("paper_trading_sessions", "status"),
    ("paper_performance_metrics", "session_id, period_end"),
    ("paper_performance_metrics", "win_rate"),
    ("paper_performance_metrics", "total_pnl_percent"),
    ("autopilot_logs", 'strategy_config_id, "timestamp"'),
    ("autopilot_logs", "adjustment_type"),
    ("autopilot_logs", "outcome"),
    ("autopilot_logs", '"timestamp"'),
    ("autopilot_logs", 'session_id, "timestamp"'),
    ("autopilot_performance_snapshots", 'strategy_config_id, "timestamp"'),
    ("autopilot_performance_snapshots", "autopilot_active"),
    ("autopilot_performance_snapshots", "win_rate"),
    ("autopilot_performance_snapshots", '"timestamp"'),
    ("autopilot_performance_snapshots", 'session_id, "timestamp"'),
]


def described(url):
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    found = []
    with connection.cursor() as cursor:
        for question in (RULES, INDEXES, COLUMNS):
            cursor.execute(question)
            found.append(cursor.fetchall())
    connection.close()
    return found


def test_what_the_migrations_make_is_what_the_models_say(url, new_url):
    made_from_models = new_url()
    engine = create_engine(made_from_models)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
    engine.dispose()
    for migrated, modelled in zip(described(url), described(made_from_models), strict=True):
        assert migrated == modelled


def test_the_schema_goes_up_down_and_up_again(url, store):
    before = described(url)
    store.downgrade("base")
    store.upgrade()
    assert described(url) == before
    assert store.check() == []


def test_an_upgrade_of_an_upgraded_database_changes_nothing(url, store):
    before = described(url)
    store.upgrade()
    assert described(url) == before


def test_two_upgrades_at_the_same_moment_both_succeed(new_url):
    stores = [Store(url) for url in [new_url()] * 2]
    threads = [threading.Thread(target=store.upgrade) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].check() == []
    for store in stores:
        store.close()


def test_the_ten_tables_are_there(sql):
    tables = {name for (name,) in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables == TEN_TABLES | {
        "users",
        "runs",
        "session_checkpoints",
        "sweeps",
        "sweep_cohorts",
        "trials",
        "autopilot_knowledge",
        "commands",
        "alembic_version",
    }


def test_there_is_one_local_user(sql):
    assert sql("SELECT user_id::text, name FROM users") == [(str(LOCAL_USER_ID), "local")]


def test_every_table_and_column_has_a_sentence(url):
    for row in described(url)[2]:
        assert row[-2].endswith("."), row[2]
        assert row[-1].endswith("."), row[0]


def test_nothing_cascades_and_every_foreign_key_is_indexed(sql):
    for table, name, on_delete, indexed in sql(FOREIGN_KEYS):
        assert on_delete == "r", (table, name)
        assert indexed, (table, name)


@pytest.mark.parametrize(("table", "columns"), LISTED_INDEXES)
def test_the_listed_indexes_exist(stored, table, columns):
    definitions = [
        definition for (definition,) in stored("SELECT indexdef FROM pg_indexes WHERE tablename = %s", table)
    ]
    assert any(definition.endswith(f"({columns})") for definition in definitions)


def test_no_money_or_amount_is_a_float(url):
    for table, _, column, kind, *_ in described(url)[2]:
        if column.endswith("_usd") or column.startswith("amount") or column == "quantity":
            assert kind == "numeric", (table, column)


def test_times_have_zones(url):
    assert "timestamp without time zone" not in {row[3] for row in described(url)[2]}


def test_every_strategy_field_of_a_scenario_has_its_column():
    from simulation.settings.strategy import Strategy, TradingConfig

    assert set(Strategy.model_fields) <= set(Base.metadata.tables["paper_strategy_configs"].columns.keys())
    assert set(TradingConfig.model_fields) <= set(Base.metadata.tables["paper_trading_configs"].columns.keys())


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE paper_trading_accounts SET current_balance_usd = -1", "current_balance_usd"),
        ("UPDATE paper_trading_accounts SET winning_trades = total_trades + 1", "scores"),
        ("UPDATE paper_trading_accounts SET name = 'same'", "run_id_name"),
        ("UPDATE paper_trades SET trade_type = 'hodl'", "trade_type"),
        ("UPDATE paper_trades SET amount_in = -1", "amount_in"),
        ("UPDATE paper_trades SET actual_amount_out = min_amount_out - 1", "minimum_respected"),
        ("UPDATE paper_trades SET failure = 'SLIPPAGE' WHERE status = 'completed'", "failure_has_a_cause"),
        ("UPDATE paper_trades SET actual_amount_out = NULL", "received_when_completed"),
        ("UPDATE paper_trades SET finished_ordinal = NULL", "finished"),
        ("UPDATE paper_trades SET execution_dex = 'nyse'", "execution_dex"),
        ("UPDATE paper_trades SET token_in_address = '0xABC'", "token_in_address"),
        ("UPDATE paper_positions SET quantity = -1", "quantity"),
        ("UPDATE paper_positions SET is_open = true WHERE NOT is_open", "closed_at_when_closed"),
        ("UPDATE paper_positions SET quantity = 1 WHERE NOT is_open", "open_while_held"),
        ("UPDATE paper_positions SET unrealized_pnl_usd = 5", "unrealized"),
        ("UPDATE paper_trading_configs SET gas_price_multiplier = 10.01", "gas_price_multiplier"),
        ("UPDATE paper_trading_configs SET failure_rate_percent = 100.01", "failure_rate_percent"),
        ("UPDATE paper_ai_thought_logs SET confidence_percent = 100.01", "confidence_percent"),
        ("UPDATE paper_ai_thought_logs SET risk_score = -0.01", "risk_score"),
        ("UPDATE paper_ai_thought_logs SET decision_type = 'PANIC'", "decision_type"),
        ("UPDATE paper_ai_thought_logs SET confidence_level = 'TOTAL'", "confidence_level"),
        ("UPDATE paper_ai_thought_logs SET key_factors = '{}'", "key_factors"),
        ("UPDATE paper_ai_thought_logs SET lane_used = 'SLOW'", "lane_used"),
        ("UPDATE paper_strategy_configs SET stop_loss_percent = 50.01", "stop_loss_percent"),
        ("UPDATE paper_strategy_configs SET take_profit_percent = 1000.01", "take_profit_percent"),
        ("UPDATE paper_strategy_configs SET max_trade_size_usd = 9.99", "max_trade_size_usd"),
        ("UPDATE paper_strategy_configs SET dca_num_intervals = 21", "dca_num_intervals"),
        ("UPDATE paper_strategy_configs SET learning_rate = 0", "learning_rate"),
        ("UPDATE paper_strategy_configs SET use_fast_lane = false", "a_lane_is_open"),
        ("UPDATE paper_strategy_configs SET min_position_size_percent = 21", "position_size_bounds"),
        (
            "UPDATE paper_strategy_configs SET min_confidence_threshold = 95, max_confidence_threshold_limit = 90",
            "confidence_bounds",
        ),
        ("UPDATE paper_trading_sessions SET status = 'SLEEPING'", "status"),
        ("UPDATE paper_trading_sessions SET total_trades = total_trades + 1", "trades_add_up"),
        ("UPDATE paper_performance_metrics SET win_rate = 100.5", "win_rate"),
        ("UPDATE paper_performance_metrics SET period_end = period_start - interval '1 second'", "period"),
        ("UPDATE autopilot_logs SET adjustment_type = 'YOLO'", "adjustment_type"),
        ("UPDATE autopilot_logs SET outcome = 'GREAT'", "outcome"),
        ("UPDATE autopilot_logs SET is_reversal = true", "reversal_names_what_it_undoes"),
        ("UPDATE autopilot_logs SET reverses_log_id = log_id, is_reversal = true", "does_not_undo_itself"),
        ("UPDATE autopilot_performance_snapshots SET market_trend = 'sideways'", "market_trend"),
        ("UPDATE runs SET status = 'PAUSED'", "status"),
        ("UPDATE session_checkpoints SET seq = -1", "seq"),
    ],
)
def test_the_database_refuses(stored, statement, rule):
    with pytest.raises(psycopg2.errors.IntegrityError) as refusal:
        stored(statement)
    assert refusal.value.diag.constraint_name.endswith(rule)


@pytest.mark.parametrize(
    "table", ["paper_trades", "paper_trading_sessions", "paper_strategy_configs", "paper_trading_accounts", "runs"]
)
def test_the_audit_trail_does_not_go_with_what_it_is_about(stored, table):
    with pytest.raises(psycopg2.errors.RestrictViolation):
        stored(f"DELETE FROM {table}")


def test_an_account_has_one_open_position_of_a_token(begin, store, sql):
    live = begin()
    while not sql("SELECT 1 FROM paper_positions WHERE is_open"):
        store.commit(live.batches(5))
    columns = [
        column.name for column in Base.metadata.tables["paper_positions"].columns if column.name != "recorded_at"
    ]
    other = {"position_id": "gen_random_uuid()", "ordinal": "ordinal + 1000"}
    selected = ", ".join(other.get(name, name) for name in columns)
    with pytest.raises(psycopg2.errors.UniqueViolation, match="unique_open_position_per_token"):
        sql(f"INSERT INTO paper_positions ({', '.join(columns)}) SELECT {selected} FROM paper_positions WHERE is_open")


def test_an_account_has_one_running_session(begin, sql):
    begin()
    with pytest.raises(psycopg2.errors.UniqueViolation, match="unique_running_session_per_account"):
        sql(
            "INSERT INTO paper_trading_sessions (session_id, account_id, started_at, last_activity) "
            "SELECT gen_random_uuid(), account_id, started_at, last_activity FROM paper_trading_sessions"
        )


def test_an_account_has_one_config_and_strategies_of_different_names(begin, sql):
    begin()
    with pytest.raises(psycopg2.errors.UniqueViolation, match="uq_paper_trading_configs_account_id"):
        sql("INSERT INTO paper_trading_configs (account_id) SELECT account_id FROM paper_trading_accounts")
    with pytest.raises(psycopg2.errors.UniqueViolation, match="uq_paper_strategy_configs_account_id_name"):
        sql(
            "INSERT INTO paper_strategy_configs (config_id, account_id, name, created_at, updated_at) "
            "SELECT gen_random_uuid(), account_id, name, created_at, updated_at FROM paper_strategy_configs"
        )
