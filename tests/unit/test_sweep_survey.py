"""What a report reads of a sweep: whole points, the best, the front, a sample; and the statistics over them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from sweep_samples import STOP, SWEEP, TARGET, Trials, sweep_of

from cluster.sweeping import survey as surveying
from cluster.sweeping.axes import BINS, axes_of, medians_by_cell
from cluster.sweeping.importance import importances
from cluster.sweeping.stability import rank_correlation, stability
from cluster.sweeping.survey import sampled, survey
from simulation.sweeping.settings import Direction

SCORES = arrays(np.int64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, 5))


def peak(setting, market):
    """Return the Sharpe ratio of a setting: highest at a stop of 3 + market, whatever the target."""
    return 10.0 - abs(setting[STOP] - 3 - market) + setting[TARGET] / 1000


def test_only_points_that_were_traded_to_the_end_on_all_markets_are_compared():
    sweep = sweep_of()
    status = {(0, 0): "ERROR", (1, 1): "PRUNED", (2, 0): "PRUNED", (2, 1): "ERROR", (3, 1): "MISSING"}
    found = survey(Trials(sweep, peak, status), SWEEP, sweep)
    assert (found.points, found.failed, found.pruned) == (96, 2, 1)
    assert found.sample.numbers.tolist() == list(range(4, 100))
    assert [found.settings[0][TARGET], found.settings[-1][TARGET]] == [5, 10]


def test_a_pruned_point_is_never_the_best():
    sweep = sweep_of()
    best = survey(Trials(sweep, peak), SWEEP, sweep).best.numbers[0]
    pruned = survey(Trials(sweep, peak, {(int(best), 0): "PRUNED"}), SWEEP, sweep)
    assert best not in pruned.best.numbers
    assert best not in pruned.champions.numbers


def test_what_is_found_does_not_depend_on_how_many_trials_are_read_at_once(monkeypatch):
    sweep = sweep_of(
        objectives=[{"figure": "sharpe_ratio"}, {"figure": "max_drawdown_percent", "direction": "minimize"}]
    )
    whole = survey(Trials(sweep, peak), SWEEP, sweep)
    monkeypatch.setattr(surveying, "ROWS_AT_ONCE", 14)
    trials = Trials(sweep, peak)
    parts = survey(trials, SWEEP, sweep)
    assert max(trials.asked) == 14
    for name in ("best", "champions", "front", "sample"):
        assert getattr(parts, name).numbers.tolist() == getattr(whole, name).numbers.tolist()
    assert parts.front_size == whole.front_size > 1


def test_each_market_has_its_own_champion():
    sweep = sweep_of()
    trials = Trials(sweep, peak)
    found = survey(trials, SWEEP, sweep)
    stops = [trials.settings[number][STOP] for number in found.champions.numbers.tolist()]
    assert stops == [3, 4]


def test_a_bounded_number_of_markets_have_a_champion(monkeypatch):
    monkeypatch.setattr(surveying, "MARKETS_COMPARED", 2)
    sweep = sweep_of(markets={"seeds": [1, 2, 3]})
    found = survey(Trials(sweep, peak), SWEEP, sweep)
    assert found.champions.values.shape == (2, 3, 1)


def test_a_figure_of_which_less_is_better_has_the_lowest_as_best():
    sweep = sweep_of(objectives=[{"figure": "max_drawdown_percent", "direction": "minimize"}])
    found = survey(Trials(sweep, peak), SWEEP, sweep)
    assert found.best.values[0, :, 0].mean() == found.sample.values[:, :, 0].mean(axis=1).min()


def test_a_sweep_of_which_nothing_is_traded_has_nothing_to_tell():
    sweep = sweep_of()
    found = survey(Trials(sweep, peak, points=0), SWEEP, sweep)
    assert (found.points, len(found.sample), len(found.best), found.settings) == (0, 0, 0, ())


def test_a_long_front_is_thinned_and_counted(monkeypatch):
    monkeypatch.setattr(surveying, "FRONT_MAX", 4)
    sweep = sweep_of(
        objectives=[{"figure": "sharpe_ratio"}, {"figure": "max_drawdown_percent", "direction": "minimize"}]
    )
    found = survey(Trials(sweep, lambda setting, _: setting[STOP] + setting[TARGET] / 100), SWEEP, sweep)
    assert (len(found.front), found.front_size) == (4, 100)


@given(st.integers(0, 10**12), st.integers(1, 300))
def test_a_sample_is_in_order_and_without_repeats(n_points, wanted):
    numbers = sampled(n_points, wanted)
    assert (np.diff(numbers) > 0).all()
    assert len(numbers) <= wanted
    assert len(numbers) == 0 or 0 <= numbers[0] <= numbers[-1] < n_points


def test_a_sample_sees_every_value_of_a_field_of_a_large_grid():
    numbers = sampled(1000 * 1000, 8_192)
    assert len(np.unique(numbers % 1000)) > 990
    assert len(np.unique(numbers // 1000)) > 990


def test_rank_correlations_are_those_of_spearman():
    scores = np.array([[1.0, 5, 2], [2, 4, 2], [3, 4, 9], [4, 1, 0]])
    expected = spearmanr(scores).statistic
    assert rank_correlation(scores) == pytest.approx(expected)


def test_a_market_on_which_all_points_do_equally_has_no_rank_correlation():
    assert np.isnan(rank_correlation(np.array([[1.0, 2], [1, 3], [1, 4]]))[0, 1])


def test_one_optimum_on_all_markets_is_stable():
    scores = np.arange(20.0)[:, np.newaxis] + np.zeros(3)
    found = stability(scores, scores[[19, 19, 19]])
    assert found.mean_elsewhere_percent == 100.0
    assert found.mean_correlation == pytest.approx(1.0)


def test_opposite_markets_have_no_stable_optimum():
    scores = np.stack([np.arange(20.0), -np.arange(20.0)], axis=1)
    found = stability(scores, scores[[19, 0]])
    assert found.mean_elsewhere_percent == 5.0  # of twenty points, the worst is no worse than itself
    assert found.mean_correlation == pytest.approx(-1.0)


def test_a_field_that_decides_is_more_important_than_one_that_does_not():
    sweep = sweep_of()
    trials = Trials(sweep, peak)
    settings = list(trials.settings.values())
    values = [peak(setting, 0) for setting in settings]
    found = importances(axes_of(sweep.space.dimensions), settings, values, Direction.MAXIMIZE)
    assert list(found) == [STOP, TARGET]
    assert found[STOP] > 0.8
    assert sum(found.values()) == pytest.approx(1.0)


def test_what_is_important_for_the_lowest_is_another_thing():
    sweep = sweep_of()
    settings = list(Trials(sweep, peak).settings.values())
    values = [setting[TARGET] - (5 if setting[STOP] == 2 else 0) * (setting[TARGET] < 3) for setting in settings]
    highest = importances(axes_of(sweep.space.dimensions), settings, values, Direction.MAXIMIZE)
    lowest = importances(axes_of(sweep.space.dimensions), settings, values, Direction.MINIMIZE)
    assert highest[TARGET] > lowest[TARGET]


@pytest.mark.parametrize(
    ("n_points", "values"), [(10, range(10)), (100, [1.0] * 100)], ids=["too few points", "no difference"]
)
def test_importance_is_not_told_where_there_is_nothing_to_tell_it_from(n_points, values):
    sweep = sweep_of()
    settings = list(Trials(sweep, peak).settings.values())[:n_points]
    assert importances(axes_of(sweep.space.dimensions), settings, list(values), Direction.MAXIMIZE) == {}


VARIED = {
    "few values": ({"grid": [1, 5, 2]}, [5, 2], [0.5, 1.0], [1, 2]),
    "many values": ({"integer": [1, 24]}, [1, 2, 24], [0.0, 1 / 23, 1.0], [0, 0, 11]),
    "any number": ({"uniform": [1, 13]}, [1, 6.5, 13], [0.0, 5.5 / 12, 1.0], [0, 5, 11]),
    "even in logarithms": ({"log_uniform": [1, 49]}, [1, 7, 49], [0.0, 0.5, 1.0], [0, 6, 11]),
}


@pytest.mark.parametrize(("how", "values", "units", "bins"), VARIED.values(), ids=VARIED)
def test_a_value_has_its_place_on_the_axis_of_its_field(how, values, units, bins):
    (axis,) = axes_of(sweep_of(vary={STOP: how}, sampler={"kind": "random"}, trials=5).space.dimensions).values()
    assert axis.units(values) == pytest.approx(units)
    assert axis.bins(values).tolist() == bins
    assert len(axis.labels()) == len(axis.starts()) == axis.n_bins <= max(BINS, 16)
    assert all(label.startswith(start) for label, start in zip(axis.labels(), axis.starts(), strict=True))


def test_texts_and_truths_are_values_of_their_own():
    vary = {"strategy.use_fast_lane": {"choice": [True, False]}, "strategy.trading_mode": {"choice": ["CUSTOM"]}}
    axes = axes_of(sweep_of(vary=vary).space.dimensions)
    assert list(axes) == ["strategy.use_fast_lane"]  # a field of one value is no axis
    assert axes["strategy.use_fast_lane"].labels() == ["True", "False"]


def test_a_cell_is_the_median_of_the_points_in_it():
    medians, counts = medians_by_cell(
        np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1]), (2, 2), np.array([1.0, 9.0, 2.0, 4.0])
    )
    assert counts.tolist() == [[3, 0], [0, 1]]
    assert medians[0, 0] == 2.0
    assert medians[1, 1] == 4.0
    assert np.isnan(medians[0, 1])
