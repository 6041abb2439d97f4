"""Cheap trials, one after another by Ray Tune and by Optuna, beside a worker of a sweep.

The account of ``sweeps.py`` trades one token, seldom, for some thousand blocks; three of its settings vary at random.
A trial of Tune or Optuna makes one session of its settings and steps it through the same segment with the same kernel,
so what is measured is what each adds. Tune is given a few hundred trials, because ten thousand would take an hour.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from beside.measuring import Line, alternated
from sweeps import SWEEP, WETH

from actors.market import Market
from actors.trials import Task, TrialWorker
from cluster.connect import quiet_ray
from cluster.sweeping.plan import sweep_of, sweep_plan
from simulation.market.segment import terms_of
from simulation.scenario import Scenario
from simulation.sweeping.columns import columns_of
from simulation.sweeping.samplers import sampler_of
from simulation.trials import Setter, advance
from storage.ids import Kind, derive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cluster.sweeping.plan import SweepPlan
    from simulation.market.segment import Segment, Terms
    from simulation.trading.rules import Rules

BLOCKS = 5_000
TRIALS, COHORT = 10_000, 2_500
TUNE_TRIALS = 200
ONE_BY_ONE = 500
"""Trials that are asked alone, without anybody's search around them."""
REPEATS = 2
OBJECT_STORE_BYTES = 128 * 1024 * 1024
BUDGET = "≥ 50"
STOP, TARGET, CONFIDENCE = SWEEP["vary"]  # type: ignore[misc]


class Trial(NamedTuple):
    """What a trial needs of its market."""

    setter: Setter
    segment: Segment
    terms: Terms
    rules: Rules

    def equity(self, points: Sequence[Mapping[str, Any]]) -> Any:
        """Return the final equities of these settings, micro-USD."""
        cohort, _ = self.setter.cohort(columns_of(points))
        after, *_ = advance(cohort, [self.segment], self.terms, self.rules)
        return after.sessions["equity_micro_usd"]


def plan_of() -> SweepPlan:
    """Return the plan of the sweep."""
    account = {"name": "searched", "strategy": {"trading_mode": "CUSTOM", "max_daily_trades": 4}}
    market = {"source": "synthetic", "tokens": [WETH]}
    fields = {"seed": 7, "blocks": BLOCKS, "segment_blocks": BLOCKS, "market": market, "accounts": [account]}
    return sweep_plan(sweep_of({**SWEEP, "trials": TRIALS}, "the sweep"), Scenario.model_validate(fields))


def rounded(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with two decimals, as a scenario takes them."""
    return {path: round(value, 2) for path, value in point.items()}


def tune(trial: Trial) -> list[tuple[dict[str, Any], int]]:
    """Return settings and results of Ray Tune's trials, from the first to the last, Ray being up."""
    from ray import tune as ray_tune  # noqa: PLC0415 -- reads the environment that quiet_ray has set

    def objective(config: dict[str, Any], trial: Trial) -> dict[str, Any]:
        return {"equity": int(trial.equity([rounded(config)])[0])}

    folder = tempfile.mkdtemp(prefix="pdx", dir="/tmp")
    tuner = ray_tune.Tuner(
        ray_tune.with_parameters(objective, trial=trial),
        param_space={
            STOP: ray_tune.uniform(1, 10),
            TARGET: ray_tune.uniform(1, 20),
            CONFIDENCE: ray_tune.randint(60, 81),
        },
        tune_config=ray_tune.TuneConfig(num_samples=TUNE_TRIALS, metric="equity", mode="max", reuse_actors=True),
        run_config=ray_tune.RunConfig(storage_path=folder, verbose=0),
    )
    try:
        results = tuner.fit()
        return [(rounded(one.config), one.metrics["equity"]) for one in results]
    finally:
        shutil.rmtree(folder)


def optuna(trial: Trial) -> list[tuple[dict[str, Any], int]]:
    """Return settings and results of Optuna's random sampler in this process."""
    import optuna as theirs  # noqa: PLC0415 -- seconds that Tune's workers need not wait

    def objective(one: Any) -> float:
        point = {
            STOP: one.suggest_float(STOP, 1, 10),
            TARGET: one.suggest_float(TARGET, 1, 20),
            CONFIDENCE: one.suggest_int(CONFIDENCE, 60, 80),
        }
        return float(trial.equity([rounded(point)])[0])

    theirs.logging.set_verbosity(theirs.logging.ERROR)
    study = theirs.create_study(direction="maximize", sampler=theirs.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=TRIALS)
    return [(rounded(one.params), int(one.value)) for one in study.trials]


def check(trial: Trial, told: list[tuple[dict[str, Any], int]]) -> None:
    """Assert that trials one by one came to what they come to as a cohort."""
    equities = trial.equity([point for point, _ in told])
    assert (equities == np.array([equity for _, equity in told])).all()


def lines() -> list[Line]:
    """Measure, check, and return what belongs into the table."""
    quiet_ray()
    import ray  # noqa: PLC0415 -- as above

    plan = plan_of()
    (market,) = plan.markets
    made = Market(market.scenario)
    _, segment, _ = made.segment(made.begin(), BLOCKS)
    setter = Setter(market.scenario.accounts[0], market.tokens, market.rules)
    trial = Trial(setter, segment, terms_of(market.tokens), market.rules)
    worker = TrialWorker(plan.sweep, plan.terms(), derive(0, Kind.SWEEP, 0, 0), 0, 1, 0)
    points = sampler_of(plan.sweep).ask(range(ONE_BY_ONE))
    check(trial, [(point, int(trial.equity([point])[0])) for point in points])  # compiles, too
    bare = ONE_BY_ONE / alternated(REPEATS, lambda: [trial.equity([point]) for point in points])[0]

    def work() -> None:
        for first in range(0, TRIALS, COHORT):
            worker.trade(Task(0, first, COHORT), None, segment)

    kept: list[list[tuple[dict[str, Any], int]]] = []
    one_by_one = alternated(1, lambda: kept.append(optuna(trial)))[0]
    ray.init("local", num_cpus=2, object_store_memory=OBJECT_STORE_BYTES, include_dashboard=False,
             log_to_driver=False, logging_level="ERROR", _node_ip_address="127.0.0.1")  # fmt: skip
    try:
        tuned = alternated(1, lambda: kept.append(tune(trial)))[0]
    finally:
        ray.shutdown()
    for told in kept:
        check(trial, told)
    ours = TRIALS / alternated(REPEATS, work)[0]
    print(f"trials of {BLOCKS:,} blocks: {TRIALS:,} of ours and of Optuna's, {TUNE_TRIALS} of Tune's; each came to the")
    print(f"same equity, to the micro-USD, alone and in a cohort; alone and without a search: {bare:,.0f} trials/s")
    return [
        Line("cheap trials, Ray Tune", "trials/s", ours, TUNE_TRIALS / tuned, BUDGET),
        Line("cheap trials, Optuna, random, one process", "trials/s", ours, TRIALS / one_by_one, "none"),
    ]
