"""The digest of a run is that of its content, and of nothing else."""

from __future__ import annotations

import pytest


def test_two_runs_of_one_scenario_have_one_digest(begin, store):
    first, second = begin().run(), begin().run()
    assert first != second
    assert store.digest(first) == store.digest(second)


@pytest.mark.parametrize("n_blocks", [77, 900])
def test_how_a_run_is_cut_into_batches_changes_nothing(begin, store, n_blocks):
    assert store.digest(begin().run(300)) == store.digest(begin().run(n_blocks))


def test_the_segment_length_of_the_scenario_changes_nothing(begin, store):
    assert store.digest(begin(segment_blocks=10).run()) == store.digest(begin(segment_blocks=20).run())


def test_how_batches_share_commits_changes_nothing(begin, store):
    live = begin()
    waiting = []
    while live.next_block < live.scenario.blocks:
        waiting += live.batches(300)
    store.commit(waiting)
    digest = store.finish_run(live.ids.run_id, "COMPLETED")
    assert digest == store.digest(begin().run())


def test_a_repeat_after_a_lost_acknowledgement_changes_nothing(begin, store):
    live = begin()
    while live.next_block < live.scenario.blocks:
        batches = live.batches(300)
        store.commit(batches)
        live.incarnations = [store.claim(session_id) for session_id in live.ids.sessions]
    digest = store.finish_run(live.ids.run_id, "COMPLETED")
    assert digest == store.digest(begin().run())


def test_another_seed_gives_another_digest(begin, store):
    assert store.digest(begin().run()) != store.digest(begin(seed=8).run())


def test_finishing_stores_the_digest(finished, store, sql):
    stored = sql("SELECT digest, status, finished_at IS NOT NULL FROM runs")
    assert stored == [(store.digest(finished.ids.run_id), "COMPLETED", True)]


def test_finishing_twice_gives_the_same_digest(finished, store):
    assert store.finish_run(finished.ids.run_id, "COMPLETED") == store.digest(finished.ids.run_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE paper_trading_accounts SET current_balance_usd = current_balance_usd + 0.000001 WHERE ordinal = 1",
        "UPDATE paper_trades SET simulated_gas_used = simulated_gas_used + 1 WHERE ordinal = 0",
        "UPDATE paper_ai_thought_logs SET primary_reasoning = 'I felt like it.' WHERE ordinal = 0",
        "UPDATE paper_trading_configs SET execution_delay_ms = 501",
        "UPDATE autopilot_logs SET reason = 'A whim.'",
        "DELETE FROM autopilot_performance_snapshots WHERE ordinal = 1",
    ],
)
def test_any_change_of_content_changes_the_digest(finished, store, sql, change):
    before = store.digest(finished.ids.run_id)
    sql(change)
    assert store.digest(finished.ids.run_id) != before


def test_wall_clock_times_are_no_content(finished, store, sql):
    before = store.digest(finished.ids.run_id)
    sql("UPDATE paper_trades SET recorded_at = now() - interval '1 year'")
    sql("UPDATE runs SET started_at = now() - interval '1 year', version = 'other'")
    assert store.digest(finished.ids.run_id) == before


def test_another_run_in_the_same_database_is_not_hashed(finished, begin, store):
    before = store.digest(finished.ids.run_id)
    begin(seed=8).run()
    assert store.digest(finished.ids.run_id) == before
