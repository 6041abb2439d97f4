"""What Auto Pilot knows: versioned, from runs that ended, and part of what defines a run."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg2
import pytest
from busy import busy_scenario, tuned_strategy
from piloted import Piloted

from cluster.errors import UsageError
from cluster.plan import plan_of
from cluster.runs import prepare_again
from simulation.autopilot.knowledge import IGNORANT, Knowledge, learned
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.triggers import TYPES
from simulation.scenario import AccountSpec
from storage.errors import StorageError
from storage.knowledge import NoSuchKnowledge, NothingToLearn
from storage.store import Store

PREFIX = 0xB0_0000


def scenario(**changes):
    """Return a scenario of one tuned account whose adjustments are judged."""
    accounts = (AccountSpec(name="tuned", strategy=tuned_strategy("tuned")),)
    return busy_scenario(**{"seed": 13, "blocks": 6_000, "accounts": accounts, **changes})


def play(store, number, **changes):
    """Play a run to its end with the knowledge that its scenario names."""
    plan = plan_of(scenario(**changes), None)
    known = store.knowledge(plan.scenario.knowledge)
    run = Piloted(replace(plan, knowledge=known), store, PREFIX + number, ((0,),), known)
    run.go()
    return run


@pytest.fixture(scope="module")
def learnt(server, execute, template):
    """Make a database with a run whose outcomes are version 1, to copy."""
    execute(f"CREATE DATABASE template_learnt TEMPLATE {template}")
    store = Store(server.url("template_learnt"))
    run = play(store, 1)
    store.learn(run.ids.run_id)
    store.close()
    return "template_learnt", run


@pytest.fixture
def first(learnt):
    """Return the run of version 1, which is in the test's database."""
    return learnt[1]


@pytest.fixture
def url(new_url, learnt):
    return new_url(learnt[0])


def outcomes_of(run):
    return [
        (TYPES.index(judged.type), judged.regime, judged.outcome)
        for verdict in run.verdicts
        for judged in verdict.judgements
    ]


def test_a_run_teaches_its_outcomes_by_type_and_regime(first, store):
    known = store.knowledge(1)
    assert known == learned(IGNORANT, outcomes_of(first))
    assert sum(known.counts) > 0


def test_a_version_says_where_it_comes_from(first, store):
    (record,) = store.knowledge_versions()
    assert (record.version, record.from_version, record.from_run) == (1, 0, first.ids.run_id)
    assert record.outcomes == sum(store.knowledge(1).counts)
    assert record.hash == store.knowledge(1).hash


@pytest.mark.usefixtures("first")
def test_the_next_version_is_the_latest_and_one_run_more(store):
    second = play(store, 2, seed=14)
    assert store.learn(second.ids.run_id) == learned(store.knowledge(1), outcomes_of(second))
    assert [record.version for record in store.knowledge_versions()] == [1, 2]


@pytest.mark.usefixtures("first")
def test_a_run_says_by_its_hash_and_digest_what_was_known(store, sql):
    without, with_it = play(store, 2), play(store, 3, knowledge=1)
    hashes = dict(sql("SELECT run_id::text, scenario_hash FROM runs"))
    ignorant, wiser = (store.run(run.ids.run_id) for run in (without, with_it))
    assert len(set(hashes.values())) == 2
    assert hashes[str(wiser.run_id)] != hashes[str(ignorant.run_id)]
    assert wiser.digest != ignorant.digest


@pytest.mark.usefixtures("first")
def test_a_run_with_the_same_version_repeats_exactly_whatever_was_learned_since(store):
    before = play(store, 2, knowledge=1)
    store.learn(play(store, 3, seed=14).ids.run_id)
    again = play(store, 4, knowledge=1)
    assert again.verdicts == before.verdicts
    assert store.run(again.ids.run_id).digest == store.run(before.ids.run_id).digest


@pytest.mark.usefixtures("first")
def test_what_was_learned_changes_what_auto_pilot_is_sure_of(store, sql):
    wiser = play(store, 2, knowledge=1)
    confident = sql(
        "SELECT count(*) FROM autopilot_logs WHERE session_id = %s AND confidence_in_adjustment <> 50",
        str(wiser.ids.sessions[0]),
    )
    assert confident[0][0] > 0


def test_a_run_teaches_once(first, store):
    with pytest.raises(NothingToLearn, match=r"version 1 has its outcomes already\.$"):
        store.learn(first.ids.run_id)


@pytest.mark.usefixtures("first")
def test_a_run_that_did_not_complete_teaches_nothing(store):
    plan = plan_of(scenario(), None)
    begun = Piloted(plan, store, PREFIX + 9, ((0,),))
    with pytest.raises(NothingToLearn, match="it is RUNNING, and only what has come to its end teaches"):
        store.learn(begun.ids.run_id)


@pytest.mark.usefixtures("first")
def test_a_run_whose_log_was_altered_teaches_nothing(store, sql):
    second = play(store, 2, seed=14)
    sql("UPDATE autopilot_logs SET regime = 11 WHERE session_id = %s", str(second.ids.sessions[0]))
    with pytest.raises(NothingToLearn, match="row_hash of account tuned"):
        store.learn(second.ids.run_id)


@pytest.mark.usefixtures("first")
def test_two_that_learn_at_the_same_moment_make_two_versions(store, url):
    runs = [play(store, number, seed=12 + number).ids.run_id for number in (2, 3)]
    stores = [Store(url) for _ in runs]
    threads = [threading.Thread(target=one.learn, args=(run,)) for one, run in zip(stores, runs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    assert [record.version for record in store.knowledge_versions()] == [1, 2, 3]


@pytest.mark.usefixtures("first")
def test_a_scenario_that_names_no_version_that_there_is_is_refused(store, sql):
    plan = plan_of(scenario(knowledge=7), None)
    with pytest.raises(NoSuchKnowledge, match="There is no knowledge of version 7, the latest is 1"):
        store.begin_run(plan.scenario, plan.tokens, plan.blocks, PREFIX + 9)
    assert sql("SELECT count(*) FROM runs") == [(1,)]


@pytest.mark.usefixtures("first")
def test_altered_knowledge_is_found_and_not_used(store, sql):
    sql("UPDATE autopilot_knowledge SET counts = jsonb_set(counts, '{0}', '99')")
    (finding,) = [finding for finding in store.check() if finding.table == "autopilot_knowledge"]
    assert (finding.row, finding.column) == ("1", "hash")
    with pytest.raises(StorageError, match="Knowledge of version 1 is not what was learned"):
        store.knowledge(1)


@pytest.mark.usefixtures("first")
def test_an_interrupted_run_goes_on_with_what_was_known_at_its_beginning(store, sql):
    plan = plan_of(scenario(knowledge=1), None)
    begun = Piloted(plan, store, PREFIX + 9, ((0,),))
    store.finish_run(begun.ids.run_id, "STOPPED", "Stopped by the user.")
    store.learn(play(store, 2, seed=14).ids.run_id)
    assert prepare_again(store, begun.ids.run_id).scenario.knowledge == 1
    other = Knowledge(1, tuple(count + 1 for count in store.knowledge(1).counts))
    sql(
        "UPDATE autopilot_knowledge SET hash = %s, counts = %s::jsonb WHERE version = 1",
        other.hash,
        str(list(other.counts)),
    )
    with pytest.raises(UsageError, match="knowledge are not what they were when it began"):
        prepare_again(store, begun.ids.run_id)


@pytest.mark.usefixtures("first")
def test_a_person_learns_from_a_run_and_sees_what_is_known(store, paperdex, url):
    second = play(store, 2, seed=14)
    status, told, _ = paperdex("autopilot", "learn", str(second.ids.run_id), "--database-url", url)
    assert (status, told) == (0, "Version 2; a scenario uses it with `knowledge: 2`.\n")
    _, told, _ = paperdex("autopilot", "knowledge", "--database-url", url)
    assert "Version 2" in told
    counted = [line.split() for line in told.splitlines() if line.split(" ")[0] in {str(kind) for kind in TYPES}]
    known = store.knowledge(2)
    assert sum(int(number) for line in counted for number in line[-5:-2]) == sum(known.counts)
    assert str(second.ids.run_id) in told
    status, _, complaint = paperdex("autopilot", "learn", str(second.ids.run_id), "--database-url", url)
    assert (status, complaint.strip()[-1]) == (2, ".")


@pytest.mark.usefixtures("first")
def test_an_empty_database_knows_nothing(new_url, template, paperdex):
    _, told, _ = paperdex("autopilot", "knowledge", "--database-url", new_url(template))
    assert " ".join(told.split()).startswith("Auto Pilot knows nothing of earlier runs yet")


@pytest.mark.usefixtures("first")
def test_the_database_refuses_a_version_that_skips_one(sql):
    with pytest.raises(psycopg2.errors.CheckViolation):
        sql("UPDATE autopilot_knowledge SET version = 3")


def test_outcomes_that_teach_nothing_are_not_counted(first, store):
    unknown = [outcome for *_, outcome in outcomes_of(first) if outcome is OutcomeKind.UNKNOWN]
    assert sum(store.knowledge(1).counts) == len(outcomes_of(first)) - len(unknown)
