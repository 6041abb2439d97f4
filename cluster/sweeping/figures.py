"""What points are worth, from the trials that are stored of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simulation.sweeping.figures import across, figure
from simulation.sweeping.halving import Pruned
from storage.sweeps import FIGURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.sweeping.samplers import Results
    from simulation.sweeping.settings import Sweep
    from storage.sweep_records import TrialFigures

    Array = NDArray[np.float64]


def column(trials: TrialFigures, name: str) -> Array:
    """Return a stored figure of all trials, (n_trials,)."""
    values: Array = trials.figures[:, FIGURES.index(name)]
    return values


def of_points(sweep: Sweep, trials: TrialFigures) -> Array:
    """Return the objectives of points that were traded on all markets: (n_points, n_objectives)."""
    kept, n_markets = partial(column, trials), sweep.markets.size
    return np.stack([across(figure(one.figure, kept).reshape(-1, n_markets), one) for one in sweep.objectives], axis=1)


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
            column(trials, "periods")[:: sweep.markets.size],
            of_points(sweep, trials).tolist(),
            strict=True,
        )
    ]
