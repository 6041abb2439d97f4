"""The Auto Pilot's audit trail of a real run: complete, chained, and enough to rebuild every parameter."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from busy import busy_scenario, tuned_strategy
from piloted import Piloted
from questions import questions

from cluster.plan import plan_of
from cluster.report import collect
from cluster.report_autopilot import autopilot_chart, most_adjusted
from simulation.autopilot.words import DIVISORS, NAMES
from simulation.scenario import AccountSpec
from simulation.tuning import PARAMETERS
from storage.ids import key_range
from storage.store import Store

FIRST, SECOND = 0xA0_0001, 0xA0_0002


def scenario(**changes):
    """Return a run long enough for outcomes of two tuned sessions, one of which bears no failure."""
    strict = tuned_strategy(
        "strict", auto_disable_after_failures=1, learning_rate="1.0", adaptation_aggressiveness="AGGRESSIVE",
        use_fast_lane=False, use_smart_lane=True, take_profit_percent="5",
    )  # fmt: skip
    tuned, plain, _ = busy_scenario().accounts
    accounts = (tuned, plain, AccountSpec(name="strict", strategy=strict))
    return busy_scenario(**{"seed": 13, "blocks": 12_000, "accounts": accounts, **changes})


@pytest.fixture(scope="session")
def piloted_template(server, execute, template):
    """Make a database that holds the run, to copy."""
    execute(f"CREATE DATABASE template_piloted TEMPLATE {template}")
    store = Store(server.url("template_piloted"))
    run = Piloted(plan_of(scenario(), None), store, FIRST)
    run.go()
    store.close()
    return "template_piloted", run


@pytest.fixture
def played(piloted_template):
    """Return the run that is in the test's database."""
    return piloted_template[1]


@pytest.fixture
def url(new_url, piloted_template):
    """Name a database of the test's own that holds the run."""
    return new_url(piloted_template[0])


@pytest.fixture(scope="session")
def stored(server, execute, piloted_template):
    """Run SQL that changes nothing on a database that holds the run."""
    execute(f"CREATE DATABASE piloted TEMPLATE {piloted_template[0]}")
    with questions(server.url("piloted")) as run:
        yield run


# The log is complete.


def figures_of(judged):
    """Return the window's figures at a judgement and those of the comparison with the twin."""
    return {
        **judged.performance_after,
        "periods": judged.periods,
        "mean_return_difference_bp": 1e4 * judged.mean_difference,
        "standard_error_bp": 1e4 * judged.standard_error,
    }


def test_every_outcome_is_filled_in_with_its_numbers_and_words(played, stored):
    judged = [judgement for verdict in played.verdicts for judgement in verdict.judgements]
    rows = stored(
        "SELECT accounts.ordinal, logs.ordinal, outcome, "
        "(extract(epoch FROM outcome_evaluated_at - started_at) / 12)::int, trades_since_adjustment, "
        "performance_after FROM autopilot_logs AS logs "
        "JOIN paper_trading_sessions USING (session_id) JOIN paper_trading_accounts AS accounts USING (account_id) "
        "WHERE outcome <> 'PENDING' ORDER BY 1, 2"
    )
    wanted = sorted(
        (made.session, made.log_ordinal, made.outcome.name, made.block, made.trades, figures_of(made))
        for made in judged
    )
    assert rows == wanted
    assert len(rows) > 3


def test_an_outcome_is_told_as_a_sentence(stored):
    notes = stored("SELECT outcome, outcome_notes FROM autopilot_logs WHERE outcome IN ('POSITIVE', 'NEGATIVE')")
    for outcome, note in notes:
        assert re.fullmatch(
            r"Over \d+ review periods? and \d+ closed trades? the session's return was \d+\.\d\d bp a period "
            + ("below" if outcome == "NEGATIVE" else "above")
            + r" that of its twin without it, with a standard error of \d+\.\d\d bp: it (helped|did harm and is undone)\.",
            note,
        )
    assert notes


def test_a_reversal_names_what_it_undoes_and_follows_on_a_negative_outcome(stored):
    rows = stored(
        "SELECT reversed.outcome, reversed.session_id = logs.session_id, reversed.outcome_evaluated_at = logs.timestamp,"
        " logs.new_value = reversed.old_value FROM autopilot_logs AS logs "
        "LEFT JOIN autopilot_logs AS reversed ON reversed.log_id = logs.reverses_log_id WHERE logs.is_reversal"
    )
    ((negative,),) = stored("SELECT count(*) FROM autopilot_logs WHERE outcome = 'NEGATIVE'")
    assert rows == [("NEGATIVE", True, True, True)] * negative
    assert negative > 0


def test_why_auto_pilot_switched_itself_off_is_kept_with_the_strategy_and_shown(stored):
    rows = stored(
        "SELECT name, autopilot_disabled_reason, (SELECT max(block) FROM autopilot_logs WHERE strategy_config_id = "
        "config_id) FROM paper_strategy_configs WHERE autopilot_disabled_reason <> ''"
    )
    ((name, reason, block),) = rows
    assert name == "strict"
    assert reason == f"Auto Pilot switched itself off at block {block:,}: an adjustment was judged NEGATIVE."


def test_a_session_whose_auto_pilot_is_off_is_not_called_active(stored):
    rows = stored(
        "SELECT block < (SELECT max(block) FROM autopilot_logs AS logs WHERE logs.session_id = snapshots.session_id) "
        "OR strategies.name = 'tuned', autopilot_active FROM autopilot_performance_snapshots AS snapshots "
        "JOIN paper_strategy_configs AS strategies ON config_id = strategy_config_id WHERE strategies.name <> 'plain'"
    )
    assert all(is_on == active for is_on, active in rows)
    assert {True, False} == {active for _, active in rows}


@pytest.fixture
def off(stored):
    """Return key and reason of the session whose Auto Pilot is off."""
    return stored(
        "SELECT session_id::text, config_id::text, autopilot_disabled_reason FROM paper_trading_sessions "
        "JOIN paper_strategy_configs ON config_id = strategy_config_id WHERE autopilot_disabled_reason <> ''"
    )[0]


def test_why_auto_pilot_is_off_is_shown_with_the_session_and_in_the_report(played, paperdex, url, off):
    session, _, reason = off
    status, told, _ = paperdex("show", "session", session, "--database-url", url)
    assert (status, reason in told) == (0, True)
    _, path, _ = paperdex("report", str(played.ids.run_id), "--database-url", url)
    assert reason in Path(path.strip()).read_text()


# What a person sees.


def test_a_person_sees_every_adjustment_of_a_run_with_what_came_of_it(played, paperdex, url):
    status, told, _ = paperdex("autopilot", "show", "latest", "--database-url", url)
    assert status == 0
    assert "tuned: tuned" in told
    assert "strict: strict" in told
    assert "plain" not in told
    made = [adjustment for verdict in played.verdicts for adjustment in verdict.adjustments]
    lines = [line for line in told.splitlines() if re.match(r" *\d+  2026-", line)]
    assert len(lines) == len(made)
    assert sum(adjustment.is_reversal for adjustment in made) == told.count("undoes no.") > 0
    assert "bp" in told


def test_a_person_sees_what_outcomes_taught_by_type_and_market(paperdex, played, url):
    _, told, _ = paperdex("autopilot", "show", "latest", "--database-url", url)
    lines = [line.split() for line in told[told.index("What outcomes taught") :].splitlines()[2:] if line.strip()]
    judged = Counter(judgement.type for verdict in played.verdicts for judgement in verdict.judgements)
    assert sum(sum(map(int, line[-4:])) for line in lines) == judged.total()
    assert {line[0] for line in lines} == set(judged)


def test_a_session_and_its_strategy_have_the_same_story(paperdex, url, off):
    session, strategy, reason = off
    stories = {paperdex("autopilot", "show", key, "--database-url", url)[1] for key in (session, strategy)}
    (story,) = stories
    assert reason in " ".join(story.split())
    assert "tuned" not in story


def test_a_session_that_auto_pilot_may_not_adjust_has_none(paperdex, played, url):
    told = paperdex("autopilot", "show", played.contexts[1].session_key, "--database-url", url)[1]
    assert told == "Auto Pilot is off for every session of it.\n"


@pytest.mark.usefixtures("played")
def test_an_unknown_key_is_refused_in_a_sentence(paperdex, url):
    status, _, complaint = paperdex("autopilot", "show", "00000000-0000-8008-8000-000000000000", "--database-url", url)
    assert status == 2
    assert complaint.strip().endswith(".")


def test_the_report_draws_each_adjusted_session_beside_its_twins(played, store):
    report = collect(store, played.ids.run_id)
    drawn = autopilot_chart(most_adjusted(report.piloted))["data"]
    assert [session.account for session in report.piloted] == ["tuned", "strict"]
    for session, (equity, twin, marks) in zip(report.piloted, batched_by_three(drawn), strict=True):
        assert len(equity["x"]) == 40
        assert any(value is not None for value in twin["y"])
        assert len(marks["x"]) == len(session.adjustments)


def batched_by_three(traces):
    return [tuple(traces[at : at + 3]) for at in range(0, len(traces), 3)]


# The chain.


@pytest.mark.usefixtures("played")
def test_the_chain_of_a_whole_run_holds(store):
    assert store.check() == []


def broken(store):
    return [finding for finding in store.check() if finding.table == "autopilot_logs"]


ALTERED = [
    ("new_value = new_value + 1", "row_hash"),
    ("old_value = old_value + 0.000001", "row_hash"),
    ("reason = reason || ' '", "row_hash"),
    ("trigger_value = trigger_value + 1e-12", "row_hash"),
    ("performance_before = jsonb_set(performance_before, '{trades}', '7')", "row_hash"),
    ("block = block + 1", "row_hash"),
    ("timestamp = timestamp + interval '1 us'", "row_hash"),
    ("regime = 11 - regime", "row_hash"),
    ("row_hash = repeat('a', 64)", "row_hash"),
    ("outcome_notes = 'It went well.'", "outcome_hash"),
    ("outcome = CASE outcome WHEN 'NEUTRAL' THEN 'POSITIVE' ELSE 'NEUTRAL' END", "outcome_hash"),
    ("trades_since_adjustment = trades_since_adjustment + 1", "outcome_hash"),
    ("outcome = 'PENDING', outcome_hash = NULL", "outcome"),
    (
        (
            "outcome = 'PENDING', outcome_hash = NULL, outcome_evaluated_at = NULL, outcome_notes = '', "
            "trades_since_adjustment = 0"
        ),
        "outcome",
    ),
    ("outcome_hash = repeat('a', 64)", "outcome_hash"),
]


@pytest.mark.parametrize(("change", "column"), ALTERED)
def test_a_value_altered_by_hand_is_found_where_it_stands(played, store, sql, change, column):
    ((log_id, session_id, ordinal),) = sql(
        "SELECT log_id::text, session_id::text, ordinal FROM autopilot_logs "
        "WHERE outcome <> 'PENDING' AND ordinal > 0 ORDER BY session_id, ordinal LIMIT 1"
    )
    sql(f"UPDATE autopilot_logs SET {change} WHERE log_id = %s", log_id)
    found = broken(store)
    assert [(finding.column, finding.row) for finding in found] == [
        (column, f"{log_id} (adjustment {ordinal} of session {session_id})")
    ]
    assert found[0].account == played.plan.scenario.accounts[0].name


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize("place", [0, 1])
def test_a_row_that_is_gone_is_found_by_the_one_after_it(store, sql, place):
    session, later = delete(sql, place)
    ((log_id,),) = sql("SELECT log_id::text FROM autopilot_logs WHERE session_id = %s AND ordinal = %s", session, later)
    (found,) = broken(store)
    assert (found.column, found.row) == ("ordinal", f"{log_id} (adjustment {later} of session {session})")
    assert (found.stored, found.expected) == (str(place + 1), str(place))


@pytest.mark.usefixtures("played")
def test_a_last_row_that_is_gone_is_found_by_the_number_of_adjustments(store, sql):
    ((last,),) = sql("SELECT max(ordinal) FROM autopilot_logs WHERE session_id = (SELECT min(session_id::text)::uuid "
                     "FROM autopilot_logs)")  # fmt: skip
    session, _ = delete(sql, last)
    (found,) = broken(store)
    assert found.row == f"the last of session {session}"
    assert (found.stored, found.expected) == (f"{last} rows", str(last + 1))


def delete(sql, place):
    """Delete a row of the first session by hand, with what refers to it; return the session and the next ordinal."""
    ((session,),) = sql("SELECT min(session_id::text) FROM autopilot_logs")
    gone = "(SELECT log_id FROM autopilot_logs WHERE session_id = %s AND ordinal = %s)"
    sql(
        f"UPDATE autopilot_performance_snapshots SET last_adjustment_log_id = NULL WHERE last_adjustment_log_id IN {gone}",
        session,
        place,
    )
    sql(f"DELETE FROM autopilot_logs WHERE log_id IN {gone}", session, place)
    return session, place + 1


@pytest.mark.usefixtures("played")
def test_a_row_that_is_hashed_anew_breaks_the_one_after_it(store, sql):
    ((session,),) = sql("SELECT min(session_id::text) FROM autopilot_logs")
    sql("UPDATE autopilot_logs SET reason = 'Other.' WHERE session_id = %s AND ordinal = 0", session)
    (first,) = broken(store)
    sql("UPDATE autopilot_logs SET row_hash = %s WHERE session_id = %s AND ordinal = 0", first.expected, session)
    columns = {(finding.column, finding.row.split("(")[1].split(" of")[0]) for finding in broken(store)}
    assert columns <= {("row_hash", "adjustment 1"), ("outcome_hash", "adjustment 0")}
    assert columns


HASHES = (
    "SELECT substr(log_id::text, 14), row_hash, outcome_hash FROM autopilot_logs "
    "WHERE log_id BETWEEN %s::uuid AND %s::uuid ORDER BY 1"
)


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize(("cut", "together"), [(77, 1), (300, 7), (300, 100)])
def test_a_run_that_is_cut_and_committed_otherwise_has_the_same_chain(store, sql, cut, together):
    again = Piloted(plan_of(scenario(segment_blocks=cut), None), store, SECOND, cohorts=((2, 0), (1,)))
    again.go(together)
    one, other = (sql(HASHES, *map(str, key_range(prefix))) for prefix in (FIRST, SECOND))
    assert one == other
    assert len(one) > 5
    assert store.check() == []
    assert len({digest for (digest,) in sql("SELECT digest FROM runs")}) == 1


@pytest.mark.usefixtures("played")
def test_a_run_whose_sessions_get_new_owners_on_the_way_has_the_same_chain_and_digest(store, sql):
    Piloted(plan_of(scenario(), None), store, SECOND, cohorts=((2,), (0, 1))).go(together=3, claimed_after=2)
    one, other = (sql(HASHES, *map(str, key_range(prefix))) for prefix in (FIRST, SECOND))
    assert one == other
    assert len({digest for (digest,) in sql("SELECT digest FROM runs")}) == 1
    assert store.check() == []


@pytest.mark.usefixtures("played")
def test_a_segment_that_is_sent_twice_is_logged_and_judged_once(store, sql):
    before = sql("SELECT * FROM autopilot_logs ORDER BY log_id")
    again = Piloted(plan_of(scenario(), None), Twice(store), SECOND)
    again.go()
    assert len(sql("SELECT 1 FROM autopilot_logs")) == 2 * len(before)
    assert sql(HASHES, *map(str, key_range(SECOND))) == sql(HASHES, *map(str, key_range(FIRST)))


class Twice:
    """A store whose acknowledgements are lost, so that everything is committed twice."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit(self, batches):
        self._store.commit(batches)
        assert self._store.commit(batches) == 0


@pytest.mark.usefixtures("played")
def test_migrated_rows_have_the_hashes_that_commits_gave_them(store, sql):
    """Rows of an earlier run: without regimes, which that schema did not have."""
    sql("UPDATE autopilot_logs SET regime = NULL")
    store.downgrade("0013")
    store.upgrade()
    assert broken(store) == []


# Parameters.


def test_parameters_at_every_mark_are_rebuilt_from_the_stored_log_alone(played, stored):
    rebuilt = 0
    for context in played.contexts:
        log = stored(
            "SELECT block, parameter_name, old_value, new_value FROM autopilot_logs WHERE session_id = %s ORDER BY ordinal",
            context.session_key,
        )
        snapshots = stored(
            "SELECT block, current_parameters FROM autopilot_performance_snapshots WHERE session_id = %s ORDER BY ordinal",
            context.session_key,
        )
        values = {name: snapshots[0][1][name] for name in PARAMETERS}
        for block, parameters in snapshots:
            while log and log[0][0] <= block:
                _, name, old, new = log.pop(0)
                place = NAMES.index(name)
                assert values[PARAMETERS[place]] == old * DIVISORS[place]
                values[PARAMETERS[place]] = int(new * DIVISORS[place])
                rebuilt += 1
            assert {name: parameters[name] for name in PARAMETERS} == values
        assert log == [] or log[0][0] > snapshots[-1][0]
    assert rebuilt > 5


# The twin.


def test_a_snapshot_has_the_equity_of_the_twin_as_long_as_there_is_one(stored):
    rows = stored(
        "SELECT twin_equity_usd IS NOT NULL, EXISTS (SELECT 1 FROM autopilot_logs AS logs WHERE logs.session_id = "
        "snapshots.session_id AND NOT is_reversal AND logs.block <= snapshots.block AND (outcome_evaluated_at IS NULL "
        "OR outcome_evaluated_at >= snapshots.timestamp)) FROM autopilot_performance_snapshots AS snapshots"
    )
    assert all(stored_one == judged for stored_one, judged in rows)
    assert {True, False} == {stored_one for stored_one, _ in rows}
