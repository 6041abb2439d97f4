"""The check finds whatever does not follow from the trades, and names it."""

from __future__ import annotations

import psycopg2
import pytest

from storage import checking
from storage.errors import StorageError


def test_a_finished_run_has_no_findings(finished, store):
    assert store.check(finished.ids.run_id) == []


def test_a_run_has_no_findings_at_any_moment(begin, store):
    live = begin()
    for _ in range(20):
        store.commit(live.batches(7))
        assert store.check() == []


def test_the_run_that_is_checked_has_traded(finished, store):
    counts = store.counts(finished.ids.run_id)
    assert counts.trades > 50
    assert counts.positions > 20


@pytest.mark.parametrize(
    ("change", "table", "column"),
    [
        ("current_balance_usd = current_balance_usd + 0.000001", "paper_trading_accounts", "current_balance_usd"),
        ("total_profit_loss_usd = total_profit_loss_usd - 0.000001", "paper_trading_accounts", "total_profit_loss_usd"),
        ("losing_trades = losing_trades - 1", "paper_trading_accounts", "losing_trades"),
        ("gas_paid_usd = gas_paid_usd + 1", "paper_trading_sessions", "gas_paid_usd"),
        ("realized_pnl_usd = realized_pnl_usd + 1", "paper_trading_sessions", "realized_pnl_usd"),
    ],
)
def test_an_altered_sum_is_named_with_both_values(finished, store, sql, change, table, column):
    sql(f"UPDATE {table} SET {change} WHERE account_id = %s", finished.contexts[1].account_key)
    finding, digest = store.check(finished.ids.run_id)
    assert (finding.table, finding.account, finding.column) == (table, "trader 1", column)
    assert finding.stored != finding.expected
    assert (digest.table, digest.column) == ("runs", "digest")


def test_one_wei_too_much_is_found(begin, store, sql):
    live = begin()
    opened = []
    while not opened:
        store.commit(live.batches(5))
        opened = sql("SELECT position_id::text, quantity FROM paper_positions WHERE is_open LIMIT 1")
    row, quantity = opened[0]
    sql("UPDATE paper_positions SET quantity = quantity + 1 WHERE position_id = %s", row)
    (finding,) = store.check()
    assert (finding.column, finding.row) == ("quantity", row)
    assert (finding.stored, finding.expected) == (str(quantity + 1), str(quantity))


def test_a_broken_link_in_the_chain_of_cash_is_found(finished, store, sql):
    sql("UPDATE paper_trades SET cash_after_usd = cash_after_usd + 0.5 WHERE finished_ordinal = 3")
    *findings, digest = store.check(finished.ids.run_id)
    assert {finding.column for finding in findings} == {"cash_after_usd"}
    assert len(findings) == 2 * 3  # the link itself and the one after it, in each of three accounts
    assert digest.column == "digest"


@pytest.mark.usefixtures("finished")
def test_an_altered_result_of_a_sale_is_found(store, sql):
    sql(
        "UPDATE paper_trades SET realized_pnl_usd = 5 WHERE trade_id ="
        " (SELECT trade_id FROM paper_trades WHERE trade_type = 'sell' AND status = 'completed'"
        " ORDER BY session_id, finished_ordinal LIMIT 1)"
    )
    columns = {(finding.table, finding.column) for finding in store.check()}
    assert ("paper_trades", "realized_pnl_usd") in columns
    assert ("paper_trading_accounts", "total_profit_loss_usd") in columns


def test_another_runs_fault_is_not_this_runs(finished, begin, store, sql):
    other = begin(seed=8)
    other.run()
    sql("UPDATE paper_trading_accounts SET current_balance_usd = 1 WHERE run_id = %s", str(other.ids.run_id))
    assert store.check(finished.ids.run_id) == []
    assert [finding.column for finding in store.check()] == ["current_balance_usd"] * 3 + ["digest"]


@pytest.mark.usefixtures("finished")
def test_a_finding_is_one_sentence(store, sql):
    sql("UPDATE paper_trading_sessions SET total_trades = 7, successful_trades = 7, failed_trades = 0")
    text = str(store.check()[0])
    assert text.startswith("paper_trading_sessions.")
    assert "stored" in text
    assert text.endswith(".")


def test_a_schema_without_its_index_is_found(store, sql):
    sql("DROP INDEX ix_paper_trades_created_at")
    (finding,) = store.check()
    assert "ix_paper_trades_created_at" in finding.stored


def test_a_database_without_tables_is_found(new_url):
    from storage.schema import head_revision
    from storage.store import Store

    (finding,) = Store(new_url()).check()
    assert (finding.column, finding.stored, finding.expected) == ("version_num", "none", head_revision())


def test_a_run_that_records_nothing_has_no_findings(begin, store, sql):
    live = begin(record="none")
    live.run()
    assert store.check() == []
    assert sql("SELECT count(*) FROM paper_trades") == [(0,)]
    assert sql("SELECT count(*) FROM paper_positions") == [(0,)]


# What was altered after the end, and by whom it can't be.


def test_content_that_no_rule_recomputes_is_found_by_the_digest_of_its_run(finished, begin, store, sql):
    begin(seed=8).run()
    kept = store.digest(finished.ids.run_id)
    sql(
        "UPDATE paper_ai_thought_logs SET primary_reasoning = 'I felt like it.' WHERE account_id = %s",
        finished.contexts[0].account_key,
    )
    (finding,) = store.check()
    assert (finding.table, finding.row, finding.column) == ("runs", str(finished.ids.run_id), "digest")
    assert (finding.stored, finding.expected) == (kept, store.digest(finished.ids.run_id))
    assert store.check(finished.ids.run_id) == [finding]


def test_a_run_that_goes_on_has_no_digest_to_hold_it_to(begin, store):
    live = begin()
    store.commit(live.batches(300))
    assert store.check() == []


@pytest.mark.parametrize("revision", ["'0004'", "NULL"])
@pytest.mark.usefixtures("finished")
def test_a_digest_that_another_schema_gave_is_not_compared(store, sql, revision):
    sql(f"UPDATE runs SET digest = repeat('0', 64), digest_revision = {revision}")
    assert store.check() == []


def test_the_end_of_a_run_notes_the_schema_of_its_digest(finished, sql):
    assert finished
    assert sql("SELECT digest_revision = version_num FROM runs, alembic_version") == [(True,)]


@pytest.mark.usefixtures("finished")
def test_an_index_that_queries_cannot_use_is_found(store, sql):
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_paper_trades_created_at'::regclass")
    (finding,) = store.check()
    assert str(finding) == ("paper_trades.indisvalid, row ix_paper_trades_created_at: stored false, expected true.")


def test_an_index_whose_making_failed_is_found(store, sql):
    sql("INSERT INTO users (user_id, name) VALUES (gen_random_uuid(), 'other')")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        sql("CREATE UNIQUE INDEX CONCURRENTLY failed ON users ((1))")
    assert any("failed" in str(finding) for finding in store.check())


def test_a_rule_that_not_all_rows_were_held_to_is_found(store, sql):
    sql("ALTER TABLE users ADD CONSTRAINT late CHECK (name <> '') NOT VALID")
    assert [str(finding) for finding in store.check()] == ["users.convalidated, row late: stored false, expected true."]


def test_a_disabled_trigger_is_found_also_one_by_which_postgres_keeps_a_foreign_key(store, sql):
    sql("ALTER TABLE autopilot_logs DISABLE TRIGGER ALL")
    disabled = sql(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'autopilot_logs'::regclass AND tgenabled = 'D' ORDER BY 1"
    )
    assert len(disabled) > 5
    assert [str(finding) for finding in store.check()] == [
        f"autopilot_logs.enabled, row {name}: stored false, expected true." for (name,) in disabled
    ]


def test_a_disabled_rule_is_found(store, sql):
    sql("CREATE RULE kept AS ON DELETE TO autopilot_logs DO INSTEAD NOTHING")
    assert store.check() == []
    sql("ALTER TABLE autopilot_logs DISABLE RULE kept")
    assert [str(finding) for finding in store.check()] == [
        "autopilot_logs.enabled, row kept: stored false, expected true."
    ]


@pytest.mark.usefixtures("finished")
def test_a_check_runs_where_nothing_can_be_written_and_all_of_it_sees_one_moment(store, monkeypatch):
    shown = []

    def look(connection, _run_id):
        settings = ("transaction_read_only", "transaction_isolation")
        shown.extend(connection.exec_driver_sql(f"SHOW {setting}").scalar_one() for setting in settings)
        return []

    monkeypatch.setattr(checking, "content_findings", look)
    assert store.check() == []
    assert shown == ["on", "repeatable read"]


def test_a_check_that_would_write_is_refused(store, monkeypatch):
    monkeypatch.setattr(
        checking, "content_findings", lambda connection, _: connection.exec_driver_sql("DELETE FROM users")
    )
    with pytest.raises(StorageError, match="read-only transaction"):
        store.check()
