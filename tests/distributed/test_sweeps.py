"""Sweeps on a real cluster and a real Postgres: one table of trials, whoever trades them, however often interrupted."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest
import small_sweeps
from busy import busy_scenario
from command import Command
from questions import questions
from ray.exceptions import ObjectLostError
from small_sweeps import Interruption, Watcher, halving_plan, plan
from watcher import Watcher as QuietView

from actors.market import Market
from cluster.errors import Stopped
from cluster.runs import Place, prepare
from cluster.runs import execute as run
from cluster.sweeping import conductor
from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.replaying import differences, scenario_of
from cluster.sweeping.runs import execute, plan_again
from simulation import cohort as cohorts
from simulation.market.segment import terms_of
from simulation.trials import with_settings
from storage.store import Store
from storage.sweep_records import TrialDetail


@pytest.fixture
def search(url, ray_address, monkeypatch):
    """Return a function that runs a sweep to its end."""

    def search(a_plan=None, workers=1, watcher=None, interrupted=None, cohort=None):
        if cohort is not None:
            monkeypatch.setattr(conductor, "FIRST_COHORT", cohort)
            monkeypatch.setattr(conductor, "MOST_IN_COHORT", cohort)
        return execute(a_plan or plan(), Place(url, ray_address), workers, watcher or Watcher(), interrupted)

    return search


@pytest.fixture(scope="session")
def halved(server, execute, template, ray_address):
    """Run the sweep with a rung once, undisturbed."""
    from cluster.sweeping.runs import execute as execute_sweep

    execute(f"CREATE DATABASE undisturbed_halving TEMPLATE {template}")
    place, watcher = Place(server.url("undisturbed_halving"), ray_address), Watcher()
    return execute_sweep(halving_plan(), place, 1, watcher), server.url("undisturbed_halving"), watcher.progress[-1]


@pytest.fixture(scope="session")
def tuned(server, execute, template, ray_address):
    """Run a sweep of an account that Auto Pilot tunes, with a rung."""
    from cluster.sweeping.runs import execute as execute_sweep

    execute(f"CREATE DATABASE tuned_sweep TEMPLATE {template}")
    vary = {"strategy.take_profit_percent": {"grid": [0.3, 1]}, "strategy.stop_loss_percent": {"grid": [0.3, 3]}}
    document = {
        "name": "tuned", "scenario": {"made": "below"}, "vary": vary, "sampler": {"kind": "grid"},
        "markets": {"seeds": [9, 10]}, "rungs": [{"at_percent": 50}],
    }  # fmt: skip
    base = busy_scenario(blocks=2_400, accounts=busy_scenario().accounts[:1])
    place = Place(server.url("tuned_sweep"), ray_address)
    return execute_sweep(sweep_plan(sweep_of(document, "the sweep"), base), place, 1, Watcher()), server.url(
        "tuned_sweep"
    )


@pytest.mark.parametrize(
    ("workers", "cohort"), [pytest.param(4, 16, marks=pytest.mark.slow), pytest.param(2, 5, marks=pytest.mark.slow)]
)
def test_results_depend_on_neither_workers_nor_cohorts(search, whole, workers, cohort):
    summary = search(workers=workers, cohort=cohort)
    assert summary.digest == whole[0].digest
    assert summary.ranking == whole[0].ranking


def test_a_setting_that_cannot_be_is_a_row_with_its_error_and_stops_no_other(whole):
    summary, _ = whole
    allowed = 6 * 4 * 2  # stop loss up to take profit, intervals, lanes
    assert (summary.ranking.points, summary.ranking.failed) == (allowed // 2, allowed // 2)
    assert (summary.n_points, summary.n_markets) == (72, 2)


def test_a_trial_is_to_the_bit_what_a_run_of_its_account_is(whole):
    market = plan().markets[1]
    with questions(whole[1]) as sql:
        ((settings, equity, trades, mean),) = sql(
            "SELECT settings, equity_usd, total_trades, return_mean FROM trials"
            " WHERE market = 1 AND status = 'COMPLETED' ORDER BY total_trades DESC, point LIMIT 1"
        )
    made = Market(market.scenario)
    alone = cohorts.begin([with_settings(market.scenario.accounts[0], settings)], [0], made.tokens, market.rules)
    carried = made.begin()
    for length in (100, 200, 300):
        _, segment, carried = made.segment(carried, length)
        alone, _ = cohorts.advance(alone, segment, terms_of(made.tokens), market.rules)
    session = alone.sessions[0]
    assert (int(equity * 10**6), trades) == (
        int(session["equity_micro_usd"]), int(session["completed_trades"] + session["failed_trades"])
    )  # fmt: skip
    assert mean == pytest.approx(float(session["return_mean"]), abs=1e-15)
    assert trades > 0


@pytest.mark.parametrize(
    ("sweep", "status"),
    [
        pytest.param("whole", "COMPLETED", marks=pytest.mark.slow),  # one that was tuned has all that it has, and more
        ("halved", "PRUNED"),
        ("tuned", "COMPLETED"),
    ],
)
def test_a_trial_that_is_run_again_comes_to_the_same_in_every_column(sweep, status, request, ray_address):
    url = request.getfixturevalue(sweep)[1]
    store = Store(url)
    with questions(url) as sql:
        ((key,),) = sql(
            f"SELECT trial_id::text FROM trials WHERE market = 1 AND status = '{status}'"
            " ORDER BY total_trades DESC, point LIMIT 1"
        )
    trial, told = store.trial(key), []
    again = prepare(scenario_of(trial))
    run(again, Place(url, ray_address), QuietView(), lambda result, _: told.append(result))
    assert told[0].trades > 0
    assert bool(store.autopilot_history(told[0].run_id)) == (sweep == "tuned")
    assert differences(store, trial, told[0].run_id, again) == []
    other = TrialDetail(trial.scenario, {**trial.row, "failed_trades": -1})
    assert differences(store, other, told[0].run_id, again)[0].startswith("failed_trades: the trial has -1, its run ")
    store.close()


def test_a_trial_that_has_not_traded_is_not_run_again(whole, paperdex):
    with questions(whole[1]) as sql:
        ((key,),) = sql("SELECT trial_id::text FROM trials WHERE status = 'ERROR' ORDER BY point LIMIT 1")
    status, stdout, stderr = paperdex("replay", key, "--database-url", whole[1])
    assert (status, stdout) == (2, "")
    assert stderr.startswith(f"Trial {key} has not traded, so there is nothing to replay: ")
    assert stderr.count("\n") == 1


@pytest.mark.slow  # below, two workers have one digest with an interruption between them
def test_a_worker_that_is_killed_is_replaced_and_its_cohort_traded_again(search, whole):
    watcher = Watcher(8, kill_a_worker)
    summary = search(workers=2, cohort=4, watcher=watcher)
    assert summary.digest == whole[0].digest
    assert watcher.progress[-1].restarts == 1


def kill_a_worker():
    """Kill the youngest worker of this test's cluster."""
    alive = [child for child in psutil.Process().children(recursive=True) if "ray::TrialWorker" in child.name()]
    os.kill(max(alive, key=psutil.Process.create_time).pid, signal.SIGKILL)


@pytest.mark.slow  # one that is stopped goes on below
def test_a_sweep_that_was_interrupted_goes_on_and_repeats_nothing(search, store, sql, whole):
    def interrupt():
        raise Interruption

    with pytest.raises(Interruption):
        search(cohort=6, watcher=Watcher(20, interrupt))
    sweep_id = store.resolve_sweep("latest")
    assert store.sweep(sweep_id).status == "ERROR"
    before = sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id")
    assert before
    summary = search(plan_again(store, sweep_id), workers=2, cohort=7, interrupted=sweep_id)
    assert (summary.sweep_id, summary.digest) == (sweep_id, whole[0].digest)
    assert summary.ranking == whole[0].ranking
    after = sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id")
    assert set(before) < set(after)
    assert sql("SELECT count(*) = count(DISTINCT (point, market)) FROM trials") == [(True,)]


class Operator(Watcher):
    """Pauses a sweep after a few trials, has it go on once it stands still, and stops it a little further on."""

    def __init__(self, store):
        super().__init__()
        self._store, self._orders = store, {4: "PAUSE", 24: "STOP"}
        self.stood_at, self.committed = [], []

    def _trials(self):
        return self._store.covered(self._store.resolve_sweep("latest")).trials

    def show(self, progress):
        super().show(progress)
        for trials in [trials for trials in self._orders if progress.trials >= trials]:
            self._store.command("latest-sweep", self._orders.pop(trials))

    def say(self, text):
        if text.startswith("Paused between cohorts; `paperdex resume "):
            self.committed.append((self._trials(), self.progress[-1].trials, self.progress[-1].is_paused))
            self._store.command("latest-sweep", "RESUME")


def test_a_sweep_that_is_paused_and_resumed_then_stopped_and_taken_up_is_the_undisturbed_one(search, store, sql, whole):
    watcher = Operator(store)
    with pytest.raises(Stopped, match=r"is stopped and keeps what it has; `paperdex sweep --resume \S+` goes on\.$"):
        search(workers=2, cohort=4, watcher=watcher)
    ((committed, counted, is_paused),) = watcher.committed
    assert (committed, is_paused) == (counted, True)
    sweep_id = store.resolve_sweep("latest")
    sweep = store.sweep(sweep_id)
    assert (sweep.status, sweep.error_message) == ("STOPPED", "Stopped by the user.")
    assert committed < store.covered(sweep_id).trials == watcher.progress[-1].trials < whole[0].n_points
    before = sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id")
    summary = search(plan_again(store, sweep_id), interrupted=sweep_id)
    assert (summary.digest, summary.ranking) == (whole[0].digest, whole[0].ranking)
    assert set(before) < set(sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id"))
    assert [(one.kind, one.status) for one in store.commands_of(sweep_id)] == [
        (kind, "ACCEPTED") for kind in ("PAUSE", "RESUME", "STOP", "RESUME")
    ]


@pytest.mark.slow  # one whose cohorts are committed each by itself is above
@pytest.mark.parametrize("kind", ["halved", "learning"])
def test_of_a_sweep_that_is_stopped_within_a_bracket_or_a_batch_that_is_begun_again(search, store, halved, kind):
    sampler = {"kind": "optuna:tpe", "seed": 3, "batch": 8}
    vary = {"strategy.stop_loss_percent": {"uniform": [0.3, 5]}, "strategy.take_profit_percent": {"uniform": [0.3, 5]}}
    learning = plan(vary=vary, sampler=sampler, trials=32, markets={"seeds": [9]}, constraints=[])
    mine, digest = (halving_plan(), halved[0].digest) if kind == "halved" else (learning, search(learning).digest)
    with pytest.raises(Stopped):
        search(mine, workers=2, cohort=3, watcher=Operator(store))
    sweep_id = store.resolve_sweep("latest")
    assert store.covered(sweep_id).trials < mine.sweep.n_points * len(mine.markets)
    assert search(plan_again(store, sweep_id), interrupted=sweep_id).digest == digest


@pytest.mark.slow  # what a process makes of signals is in tests/unit/test_commanded_runs.py
def test_a_sweep_whose_process_is_asked_to_end_stops_between_cohorts_and_asked_twice_at_once(
    url, ray_address, store, tmp_path
):
    file = tmp_path / "sweep.yaml"
    file.write_text(json.dumps(small_sweeps.file(blocks=6_000)))

    def command(*what):
        where = ["--database-url", url, "--ray-address", ray_address, "--workers", "1"]
        return Command([*what, *where], what="sweep")

    def asked(command, *signals):
        next(line for line in command.lines() if line.startswith("trial "))
        command.pause()
        for number in signals:
            command.signal(number)
        return command.wake()

    status, said = asked(command(file), signal.SIGINT)
    sweep_id = store.resolve_sweep("latest")
    assert status == 130
    assert said == f"Sweep {sweep_id} is stopped and keeps what it has; `paperdex sweep --resume {sweep_id}` goes on."
    assert store.sweep(sweep_id).status == "STOPPED"
    before = store.covered(sweep_id).trials
    assert asked(command("--resume", "latest"), signal.SIGTERM, signal.SIGINT) == (
        130, "Stopped; what was committed is kept."
    )  # fmt: skip
    assert before <= store.covered(sweep_id).trials < 96
    again = command("--resume", "latest").summary()
    whole = command(file).summary()
    assert (again["sweep_id"], again["digest"]) == (str(sweep_id), whole["digest"])


def test_of_a_halved_sweep_those_that_ran_to_the_end_are_ranked_and_all_are_counted(halved):
    summary, url, progress = halved
    ranking = summary.ranking
    assert (ranking.points, ranking.pruned, ranking.failed) == (24, 12, 24)
    assert ranking.verdict.n_trials == 48
    with questions(url) as sql:
        ended = sql("SELECT status, blocks, count(*) FROM trials GROUP BY status, blocks ORDER BY status")
        finished = {point for (point,) in sql("SELECT point FROM trials WHERE status = 'COMPLETED'")}
        ((blocks,),) = sql("SELECT sum(blocks) FROM trials")
    assert ended == [("COMPLETED", 1_200, 24), ("ERROR", 0, 48), ("PRUNED", 600, 24)]
    assert {one.point for one in ranking.ranked} == finished
    assert (progress.trials, progress.pruned, progress.session_blocks) == (96, 24, blocks)


def test_a_halved_sweep_that_was_interrupted_and_loses_a_worker_ends_with_the_same_table(search, store, sql, halved):
    def interrupt():
        raise Interruption

    with pytest.raises(Interruption):
        search(halving_plan(), cohort=6, watcher=Watcher(50, interrupt))
    sweep_id = store.resolve_sweep("latest")
    before = sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id")
    assert 0 < len(before) < 3 * 2 * 4  # three brackets on two markets in four cohorts
    watcher = Watcher(0, kill_a_worker)
    again = search(plan_again(store, sweep_id), workers=2, cohort=5, interrupted=sweep_id, watcher=watcher)
    assert (again.digest, again.ranking) == (halved[0].digest, halved[0].ranking)
    assert watcher.progress[-1].restarts == 1
    assert set(before) < set(sql("SELECT cohort_id, recorded_at FROM sweep_cohorts ORDER BY cohort_id"))


@pytest.mark.parametrize(
    ("workers", "cohort"), [pytest.param(4, 3, marks=pytest.mark.slow), pytest.param(2, 24, marks=pytest.mark.slow)]
)
def test_who_goes_on_depends_on_neither_workers_nor_cohorts(search, halved, workers, cohort):
    summary = search(halving_plan(), workers=workers, cohort=cohort)
    assert (summary.digest, summary.ranking) == (halved[0].digest, halved[0].ranking)


@pytest.mark.slow  # cohorts by themselves are tested in the unit tests of halving
def test_what_a_dead_node_took_with_it_is_traded_again(search, halved, monkeypatch):
    asked, result_of = [], conductor.result_of

    # The first two are the two markets up to the rung, of which it is a cohort behind it.
    def lose_the_third(reference, tell):
        asked.append(reference)
        if len(asked) == 3:
            raise ObjectLostError(reference.hex(), "", "")
        return result_of(reference, tell)

    monkeypatch.setattr(conductor, "result_of", lose_the_third)
    watcher = Watcher()
    summary = search(halving_plan(), cohort=24, watcher=watcher)
    last = watcher.progress[-1]
    assert (summary.digest, summary.ranking) == (halved[0].digest, halved[0].ranking)
    assert (last.trials, last.pruned, last.restarts) == (96, 24, 1)
    assert last.session_blocks > halved[2].session_blocks


@pytest.mark.slow  # three sweeps
@pytest.mark.parametrize(("blocks", "rungs"), [(600, []), (1_200, [{"at_percent": 50}])])
def test_a_sampler_that_learns_arrives_at_the_same_points_for_any_workers_and_when_taken_up(
    search, store, blocks, rungs
):
    vary = {"strategy.stop_loss_percent": {"uniform": [0.3, 5]}, "strategy.take_profit_percent": {"uniform": [0.3, 5]}}
    sampler = {"kind": "optuna:tpe", "seed": 3, "batch": 8}
    learning = plan(blocks, vary=vary, sampler=sampler, trials=24, markets={"seeds": [9]}, rungs=rungs)
    whole = search(learning, workers=2)

    def interrupt():
        raise Interruption

    with pytest.raises(Interruption):
        search(learning, watcher=Watcher(12, interrupt), cohort=4)
    sweep_id = store.resolve_sweep("latest")
    again = search(plan_again(store, sweep_id), interrupted=sweep_id)
    assert again.digest == whole.digest
