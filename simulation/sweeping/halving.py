"""Successive halving: where the rungs of a sweep lie, and which points go on after one.

Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016. Here in
brackets of consecutive points, each halved by itself, so that a million points take no more memory than a few thousand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.sweeping.figures import across
from simulation.sweeping.settings import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.sweeping.settings import Objective, Rung

LEAST_PERIODS = 2
"""Returns have no deviation, and points no Sharpe ratio, before so many."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a sampler is told of a point that ended at a rung."""

    periods: int
    """How many it had traded."""
    figure: float
    """The first objective there, which it was compared by."""


def rung_blocks(rungs: Sequence[Rung], blocks: int, review_blocks: int) -> tuple[int, ...]:
    """Return how many blocks of a market of so many blocks have been traded at each rung.

    Whole review periods, so that a period is never judged in part. A ValueError says which rung has no place.
    """
    found: list[int] = []
    for number, rung in enumerate(rungs):
        periods = math.ceil(blocks * rung.at_percent / 100 / review_blocks)
        where = f"{number}.at_percent {rung.at_percent:g}"
        lies = f"lies after {periods} of the {math.ceil(blocks / review_blocks)} review periods"
        if periods < LEAST_PERIODS:
            raise ValueError(f"{where}: {lies}; figures need {LEAST_PERIODS}")
        if periods * review_blocks >= blocks:
            raise ValueError(f"{where}: {lies}, which is no rung but the end")
        if found and periods * review_blocks == found[-1]:
            raise ValueError(f"{where}: {lies}, as the one before does")
        found.append(periods * review_blocks)
    return tuple(found)


def survivors(
    figures: NDArray[np.float64], compete: NDArray[np.bool_], objective: Objective, keep_percent: float
) -> NDArray[np.bool_]:
    """Return which points go on, (n_points,): the best ``keep_percent`` of those that compete, and one at least.

    ``figures``, (n_points, n_markets), are those of the objective so far; nan where a point failed or was skipped, and
    such a point does not compete. Of equal points the lower number goes on.
    """
    goes_on = np.zeros(len(figures), np.bool_)
    places = np.flatnonzero(compete & ~np.isnan(figures).any(axis=1))
    if len(places):
        values = across(figures[places], objective)
        best_first = np.argsort(-values if objective.direction is Direction.MAXIMIZE else values, kind="stable")
        goes_on[places[best_first[: math.ceil(len(places) * keep_percent / 100)]]] = True
    return goes_on
