"""The actors as plain classes: each is driven here as the conductor drives it, in one process and without Ray."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from itertools import accumulate

import numpy as np
import pytest
from busy import busy_scenario, contexts_of
from hand_made import cut
from hypothesis import given, settings
from hypothesis import strategies as st
from reviewable import told

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession, Owner
from cluster.plan import plan_of
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.policy import Review
from simulation.autopilot.records import UNCHANGED, Changes
from simulation.autopilot.words import replayed
from simulation.cohort import Cohort
from simulation.intelligence.signals import HISTORY_BLOCKS
from simulation.market.segment import Segment
from simulation.tuning import PARAMETERS

PREFIX = 0xF00D
APPENDED = ("paper_ai_thought_logs", "paper_performance_metrics", "autopilot_logs", "autopilot_performance_snapshots")


def pilot_of(plan):
    return AutoPilot(plan.strategies(), plan.rules, [account.trading for account in plan.scenario.accounts])


@dataclass
class Run:
    """A run in this process: what the conductor does, with calls in place of messages."""

    plan: object
    cohorts: tuple[tuple[int, ...], ...]
    changes: Changes = UNCHANGED
    verdicts: list = field(default_factory=list)
    batches: dict = field(default_factory=dict)  # by session, in order
    receipts: dict = field(default_factory=dict)

    def __post_init__(self):
        contexts = contexts_of(self.plan, PREFIX)
        self.market = Market(self.plan.scenario, self.plan.recording)
        self.pilot = pilot_of(self.plan)
        self.actors = [
            AccountSession([contexts[at] for at in members], [Owner(1) for _ in members], self.plan.rules)
            for members in self.cohorts
        ]

    def go(self):
        carried = self.market.begin()
        for length in self.plan.segment_lengths():
            block, segment, carried = self.market.segment(carried, length)
            self.step(block, segment)
        return self

    def step(self, block, segment):
        shown = []
        for actor in self.actors:
            receipts, batches, reviews = actor.advance(segment, self.changes)
            shown.append(reviews)
            for receipt, batch in zip(receipts, batches, strict=True):
                self.batches.setdefault(receipt.session, []).append(batch)
                self.receipts[receipt.session] = receipt
        self.changes = UNCHANGED
        if self.plan.is_review(block):
            self.verdicts.append(told(self.pilot.review(segment, (), *shown)[0]))
            self.changes = self.verdicts[-1].changes

    def rows(self, table):
        """Return the rows that all sessions appended to a table, as a set of lines."""
        lines = [
            line
            for batches in self.batches.values()
            for batch in batches
            for line in batch.rows.get(table, b"").splitlines()
        ]
        assert len(lines) == len(set(lines))
        return set(lines)

    def states(self):
        """Return the state that each session ended in."""
        return {session: batches[-1].state for session, batches in self.batches.items()}


@cache
def run(segment_blocks=300, cohorts=((0,), (1,), (2,)), **changes):
    return Run(plan_of(busy_scenario(segment_blocks=segment_blocks, **changes), None), cohorts).go()


# The market.


@cache
def whole_market(n_blocks=400):
    market = Market(busy_scenario())
    return market.segment(market.begin(), n_blocks)[1]


def test_the_market_begins_with_the_warm_up_that_signals_need():
    carried = Market(busy_scenario()).begin()
    assert carried.next_block == 0
    assert carried.mids.shape == (HISTORY_BLOCKS, 2)
    assert carried.gas.shape == (HISTORY_BLOCKS,)


def test_a_segment_is_a_function_of_what_is_carried():
    market, another = Market(busy_scenario()), Market(busy_scenario())
    _, _, carried = market.segment(market.begin(), 70)
    first, second = (source.segment(carried, 30) for source in (market, another))
    assert first[0] == second[0] == 100
    for one, other in zip(same(first[1]), same(second[1]), strict=True):
        assert one == other


def same(segment):
    """Return all that a segment holds, to compare."""
    return (
        segment.first_block,
        segment.mids.tobytes(),
        segment.pools.tobytes(),
        segment.gas.tobytes(),
        segment.signals.tobytes(),
    )


@pytest.mark.parametrize("start_block", [1, 130])
def test_a_run_that_begins_later_meets_the_same_market(start_block):
    market = Market(busy_scenario(start_block=start_block))
    block, segment, _ = market.segment(market.begin(), 50)
    whole = whole_market()
    later = replace(cut(whole, start_block, start_block + 50), first_block=0)
    assert (block, same(segment)) == (50, same(later))


def test_a_block_has_its_time_wherever_the_run_begins():
    early, late = busy_scenario(), busy_scenario(start_block=300)
    assert late.begin_at - early.begin_at == timedelta(hours=1)
    contexts = [contexts_of(plan_of(scenario, None), PREFIX)[0] for scenario in (early, late)]
    assert contexts[0].clock.at(310) == contexts[1].clock.at(10)
    assert plan_of(late, None).rules.day_offset_ms == 3_600_000


@settings(max_examples=20)
@given(st.lists(st.integers(1, 399), max_size=5, unique=True))
def test_the_market_is_the_same_wherever_it_is_cut(cuts):
    market = Market(busy_scenario())
    carried, parts = market.begin(), []
    ends = [*sorted(cuts), 400]
    for first, end in zip([0, *ends], ends, strict=False):
        block, segment, carried = market.segment(carried, end - first)
        assert (segment.first_block, segment.end_block, block) == (first, end, end)
        parts.append(segment)
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("mids", "pools", "gas")]
    signals = np.concatenate([part.signals for part in parts], axis=1)
    assert same(Segment(0, *joined, signals)) == same(whole_market())


def test_another_seed_makes_another_market():
    market = Market(busy_scenario(seed=8))
    assert same(market.segment(market.begin(), 400)[1]) != same(whole_market())


def test_the_market_names_its_source():
    assert repr(Market(busy_scenario())) == "Market(synthetic)"


# Sessions.


def test_a_session_is_named_after_its_account_and_strategy():
    contexts = contexts_of(plan_of(busy_scenario(), None), PREFIX)
    rules = plan_of(busy_scenario(), None).rules
    alone = AccountSession(contexts[:1], [Owner(1)], rules)
    together = AccountSession(contexts, [Owner(1)] * 3, rules)
    assert repr(alone) == "AccountSession(tuned, tuned)"
    assert repr(together) == "AccountSession(tuned, tuned and 2 more)"


def test_much_happens_in_the_run_of_these_tests():
    assert all(receipt.completed_trades > 20 for receipt in run().receipts.values())
    assert sum(len(verdict.adjustments) for verdict in run().verdicts) >= 1


def test_every_segment_yields_one_numbered_batch_for_each_session():
    for session, batches in run().batches.items():
        assert [batch.seq for batch in batches] == [1, 2, 3, 4]
        assert [batch.next_block for batch in batches] == [300, 600, 900, 1200]
        assert {batch.incarnation for batch in batches} == {1}
        assert len({batch.session_id for batch in batches}) == 1
        assert run().receipts[session].seq == 4


def test_a_receipt_tells_what_the_state_holds():
    for session, receipt in run().receipts.items():
        state = Cohort.from_bytes(run().states()[session]).sessions[0]
        assert receipt.next_block == int(state["next_block"]) == 1200
        assert receipt.equity_micro_usd == int(state["equity_micro_usd"])
        assert receipt.decisions == int(state["next_decision"])


@pytest.mark.parametrize("cohorts", [((0, 1, 2),), ((0, 1), (2,)), ((2,), (1, 0))])
def test_sessions_do_the_same_in_a_cohort_of_any_width(cohorts):
    assert run(cohorts=cohorts).states() == run().states()
    for table in APPENDED:
        assert run(cohorts=cohorts).rows(table) == run().rows(table)


@pytest.mark.parametrize("segment_blocks", [100, 170, 1200])
@pytest.mark.parametrize("table", [*APPENDED])
def test_segments_of_any_length_append_the_same_rows(segment_blocks, table):
    rows = run(segment_blocks).rows(table)
    assert rows == run().rows(table)
    assert rows


@pytest.mark.parametrize("segment_blocks", [100, 170, 1200])
def test_segments_of_any_length_end_in_the_same_state(segment_blocks):
    assert run(segment_blocks).states() == run().states()


@settings(max_examples=10)
@given(st.lists(st.integers(1, 599), max_size=4, unique=True))
def test_segments_cut_anywhere_append_the_same_rows_and_end_in_the_same_state(cuts):
    market, pieces = whole_market(600), Run(plan_of(busy_scenario(autopilot=False), None), ((0, 1), (2,)))
    ends = [*sorted(cuts), 600]
    for first, end in zip([0, *ends], ends, strict=False):
        pieces.step(end, cut(market, first, end))
    at_once = run(600, blocks=600, autopilot=False)
    assert pieces.states() == at_once.states()
    for table in set(APPENDED) - {"autopilot_logs"}:
        assert pieces.rows(table) == at_once.rows(table)


def test_a_row_that_is_written_again_ends_as_it_does_without_the_cut():
    latest = {}
    for segment_blocks in (100, 300):
        rows = {}
        for batches in run(segment_blocks).batches.values():
            for batch in batches:
                for table in ("paper_trades", "paper_positions"):
                    rows.update((line[:36], line) for line in batch.rows.get(table, b"").splitlines())
        latest[segment_blocks] = rows
    assert latest[100] == latest[300]


def test_the_segment_is_left_as_it_was():
    market, segment = Market(busy_scenario()), whole_market()
    for records in (segment.mids, segment.pools, segment.gas, segment.signals):
        records.flags.writeable = False
    pieces = Run(plan_of(busy_scenario(), None), ((0, 1, 2),))
    pieces.step(400, segment)
    assert same(market.segment(market.begin(), 400)[1]) == same(segment)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_session_restored_from_a_batch_goes_on_as_if_nothing_had_happened(after):
    """The batches of an owner that took over differ by its incarnation alone."""
    undisturbed = run()
    plan = plan_of(busy_scenario(), None)
    taken_over = Run(plan, ((0,), (1,), (2,)))
    carried = taken_over.market.begin()
    for number, length in enumerate(plan.segment_lengths()):
        if number == after:
            taken_over.actors = [
                AccountSession([context], [Owner(2, after, undisturbed.batches[at][after - 1].state)], plan.rules)
                for at, context in enumerate(contexts_of(plan, PREFIX))
            ]
        block, segment, carried = taken_over.market.segment(carried, length)
        taken_over.step(block, segment)
    assert {batch.incarnation for batch in taken_over.batches[0][after:]} == {2}
    for session, batches in undisturbed.batches.items():
        for before, again in zip(batches, taken_over.batches[session], strict=True):
            assert (again.seq, again.next_block, again.state) == (before.seq, before.next_block, before.state)
            assert again.rows == before.rows


# Auto Pilot.


def test_auto_pilot_says_how_many_it_may_adjust():
    plan = plan_of(busy_scenario(), None)
    pilot = pilot_of(plan)
    assert repr(pilot) == "AutoPilot(1 of 3 strategies)"


def test_every_session_gets_an_adjustment_or_a_reason_against_it():
    for verdict in run().verdicts:
        assert len(verdict.adjustments) + sum(verdict.refusals.values()) == 3
        assert verdict.refusals["Auto Pilot is off for this strategy"] == 2


def test_reviews_may_arrive_in_groups_of_any_size():
    plan = plan_of(busy_scenario(), None)
    one = Run(plan, ((0, 1, 2),))
    _, segment, _ = one.market.segment(one.market.begin(), 300)
    _, _, shown = one.actors[0].advance(segment, UNCHANGED)
    alone = [Review(*(getattr(shown, part)[row : row + 1] for part in shown.__slots__)) for row in range(3)]
    assert told(one.pilot.review(segment, (), shown)[0]) == told(one.pilot.review(segment, (), *alone)[0])


def test_what_is_shown_for_review_follows_from_the_checkpoints_alone():
    plan = plan_of(busy_scenario(), None)
    one = Run(plan, ((0, 1, 2),))
    _, segment, _ = one.market.segment(one.market.begin(), 300)
    _, batches, shown = one.actors[0].advance(segment, UNCHANGED)
    owners = [Owner(2, batch.seq, batch.state) for batch in batches]
    again = AccountSession(contexts_of(plan, PREFIX), owners, plan.rules).standing()[2]
    for part in shown.__slots__:
        assert getattr(again, part).tobytes() == getattr(shown, part).tobytes()


@pytest.mark.parametrize("cohorts", [((0,), (1,), (2,)), ((2, 1, 0),)])
def test_an_adjustment_holds_for_its_session_from_its_block_on(cohorts):
    """The tuned session's parameters are those of the last adjustment; the others' never moved."""
    played = run(cohorts=cohorts)
    made = [adjustment for verdict in played.verdicts for adjustment in verdict.adjustments]
    assert {adjustment.session for adjustment in made} == {0}
    assert all(adjustment.block % 300 == 0 for adjustment in made)
    wanted = {adjustment.field: adjustment.new for adjustment in made}
    tuned, plain, _ = (Cohort.from_bytes(played.states()[at]).sessions[0] for at in range(3))
    assert {name: int(tuned[name]) for name in wanted} == wanted
    assert int(tuned["next_adjustment"]) == len(made)
    assert int(plain["next_adjustment"]) == 0
    assert int(plain["max_position_size_bp"]) == 500


@cache
def long_run(cohorts=((0, 1, 2),)):
    """Return a run long enough for outcomes."""
    return Run(plan_of(busy_scenario(blocks=12_000), None), cohorts).go()


def test_parameters_of_a_long_run_can_be_rebuilt_from_its_adjustments_alone():
    played = long_run()
    made = [adjustment for verdict in played.verdicts for adjustment in verdict.adjustments]
    assert len(made) >= 3
    states = [Cohort.from_bytes(batch.state).sessions[0] for batch in played.batches[0]]
    start = {name: int(states[0][name]) for name in PARAMETERS}  # the first review is at the end of the first segment
    for state in states:
        traded_last = int(state["next_block"]) - 1
        assert replayed(start, made, traded_last) == {name: int(state[name]) for name in PARAMETERS}


def test_outcomes_are_judged_once_each_and_harm_is_reversed_where_it_is_judged():
    logged = 0
    for verdict in long_run().verdicts:
        for judged in verdict.judgements:
            assert judged.log_ordinal < logged
            reversed_now = [made.reverses_log_ordinal for made in verdict.adjustments if made.is_reversal]
            assert reversed_now == ([judged.log_ordinal] if judged.outcome is OutcomeKind.NEGATIVE else [])
        logged += len(verdict.adjustments)
    judged = [judged.log_ordinal for verdict in long_run().verdicts for judged in verdict.judgements]
    assert len(judged) == len(set(judged)) > 0


def test_twins_and_outcomes_are_the_same_in_cohorts_of_any_width():
    apart = long_run(((2,), (0,), (1,)))
    assert apart.verdicts == long_run().verdicts
    assert apart.states() == long_run().states()


def test_an_adjustment_is_written_with_the_segment_that_begins_with_it():
    logged = [batch.rows.get("autopilot_logs", b"").count(b"\n") for batch in run().batches[0]]
    assert logged == [0, *(len(verdict.adjustments) for verdict in run().verdicts)]


def test_a_run_without_auto_pilot_trades_otherwise():
    assert run(autopilot=False).verdicts == []
    assert run(autopilot=False).states()[0] != run().states()[0]
    assert run(autopilot=False).states()[1] == run().states()[1]


def test_segment_lengths_of_a_plan_add_up_to_what_the_sessions_traded():
    lengths = list(accumulate(run().plan.segment_lengths()))
    assert lengths == [batch.next_block for batch in run().batches[1]]
