"""What points are worth, from the trials that are stored of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.sweeping.figures import across, figure
from simulation.sweeping.halving import Pruned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.sweeping.samplers import Results
    from simulation.sweeping.settings import Sweep
    from storage.sweep_records import TrialFigures

    Array = NDArray[np.float64]


def of_points(sweep: Sweep, trials: TrialFigures) -> Array:
    """Return the objectives of points that were traded on all markets: (n_points, n_objectives)."""
    by_market = [figure(one.figure, trials.column).reshape(-1, sweep.markets.size) for one in sweep.objectives]
    return np.stack([across(values, one) for values, one in zip(by_market, sweep.objectives, strict=True)], axis=1)


def has_failed(sweep: Sweep, trials: TrialFigures) -> NDArray[np.bool_]:
    """Tell of each point whether it failed on any market."""
    return np.asarray(trials.failed.reshape(-1, sweep.markets.size).any(axis=1))


def was_pruned(sweep: Sweep, trials: TrialFigures) -> NDArray[np.bool_]:
    """Tell of each point whether it ended at a rung, as it then did on all markets."""
    return np.asarray(trials.pruned.reshape(-1, sweep.markets.size).any(axis=1))


def results_of(sweep: Sweep, trials: TrialFigures, numbers: Sequence[int]) -> list[Results]:
    """Return the results of some points that were traded on all markets; None for one that failed on any."""
    assert trials.point[:: sweep.markets.size].tolist() == list(numbers), "all of them have been committed"
    return [
        None if failed else Pruned(int(periods), row[0]) if pruned else tuple(row)
        for failed, pruned, periods, row in zip(
            has_failed(sweep, trials),
            was_pruned(sweep, trials),
            trials.column("periods")[:: sweep.markets.size],
            of_points(sweep, trials).tolist(),
            strict=True,
        )
    ]
