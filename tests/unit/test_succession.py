"""Several sessions of one account, one after another: what is the account's goes on, what is the session's begins anew."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from busy import busy_scenario, busy_strategy
from eventful import turning_plan as plan
from eventful import turning_scenario
from hand_made import RULES, account, cut, stage, token
from house import Ledger, undisturbed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.market import Market
from actors.session import AccountSession
from cluster.plan import plan_of
from simulation import cohort as cohorts
from simulation.choices import Failure, Side, TradeStatus
from simulation.cohort import Cohort
from simulation.intelligence.analysts import HISTORY_BLOCKS
from simulation.market.segment import terms_of
from simulation.scenario import AccountSpec, NextSession
from simulation.state import DECISION, HOLDING, MARK, SESSION, TRADE
from simulation.succession import CARRIED, NOTHING_BEFORE, Totals, succeed, withdraw_orders
from storage.errors import DatabaseUnreachable
from storage.row_types import MetricRow

# The scenario.


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ([{"from_block": 450}], "accounts.a.then.0.from_block 450 is no multiple of review_blocks, which is 300"),
        ([{"from_block": 1200}], "accounts.a.then.0.from_block 1200 is not before the end of the run, which has 1200 blocks"),
        (
            [{"from_block": 600}, {"from_block": 600}],
            "accounts.a.then.1.from_block 600 is not after block 600, from which on the session before it trades",
        ),
        ([{"from_block": 300, "name": "b"}, {"from_block": 600, "name": "b"}], "accounts.a.then.1.strategy.name 'b' is taken; name it differently"),
        ([{"from_block": 300, "tokens": ["DOGE"]}], "accounts.a.then.0.strategy.allowed_tokens: token DOGE has no pool; the market has PEPE, WETH"),
    ],
)  # fmt: skip
def test_sessions_that_do_not_follow_one_another_are_refused_with_a_sentence(then, said):
    turns = [
        {
            "from_block": turn["from_block"],
            "strategy": {"name": turn.get("name", f"turn {at}"), "allowed_tokens": turn.get("tokens", [])},
        }
        for at, turn in enumerate(then)
    ]
    with pytest.raises(ValidationError) as raised:
        busy_scenario(accounts=[{"name": "a", "then": turns}])
    assert f"Value error, {said} " in str(raised.value)


def test_an_account_without_further_sessions_is_what_it_was():
    (spec,) = busy_scenario().accounts[:1]
    assert spec.starts == (0,)
    assert spec.in_turn == (spec,)


def test_segments_are_cut_where_sessions_change():
    lengths = list(plan_of(turning_scenario(autopilot=False, segment_blocks=500), None).segment_lengths())
    assert lengths == [500, 100, 300, 300]


def test_a_session_is_told_its_place_and_its_strategys_analyst():
    lines = plan().lines(1)
    assert [[context.number for context in line] for line in lines] == [[0, 1], [0, 1, 2], [0]]
    assert [context.analyst for context in lines[1]] == [0, 1, 0]
    assert [(context.from_block, context.until_block) for context in lines[1]] == [(0, 600), (600, 900), (900, None)]
    assert len({context.session_id for line in lines for context in line}) == 6


# From state to state.


NOTHING = cohorts.Outcome(np.zeros(0, TRADE), np.zeros(0, DECISION), np.zeros(0, MARK))


def on_its_way():
    """Return a session that holds one token and buys another, in a market of two, and its tokens."""
    made = stage(12, token("AAA"), token("BBB"))
    made.signal(8_000, slice(2, 3), token_row=0)
    made.signal(8_000, slice(11, 12), token_row=1)
    played = made.run(account(max_concurrent_positions=2))
    assert played.session["open_positions"] == 1
    assert played.session["orders_in_flight"] == 1
    return played.cohort, made.infos


def test_orders_on_their_way_are_cancelled_for_nothing_and_free_what_they_reserved():
    cohort, _ = on_its_way()
    before = cohort.copy()
    after, outcome = withdraw_orders(cohort, 0, NOTHING, RULES)
    (trade,) = outcome.trades
    assert (trade["status"], trade["failure"], trade["side"]) == (
        TradeStatus.CANCELLED, Failure.SESSION_ENDED, Side.BUY,
    )  # fmt: skip
    assert (trade["block"], trade["token"], trade["gas_micro_usd"]) == (11, 1, 0)
    session = after.sessions[0]
    assert (session["orders_in_flight"], session["buys_in_flight"], session["reserved_micro_usd"]) == (0, 0, 0)
    assert session["failed_trades"] == before.sessions[0]["failed_trades"] + 1
    for name in ("cash_micro_usd", "equity_micro_usd", "gas_paid_micro_usd", "completed_trades"):
        assert session[name] == before.sessions[0][name]
    assert cohort.sessions.tobytes() == before.sessions.tobytes()  # the argument stays as it was


def test_an_order_that_is_taken_back_counts_in_the_mark_with_which_its_session_ends():
    cohort, _ = on_its_way()
    marks = np.zeros(3, MARK)
    marks["block"], marks["session"], marks["failed_trades"] = (5, 11, 11), (0, 0, 1), 7
    _, outcome = withdraw_orders(cohort, 0, cohorts.Outcome(NOTHING.trades, NOTHING.decisions, marks), RULES)
    assert outcome.marks["failed_trades"].tolist() == [7, 8]
    assert outcome.marks["period_failed_trades"].tolist() == [0, 1]
    assert marks["failed_trades"].tolist() == [7, 7, 7]


def test_a_run_that_records_nothing_takes_orders_back_all_the_same():
    cohort, _ = on_its_way()
    after, outcome = withdraw_orders(cohort, 0, NOTHING, RULES._replace(write_trades=False))
    assert len(outcome.trades) == 0
    assert after.sessions[0]["orders_in_flight"] == 0


def succeeded(**strategy):
    cohort, tokens = on_its_way()
    ended, _ = withdraw_orders(cohort, 0, NOTHING, RULES)
    return ended, succeed(ended, account(**strategy), 0, tokens, RULES)


def test_what_is_the_accounts_goes_on():
    ended, after = succeeded()
    for name in CARRIED:
        assert after.sessions[0][name] == ended.sessions[0][name]
    kept = set(HOLDING.names) - {"tradable", "said", "said_block", "stop_micro_usd", "target_micro_usd"}
    for name in kept:
        assert after.holdings[name].tolist() == ended.holdings[name].tolist()


def test_everything_that_is_numbered_goes_on_but_adjustments():
    numbered = {name for name in SESSION.names if name.startswith("next_") and not name.endswith("_block")}
    assert numbered - set(CARRIED) == {"next_adjustment"}


def test_what_is_the_sessions_begins_anew_from_its_equity():
    ended, after = succeeded()
    session, equity = after.sessions[0], ended.sessions[0]["equity_micro_usd"]
    assert Totals.of(ended.sessions[0]) != NOTHING_BEFORE
    assert Totals.of(session) == NOTHING_BEFORE
    for name in ("initial", "equity", "mark_equity", "peak_equity"):
        assert session[f"{name}_micro_usd"] == equity
    for name in ("max_drawdown_bp", "return_count", "closed_trades", "next_adjustment", "fees_micro_usd"):
        assert session[name] == 0
    assert session["last_adjustment_block"] == -1
    assert session["next_decision_block"] == 12


def test_stops_and_tokens_are_those_of_the_next_strategy():
    _, before = succeeded()
    _, after = succeeded(stop_loss_percent="1", blocked_tokens=("AAA",))
    assert after.holdings[0]["stop_micro_usd"][0] > before.holdings[0]["stop_micro_usd"][0]
    assert after.holdings[0]["tradable"].tolist() == [0, 1]


def test_an_account_that_lost_everything_may_go_on():
    cohort, tokens = on_its_way()
    ended, _ = withdraw_orders(cohort, 0, NOTHING, RULES)
    ended.sessions["cash_micro_usd"] = ended.sessions["equity_micro_usd"] = ended.sessions["open_positions"] = 0
    ended.holdings["quantity_hi"] = ended.holdings["quantity_lo"] = 0
    after = succeed(ended, account(), 0, tokens, RULES)
    made = stage(24, *tokens)
    later, _ = cohorts.advance(after, cut(made.segment, 12, 24), terms_of(tokens), RULES)
    assert later.sessions[0]["next_block"] == 24


# A run.


@cache
def ledger_of(**changes):
    """Return what a run commits in which nobody dies."""
    return undisturbed(plan(**changes))


def of_session(ledger, ordinal, number):
    """Return the batches of one session."""
    return ledger.batches[plan().lines(0xF00D)[ordinal][number].session_id]


def test_each_session_commits_its_own_blocks_and_the_last_batch_says_why_it_ended():
    ledger = ledger_of()
    assert [[batch.next_block for batch in of_session(ledger, 1, number)] for number in range(3)] == [
        [300, 600], [900], [1200],
    ]  # fmt: skip
    rows = [of_session(ledger, 1, number)[-1].rows["paper_trading_sessions"].decode() for number in range(3)]
    assert ["\tCOMPLETED\t" in row and "Its account went on with its next session." in row for row in rows] == [
        True, True, False,
    ]  # fmt: skip


def test_a_session_begins_as_a_function_of_what_the_one_before_has_committed():
    ledger, line = ledger_of(), plan().lines(0xF00D)[1]
    for before, after in ((0, 1), (1, 2)):
        ended = Cohort.from_bytes(of_session(ledger, 1, before)[-1].state)
        begun = succeed(ended, line[after].account, line[after].analyst, line[after].tokens, plan().rules)
        assert ledger.begun[line[after].session_id] == begun.to_bytes()


def keys(ledger, table):
    return [
        line[:36]
        for batches in ledger.batches.values()
        for batch in batches
        for line in batch.rows.get(table, b"").splitlines()
    ]


@pytest.mark.parametrize(
    "table",
    ["paper_ai_thought_logs", "paper_performance_metrics", "autopilot_logs", "autopilot_performance_snapshots"],
)
def test_no_two_rows_of_a_run_have_the_same_key(table):
    found = keys(ledger_of(), table)
    assert len(found) == len(set(found)) > 0


def stored(ledger):
    """Return the rows that a run leaves in the end, by table and key."""
    rows = {}
    for batches in ledger.batches.values():
        for batch in batches:
            for table, lines in batch.rows.items():
                rows.setdefault(table, {}).update((line[:36], line) for line in lines.splitlines())
    return rows


@pytest.mark.parametrize("segment_blocks", [50, 170, 1200])
def test_segments_of_any_length_leave_the_same_rows(segment_blocks):
    assert stored(ledger_of(segment_blocks=segment_blocks)) == stored(ledger_of())


KINDS = ("Market", "Writer", "AutoPilot", "tuned", "plain", "smart")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(KINDS), st.lists(st.sampled_from([None, None, "before", "after"]), max_size=9)))
def test_whoever_dies_whenever_the_sessions_follow_one_another_as_they_would_have(house, fates):
    run = house(**fates)
    run.conduct(plan(segment_blocks=150))
    assert run.ledger.content() == ledger_of(segment_blocks=150).content()
    assert run.ledger.begun == ledger_of(segment_blocks=150).begun


def test_periods_add_up_to_their_session():
    for number in range(3):
        batches = of_session(ledger_of(), 1, number)
        lines = [line for batch in batches for line in batch.rows["paper_performance_metrics"].decode().splitlines()]
        ended = sum(int(line.split("\t")[MetricRow._fields.index("total_trades")]) for line in lines)
        assert ended == Totals.of(Cohort.from_bytes(batches[-1].state).sessions[0]).finished_trades


def test_the_account_adds_up_what_its_sessions_did():
    last = of_session(ledger_of(), 1, 2)[-1].rows["paper_trading_accounts"].decode().split("\t")
    ends = [Cohort.from_bytes(of_session(ledger_of(), 1, number)[-1].state).sessions[0] for number in range(3)]
    assert all(end["completed_trades"] > 0 for end in ends[::2])
    assert int(last[3]) == sum(int(end["completed_trades"] + end["failed_trades"]) for end in ends)
    assert int(last[4]) == sum(int(end["winning_trades"]) for end in ends)


def test_auto_pilot_begins_anew_with_the_next_session(house):
    run, adjusted = house(), []
    advance = AccountSession.advance

    def watched(self, segment, changes, incarnation):
        assert not len(changes.judgements)
        adjusted.extend(int(given["block"]) for given in changes.adjustments)
        return advance(self, segment, changes, incarnation)

    run.patch.setattr(AccountSession, "advance", watched)
    run.conduct(plan())
    assert set(adjusted) <= {300, 900}  # none at the change itself
    # Reviews: three sessions at 300, one at 600, where two end, and two at 900, where one does.
    assert run.tally.adjustments + run.tally.refusals.total() == 3 + 1 + 2


def test_the_live_view_counts_all_of_an_account(house):
    seen = []
    house().conduct(plan(), seen.append)
    completed = [progress.receipts[1].completed_trades for progress in seen]
    assert completed == sorted(completed)
    assert [[receipt.number for receipt in progress.receipts] for progress in seen] == [
        [0, 0, 0], [0, 0, 0], [1, 1, 0], [1, 2, 0], [1, 2, 0],
    ]  # fmt: skip


def test_an_account_whose_session_failed_does_not_go_on(house):
    run, advance = house(), AccountSession.advance

    def stumble(self, segment, adjustments, incarnation):
        if self._contexts[0].account.name == "plain" and segment.first_block == 300:
            raise ZeroDivisionError
        return advance(self, segment, adjustments, incarnation)

    run.patch.setattr(AccountSession, "advance", stumble)
    run.conduct(plan())
    assert len(run.ledger.failed) == 1
    assert set(run.ledger.begun) == {plan().lines(0xF00D)[0][1].session_id}


def test_a_session_whose_analyst_failed_before_it_began_ends_in_its_first_block(house):
    broken = busy_strategy("broken", analyst="breaking:Breaks", custom_parameters={"base_fee_gwei": base_fee_gwei(400)})
    spec = AccountSpec(name="late", then=[NextSession(from_block=600, strategy=broken)])
    early = AccountSpec(name="early", strategy=broken)
    run, seen = house(), []
    run.conduct(plan_of(busy_scenario(accounts=(spec, early, busy_scenario().accounts[1])), None), seen.append)
    assert [[receipt.error_message != "" for receipt in progress.receipts] for progress in seen] == [
        [False, False, False], [False, True, False], [True, True, False], [True, True, False], [True, True, False],
    ]  # fmt: skip
    assert seen[-1].receipts[0].next_block == 600


def base_fee_gwei(block):
    market = Market(busy_scenario())
    fees = market.records(market.begin(), block + 1)[1]["base_fee_wei"][HISTORY_BLOCKS:] / 1e9
    assert np.flatnonzero(fees == fees[block])[0] == block
    return float(fees[block])


class Away(Ledger):
    """A store whose database does not answer to each verb when it is first asked at the change."""

    def __init__(self):
        super().__init__()
        self.refused = set()

    def begin_session(self, context, state):
        self._refuse("begin_session")
        super().begin_session(context, state)

    def checkpoint(self, session_id):
        if self.batches[session_id]:
            self._refuse("checkpoint")
        return super().checkpoint(session_id)

    def _refuse(self, verb):
        if verb not in self.refused:
            self.refused.add(verb)
            raise DatabaseUnreachable(url="localhost/paperdex", why="nothing listens at that host and port")


def test_a_database_that_is_away_at_the_change_is_waited_for(house, monkeypatch):
    for name in ("FIRST_WAIT_SECONDS", "LONGEST_WAIT_SECONDS"):
        monkeypatch.setattr(f"cluster.patience.{name}", 0)
    run = house()
    run.ledger = Away()
    run.conduct(plan())
    assert run.ledger.refused == {"begin_session", "checkpoint"}
    assert run.ledger.content() == ledger_of().content()
