"""Batches are committed once, in order and by their session's owner, or not at all."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest

from storage.errors import ConstraintViolated, SequenceGap, SessionNotFound, StaleOwner
from storage.ids import Kind, derive

EVERYTHING = (
    "SELECT (SELECT count(*) FROM paper_trades), (SELECT count(*) FROM paper_ai_thought_logs), "
    "(SELECT count(*) FROM paper_performance_metrics), (SELECT sum(seq) FROM session_checkpoints)"
)


def test_a_new_run_stands_before_block_zero(begin, store):
    live = begin()
    checkpoint = store.checkpoint(live.ids.sessions[0])
    assert (checkpoint.seq, checkpoint.next_block, checkpoint.state) == (0, 0, b"")


def test_each_claim_makes_a_new_incarnation(begin, store):
    session_id = begin().ids.sessions[0]
    assert [store.claim(session_id), store.claim(session_id)] == [2, 3]


def test_a_batch_moves_its_sessions_checkpoint_on(begin, store):
    live = begin()
    batches = live.batches(300)
    assert store.commit(batches) == 3
    checkpoint = store.checkpoint(batches[1].session_id)
    assert (checkpoint.seq, checkpoint.next_block, checkpoint.state) == (1, 300, batches[1].state)


def test_a_batch_that_is_sent_twice_is_stored_once(begin, store, sql):
    batches = begin().batches(300)
    store.commit(batches)
    before = sql(EVERYTHING)
    assert store.commit(batches) == 0
    assert sql(EVERYTHING) == before


def test_a_batch_that_is_listed_twice_in_one_commit_is_stored_once(begin, store):
    batches = begin().batches(300)
    assert store.commit([*batches, *batches]) == 3


def test_several_batches_of_a_session_may_travel_together_in_any_order(begin, store):
    live = begin()
    first, second, third = live.batches(300), live.batches(300), live.batches(300)
    assert store.commit([*third, *first, *second]) == 9
    assert store.checkpoint(live.ids.sessions[0]).seq == 3


def test_a_gap_is_refused_and_nothing_of_the_commit_is_kept(begin, store, sql):
    live = begin()
    first, _, third = live.batches(300), live.batches(300), live.batches(300)
    before = sql(EVERYTHING)
    with pytest.raises(SequenceGap, match="stands at batch 1; batch 3 does not follow it"):
        store.commit([*first, *third])
    assert sql(EVERYTHING) == before


def test_an_older_owners_batch_is_refused(begin, store, sql):
    live = begin()
    batches = live.batches(300)
    store.claim(live.ids.sessions[2])
    before = sql(EVERYTHING)
    with pytest.raises(StaleOwner, match="belongs to incarnation 2; a batch of incarnation 1 is refused") as refusal:
        store.commit(batches)
    assert refusal.value.fields["session_id"] == live.ids.sessions[2]
    assert sql(EVERYTHING) == before


def test_the_next_owner_goes_on_where_the_last_batch_left_it(begin, store):
    live = begin()
    store.commit(live.batches(300))
    live.incarnations = [store.claim(session_id) for session_id in live.ids.sessions]
    assert store.commit(live.batches(300)) == 3


def test_a_batch_of_an_unknown_session_is_refused(begin, store):
    batch = replace(begin().batches(300)[0], session_id=derive(1, Kind.SESSION, 0, 0))
    with pytest.raises(SessionNotFound, match=re.escape(str(batch.session_id))):
        store.commit([batch])


def test_a_row_that_breaks_a_rule_takes_its_whole_commit_with_it(begin, store, sql):
    good, bad, _ = begin().batches(300)
    columns = bad.rows["paper_trading_accounts"].split(b"\t")
    columns[1] = b"-0.000001"
    broken = replace(bad, rows={**bad.rows, "paper_trading_accounts": b"\t".join(columns)})
    before = sql(EVERYTHING)
    with pytest.raises(ConstraintViolated, match="ck_paper_trading_accounts_current_balance_usd"):
        store.commit([good, broken])
    assert sql(EVERYTHING) == before


def test_two_writers_with_the_same_sessions_in_opposite_order_do_not_deadlock(begin, store, sql):
    live = begin()
    batches = live.batches(300)
    sent = [threading.Thread(target=store.commit, args=(order,)) for order in (batches, batches[::-1])]
    for thread in sent:
        thread.start()
    for thread in sent:
        thread.join()
    assert sql("SELECT DISTINCT seq FROM session_checkpoints") == [(1,)]


def test_an_order_in_flight_is_pending_until_the_batch_that_ends_it(begin, store, sql):
    live = begin()
    pending = []
    while not pending:
        store.commit(live.batches(1))
        pending = sql("SELECT trade_id FROM paper_trades WHERE status = 'pending'")
    store.commit(live.batches(60))
    ended = sql("SELECT finished_ordinal, deadline_block FROM paper_trades WHERE trade_id = %s", pending[0][0])
    assert ended[0][0] is not None
    assert ended[0][1] is None
