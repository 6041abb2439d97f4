"""Stored trades, sessions and runs, shown to a person."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from cluster import session as sessions
from cluster import stored_run, trade
from cluster.facts import tokens
from simulation.intelligence.roster import PlugIn
from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy
from storage.errors import RunNotFound, SessionNotFound, TradeNotFound
from storage.ids import run_id_of

NOBODY = "00000000-0000-8008-8000-000000000000"
WRONG_KEYS = ["latest", "0", "", NOBODY]


def printed(shown, width=160):
    console = Console(file=io.StringIO(), width=width, markup=False)
    console.print(shown)
    return console.file.getvalue()


@pytest.fixture
def trades(finished, store, sql):  # noqa: ARG001 -- the run that is in the database
    """Return every trade of the finished run."""
    return [store.trade(key) for (key,) in sql("SELECT trade_id::text FROM paper_trades ORDER BY trade_id")]


@pytest.fixture
def sold(trades):
    return next(row for row in trades if row.trade_type == "sell" and row.status == "completed")


def test_the_parts_of_every_trade_add_up_to_what_it_cost(trades):
    assert len(trades) > 50
    assert [row.trade_id for row in trades if sum(trade.parts(row).values()) != row.cost_usd] == []


def test_a_trade_says_why_it_was_sent_and_names_its_decision(trades, store):
    for row in trades[:20]:
        thought = store.thought(str(row.thought_id))
        assert (thought.trade_id, thought.primary_reasoning) == (row.trade_id, row.primary_reasoning)
        assert printed(trade.shown(row)).startswith(row.primary_reasoning)


def test_a_person_sees_the_way_the_amounts_the_costs_and_the_keys_of_a_trade(sold):
    told = printed(trade.shown(sold))
    for part in (
        sold.route,
        sold.tx_hash,
        str(sold.position_id),
        str(sold.thought_id),
        str(sold.run_id),
        tokens(sold.amount_in, sold.token_in_decimals, sold.token_in_symbol),
        tokens(sold.expected_amount_out, 6, "USDC"),
        tokens(sold.min_amount_out, 6, "USDC"),
        tokens(sold.actual_amount_out, 6, "USDC"),
        f"{sold.slippage_percent.copy_abs():f} %",
        f"{sold.gas_used:,} at",
        f"together {sold.cost_usd:,.6f}",
        f"{sold.net_pnl_usd:+,.6f} USD after gas",
        f"Completed in block {sold.block:,}.",
    ):
        assert part in told or part in " ".join(told.split())


def test_only_what_sells_has_a_profit(trades):
    bought = next(row for row in trades if row.trade_type == "buy" and row.status == "completed")
    assert "profit" not in printed(trade.shown(bought))


def test_a_failure_is_a_sentence_and_its_gas_is_a_cost_of_its_own(sold):
    failed = replace(
        sold,
        status="failed",
        error_message="The transaction reverted.",
        actual_amount_out=None,
        gas_usd=Decimal("0.25"),
        failure_usd=Decimal("0.25"),
    )
    told = printed(trade.shown(failed))
    assert f"Failed in block {sold.block:,}: The transaction reverted." in told
    assert "received" not in told
    assert "profit" not in told
    assert trade.parts(failed)["gas"] == 0
    assert trade.parts(failed)["failure"] == Decimal("0.25")


@pytest.mark.parametrize("status", ["pending", "executing"])
def test_an_order_in_flight_says_where_it_is_and_when_it_expires(sold, status):
    flying = replace(
        sold, status=status, block=None, executed_at=None, actual_amount_out=None, deadline_block=1_234,
        execution_time_ms=None,
    )  # fmt: skip
    told = printed(trade.shown(flying))
    assert f"{status.capitalize()}: {trade.IN_FLIGHT[status]}; it expires in block 1,234." in told
    assert "ended" not in told


def test_a_swap_says_what_it_gives_up_and_what_that_has_earned(begin, sql):
    crowded = Strategy(
        name="crowded", confidence_threshold=5, decision_interval_blocks=5, max_position_size_percent=20,
        max_trade_size_usd=2_200, max_concurrent_positions=1, max_daily_trades=1_000, max_slippage_percent=5,
        stop_loss_percent=20, take_profit_percent=50, max_hold_hours=1,
    )  # fmt: skip
    live = begin(accounts=(AccountSpec(name="one", strategy=crowded),))
    live.run()
    keys = sql("SELECT trade_id::text FROM paper_trades WHERE trade_type = 'swap' AND status = 'completed'")
    assert keys
    for (key,) in keys:
        swap = live.store.trade(key)
        told = printed(trade.shown(swap))
        assert sum(trade.parts(swap).values()) == swap.cost_usd
        assert f"gives up     {swap.sold_position_id}" in told
        assert f"profit       {swap.net_pnl_usd:+,.6f} USD after the gas it was bought with" in told
        assert ", then " in told


def test_a_trade_of_a_run_that_records_no_decisions_names_its_reason(sold):
    told = printed(trade.shown(replace(sold, thought_id=None, primary_reasoning=None)))
    assert told.startswith(f"Decided by {sold.reason}; the run records no decisions.")


@pytest.mark.parametrize(
    ("amount", "decimals", "said"),
    [
        ("0", 18, "0 X"),
        ("1", 18, "0.000000000000000001 X"),
        ("1234500000", 6, "1,234.5 X"),
        ("12", 0, "12 X"),
        ("123456789012345678901234567890123456789", 18, "123,456,789,012,345,678,901.234567890123456789 X"),
    ],
)
def test_base_units_are_shown_as_whole_tokens_to_the_last_digit(amount, decimals, said):
    assert tokens(Decimal(amount), decimals, "X") == said


@pytest.fixture
def session(finished, store):
    return store.session(str(finished.ids.sessions[0]))


def test_a_session_has_the_figures_of_its_state(finished, store):
    for session_id, state in zip(finished.ids.sessions, finished.cohort.sessions, strict=True):
        found = store.session(str(session_id))
        assert found.status == "COMPLETED"
        assert found.next_block == finished.scenario.blocks
        assert found.equity_usd == Decimal(int(state["equity_micro_usd"])) / 10**6
        assert found.trades == state["completed_trades"] + state["failed_trades"]
        assert (found.winning_trades, found.losing_trades) == (state["winning_trades"], state["losing_trades"])
        assert len(found.open_positions) == state["open_positions"]


def test_the_latest_decisions_of_a_session_are_counted_by_type(finished, store, sql):
    session_id = str(finished.ids.sessions[1])
    latest = sql(
        f"SELECT decision_type FROM paper_ai_thought_logs WHERE session_id = '{session_id}' ORDER BY ordinal DESC LIMIT 100"
    )
    kinds = [kind for (kind,) in latest]
    assert store.session(session_id).latest_decisions == {kind: kinds.count(kind) for kind in set(kinds)}


def test_a_person_sees_how_a_session_has_done(session):
    told = printed(sessions.shown(session))
    assert told.startswith(f"{session.account}: {session.strategy}, MODERATE\n")
    assert "COMPLETED: It came to the last block of the run." in told
    for part in ("win rate", "profit", "drawdown", "Sharpe", "annualised", "among the latest", str(session.run_id)):
        assert part in told
    assert f"{session.started_at:%Y-%m-%d %H:%M:%S} to {session.last_activity:%Y-%m-%d %H:%M:%S} UTC" in told


def test_a_session_that_failed_says_why_on_its_own_and_in_its_run(begin):
    live = begin()
    live.store.commit(live.batches(300))
    live.store.fail_session(live.ids.sessions[1], "The analyst raised ValueError: no.")
    told = printed(sessions.shown(live.store.session(str(live.ids.sessions[1]))))
    assert "\nERROR: The analyst raised ValueError: no.\n" in told
    assert "ERROR: The analyst raised ValueError: no." in shown_run(live.store, live.ids.run_id)


def test_what_a_session_holds_is_in_whole_tokens(finished, store, session):
    held = [found for session_id in finished.ids.sessions for found in store.session(str(session_id)).open_positions]
    assert held
    told = printed(sessions.shown(replace(session, open_positions=held[:1])))
    assert tokens(held[0].quantity, held[0].token_decimals, held[0].token_symbol) in told
    assert str(held[0].position_id) in told
    assert "No position is open." in printed(sessions.shown(replace(session, open_positions=[])))


def test_a_session_before_its_first_mark_and_decision_says_so(session):
    fresh = replace(
        session, mark_block=None, winning_trades=None, losing_trades=None, sharpe_ratio=None,
        latest_decisions={},
    )  # fmt: skip
    told = printed(sessions.shown(fresh))
    assert told.count("not taken yet") == 2
    assert "none is stored" in told


def test_the_win_rate_is_of_positions_that_were_closed(session):
    assert "75.0 % of 4 closed positions" in printed(
        sessions.shown(replace(session, winning_trades=3, losing_trades=1))
    )
    assert "no position was closed" in printed(sessions.shown(replace(session, winning_trades=0, losing_trades=0)))


def test_a_figure_of_an_earlier_block_says_of_which(session):
    told = printed(sessions.shown(replace(session, mark_block=299)))
    assert told.count("up to block 299") == 2


def test_a_session_that_has_begun_is_there_before_anything_is_committed(begin):
    live = begin()
    found = live.store.session(str(live.ids.sessions[0]))
    assert (found.status, found.trades, found.sharpe_ratio, found.open_positions) == ("RUNNING", 0, None, [])
    assert "\nRUNNING.\n" in printed(sessions.shown(found))


def shown_run(store, run_id):
    return printed(stored_run.shown(store.run(run_id), store.counts(run_id), store.sessions_of(run_id)))


def test_a_person_sees_what_a_run_was_and_a_line_for_each_session(finished, store):
    told = shown_run(store, finished.ids.run_id)
    run, counts = store.run(finished.ids.run_id), store.counts(finished.ids.run_id)
    assert told.startswith("busy\nCOMPLETED.\n")
    for part in (str(run.seed), run.digest, "900", "WETH, PEPE", f"{counts.trades:,} trades", str(run.run_id)):
        assert part in told
    for number, session_id in enumerate(finished.ids.sessions):
        (line,) = [line for line in told.splitlines() if line.rstrip().endswith(str(session_id))]
        assert line.startswith(f"trader {number}")
        assert "COMPLETED" in line


def test_a_run_that_failed_says_why_and_has_no_digest_before_the_end(begin):
    live = begin()
    assert "none before the end" in shown_run(live.store, live.ids.run_id)
    live.store.finish_run(live.ids.run_id, "ERROR", "The market died.")
    assert "\nERROR: The market died.\n" in shown_run(live.store, live.ids.run_id)


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_a_trade_or_session_that_is_not_there_is_named(store, name):
    with pytest.raises(TradeNotFound, match=f"There is no trade {name};"):
        store.trade(name)
    with pytest.raises(SessionNotFound, match=f"There is no session {name};"):
        store.session(name)


@pytest.mark.parametrize("kind", ["trade", "session", "run", "decision"])
def test_a_wrong_key_is_one_line_and_status_2(paperdex, url, kind):
    status, stdout, stderr = paperdex("show", kind, NOBODY, "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr.count("\n") == 1
    assert f"There is no {kind} {NOBODY}" in stderr


def test_the_commands_print_what_is_stored(paperdex, finished, url, sql):
    ((trade_id, session_id),) = sql(
        "SELECT trade_id::text, session_id::text FROM paper_trades ORDER BY trade_id LIMIT 1"
    )
    run_id = str(finished.ids.run_id)
    for kind, key in (
        ("trade", trade_id),
        ("session", session_id),
        ("run", run_id),
        ("run", run_id[:8]),
        ("run", "latest"),
    ):
        status, stdout, stderr = paperdex("show", kind, key, "--database-url", url)
        assert (status, stderr) == (0, "")
        assert run_id in stdout
        assert (run_id if kind == "run" else key) in stdout


def test_a_run_is_found_by_its_beginning_only_if_there_is_one(store):
    with pytest.raises(RunNotFound):
        store.resolve_run("fff")


def test_a_run_names_its_plug_ins_with_their_versions(begin, store, scenario):
    live = begin()
    plug_ins = (PlugIn("mine:Own", "1.2", {"lookback": 30}),)
    store.begin_run(scenario, live.source.tokens, scenario.blocks, 0xABC_0000_2222, plug_ins)
    run_id = run_id_of(0xABC_0000_2222)
    assert store.run(run_id).plug_ins == [{"name": "mine:Own", "version": "1.2", "parameters": {"lookback": 30}}]
    assert "mine:Own 1.2" in shown_run(store, run_id)
    assert "plug-ins" not in shown_run(store, live.ids.run_id)
