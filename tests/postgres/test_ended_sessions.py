"""A session that has ended stays as it ended, whatever becomes of its run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulation.cohort import set_field
from simulation.market.segment import Segment
from simulation.state import DECISION, MARK, TRADE
from storage.batch import SessionEnd
from storage.copying import encode
from storage.errors import StaleOwner
from storage.rows import batch_of

WHY = "Analyst mine:Own failed at block 300: ValueError: no idea."
COMPLETED = "COMPLETED", "", "It came to the last block of the run.", True
ENDINGS = """
    SELECT status, error_message, status_reason, stopped_at - started_at = 12 * checkpoints.next_block * interval '1 s'
    FROM paper_trading_sessions AS sessions JOIN session_checkpoints AS checkpoints USING (session_id)
    ORDER BY session_id
"""


def test_a_session_that_lives_is_running(begin, store, sql):
    store.commit(begin().batches(300))
    assert sql(ENDINGS) == [("RUNNING", "", "", None)] * 3


def last_batch(live):
    """Return a batch of a segment without blocks, which ends the second session in ERROR."""
    nothing = {"trades": np.zeros(0, TRADE), "decisions": np.zeros(0, DECISION), "marks": np.zeros(0, MARK)}
    segment = Segment(300, *(records[300:300] for records in live.blocks), live.signals[:, 300:300])
    return batch_of(
        live.contexts[1], incarnation=1, seq=2, session=live.cohort.sessions[1], holdings=live.cohort.holdings[1], **nothing,
        adjustments=[], segment=segment, state=b"", end=SessionEnd("ERROR", WHY),
    )  # fmt: skip


def test_a_batch_may_end_its_session_and_the_end_of_the_run_leaves_it(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.commit([last_batch(live)])
    digest = store.finish_run(live.ids.run_id, "COMPLETED")
    assert sql(ENDINGS) == [COMPLETED, ("ERROR", WHY, WHY, True), COMPLETED]
    assert store.finish_run(live.ids.run_id, "COMPLETED") == digest
    assert store.check() == []


def test_a_batch_without_blocks_repeats_no_position_and_no_order(begin, store):
    live = begin()
    store.commit(live.batches(300))
    assert sorted(last_batch(live).rows) == ["paper_trading_accounts", "paper_trading_sessions"]


def test_a_session_may_be_ended_where_its_last_batch_left_it(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    late = live.batches(300)
    store.fail_session(live.ids.sessions[1], WHY)
    with pytest.raises(StaleOwner):
        store.commit([late[1]])
    store.commit([late[0], late[2]])
    store.finish_run(live.ids.run_id, "COMPLETED")
    assert sql(ENDINGS) == [COMPLETED, ("ERROR", WHY, WHY, True), COMPLETED]
    assert store.check() == []


def test_the_sessions_that_failed_are_told_with_their_blocks(begin, store):
    live = begin()
    store.commit(live.batches(300))
    store.fail_session(live.ids.sessions[1], WHY)
    store.finish_run(live.ids.run_id, "COMPLETED")
    (failure,) = store.failures(live.ids.run_id)
    assert (failure.account, failure.strategy, failure.block) == ("trader 1", "eager 1", 300)
    assert (failure.at, failure.message) == (live.contexts[1].clock.at(300), WHY)


def test_sessions_that_ended_with_a_run_that_failed_have_not_failed_themselves(begin, store):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "ERROR", "StaleOwner: somebody else.")
    assert store.failures(live.ids.run_id) == []


def test_a_session_that_was_stopped_says_so_and_names_no_error(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    assert sql(ENDINGS) == [("STOPPED", "", "Stopped by the user.", True)] * 3


def test_sessions_of_a_run_that_failed_say_why(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "ERROR", "StaleOwner: somebody else.")
    assert sql(ENDINGS) == [("ERROR", *["StaleOwner: somebody else."] * 2, True)] * 3


def test_an_error_message_of_any_text_is_stored_as_it_is(begin, store, sql):
    live = begin()
    told = "KeyError: 'a\ttab, a \\ and a\nline'"
    batch = live.batches(300)[1]
    line = batch.rows["paper_trading_sessions"].rstrip(b"\n").rsplit(b"\t", 2)[0]
    store.commit([replace(batch, rows={"paper_trading_sessions": line + b"\t" + encode([(told, told)])})])
    assert sql("SELECT error_message FROM paper_trading_sessions WHERE error_message <> ''") == [(told,)]


def test_a_session_whose_buying_is_paused_says_so_until_it_is_not(begin, store, sql):
    live = begin()
    standing = "SELECT status, status_reason FROM paper_trading_sessions WHERE session_id = %s"
    seen = []
    for paused in (1, 0):
        live.cohort = set_field(live.cohort, 0, "paused", paused)
        store.commit(live.batches(100))
        seen += sql(standing, str(live.ids.sessions[0]))
    assert seen == [("PAUSED", "Auto Pilot has paused its buying; it holds and sells."), ("RUNNING", "")]
    live.cohort = set_field(live.cohort, 0, "paused", 1)
    live.run()
    assert sql(standing, str(live.ids.sessions[0])) == [("COMPLETED", "It came to the last block of the run.")]
