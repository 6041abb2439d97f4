"""A sweep file: what it means, and the one sentence that each mistake in it gets."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from repository import ROOT

from cluster.errors import UsageError
from cluster.scenarios import sentence_of
from cluster.sweeping.plan import load_sweep
from simulation.settings.market import Regime
from simulation.sweeping.settings import Direction, Figure, Markets, Sweep

STOP, TARGET = "strategy.stop_loss_percent", "strategy.take_profit_percent"


def sweep(**fields):
    """Return a small random sweep, with other fields."""
    given = {"scenario": "base.yaml", "vary": {STOP: {"uniform": [1, 20]}}, "trials": 100}
    return Sweep.model_validate({**given, **fields})


def refusal(**fields):
    with pytest.raises(ValidationError) as refused:
        sweep(**fields)
    return sentence_of(refused.value, "sweep-schema")


def test_a_sweep_is_by_default_a_random_one_for_the_highest_sharpe_ratio():
    plain = sweep()
    assert plain.sampler.kind == "random"
    assert [(o.figure, o.direction) for o in plain.objectives] == [(Figure.SHARPE_RATIO, Direction.MAXIMIZE)]
    assert (plain.n_points, plain.markets.size) == (100, 1)


def test_a_grid_has_the_product_of_its_values():
    grid = sweep(
        vary={
            STOP: {"grid": [1, 2, 3]},
            TARGET: {"uniform": [10, 20], "step": 2.5},
            "strategy.max_hold_hours": {"integer": [1, 9], "step": 2},
        },
        sampler={"kind": "grid"},
        trials=None,
    )
    assert grid.n_points == 3 * 5 * 5


def test_numbers_have_the_decimals_of_their_field():
    space = sweep(
        vary={
            STOP: {"uniform": [1, 20]},
            "strategy.learning_rate": {"log_uniform": [0.001, 1]},
            "trading.execution_delay_ms": {"uniform": [0, 1000]},
            "strategy.max_trade_size_usd": {"uniform": [10, 20]},
            "strategy.custom_parameters.threshold": {"uniform": [0, 1]},
        }
    ).space
    assert [dimension.places for dimension in space.dimensions] == [2, 4, 0, 6, None]
    assert isinstance(space.dimensions[2].at(np.array([0.5])).values[0], int)


def test_every_point_is_one_that_a_scenario_takes():
    step = sweep(vary={STOP: {"uniform": [0.1, 0.7], "step": 0.1}}).space.dimensions[0]
    assert list(step.values) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_step_may_be_the_range_and_the_last_decimal_of_the_field():
    dimensions = sweep(
        vary={
            STOP: {"uniform": [0.7, 0.8], "step": 0.1},
            TARGET: {"uniform": [1, 1.05], "step": 0.01},
            "strategy.max_daily_trades": {"integer": [5, 50], "step": 45},
        }
    ).space.dimensions
    assert [list(dimension.values) for dimension in dimensions] == [
        [0.7, 0.8],
        [1, 1.01, 1.02, 1.03, 1.04, 1.05],
        [5, 50],
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"bracket": 64}, "bracket is what is compared at rungs, and there are none; give rungs, or leave it out."),
        ({"bracket": 4_096}, "bracket is what is compared at rungs, and there are none; give rungs, or leave it out."),
        (
            {"bracket": 64, "rungs": [{"at_percent": 50}], "sampler": {"kind": "optuna:tpe"}, "trials": 9},
            "bracket is the batch of sampler optuna:tpe; give sampler.batch instead.",
        ),
        ({"sampler": {"kind": "grid", "seed": 1}}, "sampler.seed goes with the other samplers; leave it out, as a grid draws nothing."),
        (
            {"sampler": {"kind": "grid", "batch": 8}},
            "sampler.batch goes with a sampler of Optuna; leave it out, as grid learns from no results.",
        ),
        (
            {"sampler": {"kind": "sobol", "batch": 8}, "trials": 9},
            "sampler.batch goes with a sampler of Optuna; leave it out, as sobol learns from no results.",
        ),
    ],
)  # fmt: skip
def test_a_field_that_nothing_depends_on_is_refused_where_a_file_has_it(tmp_path, fields, sentence):
    document = {"scenario": "base.yaml", "vary": {STOP: {"grid": [1, 2]}}, "sampler": {"kind": "grid"}, **fields}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(UsageError) as raised:
        load_sweep(tmp_path / "sweep.yaml")
    assert str(raised.value) == f"{tmp_path / 'sweep.yaml'}: {sentence}"
    assert Sweep.model_validate(document), "one that is stored says all of its fields"


@pytest.mark.parametrize("name", ["sweep.yaml", "lookback.yaml"])
def test_every_field_of_an_example_counts(name):
    assert load_sweep(ROOT / "examples" / name)


def test_markets_are_each_seed_with_each_regime_and_recording():
    markets = Markets.model_validate(
        {"seeds": [7, 8], "regimes": ["bull", "bear"], "recordings": [{"path": "weth.csv"}]}
    )
    chosen = [markets.choice(number) for number in range(markets.size)]
    assert [choice.seed for choice in chosen] == [7, 7, 7, 8, 8, 8]
    assert [choice.regime for choice in chosen] == [Regime.BULL, Regime.BEAR, None] * 2
    assert [choice.recording is not None for choice in chosen] == [False, False, True] * 2


def test_without_markets_the_scenario_has_its_own():
    assert Markets().size == 1
    assert Markets().choice(0).model_dump(exclude_none=True) == {}


def test_a_sweep_has_a_json_schema_and_survives_json():
    assert "vary" in Sweep.model_json_schema()["properties"]
    there = sweep(markets={"seeds": [1, 2]}, constraints=[], rungs=[{"at_percent": 25, "keep_percent": 50}])
    assert Sweep.model_validate(json.loads(there.model_dump_json())) == there


def test_a_rung_keeps_half_of_a_bracket_by_default_and_a_bracket_is_no_larger_than_the_sweep():
    halved = sweep(rungs=[{"at_percent": 25}])
    assert (halved.rungs[0].keep_percent, halved.bracket, halved.bracket_points) == (50, 4_096, 100)
    learning = sweep(rungs=[{"at_percent": 25}], sampler={"kind": "optuna:tpe", "batch": 16})
    assert learning.bracket_points == 16


@pytest.mark.parametrize(("page", "size"), [("luck.md", (4_096, 6, 4, 0)), ("sweeps.md", (10_000, 6, 6, 2))])
def test_the_sweep_file_of_a_page_is_one(page, size):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    document = yaml.safe_load(example)
    shown = Sweep.model_validate(document)
    assert not any(path[-1] in document or path[-1] in document["sampler"] for path in shown.unused)
    assert (shown.n_points, shown.markets.size, len(shown.space.dimensions), len(shown.rungs)) == size


MISTAKES = [
    ({"vary": {"strategy.stop_loss_percen": {"grid": [1]}}},
     "vary.strategy.stop_loss_percen: is not a known field; did you mean strategy.stop_loss_percent?."),
    ({"vary": {"gas.base_fee_gwei": {"grid": [1]}}},
     "vary.gas.base_fee_gwei: is no field that can vary; name one of strategy, one of trading or initial_balance_usd."),
    ({"vary": {"strategy.allowed_tokens": {"grid": ["WETH"]}}},
     "vary.strategy.allowed_tokens: is no single value; only such fields and those of custom_parameters can vary."),
    ({"vary": {STOP: {"grid": [1, 60]}}}, f"vary.{STOP}: grid 60 should be less than or equal to 50."),
    ({"vary": {STOP: {"grid": [1.234]}}}, f"vary.{STOP}: grid 1.234 has more than two decimals."),
    ({"vary": {STOP: {"uniform": [0.01, 5]}}}, f"vary.{STOP}: uniform 0.01 should be greater than or equal to 0.1."),
    ({"vary": {STOP: {"grid": [True]}}}, f"vary.{STOP}: grid True is no number or text."),
    ({"vary": {STOP: {"grid": [[1]]}}}, f"vary.{STOP}.grid.0: [1] is no number, text, true or false."),
    ({"vary": {STOP: {"grid": [float("inf")]}}}, f"vary.{STOP}.grid.0 inf: inf is no finite number."),
    ({"vary": {STOP: {"grid": []}}}, f"vary.{STOP}.grid has too few entries."),
    ({"vary": {STOP: {"grid": [1, 2, 1.0]}}}, f"vary.{STOP}: grid lists 1.0 twice."),
    ({"vary": {STOP: {"grid": ["1", "2", "2.0"]}}}, f"vary.{STOP}: grid lists '2' and '2.0', which are the same; leave one out."),
    ({"vary": {STOP: {"choice": [2, "2"]}}}, f"vary.{STOP}: choice lists 2 and '2', which are the same; leave one out."),
    ({"vary": {"strategy.use_fast_lane": {"choice": [True, "yes"]}}},
     "vary.strategy.use_fast_lane: choice lists True and 'yes', which are the same; leave one out."),
    ({"vary": {STOP: {"uniform": [1, 3], "step": 0.001}}},
     f"vary.{STOP}: step 0.001 of uniform is too fine for the field, which takes steps of 0.01; give 0.01 or more."),
    ({"vary": {"trading.execution_delay_ms": {"uniform": [0, 9], "step": 0.5}}},
     "vary.trading.execution_delay_ms: step 0.5 of uniform is too fine for the field, which takes whole numbers only; give 1 or more."),
    ({"vary": {"strategy.max_daily_trades": {"integer": [5, 50], "step": 70}}},
     "vary.strategy.max_daily_trades: step 70 of integer is more than there is from 5 to 50; give 45 at most."),
    ({"vary": {STOP: {"uniform": [1, 3], "step": 10}}},
     f"vary.{STOP}: step 10 of uniform is more than there is from 1 to 3; give 2 at most."),
    ({"vary": {STOP: {}}}, f"vary.{STOP}: no way given; give exactly one of grid, choice, integer, uniform, log_uniform."),
    ({"vary": {STOP: {"grid": [1], "choice": [2]}}},
     f"vary.{STOP}: grid and choice given; give exactly one of grid, choice, integer, uniform, log_uniform."),
    ({"vary": {STOP: {"uniform": [5, 5]}}}, f"vary.{STOP}: uniform from 5.0 to 5.0 has no room; give the lower number first."),
    ({"vary": {"trading.base_slippage_percent": {"log_uniform": [0, 5]}}},
     "vary.trading.base_slippage_percent: log_uniform begins at 0.0, which has no logarithm; begin above 0."),
    ({"vary": {STOP: {"grid": [1], "step": 2}}}, f"vary.{STOP}: step goes with integer or uniform, not with grid."),
    ({"vary": {STOP: {"integer": [1, 5], "step": 0.5}}}, f"vary.{STOP}: step 0.5 of integer is no whole number."),
    ({"vary": {STOP: {"uniform": [1, 50], "step": 1e-6}}}, f"vary.{STOP}: step 1e-06 makes more than 1,000,000 values."),
    ({"vary": {}}, "vary has too few entries."),
    ({"constraints": ["stop <= "]}, "constraints.0: 'stop <= ' is no comparison of two fields; write FIELD <= FIELD, or with <, >= or >."),
    ({"constraints": [f"__import__('os') <= {STOP}"]},
     f"constraints.0: \"__import__('os') <= {STOP}\" is no comparison of two fields; write FIELD <= FIELD, or with <, >= or >."),
    ({"constraints": [f"{STOP} <= {TARGET}"]}, f"constraints.0: names {TARGET}, which does not vary."),
    ({"vary": {STOP: {"grid": [1]}, "strategy.trading_mode": {"choice": ["CUSTOM"]}}, "constraints": [f"{STOP} < strategy.trading_mode"]},
     "constraints.0: compares a text with a number."),
    ({"vary": {"strategy.custom_parameters.a": {"choice": [1, "one"]}, STOP: {"grid": [1]}}, "constraints": [f"{STOP} < strategy.custom_parameters.a"]},
     "constraints.0: compares a text with a number."),
    ({"trials": None}, "trials: is missing; sampler random must be told how many points to try."),
    ({"trials": 0}, "trials 0: input should be greater than or equal to 1."),
    ({"sampler": {"kind": "grid"}, "trials": None},
     f"vary.{STOP}.uniform: has no end of values for a grid; give values or a step."),
    ({"sampler": {"kind": "grid"}, "vary": {STOP: {"grid": [1]}}}, "trials: goes with the other samplers; a grid tries all of its points."),
    ({"sampler": {"kind": "sobol"}, "trials": 2**31}, "trials: 2147483648 are more than the 1073741824 of a Sobol sequence."),
    ({"sampler": {"kind": "optuna:cmaes"}, "objectives": [{}, {"figure": "return_percent"}]},
     "objectives: are several, and optuna:cmaes knows one; take optuna:nsga2."),
    ({"objectives": [{}, {}]}, "objectives: has a figure twice."),
    ({"markets": {"seeds": [1, 1]}}, "markets.seeds: has an entry twice, which is no further market."),
    ({"rungs": [{"at_percent": 50, "keep_percent": 50}, {"at_percent": 25, "keep_percent": 50}]}, "rungs: at_percent 25.0 is not after 50.0."),
    ({"rungs": [{"at_percent": 50, "keep_percent": 100}]}, "rungs.0.keep_percent 100: input should be less than 100."),
    ({"rungs": [{"at_percent": 50}], "trials": 9_999, "markets": {"seeds": list(range(40))}},
     "bracket: 4,096 points on 40 markets are 163,840 trials carried at once; 131,072 are the most."),
    ({"rungs": [{"at_percent": 50}], "sampler": {"kind": "optuna:tpe", "batch": 5_000}, "trials": 9_999, "markets": {"seeds": list(range(40))}},
     "sampler.batch: 5,000 points on 40 markets are 200,000 trials carried at once; 131,072 are the most."),
    ({"scenario": 7}, "scenario 7: 7 is neither a path nor a scenario."),
    ({"scenarios": "x"}, "scenarios is not a known field; `paperdex scenario sweep-schema` lists them all."),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "sentence"), MISTAKES, ids=[sentence[:60] for _, sentence in MISTAKES])
def test_a_mistake_is_one_sentence_with_the_path_of_its_field(fields, sentence):
    assert refusal(**fields) == sentence
