"""Pruning thins what no check recomputes, by a rule, and says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage import pruning
from storage.errors import ContentChanged, NotSound, RunGoesOn

SNAPSHOTS = "SELECT ordinal FROM autopilot_performance_snapshots WHERE session_id = %s ORDER BY ordinal"
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
UNTOUCHED = (
    "paper_trades",
    "paper_positions",
    "paper_trading_accounts",
    "paper_trading_sessions",
    "paper_performance_metrics",
    "autopilot_logs",
    "session_checkpoints",
)
OF_ORDERS = """
    SELECT count(*), count(*) FILTER (WHERE thoughts.inputs = '{}'),
        count(*) FILTER (WHERE key_factors = '[]' AND market_data = '{}')
    FROM paper_ai_thought_logs AS thoughts LEFT JOIN paper_trades AS trades ON trade_id = paper_trade_id
    WHERE coalesce(trades.status, 'none') """


@pytest.fixture
def hourly(finished, store, sql):
    """Return a function that gives the first session snapshots of these times and counts of adjustments."""
    names = [
        name
        for (name,) in sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'autopilot_performance_snapshots'"
        )
    ]
    session = finished.contexts[0].session_key

    def hourly(times, counts):
        sql(
            "CREATE TEMP TABLE kept AS SELECT * FROM autopilot_performance_snapshots WHERE session_id = %s LIMIT 1",
            session,
        )
        sql("DELETE FROM autopilot_performance_snapshots WHERE session_id = %s", session)
        for ordinal, (at, count) in enumerate(zip(times, counts, strict=True)):
            other = {
                "snapshot_id": f"overlay(snapshot_id::text placing '{ordinal:012d}' from 25)::uuid",
                "ordinal": str(ordinal),
                "timestamp": f"'{at.isoformat()}'",
                "adjustments_made_count": str(count),
            }
            picked = ", ".join(other.get(name, name) for name in names)
            sql(f"INSERT INTO autopilot_performance_snapshots ({', '.join(names)}) SELECT {picked} FROM kept")
        sql("UPDATE runs SET digest = %s", store.digest(finished.ids.run_id))
        return session

    return hourly


def left(sql, session):
    return [ordinal for (ordinal,) in sql(SNAPSHOTS, session)]


# The rule.


def test_of_a_day_the_first_and_the_last_snapshot_stay(finished, hourly, store, sql):
    session = hourly([MIDNIGHT + HOUR * hour for hour in range(20, 60)], [0] * 40)
    store.prune(finished.ids.run_id)
    assert left(sql, session) == [0, 3, 4, 27, 28, 39]


def test_the_day_of_a_snapshot_is_that_of_its_simulated_time_in_utc(finished, hourly, store, sql):
    session = hourly([MIDNIGHT - HOUR, MIDNIGHT - HOUR / 3600, MIDNIGHT, MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR], [0] * 5)
    store.prune(finished.ids.run_id)
    assert left(sql, session) == [0, 1, 2, 4]


def test_the_snapshots_before_and_after_an_adjustment_stay(finished, hourly, store, sql):
    session = hourly([MIDNIGHT + HOUR * hour for hour in range(12)], [0] * 5 + [1] * 7)
    store.prune(finished.ids.run_id)
    assert left(sql, session) == [0, 4, 5, 11]


def test_snapshots_between_two_adjustments_close_to_each_other_stay(finished, hourly, store, sql):
    session = hourly([MIDNIGHT + HOUR * hour for hour in range(8)], [0, 0, 0, 1, 2, 2, 2, 2])
    store.prune(finished.ids.run_id)
    assert left(sql, session) == [0, 2, 3, 4, 7]


def test_each_session_is_thinned_by_itself(finished, store, sql):
    """Three marks in one day; the first session was adjusted after its second."""
    store.prune(finished.ids.run_id)
    assert [left(sql, context.session_key) for context in finished.contexts] == [[0, 1, 2], [0, 2], [0, 2]]


def test_decisions_of_orders_that_did_not_fill_lose_their_numbers_and_no_others(finished, store, sql):
    ((unfilled, *_),) = sql(f"{OF_ORDERS} IN ('failed', 'cancelled')")
    assert unfilled > 0
    assert store.prune(finished.ids.run_id).decisions == unfilled
    assert sql(f"{OF_ORDERS} IN ('failed', 'cancelled')") == [(unfilled, unfilled, unfilled)]
    ((others, emptied, _),) = sql(f"{OF_ORDERS} NOT IN ('failed', 'cancelled')")
    assert others > 0
    assert emptied == 0


def test_what_was_decided_and_why_can_still_be_read(finished, store, sql):
    said = "SELECT thought_id, decision_type, reason, observed_value, primary_reasoning, risk_assessment FROM paper_ai_thought_logs ORDER BY 1"
    before = sql(said)
    store.prune(finished.ids.run_id)
    assert sql(said) == before


def test_trades_and_money_stay_whole(finished, store, sql):
    before = [sql(f"SELECT * FROM {table} ORDER BY 1") for table in UNTOUCHED]
    store.prune(finished.ids.run_id)
    assert [sql(f"SELECT * FROM {table} ORDER BY 1") for table in UNTOUCHED] == before


def test_a_check_of_a_pruned_run_finds_nothing(finished, store):
    store.prune(finished.ids.run_id)
    assert store.check() == []


def test_another_run_is_not_thinned(finished, begin, store):
    other = begin(seed=8).run()
    before = store.digest(other)
    store.prune(finished.ids.run_id)
    assert store.digest(other) == before
    assert store.pruned_at(other) is None


# It says so.


def test_a_pruned_run_keeps_the_digest_that_it_ended_with_and_says_that_it_holds_no_more(finished, store, sql):
    before = store.digest(finished.ids.run_id)
    assert store.pruned_at(finished.ids.run_id) is None
    store.prune(finished.ids.run_id)
    assert store.digest(finished.ids.run_id) != before
    assert sql("SELECT digest, pruned_at IS NOT NULL FROM runs") == [(before, True)]
    assert store.pruned_at(finished.ids.run_id) is not None


def test_pruning_twice_takes_nothing_the_second_time(finished, store):
    first = store.prune(finished.ids.run_id)
    left_over, at = store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)
    second = store.prune(finished.ids.run_id)
    assert (first.snapshots, first.snapshots_kept) == (2, 7)
    assert (second.snapshots, second.snapshots_kept, second.decisions) == (0, 7, 0)
    assert (store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)) == (left_over, at)


def test_a_run_of_which_nothing_goes_is_not_pruned(begin, store):
    run_id = begin(record="none", blocks=300).run()
    before = store.digest(run_id)
    assert store.prune(run_id).snapshots == 0
    assert (store.digest(run_id), store.pruned_at(run_id)) == (before, None)


def test_a_pruned_run_goes_to_files_and_comes_back_pruned(finished, store, tmp_path):
    store.prune(finished.ids.run_id)
    before = store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)
    store.restore(store.archive(finished.ids.run_id, tmp_path).folder)
    assert (store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)) == before
    assert store.check() == []


# What is left alone.


def test_a_run_that_goes_on_is_not_pruned(begin, store):
    live = begin()
    store.commit(live.batches(300))
    for dry_run in (True, False):
        with pytest.raises(RunGoesOn):
            store.prune(live.ids.run_id, dry_run=dry_run)


def test_a_run_that_was_altered_is_not_pruned_over(finished, store, sql):
    sql("UPDATE paper_trades SET simulated_gas_used = simulated_gas_used + 1 WHERE ordinal = 0")
    with pytest.raises(ContentChanged):
        store.prune(finished.ids.run_id)
    assert store.pruned_at(finished.ids.run_id) is None


def test_a_run_whose_ledger_does_not_hold_is_not_pruned(finished, store, sql):
    sql("UPDATE paper_trading_sessions SET gas_paid_usd = gas_paid_usd + 1")
    sql("UPDATE runs SET digest = %s", store.digest(finished.ids.run_id))
    before = store.digest(finished.ids.run_id)
    with pytest.raises(NotSound, match=r"gas_paid_usd .*\d\.$"):
        store.prune(finished.ids.run_id)
    assert (store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)) == (before, None)


def test_an_error_in_the_middle_leaves_the_run_as_it_was(finished, store, monkeypatch):
    before = store.digest(finished.ids.run_id)
    monkeypatch.setattr(pruning, "content_findings", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.prune(finished.ids.run_id)
    assert (store.digest(finished.ids.run_id), store.pruned_at(finished.ids.run_id)) == (before, None)


# The commands.


def test_the_command_says_what_went_and_digest_and_show_say_that_the_run_is_pruned(finished, store, sql, paperdex, url):
    run_id, before = str(finished.ids.run_id), store.digest(finished.ids.run_id)
    sql("UPDATE runs SET finished_at = now() - interval '8 days'")
    arguments = ("db", "prune", "--older-than", "1 week", "--database-url", url)
    status, stdout, stderr = paperdex(*arguments, "--dry-run")
    assert (status, stderr) == (0, "")
    assert run_id in stdout
    assert "1 run would be pruned." in stdout
    assert paperdex("digest", run_id, "--database-url", url) == (0, f"{before}\n", "")

    status, stdout, stderr = paperdex(*arguments)
    assert (status, stderr) == (0, "")
    assert "1 run pruned." in stdout
    status, stdout, stderr = paperdex("digest", run_id, "--database-url", url)
    assert (status, stdout) == (0, f"{store.digest(finished.ids.run_id)}\n")
    assert stderr.startswith("Pruned on ")
    assert "not the one that the run ended with" in stderr
    shown = paperdex("show", "run", run_id, "--database-url", url)[1]
    assert before in shown
    assert "after that digest was taken" in shown
    assert "0 runs pruned." in paperdex(*arguments)[1]


def test_a_decision_that_lost_its_numbers_is_shown_and_not_made_again(finished, store, sql, paperdex, url):
    store.prune(finished.ids.run_id)
    ((decision, said),) = sql(
        "SELECT thought_id::text, primary_reasoning FROM paper_ai_thought_logs WHERE inputs = '{}' ORDER BY 1 LIMIT 1"
    )
    status, stdout, _ = paperdex("show", "decision", decision, "--database-url", url)
    assert status == 0
    assert said[:40] in stdout
    status, stdout, stderr = paperdex("replay", decision, "--database-url", url)
    assert (status, stdout) == (2, "")
    assert "its run was pruned" in stderr
