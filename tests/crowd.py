"""A crowded database: the finished run told again a thousand times, some of them long, with every rule of the schema."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from questions import questions
from sqlalchemy import DateTime, Uuid

from storage.models import Base

SHORT, LONG = 1030, 20
"""Runs in all, and the first of them that are long."""
REPEATS, LONG_REPEATS = 2, 100
"""How often what happened in the finished run happens again in a run; later in time each time."""

OF_A_RUN = {"run_id", "account_id", "config_id", "strategy_config_id", "session_id"}
"""Keys whose row is told once a run; the others are told in each repeat."""

REPEATED = {
    "paper_positions",
    "paper_trades",
    "paper_ai_thought_logs",
    "paper_performance_metrics",
    "autopilot_logs",
    "autopilot_performance_snapshots",
}
SWEEPS = {"sweeps", "sweep_cohorts", "trials"}
TOLD_ONCE = {"users", "autopilot_knowledge", "commands"} | SWEEPS
STRIDE = 0x10000
"""Of ordinals from one repeat to the next."""

_KEYS = {
    True: "(of_run || substr({0}::text, 14))::uuid",
    False: "(of_run || substr({0}::text, 14, 13) || of_repeat || substr({0}::text, 33))::uuid",
}
_TOKEN = "overlay(token_address placing lpad(to_hex(run % 250), 4, '0') from 3 for 4)"
_RARE_SWAP = "trade_type = 'buy' AND status = 'completed' AND ordinal = 5 AND repeat % 20 = 0"

DIFFERENT = {
    "runs": {
        "name": "name || ' ' || run % 200",
        "status": "CASE run % 100 WHEN 1 THEN 'RUNNING' WHEN 2 THEN 'ERROR' ELSE status END",
    },
    "paper_trading_sessions": {"status": "CASE run % 100 WHEN 1 THEN 'RUNNING' WHEN 2 THEN 'ERROR' ELSE status END"},
    "paper_strategy_configs": {
        "autopilot_enabled": "autopilot_enabled AND run % 50 = 0",
        "is_active": "run % 50 <> 0",
    },
    "paper_positions": {
        "token_address": _TOKEN,
        "is_open": "is_open AND repeat = last",
        "quantity": "CASE WHEN repeat = last THEN quantity ELSE 0 END",
        "cost_basis_usd": "CASE WHEN repeat = last THEN cost_basis_usd ELSE 0 END",
        "current_value_usd": "CASE WHEN repeat = last THEN current_value_usd ELSE 0 END",
        "unrealized_pnl_usd": "CASE WHEN repeat = last THEN unrealized_pnl_usd ELSE 0 END",
        "closed_at": "CASE WHEN repeat = last THEN closed_at ELSE coalesce(closed_at, opened_at) END",
        "closed_block": "CASE WHEN repeat = last THEN closed_block ELSE coalesce(closed_block, opened_block) END",
    },
    "paper_trades": {
        "trade_type": f"CASE WHEN {_RARE_SWAP} THEN 'swap' ELSE trade_type END",
        "sold_position_id": f"CASE WHEN {_RARE_SWAP} THEN position_id END",
        "execution_dex": "CASE WHEN ordinal = 7 AND repeat % 10 = 0 THEN 'curve' ELSE execution_dex END",
    },
    "paper_ai_thought_logs": {
        "token_address": _TOKEN,
        "confidence_level": "CASE WHEN ordinal = 3 AND repeat % 10 = 0 THEN 'VERY_HIGH' ELSE 'MEDIUM' END",
        **dict.fromkeys(("key_factors", "positive_signals", "negative_signals"), "'[]'"),
        **dict.fromkeys(("market_data", "inputs"), "'{}'"),
        **dict.fromkeys(("primary_reasoning", "risk_assessment"), "'Told again.'"),
    },
    "autopilot_logs": {
        "outcome_hash": "repeat('0', 64)",
        "outcome": "CASE WHEN run % 50 = 0 THEN 'POSITIVE' ELSE 'NEGATIVE' END",
        "adjustment_type": "CASE WHEN run % 50 = 0 THEN 'PAUSE_TRADING' ELSE adjustment_type END",
    },
    "autopilot_performance_snapshots": {"autopilot_active": "autopilot_active AND run % 50 = 0"},
}
"""Columns that are not simply told again: one open position of a token, rare values, and short texts."""


_SWEEP = "('00000000-0000-800c-8000-' || lpad(to_hex(sweep), 12, '0'))::uuid"
_OTHER = "(lpad(to_hex(sweep), 8, '0') || '-0000-800e-8000-' || lpad(to_hex({} * 2 + market), 12, '0'))::uuid"
SEARCHED = (
    f"""
    INSERT INTO sweeps (sweep_id, name, spec, spec_hash, markets, points, version, started_at)
    SELECT {_SWEEP}, 'search ' || sweep % 500, '{{}}', repeat('0', 64), '[]', 500, '0.1.0', now() - sweep * interval '1 h'
    FROM generate_series(1, 3000) AS sweep
    """,
    f"""
    INSERT INTO sweep_cohorts (cohort_id, sweep_id, market, first_point, n_points, skipped)
    SELECT {_OTHER.format("cohort")}, {_SWEEP}, market, cohort * 50, 50, 0
    FROM generate_series(1, 300) AS sweep, generate_series(0, 1) AS market, generate_series(0, 9) AS cohort
    """,
    f"""
    INSERT INTO trials
    SELECT {_OTHER.format("point")}, {_SWEEP}, market, point, '{{}}', 'COMPLETED', '', 7200, 10000, luck, luck, 1, 10, 1, 4, 4,
        9, 9, 1, 1, 1, 1, 1, 1, 24, 0, 0.01, 0, 3, '', now()
    FROM generate_series(1, 100) AS sweep, generate_series(0, 1) AS market, generate_series(0, 499) AS point,
        LATERAL (SELECT sin(sweep * 7 + market * 3 + point) AS luck) AS lucks
    """,
)
"""Sweeps, most of them of other days, and some of their cohorts and trials."""

COMMANDED = """
    INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments, status, block)
    SELECT overlay(session_id::text placing '800f' from 15 for 4)::uuid, run_id, session_id, accounts.ordinal,
        'REVERSE_ADJUSTMENT', '{}', 'ACCEPTED', 300
    FROM paper_trading_sessions JOIN paper_trading_accounts AS accounts USING (account_id)
"""
"""One command for each session."""


FORMS = "contype = 'c' AND pg_get_constraintdef(oid) LIKE '%~ ''^0x%'"
"""Which rules say how addresses and hashes are written."""


def fill(url):
    """Fill the database at ``url``, which holds the finished run; its rules hold and its statistics are fresh.

    Indexes and foreign keys are taken away and made anew, which checks every row: much quicker than one by one. How
    addresses and hashes are written holds for new rows alone. Those here are of the finished run, and to match each of a
    million with an expression takes longer than all else.
    """
    tables = [table for table in reversed(Base.metadata.sorted_tables) if table.name not in TOLD_ONCE]
    with questions(url) as sql:
        sql("SET maintenance_work_mem = '256MB'")
        rules = _rules(sql)
        forms = sql(
            f"SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE {FORMS}"
        )
        for table, name, _ in forms:
            sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for table, name, _ in reversed(rules):
            sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}" if table else f"DROP INDEX {name}")
        with ThreadPoolExecutor(2) as pool:  # the two largest tables come first, and at the same time
            list(pool.map(partial(_tell_again, url), tables))
        for statement in (*SEARCHED, COMMANDED):
            sql(statement)
        sql("ANALYZE sweeps, sweep_cohorts, trials, commands")
        for table, name, definition in forms:
            sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID")
        for table, name, definition in rules:
            sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" if table else definition)


def _tell_again(url, table):
    with questions(url) as sql:
        sql("SET jit = off")
        sql(_told_again(table))
        sql(f"VACUUM (ANALYZE) {table.name}")


def _rules(sql):
    """Return keys, then indexes, then foreign keys: (table, name, definition), of an index without its table."""
    constraints = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND contype = ANY(%s) AND conrelid <> 'alembic_version'::regclass "
        "ORDER BY contype, conname"
    )
    keys, references = sql(constraints, ["p", "u"]), sql(constraints, ["f"])
    names = [name for _, name, _ in keys] + ["alembic_version_pkc"]
    indexes = sql(
        "SELECT NULL, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname <> ALL(%s)", names
    )
    return keys + indexes + references


def _told_again(table):
    columns = [column for column in table.columns if column.name != "id"]
    listed = ", ".join(column.name for column in columns)
    values = ", ".join(_value(table, column) for column in columns)
    repeats = "last" if table.name in REPEATED else "0"
    return (
        f"WITH told AS MATERIALIZED (SELECT run, last, repeat, lpad(to_hex(run), 8, '0') || '-0000' AS of_run, "
        "lpad(to_hex(repeat), 6, '0') AS of_repeat "
        f"FROM (SELECT run, CASE WHEN run <= {LONG} THEN {LONG_REPEATS} ELSE {REPEATS} END - 1 AS last "
        f"FROM generate_series(1, {SHORT}) AS run) AS runs_told, LATERAL generate_series(0, {repeats}) AS repeat) "
        f"INSERT INTO {table.name} ({listed}) SELECT {values} FROM {table.name}, told"
    )


def _value(table, column):
    """Return what is told of a column: later in time, in other rows' words where they must differ."""
    name = column.name
    told = DIFFERENT.get(table.name, {}).get(name, name)
    if isinstance(column.type, Uuid):
        return name if name == "user_id" else _KEYS[name in OF_A_RUN].format(f"({told})")
    if isinstance(column.type, DateTime) and name != "recorded_at":
        return f"{told} + run * interval '10 days' + repeat * interval '3 hours'"
    if table.name in REPEATED and name.endswith("ordinal"):
        return f"{told} + repeat::bigint * {STRIDE}"
    if table.name in REPEATED and name.endswith(("block", "block_number")):
        return f"{told} + repeat * 900"
    return told
