"""What must hold of the points of a sweep: every one by its number, within bounds and constraints, in any order."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy
from simulation.sweeping.adaptive import AdaptiveSampler
from simulation.sweeping.columns import columns_of
from simulation.sweeping.constraints import parsed
from simulation.sweeping.pareto import pareto_front
from simulation.sweeping.samplers import GridSampler, RandomSampler, SobolSampler, sampler_of
from simulation.sweeping.settings import Sweep
from simulation.sweeping.space import Continuous, Listed, Space

STOP, TARGET, DELAY = "strategy.stop_loss_percent", "strategy.take_profit_percent", "trading.execution_delay_ms"
MIXED = Space(
    (
        Continuous(STOP, 1.0, 20.0, is_log=False, places=2),
        Continuous(TARGET, 1.0, 100.0, is_log=True, places=2),
        Listed(DELAY, range(0, 1001, 50), ordered=True),
        Listed("strategy.trading_mode", ("CUSTOM", "MODERATE"), ordered=False),
    ),
    (parsed(f"{STOP} <= {TARGET}"),),
)
UNLEARNING = {"random": RandomSampler(MIXED, seed=5), "sobol": SobolSampler(MIXED, seed=5)}
LISTED = Space((Listed(STOP, (1, 2.5, 0.0), ordered=True), *MIXED.dimensions[2:]))
NUMBERED = {**UNLEARNING, "grid": GridSampler(LISTED)}
NUMBERS = st.lists(st.integers(0, 3000), min_size=1, max_size=8)

unlearning = pytest.mark.parametrize("sampler", UNLEARNING.values(), ids=UNLEARNING)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_a_grid_has_every_combination_once_in_the_order_of_the_file(sizes):
    space = Space(tuple(Listed(f"f{place}", range(size), ordered=True) for place, size in enumerate(sizes)))
    points = GridSampler(space).ask(range(space.size))
    assert [tuple(point.values()) for point in points] == list(itertools.product(*map(range, sizes)))
    assert all(list(point) == [f"f{place}" for place in range(len(sizes))] for point in points)


def test_a_grid_of_a_thousand_million_points_has_its_last_one_at_once():
    space = Space(tuple(Listed(f"f{place}", range(1000), ordered=True) for place in range(3)))
    assert space.size == 10**9
    assert GridSampler(space).ask([10**9 - 1, 1_002_003]) == [
        {"f0": 999, "f1": 999, "f2": 999},
        {"f0": 1, "f1": 2, "f2": 3},
    ]


@unlearning
@settings(max_examples=25)
@given(numbers=NUMBERS)
def test_a_number_has_the_same_point_whatever_was_asked_with_it(sampler, numbers):
    assert sampler.ask(numbers) == [sampler.ask([number])[0] for number in numbers]


def told(columns):
    """Return what columns say, with values as they are written: 0.0 and -0.0 differ, and so do 1, 1.0 and true."""
    return [(column.path, list(map(repr, column.values)), column.codes.tolist()) for column in columns]


@pytest.mark.parametrize("sampler", NUMBERED.values(), ids=NUMBERED)
@settings(max_examples=25)
@given(numbers=st.lists(st.integers(0, LISTED.size - 1), max_size=8))
def test_columns_of_many_numbers_are_those_of_each_number_asked_alone(sampler, numbers):
    columns = sampler.columns(np.array(numbers, np.int64))
    assert [column.path for column in columns] == [part.path for part in sampler.space.dimensions]
    points = [sampler.ask([number])[0] for number in numbers]
    assert told(columns) == (told(columns_of(points)) or [(column.path, [], []) for column in columns])


def alone(dimension, unit):
    """Return the value at one place in [0, 1), in Python's own numbers."""
    if isinstance(dimension, Listed):
        return dimension.values[min(int(unit * dimension.size), dimension.size - 1)]
    low, high = dimension.low, dimension.high
    number = math.exp(math.log(low) + unit * math.log(high / low)) if dimension.is_log else low + unit * (high - low)
    within = min(max(number, low), high)
    if dimension.places is None:
        return within
    return round(within, dimension.places) if dimension.places else round(within)


PLACES = st.sampled_from([None, 0, 1, 2, 6])
BOUND = st.floats(0.001, 1e6)
DIMENSIONS = st.one_of(
    st.builds(
        lambda low, width, is_log, places: Continuous("f", low, low + width, is_log, places),
        BOUND, BOUND, st.booleans(), PLACES,
    ),
    st.builds(lambda low, high, places: Continuous("f", -low, high, is_log=False, places=places), BOUND, BOUND, PLACES),
    st.integers(1, 9).map(lambda size: Listed("f", range(size), ordered=True)),
)  # fmt: skip


@given(DIMENSIONS, st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=9))
def test_a_dimension_has_the_same_values_at_many_places_as_at_each(dimension, units):
    column = dimension.at(np.array(units))
    assert told([column]) == told(columns_of([{"f": alone(dimension, unit)} for unit in units]))


def test_zeros_of_either_sign_are_two_values():
    around = Continuous("f", -1.0, 1.0, is_log=False, places=1)
    assert list(map(repr, around.at(np.array([0.499, 0.501, 0.499])).values)) == ["-0.0", "0.0"]


@unlearning
@settings(max_examples=25)
@given(numbers=NUMBERS)
def test_the_columns_that_a_space_allows_are_the_points_that_it_allows(sampler, numbers):
    columns = sampler.columns(np.array(numbers))
    allowed = MIXED.allowed(columns)
    points = [point for point in sampler.ask(numbers) if MIXED.allows(point)]
    assert told([column.only(allowed) for column in columns if points]) == told(columns_of(points))
    assert allowed.sum() == len(points)


@unlearning
@settings(max_examples=25)
@given(numbers=NUMBERS)
def test_points_are_within_their_bounds_and_decimals(sampler, numbers):
    for point in sampler.ask(numbers):
        assert 1.0 <= point[STOP] <= 20.0
        assert 1.0 <= point[TARGET] <= 100.0
        assert point[DELAY] in range(0, 1001, 50)
        AccountSpec.model_validate(
            {
                "name": "any",
                "strategy": {path.partition(".")[2]: value for path, value in point.items() if path != DELAY},
                "trading": {"execution_delay_ms": point[DELAY]},
            }
        )


@unlearning
def test_points_fill_the_space_evenly(sampler):
    points = sampler.ask(range(1024))
    assert np.mean([point[STOP] for point in points]) == pytest.approx(10.5, abs=0.7)
    assert np.mean([point[TARGET] <= 10.0 for point in points]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([point["strategy.trading_mode"] == "CUSTOM" for point in points]) == pytest.approx(0.5, abs=0.06)


@unlearning
def test_another_seed_has_other_points(sampler):
    assert type(sampler)(MIXED, seed=6).ask([0, 1]) != sampler.ask([0, 1])


def test_a_random_field_keeps_its_values_when_another_field_varies_too():
    alone = RandomSampler(Space(MIXED.dimensions[1:2]), seed=5).ask(range(20))
    assert [point[TARGET] for point in alone] == [point[TARGET] for point in UNLEARNING["random"].ask(range(20))]


@settings(max_examples=20)
@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 6))
def test_sobol_points_are_those_of_scipy(first, count, n_dimensions):
    space = Space(tuple(Continuous(f"f{place}", 0.0, 1.0, is_log=False, places=None) for place in range(n_dimensions)))
    engine = qmc.Sobol(n_dimensions, scramble=True, rng=9)
    units = engine.random_base2(10)[first : first + count]
    points = SobolSampler(space, seed=9).ask(range(first, first + count))
    assert (np.array([list(point.values()) for point in points]) == units).all()


def test_a_sobol_sampler_does_not_warn_of_numbers_that_are_no_power_of_two():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(UNLEARNING["sobol"].ask([0, 1, 2, 900])) == 4


@unlearning
@settings(max_examples=25)
@given(numbers=NUMBERS)
def test_the_space_allows_just_the_points_that_keep_to_its_constraints(sampler, numbers):
    for point in sampler.ask(numbers):
        assert MIXED.allows(point) == (point[STOP] <= point[TARGET])


def test_a_point_that_breaks_a_constraint_is_a_trial_with_its_number():
    grid = {
        "scenario": "base.yaml",
        "vary": {STOP: {"grid": [1, 5, 9]}, TARGET: {"grid": [1, 5, 9]}},
        "constraints": [f"{STOP} <= {TARGET}"],
        "sampler": {"kind": "grid"},
    }
    sweep = Sweep.model_validate(grid)
    points = sampler_of(sweep).ask(range(sweep.n_points))
    assert [number for number, point in enumerate(points) if not sweep.space.allows(point)] == [3, 6, 7]


# Samplers that learn


class Scripted:
    """A study whose points are functions of all that it has learnt, in order."""

    def __init__(self):
        self.learnt = []

    def choose(self):
        return {"f": hash(tuple(self.learnt)) % 1000}

    def learn(self, number, results):
        self.learnt.append((number, results))


ANY = Space((Listed("f", range(1000), ordered=True),))


def told_in_order_of(shuffled):
    """Return the points of three batches of four when results arrive in another order, and what was learnt."""
    study = Scripted()
    sampler = AdaptiveSampler(ANY, study, batch=4)
    points = []
    for batch in range(3):
        numbers = range(4 * batch, 4 * batch + 4)
        points += sampler.ask(numbers)
        for place in shuffled:
            sampler.tell([numbers[place]], [(float(points[numbers[place]]["f"]),)])
    return points, study.learnt


@given(st.permutations(range(4)))
def test_the_points_do_not_depend_on_the_order_in_which_results_arrive(shuffled):
    assert told_in_order_of(shuffled) == told_in_order_of(range(4))


@given(st.permutations(range(12)))
def test_a_sweep_that_is_taken_up_finds_the_same_points_by_telling_what_is_stored(order):
    points, _ = told_in_order_of(range(4))
    again = AdaptiveSampler(ANY, Scripted(), batch=4)
    for batch in range(3):
        assert again.ask(range(4 * batch, 4 * batch + 4)) == points[4 * batch : 4 * batch + 4]
        stored = [number for number in order if number // 4 == batch]
        again.tell(stored, [(float(points[number]["f"]),) for number in stored])


def test_a_batch_is_not_chosen_before_the_one_before_it_is_known():
    sampler = AdaptiveSampler(ANY, Scripted(), batch=4)
    sampler.ask([0, 1, 2, 3])
    sampler.tell([0, 1, 3], [(1.0,)] * 3)
    with pytest.raises(ValueError, match="trial 2 was not told"):
        sampler.ask([4])


def test_a_failed_trial_is_learnt_as_one_without_results():
    study = Scripted()
    sampler = AdaptiveSampler(ANY, study, batch=2)
    sampler.ask([0, 1])
    sampler.tell([1, 0], [None, (2.0,)])
    sampler.ask([2])
    assert study.learnt == [(0, (2.0,)), (1, None)]


def test_a_trial_that_a_constraint_skips_need_not_be_told():
    never = Space(
        (Listed("f", range(1000), ordered=True), Listed("g", (1,), ordered=True)), (parsed("g < f"), parsed("f < g"))
    )

    class Fixed(Scripted):
        def choose(self):
            return {"f": 1, "g": 1}

    study = Fixed()
    sampler = AdaptiveSampler(never, study, batch=2)
    sampler.ask([0, 1])
    sampler.ask([2])
    assert study.learnt == [(0, None), (1, None)]


def optuna_sweep(kind, **fields):
    return Sweep.model_validate(
        {
            "scenario": "base.yaml",
            "vary": {STOP: {"uniform": [1, 20]}, TARGET: {"log_uniform": [1, 100]}, DELAY: {"integer": [0, 1000]},
                     "strategy.trading_mode": {"choice": ["CUSTOM", "MODERATE"]}},
            "trials": 48,
            "sampler": {"kind": kind, "seed": 3, "batch": 8},
            **fields,
        }
    )  # fmt: skip


def searched(sweep):
    """Return the points of a search for a stop of 7 and an early target, every ninth trial failing."""
    sampler = sampler_of(sweep)
    points = []
    for batch in range(6):
        numbers = range(8 * batch, 8 * batch + 8)
        asked = sampler.ask(numbers)
        results = [(-((point[STOP] - 7.0) ** 2), -point[TARGET])[: len(sweep.objectives)] for point in asked]
        sampler.tell(
            numbers, [None if number % 9 == 8 else result for number, result in zip(numbers, results, strict=True)]
        )
        points += asked
    return points


@pytest.mark.parametrize("kind", ["optuna:tpe", "optuna:cmaes", "optuna:nsga2"])
def test_a_study_of_optuna_is_repeatable_and_within_bounds(kind):
    points = searched(optuna_sweep(kind))
    assert points == searched(optuna_sweep(kind))
    assert all(1.0 <= point[STOP] <= 20.0 and 1.0 <= point[TARGET] <= 100.0 for point in points)


def test_optuna_learns_from_what_it_is_told():
    points = searched(optuna_sweep("optuna:tpe"))
    first, last = points[:8], points[-16:]
    assert np.median([abs(p[STOP] - 7) for p in last]) < np.median([abs(p[STOP] - 7) for p in first])


def test_optuna_takes_several_objectives():
    objectives = [{"figure": "sharpe_ratio"}, {"figure": "return_percent"}]
    sweep = optuna_sweep("optuna:nsga2", objectives=objectives)
    assert searched(sweep) == searched(sweep)


# The Pareto front


def slow_front(rows):
    return [
        not any((other >= row).all() and (other > row).any() for other in rows) and not np.isnan(row).any()
        for row in rows
    ]


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-3, 3) | st.just(-np.inf), min_size=n, max_size=n), min_size=1, max_size=30
        )
    )
)
def test_the_front_is_what_no_row_dominates(rows):
    figures = np.array(rows, dtype=np.float64)
    assert pareto_front(figures).tolist() == slow_front(figures)


def test_a_row_without_a_figure_is_not_on_the_front():
    figures = np.array([[np.nan, 9.0], [1.0, 1.0], [1.0, 1.0], [0.0, np.nan]])
    assert pareto_front(figures).tolist() == [False, True, True, False]
    assert not pareto_front(np.full((2, 2), np.nan)).any()
    assert pareto_front(np.empty((0, 2))).tolist() == []


def test_every_field_of_a_strategy_that_is_a_single_value_can_vary():
    single = [
        name for name, field in Strategy.model_fields.items() if field.annotation is int or "Percent" in str(field)
    ]
    for name in single:
        default = Strategy.model_fields[name].default
        Sweep.model_validate({"scenario": "b", "trials": 1, "vary": {f"strategy.{name}": {"grid": [int(default)]}}})
