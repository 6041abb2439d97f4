"""What an operator commands: a reversal like Auto Pilot's own, at a block that is written down before it has an effect."""

from __future__ import annotations

import pytest
from busy import busy_scenario
from piloted import Piloted

from cluster.plan import plan_of
from simulation.autopilot.commanding import Answer
from storage.commands import NoSuchAdjustment, NotReversed

FIRST, SECOND = 0xC0_0001, 0xC0_0002
AT = 1_500
"""The block before whose review the operator acts."""

NEWEST = "SELECT log_id::text FROM autopilot_logs WHERE NOT is_reversal ORDER BY session_id, ordinal DESC LIMIT 1"
STATES = "SELECT status, block, status_reason FROM commands ORDER BY ordinal"


@pytest.fixture
def fly(store, sql):
    """Return a function that plays a run in which an operator acts once; ``act`` is given the newest adjustment."""

    def fly(act=lambda _log: None, at=AT, prefix=FIRST, blocks=2_400, **go):
        def before_review(block):
            if block == at:
                act(sql(NEWEST)[0][0])

        run = Piloted(plan_of(busy_scenario(blocks=blocks), None), store, prefix, before_review=before_review)
        run.go(**go)
        return run

    return fly


def test_a_reversal_by_command_is_a_row_like_auto_pilots_own(fly, store, sql):
    seen = []

    def act(log):
        seen.extend(sql("SELECT old_value, new_value, adjustment_type FROM autopilot_logs WHERE log_id = %s", log))
        store.reverse_adjustment(log)

    fly(act)
    (row,) = sql(
        "SELECT block, old_value, new_value, adjustment_type, is_reversal, reason FROM autopilot_logs "
        "WHERE trigger_metric = 'operator'"
    )
    old, new, kind = seen[0]
    assert row == (AT, new, old, kind, True, "An operator reversed it by command.")
    told = "An operator's reversal ended the comparison with its twin after "
    assert sql("SELECT outcome FROM autopilot_logs WHERE starts_with(outcome_notes, %s)", told) == [("UNKNOWN",)]
    assert sql(STATES) == [("ACCEPTED", AT, "")]
    assert store.check() == []


def test_commands_are_part_of_what_a_run_is_a_function_of(fly, store, sql):
    commanded = fly(store.reverse_adjustment)

    def promised(_log):
        """Have the run find the same command, accepted for the same block, as one that is taken up again does."""
        sql(
            "INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments, status, block) "
            "SELECT overlay(command_id::text placing %s from 1 for 13)::uuid, "
            "overlay(run_id::text placing %s from 1 for 13)::uuid, "
            "overlay(session_id::text placing %s from 1 for 13)::uuid, ordinal, kind, "
            "jsonb_build_object('log_id', overlay(arguments ->> 'log_id' placing %s from 1 for 13)), status, block "
            "FROM commands",
            *[f"{SECOND:012x}"[:8] + "-" + f"{SECOND:012x}"[8:]] * 4,
        )

    again = fly(promised, at=600, prefix=SECOND, claimed_after=2)
    digests = {store.digest(run.ids.run_id) for run in (commanded, again)}
    assert len(digests) == 1
    assert store.digest(fly(prefix=SECOND + 1).ids.run_id) not in digests
    assert store.check() == []


def test_what_was_accepted_is_found_again_at_its_block_and_nowhere_else(fly, store):
    run = fly(store.reverse_adjustment)
    due = [store.due_reversals(run.ids.run_id, block) for block in (AT, AT, AT + 300)]
    assert [[one.command for one in found] for found in due] == [[0], [0], []]
    store.settle_commands(run.ids.run_id, AT + 300, [Answer(0, "No.")])
    assert store.due_reversals(run.ids.run_id, AT)  # what became of it is written once


def test_what_nobody_took_up_before_the_end_is_refused(fly, store, sql, monkeypatch):
    finish = store.finish_run

    def commanded_late(*given):
        store.reverse_adjustment(sql(NEWEST)[0][0])
        return finish(*given)

    monkeypatch.setattr(store, "finish_run", commanded_late)
    fly()
    assert sql(STATES) == [("REFUSED", None, "Its run ended before it was taken up.")]


def refused(store, log):
    with pytest.raises(NotReversed) as raised:
        store.reverse_adjustment(log)
    return str(raised.value)


def test_refusals_are_told_in_a_sentence(fly, store, sql):
    told = {}

    def act(log):
        older = sql(
            "SELECT older.log_id::text FROM autopilot_logs AS older JOIN autopilot_logs AS newer "
            "ON newer.session_id = older.session_id AND newer.parameter_name = older.parameter_name "
            "AND newer.ordinal > older.ordinal WHERE NOT newer.is_reversal AND NOT older.is_reversal LIMIT 1"
        )
        told["stands on it"] = refused(store, older[0][0])
        store.reverse_adjustment(log)
        told["asks for that already"] = refused(store, log)

    fly(act, at=9_000, blocks=9_300)
    told["its run is COMPLETED"] = refused(store, sql(NEWEST)[0][0])
    for words, sentence in told.items():
        assert words in sentence
        assert sentence.endswith(".")
    with pytest.raises(NoSuchAdjustment):
        store.reverse_adjustment("00000000-0000-800a-8000-000000000000")


def test_neither_a_reversal_nor_what_is_reversed_is_reversed_again(store, sql):
    told = []
    run = Piloted(plan_of(busy_scenario(blocks=2_400), None), store, FIRST)

    def before_review(block):
        if block == AT:
            store.reverse_adjustment(sql(NEWEST)[0][0])
        if block == AT + 600:
            undoing = "SELECT log_id::text, reverses_log_id::text FROM autopilot_logs WHERE trigger_metric = 'operator'"
            told.extend(refused(store, key) for key in sql(undoing)[0])

    run.before_review = before_review
    run.go()
    assert "it is a reversal itself" in told[0]
    assert "has reversed it" in told[1]


def test_a_check_finds_a_command_without_its_row_and_a_row_without_its_command(fly, store, sql):
    run = fly(store.reverse_adjustment)
    sql("UPDATE commands SET block = block + 300")
    tables = [finding.table for finding in store.check(run.ids.run_id)]
    assert tables == ["commands", "autopilot_logs"]


def test_an_operator_commands_and_sees_what_became_of_it(fly, paperdex, url):
    told = []
    fly(lambda log: told.append(paperdex("autopilot", "reverse", log, "--database-url", url)))
    (status, said, _) = told[0]
    assert (status, "reverse adjustment" in said) == (0, True)
    shown = paperdex("autopilot", "show", "latest", "--database-url", url)[1]
    assert f"It holds from block {AT:,} on." in shown
    status, _, complaint = paperdex("autopilot", "reverse", "nothing", "--database-url", url)
    assert (status, complaint.strip().endswith(".")) == (2, True)
