"""Accounts that go on with another session in a real run: one digest, whoever dies around the change."""

from __future__ import annotations

import pytest
from busy import busy_scenario, busy_strategy, tuned_strategy
from watcher import Killer

from simulation.scenario import AccountSpec, NextSession

CHANGES_AT = 600


def scenario(**changes):
    """Return the busy scenario, in which every account goes on with another strategy in the middle."""
    nexts = (tuned_strategy("tuned again"), busy_strategy("calm", analyst="momentum"), busy_strategy("no more"))
    accounts = tuple(
        AccountSpec(
            name=spec.name,
            strategy=spec.strategy,
            trading=spec.trading,
            then=[NextSession(from_block=CHANGES_AT, strategy=strategy)],
        )
        for spec, strategy in zip(busy_scenario().accounts, nexts, strict=True)
    )
    return busy_scenario(accounts=accounts, **changes)


@pytest.mark.slow  # each is a run or two; who dies meets a change of sessions in tests/unit/test_succession.py
@pytest.mark.parametrize(
    ("block", "actor"),
    [(550, "AccountSession plain"), (600, "AccountSession plain"), (650, "AccountSession#2 plain"), (600, "Writer")],
)
def test_a_run_whose_sessions_follow_one_another_has_one_digest_whoever_is_killed_around_the_change(
    block, actor, run, store, whole
):
    killer = Killer(block, actor, there_from=CHANGES_AT + 50 if "#2" in actor else 0)
    assert run(scenario(segment_blocks=50), killer).digest == whole(run).digest
    assert store.check() == []


@pytest.fixture(scope="module")
def whole():
    """Return a function that makes the undisturbed run once."""
    made = []

    def once(run):
        if not made:
            made.append(run(scenario()))
        return made[0]

    return once


def test_the_rows_of_sessions_that_follow_one_another_add_up(run, store, sql):
    result = run(scenario())
    assert store.check() == []
    sessions = store.sessions_of(result.run_id)
    assert [(session.account, session.strategy, session.status_reason) for session in sessions][:2] == [
        ("tuned", "tuned", "Its account went on with its next session."),
        ("tuned", "tuned again", "It came to the last block of the run."),
    ]
    assert [session.stopped_at for session in sessions[::2]] == [session.started_at for session in sessions[1::2]]
    assert {session.status for session in sessions} == {"COMPLETED"}
    leaderboard = {account.name: account for account in result.accounts}
    assert len(leaderboard) == 3
    for earlier, later in zip(sessions[::2], sessions[1::2], strict=True):
        account = leaderboard[earlier.account]
        assert account.strategy == f"{earlier.strategy}, then {later.strategy}"
        assert account.trades == earlier.trades + later.trades
        assert account.final_equity_usd == later.equity_usd
    curves = store.equity(result.run_id)
    assert {len(curve) for curve in curves.values()} == {5}  # the beginning, and four marks
    ended = "SELECT count(*) FROM paper_trades WHERE failure = 'SESSION_ENDED' AND status = 'cancelled' AND block = 599"
    (withdrawn,) = sql(ended)
    others = sql("SELECT count(*) FROM paper_trades WHERE failure = 'SESSION_ENDED'")
    assert others == [withdrawn]
    opened = """
        SELECT count(*) FROM paper_positions AS positions JOIN paper_trading_sessions AS sessions USING (session_id)
        WHERE positions.opened_at < sessions.started_at OR positions.opened_at >= sessions.stopped_at
    """
    assert sql(opened) == [(0,)]
    counts = store.counts(result.run_id)
    counted = {"paper_trades": counts.trades, "paper_ai_thought_logs": counts.decisions,
               "paper_positions": counts.positions, "autopilot_logs": counts.adjustments,
               "paper_performance_metrics": counts.marks}  # fmt: skip
    assert counted == {table: sql(f"SELECT count(*) FROM {table}")[0][0] for table in counted}
    assert counts.adjustments > 1
