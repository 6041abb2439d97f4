"""A run that was interrupted is RUNNING again, with the sessions that had not ended by themselves."""

from __future__ import annotations

import pytest

from storage.errors import NothingGoesOn, RunHasEnded, RunNotFound, RunWasPruned, StaleConductor
from storage.ids import run_id_of
from storage.records import Standing

WHY = "Analyst mine:Own failed at block 300: ValueError: no idea."
SESSIONS = """
    SELECT status, error_message, status_reason, stopped_at FROM paper_trading_sessions ORDER BY session_id
"""
RUN = "SELECT status, digest, digest_revision, error_message, finished_at FROM runs"
LIVES = "RUNNING", "", "", None


@pytest.mark.parametrize(("status", "why"), [("STOPPED", "Stopped by the user."), ("ERROR", "GaveUpError: no.")])
def test_a_run_that_was_closed_early_is_as_if_it_had_never_been(begin, store, sql, status, why):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, status, why)
    standings = store.reopen_run(live.ids.run_id).standings
    assert standings == dict.fromkeys(live.ids.sessions, Standing(300, ""))
    assert sql(SESSIONS) == [LIVES] * 3
    assert sql(RUN) == [("RUNNING", None, None, "", None)]


def test_a_session_that_ended_by_itself_stays_as_it_ended(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.fail_session(live.ids.sessions[1], WHY)
    store.finish_run(live.ids.run_id, "ERROR", "GaveUpError: no.")
    standings = store.reopen_run(live.ids.run_id).standings
    assert standings[live.ids.sessions[1]] == Standing(300, WHY)
    assert [row[:2] for row in sql(SESSIONS)] == [("RUNNING", ""), ("ERROR", WHY), ("RUNNING", "")]


def test_a_run_whose_conductor_is_gone_is_taken_up_as_it_is(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    before = sql(SESSIONS)
    assert store.reopen_run(live.ids.run_id).standings == dict.fromkeys(live.ids.sessions, Standing(300, ""))
    assert sql(SESSIONS) == before


def test_a_conductor_that_was_replaced_can_change_nothing_any_more(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    assert store.reopen_run(live.ids.run_id).conductor == 2
    assert store.reopen_run(live.ids.run_id).conductor == 3
    for stale in (1, 2):
        with pytest.raises(StaleConductor, match="has been taken up by its conductor 3; this one"):
            store.claim(live.ids.sessions[0], stale)
        with pytest.raises(StaleConductor):
            store.fail_session(live.ids.sessions[0], WHY, stale)
        with pytest.raises(StaleConductor):
            store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.", stale)
    assert sql(SESSIONS) == [LIVES] * 3
    assert sql("SELECT incarnation FROM session_checkpoints") == [(1,)] * 3
    assert store.claim(live.ids.sessions[0], 3) == 2


def test_a_run_of_which_nothing_goes_on_is_left_alone(begin, store, sql):
    live = begin()
    for session_id in live.ids.sessions:
        store.fail_session(session_id, WHY)
    store.finish_run(live.ids.run_id, "ERROR", "Every session of the run has failed.")
    closed = sql(RUN)
    with pytest.raises(NothingGoesOn):
        store.reopen_run(live.ids.run_id)
    assert sql(RUN) == closed


@pytest.mark.usefixtures("finished")
def test_a_run_that_has_come_to_its_end_is_not_taken_up(store):
    with pytest.raises(RunHasEnded):
        store.reopen_run(store.resolve_run("latest"))


def test_a_run_that_was_pruned_is_not_taken_up(begin, store, sql):
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    sql("UPDATE runs SET pruned_at = now()")
    with pytest.raises(RunWasPruned):
        store.reopen_run(live.ids.run_id)


def test_a_run_that_is_not_there_is_not_taken_up(store):
    with pytest.raises(RunNotFound):
        store.reopen_run(run_id_of(0xCAFE))


# The command.


@pytest.fixture
def stopped(begin, store):
    """Leave a run behind that was stopped."""
    live = begin()
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    return live.ids.run_id


def test_what_defines_the_run_cannot_be_given_anew(paperdex, url):
    said = paperdex("run", "--resume", "latest", "--seed", "3", "--no-autopilot", "--database-url", url)
    assert said == (
        2, "", "--resume latest takes the scenario that the run began with; leave out --seed, --no-autopilot.\n",
    )  # fmt: skip


@pytest.mark.usefixtures("finished")
def test_a_run_that_has_ended_is_one_sentence(paperdex, url):
    status, stdout, stderr = paperdex("run", "--resume", "latest", "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr.endswith("is COMPLETED; only a run that was interrupted can be resumed.\n")
    assert stderr.count("\n") == 1


def test_a_run_of_another_version_is_one_sentence_and_left_alone(paperdex, url, sql, stopped):
    sql("UPDATE runs SET version = '0.0.1'")
    status, stdout, stderr = paperdex("run", "--resume", str(stopped)[:8], "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr.startswith(f"--resume {stopped}: it was begun with paperdex 0.0.1, this is ")
    assert sql("SELECT status FROM runs") == [("STOPPED",)]


def test_a_run_that_would_be_another_one_is_one_sentence_and_left_alone(paperdex, url, sql, stopped):
    sql("UPDATE runs SET scenario_hash = repeat('0', 64)")
    status, stdout, stderr = paperdex("run", "--resume", "latest", "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr.startswith(f"--resume {stopped}: its analysts, recordings or knowledge are not what they were")
    assert sql("SELECT status FROM runs") == [("STOPPED",)]
