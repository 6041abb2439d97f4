"""Every migration goes up and down on filled tables, and what both versions hold comes through."""

from __future__ import annotations

from itertools import pairwise

import pytest
from alembic.script import ScriptDirectory

from storage import schema
from storage.models.runs import Command

SCRIPTS = list(ScriptDirectory(str(schema._folder())).walk_revisions())
HEAD_FIRST = [script.revision for script in SCRIPTS]

VARIETY = [
    (
        "UPDATE paper_trades SET failure = 'DROPPED' WHERE trade_id = "
        "(SELECT trade_id FROM paper_trades WHERE failure <> 'NONE' ORDER BY trade_id LIMIT 1)"
    ),
    (
        "UPDATE paper_trades SET failure = 'NO_LIQUIDITY' WHERE trade_id = "
        "(SELECT trade_id FROM paper_trades WHERE failure <> 'NONE' ORDER BY trade_id DESC LIMIT 1)"
    ),
    "UPDATE paper_ai_thought_logs SET reason = 'TOO_COSTLY' WHERE reason = 'LOW_CONFIDENCE'",
    "UPDATE paper_ai_thought_logs SET reason = 'BETTER_CANDIDATE' WHERE decision_type = 'HOLD' AND ordinal % 2 = 0",
    "UPDATE paper_trades SET reason = 'BETTER_CANDIDATE' WHERE trade_type = 'sell' AND reason = 'TAKE_PROFIT'",
    (
        "UPDATE paper_trading_sessions SET status = 'ERROR', error_message = 'It broke.', status_reason = 'It broke.' "
        "WHERE session_id = (SELECT min(session_id::text)::uuid FROM paper_trading_sessions)"
    ),
    (
        "UPDATE paper_trading_sessions SET status = 'STOPPED', status_reason = 'It was stopped.' "
        "WHERE session_id = (SELECT max(session_id::text)::uuid FROM paper_trading_sessions)"
    ),
    *(
        "INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments) "
        f"SELECT gen_random_uuid(), run_id, {session}, {ordinal}, '{kind}', '{{}}' FROM runs"
        for ordinal, (kind, session) in enumerate(
            [
                ("PAUSE", "NULL"),
                ("STOP", "(SELECT max(session_id::text)::uuid FROM paper_trading_sessions)"),
                ("REVERSE_ADJUSTMENT", "(SELECT max(session_id::text)::uuid FROM paper_trading_sessions)"),
            ]
        )
    ),
]
"""What newer versions alone can say, in rows of the finished run that do not say it."""

REWRITTEN = {
    "0002": {("paper_trades", "failure")},
    "0003": {("paper_ai_thought_logs", "reason")},
    "0004": {("paper_ai_thought_logs", "reason"), ("paper_trades", "reason")},
    "0005": {("paper_trading_sessions", "error_message")},
    "0016": {("commands", column.name) for column in Command.__table__.columns},
}
"""Columns of which a downgrade, by its docstring, loses some values or keeps them in other words."""

SAID_BEFORE = {"0005": {("paper_trading_sessions", "error_message")}}
"""Columns of which an upgrade moves some values to a new place."""


@pytest.fixture
def varied(finished, sql):
    """Give the finished run what only newer versions can store."""
    for statement in VARIETY:
        sql(statement)
    return finished


def contents(sql):
    """Return every value: of each (table, column) those of its rows in the order of their keys."""
    keys = dict(
        sql(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid "
            "AND attnum = conkey[1] WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
        )
    )
    keys.pop("alembic_version", None)
    values = {}
    for table, key in keys.items():
        rows = sql(f"SELECT to_jsonb({table}) FROM {table} ORDER BY {key}")
        for column in rows[0][0] if rows else ():
            values[table, column] = [row[column] for (row,) in rows]
    return values


def changed(before, after):
    """Return the columns that both have, with other values."""
    return {column for column in before.keys() & after.keys() if before[column] != after[column]}


def go(store, sql, revision):
    """Go one step to ``revision`` and return the contents before and after."""
    before = contents(sql)
    (store.downgrade if revision < now(sql) else store.upgrade)(revision)
    return before, contents(sql)


def now(sql):
    return sql("SELECT version_num FROM alembic_version")[0][0]


@pytest.mark.usefixtures("varied")
def test_each_step_down_and_up_again_keeps_what_both_versions_hold(store, sql):
    for stepped, target in pairwise(HEAD_FIRST):
        before, after = go(store, sql, target)
        assert changed(before, after) <= REWRITTEN.get(stepped, set())
        assert len(after) > 200
    for target in reversed(HEAD_FIRST[:-1]):
        before, after = go(store, sql, target)
        assert changed(before, after) <= SAID_BEFORE.get(target, set())
    assert store.check() == []


@pytest.mark.usefixtures("varied")
def test_a_filled_database_goes_down_to_nothing_and_up_again(store, sql):
    whole = contents(sql)
    for target in (*HEAD_FIRST[1:], "base"):
        store.downgrade(target)
    assert sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("alembic_version",)]
    for target in reversed(HEAD_FIRST):
        store.upgrade(target)
    emptied = contents(sql)
    assert {table for table, _ in emptied} == {"users"}
    assert {table for table, _ in whole} > {"users", "paper_trades", "paper_ai_thought_logs"}
    assert store.check() == []


@pytest.mark.usefixtures("varied")
def test_what_a_downgrade_keeps_in_other_words_are_the_words_it_names(store, sql):
    store.downgrade("0001")
    failures = dict(sql("SELECT failure, count(*) FROM paper_trades GROUP BY 1"))
    assert failures.keys() == {"NONE", "EXPIRED", "SLIPPAGE", "REVERTED"}
    reasons = {reason for (reason,) in sql("SELECT DISTINCT reason FROM paper_ai_thought_logs")}
    assert "LOW_LIQUIDITY" in reasons
    assert reasons.isdisjoint({"TOO_COSTLY", "BETTER_CANDIDATE"})
    told = sql("SELECT status, error_message FROM paper_trading_sessions ORDER BY status")
    assert told == [("COMPLETED", ""), ("ERROR", "It broke."), ("STOPPED", "It was stopped.")]


@pytest.mark.usefixtures("varied")
def test_a_stop_and_an_error_survive_the_way_down_and_up(store, sql):
    told = "SELECT status, error_message, status_reason FROM paper_trading_sessions ORDER BY status"
    before = sql(told)
    store.downgrade("0001")
    store.upgrade()
    assert sql(told) == before


@pytest.mark.parametrize("script", SCRIPTS, ids=HEAD_FIRST)
def test_a_downgrade_says_what_it_loses(script):
    assert script.module.downgrade.__doc__.startswith("Undo the change; ")
