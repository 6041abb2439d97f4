"""The figures that trials are judged by, from those that are kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.performance.metrics import PROFIT_FACTOR_CAP
from simulation.sweeping.settings import Across, Direction, Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from simulation.sweeping.settings import Objective

    Array = NDArray[np.float64]
    Kept = Callable[[str], Array]
    """Gives a kept figure of all trials, (n_trials,), by the name of its column in the table of trials."""


def figure(name: Figure, kept: Kept) -> Array:
    """Return what trials are judged by, (n_trials,)."""
    derive = _DERIVED.get(name)
    return kept(name.value) if derive is None else derive(kept)


def across(values: Array, objective: Objective) -> Array:
    """Return one figure for each point, (n_points,), from those on its markets, (n_points, n_markets)."""
    if objective.across is Across.MEAN:
        return np.asarray(values.mean(axis=1))
    if objective.across is Across.MEDIAN:
        return np.asarray(np.median(values, axis=1))
    return np.asarray(values.min(axis=1) if objective.direction is Direction.MAXIMIZE else values.max(axis=1))


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, where=whole > 0, out=np.zeros(len(part)))


def _profit_factors(kept: Kept) -> Array:
    won, lost = kept("won_usd"), kept("lost_usd")
    without_loss = (lost == 0) & (won > 0)
    return np.where(without_loss, PROFIT_FACTOR_CAP, np.minimum(_share(won, lost), PROFIT_FACTOR_CAP))


def _win_rates(kept: Kept) -> Array:
    winning, losing = kept("winning_trades"), kept("losing_trades")
    return 100.0 * _share(winning, winning + losing)


_DERIVED: dict[Figure, Callable[[Kept], Array]] = {
    Figure.PROFIT_FACTOR: _profit_factors,
    Figure.WIN_RATE_PERCENT: _win_rates,
}
