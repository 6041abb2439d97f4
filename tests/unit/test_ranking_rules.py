"""What sorts points, which of them are independent looks, and how long their track records are."""

import numpy as np
import pytest
from busy import busy_scenario

from cluster.sweeping.plan import sweep_of, sweep_plan
from cluster.sweeping.ranking import rank
from storage.sweep_records import FIGURES, TrialFigures
from storage.trial_rows import PARTS

PERIODS = 8_760


class Trials:
    """A store with one sweep of trials that are made up."""

    def __init__(self, sharpes, repeated, *, alike):
        self._sharpes = np.array(sharpes, float).reshape(len(sharpes), -1)
        self._repeated, self._alike = np.array(repeated, np.int64), alike

    def repeated_points(self, _sweep_id):
        """Return the points that repeat another one."""
        return self._repeated

    def trials_between(self, _sweep_id, first, end):
        """Return trials whose annual Sharpe ratios are these, hour by hour; zero is a point that does not trade."""
        sharpes = self._sharpes[first:end]
        n_points, n_markets = sharpes.shape
        annual = sharpes.reshape(-1)
        trades = annual != 0
        values = {
            "sharpe_ratio": annual, "periods": np.full(len(annual), PERIODS),
            "return_mean": annual / np.sqrt(PERIODS) * 0.01, "return_deviation": 0.01 * trades,
            "kurtosis": np.full(len(annual), 3.0), "total_trades": 10.0 * trades, "max_drawdown_percent": annual,
        }  # fmt: skip
        luck = np.random.default_rng(7).normal(size=(len(self._sharpes) * n_markets, 2, PARTS)) ** 2
        sums = np.ones_like(luck) if self._alike else luck
        return TrialFigures(
            np.repeat(np.arange(first, first + n_points), n_markets),
            np.tile(np.arange(n_markets), n_points),
            np.zeros(len(annual), bool),
            np.zeros(len(annual), bool),
            np.stack([values.get(name, np.zeros(len(annual))) for name in FIGURES], axis=1),
            sums[first * n_markets : (first + n_points) * n_markets],
        )

    def settings_of(self, _sweep_id, point):
        """Return the setting of a point."""
        return {"point": point}

    def settings_of_points(self, _sweep_id, points):
        """Return the settings of points."""
        return {point: {"point": point} for point in points}


def ranking(sharpes, repeated=(), *, alike=False, **changes):
    """Return the ranking of points with these Sharpe ratios, on one market or on a row of several."""
    markets = np.array(sharpes).reshape(len(sharpes), -1).shape[1]
    document = {
        "scenario": "base.yaml", "vary": {"strategy.stop_loss_percent": {"uniform": [1, 20]}}, "trials": len(sharpes),
        "markets": {"seeds": list(range(markets))}, "sampler": {"kind": "random"}, **changes,
    }  # fmt: skip
    plan = sweep_plan(sweep_of(document, "it"), busy_scenario())
    return rank(Trials(sharpes, repeated, alike=alike), None, plan.sweep, plan.terms()[0], plan.n_paths)


def order(found):
    """Return the points as they are ranked."""
    return [one.point for one in found.ranked]


def test_points_that_are_certainly_good_or_certainly_bad_are_sorted_all_the_same():
    assert order(ranking([9, 10, 16, 15, 12, 11, 14, 13])) == [2, 3, 6, 7, 4, 5, 1, 0]
    assert order(ranking([-60, -5, -30, -50, -45])) == [1, 2, 4, 3, 0]


def test_a_point_that_never_trades_stands_above_those_that_lose_and_below_those_that_earn():
    found = ranking([-3, 0, 4, -20])
    assert order(found) == [2, 1, 0, 3]
    assert found.ranked[1].dsr == 0.0  # it shows nothing


@pytest.mark.parametrize(("across", "best"), [("mean", 0), ("worst", 1), ("median", 0)])
def test_what_sorts_is_taken_over_the_markets_as_the_objective_says(across, best):
    found = ranking([[30, -4], [5, 5]], objectives=[{"figure": "sharpe_ratio", "across": across}])
    assert order(found)[0] == best


def test_a_repeated_point_is_no_further_look_and_is_not_ranked():
    plain, doubled = ranking([1, 2, 3]), ranking([1, 2, 3, 3, 1], repeated=[3, 4])
    assert order(doubled) == order(plain)
    assert (doubled.points, doubled.repeated, plain.repeated) == (3, 2, 0)
    assert (doubled.verdict.n_trials, doubled.verdict.sr0) == (3, plain.verdict.sr0)


def test_a_track_record_is_as_long_as_its_markets_are_independent():
    markets = {"seeds": [1, 2], "regimes": ["calm", "bull"]}
    found = ranking([[2, 2, 2, 2], [1, 1, 1, 1]], markets=markets)
    alone = ranking([[2, 2, 2, 2], [1, 1, 1, 1]])
    assert (found.verdict.length, alone.verdict.length) == (2 * PERIODS, 4 * PERIODS)
    assert found.verdict.psr < alone.verdict.psr


def test_of_points_that_are_all_alike_none_is_chosen():
    assert ranking([1, 1], alike=True).overfitting is None
    assert ranking([1, 2]).overfitting is not None


def test_several_objectives_have_a_front():
    objectives = [{"figure": "sharpe_ratio"}, {"figure": "max_drawdown_percent", "direction": "minimize"}]
    found = ranking([3, 1, 2, 2], objectives=objectives, repeated=[3])
    assert [(one.point, one.objectives) for one in found.front] == [(0, (3.0, 3.0)), (2, (2.0, 2.0)), (1, (1.0, 1.0))]
    assert found.front_size == 3
    assert found.as_json()["front"][0] == {"point": 0, "settings": {"point": 0}, "objectives": (3.0, 3.0)}
    assert ranking([3, 1]).front == ()
