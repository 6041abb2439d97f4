"""A session that fails ends in ERROR with what it had, and the others trade as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from busy import contexts_of
from eventful import BREAKS as NAME
from eventful import FAILING_BLOCKS as BLOCKS
from eventful import FAILS_AT, failing_scenario
from eventful import failing_plan as plan
from hand_made import RULES, account, bare_stage, stage, token
from house import undisturbed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray.exceptions import OutOfMemoryError

from actors.listening import listen
from actors.market import Market
from actors.session import AccountSession, Owner
from cluster.conductor import ALL_FAILED, COMPLETED
from simulation import cohort as cohorts
from simulation.autopilot.records import UNCHANGED
from simulation.cohort import Cohort
from simulation.intelligence.analysts import BuyAndHold
from simulation.market.segment import NEVER, Breakdown, terms_of

WHY = "ValueError: no idea of row 0, by <object object>"


@cache
def ledger_of(**changes):
    """Return what a run commits in which nobody dies."""
    return undisturbed(plan(**changes))


def by_name(ledger, **changes):
    """Return the committed batches of each account."""
    names = [account.name for account in plan(**changes).scenario.accounts]
    return dict(zip(names, ledger.batches.values(), strict=True))


# The market.


def heard(lengths, **changes):
    """Return the segments of these lengths, and the analysts that were asked."""
    market = Market(failing_scenario(**changes))
    carried, segments = market.begin(), []
    for length in lengths:
        _, segment, carried = market.segment(carried, length)
        segments.append(segment)
    return segments, market


@cache
def healthy():
    return heard([BLOCKS], fails_at=None)[0][0]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raises", WHY),
        ("leaves", "SystemExit: 3"),
        ("nan", "WrongScoresError: gives confidence_percent nan at row 0, column 1; 0 to 100 is allowed"),
        ("short", "WrongScoresError: gives opportunity_percent of shape (0, 2) where (blocks, tokens) is (1, 2)"),
        ("none", "WrongScoresError: answers with NoneType where Scores are expected"),
        ("untellable", "UntellableError"),
    ],
)
def test_an_analyst_that_fails_is_heard_up_to_the_block_before_and_no_further(how, message):
    (segment,), _ = heard([BLOCKS], how=how)
    assert segment.breakdowns == (None, Breakdown(NAME, FAILS_AT, message))
    assert segment.stops.tolist() == [NEVER, FAILS_AT]
    assert segment.signals[:, :FAILS_AT].tobytes() == healthy().signals[:, :FAILS_AT].tobytes()
    assert set(segment.signals["opportunity_bp"][1, FAILS_AT:].flat) == {5_000}
    assert set(segment.signals["confidence_bp"][1, FAILS_AT:].flat) == {0}


def test_the_other_analysts_say_what_they_would_have_said():
    (segment,), _ = heard([BLOCKS])
    assert segment.signals[0].tobytes() == healthy().signals[0].tobytes()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, BLOCKS - 1), max_size=4, unique=True), st.sampled_from([1, 299, 300, 301, 500, 899]))
def test_an_analyst_fails_at_the_same_block_wherever_the_market_is_cut(cuts, block):
    ends = [0, *sorted(cuts), BLOCKS]
    segments, _ = heard(np.diff(ends), fails_at=block)
    (whole,), _ = heard([BLOCKS], fails_at=block)
    assert segments[-1].breakdowns == whole.breakdowns == (None, Breakdown(NAME, block, WHY))
    assert np.concatenate([part.signals for part in segments], axis=1).tobytes() == whole.signals.tobytes()
    for part in segments:
        assert (part.breakdowns == (None, None)) == (part.end_block <= block)


def test_an_analyst_that_failed_is_not_asked_again_by_any_market():
    market = Market(failing_scenario())
    _, _, carried = market.segment(market.begin(), 600)
    another = Market(failing_scenario())
    _, segment, after = another.segment(carried, 300)
    assert [analyst.asked for name, analyst in another._analysts if name == NAME] == [0]
    assert segment.breakdowns == after.breakdowns == carried.breakdowns
    assert segment.breakdowns[1].block == FAILS_AT


class FailsOnce(BuyAndHold):
    """Fails when it is asked first, which no analyst does whose answers follow from the market."""

    asked = False

    def analyse(self, market):
        if not self.asked:
            type(self).asked = True
            raise MemoryError("too much at once")
        return super().analyse(market)


def test_an_analyst_that_answers_when_it_is_asked_again_is_finished_all_the_same():
    market = Market(failing_scenario())
    mids, gas = market.records(market.begin(), 40)
    records, failed = listen(FailsOnce(), "mine:Own", 1_000, mids, gas, market.tokens)
    assert failed == Breakdown("mine:Own", 1_039, "MemoryError: too much at once")
    assert set(records["opportunity_bp"][:39].flat) == {10_000}


# The kernel.


def test_a_session_is_stepped_to_the_block_before_its_analysts_stop_and_then_stays_as_it_is():
    made = bare_stage(40, (token(),), n_analysts=2)
    calm = stage(40)
    for name in ("mids", "pools", "gas"):
        getattr(made.segment, name)[:] = getattr(calm.segment, name)
    for row in (0, 1):
        made.signal(8_000, slice(3, 4), analyst=row)
    stopped = replace(made.segment, breakdowns=(None, Breakdown("mine:Own", 4, "KeyError: 'x'")))
    cohort = cohorts.begin([account("one"), account("two")], [0, 1], made.infos, RULES, [0, 1])
    after, outcome = cohorts.advance(cohort, stopped, terms_of(made.infos), RULES)
    assert after.sessions["next_block"].tolist() == [40, 4]
    assert after.sessions["orders_in_flight"].tolist() == [0, 1]
    assert after.sessions["open_positions"].tolist() == [1, 0]
    assert outcome.trades["session"].tolist() == [0]
    later = replace(stopped, first_block=40)
    again, outcome = cohorts.advance(after, later, terms_of(made.infos), RULES)
    assert again.sessions[1].tobytes() == after.sessions[1].tobytes()
    assert again.holdings[1].tobytes() == after.holdings[1].tobytes()
    assert 1 not in outcome.decisions["session"]


# A run.


def test_a_session_whose_analyst_fails_commits_what_it_had_and_ends_in_error(house):
    run, seen = house(), []
    run.conduct(plan(), seen.append)
    last = by_name(run.ledger)["broken"][-1]
    assert last.next_block == FAILS_AT
    assert last.seq == 2
    *_, status, stopped_at, message, reason = last.rows["paper_trading_sessions"].decode().rstrip("\n").split("\t")
    assert (status, message) == ("ERROR", f"Analyst {NAME} failed at block {FAILS_AT}: {WHY}.")
    assert reason == message
    at = contexts_of(plan(), 1)[3].clock.at(FAILS_AT)
    assert stopped_at == at.isoformat()
    assert [[receipt.error_message for receipt in progress.receipts] for progress in seen] == [
        ["", "", "", ""], ["", "", "", message], ["", "", "", message], ["", "", "", message],
    ]  # fmt: skip
    assert run.ending == COMPLETED


def test_the_actor_of_a_session_that_failed_is_let_go_while_the_others_trade(house):
    run, gone = house(), []
    run.conduct(plan(), lambda _: gone.append(len(run.discarded)))
    assert gone == [0, 1, 1, 1]
    assert {id(actor) for actor in run.actors} == {id(actor) for actor in run.discarded}


def test_the_others_commit_what_they_would_have_beside_one_that_is_well():
    failed, well = by_name(ledger_of()), by_name(ledger_of(fails_at=None))
    for name in ("tuned", "plain", "smart"):
        assert [(batch.seq, batch.rows, batch.state) for batch in failed[name]] == [
            (batch.seq, batch.rows, batch.state) for batch in well[name]
        ]
    assert [batch.next_block for batch in well["broken"]] == [300, 600, 900]


def test_a_session_that_fails_has_done_until_then_what_it_would_have():
    """Its state is that of one whose market ended with the block before."""
    market, contexts = Market(failing_scenario(fails_at=None)), contexts_of(plan(fails_at=None), 1)
    cohort = cohorts.begin([contexts[3].account], [3], contexts[3].tokens, plan().rules, [contexts[3].analyst])
    _, segment, _ = market.segment(market.begin(), FAILS_AT)
    after, _ = cohorts.advance(cohort, segment, terms_of(contexts[3].tokens), plan().rules)
    last = by_name(ledger_of())["broken"][-1]
    assert Cohort.from_bytes(last.state).sessions.tobytes() == after.sessions.tobytes()
    assert Cohort.from_bytes(last.state).holdings.tobytes() == after.holdings.tobytes()
    assert after.sessions[0]["open_positions"] > 0


def stored(ledger, name, **changes):
    """Return the rows that a session leaves in the end, by table and key."""
    rows = {}
    for batch in by_name(ledger, **changes)[name]:
        for table, lines in batch.rows.items():
            rows.setdefault(table, {}).update((line[:36], line) for line in lines.splitlines())
    return rows


@pytest.mark.parametrize("fails_at", [FAILS_AT, 300, 600, 601])
@pytest.mark.parametrize("segment_blocks", [50, 100, 170])
def test_a_session_that_fails_leaves_the_same_rows_for_segments_of_any_length(segment_blocks, fails_at):
    short = ledger_of(segment_blocks=segment_blocks, fails_at=fails_at)
    whole = ledger_of(fails_at=fails_at)
    assert stored(short, "broken", fails_at=fails_at) == stored(whole, "broken", fails_at=fails_at)
    ends = [by_name(ledger, fails_at=fails_at)["broken"][-1] for ledger in (short, whole)]
    assert ends[0].state == ends[1].state
    assert ends[0].next_block == fails_at


KINDS = ("Market", "Writer", "AutoPilot", "tuned", "plain", "broken")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(KINDS), st.lists(st.sampled_from([None, None, "before", "after"]), max_size=8)))
def test_whoever_dies_whenever_a_session_that_fails_leaves_the_same(house, fates):
    run = house(**fates)
    run.conduct(plan(segment_blocks=100))
    assert run.ledger.content() == ledger_of(segment_blocks=100).content()


def test_a_session_that_fails_is_neither_reviewed_nor_adjusted_again(house):
    run = house()
    run.conduct(plan())
    assert run.tally.adjustments + run.tally.refusals.total() == 4 + 3


def test_a_run_of_which_every_session_fails_stops_early_and_says_so(house):
    run, seen = house(), []
    run.conduct(plan(alone=True, segment_blocks=50), seen.append)
    assert run.ending == ALL_FAILED
    assert seen[-1].block == FAILS_AT + 50
    assert next(iter(run.ledger.batches.values()))[-1].next_block == FAILS_AT


def test_sessions_of_one_actor_end_each_in_its_own_time():
    market, contexts = Market(failing_scenario()), contexts_of(plan(), 1)
    session = AccountSession(contexts[2:], [Owner(1), Owner(1)], plan().rules)
    carried, told = market.begin(), []
    for _ in range(3):
        _, segment, carried = market.segment(carried, 300)
        receipts, batches, reviews = session.advance(segment, UNCHANGED)
        told.append(([receipt.session for receipt in receipts], len(batches), reviews.ordinals.tolist()))
    assert told == [([2, 3], 2, [2, 3]), ([2, 3], 2, [2]), ([2], 1, [2])]


def test_a_cluster_in_trouble_is_not_taken_for_a_session_that_fails(house):
    run = house()
    run.patch.setattr(AccountSession, "advance", raising(OutOfMemoryError("no room")))
    with pytest.raises(OutOfMemoryError):
        run.conduct(plan())
    assert run.ledger.failed == {}


def raising(error):
    """Return a method that raises."""

    def raises(*_):
        raise error

    return raises


def test_a_session_whose_own_code_raises_ends_where_its_last_batch_left_it(house):
    run = house()
    advance = AccountSession.advance

    def stumble(self, segment, adjustments, incarnation):
        if self._contexts[0].account.name == "plain" and segment.first_block == 300:
            raise ZeroDivisionError("division by zero")
        return advance(self, segment, adjustments, incarnation)

    run.patch.setattr(AccountSession, "advance", stumble)
    seen = []
    run.conduct(plan(fails_at=None), seen.append)
    batches, well = by_name(run.ledger), by_name(ledger_of(fails_at=None))
    assert [batch.next_block for batch in batches["plain"]] == [300]
    assert list(run.ledger.failed.values()) == [
        "AccountSession failed in the segment that begins at block 300: ZeroDivisionError: division by zero."
    ]
    assert [receipt.error_message != "" for receipt in seen[-1].receipts] == [False, True, False, False]
    for name in ("tuned", "smart", "broken"):
        assert [batch.rows for batch in batches[name]] == [batch.rows for batch in well[name]]
