"""A later session of an account is begun once, after the one before has ended, in the state it is given."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.cohort import Outcome
from simulation.scenario import AccountSpec, NextSession
from simulation.settings.strategy import Strategy
from simulation.state import DECISION, MARK, TRADE
from simulation.succession import succeed, withdraw_orders
from storage.context import SessionContext
from storage.errors import ConstraintViolated


@pytest.fixture
def live(begin, scenario, store):
    """Return a run that has traded 300 blocks, whose first account has another session from there on."""
    first, *others = scenario.accounts
    then = [NextSession(from_block=300, strategy=Strategy(name="later", autopilot_enabled=True))]
    live = begin(accounts=(AccountSpec(name=first.name, strategy=first.strategy, then=then), *others))
    store.commit(live.batches(300))
    return live


@pytest.fixture
def later(live):
    """Return the context of the later session and the state that it begins in."""
    context = SessionContext.of(live.scenario, live.source.tokens, live.prefix, 0, 0, 1)
    first = live.cohort.one(0)
    nothing = Outcome(np.zeros(0, TRADE), np.zeros(0, DECISION), np.zeros(0, MARK))
    ended, _ = withdraw_orders(first, 0, nothing, live.rules)
    return context, succeed(ended, context.account, 0, context.tokens, live.rules).to_bytes()


def test_a_session_does_not_begin_while_the_one_before_is_running(later, store):
    with pytest.raises(ConstraintViolated, match="unique_running_session_per_account"):
        store.begin_session(*later)


def test_a_session_that_is_begun_twice_is_there_once(live, later, store, sql):
    store.fail_session(live.ids.sessions[0], "It failed.")
    context, state = later
    store.begin_session(context, state)
    store.claim(context.session_id)
    store.begin_session(context, state)
    checkpoint = store.checkpoint(context.session_id)
    assert (checkpoint.incarnation, checkpoint.seq, checkpoint.next_block) == (1, 0, 300)
    assert checkpoint.state == state
    begun = f"SELECT status, started_at, last_activity FROM paper_trading_sessions WHERE session_id = '{context.session_key}'"
    assert sql(begun) == [("RUNNING", context.started_at, context.started_at)]
    strategy = "SELECT name, autopilot_started_at FROM paper_strategy_configs WHERE config_id = "
    assert sql(f"{strategy}'{context.strategy_key}'") == [("later", context.started_at)]


def test_every_session_of_a_run_that_is_closed_early_is_taken_from_its_owner(live, later, store, sql):
    store.fail_session(live.ids.sessions[0], "It failed.")
    store.begin_session(*later)
    before = sql("SELECT incarnation FROM session_checkpoints ORDER BY session_id")
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    after = sql("SELECT incarnation FROM session_checkpoints ORDER BY session_id")
    assert [incarnation for (incarnation,) in after] == [incarnation + 1 for (incarnation,) in before]
    assert len(after) == 4


def test_the_sessions_of_a_run_are_told_in_order(live, later, store):
    store.fail_session(live.ids.sessions[0], "It failed.")
    store.begin_session(*later)
    told = [(session.account, session.strategy, session.status) for session in store.sessions_of(live.ids.run_id)]
    assert told == [
        ("trader 0", "eager 0", "ERROR"), ("trader 0", "later", "RUNNING"),
        ("trader 1", "eager 1", "RUNNING"), ("trader 2", "eager 2", "RUNNING"),
    ]  # fmt: skip
    assert store.leaderboard(live.ids.run_id)[0].trades >= 0
    assert {row.strategy for row in store.leaderboard(live.ids.run_id)} == {"eager 0, then later", "eager 1", "eager 2"}


def test_a_run_with_several_sessions_of_an_account_goes_to_files_and_comes_back(live, later, store, sql, tmp_path):
    store.fail_session(live.ids.sessions[0], "It failed.")
    store.begin_session(*later)
    digest = store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    checkpoints = sql("SELECT * FROM session_checkpoints ORDER BY session_id")
    archived = store.archive(live.ids.run_id, tmp_path)
    assert store.restore(archived.folder).digest == store.digest(live.ids.run_id) == digest
    assert sql("SELECT * FROM session_checkpoints ORDER BY session_id") == checkpoints
    assert len(checkpoints) == 4
    assert store.check() == []
